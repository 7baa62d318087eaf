//! What only some clients have: a transaction, keys they watch, a command that waits or is held back.
//!
//! It sits behind one box, so that the many who have none of it stay small.

use super::pause::Postponed;
use super::subscriptions::Subscriptions;
use super::tracker::Tracker;
use super::transaction::Transaction;
use super::waiters::Wait;
use super::watch::Watched;
use super::{Slot, World};

/// The rare parts of a client's state.
#[derive(Debug, Default)]
pub struct Session {
    /// Since MULTI.
    pub transaction: Option<Transaction>,
    /// How many commands its EXEC is running.
    pub executing: Option<usize>,
    pub watched: Watched,
    /// Since CLIENT TRACKING ON.
    pub tracker: Option<Tracker>,
    /// MONITOR: it is shown every command.
    pub is_monitor: bool,
    /// The blocking command that waits for something to happen.
    pub wait: Option<Wait>,
    /// Which number that command has in the lines for its keys.
    pub(super) turn: u64,
    pub subscriptions: Subscriptions,
    /// The command that a pause holds back.
    pub postponed: Option<Postponed>,
}

impl Session {
    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        size_of::<Session>()
            + self.transaction.as_ref().map_or(0, Transaction::memory)
            + self.watched.memory()
            + self.tracker.as_ref().map_or(0, Tracker::memory)
            + self.wait.as_ref().map_or(0, Wait::memory)
            + self.subscriptions.memory()
            + self.postponed.as_ref().map_or(0, Postponed::memory)
    }
}

impl World {
    /// Ends all that the client's session has begun: RESET, or the client is gone. No index of the world
    /// knows it any more.
    pub fn end_session(&mut self, slot: Slot) {
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
