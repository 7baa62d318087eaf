//! The compact form of a small sorted set: a packed sequence of members, each behind its score, in order.
//!
//! Small whole numbers are the normal score, and they are spelled in as few bytes as possible. The first
//! byte of an element says how:
//!
//! | first byte | the score |
//! |---|---|
//! | 0 to 239 | that number |
//! | 240 + n, n = 1, 2, 3 | a whole number in the n bytes that follow, the low one first |
//! | 243 + n, n = 1 to 8 | a double, whose highest n bytes follow, the low one first; the others are 0 |
//!
//! Few digits, as in 0.5, take few bytes that way, and so do times since 1970.
//!
//! The score -0 is kept as 0, as the reference does in its compact form.

use crate::keyspace::compact::packed::{self, Packed, PackedMut};

const INTEGER: u8 = 240;
const DOUBLE: u8 = 243;

/// A score takes at most so many bytes.
const SCORE: usize = 9;

/// A compact sorted set, to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compact<'a>(Packed<'a>);

impl<'a> Compact<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Compact<'a> {
        Compact(Packed::new(payload))
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The members in order, the lowest score first.
    pub(crate) fn iter(self) -> Iter<'a> {
        Iter(self.0.iter())
    }

    /// Where a member is, and its score.
    pub(crate) fn find(self, member: &[u8]) -> Option<(usize, f64)> {
        // Comparing ends of elements first spares reading most scores, and the last bytes before them most comparisons.
        let last = member.last();
        self.0.iter().find_map(|(offset, element)| {
            if last.is_some() && element.last() != last || !element.ends_with(member) {
                return None;
            }
            let (name, score) = read(element);
            (name == member).then_some((offset, score))
        })
    }
}

/// A compact sorted set, to change.
#[derive(Debug)]
pub(crate) struct CompactMut<'v>(PackedMut<'v>);

impl<'v> CompactMut<'v> {
    /// The sorted set in the payload that begins at `start`.
    pub(crate) fn new(bytes: &'v mut Vec<u8>, start: usize) -> CompactMut<'v> {
        CompactMut(PackedMut::new(bytes, start))
    }

    /// Adds a member that is not there.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64) {
        let view = self.0.view();
        let place = view.iter().find(|(_, element)| {
            let (name, other) = read(element);
            other > score || (other == score && name > member)
        });
        let offset = place.map_or(view.size(), |(offset, _)| offset);
        with_element(member, score, |element| self.0.insert(offset, element));
    }

    /// Removes the member at an offset that [`Compact::find`] told.
    pub(crate) fn remove(&mut self, offset: usize) {
        self.0.remove(offset);
    }

    /// Removes the `count` members from rank `first` on.
    pub(crate) fn remove_ranks(&mut self, first: usize, count: usize) {
        if let Some((offset, _)) = self.0.view().iter().nth(first) {
            for _ in 0..count {
                self.0.remove(offset);
            }
        }
    }
}

/// The members of a compact sorted set and their scores, from either end.
#[derive(Debug, Clone)]
pub struct Iter<'a>(packed::Iter<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(_, element)| read(element))
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.0.nth(n).map(|(_, element)| read(element))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(_, element)| read(element))
    }

    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        self.0.nth_back(n).map(|(_, element)| read(element))
    }
}

/// The member and the score that an element spells.
#[inline]
fn read(element: &[u8]) -> (&[u8], f64) {
    let (&first, rest) = match element.split_first() {
        Some(split) => split,
        None => return (element, 0.0),
    };
    if first < INTEGER {
        return (rest, first.into());
    }
    if first > DOUBLE {
        let (high, member) = rest.split_at(usize::from(first - DOUBLE));
        let mut bytes = [0; 8];
        bytes[8 - high.len()..].copy_from_slice(high);
        return (member, f64::from_le_bytes(bytes));
    }
    let (digits, member) = rest.split_at(usize::from(first - INTEGER));
    let mut bytes = [0; 4];
    bytes[4 - digits.len()..].copy_from_slice(digits);
    (member, (i32::from_le_bytes(bytes) >> (32 - 8 * digits.len())).into())
}

/// Spells a member and its score, and hands the element on.
fn with_element(member: &[u8], score: f64, take: impl FnOnce(&[u8])) {
    let mut spelled = [0; SCORE];
    let used = spell(&mut spelled, score);
    let length = used + member.len();
    let mut short = [0; 96];
    if let Some(element) = short.get_mut(..length) {
        element[..used].copy_from_slice(&spelled[..used]);
        element[used..].copy_from_slice(member);
        take(element);
    } else {
        take(&[&spelled[..used], member].concat());
    }
}

/// Spells a score, and returns how many bytes that takes.
fn spell(out: &mut [u8; SCORE], score: f64) -> usize {
    // Out of range, the cast saturates, and no integer equals the score.
    let whole = score as i32;
    if f64::from(whole) != score || !(-(1 << 23)..1 << 23).contains(&whole) {
        let zeros = score.to_bits().trailing_zeros() as usize / 8;
        out[0] = DOUBLE + (8 - zeros) as u8;
        out[1..SCORE - zeros].copy_from_slice(&score.to_le_bytes()[zeros..]);
        return SCORE - zeros;
    }
    if (0..i32::from(INTEGER)).contains(&whole) {
        out[0] = whole as u8;
        return 1;
    }
    let digits = match whole {
        -0x80..0x80 => 1,
        -0x8000..0x8000 => 2,
        _ => 3,
    };
    out[0] = INTEGER + digits as u8;
    out[1..1 + digits].copy_from_slice(&whole.to_le_bytes()[..digits]);
    1 + digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_spelled_in_few_bytes() {
        for (score, bytes) in [
            (0.0, 1),
            (239.0, 1),
            (240.0, 3),
            (-1.0, 2),
            (-128.0, 2),
            (-129.0, 3),
            (32767.0, 3),
            (32768.0, 4),
            (-8_388_608.0, 4),
            (8_388_607.0, 4),
            (8_388_608.0, 3),
            (-8_388_609.0, 6),
            (1_700_000_000.0, 6),
            (1_700_000_000_123.0, 8),
            (0.5, 3),
            (0.1, 9),
            (-9.75, 4),
            (1e300, 9),
            (f64::INFINITY, 3),
            (f64::NEG_INFINITY, 3),
        ] {
            for member in [&b""[..], b"member", &[b'm'; 500]] {
                with_element(member, score, |element| {
                    assert_eq!(element.len(), bytes + member.len(), "{score}");
                    assert_eq!(read(element), (member, score));
                });
            }
        }
        with_element(b"m", -0.0, |element| assert!(read(element).1.is_sign_positive()));
    }

    #[test]
    fn members_stand_in_order_of_score_and_name() {
        let mut bytes = packed::EMPTY.to_vec();
        let mut zset = CompactMut::new(&mut bytes, 0);
        for (member, score) in [("b", 1.0), ("a", 1.0), ("c", -1e9), ("d", 0.5), ("", 1.0)] {
            zset.insert(member.as_bytes(), score);
        }
        let order: Vec<_> = Compact::new(&bytes).iter().map(|(member, _)| member).collect();
        assert_eq!(order, [&b"c"[..], b"d", b"", b"a", b"b"]);
        assert_eq!(Compact::new(&bytes).find(b"d").map(|(_, score)| score), Some(0.5));
        assert_eq!(Compact::new(&bytes).find(b"").map(|(_, score)| score), Some(1.0));
        assert_eq!(Compact::new(&bytes).find(b"x"), None);
        assert_eq!(Compact::new(&bytes).find(b"xd"), None);
        CompactMut::new(&mut bytes, 0).remove_ranks(1, 3);
        let order: Vec<_> = Compact::new(&bytes).iter().map(|(member, _)| member).collect();
        assert_eq!(order, [b"c", b"b"]);
    }
}
