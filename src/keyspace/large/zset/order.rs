//! The order of a large sorted set: a B+ tree that knows how many lie below every branch.
//!
//! It holds [`Item`]s: a score, and the position of a member in the dictionary beside it. What is first
//! is decided by the score, and among equals by the members' bytes, which the tree does not have: every
//! search is told how to compare. Because branches count, the rank of an item and the item of a rank
//! take O(log n), as do insertion and removal; walking goes from leaf to leaf, in both directions.
//!
//! Nodes live in two vectors, which grow without moving anything, and name each other by index. Leaf and
//! branch are both built around [`Items`]. A branch repeats the first item of each child, exactly: a
//! change of the first item of a leaf goes up to the branches above.
//!
//! Nodes that lose items are merged with a neighbour when both fit easily into one. They are never
//! topped up, so a node may be nearly empty between two that are nearly full, and no worse.

mod items;

use std::ops::Range;

use crate::keyspace::index::dict::chunks::Chunks;

use items::{ROOM, open};

pub(crate) use items::{Item, Items, compare};

/// A node with fewer than this looks for a neighbour to merge with.
const FEW: usize = ROOM / 4;

/// A merged node may have so many. There is room left to grow before it must be split again.
const MERGED: usize = ROOM / 4 * 3;

/// Levels of branches. Four thousand million items need six or seven, even in a thin tree.
const MAX_HEIGHT: usize = 12;

/// No leaf.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone)]
struct Leaf {
    items: Items,
    previous: u32,
    next: u32,
}

#[derive(Debug, Clone)]
struct Branch {
    /// The first item below each child.
    firsts: Items,
    children: [u32; ROOM],
    /// How many items there are below each child.
    counts: [u32; ROOM],
}

impl Branch {
    const EMPTY: Branch = Branch { firsts: Items::EMPTY, children: [0; ROOM], counts: [0; ROOM] };

    fn insert(&mut self, index: usize, child: Child) {
        let len = self.firsts.len;
        self.firsts.insert(index, child.first);
        open(&mut self.children, len, index);
        open(&mut self.counts, len, index);
        self.children[index] = child.node;
        self.counts[index] = child.count;
    }

    fn remove(&mut self, index: usize) {
        let len = self.firsts.len;
        self.firsts.remove(index);
        self.children.copy_within(index + 1..len, index);
        self.counts.copy_within(index + 1..len, index);
    }

    fn split_off(&mut self, index: usize) -> Branch {
        let mut rest = Branch::EMPTY;
        let len = self.firsts.len;
        rest.children[..len - index].copy_from_slice(&self.children[index..len]);
        rest.counts[..len - index].copy_from_slice(&self.counts[index..len]);
        rest.firsts = self.firsts.split_off(index);
        rest
    }

    fn append(&mut self, other: &Branch) {
        let (start, more) = (self.firsts.len, other.firsts.len);
        self.children[start..start + more].copy_from_slice(&other.children[..more]);
        self.counts[start..start + more].copy_from_slice(&other.counts[..more]);
        self.firsts.append(&other.firsts);
    }

    fn total(&self) -> u32 {
        self.counts[..self.firsts.len].iter().sum()
    }
}

/// A node as the branch above it knows it.
struct Child {
    node: u32,
    first: Item,
    count: u32,
}

/// The tree.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    leaves: Chunks<Leaf>,
    branches: Chunks<Branch>,
    unused_leaves: Vec<u32>,
    unused_branches: Vec<u32>,
    root: u32,
    /// How many levels of branches there are. With none the root is a leaf.
    height: usize,
}

/// The branches from the root down, each with the index of the child to go on with.
type Path = [(u32, u32); MAX_HEIGHT];

/// A place in the tree: before an item, or behind the last one of a leaf.
struct TreePosition {
    path: Path,
    leaf: usize,
    index: usize,
}

impl Default for Order {
    fn default() -> Order {
        let mut leaves = Chunks::default();
        leaves.push(Leaf { items: Items::EMPTY, previous: NONE, next: NONE });
        Order {
            leaves,
            branches: Chunks::default(),
            unused_leaves: Vec::new(),
            unused_branches: Vec::new(),
            root: 0,
            height: 0,
        }
    }
}

impl Order {
    /// Bytes of memory that the tree holds.
    pub(crate) fn memory(&self) -> usize {
        self.leaves.memory() + self.branches.memory()
    }

    /// Frees the memory of up to about so many items, of a tree that is not used any more.
    pub(crate) fn free_some(&mut self, items: usize) {
        for _ in 0..items / FEW + 1 {
            self.leaves.pop();
        }
    }

    // Every search is told by `count` how many of some items are before the place that is meant. If the
    // place is that of an item, it counts that one too.

    /// How many items are before a place.
    pub(crate) fn rank(&self, count: impl Fn(&Items) -> usize) -> usize {
        let mut node = self.root;
        let mut rank = 0;
        for _ in 0..self.height {
            let branch = &self.branches[node as usize];
            let child = count(&branch.firsts).saturating_sub(1);
            rank += branch.counts[..child].iter().sum::<u32>() as usize;
            node = branch.children[child];
        }
        rank + count(&self.leaves[node as usize].items)
    }

    /// Adds an item at a place.
    pub(crate) fn insert(&mut self, item: Item, count: impl Fn(&Items) -> usize) {
        let place = self.find(count);
        let leaf = &mut self.leaves[place.leaf];
        if leaf.items.len < ROOM {
            leaf.items.insert(place.index, item);
            for level in 0..self.height {
                let (branch, child) = place.path[level];
                self.branches[branch as usize].counts[child as usize] += 1;
            }
            if place.index == 0 {
                self.first_is(item, &place);
            }
        } else {
            let right = self.split_leaf(item, &place);
            self.adopt(right, &place);
        }
    }

    /// Adds an item that comes after all others.
    pub(crate) fn push(&mut self, item: Item) {
        self.insert(item, |items| items.len);
    }

    /// Removes an item.
    pub(crate) fn remove(&mut self, item: Item, count: impl Fn(&Items) -> usize) {
        let place = self.find_item(item, count);
        self.remove_at(&place);
    }

    /// Gives an item another score. `from` counts up to its present place and `to` up to its new one;
    /// `is_before` compares the members at two positions.
    pub(crate) fn change(
        &mut self,
        item: Item,
        score: f64,
        from: impl Fn(&Items) -> usize,
        to: impl Fn(&Items) -> usize,
        is_before: impl Fn(u32, u32) -> bool,
    ) {
        let place = self.find_item(item, from);
        let items = &mut self.leaves[place.leaf].items;
        let index = place.index;
        // Small changes are the normal case: often the item stays between its neighbours.
        if index > 0 && index + 1 < items.len {
            let (left, right) = (items.get(index - 1), items.get(index + 1));
            let after_left =
                left.score < score || left.score == score && is_before(left.at, item.at);
            let before_right =
                score < right.score || score == right.score && is_before(item.at, right.at);
            if after_left && before_right {
                items.scores[index] = score;
                return;
            }
        }
        self.remove_at(&place);
        self.insert(Item { score, at: item.at }, to);
    }

    /// The member of an item is now at another position.
    pub(crate) fn relocate(&mut self, item: Item, at: u32, count: impl Fn(&Items) -> usize) {
        let place = self.find_item(item, count);
        self.leaves[place.leaf].items.ats[place.index] = at;
        if place.index == 0 {
            self.first_is(Item { score: item.score, at }, &place);
        }
    }

    fn remove_at(&mut self, place: &TreePosition) {
        let index = place.index;
        let items = &mut self.leaves[place.leaf].items;
        items.remove(index);
        let mut changed = index == 0;
        let mut few = items.len < FEW;
        for level in (0..self.height).rev() {
            let (branch, child) = (place.path[level].0 as usize, place.path[level].1 as usize);
            self.branches[branch].counts[child] -= 1;
            if few {
                changed |= self.tidy(branch, child, level + 1 == self.height);
                few = self.branches[branch].firsts.len < FEW;
            } else if changed {
                let node = self.branches[branch].children[child];
                let first = self.first_of(node, level + 1 == self.height);
                self.branches[branch].firsts.set(child, first);
            }
            changed &= child == 0;
        }
        while self.height > 0 && self.branches[self.root as usize].firsts.len == 1 {
            self.unused_branches.push(self.root);
            self.root = self.branches[self.root as usize].children[0];
            self.height -= 1;
        }
        self.give_back();
    }

    /// The positions that have these ranks, in order. The range lies within the tree.
    pub(crate) fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        let left = ranks.len();
        if left == 0 {
            return Iter { order: self, front: (0, 0), back: (0, 0), left };
        }
        let front = self.at_rank(ranks.start);
        let back = self.at_rank(ranks.end - 1);
        Iter { order: self, front, back: (back.0, back.1 + 1), left }
    }

    /// The leaf and the index in it that an item of this rank has.
    fn at_rank(&self, rank: usize) -> (usize, usize) {
        let mut node = self.root;
        let mut left = rank;
        for _ in 0..self.height {
            let branch = &self.branches[node as usize];
            let mut child = 0;
            while left >= branch.counts[child] as usize {
                left -= branch.counts[child] as usize;
                child += 1;
            }
            node = branch.children[child];
        }
        (node as usize, left)
    }

    /// The place behind as many items as `count` counts.
    #[inline]
    fn find(&self, count: impl Fn(&Items) -> usize) -> TreePosition {
        let (path, leaf) = self.descend(&count);
        TreePosition { path, leaf, index: count(&self.leaves[leaf].items) }
    }

    /// The place of an item, which `count` counts up to.
    #[inline]
    fn find_item(&self, item: Item, count: impl Fn(&Items) -> usize) -> TreePosition {
        let (path, leaf) = self.descend(count);
        TreePosition { path, leaf, index: self.leaves[leaf].items.position(item) }
    }

    #[inline]
    fn descend(&self, count: impl Fn(&Items) -> usize) -> (Path, usize) {
        let mut path = [(0, 0); MAX_HEIGHT];
        let mut node = self.root;
        for step in &mut path[..self.height] {
            let branch = &self.branches[node as usize];
            let child = count(&branch.firsts).saturating_sub(1);
            *step = (node, child as u32);
            node = branch.children[child];
        }
        (path, node as usize)
    }

    fn first_of(&self, node: u32, is_leaf: bool) -> Item {
        match is_leaf {
            true => self.leaves[node as usize].items.get(0),
            false => self.branches[node as usize].firsts.get(0),
        }
    }

    /// The leaf of a place begins with this item now.
    fn first_is(&mut self, item: Item, place: &TreePosition) {
        for &(branch, child) in place.path[..self.height].iter().rev() {
            self.branches[branch as usize].firsts.set(child as usize, item);
            if child > 0 {
                break;
            }
        }
    }

    /// Adds an item to a full leaf, which becomes two. Returns the right one.
    fn split_leaf(&mut self, item: Item, place: &TreePosition) -> Child {
        let left = &mut self.leaves[place.leaf];
        let next = left.next;
        // Items that come in order fill every leaf.
        let at_end = next == NONE && place.index == ROOM;
        let middle = if at_end { ROOM } else { ROOM / 2 };
        let mut items = left.items.split_off(middle);
        match place.index.checked_sub(middle) {
            Some(index) if index > 0 || at_end => items.insert(index, item),
            _ => left.items.insert(place.index, item),
        }
        let (first, count) = (items.get(0), items.len as u32);
        let leaf = Leaf { items, previous: place.leaf as u32, next };
        let node = match self.unused_leaves.pop() {
            Some(node) => {
                self.leaves[node as usize] = leaf;
                node
            }
            None => {
                self.leaves.push(leaf);
                self.leaves.len() as u32 - 1
            }
        };
        self.leaves[place.leaf].next = node;
        if next != NONE {
            self.leaves[next as usize].previous = node;
        }
        Child { node, first, count }
    }

    /// Puts a new node to the right of the one on the path, and splits branches that are full. There is
    /// one item more than before below the path.
    fn adopt(&mut self, child: Child, place: &TreePosition) {
        let leaf = &self.leaves[place.leaf];
        let mut left_count = leaf.items.len as u32;
        let mut left_first = Some(leaf.items.get(0));
        let mut right = Some(child);
        for level in (0..self.height).rev() {
            let (node, child) = (place.path[level].0 as usize, place.path[level].1 as usize);
            let branch = &mut self.branches[node];
            if let Some(first) = left_first {
                branch.firsts.set(child, first);
            }
            left_first = left_first.filter(|_| child == 0);
            let Some(new) = right.take() else {
                branch.counts[child] += 1;
                continue;
            };
            branch.counts[child] = left_count;
            if branch.firsts.len < ROOM {
                branch.insert(child + 1, new);
                continue;
            }
            let middle = if child + 1 == ROOM { ROOM - 1 } else { ROOM / 2 };
            let mut rest = branch.split_off(middle);
            match (child + 1).checked_sub(middle) {
                Some(index) if index > 0 => rest.insert(index, new),
                _ => branch.insert(child + 1, new),
            }
            left_count = branch.total();
            let (first, count) = (rest.firsts.get(0), rest.total());
            right = Some(Child { node: self.add_branch(rest), first, count });
        }
        if let Some(right) = right {
            let first = self.first_of(self.root, self.height == 0);
            let mut branch = Branch::EMPTY;
            branch.insert(0, Child { node: self.root, first, count: left_count });
            branch.insert(1, right);
            self.root = self.add_branch(branch);
            self.height += 1;
        }
    }

    fn add_branch(&mut self, branch: Branch) -> u32 {
        match self.unused_branches.pop() {
            Some(node) => {
                self.branches[node as usize] = branch;
                node
            }
            None => {
                self.branches.push(branch);
                self.branches.len() as u32 - 1
            }
        }
    }

    /// Removes a child that has become empty, or merges one that has few items with a neighbour. Sets
    /// the first items of what remains. Returns whether the branch's own first item may have changed.
    fn tidy(&mut self, branch: usize, child: usize, is_leaf: bool) -> bool {
        let node = self.branches[branch].children[child];
        if self.size_of(node, is_leaf) == 0 {
            self.branches[branch].remove(child);
            self.discard(node, is_leaf);
            return child == 0;
        }
        let first = self.first_of(node, is_leaf);
        let parent = &mut self.branches[branch];
        parent.firsts.set(child, first);
        let pairs = [child.checked_sub(1).map(|left| (left, child)), Some((child, child + 1))];
        for (left, right) in pairs.into_iter().flatten() {
            let parent = &self.branches[branch];
            if right >= parent.firsts.len {
                continue;
            }
            let (to, from) = (parent.children[left], parent.children[right]);
            if self.size_of(to, is_leaf) + self.size_of(from, is_leaf) <= MERGED {
                self.merge(to as usize, from as usize, is_leaf);
                let parent = &mut self.branches[branch];
                parent.counts[left] += parent.counts[right];
                parent.remove(right);
                break;
            }
        }
        child == 0
    }

    fn size_of(&self, node: u32, is_leaf: bool) -> usize {
        match is_leaf {
            true => self.leaves[node as usize].items.len,
            false => self.branches[node as usize].firsts.len,
        }
    }

    /// Builds the tree anew when most of its leaves are out of use.
    fn give_back(&mut self) {
        if self.unused_leaves.len() <= 64 || self.unused_leaves.len() < self.leaves.len() / 4 * 3 {
            return;
        }
        let old = std::mem::take(self);
        let mut node = old.root;
        for _ in 0..old.height {
            node = old.branches[node as usize].children[0];
        }
        while node != NONE {
            let leaf = &old.leaves[node as usize];
            for index in 0..leaf.items.len {
                self.push(leaf.items.get(index));
            }
            node = leaf.next;
        }
    }

    /// Moves everything from a node to its left neighbour.
    fn merge(&mut self, to: usize, from: usize, is_leaf: bool) {
        if is_leaf {
            let items = std::mem::replace(&mut self.leaves[from].items, Items::EMPTY);
            self.leaves[to].items.append(&items);
        } else {
            let rest = std::mem::replace(&mut self.branches[from], Branch::EMPTY);
            self.branches[to].append(&rest);
        }
        self.discard(from as u32, is_leaf);
    }

    /// The node is out of use.
    fn discard(&mut self, node: u32, is_leaf: bool) {
        if !is_leaf {
            return self.unused_branches.push(node);
        }
        let Leaf { previous, next, .. } = self.leaves[node as usize];
        if previous != NONE {
            self.leaves[previous as usize].next = next;
        }
        if next != NONE {
            self.leaves[next as usize].previous = previous;
        }
        self.unused_leaves.push(node);
    }
}

/// Positions in order, from either end.
#[derive(Debug, Clone)]
pub(crate) struct Iter<'a> {
    order: &'a Order,
    /// Leaf and index of the next item.
    front: (usize, usize),
    /// Leaf and index behind the last one.
    back: (usize, usize),
    left: usize,
}

impl Iterator for Iter<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let mut leaf = &self.order.leaves[self.front.0];
        if self.front.1 == leaf.items.len {
            self.front = (leaf.next as usize, 0);
            leaf = &self.order.leaves[self.front.0];
        }
        let at = leaf.items.ats[self.front.1];
        self.front.1 += 1;
        Some(at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        if self.back.1 == 0 {
            let previous = self.order.leaves[self.back.0].previous as usize;
            self.back = (previous, self.order.leaves[previous].items.len);
        }
        self.back.1 -= 1;
        Some(self.order.leaves[self.back.0].items.ats[self.back.1])
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items ordered by score, then by their position itself, which stands for the member.
    fn before(item: Item) -> impl Fn(&Items) -> usize {
        move |items| items.count(item.score, |at| at < item.at)
    }

    fn through(item: Item) -> impl Fn(&Items) -> usize {
        move |items| items.count(item.score, |at| at <= item.at)
    }

    /// Every count, first item and link is what it should be. Returns the items below a node.
    fn check(order: &Order, node: u32, level: usize) -> Vec<Item> {
        if level == order.height {
            let items = &order.leaves[node as usize].items;
            assert!(items.scores[items.len..].iter().all(|score| score.is_nan()));
            return (0..items.len).map(|index| items.get(index)).collect();
        }
        let branch = &order.branches[node as usize];
        let mut all = Vec::new();
        for child in 0..branch.firsts.len {
            let below = check(order, branch.children[child], level + 1);
            assert!(!below.is_empty());
            assert_eq!(branch.counts[child] as usize, below.len());
            assert_eq!(branch.firsts.get(child), below[0]);
            all.extend(below);
        }
        all
    }

    #[test]
    fn behaves_like_a_sorted_vector() {
        for (seed, scores) in [(1, 1), (2, 40), (3, 1 << 40)] {
            let mut random = crate::keyspace::Random::seeded(seed);
            let mut order = Order::default();
            let mut model: Vec<Item> = Vec::new();
            let mut next_at = 0;
            for round in 0..12 {
                let adding = round % 3 != 2;
                for step in 0..3000 {
                    if adding || model.is_empty() {
                        // Some rounds add in order, some at random.
                        let score = match round {
                            3 => f64::INFINITY,
                            _ => (random.next_u64() % scores) as f64,
                        };
                        let item = Item { score, at: next_at };
                        next_at += 1;
                        order.insert(item, before(item));
                        let place = model.partition_point(|other| {
                            (other.score, other.at) < (item.score, item.at)
                        });
                        model.insert(place, item);
                    } else {
                        // Now from the front, now from the back, now anywhere.
                        let from = match step % 4 {
                            0 => 0,
                            1 => model.len() - 1,
                            _ => random.below(model.len()),
                        };
                        let many = if round == 11 { 1 + random.below(200) } else { 2 };
                        for _ in 0..many.min(model.len() - from) {
                            let item = model.remove(from);
                            assert_eq!(order.rank(before(item)), from);
                            order.remove(item, through(item));
                        }
                    }
                }
                assert_eq!(order.rank(|items| items.len), model.len());
                assert_eq!(check(&order, order.root, 0), model);
                let ats: Vec<u32> = model.iter().map(|item| item.at).collect();
                assert!(order.range(0..model.len()).eq(ats.iter().copied()));
                assert!(order.range(0..model.len()).rev().eq(ats.iter().rev().copied()));
                for _ in 0..50.min(model.len()) {
                    let (one, other) = (random.below(ats.len()), random.below(ats.len()));
                    let ranks = one.min(other)..one.max(other);
                    assert!(order.range(ranks.clone()).eq(ats[ranks].iter().copied()));
                }
            }
            assert!(order.height <= 3);
        }
    }

    #[test]
    fn an_item_with_another_score_has_another_place() {
        let mut random = crate::keyspace::Random::seeded(5);
        let mut order = Order::default();
        let mut items: Vec<Item> =
            (0..500).map(|at| Item { score: 10.0 * f64::from(at), at }).collect();
        for &item in &items {
            order.insert(item, before(item));
        }
        for step in 0..20_000 {
            let old = items[random.below(items.len())];
            let score = match step % 3 {
                0 => random.below(5000) as f64,
                _ => old.score + random.below(20) as f64 - 10.0,
            };
            let new = Item { score, at: old.at };
            items[old.at as usize] = new;
            order.change(old, score, through(old), before(new), |one, other| one < other);
            if step % 500 == 0 {
                let mut sorted = items.clone();
                sorted.sort_by(|one, other| {
                    compare(one.score, other.score).then(one.at.cmp(&other.at))
                });
                assert_eq!(check(&order, order.root, 0), sorted);
            }
        }
    }
}
