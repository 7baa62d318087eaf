//! MONITOR: a client is shown every command that runs.

use crate::dispatch::Ctx;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[Spec::new(
    "monitor",
    1,
    NO_CALL | ADMIN | NOSCRIPT | LOADING | STALE,
    monitor,
)
.doc("1.0.0", "", "", "Shows every command as the server receives it, until the connection ends.")];

/// MONITOR
///
/// RESET ends it.
fn monitor(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    if !ctx.frame.may_wait() {
        return Err(error::MONITOR_IN_MULTI);
    }
    ctx.world.start_monitoring(ctx.slot);
    ctx.reply.ok();
    Ok(())
}
