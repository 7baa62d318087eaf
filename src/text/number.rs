//! Integers: the one spelling that the protocol accepts, and the sizes of configuration files.
//!
//! An integer has exactly one spelling: no `+`, no leading zeros, no spaces, no `-0`. So whatever
//! parses here is written back by [`push_i64`] byte for byte, which is what allows the store to
//! keep a number where a client sent text. Reading a length is the hottest thing that the request
//! parser does; nothing here allocates, except that `out` may grow.

use std::ops::Deref;

/// The most digits that a `u64` has, and the most bytes that spell an `i64`.
const MOST_DIGITS: usize = 20;

/// The pairs `00` to `99`, for writing two digits with one division.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

/// The integer that `text` spells, if it spells one and an `i64` holds it.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
        [b'-', digits @ ..] => match parse_u64(digits)? {
            0 => None,
            magnitude => 0_i64.checked_sub_unsigned(magnitude),
        },
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// The integer that `text` spells, if it spells one and a `u64` holds it.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        // Only twenty digits can be too many, so only the last of twenty needs the checks.
        [b'1'..=b'9', ..] if text.len() < MOST_DIGITS => {
            text.iter().try_fold(0, |sum, &byte| Some(sum * 10 + digit(byte)?))
        }
        [b'1'..=b'9', .., last] if text.len() == MOST_DIGITS => {
            let sum = parse_u64(&text[..MOST_DIGITS - 1])?;
            sum.checked_mul(10)?.checked_add(digit(*last)?)
        }
        _ => None,
    }
}

/// The bytes that a size of a configuration file or of CONFIG SET means.
///
/// After the digits may stand `b`, `k` (1000), `kb` (1024), `m`, `mb`, `g` or `gb`, in any case. As
/// in Valkey 9.1, leading zeros are allowed, no digits at all mean zero, and a sign, a fraction or
/// a space makes no size. A product that a `u64` cannot hold is refused, where Valkey lets it wrap
/// around.
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let end = text.iter().position(|byte| !is_digit(byte)).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1000 * 1000,
        b"mb" => 1 << 20,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    digits
        .iter()
        .try_fold(0_u64, |sum, &byte| sum.checked_mul(10)?.checked_add(digit(byte)?))?
        .checked_mul(unit)
}

/// Appends `n` in decimal.
pub(crate) fn push_i64(out: &mut Vec<u8>, n: i64) {
    if n < 0 {
        out.push(b'-');
    }
    push_u64(out, n.unsigned_abs());
}

/// Appends `n` in decimal.
pub(crate) fn push_u64(out: &mut Vec<u8>, n: u64) {
    let mut digits = [0; MOST_DIGITS];
    let start = spell(&mut digits, n);
    out.extend_from_slice(&digits[start..]);
}

/// Writes the digits of `n` at the end of `digits`, where there is room for all, and returns where they begin.
#[inline]
pub(crate) fn spell(digits: &mut [u8], mut n: u64) -> usize {
    let end = digits.len();
    let mut start = end;
    while n >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[(n % 100) as usize]);
        n /= 100;
    }
    if n > 0 || start == end {
        start -= 1;
        digits[start] = b'0' + n as u8;
    }
    start
}

/// An integer in decimal, without an allocation: it reads as bytes.
#[derive(Debug, Clone, Copy)]
pub struct Spelled {
    text: [u8; MOST_DIGITS],
    start: u8,
}

impl Spelled {
    pub(crate) fn new(n: i64) -> Spelled {
        let mut text = [0; MOST_DIGITS];
        let mut start = spell(&mut text, n.unsigned_abs());
        if n < 0 {
            start -= 1;
            text[start] = b'-';
        }
        Spelled { text, start: start as u8 }
    }
}

impl Deref for Spelled {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[usize::from(self.start)..]
    }
}

/// How many digits `n` has in decimal.
pub(crate) fn decimal_len(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(n: i64) -> Vec<u8> {
        let mut out = Vec::new();
        push_i64(&mut out, n);
        out
    }

    #[test]
    fn an_integer_has_one_spelling() {
        for (text, expected) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("1234567890", Some(1_234_567_890)),
            ("", None),
            ("-", None),
            ("-0", None),
            ("00", None),
            ("01", None),
            ("-01", None),
            ("+1", None),
            ("--1", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("1\0", None),
            ("12a", None),
            ("1/", None),
            ("1:", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_whole_range_and_nothing_beyond_it_parses() {
        for (text, expected) in [
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
            ("18446744073709551616", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"99999999999999999999"), None);
        assert_eq!(parse_u64(b"1844674407370955161x"), None);
        assert_eq!(parse_u64(b"100000000000000000000"), None);
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn what_is_written_parses_to_the_same() {
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        let mut numbers =
            vec![0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, i64::MAX, i64::MIN, -1, -10];
        for shift in 0..64 {
            for _ in 0..100 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                numbers.push((random as i64) >> shift);
            }
        }
        for n in numbers {
            let text = written(n);
            assert_eq!(text, n.to_string().into_bytes());
            assert_eq!(&*Spelled::new(n), text);
            assert_eq!(parse_i64(&text), Some(n));
            let sign = usize::from(n < 0);
            assert_eq!(decimal_len(n.unsigned_abs()), text.len() - sign);
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("123", Some(123)),
            ("1b", Some(1)),
            ("1k", Some(1000)),
            ("1Kb", Some(1024)),
            ("1m", Some(1_000_000)),
            ("100mb", Some(100 << 20)),
            ("1g", Some(1_000_000_000)),
            ("1GB", Some(1 << 30)),
            ("01kb", Some(1024)),
            ("", Some(0)),
            ("kb", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("18014398509481984kb", None),
            ("-1", None),
            ("+1", None),
            (" 1", None),
            ("1 mb", None),
            ("1.5gb", None),
            ("1tb", None),
            ("1kbb", None),
        ] {
            assert_eq!(parse_memory(text.as_bytes()), expected, "{text:?}");
        }
    }
}
