//! The commands: one file per group, its rows on top, its handlers below.
//!
//! Adding a command is one row, one function and one transcript. A handler knows the world, its
//! arguments and its reply; it knows no socket and no poll. Everything that can be said in the row
//! (arity, flags, keys, categories) is said there and checked before the handler runs.

pub mod acl;
pub mod arguments;
pub mod bitmap;
pub mod client;
pub mod cluster;
pub mod command;
pub mod commandlog;
pub mod config;
pub mod connection;
pub mod debug;
pub mod expiry;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod info;
pub mod keyspace;
pub mod latency;
pub mod list;
pub mod memory;
pub mod monitor;
pub mod object;
pub mod pubsub;
pub mod replication;
pub mod scan;
pub mod server;
pub mod set;
pub mod sort;
pub mod sorted_set;
pub mod string;
pub mod transactions;

use crate::dispatch::table::Group;

/// Every table, with the group that COMMAND DOCS gives its rows.
pub const GROUPS: &[Group] = &[
    ("bitmap", bitmap::field::TABLE),
    ("bitmap", bitmap::TABLE),
    ("cluster", cluster::TABLE),
    ("connection", client::TABLE),
    ("connection", connection::TABLE),
    ("generic", expiry::TABLE),
    ("generic", keyspace::TABLE),
    ("generic", object::TABLE),
    ("generic", replication::TABLE),
    ("generic", scan::TABLE),
    ("generic", sort::TABLE),
    ("geo", geo::TABLE),
    ("hash", hash::TABLE),
    ("hash", hash::expiry::TABLE),
    ("hyperloglog", hyperloglog::TABLE),
    ("list", list::TABLE),
    ("pubsub", pubsub::TABLE),
    ("server", acl::TABLE),
    ("server", command::TABLE),
    ("server", commandlog::TABLE),
    ("server", config::TABLE),
    ("server", debug::TABLE),
    ("server", info::TABLE),
    ("server", keyspace::DATABASES),
    ("server", latency::TABLE),
    ("server", memory::TABLE),
    ("server", monitor::TABLE),
    ("server", server::TABLE),
    ("set", set::TABLE),
    ("sorted-set", sorted_set::TABLE),
    ("string", string::lcs::TABLE),
    ("string", string::TABLE),
    ("string", string::numbers::TABLE),
    ("transactions", transactions::TABLE),
];
