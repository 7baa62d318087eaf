//! Listpacks: short strings and integers end to end, the compact form of the reference for most types.
//!
//! ```text
//! ┌───────────────┬─────────────┬──────────────────────────────┬─────┬────┐
//! │ all bytes: u32│ count: u16  │ element │ its size, backwards │ ... │ FF │
//! └───────────────┴─────────────┴──────────────────────────────┴─────┴────┘
//! ```
//!
//! Both numbers are little-endian; a count of 65535 says that there are at least so many. An element begins with what
//! it is:
//!
//! | first byte | element |
//! |---|---|
//! | `0…` | an integer of seven bits |
//! | `10…` | a string of so many bytes, six bits |
//! | `110…` | an integer of thirteen bits: these five and the next eight |
//! | `1110…` | a string, twelve bits |
//! | `F0` | a string, the next four bytes |
//! | `F1` to `F4` | an integer of two, three, four, eight bytes, little-endian |
//!
//! Behind each stands how many bytes it takes, seven bits a byte, the highest first; all but the first of these bytes
//! have their upper bit set.

use super::element::{Element, little_endian};
use crate::text::number;

const HEADER: usize = 6;
const END: u8 = 0xFF;
const MANY: u16 = u16::MAX;

/// No integer has more digits than this, its sign counted.
const LONGEST_INTEGER: usize = 20;

/// A listpack as it is written.
#[derive(Debug)]
pub(super) struct ListpackMut {
    bytes: Vec<u8>,
    count: usize,
}

impl ListpackMut {
    pub(super) fn new() -> ListpackMut {
        ListpackMut { bytes: vec![0; HEADER], count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How many bytes it takes when it is finished.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 1
    }

    /// Appends a string, as an integer if it is the text of one.
    pub(super) fn push(&mut self, element: &[u8]) {
        let integer = if (1..=LONGEST_INTEGER).contains(&element.len()) {
            number::parse_i64(element)
        } else {
            None
        };
        match integer {
            Some(integer) => self.push_integer(integer),
            None => self.push_string(element),
        }
    }

    pub(super) fn push_integer(&mut self, integer: i64) {
        let start = self.bytes.len();
        let bytes = integer.to_le_bytes();
        let mut sized = |first: u8, size: usize| {
            self.bytes.push(first);
            self.bytes.extend_from_slice(&bytes[..size]);
        };
        match integer {
            0..=127 => sized(bytes[0], 0),
            -4096..=4095 => {
                let bits = (integer as u16) & 0x1FFF;
                self.bytes.extend([0xC0 | (bits >> 8) as u8, bits as u8]);
            }
            -0x8000..=0x7fff => sized(0xF1, 2),
            -0x80_0000..=0x7f_ffff => sized(0xF2, 3),
            -0x8000_0000..=0x7fff_ffff => sized(0xF3, 4),
            _ => sized(0xF4, 8),
        }
        self.end(start);
    }

    fn push_string(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        match text.len() {
            length @ 0..64 => self.bytes.push(0x80 | length as u8),
            length @ 64..4096 => self.bytes.extend([0xE0 | (length >> 8) as u8, length as u8]),
            length => {
                self.bytes.push(0xF0);
                self.bytes.extend((length as u32).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text);
        self.end(start);
    }

    /// Writes the size of the element that began at `start` behind it.
    fn end(&mut self, start: usize) {
        let size = self.bytes.len() - start;
        let digits = size_digits(size);
        for digit in (0..digits).rev() {
            let bits = (size >> (7 * digit)) as u8 & 0x7F;
            self.bytes.push(if digit + 1 == digits { bits } else { bits | 0x80 });
        }
        self.count += 1;
    }

    /// Appends the elements of another.
    pub(super) fn append(&mut self, other: &ListpackMut) {
        self.bytes.extend_from_slice(&other.bytes[HEADER..]);
        self.count += other.count;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let (size, count) = (self.bytes.len() as u32, u16::try_from(self.count).unwrap_or(MANY));
        self.bytes[..4].copy_from_slice(&size.to_le_bytes());
        self.bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}

/// How many bytes the size of an element takes.
fn size_digits(size: usize) -> usize {
    match size {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

/// The elements of a listpack, if it is well-formed from end to end.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    if u32::from_le_bytes(*size) as usize != bytes.len() {
        return None;
    }
    let mut elements = Vec::new();
    while *rest.first()? != END {
        let (element, size) = read_element(rest)?;
        let digits = size_digits(size);
        let back = rest.get(size..size + digits)?;
        let is_right = back.iter().enumerate().all(|(at, &byte)| {
            let bits = (size >> (7 * (digits - 1 - at))) as u8 & 0x7F;
            byte == if at == 0 { bits } else { bits | 0x80 }
        });
        rest = &rest[size + digits..];
        elements.push(is_right.then_some(element)?);
    }
    let count = u16::from_le_bytes(*count);
    let is_right = rest.len() == 1 && (count == MANY || usize::from(count) == elements.len());
    is_right.then_some(elements)
}

/// The element that `bytes` begin with, and how many bytes it takes.
fn read_element(bytes: &[u8]) -> Option<(Element<'_>, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let integer =
        |size: usize| Some((Element::Integer(little_endian(rest.get(..size)?)), 1 + size));
    let text = |header: usize, length: usize| {
        let end = header.checked_add(length)?;
        Some((Element::Text(bytes.get(header..end)?), end))
    };
    match first {
        0..0x80 => Some((Element::Integer(first.into()), 1)),
        0x80..0xC0 => text(1, (first & 0x3F).into()),
        0xC0..0xE0 => {
            let bits = i16::from_be_bytes([first & 0x1F, *rest.first()?]);
            let integer = if bits > 4095 { bits - 0x2000 } else { bits };
            Some((Element::Integer(integer.into()), 2))
        }
        0xE0..0xF0 => text(2, usize::from(u16::from_be_bytes([first & 0x0F, *rest.first()?]))),
        0xF0 => text(5, u32::from_le_bytes(*rest.first_chunk()?) as usize),
        0xF1 => integer(2),
        0xF2 => integer(3),
        0xF3 => integer(4),
        0xF4 => integer(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(elements: &[&[u8]]) -> Vec<u8> {
        let mut listpack = ListpackMut::new();
        elements.iter().for_each(|element| listpack.push(element));
        listpack.finish()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut texts: Vec<Vec<u8>> = [0, 1, 63, 64, 125, 126, 4095, 4096, 20_000, 3_000_000]
            .map(|length| vec![b'x'; length])
            .to_vec();
        for bits in 0..64 {
            for n in
                [1_i64 << bits, (1_i64 << bits).wrapping_sub(1), (1_i64 << bits).wrapping_neg()]
            {
                texts.push(n.to_string().into_bytes());
            }
        }
        texts.extend([&b"007"[..], b"-0", b"+1", b"9223372036854775808"].map(<[u8]>::to_vec));
        let slices: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let bytes = written(&slices);
        let read: Vec<Vec<u8>> =
            read(&bytes).unwrap().into_iter().map(|element| element.text().into_owned()).collect();
        assert!(read == texts);
    }

    #[test]
    fn what_is_cut_or_changed_is_none_or_another() {
        let bytes = written(&[b"a", b"12", b"-300", &[b'y'; 200], b"5000000000"]);
        for at in 0..bytes.len() {
            assert_eq!(read(&bytes[..at]), None);
            for byte in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = byte;
                read(&changed);
            }
        }
    }
}
