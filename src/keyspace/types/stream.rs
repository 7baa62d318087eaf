//! Streams: entries with ids that only ever grow, and groups of consumers that read them.
//!
//! A stream may be empty. One that has never been anything else takes nothing beside its key; any other is a
//! [`LargeStream`].

use std::ops::ControlFlow;

use crate::keyspace::entry::{Body, Entry};
use crate::keyspace::kind::{Kind, PayloadKind};
use crate::keyspace::large::stream::LargeStream;
use crate::keyspace::large::stream::node::NodeLimits;
use crate::keyspace::typed::{Collection, Edit, View};
use crate::keyspace::value::Value;
use crate::keyspace::visit::Part;

pub use crate::keyspace::large::stream::entries::{Counters, Entries, Range, Trim, TrimBy};
pub use crate::keyspace::large::stream::group::{Consumer, ConsumerId, Group, Pending};
pub use crate::keyspace::large::stream::id::Id;
pub use crate::keyspace::large::stream::node::StreamEntry;
pub use crate::keyspace::large::stream::references::References;

/// The type, for [`crate::keyspace::View`] and [`crate::keyspace::Edit`].
#[derive(Debug)]
pub struct Stream;

/// A stream that has never been anything but empty.
static EMPTY: LargeStream = LargeStream::new();

impl Collection for Stream {
    const KIND: Kind = Kind::Stream;
    const PAYLOAD: PayloadKind = PayloadKind::Stream;
    const EMPTY: &'static [u8] = b"";
    const MAY_BE_EMPTY: bool = true;

    #[inline]
    fn len(entry: &Entry) -> usize {
        stream(entry).entries.len()
    }

    fn visit<B>(
        view: View<'_, Self>,
        mut visit: impl FnMut(Part<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for entry in view.range(Id::MIN, Id::MAX) {
            visit(Part::Entry(entry))?;
        }
        visit(Part::Counters(view.entries().counters()))?;
        view.groups().try_for_each(|group| visit_group(group, &mut visit))
    }
}

pub(crate) fn visit_group<B>(
    group: &Group,
    visit: &mut impl FnMut(Part<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    visit(Part::Group {
        name: group.name(),
        last_id: group.last_id(),
        entries_read: group.entries_read(),
    })?;
    for consumer in group.consumers() {
        let (seen_at, active_at) = (consumer.seen_at, consumer.active_at);
        visit(Part::Consumer { name: consumer.name(), seen_at, active_at })?;
        for pending in group.pending_of(consumer.id(), Id::MIN, Id::MAX) {
            let Pending { id, delivered_at, deliveries, .. } = *pending;
            visit(Part::Pending { id, delivered_at, deliveries })?;
        }
    }
    ControlFlow::Continue(())
}

#[inline]
fn stream(entry: &Entry) -> &LargeStream {
    match entry.body() {
        Body::Large(Value::Stream(stream)) => stream,
        _ => &EMPTY,
    }
}

impl<'a> View<'a, Stream> {
    /// The entries, and what is known of all that there ever were.
    #[inline]
    pub fn entries(self) -> &'a Entries {
        &stream(self.entry).entries
    }

    /// The greatest id that an entry had, or that was set.
    pub fn last_id(self) -> Id {
        self.entries().last_id()
    }

    /// The id of the first entry.
    pub fn first_id(self) -> Option<Id> {
        self.entries().first_id()
    }

    /// The id of the last entry.
    pub fn last_entry_id(self) -> Option<Id> {
        self.entries().last_entry_id()
    }

    /// The greatest id of the entries that were deleted one by one.
    pub fn max_deleted_id(self) -> Id {
        self.entries().counters().max_deleted_id
    }

    /// How many entries were ever added.
    pub fn entries_added(self) -> u64 {
        self.entries().counters().entries_added
    }

    /// The entries with ids from one to another, both included.
    pub fn range(self, from: Id, to: Id) -> Range<'a> {
        self.entries().range(from, to)
    }

    pub fn get(self, id: Id) -> Option<StreamEntry<'a>> {
        self.entries().get(id)
    }

    /// How many nodes the entries are packed in: the reference's keys of a radix tree.
    pub fn nodes(self) -> usize {
        self.entries().nodes()
    }

    /// How many nodes that radix tree has.
    pub fn radix_nodes(self) -> usize {
        self.entries().radix_nodes()
    }

    /// The groups in the order of their names.
    pub fn groups(self) -> impl ExactSizeIterator<Item = &'a Group> {
        stream(self.entry).groups()
    }

    pub fn group(self, name: &[u8]) -> Option<&'a Group> {
        stream(self.entry).group(name)
    }

    /// Which of these ids a group has pending, or has not read yet. They are in order, and no two are the same.
    pub fn referenced(self, ids: &[Id]) -> Vec<bool> {
        stream(self.entry).referenced(ids)
    }

    /// How many entries a group of this stream has not read yet, if that is known.
    pub fn lag(self, group: &Group) -> Option<i64> {
        group.lag(self.entries())
    }
}

impl Edit<'_, Stream> {
    /// Adds an entry. Its id is greater than [`View::last_id`].
    #[inline]
    pub fn append<'f>(
        &mut self,
        id: Id,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) {
        let limits = self.limits();
        let limits = NodeLimits {
            bytes: limits.stream_node_max_bytes as usize,
            entries: limits.stream_node_max_entries,
        };
        if let Some(stream) = self.grown() {
            stream.entries.append(id, fields, limits);
        }
    }

    /// Deletes an entry. Returns whether it was there.
    pub fn remove(&mut self, id: Id) -> bool {
        self.large().is_some_and(|stream| stream.entries.remove(id))
    }

    /// Removes entries at the front. Returns how many. They are freed in slices.
    pub fn trim(&mut self, trim: Trim) -> usize {
        let Some(stream) = self.large() else {
            return 0;
        };
        let (trimmed, cut) = stream.entries.trim(trim);
        if cut.nodes() > 0 {
            self.discard(Some(Value::Stream(Box::new(LargeStream::of(cut)))));
        }
        trimmed
    }

    /// As [`Edit::trim`], but for what groups refer to.
    pub fn trim_with(&mut self, trim: Trim, references: References) -> usize {
        let Some(stream) = self.large() else {
            return 0;
        };
        let (trimmed, cut) = match references {
            References::Keep => return self.trim(trim),
            References::Delete => stream.trim_with_references(trim),
            References::Respect => stream.trim_unreferenced(trim),
        };
        if cut.nodes() > 0 {
            self.discard(Some(Value::Stream(Box::new(LargeStream::of(cut)))));
        }
        trimmed
    }

    /// No group has any of these ids pending any more. They are in order, and no two are the same. Returns how
    /// many were.
    pub fn acknowledge_everywhere(&mut self, ids: &[Id]) -> usize {
        self.large().map_or(0, |stream| stream.acknowledge_everywhere(ids))
    }

    /// Replaces what is known of all entries that there ever were.
    pub fn set_counters(&mut self, counters: Counters) {
        if let Some(stream) = self.grown() {
            stream.entries.set_counters(counters);
        }
    }

    pub fn set_last_id(&mut self, last_id: Id) {
        let counters = self.view().entries().counters();
        self.set_counters(Counters { last_id, ..counters });
    }

    pub fn set_entries_added(&mut self, entries_added: u64) {
        let counters = self.view().entries().counters();
        self.set_counters(Counters { entries_added, ..counters });
    }

    pub fn set_max_deleted_id(&mut self, max_deleted_id: Id) {
        let counters = self.view().entries().counters();
        self.set_counters(Counters { max_deleted_id, ..counters });
    }

    /// Adds a group that has read up to an id. Returns false if there is one of that name.
    pub fn create_group(&mut self, name: &[u8], last_id: Id, entries_read: Option<u64>) -> bool {
        self.grown().is_some_and(|stream| stream.create_group(name, last_id, entries_read))
    }

    /// Removes a group with all that it has. Returns whether there was one.
    pub fn destroy_group(&mut self, name: &[u8]) -> bool {
        let removed = self.large().and_then(|stream| stream.remove_group(name));
        let was_there = removed.is_some();
        self.discard(removed.map(|removed| Value::Stream(Box::new(removed))));
        was_there
    }

    /// Changes a group, with the stream's entries at hand. None if there is no such group.
    #[inline]
    pub fn edit_group<R>(
        &mut self,
        name: &[u8],
        change: impl FnOnce(&mut Group, &Entries) -> R,
    ) -> Option<R> {
        self.large()?.edit_group(name, change)
    }

    #[inline]
    fn large(&mut self) -> Option<&mut LargeStream> {
        match self.entry().large_mut() {
            Some(Value::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    /// The stream, which is large from now on.
    #[inline]
    fn grown(&mut self) -> Option<&mut LargeStream> {
        if self.entry().large_mut().is_none() {
            self.entry().set_large(Value::Stream(Box::new(LargeStream::new())));
        }
        self.large()
    }
}

#[cfg(test)]
mod tests;
