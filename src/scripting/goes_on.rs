//! Scripts that run long, and what ends them.
//!
//! A hook is called every few thousand instructions: it serves other clients if the script has run for long, and ends
//! it if one of them has killed it. Commands, and functions of ours that may run long, are checkpoints of their own. See
//! [`crate::dispatch::running`].
//!
//! One instruction may copy, compare or convert a string, and so may one of Lua's own functions: what it takes is bounded
//! by the memory that the script has. So the more memory it takes, the fewer instructions lie between two calls of the
//! hook. How much it takes is asked at each call of the hook, after each cycle of the garbage collector (the heap does not
//! double without one), and when a script begins.

use std::cell::Cell;

use mlua::{HookTriggers, Lua, Result, VmState};

use super::{host, raise};

/// A hook is called once in so many instructions of a script that takes little memory.
const INSTRUCTIONS: u32 = 5_000;

/// The same while a library is loaded, which takes few: even if each makes a large string, its time is bounded.
const INSTRUCTIONS_AT_LOAD: u32 = 100;

/// The least of all: a call of the hook takes as long as some dozen instructions.
const FEWEST_INSTRUCTIONS: u32 = 16;

/// A script that takes no more bytes than this takes little.
const LITTLE: usize = 1 << 20;

/// From here on the hook is called for each call of a function, too: Lua's own take several times as long for each byte
/// as an instruction does.
const MUCH: usize = 4 << 20;

/// Instructions between two calls of the hook, times the bytes that the script takes: a second or so, if each
/// instruction goes through all of them.
const BYTE_INSTRUCTIONS: usize = 1_000_000_000;

thread_local! {
    /// The bytes that the state at hand took before its script began.
    static BEFORE: Cell<usize> = const { Cell::new(0) };
    /// The most instructions between two calls of the hook of the state at hand.
    static EVERY: Cell<u32> = const { Cell::new(INSTRUCTIONS) };
}

/// Has the state call the hook, in all its coroutines.
pub(super) fn watch(lua: &Lua) -> Result<()> {
    watch_every(lua, INSTRUCTIONS)
}

/// Has the state call the hook while a library is loaded: until [`watch`] is called.
pub(super) fn watch_closely(lua: &Lua) -> Result<()> {
    BEFORE.set(lua.used_memory());
    watch_every(lua, INSTRUCTIONS_AT_LOAD)
}

fn watch_every(lua: &Lua, instructions: u32) -> Result<()> {
    let mut triggers = HookTriggers::new().every_nth_instruction(instructions);
    triggers.on_calls = instructions as usize <= BYTE_INSTRUCTIONS / MUCH;
    EVERY.set(instructions);
    lua.set_global_hook(triggers, |lua, _| {
        checkpoint()?;
        watch_by_memory(lua)?;
        Ok(VmState::Continue)
    })
}

/// A script begins, in a state that took so many bytes before it was given its arguments.
pub(super) fn begin(before: usize) {
    BEFORE.set(before);
}

/// A script has ended.
pub(super) fn end(lua: &Lua) {
    if EVERY.get() != INSTRUCTIONS {
        // Hooks are set without taking memory.
        watch(lua).ok();
    }
}

/// Has the state call the hook sooner if the script takes much memory now. It stays so until the script ends. Each
/// coroutine has a hook of its own, which is set when it is called first.
pub(super) fn watch_by_memory(lua: &Lua) -> Result<()> {
    let taken = lua.used_memory().saturating_sub(BEFORE.get());
    let every = EVERY.get();
    if taken <= LITTLE && every == INSTRUCTIONS {
        return Ok(());
    }
    let instructions =
        BYTE_INSTRUCTIONS.checked_div(taken).and_then(|most| u32::try_from(most).ok());
    watch_every(lua, instructions.unwrap_or(every).clamp(FEWEST_INSTRUCTIONS, every))
}

/// Returns whether the hook is called as seldom as it ever is.
pub(super) fn takes_little() -> bool {
    EVERY.get() == INSTRUCTIONS
}

/// An error if the script is to end. Functions of ours that may run long come here from time to time.
pub(super) fn checkpoint() -> Result<()> {
    match host::with(|host| host.goes_on()) {
        Some(Err(error)) => Err(raise::reply(error.as_bytes())),
        Some(Ok(())) | None => Ok(()),
    }
}

/// So many commands lie between two checkpoints: each may take long, and is a few instructions to the hook.
const CALLS_PER_CHECKPOINT: u32 = 16;

/// The script calls a command.
pub(super) fn count_call() -> Result<()> {
    let calls = host::with(|host| {
        let run = host.run();
        run.calls = run.calls.wrapping_add(1);
        run.calls
    });
    match calls {
        Some(calls) if calls % CALLS_PER_CHECKPOINT == 0 => checkpoint(),
        _ => Ok(()),
    }
}

/// An error if the script was to end, and has caught the error that was to end it.
pub(super) fn is_over() -> Result<()> {
    match host::with(|host| host.run().ended.clone()).flatten() {
        Some(error) => Err(raise::reply(error.as_bytes())),
        None => Ok(()),
    }
}

/// So many steps of a function of ours lie between two checkpoints.
const STEPS_PER_CHECKPOINT: usize = 50_000;

thread_local! {
    /// Steps to the next checkpoint. They are counted across calls: the hook sees a call as one instruction.
    static LEFT: Cell<usize> = const { Cell::new(STEPS_PER_CHECKPOINT) };
}

/// The steps of one call of a function whose work no instruction of the script bounds.
pub(super) struct Steps {
    left: usize,
}

impl Steps {
    /// Goes on counting where the last call has ended.
    pub(super) fn resume() -> Steps {
        Steps { left: LEFT.get() }
    }

    /// Counts `steps`, and now and then asks whether the script may go on.
    #[inline]
    pub(super) fn spend(&mut self, steps: usize) -> std::result::Result<(), Box<mlua::Error>> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => self.ask(),
        }
    }

    #[cold]
    fn ask(&mut self) -> std::result::Result<(), Box<mlua::Error>> {
        self.left = STEPS_PER_CHECKPOINT;
        checkpoint().map_err(Box::new)
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        LEFT.set(self.left);
    }
}

/// Counts steps of a function that counts them here and there: see [`Steps::spend`].
#[inline]
pub(super) fn spend(steps: usize) -> Result<()> {
    match LEFT.get().checked_sub(steps) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => {
            LEFT.set(STEPS_PER_CHECKPOINT);
            checkpoint()
        }
    }
}
