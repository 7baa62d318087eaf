//! Time as an argument.

use std::collections::{BTreeSet, HashMap};

/// What falls due, and when. Times are numbers that grow.
#[derive(Debug, Default)]
pub struct Deadlines {
    /// In order, so that the first is at hand.
    order: BTreeSet<(u64, String)>,
    /// Where each is in that order.
    times: HashMap<String, u64>,
}

impl Deadlines {
    /// The key falls due then, and at no time that was set before.
    pub fn set(&mut self, key: &str, when: u64) {
        self.remove(key);
        self.order.insert((when, key.to_owned()));
        self.times.insert(key.to_owned(), when);
    }

    /// The key falls due no more.
    pub fn remove(&mut self, key: &str) {
        if let Some(when) = self.times.remove(key) {
            self.order.remove(&(when, key.to_owned()));
        }
    }

    /// When the first key falls due.
    pub fn next(&self) -> Option<u64> {
        self.order.first().map(|&(when, _)| when)
    }

    /// Takes out the keys that are due by `now`, the earliest first and, of those that are due together, in the order of their
    /// names.
    pub fn take_due(&mut self, now: u64) -> Vec<String> {
        let mut due = Vec::new();
        while self.next().is_some_and(|when| when <= now)
            && let Some((_, key)) = self.order.pop_first()
        {
            self.times.remove(&key);
            due.push(key);
        }
        due
    }
}

/// Something that is told the time.
pub trait Timed {
    /// When it has something to do. That may have passed: it is to be told the time at once.
    fn next_deadline(&self) -> Option<u64>;

    /// It is `now`, and what is due happens. Time never goes back.
    fn turn(&mut self, now: u64);
}

/// So many turns at most take place at one moment.
pub const TURNS_A_MOMENT: usize = 100;

/// It is `now`, and `time` passes. Returns what time it is then, and has told that.
pub fn advance(timed: &mut impl Timed, now: u64, time: u64) -> u64 {
    let (mut now, end) = (now, now + time);
    let mut turns = 0;
    while let Some(due) = timed.next_deadline().filter(|&due| due <= end) {
        if due > now {
            (now, turns) = (due, 0);
        } else if turns == TURNS_A_MOMENT {
            // It always has something to do: time goes on without it.
            break;
        }
        turns += 1;
        timed.turn(now);
    }
    timed.turn(end);
    end
}
