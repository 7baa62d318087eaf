//! The commands of a cluster, which respd is never part of: ASKING CLUSTER READONLY READWRITE.
//!
//! Clients find out with CLUSTER whether they talk to one. They are told no in the words of the
//! reference, which first looks whether there is such a subcommand and counts its arguments. Only
//! where a key would be any client may ask. But where a test has made ports nodes of a cluster
//! ([`crate::stage::nodes`]), the clients of those are told what it is like: `topology` has how it is
//! described, `keys` what is in a slot, `change` what a client may change.

mod change;
mod keys;
mod topology;

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::category::{CONNECTION, KEYSPACE};
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::{Databases, Spec};
use crate::error::{self, Error};
use crate::stage::nodes::{Node, Nodes};
use crate::stage::slots::slot;
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("asking", 1, FAST, asking).acl(CONNECTION).doc(
        "3.0.0",
        "O(1)",
        "",
        "Says that the next command follows an -ASK redirection.",
    ),
    Spec::container("cluster", CLUSTER).doc(
        "3.0.0",
        "Depends on the subcommand.",
        "",
        "Commands about a cluster of servers.",
    ),
    Spec::new("readonly", 1, LOADING | STALE | FAST, readonly).acl(CONNECTION).doc(
        "3.0.0",
        "O(1)",
        "",
        "Lets the connection read from a node that is a replica.",
    ),
    Spec::new("readwrite", 1, LOADING | STALE | FAST, readwrite).acl(CONNECTION).doc(
        "3.0.0",
        "O(1)",
        "",
        "Takes back READONLY.",
    ),
];

const CLUSTER: &[Spec] = &[
    Spec::new("addslots", -3, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "3.0.0",
        "O(N), N being the number of slots given",
        "slot...",
        "Gives slots to this node.",
    ),
    Spec::new("addslotsrange", -4, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "7.0.0",
        "O(N), N being the number of slots in the ranges",
        "(range: start-slot end-slot)...",
        "Gives ranges of slots to this node.",
    ),
    Spec::new("bumpepoch", 2, ADMIN | STALE | NO_ASYNC_LOADING, change::cluster_bumpepoch)
        .tips(&["nondeterministic_output"])
        .doc("3.0.0", "O(1)", "", "Raises the epoch of the cluster's configuration."),
    Spec::new("cancelslotmigrations", 2, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "9.0.0",
        "O(N), N being the number of migrations stopped",
        "",
        "Stops the slot migrations that are under way.",
    ),
    Spec::new("count-failure-reports", 3, ADMIN | STALE, topology::cluster_count_failure_reports)
        .tips(&["nondeterministic_output"])
        .doc(
            "3.0.0",
            "O(N), N being the number of reports",
            "node-id",
            "Counts the reports that a node has failed.",
        )
        .history(&[("9.0.0", "A node already held to have failed gathers no more reports.")]),
    Spec::new("countkeysinslot", 3, STALE, keys::cluster_countkeysinslot).doc(
        "3.0.0",
        "O(1)",
        "slot",
        "Counts the keys in a slot.",
    ),
    Spec::new("delslots", -3, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "3.0.0",
        "O(N), N being the number of slots given",
        "slot...",
        "Takes slots away from this node.",
    ),
    Spec::new("delslotsrange", -4, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "7.0.0",
        "O(N), N being the number of slots in the ranges",
        "(range: start-slot end-slot)...",
        "Takes ranges of slots away from this node.",
    ),
    Spec::new("failover", -2, ADMIN | STALE | NO_ASYNC_LOADING, change::cluster_failover).doc(
        "3.0.0",
        "O(1)",
        "[options: FORCE | TAKEOVER]",
        "Makes this replica take over from its primary.",
    ),
    Spec::new("flushslot", -3, WRITE | ADMIN | NO_ASYNC_LOADING, keys::cluster_flushslot)
        .acl(KEYSPACE)
        .databases(Databases::All)
        .doc(
            "9.0.0",
            "O(N), N being the number of keys in the slot",
            "slot [flush-type: ASYNC | SYNC]",
            "Removes every key of a slot.",
        ),
    Spec::new("flushslots", 2, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "3.0.0",
        "O(1)",
        "",
        "Takes all slots away from this node.",
    ),
    Spec::new("forget", 3, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "3.0.0",
        "O(1)",
        "node-id",
        "Removes a node from the table of known nodes.",
    ),
    Spec::new("getkeysinslot", 4, STALE, keys::cluster_getkeysinslot)
        .tips(&["nondeterministic_output"])
        .doc(
            "3.0.0",
            "O(N), N being the number of keys asked for",
            "slot count",
            "Returns keys of a slot.",
        ),
    Spec::new(
        "getslotmigrations",
        2,
        ADMIN | STALE | NO_ASYNC_LOADING,
        change::cluster_getslotmigrations,
    )
    .doc(
        "9.0.0",
        "O(N), N being the number of migrations",
        "",
        "Reports on slot migrations, running and just ended.",
    ),
    Spec::new("help", 2, LOADING | STALE, cluster_help).doc(
        "5.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("info", 2, LOADING | STALE, topology::cluster_info)
        .tips(&["nondeterministic_output"])
        .doc("3.0.0", "O(1)", "", "Reports on the cluster as this node sees it."),
    Spec::new("keyslot", 3, STALE, cluster_keyslot).doc(
        "3.0.0",
        "O(N), N being the length of the key in bytes",
        "key:string",
        "Returns the slot of a key.",
    ),
    Spec::new("links", 2, STALE, topology::cluster_links).tips(&["nondeterministic_output"]).doc(
        "7.0.0",
        "O(N), N being the number of nodes",
        "",
        "Lists the connections of this node to its peers.",
    ),
    Spec::new("meet", -4, ADMIN | STALE | NO_ASYNC_LOADING, change::refused)
        .doc(
            "3.0.0",
            "O(1)",
            "ip port [cluster-bus-port:integer]@4.0",
            "Introduces another node to this one.",
        )
        .history(&[("4.0.0", "Takes the bus port.")]),
    Spec::new("migrateslots", -4, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "9.0.0",
        "O(N), N being the number of slots in the ranges",
        "(migration-group: (slotsrange-token: SLOTSRANGE) (range: start-slot end-slot)... \
        (node-token: NODE) node-id)...",
        "Moves slots from this node to others.",
    ),
    Spec::new("myid", 2, LOADING | STALE, topology::cluster_myid).doc(
        "3.0.0",
        "O(1)",
        "",
        "Returns the id of this node.",
    ),
    Spec::new("myshardid", 2, LOADING | STALE, topology::cluster_myshardid)
        .tips(&["nondeterministic_output"])
        .doc("7.2.0", "O(1)", "", "Returns the id of this node's shard."),
    Spec::new("nodes", 2, LOADING | STALE, topology::cluster_nodes)
        .tips(&["nondeterministic_output"])
        .doc(
            "3.0.0",
            "O(N), N being the number of nodes",
            "",
            "Describes the nodes, one per line.",
        ),
    Spec::new("replicas", 3, ADMIN | STALE, topology::cluster_replicas)
        .tips(&["nondeterministic_output"])
        .doc(
            "5.0.0",
            "O(N), N being the number of replicas",
            "node-id",
            "Lists the replicas of a primary.",
        ),
    Spec::new("replicate", -3, ADMIN | STALE | NO_ASYNC_LOADING, change::refused)
        .doc(
            "3.0.0",
            "O(1)",
            "(args: node-id | (no-one: NO ONE)@9.0)",
            "Makes this node the replica of another, or of none.",
        )
        .history(&[("9.0.0", "`NO ONE` in place of a node detaches the replica.")]),
    Spec::new("reset", -2, ADMIN | NOSCRIPT | STALE, change::refused).doc(
        "3.0.0",
        "O(N), N being the number of known nodes, and the cost of FLUSHALL where it applies",
        "[reset-type: HARD | SOFT]",
        "Makes this node forget the cluster.",
    ),
    Spec::new("saveconfig", 2, ADMIN | STALE | NO_ASYNC_LOADING, change::cluster_saveconfig).doc(
        "3.0.0",
        "O(1)",
        "",
        "Writes the configuration of the cluster to disk.",
    ),
    Spec::new("set-config-epoch", 3, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).doc(
        "3.0.0",
        "O(1)",
        "config-epoch:integer",
        "Sets the configuration epoch of a new node.",
    ),
    Spec::new("setslot", -4, ADMIN | STALE | NO_ASYNC_LOADING, change::refused)
        .doc(
            "3.0.0",
            "O(1)",
            "slot (subcommand: IMPORTING importing<node-id> | MIGRATING migrating<node-id> \
            | NODE node<node-id> | STABLE) [TIMEOUT timeout:integer]@8.0",
            "Assigns a slot, or marks it as on the move.",
        )
        .history(&[("8.0.0", "Option `TIMEOUT`.")]),
    Spec::new("shards", 2, LOADING | STALE, topology::cluster_shards)
        .tips(&["nondeterministic_output"])
        .doc(
            "7.0.0",
            "O(N), N being the number of nodes",
            "",
            "Describes the shards, their slots and nodes.",
        )
        .history(&[("9.1.0", "Each shard has an `id` and each node an `availability-zone`.")]),
    Spec::new("slaves", 3, ADMIN | STALE, topology::cluster_replicas)
        .tips(&["nondeterministic_output"])
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .doc(
            "3.0.0",
            "O(N), N being the number of replicas",
            "node-id",
            "Lists the replicas of a primary, under the old name.",
        ),
    Spec::new("slot-stats", -4, LOADING | STALE, keys::cluster_slot_stats)
        .tips(&["nondeterministic_output", "request_policy:all_shards"])
        .doc(
            "8.0.0",
            "O(N), N being the number of slots asked for; O(N*log(N)) in an order",
            "(filter: SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit:integer] \
            [order: ASC | DESC])",
            "Returns how much each slot of this node is used.",
        ),
    Spec::new("slots", 2, LOADING | STALE, topology::cluster_slots)
        .tips(&["nondeterministic_output"])
        .doc(
            "3.0.0",
            "O(N), N being the number of nodes",
            "",
            "Says which nodes serve which slots.",
        )
        .history(&[
            ("4.0.0", "Each node has its id."),
            ("7.0.0", "Each node has a map of further addresses."),
            ("9.1.0", "The map has an `availability-zone`."),
        ]),
    Spec::new("syncslots", -3, ADMIN | STALE | NO_ASYNC_LOADING, change::refused).system().doc(
        "9.0.0",
        "Depends on the subcommand.",
        "",
        "Commands that nodes send each other while slots move.",
    ),
];

/// The cluster, the node of it that the client is connected to, and the reply.
fn cluster<'c>(ctx: &'c mut Ctx<'_>) -> Result<(&'c Nodes, &'c Node, &'c mut Reply), Error> {
    let Ctx { world, reply, slot, .. } = ctx;
    let node = world.cluster_node_of(*slot).ok_or(error::CLUSTER_DISABLED)?;
    Ok((world.nodes().ok_or(error::CLUSTER_DISABLED)?, node, reply))
}

/// CLUSTER HELP
fn cluster_help(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?;
    help(ctx, args)
}

/// CLUSTER KEYSLOT key
fn cluster_keyslot(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.int(slot(&args[2]).into());
    Ok(())
}

/// ASKING
///
/// Said of the next command, or of the transaction that begins with it.
fn asking(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?;
    if ctx.frame.may_wait() {
        ctx.client_mut().session_mut().asking = 2;
    }
    ctx.reply.ok();
    Ok(())
}

/// READONLY
///
/// Outside a cluster it changes nothing; Redis refuses it there.
fn readonly(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    read_replica(ctx, true)
}

/// READWRITE
fn readwrite(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    read_replica(ctx, false)
}

fn read_replica(ctx: &mut Ctx<'_>, reads: bool) -> Result<(), Error> {
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        ctx.client_mut().session_mut().reads_replica = reads;
    } else if ctx.world.config.persona.is_redis() {
        return Err(error::CLUSTER_DISABLED);
    }
    ctx.reply.ok();
    Ok(())
}
