//! A vector that grows without ever moving what it holds: its elements lie in chunks.
//!
//! A vector that doubles copies all it has each time, and holds up to twice the memory it needs. Here
//! only the first chunk doubles; the others are made at full size, and go when they are empty.

use std::ops::{Index, IndexMut};

/// How many elements a chunk holds, as a power of two.
const BITS: usize = 10;
const CHUNK: usize = 1 << BITS;

#[derive(Debug, Clone)]
pub(crate) struct Chunks<E> {
    /// All are full but the last, which is never empty.
    chunks: Vec<Vec<E>>,
}

impl<E> Default for Chunks<E> {
    fn default() -> Chunks<E> {
        Chunks { chunks: Vec::new() }
    }
}

impl<E> Chunks<E> {
    pub(crate) fn len(&self) -> usize {
        match self.chunks.split_last() {
            Some((last, full)) => full.len() * CHUNK + last.len(),
            None => 0,
        }
    }

    pub(crate) fn push(&mut self, element: E) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => {
                if last.len() == last.capacity() {
                    let room = (last.len() * 2).clamp(4, CHUNK);
                    last.reserve_exact(room - last.len());
                }
                last.push(element);
            }
            last => {
                let mut chunk = Vec::with_capacity(if last.is_none() { 1 } else { CHUNK });
                chunk.push(element);
                self.chunks.push(chunk);
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<E> {
        let last = self.chunks.last_mut()?;
        let element = last.pop();
        if last.is_empty() {
            self.chunks.pop();
        } else if self.chunks.len() == 1 {
            let first = &mut self.chunks[0];
            if first.capacity() > 64 && first.len() < first.capacity() / 4 {
                first.shrink_to(first.len() * 2);
            }
        }
        element
    }

    /// Removes the element at a position; the last one takes its place.
    pub(crate) fn swap_remove(&mut self, at: usize) -> Option<E> {
        let last = self.pop()?;
        match self.get_mut(at) {
            Some(place) => Some(std::mem::replace(place, last)),
            None => Some(last),
        }
    }

    /// Two elements change places.
    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        let (low, high) = (one.min(other), one.max(other));
        let (chunk, other_chunk) = (low >> BITS, high >> BITS);
        if chunk == other_chunk {
            self.chunks[chunk].swap(low % CHUNK, high % CHUNK);
        } else {
            let (before, after) = self.chunks.split_at_mut(other_chunk);
            std::mem::swap(&mut before[chunk][low % CHUNK], &mut after[0][high % CHUNK]);
        }
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&E> {
        self.chunks.get(at >> BITS)?.get(at % CHUNK)
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut E> {
        self.chunks.get_mut(at >> BITS)?.get_mut(at % CHUNK)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &E> {
        self.chunks.iter().flatten()
    }

    /// Bytes that the elements take, and what has been allocated for more.
    pub(crate) fn memory(&self) -> usize {
        let room = match self.chunks.split_last() {
            Some((last, full)) => full.len() * CHUNK + last.capacity(),
            None => 0,
        };
        room * size_of::<E>() + self.chunks.capacity() * size_of::<Vec<E>>()
    }
}

impl<E> Index<usize> for Chunks<E> {
    type Output = E;

    #[inline]
    fn index(&self, at: usize) -> &E {
        &self.chunks[at >> BITS][at % CHUNK]
    }
}

impl<E> IndexMut<usize> for Chunks<E> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut E {
        &mut self.chunks[at >> BITS][at % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_like_a_vector() {
        let (mut chunks, mut model) = (Chunks::default(), Vec::new());
        for n in 0..3 * CHUNK + 1 {
            chunks.push(n);
            model.push(n);
            assert_eq!(chunks.len(), model.len());
        }
        assert!(chunks.iter().eq(&model) && chunks.iter().rev().eq(model.iter().rev()));
        while !model.is_empty() {
            let at = model.len() * 5 / 7;
            assert_eq!(chunks[at], model[at]);
            assert_eq!(chunks.swap_remove(at), Some(model.swap_remove(at)));
        }
        assert_eq!((chunks.len(), chunks.pop()), (0, None));
        assert!(chunks.memory() < 64 * 24);
    }
}
