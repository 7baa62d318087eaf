//! Groups of a stream that is being recorded, as they were at the moment, and what all its entries had left behind.
//!
//! Groups are told behind the entries, in the order of their names. One that the walk has not reached and that is about to
//! change is copied here first, and one that goes is moved here. One with many pending entries or consumers is opened instead,
//! for a copy of it would keep all clients waiting: its outline is copied, and of the rest it keeps itself what changes
//! ([`Recorded`]). Such a group is told in parts, and is not freed before the stream is, in slices.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::entries::Counters;
use super::group::{Consumer, Group, Pending, Recorded};

/// Groups by their names.
type Groups = BTreeMap<Box<[u8]>, Box<Group>>;

/// Groups that are kept of a stream that is being recorded; for any other, nothing. A copy of the stream has none.
#[derive(Debug, Default)]
pub(crate) struct RecordedGroups(Option<Box<Kept>>);

/// What is told of groups: each whole, or its outline, what is pending by ids, and consumers by names.
pub(crate) enum GroupPart<'a> {
    Whole(&'a Group),
    /// The outline has no consumers. So many entries are pending.
    Begin(&'a Group, usize),
    Pending(&'a Consumer, &'a Pending),
    /// So many consumers follow.
    Consumers(usize),
    /// A consumer, without what is pending for it.
    Consumer(&'a Consumer),
    /// There is nothing to tell of a pending entry or a consumer: it has come since, or is what a deleted consumer has left.
    Nothing,
}

#[derive(Debug)]
struct Kept {
    /// Those of the moment, until they are told.
    counters: Option<Counters>,
    /// Groups as they were before they changed or went.
    groups: Groups,
    /// Groups that are told in parts, be they kept or not.
    opened: BTreeMap<Box<[u8]>, Opened>,
    /// Groups that are told, and what was kept beside groups: to be freed.
    over: Vec<Group>,
    unneeded: Vec<Recorded>,
    /// Names of groups that were created since the moment.
    created: BTreeSet<Box<[u8]>>,
    /// The group that was told last.
    told: Option<Box<[u8]>>,
    /// Bytes of all that is kept.
    memory: usize,
    /// Bytes of memory when [`RecordedGroups::growth`] was asked for the last time.
    known: usize,
}

/// A group that is told in parts.
#[derive(Debug)]
struct Opened {
    /// As it was, without consumers and what is pending, and how many these were.
    outline: Box<Group>,
    pending: usize,
    consumers: usize,
    stage: Stage,
}

/// What comes next of a group that is told in parts.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Begin,
    Pending,
    Consumers,
}

/// What an item of a tree takes of that, about.
const TREE_ITEM: usize = 40;

impl RecordedGroups {
    pub(super) const fn new() -> RecordedGroups {
        RecordedGroups(None)
    }

    /// All groups of a stream are to be recorded, and these counters.
    pub(super) fn open(&mut self, counters: Counters) {
        self.0 = Some(Box::new(Kept {
            counters: Some(counters),
            groups: Groups::new(),
            opened: BTreeMap::new(),
            over: Vec::new(),
            unneeded: Vec::new(),
            created: BTreeSet::new(),
            told: None,
            memory: 0,
            known: 0,
        }));
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(super) fn close(&mut self, groups: &mut Groups) -> Option<RecordedGroups> {
        let mut kept = self.0.take()?;
        for (name, opened) in std::mem::take(&mut kept.opened) {
            kept.memory -= opened.outline.memory();
            let (gone, there) = (kept.groups.get_mut(&name), groups.get_mut(&name));
            kept.unneeded.extend(gone.into_iter().chain(there).map(|group| group.close()));
        }
        (kept.memory > 0).then_some(RecordedGroups(Some(kept)))
    }

    /// Bytes of memory.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.memory)
    }

    /// By how much the memory has grown since the last call.
    pub(super) fn growth(&mut self) -> usize {
        let memory = self.memory();
        self.0
            .as_mut()
            .map_or(0, |kept| memory.saturating_sub(std::mem::replace(&mut kept.known, memory)))
    }

    /// Frees about so many pieces of what is kept. Returns how many.
    pub(super) fn free_some(&mut self, most: usize) -> usize {
        let Some(kept) = &mut self.0 else { return 0 };
        let mut freed = 0;
        while freed < most {
            let group = kept.over.pop();
            if let Some(mut group) = group.or_else(|| Some(*kept.groups.pop_last()?.1)) {
                kept.memory -= group.memory();
                let some = group.free_some(most - freed);
                if some > 0 {
                    kept.memory += group.memory();
                    kept.over.push(group);
                }
                freed += some.max(1);
            } else if let Some(mut items) = kept.unneeded.pop() {
                kept.memory -= items.memory();
                let some = items.free_some(most - freed);
                if some > 0 {
                    kept.memory += items.memory();
                    kept.unneeded.push(items);
                }
                freed += some.max(1);
            } else if let Some(name) = kept.created.pop_last() {
                kept.memory -= name.len() + TREE_ITEM;
                freed += 1;
            } else {
                break;
            }
        }
        freed
    }

    /// The counters of the moment, the first time.
    pub(super) fn take_counters(&mut self) -> Option<Counters> {
        self.0.as_mut()?.counters.take()
    }

    /// A group is about to change.
    #[inline]
    pub(super) fn changes(&mut self, group: &mut Group) {
        if let Some(kept) = &mut self.0
            && kept.has_to_tell(group.name())
            && !kept.opened.contains_key(group.name())
        {
            match group.has_many() {
                true => kept.memory += Opened::add(&mut kept.opened, group),
                false => kept.keep(Box::new(group.clone())),
            }
        }
    }

    /// It has changed, and so has how much is kept beside it, which was so much before.
    #[inline]
    pub(super) fn changed(&mut self, group: &Group, before: usize) {
        if let Some(kept) = &mut self.0 {
            kept.memory += group.kept() - before;
        }
    }

    /// A group has gone. Returns it if it need not be kept.
    pub(super) fn removed(&mut self, group: Box<Group>) -> Option<Box<Group>> {
        match &mut self.0 {
            Some(kept) if kept.has_to_tell(group.name()) => {
                kept.keep(group);
                None
            }
            _ => Some(group),
        }
    }

    /// A group of this name is created.
    pub(super) fn created(&mut self, name: &[u8]) {
        if let Some(kept) = &mut self.0
            && kept.has_to_tell(name)
        {
            kept.created.insert(name.into());
            kept.memory += name.len() + TREE_ITEM;
        }
    }

    /// Calls `tell` with what is to be recorded until it returns false. Returns whether there may be more.
    pub(super) fn tell_some(
        &mut self,
        groups: &mut Groups,
        mut tell: impl FnMut(GroupPart<'_>) -> bool,
    ) -> bool {
        let Some(kept) = self.0.as_deref_mut() else { return false };
        while let Some((name, is_kept)) = kept.next(groups) {
            let from = if is_kept { &mut kept.groups } else { &mut *groups };
            let Some(group) = from.get_mut(&name) else { return false };
            if group.has_many() && !kept.opened.contains_key(&name) {
                kept.memory += Opened::add(&mut kept.opened, group);
            }
            let goes_on;
            if let Some(opened) = kept.opened.get_mut(&name) {
                let before = group.kept();
                let is_told = opened.tell_all(group, &mut tell);
                kept.memory = kept.memory + group.kept() - before;
                if !is_told {
                    return true;
                }
                // Nothing is left of what was kept.
                group.close();
                goes_on = true;
                if let Some(Opened { outline, .. }) = kept.opened.remove(&name) {
                    kept.memory -= outline.memory();
                }
                kept.over.extend(kept.groups.remove(&name).map(|group| *group));
            } else {
                goes_on = tell(GroupPart::Whole(group));
                if let Some(group) = kept.groups.remove(&name) {
                    kept.memory -= group.memory();
                }
            }
            kept.told = Some(name);
            if !goes_on {
                return true;
            }
        }
        false
    }
}

impl Opened {
    /// Opens a group. Returns how many bytes are kept for that.
    fn add(to: &mut BTreeMap<Box<[u8]>, Opened>, group: &mut Group) -> usize {
        group.open();
        let (pending, consumers) = (group.pending(), group.consumers().len());
        let outline = Box::new(group.outline());
        let memory = outline.memory();
        let opened = Opened { outline, pending, consumers, stage: Stage::Begin };
        to.insert(group.name().into(), opened);
        memory
    }

    /// Tells parts until `tell` returns false. Returns whether all are told.
    fn tell_all(
        &mut self,
        group: &mut Group,
        tell: &mut impl FnMut(GroupPart<'_>) -> bool,
    ) -> bool {
        loop {
            let (next, goes_on) = match self.stage {
                Stage::Begin => {
                    (Stage::Pending, tell(GroupPart::Begin(&self.outline, self.pending)))
                }
                Stage::Pending => {
                    let may_be_more = group.tell_pending(|pending| match pending {
                        Some((consumer, pending)) => tell(GroupPart::Pending(consumer, pending)),
                        None => tell(GroupPart::Nothing),
                    });
                    if may_be_more {
                        return false;
                    }
                    (Stage::Consumers, tell(GroupPart::Consumers(self.consumers)))
                }
                Stage::Consumers => {
                    return !group.tell_consumers(|consumer| {
                        tell(consumer.map_or(GroupPart::Nothing, GroupPart::Consumer))
                    });
                }
            };
            self.stage = next;
            if !goes_on {
                return false;
            }
        }
    }
}

impl Kept {
    /// Whether a group of this name, if there is one, is as it was at the moment, and has not been told.
    fn has_to_tell(&self, name: &[u8]) -> bool {
        self.told.as_deref().is_none_or(|told| name > told)
            && !self.groups.contains_key(name)
            && !self.created.contains(name)
    }

    /// The name of the next group to tell, and whether it is one of those that are kept.
    fn next(&self, groups: &Groups) -> Option<(Box<[u8]>, bool)> {
        let from = self.told.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut there = groups.range::<[u8], _>((from, Bound::Unbounded)).map(|(name, _)| name);
        let there = there.find(|&name| !self.created.contains(name));
        let kept = self.groups.first_key_value().map(|(name, _)| name);
        match (kept, there) {
            // One that has changed may be there in its new form as well.
            (Some(kept), there) if there.is_none_or(|there| kept <= there) => {
                Some((kept.clone(), true))
            }
            (_, there) => there.map(|there| (there.clone(), false)),
        }
    }

    fn keep(&mut self, group: Box<Group>) {
        self.memory += group.memory();
        self.groups.insert(group.name().into(), group);
    }

    /// Bytes of all that is kept, counted anew.
    #[cfg(test)]
    fn count(&self, groups: &Groups) -> usize {
        let beside = |name| {
            let found = [self.groups.get(name), groups.get(name)];
            found.into_iter().flatten().map(|group| group.kept()).sum::<usize>()
        };
        let opened = self.opened.iter();
        opened.map(|(name, opened)| opened.outline.memory() + beside(name)).sum::<usize>()
            + self.groups.values().map(|group| group.memory()).sum::<usize>()
            + self.over.iter().map(Group::memory).sum::<usize>()
            + self.unneeded.iter().map(Recorded::memory).sum::<usize>()
            + self.created.iter().map(|name| name.len() + TREE_ITEM).sum::<usize>()
    }
}

impl RecordedGroups {
    /// How many pieces it is freed in, about.
    pub(super) fn pieces(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| {
            let first = kept.groups.values().next().map(|group| &**group);
            kept.groups.len()
                + kept.created.len()
                + first.into_iter().chain(&kept.over).map(Group::pieces).sum::<usize>()
                + kept.unneeded.iter().map(Recorded::len).sum::<usize>()
        })
    }

    /// Panics if it says other than it holds.
    #[cfg(test)]
    pub(super) fn check(&self, groups: &Groups) {
        match &self.0 {
            Some(kept) => assert_eq!(kept.memory, kept.count(groups)),
            None => assert!(groups.values().all(|group| !group.is_open())),
        }
    }
}
