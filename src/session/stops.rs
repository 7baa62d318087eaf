//! Clients whose output a test has stop: see [`super::plan`].

use super::client::Client;
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

    /// Returns whether more of its output is to be sent, now or later.
    pub(crate) fn is_owed(&self) -> bool {
        let has_stop = || self.plan().is_some_and(|plan| plan.stop().is_some());
        self.outbox.unsent_len() > 0 || self.outbox.has_gaps() || has_stop()
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
                self[slot].plan_mut().pass();
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
