//! A base that consists of commands: what it takes to make the keyspace of a moment anew
//! (`aof-use-rdb-preamble no`).
//!
//! A collection is made by commands of [`MOST_ELEMENTS`] elements each; a stream that comes whole by RESTORE, which has
//! what no other command could say of its groups.

use std::any::Any;

use super::format::Format;
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::moment::{KeyRecord, Outline, Recorder};
use crate::keyspace::types::stream::{Consumer, Group, Pending, visit_group};
use crate::keyspace::{Kind, Limits, Millis, Part};
use crate::rdb::chunk::Chunk;
use crate::rdb::footer::seal;
use crate::rdb::recorder::Output;
use crate::rdb::write;
use crate::text::double;
use crate::wire::push_request;

/// A chunk of so many bytes is handed over.
const CHUNK: usize = 64 << 10;

/// So many elements, members or fields are in one command, as in the reference.
const MOST_ELEMENTS: usize = 64;

/// Records commands.
pub(super) struct CommandRecorder {
    output: Box<dyn Output>,
    format: Format,
    limits: Limits,
    bytes: Vec<u8>,
    /// The value that is told in parts.
    large: Option<Building>,
}

/// A value that is being made.
struct Building {
    db: usize,
    key: Vec<u8>,
    expiry: Option<Millis>,
    /// The command that the next elements belong to, and its words behind the key.
    name: &'static str,
    words: Vec<Vec<u8>>,
    elements: usize,
    /// Whether a stream has had an entry.
    has_entries: bool,
    /// The group and the consumer that the next parts are about.
    group: Vec<u8>,
    consumer: Vec<u8>,
}

impl CommandRecorder {
    /// Begins with the libraries of functions.
    pub(super) fn new(
        libraries: Vec<Vec<u8>>,
        limits: Limits,
        output: Box<dyn Output>,
    ) -> CommandRecorder {
        let mut bytes = Vec::new();
        for code in &libraries {
            push_request(&mut bytes, [&b"FUNCTION"[..], b"LOAD", code].into_iter());
        }
        CommandRecorder { output, format: Format::default(), limits, bytes, large: None }
    }

    fn finish(mut self) {
        self.output.chunk(Chunk::plain(self.bytes));
    }

    fn say(&mut self, db: usize, words: &[&[u8]]) {
        self.format.select(db, &mut self.bytes);
        push_request(&mut self.bytes, words.iter().copied());
        if self.bytes.len() >= CHUNK {
            self.output.chunk(Chunk::plain(std::mem::take(&mut self.bytes)));
        }
    }

    fn add(&mut self, building: &mut Building, part: Part<'_>) {
        let number = |number: i64| number.to_string().into_bytes();
        match part {
            Part::Text(text) => match building.expiry.take() {
                Some(expiry) => {
                    self.say(building.db, &[b"SET", &building.key, text, b"PXAT", &number(expiry)])
                }
                None => self.say(building.db, &[b"SET", &building.key, text]),
            },
            Part::Element(element) => self.add_words(building, "RPUSH", &[element]),
            Part::Member(member) => self.add_words(building, "SADD", &[member]),
            Part::Scored { member, score } => {
                let mut text = Vec::new();
                double::push_shortest(&mut text, score);
                self.add_words(building, "ZADD", &[&text, member]);
            }
            Part::Field(field) => {
                self.add_words(building, "HSET", &[field.name, field.value]);
                if let Some(expiry) = field.expiry {
                    self.flush(building);
                    let words: [&[u8]; 6] = [
                        b"HPEXPIREAT",
                        &building.key,
                        &number(expiry),
                        b"FIELDS",
                        b"1",
                        field.name,
                    ];
                    self.say(building.db, &words);
                }
            }
            Part::Entry(entry) => {
                building.has_entries = true;
                let id = entry.id.to_string();
                let mut words: Vec<&[u8]> = vec![b"XADD", &building.key, id.as_bytes()];
                words.extend(entry.fields().flat_map(|(name, value)| [name, value]));
                self.say(building.db, &words);
            }
            Part::Counters(counters) => {
                let [last, deleted] =
                    [counters.last_id, counters.max_deleted_id].map(|id| id.to_string());
                let added = counters.entries_added.to_string();
                if !building.has_entries {
                    let words: [&[u8]; 7] =
                        [b"XADD", &building.key, b"MAXLEN", b"0", b"0-1", b"x", b"y"];
                    self.say(building.db, &words);
                }
                let words: [&[u8]; 7] = [
                    b"XSETID",
                    &building.key,
                    last.as_bytes(),
                    b"ENTRIESADDED",
                    added.as_bytes(),
                    b"MAXDELETEDID",
                    deleted.as_bytes(),
                ];
                self.say(building.db, &words);
            }
            Part::Group { name, last_id, entries_read } => {
                building.group = name.to_vec();
                let (id, read) = (last_id.to_string(), entries_read.map(|read| read.to_string()));
                let read = read.as_deref().unwrap_or("-1");
                let words: [&[u8]; 7] = [
                    b"XGROUP",
                    b"CREATE",
                    &building.key,
                    name,
                    id.as_bytes(),
                    b"ENTRIESREAD",
                    read.as_bytes(),
                ];
                self.say(building.db, &words);
            }
            Part::Consumer { name, .. } => {
                building.consumer = name.to_vec();
                let words: [&[u8]; 5] =
                    [b"XGROUP", b"CREATECONSUMER", &building.key, &building.group, name];
                self.say(building.db, &words);
            }
            Part::Pending { id, delivered_at, deliveries } => {
                let (id, count) = (id.to_string(), deliveries.to_string());
                let words: [&[u8]; 12] = [
                    b"XCLAIM",
                    &building.key,
                    &building.group,
                    &building.consumer,
                    b"0",
                    id.as_bytes(),
                    b"TIME",
                    &number(delivered_at),
                    b"RETRYCOUNT",
                    count.as_bytes(),
                    b"JUSTID",
                    b"FORCE",
                ];
                self.say(building.db, &words);
            }
        }
    }

    /// These words belong to the next command of this name.
    fn add_words(&mut self, building: &mut Building, name: &'static str, words: &[&[u8]]) {
        building.name = name;
        building.words.extend(words.iter().map(|word| word.to_vec()));
        building.elements += 1;
        if building.elements == MOST_ELEMENTS {
            self.flush(building);
        }
    }

    /// Says the command with the words so far.
    fn flush(&mut self, building: &mut Building) {
        if building.elements > 0 {
            building.elements = 0;
            let words = std::mem::take(&mut building.words);
            let mut all: Vec<&[u8]> = vec![building.name.as_bytes(), &building.key];
            all.extend(words.iter().map(Vec::as_slice));
            self.say(building.db, &all);
        }
    }

    fn end_value(&mut self, mut building: Building) {
        self.flush(&mut building);
        if let Some(expiry) = building.expiry {
            let expiry = expiry.to_string();
            self.say(building.db, &[b"PEXPIREAT", &building.key, expiry.as_bytes()]);
        }
    }
}

impl Building {
    fn of(record: &KeyRecord<'_>) -> Building {
        Building {
            db: record.db,
            key: record.key.to_vec(),
            expiry: record.expiry,
            name: "",
            words: Vec::new(),
            elements: 0,
            has_entries: false,
            group: Vec::new(),
            consumer: Vec::new(),
        }
    }
}

impl Recorder for CommandRecorder {
    fn key(&mut self, record: &KeyRecord<'_>, value: KeyInfo<'_>) {
        if value.kind() == Kind::Stream {
            let mut payload = Vec::new();
            write::value(&mut payload, value, self.limits);
            seal(&mut payload);
            let expiry = record.expiry.unwrap_or(0).to_string();
            let words: [&[u8]; 5] =
                [b"RESTORE", record.key, expiry.as_bytes(), &payload, b"ABSTTL"];
            return self.say(record.db, &words);
        }
        let mut building = Building::of(record);
        let _ = value.visit(|part| {
            self.add(&mut building, part);
            std::ops::ControlFlow::<()>::Continue(())
        });
        self.end_value(building);
    }

    fn begin(&mut self, record: &KeyRecord<'_>, _: Outline) {
        self.large = Some(Building::of(record));
    }

    fn part(&mut self, part: Part<'_>) {
        if let Some(mut building) = self.large.take() {
            self.add(&mut building, part);
            self.large = Some(building);
        }
    }

    fn group(&mut self, group: &Group) {
        let _ = visit_group(group, &mut |part| {
            self.part(part);
            std::ops::ControlFlow::<()>::Continue(())
        });
    }

    fn begin_group(&mut self, outline: &Group, _: usize) {
        self.group(outline);
    }

    fn pending(&mut self, consumer: &Consumer, pending: &Pending) {
        if let Some(large) = &mut self.large {
            large.consumer.clear();
            large.consumer.extend_from_slice(consumer.name());
        }
        let Pending { id, delivered_at, deliveries, .. } = *pending;
        self.part(Part::Pending { id, delivered_at, deliveries });
    }

    fn consumer(&mut self, consumer: &Consumer) {
        let (seen_at, active_at) = (consumer.seen_at, consumer.active_at);
        self.part(Part::Consumer { name: consumer.name(), seen_at, active_at });
    }

    fn end(&mut self) {
        if let Some(building) = self.large.take() {
            self.end_value(building);
        }
    }

    fn waiting(&self) -> usize {
        self.output.waiting()
    }
}

/// Ends what has been recorded.
pub(super) fn finish(recorder: Box<dyn Recorder>) -> u64 {
    let recorder: Box<dyn Any> = recorder;
    if let Ok(recorder) = recorder.downcast::<CommandRecorder>() {
        recorder.finish();
    }
    0
}
