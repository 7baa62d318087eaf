//! Lists to wait for: BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH.

use super::{Wanted, move_element, pop_end_of, pop_first, side};
use crate::commands::arguments::timeout;
use crate::dispatch::Ctx;
use crate::error::Error;
use crate::keyspace::types::list::Side;
use crate::keyspace::{Kind, List};
use crate::wire::Args;

/// BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout
pub(crate) fn blmove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    move_or_wait(ctx, args, from, to, 5)
}

/// BLMPOP timeout numkeys key... <LEFT | RIGHT> [COUNT count]
pub(crate) fn blmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Wanted { keys, side, count } = Wanted::new(args, 2)?;
    let timeout = timeout(args, 1, ctx.now())?;
    if !pop_first(ctx, args.from(3).take(keys.len()), side, count)? {
        ctx.reply.null_array();
        ctx.wait(timeout, Kind::List, keys);
    }
    Ok(())
}

/// BLPOP key... timeout
pub(crate) fn blpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_or_wait(ctx, args, Side::Left)
}

/// BRPOP key... timeout
pub(crate) fn brpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_or_wait(ctx, args, Side::Right)
}

/// BRPOPLPUSH source destination timeout
pub(crate) fn brpoplpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    move_or_wait(ctx, args, Side::Right, Side::Left, 3)
}

fn pop_or_wait(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<(), Error> {
    let last = args.len() - 1;
    let timeout = timeout(args, last, ctx.now())?;
    let (mut db, reply) = ctx.db_and_reply();
    for key in args.from(1).take(last - 1) {
        if let Some(mut list) = db.edit::<List>(key)? {
            reply.array(2);
            reply.bulk(key);
            pop_end_of(reply, &mut list, side);
            return Ok(());
        }
    }
    reply.null_array();
    ctx.wait(timeout, Kind::List, 1..last);
    Ok(())
}

/// Moves an element from an end of the first argument to an end of the second. Argument `last` is the
/// timeout.
fn move_or_wait(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    from: Side,
    to: Side,
    last: usize,
) -> Result<(), Error> {
    let timeout = timeout(args, last, ctx.now())?;
    if move_element(ctx, &args[1], &args[2], from, to)? {
        return Ok(());
    }
    // Inside a transaction the reply is a null bulk string, after a timeout a null array, as for every
    // blocking command.
    if ctx.is_atomic {
        ctx.reply.null();
    } else {
        ctx.reply.null_array();
        ctx.wait(timeout, Kind::List, 1..2);
    }
    Ok(())
}
