//! The compact form of sets whose members are integers: the integers themselves, sorted.
//!
//! ```text
//! ┌───────────┬────────────────────────────────────────────┐
//! │ width: u8 │ integers of that many bytes, little-endian │
//! └───────────┴────────────────────────────────────────────┘
//! ```
//!
//! The width is 2, 4 or 8: what the integer that needs most has needed. It never shrinks. The empty set
//! is an empty payload. Membership is a binary search.

use std::cmp::Ordering;

/// The payload of an empty set.
pub(crate) const EMPTY: &[u8] = &[];

const HEADER: usize = 1;

/// A sorted set of integers, to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intset<'a> {
    width: usize,
    integers: &'a [u8],
}

impl<'a> Intset<'a> {
    /// The set in a payload that [`EMPTY`] began and [`IntsetMut`] wrote.
    pub(crate) fn new(payload: &'a [u8]) -> Intset<'a> {
        match payload.split_first() {
            Some((&width, integers)) => Intset { width: width.into(), integers },
            None => Intset { width: 2, integers: &[] },
        }
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.integers.len() / self.width
    }

    pub(crate) fn is_empty(self) -> bool {
        self.integers.is_empty()
    }

    /// The integer at a position below [`Intset::len`].
    #[inline]
    pub(crate) fn at(self, position: usize) -> i64 {
        read(&self.integers[position * self.width..][..self.width])
    }

    pub(crate) fn contains(self, n: i64) -> bool {
        self.find(n).is_ok()
    }

    /// The position of `n`, or the one where it belongs.
    pub(crate) fn find(self, n: i64) -> Result<usize, usize> {
        match self.width {
            2 => search(self.integers, n, |bytes| i16::from_le_bytes(bytes).into()),
            4 => search(self.integers, n, |bytes| i32::from_le_bytes(bytes).into()),
            _ => search(self.integers, n, i64::from_le_bytes),
        }
    }

    /// To look for ascending integers.
    pub(crate) fn cursor(self) -> Cursor<'a> {
        Cursor { set: self, at: 0 }
    }

    /// The integers from the least to the greatest.
    pub(crate) fn iter(self) -> Iter<'a> {
        Iter(self.integers.chunks_exact(self.width))
    }
}

/// Looks for integers of which each is greater than the one before.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    set: Intset<'a>,
    /// All before this position are less than what is looked for.
    at: usize,
}

impl Cursor<'_> {
    /// Returns whether the set has `n`, which is not less than any `n` before.
    ///
    /// By steps that double, so that neighbours are near, and what is far is found as by a binary search.
    pub(crate) fn reach(&mut self, n: i64) -> bool {
        let len = self.set.len();
        let mut step = 1;
        while self.at + step <= len && self.set.at(self.at + step - 1) < n {
            self.at += step;
            step *= 2;
        }
        // It is among the integers that the last step would have passed over.
        let mut end = len.min(self.at + step - 1);
        while self.at < end {
            let middle = self.at.midpoint(end);
            if self.set.at(middle) < n {
                self.at = middle + 1;
            } else {
                end = middle;
            }
        }
        self.at < len && self.set.at(self.at) == n
    }
}

/// The integers of a set.
#[derive(Debug, Clone)]
pub struct Iter<'a>(std::slice::ChunksExact<'a, u8>);

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        self.0.next().map(read)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// A sorted set of integers, to change: the tail of a vector, from `start` on.
#[derive(Debug)]
pub(crate) struct IntsetMut<'v> {
    bytes: &'v mut Vec<u8>,
    start: usize,
}

impl<'v> IntsetMut<'v> {
    /// The set in the payload that begins at `start`.
    pub(crate) fn new(bytes: &'v mut Vec<u8>, start: usize) -> IntsetMut<'v> {
        IntsetMut { bytes, start }
    }

    pub(crate) fn view(&self) -> Intset<'_> {
        Intset::new(&self.bytes[self.start..])
    }

    /// Makes room for so many integers more.
    pub(crate) fn reserve(&mut self, count: usize) {
        let header = if self.bytes.len() == self.start { HEADER } else { 0 };
        self.bytes.reserve_exact(header + count * self.view().width);
    }

    /// Adds an integer. Returns whether it is new.
    pub(crate) fn insert(&mut self, n: i64) -> bool {
        let width = width_of(n);
        if self.bytes.len() == self.start {
            self.bytes.reserve_exact(HEADER + width);
            self.bytes.push(width as u8);
        } else if width > self.view().width {
            self.widen(width);
        }
        let Err(position) = self.view().find(n) else {
            return false;
        };
        let width = self.view().width;
        let at = self.at(position, width);
        let end = self.bytes.len();
        self.bytes.reserve_exact(width);
        self.bytes.resize(end + width, 0);
        self.bytes.copy_within(at..end, at + width);
        self.bytes[at..at + width].copy_from_slice(&n.to_le_bytes()[..width]);
        true
    }

    /// Removes the integer at a position.
    pub(crate) fn remove(&mut self, position: usize) {
        let width = self.view().width;
        let at = self.at(position, width);
        self.bytes.drain(at..at + width);
    }

    /// Removes the integers at these positions, the least first.
    pub(crate) fn remove_all(&mut self, positions: &[usize]) {
        let (count, width) = (self.view().len(), self.view().width);
        let mut kept = positions.first().copied().unwrap_or(count);
        for (index, &position) in positions.iter().enumerate() {
            let next = positions.get(index + 1).copied().unwrap_or(count);
            let stay = self.at(position + 1, width)..self.at(next, width);
            let to = self.at(kept, width);
            self.bytes.copy_within(stay, to);
            kept += next - position - 1;
        }
        self.bytes.truncate(self.at(kept, width));
    }

    /// Where in the vector the integer at a position lies.
    fn at(&self, position: usize, width: usize) -> usize {
        self.start + HEADER + position * width
    }

    /// Gives every integer more room.
    fn widen(&mut self, width: usize) {
        let old = self.view().width;
        let count = self.view().len();
        self.bytes.reserve_exact(count * (width - old) + width);
        self.bytes.resize(self.at(count, width), 0);
        for position in (0..count).rev() {
            let from = self.at(position, old);
            let n = read(&self.bytes[from..from + old]);
            let to = self.at(position, width);
            self.bytes[to..to + width].copy_from_slice(&n.to_le_bytes()[..width]);
        }
        self.bytes[self.start] = width as u8;
    }
}

/// The position of `n` among integers of `W` bytes, or the one where it belongs.
#[inline]
fn search<const W: usize>(
    integers: &[u8],
    n: i64,
    read: impl Fn([u8; W]) -> i64,
) -> Result<usize, usize> {
    let at = |position: usize| {
        let mut bytes = [0; W];
        bytes.copy_from_slice(&integers[position * W..][..W]);
        read(bytes)
    };
    let (mut low, mut size) = (0, integers.len() / W);
    // Sets are often filled in order.
    if size == 0 || at(size - 1) < n {
        return Err(size);
    }
    // Without branches, which would be mispredicted half of the time.
    while size > 1 {
        let half = size / 2;
        low = if at(low + half) > n { low } else { low + half };
        size -= half;
    }
    match at(low).cmp(&n) {
        Ordering::Less => Err(low + 1),
        Ordering::Equal => Ok(low),
        Ordering::Greater => Err(low),
    }
}

/// How many bytes an integer needs.
fn width_of(n: i64) -> usize {
    if i16::try_from(n).is_ok() {
        2
    } else if i32::try_from(n).is_ok() {
        4
    } else {
        8
    }
}

/// The integer that these bytes are.
#[inline]
fn read(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn behaves_like_a_sorted_set() {
        let mut random = crate::keyspace::Random::seeded(5);
        for shift in [0, 20, 40, 52, 60] {
            let mut bytes = b"head".to_vec();
            let mut model = BTreeSet::new();
            for step in 0..600 {
                // Small ones first, so that the set has to widen.
                let n = (random.next_u64() as i64) >> (shift + 3 - step / 200).min(63);
                let mut set = IntsetMut::new(&mut bytes, 4);
                match set.view().find(n) {
                    Ok(position) if step % 3 > 0 => {
                        set.remove(position);
                        assert!(model.remove(&n));
                    }
                    _ => assert_eq!(set.insert(n), model.insert(n)),
                }
                if step % 50 == 49 {
                    let gone: Vec<usize> = (0..model.len()).filter(|n| n % 3 == 1).collect();
                    set.remove_all(&gone);
                    let mut position = 0;
                    model.retain(|_| {
                        position += 1;
                        position % 3 != 2
                    });
                }
                let view = Intset::new(&bytes[4..]);
                assert_eq!(view.len(), model.len());
                assert!(view.iter().eq(model.iter().copied()));
                assert_eq!(view.contains(n), model.contains(&n));
            }
            assert_eq!(&bytes[..4], b"head");
        }
    }

    #[test]
    fn an_integer_takes_as_many_bytes_as_the_greatest_needs() {
        let mut bytes = Vec::new();
        for (n, size) in [(1, 3), (i16::MIN.into(), 5), (32_768, 13), (1 << 40, 33), (2, 41)] {
            assert!(IntsetMut::new(&mut bytes, 0).insert(n));
            assert_eq!(bytes.len(), size);
        }
        let all: Vec<i64> = Intset::new(&bytes).iter().collect();
        assert_eq!(all, [i16::MIN.into(), 1, 2, 32_768, 1 << 40]);
    }

    #[test]
    fn a_cursor_finds_what_a_search_does() {
        let mut random = crate::keyspace::Random::seeded(3);
        for round in 0..400 {
            let most = 1 << (round % 33);
            let mut ascending = |len: usize| -> BTreeSet<i64> {
                (0..len).map(|_| random.below(2 * most) as i64 - most as i64).collect()
            };
            let (members, sought) = (ascending(round / 2), ascending(200 - round / 2));
            let mut bytes = Vec::new();
            for &n in &members {
                IntsetMut::new(&mut bytes, 0).insert(n);
            }
            let mut cursor = Intset::new(&bytes).cursor();
            for n in sought {
                // Twice the same one is allowed.
                assert_eq!(cursor.reach(n), members.contains(&n));
                assert_eq!(cursor.reach(n), members.contains(&n));
            }
        }
    }
}
