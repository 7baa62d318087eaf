//! Lists that clients wait for: BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH.

use super::{POPS, Wanted, move_element, pop_end_of, pop_first, side};
use crate::commands::arguments::timeout;
use crate::dispatch::Ctx;
use crate::error::Error;
use crate::keyspace::types::list::Side;
use crate::keyspace::{Kind, List};
use crate::listeners::Wake;
use crate::wire::Args;

/// BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout
pub(crate) fn blmove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    if move_or_wait(ctx, args, from, to, 5)? {
        ctx.says("LMOVE", &[&args[1], &args[2], &args[3], &args[4]]);
    }
    Ok(())
}

/// BLMPOP timeout numkeys key... <LEFT | RIGHT> [COUNT count]
pub(crate) fn blmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Wanted { keys, side, count } = Wanted::new(args, 2)?;
    let timeout = timeout(args, 1, ctx.now())?;
    if !pop_first(ctx, args.from(3).take(keys.len()), side, count)? {
        ctx.reply.null_array();
        ctx.wait(timeout, Wake::KeyOfKind(Kind::List), keys);
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
    if move_or_wait(ctx, args, Side::Right, Side::Left, 3)? {
        ctx.says("RPOPLPUSH", &[&args[1], &args[2]]);
    }
    Ok(())
}

// ANCHOR: pop_or_wait
fn pop_or_wait(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<(), Error> {
    let last = args.len() - 1;
    let timeout = timeout(args, last, ctx.now())?;
    let (mut db, reply) = ctx.db_and_reply();
    for key in args.from(1).take(last - 1) {
        let Some(mut list) = db.edit::<List>(key)? else {
            continue;
        };
        reply.array(2);
        reply.bulk(key);
        pop_end_of(reply, &mut list, side);
        drop(list);
        ctx.says(POPS[side as usize], &[key]);
        return Ok(());
    }
    reply.null_array();
    ctx.wait(timeout, Wake::KeyOfKind(Kind::List), 1..last);
    Ok(())
}
// ANCHOR_END: pop_or_wait

/// Moves an element from an end of the first argument to an end of the second. Argument `last` is the
/// timeout. Returns whether there was one.
fn move_or_wait(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    from: Side,
    to: Side,
    last: usize,
) -> Result<bool, Error> {
    let timeout = timeout(args, last, ctx.now())?;
    if move_element(ctx, &args[1], &args[2], from, to)? {
        return Ok(true);
    }
    // A client that cannot wait is told null; one that has waited in vain a null array, as by every command.
    if !ctx.frame.may_wait() {
        ctx.reply.null();
    } else {
        ctx.reply.null_array();
        ctx.wait(timeout, Wake::KeyOfKind(Kind::List), 1..2);
    }
    Ok(false)
}
