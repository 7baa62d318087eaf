//! The packed forms that came before the [listpack](super::listpack): ziplists, zipmaps, and integer sets, which there
//! still are.
//!
//! A ziplist begins with its size, where its last element begins, both of four bytes, and its count, of two. Each
//! element begins with the size of the one before it: a byte, or `FE` and four. Then comes what it is:
//!
//! | first byte | element |
//! |---|---|
//! | `00…`, `01…`, `80` | a string whose length is six bits, fourteen, the next four bytes, all big-endian |
//! | `C0`, `D0`, `E0`, `F0`, `FE` | an integer of two, four, eight, three bytes, one, little-endian |
//! | `F1` to `FD` | 0 to 12 |
//!
//! A zipmap has a byte with its count, then names and values in turn. Each is a length (a byte, or `FE` and four,
//! little-endian) and a string; in a value there is a byte between the two, which says how many unused bytes follow the
//! string. `FF` is the end of both.

use super::element::{Element, little_endian};
use super::strings::Reader;

const END: u8 = 0xFF;
const LONG: u8 = 0xFE;
const MANY: u16 = u16::MAX;

/// The elements of a ziplist, if it is well-formed from end to end.
pub(super) fn ziplist(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut reader = Reader::new(bytes);
    let size = u32::from_le_bytes(reader.array()?) as usize;
    let tail = u32::from_le_bytes(reader.array()?) as usize;
    let count = u16::from_le_bytes(reader.array()?);
    let (mut elements, mut before) = (Vec::new(), 0);
    let mut last = bytes.len() - reader.left();
    loop {
        let start = bytes.len() - reader.left();
        let previous = match reader.byte()? {
            END => break,
            LONG => u32::from_le_bytes(reader.array()?) as usize,
            previous => previous.into(),
        };
        elements.push((previous == before).then_some(ziplist_element(&mut reader)?)?);
        before = bytes.len() - reader.left() - start;
        last = start;
    }
    let is_right = size == bytes.len()
        && reader.is_over()
        && tail == last
        && (count == MANY || usize::from(count) == elements.len());
    is_right.then_some(elements)
}

fn ziplist_element<'a>(reader: &mut Reader<'a>) -> Option<Element<'a>> {
    let first = reader.byte()?;
    let length = match first {
        0..0x40 => usize::from(first),
        0x40..0x80 => usize::from(u16::from_be_bytes([first & 0x3F, reader.byte()?])),
        0x80 => u32::from_be_bytes(reader.array()?) as usize,
        0xF1..=0xFD => return Some(Element::Integer(i64::from(first) - 0xF1)),
        _ => {
            let size = match first {
                0xC0 => 2,
                0xD0 => 4,
                0xE0 => 8,
                0xF0 => 3,
                0xFE => 1,
                _ => return None,
            };
            return Some(Element::Integer(little_endian(reader.bytes(size)?)));
        }
    };
    reader.bytes(length).map(Element::Text)
}

/// The names and values of a zipmap in turn, if it is well-formed.
pub(super) fn zipmap(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut reader = Reader::new(bytes);
    let count = reader.byte()?;
    let mut elements = Vec::new();
    loop {
        let length = match reader.byte()? {
            END => break,
            first => zipmap_length(first, &mut reader)?,
        };
        elements.push(Element::Text(reader.bytes(length)?));
        let first = reader.byte()?;
        let length = zipmap_length(first, &mut reader)?;
        let unused = reader.byte()?;
        elements.push(Element::Text(reader.bytes(length)?));
        reader.bytes(unused.into())?;
    }
    let is_right = reader.is_over() && (count >= LONG || usize::from(count) * 2 == elements.len());
    is_right.then_some(elements)
}

fn zipmap_length(first: u8, reader: &mut Reader<'_>) -> Option<usize> {
    match first {
        END => None,
        LONG => Some(u32::from_le_bytes(reader.array()?) as usize),
        length => Some(length.into()),
    }
}

/// The integers of a set of integers, if they are in order and none is there twice.
pub(super) fn intset(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut reader = Reader::new(bytes);
    let width = u32::from_le_bytes(reader.array()?);
    let count = u32::from_le_bytes(reader.array()?) as usize;
    if !matches!(width, 2 | 4 | 8) {
        return None;
    }
    let width = width as usize;
    let integers = reader.bytes(count.checked_mul(width)?)?;
    let integers: Vec<i64> = integers.chunks_exact(width).map(little_endian).collect();
    let is_right = reader.is_over() && integers.is_sorted_by(|one, other| one < other);
    is_right.then(|| integers.into_iter().map(Element::Integer).collect())
}
