//! How much memory is used, and what happens when it is more than `maxmemory` or `maxmemory-clients`.
//!
//! What is used is counted, not asked of the allocator: the process as it was at its start, keys with
//! their values and tables, clients with their buffers, the keys that clients track, scripts and functions. All of them are
//! figures that are kept up to date, so a command costs an addition.

/// What memory is used for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What the process had before it served its first client.
    pub(crate) startup: usize,
    /// Keys and values, and the tables that they are found by.
    pub(crate) store: usize,
    /// Values that were deleted and have not been freed yet.
    pub(crate) unfreed: usize,
    /// Clients and their buffers.
    pub clients: usize,
    /// The keys that clients have read and track.
    pub tracking: usize,
    /// Scripts and functions, and the Lua states that run them.
    pub(crate) scripts: usize,
}

impl Usage {
    pub fn total(self) -> usize {
        self.startup + self.store + self.unfreed + self.clients + self.tracking + self.scripts
    }
}

/// An eviction that does not get done at once. There may be more to evict than a moment allows, as when
/// `maxmemory` is lowered: then every turn evicts some, and commands run meanwhile, as long as memory
/// shrinks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Eviction {
    pub(crate) goes_on: bool,
    /// What was used when keys were last evicted. A command evicts no more than it takes to keep to that.
    pub(crate) used: usize,
}
