//! Everything that commands act on, in plain fields: clients, keyspace, users, configuration, counters.
//!
//! It is one struct without locks, reference counts or interior mutability, because one thread owns it
//! and every borrow of a part is seen by the compiler. It knows no command and no socket.

mod blocked;
mod commandlog;
mod configuration;
mod keyspace_changes;
mod memory;
mod monitor;
mod output;
mod pause;
mod pubsub;
mod sessions;
mod tracking;
mod transaction;
mod unauthenticated;
mod users;
mod watch;

use crate::access::Access;
use crate::access::UserId;
use crate::access::Vocabulary;
use crate::clock::Now;
use crate::config;
use crate::config::Config;
use crate::config::LoadError;
use crate::listeners::Monitors;
use crate::listeners::Pause;
use crate::listeners::PubSub;
use crate::listeners::Tracking;
use crate::listeners::Waiters;
use crate::listeners::Watches;
use crate::peer::Peer;
use crate::session::BufferPool;
use crate::session::Clients;
use crate::session::Slot;
use crate::telemetry::CommandId;
use crate::telemetry::CommandLog;
use crate::telemetry::PeerLog;
use crate::telemetry::Process;
use crate::telemetry::Stats;
use crate::telemetry::Thresholds;
use crate::telemetry::latency;
use crate::telemetry::process;
use std::any::Any;
use std::io;
use std::time::Duration;

use crate::keyspace::{Millis, Store};

/// What commands ask of the loop that drives the engine.
#[derive(Debug, Default)]
pub struct ReactorRequests {
    /// End the process: stop accepting, flush what is owed, leave.
    pub shutdown: bool,
    /// Do nothing for so long before the next command (DEBUG SLEEP).
    pub stall: Option<Duration>,
}

/// Listens where and as the configuration says from now on (`bind`, `port`, `admin-bind`, `admin-port`,
/// `tcp-keepalive`), and tells where that is. When one address cannot be had, everything stays as it is.
pub type Rebind = Box<dyn FnMut(&Config) -> io::Result<Vec<process::Listener>> + Send>;

/// Told once, when the server has become ready.
pub type WhenReady = Box<dyn FnOnce() + Send>;

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
    pub buffer_pool: BufferPool,
    pub pause: Option<Pause>,
    pub tracking: Tracking,
    pub access: Access,
    pub config: Config,
    pub stats: Stats,
    pub commandlog: CommandLog,
    pub events: latency::Events,
    pub thresholds: Thresholds,
    pub monitors: Monitors,
    pub peer_log: PeerLog,
    pub process: Process,
    pub reactor_requests: ReactorRequests,
    /// Since when the server has not been ready, if it is not: see [`World::set_ready`].
    unready: Option<Now>,
    when_ready: Option<WhenReady>,
    /// The most memory that was used when a turn began: see [`World::peak_memory`].
    pub peak_memory: usize,
    /// An eviction that goes on in the next turn.
    eviction: crate::telemetry::memory::Eviction,
    /// What `net` offers to CONFIG SET, if there is a `net`.
    pub rebind: Option<Rebind>,
    /// What an embedder's own commands keep: see [`World::extension`].
    pub extension: Box<dyn Any + Send>,
}

impl World {
    /// A world in the state that `config` asks for, with these commands.
    ///
    /// It fails when a `user` line of the configuration has a rule that is none.
    pub fn new(config: Config, commands: &dyn Vocabulary, now: Now) -> Result<World, LoadError> {
        let mut world = World {
            now,
            started: now,
            clients: Clients::default(),
            unready: (!config.start_ready).then_some(now),
            store: Store::new(config.databases),
            watches: Watches::default(),
            waiters: Waiters::default(),
            pubsub: PubSub::default(),
            buffer_pool: BufferPool::default(),
            pause: None,
            tracking: Tracking::default(),
            access: Access::configured(&config, commands)?,
            stats: Stats::new(commands.size()),
            commandlog: CommandLog::default(),
            events: latency::Events::default(),
            thresholds: Thresholds::of(&config),
            monitors: Monitors::default(),
            peer_log: PeerLog::default(),
            config,
            process: Process::default(),
            reactor_requests: ReactorRequests::default(),
            when_ready: None,
            peak_memory: 0,
            eviction: crate::telemetry::memory::Eviction::default(),
            rebind: None,
            extension: Box::new(()),
        };
        world.set_now(now);
        world.configure_store();
        world.configure_watchers();
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
        self.limit_unfreed();
        self.follow_events();
    }

    /// Says whether the server can do its work, as it can from the start unless `start-ready` says
    /// otherwise. While it cannot, clients connect and shake hands, and commands with
    /// [`crate::dispatch::spec::flag::NEEDS_READY`] are refused.
    pub fn set_ready(&mut self, ready: bool) {
        match ready {
            false => self.unready = self.unready.or(Some(self.now)),
            true => {
                self.unready = None;
                if let Some(tell) = self.when_ready.take() {
                    tell();
                }
            }
        }
    }

    pub fn is_ready(&self) -> bool {
        self.unready.is_none()
    }

    /// Since when the server has not been ready, if it is not.
    pub fn unready_since(&self) -> Option<Now> {
        self.unready
    }

    /// Calls `tell` as soon as the server is ready: now, if it is.
    pub fn when_ready(&mut self, tell: impl FnOnce() + Send + 'static) {
        match self.is_ready() {
            true => tell(),
            false => self.when_ready = Some(Box::new(tell)),
        }
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

    /// A command of the client has been answered.
    pub fn count_call(&mut self, slot: Slot, command: CommandId, is_error: bool) {
        self.stats.commands_processed += 1;
        self.clients[slot].commands += 1;
        let stats = self.stats.command(command);
        stats.calls += 1;
        stats.failed += u64::from(is_error);
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
