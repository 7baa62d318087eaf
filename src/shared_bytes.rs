//! Bytes that several hold: a long string is its key's, and what is sent of it is the same memory.
//!
//! To copy a mebibyte takes longer than it takes the system to send it. So a long string is not copied when it is read,
//! nor when it was the last thing in a buffer of its own that came from a client. It is copied once when it is changed
//! while another holds it.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of a vector that may have several owners.
#[derive(Debug, Clone)]
pub(crate) struct SharedBytes {
    all: Arc<Vec<u8>>,
    start: usize,
    end: usize,
}

impl SharedBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> SharedBytes {
        let end = bytes.len();
        SharedBytes { all: Arc::new(bytes), start: 0, end }
    }

    /// A part of a vector. The rest of it stays in memory as long as the part does.
    pub(crate) fn part(all: &Arc<Vec<u8>>, range: Range<usize>) -> SharedBytes {
        let end = range.end.min(all.len());
        SharedBytes { all: Arc::clone(all), start: range.start.min(end), end }
    }

    /// Takes the first `bytes` away from what this one shows.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// Returns whether there is no other owner.
    pub(crate) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.all) == 1
    }

    /// Bytes that the vector has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.all.capacity()
    }

    /// Gives back the memory behind the first `bytes` of what this one shows, unless there is another owner.
    pub(crate) fn shorten(&mut self, bytes: usize) {
        if let Some(all) = Arc::get_mut(&mut self.all) {
            match bytes {
                0 => (self.start, self.end) = (0, 0),
                _ => self.end = self.end.min(self.start.saturating_add(bytes)),
            }
            all.truncate(self.end);
            all.shrink_to_fit();
        }
    }

    /// Changes the bytes as a vector. If there is another owner they are copied before, with room for `least` bytes.
    pub(crate) fn edit<R>(&mut self, least: usize, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let mut bytes = match Arc::get_mut(&mut self.all) {
            Some(all) => {
                all.truncate(self.end);
                all.drain(..self.start);
                std::mem::take(all)
            }
            None => {
                let mut copy = Vec::with_capacity(least.max(self.len()));
                copy.extend_from_slice(self);
                self.all = Arc::default();
                copy
            }
        };
        let result = change(&mut bytes);
        (self.start, self.end) = (0, bytes.len());
        match Arc::get_mut(&mut self.all) {
            Some(all) => *all = bytes,
            None => self.all = Arc::new(bytes),
        }
        result
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> SharedBytes {
        SharedBytes::new(bytes)
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.all[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_holds_is_copied_before_it_is_changed() {
        let mut one = SharedBytes::new(b"abc".to_vec());
        let address = one.as_ptr();
        one.edit(0, |bytes| bytes[0] = b'x');
        assert_eq!((&one[..], one.as_ptr()), (&b"xbc"[..], address), "alone it stays where it is");
        let other = one.clone();
        assert!(!one.is_alone());
        one.edit(9, |bytes| bytes.push(b'd'));
        assert_eq!((&one[..], &other[..]), (&b"xbcd"[..], &b"xbc"[..]));
        assert!(one.is_alone() && other.is_alone() && one.capacity() >= 9);
    }

    #[test]
    fn what_is_shortened_stays_where_it_is() {
        let all = Arc::new(b"0123456789".repeat(1000));
        let mut part = SharedBytes::part(&all, 2..9999);
        let address = part.as_ptr();
        part.shorten(5);
        assert_eq!(part.len(), 9997, "another holds it");
        drop(all);
        part.shorten(5);
        assert_eq!((&part[..], part.as_ptr()), (&b"23456"[..], address));
        assert!(part.capacity() < 10_000);
        part.shorten(9);
        assert_eq!(part.len(), 5);
        part.shorten(0);
        assert_eq!(
            (part.len(), part.capacity()),
            (0, 0),
            "nor is there room for what was before it"
        );
    }

    #[test]
    fn a_part_is_the_whole_when_it_is_changed() {
        let all = Arc::new(b"0123456789".to_vec());
        let mut part = SharedBytes::part(&all, 2..7);
        drop(all);
        part.advance(1);
        assert_eq!(&part[..], b"3456");
        part.edit(0, |bytes| bytes.push(b'!'));
        assert_eq!(&part[..], b"3456!");
        part.advance(99);
        assert!(part.is_empty());
    }
}
