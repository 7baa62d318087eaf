//! A moment: what the whole keyspace was at one time, recorded while it goes on changing, without a second process.
//!
//! Nothing is copied when the moment begins ([`Store::begin_moment`]). Every dictionary of keys draws a line above its
//! last entry, and a walk ([`Store::record_some`]) records the entry below the line and moves the line down, slice by
//! slice. An entry below the line that is about to change or to go is recorded first, and passes the line
//! ([`Dict::pass`](super::index::dict::Dict::pass)); what is new comes above it. So every key is recorded once, as it
//! was, and a change costs one comparison while there is no moment, as good as nothing for a key that was recorded, and
//! one record for any other.
//!
//! A large value is not recorded whole: that would keep all clients waiting. It is opened ([`open`]), which draws a line
//! in its own dictionary, and the walk tells its parts in slices before it goes on with other keys. An element that is
//! about to change meanwhile is kept beside the value until then ([`Kept`](super::large::kept::Kept)). A value that is
//! open and that its key loses, and a database that is flushed, are handed to the moment, which records them and discards
//! them.
//!
//! What is recorded goes to a [`Recorder`], which knows the format.
//!
//! Every byte that is kept, or recorded before its turn, makes the walk owe some ([`MomentProgress::debt`]). Whoever paces
//! the walk sees to it that debts are paid soon, so that the walk ends, and little is kept, however much is written
//! meanwhile. What is handed to the moment is no debt, since it takes no more memory than it did; but as soon as there is
//! much of it, commands that take memory pay for it: see [`Store::keep_pace`](super::lifetime::discarded).

mod open;
mod parts;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use super::apart::PastUse;
use super::blob::Millis;
use super::entry::{Body, Entry};
use super::index::dict::{Keyed, hash_of};
use super::keys::KeyInfo;
use super::kind::Kind;
use super::lifetime::evict::Eviction;
use super::types::stream::Group;
use super::value::Value;
use super::visit::Part;
use super::{Database, Shared, Store};

use open::{Open, Place};
use parts::{Told, UNIT};

/// Receives what the keyspace was at one moment, key by key, in any order.
pub trait Recorder: Send + Any {
    /// A whole key. It may come between `begin` and `end` of another.
    ///
    /// Fields that have expired and are still there are told, like keys.
    fn key(&mut self, key: &KeyRecord<'_>, value: KeyInfo<'_>);

    /// A large value, which is told in parts: `begin`, so many [`Recorder::part`]s, [`Recorder::end`]. One at a time.
    fn begin(&mut self, key: &KeyRecord<'_>, value: Outline);

    /// The parts that follow, up to the next call of this, were one node of a list or of a stream.
    fn node(&mut self) {}

    /// The next part of the large value. Members and fields come in any order, and so do those of a sorted set. Elements
    /// of lists and entries of streams come in their order; behind the entries there is one [`Part::Counters`].
    fn part(&mut self, part: Part<'_>);

    /// The next group of the stream, with all that it has. Groups come last, in the order of their names.
    fn group(&mut self, _group: &Group) {}

    /// All parts of the large value were told.
    fn end(&mut self);

    /// Bytes that wait to be written. The walk pauses while they are too many. What cannot be written before a large
    /// value ends is not counted, or that would never end.
    fn waiting(&self) -> usize;
}

/// A key at the moment.
#[derive(Debug, Clone, Copy)]
pub struct KeyRecord<'a> {
    /// The number that its database had.
    pub db: usize,
    pub key: &'a [u8],
    pub expiry: Option<Millis>,
    /// How it has been used. A key that was only read since the moment may show it.
    pub past: PastUse,
}

/// What is known of a large value before its parts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    pub kind: Kind,
    /// How many elements are told. Fields that have expired and are still there are counted, what a stream has beside its
    /// entries is not.
    pub parts: usize,
    /// Whether some field expires.
    pub expires: bool,
    /// How many nodes a list or a stream has: see [`Recorder::node`].
    pub nodes: usize,
    /// How many groups a stream has.
    pub groups: usize,
}

/// How far the recording of a moment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentProgress {
    /// Keys at the moment.
    pub keys: usize,
    /// Those of them that have been recorded.
    pub recorded: usize,
    /// Bytes of memory that are there only because they are to be recorded yet.
    pub kept: usize,
    /// Bytes that the walk should have recorded by now and has not.
    pub debt: usize,
    /// Bytes that wait to be written. While these are more than [`MOST_WAITING`] the walk pauses, whatever it owes.
    pub waiting: usize,
}

/// A moment is being recorded already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// The walk pauses while the recorder has so many bytes that wait to be written.
pub const MOST_WAITING: usize = 8 << 20;

/// So many bytes of progress are owed for each byte that is kept, or recorded before its turn. What is beside the data is
/// at most one part in so many of it, if debts are paid at once.
const OWED: usize = 16;

/// Keys that are fetched from memory together.
const PREFETCHED: usize = 16;

/// A moment that is being recorded.
pub(crate) struct Moment {
    recorder: Box<dyn Recorder>,
    /// The databases that have keys below their line.
    databases: BTreeSet<usize>,
    /// Databases that were flushed, with keys below their line.
    handed: Vec<Database>,
    /// Large values that are being recorded. They come before anything else, the first of them first.
    opened: VecDeque<Open>,
    /// The number of the next one.
    next_id: u64,
    /// Bytes of memory of values and databases that no key has any more.
    held: usize,
    /// Bytes of memory that are kept beside values.
    kept: usize,
    keys: usize,
    recorded: usize,
    debt: usize,
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, recorded) = (self.keys, self.recorded);
        f.debug_struct("Moment").field("keys", &keys).field("recorded", &recorded).finish()
    }
}

impl Store {
    /// The moment is now.
    ///
    /// # Errors
    /// If another is being recorded.
    pub fn begin_moment(&mut self, recorder: Box<dyn Recorder>) -> Result<(), Busy> {
        if self.shared.moment.is_some() {
            return Err(Busy);
        }
        let databases: BTreeSet<usize> = self.iter().map(|(index, _)| index).collect();
        for &index in &databases {
            let database = &mut self.databases[index];
            database.recorded_as = index;
            database.entries.draw_line();
        }
        self.shared.moment = Some(Box::new(Moment {
            recorder,
            databases,
            handed: Vec::new(),
            opened: VecDeque::new(),
            next_id: 0,
            held: 0,
            kept: 0,
            keys: self.keys(),
            recorded: 0,
            debt: 0,
        }));
        Ok(())
    }

    /// Records about so many units of work: a key, an element, or 64 bytes of a value. Stops early while too much waits to
    /// be written. Returns whether all is recorded.
    pub fn record_some(&mut self, work: usize) -> bool {
        let Some(mut moment) = self.shared.moment.take() else { return true };
        let mut left = work;
        while left > 0 && !moment.is_over() && moment.recorder.waiting() < MOST_WAITING {
            let done = self.record_slice(&mut moment, left);
            left = left.saturating_sub(done.max(1));
        }
        let is_over = moment.is_over();
        self.shared.moment = Some(moment);
        is_over
    }

    /// As [`Store::record_some`]. Returns whether anything was recorded.
    pub(crate) fn record_more(&mut self, work: usize) -> bool {
        let can_go_on =
            |moment: &Moment| !moment.is_over() && moment.recorder.waiting() < MOST_WAITING;
        let can_go_on = self.shared.moment.as_deref().is_some_and(can_go_on);
        if can_go_on {
            self.record_some(work);
        }
        can_go_on
    }

    /// Records up to about so many units of what comes first, and returns how many.
    fn record_slice(&mut self, moment: &mut Moment, work: usize) -> usize {
        if !moment.opened.is_empty() {
            return self.record_opened(moment, work);
        }
        if let Some(mut database) = moment.handed.pop() {
            let before = database.memory();
            let done = moment.record_below_line(&mut database, &self.shared.eviction, work);
            if let Some(open) = moment.opened.front_mut() {
                // The value goes out of the database, which is going to be discarded.
                hold_one(open, &mut database, &mut moment.held);
            }
            moment.held = moment.held + database.memory() - before;
            if database.entries.line() > 0 {
                moment.handed.push(database);
            } else {
                moment.held -= database.memory();
                self.shared.discard_database(database);
            }
            return done;
        }
        let Some(&index) = moment.databases.first() else { return 0 };
        let Some(database) = self.databases.get_mut(index) else { return 0 };
        let done = moment.record_below_line(database, &self.shared.eviction, work);
        if database.entries.line() == 0 {
            moment.databases.remove(&index);
        }
        done
    }

    /// Records up to about so many units of the first value that is open, and returns how many.
    fn record_opened(&mut self, moment: &mut Moment, work: usize) -> usize {
        let Some(mut open) = moment.opened.pop_front() else { return 0 };
        if !open.has_begun {
            moment.recorder.begin(&open.record(), open.outline);
            open.has_begun = true;
        }
        let mut told = Told::default();
        let mut has_more = false;
        self.change_opened(moment, &mut open.place, |value, recorder| {
            (told, has_more) = value.tell_some(work, recorder);
        });
        moment.debt = moment.debt.saturating_sub(told.bytes);
        if has_more {
            moment.opened.push_front(open);
        } else {
            moment.recorder.end();
            moment.recorded += 1;
            self.close(moment, open.place);
        }
        told.work
    }

    /// Ends the recording, whether it is whole or given up, and returns the recorder.
    pub fn end_moment(&mut self) -> Option<Box<dyn Recorder>> {
        let mut moment = self.shared.moment.take()?;
        for index in std::mem::take(&mut moment.databases) {
            self.databases[index].entries.erase_line();
        }
        while let Some(open) = moment.opened.pop_front() {
            self.close(&mut moment, open.place);
        }
        for mut database in moment.handed {
            database.entries.erase_line();
            self.shared.discard_database(database);
        }
        Some(moment.recorder)
    }

    /// Stops recording a value that is open. A value that no key has any more is discarded.
    fn close(&mut self, moment: &mut Moment, mut place: Place) {
        let kept = self.change_opened(moment, &mut place, |value, _| value.close());
        if let Some(kept) = kept.flatten() {
            self.shared.discard_in_slices(kept);
        }
        if let Place::Held(value) = place {
            moment.held -= value.memory();
            self.shared.discard(Some(value));
        }
    }

    /// Changes a value that is open, wherever it is, and accounts for the memory.
    fn change_opened<R>(
        &mut self,
        moment: &mut Moment,
        place: &mut Place,
        change: impl FnOnce(&mut Value, &mut dyn Recorder) -> R,
    ) -> Option<R> {
        let recorder = &mut *moment.recorder;
        match place {
            Place::Held(value) => {
                let before = value.memory();
                let result = change(value, recorder);
                moment.held = moment.held + value.memory() - before;
                Some(result)
            }
            Place::Key { db, key } => {
                let database = self.databases.get_mut(*db)?;
                let at = database.entries.find(hash_of(key), key)?;
                let entry = database.entries.at_mut(at);
                let before = entry.memory();
                let value = entry.large_mut()?;
                let kept = value.kept();
                let result = change(value, recorder);
                moment.kept = moment.kept + value.kept() - kept;
                let after = entry.memory();
                database.resize(&mut self.shared, before, after);
                Some(result)
            }
        }
    }

    /// How far the recording has come, if there is one.
    pub fn moment(&self) -> Option<MomentProgress> {
        let moment = self.shared.moment.as_ref()?;
        Some(MomentProgress {
            keys: moment.keys,
            recorded: moment.recorded,
            kept: moment.held + moment.kept,
            debt: moment.debt,
            waiting: moment.recorder.waiting(),
        })
    }
}

impl Moment {
    fn is_over(&self) -> bool {
        self.opened.is_empty() && self.handed.is_empty() && self.databases.is_empty()
    }

    /// Records entries below the line of a database, about so many units, and returns how many. Stops behind a value that
    /// it has opened.
    fn record_below_line(
        &mut self,
        database: &mut Database,
        eviction: &Eviction,
        work: usize,
    ) -> usize {
        let (mut done, mut fetched) = (0, 0);
        while done < work
            && self.opened.is_empty()
            && let Some(last) = database.entries.line().checked_sub(1)
        {
            if fetched == 0 {
                database.entries.prefetch_below_line(PREFETCHED);
                fetched = PREFETCHED;
            }
            fetched -= 1;
            let at = database.entries.pass(last);
            let told = self.record(database, at, eviction);
            self.debt = self.debt.saturating_sub(told.bytes);
            done += told.work;
        }
        done
    }

    /// Records an entry that has passed the line, or opens its value.
    fn record(&mut self, database: &mut Database, at: usize, eviction: &Eviction) -> Told {
        let (db, index) = (database.recorded_as, database.index);
        let entry = database.entries.at_mut(at);
        if let Some(value) = entry.large_mut()
            && value.is_recorded_in_parts()
        {
            value.open(self.next_id);
            let outline = value.outline();
            self.open(entry, db, index, outline, eviction);
            return Told { work: 1, bytes: 0 };
        }
        let past = eviction.past_use(entry.usage());
        let key = KeyRecord { db, key: entry.key(), expiry: entry.expiry(), past };
        self.recorder.key(&key, KeyInfo::at_any_time(entry, eviction));
        self.recorded += 1;
        let bytes = entry.memory();
        Told { work: 1 + elements(entry).max(bytes / UNIT), bytes: bytes + size_of::<Entry>() }
    }

    /// Lists an entry whose value has been opened.
    fn open(
        &mut self,
        entry: &Entry,
        db: usize,
        index: usize,
        outline: Outline,
        eviction: &Eviction,
    ) {
        self.opened.push_back(Open {
            id: self.next_id,
            place: Place::Key { db: index, key: entry.key().into() },
            db,
            key: entry.key().into(),
            expiry: entry.expiry(),
            past: eviction.past_use(entry.usage()),
            outline,
            has_begun: false,
        });
        self.next_id += 1;
    }

    /// What is listed of the open value with this number.
    fn opened(&mut self, id: u64) -> Option<&mut Open> {
        let at = self.opened.binary_search_by_key(&id, |open| open.id).ok()?;
        self.opened.get_mut(at)
    }

    /// The walk owes for so many bytes.
    fn owe(&mut self, bytes: usize) {
        self.debt = self.debt.saturating_add(bytes.saturating_mul(OWED));
    }
}

impl Database {
    /// The entry at a position is about to change, or to go. If it is to be recorded, that is done first. Returns
    /// where the entry is then.
    #[inline]
    pub(crate) fn record_first(&mut self, shared: &mut Shared, at: usize) -> usize {
        if at < self.entries.line() { self.record_now(shared, at) } else { at }
    }

    #[cold]
    fn record_now(&mut self, shared: &mut Shared, at: usize) -> usize {
        let at = self.entries.pass(at);
        if let Some(moment) = &mut shared.moment {
            let told = moment.record(self, at, &shared.eviction);
            moment.owe(told.bytes);
        }
        at
    }

    /// The value at a position has changed while a moment is being recorded.
    #[cold]
    pub(crate) fn owe_for(&mut self, shared: &mut Shared, at: usize) {
        if let Some(value) = self.entries.at_mut(at).large_mut()
            && let Some(moment) = &mut shared.moment
        {
            let growth = value.growth();
            moment.kept += growth;
            moment.owe(growth);
        }
    }
}

impl Shared {
    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.moment.is_some()
    }

    /// An entry is about to be added to a database. It may be one that has had another name or place.
    #[cold]
    pub(crate) fn note_place(&mut self, index: usize, entry: &Entry) {
        if let Body::Large(value) = entry.body()
            && let Some(id) = value.id()
            && let Some(open) = self.moment.as_mut().and_then(|moment| moment.opened(id))
        {
            open.place = Place::Key { db: index, key: entry.key().into() };
        }
    }

    /// Takes a value that no key has any more, if parts of it are to be recorded. Returns any other.
    pub(crate) fn hold(&mut self, mut value: Value) -> Option<Value> {
        let Some(moment) = &mut self.moment else { return Some(value) };
        let Some(open) = value.id().and_then(|id| moment.opened(id)) else { return Some(value) };
        // The change that the value goes with may have made it keep some.
        let (memory, kept, growth) = (value.memory(), value.kept(), value.growth());
        open.place = Place::Held(value);
        moment.held += memory;
        moment.kept = moment.kept + growth - kept;
        moment.owe(growth);
        None
    }

    /// A database is not needed any more. What is to be recorded of it is recorded before it is discarded.
    pub(crate) fn hand_over(&mut self, mut database: Database) {
        let Some(moment) = &mut self.moment else { return self.discard_database(database) };
        for open in &mut moment.opened {
            if let Place::Key { db, .. } = open.place
                && db == database.index
            {
                moment.kept -= hold_one(open, &mut database, &mut moment.held);
            }
        }
        if moment.databases.remove(&database.index) {
            moment.held += database.memory();
            moment.handed.push(database);
        } else {
            self.discard_database(database);
        }
    }

    /// Two databases have changed places.
    pub(crate) fn exchange_recorded(&mut self, one: usize, other: usize) {
        let Some(moment) = &mut self.moment else { return };
        let (has_one, has_other) = (moment.databases.remove(&one), moment.databases.remove(&other));
        moment.databases.extend(has_one.then_some(other));
        moment.databases.extend(has_other.then_some(one));
        for open in &mut moment.opened {
            match &mut open.place {
                Place::Key { db, .. } if *db == one => *db = other,
                Place::Key { db, .. } if *db == other => *db = one,
                _ => {}
            }
        }
    }

    /// Bytes of memory of what no key has any more and is to be recorded yet.
    #[inline]
    pub(crate) fn held(&self) -> usize {
        self.moment.as_ref().map_or(0, |moment| moment.held)
    }
}

/// Takes a value that is open out of a database that is not needed any more. Returns how many bytes are kept beside it.
fn hold_one(open: &mut Open, database: &mut Database, held: &mut usize) -> usize {
    let Place::Key { key, .. } = &open.place else { return 0 };
    let Some(at) = database.entries.find(hash_of(key), key) else { return 0 };
    let entry = database.entries.remove(at);
    database.memory -= entry.memory();
    let Some(value) = entry.into_large() else { return 0 };
    let kept = value.kept();
    *held += value.memory();
    open.place = Place::Held(value);
    kept
}

/// How many elements an entry has that is an object of its own.
fn elements(entry: &Entry) -> usize {
    match entry.body() {
        Body::Compact(..) => 0,
        Body::Large(value) => value.len(),
    }
}
