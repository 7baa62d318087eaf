//! Lists to wait for: BLPOP BRPOP.

use crate::commands::arguments::timeout;
use crate::dispatch::Ctx;
use crate::error::Error;
use crate::resp::Args;
use crate::store::Kind;
use crate::store::list::Side;

/// BLPOP key... timeout
pub fn blpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_or_wait(ctx, args, Side::Left)
}

/// BRPOP key... timeout
pub fn brpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_or_wait(ctx, args, Side::Right)
}

fn pop_or_wait(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<(), Error> {
    let timeout = timeout(args, args.len() - 1)?;
    let keys = args.from(1).take(args.len() - 2);
    if !pop_one(ctx, keys.clone(), side)? {
        ctx.reply.null_array();
        ctx.wait(timeout, Kind::List, keys);
    }
    Ok(())
}

/// Removes an element at an end of the first list that there is, and replies with its key and with it.
/// Returns whether there is one.
fn pop_one<'k>(
    ctx: &mut Ctx<'_>,
    keys: impl Iterator<Item = &'k [u8]>,
    side: Side,
) -> Result<bool, Error> {
    let (mut db, reply) = ctx.db_and_reply();
    for key in keys {
        if let Some(mut list) = db.edit(key)? {
            reply.array(2);
            reply.bulk(key);
            super::pop_end_of(reply, &mut list, side);
            return Ok(true);
        }
    }
    Ok(false)
}
