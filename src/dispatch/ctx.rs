//! What a handler sees: the world, its client, the table, and the reply it writes.

use super::table::{Row, Table};
use crate::resp::Reply;
use crate::store::Db;
use crate::world::{Client, Now, Slot, World};

/// The context of one running command.
///
/// The fields are separate so that a handler can borrow a value from `world.store` and write it to
/// `reply` at the same time.
pub struct Ctx<'a> {
    pub world: &'a mut World,
    pub reply: &'a mut Reply,
    pub table: &'a Table,
    /// The row of the running command.
    pub row: &'a Row,
    /// The client that sent it.
    pub slot: Slot,
}

impl Ctx<'_> {
    pub fn client(&self) -> &Client {
        &self.world.clients[self.slot]
    }

    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.world.clients[self.slot]
    }

    /// The database that the client has selected.
    pub fn db(&mut self) -> Db<'_> {
        let index = self.client().db;
        self.world.store.db(index)
    }

    /// The database, and the reply to write what is found in it.
    pub fn db_and_reply(&mut self) -> (Db<'_>, &mut Reply) {
        let index = self.client().db;
        (self.world.store.db(index), &mut *self.reply)
    }

    pub fn now(&self) -> Now {
        self.world.now
    }
}
