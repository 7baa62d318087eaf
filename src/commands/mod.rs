//! The commands: one file per group, its rows on top, its handlers below.
//!
//! Adding a command is one row, one function and one transcript. A handler knows the world, its
//! arguments and its reply; it knows no socket and no poll. Everything that can be said in the row
//! (arity, flags, keys, categories) is said there and checked before the handler runs.

pub mod client;
pub mod cluster;
pub mod command;
pub mod config;
pub mod connection;
pub mod debug;
pub mod info;
pub mod keyspace;
pub mod server;
pub mod string;

use crate::dispatch::table::Group;

/// Every table, with the group that COMMAND DOCS gives its rows.
pub const GROUPS: &[Group] = &[
    ("cluster", cluster::TABLE),
    ("connection", client::TABLE),
    ("connection", connection::TABLE),
    ("generic", keyspace::TABLE),
    ("server", keyspace::DATABASES),
    ("server", command::TABLE),
    ("server", config::TABLE),
    ("server", debug::TABLE),
    ("server", info::TABLE),
    ("server", server::TABLE),
    ("string", string::TABLE),
];
