//! Everything that commands act on, in plain fields: clients, keyspace, users, configuration, counters.
//!
//! It is one struct without locks, reference counts or interior mutability, because one thread owns it
//! and every borrow of a part is seen by the compiler. It knows no command and no socket.
//!
//! The parts do not know each other. What joins them is here, a file for each:
//!
//! | file | joins |
//! |---|---|
//! | `keyspace_changes` | the keyspace's change journal with WATCH, blocked clients, tracking and keyspace events |
//! | `blocked` | blocked clients with the keys, events and deadlines that they wait for |
//! | `watch`, `transaction` | clients with the keys that break their transactions |
//! | `tracking` | clients with the keys that they have cached |
//! | `failover` | the stage's nodes with what Sentinels say of them |
//! | `nodes` | the stage's nodes and Sentinels with the clients of their ports |
//! | `pubsub`, `monitor` | messages and commands with the clients that are shown them |
//! | `pause` | CLIENT PAUSE with the commands that it holds back, and with expiry |
//! | `restraint` | what is not there yet, or was not written, with the commands that this keeps from running |
//! | `running` | the script that runs with those who are served meanwhile |
//! | `output` | replies and pushes with the output buffer limits |
//! | `gaps` | replies that come later with the output that waits for them |
//! | `memory` | `maxmemory` with keys, and `maxmemory-clients` with clients |
//! | `unauthenticated`, `users` | newcomers with their places, and clients with their users |
//! | `tls` | the configuration with what `net` reads for it, and certificates with users |
//! | `staged` | what a test has staged with the replies of clients |
//! | `sessions` | the end of a session with all indexes that know it |
//! | `commandlog` | the configuration with the thresholds of logs |
//! | `chance` | the seed of a test with what is picked at random |
//! | `courier` | commands with other servers |
//! | `journal`, `recording` | clients with the journal and the recording of the stage |
//! | `timekeeping` | commands with the clock that they change |
//!
//! The book: chapter 7, The loop (`book/src/07-the-loop.md`).

mod beginning;
mod blocked;
mod chance;
mod commandlog;
mod configuration;
mod courier;
mod failover;
mod gaps;
pub(crate) mod journal;
mod keyspace_changes;
mod memory;
mod monitor;
mod nodes;
mod output;
mod pause;
mod pubsub;
mod recording;
pub(crate) mod restraint;
mod running;
mod sessions;
mod staged;
mod timekeeping;
mod tls;
mod tracking;
mod transaction;
mod unauthenticated;
mod users;
mod watch;

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Access, UserId, Vocabulary};
use crate::clock::Now;
use crate::config::{Callers, Config, LoadError, LogLevel, Reason};
use crate::error::Error;
use crate::keyspace::{Millis, Store};
use crate::listeners::deferred::LateReplies;
use crate::listeners::{Monitors, Pause, PubSub, Tracking, Waiters, Watches};
use crate::peer::Peer;
use crate::session::{BufferPool, Clients, Slot};
use crate::stage::Stage;
use crate::telemetry::memory::Eviction;
use crate::telemetry::{
    Certificates, CommandId, CommandLog, PeerLog, Process, Stats, Thresholds, latency, process,
};

pub(crate) use chance::Seed;
pub use courier::{Courier, Failure, OnReceipt, Parcel, Receipt};
pub use nodes::NodePorts;
pub(crate) use nodes::name_at;
use restraint::Restraints;
pub(crate) use running::RunningScript;
pub use running::ScriptKind;
pub(crate) use timekeeping::ClockRequest;
pub use tls::TlsFiles;

/// What becomes of the data when the server leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// It is saved if there are save points.
    Configured,
    Save,
    NoSave,
}

/// What commands ask of the loop that drives the engine.
#[derive(Debug, Default)]
pub struct ReactorRequests {
    /// End the process: stop accepting, flush what is owed, leave.
    pub shutdown: bool,
    /// End it so, and with this as the reason of a failure.
    pub failure: Option<String>,
    /// Do nothing for so long, and tell the time anew, before the next command: DEBUG SLEEP, or a script that ran
    /// long.
    pub stall: Option<Duration>,
    /// Change the clock so, one after the other.
    pub(crate) clock: Vec<ClockRequest>,
    /// Say when so much of the machine's time has passed.
    pub(crate) alarms: Vec<journal::Alarm>,
}

/// Listens where and as the configuration says from now on (`bind`, `port`, `admin-bind`, `admin-port`,
/// `tcp-keepalive`), and tells where that is. When one address cannot be had, everything stays as it is.
pub type Rebind = Box<dyn FnMut(&Config) -> io::Result<Vec<process::Listener>> + Send>;

/// Has the loop begin a turn, from any thread: what that has for it is looked at then.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// The path of a folder without links, or why it cannot be used.
pub(crate) type FindFolder = fn(&Path) -> Result<PathBuf, Reason>;

/// What the configuration says about the log comes true, or cannot.
pub(crate) type TurnLog = fn(&mut World) -> Result<(), Reason>;

/// Sees to what is to be kept. The error is that it could not be written.
pub(crate) type Part = fn(&mut World, Farewell) -> Result<(), Error>;

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
    /// What a test drives the server by, if it may. While it is `None`, that is all that a command asks.
    pub(crate) stage: Option<Box<Stage>>,
    /// What random picks follow from, if a test has said so.
    pub(crate) seed: Seed,
    /// The script that runs, if one does. When another client's command sees it, the server is busy.
    pub(crate) running: Option<RunningScript>,
    /// What keeps commands from running: see [`World::set_ready`].
    pub(crate) restraints: Restraints,
    when_ready: Option<WhenReady>,
    /// What is told that the server leaves.
    pub(crate) when_leaving: Option<WhenReady>,
    /// The most memory that was used when a turn began.
    pub peak_memory: usize,
    /// An eviction that goes on in the next turn.
    eviction: Eviction,
    /// What `net` offers to CONFIG SET, if there is a `net`.
    pub rebind: Option<Rebind>,
    /// What `net` offers to STAGE NODE and STAGE SENTINEL, if there is a `net`.
    pub node_ports: Option<Box<dyn NodePorts>>,
    /// What `net` offers to CONFIG SET of `tls-…`, if there is a `net`, and it can.
    pub tls_files: Option<Box<dyn TlsFiles>>,
    /// The certificates in use.
    pub certificates: Certificates,
    /// What `net` offers to MIGRATE, if there is a `net`.
    pub courier: Option<Box<dyn Courier>>,
    /// Whether a folder can be written to: CONFIG SET `dir` asks.
    pub(crate) find_folder: FindFolder,
    /// Turns the log of all changes on or off, as the configuration says: CONFIG SET `appendonly` asks.
    pub(crate) turn_log: TurnLog,
    /// Sees to what is to be kept, when the server leaves: SHUTDOWN asks.
    pub(crate) part: Part,
    /// What wakes the loop, if there is one.
    pub waker: Waker,
    /// The replies that other threads give, since the first command has left its reply to one.
    pub(crate) late_replies: Option<Box<LateReplies>>,
    /// What groups of an embedder's commands keep, each its own.
    pub states: Vec<Box<dyn Any + Send>>,
    /// What features keep, a value of each of their types: see [`World::lend`].
    features: Vec<Box<dyn Any + Send>>,
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
            restraints: Restraints::default(),
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
            stage: (config.enable_stage_command != Callers::No).then(Box::default),
            seed: Seed::default(),
            config,
            process: Process::default(),
            reactor_requests: ReactorRequests::default(),
            running: None,
            when_ready: None,
            when_leaving: None,
            peak_memory: 0,
            eviction: Eviction::default(),
            rebind: None,
            node_ports: None,
            tls_files: None,
            certificates: Certificates::default(),
            courier: None,
            find_folder: |folder| Ok(folder.to_owned()),
            turn_log: |_| Ok(()),
            part: |_, _| Ok(()),
            waker: Arc::new(|| ()),
            late_replies: None,
            states: Vec::new(),
            features: Vec::new(),
        };
        world.set_now(now);
        if !world.config.start_ready {
            world.set_ready(false);
        }
        world.configure_store();
        world.configure_watchers();
        Ok(world)
    }

    /// It is `now`, for the store too.
    pub(crate) fn set_now(&mut self, now: Now) {
        self.now = now;
        self.store.set_now((now.wall / 1000) as Millis);
    }

    /// Tells the store what the configuration says about it.
    pub(crate) fn configure_store(&mut self) {
        self.store.shared.limits = self.config.limits;
        self.store.shared.eviction.settings = self.config.eviction;
        self.limit_unfreed();
        self.follow_events();
    }

    /// What a group of an embedder's commands keeps: the first that is a `T`.
    pub fn state<T: Any>(&mut self) -> Option<&mut T> {
        self.states.iter_mut().find_map(|state| state.downcast_mut())
    }

    /// What a feature keeps here, if it is not lent.
    pub(crate) fn feature<T: Any>(&self) -> Option<&T> {
        self.features.iter().find_map(|kept| kept.downcast_ref())
    }

    /// Takes out what a feature keeps here, so that it can be used beside the world. [`World::take_back`] puts it
    /// back. The first time, and as long as it is lent, there is none.
    pub(crate) fn lend<T: Any>(&mut self) -> Option<Box<T>> {
        let at = self.features.iter().position(|kept| kept.is::<T>())?;
        self.features.swap_remove(at).downcast().ok()
    }

    /// Keeps what a feature has in place of what it kept before.
    pub(crate) fn take_back<T: Any + Send>(&mut self, kept: Box<T>) {
        self.features.retain(|other| !other.is::<T>());
        self.features.push(kept);
    }

    /// Adds a client that has just connected. It is the default user, if that needs no password.
    pub(crate) fn connect(&mut self, peer: Peer) -> Slot {
        let authenticated = !self.access.is_login_required();
        let slot = self.clients.add(peer, self.now.mono, UserId::DEFAULT, authenticated);
        self.stats.connections_received += 1;
        self.stats.peak_clients = self.stats.peak_clients.max(self.clients.len());
        slot
    }

    /// A command of the client has been answered.
    pub(crate) fn count_call(&mut self, slot: Slot, command: CommandId, is_error: bool) {
        self.stats.commands_processed += 1;
        self.clients[slot].commands += 1;
        let stats = self.stats.command(command);
        stats.calls += 1;
        stats.failed += u64::from(is_error);
    }

    /// Seconds since the server started.
    pub(crate) fn uptime(&self) -> u64 {
        (self.now.mono - self.started.mono) / 1_000_000
    }
}

impl LogLevel {
    /// What the log's own filter calls it.
    pub fn filter(self) -> log::LevelFilter {
        match self {
            LogLevel::Debug | LogLevel::Verbose => log::LevelFilter::Debug,
            LogLevel::Notice => log::LevelFilter::Info,
            LogLevel::Warning => log::LevelFilter::Warn,
            LogLevel::Nothing => log::LevelFilter::Off,
        }
    }
}
