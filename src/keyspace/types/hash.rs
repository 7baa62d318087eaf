//! Hashes: fields with values. A field may expire, as a key may.
//!
//! A small hash is a packed sequence: name, value, name, value, in the order in which the fields came.
//! Past `hash-max-listpack-entries` or `hash-max-listpack-value` it becomes a [`LargeHash`], and so it
//! does when a field is to expire: only that form knows when. It stays large.
//!
//! A field that has expired cannot be read, whether it was removed already or not. Only
//! [`View::len`] still counts it, as HLEN does in Valkey 9.1.

#[cfg(test)]
mod tests;

use crate::keyspace::blob::Millis;
use std::ops::ControlFlow;

use crate::keyspace::compact::packed::{self, Packed, PackedMut};
use crate::keyspace::entry::{Body, Entry};
use crate::keyspace::index::random::Random;
use crate::keyspace::kind::{Kind, PayloadKind};
pub use crate::keyspace::large::hash::Field;
use crate::keyspace::large::hash::{Expiry, LargeHash, Outcome};
use crate::keyspace::typed::{Collection, Edit, View};
use crate::keyspace::value::Value;
use crate::keyspace::visit::Part;

/// The type, for [`crate::keyspace::View`] and [`crate::keyspace::Edit`].
#[derive(Debug)]
pub struct Hash;

impl Collection for Hash {
    const KIND: Kind = Kind::Hash;
    const PAYLOAD: PayloadKind = PayloadKind::Hash;
    const EMPTY: &'static [u8] = packed::EMPTY;

    fn len(entry: &Entry) -> usize {
        match Form::of(entry) {
            Form::Compact(fields) => fields.len() / 2,
            Form::Large(hash) => hash.len(),
        }
    }

    fn visit<B>(
        view: View<'_, Self>,
        mut visit: impl FnMut(Part<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        view.iter().try_for_each(|field| visit(Part::Field(field)))
    }

    fn next_expiry(entry: &Entry) -> Option<Millis> {
        next_expiry(entry)
    }
}

/// When the first field expires of the hash in an entry, if it is one.
#[inline]
pub(crate) fn next_expiry(entry: &Entry) -> Option<Millis> {
    match entry.body() {
        Body::Large(Value::Hash(hash)) => hash.next_expiry(),
        _ => None,
    }
}

/// How many fields expire of the hash in an entry, if it is one.
#[inline]
pub(crate) fn volatile_fields(entry: &Entry) -> usize {
    match entry.body() {
        Body::Large(Value::Hash(hash)) => hash.volatile(),
        _ => 0,
    }
}

/// What a hash is made of.
enum Form<'a> {
    Compact(Packed<'a>),
    Large(&'a LargeHash),
}

impl<'a> Form<'a> {
    #[inline]
    fn of(entry: &'a Entry) -> Form<'a> {
        match entry.body() {
            Body::Compact(_, payload) => Form::Compact(Packed::new(payload)),
            Body::Large(Value::Hash(hash)) => Form::Large(hash),
            Body::Large(_) => Form::Compact(Packed::new(packed::EMPTY)),
        }
    }
}

impl<'a> View<'a, Hash> {
    /// The value of a field.
    #[inline]
    pub fn get(self, name: &[u8]) -> Option<&'a [u8]> {
        match Form::of(self.entry) {
            Form::Compact(fields) => find(fields, name).map(|found| found.value),
            Form::Large(hash) => hash.get(name, self.now).map(|field| field.value),
        }
    }

    pub fn contains(self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// When a field expires: `None` if there is no such field, `Some(None)` if it stays.
    pub fn expiry(self, name: &[u8]) -> Option<Option<Millis>> {
        match Form::of(self.entry) {
            Form::Compact(fields) => find(fields, name).map(|_| None),
            Form::Large(hash) => hash.get(name, self.now).map(|field| field.expiry),
        }
    }

    /// How many fields have not expired. [`View::len`] counts the others too, as long as they are there.
    pub fn live(self) -> usize {
        match Form::of(self.entry) {
            Form::Compact(fields) => fields.len() / 2,
            Form::Large(hash) => hash.len() - hash.due(self.now),
        }
    }

    /// Every field.
    pub fn iter(self) -> impl Iterator<Item = Field<'a>> {
        let (compact, large) = match Form::of(self.entry) {
            Form::Compact(fields) => (Some(pairs(fields)), None),
            Form::Large(hash) => (None, Some(hash.iter(self.now))),
        };
        compact.into_iter().flatten().chain(large.into_iter().flatten())
    }

    /// A step of a walk through all fields: see `Dict::scan`. A small hash is one step.
    pub fn scan(self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], &[u8])) -> u64 {
        match Form::of(self.entry) {
            Form::Compact(fields) => {
                pairs(fields).for_each(|field| visit(field.name, field.value));
                0
            }
            Form::Large(hash) => hash.scan(cursor, count, self.now, visit),
        }
    }

    /// A field, each as likely as the other.
    pub fn pick(self, random: &mut Random) -> Option<Field<'a>> {
        let live = self.live();
        if live == 0 {
            return None;
        }
        let position = random.below(live);
        match Form::of(self.entry) {
            Form::Large(hash) if hash.len() == live => Some(hash.at(position)),
            _ => self.iter().nth(position),
        }
    }

    /// Calls `visit` with `count` different fields, or with all if there are no more. Every choice of
    /// them is as likely as the other.
    pub fn pick_distinct(
        self,
        random: &mut Random,
        count: usize,
        mut visit: impl FnMut(Field<'_>),
    ) {
        let live = self.live();
        if count >= live {
            return self.iter().for_each(visit);
        }
        let at = self.by_position(live);
        random.distinct(live, count).for_each(|position| visit(at(position)));
    }

    /// Calls `visit` with a random field so many times, never mind which were picked before, or until it returns
    /// false.
    pub fn pick_any(
        self,
        random: &mut Random,
        count: usize,
        mut visit: impl FnMut(Field<'_>) -> bool,
    ) {
        let live = self.live();
        if live > 0 {
            let at = self.by_position(live);
            let _ = (0..count).all(|_| visit(at(random.below(live))));
        }
    }

    /// The `live` fields by numbers. A hash that is small, or has fields that have expired, is listed.
    fn by_position(self, live: usize) -> impl Fn(usize) -> Field<'a> {
        let (whole, listed): (_, Vec<Field<'a>>) = match Form::of(self.entry) {
            Form::Large(hash) if hash.len() == live => (Some(hash), Vec::new()),
            _ => (None, self.iter().collect()),
        };
        move |position| match whole {
            Some(hash) => hash.at(position),
            None => listed[position],
        }
    }
}

impl Edit<'_, Hash> {
    /// Sets a field that is to stay. Returns whether it is new.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        self.write(name, value, Expiry::Set(None))
    }

    /// Sets a field that expires when it did before; never, if it is new. Returns whether it is.
    pub fn replace(&mut self, name: &[u8], value: &[u8]) -> bool {
        self.write(name, value, Expiry::Kept)
    }

    /// Sets a field that expires then. If that time has come already, there is no such field any more.
    /// Returns whether that changes anything.
    pub fn set_until(&mut self, name: &[u8], value: &[u8], when: Millis) -> bool {
        if when <= self.now() {
            self.count_expired(1);
            return self.remove(name);
        }
        self.count_listed();
        self.write(name, value, Expiry::Set(Some(when)));
        true
    }

    /// Lets a field expire then, or never. If that time has come already, it goes at once. Returns
    /// whether there is such a field.
    pub fn set_expiry(&mut self, name: &[u8], expiry: Option<Millis>) -> bool {
        let now = self.now();
        if expiry.is_some_and(|when| when <= now) {
            let is_gone = self.remove(name);
            self.count_expired(is_gone.into());
            return is_gone;
        }
        let Some(present) = self.view().expiry(name) else {
            return false;
        };
        if present != expiry {
            self.count_listed();
            self.enlarged().set_expiry(name, expiry, now);
        }
        true
    }

    /// Removes a field. Returns whether there was one.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let now = self.now();
        if let Some(hash) = self.large() {
            return hash.remove(name, now);
        }
        let Form::Compact(fields) = Form::of(self.entry()) else {
            return false;
        };
        let Some(found) = find(fields, name) else {
            return false;
        };
        let range = found.start..found.end;
        self.entry().edit(|bytes, start| {
            PackedMut::new(bytes, start).remove_range(range.start, range.end, 2);
        });
        true
    }

    /// Removes up to `most` fields whose time has come. Returns how many those were.
    pub(crate) fn expire_some(&mut self, most: usize) -> usize {
        let (now, is_heard) = (self.now(), self.is_heard());
        let mut names: Vec<Box<[u8]>> = Vec::new();
        let gone = |name: &[u8]| names.extend(is_heard.then(|| name.into()));
        let removed = self.large().map_or(0, |hash| hash.remove_due(now, most, gone));
        self.note_expired(removed);
        self.say_expired(names.iter().map(|name| &**name));
        removed
    }

    // ANCHOR: write
    fn write(&mut self, name: &[u8], value: &[u8], expiry: Expiry) -> bool {
        let now = self.now();
        if let Some(hash) = self.large() {
            return match hash.set(name, value, expiry, now) {
                Outcome::Added => true,
                Outcome::Replaced => false,
                Outcome::Revived => {
                    self.note_expired(1);
                    self.say_expired([name]);
                    true
                }
            };
        }
        let limits = self.limits();
        let is_long = name.len().max(value.len()) > limits.hash_max_listpack_value;
        if is_long || matches!(expiry, Expiry::Set(Some(_))) {
            return self.enlarged().set(name, value, expiry, now) == Outcome::Added;
        }
        let Form::Compact(fields) = Form::of(self.entry()) else {
            return false;
        };
        if let Some(found) = find(fields, name) {
            let offset = found.value_at;
            self.entry().edit(|bytes, start| PackedMut::new(bytes, start).replace(offset, value));
            return false;
        }
        if fields.len() / 2 >= limits.hash_max_listpack_entries.min(packed::MAX / 2) {
            return self.enlarged().set(name, value, expiry, now) == Outcome::Added;
        }
        self.entry().edit(|bytes, start| {
            bytes.reserve_exact(packed::spelled(name) + packed::spelled(value));
            let mut fields = PackedMut::new(bytes, start);
            fields.push_back(name);
            fields.push_back(value);
        });
        true
    }
    // ANCHOR_END: write

    fn large(&mut self) -> Option<&mut LargeHash> {
        match self.entry().large_mut() {
            Some(Value::Hash(hash)) => Some(hash),
            _ => None,
        }
    }

    /// The hash in its large form, which it has from now on.
    fn enlarged(&mut self) -> &mut LargeHash {
        if let Form::Compact(fields) = Form::of(self.entry()) {
            let mut hash = LargeHash::default();
            for field in pairs(fields) {
                hash.add(field);
            }
            self.entry().set_large(Value::Hash(hash));
        }
        match self.large() {
            Some(hash) => hash,
            None => unreachable!("the hash has just been made large"),
        }
    }
}

/// A field in a packed sequence.
struct PackedField<'a> {
    value: &'a [u8],
    /// Offsets: of the field, of its value, and of what follows.
    start: usize,
    value_at: usize,
    end: usize,
}

#[inline]
fn find<'a>(fields: Packed<'a>, name: &[u8]) -> Option<PackedField<'a>> {
    let mut elements = fields.iter();
    while let (Some((start, element)), Some((value_at, value))) = (elements.next(), elements.next())
    {
        if packed::is_same(element, name) {
            return Some(PackedField { value, start, value_at, end: elements.offset() });
        }
    }
    None
}

/// The fields of a packed sequence.
fn pairs(fields: Packed<'_>) -> impl Iterator<Item = Field<'_>> {
    let mut elements = fields.iter();
    std::iter::from_fn(move || {
        let ((_, name), (_, value)) = (elements.next()?, elements.next()?);
        Some(Field { name, value, expiry: None })
    })
}
