//! Consumer groups of streams: XACK XAUTOCLAIM XCLAIM XGROUP XPENDING XREADGROUP, and XINFO GROUPS and CONSUMERS.
//!
//! A group remembers up to which entry its consumers have read, and which entries each of them was delivered and has
//! not acknowledged: these are pending. `manage` has what makes and removes groups and consumers, `read` what delivers
//! entries, `pending` what shows and ends that an entry is pending, `claim` what gives it to another consumer, `info`
//! what is known of groups. None of these changes what a stream holds: WATCH and client-side caching do not hear of it.

mod claim;
mod info;
mod manage;
mod pending;
mod read;
mod said;

use crate::dispatch::help::help;
use crate::dispatch::spec::category::STREAM;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, keyword};
use crate::keyspace::Edit;
use crate::keyspace::changes::class;
use crate::keyspace::types::stream::{ConsumerId, Group, Stream};

use claim::{xautoclaim, xclaim};
use info::{xinfo_consumers, xinfo_groups};
use manage::{
    xgroup_create, xgroup_createconsumer, xgroup_delconsumer, xgroup_destroy, xgroup_setid,
};
use pending::{xack, xpending};
use read::xreadgroup;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("xack", -4, WRITE | FAST, xack).acl(STREAM).key(RW | UPDATE, at(1)).doc(
        "5.0.0",
        "O(N), N being the number of ids",
        "key group id...",
        "Acknowledges entries: they are pending no more.",
    ),
    Spec::new("xautoclaim", -6, WRITE | FAST, xautoclaim)
        .acl(STREAM)
        .key(RW | DELETE, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "6.2.0",
            "O(N), N being ten times the count at most",
            "key group consumer min-idle-time:string start:string [COUNT count] [JUSTID]",
            "Gives a consumer the pending entries that nothing has happened to for some time.",
        )
        .history(&[("7.0.0", "Returns the ids of pending entries that were deleted.")]),
    Spec::new("xclaim", -6, WRITE | FAST, xclaim)
        .acl(STREAM)
        .key(RW | UPDATE, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "5.0.0",
            "O(N log M), N being the number of ids and M that of pending entries",
            "key group consumer min-idle-time:string id... [IDLE ms:integer] \
             [TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count] [FORCE] [JUSTID] \
             [LASTID lastid:string]",
            "Gives a consumer pending entries, as if they had been delivered to it.",
        ),
    Spec::container("xgroup", XGROUP).doc(
        "5.0.0",
        "Depends on the subcommand.",
        "",
        "Commands that make and remove consumer groups and consumers.",
    ),
    Spec::new("xpending", -3, READ, xpending)
        .acl(STREAM)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "5.0.0",
            "O(N), N being the number of entries returned, or looked at with `IDLE`; without a range that of consumers",
            "key group [filters: [IDLE min-idle-time:integer]@6.2 start:string end:string count \
             [consumer]]",
            "Tells which entries are pending.",
        )
        .history(&[("6.2.0", "Takes `IDLE` and exclusive ids.")]),
    Spec::new("xreadgroup", -7, WRITE | BLOCKING, xreadgroup)
        .acl(STREAM)
        .key(RO | ACCESS, keyword("STREAMS", 4, -1, 1, 2))
        .doc(
            "5.0.0",
            "O(N), N being the number of entries returned",
            "(group-block: GROUP group consumer) [COUNT count] [BLOCK milliseconds] [NOACK] \
             (STREAMS key... id...)",
            "Delivers new entries to a consumer of a group, and waits for one; or those that are pending.",
        ),
];

const XGROUP: &[Spec] = &[
    Spec::new("create", -5, WRITE | DENYOOM, xgroup_create)
        .acl(STREAM)
        .key(RW | INSERT, at(2))
        .doc(
            "5.0.0",
            "O(1)",
            "key group (id-selector: id | (new-id: $)) [MKSTREAM] \
             [ENTRIESREAD entriesread<entries-read>:integer]",
            "Makes a group, which has read up to an id.",
        )
        .history(&[("7.0.0", "Takes `ENTRIESREAD`.")]),
    Spec::new("createconsumer", 5, WRITE | DENYOOM, xgroup_createconsumer)
        .acl(STREAM)
        .key(RW | INSERT, at(2))
        .doc("6.2.0", "O(1)", "key group consumer", "Makes a consumer."),
    Spec::new("delconsumer", 5, WRITE, xgroup_delconsumer).acl(STREAM).key(RW | DELETE, at(2)).doc(
        "5.0.0",
        "O(1)",
        "key group consumer",
        "Removes a consumer, and what is pending for it.",
    ),
    Spec::new("destroy", 4, WRITE, xgroup_destroy).acl(STREAM).key(RW | DELETE, at(2)).doc(
        "5.0.0",
        "O(1): what is pending is freed later",
        "key group",
        "Removes a group.",
    ),
    Spec::new("help", 2, LOADING | STALE, help).acl(STREAM).doc(
        "5.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("setid", -5, WRITE, xgroup_setid)
        .acl(STREAM)
        .key(RW | UPDATE, at(2))
        .doc(
            "5.0.0",
            "O(1)",
            "key group (id-selector: id | (new-id: $)) \
             [ENTRIESREAD entriesread<entries-read>:integer]",
            "Sets the id up to which a group has read.",
        )
        .history(&[("7.0.0", "Takes `ENTRIESREAD`.")]),
];

/// Two of the subcommands of XINFO.
pub(super) const XINFO_CONSUMERS: Spec = Spec::new("consumers", 4, READ, xinfo_consumers)
    .acl(STREAM)
    .key(RO | ACCESS, at(2))
    .tips(&["nondeterministic_output"])
    .doc(
        "5.0.0",
        "O(N), N being the number of consumers",
        "key group",
        "Lists the consumers of a group.",
    )
    .history(&[("7.2.0", "Tells of `inactive`; `idle` is also that of asking in vain.")]);
pub(super) const XINFO_GROUPS: Spec = Spec::new("groups", 3, READ, xinfo_groups)
    .acl(STREAM)
    .key(RO | ACCESS, at(2))
    .doc("5.0.0", "O(N), N being the number of groups", "key", "Lists the groups of a stream.")
    .history(&[("7.0.0", "Tells of `entries-read` and `lag`.")]);

/// The consumer of this name, which has asked for something now. Returns, too, whether it came into being with that.
fn consumer_seen(group: &mut Group, name: &[u8], now: i64) -> Option<(ConsumerId, bool)> {
    match group.consumer(name).map(|consumer| consumer.id()) {
        Some(id) => {
            group.set_seen(id, now);
            Some((id, false))
        }
        None => group.create_consumer(name, now).map(|id| (id, true)),
    }
}

/// A consumer has come into being.
fn announce_consumer(stream: &mut Edit<'_, Stream>) {
    stream.note_apart(class::STREAM, "xgroup-createconsumer");
}
