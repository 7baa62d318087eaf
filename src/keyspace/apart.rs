//! Values that are made apart from the databases: they are there when they are whole, or not at all.

use super::blob::Millis;
use super::index::dict::Keyed;
use super::{Db, Store};

/// How a key has been used until now.
#[derive(Debug, Clone, Copy, Default)]
pub struct PastUse {
    /// Seconds since it was used. Counts unless the policy of eviction is an LFU one.
    pub idle: Option<u64>,
    /// How often it has been used lately, on a logarithmic scale. Counts if the policy is an LFU one.
    pub frequency: Option<u8>,
}

impl Store {
    /// A store of one database, in which a value can be made as it would be made in this one.
    pub fn apart(&self) -> Store {
        let mut apart = Store::new(1);
        apart.shared.limits = self.shared.limits;
        apart.set_now(self.shared.now);
        apart
    }
}

impl Db<'_> {
    /// Takes the value of `key` from the first database of a store apart, in the place of whatever has the key here.
    /// It expires then, or never. Returns whether there was such a value.
    pub fn adopt(
        &mut self,
        apart: &mut Store,
        key: &[u8],
        expiry: Option<Millis>,
        past: PastUse,
    ) -> bool {
        let mut source = apart.db(0);
        let Some(at) = source.find(key) else {
            return false;
        };
        source.set_expiry_at(at, expiry);
        let entry = source.db.take_at(source.shared, at);
        self.remove(entry.key());
        let at = self.insert(entry);
        if let Some(usage) = self.shared.eviction.usage_of(past.idle, past.frequency) {
            self.db.entries.at_mut(at).set_usage(usage);
        }
        true
    }
}
