//! The large form of a list: a deque of nodes, each of which packs its elements.
//!
//! Pushes and pops touch the outermost node; an index is found node by node from the nearer end. Where
//! nodes are split and joined follows the reference, because OBJECT ENCODING tells it: a list that has
//! shrunk to one node that is half full is a `listpack` again, one of two such nodes stays a
//! `quicklist`.

pub(crate) mod fill;
mod node;
mod recorded;

use std::collections::{VecDeque, vec_deque};

use crate::keyspace::blob::allocated;
use crate::keyspace::compact::packed;

use fill::Fill;

pub(crate) use node::Node;
use recorded::Recorded;

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// A list that has outgrown the compact form.
#[derive(Debug)]
pub(crate) struct LargeList {
    nodes: VecDeque<Node>,
    len: usize,
    /// Bytes that the nodes' elements hold.
    memory: usize,
    /// How much a node may hold, as it was when the list became a `quicklist`. None: the list is one
    /// node, which the reference would still keep in one piece.
    fill: Option<Fill>,
    /// Nodes as they were at a moment that is being recorded.
    pub(crate) recorded: Recorded,
}

/// So many whole nodes are freed at once, more of them in slices.
const FREED_AT_ONCE: usize = 16;

impl LargeList {
    /// The elements that `run` packs.
    pub(crate) fn new(run: &[u8], fill: Option<Fill>) -> LargeList {
        let mut list = LargeList { fill, ..LargeList::of(VecDeque::new()) };
        if !run.is_empty() {
            list.insert_node(0, Node::from_packed(run));
            list.len = list.nodes[0].len();
        }
        list
    }

    /// The elements of these nodes, which are one piece.
    fn of(nodes: VecDeque<Node>) -> LargeList {
        let len = nodes.iter().map(Node::len).sum();
        let memory = nodes.iter().map(Node::memory).sum();
        LargeList { nodes, len, memory, fill: None, recorded: Recorded::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that the list holds.
    pub(crate) fn memory(&self) -> usize {
        let nodes = allocated(self.nodes.capacity() * size_of::<Node>());
        self.memory + nodes + self.recorded.memory()
    }

    // What a moment that is being recorded asks for: see `Recorded`.

    /// All nodes are to be recorded.
    pub(crate) fn open(&mut self, id: u64) {
        self.recorded.open(id, self.nodes.len());
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(crate) fn close(&mut self) -> Option<LargeList> {
        let kept = self.recorded.close();
        (!kept.is_empty()).then(|| LargeList::of(kept))
    }

    /// Calls `tell` with nodes that are to be recorded until it returns false. Returns whether there are more.
    pub(crate) fn tell_some(&mut self, tell: impl FnMut(&Node) -> bool) -> bool {
        self.recorded.tell_some(&self.nodes, tell)
    }

    /// Frees about so many elements, a node counted for one. Returns how many; 0 when nothing is left.
    pub(crate) fn free_some(&mut self, elements: usize) -> usize {
        let nodes = elements.min(self.nodes.len());
        for node in self.nodes.drain(self.nodes.len() - nodes..) {
            self.len -= node.len();
            self.memory -= node.memory();
        }
        nodes
    }

    /// How many nodes a `quicklist` has; none if the list is a `listpack`.
    pub(crate) fn quicklist_nodes(&self) -> Option<usize> {
        self.fill.map(|_| self.nodes.len())
    }

    pub(crate) fn nodes(&self) -> vec_deque::Iter<'_, Node> {
        self.nodes.iter()
    }

    /// The elements from number `index` on, which is less than the length: those of a node, and the
    /// nodes after it.
    pub(crate) fn iter_from(&self, index: usize) -> (packed::Iter<'_>, vec_deque::Iter<'_, Node>) {
        let (at, within) = self.locate(index);
        (self.nodes[at].iter_from(within), self.nodes.range(at + 1..))
    }

    // What decides between `listpack` and `quicklist`.

    /// Before `elements` of `bytes` in all are added: whether it is a `quicklist` from now on.
    pub(crate) fn grow(&mut self, fill: Fill, elements: usize, bytes: usize) {
        if self.fill.is_none() {
            let size = self.nodes.front().map_or(0, Node::size);
            if !fill.holds(size + bytes, self.len + elements) {
                self.fill = Some(fill);
            }
        }
    }

    /// After elements were removed: whether it is a `listpack` again. If the list is so small that it
    /// needs no nodes any more, returns its elements, packed.
    pub(crate) fn shrink(&mut self, fill: Fill, smallest: usize) -> Option<&[u8]> {
        if self.nodes.len() != 1 {
            return None;
        }
        let node = &self.nodes[0];
        if let Some(own) = self.fill
            && !node.is_plain(own)
            && fill.holds_twice(node.size(), node.len())
        {
            self.fill = None;
        }
        (self.fill.is_none() && node.run().len() <= smallest).then(|| node.run())
    }

    // Changes.

    /// Adds an element at an end.
    pub(crate) fn push(&mut self, side: Side, element: &[u8]) {
        self.len += 1;
        let at = if side == Side::Left { 0 } else { self.nodes.len().saturating_sub(1) };
        if let Some(node) = self.nodes.get_mut(at) {
            let before = node.memory();
            let takes = self.fill.is_none_or(|fill| node.takes(element.len(), fill));
            if takes {
                self.recorded.changes(at, node);
            }
            match takes {
                true => node.push(side, element),
                false => node.settle(),
            }
            self.memory = self.memory + node.memory() - before;
            if takes {
                return;
            }
        }
        let at = if side == Side::Left { 0 } else { self.nodes.len() };
        self.insert_node(at, Node::of(element));
    }

    /// Removes `count` elements at an end. If these were so many that they should be freed in slices,
    /// returns them.
    pub(crate) fn remove(&mut self, side: Side, count: usize) -> Option<LargeList> {
        let mut left = count;
        let mut whole = 0;
        while let Some(node) = match side {
            Side::Left => self.nodes.get(whole),
            Side::Right => self.nodes.get(self.nodes.len().wrapping_sub(whole + 1)),
        } && node.len() <= left
        {
            left -= node.len();
            self.memory -= node.memory();
            whole += 1;
        }
        self.len -= count;
        let gone = match side {
            _ if self.recorded.is_open() => Some(self.remove_recorded(side, whole)),
            Side::Left => {
                let gone = self.nodes.drain(..whole);
                (whole > FREED_AT_ONCE).then(|| gone.collect())
            }
            Side::Right => {
                let gone = self.nodes.drain(self.nodes.len() - whole..);
                (whole > FREED_AT_ONCE).then(|| gone.collect())
            }
        };
        if left > 0 {
            let at = if side == Side::Left { 0 } else { self.nodes.len() - 1 };
            self.change(at, |node| node.remove(side, left));
        }
        if self.nodes.capacity() > 4 * self.nodes.len() + 16 {
            self.nodes.shrink_to(2 * self.nodes.len());
        }
        gone.map(LargeList::of)
    }

    /// Removes so many nodes at an end, and returns those that need not be kept.
    fn remove_recorded(&mut self, side: Side, whole: usize) -> VecDeque<Node> {
        let mut gone = VecDeque::new();
        for _ in 0..whole {
            let (at, node) = match side {
                Side::Left => (0, self.nodes.pop_front()),
                Side::Right => (self.nodes.len() - 1, self.nodes.pop_back()),
            };
            gone.extend(node.and_then(|node| self.recorded.removed(at, node)));
        }
        gone
    }

    /// Replaces element number `index`, which there is.
    pub(crate) fn set(&mut self, index: usize, element: &[u8]) {
        let (at, within) = self.locate(index);
        let (was_plain, is_large) = match self.fill {
            Some(fill) => (self.nodes[at].is_plain(fill), fill.is_large(element.len())),
            None => (false, false),
        };
        match (was_plain, is_large) {
            (true, true) => {
                self.recorded.changes(at, &self.nodes[at]);
                let old = std::mem::replace(&mut self.nodes[at], Node::of(element));
                self.memory = self.memory + self.nodes[at].memory() - old.memory();
            }
            (true, false) => {
                self.insert_at(at, 0, true, element);
                self.remove_node(at);
                self.len -= 1;
            }
            (false, true) => {
                if within + 1 < self.nodes[at].len() {
                    let rest = self.change(at, |node| node.split_off(within + 1));
                    self.insert_node(at + 1, rest);
                }
                self.insert_node(at + 1, Node::of(element));
                if within == 0 {
                    self.remove_node(at);
                } else {
                    self.change(at, |node| node.remove(Side::Right, 1));
                    self.join_around(at + 1);
                }
            }
            (false, false) => self.change(at, |node| node.replace(within, element)),
        }
    }

    /// Puts an element before number `index`, or after it.
    pub(crate) fn insert(&mut self, index: usize, after: bool, element: &[u8]) {
        let (at, within) = self.locate(index);
        self.insert_at(at, within, after, element);
    }

    /// Removes up to `most` elements that are equal to `element`, counted from `side` on. Returns how
    /// many.
    pub(crate) fn remove_equal(&mut self, element: &[u8], side: Side, most: usize) -> usize {
        let mut removed = 0;
        for step in 0..self.nodes.len() {
            if removed == most {
                break;
            }
            let at = if side == Side::Left { step } else { self.nodes.len() - 1 - step };
            // A node that is about to change is kept, and one that has none of them does not.
            let has_one = |node: &Node| node.iter().any(|(_, other)| other == element);
            if self.recorded.is_open() && !has_one(&self.nodes[at]) {
                continue;
            }
            removed += self.change(at, |node| node.remove_equal(element, side, most - removed));
        }
        if removed > 0 {
            if self.recorded.is_open() {
                for at in (0..self.nodes.len()).rev().filter(|&at| self.nodes[at].is_empty()) {
                    self.recorded.removed(at, Node::new());
                }
            }
            let memory = &mut self.memory;
            self.nodes.retain(|node| {
                if node.is_empty() {
                    *memory -= node.memory();
                }
                !node.is_empty()
            });
            self.len -= removed;
        }
        removed
    }

    // Nodes.

    /// Puts an element before number `within` of node `at`, or after it. A full node passes an element
    /// at its edge on to its neighbour, and is split for one in the middle.
    fn insert_at(&mut self, at: usize, within: usize, after: bool, element: &[u8]) {
        self.len += 1;
        let place = within + usize::from(after);
        let node = &self.nodes[at];
        let Some(fill) = self.fill.filter(|&fill| !node.takes(element.len(), fill)) else {
            return self.change(at, |node| node.insert(place, element));
        };
        let is_large = fill.is_large(element.len());
        let takes = |node: Option<&Node>| node.is_some_and(|node| node.takes(element.len(), fill));
        if after && place == node.len() {
            match takes(self.nodes.get(at + 1)) {
                true => self.change(at + 1, |next| next.push(Side::Left, element)),
                false => self.insert_node(at + 1, Node::of(element)),
            }
        } else if !after && place == 0 {
            match takes(at.checked_sub(1).and_then(|before| self.nodes.get(before))) {
                true => self.change(at - 1, |before| before.push(Side::Right, element)),
                false => self.insert_node(at, Node::of(element)),
            }
        } else {
            let rest = self.change(at, |node| node.split_off(place));
            self.insert_node(at + 1, rest);
            if is_large {
                self.insert_node(at + 1, Node::of(element));
            } else if after {
                self.change(at + 1, |rest| rest.push(Side::Left, element));
                self.join_around(at);
            } else {
                self.change(at, |node| node.push(Side::Right, element));
                self.join_around(at + 1);
            }
        }
    }

    /// Joins nodes that have become small with their neighbours: the two before node `at`, the two
    /// after it, and then itself with either side.
    fn join_around(&mut self, mut at: usize) {
        if at >= 2 && self.join(at - 2) {
            at -= 1;
        }
        self.join(at + 1);
        if at >= 1 && self.join(at - 1) {
            at -= 1;
        }
        self.join(at);
    }

    /// Joins node `at` with the one that follows, if it is there and one node may hold both.
    fn join(&mut self, at: usize) -> bool {
        let (Some(fill), Some(node), Some(next)) =
            (self.fill, self.nodes.get(at), self.nodes.get(at + 1))
        else {
            return false;
        };
        if !node.takes_all(next, fill) {
            return false;
        }
        if let Some(next) = self.remove_node(at + 1) {
            self.change(at, |node| node.append(&next));
        }
        true
    }

    /// The node of element number `index`, and its number there.
    fn locate(&self, index: usize) -> (usize, usize) {
        if index <= self.len / 2 {
            let mut left = index;
            for (at, node) in self.nodes.iter().enumerate() {
                if left < node.len() {
                    return (at, left);
                }
                left -= node.len();
            }
        } else {
            let mut behind = self.len - index;
            for (at, node) in self.nodes.iter().enumerate().rev() {
                if behind <= node.len() {
                    return (at, node.len() - behind);
                }
                behind -= node.len();
            }
        }
        unreachable!("the index is less than the length")
    }

    /// Changes a node and accounts for what it holds.
    #[inline]
    fn change<R>(&mut self, at: usize, change: impl FnOnce(&mut Node) -> R) -> R {
        let node = &mut self.nodes[at];
        self.recorded.changes(at, node);
        let before = node.memory();
        let result = change(node);
        self.memory = self.memory + node.memory() - before;
        result
    }

    fn insert_node(&mut self, at: usize, node: Node) {
        self.memory += node.memory();
        self.nodes.insert(at, node);
        self.recorded.inserted(at);
    }

    fn remove_node(&mut self, at: usize) -> Option<Node> {
        self.recorded.changes(at, self.nodes.get(at)?);
        let node = self.nodes.remove(at)?;
        self.memory -= node.memory();
        // It was kept, if it has to be.
        self.recorded.removed(at, node)
    }
}

impl Clone for LargeList {
    fn clone(&self) -> LargeList {
        let nodes = self.nodes.clone();
        // Copies of nodes have no room.
        let memory = nodes.iter().map(Node::memory).sum();
        LargeList { nodes, memory, len: self.len, fill: self.fill, recorded: Recorded::default() }
    }
}

#[cfg(test)]
impl LargeList {
    /// Panics if what the list says of itself is not so.
    pub(crate) fn check(&self) {
        self.nodes.iter().for_each(Node::check);
        assert!(self.nodes.iter().all(|node| !node.is_empty()));
        assert_eq!(self.len, self.nodes.iter().map(Node::len).sum::<usize>());
        assert_eq!(self.memory, self.nodes.iter().map(Node::memory).sum::<usize>());
        assert!(self.fill.is_some() || self.nodes.len() == 1);
    }
}
