//! Strings in their plain form, so that a first client has something to do: GET SET.

use crate::dispatch::Ctx;
use crate::dispatch::spec::{Spec, at, category::STRING, flag::*, key::*};
use crate::error::Error;
use crate::resp::Args;

pub const TABLE: &[Spec] = &[
    Spec::new("get", 2, READ | FAST, get).acl(STRING).key(RO | ACCESS, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the value of a string.",
    ),
    Spec::new("set", 3, WRITE | DENYOOM, set).acl(STRING).key(OW | UPDATE, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key value",
        "Sets a string, whatever the key held before.",
    ),
];

/// GET key
fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let db = ctx.client().db;
    let world = &mut *ctx.world;
    match world.store.db(db).get(&args[1]) {
        Some(value) => {
            world.stats.keyspace_hits += 1;
            ctx.reply.bulk(value);
        }
        None => {
            world.stats.keyspace_misses += 1;
            ctx.reply.null();
        }
    }
    Ok(())
}

/// SET key value
fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.db().set(&args[1], &args[2]);
    ctx.reply.ok();
    Ok(())
}
