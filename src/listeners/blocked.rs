//! Clients that wait: BLPOP and its kin, until a key has what they want or their time is up.
//!
//! A command that has to wait is kept with its arguments. When a key in its line changes, the same
//! command runs again, and its client keeps its place and its deadline if there is still nothing for it.
//! What it answers when its time is up was written when it began to wait.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use super::key_index::{KeyIndex, Turn};
use crate::keyspace::Kind;
use crate::telemetry::stats::CommandId;
use crate::wire::OwnedArgs;

/// What a command waits for.
#[derive(Debug)]
pub struct WaitCondition {
    /// Any of these keys to hold a value of this type; they are some of the command's arguments. `None`:
    /// only for its time to be up.
    pub keys: Option<(Kind, Range<usize>)>,
    /// The time when that is, in µs of [`crate::clock::Now::mono`]. `None`: never.
    pub deadline: Option<u64>,
    /// Whether the command is done, and only its answer is put off.
    pub is_done: bool,
}

/// A command that waits.
#[derive(Debug)]
pub struct BlockedCommand {
    pub command: CommandId,
    pub args: OwnedArgs,
    /// The database of the keys.
    pub db: usize,
    pub until: WaitCondition,
    /// What to answer when the time is up.
    pub answer: Vec<u8>,
    /// Whether that is an error: the command has failed.
    pub has_failed: bool,
    /// Whether its reply is wanted: not while CLIENT REPLY is OFF.
    pub is_silent: bool,
}

impl BlockedCommand {
    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.args.memory() + self.answer.capacity()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let keys = self.until.keys.as_ref().map_or(0..0, |(_, keys)| keys.clone());
        self.args.args().from(keys.start).take(keys.len())
    }
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Waiters {
    pub(crate) by_key: KeyIndex,
    /// Deadlines, each with the id of its client.
    pub(crate) deadlines: BTreeSet<(u64, u64)>,
    /// Keys with a line that have changed, the first first. Their lines are marked.
    ready: VecDeque<(usize, Box<[u8]>)>,
    /// How many commands have begun to wait: the number of the last one's turn.
    pub(crate) begun: u64,
    pub(crate) len: usize,
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
