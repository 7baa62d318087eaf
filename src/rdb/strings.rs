//! Lengths and strings as they stand in payloads and snapshots of the reference.
//!
//! | first byte | length |
//! |---|---|
//! | `00……` | its lower six bits |
//! | `01……` | these six bits and the next byte |
//! | `80`, `81` | the next four bytes, the next eight |
//! | `11……` | no length: the lower six bits are how a string is written |
//!
//! Numbers are big-endian where they are lengths. A string is its length and its bytes, or, after `C0`, `C1`, `C2`, an
//! integer of one, two or four bytes, little-endian, or, after `C3`, two lengths and what LZF has made of it.

use std::borrow::Cow;
use std::cell::RefCell;

use super::lzf::{self, Compressor};
use crate::text::number;

const BITS_14: u8 = 0x40;
const BITS_32: u8 = 0x80;
const BITS_64: u8 = 0x81;
const ENCODED: u8 = 0xC0;
const INT_8: u8 = 0xC0;
const INT_16: u8 = 0xC1;
const INT_32: u8 = 0xC2;
const LZF: u8 = 0xC3;

/// Strings up to this length are not compressed.
pub(super) const SHORT: usize = 20;

/// Strings up to this length share a compressor, which keeps the room of the longest; a longer one pays for its own.
const OF_A_PAYLOAD: usize = 64 << 10;

/// An integer of four bytes has no more digits than this, its sign counted.
const LONGEST_INTEGER: usize = 11;

/// No string is longer, whatever it declares.
const LONGEST_PLAIN: usize = u32::MAX as usize;

/// No string that is compressed is longer.
const LONGEST: usize = 512 << 20;

/// Appends a length.
pub(crate) fn push_length(out: &mut Vec<u8>, length: usize) {
    match length {
        0..64 => out.push(length as u8),
        64..0x4000 => out.extend([BITS_14 | (length >> 8) as u8, length as u8]),
        _ => match u32::try_from(length) {
            Ok(length) => {
                out.push(BITS_32);
                out.extend(length.to_be_bytes());
            }
            Err(_) => {
                out.push(BITS_64);
                out.extend((length as u64).to_be_bytes());
            }
        },
    }
}

thread_local! {
    /// Compresses the strings of payloads, which are short: to take its table for each of them costs more than all else.
    static COMPRESSOR: RefCell<Compressor> = RefCell::default();
}

/// Appends a string that is no integer, compressed if that makes it shorter.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    if text.len() <= SHORT {
        push_plain(out, text);
    } else if text.len() <= OF_A_PAYLOAD {
        COMPRESSOR.with_borrow_mut(|own| push_compressed(out, text, own));
    } else {
        push_compressed(out, text, &mut Compressor::default());
    }
}

/// Appends a string as it is.
#[inline]
pub(super) fn push_plain(out: &mut Vec<u8>, text: &[u8]) {
    push_length(out, text.len());
    out.extend_from_slice(text);
}

/// Appends a string of more than `SHORT` bytes, compressed if that makes it shorter.
pub(super) fn push_compressed(out: &mut Vec<u8>, text: &[u8], compressor: &mut Compressor) {
    match compressor.compress(text, text.len() - 4) {
        Some(compressed) => {
            out.push(LZF);
            push_length(out, compressed.len());
            push_length(out, text.len());
            out.extend_from_slice(compressed);
        }
        None => push_plain(out, text),
    }
}

/// Takes what values are written in.
pub(super) trait Sink: Default {
    /// The bytes so far, to append to.
    fn bytes(&mut self) -> &mut Vec<u8>;

    /// Appends a string that is no integer, with its length; it may be compressed.
    fn string(&mut self, text: &[u8]);

    /// Appends all of another.
    fn append(&mut self, other: Self);
}

impl Sink for Vec<u8> {
    fn bytes(&mut self) -> &mut Vec<u8> {
        self
    }

    fn string(&mut self, text: &[u8]) {
        push_string(self, text);
    }

    fn append(&mut self, other: Self) {
        self.extend(other);
    }
}

/// Appends a string, as an integer if its text is one that four bytes hold.
pub(super) fn push_text<S: Sink>(sink: &mut S, text: &[u8]) {
    let integer = if text.len() <= LONGEST_INTEGER { number::parse_i64(text) } else { None };
    let Some(integer) = integer.and_then(|integer| i32::try_from(integer).ok()) else {
        return sink.string(text);
    };
    let out = sink.bytes();
    if let Ok(integer) = i8::try_from(integer) {
        out.push(INT_8);
        out.extend(integer.to_le_bytes());
    } else if let Ok(integer) = i16::try_from(integer) {
        out.push(INT_16);
        out.extend(integer.to_le_bytes());
    } else {
        out.push(INT_32);
        out.extend(integer.to_le_bytes());
    }
}

/// Reads lengths and strings from a payload. What is cut short or malformed is nothing.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    left: &'a [u8],
    /// Whether something is nothing because the bytes ran out.
    ran_out: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Reader<'a> {
        Reader { left: payload, ran_out: false }
    }

    /// Returns whether more bytes would make something of what was nothing: it is cut short, and not malformed as far
    /// as it goes.
    pub(super) fn ran_out(&self) -> bool {
        self.ran_out
    }

    /// Reads what is taken together: if it is nothing, nothing of it has been read.
    #[inline]
    pub(super) fn whole<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Option<T>,
    ) -> Option<T> {
        let before = self.left;
        let found = read(self);
        if found.is_none() {
            self.left = before;
        }
        found
    }

    /// The next bytes, which stay the next.
    pub(super) fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        self.left.first_chunk().copied()
    }

    /// Goes back to where it was.
    #[inline]
    pub(super) fn rewind(&mut self, before: &Reader<'a>) {
        self.left = before.left;
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let Some((&first, rest)) = self.left.split_first() else {
            self.ran_out = true;
            return None;
        };
        self.left = rest;
        Some(first)
    }

    #[inline]
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let Some((bytes, rest)) = self.left.split_at_checked(length) else {
            // A length that no string has is malformed, however many bytes there are.
            self.ran_out = length <= LONGEST_PLAIN;
            return None;
        };
        self.left = rest;
        Some(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn length(&mut self) -> Option<usize> {
        let first = self.byte()?;
        self.length_after(first)
    }

    fn length_after(&mut self, first: u8) -> Option<usize> {
        let length = match first {
            BITS_32 => u64::from(u32::from_be_bytes(self.array()?)),
            BITS_64 => u64::from_be_bytes(self.array()?),
            0..BITS_14 => u64::from(first),
            BITS_14..BITS_32 => u64::from(u16::from_be_bytes([first & !BITS_14, self.byte()?])),
            _ => return None,
        };
        usize::try_from(length).ok()
    }

    /// The next string. One that stands there as it is, is not copied.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, [u8]>> {
        let first = self.byte()?;
        if first < ENCODED {
            let length = self.length_after(first)?;
            return self.bytes(length).map(Cow::Borrowed);
        }
        let integer = match first {
            INT_8 => i64::from(i8::from_le_bytes(self.array()?)),
            INT_16 => i64::from(i16::from_le_bytes(self.array()?)),
            INT_32 => i64::from(i32::from_le_bytes(self.array()?)),
            LZF => {
                let (compressed, length) = (self.length()?, self.length()?);
                let compressed = self.bytes(compressed)?;
                return lzf::decompress(compressed, (length <= LONGEST).then_some(length)?)
                    .map(Cow::Owned);
            }
            _ => return None,
        };
        let mut digits = Vec::new();
        number::push_i64(&mut digits, integer);
        Some(Cow::Owned(digits))
    }

    /// Passes the next string over, and returns it if it stands there as it is.
    pub(super) fn pass_string(&mut self) -> Option<Option<&'a [u8]>> {
        let first = self.byte()?;
        if first < ENCODED {
            let length = self.length_after(first)?;
            return self.bytes(length).map(Some);
        }
        let length = match first {
            INT_8 => 1,
            INT_16 => 2,
            INT_32 => 4,
            LZF => {
                let (compressed, _) = (self.length()?, self.length()?);
                compressed
            }
            _ => return None,
        };
        self.bytes(length).map(|_| None)
    }

    /// How many bytes have not been read.
    pub(crate) fn left(&self) -> usize {
        self.left.len()
    }

    /// Whether all has been read.
    pub(crate) fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        push_length(&mut out, length);
        out
    }

    #[test]
    fn lengths_are_as_short_as_can_be() {
        for (length, bytes) in [
            (0, &b"\x00"[..]),
            (63, b"\x3f"),
            (64, b"\x40\x40"),
            (0x3fff, b"\x7f\xff"),
            (0x4000, b"\x80\x00\x00\x40\x00"),
            (0xffff_ffff, b"\x80\xff\xff\xff\xff"),
            (0x1_0000_0000, b"\x81\x00\x00\x00\x01\x00\x00\x00\x00"),
        ] {
            assert_eq!(written(length), bytes);
            assert_eq!(Reader::new(bytes).length(), Some(length));
            assert_eq!(Reader::new(&bytes[..bytes.len() - 1]).length(), None);
        }
        assert_eq!(Reader::new(b"\x82").length(), None);
        assert_eq!(Reader::new(b"\xc0\x01").length(), None);
    }

    #[test]
    fn strings_come_in_many_forms() {
        let read = |bytes: &[u8]| Reader::new(bytes).string().map(Cow::into_owned);
        let text = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(read(b"\x03abcd"), text("abc"));
        assert_eq!(read(b"\x81\x00\x00\x00\x00\x00\x00\x00\x02ab"), text("ab"));
        assert_eq!(read(b"\xc0\xff"), text("-1"));
        assert_eq!(read(b"\xc1\x00\x80"), text("-32768"));
        assert_eq!(read(b"\xc2\xff\xff\xff\x7f"), text("2147483647"));
        assert_eq!(read(b"\xc3\x05\x1e\x00a\xe0\x14\x00"), text(&"a".repeat(30)));
        for bad in [
            &b""[..],
            b"\x03ab",
            b"\xc2\x00\x00\x00",
            b"\xc4",
            b"\xc3\x05\x1f\x00a\xe0\x14\x00",
            b"\xc3\x06\x1e\x00a\xe0\x14\x00",
            b"\x81\xff\xff\xff\xff\xff\xff\xff\xffabc",
            b"\xc3\x05\x81\x00\x00\x00\x00\x20\x00\x00\x01\x00a\xe0\x14\x00",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn long_strings_are_compressed_if_that_makes_them_shorter() {
        for (text, is_compressed) in
            [("a".repeat(20), false), ("a".repeat(21), true), (('a'..='z').collect(), false)]
        {
            let mut out = Vec::new();
            push_string(&mut out, text.as_bytes());
            assert_eq!(out[0] == LZF, is_compressed, "{text}");
            assert_eq!(Reader::new(&out).string(), Some(Cow::Owned(text.into_bytes())));
        }
    }
}
