//! What a test has staged for the output of a client: where sending stops, and for how long.
//!
//! A stop is a place in the outbox. What is before it is sent as ever; what is behind it waits until the stop is over: at a
//! time, or a pause after all before it has been sent. One stop is waited for at a time, the first. Nothing else waits:
//! the client is read from and served, and what is held back counts against its limits like all that it has not read.

use std::collections::{BTreeSet, VecDeque};

use crate::stage::shape::{Holder, Layout, Pause, Segment, Shape};

/// The least time between two segments, in nanoseconds of the machine's clock: the peer reads them apart.
const APART: u64 = 1_000_000;

/// So many stops may be ahead of a client.
const MOST_STOPS: usize = 1 << 16;

/// What is staged for a client.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What becomes of the reply to the client's command, once it is complete.
    pub(crate) shape: Option<Box<Shape>>,
    stops: VecDeque<Stop>,
    /// Nothing is sent any more, and nothing that comes is heard.
    pub(crate) hangs: bool,
    /// What the registry waits for on behalf of the first stop.
    pub(super) awaited: Option<Awaited>,
}

/// A place where sending stops.
#[derive(Debug, Clone, Copy)]
struct Stop {
    at: usize,
    until: Until,
    again: Option<(usize, usize, Pause)>,
    holder: Holder,
}

#[derive(Debug, Clone, Copy)]
enum Until {
    /// This time, in µs of [`crate::clock::Now::mono`].
    Time(u64),
    /// A pause that begins when all before the stop has been sent.
    Pause(Pause),
    /// A later turn than that of this time, in nanoseconds of the machine's clock.
    After(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Time(u64),
    Turn,
}

/// The clients whose first stop is being waited for.
#[derive(Debug, Default)]
pub(super) struct Planned {
    times: BTreeSet<(u64, usize)>,
    turns: BTreeSet<usize>,
}

impl Plan {
    /// Returns whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.shape.is_none() && self.stops.is_empty() && !self.hangs
    }

    /// Where the first stop is.
    pub(super) fn stop(&self) -> Option<usize> {
        self.stops.front().map(|stop| stop.at)
    }

    /// The first `bytes` of the outbox are gone.
    pub(super) fn shift(&mut self, bytes: usize) {
        for stop in &mut self.stops {
            stop.at = stop.at.saturating_sub(bytes);
            if let Some((_, end, _)) = &mut stop.again {
                *end = end.saturating_sub(bytes);
            }
        }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let shape = self.shape.as_ref().map_or(0, |shape| size_of::<Shape>() + shape.memory());
        self.stops.capacity() * size_of::<Stop>() + shape
    }

    /// Adds the stops of a reply that begins at `start` of the outbox. It is `now`. Returns whether there are not too many.
    pub(crate) fn add(&mut self, layout: &Layout, start: usize, now: u64) -> bool {
        let holder = layout.holder;
        if let Some((at, delay)) = layout.delay {
            let due = now.saturating_add(delay);
            // What waits behind a stop that is over no earlier needs none of its own.
            let is_behind = |stop: &Stop| stop.holder == holder && stop.is_over_by_then(due);
            if !self.stops.back().is_some_and(is_behind) {
                let until = Until::Time(due);
                self.stops.push_back(Stop { at: start + at, until, again: None, holder });
            }
        }
        for &Segment { at, pause, again } in &layout.segments {
            let again = again.map(|(each, end)| (each, start + end, pause));
            self.stops.push_back(Stop {
                at: start + at,
                until: Until::Pause(pause),
                again,
                holder,
            });
        }
        self.stops.len() <= MOST_STOPS
    }

    /// Returns whether something is held back until a time.
    pub(super) fn waits_for_time(&self) -> bool {
        self.stops
            .iter()
            .any(|stop| matches!(stop.until, Until::Time(_) | Until::Pause(Pause::Micros(_))))
    }

    /// The fault of this number is over, or all are: nothing is held back for it any more.
    pub(super) fn release(&mut self, fault: Option<u64>) {
        self.stops.retain(|stop| !stop.holder.ends_with(fault));
        if let Some(shape) = &mut self.shape {
            shape.release(fault);
        }
    }

    /// Returns whether the first stop is over.
    pub(super) fn is_passed(&self, now: u64, nanos: u64) -> bool {
        match self.stops.front().map(|stop| stop.until) {
            Some(Until::Time(due)) => due <= now,
            // A clock that stands still says nothing: then this is a later turn.
            Some(Until::After(reached)) => nanos == 0 || nanos >= reached.saturating_add(APART),
            Some(Until::Pause(_)) | None => false,
        }
    }

    /// Returns whether the first stop waits for a time that has come.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.stops.front().is_some_and(|stop| matches!(stop.until, Until::Time(due) if due <= now))
    }

    /// The first stop is over. One that comes again takes its next place.
    pub(super) fn pass(&mut self) {
        let Some(Stop { at, again, holder, .. }) = self.stops.pop_front() else {
            return;
        };
        if let Some((each, end, pause)) = again
            && let Some(next) = at.checked_add(each).filter(|&next| next < end)
        {
            let place = self.stops.partition_point(|stop| stop.at <= next);
            let until = Until::Pause(pause);
            self.stops.insert(place, Stop { at: next, until, again, holder });
        }
    }

    /// What the first stop waits for, now that the first `sent` bytes of the outbox have been sent.
    pub(super) fn awaited(&mut self, sent: usize, now: u64, nanos: u64) -> Option<Awaited> {
        let stop = self.stops.front_mut()?;
        if let Until::Pause(pause) = stop.until
            && stop.at <= sent
        {
            stop.until = match pause {
                Pause::Turn => Until::After(nanos),
                Pause::Micros(micros) => Until::Time(now.saturating_add(micros)),
            };
        }
        match stop.until {
            Until::Time(due) => Some(Awaited::Time(due)),
            Until::After(_) => Some(Awaited::Turn),
            Until::Pause(_) => None,
        }
    }
}

impl Stop {
    fn is_over_by_then(&self, due: u64) -> bool {
        matches!(self.until, Until::Time(time) if time >= due)
    }
}

impl Planned {
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty() && self.turns.is_empty()
    }

    /// The slots of clients whose first stop may be over.
    pub(super) fn over(&self, now: u64) -> Vec<usize> {
        let due = self.times.range(..=(now, usize::MAX)).map(|&(_, slot)| slot);
        self.turns.iter().copied().chain(due).collect()
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.times.first().map(|&(due, _)| due)
    }

    pub(super) fn await_turn(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn add(&mut self, slot: usize, awaited: Option<Awaited>) {
        match awaited {
            Some(Awaited::Time(due)) => drop(self.times.insert((due, slot))),
            Some(Awaited::Turn) => drop(self.turns.insert(slot)),
            None => {}
        }
    }

    pub(super) fn forget(&mut self, slot: usize, awaited: Option<Awaited>) {
        match awaited {
            Some(Awaited::Time(due)) => drop(self.times.remove(&(due, slot))),
            Some(Awaited::Turn) => drop(self.turns.remove(&slot)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn split(at: usize, pause: Pause) -> Plan {
        let mut plan = Plan::default();
        let segments = vec![Segment { at, pause, again: None }];
        assert!(plan.add(&Layout { segments, ..Layout::default() }, 0, 0));
        plan
    }

    #[test]
    fn segments_are_a_millisecond_of_the_machine_apart() {
        let mut plan = split(3, Pause::Turn);
        assert_eq!(plan.awaited(2, 0, 5 * MS), None, "not all before it has been sent");
        assert!(!plan.is_passed(u64::MAX, 9 * MS));
        assert_eq!(plan.awaited(3, 0, 5 * MS), Some(Awaited::Turn));
        assert!(!plan.is_passed(u64::MAX, 6 * MS - 1));
        assert!(plan.is_passed(0, 6 * MS));
        assert!(plan.is_passed(0, 0), "by a clock that stands still this is a later turn");
    }

    #[test]
    fn a_pause_begins_when_all_before_it_has_been_sent() {
        let mut plan = split(3, Pause::Micros(20));
        assert_eq!(plan.awaited(2, 100, 0), None);
        assert_eq!(plan.awaited(3, 200, 0), Some(Awaited::Time(220)));
        assert_eq!(plan.awaited(3, 210, 0), Some(Awaited::Time(220)), "and only then");
        assert!(!plan.is_passed(219, 0) && plan.is_passed(220, 0));
    }

    #[test]
    fn delays_behind_one_that_is_as_long_need_no_stop() {
        let mut plan = Plan::default();
        for start in 0..1000 {
            plan.add(&Layout { delay: Some((0, 50)), ..Layout::default() }, start, 7);
        }
        plan.add(&Layout { delay: Some((0, 60)), ..Layout::default() }, 1000, 7);
        assert_eq!(plan.stops.len(), 2);
    }

    #[test]
    fn places_move_with_what_is_gone() {
        let mut plan = Plan::default();
        let each = Segment { at: 4, pause: Pause::Turn, again: Some((4, 10)) };
        plan.add(&Layout { segments: vec![each], ..Layout::default() }, 2, 0);
        plan.shift(3);
        assert_eq!(plan.stop(), Some(3));
        plan.pass();
        assert_eq!(plan.stop(), Some(7));
        plan.pass();
        assert!(plan.is_empty(), "a third would be behind the end, which is at 9");
    }
}
