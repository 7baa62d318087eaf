//! Groups of a stream that is being recorded, as they were at the moment, and what all its entries had left behind.
//!
//! Groups are told behind the entries, in the order of their names. One that the walk has not reached and that is about to
//! change is copied here first, and one that goes is moved here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::entries::Counters;
use super::group::Group;

/// Groups by their names.
type Groups = BTreeMap<Box<[u8]>, Box<Group>>;

/// Groups that are kept of a stream that is being recorded; for any other, nothing. A copy of the stream has none.
#[derive(Debug, Default)]
pub(crate) struct RecordedGroups(Option<Box<Kept>>);

#[derive(Debug)]
struct Kept {
    /// Those of the moment, until they are told.
    counters: Option<Counters>,
    /// Groups as they were before they changed or went.
    groups: Groups,
    /// Names of groups that were created since the moment.
    created: BTreeSet<Box<[u8]>>,
    /// The group that was told last.
    told: Option<Box<[u8]>>,
    /// Bytes of all that is kept.
    memory: usize,
    /// Bytes of memory when [`RecordedGroups::growth`] was asked for the last time.
    known: usize,
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
            created: BTreeSet::new(),
            told: None,
            memory: 0,
            known: 0,
        }));
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(super) fn close(&mut self) -> Option<RecordedGroups> {
        let kept = self.0.take()?;
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
            if let Some(mut last) = kept.groups.last_entry() {
                let group = last.get_mut();
                let before = group.memory();
                let some = group.free_some(most - freed);
                kept.memory = kept.memory + group.memory() - before;
                if some == 0 {
                    kept.memory -= last.remove().memory();
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
    pub(super) fn changes(&mut self, group: &Group) {
        if let Some(kept) = &mut self.0
            && kept.has_to_tell(group.name())
        {
            kept.keep(Box::new(group.clone()));
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

    /// Calls `tell` with groups that are to be recorded until it returns false. Returns whether there may be more.
    pub(super) fn tell_some(
        &mut self,
        groups: &Groups,
        mut tell: impl FnMut(&Group) -> bool,
    ) -> bool {
        let Some(kept) = &mut self.0 else { return false };
        loop {
            let from = kept.told.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let is_old = |name: &[u8]| !kept.created.contains(name);
            let mut there = groups.range::<[u8], _>((from, Bound::Unbounded));
            let there = there.find(|(name, _)| is_old(name));
            let changed = kept.groups.first_key_value().map(|(name, _)| name);
            let goes_on = match (changed, there) {
                // One that has changed may be there in its new form as well.
                (Some(changed), there) if there.is_none_or(|(name, _)| changed <= name) => {
                    let Some((name, group)) = kept.groups.pop_first() else { return false };
                    kept.memory -= group.memory();
                    kept.told = Some(name);
                    tell(&group)
                }
                (_, Some((name, group))) => {
                    kept.told = Some(name.clone());
                    tell(group)
                }
                (_, None) => return false,
            };
            if !goes_on {
                return true;
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

    fn keep(&mut self, group: Box<Group>) {
        self.memory += group.memory();
        self.groups.insert(group.name().into(), group);
    }

    /// Bytes of all that is kept, counted anew.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.groups.values().map(|group| group.memory()).sum::<usize>()
            + self.created.iter().map(|name| name.len() + TREE_ITEM).sum::<usize>()
    }
}

impl RecordedGroups {
    /// How many pieces it is freed in, about.
    pub(super) fn pieces(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| {
            let first = kept.groups.values().next();
            kept.groups.len() + kept.created.len() + first.map_or(0, |group| group.pieces())
        })
    }

    /// Panics if it says other than it holds.
    #[cfg(test)]
    pub(super) fn check(&self) {
        if let Some(kept) = &self.0 {
            assert_eq!(kept.memory, kept.count());
        }
    }
}
