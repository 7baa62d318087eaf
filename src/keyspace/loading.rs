//! Keys that are loaded: they are new, and that is no event.

use super::apart::PastUse;
use super::blob::Millis;
use super::entry::Entry;
use super::index::dict::hash_of;
use super::kind::PayloadKind;
use super::types::string;
use super::{Db, Store};

impl Db<'_> {
    /// Whether the key is there, expired or not.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        self.db.entries.contains(key)
    }

    /// Adds a string, which expires then or never. Returns false, and adds nothing, if the key is there already,
    /// expired or not.
    pub(crate) fn load_string(
        &mut self,
        key: &[u8],
        text: &[u8],
        expiry: Option<Millis>,
        past: PastUse,
    ) -> bool {
        let hash = hash_of(key);
        if self.db.entries.find(hash, key).is_some() {
            return false;
        }
        let form = string::settled(PayloadKind::String, key.len(), text, false);
        let at = self.add(Entry::hashed(hash, key, form, text, expiry));
        self.set_past(at, past);
        true
    }

    /// A value that has been loaded is whole: says when its key expires, and how it has been used. Returns false if there
    /// is no such key.
    pub(crate) fn end_loading(
        &mut self,
        key: &[u8],
        expiry: Option<Millis>,
        past: PastUse,
    ) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        if expiry.is_some() {
            self.set_expiry_at(at, expiry);
        }
        self.set_past(at, past);
        true
    }

    fn set_past(&mut self, at: usize, past: PastUse) {
        if let Some(usage) = self.shared.eviction.usage_of(past.idle, past.frequency) {
            self.db.entries.at_mut(at).set_usage(usage);
        }
    }
}

impl Store {
    /// A file says how many keys a database is going to have; 0 when it is over.
    pub(crate) fn expect_keys(&mut self, db: usize, keys: usize) {
        self.databases[db].entries.expect(keys);
    }

    /// Runs `load` at a time at which nothing has expired.
    pub(crate) fn before_all_expiries<R>(&mut self, load: impl FnOnce(&mut Store) -> R) -> R {
        let now = std::mem::replace(&mut self.shared.now, Millis::MIN);
        let result = load(self);
        self.shared.now = now;
        result
    }
}
