//! What INFO says to clients of a port that a test has made a node or a Sentinel.

use super::Report;
use crate::commands::sentinel;
use crate::dispatch::Ctx;
use crate::world::World;

/// Returns whether a Sentinel has the section of this title.
pub(super) fn is_of_sentinel(title: &str) -> bool {
    ["Server", "Clients", "Stats", "CPU", "Sentinel"].contains(&title)
}

/// The section that only a Sentinel has.
pub(super) fn sentinel(report: &mut Report, ctx: &Ctx<'_>) {
    let Some((stage, sentinel)) = ctx.world.stage.as_deref().zip(ctx.world.sentinel_of(ctx.slot))
    else {
        return;
    };
    report.field("sentinel_masters", sentinel.watches.len());
    report.zeros(&["sentinel_tilt"]);
    report.field("sentinel_tilt_since_seconds", -1);
    report.zeros(&[
        "sentinel_total_tilt",
        "sentinel_running_scripts",
        "sentinel_scripts_queue_length",
        "sentinel_simulate_failure_flags",
    ]);
    for (index, group) in sentinel::described(stage, sentinel).iter().enumerate() {
        report.field(&format!("master{index}"), group);
    }
}

/// The first fields of `Replication`, which say what part the server has in it.
pub(super) fn part(report: &mut Report, ctx: &Ctx<'_>) {
    let World { stage, .. } = &*ctx.world;
    let nodes = stage.as_deref().map(|stage| &stage.nodes);
    let Some((nodes, node)) = nodes.zip(ctx.world.node_of(ctx.slot)) else {
        report.field("role", "master");
        report.zeros(&["connected_slaves"]);
        return;
    };
    let replicas = nodes.replicas_of(node.key).filter(|replica| replica.is_up());
    if node.primary.is_some() {
        let primary = nodes.primary_of(node);
        report.field("role", "slave");
        report.field("master_host", &nodes.host);
        report.field("master_port", primary.port);
        report.field("master_link_status", if primary.is_up() { "up" } else { "down" });
        report.field("master_last_io_seconds_ago", if primary.is_up() { 0 } else { -1 });
        report.zeros(&["master_sync_in_progress", "slave_read_repl_offset", "slave_repl_offset"]);
        if let Some(since) = primary.down_since {
            let silent = (ctx.now().wall / 1000).saturating_sub(since) / 1000;
            report.field("master_link_down_since_seconds", silent);
        }
        report.field("slave_priority", 100);
        report.field("slave_read_only", 1);
        report.field("replica_announced", 1);
    } else {
        report.field("role", "master");
    }
    report.field("connected_slaves", replicas.clone().count());
    for (index, replica) in replicas.enumerate() {
        let (host, port) = (&nodes.host, replica.port);
        let told = format_args!("ip={host},port={port},state=online,offset=0,lag=0,type=replica");
        report.field(&format!("slave{index}"), told);
    }
}

/// The one database of a cluster, as the client's node has it.
pub(super) fn keyspace(report: &mut Report, ctx: &Ctx<'_>) {
    let (keys, expiring) = ctx.world.count_of_node(ctx.slot);
    if keys > 0 {
        let told =
            format_args!("keys={keys},expires={expiring},avg_ttl=0,keys_with_volatile_items=0");
        report.field("db0", told);
    }
}

/// What identifies the server: its port, and an id of the run.
pub(super) fn port_and_run<'c>(ctx: &'c Ctx<'_>) -> (u16, &'c str) {
    let process = &ctx.world.process;
    let node = ctx.world.node_of(ctx.slot).map(|node| (node.port, &*node.id));
    let sentinel = ctx.world.sentinel_of(ctx.slot).map(|one| (one.port, &*one.id));
    node.or(sentinel).unwrap_or_else(|| (process.tcp_port(), &process.run_id))
}
