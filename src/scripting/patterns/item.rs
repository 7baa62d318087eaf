//! One item of a pattern: a character, a class (`%a`) or a set (`[^a-z%d]`).
//!
//! A pattern has no NUL in it: it ends before the first one, and whatever asks for a byte behind its end gets NUL.

/// Why a match ends without a result.
#[derive(Debug)]
pub(super) enum Fault {
    /// The pattern is wrong.
    Pattern(&'static str),
    /// The script may not go on.
    Stopped(Box<mlua::Error>),
}

impl From<Box<mlua::Error>> for Fault {
    fn from(error: Box<mlua::Error>) -> Fault {
        Fault::Stopped(error)
    }
}

const ESCAPE: u8 = b'%';

/// The byte of a pattern at `index`; NUL behind its end.
#[inline]
pub(super) fn byte(pattern: &[u8], index: usize) -> u8 {
    pattern.get(index).copied().unwrap_or(0)
}

/// The end of the item that begins at `start`.
pub(super) fn end(pattern: &[u8], start: usize) -> Result<usize, Fault> {
    match byte(pattern, start) {
        ESCAPE if start + 1 >= pattern.len() => {
            Err(Fault::Pattern("malformed pattern (ends with '%')"))
        }
        ESCAPE => Ok(start + 2),
        b'[' => end_of_set(pattern, start + 1),
        _ => Ok(start + 1),
    }
}

/// A bracket that is the first character of a set does not end it.
fn end_of_set(pattern: &[u8], inside: usize) -> Result<usize, Fault> {
    let mut index = inside + usize::from(byte(pattern, inside) == b'^');
    loop {
        match byte(pattern, index) {
            0 => return Err(Fault::Pattern("malformed pattern (missing ']')")),
            ESCAPE if byte(pattern, index + 1) != 0 => index += 2,
            _ => index += 1,
        }
        if byte(pattern, index) == b']' {
            return Ok(index + 1);
        }
    }
}

/// Returns whether the item matches the byte. It is a whole item, as [`end`] tells.
#[inline]
pub(super) fn matches(item: &[u8], byte: u8) -> bool {
    match *item {
        [b'.'] => true,
        [one] => one == byte,
        [ESCAPE, class] => is_of_class(byte, class),
        _ => is_in_set(byte, item),
    }
}

/// Classes are those of the C locale: bytes above 127 are in none. A capital letter stands for the complement.
fn is_of_class(byte: u8, class: u8) -> bool {
    let is_member = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == b'\x0B',
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    is_member == class.is_ascii_lowercase()
}

/// `set` has its brackets.
pub(super) fn is_in_set(byte: u8, set: &[u8]) -> bool {
    let inside = set.get(1..set.len() - 1).unwrap_or_default();
    let (is_member, mut rest) = match inside {
        [b'^', rest @ ..] => (false, rest),
        rest => (true, rest),
    };
    loop {
        let found;
        (found, rest) = match *rest {
            [] => return !is_member,
            [ESCAPE, class, ref rest @ ..] => (is_of_class(byte, class), rest),
            [first, b'-', last, ref rest @ ..] => (first <= byte && byte <= last, rest),
            [one, ref rest @ ..] => (one == byte, rest),
        };
        if found {
            return is_member;
        }
    }
}
