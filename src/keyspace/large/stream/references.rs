//! Deleting entries and minding what groups have pending of them.
//!
//! A group refers to an entry that is pending there, or that it has not read yet. Ids and groups are both as many as
//! clients like, so no id is looked for in every group: of the ids and what a group has pending, the fewer are looked
//! for among the others, and a walk over entries takes along what is pending in all groups, merged by id.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use super::LargeStream;
use super::entries::{Entries, Trim, TrimBy};
use super::group::{Group, Pending};
use super::id::Id;
use super::index::Item;

/// What the references of groups to an entry mean when it is to be deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum References {
    /// Nothing: they stay, and refer to what is gone.
    #[default]
    Keep,
    /// They go with it.
    Delete,
    /// It stays while there are any.
    Respect,
}

impl LargeStream {
    /// Which of these ids a group refers to, whether they are those of entries or not. They are in order, and no two
    /// are the same.
    pub(crate) fn referenced(&self, ids: &[Id]) -> Vec<bool> {
        let read = match self.read_by_all() {
            Some(last) => ids.partition_point(|&id| id <= last),
            None => ids.len(),
        };
        let mut referenced = vec![true; ids.len()];
        referenced[..read].fill(false);
        for group in self.groups() {
            pending_among(group, &ids[..read], |at| referenced[at] = true);
        }
        referenced
    }

    /// The greatest id that all groups have read. Nothing if there is no group.
    fn read_by_all(&self) -> Option<Id> {
        self.groups().map(Group::last_id).min()
    }

    /// Acknowledges these ids in all groups. They are in order, and no two are the same. Returns how many were pending.
    pub(crate) fn acknowledge_everywhere(&mut self, ids: &[Id]) -> usize {
        let mut acknowledged = 0;
        let mut found = Vec::new();
        for group in self.groups.values_mut() {
            let (before, kept) = (group.memory(), group.kept());
            found.clear();
            pending_among(group, ids, |at| found.push(ids[at]));
            if !found.is_empty() {
                self.recorded_groups.changes(group);
            }
            acknowledged += found.iter().filter(|&&id| group.acknowledge(id)).count();
            self.recorded_groups.changed(group, kept);
            self.groups_memory = self.groups_memory + group.memory() - before;
        }
        acknowledged
    }

    /// As [`Entries::trim`]. The references to what goes go with it, but none to what was gone before.
    pub(crate) fn trim_with_references(&mut self, trim: Trim) -> (usize, Entries) {
        let end = self.entries.end_of(trim);
        if let Some((first, last)) = self.entries.first_id().zip(end.previous()) {
            for group in self.groups.values_mut() {
                let (before, kept) = (group.memory(), group.kept());
                let pending = group.pending_range(first, last).map(|pending| pending.id);
                let found: Vec<Id> = pending.filter(|&id| self.entries.get(id).is_some()).collect();
                if !found.is_empty() {
                    self.recorded_groups.changes(group);
                }
                found.into_iter().for_each(|id| _ = group.acknowledge(id));
                self.recorded_groups.changed(group, kept);
                self.groups_memory = self.groups_memory + group.memory() - before;
            }
        }
        self.entries.trim(trim)
    }

    /// As [`Entries::trim`], but what a group refers to stays, and others may go in its place.
    pub(crate) fn trim_unreferenced(&mut self, trim: Trim) -> (usize, Entries) {
        let (Some(read), Some(first)) = (self.read_by_all(), self.entries.first_id()) else {
            return self.entries.trim(trim);
        };
        let groups = self.groups.values().map(|group| group.pending_range(first, read));
        let mut pending = Merged::of(groups);
        let kept = pending.next_id().or(read.next()).unwrap_or(Id::MAX);
        if self.entries.end_of(trim) <= kept {
            return self.entries.trim(trim);
        }
        // What is before the first reference goes as a whole.
        let before = Trim { by: TrimBy::Id(kept), whole_nodes_only: false, limit: None };
        let (trimmed, cut) = match first < kept {
            true => self.entries.trim(before),
            false => (0, Entries::new()),
        };
        let among = self.entries.trim_among(trim, trimmed, |id| match id > read {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(!pending.has(id)),
        });
        (trimmed + among, cut)
    }
}

/// Meets those of `ids` that are pending in a group: the places of these ids. They are in order.
fn pending_among(group: &Group, ids: &[Id], mut meet: impl FnMut(usize)) {
    let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else {
        return;
    };
    if group.pending() < ids.len() {
        for pending in group.pending_range(first, last) {
            if let Ok(at) = ids.binary_search(&pending.id) {
                meet(at);
            }
        }
    } else {
        (0..ids.len()).filter(|&at| group.get(ids[at]).is_some()).for_each(meet);
    }
}

/// What is pending in several groups, in the order of ids.
struct Merged<I> {
    groups: Vec<I>,
    /// The next id of each group that has one.
    next: BinaryHeap<Reverse<(Id, usize)>>,
}

impl<'a, I: Iterator<Item = &'a Pending>> Merged<I> {
    fn of(groups: impl Iterator<Item = I>) -> Merged<I> {
        let mut groups: Vec<I> = groups.collect();
        let next = groups.iter_mut().enumerate();
        let next = next.filter_map(|(at, group)| Some(Reverse((group.next()?.id, at)))).collect();
        Merged { groups, next }
    }

    /// The least id that is left.
    fn next_id(&self) -> Option<Id> {
        self.next.peek().map(|&Reverse((id, _))| id)
    }

    /// Returns whether this id is pending. It is no less than that asked for before.
    fn has(&mut self, id: Id) -> bool {
        while let Some(&Reverse((next, at))) = self.next.peek()
            && next < id
        {
            self.next.pop();
            if let Some(pending) = self.groups[at].next() {
                self.next.push(Reverse((pending.id, at)));
            }
        }
        self.next_id() == Some(id)
    }
}

impl Entries {
    /// The id before which everything goes if this is trimmed.
    fn end_of(&self, trim: Trim) -> Id {
        if let (TrimBy::Id(id), false) = (trim.by, trim.whole_nodes_only) {
            return id;
        }
        let blocks = self.blocks_to_trim(trim);
        let mut gone = (0..blocks).filter_map(|block| self.nodes.weight_of(block)).sum::<usize>();
        let mut next = self.nodes.first_of(blocks).and_then(|id| self.nodes.find(id));
        while let Some(place) = next
            && let Some(node) = self.nodes.at(place)
        {
            let goes = trim.takes(node.last_id(), node.live(), self.len - gone, gone);
            if goes != Some(true) {
                let partly = match trim.by {
                    TrimBy::Length(most) if goes.is_some() && !trim.whole_nodes_only => {
                        (self.len - gone).saturating_sub(most as usize)
                    }
                    _ => 0,
                };
                let mut entries = self.range(node.id(), Id::MAX);
                return entries.nth(partly).map_or(node.id(), |entry| entry.id);
            }
            gone += node.live();
            next = self.nodes.after(place);
        }
        Id::MAX
    }

    /// Removes entries at the front, and behind those that stay; `trimmed` are gone already. Where a node would go
    /// as a whole, and else where that is no condition, each entry is asked about in order, until nothing more may
    /// go. Returns how many went.
    fn trim_among(
        &mut self,
        trim: Trim,
        trimmed: usize,
        mut goes: impl FnMut(Id) -> ControlFlow<(), bool>,
    ) -> usize {
        let before = self.len;
        let mut next = self.nodes.first().map(Item::id);
        let mut is_over = false;
        while let Some(place) = next.and_then(|id| self.nodes.find(id))
            && let Some(node) = self.nodes.at(place)
            && !is_over
        {
            let gone = trimmed + before - self.len;
            let whole = match trim.takes(node.last_id(), node.live(), self.len, gone) {
                None => break,
                Some(false) if trim.whole_nodes_only => break,
                Some(whole) => whole,
            };
            next = self.nodes.after(place).and_then(|place| self.nodes.at(place)).map(Item::id);
            let mut left = self.len as u64;
            self.note_change(place);
            let deleted = self.nodes.change(place, |node| {
                node.delete_among(|id| {
                    let is_enough = match trim.by {
                        TrimBy::Length(most) => left <= most,
                        TrimBy::Id(least) => id >= least,
                    };
                    let answer = if is_enough { ControlFlow::Break(()) } else { goes(id) };
                    is_over = answer.is_break();
                    left -= u64::from(answer == ControlFlow::Continue(true));
                    answer
                })
            });
            self.len -= deleted.unwrap_or(0);
            // Nodes that were emptied here stay, as in the reference; XDEL removes such, and a trim of whole nodes.
            if whole && self.nodes.at(place).is_some_and(|node| node.live() == 0) {
                self.nodes.remove(place);
            }
        }
        if self.len < before {
            self.find_first();
        }
        before - self.len
    }
}

impl Trim {
    /// Whether a node goes as a whole, of so many entries up to the last id, when a stream has `len` entries and so
    /// many are gone. Nothing if no entry of it goes.
    fn takes(self, last_id: Id, live: usize, len: usize, gone: usize) -> Option<bool> {
        if gone + live > self.limit.unwrap_or(usize::MAX) {
            return None;
        }
        match self.by {
            TrimBy::Length(most) if len as u64 <= most => None,
            TrimBy::Length(most) => Some((len - live) as u64 >= most),
            TrimBy::Id(least) => Some(last_id < least),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::keyspace::Random;
    use crate::keyspace::large::stream::node::NodeLimits;

    const LIMITS: NodeLimits = NodeLimits { bytes: 0, entries: 4 };

    /// A stream, and what it ought to be: its entries, and of each group the last id and what is pending.
    struct Both {
        stream: LargeStream,
        entries: Vec<Id>,
        groups: BTreeMap<String, (Id, BTreeSet<Id>)>,
    }

    impl Both {
        fn random(random: &mut Random) -> Both {
            let mut both =
                Both { stream: LargeStream::new(), entries: Vec::new(), groups: BTreeMap::new() };
            let count = random.below(40) as u64;
            for id in (1..=count).map(|ms| Id::new(ms, 1)) {
                both.stream.entries.append(id, [(&b"f"[..], &b"v"[..])].into_iter(), LIMITS);
                both.entries.push(id);
            }
            for name in (0..random.below(4)).map(|n| format!("g{n}")) {
                let last = Id::new(random.below(50) as u64, 1);
                both.stream.create_group(name.as_bytes(), last, None);
                let pending: BTreeSet<Id> = (1..=last.ms)
                    .filter(|_| random.below(3) == 0)
                    .map(|ms| Id::new(ms, 1))
                    .collect();
                both.stream.edit_group(name.as_bytes(), |group, _| {
                    let consumer = group.create_consumer(b"c", 0).unwrap();
                    pending.iter().for_each(|&id| group.deliver(id, consumer, 0));
                });
                both.groups.insert(name, (last, pending));
            }
            for _ in 0..random.below(8) {
                let id = Id::new(random.below(40) as u64, 1);
                both.stream.entries.remove(id);
                both.entries.retain(|&other| other != id);
            }
            both
        }

        fn is_referenced(&self, id: Id) -> bool {
            self.groups.values().any(|(last, pending)| id > *last || pending.contains(&id))
        }

        fn check(&self) {
            self.stream.check();
            let entries = self.stream.entries.range(Id::MIN, Id::MAX).map(|entry| entry.id);
            assert!(entries.eq(self.entries.iter().copied()));
            for (name, (_, pending)) in &self.groups {
                let group = self.stream.group(name.as_bytes()).unwrap();
                let found = group.pending_range(Id::MIN, Id::MAX).map(|pending| pending.id);
                assert!(found.eq(pending.iter().copied()), "{name}");
            }
        }
    }

    fn random_trim(random: &mut Random) -> Trim {
        let by = match random.below(2) {
            0 => TrimBy::Length(random.below(30) as u64),
            _ => TrimBy::Id(Id::new(random.below(45) as u64, random.below(3) as u64)),
        };
        let whole_nodes_only = random.below(2) == 0;
        let limit = (whole_nodes_only && random.below(2) == 0).then(|| random.below(20));
        Trim { by, whole_nodes_only, limit }
    }

    #[test]
    fn references_go_with_what_is_trimmed() {
        let mut random = Random::seeded(3);
        for _ in 0..3000 {
            let mut both = Both::random(&mut random);
            let trim = random_trim(&mut random);
            let (trimmed, _) = both.stream.trim_with_references(trim);
            for id in both.entries.drain(..trimmed) {
                both.groups.values_mut().for_each(|(_, pending)| _ = pending.remove(&id));
            }
            both.check();
        }
    }

    #[test]
    fn what_is_referenced_is_not_trimmed() {
        let mut random = Random::seeded(5);
        for _ in 0..3000 {
            let mut both = Both::random(&mut random);
            let trim = Trim { whole_nodes_only: false, limit: None, ..random_trim(&mut random) };
            let (trimmed, _) = both.stream.trim_unreferenced(trim);
            let before = both.entries.len();
            let mut left = before as u64;
            let mut entries = std::mem::take(&mut both.entries);
            entries.retain(|&id| {
                let is_asked = match trim.by {
                    TrimBy::Length(most) => left > most,
                    TrimBy::Id(least) => id < least,
                };
                let goes = is_asked && !both.is_referenced(id);
                left -= u64::from(goes);
                !goes
            });
            both.entries = entries;
            assert_eq!(trimmed, before - both.entries.len());
            both.check();
        }
    }

    #[test]
    fn nodes_are_taken_as_they_are_without_references() {
        let mut random = Random::seeded(9);
        for _ in 0..3000 {
            let mut both = Both::random(&mut random);
            let trim = Trim { whole_nodes_only: true, ..random_trim(&mut random) };
            let mut plain = both.stream.clone();
            let (whole, _) = plain.entries.trim(trim);
            let goes: Vec<Id> = both.entries[..whole].to_vec();
            let (trimmed, _) = both.stream.trim_unreferenced(trim);
            let is_kept = |id: &Id| both.is_referenced(*id);
            match goes.iter().any(is_kept) {
                false => assert_eq!(trimmed, whole),
                // What stays makes room for what follows.
                true => assert!(trimmed >= goes.iter().filter(|id| !is_kept(id)).count()),
            }
            both.entries = both.stream.entries.range(Id::MIN, Id::MAX).map(|one| one.id).collect();
            assert!(
                both.entries.len() as u64
                    >= match trim.by {
                        TrimBy::Length(most) => most.min(both.entries.len() as u64),
                        TrimBy::Id(_) => 0,
                    }
            );
            both.check();
        }
    }

    #[test]
    fn ids_are_looked_up_either_way() {
        let mut random = Random::seeded(8);
        for _ in 0..2000 {
            let mut both = Both::random(&mut random);
            let ids: BTreeSet<Id> =
                (0..random.below(30)).map(|_| Id::new(random.below(50) as u64, 1)).collect();
            let ids: Vec<Id> = ids.into_iter().collect();
            let expected: Vec<bool> = ids.iter().map(|&id| both.is_referenced(id)).collect();
            assert_eq!(both.stream.referenced(&ids), expected);
            let mut count = 0;
            for (_, pending) in both.groups.values_mut() {
                count += ids.iter().filter(|&id| pending.remove(id)).count();
            }
            assert_eq!(both.stream.acknowledge_everywhere(&ids), count);
            both.check();
        }
    }

    /// It would take minutes if they were.
    #[test]
    fn ids_and_groups_are_not_multiplied() {
        let mut stream = LargeStream::new();
        let ids: Vec<Id> = (1..=100_000).map(|ms| Id::new(ms, 1)).collect();
        for &id in &ids {
            stream.entries.append(id, [(&b"f"[..], &b"v"[..])].into_iter(), LIMITS);
        }
        for group in 0..50_000 {
            let name = format!("g{group}");
            stream.create_group(name.as_bytes(), Id::MAX, None);
            stream.edit_group(name.as_bytes(), |group, _| {
                let consumer = group.create_consumer(b"c", 0).unwrap();
                group.deliver(ids[99_000], consumer, 0);
            });
        }
        assert_eq!(stream.referenced(&ids).iter().filter(|&&is| is).count(), 1);
        let all = Trim { by: TrimBy::Length(0), whole_nodes_only: false, limit: None };
        assert_eq!(stream.trim_unreferenced(all).0, 99_999);
        assert_eq!(stream.acknowledge_everywhere(&ids), 50_000);
        assert_eq!(stream.trim_with_references(all).0, 1);
    }
}
