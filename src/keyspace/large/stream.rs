//! A stream: entries in the order of their ids, and the groups that read them.
//!
//! Entries are packed in nodes ([`node`]) under an ordered index ([`index`]), which pending entries stand in as well. What a
//! stream has had in all is in [`entries`], what its readers have not acknowledged in [`group`].

pub(crate) mod entries;
pub(crate) mod group;
pub(crate) mod id;
mod index;
pub(crate) mod node;
mod recorded;
mod recorded_group;
mod recorded_groups;
mod recorded_items;
pub(crate) mod references;

use std::collections::BTreeMap;

use crate::keyspace::blob::allocated;

use entries::{Counters, Entries};
use group::Group;
use id::Id;
use node::Node;
pub(crate) use recorded_groups::GroupPart;
use recorded_groups::RecordedGroups;

/// A stream that has had an entry, or has a group.
#[derive(Debug)]
pub(crate) struct LargeStream {
    pub(crate) entries: Entries,
    groups: BTreeMap<Box<[u8]>, Box<Group>>,
    /// Bytes that the groups hold.
    groups_memory: usize,
    /// Groups as they were at a moment that is being recorded. Nodes are with the entries.
    recorded_groups: RecordedGroups,
}

/// What a stream consists of when it is recorded.
pub(crate) enum StreamPart<'a> {
    Node(&'a Node),
    Counters(Counters),
    Group(GroupPart<'a>),
}

impl LargeStream {
    pub(crate) const fn new() -> LargeStream {
        LargeStream {
            entries: Entries::new(),
            groups: BTreeMap::new(),
            groups_memory: 0,
            recorded_groups: RecordedGroups::new(),
        }
    }

    /// Entries that were cut off another stream.
    pub(crate) fn of(entries: Entries) -> LargeStream {
        LargeStream { entries, ..LargeStream::new() }
    }

    /// How many pieces it is freed in, about.
    pub(crate) fn pieces(&self) -> usize {
        let first = self.groups.values().next();
        let kept = self.entries.recorded.pieces() + self.recorded_groups.pieces();
        kept + self.entries.nodes() + self.groups.len() + first.map_or(0, |group| group.pieces())
    }

    /// Bytes of memory that the stream holds.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        let groups = self.groups_memory + self.recorded_groups.memory();
        allocated(size_of::<LargeStream>()) + self.entries.memory() + groups
    }

    // What a moment that is being recorded asks for: see `Recorded`.

    /// All that the stream has is to be recorded.
    pub(crate) fn open(&mut self, id: u64) {
        self.entries.recorded.open(id, &self.entries.nodes);
        self.recorded_groups.open(self.entries.counters());
    }

    /// There is nothing to record any more. Returns what was kept, as all that a stream has, to be freed.
    pub(crate) fn close(&mut self) -> Option<LargeStream> {
        let (nodes, groups) =
            (self.entries.recorded.close(), self.recorded_groups.close(&mut self.groups));
        let has_some = nodes.is_some() || groups.is_some();
        let mut closed = LargeStream::new();
        closed.entries.recorded = nodes.unwrap_or_default();
        closed.recorded_groups = groups.unwrap_or_default();
        has_some.then_some(closed)
    }

    /// The number that [`LargeStream::open`] was told, if the stream is being recorded.
    pub(crate) fn id(&self) -> Option<u64> {
        self.entries.recorded.id()
    }

    /// Bytes of memory that are kept beside the stream.
    pub(crate) fn kept(&self) -> usize {
        self.entries.recorded.memory() + self.recorded_groups.memory()
    }

    /// By how much those have grown since the last call.
    pub(crate) fn growth(&mut self) -> usize {
        self.entries.recorded.growth() + self.recorded_groups.growth()
    }

    /// Calls `tell` with what is to be recorded, in order, until it returns false. Returns whether there may be more.
    pub(crate) fn tell_some(&mut self, mut tell: impl FnMut(StreamPart<'_>) -> bool) -> bool {
        let Entries { recorded, nodes, .. } = &mut self.entries;
        if recorded.tell_nodes(nodes, |node| tell(StreamPart::Node(node))) {
            return true;
        }
        if let Some(counters) = self.recorded_groups.take_counters()
            && !tell(StreamPart::Counters(counters))
        {
            return true;
        }
        self.recorded_groups.tell_some(&mut self.groups, |group| tell(StreamPart::Group(group)))
    }

    /// Frees about so many nodes of entries or pieces of groups. Returns how many; 0 when nothing is left.
    pub(crate) fn free_some(&mut self, pieces: usize) -> usize {
        let mut freed = self.recorded_groups.free_some(pieces);
        freed += self.entries.free_some(pieces.saturating_sub(freed));
        while freed < pieces
            && let Some(mut last) = self.groups.last_entry()
        {
            let group = last.get_mut();
            let before = group.memory();
            let some = group.free_some(pieces - freed);
            self.groups_memory -= before - group.memory();
            if some == 0 {
                self.groups_memory -= group.memory();
                last.remove();
            }
            freed += some.max(1);
        }
        freed
    }

    /// The groups in the order of their names.
    pub(crate) fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values().map(|group| &**group)
    }

    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name).map(|group| &**group)
    }

    /// Adds a group, unless there is one of that name.
    pub(crate) fn create_group(&mut self, name: &[u8], last_id: Id, read: Option<u64>) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        self.recorded_groups.created(name);
        self.insert_group(Box::new(Group::new(name, last_id, read)));
        true
    }

    fn insert_group(&mut self, group: Box<Group>) {
        self.groups_memory += group.memory();
        self.groups.insert(group.name().into(), group);
    }

    /// Takes a group out, as all that a stream has, to be freed. If it is to be recorded yet, that has nothing.
    pub(crate) fn remove_group(&mut self, name: &[u8]) -> Option<LargeStream> {
        let group = self.groups.remove(name)?;
        self.groups_memory -= group.memory();
        let mut removed = LargeStream::new();
        if let Some(group) = self.recorded_groups.removed(group) {
            removed.insert_group(group);
        }
        Some(removed)
    }

    /// Changes a group and accounts for what it holds.
    #[inline]
    pub(crate) fn edit_group<R>(
        &mut self,
        name: &[u8],
        change: impl FnOnce(&mut Group, &Entries) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(name)?;
        let (before, kept) = (group.memory(), group.kept());
        self.recorded_groups.changes(group);
        group.sweep();
        let result = change(group, &self.entries);
        self.recorded_groups.changed(group, kept);
        self.groups_memory = self.groups_memory + group.memory() - before;
        Some(result)
    }
}

impl Clone for LargeStream {
    fn clone(&self) -> LargeStream {
        let groups = self.groups.clone();
        // Copies have no room.
        let groups_memory = groups.values().map(|group| group.memory()).sum();
        let (entries, recorded_groups) = (self.entries.clone(), RecordedGroups::new());
        LargeStream { entries, groups, groups_memory, recorded_groups }
    }
}

#[cfg(test)]
impl LargeStream {
    /// Panics if what the stream says of itself is not so.
    pub(crate) fn check(&self) {
        self.entries.check();
        self.recorded_groups.check(&self.groups);
        self.groups().for_each(Group::check);
        assert_eq!(self.groups_memory, self.groups().map(Group::memory).sum::<usize>());
    }
}
