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
#[derive(Debug, Default)]
pub struct Replies {
    bytes: Vec<u8>,
    /// Where the bytes begin that were not taken. They move to the front when all before them are half of it.
    from: usize,
    scan: Scan,
}

impl Replies {
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
        if self.scan.find(rest) == Found::Partial {
            return Ok(None);
        }
        // What is wrong with it, the decoder says.
        let Some((value, length)) = value::decode(rest)? else { return Ok(None) };
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
        *self = Replies::default();
        rest
    }
}
