//! The large form of a string: memory of its own, with room to grow, which what is sent of it may share.

use crate::keyspace::blob::allocated;
use crate::shared_bytes::SharedBytes;

/// What is freed at a time of a string that was removed.
pub(crate) const PIECE: usize = 16 * 1024;

/// What is longer is freed in pieces.
const LONG: usize = 64 * PIECE;

/// What shares bytes has beside them: the vector, two counts, and what the allocator adds.
const BESIDE: usize = 48;

/// A long string.
#[derive(Debug, Clone)]
pub(crate) struct LargeString {
    bytes: SharedBytes,
}

impl LargeString {
    pub(crate) fn new(bytes: impl Into<SharedBytes>) -> LargeString {
        LargeString { bytes: bytes.into() }
    }

    /// What is left of a blob that is not needed any more, unless it is freed in no time.
    pub(crate) fn of_remains(blob: Box<[u8]>) -> Option<LargeString> {
        (blob.len() > LONG).then(|| LargeString::new(blob.into_vec()))
    }

    pub(crate) fn bytes(&self) -> &SharedBytes {
        &self.bytes
    }

    /// Changes the string as a vector. It is about to have `least` bytes at least.
    pub(crate) fn edit<R>(&mut self, least: usize, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.bytes.edit(least, change)
    }

    /// Makes it another string, in the same memory. Returns false, and changes nothing, if that is held by another, is
    /// too small, or much too large.
    pub(crate) fn overwrite(&mut self, value: &[u8]) -> bool {
        let room = self.bytes.capacity();
        let fits = value.len() <= room && room / 2 <= value.len() && self.bytes.is_alone();
        if fits {
            self.bytes.edit(0, |bytes| {
                bytes.clear();
                bytes.extend_from_slice(value);
            });
        }
        fits
    }

    /// How many pieces it is freed in. Memory that another holds is not freed here.
    pub(crate) fn pieces(&self) -> usize {
        if self.bytes.is_alone() { self.bytes.len().div_ceil(PIECE) } else { 0 }
    }

    /// Bytes of memory, be it that another holds them, too.
    pub(crate) fn memory(&self) -> usize {
        allocated(self.bytes.capacity()) + BESIDE
    }

    /// Frees up to so many pieces, and returns how many those were.
    pub(crate) fn free_some(&mut self, pieces: usize) -> usize {
        let before = self.pieces();
        let left = before.saturating_sub(pieces);
        if before > 0 {
            self.bytes.shorten(left * PIECE);
        }
        before - left
    }
}
