//! STAGE SENTINEL: ports that answer as Sentinels. What they answer is in [`crate::commands::sentinel`].

use super::node::{new_name, new_port};
use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::stage::nodes::MOST;
use crate::stage::sentinel::{Sentinel, Sentinels};
use crate::text::number;
use crate::wire::Args;

/// STAGE SENTINEL ADD name [PORT n] MASTER group [NODE name] [QUORUM n] | DOWN name | UP name | DEL name
pub(super) fn stage_sentinel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    on_stage(ctx)?;
    match args.len() {
        _ if args.is(2, "ADD") && args.len() > 3 => return add(ctx, args),
        4 if args.is(2, "DOWN") => down(ctx, &args[3])?,
        4 if args.is(2, "UP") => up(ctx, &args[3])?,
        4 if args.is(2, "DEL") => del(ctx, &args[3])?,
        _ => return Err(error::unknown_stage_option(&args[2])),
    }
    ctx.reply.ok();
    Ok(())
}

fn named<'s>(sentinels: &'s Sentinels, name: &[u8]) -> Result<&'s Sentinel, Error> {
    sentinels.named(name).ok_or_else(|| error::no_such_sentinel(name))
}

/// STAGE SENTINEL ADD name [PORT n] MASTER group [NODE name] [QUORUM n]
///
/// The group is made of the node of its name, if NODE names no other, and of the replicas of that. A Sentinel that is
/// there already watches one more group.
fn add(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let known = on_stage(ctx)?.sentinels.named(&args[3]).map(|one| (one.name.clone(), one.port));
    let (mut port, mut group, mut node, mut quorum) = (None, None, None, 1);
    let mut options = args.options(4);
    while let Some(word) = options.peek() {
        if known.is_none()
            && let Some(given) = options.value("PORT")
        {
            port = Some(new_port(ctx, given)?);
        } else if let Some(given) = options.value("MASTER") {
            group = Some(given);
        } else if let Some(given) = options.value("NODE") {
            node = Some(given);
        } else if let Some(given) = options.value("QUORUM") {
            let given = number::parse_i64(given).and_then(|given| u32::try_from(given).ok());
            quorum = given.filter(|given| (1..=64).contains(given)).ok_or(error::STAGE_QUORUM)?;
        } else {
            return Err(error::unknown_stage_option(word));
        }
    }
    let group = group.ok_or(error::MASTER_IS_MISSING)?;
    let (group, shard) = group_of(ctx, group, node.unwrap_or(group))?;
    let (name, port) = match known {
        Some((name, _)) if is_watching(ctx, &name, &group) => {
            return Err(error::is_watched_already(&group, &name));
        }
        Some(known) => known,
        None => {
            let name = new_name(ctx, &args[3])?;
            if on_stage(ctx)?.sentinels.len() >= MOST {
                return Err(error::NO_MORE_NODES);
            }
            if let Some(own) = port.filter(|&port| ctx.world.is_own_port(port)) {
                return Err(error::port_is_taken(own, "the server itself"));
            }
            (name, ctx.world.open_node_port(port)?)
        }
    };
    let now = ctx.now().wall / 1000;
    let sentinels = &mut on_stage(ctx)?.sentinels;
    sentinels.name_group(&group, &shard, now);
    sentinels.watch(&name, port, &group, quorum);
    ctx.world.tell_of_sentinel(&name, &group);
    ctx.reply.int(port.into());
    Ok(())
}

fn is_watching(ctx: &mut Ctx<'_>, name: &str, group: &str) -> bool {
    let stage = ctx.world.stage.as_deref();
    let sentinel = stage.and_then(|stage| stage.sentinels.named(name.as_bytes()));
    sentinel.is_some_and(|sentinel| sentinel.quorum(group).is_some())
}

/// The name of the group, and what its nodes have in common, if there can be such a group.
fn group_of(ctx: &mut Ctx<'_>, group: &[u8], node: &[u8]) -> Result<(String, String), Error> {
    let is_fine = |byte: &u8| byte.is_ascii_graphic();
    if group.is_empty() || group.len() > 64 || !group.iter().all(is_fine) {
        return Err(error::STAGE_NAME);
    }
    let name = String::from_utf8_lossy(group).into_owned();
    let stage = on_stage(ctx)?;
    let known = stage.sentinels.group(group);
    let node = match (known, stage.nodes.named(node)) {
        // A group that is known is as it was, whichever is its primary now.
        (Some(known), None) if node == group => return Ok((name, known.shard.clone())),
        (_, node_found) => node_found.ok_or_else(|| error::no_such_node(node))?,
    };
    if node.is_in_cluster {
        return Err(error::is_in_the_cluster(&node.name));
    }
    let is_another = known.is_some_and(|known| known.shard != node.shard)
        || stage.sentinels.group_of(node).is_some_and(|other| other.name != name);
    match (is_another, known.is_none() && node.primary.is_some()) {
        (true, _) => Err(error::group_is_another(&name)),
        (_, true) => Err(error::is_a_replica(&node.name)),
        _ => Ok((name, node.shard.clone())),
    }
}

/// STAGE SENTINEL DOWN name
fn down(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let sentinel = named(&on_stage(ctx)?.sentinels, name)?;
    if !sentinel.is_up() {
        return Err(error::is_down(&sentinel.name));
    }
    let (name, caller) = (sentinel.name.clone(), ctx.slot);
    ctx.world.take_sentinel_down(&name, caller);
    Ok(())
}

/// STAGE SENTINEL UP name
fn up(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let sentinel = named(&on_stage(ctx)?.sentinels, name)?;
    if sentinel.is_up() {
        return Err(error::is_up(&sentinel.name));
    }
    let name = sentinel.name.clone();
    ctx.world.bring_sentinel_up(&name)
}

/// STAGE SENTINEL DEL name
fn del(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let name = named(&on_stage(ctx)?.sentinels, name)?.name.clone();
    if let Some(sentinel) = on_stage(ctx)?.sentinels.remove(&name) {
        let caller = ctx.slot;
        ctx.world.close_node_port(sentinel.port, caller);
    }
    Ok(())
}
