//! How the cluster is described: CLUSTER COUNT-FAILURE-REPORTS, INFO, LINKS, MYID, MYSHARDID, NODES, REPLICAS, SHARDS,
//! SLOTS.

use std::fmt::Write;

use super::cluster;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::stage::nodes::{Node, Nodes};
use crate::wire::{Args, Reply};

/// CLUSTER COUNT-FAILURE-REPORTS node-id
///
/// All nodes know at once that one is down.
pub(super) fn cluster_count_failure_reports(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
) -> Result<(), Error> {
    let (nodes, _, reply) = cluster(ctx)?;
    nodes.with_id(&args[2]).ok_or_else(|| error::unknown_node(&args[2]))?;
    reply.int(0);
    Ok(())
}

/// CLUSTER INFO
pub(super) fn cluster_info(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let is_ok = ctx.world.is_cluster_ok();
    let (nodes, node, reply) = cluster(ctx)?;
    let health = nodes.health();
    let down = nodes.cluster().filter(|node| !node.is_up()).count();
    let mut text = String::new();
    let mut field = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string does not fail.
        let _ = write!(text, "cluster_{name}:{value}\r\n");
    };
    field("state", &if is_ok { "ok" } else { "fail" });
    field("slots_assigned", &health.assigned);
    field("slots_ok", &(health.assigned - health.failing));
    field("slots_pfail", &0);
    field("slots_fail", &health.failing);
    field("nodes_pfail", &0);
    field("nodes_fail", &down);
    field("voting_nodes_pfail", &0);
    field("voting_nodes_fail", &health.size_failing);
    field("known_nodes", &nodes.cluster().count());
    field("size", &health.size);
    field("current_epoch", &nodes.epoch);
    field("my_epoch", &nodes.epoch_of(node));
    for name in ["messages", "bytes", "pubsub_bytes", "module_bytes"] {
        field(&format!("stats_{name}_sent"), &0);
        field(&format!("stats_{name}_received"), &0);
    }
    text += "total_cluster_links_buffer_limit_exceeded:0\r\n";
    reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// CLUSTER LINKS
///
/// Two to each node that is up: there are no messages between them.
pub(super) fn cluster_links(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let started = ctx.world.started.wall / 1000;
    let (nodes, own, reply) = cluster(ctx)?;
    let peers = nodes.cluster().filter(|node| node.key != own.key && node.is_up());
    reply.array(2 * peers.clone().count());
    for peer in peers {
        for direction in ["to", "from"] {
            reply.map(6);
            for (name, value) in [("direction", direction), ("node", &peer.id)] {
                reply.bulk(name.as_bytes());
                reply.bulk(value.as_bytes());
            }
            reply.bulk(b"create-time");
            reply.int(started as i64);
            reply.bulk(b"events");
            reply.bulk(b"r");
            for name in ["send-buffer-allocated", "send-buffer-used"] {
                reply.bulk(name.as_bytes());
                reply.int(0);
            }
        }
    }
    Ok(())
}

/// CLUSTER MYID
pub(super) fn cluster_myid(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let (_, node, reply) = cluster(ctx)?;
    reply.bulk(node.id.as_bytes());
    Ok(())
}

/// CLUSTER MYSHARDID
pub(super) fn cluster_myshardid(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let (_, node, reply) = cluster(ctx)?;
    reply.bulk(node.shard.as_bytes());
    Ok(())
}

/// CLUSTER NODES
pub(super) fn cluster_nodes(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall / 1000;
    let (nodes, own, reply) = cluster(ctx)?;
    let mut text = String::new();
    for node in nodes.cluster() {
        text += &line(nodes, own, node, now);
        text.push('\n');
    }
    reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// CLUSTER REPLICAS node-id, CLUSTER SLAVES node-id
pub(super) fn cluster_replicas(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall / 1000;
    let (nodes, own, reply) = cluster(ctx)?;
    let node = nodes.with_id(&args[2]).ok_or_else(|| error::unknown_node(&args[2]))?;
    if node.primary.is_some() {
        return Err(error::REPLICAS_OF_REPLICA);
    }
    let replicas = nodes.replicas_of(node.key);
    reply.array(replicas.clone().count());
    for replica in replicas {
        reply.bulk(line(nodes, own, replica, now).as_bytes());
    }
    Ok(())
}

/// A node as CLUSTER NODES shows it to the node `own`.
fn line(nodes: &Nodes, own: &Node, node: &Node, now: u64) -> String {
    let is_own = node.key == own.key;
    let (host, port, bus) = (&nodes.host, node.port, bus_port(node.port));
    let primary = nodes.primary_of(node);
    let myself = if is_own { "myself," } else { "" };
    let (role, of) = match node.primary {
        Some(_) => ("slave", &*primary.id),
        None => ("master", "-"),
    };
    let (fail, link) = if node.is_up() { ("", "connected") } else { (",fail", "disconnected") };
    let (pinged, answered) = match node.down_since {
        Some(since) => (since, since),
        None => (0, if is_own { 0 } else { now }),
    };
    let epoch = nodes.epoch_of(node);
    let mut line = format!(
        "{} {host}:{port}@{bus} {myself}{role}{fail} {of} {pinged} {answered} {epoch} {link}",
        node.id
    );
    for (first, last, owner) in nodes.ranges() {
        if owner == node.key {
            let _ = match first == last {
                true => write!(line, " {first}"),
                false => write!(line, " {first}-{last}"),
            };
        }
    }
    if is_own {
        line += &moves(nodes, node);
    }
    line
}

/// The slots that are on the move, as the node itself shows them.
fn moves(nodes: &Nodes, node: &Node) -> String {
    let mut words = String::new();
    let own = nodes.primary_of(node).key;
    for (slot, going) in nodes.moves() {
        let Some((owner, to)) = nodes.owner(slot).zip(nodes.get(going.to)) else { continue };
        let _ = match () {
            () if owner.key == own && going.is_migrating => {
                write!(words, " [{slot}->-{}]", to.id)
            }
            () if to.key == own => write!(words, " [{slot}-<-{}]", owner.id),
            () => Ok(()),
        };
    }
    words
}

/// Where the bus of a node with this port would be.
fn bus_port(port: u16) -> u32 {
    u32::from(port) + 10_000
}

/// CLUSTER SHARDS
pub(super) fn cluster_shards(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let names_shards = ctx.world.config.persona.is_at_least("9.1.0");
    let (nodes, _, reply) = cluster(ctx)?;
    let primaries = nodes.cluster().filter(|node| node.primary.is_none());
    let ranges = nodes.ranges();
    reply.array(primaries.clone().count());
    for primary in primaries {
        reply.map(if names_shards { 3 } else { 2 });
        reply.bulk(b"slots");
        let own = ranges.iter().filter(|(_, _, owner)| *owner == primary.key);
        reply.array(2 * own.clone().count());
        for (first, last, _) in own {
            reply.int((*first).into());
            reply.int((*last).into());
        }
        reply.bulk(b"nodes");
        let members = nodes.cluster().filter(|node| node.shard == primary.shard);
        reply.array(members.clone().count());
        members.for_each(|node| member(reply, nodes, node));
        if names_shards {
            reply.bulk(b"id");
            reply.bulk(primary.shard.as_bytes());
        }
    }
    Ok(())
}

/// A node as CLUSTER SHARDS shows it.
fn member(reply: &mut Reply, nodes: &Nodes, node: &Node) {
    let role = if node.primary.is_some() { "replica" } else { "master" };
    let health = if node.is_up() { "online" } else { "fail" };
    reply.map(7);
    reply.bulk(b"id");
    reply.bulk(node.id.as_bytes());
    reply.bulk(b"port");
    reply.int(node.port.into());
    for (name, value) in [("ip", &*nodes.host), ("endpoint", &nodes.host), ("role", role)] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"replication-offset");
    reply.int(0);
    reply.bulk(b"health");
    reply.bulk(health.as_bytes());
}

/// CLUSTER SLOTS
///
/// Replicas that are down are left out; a primary is named in any case.
pub(super) fn cluster_slots(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let has_further = ctx.world.config.persona.is_at_least("7.0.0");
    let (nodes, _, reply) = cluster(ctx)?;
    let ranges = nodes.ranges();
    reply.array(ranges.len());
    for (first, last, owner) in ranges {
        let replicas = nodes.replicas_of(owner).filter(|node| node.is_up());
        let servers: Vec<&Node> = nodes.get(owner).into_iter().chain(replicas).collect();
        reply.array(2 + servers.len());
        reply.int(first.into());
        reply.int(last.into());
        for node in servers {
            reply.array(if has_further { 4 } else { 3 });
            reply.bulk(nodes.host.as_bytes());
            reply.int(node.port.into());
            reply.bulk(node.id.as_bytes());
            if has_further {
                reply.map(0);
            }
        }
    }
    Ok(())
}
