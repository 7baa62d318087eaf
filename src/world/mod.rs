//! Everything that commands act on, in plain fields: clients, keyspace, users, configuration, counters.
//!
//! It is one struct without locks, reference counts or interior mutability, because one thread owns it
//! and every borrow of a part is seen by the compiler. It knows no command and no socket.

pub mod access;
pub mod client;
pub mod clients;
pub mod config;
pub mod key_index;
pub mod memory;
pub mod news;
pub mod output;
pub mod process;
pub mod pubsub;
pub mod session;
pub mod stats;
pub mod subscriptions;
pub mod transaction;
mod users;
pub mod waiters;
pub mod watch;

use std::any::Any;
use std::io;
use std::time::Duration;

pub use access::{Access, UserId, Vocabulary};
pub use client::{Address, Client, Doom, Kind, Outbox, Peer, ReplyMode};
pub use clients::{Clients, Slot};
pub use config::{Config, LoadError};
pub use process::Process;
pub use pubsub::PubSub;
pub use session::Session;
pub use stats::{CommandId, Stats, Stopwatch};
pub use subscriptions::{Subscriptions, Topic};
pub use transaction::Transaction;
pub use waiters::{Until, Wait, Waiters};
pub use watch::Watches;

use crate::store::{Millis, Store};

/// What time it is. Told by whoever drives the engine: nothing below `net` reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// µs since 1970. It may jump. Expiry goes by it.
    pub wall: u64,
    /// µs since some moment before the start. It only grows. Timeouts and ages go by it.
    pub mono: u64,
}

/// What commands ask of the loop that drives the engine.
#[derive(Debug, Default)]
pub struct Orders {
    /// End the process: stop accepting, flush what is owed, leave.
    pub shutdown: bool,
    /// Do nothing for so long before the next command (DEBUG SLEEP).
    pub stall: Option<Duration>,
}

/// Listens where and as the configuration says from now on (`bind`, `port`, `admin-port`,
/// `tcp-keepalive`), and tells where that is. When one address cannot be had, everything stays as it is.
pub type Rebind = Box<dyn FnMut(&Config) -> io::Result<Vec<process::Listener>> + Send>;

/// The state of the server.
pub struct World {
    pub now: Now,
    /// When the server started.
    pub started: Now,
    pub clients: Clients,
    pub store: Store,
    pub watches: Watches,
    pub waiters: Waiters,
    pub pubsub: PubSub,
    pub access: Access,
    pub config: Config,
    pub stats: Stats,
    pub process: Process,
    pub orders: Orders,
    /// The most memory that was used when a turn began: see [`World::peak_memory`].
    pub peak_memory: usize,
    /// What `net` offers to CONFIG SET, if there is a `net`.
    pub rebind: Option<Rebind>,
    /// What an embedder's own commands keep: see [`World::extension`].
    pub extension: Box<dyn Any + Send>,
}

impl World {
    /// A world in the state that `config` asks for, with these commands.
    ///
    /// It fails when a `user` line of the configuration or of the ACL file has a rule that is none.
    pub fn new(config: Config, commands: &dyn Vocabulary, now: Now) -> Result<World, LoadError> {
        let mut world = World {
            now,
            started: now,
            clients: Clients::default(),
            store: Store::new(config.databases),
            watches: Watches::default(),
            waiters: Waiters::default(),
            pubsub: PubSub::default(),
            access: Access::configured(&config, commands)?,
            config,
            stats: Stats::new(commands.size()),
            process: Process::default(),
            orders: Orders::default(),
            peak_memory: 0,
            rebind: None,
            extension: Box::new(()),
        };
        world.set_now(now);
        world.configure_store();
        Ok(world)
    }

    /// It is `now`, for the store too.
    pub fn set_now(&mut self, now: Now) {
        self.now = now;
        self.store.set_now((now.wall / 1000) as Millis);
    }

    /// Tells the store what the configuration says about it.
    pub fn configure_store(&mut self) {
        self.store.shared.limits = self.config.limits;
        self.store.shared.eviction.settings = self.config.eviction;
        self.follow_events();
    }

    /// The state of an embedder's commands, if it is a `T`.
    pub fn extension<T: Any>(&mut self) -> Option<&mut T> {
        self.extension.downcast_mut()
    }

    /// Adds a client that has just connected. It is the default user, if that needs no password.
    pub fn connect(&mut self, peer: Peer) -> Slot {
        let authenticated = !self.access.is_login_required();
        let slot = self.clients.add(peer, self.now.mono, UserId::DEFAULT, authenticated);
        self.stats.connections_received += 1;
        self.stats.peak_clients = self.stats.peak_clients.max(self.clients.len());
        slot
    }

    /// Seconds since the server started.
    pub fn uptime(&self) -> u64 {
        (self.now.mono - self.started.mono) / 1_000_000
    }
}

impl config::LogLevel {
    /// What the log's own filter calls it.
    pub fn filter(self) -> log::LevelFilter {
        match self {
            config::LogLevel::Debug | config::LogLevel::Verbose => log::LevelFilter::Debug,
            config::LogLevel::Notice => log::LevelFilter::Info,
            config::LogLevel::Warning => log::LevelFilter::Warn,
            config::LogLevel::Nothing => log::LevelFilter::Off,
        }
    }
}
