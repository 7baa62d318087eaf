//! The libraries that every script finds: cjson, cmsgpack, bit and struct.
//!
//! Each is a table of functions that know nothing of commands or clients. What they refuse they raise as errors of
//! the script: see [`super::raise`].

use mlua::{Lua, Table};

pub(super) fn all(_: &Lua) -> mlua::Result<[(&'static str, Table); 0]> {
    Ok([])
}
