//! A key and its value: what the keyspace is made of.
//!
//! Millions of small values are the normal case, so a small value of any type costs one allocation: a
//! [`Blob`] that holds the key, the expiry if there is one, and the value's bytes. A value that has outgrown
//! its compact form is an object of its own; its blob has a key and no payload. An entry itself is 24 bytes.

use super::blob::{Blob, Millis, allocated};
use super::index::dict::{self, Keyed, hash_of};
use super::index::expiries::Expiries;
use super::kind::{Kind, PayloadKind};
use super::large::string::LargeString;
use super::value::Value;

/// One key of the keyspace.
#[derive(Debug, Clone)]
pub struct Entry {
    slot: Allocation,
    hash: u32,
    /// From the lowest bit: 24 bits for eviction ([`Entry::usage`]), 4 for the form of the payload,
    /// 1 for whether the blob has an expiry.
    meta: u32,
}

#[derive(Debug, Clone)]
enum Allocation {
    /// Key and value.
    Blob(Blob),
    /// A large value beside its key.
    Object(Box<Object>),
}

#[derive(Debug, Clone)]
struct Object {
    /// Without payload.
    blob: Blob,
    value: Value,
}

/// What an entry holds, to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Compact(PayloadKind, &'a [u8]),
    Large(&'a Value),
}

const USAGE: u32 = (1 << 24) - 1;
const FORM_SHIFT: u32 = 24;
const FORM_MASK: u32 = 15 << FORM_SHIFT;
const HAS_EXPIRY: u32 = 1 << 31;

impl Entry {
    /// A key with a compact value, which never expires.
    pub(crate) fn new(key: &[u8], form: PayloadKind, payload: &[u8]) -> Entry {
        Entry::hashed(hash_of(key), key, form, payload, None)
    }

    /// A key whose hash is known, with a compact value, that expires then or never.
    pub(crate) fn hashed(
        hash: u32,
        key: &[u8],
        form: PayloadKind,
        payload: &[u8],
        expiry: Option<Millis>,
    ) -> Entry {
        let blob = Blob::new(key, expiry, payload);
        let expires = if expiry.is_some() { HAS_EXPIRY } else { 0 };
        let meta = (form as u32) << FORM_SHIFT | expires;
        Entry { slot: Allocation::Blob(blob), hash, meta }
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.slot {
            Allocation::Blob(_) => self.form().kind(),
            Allocation::Object(object) => object.value.kind(),
        }
    }

    #[inline]
    pub(crate) fn body(&self) -> Body<'_> {
        match &self.slot {
            Allocation::Blob(blob) => Body::Compact(self.form(), blob.payload(self.expires())),
            Allocation::Object(object) => Body::Large(&object.value),
        }
    }

    /// The large value, if there is one.
    pub(crate) fn large_mut(&mut self) -> Option<&mut Value> {
        match &mut self.slot {
            Allocation::Blob(_) => None,
            Allocation::Object(object) => Some(&mut object.value),
        }
    }

    /// When the key expires.
    pub(crate) fn expiry(&self) -> Option<Millis> {
        self.timing().map(|(when, _)| when)
    }

    /// The time under which a key that expires is listed: its expiry, before that was put off.
    pub(crate) fn listed(&self) -> Option<Millis> {
        self.timing().map(|(when, delay)| when - Millis::from(delay))
    }

    /// Lists a key, if it expires.
    pub(crate) fn list(&self, expiries: &mut Expiries) {
        if let (Some(listed), Some(when)) = (self.listed(), self.expiry()) {
            expiries.insert(listed, self.hash);
            expiries.put_off(listed, when);
        }
    }

    /// Takes a key that has been listed, if it expires, off the list.
    pub(crate) fn unlist(&self, expiries: &mut Expiries) {
        if let (Some(listed), Some(when)) = (self.listed(), self.expiry()) {
            expiries.put_off(when, listed);
            expiries.remove(listed, self.hash);
        }
    }

    fn timing(&self) -> Option<(Millis, u32)> {
        if self.expires() { self.blob().timing() } else { None }
    }

    #[inline]
    fn expires(&self) -> bool {
        self.meta & HAS_EXPIRY != 0
    }

    /// The key expires then, or never. It has not been put off.
    pub(crate) fn set_expiry(&mut self, expiry: Option<Millis>) {
        let had = self.expires();
        match expiry {
            Some(when) if had => self.blob_mut().set_timing(when, 0),
            None if !had => {}
            _ => {
                let blob = self.blob();
                let changed = Blob::new(blob.key(had), expiry, blob.payload(had));
                *self.blob_mut() = changed;
                self.meta ^= HAS_EXPIRY;
            }
        }
    }

    /// Moves the expiry later and leaves [`Entry::listed`] as it is. Returns false, and changes nothing, if
    /// there is no expiry or the delay does not fit in 32 bits.
    pub(crate) fn put_off(&mut self, when: Millis) -> bool {
        let delay = self.listed().and_then(|listed| u32::try_from(when.checked_sub(listed)?).ok());
        if let Some(delay) = delay {
            self.blob_mut().set_timing(when, delay);
        }
        delay.is_some()
    }

    /// Overwrites a string with one of the same length. Returns false, and changes nothing, if the value is
    /// no string or has another length.
    #[inline]
    pub(crate) fn set_in_place(&mut self, form: PayloadKind, payload: &[u8]) -> bool {
        let (is_string, expires) = (self.form().kind() == Kind::String, self.expires());
        let is_done = match &mut self.slot {
            Allocation::Blob(blob) if is_string => blob.overwrite(expires, payload),
            _ => false,
        };
        if is_done {
            self.set_form(form);
        }
        is_done
    }

    /// Replaces the value, whatever it was, by a compact one. Returns the large value that was there.
    pub(crate) fn set_compact(&mut self, form: PayloadKind, payload: &[u8]) -> Option<Value> {
        self.set_form(form);
        let expires = self.expires();
        self.blob_mut().set_payload(expires, payload);
        if let Allocation::Object(object) = &mut self.slot {
            let blob = std::mem::take(&mut object.blob);
            let old = std::mem::replace(&mut self.slot, Allocation::Blob(blob));
            if let Allocation::Object(object) = old {
                return Some(object.value);
            }
        }
        None
    }

    /// Replaces the value, whatever it was, by a large one. Returns the large value that was there.
    pub(crate) fn set_large(&mut self, value: Value) -> Option<Value> {
        let expires = self.expires();
        match &mut self.slot {
            Allocation::Blob(blob) => {
                let mut blob = std::mem::take(blob);
                blob.set_payload(expires, &[]);
                self.slot = Allocation::Object(Box::new(Object { blob, value }));
                None
            }
            Allocation::Object(object) => Some(std::mem::replace(&mut object.value, value)),
        }
    }

    /// Edits the payload of a compact value as a vector: its bytes begin where the closure is told.
    /// Does nothing to a large value.
    pub(crate) fn edit<R>(&mut self, change: impl FnOnce(&mut Vec<u8>, usize) -> R) -> Option<R> {
        let expires = self.expires();
        match &mut self.slot {
            Allocation::Blob(blob) => Some(blob.edit(expires, change)),
            Allocation::Object(_) => None,
        }
    }

    /// Gives an entry that is listed nowhere another key.
    pub(crate) fn rename(&mut self, key: &[u8]) {
        let expiry = self.expiry();
        let renamed = Blob::new(key, expiry, self.blob().payload(self.expires()));
        *self.blob_mut() = renamed;
        self.hash = hash_of(key);
    }

    /// What the form of a compact value is called. Meaningless for a large one.
    #[inline]
    fn form(&self) -> PayloadKind {
        PayloadKind::ALL[((self.meta & FORM_MASK) >> FORM_SHIFT) as usize]
    }

    /// Says that the payload has another form. The caller sees to it that this is true.
    pub(crate) fn set_form(&mut self, form: PayloadKind) {
        self.meta = self.meta & !FORM_MASK | (form as u32) << FORM_SHIFT;
    }

    /// Twenty-four bits that say when or how often the key was used; see [`super::lifetime::evict`].
    pub(crate) fn usage(&self) -> u32 {
        self.meta & USAGE
    }

    pub(crate) fn set_usage(&mut self, usage: u32) {
        self.meta = self.meta & !USAGE | usage & USAGE;
    }

    /// Takes the value out of an entry that has been removed, if it is not freed in no time.
    pub(crate) fn into_large(self) -> Option<Value> {
        match self.slot {
            Allocation::Blob(blob) => LargeString::of_remains(blob.into_bytes()).map(Value::String),
            Allocation::Object(object) => Some(object.value),
        }
    }

    /// Bytes of memory that key and value hold, the entry itself not counted.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        match &self.slot {
            Allocation::Blob(blob) => blob.memory(),
            Allocation::Object(object) => {
                object.blob.memory() + allocated(size_of::<Object>()) + object.value.memory()
            }
        }
    }

    /// Where in memory the value lies.
    pub(crate) fn address(&self) -> usize {
        match &self.slot {
            Allocation::Blob(blob) => blob.address(),
            Allocation::Object(object) => std::ptr::from_ref(&object.value).addr(),
        }
    }

    #[inline]
    fn blob(&self) -> &Blob {
        match &self.slot {
            Allocation::Blob(blob) => blob,
            Allocation::Object(object) => &object.blob,
        }
    }

    fn blob_mut(&mut self) -> &mut Blob {
        match &mut self.slot {
            Allocation::Blob(blob) => blob,
            Allocation::Object(object) => &mut object.blob,
        }
    }
}

impl Keyed for Entry {
    #[inline]
    fn key(&self) -> &[u8] {
        self.blob().key(self.expires())
    }

    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    fn touch(&self) -> u8 {
        dict::ends(self.blob().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(entry: &Entry) -> &[u8] {
        match entry.body() {
            Body::Compact(_, payload) => payload,
            Body::Large(_) => panic!("a large value"),
        }
    }

    #[test]
    fn an_entry_is_three_words() {
        assert_eq!(size_of::<Entry>(), 24);
    }

    #[test]
    fn an_expiry_that_is_put_off_stays_listed() {
        let mut entry = Entry::new(b"key", PayloadKind::String, b"value");
        assert!(!entry.put_off(1000));
        assert_eq!((entry.listed(), entry.expiry()), (None, None));
        entry.set_expiry(Some(1000));
        for when in [1000, 5000, 1000 + Millis::from(u32::MAX), 3000] {
            assert!(entry.put_off(when));
            assert_eq!((entry.listed(), entry.expiry()), (Some(1000), Some(when)));
        }
        for when in [999, -1, 1001 + Millis::from(u32::MAX), Millis::MIN, Millis::MAX] {
            assert!(!entry.put_off(when));
            assert_eq!((entry.listed(), entry.expiry()), (Some(1000), Some(3000)));
        }
        assert_eq!((entry.key(), payload(&entry)), (&b"key"[..], &b"value"[..]));
        entry.set_expiry(Some(2000));
        assert_eq!((entry.listed(), entry.expiry()), (Some(2000), Some(2000)));
    }

    #[test]
    fn key_value_and_expiry_share_a_blob() {
        for length in [0, 1, 127, 128, 20_000] {
            let key = vec![b'k'; length];
            let mut entry = Entry::new(&key, PayloadKind::String, b"value");
            assert_eq!(
                (entry.key(), payload(&entry), entry.expiry()),
                (&key[..], &b"value"[..], None)
            );
            entry.set_expiry(Some(1_700_000_000_000));
            entry.set_usage(0xabcdef);
            assert_eq!(entry.key(), key);
            assert_eq!((payload(&entry), entry.expiry()), (&b"value"[..], Some(1_700_000_000_000)));
            entry.set_compact(PayloadKind::RawString, b"another value");
            entry.set_expiry(Some(-1));
            assert_eq!((payload(&entry), entry.expiry()), (&b"another value"[..], Some(-1)));
            entry.edit(|bytes, start| bytes.splice(start..start + 8, *b"one").count());
            entry.set_expiry(None);
            assert_eq!((payload(&entry), entry.expiry()), (&b"onevalue"[..], None));
            entry.rename(b"other");
            assert_eq!((entry.key(), payload(&entry)), (&b"other"[..], &b"onevalue"[..]));
            assert_eq!(entry.hash(), hash_of(b"other"));
            assert_eq!(entry.usage(), 0xabcdef);
            assert_eq!(entry.kind(), Kind::String);
        }
    }
}
