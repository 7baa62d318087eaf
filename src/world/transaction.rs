//! The end of a client's transaction: see [`crate::listeners::transaction`].

use super::World;
use crate::listeners::transaction::Transaction;
use crate::session::Slot;

impl World {
    /// Takes the transaction out of the client's session, if there is one.
    pub(crate) fn end_transaction(&mut self, slot: Slot) -> Option<Transaction> {
        self.clients[slot].session.as_mut()?.transaction.take()
    }
}
