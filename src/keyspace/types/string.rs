//! Strings: bytes, which may spell a number.
//!
//! A string is stored as it was sent, in the blob of its key. There is no form for integers: an integer
//! has one spelling, so INCR reads the digits, and writes others over them.
//!
//! A long string has memory of its own. What is sent of it is that memory and no copy, it may be what the client has
//! sent, and it has room to grow once it is changed in place, so that a log that is appended to line by line is not copied
//! for every line.
//!
//! OBJECT ENCODING tells apart what is all the same here. Valkey 9.1 decides when it stores a value, and
//! keeps to it: `settled` makes the same decision, and the [`PayloadKind`] of the entry remembers it.

use std::sync::Arc;

use super::hash;
use crate::keyspace::Db;
use crate::keyspace::blob::Millis;
use crate::keyspace::entry::{Body, Entry};
use crate::keyspace::error::Error;
use crate::keyspace::index::dict::{Keyed, hash_of};
use crate::keyspace::kind::{Kind, PayloadKind};
use crate::keyspace::large::string::LargeString;
use crate::keyspace::value::Value;
use crate::shared_bytes::SharedBytes;
use crate::text::number::{self, Spelled};

/// A longer string has memory of its own. One of 16 KiB is copied as quickly as it is sent from elsewhere.
const ROOMY: usize = 16 * 1024;

/// A string to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text<'a> {
    Bytes(&'a [u8]),
    /// One that can be held on to without a copy.
    Shared(&'a SharedBytes),
}

impl Db<'_> {
    /// The string at `key`, if there is one; an error if it holds another type.
    #[inline]
    pub fn string(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        match self.find_to_read(key) {
            Some(at) => text(self.db.entries.at(at)).map(Some),
            None => Ok(None),
        }
    }

    /// As [`Db::string`], to send it.
    #[inline]
    pub(crate) fn text(&mut self, key: &[u8]) -> Result<Option<Text<'_>>, Error> {
        let Some(at) = self.find_to_read(key) else {
            return Ok(None);
        };
        match self.db.entries.at(at).body() {
            Body::Compact(form, payload) if form.kind() == Kind::String => {
                Ok(Some(Text::Bytes(payload)))
            }
            Body::Large(Value::String(string)) => Ok(Some(Text::Shared(string.bytes()))),
            _ => Err(Error::WrongType),
        }
    }

    /// As [`Db::string`], for a command that goes on to change it: this counts as no read.
    pub fn string_to_change(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        match self.find(key) {
            Some(at) => text(self.db.entries.at(at)).map(Some),
            None => Ok(None),
        }
    }

    /// Sets `key` to a string, whatever it held before. It expires then, or never.
    #[inline]
    pub fn set_string(&mut self, key: &[u8], value: &[u8], expiry: Option<Millis>) {
        let hash = hash_of(key);
        match self.find_hashed(hash, key) {
            Some(at) => {
                let at = self.overwrite(at, PayloadKind::String, value);
                if self.db.entries.at(at).expiry() != expiry {
                    self.set_expiry_at(at, expiry);
                }
            }
            None => _ = self.add_string(hash, key, PayloadKind::String, value, expiry),
        }
    }

    /// Sets `key` to a string, whatever it held before, and lets it expire when it would have.
    pub fn replace_string(&mut self, key: &[u8], value: &[u8]) {
        self.replace(key, PayloadKind::String, value);
    }

    /// As [`Db::replace_string`], for a sum of floating point numbers: it is no integer to OBJECT
    /// ENCODING even if it looks like one.
    pub fn replace_float(&mut self, key: &[u8], sum: &[u8]) {
        self.replace(key, PayloadKind::FloatString, sum);
    }

    /// Sets `key` to a string that was put together from bytes, whatever it held before: it is `raw` to
    /// OBJECT ENCODING. It never expires.
    pub fn set_raw_string(&mut self, key: &[u8], value: &[u8]) {
        let at = self.replace(key, PayloadKind::RawString, value);
        self.set_expiry_at(at, None);
    }

    /// As [`Db::set_raw_string`]. A long string is not copied.
    pub fn set_raw_string_to(&mut self, key: &[u8], mut value: Vec<u8>) {
        if value.len() <= ROOMY {
            return self.set_raw_string(key, &value);
        }
        value.shrink_to_fit();
        let string = Value::String(LargeString::new(value));
        let hash = hash_of(key);
        let Some(at) = self.find_hashed(hash, key) else {
            let mut entry = Entry::hashed(hash, key, PayloadKind::RawString, b"", None);
            entry.set_large(string);
            self.insert(entry);
            return;
        };
        let at = self.db.record_first(self.shared, at);
        let entry = self.db.entries.at_mut(at);
        let before = entry.memory();
        let first_field = hash::next_expiry(entry);
        entry.set_form(PayloadKind::RawString);
        let old = entry.set_large(string);
        self.shared.discard(old);
        self.db.reschedule(self.shared, hash, first_field, None);
        self.resized(at, before);
        self.set_expiry_at(at, None);
    }

    /// Adds to the integer at `key`, which is 0 if there is none, and returns the sum.
    #[inline]
    pub fn add_to_integer(&mut self, key: &[u8], addend: i64) -> Result<i64, Error> {
        let hash = hash_of(key);
        let Some(at) = self.find_hashed(hash, key) else {
            self.add_string(hash, key, PayloadKind::String, &Spelled::new(addend), None);
            return Ok(addend);
        };
        let before = text(self.db.entries.at(at))?;
        let before = number::parse_i64(before).ok_or(Error::NotAnInteger)?;
        let sum = before.checked_add(addend).ok_or(Error::Overflow)?;
        self.overwrite(at, PayloadKind::String, &Spelled::new(sum));
        Ok(sum)
    }

    /// Changes the string at `key` in place, if there is one: its bytes are those of the vector from
    /// the position on that is given beside it. When it expires stays.
    pub fn edit_string<R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut Vec<u8>, usize) -> R,
    ) -> Result<Option<R>, Error> {
        let Some(at) = self.find(key) else {
            return Ok(None);
        };
        text(self.db.entries.at(at))?;
        Ok(self.edit_string_at(at, 0, change))
    }

    /// Changes the string at `key` in place. Before that it is made to have `least` bytes: missing ones
    /// are zeros, and if there is no such key, all are. The change is told whether any were missing.
    pub fn edit_string_of<R>(
        &mut self,
        key: &[u8],
        least: usize,
        change: impl FnOnce(&mut [u8], bool) -> R,
    ) -> Result<R, Error> {
        let hash = hash_of(key);
        let (at, before) = match self.find_hashed(hash, key) {
            Some(at) => (at, text(self.db.entries.at(at))?.len()),
            None => {
                let mut entry = Entry::hashed(hash, key, PayloadKind::RawString, b"", None);
                if least > ROOMY {
                    entry.set_large(Value::String(LargeString::new(vec![0; least])));
                }
                (self.insert(entry), 0)
            }
        };
        let change = |bytes: &mut Vec<u8>, start: usize| {
            lengthen(bytes, start + least);
            change(&mut bytes[start..], before < least)
        };
        self.edit_string_at(at, least, change).ok_or(Error::WrongType)
    }

    /// `None` if it is no string, which the caller has made sure of. It is about to have `least` bytes at least.
    fn edit_string_at<R>(
        &mut self,
        at: usize,
        least: usize,
        change: impl FnOnce(&mut Vec<u8>, usize) -> R,
    ) -> Option<R> {
        let at = self.db.record_first(self.shared, at);
        let entry = self.db.entries.at_mut(at);
        let before = entry.memory();
        let result = match entry.large_mut() {
            Some(Value::String(string)) => Some(string.edit(least, |bytes| change(bytes, 0))),
            Some(_) => None,
            None => entry.edit(change),
        };
        entry.set_form(PayloadKind::RawString);
        if let Body::Compact(_, payload) = entry.body()
            && payload.len() > ROOMY
        {
            let bytes = payload.to_vec();
            entry.set_large(Value::String(LargeString::new(bytes)));
        }
        self.resized(at, before);
        result
    }

    /// Returns the position of the key.
    fn replace(&mut self, key: &[u8], form: PayloadKind, value: &[u8]) -> usize {
        let hash = hash_of(key);
        match self.find_hashed(hash, key) {
            Some(at) => self.overwrite(at, form, value),
            None => self.add_string(hash, key, form, value, None),
        }
    }

    /// Adds a string whose key, with this hash, is not there yet. Returns its position.
    fn add_string(
        &mut self,
        hash: u32,
        key: &[u8],
        form: PayloadKind,
        value: &[u8],
        expiry: Option<Millis>,
    ) -> usize {
        if value.len() > ROOMY {
            let mut entry = Entry::hashed(hash, key, PayloadKind::RawString, b"", expiry);
            entry.set_large(Value::String(self.long_string(value)));
            return self.insert(entry);
        }
        let form = settled(form, key.len(), value, false);
        self.insert(Entry::hashed(hash, key, form, value, expiry))
    }

    /// A long string. It is not copied if it is nearly all of the buffer that the store may keep.
    fn long_string(&self, value: &[u8]) -> LargeString {
        LargeString::new(self.lent(value).unwrap_or_else(|| value.to_vec().into()))
    }

    fn lent(&self, value: &[u8]) -> Option<SharedBytes> {
        part_of(self.shared.lent.as_ref()?, value)
    }

    /// Sets the key at a position to a string. Returns its position, which may be another.
    #[inline]
    fn overwrite(&mut self, at: usize, form: PayloadKind, value: &[u8]) -> usize {
        let at = self.db.record_first(self.shared, at);
        let entry = self.db.entries.at_mut(at);
        let form = settled(form, entry.key().len(), value, entry.expiry().is_some());
        if entry.set_in_place(form, value) {
            // There is nothing to account for.
            self.touch_at(at);
            return at;
        }
        let before = entry.memory();
        let (hash, first_field) = (entry.hash(), hash::next_expiry(entry));
        let old = match value.len() {
            ..=ROOMY => entry.set_compact(form, value),
            _ => return self.overwrite_long(at, value),
        };
        self.shared.discard(old);
        self.db.reschedule(self.shared, hash, first_field, None);
        self.resized(at, before);
        at
    }

    /// As [`Db::overwrite`], for a long string.
    fn overwrite_long(&mut self, at: usize, value: &[u8]) -> usize {
        let lent = self.lent(value);
        let entry = self.db.entries.at_mut(at);
        if lent.is_none()
            && let Some(Value::String(string)) = entry.large_mut()
            && string.overwrite(value)
        {
            self.touch_at(at);
            return at;
        }
        let before = entry.memory();
        let (hash, first_field) = (entry.hash(), hash::next_expiry(entry));
        entry.set_form(PayloadKind::RawString);
        let string = LargeString::new(lent.unwrap_or_else(|| value.to_vec().into()));
        let old = entry.set_large(Value::String(string));
        self.shared.discard(old);
        self.db.reschedule(self.shared, hash, first_field, None);
        self.resized(at, before);
        at
    }

    /// Accounts for a change of the value at a position, which held `before` bytes.
    fn resized(&mut self, at: usize, before: usize) {
        let after = self.db.entries.at(at).memory();
        self.db.resize(self.shared, before, after);
        self.touch_at(at);
    }
}

/// Lengthens a vector with zeros, if it is shorter. Only what is long gets room for more.
fn lengthen(bytes: &mut Vec<u8>, len: usize) {
    if len > bytes.len() {
        if len <= ROOMY {
            bytes.reserve_exact(len - bytes.len());
        }
        bytes.resize(len, 0);
    }
}

/// A value as a part of the buffer that it is in, if it is in that one and nearly all that is there.
fn part_of(buffer: &Arc<Vec<u8>>, value: &[u8]) -> Option<SharedBytes> {
    let start = value.as_ptr().addr().checked_sub(buffer.as_ptr().addr())?;
    let end = start + value.len();
    let is_inside = end <= buffer.len();
    (is_inside && buffer.capacity() / 8 * 7 <= value.len())
        .then(|| SharedBytes::part(buffer, start..end))
}

/// The string in an entry; an error if the value is of another type.
#[inline]
pub(crate) fn text(entry: &Entry) -> Result<&[u8], Error> {
    match entry.body() {
        Body::Compact(form, payload) if form.kind() == Kind::String => Ok(payload),
        Body::Large(Value::String(string)) => Ok(string.bytes()),
        _ => Err(Error::WrongType),
    }
}

/// The form that a string gets when it is stored with its key: `form`, unless Valkey would find it too
/// long to lie in the same piece of memory as the key (128 bytes for both, with their headers and,
/// when it replaces the value of a key that expires, the expiry). Integers are not affected.
pub(crate) fn settled(form: PayloadKind, key: usize, value: &[u8], expires: bool) -> PayloadKind {
    const ROOM: usize = 128;
    let headers = if key < 32 { 15 } else { 17 } + if expires { 8 } else { 0 };
    let fits = headers + key + value.len() <= ROOM;
    if fits || form == PayloadKind::String && is_integer(value) {
        form
    } else {
        PayloadKind::RawString
    }
}

fn is_integer(text: &[u8]) -> bool {
    text.len() <= 20 && number::parse_i64(text).is_some()
}

/// What OBJECT ENCODING calls a string in this form. Large ones are `raw`.
pub fn encoding(form: PayloadKind, text: &[u8]) -> &'static str {
    match form {
        PayloadKind::RawString => "raw",
        PayloadKind::String if is_integer(text) => "int",
        _ => "embstr",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::keyspace::large::string::PIECE;
    use crate::keyspace::{Random, Store};

    fn encoding_of(db: &mut Db<'_>, key: &[u8]) -> &'static str {
        let at = db.find(key).unwrap();
        match db.db.entries.at(at).body() {
            Body::Compact(form, text) => encoding(form, text),
            Body::Large(_) => "raw",
        }
    }

    /// What strings are, without any of how they are stored.
    #[derive(Default)]
    struct Model {
        strings: HashMap<Vec<u8>, (Vec<u8>, Option<Millis>)>,
    }

    impl Model {
        fn get(&mut self, key: &[u8], now: Millis) -> Option<&mut Vec<u8>> {
            self.strings.retain(|_, (_, expiry)| expiry.is_none_or(|when| when > now));
            self.strings.get_mut(key).map(|(value, _)| value)
        }

        fn set(&mut self, key: &[u8], value: Vec<u8>, expiry: Option<Millis>) {
            self.strings.insert(key.to_vec(), (value, expiry));
        }

        fn replace(&mut self, key: &[u8], value: Vec<u8>) {
            let expiry = self.strings.get(key).and_then(|&(_, expiry)| expiry);
            self.set(key, value, expiry);
        }
    }

    #[test]
    fn strings_are_what_a_map_of_vectors_says() {
        let mut random = Random::seeded(11);
        let mut store = Store::new(1);
        let mut model = Model::default();
        let keys = [&b""[..], b"a", b"some key", &[b'k'; 31], &[b'k'; 32], &[b'k'; 200]];
        for now in 1..20_000 {
            store.set_now(now);
            let mut db = store.db(0);
            let key = keys[random.below(keys.len())];
            let value = match random.below(8) {
                0 => Vec::new(),
                1..4 => Spelled::new(random.next_u64() as i64 >> random.below(63)).to_vec(),
                4..7 => vec![random.next_u64() as u8; random.below(130)],
                _ => vec![random.next_u64() as u8; random.below(2 * ROOMY)],
            };
            let before = model.get(key, now).cloned();
            match random.below(10) {
                0 | 1 => {
                    let expiry = (random.below(3) == 0).then(|| now + random.below(50) as Millis);
                    db.set_string(key, &value, expiry);
                    model.set(key, value, expiry);
                }
                2 => {
                    db.replace_string(key, &value);
                    model.replace(key, value);
                }
                3 => {
                    db.set_raw_string_to(key, value.clone());
                    model.set(key, value, None);
                }
                4 => {
                    db.replace_float(key, &value);
                    model.replace(key, value);
                }
                5 | 6 => {
                    let addend = random.next_u64() as i64 >> random.below(63);
                    let spelled = before.unwrap_or_else(|| b"0".to_vec());
                    let number = str::from_utf8(&spelled).ok().and_then(|text| text.parse().ok());
                    let number = number.filter(|n: &i64| n.to_string().as_bytes() == spelled);
                    let sum = number.and_then(|number| number.checked_add(addend));
                    assert_eq!(db.add_to_integer(key, addend).ok(), sum);
                    if let Some(sum) = sum {
                        model.replace(key, sum.to_string().into_bytes());
                    }
                }
                7 => {
                    let offset = random.below(300);
                    let end = offset + value.len();
                    let edited = db.edit_string_of(key, end, |bytes, _| {
                        bytes[offset..end].copy_from_slice(&value);
                        bytes.len()
                    });
                    let mut bytes = before.unwrap_or_default();
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[offset..end].copy_from_slice(&value);
                    assert_eq!(edited.ok(), Some(bytes.len()));
                    model.replace(key, bytes);
                }
                8 => {
                    let added = db.edit_string(key, |bytes, start| {
                        bytes.extend_from_slice(&value);
                        bytes.len() - start
                    });
                    assert_eq!(
                        added.unwrap(),
                        before.as_ref().map(|text| text.len() + value.len())
                    );
                    if let Some(bytes) = before {
                        model.replace(key, [bytes, value].concat());
                    }
                }
                _ => {
                    assert_eq!(db.remove(key), model.strings.remove(key).is_some());
                }
            }
            let expected = model.get(key, now).map(|value| &*value);
            assert_eq!(db.string(key).unwrap(), expected.map(|value| &value[..]));
            let held: usize = db.db.entries.iter().map(Entry::memory).sum();
            assert_eq!(db.db.memory, held);
        }
    }

    #[test]
    fn an_integer_keeps_its_place_while_its_length_stays() {
        let mut store = Store::new(1);
        let mut db = store.db(0);
        db.set_string(b"n", b"41", None);
        let address = db.string(b"n").unwrap().unwrap().as_ptr();
        assert_eq!(db.add_to_integer(b"n", 1), Ok(42));
        assert_eq!(db.string(b"n").unwrap().unwrap().as_ptr(), address);
        assert_eq!(db.add_to_integer(b"n", 58), Ok(100));
        assert_eq!(db.add_to_integer(b"n", i64::MAX), Err(Error::Overflow));
        assert_eq!(db.string(b"n"), Ok(Some(&b"100"[..])));
        db.set_string(b"n", b"01", None);
        assert_eq!(db.add_to_integer(b"n", 1), Err(Error::NotAnInteger));
    }

    #[test]
    fn a_long_string_that_is_edited_has_room_to_grow() {
        let mut store = Store::new(1);
        let mut db = store.db(0);
        db.set_string(b"log", &[b'x'; ROOMY], None);
        let mut moves = 0;
        let mut address = 0;
        for len in ROOMY + 1..4 * ROOMY {
            db.edit_string_of(b"log", len, |bytes, _| bytes[len - 1] = b'y').unwrap();
            let now = db.string(b"log").unwrap().unwrap().as_ptr().addr();
            moves += usize::from(now != address);
            address = now;
        }
        assert!(moves <= 4, "it moved {moves} times");
        assert_eq!(encoding_of(&mut db, b"log"), "raw");
        db.set_string(b"log", b"12", None);
        assert_eq!(encoding_of(&mut db, b"log"), "int");
    }

    #[test]
    fn a_huge_string_is_freed_in_pieces() {
        let mut store = Store::new(1);
        let huge = vec![b'x'; 200 * PIECE];
        let mut db = store.db(0);
        db.set_string(b"set", &huge, None);
        db.set_string(b"edited", &huge, None);
        db.edit_string_of(b"edited", 0, |_, _| ()).unwrap();
        db.remove(b"set");
        db.remove(b"edited");
        assert!(store.unfreed() >= 2 * huge.len());
        let mut slices = 1;
        while store.free_some(64) {
            slices += 1;
        }
        assert!(slices >= 400 / 64, "freed in {slices} slices");
        assert_eq!(store.unfreed(), 0);
    }

    #[test]
    fn the_encoding_is_settled_when_a_string_is_set() {
        let mut store = Store::new(1);
        let mut db = store.db(0);
        for (value, encoding) in [
            (&b"12"[..], "int"),
            (b"-9223372036854775808", "int"),
            (b"9223372036854775808", "embstr"),
            (b"012", "embstr"),
            (b"", "embstr"),
            (&[b'x'; 112], "embstr"),
            (&[b'x'; 113], "raw"),
        ] {
            db.set_string(b"k", value, None);
            assert_eq!(encoding_of(&mut db, b"k"), encoding, "{} bytes", value.len());
        }
        // Whether the key expires matters for a value that takes another's place.
        db.set_string(b"e", &[b'x'; 112], Some(1));
        assert_eq!(encoding_of(&mut db, b"e"), "embstr");
        db.replace_string(b"e", &[b'x'; 105]);
        assert_eq!(encoding_of(&mut db, b"e"), "raw");
        db.replace_float(b"f", b"3");
        assert_eq!(encoding_of(&mut db, b"f"), "embstr");
        db.set_raw_string(b"f", b"3");
        assert_eq!(encoding_of(&mut db, b"f"), "raw");
        db.add_to_integer(b"f", 1).unwrap();
        assert_eq!(encoding_of(&mut db, b"f"), "int");
    }
}
