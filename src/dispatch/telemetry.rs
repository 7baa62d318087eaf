//! What records commands: MONITOR, the logs of slow and large commands, the events of LATENCY.
//!
//! No secret is shown in any of them: see [`Spec::secret`](super::spec::Spec::secret).

use super::frame::Frame;
use super::spec::flag;
use super::table::Row;
use crate::peer::Address;
use crate::session::Slot;
use crate::telemetry::commandlog::{self, Cause, Entry};
use crate::telemetry::latency::{Sample, event};
use crate::text::quote;
use crate::wire::Args;
use crate::world::World;

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) nanos: u64,
    /// The bytes of its reply.
    pub(crate) reply: usize,
}

/// Keeps a command in the logs, and counts it as an event, if it reaches the thresholds.
#[cold]
pub(crate) fn log_if_slow(world: &mut World, row: &Row, slot: Slot, args: Args<'_>, cost: Cost) {
    if row.has(flag::SKIP_COMMANDLOG) {
        return;
    }
    let kind = if row.has(flag::FAST) { event::FAST_COMMAND } else { event::COMMAND };
    record_latency_event(world, kind, cost.nanos);
    for (cause, amount) in [
        (Cause::Slow, cost.nanos / 1000),
        (Cause::LargeRequest, args.wire_len() as u64),
        (Cause::LargeReply, cost.reply as u64),
    ] {
        offer(world, row, slot, args, cause, amount);
    }
}

/// Keeps a command in the log of large replies, if the one that it has been given later is large.
pub(crate) fn log_if_large(world: &mut World, row: &Row, slot: Slot, args: Args<'_>, reply: usize) {
    if reply >= world.thresholds.reply && !row.has(flag::SKIP_COMMANDLOG) {
        offer(world, row, slot, args, Cause::LargeReply, reply as u64);
    }
}

fn offer(world: &mut World, row: &Row, slot: Slot, args: Args<'_>, cause: Cause, amount: u64) {
    let World { commandlog, config, clients, now, .. } = world;
    let client = &clients[slot];
    let entry = || Entry {
        id: 0,
        at: now.seconds(),
        amount: 0,
        args: commandlog::cut(row.spec.shown(args)),
        addr: client.peer.addr.to_string(),
        name: client.name.clone(),
    };
    commandlog.offer(config, cause, amount, entry);
}

/// Counts something that took so long as an event, if that is too long.
pub(crate) fn record_latency_event(world: &mut World, kind: &'static str, nanos: u64) {
    let (threshold, millis) = (world.config.latency_monitor_threshold, nanos / 1_000_000);
    if threshold > 0 && millis >= threshold {
        world.events.add(kind, Sample { at: world.now.seconds(), millis });
    }
}

/// Shows a command to the clients of MONITOR.
#[inline]
pub(crate) fn feed_monitors(
    world: &mut World,
    row: &Row,
    frame: Frame,
    slot: Slot,
    args: Args<'_>,
) {
    if !world.monitors.is_empty() {
        feed_line(world, row, frame, slot, args);
    }
}

/// As [`feed_monitors`], for a command that is not shown when it is over, but before it runs.
#[cfg(feature = "lua")]
pub(crate) fn show_to_monitors(
    world: &mut World,
    row: &Row,
    frame: Frame,
    slot: Slot,
    args: Args<'_>,
) {
    if !world.monitors.is_empty() && frame != Frame::Replay {
        let line = line(world, row, frame, slot, args);
        world.feed_monitors(&line);
    }
}

#[cold]
fn feed_line(world: &mut World, row: &Row, frame: Frame, slot: Slot, args: Args<'_>) {
    if row.has(flag::ADMIN | flag::SKIP_MONITOR) || frame == Frame::Replay {
        return;
    }
    let line = line(world, row, frame, slot, args);
    world.feed_monitors(&line);
}

/// The line for a command, the same in both protocols: `+time [db address] "word" ...` The address of a
/// command that a script has called is `lua`, and of one that a command of the embedder or a handle has called `call`.
fn line(world: &World, row: &Row, frame: Frame, slot: Slot, args: Args<'_>) -> Vec<u8> {
    let (seconds, micros) = (world.now.seconds(), world.now.wall % 1_000_000);
    let client = &world.clients[slot];
    let mut line = Vec::with_capacity(64 + args.bytes());
    let origin = match (frame, &client.peer.addr) {
        (Frame::Script(_), _) => "lua".to_owned(),
        (Frame::Call, _) => "call".to_owned(),
        (_, Address::Unix(path)) => format!("unix:{path}"),
        (_, addr) => addr.to_string(),
    };
    let head = format!("+{seconds}.{micros:06} [{} {origin}]", client.db);
    line.extend_from_slice(head.as_bytes());
    for arg in row.spec.shown(args) {
        line.push(b' ');
        quote::push_quoted(&mut line, arg);
    }
    line.extend_from_slice(b"\r\n");
    line
}
