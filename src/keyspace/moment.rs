//! A moment of the keyspace: what receives it, key by key.

use std::any::Any;

use super::keys::KeyInfo;
use super::{Kind, Millis, Part, PastUse};

/// Receives what the keyspace was at one moment, key by key, in any order.
pub trait Recorder: Send + Any {
    /// A whole key. It may come between the begin and the end of another.
    fn key(&mut self, key: &KeyRecord<'_>, value: KeyInfo<'_>);
    /// A large value, which is told in parts: `begin`, so many `part`s, `end`. One at a time.
    fn begin(&mut self, key: &KeyRecord<'_>, value: Outline);
    fn part(&mut self, part: Part<'_>);
    fn end(&mut self);
    /// Bytes that wait to be written.
    fn waiting(&self) -> usize;
}

/// What is recorded of a key beside its value.
#[derive(Debug, Clone, Copy)]
pub struct KeyRecord<'a> {
    pub db: usize,
    pub key: &'a [u8],
    pub expiry: Option<Millis>,
    pub past: PastUse,
}

/// What is known of a large value before its parts.
#[derive(Debug, Clone, Copy)]
pub struct Outline {
    pub kind: Kind,
    /// How many elements it has: members, fields, elements, entries.
    pub parts: usize,
    /// Whether some field expires.
    pub expires: bool,
}
