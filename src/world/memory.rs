//! How much memory is used, and what happens when it is more than `maxmemory` or `maxmemory-clients`.
//!
//! What is used is counted, not asked of the allocator: the process as it was at its start, keys with
//! their values and tables, clients with their buffers, and the keys that clients track. All of them are
//! figures that are kept up to date, so a command costs an addition.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Client, Doom, World};

/// What memory is used for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What the process had before it served anybody.
    pub startup: usize,
    /// Keys and values, and the tables that they are found by.
    pub store: usize,
    /// What nobody can see any more and has not been freed yet.
    pub unfreed: usize,
    /// Clients and their buffers.
    pub clients: usize,
    /// The keys that clients have read and track.
    pub tracking: usize,
}

impl Usage {
    pub fn total(self) -> usize {
        self.startup + self.store + self.unfreed + self.clients + self.tracking
    }
}

/// How many keys a command evicts at most. There may be more to evict than a moment allows; then the
/// commands that follow go on.
const EVICTED_AT_ONCE: usize = 256;

impl World {
    pub fn memory(&self) -> Usage {
        Usage {
            startup: self.process.startup_memory,
            store: self.store.memory(),
            unfreed: self.store.unfreed(),
            clients: self.clients.memory(),
            tracking: self.tracking.memory(),
        }
    }

    /// The most memory that has been used at once, as far as anybody has looked: at each turn, and now.
    pub fn peak_memory(&self) -> usize {
        self.peak_memory.max(self.memory().total())
    }

    /// Whether more memory is used than `maxmemory` allows. What is being freed is not used.
    pub fn is_full(&self) -> bool {
        let Usage { startup, store, clients, tracking, .. } = self.memory();
        startup + store + clients + tracking > self.config.maxmemory
    }

    /// Evicts keys while more memory is used than `maxmemory` allows.
    /// False: there is too much, and nothing that may go. While a pause is on nothing goes, and nobody is
    /// refused for that.
    pub fn make_room(&mut self) -> bool {
        if self.pause.is_some() {
            return true;
        }
        let is_enough = self.evict_some();
        if self.has_news() {
            // It is nobody's doing.
            self.spread_news(None);
        }
        is_enough
    }

    fn evict_some(&mut self) -> bool {
        for _ in 0..EVICTED_AT_ONCE {
            if !self.is_full() {
                return true;
            }
            if !self.store.evict_one() {
                return false;
            }
        }
        true
    }
}

impl World {
    /// Closes clients, the largest first, while they make the server hold more memory than
    /// `maxmemory-clients` allows. Those of CLIENT NO-EVICT are counted and spared.
    pub fn evict_clients(&mut self) {
        let limit = self.config.maxmemory_clients.of(self.config.maxmemory);
        let is_over =
            |&limit: &usize| self.clients.memory() > limit && self.clients.has_evictable();
        let Some(limit) = limit.filter(is_over) else {
            return;
        };
        let staying = || self.clients.iter().filter(|client| client.doom != Doom::Now);
        let mut used: usize = staying().map(Client::memory).sum();
        // Few of them go, so they are not put in order.
        let mut largest: BinaryHeap<(usize, Reverse<u64>)> = staying()
            .filter(|client| !client.no_evict)
            .map(|client| (client.memory(), Reverse(client.id)))
            .collect();
        while used > limit
            && let Some((memory, Reverse(id))) = largest.pop()
        {
            if let Some(slot) = self.clients.slot_of(id) {
                log::info!("client {id} is closed: of all clients it holds most, {memory} bytes");
                used -= memory;
                self.stats.evicted_clients += 1;
                self.end_session(slot);
                self.clients.doom(slot, Doom::Now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::local::{Connection, Local, request};
    use crate::world::Config;

    fn call(local: &mut Local, client: Connection, words: &[&str]) -> String {
        local.send(client, &request(words));
        String::from_utf8(local.received(client)).unwrap()
    }

    fn full(policy: &str) -> (Local, Connection) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        for key in 0..1000 {
            call(&mut local, client, &["SET", &format!("key:{key}"), &"x".repeat(1000)]);
        }
        let words = ["CONFIG", "SET", "maxmemory", "500kb", "maxmemory-policy", policy];
        assert_eq!(call(&mut local, client, &words), "+OK\r\n");
        (local, client)
    }

    #[test]
    fn a_command_that_needs_memory_is_refused_when_there_is_none() {
        let (mut local, client) = full("noeviction");
        let refused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
        assert_eq!(call(&mut local, client, &["SET", "k", "v"]), refused);
        assert_eq!(call(&mut local, client, &["DEL", "key:1"]), ":1\r\n");
        assert_eq!(call(&mut local, client, &["DBSIZE"]), ":999\r\n");
        assert_eq!(call(&mut local, client, &["FLUSHALL"]), "+OK\r\n");
        assert_eq!(call(&mut local, client, &["SET", "k", "v"]), "+OK\r\n");
    }

    #[test]
    fn keys_make_room_in_small_steps() {
        let (mut local, client) = full("allkeys-random");
        // CONFIG SET has begun.
        let mut keys = local.engine.world.store.db(0).len();
        assert!(keys >= 1000 - super::EVICTED_AT_ONCE);
        for _ in 0..5 {
            assert_eq!(call(&mut local, client, &["SET", "k", "v"]), "+OK\r\n");
            let left = local.engine.world.store.db(0).len();
            assert!(left + super::EVICTED_AT_ONCE >= keys);
            keys = left;
        }
        let world = &local.engine.world;
        assert!((400..500).contains(&keys), "{keys}");
        assert!(world.memory().total() <= 500 * 1024 + 100);
        assert!(world.store.shared.eviction.evicted > 500);
    }

    #[test]
    fn a_policy_for_keys_that_expire_spares_the_others() {
        let (mut local, client) = full("volatile-lru");
        assert!(call(&mut local, client, &["SET", "k", "v"]).starts_with("-OOM"));
        assert_eq!(call(&mut local, client, &["DBSIZE"]), ":1000\r\n");
    }

    #[test]
    fn clients_are_counted_with_their_buffers() {
        let mut local = Local::new(Config::default());
        let before = local.engine.world.memory();
        let client = local.connect();
        local.send(client, &[b"*2\r\n$4\r\nECHO\r\n$90000\r\n", &[b'x'; 80_000][..]].concat());
        let grown = local.engine.world.memory();
        assert!(grown.clients >= before.clients + 80_000);
        local.send(client, &[&[b'x'; 10_000][..], b"\r\n"].concat());
        local.received(client);
        let after = local.engine.world.memory();
        assert!(after.clients < before.clients + 2000, "{after:?}");
        let expected = local.engine.world.clients.iter().map(|client| client.memory()).sum();
        assert_eq!(after.clients, expected);
    }
}
