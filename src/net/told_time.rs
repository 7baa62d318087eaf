//! The time of a manual clock, as a value: it stands still, or runs from where it was set.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::clock::{Change, Now};

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
            // Only the clock knows what there was before.
            Change::Restore => {}
        }
    }

    /// Becomes what `before` is by now, but for the steady clock, which only grows.
    pub(crate) fn restore(&mut self, before: Time) {
        self.at = Now { wall: before.now().wall, mono: self.now().mono };
        self.since = before.since.map(|_| Instant::now());
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

    #[test]
    fn a_time_that_is_restored_shows_what_it_would_show_by_now() {
        let mut time = Time::running();
        let running = time;
        time.change(Change::Freeze);
        let frozen = time;
        time.change(Change::Advance(1 << 40));
        let mono = time.now().mono;
        time.restore(frozen);
        assert!(time.is_frozen());
        assert_eq!(time.now(), Now { wall: frozen.now().wall, mono });
        time.restore(running);
        assert!(!time.is_frozen() && time.now().mono >= mono);
        assert!((running.at.wall..running.at.wall + (1 << 40)).contains(&time.now().wall));
    }
}
