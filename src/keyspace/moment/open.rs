//! Large values that are being recorded: where each is now, and what its key was.

use super::{KeyRecord, Outline};
use crate::keyspace::apart::PastUse;
use crate::keyspace::blob::Millis;
use crate::keyspace::value::Value;

/// A large value, some parts of which are to be recorded yet.
#[derive(Debug)]
pub(super) struct Open {
    /// It is known by this number, which is greater than those of all that were opened before.
    pub(super) id: u64,
    pub(super) place: Place,
    /// Its key at the moment.
    pub(super) db: usize,
    pub(super) key: Box<[u8]>,
    pub(super) expiry: Option<Millis>,
    pub(super) past: PastUse,
    pub(super) outline: Outline,
    /// Whether the recorder knows of it.
    pub(super) has_begun: bool,
}

/// Where a large value is now.
#[derive(Debug)]
pub(super) enum Place {
    /// A key has it.
    Key { db: usize, key: Box<[u8]> },
    /// No key has it any more.
    Held(Value),
}

impl Open {
    pub(super) fn record(&self) -> KeyRecord<'_> {
        KeyRecord { db: self.db, key: &self.key, expiry: self.expiry, past: self.past }
    }
}
