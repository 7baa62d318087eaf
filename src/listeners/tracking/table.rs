//! The keys that clients have read, each with its readers.
//!
//! With a hundred clients that track a hundred thousand keys there are ten million pairs of a key and a
//! client, so a pair takes the eight bytes of the client's id and no more. Ids of clients that are gone
//! stay until their key changes, or until its list has doubled: then they leave it first, so that no
//! list grows longer than twice the clients there are.

use crate::keyspace::Random;
use crate::keyspace::index::dict::{Dict, INDEX_BYTES, Keyed, Remains, hash_of};

/// A key and its readers.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) key: Box<[u8]>,
    hash: u32,
    pub(crate) readers: Readers,
}

impl Keyed for Read {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn hash(&self) -> u32 {
        self.hash
    }
}

/// Ids of clients, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readers {
    One(u64),
    Many(Box<[u64]>),
}

impl Readers {
    pub(crate) fn ids(&self) -> &[u64] {
        match self {
            Readers::One(id) => std::slice::from_ref(id),
            Readers::Many(ids) => ids,
        }
    }

    /// Bytes of memory beside the value itself.
    fn memory(&self) -> usize {
        match self {
            Readers::One(_) => 0,
            Readers::Many(ids) => size_of_val(&**ids),
        }
    }

    /// Adds a client, if it is not there. `is_here`: whether a client with this id is still there.
    fn add(&mut self, id: u64, is_here: impl Fn(u64) -> bool) {
        let Err(at) = self.ids().binary_search(&id) else {
            return;
        };
        let len = self.ids().len();
        if len.is_power_of_two() && !self.ids().iter().all(|&id| is_here(id)) {
            let mut ids: Vec<u64> = self.ids().iter().copied().filter(|&id| is_here(id)).collect();
            ids.insert(ids.partition_point(|&other| other < id), id);
            *self = match ids[..] {
                [id] => Readers::One(id),
                _ => Readers::Many(ids.into()),
            };
            return;
        }
        let mut ids = match std::mem::replace(self, Readers::One(id)) {
            Readers::One(other) => vec![other],
            Readers::Many(ids) => ids.into_vec(),
        };
        ids.reserve_exact(1);
        ids.insert(at, id);
        *self = Readers::Many(ids.into_boxed_slice());
    }
}

/// All keys that have been read, whatever database they were read in.
#[derive(Debug, Default)]
pub(crate) struct ReadKeys {
    keys: Dict<Read>,
    /// Pairs of a key and a client.
    items: usize,
    /// Bytes of keys and of lists of ids.
    bytes: usize,
    /// Keys that were forgotten all at once, and are freed little by little.
    discarded: Vec<Remains<Read>>,
    /// Bytes of the keys and lists of ids in it.
    discarded_bytes: usize,
}

impl ReadKeys {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many pairs of a key and a client there are.
    pub(crate) fn items(&self) -> usize {
        self.items
    }

    /// Bytes of memory, with what is to be freed.
    pub(crate) fn memory(&self) -> usize {
        let discarded: usize = self.discarded.iter().map(Remains::memory).sum();
        self.keys.memory() + self.bytes + discarded + self.discarded_bytes
    }

    /// The client has read the key.
    pub(crate) fn add(&mut self, key: &[u8], id: u64, is_here: impl Fn(u64) -> bool) {
        let hash = hash_of(key);
        let Some(at) = self.keys.find(hash, key) else {
            self.free_some(FREED_FOR_ONE);
            self.bytes += key.len();
            self.items += 1;
            self.keys.insert(Read { key: key.into(), hash, readers: Readers::One(id) });
            return;
        };
        let readers = &mut self.keys.at_mut(at).readers;
        let (items, bytes) = (readers.ids().len(), readers.memory());
        readers.add(id, is_here);
        self.items = self.items + readers.ids().len() - items;
        self.bytes = self.bytes + readers.memory() - bytes;
    }

    /// Forgets a key, and returns its readers.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Readers> {
        let at = self.keys.find(hash_of(key), key)?;
        Some(self.take(at).readers)
    }

    /// Forgets some key or other.
    pub(crate) fn remove_any(&mut self, random: &mut Random) -> Option<Read> {
        (!self.is_empty()).then(|| self.take(random.below(self.len())))
    }

    fn take(&mut self, at: usize) -> Read {
        let read = self.keys.remove(at);
        self.items -= read.readers.ids().len();
        self.bytes -= read.key.len() + read.readers.memory();
        read
    }

    /// Forgets every key.
    pub(crate) fn clear(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        if !keys.is_empty() {
            self.discarded.push(keys.dismantle());
            self.discarded_bytes += self.bytes;
        }
        (self.items, self.bytes) = (0, 0);
    }

    /// Returns whether [`ReadKeys::free_some`] has something to do.
    pub(crate) fn has_unfreed(&self) -> bool {
        !self.discarded.is_empty()
    }

    /// Frees up to so many keys that [`ReadKeys::clear`] has left.
    pub(crate) fn free_some(&mut self, keys: usize) {
        for _ in 0..keys {
            let Some(discarded) = self.discarded.last_mut() else {
                return;
            };
            match discarded.pop() {
                Some(read) => self.discarded_bytes -= read.key.len() + read.readers.memory(),
                None => drop(self.discarded.pop()),
            }
        }
    }
}

/// For each key that is added, so many are freed if there are any: a client that reads keys and flushes them
/// in turn lets no more wait than there are keys.
const FREED_FOR_ONE: usize = 2;

/// What a key takes in the table, its name not counted.
const _: () = assert!(size_of::<Read>() + INDEX_BYTES <= 48);

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: fn(u64) -> bool = |_| true;

    #[test]
    fn a_reader_is_remembered_once() {
        let mut table = ReadKeys::default();
        for id in [7, 3, 7, 5, 3] {
            table.add(b"a", id, ALL);
        }
        table.add(b"b", 3, ALL);
        assert_eq!((table.len(), table.items()), (2, 4));
        assert_eq!(table.remove(b"a").expect("read").ids(), [3, 5, 7]);
        assert_eq!(table.remove(b"a"), None);
        assert_eq!(table.remove(b"b"), Some(Readers::One(3)));
        assert_eq!((table.len(), table.items(), table.bytes), (0, 0, 0));
    }

    #[test]
    fn readers_that_come_and_go_do_not_pile_up() {
        let mut table = ReadKeys::default();
        for id in 0..10_000 {
            table.add(b"a", id, |other| other + 3 > id);
            assert!(table.items() <= 8);
        }
        table.remove(b"a");
        assert_eq!((table.items(), table.bytes), (0, 0));
    }

    #[test]
    fn what_is_cleared_again_and_again_does_not_pile_up() {
        let mut table = ReadKeys::default();
        let mut first = 0;
        for round in 0..20 {
            for key in 0..1000_u32 {
                table.add(&key.to_be_bytes(), 1, ALL);
            }
            first = if round == 0 { table.memory() } else { first };
            assert!(table.memory() <= 2 * first, "{} after {first}", table.memory());
            table.clear();
            assert!(table.memory() > first / 2, "it counts while it waits");
        }
        table.free_some(usize::MAX);
        assert_eq!(table.discarded_bytes, 0);
    }

    #[test]
    fn what_is_cleared_is_freed_little_by_little() {
        let mut table = ReadKeys::default();
        for key in 0..100u8 {
            table.add(&[key], 1, ALL);
        }
        table.clear();
        assert_eq!((table.len(), table.items(), table.bytes), (0, 0, 0));
        table.free_some(50);
        assert!(table.has_unfreed());
        table.free_some(51);
        assert!(!table.has_unfreed());
    }
}
