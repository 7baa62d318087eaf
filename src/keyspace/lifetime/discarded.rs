//! What is not needed any more, and is freed in slices: large values, and databases after FLUSHALL.
//!
//! Freeing millions of elements at once would keep all clients waiting, so a command that removes them
//! only puts them aside, and each turn frees a slice ([`Store::free_some`]). What waits counts as memory in
//! use ([`Store::unfreed`]).
//!
//! A client can put aside faster than turns free: COPY with REPLACE, in a loop. So once more than
//! [`Shared::most_unfreed`] waits, memory does not grow any further: a command that makes it grow frees
//! as much before the next one runs ([`Store::keep_pace`]). A command that only removes frees nothing, however
//! much it removes, since it takes no memory.

use std::hint::black_box;

use crate::keyspace::entry::Entry;
use crate::keyspace::index::dict::Remains;
use crate::keyspace::index::expiries::Expiries;
use crate::keyspace::large::string::PIECE;
use crate::keyspace::value::Value;
use crate::keyspace::{Database, Shared, Store};

/// A value of no more elements, and no more bytes, is freed on the spot: a string of 1 MiB is one of these, so that the next
/// one that comes finds its memory.
const FREED_AT_ONCE: usize = 64;
const SMALL: usize = 2 << 20;

/// So many bytes are freed on the spot in a turn: to give back so much takes the system some milliseconds.
const MOST_AT_ONCE: usize = 32 << 20;

/// Elements that a command frees before it looks again whether that is enough.
const STEP: usize = 1000;

/// What was put aside.
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    values: Vec<Value>,
    databases: Vec<Flushed>,
    /// Bytes of all that.
    bytes: usize,
    /// Bytes that have been freed on the spot in this turn.
    at_once: usize,
    /// The bytes of the store and of what was put aside, when that had become too much.
    mark: Option<usize>,
}

/// What a database was made of when all its keys were removed.
#[derive(Debug)]
struct Flushed {
    entries: Remains<Entry>,
    expiries: Expiries,
    fields: Expiries,
    /// Bytes of keys and values.
    data: usize,
}

impl Flushed {
    fn memory(&self) -> usize {
        self.data + self.entries.memory() + self.expiries.memory() + self.fields.memory()
    }

    fn pop(&mut self) -> Option<Entry> {
        self.expiries.free_one();
        self.fields.free_one();
        let entry = self.entries.pop()?;
        self.data -= entry.memory();
        Some(entry)
    }
}

impl Shared {
    /// A value is not needed any more.
    pub(crate) fn discard(&mut self, value: Option<Value>) {
        if let Some(value) = value.and_then(|value| self.hold(value)) {
            let bytes = value.memory();
            self.discarded.at_once += bytes;
            let is_too_much = bytes > SMALL || self.discarded.at_once > MOST_AT_ONCE;
            if value.len() > FREED_AT_ONCE || is_too_much {
                self.discarded.at_once -= bytes;
                self.discard_in_slices(value);
            }
        }
    }

    /// As [`Shared::discard`], for a part of a value that may be large without looking it.
    pub(crate) fn discard_in_slices(&mut self, value: Value) {
        self.discarded.bytes += value.memory();
        self.discarded.values.push(value);
    }

    /// A database is not needed any more, nor its keys.
    pub(crate) fn discard_database(&mut self, database: Database) {
        let Database { entries, expiries, fields, memory: data, .. } = database;
        let mut flushed = Flushed { entries: entries.dismantle(), expiries, fields, data };
        if flushed.entries.entries() <= FREED_AT_ONCE {
            while let Some(entry) = flushed.pop() {
                self.discard(entry.into_large());
            }
        } else {
            self.discarded.bytes += flushed.memory();
            self.discarded.databases.push(flushed);
        }
    }

    /// Frees about so many elements. Returns whether there are more.
    fn free_slice(&mut self, elements: usize) -> bool {
        let mut left = elements;
        while left > 0 {
            let freed = if !self.discarded.values.is_empty() {
                self.free_of_value(left.min(FREED_AT_ONCE))
            } else if !self.discarded.databases.is_empty() {
                self.free_of_database()
            } else {
                break;
            };
            left = left.saturating_sub(freed);
        }
        if self.discarded.bytes <= self.most_unfreed {
            self.discarded.mark = None;
        }
        !self.discarded.is_empty()
    }

    /// Frees up to so many elements of the last value, and returns how much work that was.
    fn free_of_value(&mut self, elements: usize) -> usize {
        let Some(value) = self.discarded.values.last_mut() else { return 0 };
        let before = value.memory();
        let freed = value.free_some(elements);
        let after = if freed == 0 { 0 } else { value.memory() };
        self.discarded.bytes -= before - after;
        if freed == 0 {
            self.freed_later += 1;
            self.discarded.values.pop();
        }
        // An element that is larger than a piece counts as several.
        freed.max((before - after) / PIECE)
    }

    /// Frees an entry of the last database, and returns how much work that was.
    fn free_of_database(&mut self) -> usize {
        let Some(flushed) = self.discarded.databases.last_mut() else { return 0 };
        let before = flushed.memory();
        match flushed.pop() {
            Some(entry) => {
                let freed = before - flushed.memory();
                self.discarded.bytes -= freed;
                self.freed_later += 1;
                let aside = self.discarded.values.len();
                self.discard(entry.into_large());
                // A value of many bytes counts as its pieces, when they are freed.
                if self.discarded.values.len() > aside { 1 } else { 1 + freed / PIECE }
            }
            None => {
                self.discarded.bytes -= before;
                self.discarded.databases.pop();
                1
            }
        }
    }
}

impl Discarded {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.databases.is_empty()
    }
}

impl Store {
    /// A turn of the loop begins: as much as in the last one may be freed on the spot again.
    pub(crate) fn begin_turn(&mut self) {
        self.shared.discarded.at_once = 0;
    }

    /// Frees about so many elements of what is not needed any more. Returns whether there is more.
    pub(crate) fn free_some(&mut self, elements: usize) -> bool {
        if !self.has_unfreed() {
            return false;
        }
        let has_more = self.shared.free_slice(elements);
        coalesce_free_heap();
        has_more
    }

    /// A command is over. If more waits to be freed than may, and memory has grown nevertheless, frees as
    /// much as it has grown.
    #[inline]
    pub(crate) fn keep_pace(&mut self) {
        if self.unfreed() > self.shared.most_unfreed {
            self.free_growth();
        }
    }

    #[cold]
    fn free_growth(&mut self) {
        let total = self.memory() + self.unfreed();
        let mark = *self.shared.discarded.mark.get_or_insert(total);
        while self.memory() + self.unfreed() > mark && self.unfreed() > self.shared.most_unfreed {
            // What is to be recorded before it is freed may have to wait for the disk.
            if !self.has_unfreed() && !self.record_more(STEP) {
                break;
            }
            self.free_some(STEP);
        }
    }

    /// Whether [`Store::free_some`] has something to do.
    pub(crate) fn has_unfreed(&self) -> bool {
        !self.shared.discarded.is_empty()
    }

    /// How many values and keys wait to be freed.
    pub(crate) fn unfreed_objects(&self) -> usize {
        let Discarded { values, databases, .. } = &self.shared.discarded;
        values.len() + databases.iter().map(|flushed| flushed.entries.entries()).sum::<usize>()
    }

    /// Bytes of memory that have been given up and wait to be freed ([`Store::free_some`]), or to be recorded before.
    pub(crate) fn unfreed(&self) -> usize {
        self.shared.discarded.bytes + self.shared.held()
    }
}

/// Joins the pieces of memory that a slice has freed with what is free beside them.
///
/// glibc leaves small pieces as they are when they are freed, and joins all there are at the next request
/// for some kilobytes. A request of 4 KiB after each slice spreads that work: behind a FLUSHALL of a million
/// keys the next allocation of 100 kB takes 13 µs, and 243 ms without it; behind as many that expire, 3 ms
/// instead of 528.
pub(crate) fn coalesce_free_heap() {
    drop(black_box(Vec::<u8>::with_capacity(4096)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Set;
    use crate::keyspace::keys::KeyPlace;

    const KEY: KeyPlace<'_> = KeyPlace { db: 0, key: b"set" };

    /// A store with a set of ten thousand members.
    fn store() -> Store {
        let mut store = Store::new(2);
        store.shared.most_unfreed = 1 << 20;
        let mut db = store.db(0);
        let mut set = db.edit_or_new::<Set>(KEY.key).unwrap();
        (0..10_000).for_each(|n| _ = set.add(format!("member:{n}").as_bytes()));
        drop(set);
        store
    }

    fn total(store: &Store) -> usize {
        store.memory() + store.unfreed()
    }

    #[test]
    fn a_command_that_takes_memory_frees_as_much_while_much_waits() {
        let mut store = store();
        let size = store.memory();
        for _ in 0..50 {
            store.copy(KEY, KeyPlace { db: 1, key: b"copy" }, true);
            store.keep_pace();
            assert!(total(&store) <= 4 * size + (1 << 20), "{} of {size}", total(&store));
        }
        for _ in 0..50 {
            store.copy(KEY, KeyPlace { db: 1, key: b"copy" }, true);
            store.keep_pace();
            store.db(1).clear();
            store.keep_pace();
            assert!(total(&store) <= 4 * size + (1 << 20), "{} of {size}", total(&store));
        }
    }

    #[test]
    fn a_command_that_takes_no_memory_frees_none() {
        let mut store = store();
        for n in 0..30_u8 {
            store.copy(KEY, KeyPlace { db: 1, key: &[n] }, true);
        }
        let before = total(&store);
        for n in 0..30_u8 {
            assert!(store.db(1).remove(&[n]));
            store.keep_pace();
        }
        assert!(total(&store) + (16 << 10) > before, "{} {before}", total(&store));
        assert!(store.unfreed() > 4 * store.shared.most_unfreed);
        // Nor does a command that takes what has been freed meanwhile.
        store.free_some(20_000);
        let unfreed = store.unfreed();
        store.copy(KEY, KeyPlace { db: 1, key: b"copy" }, true);
        store.keep_pace();
        assert_eq!(store.unfreed(), unfreed);
    }

    #[test]
    fn elements_that_are_large_are_more_work() {
        let mut store = Store::new(1);
        let mut db = store.db(0);
        let mut set = db.edit_or_new::<Set>(b"set").unwrap();
        (0..100_u8).for_each(|n| _ = set.add(&vec![n; 1 << 17]));
        drop(set);
        assert!(store.db(0).remove(b"set"));
        let before = store.unfreed();
        assert!(store.free_some(FREED_AT_ONCE + 36));
        assert!(store.unfreed() > before / 4, "{} of {before}", store.unfreed());
    }

    #[test]
    fn few_elements_that_are_large_are_freed_later() {
        let mut store = Store::new(1);
        let mut db = store.db(0);
        let mut set = db.edit_or_new::<Set>(b"set").unwrap();
        (0..9_u8).for_each(|n| _ = set.add(&vec![n; 1 << 20]));
        drop(set);
        assert!(store.db(0).remove(b"set"));
        assert!(store.unfreed() > SMALL);
    }

    /// Sets so many strings of a mebibyte.
    fn set_long(store: &mut Store, count: u8) {
        for n in 0..count {
            store.db(0).set_string(&[n], &[b'x'; 1 << 20], None);
        }
    }

    #[test]
    fn many_values_are_freed_on_the_spot_up_to_a_limit() {
        let mut store = Store::new(1);
        set_long(&mut store, 100);
        for n in 0..100_u8 {
            assert!(store.db(0).remove(&[n]));
            let is_too_much = store.unfreed() > 0;
            assert_eq!(is_too_much, n >= 31, "{n}: {} bytes wait", store.unfreed());
        }
        while store.free_some(1000) {}
        for turn in 0..2 {
            set_long(&mut store, 1);
            assert!(store.db(0).remove(&[0]));
            assert_eq!(store.unfreed() == 0, turn == 1, "in turn {turn}");
            while store.free_some(1000) {}
            store.begin_turn();
        }
    }

    #[test]
    fn a_slice_of_a_database_has_its_bytes() {
        let mut store = Store::new(1);
        set_long(&mut store, 100);
        store.db(0).clear();
        let before = store.unfreed();
        assert!(store.free_some(1000));
        let freed = before - store.unfreed();
        assert!((15 << 20..18 << 20).contains(&freed), "{freed} bytes");
        // Values that are put aside count when they are freed, and not before.
        while store.free_some(1000) {}
        for n in 0..9_u8 {
            store.db(0).set_string(&[n], &[b'x'; 4 << 20], None);
        }
        (0..200_u16).for_each(|n| store.db(0).set_string(&n.to_be_bytes(), b"x", None));
        store.db(0).clear();
        let before = store.unfreed();
        assert!(store.free_some(1000));
        let freed = before - store.unfreed();
        assert!(freed > 10 << 20, "{freed} bytes");
    }

    #[test]
    fn a_large_value_of_a_database_is_freed_in_slices_as_well() {
        let mut store = store();
        for n in 0..1000_u16 {
            store.db(0).set_string(&n.to_be_bytes(), b"x", None);
        }
        store.db(0).clear();
        let mut slices = 0;
        while store.free_some(100) {
            slices += 1;
        }
        assert!(slices > 100, "{slices}");
    }

    #[test]
    fn what_was_too_much_is_forgotten_when_it_has_been_freed() {
        let mut store = store();
        for round in 1..=2_u8 {
            // The second time there is more than there ever was the first time.
            for n in 0..30 * round {
                store.copy(KEY, KeyPlace { db: 1, key: &[n] }, true);
            }
            let before = total(&store);
            for n in 0..30 * round {
                assert!(store.db(1).remove(&[n]));
                store.keep_pace();
            }
            assert!(total(&store) + (64 << 10) > before, "{} {before}", total(&store));
            while store.free_some(100_000) {}
        }
    }

    #[test]
    fn what_waits_is_counted_to_the_last_byte() {
        let mut store = store();
        for n in 0..1000_u16 {
            let key = n.to_be_bytes();
            store.db(0).set_string(&key, &[b'x'; 30], (n % 3 == 0).then_some(1_000_000));
        }
        let before = total(&store);
        store.db(0).clear();
        let empty = store.memory();
        assert!(total(&store).abs_diff(before + empty) < 200, "{} {before}", total(&store));
        let mut unfreed = store.unfreed();
        while store.free_some(10) {
            assert!(store.unfreed() <= unfreed);
            unfreed = store.unfreed();
        }
        assert_eq!((store.unfreed(), store.unfreed_objects()), (0, 0));
    }
}
