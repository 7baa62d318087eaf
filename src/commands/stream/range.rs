//! Entries between two ids: XLEN XRANGE XREVRANGE.

use super::id::{SpelledId, range_end, range_start};
use crate::commands::arguments::integer;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::types::stream::{Id, Stream, StreamEntry};
use crate::wire::{Args, Reply};

/// XLEN key
pub(crate) fn xlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.view::<Stream>(&args[1])?;
    reply.int(stream.map_or(0, |stream| stream.len() as i64));
    Ok(())
}

/// XRANGE key start end [COUNT count]
pub(crate) fn xrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, false)
}

/// XREVRANGE key end start [COUNT count]
pub(crate) fn xrevrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, true)
}

fn show(ctx: &mut Ctx<'_>, args: Args<'_>, is_reverse: bool) -> Result<(), Error> {
    let (start, end) = if is_reverse { (3, 2) } else { (2, 3) };
    let (start, end) = (range_start(&args[start])?, range_end(&args[end])?);
    let mut count = None;
    let mut options = args.options(4);
    while !options.is_over() {
        count = Some(integer(options.value("COUNT").ok_or(error::SYNTAX)?)?);
    }
    let (mut db, reply) = ctx.db_and_reply();
    let Some(stream) = db.view::<Stream>(&args[1])? else {
        reply.array(0);
        return Ok(());
    };
    let most = match count {
        Some(..=0) => {
            reply.null_array();
            return Ok(());
        }
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let entries = stream.range(start, end);
    match is_reverse {
        true => reply_entries(reply, entries.rev().take(most)),
        false => reply_entries(reply, entries.take(most)),
    }
    Ok(())
}

/// Replies with an array of entries.
pub(crate) fn reply_entries<'a>(reply: &mut Reply, entries: impl Iterator<Item = StreamEntry<'a>>) {
    reply.array_of(|reply| {
        let (mut written, mut id) = (0, SpelledId::new(Id::MIN));
        for entry in entries {
            id.respell(entry.id);
            reply_spelled(reply, &id, &entry);
            written += 1;
            if reply.is_full() {
                break;
            }
        }
        written
    });
}

/// Replies with an entry: its id, and its fields and their values in one array.
pub(crate) fn reply_entry(reply: &mut Reply, entry: &StreamEntry<'_>) {
    reply_spelled(reply, &SpelledId::new(entry.id), entry);
}

#[inline]
fn reply_spelled(reply: &mut Reply, id: &SpelledId, entry: &StreamEntry<'_>) {
    let fields = entry.fields();
    reply.array(2);
    reply.bulk(id);
    reply.array(2 * fields.len());
    for (field, value) in fields {
        reply.bulk(field);
        reply.bulk(value);
    }
}
