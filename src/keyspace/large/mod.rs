//! The large forms of values: what a collection becomes when it has outgrown its compact form.
//!
//! They know their elements and nothing of keys. [`crate::keyspace::value`] makes one type of them.

pub mod hash;
pub mod list;
mod name;
pub mod set;
pub mod string;
pub mod zset;
