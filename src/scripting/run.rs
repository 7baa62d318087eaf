//! One run of a script or a function: what is asked before it, what surrounds it, and its reply.

use mlua::Value;

use super::cache::{self, Digest};
use super::failure::Failure;
use super::host::{self, Run, Running};
use super::interpreter::{Given, Interpreter, Kept};
use super::shebang::Flags;
use super::to_reply;
use crate::dispatch::spec::flag;
use crate::dispatch::{self, Ctx, ScriptFlags, telemetry};
use crate::error::{self, Error};
use crate::wire::{Args, Reply};
use crate::world::ScriptKind;

/// The flags that a script's commands are held to. One with a shebang line says beforehand whether it writes, and is
/// refused beforehand where it must not.
pub(super) fn held_to(
    said: Option<Flags>,
    ctx: &Ctx<'_>,
    is_read_only: bool,
) -> Result<ScriptFlags, Error> {
    let Some(Flags { no_writes, allow_oom, no_cluster, crosses_slots }) = said else {
        return Ok(ScriptFlags { no_writes: is_read_only, allow_oom: false, crosses_slots: true });
    };
    if no_cluster && ctx.world.cluster_node_of(ctx.slot).is_some() {
        return Err(error::NO_CLUSTER_SCRIPT);
    }
    match is_read_only && !no_writes {
        true => Err(error::WRITING_SCRIPT_READ_ONLY),
        false => Ok(ScriptFlags { no_writes, allow_oom, crosses_slots }),
    }
}

/// The flags that a command has which runs such a script, for the gates: see
/// [`Spec::flags_of`](crate::dispatch::Spec::flags_of).
pub(super) fn gated(said: Option<Flags>, flags: dispatch::Flags) -> dispatch::Flags {
    let Some(Flags { no_writes, allow_oom, .. }) = said else {
        return flags;
    };
    let mut flags = flags & !(flag::DENYOOM | flag::WRITE | flag::MAY_REPLICATE);
    if !no_writes {
        flags |= flag::WRITE;
        flags |= if allow_oom { 0 } else { flag::DENYOOM };
    }
    flags
}

/// MONITOR shows a script before the commands that it calls, and whatever comes of it.
pub(super) fn show(ctx: &mut Ctx<'_>, args: Args<'_>) {
    telemetry::show_to_monitors(ctx.world, ctx.row, ctx.frame, ctx.slot, args);
}

/// What runs.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    Script(&'a Digest),
    /// Its name.
    Function(&'a [u8]),
}

impl Which<'_> {
    /// What errors of Redis call it.
    fn shown(self) -> String {
        match self {
            Which::Script(digest) => cache::spelled(digest),
            Which::Function(name) => String::from_utf8_lossy(name).into_owned(),
        }
    }
}

/// Runs a script or a function, and writes what it returns.
pub(super) fn run(
    interpreter: &Interpreter,
    ctx: &mut Ctx<'_>,
    script: Kept,
    given: Given<'_>,
    flags: ScriptFlags,
    which: Which<'_>,
) -> Result<(), Error> {
    let kind = if given.is_function { ScriptKind::Function } else { ScriptKind::Eval };
    let (db, suspended) = (ctx.client().db, ctx.timer.suspend());
    interpreter.follow(ctx.world.seed);
    ctx.world.store.shared.effects.hold();
    let written = ctx.run_script(kind, |ctx| {
        let run = Run { flags, ..Run::default() };
        let name = if let Which::Function(name) = which { name } else { b"" };
        let mut running = Running { ctx, args: given.args, name, run };
        let returned = host::lend(&mut running, || interpreter.run(script, given));
        let names_script = running.ctx.world.config.persona.scripts_are_of_redis();
        let failed = |failure: Failure| match names_script {
            true => failure.reply_of(&format!("{}, ", which.shown())),
            false => failure.reply(),
        };
        returned.map_err(failed).and_then(|value| write(running, &value))
    });
    ctx.world.store.shared.effects.release();
    ctx.timer.resume(suspended, &mut ctx.world.stats);
    ctx.client_mut().db = db;
    let errors = written?;
    errors.iter().for_each(|error| ctx.world.stats.count_error(error));
    // A reply with an error somewhere in it counts as one.
    ctx.world.stats.command(ctx.row.id).failed += u64::from(!errors.is_empty());
    Ok(())
}

/// Writes what a script has returned, and returns the errors in it that have not been counted. The script is not over
/// yet: a table may be long in writing.
fn write(mut running: Running<'_, '_>, value: &Value) -> Result<Vec<Error>, Error> {
    if let Some(error) = error_of(value) {
        return Err(error);
    }
    let protocol = running.run.protocol;
    if !value.is_table() {
        return to_reply::write(running.ctx.reply, value, protocol);
    }
    // Others may be served by the command while its own reply is written.
    let empty = Reply::new(Vec::new(), protocol);
    let mut reply = std::mem::replace(running.ctx.reply, empty);
    let written = host::lend(&mut running, || to_reply::write(&mut reply, value, protocol));
    *running.ctx.reply = reply;
    written
}

/// The error that a script has returned as its reply.
fn error_of(value: &Value) -> Option<Error> {
    let table = value.as_table()?;
    let Ok(Value::String(_)) = table.raw_get("err") else {
        return None;
    };
    Some(Failure::of(value).reply())
}
