//! What the world does about [`crate::listeners::blocked`].

use super::World;
use crate::error::Error;
use crate::listeners::blocked::BlockedCommand;
use crate::listeners::key_index::Turn;
use crate::session::Slot;
use crate::wire::Reply;

impl World {
    /// The client's command waits, and what it sends meanwhile waits for that.
    pub fn start_waiting(&mut self, slot: Slot, wait: BlockedCommand) {
        let client = &mut self.clients[slot];
        self.waiters.begun += 1;
        let turn = Turn { number: self.waiters.begun, client: client.id };
        for key in wait.keys() {
            self.waiters.by_key.add(wait.db, key, turn);
        }
        if let Some(due) = wait.until.deadline {
            self.waiters.deadlines.insert((due, client.id));
        }
        self.waiters.len += 1;
        client.is_waiting = true;
        let session = client.session_mut();
        (session.wait, session.turn) = (Some(wait), turn.number);
        self.follow_keys();
    }

    /// The client waits no more; what it has sent meanwhile runs in the next turn. Returns what it waited
    /// for.
    pub fn stop_waiting(&mut self, slot: Slot) -> Option<BlockedCommand> {
        let client = &mut self.clients[slot];
        let session = client.session.as_mut()?;
        let wait = session.wait.take()?;
        let turn = Turn { number: session.turn, client: client.id };
        for key in wait.keys() {
            self.waiters.by_key.remove(wait.db, key, turn);
        }
        if let Some(due) = wait.until.deadline {
            self.waiters.deadlines.remove(&(due, client.id));
        }
        self.waiters.len -= 1;
        client.is_waiting = false;
        if !client.inbox.is_empty() || client.half_closed {
            self.clients.resume(slot);
        }
        self.follow_keys();
        Some(wait)
    }

    /// Ends the wait of everybody whose time is up, with the answer that was written for that.
    pub fn time_out(&mut self) {
        while let Some(&(due, id)) = self.waiters.deadlines.first()
            && due <= self.now.mono
        {
            self.waiters.deadlines.pop_first();
            if let Some(slot) = self.clients.slot_of(id) {
                self.give_up_waiting(slot);
            }
        }
    }

    /// Answers the client's command as if its time were up.
    pub fn give_up_waiting(&mut self, slot: Slot) {
        if let Some(wait) = self.stop_waiting(slot) {
            self.send(slot, &wait.answer);
            self.count_call(slot, wait.command, wait.has_failed);
        }
    }

    /// Answers the client's command with an error.
    pub fn fail_waiting(&mut self, slot: Slot, error: &Error) {
        if let Some(wait) = self.stop_waiting(slot) {
            if !wait.is_silent {
                let mut reply = Reply::new(Vec::new(), self.clients[slot].protocol);
                reply.error(error);
                self.send(slot, &reply.into_inner());
            }
            self.stats.count_error(error);
            self.count_call(slot, wait.command, true);
        }
    }
}
