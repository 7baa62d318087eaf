//! HyperLogLogs: PFADD PFCOUNT PFDEBUG PFMERGE PFSELFTEST.

use crate::dispatch::Ctx;
use crate::dispatch::spec::category::HYPERLOGLOG;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, range};
use crate::error::{self, Error};
use crate::keyspace::Db;
use crate::keyspace::changes::class;
use crate::keyspace::types::hyperloglog::{self, Hll, HllMut, Union};
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("pfadd", -2, WRITE | DENYOOM | FAST, pfadd)
        .acl(HYPERLOGLOG)
        .key(RW | INSERT, at(1))
        .doc(
            "2.8.9",
            "O(1) for each element",
            "key [element...]",
            "Adds elements to a HyperLogLog.",
        ),
    Spec::new("pfcount", -2, READ | MAY_REPLICATE, pfcount)
        .acl(HYPERLOGLOG)
        .key(RW | ACCESS, range(1, -1, 1))
        .note("RW, for counting may store the cardinality it found.")
        .doc(
            "2.8.9",
            "O(1) for one key, O(N) for N keys, which costs much more for each",
            "key...",
            "Estimates the number of different elements in HyperLogLogs.",
        ),
    Spec::new("pfdebug", 3, WRITE | DENYOOM | ADMIN, pfdebug)
        .acl(HYPERLOGLOG)
        .key(RW | ACCESS, at(2))
        .system()
        .doc(
            "2.8.9",
            "N/A",
            "subcommand key",
            "Shows how a HyperLogLog is encoded, or makes it dense.",
        ),
    Spec::new("pfmerge", -2, WRITE | DENYOOM, pfmerge)
        .acl(HYPERLOGLOG)
        .key(RW | ACCESS | INSERT, at(1))
        .key(RO | ACCESS, range(2, -1, 1))
        .doc(
            "2.8.9",
            "O(N), N being the number of keys",
            "destkey [sourcekey...]",
            "Merges HyperLogLogs into one.",
        ),
    Spec::new("pfselftest", 1, ADMIN, pfselftest).acl(HYPERLOGLOG).system().doc(
        "2.8.9",
        "N/A",
        "",
        "Tests the counting of HyperLogLogs.",
    ),
];

/// PFADD key [element...]
fn pfadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let sparse_max = db.limits().hll_sparse_max_bytes;
    let is_new = make(&mut db, &args[1])?;
    let changes = db.edit_string(&args[1], |bytes, start| {
        let mut hll = HllMut::new(bytes, start, sparse_max);
        let begun = usize::from(is_new);
        args.from(2).try_fold(begun, |changes, element| {
            hll.add(element).map(|is_new| changes + usize::from(is_new))
        })
    })?;
    let changes = changes.unwrap_or(Ok(0))?;
    db.note_changes(changes, class::STRING, "pfadd", &args[1]);
    reply.int((changes > 0).into());
    Ok(())
}

/// PFCOUNT key...
fn pfcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    if args.len() > 2 {
        let union = union_of(&mut db, args.from(1))?;
        reply.int(union.count() as i64);
        return Ok(());
    }
    let Some(string) = db.string(&args[1])? else {
        reply.int(0);
        return Ok(());
    };
    let hll = Hll::new(string)?;
    let last = hll.last_count();
    let count = last.map_or_else(|| hll.count(), Ok)?;
    if last.is_none() {
        db.edit_string(&args[1], |bytes, start| {
            HllMut::new(bytes, start, 0).keep_count(count);
        })?;
        db.changed(&args[1]);
    }
    reply.int(count as i64);
    Ok(())
}

/// PFDEBUG <GETREG | DECODE | ENCODING | TODENSE> key
/// PFDEBUG SIMD <ON | OFF>
///
/// GETREG makes the HyperLogLog dense, as TODENSE does. There is one way of counting, so SIMD has nothing to
/// switch.
fn pfdebug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    if args.is(1, "SIMD") {
        match () {
            () if args.is(2, "ON") => reply.status("enabled"),
            () if args.is(2, "OFF") => reply.status("disabled"),
            () => return Err(error::NOT_ON_OR_OFF),
        }
        return Ok(());
    }
    let string = db.string_to_change(&args[2])?.ok_or(error::NO_HYPERLOGLOG)?;
    let hll = Hll::new(string)?;
    match () {
        () if args.is(1, "ENCODING") => {
            reply.status(if hll.is_sparse() { "sparse" } else { "dense" });
        }
        () if args.is(1, "DECODE") => reply.bulk(&hll.decoded().ok_or(error::NOT_SPARSE)?),
        () if args.is(1, "GETREG") => {
            let union = union_of(&mut db, args.from(2))?;
            make_dense(&mut db, &args[2])?;
            reply.array(union.registers().len());
            union.registers().for_each(|value| reply.int(value.into()));
        }
        () if args.is(1, "TODENSE") => {
            let was_sparse = make_dense(&mut db, &args[2])?;
            reply.int(was_sparse.into());
        }
        () => return Err(error::quoting("Unknown PFDEBUG subcommand '", &args[1], "'")),
    }
    Ok(())
}

/// Makes the HyperLogLog at `key` dense. Returns whether it was sparse.
fn make_dense(db: &mut Db<'_>, key: &[u8]) -> Result<bool, Error> {
    let made = db.edit_string(key, |bytes, start| HllMut::new(bytes, start, 0).make_dense())?;
    let was_sparse = made.transpose()?.unwrap_or(false);
    if was_sparse {
        db.changed(key);
    }
    Ok(was_sparse)
}

/// PFSELFTEST
fn pfselftest(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    hyperloglog::self_test().map_err(|failed| Error::text(format!("TESTFAILED {failed}")))?;
    ctx.reply.ok();
    Ok(())
}

/// PFMERGE destkey [sourcekey...]
fn pfmerge(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let union = union_of(&mut db, args.from(1))?;
    let sparse_max = db.limits().hll_sparse_max_bytes;
    make(&mut db, &args[1])?;
    db.edit_string(&args[1], |bytes, start| {
        HllMut::new(bytes, start, sparse_max).become_union(&union)
    })?
    .transpose()?;
    db.note(class::STRING, "pfadd", &args[1]);
    reply.ok();
    Ok(())
}

/// Makes sure that there is a HyperLogLog at `key`. Returns whether there was none.
fn make(db: &mut Db<'_>, key: &[u8]) -> Result<bool, Error> {
    match db.string_to_change(key)? {
        Some(string) => {
            Hll::new(string)?;
            Ok(false)
        }
        None => {
            db.set_raw_string(key, hyperloglog::EMPTY);
            Ok(true)
        }
    }
}

/// The union of those that there are.
fn union_of<'a>(db: &mut Db<'_>, keys: impl Iterator<Item = &'a [u8]>) -> Result<Union, Error> {
    let mut union = None;
    for key in keys {
        if let Some(string) = db.string(key)? {
            let hll = Hll::new(string)?;
            match &mut union {
                None => union = Some(Union::of(hll)?),
                Some(union) => union.join(hll)?,
            }
        }
    }
    Ok(union.unwrap_or_default())
}
