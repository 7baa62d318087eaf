//! The end of a client's session: see [`crate::session::state`].

use super::World;
use crate::session::Slot;

impl World {
    /// Ends all that the client's session has begun: RESET, or the client is gone. No index of the world
    /// knows it any more.
    pub(crate) fn end_session(&mut self, slot: Slot) {
        if self.clients[slot].session.is_some() {
            self.unwatch(slot);
            self.untrack(slot);
            self.stop_waiting(slot);
            self.unsubscribe_all(slot);
            self.stop_monitoring(slot);
            self.forget_postponed(slot);
            self.clients[slot].session = None;
        }
    }
}
