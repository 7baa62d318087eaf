//! The libraries that every script finds: cjson, cmsgpack, bit and struct.
//!
//! Each is a table of functions that know nothing of commands or clients. What they refuse they raise as errors of
//! the script: see [`super::raise`].
//!
//! They give what Valkey 9.1's give, its error texts and limits included. Whatever a script hands them ends in a
//! value or an error: nothing is allocated from a length that is only declared, and no table is so deep that it
//! could exhaust the stack.
//!
//! * `arguments`: what a function was called with, read as Lua's own functions read it;
//! * `numbers`: doubles as C converts them to integers;
//! * `tables`: tables built from text, whatever their depth;
//! * `output`: the text that a function builds, and how long it may grow.

mod arguments;
mod bit;
mod cjson;
mod cmsgpack;
mod numbers;
mod output;
mod structs;
mod tables;
#[cfg(test)]
mod trial;

use mlua::{Lua, Result, Table};

/// The libraries under the names that scripts know them by.
pub(super) fn all(lua: &Lua) -> Result<[(&'static str, Table); 4]> {
    Ok([
        ("cjson", cjson::library(lua)?),
        ("cmsgpack", cmsgpack::library(lua)?),
        ("struct", structs::library(lua)?),
        ("bit", bit::library(lua)?),
    ])
}

/// The slots of Lua's stack that a function of the reference's libraries may fill. There the depth of nested tables
/// and the number of results end with it; here it is only a number to count up to.
const STACK_SLOTS: usize = 8000;

/// The results that a function may have. mlua needs some of the 8000 slots for itself.
const MOST_RESULTS: usize = 7950;
