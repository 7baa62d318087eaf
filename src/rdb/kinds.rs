//! The bytes that say what a value is and how it is written.

pub(super) const STRING: u8 = 0;
pub(super) const LIST: u8 = 1;
pub(super) const SET: u8 = 2;
/// With scores in digits.
pub(super) const OLD_ZSET: u8 = 3;
pub(super) const HASH: u8 = 4;
/// With scores as the eight bytes of a double.
pub(super) const ZSET: u8 = 5;
/// A value of a module's type, as it was before they were released, and as it is.
pub(super) const OLD_MODULE: u8 = 6;
pub(super) const MODULE: u8 = 7;
pub(super) const HASH_ZIPMAP: u8 = 9;
pub(super) const LIST_ZIPLIST: u8 = 10;
pub(super) const SET_INTSET: u8 = 11;
pub(super) const ZSET_ZIPLIST: u8 = 12;
pub(super) const HASH_ZIPLIST: u8 = 13;
/// A list of ziplists.
pub(super) const OLD_QUICKLIST: u8 = 14;
/// Without the first id, what was deleted, and how much was ever added or read.
pub(super) const STREAM_1: u8 = 15;
pub(super) const HASH_LISTPACK: u8 = 16;
pub(super) const ZSET_LISTPACK: u8 = 17;
/// A list of listpacks and of elements that have a node of their own.
pub(super) const QUICKLIST: u8 = 18;
/// Without the time at which a consumer last got something.
pub(super) const STREAM_2: u8 = 19;
pub(super) const SET_LISTPACK: u8 = 20;
pub(super) const STREAM: u8 = 21;
/// With the time at which each field expires: Valkey 9.
pub(super) const HASH_EXPIRING: u8 = 22;
/// The same in Redis since 7.4, each time as how long after the first.
pub(super) const REDIS_HASH_EXPIRING: u8 = 24;
/// The same as a listpack of names, values and times.
pub(super) const REDIS_HASH_LISTPACK_EXPIRING: u8 = 25;

/// How a node of a list is written.
pub(super) const NODE_PLAIN: usize = 1;
pub(super) const NODE_PACKED: usize = 2;

/// The time at which a field expires that never does, and at which a consumer was active that never was.
pub(super) const NEVER: i64 = -1;
