//! Keys, whatever they hold: DBSIZE DEL EXISTS FLUSHALL.

use crate::dispatch::Ctx;
use crate::dispatch::spec::{
    Spec,
    category::{DANGEROUS, KEYSPACE},
    flag::*,
    key::*,
    range,
};
use crate::error::{self, Error};
use crate::resp::Args;

pub const TABLE: &[Spec] = &[
    Spec::new("del", -2, WRITE, del)
        .acl(KEYSPACE)
        .key(RM | DELETE, range(1, -1, 1))
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys and of the elements they hold; O(1) for one string",
            "key...",
            "Deletes keys.",
        ),
    Spec::new("exists", -2, READ | FAST, exists)
        .acl(KEYSPACE)
        .key(RO, range(1, -1, 1))
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys",
            "key...",
            "Counts how many of the keys exist.",
        )
        .history(&[("3.0.3", "Takes several keys.")]),
];

/// What is about whole databases, which COMMAND DOCS counts to the server.
pub const DATABASES: &[Spec] = &[
    Spec::new("dbsize", 1, READ | FAST, dbsize)
        .acl(KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .doc("1.0.0", "O(1)", "", "Counts the keys of the database."),
    Spec::new("flushall", -1, WRITE, flushall)
        .acl(KEYSPACE | DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys in all databases",
            "[flush-type: ASYNC@4.0 | SYNC@6.2]",
            "Removes every key of every database.",
        )
        .history(&[("4.0.0", "Modifier `ASYNC`."), ("6.2.0", "Modifier `SYNC`.")]),
];

/// DBSIZE
fn dbsize(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let keys = ctx.db().len();
    ctx.reply.int(keys as i64);
    Ok(())
}

/// DEL key...
fn del(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let db = ctx.db();
    let removed = args.from(1).filter(|key| db.remove(key)).count();
    ctx.reply.int(removed as i64);
    Ok(())
}

/// EXISTS key...
fn exists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let db = ctx.db();
    let found = args.from(1).filter(|key| db.contains(key)).count();
    ctx.world.stats.keyspace_hits += found as u64;
    ctx.world.stats.keyspace_misses += (args.len() - 1 - found) as u64;
    ctx.reply.int(found as i64);
    Ok(())
}

/// FLUSHALL [ASYNC | SYNC]
fn flushall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() > 2 || (args.len() == 2 && !args.is(1, "ASYNC") && !args.is(1, "SYNC")) {
        return Err(error::SYNTAX);
    }
    ctx.world.store.clear();
    ctx.reply.ok();
    Ok(())
}
