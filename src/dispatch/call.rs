//! The gates that a request passes, in order, and the run behind them.
//!
//! A check that belongs to every command belongs here, and asks the row for a flag. Whatever happens,
//! one request leaves one reply (or what CLIENT REPLY wants of it), and an error leaves nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ctx::Ctx;
use super::spec::flag;
use super::table::{Found, Row, Table};
use crate::error::{self, Error};
use crate::resp::{Args, Reply};
use crate::world::{Doom, ReplyMode, Slot, Stopwatch, World};

/// Runs one request of a client and writes its reply.
pub fn call(
    world: &mut World,
    table: &Table,
    reply: &mut Reply,
    watch: &mut Stopwatch,
    slot: Slot,
    args: Args<'_>,
) {
    let start = reply.mark();
    reply.begin();
    let outcome = match admit(world, table, slot, args) {
        Ok(row) => run(world, table, reply, watch, slot, row, args),
        Err(refused) => Err(refused),
    };
    if let Err(error) = outcome {
        reply.rewind(start);
        reply.error(&error);
        world.stats.count_error(&error);
    }
    let client = &mut world.clients[slot];
    if client.reply_mode != ReplyMode::On {
        reply.rewind(start);
        client.reply_mode = client.reply_mode.after_request();
    }
    reply.release();
}

/// The gates. Each either lets the request on or says why not.
fn admit<'t>(
    world: &mut World,
    table: &'t Table,
    slot: Slot,
    args: Args<'_>,
) -> Result<&'t Row, Error> {
    let found = table.find(args);
    world.clients[slot].last_command = match found {
        Found::Row(row) => Some(row.id),
        Found::NoCommand | Found::NoSubcommand(_) => None,
    };

    // Authenticated, or a command that works without. Strangers do not learn which commands exist.
    if !world.clients[slot].authenticated
        && world.access.is_login_required()
        && !matches!(found, Found::Row(row) if row.has(flag::NO_AUTH))
    {
        return Err(rejected(world, &found, error::NOAUTH));
    }

    // Exists.
    let row = match found {
        Found::Row(row) => row,
        Found::NoCommand => {
            world.stats.unknown_commands += 1;
            return Err(error::unknown_command(&args[0], args.from(1)));
        }
        Found::NoSubcommand(container) => {
            return Err(error::unknown_subcommand(container.spec.name, &args[1]));
        }
    };

    // Arity.
    if !row.spec.accepts(args.len()) {
        return Err(rejected(world, &found, error::wrong_arity(&row.full_name)));
    }

    // Memory is there, or keys go that make room, or the command needs none.
    if world.config.maxmemory > 0 && !world.make_room() && row.has(flag::DENYOOM) {
        return Err(rejected(world, &found, error::OOM));
    }
    Ok(row)
}

/// Counts a refusal for the command it was refused to, and hands the error on.
#[cold]
fn rejected(world: &mut World, found: &Found<'_>, error: Error) -> Error {
    if let Found::Row(row) = found {
        world.stats.command(row.id).rejected += 1;
    }
    error
}

/// Runs the handler. A panic in it is an error to this client, which is closed, and to nobody else.
fn run(
    world: &mut World,
    table: &Table,
    reply: &mut Reply,
    watch: &mut Stopwatch,
    slot: Slot,
    row: &Row,
    args: Args<'_>,
) -> Result<(), Error> {
    watch.start(row.id, &mut world.stats);
    world.store.shared.eviction.is_blind = world.clients[slot].no_touch;
    let mut ctx = Ctx { world, reply, table, row, slot };
    let outcome = catch_unwind(AssertUnwindSafe(|| (row.spec.handler)(&mut ctx, args)))
        .unwrap_or_else(|_| {
            log::error!("a panic in {} closes client {}", row.full_name, world.clients[slot].id);
            world.clients.doom(slot, Doom::AfterReply);
            Err(error::INTERNAL)
        });
    if !row.has(flag::FAST) {
        watch.stop(&mut world.stats);
    }
    #[cfg(debug_assertions)]
    if outcome.is_ok() && !row.has(flag::MANY_REPLIES) {
        assert_eq!(reply.owed(), Some(1), "{} owes one reply", row.full_name);
    }
    world.stats.commands_processed += 1;
    world.clients[slot].commands += 1;
    let stats = world.stats.command(row.id);
    stats.calls += 1;
    stats.failed += u64::from(outcome.is_err());
    outcome
}
