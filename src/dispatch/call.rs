//! The call of a handler, and what its command has to do with everything else.
//!
//! A handler leaves one reply: its own, or an error and nothing else. A handler that panics or leaves its
//! client out of step costs that client an error, and no other client anything.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ctx::Ctx;
use super::deferred;
use super::frame::Frame;
use super::invocation::Invocation;
use super::keys;
use super::spec::flag;
use super::table::Row;
use super::telemetry::{self, Cost};
use crate::error::{self, Error};
use crate::listeners::{WaitCondition, Wake};
use crate::session::{Departure, Doom};
use crate::telemetry::peer_log::Cause;
use crate::wire::{Args, Mark, frames};

/// What a handler has left beside its reply.
pub(super) struct Called {
    /// How many replies it has written.
    pub(crate) replies: usize,
    /// Whether the reply is an error.
    pub(crate) has_failed: bool,
    /// What the command waits for, if it does: the reply is the one for when its time is up.
    pub(crate) until: Option<Box<WaitCondition>>,
}

impl Invocation<'_> {
    /// Runs the handler of `row`.
    #[inline]
    pub(super) fn call(&mut self, row: &Row) -> Called {
        let args = self.args;
        let mut ctx = self.ctx(row);
        let has_failed = run(&mut ctx, args);
        Called { replies: ctx.replies, has_failed, until: ctx.until }
    }

    /// Says the command's effect, delivers its keyspace changes, frees some of what it has discarded if that is too much, and
    /// notes the keys that it has read for a client that tracks them.
    #[inline]
    pub(super) fn follow_up(&mut self, row: &Row) {
        if self.world.store.shared.effects.are_heard() {
            self.say_effect();
        }
        if self.world.has_changes() {
            self.world.deliver_changes(Some(self.slot));
        }
        self.world.store.keep_pace();
        if row.has(flag::READ) && self.world.remembers_reads(self.slot) {
            self.remember_reads(row);
        }
    }

    /// Adds the effect of the command, if it has one, to those that are collected.
    #[cold]
    fn say_effect(&mut self) {
        self.world.store.say_command(self.world.clients[self.slot].db, self.args.from(0));
    }

    #[inline(never)]
    fn remember_reads(&mut self, row: &Row) {
        for key in keys::of(&row.spec, self.args).unwrap_or_default() {
            self.world.remember(self.slot, &self.args[key.index]);
        }
    }
}

/// Runs the handler, times it and counts it. A panic is an error reply, and closes this one client. Returns
/// whether the reply is an error.
fn run(ctx: &mut Ctx<'_>, args: Args<'_>) -> bool {
    let (row, slot, start) = (ctx.row, ctx.slot, ctx.reply.mark());
    ctx.timer.start(row.id, &mut ctx.world.stats);
    ctx.world.store.shared.eviction.is_blind = ctx.world.clients[slot].no_touch;
    let outcome =
        catch_unwind(AssertUnwindSafe(|| (row.spec.handler)(ctx, args))).unwrap_or_else(|_| {
            let (client, now) = (ctx.world.clients[slot].id, ctx.world.now.mono);
            let line = format_args!("a panic in {} closes client {client}", row.full_name);
            ctx.world.peer_log.log(Cause::Panic, now, line);
            ctx.world.clients.doom(slot, Doom::AfterReply, Departure::Panic);
            if !matches!(ctx.frame, Frame::Script(_)) {
                ctx.world.abandon_script(slot);
            }
            Err(error::INTERNAL)
        });
    let outcome = complete(ctx, start, outcome);
    let Ctx { world, reply, timer, .. } = ctx;
    if let Err(error) = &outcome {
        reply.replace(start, error);
        ctx.replies = 1;
        world.stats.count_error(error);
        // What has failed waits for nothing: only its reply may be put off.
        ctx.until.take_if(|until| until.wake != Wake::ReplyDue);
    }
    if row.has(flag::SUBSCRIBER | flag::ADMIN) {
        // The command may have changed the client's output buffer limit.
        world.limit_reply(reply, slot);
    }
    let is_deferred = ctx.until.as_ref().is_some_and(|until| until.is_deferred());
    if ctx.until.is_some() && !is_deferred {
        timer.cancel();
    }
    let (request, replied) = (args.wire_len_bound(), reply.written_since(start));
    // A quick command that stays below every threshold is not timed: of a pipelined GET 85 of 1,814 instructions.
    let is_light = row.has(flag::FAST | flag::SHORT) && request + replied <= world.thresholds.light;
    let nanos = if is_light { 0 } else { timer.stop(&mut world.stats) };
    if ctx.until.is_some() {
        // That a reply is waited for is no part of the time that the command took. It is counted when it has its reply.
        if is_deferred && !is_light && world.thresholds.are_reached(nanos, request, 0) {
            telemetry::log_if_slow(world, row, slot, args, Cost { nanos, reply: 0 });
        }
        return outcome.is_err();
    }
    world.count_call(slot, row.id, outcome.is_err());
    if !is_light && world.thresholds.are_reached(nanos, request, replied) {
        telemetry::log_if_slow(world, row, slot, args, Cost { nanos, reply: replied });
    }
    outcome.is_err()
}

/// The outcome of the handler, by its reply: one that was cut short at the output limit is an error, and so is
/// one that is not the one reply owed, after which the client would be out of step for ever.
fn complete(ctx: &mut Ctx<'_>, start: Mark, outcome: Result<(), Error>) -> Result<(), Error> {
    if ctx.reply.is_full() {
        if ctx.frame == Frame::Call {
            return Err(error::REPLY_TOO_LARGE);
        }
        return ctx.world.reply_is_full(ctx.reply, ctx.slot).map_or(outcome, Err);
    }
    outcome?;
    if ctx.until.as_ref().is_some_and(|until| until.is_deferred()) {
        return deferred::owes_reply(ctx, start);
    }
    if !has_one_reply(ctx, start) && ctx.client().doom != Doom::Now {
        log::error!("{} does not reply once: its client is told an error", ctx.row.full_name);
        return Err(error::INTERNAL);
    }
    Ok(())
}

/// Returns whether the handler has written the reply that it owes. The replies of an embedder's handler are
/// counted, and in debug builds those of all. respd's own handlers have been tested: whether there is a
/// reply at all costs one comparison.
fn has_one_reply(ctx: &Ctx<'_>, start: Mark) -> bool {
    let has_many = ctx.row.has(flag::MANY_REPLIES);
    // In a transaction a test may have had any bytes replied.
    let is_staged = || ctx.row.has(flag::RUNS_QUEUE) && ctx.world.stage.is_some();
    if (cfg!(debug_assertions) || ctx.row.has(flag::COUNTED)) && !is_staged() {
        let written = ctx.reply.since(start);
        return match has_many {
            false => frames::are_one(&written) && !written.starts_with(b">"),
            true => frames::count(&written) == Some(ctx.replies),
        };
    }
    has_many || ctx.reply.written_since(start) > 0
}
