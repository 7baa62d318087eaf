//! What a client is told when a command fails: every text, once, verbatim.
//!
//! The texts are those of Valkey 9.1, because clients and their tests compare them. An [`Error`] is
//! only ever *said*: [`crate::resp::Reply`] turns it into an error frame. What breaks the protocol is
//! a [`crate::resp::ProtocolError`], what breaks a socket an [`std::io::Error`]; the three do not mix.

use std::borrow::Cow;
use std::fmt;

/// An error reply: a code of capital letters, a space and a sentence, without the leading `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

impl Error {
    /// An error whose text is known beforehand.
    pub const fn fixed(text: &'static str) -> Error {
        Error(Cow::Borrowed(text.as_bytes()))
    }

    /// An error whose text is made at run time, often with bytes a client sent. It may hold anything:
    /// the writer of the reply replaces CR and LF.
    pub fn text(text: impl Into<Vec<u8>>) -> Error {
        Error(Cow::Owned(text.into()))
    }

    /// The whole text, code included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The code: the first word, as INFO's errorstats count it.
    pub fn code(&self) -> &[u8] {
        self.0.split(|&byte| byte == b' ').next().unwrap_or_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl std::error::Error for Error {}

pub const SYNTAX: Error = Error::fixed("ERR syntax error");
pub const NOT_AN_INTEGER: Error = Error::fixed("ERR value is not an integer or out of range");
pub const NOT_AN_INT: Error =
    Error::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
pub const NOAUTH: Error = Error::fixed("NOAUTH Authentication required.");
pub const WRONGPASS: Error =
    Error::fixed("WRONGPASS invalid username-password pair or user is disabled.");
pub const WRONGTYPE: Error =
    Error::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
pub const INTERNAL: Error = Error::fixed("ERR internal error, see the server's log");

/// Said to a newcomer when `maxclients` are connected.
pub const MAX_CLIENTS: Error = Error::fixed("ERR max number of clients reached");

// Connection.
pub const AUTH_WITHOUT_PASSWORD: Error = Error::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
pub const HELLO_NOAUTH: Error = Error::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);
pub const NOPROTO: Error = Error::fixed("NOPROTO unsupported protocol version");
pub const HELLO_VERSION: Error =
    Error::fixed("ERR Protocol version is not an integer or out of range");
pub const DB_INDEX: Error = Error::fixed("ERR DB index is out of range");
pub const CLUSTER_DISABLED: Error = Error::fixed("ERR This instance has cluster support disabled");

// Client.
pub const CLIENT_ID: Error = Error::fixed("ERR client-id should be greater than 0");
pub const NO_SUCH_CLIENT: Error = Error::fixed("ERR No such client");

/// A filter's value is no number.
pub fn not_an_integer(what: &str) -> Error {
    Error::text(format!("ERR {what} is not an integer or out of range"))
}

/// A filter's value is zero or less.
pub fn not_positive(what: &str) -> Error {
    Error::text(format!("ERR {what} should be greater than 0"))
}

/// A filter's value is the number of no database.
pub fn not_a_database(what: &str, databases: usize) -> Error {
    let last = databases.saturating_sub(1);
    Error::text(format!("ERR {what} number should be between 0 and {last}"))
}

// COMMAND.
pub const GETKEYS_NO_COMMAND: Error = Error::fixed("ERR Invalid command specified");
pub const GETKEYS_NO_KEYS: Error = Error::fixed("ERR The command has no key arguments");
pub const GETKEYS_ARITY: Error =
    Error::fixed("ERR Invalid number of arguments specified for command");
pub const GETKEYS_INVALID: Error = Error::fixed("ERR Invalid arguments specified for command");

// CONFIG, DEBUG and SHUTDOWN.
pub const NO_CONFIG_FILE: Error = Error::fixed("ERR The server is running without a config file");
pub const DEBUG_NOT_ALLOWED: Error = Error::fixed(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
pub const RESP2_UNSUPPORTED: Error = Error::fixed("ERR RESP2 is not supported by this command");
pub const NO_SHUTDOWN: Error = Error::fixed("ERR No shutdown in progress.");
pub const SHUTDOWN_FAILED: Error = Error::fixed("ERR Errors trying to SHUTDOWN. Check logs.");
pub const SHUTDOWN_FAILOVER: Error =
    Error::fixed("ERR SHUTDOWN FAILOVER is only supported in cluster mode.");

/// The first word of a request names no command.
///
/// The reference shows at most 128 bytes of the name and, after it, arguments until they fill 128 bytes.
pub fn unknown_command<'a>(name: &[u8], args: impl Iterator<Item = &'a [u8]>) -> Error {
    const SHOWN: usize = 128;
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(shown(name, SHOWN));
    text.extend_from_slice(b"', with args beginning with: ");
    let start = text.len();
    for arg in args {
        let used = text.len() - start;
        if used >= SHOWN {
            break;
        }
        text.push(b'\'');
        text.extend_from_slice(shown(arg, SHOWN - used));
        text.extend_from_slice(b"' ");
    }
    Error::text(text)
}

/// The second word of a request names no subcommand of the container that its first word names.
pub fn unknown_subcommand(container: &str, name: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(shown(name, 128));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(container.to_ascii_uppercase().as_bytes());
    text.extend_from_slice(b" HELP.");
    Error::text(text)
}

/// As [`unknown_subcommand`], where a handler looks at its arguments before it finds that out.
pub fn subcommand_syntax(container: &str, name: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
    text.extend_from_slice(shown(name, 128));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(container.to_ascii_uppercase().as_bytes());
    text.extend_from_slice(b" HELP.");
    Error::text(text)
}

/// The full name of a subcommand is `container|subcommand`.
pub fn wrong_arity(full_name: &str) -> Error {
    Error::text(format!("ERR wrong number of arguments for '{full_name}' command"))
}

/// `shown` text stops where a C string would, as it does in the reference's texts.
fn shown(text: &[u8], most: usize) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    &text[..end.min(most)]
}

/// `ERR <before><what the client said><after>`, cut where a C string would end. Line ends at the very
/// end are dropped; elsewhere the reply makes them spaces.
pub fn quoting(before: &str, said: &[u8], after: &str) -> Error {
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(before.as_bytes());
    text.extend_from_slice(shown(said, said.len()));
    text.extend_from_slice(after.as_bytes());
    while let Some(b'\r' | b'\n') = text.last() {
        text.pop();
    }
    Error::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_first_word() {
        assert_eq!(NOAUTH.code(), b"NOAUTH");
        assert_eq!(Error::fixed("ERR").code(), b"ERR");
    }

    #[test]
    fn an_unknown_command_is_shown_only_in_part() {
        let long = [b'y'; 200];
        let error = unknown_command(&long, [&long[..], &long[..]].into_iter());
        let text = error.to_string();
        assert_eq!(text.matches('y').count(), 128 + 128);
        assert_eq!(
            unknown_command(b"a\0b", std::iter::empty()).to_string(),
            "ERR unknown command 'a', with args beginning with: "
        );
    }
}
