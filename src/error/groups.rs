//! What commands on the consumer groups of streams are told.

use super::{Error, shown};

pub const BUSYGROUP: Error = Error::fixed("BUSYGROUP Consumer Group name already exists");
pub const GROUP_NEEDS_A_KEY: Error = Error::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);
pub const ENTRIES_READ_NEGATIVE: Error =
    Error::fixed("ERR value for ENTRIESREAD must be positive or -1");
pub const GROUP_MISSING: Error = Error::fixed("ERR Missing GROUP option for XREADGROUP");

/// A group of a stream, or the stream.
pub fn no_group(key: &[u8], group: &[u8]) -> Error {
    nogroup("No such key '", key, "' or consumer group '", group, "'")
}

/// As [`no_group`], where a consumer reads.
pub fn no_group_to_read_for(key: &[u8], group: &[u8]) -> Error {
    let end = "' in XREADGROUP with GROUP option";
    nogroup("No such key '", key, "' or consumer group '", group, end)
}

/// A group of a stream that is there.
pub fn no_group_of(key: &[u8], group: &[u8]) -> Error {
    nogroup("No such consumer group '", group, "' for key name '", key, "'")
}

fn nogroup(before: &str, one: &[u8], between: &str, other: &[u8], after: &str) -> Error {
    let mut text = b"NOGROUP ".to_vec();
    text.extend_from_slice(before.as_bytes());
    text.extend_from_slice(shown(one, one.len()));
    text.extend_from_slice(between.as_bytes());
    text.extend_from_slice(shown(other, other.len()));
    text.extend_from_slice(after.as_bytes());
    Error::text(text)
}

/// `$` or `+` has no meaning to a consumer.
pub fn meaningless_in_xreadgroup(symbol: &str) -> Error {
    Error::text(format!(
        "ERR The {symbol} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The {symbol} ID would just return an empty result set."
    ))
}

/// The idle time that entries are to have is no number.
pub fn invalid_min_idle_time(command: &str) -> Error {
    Error::text(format!("ERR Invalid min-idle-time argument for {command}"))
}

/// The value of an option of XCLAIM is no number.
pub fn invalid_claim_option(option: &str) -> Error {
    Error::text(format!("ERR Invalid {option} option argument for XCLAIM"))
}

/// What follows the ids of XCLAIM is none of its options.
pub fn unknown_claim_option(word: &[u8]) -> Error {
    super::quoting("Unrecognized XCLAIM option '", word, "'")
}
