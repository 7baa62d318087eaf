//! When keys and fields of hashes expire, and how they go when their time has come.
//!
//! A key that has expired is never seen: a lookup removes it (`Db::find`). Those that are not looked up
//! go in slices, in order of time ([`Store::expire_some`]).
//!
//! A key that is used again often has its expiry put off ([`Entry::put_off`]). The key stays listed under the
//! earlier time then, and is listed anew only when that has come: most are put off many times before.

use crate::keyspace::changes::class;
use crate::keyspace::types::hash;
use crate::keyspace::{Database, Db, Edit, Hash, Millis, Shared, Store, coalesce_free_heap};

impl Store {
    /// Removes up to about so many keys and fields of hashes whose time has come. Returns whether there
    /// are more.
    pub(crate) fn expire_some(&mut self, most: usize) -> bool {
        if self.shared.expires_lazily || self.shared.keeps_expired {
            return false;
        }
        let mut left = most;
        let mut has_more = false;
        let shared = &mut self.shared;
        while let Some((when, index)) = shared.roster.next_due()
            && when <= shared.now
            && !has_more
        {
            let db = &mut self.databases[index];
            has_more = db.expire_keys(shared, &mut left) || db.expire_fields(shared, &mut left);
        }
        if left < most {
            coalesce_free_heap();
        }
        has_more
    }

    /// How many expiries of keys and fields have been set since the last call. If as many more are removed
    /// in a turn as were set in the last, they do not pile up.
    pub(crate) fn take_listed(&mut self) -> usize {
        std::mem::take(&mut self.shared.listed)
    }

    /// When [`Store::expire_some`] finds the next key, if no command changes that.
    pub(crate) fn next_expiry(&self) -> Option<Millis> {
        if self.shared.expires_lazily || self.shared.keeps_expired {
            return None;
        }
        self.shared.roster.next_due().map(|(when, _)| when)
    }
}

impl Database {
    /// How many keys expire.
    pub(crate) fn volatile(&self) -> usize {
        self.expiries.len()
    }

    /// The mean time that those have to live, in ms.
    pub(crate) fn mean_time_to_live(&self, now: Millis) -> Millis {
        self.expiries.mean().map_or(0, |mean| mean.saturating_sub(now).max(0))
    }

    /// How many keys hold hashes whose fields expire.
    pub(crate) fn with_volatile_fields(&self) -> usize {
        self.fields.len()
    }

    // ANCHOR: expire_keys
    /// Removes keys whose time has come while `left` allows it. Returns whether there are more.
    pub(crate) fn expire_keys(&mut self, shared: &mut Shared, left: &mut usize) -> bool {
        while let Some((when, hash)) = self.expiries.first()
            && when <= shared.now
        {
            if *left == 0 {
                return true;
            }
            *left -= 1;
            match self.listed_at(when, hash) {
                Some(at) if self.entries.at(at).expiry() > Some(shared.now) => {
                    self.list_anew(shared, at);
                }
                Some(at) => {
                    self.expire_at(shared, at);
                    shared.effects.end_batch();
                }
                None => self.account(shared, |db| db.expiries.remove(when, hash)),
            }
        }
        false
    }
    // ANCHOR_END: expire_keys

    /// As [`Database::expire_keys`], for fields of hashes.
    pub(crate) fn expire_fields(&mut self, shared: &mut Shared, left: &mut usize) -> bool {
        while let Some((when, hash)) = self.fields.first()
            && when <= shared.now
        {
            if *left == 0 {
                return true;
            }
            *left -= match self.hash_due(when, hash) {
                Some(at) => {
                    let expired = Edit::<Hash>::new(self, shared, at).expire_some(*left);
                    shared.effects.end_batch();
                    expired
                }
                None => {
                    self.account(shared, |db| db.fields.remove(when, hash));
                    1
                }
            };
        }
        false
    }

    /// The position of a key with this hash that is listed under this time.
    pub(crate) fn listed_at(&self, when: Millis, hash: u32) -> Option<usize> {
        let mut same = self.entries.with_hash(hash);
        same.find(|&at| self.entries.at(at).listed() == Some(when))
    }

    /// Lists a key that has been put off under the time at which it expires.
    pub(crate) fn list_anew(&mut self, shared: &mut Shared, at: usize) {
        self.account(shared, |db| {
            let entry = db.entries.at_mut(at);
            entry.unlist(&mut db.expiries);
            entry.set_expiry(entry.expiry());
            entry.list(&mut db.expiries);
        });
    }

    /// The position of a key with this hash whose first field expires then.
    pub(crate) fn hash_due(&self, when: Millis, hash: u32) -> Option<usize> {
        let mut same = self.entries.with_hash(hash);
        same.find(|&at| hash::next_expiry(self.entries.at(at)) == Some(when))
    }

    /// When the first field of a hash expires has changed.
    pub(crate) fn reschedule(
        &mut self,
        shared: &mut Shared,
        hash: u32,
        before: Option<Millis>,
        after: Option<Millis>,
    ) {
        if before != after {
            self.account(shared, |db| {
                before.inspect(|&when| db.fields.remove(when, hash));
                after.inspect(|&when| db.fields.insert(when, hash));
            });
        }
    }
}

impl Db<'_> {
    /// When a key expires: `None` if there is no such key, `Some(None)` if it stays.
    #[cfg(test)]
    pub(crate) fn expiry(&mut self, key: &[u8]) -> Option<Option<Millis>> {
        self.find(key).map(|at| self.db.entries.at(at).expiry())
    }

    /// As [`Db::expiry`], for a command that goes on to change it: that uses the key.
    pub(crate) fn expiry_to_change(&mut self, key: &[u8]) -> Option<Option<Millis>> {
        let at = self.find(key)?;
        self.touch_at(at);
        Some(self.db.entries.at(at).expiry())
    }

    /// Lets a key expire then, or stay, and notes that. If that time has come already, it goes at once.
    /// Returns whether there was something to change.
    pub(crate) fn set_expiry(&mut self, key: &[u8], expiry: Option<Millis>) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        match expiry {
            Some(when) if when <= self.shared.now => {
                self.db.expire_at(self.shared, at);
                self.shared.changes += 1;
            }
            Some(_) => {
                self.set_expiry_at(at, expiry);
                self.note(class::GENERIC, "expire", key);
            }
            None if self.db.entries.at(at).expiry().is_none() => return false,
            None => {
                self.set_expiry_at(at, None);
                self.note(class::GENERIC, "persist", key);
            }
        }
        true
    }

    pub(crate) fn set_expiry_at(&mut self, at: usize, expiry: Option<Millis>) {
        let at = self.db.record_first(self.shared, at);
        let entry = self.db.entries.at_mut(at);
        if let (Some(before), Some(after)) = (entry.expiry(), expiry)
            && entry.put_off(after)
        {
            return self.db.expiries.put_off(before, after);
        }
        self.shared.listed += usize::from(expiry.is_some());
        self.db.account(self.shared, |db| {
            let entry = db.entries.at_mut(at);
            let before = entry.memory();
            entry.unlist(&mut db.expiries);
            entry.set_expiry(expiry);
            entry.list(&mut db.expiries);
            db.memory = db.memory + entry.memory() - before;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_have_been_put_off_go_when_their_time_has_come() {
        let mut store = Store::new(1);
        let keys: Vec<String> = (0..100).map(|n| format!("key:{n}")).collect();
        for key in &keys {
            store.db(0).set_string(key.as_bytes(), b"", Some(1000));
        }
        for (n, key) in keys.iter().enumerate() {
            store.db(0).set_expiry(key.as_bytes(), Some(1000 + n as Millis));
        }
        assert_eq!(store.next_expiry(), Some(1000));
        for now in 1000..1100 {
            store.set_now(now);
            while store.expire_some(3) {}
            assert_eq!(store.db(0).len(), 1099 - now as usize);
            assert_eq!(store.next_expiry(), (now < 1099).then_some(now + 1));
        }
        assert_eq!(store.shared.expired, 100);
        store.db(0).clear();
        assert_eq!(store.memory(), Store::new(1).memory());
    }
}
