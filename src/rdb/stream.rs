//! Streams: nodes of packed entries, counters, and groups with their consumers and what is pending for them.
//!
//! A node is a string of sixteen bytes, the id that those of its entries are told from, and a listpack. That begins with
//! how many entries there are and how many more were deleted, then the count of the names of the first entry, these
//! names, and 0. An entry is its flags, how far its two numbers are from the node's, its fields (the values alone, if
//! the names are the node's), and of how many elements all that was.

use super::element::Element;
use super::kinds::{NEVER, STREAM, STREAM_1};
use super::listpack::{self, ListpackMut};
use super::parts::each;
use super::strings::{Reader, Sink, push_length};
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::types::stream::{
    Consumer, ConsumerId, Counters, Group, Id, Pending, StreamEntry,
};
use crate::keyspace::{Edit, Limits, Millis, Part, Stream};

const IS_DELETED: i64 = 1;
const HAS_SAME_NAMES: i64 = 2;

/// A group that has read an unknown number of entries has this for it.
const UNKNOWN: u64 = u64::MAX;
/// A step takes a unit of work, and another for so many bytes.
const UNIT: usize = 64;

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

/// A stream as it is written, entry by entry. How many nodes there are stands before them: they wait here until that is
/// known.
pub(super) struct StreamMut<S> {
    /// When a node is full; none if the caller says that.
    limits: Option<Limits>,
    nodes: S,
    node_count: usize,
    node: Option<NodeMut>,
    entries: usize,
    first: Option<Id>,
    counters: Counters,
}

impl<S: Sink> StreamMut<S> {
    pub(super) fn new(limits: Option<Limits>) -> StreamMut<S> {
        StreamMut {
            limits,
            nodes: S::default(),
            node_count: 0,
            node: None,
            entries: 0,
            first: None,
            counters: Counters::default(),
        }
    }

    /// Adds an entry, or what all that there were have left behind. Groups come [later](group).
    pub(super) fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Entry(entry) => {
                self.first.get_or_insert(entry.id);
                self.entries += 1;
                let is_full = |node: &NodeMut| {
                    self.limits.is_some_and(|limits| !node.has_room(&entry, limits))
                };
                if self.node.as_ref().is_some_and(is_full) {
                    self.end_node();
                }
                self.node.get_or_insert_with(|| NodeMut::new(&entry)).push(&entry);
            }
            Part::Counters(counters) => self.counters = counters,
            _ => {}
        }
    }

    /// Ends the node, if one has begun.
    pub(super) fn end_node(&mut self) {
        if let Some(node) = self.node.take() {
            node.finish(&mut self.nodes);
            self.node_count += 1;
        }
    }

    /// The nodes that have ended, where it is known how many there will be.
    pub(super) fn take_nodes(&mut self) -> S {
        std::mem::take(&mut self.nodes)
    }

    /// Writes what stands behind the nodes and before so many groups.
    pub(super) fn end_entries(&self, out: &mut Vec<u8>, groups: usize) {
        push_length(out, self.entries);
        push_id(out, self.counters.last_id);
        push_id(out, self.first.unwrap_or(Id::MIN));
        push_id(out, self.counters.max_deleted_id);
        push_length(out, self.counters.entries_added as usize);
        push_length(out, groups);
    }
}

/// Appends a stream.
pub(super) fn write<S: Sink>(out: &mut S, value: KeyInfo<'_>, limits: Limits, kind: u8) {
    let Some(view) = value.stream() else { return };
    let mut stream = StreamMut::new(Some(limits));
    each(value, |part| stream.part(part));
    stream.end_node();
    push_length(out.bytes(), stream.node_count);
    out.append(stream.take_nodes());
    stream.end_entries(out.bytes(), view.groups().len());
    view.groups().for_each(|found| group(out, found, kind));
}

/// Appends a group with all that is pending, and its consumers.
pub(super) fn group<S: Sink>(out: &mut S, group: &Group, kind: u8) {
    begin_group(out, group, group.pending());
    for pending in group.pending_range(Id::MIN, Id::MAX) {
        push_pending(out.bytes(), pending);
    }
    push_length(out.bytes(), group.consumers().len());
    for consumer in group.consumers() {
        begin_consumer(out, consumer, consumer.pending(), kind);
        for pending in group.pending_of(consumer.id(), Id::MIN, Id::MAX) {
            push_raw_id(out.bytes(), pending.id);
        }
    }
}

/// Appends what stands before so many pending entries of a group.
pub(super) fn begin_group<S: Sink>(out: &mut S, group: &Group, pending: usize) {
    out.string(group.name());
    push_id(out.bytes(), group.last_id());
    push_length(out.bytes(), group.entries_read().unwrap_or(UNKNOWN) as usize);
    push_length(out.bytes(), pending);
}

/// Appends a pending entry of a group.
pub(super) fn push_pending(out: &mut Vec<u8>, pending: &Pending) {
    push_raw_id(out, pending.id);
    out.extend_from_slice(&pending.delivered_at.to_le_bytes());
    push_length(out, pending.deliveries as usize);
}

/// Appends what stands before the ids of so many entries that are pending for a consumer.
pub(super) fn begin_consumer<S: Sink>(out: &mut S, consumer: &Consumer, pending: usize, kind: u8) {
    out.string(consumer.name());
    out.bytes().extend(consumer.seen_at.to_le_bytes());
    if kind == STREAM {
        out.bytes().extend(consumer.active_at.unwrap_or(NEVER).to_le_bytes());
    }
    push_length(out.bytes(), pending);
}

/// Appends an id in its sixteen bytes.
pub(super) fn push_raw_id(out: &mut Vec<u8>, id: Id) {
    out.extend_from_slice(&id.to_bits().to_be_bytes());
}

fn push_id(out: &mut Vec<u8>, id: Id) {
    push_length(out, id.ms as usize);
    push_length(out, id.seq as usize);
}

/// A stream of any version that is being read.
#[derive(Debug)]
pub(super) struct StreamReader {
    kind: u8,
    stage: Stage,
    /// The last entry, and how many there are.
    last: Id,
    entries: usize,
    counters: Counters,
    /// Groups that have not begun.
    groups: usize,
    group: GroupReader,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Start,
    /// So many nodes are still to come, and so on.
    Nodes(usize),
    Counters,
    Group,
    Pending(usize),
    Consumers(usize),
    /// Entries that are pending for the consumer.
    Owned(usize),
    Whole,
}

/// The group that is being read.
#[derive(Debug, Default)]
struct GroupReader {
    name: Vec<u8>,
    /// What is pending, in order when it is whole: id, delivery time, deliveries. None when its consumer is known.
    pending: Vec<(Id, Millis, Option<u64>)>,
    /// How many have no consumer yet.
    ownerless: usize,
    consumer: Option<ConsumerId>,
    /// Consumers that have not begun.
    consumers: usize,
}

/// Where it is made, if anywhere.
type Target<'t, 'e> = &'t mut Option<Edit<'e, Stream>>;

impl StreamReader {
    pub(super) fn new(kind: u8) -> StreamReader {
        StreamReader {
            kind,
            stage: Stage::Start,
            last: Id::MIN,
            entries: 0,
            counters: Counters::default(),
            groups: 0,
            group: GroupReader::default(),
        }
    }

    /// Reads on. Returns whether the stream is whole; it may not be when the work is used up.
    pub(super) fn go_on(
        &mut self,
        reader: &mut Reader<'_>,
        mut target: Option<Edit<'_, Stream>>,
        work: &mut usize,
    ) -> Option<bool> {
        while !matches!(self.stage, Stage::Whole) {
            if *work == 0 {
                return Some(false);
            }
            let before = reader.left();
            self.stage = self.step(reader, &mut target)?;
            // A step that reads nothing is none: what is given work and bytes uses some of both.
            if before > reader.left() {
                *work = work.saturating_sub(1 + (before - reader.left()) / UNIT);
            }
        }
        Some(true)
    }

    /// Reads what the stage asks for, and says which one is next.
    fn step(&mut self, reader: &mut Reader<'_>, target: Target<'_, '_>) -> Option<Stage> {
        match self.stage {
            Stage::Start => Some(Stage::Nodes(reader.whole(Reader::length)?)),
            Stage::Nodes(0) => Some(Stage::Counters),
            Stage::Nodes(left) => {
                let (first, blob) =
                    reader.whole(|reader| Some((reader.string()?, reader.string()?)))?;
                let first = id_of((*first).try_into().ok()?);
                self.entries += node(target, first, &listpack::read(&blob)?, &mut self.last)?;
                Some(Stage::Nodes(left - 1))
            }
            Stage::Counters => {
                let kind = self.kind;
                let (length, counters, groups) = reader.whole(|reader| counters(reader, kind))?;
                let is_right = length == self.entries
                    && self.last <= counters.last_id
                    && counters.entries_added >= length as u64;
                is_right.then_some(())?;
                target.iter_mut().for_each(|stream| stream.set_counters(counters));
                (self.counters, self.groups) = (counters, groups);
                Some(self.next_group())
            }
            Stage::Group => self.begin_group(reader, target),
            Stage::Pending(0) => {
                let pending = &mut self.group.pending;
                pending.sort_unstable_by_key(|&(id, ..)| id);
                pending.is_sorted_by(|one, other| one.0 < other.0).then_some(())?;
                self.group.ownerless = pending.len();
                Some(Stage::Consumers(reader.whole(Reader::length)?))
            }
            Stage::Pending(left) => {
                let pending = reader.whole(|reader| {
                    let id = id_of(reader.array()?);
                    let delivered_at = i64::from_le_bytes(reader.array()?);
                    Some((id, delivered_at, Some(reader.length()? as u64)))
                })?;
                self.group.pending.push(pending);
                Some(Stage::Pending(left - 1))
            }
            // An entry is pending for some consumer.
            Stage::Consumers(0) => (self.group.ownerless == 0).then(|| self.next_group()),
            Stage::Consumers(left) => {
                self.group.consumers = left - 1;
                self.consumer(reader, target)
            }
            Stage::Owned(0) => Some(Stage::Consumers(self.group.consumers)),
            Stage::Owned(left) => {
                let id = id_of(reader.whole(Reader::array)?);
                self.group.own(id, target)?;
                Some(Stage::Owned(left - 1))
            }
            Stage::Whole => Some(Stage::Whole),
        }
    }

    fn next_group(&mut self) -> Stage {
        match self.groups.checked_sub(1) {
            Some(left) => {
                self.groups = left;
                Stage::Group
            }
            None => Stage::Whole,
        }
    }

    fn begin_group(&mut self, reader: &mut Reader<'_>, target: Target<'_, '_>) -> Option<Stage> {
        let (kind, counters) = (self.kind, self.counters);
        let (name, last_id, entries_read, pending) = reader.whole(|reader| {
            let (name, last_id) = (reader.string()?, id(reader)?);
            let entries_read = match kind {
                // As in the reference: a group that has read all there is has read as many as were added.
                STREAM_1 => (last_id == counters.last_id).then_some(counters.entries_added),
                _ => Some(reader.length()? as u64).filter(|&read| read != UNKNOWN),
            };
            Some((name, last_id, entries_read, reader.length()?))
        })?;
        if let Some(stream) = target {
            stream.create_group(&name, last_id, entries_read).then_some(())?;
        }
        self.group = GroupReader { name: name.into_owned(), ..GroupReader::default() };
        Some(Stage::Pending(pending))
    }

    fn consumer(&mut self, reader: &mut Reader<'_>, target: Target<'_, '_>) -> Option<Stage> {
        let kind = self.kind;
        let (name, seen_at, active_at, owned) = reader.whole(|reader| {
            let name = reader.string()?;
            let seen_at = i64::from_le_bytes(reader.array()?);
            let active_at = match kind {
                STREAM => i64::from_le_bytes(reader.array()?),
                _ => seen_at,
            };
            Some((name, seen_at, active_at, reader.length()?))
        })?;
        if let Some(stream) = target {
            let consumer = stream.edit_group(&self.group.name, |group, _| {
                let consumer = group.create_consumer(&name, seen_at)?;
                group.set_active(consumer, (active_at != NEVER).then_some(active_at));
                Some(consumer)
            })??;
            self.group.consumer = Some(consumer);
        }
        Some(Stage::Owned(owned))
    }
}

impl GroupReader {
    /// The entry with this id is pending for the consumer.
    fn own(&mut self, id: Id, target: Target<'_, '_>) -> Option<()> {
        let at = self.pending.binary_search_by_key(&id, |&(id, ..)| id).ok()?;
        let (id, delivered_at, deliveries) = &mut self.pending[at];
        let (id, delivered_at, deliveries) = (*id, *delivered_at, deliveries.take()?);
        self.ownerless -= 1;
        if let (Some(stream), Some(consumer)) = (target, self.consumer) {
            let pending = Pending { id, delivered_at, deliveries, consumer };
            stream.edit_group(&self.name, |group, _| group.assign(pending))?;
        }
        Some(())
    }
}

/// How many entries the stream has, what all that it has had leave behind, and how many groups there are.
fn counters(reader: &mut Reader<'_>, kind: u8) -> Option<(usize, Counters, usize)> {
    let length = reader.length()?;
    let last_id = id(reader)?;
    let mut counters = Counters { last_id, entries_added: length as u64, ..Counters::default() };
    if kind != STREAM_1 {
        let _first = id(reader)?;
        counters.max_deleted_id = id(reader)?;
        counters.entries_added = reader.length()? as u64;
    }
    Some((length, counters, reader.length()?))
}

/// Adds the entries of a node, whose ids grow from the last one on. Returns how many.
fn node(
    target: Target<'_, '_>,
    first: Id,
    elements: &[Element<'_>],
    last: &mut Id,
) -> Option<usize> {
    let mut left = elements.iter().copied();
    let mut number = || left.next()?.integer();
    let (count, deleted, names) = (number()?, number()?, number()?);
    let names = usize::try_from(names).ok()?;
    let (names, rest) = elements.get(3..)?.split_at_checked(names)?;
    let mut left = rest.iter().copied();
    (left.next()?.integer()? == 0).then_some(())?;
    let (mut live, mut gone) = (0_i64, 0_i64);
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
        if let Some(stream) = target {
            stream.append(id, texts.iter().map(|(name, value)| (&**name, &**value)));
        }
    }
    (live == count && gone == deleted).then_some(usize::try_from(live).ok()?)
}

fn id(reader: &mut Reader<'_>) -> Option<Id> {
    Some(Id::new(reader.length()? as u64, reader.length()? as u64))
}

fn id_of(bytes: [u8; 16]) -> Id {
    let bits = u128::from_be_bytes(bytes);
    Id::new((bits >> 64) as u64, bits as u64)
}
