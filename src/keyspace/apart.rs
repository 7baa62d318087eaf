//! Values that are made apart from the databases, and whole keyspaces: they are there when they are whole, or not at all.

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

/// Keyspaces that are made apart.
impl Store {
    /// A store with as many databases as this one, in which all that is in a file can be made.
    pub fn apart_whole(&self) -> Store {
        let mut apart = Store::new(self.databases.len());
        apart.shared.limits = self.shared.limits;
        apart.shared.eviction.settings = self.shared.eviction.settings;
        apart.set_now(self.shared.now);
        apart
    }

    /// Takes the keys of a store apart that has as many databases. There are none in this one, and none is being recorded.
    /// That is no change: neither listeners nor the journal are told.
    pub fn take_over(&mut self, apart: Store) {
        for (database, filled) in self.databases.iter_mut().zip(apart.databases) {
            self.shared.memory = self.shared.memory + filled.memory() - database.memory();
            self.shared.roster.update(database.index, database.counts, filled.counts);
            self.shared.listed += filled.expiries.len() + filled.fields.len();
            *database = filled;
        }
    }

    /// Returns whether a key of a store apart has the name of one that is here.
    pub fn collides_with(&mut self, apart: &Store) -> bool {
        apart.databases.iter().any(|filled| {
            let mut db = self.db(filled.index);
            let mut keys = (0..filled.entries.len()).map(|at| filled.entries.at(at).key());
            keys.any(|key| db.find(key).is_some())
        })
    }

    /// Takes the keys of a store apart, in the place of those that have their names here.
    pub fn join(&mut self, mut apart: Store) {
        let Store { databases, shared } = &mut apart;
        for filled in databases {
            while let Some(last) = filled.entries.len().checked_sub(1) {
                let entry = filled.take_at(shared, last);
                let mut db = self.db(filled.index);
                db.remove(entry.key());
                db.changed(entry.key());
                let usage = entry.usage();
                let at = db.insert(entry);
                db.db.entries.at_mut(at).set_usage(usage);
            }
        }
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
