//! What the reactor asks of the engine beside bytes: what the server wants of it, and words from outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::Engine;
use crate::config::Config;
use crate::dispatch::{Driver, serve};
use crate::telemetry::{Certificates, process};
use crate::world::journal::Alarm;
use crate::world::{ClockRequest, Courier, Rebind, TlsFiles};

impl Engine {
    // What the server wants of the reactor.

    /// Returns whether a command has asked the process to end: SHUTDOWN.
    pub(crate) fn wants_to_end(&self) -> bool {
        self.world.reactor_requests.shutdown
    }

    /// The server does not leave after all: a feature has to stay.
    pub(crate) fn stay(&mut self) {
        self.world.reactor_requests.shutdown = false;
    }

    /// Why the server has ended, if that is a failure.
    pub(crate) fn take_failure(&mut self) -> Option<String> {
        self.world.reactor_requests.failure.take()
    }

    /// How long the thread is to sleep before it tells the time anew and the next command runs, if that has been
    /// asked for: see [`ReactorRequests::stall`](crate::world::ReactorRequests).
    pub(crate) fn take_stall(&mut self) -> Option<Duration> {
        self.world.reactor_requests.stall.take()
    }

    /// Returns whether commands want the clock to be changed.
    pub(crate) fn has_clock_requests(&self) -> bool {
        !self.world.reactor_requests.clock.is_empty()
    }

    /// What commands want of the clock. They wait for it.
    pub(crate) fn take_clock_requests(&mut self) -> Vec<ClockRequest> {
        std::mem::take(&mut self.world.reactor_requests.clock)
    }

    /// What commands want to be told of when so much of the machine's time has passed.
    pub(crate) fn take_alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.world.reactor_requests.alarms)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.world.config
    }

    // What the server is told.

    /// The server listens here, and `rebind` is what has it listen elsewhere.
    pub(crate) fn start_listening(&mut self, listeners: Vec<process::Listener>, rebind: Rebind) {
        self.world.process.listeners = listeners;
        self.world.rebind = Some(rebind);
    }

    /// The server does not listen any more, and nothing holds a descriptor of a listener.
    pub(crate) fn stop_listening(&mut self) {
        self.world.rebind = None;
    }

    /// TLS is as the configuration says, with these certificates, and `files` is what changes that.
    pub(crate) fn secure(&mut self, files: Box<dyn TlsFiles>, certificates: Certificates) {
        self.world.certificates = certificates;
        self.world.tls_files = Some(files);
    }

    /// Commands that talk to another server do so through this.
    pub(crate) fn employ(&mut self, courier: Box<dyn Courier>) {
        self.world.courier = Some(courier);
    }

    /// The server can do its work from now on, or can not.
    pub(crate) fn set_ready(&mut self, ready: bool) {
        self.world.set_ready(ready);
    }

    /// Runs a closure of the embedder, and delivers what it has changed. A panic in it is logged, and nothing
    /// else.
    pub(crate) fn run(&mut self, closure: impl FnOnce(&mut Engine), driver: &mut dyn Driver) {
        if catch_unwind(AssertUnwindSafe(|| closure(self))).is_err() {
            log::error!("a closure of the embedder panicked");
        }
        serve::settle(&mut self.world, &self.table, &mut self.timer, driver);
    }

    /// Returns whether a segment of a reply waits for a later turn: see [`crate::session::plan`].
    pub(crate) fn awaits_turn(&self) -> bool {
        self.world.clients.await_turn()
    }

    /// How many clients there are.
    pub(crate) fn clients(&self) -> usize {
        self.world.clients.len()
    }
}
