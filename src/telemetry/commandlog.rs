//! The logs of commands that took long, were long, or were answered at length.
//!
//! Each log has a threshold and a length of its own. What is kept of a command is cut to what a person
//! would read; secrets are out of it before it comes here.

use std::collections::VecDeque;

use crate::clock::Now;
use crate::config::{Config, LogSettings};
use crate::wire::OwnedArgs;

/// Why a command is in a log. Each has a log of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Commands that took long, in µs.
    Slow,
    /// Long requests, in bytes.
    LargeRequest,
    /// Long replies, in bytes.
    LargeReply,
}

impl Cause {
    /// The names that COMMANDLOG knows them by.
    pub(crate) const NAMES: &'static [(&'static str, Cause)] = &[
        ("slow", Cause::Slow),
        ("large-request", Cause::LargeRequest),
        ("large-reply", Cause::LargeReply),
    ];
}

/// A command in a log.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Counts up from 0 and is never used again.
    pub(crate) id: u64,
    /// Seconds since 1970.
    pub(crate) at: u64,
    /// µs or bytes.
    pub(crate) amount: u64,
    /// Without secrets, and cut where they are long.
    pub(crate) args: OwnedArgs,
    /// Where the client came from, and what it was called.
    pub(crate) addr: String,
    pub(crate) name: Box<[u8]>,
}

/// One log, the newest entry first.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl Log {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The newest entries.
    pub(crate) fn newest(&self, most: usize) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter().take(most)
    }

    /// Forgets all entries. Their ids are not used again.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Adds an entry with the next id, and lets the oldest go.
    fn add(&mut self, mut entry: Entry, max_len: usize) {
        entry.id = self.next_id;
        self.next_id += 1;
        self.entries.push_front(entry);
        self.entries.truncate(max_len);
    }
}

/// The three logs.
#[derive(Debug, Default)]
pub struct CommandLog {
    slow: Log,
    large_request: Log,
    large_reply: Log,
}

impl CommandLog {
    pub(crate) fn of(&mut self, cause: Cause) -> &mut Log {
        match cause {
            Cause::Slow => &mut self.slow,
            Cause::LargeRequest => &mut self.large_request,
            Cause::LargeReply => &mut self.large_reply,
        }
    }

    /// Keeps a command that reaches the threshold of a log. `entry` makes what is to be kept.
    pub(crate) fn offer(
        &mut self,
        config: &Config,
        cause: Cause,
        amount: u64,
        entry: impl FnOnce() -> Entry,
    ) {
        let logs = &config.commandlog;
        let LogSettings { threshold, max_len } = match cause {
            Cause::Slow => logs.slow,
            Cause::LargeRequest => logs.large_request,
            Cause::LargeReply => logs.large_reply,
        };
        let is_reached = u64::try_from(threshold).is_ok_and(|threshold| amount >= threshold);
        if is_reached && max_len > 0 {
            self.of(cause).add(Entry { amount, ..entry() }, max_len);
        }
    }
}

/// The arguments that an entry keeps, the last of which may stand for all the others.
const MOST_ARGS: usize = 32;
/// The bytes that an entry keeps of an argument.
const MOST_BYTES: usize = 128;

/// What an entry keeps of the arguments of a command.
pub(crate) fn cut<'a>(args: impl ExactSizeIterator<Item = &'a [u8]>) -> OwnedArgs {
    let len = args.len();
    let kept = if len > MOST_ARGS { MOST_ARGS - 1 } else { len };
    let cut = |arg: &[u8]| match arg.split_at_checked(MOST_BYTES) {
        Some((shown, more)) if !more.is_empty() => {
            [shown, format!("... ({} more bytes)", more.len()).as_bytes()].concat()
        }
        _ => arg.to_vec(),
    };
    let rest = (len > kept).then(|| format!("... ({} more arguments)", len - kept).into_bytes());
    args.take(kept).map(cut).chain(rest).collect()
}

/// The least cost of a command that COMMANDLOG or LATENCY records, so that one comparison tells that neither
/// does.
#[derive(Debug, Clone, Copy)]
pub struct Thresholds {
    /// How long it took.
    pub(crate) nanos: u64,
    /// The sizes of its request and of its reply.
    pub(crate) request: usize,
    pub(crate) reply: usize,
    /// A short command that brings and takes no more bytes than this reaches none of them, and need not
    /// be timed alone.
    pub(crate) light: usize,
}

/// Fast commands take less than so many µs, unless they carry so many bytes or something goes wrong.
const FAST: u64 = 1000;
pub(crate) const MUCH: usize = 64 * 1024;

impl Thresholds {
    pub(crate) fn of(config: &Config) -> Thresholds {
        let bytes =
            |settings: LogSettings| usize::try_from(settings.threshold).unwrap_or(usize::MAX);
        let logs = &config.commandlog;
        let slow = u64::try_from(logs.slow.threshold).unwrap_or(u64::MAX);
        let event = match config.latency_monitor_threshold {
            0 => u64::MAX,
            millis => millis.saturating_mul(1000),
        };
        let (request, reply) = (bytes(logs.large_request), bytes(logs.large_reply));
        let times_each = slow < FAST || event != u64::MAX;
        let light = if times_each { 0 } else { MUCH.min(request).min(reply).saturating_sub(1) };
        Thresholds { nanos: slow.min(event).saturating_mul(1000), request, reply, light }
    }

    /// Returns whether a command reaches one of them.
    pub(crate) fn are_reached(&self, nanos: u64, request: usize, reply: usize) -> bool {
        nanos >= self.nanos || request >= self.request || reply >= self.reply
    }
}

impl Now {
    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> u64 {
        self.wall / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> Vec<String> {
        let args = cut(words.iter().map(|word| word.as_bytes()));
        args.args().from(0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "x".repeat(128);
        assert_eq!(shown(&["SET", &long]), ["SET", &long]);
        let cut = format!("{long}... (2 more bytes)");
        assert_eq!(shown(&["SET", &format!("{long}yz")]), ["SET", &cut]);
        assert_eq!(shown(&["a"; 32]).len(), 32);
        let many = shown(&["a"; 35]);
        assert_eq!((many.len(), &many[30][..]), (32, "a"));
        assert_eq!(many[31], "... (4 more arguments)");
    }

    #[test]
    fn a_log_keeps_the_newest() {
        let mut config = Config::default();
        config.commandlog.slow = LogSettings { threshold: 10, max_len: 2 };
        let mut log = CommandLog::default();
        let entry = || Entry {
            id: 0,
            at: 0,
            amount: 0,
            args: OwnedArgs::default(),
            addr: String::new(),
            name: Box::default(),
        };
        for amount in [9, 10, 11, 12] {
            log.offer(&config, Cause::Slow, amount, entry);
        }
        let slow = log.of(Cause::Slow);
        let kept: Vec<_> = slow.newest(9).map(|entry| (entry.id, entry.amount)).collect();
        assert_eq!(kept, [(2, 12), (1, 11)]);
        slow.clear();
        config.commandlog.slow.threshold = -1;
        log.offer(&config, Cause::Slow, u64::MAX, entry);
        assert!(log.of(Cause::Slow).len() == 0);
    }

    #[test]
    fn a_light_command_reaches_no_threshold() {
        let mut config = Config::default();
        for (request, reply, light) in [(10, 20, 9), (20, 10, 9), (-1, 0, 0), (-1, -1, MUCH - 1)] {
            config.commandlog.large_request.threshold = request;
            config.commandlog.large_reply.threshold = reply;
            assert_eq!(Thresholds::of(&config).light, light);
        }
    }

    #[test]
    fn thresholds_are_the_least_that_is_configured() {
        let mut config = Config::default();
        let is = |config: &Config| {
            let thresholds = Thresholds::of(config);
            (thresholds.nanos, thresholds.light > 0)
        };
        assert_eq!(is(&config), (10_000_000, true));
        config.latency_monitor_threshold = 3;
        assert_eq!(is(&config), (3_000_000, false));
        config.latency_monitor_threshold = 0;
        config.commandlog.slow.threshold = 0;
        assert_eq!(is(&config), (0, false));
        config.commandlog.slow.threshold = -1;
        assert_eq!(is(&config), (u64::MAX, true));
    }
}
