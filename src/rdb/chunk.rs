//! What a file is written to, where a payload is written to a vector.
//!
//! A payload is whole when it is written. Of a file only the cheap part is: its long strings stand in the chunk as they
//! are, marked, and the thread that writes the file compresses them and puts their lengths before them.

use std::ops::Range;

use super::strings::{self, Sink};
use crate::shared_bytes::SharedBytes;

/// A chunk that grew to more, for a long value, leaves no such room for the next.
const MOST_ROOM: usize = 128 << 10;

/// Bytes of a file, in which the strings that may be compressed stand without their lengths.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// Where these strings are, one behind the other.
    pub(super) long: Vec<Range<usize>>,
    /// One more of them, behind the bytes, which the keyspace shares.
    pub(super) shared: Option<SharedBytes>,
}

impl Chunk {
    pub(super) fn with_capacity(bytes: usize) -> Chunk {
        Chunk { bytes: Vec::with_capacity(bytes), ..Chunk::default() }
    }

    /// The chunk; an empty one with as much room takes its place.
    pub(super) fn renew(&mut self) -> Chunk {
        let empty = Chunk::with_capacity(self.bytes.capacity().min(MOST_ROOM));
        std::mem::replace(self, empty)
    }

    /// A chunk of a file that is no snapshot: bytes as they are.
    pub(crate) fn plain(bytes: Vec<u8>) -> Chunk {
        Chunk { bytes, ..Chunk::default() }
    }

    /// The bytes of such a chunk.
    pub(crate) fn plain_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes wait in it.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.shared.as_ref().map_or(0, |text| text.len())
    }

    /// Ends the chunk with a string that is long.
    pub(super) fn share(&mut self, text: &SharedBytes) {
        self.shared = Some(text.clone());
    }
}

impl Sink for Chunk {
    #[inline]
    fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    #[inline]
    fn string(&mut self, text: &[u8]) {
        if text.len() > strings::SHORT {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(text);
            self.long.push(start..self.bytes.len());
        } else {
            strings::push_plain(&mut self.bytes, text);
        }
    }

    fn append(&mut self, other: Self) {
        debug_assert!(other.shared.is_none(), "nothing comes behind a string that is shared");
        let start = self.bytes.len();
        self.bytes.extend(other.bytes);
        self.long.extend(other.long.into_iter().map(|at| start + at.start..start + at.end));
    }
}
