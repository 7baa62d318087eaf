//! A Lua state with the sandbox in it: compiles scripts, and runs them one at a time.
//!
//! `sandbox.lua` has what scripts find. Functions of ours live as long as the state; the command on whose behalf they are
//! called they find in [`super::host`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mlua::chunk::ChunkMode;
use mlua::{BString, Function, Lua, LuaOptions, StdLib, Table, Value, Variadic};

use super::failure::{self, Failure};
use super::{api, goes_on, host, libraries, memory, random};
use crate::error::{self, Error};
use crate::wire::Args;

/// More arguments than this are handed over in tables: Lua's stack has room for few thousand values.
const MOST_ON_STACK: usize = 200;

/// A Lua state with the sandbox in it.
pub(super) struct Interpreter {
    lua: Lua,
    run: Function,
    /// The globals behind the front that scripts see.
    globals: Table,
}

/// What a script is given.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// Those of EVAL or FCALL: the keys begin with the fourth.
    pub(super) args: Args<'a>,
    pub(super) numkeys: usize,
    /// A function takes them as two arguments. A script finds them in KEYS and ARGV.
    pub(super) is_function: bool,
}

/// The first argument of EVAL and its kin that is given to the script.
pub(super) const FIRST_GIVEN: usize = 3;

impl Interpreter {
    /// A fresh state.
    pub(super) fn new() -> mlua::Result<Interpreter> {
        let libraries = StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let state = Arc::new(AtomicU64::new(random::UNSEEDED));
        let seeded = state.clone();
        let random = lua.create_function(move |lua, range: Variadic<Value>| {
            random::random(lua, &range, &state)
        })?;
        let randomseed = lua.create_function(move |lua, seed: Variadic<Value>| {
            seeded.store(random::seed(lua, &seed)?, Ordering::Relaxed);
            Ok(())
        })?;
        let reason = lua.create_function(|lua, caught: Value| {
            goes_on::is_over()?;
            failure::reason(lua, caught)
        })?;
        let fail = lua.create_function(host::keep_failure)?;
        let limit = lua.create_function(|lua, ()| {
            memory::limit(lua);
            Ok(())
        })?;
        let (run, share, environment, globals): (Function, Function, Table, Table) = lua
            .load(include_str!("sandbox.lua"))
            .set_name("=sandbox")
            .call((reason, fail, limit, random, randomseed))?;
        for (name, library) in libraries::all(&lua)? {
            share.call::<()>((name, library))?;
        }
        share.call::<()>(("server", api::table(&lua)?))?;
        globals.raw_set("redis", globals.raw_get::<Value>("server")?)?;
        lua.set_globals(environment)?;
        goes_on::watch(&lua)?;
        Ok(Interpreter { lua, run, globals })
    }

    /// The bytes that the state takes.
    pub(super) fn memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Compiles a script. `name` is what errors call it.
    pub(super) fn compile(&self, name: &str, code: &[u8]) -> Result<Function, Error> {
        let chunk = self.lua.load(code).set_name(format!("@{name}")).set_mode(ChunkMode::Text);
        chunk.into_function().map_err(|error| {
            let reason = match &error {
                mlua::Error::SyntaxError { message, .. } => message.clone(),
                other => other.to_string(),
            };
            error::does_not_compile(&reason)
        })
    }

    /// Runs a script to its end. What it returned is the first value.
    pub(super) fn run(&self, script: &Function, given: Given<'_>) -> Result<Value, Failure> {
        let ran = self.call(script, given);
        memory::lift(&self.lua);
        if memory::is_much(&self.lua) {
            self.globals.raw_set("KEYS", Value::Nil).ok();
            self.globals.raw_set("ARGV", Value::Nil).ok();
            self.lua.gc_collect().ok();
        }
        match ran {
            Ok((true, returned)) => Ok(returned),
            Ok((false, raised)) => {
                Err(host::kept_failure().unwrap_or_else(|| Failure::of(&raised)))
            }
            Err(error) => Err(Failure::of(&Value::Error(Box::new(error)))),
        }
    }

    fn call(&self, script: &Function, given: Given<'_>) -> mlua::Result<(bool, Value)> {
        let Given { args, numkeys, is_function } = given;
        let (lua, all) = (&self.lua, args.from(FIRST_GIVEN));
        if all.len() == 0 {
            memory::limit(lua);
            return self.run.call((script, is_function));
        }
        if all.len() <= MOST_ON_STACK {
            let all: Variadic<BString> = all.map(BString::from).collect();
            return self.run.call((script, is_function, numkeys, all));
        }
        let string = |text: &[u8]| lua.create_string(text);
        let keys = all.clone().take(numkeys).map(string).collect::<mlua::Result<Vec<_>>>()?;
        let argv = all.skip(numkeys).map(string).collect::<mlua::Result<Vec<_>>>()?;
        let keys = lua.create_sequence_from(keys)?;
        let argv = lua.create_sequence_from(argv)?;
        self.run.call((script, is_function, -1, keys, argv))
    }
}
