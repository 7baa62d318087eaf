//! What a test has staged for the output of a client: where sending stops, and for how long.
//!
//! A stop is a place in the outbox. What is before it is sent as ever; what is behind it waits until the stop is over: at a
//! time, or a pause after all before it has been sent. One stop is waited for at a time, the first. Nothing else waits:
//! the client is read from and served, and what is held back counts against its limits like all that it has not read.

use std::collections::{BTreeSet, VecDeque};

use super::client::Client;
use super::registry::{Clients, Slot};
use crate::stage::matching::Subject;
use crate::stage::shape::{Layout, Pause, Segment, Shape};

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
    awaited: Option<Awaited>,
}

/// A place where sending stops.
#[derive(Debug, Clone, Copy)]
struct Stop {
    at: usize,
    until: Until,
    again: Option<(usize, usize, Pause)>,
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
enum Awaited {
    Time(u64),
    Turn,
}

/// The clients whose first stop is being waited for.
#[derive(Debug, Default)]
pub(super) struct Planned {
    times: BTreeSet<(u64, Slot)>,
    turns: BTreeSet<Slot>,
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
        if let Some((at, delay)) = layout.delay {
            let due = now.saturating_add(delay);
            // What waits behind a stop that is over no earlier needs none of its own.
            if !self.stops.back().is_some_and(|stop| stop.is_over_by_then(due)) {
                self.stops.push_back(Stop { at: start + at, until: Until::Time(due), again: None });
            }
        }
        for &Segment { at, pause, again } in &layout.segments {
            let again = again.map(|(each, end)| (each, start + end, pause));
            self.stops.push_back(Stop { at: start + at, until: Until::Pause(pause), again });
        }
        self.stops.len() <= MOST_STOPS
    }

    /// The first stop is over. One that comes again takes its next place.
    fn pass(&mut self) {
        let Some(Stop { at, again, .. }) = self.stops.pop_front() else {
            return;
        };
        if let Some((each, end, pause)) = again
            && let Some(next) = at.checked_add(each).filter(|&next| next < end)
        {
            let place = self.stops.partition_point(|stop| stop.at <= next);
            self.stops.insert(place, Stop { at: next, until: Until::Pause(pause), again });
        }
    }

    /// What the first stop waits for, now that the first `sent` bytes of the outbox have been sent.
    fn awaited(&mut self, sent: usize, now: u64, nanos: u64) -> Option<Awaited> {
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

impl Client {
    /// What is staged for the client's output, there from now on.
    pub(crate) fn plan_mut(&mut self) -> &mut Plan {
        &mut self.outbox.held.get_or_insert_default().plan
    }

    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.outbox.held.as_deref().map(|held| &held.plan)
    }

    /// The client as matchers see it. This is its user's name.
    pub(crate) fn subject<'a>(&'a self, user: &'a [u8]) -> Subject<'a> {
        Subject {
            id: self.id,
            name: &self.name,
            lib: &self.lib_name,
            user,
            db: self.db,
            proto: self.protocol.number(),
        }
    }

    /// Returns whether the client is sent nothing any more, and not heard.
    pub(crate) fn hangs(&self) -> bool {
        self.plan().is_some_and(|plan| plan.hangs)
    }

    /// Returns whether more of its output is to be sent, now or later.
    pub(crate) fn is_owed(&self) -> bool {
        !self.outbox.unsent().is_empty() || self.plan().is_some_and(|plan| !plan.stops.is_empty())
    }
}

impl Clients {
    /// Waits for the first stop of the client, if there is one. To be called when its stops may be others, or more has been
    /// sent. It is `now`, and `nanos` by the machine's clock.
    pub(crate) fn await_stop(&mut self, slot: Slot, now: u64, nanos: u64) {
        let outbox = &mut self[slot].outbox;
        let sent = outbox.sent;
        let Some(held) = &mut outbox.held else {
            return;
        };
        let awaited = held.plan.awaited(sent, now, nanos);
        let before = std::mem::replace(&mut held.plan.awaited, awaited);
        if before != awaited {
            self.planned.forget(slot, before);
            match awaited {
                Some(Awaited::Time(due)) => drop(self.planned.times.insert((due, slot))),
                Some(Awaited::Turn) => drop(self.planned.turns.insert(slot)),
                None => {}
            }
        }
    }

    /// The stops that are over are passed, and what is behind them is sent in this turn.
    pub(crate) fn pass_stops(&mut self, now: u64, nanos: u64) {
        let is_over = |clients: &Clients, slot: &Slot| match clients[*slot].plan() {
            Some(Plan { stops, .. }) => match stops.front().map(|stop| stop.until) {
                // A clock that stands still says nothing: then this is a later turn.
                Some(Until::After(reached)) => nanos == 0 || nanos >= reached.saturating_add(APART),
                _ => false,
            },
            None => false,
        };
        let mut over: Vec<Slot> =
            self.planned.turns.iter().copied().filter(|slot| is_over(self, slot)).collect();
        over.extend(self.planned.times.range(..=(now, Slot::MAX)).map(|&(_, slot)| slot));
        for slot in over {
            self[slot].plan_mut().pass();
            self.await_stop(slot, now, nanos);
            self.touch(slot);
        }
    }

    /// When the first stop is over that waits for a time.
    pub(crate) fn next_stop(&self) -> Option<u64> {
        self.planned.times.first().map(|&(due, _)| due)
    }

    /// Returns whether a segment waits for a later turn.
    pub(crate) fn await_turn(&self) -> bool {
        !self.planned.turns.is_empty()
    }

    /// Nothing of what is staged for the client's output stays: what was held back is sent. Returns whether it hung.
    pub(crate) fn forget_plan(&mut self, slot: Slot) -> bool {
        let Some(held) = &mut self[slot].outbox.held else {
            return false;
        };
        let plan = std::mem::take(&mut held.plan);
        self.planned.forget(slot, plan.awaited);
        self.touch(slot);
        plan.hangs
    }
}

impl Planned {
    fn forget(&mut self, slot: Slot, awaited: Option<Awaited>) {
        match awaited {
            Some(Awaited::Time(due)) => drop(self.times.remove(&(due, slot))),
            Some(Awaited::Turn) => drop(self.turns.remove(&slot)),
            None => {}
        }
    }

    /// The client is gone.
    pub(super) fn remove(&mut self, slot: Slot, client: &Client) {
        self.forget(slot, client.plan().and_then(|plan| plan.awaited));
    }
}
