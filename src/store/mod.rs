//! The keyspace: numbered databases of keys and values.
//!
//! It knows no clients, no RESP, and no clock but the time it is told.

use std::collections::HashMap;

/// All databases.
#[derive(Debug)]
pub struct Store {
    databases: Vec<Database>,
}

/// A numbered keyspace, as SELECT chooses it.
#[derive(Debug, Default)]
pub struct Database {
    /// std's hasher is keyed and seeded at random, so nobody can aim at one bucket.
    values: HashMap<Box<[u8]>, Box<[u8]>>,
}

impl Store {
    pub fn new(databases: usize) -> Store {
        Store { databases: (0..databases).map(|_| Database::default()).collect() }
    }

    /// How many databases there are.
    pub fn databases(&self) -> usize {
        self.databases.len()
    }

    /// Database `index`, which is below [`Store::databases`].
    pub fn db(&mut self, index: usize) -> &mut Database {
        &mut self.databases[index]
    }

    /// All databases with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Database)> {
        self.databases.iter().enumerate()
    }

    pub fn clear(&mut self) {
        self.databases.iter_mut().for_each(Database::clear);
    }
}

impl Database {
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).map(|value| &**value)
    }

    pub fn set(&mut self, key: &[u8], value: &[u8]) {
        match self.values.get_mut(key) {
            Some(old) => *old = value.into(),
            None => {
                self.values.insert(key.into(), value.into());
            }
        }
    }

    /// Whether the key was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.values.remove(key).is_some()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.values.contains_key(key)
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn clear(&mut self) {
        self.values = HashMap::new();
    }
}
