//! What an embedder's commands are told, and errors made of their texts.

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

/// A hook of the embedder closes the connection.
pub const CLOSED_BY_PROGRAM: Error = Error::fixed("ERR the server closes the connection");

/// What was to give a reply later has given none.
pub const REPLY_DROPPED: Error = Error::fixed("ERR the command was dropped without a reply");

/// A command of the embedder, or a handle, calls what is about a connection.
pub fn not_to_be_called(full_name: &str) -> Error {
    Error::text(format!("ERR '{full_name}' is for a client to send, and cannot be called"))
}

/// A call has no words.
pub const CALL_WITHOUT_NAME: Error = Error::fixed("ERR a call begins with the name of a command");
/// A handle is of a database that there is not.
pub const CALL_IN_NO_DATABASE: Error = Error::fixed("ERR DB index is out of range");

/// The code comes first: `WRONGTYPE no list`. It is a word of capital letters, digits and `_` that begins with two
/// capitals. A text without one gets `ERR` in front: `no such job` becomes `ERR no such job`. CR and LF go as spaces.
///
/// ```
/// assert_eq!(respd::Error::from("no such job").to_string(), "ERR no such job");
/// assert_eq!(respd::Error::from("BUSYJOB it runs").to_string(), "BUSYJOB it runs");
/// ```
impl From<&str> for Error {
    fn from(text: &str) -> Error {
        Error::from(text.to_owned())
    }
}

/// As from `&str`.
impl From<String> for Error {
    fn from(text: String) -> Error {
        Error::text(if has_code(&text) { text } else { format!("ERR {text}") })
    }
}

fn has_code(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    let is_of_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = word.len() >= 2 && word.bytes().take(2).all(|byte| byte.is_ascii_uppercase());
    begins && word.bytes().all(is_of_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_code_gets_one() {
        for (text, error) in [
            ("no such job", "ERR no such job"),
            ("BUSYJOB it runs", "BUSYJOB it runs"),
            ("NOJOB", "NOJOB"),
            ("A job is missing", "ERR A job is missing"),
            ("E2BIG_X no", "ERR E2BIG_X no"),
            ("EX2_BIG no", "EX2_BIG no"),
            ("Job failed", "ERR Job failed"),
            ("JOBs are gone", "ERR JOBs are gone"),
            ("", "ERR "),
        ] {
            assert_eq!(Error::from(text).to_string(), error);
            assert_eq!(Error::from(text.to_owned()).to_string(), error);
        }
    }
}
