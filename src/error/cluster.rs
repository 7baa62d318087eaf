//! What clients of a cluster, of a replica and of a Sentinel are told.

use super::Error;

pub const CLUSTER_DISABLED: Error = Error::fixed("ERR This instance has cluster support disabled");
pub const SHUTDOWN_FAILOVER: Error =
    Error::fixed("ERR SHUTDOWN FAILOVER is only supported in cluster mode.");
pub const CROSSSLOT: Error = Error::fixed("CROSSSLOT Keys in request don't hash to the same slot");
pub const TRYAGAIN: Error = Error::fixed("TRYAGAIN Multiple keys request during rehashing of slot");
pub const CLUSTERDOWN: Error = Error::fixed("CLUSTERDOWN The cluster is down");
/// `cluster-allow-reads-when-down` is on, and the command may write.
pub const CLUSTER_READONLY: Error =
    Error::fixed("CLUSTERDOWN The cluster is down and only accepts read commands");
pub const SLOT_NOT_SERVED: Error = Error::fixed("CLUSTERDOWN Hash slot not served");

/// The slot is served there.
pub fn moved(slot: u16, host: &str, port: u16) -> Error {
    Error::text(format!("MOVED {slot} {host}:{port}"))
}

/// The slot is on its way there, and so may be the key.
pub fn ask(slot: u16, host: &str, port: u16) -> Error {
    Error::text(format!("ASK {slot} {host}:{port}"))
}

impl Error {
    /// Returns whether the cluster has refused the command: another node has its keys, or none has.
    pub(crate) fn is_of_cluster(&self) -> bool {
        matches!(self.code(), b"MOVED" | b"ASK" | b"CROSSSLOT" | b"TRYAGAIN" | b"CLUSTERDOWN")
    }
}

// What a script is told, as Valkey words it and as Redis does.

pub const NOT_AT_THIS_NODE: Error =
    Error::fixed("ERR Attempted to access a non local key in a cluster node");
pub const REDIS_NOT_AT_THIS_NODE: Error =
    Error::fixed("ERR Script attempted to access a non local key in a cluster node");
pub const REDIS_DOWN_IN_SCRIPT: Error =
    Error::fixed("ERR Script attempted to execute a command while the cluster is down");
pub const REDIS_READONLY_IN_SCRIPT: Error = Error::fixed(
    "ERR Script attempted to execute a write command while the cluster is down and readonly",
);
pub const SCRIPT_CROSSES_SLOTS: Error =
    Error::fixed("ERR Script attempted to access keys that do not hash to the same slot");
pub const NO_CLUSTER_SCRIPT: Error =
    Error::fixed("ERR Can not run script on cluster, 'no-cluster' flag is set.");

/// The cluster is down.
pub fn down_in_script(full_name: &str) -> Error {
    Error::text(format!("ERR Can not execute a command '{full_name}' while the cluster is down"))
}

/// The cluster is down, and lets clients read.
pub fn readonly_in_script(full_name: &str) -> Error {
    Error::text(format!(
        "ERR Can not execute a write command '{full_name}' while the cluster is down and readonly"
    ))
}

/// One command has keys in several slots.
pub fn redis_crossslot_in_script(full_name: &str) -> Error {
    Error::text(format!(
        "ERR Command '{full_name}' in script attempted to access keys that don't hash to the same slot"
    ))
}

pub const READONLY_REPLICA: Error =
    Error::fixed("READONLY You can't write against a read only replica.");
/// A client waits on a primary that becomes a replica.
pub const UNBLOCKED_BY_ROLE: Error = Error::fixed(
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
);
pub const WAIT_ON_REPLICA: Error = Error::fixed(
    "ERR WAIT cannot be used with replica instances. Please also note that if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
);
pub const WAITAOF_ON_REPLICA: Error = Error::fixed(
    "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.",
);

pub const SWAPDB_IN_CLUSTER: Error = Error::fixed("ERR SWAPDB is not allowed in cluster mode");
pub const SORT_BY_IN_CLUSTER: Error = Error::fixed(
    "ERR BY option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.",
);
pub const SORT_GET_IN_CLUSTER: Error = Error::fixed(
    "ERR GET option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.",
);
pub const INVALID_SLOT: Error = Error::fixed("ERR Invalid slot");
pub const INVALID_OR_OUT_OF_RANGE_SLOT: Error = Error::fixed("ERR Invalid or out of range slot");
pub const INVALID_SLOT_OR_COUNT: Error = Error::fixed("ERR Invalid slot or number of keys");
pub const FAILOVER_OF_PRIMARY: Error =
    Error::fixed("ERR You should send CLUSTER FAILOVER to a replica");
pub const FAILOVER_OF_FAILED_PRIMARY: Error =
    Error::fixed("ERR Master is down or failed, please use CLUSTER FAILOVER FORCE");
pub const REPLICAS_OF_REPLICA: Error = Error::fixed("ERR The specified node is not a master");

/// No node of the cluster has this id.
pub fn unknown_node(id: &[u8]) -> Error {
    super::quoting("Unknown node ", id, "")
}

// Sentinels.

pub const NO_SUCH_GROUP: Error = Error::fixed("ERR No such master with that name");
pub const NO_GOOD_REPLICA: Error = Error::fixed("NOGOODSLAVE No suitable replica to promote");
pub const HELLO_MESSAGES_ONLY: Error =
    Error::fixed("ERR Only HELLO messages are accepted by Sentinel instances.");
