//! What a large value was at a moment and is not any more, kept beside it until that is recorded.
//!
//! A dictionary has a line, below which is what is to be recorded yet: see [`Dict::pass`]. An element below it that is
//! about to change or to go is copied here first, and passes the line. The walk takes what is kept, and then what is still
//! below the line.

use crate::keyspace::index::dict::chunks::Chunks;
use crate::keyspace::index::dict::{Dict, Keyed};

/// Elements that are kept for a value that is being recorded; for any other, nothing. A copy of the value has none.
#[derive(Debug)]
pub(crate) struct Kept<E>(Option<Box<Elements<E>>>);

#[derive(Debug)]
struct Elements<E> {
    /// The number under which the moment knows the value.
    id: u64,
    elements: Chunks<E>,
    /// Bytes that elements hold outside.
    outside: usize,
    /// Bytes of memory when [`Kept::growth`] was asked for the last time.
    known: usize,
}

/// Elements that the walk fetches from memory together.
const PREFETCHED: usize = 16;

impl<E> Default for Kept<E> {
    fn default() -> Kept<E> {
        Kept(None)
    }
}

impl<E> Clone for Kept<E> {
    fn clone(&self) -> Kept<E> {
        Kept(None)
    }
}

impl<E> Kept<E> {
    /// The number that [`Kept::open`] was told, if the value is being recorded.
    pub(crate) fn id(&self) -> Option<u64> {
        self.0.as_ref().map(|kept| kept.id)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.elements.memory() + kept.outside)
    }

    /// By how much the memory has grown since the last call.
    pub(crate) fn growth(&mut self) -> usize {
        let memory = self.memory();
        self.0
            .as_mut()
            .map_or(0, |kept| memory.saturating_sub(std::mem::replace(&mut kept.known, memory)))
    }

    /// Takes an element out. `outside` tells what elements hold outside.
    pub(crate) fn pop(&mut self, outside: impl Fn(&E) -> usize) -> Option<E> {
        let kept = self.0.as_mut()?;
        let element = kept.elements.pop()?;
        kept.outside -= outside(&element);
        Some(element)
    }

    fn push(&mut self, element: E, outside: usize) {
        if let Some(kept) = &mut self.0 {
            kept.outside += outside;
            kept.elements.push(element);
        }
    }
}

impl<E: Keyed + Clone> Kept<E> {
    /// All that the dictionary of a value has is to be recorded.
    pub(crate) fn open(&mut self, id: u64, dict: &mut Dict<E>) {
        dict.draw_line();
        self.0 = Some(Box::new(Elements { id, elements: Chunks::default(), outside: 0, known: 0 }));
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(crate) fn close(&mut self, dict: &mut Dict<E>) -> Option<Kept<E>> {
        dict.erase_line();
        let kept = std::mem::take(self);
        (kept.memory() > 0).then_some(kept)
    }

    /// The entry at a position, which is below the line, is about to change or to go. Returns where it is then.
    #[cold]
    pub(crate) fn keep(
        &mut self,
        dict: &mut Dict<E>,
        at: usize,
        outside: impl Fn(&E) -> usize,
    ) -> usize {
        let at = dict.pass(at);
        let element = dict.at(at).clone();
        let outside = outside(&element);
        self.push(element, outside);
        at
    }

    /// Calls `tell` with elements that are to be recorded, until it returns false. Returns whether there are more.
    pub(crate) fn tell_some(
        &mut self,
        dict: &mut Dict<E>,
        outside: impl Fn(&E) -> usize,
        mut tell: impl FnMut(&E) -> bool,
    ) -> bool {
        while let Some(element) = self.pop(&outside) {
            if !tell(&element) {
                return true;
            }
        }
        let mut fetched = 0;
        while let Some(last) = dict.line().checked_sub(1) {
            if fetched == 0 {
                dict.prefetch_below_line(PREFETCHED);
                fetched = PREFETCHED;
            }
            fetched -= 1;
            let at = dict.pass(last);
            if !tell(dict.at(at)) {
                return true;
            }
        }
        false
    }
}
