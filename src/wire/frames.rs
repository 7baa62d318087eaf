//! Counts the replies in bytes that are about to be sent, and decodes none of them.
//!
//! What a handler wrote is looked at here before the client sees it: a reply that is missing, or one too many, would
//! leave the client out of step for ever. A long string is passed over by its length, so the count costs a few
//! nanoseconds for each element.

/// Returns whether `bytes` are one complete reply of either protocol.
#[inline]
pub(crate) fn are_one(bytes: &[u8]) -> bool {
    is_short_one(bytes) || count(bytes) == Some(1)
}

/// Returns whether `bytes` are a line without control characters or a bulk string of less than a hundred bytes, as most
/// replies are: 21 instructions for `$4`. False says nothing.
#[inline]
fn is_short_one(bytes: &[u8]) -> bool {
    /// `$`, any byte, and the end of a line: the head of a bulk string of less than ten bytes.
    const HEAD: u32 = u32::from_le_bytes(*b"$\0\r\n");
    let (Some(&head), Some(b"\r\n")) = (bytes.first_chunk(), bytes.last_chunk()) else {
        return false;
    };
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    if u32::from_le_bytes(head) & !0xff00 == HEAD {
        let length = digit(head[1]);
        return length < 10 && bytes.len() == length + 6;
    }
    match head {
        [b'+' | b'-' | b':', ..] => bytes[1..bytes.len() - 2].iter().all(|&byte| byte > b'\r'),
        [b'$', tens, ones, b'\r'] => {
            let length = digit(tens) * 10 + digit(ones);
            digit(tens).max(digit(ones)) < 10 && bytes.len() == length + 7 && bytes[4] == b'\n'
        }
        _ => false,
    }
}

/// How many complete replies of either protocol `bytes` are. `None` if they are no whole number of them.
pub(crate) fn count(mut bytes: &[u8]) -> Option<usize> {
    let mut replies = 0;
    while !bytes.is_empty() {
        bytes = after_one(bytes)?;
        replies += 1;
    }
    Some(replies)
}

/// What stands behind the first reply.
fn after_one(mut bytes: &[u8]) -> Option<&[u8]> {
    // Elements follow their aggregate at once, so one figure says how many are still to come, however deep they stand.
    let mut missing = 1_usize;
    while missing > 0 {
        let (&kind, rest) = bytes.split_first()?;
        let end = rest.iter().position(|&byte| matches!(byte, b'\r' | b'\n'))?;
        let (line, rest) = rest.split_at(end);
        bytes = rest.strip_prefix(b"\r\n")?;
        let (more, body) = element(kind, line)?;
        if let Some(length) = body {
            bytes = bytes.get(length..)?.strip_prefix(b"\r\n")?;
        }
        missing = (missing - 1).checked_add(more)?;
    }
    Some(bytes)
}

/// How many elements follow one that begins with this line, and how long the text behind the line is, if there is one.
#[inline]
fn element(kind: u8, line: &[u8]) -> Option<(usize, Option<usize>)> {
    Some(match kind {
        b'+' | b'-' | b':' | b',' | b'#' | b'(' | b'_' => (0, None),
        b'$' | b'*' if line == b"-1" => (0, None),
        b'$' | b'=' | b'!' => (0, Some(length(line)?)),
        b'*' | b'~' | b'>' => (length(line)?, None),
        b'%' => (length(line)?.checked_mul(2)?, None),
        // What the attribute is about follows it, and is still to come.
        b'|' => (length(line)?.checked_mul(2)?.checked_add(1)?, None),
        _ => return None,
    })
}

/// Finds the end of the first reply in bytes that arrive in pieces, and looks at each only once.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    /// Where the first element begins whose end has not been found.
    at: usize,
    /// How many bytes of its line, or of its text, were there and did not end it.
    seen: usize,
    /// Elements that are still to come, that one included.
    missing: usize,
}

/// What a [`Scan`] has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The first reply has so many bytes.
    Whole(usize),
    /// It goes on. The next call gets the same bytes and more behind them.
    Partial,
    /// No further bytes make it a reply.
    Malformed,
}

impl Default for Scan {
    fn default() -> Scan {
        Scan { at: 0, seen: 0, missing: 1 }
    }
}

impl Scan {
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Found {
        while self.missing > 0 {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(&kind) = rest.first() else { return Found::Partial };
            let looked_at = self.seen.max(1).min(rest.len());
            let Some(end) = rest[looked_at..].iter().position(|&byte| byte == b'\n') else {
                self.seen = rest.len();
                return Found::Partial;
            };
            let end = looked_at + end;
            let line = rest[1..end].strip_suffix(b"\r").filter(|line| !line.contains(&b'\r'));
            let Some((more, body)) = line.and_then(|line| element(kind, line)) else {
                return Found::Malformed;
            };
            let mut length = end + 1;
            if let Some(body) = body {
                let Some(whole) = body.checked_add(length + 2) else { return Found::Malformed };
                if rest.len() < whole {
                    self.seen = end;
                    return Found::Partial;
                }
                length = whole;
            }
            let Some(missing) = (self.missing - 1).checked_add(more) else {
                return Found::Malformed;
            };
            (self.at, self.seen, self.missing) = (self.at + length, 0, missing);
        }
        Found::Whole(self.at)
    }
}

fn length(line: &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for &byte in line {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        length = length.checked_mul(10)?.checked_add(digit.into())?;
    }
    (!line.is_empty()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same count, found byte by byte.
    fn pieces(bytes: &[u8]) -> Option<usize> {
        let (mut from, mut replies, mut scan) = (0, 0, Scan::default());
        for end in 0..=bytes.len() {
            match scan.find(&bytes[from..end]) {
                Found::Whole(length) => {
                    (from, replies, scan) = (from + length, replies + 1, Scan::default());
                }
                Found::Partial => {}
                Found::Malformed => return None,
            }
        }
        (from == bytes.len()).then_some(replies)
    }

    #[test]
    fn replies_are_counted_when_they_are_whole() {
        for (bytes, replies) in [
            ("", Some(0)),
            ("+OK\r\n", Some(1)),
            ("$3\r\na\r\n\r\n", Some(1)),
            ("$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n(12\r\n:7\r\n-ERR\r\n", Some(8)),
            ("=5\r\ntxt:a\r\n", Some(1)),
            ("*2\r\n*1\r\n:1\r\n%1\r\n+k\r\n~0\r\n", Some(1)),
            ("|1\r\n+ttl\r\n:3\r\n+OK\r\n", Some(1)),
            ("*1\r\n|1\r\n+ttl\r\n:3\r\n+OK\r\n:1\r\n", Some(2)),
            (">2\r\n+message\r\n:1\r\n*0\r\n", Some(2)),
            // An element is missing, or an end, or what an attribute is about.
            ("*2\r\n:1\r\n", None),
            ("%1\r\n:1\r\n", None),
            ("|1\r\n+ttl\r\n:3\r\n", None),
            ("+OK", None),
            ("+O\rK\r\n", None),
            ("$3\r\nab\r\n", None),
            ("$2\r\nabc\r\n", None),
            ("$\r\n\r\n", None),
            ("$-2\r\n", None),
            ("no reply\r\n", None),
            ("$", None),
            ("$\r\n", None),
            ("+\r\n", Some(1)),
            ("+\r", None),
            ("+a\tb\r\n", Some(1)),
            (":1\r\n:2\r\n", Some(2)),
            ("$0\r\n\r\n", Some(1)),
            ("$1\r\na\r\n$1\r\nb\r\n", Some(2)),
            ("$10\r\na\r\n+\r\n+a\r\n\r\n", Some(1)),
            ("$1\rxa\r\n", None),
            ("$:\r\n0123456789\r\n", None),
            ("$0:\r\n0123456789\r\n", None),
            ("$10\r\n0123456789\r\n", Some(1)),
            ("$10\r00123456789\r\n", None),
            ("$00\r\n\r\n", Some(1)),
            ("$0\r\n", None),
            ("$10\r\n012345678\r\n", None),
            ("$3\r\r\n\r\n", None),
            ("$1\r\r\n", None),
            ("$9999999999999999999999\r\na\r\n", None),
            ("*18446744073709551615\r\n:1\r\n", None),
            ("%9223372036854775808\r\n:1\r\n", None),
        ] {
            assert_eq!(count(bytes.as_bytes()), replies, "{bytes:?}");
            assert_eq!(pieces(bytes.as_bytes()), replies, "{bytes:?}");
            assert_eq!(are_one(bytes.as_bytes()), replies == Some(1), "{bytes:?}");
        }
    }
}
