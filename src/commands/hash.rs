//! Hashes: HDEL HEXISTS HGET HGETALL HGETDEL HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HRANDFIELD HSCAN
//! HSET HSETNX HSTRLEN HVALS.

pub(crate) mod expiry;

use super::arguments;
use super::scan::{self, ScanOptions, Walk};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::HASH;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::hash::Field;
use crate::keyspace::{Hash, View};
use crate::text::extended::Extended;
use crate::text::number;
use crate::wire::{Args, Reply};
use expiry::FIELDS_AT;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("hdel", -3, WRITE | FAST, hdel)
        .acl(HASH)
        .key(RW | DELETE, at(1))
        .doc(
            "2.0.0",
            "O(N), N being the number of fields given",
            "key field...",
            "Removes fields from a hash.",
        )
        .history(&[("2.4.0", "Takes several fields.")]),
    Spec::new("hexists", 3, READ | FAST, hexists).acl(HASH).key(RO, at(1)).doc(
        "2.0.0",
        "O(1)",
        "key field",
        "Tells whether a hash has a field.",
    ),
    // ANCHOR: hget_row
    Spec::new("hget", 3, READ | FAST, hget).acl(HASH).key(RO | ACCESS, at(1)).doc(
        "2.0.0",
        "O(1)",
        "key field",
        "Returns the value of a field.",
    ),
    // ANCHOR_END: hget_row
    Spec::new("hgetall", 2, READ, hgetall)
        .acl(HASH)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output_order"])
        .doc(
            "2.0.0",
            "O(N), N being the size of the hash",
            "key",
            "Returns every field of a hash with its value.",
        ),
    Spec::new("hgetdel", -5, WRITE | FAST, hgetdel).acl(HASH).key(RW | ACCESS | DELETE, at(1)).doc(
        "9.1.0",
        "O(N), N being the number of fields given",
        "key (FIELDS numfields#0 field...)",
        "Returns the values of fields and removes the fields.",
    ),
    Spec::new("hincrby", 4, WRITE | DENYOOM | FAST, hincrby)
        .acl(HASH)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc(
            "2.0.0",
            "O(1)",
            "key field increment",
            "Adds to an integer in a hash, which begins at 0.",
        ),
    Spec::new("hincrbyfloat", 4, WRITE | DENYOOM | FAST, hincrbyfloat)
        .acl(HASH)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc(
            "2.6.0",
            "O(1)",
            "key field increment:double",
            "Adds to a floating point number in a hash, which begins at 0.",
        ),
    Spec::new("hkeys", 2, READ, hkeys)
        .acl(HASH)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output_order"])
        .doc(
            "2.0.0",
            "O(N), N being the size of the hash",
            "key",
            "Returns every field of a hash.",
        ),
    Spec::new("hlen", 2, READ | FAST, hlen).acl(HASH).key(RO, at(1)).doc(
        "2.0.0",
        "O(1)",
        "key",
        "Counts the fields of a hash.",
    ),
    Spec::new("hmget", -3, READ | FAST, hmget).acl(HASH).key(RO | ACCESS, at(1)).doc(
        "2.0.0",
        "O(N), N being the number of fields given",
        "key field...",
        "Returns the values of several fields.",
    ),
    Spec::new("hmset", -4, WRITE | DENYOOM | FAST, hmset).acl(HASH).key(RW | UPDATE, at(1)).doc(
        "2.0.0",
        "O(N), N being the number of fields given",
        "key (field value)...",
        "Sets several fields; HSET under its old name.",
    ),
    Spec::new("hrandfield", -2, READ, hrandfield)
        .acl(HASH)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "6.2.0",
            "O(N), N being the number of fields returned",
            "key [options: count [WITHVALUES]]",
            "Returns fields of a hash, chosen at random.",
        ),
    Spec::new("hscan", -3, READ, hscan)
        .acl(HASH)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "2.8.0",
            "O(1) for each call; O(N) for a whole iteration, N being the size of the hash",
            "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
            "Walks through a hash in steps.",
        ),
    Spec::new("hset", -4, WRITE | DENYOOM | FAST, hset)
        .acl(HASH)
        .key(RW | UPDATE, at(1))
        .doc(
            "2.0.0",
            "O(N), N being the number of fields given",
            "key (field value)...",
            "Sets fields of a hash.",
        )
        .history(&[("4.0.0", "Takes several fields.")]),
    Spec::new("hsetnx", 4, WRITE | DENYOOM | FAST, hsetnx).acl(HASH).key(RW | INSERT, at(1)).doc(
        "2.0.0",
        "O(1)",
        "key field value",
        "Sets a field of a hash if it does not exist.",
    ),
    Spec::new("hstrlen", 3, READ | FAST, hstrlen).acl(HASH).key(RO, at(1)).doc(
        "3.2.0",
        "O(1)",
        "key field",
        "Returns the length of a value in a hash, in bytes.",
    ),
    Spec::new("hvals", 2, READ, hvals)
        .acl(HASH)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output_order"])
        .doc(
            "2.0.0",
            "O(N), N being the size of the hash",
            "key",
            "Returns every value in a hash.",
        ),
];

// Fields by name.

// ANCHOR: hget
/// HGET key field
fn hget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    match db.view::<Hash>(&args[1])?.and_then(|hash| hash.get(&args[2])) {
        Some(value) => reply.bulk(value),
        None => reply.null(),
    }
    Ok(())
}
// ANCHOR_END: hget

/// HMGET key field...
fn hmget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let hash = db.view::<Hash>(&args[1])?;
    let names = args.from(2);
    reply.array(names.len());
    for name in names {
        match hash.and_then(|hash| hash.get(name)) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
    }
    Ok(())
}

/// HEXISTS key field
fn hexists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let hash = db.view::<Hash>(&args[1])?;
    reply.int(hash.is_some_and(|hash| hash.contains(&args[2])).into());
    Ok(())
}

/// HSTRLEN key field
fn hstrlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let value = db.view::<Hash>(&args[1])?.and_then(|hash| hash.get(&args[2]));
    reply.int(value.map_or(0, <[u8]>::len) as i64);
    Ok(())
}

/// HSET key field value [field value ...]
fn hset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let added = set(ctx, args)?;
    ctx.reply.int(added);
    Ok(())
}

/// HMSET key field value [field value ...]
fn hmset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set(ctx, args)?;
    ctx.reply.ok();
    Ok(())
}

/// Sets the fields that HSET and HMSET are given. Returns how many are new.
fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<i64, Error> {
    if !args.len().is_multiple_of(2) {
        return Err(error::wrong_arity(ctx.row.spec.name));
    }
    let mut db = ctx.db();
    let mut hash = db.edit_or_new::<Hash>(&args[1])?;
    let mut added = 0;
    for index in (2..args.len()).step_by(2) {
        added += i64::from(hash.set(&args[index], &args[index + 1]));
    }
    hash.note_changes(args.len() / 2 - 1, class::HASH, "hset");
    Ok(added)
}

/// HSETNX key field value
fn hsetnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut hash = db.edit_or_new::<Hash>(&args[1])?;
    let is_new = !hash.view().contains(&args[2]);
    if is_new {
        hash.set(&args[2], &args[3]);
        hash.note(class::HASH, "hset");
    }
    reply.int(is_new.into());
    Ok(())
}

/// HDEL key field [field ...]
fn hdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let removed = match db.edit::<Hash>(&args[1])? {
        Some(mut hash) => {
            let removed = args.from(2).filter(|name| hash.remove(name)).count();
            hash.note_changes(removed, class::HASH, "hdel");
            removed
        }
        None => 0,
    };
    reply.int(removed as i64);
    Ok(())
}

/// HGETDEL key FIELDS numfields field [field ...]
fn hgetdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if !args.is(FIELDS_AT, "FIELDS") {
        return Err(error::SYNTAX);
    }
    expiry::check_number(args, FIELDS_AT, 1, error::NUMFIELDS)?;
    let (mut db, reply) = ctx.db_and_reply();
    let mut hash = db.edit::<Hash>(&args[1])?;
    let names = args.from(FIELDS_AT + 2);
    reply.array(names.len());
    let mut removed = 0;
    for name in names {
        match hash.as_ref().and_then(|hash| hash.view().get(name)) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
        removed += usize::from(hash.as_mut().is_some_and(|hash| hash.remove(name)));
    }
    if let Some(mut hash) = hash {
        hash.note_changes(removed, class::HASH, "hdel");
    }
    Ok(())
}

/// HINCRBY key field increment
fn hincrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let increment = arguments::int(args, 3)?;
    let (mut db, reply) = ctx.db_and_reply();
    let mut hash = db.edit_or_new::<Hash>(&args[1])?;
    let before = match hash.view().get(&args[2]) {
        Some(value) => number::parse_i64(value).ok_or(error::HASH_NOT_AN_INTEGER)?,
        None => 0,
    };
    let sum = before.checked_add(increment).ok_or(error::OVERFLOW)?;
    hash.replace(&args[2], &number::Spelled::new(sum));
    hash.note(class::HASH, "hincrby");
    reply.int(sum);
    Ok(())
}

/// HINCRBYFLOAT key field increment
fn hincrbyfloat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let increment = Extended::parse(&args[3]).ok_or(error::NOT_A_FLOAT)?;
    if !increment.is_finite() {
        return Err(error::INFINITE_INCREMENT);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut hash = db.edit_or_new::<Hash>(&args[1])?;
    let before = hash.view().get(&args[2]).unwrap_or(b"0");
    let before = Extended::parse(before).ok_or(error::HASH_NOT_A_FLOAT)?;
    let sum = before + increment;
    if !sum.is_finite() {
        return Err(error::NOT_FINITE);
    }
    let mut digits = Vec::with_capacity(32);
    sum.push(&mut digits);
    hash.replace(&args[2], &digits);
    hash.note(class::HASH, "hincrbyfloat");
    reply.bulk(&digits);
    // The field is there now, so its expiry, if it has one, lies ahead.
    let expiry = hash.is_heard().then(|| hash.view().expiry(&args[2])).flatten().flatten();
    drop(hash);
    match expiry.map(number::Spelled::new) {
        None => ctx.says("HSET", &[&args[1], &args[2], &digits]),
        Some(when) => {
            let words = [&args[1], b"PXAT", &when, b"FIELDS", b"1", &args[2], &digits];
            ctx.says("HSETEX", &words);
        }
    }
    Ok(())
}

// All fields.

/// HLEN key
fn hlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let hash = db.view::<Hash>(&args[1])?;
    reply.int(hash.map_or(0, View::len) as i64);
    Ok(())
}

/// HGETALL key
fn hgetall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    all(ctx, args, Reply::map, |reply, field| {
        reply.bulk(field.name);
        reply.bulk(field.value);
    })
}

/// HKEYS key
fn hkeys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    all(ctx, args, Reply::array, |reply, field| reply.bulk(field.name))
}

/// HVALS key
fn hvals(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    all(ctx, args, Reply::array, |reply, field| reply.bulk(field.value))
}

/// Replies with every field: a header with their number, then what `show` writes of each.
fn all(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    header: impl FnOnce(&mut Reply, usize),
    show: impl Fn(&mut Reply, Field<'_>),
) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    match db.view::<Hash>(&args[1])? {
        Some(hash) => {
            header(reply, hash.live());
            hash.iter().for_each(|field| show(reply, field));
        }
        None => header(reply, 0),
    }
    Ok(())
}

/// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
fn hscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let cursor = scan::cursor(&args[2], ctx.world.config.persona)?;
    let (mut db, reply) = ctx.db_and_reply();
    let Some(hash) = db.view::<Hash>(&args[1])? else {
        reply.page(|_| (0, 0));
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Walk::Hash)?;
    reply.page(|reply| {
        let mut shown = 0;
        let next = hash.scan(cursor, options.count, |name, value| {
            if !options.matches(name) {
                return;
            }
            reply.bulk(name);
            shown += 1;
            if !options.bare {
                reply.bulk(value);
                shown += 1;
            }
        });
        (next, shown)
    });
    Ok(())
}

/// HRANDFIELD key [count [WITHVALUES]]
fn hrandfield(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() > 2 {
        return hrandfield_count(ctx, args);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut random = db.random().fork();
    match db.view::<Hash>(&args[1])?.and_then(|hash| hash.pick(&mut random)) {
        Some(field) => reply.bulk(field.name),
        None => reply.null(),
    }
    Ok(())
}

/// HRANDFIELD with a count: so many different fields, or if it is negative, just so many.
fn hrandfield_count(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = arguments::int(args, 2)?;
    if count == i64::MIN {
        return Err(error::NOT_A_NEGATABLE);
    }
    let with_values = args.is(3, "WITHVALUES");
    if args.len() > 4 || args.len() == 4 && !with_values {
        return Err(error::SYNTAX);
    }
    if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(error::OUT_OF_RANGE);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut random = db.random().fork();
    let hash = db.view::<Hash>(&args[1])?;
    let live = hash.map_or(0, View::live);
    let size = match usize::try_from(count) {
        Ok(count) => count.min(live),
        Err(_) if live == 0 => 0,
        Err(_) => count.unsigned_abs() as usize,
    };
    if with_values {
        reply.pairs(size);
    } else {
        reply.array(size);
    }
    let Some(hash) = hash else {
        return Ok(());
    };
    let mut show = |field: Field<'_>| {
        if with_values {
            reply.pair();
            reply.bulk(field.name);
            reply.bulk(field.value);
        } else {
            reply.bulk(field.name);
        }
        !reply.is_full()
    };
    if count >= 0 {
        hash.pick_distinct(&mut random, size, |field| {
            show(field);
        });
    } else {
        hash.pick_any(&mut random, size, show);
    }
    Ok(())
}
