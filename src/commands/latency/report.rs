//! What LATENCY tells people: a picture of an event, and words about all of them.

use std::fmt::Write;

use crate::telemetry::latency::{Event, Events, Sample, event};

/// Rows and columns of a picture.
const ROWS: usize = 4;
const COLUMNS: usize = 80;

/// How high a value stands in its row. Below it the row is filled.
const HEIGHTS: &[u8] = b"_o#";
const FILLED: u8 = b'|';

/// The samples of an event as a bar chart, with their ages written downwards under the bars.
pub(crate) fn graph(name: &[u8], event: &Event, now: u64) -> Vec<u8> {
    let samples: Vec<Sample> = event.samples().collect();
    let range = || samples.iter().map(|sample| sample.millis);
    let (low, high) = (range().min().unwrap_or(0), range().max().unwrap_or(0));
    let all_time = event.longest;
    let mut out = name.to_vec();
    let title = format!(" - high {high} ms, low {low} ms (all time high {all_time} ms)\n");
    out.extend_from_slice(title.as_bytes());
    out.extend_from_slice(&[b'-'; COLUMNS]);
    out.push(b'\n');
    for (chart, samples) in samples.chunks(COLUMNS).enumerate() {
        if chart > 0 {
            out.push(b'\n');
        }
        push_chart(&mut out, samples, now);
    }
    out
}

fn push_chart(out: &mut Vec<u8>, samples: &[Sample], now: u64) {
    let low = samples.iter().map(|sample| sample.millis).min().unwrap_or(0);
    let high = samples.iter().map(|sample| sample.millis).max().unwrap_or(0);
    let steps = (ROWS * HEIGHTS.len()) as u64;
    for row in (0..ROWS).rev() {
        out.extend(samples.iter().map(|sample| {
            let share = (sample.millis - low) * steps / (high - low).max(1);
            let step = share.min(steps - 1) as usize;
            match step.checked_sub(row * HEIGHTS.len()) {
                None => b' ',
                Some(above) => HEIGHTS.get(above).copied().unwrap_or(FILLED),
            }
        }));
        out.push(b'\n');
    }
    let ages: Vec<String> = samples.iter().map(|sample| age(now, sample.at)).collect();
    let longest = ages.iter().map(String::len).max().unwrap_or(0);
    out.extend(ages.iter().map(|_| b' '));
    out.push(b'\n');
    for at in 0..longest {
        out.extend(ages.iter().map(|age| age.as_bytes().get(at).copied().unwrap_or(b' ')));
        out.push(b'\n');
    }
}

/// How long ago something was, in the largest unit of which there is one.
fn age(now: u64, then: u64) -> String {
    match now.saturating_sub(then) {
        seconds @ ..60 => format!("{seconds}s"),
        seconds @ ..3600 => format!("{}m", seconds / 60),
        seconds @ ..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// What has been slow, and what to do about it.
pub(crate) fn doctor(events: &Events, threshold: u64) -> String {
    if threshold == 0 {
        return "Nobody is measuring: latency-monitor-threshold is 0. Set it to the milliseconds from \
            which on something is slow for you.\n"
            .to_owned();
    }
    if events.iter().len() == 0 {
        return format!("Nothing has taken {threshold} ms or longer.\n");
    }
    let mut text = format!("These have taken {threshold} ms or longer:\n\n");
    for (name, event) in events.iter() {
        let samples = event.samples();
        let mean = samples.clone().map(|sample| sample.millis).sum::<u64>() / samples.len() as u64;
        let deviation = samples.clone().map(|sample| sample.millis.abs_diff(mean)).sum::<u64>()
            / samples.len() as u64;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name}: {} times, {} ms at worst. Of the last {}, the mean is {mean} ms and the mean \
            deviation {deviation} ms.",
            event.count,
            event.longest,
            samples.len(),
        );
        for (_, advice) in ADVICE.iter().filter(|(about, _)| *about == name) {
            let _ = writeln!(text, "- {advice}");
        }
    }
    text
}

/// What to do about each kind of event.
const ADVICE: &[(&str, &str)] = &[
    (event::COMMAND, "SLOWLOG GET shows which commands: see that they look at fewer elements."),
    (event::COMMAND, "Use SCAN and its kin instead of KEYS, SMEMBERS and HGETALL."),
    (event::FAST_COMMAND, "Such commands are short, unless their values are very large."),
    (event::FAST_COMMAND, "The machine may be too busy, or out of memory and swapping."),
    (event::EXPIRE_CYCLE, "Many keys expire at the same moment: spread their times to live."),
    (event::SNAPSHOT_CYCLE, "A large value is recorded for a snapshot: keep values small."),
    (event::EVICTION_CYCLE, "Large values are evicted: keep values small, or raise maxmemory."),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn events(samples: &[(u64, u64)]) -> Events {
        let mut events = Events::default();
        for &(at, millis) in samples {
            events.add(event::COMMAND, Sample { at, millis });
        }
        events
    }

    fn drawn(samples: &[(u64, u64)], now: u64) -> String {
        let events = events(samples);
        let event = events.get(b"command").expect("an event");
        let text = String::from_utf8(graph(b"command", event, now)).expect("text");
        let (_, picture) = text.split_once(&format!("\n{}\n", "-".repeat(80))).expect("a line");
        picture.to_owned()
    }

    #[test]
    fn a_graph_has_a_bar_for_each_sample_and_its_age_below() {
        let picture = "  #\n  |\n  |\n_o|\n   \n320\nsss\n";
        assert_eq!(drawn(&[(7, 5), (8, 20), (10, 100)], 10), picture);
        assert_eq!(drawn(&[(0, 5)], 90), " \n \n \n_\n \n1\nm\n");
        assert_eq!(drawn(&[(0, 5), (100_000, 5)], 100_000).lines().count(), 7);
    }

    #[test]
    fn a_graph_of_many_samples_is_two() {
        let samples: Vec<_> = (0..100).map(|at| (at, at)).collect();
        let picture = drawn(&samples, 100);
        assert_eq!(picture.lines().next().map(str::len), Some(80));
        assert_eq!(picture.lines().last().map(str::len), Some(20));
    }

    #[test]
    fn the_doctor_names_what_was_slow() {
        let none = events(&[]);
        assert!(doctor(&none, 0).contains("latency-monitor-threshold is 0"));
        assert_eq!(doctor(&none, 5), "Nothing has taken 5 ms or longer.\n");
        let text = doctor(&events(&[(1, 10), (2, 30)]), 5);
        let line = "command: 2 times, 30 ms at worst. Of the last 2, the mean is 20 ms and the mean \
            deviation 10 ms.\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("SLOWLOG GET"));
    }
}
