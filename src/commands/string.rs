//! Strings in their plain form, so that a first client has something to do: GET SET.

use crate::dispatch::Ctx;
use crate::dispatch::spec::{Spec, at, category::STRING, flag::*, key::*};
use crate::error::{self, Error};
use crate::resp::Args;

pub const TABLE: &[Spec] = &[
    Spec::new("get", 2, READ | FAST, get).acl(STRING).key(RO | ACCESS, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the value of a string.",
    ),
    Spec::new("set", -3, WRITE | DENYOOM, set)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE | VARIABLE_FLAGS, at(1))
        .note("`GET` reads the old value and makes the access RW.")
        .doc(
            "1.0.0",
            "O(1)",
            "key value [condition: NX@2.6.12 | XX@2.6.12] [GET]@6.2",
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

/// SET key value [NX | XX] [GET]
fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut only_if, mut get) = (None, false);
    for index in 3..args.len() {
        match only_if {
            _ if args.is(index, "GET") => get = true,
            None | Some(false) if args.is(index, "NX") => only_if = Some(false),
            None | Some(true) if args.is(index, "XX") => only_if = Some(true),
            _ => return Err(error::SYNTAX),
        }
    }
    let db = ctx.client().db;
    let db = ctx.world.store.db(db);
    let old = db.get(&args[1]);
    let applies = only_if.is_none_or(|wanted| wanted == old.is_some());
    match old {
        Some(old) if get => ctx.reply.bulk(old),
        None if get => ctx.reply.null(),
        _ if applies => ctx.reply.ok(),
        _ => ctx.reply.null(),
    }
    if applies {
        db.set(&args[1], &args[2]);
    }
    Ok(())
}
