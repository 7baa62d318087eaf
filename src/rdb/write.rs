//! Writes a value: the byte that says how, and its parts as it wants them.
//!
//! A collection that is compact is written as the one string which the reference has for it, a large one element by
//! element. What has no order comes as it lies.

use super::kinds::*;
use super::listpack::ListpackMut;
use super::parts::each;
use super::stream;
use super::strings::{push_length, push_string, push_text};
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::{Fill, Kind, Limits, Part};
use crate::text::{double, number};

/// Appends a value.
pub(crate) fn value(out: &mut Vec<u8>, value: KeyInfo<'_>, limits: Limits) {
    match (value.kind(), value.encoding()) {
        (Kind::String, _) => {
            out.push(STRING);
            each(value, |part| {
                if let Part::Text(text) = part {
                    push_text(out, text);
                }
            });
        }
        (Kind::List, form) => list(out, value, (form != "listpack").then_some(limits)),
        (Kind::Set, "intset") => intset(out, value),
        (Kind::Set, "listpack") => packed(out, SET_LISTPACK, value),
        (Kind::Zset, "listpack") => packed(out, ZSET_LISTPACK, value),
        (Kind::Hash, "listpack") => packed(out, HASH_LISTPACK, value),
        (Kind::Set, _) => set(out, value),
        (Kind::Zset, _) => zset(out, value),
        (Kind::Hash, _) => hash(out, value),
        (Kind::Stream, _) => stream::write(out, value, limits),
    }
}

/// All parts in one listpack.
fn packed(out: &mut Vec<u8>, kind: u8, value: KeyInfo<'_>) {
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
    out.push(kind);
    push_string(out, &listpack.finish());
}

/// A list as nodes: one, or as many as the limits make of it.
fn list(out: &mut Vec<u8>, value: KeyInfo<'_>, limits: Option<Limits>) {
    let fill = limits.map(|limits| Fill::new(limits.list_max_listpack_size));
    let (mut nodes, mut count, mut node) = (Vec::new(), 0, ListpackMut::new());
    let mut end = |nodes: &mut Vec<u8>, node: &mut ListpackMut| {
        if node.len() > 0 {
            count += 1;
            push_length(nodes, NODE_PACKED);
            push_string(nodes, &std::mem::replace(node, ListpackMut::new()).finish());
        }
    };
    let mut plain = 0;
    each(value, |part| {
        let Part::Element(element) = part else { return };
        if fill.is_some_and(|fill| fill.is_large(element.len())) {
            end(&mut nodes, &mut node);
            plain += 1;
            push_length(&mut nodes, NODE_PLAIN);
            push_string(&mut nodes, element);
            return;
        }
        if fill.is_some_and(|fill| !fill.takes(element.len(), node.size(), node.len())) {
            end(&mut nodes, &mut node);
        }
        node.push(element);
    });
    end(&mut nodes, &mut node);
    out.push(QUICKLIST);
    push_length(out, count + plain);
    out.extend(nodes);
}

/// A set of integers: how many bytes each takes, how many there are, and all of them, the lowest first.
fn intset(out: &mut Vec<u8>, value: KeyInfo<'_>) {
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
    out.push(SET_INTSET);
    push_string(out, &blob);
}

fn set(out: &mut Vec<u8>, value: KeyInfo<'_>) {
    out.push(SET);
    push_length(out, value.elements());
    each(value, |part| {
        if let Part::Member(member) = part {
            push_text(out, member);
        }
    });
}

/// A sorted set, the highest score first.
fn zset(out: &mut Vec<u8>, value: KeyInfo<'_>) {
    out.push(ZSET);
    push_length(out, value.elements());
    let (mut ascending, mut starts) = (Vec::new(), Vec::new());
    each(value, |part| {
        if let Part::Scored { member, score } = part {
            starts.push(ascending.len());
            push_text(&mut ascending, member);
            ascending.extend(score.to_le_bytes());
        }
    });
    let mut end = ascending.len();
    for &start in starts.iter().rev() {
        out.extend_from_slice(&ascending[start..end]);
        end = start;
    }
}

/// A hash, with the time at which each field expires if any does.
fn hash(out: &mut Vec<u8>, value: KeyInfo<'_>) {
    let (mut count, mut expires) = (0, false);
    each(value, |part| {
        if let Part::Field(field) = part {
            count += 1;
            expires |= field.expiry.is_some();
        }
    });
    out.push(if expires { HASH_EXPIRING } else { HASH });
    push_length(out, count);
    each(value, |part| {
        if let Part::Field(field) = part {
            push_text(out, field.name);
            push_text(out, field.value);
            if expires {
                out.extend(field.expiry.unwrap_or(-1).to_le_bytes());
            }
        }
    });
}
