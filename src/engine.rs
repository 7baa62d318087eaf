//! The server without I/O: bytes in, bytes out, told what time it is.
//!
//! The driver of an engine (the reactor in `net`, or [`crate::embed::local`]) tells it the time with
//! [`Engine::turn`] and hands new connections, bytes and ends of streams to its [`Traffic`]; it sends what
//! [`Traffic::unsent`] shows of every client in [`Traffic::take_touched`], and closes those that are
//! [`Traffic::is_over`]. The engine never blocks, reads no clock, and knows no socket and no command.
//!
//! * `traffic`: connections and bytes, of an engine between its commands or in the middle of one that runs long;
//! * `requests`: from a client's bytes to its commands;
//! * `calls`: commands that the program calls which has the server in it;
//! * `deadlines`: what happens when time has passed;
//! * `duties`: what features do in every turn;
//! * `trace`: requests and replies in the wire log.
//!
//! The book: chapter 7, The loop (`book/src/07-the-loop.md`).

mod calls;
mod deadlines;
mod duties;
mod reactor;
mod requests;
mod trace;
mod traffic;

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::clock::Now;
use crate::config::{Config, LoadError};
use crate::dispatch::duty::Duty;
use crate::dispatch::{Frame, Invocation, NoDriver, Outcome, Table};
use crate::session::{Departure, Doom, Slot};
use crate::telemetry::Timer;
use crate::telemetry::stats::ReadNanos;
use crate::wire::{Args, Reply};
use crate::world::World;
pub(crate) use calls::HostCall;
pub(crate) use traffic::{Reading, Traffic};

/// A buffer of more bytes than this is given back when it is not needed.
const SPARE_BYTES: usize = 64 * 1024;

/// The server, as a value.
pub struct Engine {
    pub world: World,
    table: Table,
    timer: Timer,
    reading: Reading,
    /// What features do in every turn.
    duties: &'static [Duty],
    /// Calls that a pause holds back, in their order.
    calls: VecDeque<HostCall>,
    /// When `timeout` may next close an idle client, and the `timeout` from which that was computed.
    sweep: (u64, u32),
}

impl Engine {
    /// An engine with the commands of `table`. It is `now` until [`Engine::turn`] says otherwise.
    ///
    /// It fails when a `user` line of the configuration has a rule that is none.
    pub(crate) fn new(config: Config, table: Table, now: Now) -> Result<Engine, LoadError> {
        Ok(Engine {
            world: World::new(config, &table, now)?,
            table,
            timer: Timer::new(|| 0),
            reading: Reading::default(),
            duties: &[],
            calls: VecDeque::new(),
            sweep: (now.mono, 0),
        })
    }

    /// Commands are timed by this clock. Without it they take no time.
    pub(crate) fn time_commands_by(&mut self, read: ReadNanos) {
        self.timer = Timer::new(read);
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The traffic of clients, for the driver's turn.
    #[inline]
    pub(crate) fn traffic(&mut self) -> Traffic<'_> {
        let Engine { world, table, timer, reading, .. } = self;
        Traffic { world, table, timer, reading }
    }

    /// Runs one command from inside the server, for the client in `slot`: a log is replayed, an embedder calls.
    /// The reply is written to `reply`. What the command pushes to the client goes to the client's outbox, and
    /// so does a reply that is given later: see [`crate::dispatch::invoke`]. No other client is served before
    /// the command is over, however long it runs.
    pub fn invoke(
        &mut self,
        frame: Frame,
        slot: Slot,
        args: Args<'_>,
        reply: &mut Reply,
    ) -> Outcome {
        self.world.store.begin_effects();
        let Engine { world, table, timer, .. } = self;
        let driver = &mut NoDriver;
        let outcome = Invocation { world, table, timer, driver, reply, slot, frame, args }.invoke();
        self.timer.rest(&mut self.world.stats);
        self.world.store.shared.effects.hand_over();
        self.world.broadcast_changes();
        outcome
    }

    // For tests and embedders, who drive an engine by hand.

    /// As [`Traffic::hang_up`].
    pub fn hang_up(&mut self, slot: Slot) {
        self.traffic().hang_up(slot);
    }

    /// The output that is to be sent to the client now.
    pub fn unsent(&self, slot: Slot) -> Cow<'_, [u8]> {
        self.world.clients[slot].outbox.all_sendable()
    }

    /// As [`Traffic::sent`].
    pub fn sent(&mut self, slot: Slot, bytes: usize) {
        self.traffic().sent(slot, bytes);
    }

    /// As [`Traffic::stalled`].
    pub fn stalled(&mut self, slot: Slot) {
        self.traffic().stalled(slot);
    }

    /// Closes every connection as soon as its output is sent: the server is leaving.
    pub(crate) fn dismiss_all(&mut self) {
        if let Some(tell) = self.world.when_leaving.take() {
            tell();
        }
        self.world.forget_plans();
        let slots: Vec<Slot> = self.world.clients.slots().collect();
        for slot in slots {
            self.world.clients[slot].outbox.give_up_gaps();
            self.world.clients.doom(slot, Doom::AfterReply, Departure::Shutdown);
        }
        // The log reports the minutes that have begun.
        self.world.peer_log.report(u64::MAX);
    }

    /// The connections of all clients are closed that were not before.
    pub(crate) fn forget_clients(&mut self) {
        let slots: Vec<Slot> = self.world.clients.slots().collect();
        slots.into_iter().for_each(|slot| self.traffic().disconnect(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::requests::{MAX_ELSEWHERE, MAX_REPLIES};
    use super::*;
    use crate::embed::local::{Local, request};
    use crate::telemetry::peer_log::Cause;

    /// A server with one client, and a value of 300 KiB at `big`.
    fn with_big_value() -> (Local, crate::embed::local::Connection) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.call(client, [&b"SET"[..], b"big", &vec![b'x'; 300 * 1024]]);
        (local, client)
    }

    /// Bytes of memory of all clients, which is what they have not read.
    fn unread(local: &Local) -> usize {
        local.engine.world.clients.iter().map(|client| client.memory()).sum()
    }

    #[test]
    fn few_requests_cannot_fill_the_memory_with_replies() {
        let (mut local, client) = with_big_value();
        local.call(client, [&b"SET"[..], b"short", &[b'x'; 3000]]);
        let reply = 300 * 1024 + b"$307200\r\n\r\n".len();
        let short = 3000 + b"$3000\r\n\r\n".len();
        let few = 4 * MAX_REPLIES;
        for (key, limit, reply, most) in [
            ("big", ["maxmemory", "0"], reply, MAX_ELSEWHERE + MAX_REPLIES),
            ("short", ["maxmemory", "0"], short, few),
            ("big", ["maxmemory", "1gb"], reply, few),
            ("big", ["maxmemory-clients", "1gb"], reply, few),
            ("big", ["client-output-buffer-limit", "normal 4mb 0 0"], reply, few),
        ] {
            for all in [["maxmemory", "0"], ["maxmemory-clients", "0"], limit] {
                local.call(client, ["CONFIG", "SET", all[0], all[1]]);
            }
            local.send(client, &request(["GET", key]).repeat(5000));
            let waiting = unread(&local);
            assert!((most / 5..most).contains(&waiting), "{key}: {waiting} bytes");
            assert_eq!(local.received(client).len(), 5000 * reply);
        }
    }

    #[test]
    fn long_strings_from_before_do_not_count_against_those_of_a_turn() {
        let (mut local, client) = with_big_value();
        local.send(client, &request(["GET", "big"]).repeat(14));
        let before = unread(&local);
        assert!((4 << 20..5 << 20).contains(&before), "{before} bytes");
        local.send(client, &request(["GET", "big"]).repeat(50));
        let written = unread(&local) - before;
        assert!((MAX_ELSEWHERE..MAX_ELSEWHERE + MAX_REPLIES).contains(&written), "{written} bytes");
    }

    #[test]
    fn lines_that_were_left_out_are_told_when_their_minute_is_over() {
        let mut local = Local::new(Config::default());
        let now = local.engine.world.now.mono;
        while local.engine.world.peer_log.admits(Cause::Protocol, now) {}
        assert_eq!(local.engine.next_deadline(), Some(now + 60_000_000));
        local.advance(std::time::Duration::from_secs(60));
        assert_eq!(local.engine.next_deadline(), None);
    }

    #[test]
    fn requests_that_wait_for_the_next_turn_keep_their_place() {
        let (mut local, client) = with_big_value();
        let mut requests = request(["GET", "big"]).repeat(9);
        requests.extend_from_slice(&request(["SET", "big", "small"]));
        local.send(client, &requests);
        local.send(client, &request(["GET", "big"]));
        local.finish(client);
        assert!(local.is_open(client));
        assert!(local.received(client).ends_with(b"\r\n+OK\r\n$5\r\nsmall\r\n"));
        assert!(!local.is_open(client));
    }

    #[test]
    fn a_client_that_never_reads_is_closed_at_last() {
        let (mut local, client) = with_big_value();
        for _ in 0..2000 {
            local.send(client, &request(["GET", "big"]).repeat(4));
            local.advance(std::time::Duration::ZERO);
            if !local.is_open(client) {
                return;
            }
        }
        panic!("still open");
    }
}
