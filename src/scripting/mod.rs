//! Scripts and functions: Lua 5.1 on top of Invoke.
//!
//! A script is one command among others. What it calls are [invocations](crate::dispatch::invoke) in
//! [`Frame::Script`](crate::dispatch::Frame::Script), so that every gate stands in its way that stands in its
//! caller's, and its effects are one transaction.
//!
//! * `eval`: the commands on scripts;
//! * `functions`: libraries of functions, and the commands on them;
//! * `cache`: compiled scripts, `shebang`: what their first line says;
//! * `run`: one run; `host`: the command that is running, for the functions that its script calls;
//! * `interpreter`: a Lua state, with `sandbox.lua` in it: what scripts find; `random`: its random numbers;
//! * `memory`: how much a Lua state may take;
//! * `api`: the table `server`; `libraries`: cjson, cmsgpack, bit and struct;
//! * `patterns`: `string.find` and its kin; `goes_on`: what a script that runs long meets; `reach`: what the sandbox needs
//!   so that it meets it;
//! * `from_reply`, `to_reply`: between replies and values;
//! * `raise`: errors that a function of ours raises; `failure`: those that nothing catches.

mod api;
mod cache;
mod eval;
mod failure;
mod from_reply;
mod functions;
mod goes_on;
mod host;
mod interpreter;
mod libraries;
mod memory;
mod patterns;
mod raise;
mod random;
mod reach;
mod run;
mod shebang;
mod to_reply;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::dispatch::Ctx;
use crate::dispatch::table::Group;
use crate::error::{self, Error};
use cache::Cache;
use interpreter::Interpreter;

/// The tables, with the group that COMMAND DOCS gives their rows.
pub(crate) const GROUPS: &[Group] = &[("scripting", eval::TABLE), ("scripting", functions::TABLE)];

/// What scripts have here. A server that never saw one has none of it.
#[derive(Default)]
struct Scripts {
    interpreter: Option<Interpreter>,
    cache: Cache,
}

impl Scripts {
    /// Does something with the scripts, which are not in the world meanwhile.
    fn with<T>(ctx: &mut Ctx<'_>, work: impl FnOnce(&mut Scripts, &mut Ctx<'_>) -> T) -> T {
        let mut scripts = ctx.world.lend::<Scripts>().unwrap_or_default();
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut scripts, ctx)));
        let stats = &mut ctx.world.stats.scripts;
        stats.cached = scripts.cache.len();
        stats.code_memory = scripts.cache.memory();
        stats.lua_memory = scripts.interpreter.as_ref().map_or(0, Interpreter::memory);
        ctx.world.take_back(scripts);
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// The Lua state, made when it is needed first.
    fn lua(&mut self) -> Result<&Interpreter, Error> {
        if self.interpreter.is_none() {
            let interpreter = Interpreter::for_scripts().map_err(|reason| {
                log::error!("Lua does not start: {reason}");
                error::NO_LUA
            })?;
            self.interpreter = Some(interpreter);
        }
        self.interpreter.as_ref().ok_or(error::NO_LUA)
    }
}
