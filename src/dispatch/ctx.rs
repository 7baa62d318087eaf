//! What a handler sees: the world, its client, the table, and the reply it writes.

use std::any::Any;
use std::ops::Range;
use std::time::Duration;

use super::driver::Driver;
use super::frame::Frame;
use super::table::{Row, Table};
use crate::clock::Now;
use crate::config::Callers;
use crate::error::{self, Error};
use crate::keyspace::{self, Db, Millis};
use crate::listeners::deferred::LateReplies;
use crate::listeners::{Deferred, Event, WaitCondition, Wake};
use crate::session::{Client, Slot};
use crate::telemetry::Timer;
use crate::text::number::Spelled;
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
    /// Who serves the other clients if the command runs long: see [`Ctx::script_goes_on`].
    pub driver: &'a mut dyn Driver,
    /// The row of the running command.
    pub row: &'a Row,
    /// The client that sent it.
    pub slot: Slot,
    /// What it runs in: only a request of its own may wait.
    pub frame: Frame,
    /// How many replies the command has written: a row with [`MANY_REPLIES`](super::spec::flag::MANY_REPLIES)
    /// may write any number and says here how many, others write one.
    pub replies: usize,
    /// What the command waits for: see [`Ctx::wait`]. Boxed, so that the many commands that do not wait carry
    /// one word.
    pub until: Option<Box<WaitCondition>>,
}

impl Ctx<'_> {
    pub fn client(&self) -> &Client {
        &self.world.clients[self.slot]
    }

    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.world.clients[self.slot]
    }

    /// What the embedder's commands of this group share, if it is a `T`.
    pub fn state<T: Any>(&mut self) -> Option<&mut T> {
        self.state_and_reply().map(|(state, _)| state)
    }

    /// What the embedder's commands of this group share, if it is a `T`, beside the reply.
    pub fn state_and_reply<T: Any>(&mut self) -> Option<(&mut T, &mut Reply)> {
        let own = self.row.own.as_ref()?;
        let state = self.world.states.get_mut(own.state)?.downcast_mut()?;
        Some((state, self.reply))
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
    /// and its deadline. The time is always up in a
    /// frame where no command may wait.
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

    /// The command is done, and its reply is made by a feature, which sends it in parts:
    /// [`World::send_part`]. What the client sends meanwhile waits.
    pub(crate) fn leave_reply(&mut self) {
        self.wait_until(None, Wake::ReplyDue, 0..0);
    }

    /// The command is done, and its reply is given later, by whichever thread has the `Deferred`: see
    /// [`super::deferred`]. What the client sends meanwhile waits. Where a command may not wait it is refused: what is
    /// returned then is good for nothing.
    pub(crate) fn defer(&mut self) -> Deferred {
        let (client, slot) = (self.client().id, self.slot);
        let is_again = self.until.as_ref().is_some_and(|until| until.is_deferred());
        if is_again {
            log::error!("{} defers its reply twice: the second is dropped", self.row.full_name);
        }
        if is_again || !self.frame.may_wait() {
            if !is_again {
                self.until = Some(Box::new(WaitCondition::deferred(0)));
            }
            return Deferred::void(client, slot);
        }
        let World { late_replies, waker, .. } = &mut *self.world;
        let replies = late_replies.get_or_insert_with(|| Box::new(LateReplies::new(waker.clone())));
        let deferred = replies.begin(client, slot);
        self.until = Some(Box::new(WaitCondition::deferred(deferred.number())));
        deferred
    }

    /// As [`Ctx::defer`], and the client's next commands run meanwhile, if they may: its replies keep their order.
    pub(crate) fn defer_ahead(&mut self) -> Deferred {
        let may = self.until.is_none() && self.frame.may_wait();
        let may = may && self.world.may_leave_gap(self.slot);
        let deferred = self.defer();
        if may && let Some(until) = &mut self.until {
            until.wake = Wake::Ahead(deferred.number());
        }
        deferred
    }

    /// Keeps another word in place of an argument, for when the command that waits runs again: what the argument meant
    /// when the wait began. To be called behind [`Ctx::wait`], in the order of the arguments.
    pub fn keep_argument(&mut self, index: usize, word: &[u8]) {
        if let Some(until) = &mut self.until {
            until.kept.push((index, word.into()));
        }
    }

    fn wait_until(&mut self, timeout: Option<u64>, wake: Wake, keys: Range<usize>) {
        if self.frame.may_wait() {
            let deadline = timeout.map(|timeout| self.now().mono.saturating_add(timeout));
            self.until = Some(Box::new(WaitCondition { wake, keys, deadline, kept: Vec::new() }));
        }
    }

    /// The time by which what happens now is dated, in ms after 1970. It is the time that keys expire by, but while a log
    /// is replayed, when that stands still in the past.
    pub(crate) fn date(&self) -> Millis {
        match self.frame {
            Frame::Replay => (self.world.now.wall / 1000) as Millis,
            _ => self.world.store.shared.now,
        }
    }

    /// The command comes to nothing that a log or a replica would have to know, whatever it has changed.
    pub fn says_nothing(&mut self) {
        self.world.store.shared.effects.say_no_more();
    }

    /// Says what the command came to, as a command that brings it about whenever it is run: see
    /// [`crate::keyspace::effects`]. Without that, a command that changed data is said in its own words. It may be
    /// called several times, and does nothing without a listener.
    pub fn says(&mut self, name: &str, words: &[&[u8]]) {
        let db = self.client().db;
        self.world.store.shared.effects.say(db, name, words);
    }

    /// As [`Ctx::says`], with any number of words more.
    pub fn says_all<'w>(
        &mut self,
        name: &str,
        words: &[&[u8]],
        more: impl IntoIterator<Item = &'w [u8]>,
    ) {
        let db = self.client().db;
        self.world.store.shared.effects.say_all(db, name, words, more);
    }

    /// Says that a key expires then. If that time has come already, the key is gone, and that has been said.
    pub fn says_expiry(&mut self, key: &[u8], when: Millis) {
        if !self.is_heard() {
            return;
        }
        match when <= self.world.store.shared.now {
            true => self.world.store.shared.effects.say_no_more(),
            false => self.says("PEXPIREAT", &[key, &Spelled::new(when)]),
        }
    }

    /// Returns whether effects have a listener.
    pub fn is_heard(&self) -> bool {
        self.world.store.shared.effects.are_heard()
    }

    /// Returns whether the client is one of those.
    pub(crate) fn is_allowed(&self, callers: Callers) -> bool {
        match callers {
            Callers::Yes => true,
            Callers::No => false,
            Callers::Local => self.client().peer.is_near(),
        }
    }

    pub fn now(&self) -> Now {
        self.world.now
    }
}

/// What a client is told of what the keyspace could not do.
impl From<keyspace::Error> for Error {
    #[cold]
    fn from(reason: keyspace::Error) -> Error {
        match reason {
            keyspace::Error::WrongType => error::WRONGTYPE,
            keyspace::Error::NotAnInteger => error::NOT_AN_INTEGER,
            keyspace::Error::Overflow => error::OVERFLOW,
            keyspace::Error::NotAHyperLogLog => error::NOT_A_HYPERLOGLOG,
            keyspace::Error::CorruptHyperLogLog => error::CORRUPT_HYPERLOGLOG,
        }
    }
}
