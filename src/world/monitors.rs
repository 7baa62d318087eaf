//! MONITOR: clients that are shown every command that runs.

use super::{ReplyMode, Slot, World};

/// Their ids, in the order in which they came.
#[derive(Debug, Default)]
pub struct Monitors(Vec<u64>);

impl Monitors {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl World {
    /// The client is shown every command from now on.
    pub fn start_monitoring(&mut self, slot: Slot) {
        let client = &mut self.clients[slot];
        let session = client.session_mut();
        if !std::mem::replace(&mut session.is_monitor, true) {
            self.monitors.0.push(client.id);
        }
    }

    pub(super) fn stop_monitoring(&mut self, slot: Slot) {
        let client = &self.clients[slot];
        if client.is_monitor() {
            self.monitors.0.retain(|&id| id != client.id);
        }
    }

    /// Sends a line to all of them but those who want no replies.
    pub fn show_monitors(&mut self, line: &[u8]) {
        // Who does not read may be cut off here, and then leaves the list.
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
