//! Streams: XADD XDEL XINFO XLEN XRANGE XREAD XREVRANGE XSETID XTRIM; in `group` consumer groups.
//!
//! `add` has what brings entries, `trim` what removes them, `range` and `read` what shows them, `info` what is
//! known of a stream as a whole. Ids in arguments are read by `id`.

mod add;
pub(crate) mod group;
pub(crate) mod id;
mod info;
mod range;
mod read;
mod references;
mod trim;

use crate::dispatch::help::help;
use crate::dispatch::spec::category::STREAM;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, keyword};

use add::{xadd, xsetid};
use info::xinfo_stream;
use range::{xlen, xrange, xrevrange};
use read::xread;
use references::{xackdel, xdelex};
use trim::{xdel, xtrim};

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("xackdel", -6, WRITE | FAST, xackdel).acl(STREAM).key(RW | UPDATE | DELETE, at(1)).doc(
        "8.2.0",
        "O(N), N being the number of ids or of what groups have pending",
        "key group [condition: KEEPREF | DELREF | ACKED] (IDS numids:integer id...)",
        "Acknowledges entries in a group, and deletes them.",
    ),
    Spec::new("xadd", -5, WRITE | DENYOOM | FAST, xadd)
        .acl(STREAM)
        .key(RW | UPDATE, at(1))
        .note("It updates and does not only insert: what is trimmed goes.")
        .tips(&["nondeterministic_output"])
        .doc(
            "5.0.0",
            "O(1), and O(N) to trim, N being the number of entries removed",
            "key [NOMKSTREAM]@6.2 [condition: KEEPREF | DELREF | ACKED]@8.2 [trim: (strategy: MAXLEN | MINID@6.2) \
             [operator: (equal: =) | (approximately: ~)] threshold [LIMIT count]@6.2] \
             (id-selector: (auto-id: *) | id) (field value)...",
            "Adds an entry to a stream, which is created if it is not there.",
        )
        .history(&[
            ("6.2.0", "Takes `NOMKSTREAM`, `MINID` and `LIMIT`."),
            ("7.0.0", "Takes an id without its second part: `<ms>-*`."),
            ("8.2.0", "Takes `KEEPREF`, `DELREF` and `ACKED`, of Redis."),
        ]),
    Spec::new("xdel", -3, WRITE | FAST, xdel).acl(STREAM).key(RW | DELETE, at(1)).doc(
        "5.0.0",
        "O(N), N being the number of ids",
        "key id...",
        "Deletes entries of a stream by their ids.",
    ),
    Spec::new("xdelex", -5, WRITE | FAST, xdelex).acl(STREAM).key(RW | DELETE, at(1)).doc(
        "8.2.0",
        "O(N), N being the number of ids or of what groups have pending",
        "key [condition: KEEPREF | DELREF | ACKED] (IDS numids:integer id...)",
        "Deletes entries of a stream, and minds what groups have pending of them.",
    ),
    Spec::container("xinfo", XINFO).doc(
        "5.0.0",
        "Depends on the subcommand.",
        "",
        "Commands about streams, their groups and consumers.",
    ),
    Spec::new("xlen", 2, READ | FAST, xlen).acl(STREAM).key(RO, at(1)).doc(
        "5.0.0",
        "O(1)",
        "key",
        "Counts the entries of a stream.",
    ),
    Spec::new("xrange", -4, READ, xrange)
        .acl(STREAM)
        .key(RO | ACCESS, at(1))
        .doc(
            "5.0.0",
            "O(N), N being the number of entries returned",
            "key start:string end:string [COUNT count]",
            "Returns the entries between two ids.",
        )
        .history(&[("6.2.0", "Takes exclusive ids.")]),
    Spec::new("xread", -4, READ | BLOCKING, xread)
        .acl(STREAM)
        .key(RO | ACCESS, keyword("STREAMS", 1, -1, 1, 2))
        .doc(
            "5.0.0",
            "",
            "[COUNT count] [BLOCK milliseconds] (STREAMS key... id...)",
            "Returns the entries behind an id of each stream, and waits for one.",
        ),
    Spec::new("xrevrange", -4, READ, xrevrange)
        .acl(STREAM)
        .key(RO | ACCESS, at(1))
        .doc(
            "5.0.0",
            "O(N), N being the number of entries returned",
            "key end:string start:string [COUNT count]",
            "Returns the entries between two ids, the last one first.",
        )
        .history(&[("6.2.0", "Takes exclusive ids.")]),
    Spec::new("xsetid", -3, WRITE | DENYOOM | FAST, xsetid)
        .acl(STREAM)
        .key(RW | UPDATE, at(1))
        .doc(
            "5.0.0",
            "O(1)",
            "key last-id [ENTRIESADDED entries-added:integer]@7.0 [MAXDELETEDID max-deleted-id]@7.0",
            "Sets the last id of a stream, for those that copy one.",
        )
        .history(&[("7.0.0", "Takes `ENTRIESADDED` and `MAXDELETEDID`.")]),
    Spec::new("xtrim", -4, WRITE, xtrim)
        .acl(STREAM)
        .key(RW | DELETE, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "5.0.0",
            "O(N), N being the number of entries removed",
            "key (trim: (strategy: MAXLEN | MINID@6.2) \
             [operator: (equal: =) | (approximately: ~)] threshold [LIMIT count]@6.2 \
             [condition: KEEPREF | DELREF | ACKED]@8.2)",
            "Removes entries at the front of a stream.",
        )
        .history(&[
            ("6.2.0", "Takes `MINID` and `LIMIT`."),
            ("8.2.0", "Takes `KEEPREF`, `DELREF` and `ACKED`, of Redis."),
        ]),
];

const XINFO: &[Spec] = &[
    group::XINFO_CONSUMERS,
    group::XINFO_GROUPS,
    Spec::new("help", 2, LOADING | STALE, help).acl(STREAM).doc(
        "5.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("stream", -3, READ, xinfo_stream)
        .acl(STREAM)
        .key(RO | ACCESS, at(2))
        .doc(
            "5.0.0",
            "O(1), or O(N) for FULL, N being the number of entries and what groups have",
            "key [full-block: FULL [COUNT count]]",
            "Tells about a stream as a whole.",
        )
        .history(&[
            ("6.0.0", "Takes `FULL`."),
            (
                "7.0.0",
                "Tells of `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
                 `entries-read` and `lag`.",
            ),
            ("7.2.0", "Tells of `active-time`; `seen-time` is also that of asking in vain."),
        ]),
];
