//! What an embedder's commands are told.

use super::Error;

/// A command of an embedder is called by a command that it has called itself.
pub fn calls_itself(full_name: &str) -> Error {
    Error::text(format!("ERR '{full_name}' is running already, and cannot call itself"))
}

/// A command of the embedder, or a handle, calls what is about a connection.
pub fn not_to_be_called(full_name: &str) -> Error {
    Error::text(format!("ERR '{full_name}' is for a client to send, and cannot be called"))
}

/// A call has no words.
pub const CALL_WITHOUT_NAME: Error = Error::fixed("ERR a call begins with the name of a command");
/// A handle is of a database that there is not.
pub const CALL_IN_NO_DATABASE: Error = Error::fixed("ERR DB index is out of range");
