//! The gates that a request passes, in order, and the run behind them.
//!
//! A check that belongs to every command belongs here, and asks the row for a flag. Whatever happens,
//! one request leaves one reply (or what CLIENT REPLY wants of it), and an error leaves nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ctx::Ctx;
use super::keys;
use super::permission;
use super::spec::{Flags, flag};
use super::table::{Found, Row, Table};
use super::telemetry::{self, Cost};
use crate::error::{self, Error};
use crate::listeners::BlockedCommand;
use crate::listeners::transaction::{Queued, Transaction};
use crate::session::{Client, Doom, ReplyMode, Slot};
use crate::telemetry::latency::event;
use crate::telemetry::peer_log::Cause;
use crate::telemetry::{Timer, wire_log};
use crate::wire::{Args, Mark, Reply, frames};
use crate::world::World;

/// So many times in a turn a blocked command may run again and still wait. More is a command that wakes itself.
const MOST_REPEATS: usize = 1000;

/// Runs one request of a client and writes its reply, unless the client has to wait for that, or the
/// request for the end of a pause.
pub fn call(
    world: &mut World,
    table: &Table,
    reply: &mut Reply,
    timer: &mut Timer,
    slot: Slot,
    args: Args<'_>,
) {
    let admitted = admit(world, table, reply, timer, slot, args);
    // The gates may have written pushes about evicted keys. They are no part of the reply.
    let start = reply.mark();
    let mut keeps_caching = false;
    match admitted {
        Ok(row)
            if world.holds_back(slot, || {
                needs(world, slot, row, flag::WRITE | flag::MAY_REPLICATE)
            }) =>
        {
            world.hold_back(slot, args);
        }
        Ok(row) if is_queued(&world.clients[slot], row) => {
            queue(world, reply, row, slot, args);
            end_reply(world, reply, start, slot);
        }
        Ok(row) => {
            let mut ctx = Ctx::new(world, reply, table, timer, row, slot);
            let has_failed = run(&mut ctx, args);
            let until = ctx.until.take();
            follow_up(world, row, slot, args);
            telemetry::feed_monitors(world, row, slot, args);
            keeps_caching = row.has(flag::KEEPS_CACHING);
            let is_silent = end_reply(world, reply, start, slot);
            if let Some(until) = until {
                let answer = reply.since(start).to_vec();
                reply.rewind(start);
                let (command, args, db) = (row.id, args.to_owned(), world.clients[slot].db);
                let wait =
                    BlockedCommand { command, args, db, until, answer, has_failed, is_silent };
                world.start_waiting(slot, wait);
            }
        }
        Err(refused) => {
            refuse(world, reply, slot, &refused);
            end_reply(world, reply, start, slot);
        }
    }
    if world.tracking.is_on() {
        world.end_tracked_command(slot, keeps_caching);
    }
    reply.append(&mut world.clients[slot].outbox.late);
    if world.waiters.has_ready() {
        serve(world, table, timer);
        // What serving others caused follows the reply as well, before any other reply.
        reply.append(&mut world.clients[slot].outbox.late);
    }
}

/// Whether the command is to be queued instead of run.
fn is_queued(client: &Client, row: &Row) -> bool {
    !row.has(flag::UNQUEUED) && client.transaction().is_some()
}

/// Queues the command of a transaction.
#[inline(never)]
fn queue(world: &mut World, reply: &mut Reply, row: &Row, slot: Slot, args: Args<'_>) {
    let selected = permission::selected(world, row, args);
    let queue = world.clients[slot].transaction_mut();
    queue.into_iter().for_each(|queue| queue.push(row.id, row.flags, args, selected));
    reply.status("QUEUED");
}

/// Says why the request was not let on. A transaction that it belongs to will not run.
#[cold]
fn refuse(world: &mut World, reply: &mut Reply, slot: Slot, refused: &Error) {
    reply.error(refused);
    world.stats.count_error(refused);
    if let Some(transaction) = world.clients[slot].transaction_mut() {
        transaction.give_up();
    }
}

/// The reply is complete. Takes it back if CLIENT REPLY does not want it, and returns whether it did.
fn end_reply(world: &mut World, reply: &mut Reply, start: Mark, slot: Slot) -> bool {
    if reply.is_full()
        && let Some(error) = world.reply_is_full(reply, slot)
    {
        reply.replace(start, &error);
    }
    let client = &mut world.clients[slot];
    let is_silent = client.reply_mode != ReplyMode::On;
    if is_silent {
        reply.rewind(start);
        client.reply_mode = client.reply_mode.after_request();
    }
    is_silent
}

/// Lets the request on, or says why not.
fn admit<'t>(
    world: &mut World,
    table: &'t Table,
    reply: &mut Reply,
    timer: &mut Timer,
    slot: Slot,
    args: Args<'_>,
) -> Result<&'t Row, Error> {
    let found = table.find(args);
    world.clients[slot].last_command = match found {
        Found::Row(row) => Some(row.id),
        Found::NoCommand | Found::NoSubcommand(_) => None,
    };
    match found {
        Found::Row(row) if row.spec.accepts(args.len()) && is_free(world, slot) => Ok(row),
        found => pass_gates(world, table, reply, timer, slot, args, found),
    }
}

/// Whether all gates are open to the client, whatever command it asks for. That is seen at a glance, and so
/// nearly always: it has logged in as a user who may do everything, is in no transaction and listens to
/// nothing, memory has no limit, no command is kept for another port, and the server is ready.
#[inline]
fn is_free(world: &World, slot: Slot) -> bool {
    let client = &world.clients[slot];
    client.is_authenticated()
        && client.session.is_none()
        && world.access.user(client.user).is_unrestricted()
        && world.config.maxmemory == 0
        && !world.config.admin_commands_on_admin_port
        && world.is_ready()
}

/// The gates. Each either lets the request on or says why not.
#[inline(never)]
fn pass_gates<'t>(
    world: &mut World,
    table: &'t Table,
    reply: &mut Reply,
    timer: &mut Timer,
    slot: Slot,
    args: Args<'_>,
    found: Found<'t>,
) -> Result<&'t Row, Error> {
    // Authenticated, or a command that works without.
    if world.is_unauthenticated(slot) && !matches!(found, Found::Row(row) if row.has(flag::NO_AUTH))
    {
        return Err(turn_away(world, slot, &found, args));
    }

    // Exists, and has as many arguments as it takes.
    let row = match found {
        Found::Row(row) if row.spec.accepts(args.len()) => row,
        _ => return Err(misspelt(world, slot, &found, args)),
    };

    // May be queued, if there is a transaction.
    if row.has(flag::NO_MULTI) && world.clients[slot].transaction().is_some() {
        return Err(rejected(world, slot, &found, error::not_in_transaction(&row.full_name)));
    }

    // Granted by the rules of its user.
    let client = &world.clients[slot];
    if let Err(denied) = permission::check(world, client.user, client.next_db(), row, args) {
        let mut ctx = Ctx::new(world, reply, table, timer, row, slot);
        permission::log(&mut ctx, args, denied);
        let error = permission::refusal(&ctx, denied);
        return Err(rejected(world, slot, &found, error));
    }

    // Meant for the port that it came through.
    if row.has(flag::FOR_OPERATORS) && !world.serves_operators(slot) {
        let error = error::on_admin_port_only(&row.full_name, world.config.admin_port);
        return Err(rejected(world, slot, &found, error));
    }

    // Allowed among messages of RESP2, if there may be any.
    if !row.has(flag::SUBSCRIBER) && world.clients[slot].is_resp2_subscriber() {
        return Err(rejected(world, slot, &found, error::not_while_subscribed(&row.full_name)));
    }

    // Memory is there, or keys go that make room, or the command needs none. That keys were evicted is
    // pushed before the reply, for it happened before the command.
    if world.config.maxmemory > 0 {
        let has_room = make_room(world, timer);
        reply.append(&mut world.clients[slot].outbox.late);
        if !has_room && needs(world, slot, row, flag::DENYOOM) {
            return Err(rejected(world, slot, &found, error::OOM));
        }
    }

    // The server is ready, or the command needs nothing that is not there yet.
    if !world.is_ready() && needs(world, slot, row, flag::NEEDS_READY) {
        let not_ready = world.config.persona.not_ready();
        return Err(rejected(world, slot, &found, not_ready));
    }

    // Who is shown all commands has no business with keys.
    if !world.monitors.is_empty()
        && row.has(flag::READ | flag::WRITE | flag::MAY_REPLICATE)
        && world.clients[slot].is_monitor()
    {
        return Err(rejected(world, slot, &found, error::MONITOR_WITHOUT_KEYS));
    }
    Ok(row)
}

/// Evicts keys if need be. That takes time, which is not the command's.
fn make_room(world: &mut World, timer: &Timer) -> bool {
    if world.config.latency_monitor_threshold == 0 || !world.is_full() {
        return world.make_room();
    }
    let (has_room, nanos) = timer.measure(|| world.make_room());
    telemetry::record_latency_event(world, event::EVICTION_CYCLE, nanos);
    has_room
}

/// Whether the command has one of the flags, or is EXEC and a command that it will run has it.
fn needs(world: &World, slot: Slot, row: &Row, flags: Flags) -> bool {
    let queued = world.clients[slot].transaction().map_or(0, |transaction| transaction.flags);
    row.has(flags) || row.has(flag::RUNS_QUEUE) && queued & flags != 0
}

/// What a request is told that names no command, or has not the arguments for it.
#[cold]
fn misspelt(world: &mut World, slot: Slot, found: &Found<'_>, args: Args<'_>) -> Error {
    let persona = world.config.persona;
    match found {
        Found::NoCommand => {
            world.stats.unknown_commands += 1;
            persona.unknown_command(&args[0], args.from(1))
        }
        Found::NoSubcommand(container) => persona.unknown_subcommand(container.spec.name, &args[1]),
        Found::Row(row) => {
            let wrong_arity = persona.wrong_arity(&row.full_name, args.get(1));
            rejected(world, slot, found, wrong_arity)
        }
    }
}

/// What a stranger is told: to log in, or that the request could not run anyway. By itself respd does
/// not tell strangers which commands exist.
#[cold]
fn turn_away(world: &mut World, slot: Slot, found: &Found<'_>, args: Args<'_>) -> Error {
    let persona = world.config.persona;
    let is_misspelt = match found {
        _ if persona.hides_commands() => false,
        Found::NoCommand => true,
        Found::NoSubcommand(_) => persona.names_subcommands(),
        Found::Row(row) => {
            let is_checked = row.container.is_none() || persona.names_subcommands();
            is_checked && !row.spec.accepts(args.len())
        }
    };
    if is_misspelt {
        misspelt(world, slot, found, args)
    } else {
        rejected(world, slot, found, error::NOAUTH)
    }
}

/// Counts a refusal for the command it was refused to, and hands the error on. A transaction ends when its
/// EXEC is refused.
#[cold]
fn rejected(world: &mut World, slot: Slot, found: &Found<'_>, error: Error) -> Error {
    let Found::Row(row) = found else {
        return error;
    };
    world.stats.command(row.id).rejected += 1;
    if !row.has(flag::RUNS_QUEUE) {
        return error;
    }
    world.end_transaction(slot);
    world.unwatch(slot);
    error::exec_refused(&error)
}

/// Runs the handler, which leaves one reply: its own, or an error and nothing else. A panic in it is an
/// error to this client, which is closed, and to nobody else. Returns whether there was an error.
fn run(ctx: &mut Ctx<'_>, args: Args<'_>) -> bool {
    let (row, slot, start) = (ctx.row, ctx.slot, ctx.reply.mark());
    ctx.timer.start(row.id, &mut ctx.world.stats);
    ctx.world.store.shared.eviction.is_blind = ctx.world.clients[slot].no_touch;
    let outcome =
        catch_unwind(AssertUnwindSafe(|| (row.spec.handler)(ctx, args))).unwrap_or_else(|_| {
            let (client, now) = (ctx.world.clients[slot].id, ctx.world.now.mono);
            let line = format_args!("a panic in {} closes client {client}", row.full_name);
            ctx.world.peer_log.log(Cause::Panic, now, line);
            ctx.world.clients.doom(slot, Doom::AfterReply);
            Err(error::INTERNAL)
        });
    let outcome = complete(ctx, start, outcome);
    let Ctx { world, reply, timer, .. } = ctx;
    if let Err(error) = &outcome {
        reply.replace(start, error);
        ctx.replies = 1;
        world.stats.count_error(error);
    }
    if row.has(flag::SUBSCRIBER | flag::ADMIN) {
        // It may have changed what the client may leave unread.
        world.limit_reply(reply, slot);
    }
    if ctx.until.is_some() {
        timer.cancel();
    }
    let (request, replied) = (args.wire_len_bound(), reply.since(start).len());
    let is_light = row.has(flag::FAST | flag::SHORT) && request + replied <= world.thresholds.light;
    let nanos = if is_light { 0 } else { timer.stop(&mut world.stats) };
    if ctx.until.is_some() {
        return outcome.is_err();
    }
    world.count_call(slot, row.id, outcome.is_err());
    if !is_light && world.thresholds.are_reached(nanos, request, replied) {
        telemetry::log_if_slow(world, row, slot, args, Cost { nanos, reply: replied });
    }
    outcome.is_err()
}

/// What the handler came to, now that its reply has been looked at: it was cut short at the output limit, or it
/// is not the one reply that is owed, after which the client would be out of step for ever.
fn complete(ctx: &mut Ctx<'_>, start: Mark, outcome: Result<(), Error>) -> Result<(), Error> {
    if ctx.reply.is_full() {
        return ctx.world.reply_is_full(ctx.reply, ctx.slot).map_or(outcome, Err);
    }
    outcome?;
    if !has_one_reply(ctx, start) && ctx.client().doom != Doom::Now {
        log::error!("{} does not reply once: its client is told an error", ctx.row.full_name);
        return Err(error::INTERNAL);
    }
    Ok(())
}

/// Whether the handler has written what it owes. What an embedder's has written is counted, and in debug
/// builds what any has. A handler of respd's own has been tested: only whether there is a reply at all
/// is seen then, which costs one comparison.
fn has_one_reply(ctx: &Ctx<'_>, start: Mark) -> bool {
    let has_many = ctx.row.has(flag::MANY_REPLIES);
    let written = ctx.reply.since(start);
    if cfg!(debug_assertions) || ctx.row.has(flag::COUNTED) {
        let owed = if has_many { ctx.replies } else { 1 };
        return frames::count(written) == Some(owed) && (has_many || !written.starts_with(b">"));
    }
    has_many || !written.is_empty()
}

/// Runs the commands that were queued. The reply is an array of what they reply.
pub fn run_queue(ctx: &mut Ctx<'_>, transaction: &Transaction) {
    let queue = &transaction.queue;
    if transaction.flags & flag::MANY_REPLIES == 0 {
        ctx.reply.array(queue.len());
        for queued in queue {
            run_queued(ctx, queued);
        }
        return;
    }
    let Ctx { world, reply, table, timer, row, slot, .. } = ctx;
    let (table, row, slot) = (*table, *row, *slot);
    reply.array_of(|reply| {
        let mut ctx = Ctx::new(world, reply, table, timer, row, slot);
        queue.iter().map(|queued| run_queued(&mut ctx, queued)).sum()
    });
}

/// Runs a command that was queued, and returns how many elements it has added to the reply to EXEC.
fn run_queued(ctx: &mut Ctx<'_>, queued: &Queued) -> usize {
    let row = ctx.table.row(queued.command);
    let Ctx { world, reply, table, timer, slot, .. } = ctx;
    let (table, slot) = (*table, *slot);
    let args = queued.args.args();
    let mut ctx = Ctx { is_atomic: true, ..Ctx::new(world, reply, table, timer, row, slot) };
    if let Err(denied) = permission::check_again(&mut ctx, args) {
        let why = error::no_longer_permitted(denied.reason.is_lacking());
        let here = ctx.reply.mark();
        ctx.reply.replace(here, &why);
        ctx.world.stats.count_error(&why);
        return 1;
    }
    run(&mut ctx, args);
    follow_up(ctx.world, row, slot, args);
    telemetry::feed_monitors(ctx.world, row, slot, args);
    ctx.replies
}

/// A command has run: who wants to know hears what it did, what it has put aside is freed if that is too much,
/// and which keys it read is remembered.
#[inline]
fn follow_up(world: &mut World, row: &Row, slot: Slot, args: Args<'_>) {
    if world.has_changes() {
        world.deliver_changes(Some(slot));
    }
    world.store.keep_pace();
    if row.has(flag::READ) && world.remembers_reads(slot) {
        remember(world, row, slot, args);
    }
}

#[inline(never)]
fn remember(world: &mut World, row: &Row, slot: Slot, args: Args<'_>) {
    for key in keys::of(&row.spec, args).unwrap_or_default() {
        world.remember(slot, &args[key.index]);
    }
}

/// Runs the blocked commands again whose condition is met: of each key and event those of its line, in the order
/// in which the clients came. What they do may serve others in turn. When commands run again and again and
/// still wait, the rest is left to the next turn.
fn serve(world: &mut World, table: &Table, timer: &mut Timer) {
    let mut repeats = MOST_REPEATS;
    while world.pause.is_none()
        && let Some(mut ready) = world.waiters.take_ready()
    {
        while let Some(slot) = world.next_woken(&mut ready) {
            repeats -= usize::from(!run_again(world, table, timer, slot));
            if repeats == 0 {
                return world.waiters.put_back(ready);
            }
        }
    }
}

/// Runs the command of a blocked client, which has to pass the gates once more. Returns whether the wait is
/// over.
fn run_again(world: &mut World, table: &Table, timer: &mut Timer, slot: Slot) -> bool {
    world.broadcast_changes();
    let client = &mut world.clients[slot];
    let Some(wait) = client.session.as_mut().and_then(|session| session.wait.take()) else {
        return true;
    };
    let mut reply = world.take_outbox(slot);
    let before = reply.mark();
    let found = Found::Row(table.row(wait.command));
    let gates = pass_gates(world, table, &mut reply, timer, slot, wait.args.args(), found);
    let start = reply.mark();
    let until = match gates {
        Ok(row) => {
            let mut ctx = Ctx::new(world, &mut reply, table, timer, row, slot);
            run(&mut ctx, wait.args.args());
            let until = ctx.until.take();
            follow_up(world, row, slot, wait.args.args());
            until
        }
        Err(refused) => {
            refuse(world, &mut reply, slot, &refused);
            None
        }
    };
    if reply.is_full()
        && let Some(error) = world.reply_is_full(&reply, slot)
    {
        reply.replace(start, &error);
    }
    let is_over = until.is_none();
    if !is_over || wait.is_silent {
        reply.rewind(start);
    }
    let client = &mut world.clients[slot];
    client.session_mut().wait = Some(wait);
    reply.append(&mut client.outbox.late);
    if wire_log::is_on() {
        wire_log::outgoing(client.id, reply.since(before), wire_log::Shows::All);
    }
    world.put_back_outbox(slot, reply);
    match until {
        None => drop(world.stop_waiting(slot)),
        Some(until) => world.wait_on(slot, until),
    }
    world.clients.account(slot);
    is_over
}

/// What has happened apart from commands reaches everybody who wants to know.
pub fn settle(world: &mut World, table: &Table, timer: &mut Timer) {
    world.time_out();
    if world.has_changes() {
        world.deliver_changes(None);
    }
    if world.waiters.has_ready() {
        serve(world, table, timer);
    }
    world.broadcast_changes();
}
