//! What takes members out of sorted sets: ZMPOP ZPOPMAX ZPOPMIN.

use std::ops::Range;

use super::members_of;
use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::{Db, Edit, Zset};
use crate::text::number;
use crate::wire::{Args, Reply};

/// ZPOPMIN key [count]
pub(crate) fn zpopmin(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop(ctx, args, Where::Min)
}

/// ZPOPMAX key [count]
pub(crate) fn zpopmax(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop(ctx, args, Where::Max)
}

/// From which end members are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Min,
    Max,
}

fn pop(ctx: &mut Ctx<'_>, args: Args<'_>, from: Where) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(error::SYNTAX);
    }
    let count = match args.get(2) {
        Some(count) => Some(
            number::parse_i64(count)
                .and_then(|count| usize::try_from(count).ok())
                .ok_or(error::NOT_POSITIVE)?,
        ),
        None => None,
    };
    let (mut db, reply) = ctx.db_and_reply();
    let Some(zset) = db.edit::<Zset>(&args[1])? else {
        reply.array(0);
        return Ok(());
    };
    match count {
        Some(count) => {
            let show = members_of(reply, count.min(zset.len()), true);
            take(zset, from, count, show);
        }
        // Alone, a member and its score are no pair among others in RESP3 either.
        None => {
            reply.array(2);
            take(zset, from, 1, |member, score| {
                reply.bulk(member);
                reply.double(score);
            });
        }
    }
    Ok(())
}

/// Takes up to `count` members from an end, and shows each before it goes.
pub(crate) fn take(
    mut zset: Edit<'_, Zset>,
    from: Where,
    count: usize,
    mut show: impl FnMut(&[u8], f64),
) {
    let members = zset.len();
    let count = count.min(members);
    let ranks = match from {
        Where::Min => 0..count,
        Where::Max => members - count..members,
    };
    let taken = zset.view().range(ranks.clone());
    match from {
        Where::Min => taken.for_each(|(member, score)| show(member, score)),
        Where::Max => taken.rev().for_each(|(member, score)| show(member, score)),
    }
    zset.remove_ranks(ranks);
    let event = match from {
        Where::Min => "zpopmin",
        Where::Max => "zpopmax",
    };
    zset.note_changes(count, class::ZSET, event);
}

impl Where {
    /// The command that takes members from there.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Where::Min => "ZPOPMIN",
            Where::Max => "ZPOPMAX",
        }
    }
}

/// ZMPOP numkeys key... MIN | MAX [COUNT count]
pub(crate) fn zmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let request = PopRequest::parse(args, 1)?;
    if !request.pop_first(ctx, args.from(2))? {
        ctx.reply.null_array();
    }
    Ok(())
}

/// What ZMPOP asks for.
pub(crate) struct PopRequest {
    pub(crate) keys: Range<usize>,
    from: Where,
    count: usize,
}

impl PopRequest {
    /// Reads the number of keys at argument `index`, and what follows the keys.
    pub(crate) fn parse(args: Args<'_>, index: usize) -> Result<PopRequest, Error> {
        let keys = arguments::keys(args, index, || error::NUMKEYS_NOT_POSITIVE, error::SYNTAX)?;
        let from = match () {
            () if args.is(keys.end, "MIN") => Where::Min,
            () if args.is(keys.end, "MAX") => Where::Max,
            () => return Err(error::SYNTAX),
        };
        let count = arguments::pop_count(args.options(keys.end + 1))?;
        Ok(PopRequest { keys, from, count })
    }

    /// Replies with the first of the keys that holds anything, and with what it takes from it. Returns whether there
    /// is such a key.
    pub(crate) fn pop_first<'k>(
        &self,
        ctx: &mut Ctx<'_>,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<bool, Error> {
        let (mut db, reply) = ctx.db_and_reply();
        for key in keys.take(self.keys.len()) {
            if let Some(taken) = self.pop(&mut db, reply, key)? {
                if ctx.is_heard() {
                    let taken = number::Spelled::new(taken as i64);
                    ctx.says(self.from.command(), &[key, &taken]);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Replies a key and what it takes from it. Returns how many members, if there is such a key.
    fn pop(&self, db: &mut Db<'_>, reply: &mut Reply, key: &[u8]) -> Result<Option<usize>, Error> {
        let Some(zset) = db.edit::<Zset>(key)? else {
            return Ok(None);
        };
        let taken = self.count.min(zset.len());
        reply.array(2);
        reply.bulk(key);
        reply.array(taken);
        take(zset, self.from, self.count, |member, score| {
            reply.array(2);
            reply.bulk(member);
            reply.double(score);
        });
        Ok(Some(taken))
    }
}
