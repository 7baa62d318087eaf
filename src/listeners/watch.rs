//! WATCH: which clients want no transaction to run once certain keys have changed.

use super::key_index::KeyIndex;

/// The keys that a client watches.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) keys: Vec<(usize, Box<[u8]>)>,
    /// Bytes of the keys.
    pub(crate) bytes: usize,
    /// One of them has changed.
    pub(crate) is_dirty: bool,
}

impl Watched {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.keys.capacity() * size_of::<(usize, Box<[u8]>)>() + self.bytes
    }
}

/// All watched keys.
#[derive(Debug, Default)]
pub struct Watches {
    pub(crate) by_key: KeyIndex,
    /// How many clients watch any.
    pub(crate) clients: usize,
}

impl Watches {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.clients == 0
    }

    /// How many clients watch keys.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// The watched keys of a database.
    pub(crate) fn keys(&self, db: usize) -> impl Iterator<Item = &[u8]> {
        self.by_key.keys(db)
    }
}
