//! A node of a large list: packed elements, with room before and behind them.
//!
//! ```text
//! ┌───────────────┬─────────────────────────┬────────┐
//! │ room in front │ elements, as in packed  │ room   │
//! └───────────────┴─────────────────────────┴────────┘
//!                 └ start                   └ len    └ capacity
//! ```
//!
//! Thanks to the room, adding and removing at either end moves nothing else. When room at one end is
//! used up and there is plenty at the other, the elements are moved between the two; else they are
//! moved to a larger allocation. Either happens once in a number of pushes that grows with the node.

use std::ops::Range;

use super::Side;
use super::fill::{EMPTY_LISTPACK, Fill, listpack_size};
use crate::keyspace::blob::allocated;
use crate::keyspace::compact::packed;

#[derive(Debug)]
pub(crate) struct Node {
    bytes: Vec<u8>,
    start: u32,
    count: u32,
    /// What the elements would take as the reference's listpack.
    size: usize,
}

/// Room for growth is at least and at most so many bytes, and a quarter of the elements in between.
const LEAST_ROOM: usize = 48;
const MOST_ROOM: usize = 4096;

impl Node {
    /// A node without elements. It must not stay so.
    pub(crate) fn new() -> Node {
        Node { bytes: Vec::new(), start: 0, count: 0, size: EMPTY_LISTPACK }
    }

    /// A node of one element.
    pub(crate) fn of(element: &[u8]) -> Node {
        let mut node = Node::new();
        node.push(Side::Right, element);
        node
    }

    /// The elements that `run` packs.
    pub(crate) fn from_packed(run: &[u8]) -> Node {
        let mut node = Node::new();
        node.reserve(Side::Right, run.len());
        node.bytes.extend_from_slice(run);
        for (_, element) in packed::Iter::over(run, 0) {
            node.count += 1;
            node.size += listpack_size(element);
        }
        node
    }

    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What the elements would take as the reference's listpack, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The elements, packed.
    pub(crate) fn run(&self) -> &[u8] {
        &self.bytes[self.start as usize..]
    }

    /// Bytes of memory that the elements hold, the node itself not counted.
    pub(crate) fn memory(&self) -> usize {
        allocated(self.bytes.capacity())
    }

    pub(crate) fn iter(&self) -> packed::Iter<'_> {
        packed::Iter::over(&self.bytes, self.start as usize)
    }

    /// The elements from number `index` on.
    pub(crate) fn iter_from(&self, index: usize) -> packed::Iter<'_> {
        packed::Iter::over(&self.bytes, self.offset(index))
    }

    /// Whether the only element is so large that nothing may join it.
    pub(crate) fn is_plain(&self, fill: Fill) -> bool {
        self.count == 1
            && self.bytes.len() > 4096
            && self.iter().next().is_some_and(|(_, element)| fill.is_large(element.len()))
    }

    /// Whether an element of `length` bytes may be added.
    pub(crate) fn takes(&self, length: usize, fill: Fill) -> bool {
        fill.takes(length, self.size, self.len()) && !self.is_plain(fill) && !fill.is_large(length)
    }

    /// Whether all elements of the node that follows may be added.
    pub(crate) fn takes_all(&self, next: &Node, fill: Fill) -> bool {
        fill.holds(self.size + next.size - EMPTY_LISTPACK, self.len() + next.len())
            && !self.is_plain(fill)
            && !next.is_plain(fill)
    }

    /// Adds an element at an end.
    pub(crate) fn push(&mut self, side: Side, element: &[u8]) {
        let needed = packed::spelled(element);
        self.reserve(side, needed);
        match side {
            Side::Left => {
                let end = self.start as usize;
                self.start -= needed as u32;
                packed::write(&mut self.bytes[end - needed..end], element);
            }
            Side::Right => {
                let at = self.bytes.len();
                packed::splice(&mut self.bytes, at, 0, element);
            }
        }
        self.count += 1;
        self.size += listpack_size(element);
    }

    /// Puts an element before number `index`, or at the end.
    pub(crate) fn insert(&mut self, index: usize, element: &[u8]) {
        if index == 0 {
            return self.push(Side::Left, element);
        }
        self.reserve(Side::Right, packed::spelled(element));
        let at = self.offset(index);
        packed::splice(&mut self.bytes, at, 0, element);
        self.count += 1;
        self.size += listpack_size(element);
    }

    /// Replaces element number `index`.
    pub(crate) fn replace(&mut self, index: usize, element: &[u8]) {
        let at = self.offset(index);
        self.size -= self.size_of(at..at + 1);
        self.size += listpack_size(element);
        let old = packed::size_at(&self.bytes, at);
        packed::splice(&mut self.bytes, at, old, element);
        self.trim();
    }

    /// Removes `count` elements, which is less than all, at an end.
    pub(crate) fn remove(&mut self, side: Side, count: usize) {
        let end = self.bytes.len();
        match side {
            Side::Left => {
                let to = self.offset(count);
                self.size -= self.size_of(self.start as usize..to);
                self.start = to as u32;
            }
            Side::Right => {
                let from = self.offset(self.len() - count);
                self.size -= self.size_of(from..end);
                self.bytes.truncate(from);
            }
        }
        self.count -= count as u32;
        self.trim();
    }

    /// Removes up to `most` elements that are equal to `element`, counted from `side` on. Returns how
    /// many.
    pub(crate) fn remove_equal(&mut self, element: &[u8], side: Side, most: usize) -> usize {
        let is_equal = |&(_, other): &(usize, &[u8])| other == element;
        let from = match side {
            Side::Left => self.iter().find(is_equal),
            Side::Right => self.iter().rev().filter(is_equal).take(most).last(),
        };
        let Some((at, _)) = from else {
            return 0;
        };
        let removed = packed::remove_equal(&mut self.bytes, at, element, most);
        self.count -= removed as u32;
        self.size -= removed * listpack_size(element);
        self.trim();
        removed
    }

    /// Takes the elements from number `index` on out into a node of their own.
    pub(crate) fn split_off(&mut self, index: usize) -> Node {
        let at = self.offset(index);
        let rest = Node::from_packed(&self.bytes[at..]);
        self.bytes.truncate(at);
        self.count -= rest.count;
        self.size -= rest.size - EMPTY_LISTPACK;
        self.trim();
        rest
    }

    /// Adds all elements of the node that follows.
    pub(crate) fn append(&mut self, next: &Node) {
        self.reserve(Side::Right, next.run().len());
        self.bytes.extend_from_slice(next.run());
        self.count += next.count;
        self.size += next.size - EMPTY_LISTPACK;
    }

    /// Gives up what room there is: the node has got a neighbour, where pushes go now.
    pub(crate) fn settle(&mut self) {
        if self.bytes.capacity() > self.run().len() {
            self.bytes = self.run().to_vec();
            self.start = 0;
        }
    }

    /// Gives up room that is several times what the elements take.
    fn trim(&mut self) {
        let used = self.run().len();
        if self.bytes.capacity() > 4 * used + 4 * LEAST_ROOM {
            self.relocate(Side::Right, room_for(used) / 2, room_for(used) / 2);
        }
    }

    /// Makes sure that `needed` bytes can be added at an end.
    #[inline]
    fn reserve(&mut self, side: Side, needed: usize) {
        let room = match side {
            Side::Left => self.start as usize,
            Side::Right => self.bytes.capacity() - self.bytes.len(),
        };
        if room < needed {
            self.make_room(side, needed);
        }
    }

    #[cold]
    fn make_room(&mut self, side: Side, needed: usize) {
        let used = self.run().len();
        let spare = self.bytes.capacity() - used;
        let room = room_for(used);
        // A node that lives from hand to mouth, pushed at one end and popped at the other.
        if spare >= room && spare / 2 >= needed {
            let start = spare / 2;
            let old = self.start as usize;
            if start > old {
                self.bytes.resize(start + used, 0);
            }
            self.bytes.copy_within(old..old + used, start);
            self.bytes.truncate(start + used);
            self.start = start as u32;
            return;
        }
        self.relocate(side, room.max(needed), 0);
    }

    /// Moves the elements to a new allocation with room on one side and on the other.
    fn relocate(&mut self, side: Side, room: usize, other: usize) {
        let (front, behind) = match side {
            Side::Left => (room, other),
            Side::Right => (other, room),
        };
        let mut bytes = Vec::with_capacity(front + self.run().len() + behind);
        bytes.resize(front, 0);
        bytes.extend_from_slice(self.run());
        self.bytes = bytes;
        self.start = front as u32;
    }

    /// Where element number `index` lies; the end if there are no more. Looked for from the nearer end.
    fn offset(&self, index: usize) -> usize {
        let mut iter = self.iter();
        let behind = self.len() - index;
        if index == 0 {
            return self.start as usize;
        } else if index <= behind {
            iter.nth(index - 1);
            return iter.offset();
        }
        match behind.checked_sub(1).and_then(|skipped| iter.nth_back(skipped)) {
            Some((at, _)) => at,
            None => self.bytes.len(),
        }
    }

    /// What the elements that begin in a range of offsets take in the reference's listpack.
    fn size_of(&self, range: Range<usize>) -> usize {
        packed::Iter::over(&self.bytes, range.start)
            .take_while(|&(at, _)| at < range.end)
            .map(|(_, element)| listpack_size(element))
            .sum()
    }
}

impl Clone for Node {
    /// A copy without room.
    fn clone(&self) -> Node {
        Node { bytes: self.run().to_vec(), start: 0, ..*self }
    }
}

fn room_for(used: usize) -> usize {
    (used / 4).clamp(LEAST_ROOM, MOST_ROOM)
}

#[cfg(test)]
impl Node {
    /// Panics if what the node says of itself is not so.
    pub(crate) fn check(&self) {
        assert_eq!(self.len(), self.iter().count());
        assert_eq!(self.size, EMPTY_LISTPACK + self.size_of(self.start as usize..self.bytes.len()));
        assert!(self.bytes.capacity() <= 4 * self.run().len() + 4 * LEAST_ROOM + MOST_ROOM);
    }
}
