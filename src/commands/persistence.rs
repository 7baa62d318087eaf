//! What stays when the server has gone: BGREWRITEAOF BGSAVE LASTSAVE SAVE.
//!
//! How that is done is for [`crate::persistence`].

use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::{ADMIN as FOR_ADMIN, DANGEROUS};
use crate::dispatch::spec::flag::*;
use crate::dispatch::{Ctx, Frame};
use crate::error::{self, Error};
use crate::persistence::{log, snapshots};
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("bgrewriteaof", 1, ADMIN | NOSCRIPT | NO_ASYNC_LOADING, bgrewriteaof).doc(
        "1.0.0",
        "O(1), and O(N) in the background, N being the number of keys",
        "",
        "Writes the log of all changes anew, as short as it can be, in the background.",
    ),
    Spec::new("bgsave", -1, ADMIN | NOSCRIPT | NO_ASYNC_LOADING, bgsave)
        .doc(
            "1.0.0",
            "O(1), and O(N) in the background, N being the number of keys",
            "[operation: SCHEDULE@3.2.2 | CANCEL@8.1]",
            "Writes all data of this moment to the file of snapshots, in the background.",
        )
        .history(&[("3.2.2", "Option `SCHEDULE`."), ("8.1.0", "Option `CANCEL`.")]),
    Spec::new("lastsave", 1, LOADING | STALE | FAST, lastsave)
        .acl(FOR_ADMIN | DANGEROUS)
        .tips(&["nondeterministic_output"])
        .doc(
            "1.0.0",
            "O(1)",
            "",
            "Returns when the last snapshot was written, in seconds since 1970.",
        ),
    Spec::new("save", 1, ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, save).doc(
        "1.0.0",
        "O(N), N being the number of keys",
        "",
        "Writes all data to the file of snapshots. The server does nothing else meanwhile.",
    ),
];

/// BGREWRITEAOF
fn bgrewriteaof(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let is_free = log::rewrite(ctx.world)?;
    ctx.reply.status(match is_free && ctx.frame != Frame::Transaction {
        true => "Background append only file rewriting started",
        false => "Background append only file rewriting scheduled",
    });
    Ok(())
}

/// BGSAVE [SCHEDULE | CANCEL]
fn bgsave(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let may_wait = match args.len() {
        1 => false,
        2 if args.is(1, "SCHEDULE") => true,
        2 if ctx.row.is_unknown_option(&args[1]) => return Err(error::SYNTAX),
        2 if args.is(1, "CANCEL") => {
            let was_begun = snapshots::cancel(ctx.world)?;
            ctx.reply.status(match was_begun {
                true => "Background saving cancelled",
                false => "Scheduled background saving cancelled",
            });
            return Ok(());
        }
        _ => return Err(error::SYNTAX),
    };
    let is_within = ctx.frame == Frame::Transaction || ctx.world.store.shared.effects.is_held();
    let has_begun = match is_within {
        // A moment in the middle of a transaction, or of a command that calls others, is none that a client has seen.
        true => snapshots::schedule(ctx.world).map(|()| false)?,
        false => snapshots::save_in_background(ctx.world, may_wait)?,
    };
    ctx.reply.status(match has_begun {
        true => "Background saving started",
        false => "Background saving scheduled",
    });
    Ok(())
}

/// LASTSAVE
///
/// Before the first one it is when the server started, as in the reference.
fn lastsave(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let last = snapshots::status(ctx.world).map_or(ctx.world.started, |status| status.last_save);
    ctx.reply.int(last.seconds() as i64);
    Ok(())
}

/// SAVE
fn save(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    snapshots::save(ctx.world)?;
    ctx.reply.ok();
    Ok(())
}
