//! What a test is told that drives the server.

use super::Error;

pub const STAGE_NOT_ALLOWED: Error = Error::fixed(
    "ERR STAGE command not allowed. If the enable-stage-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

// STAGE NODE and STAGE SENTINEL.

pub const NO_MORE_NODES: Error =
    Error::fixed("ERR there are 64 of them, which is as many as may be");
pub const STAGE_NAME: Error =
    Error::fixed("ERR a name is of 1 to 64 printable characters, without spaces and without '='");
pub const STAGE_PORT: Error = Error::fixed("ERR PORT takes a number from 1 to 65535");
pub const STAGE_QUORUM: Error = Error::fixed("ERR QUORUM takes a number from 1 to 64");
pub const STAGE_SLOTS: Error =
    Error::fixed("ERR SLOTS takes slots from 0 to 16383, and ranges of them: 0-5460 5462");
pub const SLOTS_OF_A_REPLICA: Error = Error::fixed(
    "ERR a replica serves the slots of its primary: SLOTS and REPLICA-OF go not together",
);
pub const MASTER_IS_MISSING: Error = Error::fixed("ERR SENTINEL ADD takes MASTER group");
pub const STAGE_CHANGES_THE_CLUSTER: Error =
    Error::fixed("ERR this cluster is a stage's: STAGE NODE is what changes it");

pub const STAGE_CHANGES_SENTINELS: Error =
    Error::fixed("ERR this Sentinel is a stage's: STAGE SENTINEL is what changes it");

/// A node or a Sentinel has the name already.
pub fn name_is_taken(name: &str) -> Error {
    Error::text(format!("ERR there is a node or a Sentinel '{name}' already"))
}

/// A node or a Sentinel has the port already.
pub fn port_is_taken(port: u16, name: &str) -> Error {
    Error::text(format!("ERR port {port} is that of '{name}'"))
}

/// There can be no listener.
pub fn cannot_listen(why: &dyn std::fmt::Display) -> Error {
    Error::text(format!("ERR cannot listen there: {why}"))
}

/// What STAGE names is not there.
pub fn no_such_node(name: &[u8]) -> Error {
    super::quoting("there is no node '", name, "'")
}

pub fn no_such_sentinel(name: &[u8]) -> Error {
    super::quoting("there is no Sentinel '", name, "'")
}

pub fn slot_is_taken(slot: u16, name: &str) -> Error {
    Error::text(format!("ERR slot {slot} is served by '{name}'"))
}

pub fn slot_is_nobodys(slot: u16) -> Error {
    Error::text(format!("ERR slot {slot} is served by no node"))
}

pub fn is_a_replica(name: &str) -> Error {
    Error::text(format!("ERR '{name}' is a replica, and a primary is asked for"))
}

pub fn is_a_primary(name: &str) -> Error {
    Error::text(format!("ERR '{name}' is a primary, and a replica is asked for"))
}

pub fn is_down(name: &str) -> Error {
    Error::text(format!("ERR '{name}' is down"))
}

pub fn is_up(name: &str) -> Error {
    Error::text(format!("ERR '{name}' is up"))
}

pub fn has_the_slot(name: &str, slot: u16) -> Error {
    Error::text(format!("ERR '{name}' serves slot {slot} already"))
}

pub fn has_replicas(name: &str) -> Error {
    Error::text(format!("ERR '{name}' has replicas, which have to be deleted before it"))
}

pub fn is_watched(name: &str, sentinel: &str) -> Error {
    Error::text(format!("ERR '{name}' is what Sentinel '{sentinel}' watches"))
}

pub fn is_in_the_cluster(name: &str) -> Error {
    Error::text(format!("ERR '{name}' is a node of the cluster, which no Sentinel watches"))
}

pub fn group_is_another(group: &str) -> Error {
    Error::text(format!("ERR group '{group}' is of another primary"))
}

pub fn is_watched_already(group: &str, sentinel: &str) -> Error {
    Error::text(format!("ERR Sentinel '{sentinel}' watches group '{group}' already"))
}

/// What stands behind the options that are known.
pub fn unknown_stage_option(word: &[u8]) -> Error {
    super::quoting("STAGE knows no option '", word, "' here, or its value is missing")
}
