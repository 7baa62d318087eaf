//! What an embedder's commands are told.

use super::Error;

/// A command of an embedder is called by a command that it has called itself.
pub fn calls_itself(full_name: &str) -> Error {
    Error::text(format!("ERR '{full_name}' is running already, and cannot call itself"))
}
