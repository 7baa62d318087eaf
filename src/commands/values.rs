//! Values as payloads: DUMP RESTORE RESTORE-ASKING, and MIGRATE, whose handler has a file of its own.
//!
//! A payload is a value in the encoding of [`crate::rdb`] and its footer. One that is not what it says changes nothing:
//! the value is made apart from the databases, and takes its key when it is whole.

use super::migrate::migrate;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::{DANGEROUS, KEYSPACE};
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, keyword};
use crate::error::{self, Error};
use crate::keyspace::PastUse;
use crate::keyspace::changes::class;
use crate::rdb::footer::{checked_of_any, seal};
use crate::rdb::strings::Reader;
use crate::rdb::{read, write};
use crate::text::number::{self, Spelled};
use crate::wire::Args;

// What RESTORE and RESTORE-ASKING have in common.
const RESTORE_COMPLEXITY: &str =
    "O(N), N being the number of elements, O(N*log(N)) for a sorted set; O(1) for a short string";
const RESTORE_SYNOPSIS: &str = "key ttl serialized-value [REPLACE@3.0] [ABSTTL@5.0] \
     [IDLETIME seconds@5.0] [FREQ frequency@5.0]";
const RESTORE_HISTORY: &[(&str, &str)] = &[
    ("3.0.0", "Modifier `REPLACE`."),
    ("5.0.0", "Modifier `ABSTTL`."),
    ("5.0.0", "Options `IDLETIME` and `FREQ`."),
];

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("dump", 2, READ, dump)
        .acl(KEYSPACE)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "2.6.0",
            "O(N), N being the number of elements; O(1) for a short string",
            "key",
            "Returns the value of a key as a payload for RESTORE.",
        ),
    Spec::new("migrate", -6, WRITE, migrate)
        .acl(KEYSPACE | DANGEROUS)
        .key(RW | ACCESS | DELETE | UNLESS_EMPTY, at(3))
        .key(RW | ACCESS | DELETE | INCOMPLETE, keyword("KEYS", -2, -1, 1, 0))
        .secret(|args, index| {
            let follows = |word, by| index >= 6 + by && args.is(index - by, word);
            follows("AUTH", 1) || follows("AUTH2", 1) || follows("AUTH2", 2)
        })
        .tips(&["nondeterministic_output"])
        .doc(
            "2.6.0",
            "O(N), N being the number of elements of all keys, and as much for RESTORE on the other server",
            "host port (key-selector: key | \"\") destination-db timeout:integer [COPY@3.0] \
             [REPLACE@3.0] [authentication: AUTH auth<password>@4.0.7 | \
             (AUTH2 username password)@6.0] [KEYS keys<key>...@3.0.6]",
            "Moves keys to another server.",
        )
        .history(&[
            ("3.0.0", "Options `COPY` and `REPLACE`."),
            ("3.0.6", "Option `KEYS`."),
            ("4.0.7", "Option `AUTH`."),
            ("6.0.0", "Option `AUTH2`."),
        ]),
    Spec::new("restore", -4, WRITE | DENYOOM, restore)
        .acl(KEYSPACE | DANGEROUS)
        .key(OW | UPDATE, at(1))
        .doc(
            "2.6.0",
            RESTORE_COMPLEXITY,
            RESTORE_SYNOPSIS,
            "Gives a key the value of a payload of DUMP.",
        )
        .history(RESTORE_HISTORY),
];

/// A command that is for the server's own developers, in the group of those that are for operators.
pub(crate) const IN_CLUSTER: &[Spec] =
    &[Spec::new("restore-asking", -4, WRITE | DENYOOM | ASKING, restore)
        .acl(KEYSPACE | DANGEROUS)
        .key(OW | UPDATE, at(1))
        .system()
        .doc("3.0.0", RESTORE_COMPLEXITY, RESTORE_SYNOPSIS, "As RESTORE, in a cluster.")
        .history(RESTORE_HISTORY)];

/// DUMP key
fn dump(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let limits = db.limits();
    match db.info(&args[1]) {
        Some(found) => {
            let mut payload = Vec::new();
            write::value(&mut payload, found, limits);
            seal(&mut payload);
            reply.bulk(&payload);
        }
        None => reply.null(),
    }
    Ok(())
}

/// What RESTORE is told beside the payload.
#[derive(Default)]
struct RestoreOptions {
    replace: bool,
    /// The time to live is a time.
    is_absolute: bool,
    past: PastUse,
}

/// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
fn restore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let key = &args[1];
    let options = restore_options(args)?;
    let now = ctx.world.store.shared.now;
    if !options.replace && ctx.db().contains(key) {
        return Err(error::BUSYKEY);
    }
    let ttl = number::parse_i64(&args[2]).ok_or(error::NOT_AN_INTEGER)?;
    let expiry = match ttl {
        ..0 => return Err(error::INVALID_TTL),
        0 => None,
        _ if options.is_absolute => Some(ttl),
        _ => Some(now.saturating_add(ttl)),
    };
    let body = checked_of_any(&args[3]).ok_or(error::BAD_PAYLOAD)?;
    let mut apart = ctx.world.store.apart();
    read::value(&mut Reader::new(body), &mut apart.db(0), key).ok_or(error::BAD_FORMAT)?;
    let has_expired = expiry.is_some_and(|when| when <= now);
    let mut db = ctx.db();
    // A hash may have been left without fields, all of which have expired.
    if has_expired || !db.adopt(&mut apart, key, expiry, options.past) {
        if db.delete(key) {
            ctx.says("DEL", &[key]);
        }
    } else {
        db.note(class::GENERIC, "restore", key);
        let when = expiry.unwrap_or_default();
        let words: &[&[u8]] = &[key, &Spelled::new(when), &args[3], b"REPLACE", b"ABSTTL"];
        ctx.says("RESTORE", words);
    }
    ctx.reply.ok();
    Ok(())
}

fn restore_options(args: Args<'_>) -> Result<RestoreOptions, Error> {
    let mut found = RestoreOptions::default();
    let mut options = args.options(4);
    while !options.is_over() {
        if options.flag("REPLACE") {
            found.replace = true;
        } else if options.flag("ABSTTL") {
            found.is_absolute = true;
        } else if found.past.frequency.is_none()
            && let Some(seconds) = options.value("IDLETIME")
        {
            let seconds = number::parse_i64(seconds).ok_or(error::NOT_AN_INTEGER)?;
            found.past.idle = Some(u64::try_from(seconds).map_err(|_| error::INVALID_IDLETIME)?);
        } else if found.past.idle.is_none()
            && let Some(frequency) = options.value("FREQ")
        {
            let frequency = number::parse_i64(frequency).ok_or(error::NOT_AN_INTEGER)?;
            found.past.frequency = Some(u8::try_from(frequency).map_err(|_| error::INVALID_FREQ)?);
        } else {
            return Err(error::SYNTAX);
        }
    }
    Ok(found)
}
