//! Arithmetic on strings that spell numbers: DECR DECRBY INCR INCRBY INCRBYFLOAT.

use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::STRING;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::text::extended::Extended;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("decr", 2, WRITE | DENYOOM | FAST, decr)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc("1.0.0", "O(1)", "key", "Subtracts one from an integer, which begins at 0."),
    Spec::new("decrby", 3, WRITE | DENYOOM | FAST, decrby)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc("1.0.0", "O(1)", "key decrement", "Subtracts from an integer, which begins at 0."),
    Spec::new("incr", 2, WRITE | DENYOOM | FAST, incr)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc("1.0.0", "O(1)", "key", "Adds one to an integer, which begins at 0."),
    Spec::new("incrby", 3, WRITE | DENYOOM | FAST, incrby)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc("1.0.0", "O(1)", "key increment", "Adds to an integer, which begins at 0."),
    Spec::new("incrbyfloat", 3, WRITE | DENYOOM | FAST, incrbyfloat)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc(
            "2.6.0",
            "O(1)",
            "key increment:double",
            "Adds to a floating point number, which begins at 0.",
        ),
];

/// INCR key
fn incr(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    add(ctx, &args[1], 1)
}

/// DECR key
fn decr(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    add(ctx, &args[1], -1)
}

/// INCRBY key increment
fn incrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    add(ctx, &args[1], arguments::int(args, 2)?)
}

/// DECRBY key decrement
fn decrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let decrement = arguments::int(args, 2)?;
    add(ctx, &args[1], decrement.checked_neg().ok_or(error::DECREMENT_OVERFLOW)?)
}

fn add(ctx: &mut Ctx<'_>, key: &[u8], addend: i64) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    reply.int(db.add_to_integer(key, addend)?);
    db.note(class::STRING, "incrby", key);
    Ok(())
}

/// INCRBYFLOAT key increment
fn incrbyfloat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let before = db.string_to_change(&args[1])?.unwrap_or(b"0");
    let before = Extended::parse(before).ok_or(error::NOT_A_FLOAT)?;
    let increment = Extended::parse(&args[2]).ok_or(error::NOT_A_FLOAT)?;
    let sum = before + increment;
    if !sum.is_finite() {
        return Err(error::NOT_FINITE);
    }
    let mut digits = Vec::with_capacity(32);
    sum.push(&mut digits);
    db.replace_float(&args[1], &digits);
    db.note(class::STRING, "incrbyfloat", &args[1]);
    reply.bulk(&digits);
    ctx.says("SET", &[&args[1], &digits, b"KEEPTTL"]);
    Ok(())
}
