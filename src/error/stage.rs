//! What a test is told that drives the server.

use super::{Error, shown};

/// So many bytes of a word are shown, as of those of an unknown command.
const SHOWN: usize = 128;

/// `ERR STAGE: <before>'<what the client said>'<after>`.
fn quoting(before: &str, said: &[u8], after: &str) -> Error {
    super::quoting(&format!("STAGE: {before}'"), shown(said, SHOWN), &format!("'{after}"))
}

pub const STAGE_NOT_ALLOWED: Error = Error::fixed(
    "ERR STAGE command not allowed. If the enable-stage-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
pub const CLOCK_LEFT: Error = Error::fixed("ERR STAGE: RESET has come before the clock was there");
pub const CLOCK_CANNOT_RUN: Error = Error::fixed(
    "ERR the time of this server is told by the program around it: it stands still, and STAGE CLOCK RUN has no meaning",
);
pub const JOURNAL_OFF: Error =
    Error::fixed("ERR STAGE: the journal is off, so that there is nothing to wait for");

/// What stands behind a word of STAGE is none of its values, or is not there. `wanted` says what it takes.
pub fn stage_value(word: &str, value: Option<&[u8]>, wanted: &str) -> Error {
    match value {
        Some(value) => quoting(&format!("{word} takes {wanted}, not "), value, ""),
        None => Error::text(format!("ERR STAGE: {word} takes {wanted}, but the line ends there")),
    }
}

/// A word of STAGE is none of those that may stand in its place.
pub fn stage_word(word: &[u8], wanted: &str) -> Error {
    quoting("", word, &format!(" cannot stand here, where {wanted} can"))
}

/// A name of what is staged is empty, or too long.
pub fn stage_name(most: usize) -> Error {
    Error::text(format!("ERR STAGE: ADD takes a name of 1 to {most} bytes"))
}

/// What stands behind a word of STAGE is longer than it may be.
pub fn stage_too_long(word: &str, most: usize) -> Error {
    Error::text(format!("ERR STAGE: {word} takes at most {most} bytes"))
}

/// STAGE has been said something twice that can be said once.
pub fn stage_two(what: &str) -> Error {
    Error::text(format!("ERR STAGE: {what} can stand there once"))
}

/// There is no room for more of these.
pub fn stage_too_many(what: &str, most: usize) -> Error {
    Error::text(format!("ERR STAGE: there are at most {most} {what}"))
}

/// A line of STAGE ends too early.
pub fn stage_lacks(what: &str) -> Error {
    Error::text(format!("ERR STAGE: the line ends without {what}"))
}

/// Nothing comes behind the end of a connection.
pub fn stage_behind_end(word: &str) -> Error {
    Error::text(format!("ERR STAGE: nothing can follow {word}"))
}

/// What says where a reply comes from comes before what shapes it.
pub fn stage_first(word: &str) -> Error {
    Error::text(format!("ERR STAGE: {word} can only follow DO, or PUSH"))
}

/// There is no true reply that an action could shape.
pub fn stage_needs_reply(words: &str, beside: &str) -> Error {
    Error::text(format!(
        "ERR STAGE: {words} cannot stand beside {beside}: there is no reply for it"
    ))
}

/// A fault is meant for a client that meets none.
pub fn stage_own_client(id: u64) -> Error {
    Error::text(format!(
        "ERR STAGE: client {id} is the one that says this, or of the administration port: it meets no fault"
    ))
}

pub fn stage_fault_exists(name: &[u8]) -> Error {
    quoting("there is a fault ", name, " already")
}

pub fn stage_no_fault(name: &[u8]) -> Error {
    quoting("there is no fault ", name, "")
}

pub const RECORDING_GOES_ON: Error =
    Error::fixed("ERR STAGE: a recording goes on, which RECORD STOP ends");
pub const NOT_RECORDING: Error = Error::fixed("ERR STAGE: no recording goes on");
pub const RECORDING_IS_FULL: Error = Error::fixed(
    "ERR STAGE: the recording had reached its LIMIT, and lacks what was said behind that",
);
pub const RECORDING_WITHOUT_DIR: Error =
    Error::fixed("ERR STAGE: a recording is a file in 'dir', which is not configured");

/// The file of a recording cannot be written.
pub fn recording_failed(file: &[u8], reason: &str) -> Error {
    quoting("the recording ", file, &format!(" cannot be written: {reason}"))
}

/// A script meets a REPLY whose bytes are no value.
pub const STAGE_NO_REPLY: Error = Error::fixed(
    "ERR STAGE: the bytes that a fault replies with are no reply that a script can be given",
);

// STAGE NODE and STAGE SENTINEL.

pub const LAST_PORT: Error = Error::fixed(
    "ERR STAGE: that is the last port there is: nothing could be sent to the server any more, UP and RESET neither",
);
pub const NO_MORE_NODES: Error =
    Error::fixed("ERR STAGE: there are 64 of them, which is as many as may be");
pub const STAGE_NAME: Error = Error::fixed(
    "ERR STAGE: a name is of 1 to 64 printable characters, without spaces and without '='",
);
pub const NO_MORE_PORTS: Error = Error::fixed("ERR STAGE: there is no port that is free");
pub const SLOTS_OF_A_REPLICA: Error = Error::fixed(
    "ERR STAGE: a replica serves the slots of its primary: SLOTS and REPLICA-OF go not together",
);
/// What SENTINEL SET is told by a Sentinel of the stage.
pub const SENTINEL_QUORUM: Error = Error::fixed("ERR QUORUM takes a number from 1 to 64");
/// An option that SENTINEL SET does not know, or whose value is missing.
pub fn unknown_sentinel_option(word: &[u8]) -> Error {
    super::quoting("there is no option '", shown(word, SHOWN), "', or its value is missing")
}
pub const STAGE_CHANGES_THE_CLUSTER: Error =
    Error::fixed("ERR this cluster is a stage's: STAGE NODE is what changes it");

pub const STAGE_CHANGES_SENTINELS: Error =
    Error::fixed("ERR this Sentinel is a stage's: STAGE SENTINEL is what changes it");

/// A node or a Sentinel has the name already.
pub fn name_is_taken(name: &str) -> Error {
    Error::text(format!("ERR STAGE: there is a node or a Sentinel '{name}' already"))
}

/// A node or a Sentinel has the port already.
pub fn port_is_taken(port: u16, name: &str) -> Error {
    Error::text(format!("ERR STAGE: port {port} is that of '{name}'"))
}

/// A cluster has more nodes than there are ports behind its first.
pub fn nodes_do_not_fit(count: usize, first: u16) -> Error {
    Error::text(format!(
        "ERR STAGE: {count} nodes do not fit from port {first} on: the last port there is is 65535"
    ))
}

/// There can be no listener.
pub fn cannot_listen(why: &dyn std::fmt::Display) -> Error {
    Error::text(format!("ERR STAGE: cannot listen there: {why}"))
}

/// What STAGE names is not there.
pub fn no_such_node(name: &[u8]) -> Error {
    quoting("there is no node ", name, "")
}

pub fn no_such_sentinel(name: &[u8]) -> Error {
    quoting("there is no Sentinel ", name, "")
}

pub fn slot_is_taken(slot: u16, name: &str) -> Error {
    Error::text(format!("ERR STAGE: slot {slot} is served by '{name}'"))
}

pub fn slot_is_unserved(slot: u16) -> Error {
    Error::text(format!("ERR STAGE: slot {slot} is served by no node"))
}

pub fn is_a_replica(name: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' is a replica, and a primary is asked for"))
}

pub fn is_a_primary(name: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' is a primary, and a replica is asked for"))
}

pub fn is_down(name: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' is down"))
}

pub fn is_up(name: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' is up"))
}

pub fn has_the_slot(name: &str, slot: u16) -> Error {
    Error::text(format!("ERR STAGE: '{name}' serves slot {slot} already"))
}

pub fn has_replicas(name: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' has replicas, which have to be deleted before it"))
}

pub fn is_watched(name: &str, sentinel: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' is what Sentinel '{sentinel}' watches"))
}

pub fn is_in_the_cluster(name: &str) -> Error {
    Error::text(format!("ERR STAGE: '{name}' is a node of the cluster, which no Sentinel watches"))
}

pub fn group_is_another(group: &str) -> Error {
    Error::text(format!("ERR STAGE: group '{group}' is of another primary"))
}

pub fn is_watched_already(group: &str, sentinel: &str) -> Error {
    Error::text(format!("ERR STAGE: Sentinel '{sentinel}' watches group '{group}' already"))
}
