//! The text that a function builds, and how long it may grow.
//!
//! A small table can ask for a text without end: one that holds itself twice does so at every level.

use mlua::Result;

use crate::scripting::{goes_on, raise};

/// The longest text, in bytes: as much as a script may take at all.
const LONGEST: usize = 256 << 20;

/// Another value has been written. Refuses what has grown too long.
pub(super) fn check(output: &[u8]) -> Result<()> {
    goes_on::spend(1)?;
    check_length(output.len())
}

/// So many bytes of a text are going to be written, one by one.
pub(super) fn spend_on(text: &[u8]) -> Result<()> {
    goes_on::spend(text.len() / BYTES_PER_STEP)
}

/// Reading or writing so many bytes takes about as long as a step.
const BYTES_PER_STEP: usize = 16;

/// Refuses what is going to be too long, in the words of Lua for what does not fit in memory.
pub(super) fn check_length(length: usize) -> Result<()> {
    if length > LONGEST { Err(raise::plain("not enough memory")) } else { Ok(()) }
}
