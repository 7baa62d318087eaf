//! What commands on bitmaps are told.

use super::Error;

pub const BIT: Error = Error::fixed("ERR bit is not an integer or out of range");
pub const BIT_OFFSET: Error = Error::fixed("ERR bit offset is not an integer or out of range");
pub const BITPOS_BIT: Error = Error::fixed("ERR The bit argument must be 1 or 0.");
pub const BITOP_NOT: Error = Error::fixed("ERR BITOP NOT must be called with a single source key.");
pub const BITOP_DIFF: Error =
    Error::fixed("ERR BITOP DIFF must be called with at least two source keys.");
pub const BITOP_DIFF1: Error =
    Error::fixed("ERR BITOP DIFF1 must be called with at least two source keys.");
pub const BITOP_ANDOR: Error =
    Error::fixed("ERR BITOP ANDOR must be called with at least two source keys.");
pub const BITFIELD_TYPE: Error = Error::fixed(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);
pub const BITFIELD_OVERFLOW: Error = Error::fixed("ERR Invalid OVERFLOW type specified");
pub const BITFIELD_RO_WRITES: Error =
    Error::fixed("ERR BITFIELD_RO only supports the GET subcommand");
