//! Up to sixty-four items in order: what leaves and branches of the tree are built around.

use std::cmp::Ordering;

/// The most items of a leaf, and children of a branch.
pub(crate) const ROOM: usize = 64;

/// What is put in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Item {
    pub(crate) score: f64,
    /// Where the member is in the dictionary.
    pub(crate) at: u32,
}

/// The order of scores. The two zeros are equal, and NaN is no score.
#[inline]
pub(crate) fn compare(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

/// Up to `ROOM` items in order.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    /// NaN where there are no items: it is neither below a score nor equal to one.
    pub(crate) scores: [f64; ROOM],
    pub(crate) ats: [u32; ROOM],
    pub(crate) len: usize,
}

impl Items {
    pub(crate) const EMPTY: Items = Items { scores: [f64::NAN; ROOM], ats: [0; ROOM], len: 0 };

    /// How many of them have a lower score.
    ///
    /// Looking at all is faster than searching: it takes no decisions, and fetches all from memory at the
    /// same time.
    #[inline]
    fn below(&self, score: f64) -> usize {
        self.scores.iter().map(|&other| u64::from(other < score)).sum::<u64>() as usize
    }

    /// How many of them have a lower score than `score`, or the same and a member for which `before`
    /// holds. It must hold for some at the beginning, and not for the rest.
    #[inline]
    pub(crate) fn count(&self, score: f64, before: impl Fn(u32) -> bool) -> usize {
        let start = self.below(score);
        if self.scores.get(start) != Some(&score) {
            return start;
        }
        let equal = self.scores[start..self.len].partition_point(|&other| other == score);
        start + self.ats[start..start + equal].partition_point(|&at| before(at))
    }

    /// As [`Items::count`], whatever the scores.
    pub(crate) fn count_all(&self, before: impl Fn(u32) -> bool) -> usize {
        self.ats[..self.len].partition_point(|&at| before(at))
    }

    /// Where an item is that is among them. Looks at no member.
    pub(crate) fn position(&self, item: Item) -> usize {
        let start = self.below(item.score);
        let ats = self.ats[start..self.len].iter();
        start + ats.take_while(|&&at| at != item.at).count()
    }

    pub(crate) fn get(&self, index: usize) -> Item {
        Item { score: self.scores[index], at: self.ats[index] }
    }

    pub(crate) fn set(&mut self, index: usize, item: Item) {
        self.scores[index] = item.score;
        self.ats[index] = item.at;
    }

    pub(crate) fn insert(&mut self, index: usize, item: Item) {
        open(&mut self.scores, self.len, index);
        open(&mut self.ats, self.len, index);
        self.len += 1;
        self.set(index, item);
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.scores.copy_within(index + 1..self.len, index);
        self.ats.copy_within(index + 1..self.len, index);
        self.len -= 1;
        self.scores[self.len] = f64::NAN;
    }

    /// Takes the items from `index` on away.
    pub(crate) fn split_off(&mut self, index: usize) -> Items {
        let mut rest = Items::EMPTY;
        rest.len = self.len - index;
        rest.scores[..rest.len].copy_from_slice(&self.scores[index..self.len]);
        rest.ats[..rest.len].copy_from_slice(&self.ats[index..self.len]);
        self.scores[index..].fill(f64::NAN);
        self.len = index;
        rest
    }

    pub(crate) fn append(&mut self, other: &Items) {
        let end = self.len + other.len;
        self.scores[self.len..end].copy_from_slice(&other.scores[..other.len]);
        self.ats[self.len..end].copy_from_slice(&other.ats[..other.len]);
        self.len = end;
    }
}

/// Moves what is from `index` to `len` one place up.
pub(crate) fn open<T: Copy>(array: &mut [T; ROOM], len: usize, index: usize) {
    array.copy_within(index..len, index + 1);
}
