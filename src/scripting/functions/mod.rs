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
use crate::config::Persona;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::persistence::libraries::Libraries;
use crate::world::World;
pub(super) use commands::TABLE;
use library::Library;
use registry::Registry;

/// What files have of functions.
pub(crate) const LIBRARIES: Libraries = Libraries { codes, load };

/// The code of each library.
fn codes(world: &World) -> Vec<Vec<u8>> {
    let functions = world.feature::<Functions>();
    let libraries = functions.into_iter().flat_map(|functions| functions.registry.libraries());
    libraries.map(|library| library.code.to_vec()).collect()
}

/// Puts the libraries of a file in the place of all, or beside those that are there.
fn load(world: &mut World, codes: &[Vec<u8>], is_beside: bool) -> Result<(), Error> {
    Functions::with_in(
        world,
        |world| world,
        |functions, _| {
            if is_beside {
                let (interpreter, registry) = functions.parts()?;
                let restored = loaded(interpreter, codes)?;
                return registry.join(interpreter, restored, true);
            }
            if codes.is_empty() {
                // A state goes with its last library.
                functions.interpreter = None;
                *functions.registry = Registry::default();
                return Ok(());
            }
            let interpreter = functions.fresh()?;
            let restored = loaded(&interpreter, codes)?;
            functions.interpreter = Some(interpreter);
            *functions.registry = restored;
            Ok(())
        },
    )
}

/// All of these libraries, or none.
fn loaded(interpreter: &Interpreter, codes: &[Vec<u8>]) -> Result<Registry, Error> {
    let mut registry = Registry::default();
    for code in codes {
        if let Err(failed) = registry.load(interpreter, code, false) {
            registry.forget(interpreter);
            return Err(failed);
        }
    }
    Ok(registry)
}

/// All functions. A server that never had one has none of it.
#[derive(Default)]
struct Functions {
    home: Home,
    registry: Registry,
}

/// Functions while a command uses them.
struct AtHand<'a> {
    persona: &'static Persona,
    interpreter: Option<Interpreter>,
    registry: &'a mut Registry,
}

impl Functions {
    /// Does something with the functions, which are not in the world meanwhile.
    fn with<T>(ctx: &mut Ctx<'_>, work: impl FnOnce(&mut AtHand<'_>, &mut Ctx<'_>) -> T) -> T {
        Functions::with_in(ctx, |ctx| &mut *ctx.world, work)
    }

    /// As [`Functions::with`], with what has the world.
    fn with_in<C, T>(
        ctx: &mut C,
        world: impl Fn(&mut C) -> &mut World,
        work: impl FnOnce(&mut AtHand<'_>, &mut C) -> T,
    ) -> T {
        let mut functions = world(ctx).lend::<Functions>().unwrap_or_default();
        let Functions { home, registry } = &mut *functions;
        let persona = world(ctx).config.persona;
        let mut at_hand = AtHand { persona, interpreter: home.take(), registry };
        let done = catch_unwind(AssertUnwindSafe(|| {
            at_hand.settle();
            work(&mut at_hand, ctx)
        }));
        let AtHand { interpreter, registry, .. } = at_hand;
        // A state goes with its last library.
        let interpreter = interpreter.filter(|_| registry.libraries().len() > 0);
        let stats = &mut world(ctx).stats.scripts;
        stats.libraries = registry.libraries().len();
        stats.functions = registry.functions();
        stats.functions_memory = registry.memory();
        stats.functions_lua_memory = interpreter.as_ref().map_or(0, Interpreter::memory);
        if let Some(interpreter) = interpreter {
            home.keep(interpreter);
        }
        world(ctx).take_back(functions);
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
            self.interpreter = Some(self.fresh()?);
        }
        let interpreter = self.interpreter.as_ref().ok_or(error::NO_LUA)?;
        Ok((interpreter, self.registry))
    }

    /// A Lua state for functions.
    fn fresh(&self) -> Result<Interpreter, Error> {
        made(Interpreter::for_functions(self.persona, loading::table))
    }
}
