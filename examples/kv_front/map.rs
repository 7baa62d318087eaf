//! A map in memory: the engine when there is none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use respd::Error;

use crate::engine::{Changed, Engine, Stored};

#[derive(Default)]
pub struct Map(Mutex<State>);

#[derive(Default)]
struct State {
    keys: HashMap<Vec<u8>, Stored>,
    /// How many changes there have been.
    changes: u64,
    watch: Option<Changed>,
}

impl Map {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.changes += 1;
        match value {
            Some(value) => {
                let stored = Stored { value: value.to_vec(), version: self.changes };
                self.keys.insert(key.to_vec(), stored);
            }
            None => drop(self.keys.remove(key)),
        }
        if let Some(changed) = &self.watch {
            changed(key, value);
        }
    }
}

impl Engine for Map {
    fn get(&self, key: &[u8]) -> Result<Option<Stored>, Error> {
        let state = self.lock();
        let found = state.keys.get(key);
        Ok(found.map(|found| Stored { value: found.value.clone(), version: found.version }))
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.lock().put(key, Some(value));
        Ok(())
    }

    fn del(&self, key: &[u8]) -> Result<bool, Error> {
        let mut state = self.lock();
        let was = state.keys.contains_key(key);
        if was {
            state.put(key, None);
        }
        Ok(was)
    }

    fn swap(&self, key: &[u8], version: u64, value: &[u8]) -> Result<bool, Error> {
        let mut state = self.lock();
        let is_as_it_was = state.keys.get(key).map_or(0, |stored| stored.version) == version;
        if is_as_it_was {
            state.put(key, Some(value));
        }
        Ok(is_as_it_was)
    }

    fn watch(&self, changed: Changed) -> Result<(), Error> {
        self.lock().watch = Some(changed);
        Ok(())
    }
}
