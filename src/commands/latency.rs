//! LATENCY: what took long, and how long commands take.
//!
//! Words and pictures for people are made in `report`.

mod report;

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::dispatch::table::Row;
use crate::error::{self, Error};
use crate::telemetry::latency::Histogram;
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] = &[Spec::container("latency", LATENCY).doc(
    "2.8.13",
    "Depends on the subcommand.",
    "",
    "Commands about how long things take.",
)];

const LATENCY: &[Spec] = &[
    Spec::new("doctor", 2, ADMIN | NOSCRIPT | LOADING | STALE, latency_doctor)
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .doc("2.8.13", "O(1)", "", "Reports in words on what was slow."),
    Spec::new("graph", 3, ADMIN | NOSCRIPT | LOADING | STALE, latency_graph)
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .doc("2.8.13", "O(1)", "event", "Draws the latencies of an event."),
    Spec::new("help", 2, LOADING | STALE, help).doc("2.8.13", "O(1)", "", "Lists the subcommands."),
    Spec::new("histogram", -2, ADMIN | NOSCRIPT | LOADING | STALE, latency_histogram)
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .doc(
            "7.0.0",
            "O(N), N being the number of commands that have been measured",
            "[command...]",
            "Returns how the latencies of commands are distributed.",
        ),
    Spec::new("history", 3, ADMIN | NOSCRIPT | LOADING | STALE, latency_history)
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .doc("2.8.13", "O(1)", "event", "Returns the latencies of an event over time."),
    Spec::new("latest", 2, ADMIN | NOSCRIPT | LOADING | STALE, latency_latest)
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .doc("2.8.13", "O(1)", "", "Returns the latest latency of each event."),
    Spec::new("reset", -2, ADMIN | NOSCRIPT | LOADING | STALE, latency_reset)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
        .doc("2.8.13", "O(1)", "[event...]", "Forgets the latencies of events."),
];

/// LATENCY DOCTOR
fn latency_doctor(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let world = &*ctx.world;
    let text = report::doctor(&world.events, world.config.latency_monitor_threshold);
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// LATENCY GRAPH event
fn latency_graph(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().seconds();
    let event = ctx.world.events.get(&args[2]).ok_or_else(|| error::no_samples(&args[2]))?;
    let text = report::graph(&args[2], event, now);
    ctx.reply.verbatim(b"txt", &text);
    Ok(())
}

/// LATENCY HISTOGRAM [command...]
///
/// A container stands for its subcommands. What is no command, or has not been called, is left out.
fn latency_histogram(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let table = ctx.table;
    let mut rows: Vec<&Row> = Vec::new();
    if args.len() == 2 {
        rows.extend(table.rows());
    }
    for row in args.from(2).filter_map(|name| table.named(name)) {
        rows.push(row);
        rows.extend(row.subcommands.iter().map(|&id| table.row(id)));
    }
    let mut shown = std::collections::BTreeSet::new();
    rows.retain(|row| {
        ctx.world.stats.latencies[row.id.index()].calls() > 0 && shown.insert(row.id)
    });
    ctx.reply.map(rows.len());
    for row in rows {
        ctx.reply.bulk(row.full_name.as_bytes());
        push(ctx.reply, &ctx.world.stats.latencies[row.id.index()]);
    }
    Ok(())
}

fn push(reply: &mut Reply, histogram: &Histogram) {
    reply.map(2);
    reply.bulk(b"calls");
    reply.int(histogram.calls() as i64);
    reply.bulk(b"histogram_usec");
    reply.map_of(|reply| {
        let mut steps = 0;
        for (micros, calls) in histogram.steps() {
            reply.int(micros as i64);
            reply.int(calls as i64);
            steps += 1;
        }
        steps
    });
}

/// LATENCY HISTORY event
fn latency_history(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Some(event) = ctx.world.events.get(&args[2]) else {
        ctx.reply.array(0);
        return Ok(());
    };
    let samples = event.samples();
    ctx.reply.array(samples.len());
    for sample in samples {
        ctx.reply.array(2);
        ctx.reply.int(sample.at as i64);
        ctx.reply.int(sample.millis as i64);
    }
    Ok(())
}

/// LATENCY LATEST
fn latency_latest(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let events = ctx.world.events.iter();
    ctx.reply.array(events.len());
    for (name, event) in events {
        let last = event.last().unwrap_or_default();
        ctx.reply.array(6);
        ctx.reply.bulk(name.as_bytes());
        for number in [last.at, last.millis, event.longest, event.total, event.count] {
            ctx.reply.int(number as i64);
        }
    }
    Ok(())
}

/// LATENCY RESET [event...]
fn latency_reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let all = args.len() == 2;
    let is_chosen = |name: &str| all || args.from(2).any(|word| word == name.as_bytes());
    let forgotten = ctx.world.events.forget(is_chosen);
    ctx.reply.int(forgotten as i64);
    Ok(())
}
