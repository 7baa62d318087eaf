//! What those are told who hand in values as payloads.

use super::Error;

pub const BAD_PAYLOAD: Error = Error::fixed("ERR DUMP payload version or checksum are wrong");
pub const BAD_FORMAT: Error = Error::fixed("ERR Bad data format");
pub const BUSYKEY: Error = Error::fixed("BUSYKEY Target key name already exists.");
pub const INVALID_TTL: Error = Error::fixed("ERR Invalid TTL value, must be >= 0");
pub const INVALID_IDLETIME: Error = Error::fixed("ERR Invalid IDLETIME value, must be >= 0");
pub const INVALID_FREQ: Error = Error::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");
