//! The types of values: what can be read of each, and what can be changed.
//!
//! [`string`], [`list`], [`hash`], [`set`] and [`zset`] are the types; [`geo`] is about places as the scores of
//! sorted sets, and [`hyperloglog`] about counters of different elements, which are kept in strings.

pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod set;
pub mod string;
pub mod zset;
