//! Replies that come while commands behind them run: see [`crate::session::gaps`].

use super::World;
use crate::session::{Doom, Gap, MOST_GAPS, Slot};

impl World {
    /// Returns whether the reply to the command that runs may come later, and the client's next commands run before. Not
    /// where a place in its output means more: where output waits for the log, and on a stage.
    pub(crate) fn may_leave_gap(&self, slot: Slot) -> bool {
        let client = &self.clients[slot];
        self.stage.is_none()
            && !self.clients.holds_for_log()
            && client.outbox.is_away
            && !client.is_waiting
            && client.outbox.held.as_ref().is_none_or(|held| held.gaps.len() < MOST_GAPS)
    }

    pub(crate) fn leave_gap(&mut self, slot: Slot, gap: Gap) {
        self.clients[slot].outbox.held.get_or_insert_default().gaps.leave(gap);
    }

    /// The gap in the client's output for the reply of this number.
    pub(crate) fn gap(&mut self, slot: Slot, id: u64, number: u64) -> Option<&mut Gap> {
        let client = self.clients.get_mut(slot)?;
        if client.id != id || client.doom == Doom::Now {
            return None;
        }
        client.outbox.held.as_mut()?.gaps.find(number)
    }

    /// The reply of this number has come. Returns whether there is none missing in front of it: then [`World::close_gaps`] puts
    /// it into its place.
    pub(crate) fn fill_gap(&mut self, slot: Slot, number: u64, reply: Vec<u8>) -> bool {
        let held = self.clients[slot].outbox.held.as_mut();
        let is_first = held.is_some_and(|held| held.gaps.fill(number, reply));
        match self.clients[slot].output() > self.most_output(slot).0 {
            true => self.cut_off(slot),
            false => self.limit_output(slot),
        }
        is_first
    }

    /// Sends the client the replies that have come, and what is behind them, up to the first that is missing.
    pub(crate) fn close_gaps(&mut self, slot: Slot) {
        let Some(client) = self.clients.get_mut(slot) else { return };
        // While a command of the client runs, its outbox is away.
        if !client.outbox.is_away && client.outbox.close_gaps() {
            self.clients.touch(slot);
            self.limit_output(slot);
            self.clients.account(slot);
        }
    }
}
