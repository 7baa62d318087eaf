//! One sorted set made of many: ZDIFF ZDIFFSTORE ZINTER ZINTERCARD ZINTERSTORE ZUNION ZUNIONSTORE.
//! Plain sets take part as well.

use std::ops::Range;

use super::members_of;
use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::zset::Scores;
use crate::keyspace::types::zset::algebra::{self, Aggregate, Source};
use crate::text::double;
use crate::wire::{self, Args};

/// ZUNION numkeys key... [WEIGHTS weight...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(crate) fn zunion(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, SetOperation::Union)
}

/// ZINTER numkeys key... [WEIGHTS weight...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(crate) fn zinter(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, SetOperation::Intersection)
}

/// ZDIFF numkeys key... [WITHSCORES]
pub(crate) fn zdiff(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, SetOperation::Difference)
}

/// ZUNIONSTORE destination numkeys key... [WEIGHTS weight...] [AGGREGATE SUM | MIN | MAX]
pub(crate) fn zunionstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    store(ctx, args, SetOperation::Union)
}

/// ZINTERSTORE destination numkeys key... [WEIGHTS weight...] [AGGREGATE SUM | MIN | MAX]
pub(crate) fn zinterstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    store(ctx, args, SetOperation::Intersection)
}

/// ZDIFFSTORE destination numkeys key...
pub(crate) fn zdiffstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    store(ctx, args, SetOperation::Difference)
}

/// ZINTERCARD numkeys key... [LIMIT limit]
pub(crate) fn zintercard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let keys = keys(ctx, args, 1)?;
    let (mut db, reply) = ctx.db_and_reply();
    let sources = db.sources(args.from(2).take(keys.len()))?;
    let limit = arguments::cardinality_limit(args.options(keys.end), error::negative("LIMIT"))?;
    let mut members = 0;
    algebra::intersection(&sources, Aggregate::Sum, |_, _| {
        members += 1;
        members != limit
    });
    reply.int(members as i64);
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetOperation {
    Union,
    Intersection,
    Difference,
}

impl SetOperation {
    /// That its result was stored.
    fn event(self) -> &'static str {
        match self {
            SetOperation::Union => "zunionstore",
            SetOperation::Intersection => "zinterstore",
            SetOperation::Difference => "zdiffstore",
        }
    }

    /// Computes what the keys behind their number, argument `index`, make together, and whether scores
    /// are to be shown.
    fn run(self, ctx: &mut Ctx<'_>, args: Args<'_>, index: usize) -> Result<(Scores, bool), Error> {
        let keys = keys(ctx, args, index)?;
        let mut db = ctx.db();
        let mut sources = db.sources(args.from(keys.start).take(keys.len()))?;
        let options = StoreOptions::parse(args.options(keys.end), &mut sources, self, index == 1)?;
        let mut scores = Scores::default();
        match self {
            SetOperation::Union => algebra::unite(&mut scores, &sources, options.aggregate),
            SetOperation::Intersection => {
                algebra::intersect(&mut scores, &sources, options.aggregate)
            }
            SetOperation::Difference => algebra::subtract(&mut scores, &sources),
        }
        Ok((scores, options.with_scores))
    }
}

fn show(ctx: &mut Ctx<'_>, args: Args<'_>, operation: SetOperation) -> Result<(), Error> {
    let (scores, with_scores) = operation.run(ctx, args, 1)?;
    let mut show = members_of(ctx.reply, scores.len(), with_scores);
    scores.sorted().into_iter().for_each(|(member, score)| show(member, score));
    Ok(())
}

fn store(ctx: &mut Ctx<'_>, args: Args<'_>, operation: SetOperation) -> Result<(), Error> {
    let (scores, _) = operation.run(ctx, args, 2)?;
    let members = scores.len();
    let (mut db, reply) = ctx.db_and_reply();
    db.set_zset(&args[1], scores);
    if members > 0 {
        db.note(class::ZSET, operation.event(), &args[1]);
    }
    reply.int(members as i64);
    Ok(())
}

/// The places of the keys, of which argument `index` is the number.
fn keys(ctx: &Ctx<'_>, args: Args<'_>, index: usize) -> Result<Range<usize>, Error> {
    arguments::int(args, index)?;
    arguments::keys(args, index, || error::no_key(ctx.row.spec.name), error::SYNTAX)
}

/// SUM, MIN or MAX, in capitals or not.
fn aggregate_named(name: &[u8]) -> Option<Aggregate> {
    let names = [("SUM", Aggregate::Sum), ("MIN", Aggregate::Min), ("MAX", Aggregate::Max)];
    let named = names.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    named.map(|(_, aggregate)| aggregate)
}

struct StoreOptions {
    aggregate: Aggregate,
    with_scores: bool,
}

impl StoreOptions {
    /// Reads the options. Weights are given to the sources.
    fn parse(
        mut words: wire::Options<'_>,
        sources: &mut [Source<'_>],
        operation: SetOperation,
        shown: bool,
    ) -> Result<StoreOptions, Error> {
        let mut options = StoreOptions { aggregate: Aggregate::Sum, with_scores: false };
        let combines = operation != SetOperation::Difference;
        while !words.is_over() {
            if combines && let Some(weights) = words.list("WEIGHTS", sources.len()) {
                for (source, weight) in sources.iter_mut().zip(weights) {
                    source.weight = double::parse(weight).ok_or(error::WEIGHT)?;
                }
            } else if combines && let Some([aggregate]) = words.values("AGGREGATE") {
                options.aggregate = aggregate_named(aggregate).ok_or(error::SYNTAX)?;
            } else if shown && words.flag("WITHSCORES") {
                options.with_scores = true;
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(options)
    }
}
