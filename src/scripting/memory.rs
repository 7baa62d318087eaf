//! How much memory scripts may take.
//!
//! The limit holds while a script runs. mlua makes each value in a protected call as long as there is one, which costs
//! twice as much; so it is lifted wherever a value of ours is small beside what is left.

use mlua::{Lua, Result};

/// The bytes that a Lua state may take. Scripts keep their data in keys; what they hold themselves is for one command.
const MOST: usize = 256 << 20;

/// After a script a state of more bytes than this is cleaned up at once, not bit by bit.
const MUCH: usize = 16 << 20;

/// A value takes at most so many times the bytes that its reply has.
const GROWTH: usize = 32;

/// From here on the state keeps to its limit.
pub(super) fn limit(lua: &Lua) {
    // It fails for a state that was made elsewhere.
    lua.set_memory_limit(MOST).ok();
}

/// From here on the state keeps to no limit.
pub(super) fn lift(lua: &Lua) {
    lua.set_memory_limit(0).ok();
}

/// Makes values from a reply of so many bytes.
pub(super) fn making<T>(lua: &Lua, bytes: usize, make: impl FnOnce() -> Result<T>) -> Result<T> {
    if lua.used_memory().saturating_add(bytes.saturating_mul(GROWTH)) > MOST {
        return make();
    }
    lift(lua);
    let made = make();
    limit(lua);
    made
}

/// Returns whether the state takes so much that it is to be cleaned up.
pub(super) fn is_much(lua: &Lua) -> bool {
    lua.used_memory() > MUCH
}
