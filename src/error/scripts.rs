//! What scripts and functions, and the commands on them, are told.

use super::Error;

// Scripts.

pub const NOT_FROM_SCRIPT: Error =
    Error::fixed("ERR This Valkey command is not allowed from script");
pub const UNKNOWN_IN_SCRIPT: Error = Error::fixed("ERR Unknown command called from script");
pub const ARITY_IN_SCRIPT: Error =
    Error::fixed("ERR Wrong number of args calling command from script");
// As Redis has them since 7.0, for personas.
pub const REDIS_NOT_FROM_SCRIPT: Error =
    Error::fixed("ERR This Redis command is not allowed from script");
pub const REDIS_UNKNOWN_IN_SCRIPT: Error =
    Error::fixed("ERR Unknown Redis command called from script");
pub const REDIS_ARITY_IN_SCRIPT: Error =
    Error::fixed("ERR Wrong number of args calling Redis command from script");
pub const REDIS_NOSCRIPT: Error = Error::fixed("NOSCRIPT No matching script. Please use EVAL.");

pub const WRITE_IN_READ_ONLY_SCRIPT: Error =
    Error::fixed("ERR Write commands are not allowed from read-only scripts.");

pub const NOT_BUSY: Error = Error::fixed("NOTBUSY No scripts in execution right now.");
pub const UNKILLABLE: Error = Error::fixed(
    "UNKILLABLE Sorry the script already executed write commands against the dataset. \
     You can either wait the script termination or kill the server in a hard way using \
     the SHUTDOWN NOSAVE command.",
);

/// A script runs, and has done so for long. `killer` is the command that ends it.
pub fn busy(product: &str, killer: &str) -> Error {
    Error::text(format!(
        "BUSY {product} is busy running a script. You can only call {killer} or SHUTDOWN NOSAVE."
    ))
}

/// What ends a script that another client has killed by this command.
pub fn script_killed(killer: &str) -> Error {
    Error::text(format!("ERR Script killed by user with {killer}."))
}

/// A permission that a command lacks, as the script that called it is told.
pub fn denied_in_script(denied: &Error) -> Error {
    let reason = denied.as_bytes();
    let reason = reason.strip_prefix(b"NOPERM ").unwrap_or(reason);
    Error::text([b"ERR ACL failure in script: ", reason].concat())
}

/// The script is no Lua. `reason` is the compiler's.
pub fn does_not_compile(reason: &str) -> Error {
    Error::text(format!("ERR Error compiling script (new function): {reason}"))
}

pub const NEGATIVE_NUMKEYS: Error = Error::fixed("ERR Number of keys can't be negative");
pub const TOO_MANY_NUMKEYS: Error =
    Error::fixed("ERR Number of keys can't be greater than number of args");
pub const NOSCRIPT: Error = Error::fixed("NOSCRIPT No matching script.");
pub const SCRIPT_FLUSH_OPTION: Error =
    Error::fixed("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
pub const WRITING_SCRIPT_READ_ONLY: Error =
    Error::fixed("ERR Can not execute a script with write flag using *_ro command.");
pub const BAD_SHEBANG: Error = Error::fixed("ERR Invalid script shebang");
pub const BAD_SHEBANG_ENGINE: Error = Error::fixed("ERR Invalid engine in script shebang");
/// A Lua state could not be made.
pub const NO_LUA: Error = Error::fixed("ERR no memory for Lua");

/// The shebang line names an engine that is not there.
pub fn no_scripting_engine(name: &[u8]) -> Error {
    Error::text([b"ERR Could not find scripting engine '", name, b"'"].concat())
}

/// The shebang line has a flag that is none.
pub fn unexpected_script_flag(flag: &[u8]) -> Error {
    Error::text([b"ERR Unexpected flag in script shebang: ", flag].concat())
}

/// The shebang line has a word that is none.
pub fn unknown_shebang_option(option: &[u8]) -> Error {
    Error::text([b"ERR Unknown lua shebang option: ", option].concat())
}

// Functions.

pub const NO_FUNCTION: Error = Error::fixed("ERR Function not found");
pub const BAD_NUMKEYS: Error = Error::fixed("ERR Bad number of keys provided");
pub const NO_LIBRARY: Error = Error::fixed("ERR Library not found");
pub const NO_LIBRARY_PATTERN: Error = Error::fixed("ERR library name argument was not given");
pub const FUNCTION_FLUSH_OPTION: Error =
    Error::fixed("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
pub const RESTORE_POLICY: Error = Error::fixed(
    "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
);
pub const NO_METADATA: Error = Error::fixed("ERR Missing library metadata");
pub const BAD_METADATA: Error = Error::fixed("ERR Invalid library metadata");
pub const NO_LIBRARY_NAME: Error = Error::fixed("ERR Library name was not given");
pub const TWO_LIBRARY_NAMES: Error =
    Error::fixed("ERR Invalid metadata value, name argument was given multiple times");
pub const BAD_LIBRARY_NAME: Error = Error::fixed(
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
);
pub const BAD_FUNCTION_NAME: Error = Error::fixed(
    "ERR Function names can only contain letters, numbers, or underscores(_) and must be at least one character long",
);
/// A library has registered two functions of one name.
pub const FUNCTION_TWICE: Error = Error::fixed("ERR Function already exists in the library");
pub const NO_FUNCTIONS: Error = Error::fixed("ERR No functions registered");
/// `register_function` was called by a function that runs.
pub const NOT_LOADING: Error =
    Error::fixed("ERR server.register_function can only be called on FUNCTION LOAD command");
pub const LOAD_TIMEOUT: Error = Error::fixed("ERR FUNCTION LOAD timeout");
pub const BAD_LIBRARY_PAYLOAD: Error = Error::fixed("ERR Failed loading library payload");
pub const NO_LIBRARY_PAYLOAD: Error = Error::fixed("ERR given type is not a function");
pub const OLD_LIBRARY_PAYLOAD: Error = Error::fixed("ERR Pre-GA function format not supported");

/// The first line of a library has a word that says nothing.
pub fn unknown_metadata(word: &[u8]) -> Error {
    Error::text([b"ERR Invalid metadata value given: ", word].concat())
}

/// The first line of a library names an engine that is not there.
pub fn no_function_engine(name: &[u8]) -> Error {
    Error::text([b"ERR Engine '", name, b"' not found"].concat())
}

/// The code of a library is no Lua. `reason` is the compiler's.
pub fn library_does_not_compile(reason: &str) -> Error {
    Error::text(format!("ERR Error compiling function: {reason}"))
}

/// The code of a library has failed. `reason` is the error that it has raised.
pub fn library_does_not_load(reason: &[u8]) -> Error {
    Error::text([b"ERR Error registering functions: ", reason].concat())
}

/// FUNCTION LOAD, or one payload, brings a library whose name another one has.
pub fn library_exists(name: &[u8]) -> Error {
    Error::text([b"ERR Library '", name, b"' already exists"].concat())
}

/// FUNCTION RESTORE brings a library whose name another one has.
pub fn library_is_there(name: &[u8]) -> Error {
    Error::text([b"ERR Library ", name, b" already exists"].concat())
}

/// A library has a function whose name one of another library has.
pub fn function_exists(name: &[u8]) -> Error {
    Error::text([b"ERR Function ", name, b" already exists"].concat())
}

pub fn unknown_argument(word: &[u8]) -> Error {
    Error::text([b"ERR Unknown argument ", word].concat())
}

pub fn unknown_option(word: &[u8]) -> Error {
    Error::text([b"ERR Unknown option given: ", word].concat())
}
