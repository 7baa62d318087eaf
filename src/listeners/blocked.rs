//! Blocked clients: BLPOP and its kin, until what they wait for happens or their time is up.
//!
//! A command that has to wait is kept with its arguments and its [`WaitCondition`]. When the condition is
//! met, the same command runs again. If it still has to wait, its client keeps its place in line and its
//! deadline. What it replies when its time is up was written when it began to wait.
//!
//! A command that waits adds no code here: it names one of the [`Wake`]s in
//! [`Ctx::wait`](crate::dispatch::Ctx::wait).

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use super::key_index::{KeyIndex, Turn};
use crate::keyspace::Kind;
use crate::telemetry::stats::CommandId;
use crate::wire::OwnedArgs;

// ANCHOR: wake
/// What ends a wait, beside its deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A key has changed and holds a value of this type: BLPOP, BZPOPMIN.
    KeyOfKind(Kind),
    /// A key has changed and holds a value, of whatever type.
    KeyChanged,
    /// A key has changed, or is there no more: it was deleted, has expired, or its database was flushed.
    KeyChangedOrGone,
    /// A key has changed and holds a stream with entries that a group has not read, or no stream with that group, or it is
    /// there no more: XREADGROUP. The group's name is this argument of the command.
    UnreadByGroup(usize),
    /// The event is signalled: see [`World::signal`](crate::world::World::signal).
    Event(Event),
    /// Nothing does: the deadline does, or CLIENT UNBLOCK. WAIT waits like that.
    Time,
    /// The command is done, and only its reply is put off: CLIENT UNBLOCK does not end that.
    ReplyDue,
    /// The command is done, and another thread gives its reply, which has this number: see [`super::deferred`].
    Deferred(u64),
    /// As `Deferred`, and the client's next commands run before it comes: its client does not wait.
    Ahead(u64),
}
// ANCHOR_END: wake

impl Wake {
    /// Returns whether a key that has changed ends the wait. `kind`: the type of its value, if it has one. Where it
    /// depends on more than that it may.
    pub(crate) fn is_met_by(&self, kind: Option<Kind>) -> bool {
        match self {
            Wake::KeyOfKind(wanted) => kind == Some(*wanted),
            Wake::KeyChanged => kind.is_some(),
            Wake::KeyChangedOrGone | Wake::UnreadByGroup(_) => true,
            Wake::Event(_) | Wake::Time | Wake::ReplyDue | Wake::Deferred(_) | Wake::Ahead(_) => {
                false
            }
        }
    }

    /// Returns whether the wait ends when a key has lost something, too.
    fn is_met_by_any_change(&self) -> bool {
        matches!(self, Wake::KeyChanged | Wake::KeyChangedOrGone)
    }

    /// Returns whether the wait ends when a key is there no more.
    fn is_met_by_absence(&self) -> bool {
        self.is_met_by(None)
    }
}

/// The name of an event that commands wait for and others signal. Names are bytes, and need no declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event(Box<[u8]>);

impl Event {
    pub(crate) fn name(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Event {
    fn from(name: &[u8]) -> Event {
        Event(name.into())
    }
}

impl From<&str> for Event {
    fn from(name: &str) -> Event {
        name.as_bytes().into()
    }
}

impl From<String> for Event {
    fn from(name: String) -> Event {
        Event(name.into_bytes().into())
    }
}

/// What a command waits for.
#[derive(Debug)]
pub struct WaitCondition {
    pub(crate) wake: Wake,
    /// The keys that `wake` speaks of: indexes of the command's arguments. Any of them ends the wait.
    pub(crate) keys: Range<usize>,
    /// When the wait ends in any case, in µs of [`crate::clock::Now::mono`]. `None`: never.
    pub(crate) deadline: Option<u64>,
    /// Words that are kept in place of arguments, in their order: what these meant when the wait began.
    pub(crate) kept: Vec<(usize, Box<[u8]>)>,
}

impl WaitCondition {
    /// The reply that has this number; 0: there will be none.
    pub(crate) fn deferred(number: u64) -> WaitCondition {
        WaitCondition { wake: Wake::Deferred(number), keys: 0..0, deadline: None, kept: Vec::new() }
    }

    pub(crate) fn is_deferred(&self) -> bool {
        matches!(self.wake, Wake::Deferred(_) | Wake::Ahead(_))
    }
}

/// A command that waits.
#[derive(Debug)]
pub struct BlockedCommand {
    pub(crate) command: CommandId,
    pub(crate) args: OwnedArgs,
    /// The database of the keys.
    pub(crate) db: usize,
    pub(crate) until: WaitCondition,
    /// The reply when the time is up.
    pub(crate) answer: Vec<u8>,
    /// Whether that is an error: the command has failed.
    pub(crate) has_failed: bool,
    /// Whether CLIENT REPLY is off, so that there is no reply.
    pub(crate) is_silent: bool,
}

impl BlockedCommand {
    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let event = match &self.until.wake {
            Wake::Event(event) => event.name().len(),
            _ => 0,
        };
        self.args.memory() + self.answer.capacity() + event
    }

    /// Returns whether the command has run, and only its reply is put off.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.until.wake, Wake::ReplyDue | Wake::Deferred(_))
    }

    /// Returns whether CLIENT UNBLOCK does not end the wait.
    pub(crate) fn is_put_off(&self) -> bool {
        self.until.wake == Wake::ReplyDue
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let keys = &self.until.keys;
        self.args.args().from(keys.start).take(keys.len())
    }
}

/// A key that has changed, or an event that was signalled, with the clients in line for it.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) what: ReadyFor,
    /// The last client in line that has been looked at.
    pub(crate) passed: Option<Turn>,
}

/// What a [`Ready`] is about.
#[derive(Debug, Clone)]
pub(crate) enum ReadyFor {
    Key(usize, Box<[u8]>),
    Event(Event),
}

/// The blocked clients, by what they wait for.
#[derive(Debug, Default)]
pub struct Waiters {
    /// Those that wait for keys, by each of their keys.
    by_key: KeyIndex,
    /// Of these, those that wait for a key to change or to go. A key that is gone concerns no others, so that a
    /// long line of BLPOPs is not walked each time that the list has become empty.
    by_key_or_gone: KeyIndex,
    /// Those that wait for an event, by its name, as if it were a key of database 0.
    by_event: KeyIndex,
    /// Deadlines, each with the id of its client.
    deadlines: BTreeSet<(u64, u64)>,
    /// Keys and events with a line that are to be looked at, the first first. Their lines are marked.
    ready: VecDeque<ReadyFor>,
    /// A line of which some have been looked at, and which goes on in the next turn.
    interrupted: Option<Ready>,
    /// How many clients wait for any change of a key.
    any_change: usize,
    /// How many commands have begun to wait: the number of the last one's turn.
    begun: u64,
    len: usize,
}

impl Waiters {
    /// How many clients wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys they wait for.
    pub fn keys(&self) -> usize {
        self.by_key.len()
    }

    /// How many keys they wait for to change or to go.
    pub fn keys_or_gone(&self) -> usize {
        self.by_key_or_gone.len()
    }

    /// How many events they wait for.
    pub fn events(&self) -> usize {
        self.by_event.len()
    }

    /// How many of them have a deadline.
    pub fn deadlines(&self) -> usize {
        self.deadlines.len()
    }

    /// The clients whose deadline has come, the earliest first.
    pub fn overdue(&self, now: u64) -> impl Iterator<Item = u64> {
        self.deadlines.iter().take_while(move |&&(due, _)| due <= now).map(|&(_, id)| id)
    }

    /// The first deadline.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|&(due, _)| due)
    }

    /// Removes the first deadline if that is due by `now`, and returns whose it was.
    pub(crate) fn take_overdue(&mut self, now: u64) -> Option<u64> {
        let &(due, id) = self.deadlines.first()?;
        if due > now {
            return None;
        }
        self.deadlines.pop_first();
        Some(id)
    }

    /// The number of a client that begins to wait.
    pub(crate) fn next_turn(&mut self, client: u64) -> Turn {
        self.begun += 1;
        Turn { number: self.begun, client }
    }

    /// Puts a client in every line that its command waits in.
    pub(crate) fn add(&mut self, wait: &BlockedCommand, turn: Turn) {
        self.len += 1;
        self.any_change += usize::from(wait.until.wake.is_met_by_any_change());
        for key in wait.keys() {
            self.by_key.add(wait.db, key, turn);
            if wait.until.wake.is_met_by_absence() {
                self.by_key_or_gone.add(wait.db, key, turn);
            }
        }
        if let Wake::Event(event) = &wait.until.wake {
            self.by_event.add(0, event.name(), turn);
        }
        if let Some(due) = wait.until.deadline {
            self.deadlines.insert((due, turn.client));
        }
    }

    /// Removes a client from every line that its command waits in.
    pub(crate) fn remove(&mut self, wait: &BlockedCommand, turn: Turn) {
        self.len -= 1;
        self.any_change -= usize::from(wait.until.wake.is_met_by_any_change());
        for key in wait.keys() {
            self.by_key.remove(wait.db, key, turn);
            if wait.until.wake.is_met_by_absence() {
                self.by_key_or_gone.remove(wait.db, key, turn);
            }
        }
        if let Wake::Event(event) = &wait.until.wake {
            self.by_event.remove(0, event.name(), turn);
        }
        if let Some(due) = wait.until.deadline {
            self.deadlines.remove(&(due, turn.client));
        }
    }

    /// Returns whether a client waits for a key to change in whatever way, and not for more in it.
    pub(crate) fn mind_any_change(&self) -> bool {
        self.any_change > 0
    }

    /// Returns whether a client waits for a key.
    pub(crate) fn has_keys(&self) -> bool {
        !self.by_key.is_empty()
    }

    /// The keys of a database that clients wait for, in order of name.
    pub(crate) fn keys_of(&self, db: usize) -> Vec<Box<[u8]>> {
        let mut keys: Vec<Box<[u8]>> = self.by_key.keys(db).map(Box::from).collect();
        keys.sort_unstable();
        keys
    }

    /// A key has changed or is gone: its line is looked at.
    pub(crate) fn changed(&mut self, db: usize, key: &[u8]) {
        if self.by_key.mark(db, key) {
            self.ready.push_back(ReadyFor::Key(db, key.into()));
        }
    }

    /// An event is signalled: its line is looked at.
    pub(crate) fn signal(&mut self, event: Event) {
        if self.by_event.mark(0, event.name()) {
            self.ready.push_back(ReadyFor::Event(event));
        }
    }

    /// Returns whether there are lines to look at.
    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty() || self.interrupted.is_some()
    }

    /// The next line to look at, from its beginning unless it was put back.
    pub(crate) fn take_ready(&mut self) -> Option<Ready> {
        if self.interrupted.is_some() {
            return self.interrupted.take();
        }
        let what = self.ready.pop_front()?;
        match &what {
            ReadyFor::Key(db, key) => self.by_key.unmark(*db, key),
            ReadyFor::Event(event) => self.by_event.unmark(0, event.name()),
        }
        Some(Ready { what, passed: None })
    }

    /// Goes on with the line in the next turn, behind those that have been looked at: these would keep it for ever if
    /// they were many and waited on. What changes meanwhile has the line looked at once more, from its beginning.
    pub(crate) fn put_back(&mut self, ready: Ready) {
        self.interrupted = Some(ready);
    }

    /// The client behind the last one that was looked at. `is_gone`: the key is not there.
    pub(crate) fn after(&self, ready: &Ready, is_gone: bool) -> Option<Turn> {
        match &ready.what {
            ReadyFor::Key(db, key) if is_gone => self.by_key_or_gone.after(*db, key, ready.passed),
            ReadyFor::Key(db, key) => self.by_key.after(*db, key, ready.passed),
            ReadyFor::Event(event) => self.by_event.after(0, event.name(), ready.passed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Args, Span};

    fn waits_for(wake: Wake) -> BlockedCommand {
        let until = WaitCondition { wake, keys: 0..1, deadline: None, kept: Vec::new() };
        let args = Args::new(b"k", &vec![Span::new(0, 1)]).to_owned();
        let (answer, has_failed, is_silent) = (Vec::new(), false, false);
        BlockedCommand { command: CommandId(0), args, db: 0, until, answer, has_failed, is_silent }
    }

    #[test]
    fn a_key_that_is_gone_concerns_only_those_that_wait_for_that() {
        let mut waiters = Waiters::default();
        for client in 1..=1000 {
            let wake = match client {
                500 => Wake::KeyChangedOrGone,
                _ => Wake::KeyOfKind(Kind::List),
            };
            let turn = waiters.next_turn(client);
            waiters.add(&waits_for(wake), turn);
        }
        waiters.changed(0, b"k");
        let mut ready = waiters.take_ready().expect("a line to look at");
        assert_eq!(waiters.after(&ready, false).map(|turn| turn.client), Some(1));
        ready.passed = waiters.after(&ready, true);
        assert_eq!(ready.passed.map(|turn| turn.client), Some(500));
        assert_eq!(waiters.after(&ready, true), None, "the others are not walked through");
        assert_eq!(waiters.after(&ready, false).map(|turn| turn.client), Some(501));
    }

    #[test]
    fn a_line_is_looked_at_once_however_often_its_key_has_changed() {
        let mut waiters = Waiters::default();
        let turn = waiters.next_turn(1);
        waiters.add(&waits_for(Wake::KeyChanged), turn);
        waiters.changed(0, b"k");
        waiters.changed(0, b"k");
        waiters.changed(0, b"other");
        let ready = waiters.take_ready().expect("a line to look at");
        assert!(!waiters.has_ready());
        waiters.put_back(ready);
        assert!(waiters.has_ready());
    }

    #[test]
    fn each_wake_says_which_changes_of_a_key_end_the_wait() {
        let met = |wake: Wake| {
            [None, Some(Kind::List), Some(Kind::Zset)].map(|kind| wake.is_met_by(kind))
        };
        assert_eq!(met(Wake::KeyOfKind(Kind::List)), [false, true, false]);
        assert_eq!(met(Wake::KeyChanged), [false, true, true]);
        assert_eq!(met(Wake::KeyChangedOrGone), [true; 3]);
        assert_eq!(met(Wake::UnreadByGroup(2)), [true; 3]);
        for other in [Wake::Event("e".into()), Wake::Time, Wake::ReplyDue, Wake::Deferred(1)] {
            assert_eq!(met(other), [false; 3]);
        }
    }
}
