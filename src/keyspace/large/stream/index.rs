//! Items in the order of their ids, in blocks.
//!
//! A deque of blocks, each a deque of up to [`BLOCK`] items: what is added at the end and removed at the front
//! moves nothing else, anything in between moves a part of one block, and an id is found by halving. Memory is
//! dense and counted to the byte. Every block knows how much its items weigh and hold, so that any number of
//! blocks is cut off without a look at the items.

use std::collections::VecDeque;

use super::id::Id;
use crate::keyspace::blob::allocated;

/// What an [`Index`] keeps.
pub(crate) trait Item {
    fn id(&self) -> Id;

    /// What it counts for.
    fn weight(&self) -> usize {
        1
    }

    /// Bytes of memory that it holds beside itself.
    fn heap(&self) -> usize {
        0
    }
}

impl Item for Id {
    fn id(&self) -> Id {
        *self
    }
}

/// The most items of a block.
const BLOCK: usize = if cfg!(test) { 16 } else { 256 };

/// A block that had more room than this and four times what it needs gives it up.
const LEAST_ROOM: usize = 8;

#[derive(Debug)]
pub(crate) struct Index<T> {
    blocks: VecDeque<Block<T>>,
    len: usize,
    /// Bytes of the blocks, and of what their items hold.
    memory: usize,
}

#[derive(Debug)]
struct Block<T> {
    items: VecDeque<T>,
    weight: usize,
    heap: usize,
}

/// Where an item is, until the index is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    block: usize,
    item: usize,
}

impl<T> Block<T> {
    fn memory(&self) -> usize {
        allocated(self.items.capacity() * size_of::<T>()) + self.heap
    }
}

impl<T: Item> Block<T> {
    fn of(items: VecDeque<T>) -> Block<T> {
        let weight = items.iter().map(T::weight).sum();
        let heap = items.iter().map(T::heap).sum();
        Block { items, weight, heap }
    }

    fn first(&self) -> Option<Id> {
        self.items.front().map(T::id)
    }

    fn add(&mut self, item: &T) {
        self.weight += item.weight();
        self.heap += item.heap();
    }

    fn subtract(&mut self, item: &T) {
        self.weight -= item.weight();
        self.heap -= item.heap();
    }

    fn trim(&mut self) {
        let len = self.items.len();
        if self.items.capacity() > LEAST_ROOM.max(4 * len) {
            self.items.shrink_to(2 * len);
        }
    }
}

// A copy has no room, so it is counted anew.

impl<T: Item + Clone> Clone for Block<T> {
    fn clone(&self) -> Block<T> {
        Block::of(self.items.clone())
    }
}

impl<T: Item + Clone> Clone for Index<T> {
    fn clone(&self) -> Index<T> {
        let blocks = self.blocks.clone();
        let memory = blocks.iter().map(Block::memory).sum();
        Index { blocks, len: self.len, memory }
    }
}

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index::new()
    }
}

impl<T> Index<T> {
    pub(crate) const fn new() -> Index<T> {
        Index { blocks: VecDeque::new(), len: 0, memory: 0 }
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Bytes of memory that the items hold, with their places.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        self.memory + allocated(self.blocks.capacity() * size_of::<Block<T>>())
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.blocks.iter().flat_map(|block| block.items.iter())
    }

    /// The item at a place.
    #[inline]
    pub(crate) fn at(&self, place: Place) -> Option<&T> {
        self.blocks.get(place.block)?.items.get(place.item)
    }

    pub(crate) fn first(&self) -> Option<&T> {
        self.blocks.front()?.items.front()
    }

    #[inline]
    pub(crate) fn last(&self) -> Option<&T> {
        self.blocks.back()?.items.back()
    }

    /// Where the first item is. Something is there only if there are items.
    pub(crate) fn start(&self) -> Place {
        Place { block: 0, item: 0 }
    }

    /// The last place.
    pub(crate) fn end(&self) -> Option<Place> {
        let block = self.blocks.len().checked_sub(1)?;
        Some(Place { block, item: self.blocks[block].items.len().checked_sub(1)? })
    }

    /// The place behind one.
    #[inline]
    pub(crate) fn after(&self, place: Place) -> Option<Place> {
        let Place { block, item } = place;
        if item + 1 < self.blocks.get(block)?.items.len() {
            return Some(Place { block, item: item + 1 });
        }
        (block + 1 < self.blocks.len()).then_some(Place { block: block + 1, item: 0 })
    }

    /// The place before one.
    #[inline]
    pub(crate) fn before(&self, place: Place) -> Option<Place> {
        let Place { block, item } = place;
        if item > 0 {
            return Some(Place { block, item: item - 1 });
        }
        let block = block.checked_sub(1)?;
        Some(Place { block, item: self.blocks[block].items.len().checked_sub(1)? })
    }
}

impl<T: Item> Index<T> {
    /// The last item whose id is not greater.
    pub(crate) fn floor(&self, id: Id) -> Option<Place> {
        let block = match self.blocks.back() {
            Some(last) if last.first() <= Some(id) => self.blocks.len(),
            _ => self.blocks.partition_point(|block| block.first() <= Some(id)),
        };
        let block = block.checked_sub(1)?;
        let item = self.blocks[block].items.partition_point(|item| item.id() <= id);
        Some(Place { block, item: item.checked_sub(1)? })
    }

    /// The first item whose id is not smaller.
    pub(crate) fn ceiling(&self, id: Id) -> Option<Place> {
        match self.floor(id) {
            Some(place) if self.at(place).is_some_and(|item| item.id() == id) => Some(place),
            Some(place) => self.after(place),
            None => (!self.is_empty()).then(|| self.start()),
        }
    }

    /// The item with this id.
    pub(crate) fn find(&self, id: Id) -> Option<Place> {
        self.floor(id).filter(|&place| self.at(place).is_some_and(|item| item.id() == id))
    }

    /// The items with ids from one to another.
    pub(crate) fn range(&self, from: Id, to: Id) -> Range<'_, T> {
        let ends = match (self.ceiling(from), self.floor(to)) {
            (Some(front), Some(back)) if from <= to && front <= back => Some((front, back)),
            _ => None,
        };
        Range { index: self, ends }
    }

    /// Adds an item, whose id no other has.
    pub(crate) fn insert(&mut self, item: T) {
        let id = item.id();
        self.len += 1;
        let is_last = self.last().is_none_or(|last| last.id() < id);
        if is_last {
            match self.blocks.back() {
                Some(last) if last.items.len() < BLOCK => {}
                _ => self.blocks.push_back(Block::of(VecDeque::new())),
            }
            let last = self.blocks.len() - 1;
            return self.change_block(last, |block| {
                block.add(&item);
                block.items.push_back(item);
            });
        }
        let mut block = self.blocks.partition_point(|block| block.first() <= Some(id));
        block = block.saturating_sub(1);
        if self.blocks[block].items.len() >= BLOCK {
            let upper = self.change_block(block, |block| {
                let upper = Block::of(block.items.split_off(BLOCK / 2));
                block.weight -= upper.weight;
                block.heap -= upper.heap;
                upper
            });
            let goes_up = upper.first().is_some_and(|first| first < id);
            self.memory += upper.memory();
            self.blocks.insert(block + 1, upper);
            block += usize::from(goes_up);
        }
        self.change_block(block, |block| {
            let at = block.items.partition_point(|other| other.id() < id);
            block.add(&item);
            block.items.insert(at, item);
        });
    }

    /// Changes an item, but not its id.
    #[inline]
    pub(crate) fn change<R>(
        &mut self,
        place: Place,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let block = self.blocks.get_mut(place.block)?;
        let item = block.items.get_mut(place.item)?;
        let (weight, heap) = (item.weight(), item.heap());
        let result = change(item);
        let (weighs, holds) = (item.weight(), item.heap());
        block.weight = block.weight + weighs - weight;
        block.heap = block.heap + holds - heap;
        self.memory = self.memory + holds - heap;
        Some(result)
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        self.at(place)?;
        let removed = self.change_block(place.block, |block| {
            let removed = block.items.remove(place.item);
            if let Some(item) = &removed {
                block.subtract(item);
            }
            block.trim();
            removed
        });
        self.len -= usize::from(removed.is_some());
        let left = self.blocks[place.block].items.len();
        if left == 0 {
            if let Some(block) = self.blocks.remove(place.block) {
                self.memory -= block.memory();
            }
            self.trim();
        } else if left <= BLOCK / 4 {
            self.join(place.block);
        }
        removed
    }

    /// Joins a block of few items with the one behind it, if that has few as well.
    fn join(&mut self, block: usize) {
        let few = |block: Option<&Block<T>>| block.is_some_and(|b| b.items.len() <= BLOCK / 4);
        if !few(self.blocks.get(block)) || !few(self.blocks.get(block + 1)) {
            return;
        }
        if let Some(mut upper) = self.blocks.remove(block + 1) {
            self.memory -= upper.memory();
            self.change_block(block, |block| {
                block.weight += upper.weight;
                block.heap += upper.heap;
                block.items.append(&mut upper.items);
            });
            self.trim();
        }
    }

    /// Changes a block and accounts for what it holds.
    fn change_block<R>(&mut self, at: usize, change: impl FnOnce(&mut Block<T>) -> R) -> R {
        let block = &mut self.blocks[at];
        let before = block.memory();
        let result = change(block);
        self.memory = self.memory + block.memory() - before;
        result
    }

    /// Gives up places for blocks that are several times what is needed.
    fn trim(&mut self) {
        let len = self.blocks.len();
        if self.blocks.capacity() > LEAST_ROOM.max(4 * len) {
            self.blocks.shrink_to(2 * len);
        }
    }

    /// What the items of block number `block` weigh.
    pub(crate) fn weight_of(&self, block: usize) -> Option<usize> {
        self.blocks.get(block).map(|block| block.weight)
    }

    /// The id of the first item of block number `block`.
    pub(crate) fn first_of(&self, block: usize) -> Option<Id> {
        self.blocks.get(block)?.first()
    }

    /// Cuts off so many blocks at the front, which takes no look at their items but to count them.
    pub(crate) fn cut(&mut self, blocks: usize) -> Index<T> {
        if blocks == 0 {
            return Index::new();
        }
        let cut: VecDeque<Block<T>> = self.blocks.drain(..blocks.min(self.blocks.len())).collect();
        self.trim();
        let len = cut.iter().map(|block| block.items.len()).sum();
        let memory = cut.iter().map(Block::memory).sum();
        self.len -= len;
        self.memory -= memory;
        Index { blocks: cut, len, memory }
    }

    /// Removes the first item.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.remove(self.start())
    }

    /// Frees up to so many items that hold memory, or blocks of such that do not. Returns how many.
    pub(crate) fn free_some(&mut self, most: usize) -> usize {
        let mut freed = 0;
        while freed < most
            && let Some(block) = self.blocks.back_mut()
        {
            freed += 1;
            let before = block.memory();
            if block.heap == 0 {
                self.len -= block.items.len();
                block.items.clear();
            } else if let Some(item) = block.items.pop_back() {
                block.subtract(&item);
                self.len -= 1;
            }
            match block.items.is_empty() {
                false => self.memory = self.memory + block.memory() - before,
                true => {
                    self.memory -= before;
                    self.blocks.pop_back();
                }
            }
        }
        if self.blocks.is_empty() {
            *self = Index::new();
        }
        freed
    }
}

/// Items with ids from one to another.
#[derive(Debug)]
pub(crate) struct Range<'a, T> {
    index: &'a Index<T>,
    /// The first and the last of those that are left.
    ends: Option<(Place, Place)>,
}

impl<'a, T> Iterator for Range<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        let (front, back) = self.ends?;
        let item = self.index.at(front);
        self.ends = match self.index.after(front) {
            Some(next) if next <= back => Some((next, back)),
            _ => None,
        };
        item
    }
}

impl<T> DoubleEndedIterator for Range<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (front, back) = self.ends?;
        let item = self.index.at(back);
        self.ends = match self.index.before(back) {
            Some(next) if front <= next => Some((front, next)),
            _ => None,
        };
        item
    }
}

#[cfg(test)]
impl<T: Item> Index<T> {
    /// Panics if what the index says of itself is not so.
    pub(crate) fn check(&self) {
        let ids: Vec<Id> = self.iter().map(T::id).collect();
        assert!(ids.is_sorted_by(|one, other| one < other));
        assert_eq!(self.len, ids.len());
        for block in &self.blocks {
            assert!(!block.items.is_empty() && block.items.len() <= BLOCK);
            assert_eq!(block.weight, block.items.iter().map(T::weight).sum::<usize>());
            assert_eq!(block.heap, block.items.iter().map(T::heap).sum::<usize>());
        }
        assert_eq!(self.memory, self.blocks.iter().map(Block::memory).sum::<usize>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;
    use std::collections::BTreeSet;

    #[test]
    fn an_index_behaves_like_an_ordered_set() {
        for seed in 0..6 {
            let mut random = Random::seeded(seed);
            let mut index: Index<Id> = Index::new();
            let mut model = BTreeSet::new();
            let spread = [300, 3000, 30_000][seed as usize % 3];
            for step in 0..20_000 {
                let id = Id::new(random.below(spread) as u64, 0);
                // There are more of them in the first half and fewer in the second.
                if random.below(10) < if step < 10_000 { 7 } else { 3 } {
                    if model.insert(id) {
                        index.insert(id);
                    }
                } else {
                    let found = index.find(id);
                    assert_eq!(found.is_some(), model.remove(&id));
                    found.map(|place| index.remove(place));
                }
                if step % 500 == 0 {
                    index.check();
                    assert!(index.iter().eq(&model));
                    let (from, to) = (id, Id::new(id.ms + 200, 0));
                    assert!(index.range(from, to).eq(model.range(from..=to)));
                    assert!(index.range(from, to).rev().eq(model.range(from..=to).rev()));
                }
            }
            let cut = index.cut(2);
            cut.check();
            index.check();
            assert!(cut.iter().chain(index.iter()).eq(&model));
            while index.free_some(1) > 0 {}
            assert_eq!(index.memory(), 0);
        }
    }
}
