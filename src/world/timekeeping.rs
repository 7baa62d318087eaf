//! Commands change the clock of the loop, if it is one that can be changed: STAGE CLOCK.

use super::World;
use crate::clock::Change;
use crate::error;
use crate::session::Slot;

/// What a command wants of the clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClockRequest {
    pub(crate) change: Change,
    /// The client whose command waits until the change is made.
    pub(crate) client: u64,
}

impl World {
    /// Asks what drives the engine to change the clock. When that is done, or cannot be, it says so by
    /// [`World::clock_is_changed`] or its kin.
    pub(crate) fn change_clock(&mut self, change: Change, client: u64) {
        self.reactor_requests.clock.push(ClockRequest { change, client });
    }

    /// What the client's command has asked of the clock has come about.
    pub(crate) fn clock_is_changed(&mut self, client: u64) {
        if let Some(slot) = self.waits_for_clock(client) {
            self.give_up_waiting(slot);
        }
    }

    /// STAGE RESET has come before it has.
    pub(crate) fn clock_is_left(&mut self, client: u64) {
        if let Some(slot) = self.waits_for_clock(client) {
            self.fail_waiting(slot, &error::CLOCK_LEFT);
        }
    }

    /// What drives the engine tells it the time, and cannot have it run.
    pub(crate) fn clock_cannot_run(&mut self, client: u64) {
        if let Some(slot) = self.waits_for_clock(client) {
            self.fail_waiting(slot, &error::CLOCK_CANNOT_RUN);
        }
    }

    /// The client whose command waits for that. One that was run from inside does not.
    fn waits_for_clock(&self, client: u64) -> Option<Slot> {
        let slot = self.clients.slot_of(client)?;
        self.clients[slot].wait().is_some_and(|wait| wait.is_done()).then_some(slot)
    }
}
