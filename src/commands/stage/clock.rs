//! STAGE CLOCK: the time of the server, as a test wants it.

use super::on_stage;
use crate::clock::{Change, Now};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::text::number;
use crate::wire::Args;

/// The last millisecond of the year 9999, since 1970: clients cannot say a later one.
const LAST: u64 = 253_402_300_799_999;

/// STAGE CLOCK (FREEZE | RUN | ADVANCE milliseconds | SET unix-time-milliseconds)
pub(super) fn stage_clock(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    on_stage(ctx)?;
    let change = change(args, ctx.now())?;
    on_stage(ctx)?.is_clock_changed = true;
    make(ctx, change);
    Ok(())
}

/// Replies when the clock is changed and all that is due by then has happened.
pub(super) fn make(ctx: &mut Ctx<'_>, change: Change) {
    let client = ctx.client().id;
    ctx.world.change_clock(change, client);
    ctx.reply.ok();
    ctx.leave_reply();
}

/// What the words behind STAGE CLOCK ask for.
fn change(args: Args<'_>, now: Now) -> Result<Change, Error> {
    let millis = |word: &str, most: u64| {
        let given = number::parse_u64(&args[3]).filter(|&millis| millis <= most);
        given.map(|millis| millis * 1000).ok_or_else(|| error::bad_clock_time(word, most))
    };
    match args.len() {
        3 if args.is(2, "FREEZE") => Ok(Change::Freeze),
        3 if args.is(2, "RUN") => Ok(Change::Run),
        4 if args.is(2, "ADVANCE") => {
            millis("ADVANCE", LAST.saturating_sub(now.wall / 1000)).map(Change::Advance)
        }
        4 if args.is(2, "SET") => millis("SET", LAST).map(Change::SetWall),
        _ => Err(error::bad_clock_change(&args.from(2).collect::<Vec<_>>().join(&b' '))),
    }
}
