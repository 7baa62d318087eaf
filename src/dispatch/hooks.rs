//! What an embedder has called beside its commands: when clients come and go, and before commands.
//!
//! A closure is called in the loop's thread, and not again while it runs. One that panics is logged, and closes its client.
//!
//! **Connect** is called when the connection is open: behind a proxy's header and a handshake of TLS, and before the
//! first byte of a request. What it calls runs in [`Frame::Call`], as what a command calls. **Disconnect** is called once for
//! each client for which the connection was open, after its last command, whatever has closed it.
//!
//! **Before a command** the hook is asked when all gates have let on a request of a client: one that MULTI queues when it is
//! queued, and one that a pause holds back when it comes again. It is not asked again for what EXEC runs, nor for a blocked
//! command that runs once more, nor for what scripts and commands call. What it refuses is refused as by a gate.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ctx::Ctx;
use super::driver::Driver;
use super::frame::Frame;
use super::invocation::Invocation;
use super::own;
use super::spec::{Spec, flag};
use super::table::{Row, Table};
use crate::error::{self, Error};
use crate::session::{Departure, Doom, Slot};
use crate::telemetry::Timer;
use crate::telemetry::peer_log::Cause;
use crate::wire::{Args, Reply};
use crate::world::World;

/// Is called when a client has connected.
pub(crate) type OnConnect = Box<dyn FnMut(&mut Ctx<'_>) + Send>;
/// Is called when the client in the slot is about to be forgotten.
pub(crate) type OnDisconnect = Box<dyn FnMut(&mut World, Slot) + Send>;
/// Is asked before a command of the client in the slot runs.
pub(crate) type BeforeCommand = Box<dyn FnMut(&World, Slot, &Row, Args<'_>) -> Verdict + Send>;

/// What becomes of a command: see [`Builder::hook`](crate::Builder::hook).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It runs, or is queued for EXEC.
    Run,
    /// It does not, and the client is told this error. A transaction that it was to be queued in will not run.
    Refuse(Error),
    /// It does not, the client is told that its connection is closed, and it is.
    Close,
}

/// The closures of an embedder.
pub(crate) struct Hooks {
    pub(crate) connect: Option<RefCell<OnConnect>>,
    pub(crate) disconnect: Option<RefCell<OnDisconnect>>,
    pub(crate) command: Option<RefCell<BeforeCommand>>,
    /// What stands in the context of a closure for the row of a command.
    row: Row,
}

impl Default for Hooks {
    fn default() -> Hooks {
        let row = Row::apart(Spec::new("on_connect", 1, flag::NONE, own::run));
        Hooks { connect: None, disconnect: None, command: None, row }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// The client's connection is open.
#[inline]
pub(crate) fn connected(
    world: &mut World,
    table: &Table,
    timer: &mut Timer,
    driver: &mut dyn Driver,
    slot: Slot,
) {
    if let Some(hooks) = &table.hooks {
        call_connect(hooks, world, table, timer, driver, slot);
    }
}

#[inline(never)]
fn call_connect(
    hooks: &Hooks,
    world: &mut World,
    table: &Table,
    timer: &mut Timer,
    driver: &mut dyn Driver,
    slot: Slot,
) {
    let client = &mut world.clients[slot];
    client.has_connected = true;
    if client.doom != Doom::No {
        return;
    }
    let Some(mut connect) = hooks.connect.as_ref().and_then(|hook| hook.try_borrow_mut().ok())
    else {
        return;
    };
    let mut reply = Reply::new(Vec::new(), client.protocol);
    // What a script that runs meanwhile has done is said when it is over.
    let is_meanwhile = world.running.is_some();
    if !is_meanwhile {
        world.store.begin_effects();
    }
    let (row, frame) = (&hooks.row, Frame::Call);
    let (reply_to, replies, until) = (&mut reply, 1, None);
    let mut ctx =
        Ctx { world, reply: reply_to, table, timer, driver, row, slot, frame, replies, until };
    let is_done = catch_unwind(AssertUnwindSafe(|| connect(&mut ctx))).is_ok();
    drop(connect);
    if !is_done {
        panicked(world, slot, "on_connect");
    }
    if !reply.is_empty() {
        log::error!("on_connect writes a reply, and there is no request: it is not sent");
    }
    if world.has_changes() {
        world.deliver_changes(Some(slot));
    }
    timer.rest(&mut world.stats);
    if !is_meanwhile {
        world.store.shared.effects.hand_over();
        world.broadcast_changes();
    }
    world.clients.account(slot);
}

/// The client is about to be forgotten.
#[inline]
pub(crate) fn disconnected(world: &mut World, table: &Table, slot: Slot) {
    let Some(hooks) = &table.hooks else { return };
    if world.clients[slot].has_connected
        && let Some(mut disconnect) =
            hooks.disconnect.as_ref().and_then(|hook| hook.try_borrow_mut().ok())
        && catch_unwind(AssertUnwindSafe(|| disconnect(world, slot))).is_err()
    {
        log::error!("on_disconnect panicked");
    }
}

/// A closure has panicked: that closes the client that it was about.
#[cold]
fn panicked(world: &mut World, slot: Slot, what: &str) {
    let (client, now) = (world.clients[slot].id, world.now.mono);
    let line = format_args!("a panic in {what} closes client {client}");
    world.peer_log.log(Cause::Panic, now, line);
    world.clients.doom(slot, Doom::AfterReply, Departure::Panic);
}

impl Invocation<'_> {
    /// Asks the hook, if there is one.
    #[inline(never)]
    pub(super) fn ask_hook(&mut self, row: &Row) -> Result<(), Error> {
        let hook = self.table.hooks.as_ref().and_then(|hooks| hooks.command.as_ref());
        let Some(mut hook) = hook.and_then(|hook| hook.try_borrow_mut().ok()) else {
            return Ok(());
        };
        let (slot, args) = (self.slot, self.args);
        let asked = catch_unwind(AssertUnwindSafe(|| hook(self.world, slot, row, args)));
        match asked {
            Ok(Verdict::Run) => Ok(()),
            Ok(Verdict::Refuse(refused)) => Err(refused),
            Ok(Verdict::Close) => {
                self.world.clients.doom(slot, Doom::AfterReply, Departure::Program);
                Err(error::CLOSED_BY_PROGRAM)
            }
            Err(_) => {
                panicked(self.world, slot, "the hook");
                Err(error::INTERNAL)
            }
        }
    }
}
