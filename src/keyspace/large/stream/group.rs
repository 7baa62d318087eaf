//! Consumer groups of a stream: how far each has read, its consumers, and what these have not acknowledged yet.
//!
//! A pending entry is known to the group by its id, and its id to the consumer. A consumer with many of them is deleted at
//! once and leaves its ids behind: its entries are not shown any more, and are removed in slices by what changes the
//! group next ([`Group::sweep`]).

use std::collections::BTreeMap;

use slab::Slab;

use super::entries::Entries;
use super::id::Id;
use super::index::{Index, Item};
use super::recorded_group::RecordedGroup;
use crate::keyspace::blob::{Millis, allocated};

/// What is kept of a group that is told in parts.
pub(super) type Recorded = RecordedGroup<Pending, Consumer>;

/// A consumer group.
#[derive(Debug)]
pub struct Group {
    name: Box<[u8]>,
    last_id: Id,
    entries_read: Option<u64>,
    pending: Index<Pending>,
    consumers: Slab<Box<Consumer>>,
    names: BTreeMap<Box<[u8]>, ConsumerId>,
    /// Consumers that were deleted and whose pending entries are still there, and how many these are.
    leaving: Vec<ConsumerId>,
    unswept: usize,
    /// Consumers of which nothing is left but their places, which are not given away while the group is being recorded.
    departed: Vec<ConsumerId>,
    /// Bytes that the consumers hold.
    consumers_memory: usize,
    /// What it was at a moment that is being recorded, if it is too much to be copied.
    recorded: Recorded,
}

/// Names a consumer within its group, until that consumer is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsumerId(u32);

/// An entry that was delivered to a consumer and has not been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    pub id: Id,
    pub delivered_at: Millis,
    pub deliveries: u64,
    pub consumer: ConsumerId,
}

/// A reader of a group, by its name.
#[derive(Debug, Clone)]
pub struct Consumer {
    id: ConsumerId,
    name: Box<[u8]>,
    /// When it last asked for something.
    pub seen_at: Millis,
    /// When it last got something.
    pub active_at: Option<Millis>,
    pending: Index<Id>,
    is_leaving: bool,
}

/// What an item of a B-tree takes of its nodes, which are about two thirds full.
const TREE_ITEM: usize = 40;

/// A group with more pending entries or consumers than this is recorded in parts, and not copied for it.
const MANY: usize = if cfg!(test) { 4 } else { 4096 };

/// So many entries that deleted consumers have left are swept at a time.
const SWEPT_AT_ONCE: usize = if cfg!(test) { 10 } else { 1000 };

impl Item for Pending {
    fn id(&self) -> Id {
        self.id
    }
}

impl Consumer {
    /// Its handle, which is cheaper than its name.
    pub fn id(&self) -> ConsumerId {
        self.id
    }

    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many entries are pending for it.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// A copy without what is pending.
    fn bare(&self) -> Consumer {
        Consumer { name: self.name.clone(), pending: Index::new(), ..*self }
    }

    fn memory(&self) -> usize {
        // The name is there twice.
        let names = 2 * allocated(self.name.len());
        allocated(size_of::<Consumer>()) + names + TREE_ITEM + self.pending.memory()
    }
}

impl Group {
    pub(crate) fn new(name: &[u8], last_id: Id, entries_read: Option<u64>) -> Group {
        Group {
            name: name.into(),
            last_id,
            entries_read,
            pending: Index::new(),
            consumers: Slab::new(),
            names: BTreeMap::new(),
            leaving: Vec::new(),
            unswept: 0,
            departed: Vec::new(),
            consumers_memory: 0,
            recorded: RecordedGroup::new(),
        }
    }

    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The id up to which entries have been delivered.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// How many entries the group has read, if that is known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// How many entries it has not read yet, if that is known. A number that was set can make it negative.
    pub fn lag(&self, entries: &Entries) -> Option<i64> {
        entries.lag(self.last_id, self.entries_read)
    }

    pub fn set_id(&mut self, last_id: Id, entries_read: Option<u64>) {
        self.last_id = last_id;
        self.entries_read = entries_read;
    }

    /// The entry with this id is read. Nothing happens if it is not behind the last one.
    #[inline]
    pub fn advance(&mut self, id: Id, entries: &Entries) {
        if id > self.last_id {
            self.entries_read = entries.read_up_to(id, self.entries_read, self.last_id);
            self.last_id = id;
        }
    }

    /// Bytes of memory that the group holds.
    pub(crate) fn memory(&self) -> usize {
        allocated(size_of::<Group>())
            + 2 * allocated(self.name.len())
            + TREE_ITEM
            + self.pending.memory()
            + self.consumers_memory
            + allocated(self.consumers.capacity() * SLOT)
            + allocated(self.leaving.capacity() * size_of::<ConsumerId>())
            + allocated(self.departed.capacity() * size_of::<ConsumerId>())
    }

    /// What the consumers hold, counted anew.
    fn count_consumers(&self) -> usize {
        self.consumers.iter().map(|(_, consumer)| consumer.memory()).sum()
    }

    // Pending entries.

    /// How many entries are pending.
    pub fn pending(&self) -> usize {
        self.pending.len() - self.unswept
    }

    /// The pending entry with this id.
    pub fn get(&self, id: Id) -> Option<&Pending> {
        let found = self.pending.at(self.pending.find(id)?)?;
        self.is_there(found).then_some(found)
    }

    /// The pending entries with ids from one to another.
    pub fn pending_range(&self, from: Id, to: Id) -> impl DoubleEndedIterator<Item = &Pending> {
        self.pending.range(from, to).filter(|pending| self.is_there(pending))
    }

    /// Those of one consumer.
    pub fn pending_of(
        &self,
        consumer: ConsumerId,
        from: Id,
        to: Id,
    ) -> impl DoubleEndedIterator<Item = &Pending> {
        let found = self.consumer_of(consumer).map(|consumer| consumer.pending.range(from, to));
        found.into_iter().flatten().filter_map(|&id| self.get(id))
    }

    /// Whether a pending entry is not one that a deleted consumer has left.
    #[inline]
    fn is_there(&self, pending: &Pending) -> bool {
        self.unswept == 0
            || self.consumer_of(pending.consumer).is_some_and(|consumer| !consumer.is_leaving)
    }

    /// An entry is pending for a consumer from now on, as one that was never delivered before.
    pub fn deliver(&mut self, id: Id, consumer: ConsumerId, now: Millis) {
        self.assign(Pending { id, delivered_at: now, deliveries: 1, consumer });
    }

    /// An entry is pending as it says, whether it was before or not, and for whichever consumer. The consumer is there.
    pub fn assign(&mut self, pending: Pending) {
        let Some(place) = self.pending.find(pending.id) else {
            self.recorded.pending.changes(pending.id, None);
            self.pending.insert(pending);
            self.change_consumer(pending.consumer, |consumer| consumer.pending.insert(pending.id));
            return;
        };
        let before = self.pending.change(place, |found| std::mem::replace(found, pending));
        self.recorded.pending.changes(pending.id, before);
        if let Some(before) = before.filter(|before| before.consumer != pending.consumer) {
            self.forget(before);
            self.change_consumer(pending.consumer, |consumer| consumer.pending.insert(pending.id));
        }
    }

    /// Changes when and how often a pending entry was delivered. Returns whether there is such an entry.
    pub fn set_delivered(&mut self, id: Id, delivered_at: Millis, deliveries: u64) -> bool {
        let found = self.get(id).copied();
        found.map(|found| self.assign(Pending { delivered_at, deliveries, ..found })).is_some()
    }

    /// An entry is not pending any more. Returns whether it was.
    pub fn acknowledge(&mut self, id: Id) -> bool {
        let Some(removed) = self.pending.find(id).and_then(|place| self.pending.remove(place))
        else {
            return false;
        };
        self.recorded.pending.changes(id, Some(removed));
        let was_there = self.is_there(&removed);
        self.forget(removed);
        was_there
    }

    /// A consumer has an entry no more.
    fn forget(&mut self, pending: Pending) {
        let Pending { id, consumer, .. } = pending;
        let is_leaving = self.change_consumer(consumer, |consumer| {
            if let Some(place) = consumer.pending.find(id) {
                consumer.pending.remove(place);
            }
            consumer.is_leaving
        });
        self.unswept -= usize::from(is_leaving == Some(true));
    }

    // What a moment that is being recorded asks for: see `RecordedGroups`.

    /// Returns whether it has so much that it is recorded in parts.
    pub(super) fn has_many(&self) -> bool {
        self.pending.len() > MANY || self.consumers.len() > MANY
    }

    /// All that is pending and all consumers are to be recorded.
    pub(super) fn open(&mut self) {
        self.recorded.pending.open(&self.pending);
        self.recorded.consumers.open();
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(super) fn close(&mut self) -> Recorded {
        self.recorded.close()
    }

    /// Bytes of memory that are kept beside the group.
    #[inline]
    pub(super) fn kept(&self) -> usize {
        self.recorded.memory()
    }

    /// A copy without consumers, and without what is pending.
    pub(super) fn outline(&self) -> Group {
        Group::new(&self.name, self.last_id, self.entries_read)
    }

    /// Calls `tell` with pending entries that are to be recorded and their consumers, and with nothing where there is
    /// none to tell, until it returns false: see [`RecordedGroups`](super::RecordedGroups). Returns whether there may be
    /// more.
    pub(super) fn tell_pending(
        &mut self,
        mut tell: impl FnMut(Option<(&Consumer, &Pending)>) -> bool,
    ) -> bool {
        let RecordedGroup { pending, consumers: recorded } = &mut self.recorded;
        let consumers = &self.consumers;
        let had = |consumer: &Consumer| {
            recorded.before(&consumer.name).is_some_and(|before| before.id == consumer.id)
        };
        pending.tell_some(&self.pending, |pending| {
            tell(pending.and_then(|pending| {
                let consumer = &**consumers.get(pending.consumer.0 as usize)?;
                let was_there = !consumer.is_leaving || had(consumer);
                was_there.then_some((consumer, pending))
            }))
        })
    }

    /// The same with consumers, behind all that is pending.
    pub(super) fn tell_consumers(&mut self, tell: impl FnMut(Option<&Consumer>) -> bool) -> bool {
        let consumers = &self.consumers;
        let find = |id: ConsumerId| consumers.get(id.0 as usize).map(|consumer| &**consumer);
        self.recorded.consumers.tell_some(&self.names, find, tell)
    }

    /// A consumer that has not been deleted changes.
    #[inline]
    fn keep(&mut self, id: ConsumerId) {
        if let Some(consumer) = self.consumers.get(id.0 as usize) {
            self.recorded.consumers.changes(&consumer.name, || Some(consumer.bare()));
        }
    }

    // Consumers.

    /// The consumers in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.names.values().map(|id| &*self.consumers[id.0 as usize])
    }

    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumer_of(*self.names.get(name)?)
    }

    /// The consumer of a handle.
    pub fn consumer_of(&self, id: ConsumerId) -> Option<&Consumer> {
        self.consumers.get(id.0 as usize).map(|consumer| &**consumer)
    }

    /// Adds a consumer that is seen now, unless there is one of that name.
    pub fn create_consumer(&mut self, name: &[u8], now: Millis) -> Option<ConsumerId> {
        if self.names.contains_key(name) {
            return None;
        }
        self.recorded.consumers.changes(name, || None);
        let slot = self.consumers.vacant_entry();
        let id = ConsumerId(u32::try_from(slot.key()).ok()?);
        let consumer = Consumer {
            id,
            name: name.into(),
            seen_at: now,
            active_at: None,
            pending: Index::new(),
            is_leaving: false,
        };
        self.consumers_memory += consumer.memory();
        slot.insert(Box::new(consumer));
        self.names.insert(name.into(), id);
        Some(id)
    }

    /// The consumer has asked for something.
    pub fn set_seen(&mut self, id: ConsumerId, at: Millis) {
        self.keep(id);
        self.change_consumer(id, |consumer| consumer.seen_at = at);
    }

    /// The consumer has got something.
    pub fn set_active(&mut self, id: ConsumerId, at: Option<Millis>) {
        self.keep(id);
        self.change_consumer(id, |consumer| consumer.active_at = at);
    }

    /// Deletes a consumer. Returns how many entries were pending for it, which are not any more; none if there is no
    /// such consumer.
    pub fn delete_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let id = self.names.remove(name)?;
        self.keep(id);
        let pending = self.consumer_of(id)?.pending();
        self.change_consumer(id, |consumer| consumer.is_leaving = true);
        self.leaving.push(id);
        self.unswept += pending;
        self.sweep();
        Some(pending)
    }

    /// Removes some of what deleted consumers have left.
    pub(crate) fn sweep(&mut self) {
        let is_all = self.unswept > 0 && self.unswept == self.pending.len();
        if is_all && !self.recorded.is_open() {
            // Nothing else is there, and whole blocks of it are freed in no time.
            self.pending = Index::new();
            self.unswept = 0;
            while let Some(id) = self.leaving.pop() {
                self.free_consumer(id);
            }
        }
        let mut left = SWEPT_AT_ONCE;
        while let Some(&id) = self.leaving.last() {
            while left > 0
                && let Some(id) =
                    self.change_consumer(id, |consumer| consumer.pending.pop()).flatten()
            {
                left -= 1;
                self.unswept -= 1;
                if let Some(removed) = self.pending.find(id).and_then(|at| self.pending.remove(at))
                {
                    self.recorded.pending.changes(id, Some(removed));
                }
            }
            if self.consumer_of(id).is_some_and(|consumer| consumer.pending() > 0) {
                return;
            }
            self.leaving.pop();
            match self.recorded.is_open() {
                true => self.departed.push(id),
                false => self.free_consumer(id),
            }
        }
        self.leaving = Vec::new();
        if self.recorded.is_open() {
            return;
        }
        while let Some(id) = self.departed.pop() {
            self.free_consumer(id);
            left = left.saturating_sub(1);
            if left == 0 {
                return;
            }
        }
        self.departed = Vec::new();
        if self.consumers.is_empty() {
            self.consumers = Slab::new();
        }
    }

    fn free_consumer(&mut self, id: ConsumerId) {
        if let Some(consumer) = self.consumers.try_remove(id.0 as usize) {
            self.consumers_memory -= consumer.memory();
        }
    }

    /// Changes a consumer and accounts for what it holds.
    #[inline]
    fn change_consumer<R>(
        &mut self,
        id: ConsumerId,
        change: impl FnOnce(&mut Consumer) -> R,
    ) -> Option<R> {
        let consumer = self.consumers.get_mut(id.0 as usize)?;
        let before = consumer.pending.memory();
        let result = change(consumer);
        self.consumers_memory = self.consumers_memory + consumer.pending.memory() - before;
        Some(result)
    }

    /// How many pieces it is freed in, at most.
    pub(crate) fn pieces(&self) -> usize {
        self.pending.blocks() + self.consumers.len()
    }

    /// Frees up to so many pieces of a group that is not needed any more. Returns how many.
    pub(crate) fn free_some(&mut self, most: usize) -> usize {
        let mut freed = self.pending.free_some(most);
        while freed < most {
            let next = match self.names.pop_first() {
                Some((_, id)) => id,
                None => match self.leaving.pop().or_else(|| self.departed.pop()) {
                    Some(id) => id,
                    None => break,
                },
            };
            freed +=
                1 + self.consumer_of(next).map_or(0, |consumer| consumer.pending.blocks() / 16);
            self.free_consumer(next);
        }
        freed
    }
}

impl Clone for Group {
    fn clone(&self) -> Group {
        let mut copy = Group {
            name: self.name.clone(),
            pending: self.pending.clone(),
            consumers: self.consumers.clone(),
            names: self.names.clone(),
            leaving: self.leaving.clone(),
            departed: self.departed.clone(),
            recorded: RecordedGroup::new(),
            ..*self
        };
        // Copies have no room.
        copy.consumers_memory = copy.count_consumers();
        copy
    }
}

/// A place for a consumer.
const SLOT: usize = 2 * size_of::<usize>();

#[cfg(test)]
impl Group {
    /// Returns whether the group is being recorded in parts.
    pub(super) fn is_open(&self) -> bool {
        self.recorded.is_open()
    }

    /// Panics if what the group says of itself is not so.
    pub(crate) fn check(&self) {
        self.pending.check();
        assert_eq!(self.consumers_memory, self.count_consumers());
        let mut owned = 0;
        for (slot, consumer) in &self.consumers {
            consumer.pending.check();
            assert_eq!(consumer.id.0 as usize, slot);
            owned += consumer.pending();
            for &id in consumer.pending.iter() {
                let place = self.pending.find(id).expect("a consumer's entry is the group's");
                assert_eq!(self.pending.at(place).map(|found| found.consumer), Some(consumer.id));
            }
        }
        assert_eq!(owned, self.pending.len());
        assert_eq!(self.pending(), self.pending_range(Id::MIN, Id::MAX).count());
    }
}
