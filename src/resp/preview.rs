//! A glance at requests that have arrived and are not to be run yet: what their second and third words
//! are.
//!
//! The second word of most requests is a key, and the third often a field or member of what it holds.
//! Who knows them for the requests to come can fetch what belongs to them from memory all at once,
//! instead of waiting for each when its turn comes. A glance decides nothing: it takes any bytes, may be
//! wrong, and does not say why it stops.

/// A request in outline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preview<'a> {
    pub second: &'a [u8],
    /// Empty if there is none.
    pub third: &'a [u8],
}

/// The request at the start of `input`, and where it ends. `None` if that cannot be seen at a glance.
#[inline]
pub fn glance(input: &[u8]) -> Option<(Preview<'_>, usize)> {
    let (words, mut at) = length(input, 0, b'*')?;
    if !(2..=MOST_WORDS).contains(&words) {
        return None;
    }
    let mut preview = Preview::default();
    for word in 0..words {
        let (size, start) = length(input, at, b'$')?;
        at = start + size + 2;
        match word {
            1 => preview.second = input.get(start..start + size)?,
            2 => preview.third = input.get(start..start + size)?,
            _ => {}
        }
    }
    (at <= input.len()).then_some((preview, at))
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

    fn words(input: &[u8]) -> Option<(&str, &str, usize)> {
        let (Preview { second, third }, len) = glance(input)?;
        Some((std::str::from_utf8(second).unwrap(), std::str::from_utf8(third).unwrap(), len))
    }

    #[test]
    fn the_words_of_whole_requests_are_seen() {
        let input = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n";
        assert_eq!(words(input), Some(("key", "", 22)));
        assert_eq!(words(&input[22..]), None);
        for end in 0..22 {
            assert_eq!(words(&input[..end]), None);
        }
        let value = "x".repeat(9999);
        let input = format!("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$9999\r\n{value}\r\n");
        assert_eq!(words(input.as_bytes()), Some(("", &value[..], input.len())));
    }

    #[test]
    fn what_is_no_request_is_nothing() {
        for input in [
            "GET key\r\n",
            "*2\r\n$x\r\nGET\r\n",
            "*\r\n$1\r\nGET\r\n",
            "*9999\r\n$3\r\n",
            "",
            "*2\r\n$9999999\r\n",
        ] {
            assert_eq!(words(input.as_bytes()), None);
        }
    }
}
