//! What is asked about copies elsewhere, by a server that has none: WAIT WAITAOF.

use super::arguments::{int, timeout_in_ms};
use crate::dispatch::Ctx;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::CONNECTION;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
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
fn waitaof(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let local = int(args, 1)?;
    if !(0..=1).contains(&local) {
        return Err(error::NOT_ZERO_OR_ONE);
    }
    let replicas = int(args, 2).ok().filter(|&replicas| replicas >= 0);
    let replicas = replicas.ok_or(error::NOT_POSITIVE)?;
    let timeout = timeout_in_ms(args, 3, ctx.now())?;
    if local > 0 {
        return Err(error::NO_APPEND_ONLY_FILE);
    }
    ctx.reply.array(2);
    ctx.reply.int(0);
    ctx.reply.int(0);
    if replicas > 0 {
        ctx.delay_reply(timeout);
    }
    Ok(())
}
