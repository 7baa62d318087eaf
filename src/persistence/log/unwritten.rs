//! How long what was handed to the thread has waited to be written.

use std::collections::VecDeque;

/// What is not written, in its order.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Up to which positions it goes, and when it was handed over, in µs of [`Now::mono`](crate::clock::Now::mono).
    parts: VecDeque<(u64, u64)>,
}

impl Unwritten {
    /// What goes up to this position was handed over.
    pub(super) fn push(&mut self, position: u64, at: u64) {
        if self.parts.back().is_none_or(|&(last, _)| last < position) {
            self.parts.push_back((position, at));
        }
    }

    /// All up to this position is written.
    pub(super) fn written(&mut self, position: u64) {
        while self.parts.front().is_some_and(|&(end, _)| end <= position) {
            self.parts.pop_front();
        }
    }

    /// When the oldest of it was handed over.
    pub(super) fn since(&self) -> Option<u64> {
        self.parts.front().map(|&(_, at)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_not_written_counts() {
        let mut unwritten = Unwritten::default();
        [(10, 1), (10, 2), (20, 3), (30, 4)]
            .into_iter()
            .for_each(|(end, at)| unwritten.push(end, at));
        for (position, since) in
            [(0, Some(1)), (9, Some(1)), (10, Some(3)), (19, Some(3)), (30, None)]
        {
            unwritten.written(position);
            assert_eq!(unwritten.since(), since, "{position}");
        }
    }
}
