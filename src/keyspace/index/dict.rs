//! A dense hash map of byte-string keys: the keyspace itself, and every large hash, set and sorted set.
//!
//! Entries lie side by side in one vector; a hash index says where. Removing one moves the last one
//! into its place. From that follow, without more machinery:
//!
//! * a random entry in O(1), every one as likely as the other;
//! * cheap iteration, in the order of insertion as long as nothing is removed.
//!
//! A scan does not go by positions, which removals change, but by hash ([`Dict::scan`]): an entry has the
//! same place in a walk as long as it lives, whatever is added or removed beside it. So a walk meets what
//! is there from its start to its end exactly once, and needs no memory of its own.
//!
//! Nothing is ever rebuilt or moved as a whole: entries lie in `chunks`, the index is in many small
//! tables (`index`). Keys are hashed with secrets of the process (`hash`), so that no client can aim at one bucket.

pub(crate) mod chunks;
mod hash;
mod index;

use std::hint::black_box;

use hashbrown::HashTable;

use chunks::Chunks;
pub(crate) use hash::{hash_of, may_be_foretold};
use index::Index;

/// An entry as the dictionary sees it.
pub(crate) trait Keyed {
    fn key(&self) -> &[u8];

    /// [`hash_of`] its key, kept so that growing need not read the key again.
    fn hash(&self) -> u32;

    /// Reads from both ends of what the entry has beside itself. What that is means nothing.
    fn touch(&self) -> u8 {
        ends(self.key())
    }
}

/// How many keys are prefetched at most.
const PREFETCHED: usize = 16;

/// A step of a scan looks at so many tables of the index for each entry that it is to visit, in case most
/// of them are empty: as many as Valkey looks at buckets.
const TABLES_PER_ENTRY: usize = 10;

/// Bytes that the index takes for an entry, on average.
pub(crate) const INDEX_BYTES: usize = 8;

/// Entries by key. Positions are below [`Dict::len`] and change when an entry is removed.
#[derive(Debug)]
pub(crate) struct Dict<E> {
    entries: Chunks<E>,
    index: Index,
    /// Entries at lower positions are as they were at a moment, and have not been recorded yet.
    line: usize,
}

impl<E> Default for Dict<E> {
    fn default() -> Dict<E> {
        Dict { entries: Chunks::default(), index: Index::default(), line: 0 }
    }
}

/// A copy is none of what there was at the moment.
impl<E: Clone> Clone for Dict<E> {
    fn clone(&self) -> Dict<E> {
        Dict { entries: self.entries.clone(), index: self.index.clone(), line: 0 }
    }
}

impl<E: Keyed> Dict<E> {
    #[cfg(test)]
    pub(crate) fn new() -> Dict<E> {
        Dict::default()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of `key`, whose hash is `hash`.
    #[inline]
    pub(crate) fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        self.index.find(hash, |at| self.is_at(at, hash, key))
    }

    /// Whether `key`, whose hash is `hash`, is at this position.
    #[inline]
    pub(crate) fn is_at(&self, at: usize, hash: u32, key: &[u8]) -> bool {
        self.entries.get(at).is_some_and(|entry| entry.hash() == hash && equal(entry.key(), key))
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&E> {
        self.find(hash_of(key), key).map(|at| &self.entries[at])
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.find(hash_of(key), key).is_some()
    }

    /// So many entries are going to be here, if what is said is true; 0 takes that back.
    pub(crate) fn expect(&mut self, entries: usize) {
        self.index.expect(entries);
    }

    /// The entry at a position.
    pub(crate) fn at(&self, at: usize) -> &E {
        &self.entries[at]
    }

    /// The entry at a position. Its key and hash must stay what they are.
    pub(crate) fn at_mut(&mut self, at: usize) -> &mut E {
        &mut self.entries[at]
    }

    /// Positions of entries with this hash: those whose key has it, and no others.
    pub(crate) fn with_hash(&self, hash: u32) -> impl Iterator<Item = usize> + '_ {
        self.index.with_hash(hash).filter(move |&at| self.entries[at].hash() == hash)
    }

    /// Fetches from memory what [`Dict::find`] will look at for the first `PREFETCHED` of these keys. The
    /// processor waits for many of them in the time of one, where it would wait for one after the other
    /// if they were looked for between other work. `note` is told their hashes and, of those that have
    /// one, the positions at which they seem to be.
    pub(crate) fn prefetch<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]>,
        mut note: impl FnMut(u32, usize),
    ) {
        let mut hashes = [0; PREFETCHED];
        let mut count = 0;
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = hash_of(key);
            count += 1;
        }
        let mut positions = [0; PREFETCHED];
        let mut found = 0;
        for &hash in &hashes[..count] {
            if let Some(at) = self.index.with_hash(hash).next() {
                positions[found] = at;
                found += 1;
                note(hash, at);
            }
        }
        let entries = || positions[..found].iter().map(|&at| &self.entries[at]);
        black_box(entries().fold(0, |sum, entry| sum ^ entry.hash()));
        black_box(entries().fold(0, |sum, entry| sum ^ entry.touch()));
    }

    // ANCHOR: insert
    /// Adds an entry whose key is not there yet, and returns its position: the last.
    pub(crate) fn insert(&mut self, entry: E) -> usize {
        debug_assert!(self.find(entry.hash(), entry.key()).is_none());
        let (at, hash) = (self.entries.len(), entry.hash());
        self.entries.push(entry);
        let entries = &self.entries;
        self.index.insert(hash, at, |at| entries[at].hash());
        at
    }
    // ANCHOR_END: insert

    /// Removes the entry at a position, which must be one that is not below the line; the last one takes its
    /// place.
    pub(crate) fn remove(&mut self, at: usize) -> E {
        debug_assert!(at >= self.line);
        let entries = &self.entries;
        self.index.remove(entries[at].hash(), at, |at| entries[at].hash());
        let last = entries.len() - 1;
        if at < last {
            self.index.relocate(entries[last].hash(), last, at);
        }
        let Some(removed) = self.entries.swap_remove(at) else {
            unreachable!("there is an entry at {at}");
        };
        if self.index.is_sparse(last) {
            self.index = Index::default();
            let entries = &self.entries;
            for (at, entry) in entries.iter().enumerate() {
                self.index.insert(entry.hash(), at, |at| entries[at].hash());
            }
        }
        removed
    }

    /// Removes the last entry.
    pub(crate) fn pop(&mut self) -> Option<E> {
        let last = self.len().checked_sub(1)?;
        Some(self.remove(last))
    }

    // A walk that records what there was at one moment has a line: what lies below it is to be recorded yet.
    // Whatever is about to change or to go passes the line first, and what is new is added above it.

    /// The position of the line. It is 0 if there is nothing to record.
    #[inline]
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    // ANCHOR: line
    /// The moment is now: all entries lie below the line.
    pub(crate) fn draw_line(&mut self) {
        self.line = self.len();
    }

    /// There is no moment to record any more.
    pub(crate) fn erase_line(&mut self) {
        self.line = 0;
    }

    /// Takes an entry below the line to just above it, where the last one below was, which takes its place. Returns
    /// where it is now.
    pub(crate) fn pass(&mut self, at: usize) -> usize {
        debug_assert!(at < self.line);
        self.line -= 1;
        let last = self.line;
        if at < last {
            self.index.exchange((self.entries[at].hash(), at), (self.entries[last].hash(), last));
            self.entries.swap(at, last);
        }
        last
    }
    // ANCHOR_END: line

    /// Fetches from memory what [`Keyed::touch`] reads of the entries just below the line, up to so many.
    pub(crate) fn prefetch_below_line(&self, count: usize) {
        let some = (self.line.saturating_sub(count)..self.line).map(|at| self.entries[at].touch());
        black_box(some.fold(0, |sum, byte| sum ^ byte));
    }

    /// Every entry, by position.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &E> {
        self.entries.iter()
    }

    /// Calls `visit` with entries from `cursor` on, `count` of them if there are so many, and returns the
    /// cursor to go on with. 0 begins, and 0 returned says that the walk is over.
    ///
    /// A walk goes through the entries in the order of their hashes, and the cursor is the place in that
    /// order. Every entry that is there from the first call of a walk to its last is met exactly once, and
    /// no entry is met twice, whatever else is added or removed between the calls. Entries whose hashes
    /// share a place are met together, so that there may be a few more than `count`.
    ///
    /// A step looks at the hashes of one or two tables of the index, which are a few hundred.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&E)) -> u64 {
        if cursor == 0 && count >= self.len() {
            self.iter().for_each(visit);
            return 0;
        }
        let (mut from, mut left) = (cursor, count.max(1));
        let mut found = Vec::new();
        for _ in 0..count.saturating_mul(TABLES_PER_ENTRY) {
            let Some((positions, next)) = self.index.table_from(from) else { return 0 };
            let places = positions.map(|at| (Index::place(self.entries[at].hash()), at));
            found.clear();
            found.extend(places.filter(|&(place, _)| place >= from));
            if found.len() > left {
                let (_, &mut (last, _), _) = found.select_nth_unstable(left - 1);
                let near = found.iter().filter(|&&(place, _)| place <= last);
                near.for_each(|&(_, at)| visit(&self.entries[at]));
                return last + 1;
            }
            found.iter().for_each(|&(_, at)| visit(&self.entries[at]));
            left -= found.len();
            from = next;
            if left == 0 {
                break;
            }
        }
        self.index.table_from(from).map_or(0, |_| from)
    }

    /// Bytes of memory that the dictionary holds, its entries' own memory not counted.
    pub(crate) fn memory(&self) -> usize {
        self.entries.memory() + self.index.memory()
    }

    /// What is to be freed, in parts.
    pub(crate) fn dismantle(self) -> Remains<E> {
        let memory = self.memory();
        Remains { entries: self.entries, tables: self.index.into_tables(), memory }
    }
}

/// Reads the first byte and the last.
#[inline]
pub(crate) fn ends(bytes: &[u8]) -> u8 {
    match bytes {
        [first, .., last] => first ^ last,
        [only] => *only,
        [] => 0,
    }
}

/// Whether two keys are the same. Memory that is compared by the library in one wide load may cost a
/// line more than it has: short keys are compared in words.
#[inline]
fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() || one.len() > 32 {
        return one == other;
    }
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    words.iter().map(word).eq(other_words.iter().map(word)) && rest.iter().eq(other_rest)
}

/// A dictionary that is freed in parts.
#[derive(Debug)]
pub(crate) struct Remains<E> {
    entries: Chunks<E>,
    tables: Vec<HashTable<u32>>,
    /// Bytes of both, as if every entry had its share.
    memory: usize,
}

impl<E> Remains<E> {
    /// Bytes of memory that are left, the entries' own memory not counted.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// How many entries are left in it.
    pub(crate) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Takes an entry out, and frees a part of the index. There is nothing more after `None`.
    pub(crate) fn pop(&mut self) -> Option<E> {
        self.tables.pop();
        let share = self.memory.checked_div(self.entries.len());
        self.memory -= share.unwrap_or(self.memory);
        self.entries.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    struct Pair(Vec<u8>, u32);

    impl Keyed for Pair {
        fn key(&self) -> &[u8] {
            &self.0
        }
        fn hash(&self) -> u32 {
            hash_of(&self.0)
        }
    }

    fn key(n: u64) -> Vec<u8> {
        format!("key:{n}").into_bytes()
    }

    /// A generator good enough to shuffle tests: the same numbers every time.
    fn next(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn behaves_like_a_map() {
        let mut dict: Dict<Pair> = Dict::new();
        let mut model = HashMap::new();
        let mut random = 7;
        for step in 0..200_000_u32 {
            // Growing past the split, then shrinking below it.
            let keys = if step < 100_000 { 40_000 } else { 3_000 };
            let name = key(next(&mut random) % keys);
            let add = !next(&mut random).is_multiple_of(3) && step < 100_000;
            let found = dict.find(hash_of(&name), &name);
            assert_eq!(found.is_some(), model.contains_key(&name));
            match (found, add) {
                (Some(at), true) => dict.at_mut(at).1 = step,
                (None, true) => drop(dict.insert(Pair(name.clone(), step))),
                (Some(at), false) => assert_eq!(dict.remove(at).1, model[&name]),
                (None, false) => {}
            }
            match add {
                true => drop(model.insert(name, step)),
                false => drop(model.remove(&name)),
            }
        }
        assert_eq!(dict.len(), model.len());
        for (name, value) in &model {
            assert_eq!(dict.get(name).map(|pair| pair.1), Some(*value));
        }
        while !dict.is_empty() {
            let last = dict.remove(dict.len() / 2);
            assert_eq!(model.remove(&last.0), Some(last.1));
        }
        assert!(dict.memory() < 4096);
    }

    #[test]
    fn a_scan_meets_what_stays_once_and_nothing_twice() {
        // Sizes within one table, and of dozens that split and empty between the calls.
        for (seed, size, most) in (1..40).map(|seed| (seed, 300, 9)).chain([(40, 20_000, 900)]) {
            let mut random = seed;
            let mut dict: Dict<Pair> = Dict::new();
            let stay: HashSet<Vec<u8>> = (0..size).map(key).collect();
            for name in 0..2 * size {
                dict.insert(Pair(key(name), 0));
            }
            let mut met = HashSet::new();
            let mut cursor = 0;
            loop {
                cursor = dict.scan(cursor, 7 + size as usize / 300, |pair| {
                    assert!(met.insert(pair.0.clone()), "seed {seed}");
                });
                if cursor == 0 {
                    break;
                }
                for _ in 0..next(&mut random) % most {
                    let name = key(size + next(&mut random) % (2 * size));
                    match dict.find(hash_of(&name), &name) {
                        Some(at) => drop(dict.remove(at)),
                        None => drop(dict.insert(Pair(name, 0))),
                    }
                }
            }
            assert!(stay.is_subset(&met), "seed {seed}");
        }
    }

    #[test]
    fn a_step_of_a_scan_is_as_long_as_was_asked() {
        let mut dict: Dict<Pair> = Dict::new();
        (0..5000).for_each(|n| _ = dict.insert(Pair(key(n), 0)));
        let (mut cursor, mut total) = (0, 0);
        loop {
            let mut met = 0;
            cursor = dict.scan(cursor, 10, |_| met += 1);
            total += met;
            assert!(met <= 12);
            if cursor == 0 {
                break;
            }
            assert!(met >= 10);
        }
        assert_eq!(total, 5000);
        for beyond in [1 << 32, u64::MAX] {
            assert_eq!(dict.scan(beyond, 10, |_| panic!("there is nothing")), 0);
        }
    }

    #[test]
    fn a_scan_of_what_has_shrunk_is_over_soon() {
        let mut dict: Dict<Pair> = Dict::new();
        (0..100_000).for_each(|n| _ = dict.insert(Pair(key(n), 0)));
        let full = dict.memory();
        (300..100_000).for_each(|n| {
            let name = key(n);
            let at = dict.find(hash_of(&name), &name).unwrap();
            dict.remove(at);
        });
        assert!(dict.memory() < full / 20, "{} of {full}", dict.memory());
        let (mut cursor, mut met, mut steps) = (0, 0, 0);
        loop {
            cursor = dict.scan(cursor, 10, |_| met += 1);
            steps += 1;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(met, 300);
        assert!(steps <= 60, "{steps}");
    }
}
