//! How rewriting stands: what is asked for, what is going on, and what has come of it.

use super::manifest::LogFile;
use crate::clock::Now;

/// After so many failures in a row, rewrites that begin by themselves wait, in µs; with each further one twice as long,
/// up to an hour. As in Valkey 9.1.
const PATIENCE: u64 = 3;
const DELAY: u64 = 60_000_000;
const LONGEST_DELAY: u64 = 3_600_000_000;

/// One that the log needs is tried again after so many µs, and with each further failure after twice as many, up to a
/// minute.
const SOON: u64 = 1_000_000;

/// What is known of rewriting.
#[derive(Debug, Default)]
pub(super) struct Rewrite {
    pub is_scheduled: bool,
    /// The log has just been turned on: there is no base yet.
    pub is_first: bool,
    /// There is no log: the files are written once, because BGREWRITEAOF has asked.
    pub is_only: bool,
    pub running: Option<Running>,
    /// Files that are to be begun. A base waits for that before it is put: two threads put manifests.
    pub beginning: usize,
    /// Why the file could not be begun that was to be.
    pub not_begun: Option<String>,
    pub last_took: Option<u64>,
    pub has_failed: bool,
    pub count: u64,
    pub failures: u64,
    /// When the last one failed. 0: the next need not wait for that.
    pub failed_at: u64,
    pub last_peak: usize,
}

/// The rewrite that is going on.
#[derive(Debug)]
pub(super) struct Running {
    pub base: LogFile,
    pub began: Now,
    /// Of what was said before the moment.
    pub position: u64,
    /// Bytes of the base, when it is written.
    pub written: Option<u64>,
    pub peak: usize,
}

impl Rewrite {
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Returns whether one is going on whose base is written.
    pub(super) fn is_rebasing(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.written.is_some())
    }

    /// Returns whether none is going on or to come.
    pub(super) fn is_over(&self) -> bool {
        self.running.is_none() && !self.is_scheduled
    }

    /// When one that the log needs may begin.
    pub(super) fn retry_at(&self) -> u64 {
        match self.failures.checked_sub(1) {
            Some(more) if self.failed_at > 0 => self.failed_at + DELAY.min(SOON << more.min(20)),
            _ => 0,
        }
    }

    /// When one may begin by itself.
    pub(super) fn earliest(&self) -> u64 {
        match self.failures.checked_sub(PATIENCE) {
            None => 0,
            Some(more) => {
                let delay = DELAY.checked_shl(more.min(20) as u32).unwrap_or(LONGEST_DELAY);
                self.failed_at + delay.min(LONGEST_DELAY)
            }
        }
    }
}
