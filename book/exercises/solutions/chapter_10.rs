//! Many listeners.

use std::collections::{BTreeMap, BTreeSet};

/// What waits for one client, and for how long it may. Times are in µs.
#[derive(Debug)]
pub struct Outbox {
    /// At so many bytes the client is closed.
    pub hard: usize,
    /// At so many bytes, or more, it is closed when that has lasted for `patience` without a break.
    pub soft: usize,
    pub patience: u64,
    waiting: usize,
    /// When it is to be closed: it is over a limit.
    due: Option<u64>,
    /// It has been over the hard limit, and nothing that is sent makes that good.
    is_over: bool,
}

impl Outbox {
    pub fn new(hard: usize, soft: usize, patience: u64) -> Outbox {
        Outbox { hard, soft, patience, waiting: 0, due: None, is_over: false }
    }

    /// It is `now`, and so many bytes more wait.
    pub fn add(&mut self, bytes: usize, now: u64) {
        self.waiting += bytes;
        self.limit(now);
    }

    /// It is `now`, and the socket has taken so many bytes.
    pub fn sent(&mut self, bytes: usize, now: u64) {
        self.waiting -= bytes;
        self.limit(now);
    }

    /// When the client is to be closed if nothing is sent before. A time that has passed: at once.
    pub fn due(&self) -> Option<u64> {
        self.due
    }

    fn limit(&mut self, now: u64) {
        if self.is_over {
            return;
        }
        if self.waiting >= self.hard {
            (self.is_over, self.due) = (true, Some(now));
        } else if self.waiting < self.soft {
            self.due = None;
        } else if self.due.is_none() {
            self.due = Some(now + self.patience);
        }
    }
}

/// Which clients have read which keys. A client is a number.
#[derive(Debug)]
pub struct Tracking {
    /// So many keys are remembered at most.
    pub most: usize,
    readers: BTreeMap<String, BTreeSet<u64>>,
}

impl Tracking {
    pub fn new(most: usize) -> Tracking {
        Tracking { most, readers: BTreeMap::new() }
    }

    /// The client has read a key. Returns what has to be told now: a key that was forgotten to make room, and the clients that
    /// had read it, in ascending order.
    pub fn read(&mut self, client: u64, key: &str) -> Option<(String, Vec<u64>)> {
        if let Some(readers) = self.readers.get_mut(key) {
            readers.insert(client);
            return None;
        }
        // The server takes any at random: what a client could foresee it could use.
        let is_full = self.readers.len() >= self.most;
        let forgotten = if is_full { self.readers.pop_first() } else { None };
        self.readers.insert(key.to_owned(), BTreeSet::from([client]));
        forgotten.map(|(key, readers)| (key, readers.into_iter().collect()))
    }

    /// A key has changed. Returns the clients that are told, in ascending order: each that has read it since it was told last.
    pub fn changed(&mut self, key: &str) -> Vec<u64> {
        self.readers.remove(key).into_iter().flatten().collect()
    }
}
