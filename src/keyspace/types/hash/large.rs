//! The large form of a hash: a dictionary of fields, and the order in which they expire if some do.
//!
//! A field is an [`Entry`], as a key is: its name, its value and its expiry share one allocation. A hash
//! none of whose fields expires has no order of expiry, and pays nothing for it.
//!
//! A field whose time has come is found by nobody, and stays until [`LargeHash::remove_due`] or
//! another value for it takes it away.

use crate::keyspace::entry::{Body, Entry, Millis, PayloadKind};
use crate::keyspace::index::dict::{Dict, Keyed, hash_of};
use crate::keyspace::lifetime::expire::Expiries;

/// A hash that has outgrown its compact form, or whose fields expire.
#[derive(Debug, Clone, Default)]
pub struct LargeHash {
    fields: Dict<Entry>,
    /// Of the fields that expire, if there are any.
    expiries: Option<Box<Expiries>>,
    /// Bytes that names and values hold.
    bytes: usize,
}

/// What becomes of the expiry of a field that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// It stays; a new field has none.
    Kept,
    /// It is this.
    Set(Option<Millis>),
}

/// What setting a field has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    Replaced,
    /// The field had expired, and is a new one now.
    Revived,
}

impl LargeHash {
    /// These fields will be looked for soon: see [`Dict::prefetch`].
    pub fn prefetch<'k>(&self, fields: impl Iterator<Item = &'k [u8]>) {
        self.fields.prefetch(fields, |_, _| {});
    }

    /// How many fields there are, with those that have expired and were not removed yet.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        let expiries = self.expiries.as_deref().map_or(0, Expiries::memory);
        self.bytes + self.fields.memory() + expiries
    }

    /// Frees up to so many fields, and returns how many those were.
    pub fn free_some(&mut self, fields: usize) -> usize {
        let freed = fields.min(self.len());
        for _ in 0..freed {
            self.remove_at(self.len() - 1);
        }
        freed
    }

    /// When the first field expires.
    pub fn next_expiry(&self) -> Option<Millis> {
        self.expiries.as_ref()?.first().map(|(when, _)| when)
    }

    /// How many fields expire.
    pub(crate) fn volatile(&self) -> usize {
        self.expiries.as_ref().map_or(0, |expiries| expiries.len())
    }

    /// How many fields have expired.
    pub(crate) fn due(&self, now: Millis) -> usize {
        self.expiries.as_ref().map_or(0, |expiries| expiries.due(now))
    }

    /// The field called `name`, unless it has expired.
    pub(crate) fn get(&self, name: &[u8], now: Millis) -> Option<Field<'_>> {
        let entry = self.fields.get(name)?;
        is_live(entry, now).then(|| Field::of(entry))
    }

    /// The field at a position.
    pub(crate) fn at(&self, position: usize) -> Field<'_> {
        Field::of(self.fields.at(position))
    }

    /// Every field that has not expired.
    pub(crate) fn iter(&self, now: Millis) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter(move |entry| is_live(entry, now)).map(Field::of)
    }

    /// A step of a walk through all fields: see [`Dict::scan`]. Those that have expired are passed over.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        now: Millis,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> u64 {
        self.fields.scan(cursor, count, |entry| {
            if is_live(entry, now) {
                let field = Field::of(entry);
                visit(field.name, field.value);
            }
        })
    }

    /// Sets a field.
    pub(crate) fn set(
        &mut self,
        name: &[u8],
        value: &[u8],
        expiry: Expiry,
        now: Millis,
    ) -> Outcome {
        let hash = hash_of(name);
        let Some(at) = self.fields.find(hash, name) else {
            let when = match expiry {
                Expiry::Kept => None,
                Expiry::Set(when) => when,
            };
            self.add(Entry::hashed(hash, name, PayloadKind::String, value, when));
            return Outcome::Added;
        };
        let entry = self.fields.at_mut(at);
        let (before, old) = (entry.memory(), entry.expiry());
        entry.set_compact(PayloadKind::String, value);
        self.bytes = self.bytes + entry.memory() - before;
        let is_live = old.is_none_or(|when| when > now);
        match expiry {
            Expiry::Kept if is_live => {}
            Expiry::Kept => self.set_expiry_at(at, None),
            Expiry::Set(when) => self.set_expiry_at(at, when),
        }
        if is_live { Outcome::Replaced } else { Outcome::Revived }
    }

    /// Adds a field whose name is not there yet.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.bytes += entry.memory();
        if let Some(when) = entry.expiry() {
            self.expiries.get_or_insert_default().insert(when, entry.hash());
        }
        self.fields.insert(entry);
    }

    /// Lets a field expire then, or never. Whether there is one.
    pub(crate) fn set_expiry(&mut self, name: &[u8], expiry: Option<Millis>, now: Millis) -> bool {
        let Some(at) = self.find(name, now) else {
            return false;
        };
        self.set_expiry_at(at, expiry);
        true
    }

    /// Removes a field. Whether there was one.
    pub(crate) fn remove(&mut self, name: &[u8], now: Millis) -> bool {
        let Some(at) = self.find(name, now) else {
            return false;
        };
        self.remove_at(at);
        true
    }

    /// Removes up to `most` fields whose time has come, and calls `gone` with the name of each before. Returns
    /// how many those were.
    pub(crate) fn remove_due(
        &mut self,
        now: Millis,
        most: usize,
        mut gone: impl FnMut(&[u8]),
    ) -> usize {
        for removed in 0..most {
            match self.first_due(now) {
                Some(at) => {
                    gone(self.fields.at(at).key());
                    self.remove_at(at);
                }
                None => return removed,
            }
        }
        most
    }

    /// The position of the field whose time has come first.
    fn first_due(&self, now: Millis) -> Option<usize> {
        let (when, hash) = self.expiries.as_ref()?.first().filter(|&(when, _)| when <= now)?;
        let mut same = self.fields.with_hash(hash);
        same.find(|&at| self.fields.at(at).expiry() == Some(when))
    }

    fn find(&self, name: &[u8], now: Millis) -> Option<usize> {
        let at = self.fields.find(hash_of(name), name)?;
        is_live(self.fields.at(at), now).then_some(at)
    }

    fn set_expiry_at(&mut self, at: usize, expiry: Option<Millis>) {
        let entry = self.fields.at_mut(at);
        let (before, old, hash) = (entry.memory(), entry.expiry(), entry.hash());
        if old == expiry {
            return;
        }
        entry.set_expiry(expiry);
        self.bytes = self.bytes + entry.memory() - before;
        if let Some(when) = old {
            self.forget_expiry(when, hash);
        }
        if let Some(when) = expiry {
            self.expiries.get_or_insert_default().insert(when, hash);
        }
    }

    fn remove_at(&mut self, at: usize) {
        let entry = self.fields.remove(at);
        self.bytes -= entry.memory();
        if let Some(when) = entry.expiry() {
            self.forget_expiry(when, entry.hash());
        }
    }

    fn forget_expiry(&mut self, when: Millis, hash: u32) {
        self.expiries = self.expiries.take().and_then(|mut expiries| {
            expiries.remove(when, hash);
            (!expiries.is_empty()).then_some(expiries)
        });
    }
}

/// A field of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
    /// When it expires, if it does.
    pub expiry: Option<Millis>,
}

impl<'a> Field<'a> {
    fn of(entry: &'a Entry) -> Field<'a> {
        let value = match entry.body() {
            Body::Compact(_, value) => value,
            Body::Large(_) => &[],
        };
        Field { name: entry.key(), value, expiry: entry.expiry() }
    }
}

fn is_live(entry: &Entry, now: Millis) -> bool {
    entry.expiry().is_none_or(|when| when > now)
}
