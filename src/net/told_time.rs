//! The time of a manual clock, as a value: it stands still, or runs from where it was set.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::clock::Now;

/// What is to become of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It stands still from now on.
    Freeze,
    /// It runs from now on, as fast as the machine's.
    Run,
    /// So many µs pass.
    Advance(u64),
    /// The wall clock is set to so many µs since 1970.
    SetWall(u64),
}

/// The end of time, in µs: far enough from that of `u64` that a delay can be added to it.
const END: u64 = u64::MAX / 2;

/// A time that stands still or runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// What time it was when it was last set.
    at: Now,
    /// When that was, if it has run since.
    since: Option<Instant>,
}

impl Time {
    /// A time that runs from the machine's.
    pub(crate) fn running() -> Time {
        Time { at: Now { wall: wall_micros(), mono: 0 }, since: Some(Instant::now()) }
    }

    pub(crate) fn now(&self) -> Now {
        let passed = self.since.map_or(0, |since| micros(since.elapsed()));
        self.at.after(passed)
    }

    /// The steady time when so many µs have passed, or the end of time.
    pub(crate) fn mono_after(&self, passed: u64) -> u64 {
        self.now().after(passed).mono
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.since.is_none()
    }

    /// Both clocks go forward until the steady one shows `mono`; not at all if it is later than that.
    pub(crate) fn go_to(&mut self, mono: u64) {
        let now = self.now();
        let passed = mono.saturating_sub(now.mono);
        self.at = now.after(passed);
        self.since = self.since.map(|_| Instant::now());
    }

    /// Makes the change at once.
    pub(crate) fn change(&mut self, change: Change) {
        let now = self.now();
        match change {
            Change::Freeze => (self.at, self.since) = (now, None),
            Change::Run => (self.at, self.since) = (now, Some(Instant::now())),
            Change::Advance(by) => self.go_to(now.after(by).mono),
            Change::SetWall(wall) => {
                self.at = Now { wall: wall.min(END), mono: now.mono };
                self.since = self.since.map(|_| Instant::now());
            }
        }
    }
}

impl Now {
    /// The time when so many µs have passed, or the end of time.
    fn after(self, passed: u64) -> Now {
        let after = |time: u64| time.saturating_add(passed).min(END);
        Now { wall: after(self.wall), mono: after(self.mono) }
    }
}

/// µs since 1970, by the clock of the machine.
pub(crate) fn wall_micros() -> u64 {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A duration in µs. The longest is half a million years.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_time_goes_only_where_it_is_told_to() {
        let mut time = Time::running();
        time.change(Change::Freeze);
        let start = time.now();
        assert_eq!(time.now(), start);
        time.change(Change::Advance(5));
        assert_eq!(time.now(), Now { wall: start.wall + 5, mono: start.mono + 5 });
        time.change(Change::SetWall(7));
        assert_eq!(time.now(), Now { wall: 7, mono: start.mono + 5 });
        time.go_to(start.mono);
        assert_eq!(time.now().mono, start.mono + 5, "the steady clock only grows");
        time.change(Change::Run);
        assert!(!time.is_frozen() && time.now().wall >= 7);
    }
}
