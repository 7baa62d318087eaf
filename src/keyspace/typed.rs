//! Typed access to the values of keys: a [`View`] reads one, an [`Edit`] changes one.
//!
//! Both are made by [`super::Db`], which checks the type. What can be done with a list is written in
//! `list.rs`, as methods of `View<'_, List>` and `Edit<'_, List>`, and so on for each type.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::blob::Millis;
use super::changes::{Classes, class};
use super::entry::Entry;
use super::error::Error;
use super::index::dict::Keyed;
use super::index::random::Random;
use super::kind::{Kind, PayloadKind};
use super::value::Value;
use super::visit::Part;
use super::{Database, Db, Limits, Shared};

/// A type of collection: what the generic parts need to know of it.
pub trait Collection: Sized {
    const KIND: Kind;
    /// The compact form that a new collection begins in.
    const PAYLOAD: PayloadKind;
    /// The payload of an empty one in that form.
    const EMPTY: &'static [u8];
    /// Whether a key holds a collection that has become empty, or is gone with the last element.
    const MAY_BE_EMPTY: bool = false;

    /// How many elements the collection in `entry` has. The entry is of this kind.
    fn len(entry: &Entry) -> usize;

    /// Calls `visit` with every part of the value, as the module `visit` asks for, until it breaks off.
    fn visit<B>(
        view: View<'_, Self>,
        visit: impl FnMut(Part<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B>;

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

/// One of several values that a command reads together.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a, T> {
    /// The value; `None` if there is no such key.
    pub view: Option<View<'a, T>>,
    /// How often the command names the key; what it names first counts as another value.
    pub times: usize,
}

impl Db<'_> {
    /// Looks up several keys at a time for reading. An error if one holds another type.
    ///
    /// Behind the first operand each value is there once, however often its key is named: more would cost
    /// time and change nothing about what is in all of them, in any or only in the first.
    pub fn operands<'k, T: Collection>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Result<Vec<Operand<'_, T>>, Error> {
        let now = self.now();
        // Removing a key that has expired moves others, so all such lookups come before the first position.
        for key in keys.clone() {
            self.find(key);
        }
        let mut found: Vec<(Option<usize>, usize)> = Vec::new();
        let mut known: BTreeMap<Option<usize>, usize> = BTreeMap::new();
        for key in keys {
            let at = self.find_to_read(key);
            at.map_or(Ok(()), |at| self.typed::<T>(at).map(drop))?;
            match known.get(&at) {
                Some(&index) => found[index].1 += 1,
                None => {
                    if !found.is_empty() {
                        known.insert(at, found.len());
                    }
                    found.push((at, 1));
                }
            }
        }
        let view = |at: usize| Ok::<_, Error>(View::at_time(self.typed::<T>(at)?, now));
        found
            .into_iter()
            .map(|(at, times)| Ok(Operand { view: at.map(view).transpose()?, times }))
            .collect()
    }
}

/// A value of type `T`, to change. When it goes, the keyspace accounts for the change, and removes the
/// key if the value has become empty: no key ever holds an empty collection but a stream.
#[derive(Debug)]
pub struct Edit<'a, T: Collection> {
    db: &'a mut Database,
    shared: &'a mut Shared,
    at: usize,
    /// What the entry held, and when its first element expired, before the change.
    memory: usize,
    next_expiry: Option<Millis>,
    /// Whether an event was noted: then `del` is another, if the value ends empty.
    is_noted: bool,
    kind: PhantomData<T>,
}

impl<'a, T: Collection> Edit<'a, T> {
    pub(crate) fn new(db: &'a mut Database, shared: &'a mut Shared, at: usize) -> Edit<'a, T> {
        debug_assert!(db.entries.at(at).kind() == T::KIND);
        let at = db.record_first(shared, at);
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

    /// As [`Edit::note_changes`], where so many elements were removed: those that wait for one do not look again.
    pub fn note_removed(&mut self, count: usize, class: Classes, event: &'static str) {
        if count > 0 {
            self.shared.changes += count as u64;
            self.shared.journal.lessened(self.db.index, self.db.entries.at(self.at).key());
            self.announce(class, event);
        }
    }

    /// As [`Edit::note`], for another part of a change that has been noted, and is counted once.
    pub fn note_too(&mut self, class: Classes, event: &'static str) {
        self.note(class, event);
        self.shared.changes -= 1;
    }

    /// As [`Edit::note`], for a change that concerns no client that follows the key's value.
    pub fn note_apart(&mut self, class: Classes, event: &'static str) {
        self.shared.changes += 1;
        self.announce(class, event);
    }

    /// There are so many changes, which concern no client that follows the key's value and are no event.
    #[inline]
    pub fn count_changes(&mut self, count: usize) {
        self.shared.changes += count as u64;
    }

    /// Those that wait for the key are to look again, though its value is the same to a client that follows it.
    pub fn wake_waiters(&mut self) {
        self.shared.journal.awaited(self.db.index, self.db.entries.at(self.at).key());
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

    /// Fields were removed because their time had come, which counts as no change that a command made.
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
        let (is_empty, memory) = (!T::MAY_BE_EMPTY && T::len(entry) == 0, entry.memory());
        let (hash, next_expiry) = (entry.hash(), T::next_expiry(entry));
        if self.shared.is_recording() {
            self.db.owe_for(self.shared, self.at);
        }
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
