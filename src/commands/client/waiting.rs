//! Clients that wait, and for how long: CLIENT PAUSE UNBLOCK UNPAUSE.

use crate::commands::arguments::{int, timeout_in_ms};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::listeners::Held;
use crate::session::Slot;
use crate::wire::Args;

/// CLIENT PAUSE timeout [WRITE | ALL]
pub(crate) fn client_pause(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let held = match args.len() {
        4 if args.is(3, "WRITE") => Held::Writes,
        4 if !args.is(3, "ALL") => return Err(error::PAUSE_MODE),
        _ => Held::All,
    };
    let now = ctx.now();
    let timeout = timeout_in_ms(args, 2, now)?;
    ctx.world.pause(held, now.mono.saturating_add(timeout));
    ctx.reply.ok();
    Ok(())
}

/// CLIENT UNBLOCK client-id [TIMEOUT | ERROR]
///
/// Ends the wait of a blocked command. A client that waits for the end of a pause, or for a reply that is put
/// off, is not blocked.
pub(crate) fn client_unblock(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_error = match args.get(3) {
        None => false,
        Some(_) if args.is(3, "TIMEOUT") => false,
        Some(_) if args.is(3, "ERROR") => true,
        Some(_) => return Err(error::UNBLOCK_REASON),
    };
    let id = int(args, 2)?;
    let world = &mut ctx.world;
    let waits = |&slot: &Slot| world.clients[slot].wait().is_some_and(|wait| !wait.is_put_off());
    let found = u64::try_from(id).ok().and_then(|id| world.clients.slot_of(id)).filter(waits);
    match found {
        Some(slot) if is_error => world.fail_waiting(slot, &error::UNBLOCKED),
        Some(slot) => world.give_up_waiting(slot),
        None => {}
    }
    ctx.reply.int(found.is_some().into());
    Ok(())
}

/// CLIENT UNPAUSE
pub(crate) fn client_unpause(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.unpause();
    ctx.reply.ok();
    Ok(())
}
