//! The commands of blocked clients, run again when a key that they wait for has changed.
//!
//! A blocked command is a [`BlockedCommand`]: its arguments, kept. It runs again as a request of its client
//! in [`Frame::Top`], gates included, and either ends the wait or keeps its place in the line.

use super::driver::Driver;
use super::frame::Frame;
use super::gates::Admitted;
use super::invocation::Invocation;
use super::table::{Found, Table};
use crate::listeners::{BlockedCommand, WaitCondition};
use crate::session::Slot;
use crate::telemetry::{Timer, wire_log};
use crate::wire::{Mark, Reply};
use crate::world::World;

/// So many times in a turn a blocked command may run again and still wait. More is a command that wakes itself.
const MOST_REPEATS: usize = 1000;

/// Does what has become due apart from commands: waits whose time is up end, keyspace changes are delivered,
/// blocked clients are served with them, and effects are handed over.
pub(crate) fn settle(world: &mut World, table: &Table, timer: &mut Timer, driver: &mut dyn Driver) {
    world.time_out();
    if world.has_changes() {
        world.deliver_changes(None);
    }
    if world.waiters.has_ready() {
        world.store.begin_effects();
        serve(world, table, timer, driver);
    }
    world.store.shared.effects.hand_over();
    world.broadcast_changes();
}

/// Runs the blocked commands again whose condition is met: of each key and event those of its line, in the order
/// in which the clients blocked. What they do may serve others in turn. When commands run again and again and
/// still wait, the rest is left to the next turn. What a script brings about is left to its end.
// ANCHOR: serve
pub(super) fn serve(world: &mut World, table: &Table, timer: &mut Timer, driver: &mut dyn Driver) {
    let mut repeats = MOST_REPEATS;
    while world.pause.is_none()
        && world.running.is_none()
        && let Some(mut ready) = world.waiters.take_ready()
    {
        while let Some(slot) = world.next_woken(&mut ready) {
            repeats -= usize::from(!run_again(world, table, timer, driver, slot));
            if repeats == 0 {
                return world.waiters.put_back(ready);
            }
        }
    }
}
// ANCHOR_END: serve

/// Runs the command of a blocked client. Returns whether the wait is over.
fn run_again(
    world: &mut World,
    table: &Table,
    timer: &mut Timer,
    driver: &mut dyn Driver,
    slot: Slot,
) -> bool {
    world.broadcast_changes();
    let client = &mut world.clients[slot];
    let Some(wait) = client.session.as_mut().and_then(|session| session.wait.take()) else {
        return true;
    };
    let mut reply = world.take_outbox(slot);
    let before = reply.mark();
    let (args, frame) = (wait.args.args(), Frame::Top);
    let again = Invocation { world, table, timer, driver, reply: &mut reply, slot, frame, args };
    let (outcome, start) = again.run_once_more(Found::Row(table.row(wait.command)));
    if reply.is_full()
        && let Some(error) = world.reply_is_full(&reply, slot)
    {
        reply.replace(start, &error);
    }
    let is_over = matches!(outcome, Rerun::Over);
    if !is_over || wait.is_silent {
        reply.rewind(start);
    }
    if is_over && world.stage.is_some() {
        world.complete_reply(slot, &mut reply, start, wait.args.args());
    }
    end_turn(world, slot, reply, before, wait);
    match outcome {
        Rerun::Over => drop(world.stop_waiting(slot)),
        Rerun::Waits(until) => world.wait_on(slot, *until),
        Rerun::NotRun => {}
    }
    world.clients.account(slot);
    is_over
}

/// Puts the blocked command back where it waits, and its reply into the outbox with what was pushed meanwhile.
fn end_turn(world: &mut World, slot: Slot, mut reply: Reply, before: Mark, wait: BlockedCommand) {
    let client = &mut world.clients[slot];
    client.session_mut().wait = Some(wait);
    reply.append(&mut client.outbox.late);
    if wire_log::is_on() {
        wire_log::outgoing(client.id, &reply.since(before), wire_log::Shows::All);
    }
    world.put_back_outbox(slot, reply);
}

/// What came of running a blocked command again.
enum Rerun {
    /// The wait is over: the command has its reply.
    Over,
    /// The command waits on, for this.
    Waits(Box<WaitCondition>),
    /// No gate has let it on or refused it: it waits as before.
    NotRun,
}

impl<'a> Invocation<'a> {
    /// Runs a blocked command: the gates, the handler and the follow-up of [`Invocation::invoke`]. The rest of
    /// a command's life was begun when it came. Returns what came of it, and where the reply starts.
    fn run_once_more(mut self, found: Found<'a>) -> (Rerun, Mark) {
        // Its node was looked for when it came, and again when its slot moved.
        let admitted = self.admit::<false>(found);
        let start = self.reply.mark();
        let outcome = match admitted {
            Ok(Admitted::Run(row)) => {
                let called = self.call(row);
                self.follow_up(row);
                called.until.map_or(Rerun::Over, Rerun::Waits)
            }
            // The line is served only while no pause is on, and a blocked client has sent no MULTI.
            Ok(Admitted::HoldBack | Admitted::Queue(_)) => Rerun::NotRun,
            Err(refused) => {
                self.refuse(&refused);
                Rerun::Over
            }
        };
        (outcome, start)
    }
}
