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
    let Reading { keys, most, timeout, .. } = Reading::parse(ctx, args, Reader::Alone)?;
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

/// Whether entries are read for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// XREAD
    Alone,
    /// XREADGROUP
    Group,
}

/// What XREAD or XREADGROUP is asked for.
pub(super) struct Reading {
    /// The arguments that are keys. Their ids follow.
    pub(super) keys: Range<usize>,
    /// So many entries of a stream at most.
    pub(super) most: usize,
    /// How long to wait, in µs; 0: for ever.
    pub(super) timeout: Option<u64>,
    /// The argument that is the name of a group. That of a consumer follows.
    pub(super) group: Option<usize>,
    /// NOACK: what is delivered counts as acknowledged.
    pub(super) acknowledges: bool,
}

impl Reading {
    pub(super) fn parse(ctx: &Ctx<'_>, args: Args<'_>, reader: Reader) -> Result<Reading, Error> {
        let of_group = |refused| if reader == Reader::Group { Ok(()) } else { Err(refused) };
        let (most, timeout, group) = (usize::MAX, None, None);
        let mut found = Reading { keys: 0..0, most, timeout, group, acknowledges: false };
        let mut options = args.options(1);
        loop {
            if options.value("BLOCK").is_some() {
                let timeout = timeout_in_ms(args, options.index() - 1, ctx.now())?;
                found.timeout = Some(timeout);
            } else if let Some(count) = options.value("COUNT") {
                found.most = match integer(count)? {
                    ..=0 => usize::MAX,
                    count => usize::try_from(count).unwrap_or(usize::MAX),
                };
            } else if options.left() > 1 && options.flag("STREAMS") {
                let (first, words) = (options.index(), options.left());
                if words % 2 == 1 {
                    let symbol = if reader == Reader::Group { ">" } else { "$" };
                    return Err(error::unbalanced_streams(&ctx.row.full_name, symbol));
                }
                return Ok(Reading { keys: first..first + words / 2, ..found });
            } else if options.values::<2>("GROUP").is_some() {
                of_group(error::GROUP_OUTSIDE_XREADGROUP)?;
                found.group = Some(options.index() - 2);
            } else if options.flag("NOACK") {
                of_group(error::NOACK_OUTSIDE_XREADGROUP)?;
                found.acknowledges = true;
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
