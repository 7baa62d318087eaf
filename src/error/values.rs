//! What a client is told of payloads: DUMP, RESTORE, MIGRATE.

use super::Error;

pub const BAD_PAYLOAD: Error = Error::fixed("ERR DUMP payload version or checksum are wrong");
pub const BAD_FORMAT: Error = Error::fixed("ERR Bad data format");
pub const BUSYKEY: Error = Error::fixed("BUSYKEY Target key name already exists.");
pub const INVALID_TTL: Error = Error::fixed("ERR Invalid TTL value, must be >= 0");
pub const INVALID_IDLETIME: Error = Error::fixed("ERR Invalid IDLETIME value, must be >= 0");
pub const INVALID_FREQ: Error = Error::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");

pub const NO_CONNECTION: Error = Error::fixed("IOERR error or timeout connecting to the client");
pub const WRITE_FAILED: Error = Error::fixed("IOERR error or timeout writing to target instance");
pub const READ_FAILED: Error = Error::fixed("IOERR error or timeout reading to target instance");
pub const KEY_AND_KEYS: Error = Error::fixed(
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);

/// Another server has replied with an error: this one, without the byte that begins it.
pub fn target_replied(error: &[u8]) -> Error {
    Error::text([b"ERR Target instance replied with error: ", error].concat())
}
