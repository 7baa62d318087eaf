//! How one client tracks keys: what CLIENT TRACKING and CLIENT CACHING have told of it.
//!
//! The index of all trackers is in [`crate::listeners::tracking`].

use std::collections::BTreeSet;

/// Which keys a client hears of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    /// Those that it has read.
    #[default]
    Read,
    /// Those that it has read after CLIENT CACHING YES.
    OptIn,
    /// Those that it has read, but not after CLIENT CACHING NO.
    OptOut,
    /// Those that begin with one of its prefixes.
    Broadcast,
}

/// What CLIENT TRACKING ON chooses anew each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// The id of the client that gets the invalidations instead.
    pub(crate) redirect: Option<u64>,
    /// Its own changes are not told to it.
    pub(crate) no_loop: bool,
}

/// How a client tracks keys.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    pub(crate) options: Options,
    /// CLIENT CACHING has said that the next command, or transaction, is the exception that the mode
    /// knows.
    pub(crate) is_exception: bool,
    /// The client that was to get the invalidations is gone, and one has been lost.
    pub(crate) is_broken: bool,
    prefixes: BTreeSet<Box<[u8]>>,
    /// Bytes of the prefixes.
    bytes: usize,
}

impl Tracker {
    /// In the order of their bytes.
    pub(crate) fn prefixes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.prefixes.iter().map(|prefix| &**prefix)
    }

    pub(crate) fn add_prefix(&mut self, prefix: &[u8]) {
        if self.prefixes.insert(prefix.into()) {
            self.bytes += prefix.len();
        }
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.prefixes.len() * size_of::<Box<[u8]>>() + self.bytes
    }

    /// Returns whether it hears of keys by their prefixes.
    pub(crate) fn is_broadcast(&self) -> bool {
        self.options.mode == Mode::Broadcast
    }

    /// Returns whether the keys are remembered that its next command reads.
    pub(crate) fn remembers(&self) -> bool {
        match self.options.mode {
            Mode::Read => true,
            Mode::OptIn => self.is_exception,
            Mode::OptOut => !self.is_exception,
            Mode::Broadcast => false,
        }
    }
}
