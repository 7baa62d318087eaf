//! Transactions: DISCARD EXEC MULTI UNWATCH WATCH.
//!
//! After MULTI a gate queues a client's commands ([`crate::dispatch::invoke`]), and EXEC invokes them, each in
//! a frame inside its own.

use crate::dispatch::spec::category::TRANSACTION;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, range};
use crate::dispatch::{Ctx, Invocation};
use crate::error::{self, Error};
use crate::listeners::Transaction;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new(
        "discard",
        1,
        NO_CALL | UNQUEUED | NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
        discard,
    )
    .acl(TRANSACTION)
    .doc(
        "2.0.0",
        "O(N), N being the number of commands queued",
        "",
        "Gives up the transaction.",
    ),
    Spec::new(
        "exec",
        1,
        NO_CALL | UNQUEUED | RUNS_QUEUE | NOSCRIPT | LOADING | STALE | SKIP_COMMANDLOG,
        exec,
    )
    .acl(TRANSACTION)
    .doc(
        "1.2.0",
        "Depends on the commands queued",
        "",
        "Runs the commands of the transaction.",
    ),
    Spec::new(
        "multi",
        1,
        NO_CALL | UNQUEUED | NOSCRIPT | LOADING | STALE | FAST | NO_MULTI | ALLOW_BUSY,
        multi,
    )
    .acl(TRANSACTION)
    .doc("1.2.0", "O(1)", "", "Begins a transaction: commands queue up until EXEC."),
    Spec::new("unwatch", 1, NO_CALL | NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY, unwatch)
        .acl(TRANSACTION)
        .doc("2.2.0", "O(1)", "", "Forgets all keys that are watched."),
    Spec::new(
        "watch",
        -2,
        NO_CALL | UNQUEUED | NOSCRIPT | LOADING | STALE | FAST | NO_MULTI | ALLOW_BUSY,
        watch,
    )
    .acl(TRANSACTION)
    .key(RO, range(1, -1, 1))
    .doc(
        "2.2.0",
        "O(1) for each key",
        "key...",
        "Lets the next EXEC run only if these keys have not changed.",
    ),
];

/// DISCARD
fn discard(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.end_transaction(ctx.slot).ok_or(error::DISCARD_WITHOUT_MULTI)?;
    ctx.world.unwatch(ctx.slot);
    ctx.reply.ok();
    Ok(())
}

/// EXEC
fn exec(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let transaction = ctx.world.end_transaction(ctx.slot).ok_or(error::EXEC_WITHOUT_MULTI)?;
    let has_changed = ctx.world.is_watch_broken(ctx.slot);
    ctx.world.unwatch(ctx.slot);
    if transaction.is_broken {
        return Err(error::EXECABORT);
    }
    if has_changed {
        ctx.reply.null_array();
        return Ok(());
    }
    ctx.client_mut().session_mut().executing = Some(transaction.queue.len());
    ctx.world.store.shared.effects.hold();
    run_queue(ctx, &transaction);
    ctx.world.store.shared.effects.release();
    ctx.client_mut().session_mut().executing = None;
    Ok(())
}

/// Runs the commands of a transaction. The reply is an array of their replies.
fn run_queue(ctx: &mut Ctx<'_>, transaction: &Transaction) {
    let queue = &transaction.queue;
    let frame = ctx.frame.of_queued();
    if transaction.flags & MANY_REPLIES == 0 {
        ctx.reply.array(queue.len());
        for queued in queue {
            let row = ctx.table.row(queued.command);
            Invocation::within(ctx, frame, queued.args.args()).invoke_row(row);
        }
        return;
    }
    // SUBSCRIBE and kin write any number of replies, so the header is written last.
    let Ctx { world, table, timer, driver, reply, slot, .. } = ctx;
    let (table, slot) = (*table, *slot);
    reply.array_of(|reply| {
        let replies = queue.iter().map(|queued| {
            let args = queued.args.args();
            let driver = &mut **driver;
            let mut command = Invocation { world, table, timer, driver, reply, slot, frame, args };
            command.invoke_row(table.row(queued.command)).replies()
        });
        replies.sum()
    });
}

/// MULTI
fn multi(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    if ctx.client().transaction().is_some() {
        return Err(error::REDIS_NESTED_MULTI);
    }
    ctx.client_mut().session_mut().transaction = Some(Transaction::default());
    ctx.reply.ok();
    Ok(())
}

/// UNWATCH
fn unwatch(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.unwatch(ctx.slot);
    ctx.reply.ok();
    Ok(())
}

/// WATCH key...
fn watch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if ctx.client().transaction().is_some() {
        return Err(error::REDIS_WATCH_IN_MULTI);
    }
    for key in args.from(1) {
        ctx.world.watch(ctx.slot, key);
    }
    ctx.reply.ok();
    Ok(())
}
