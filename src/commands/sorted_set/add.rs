//! What gives members scores: ZADD ZINCRBY.

use std::iter;

use crate::commands::arguments::{self, Conditions};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::Zset;
use crate::keyspace::changes::class;
use crate::wire::Args;

/// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member...]
pub(crate) fn zadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Options { conditions, change, increment, first } = Options::read(args);
    let given = args.len() - first;
    if given == 0 || !given.is_multiple_of(2) {
        return Err(error::SYNTAX);
    }
    check(conditions)?;
    if increment {
        return if given == 2 {
            add_to(ctx, args, first, conditions)
        } else {
            Err(error::INCR_OF_ONE)
        };
    }

    // One member is the normal case, and needs no memory for its score.
    let score = arguments::float(args, first)?;
    let more = (first + 2..args.len()).step_by(2);
    let more = more.map(|at| arguments::float(args, at)).collect::<Result<Vec<f64>, Error>>()?;
    let scores = iter::once(score).chain(more);
    let members = args.from(first + 1).step_by(2);

    let (mut db, reply) = ctx.db_and_reply();
    let zset = match conditions.xx {
        true => db.edit::<Zset>(&args[1])?,
        false => Some(db.edit_or_new::<Zset>(&args[1])?),
    };
    let (mut added, mut changed) = (0, 0);
    if let Some(mut zset) = zset {
        let longest = members.clone().map(<[u8]>::len).max();
        zset.expect(members.len(), longest.unwrap_or(0));
        for (member, score) in members.zip(scores) {
            zset.update(member, |old| {
                let score = decide(conditions, old, score)?;
                match old {
                    Some(old) => changed += i64::from(old != score),
                    None => added += 1,
                }
                Some(score)
            });
        }
        zset.note_changes((added + changed) as usize, class::ZSET, "zadd");
    }
    reply.int(if change { added + changed } else { added });
    Ok(())
}

/// ZINCRBY key increment member
pub(crate) fn zincrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    add_to(ctx, args, 2, Conditions::default())
}

/// Adds to the score of the member behind the increment at `index`, under some conditions, and replies
/// the new score.
fn add_to(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    index: usize,
    conditions: Conditions,
) -> Result<(), Error> {
    let increment = arguments::float(args, index)?;
    let member = &args[index + 1];
    let (mut db, reply) = ctx.db_and_reply();
    let zset = match conditions.xx {
        true => db.edit::<Zset>(&args[1])?,
        false => Some(db.edit_or_new::<Zset>(&args[1])?),
    };
    let mut sum = None;
    if let Some(mut zset) = zset {
        zset.expect(1, member.len());
        let mut is_other = false;
        zset.update(member, |old| {
            sum = decide(conditions, old, old.map_or(increment, |old| old + increment));
            let set = sum.filter(|sum| !sum.is_nan());
            is_other = set.is_some() && set != old;
            set
        });
        if is_other {
            zset.note(class::ZSET, "zincr");
        }
    }
    match sum {
        Some(sum) if sum.is_nan() => return Err(error::SCORE_IS_NAN),
        Some(sum) => reply.double(sum),
        None => reply.null(),
    }
    Ok(())
}

/// The options of ZADD.
#[derive(Default)]
struct Options {
    conditions: Conditions,
    /// CH: the reply counts members that have another score, too.
    change: bool,
    /// INCR: the score is added to the one that there is.
    increment: bool,
    /// The first argument behind them.
    first: usize,
}

impl Options {
    fn read(args: Args<'_>) -> Options {
        let mut read = Options::default();
        let mut options = args.options(2);
        loop {
            match () {
                () if read.conditions.take(&mut options) => {}
                () if options.flag("CH") => read.change = true,
                () if options.flag("INCR") => read.increment = true,
                () => break,
            }
        }
        Options { first: options.index(), ..read }
    }
}

fn check(conditions: Conditions) -> Result<(), Error> {
    let Conditions { nx, xx, gt, lt } = conditions;
    if nx && xx {
        return Err(error::XX_EXCLUDES_NX);
    }
    if gt && lt || nx && (gt || lt) {
        return Err(error::GT_LT_NX_EXCLUDE);
    }
    Ok(())
}

/// The score to set, if it is to be set. A new member has nothing to be compared with, so GT and LT let it
/// pass. NaN passes, too: it is the caller's error.
fn decide(conditions: Conditions, old: Option<f64>, score: f64) -> Option<f64> {
    let Conditions { nx, xx, gt, lt } = conditions;
    let allowed = match old {
        None => !xx,
        Some(old) => !(nx || gt && score <= old || lt && score >= old),
    };
    allowed.then_some(score)
}
