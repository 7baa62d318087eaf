//! The large forms of values: what a collection becomes when it has outgrown its compact form.
//!
//! They know their elements and nothing of keys. [`crate::keyspace::value`] makes one type of them.

pub(crate) mod hash;
pub(crate) mod kept;
pub(crate) mod list;
mod name;
pub(crate) mod set;
pub(crate) mod stream;
pub(crate) mod string;
pub(crate) mod zset;
