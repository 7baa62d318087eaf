//! The commands: one file per group, its rows on top, its handlers below.
//!
//! Adding a command is one row, one function and one transcript. A handler knows the world, its
//! arguments and its reply; it knows no socket and no poll. Everything that can be said in the row
//! (arity, flags, keys, categories) is said there and checked before the handler runs.
//!
//! The book: chapter 5, A command is a row (`book/src/05-a-command-is-a-row.md`).

mod acl;
mod arguments;
mod bitmap;
mod client;
mod cluster;
mod command;
mod commandlog;
mod config;
pub mod connection;
mod debug;
mod expiry;
mod geo;
mod hash;
mod hyperloglog;
mod info;
mod keyspace;
mod latency;
mod list;
mod memory;
mod migrate;
mod monitor;
mod object;
mod persistence;
mod pubsub;
mod replication;
mod scan;
mod sentinel;
mod server;
mod set;
mod sort;
mod sorted_set;
mod stage;
mod stream;
mod string;
mod transactions;
mod values;

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
    ("generic", values::TABLE),
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
    ("server", persistence::TABLE),
    ("server", replication::COPIES),
    ("server", server::TABLE),
    ("server", values::IN_CLUSTER),
    ("set", set::TABLE),
    ("sorted-set", sorted_set::TABLE),
    ("stream", stream::TABLE),
    ("stream", stream::group::TABLE),
    ("string", string::lcs::TABLE),
    ("string", string::TABLE),
    ("string", string::numbers::TABLE),
    ("transactions", transactions::TABLE),
];

/// Those of them that know no key: what is left of a server that has an engine of its own.
pub const CONNECTION_LAYER: &[Group] = &[
    ("connection", client::TABLE),
    ("connection", connection::TABLE),
    ("pubsub", pubsub::TABLE),
    ("server", acl::TABLE),
    ("server", command::TABLE),
    ("server", commandlog::TABLE),
    ("server", config::TABLE),
    ("server", info::TABLE),
    ("server", latency::TABLE),
    ("server", monitor::TABLE),
    ("server", server::TABLE),
    ("transactions", transactions::TABLE),
];

/// The tables of a server that a test may drive.
pub const ON_STAGE: &[Group] = &[("sentinel", sentinel::TABLE), ("stage", stage::TABLE)];
