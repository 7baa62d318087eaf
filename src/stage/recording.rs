//! A conversation that is written while it takes place: STAGE RECORD.
//!
//! Requests are told as they run, and bytes as they are sent, so that what a fault has made of a reply is what is
//! written. STAGE itself is no part of a conversation. What is written to is a file that the caller has opened. It has every
//! line as soon as there is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use crate::conversation::Recorder;
use crate::wire::Args;

/// How many bytes a recording may have, unless a limit is given.
pub(crate) const USUAL_LIMIT: u64 = 1 << 30;

/// A recording that goes on.
pub(crate) struct Recording {
    recorder: Recorder,
    out: Box<dyn Write + Send>,
    /// When it began, in µs of [`crate::clock::Now::mono`].
    begun: u64,
    /// So many bytes more that a client is sent are of the time before.
    earlier: BTreeMap<u64, usize>,
    /// Clients whose commands a pause holds back: they come again.
    held_back: BTreeSet<u64>,
    /// Why the file has not all that was said.
    failed: Option<io::Error>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}

impl Recording {
    /// Begins to write to `out`, up to so many bytes. It is `now`.
    pub(crate) fn new(out: Box<dyn Write + Send>, limit: u64, now: u64) -> Recording {
        Recording {
            recorder: Recorder::new("Recorded by STAGE RECORD.").with_limit(limit),
            out,
            begun: now,
            earlier: BTreeMap::new(),
            held_back: BTreeSet::new(),
            failed: None,
        }
    }

    /// Tells the recorder something, and writes what comes of it.
    pub(crate) fn tell(&mut self, now: u64, tell: impl FnOnce(&mut Recorder)) {
        self.recorder.time_is(Duration::from_micros(now.saturating_sub(self.begun)));
        tell(&mut self.recorder);
        let text = self.recorder.take();
        if self.failed.is_none() && !text.is_empty() {
            self.failed = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// A client has been there before the recording, and is owed so many bytes.
    pub(crate) fn meet(&mut self, id: u64, owed: usize) {
        self.recorder.was_connected(id);
        if owed > 0 {
            self.earlier.insert(id, owed);
        }
    }

    /// A request runs.
    pub(crate) fn request(&mut self, now: u64, id: u64, args: Args<'_>) {
        if !self.held_back.remove(&id) {
            let words: Vec<&[u8]> = args.from(0).collect();
            self.tell(now, |recorder| recorder.request(id, &words));
        }
    }

    /// The request of the client did not run: it comes again.
    pub(crate) fn hold_back(&mut self, id: u64) {
        self.held_back.insert(id);
    }

    /// A client has been sent bytes.
    pub(crate) fn sent(&mut self, now: u64, id: u64, mut bytes: &[u8]) {
        if let Some(earlier) = self.earlier.get_mut(&id) {
            let skipped = bytes.len().min(*earlier);
            *earlier -= skipped;
            bytes = &bytes[skipped..];
            if *earlier == 0 {
                self.earlier.remove(&id);
            }
        }
        if !bytes.is_empty() {
            self.tell(now, |recorder| recorder.sent(id, bytes));
        }
    }

    /// A client has gone. `by_itself`: the server has not closed the connection.
    pub(crate) fn gone(&mut self, now: u64, id: u64, by_itself: bool) {
        self.earlier.remove(&id);
        self.held_back.remove(&id);
        self.tell(now, |recorder| match by_itself {
            true => recorder.gone(id),
            false => recorder.closed(id),
        });
        self.recorder.forget(id);
    }

    /// The recording is over. Returns whether the file has all of it; if not, it has reached its limit. The error is why it
    /// could not be written.
    pub(crate) fn end(mut self, now: u64) -> io::Result<bool> {
        self.tell(now, Recorder::end);
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| !self.recorder.is_full()),
        }
    }
}
