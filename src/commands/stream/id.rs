//! Ids of entries in arguments and replies.
//!
//! An id is two numbers with `-` between them. The second may be left out, and what stands for it then depends on
//! the command.

use crate::error::{self, Error};
use crate::keyspace::types::stream::Id;
use crate::text::number::{self, Spelled};
use crate::wire::Reply;

/// No id is longer: what is may have any number of leading zeros.
const MOST_BYTES: usize = 127;

/// The second number of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    Number(u64),
    Missing,
    /// `*`: the command chooses.
    Any,
}

/// The id that an argument spells. `missing` is the second number where there is none.
pub(crate) fn id(text: &[u8], missing: u64) -> Result<Id, Error> {
    match numbers(text) {
        Some((ms, Second::Number(seq))) => Ok(Id::new(ms, seq)),
        Some((ms, Second::Missing)) => Ok(Id::new(ms, missing)),
        Some((_, Second::Any)) | None => Err(error::STREAM_ID),
    }
}

/// The id of an entry that is to be added: its first number, and the second unless that is to be chosen.
pub(crate) fn new_id(text: &[u8]) -> Result<(u64, Option<u64>), Error> {
    match numbers(text).ok_or(error::STREAM_ID)? {
        (ms, Second::Number(seq)) => Ok((ms, Some(seq))),
        (ms, Second::Missing) => Ok((ms, Some(0))),
        (ms, Second::Any) => Ok((ms, None)),
    }
}

/// The first id of a range: `-` and `+` are the least and the greatest one, and behind `(` stands one that is not
/// part of it.
pub(crate) fn range_start(text: &[u8]) -> Result<Id, Error> {
    match text {
        [b'(', text @ ..] => id(text, 0)?.next().ok_or(error::INTERVAL_START),
        _ => end_of_range(text, 0),
    }
}

/// The last id of a range, in the same spelling.
pub(crate) fn range_end(text: &[u8]) -> Result<Id, Error> {
    match text {
        [b'(', text @ ..] => id(text, u64::MAX)?.previous().ok_or(error::INTERVAL_END),
        _ => end_of_range(text, u64::MAX),
    }
}

fn end_of_range(text: &[u8], missing: u64) -> Result<Id, Error> {
    match text {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        _ => id(text, missing),
    }
}

fn numbers(text: &[u8]) -> Option<(u64, Second)> {
    // The reference reads a string of C, which ends at the first zero byte.
    let text = text.split(|&byte| byte == 0).next().filter(|_| text.len() <= MOST_BYTES)?;
    let Some(dash) = text.iter().position(|&byte| byte == b'-') else {
        return Some((number_of(text)?, Second::Missing));
    };
    let second = match &text[dash + 1..] {
        b"*" => Second::Any,
        digits => Second::Number(number_of(digits)?),
    };
    Some((number_of(&text[..dash])?, second))
}

/// An unsigned number as the reference reads it: strictly, or else as `strtoull` of C does.
fn number_of(text: &[u8]) -> Option<u64> {
    number::parse_u64(text).or_else(|| loose_number(text))
}

/// White space, a sign and zeros may come first. A minus sign takes the number from 2^64, unless it is an integer
/// in its strict form, and so less than zero.
#[cold]
fn loose_number(text: &[u8]) -> Option<u64> {
    if number::parse_i64(text).is_some() {
        return None;
    }
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = text.iter().position(|byte| !is_space(byte))?;
    let (is_negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    let number = match &digits[zeros..] {
        [] if zeros > 0 => 0,
        digits => number::parse_u64(digits)?,
    };
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// An id in its spelling, without an allocation: it reads as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpelledId {
    text: [u8; 41],
    len: u8,
}

impl SpelledId {
    pub(crate) fn new(id: Id) -> SpelledId {
        let (ms, seq) = (Spelled::unsigned(id.ms), Spelled::unsigned(id.seq));
        let (dash, len) = (ms.len(), ms.len() + 1 + seq.len());
        let mut text = [b'-'; 41];
        text[..dash].copy_from_slice(&ms);
        text[dash + 1..len].copy_from_slice(&seq);
        SpelledId { text, len: len as u8 }
    }
}

impl std::ops::Deref for SpelledId {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

/// Replies with an id.
#[inline]
pub(crate) fn reply_id(reply: &mut Reply, id: Id) {
    reply.bulk(&SpelledId::new(id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_the_reference_reads_them() {
        for (text, expected) in [
            (&b"5-3"[..], Some((5, Second::Number(3)))),
            (b"5", Some((5, Second::Missing))),
            (b"5-*", Some((5, Second::Any))),
            (b"0", Some((0, Second::Missing))),
            (b" 5-3", Some((5, Second::Number(3)))),
            (b"+5-+3", Some((5, Second::Number(3)))),
            (b"005-03", Some((5, Second::Number(3)))),
            (b"5-00", Some((5, Second::Number(0)))),
            (b"5\0x", Some((5, Second::Missing))),
            (b"5- -1", Some((5, Second::Number(u64::MAX)))),
            (b"5--01", Some((5, Second::Number(u64::MAX)))),
            (b"18446744073709551615", Some((u64::MAX, Second::Missing))),
            (b"5--1", None),
            (b"18446744073709551616", None),
            (b"5-18446744073709551616", None),
            (b"", None),
            (b" ", None),
            (b"+", None),
            (b"-", None),
            (b"-5", None),
            (b"5-", None),
            (b"5 -3", None),
            (b"5-3 ", None),
            (b"5-3-1", None),
            (b"*", None),
            (b"*-1", None),
            (b"5-**", None),
        ] {
            assert_eq!(numbers(text), expected, "{}", text.escape_ascii());
        }
        let zeros = [&[b'0'; 126][..], b"7"].concat();
        assert_eq!(numbers(&zeros), Some((7, Second::Missing)));
        assert_eq!(numbers(&[b"0", &zeros[..]].concat()), None);
    }

    #[test]
    fn ids_are_spelled_whole() {
        for id in [Id::MIN, Id::new(1, 20), Id::MAX] {
            assert_eq!(&*SpelledId::new(id), id.to_string().as_bytes());
        }
    }
}
