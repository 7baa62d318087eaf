//! What waits for the log: the marks of an outbox, and the clients that have some. [`super::outbox`] says what for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gaps::Gaps;
use super::plan::Plan;
use crate::wire::Segments;

/// How far a log is written and how far it is on disk, and whose output waits for that.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Whether output waits for the log. Where it is false, that is the one thing that a turn asks.
    pub(super) is_on: bool,
    /// Whether what is made now need not wait, because no command may read or write: the log has failed.
    pub(super) is_paused: bool,
    /// How many bytes have been written to the log, be it that they are on disk or not. What listens to effects counts.
    pub(super) written: Arc<AtomicU64>,
    pub(super) durable: u64,
    /// The positions that output waits for, rising, and the id of the client whose it is.
    pub(super) waiting: VecDeque<(u64, u64)>,
    /// The positions that answers to other threads wait for, rising.
    pub(super) answers: Answers,
}

/// Answers to other threads: what gives each, and the position of the log that it waits for.
#[derive(Default)]
pub(super) struct Answers(pub(super) VecDeque<(u64, Box<dyn FnOnce() + Send>)>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(position, _)| position)).finish()
    }
}

/// What of an outbox may not be sent yet, or lies elsewhere.
#[derive(Debug, Default)]
pub(crate) struct HeldBytes {
    /// Where it begins in the bytes of the outbox. What is before may be sent, and all if there are no marks.
    start: usize,
    /// Where what was made by then ends, and the position of the log that it waits for; both rise.
    marks: VecDeque<(usize, u64)>,
    /// Where a test has it stop.
    pub(crate) plan: Plan,
    /// Where replies are missing.
    pub(crate) gaps: Gaps,
    /// Long strings, which were not copied. None of them is behind a gap.
    pub(crate) segments: Segments,
}

impl Held {
    /// The position that output made now waits for, if it has to wait.
    #[inline]
    pub(crate) fn position(&self) -> Option<u64> {
        if !self.is_on || self.is_paused {
            return None;
        }
        let written = self.written.load(Ordering::Relaxed);
        (written > self.durable).then_some(written)
    }
}

impl HeldBytes {
    /// Where what may not be sent begins, if there is anything of that kind.
    pub(super) fn start(&self) -> Option<usize> {
        let marked = (!self.marks.is_empty()).then_some(self.start);
        marked.into_iter().chain(self.plan.stop()).chain(self.gaps.first()).min()
    }

    /// Returns whether nothing is held, now or when more is written.
    pub(crate) fn is_over(&self) -> bool {
        self.plan.is_empty() && self.gaps.is_empty()
    }

    /// What has been added since the last mark, up to `end`, waits for this position. The first `sent` bytes have been
    /// sent. Returns whether nothing waited for this position yet.
    pub(super) fn hold(&mut self, end: usize, sent: usize, position: u64) -> bool {
        let free = self.start.max(sent);
        if end <= self.marks.back().map_or(free, |&(end, _)| end) {
            return false;
        }
        self.start = free;
        match self.marks.back_mut() {
            Some(last) if last.1 == position => {
                last.0 = end;
                false
            }
            _ => {
                self.marks.push_back((end, position));
                true
            }
        }
    }

    /// The log is on disk up to this position.
    pub(super) fn release(&mut self, position: u64) {
        while let Some(&(end, needed)) = self.marks.front()
            && needed <= position
        {
            self.start = end;
            self.marks.pop_front();
        }
    }

    /// What is there, up to `end`, may be sent, unless something waits.
    pub(super) fn keep_free(&mut self, end: usize) {
        if self.marks.is_empty() {
            self.start = end;
        }
    }

    /// The first `bytes` of the outbox have been sent and are gone.
    pub(crate) fn shift(&mut self, bytes: usize) {
        self.start = self.start.saturating_sub(bytes);
        self.marks.iter_mut().for_each(|(end, _)| *end -= bytes);
        self.plan.shift(bytes);
        self.gaps.shift(bytes);
        self.segments.shift(bytes);
    }

    /// Puts replies that have come into their places. Returns whether there are any.
    pub(super) fn close_gaps(&mut self, bytes: &mut Vec<u8>) -> bool {
        let Some((first, grown)) = self.gaps.close(bytes) else {
            return false;
        };
        // What waits for the log does so from there on.
        self.start = self.start.min(first);
        self.marks.iter_mut().filter(|(end, _)| *end > first).for_each(|(end, _)| *end += grown);
        true
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of::<HeldBytes>()
            + self.marks.capacity() * size_of::<(usize, u64)>()
            + self.plan.memory()
            + self.gaps.memory()
            + self.segments.memory()
    }
}
