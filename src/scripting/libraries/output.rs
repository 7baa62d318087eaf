//! The text that a function builds, and how long it may grow.
//!
//! A small table can ask for a text without end: one that holds itself twice does so at every level.

use mlua::{BString, Either, Result};

use crate::scripting::{goes_on, raise};

/// The longest text, in bytes: as much as a script may take at all.
const LONGEST: usize = 256 << 20;

/// A text that goes to Lua's stack without a reference in between, which saves 40 of 120 ns. Only Rust's own strings
/// do so, hence the two kinds.
pub(super) type Text = Either<String, BString>;

pub(super) fn text(bytes: Vec<u8>) -> Text {
    match String::from_utf8(bytes) {
        Ok(text) => Either::Left(text),
        Err(other) => Either::Right(BString::from(other.into_bytes())),
    }
}

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
