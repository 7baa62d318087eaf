//! What a test is told that drives the server.

use super::Error;

pub const STAGE_NOT_ALLOWED: Error = Error::fixed(
    "ERR STAGE command not allowed. If the enable-stage-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
pub const CLOCK_LEFT: Error = Error::fixed("ERR STAGE RESET has come before the clock was there");
pub const CLOCK_CANNOT_RUN: Error = Error::fixed(
    "ERR the time of this server is told by the program around it: it stands still, and STAGE CLOCK RUN has no meaning",
);

/// STAGE CLOCK with a word that it does not know, or with too many.
pub fn bad_clock_change(said: &[u8]) -> Error {
    super::quoting(
        "STAGE CLOCK takes FREEZE, ADVANCE milliseconds, SET unix-time-milliseconds or RUN, and not '",
        said,
        "'",
    )
}

/// `ADVANCE` or `SET` with what is no number of milliseconds, or one that is too large. `least` and `most` are what it may
/// be.
pub fn bad_clock_time(word: &str, most: u64) -> Error {
    Error::text(format!(
        "ERR STAGE CLOCK {word} takes milliseconds, a whole number from 0 to {most}"
    ))
}

/// STAGE SEED with what is no seed.
pub fn bad_seed(said: &[u8]) -> Error {
    super::quoting(
        "STAGE SEED takes a whole number from 0 to 18446744073709551615, and not '",
        said,
        "'",
    )
}
