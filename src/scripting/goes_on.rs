//! What a script that runs long meets: see [`super::host::Host::goes_on`].

use std::cell::Cell;

use mlua::{Lua, VmState};

use super::{host, raise};

/// Called once in a hundred thousand instructions.
pub(super) fn hook(_: &Lua) -> mlua::Result<VmState> {
    checkpoint().map(|()| VmState::Continue)
}

/// Asks whether the script may go on: for work that no instruction of the script does. The error ends the script.
pub(super) fn checkpoint() -> mlua::Result<()> {
    match host::with(|host| host.goes_on()) {
        Some(Err(error)) => Err(raise::reply(error.as_bytes())),
        Some(Ok(())) | None => Ok(()),
    }
}

/// So many steps of a function of ours lie between two checkpoints: about as much work as between two calls of the hook.
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
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Box<mlua::Error>> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => self.ask(),
        }
    }

    #[cold]
    fn ask(&mut self) -> Result<(), Box<mlua::Error>> {
        self.left = STEPS_PER_CHECKPOINT;
        checkpoint().map_err(Box::new)
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        LEFT.set(self.left);
    }
}
