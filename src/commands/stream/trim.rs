//! What removes entries: XDEL XTRIM, and the part of XADD that trims.

use super::id::id;
use super::references;
use crate::commands::arguments::integer;
use crate::dispatch::{Ctx, Row};
use crate::error::{self, Error};
use crate::keyspace::Limits;
use crate::keyspace::changes::class;
use crate::keyspace::types::stream::{Id, References, Stream, Trim, TrimBy};
use crate::text::number::Spelled;
use crate::wire::{Args, Options};

/// XDEL key id...
pub(crate) fn xdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let Some(mut stream) = db.edit::<Stream>(&args[1])? else {
        reply.int(0);
        return Ok(());
    };
    // Nothing is deleted unless all ids can be read.
    let ids = args.from(2).map(|arg| id(arg, 0)).collect::<Result<Vec<Id>, Error>>()?;
    let deleted = ids.into_iter().filter(|&id| stream.remove(id)).count();
    stream.note_removed(deleted, class::STREAM, "xdel");
    reply.int(deleted as i64);
    Ok(())
}

/// XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]
pub(crate) fn xtrim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut trimming = Trimming::default();
    let mut options = args.options(2);
    while !options.is_over() {
        if !trimming.take(&mut options, ctx.row)? {
            return Err(error::SYNTAX);
        }
    }
    if let Trimming { by: None, limit: None | Some(0), .. } = trimming {
        return Err(error::NO_TRIM_STRATEGY);
    }
    let trim = trimming.resolve(ctx.world.store.shared.limits)?.ok_or(error::NO_TRIM_STRATEGY)?;
    let (mut db, reply) = ctx.db_and_reply();
    let Some(mut stream) = db.edit::<Stream>(&args[1])? else {
        reply.int(0);
        return Ok(());
    };
    let references = trimming.references.unwrap_or_default();
    let trimmed = stream.trim_with(trim, references);
    stream.note_removed(trimmed, class::STREAM, "xtrim");
    let left = stream.len();
    drop(stream);
    reply.int(trimmed as i64);
    if trim.whole_nodes_only && trimmed > 0 {
        // Nodes elsewhere may be others.
        let left = Spelled::new(left as i64);
        let mut words: Vec<&[u8]> = vec![&args[1], b"MAXLEN", b"=", &left];
        words.extend(references::word(references));
        ctx.says("XTRIM", &words);
    }
    Ok(())
}

/// What the options of a command say about trimming.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trimming {
    by: Option<TrimBy>,
    is_approximate: bool,
    limit: Option<i64>,
    pub(crate) references: Option<References>,
}

impl Trimming {
    /// Steps over the next option if it is one about trimming. Returns whether it was.
    pub(crate) fn take(&mut self, options: &mut Options<'_>, row: &Row) -> Result<bool, Error> {
        let word = options.peek().unwrap_or_default();
        let is = |name: &str| options.left() > 1 && word.eq_ignore_ascii_case(name.as_bytes());
        let (is_length, is_id) = (is("MAXLEN"), is("MINID"));
        if is_length || is_id {
            if self.by.is_some() {
                return Err(error::MAXLEN_EXCLUDES_MINID);
            }
            options.skip(1);
            // A word that nothing follows is the threshold.
            let operators = if options.left() > 1 { OPERATORS } else { &[] };
            self.is_approximate = options.one_of(operators).unwrap_or(false);
            let threshold = options.word().unwrap_or_default();
            self.by = Some(match is_length {
                true => length(threshold)?,
                false => TrimBy::Id(id(threshold, 0)?),
            });
        } else if let Some(limit) = options.value("LIMIT") {
            let limit = integer(limit)?;
            if limit < 0 {
                return Err(error::TRIM_LIMIT_NEGATIVE);
            }
            self.limit = Some(limit);
        } else if self.references.is_none() {
            self.references = references::take(options, row);
            return Ok(self.references.is_some());
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// How to trim, if that was asked for. Where nodes go as a whole there is a limit, which is a hundred of them
    /// unless the client has said another; 0 stands for none.
    #[inline]
    pub(crate) fn resolve(self, limits: Limits) -> Result<Option<Trim>, Error> {
        let Trimming { by, is_approximate, limit, .. } = self;
        match limit {
            Some(1..) if by.is_none() => return Err(error::LIMIT_WITHOUT_STRATEGY),
            Some(_) if !is_approximate => return Err(error::LIMIT_OF_EXACT_TRIM),
            _ => {}
        }
        let limit = match limit {
            _ if !is_approximate => None,
            None => Some(match limits.stream_node_max_entries.saturating_mul(100) {
                0 => 10_000,
                most => most.min(1_000_000),
            }),
            Some(limit) => usize::try_from(limit).ok().filter(|&limit| limit > 0),
        };
        Ok(by.map(|by| Trim { by, whole_nodes_only: is_approximate, limit }))
    }
}

/// Whether nodes go as a whole or not at all.
const OPERATORS: &[(&str, bool)] = &[("=", false), ("~", true)];

fn length(text: &[u8]) -> Result<TrimBy, Error> {
    let length = u64::try_from(integer(text)?).map_err(|_| error::MAXLEN_NEGATIVE)?;
    Ok(TrimBy::Length(length))
}
