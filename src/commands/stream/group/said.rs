//! What a command on a group came to, in words that bring it about whenever they are run.
//!
//! What was delivered or claimed is said as XCLAIM with the time and the count that each entry has now, and what left the
//! list of pending entries as XACK. A group that has read further is said as XGROUP SETID, with how many entries it has
//! read. When a consumer last asked, or last got something, is when the words are run.

use crate::commands::stream::id::SpelledId;
use crate::dispatch::Ctx;
use crate::keyspace::Millis;
use crate::keyspace::types::stream::{Group, Id};
use crate::text::number::Spelled;

/// So many ids are said at once, so that a command stays one that servers accept.
const MOST_IDS: usize = 1024;

/// What happened to a group on behalf of a consumer.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) is_heard: bool,
    /// The consumer came into being.
    pub(super) consumer_is_new: bool,
    /// Entries that are pending for the consumer since then, and how often they were delivered.
    pub(super) claimed: Vec<(Id, u64)>,
    pub(super) claimed_at: Millis,
    /// Entries that are pending no more.
    pub(super) acknowledged: Vec<Id>,
    /// How far the group has read, if that has changed, and how many entries, if that is known.
    pub(super) read_up_to: Option<(Id, Option<u64>)>,
}

impl Happened {
    pub(super) fn new(is_heard: bool, claimed_at: Millis) -> Happened {
        Happened { is_heard, claimed_at, ..Happened::default() }
    }

    /// The consumer has the entry now. Costs nothing unless effects have a listener.
    #[inline]
    pub(super) fn claimed(&mut self, id: Id, deliveries: u64) {
        if self.is_heard {
            self.claimed.push((id, deliveries));
        }
    }

    /// The entry is pending no more.
    pub(super) fn acknowledged(&mut self, id: Id) {
        if self.is_heard {
            self.acknowledged.push(id);
        }
    }

    /// The group has read on.
    #[inline]
    pub(super) fn has_read(&mut self, group: &Group) {
        self.read_up_to = Some((group.last_id(), group.entries_read()));
    }

    /// Says all of it.
    pub(super) fn say(&self, ctx: &mut Ctx<'_>, key: &[u8], group: &[u8], consumer: &[u8]) {
        if !self.is_heard {
            return;
        }
        if self.consumer_is_new {
            ctx.says("XGROUP", &[b"CREATECONSUMER", key, group, consumer]);
        }
        for alike in self.claimed.chunk_by(|one, other| one.1 == other.1) {
            for some in alike.chunks(MOST_IDS) {
                self.say_claimed(ctx, &[key, group, consumer], some);
            }
        }
        let ids: Vec<SpelledId> = self.acknowledged.iter().copied().map(SpelledId::new).collect();
        if !ids.is_empty() {
            ctx.says_all("XACK", &[key, group], ids.iter().map(|id| &**id));
        }
        if let Some((id, read)) = self.read_up_to {
            let (id, read) =
                (SpelledId::new(id), Spelled::new(read.map_or(-1, |read| read as i64)));
            ctx.says("XGROUP", &[b"SETID", key, group, &id, b"ENTRIESREAD", &read]);
        }
    }

    /// Says that these entries are pending, all of which were delivered as often.
    fn say_claimed(&self, ctx: &mut Ctx<'_>, whose: &[&[u8]; 3], entries: &[(Id, u64)]) {
        let ids: Vec<SpelledId> = entries.iter().map(|&(id, _)| SpelledId::new(id)).collect();
        let time = Spelled::new(self.claimed_at);
        let count = Spelled::new(entries.first().map_or(0, |&(_, deliveries)| deliveries as i64));
        let mut words: Vec<&[u8]> = whose.to_vec();
        words.push(b"0");
        words.extend(ids.iter().map(|id| &**id));
        words.extend([&b"TIME"[..], &time, b"RETRYCOUNT", &count, b"FORCE", b"JUSTID"]);
        ctx.says("XCLAIM", &words);
    }
}
