//! What a handler sees: the world, its client, the table, and the reply it writes.

use std::ops::Range;
use std::time::Duration;

use super::table::{Row, Table};
use crate::clock::Now;
use crate::keyspace::Db;
use crate::listeners::{Event, WaitCondition, Wake};
use crate::session::{Client, Slot};
use crate::telemetry::Timer;
use crate::wire::Reply;
use crate::world::World;

/// The context of one running command.
///
/// The fields are separate so that a handler can borrow a value from `world.store` and write it to
/// `reply` at the same time.
pub struct Ctx<'a> {
    pub world: &'a mut World,
    pub reply: &'a mut Reply,
    pub table: &'a Table,
    pub timer: &'a mut Timer,
    /// The row of the running command.
    pub row: &'a Row,
    /// The client that sent it.
    pub slot: Slot,
    /// Whether it runs in a transaction, where nothing may wait.
    pub is_atomic: bool,
    /// How many replies the command has written: a row with [`MANY_REPLIES`](super::spec::flag::MANY_REPLIES)
    /// may write any number and says here how many, others write one.
    pub replies: usize,
    /// What the command waits for: see [`Ctx::wait`].
    pub until: Option<WaitCondition>,
}

impl<'a> Ctx<'a> {
    /// The context of a command that is not part of a transaction.
    pub fn new(
        world: &'a mut World,
        reply: &'a mut Reply,
        table: &'a Table,
        timer: &'a mut Timer,
        row: &'a Row,
        slot: Slot,
    ) -> Ctx<'a> {
        Ctx { world, reply, table, timer, row, slot, is_atomic: false, replies: 1, until: None }
    }
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

    /// Blocks the client. The reply that has been written is the one for when the time is up. Until then the
    /// command runs again when `wake` says so of one of the keys, and may wait again: it keeps its place in line
    /// and its deadline. In a transaction the time is always up.
    ///
    /// `timeout` is in µs; 0: for ever. `keys` are indexes of arguments.
    pub fn wait(&mut self, timeout: u64, wake: Wake, keys: Range<usize>) {
        self.wait_until((timeout > 0).then_some(timeout), wake, keys);
    }

    /// As [`Ctx::wait`], until another command, or the embedder, signals the event ([`Ctx::signal`]). An event
    /// has no memory: a command that waits looks first whether what it waits for is there already.
    /// `None`: for ever.
    pub fn wait_for(&mut self, event: impl Into<Event>, timeout: Option<Duration>) {
        let micros = |timeout: Duration| u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
        self.wait_until(timeout.map(micros), Wake::Event(event.into()), 0..0);
    }

    /// Runs the commands again that wait for the event, when this one is over.
    pub fn signal(&mut self, event: impl Into<Event>) {
        self.world.signal(event);
    }

    /// As [`Ctx::wait`], for nothing but time to pass.
    pub fn delay_reply(&mut self, timeout: u64) {
        self.wait(timeout, Wake::Time, 0..0);
    }

    /// The command is done, and the reply that has been written is sent so many µs later. What the client
    /// sends meanwhile waits.
    pub fn put_off_reply(&mut self, delay: u64) {
        self.wait_until(Some(delay), Wake::ReplyDue, 0..0);
    }

    fn wait_until(&mut self, timeout: Option<u64>, wake: Wake, keys: Range<usize>) {
        if !self.is_atomic {
            let deadline = timeout.map(|timeout| self.now().mono.saturating_add(timeout));
            self.until = Some(WaitCondition { wake, keys, deadline });
        }
    }

    pub fn now(&self) -> Now {
        self.world.now
    }
}
