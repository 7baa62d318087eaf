//! Clients by the keys that they watch or wait for, in the order in which they came.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Ids of clients by database and key.
#[derive(Debug, Default)]
pub struct KeyIndex {
    databases: BTreeMap<usize, HashMap<Box<[u8]>, VecDeque<u64>>>,
}

impl KeyIndex {
    /// Puts the client at the end of the line for a key.
    pub fn add(&mut self, db: usize, key: &[u8], client: u64) {
        let keys = self.databases.entry(db).or_default();
        match keys.get_mut(key) {
            Some(line) => line.push_back(client),
            None => drop(keys.insert(key.into(), VecDeque::from([client]))),
        }
    }

    /// Takes the client out of the line for a key.
    pub fn remove(&mut self, db: usize, key: &[u8], client: u64) {
        let Some(keys) = self.databases.get_mut(&db) else {
            return;
        };
        if let Some(line) = keys.get_mut(key) {
            if let Some(place) = line.iter().position(|&other| other == client) {
                line.remove(place);
            }
            if line.is_empty() {
                keys.remove(key);
            }
        }
        if keys.is_empty() {
            self.databases.remove(&db);
        }
    }

    /// Who is in line for a key, the first to come first.
    pub fn line(&self, db: usize, key: &[u8]) -> impl Iterator<Item = u64> + '_ {
        let line = self.databases.get(&db).and_then(|keys| keys.get(key));
        line.into_iter().flatten().copied()
    }

    /// Who is in line for a key behind `before` others.
    pub fn nth(&self, db: usize, key: &[u8], before: usize) -> Option<u64> {
        self.databases.get(&db)?.get(key)?.get(before).copied()
    }

    /// Whether anybody is in line for a key.
    pub fn contains(&self, db: usize, key: &[u8]) -> bool {
        self.databases.get(&db).is_some_and(|keys| keys.contains_key(key))
    }

    /// The keys of a database that somebody is in line for.
    pub fn keys(&self, db: usize) -> impl Iterator<Item = &[u8]> {
        self.databases.get(&db).into_iter().flat_map(HashMap::keys).map(|key| &**key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.databases.values().map(HashMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.databases.is_empty()
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
