//! The file as it is recorded: turns keys into [chunks](Chunk) of it, in whatever order they come.
//!
//! It runs on the event loop, where it does no more than to copy: the other end ([`super::file::Finisher`]) compresses and
//! sums. A large value comes in parts, and whole keys may come between them: these wait in chunks of their own until the
//! value has ended.

use std::collections::BTreeMap;

use super::chunk::Chunk;
use super::kinds::HASH;
use super::opcode;
use super::parts::each;
use super::stream::{self, StreamMut};
use super::strings::{Sink, push_length, push_text};
use super::write::{self, Dialect, Form};
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::types::stream::{Consumer, ConsumerId, Group, Pending};
use crate::keyspace::{KeyRecord, Kind, Limits, Millis, Outline, Part, PastUse, Recorder};

/// A chunk of so many bytes is handed over.
const CHUNK: usize = 64 << 10;
/// Room for that and for a key of usual size.
const ROOM: usize = CHUNK + CHUNK / 8;

/// Takes the chunks of a file, in their order.
pub(crate) trait Output: Send {
    fn chunk(&mut self, chunk: Chunk);
    /// Bytes that have been taken and not been written yet.
    fn waiting(&self) -> usize;
}

/// Which of the ways in which a key was used the file tells: the one that the policy of eviction goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ToldUse {
    #[default]
    None,
    /// Under an LRU policy.
    Idle,
    /// Under an LFU policy.
    Frequency,
}

/// How many keys a database has at the moment, for the reader to make room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatabaseSize {
    pub(crate) db: usize,
    pub(crate) keys: usize,
    /// Keys that expire.
    pub(crate) volatile: usize,
}

/// What the file says of itself, and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) dialect: Dialect,
    /// How lists and streams are cut into nodes.
    pub(crate) limits: Limits,
    /// The version of the server: `valkey-ver`, or `redis-ver`.
    pub(crate) server_version: String,
    /// The time of the moment.
    pub(crate) created: Millis,
    /// Bytes of memory that the server uses.
    pub(crate) used_memory: usize,
    /// Whether a log goes on from here.
    pub(crate) is_aof_base: bool,
    pub(crate) told_use: ToldUse,
    pub(crate) sizes: Vec<DatabaseSize>,
    /// The code of each library of functions.
    pub(crate) functions: Vec<Vec<u8>>,
}

/// Records a file.
pub(crate) struct FileRecorder {
    form: Form,
    told_use: ToldUse,
    output: Box<dyn Output>,
    /// Of the databases that have not been named yet.
    sizes: Vec<DatabaseSize>,
    lane: Lane,
    large: Option<Large>,
    /// Fields that expire, which the file has without the time.
    lasting_fields: u64,
}

/// A part of the file that grows at its end.
#[derive(Default)]
struct Lane {
    chunk: Chunk,
    /// The database that the next key is in, unless another is named.
    db: Option<usize>,
}

/// A large value that is under way.
struct Large {
    kind: u8,
    stream: Option<StreamMut<Chunk>>,
    /// How many groups the stream has.
    groups: usize,
    /// Of the group that is told in parts, what each consumer has.
    owned: BTreeMap<ConsumerId, Owned>,
    /// Fields that are not written yet, and how many they are: which of them have expired is known behind the last.
    fields: Option<(Chunk, usize)>,
    /// What stands behind the value: keys that came meanwhile. It begins with full chunks.
    full: Vec<Chunk>,
    beside: Lane,
}

/// Ids of entries that are pending for a consumer. They stand behind all that is pending for the group.
#[derive(Default)]
struct Owned {
    count: usize,
    /// Full chunks, and what has come since.
    full: Vec<Vec<u8>>,
    ids: Vec<u8>,
}

impl FileRecorder {
    /// Begins a file.
    pub(crate) fn new(header: Header, output: Box<dyn Output>) -> FileRecorder {
        let Header { dialect, limits, told_use, .. } = header;
        let mut chunk = Chunk::with_capacity(ROOM);
        push_head(&mut chunk, &header);
        FileRecorder {
            form: Form { dialect, limits, now: header.created },
            told_use,
            output,
            sizes: header.sizes,
            lane: Lane { chunk, db: None },
            large: None,
            lasting_fields: 0,
        }
    }

    /// Ends the file. The checksum is put by the other end. Returns how many fields lost the time at which they
    /// expire, which [`Dialect::Redis`] has no place for.
    pub(crate) fn finish(mut self: Box<Self>) -> u64 {
        self.lane.chunk.bytes().push(opcode::EOF);
        self.output.chunk(self.lane.chunk);
        self.lasting_fields
    }

    /// Hands a full chunk over.
    #[inline]
    fn flush(&mut self) {
        if self.lane.chunk.len() >= CHUNK {
            self.output.chunk(self.lane.chunk.renew());
        }
    }
}

impl Lane {
    /// Appends what stands before the value of a key.
    #[inline]
    fn begin_key(
        &mut self,
        record: &KeyRecord<'_>,
        kind: u8,
        told_use: ToldUse,
        sizes: &mut Vec<DatabaseSize>,
    ) {
        if self.db != Some(record.db) {
            self.db = Some(record.db);
            push_database(self.chunk.bytes(), record.db, sizes);
        }
        let bytes = self.chunk.bytes();
        if let Some(when) = record.expiry {
            bytes.push(opcode::EXPIRY_MS);
            bytes.extend_from_slice(&when.to_le_bytes());
        }
        match (told_use, record.past) {
            (ToldUse::Idle, PastUse { idle: Some(seconds), .. }) => {
                bytes.push(opcode::IDLE);
                push_length(bytes, seconds as usize);
            }
            (ToldUse::Frequency, PastUse { frequency: Some(frequency), .. }) => {
                bytes.extend([opcode::FREQUENCY, frequency]);
            }
            _ => {}
        }
        bytes.push(kind);
        push_text(&mut self.chunk, record.key);
    }
}

impl Recorder for FileRecorder {
    fn key(&mut self, record: &KeyRecord<'_>, value: KeyInfo<'_>) {
        let (form, kind) = (self.form, write::kind(value, self.form));
        if kind == HASH && form.dialect == Dialect::Redis {
            each(value, |part| self.lasting_fields += u64::from(lasts(part, form.now)));
        }
        let lane = self.large.as_mut().map_or(&mut self.lane, |large| &mut large.beside);
        lane.begin_key(record, kind, self.told_use, &mut self.sizes);
        match value.shared_text() {
            // A copy of 100 MiB takes 70 ms, for which all clients wait.
            Some(text) if text.len() >= CHUNK => lane.chunk.share(text),
            _ => write::body(&mut lane.chunk, value, form),
        }
        match &mut self.large {
            Some(large) => large.set_aside(),
            None => self.flush(),
        }
    }

    fn begin(&mut self, record: &KeyRecord<'_>, outline: Outline) {
        let kind = write::kind_in_parts(outline.kind, outline.expires, self.form.dialect);
        self.lane.begin_key(record, kind, self.told_use, &mut self.sizes);
        let (mut stream, mut fields) = (None, None);
        let bytes = self.lane.chunk.bytes();
        match outline.kind {
            Kind::String => {}
            Kind::Stream => {
                push_length(bytes, outline.nodes);
                stream = Some(StreamMut::new(None));
            }
            Kind::Hash if kind == HASH && outline.expires => fields = Some((Chunk::default(), 0)),
            _ => write::push_parts(&mut self.lane.chunk, kind, outline.parts),
        }
        let beside = Lane { chunk: Chunk::default(), db: self.lane.db };
        let (groups, owned, full) = (outline.groups, BTreeMap::new(), Vec::new());
        self.large = Some(Large { kind, stream, groups, owned, fields, full, beside });
    }

    fn node(&mut self) {
        if let Some(Large { stream: Some(stream), .. }) = &mut self.large {
            stream.end_node();
            self.lane.chunk.append(stream.take_nodes());
            self.flush();
        }
    }

    fn part(&mut self, part: Part<'_>) {
        let Some(large) = &mut self.large else { return };
        if let Some(stream) = &mut large.stream {
            stream.part(part);
            if matches!(part, Part::Counters(_)) {
                stream.end_node();
                self.lane.chunk.append(stream.take_nodes());
                stream.end_entries(self.lane.chunk.bytes(), large.groups);
            }
        } else if let Some((chunk, count)) = &mut large.fields {
            if !write::has_expired(part, self.form.now) {
                self.lasting_fields += u64::from(lasts(part, self.form.now));
                *count += 1;
                write::element(chunk, part, large.kind);
            }
        } else {
            write::element(&mut self.lane.chunk, part, large.kind);
            self.flush();
        }
    }

    fn group(&mut self, group: &Group) {
        if let Some(large) = &self.large {
            stream::group(&mut self.lane.chunk, group, large.kind);
            self.flush();
        }
    }

    fn begin_group(&mut self, outline: &Group, pending: usize) {
        stream::begin_group(&mut self.lane.chunk, outline, pending);
    }

    fn pending(&mut self, _: &Consumer, pending: &Pending) {
        stream::push_pending(self.lane.chunk.bytes(), pending);
        if let Some(large) = &mut self.large {
            large.owned.entry(pending.consumer).or_default().add(pending);
        }
        self.flush();
    }

    fn begin_consumers(&mut self, count: usize) {
        push_length(self.lane.chunk.bytes(), count);
    }

    fn consumer(&mut self, consumer: &Consumer) {
        let Some(large) = &mut self.large else { return };
        let Owned { count, full, ids } = large.owned.remove(&consumer.id()).unwrap_or_default();
        stream::begin_consumer(&mut self.lane.chunk, consumer, count, large.kind);
        for full in full {
            self.output.chunk(std::mem::take(&mut self.lane.chunk));
            self.output.chunk(Chunk::plain(full));
        }
        self.lane.chunk.bytes().extend(ids);
        self.flush();
    }

    fn end(&mut self) {
        let Some(large) = self.large.take() else { return };
        if let Some((fields, count)) = large.fields {
            push_length(self.lane.chunk.bytes(), count);
            self.lane.chunk.append(fields);
        }
        if large.beside.chunk.len() > 0 || !large.full.is_empty() {
            let before = std::mem::replace(&mut self.lane, large.beside);
            self.output.chunk(before.chunk);
            large.full.into_iter().for_each(|chunk| self.output.chunk(chunk));
        }
        self.flush();
    }

    /// What waits beside a large value does not count: it is written when that has ended, which is brought about by going
    /// on.
    fn waiting(&self) -> usize {
        self.output.waiting()
    }
}

impl Owned {
    fn add(&mut self, pending: &Pending) {
        self.count += 1;
        stream::push_raw_id(&mut self.ids, pending.id);
        if self.ids.len() >= CHUNK {
            self.full.push(std::mem::take(&mut self.ids));
        }
    }
}

impl Large {
    /// Begins another chunk when that beside the value is full.
    fn set_aside(&mut self) {
        if self.beside.chunk.len() >= CHUNK {
            self.full.push(self.beside.chunk.renew());
        }
    }
}

/// Whether it is a field that expires, and has not.
fn lasts(part: Part<'_>, now: Millis) -> bool {
    matches!(part, Part::Field(field) if field.expiry.is_some_and(|when| when > now))
}

/// The magic, what the file says of itself, and the functions.
fn push_head(chunk: &mut Chunk, header: &Header) {
    let (magic, version_name) = match header.dialect {
        Dialect::Valkey => ("VALKEY080", "valkey-ver"),
        Dialect::Redis => ("REDIS0010", "redis-ver"),
        Dialect::Redis74 => ("REDIS0012", "redis-ver"),
    };
    chunk.bytes().extend_from_slice(magic.as_bytes());
    let texts: [(&str, &str); 5] = [
        (version_name, &header.server_version),
        ("redis-bits", "64"),
        ("ctime", &(header.created / 1000).to_string()),
        ("used-mem", &header.used_memory.to_string()),
        ("aof-base", if header.is_aof_base { "1" } else { "0" }),
    ];
    for (name, text) in texts {
        chunk.bytes().push(opcode::AUX);
        push_text(chunk, name.as_bytes());
        push_text(chunk, text.as_bytes());
    }
    for code in &header.functions {
        chunk.bytes().push(opcode::FUNCTION);
        chunk.string(code);
    }
}

/// Names the database of the keys that follow, and, the first time, how many it has.
fn push_database(bytes: &mut Vec<u8>, db: usize, sizes: &mut Vec<DatabaseSize>) {
    bytes.push(opcode::DATABASE);
    push_length(bytes, db);
    if let Some(at) = sizes.iter().position(|size| size.db == db) {
        let size = sizes.swap_remove(at);
        bytes.push(opcode::SIZES);
        push_length(bytes, size.keys);
        push_length(bytes, size.volatile);
    }
}
