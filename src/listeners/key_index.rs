//! Clients by the keys that they watch or wait for, in the order of their turns.
//!
//! A client names as many keys as it likes, and any number of clients the same key. So what is asked of a line
//! (is a client in it, which comes after it, take it out) takes a step for each doubling of the line, not
//! one for each client in it.

use std::collections::BTreeSet;
use std::iter;
use std::ops::Bound;

use crate::keyspace::index::dict::{Dict, Keyed, hash_of};

/// Ids of clients by database and key.
#[derive(Debug, Default)]
pub(crate) struct KeyIndex {
    /// By number. Those in which no client has been in line yet may be missing.
    databases: Vec<Dict<Queue>>,
}

// ANCHOR: queue
/// A client's place in lines: behind all smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// Decides first. Where nothing is to be decided it is 0.
    pub(crate) number: u64,
    /// The client's id.
    pub(crate) client: u64,
}

/// The clients in line for a key: one at least, and seldom more.
#[derive(Debug)]
struct Queue {
    key: Box<[u8]>,
    hash: u32,
    /// See [`KeyIndex::mark`].
    is_marked: bool,
    first: Turn,
    others: BTreeSet<Turn>,
}
// ANCHOR_END: queue

impl Keyed for Queue {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn hash(&self) -> u32 {
        self.hash
    }
}

impl Queue {
    /// Adds a client. Returns false if it was there already.
    fn add(&mut self, turn: Turn) -> bool {
        if turn == self.first {
            return false;
        }
        let later = turn.max(self.first);
        self.first = turn.min(self.first);
        self.others.insert(later)
    }

    /// Removes a client. Returns false if it was the last: the caller then drops the line.
    fn remove(&mut self, turn: Turn) -> bool {
        if self.first != turn {
            self.others.remove(&turn);
            return true;
        }
        let next = self.others.pop_first();
        self.first = next.unwrap_or(turn);
        next.is_some()
    }

    /// The first client behind `turn`, or of all.
    fn after(&self, turn: Option<Turn>) -> Option<Turn> {
        match turn {
            Some(turn) if turn >= self.first => {
                self.others.range((Bound::Excluded(turn), Bound::Unbounded)).next().copied()
            }
            _ => Some(self.first),
        }
    }
}

impl KeyIndex {
    /// Puts a client in line for a key. Returns false if it was there already.
    pub(crate) fn add(&mut self, db: usize, key: &[u8], turn: Turn) -> bool {
        if self.databases.len() <= db {
            self.databases.resize_with(db + 1, Dict::default);
        }
        let lines = &mut self.databases[db];
        let hash = hash_of(key);
        match lines.find(hash, key) {
            Some(at) => lines.at_mut(at).add(turn),
            None => {
                let (is_marked, others) = (false, BTreeSet::new());
                lines.insert(Queue { key: key.into(), hash, is_marked, first: turn, others });
                true
            }
        }
    }

    /// Takes a client out of the line for a key, if it is there.
    pub(crate) fn remove(&mut self, db: usize, key: &[u8], turn: Turn) {
        if let Some(lines) = self.databases.get_mut(db)
            && let Some(at) = lines.find(hash_of(key), key)
            && !lines.at_mut(at).remove(turn)
        {
            lines.remove(at);
        }
    }

    /// The clients in line for a key, the first first.
    pub(crate) fn line(&self, db: usize, key: &[u8]) -> impl Iterator<Item = Turn> + '_ {
        let line = self.databases.get(db).and_then(|lines| lines.get(key));
        line.into_iter().flat_map(|line| iter::once(line.first).chain(line.others.iter().copied()))
    }

    /// The first client in line for a key, or the first behind `turn`.
    pub(crate) fn after(&self, db: usize, key: &[u8], turn: Option<Turn>) -> Option<Turn> {
        self.databases.get(db)?.get(key)?.after(turn)
    }

    /// Marks the line for a key. Returns false if there is none, or if it is marked already.
    pub(crate) fn mark(&mut self, db: usize, key: &[u8]) -> bool {
        self.set_marked(db, key, true) == Some(false)
    }

    /// Takes the mark of a line away, if both are there.
    pub(crate) fn unmark(&mut self, db: usize, key: &[u8]) {
        self.set_marked(db, key, false);
    }

    fn set_marked(&mut self, db: usize, key: &[u8], is_marked: bool) -> Option<bool> {
        let lines = self.databases.get_mut(db)?;
        let at = lines.find(hash_of(key), key)?;
        Some(std::mem::replace(&mut lines.at_mut(at).is_marked, is_marked))
    }

    /// The keys of a database that clients are in line for.
    pub(crate) fn keys(&self, db: usize) -> impl Iterator<Item = &[u8]> {
        self.databases.get(db).into_iter().flat_map(Dict::iter).map(Keyed::key)
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.databases.iter().map(Dict::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.databases.iter().all(Dict::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(number: u64, client: u64) -> Turn {
        Turn { number, client }
    }

    fn clients(index: &KeyIndex, key: &[u8]) -> Vec<u64> {
        index.line(0, key).map(|turn| turn.client).collect()
    }

    #[test]
    fn a_line_is_in_the_order_of_turns() {
        let mut index = KeyIndex::default();
        for (number, client) in [(2, 1), (1, 3), (3, 2)] {
            assert!(index.add(0, b"a", turn(number, client)));
            assert!(!index.add(0, b"a", turn(number, client)), "it is in line already");
        }
        index.add(7, b"a", turn(4, 4));
        index.add(0, b"b", turn(2, 1));
        assert_eq!(clients(&index, b"a"), [3, 1, 2]);
        assert_eq!((index.len(), index.keys(0).count()), (3, 2));
        let after = |turn| index.after(0, b"a", turn).map(|turn| turn.client);
        assert_eq!(after(None), Some(3));
        assert_eq!([1, 2, 3].map(|n| after(Some(turn(n, 9)))), [Some(1), Some(2), None]);
        index.remove(0, b"a", turn(1, 3));
        index.remove(0, b"a", turn(1, 3));
        assert_eq!(clients(&index, b"a"), [1, 2]);
        for (db, key, turn) in [
            (0, b"a", turn(2, 1)),
            (0, b"a", turn(3, 2)),
            (0, b"b", turn(2, 1)),
            (7, b"a", turn(4, 4)),
        ] {
            assert!(index.after(db, key, None).is_some());
            index.remove(db, key, turn);
        }
        assert!(index.is_empty());
    }

    #[test]
    fn a_line_is_marked_once() {
        let mut index = KeyIndex::default();
        assert!(!index.mark(0, b"a"));
        index.add(0, b"a", turn(0, 1));
        assert!(index.mark(0, b"a") && !index.mark(0, b"a") && !index.mark(0, b"b"));
        index.unmark(0, b"a");
        assert!(index.mark(0, b"a"));
    }

    /// One client at the end of a long line, or at its start, takes no walk through it: 40,000,000,000 steps
    /// if it did.
    #[test]
    fn a_long_line_is_not_walked_through() {
        const CLIENTS: u64 = 200_000;
        let mut index = KeyIndex::default();
        (0..CLIENTS).for_each(|id| assert!(index.add(0, b"a", turn(0, id))));
        (0..CLIENTS).for_each(|id| assert!(!index.add(0, b"a", turn(0, id))));
        for id in 1..CLIENTS {
            let next = index.after(0, b"a", Some(turn(0, id - 1)));
            assert_eq!(next, Some(turn(0, id)));
        }
        (0..CLIENTS).rev().for_each(|id| index.remove(0, b"a", turn(0, id)));
        assert!(index.is_empty());
    }
}
