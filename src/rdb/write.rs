//! Writes a value: the byte that says how, and its parts as it wants them.
//!
//! A collection that is compact is written as the one string which the reference has for it, a large one element by
//! element. What has no order comes as it lies.

use std::ops::ControlFlow;

use super::kinds::*;
use super::listpack::ListpackMut;
use super::parts::each;
use super::stream;
use super::strings::{Sink, push_length, push_text};
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::{Fill, Kind, Limits, Millis, Part};
use crate::text::{double, number};

/// Which servers are to read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Dialect {
    /// Valkey 9: version 80.
    #[default]
    Valkey,
    /// Redis 7.0 and all that came after it: version 10. It has no sets as listpacks, does not know when a consumer
    /// was active, and fields of hashes never expire: those that have not expired yet are written to stay, since data that
    /// stays too long can be told and removed, and data that is gone cannot be had back.
    Redis,
    /// Redis 7.4 and all that came after it: version 12, in which fields expire.
    Redis74,
}

/// The time that [`REDIS_HASH_EXPIRING`] counts those of fields from, as the first of them would be one later. It is told
/// before any field is known.
const FIRST_EXPIRY: i64 = 1;

/// How a value is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) dialect: Dialect,
    pub(crate) limits: Limits,
    /// Fields that have expired by then are left out of a hash that is written without the times at which they do.
    pub(crate) now: Millis,
}

/// Appends a value as a payload has it. As in the reference, fields that have expired and are still there are in it.
pub(crate) fn value(out: &mut Vec<u8>, value: KeyInfo<'_>, limits: Limits) {
    let form = Form { dialect: Dialect::Valkey, limits, now: Millis::MIN };
    let value = value.with_expired();
    out.push(kind(value, form));
    body(out, value, form);
}

/// The byte that says how a value is written.
pub(super) fn kind(value: KeyInfo<'_>, form: Form) -> u8 {
    match (value.kind(), value.encoding()) {
        (Kind::String, _) => STRING,
        (Kind::List, _) => QUICKLIST,
        (Kind::Set, "intset") => SET_INTSET,
        (Kind::Set, "listpack") if form.dialect != Dialect::Redis => SET_LISTPACK,
        (Kind::Set, _) => SET,
        (Kind::Zset, "listpack") => ZSET_LISTPACK,
        (Kind::Zset, _) => ZSET,
        (Kind::Hash, "listpack") => HASH_LISTPACK,
        (Kind::Hash, _) => match form.dialect {
            Dialect::Valkey if has_expiring_fields(value) => HASH_EXPIRING,
            Dialect::Redis74 if has_expiring_fields(value) => REDIS_HASH_EXPIRING,
            _ => HASH,
        },
        (Kind::Stream, _) => match form.dialect {
            Dialect::Valkey | Dialect::Redis74 => STREAM,
            Dialect::Redis => STREAM_2,
        },
    }
}

/// Appends what stands behind the byte that [`kind`] says, and, in a file, the key.
pub(super) fn body<S: Sink>(out: &mut S, value: KeyInfo<'_>, form: Form) {
    match kind(value, form) {
        STRING => each(value, |part| element(out, part, STRING)),
        QUICKLIST => {
            let limits = (value.encoding() != "listpack").then_some(form.limits);
            list(out, value, limits);
        }
        SET_INTSET => intset(out, value),
        SET_LISTPACK | ZSET_LISTPACK | HASH_LISTPACK => packed(out, value),
        ZSET => zset(out, value),
        kind @ (STREAM | STREAM_2) => stream::write(out, value, form.limits, kind),
        kind => elements(out, value, kind, form.now),
    }
}

/// The byte that says how a value is written that is told in parts: element by element, but for a
/// stream.
pub(super) fn kind_in_parts(kind: Kind, expires: bool, dialect: Dialect) -> u8 {
    match (kind, dialect) {
        (Kind::String, _) => STRING,
        (Kind::List, _) => LIST,
        (Kind::Set, _) => SET,
        (Kind::Zset, _) => ZSET,
        (Kind::Hash, Dialect::Valkey) if expires => HASH_EXPIRING,
        (Kind::Hash, Dialect::Redis74) if expires => REDIS_HASH_EXPIRING,
        (Kind::Hash, _) => HASH,
        (Kind::Stream, Dialect::Valkey | Dialect::Redis74) => STREAM,
        (Kind::Stream, Dialect::Redis) => STREAM_2,
    }
}

/// Appends how many parts come, and what stands before that.
pub(super) fn push_parts<S: Sink>(out: &mut S, kind: u8, parts: usize) {
    if kind == REDIS_HASH_EXPIRING {
        out.bytes().extend_from_slice(&FIRST_EXPIRY.to_le_bytes());
    }
    push_length(out.bytes(), parts);
}

/// Appends an element of a value of this kind.
#[inline]
pub(super) fn element<S: Sink>(out: &mut S, part: Part<'_>, kind: u8) {
    match part {
        Part::Text(text) | Part::Element(text) | Part::Member(text) => push_text(out, text),
        Part::Scored { member, score } => {
            push_text(out, member);
            out.bytes().extend_from_slice(&score.to_le_bytes());
        }
        Part::Field(field) => {
            if kind == REDIS_HASH_EXPIRING {
                let since = field.expiry.map_or(0, |when| when - FIRST_EXPIRY + 1);
                push_length(out.bytes(), usize::try_from(since).unwrap_or(1));
            }
            push_text(out, field.name);
            push_text(out, field.value);
            if kind == HASH_EXPIRING {
                out.bytes().extend_from_slice(&field.expiry.unwrap_or(NEVER).to_le_bytes());
            }
        }
        _ => {}
    }
}

fn has_expiring_fields(value: KeyInfo<'_>) -> bool {
    let found = value.visit(|part| match part {
        Part::Field(field) if field.expiry.is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// All parts in one listpack.
fn packed<S: Sink>(out: &mut S, value: KeyInfo<'_>) {
    let mut listpack = ListpackMut::new();
    each(value, |part| match part {
        Part::Member(member) => listpack.push(member),
        Part::Scored { member, score } => {
            listpack.push(member);
            match double::whole(score) {
                Some(score) => listpack.push_integer(score),
                None => {
                    let mut digits = Vec::new();
                    double::push(&mut digits, score);
                    listpack.push(&digits);
                }
            }
        }
        Part::Field(field) => {
            listpack.push(field.name);
            listpack.push(field.value);
        }
        _ => {}
    });
    out.string(&listpack.finish());
}

/// A list as nodes: one, or as many as the limits make of it.
fn list<S: Sink>(out: &mut S, value: KeyInfo<'_>, limits: Option<Limits>) {
    let fill = limits.map(|limits| Fill::new(limits.list_max_listpack_size));
    let (mut nodes, mut count, mut node) = (S::default(), 0, ListpackMut::new());
    let mut end = |nodes: &mut S, node: &mut ListpackMut| {
        if node.len() > 0 {
            count += 1;
            push_length(nodes.bytes(), NODE_PACKED);
            nodes.string(&std::mem::replace(node, ListpackMut::new()).finish());
        }
    };
    let mut plain = 0;
    each(value, |part| {
        let Part::Element(element) = part else { return };
        if fill.is_some_and(|fill| fill.is_large(element.len())) {
            end(&mut nodes, &mut node);
            plain += 1;
            push_length(nodes.bytes(), NODE_PLAIN);
            nodes.string(element);
            return;
        }
        if fill.is_some_and(|fill| !fill.takes(element.len(), node.size(), node.len())) {
            end(&mut nodes, &mut node);
        }
        node.push(element);
    });
    end(&mut nodes, &mut node);
    push_length(out.bytes(), count + plain);
    out.append(nodes);
}

/// A set of integers: how many bytes each takes, how many there are, and all of them, the lowest first.
fn intset<S: Sink>(out: &mut S, value: KeyInfo<'_>) {
    let mut integers = Vec::new();
    each(value, |part| {
        if let Part::Member(member) = part {
            integers.extend(number::parse_i64(member));
        }
    });
    integers.sort_unstable();
    let fits =
        |bits: u32| integers.iter().all(|&n: &i64| n >> (bits - 1) == 0 || n >> (bits - 1) == -1);
    let width: u32 = if fits(16) {
        2
    } else if fits(32) {
        4
    } else {
        8
    };
    let mut blob = width.to_le_bytes().to_vec();
    blob.extend((integers.len() as u32).to_le_bytes());
    integers.iter().for_each(|n| blob.extend(&n.to_le_bytes()[..width as usize]));
    out.string(&blob);
}

/// A sorted set, the highest score first.
fn zset<S: Sink>(out: &mut S, value: KeyInfo<'_>) {
    push_length(out.bytes(), value.elements());
    for (member, score) in value.zset().into_iter().flat_map(|zset| zset.iter().rev()) {
        element(out, Part::Scored { member, score }, ZSET);
    }
}

/// A set, or a hash, with the time at which each field expires if any does.
fn elements<S: Sink>(out: &mut S, value: KeyInfo<'_>, kind: u8, now: Millis) {
    let is_told = |part: Part<'_>| kind != HASH || !has_expired(part, now);
    let mut count = 0;
    each(value, |part| count += usize::from(is_told(part)));
    push_parts(out, kind, count);
    each(value, |part| {
        if is_told(part) {
            element(out, part, kind);
        }
    });
}

/// Whether it is a field that has expired by then.
pub(super) fn has_expired(part: Part<'_>, now: Millis) -> bool {
    matches!(part, Part::Field(field) if field.expiry.is_some_and(|when| when <= now))
}
