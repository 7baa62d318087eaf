//! An element of a packed form: a string or an integer.

use std::borrow::Cow;

use crate::text::number;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element<'a> {
    Text(&'a [u8]),
    Integer(i64),
}

impl<'a> Element<'a> {
    /// The element as a string.
    pub(super) fn text(self) -> Cow<'a, [u8]> {
        match self {
            Element::Text(text) => Cow::Borrowed(text),
            Element::Integer(integer) => {
                let mut digits = Vec::new();
                number::push_i64(&mut digits, integer);
                Cow::Owned(digits)
            }
        }
    }

    /// The element as an integer, if it is one.
    pub(super) fn integer(self) -> Option<i64> {
        match self {
            Element::Text(text) => number::parse_i64(text),
            Element::Integer(integer) => Some(integer),
        }
    }
}

/// An integer of one to eight bytes with its sign.
pub(super) fn little_endian(bytes: &[u8]) -> i64 {
    let unsigned = bytes.iter().rev().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    let unused = 64_usize.saturating_sub(8 * bytes.len()).min(63);
    ((unsigned << unused) as i64) >> unused
}
