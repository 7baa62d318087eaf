//! A Lua state with the sandbox in it: compiles scripts, and runs them one at a time.
//!
//! `sandbox.lua` has what scripts find. Functions of ours live as long as the state; the command on whose behalf they are
//! called they find in [`super::host`].
//!
//! What is compiled stays in a table of Lua's and has a number here: mlua's own references are less than 8000.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value, Variadic};

use super::failure::{self, Failure};
use super::{api, goes_on, host, libraries, memory, patterns, random, reach, texts};
use crate::config::Persona;
use crate::wire::Args;
use crate::world::Seed;

/// More arguments than this are handed over in tables: Lua's stack has room for few thousand values.
const MOST_ON_STACK: usize = 200;

/// Longer code may hold a string that is long enough to matter: see [`goes_on`].
const LONG_CODE: usize = 256 << 10;

/// So may a library that takes more bytes than this once it is loaded.
const LARGE_LIBRARY: usize = 1 << 20;

/// A Lua state with the sandbox in it.
pub(super) struct Interpreter {
    lua: Lua,
    run: Function,
    /// Runs the code of a library; nothing for a state that runs scripts.
    load: Option<Function>,
    /// The state of its random numbers.
    random: Arc<AtomicU64>,
    /// How often the world's seed had been set when they began.
    seeded: Cell<u64>,
    /// Ends the watch on the garbage collector.
    disarm: Function,
    /// The globals behind the front that scripts see.
    globals: Table,
    /// What is compiled, by its number.
    kept: Table,
    last: Cell<i64>,
    /// What it took when it was last cleaned up.
    lasting: Cell<usize>,
    /// What it takes between two scripts at most, without what these have left behind.
    resting: Cell<usize>,
    /// Scripts or libraries that are kept may hold long strings.
    holds_much: Cell<bool>,
}

/// A script or function that an [`Interpreter`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept(i64);

/// Makes the table `server`.
type MakeTable = fn(&Lua) -> mlua::Result<Table>;

/// What `sandbox.lua` returns.
type Sandbox = (Function, Function, Function, Function, Table, Table, Table);

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
    /// A fresh state for scripts.
    pub(super) fn for_scripts(persona: &'static Persona) -> mlua::Result<Interpreter> {
        Interpreter::new(persona, api::table, None)
    }

    /// A fresh state for functions, whose code finds what `at_load` has in the table `server` while it is loaded.
    pub(super) fn for_functions(
        persona: &'static Persona,
        at_load: MakeTable,
    ) -> mlua::Result<Interpreter> {
        Interpreter::new(persona, api::table_for_functions, Some(at_load))
    }

    fn new(
        persona: &'static Persona,
        server: MakeTable,
        at_load: Option<MakeTable>,
    ) -> mlua::Result<Interpreter> {
        let libraries = StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        lua.set_app_data(persona);
        let numbers = Arc::new(AtomicU64::new(random::UNSEEDED));
        let (state, seeded) = (numbers.clone(), numbers.clone());
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
            goes_on::watch_by_memory(lua)
        })?;
        let sandbox: Sandbox =
            lua.load(include_str!("sandbox.lua")).set_name("=sandbox").call((
                reason,
                fail,
                limit,
                random,
                randomseed,
                patterns::all(&lua)?,
                reach::functions(&lua)?,
            ))?;
        let (run, share, loader, disarm, environment, globals, kept) = sandbox;
        memory::collect_briskly(&lua);
        for (name, library) in libraries::all(&lua)? {
            share.call::<()>((name, library))?;
        }
        share.call::<()>(("server", server(&lua)?))?;
        globals.raw_set("redis", globals.raw_get::<Value>("server")?)?;
        if persona.is_redis() {
            globals.raw_remove("server")?;
        }
        lua.set_globals(environment)?;
        goes_on::watch(&lua)?;
        let load = at_load.map(|contents| loader.call::<Function>(contents(&lua)?)).transpose()?;
        let (last, lasting) = (Cell::new(0), Cell::new(lua.used_memory()));
        let (resting, holds_much) = (lasting.clone(), Cell::new(false));
        Ok(Interpreter {
            lua,
            run,
            load,
            random: numbers,
            seeded: Cell::new(0),
            disarm,
            globals,
            kept,
            last,
            lasting,
            resting,
            holds_much,
        })
    }

    /// Begins the random numbers anew if the world's seed has been set since.
    pub(super) fn follow(&self, seed: Seed) {
        if self.seeded.replace(seed.times) != seed.times {
            let state = seed.number.map_or(random::UNSEEDED, random::seeded);
            self.random.store(state, Ordering::Relaxed);
        }
    }

    /// The bytes that the state takes.
    pub(super) fn memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Compiles a script and keeps it. `name` is what errors call it. An error is the compiler's reason.
    pub(super) fn compile(&self, name: &str, code: &[u8]) -> Result<Kept, String> {
        let before = self.memory();
        memory::limit(&self.lua);
        let kept = self.chunk(name, code).and_then(|function| self.keep(function));
        memory::lift(&self.lua);
        self.has_come(before, code.len() > LONG_CODE);
        kept.map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            mlua::Error::MemoryError(_) => memory::NOT_ENOUGH.to_owned(),
            other => other.to_string(),
        })
    }

    fn chunk(&self, name: &str, code: &[u8]) -> mlua::Result<Function> {
        if let Some(fault) = reach::fault_of_code(code) {
            let message = format!("{name}: {fault}");
            return Err(mlua::Error::SyntaxError { message, incomplete_input: false });
        }
        let chunk = self.lua.load(code).set_name(format!("@{name}"));
        chunk.set_mode(ChunkMode::Text).into_function()
    }

    /// Keeps a function.
    pub(super) fn keep(&self, function: Function) -> mlua::Result<Kept> {
        let number = self.last.get() + 1;
        self.kept.raw_set(number, function)?;
        self.last.set(number);
        Ok(Kept(number))
    }

    /// Keeps a script or function no longer.
    pub(super) fn forget(&self, Kept(number): Kept) {
        // Setting a field to nil takes no memory, so that it does not fail.
        self.kept.raw_set(number, Value::Nil).ok();
    }

    /// Runs a script to its end. What it returned is the first value.
    pub(super) fn run(&self, script: Kept, given: Given<'_>) -> Result<Value, Failure> {
        self.ended(self.call(script, given))
    }

    /// Runs the code of a library, which registers its functions with the host.
    pub(super) fn load(&self, library: Kept) -> Result<(), Failure> {
        let before = self.memory();
        let ran = self.load_watched(library);
        // Hooks are set without taking memory.
        goes_on::watch(&self.lua).ok();
        self.has_come(before, self.memory() > before + LARGE_LIBRARY);
        self.ended(ran).map(drop)
    }

    fn load_watched(&self, library: Kept) -> mlua::Result<(bool, Value)> {
        let code = self.kept.raw_get::<Value>(library.0)?;
        let load = self.load.as_ref();
        let load = load.ok_or_else(|| mlua::Error::runtime("this state runs scripts"))?;
        goes_on::watch_closely(&self.lua)?;
        memory::limit_at_load(&self.lua);
        load.call(code)
    }

    /// What a script has come to that has just run.
    fn ended(&self, ran: mlua::Result<(bool, Value)>) -> Result<Value, Failure> {
        memory::lift(&self.lua);
        goes_on::end(&self.lua);
        if memory::is_much(&self.lua, self.lasting.get()) {
            self.clean_up();
        }
        match ran {
            Ok((true, returned)) => Ok(returned),
            Ok((false, raised)) => {
                Err(host::kept_failure().unwrap_or_else(|| Failure::of(&raised)))
            }
            Err(error) => Err(Failure::of(&Value::Error(Box::new(error)))),
        }
    }

    /// A script or a library is kept, before which the state took so many bytes.
    fn has_come(&self, before: usize, is_large: bool) {
        self.resting.set(self.resting.get() + self.memory().saturating_sub(before));
        self.holds_much.set(self.holds_much.get() || is_large);
    }

    fn clean_up(&self) {
        self.globals.raw_set("KEYS", Value::Nil).ok();
        self.globals.raw_set("ARGV", Value::Nil).ok();
        self.lua.gc_collect().ok();
        self.lasting.set(self.memory());
        self.resting.set(self.memory());
    }

    fn call(&self, Kept(script): Kept, given: Given<'_>) -> mlua::Result<(bool, Value)> {
        let Given { args, numkeys, is_function } = given;
        let (lua, all) = (&self.lua, args.from(FIRST_GIVEN));
        self.resting.set(self.resting.get().min(self.memory()));
        goes_on::begin(if self.holds_much.get() { 0 } else { self.resting.get() });
        if all.len() == 0 {
            memory::limit(lua);
            return self.run.call((script, is_function));
        }
        if all.len() <= MOST_ON_STACK {
            let all: Variadic<_> = all.map(texts::borrowed).collect();
            return self.run.call((script, is_function, numkeys, all));
        }
        let keys = lua.create_sequence_from(all.clone().take(numkeys).map(texts::borrowed))?;
        let argv = lua.create_sequence_from(all.skip(numkeys).map(texts::borrowed))?;
        self.run.call((script, is_function, -1, keys, argv))
    }
}

impl Drop for Interpreter {
    /// The state is closed next, which is no cycle of its garbage collector.
    fn drop(&mut self) {
        self.disarm.call::<()>(()).ok();
    }
}
