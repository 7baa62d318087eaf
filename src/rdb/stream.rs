//! Streams: nodes of packed entries, counters, and groups with their consumers and what is pending for them.
//!
//! A node is a string of sixteen bytes, the id that those of its entries are told from, and a listpack. That begins with
//! how many entries there are and how many more were deleted, then the count of the names of the first entry, these
//! names, and 0. An entry is its flags, how far its two numbers are from the node's, its fields (the values alone, if
//! the names are the node's), and of how many elements all that was.

use super::element::Element;
use super::kinds::{STREAM, STREAM_1};
use super::listpack::{self, ListpackMut};
use super::parts::{Place, each};
use super::strings::{Reader, push_length, push_string};
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::types::stream::{ConsumerId, Counters, Id, Pending, StreamEntry};
use crate::keyspace::{Edit, Limits, Millis, Part, Stream};

const IS_DELETED: i64 = 1;
const HAS_SAME_NAMES: i64 = 2;

/// A group that has read an unknown number of entries has this for it.
const UNKNOWN: u64 = u64::MAX;
/// A consumer that never got anything has this for the time.
const NEVER: Millis = -1;

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

    fn finish(self, out: &mut Vec<u8>) {
        let mut listpack = ListpackMut::new();
        listpack.push_integer(self.count as i64);
        listpack.push_integer(0);
        listpack.append(&self.head);
        listpack.append(&self.entries);
        push_string(out, &self.first.to_bits().to_be_bytes());
        push_string(out, &listpack.finish());
    }
}

/// A group as it is written.
#[derive(Default)]
struct GroupMut {
    head: Vec<u8>,
    pending: Vec<(Id, Millis, u64)>,
    /// Of each consumer what stands before the ids that are pending for it, and these.
    consumers: Vec<(Vec<u8>, Vec<Id>)>,
}

impl GroupMut {
    fn finish(mut self, out: &mut Vec<u8>) {
        out.extend(self.head);
        self.pending.sort_unstable_by_key(|&(id, ..)| id);
        push_length(out, self.pending.len());
        for (id, delivered_at, deliveries) in self.pending {
            out.extend(id.to_bits().to_be_bytes());
            out.extend(delivered_at.to_le_bytes());
            push_length(out, deliveries as usize);
        }
        push_length(out, self.consumers.len());
        for (head, ids) in self.consumers {
            out.extend(head);
            push_length(out, ids.len());
            ids.iter().for_each(|id| out.extend(id.to_bits().to_be_bytes()));
        }
    }
}

/// Appends a stream.
pub(super) fn write(out: &mut Vec<u8>, value: KeyInfo<'_>, limits: Limits) {
    let (mut nodes, mut node_count, mut node) = (Vec::new(), 0, None::<NodeMut>);
    let (mut first, mut counters) = (Id::MIN, Counters::default());
    let mut groups: Vec<GroupMut> = Vec::new();
    each(value, |part| match part {
        Part::Entry(entry) => {
            if node_count == 0 && node.is_none() {
                first = entry.id;
            }
            if let Some(full) = node.take_if(|node| !node.has_room(&entry, limits)) {
                full.finish(&mut nodes);
                node_count += 1;
            }
            node.get_or_insert_with(|| NodeMut::new(&entry)).push(&entry);
        }
        Part::Counters(found) => counters = found,
        Part::Group { name, last_id, entries_read } => {
            let mut head = Vec::new();
            push_string(&mut head, name);
            push_id(&mut head, last_id);
            push_length(&mut head, entries_read.unwrap_or(UNKNOWN) as usize);
            groups.push(GroupMut { head, ..GroupMut::default() });
        }
        Part::Consumer { name, seen_at, active_at } => {
            let mut head = Vec::new();
            push_string(&mut head, name);
            head.extend(seen_at.to_le_bytes());
            head.extend(active_at.unwrap_or(NEVER).to_le_bytes());
            groups.last_mut().into_iter().for_each(|group| {
                group.consumers.push((std::mem::take(&mut head), Vec::new()));
            });
        }
        Part::Pending { id, delivered_at, deliveries } => {
            if let Some(group) = groups.last_mut() {
                group.pending.push((id, delivered_at, deliveries));
                group.consumers.last_mut().into_iter().for_each(|(_, ids)| ids.push(id));
            }
        }
        _ => {}
    });
    if let Some(node) = node {
        node.finish(&mut nodes);
        node_count += 1;
    }
    out.push(STREAM);
    push_length(out, node_count);
    out.extend(nodes);
    push_length(out, value.elements());
    push_id(out, counters.last_id);
    push_id(out, first);
    push_id(out, counters.max_deleted_id);
    push_length(out, counters.entries_added as usize);
    push_length(out, groups.len());
    groups.into_iter().for_each(|group| group.finish(out));
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
