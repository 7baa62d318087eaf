//! Tracking: clients that keep what they have read in a cache of their own are told when it changes.
//!
//! A client either hears of the keys that it has read, each once until it reads it again (`table`), or of
//! all keys that begin with its prefixes: it broadcasts. What it is told is an invalidation: a push in
//! RESP3, or a message for the client that it has them redirected to.
//!
//! A client that has read a key hears of a change before the command that made it is over. Broadcasts are gathered
//! until the requests that came together have run, so that a pipeline makes one message; but a client that
//! is to hear one runs no command before.

pub(crate) mod table;
pub(crate) mod tracker;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::wire::{Frame, Protocol, Reply};
use table::ReadKeys;

/// Keys that have changed, each with the id of the client that changed it last.
type Changes = BTreeMap<Box<[u8]>, Option<u64>>;

/// The clients that track keys, and the keys that they track.
#[derive(Debug, Default)]
pub struct Tracking {
    pub(crate) clients: BTreeSet<u64>,
    pub(crate) table: ReadKeys,
    /// By prefix, the clients that hear of keys that begin with it.
    pub(crate) prefixes: BTreeMap<Box<[u8]>, BTreeSet<u64>>,
    /// What is still to be broadcast, by prefix.
    pub(crate) pending: BTreeMap<Box<[u8]>, Changes>,
}

impl Tracking {
    /// Returns whether any client tracks keys.
    #[inline]
    pub fn is_on(&self) -> bool {
        !self.clients.is_empty()
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.table.len()
    }

    /// How many pairs of a remembered key and a client there are.
    pub fn items(&self) -> usize {
        self.table.items()
    }

    /// How many prefixes have clients that hear of their keys.
    pub fn prefixes(&self) -> usize {
        self.prefixes.len()
    }

    /// Bytes of memory that remembered keys hold.
    pub(crate) fn memory(&self) -> usize {
        self.table.memory()
    }

    /// Returns whether something is still to be broadcast.
    #[inline]
    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Returns whether there is memory to free.
    pub fn has_unfreed(&self) -> bool {
        self.table.has_unfreed()
    }

    /// Frees the memory of up to so many keys that are not remembered any more.
    pub(crate) fn free_some(&mut self, keys: usize) {
        self.table.free_some(keys);
    }

    /// Notes a change for all prefixes that the key begins with.
    pub(crate) fn gather(&mut self, key: &[u8], by: Option<u64>) {
        for prefix in prefixes_of(&self.prefixes, key) {
            let changes = match self.pending.get_mut(prefix) {
                Some(changes) => changes,
                None => self.pending.entry(prefix.into()).or_default(),
            };
            match changes.get_mut(key) {
                Some(last) => *last = by,
                None => drop(changes.insert(key.into(), by)),
            }
        }
    }
}

/// The prefixes that the key begins with, the longest first.
///
/// The greatest one that is not above the key shares some first bytes with it. If it ends there, it is
/// one of them; in any case, the others are not longer than what is shared.
pub(crate) fn prefixes_of<'a, V>(
    prefixes: &'a BTreeMap<Box<[u8]>, V>,
    key: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> {
    let mut end = Some(Bound::Included(key));
    std::iter::from_fn(move || {
        while let Some(last) = end {
            let (prefix, _) = prefixes.range::<[u8], _>((Bound::Unbounded, last)).next_back()?;
            let shared = prefix.iter().zip(key).take_while(|(one, other)| one == other).count();
            if shared == prefix.len() {
                end = (shared > 0).then_some(Bound::Excluded(&key[..shared]));
                return Some(&**prefix);
            }
            end = Some(Bound::Included(&key[..shared]));
        }
        None
    })
}

/// What a client is told: that these keys have changed, or all. RESP2 has no pushes, so there it is a
/// message of a channel, for a client that subscribes.
pub(crate) fn invalidation(keys: Option<&[&[u8]]>) -> Frame<impl Fn(&mut Reply)> {
    Frame::new(move |reply| {
        if reply.protocol() == Protocol::Resp3 {
            reply.push(2);
            reply.bulk(b"invalidate");
        } else {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(b"__redis__:invalidate");
        }
        match keys {
            Some(keys) => {
                reply.array(keys.len());
                keys.iter().for_each(|key| reply.bulk(key));
            }
            None => reply.null(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(prefixes: &[&str], key: &str) -> Vec<String> {
        let prefixes = prefixes.iter().map(|prefix| (Box::from(prefix.as_bytes()), ())).collect();
        let found = prefixes_of(&prefixes, key.as_bytes());
        found.map(|prefix| String::from_utf8_lossy(prefix).into_owned()).collect()
    }

    #[test]
    fn a_key_begins_with_some_of_the_prefixes() {
        let all = ["", "a", "ab", "abba", "abc", "abcd", "abd", "b"];
        assert_eq!(found(&all, "abcd"), ["abcd", "abc", "ab", "a", ""]);
        assert_eq!(found(&all, "abce"), ["abc", "ab", "a", ""]);
        assert_eq!(found(&all, "abb"), ["ab", "a", ""]);
        assert_eq!(found(&all, "zz"), [""]);
        assert_eq!(found(&all, ""), [""]);
        assert_eq!(found(&all[1..], "zz"), [""; 0]);
        assert_eq!(found(&["b", "c"], "a"), [""; 0]);
        assert_eq!(found(&[], "a"), [""; 0]);
    }
}
