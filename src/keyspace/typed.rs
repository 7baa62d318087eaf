//! Typed access to the values of keys: a [`View`] reads one, an [`Edit`] changes one.
//!
//! Both are made by [`super::Db`], which checks the type. What can be done with a list is written in
//! `list.rs`, as methods of `View<'_, List>` and `Edit<'_, List>`, and so on for each type.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use super::changes::{Classes, class};
use super::entry::{Entry, Kind, Millis, PayloadKind};
use super::index::dict::Keyed;
use super::index::random::Random;
use super::value::Value;
use super::{Database, Db, Limits, Shared};
use crate::error::Error;

/// A type of collection: what the generic parts need to know of it.
pub trait Collection {
    const KIND: Kind;
    /// The compact form that a new collection begins in.
    const PAYLOAD: PayloadKind;
    /// The payload of an empty one in that form.
    const EMPTY: &'static [u8];

    /// How many elements the collection in `entry` has. The entry is of this kind.
    fn len(entry: &Entry) -> usize;

    /// When the first of its elements expires, if elements do.
    fn next_expiry(_entry: &Entry) -> Option<Millis> {
        None
    }
}

/// A value of type `T`, to read.
#[derive(Debug)]
pub struct View<'a, T> {
    pub(crate) entry: &'a Entry,
    /// Elements that have expired by then are not there any more.
    pub(crate) now: Millis,
    kind: PhantomData<T>,
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

impl<'a, T: Collection> View<'a, T> {
    /// The caller has made sure that the entry is of the kind, and of one whose elements do not expire.
    pub(crate) fn new(entry: &'a Entry) -> View<'a, T> {
        View::at_time(entry, Millis::MIN)
    }

    /// As it is at this time. The caller has made sure that the entry is of the kind.
    pub(crate) fn at_time(entry: &'a Entry, now: Millis) -> View<'a, T> {
        debug_assert!(entry.kind() == T::KIND);
        View { entry, now, kind: PhantomData }
    }

    pub fn len(self) -> usize {
        T::len(self.entry)
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl Db<'_> {
    /// The values of several keys at a time, to read: `None` where there is no such key. An error if one
    /// is of another type.
    ///
    /// Behind the first value, each is there once, however often its key is named: for what is in all of them, in
    /// any or only in the first, more would make no difference but to the time it takes.
    pub fn views<'k, T: Collection>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Result<Vec<Option<View<'_, T>>>, Error> {
        let now = self.now();
        // Whoever has expired goes first, for that moves the others.
        for key in keys.clone() {
            self.find(key);
        }
        let found: Result<Vec<Option<usize>>, Error> = keys
            .map(|key| {
                let at = self.find_to_read(key);
                at.map_or(Ok(()), |at| self.typed::<T>(at).map(drop)).map(|()| at)
            })
            .collect();
        let mut found = found?;
        let mut known = BTreeSet::new();
        let mut is_first = true;
        found.retain(|&at| std::mem::take(&mut is_first) || known.insert(at));
        found
            .into_iter()
            .map(|at| at.map(|at| Ok(View::at_time(self.typed::<T>(at)?, now))).transpose())
            .collect()
    }
}

/// A value of type `T`, to change. When it goes, the store accounts for the change, and removes the
/// key if the value has become empty: no key ever holds an empty collection.
#[derive(Debug)]
pub struct Edit<'a, T: Collection> {
    db: &'a mut Database,
    shared: &'a mut Shared,
    at: usize,
    /// What the entry held, and when its first element expired, before the change.
    memory: usize,
    next_expiry: Option<Millis>,
    /// Whether there was an event.
    is_noted: bool,
    kind: PhantomData<T>,
}

impl<'a, T: Collection> Edit<'a, T> {
    pub(crate) fn new(db: &'a mut Database, shared: &'a mut Shared, at: usize) -> Edit<'a, T> {
        debug_assert!(db.entries.at(at).kind() == T::KIND);
        let entry = db.entries.at(at);
        let (memory, next_expiry) = (entry.memory(), T::next_expiry(entry));
        Edit { db, shared, at, memory, next_expiry, is_noted: false, kind: PhantomData }
    }

    /// The value has changed, which is an event of this class and name. If nothing is left of it, the
    /// event `del` follows when the edit goes.
    #[inline]
    pub fn note(&mut self, class: Classes, event: &'static str) {
        self.note_changes(1, class, event);
    }

    /// As [`Edit::note`], for so many changes at once. If there is none, there is no event either.
    #[inline]
    pub fn note_changes(&mut self, count: usize, class: Classes, event: &'static str) {
        if count > 0 {
            self.is_noted = true;
            self.shared.changes += count as u64;
            if self.shared.journal.wants(class) {
                self.db.note_at(self.shared, self.at, class, event);
            }
        }
    }

    /// As [`Edit::note`], for another part of a change that has been noted, and is counted once.
    pub fn note_too(&mut self, class: Classes, event: &'static str) {
        self.note(class, event);
        self.shared.changes -= 1;
    }

    /// There are so many changes.
    #[inline]
    pub fn changed(&mut self, count: usize) {
        if count > 0 {
            self.shared.changes += count as u64;
            self.shared.journal.changed(self.db.index, self.db.entries.at(self.at).key());
        }
    }

    /// There was an event, and perhaps no change.
    #[inline]
    pub fn announce(&mut self, class: Classes, event: &'static str) {
        self.is_noted = true;
        self.shared.journal.event(self.db.index, class, event, self.db.entries.at(self.at).key());
    }

    /// The same value, to read.
    pub fn view(&self) -> View<'_, T> {
        View::at_time(self.db.entries.at(self.at), self.shared.now)
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub(crate) fn entry(&mut self) -> &mut Entry {
        self.db.entries.at_mut(self.at)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.shared.limits
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.shared.random
    }

    pub(crate) fn now(&self) -> Millis {
        self.shared.now
    }

    /// Counts fields that were removed because they were given a time that had come.
    pub(crate) fn count_expired(&mut self, fields: usize) {
        self.shared.expired_fields += fields as u64;
    }

    /// A field has an expiry now: see [`super::Store::take_listed`].
    pub(crate) fn count_listed(&mut self) {
        self.shared.listed += 1;
    }

    /// Fields were removed because their time had come, which is a change that nobody made.
    pub(crate) fn note_expired(&mut self, fields: usize) {
        if fields > 0 {
            self.count_expired(fields);
            self.db.note_at(self.shared, self.at, class::HASH, "hexpired");
            self.is_noted = true;
        }
    }

    /// Returns whether effects have a listener.
    pub(crate) fn is_heard(&self) -> bool {
        self.shared.effects.are_heard()
    }

    /// Says that fields have gone because their time had come.
    pub(crate) fn say_expired<'n>(&mut self, names: impl IntoIterator<Item = &'n [u8]>) {
        let key = self.db.entries.at(self.at).key();
        self.shared.effects.fields_are_gone(self.db.index, key, names);
    }

    /// Hands a large value that is not needed any more to those that are freed in slices.
    pub(crate) fn discard(&mut self, value: Option<Value>) {
        self.shared.discard(value);
    }
}

impl<T: Collection> Drop for Edit<'_, T> {
    fn drop(&mut self) {
        let entry = self.db.entries.at(self.at);
        let (is_empty, memory) = (T::len(entry) == 0, entry.memory());
        let (hash, next_expiry) = (entry.hash(), T::next_expiry(entry));
        self.db.resize(self.shared, self.memory, memory);
        self.db.reschedule(self.shared, hash, self.next_expiry, next_expiry);
        if is_empty {
            if self.is_noted {
                let (db, key) = (self.db.index, self.db.entries.at(self.at).key());
                self.shared.journal.event(db, class::GENERIC, "del", key);
            }
            self.db.remove_at(self.shared, self.at);
        }
    }
}
