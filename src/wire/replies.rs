//! Replies in bytes that arrive in any pieces.

use super::frames::{Found, Scan};
use super::value::{self, Malformed, Value};

/// Reads replies and pushes from the bytes of a connection, which arrive in any pieces.
///
/// ```
/// use respd::Value;
/// use respd::wire::Replies;
///
/// let mut replies = Replies::default();
/// replies.push(b"+OK\r\n$5\r\nhel");
/// assert_eq!(replies.next(), Ok(Some(Value::Status(b"OK".to_vec()))));
/// assert_eq!(replies.next(), Ok(None));
/// replies.push(b"lo\r\n");
/// assert_eq!(replies.next(), Ok(Some(Value::Bulk(b"hello".to_vec()))));
/// ```
#[derive(Debug)]
pub struct Replies {
    bytes: Vec<u8>,
    /// How many bytes a reply has at most.
    longest: usize,
    /// Where the bytes begin that were not taken. They move to the front when all before them are half of it.
    from: usize,
    scan: Scan,
}

impl Default for Replies {
    fn default() -> Replies {
        Replies::with_longest(usize::MAX)
    }
}

impl Replies {
    /// A longer reply than this, in bytes, is an error, as soon as so many bytes of it have arrived. Without it no reply is too
    /// long, and a server that is not trusted may fill the memory.
    pub fn with_longest(bytes: usize) -> Replies {
        Replies { bytes: Vec::new(), longest: bytes, from: 0, scan: Scan::default() }
    }

    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.from > self.bytes.len() / 2 {
            self.bytes.drain(..self.from);
            self.from = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next reply or push, if it is complete. After an error it is not known where another would begin.
    #[expect(clippy::should_implement_trait, reason = "there may be more later")]
    pub fn next(&mut self) -> Result<Option<Value>, Malformed> {
        Ok(self.next_frame()?.map(|(value, _)| value))
    }

    /// Takes the next reply or push and the bytes that it was sent in. What is already known of a long one is not looked at
    /// again.
    pub(crate) fn next_frame(&mut self) -> Result<Option<(Value, &[u8])>, Malformed> {
        let rest = &self.bytes[self.from..];
        let too_long = Malformed { offset: self.longest, reason: "the reply is too long" };
        if self.scan.find(rest) == Found::Partial {
            return if rest.len() > self.longest { Err(too_long) } else { Ok(None) };
        }
        // What is wrong with it, the decoder says.
        let Some((value, length)) = value::decode(rest)? else { return Ok(None) };
        if length > self.longest {
            return Err(too_long);
        }
        self.from += length;
        self.scan = Scan::default();
        Ok(Some((value, &self.bytes[self.from - length..self.from])))
    }

    /// What was not taken.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    /// Everything that was not taken.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.from);
        *self = Replies::with_longest(self.longest);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_too_long_is_refused_as_soon_as_it_is() {
        let too_long = "the reply is too long at byte 9";
        let mut replies = Replies::with_longest(9);
        replies.push(b"$3\r\nabc\r\n$4\r\nabcd");
        assert_eq!(replies.next(), Ok(Some(Value::Bulk(b"abc".to_vec()))));
        assert_eq!(replies.next(), Ok(None), "8 bytes may become 9");
        replies.push(b"\r\n");
        assert_eq!(replies.next().unwrap_err().to_string(), too_long);

        let mut endless = Replies::with_longest(9);
        endless.push(b"*1000000\r\n:1\r\n");
        assert_eq!(endless.next().unwrap_err().to_string(), too_long);
    }
}
