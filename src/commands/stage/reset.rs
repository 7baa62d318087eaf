//! STAGE RESET: all that was staged ends, and the stage is again as the server began with it.

use std::sync::Arc;

use super::{clock, fault, journal, newcomers, node, on_stage, seed, sentinel};
use crate::clock::Change;
use crate::dispatch::Ctx;
use crate::dispatch::spec::Handler;
use crate::error::Error;
use crate::wire::Args;

/// No client has this id, and so none waits for a change of the clock that is asked for by it.
const NO_CLIENT: u64 = u64::MAX;

/// STAGE RESET
pub(super) fn stage_reset(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let caller = ctx.slot;
    on_stage(ctx)?;
    let roles = ctx.world.clear_nodes(caller);
    ctx.world.end_watches();
    let before = std::mem::take(on_stage(ctx)?);
    let beginning = Arc::clone(&before.beginning);
    let stage = on_stage(ctx)?;
    (stage.beginning, stage.standing) = (Arc::clone(&beginning), before.standing);
    ctx.world.forget_plans();
    ctx.world.forget_seed();
    let now = ctx.now().mono;
    match before.recording.map(|recording| recording.end(now)) {
        None | Some(Ok(true)) => {}
        Some(Ok(false)) => log::warn!("STAGE RESET ends a recording that had reached its LIMIT"),
        Some(Err(error)) => {
            log::warn!(
                "STAGE RESET ends a recording that could not be written to its end: {error}"
            );
        }
    }
    let mut changes = Vec::new();
    if before.is_clock_changed {
        changes.push(Change::Restore);
    }
    for line in beginning.lines() {
        let (args, start) = (line.args(), ctx.reply.mark());
        let staged = begin_again(ctx, args, &mut changes);
        ctx.reply.rewind(start);
        if let Err(error) = staged {
            let words = args.from(1).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
            log::warn!(
                "STAGE RESET cannot stage again what the server began with, {words}: {error}"
            );
        }
    }
    ctx.world.nodes_are_again(&roles, caller);
    // The caller is told when the last of them is made.
    match changes.split_last() {
        None => ctx.reply.ok(),
        Some((&last, first)) => {
            on_stage(ctx)?.is_clock_changed = changes.len() > usize::from(before.is_clock_changed);
            first.iter().for_each(|&change| ctx.world.change_clock(change, NO_CLIENT));
            clock::make(ctx, last);
        }
    }
    Ok(())
}

/// Stages a line of the beginning again. What it changes of the clock is put behind `changes`.
fn begin_again(ctx: &mut Ctx<'_>, args: Args<'_>, changes: &mut Vec<Change>) -> Result<(), Error> {
    const HANDLERS: [(&str, Handler); 6] = [
        ("ACCEPT", newcomers::stage_accept),
        ("FAULT", fault::stage_fault),
        ("JOURNAL", journal::stage_journal),
        ("NODE", node::stage_node),
        ("SEED", seed::stage_seed),
        ("SENTINEL", sentinel::stage_sentinel),
    ];
    match HANDLERS.iter().find(|(name, _)| args.is(1, name)) {
        Some((_, handler)) => handler(ctx, args),
        None => clock::change(args, ctx.now()).map(|change| changes.push(change)),
    }
}
