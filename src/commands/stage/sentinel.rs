//! STAGE SENTINEL: ports that answer as Sentinels. What they answer is in [`crate::commands::sentinel`].

use super::node::{Change, name_of, new_name, new_port};
use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::stage::matching::number;
use crate::stage::nodes::MOST;
use crate::stage::sentinel::{Sentinel, Sentinels};
use crate::wire::{Args, Options};

/// STAGE SENTINEL ADD name [PORT n] MASTER group [NODE name] [QUORUM n] | DOWN name | UP name | DEL name
pub(super) fn stage_sentinel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const CHANGES: [(&str, Change); 3] = [("DEL", del), ("DOWN", down), ("UP", up)];
    on_stage(ctx)?;
    let mut words = args.options(2);
    if words.flag("ADD") {
        return add(ctx, words);
    }
    let operation = words.word().unwrap_or_default();
    let change = CHANGES.iter().find(|(name, _)| args.is(2, name));
    let (_, change) = change.ok_or_else(|| error::stage_word(operation, "ADD, DEL, DOWN or UP"))?;
    let name = name_of(operation, "Sentinel", &mut words)?;
    change(ctx, name)?;
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
fn add(ctx: &mut Ctx<'_>, mut options: Options<'_>) -> Result<(), Error> {
    let sentinel = options.word();
    let sentinels = &on_stage(ctx)?.sentinels;
    let known = sentinel.and_then(|name| sentinels.named(name));
    let known = known.map(|known| (known.name.clone(), known.port));
    let (mut port, mut group, mut node, mut quorum) = (None, None, None, 1);
    while let Some(word) = options.peek() {
        if known.is_none() && options.flag("PORT") {
            port = Some(new_port(ctx, options.word())?);
        } else if options.flag("MASTER") {
            group = Some(value("MASTER", "the name of a group", &mut options)?);
        } else if options.flag("NODE") {
            node = Some(value("NODE", "the name of a node", &mut options)?);
        } else if options.flag("QUORUM") {
            quorum = number("QUORUM", options.word(), 1..=64)? as u32;
        } else {
            let wanted = match known.is_none() {
                true => "PORT, MASTER, NODE or QUORUM",
                false => "MASTER, NODE or QUORUM",
            };
            return Err(error::stage_word(word, wanted));
        }
    }
    let group = group.ok_or_else(|| error::stage_lacks("MASTER and a group"))?;
    let (group, shard) = group_of(ctx, group, node.unwrap_or(group))?;
    let (name, port) = match known {
        Some((name, _)) if is_watching(ctx, &name, &group) => {
            return Err(error::is_watched_already(&group, &name));
        }
        Some(known) => known,
        None => {
            let name = new_name(ctx, sentinel)?;
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

/// What stands behind a word.
fn value<'a>(word: &str, wanted: &str, options: &mut Options<'a>) -> Result<&'a [u8], Error> {
    options.word().ok_or_else(|| error::stage_value(word, None, wanted))
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
