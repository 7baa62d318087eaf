//! Members by rank, score or name: ZCOUNT ZLEXCOUNT ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANGESTORE
//! ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE.
//!
//! Whatever the arguments mean members by, the store is asked for a range of ranks.

use std::ops::Range;

use super::members_of;
use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::zset::{Bound, Scores, Zset};
use crate::keyspace::{Edit, View};
use crate::text::double;
use crate::wire::Args;

/// ZCOUNT key min max
pub(crate) fn zcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    count(ctx, args, By::Score)
}

/// ZLEXCOUNT key min max
pub(crate) fn zlexcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    count(ctx, args, By::Name)
}

fn count(ctx: &mut Ctx<'_>, args: Args<'_>, by: By) -> Result<(), Error> {
    let selection = Selection::parse(args, by, 2, 3)?;
    let (mut db, reply) = ctx.db_and_reply();
    let members = match db.view::<Zset>(&args[1])? {
        Some(zset) => selection.ranks(zset).len(),
        None => 0,
    };
    reply.int(members as i64);
    Ok(())
}

/// ZREMRANGEBYRANK key start stop
pub(crate) fn zremrangebyrank(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    remove(ctx, args, By::Rank)
}

/// ZREMRANGEBYSCORE key min max
pub(crate) fn zremrangebyscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    remove(ctx, args, By::Score)
}

/// ZREMRANGEBYLEX key min max
pub(crate) fn zremrangebylex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    remove(ctx, args, By::Name)
}

fn remove(ctx: &mut Ctx<'_>, args: Args<'_>, by: By) -> Result<(), Error> {
    let selection = Selection::parse(args, by, 2, 3)?;
    let (mut db, reply) = ctx.db_and_reply();
    let event = match by {
        By::Rank => "zremrangebyrank",
        By::Score => "zremrangebyscore",
        By::Name => "zremrangebylex",
    };
    // Where scores differ, which names a range of names finds depends on the form of the sorted set.
    let mut names: Vec<Box<[u8]>> = Vec::new();
    let remove = |mut zset: Edit<'_, Zset>| {
        let ranks = selection.ranks(zset.view());
        if by == By::Name && zset.is_heard() {
            names.extend(zset.view().range(ranks.clone()).map(|(member, _)| Box::from(member)));
        }
        zset.remove_ranks(ranks.clone());
        zset.note_changes(ranks.len(), class::ZSET, event);
        ranks.len()
    };
    let removed = db.edit::<Zset>(&args[1])?.map_or(0, remove);
    reply.int(removed as i64);
    if by == By::Name {
        ctx.says_all("ZREM", &[&args[1]], names.iter().map(|name| &**name));
    }
    Ok(())
}

/// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
pub(crate) fn zrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, Query::parse(args, 2, RangeOptions { by: None, reverse: None, show: true })?)
}

/// ZREVRANGE key start stop [WITHSCORES]
pub(crate) fn zrevrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show_by(ctx, args, By::Rank, true)
}

/// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
pub(crate) fn zrangebyscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show_by(ctx, args, By::Score, false)
}

/// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
pub(crate) fn zrevrangebyscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show_by(ctx, args, By::Score, true)
}

/// ZRANGEBYLEX key min max [LIMIT offset count]
pub(crate) fn zrangebylex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show_by(ctx, args, By::Name, false)
}

/// ZREVRANGEBYLEX key max min [LIMIT offset count]
pub(crate) fn zrevrangebylex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show_by(ctx, args, By::Name, true)
}

fn show_by(ctx: &mut Ctx<'_>, args: Args<'_>, by: By, reverse: bool) -> Result<(), Error> {
    let options = RangeOptions { by: Some(by), reverse: Some(reverse), show: true };
    show(ctx, args, Query::parse(args, 2, options)?)
}

fn show(ctx: &mut Ctx<'_>, args: Args<'_>, query: Query<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let Some(zset) = db.view::<Zset>(&args[1])? else {
        reply.array(0);
        return Ok(());
    };
    let ranks = query.ranks(zset);
    let show = members_of(reply, ranks.len(), query.with_scores);
    query.each(zset, ranks, show);
    Ok(())
}

/// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
pub(crate) fn zrangestore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let query = Query::parse(args, 3, RangeOptions { by: None, reverse: None, show: false })?;
    let (mut db, reply) = ctx.db_and_reply();
    let mut scores = Scores::default();
    if let Some(zset) = db.view::<Zset>(&args[2])? {
        let ranks = query.ranks(zset);
        query.each(zset, ranks, |member, score| scores.merge(member, score, |_, score| score));
    }
    reply.int(scores.len() as i64);
    if scores.is_empty() {
        if db.delete(&args[1]) {
            ctx.says("DEL", &[&args[1]]);
        }
        return Ok(());
    }
    // One by one, as in the reference: it shows in the sign of zeros.
    let mut zset = db.edit_anew::<Zset>(&args[1]);
    if let Selection::Ranks(..) = query.selection {
        zset.expect(scores.len(), 0);
    }
    scores.iter().for_each(|(member, score)| {
        zset.insert(member, score);
    });
    zset.note(class::ZSET, "zrangestore");
    drop(zset);
    if let Selection::Names(..) = query.selection
        && ctx.is_heard()
    {
        // As for ZREMRANGEBYLEX: see `remove`.
        let mut words: Vec<Vec<u8>> = Vec::new();
        for (member, score) in scores.iter() {
            let mut digits = Vec::new();
            double::push_shortest(&mut digits, score);
            words.extend([digits, member.to_vec()]);
        }
        ctx.says("DEL", &[&args[1]]);
        ctx.says_all("ZADD", &[&args[1]], words.iter().map(|word| &**word));
    }
    Ok(())
}

/// What a range is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Name,
}

/// Members between two ends.
#[derive(Debug, Clone, Copy)]
enum Selection<'a> {
    /// From one to the other, both included; negative ones count from the end.
    Ranks(i64, i64),
    Scores(Bound<f64>, Bound<f64>),
    Names(Bound<&'a [u8]>, Bound<&'a [u8]>),
}

impl<'a> Selection<'a> {
    /// The range between arguments `low` and `high`.
    fn parse(args: Args<'a>, by: By, low: usize, high: usize) -> Result<Selection<'a>, Error> {
        let end = |index: usize| args.get(index).unwrap_or_default();
        Ok(match by {
            By::Rank => Selection::Ranks(arguments::int(args, low)?, arguments::int(args, high)?),
            By::Score => {
                let (low, high) = (score(end(low))?, score(end(high))?);
                Selection::Scores(low.cut(false), high.cut(true))
            }
            By::Name => {
                let (low, high) = (name(end(low), false)?, name(end(high), true)?);
                Selection::Names(low, high)
            }
        })
    }

    /// The ranks of the members, counted from the lowest.
    fn ranks(self, zset: View<'_, Zset>) -> Range<usize> {
        match self {
            Selection::Ranks(start, stop) => arguments::elements((start, stop), zset.len()),
            Selection::Scores(low, high) => zset.ranks_of_scores(low, high),
            Selection::Names(low, high) => zset.ranks_of_names(low, high),
        }
    }
}

/// An end of a range that includes its value, or does not.
struct End<T> {
    value: T,
    excluded: bool,
}

impl<T> End<T> {
    /// The cut at the upper or the lower end of a range.
    fn cut(self, upper: bool) -> Bound<T> {
        match self.excluded == upper {
            true => Bound::Before(self.value),
            false => Bound::After(self.value),
        }
    }
}

/// `1.5`, or `(1.5` without the value itself.
///
/// As in the reference, nothing is 0, what no double can hold is infinite or 0, and a byte 0 ends it.
fn score(text: &[u8]) -> Result<End<f64>, Error> {
    let (excluded, digits) = match text {
        [b'(', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let digits = digits.split(|&byte| byte == 0).next().unwrap_or_default();
    if digits.is_empty() {
        return Ok(End { value: 0.0, excluded });
    }
    let value = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    let value = value.filter(|value: &f64| !value.is_nan()).ok_or(error::SCORE_RANGE)?;
    Ok(End { value, excluded })
}

/// `[name`, `(name` without the name itself, `-` for the very first or `+` for the very last.
fn name(text: &[u8], upper: bool) -> Result<Bound<&[u8]>, Error> {
    match text {
        b"-" => Ok(Bound::Start),
        b"+" => Ok(Bound::End),
        [b'[', value @ ..] => Ok(End { value, excluded: false }.cut(upper)),
        [b'(', value @ ..] => Ok(End { value, excluded: true }.cut(upper)),
        _ => Err(error::NAME_RANGE),
    }
}

/// What ZRANGE and its kin ask for.
#[derive(Debug, Clone, Copy)]
struct Query<'a> {
    selection: Selection<'a>,
    reverse: bool,
    /// How many members to leave out first, and how many to take then; negative: all.
    offset: i64,
    count: i64,
    with_scores: bool,
}

/// What a command decides itself; what it does not, its arguments may.
struct RangeOptions {
    by: Option<By>,
    reverse: Option<bool>,
    /// Whether members are shown, and so may be with their scores.
    show: bool,
}

impl<'a> Query<'a> {
    /// Reads the range at argument `first` and the options behind it.
    fn parse(args: Args<'a>, first: usize, options: RangeOptions) -> Result<Query<'a>, Error> {
        let RangeOptions { mut by, mut reverse, show } = options;
        let (mut offset, mut count, mut with_scores) = (0, -1, false);
        let mut words = args.options(first + 2);
        while !words.is_over() {
            if show && words.flag("WITHSCORES") {
                with_scores = true;
            } else if let Some([first, most]) = words.values("LIMIT") {
                offset = arguments::integer(first)?;
                count = arguments::integer(most)?;
            } else if reverse.is_none() && words.flag("REV") {
                reverse = Some(true);
            } else if by.is_none() && words.flag("BYLEX") {
                by = Some(By::Name);
            } else if by.is_none() && words.flag("BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(error::SYNTAX);
            }
        }
        let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        if by == By::Rank {
            // A count of all passes, and then the offset has no meaning either.
            if count != -1 {
                return Err(error::LIMIT_OF_RANKS);
            }
            offset = 0;
        }
        if by == By::Name && with_scores {
            return Err(error::SCORES_OF_NAMES);
        }
        // Backwards the higher end comes first, unless the ends are ranks: those count backwards too.
        let swapped = usize::from(reverse && by != By::Rank);
        let selection = Selection::parse(args, by, first + swapped, first + 1 - swapped)?;
        Ok(Query { selection, reverse, offset, count, with_scores })
    }

    /// Calls `visit` with the members of these ranks, in the direction that is asked for.
    fn each<'z>(
        &self,
        zset: View<'z, Zset>,
        ranks: Range<usize>,
        mut visit: impl FnMut(&'z [u8], f64),
    ) {
        let members = zset.range(ranks);
        match self.reverse {
            false => members.for_each(|(member, score)| visit(member, score)),
            true => members.rev().for_each(|(member, score)| visit(member, score)),
        }
    }

    /// The ranks of the members that are asked for, counted from the lowest.
    fn ranks(&self, zset: View<'_, Zset>) -> Range<usize> {
        let mut ranks = self.selection.ranks(zset);
        if self.reverse && matches!(self.selection, Selection::Ranks(..)) {
            ranks = zset.len() - ranks.end..zset.len() - ranks.start;
        }
        // As in the reference, a negative offset counts from the end of the range in a large set, and is
        // beyond it in a compact one, and where the range is shorter.
        let skipped = match usize::try_from(self.offset.unsigned_abs()) {
            Ok(offset) if self.offset >= 0 => offset.min(ranks.len()),
            Ok(offset) if offset <= ranks.len() && !zset.is_compact() => ranks.len() - offset,
            _ => ranks.len(),
        };
        let left = ranks.len() - skipped;
        let count = usize::try_from(self.count).unwrap_or(left).min(left);
        match self.reverse {
            false => ranks.start + skipped..ranks.start + skipped + count,
            true => ranks.end - skipped - count..ranks.end - skipped,
        }
    }
}
