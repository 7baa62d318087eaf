//! STAGE: drives the server as a test double. `docs/stage.md` is the grammar, a page.
//!
//! There is no such command unless `enable-stage-command` says which clients may call it.

mod node;
mod sentinel;

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::{Flags, Spec};
use crate::error::{self, Error};
use crate::stage::Stage;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[Spec::container("stage", STAGE).flags(SENTINEL).doc(
    "9.1.0",
    "Depends on the subcommand.",
    "",
    "Drives the server as a test double.",
)];

const STAGE: &[Spec] = &[
    Spec::new("help", 2, LOADING | STALE, help).doc("9.1.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("node", -3, DRIVES, node::stage_node).doc(
        "9.1.0",
        "O(N), N being the number of clients, and of slots that change hands",
        "(change: (add: ADD name [PORT port:integer] [(slots: SLOTS range:string...)] \
        [REPLICA-OF primary:string]) | (failover: FAILOVER name) | (down: DOWN name) | (up: UP name) \
        | (del: DEL name) | (move: MOVE slot:integer name) | (migrate: MIGRATE slot:integer name) \
        | (import: IMPORT slot:integer name) | LIST)",
        "Makes ports nodes of a cluster, or a primary and its replicas, and changes them.",
    ),
    Spec::new("reset", 2, DRIVES, stage_reset).doc(
        "9.1.0",
        "O(N), N being all that was staged",
        "",
        "Ends all that was staged, as the end of a test does.",
    ),
    Spec::new("sentinel", -3, DRIVES, sentinel::stage_sentinel).doc(
        "9.1.0",
        "O(N), N being the number of clients",
        "(change: (add: ADD name [PORT port:integer] MASTER group:string [NODE node:string] \
        [QUORUM quorum:integer]) | (down: DOWN name) | (up: UP name) | (del: DEL name))",
        "Makes ports Sentinels, which watch a primary and its replicas.",
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
    on_stage(ctx)?;
    let caller = ctx.slot;
    ctx.world.clear_nodes(caller);
    *on_stage(ctx)? = Stage::default();
    ctx.reply.ok();
    Ok(())
}
