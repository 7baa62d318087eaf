//! OBJECT: how values are kept.

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::category::KEYSPACE;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[Spec::container("object", OBJECT).doc(
    "2.2.3",
    "Depends on the subcommand.",
    "",
    "Commands about how values are kept.",
)];

const OBJECT: &[Spec] = &[
    Spec::new("encoding", 3, READ, object_encoding)
        .acl(KEYSPACE)
        .key(RO, at(2))
        .tips(&["nondeterministic_output"])
        .doc("2.2.3", "O(1)", "key", "Returns the name of the form in which a value is stored."),
    Spec::new("freq", 3, READ, object_freq)
        .acl(KEYSPACE)
        .key(RO, at(2))
        .tips(&["nondeterministic_output"])
        .doc("4.0.0", "O(1)", "key", "Returns how often a key is used, on a logarithmic scale."),
    Spec::new("help", 2, LOADING | STALE, help).acl(KEYSPACE).doc(
        "6.2.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("idletime", 3, READ, object_idletime)
        .acl(KEYSPACE)
        .key(RO, at(2))
        .tips(&["nondeterministic_output"])
        .doc("2.2.3", "O(1)", "key", "Returns how long ago a key was last used, in seconds."),
    Spec::new("refcount", 3, READ, object_refcount)
        .acl(KEYSPACE)
        .key(RO, at(2))
        .tips(&["nondeterministic_output"])
        .doc("2.2.3", "O(1)", "key", "Returns the number of references to a value."),
];

/// OBJECT ENCODING key
fn object_encoding(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    match db.info_untouched(&args[2]) {
        Some(found) => reply.bulk(found.encoding().as_bytes()),
        None => reply.null(),
    }
    Ok(())
}

/// OBJECT FREQ key
fn object_freq(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_counted = ctx.world.store.shared.eviction.settings.policy.is_lfu();
    let (mut db, reply) = ctx.db_and_reply();
    match db.info_untouched(&args[2]) {
        Some(_) if !is_counted => return Err(error::FREQUENCY_NOT_TRACKED),
        Some(found) => reply.int(found.frequency().into()),
        None => reply.null(),
    }
    Ok(())
}

/// OBJECT IDLETIME key
fn object_idletime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_timed = !ctx.world.store.shared.eviction.settings.policy.is_lfu();
    let (mut db, reply) = ctx.db_and_reply();
    match db.info_untouched(&args[2]) {
        Some(_) if !is_timed => return Err(error::IDLE_TIME_NOT_TRACKED),
        Some(found) => reply.int(found.idle().into()),
        None => reply.null(),
    }
    Ok(())
}

/// OBJECT REFCOUNT key
///
/// No two keys share a value.
fn object_refcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    match db.info_untouched(&args[2]) {
        Some(_) => reply.int(1),
        None => reply.null(),
    }
    Ok(())
}
