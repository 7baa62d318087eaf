//! What is pending: XACK XPENDING.

use crate::commands::arguments::{int, integer};
use crate::commands::stream::id::{id, range_end, range_start, reply_id};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::Millis;
use crate::keyspace::types::stream::{Consumer, Group, Id, Pending, Stream};
use crate::text::number::Spelled;
use crate::wire::{Args, Reply};

/// XACK key group id...
pub(crate) fn xack(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.edit::<Stream>(&args[1])?;
    let Some(mut stream) = stream.filter(|stream| stream.view().group(&args[2]).is_some()) else {
        reply.int(0);
        return Ok(());
    };
    // Nothing is acknowledged unless all ids can be read.
    for arg in args.from(3) {
        id(arg, 0)?;
    }
    let ids = args.from(3).filter_map(|arg| id(arg, 0).ok());
    let acknowledged =
        stream.edit_group(&args[2], |group, _| ids.filter(|&id| group.acknowledge(id)).count());
    let acknowledged = acknowledged.unwrap_or(0);
    stream.count_changes(acknowledged);
    reply.int(acknowledged as i64);
    Ok(())
}

/// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
pub(crate) fn xpending(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let wanted = Wanted::parse(args)?;
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    let stream = db.view::<Stream>(&args[1])?;
    let group = stream.and_then(|stream| stream.group(&args[2]));
    let group = group.ok_or_else(|| error::no_group(&args[1], &args[2]))?;
    match wanted {
        Some(wanted) => reply.array_of(|reply| wanted.show(reply, group, now)),
        None => summary(reply, group),
    }
    Ok(())
}

/// How many entries are pending, the first and the last of them, and how many each consumer has.
fn summary(reply: &mut Reply, group: &Group) {
    let mut pending = group.pending_range(Id::MIN, Id::MAX);
    let first = pending.next();
    // The only one is the first and the last one.
    let last = pending.next_back().or(first);
    reply.array(4);
    reply.int(group.pending() as i64);
    let (Some(first), Some(last)) = (first, last) else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply_id(reply, first.id);
    reply_id(reply, last.id);
    reply.array_of(|reply| {
        let mut shown = 0;
        for consumer in group.consumers().filter(|consumer| consumer.pending() > 0) {
            reply.array(2);
            reply.bulk(consumer.name());
            reply.bulk(&Spelled::new(consumer.pending() as i64));
            shown += 1;
            if reply.is_full() {
                break;
            }
        }
        shown
    });
}

/// Which pending entries are to be shown.
struct Wanted<'a> {
    least_idle: i64,
    from: Id,
    to: Id,
    most: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    /// None if a summary is asked for.
    fn parse(args: Args<'a>) -> Result<Option<Wanted<'a>>, Error> {
        if args.len() == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&args.len()) {
            return Err(error::SYNTAX);
        }
        let mut options = args.options(3);
        let least_idle = options.value("IDLE").map(integer).transpose()?;
        if least_idle.is_some() && options.left() < 3 {
            return Err(error::SYNTAX);
        }
        let first = options.index();
        let most = usize::try_from(int(args, first + 2)?.max(0)).unwrap_or(usize::MAX);
        Ok(Some(Wanted {
            least_idle: least_idle.unwrap_or(0),
            from: range_start(&args[first])?,
            to: range_end(&args[first + 1])?,
            most,
            consumer: args.get(first + 3),
        }))
    }

    /// Writes the entries, and returns how many they are.
    fn show(&self, reply: &mut Reply, group: &Group, now: Millis) -> usize {
        match self.consumer.map(|name| group.consumer(name)) {
            None => self.show_all(reply, group, now, group.pending_range(self.from, self.to)),
            Some(Some(consumer)) => {
                let pending = group.pending_of(consumer.id(), self.from, self.to);
                self.show_all(reply, group, now, pending)
            }
            Some(None) => 0,
        }
    }

    fn show_all<'g>(
        &self,
        reply: &mut Reply,
        group: &Group,
        now: Millis,
        pending: impl Iterator<Item = &'g Pending>,
    ) -> usize {
        let idle = |pending: &Pending| now.saturating_sub(pending.delivered_at);
        let pending = pending
            .filter(|pending| self.least_idle <= 0 || idle(pending) >= self.least_idle)
            .take(self.most);
        let mut shown = 0;
        for pending in pending {
            let consumer = group.consumer_of(pending.consumer);
            reply.array(4);
            reply_id(reply, pending.id);
            reply.bulk(consumer.map_or(&b""[..], Consumer::name));
            reply.int(idle(pending).max(0));
            reply.int(pending.deliveries as i64);
            shown += 1;
            if reply.is_full() {
                break;
            }
        }
        shown
    }
}
