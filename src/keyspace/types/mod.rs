//! The types of values: what can be read of each, and what can be changed.
//!
//! [`string`], [`list`], [`hash`], [`set`], [`zset`] and [`stream`] are the types; [`geo`] is about places as the scores of
//! sorted sets, and [`hyperloglog`] about counters of different elements, which are kept in strings.

pub(crate) mod geo;
pub(crate) mod hash;
pub(crate) mod hyperloglog;
pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod stream;
pub(crate) mod string;
pub(crate) mod zset;
