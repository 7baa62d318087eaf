//! What brings entries and numbers them: XADD XSETID.

use super::id::{SpelledId, id, new_id, reply_id};
use super::references;
use super::trim::Trimming;
use crate::commands::arguments::integer;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::Millis;
use crate::keyspace::changes::class;
use crate::keyspace::types::stream::{Id, References, Stream, Trim};
use crate::text::number::Spelled;
use crate::wire::Args;

/// The names and values of an entry have no more bytes than this.
const MOST_BYTES: usize = 1 << 30;

/// XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value...
pub(crate) fn xadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Addition { id, fields, trim, references, may_create } = Addition::parse(ctx, args)?;
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    let mut stream = match may_create {
        true => db.edit_or_new::<Stream>(&args[1])?,
        false => match db.edit::<Stream>(&args[1])? {
            Some(stream) => stream,
            None => {
                reply.null();
                return Ok(());
            }
        },
    };
    // A key that is new has room for any id, so none is left behind without an entry.
    let new = id.after(stream.view().last_id(), now)?;
    stream.append(new, args.pairs(fields));
    stream.note(class::STREAM, "xadd");
    if let Some(trim) = trim
        && stream.trim_with(trim, references) > 0
    {
        stream.announce(class::STREAM, "xtrim");
    }
    reply_id(reply, new);
    let left = stream.len();
    drop(stream);
    let is_definite = id.is_definite() && trim.is_none_or(|trim| !trim.whole_nodes_only);
    if !is_definite && ctx.is_heard() {
        say(ctx, args, new, trim.map(|_| (left, references)), fields);
    }
    Ok(())
}

/// Says the entry with the id that it took. What was trimmed is said as the length that is left: nodes elsewhere may be
/// others.
#[cold]
fn say(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    id: Id,
    trimmed: Option<(usize, References)>,
    fields: usize,
) {
    let (left, references) = trimmed.unwrap_or_default();
    let (id, digits) = (SpelledId::new(id), Spelled::new(left as i64));
    let mut words: Vec<&[u8]> = vec![&args[1]];
    if trimmed.is_some() {
        words.extend([&b"MAXLEN"[..], b"=", &digits]);
        words.extend(references::word(references));
    }
    words.push(&id);
    words.extend(args.from(fields));
    ctx.says("XADD", &words);
}

/// What XADD is asked to do.
struct Addition {
    id: NewId,
    /// The argument that is the first field.
    fields: usize,
    trim: Option<Trim>,
    references: References,
    may_create: bool,
}

impl Addition {
    #[inline]
    fn parse(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Addition, Error> {
        let mut options = args.options(2);
        let (mut trimming, mut may_create) = (Trimming::default(), true);
        let id = loop {
            match options.peek() {
                Some(b"*") => break NewId::Now,
                _ if options.left() > 1 && trimming.take(&mut options, ctx.row)? => {}
                _ if options.flag("NOMKSTREAM") => may_create = false,
                Some(text) => break NewId::parse(text)?,
                // It is missing, and so are the fields.
                None => break NewId::Now,
            }
        };
        let references = trimming.references.unwrap_or_default();
        let trim = trimming.resolve(ctx.world.store.shared.limits)?;
        let (fields, words) = (options.index() + 1, options.left().saturating_sub(1));
        if words < 2 || words % 2 == 1 {
            return Err(error::wrong_arity("xadd"));
        }
        if let NewId::Given(id) = id
            && id.is_zero()
        {
            return Err(error::STREAM_ID_IS_ZERO);
        }
        if args.from(fields).map(<[u8]>::len).sum::<usize>() > MOST_BYTES {
            return Err(error::STREAM_ENTRY_TOO_LARGE);
        }
        Ok(Addition { id, fields, trim, references, may_create })
    }
}

/// The id that an entry is to have.
#[derive(Clone, Copy)]
enum NewId {
    Given(Id),
    /// The first one of these milliseconds.
    In(u64),
    /// The first one of now.
    Now,
}

impl NewId {
    fn parse(text: &[u8]) -> Result<NewId, Error> {
        Ok(match new_id(text)? {
            (ms, Some(seq)) => NewId::Given(Id::new(ms, seq)),
            (ms, None) => NewId::In(ms),
        })
    }

    /// Returns whether it is the same whenever the command is run on the same stream.
    fn is_definite(self) -> bool {
        matches!(self, NewId::Given(_))
    }

    /// The id, which is greater than the last one.
    #[inline]
    fn after(self, last: Id, now: Millis) -> Result<Id, Error> {
        if last == Id::MAX {
            return Err(error::STREAM_IS_EXHAUSTED);
        }
        let id = match self {
            NewId::Given(id) => Some(id),
            NewId::In(ms) if ms == last.ms => last.seq.checked_add(1).map(|seq| Id::new(ms, seq)),
            NewId::In(ms) => Some(Id::new(ms, 0)),
            NewId::Now => match u64::try_from(now).unwrap_or(0) {
                ms if ms > last.ms => Some(Id::new(ms, 0)),
                _ => last.next(),
            },
        };
        id.filter(|&id| id > last).ok_or(error::STREAM_ID_GOES_BACK)
    }
}

/// XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]
pub(crate) fn xsetid(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let last_id = id(&args[2], 0)?;
    let (mut entries_added, mut max_deleted_id) = (None, Id::MIN);
    let mut options = args.options(3);
    while !options.is_over() {
        if let Some(count) = options.value("ENTRIESADDED") {
            let count =
                u64::try_from(integer(count)?).map_err(|_| error::ENTRIES_ADDED_NEGATIVE)?;
            entries_added = Some(count);
        } else if let Some(text) = options.value("MAXDELETEDID") {
            max_deleted_id = id(text, 0)?;
            if last_id < max_deleted_id {
                return Err(error::SET_ID_BELOW_MAXDELETEDID);
            }
        } else {
            return Err(error::SYNTAX);
        }
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = db.edit::<Stream>(&args[1])?.ok_or(error::NO_SUCH_KEY)?;
    let view = stream.view();
    let mut counters = view.entries().counters();
    if last_id < counters.max_deleted_id {
        return Err(error::SET_ID_BELOW_DELETED);
    }
    if view.last_entry_id().is_some_and(|last| last_id < last) {
        return Err(error::SET_ID_BELOW_ENTRIES);
    }
    if entries_added.is_some_and(|added| added < view.len() as u64) {
        return Err(error::ENTRIES_ADDED_TOO_FEW);
    }
    counters.last_id = last_id;
    counters.entries_added = entries_added.unwrap_or(counters.entries_added);
    if !max_deleted_id.is_zero() {
        counters.max_deleted_id = max_deleted_id;
    }
    stream.set_counters(counters);
    stream.note_apart(class::STREAM, "xsetid");
    reply.ok();
    Ok(())
}
