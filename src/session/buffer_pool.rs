//! Empty output buffers, for the next clients to which something is to be sent.
//!
//! A client has an output buffer only while something waits in it: ten thousand idle ones would need
//! much memory for nothing. To allocate one each time, and to let it grow anew, costs more than it does
//! to keep those that are free.

/// A larger buffer is given back. A pipeline of replies of some KiB each fits.
const LARGEST: usize = 256 * 1024;

/// So many bytes are kept in all.
const MOST: usize = 64 * LARGEST;

/// The buffers that are free.
#[derive(Debug, Default)]
pub struct BufferPool {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl BufferPool {
    /// An empty buffer.
    #[inline]
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }

    /// What is in the buffer is not needed any more.
    #[inline]
    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        let bytes = buffer.capacity();
        if bytes > 0 && bytes <= LARGEST && self.bytes + bytes <= MOST {
            buffer.clear();
            self.bytes += bytes;
            self.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty_and_are_not_kept_without_bound() {
        let mut spare = BufferPool::default();
        spare.give_back(Vec::new());
        spare.give_back(vec![b'x'; LARGEST + 1]);
        assert_eq!(spare.take().capacity(), 0);
        for _ in 0..100 {
            spare.give_back(vec![b'x'; LARGEST]);
        }
        assert_eq!((spare.bytes, spare.buffers.len()), (MOST, 64));
        let buffer = spare.take();
        assert!(buffer.is_empty() && buffer.capacity() == LARGEST);
    }
}
