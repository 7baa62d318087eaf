//! Keys, whatever they hold: COPY DEL EXISTS MOVE RANDOMKEY RENAME RENAMENX TOUCH TYPE UNLINK, and whole
//! databases: DBSIZE FLUSHALL FLUSHDB SWAPDB.
//!
//! DEL and UNLINK are the same here: a value that would take long to free is always freed in slices.
//! So are the ASYNC and SYNC of FLUSHALL and FLUSHDB.

use super::connection::database;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::{DANGEROUS, KEYSPACE};
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Databases, Spec, at, range};
use crate::error::{self, Error};
use crate::keyspace::Db;
use crate::keyspace::changes::class;
use crate::keyspace::keys::KeyPlace;
use crate::persistence::snapshots;
use crate::text::number;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("copy", -3, WRITE | DENYOOM, copy)
        .acl(KEYSPACE)
        .key(RO | ACCESS, at(1))
        .key(OW | UPDATE, at(2))
        .databases(Databases::At(copy_databases))
        .doc(
            "6.2.0",
            "O(N), N being the number of elements; O(1) for a string",
            "source destination [DB destination-db] [REPLACE]",
            "Copies the value of a key to another key.",
        ),
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
    Spec::new("move", 3, WRITE | FAST, move_)
        .acl(KEYSPACE)
        .key(RW | ACCESS | UPDATE, at(1))
        .databases(Databases::At(|_| vec![2]))
        .doc("1.0.0", "O(1)", "key db", "Takes a key from this database to another."),
    Spec::new("randomkey", 1, READ, randomkey)
        .acl(KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:special", "nondeterministic_output"])
        .doc("1.0.0", "O(1)", "", "Returns a key chosen at random."),
    Spec::new("rename", 3, WRITE, rename)
        .acl(KEYSPACE)
        .key(RW | ACCESS | DELETE, at(1))
        .key(OW | UPDATE, at(2))
        .doc("1.0.0", "O(1)", "key newkey", "Gives a key another name, replacing what has it."),
    Spec::new("renamenx", 3, WRITE | FAST, renamenx)
        .acl(KEYSPACE)
        .key(RW | ACCESS | DELETE, at(1))
        .key(OW | INSERT, at(2))
        .doc("1.0.0", "O(1)", "key newkey", "Gives a key another name if no key has it.")
        .history(&[("3.2.0", "The two names may be the same.")]),
    Spec::new("touch", -2, READ | FAST, touch)
        .acl(KEYSPACE)
        .key(RO, range(1, -1, 1))
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "3.2.1",
            "O(N), N being the number of keys",
            "key...",
            "Counts how many of the keys exist, as if they had been used.",
        ),
    Spec::new("type", 2, READ | FAST, type_).acl(KEYSPACE).key(RO, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the type of the value of a key.",
    ),
    Spec::new("unlink", -2, WRITE | FAST, unlink)
        .acl(KEYSPACE)
        .key(RM | DELETE, range(1, -1, 1))
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "4.0.0",
            "O(1) for each key, and later O(N) to free its N elements",
            "key...",
            "Deletes keys and frees their values later.",
        ),
];

/// What is about whole databases, which COMMAND DOCS counts to the server.
pub(crate) const DATABASES: &[Spec] = &[
    Spec::new("dbsize", 1, READ | FAST, dbsize)
        .acl(KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .doc("1.0.0", "O(1)", "", "Counts the keys of the database."),
    Spec::new("flushall", -1, WRITE, flushall)
        .acl(KEYSPACE | DANGEROUS)
        .databases(Databases::All)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys in all databases",
            "[flush-type: ASYNC@4.0 | SYNC@6.2]",
            "Removes every key of every database.",
        )
        .history(&[("4.0.0", "Modifier `ASYNC`."), ("6.2.0", "Modifier `SYNC`.")]),
    Spec::new("flushdb", -1, WRITE, flushdb)
        .acl(KEYSPACE | DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys in the database",
            "[flush-type: ASYNC@4.0 | SYNC@6.2]",
            "Removes every key of the database.",
        )
        .history(&[("4.0.0", "Modifier `ASYNC`."), ("6.2.0", "Modifier `SYNC`.")]),
    Spec::new("swapdb", 3, WRITE | FAST, swapdb)
        .acl(KEYSPACE | DANGEROUS)
        .databases(Databases::At(|_| vec![1, 2]))
        .doc(
            "4.0.0",
            "O(N), N being the number of clients that watch or wait for keys of the two",
            "index1 index2",
            "Exchanges the contents of two databases.",
        ),
];

/// COPY source destination [DB destination-db] [REPLACE]
fn copy(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let here = ctx.client().db;
    let from = KeyPlace { db: here, key: &args[1] };
    let mut to = KeyPlace { db: here, key: &args[2] };
    let mut replace = false;
    for option in copy_options(args) {
        match option? {
            CopyOption::Replace => replace = true,
            CopyOption::Db(at) => to.db = database(ctx, &args[at])?,
        }
    }
    if from == to {
        return Err(error::SAME_KEY);
    }
    let copied = ctx.world.store.copy(from, to, replace);
    if copied {
        ctx.world.store.db(to.db).note(class::GENERIC, "copy_to", to.key);
    }
    ctx.reply.int(copied.into());
    Ok(())
}

/// An option of COPY.
enum CopyOption {
    Replace,
    /// The argument that is the number of the database.
    Db(usize),
}

fn copy_options(args: Args<'_>) -> impl Iterator<Item = Result<CopyOption, Error>> {
    let mut options = args.options(3);
    std::iter::from_fn(move || {
        if options.is_over() {
            None
        } else if options.flag("REPLACE") {
            Some(Ok(CopyOption::Replace))
        } else if options.value("DB").is_some() {
            Some(Ok(CopyOption::Db(options.index() - 1)))
        } else {
            options.skip(args.len());
            Some(Err(error::SYNTAX))
        }
    })
}

/// The databases that COPY names, if it will not fail anyway.
fn copy_databases(args: Args<'_>) -> Vec<usize> {
    let options: Result<Vec<_>, _> = copy_options(args).collect();
    let at = |option| match option {
        CopyOption::Replace => None,
        CopyOption::Db(at) => Some(at),
    };
    options.unwrap_or_default().into_iter().filter_map(at).collect()
}

/// DEL key...
fn del(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut db = ctx.db();
    let removed = args.from(1).filter(|key| db.delete(key)).count();
    ctx.reply.int(removed as i64);
    Ok(())
}

/// EXISTS key...
fn exists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut db = ctx.db();
    let found = args.from(1).filter(|key| db.info(key).is_some()).count();
    ctx.reply.int(found as i64);
    Ok(())
}

/// MOVE key db
fn move_(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let from = ctx.client().db;
    let to = database(ctx, &args[2])?;
    if from == to {
        return Err(error::SAME_KEY);
    }
    let store = &mut ctx.world.store;
    let moved = store.relocate(&args[1], from, to);
    if moved {
        store.db(from).note(class::GENERIC, "move_from", &args[1]);
        store.db(to).note_too(class::GENERIC, "move_to", &args[1]);
    }
    ctx.reply.int(moved.into());
    Ok(())
}

/// RANDOMKEY
fn randomkey(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        return random_key_of_node(ctx);
    }
    let (mut db, reply) = ctx.db_and_reply();
    match db.random_key() {
        Some(key) => reply.bulk(key),
        None => reply.null(),
    }
    Ok(())
}

/// One of the keys at the client's node of a cluster.
fn random_key_of_node(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let keys = keys_of_node(ctx);
    match keys.len() {
        0 => ctx.reply.null(),
        count => ctx.reply.bulk(&keys[ctx.world.store.db(0).random().below(count)]),
    }
    Ok(())
}

/// All keys at the client's node of a cluster.
fn keys_of_node(ctx: &mut Ctx<'_>) -> Vec<Box<[u8]>> {
    let mut keys: Vec<Box<[u8]>> = Vec::new();
    let (db, is_here) = ctx.world.db_of_node(ctx.slot);
    db.scan(0, usize::MAX, |key, _| {
        if is_here(key) {
            keys.push(key.into());
        }
    });
    keys
}

/// Removes all keys at the client's node of a cluster, as flushing a server of its own would.
fn flush_node(ctx: &mut Ctx<'_>) {
    for key in keys_of_node(ctx) {
        ctx.world.store.db(0).delete(&key);
    }
    ctx.reply.ok();
}

/// RENAME key newkey
fn rename(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if !rename_and_note(&mut ctx.db(), &args[1], &args[2]) {
        return Err(error::NO_SUCH_KEY);
    }
    ctx.reply.ok();
    Ok(())
}

/// RENAMENX key newkey
fn renamenx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut db = ctx.db();
    if !db.contains(&args[1]) {
        return Err(error::NO_SUCH_KEY);
    }
    let renamed = !db.contains(&args[2]) && rename_and_note(&mut db, &args[1], &args[2]);
    ctx.reply.int(renamed.into());
    Ok(())
}

/// Gives a key another name. Returns whether there is such a key.
fn rename_and_note(db: &mut Db<'_>, key: &[u8], name: &[u8]) -> bool {
    let is_there = db.rename(key, name);
    if is_there && key != name {
        db.note(class::GENERIC, "rename_from", key);
        db.note_too(class::GENERIC, "rename_to", name);
    }
    is_there
}

/// TOUCH key...
fn touch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    // This is what it is for, so CLIENT NO-TOUCH does not count.
    ctx.world.store.shared.eviction.is_blind = false;
    let mut db = ctx.db();
    let found = args.from(1).filter(|key| db.touch(key)).count();
    ctx.reply.int(found as i64);
    Ok(())
}

/// TYPE key
fn type_(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    reply.status(db.info(&args[1]).map_or("none", |found| found.kind().name()));
    Ok(())
}

/// UNLINK key...
fn unlink(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    del(ctx, args)
}

/// DBSIZE
fn dbsize(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let keys = match ctx.world.cluster_node_of(ctx.slot) {
        Some(_) => keys_of_node(ctx).len(),
        None => ctx.db().len(),
    };
    ctx.reply.int(keys as i64);
    Ok(())
}

/// FLUSHALL [ASYNC | SYNC]
fn flushall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    check_flush_type(args)?;
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        flush_node(ctx);
        return Ok(());
    }
    ctx.world.flush_all();
    snapshots::flushed(ctx.world);
    ctx.reply.ok();
    Ok(())
}

/// FLUSHDB [ASYNC | SYNC]
fn flushdb(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    check_flush_type(args)?;
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        flush_node(ctx);
        return Ok(());
    }
    let db = ctx.client().db;
    ctx.world.flush(db);
    ctx.reply.ok();
    Ok(())
}

fn check_flush_type(args: Args<'_>) -> Result<(), Error> {
    match args.len() {
        1 => Ok(()),
        2 if args.is(1, "ASYNC") || args.is(1, "SYNC") => Ok(()),
        _ => Err(error::SYNTAX),
    }
}

/// SWAPDB index1 index2
fn swapdb(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        return Err(error::SWAPDB_IN_CLUSTER);
    }
    let number = |index: usize| {
        let number = number::parse_i64(&args[index])?;
        i32::try_from(number).ok()
    };
    let one = number(1).ok_or(error::FIRST_DB_INDEX)?;
    let other = number(2).ok_or(error::SECOND_DB_INDEX)?;
    let databases = ctx.world.store.databases();
    match (usize::try_from(one), usize::try_from(other)) {
        (Ok(one), Ok(other)) if one.max(other) < databases => ctx.world.swap(one, other),
        _ => return Err(error::DB_INDEX),
    }
    ctx.reply.ok();
    Ok(())
}
