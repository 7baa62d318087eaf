//! Texts on their way to Lua, which makes strings of them.
//!
//! Of texts, mlua hands only Rust's own strings to Lua's stack at once. Others get a reference first, which costs as much
//! again; so texts that are valid UTF-8, as most are, go as Rust's own.

use mlua::{BString, Either, IntoLua, Lua, Result, Value};

use super::memory;

/// A text that stays where it is.
pub(super) fn borrowed(text: &[u8]) -> impl IntoLua + use<'_> {
    match str::from_utf8(text) {
        Ok(text) => Either::Left(text),
        Err(_) => Either::Right(BString::from(text)),
    }
}

/// A text that was made for Lua.
pub(super) fn made(text: Vec<u8>) -> impl IntoLua {
    match String::from_utf8(text) {
        Ok(text) => Either::Left(text),
        Err(other) => Either::Right(BString::from(other.into_bytes())),
    }
}

/// A text that a function returns to its script. It becomes a string here: once the function has returned, the limit of
/// memory holds again, and mlua makes a string in a protected call, which costs five times as much.
pub(super) fn returned(lua: &Lua, text: impl AsRef<[u8]>) -> Result<Value> {
    let text = text.as_ref();
    memory::making(lua, text.len(), || lua.create_string(text).map(Value::String))
}
