//! What is asked about copies elsewhere, by a server that has none: REPLCONF SYNC WAIT WAITAOF.
//!
//! A client may take a copy of the data with it: it says that it is no replica (REPLCONF rdb-only), and SYNC gives it the
//! file of a snapshot. How that is made is for [`crate::persistence::copies`]. A replica would take what it got for the
//! beginning of a stream of changes that never comes, so SYNC of one is refused.

use std::time::Duration;

use super::arguments::{int, integer, timeout_in_ms};
use crate::dispatch::Ctx;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::CONNECTION;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::persistence::{copies, log};
use crate::session::ReplyMode;
use crate::session::state::CopyParts;
use crate::text::{number, quote};
use crate::wire::Args;

/// The longest `ip-address` of a replica.
const LONGEST_ADDRESS: usize = 255;

pub(crate) const COPIES: &[Spec] = &[
    Spec::new("replconf", -1, NO_CALL | ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY, replconf)
        .doc("3.0.0", "O(1)", "", "Says what the client is able to take, and wants of a copy of the data.")
        .system(),
    Spec::new("sync", 1, NO_CALL | ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, sync).doc(
        "1.0.0",
        "",
        "",
        "Returns the data of this moment as the file of a snapshot, to a client that is no replica.",
    ),
];

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

/// REPLCONF [option value [option value ...]]
///
/// Of what replicas say of themselves nothing is kept.
fn replconf(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len().is_multiple_of(2) {
        return Err(error::SYNTAX);
    }
    let (mut is_rdb_only, mut parts) = (None, None);
    for at in (1..args.len()).step_by(2) {
        let (value, is) = (&args[at + 1], |name| args.is(at, name));
        if is("rdb-only") {
            is_rdb_only = Some(yes_or_no(value)?);
        } else if is("rdb-filter-only") {
            parts = Some(parts_named(value)?);
        } else {
            check_replica_option(args, at)?;
        }
    }
    if is_rdb_only == Some(true) || parts.is_some() || ctx.client().session.is_some() {
        let session = ctx.client_mut().session_mut();
        session.is_rdb_only = is_rdb_only.unwrap_or(session.is_rdb_only);
        session.copy_parts = parts.unwrap_or(session.copy_parts);
    }
    ctx.reply.ok();
    Ok(())
}

/// `0` or `1`.
fn yes_or_no(value: &[u8]) -> Result<bool, Error> {
    match integer(value)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(error::NOT_ZERO_OR_ONE),
    }
}

/// The words of `rdb-filter-only`.
fn parts_named(value: &[u8]) -> Result<CopyParts, Error> {
    let words = quote::split(value).ok_or(error::NO_PARTS)?;
    match words.iter().find(|word| !word.eq_ignore_ascii_case(b"functions")) {
        Some(unknown) => Err(error::unsupported_part(unknown)),
        None if words.is_empty() => Ok(CopyParts::None),
        None => Ok(CopyParts::Functions),
    }
}

/// Looks at what a replica says of itself: the option at this argument.
fn check_replica_option(args: Args<'_>, at: usize) -> Result<(), Error> {
    let (value, is) = (&args[at + 1], |name| args.is(at, name));
    if is("listening-port") {
        integer(value).map(drop)
    } else if is("ip-address") {
        match value.len() {
            0..=LONGEST_ADDRESS => Ok(()),
            bytes => Err(error::replica_address_too_long(bytes)),
        }
    } else if is("capa") {
        Ok(())
    } else if is("version") {
        match is_version(value) {
            true => Ok(()),
            false => Err(error::unrecognized_version(value)),
        }
    } else if is("rdb-channel") {
        yes_or_no(value).map(drop)
    } else if is("set-rdb-client-id") {
        integer(value).and_then(|id| Err(error::unrecognized_rdb_client(id)))
    } else if is("set-cluster-node-id") {
        Err(error::CLUSTER_DISABLED)
    } else {
        Err(error::unrecognized_replconf(&args[at]))
    }
}

/// Returns whether this is three numbers with dots between them, each of a byte.
fn is_version(text: &[u8]) -> bool {
    let mut numbers = text.split(|&byte| byte == b'.');
    let is_number = |number: &[u8]| {
        number.iter().all(u8::is_ascii_digit)
            && str::from_utf8(number).is_ok_and(|number| number.parse::<u8>().is_ok())
    };
    numbers.clone().count() == 3 && numbers.all(is_number)
}

/// SYNC
fn sync(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let client = ctx.client();
    if client.copy_parts().is_none() || !ctx.frame.may_wait() {
        return Err(error::NO_REPLICATION);
    }
    if client.reply_mode == ReplyMode::On {
        copies::ask(ctx.world, ctx.slot)?;
        ctx.leave_reply();
    }
    // Nothing is sent of this: the file is the reply.
    ctx.reply.ok();
    Ok(())
}

/// WAIT numreplicas timeout
///
/// To wait for no replica takes no time, to wait for one as long as one is willing to.
fn wait(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if is_replica(ctx) {
        return Err(error::WAIT_ON_REPLICA);
    }
    let replicas = int(args, 1)?;
    let timeout = timeout_in_ms(args, 2, ctx.now())?;
    let there = replicas_there(ctx);
    ctx.reply.int(there);
    if replicas > there {
        ctx.delay_reply(timeout);
    }
    Ok(())
}

/// Returns whether the client's node is a replica.
fn is_replica(ctx: &Ctx<'_>) -> bool {
    ctx.world.node_of(ctx.slot).is_some_and(|node| node.primary.is_some())
}

/// How many replicas the client's node has that are up. What is written they have at once: the keyspace is the same.
fn replicas_there(ctx: &Ctx<'_>) -> i64 {
    let node = ctx.world.nodes().zip(ctx.world.node_of(ctx.slot));
    node.map_or(0, |(nodes, node)| {
        nodes.replicas_of(node.key).filter(|replica| replica.is_up()).count() as i64
    })
}

/// WAITAOF numlocal numreplicas timeout
///
/// It waits until all is on disk that has been written until now, by whichever client. What that is, is kept with the first
/// argument while the command waits: `1@position`.
fn waitaof(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if is_replica(ctx) {
        return Err(error::WAITAOF_ON_REPLICA);
    }
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
