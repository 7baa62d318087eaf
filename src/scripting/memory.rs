//! How much memory scripts may take.
//!
//! The limit holds while a script runs. mlua makes each value in a protected call as long as there is one, which costs
//! twice as much; so it is lifted wherever a value of ours is small beside what is left.

use mlua::state::{GcIncParams, GcMode};
use mlua::{Lua, Result};

/// The bytes that a Lua state may take. Scripts keep their data in keys; what they hold themselves is for one command.
const MOST: usize = 256 << 20;

/// The bytes that loading a library may add.
const MOST_AT_LOAD: usize = 32 << 20;

/// What Lua says when it reaches its limit.
pub(super) const NOT_ENOUGH: &str = "not enough memory";

/// After a script that has taken more bytes than this the state is cleaned up at once, not bit by bit.
const MUCH: usize = 16 << 20;

/// A value takes at most so many times the bytes that its reply has.
const GROWTH: usize = 32;

/// What the garbage collector does at each of its steps, in percent of what Lua thinks right: with 10 bytes for each
/// percent, a cycle is one step for a megabyte, and not one for each kilobyte or two. So a string that doubles with each
/// instruction does not grow far before a cycle ends.
const BRISKLY: i32 = 100_000;

/// From here on a cycle of the garbage collector takes few steps.
pub(super) fn collect_briskly(lua: &Lua) {
    lua.gc_set_mode(GcMode::Incremental(GcIncParams::default().step_multiplier(BRISKLY)));
}

/// From here on the state keeps to its limit.
pub(super) fn limit(lua: &Lua) {
    // It fails for a state that was made elsewhere.
    lua.set_memory_limit(MOST).ok();
}

/// From here on the state keeps to the limit for a library that is loaded.
pub(super) fn limit_at_load(lua: &Lua) {
    lua.set_memory_limit(MOST.min(lua.used_memory() + MOST_AT_LOAD)).ok();
}

/// From here on the state keeps to no limit.
pub(super) fn lift(lua: &Lua) {
    lua.set_memory_limit(0).ok();
}

/// Makes values from a text of so many bytes, a reply or a result. The limit is afterwards what it was: while a library is
/// loaded it is a lower one.
pub(super) fn making<T>(lua: &Lua, bytes: usize, make: impl FnOnce() -> Result<T>) -> Result<T> {
    let limit = lua.set_memory_limit(0).unwrap_or(0);
    let is_small = lua.used_memory().saturating_add(bytes.saturating_mul(GROWTH)) <= limit;
    if is_small {
        let made = make();
        lua.set_memory_limit(limit).ok();
        return made;
    }
    lua.set_memory_limit(limit).ok();
    make()
}

/// Returns whether the state is to be cleaned up, of which so many bytes were not garbage when it was cleaned up last.
pub(super) fn is_much(lua: &Lua, lasting: usize) -> bool {
    lua.used_memory() > lasting + MUCH
}
