//! Scripts that run long, and what ends them.
//!
//! A hook is called every hundred thousand instructions: it serves other clients if the script has run for long, and ends
//! it if one of them has killed it. See [`crate::dispatch::running`].

use mlua::{HookTriggers, Lua, Result, VmState};

use super::{host, raise};

/// A hook is called once in so many instructions of a script.
const INSTRUCTIONS: u32 = 100_000;

/// The same while a library is loaded, which takes few: even if each makes a large string, its time is bounded.
const INSTRUCTIONS_AT_LOAD: u32 = 100;

/// Has the state call the hook, in all its coroutines.
pub(super) fn watch(lua: &Lua) -> Result<()> {
    watch_every(lua, INSTRUCTIONS)
}

/// Has the state call the hook while a library is loaded: until [`watch`] is called.
pub(super) fn watch_closely(lua: &Lua) -> Result<()> {
    watch_every(lua, INSTRUCTIONS_AT_LOAD)
}

fn watch_every(lua: &Lua, instructions: u32) -> Result<()> {
    let triggers = HookTriggers::new().every_nth_instruction(instructions);
    lua.set_global_hook(triggers, |_, _| checkpoint().map(|()| VmState::Continue))
}

/// An error if the script is to end. Functions of ours that may run long come here from time to time.
pub(super) fn checkpoint() -> Result<()> {
    match host::with(|host| host.goes_on()) {
        Some(Err(error)) => Err(raise::reply(error.as_bytes())),
        Some(Ok(())) | None => Ok(()),
    }
}

/// An error if the script was to end, and has caught the error that was to end it.
pub(super) fn is_over() -> Result<()> {
    match host::with(|host| host.run().ended.clone()).flatten() {
        Some(error) => Err(raise::reply(error.as_bytes())),
        None => Ok(()),
    }
}
