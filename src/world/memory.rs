//! Memory that is bounded: keys are evicted, and clients closed, when it is full: see
//! [`crate::telemetry::memory`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::World;
use crate::keyspace::MOST_UNFREED;
use crate::session::{Client, Departure, Doom};
use crate::telemetry::memory::{Eviction, Usage};
use crate::telemetry::peer_log::Cause;

/// How many keys are evicted before a command runs, at most, and in a turn, if more have to go than that:
/// half a millisecond, and about one; two and four times as much where no key is in the processor's caches and
/// others use it.
const EVICTED_AT_ONCE: usize = 256;

const EVICTED_PER_TURN: usize = 500;

/// So many elements that wait to be freed are as much work as a key that is evicted.
const FREED_FOR_ONE: usize = 32;

/// Of `maxmemory`, no more than this part may wait to be freed before a command that takes memory has to free some.
const UNFREED_PART: usize = 8;

impl World {
    pub fn memory(&self) -> Usage {
        Usage {
            startup: self.process.startup_memory,
            store: self.store.memory(),
            unfreed: self.store.unfreed(),
            clients: self.clients.memory(),
            tracking: self.tracking.memory(),
            scripts: self.stats.scripts.all_code_memory() + self.stats.scripts.all_lua_memory(),
        }
    }

    /// The most memory that has been used at once, as measured at the beginning of each turn, and now.
    pub(crate) fn peak_memory(&self) -> usize {
        self.peak_memory.max(self.memory().total())
    }

    /// Returns whether more memory is used than `maxmemory` allows. Of what clients have not read only a share counts:
    /// slow readers evict no more than that.
    pub(crate) fn is_full(&self) -> bool {
        let spared = self.clients.backlog().saturating_sub(self.most_backlog());
        self.memory().total() - spared > self.config.maxmemory
    }

    /// What clients have not read may fill half of `maxmemory`.
    fn most_backlog(&self) -> usize {
        self.config.maxmemory / 2
    }

    /// Evicts keys while more memory is used than `maxmemory` allows, and goes on in the turns that follow if
    /// those are many. Returns false if too much is used and there is no key that may go. While a pause is on
    /// no key goes, and no command is refused for that.
    pub(crate) fn make_room(&mut self) -> bool {
        let goal = match self.eviction.goes_on {
            true => self.eviction.used.max(self.config.maxmemory),
            false => self.config.maxmemory,
        };
        self.evict(goal, EVICTED_AT_ONCE)
    }

    /// Returns whether [`World::go_on_evicting`] has something to do.
    pub(crate) fn is_evicting(&self) -> bool {
        self.eviction.goes_on && self.pause.is_none() && self.config.maxmemory > 0
    }

    /// Goes on with an eviction that was not done at once.
    pub(crate) fn go_on_evicting(&mut self) {
        self.evict(self.config.maxmemory, EVICTED_PER_TURN);
    }

    fn evict(&mut self, goal: usize, most: usize) -> bool {
        if self.pause.is_some() || !self.eviction.goes_on && !self.is_full() {
            return true;
        }
        let has_room = self.evict_to(goal, most);
        self.eviction =
            Eviction { goes_on: has_room && self.is_full(), used: self.memory().total() };
        if self.has_changes() {
            // Evictions have no author: NOLOOP does not apply.
            self.deliver_changes(None);
        }
        self.store.shared.effects.end_batch();
        has_room
    }

    /// Frees and evicts until no more than `goal` is used, but no more than `most` keys. Discarded
    /// values go before keys do. Returns false if too much is used and there is no key that may go.
    fn evict_to(&mut self, goal: usize, most: usize) -> bool {
        for _ in 0..most {
            if self.memory().total() <= goal {
                break;
            }
            if self.store.has_unfreed() {
                self.store.free_some(FREED_FOR_ONE);
            } else if !self.store.evict_one() {
                return false;
            }
        }
        true
    }

    /// Tells the store how much may wait to be freed.
    pub(crate) fn limit_unfreed(&mut self) {
        let part = match self.config.maxmemory {
            0 => usize::MAX,
            maxmemory => maxmemory / UNFREED_PART,
        };
        self.store.shared.most_unfreed = part.min(MOST_UNFREED);
    }
}

impl World {
    /// Closes the clients that have most left unread, while all together have left more than their share
    /// of `maxmemory`. Where `maxmemory-clients` is set, it is the bound. To be called when what there is to send has
    /// been offered to the sockets.
    pub(crate) fn bound_backlog(&mut self) {
        let most = self.most_backlog();
        if most == 0 || self.clients.backlog() <= most {
            return;
        }
        if self.config.maxmemory_clients.of(self.config.maxmemory).is_some() {
            return;
        }
        self.close_largest(most, Client::backlog);
    }

    /// Closes clients, the largest first, while they make the server hold more memory than
    /// `maxmemory-clients` allows. Those of CLIENT NO-EVICT are counted and spared.
    pub(crate) fn evict_clients(&mut self) {
        let limit = self.config.maxmemory_clients.of(self.config.maxmemory);
        let is_over =
            |&limit: &usize| self.clients.memory() > limit && self.clients.has_evictable();
        if let Some(limit) = limit.filter(is_over) {
            self.close_largest(limit, Client::memory);
        }
    }

    /// Closes clients, those that hold most first, until all together hold no more than `limit` bytes.
    fn close_largest(&mut self, limit: usize, held: fn(&Client) -> usize) {
        let staying = || self.clients.iter().filter(|client| client.doom != Doom::Now);
        let mut used: usize = staying().map(held).sum();
        // Few of them go, so they are not put in order.
        let mut largest: BinaryHeap<(usize, Reverse<u64>)> = staying()
            .filter(|client| !client.no_evict)
            .map(|client| (held(client), Reverse(client.id)))
            .collect();
        while used > limit
            && let Some((memory, Reverse(id))) = largest.pop()
        {
            if let Some(slot) = self.clients.slot_of(id) {
                let line = format_args!(
                    "client {id} is closed: of all clients it holds most, {memory} bytes"
                );
                self.peer_log.log(Cause::Evicted, self.now.mono, line);
                used -= memory;
                self.stats.evicted_clients += 1;
                self.end_session(slot);
                self.clients.doom(slot, Doom::Now, Departure::Evicted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::embed::local::{Connection, Local, request};
    use crate::embed::testing::call;
    use std::time::Duration;

    fn crowded(policy: &str, keys: usize) -> (Local, Connection) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        for key in 0..keys {
            call(&mut local, client, &["SET", &format!("key:{key}"), &"x".repeat(1000)]);
        }
        call(&mut local, client, &["CONFIG", "SET", "maxmemory-policy", policy]);
        (local, client)
    }

    fn full(policy: &str) -> (Local, Connection) {
        let (mut local, client) = crowded(policy, 1000);
        let words = ["CONFIG", "SET", "maxmemory", "500kb"];
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
            // The limit was lowered by more than a moment allows: commands make no others go.
            assert!(left + 1 >= keys);
            keys = left;
        }
        assert!(local.engine.world.is_evicting() && keys > 700);
        local.advance(Duration::ZERO);
        keys = local.engine.world.store.db(0).len();
        let world = &local.engine.world;
        assert!((400..500).contains(&keys), "{keys}");
        assert!(world.memory().total() <= 500 * 1024 + 100);
        assert!(world.store.shared.eviction.evicted > 500);
    }

    #[test]
    fn a_lower_limit_is_reached_in_turns() {
        let (mut local, client) = crowded("allkeys-lru", 20_000);
        let keys = |local: &mut Local| local.engine.world.store.db(0).len();
        let words = ["CONFIG", "SET", "maxmemory", "100kb"];
        assert_eq!(call(&mut local, client, &words), "+OK\r\n");
        assert!(keys(&mut local) >= 20_000 - super::EVICTED_AT_ONCE);
        // Commands that come all at once, and take memory, do not wait for the rest to go.
        let before = keys(&mut local);
        local.send(client, &request(["SET", "key:1", "y"]).repeat(1000));
        assert_eq!(local.received(client), b"+OK\r\n".repeat(1000));
        assert!(keys(&mut local) + super::EVICTED_AT_ONCE > before);
        for _ in 0..40 {
            let before = keys(&mut local);
            local.advance(Duration::ZERO);
            assert!(keys(&mut local) + super::EVICTED_PER_TURN >= before);
        }
        let world = &local.engine.world;
        assert!(!world.is_full() && !world.is_evicting());
        assert!(local.engine.next_deadline().is_none_or(|due| due > world.now.mono));
    }

    #[test]
    fn a_pause_stops_an_eviction_and_asks_for_no_turns() {
        let (mut local, client) = crowded("allkeys-lru", 2000);
        let words = ["CONFIG", "SET", "maxmemory", "100kb"];
        assert_eq!(call(&mut local, client, &words), "+OK\r\n");
        assert_eq!(call(&mut local, client, &["CLIENT", "PAUSE", "1000", "WRITE"]), "+OK\r\n");
        let keys = |local: &mut Local| local.engine.world.store.db(0).len();
        let before = keys(&mut local);
        local.advance(Duration::ZERO);
        assert_eq!(keys(&mut local), before);
        let now = local.engine.world.now.mono;
        assert!(local.engine.next_deadline().is_none_or(|due| due > now));
        local.advance(Duration::from_secs(1));
        local.advance(Duration::ZERO);
        assert!(keys(&mut local) < before);
    }

    #[test]
    fn an_eighth_of_the_limit_may_wait_to_be_freed() {
        let (mut local, client) = crowded("allkeys-lru", 1);
        for (limit, most) in
            [("8mb", 1 << 20), ("8gb", super::MOST_UNFREED), ("0", super::MOST_UNFREED)]
        {
            call(&mut local, client, &["CONFIG", "SET", "maxmemory", limit]);
            assert_eq!(local.engine.world.store.shared.most_unfreed, most, "{limit}");
        }
    }

    #[test]
    fn what_waits_to_be_freed_goes_before_keys_do() {
        let (mut local, client) = crowded("allkeys-random", 1000);
        let members: Vec<String> = (0..50_000).map(|n| format!("member:{n}")).collect();
        let words = ["SADD", "big"].into_iter().chain(members.iter().map(String::as_str));
        local.call(client, words);
        let used = local.engine.world.memory().total();
        let limit = (used + 20_000).to_string();
        call(&mut local, client, &["CONFIG", "SET", "maxmemory", &limit]);
        assert_eq!(call(&mut local, client, &["DEL", "big"]), ":1\r\n");
        assert!(local.engine.world.memory().total() > used - 20_000, "it counts while it waits");
        for n in 0..100 {
            let words = ["SET", &format!("other:{n}"), &"x".repeat(10_000)];
            assert_eq!(call(&mut local, client, &words), "+OK\r\n");
        }
        assert_eq!(local.engine.world.store.shared.eviction.evicted, 0);
    }

    #[test]
    fn memory_that_is_replaced_in_a_loop_does_not_pile_up() {
        let replace: [(&str, &[&str]); 6] = [
            ("COPY", &["COPY", "a", "t", "REPLACE"]),
            ("SUNIONSTORE", &["SUNIONSTORE", "t", "a"]),
            ("PEXPIRE", &["PEXPIRE", "t", "-1"]),
            ("SET", &["SET", "t", "x"]),
            ("MSET", &["MSET", "t", "x"]),
            ("FLUSHDB", &["FLUSHDB"]),
        ];
        for (name, words) in replace {
            let mut local = Local::new(Config::default());
            let client = local.connect();
            let members: Vec<String> = (0..20_000).map(|n| format!("member:{n}")).collect();
            let add = |key| ["SADD", key].into_iter().chain(members.iter().map(String::as_str));
            local.call(client, add("a"));
            let size = local.engine.world.store.memory();
            // All in one transaction, so that no turn comes between.
            local.call(client, ["MULTI"]);
            for _ in 0..60 {
                local.call(client, words);
                if !matches!(name, "COPY" | "SUNIONSTORE") {
                    local.call(client, ["COPY", "a", "t", "REPLACE"]);
                }
                if name == "FLUSHDB" {
                    local.call(client, add("a"));
                }
            }
            let queue = local.engine.world.memory().clients;
            local.call(client, ["EXEC"]);
            let most = super::MOST_UNFREED + 5 * size + 4096;
            let used = local.engine.world.memory();
            assert!(used.store + used.unfreed <= most, "{name}: {used:?}, {queue}");
        }
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
