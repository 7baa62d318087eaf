//! STAGE CLOCK: the time of the server, as a test wants it.

use super::on_stage;
use crate::clock::{Change, Now};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::stage::matching::number;
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
pub(super) fn change(args: Args<'_>, now: Now) -> Result<Change, Error> {
    let mut words = args.options(2);
    let change = if words.flag("FREEZE") {
        Change::Freeze
    } else if words.flag("RUN") {
        Change::Run
    } else if words.flag("ADVANCE") {
        let most = LAST.saturating_sub(now.wall / 1000);
        Change::Advance(number("ADVANCE", words.word(), 0..=most)? * 1000)
    } else if words.flag("SET") {
        Change::SetWall(number("SET", words.word(), 0..=LAST)? * 1000)
    } else {
        return Err(error::stage_value("CLOCK", words.peek(), "FREEZE, ADVANCE, SET or RUN"));
    };
    match words.word() {
        Some(word) => Err(error::stage_word(word, "nothing")),
        None => Ok(change),
    }
}
