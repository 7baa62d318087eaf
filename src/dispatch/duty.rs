//! Duties: what a feature does in every turn of the loop, beside the commands that it has.
//!
//! A feature that has something to do when no command asks for it (to write a log, to go on with a snapshot, to read a
//! file) declares a [`Duty`], a row of functions. The engine calls them at fixed places of its turn and knows none of
//! the features; `embed` adds the rows. What a feature keeps it keeps in the world: see
//! [`World::lend`](crate::world::World).
//!
//! A turn is this:
//!
//! 1. the engine is told what time it is, and every [`Duty::begin`] is called;
//! 2. what is due happens, and what clients have sent is run;
//! 3. every [`Duty::end`] is called: nothing that the commands of this turn have replied has been sent yet;
//! 4. clients are sent what they are owed;
//! 5. every [`Duty::rest`] is called: what takes long and can wait, so that the replies of the turn do not wait for it.
//!
//! A turn may begin several times before it ends (DEBUG SLEEP). While a script runs long, the others are served
//! without their turns beginning or ending: what the script has changed is not complete, and nothing may be made of it.

use super::driver::Driver;
use super::table::Table;
use crate::config::{Config, Shutdown};
use crate::telemetry::Timer;
use crate::world::World;

/// What a feature does in every turn.
pub struct Duty {
    /// A turn begins. Commands may be run, each as an [`Invocation`](super::Invocation).
    pub begin: fn(&mut Turn<'_>),
    /// The commands of the turn have run, their effects are handed over, and nothing of them has been sent yet.
    pub end: fn(&mut Turn<'_>),
    /// Clients have been sent what the turn owes them. Nothing may be sent from here, and no command run.
    pub rest: fn(&mut Turn<'_>),
    /// When the feature has something to do even if nothing arrives, in µs of
    /// [`Now::mono`](crate::clock::Now::mono); the present time for "at once, and as long as it is so, without rest".
    pub due: fn(&World) -> Option<u64>,
    /// The server is to leave. `false`: it has to stay, for the feature would lose what it has promised to keep.
    /// The thread may block here.
    pub leave: fn(&mut Turn<'_>, Leave) -> bool,
    /// Waits until other threads have done what the feature has given them, and returns whether they had anything to
    /// do. A driver without sockets calls it in place of sleeping until it is woken.
    pub wait: fn(&mut World) -> bool,
}

/// Why the server is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// A command has asked for it, and seen to what is to be kept.
    Command,
    /// A signal has come. A feature may refuse.
    Signal(Ending),
    /// The program around the server ends it. Nothing keeps it from leaving.
    Program,
}

/// A signal that ends the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Terminate,
    Interrupt,
}

impl Leave {
    /// The options of SHUTDOWN that a signal stands for, by the configuration.
    pub fn options(self, config: &Config) -> Option<Shutdown> {
        match self {
            Leave::Signal(Ending::Terminate) => Some(config.shutdown_on_sigterm),
            Leave::Signal(Ending::Interrupt) => Some(config.shutdown_on_sigint),
            Leave::Command | Leave::Program => None,
        }
    }

    /// Returns whether the server stays when its data cannot be saved.
    pub fn may_be_refused(self, config: &Config) -> bool {
        self.options(config).is_some_and(|options| !options.force)
    }
}

/// What a duty works with.
pub struct Turn<'e> {
    pub world: &'e mut World,
    pub table: &'e Table,
    pub timer: &'e mut Timer,
    /// Who serves the other clients if a command runs long.
    pub driver: &'e mut dyn Driver,
}
