//! Large values that are recorded in parts, of whatever type they are.

use super::{Outline, Recorder};
use crate::keyspace::large::stream::{GroupPart, StreamPart};
use crate::keyspace::types::stream::{Consumer, Pending};
use crate::keyspace::value::Value;
use crate::keyspace::visit::Part;

/// A value of more elements, or of more bytes, is recorded in parts.
const ELEMENTS: usize = 256;
const BYTES: usize = 64 << 10;

/// Bytes that are one unit of work.
pub(super) const UNIT: usize = 64;

/// What a slice has told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    /// Units of work.
    pub(super) work: usize,
    /// Bytes of the parts, with what a table takes for them, about.
    pub(super) bytes: usize,
}

/// Bytes that an element takes beside its own.
const BESIDE: usize = 32;

impl Told {
    /// A part of so many bytes is told. Returns whether there may be another.
    fn add(&mut self, bytes: usize, most: usize) -> bool {
        self.work += 1 + bytes / UNIT;
        self.bytes += bytes + BESIDE;
        self.work < most
    }
}

impl Value {
    /// Whether the value is recorded in parts, and not whole.
    pub(super) fn is_recorded_in_parts(&self) -> bool {
        let is_of_a_kind = !matches!(self, Value::String(_));
        is_of_a_kind && (self.len() > ELEMENTS || self.memory() > BYTES)
    }

    /// What is known of the value before its parts are told.
    pub(super) fn outline(&self) -> Outline {
        let expires = matches!(self, Value::Hash(hash) if hash.volatile() > 0);
        let (nodes, groups) = match self {
            Value::List(list) => (list.nodes().len(), 0),
            Value::Stream(stream) => (stream.entries.filled_nodes(), stream.groups().len()),
            _ => (0, 0),
        };
        let parts =
            if let Value::Stream(stream) = self { stream.entries.len() } else { self.len() };
        Outline { kind: self.kind(), parts, expires, nodes, groups }
    }

    /// All that the value is now is to be recorded. The moment knows it by this number.
    pub(super) fn open(&mut self, id: u64) {
        match self {
            Value::Hash(hash) => hash.open(id),
            Value::Set(set) => set.open(id),
            Value::Zset(zset) => zset.open(id),
            Value::List(list) => list.open(id),
            Value::Stream(stream) => stream.open(id),
            Value::String(_) => {}
        }
    }

    /// The number by which the moment knows the value, if it is recorded in parts and that is not over.
    pub(super) fn id(&self) -> Option<u64> {
        match self {
            Value::Hash(hash) => hash.kept.id(),
            Value::Set(set) => set.kept.id(),
            Value::Zset(zset) => zset.kept.id(),
            Value::List(list) => list.recorded.id(),
            Value::Stream(stream) => stream.id(),
            Value::String(_) => None,
        }
    }

    /// Bytes of memory that are kept beside the value.
    pub(super) fn kept(&self) -> usize {
        match self {
            Value::Hash(hash) => hash.kept.memory(),
            Value::Set(set) => set.kept.memory(),
            Value::Zset(zset) => zset.kept.memory(),
            Value::List(list) => list.recorded.memory(),
            Value::Stream(stream) => stream.kept(),
            Value::String(_) => 0,
        }
    }

    /// By how much those have grown since the last call.
    pub(super) fn growth(&mut self) -> usize {
        match self {
            Value::Hash(hash) => hash.kept.growth(),
            Value::Set(set) => set.kept.growth(),
            Value::Zset(zset) => zset.kept.growth(),
            Value::List(list) => list.recorded.growth(),
            Value::Stream(stream) => stream.growth(),
            Value::String(_) => 0,
        }
    }

    /// There is nothing to record of the value any more. Returns what was kept beside it, to be freed.
    pub(super) fn close(&mut self) -> Option<Value> {
        match self {
            Value::Hash(hash) => hash.close().map(Value::Hash),
            Value::Set(set) => set.close().map(Value::Set),
            Value::Zset(zset) => zset.close().map(Value::Zset),
            Value::List(list) => list.close().map(Value::List),
            Value::Stream(stream) => stream.close().map(|kept| Value::Stream(Box::new(kept))),
            Value::String(_) => None,
        }
    }

    /// Tells parts that are to be recorded, about so many units of work. Returns what, and whether there are more.
    pub(super) fn tell_some(&mut self, work: usize, recorder: &mut dyn Recorder) -> (Told, bool) {
        let mut told = Told::default();
        let has_more = match self {
            Value::Hash(hash) => hash.tell_some(|field| {
                recorder.part(Part::Field(field));
                told.add(field.name.len() + field.value.len(), work)
            }),
            Value::Set(set) => set.tell_some(|member| {
                recorder.part(Part::Member(member));
                told.add(member.len(), work)
            }),
            Value::Zset(zset) => zset.tell_some(|member, score| {
                recorder.part(Part::Scored { member, score });
                told.add(member.len() + size_of::<f64>(), work)
            }),
            Value::List(list) => list.tell_some(|node| {
                recorder.node();
                let mut may_go_on = true;
                for (_, element) in node.iter() {
                    recorder.part(Part::Element(element));
                    may_go_on = told.add(element.len(), work);
                }
                may_go_on
            }),
            Value::Stream(stream) => stream.tell_some(|part| match part {
                StreamPart::Node(node) => {
                    recorder.node();
                    let (mut may_go_on, mut at) = (true, node.front());
                    while let Some((entry, end)) = node.next(at) {
                        recorder.part(Part::Entry(entry));
                        may_go_on = told.add(end - at, work);
                        at = end;
                    }
                    may_go_on
                }
                StreamPart::Counters(counters) => {
                    recorder.part(Part::Counters(counters));
                    told.add(size_of_val(&counters), work)
                }
                StreamPart::Group(GroupPart::Whole(group)) => {
                    recorder.group(group);
                    told.add(group.memory(), work)
                }
                StreamPart::Group(GroupPart::Begin(outline, pending)) => {
                    recorder.begin_group(outline, pending);
                    told.add(outline.memory(), work)
                }
                StreamPart::Group(GroupPart::Pending(consumer, pending)) => {
                    recorder.pending(consumer, pending);
                    told.add(size_of::<Pending>(), work)
                }
                StreamPart::Group(GroupPart::Consumers(count)) => {
                    recorder.begin_consumers(count);
                    told.add(0, work)
                }
                StreamPart::Group(GroupPart::Consumer(consumer)) => {
                    recorder.consumer(consumer);
                    told.add(size_of::<Consumer>() + consumer.name().len(), work)
                }
                StreamPart::Group(GroupPart::Nothing) => told.add(0, work),
            }),
            Value::String(_) => false,
        };
        // What the walk takes out is no growth.
        self.growth();
        (told, has_more)
    }
}
