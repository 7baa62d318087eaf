//! A stream: entries in the order of their ids, and the groups that read them.
//!
//! Entries are packed in nodes ([`node`]) under an ordered index ([`index`]), which pending entries stand in as well. What a
//! stream has had in all is in [`entries`], what its readers have not acknowledged in [`group`].

pub(crate) mod entries;
pub(crate) mod group;
pub(crate) mod id;
mod index;
pub(crate) mod node;
pub(crate) mod references;

use std::collections::BTreeMap;

use crate::keyspace::blob::allocated;

use entries::Entries;
use group::Group;
use id::Id;

/// A stream that has had an entry, or has a group.
#[derive(Debug)]
pub(crate) struct LargeStream {
    pub(crate) entries: Entries,
    groups: BTreeMap<Box<[u8]>, Box<Group>>,
    /// Bytes that the groups hold.
    groups_memory: usize,
}

impl LargeStream {
    pub(crate) const fn new() -> LargeStream {
        LargeStream { entries: Entries::new(), groups: BTreeMap::new(), groups_memory: 0 }
    }

    /// Entries that were cut off another stream.
    pub(crate) fn of(entries: Entries) -> LargeStream {
        LargeStream { entries, ..LargeStream::new() }
    }

    /// How many pieces it is freed in, about.
    pub(crate) fn pieces(&self) -> usize {
        let first = self.groups.values().next();
        self.entries.nodes() + self.groups.len() + first.map_or(0, |group| group.pieces())
    }

    /// Bytes of memory that the stream holds.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        allocated(size_of::<LargeStream>()) + self.entries.memory() + self.groups_memory
    }

    /// Frees about so many nodes of entries or pieces of groups. Returns how many; 0 when nothing is left.
    pub(crate) fn free_some(&mut self, pieces: usize) -> usize {
        let mut freed = self.entries.free_some(pieces);
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
        self.insert_group(Box::new(Group::new(name, last_id, read)));
        true
    }

    fn insert_group(&mut self, group: Box<Group>) {
        self.groups_memory += group.memory();
        self.groups.insert(group.name().into(), group);
    }

    /// Takes a group out, as all that a stream has, to be freed.
    pub(crate) fn remove_group(&mut self, name: &[u8]) -> Option<LargeStream> {
        let group = self.groups.remove(name)?;
        self.groups_memory -= group.memory();
        let mut removed = LargeStream::new();
        removed.insert_group(group);
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
        let before = group.memory();
        group.sweep();
        let result = change(group, &self.entries);
        self.groups_memory = self.groups_memory + group.memory() - before;
        Some(result)
    }
}

impl Clone for LargeStream {
    fn clone(&self) -> LargeStream {
        let groups = self.groups.clone();
        // Copies have no room.
        let groups_memory = groups.values().map(|group| group.memory()).sum();
        LargeStream { entries: self.entries.clone(), groups, groups_memory }
    }
}

#[cfg(test)]
impl LargeStream {
    /// Panics if what the stream says of itself is not so.
    pub(crate) fn check(&self) {
        self.entries.check();
        self.groups().for_each(Group::check);
        assert_eq!(self.groups_memory, self.groups().map(Group::memory).sum::<usize>());
    }
}
