//! The compact form of small lists, hashes, sets and sorted sets: byte strings end to end.
//!
//! ```text
//! ┌──────────────┬────────────────────────────────────┬─────┐
//! │ count: u16   │ length │ bytes │ length, backwards │ ... │
//! └──────────────┴────────────────────────────────────┴─────┘
//! ```
//!
//! Lengths are in base 128. The second one lets the sequence be read from its end. A collection is
//! packed while it is so small that walking it is as fast as hashing; how small, the `*-max-listpack-*`
//! directives say, and [`MAX`] bounds.

use super::varint::{self, Digits};

/// The most elements a packed sequence can count.
pub(crate) const MAX: usize = u16::MAX as usize;

/// The payload of an empty sequence.
pub(crate) const EMPTY: &[u8] = &[0, 0];

const COUNT: usize = 2;

/// A packed sequence, to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    /// The sequence in a payload that [`EMPTY`] began and [`PackedMut`] wrote.
    pub(crate) fn new(payload: &'a [u8]) -> Packed<'a> {
        Packed(payload)
    }

    pub(crate) fn len(self) -> usize {
        usize::from(u16::from_le_bytes([self.0[0], self.0[1]]))
    }

    /// The elements, each with its offset, which [`PackedMut`] takes.
    pub(crate) fn iter(self) -> Iter<'a> {
        Iter { bytes: self.0, front: COUNT, back: self.0.len() }
    }

    /// The elements without their count, which [`Iter::over`] takes.
    pub(crate) fn run(self) -> &'a [u8] {
        &self.0[COUNT..]
    }

    /// Bytes of the payload.
    pub(crate) fn size(self) -> usize {
        self.0.len()
    }
}

/// Offsets and elements, from either end.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iter<'a> {
    /// The elements in `bytes` from offset `from` on; there is no count before them.
    pub(crate) fn over(bytes: &'a [u8], from: usize) -> Iter<'a> {
        Iter { bytes, front: from, back: bytes.len() }
    }

    /// Where the element lies that comes next.
    pub(crate) fn offset(&self) -> usize {
        self.front
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let offset = self.front;
        let (length, used) = length_at(self.bytes, offset);
        let start = offset + used;
        self.front = start + length + used;
        Some((offset, &self.bytes[start..start + length]))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let (length, used) = length_before(self.bytes, self.back);
        let end = self.back - used;
        let start = end - length;
        self.back = start - used;
        Some((self.back, &self.bytes[start..end]))
    }
}

/// A packed sequence, to change: the tail of a vector, from `start` on.
#[derive(Debug)]
pub(crate) struct PackedMut<'v> {
    bytes: &'v mut Vec<u8>,
    start: usize,
}

impl<'v> PackedMut<'v> {
    /// The sequence in the payload that begins at `start`.
    pub(crate) fn new(bytes: &'v mut Vec<u8>, start: usize) -> PackedMut<'v> {
        PackedMut { bytes, start }
    }

    pub(crate) fn view(&self) -> Packed<'_> {
        Packed(&self.bytes[self.start..])
    }

    pub(crate) fn push_back(&mut self, element: &[u8]) {
        self.insert(self.bytes.len() - self.start, element);
    }

    pub(crate) fn push_front(&mut self, element: &[u8]) {
        self.insert(COUNT, element);
    }

    /// Puts an element before the one at `offset`, or at the end if `offset` is the payload's size.
    pub(crate) fn insert(&mut self, offset: usize, element: &[u8]) {
        let count = self.view().len();
        debug_assert!(count < MAX);
        self.splice(offset, 0, element);
        self.set_len(count + 1);
    }

    /// Removes the element at `offset`.
    pub(crate) fn remove(&mut self, offset: usize) {
        let count = self.view().len();
        let at = self.start + offset;
        let size = self.size_at(offset);
        self.bytes.drain(at..at + size);
        self.set_len(count - 1);
    }

    /// Removes the `count` elements from offset `from` up to offset `to`.
    pub(crate) fn remove_range(&mut self, from: usize, to: usize, count: usize) {
        let left = self.view().len() - count;
        self.bytes.drain(self.start + from..self.start + to);
        self.set_len(left);
    }

    /// Removes up to `most` elements that are equal to `element`, from `offset` on. Returns how many.
    pub(crate) fn remove_equal(&mut self, offset: usize, element: &[u8], most: usize) -> usize {
        let removed = remove_equal(self.bytes, self.start + offset, element, most);
        self.set_len(self.view().len() - removed);
        removed
    }

    /// Removes the elements at these positions, the least first.
    pub(crate) fn remove_all(&mut self, positions: &[usize]) {
        let left = self.view().len() - positions.len();
        let (mut read, mut position) = (self.start + COUNT, 0);
        let mut write = read;
        for &gone in positions {
            let stay = read;
            while position < gone {
                read += self.size_at(read - self.start);
                position += 1;
            }
            self.bytes.copy_within(stay..read, write);
            write += read - stay;
            read += self.size_at(read - self.start);
            position += 1;
        }
        self.bytes.drain(write..read);
        self.set_len(left);
    }

    /// Replaces the element at `offset`.
    pub(crate) fn replace(&mut self, offset: usize, element: &[u8]) {
        let old = self.size_at(offset);
        self.splice(offset, old, element);
    }

    /// Bytes that the element at `offset` takes with its lengths.
    fn size_at(&self, offset: usize) -> usize {
        size_at(self.bytes, self.start + offset)
    }

    fn splice(&mut self, offset: usize, old: usize, element: &[u8]) {
        splice(self.bytes, self.start + offset, old, element);
    }

    fn set_len(&mut self, count: usize) {
        self.bytes[self.start..self.start + COUNT].copy_from_slice(&(count as u16).to_le_bytes());
    }
}

/// Returns whether two elements are equal. The last bytes are compared first, for names that were counted up differ there: that
/// spares nine calls of `memcmp` to HGET of the tenth field, 228 of its 2230 instructions.
#[inline]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.last() == other.last() && one == other
}

/// Writes an element over `old` bytes at `at`, moving what follows.
pub(crate) fn splice(bytes: &mut Vec<u8>, at: usize, old: usize, element: &[u8]) {
    let new = spelled(element);
    let end = bytes.len();
    if new > old {
        bytes.reserve_exact(new - old);
        bytes.resize(end + new - old, 0);
        bytes.copy_within(at + old..end, at + new);
    } else {
        bytes.copy_within(at + old..end, at + new);
        bytes.truncate(end + new - old);
    }
    write(&mut bytes[at..at + new], element);
}

/// Writes an element into as many bytes as it takes.
#[inline]
pub(crate) fn write(room: &mut [u8], element: &[u8]) {
    let digits = Digits::of(element.len());
    let (length, rest) = room.split_at_mut(digits.as_bytes().len());
    let (bytes, backwards) = rest.split_at_mut(element.len());
    length.copy_from_slice(digits.as_bytes());
    bytes.copy_from_slice(element);
    backwards.copy_from_slice(digits.backwards().as_bytes());
}

/// Bytes that an element takes with its lengths.
#[inline]
pub(crate) fn spelled(element: &[u8]) -> usize {
    element.len() + 2 * varint::count(element.len())
}

/// Bytes that the element at `at` takes with its lengths.
pub(crate) fn size_at(bytes: &[u8], at: usize) -> usize {
    let (length, used) = length_at(bytes, at);
    length + 2 * used
}

/// Removes up to `most` elements that are equal to `element`, from `at` on to the end. Returns how many.
pub(crate) fn remove_equal(bytes: &mut Vec<u8>, at: usize, element: &[u8], most: usize) -> usize {
    let (mut read, mut write, mut removed) = (at, at, 0);
    while read < bytes.len() && removed < most {
        let (length, used) = length_at(bytes, read);
        let size = length + 2 * used;
        if bytes[read + used..read + used + length] == *element {
            removed += 1;
        } else {
            if write < read {
                bytes.copy_within(read..read + size, write);
            }
            write += size;
        }
        read += size;
    }
    bytes.drain(write..read);
    removed
}

/// The length spelled at `at`, and how many bytes spell it.
#[inline]
fn length_at(bytes: &[u8], at: usize) -> (usize, usize) {
    varint::read(&bytes[at..])
}

/// The length spelled backwards before `end`, and how many bytes spell it.
#[inline]
fn length_before(bytes: &[u8], end: usize) -> (usize, usize) {
    varint::read_backwards(&bytes[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_the_same_as_slices_are() {
        for one in [&b""[..], b"a", b"b", b"ab", b"bb", b"aab"] {
            for other in [&b""[..], b"a", b"b", b"ab", b"bb", b"aab"] {
                assert_eq!(is_same(one, other), one == other);
            }
        }
    }

    #[test]
    fn behaves_like_a_vector_of_strings() {
        let mut bytes = b"head".to_vec();
        bytes.extend_from_slice(EMPTY);
        let mut model: Vec<Vec<u8>> = Vec::new();
        let mut random: u64 = 99;
        for step in 0..3000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let element =
                vec![step as u8; (random >> 40) as usize % [3, 40, 300, 17_000][step % 4]];
            let at = (random >> 33) as usize % (model.len() + 1);
            let mut packed = PackedMut::new(&mut bytes, 4);
            let offset = packed.view().iter().nth(at).map(|(offset, _)| offset);
            match (offset, step % 5) {
                (Some(offset), 0 | 1) => {
                    packed.remove(offset);
                    model.remove(at);
                }
                (Some(offset), 2) if step % 50 == 2 => {
                    let element = model[at].clone();
                    let most = step % 4;
                    let mut left = most;
                    let mut index = 0;
                    model.retain(|other| {
                        index += 1;
                        let gone = index > at && left > 0 && *other == element;
                        left -= usize::from(gone);
                        !gone
                    });
                    assert_eq!(packed.remove_equal(offset, &element, most), most - left);
                }
                (Some(offset), 2) if step % 50 == 7 => {
                    let to = packed.view().iter().nth(at + 2).map(|(offset, _)| offset);
                    let count = (model.len() - at).min(2);
                    packed.remove_range(offset, to.unwrap_or(packed.view().size()), count);
                    model.drain(at..at + count);
                }
                (Some(offset), 2) => {
                    packed.replace(offset, &element);
                    model[at] = element;
                }
                (Some(offset), 3) => {
                    packed.insert(offset, &element);
                    model.insert(at, element);
                }
                (Some(_), _) => {
                    packed.push_front(&element);
                    model.insert(0, element);
                }
                (None, _) => {
                    packed.push_back(&element);
                    model.push(element);
                }
            }
            let view = Packed::new(&bytes[4..]);
            assert_eq!(view.len(), model.len());
            assert!(view.iter().map(|(_, element)| element).eq(model.iter()));
            assert!(view.iter().rev().map(|(_, element)| element).eq(model.iter().rev()));
        }
        assert_eq!(&bytes[..4], b"head");
    }

    #[test]
    fn elements_go_by_their_positions() {
        let all: Vec<Vec<u8>> = (0..9_u8).map(|n| vec![n; usize::from(n) * 30]).collect();
        for gone in
            [&[][..], &[0], &[8], &[0, 1, 2, 5, 8], &[3, 4, 7], &[0, 1, 2, 3, 4, 5, 6, 7, 8]]
        {
            let mut bytes = [b"head", EMPTY].concat();
            let mut packed = PackedMut::new(&mut bytes, 4);
            all.iter().for_each(|element| packed.push_back(element));
            packed.remove_all(gone);
            let stay = (0..9).filter(|position| !gone.contains(position));
            let view = Packed::new(&bytes[4..]);
            assert_eq!(view.len(), 9 - gone.len());
            assert!(view.iter().map(|(_, element)| element).eq(stay.map(|n| &all[n][..])));
        }
    }
}
