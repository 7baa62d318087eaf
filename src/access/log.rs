//! The log of what was denied, for ACL LOG: the latest first, the same twice counted once.

use std::collections::VecDeque;

use crate::clock::Now;

/// What a request lacked. The order is that in which an answer prefers them: when each selector
/// lacks something else, the last of these is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    Database,
    Command,
    Key,
    Channel,
    /// It was a login, and it failed.
    Auth,
    /// The client's certificate names no user that may log in.
    Certificate,
}

impl Reason {
    /// What is lacking, in the words in which EXEC tells it.
    pub(crate) fn is_lacking(self) -> &'static str {
        match self {
            Reason::Database => "no permission",
            Reason::Command => "no permission to execute the command or subcommand",
            Reason::Key => "no permission to touch the specified keys",
            Reason::Channel => {
                "no permission to access one of the channels used as arguments to the command"
            }
            Reason::Auth | Reason::Certificate => "the user is not authenticated",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Reason::Database => "database",
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
            Reason::Auth => "auth",
            Reason::Certificate => "tls-cert",
        }
    }
}

/// Where a request was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    TopLevel,
    /// While a transaction was queued or run.
    Multi,
    /// In a script.
    Script,
    /// By a command of the embedder, which called it.
    Call,
}

impl Context {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Context::TopLevel => "toplevel",
            Context::Multi => "multi",
            Context::Script => "lua",
            // The word of the reference for what a module calls.
            Context::Call => "module",
        }
    }
}

/// What was denied, as often as it was.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Counts up from 0, over ACL LOG RESET too.
    pub(crate) id: u64,
    pub(crate) count: u64,
    pub(crate) what: What,
    /// The line of CLIENT LIST of who tried it last.
    pub(crate) client: Vec<u8>,
    pub(crate) created: Now,
    pub(crate) updated: Now,
}

/// What was denied to whom. Two of the same are one entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct What {
    pub(crate) reason: Reason,
    pub(crate) context: Context,
    /// The command, key, channel or database.
    pub(crate) object: Vec<u8>,
    /// Whose rules denied it, or who it was that could not log in.
    pub(crate) user: Vec<u8>,
}

/// How many of the latest entries may be about the same as a new one, and for how long, in µs.
const LOOK_BACK: usize = 10;
const SAME_FOR: u64 = 60_000_000;

/// So many bytes of a key, a channel or a name are kept: a client chooses them.
const MAX_TEXT: usize = 4096;

/// The log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The latest first.
    entries: VecDeque<Entry>,
    next_id: u64,
    counts: Counts,
}

/// How often something was denied since the start, for INFO.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) auth: u64,
    pub(crate) certificate: u64,
    pub(crate) command: u64,
    pub(crate) key: u64,
    pub(crate) channel: u64,
    pub(crate) database: u64,
}

impl Log {
    /// Keeps what was denied `now`, and the latest `most` entries.
    pub(crate) fn add(&mut self, mut what: What, client: Vec<u8>, now: Now, most: usize) {
        what.object.truncate(MAX_TEXT);
        what.user.truncate(MAX_TEXT);
        *match what.reason {
            Reason::Database => &mut self.counts.database,
            Reason::Command => &mut self.counts.command,
            Reason::Key => &mut self.counts.key,
            Reason::Channel => &mut self.counts.channel,
            Reason::Auth => &mut self.counts.auth,
            Reason::Certificate => &mut self.counts.certificate,
        } += 1;
        let is_same =
            |old: &Entry| old.what == what && now.mono.abs_diff(old.updated.mono) <= SAME_FOR;
        let known = self.entries.iter().take(LOOK_BACK).position(is_same);
        let entry = match known.and_then(|at| self.entries.remove(at)) {
            Some(old) => Entry { count: old.count + 1, client, updated: now, ..old },
            None => {
                let id = self.next_id;
                self.next_id += 1;
                Entry { id, count: 1, what, client, created: now, updated: now }
            }
        };
        self.entries.push_front(entry);
        self.entries.truncate(most);
    }

    /// The latest first.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(object: &str) -> What {
        let object = object.as_bytes().to_vec();
        What { reason: Reason::Key, context: Context::TopLevel, object, user: b"ann".to_vec() }
    }

    fn at(seconds: u64) -> Now {
        Now { wall: seconds * 1_000_000, mono: seconds * 1_000_000 }
    }

    fn shown(log: &Log) -> Vec<(u64, u64, String)> {
        let object = |entry: &Entry| String::from_utf8_lossy(&entry.what.object).into_owned();
        log.entries().map(|entry| (entry.id, entry.count, object(entry))).collect()
    }

    #[test]
    fn the_same_within_a_minute_is_one_entry() {
        let mut log = Log::default();
        for (second, object) in [(0, "a"), (1, "b"), (60, "a"), (121, "a")] {
            log.add(what(object), Vec::new(), at(second), 128);
        }
        let expected = [(2, 1, "a"), (0, 2, "a"), (1, 1, "b")];
        assert_eq!(shown(&log), expected.map(|(id, n, object)| (id, n, object.to_owned())));
        assert_eq!(log.counts().key, 4);
    }

    #[test]
    fn only_the_latest_ten_are_compared_and_only_some_are_kept() {
        let mut log = Log::default();
        for object in 0..11 {
            log.add(what(&object.to_string()), Vec::new(), at(0), 12);
        }
        log.add(what("0"), Vec::new(), at(0), 12);
        assert_eq!(shown(&log)[0], (11, 1, "0".to_owned()));
        assert_eq!(log.entries().len(), 12);
        log.add(what("x"), Vec::new(), at(0), 2);
        assert_eq!(log.entries().len(), 2);
        log.clear();
        log.add(what("x"), Vec::new(), at(0), 2);
        assert_eq!(shown(&log), [(13, 1, "x".to_owned())]);
    }

    #[test]
    fn a_log_of_no_entries_still_counts() {
        let mut log = Log::default();
        log.add(what("a"), Vec::new(), at(0), 0);
        assert_eq!((log.entries().len(), log.counts().key), (0, 1));
    }
}
