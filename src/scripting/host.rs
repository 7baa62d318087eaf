//! The command that is running, for the functions that its script calls.
//!
//! Lua keeps these functions, and a command lives for one call: so they find it in a scoped thread-local, which holds it
//! while the script runs and is checked at run time.

use mlua::{Lua, MultiValue, Value};

use crate::dispatch::spec::flag;
use crate::dispatch::table::Found;
use crate::dispatch::{Ctx, Frame, Invocation, Outcome, ScriptFlags, permission};
use crate::error::{self, Error};
use crate::wire::{Args, OwnedArgs, Protocol, Reply};

use super::failure::Failure;
use super::raise;

/// One run of a script.
#[derive(Default)]
pub(super) struct Run {
    pub(super) flags: ScriptFlags,
    /// What the replies of commands are given to the script in: `setresp`.
    pub(super) protocol: Protocol,
    pub(super) failure: Option<Failure>,
    /// Why the script is to end, whatever it catches.
    pub(super) ended: Option<Error>,
    /// How many commands the script has called.
    pub(super) calls: u32,
    /// The arguments and the reply of the command at hand.
    pub(super) args: OwnedArgs,
    pub(super) reply: Vec<u8>,
}

/// What functions that a script calls may ask of the command that runs it.
pub(super) trait Host {
    fn run(&mut self) -> &mut Run;

    /// Runs the command in [`Run::args`]; its reply goes to [`Run::reply`].
    fn invoke(&mut self) -> Outcome;

    /// Returns whether the client may run the command; nothing if there is no such command.
    fn may_run(&mut self, args: Args<'_>) -> Option<bool>;

    /// Some time has passed. The error ends the script: see [`Ctx::script_goes_on`].
    fn goes_on(&mut self) -> Result<(), Error>;

    /// Registers the function that `args` declare: `server.register_function`. Only a library does so that is being
    /// loaded.
    fn register(&mut self, _: &Lua, _: &MultiValue) -> mlua::Result<()> {
        Err(raise::reply(error::NOT_LOADING.as_bytes()))
    }
}

// ANCHOR: lend
scoped_tls_hkt::scoped_thread_local!(static mut HOST: for<'a> &'a mut dyn Host);

/// Runs `script` with `host` as the command that it belongs to.
pub(super) fn lend<T>(host: &mut dyn Host, script: impl FnOnce() -> T) -> T {
    HOST.set(host, script)
}

/// The command that is running, if one is.
pub(super) fn with<T>(ask: impl FnOnce(&mut dyn Host) -> T) -> Option<T> {
    HOST.is_set().then(|| HOST.with(ask))
}
// ANCHOR_END: lend

/// Keeps an error where it is raised, for the end of the script. What it returns takes the error's place.
pub(super) fn keep_failure(lua: &Lua, raised: Value) -> mlua::Result<()> {
    let failure = Failure::here(lua, &raised);
    with(|host| host.run().failure = Some(failure));
    Ok(())
}

/// The error that was kept, if one was.
pub(super) fn kept_failure() -> Option<Failure> {
    with(|host| host.run().failure.take()).flatten()
}

/// EVAL, FCALL and their kin, as they run.
pub(super) struct Running<'a, 'c> {
    pub(super) ctx: &'a mut Ctx<'c>,
    /// The command itself.
    pub(super) args: Args<'a>,
    /// The function's own name; empty for a script.
    pub(super) name: &'a [u8],
    pub(super) run: Run,
}

impl Host for Running<'_, '_> {
    fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    fn invoke(&mut self) -> Outcome {
        let Running { ctx, run, .. } = self;
        let args = run.args.args();
        run.reply.clear();
        let mut reply = Reply::new(std::mem::take(&mut run.reply), run.protocol);
        ctx.world.limit_reply(&mut reply, ctx.slot);
        let found = ctx.table.find(args);
        let is_write = matches!(found, Found::Row(row) if row.has(flag::WRITE));
        let within = Invocation::within(ctx, Frame::Script(run.flags), args);
        let outcome = Invocation { reply: &mut reply, ..within }.invoke_found(found);
        if is_write && matches!(outcome, Outcome::Ran { .. }) {
            // What has changed data is not stopped half-way, neither for want of memory nor by SCRIPT KILL.
            run.flags.allow_oom = true;
            ctx.world.script_writes();
        }
        run.reply = reply.into_inner();
        outcome
    }

    fn may_run(&mut self, args: Args<'_>) -> Option<bool> {
        let Found::Row(row) = self.ctx.table.find(args) else {
            return None;
        };
        let (user, db) = (self.ctx.client().user, self.ctx.client().db);
        Some(permission::check(self.ctx.world, user, db, row, args).is_ok())
    }

    fn goes_on(&mut self) -> Result<(), Error> {
        self.ctx.world.name_script(self.name);
        let goes_on = self.ctx.script_goes_on(self.args);
        self.run.ended = goes_on.clone().err();
        goes_on
    }
}
