//! When the keys of a database, or the fields of a hash, expire: an index in order of time.
//!
//! A key is listed by its hash, not by its name, so that a key that expires costs little more than one
//! that does not. Two keys with the same hash that expire in the same millisecond are counted.

use std::collections::BTreeMap;

use crate::keyspace::blob::Millis;

/// The expiries of one database, or of one hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expiries {
    /// How many keys of that hash expire then. One, as good as always.
    times: BTreeMap<(Millis, u32), u32>,
    keys: usize,
    /// All their times together.
    sum: i128,
}

impl Expiries {
    pub(crate) fn insert(&mut self, when: Millis, hash: u32) {
        *self.times.entry((when, hash)).or_default() += 1;
        self.keys += 1;
        self.sum += i128::from(when);
    }

    pub(crate) fn remove(&mut self, when: Millis, hash: u32) {
        if let Some(count) = self.times.get_mut(&(when, hash)) {
            self.keys -= 1;
            self.sum -= i128::from(when);
            *count -= 1;
            if *count == 0 {
                self.times.remove(&(when, hash));
            }
        }
    }

    /// A key expires at another time than before, and stays where it is listed.
    pub(crate) fn put_off(&mut self, before: Millis, after: Millis) {
        self.sum += i128::from(after) - i128::from(before);
    }

    /// The key that expires first: when, and its hash.
    pub(crate) fn first(&self) -> Option<(Millis, u32)> {
        self.times.first_key_value().map(|(&first, _)| first)
    }

    /// The key that expires first at `when` or later.
    pub(crate) fn first_from(&self, when: Millis) -> Option<(Millis, u32)> {
        self.times.range((when, 0)..).next().map(|(&first, _)| first)
    }

    /// When the last key expires.
    pub(crate) fn last(&self) -> Option<(Millis, u32)> {
        self.times.last_key_value().map(|(&last, _)| last)
    }

    /// How many keys' time has come.
    pub(crate) fn due(&self, now: Millis) -> usize {
        if self.first().is_none_or(|(when, _)| when > now) {
            return 0;
        }
        self.times.range(..=(now, u32::MAX)).map(|(_, &keys)| keys as usize).sum()
    }

    /// How many keys expire.
    pub(crate) fn len(&self) -> usize {
        self.keys
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// The mean of their times, if there are any.
    pub(crate) fn mean(&self) -> Option<Millis> {
        let mean = self.sum.checked_div(self.keys as i128)?;
        Millis::try_from(mean).ok()
    }

    /// Frees a key's part of an index that is being freed.
    pub(crate) fn free_one(&mut self) {
        self.times.pop_first();
    }

    /// Bytes of memory, about: nodes of the tree are two thirds full.
    pub(crate) fn memory(&self) -> usize {
        self.times.len() * size_of::<((Millis, u32), u32)>() * 3 / 2
    }
}
