//! Reads a value, in every way in which one has ever been written, and makes it in a database.
//!
//! Each function returns nothing if what it reads is no such value; what it has made by then is for the caller to throw
//! away.

use std::borrow::Cow;

use super::element::Element;
use super::kinds::*;
use super::parts::Place;
use super::strings::Reader;
use super::{listpack, old, stream};
use crate::keyspace::types::list::Side;
use crate::keyspace::{Db, Hash, List, Millis, Set, Zset};
use crate::text::double;

/// Reads a value, and gives it to a key, which has none. A hash all of whose fields have
/// expired leaves no key.
pub(crate) fn value(reader: &mut Reader<'_>, db: &mut Db<'_>, key: &[u8]) -> Option<()> {
    let kind = reader.byte()?;
    let mut place = Place { db, key };
    match kind {
        STRING => {
            let text = reader.string()?;
            place.db.set_string(key, &text, None);
            Some(())
        }
        LIST => {
            let elements = strings(reader)?;
            list(&mut place, &elements)
        }
        LIST_ZIPLIST => {
            let blob = reader.string()?;
            list(&mut place, &texts(old::ziplist(&blob)?))
        }
        OLD_QUICKLIST | QUICKLIST => quicklist(reader, &mut place, kind),
        SET => {
            let members = strings(reader)?;
            set(&mut place, &members)
        }
        SET_INTSET | SET_LISTPACK => {
            let blob = reader.string()?;
            let members =
                if kind == SET_INTSET { old::intset(&blob)? } else { listpack::read(&blob)? };
            set(&mut place, &texts(members))
        }
        OLD_ZSET | ZSET => zset(reader, &mut place, kind),
        ZSET_ZIPLIST | ZSET_LISTPACK => {
            let blob = reader.string()?;
            let packed =
                if kind == ZSET_ZIPLIST { old::ziplist(&blob)? } else { listpack::read(&blob)? };
            packed_zset(&mut place, &packed)
        }
        HASH => hash(reader, &mut place, |_| Some(None)),
        HASH_EXPIRING => hash_expiring(reader, &mut place),
        REDIS_HASH_EXPIRING => redis_hash_expiring(reader, &mut place),
        HASH_ZIPMAP | HASH_ZIPLIST | HASH_LISTPACK => {
            let blob = reader.string()?;
            let packed = match kind {
                HASH_ZIPMAP => old::zipmap(&blob)?,
                HASH_ZIPLIST => old::ziplist(&blob)?,
                _ => listpack::read(&blob)?,
            };
            packed_hash(&mut place, &packed)
        }
        REDIS_HASH_LISTPACK_EXPIRING => {
            let _first: [u8; 8] = reader.array()?;
            let blob = reader.string()?;
            packed_hash_expiring(&mut place, &listpack::read(&blob)?)
        }
        STREAM_1 | STREAM_2 | STREAM => stream::read(reader, &mut place, kind),
        _ => None,
    }
}

/// A count and so many strings. There is at least one.
fn strings<'a>(reader: &mut Reader<'a>) -> Option<Vec<Cow<'a, [u8]>>> {
    let count = reader.length()?;
    let mut strings = Vec::new();
    for _ in 0..count {
        strings.push(reader.string()?);
    }
    (count > 0).then_some(strings)
}

fn texts(elements: Vec<Element<'_>>) -> Vec<Cow<'_, [u8]>> {
    elements.into_iter().map(Element::text).collect()
}

fn list(place: &mut Place<'_, '_>, elements: &[Cow<'_, [u8]>]) -> Option<()> {
    let mut list = place.db.edit_or_new::<List>(place.key).ok()?;
    list.push(Side::Right, elements.iter().map(|element| &**element));
    (!elements.is_empty()).then_some(())
}

/// Nodes of elements. Empty ones are passed over, but not all of them are empty.
fn quicklist(reader: &mut Reader<'_>, place: &mut Place<'_, '_>, kind: u8) -> Option<()> {
    let mut is_empty = true;
    for _ in 0..reader.length()? {
        let container = if kind == OLD_QUICKLIST { NODE_PACKED } else { reader.length()? };
        let blob = reader.string()?;
        let elements = match (container, kind) {
            (NODE_PLAIN, _) => vec![blob],
            (NODE_PACKED, OLD_QUICKLIST) => texts(old::ziplist(&blob)?),
            (NODE_PACKED, _) => texts(listpack::read(&blob)?),
            _ => return None,
        };
        if !elements.is_empty() {
            is_empty = false;
            list(place, &elements)?;
        }
    }
    (!is_empty).then_some(())
}

fn set(place: &mut Place<'_, '_>, members: &[Cow<'_, [u8]>]) -> Option<()> {
    let mut set = place.db.edit_or_new::<Set>(place.key).ok()?;
    let added = set.add_all(members.iter().map(|member| &**member));
    (added == members.len() && added > 0).then_some(())
}

/// Members and scores, each either as text or as a double.
fn zset(reader: &mut Reader<'_>, place: &mut Place<'_, '_>, kind: u8) -> Option<()> {
    let count = reader.length()?;
    let mut zset = place.db.edit_or_new::<Zset>(place.key).ok()?;
    for _ in 0..count {
        let member = reader.string()?;
        let score = match kind {
            ZSET => f64::from_le_bytes(reader.array()?),
            _ => score_in_digits(reader)?,
        };
        let is_new = !score.is_nan() && zset.insert(&member, score).is_none();
        is_new.then_some(())?;
    }
    (count > 0).then_some(())
}

/// A byte with the length of the digits; the last three are no lengths.
fn score_in_digits(reader: &mut Reader<'_>) -> Option<f64> {
    match reader.byte()? {
        255 => Some(f64::NEG_INFINITY),
        254 => Some(f64::INFINITY),
        253 => None,
        length => double::parse(reader.bytes(length.into())?),
    }
}

fn packed_zset(place: &mut Place<'_, '_>, elements: &[Element<'_>]) -> Option<()> {
    let mut zset = place.db.edit_or_new::<Zset>(place.key).ok()?;
    let pairs = elements.chunks_exact(2);
    (!elements.is_empty() && pairs.remainder().is_empty()).then_some(())?;
    for pair in pairs {
        let [member, score] = pair else { return None };
        let score = match *score {
            Element::Integer(score) => score as f64,
            Element::Text(digits) => double::parse(digits)?,
        };
        zset.insert(&member.text(), score).is_none().then_some(())?;
    }
    Some(())
}

/// Fields that come one by one; `expiry` reads what stands behind each.
fn hash<'a>(
    reader: &mut Reader<'a>,
    place: &mut Place<'_, '_>,
    expiry: impl Fn(&mut Reader<'a>) -> Option<Option<Millis>>,
) -> Option<()> {
    let count = reader.length()?;
    for _ in 0..count {
        let (name, value) = (reader.string()?, reader.string()?);
        let expiry = expiry(reader)?;
        field(place, &name, &value, expiry)?;
    }
    (count > 0).then_some(())
}

fn hash_expiring(reader: &mut Reader<'_>, place: &mut Place<'_, '_>) -> Option<()> {
    hash(reader, place, |reader| match i64::from_le_bytes(reader.array()?) {
        -1 => Some(None),
        when => (when >= 0).then_some(Some(when)),
    })
}

/// The first time at which a field expires; then fields, before each how long after that it expires, less one, or zero.
fn redis_hash_expiring(reader: &mut Reader<'_>, place: &mut Place<'_, '_>) -> Option<()> {
    let first = i64::from_le_bytes(reader.array()?);
    let count = reader.length()?;
    for _ in 0..count {
        let expiry = match reader.length()? {
            0 => None,
            after => Some(first.checked_add(i64::try_from(after).ok()? - 1)?),
        };
        (expiry.is_none_or(|when| when >= 0)).then_some(())?;
        let (name, value) = (reader.string()?, reader.string()?);
        field(place, &name, &value, expiry)?;
    }
    (count > 0).then_some(())
}

fn packed_hash(place: &mut Place<'_, '_>, elements: &[Element<'_>]) -> Option<()> {
    let pairs = elements.chunks_exact(2);
    (!elements.is_empty() && pairs.remainder().is_empty()).then_some(())?;
    for pair in pairs {
        let [name, value] = pair else { return None };
        field(place, &name.text(), &value.text(), None)?;
    }
    Some(())
}

fn packed_hash_expiring(place: &mut Place<'_, '_>, elements: &[Element<'_>]) -> Option<()> {
    let fields = elements.chunks_exact(3);
    (!elements.is_empty() && fields.remainder().is_empty()).then_some(())?;
    for each in fields {
        let [name, value, when] = each else { return None };
        let expiry = match when.integer()? {
            0 => None,
            when => (when > 0).then_some(Some(when))?,
        };
        field(place, &name.text(), &value.text(), expiry)?;
    }
    Some(())
}

/// Adds a field, which is not there yet, unless it has expired.
fn field(
    place: &mut Place<'_, '_>,
    name: &[u8],
    value: &[u8],
    expiry: Option<Millis>,
) -> Option<()> {
    if expiry.is_some_and(|when| when <= place.db.now()) {
        return Some(());
    }
    let mut hash = place.db.edit_or_new::<Hash>(place.key).ok()?;
    match expiry {
        None => hash.set(name, value).then_some(()),
        Some(_) if hash.view().contains(name) => None,
        Some(when) => hash.set_until(name, value, when).then_some(()),
    }
}
