//! Sorted sets: ZCARD ZMSCORE ZRANDMEMBER ZRANK ZREM ZREVRANK ZSCAN ZSCORE; in `add` ZADD and ZINCRBY, in
//! `range` what means members by rank, score or name, in `pop` what takes them out, in
//! `blocking` what waits for members, in `algebra` ZUNION and its kin.

mod add;
mod algebra;
mod blocking;
mod pop;
mod range;

use super::arguments;
use super::scan::{self, ScanOptions, Walk};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::SORTEDSET;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, numkeys, range};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::{View, Zset};
use crate::text::double;
use crate::wire::{Args, Doubles, Reply};

use add::*;
use algebra::*;
use blocking::*;
use pop::*;
use range::*;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("bzmpop", -5, WRITE | BLOCKING, bzmpop)
        .acl(SORTEDSET)
        .key(RW | ACCESS | DELETE, numkeys(2))
        .doc(
            "7.0.0",
            "O(K) + O(M*log(N)), K being the number of keys, N the size of the set and M the \
            number of members returned",
            "timeout:double numkeys key... (where: MIN | MAX) [COUNT count]",
            "Takes members from the first sorted set that has any, and waits for one that has.",
        ),
    Spec::new("bzpopmax", -3, WRITE | BLOCKING | FAST, bzpopmax)
        .acl(SORTEDSET)
        .key(RW | ACCESS | DELETE, range(1, -2, 1))
        .doc(
            "5.0.0",
            "O(log(N)), N being the size of the set",
            "key... timeout:double",
            "Takes the member with the highest score from the first sorted set that has any, or waits.",
        )
        .history(&[("6.0.0", "The timeout may have a fraction.")]),
    Spec::new("bzpopmin", -3, WRITE | BLOCKING | FAST, bzpopmin)
        .acl(SORTEDSET)
        .key(RW | ACCESS | DELETE, range(1, -2, 1))
        .doc(
            "5.0.0",
            "O(log(N)), N being the size of the set",
            "key... timeout:double",
            "Takes the member with the lowest score from the first sorted set that has any, or waits.",
        )
        .history(&[("6.0.0", "The timeout may have a fraction.")]),
    Spec::new("zadd", -4, WRITE | DENYOOM | FAST, zadd)
        .acl(SORTEDSET)
        .key(RW | UPDATE, at(1))
        .doc(
            "1.2.0",
            "O(log(N)) for each member, N being the size of the set",
            "key [condition: NX | XX]@3.0.2 [comparison: GT | LT]@6.2 [change: CH]@3.0.2 \
            [increment: INCR]@3.0.2 (score member)...",
            "Adds members to a sorted set, or changes their scores.",
        )
        .history(&[
            ("2.4.0", "Takes several members."),
            ("3.0.2", "Options `XX`, `NX`, `CH` and `INCR`."),
            ("6.2.0", "Options `GT` and `LT`."),
        ]),
    Spec::new("zcard", 2, READ | FAST, zcard).acl(SORTEDSET).key(RO, at(1)).doc(
        "1.2.0",
        "O(1)",
        "key",
        "Returns the number of members of a sorted set.",
    ),
    Spec::new("zcount", 4, READ | FAST, zcount).acl(SORTEDSET).key(RO | ACCESS, at(1)).doc(
        "2.0.0",
        "O(log(N)), N being the size of the set",
        "key min:double max:double",
        "Counts the members whose scores are in a range.",
    ),
    Spec::new("zdiff", -3, READ, zdiff).acl(SORTEDSET).key(RO | ACCESS, numkeys(1)).doc(
        "6.2.0",
        "O(L + (N-K)log(N)) at worst, L being the number of members in all sets, N in the \
        first and K in the result",
        "numkeys key... [WITHSCORES]",
        "Returns the members of the first sorted set that are in none of the others.",
    ),
    Spec::new("zdiffstore", -4, WRITE | DENYOOM, zdiffstore)
        .acl(SORTEDSET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, numkeys(2))
        .doc(
            "6.2.0",
            "O(L + (N-K)log(N)) at worst, L being the number of members in all sets, N in the \
            first and K in the result",
            "destination numkeys key...",
            "Stores the members of the first sorted set that are in none of the others.",
        ),
    Spec::new("zincrby", 4, WRITE | DENYOOM | FAST, zincrby)
        .acl(SORTEDSET)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc(
            "1.2.0",
            "O(log(N)), N being the size of the set",
            "key increment member",
            "Adds to the score of a member, which begins at 0.",
        ),
    Spec::new("zinter", -3, READ, zinter).acl(SORTEDSET).key(RO | ACCESS, numkeys(1)).doc(
        "6.2.0",
        "O(N*K)+O(M*log(M)) at worst, N being the size of the smallest set, K the number of \
        sets and M the size of the result",
        "numkeys key... [WEIGHTS weight...] [AGGREGATE (SUM | MIN | MAX)] [WITHSCORES]",
        "Returns the members that are in every sorted set.",
    ),
    Spec::new("zintercard", -3, READ, zintercard).acl(SORTEDSET).key(RO | ACCESS, numkeys(1)).doc(
        "7.0.0",
        "O(N*K) at worst, N being the size of the smallest set and K the number of sets",
        "numkeys key... [LIMIT limit:integer]",
        "Counts the members that are in every sorted set.",
    ),
    Spec::new("zinterstore", -4, WRITE | DENYOOM, zinterstore)
        .acl(SORTEDSET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, numkeys(2))
        .doc(
            "2.0.0",
            "O(N*K)+O(M*log(M)) at worst, N being the size of the smallest set, K the number of \
            sets and M the size of the result",
            "destination numkeys key... [WEIGHTS weight...] [AGGREGATE (SUM | MIN | MAX)]",
            "Stores the members that are in every sorted set.",
        ),
    Spec::new("zlexcount", 4, READ | FAST, zlexcount).acl(SORTEDSET).key(RO | ACCESS, at(1)).doc(
        "2.8.9",
        "O(log(N)), N being the size of the set",
        "key min max",
        "Counts the members between two in alphabetical order.",
    ),
    Spec::new("zmpop", -4, WRITE, zmpop).acl(SORTEDSET).key(RW | ACCESS | DELETE, numkeys(1)).doc(
        "7.0.0",
        "O(K) + O(M*log(N)), K being the number of keys, N the size of the set and M the \
        number of members returned",
        "numkeys key... (where: MIN | MAX) [COUNT count]",
        "Takes members from the first sorted set that has any.",
    ),
    Spec::new("zmscore", -3, READ | FAST, zmscore).acl(SORTEDSET).key(RO | ACCESS, at(1)).doc(
        "6.2.0",
        "O(N), N being the number of members given",
        "key member...",
        "Returns the scores of several members.",
    ),
    Spec::new("zpopmax", -2, WRITE | FAST, zpopmax)
        .acl(SORTEDSET)
        .key(RW | ACCESS | DELETE, at(1))
        .doc(
            "5.0.0",
            "O(log(N)*M), N being the size of the set and M the number of members returned",
            "key [count]",
            "Takes the members with the highest scores.",
        ),
    Spec::new("zpopmin", -2, WRITE | FAST, zpopmin)
        .acl(SORTEDSET)
        .key(RW | ACCESS | DELETE, at(1))
        .doc(
            "5.0.0",
            "O(log(N)*M), N being the size of the set and M the number of members returned",
            "key [count]",
            "Takes the members with the lowest scores.",
        ),
    Spec::new("zrandmember", -2, READ, zrandmember)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "6.2.0",
            "O(N), N being the number of members returned",
            "key [options: count [WITHSCORES]]",
            "Returns members of a sorted set, chosen at random.",
        ),
    Spec::new("zrange", -4, READ, zrange)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .doc(
            "1.2.0",
            "O(log(N)+M), N being the size of the set and M of the range",
            "key start:string stop:string [sortby: BYSCORE | BYLEX]@6.2 [REV]@6.2 \
            [LIMIT offset count]@6.2 [WITHSCORES]",
            "Returns a range of a sorted set, by rank, score or name.",
        )
        .history(&[("6.2.0", "Options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")]),
    Spec::new("zrangebylex", -4, READ, zrangebylex).acl(SORTEDSET).key(RO | ACCESS, at(1)).doc(
        "2.8.9",
        "O(log(N)+M), N being the size of the set and M of the range",
        "key min max [LIMIT offset count]",
        "Returns the members between two in alphabetical order.",
    ),
    Spec::new("zrangebyscore", -4, READ, zrangebyscore)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .doc(
            "1.0.5",
            "O(log(N)+M), N being the size of the set and M of the range",
            "key min:double max:double [WITHSCORES]@2.0 [LIMIT offset count]",
            "Returns the members whose scores are in a range.",
        )
        .history(&[("2.0.0", "Option `WITHSCORES`.")]),
    Spec::new("zrangestore", -5, WRITE | DENYOOM, zrangestore)
        .acl(SORTEDSET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, at(2))
        .doc(
            "6.2.0",
            "O(log(N)+M), N being the size of the set and M of the range",
            "dst src min max [sortby: BYSCORE | BYLEX] [REV] [LIMIT offset count]",
            "Stores a range of a sorted set, by rank, score or name.",
        ),
    Spec::new("zrank", -3, READ | FAST, zrank)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .doc(
            "2.0.0",
            "O(log(N))",
            "key member [WITHSCORE]",
            "Returns the rank of a member, the lowest score first.",
        )
        .history(&[("7.2.0", "Option `WITHSCORE`.")]),
    Spec::new("zrem", -3, WRITE | FAST, zrem)
        .acl(SORTEDSET)
        .key(RW | DELETE, at(1))
        .doc(
            "1.2.0",
            "O(M*log(N)), N being the size of the set and M the number of members given",
            "key member...",
            "Removes members from a sorted set.",
        )
        .history(&[("2.4.0", "Takes several members.")]),
    Spec::new("zremrangebylex", 4, WRITE, zremrangebylex)
        .acl(SORTEDSET)
        .key(RW | DELETE, at(1))
        .doc(
            "2.8.9",
            "O(log(N)+M), N being the size of the set and M the number of members removed",
            "key min max",
            "Removes the members between two in alphabetical order.",
        ),
    Spec::new("zremrangebyrank", 4, WRITE, zremrangebyrank)
        .acl(SORTEDSET)
        .key(RW | DELETE, at(1))
        .doc(
            "2.0.0",
            "O(log(N)+M), N being the size of the set and M the number of members removed",
            "key start stop",
            "Removes the members whose ranks are in a range.",
        ),
    Spec::new("zremrangebyscore", 4, WRITE, zremrangebyscore)
        .acl(SORTEDSET)
        .key(RW | DELETE, at(1))
        .doc(
            "1.2.0",
            "O(log(N)+M), N being the size of the set and M the number of members removed",
            "key min:double max:double",
            "Removes the members whose scores are in a range.",
        ),
    Spec::new("zrevrange", -4, READ, zrevrange).acl(SORTEDSET).key(RO | ACCESS, at(1)).doc(
        "1.2.0",
        "O(log(N)+M), N being the size of the set and M of the range",
        "key start stop [WITHSCORES]",
        "Returns a range of ranks, the highest score first.",
    ),
    Spec::new("zrevrangebylex", -4, READ, zrevrangebylex)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .doc(
            "2.8.9",
            "O(log(N)+M), N being the size of the set and M of the range",
            "key max min [LIMIT offset count]",
            "Returns the members between two, in reverse alphabetical order.",
        ),
    Spec::new("zrevrangebyscore", -4, READ, zrevrangebyscore)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .doc(
            "2.2.0",
            "O(log(N)+M), N being the size of the set and M of the range",
            "key max:double min:double [WITHSCORES] [LIMIT offset count]",
            "Returns the members whose scores are in a range, the highest first.",
        )
        .history(&[("2.1.6", "A bound may be exclusive.")]),
    Spec::new("zrevrank", -3, READ | FAST, zrevrank)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .doc(
            "2.0.0",
            "O(log(N))",
            "key member [WITHSCORE]",
            "Returns the rank of a member, the highest score first.",
        )
        .history(&[("7.2.0", "Option `WITHSCORE`.")]),
    Spec::new("zscan", -3, READ, zscan)
        .acl(SORTEDSET)
        .key(RO | ACCESS, at(1))
        .tips(&["nondeterministic_output"])
        .doc(
            "2.8.0",
            "O(1) for each call; O(N) for a whole iteration, N being the size of the set",
            "key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
            "Walks through a sorted set in steps.",
        )
        .history(&[("8.0.0", "Option `NOSCORES`.")]),
    Spec::new("zscore", 3, READ | FAST, zscore).acl(SORTEDSET).key(RO | ACCESS, at(1)).doc(
        "1.2.0",
        "O(1)",
        "key member",
        "Returns the score of a member.",
    ),
    Spec::new("zunion", -3, READ, zunion).acl(SORTEDSET).key(RO | ACCESS, numkeys(1)).doc(
        "6.2.0",
        "O(N)+O(M*log(M)), N being the number of members in all sets and M in the result",
        "numkeys key... [WEIGHTS weight...] [AGGREGATE (SUM | MIN | MAX)] [WITHSCORES]",
        "Returns the members that are in any of the sorted sets.",
    ),
    Spec::new("zunionstore", -4, WRITE | DENYOOM, zunionstore)
        .acl(SORTEDSET)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, numkeys(2))
        .doc(
            "2.0.0",
            "O(N)+O(M log(M)), N being the number of members in all sets and M in the result",
            "destination numkeys key... [WEIGHTS weight...] [AGGREGATE (SUM | MIN | MAX)]",
            "Stores the members that are in any of the sorted sets.",
        ),
];

/// ZREM key member...
fn zrem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let removed = match db.edit::<Zset>(&args[1])? {
        Some(mut zset) => {
            let removed = args.from(2).filter(|member| zset.remove(member).is_some()).count();
            zset.note_changes(removed, class::ZSET, "zrem");
            removed
        }
        None => 0,
    };
    reply.int(removed as i64);
    Ok(())
}

/// ZCARD key
fn zcard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let members = db.view::<Zset>(&args[1])?.map_or(0, View::len);
    reply.int(members as i64);
    Ok(())
}

/// ZSCORE key member
fn zscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    match db.view::<Zset>(&args[1])?.and_then(|zset| zset.score(&args[2])) {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
    Ok(())
}

/// ZMSCORE key member...
fn zmscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let zset = db.view::<Zset>(&args[1])?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => reply.double(score),
            None => reply.null(),
        }
    }
    Ok(())
}

/// ZRANK key member [WITHSCORE]
fn zrank(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    rank(ctx, args, |_, rank| rank)
}

/// ZREVRANK key member [WITHSCORE]
fn zrevrank(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    rank(ctx, args, |members, rank| members - 1 - rank)
}

/// Replies a member's rank, which `count` makes of the number of members and the rank from the lowest.
fn rank(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    count: impl FnOnce(usize, usize) -> usize,
) -> Result<(), Error> {
    let with_score = args.len() > 3;
    if args.len() > 4 {
        return Err(error::wrong_arity(ctx.row.spec.name));
    }
    if with_score && !args.is(3, "WITHSCORE") {
        return Err(error::SYNTAX);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let zset = db.view::<Zset>(&args[1])?;
    let found =
        zset.and_then(|zset| Some((zset.len(), zset.rank(&args[2])?, zset.score(&args[2])?)));
    match found {
        Some((members, rank, score)) => {
            if with_score {
                reply.array(2);
            }
            reply.int(count(members, rank) as i64);
            if with_score {
                reply.double(score);
            }
        }
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(())
}

/// ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]
fn zscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let persona = ctx.world.config.persona;
    let cursor = scan::cursor(&args[2], persona)?;
    let (mut db, reply) = ctx.db_and_reply();
    let Some(zset) = db.view::<Zset>(&args[1])? else {
        reply.page(|_| (0, 0));
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Walk::Zset)?;
    // The scores of a large set are spelled in another way than anywhere else.
    let push_score = match persona.doubles {
        Doubles::Shortest if zset.is_compact() => double::push,
        Doubles::Seventeen if zset.is_compact() => double::push_whole_or_seventeen,
        _ => double::push_seventeen,
    };
    let mut digits = Vec::new();
    reply.page(|reply| {
        let mut met = 0;
        let next = zset.scan(cursor, options.count, |member, score| {
            if options.matches(member) {
                reply.bulk(member);
                met += 1;
                if !options.bare {
                    digits.clear();
                    push_score(&mut digits, score);
                    reply.bulk(&digits);
                    met += 1;
                }
            }
        });
        (next, met)
    });
    Ok(())
}

/// ZRANDMEMBER key [count [WITHSCORES]]
fn zrandmember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = match args.get(2) {
        Some(_) => Some(arguments::int(args, 2)?),
        None => None,
    };
    if count == Some(i64::MIN) {
        return Err(error::NOT_A_NEGATABLE);
    }
    let with_scores = args.len() > 3;
    if args.len() > 4 || with_scores && !args.is(3, "WITHSCORES") {
        return Err(error::SYNTAX);
    }
    if with_scores && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
        return Err(error::COUNT_OUT_OF_RANGE);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut random = db.random().fork();
    match (db.view::<Zset>(&args[1])?, count) {
        (Some(zset), None) => match zset.at(random.below(zset.len())) {
            Some((member, _)) => reply.bulk(member),
            None => reply.null(),
        },
        (Some(zset), Some(count @ 0..)) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(zset.len());
            let show = members_of(reply, count, with_scores);
            zset.pick_distinct(&mut random, count, show);
        }
        (Some(zset), Some(count)) => {
            let count = count.unsigned_abs();
            announce_members(reply, count as usize, with_scores);
            zset.pick_any(&mut random, count, |member, score| {
                show_member(reply, member, score, with_scores);
                !reply.is_full()
            });
        }
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
    }
    Ok(())
}

/// Writes the header of so many members. What is returned writes one of them, with its score or without.
fn members_of(
    reply: &mut Reply,
    members: usize,
    with_scores: bool,
) -> impl FnMut(&[u8], f64) + use<'_> {
    announce_members(reply, members, with_scores);
    move |member, score| show_member(reply, member, score, with_scores)
}

fn announce_members(reply: &mut Reply, members: usize, with_scores: bool) {
    match with_scores {
        true => reply.pairs(members),
        false => reply.array(members),
    }
}

#[inline]
fn show_member(reply: &mut Reply, member: &[u8], score: f64, with_scores: bool) {
    if with_scores {
        reply.pair();
    }
    reply.bulk(member);
    if with_scores {
        reply.double(score);
    }
}
