//! Entries for a consumer of a group, of several streams at once: XREADGROUP.
//!
//! `>` asks for entries that no consumer of the group was delivered, and an id for those behind it that are pending for
//! this one. Only the former is waited for.

use super::said::Happened;
use super::{announce_consumer, consumer_seen};
use crate::commands::stream::id::{SpelledId, id, reply_id};
use crate::commands::stream::range::{reply_entry, reply_spelled};
use crate::commands::stream::read::{Reader, Reading};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::types::stream::{ConsumerId, Entries, Group, Id, Stream};
use crate::keyspace::{Db, Millis};
use crate::listeners::Wake;
use crate::wire::{Args, Protocol, Reply};

/// What `>` stands for: no entry is behind this id.
const NEW: Id = Id::MAX;

/// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key... id...
pub(crate) fn xreadgroup(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Reading { keys, most, timeout, group, acknowledges } =
        Reading::parse(ctx, args, Reader::Group)?;
    let name = group.ok_or(error::GROUP_MISSING)?;
    let (group, consumer) = (&args[name], &args[name + 1]);
    let ids = keys.clone().map(|key| wanted(ctx, args, key, keys.len(), group));
    let ids = ids.collect::<Result<Vec<Id>, Error>>()?;
    let is_heard = ctx.is_heard();
    let mut happened: Vec<(usize, Happened)> = Vec::new();
    let (mut db, reply) = ctx.db_and_reply();
    let start = reply.mark();
    let mut served = 0;
    let all = |reply: &mut Reply| {
        for (index, &after) in keys.clone().zip(&ids) {
            let mut heard = Happened::new(is_heard, db.now());
            let delivery =
                Delivery { key: &args[index], group, consumer, after, most, acknowledges };
            served += usize::from(delivery.make(&mut db, reply, &mut heard));
            if is_heard {
                happened.push((index, heard));
            }
            if reply.is_full() {
                break;
            }
        }
        served
    };
    match reply.protocol() {
        Protocol::Resp3 => reply.map_of(all),
        Protocol::Resp2 => reply.array_of(all),
    }
    for (index, heard) in happened {
        heard.say(ctx, &args[index], group, consumer);
    }
    if served == 0 {
        ctx.reply.rewind(start);
        ctx.reply.null_array();
        if let Some(timeout) = timeout {
            ctx.wait(timeout, Wake::UnreadByGroup(name), keys);
        }
    }
    Ok(())
}

/// What is wanted of a key: its argument stands so many behind the key. An error if the group cannot be read for.
fn wanted(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    key: usize,
    distance: usize,
    group: &[u8],
) -> Result<Id, Error> {
    let mut db = ctx.db();
    let stream = db.view::<Stream>(&args[key])?;
    if stream.and_then(|stream| stream.group(group)).is_none() {
        return Err(error::no_group_to_read_for(&args[key], group));
    }
    match &args[key + distance] {
        b">" => Ok(NEW),
        b"$" => Err(error::meaningless_in_xreadgroup("$")),
        b"+" => Err(error::meaningless_in_xreadgroup("+")),
        text => id(text, 0),
    }
}

/// What a consumer is to get of a stream.
struct Delivery<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    /// [`NEW`], or the id behind which the consumer's pending entries are wanted.
    after: Id,
    /// So many entries at most.
    most: usize,
    /// What is delivered counts as acknowledged.
    acknowledges: bool,
}

impl Delivery<'_> {
    /// Replies with the key and the entries. Returns false, and does not, if new ones are wanted and there is none.
    fn make(&self, db: &mut Db<'_>, reply: &mut Reply, happened: &mut Happened) -> bool {
        let now = db.now();
        // It is a stream with this group: that has been looked at.
        let Ok(Some(mut stream)) = db.edit::<Stream>(self.key) else {
            return false;
        };
        let made = stream.edit_group(self.group, |group, entries| {
            let (consumer, is_new) = consumer_seen(group, self.consumer, now)?;
            happened.consumer_is_new = is_new;
            let mut to = Recipient { group, entries, consumer, now, reply, happened };
            Some(match self.after {
                NEW => self.deliver_new(&mut to),
                after => self.show_pending(&mut to, after),
            })
        });
        if happened.consumer_is_new {
            announce_consumer(&mut stream);
        }
        let made = made.flatten().unwrap_or(false);
        stream.count_changes(usize::from(made && self.after == NEW));
        made
    }

    fn deliver_new(&self, to: &mut Recipient<'_>) -> bool {
        let Some(first) = to.group.last_id().next() else {
            return false;
        };
        if first > to.entries.last_id() {
            return false;
        }
        let mut found = to.entries.range(first, Id::MAX).take(self.most).peekable();
        if found.peek().is_none() {
            return false;
        }
        to.begin(self.key);
        let Recipient { group, entries, consumer, now, reply, happened } = to;
        let mut spelled = SpelledId::new(Id::MIN);
        reply.array_of(|reply| {
            let mut delivered = 0;
            for entry in found {
                group.advance(entry.id, entries);
                if !self.acknowledges {
                    group.deliver(entry.id, *consumer, *now);
                    happened.claimed(entry.id, 1);
                }
                spelled.respell(entry.id);
                reply_spelled(reply, &spelled, &entry);
                delivered += 1;
                if reply.is_full() {
                    break;
                }
            }
            delivered
        });
        happened.has_read(group);
        if !self.acknowledges {
            group.set_active(*consumer, Some(*now));
        }
        true
    }

    /// The consumer gets once more what is pending for it. Of an entry that was deleted it gets the id.
    fn show_pending(&self, to: &mut Recipient<'_>, after: Id) -> bool {
        to.begin(self.key);
        let Recipient { group, entries, consumer, now, reply, happened } = to;
        let mut next = after.next();
        reply.array_of(|reply| {
            let mut shown = 0;
            while shown < self.most
                && let Some(from) = next
            {
                let pending = group.pending_of(*consumer, from, Id::MAX).next().copied();
                let Some(pending) = pending else { break };
                next = pending.id.next();
                match entries.get(pending.id) {
                    Some(entry) => {
                        let deliveries = pending.deliveries.wrapping_add(1);
                        group.set_delivered(pending.id, *now, deliveries);
                        happened.claimed(pending.id, deliveries);
                        reply_entry(reply, &entry);
                    }
                    None => {
                        reply.array(2);
                        reply_id(reply, pending.id);
                        reply.null_array();
                    }
                }
                shown += 1;
                if reply.is_full() {
                    break;
                }
            }
            shown
        });
        true
    }
}

/// A consumer that gets entries, and what it is told of them.
struct Recipient<'a> {
    group: &'a mut Group,
    entries: &'a Entries,
    consumer: ConsumerId,
    now: Millis,
    reply: &'a mut Reply,
    happened: &'a mut Happened,
}

impl Recipient<'_> {
    /// Begins the part of the reply that has the entries of a key.
    fn begin(&mut self, key: &[u8]) {
        if self.reply.protocol() == Protocol::Resp2 {
            self.reply.array(2);
        }
        self.reply.bulk(key);
    }
}
