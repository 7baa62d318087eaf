//! Scripts that run long: when the server is busy, who is served meanwhile, and how a script is ended.
//!
//! A handler that runs a script does so in [`Ctx::run_script`], and while the script goes on (every hundred thousand
//! instructions of its machine) calls [`Ctx::script_goes_on`]. When `busy-reply-threshold` is over, the
//! server is busy: from then on each of these calls serves the other clients once, by the engine's [`Driver`]. Of
//! their commands those with [`ALLOW_BUSY`](super::spec::flag::ALLOW_BUSY) run, and all others are refused at a
//! gate. When one of them ends the script, the call is an error, with which the script is to end.
//!
//! ```
//! use respd::dispatch::Ctx;
//! use respd::error::Error;
//! use respd::wire::Args;
//! use respd::world::ScriptKind;
//!
//! /// What EVAL looks like from here: `step` runs some instructions, and says when the script is over.
//! fn eval(ctx: &mut Ctx<'_>, args: Args<'_>, mut step: impl FnMut() -> bool) -> Result<(), Error> {
//!     ctx.run_script(ScriptKind::Eval, |ctx| {
//!         while !step() {
//!             ctx.script_goes_on(args)?;
//!         }
//!         ctx.reply.ok();
//!         Ok(())
//!     })
//! }
//! ```
//!
//! For the script and for what expires time stands still. A script that catches the error is told it again at the
//! next call.
//!
//! [`Driver`]: super::Driver

use super::ctx::Ctx;
use crate::error::{self, Error};
use crate::telemetry::peer_log::Cause;
use crate::wire::Args;
use crate::world::{RunningScript, ScriptKind};

/// What FUNCTION STATS shows of a function that runs.
#[derive(Clone, Copy)]
pub struct RunningFunction<'a> {
    /// FCALL, the function's name, and the rest of the command.
    pub command: Args<'a>,
    pub millis: u64,
}

impl Ctx<'_> {
    /// Runs a script: while `run` does, it is the one that [`Ctx::script_goes_on`] speaks of.
    pub fn run_script<T>(&mut self, kind: ScriptKind, run: impl FnOnce(&mut Self) -> T) -> T {
        self.world.begin_script(RunningScript::new(self.slot, kind, self.timer.started()));
        let result = run(self);
        self.world.end_script();
        result
    }

    /// The script at hand goes on. Serves the other clients if it has run for long. An error says that it is to
    /// end, and why. `args` is the command that runs it.
    pub fn script_goes_on(&mut self, args: Args<'_>) -> Result<(), Error> {
        let threshold = self.world.config.busy_reply_threshold;
        let (slot, nanos) = (self.slot, self.timer.now());
        let Some(running) = self.world.running.as_mut().filter(|running| running.slot() == slot)
        else {
            return Ok(());
        };
        let millis = running.millis(nanos);
        if threshold > 0 && (running.is_busy() || millis >= threshold) {
            if !running.is_busy() {
                running.is_busy_with(args);
                let (id, now) = (self.client().id, self.now().mono);
                let line = format_args!(
                    "a script of client {id} has run for {millis} ms: others are told BUSY"
                );
                self.world.peer_log.log(Cause::SlowScript, now, line);
            }
            self.serve_others();
        }
        self.world.may_script_go_on()
    }

    /// Gives the other clients their turn. They have a timer of their own, so that the time of the script's command
    /// is not theirs.
    fn serve_others(&mut self) {
        let now = self.world.now;
        let mut timer = self.timer.beside();
        self.driver.serve_meanwhile(self.world, self.table, &mut timer, self.slot);
        self.world.now = now;
    }

    /// The function that runs, if one does, for FUNCTION STATS. While it is a script of EVAL that runs, that is an
    /// error, as in Valkey 9.1.
    pub fn running_function(&self) -> Result<Option<RunningFunction<'_>>, Error> {
        let Some(running) = &self.world.running else {
            return Ok(None);
        };
        if running.kind() == ScriptKind::Eval {
            return Err(error::busy(self.world.config.persona.title, running.kind().killer()));
        }
        let millis = running.millis(self.timer.now());
        Ok(running.command().map(|command| RunningFunction { command, millis }))
    }
}
