//! What drives the engine, as a command sees it that runs long.
//!
//! Everything happens on one thread, and a script may run for ever. So that the server stays within reach, a
//! running script hands the thread to its driver from time to time: see [`super::running`].

use super::table::Table;
use crate::session::Slot;
use crate::telemetry::Timer;
use crate::world::World;

/// What drives the engine: the reactor, a [`Local`](crate::embed::Local), a test.
pub trait Driver {
    /// Serves the clients once, without waiting for them, while a command of the client in `own` goes on.
    ///
    /// What the driver holds of that client stays as it is: its slot, its bytes, its output. What it is told of
    /// that client's socket meanwhile it keeps for later.
    fn serve_meanwhile(&mut self, world: &mut World, table: &Table, timer: &mut Timer, own: Slot);
}

/// The driver of a command that keeps the thread for itself.
pub struct NoDriver;

impl Driver for NoDriver {
    fn serve_meanwhile(&mut self, _: &mut World, _: &Table, _: &mut Timer, _: Slot) {}
}
