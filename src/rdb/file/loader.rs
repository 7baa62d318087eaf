//! Makes keys of a file.

use super::LoadError;
use crate::keyspace::Store;

/// A push parser: bytes in, keys into a store.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    offset: u64,
}

/// What came of some bytes. Those that were used are not to be given again.
#[derive(Debug, PartialEq)]
pub(crate) enum Loaded {
    /// So many bytes were used. More are needed, if the work was not used up.
    More { used: usize },
    /// The file says something of itself.
    Aux { used: usize, name: Vec<u8>, value: Vec<u8> },
    /// The code of a library of functions.
    Function { used: usize, code: Vec<u8> },
    /// The file is over, and right. What stands behind it is not part of it.
    Over { used: usize },
}

/// What has been loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) keys: u64,
    /// Keys that had expired and were dropped.
    pub(crate) expired: u64,
    /// Keys that were dropped because their value was empty.
    pub(crate) empty: u64,
    /// Hashes that were dropped because all of their fields had expired.
    pub(crate) expired_hashes: u64,
}

impl Loader {
    pub(crate) fn new() -> Loader {
        Loader::default()
    }

    /// Reads what is whole in `input` into the store, up to about `work` units of 64 bytes or an element.
    pub(crate) fn load(
        &mut self,
        _input: &[u8],
        _store: &mut Store,
        _work: usize,
    ) -> Result<Loaded, LoadError> {
        Ok(Loaded::More { used: 0 })
    }

    /// There are no more bytes than those that have not been used: the file is cut short.
    pub(crate) fn cut_short(&self) -> LoadError {
        LoadError { offset: self.offset, defect: super::Defect::CutShort }
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally::default()
    }
}
