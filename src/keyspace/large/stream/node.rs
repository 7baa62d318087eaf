//! A node of a stream: packed entries, the first of which names the fields.
//!
//! ```text
//! ┌────────────────────────────┬───────┬───────┬───┐
//! │ names of the first entry   │ entry │ entry │ … │
//! └────────────────────────────┴───────┴───────┴───┘
//! entry: size, shape, milliseconds, number, [names with] values, size for a reader that comes from behind
//! ```
//!
//! The names are their count and, one after another, length and bytes. An entry that has the same names in the same
//! order has only its values; any other has their count and each before its value. Milliseconds are those since the
//! node's first id, and so is the number if there are none; both take as many bytes as they need. The shape says how
//! many, whether the names are left out, and whether the entry has been deleted. All lengths are [`varint`]s.
//!
//! A deleted entry keeps its place until the node goes. When a node is full is decided as in the reference, from what it
//! would take as the reference's listpack, because `MAXLEN ~` and XINFO tell.

use std::fmt;
use std::ops::ControlFlow;

use super::id::Id;
use super::index::Item;
use crate::keyspace::blob::allocated;
use crate::keyspace::compact::varint::{self, Digits};
use crate::keyspace::large::list::fill::{EMPTY_LISTPACK, listpack_integer_size, listpack_size};

/// How much a node may hold: `stream-node-max-bytes` and `stream-node-max-entries`, 0 for no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeLimits {
    pub(crate) bytes: usize,
    pub(crate) entries: usize,
}

/// No listpack of the reference is larger.
const MOST_BYTES: usize = 1 << 30;

/// A new node has no more room than this in advance.
const MOST_FORESEEN: usize = 4096;

/// Room for growth: a quarter of what there is, and no less.
const LEAST_ROOM: usize = 64;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    first: Id,
    bytes: Vec<u8>,
    /// Where the first entry begins, behind the names.
    start: usize,
    live: u32,
    deleted: u32,
    /// What the entries would take as the reference's listpack, the counts of them left out.
    size: usize,
}

const IS_DELETED: u8 = 1;
const HAS_SAME_NAMES: u8 = 2;

/// How many bytes a number takes, as three bits say it: there is no seven.
#[inline]
fn width(number: u64) -> usize {
    match (71 - number.leading_zeros() as usize) / 8 {
        7 => 8,
        width => width,
    }
}

#[inline]
fn width_of(code: u8) -> usize {
    match code & 7 {
        7 => 8,
        width => width.into(),
    }
}

#[inline]
fn code_of(width: usize) -> u8 {
    width.min(7) as u8
}

#[inline]
fn read_number(bytes: &[u8], width: usize) -> u64 {
    if let Some(word) = bytes.first_chunk::<8>() {
        let all = u64::from_le_bytes(*word);
        return if width == 8 { all } else { all & ((1 << (8 * width)) - 1) };
    }
    bytes.iter().take(width).rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[inline]
fn spelled(text: &[u8]) -> usize {
    varint::count(text.len()) + text.len()
}

#[inline]
fn push_text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(Digits::of(text.len()).as_bytes());
    bytes.extend_from_slice(text);
}

/// Takes a text off the front.
#[inline]
fn take_text<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (length, digits) = varint::read(bytes);
    let (text, rest) = bytes[digits..].split_at(length);
    *bytes = rest;
    text
}

/// What fields take in both forms.
struct Measure {
    count: usize,
    has_same_names: bool,
    names: usize,
    values: usize,
    listpack_names: usize,
    listpack_values: usize,
    /// Bytes of names and values alone.
    plain: usize,
}

impl Measure {
    fn of<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>, node: Option<&Node>) -> Measure {
        let (known, mut expected) = node.map_or((0, &[][..]), Node::names);
        let mut measure = Measure {
            count: 0,
            has_same_names: true,
            names: 0,
            values: 0,
            listpack_names: 0,
            listpack_values: 0,
            plain: 0,
        };
        for (name, value) in fields {
            measure.has_same_names = measure.has_same_names
                && (node.is_none() || measure.count < known && take_text(&mut expected) == name);
            measure.count += 1;
            measure.names += spelled(name);
            measure.values += spelled(value);
            measure.listpack_names += listpack_size(name);
            measure.listpack_values += listpack_size(value);
            measure.plain += name.len() + value.len();
        }
        measure.has_same_names &= node.is_none() || measure.count == known;
        measure
    }
}

impl Node {
    /// A node of one entry, with room for `room` bytes in all.
    pub(crate) fn of<'f>(
        id: Id,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
        room: usize,
    ) -> Node {
        let measure = Measure::of(fields.clone(), None);
        let count = Digits::of(measure.count);
        let start = count.as_bytes().len() + measure.names;
        let mut bytes = Vec::with_capacity((start + measure.values + LEAST_ROOM).max(room));
        bytes.extend_from_slice(count.as_bytes());
        fields.clone().for_each(|(name, _)| push_text(&mut bytes, name));
        let size = EMPTY_LISTPACK
            + listpack_integer_size(measure.count as i64)
            + measure.listpack_names
            + listpack_integer_size(0);
        let mut node = Node { first: id, bytes, start, live: 0, deleted: 0, size };
        node.write(id, &measure, fields);
        node
    }

    /// Adds an entry behind the others, unless the node is full.
    #[inline]
    pub(crate) fn append<'f>(
        &mut self,
        id: Id,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: NodeLimits,
    ) -> bool {
        let measure = Measure::of(fields.clone(), Some(self));
        let most = if limits.bytes == 0 { MOST_BYTES } else { limits.bytes.min(MOST_BYTES) };
        let entries = (self.live + self.deleted) as usize;
        if self.listpack_bytes() + measure.plain >= most
            || (limits.entries > 0 && entries >= limits.entries)
        {
            return false;
        }
        self.write(id, &measure, fields);
        true
    }

    fn write<'f>(
        &mut self,
        id: Id,
        measure: &Measure,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])>,
    ) {
        let ms = id.ms - self.first.ms;
        let seq = if ms == 0 { id.seq - self.first.seq } else { id.seq };
        let (ms_width, seq_width) = (width(ms), width(seq));
        let same = measure.has_same_names;
        let count = Digits::of(measure.count);
        let names = if same { 0 } else { count.as_bytes().len() + measure.names };
        let body = 1 + ms_width + seq_width + names + measure.values;
        let head = Digits::of(body);
        let before_tail = head.as_bytes().len() + body;
        let tail = Digits::of(before_tail).backwards();
        let needed = before_tail + tail.as_bytes().len();
        if self.bytes.capacity() - self.bytes.len() < needed {
            let room = (self.bytes.len() / 4).max(LEAST_ROOM);
            self.bytes.reserve_exact(needed.max(room));
        }
        let bytes = &mut self.bytes;
        bytes.extend_from_slice(head.as_bytes());
        let shape = code_of(ms_width) << 2 | code_of(seq_width) << 5;
        bytes.push(shape | if same { HAS_SAME_NAMES } else { 0 });
        bytes.extend_from_slice(&ms.to_le_bytes()[..ms_width]);
        bytes.extend_from_slice(&seq.to_le_bytes()[..seq_width]);
        if !same {
            bytes.extend_from_slice(count.as_bytes());
        }
        for (name, value) in fields {
            if !same {
                push_text(bytes, name);
            }
            push_text(bytes, value);
        }
        bytes.extend_from_slice(tail.as_bytes());
        self.live += 1;
        self.size += self.listpack_entry(id, measure);
    }

    /// What an entry would take in the reference's listpack.
    fn listpack_entry(&self, id: Id, measure: &Measure) -> usize {
        let flags = if measure.has_same_names { 2 } else { 0 };
        let count = measure.count as i64;
        let (names, elements) = match measure.has_same_names {
            true => (0, count + 3),
            false => (listpack_integer_size(count) + measure.listpack_names, 2 * count + 4),
        };
        listpack_integer_size(flags)
            + listpack_integer_size(id.ms.wrapping_sub(self.first.ms) as i64)
            + listpack_integer_size(id.seq.wrapping_sub(self.first.seq) as i64)
            + names
            + measure.listpack_values
            + listpack_integer_size(elements)
    }

    /// What the node would take as the reference's listpack.
    fn listpack_bytes(&self) -> usize {
        self.size
            + listpack_integer_size(self.live.into())
            + listpack_integer_size(self.deleted.into())
    }

    /// How many names the first entry has, and those.
    #[inline]
    fn names(&self) -> (usize, &[u8]) {
        let (count, digits) = varint::read(&self.bytes);
        (count, &self.bytes[digits..self.start])
    }

    /// How many entries have not been deleted.
    pub(crate) fn live(&self) -> usize {
        self.live as usize
    }

    /// Gives up what room there is: the node is full. Returns how many bytes the next one may need.
    pub(crate) fn settle(&mut self) -> usize {
        self.bytes.shrink_to_fit();
        self.bytes.len().min(MOST_FORESEEN)
    }

    /// The id of the last entry, even if that was deleted.
    pub(crate) fn last_id(&self) -> Id {
        self.raw_before(self.bytes.len()).map_or(self.first, |raw| raw.id)
    }

    /// Where the first entry begins.
    pub(crate) fn front(&self) -> usize {
        self.start
    }

    /// Where the last entry ends.
    pub(crate) fn back(&self) -> usize {
        self.bytes.len()
    }

    /// The entry that begins at an offset.
    #[inline]
    fn raw_at(&self, at: usize) -> Option<Raw<'_>> {
        let bytes = self.bytes.get(at..).filter(|bytes| !bytes.is_empty())?;
        let (body, digits) = varint::read(bytes);
        let shape_at = at + digits;
        let whole = digits + body;
        let shape = *bytes.get(digits)?;
        let (ms_width, seq_width) = (width_of(shape >> 2), width_of(shape >> 5));
        let numbers = &bytes[digits + 1..];
        let ms = read_number(numbers, ms_width);
        let seq = read_number(&numbers[ms_width..], seq_width);
        let id = match ms {
            0 => Id::new(self.first.ms, self.first.seq.wrapping_add(seq)),
            _ => Id::new(self.first.ms.wrapping_add(ms), seq),
        };
        let fields = &bytes[digits + 1 + ms_width + seq_width..whole];
        Some(Raw { id, shape, shape_at, at, end: at + whole + varint::count(whole), fields })
    }

    /// The entry that ends at an offset.
    #[inline]
    fn raw_before(&self, end: usize) -> Option<Raw<'_>> {
        if end <= self.start {
            return None;
        }
        let (whole, digits) = varint::read_backwards(&self.bytes[..end]);
        self.raw_at(end - digits - whole)
    }

    /// The next entry from an offset on that has not been deleted, and where it ends.
    #[inline]
    pub(crate) fn next(&self, mut at: usize) -> Option<(StreamEntry<'_>, usize)> {
        loop {
            let raw = self.raw_at(at)?;
            if !raw.is_deleted() {
                return Some((self.entry(&raw), raw.end));
            }
            at = raw.end;
        }
    }

    /// The last entry before an offset that has not been deleted, and where it begins.
    #[inline]
    pub(crate) fn previous(&self, mut end: usize) -> Option<(StreamEntry<'_>, usize)> {
        loop {
            let raw = self.raw_before(end)?;
            if !raw.is_deleted() {
                return Some((self.entry(&raw), raw.at));
            }
            end = raw.at;
        }
    }

    /// Where the first entry begins whose id is not smaller, or a deleted one in front of it: the end if there is none.
    /// Looked for from both ends by turns, since readers are near the last entry more often than not. The ids of deleted
    /// entries are in no order: XSETID may set the last id below them, and they may come again.
    pub(crate) fn seek(&self, id: Id) -> usize {
        let (mut at, mut end) = (self.start, self.bytes.len());
        loop {
            match self.raw_at(at) {
                Some(raw) if raw.id < id || raw.is_deleted() => at = raw.end,
                _ => return at,
            }
            match self.raw_before(end) {
                Some(raw) if raw.id >= id || raw.is_deleted() => end = raw.at,
                _ => return end,
            }
        }
    }

    /// Where the last entry ends whose id is not greater.
    pub(crate) fn seek_back(&self, id: Id) -> usize {
        id.next().map_or(self.bytes.len(), |next| self.seek(next))
    }

    /// The entry with this id, unless it has been deleted.
    fn find(&self, id: Id) -> Option<Raw<'_>> {
        let mut at = self.seek(id);
        loop {
            match self.raw_at(at)? {
                raw if raw.is_deleted() => at = raw.end,
                raw => return (raw.id == id).then_some(raw),
            }
        }
    }

    /// The entry with this id.
    pub(crate) fn get(&self, id: Id) -> Option<StreamEntry<'_>> {
        self.find(id).map(|raw| self.entry(&raw))
    }

    /// Deletes the entry with this id. Returns whether it was there.
    pub(crate) fn delete(&mut self, id: Id) -> bool {
        let Some(at) = self.find(id).map(|raw| raw.shape_at) else {
            return false;
        };
        self.bytes[at] |= IS_DELETED;
        self.live -= 1;
        self.deleted += 1;
        true
    }

    /// Deletes entries from the front on, for as long as `goes` says so of an id. Returns how many.
    pub(crate) fn delete_front(&mut self, mut goes: impl FnMut(Id) -> bool) -> usize {
        self.delete_among(|id| match goes(id) {
            true => ControlFlow::Continue(true),
            false => ControlFlow::Break(()),
        })
    }

    /// Deletes those entries of which `goes` says so, from the front on until it breaks. Returns how many.
    pub(crate) fn delete_among(
        &mut self,
        mut goes: impl FnMut(Id) -> ControlFlow<(), bool>,
    ) -> usize {
        let (mut at, mut count) = (self.start, 0);
        while let Some(raw) = self.raw_at(at) {
            let (shape_at, end) = (raw.shape_at, raw.end);
            if raw.shape & IS_DELETED == 0 {
                match goes(raw.id) {
                    ControlFlow::Break(()) => break,
                    ControlFlow::Continue(false) => {}
                    ControlFlow::Continue(true) => {
                        self.bytes[shape_at] |= IS_DELETED;
                        count += 1;
                    }
                }
            }
            at = end;
        }
        self.live -= count as u32;
        self.deleted += count as u32;
        count
    }

    #[inline]
    fn entry<'a>(&'a self, raw: &Raw<'a>) -> StreamEntry<'a> {
        let (count, names, values) = if raw.shape & HAS_SAME_NAMES != 0 {
            let (count, names) = self.names();
            (count, Some(names), raw.fields)
        } else {
            let (count, digits) = varint::read(raw.fields);
            (count, None, &raw.fields[digits..])
        };
        StreamEntry { id: raw.id, fields: Fields { names, values, left: count } }
    }
}

impl Item for Node {
    fn id(&self) -> Id {
        self.first
    }

    fn weight(&self) -> usize {
        self.live()
    }

    fn heap(&self) -> usize {
        allocated(self.bytes.capacity())
    }
}

/// An entry as it is packed.
struct Raw<'a> {
    id: Id,
    shape: u8,
    shape_at: usize,
    at: usize,
    end: usize,
    /// Its values, or the count of its fields, and those.
    fields: &'a [u8],
}

impl Raw<'_> {
    #[inline]
    fn is_deleted(&self) -> bool {
        self.shape & IS_DELETED != 0
    }
}

/// An entry of a stream.
#[derive(Clone, Copy)]
pub struct StreamEntry<'a> {
    pub id: Id,
    fields: Fields<'a>,
}

impl<'a> StreamEntry<'a> {
    /// The names of the fields and their values, in their order.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        self.fields
    }
}

impl PartialEq for StreamEntry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.fields().eq(other.fields())
    }
}

impl fmt::Debug for StreamEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |(name, value): (&[u8], &[u8])| {
            (name.escape_ascii().to_string(), value.escape_ascii().to_string())
        };
        write!(f, "{} {:?}", self.id, self.fields().map(text).collect::<Vec<_>>())
    }
}

/// Fields of an entry: names and values.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The names, if they do not stand before their values.
    names: Option<&'a [u8]>,
    values: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => take_text(names),
            None => take_text(&mut self.values),
        };
        Some((name, take_text(&mut self.values)))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

#[cfg(test)]
impl Node {
    /// Panics if what the node says of itself is not so.
    pub(crate) fn check(&self) {
        let mut at = self.start;
        let (mut live, mut deleted) = (0, 0);
        let (mut last, mut last_live) = (None, None);
        while let Some(raw) = self.raw_at(at) {
            assert_eq!(self.raw_before(raw.end).map(|raw| raw.at), Some(at));
            assert!(last_live < Some(raw.id));
            last = Some(raw.id);
            if raw.is_deleted() {
                deleted += 1;
            } else {
                (live, last_live) = (live + 1, last);
            }
            at = raw.end;
        }
        assert_eq!((self.live, self.deleted, Some(self.last_id())), (live, deleted, last));
    }
}
