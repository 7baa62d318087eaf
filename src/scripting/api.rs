//! The table `server`, which is also `redis`, and to personas of Redis only that: what a script may ask of the server.
//!
//! | function | does |
//! |---|---|
//! | `call`, `pcall` | runs a command; an error is raised, or returned |
//! | `error_reply`, `status_reply` | makes a value that becomes such a reply |
//! | `setresp` | replies come to the script as RESP2 or RESP3 has them |
//! | `sha1hex` | hashes a string |
//! | `log` | writes to the server's log |
//! | `acl_check_cmd` | tells whether the client may run a command |
//! | `set_repl`, `replicate_commands` | once chose how a script is replicated; there is one way now |
//! | `breakpoint`, `debug` | talk to a debugger, of which there is none |

use mlua::{BString, Either, Lua, MultiValue, Table, Value};
use sha1::{Digest, Sha1};

use super::raise::{self, Raised};
use super::{failure, from_reply, goes_on, host, memory};
use crate::config::Persona;
use crate::config::persona::PERSONAS;
use crate::text::double;
use crate::wire::{OwnedArgs, Protocol};

/// The version of Redis whose scripts run unchanged, as `redis.REDIS_VERSION` tells: that of Valkey 9.1.
const REDIS_VERSION: &str = "7.2.4";
/// The version of Valkey whose scripts run unchanged.
const VALKEY_VERSION: &str = "9.1.0";

/// Levels of `log`, from 0 on: debug, verbose, notice, warning.
const LEVELS: [log::Level; 4] =
    [log::Level::Debug, log::Level::Debug, log::Level::Info, log::Level::Warn];

const REPL_AOF: i64 = 1;
const REPL_REPLICA: i64 = 2;
const REPL_ALL: i64 = REPL_AOF | REPL_REPLICA;

/// The table, with all functions but `register_function`.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let server = lua.create_table()?;
    // A state without a persona is a test's.
    let persona = lua.app_data_ref::<&'static Persona>().map_or(&PERSONAS[0], |persona| *persona);
    let redis_version = if persona.is_redis() { persona.version } else { REDIS_VERSION };
    for (name, value) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", REPL_AOF),
        ("REPL_SLAVE", REPL_REPLICA),
        ("REPL_REPLICA", REPL_REPLICA),
        ("REPL_ALL", REPL_ALL),
        ("REDIS_VERSION_NUM", version_number(redis_version)),
    ] {
        server.raw_set(name, value)?;
    }
    server.raw_set("REDIS_VERSION", redis_version)?;
    if !persona.is_redis() {
        server.raw_set("SERVER_NAME", "valkey")?;
        server.raw_set("VALKEY_VERSION", VALKEY_VERSION)?;
        server.raw_set("VALKEY_VERSION_NUM", version_number(VALKEY_VERSION))?;
    }
    server.raw_set("call", lua.create_function(|lua, args| call(lua, args, true))?)?;
    server.raw_set("pcall", lua.create_function(|lua, args| call(lua, args, false))?)?;
    server.raw_set("error_reply", lua.create_function(error_reply)?)?;
    server.raw_set("status_reply", lua.create_function(status_reply)?)?;
    server.raw_set("setresp", lua.create_function(setresp)?)?;
    server.raw_set("sha1hex", lua.create_function(sha1hex)?)?;
    server.raw_set("log", lua.create_function(log)?)?;
    server.raw_set("acl_check_cmd", lua.create_function(acl_check_cmd)?)?;
    server.raw_set("set_repl", lua.create_function(set_repl)?)?;
    server.raw_set("replicate_commands", lua.create_function(|_, _: MultiValue| Ok(true))?)?;
    server.raw_set("breakpoint", lua.create_function(|_, _: MultiValue| Ok(false))?)?;
    server.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    Ok(server)
}

/// The table that functions find: a script's, without what a script once needed.
pub(super) fn table_for_functions(lua: &Lua) -> mlua::Result<Table> {
    let server = table(lua)?;
    for name in ["replicate_commands", "breakpoint", "debug"] {
        server.raw_remove(name)?;
    }
    Ok(server)
}

/// The table that the code of a library finds while it is loaded, without `register_function`.
pub(super) fn table_at_load(lua: &Lua) -> mlua::Result<Table> {
    let (all, server) = (table(lua)?, lua.create_table()?);
    for field in all.pairs::<BString, Value>() {
        let (name, value) = field?;
        let is_there = [&b"LOG_"[..], b"REDIS_", b"VALKEY_", b"SERVER_", b"log"];
        if is_there.iter().any(|start| name.starts_with(start)) {
            server.raw_set(name, value)?;
        }
    }
    Ok(server)
}

/// `0x00MMmmpp`
fn version_number(version: &str) -> i64 {
    version.split('.').fold(0, |number, part| number << 8 | part.parse().unwrap_or(0))
}

/// `call(command, …)` and `pcall(command, …)`
fn call(lua: &Lua, args: MultiValue, raises: bool) -> mlua::Result<Value> {
    goes_on::count_call()?;
    let ran = host::with(|host| {
        collect(&args, &mut host.run().args)?;
        host.invoke();
        let run = host.run();
        match from_reply::error_of(&run.reply) {
            Some(error) => Err(Raised { is_counted: true, ..refused(error) }),
            None if run.reply.len() > from_reply::LONG => {
                Ok(Either::Right(std::mem::take(&mut run.reply)))
            }
            None => Ok(Either::Left(making(lua, &run.reply))),
        }
    });
    match ran.unwrap_or_else(|| Err(refused(OUTSIDE))) {
        Ok(Either::Left(value)) => value,
        Ok(Either::Right(reply)) => making(lua, &reply),
        Err(raised) if raises => Err(mlua::Error::external(raised)),
        Err(raised) => raised.table(lua).map(Value::Table),
    }
}

fn making(lua: &Lua, reply: &[u8]) -> mlua::Result<Value> {
    memory::making(lua, reply.len(), || from_reply::value(lua, reply))
}

/// The error reply with this text.
fn refused(text: impl AsRef<[u8]>) -> Raised {
    Raised { text: text.as_ref().to_vec(), is_reply: true, is_counted: false }
}

const OUTSIDE: &str = "ERR server.call can only be called inside a script invocation";
const NO_ARGUMENT: &str = "ERR Please specify at least one argument for this call";
const BAD_ARGUMENT: &str = "ERR Command arguments must be strings or integers";

/// Takes the arguments of a command over.
fn collect(values: &MultiValue, args: &mut OwnedArgs) -> Result<(), Raised> {
    args.clear();
    if values.is_empty() {
        return Err(refused(NO_ARGUMENT));
    }
    for value in values {
        match value {
            Value::String(text) => args.push(&*text.as_bytes()),
            Value::Integer(n) => args.push_spelled(|out| double::push(out, *n as f64)),
            Value::Number(n) if n.is_nan() && n.is_sign_negative() => args.push(b"-nan"),
            Value::Number(0.0) => args.push(b"0"),
            Value::Number(n) => args.push_spelled(|out| double::push(out, *n)),
            _ => return Err(refused(BAD_ARGUMENT)),
        }
    }
    Ok(())
}

/// The one argument of a function, if it has one.
fn only(args: &MultiValue) -> Option<&Value> {
    args.front().filter(|_| args.len() == 1)
}

/// `error_reply(text)`. A text of one word gets the code `ERR`; a `-` in front is dropped.
fn error_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Table> {
    let Some(text) = only(&args).and_then(bytes) else {
        return refused(WRONG_ARGUMENTS).table(lua);
    };
    let text = failure::up_to_nul(text.strip_prefix(b"-").unwrap_or(&text));
    let code: &[u8] = if text.contains(&b' ') { b"" } else { b"ERR " };
    refused([code, text].concat()).table(lua)
}

const WRONG_ARGUMENTS: &str = "ERR wrong number or type of arguments";

/// `status_reply(text)`
fn status_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Table> {
    let Some(text) = only(&args).and_then(bytes) else {
        return refused(WRONG_ARGUMENTS).table(lua);
    };
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("ok", lua.create_string(text)?)?;
    Ok(table)
}

/// The bytes of a string.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    value.as_string().map(|text| text.as_bytes().to_vec())
}

/// `setresp(2)`, `setresp(3)`
fn setresp(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    let Some(version) = only(&args) else {
        return Err(raise::reply("ERR server.setresp() requires one argument."));
    };
    let protocol = match lua.coerce_number(version.clone())?.unwrap_or_default() as i64 {
        2 => Protocol::Resp2,
        3 => Protocol::Resp3,
        _ => return Err(raise::reply("ERR RESP version must be 2 or 3.")),
    };
    host::with(|host| host.run().protocol = protocol);
    Ok(())
}

/// `sha1hex(text)`
fn sha1hex(lua: &Lua, args: MultiValue) -> mlua::Result<String> {
    let Some(value) = only(&args) else {
        return Err(raise::reply("ERR wrong number of arguments"));
    };
    let text = lua.coerce_string(value.clone())?;
    let digest = match text {
        Some(text) => Sha1::digest(&*text.as_bytes()),
        None => Sha1::digest([]),
    };
    Ok(format!("{digest:x}"))
}

/// `log(level, text…)`
fn log(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    if args.len() < 2 {
        return Err(raise::reply("ERR server.log() requires two arguments or more."));
    }
    let Some(level) = lua.coerce_number(args[0].clone())? else {
        return Err(raise::reply("ERR First argument must be a number (log level)."));
    };
    let level = usize::try_from(level as i64).ok().and_then(|level| LEVELS.get(level));
    let Some(&level) = level else {
        return Err(raise::reply("ERR Invalid log level."));
    };
    let mut line = Vec::new();
    for value in args.iter().skip(1) {
        if let Some(text) = lua.coerce_string(value.clone())? {
            if !line.is_empty() {
                line.push(b' ');
            }
            line.extend_from_slice(&text.as_bytes());
        }
    }
    log::log!(level, "{}", String::from_utf8_lossy(&line).escape_debug());
    Ok(())
}

/// `acl_check_cmd(command, …)`
fn acl_check_cmd(_: &Lua, args: MultiValue) -> mlua::Result<bool> {
    let mut words = OwnedArgs::default();
    collect(&args, &mut words).map_err(mlua::Error::external)?;
    let may_run = host::with(|host| host.may_run(words.args())).flatten();
    may_run.ok_or_else(|| raise::reply("ERR Invalid command passed to server.acl_check_cmd()"))
}

/// `set_repl(flags)`
fn set_repl(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    let Some(flags) = only(&args) else {
        return Err(raise::reply("ERR server.set_repl() requires one argument."));
    };
    let flags = lua.coerce_number(flags.clone())?.unwrap_or_default() as i64;
    if flags & !REPL_ALL != 0 {
        return Err(raise::reply(
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ));
    }
    Ok(())
}
