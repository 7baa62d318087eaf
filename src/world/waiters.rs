//! Clients that wait: BLPOP and its kin, until a key has what they want or their time is up.
//!
//! A command that has to wait is kept with its arguments. When a key in its line changes, the same
//! command runs again, and its client keeps its place and its deadline if there is still nothing for it.
//! What it answers when its time is up was written when it began to wait.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use super::key_index::{KeyIndex, Turn};
use super::stats::CommandId;
use super::{Slot, World};
use crate::error::Error;
use crate::resp::{OwnedArgs, Reply};
use crate::store::Kind;

/// What a command waits for.
#[derive(Debug)]
pub struct Until {
    /// Any of these keys to hold a value of this type; they are some of the command's arguments. `None`:
    /// only for its time to be up.
    pub keys: Option<(Kind, Range<usize>)>,
    /// The time when that is, in µs of [`super::Now::mono`]. `None`: never.
    pub deadline: Option<u64>,
    /// Whether the command is done, and only its answer is put off.
    pub is_done: bool,
}

/// A command that waits.
#[derive(Debug)]
pub struct Wait {
    pub command: CommandId,
    pub args: OwnedArgs,
    /// The database of the keys.
    pub db: usize,
    pub until: Until,
    /// What to answer when the time is up.
    pub answer: Vec<u8>,
    /// Whether that is an error: the command has failed.
    pub has_failed: bool,
    /// Whether its reply is wanted: not while CLIENT REPLY is OFF.
    pub is_silent: bool,
}

impl Wait {
    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.args.memory() + self.answer.capacity()
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let keys = self.until.keys.as_ref().map_or(0..0, |(_, keys)| keys.clone());
        self.args.args().from(keys.start).take(keys.len())
    }
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Waiters {
    by_key: KeyIndex,
    /// Deadlines, each with the id of its client.
    deadlines: BTreeSet<(u64, u64)>,
    /// Keys with a line that have changed, the first first. Their lines are marked.
    ready: VecDeque<(usize, Box<[u8]>)>,
    /// How many commands have begun to wait: the number of the last one's turn.
    begun: u64,
    len: usize,
}

impl Waiters {
    /// How many clients wait.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys they wait for.
    pub fn keys(&self) -> usize {
        self.by_key.len()
    }

    /// How many of them do not wait for ever.
    pub fn timeouts(&self) -> usize {
        self.deadlines.len()
    }

    /// When the time of the first of them is up.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|&(due, _)| due)
    }

    /// How many of them will not wait for ever.
    pub fn deadlines(&self) -> usize {
        self.deadlines.len()
    }

    pub fn has_keys(&self) -> bool {
        !self.by_key.is_empty()
    }

    /// A key has changed, which may be what somebody waits for.
    pub fn changed(&mut self, db: usize, key: &[u8]) {
        if self.by_key.mark(db, key) {
            self.ready.push_back((db, key.into()));
        }
    }

    /// All keys of a database may have changed, the first in order of name first.
    pub fn all_changed(&mut self, db: usize) {
        let mut keys: Vec<Box<[u8]>> = self.by_key.keys(db).map(Box::from).collect();
        keys.sort_unstable();
        for key in keys {
            self.changed(db, &key);
        }
    }

    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next key to look at, and its database.
    pub fn take_ready(&mut self) -> Option<(usize, Box<[u8]>)> {
        let (db, key) = self.ready.pop_front()?;
        self.by_key.unmark(db, &key);
        Some((db, key))
    }

    /// The first client in line for a key, or the first behind `turn`.
    pub fn in_line(&self, db: usize, key: &[u8], turn: Option<Turn>) -> Option<Turn> {
        self.by_key.after(db, key, turn)
    }
}

impl World {
    /// The client's command waits, and what it sends meanwhile waits for that.
    pub fn start_waiting(&mut self, slot: Slot, wait: Wait) {
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
    pub fn stop_waiting(&mut self, slot: Slot) -> Option<Wait> {
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
