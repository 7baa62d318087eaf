//! What the commands on strings say when they fail.

use super::Error;

pub const OVERFLOW: Error = Error::fixed("ERR increment or decrement would overflow");
pub const DECREMENT_OVERFLOW: Error = Error::fixed("ERR decrement would overflow");
pub const NOT_FINITE: Error = Error::fixed("ERR increment would produce NaN or Infinity");
pub const OFFSET: Error = Error::fixed("ERR offset is out of range");
pub const STRING_TOO_LONG: Error =
    Error::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
pub const NUMKEYS: Error = Error::fixed("ERR invalid numkeys value or out of range");
pub const LCS_TYPE: Error = Error::fixed("ERR The specified keys must contain string values");
pub const LCS_LEN_AND_IDX: Error =
    Error::fixed("ERR If you want both the length and indexes, please just use IDX.");
pub const LCS_MEMORY: Error =
    Error::fixed("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
