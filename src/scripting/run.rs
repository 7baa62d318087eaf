//! One run of a script or a function: what is asked before it, what surrounds it, and its reply.

use mlua::{Function, Value};

use super::failure::Failure;
use super::host::{self, Run, Running};
use super::interpreter::{Given, Interpreter};
use super::shebang::Flags;
use super::to_reply;
use crate::dispatch::{Ctx, ScriptFlags, telemetry};
use crate::error::{self, Error};

/// The flags that a script's commands are held to. One with a shebang line says beforehand what it does, and is refused
/// beforehand: if it may write where it must not, or may take memory where there is none.
pub(super) fn flags(
    ctx: &mut Ctx<'_>,
    said: Option<Flags>,
    is_read_only: bool,
) -> Result<ScriptFlags, Error> {
    let Some(Flags { no_writes, allow_oom }) = said else {
        return Ok(ScriptFlags { no_writes: is_read_only, allow_oom: false });
    };
    if is_read_only && !no_writes {
        return Err(error::WRITING_SCRIPT_READ_ONLY);
    }
    if !allow_oom && !no_writes && ctx.world.config.maxmemory > 0 && ctx.world.is_full() {
        return Err(error::SCRIPT_OOM);
    }
    Ok(ScriptFlags { no_writes, allow_oom })
}

/// Runs a script or a function, and writes what it returns. `name` is the function's, or empty.
pub(super) fn run(
    interpreter: &Interpreter,
    ctx: &mut Ctx<'_>,
    script: &Function,
    given: Given<'_>,
    flags: ScriptFlags,
    name: &str,
) -> Result<(), Error> {
    // MONITOR shows a script before the commands that it calls.
    telemetry::show_to_monitors(ctx.world, ctx.row, ctx.frame, ctx.slot, given.args);
    let db = ctx.client().db;
    let suspended = ctx.timer.suspend();
    ctx.world.store.shared.effects.hold();
    let mut running = Running { ctx, run: Run { flags, ..Run::default() } };
    let returned = host::lend(&mut running, || interpreter.run(script, given));
    let protocol = running.run.protocol;
    ctx.world.store.shared.effects.release();
    ctx.timer.resume(suspended, &mut ctx.world.stats);
    ctx.client_mut().db = db;
    let value = returned.map_err(|failure| failure.reply(name))?;
    if let Some(error) = error_of(&value) {
        return Err(error);
    }
    to_reply::write(ctx.reply, &value, protocol);
    Ok(())
}

/// The error that a script has returned as its reply.
fn error_of(value: &Value) -> Option<Error> {
    let table = value.as_table()?;
    let Ok(Value::String(_)) = table.raw_get("err") else {
        return None;
    };
    Some(Failure::of(value).reply(""))
}
