//! What is known of groups and consumers: XINFO GROUPS, XINFO CONSUMERS.

use crate::commands::stream::id::reply_id;
use crate::commands::stream::info::{field, reply_number};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::types::stream::Stream;
use crate::wire::Args;

/// XINFO GROUPS key
pub(crate) fn xinfo_groups(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.view::<Stream>(&args[2])?.ok_or(error::NO_SUCH_KEY)?;
    reply.array(stream.groups().len());
    for group in stream.groups() {
        reply.map(6);
        field(reply, "name").bulk(group.name());
        field(reply, "consumers").int(group.consumers().len() as i64);
        field(reply, "pending").int(group.pending() as i64);
        reply_id(field(reply, "last-delivered-id"), group.last_id());
        let read = group.entries_read().map(|read| read as i64);
        reply_number(field(reply, "entries-read"), read);
        reply_number(field(reply, "lag"), stream.lag(group));
        if reply.is_full() {
            break;
        }
    }
    Ok(())
}

/// XINFO CONSUMERS key group
pub(crate) fn xinfo_consumers(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    let stream = db.view::<Stream>(&args[2])?.ok_or(error::NO_SUCH_KEY)?;
    let group = stream.group(&args[3]).ok_or_else(|| error::no_group_of(&args[2], &args[3]))?;
    reply.array(group.consumers().len());
    for consumer in group.consumers() {
        let since = |time| now.saturating_sub(time).max(0);
        reply.map(4);
        field(reply, "name").bulk(consumer.name());
        field(reply, "pending").int(consumer.pending() as i64);
        field(reply, "idle").int(since(consumer.seen_at));
        field(reply, "inactive").int(consumer.active_at.map_or(-1, since));
        if reply.is_full() {
            break;
        }
    }
    Ok(())
}
