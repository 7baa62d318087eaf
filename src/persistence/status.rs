//! How snapshots stand, as INFO tells.

use crate::clock::Now;
use crate::rdb::file::Tally;
use crate::world::World;

/// What came of the last ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status {
    /// When the last one was whole; before there is one, when the server started.
    pub(crate) last_save: Now,
    /// Changes of the keyspace that it has.
    pub(super) changes: u64,
    /// When one was last begun.
    pub(super) last_try: Option<Now>,
    /// The seconds that the last one took which was written in the background.
    pub(crate) last_took: Option<u64>,
    /// The most bytes that this one kept beside the data.
    pub(crate) last_peak: usize,
    /// What the last file was that was loaded.
    pub(crate) loaded: Tally,
}

/// The snapshot that is being written in the background.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) keys: usize,
    pub(crate) recorded: usize,
    pub(crate) seconds: u64,
    /// Bytes that are kept beside the data, and the most there have been.
    pub(crate) kept: usize,
    pub(crate) peak: usize,
}

impl Status {
    /// None has been written, and what there is counts as saved.
    pub(super) fn at_start(world: &World) -> Status {
        Status {
            last_save: world.now,
            changes: world.store.shared.changes,
            last_try: None,
            last_took: None,
            last_peak: 0,
            loaded: Tally::default(),
        }
    }

    /// Changes of the keyspace since the last snapshot.
    pub(crate) fn unsaved_changes(&self, world: &World) -> u64 {
        world.store.shared.changes.saturating_sub(self.changes)
    }
}
