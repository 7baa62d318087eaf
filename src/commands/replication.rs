//! What is asked about copies elsewhere, by a server that has none: WAIT WAITAOF.

use std::time::Duration;

use super::arguments::{int, timeout_in_ms};
use crate::dispatch::Ctx;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::CONNECTION;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::persistence::log;
use crate::text::number;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("wait", 3, BLOCKING, wait)
        .acl(CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .doc(
            "3.0.0",
            "O(1)",
            "numreplicas timeout:integer",
            "Waits until replicas have received what the connection wrote.",
        ),
    Spec::new("waitaof", 4, BLOCKING, waitaof)
        .acl(CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .doc(
            "7.2.0",
            "O(1)",
            "numlocal numreplicas timeout:integer",
            "Waits until what the connection wrote has reached the disk, here or on replicas.",
        ),
];

/// WAIT numreplicas timeout
///
/// To wait for no replica takes no time, to wait for one as long as one is willing to.
fn wait(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let replicas = int(args, 1)?;
    let timeout = timeout_in_ms(args, 2, ctx.now())?;
    ctx.reply.int(0);
    if replicas > 0 {
        ctx.delay_reply(timeout);
    }
    Ok(())
}

/// WAITAOF numlocal numreplicas timeout
///
/// It waits until all is on disk that has been written until now, by whichever client. What that is, is kept with the first
/// argument while the command waits: `1@position`.
fn waitaof(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_again = ctx.client().is_waiting;
    let (wanted, kept) = match args[1].iter().position(|&byte| byte == b'@') {
        Some(at) if is_again => (&args[1][..at], number::parse_u64(&args[1][at + 1..])),
        _ => (&args[1], None),
    };
    let local = number::parse_i64(wanted).ok_or(error::NOT_AN_INTEGER)?;
    if !(0..=1).contains(&local) {
        return Err(error::NOT_ZERO_OR_ONE);
    }
    let replicas = int(args, 2).ok().filter(|&replicas| replicas >= 0);
    let replicas = replicas.ok_or(error::NOT_POSITIVE)?;
    let timeout = timeout_in_ms(args, 3, ctx.now())?;
    // What this turn has said by now is counted. What a transaction has said is in no log before its end.
    let is_all_said = ctx.world.store.shared.effects.hand_over_unheld();
    let position = log::position(ctx.world);
    if local > 0 && position.is_none() {
        return Err(error::NO_APPEND_ONLY_FILE);
    }
    let position = kept.or(position);
    let is_synced = |position| log::is_synced(ctx.world, position);
    let is_durable = is_all_said && position.is_some_and(is_synced);
    ctx.reply.array(2);
    ctx.reply.int(is_durable.into());
    ctx.reply.int(0);
    if replicas > 0 || local > 0 && !is_durable {
        ctx.wait_for(log::SYNCED, (timeout > 0).then(|| Duration::from_micros(timeout)));
        if let Some(position) = position {
            ctx.keep_argument(1, format!("{local}@{position}").as_bytes());
        }
    }
    Ok(())
}
