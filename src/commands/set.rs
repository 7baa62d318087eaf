//! Sets: SADD SCARD SDIFF SDIFFSTORE SINTER SINTERCARD SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER SMOVE
//! SPOP SRANDMEMBER SREM SSCAN SUNION SUNIONSTORE.

use super::arguments;
use super::scan::{self, ScanOptions, Walk};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::SET;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, numkeys, range};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::set::{Member, NewSet, Set, algebra};
use crate::keyspace::{Operand, View};
use crate::text::number::{self, Spelled};
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("sadd", -3, WRITE | DENYOOM | FAST, sadd)
        .acl(SET)
        .key(RW | INSERT, at(1))
        .doc(
            "1.0.0",
            "O(N), N being the number of members given",
            "key member...",
            "Adds members to a set.",
        )
        .history(&[("2.4.0", "Takes several members.")]),
    Spec::new("scard", 2, READ | FAST, scard).acl(SET).key(RO, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the number of members of a set.",
    ),
    Spec::new("sdiff", -2, READ, sdiff)
        .acl(SET)
        .key(RO | ACCESS, range(1, -1, 1))
        .tips(&["nondeterministic_output_order"])
        .doc(
            "1.0.0",
            "O(N), N being the number of members in all sets",
            "key...",
            "Returns the members of the first set that are in none of the others.",
        ),
    Spec::new("sdiffstore", -3, WRITE | DENYOOM, sdiffstore)
        .acl(SET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, range(2, -1, 1))
        .doc(
            "1.0.0",
            "O(N), N being the number of members in all sets",
            "destination key...",
            "Stores the members of the first set that are in none of the others.",
        ),
    Spec::new("sinter", -2, READ, sinter)
        .acl(SET)
        .key(RO | ACCESS, range(1, -1, 1))
        .tips(&["nondeterministic_output_order"])
        .doc(
            "1.0.0",
            "O(N*M) at worst, N being the size of the smallest set and M the number of sets",
            "key...",
            "Returns the members that are in every set.",
        ),
    Spec::new("sintercard", -3, READ, sintercard).acl(SET).key(RO | ACCESS, numkeys(1)).doc(
        "7.0.0",
        "O(N*M) at worst, N being the size of the smallest set and M the number of sets",
        "numkeys key... [LIMIT limit:integer]",
        "Counts the members that are in every set.",
    ),
    Spec::new("sinterstore", -3, WRITE | DENYOOM, sinterstore)
        .acl(SET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, range(2, -1, 1))
        .doc(
            "1.0.0",
            "O(N*M) at worst, N being the size of the smallest set and M the number of sets",
            "destination key...",
            "Stores the members that are in every set.",
        ),
    Spec::new("sismember", 3, READ | FAST, sismember).acl(SET).key(RO, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key member",
        "Tells whether a set has a member.",
    ),
    Spec::new("smembers", 2, READ, smembers)
        .acl(SET)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output_order"])
        .doc("1.0.0", "O(N), N being the size of the set", "key", "Returns every member of a set."),
    Spec::new("smismember", -3, READ | FAST, smismember).acl(SET).key(RO | ACCESS, at(1)).doc(
        "6.2.0",
        "O(N), N being the number of members given",
        "key member...",
        "Tells which of several members a set has.",
    ),
    Spec::new("smove", 4, WRITE | FAST, smove)
        .acl(SET)
        .key(RW | ACCESS | DELETE, at(1))
        .key(RW | INSERT, at(2))
        .doc(
            "1.0.0",
            "O(1)",
            "source destination member",
            "Takes a member out of one set and adds it to another.",
        ),
    Spec::new("spop", -2, WRITE | FAST, spop)
        .acl(SET)
        .key(RW | ACCESS | DELETE, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "1.0.0",
            "O(1), or O(N) with a count of N",
            "key [count]@3.2",
            "Takes members out of a set, chosen at random.",
        )
        .history(&[("3.2.0", "Takes a count.")]),
    Spec::new("srandmember", -2, READ, srandmember)
        .acl(SET)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "1.0.0",
            "O(1), or O(N) with a count of N or -N",
            "key [count]@2.6",
            "Returns members of a set, chosen at random.",
        )
        .history(&[("2.6.0", "Takes a count.")]),
    Spec::new("srem", -3, WRITE | FAST, srem)
        .acl(SET)
        .key(RW | DELETE, at(1))
        .doc(
            "1.0.0",
            "O(N), N being the number of members given",
            "key member...",
            "Removes members from a set.",
        )
        .history(&[("2.4.0", "Takes several members.")]),
    Spec::new("sscan", -3, READ, sscan)
        .acl(SET)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "2.8.0",
            "O(1) for each call; O(N) for a whole iteration, N being the size of the set",
            "key cursor [MATCH pattern] [COUNT count]",
            "Walks through a set in steps.",
        ),
    Spec::new("sunion", -2, READ, sunion)
        .acl(SET)
        .key(RO | ACCESS, range(1, -1, 1))
        .tips(&["nondeterministic_output_order"])
        .doc(
            "1.0.0",
            "O(N), N being the number of members in all sets",
            "key...",
            "Returns the members that are in any of the sets.",
        ),
    Spec::new("sunionstore", -3, WRITE | DENYOOM, sunionstore)
        .acl(SET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, range(2, -1, 1))
        .doc(
            "1.0.0",
            "O(N), N being the number of members in all sets",
            "destination key...",
            "Stores the members that are in any of the sets.",
        ),
];

// Members.

/// SADD key member...
fn sadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut set = db.edit_or_new::<Set>(&args[1])?;
    let added = set.add_all(args.from(2));
    set.note_changes(added, class::SET, "sadd");
    reply.int(added as i64);
    Ok(())
}

/// SREM key member...
fn srem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let removed = match db.edit::<Set>(&args[1])? {
        Some(mut set) => {
            let removed = args.from(2).filter(|member| set.remove(member)).count();
            set.note_changes(removed, class::SET, "srem");
            removed
        }
        None => 0,
    };
    reply.int(removed as i64);
    Ok(())
}

/// SMOVE source destination member
fn smove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let (source, destination, member) = (&args[1], &args[2], &args[3]);
    let moved = db.edit::<Set>(source)?.map(|set| set.view().contains(member));
    if moved.is_some() && source != destination {
        db.edit::<Set>(destination)?;
    }
    if moved == Some(true) && source != destination {
        if let Some(mut set) = db.edit::<Set>(source)? {
            set.remove(member);
            set.note(class::SET, "srem");
        }
        let mut set = db.edit_or_new::<Set>(destination)?;
        if set.add(member) {
            set.note(class::SET, "sadd");
        }
    }
    reply.int(moved.unwrap_or(false).into());
    Ok(())
}

/// SCARD key
fn scard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let members = db.view::<Set>(&args[1])?.map_or(0, View::len);
    reply.int(members as i64);
    Ok(())
}

/// SISMEMBER key member
fn sismember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let is_member = db.view::<Set>(&args[1])?.is_some_and(|set| set.contains(&args[2]));
    reply.int(is_member.into());
    Ok(())
}

/// SMISMEMBER key member...
fn smismember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let set = db.view::<Set>(&args[1])?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        reply.int(set.is_some_and(|set| set.contains(member)).into());
    }
    Ok(())
}

/// SMEMBERS key
fn smembers(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    match db.view::<Set>(&args[1])? {
        Some(set) => {
            reply.set(set.len());
            set.iter().for_each(|member| reply.bulk(&member));
        }
        None => reply.set(0),
    }
    Ok(())
}

/// SSCAN key cursor [MATCH pattern] [COUNT count]
fn sscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let cursor = scan::cursor(&args[2], ctx.world.config.persona)?;
    let (mut db, reply) = ctx.db_and_reply();
    let Some(set) = db.view::<Set>(&args[1])? else {
        reply.page(|_| (0, 0));
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Walk::Set)?;
    reply.page(|reply| {
        let mut met = 0;
        let next = set.scan(cursor, options.count, |member| {
            if options.matches(member) {
                reply.bulk(member);
                met += 1;
            }
        });
        (next, met)
    });
    Ok(())
}

// Random members.

/// SPOP key [count]
fn spop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(error::SYNTAX);
    }
    let count = match args.get(2) {
        Some(count) => number::parse_i64(count)
            .and_then(|count| usize::try_from(count).ok())
            .map(Some)
            .ok_or(error::NOT_POSITIVE)?,
        None => None,
    };
    let is_heard = ctx.is_heard();
    let (mut db, reply) = ctx.db_and_reply();
    let Some(mut set) = db.edit::<Set>(&args[1])? else {
        match count {
            None => reply.null(),
            Some(_) => reply.set(0),
        }
        return Ok(());
    };
    let mut gone: Vec<Box<[u8]>> = Vec::new();
    let members = set.len();
    let taken = count.unwrap_or(1).min(members);
    if count.is_some() {
        reply.set(taken);
    }
    set.pop(taken, |member| {
        reply.bulk(member);
        gone.extend((is_heard && taken < members).then(|| member.into()));
    });
    set.note_changes(taken, class::SET, "spop");
    drop(set);
    // ANCHOR: spop_says
    match taken {
        _ if taken < members => ctx.says_all("SREM", &[&args[1]], gone.iter().map(|m| &**m)),
        _ => ctx.says("UNLINK", &[&args[1]]),
    }
    // ANCHOR_END: spop_says
    Ok(())
}

/// SRANDMEMBER key [count]
fn srandmember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(error::SYNTAX);
    }
    let count = match args.get(2) {
        Some(_) => Some(super::arguments::int(args, 2)?),
        None => None,
    };
    if count == Some(i64::MIN) {
        return Err(error::NOT_A_NEGATABLE);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut random = db.random().fork();
    let set = db.view::<Set>(&args[1])?;
    match (set, count) {
        (Some(set), None) => match set.pick(&mut random) {
            Some(member) => reply.bulk(&member),
            None => reply.null(),
        },
        (Some(set), Some(count @ 0..)) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(set.len());
            reply.array(count);
            set.pick_distinct(&mut random, count, |member| reply.bulk(member));
        }
        (Some(set), Some(count)) => {
            reply.array(count.unsigned_abs() as usize);
            set.pick_any(&mut random, count.unsigned_abs(), |member| {
                reply.bulk(member);
                !reply.is_full()
            });
        }
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
    }
    Ok(())
}

// Several sets.

/// SINTER key...
fn sinter(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let sets = db.operands::<Set>(args.from(1))?;
    reply.set_of(|reply| {
        let members = algebra::intersection(&sets).map(Member::from);
        members.inspect(|member| reply.bulk(member)).count()
    });
    Ok(())
}

/// SINTERCARD numkeys key... [LIMIT limit]
fn sintercard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let few = || error::NUMKEYS_NOT_POSITIVE;
    let keys = arguments::keys(args, 1, few, error::NUMKEYS_TOO_MANY)?;
    let limit = arguments::cardinality_limit(args.options(keys.end), error::LIMIT_NEGATIVE)?;
    let (mut db, reply) = ctx.db_and_reply();
    let sets = db.operands::<Set>(args.from(2).take(keys.len()))?;
    reply.int(algebra::intersection_len(&sets, limit) as i64);
    Ok(())
}

/// SUNION key...
fn sunion(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let Some(integers) = algebra::united_integers(&db.operands::<Set>(args.from(1))?) else {
        return show(ctx, args, algebra::unite);
    };
    reply.set(integers.len());
    integers.into_iter().for_each(|n| reply.bulk(&Spelled::new(n)));
    Ok(())
}

/// SDIFF key...
fn sdiff(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, algebra::subtract)
}

/// SINTERSTORE destination key...
fn sinterstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    store(ctx, args, algebra::intersect, "sinterstore")
}

/// SUNIONSTORE destination key...
fn sunionstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    store(ctx, args, algebra::unite, "sunionstore")
}

/// SDIFFSTORE destination key...
fn sdiffstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    store(ctx, args, algebra::subtract, "sdiffstore")
}

/// What makes one set of many.
type CombineSets = fn(&mut NewSet, &[Operand<'_, Set>]);

/// Replies what an operation makes of the sets that the arguments name.
fn show(ctx: &mut Ctx<'_>, args: Args<'_>, operation: CombineSets) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut result = db.new_set(b"");
    let sets = db.operands::<Set>(args.from(1))?;
    if !sets.iter().filter_map(|set| set.view).all(|set| set.encoding() == "intset") {
        result.begin_large();
    }
    operation(&mut result, &sets);
    let members = result.view();
    reply.set(members.len());
    members.iter().for_each(|member| reply.bulk(&member));
    Ok(())
}

/// Puts what an operation makes of the sets under the first key that the arguments name, which is an
/// event unless nothing is left.
fn store(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    operation: CombineSets,
    event: &'static str,
) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut result = db.new_set(&args[1]);
    operation(&mut result, &db.operands::<Set>(args.from(2))?);
    let members = db.put_set(result);
    if members > 0 {
        db.note(class::SET, event, &args[1]);
    }
    reply.int(members as i64);
    Ok(())
}
