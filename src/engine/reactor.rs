//! What the reactor asks of the engine beside bytes: what the server wants of it, and words from outside.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::Engine;
use crate::config::Config;
use crate::dispatch::serve;
use crate::peer::Kind;
use crate::session::Slot;
use crate::telemetry::peer_log::Cause;
use crate::telemetry::process;
use crate::world::Rebind;

impl Engine {
    // What the server wants of the reactor.

    /// Returns whether a command has asked the process to end: SHUTDOWN.
    pub(crate) fn wants_to_end(&self) -> bool {
        self.world.reactor_requests.shutdown
    }

    /// How long the thread is to sleep before the next command, if a command has asked for that: DEBUG SLEEP.
    pub(crate) fn take_stall(&mut self) -> Option<Duration> {
        self.world.reactor_requests.stall.take()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.world.config
    }

    /// How many newcomers through one kind of port a turn may take: see
    /// [`World::most_newcomers`](crate::world::World::most_newcomers).
    pub(crate) fn most_newcomers(&self, kind: Kind) -> usize {
        self.world.most_newcomers(kind)
    }

    // What the server is told.

    /// The server listens here, and `rebind` is what has it listen elsewhere.
    pub(crate) fn start_listening(&mut self, listeners: Vec<process::Listener>, rebind: Rebind) {
        self.world.process.listeners = listeners;
        self.world.rebind = Some(rebind);
    }

    /// The server can do its work from now on, or can not.
    pub(crate) fn set_ready(&mut self, ready: bool) {
        self.world.set_ready(ready);
    }

    /// Runs a closure of the embedder, and delivers what it has changed. A panic in it is logged, and nothing
    /// else.
    pub(crate) fn run(&mut self, closure: impl FnOnce(&mut Engine)) {
        if catch_unwind(AssertUnwindSafe(|| closure(self))).is_err() {
            log::error!("a closure of the embedder panicked");
        }
        serve::settle(&mut self.world, &self.table, &mut self.timer);
    }

    /// Logs what a peer has caused, or its socket.
    pub(crate) fn log_peer(&mut self, cause: Cause, line: fmt::Arguments<'_>) {
        let now = self.world.now.mono;
        self.world.peer_log.log(cause, now, line);
    }

    // Clients.

    /// How many clients there are.
    pub(crate) fn clients(&self) -> usize {
        self.world.clients.len()
    }

    /// The client's socket takes more: it is flushed in this turn. There may be no such client any more.
    pub(crate) fn writable(&mut self, slot: Slot) {
        if self.world.clients.contains(slot) {
            self.world.clients.touch(slot);
        }
    }
}
