//! What an embedder's commands are told.

use super::Error;

/// A command of an embedder is called by a command that it has called itself.
pub fn calls_itself(full_name: &str) -> Error {
    Error::text(format!("ERR '{full_name}' is running already, and cannot call itself"))
}

/// A command of an embedder leaves its reply for later where it cannot wait.
pub fn deferred_within(full_name: &str) -> Error {
    Error::text(format!(
        "ERR '{full_name}' replies later, and cannot run inside MULTI, a script or another command"
    ))
}

/// What was to give a reply later has given none.
pub const REPLY_DROPPED: Error = Error::fixed("ERR the command was dropped without a reply");
