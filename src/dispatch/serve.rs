//! The commands of blocked clients, run again when a key that they wait for has changed.
//!
//! A blocked command is a [`BlockedCommand`]: its arguments, kept. It runs again as a request of its client
//! in [`Frame::Top`], gates included, and either ends the wait or keeps its place in the line.

use super::frame::Frame;
use super::gates::Admitted;
use super::invocation::Invocation;
use super::table::{Found, Table};
use crate::keyspace::Kind;
use crate::listeners::BlockedCommand;
use crate::session::{Doom, Slot};
use crate::telemetry::{Timer, wire_log};
use crate::wire::{Mark, Reply};
use crate::world::World;

/// Does what has become due apart from commands: waits whose time is up end, keyspace changes are delivered,
/// blocked clients are served with them, and effects are handed over.
pub fn settle(world: &mut World, table: &Table, timer: &mut Timer) {
    world.time_out();
    if world.has_changes() {
        world.deliver_changes(None);
    }
    if world.waiters.has_ready() {
        serve(world, table, timer);
    }
    world.store.shared.effects.hand_over();
    world.broadcast_changes();
}

/// Runs the commands that wait for keys which have changed: for each key in the order in which the
/// clients blocked, until it has nothing left for them. What they do may serve others in turn.
pub(super) fn serve(world: &mut World, table: &Table, timer: &mut Timer) {
    while world.pause.is_none()
        && let Some((db, key)) = world.waiters.take_ready()
    {
        let mut passed = None;
        while let Some(kind) = world.store.db(db).kind(&key)
            && let Some(turn) = world.waiters.in_line(db, &key, passed)
        {
            let slot = world.clients.slot_of(turn.client);
            if !slot.is_some_and(|slot| run_again(world, table, timer, slot, kind)) {
                passed = Some(turn);
            }
        }
    }
}

/// Runs the command of a client that waits for a key which has a value of this type now. Returns whether the
/// wait is over.
fn run_again(world: &mut World, table: &Table, timer: &mut Timer, slot: Slot, kind: Kind) -> bool {
    world.broadcast_changes();
    let client = &mut world.clients[slot];
    let wants = |wait: &mut BlockedCommand| {
        wait.until.keys.as_ref().is_some_and(|(wanted, _)| *wanted == kind)
    };
    let wait = client.session.as_mut().and_then(|session| session.wait.take_if(wants));
    let Some(wait) = wait.filter(|_| client.doom == Doom::No) else {
        return false;
    };
    let mut reply = world.take_outbox(slot);
    let before = reply.mark();
    let args = wait.args.args();
    let again =
        Invocation { world, table, timer, reply: &mut reply, slot, frame: Frame::Top, args };
    let (is_over, start) = again.run_once_more(Found::Row(table.row(wait.command)));
    if reply.is_full()
        && let Some(error) = world.reply_is_full(&reply, slot)
    {
        reply.replace(start, &error);
    }
    if !is_over || wait.is_silent {
        reply.rewind(start);
    }
    end_turn(world, slot, reply, before, wait);
    if is_over {
        world.stop_waiting(slot);
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
        wire_log::outgoing(client.id, reply.since(before), wire_log::Shows::All);
    }
    world.put_back_outbox(slot, reply);
}

impl<'a> Invocation<'a> {
    /// Runs a blocked command: the gates, the handler and the follow-up of [`Invocation::invoke`]. The rest of
    /// a command's life was begun when it came. Returns whether the wait is over, and where the reply starts.
    fn run_once_more(mut self, found: Found<'a>) -> (bool, Mark) {
        let admitted = self.admit(found);
        let start = self.reply.mark();
        let is_over = match admitted {
            Ok(Admitted::Run(row)) => {
                let called = self.call(row);
                self.follow_up(row);
                called.until.is_none()
            }
            // The line is served only while no pause is on, and a blocked client has sent no MULTI.
            Ok(Admitted::HoldBack | Admitted::Queue(_)) => false,
            Err(refused) => {
                self.refuse(&refused);
                true
            }
        };
        (is_over, start)
    }
}
