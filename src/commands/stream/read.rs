//! Entries behind ids, of several streams at once: XREAD.

use std::ops::Range;

use super::id::{SpelledId, id};
use super::range::reply_entries;
use crate::commands::arguments::{integer, timeout_in_ms};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::types::stream::{Id, Stream};
use crate::keyspace::{Kind, View};
use crate::listeners::Wake;
use crate::wire::{Args, Protocol, Reply};

/// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key... id...
pub(crate) fn xread(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Reading { keys, most, timeout } = Reading::parse(ctx, args)?;
    let ids = keys.clone().map(|key| last_read(ctx, args, key, keys.len()));
    let ids = ids.collect::<Result<Vec<Id>, Error>>()?;
    let (mut db, reply) = ctx.db_and_reply();
    let start = reply.mark();
    let mut streams = 0;
    let all = |reply: &mut Reply| {
        for (key, &id) in keys.clone().zip(&ids) {
            let key = &args[key];
            // All are streams: their ids have been resolved.
            if let Ok(Some(stream)) = db.view::<Stream>(key) {
                streams += usize::from(deliver(reply, key, stream, id, most));
            }
        }
        streams
    };
    match reply.protocol() {
        Protocol::Resp3 => reply.map_of(all),
        Protocol::Resp2 => reply.array_of(all),
    }
    if streams > 0 {
        return Ok(());
    }
    reply.rewind(start);
    reply.null_array();
    if let Some(timeout) = timeout {
        ctx.wait(timeout, Wake::KeyOfKind(Kind::Stream), keys.clone());
        for (at, &id) in (keys.end..).zip(&ids) {
            // What `$` and `+` mean is decided when the wait begins.
            if matches!(&args[at], b"$" | b"+") {
                ctx.keep_argument(at, &SpelledId::new(id));
            }
        }
    }
    Ok(())
}

/// What XREAD is asked for.
struct Reading {
    /// The arguments that are keys. Their ids follow.
    keys: Range<usize>,
    /// So many entries of a stream at most.
    most: usize,
    /// How long to wait, in µs; 0: for ever.
    timeout: Option<u64>,
}

impl Reading {
    fn parse(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Reading, Error> {
        let (mut most, mut timeout) = (usize::MAX, None);
        let mut options = args.options(1);
        loop {
            if options.value("BLOCK").is_some() {
                timeout = Some(timeout_in_ms(args, options.index() - 1, ctx.now())?);
            } else if let Some(count) = options.value("COUNT") {
                most = match integer(count)? {
                    ..=0 => usize::MAX,
                    count => usize::try_from(count).unwrap_or(usize::MAX),
                };
            } else if options.left() > 1 && options.flag("STREAMS") {
                let (first, words) = (options.index(), options.left());
                if words % 2 == 1 {
                    return Err(error::unbalanced_streams(&ctx.row.full_name, "$"));
                }
                return Ok(Reading { keys: first..first + words / 2, most, timeout });
            } else if options.values::<2>("GROUP").is_some() {
                return Err(error::GROUP_OUTSIDE_XREADGROUP);
            } else if options.flag("NOACK") {
                return Err(error::NOACK_OUTSIDE_XREADGROUP);
            } else {
                return Err(error::SYNTAX);
            }
        }
    }
}

/// The id behind which the entries of a key are wanted: its argument stands so many behind the key. `$` is the last one,
/// and `+` the one before that.
fn last_read(ctx: &mut Ctx<'_>, args: Args<'_>, key: usize, distance: usize) -> Result<Id, Error> {
    let mut db = ctx.db();
    let stream = db.view::<Stream>(&args[key])?;
    let last = stream.map_or(Id::MIN, View::last_id);
    match &args[key + distance] {
        b"$" => Ok(last),
        b"+" => Ok(last.previous().unwrap_or(Id::MIN)),
        b">" => Err(error::NEW_OUTSIDE_XREADGROUP),
        text => id(text, 0),
    }
}

/// Replies with the entries of a stream behind an id, and its key in front of them. Returns false, and does not, if there
/// are none.
fn deliver(
    reply: &mut Reply,
    key: &[u8],
    stream: View<'_, Stream>,
    after: Id,
    most: usize,
) -> bool {
    let Some(first) = after.next().filter(|&first| first <= stream.last_id()) else {
        return false;
    };
    let mut entries = stream.range(first, Id::MAX).peekable();
    if entries.peek().is_none() {
        return false;
    }
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
    reply_entries(reply, entries.take(most));
    true
}
