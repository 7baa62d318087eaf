//! Quoting: lines that people type become words, and bytes become text that people can read.
//!
//! A line, be it an inline request or a line of a configuration file, is words with space between
//! them. Quotes keep spaces in a word and may stand anywhere in it: `a" b"'c'` is the word `a bc`.
//!
//! * Between double quotes `\xHH` is a byte in hexadecimal, `\n \r \t \b \a` are the control
//!   characters that they are in C, and a backslash before any other byte stands for that byte:
//!   `\x4g` is `x4g`.
//! * Between single quotes `\'` is a single quote, and every other byte is itself.
//! * Outside quotes a backslash is a backslash. So it is before a quote that ends the line: that
//!   quote closes.
//!
//! These are the rules of Valkey 9.1. Redis also wants space after a closing quote; Valkey goes on
//! with the word. Words end at a space, tab, carriage return or line feed; vertical tabs and form
//! feeds are skipped where a word could begin, but in a word they belong to it. A byte `FF` is
//! dropped unless it is spelled `\xff`, which is surely no intention of Valkey's, but it is what an
//! inline request meets there. A NUL is an ordinary byte; Valkey does not find the end of an inline
//! request that contains one.

use std::ops::Range;

/// The byte that gets through only as `\xff`.
const DROPPED: u8 = 0xff;

/// A quote was opened and not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unbalanced;

/// Splits `line` into words, calling `word` with the place of each, in order.
///
/// Decoding only ever shrinks a word, so it is rewritten where it stands: afterwards the places lie
/// in `line`, do not overlap, and hold the words without their quotes. Bytes between them are
/// leftovers. A line that has no quotes and no byte `FF` is not changed.
///
/// After an error the words already told, and the bytes of the line, mean nothing.
pub(crate) fn split_quoted(
    line: &mut [u8],
    mut word: impl FnMut(Range<usize>),
) -> Result<(), Unbalanced> {
    let mut read = 0;
    while let Some(skipped) = line[read..].iter().position(|&byte| !is_space(byte)) {
        let start = read + skipped;
        let end;
        (end, read) = unquote_word(line, start)?;
        word(start..end);
    }
    Ok(())
}

/// The words of `line`, copied; nothing if a quote is not closed.
pub(crate) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut line = line.to_vec();
    let mut places = Vec::new();
    split_quoted(&mut line, |place| places.push(place)).ok()?;
    Some(places.into_iter().map(|place| line[place].to_vec()).collect())
}

/// The bytes that `text` stands for where it is quoted, without the quotes: a backslash is followed by `x` and two
/// hexadecimal digits, by one of `n r t b a`, or by a byte that stands for itself. `None`: it is not.
pub(crate) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (byte, tail) {
            (b'\\', [b'x', high, low, tail @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest = tail;
                hex_digit(*high) << 4 | hex_digit(*low)
            }
            (b'\\', [] | [b'x', ..]) => return None,
            (b'\\', [letter, tail @ ..]) => {
                rest = tail;
                match letter {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                }
            }
            (byte, _) => *byte,
        });
    }
    Some(bytes)
}

/// Appends `text` between double quotes, with an escape for everything that does not print: what
/// [`split_quoted`] reads back. MONITOR, SLOWLOG in logs and CONFIG REWRITE show arguments like
/// this.
pub fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(text.len() + 2);
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'x', high, low]);
            }
        }
    }
    out.push(b'"');
}

/// Decodes the word that begins at `start` in place; returns its new end and where reading goes on.
fn unquote_word(line: &mut [u8], start: usize) -> Result<(usize, usize), Unbalanced> {
    let (mut read, mut end) = (start, start);
    let mut inside = None;
    while let Some(&byte) = line.get(read) {
        let (decoded, used) = match (inside, byte) {
            (None, b' ' | b'\t' | b'\r' | b'\n') => break,
            (None, b'"' | b'\'') => {
                inside = Some(byte);
                (None, 1)
            }
            (Some(quote), _) if byte == quote => {
                inside = None;
                (None, 1)
            }
            (Some(b'"'), b'\\') => unescape(&line[read..]),
            (Some(b'\''), b'\\') if matches!(line[read..], [_, b'\'', _, ..]) => (Some(b'\''), 2),
            (_, DROPPED) => (None, 1),
            _ => (Some(byte), 1),
        };
        if let Some(decoded) = decoded {
            line[end] = decoded;
            end += 1;
        }
        read += used;
    }
    match inside {
        None => Ok((end, read)),
        Some(_) => Err(Unbalanced),
    }
}

/// The byte, if any, that the escape at the start of `text` stands for, and how many bytes spell
/// it.
fn unescape(text: &[u8]) -> (Option<u8>, usize) {
    match *text {
        [_, b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            (Some((hex_digit(high) << 4) | hex_digit(low)), 4)
        }
        // The closing quote must still have room: a quote that ends the line closes, escaped or
        // not.
        [_, DROPPED, _, ..] => (None, 2),
        [_, letter, _, ..] => {
            let byte = match letter {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 0x08,
                b'a' => 0x07,
                other => other,
            };
            (Some(byte), 2)
        }
        _ => (Some(b'\\'), 1),
    }
}

/// The value of a byte that is known to be a hexadecimal digit.
fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.to_ascii_lowercase() - b'a' + 10,
    }
}

/// What C calls space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        let lossy = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
        Some(split(line.as_bytes())?.into_iter().map(lossy).collect())
    }

    fn some(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| word.to_string()).collect())
    }

    #[test]
    fn space_separates_words() {
        assert_eq!(words(""), some(&[]));
        assert_eq!(words(" \t \r\n\x0b\x0c"), some(&[]));
        assert_eq!(words("  SET\tkey   value\r"), some(&["SET", "key", "value"]));
        assert_eq!(words("a\x0bb\x0cc"), some(&["a\x0bb\x0cc"]));
        assert_eq!(words("a \x0bb"), some(&["a", "b"]));
    }

    #[test]
    fn quotes_keep_spaces_in_a_word() {
        assert_eq!(words(r#"ECHO "a b""#), some(&["ECHO", "a b"]));
        assert_eq!(words("ECHO 'a b'"), some(&["ECHO", "a b"]));
        assert_eq!(words(r#""" ''"#), some(&["", ""]));
        assert_eq!(words(r#""'" '"'"#), some(&["'", "\""]));
    }

    #[test]
    fn text_beside_quotes_belongs_to_the_word() {
        assert_eq!(words(r#"mid"dle""#), some(&["middle"]));
        assert_eq!(words(r#""abc"def"#), some(&["abcdef"]));
        assert_eq!(words(r#""a""b"'c'"#), some(&["abc"]));
        assert_eq!(words(r#"a""b"#), some(&["ab"]));
    }

    #[test]
    fn double_quotes_have_escapes() {
        assert_eq!(words(r#""\x41\n\r\t\a\b\\\"\q""#), some(&["A\n\r\t\x07\x08\\\"q"]));
        assert_eq!(words(r#""\x4" "\x4g1" "\xg" "\x""#), some(&["x4", "x4g1", "xg", "x"]));
        assert_eq!(split(br#""\xfF\x00""#), Some(vec![vec![0xff, 0x00]]));
    }

    #[test]
    fn single_quotes_have_one_escape() {
        assert_eq!(words(r"'it\'s \n \x41 \\ '"), some(&[r"it's \n \x41 \\ "]));
    }

    #[test]
    fn a_backslash_outside_quotes_is_a_backslash() {
        assert_eq!(words(r"a\nb \' '"), some(&[r"a\nb", r"\ "]));
        assert_eq!(words(r"a\nb \"), some(&[r"a\nb", r"\"]));
    }

    #[test]
    fn a_quote_that_ends_the_line_closes_even_after_a_backslash() {
        assert_eq!(words(r#""a\""#), some(&[r"a\"]));
        assert_eq!(words(r"'a\'"), some(&[r"a\"]));
        assert_eq!(words(r#""a\\""#), some(&[r"a\"]));
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for line in
            [r#"ECHO "abc"#, "ECHO 'abc", r#"""#, r#"a"b"c""#, r#""a\"#, r#""a\" "#, r"'a\' "]
        {
            assert_eq!(words(line), None, "{line}");
        }
    }

    #[test]
    fn the_byte_ff_gets_through_only_as_an_escape() {
        for line in [&b"a\xffb"[..], b"\"a\xffb\"", b"'a\xffb'", b"\"a\\\xffb\""] {
            assert_eq!(split(line), Some(vec![b"ab".to_vec()]));
        }
        assert_eq!(split(b"\xff"), Some(vec![b"".to_vec()]));
        assert_eq!(split(br#""a\xffb""#), Some(vec![b"a\xffb".to_vec()]));
    }

    #[test]
    fn a_line_without_quotes_is_not_changed() {
        let mut line = *b" SET  key \\n\t ";
        let mut places = Vec::new();
        assert_eq!(split_quoted(&mut line, |place| places.push(place)), Ok(()));
        assert_eq!(&line, b" SET  key \\n\t ");
        assert_eq!(places, [1..4, 6..9, 10..12]);
    }

    #[test]
    fn quoting_escapes_what_does_not_print() {
        let mut out = Vec::new();
        push_quoted(&mut out, b"a \"b\" \\ \n\r\t\x07\x08 \x00\x0b\x1f\x7f\x80\xff~");
        assert_eq!(out, br#""a \"b\" \\ \n\r\t\a\b \x00\x0b\x1f\x7f\x80\xff~""#);
    }

    #[test]
    fn what_is_quoted_splits_to_the_same() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random >> 33
        };
        for _ in 0..2000 {
            let words: Vec<Vec<u8>> =
                (0..next() % 5).map(|_| (0..next() % 12).map(|_| next() as u8).collect()).collect();
            let mut line = Vec::new();
            for word in &words {
                push_quoted(&mut line, word);
                line.push(b' ');
            }
            assert_eq!(split(&line), Some(words));
        }
    }

    #[test]
    fn any_line_is_split_or_refused() {
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 33) as usize
        };
        const BYTES: &[u8] = b"\"\"''\\\\xn4a \t\0\xff";
        for _ in 0..20_000 {
            let mut line: Vec<u8> = (0..next() % 16).map(|_| BYTES[next() % BYTES.len()]).collect();
            let len = line.len();
            let mut reached = 0;
            let _ = split_quoted(&mut line, |place| {
                assert!(reached <= place.start && place.start <= place.end && place.end <= len);
                reached = place.end;
            });
        }
    }
}
