//! What a group that is told in parts was at a moment that is being recorded: what was pending, and its consumers.
//!
//! Consumers are told in the order of their names. One that the walk has not reached and that is about to change is kept here
//! first, and of one that has come it is noted that there was none. One that is deleted meanwhile keeps its place in the
//! group, because what was pending names its owner by that.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::index::Item;
use super::recorded_items::RecordedItems;
use crate::keyspace::blob::allocated;

/// What is kept of a group that is told in parts; for any other, nothing.
#[derive(Debug)]
pub(super) struct RecordedGroup<Pending, Consumer> {
    pub pending: RecordedItems<Pending>,
    pub consumers: RecordedConsumers<Consumer>,
}

/// Consumers that are kept of a group.
#[derive(Debug)]
pub(super) struct RecordedConsumers<Consumer>(Option<Box<Kept<Consumer>>>);

#[derive(Debug)]
struct Kept<Consumer> {
    /// The consumer that was told last.
    told: Option<Box<[u8]>>,
    are_all_told: bool,
    /// Consumers by their names.
    before: BTreeMap<Box<[u8]>, Was<Consumer>>,
    /// Bytes of these.
    memory: usize,
}

/// A consumer as it was. None: there was no such consumer.
type Was<Consumer> = Option<Box<Consumer>>;

/// What an item of a tree takes of that, about.
const TREE_ITEM: usize = 40;

impl<Pending: Item + Copy, Consumer> RecordedGroup<Pending, Consumer> {
    pub(super) const fn new() -> Self {
        RecordedGroup { pending: RecordedItems::new(), consumers: RecordedConsumers(None) }
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.consumers.0.is_some()
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(super) fn close(&mut self) -> Self {
        let consumers = RecordedConsumers(self.consumers.0.take());
        RecordedGroup { pending: self.pending.close(), consumers }
    }

    /// Bytes of memory, about.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        self.pending.memory() + self.consumers.0.as_deref().map_or(0, |kept| kept.memory)
    }

    /// How many items are kept.
    pub(super) fn len(&self) -> usize {
        self.pending.len() + self.consumers.0.as_deref().map_or(0, |kept| kept.before.len())
    }

    /// Frees up to so many of them. Returns how many.
    pub(super) fn free_some(&mut self, most: usize) -> usize {
        let freed = self.pending.free_some(most);
        let Some(kept) = &mut self.consumers.0 else { return freed };
        freed + std::iter::from_fn(|| kept.pop()).take(most - freed).count()
    }
}

impl<Consumer> RecordedConsumers<Consumer> {
    /// All consumers of the group are to be recorded.
    pub(super) fn open(&mut self) {
        let before = BTreeMap::new();
        self.0 = Some(Box::new(Kept { told: None, are_all_told: false, before, memory: 0 }));
    }

    /// The consumer of this name changes or goes, and was as `before` makes it; or there was none, and one is added.
    #[inline]
    pub(super) fn changes(&mut self, name: &[u8], before: impl FnOnce() -> Option<Consumer>) {
        if let Some(kept) = &mut self.0
            && kept.has_to_tell(name)
        {
            let before = before().map(Box::new);
            kept.memory += memory(name, before.as_deref());
            kept.before.insert(name.into(), before);
        }
    }

    /// The consumer of this name as it was at the moment, if that is kept.
    pub(super) fn before(&self, name: &[u8]) -> Option<&Consumer> {
        self.0.as_deref()?.before.get(name)?.as_deref()
    }

    /// Calls `tell` with consumers that are to be recorded, and with nothing where one has come since, until it returns
    /// false. Returns whether there may be more. `names` are those that the group has.
    pub(super) fn tell_some<'a, Handle: Copy>(
        &mut self,
        names: &BTreeMap<Box<[u8]>, Handle>,
        find: impl Fn(Handle) -> Option<&'a Consumer>,
        mut tell: impl FnMut(Option<&Consumer>) -> bool,
    ) -> bool
    where
        Consumer: 'a,
    {
        let Some(kept) = &mut self.0 else { return false };
        while !kept.are_all_told {
            let from = kept.told.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let there = names.range::<[u8], _>((from, Bound::Unbounded)).next();
            let changed = kept.before.first_key_value().map(|(name, _)| name);
            let is_changed = match (changed, there) {
                (Some(changed), Some((there, _))) => changed <= there,
                (changed, _) => changed.is_some(),
            };
            let goes_on = if is_changed && let Some((name, was)) = kept.pop_first() {
                kept.told = Some(name);
                tell(was.as_deref())
            } else if let Some((name, &id)) = there {
                kept.told = Some(name.clone());
                tell(find(id))
            } else {
                kept.are_all_told = true;
                break;
            };
            if !goes_on {
                return true;
            }
        }
        false
    }
}

impl<Consumer> Kept<Consumer> {
    fn has_to_tell(&self, name: &[u8]) -> bool {
        !self.are_all_told
            && self.told.as_deref().is_none_or(|told| name > told)
            && !self.before.contains_key(name)
    }

    fn pop_first(&mut self) -> Option<(Box<[u8]>, Was<Consumer>)> {
        let (name, was) = self.before.pop_first()?;
        self.memory -= memory(&name, was.as_deref());
        Some((name, was))
    }

    fn pop(&mut self) -> Option<Was<Consumer>> {
        let (name, was) = self.before.pop_last()?;
        self.memory -= memory(&name, was.as_deref());
        Some(was)
    }
}

/// Bytes of memory of what is kept of a consumer, about.
fn memory<Consumer>(name: &[u8], before: Option<&Consumer>) -> usize {
    let consumer = before.map_or(0, |_| allocated(size_of::<Consumer>()) + allocated(name.len()));
    allocated(name.len()) + TREE_ITEM + consumer
}
