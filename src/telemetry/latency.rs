//! How long things take: a histogram for each command, and the events that took too long.
//!
//! A [`Histogram`] keeps two significant digits of every duration, which is what HDR histograms of that
//! precision do, so its limits and percentiles are those of Valkey 9.1. An event is something that took
//! at least `latency-monitor-threshold`; [`Events`] keeps the last of each kind, a second apart.

use std::collections::{BTreeMap, VecDeque};

/// The durations of a command's calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    /// How many calls fell into each bucket, up to the last one that has any.
    counts: Vec<u64>,
    calls: u64,
}

/// Longer durations count as this long, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;

/// Buckets of the same width, in each power of two but the first.
const WIDTH_BITS: u32 = 7;

impl Histogram {
    /// Counts `calls` that took so long each.
    pub(crate) fn add(&mut self, nanos: u64, calls: u64) {
        let bucket = bucket(nanos);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += calls;
        self.calls += calls;
    }

    /// How many calls there are.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Durations that double from one µs on, and how many calls took no longer. Those that tell no more
    /// than the one before are left out.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut passed = 0;
        (0..=20).filter_map(move |power| {
            let end = 1024 << power;
            let limit = if end > LONGEST { end } else { highest(bucket(end)) };
            let calls = self.counts.iter().take(bucket(limit) + 1).sum();
            let is_news = calls > passed;
            passed = calls;
            is_news.then_some((limit / 1000, calls))
        })
    }

    /// The nanoseconds in which that many of a hundred calls were over.
    pub(crate) fn percentile(&self, percent: f64) -> u64 {
        let wanted = ((percent / 100.0 * self.calls as f64 + 0.5) as u64).max(1);
        let mut passed = 0;
        let reaches = |count: &u64| {
            passed += count;
            passed >= wanted
        };
        self.counts.iter().position(reaches).map_or(0, highest)
    }
}

/// The bucket of a duration: one for each nanosecond at first, then 128 for each power of two.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.min(LONGEST);
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(WIDTH_BITS + 1);
    ((shift as usize) << WIDTH_BITS) + (nanos >> shift) as usize
}

/// The longest duration of a bucket.
fn highest(bucket: usize) -> u64 {
    let shift = (bucket >> WIDTH_BITS).saturating_sub(1);
    let first = bucket - (shift << WIDTH_BITS);
    ((first as u64 + 1) << shift) - 1
}

/// What took too long, by kind.
#[derive(Debug, Default)]
pub struct Events(BTreeMap<&'static str, Event>);

/// Kinds of events.
pub(crate) mod event {
    /// A command that is not marked as fast.
    pub(crate) const COMMAND: &str = "command";
    /// A command that should be.
    pub(crate) const FAST_COMMAND: &str = "fast-command";
    /// A slice of keys whose time had come was removed.
    pub(crate) const EXPIRE_CYCLE: &str = "expire-cycle";
    /// A slice of keys was recorded for a snapshot, or for the base of a log.
    pub(crate) const SNAPSHOT_CYCLE: &str = "snapshot-cycle";
    /// Replies have waited for the log to be synced, with `appendfsync always`.
    pub(crate) const LOG_SYNC: &str = "aof-fsync-always";
    /// They have waited for it to be written, with `everysec`.
    pub(crate) const LOG_LATE: &str = "aof-write-pending-fsync";
    /// Keys were evicted for a command that needed memory.
    pub(crate) const EVICTION_CYCLE: &str = "eviction-cycle";
}

/// One kind of event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    /// The last ones, the oldest first, at most one for each second.
    samples: VecDeque<Sample>,
    /// The longest there has been, in ms.
    pub(crate) longest: u64,
    /// All together, in ms.
    pub(crate) total: u64,
    pub(crate) count: u64,
}

/// The longest event of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sample {
    /// Seconds since 1970.
    pub(crate) at: u64,
    pub(crate) millis: u64,
}

/// How many samples of an event are kept.
const SAMPLES: usize = 160;

impl Events {
    pub(crate) fn add(&mut self, event: &'static str, sample: Sample) {
        let event = self.0.entry(event).or_default();
        event.longest = event.longest.max(sample.millis);
        event.total += sample.millis;
        event.count += 1;
        match event.samples.back_mut().filter(|last| last.at == sample.at) {
            Some(last) => last.millis = last.millis.max(sample.millis),
            None => {
                if event.samples.len() == SAMPLES {
                    event.samples.pop_front();
                }
                event.samples.push_back(sample);
            }
        }
    }

    pub(crate) fn get(&self, event: &[u8]) -> Option<&Event> {
        self.iter().find(|(name, _)| name.as_bytes() == event).map(|(_, event)| event)
    }

    /// All events, by name.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Event)> {
        self.0.iter().map(|(&name, event)| (name, event))
    }

    /// Forgets those whose names are chosen, and returns how many there were.
    pub(crate) fn forget(&mut self, mut is_chosen: impl FnMut(&str) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|name, _| !is_chosen(name));
        before - self.0.len()
    }
}

impl Event {
    /// The samples, the oldest first. There is always one.
    pub(crate) fn samples(&self) -> impl ExactSizeIterator<Item = Sample> + Clone {
        self.samples.iter().copied()
    }

    pub(crate) fn last(&self) -> Option<Sample> {
        self.samples.back().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_two_digits() {
        let mut next = 0;
        for bucket in 0..=bucket(LONGEST) {
            let highest = highest(bucket);
            assert_eq!(super::bucket(next), bucket, "{next}");
            assert_eq!(super::bucket(highest), bucket, "{highest}");
            assert!(highest - next <= next / 128, "{next} to {highest}");
            next = highest + 1;
        }
        assert_eq!(bucket(u64::MAX), bucket(LONGEST));
    }

    #[test]
    fn steps_are_powers_of_two_as_the_reference_rounds_them() {
        let mut histogram = Histogram::default();
        for micros in [1, 2, 3, 30, 33, 34, 2113, 1_000_000, 9_000_000] {
            histogram.add(micros * 1000, 1);
        }
        histogram.add(10, 5);
        let steps: Vec<_> = histogram.steps().collect();
        let last = (1_073_741, 14);
        assert_eq!(steps, [(1, 6), (2, 7), (4, 8), (33, 10), (66, 11), (2113, 12), last]);
        assert_eq!(histogram.calls(), 14);
    }

    #[test]
    fn percentiles_are_the_longest_durations_of_their_buckets() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50.0), 0);
        histogram.add(100, 98);
        histogram.add(540_000, 1);
        histogram.add(2_000_000, 1);
        assert_eq!(histogram.percentile(0.0), 100);
        assert_eq!(histogram.percentile(98.0), 100);
        assert_eq!(histogram.percentile(99.0), 540_671);
        assert_eq!(histogram.percentile(100.0), 2_007_039);
    }

    #[test]
    fn a_second_has_one_sample_of_an_event() {
        let mut events = Events::default();
        for at in 0..200 {
            for millis in [2, 5, 3] {
                events.add(event::COMMAND, Sample { at, millis });
            }
        }
        let event = events.get(b"command").expect("an event");
        assert_eq!((event.longest, event.total, event.count), (5, 2000, 600));
        assert_eq!(event.samples().len(), SAMPLES);
        assert_eq!(event.samples().next(), Some(Sample { at: 40, millis: 5 }));
        assert_eq!(events.forget(|name| name == "nosuch"), 0);
        assert_eq!(events.forget(|_| true), 1);
        assert_eq!(events.iter().len(), 0);
    }
}
