//! A library that is being loaded: its code runs and registers functions.
//!
//! ```lua
//! server.register_function('name', function(keys, args) … end)
//! server.register_function{
//!   function_name = 'name', callback = function(keys, args) … end,
//!   description = '…', flags = { 'no-writes' },
//! }
//! ```
//!
//! Only errors in the arguments are raised. What is wrong with names is said when the code has run to its end.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use mlua::{Lua, MultiValue, Table, Value};

use super::super::host::{self, Host, Run};
use super::super::interpreter::{Interpreter, Kept};
use super::super::{api, memory, raise};
use super::library::{self, Flags, Function};
use crate::dispatch::Outcome;
use crate::error::{self, Error};
use crate::wire::Args;

/// What errors call the code of libraries.
const CHUNK: &str = "user_function";

/// The code of a library may run for so long, as in the reference. It has nothing to do but to register functions.
const LONGEST: Duration = Duration::from_millis(500);

/// Names and descriptions of a library's functions may take so many bytes: Lua's own limit does not count them.
const MOST_BYTES: usize = 64 << 20;

/// The table `server` while a library is loaded.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let server = api::table_at_load(lua)?;
    let register = lua.create_function(|lua, args: MultiValue| {
        let registered = host::with(|host| host.register(lua, &args));
        registered.unwrap_or_else(|| Err(raise::reply(error::NOT_LOADING.as_bytes())))
    })?;
    server.raw_set("register_function", register)?;
    Ok(server)
}

/// Runs the code of a library and returns the functions that it has registered, which `interpreter` keeps.
pub(super) fn run(interpreter: &Interpreter, code: &[u8]) -> Result<Vec<Function>, Error> {
    let compiled = interpreter.compile(CHUNK, code);
    let compiled = compiled.map_err(|reason| error::library_does_not_compile(&reason))?;
    let registered = run_compiled(interpreter, compiled);
    interpreter.forget(compiled);
    registered
}

fn run_compiled(interpreter: &Interpreter, code: Kept) -> Result<Vec<Function>, Error> {
    let until = Instant::now() + LONGEST;
    let mut loading = Loading {
        interpreter,
        until,
        run: Run::default(),
        functions: Vec::new(),
        names: HashSet::new(),
        bytes: 0,
        refused: None,
    };
    let ran = host::lend(&mut loading, || interpreter.load(code));
    let Loading { functions, refused, .. } = loading;
    let result = match (ran, refused) {
        (Err(failure), _) => Err(error::library_does_not_load(failure.text())),
        (Ok(()), Some(refused)) => Err(refused),
        (Ok(()), None) if functions.is_empty() => Err(error::NO_FUNCTIONS),
        (Ok(()), None) => return Ok(functions),
    };
    functions.iter().for_each(|function| interpreter.forget(function.callback));
    result
}

/// The command that loads a library, for the functions that its code calls.
struct Loading<'a> {
    interpreter: &'a Interpreter,
    run: Run,
    until: Instant,
    functions: Vec<Function>,
    /// Of all functions so far, in small letters.
    names: HashSet<Box<[u8]>>,
    bytes: usize,
    /// Why the library is no good, whatever its code does from now on.
    refused: Option<Error>,
}

impl Host for Loading<'_> {
    fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    /// The code has no function that would come here.
    fn invoke(&mut self) -> Outcome {
        self.run.reply.clear();
        Outcome::Refused
    }

    fn may_run(&mut self, _: Args<'_>) -> Option<bool> {
        None
    }

    fn goes_on(&mut self) -> Result<(), Error> {
        if Instant::now() > self.until { Err(error::LOAD_TIMEOUT) } else { Ok(()) }
    }

    fn register(&mut self, lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
        let declared = Declared::read(lua, args)?;
        self.bytes += declared.name.len() + declared.description.as_ref().map_or(0, Vec::len);
        if self.bytes > MOST_BYTES {
            return Err(raise::plain(memory::NOT_ENOUGH));
        }
        if self.refused.is_some() {
            return Ok(());
        }
        if !library::is_name(&declared.name) {
            self.refused = Some(error::BAD_FUNCTION_NAME);
        } else if !self.names.insert(declared.name.to_ascii_lowercase().into()) {
            self.refused = Some(error::FUNCTION_TWICE);
        } else {
            self.functions.push(Function {
                name: declared.name.into(),
                description: declared.description.map(Vec::into_boxed_slice),
                flags: declared.flags,
                callback: self.interpreter.keep(declared.callback)?,
            });
        }
        Ok(())
    }
}

/// What the arguments of `register_function` say.
struct Declared {
    name: Vec<u8>,
    callback: mlua::Function,
    flags: Flags,
    description: Option<Vec<u8>>,
}

impl Declared {
    fn read(lua: &Lua, args: &MultiValue) -> mlua::Result<Declared> {
        match (args.front(), args.get(1), args.len()) {
            (Some(Value::Table(named)), None, 1) => Declared::read_named(lua, named),
            (Some(_), None, 1) => Err(raise::reply(ONE_ARGUMENT)),
            (Some(name), Some(callback), 2) => {
                let name = text(lua, name)?.ok_or_else(|| raise::reply(NAME_NOT_FIRST))?;
                let Value::Function(callback) = callback.clone() else {
                    return Err(raise::reply(CALLBACK_NOT_SECOND));
                };
                Ok(Declared { name, callback, flags: Flags::default(), description: None })
            }
            _ => Err(raise::reply(WRONG_NUMBER)),
        }
    }

    fn read_named(lua: &Lua, named: &Table) -> mlua::Result<Declared> {
        let (mut name, mut callback, mut description) = (None, None, None);
        let mut flags = Flags::default();
        for field in named.pairs::<Value, Value>() {
            let (key, value) = field?;
            let key = text(lua, &key)?.ok_or_else(|| raise::reply(KEY_NOT_TEXT))?;
            let is = |known: &[u8]| key.eq_ignore_ascii_case(known);
            if is(b"function_name") {
                name = Some(text(lua, &value)?.ok_or_else(|| raise::reply(NAME_NOT_TEXT))?);
            } else if is(b"description") {
                let given = text(lua, &value)?.ok_or_else(|| raise::reply(DESCRIPTION_NOT_TEXT))?;
                description = Some(given);
            } else if is(b"callback") {
                let Value::Function(function) = value else {
                    return Err(raise::reply(CALLBACK_NOT_FUNCTION));
                };
                callback = Some(function);
            } else if is(b"flags") {
                let Value::Table(names) = value else {
                    return Err(raise::reply(FLAGS_NOT_TABLE));
                };
                flags = read_flags(&names)?;
            } else {
                return Err(raise::reply(UNKNOWN_KEY));
            }
        }
        let name = name.ok_or_else(|| raise::reply(NO_NAME))?;
        let callback = callback.ok_or_else(|| raise::reply(NO_CALLBACK))?;
        Ok(Declared { name, callback, flags, description })
    }
}

fn read_flags(names: &Table) -> mlua::Result<Flags> {
    let mut flags = Flags::default();
    for name in names.sequence_values::<Value>() {
        let is_known = name?.as_string().is_some_and(|name| flags.add(&name.as_bytes()));
        if !is_known {
            return Err(raise::reply(UNKNOWN_FLAG));
        }
    }
    Ok(flags)
}

/// A string, or a number as one.
fn text(lua: &Lua, value: &Value) -> mlua::Result<Option<Vec<u8>>> {
    let text = lua.coerce_string(value.clone())?;
    Ok(text.map(|text| text.as_bytes().to_vec()))
}

const WRONG_NUMBER: &str = "ERR wrong number of arguments to server.register_function";
const ONE_ARGUMENT: &str = "ERR calling server.register_function with a single argument is only applicable to Lua \
                            table (representing named arguments).";
const NAME_NOT_FIRST: &str = "ERR first argument to server.register_function must be a string";
const CALLBACK_NOT_SECOND: &str =
    "ERR second argument to server.register_function must be a function";
const KEY_NOT_TEXT: &str =
    "ERR named argument key given to server.register_function is not a string";
const UNKNOWN_KEY: &str = "ERR unknown argument given to server.register_function";
const NAME_NOT_TEXT: &str =
    "ERR function_name argument given to server.register_function must be a string";
const DESCRIPTION_NOT_TEXT: &str =
    "ERR description argument given to server.register_function must be a string";
const CALLBACK_NOT_FUNCTION: &str =
    "ERR callback argument given to server.register_function must be a function";
const FLAGS_NOT_TABLE: &str =
    "ERR flags argument to server.register_function must be a table representing function flags";
const UNKNOWN_FLAG: &str = "ERR unknown flag given";
const NO_NAME: &str = "ERR server.register_function must get a function name argument";
const NO_CALLBACK: &str = "ERR server.register_function must get a callback argument";
