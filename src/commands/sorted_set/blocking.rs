//! Sorted sets to wait for: BZMPOP BZPOPMAX BZPOPMIN.

use super::pop::{PopRequest, Where, take};
use crate::commands::arguments::timeout;
use crate::dispatch::Ctx;
use crate::error::Error;
use crate::keyspace::{Kind, Zset};
use crate::listeners::Wake;
use crate::wire::Args;

/// BZMPOP timeout numkeys key... <MIN | MAX> [COUNT count]
pub(crate) fn bzmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let request = PopRequest::parse(args, 2)?;
    let timeout = timeout(args, 1, ctx.now())?;
    if !request.pop_first(ctx, args.from(3))? {
        ctx.reply.null_array();
        ctx.wait(timeout, Wake::KeyOfKind(Kind::Zset), request.keys);
    }
    Ok(())
}

/// BZPOPMAX key... timeout
pub(crate) fn bzpopmax(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_or_wait(ctx, args, Where::Max)
}

/// BZPOPMIN key... timeout
pub(crate) fn bzpopmin(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_or_wait(ctx, args, Where::Min)
}

fn pop_or_wait(ctx: &mut Ctx<'_>, args: Args<'_>, from: Where) -> Result<(), Error> {
    let last = args.len() - 1;
    let timeout = timeout(args, last, ctx.now())?;
    let (mut db, reply) = ctx.db_and_reply();
    for key in args.from(1).take(last - 1) {
        let Some(zset) = db.edit::<Zset>(key)? else {
            continue;
        };
        reply.array(3);
        reply.bulk(key);
        take(zset, from, 1, |member, score| {
            reply.bulk(member);
            reply.double(score);
        });
        ctx.says(from.command(), &[key]);
        return Ok(());
    }
    reply.null_array();
    ctx.wait(timeout, Wake::KeyOfKind(Kind::Zset), 1..last);
    Ok(())
}
