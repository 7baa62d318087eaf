//! Bytes from a server, which arrive in any pieces and are taken frame by frame.

use crate::wire::frames::{Found, Scan};
use crate::wire::value::{self, Malformed, Value};

/// What has arrived and was not taken.
#[derive(Debug, Default)]
pub struct Arrived {
    bytes: Vec<u8>,
    /// Where the bytes begin that were not taken. They move to the front when all before them are half of it.
    from: usize,
    scan: Scan,
}

impl Arrived {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.from > self.bytes.len() / 2 {
            self.bytes.drain(..self.from);
            self.from = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What was not taken.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    /// The next reply or push and the bytes that it was sent in, if it is complete. What is already known of a long one
    /// is not looked at again.
    pub fn next(&mut self) -> Result<Option<(Value, Vec<u8>)>, Malformed> {
        let rest = &self.bytes[self.from..];
        if self.scan.find(rest) == Found::Partial {
            return Ok(None);
        }
        // What is wrong with it, the decoder says.
        let Some((value, length)) = value::decode(rest)? else { return Ok(None) };
        let frame = rest[..length].to_vec();
        self.from += length;
        self.scan = Scan::default();
        Ok(Some((value, frame)))
    }

    /// Everything that was not taken.
    pub fn take_all(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.from);
        *self = Arrived::default();
        rest
    }
}
