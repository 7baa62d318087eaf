//! Makes keys of a file: a push parser, which is given bytes as they come.
//!
//! Memory is taken for what was read, never for what is declared; of a large value no more need be there than its next
//! element. Keys go into the store at once, so that the caller loads into one apart, and throws that away if something is
//! wrong in the end.

use std::mem;

use super::error::{Defect, LoadError};
use crate::keyspace::{Db, Millis, PastUse, Store};
use crate::rdb::crc64::crc64_on;
use crate::rdb::footer::{LAST_VERSION_OF_REDIS, VERSION};
use crate::rdb::kinds::{MODULE, OLD_MODULE, STRING};
use crate::rdb::opcode;
use crate::rdb::read::{Place, ValueReader};
use crate::rdb::strings::Reader;

/// Reads a file.
#[derive(Debug)]
pub(crate) struct Loader {
    drops_expired: bool,
    verifies_checksum: bool,
    /// Bytes that have been used, and their checksum.
    offset: u64,
    checksum: u64,
    stage: Stage,
    version: u32,
    db: usize,
    /// So many of the next strings have been prefetched.
    prefetched: usize,
    /// What was said of the key that comes next.
    ahead: Ahead,
    tally: Tally,
}

#[derive(Debug)]
enum Stage {
    Head,
    /// An opcode or a key.
    Next,
    Value(Box<Current>),
    Checksum,
    Over,
}

/// A key whose value is being read.
#[derive(Debug)]
struct Current {
    key: Vec<u8>,
    kind: u8,
    value: ValueReader,
    ahead: Ahead,
    /// Whether the key has expired, so that its value goes nowhere.
    is_dropped: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    expiry: Option<Millis>,
    past: PastUse,
}

/// What came of some bytes. Those that were used are not to be given again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// So many bytes were used. If these are none, more are needed; otherwise the work may be used up.
    More { used: usize },
    /// The file says something of itself.
    Aux { used: usize, name: Vec<u8>, text: Vec<u8> },
    /// The code of a library of functions.
    Function { used: usize, code: Vec<u8> },
    /// The file is over, and right. What stands behind it is not part of it.
    Over { used: usize },
}

/// What has been loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) keys: u64,
    /// Keys that had expired and were dropped.
    pub(crate) expired: u64,
    /// Keys that were dropped because their value was empty.
    pub(crate) empty: u64,
    /// Hashes that were dropped because all of their fields had expired.
    pub(crate) expired_hashes: u64,
}

/// What an item of the file is to the caller.
enum Item {
    /// Nothing: it has been dealt with.
    None,
    Aux {
        name: Vec<u8>,
        text: Vec<u8>,
    },
    Function(Vec<u8>),
}

/// Nothing if the bytes ran out or are malformed, which the reader knows.
type Parsed<T> = Result<Option<T>, Defect>;

/// An item takes a unit of work, and another for so many bytes.
const UNIT: usize = 64;

/// Files have checksums since this version.
const FIRST_WITH_CHECKSUM: u32 = 5;

impl Loader {
    /// A loader that drops what has expired by the time that the store is told, as a server does that starts.
    pub(crate) fn new() -> Loader {
        Loader {
            drops_expired: true,
            verifies_checksum: true,
            offset: 0,
            checksum: 0,
            stage: Stage::Head,
            version: 0,
            db: 0,
            prefetched: 0,
            ahead: Ahead::default(),
            tally: Tally::default(),
        }
    }

    /// Keeps what has expired, keys and fields: for the base of a log, which may go on to let them live longer.
    pub(crate) fn keeping_expired(self) -> Loader {
        Loader { drops_expired: false, ..self }
    }

    /// Does not compare the checksum: `rdbchecksum no`.
    pub(crate) fn unverified(self) -> Loader {
        Loader { verifies_checksum: false, ..self }
    }

    /// Reads what is whole in `input` into the store, up to about so many units of work: a key, an element, or 64 bytes.
    ///
    /// # Errors
    /// The file cannot be loaded; what is in the store is a part of it, and worth nothing.
    pub(crate) fn load(
        &mut self,
        input: &[u8],
        store: &mut Store,
        work: usize,
    ) -> Result<Loaded, LoadError> {
        let mut reader = Reader::new(input);
        let work = work.max(1);
        let result = match self.drops_expired {
            true => self.run(&mut reader, store, work),
            false => store.before_all_expiries(|store| self.run(&mut reader, store, work)),
        };
        let used = input.len() - reader.left();
        let item = result.map_err(|defect| self.error(used, defect))?;
        if matches!(self.stage, Stage::Checksum) {
            return self.end(input, used);
        }
        self.use_up(&input[..used]);
        Ok(match item {
            Item::None if matches!(self.stage, Stage::Over) => Loaded::Over { used },
            Item::None => Loaded::More { used },
            Item::Aux { name, text } => Loaded::Aux { used, name, text },
            Item::Function(code) => Loaded::Function { used, code },
        })
    }

    /// The error that the file is over for the caller, and not for the loader.
    pub(crate) fn cut_short(&self) -> LoadError {
        self.error(0, Defect::CutShort)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// Something is wrong so many bytes further on.
    fn error(&self, used: usize, defect: Defect) -> LoadError {
        LoadError { offset: self.offset + used as u64, defect }
    }

    fn use_up(&mut self, used: &[u8]) {
        self.checksum = crc64_on(self.checksum, used);
        self.offset += used.len() as u64;
    }

    /// Reads the checksum, which stands behind what has been used.
    fn end(&mut self, input: &[u8], used: usize) -> Result<Loaded, LoadError> {
        let (summed, rest) = input.split_at(used);
        self.use_up(summed);
        let Some((stated, _)) = rest.split_first_chunk::<8>() else {
            return Ok(Loaded::More { used });
        };
        let (stated, actual) = (u64::from_le_bytes(*stated), self.checksum);
        if self.verifies_checksum && stated != 0 && stated != actual {
            return Err(self.error(0, Defect::Checksum { stated, actual }));
        }
        self.offset += 8;
        self.stage = Stage::Over;
        Ok(Loaded::Over { used: used + 8 })
    }

    /// Reads items until one concerns the caller, the bytes run out or the work is used up.
    fn run(
        &mut self,
        reader: &mut Reader<'_>,
        store: &mut Store,
        mut work: usize,
    ) -> Result<Item, Defect> {
        while work > 0 && !matches!(self.stage, Stage::Checksum | Stage::Over) {
            let item = match &self.stage {
                Stage::Head => self.head(reader)?,
                Stage::Value(_) => self.value(reader, store, &mut work)?,
                _ => {
                    let before = reader.left();
                    let item = self.next(reader, store)?;
                    work = work.saturating_sub(1 + (before - reader.left()) / UNIT);
                    item
                }
            };
            match item {
                Some(Item::None) => {}
                Some(item) => return Ok(item),
                None => break,
            }
        }
        Ok(Item::None)
    }

    /// The name of the format and its version.
    fn head(&mut self, reader: &mut Reader<'_>) -> Parsed<Item> {
        let Some(head) = reader.peek::<9>() else {
            return Ok(None);
        };
        let (magic, digits) = match &head {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => ("REDIS", &digits[..]),
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => ("VALKEY", &digits[..]),
            _ => return Err(Defect::NoSnapshot),
        };
        let version = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        let known = match magic {
            "REDIS" => 1..=u32::from(LAST_VERSION_OF_REDIS),
            _ => u32::from(VERSION)..=u32::from(VERSION),
        };
        match version {
            Some(version) if known.contains(&version) => self.version = version,
            Some(version) => return Err(Defect::Version { magic, version }),
            None => return Err(Defect::NoSnapshot),
        }
        reader.bytes(head.len());
        self.stage = Stage::Next;
        Ok(Some(Item::None))
    }

    /// An opcode with what belongs to it, or a key; with its value, if that is a string.
    #[inline]
    fn next(&mut self, reader: &mut Reader<'_>, store: &mut Store) -> Parsed<Item> {
        let start = reader.clone();
        let Some(kind) = reader.byte() else {
            return Ok(None);
        };
        let item = match kind {
            STRING => self.string(reader, store),
            opcode::SLOT_IMPORT.. => self.opcode(reader, store, kind),
            _ => self.key(reader, store, kind),
        };
        match item {
            Ok(None) if !reader.ran_out() => {
                reader.rewind(&start);
                Err(Defect::Malformed(opcode::name(kind)))
            }
            Ok(Some(_)) => item,
            _ => {
                reader.rewind(&start);
                item
            }
        }
    }

    fn opcode(&mut self, reader: &mut Reader<'_>, store: &mut Store, opcode: u8) -> Parsed<Item> {
        let item = match opcode {
            opcode::EXPIRY_MS | opcode::EXPIRY => {
                let when = match opcode {
                    opcode::EXPIRY_MS => reader.array().map(i64::from_le_bytes),
                    _ => reader.array().map(|bytes| i64::from(i32::from_le_bytes(bytes)) * 1000),
                };
                when.map(|when| self.ahead.expiry = (when != NO_EXPIRY).then_some(when))
            }
            opcode::IDLE => {
                reader.length().map(|seconds| self.ahead.past.idle = Some(seconds as u64))
            }
            opcode::FREQUENCY => {
                reader.byte().map(|frequency| self.ahead.past.frequency = Some(frequency))
            }
            opcode::DATABASE => match reader.length() {
                Some(number) if number >= store.databases() => {
                    let (number, databases) = (number as u64, store.databases());
                    return Err(Defect::Database { number, databases });
                }
                number => number.map(|number| self.db = number),
            },
            opcode::SIZES => match (reader.length(), reader.length()) {
                (Some(keys), Some(_)) => {
                    store.expect_keys(self.db, keys);
                    Some(())
                }
                _ => None,
            },
            opcode::SLOT_SIZES => lengths(reader, 3),
            opcode::SLOT_IMPORT => slot_import(reader),
            opcode::AUX => {
                let Some(name) = reader.string() else { return Ok(None) };
                let Some(text) = reader.string() else { return Ok(None) };
                let (name, text) = (name.into_owned(), text.into_owned());
                return Ok(Some(Item::Aux { name, text }));
            }
            opcode::FUNCTION => {
                return Ok(reader.string().map(|code| Item::Function(code.into_owned())));
            }
            opcode::OLD_FUNCTION => return Err(Defect::OldFunctions),
            opcode::MODULE_AUX => {
                let Some(id) = reader.length() else { return Ok(None) };
                return Err(Defect::ModuleAux { name: module_name(id as u64) });
            }
            _ => {
                (0..store.databases()).for_each(|db| store.expect_keys(db, 0));
                self.stage = match self.version {
                    ..FIRST_WITH_CHECKSUM => Stage::Over,
                    _ => Stage::Checksum,
                };
                Some(())
            }
        };
        Ok(item.map(|()| Item::None))
    }

    /// A key and its value, which is a string.
    #[inline]
    fn string(&mut self, reader: &mut Reader<'_>, store: &mut Store) -> Parsed<Item> {
        if self.prefetched == 0 {
            self.prefetched = prefetch(reader.clone(), store, self.db);
        }
        let Some(key) = reader.string() else { return Ok(None) };
        let Some(text) = reader.string() else { return Ok(None) };
        self.prefetched = self.prefetched.saturating_sub(1);
        let Ahead { expiry, past } = mem::take(&mut self.ahead);
        if self.drops_expired && expiry.is_some_and(|when| when <= store.shared.now) {
            self.tally.expired += 1;
        } else if store.db(self.db).load_string(&key, &text, expiry, past) {
            self.tally.keys += 1;
        } else {
            return Err(Defect::Duplicate { db: self.db, key: key.into_owned() });
        }
        Ok(Some(Item::None))
    }

    /// A key whose value follows.
    fn key(&mut self, reader: &mut Reader<'_>, store: &mut Store, kind: u8) -> Parsed<Item> {
        let value = ValueReader::new(kind);
        if value.is_none() && !matches!(kind, MODULE | OLD_MODULE) {
            return Err(Defect::Kind(kind));
        }
        let Some(key) = reader.string() else { return Ok(None) };
        let Some(value) = value else {
            let Some(id) = reader.length() else { return Ok(None) };
            return Err(Defect::Module { name: module_name(id as u64), key: key.into_owned() });
        };
        let (key, ahead) = (key.into_owned(), mem::take(&mut self.ahead));
        let has_expired = ahead.expiry.is_some_and(|when| when <= store.shared.now);
        let is_dropped = self.drops_expired && has_expired;
        if !is_dropped && store.db(self.db).holds(&key) {
            return Err(Defect::Duplicate { db: self.db, key });
        }
        self.stage = Stage::Value(Box::new(Current { key, kind, value, ahead, is_dropped }));
        Ok(Some(Item::None))
    }

    /// More of a value.
    fn value(
        &mut self,
        reader: &mut Reader<'_>,
        store: &mut Store,
        work: &mut usize,
    ) -> Parsed<Item> {
        let Stage::Value(current) = &mut self.stage else { return Ok(Some(Item::None)) };
        let Current { key, kind, value, ahead, is_dropped } = &mut **current;
        let mut db = store.db(self.db);
        let mut place = Place { db: &mut db, key };
        match value.go_on(reader, (!*is_dropped).then_some(&mut place), work) {
            Some(true) => {
                let is_empty = value.is_empty();
                self.tally.count(&mut db, key, *ahead, *is_dropped, is_empty);
                self.stage = Stage::Next;
                Ok(Some(Item::None))
            }
            Some(false) => Ok(Some(Item::None)),
            None if reader.ran_out() => Ok(None),
            None => Err(Defect::Value { kind: *kind, key: mem::take(key) }),
        }
    }
}

impl Tally {
    /// A value is whole.
    fn count(
        &mut self,
        db: &mut Db<'_>,
        key: &[u8],
        ahead: Ahead,
        is_dropped: bool,
        is_empty: bool,
    ) {
        let counted = if is_dropped {
            &mut self.expired
        } else if is_empty {
            &mut self.empty
        } else if db.end_loading(key, ahead.expiry, ahead.past) {
            &mut self.keys
        } else {
            &mut self.expired_hashes
        };
        *counted += 1;
    }
}

/// So many keys are prefetched together.
const PREFETCHED: usize = 16;

/// Prefetches where the keys of the strings that come next will go, of which the reader stands behind the first byte:
/// each would be waited for by itself. Returns how many strings that were, one at least.
fn prefetch(mut reader: Reader<'_>, store: &mut Store, db: usize) -> usize {
    let mut keys = [&b""[..]; PREFETCHED];
    let (mut strings, mut known) = (0, 0);
    while strings < PREFETCHED && (strings == 0 || reaches_string(&mut reader)) {
        let Some(key) = reader.pass_string() else { break };
        if let Some(key) = key {
            keys[known] = key;
            known += 1;
        }
        strings += 1;
        if reader.pass_string().is_none() {
            break;
        }
    }
    if store.exceeds_cache() {
        store.prefetch(db, keys[..known].iter().copied());
    }
    strings.max(1)
}

/// Passes over what is said of a key, if that is a string.
fn reaches_string(reader: &mut Reader<'_>) -> bool {
    loop {
        let passed = match reader.byte() {
            Some(STRING) => return true,
            Some(opcode::EXPIRY_MS) => reader.bytes(8).map(drop),
            Some(opcode::IDLE) => reader.length().map(drop),
            Some(opcode::FREQUENCY) => reader.byte().map(drop),
            _ => None,
        };
        if passed.is_none() {
            return false;
        }
    }
}

/// The time of a key that does not expire.
const NO_EXPIRY: Millis = -1;

/// There are not so many slots, and so not so many ranges of them.
const MOST_RANGES: usize = 1 << 14;

/// The name of a task that imports slots, and the ranges of these. There is no cluster here to import them to: the keys
/// are keys as any others.
fn slot_import(reader: &mut Reader<'_>) -> Option<()> {
    let _name = reader.string()?;
    let ranges = reader.length().filter(|&ranges| ranges <= MOST_RANGES)?;
    lengths(reader, 2 * ranges)
}

/// So many lengths that mean nothing here.
fn lengths(reader: &mut Reader<'_>, count: usize) -> Option<()> {
    (0..count).try_for_each(|_| reader.length().map(drop))
}

/// The name of a module's type: nine letters of six bits, above ten bits of a version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |at: u32| char::from(LETTERS[(id >> (10 + 6 * (8 - at)) & 63) as usize]);
    (0..9).map(letter).collect()
}
