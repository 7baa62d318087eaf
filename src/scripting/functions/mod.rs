//! Functions: scripts that the server keeps, in libraries, and that are called by name.
//!
//! * `commands`: FUNCTION, FCALL and FCALL_RO;
//! * `registry`: all libraries; `library`: one, and the line that names it; `loading`: how its code registers functions;
//! * `dump`: the payload of FUNCTION DUMP, made of `rdb`, lengths and strings, `lzf` and `crc64`.
//!
//! They have a Lua state of their own, which lives as long as there are libraries: what the functions of a library
//! share, they share from call to call.

mod commands;
mod crc64;
mod dump;
mod library;
mod loading;
mod lzf;
mod rdb;
mod registry;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::interpreter::Interpreter;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
pub(super) use commands::TABLE;
use registry::Registry;

/// All functions. A server that never had one has none of it.
#[derive(Default)]
struct Functions {
    interpreter: Option<Interpreter>,
    registry: Registry,
}

impl Functions {
    /// Does something with the functions, which are not in the world meanwhile.
    fn with<T>(ctx: &mut Ctx<'_>, work: impl FnOnce(&mut Functions, &mut Ctx<'_>) -> T) -> T {
        let mut functions = ctx.world.lend::<Functions>().unwrap_or_default();
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut functions, ctx)));
        if functions.registry.libraries().len() == 0 {
            *functions = Functions::default();
        }
        let stats = &mut ctx.world.stats.scripts;
        stats.libraries = functions.registry.libraries().len();
        stats.functions = functions.registry.functions();
        stats.functions_memory = functions.registry.memory();
        stats.functions_lua_memory = functions.interpreter.as_ref().map_or(0, Interpreter::memory);
        ctx.world.take_back(functions);
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// The Lua state, made when it is needed first, and the libraries.
    fn parts(&mut self) -> Result<(&Interpreter, &mut Registry), Error> {
        if self.interpreter.is_none() {
            self.interpreter = Some(fresh()?);
        }
        let interpreter = self.interpreter.as_ref().ok_or(error::NO_LUA)?;
        Ok((interpreter, &mut self.registry))
    }
}

/// A Lua state for functions.
fn fresh() -> Result<Interpreter, Error> {
    Interpreter::for_functions(loading::table).map_err(|reason| {
        log::error!("Lua does not start: {reason}");
        error::NO_LUA
    })
}
