//! What deletes entries and minds what groups have pending of them: XDELEX XACKDEL, as Redis 8.2 has them, and the
//! words for it that XADD and XTRIM take, too.

use super::id::id;
use crate::commands::arguments::integer;
use crate::dispatch::{Ctx, Row};
use crate::error::{self, Error};
use crate::keyspace::Edit;
use crate::keyspace::changes::class;
use crate::keyspace::types::stream::{Id, References, Stream};
use crate::wire::{Args, Options, Reply};

const WORDS: &[(&str, References)] = &[
    ("KEEPREF", References::Keep),
    ("DELREF", References::Delete),
    ("ACKED", References::Respect),
];

/// Steps over the next word if it says what becomes of references, and the persona knows it.
pub(crate) fn take(options: &mut Options<'_>, row: &Row) -> Option<References> {
    let is_unknown = options.peek().is_some_and(|word| row.is_unknown_option(word));
    if is_unknown { None } else { options.one_of(WORDS) }
}

/// The word that says it, unless it goes without saying.
pub(crate) fn word(references: References) -> Option<&'static [u8]> {
    match references {
        References::Keep => None,
        References::Delete => Some(b"DELREF"),
        References::Respect => Some(b"ACKED"),
    }
}

// What is said of each id.
const NOT_THERE: i64 = -1;
const DELETED: i64 = 1;
const REFERENCED: i64 = 2;

/// XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id...
pub(crate) fn xdelex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let row = ctx.row;
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.edit::<Stream>(&args[1])?;
    let (references, ids) = deletion(args, 2, row)?;
    let Some(mut stream) = stream else {
        return nothing_is_there(reply, ids.len());
    };
    let ids = ids.map(|arg| id(arg, 0)).collect::<Result<Vec<Id>, Error>>()?;
    let outcomes = delete(&mut stream, &ids, references);
    reply.array(outcomes.len());
    outcomes.into_iter().for_each(|outcome| reply.int(outcome));
    Ok(())
}

/// XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id...
pub(crate) fn xackdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let row = ctx.row;
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.edit::<Stream>(&args[1])?;
    let (references, ids) = deletion(args, 3, row)?;
    let stream = stream.filter(|stream| stream.view().group(&args[2]).is_some());
    let Some(mut stream) = stream else {
        return nothing_is_there(reply, ids.len());
    };
    let ids = ids.map(|arg| id(arg, 0)).collect::<Result<Vec<Id>, Error>>()?;
    // An id that is named twice is pending the first time only.
    let was_pending: Vec<bool> = stream
        .edit_group(&args[2], |group, _| ids.iter().map(|&id| group.acknowledge(id)).collect())
        .unwrap_or_default();
    let pending = ids.iter().zip(&was_pending).filter(|&(_, &was_pending)| was_pending);
    let pending: Vec<Id> = pending.map(|(&id, _)| id).collect();
    stream.count_changes(pending.len());
    let mut outcomes = delete(&mut stream, &pending, references).into_iter();
    reply.array(was_pending.len());
    for was_pending in was_pending {
        reply.int(match was_pending {
            false => NOT_THERE,
            true if outcomes.next() == Some(REFERENCED) => REFERENCED,
            // Its entry may have been gone before.
            true => DELETED,
        });
    }
    Ok(())
}

/// What of which ids: `[KEEPREF | DELREF | ACKED] IDS numids id...`, in either order.
fn deletion<'a>(
    args: Args<'a>,
    first: usize,
    row: &Row,
) -> Result<(References, impl ExactSizeIterator<Item = &'a [u8]> + use<'a>), Error> {
    let mut options = args.options(first);
    let (mut references, mut ids) = (None, None);
    while !options.is_over() {
        if options.left() > 1
            && let Some(count) = options.value("IDS")
        {
            let count = integer(count).ok().filter(|&count| count > 0);
            let count = count.ok_or(error::NUMIDS)? as usize;
            if count > options.left() {
                return Err(error::NUMIDS_MISMATCH);
            }
            ids = Some(args.from(options.index()).take(count));
            options.skip(count);
        } else {
            let said = take(&mut options, row).filter(|_| references.is_none());
            references = Some(said.ok_or(error::SYNTAX)?);
        }
    }
    Ok((references.unwrap_or_default(), ids.ok_or(error::SYNTAX)?))
}

fn nothing_is_there(reply: &mut Reply, ids: usize) -> Result<(), Error> {
    reply.array(ids);
    (0..ids).for_each(|_| reply.int(NOT_THERE));
    Ok(())
}

/// Deletes entries. Returns what there is to say of each id.
fn delete(stream: &mut Edit<'_, Stream>, ids: &[Id], references: References) -> Vec<i64> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut kept = Vec::new();
    match references {
        References::Keep => {}
        References::Delete => {
            let acknowledged = stream.acknowledge_everywhere(&sorted);
            stream.count_changes(acknowledged);
        }
        References::Respect => {
            let referenced = stream.view().referenced(&sorted);
            let referenced = sorted.into_iter().zip(referenced);
            kept =
                referenced.filter_map(|(id, is_referenced)| is_referenced.then_some(id)).collect();
        }
    }
    let outcome = |&id: &Id| match kept.binary_search(&id) {
        Ok(_) => REFERENCED,
        Err(_) if stream.remove(id) => DELETED,
        Err(_) => NOT_THERE,
    };
    let outcomes: Vec<i64> = ids.iter().map(outcome).collect();
    let deleted = outcomes.iter().filter(|&&outcome| outcome == DELETED).count();
    stream.note_removed(deleted, class::STREAM, "xdel");
    outcomes
}
