//! STAGE: drives the server as a test double. `docs/stage.md` is the grammar, a page.
//!
//! There is no such command unless `enable-stage-command` says which clients may call it.

mod fault;
mod newcomers;

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::{Flags, Spec};
use crate::error::{self, Error};
use crate::stage::Stage;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[Spec::container("stage", STAGE).doc(
    "9.1.0",
    "Depends on the subcommand.",
    "",
    "Drives the server as a test double.",
)];

const STAGE: &[Spec] = &[
    Spec::new("accept", -3, DRIVES, newcomers::stage_accept).doc(
        "9.1.0",
        "O(1)",
        "(fate: ALL | REFUSE | HANG | CLOSE) [TIMES times]",
        "Has newcomers refused, closed or never answered.",
    ),
    Spec::new("fault", -3, DRIVES, fault::stage_fault).doc(
        "9.1.0",
        "O(N), N being the number of faults",
        "(operation: (ADD name rule...) | CLEAR | DEL name | LIST)",
        "Has commands meet what goes wrong: lost, late, cut and false replies, closed connections.",
    ),
    Spec::new("help", 2, LOADING | STALE, help).doc("9.1.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("reset", 2, DRIVES, stage_reset).doc(
        "9.1.0",
        "O(N), N being all that was staged",
        "",
        "Ends all that was staged, as the end of a test does.",
    ),
    Spec::new("send", -5, DRIVES, newcomers::stage_send).doc(
        "9.1.0",
        "O(N), N being the number of clients",
        "[ID client-id] [NAME pattern] [LIB pattern] [USER pattern] [DB index] [PROTO protocol:integer] bytes",
        "Sends any bytes to clients.",
    ),
];

/// The flags of what drives the server: it runs whatever state that is in.
const DRIVES: Flags = ADMIN | NOSCRIPT | NO_MULTI | LOADING | STALE | ALLOW_BUSY | SKIP_COMMANDLOG;

/// The stage, for a client that may drive the server.
fn on_stage<'c>(ctx: &'c mut Ctx<'_>) -> Result<&'c mut Stage, Error> {
    if !ctx.is_allowed(ctx.world.config.enable_stage_command) {
        return Err(error::STAGE_NOT_ALLOWED);
    }
    ctx.world.stage.as_deref_mut().ok_or(error::STAGE_NOT_ALLOWED)
}

/// STAGE RESET
fn stage_reset(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    *on_stage(ctx)? = Stage::default();
    ctx.world.forget_plans();
    ctx.reply.ok();
    Ok(())
}
