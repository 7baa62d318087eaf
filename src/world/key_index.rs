//! Clients by the keys that they watch or wait for, in the order in which they came.

use std::collections::VecDeque;
use std::iter;

use crate::store::dict::{Dict, Keyed, hash_of};

/// Ids of clients by database and key.
#[derive(Debug, Default)]
pub struct KeyIndex {
    /// By number. Those that nobody has used yet may be missing.
    databases: Vec<Dict<Line>>,
}

/// Who is in line for a key: one client at least, and seldom more.
#[derive(Debug)]
struct Line {
    key: Box<[u8]>,
    hash: u32,
    first: u64,
    others: VecDeque<u64>,
}

impl Keyed for Line {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn hash(&self) -> u32 {
        self.hash
    }
}

impl Line {
    /// Takes a client out. False: it is the only one, and stays.
    fn remove(&mut self, client: u64) -> bool {
        if self.first == client {
            let next = self.others.pop_front();
            self.first = next.unwrap_or(client);
            return next.is_some();
        }
        if let Some(place) = self.others.iter().position(|&other| other == client) {
            self.others.remove(place);
        }
        true
    }
}

impl KeyIndex {
    /// Puts the client at the end of the line for a key.
    pub fn add(&mut self, db: usize, key: &[u8], client: u64) {
        if self.databases.len() <= db {
            self.databases.resize_with(db + 1, Dict::default);
        }
        let lines = &mut self.databases[db];
        let hash = hash_of(key);
        match lines.find(hash, key) {
            Some(at) => lines.at_mut(at).others.push_back(client),
            None => {
                let others = VecDeque::new();
                lines.insert(Line { key: key.into(), hash, first: client, others });
            }
        }
    }

    /// Takes the client out of the line for a key.
    pub fn remove(&mut self, db: usize, key: &[u8], client: u64) {
        if let Some(lines) = self.databases.get_mut(db)
            && let Some(at) = lines.find(hash_of(key), key)
            && !lines.at_mut(at).remove(client)
        {
            lines.remove(at);
        }
    }

    /// Who is in line for a key, the first to come first.
    pub fn line(&self, db: usize, key: &[u8]) -> impl Iterator<Item = u64> + '_ {
        let line = self.databases.get(db).and_then(|lines| lines.get(key));
        line.into_iter().flat_map(|line| iter::once(line.first).chain(line.others.iter().copied()))
    }

    /// Who is in line for a key behind `before` others.
    pub fn nth(&self, db: usize, key: &[u8], before: usize) -> Option<u64> {
        let line = self.databases.get(db)?.get(key)?;
        match before.checked_sub(1) {
            Some(at) => line.others.get(at).copied(),
            None => Some(line.first),
        }
    }

    /// Whether anybody is in line for a key.
    pub fn contains(&self, db: usize, key: &[u8]) -> bool {
        self.databases.get(db).is_some_and(|lines| lines.contains(key))
    }

    /// The keys of a database that somebody is in line for.
    pub fn keys(&self, db: usize) -> impl Iterator<Item = &[u8]> {
        self.databases.get(db).into_iter().flat_map(Dict::iter).map(Keyed::key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.databases.iter().map(Dict::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.databases.iter().all(Dict::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_is_first_in_line() {
        let mut index = KeyIndex::default();
        for client in [3, 1, 2] {
            index.add(0, b"a", client);
        }
        index.add(7, b"a", 4);
        index.add(0, b"b", 1);
        assert_eq!(index.line(0, b"a").collect::<Vec<_>>(), [3, 1, 2]);
        assert_eq!((index.len(), index.keys(0).count()), (3, 2));
        index.remove(0, b"a", 3);
        assert_eq!(index.line(0, b"a").collect::<Vec<_>>(), [1, 2]);
        for (db, key, client) in [(0, b"a", 1), (0, b"a", 2), (0, b"b", 1), (7, b"a", 4)] {
            assert!(index.contains(db, key));
            index.remove(db, key, client);
        }
        assert!(index.is_empty());
    }
}
