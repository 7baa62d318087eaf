//! The entries of a stream, and what is known of all that it ever had.

use super::id::Id;
use super::index::{Index, Item as _, Place};
use super::node::{Node, NodeLimits, StreamEntry};
use super::recorded::Recorded;

/// Entries in the order of their ids, in nodes.
#[derive(Debug, Clone)]
pub struct Entries {
    pub(super) nodes: Index<Node>,
    pub(super) len: usize,
    first: Option<Id>,
    last_id: Id,
    max_deleted_id: Id,
    added: u64,
    /// What there was at a moment that is being recorded.
    pub(super) recorded: Recorded,
}

/// What to trim a stream to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    pub by: TrimBy,
    /// Entries of a node go together or not at all.
    pub whole_nodes_only: bool,
    /// A node goes as a whole only if no more entries than this have gone with it.
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrimBy {
    /// So many entries are left, the last ones.
    Length(u64),
    /// No entry is left whose id is smaller.
    Id(Id),
}

/// What all entries that a stream has had leave behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// The greatest id that an entry had, or that was set.
    pub last_id: Id,
    /// The greatest id of those that were deleted one by one.
    pub max_deleted_id: Id,
    /// How many entries were ever added.
    pub entries_added: u64,
}

impl Entries {
    pub(crate) const fn new() -> Entries {
        Entries {
            nodes: Index::new(),
            len: 0,
            first: None,
            last_id: Id::MIN,
            max_deleted_id: Id::MIN,
            added: 0,
            recorded: Recorded::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn counters(&self) -> Counters {
        Counters {
            last_id: self.last_id,
            max_deleted_id: self.max_deleted_id,
            entries_added: self.added,
        }
    }

    pub(crate) fn set_counters(&mut self, counters: Counters) {
        self.last_id = counters.last_id;
        self.max_deleted_id = counters.max_deleted_id;
        self.added = counters.entries_added;
    }

    /// The greatest id that an entry had, or that was set.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// The id of the first entry.
    pub fn first_id(&self) -> Option<Id> {
        self.first
    }

    /// The id of the last entry.
    pub fn last_entry_id(&self) -> Option<Id> {
        self.range(Id::MIN, Id::MAX).next_back().map(|entry| entry.id)
    }

    /// Bytes of memory that the entries hold.
    pub(crate) fn memory(&self) -> usize {
        self.nodes.memory() + self.recorded.memory()
    }

    /// The entries with ids from one to another.
    pub fn range(&self, from: Id, to: Id) -> Range<'_> {
        Range { entries: self, left: (from <= to).then_some((from, to)), front: None, back: None }
    }

    pub fn get(&self, id: Id) -> Option<StreamEntry<'_>> {
        self.nodes.at(self.nodes.floor(id)?)?.get(id)
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// How many nodes have entries.
    pub(crate) fn filled_nodes(&self) -> usize {
        self.nodes.iter().filter(|node| node.live() > 0).count()
    }

    /// How many nodes the reference's radix tree of these nodes' first ids has.
    ///
    /// Sixteen bytes are a path from its root. Bytes in a row at which paths neither part nor end share a node; one at which
    /// they part has its own, and so has the end of each path.
    pub fn radix_nodes(&self) -> usize {
        let mut count = 0;
        // How deep the paths part on the way to the last id, one inside the other.
        let mut parted: Vec<usize> = Vec::new();
        let mut last = None;
        for key in self.nodes.iter().map(|node| node.id().to_bits()) {
            if let Some(last) = last {
                let depth = u128::leading_zeros(last ^ key) as usize / 8;
                let mut below = KEY;
                while let Some(&deepest) = parted.last()
                    && deepest > depth
                {
                    parted.pop();
                    count += chain(deepest, below);
                    below = deepest;
                }
                count += chain(depth, below);
                if parted.last() != Some(&depth) {
                    parted.push(depth);
                    count += 1;
                }
            }
            count += 1;
            last = Some(key);
        }
        let mut below = KEY;
        while let Some(deepest) = parted.pop() {
            count += chain(deepest, below);
            below = deepest;
        }
        count + usize::from(last.is_none() || below > 0)
    }

    // What the reference knows of how much of a stream has been read.

    /// Whether an entry from `id` on may have been deleted one by one.
    fn may_lack_any_from(&self, id: Id) -> bool {
        !self.is_empty() && !self.max_deleted_id.is_zero() && id <= self.max_deleted_id
    }

    /// How many entries had been added when that with this id was, if that is known: the reference's estimate.
    pub fn added_up_to(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        let first = match self.first {
            None if id <= self.last_id => return Some(self.added),
            first => first.unwrap_or_default(),
        };
        if !id.is_zero() && id < self.max_deleted_id {
            return None;
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.added);
        }
        if !self.max_deleted_id.is_zero() && self.max_deleted_id >= first {
            return None;
        }
        match id.cmp(&first) {
            std::cmp::Ordering::Less => Some(self.added.wrapping_sub(self.len as u64)),
            std::cmp::Ordering::Equal => Some(self.added.wrapping_sub(self.len as u64) + 1),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// How many entries a group has read with the one of this id, when it had read so many up to another id.
    pub(crate) fn read_up_to(&self, id: Id, before: Option<u64>, from: Id) -> Option<u64> {
        match before {
            Some(read) if Some(from) >= self.first && !self.may_lack_any_from(from) => {
                Some(read.wrapping_add(1))
            }
            before if self.added == 0 => before,
            _ => self.added_up_to(id),
        }
    }

    /// How many entries are to be read by one that has read so many, up to `id`; none if that is not known.
    pub(crate) fn lag(&self, id: Id, read: Option<u64>) -> Option<i64> {
        if self.added == 0 {
            return Some(0);
        }
        let read = match read {
            Some(read) if !self.may_lack_any_from(id) => read,
            _ => self.added_up_to(id)?,
        };
        Some(self.added.wrapping_sub(read) as i64)
    }

    // Changes.

    /// Adds an entry, whose id is greater than the last one.
    pub(crate) fn append<'f>(
        &mut self,
        id: Id,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: NodeLimits,
    ) {
        debug_assert!(id > self.last_id);
        let last = self.nodes.end();
        if let Some(last) = last {
            self.note_change(last);
        }
        let room = match last {
            // None if the entry has been added, and else what the last node needed.
            Some(last) => self.nodes.change(last, |node| {
                let is_added = node.append(id, fields.clone(), limits);
                (!is_added).then(|| node.settle())
            }),
            None => Some(Some(0)),
        };
        if let Some(Some(room)) = room {
            self.recorded.added(id);
            self.nodes.insert(Node::of(id, fields, room));
        }
        self.len += 1;
        self.first.get_or_insert(id);
        self.last_id = id;
        self.added = self.added.wrapping_add(1);
    }

    /// Deletes an entry. Returns whether it was there.
    pub(crate) fn remove(&mut self, id: Id) -> bool {
        let Some(place) = self.nodes.floor(id) else {
            return false;
        };
        self.note_change(place);
        if self.nodes.change(place, |node| node.delete(id)) != Some(true) {
            return false;
        }
        if self.nodes.at(place).is_some_and(|node| node.live() == 0) {
            self.nodes.remove(place);
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if self.first == Some(id) {
            self.find_first();
        }
        true
    }

    /// The node at a place is about to change.
    #[inline]
    pub(super) fn note_change(&mut self, place: Place) {
        if self.recorded.is_open()
            && let Some(node) = self.nodes.at(place)
        {
            self.recorded.changes(node);
        }
    }

    /// Removes entries at the front. Returns how many, and those that are to be freed in slices.
    pub(crate) fn trim(&mut self, trim: Trim) -> (usize, Entries) {
        let before = self.len;
        let mut cut = Entries::new();
        cut.nodes = self.nodes.cut(self.blocks_to_trim(trim));
        cut.len = (0..cut.nodes.blocks()).filter_map(|block| cut.nodes.weight_of(block)).sum();
        self.len -= cut.len;
        cut.nodes = self.recorded.cut(cut.nodes);
        let most = trim.limit.unwrap_or(usize::MAX);
        while let Some(node) = self.nodes.first() {
            let weight = node.live();
            let goes = match trim.by {
                TrimBy::Length(most) if self.len as u64 <= most => break,
                TrimBy::Length(most) => (self.len - weight) as u64 >= most,
                TrimBy::Id(least) => node.last_id() < least,
            };
            if before - self.len + weight > most {
                break;
            }
            if goes {
                self.nodes.pop().and_then(|node| self.recorded.removed(node));
                self.len -= weight;
                continue;
            }
            if !trim.whole_nodes_only {
                let mut left = self.len as u64;
                let goes = |id| match trim.by {
                    TrimBy::Length(most) => {
                        let goes = left > most;
                        left -= u64::from(goes);
                        goes
                    }
                    TrimBy::Id(least) => id < least,
                };
                let start = self.nodes.start();
                self.note_change(start);
                self.len -= self.nodes.change(start, |node| node.delete_front(goes)).unwrap_or(0);
            }
            break;
        }
        let trimmed = before - self.len;
        if trimmed > 0 {
            self.find_first();
        }
        (trimmed, cut)
    }

    /// How many blocks of nodes go as a whole.
    pub(super) fn blocks_to_trim(&self, trim: Trim) -> usize {
        let most = trim.limit.unwrap_or(usize::MAX);
        let mut gone = 0;
        let mut blocks = 0;
        while let Some(weight) = self.nodes.weight_of(blocks) {
            let left = self.len - gone - weight;
            let goes = match trim.by {
                TrimBy::Length(most) => weight > 0 && left as u64 >= most,
                TrimBy::Id(least) => {
                    self.nodes.first_of(blocks + 1).is_some_and(|next| next <= least)
                }
            };
            if !goes || gone + weight > most {
                break;
            }
            gone += weight;
            blocks += 1;
        }
        blocks
    }

    pub(super) fn find_first(&mut self) {
        self.first = self.range(Id::MIN, Id::MAX).next().map(|entry| entry.id);
    }

    /// Frees up to so many nodes. Returns how many.
    pub(crate) fn free_some(&mut self, most: usize) -> usize {
        let freed = self.recorded.free_some(most);
        freed + self.nodes.free_some(most - freed.min(most))
    }
}

/// The bytes of an id in the reference's radix tree.
const KEY: usize = 16;

/// How many nodes are between two places at which paths part, or from one to the end.
fn chain(above: usize, below: usize) -> usize {
    usize::from(below > above + 1)
}

/// Entries with ids from one to another, from either end.
#[derive(Debug, Clone)]
pub struct Range<'a> {
    entries: &'a Entries,
    /// The least and the greatest id that may follow.
    left: Option<(Id, Id)>,
    front: Option<Cursor>,
    back: Option<Cursor>,
}

/// A node, and an offset there.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    place: Place,
    offset: usize,
}

impl<'a> Iterator for Range<'a> {
    type Item = StreamEntry<'a>;

    #[inline]
    fn next(&mut self) -> Option<StreamEntry<'a>> {
        let (from, to) = self.left?;
        let nodes = &self.entries.nodes;
        let mut cursor = match self.front {
            Some(cursor) => cursor,
            None => match nodes.floor(from) {
                Some(place) => Cursor { place, offset: nodes.at(place)?.seek(from) },
                None => Cursor { place: nodes.start(), offset: nodes.first()?.front() },
            },
        };
        loop {
            if let Some((entry, end)) = nodes.at(cursor.place)?.next(cursor.offset) {
                self.front = Some(Cursor { offset: end, ..cursor });
                let next = entry.id.next().filter(|&next| next <= to);
                self.left = next.map(|next| (next, to));
                return (entry.id <= to).then_some(entry);
            }
            let Some(place) = nodes.after(cursor.place) else {
                self.left = None;
                return None;
            };
            cursor = Cursor { place, offset: nodes.at(place)?.front() };
        }
    }
}

impl DoubleEndedIterator for Range<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (from, to) = self.left?;
        let nodes = &self.entries.nodes;
        let mut cursor = match self.back {
            Some(cursor) => cursor,
            None => {
                let place = nodes.floor(to)?;
                Cursor { place, offset: nodes.at(place)?.seek_back(to) }
            }
        };
        loop {
            if let Some((entry, start)) = nodes.at(cursor.place)?.previous(cursor.offset) {
                self.back = Some(Cursor { offset: start, ..cursor });
                let previous = entry.id.previous().filter(|&previous| from <= previous);
                self.left = previous.map(|previous| (from, previous));
                return (from <= entry.id).then_some(entry);
            }
            let Some(place) = nodes.before(cursor.place) else {
                self.left = None;
                return None;
            };
            cursor = Cursor { place, offset: nodes.at(place)?.back() };
        }
    }
}

#[cfg(test)]
impl Entries {
    /// Panics if what the entries say of themselves is not so.
    pub(crate) fn check(&self) {
        self.nodes.check();
        self.recorded.check();
        self.nodes.iter().for_each(Node::check);
        assert_eq!(self.len, self.nodes.iter().map(Node::live).sum::<usize>());
        assert_eq!(self.first, self.range(Id::MIN, Id::MAX).next().map(|entry| entry.id));
    }
}
