//! A key and its value: what the keyspace is made of.
//!
//! Millions of small values are the normal case, so a small value of any type costs one allocation: a
//! *blob* that holds the key, the expiry if there is one, and the value's bytes.
//!
//! ```text
//! ┌─────────────┬───────────────────────────┬─────┬─────────┐
//! │ key length  │ expiry: 12 bytes, or none │ key │ payload │
//! └─────────────┴───────────────────────────┴─────┴─────────┘
//! ```
//!
//! An expiry is a time, and by how many milliseconds it has been put off since the entry was listed among
//! those that expire ([`super::lifetime::expire`]).
//!
//! What the payload is depends on the type: a string's bytes, or the compact form of a collection
//! ([`super::compact::packed`], [`super::compact::intset`]). A collection that has outgrown its compact form is an object
//! of its own; its blob has a key and no payload. An entry itself is 24 bytes.

use super::index::dict::{self, Keyed, hash_of};
use super::types::string::{self, LargeString};
use super::value::Value;

/// Milliseconds since 1970.
pub type Millis = i64;

/// The type of a value, as TYPE names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    List,
    Set,
    Zset,
    Hash,
}

impl Kind {
    /// What TYPE replies.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::Zset => "zset",
            Kind::Hash => "hash",
        }
    }
}

/// What the payload of a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// A string as it was set.
    String,
    /// A string that was modified in place: OBJECT ENCODING never calls it `embstr` again.
    RawString,
    /// A string that INCRBYFLOAT computed: OBJECT ENCODING does not call it `int`.
    FloatString,
    List,
    Set,
    /// A set of integers, sorted.
    IntSet,
    Zset,
    Hash,
}

impl PayloadKind {
    const ALL: [PayloadKind; 8] = [
        PayloadKind::String,
        PayloadKind::RawString,
        PayloadKind::FloatString,
        PayloadKind::List,
        PayloadKind::Set,
        PayloadKind::IntSet,
        PayloadKind::Zset,
        PayloadKind::Hash,
    ];

    pub fn kind(self) -> Kind {
        match self {
            PayloadKind::String | PayloadKind::RawString | PayloadKind::FloatString => Kind::String,
            PayloadKind::List => Kind::List,
            PayloadKind::Set | PayloadKind::IntSet => Kind::Set,
            PayloadKind::Zset => Kind::Zset,
            PayloadKind::Hash => Kind::Hash,
        }
    }
}

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
    Blob(Box<[u8]>),
    /// A large value beside its key.
    Object(Box<Object>),
}

#[derive(Debug, Clone)]
struct Object {
    /// Without payload.
    blob: Box<[u8]>,
    value: Value,
}

/// What an entry holds, to read.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    Compact(PayloadKind, &'a [u8]),
    Large(&'a Value),
}

const USAGE: u32 = (1 << 24) - 1;
const FORM_SHIFT: u32 = 24;
const FORM_MASK: u32 = 15 << FORM_SHIFT;
const HAS_EXPIRY: u32 = 1 << 31;

/// The bytes of an expiry in a blob: its time, and by how much it has been put off.
const EXPIRY: usize = TIME + 4;
const TIME: usize = 8;

impl Entry {
    /// A key with a compact value.
    pub fn new(key: &[u8], form: PayloadKind, payload: &[u8]) -> Entry {
        Entry::expiring(key, form, payload, None)
    }

    /// A key with a compact value that expires then, or never.
    pub fn expiring(
        key: &[u8],
        form: PayloadKind,
        payload: &[u8],
        expiry: Option<Millis>,
    ) -> Entry {
        Entry::hashed(hash_of(key), key, form, payload, expiry)
    }

    /// As [`Entry::expiring`], for a key whose hash is known already.
    pub fn hashed(
        hash: u32,
        key: &[u8],
        form: PayloadKind,
        payload: &[u8],
        expiry: Option<Millis>,
    ) -> Entry {
        let blob = blob_of(key, expiry, payload);
        let expires = if expiry.is_some() { HAS_EXPIRY } else { 0 };
        let meta = (form as u32) << FORM_SHIFT | expires;
        Entry { slot: Allocation::Blob(blob), hash, meta }
    }

    pub fn kind(&self) -> Kind {
        match &self.slot {
            Allocation::Blob(_) => self.form().kind(),
            Allocation::Object(object) => object.value.kind(),
        }
    }

    pub fn body(&self) -> Body<'_> {
        match &self.slot {
            Allocation::Blob(blob) => Body::Compact(self.form(), &blob[self.start()..]),
            Allocation::Object(object) => Body::Large(&object.value),
        }
    }

    /// The large value, if there is one.
    pub fn large_mut(&mut self) -> Option<&mut Value> {
        match &mut self.slot {
            Allocation::Blob(_) => None,
            Allocation::Object(object) => Some(&mut object.value),
        }
    }

    /// When the key expires.
    pub fn expiry(&self) -> Option<Millis> {
        self.timing().map(|(when, _)| when)
    }

    /// The time under which a key that expires is listed: its expiry, before that was put off.
    pub fn listed(&self) -> Option<Millis> {
        self.timing().map(|(when, delay)| when - Millis::from(delay))
    }

    fn timing(&self) -> Option<(Millis, u32)> {
        if self.meta & HAS_EXPIRY == 0 {
            return None;
        }
        let blob = self.blob();
        let (_, at) = read_length(blob);
        let (when, delay) = blob.get(at..at + EXPIRY)?.split_at(TIME);
        let delay = u32::from_le_bytes(delay.try_into().ok()?);
        Some((Millis::from_le_bytes(when.try_into().ok()?), delay))
    }

    /// The key expires then, or never. It has not been put off.
    pub fn set_expiry(&mut self, expiry: Option<Millis>) {
        let had = self.meta & HAS_EXPIRY != 0;
        match expiry {
            Some(when) if had => self.set_timing(when, 0),
            None if !had => {}
            _ => {
                let key_end = self.start();
                let key_at = key_end - self.key().len();
                let blob = self.blob();
                let changed = blob_of(&blob[key_at..key_end], expiry, &blob[key_end..]);
                *self.blob_mut() = changed;
                self.meta ^= HAS_EXPIRY;
            }
        }
    }

    /// Lets a key that expires do so then, and leaves [`Entry::listed`] as it is. False: that cannot be, and
    /// nothing has changed.
    pub fn put_off(&mut self, when: Millis) -> bool {
        let delay = self.listed().and_then(|listed| u32::try_from(when.checked_sub(listed)?).ok());
        if let Some(delay) = delay {
            self.set_timing(when, delay);
        }
        delay.is_some()
    }

    /// Replaces the expiry, which there is.
    fn set_timing(&mut self, when: Millis, delay: u32) {
        let (_, at) = read_length(self.blob());
        let (time, put_off) = self.blob_mut()[at..at + EXPIRY].split_at_mut(TIME);
        time.copy_from_slice(&when.to_le_bytes());
        put_off.copy_from_slice(&delay.to_le_bytes());
    }

    /// Replaces a string by one that is as long, in its place. False: it is none, or not as long.
    #[inline]
    pub fn set_in_place(&mut self, form: PayloadKind, payload: &[u8]) -> bool {
        let (is_string, start) = (self.form().kind() == Kind::String, self.start());
        match &mut self.slot {
            Allocation::Blob(blob) if is_string && blob.len() == start + payload.len() => {
                blob[start..].copy_from_slice(payload);
                self.set_form(form);
                true
            }
            _ => false,
        }
    }

    /// Replaces the value, whatever it was, by a compact one. Returns the large value that was there.
    pub fn set_compact(&mut self, form: PayloadKind, payload: &[u8]) -> Option<Value> {
        self.set_form(form);
        let start = self.start();
        match &mut self.slot {
            Allocation::Blob(blob) => {
                let mut bytes = std::mem::take(blob).into_vec();
                bytes.truncate(start);
                bytes.reserve_exact(payload.len());
                bytes.extend_from_slice(payload);
                *blob = bytes.into_boxed_slice();
                None
            }
            Allocation::Object(object) => {
                let mut bytes = std::mem::take(&mut object.blob).into_vec();
                bytes.reserve_exact(payload.len());
                bytes.extend_from_slice(payload);
                let old =
                    std::mem::replace(&mut self.slot, Allocation::Blob(bytes.into_boxed_slice()));
                match old {
                    Allocation::Object(object) => Some(object.value),
                    Allocation::Blob(_) => None,
                }
            }
        }
    }

    /// Replaces the value, whatever it was, by a large one. Returns the large value that was there.
    pub fn set_large(&mut self, value: Value) -> Option<Value> {
        let start = self.start();
        match &mut self.slot {
            Allocation::Blob(blob) => {
                let mut bytes = std::mem::take(blob).into_vec();
                bytes.truncate(start);
                let blob = bytes.into_boxed_slice();
                self.slot = Allocation::Object(Box::new(Object { blob, value }));
                None
            }
            Allocation::Object(object) => Some(std::mem::replace(&mut object.value, value)),
        }
    }

    /// Edits the payload of a compact value as a vector: its bytes begin where the closure is told.
    /// Does nothing to a large value.
    pub fn edit<R>(&mut self, change: impl FnOnce(&mut Vec<u8>, usize) -> R) -> Option<R> {
        let start = self.start();
        match &mut self.slot {
            Allocation::Blob(blob) => {
                let mut bytes = std::mem::take(blob).into_vec();
                let result = change(&mut bytes, start);
                *blob = bytes.into_boxed_slice();
                Some(result)
            }
            Allocation::Object(_) => None,
        }
    }

    /// Gives an entry that is listed nowhere another name.
    pub fn rename(&mut self, key: &[u8]) {
        let expiry = self.expiry();
        let start = self.start();
        let renamed = blob_of(key, expiry, &self.blob()[start..]);
        *self.blob_mut() = renamed;
        self.hash = hash_of(key);
        if let Body::Compact(form, text) = self.body()
            && form.kind() == Kind::String
        {
            self.set_form(string::settled(form, key.len(), text, false));
        }
    }

    /// What the form of a compact value is called. Meaningless for a large one.
    fn form(&self) -> PayloadKind {
        PayloadKind::ALL[((self.meta & FORM_MASK) >> FORM_SHIFT) as usize]
    }

    /// Says that the payload has another form. The caller sees to it that this is true.
    pub fn set_form(&mut self, form: PayloadKind) {
        self.meta = self.meta & !FORM_MASK | (form as u32) << FORM_SHIFT;
    }

    /// Twenty-four bits that say when or how often the key was used; see [`super::lifetime::evict`].
    pub fn usage(&self) -> u32 {
        self.meta & USAGE
    }

    pub fn set_usage(&mut self, usage: u32) {
        self.meta = self.meta & !USAGE | usage & USAGE;
    }

    /// Takes the value out of an entry that has been removed, if it is not freed in no time.
    pub fn into_large(self) -> Option<Value> {
        match self.slot {
            Allocation::Blob(blob) => LargeString::of_remains(blob).map(Value::String),
            Allocation::Object(object) => Some(object.value),
        }
    }

    /// Bytes of memory that key and value hold, the entry itself not counted.
    pub fn memory(&self) -> usize {
        match &self.slot {
            Allocation::Blob(blob) => allocated(blob.len()),
            Allocation::Object(object) => {
                allocated(object.blob.len())
                    + allocated(size_of::<Object>())
                    + object.value.memory()
            }
        }
    }

    /// Where in memory the value lies.
    pub fn address(&self) -> usize {
        match &self.slot {
            Allocation::Blob(blob) => blob.as_ptr().addr(),
            Allocation::Object(object) => std::ptr::from_ref(&object.value).addr(),
        }
    }

    fn blob(&self) -> &[u8] {
        match &self.slot {
            Allocation::Blob(blob) => blob,
            Allocation::Object(object) => &object.blob,
        }
    }

    fn blob_mut(&mut self) -> &mut Box<[u8]> {
        match &mut self.slot {
            Allocation::Blob(blob) => blob,
            Allocation::Object(object) => &mut object.blob,
        }
    }

    /// Where the payload begins.
    fn start(&self) -> usize {
        let (length, at) = read_length(self.blob());
        at + length + if self.meta & HAS_EXPIRY == 0 { 0 } else { EXPIRY }
    }
}

impl Keyed for Entry {
    #[inline]
    fn key(&self) -> &[u8] {
        let blob = self.blob();
        let (length, at) = read_length(blob);
        let at = at + if self.meta & HAS_EXPIRY == 0 { 0 } else { EXPIRY };
        &blob[at..at + length]
    }

    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    fn touch(&self) -> u8 {
        dict::ends(self.blob())
    }
}

/// What the allocator takes for so many bytes: whole sixteens, with eight bytes of its own.
pub fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { ((bytes + 8).next_multiple_of(16)).max(32) }
}

fn blob_of(key: &[u8], expiry: Option<Millis>, payload: &[u8]) -> Box<[u8]> {
    let mut length = [0; 5];
    let used = write_length(&mut length, key.len());
    let expiry_bytes = if expiry.is_some() { EXPIRY } else { 0 };
    let mut blob = Vec::with_capacity(used + expiry_bytes + key.len() + payload.len());
    blob.extend_from_slice(&length[..used]);
    if let Some(when) = expiry {
        blob.extend_from_slice(&when.to_le_bytes());
        blob.extend_from_slice(&[0; EXPIRY - TIME]);
    }
    blob.extend_from_slice(key);
    blob.extend_from_slice(payload);
    blob.into_boxed_slice()
}

/// A length of up to 32 bits in base 128, the low digit first; all but the last have their top bit set.
fn write_length(out: &mut [u8; 5], mut length: usize) -> usize {
    let mut used = 0;
    while length >= 0x80 {
        out[used] = length as u8 | 0x80;
        length >>= 7;
        used += 1;
    }
    out[used] = length as u8;
    used + 1
}

/// The length at the start of `bytes`, and how many bytes spell it.
#[inline]
fn read_length(bytes: &[u8]) -> (usize, usize) {
    let mut length = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return (length, at + 1);
        }
    }
    (length, bytes.len())
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
