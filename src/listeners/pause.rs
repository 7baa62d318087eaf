//! CLIENT PAUSE: for a time, commands are held back.
//!
//! A command that may not run now is kept with its arguments, and what its client sends behind it waits.
//! When the pause ends all of them go on, in the order in which they were held back, and pass the gates
//! again. Meanwhile the keyspace stands still: no key goes because its time has come, or to make room, and
//! no blocked client is served. Clients of the administration port are never held back.

use std::collections::BTreeMap;

use crate::wire::OwnedArgs;

/// Which commands a pause holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    /// Those that may change something.
    Writes,
    All,
}

/// The pause that is on.
#[derive(Debug)]
pub struct Pause {
    pub(crate) held: Held,
    /// When it ends, in µs of [`crate::clock::Now::mono`].
    pub(crate) until: u64,
    /// How many commands it has held back.
    pub(crate) postponed: u64,
    /// The clients whose commands it holds back, by the places of these.
    pub(crate) line: BTreeMap<u64, u64>,
}

/// A command that is held back.
#[derive(Debug)]
pub(crate) struct Postponed {
    /// How many were held back before it.
    pub(crate) place: u64,
    pub(crate) args: OwnedArgs,
}

impl Postponed {
    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.args.memory()
    }
}
