//! STAGE NODE: further ports of the server, which clients take for the servers of a cluster, or for a primary and its
//! replicas. What a node is, is in [`crate::stage::nodes`]; the cluster's commands are in [`crate::commands::cluster`].

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::stage::matching::number;
use crate::stage::nodes::{MOST, NewNode, Node, NodeKey, Nodes};
use crate::stage::slots::SLOTS;
use crate::text::number::parse_u64;
use crate::wire::{Args, Options, Reply};

/// The longest name of a node.
const LONGEST_NAME: usize = 64;

/// STAGE NODE ADD name [PORT n] [SLOTS a-b ...] [REPLICA-OF name] | FAILOVER name | DOWN name | UP name | DEL name
/// | MOVE slot name | MIGRATE slot name | IMPORT slot name | LIST
pub(super) fn stage_node(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    on_stage(ctx)?;
    let mut words = args.options(2);
    let operation = words.word().unwrap_or_default();
    match Operation::of(operation)? {
        Operation::Add => return add(ctx, words),
        Operation::List => {
            is_over(&words)?;
            return list(ctx);
        }
        Operation::Change(change) => {
            let name = name_of(operation, "node", &mut words)?;
            change(ctx, name)?;
        }
        Operation::Move(step) => {
            let slot = slot(operation, words.word())?;
            let name = name_of(operation, "node", &mut words)?;
            step(ctx, slot, name)?;
        }
    }
    ctx.reply.ok();
    Ok(())
}

/// What becomes of one node.
pub(super) type Change = fn(&mut Ctx<'_>, &[u8]) -> Result<(), Error>;

/// What STAGE NODE does.
#[derive(Clone, Copy)]
enum Operation {
    Add,
    List,
    Change(Change),
    /// A step on a slot's way to a node.
    Move(fn(&mut Ctx<'_>, u16, &[u8]) -> Result<(), Error>),
}

impl Operation {
    fn of(word: &[u8]) -> Result<Operation, Error> {
        const ALL: [(&str, Operation); 9] = [
            ("ADD", Operation::Add),
            ("DEL", Operation::Change(del)),
            ("DOWN", Operation::Change(down)),
            ("FAILOVER", Operation::Change(failover)),
            ("IMPORT", Operation::Move(import)),
            ("LIST", Operation::List),
            ("MIGRATE", Operation::Move(migrate)),
            ("MOVE", Operation::Move(hand_over)),
            ("UP", Operation::Change(up)),
        ];
        const WANTED: &str = "ADD, DEL, DOWN, FAILOVER, IMPORT, LIST, MIGRATE, MOVE or UP";
        let found = ALL.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|&(_, operation)| operation).ok_or_else(|| error::stage_word(word, WANTED))
    }
}

/// The name that the line ends with. `what` it is of.
pub(super) fn name_of<'a>(
    operation: &[u8],
    what: &str,
    words: &mut Options<'a>,
) -> Result<&'a [u8], Error> {
    let operation = String::from_utf8_lossy(operation).to_ascii_uppercase();
    let wanted = format!("the name of a {what}");
    let name = words.word().ok_or_else(|| error::stage_value(&operation, None, &wanted))?;
    is_over(words)?;
    Ok(name)
}

/// Nothing may follow.
pub(super) fn is_over(words: &Options<'_>) -> Result<(), Error> {
    words.peek().map_or(Ok(()), |word| Err(error::stage_word(word, "nothing more")))
}

/// The nodes, for a client that may drive the server.
fn nodes<'c>(ctx: &'c mut Ctx<'_>) -> Result<&'c mut Nodes, Error> {
    on_stage(ctx).map(|stage| &mut stage.nodes)
}

fn named<'n>(nodes: &'n Nodes, name: &[u8]) -> Result<&'n Node, Error> {
    nodes.named(name).ok_or_else(|| error::no_such_node(name))
}

/// A new name: it stands in lists of words, and before a '='.
pub(super) fn new_name(ctx: &mut Ctx<'_>, name: Option<&[u8]>) -> Result<String, Error> {
    let name = name.ok_or_else(|| error::stage_value("ADD", None, "a name"))?;
    let is_fine = |byte: &u8| byte.is_ascii_graphic() && *byte != b'=';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.iter().all(is_fine) {
        return Err(error::STAGE_NAME);
    }
    let text = String::from_utf8_lossy(name).into_owned();
    let stage = on_stage(ctx)?;
    match stage.nodes.named(name).is_some() || stage.sentinels.named(name).is_some() {
        true => Err(error::name_is_taken(&text)),
        false => Ok(text),
    }
}

/// The value of PORT, which no node or Sentinel has yet.
pub(super) fn new_port(ctx: &mut Ctx<'_>, port: Option<&[u8]>) -> Result<u16, Error> {
    let port = number("PORT", port, 1..=u16::MAX.into())? as u16;
    let stage = on_stage(ctx)?;
    let node = stage.nodes.at_port(port).map(|node| &node.name);
    match node.or(stage.sentinels.at_port(port).map(|sentinel| &sentinel.name)) {
        Some(name) => Err(error::port_is_taken(port, name)),
        None => Ok(port),
    }
}

/// The slot behind a word.
fn slot(word: &[u8], text: Option<&[u8]>) -> Result<u16, Error> {
    let word = String::from_utf8_lossy(word).to_ascii_uppercase();
    let wanted = "a slot, from 0 to 16383, and the name of a node";
    let slot = text.and_then(parse_slot);
    slot.ok_or_else(|| error::stage_value(&word, text, wanted))
}

fn parse_slot(text: &[u8]) -> Option<u16> {
    let slot = parse_u64(text).and_then(|slot| u16::try_from(slot).ok());
    slot.filter(|&slot| slot < SLOTS)
}

/// The ranges behind SLOTS: words that begin with a digit.
fn ranges(options: &mut Options<'_>) -> Result<Vec<(u16, u16)>, Error> {
    const WANTED: &str = "slots from 0 to 16383, and ranges of them: 0-5460 5462";
    let mut ranges = Vec::new();
    while let Some(word) =
        options.peek().filter(|word| word.first().is_some_and(u8::is_ascii_digit))
    {
        let mut ends = word.splitn(2, |&byte| byte == b'-').map(parse_slot);
        let first = ends.next().flatten();
        let last = ends.next().unwrap_or(first);
        match first.zip(last).filter(|(first, last)| first <= last) {
            Some(range) => ranges.push(range),
            None => return Err(error::stage_value("SLOTS", Some(word), WANTED)),
        }
        options.skip(1);
    }
    match ranges.is_empty() {
        true => Err(error::stage_value("SLOTS", options.peek(), WANTED)),
        false => Ok(ranges),
    }
}

/// STAGE NODE ADD name [PORT n] [SLOTS a-b ...] [REPLICA-OF name]
fn add(ctx: &mut Ctx<'_>, mut options: Options<'_>) -> Result<(), Error> {
    let name = new_name(ctx, options.word())?;
    let (mut port, mut slots, mut primary) = (None, Vec::new(), None);
    while let Some(word) = options.peek() {
        if options.flag("PORT") {
            port = Some(new_port(ctx, options.word())?);
        } else if options.flag("REPLICA-OF") {
            let wanted = || error::stage_value("REPLICA-OF", None, "the name of a node");
            let given = options.word().ok_or_else(wanted)?;
            primary = Some(primary_named(nodes(ctx)?, given)?);
        } else if options.flag("SLOTS") {
            slots = ranges(&mut options)?;
        } else {
            return Err(error::stage_word(word, "PORT, SLOTS or REPLICA-OF"));
        }
    }
    let nodes = nodes(ctx)?;
    if primary.is_some() && !slots.is_empty() {
        return Err(error::SLOTS_OF_A_REPLICA);
    }
    let mut wanted = slots.iter().flat_map(|&(first, last)| first..=last);
    if let Some((slot, owner)) = wanted.find_map(|slot| Some((slot, nodes.owner(slot)?))) {
        return Err(error::slot_is_taken(slot, &owner.name));
    }
    if nodes.len() >= MOST {
        return Err(error::NO_MORE_NODES);
    }
    let port = ctx.world.open_node_port(port)?;
    let is_own_port = ctx.world.is_own_port(port);
    ctx.world.add_node(NewNode { name, port, is_own_port, slots, primary });
    ctx.reply.int(port.into());
    Ok(())
}

fn primary_named(nodes: &Nodes, name: &[u8]) -> Result<NodeKey, Error> {
    let node = named(nodes, name)?;
    match node.primary {
        Some(_) => Err(error::is_a_replica(&node.name)),
        None => Ok(node.key),
    }
}

/// STAGE NODE FAILOVER name
fn failover(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let node = named(nodes(ctx)?, name)?;
    if node.primary.is_none() {
        return Err(error::is_a_primary(&node.name));
    }
    if !node.is_up() {
        return Err(error::is_down(&node.name));
    }
    let (key, caller) = (node.key, ctx.slot);
    ctx.world.fail_over(key, caller, None);
    Ok(())
}

/// STAGE NODE DOWN name
fn down(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let node = named(nodes(ctx)?, name)?;
    if !node.is_up() {
        return Err(error::is_down(&node.name));
    }
    let (key, caller) = (node.key, ctx.slot);
    if ctx.world.is_last_way_in(key) {
        return Err(error::LAST_PORT);
    }
    ctx.world.take_node_down(key, caller);
    Ok(())
}

/// STAGE NODE UP name
fn up(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let node = named(nodes(ctx)?, name)?;
    if node.is_up() {
        return Err(error::is_up(&node.name));
    }
    let key = node.key;
    ctx.world.bring_node_up(key)
}

/// STAGE NODE DEL name
fn del(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(), Error> {
    let stage = on_stage(ctx)?;
    let node = named(&stage.nodes, name)?;
    if stage.nodes.replicas_of(node.key).next().is_some() {
        return Err(error::has_replicas(&node.name));
    }
    let group = stage.sentinels.group_of(node).filter(|_| node.primary.is_none());
    if let Some(sentinel) = group.and_then(|group| stage.sentinels.watchers(&group.name).next()) {
        return Err(error::is_watched(&node.name, &sentinel.name));
    }
    let (key, caller) = (node.key, ctx.slot);
    ctx.world.remove_node(key, caller)
}

/// The primary that is to have a slot.
fn heir(ctx: &mut Ctx<'_>, name: &[u8]) -> Result<(NodeKey, String), Error> {
    let stage = on_stage(ctx)?;
    let key = primary_named(&stage.nodes, name)?;
    let node = named(&stage.nodes, name)?;
    let group = stage.sentinels.group_of(node);
    match group.and_then(|group| stage.sentinels.watchers(&group.name).next()) {
        Some(sentinel) => Err(error::is_watched(&node.name, &sentinel.name)),
        None => Ok((key, node.name.clone())),
    }
}

/// STAGE NODE MOVE slot name
///
/// All keys of the slot go with it. To move it to its owner ends what MIGRATE or IMPORT has begun.
fn hand_over(ctx: &mut Ctx<'_>, slot: u16, name: &[u8]) -> Result<(), Error> {
    let (key, name) = heir(ctx, name)?;
    let nodes = nodes(ctx)?;
    let is_owner = nodes.owner(slot).is_some_and(|owner| owner.key == key);
    if is_owner && nodes.moving(slot).is_none() {
        return Err(error::has_the_slot(&name, slot));
    }
    if nodes.give(slot, key) {
        ctx.world.cluster_has_changed(&[slot]);
    }
    Ok(())
}

/// STAGE NODE IMPORT slot name
fn import(ctx: &mut Ctx<'_>, slot: u16, name: &[u8]) -> Result<(), Error> {
    begin_move(ctx, slot, name, false)
}

/// STAGE NODE MIGRATE slot name
fn migrate(ctx: &mut Ctx<'_>, slot: u16, name: &[u8]) -> Result<(), Error> {
    begin_move(ctx, slot, name, true)
}

fn begin_move(ctx: &mut Ctx<'_>, slot: u16, name: &[u8], is_migrating: bool) -> Result<(), Error> {
    let (key, name) = heir(ctx, name)?;
    let nodes = nodes(ctx)?;
    match nodes.owner(slot) {
        None => return Err(error::slot_is_unserved(slot)),
        Some(owner) if owner.key == key => return Err(error::has_the_slot(&name, slot)),
        Some(_) => nodes.begin_move(slot, key, is_migrating),
    }
    Ok(())
}

/// STAGE NODE LIST
fn list(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (reply, world) = (&mut *ctx.reply, &*ctx.world);
    let Some(nodes) = world.nodes() else {
        reply.array(0);
        return Ok(());
    };
    let ranges = nodes.ranges();
    reply.array(nodes.len());
    for node in nodes.iter() {
        let text = |reply: &mut Reply, name: &str, value: &str| {
            reply.bulk(name.as_bytes());
            reply.bulk(value.as_bytes());
        };
        reply.map(7);
        text(reply, "name", &node.name);
        text(reply, "id", &node.id);
        text(reply, "host", &nodes.host);
        reply.bulk(b"port");
        reply.int(node.port.into());
        let primary = nodes.primary_of(node);
        text(reply, "replica-of", if node.primary.is_some() { &primary.name } else { "" });
        text(reply, "state", if node.is_up() { "up" } else { "down" });
        let own = ranges.iter().filter(|(_, _, owner)| *owner == node.key);
        let own: Vec<String> = own.map(|(first, last, _)| format!("{first}-{last}")).collect();
        text(reply, "slots", &own.join(" "));
    }
    Ok(())
}
