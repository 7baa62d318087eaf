//! A glance at requests that have arrived and are not to be run yet: where their second words are.
//!
//! The second word of most requests is a key. Who knows the keys of the requests to come can fetch
//! what belongs to them from memory all at once, instead of waiting for each when its turn comes. A
//! glance decides nothing: it takes any bytes, may be wrong, and does not say why it stops.

use std::ops::Range;

/// The request at the start of `input`: where its second word is, and where it ends. `None` if that
/// cannot be seen at a glance.
#[inline]
pub fn second_word(input: &[u8]) -> Option<(Range<usize>, usize)> {
    let (words, mut at) = length(input, 0, b'*')?;
    if !(2..=MOST_WORDS).contains(&words) {
        return None;
    }
    let mut second = 0..0;
    for word in 0..words {
        let (size, start) = length(input, at, b'$')?;
        if word == 1 {
            second = start..start + size;
        }
        at = start + size + 2;
    }
    (at <= input.len()).then_some((second, at))
}

/// Longer requests are worth the wait themselves.
const MOST_WORDS: usize = 8;

/// The number in the line at `at`, which begins with `kind`, and where the next line begins.
#[inline]
fn length(input: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let (&first, line) = input.get(at..)?.split_first()?;
    if first != kind {
        return None;
    }
    let mut number = 0;
    for (digits, &byte) in line.iter().take(MOST_DIGITS + 1).enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + usize::from(byte - b'0'),
            b'\r' if digits > 0 => return Some((number, at + digits + 3)),
            _ => return None,
        }
    }
    None
}

/// Lengths of more digits are not read.
const MOST_DIGITS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_word_is_found_in_whole_requests() {
        let input = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n";
        assert_eq!(second_word(input), Some((17..20, 22)));
        assert_eq!(&input[17..20], b"key");
        assert_eq!(second_word(&input[22..]), None);
        for end in 0..22 {
            assert_eq!(second_word(&input[..end]), None);
        }
        let value = "x".repeat(999);
        let input = format!("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$999\r\n{value}\r\n");
        assert_eq!(second_word(input.as_bytes()), Some((17..17, input.len())));
    }

    #[test]
    fn what_is_no_request_is_nothing() {
        for input in
            ["GET key\r\n", "*2\r\n$x\r\nGET\r\n", "*\r\n$1\r\nGET\r\n", "*9999\r\n$3\r\n", ""]
        {
            assert_eq!(second_word(input.as_bytes()), None);
        }
    }
}
