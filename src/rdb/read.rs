//! Reads a value, in every way in which one has ever been written, and makes it in a database.
//!
//! It goes element by element, so that of a large value no more need be there than the next element: a
//! [`ValueReader`] goes on where the bytes ran out. What is packed into one string is read when that is whole.
//!
//! Each function returns nothing if what it reads is no such value, or is not there yet ([`Reader::ran_out`]). What it
//! has made by then is for the caller to throw away.

use std::borrow::Cow;

use super::element::Element;
use super::kinds::*;
use super::stream::StreamReader;
use super::strings::Reader;
use super::{listpack, old};
use crate::keyspace::types::list::Side;
use crate::keyspace::{Db, Edit, Hash, List, Millis, Set, Stream, Zset};
use crate::text::double;

/// Reads a value, and gives it to a key, which has none. A hash all of whose fields have
/// expired leaves no key.
pub(crate) fn value(reader: &mut Reader<'_>, db: &mut Db<'_>, key: &[u8]) -> Option<()> {
    let mut value = ValueReader::new(reader.byte()?)?;
    let is_whole = value.go_on(reader, Some(&mut Place { db, key }), &mut usize::MAX.clone())?;
    (is_whole && !value.is_empty()).then_some(())
}

/// Where a value is made.
pub(super) struct Place<'d, 'a> {
    pub(super) db: &'d mut Db<'a>,
    pub(super) key: &'d [u8],
}

/// A value that is being read.
#[derive(Debug)]
pub(super) struct ValueReader {
    kind: u8,
    stage: Stage,
    /// Whether no element has been read.
    is_empty: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing has been read but the kind.
    Start,
    /// So many elements, or nodes, are still to come.
    Elements {
        left: usize,
        first_expiry: Millis,
    },
    Stream(Box<StreamReader>),
    Whole,
}

/// An element takes a unit of work, and another for so many bytes.
const UNIT: usize = 64;

impl ValueReader {
    /// A value of this kind; nothing if there is none.
    pub(super) fn new(kind: u8) -> Option<ValueReader> {
        let stage = match kind {
            STREAM_1 | STREAM_2 | STREAM => Stage::Stream(Box::new(StreamReader::new(kind))),
            STRING..=ZSET | HASH_ZIPMAP..=HASH_EXPIRING => Stage::Start,
            REDIS_HASH_EXPIRING | REDIS_HASH_LISTPACK_EXPIRING => Stage::Start,
            _ => return None,
        };
        Some(ValueReader { kind, stage, is_empty: true })
    }

    /// Whether the value has no elements, and is of a type that must have some.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Reads on, and adds what it reads to the value of a key, or to none if there is no place. Returns whether the value
    /// is whole; it may not be when the work is used up.
    pub(super) fn go_on(
        &mut self,
        reader: &mut Reader<'_>,
        mut place: Option<&mut Place<'_, '_>>,
        work: &mut usize,
    ) -> Option<bool> {
        if matches!(self.stage, Stage::Start) {
            self.begin(reader, place.as_deref_mut(), work)?;
        }
        match &mut self.stage {
            Stage::Elements { left, first_expiry } => {
                let (kind, first_expiry) = (self.kind, *first_expiry);
                more(reader, place, kind, first_expiry, left, work, &mut self.is_empty)?;
                if *left == 0 {
                    self.stage = Stage::Whole;
                }
            }
            Stage::Stream(stream) => {
                self.is_empty = false;
                if stream.go_on(reader, edit::<Stream>(place)?, work)? {
                    self.stage = Stage::Whole;
                }
            }
            Stage::Start | Stage::Whole => {}
        }
        Some(matches!(self.stage, Stage::Whole))
    }

    /// Reads how many elements there are, or all of a value that is one string.
    fn begin(
        &mut self,
        reader: &mut Reader<'_>,
        place: Option<&mut Place<'_, '_>>,
        work: &mut usize,
    ) -> Option<()> {
        let kind = self.kind;
        match kind {
            LIST | OLD_QUICKLIST | QUICKLIST | SET | OLD_ZSET | ZSET | HASH | HASH_EXPIRING
            | REDIS_HASH_EXPIRING => {
                let (first_expiry, left) = reader.whole(|reader| {
                    let first = match kind {
                        REDIS_HASH_EXPIRING => i64::from_le_bytes(reader.array()?),
                        _ => 0,
                    };
                    Some((first, reader.length()?))
                })?;
                // Whether the nodes of a list have elements is seen then.
                self.is_empty = left == 0 || matches!(kind, OLD_QUICKLIST | QUICKLIST);
                self.stage = Stage::Elements { left, first_expiry };
            }
            _ => {
                let blob = reader.whole(|reader| {
                    if kind == REDIS_HASH_LISTPACK_EXPIRING {
                        let _first: [u8; 8] = reader.array()?;
                    }
                    reader.string()
                })?;
                *work = work.saturating_sub(1 + blob.len() / UNIT);
                self.is_empty = match place {
                    Some(place) => whole(place, kind, &blob)?,
                    None => false,
                };
                self.stage = Stage::Whole;
            }
        }
        Some(())
    }
}

/// Reads elements of a value that is told one by one, or nodes of a list, and adds them.
fn more(
    reader: &mut Reader<'_>,
    place: Option<&mut Place<'_, '_>>,
    kind: u8,
    first_expiry: Millis,
    left: &mut usize,
    work: &mut usize,
    is_empty: &mut bool,
) -> Option<()> {
    match kind {
        LIST => {
            let mut list = edit::<List>(place)?;
            elements(reader, left, work, Reader::string, |element| push(&mut list, &[element]))?;
        }
        OLD_QUICKLIST | QUICKLIST => {
            let mut list = edit::<List>(place)?;
            elements(
                reader,
                left,
                work,
                |reader| node(reader, kind),
                |(container, blob)| {
                    let elements = node_elements(kind, container, &blob)?;
                    *is_empty &= elements.is_empty();
                    push(&mut list, &elements)
                },
            )?;
        }
        SET => {
            let mut set = edit::<Set>(place)?;
            let members = *left;
            elements(reader, left, work, Reader::string, |member| {
                let Some(set) = &mut set else { return Some(()) };
                if set.is_empty() {
                    set.expect(&member, members);
                }
                set.add(&member).then_some(())
            })?;
        }
        OLD_ZSET | ZSET => {
            let mut zset = edit::<Zset>(place)?;
            elements(
                reader,
                left,
                work,
                |reader| scored(reader, kind),
                |(member, score)| add_scored(&mut zset, &member, score),
            )?;
        }
        _ => {
            let mut hash = edit::<Hash>(place)?;
            elements(
                reader,
                left,
                work,
                |reader| field(reader, kind, first_expiry),
                |field: ReadField<'_>| {
                    add_field(&mut hash, &field.name, &field.value, field.expiry)
                },
            )?;
        }
    }
    Some(())
}

/// The value of a key to add to, if there is a place for it.
fn edit<'p, T: crate::keyspace::Collection>(
    place: Option<&'p mut Place<'_, '_>>,
) -> Option<Option<Edit<'p, T>>> {
    match place {
        Some(place) => place.db.edit_or_new::<T>(place.key).ok().map(Some),
        None => Some(None),
    }
}

/// Reads elements and adds them, as long as there are some and there is work to be done.
fn elements<'a, E>(
    reader: &mut Reader<'a>,
    left: &mut usize,
    work: &mut usize,
    read: impl Fn(&mut Reader<'a>) -> Option<E>,
    mut add: impl FnMut(E) -> Option<()>,
) -> Option<()> {
    while *left > 0 && *work > 0 {
        let before = reader.left();
        add(reader.whole(&read)?)?;
        *left -= 1;
        *work = work.saturating_sub(1 + (before - reader.left()) / UNIT);
    }
    Some(())
}

/// Makes a value that is one string. Returns whether it is one that must have elements and has none.
fn whole(place: &mut Place<'_, '_>, kind: u8, blob: &[u8]) -> Option<bool> {
    let elements = match kind {
        STRING => {
            place.db.set_string(place.key, blob, None);
            return Some(false);
        }
        LIST_ZIPLIST | ZSET_ZIPLIST | HASH_ZIPLIST => old::ziplist(blob)?,
        HASH_ZIPMAP => old::zipmap(blob)?,
        SET_INTSET => old::intset(blob)?,
        _ => listpack::read(blob)?,
    };
    let place = Some(place);
    match kind {
        LIST_ZIPLIST => push(&mut edit::<List>(place)?, &texts(&elements))?,
        SET_INTSET | SET_LISTPACK => {
            let members = texts(&elements);
            let added = edit::<Set>(place)??.add_all(members.iter().map(|member| &**member));
            (added == members.len()).then_some(())?;
        }
        ZSET_ZIPLIST | ZSET_LISTPACK => {
            let mut zset = edit::<Zset>(place)?;
            for [member, score] in groups(&elements)? {
                let score = match *score {
                    Element::Integer(score) => score as f64,
                    Element::Text(digits) => double::parse(digits)?,
                };
                add_scored(&mut zset, &member.text(), score)?;
            }
        }
        REDIS_HASH_LISTPACK_EXPIRING => {
            let mut hash = edit::<Hash>(place)?;
            for [name, value, when] in groups(&elements)? {
                let expiry = match when.integer()? {
                    0 => None,
                    when => (when > 0).then_some(Some(when))?,
                };
                add_field(&mut hash, &name.text(), &value.text(), expiry)?;
            }
        }
        _ => {
            let mut hash = edit::<Hash>(place)?;
            for [name, value] in groups(&elements)? {
                add_field(&mut hash, &name.text(), &value.text(), None)?;
            }
        }
    }
    Some(elements.is_empty())
}

fn texts<'a>(elements: &[Element<'a>]) -> Vec<Cow<'a, [u8]>> {
    elements.iter().map(|element| element.text()).collect()
}

/// The elements by twos or threes, none left over.
fn groups<'e, 'a, const N: usize>(elements: &'e [Element<'a>]) -> Option<&'e [[Element<'a>; N]]> {
    let (groups, rest) = elements.as_chunks();
    rest.is_empty().then_some(groups)
}

/// A node of a list: how it is written, and the string that it is.
fn node<'a>(reader: &mut Reader<'a>, kind: u8) -> Option<(usize, Cow<'a, [u8]>)> {
    let container = if kind == OLD_QUICKLIST { NODE_PACKED } else { reader.length()? };
    Some((container, reader.string()?))
}

fn node_elements(kind: u8, container: usize, blob: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    match (container, kind) {
        (NODE_PLAIN, _) => Some(vec![Cow::Borrowed(blob)]),
        (NODE_PACKED, OLD_QUICKLIST) => Some(texts(&old::ziplist(blob)?)),
        (NODE_PACKED, _) => Some(texts(&listpack::read(blob)?)),
        _ => None,
    }
}

fn push(list: &mut Option<Edit<'_, List>>, elements: &[Cow<'_, [u8]>]) -> Option<()> {
    if let Some(list) = list {
        list.push(Side::Right, elements.iter().map(|element| &**element));
    }
    Some(())
}

/// A member and its score, as text or as a double.
fn scored<'a>(reader: &mut Reader<'a>, kind: u8) -> Option<(Cow<'a, [u8]>, f64)> {
    let member = reader.string()?;
    let score = match kind {
        ZSET => f64::from_le_bytes(reader.array()?),
        _ => score_in_digits(reader)?,
    };
    Some((member, score))
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

fn add_scored(zset: &mut Option<Edit<'_, Zset>>, member: &[u8], score: f64) -> Option<()> {
    let Some(zset) = zset else { return Some(()) };
    let is_new = !score.is_nan() && zset.insert(member, score).is_none();
    is_new.then_some(())
}

/// A field that comes by itself.
struct ReadField<'a> {
    name: Cow<'a, [u8]>,
    value: Cow<'a, [u8]>,
    expiry: Option<Millis>,
}

/// A field as this kind of hash has it.
fn field<'a>(reader: &mut Reader<'a>, kind: u8, first_expiry: Millis) -> Option<ReadField<'a>> {
    // How long after the first time that the hash names, less one, or zero.
    let before = match kind {
        REDIS_HASH_EXPIRING => match reader.length()? {
            0 => None,
            after => Some(first_expiry.checked_add(i64::try_from(after).ok()? - 1)?),
        },
        _ => None,
    };
    let (name, value) = (reader.string()?, reader.string()?);
    let expiry = match kind {
        HASH_EXPIRING => match i64::from_le_bytes(reader.array()?) {
            NEVER => None,
            when => Some(when),
        },
        _ => before,
    };
    expiry.is_none_or(|when| when >= 0).then_some(ReadField { name, value, expiry })
}

/// Adds a field, which is not there yet, unless it has expired.
fn add_field(
    hash: &mut Option<Edit<'_, Hash>>,
    name: &[u8],
    value: &[u8],
    expiry: Option<Millis>,
) -> Option<()> {
    let Some(hash) = hash else { return Some(()) };
    if expiry.is_some_and(|when| when <= hash.now()) {
        return Some(());
    }
    match expiry {
        None => hash.set(name, value).then_some(()),
        Some(_) if hash.view().contains(name) => None,
        Some(when) => hash.set_until(name, value, when).then_some(()),
    }
}
