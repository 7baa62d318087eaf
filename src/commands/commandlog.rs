//! SLOWLOG and COMMANDLOG: the logs of commands that took long, were long, or were answered at length.

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::telemetry::commandlog::{Cause, Entry, Log};
use crate::text::number;
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] = &[
    Spec::container("commandlog", COMMANDLOG).doc(
        "8.1.0",
        "Depends on the subcommand.",
        "",
        "Commands about the logs of slow and of large commands.",
    ),
    Spec::container("slowlog", SLOWLOG).doc(
        "2.2.12",
        "Depends on the subcommand.",
        "",
        "Commands about the log of slow commands.",
    ),
];

const COMMANDLOG: &[Spec] = &[
    Spec::new("get", 4, ADMIN | LOADING | STALE, commandlog_get)
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .doc(
            "8.1.0",
            "O(N), N being the number of entries returned",
            "count (type: SLOW | LARGE-REQUEST | LARGE-REPLY)",
            "Returns the newest entries of a log.",
        ),
    Spec::new("help", 2, LOADING | STALE, help).doc("8.1.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("len", 3, ADMIN | LOADING | STALE, commandlog_len)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"])
        .doc(
            "8.1.0",
            "O(1)",
            "(type: SLOW | LARGE-REQUEST | LARGE-REPLY)",
            "Counts the entries of a log.",
        ),
    Spec::new("reset", 3, ADMIN | LOADING | STALE, commandlog_reset)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "8.1.0",
            "O(N), N being the number of entries",
            "(type: SLOW | LARGE-REQUEST | LARGE-REPLY)",
            "Empties a log.",
        ),
];

const SLOWLOG: &[Spec] = &[
    Spec::new("get", -2, ADMIN | LOADING | STALE, slowlog_get)
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .doc(
            "2.2.12",
            "O(N), N being the number of entries returned",
            "[count]",
            "Returns the newest entries of the log.",
        )
        .history(&[("4.0.0", "Entries have the address and the name of the client.")]),
    Spec::new("help", 2, LOADING | STALE, help).doc("6.2.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("len", 2, ADMIN | LOADING | STALE, slowlog_len)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"])
        .doc("2.2.12", "O(1)", "", "Counts the entries of the log."),
    Spec::new("reset", 2, ADMIN | LOADING | STALE, slowlog_reset)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc("2.2.12", "O(N), N being the number of entries", "", "Empties the log."),
];

/// COMMANDLOG GET count SLOW | LARGE-REQUEST | LARGE-REPLY
fn commandlog_get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = count(&args[2])?;
    let cause = cause(&args[3])?;
    push(ctx.reply, ctx.world.commandlog.of(cause), count);
    Ok(())
}

/// COMMANDLOG LEN SLOW | LARGE-REQUEST | LARGE-REPLY
fn commandlog_len(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.world.commandlog.of(cause(&args[2])?).len();
    ctx.reply.int(len as i64);
    Ok(())
}

/// COMMANDLOG RESET SLOW | LARGE-REQUEST | LARGE-REPLY
fn commandlog_reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.world.commandlog.of(cause(&args[2])?).clear();
    ctx.reply.ok();
    Ok(())
}

/// SLOWLOG GET [count]
fn slowlog_get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = match args.len() {
        2 => 10,
        3 => count(&args[2])?,
        _ => return Err(error::subcommand_syntax("slowlog", &args[1])),
    };
    push(ctx.reply, ctx.world.commandlog.of(Cause::Slow), count);
    Ok(())
}

/// SLOWLOG LEN
fn slowlog_len(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.int(ctx.world.commandlog.of(Cause::Slow).len() as i64);
    Ok(())
}

/// SLOWLOG RESET
fn slowlog_reset(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.commandlog.of(Cause::Slow).clear();
    ctx.reply.ok();
    Ok(())
}

/// How many entries are wanted; -1: all.
fn count(word: &[u8]) -> Result<usize, Error> {
    match number::parse_i64(word) {
        Some(-1) => Ok(usize::MAX),
        Some(count) => usize::try_from(count).map_err(|_| error::LOG_COUNT),
        None => Err(error::LOG_COUNT),
    }
}

/// The log that is meant.
fn cause(word: &[u8]) -> Result<Cause, Error> {
    let is_meant = |(name, _): &&(&str, Cause)| word.eq_ignore_ascii_case(name.as_bytes());
    Cause::NAMES.iter().find(is_meant).map(|&(_, cause)| cause).ok_or(error::LOG_TYPE)
}

fn push(reply: &mut Reply, log: &Log, count: usize) {
    let entries = log.newest(count);
    reply.array(entries.len());
    for Entry { id, at, amount, args, addr, name } in entries {
        reply.array(6);
        reply.int(*id as i64);
        reply.int(*at as i64);
        reply.int(*amount as i64);
        reply.array(args.args().len());
        args.args().from(0).for_each(|arg| reply.bulk(arg));
        reply.bulk(addr.as_bytes());
        reply.bulk(name);
    }
}
