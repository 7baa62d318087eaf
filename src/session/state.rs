//! What only some clients have: a transaction, keys they watch, a command that waits or is held back, what they want
//! copied.
//!
//! It sits behind one box, so that the many clients that have none of it stay small.

use crate::listeners::blocked::BlockedCommand;
use crate::listeners::pause::Postponed;
use crate::listeners::pubsub::subscriptions::Subscriptions;
use crate::listeners::tracking::tracker::Tracker;
use crate::listeners::transaction::Transaction;
use crate::listeners::watch::Watched;

/// What of the data a client wants a copy of: REPLCONF rdb-filter-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CopyParts {
    #[default]
    All,
    Functions,
    None,
}

/// The rare parts of a client's state.
#[derive(Debug, Default)]
pub struct Session {
    /// Since MULTI.
    pub(crate) transaction: Option<Transaction>,
    /// How many commands its EXEC is running.
    pub(crate) executing: Option<usize>,
    pub(crate) watched: Watched,
    /// Since CLIENT TRACKING ON.
    pub(crate) tracker: Option<Tracker>,
    /// MONITOR: it is shown every command.
    pub(crate) is_monitor: bool,
    /// The blocking command that waits for something to happen.
    pub(crate) wait: Option<BlockedCommand>,
    /// Which number that command has in the lines for its keys.
    pub(crate) turn: u64,
    /// So many bytes at the beginning of its inbox have run.
    pub(crate) consumed: usize,
    pub(crate) subscriptions: Subscriptions,
    /// The command that a pause holds back.
    pub(crate) postponed: Option<Postponed>,
    /// REPLCONF rdb-only: it wants a copy of the data, and is no replica.
    pub(crate) is_rdb_only: bool,
    pub(crate) copy_parts: CopyParts,
    /// For so many commands from here on it has sent ASKING: for its next one.
    pub(crate) asking: u8,
    /// READONLY: it reads from a node that is a replica.
    pub(crate) reads_replica: bool,
}

impl Session {
    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Session>()
            + self.transaction.as_ref().map_or(0, Transaction::memory)
            + self.watched.memory()
            + self.tracker.as_ref().map_or(0, Tracker::memory)
            + self.wait.as_ref().map_or(0, BlockedCommand::memory)
            + self.subscriptions.memory()
            + self.postponed.as_ref().map_or(0, Postponed::memory)
    }
}
