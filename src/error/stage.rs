//! What a test is told that drives the server.

use super::{Error, quoting};

pub const STAGE_NOT_ALLOWED: Error = Error::fixed(
    "ERR STAGE command not allowed. If the enable-stage-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
pub const CLOCK_LEFT: Error = Error::fixed("ERR STAGE RESET has come before the clock was there");
pub const CLOCK_CANNOT_RUN: Error = Error::fixed(
    "ERR the time of this server is told by the program around it: it stands still, and STAGE CLOCK RUN has no meaning",
);
pub const JOURNAL_OFF: Error =
    Error::fixed("ERR STAGE: the journal is off, so that there is nothing to wait for");

/// What stands behind a word of STAGE is none of its values, or is not there. `wanted` says what it takes.
pub fn stage_value(word: &str, value: Option<&[u8]>, wanted: &str) -> Error {
    match value {
        Some(value) => quoting(&format!("STAGE: {word} takes {wanted}, not '"), value, "'"),
        None => Error::text(format!("ERR STAGE: {word} takes {wanted}, and nothing follows it")),
    }
}

/// A word of STAGE is none of those that may stand in its place.
pub fn stage_word(word: &[u8], wanted: &str) -> Error {
    quoting("STAGE: '", word, &format!("' cannot stand here, where {wanted} can"))
}

/// What stands behind a word of STAGE is longer than it may be.
pub fn stage_too_long(word: &str, most: usize) -> Error {
    Error::text(format!("ERR STAGE: {word} takes at most {most} bytes"))
}

/// STAGE has been said something twice that can be said once.
pub fn stage_two(what: &str) -> Error {
    Error::text(format!("ERR STAGE: {what} can stand there once"))
}

/// There is no room for more of these.
pub fn stage_too_many(what: &str, most: usize) -> Error {
    Error::text(format!("ERR STAGE: there are at most {most} {what}"))
}

/// A line of STAGE ends too early.
pub fn stage_lacks(what: &str) -> Error {
    Error::text(format!("ERR STAGE: the line ends without {what}"))
}

/// Nothing comes behind the end of a connection.
pub fn stage_behind_end(word: &str) -> Error {
    Error::text(format!("ERR STAGE: nothing can follow {word}"))
}

/// What says where a reply comes from comes before what shapes it.
pub fn stage_first(word: &str) -> Error {
    Error::text(format!("ERR STAGE: {word} can only follow DO, or PUSH"))
}

/// There is no true reply that an action could shape.
pub fn stage_needs_reply(words: &str, beside: &str) -> Error {
    Error::text(format!(
        "ERR STAGE: {words} cannot stand beside {beside}: there is no reply for it"
    ))
}

/// A fault is meant for a client that meets none.
pub fn stage_own_client(id: u64) -> Error {
    Error::text(format!(
        "ERR STAGE: client {id} is the one that says this, or of the administration port: it meets no fault"
    ))
}

pub fn stage_fault_exists(name: &[u8]) -> Error {
    quoting("STAGE: there is a fault '", name, "' already")
}

pub fn stage_no_fault(name: &[u8]) -> Error {
    quoting("STAGE: there is no fault '", name, "'")
}

pub const RECORDING_GOES_ON: Error =
    Error::fixed("ERR STAGE: a recording goes on, which RECORD STOP ends");
pub const NOT_RECORDING: Error = Error::fixed("ERR STAGE: no recording goes on");
pub const RECORDING_WITHOUT_DIR: Error =
    Error::fixed("ERR STAGE: a recording is a file in 'dir', which is not configured");

/// The file of a recording cannot be written.
pub fn recording_failed(file: &[u8], reason: &str) -> Error {
    quoting("STAGE: the recording '", file, &format!("' cannot be written: {reason}"))
}

/// A script meets a REPLY whose bytes are no value.
pub const STAGE_NO_REPLY: Error = Error::fixed(
    "ERR STAGE: the bytes that a fault replies with are no reply that a script can be given",
);
