//! Ids of entries in arguments and replies.
//!
//! An id is two numbers with `-` between them. The second may be left out, and what stands for it then depends on
//! the command.

use crate::error::{self, Error};
use crate::keyspace::types::stream::Id;
use crate::text::number;
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
    /// The first number ends in front of the dash, and the second begins behind it.
    text: [u8; 2 * DASH + 1],
    ms: u64,
    start: u8,
    end: u8,
}

/// Where the dash stands: behind the most digits that a number has.
const DASH: usize = 20;

impl SpelledId {
    #[inline]
    pub(crate) fn new(id: Id) -> SpelledId {
        let mut text = [b'-'; 2 * DASH + 1];
        let start = number::spell(&mut text[..DASH], id.ms) as u8;
        let mut spelled = SpelledId { text, ms: id.ms, start, end: 0 };
        spelled.spell_second(id.seq);
        spelled
    }

    /// Spells another id. One of the same millisecond, as the next entry often has, is half of the work.
    #[inline]
    pub(crate) fn respell(&mut self, id: Id) {
        if id.ms != self.ms {
            self.ms = id.ms;
            self.start = number::spell(&mut self.text[..DASH], id.ms) as u8;
        }
        self.spell_second(id.seq);
    }

    #[inline]
    fn spell_second(&mut self, seq: u64) {
        let end = DASH + 1 + number::decimal_len(seq);
        number::spell(&mut self.text[DASH + 1..end], seq);
        self.end = end as u8;
    }
}

impl std::ops::Deref for SpelledId {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.text[usize::from(self.start)..usize::from(self.end)]
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
        let mut spelled = SpelledId::new(Id::MIN);
        for id in [Id::MIN, Id::new(1, 20), Id::new(1, 3), Id::MAX, Id::new(9, 10)] {
            spelled.respell(id);
            assert_eq!(&*spelled, id.to_string().as_bytes());
            assert_eq!(&*SpelledId::new(id), &*spelled);
        }
    }
}
