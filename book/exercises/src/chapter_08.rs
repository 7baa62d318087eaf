//! Time as an argument.

/// What falls due, and when. Times are numbers that grow.
#[derive(Debug, Default)]
pub struct Deadlines {
    // What it keeps is yours to choose. That of a million keys the first is asked for at each turn is to be thought of.
}

impl Deadlines {
    /// The key falls due then, and at no time that was set before.
    pub fn set(&mut self, key: &str, when: u64) {
        let _ = (key, when);
        todo!("keep it")
    }

    /// The key falls due no more.
    pub fn remove(&mut self, key: &str) {
        let _ = key;
        todo!("forget it")
    }

    /// When the first key falls due.
    pub fn next(&self) -> Option<u64> {
        todo!("the least of them")
    }

    /// Takes out the keys that are due by `now`, the earliest first and, of those that are due together, in the order of their
    /// names.
    pub fn take_due(&mut self, now: u64) -> Vec<String> {
        let _ = now;
        todo!("take them")
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
    // A clock that jumps. The test does not like that.
    timed.turn(now + time);
    now + time
}
