//! How much of a long work is done in one turn: about as much as takes a given time, by how long the last slices took.

use crate::telemetry::Timer;

/// The least and the most units of work in a slice.
const LEAST: usize = 256;
const MOST: usize = 1 << 18;

/// A slice is done in so many steps, or in more of no more units than these: the clock is looked at behind each, for the next
/// units may take many times what the last ones took.
const STEPS: usize = 32;
const STEP: usize = LEAST;

/// What is owed is paid in slices that are longer by this much at most, however much it is.
const LONGEST: usize = 4;

/// The pace of a work that is done in slices.
#[derive(Debug)]
pub(super) struct Pace {
    units: usize,
    /// How long a slice is to take, in nanoseconds.
    target: u64,
}

impl Pace {
    pub(super) fn of(target: u64) -> Pace {
        Pace { units: LEAST * 16, target }
    }

    /// How many units the next slice has.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// How many units the next slice has if so many are owed.
    pub(super) fn units_for(&self, owed: usize) -> usize {
        owed.clamp(self.units, self.units * LONGEST)
    }

    // ANCHOR: slice
    /// Does a slice of so many units, or of fewer if they take longer than they should. `work` says whether it has done all
    /// that it was told to. Returns how long it took.
    pub(super) fn slice(
        &mut self,
        timer: &Timer,
        units: usize,
        mut work: impl FnMut(usize) -> bool,
    ) -> u64 {
        let most = self.target.saturating_mul(units as u64) / self.units as u64;
        let (mut done, mut nanos, mut is_full) = (0, 0, true);
        while is_full && done < units && nanos < most {
            let step = (self.units / STEPS).min(STEP).min(units - done);
            let (has_done_all, took) = timer.measure(|| work(step));
            (done, nanos, is_full) = (done + step, nanos + took, has_done_all);
        }
        // Without a clock, as in tests, slices stay as they are. One that was short says nothing.
        if is_full && nanos > 0 {
            let fitting = (done as u64).saturating_mul(self.target) / nanos;
            let fitting = usize::try_from(fitting).unwrap_or(MOST);
            self.units = fitting.clamp(self.units / 2, self.units * 2).clamp(LEAST, MOST);
        }
        nanos
    }
    // ANCHOR_END: slice
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NANOS: Cell<u64> = const { Cell::new(0) };
    }

    #[test]
    fn slices_come_to_take_the_time_that_they_are_to_take() {
        let timer = Timer::new(|| NANOS.get());
        let mut pace = Pace::of(1_000_000);
        for nanos_per_unit in [100, 1000, 10] {
            let work = |units: usize| {
                NANOS.set(NANOS.get() + units as u64 * nanos_per_unit);
                true
            };
            (0..20).for_each(|_| _ = pace.slice(&timer, pace.units(), work));
            let nanos = pace.units() as u64 * nanos_per_unit;
            assert!((990_000..1_010_000).contains(&nanos), "{nanos}");
        }
    }

    #[test]
    fn a_slice_ends_in_time_although_its_units_take_longer_than_the_last_ones() {
        let timer = Timer::new(|| NANOS.get());
        let mut pace = Pace::of(400_000);
        for (nanos_per_unit, most) in [(2, 400_000), (600, 600_000), (1, 400_000)] {
            let work = |units: usize| {
                NANOS.set(NANOS.get() + units as u64 * nanos_per_unit);
                true
            };
            let nanos = pace.slice(&timer, pace.units(), work);
            assert!(nanos <= most, "{nanos}");
            let nanos = pace.slice(&timer, pace.units_for(usize::MAX), work);
            assert!(nanos <= 4 * most, "{nanos}");
            (0..20).for_each(|_| _ = pace.slice(&timer, pace.units(), work));
        }
    }

    #[test]
    fn what_is_owed_is_paid_in_slices_of_limited_time() {
        let timer = Timer::new(|| NANOS.get());
        let mut pace = Pace::of(400_000);
        let work = |units: usize| {
            NANOS.set(NANOS.get() + units as u64 * 50);
            true
        };
        (0..20).for_each(|_| _ = pace.slice(&timer, pace.units(), work));
        assert_eq!(pace.units_for(0), pace.units());
        for _ in 0..20 {
            let nanos = pace.slice(&timer, pace.units_for(usize::MAX), work);
            assert!((1_000_000..2_000_000).contains(&nanos), "{nanos}");
        }
    }

    #[test]
    fn a_slice_that_was_short_changes_nothing() {
        let timer = Timer::new(|| NANOS.get());
        let mut pace = Pace::of(1_000_000);
        let before = pace.units();
        pace.slice(&timer, before, |_| {
            NANOS.set(NANOS.get() + 1);
            false
        });
        assert_eq!(pace.units(), before);
    }
}
