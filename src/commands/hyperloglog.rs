//! HyperLogLogs: PFADD PFCOUNT PFMERGE.

use crate::dispatch::Ctx;
use crate::dispatch::spec::{Spec, at, category::HYPERLOGLOG, flag::*, key::*, range};
use crate::error::Error;
use crate::resp::Args;
use crate::store::Db;
use crate::store::hyperloglog::{self, Hll, HllMut, Union};
use crate::store::journal::class;

pub const TABLE: &[Spec] = &[
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
];

/// PFADD key [element...]
fn pfadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let sparse_max = db.limits().hll_sparse_max_bytes;
    let is_new = make(&mut db, &args[1])?;
    let changes = db.edit_string(&args[1], |bytes, start| {
        let mut hll = HllMut::new(bytes, start, sparse_max);
        let begun = usize::from(is_new);
        args.from(2)
            .try_fold(begun, |changes, element| Ok(changes + usize::from(hll.add(element)?)))
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

/// Makes sure that there is a HyperLogLog at `key`. Whether there was none.
fn make(db: &mut Db<'_>, key: &[u8]) -> Result<bool, Error> {
    match db.string_to_change(key)? {
        Some(string) => Hll::new(string).map(|_| false),
        None => {
            db.set_raw_string(key, hyperloglog::EMPTY);
            Ok(true)
        }
    }
}

/// The union of those that there are.
fn union_of<'a>(db: &mut Db<'_>, keys: impl Iterator<Item = &'a [u8]>) -> Result<Union, Error> {
    let mut union = Union::default();
    for key in keys {
        if let Some(string) = db.string(key)? {
            union.join(Hll::new(string)?)?;
        }
    }
    Ok(union)
}
