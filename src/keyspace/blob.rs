//! A key, its expiry and its value in one allocation.
//!
//! ```text
//! ┌─────────────┬───────────────────────────┬─────┬─────────┐
//! │ key length  │ expiry: 12 bytes, or none │ key │ payload │
//! └─────────────┴───────────────────────────┴─────┴─────────┘
//! ```
//!
//! The key length is a [`varint`]. An expiry is a time, and by how many milliseconds it has been put off since
//! it was listed ([`super::index::expiries`]). What the payload is depends on the type: a string's bytes, or
//! the compact form of a collection ([`super::compact::packed`], [`super::compact::intset`]).
//!
//! Whether there is an expiry, the owner of a blob knows, and says so in every call: a bit for it in here
//! would cost a byte of most keys.

use super::compact::varint::{self, Digits};

/// Milliseconds since 1970.
pub type Millis = i64;

/// What the allocator takes for so many bytes: whole sixteens, with eight bytes of its own.
#[inline]
pub fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { ((bytes + 8).next_multiple_of(16)).max(32) }
}

/// Key, expiry and payload.
#[derive(Debug, Clone, Default)]
pub struct Blob(Box<[u8]>);

/// The bytes of an expiry: its time, and by how much it has been put off.
const EXPIRY: usize = TIME + 4;
const TIME: usize = 8;

impl Blob {
    pub fn new(key: &[u8], expiry: Option<Millis>, payload: &[u8]) -> Blob {
        let length = Digits::of(key.len());
        let expiry_bytes = if expiry.is_some() { EXPIRY } else { 0 };
        let size = length.as_bytes().len() + expiry_bytes + key.len() + payload.len();
        let mut blob = Vec::with_capacity(size);
        blob.extend_from_slice(length.as_bytes());
        if let Some(when) = expiry {
            blob.extend_from_slice(&when.to_le_bytes());
            blob.extend_from_slice(&[0; EXPIRY - TIME]);
        }
        blob.extend_from_slice(key);
        blob.extend_from_slice(payload);
        Blob(blob.into_boxed_slice())
    }

    #[inline]
    pub fn key(&self, expires: bool) -> &[u8] {
        let (length, at) = varint::read(&self.0);
        let at = at + if expires { EXPIRY } else { 0 };
        &self.0[at..at + length]
    }

    #[inline]
    pub fn payload(&self, expires: bool) -> &[u8] {
        &self.0[self.start(expires)..]
    }

    /// Where the payload begins.
    #[inline]
    fn start(&self, expires: bool) -> usize {
        let (length, at) = varint::read(&self.0);
        at + length + if expires { EXPIRY } else { 0 }
    }

    /// The expiry, and by how much it has been put off. The blob is one that expires.
    #[inline]
    pub fn timing(&self) -> Option<(Millis, u32)> {
        let (_, at) = varint::read(&self.0);
        let (when, delay) = self.0.get(at..at + EXPIRY)?.split_at(TIME);
        let delay = u32::from_le_bytes(delay.try_into().ok()?);
        Some((Millis::from_le_bytes(when.try_into().ok()?), delay))
    }

    /// Replaces the expiry. The blob is one that expires.
    pub fn set_timing(&mut self, when: Millis, delay: u32) {
        let (_, at) = varint::read(&self.0);
        let (time, put_off) = self.0[at..at + EXPIRY].split_at_mut(TIME);
        time.copy_from_slice(&when.to_le_bytes());
        put_off.copy_from_slice(&delay.to_le_bytes());
    }

    /// Overwrites the payload with one of the same length. Returns false, and changes nothing, if its length
    /// is another.
    #[inline]
    pub fn overwrite(&mut self, expires: bool, payload: &[u8]) -> bool {
        let start = self.start(expires);
        let fits = self.0.len() == start + payload.len();
        if fits {
            self.0[start..].copy_from_slice(payload);
        }
        fits
    }

    /// Replaces the payload.
    pub fn set_payload(&mut self, expires: bool, payload: &[u8]) {
        self.edit(expires, |bytes, start| {
            bytes.truncate(start);
            bytes.reserve_exact(payload.len());
            bytes.extend_from_slice(payload);
        });
    }

    /// Edits the payload as a vector: its bytes begin where the closure is told.
    pub fn edit<R>(&mut self, expires: bool, change: impl FnOnce(&mut Vec<u8>, usize) -> R) -> R {
        let start = self.start(expires);
        let mut bytes = std::mem::take(&mut self.0).into_vec();
        let result = change(&mut bytes, start);
        self.0 = bytes.into_boxed_slice();
        result
    }

    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Box<[u8]> {
        self.0
    }

    /// Bytes of memory that the blob holds.
    #[inline]
    pub fn memory(&self) -> usize {
        allocated(self.0.len())
    }

    /// Where in memory it lies.
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}
