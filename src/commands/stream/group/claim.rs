//! Pending entries go over to another consumer: XCLAIM XAUTOCLAIM.

use super::said::Happened;
use super::{announce_consumer, consumer_seen};
use crate::commands::stream::id::{id, range_start, reply_id};
use crate::commands::stream::range::reply_entry;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::types::stream::{ConsumerId, Entries, Group, Id, Pending, Stream};
use crate::keyspace::{Db, Edit, Millis};
use crate::text::number;
use crate::wire::{Args, Options, Reply};

/// XAUTOCLAIM looks at so many pending entries for each that it may return.
const ATTEMPTS: usize = 10;

/// XAUTOCLAIM returns so many entries unless COUNT says otherwise, and never more than the other: what COUNT may be.
const CLAIMED_AT_ONCE: usize = 100;
const MOST_CLAIMED: i64 = i64::MAX / 16;

/// XCLAIM key group consumer min-idle-time id... [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE]
/// [JUSTID] [LASTID lastid]
pub(crate) fn xclaim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_heard = ctx.is_heard();
    let now = ctx.date();
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = stream_with_group(&mut db, args)?;
    let least_idle = least_idle(args, "XCLAIM")?;
    let mut ids = 5..5;
    while args.get(ids.end).is_some_and(|arg| id(arg, 0).is_ok()) {
        ids.end += 1;
    }
    let claim = Claim::parse(args.options(ids.end), least_idle, now)?;
    let mut happened = Happened::new(is_heard, claim.delivered_at);
    let changes = stream.edit_group(&args[2], |group, entries| {
        if claim.last_id > group.last_id() {
            group.set_id(claim.last_id, group.entries_read());
            happened.has_read(group);
        }
        let (consumer, is_new) = consumer_seen(group, &args[3], now)?;
        happened.consumer_is_new = is_new;
        let mut changes = 0;
        reply.array_of(|reply| {
            let mut claimed = 0;
            for id in args.from(5).take(ids.len()).filter_map(|arg| id(arg, 0).ok()) {
                let outcome = claim.make(group, entries, id, consumer, now);
                match outcome {
                    Outcome::Stays => continue,
                    Outcome::Gone => happened.acknowledged(id),
                    Outcome::Claimed(deliveries) => {
                        happened.claimed(id, deliveries);
                        claim.show(reply, entries, id);
                        claimed += 1;
                    }
                }
                changes += 1;
                if reply.is_full() {
                    break;
                }
            }
            claimed
        });
        Some(changes)
    });
    let changes = changes.flatten().unwrap_or(0) + usize::from(happened.read_up_to.is_some());
    finish(stream, &happened, changes);
    happened.say(ctx, &args[1], &args[2], &args[3]);
    Ok(())
}

/// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
pub(crate) fn xautoclaim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_heard = ctx.is_heard();
    let least_idle = least_idle(args, "XAUTOCLAIM")?;
    let start = range_start(&args[5])?;
    let mut most = CLAIMED_AT_ONCE;
    let mut claim = Claim::of(least_idle, ctx.date());
    let mut options = args.options(6);
    while !options.is_over() {
        if let Some(count) = options.value("COUNT") {
            most = number::parse_i64(count)
                .filter(|count| (1..=MOST_CLAIMED).contains(count))
                .and_then(|count| usize::try_from(count).ok())
                .ok_or(error::COUNT_NOT_POSITIVE)?;
        } else if options.flag("JUSTID") {
            claim.only_ids = true;
        } else {
            return Err(error::SYNTAX);
        }
    }
    let now = ctx.date();
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = stream_with_group(&mut db, args)?;
    let mut happened = Happened::new(is_heard, now);
    let changes = stream.edit_group(&args[2], |group, entries| {
        let (consumer, is_new) = consumer_seen(group, &args[3], now)?;
        happened.consumer_is_new = is_new;
        let scan = Scan::run(&claim, group, entries, consumer, start, most);
        scan.show(reply, &claim, entries);
        scan.claimed.iter().for_each(|&(id, deliveries)| happened.claimed(id, deliveries));
        scan.deleted.iter().for_each(|&id| happened.acknowledged(id));
        Some(scan.claimed.len() + scan.deleted.len())
    });
    finish(stream, &happened, changes.flatten().unwrap_or(0));
    happened.say(ctx, &args[1], &args[2], &args[3]);
    Ok(())
}

/// The stream of the first argument, which has the group of the second one.
fn stream_with_group<'d>(db: &'d mut Db<'_>, args: Args<'_>) -> Result<Edit<'d, Stream>, Error> {
    let stream = db.edit::<Stream>(&args[1])?;
    let stream = stream.filter(|stream| stream.view().group(&args[2]).is_some());
    stream.ok_or_else(|| error::no_group(&args[1], &args[2]))
}

/// How long nothing must have happened to an entry.
fn least_idle(args: Args<'_>, command: &str) -> Result<i64, Error> {
    number::parse_i64(&args[4]).ok_or_else(|| error::invalid_min_idle_time(command))
}

fn finish(mut stream: Edit<'_, Stream>, happened: &Happened, changes: usize) {
    if happened.consumer_is_new {
        announce_consumer(&mut stream);
    }
    stream.count_changes(changes);
}

/// How entries are claimed.
struct Claim {
    least_idle: i64,
    /// When they count as delivered, and how often, unless that is to be one time more.
    delivered_at: Millis,
    deliveries: Option<u64>,
    /// Entries that are not pending are claimed, too.
    is_forced: bool,
    /// The reply has ids alone, and these count as no delivery.
    only_ids: bool,
    /// The group has read up to here at least.
    last_id: Id,
}

/// What became of an entry.
enum Outcome {
    Stays,
    /// It was pending and deleted, and is pending no more.
    Gone,
    /// It was delivered so often.
    Claimed(u64),
}

impl Claim {
    fn of(least_idle: i64, now: Millis) -> Claim {
        Claim {
            least_idle,
            delivered_at: now,
            deliveries: None,
            is_forced: false,
            only_ids: false,
            last_id: Id::MIN,
        }
    }

    fn parse(mut options: Options<'_>, least_idle: i64, now: Millis) -> Result<Claim, Error> {
        let number = |value: &[u8], option| {
            number::parse_i64(value).ok_or_else(|| error::invalid_claim_option(option))
        };
        // A time that has not come, or that cannot be, is now.
        let past = |time: Option<i64>| time.filter(|time| (0..=now).contains(time)).unwrap_or(now);
        let mut claim = Claim::of(least_idle, now);
        while let Some(word) = options.peek() {
            if options.flag("FORCE") {
                claim.is_forced = true;
            } else if options.flag("JUSTID") {
                claim.only_ids = true;
            } else if let Some(idle) = options.value("IDLE") {
                claim.delivered_at = past(now.checked_sub(number(idle, "IDLE")?));
            } else if let Some(time) = options.value("TIME") {
                claim.delivered_at = past(Some(number(time, "TIME")?));
            } else if let Some(count) = options.value("RETRYCOUNT") {
                claim.deliveries = u64::try_from(number(count, "RETRYCOUNT")?).ok();
            } else if let Some(text) = options.value("LASTID") {
                claim.last_id = id(text, 0)?;
            } else {
                return Err(error::unknown_claim_option(word));
            }
        }
        Ok(claim)
    }

    /// Claims an entry for a consumer, if it is pending and has been idle for long enough.
    fn make(
        &self,
        group: &mut Group,
        entries: &Entries,
        id: Id,
        consumer: ConsumerId,
        now: Millis,
    ) -> Outcome {
        let pending = group.get(id).copied();
        if entries.get(id).is_none() {
            return if group.acknowledge(id) { Outcome::Gone } else { Outcome::Stays };
        }
        let before = match pending {
            Some(pending) if self.is_too_young(&pending, now) => return Outcome::Stays,
            Some(pending) => pending.deliveries,
            None if self.is_forced => 1,
            None => return Outcome::Stays,
        };
        Outcome::Claimed(self.assign(group, id, before, consumer, now))
    }

    /// Returns whether something has happened to the entry not long enough ago.
    fn is_too_young(&self, pending: &Pending, now: Millis) -> bool {
        self.least_idle > 0 && now.saturating_sub(pending.delivered_at) < self.least_idle
    }

    /// The consumer has the entry from now on. Returns how often that was delivered.
    fn assign(
        &self,
        group: &mut Group,
        id: Id,
        before: u64,
        consumer: ConsumerId,
        now: Millis,
    ) -> u64 {
        let once_more = before.wrapping_add(u64::from(!self.only_ids));
        let deliveries = self.deliveries.unwrap_or(once_more);
        group.assign(Pending { id, delivered_at: self.delivered_at, deliveries, consumer });
        group.set_active(consumer, Some(now));
        deliveries
    }

    /// Replies with an entry that was claimed.
    fn show(&self, reply: &mut Reply, entries: &Entries, id: Id) {
        match entries.get(id).filter(|_| !self.only_ids) {
            Some(entry) => reply_entry(reply, &entry),
            None => reply_id(reply, id),
        }
    }
}

/// What XAUTOCLAIM has found.
#[derive(Default)]
struct Scan {
    /// Entries that were claimed, and how often each was delivered.
    claimed: Vec<(Id, u64)>,
    /// Entries that are pending no more: they were deleted.
    deleted: Vec<Id>,
    /// The pending entry to go on with.
    next: Option<Id>,
}

impl Scan {
    /// Claims pending entries from an id on until there are so many, or [`ATTEMPTS`] times as many were looked at.
    fn run(
        claim: &Claim,
        group: &mut Group,
        entries: &Entries,
        consumer: ConsumerId,
        start: Id,
        most: usize,
    ) -> Scan {
        let (now, mut scan) = (claim.delivered_at, Scan::default());
        let mut attempts = most.saturating_mul(ATTEMPTS);
        let mut from = Some(start);
        while let Some(start) = from {
            let Some(&pending) = group.pending_range(start, Id::MAX).next() else {
                break;
            };
            let found = scan.claimed.len() + scan.deleted.len();
            if attempts == 0 || found == most {
                scan.next = Some(pending.id);
                break;
            }
            attempts -= 1;
            from = pending.id.next();
            if entries.get(pending.id).is_none() {
                group.acknowledge(pending.id);
                scan.deleted.push(pending.id);
            } else if !claim.is_too_young(&pending, now) {
                let deliveries = claim.assign(group, pending.id, pending.deliveries, consumer, now);
                scan.claimed.push((pending.id, deliveries));
            }
        }
        scan
    }

    fn show(&self, reply: &mut Reply, claim: &Claim, entries: &Entries) {
        reply.array(3);
        reply_id(reply, self.next.unwrap_or_default());
        reply.array(self.claimed.len());
        for &(id, _) in &self.claimed {
            claim.show(reply, entries, id);
            if reply.is_full() {
                return;
            }
        }
        reply.array(self.deleted.len());
        self.deleted.iter().for_each(|&id| reply_id(reply, id));
    }
}
