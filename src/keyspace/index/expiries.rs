//! When the keys of a database, or the fields of a hash, expire: an index in order of time.
//!
//! A key is listed by its hash, not by its name, so that a key that expires costs little more than one
//! that does not: some ten bytes, where a node of a map of them takes 43. They lie side by side in leaves, each of them
//! in order and all below the next. In a leaf a time is its lower 32 bits, for the upper ones are the same: those of
//! the leaf's own name. Two keys with the same hash that expire in the same millisecond are listed twice.

use std::collections::BTreeMap;

use crate::keyspace::blob::{Millis, allocated};

/// The most keys of a leaf: to make room for one among them is quick, and few are lost when it is split.
const LEAF: usize = 128;

/// A leaf that grows gets room for so many more.
const STEP: usize = 16;

/// When a key expires, and its hash.
type Item = (Millis, u32);

/// The expiries of one database, or of one hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expiries {
    /// By the least item that each may have. None is empty.
    leaves: BTreeMap<Item, Leaf>,
    keys: usize,
    /// All their times together.
    sum: i128,
    /// Bytes that the allocator has given to leaves.
    bytes: usize,
}

/// Lower halves of times, and hashes, in order.
#[derive(Debug, Clone, Default)]
struct Leaf(Vec<(u32, u32)>);

/// The upper half of a time, which all items of a leaf have.
fn upper(when: Millis) -> Millis {
    when >> 32
}

/// An item as it is in a leaf.
fn lower((when, hash): Item) -> (u32, u32) {
    (when as u32, hash)
}

impl Leaf {
    /// The item at a position, if the least that there may be has this time.
    fn at(&self, least: Millis, position: usize) -> Option<Item> {
        let &(low, hash) = self.0.get(position)?;
        Some((upper(least) << 32 | Millis::from(low), hash))
    }

    /// How many items are below this one.
    fn below(&self, item: Item) -> usize {
        self.0.partition_point(|&known| known < lower(item))
    }

    fn insert(&mut self, item: Item) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(self.0.len().clamp(4, STEP));
        }
        self.0.insert(self.below(item), lower(item));
    }

    fn memory(&self) -> usize {
        allocated(self.0.capacity() * size_of::<(u32, u32)>())
    }
}

impl Expiries {
    pub(crate) fn insert(&mut self, when: Millis, hash: u32) {
        let item = (when, hash);
        self.keys += 1;
        self.sum += i128::from(when);
        let last = self.leaves.range_mut(..=item).next_back();
        let Some((_, leaf)) = last.filter(|(least, _)| upper(least.0) == upper(when)) else {
            return self.add_leaf((upper(when) << 32, 0), item);
        };
        let before = leaf.memory();
        if leaf.0.len() < LEAF {
            leaf.insert(item);
            self.bytes = self.bytes + leaf.memory() - before;
            return;
        }
        if leaf.0.last().is_some_and(|&last| last < lower(item)) {
            // Times that rise leave full leaves behind.
            return self.add_leaf(item, item);
        }
        let mut behind = Leaf(leaf.0.split_off(LEAF / 2));
        leaf.0.shrink_to(LEAF / 2 + STEP);
        if behind.0.first().is_some_and(|&first| first <= lower(item)) {
            behind.insert(item);
        } else {
            leaf.insert(item);
        }
        self.bytes = self.bytes + leaf.memory() + behind.memory() - before;
        if let Some(least) = behind.at(when, 0) {
            self.leaves.insert(least, behind);
        }
    }

    /// Adds a leaf with one item, and room for those from `least` on.
    fn add_leaf(&mut self, least: Item, item: Item) {
        let mut leaf = Leaf::default();
        leaf.insert(item);
        self.bytes += leaf.memory();
        self.leaves.insert(least, leaf);
    }

    pub(crate) fn remove(&mut self, when: Millis, hash: u32) {
        let Some((least, position)) = self.find((when, hash)) else {
            return;
        };
        let Some(leaf) = self.leaves.get_mut(&least) else {
            return;
        };
        let before = leaf.memory();
        leaf.0.remove(position);
        if leaf.0.len() + 2 * STEP < leaf.0.capacity() {
            leaf.0.shrink_to(leaf.0.len() + STEP);
        }
        self.bytes = self.bytes + leaf.memory() - before;
        self.keys -= 1;
        self.sum -= i128::from(when);
        if leaf.0.is_empty() {
            self.bytes -= leaf.memory();
            self.leaves.remove(&least);
        }
    }

    /// The leaf that an item is in, and its position there.
    fn find(&self, item: Item) -> Option<(Item, usize)> {
        // Of items that are the same some may be in leaves before.
        for (&least, leaf) in self.leaves.range(..=item).rev() {
            let position = leaf.below(item);
            if leaf.at(least.0, position) == Some(item) {
                return Some((least, position));
            }
            if position > 0 || upper(least.0) != upper(item.0) {
                break;
            }
        }
        None
    }

    /// A key expires at another time than before, and stays where it is listed.
    pub(crate) fn put_off(&mut self, before: Millis, after: Millis) {
        self.sum += i128::from(after) - i128::from(before);
    }

    /// The key that expires first: when, and its hash.
    pub(crate) fn first(&self) -> Option<Item> {
        let (least, leaf) = self.leaves.first_key_value()?;
        leaf.at(least.0, 0)
    }

    /// The key that expires first at `when` or later.
    pub(crate) fn first_from(&self, when: Millis) -> Option<Item> {
        let item = (when, 0);
        let own = self.leaves.range(..=item).next_back();
        let own = own.filter(|(least, _)| upper(least.0) == upper(when));
        let found = own.and_then(|(least, leaf)| leaf.at(least.0, leaf.below(item)));
        found.or_else(|| {
            let (least, leaf) = self.leaves.range(item..).next()?;
            leaf.at(least.0, 0)
        })
    }

    /// When the last key expires.
    pub(crate) fn last(&self) -> Option<Item> {
        let (least, leaf) = self.leaves.last_key_value()?;
        leaf.at(least.0, leaf.0.len().checked_sub(1)?)
    }

    /// How many keys' time has come.
    pub(crate) fn due(&self, now: Millis) -> usize {
        if self.first().is_none_or(|(when, _)| when > now) {
            return 0;
        }
        let end = (now, u32::MAX);
        let mut begun = self.leaves.range(..=end);
        let last = begun.next_back().map_or(0, |(least, leaf)| {
            let is_over = upper(least.0) < upper(now);
            let until_end = || leaf.0.partition_point(|&known| known <= lower(end));
            if is_over { leaf.0.len() } else { until_end() }
        });
        begun.map(|(_, leaf)| leaf.0.len()).sum::<usize>() + last
    }

    /// How many keys expire.
    pub(crate) fn len(&self) -> usize {
        self.keys
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// The mean of their times, if there are any.
    pub(crate) fn mean(&self) -> Option<Millis> {
        let mean = self.sum.checked_div(self.keys as i128)?;
        Millis::try_from(mean).ok()
    }

    /// Frees a key's part of an index that is being freed.
    pub(crate) fn free_one(&mut self) {
        if let Some(mut first) = self.leaves.first_entry() {
            first.get_mut().0.pop();
            if first.get().0.is_empty() {
                self.bytes -= first.get().memory();
                first.remove();
            }
        }
    }

    /// Bytes of memory, about: nodes of the tree of leaves are two thirds full.
    pub(crate) fn memory(&self) -> usize {
        self.bytes + self.leaves.len() * size_of::<(Item, Leaf)>() * 3 / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    /// All items, in order, and that the index says the same of them in every way.
    fn assert_is(expiries: &Expiries, model: &[Item], random: &mut Random) {
        let listed: Vec<Item> = expiries
            .leaves
            .iter()
            .flat_map(|(least, leaf)| (0..leaf.0.len()).filter_map(|at| leaf.at(least.0, at)))
            .collect();
        assert_eq!(listed, model);
        assert_eq!(
            (expiries.first(), expiries.last()),
            (model.first().copied(), model.last().copied())
        );
        assert_eq!((expiries.len(), expiries.is_empty()), (model.len(), model.is_empty()));
        let sum: i128 = model.iter().map(|&(when, _)| i128::from(when)).sum();
        assert_eq!(expiries.sum, sum);
        assert_eq!(expiries.bytes, expiries.leaves.values().map(Leaf::memory).sum::<usize>());
        let near = model.get(random.below(model.len().max(1))).map_or(0, |&(when, _)| when);
        for when in [near, near - 1, near + 1, Millis::MIN, Millis::MAX, 0] {
            let from = model.partition_point(|&(known, _)| known < when);
            assert_eq!(expiries.first_from(when), model.get(from).copied(), "from {when}");
            let due = model.partition_point(|&(known, _)| known <= when);
            assert_eq!(expiries.due(when), due, "due at {when}");
        }
    }

    #[test]
    fn the_index_is_what_a_sorted_list_says() {
        let mut random = Random::seeded(5);
        for (spread, most) in [(1, 500), (1000, 2000), (1 << 34, 1500), (i64::MAX as u64, 700)] {
            let (mut expiries, mut model) = (Expiries::default(), Vec::<Item>::new());
            for step in 0..6000 {
                let fills = if step < 3000 { 3 } else { 1 };
                if random.below(4) < fills && model.len() < most {
                    let middle = if random.below(2) == 0 { 1_700_000_000_000 } else { 0 };
                    let when = (random.next_u64() % spread) as i64;
                    let when = if random.below(2) == 0 {
                        middle - when
                    } else {
                        middle.saturating_add(when)
                    };
                    let item = (when, random.below(3) as u32 * (u32::MAX / 2));
                    expiries.insert(item.0, item.1);
                    model.insert(model.partition_point(|&known| known < item), item);
                } else if !model.is_empty() {
                    let (when, hash) = model.remove(random.below(model.len()));
                    expiries.remove(when, hash);
                    expiries.remove(when, 7);
                }
                if step % 50 == 0 {
                    assert_is(&expiries, &model, &mut random);
                }
            }
            (0..model.len()).for_each(|_| expiries.free_one());
            assert_eq!(expiries.memory(), 0);
        }
    }

    #[test]
    fn an_expiry_takes_ten_bytes() {
        let mut random = Random::seeded(6);
        for rises in [true, false] {
            let mut expiries = Expiries::default();
            for n in 0..100_000_i64 {
                let at = if rises { n * 1000 } else { random.below(1 << 36) as i64 };
                expiries.insert(1_700_000_000_000 + at, random.next_u64() as u32);
            }
            let each = expiries.memory() / 100_000;
            assert!(each <= 11, "{each} bytes");
        }
    }
}
