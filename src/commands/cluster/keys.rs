//! What is in the slots of a node: CLUSTER COUNTKEYSINSLOT, FLUSHSLOT, GETKEYSINSLOT, SLOT-STATS.
//!
//! The keyspace has no index by slot: each of these looks at every key. They are there for tests.

use super::cluster;
use crate::commands::arguments::integer;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::stage::slots::{SLOTS, slot};
use crate::wire::{Args, Reply};

fn slot_number(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|&slot| slot < SLOTS)
}

/// The keys at the client's node that `wanted` holds of.
fn keys_here(ctx: &mut Ctx<'_>, mut wanted: impl FnMut(u16) -> bool) -> Vec<Box<[u8]>> {
    let mut keys = Vec::new();
    let (db, is_here) = ctx.world.db_of_node(ctx.slot);
    db.scan(0, usize::MAX, |key, _| {
        if wanted(slot(key)) && is_here(key) {
            keys.push(Box::from(key));
        }
    });
    keys
}

/// CLUSTER COUNTKEYSINSLOT slot
pub(super) fn cluster_countkeysinslot(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?;
    let wanted = slot_number(integer(&args[2])?).ok_or(error::INVALID_SLOT)?;
    let keys = keys_here(ctx, |slot| slot == wanted).len();
    ctx.reply.int(keys as i64);
    Ok(())
}

/// CLUSTER GETKEYSINSLOT slot count
pub(super) fn cluster_getkeysinslot(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?;
    let (wanted, count) = (integer(&args[2])?, integer(&args[3])?);
    let wanted = slot_number(wanted).ok_or(error::INVALID_SLOT_OR_COUNT)?;
    let count = usize::try_from(count).map_err(|_| error::INVALID_SLOT_OR_COUNT)?;
    let keys = keys_here(ctx, |slot| slot == wanted);
    ctx.reply.array(keys.len().min(count));
    keys.iter().take(count).for_each(|key| ctx.reply.bulk(key));
    Ok(())
}

/// CLUSTER FLUSHSLOT slot [ASYNC | SYNC]
pub(super) fn cluster_flushslot(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    cluster(ctx)?;
    let wanted = slot_number(integer(&args[2])?).ok_or(error::INVALID_OR_OUT_OF_RANGE_SLOT)?;
    match args.len() {
        3 => {}
        4 if args.is(3, "ASYNC") || args.is(3, "SYNC") => {}
        _ => return Err(error::SYNTAX),
    }
    for key in keys_here(ctx, |slot| slot == wanted) {
        ctx.world.store.db(0).delete(&key);
    }
    ctx.reply.ok();
    Ok(())
}

/// CLUSTER SLOT-STATS SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]
///
/// The one statistic is how many keys there are.
pub(super) fn cluster_slot_stats(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (nodes, own, _) = cluster(ctx)?;
    let own = nodes.primary_of(own).key;
    let ranges = nodes.ranges().into_iter().filter(|(_, _, owner)| *owner == own);
    let own: Vec<u16> = ranges.flat_map(|(first, last, _)| first..=last).collect();
    if args.is(2, "SLOTSRANGE") && args.len() == 5 {
        let end = |index: usize| {
            integer(&args[index])
                .ok()
                .and_then(slot_number)
                .ok_or(error::INVALID_OR_OUT_OF_RANGE_SLOT)
        };
        let (first, last) = (end(3)?, end(4)?);
        if first > last {
            let told =
                format!("ERR Start slot number {first} is greater than end slot number {last}");
            return Err(Error::text(told));
        }
        let shown = counted(ctx, own.into_iter().filter(|slot| (first..=last).contains(slot)));
        show(ctx.reply, &shown);
        return Ok(());
    }
    if !args.is(2, "ORDERBY") {
        return Err(error::SYNTAX);
    }
    let (mut limit, mut descends) = (usize::from(SLOTS), true);
    let mut options = args.options(4);
    while !options.is_over() {
        if let Some(given) = options.value("LIMIT") {
            let given = integer(given).ok().and_then(|given| usize::try_from(given).ok());
            let given = given.filter(|limit| (1..=usize::from(SLOTS)).contains(limit));
            limit = given.ok_or_else(|| {
                Error::fixed(
                    "ERR Limit has to lie in between 1 and 16384 (maximum number of slots).",
                )
            })?;
        } else if options.flag("ASC") {
            descends = false;
        } else if !options.flag("DESC") {
            return Err(error::SYNTAX);
        }
    }
    if !args.is(3, "KEY-COUNT") {
        return Err(Error::fixed("ERR Unrecognized sort metric for ORDERBY."));
    }
    let mut shown = counted(ctx, own.into_iter());
    shown.sort_by(|(_, one), (_, other)| if descends { other.cmp(one) } else { one.cmp(other) });
    shown.truncate(limit);
    show(ctx.reply, &shown);
    Ok(())
}

/// How many keys are in each of the slots.
fn counted(ctx: &mut Ctx<'_>, slots: impl Iterator<Item = u16>) -> Vec<(u16, i64)> {
    let mut counts = vec![0; usize::from(SLOTS)];
    for key in keys_here(ctx, |_| true) {
        counts[usize::from(slot(&key))] += 1;
    }
    slots.map(|slot| (slot, counts[usize::from(slot)])).collect()
}

fn show(reply: &mut Reply, counts: &[(u16, i64)]) {
    reply.array(counts.len());
    for &(slot, keys) in counts {
        reply.array(2);
        reply.int(slot.into());
        reply.map(1);
        reply.bulk(b"key-count");
        reply.int(keys);
    }
}
