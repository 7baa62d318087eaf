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
//! * `memory`: how much a Lua state may take; `texts`: what becomes a string of Lua's;
//! * `api`: the table `server`; `libraries`: cjson, cmsgpack, bit and struct;
//! * `patterns`: `string.find` and its kin; `goes_on`: what a script that runs long meets; `reach`: what the sandbox needs
//!   so that it meets it;
//! * `from_reply`, `to_reply`: between replies and values;
//! * `raise`: errors that a function of ours raises; `failure`: those that nothing catches.
//!
//! The book: chapter 12, Scripts and effects (`book/src/12-scripts-and-effects.md`).

mod api;
mod cache;
mod eval;
mod failure;
mod from_reply;
mod functions;
mod goes_on;
mod home;
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
mod texts;
mod to_reply;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::config::Persona;
use crate::dispatch::Ctx;
use crate::dispatch::table::Group;
use crate::error::{self, Error};
use cache::Cache;
pub(crate) use functions::LIBRARIES;
use home::Home;
use interpreter::Interpreter;

/// The tables, with the group that COMMAND DOCS gives their rows.
pub(crate) const GROUPS: &[Group] = &[("scripting", eval::TABLE), ("scripting", functions::TABLE)];

/// What scripts have here. A server that never saw one has none of it.
#[derive(Default)]
struct Scripts {
    home: Home,
    cache: Cache,
}

/// Scripts while a command uses them.
struct AtHand<'a> {
    persona: &'static Persona,
    interpreter: Option<Interpreter>,
    cache: &'a mut Cache,
}

impl Scripts {
    /// Does something with the scripts, which are not in the world meanwhile.
    fn with<T>(ctx: &mut Ctx<'_>, work: impl FnOnce(&mut AtHand<'_>, &mut Ctx<'_>) -> T) -> T {
        let mut scripts = ctx.world.lend::<Scripts>().unwrap_or_default();
        let Scripts { home, cache } = &mut *scripts;
        let persona = ctx.world.config.persona;
        let mut at_hand = AtHand { persona, interpreter: home.take(), cache };
        let done = catch_unwind(AssertUnwindSafe(|| {
            at_hand.settle();
            work(&mut at_hand, ctx)
        }));
        let AtHand { interpreter, cache, .. } = at_hand;
        let stats = &mut ctx.world.stats.scripts;
        stats.cached = cache.len();
        stats.code_memory = cache.memory();
        stats.lua_memory = interpreter.as_ref().map_or(0, Interpreter::memory);
        if let Some(interpreter) = interpreter {
            home.keep(interpreter);
        }
        ctx.world.take_back(scripts);
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl AtHand<'_> {
    /// Compiles all scripts anew if their state was left on another thread. One that fails is not there any more.
    fn settle(&mut self) {
        if self.interpreter.is_none() && self.cache.len() > 0 && self.lua().is_ok() {
            let AtHand { interpreter, cache, .. } = self;
            cache.compile_all(|code| eval::chunk(interpreter.as_ref()?, code).ok());
        }
    }

    /// The Lua state, made when it is needed first.
    fn lua(&mut self) -> Result<&Interpreter, Error> {
        if self.interpreter.is_none() {
            self.interpreter = Some(made(Interpreter::for_scripts(self.persona))?);
        }
        self.interpreter.as_ref().ok_or(error::NO_LUA)
    }

    /// Forgets all scripts, and their state.
    fn clear(&mut self) {
        self.interpreter = None;
        *self.cache = Cache::default();
    }
}

/// A Lua state that was to be made.
fn made(interpreter: mlua::Result<Interpreter>) -> Result<Interpreter, Error> {
    interpreter.map_err(|reason| {
        log::error!("Lua does not start: {reason}");
        error::NO_LUA
    })
}
