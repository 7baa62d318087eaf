//! Counts the replies in bytes that are about to be sent, and decodes none of them.
//!
//! What a handler wrote is looked at here before the client sees it: a reply that is missing, or one too many, would
//! leave the client out of step for ever. A long string is passed over by its length, so the count costs a few
//! nanoseconds for each element.

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
        missing = match kind {
            b'+' | b'-' | b':' | b',' | b'#' | b'(' | b'_' => missing - 1,
            b'$' | b'*' if line == b"-1" => missing - 1,
            b'$' | b'=' | b'!' => {
                bytes = bytes.get(length(line)?..)?.strip_prefix(b"\r\n")?;
                missing - 1
            }
            b'*' | b'~' | b'>' => (missing - 1).checked_add(length(line)?)?,
            b'%' => (missing - 1).checked_add(length(line)?.checked_mul(2)?)?,
            // What the attribute is about follows it, and is still to come.
            b'|' => missing.checked_add(length(line)?.checked_mul(2)?)?,
            _ => return None,
        };
    }
    Some(bytes)
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
            ("*18446744073709551615\r\n:1\r\n", None),
            ("%9223372036854775808\r\n:1\r\n", None),
        ] {
            assert_eq!(count(bytes.as_bytes()), replies, "{bytes:?}");
        }
    }
}
