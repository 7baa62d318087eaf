//! MONITOR clients are shown every command: see [`crate::listeners::monitor`].

use super::World;
use crate::session::{ReplyMode, Slot};

impl World {
    /// The client is shown every command from now on.
    pub(crate) fn start_monitoring(&mut self, slot: Slot) {
        let client = &mut self.clients[slot];
        let session = client.session_mut();
        if !std::mem::replace(&mut session.is_monitor, true) {
            self.monitors.0.push(client.id);
        }
    }

    pub(crate) fn stop_monitoring(&mut self, slot: Slot) {
        let client = &self.clients[slot];
        if client.is_monitor() {
            self.monitors.0.retain(|&id| id != client.id);
        }
    }

    /// Sends a line to every MONITOR client, unless its CLIENT REPLY is off.
    pub(crate) fn feed_monitors(&mut self, line: &[u8]) {
        // A client that does not read may be cut off here, and then leaves the list.
        for at in (0..self.monitors.0.len()).rev() {
            if let Some(&id) = self.monitors.0.get(at)
                && let Some(slot) = self.clients.slot_of(id)
                && self.clients[slot].reply_mode != ReplyMode::Off
            {
                self.send(slot, line);
            }
        }
    }
}
