//! Clients whose output a test has stop: see [`super::plan`].

use super::client::Client;
use super::departure::Departure;
use super::plan::Plan;
use super::registry::{Clients, Slot};
use crate::stage::matching::Subject;

impl Client {
    /// What is staged for the client's output, there from now on.
    pub(crate) fn plan_mut(&mut self) -> &mut Plan {
        &mut self.outbox.held.get_or_insert_default().plan
    }

    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.outbox.held.as_deref().map(|held| &held.plan)
    }

    /// The client as matchers see it. This is its user's name.
    pub(crate) fn subject<'a>(&'a self, user: &'a [u8], node: &'a [u8]) -> Subject<'a> {
        Subject {
            id: self.id,
            name: &self.name,
            lib: &self.lib_name,
            user,
            db: self.db,
            proto: self.protocol.number(),
            node,
        }
    }

    /// Returns whether the client is sent nothing any more, and not heard.
    pub(crate) fn hangs(&self) -> bool {
        self.plan().is_some_and(|plan| plan.hangs)
    }

    /// Returns whether sending to it stops somewhere.
    pub(crate) fn is_held_back(&self) -> bool {
        self.plan().is_some_and(|plan| plan.stop().is_some())
    }

    /// Returns whether its output is held back until a time: a client that goes meanwhile is owed nothing.
    pub(crate) fn waits_for_time(&self) -> bool {
        self.plan().is_some_and(Plan::waits_for_time)
    }

    /// Returns whether more of its output is to be sent, now or later.
    pub(crate) fn is_owed(&self) -> bool {
        let has_output = self.outbox.unsent_len() > 0 || self.outbox.has_gaps();
        has_output || self.is_held_back() || self.is_closed_behind_its_reply()
    }

    /// Returns whether the command that closes it has left its reply for later.
    fn is_closed_behind_its_reply(&self) -> bool {
        let wait = self.session.as_ref().and_then(|session| session.wait.as_ref());
        self.departure == Some(Departure::Program)
            && wait.is_some_and(|wait| wait.until.is_deferred())
    }
}

impl Clients {
    /// Waits for the first stop of the client, if there is one. To be called when its stops may be others, or more has been
    /// sent. It is `now`, and `nanos` by the machine's clock.
    pub(crate) fn await_stop(&mut self, slot: Slot, now: u64, nanos: u64) {
        let outbox = &mut self[slot].outbox;
        let sent = outbox.sent;
        let Some(held) = &mut outbox.held else {
            return;
        };
        let awaited = held.plan.awaited(sent, now, nanos);
        let before = std::mem::replace(&mut held.plan.awaited, awaited);
        if before != awaited {
            self.planned.forget(slot, before);
            self.planned.add(slot, awaited);
        }
    }

    /// The stops that are over are passed, and what is behind them is sent in this turn. The machine's clock is read only if
    /// there are stops.
    pub(crate) fn pass_stops(&mut self, now: u64, nanos: impl FnOnce() -> u64) {
        if self.planned.is_empty() {
            return;
        }
        let nanos = nanos();
        for slot in self.planned.over(now) {
            if self[slot].plan().is_some_and(|plan| plan.is_passed(now, nanos)) {
                let plan = self[slot].plan_mut();
                plan.pass();
                // Delays of several faults may be over at once.
                while plan.is_due(now) {
                    plan.pass();
                }
                self.await_stop(slot, now, nanos);
                self.touch(slot);
            }
        }
    }

    /// When the first stop is over that waits for a time.
    pub(crate) fn next_stop(&self) -> Option<u64> {
        self.planned.next()
    }

    /// Returns whether a segment waits for a later turn.
    pub(crate) fn await_turn(&self) -> bool {
        self.planned.await_turn()
    }

    /// The client is gone: its stops are not waited for.
    pub(super) fn forget_stops(&mut self, slot: Slot) {
        let awaited = self[slot].plan().and_then(|plan| plan.awaited);
        self.planned.forget(slot, awaited);
    }

    /// The fault of this number is over, or all are: what they have held back of the client's output is sent.
    pub(crate) fn release(&mut self, slot: Slot, fault: Option<u64>, now: u64) {
        let Some(held) = &mut self[slot].outbox.held else {
            return;
        };
        held.plan.release(fault);
        self.await_stop(slot, now, 0);
        self.touch(slot);
    }

    /// Nothing of what is staged for the client's output stays: what was held back is sent. Returns whether it hung.
    pub(crate) fn forget_plan(&mut self, slot: Slot) -> bool {
        let Some(held) = &mut self[slot].outbox.held else {
            return false;
        };
        let plan = std::mem::take(&mut held.plan);
        self.planned.forget(slot, plan.awaited);
        self.touch(slot);
        plan.hangs
    }
}
