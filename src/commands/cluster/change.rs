//! What a client may change in a cluster that a test has made: CLUSTER BUMPEPOCH and FAILOVER. All else is for STAGE
//! NODE: how the keys of one keyspace would go from one node to another only that knows.

use super::cluster;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::wire::Args;

/// CLUSTER subcommand [argument ...]
pub(super) fn refused(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?;
    Err(error::STAGE_CHANGES_THE_CLUSTER)
}

/// CLUSTER BUMPEPOCH
pub(super) fn cluster_bumpepoch(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let (_, node, _) = cluster(ctx)?;
    let key = node.key;
    let stage = ctx.world.stage.as_deref_mut().ok_or(error::CLUSTER_DISABLED)?;
    let (epoch, is_new) = stage.nodes.bump_epoch(key);
    let word = if is_new { "BUMPED" } else { "STILL" };
    ctx.reply.status(&format!("{word} {epoch}"));
    Ok(())
}

/// CLUSTER FAILOVER [FORCE | TAKEOVER]
pub(super) fn cluster_failover(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (nodes, node, _) = cluster(ctx)?;
    let is_forced = args.is(2, "FORCE") || args.is(2, "TAKEOVER");
    if args.len() > 3 || args.len() == 3 && !is_forced {
        return Err(error::SYNTAX);
    }
    if node.primary.is_none() {
        return Err(error::FAILOVER_OF_PRIMARY);
    }
    if !nodes.primary_of(node).is_up() && !is_forced {
        return Err(error::FAILOVER_OF_FAILED_PRIMARY);
    }
    let (key, caller) = (node.key, ctx.slot);
    ctx.world.fail_over(key, caller, None);
    ctx.reply.ok();
    Ok(())
}

/// CLUSTER GETSLOTMIGRATIONS
pub(super) fn cluster_getslotmigrations(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?.2.array(0);
    Ok(())
}

/// CLUSTER SAVECONFIG
///
/// A cluster that a test has made is as long as the test.
pub(super) fn cluster_saveconfig(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?.2.ok();
    Ok(())
}
