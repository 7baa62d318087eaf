//! The large form of a string: memory of its own, with room to grow.

use crate::keyspace::blob::allocated;

/// What is freed at a time of a string that was removed.
pub(crate) const PIECE: usize = 16 * 1024;

/// What is longer is freed in pieces.
const LONG: usize = 64 * PIECE;

/// A long string that was changed in place.
#[derive(Debug, Clone)]
pub(crate) struct LargeString {
    bytes: Vec<u8>,
}

impl LargeString {
    pub(crate) fn new(bytes: Vec<u8>) -> LargeString {
        LargeString { bytes }
    }

    /// What is left of a blob that is not needed any more, unless it is freed in no time.
    pub(crate) fn of_remains(blob: Box<[u8]>) -> Option<LargeString> {
        (blob.len() > LONG).then(|| LargeString { bytes: blob.into_vec() })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// How many pieces it is freed in.
    pub(crate) fn pieces(&self) -> usize {
        self.bytes.len().div_ceil(PIECE)
    }

    pub(crate) fn memory(&self) -> usize {
        allocated(self.bytes.capacity())
    }

    /// Frees up to so many pieces, and returns how many those were.
    pub(crate) fn free_some(&mut self, pieces: usize) -> usize {
        let before = self.pieces();
        let left = before.saturating_sub(pieces);
        self.bytes.truncate(left * PIECE);
        self.bytes.shrink_to_fit();
        before - left
    }
}
