//! Many listeners.

/// What waits for one client, and for how long it may. Times are in µs.
#[derive(Debug)]
pub struct Outbox {
    /// At so many bytes the client is closed.
    pub hard: usize,
    /// At so many bytes, or more, it is closed when that has lasted for `patience` without a break.
    pub soft: usize,
    pub patience: u64,
    // What else it keeps is yours to choose. `new` is to be changed then.
}

impl Outbox {
    pub fn new(hard: usize, soft: usize, patience: u64) -> Outbox {
        Outbox { hard, soft, patience }
    }

    /// It is `now`, and so many bytes more wait.
    pub fn add(&mut self, bytes: usize, now: u64) {
        let _ = (bytes, now);
        todo!("how many are they? since when?")
    }

    /// It is `now`, and the socket has taken so many bytes.
    pub fn sent(&mut self, bytes: usize, now: u64) {
        let _ = (bytes, now);
        todo!("is it below the soft limit?")
    }

    /// When the client is to be closed if nothing is sent before. A time that has passed: at once.
    pub fn due(&self) -> Option<u64> {
        todo!("a deadline for the loop")
    }
}

/// Which clients have read which keys. A client is a number.
#[derive(Debug)]
pub struct Tracking {
    /// So many keys are remembered at most.
    pub most: usize,
    // What it keeps is yours to choose.
}

impl Tracking {
    pub fn new(most: usize) -> Tracking {
        Tracking { most }
    }

    /// The client has read a key. Returns what has to be told now: a key that was forgotten to make room, and the clients that
    /// had read it, in ascending order. Which key that is, is yours to choose; but not this one.
    pub fn read(&mut self, client: u64, key: &str) -> Option<(String, Vec<u64>)> {
        let _ = (client, key);
        todo!("remember it")
    }

    /// A key has changed. Returns the clients that are told, in ascending order: each that has read it since it was told last.
    pub fn changed(&mut self, key: &str) -> Vec<u64> {
        let _ = key;
        todo!("tell once")
    }
}
