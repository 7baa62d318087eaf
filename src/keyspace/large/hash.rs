//! The large form of a hash: a dictionary of fields, and the order in which they expire if some do.
//!
//! A field is a [`Blob`], as a small key is: its name, its value and its expiry share one allocation. A hash
//! none of whose fields expires has no order of expiry, and pays nothing for it.
//!
//! A field whose time has come is found no more, and stays until [`LargeHash::remove_due`] or
//! another value for it takes it away.

use crate::keyspace::blob::{Blob, Millis};
use crate::keyspace::index::dict::{self, Dict, Keyed, hash_of};
use crate::keyspace::index::expiries::Expiries;

use super::kept::Kept;

/// A hash that has outgrown its compact form, or whose fields expire.
#[derive(Debug, Clone, Default)]
pub(crate) struct LargeHash {
    fields: Dict<Cell>,
    /// Of the fields that expire, if there are any.
    expiries: Option<Box<Expiries>>,
    /// Bytes that names and values hold.
    bytes: usize,
    /// Fields as they were at a moment that is being recorded.
    pub(crate) kept: Kept<Cell>,
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
    /// Prefetches these fields: see [`Dict::prefetch`].
    pub(crate) fn prefetch<'k>(&self, fields: impl Iterator<Item = &'k [u8]>) {
        self.fields.prefetch(fields, |_, _| {});
    }

    /// How many fields there are, with those that have expired and were not removed yet.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let expiries = self.expiries.as_deref().map_or(0, Expiries::memory);
        self.bytes + self.fields.memory() + expiries + self.kept.memory()
    }

    /// Frees up to so many fields, and returns how many those were.
    pub(crate) fn free_some(&mut self, fields: usize) -> usize {
        let kept = (0..fields).map_while(|_| self.kept.pop(Cell::memory)).count();
        let freed = (fields - kept).min(self.len());
        for _ in 0..freed {
            self.remove_at(self.len() - 1);
        }
        kept + freed
    }

    // What a moment that is being recorded asks for: see `Kept`.

    /// All fields are to be recorded.
    pub(crate) fn open(&mut self, id: u64) {
        self.kept.open(id, &mut self.fields);
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(crate) fn close(&mut self) -> Option<LargeHash> {
        let kept = self.kept.close(&mut self.fields)?;
        Some(LargeHash { kept, ..LargeHash::default() })
    }

    /// Calls `tell` with fields that are to be recorded until it returns false. Returns whether there are more.
    pub(crate) fn tell_some(&mut self, mut tell: impl FnMut(Field<'_>) -> bool) -> bool {
        self.kept.tell_some(&mut self.fields, Cell::memory, |cell| tell(cell.field()))
    }

    /// The field at a position is about to change or to go. Returns where it is then.
    #[inline]
    fn keep(&mut self, at: usize) -> usize {
        let is_to_be_recorded = at < self.fields.line();
        if is_to_be_recorded { self.kept.keep(&mut self.fields, at, Cell::memory) } else { at }
    }

    /// When the first field expires.
    pub(crate) fn next_expiry(&self) -> Option<Millis> {
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
        let cell = self.fields.get(name)?;
        cell.is_live(now).then(|| cell.field())
    }

    /// The field at a position.
    pub(crate) fn at(&self, position: usize) -> Field<'_> {
        self.fields.at(position).field()
    }

    /// Every field that has not expired.
    pub(crate) fn iter(&self, now: Millis) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter(move |cell| cell.is_live(now)).map(Cell::field)
    }

    /// A step of a walk through all fields: see [`Dict::scan`]. Those that have expired are passed over.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        now: Millis,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> u64 {
        self.fields.scan(cursor, count, |cell| {
            if cell.is_live(now) {
                let field = cell.field();
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
            self.add_cell(Cell::new(hash, name, value, when));
            return Outcome::Added;
        };
        let at = self.keep(at);
        let cell = self.fields.at_mut(at);
        let (before, old) = (cell.memory(), cell.expiry());
        cell.set_value(value);
        self.bytes = self.bytes + cell.memory() - before;
        let is_live = old.is_none_or(|when| when > now);
        match expiry {
            Expiry::Kept if is_live => {}
            Expiry::Kept => self.set_expiry_at(at, None),
            Expiry::Set(when) => self.set_expiry_at(at, when),
        }
        if is_live { Outcome::Replaced } else { Outcome::Revived }
    }

    /// Adds a field whose name is not there yet.
    pub(crate) fn add(&mut self, field: Field<'_>) {
        let Field { name, value, expiry } = field;
        self.add_cell(Cell::new(hash_of(name), name, value, expiry));
    }

    fn add_cell(&mut self, cell: Cell) {
        self.bytes += cell.memory();
        if let Some(when) = cell.expiry() {
            self.expiries.get_or_insert_default().insert(when, cell.hash());
        }
        self.fields.insert(cell);
    }

    /// Lets a field expire then, or never. Returns whether there is one.
    pub(crate) fn set_expiry(&mut self, name: &[u8], expiry: Option<Millis>, now: Millis) -> bool {
        let Some(at) = self.find(name, now) else {
            return false;
        };
        self.set_expiry_at(at, expiry);
        true
    }

    /// Removes a field. Returns whether there was one.
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
        self.fields.at(at).is_live(now).then_some(at)
    }

    fn set_expiry_at(&mut self, at: usize, expiry: Option<Millis>) {
        let at = self.keep(at);
        let cell = self.fields.at_mut(at);
        let (before, old, hash) = (cell.memory(), cell.expiry(), cell.hash());
        if old == expiry {
            return;
        }
        cell.set_expiry(expiry);
        self.bytes = self.bytes + cell.memory() - before;
        if let Some(when) = old {
            self.forget_expiry(when, hash);
        }
        if let Some(when) = expiry {
            self.expiries.get_or_insert_default().insert(when, hash);
        }
    }

    fn remove_at(&mut self, at: usize) {
        let at = self.keep(at);
        let cell = self.fields.remove(at);
        self.bytes -= cell.memory();
        if let Some(when) = cell.expiry() {
            self.forget_expiry(when, cell.hash());
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
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    /// When it expires, if it does.
    pub(crate) expiry: Option<Millis>,
}

/// A field as it is kept: 24 bytes, and a blob.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    blob: Blob,
    hash: u32,
    expires: bool,
}

impl Cell {
    fn new(hash: u32, name: &[u8], value: &[u8], expiry: Option<Millis>) -> Cell {
        Cell { blob: Blob::new(name, expiry, value), hash, expires: expiry.is_some() }
    }

    fn field(&self) -> Field<'_> {
        Field { name: self.key(), value: self.blob.payload(self.expires), expiry: self.expiry() }
    }

    fn expiry(&self) -> Option<Millis> {
        if self.expires { self.blob.timing().map(|(when, _)| when) } else { None }
    }

    fn is_live(&self, now: Millis) -> bool {
        self.expiry().is_none_or(|when| when > now)
    }

    fn set_value(&mut self, value: &[u8]) {
        self.blob.set_payload(self.expires, value);
    }

    fn set_expiry(&mut self, expiry: Option<Millis>) {
        match expiry {
            Some(when) if self.expires => self.blob.set_timing(when, 0),
            _ => {
                self.blob = Blob::new(self.key(), expiry, self.blob.payload(self.expires));
                self.expires = expiry.is_some();
            }
        }
    }

    fn memory(&self) -> usize {
        self.blob.memory()
    }
}

impl Keyed for Cell {
    #[inline]
    fn key(&self) -> &[u8] {
        self.blob.key(self.expires)
    }

    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    fn touch(&self) -> u8 {
        dict::ends(self.blob.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_takes_24_bytes() {
        assert_eq!(size_of::<Cell>(), 24);
    }
}
