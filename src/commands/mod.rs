//! The commands: one file per group, its rows on top, its handlers below.
//!
//! Adding a command is one row, one function and one transcript. A handler knows the world, its
//! arguments and its reply; it knows no socket and no poll. Everything that can be said in the row
//! (arity, flags, keys, categories) is said there and checked before the handler runs.

pub mod connection;
pub mod keyspace;
pub mod string;

use crate::dispatch::table::Group;

/// Every table, with the group that COMMAND DOCS gives its rows.
pub const GROUPS: &[Group] = &[
    ("connection", connection::TABLE),
    ("generic", keyspace::TABLE),
    ("string", string::TABLE),
];
