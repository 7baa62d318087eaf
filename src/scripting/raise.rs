//! Errors that a function of ours raises in the script that has called it.
//!
//! Lua's own functions raise strings, with the place of the call in front. mlua raises what a function of ours
//! returns as a value of its own, which no script may see: `pcall` and its kin, and the end of the script, turn it
//! back into what it stands for, a [`Raised`].

use std::error;
use std::fmt;

use mlua::{Error, Lua, Table, Value};

/// What a script finds in `pcall`'s second result, or the error reply if nothing catches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raised {
    pub(super) text: Vec<u8>,
    /// The text is an error reply, its code in front. Others get the code `ERR` when they become one.
    pub(super) is_reply: bool,
    /// The error has been counted: it is that of a command that the script has called.
    pub(super) is_counted: bool,
}

impl Raised {
    /// The table that a script sees of an error reply: `{err=…}`.
    pub(super) fn table(&self, lua: &Lua) -> mlua::Result<Table> {
        let table = lua.create_table_with_capacity(0, 2)?;
        table.raw_set("err", lua.create_string(&self.text)?)?;
        if self.is_counted {
            table.raw_set("ignore_error_stats_update", true)?;
        }
        Ok(table)
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl error::Error for Raised {}

/// The error with these very words.
pub(super) fn plain(text: impl Into<Vec<u8>>) -> Error {
    Error::external(Raised { text: text.into(), is_reply: false, is_counted: false })
}

/// The error that is this error reply.
pub(super) fn reply(text: impl Into<Vec<u8>>) -> Error {
    Error::external(Raised { text: text.into(), is_reply: true, is_counted: false })
}

/// The error with the place of the call in front, as `user_script:1: `, if a script's own line has called.
pub(super) fn here(lua: &Lua, text: impl AsRef<[u8]>) -> Error {
    let place = lua.inspect_stack(1, |caller| {
        let line = caller.current_line()?;
        let source = caller.source().short_src?.into_owned();
        Some(format!("{source}:{line}: "))
    });
    let place = place.flatten().unwrap_or_default();
    plain([place.as_bytes(), text.as_ref()].concat())
}

/// What was raised [`plain`], with the place of the call in front. Other errors stay as they are.
pub(super) fn placed(lua: &Lua, error: Error) -> Error {
    match error.downcast_ref::<Raised>() {
        Some(Raised { text: message, is_reply: false, .. }) => here(lua, message),
        _ => error,
    }
}

/// The error for an argument that a function cannot take, as Lua's own functions word it. Arguments count from 1.
/// A function that was called through a table's number or by `pcall` has no name: it is `?`. What is called as a
/// method has its table for first argument, which is not counted.
pub(super) fn bad_argument(lua: &Lua, index: usize, reason: impl AsRef<[u8]>) -> Error {
    let called = lua.inspect_stack(0, |called| {
        let names = called.names();
        (names.name.map(|name| name.into_owned()), names.name_what == Some("method"))
    });
    let (name, is_method) = called.unwrap_or_default();
    let name = name.unwrap_or_else(|| "?".to_owned());
    let complaint = match (is_method, index) {
        (true, 1) => format!("calling '{name}' on bad self ("),
        (true, _) => format!("bad argument #{} to '{name}' (", index.saturating_sub(1)),
        (false, _) => format!("bad argument #{index} to '{name}' ("),
    };
    here(lua, [complaint.as_bytes(), reason.as_ref(), b")"].concat())
}

/// The type of a value, as Lua's own functions name it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        Value::LightUserData(_) | Value::Error(_) => "userdata",
        other => other.type_name(),
    }
}
