//! What is known of a stream as a whole: XINFO STREAM.

use super::id::reply_id;
use super::range::{reply_entries, reply_entry};
use crate::commands::arguments::integer;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::View;
use crate::keyspace::types::stream::{Consumer, Group, Id, Pending, Stream, StreamEntry};
use crate::wire::{Args, Reply};

/// So many entries are shown of a stream, and as many pending ones of a group and of a consumer, unless COUNT says
/// otherwise.
const SHOWN: usize = 10;

/// XINFO STREAM key [FULL [COUNT count]]
pub(crate) fn xinfo_stream(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.view::<Stream>(&args[2])?.ok_or(error::NO_SUCH_KEY)?;
    let mut options = args.options(3);
    if options.is_over() {
        summary(reply, stream);
        return Ok(());
    }
    let is_full = options.flag("FULL");
    let count = options.value("COUNT");
    if !is_full || !options.is_over() {
        return Err(error::subcommand_syntax("xinfo", &args[1]));
    }
    let most = match count.map(integer).transpose()? {
        None | Some(..0) => SHOWN,
        Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    full(reply, stream, most);
    Ok(())
}

fn summary(reply: &mut Reply, stream: View<'_, Stream>) {
    reply.map(10);
    head(reply, stream);
    field(reply, "groups").int(stream.groups().len() as i64);
    let mut entries = stream.range(Id::MIN, Id::MAX);
    // The only entry is the first and the last one.
    let first = entries.clone().next();
    reply_entry_or_null(field(reply, "first-entry"), first.as_ref());
    reply_entry_or_null(field(reply, "last-entry"), entries.next_back().as_ref());
}

fn full(reply: &mut Reply, stream: View<'_, Stream>, most: usize) {
    reply.map(9);
    head(reply, stream);
    reply_entries(field(reply, "entries"), stream.range(Id::MIN, Id::MAX).take(most));
    field(reply, "groups").array(stream.groups().len());
    for group in stream.groups() {
        show_group(reply, stream, group, most);
        if reply.is_full() {
            return;
        }
    }
}

/// What both forms begin with.
fn head(reply: &mut Reply, stream: View<'_, Stream>) {
    field(reply, "length").int(stream.len() as i64);
    field(reply, "radix-tree-keys").int(stream.nodes() as i64);
    field(reply, "radix-tree-nodes").int(stream.radix_nodes() as i64);
    reply_id(field(reply, "last-generated-id"), stream.last_id());
    reply_id(field(reply, "max-deleted-entry-id"), stream.max_deleted_id());
    field(reply, "entries-added").int(stream.entries_added() as i64);
    reply_id(field(reply, "recorded-first-entry-id"), stream.first_id().unwrap_or_default());
}

fn show_group(reply: &mut Reply, stream: View<'_, Stream>, group: &Group, most: usize) {
    reply.map(7);
    field(reply, "name").bulk(group.name());
    reply_id(field(reply, "last-delivered-id"), group.last_id());
    reply_number(field(reply, "entries-read"), group.entries_read().map(|read| read as i64));
    reply_number(field(reply, "lag"), stream.lag(group));
    field(reply, "pel-count").int(group.pending() as i64);
    show_pending(reply, group.pending_range(Id::MIN, Id::MAX).take(most), |reply, pending| {
        let consumer = group.consumer_of(pending.consumer);
        reply.array(4);
        reply_id(reply, pending.id);
        reply.bulk(consumer.map_or(&b""[..], Consumer::name));
    });
    field(reply, "consumers").array(group.consumers().len());
    for consumer in group.consumers() {
        show_consumer(reply, group, consumer, most);
        if reply.is_full() {
            return;
        }
    }
}

fn show_consumer(reply: &mut Reply, group: &Group, consumer: &Consumer, most: usize) {
    reply.map(5);
    field(reply, "name").bulk(consumer.name());
    field(reply, "seen-time").int(consumer.seen_at);
    field(reply, "active-time").int(consumer.active_at.unwrap_or(-1));
    field(reply, "pel-count").int(consumer.pending() as i64);
    let own = group.pending_of(consumer.id(), Id::MIN, Id::MAX);
    show_pending(reply, own.take(most), |reply, pending| {
        reply.array(3);
        reply_id(reply, pending.id);
    });
}

/// Shows pending entries until the reply is full. `begin` begins the array of one, up to its two numbers.
fn show_pending<'a>(
    reply: &mut Reply,
    entries: impl Iterator<Item = &'a Pending>,
    begin: impl Fn(&mut Reply, &Pending),
) {
    field(reply, "pending").array_of(|reply| {
        let mut shown = 0;
        for pending in entries {
            begin(reply, pending);
            reply.int(pending.delivered_at);
            reply.int(pending.deliveries as i64);
            shown += 1;
            if reply.is_full() {
                break;
            }
        }
        shown
    });
}

/// Begins a field of a map, whose value is to follow.
pub(crate) fn field<'a>(reply: &'a mut Reply, name: &str) -> &'a mut Reply {
    reply.bulk(name.as_bytes());
    reply
}

/// Replies with a number, or null if it is not known.
pub(crate) fn reply_number(reply: &mut Reply, number: Option<i64>) {
    match number {
        Some(number) => reply.int(number),
        None => reply.null(),
    }
}

fn reply_entry_or_null(reply: &mut Reply, entry: Option<&StreamEntry<'_>>) {
    match entry {
        Some(entry) => reply_entry(reply, entry),
        None => reply.null(),
    }
}
