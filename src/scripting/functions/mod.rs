//! Functions: scripts that the server keeps, in libraries, and that are called by name.
//!
//! * `commands`: FUNCTION, FCALL and FCALL_RO;
//! * `registry`: all libraries; `library`: one, and the line that names it; `loading`: how its code registers functions;
//! * `dump`: the payload of FUNCTION DUMP, in the encoding that [`rdb`](crate::rdb) has.
//!
//! They have a Lua state of their own, which lives as long as there are libraries: what the functions of a library
//! share, they share from call to call.

mod commands;
mod dump;
mod library;
mod loading;
mod registry;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::home::Home;
use super::interpreter::Interpreter;
use super::made;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
pub(super) use commands::TABLE;
use library::Library;
use registry::Registry;

/// All functions. A server that never had one has none of it.
#[derive(Default)]
struct Functions {
    home: Home,
    registry: Registry,
}

/// Functions while a command uses them.
struct AtHand<'a> {
    interpreter: Option<Interpreter>,
    registry: &'a mut Registry,
}

impl Functions {
    /// Does something with the functions, which are not in the world meanwhile.
    fn with<T>(ctx: &mut Ctx<'_>, work: impl FnOnce(&mut AtHand<'_>, &mut Ctx<'_>) -> T) -> T {
        let mut functions = ctx.world.lend::<Functions>().unwrap_or_default();
        let Functions { home, registry } = &mut *functions;
        let mut at_hand = AtHand { interpreter: home.take(), registry };
        let done = catch_unwind(AssertUnwindSafe(|| {
            at_hand.settle();
            work(&mut at_hand, ctx)
        }));
        let AtHand { interpreter, registry } = at_hand;
        // A state goes with its last library.
        let interpreter = interpreter.filter(|_| registry.libraries().len() > 0);
        let stats = &mut ctx.world.stats.scripts;
        stats.libraries = registry.libraries().len();
        stats.functions = registry.functions();
        stats.functions_memory = registry.memory();
        stats.functions_lua_memory = interpreter.as_ref().map_or(0, Interpreter::memory);
        if let Some(interpreter) = interpreter {
            home.keep(interpreter);
        }
        ctx.world.take_back(functions);
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl AtHand<'_> {
    /// Loads all libraries anew if their state was left on another thread. One that fails is not there any more.
    fn settle(&mut self) {
        if self.interpreter.is_some() || self.registry.libraries().len() == 0 {
            return;
        }
        let libraries = std::mem::take(self.registry);
        let Ok((interpreter, registry)) = self.parts() else { return };
        for Library { name, code, .. } in libraries.libraries() {
            if let Err(reason) = registry.load(interpreter, code, false) {
                log::error!("the library {} does not load: {reason}", name.escape_ascii());
            }
        }
    }

    /// The Lua state, made when it is needed first, and the libraries.
    fn parts(&mut self) -> Result<(&Interpreter, &mut Registry), Error> {
        if self.interpreter.is_none() {
            self.interpreter = Some(fresh()?);
        }
        let interpreter = self.interpreter.as_ref().ok_or(error::NO_LUA)?;
        Ok((interpreter, self.registry))
    }
}

/// A Lua state for functions.
fn fresh() -> Result<Interpreter, Error> {
    made(Interpreter::for_functions(loading::table))
}
