//! Directives of replication and of clusters, which respd does not have: those that only tune it are remembered, those
//! that ask for it are refused.

use super::directive::{Class, Directive, fixed, recall, remember, unused};
use super::kind::{Checked, Integer, Kind, Memory, Names, Only, SignedMemory, Source, Text, YesNo};

const INT: Integer = Integer(0..=i32::MAX as i64);
const FROM_1: Integer = Integer(1..=i32::MAX as i64);
const COUNT: Integer = Integer(0..=i64::MAX);
const PORT: Integer = Integer(0..=u16::MAX as i64);
const BYTES: Memory = Memory(0..=i64::MAX as u64);

const ALONE: &str = "respd has no replicas";
const NO_REPLICA: &str = "respd is no replica";
const NO_CLUSTER: &str = "respd is not part of a cluster";
const NO_SOURCE: &str =
    "respd does not replicate: leave the line out, and copy the data with its snapshot";
const ONE_NODE: &str = "respd is not part of a cluster: leave the line out, and see docs/differences.md for what its clients may use";
const NO_WRITES: &str = "respd has no replicas, and would take no writes";

const ENDPOINTS: Names = Names(&["ip", "hostname", "unknown-endpoint"]);
const DISKLESS_LOADS: Names = Names(&["disabled", "on-empty-db", "swapdb", "flush-before-load"]);
const ERROR_BEHAVIOURS: Names = Names(&["ignore", "panic", "panic-on-replicas"]);

const HOST: Checked = Checked(is_host, "cluster-announce-ip contains invalid character");
const HOST_NAME: Checked =
    Checked(is_host_name, "Hostnames may only contain alphanumeric characters, hyphens or dots");
const NODE_NAME: Checked =
    Checked(is_node_name, "Announced human node name contained invalid character");
const IPV4: Checked = Checked(is_ipv4, "Invalid IPv4 address");
const IPV6: Checked = Checked(is_ipv6, "Invalid IPv6 address");

/// In the order of their names.
pub(super) const ROWS: &[Directive] = &[
    unused!("cluster-allow-pubsubshard-when-down", YesNo, true, NO_CLUSTER)
        .about("Sharded channels work while slots are missing."),
    unused!("cluster-allow-reads-when-down", YesNo, false, NO_CLUSTER)
        .about("Reads are served while slots are missing."),
    unused!("cluster-allow-replica-migration", YesNo, true, NO_CLUSTER)
        .about("Replicas move to primaries that have none."),
    unused!("cluster-announce-bus-port", PORT, 0, NO_CLUSTER)
        .about("The port of the cluster bus that other nodes are told."),
    unused!("cluster-announce-client-ipv4", IPV4, Vec::new(), NO_CLUSTER)
        .about("The IPv4 address that clients are told."),
    unused!("cluster-announce-client-ipv6", IPV6, Vec::new(), NO_CLUSTER)
        .about("The IPv6 address that clients are told."),
    unused!("cluster-announce-client-port", PORT, 0, NO_CLUSTER)
        .about("The port that clients are told."),
    unused!("cluster-announce-client-tls-port", PORT, 0, NO_CLUSTER)
        .about("The TLS port that clients are told."),
    unused!("cluster-announce-hostname", HOST_NAME, Vec::new(), NO_CLUSTER)
        .about("The host name of this node."),
    unused!("cluster-announce-human-nodename", NODE_NAME, Vec::new(), NO_CLUSTER)
        .about("The name of this node in logs."),
    unused!("cluster-announce-ip", HOST, Vec::new(), NO_CLUSTER)
        .about("The address that other nodes are told."),
    unused!("cluster-announce-port", PORT, 0, NO_CLUSTER)
        .about("The port that other nodes are told."),
    unused!("cluster-announce-tls-port", PORT, 0, NO_CLUSTER)
        .about("The TLS port that other nodes are told."),
    unused!("cluster-blacklist-ttl", Integer(0..=u32::MAX as i64), 60, NO_CLUSTER)
        .about("The seconds for which a forgotten node stays so."),
    unused!("cluster-compatibility-sample-ratio", Integer(0..=100), 0, NO_CLUSTER)
        .about("The percentage of commands that are checked for use in a cluster."),
    unused!("cluster-config-file", Text, b"nodes.conf".to_vec(), NO_CLUSTER)
        .immutable()
        .about("The file in which the cluster keeps its state."),
    unused!("cluster-config-save-behavior", Names(&["sync", "best-effort"]), "sync", NO_CLUSTER)
        .about("Whether a failure to write that file ends the server."),
    unused!("cluster-databases", FROM_1, 1, NO_CLUSTER)
        .immutable()
        .about("How many databases there are in a cluster."),
    fixed!("cluster-enabled", YesNo, false, ONE_NODE)
        .immutable()
        .about("Makes this server a node of a cluster."),
    unused!("cluster-link-sendbuf-limit", BYTES, 0, NO_CLUSTER)
        .about("The bytes that a link to a node may have to send."),
    unused!("cluster-manual-failover-timeout", FROM_1, 5000, NO_CLUSTER)
        .about("The milliseconds that a failover by hand may take."),
    unused!("cluster-message-gossip-perc", Integer(1..=100), 10, NO_CLUSTER)
        .hidden()
        .about("The percentage of nodes of which a message tells."),
    unused!("cluster-migration-barrier", INT, 1, NO_CLUSTER)
        .about("How many replicas a primary keeps before one moves."),
    unused!("cluster-node-timeout", COUNT, 15000, NO_CLUSTER)
        .about("The milliseconds after which a silent node is held to fail."),
    unused!("cluster-ping-interval", COUNT, 0, NO_CLUSTER)
        .hidden()
        .about("The milliseconds between messages to a node."),
    unused!("cluster-port", PORT, 0, NO_CLUSTER).immutable().about("The port of the cluster bus."),
    unused!("cluster-preferred-endpoint-type", ENDPOINTS, "ip", NO_CLUSTER)
        .about("How clients are told of nodes."),
    unused!("cluster-replica-no-failover", YesNo, false, NO_CLUSTER)
        .alias("cluster-slave-no-failover")
        .about("A replica never takes over by itself."),
    unused!("cluster-replica-validity-factor", INT, 10, NO_CLUSTER)
        .alias("cluster-slave-validity-factor")
        .about("How stale a replica may be that takes over."),
    unused!("cluster-require-full-coverage", YesNo, true, NO_CLUSTER)
        .about("No queries are served while slots are missing."),
    unused!("cluster-slot-migration-log-max-len", COUNT, 1000, NO_CLUSTER)
        .about("How many migrations of slots are remembered."),
    unused!("cluster-slot-stats-enabled", YesNo, false, NO_CLUSTER)
        .about("Counts what is done to each slot."),
    unused!("dual-channel-replication-enabled", YesNo, false, ALONE)
        .about("Sends snapshot and changes to a replica at once."),
    unused!("masterauth", Text, Vec::new(), NO_REPLICA)
        .alias("primaryauth")
        .secret()
        .about("The password for the server to replicate from."),
    unused!("masteruser", Text, Vec::new(), NO_REPLICA)
        .alias("primaryuser")
        .about("The user for the server to replicate from."),
    unused!("min-replicas-max-lag", INT, 10, ALONE)
        .alias("min-slaves-max-lag")
        .about("The seconds that a replica may lag behind to be counted."),
    fixed!("min-replicas-to-write", INT, 0, NO_WRITES)
        .alias("min-slaves-to-write")
        .about("How many replicas must be there for writes to be taken."),
    unused!("propagation-error-behavior", ERROR_BEHAVIOURS, "ignore", NO_REPLICA)
        .about("What follows when a change cannot be taken over."),
    unused!("rdb-del-sync-files", YesNo, false, ALONE)
        .about("Deletes snapshots that were made for replicas."),
    unused!("repl-backlog-size", Memory(1..=i64::MAX as u64), 10 << 20, ALONE)
        .about("The bytes of changes that are kept for replicas."),
    unused!("repl-backlog-ttl", COUNT, 3600, ALONE)
        .about("The seconds for which changes are kept when no replica is there."),
    unused!("repl-disable-tcp-nodelay", YesNo, false, ALONE)
        .about("Sends changes to replicas in larger packets."),
    unused!("repl-diskless-load", DISKLESS_LOADS, "disabled", NO_REPLICA)
        .about("How a replica loads what it is sent."),
    unused!("repl-diskless-sync", YesNo, true, ALONE)
        .about("Sends snapshots to replicas without a file."),
    unused!("repl-diskless-sync-delay", INT, 5, ALONE)
        .about("The seconds for which a snapshot waits for more replicas."),
    unused!("repl-diskless-sync-max-replicas", INT, 0, ALONE)
        .about("How many replicas a snapshot waits for."),
    unused!("repl-mptcp", YesNo, false, NO_REPLICA)
        .immutable()
        .about("Replicates over several paths of the network."),
    unused!("repl-ping-replica-period", FROM_1, 10, ALONE)
        .alias("repl-ping-slave-period")
        .about("The seconds between messages to a replica."),
    unused!("repl-rdb-channel", YesNo, false, ALONE)
        .hidden()
        .about("Sends snapshot and changes to a replica at once."),
    unused!("repl-timeout", FROM_1, 60, ALONE)
        .about("The seconds after which a silent link of replication is closed."),
    unused!("replica-announce-ip", Text, Vec::new(), NO_REPLICA)
        .alias("slave-announce-ip")
        .about("The address that the primary is told."),
    unused!("replica-announce-port", PORT, 0, NO_REPLICA)
        .alias("slave-announce-port")
        .about("The port that the primary is told."),
    unused!("replica-announced", YesNo, true, NO_REPLICA)
        .about("Sentinels are told of this replica."),
    unused!("replica-full-sync-buffer-limit", BYTES, 0, NO_REPLICA)
        .about("The bytes of changes that are kept while a snapshot loads."),
    unused!("replica-ignore-disk-write-errors", YesNo, false, NO_REPLICA)
        .about("A replica goes on when it cannot write to disk."),
    unused!("replica-ignore-maxmemory", YesNo, true, NO_REPLICA)
        .alias("slave-ignore-maxmemory")
        .about("A replica evicts only what its primary evicts."),
    unused!("replica-lazy-flush", YesNo, true, NO_REPLICA)
        .alias("slave-lazy-flush")
        .about("Frees the old data in the background."),
    unused!("replica-priority", INT, 100, NO_REPLICA)
        .alias("slave-priority")
        .about("How ready this replica is to take over."),
    unused!("replica-read-only", YesNo, true, NO_REPLICA)
        .alias("slave-read-only")
        .about("A replica refuses writes."),
    unused!("replica-serve-stale-data", YesNo, true, NO_REPLICA)
        .alias("slave-serve-stale-data")
        .about("A replica serves what it has while its link is down."),
    fixed!("replicaof", Source, Vec::new(), NO_SOURCE)
        .alias("slaveof")
        .list()
        .immutable()
        .about("The server to replicate from."),
    unused!("slot-migration-max-failover-repl-bytes", SignedMemory(-1), 0, NO_CLUSTER)
        .about("The bytes that may be left to send when a slot moves."),
];

fn is_host(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(byte))
}

fn is_host_name(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte))
}

fn is_node_name(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(byte))
}

fn is_ipv4(text: &[u8]) -> bool {
    text.is_empty()
        || std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::Ipv4Addr>().is_ok())
}

fn is_ipv6(text: &[u8]) -> bool {
    text.is_empty()
        || std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}
