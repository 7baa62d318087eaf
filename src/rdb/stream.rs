//! Streams: nodes of packed entries, counters, and groups with their consumers and what is pending for them.
//!
//! A node is a string of sixteen bytes, the id that those of its entries are told from, and a listpack. That begins with
//! how many entries there are and how many more were deleted, then the count of the names of the first entry, these
//! names, and 0. An entry is its flags, how far its two numbers are from the node's, its fields (the values alone, if
//! the names are the node's), and of how many elements all that was.

use super::chunk::Sink;
use super::element::Element;
use super::kinds::{NEVER, STREAM, STREAM_1};
use super::listpack::{self, ListpackMut};
use super::parts::{Place, each};
use super::strings::{Reader, push_length};
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::types::stream::{ConsumerId, Counters, Id, Pending, StreamEntry};
use crate::keyspace::{Edit, Limits, Millis, Part, Stream};

const IS_DELETED: i64 = 1;
const HAS_SAME_NAMES: i64 = 2;

/// A group that has read an unknown number of entries has this for it.
const UNKNOWN: u64 = u64::MAX;
/// No listpack grows larger.
const MOST_BYTES: usize = 1 << 30;

/// A node as it is written.
struct NodeMut {
    first: Id,
    names: Vec<Box<[u8]>>,
    head: ListpackMut,
    entries: ListpackMut,
    count: usize,
}

impl NodeMut {
    /// A node that begins with this entry, which is not in it yet.
    fn new(entry: &StreamEntry<'_>) -> NodeMut {
        let names: Vec<Box<[u8]>> = entry.fields().map(|(name, _)| name.into()).collect();
        let mut head = ListpackMut::new();
        head.push_integer(names.len() as i64);
        names.iter().for_each(|name| head.push(name));
        head.push_integer(0);
        NodeMut { first: entry.id, names, head, entries: ListpackMut::new(), count: 0 }
    }

    fn has_room(&self, entry: &StreamEntry<'_>, limits: Limits) -> bool {
        let plain: usize = entry.fields().map(|(name, value)| name.len() + value.len()).sum();
        let size = self.head.size() + self.entries.size() + plain;
        let most = match limits.stream_node_max_bytes as usize {
            0 => MOST_BYTES,
            most => most.min(MOST_BYTES),
        };
        let entries = limits.stream_node_max_entries;
        size < most && (entries == 0 || self.count < entries)
    }

    fn push(&mut self, entry: &StreamEntry<'_>) {
        let names = entry.fields().map(|(name, _)| name);
        let is_same = names.eq(self.names.iter().map(|name| &**name));
        let before = self.entries.len();
        self.entries.push_integer(if is_same { HAS_SAME_NAMES } else { 0 });
        self.entries.push_integer(entry.id.ms.wrapping_sub(self.first.ms) as i64);
        self.entries.push_integer(entry.id.seq.wrapping_sub(self.first.seq) as i64);
        if !is_same {
            self.entries.push_integer(entry.fields().len() as i64);
        }
        for (name, value) in entry.fields() {
            if !is_same {
                self.entries.push(name);
            }
            self.entries.push(value);
        }
        self.entries.push_integer((self.entries.len() - before) as i64);
        self.count += 1;
    }

    fn finish<S: Sink>(self, out: &mut S) {
        let mut listpack = ListpackMut::new();
        listpack.push_integer(self.count as i64);
        listpack.push_integer(0);
        listpack.append(&self.head);
        listpack.append(&self.entries);
        out.string(&self.first.to_bits().to_be_bytes());
        out.string(&listpack.finish());
    }
}

/// A group as it is written.
struct GroupMut {
    name: Vec<u8>,
    last_id: Id,
    entries_read: Option<u64>,
    pending: Vec<(Id, Millis, u64)>,
    consumers: Vec<ConsumerMut>,
}

/// A consumer as it is written, with the ids that are pending for it.
struct ConsumerMut {
    name: Vec<u8>,
    seen_at: Millis,
    active_at: Option<Millis>,
    ids: Vec<Id>,
}

impl GroupMut {
    fn finish<S: Sink>(mut self, out: &mut S, kind: u8) {
        out.string(&self.name);
        push_id(out.bytes(), self.last_id);
        push_length(out.bytes(), self.entries_read.unwrap_or(UNKNOWN) as usize);
        self.pending.sort_unstable_by_key(|&(id, ..)| id);
        push_length(out.bytes(), self.pending.len());
        for (id, delivered_at, deliveries) in self.pending {
            out.bytes().extend(id.to_bits().to_be_bytes());
            out.bytes().extend(delivered_at.to_le_bytes());
            push_length(out.bytes(), deliveries as usize);
        }
        push_length(out.bytes(), self.consumers.len());
        for consumer in self.consumers {
            out.string(&consumer.name);
            out.bytes().extend(consumer.seen_at.to_le_bytes());
            if kind == STREAM {
                out.bytes().extend(consumer.active_at.unwrap_or(NEVER).to_le_bytes());
            }
            push_length(out.bytes(), consumer.ids.len());
            consumer.ids.iter().for_each(|id| out.bytes().extend(id.to_bits().to_be_bytes()));
        }
    }
}

/// A stream as it is written, part by part. How many nodes and groups there are stands before them, so that it is whole
/// before it is written.
pub(super) struct StreamMut<S> {
    limits: Limits,
    nodes: S,
    node_count: usize,
    node: Option<NodeMut>,
    entries: usize,
    first: Option<Id>,
    counters: Counters,
    groups: Vec<GroupMut>,
}

impl<S: Sink> StreamMut<S> {
    pub(super) fn new(limits: Limits) -> StreamMut<S> {
        StreamMut {
            limits,
            nodes: S::default(),
            node_count: 0,
            node: None,
            entries: 0,
            first: None,
            counters: Counters::default(),
            groups: Vec::new(),
        }
    }

    pub(super) fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Entry(entry) => {
                self.first.get_or_insert(entry.id);
                self.entries += 1;
                if self.node.as_ref().is_some_and(|node| !node.has_room(&entry, self.limits)) {
                    self.end_node();
                }
                self.node.get_or_insert_with(|| NodeMut::new(&entry)).push(&entry);
            }
            Part::Counters(counters) => self.counters = counters,
            Part::Group { name, last_id, entries_read } => {
                let (pending, consumers) = (Vec::new(), Vec::new());
                let name = name.to_vec();
                self.groups.push(GroupMut { name, last_id, entries_read, pending, consumers });
            }
            Part::Consumer { name, seen_at, active_at } => {
                if let Some(group) = self.groups.last_mut() {
                    let (name, ids) = (name.to_vec(), Vec::new());
                    group.consumers.push(ConsumerMut { name, seen_at, active_at, ids });
                }
            }
            Part::Pending { id, delivered_at, deliveries } => {
                if let Some(group) = self.groups.last_mut() {
                    group.pending.push((id, delivered_at, deliveries));
                    group.consumers.last_mut().into_iter().for_each(|last| last.ids.push(id));
                }
            }
            _ => {}
        }
    }

    fn end_node(&mut self) {
        if let Some(node) = self.node.take() {
            node.finish(&mut self.nodes);
            self.node_count += 1;
        }
    }

    pub(super) fn finish(mut self, out: &mut S, kind: u8) {
        self.end_node();
        push_length(out.bytes(), self.node_count);
        out.append(self.nodes);
        push_length(out.bytes(), self.entries);
        push_id(out.bytes(), self.counters.last_id);
        push_id(out.bytes(), self.first.unwrap_or(Id::MIN));
        push_id(out.bytes(), self.counters.max_deleted_id);
        push_length(out.bytes(), self.counters.entries_added as usize);
        push_length(out.bytes(), self.groups.len());
        self.groups.into_iter().for_each(|group| group.finish(out, kind));
    }
}

/// Appends a stream.
pub(super) fn write<S: Sink>(out: &mut S, value: KeyInfo<'_>, limits: Limits, kind: u8) {
    let mut stream = StreamMut::new(limits);
    each(value, |part| stream.part(part));
    stream.finish(out, kind);
}

fn push_id(out: &mut Vec<u8>, id: Id) {
    push_length(out, id.ms as usize);
    push_length(out, id.seq as usize);
}

/// Reads a stream of any version.
pub(super) fn read(reader: &mut Reader<'_>, place: &mut Place<'_, '_>, kind: u8) -> Option<()> {
    let mut stream = place.db.edit_or_new::<Stream>(place.key).ok()?;
    let mut last = Id::MIN;
    for _ in 0..reader.length()? {
        let first: [u8; 16] = (*reader.string()?).try_into().ok()?;
        let blob = reader.string()?;
        node(&mut stream, id_of(first), &listpack::read(&blob)?, &mut last)?;
    }
    let length = reader.length()?;
    let last_id = id(reader)?;
    (length == stream.len() && last <= last_id).then_some(())?;
    let mut counters = Counters { last_id, entries_added: length as u64, ..Counters::default() };
    if kind != STREAM_1 {
        let _first = id(reader)?;
        counters.max_deleted_id = id(reader)?;
        counters.entries_added = reader.length()? as u64;
        (counters.entries_added >= length as u64).then_some(())?;
    }
    stream.set_counters(counters);
    for _ in 0..reader.length()? {
        group(reader, &mut stream, kind, counters)?;
    }
    Some(())
}

/// Adds the entries of a node, whose ids grow from the last one on.
fn node(
    stream: &mut Edit<'_, Stream>,
    first: Id,
    elements: &[Element<'_>],
    last: &mut Id,
) -> Option<()> {
    let mut left = elements.iter().copied();
    let mut number = || left.next()?.integer();
    let (count, deleted, names) = (number()?, number()?, number()?);
    let names = usize::try_from(names).ok()?;
    let (names, rest) = elements.get(3..)?.split_at_checked(names)?;
    let mut left = rest.iter().copied();
    (left.next()?.integer()? == 0).then_some(())?;
    let (mut live, mut gone) = (0, 0);
    while let Some(flags) = left.next() {
        let flags = flags.integer()?;
        let ms = first.ms.checked_add_signed(left.next()?.integer()?)?;
        let seq = first.seq.wrapping_add_signed(left.next()?.integer()?);
        let has_same_names = flags & HAS_SAME_NAMES != 0;
        let (fields, expected) = match has_same_names {
            true => (names.len(), 3 + names.len()),
            false => {
                let fields = usize::try_from(left.next()?.integer()?).ok()?;
                (fields, fields.checked_mul(2)?.checked_add(4)?)
            }
        };
        let mut texts = Vec::new();
        for at in 0..fields {
            let name = if has_same_names { *names.get(at)? } else { left.next()? };
            texts.push((name.text(), left.next()?.text()));
        }
        (usize::try_from(left.next()?.integer()?).ok()? == expected).then_some(())?;
        if flags & IS_DELETED != 0 {
            gone += 1;
            continue;
        }
        live += 1;
        let id = Id::new(ms, seq);
        (id > *last && fields > 0).then_some(())?;
        *last = id;
        stream.append(id, texts.iter().map(|(name, value)| (&**name, &**value)));
    }
    (live == count && gone == deleted).then_some(())
}

fn group(
    reader: &mut Reader<'_>,
    stream: &mut Edit<'_, Stream>,
    kind: u8,
    counters: Counters,
) -> Option<()> {
    let name = reader.string()?;
    let last_id = id(reader)?;
    let entries_read = match kind {
        // As in the reference: those who have read all there is have read as many as were added.
        STREAM_1 => (last_id == counters.last_id).then_some(counters.entries_added),
        _ => Some(reader.length()? as u64).filter(|&read| read != UNKNOWN),
    };
    stream.create_group(&name, last_id, entries_read).then_some(())?;
    let mut pending: Vec<(Id, Millis, u64, Option<ConsumerId>)> = Vec::new();
    for _ in 0..reader.length()? {
        let id = id_of(reader.array()?);
        let delivered_at = i64::from_le_bytes(reader.array()?);
        pending.push((id, delivered_at, reader.length()? as u64, None));
    }
    pending.sort_unstable_by_key(|&(id, ..)| id);
    pending.is_sorted_by(|one, other| one.0 < other.0).then_some(())?;
    let group = name;
    for _ in 0..reader.length()? {
        let name = reader.string()?;
        let seen_at = i64::from_le_bytes(reader.array()?);
        let active_at = match kind {
            STREAM => i64::from_le_bytes(reader.array()?),
            _ => seen_at,
        };
        let consumer = stream.edit_group(&group, |group, _| {
            let consumer = group.create_consumer(&name, seen_at)?;
            group.set_active(consumer, (active_at != NEVER).then_some(active_at));
            Some(consumer)
        })??;
        for _ in 0..reader.length()? {
            let id = id_of(reader.array()?);
            let at = pending.binary_search_by_key(&id, |&(id, ..)| id).ok()?;
            pending[at].3.replace(consumer).is_none().then_some(())?;
        }
    }
    stream.edit_group(&group, |group, _| {
        pending.into_iter().try_for_each(|(id, delivered_at, deliveries, consumer)| {
            let consumer = consumer?;
            group.assign(Pending { id, delivered_at, deliveries, consumer });
            Some(())
        })
    })?
}

fn id(reader: &mut Reader<'_>) -> Option<Id> {
    Some(Id::new(reader.length()? as u64, reader.length()? as u64))
}

fn id_of(bytes: [u8; 16]) -> Id {
    let bits = u128::from_be_bytes(bytes);
    Id::new((bits >> 64) as u64, bits as u64)
}
