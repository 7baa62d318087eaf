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
//! Every byte that is kept, or recorded before its turn, makes the walk owe some ([`MomentProgress::debt`]). What paces
//! the walk sees to it that debts are paid soon, so that the walk ends, and little is kept, however much is written
//! meanwhile. What is handed to the moment is no debt, since it takes no more memory than it did; but as soon as there is
//! much of it, commands that take memory pay for it: see [`Store::keep_pace`](super::lifetime::discarded).

mod open;
mod parts;

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
use super::types::stream::{Consumer, Group, Pending};
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

    /// The next group has many pending entries or consumers, and is told in parts: `begin_group` with how many entries are
    /// pending, a [`Recorder::pending`] for each, in the order of their ids, [`Recorder::begin_consumers`] with how many
    /// there are, and a [`Recorder::consumer`] for each, in the order of their names. The outline is the group without
    /// these.
    fn begin_group(&mut self, _outline: &Group, _pending: usize) {}

    fn pending(&mut self, _consumer: &Consumer, _pending: &Pending) {}

    fn begin_consumers(&mut self, _count: usize) {}

    /// A consumer, which has an id that no other of the group had at the moment, and nothing that is pending.
    fn consumer(&mut self, _consumer: &Consumer) {}

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

    // ANCHOR: record_some
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
    // ANCHOR_END: record_some

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
    // ANCHOR: record_first
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
    // ANCHOR_END: record_first

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

#[cfg(test)]
mod tests {
    // Random stores, in which everything happens that can, between the slices of a walk: what is recorded is what there was.

    use std::any::Any;
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::embed::local::{Connection, Local};
    use crate::keyspace::Random;
    use crate::keyspace::types::stream::{ConsumerId, visit_group};

    const DATABASES: usize = 4;

    /// A key's place at the moment.
    type Place = (usize, Vec<u8>);

    /// All there is to know of a key, its parts in one line each.
    #[derive(Debug, PartialEq, Eq, Clone)]
    struct Shown {
        kind: Kind,
        expiry: Option<Millis>,
        parts: Vec<String>,
    }

    impl Shown {
        /// Parts that come in any order are sorted.
        fn settled(mut self) -> Shown {
            if matches!(self.kind, Kind::Set | Kind::Hash | Kind::Zset) {
                self.parts.sort_unstable();
            }
            self
        }

        fn of(entry: &Entry, value: KeyInfo<'_>) -> Shown {
            let mut parts = Vec::new();
            let _ = value.visit(|part| {
                parts.push(format!("{part:?}"));
                ControlFlow::<()>::Continue(())
            });
            Shown { kind: entry.kind(), expiry: entry.expiry(), parts }.settled()
        }
    }

    /// What a store has now.
    fn contents(store: &Store) -> BTreeMap<Place, Shown> {
        let mut all = BTreeMap::new();
        for (index, database) in store.iter() {
            for entry in database.entries.iter() {
                let value = KeyInfo::at_any_time(entry, &store.shared.eviction);
                all.insert((index, entry.key().to_vec()), Shown::of(entry, value));
            }
        }
        all
    }

    /// Remembers what it is told.
    #[derive(Default)]
    struct Memory {
        keys: BTreeMap<Place, Shown>,
        /// What is being told in parts, and how many parts and nodes there should be.
        open: Option<(Place, Shown, Outline)>,
        in_parts: usize,
        waiting: usize,
        /// Of the group that is told in parts, how many entries or consumers are to come, and the entries of each consumer.
        group: Option<(usize, BTreeMap<ConsumerId, Vec<String>>)>,
        groups_in_parts: usize,
        /// How often something was told.
        calls: Arc<AtomicUsize>,
    }

    impl Recorder for Memory {
        fn key(&mut self, key: &KeyRecord<'_>, value: KeyInfo<'_>) {
            let mut parts = Vec::new();
            let _ = value.visit(|part| {
                parts.push(format!("{part:?}"));
                ControlFlow::<()>::Continue(())
            });
            assert_eq!(value.expiry(), key.expiry);
            let shown = Shown { kind: value.kind(), expiry: key.expiry, parts };
            let before = self.keys.insert((key.db, key.key.to_vec()), shown.settled());
            assert_eq!(before, None, "twice: {:?}", String::from_utf8_lossy(key.key));
        }

        fn begin(&mut self, key: &KeyRecord<'_>, value: Outline) {
            assert!(self.open.is_none());
            let shown = Shown { kind: value.kind, expiry: key.expiry, parts: Vec::new() };
            self.open = Some(((key.db, key.key.to_vec()), shown, value));
            self.in_parts += 1;
        }

        fn node(&mut self) {
            let (_, _, outline) = self.open.as_mut().unwrap();
            outline.nodes -= 1;
        }

        fn part(&mut self, part: Part<'_>) {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let (_, shown, outline) = self.open.as_mut().unwrap();
            shown.parts.push(format!("{part:?}"));
            if let Part::Field(field) = part {
                assert!(field.expiry.is_none() || outline.expires);
            }
            if !matches!(part, Part::Counters(_)) {
                outline.parts -= 1;
            }
        }

        fn group(&mut self, group: &Group) {
            let (_, shown, outline) = self.open.as_mut().unwrap();
            outline.groups -= 1;
            let _ = visit_group(group, &mut |part| {
                shown.parts.push(format!("{part:?}"));
                ControlFlow::<()>::Continue(())
            });
        }

        fn begin_group(&mut self, outline: &Group, pending: usize) {
            assert!(self.group.is_none());
            self.open.as_mut().unwrap().2.groups -= 1;
            self.group = Some((pending, BTreeMap::new()));
            self.groups_in_parts += 1;
            let (_, shown, _) = self.open.as_mut().unwrap();
            let _ = visit_group(outline, &mut |part| {
                shown.parts.push(format!("{part:?}"));
                ControlFlow::<()>::Continue(())
            });
        }

        fn pending(&mut self, owner: &Consumer, pending: &Pending) {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let (left, owned) = self.group.as_mut().unwrap();
            *left -= 1;
            assert_eq!(owner.id(), pending.consumer);
            let Pending { id, delivered_at, deliveries, consumer } = *pending;
            let part = Part::Pending { id, delivered_at, deliveries };
            owned.entry(consumer).or_default().push(format!("{part:?}"));
        }

        fn begin_consumers(&mut self, count: usize) {
            assert_eq!(std::mem::replace(&mut self.group.as_mut().unwrap().0, count), 0);
            self.end_group();
        }

        fn consumer(&mut self, consumer: &Consumer) {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let (left, owned) = self.group.as_mut().unwrap();
            *left -= 1;
            let (seen_at, active_at) = (consumer.seen_at, consumer.active_at);
            let part = Part::Consumer { name: consumer.name(), seen_at, active_at };
            let (_, shown, _) = self.open.as_mut().unwrap();
            shown.parts.push(format!("{part:?}"));
            shown.parts.extend(owned.remove(&consumer.id()).into_iter().flatten());
            self.end_group();
        }

        fn end(&mut self) {
            let (place, shown, outline) = self.open.take().unwrap();
            assert_eq!((outline.parts, outline.nodes, outline.groups), (0, 0, 0), "{place:?}");
            assert_eq!(self.keys.insert(place, shown.settled()), None, "twice");
        }

        fn waiting(&self) -> usize {
            self.waiting
        }
    }

    impl Memory {
        /// The group has ended if all its consumers were told.
        fn end_group(&mut self) {
            if let Some((_, owned)) = self.group.take_if(|(left, _)| *left == 0) {
                assert!(owned.is_empty());
            }
        }
    }

    fn memory_of(recorder: Option<Box<dyn Recorder>>) -> Box<Memory> {
        let recorder: Box<dyn Any> = recorder.expect("a moment was being recorded");
        recorder.downcast().expect("the recorder that it began with")
    }

    /// Panics if the store says that it holds other than it does, or if there is a trace of a moment.
    fn check(store: &mut Store) {
        assert!(store.moment().is_none());
        for database in &store.databases {
            let held: usize = database.entries.iter().map(Entry::memory).sum();
            assert_eq!(database.memory, held);
            assert_eq!(database.entries.line(), 0);
            for entry in database.entries.iter() {
                if let Body::Large(value) = entry.body() {
                    assert_eq!((value.id(), value.kept()), (None, 0));
                }
            }
        }
        check_streams(store);
        let all: usize = store.databases.iter().map(Database::memory).sum();
        assert_eq!(store.memory(), all);
        while store.free_some(100) {}
        assert_eq!((store.unfreed(), store.has_unfreed()), (0, false));
    }

    /// Panics if a stream says other than it holds.
    fn check_streams(store: &Store) {
        for entry in store.databases.iter().flat_map(|database| database.entries.iter()) {
            if let Body::Large(Value::Stream(stream)) = entry.body() {
                stream.check();
            }
        }
    }

    /// Clients that do at random whatever can be done.
    struct Chaos {
        local: Local,
        client: Connection,
        random: Random,
    }

    impl Chaos {
        fn new(seed: u64) -> Chaos {
            let mut local = Local::new(Config { databases: DATABASES, ..Config::default() });
            let client = local.connect();
            let mut chaos = Chaos { local, client, random: Random::seeded(seed) };
            // So that lists and streams have many nodes.
            chaos.call("CONFIG SET list-max-listpack-size 16 stream-node-max-entries 10");
            chaos
        }

        fn store(&mut self) -> &mut Store {
            &mut self.local.engine.world.store
        }

        fn call(&mut self, line: &str) -> String {
            let reply = self.local.call(self.client, line.split(' ')).to_string();
            assert!(!reply.contains("syntax") && !reply.contains("unknown"), "{line}: {reply}");
            assert!(!reply.contains("wrong number"), "{line}: {reply}");
            reply
        }

        fn below(&mut self, below: usize) -> usize {
            self.random.below(below)
        }

        /// A number of things that are done at once: mostly few, sometimes so many that a value becomes large.
        fn many(&mut self) -> usize {
            match self.below(10) {
                0 => 300 + self.below(500),
                1..4 => 1 + self.below(60),
                _ => 1 + self.below(3),
            }
        }

        fn key(&mut self, kind: char) -> String {
            let name = if self.below(4) == 0 { "a-long-name-of-a-key" } else { "" };
            format!("{kind}:{name}{}", self.below(4))
        }

        fn any_key(&mut self) -> String {
            let kind = ['s', 'l', 'e', 'z', 'h', 'x'][self.below(6)];
            self.key(kind)
        }

        fn word(&mut self) -> String {
            let long = if self.below(10) == 0 { "-long".repeat(20) } else { String::new() };
            format!("w{}{long}", self.below(900))
        }

        fn words(&mut self, each: impl Fn(&mut Chaos) -> String) -> String {
            let count = self.many();
            (0..count).map(|_| each(self)).collect::<Vec<_>>().join(" ")
        }

        fn step(&mut self) {
            let line = match self.below(30) {
                0..4 => self.string(),
                4..8 => self.list(),
                8..11 => self.set(),
                11..16 => self.zset(),
                16..21 => self.hash(),
                21..25 => self.stream(),
                25..28 => self.any(),
                _ => return self.other(),
            };
            self.call(&line);
        }

        fn string(&mut self) -> String {
            let (key, word, n) = (self.key('s'), self.word(), self.below(1000));
            match self.below(16) {
                0 => format!("SET {} {word}", self.any_key()),
                1 => format!("SET {key} {word} PX {}", 1 + n),
                2 => format!("SET {key} {word} KEEPTTL"),
                3 => format!("APPEND {key} {word}"),
                4 => format!("SETRANGE {key} {n} {word}"),
                5 => format!("SETBIT {key} {n} 1"),
                6 => format!("INCRBY n{key} {n}"),
                7 => format!("INCRBYFLOAT n{key} 1.5"),
                8 => format!("GETEX {key} PX {}", 1 + n),
                9 => format!("GETDEL {key}"),
                10 => format!("MSET {key} {word} {} {n}", self.key('s')),
                11 => format!("BITFIELD {key} SET u8 {n} 7"),
                12 => format!("PFADD p{key} {}", self.words(Chaos::word)),
                13 => format!("GETSET {key} {}", word.repeat(200)),
                14 => format!("SETRANGE {key} {} x", 20_000 + n),
                _ => format!("BITOP NOT {key} {}", self.key('s')),
            }
        }

        fn list(&mut self) -> String {
            let (key, word, n) = (self.key('l'), self.word(), self.below(400));
            match self.below(14) {
                0..3 => format!("RPUSH {key} {}", self.words(Chaos::word)),
                3 => format!("LPUSH {key} {}", self.words(Chaos::word)),
                4 => format!("LPOP {key} {}", self.many()),
                5 => format!("RPOP {key} {}", self.many()),
                6 => format!("LSET {key} {n} {word}"),
                7 => format!("LINSERT {key} BEFORE {word} {n}"),
                8 => format!("LREM {key} {} {word}", n as i64 % 3 - 1),
                9 => format!("LTRIM {key} {} {}", self.below(20), 100 + n),
                10 => format!("LMOVE {key} {} LEFT RIGHT", self.key('l')),
                11 => format!("RPOPLPUSH {key} {key}"),
                12 => format!("LTRIM {key} {n} -1"),
                _ => format!("SORT {key} ALPHA STORE {}", self.key('l')),
            }
        }

        fn set(&mut self) -> String {
            let (key, word) = (self.key('e'), self.word());
            match self.below(8) {
                0..3 => format!("SADD {key} {}", self.words(Chaos::word)),
                3 => format!("SREM {key} {}", self.words(Chaos::word)),
                4 => format!("SPOP {key} {}", self.many()),
                5 => format!("SMOVE {key} {} {word}", self.key('e')),
                6 => format!("SUNIONSTORE {key} {} {}", self.key('e'), self.key('e')),
                _ => format!("SADD {key} {}", self.words(|chaos| chaos.below(5000).to_string())),
            }
        }

        fn zset(&mut self) -> String {
            let (key, word, n) = (self.key('z'), self.word(), self.below(100));
            match self.below(10) {
                0..4 => {
                    let pair = |chaos: &mut Chaos| format!("{} {}", chaos.below(30), chaos.word());
                    format!("ZADD {key} {}", self.words(pair))
                }
                4 => format!("ZREM {key} {}", self.words(Chaos::word)),
                5 => format!("ZINCRBY {key} {n} {word}"),
                6 => format!("ZPOPMIN {key} {}", self.many()),
                7 => format!("ZREMRANGEBYSCORE {key} {} {}", n % 30, n % 30 + 1),
                8 => format!("ZRANGESTORE {key} {} 0 {}", self.key('z'), 4 * n),
                _ => format!("ZREMRANGEBYRANK {key} {n} {}", n + 5),
            }
        }

        fn hash(&mut self) -> String {
            let (key, word, n) = (self.key('h'), self.word(), self.below(1000));
            match self.below(12) {
                0..4 => {
                    let pair = |chaos: &mut Chaos| format!("{} {}", chaos.word(), chaos.word());
                    format!("HSET {key} {}", self.words(pair))
                }
                4 => format!("HDEL {key} {}", self.words(Chaos::word)),
                5 => format!("HINCRBY {key} n{} {n}", n % 7),
                6 => format!("HPEXPIRE {key} {} FIELDS 1 {word}", 1 + n),
                7 => format!("HPERSIST {key} FIELDS 1 {word}"),
                8 => format!("HPEXPIRE {key} 0 FIELDS 1 {word}"),
                9 => format!("HSETEX {key} PX {} FIELDS 2 {word} v {} v", 1 + n, self.word()),
                10 => format!("HGETEX {key} PX {} FIELDS 1 {word}", 1 + n),
                _ => format!("HSETNX {key} {word} v"),
            }
        }

        fn stream(&mut self) -> String {
            let (key, n) = (self.key('x'), self.below(100));
            let (group, reader) = (format!("g{}", n % 3), format!("r{}", n % 4));
            match self.below(20) {
                0..3 => {
                    for _ in 0..self.many() {
                        let line = format!("XADD {key} * field {}", self.word());
                        self.call(&line);
                    }
                    format!("XADD {key} * a 1 b 2")
                }
                3 => format!("XTRIM {key} MAXLEN {}", 5 * n),
                4 => format!("XADD {key} MAXLEN ~ {} * f v", 2 * n),
                5 | 6 => self.ids(&key, n).map_or("PING".into(), |ids| format!("XDEL {key} {ids}")),
                7 => format!("XGROUP CREATE {key} {group} 0 MKSTREAM"),
                8 => {
                    let how = ["KEEPREF", "DELREF", "ACKED"][n % 3];
                    match n % 2 {
                        0 => format!("XTRIM {key} MAXLEN {} {how}", 5 * n),
                        _ => self.ids(&key, n).map_or("PING".into(), |ids| {
                            let count = ids.split(' ').count();
                            format!("XDELEX {key} {how} IDS {count} {ids}")
                        }),
                    }
                }
                9 => format!("XGROUP DESTROY {key} {group}"),
                10 => format!("XGROUP CREATECONSUMER {key} {group} {reader}"),
                11 => format!("XGROUP DELCONSUMER {key} {group} {reader}"),
                12..15 => {
                    let count = self.many();
                    format!("XREADGROUP GROUP {group} {reader} COUNT {count} STREAMS {key} >")
                }
                15 | 16 => {
                    let ids = self.ids(&key, n);
                    ids.map_or("PING".into(), |ids| format!("XACK {key} {group} {ids}"))
                }
                17 => format!("XAUTOCLAIM {key} {group} {reader} 0 0 COUNT {n}1"),
                18 => format!("XGROUP SETID {key} {group} {n}-1"),
                _ => format!("XSETID {key} 99999999999999-{n}"),
            }
        }

        /// Ids of some entries of a stream.
        fn ids(&mut self, key: &str, count: usize) -> Option<String> {
            let client = self.client;
            let line = format!("XRANGE {key} - + COUNT {}", 1 + 3 * count);
            let reply = self.local.call(client, line.split(' ')).to_string();
            let ids: Vec<&str> =
                reply.split('"').filter(|word| word.contains('-') && !word.contains('w')).collect();
            let start = self.random.below(ids.len().max(1));
            let ids = &ids[start.min(ids.len())..];
            (!ids.is_empty()).then(|| ids[..ids.len().min(1 + count / 4)].join(" "))
        }

        fn any(&mut self) -> String {
            let (key, name, n) = (self.any_key(), self.any_key(), self.below(2000));
            let db = self.below(DATABASES);
            match self.below(14) {
                0 => format!("DEL {key} {name}"),
                1 => format!("UNLINK {key}"),
                2 | 3 => format!("RENAME {key} {name}"),
                4 => format!("COPY {key} {name} DB {db} REPLACE"),
                5 => format!("COPY {key} {name} REPLACE"),
                6 | 7 => format!("MOVE {key} {db}"),
                8 => format!("PEXPIRE {key} {n}"),
                9 => format!("PERSIST {key}"),
                10 => format!("PEXPIRE {key} -1"),
                11 => format!("SCAN {n} COUNT 7"),
                12 => format!("OBJECT FREQ {key}"),
                _ => "RANDOMKEY".into(),
            }
        }

        fn other(&mut self) {
            let (one, two) = (self.below(DATABASES), self.below(DATABASES));
            match self.below(20) {
                0..5 => _ = self.call(&format!("SELECT {one}")),
                5..8 => _ = self.call(&format!("SWAPDB {one} {two}")),
                8 => _ = self.call("FLUSHDB"),
                9 if one == two => _ = self.call("FLUSHALL"),
                10..14 => {
                    let time = 1 + self.below(300) as u64;
                    self.local.advance(Duration::from_millis(time));
                }
                14 => {
                    self.store().shared.eviction.settings.policy =
                        crate::keyspace::lifetime::evict::Policy::AllkeysRandom;
                    (0..1 + two).for_each(|_| _ = self.store().evict_one());
                }
                15 | 16 => self.restore(),
                17 => {
                    let entries = [1, 3, 10, 100][one];
                    self.call(&format!("CONFIG SET stream-node-max-entries {entries}"));
                }
                _ => _ = self.store().free_some(50),
            }
        }

        /// RESTORE in the place of another key.
        fn restore(&mut self) {
            let (key, name) = (self.any_key(), self.any_key());
            let client = self.client;
            self.local.send(client, format!("DUMP {key}\r\n").as_bytes());
            let reply = self.local.received(client);
            if let Some(end) = reply.windows(2).position(|pair| pair == b"\r\n")
                && reply.starts_with(b"$")
                && reply.len() > end + 4
            {
                let payload = &reply[end + 2..reply.len() - 2];
                let args: [&[u8]; 5] = [b"RESTORE", name.as_bytes(), b"0", payload, b"REPLACE"];
                assert_eq!(self.local.call(client, args).to_string(), "OK");
            }
        }
    }

    /// A store of one key, which the commands have made.
    fn with(commands: &[String]) -> Chaos {
        let mut chaos = Chaos::new(1);
        commands.iter().for_each(|line| _ = chaos.call(line));
        chaos
    }

    fn numbers(range: std::ops::Range<usize>) -> String {
        range.map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ")
    }

    /// Records a moment, a slice of which is followed by the commands, and the others by nothing.
    fn record_while(chaos: &mut Chaos, commands: &[&str]) {
        let expected = contents(chaos.store());
        chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
        assert!(!chaos.store().record_some(10));
        commands.iter().for_each(|line| _ = chaos.call(line));
        while !chaos.store().record_some(50) {}
        let told = memory_of(chaos.store().end_moment());
        assert_eq!(told.keys, expected);
        check(chaos.store());
    }

    #[test]
    fn a_set_that_becomes_small_again_is_recorded_as_it_was() {
        let mut chaos = with(&[format!("SADD e {}", numbers(0..1000))]);
        record_while(&mut chaos, &["SPOP e 990", "SPOP e 3"]);
        assert_eq!(chaos.call("OBJECT ENCODING e"), "\"listpack\"");
    }

    #[test]
    fn a_list_that_becomes_small_again_is_recorded_as_it_was() {
        for command in ["LTRIM l 990 -1", "LTRIM l 0 3", "LPOP l 995", "RPOP l 995"] {
            let mut chaos = with(&[format!("RPUSH l {}", numbers(0..1000))]);
            record_while(
                &mut chaos,
                &["LPUSH l a", "RPUSH l b", "LSET l 500 c", command, "LTRIM l -1 -1"],
            );
            assert_eq!(chaos.call("OBJECT ENCODING l"), "\"listpack\"");
        }
    }

    #[test]
    fn elements_of_a_list_are_recorded_in_their_order_whatever_becomes_of_them() {
        for seed in 0..30 {
            let mut chaos = with(&[format!("RPUSH l {}", numbers(0..900))]);
            chaos.random = Random::seeded(seed);
            let lines: Vec<String> = (0..80)
                .map(|n| {
                    let at = chaos.below(700);
                    match chaos.below(9) {
                        0 | 1 => format!("LSET l {at} v{n}"),
                        2 => format!("LINSERT l AFTER w{at} v{n}"),
                        3 => format!("LREM l 1 w{at}"),
                        4 => format!("LPOP l {}", at % 20),
                        5 => format!("RPOP l {}", at % 20),
                        6 => format!("LPUSH l {}", numbers(at..at + at % 30 + 1)),
                        7 => format!("RPUSH l {}", numbers(at..at + at % 30 + 1)),
                        _ => "LMOVE l l LEFT RIGHT".to_owned(),
                    }
                })
                .collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let expected = contents(chaos.store());
            chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
            for some in lines.chunks(4) {
                some.iter().for_each(|line| _ = chaos.call(line));
                chaos.store().record_some(seed as usize);
            }
            while !chaos.store().record_some(50) {}
            let told = memory_of(chaos.store().end_moment());
            assert_eq!((told.keys, told.in_parts), (expected, 1), "seed {seed}");
            check(chaos.store());
        }
    }

    /// A command on a stream of this name, whose entries have had ids from 1-1 to 300-1.
    fn on_a_stream(chaos: &mut Chaos, n: usize) -> String {
        let (at, group, reader) = (1 + chaos.below(300), chaos.below(6), chaos.below(3));
        let ids = |chaos: &mut Chaos| {
            let (start, step) = (chaos.below(300), 1 + chaos.below(9));
            let ids = (0..1 + chaos.below(12)).map(|n| format!("{}-1", start + n * step));
            ids.collect::<Vec<_>>().join(" ")
        };
        let how = ["KEEPREF", "DELREF", "ACKED"][chaos.below(3)];
        match chaos.below(24) {
            0..3 => format!("XADD x {}-1 f v{n}", 1000 + n),
            3..6 => format!("XDEL x {}", ids(chaos)),
            6 => format!("XTRIM x MINID {}", at / 2),
            7 => format!("XTRIM x MINID ~ {}", at / 2),
            8 => format!("XTRIM x MAXLEN {} {how}", 300 - at / 2),
            9 => {
                let ids = ids(chaos);
                format!("XDELEX x {how} IDS {} {ids}", ids.split(' ').count())
            }
            10 => format!("XTRIM x MAXLEN 0 {how}"),
            11 => format!("XSETID x {}-1", 2000 + at),
            12 => format!("XSETID x {}-1", at / 3),
            13 => format!("XADD x {}-1 a b c d{n}", 1 + at / 2),
            14..17 => {
                format!("XREADGROUP GROUP g{group} r{reader} COUNT {} STREAMS x >", 1 + at / 12)
            }
            17 | 18 => format!("XACK x g{group} {}", ids(chaos)),
            19 => {
                let how = ["JUSTID", "FORCE"][n % 2];
                format!("XCLAIM x g{group} r{reader} 0 {} {how}", ids(chaos))
            }
            20 => format!("XGROUP DESTROY x g{group}"),
            21 => format!("XGROUP CREATE x g{group} {at}"),
            22 => format!("XGROUP DELCONSUMER x g{group} r{reader}"),
            _ => format!("XGROUP SETID x g{group} {at}"),
        }
    }

    #[test]
    fn a_stream_whose_entries_go_with_their_references_or_in_spite_of_them_is_recorded_as_it_was() {
        for commands in [
            &["XDELEX x DELREF IDS 2 30-1 40-1"][..],
            &["XGROUP DELCONSUMER x g r", "XREADGROUP GROUP g other COUNT 5 STREAMS x >"],
            &["XCLAIM x g other 0 12-1 13-1 100-1 101-1 FORCE", "XACK x g 101-1 13-1"],
            &["XTRIM x MAXLEN 100 DELREF"],
            &["XTRIM x MAXLEN 5 ACKED"],
            &["XTRIM x MAXLEN 0", "XSETID x 5-1", "XADD x 100-1 f new", "XADD x 101-1 f new"],
        ] {
            let mut chaos = Chaos::new(1);
            for n in 1..=300 {
                chaos.call(&format!("XADD x {n}-1 f {}", "v".repeat(250)));
            }
            chaos.call("XGROUP CREATE x g 0");
            chaos.call("XREADGROUP GROUP g r COUNT 200 STREAMS x >");
            chaos.call("XACK x g 12-1 100-1 101-1 150-1");
            record_while(&mut chaos, commands);
        }
    }

    /// Records what is left of a stream, and holds each turn to few calls. A node of the stream comes whole.
    fn record_in_small_parts(chaos: &mut Chaos, calls: &AtomicUsize) {
        loop {
            let before = calls.load(Ordering::Relaxed);
            let is_over = chaos.store().record_some(100);
            let told = calls.load(Ordering::Relaxed) - before;
            assert!(told <= 200, "{told} at once");
            check_streams(chaos.store());
            if is_over {
                return;
            }
        }
    }

    #[test]
    fn a_turn_does_no_more_for_a_group_that_has_more_pending() {
        let mut chaos = Chaos::new(1);
        (1..=3000).for_each(|n| _ = chaos.call(&format!("XADD x {n}-1 f v")));
        chaos.call("XGROUP CREATE x g 0");
        (0..3).for_each(|n| {
            chaos.call(&format!("XREADGROUP GROUP g r{n} COUNT 1000 STREAMS x >"));
        });
        let expected = contents(chaos.store());
        let recorder = Memory::default();
        let calls = recorder.calls.clone();
        chaos.store().begin_moment(Box::new(recorder)).unwrap();
        // The walk has opened the stream.
        chaos.store().record_some(1);
        assert_eq!(chaos.call("XACK x g 2500-1"), "(integer) 1");
        let kept = chaos.store().moment().unwrap().kept;
        assert!(kept < 2000, "{kept} bytes");
        record_in_small_parts(&mut chaos, &calls);
        let told = memory_of(chaos.store().end_moment());
        assert_eq!(told.groups_in_parts, 1);
        assert_eq!(told.keys, expected);
        check(chaos.store());
    }

    #[test]
    fn a_turn_does_no_more_for_a_group_that_has_more_consumers() {
        let mut chaos = Chaos::new(1);
        (1..=300).for_each(|n| _ = chaos.call(&format!("XADD x {n}-1 f v")));
        chaos.call("XGROUP CREATE x g 0");
        (0..3000).for_each(|n| _ = chaos.call(&format!("XGROUP CREATECONSUMER x g r{n}")));
        chaos.call("XREADGROUP GROUP g r7 COUNT 3 STREAMS x >");
        let expected = contents(chaos.store());
        let recorder = Memory::default();
        let calls = recorder.calls.clone();
        chaos.store().begin_moment(Box::new(recorder)).unwrap();
        // The walk has opened the stream.
        chaos.store().record_some(1);
        for change in ["DELCONSUMER x g r7", "CREATECONSUMER x g r7a", "CREATECONSUMER x g r7"] {
            chaos.call(&format!("XGROUP {change}"));
        }
        chaos.call("XREADGROUP GROUP g r1 COUNT 3 STREAMS x >");
        let kept = chaos.store().moment().unwrap().kept;
        assert!(kept < 3000, "{kept} bytes");
        record_in_small_parts(&mut chaos, &calls);
        let told = memory_of(chaos.store().end_moment());
        assert_eq!(told.groups_in_parts, 1);
        assert!(told.keys == expected);
        check(chaos.store());
    }

    #[test]
    fn what_was_kept_of_consumers_is_freed_in_slices() {
        let mut chaos = Chaos::new(1);
        (1..=300).for_each(|n| _ = chaos.call(&format!("XADD x {n}-1 f v")));
        chaos.call("XGROUP CREATE x g 0");
        (0..3000).for_each(|n| _ = chaos.call(&format!("XGROUP CREATECONSUMER x g r{n}")));
        chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
        chaos.store().record_some(1);
        (0..3000).for_each(|n| _ = chaos.call(&format!("XGROUP DELCONSUMER x g r{n}")));
        check_streams(chaos.store());
        chaos.store().end_moment();
        let before = chaos.store().memory();
        assert!(chaos.store().unfreed() > 50_000, "{}", chaos.store().unfreed());
        // Their places are given up by what changes the group next.
        chaos.call("XGROUP CREATECONSUMER x g last");
        (0..300).for_each(|n| _ = chaos.call(&format!("XGROUP SETID x g {n}")));
        check(chaos.store());
        let after = chaos.store().memory();
        assert!(after + 300_000 < before, "{after} of {before}");
    }

    #[test]
    fn what_was_kept_of_groups_is_freed_in_slices() {
        for is_given_up in [false, true] {
            for change in ["XGROUP DESTROY x g", "XTRIM x MAXLEN 300 DELREF"] {
                let mut chaos = Chaos::new(1);
                (1..=3000).for_each(|n| _ = chaos.call(&format!("XADD x {n}-1 f v")));
                chaos.call("XGROUP CREATE x g 0");
                chaos.call("XREADGROUP GROUP g r COUNT 3000 STREAMS x >");
                chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
                chaos.store().record_some(1);
                chaos.call(change);
                while chaos.store().free_some(100) {}
                while !is_given_up && !chaos.store().record_some(100) {}
                chaos.store().end_moment();
                let is_whole = change.contains("DESTROY");
                assert_eq!(chaos.store().unfreed() > 50_000, is_given_up || is_whole, "{change}");
                check(chaos.store());
                while chaos.store().free_some(1) {}
                assert_eq!(chaos.store().unfreed(), 0);
            }
        }
    }

    #[test]
    fn entries_and_groups_of_a_stream_are_recorded_as_they_were_whatever_becomes_of_them() {
        let (mut peaks, mut in_parts, mut groups) = (0, 0, 0);
        for seed in 0..48 {
            let mut chaos = Chaos::new(seed);
            let (entries, bytes) =
                ([1, 3, 10, 100][seed as usize % 4], [0, 200][seed as usize % 2]);
            chaos.call(&format!("CONFIG SET stream-node-max-entries {entries}"));
            chaos.call(&format!("CONFIG SET stream-node-max-bytes {bytes}"));
            let pad = "-".repeat(250);
            (1..=300).for_each(|n| _ = chaos.call(&format!("XADD x {n}-1 f v{n}{pad}")));
            // Groups that have much pending.
            for n in (0..9).filter(|_| seed % 3 == 0) {
                let (group, reader) = (n / 3, n % 3);
                chaos.call(&format!("XGROUP CREATE x g{group} 0"));
                chaos.call(&format!("XREADGROUP GROUP g{group} r{reader} COUNT 80 STREAMS x >"));
            }
            for n in 0..chaos.below(25) {
                if n < 5 {
                    chaos.call(&format!("XGROUP CREATE x g{n} 0"));
                }
                let line = on_a_stream(&mut chaos, n);
                // What makes it small is left for later.
                if !line.contains("MAXLEN 0") {
                    chaos.call(&line);
                }
            }
            let expected = contents(chaos.store());
            chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
            let (slice, often) = (1 + chaos.below(200), 1 + chaos.below(20));
            let end = ["PING", "DEL x", "SET x y", "RENAME x y", "FLUSHALL", "MOVE x 2"];
            for n in 100..200 {
                let line = on_a_stream(&mut chaos, n);
                chaos.call(&line);
                if n % 8 == 0 {
                    check_streams(chaos.store());
                }
                peaks += chaos.store().moment().unwrap().kept;
                if n % often == 0 && chaos.store().record_some(slice) {
                    break;
                }
                if n == 170 {
                    chaos.call(end[seed as usize % end.len()]);
                }
            }
            let is_given_up = chaos.below(6) == 0;
            while !is_given_up && !chaos.store().record_some(slice) {}
            let told = memory_of(chaos.store().end_moment());
            if !is_given_up {
                assert!(told.keys == expected, "seed {seed}");
            }
            in_parts += told.in_parts;
            groups += told.groups_in_parts;
            check(chaos.store());
        }
        assert!(peaks > 0 && in_parts > 30 && groups > 30, "{in_parts}, {groups}");
    }

    #[test]
    fn what_is_recorded_is_what_there_was() {
        let mut in_parts = 0;
        for seed in 0..8 {
            let mut chaos = Chaos::new(seed);
            (0..150).for_each(|_| chaos.step());
            for round in 0..8 {
                (0..chaos.below(60)).for_each(|_| chaos.step());
                let expected = contents(chaos.store());
                chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
                assert_eq!(chaos.store().begin_moment(Box::new(Memory::default())), Err(Busy));
                assert_eq!(chaos.store().moment().unwrap().keys, expected.len());
                let is_given_up = chaos.below(4) == 0;
                let patience = chaos.below(60);
                let slice = [30, 300, 1000][chaos.below(3)];
                let mut steps = 0;
                loop {
                    (0..chaos.below(8)).for_each(|_| chaos.step());
                    let work = chaos.below(slice);
                    steps += 1;
                    if chaos.store().record_some(work) || is_given_up && steps > patience {
                        break;
                    }
                }
                let progress = chaos.store().moment().unwrap();
                let is_over = chaos.store().record_some(0);
                let told = memory_of(chaos.store().end_moment());
                in_parts += told.in_parts;
                if is_over {
                    assert_eq!((progress.recorded, progress.kept), (expected.len(), 0));
                    assert_eq!(
                        told.keys.keys().collect::<Vec<_>>(),
                        expected.keys().collect::<Vec<_>>()
                    );
                }
                for (place, shown) in &told.keys {
                    assert_eq!(
                        Some(shown),
                        expected.get(place),
                        "seed {seed}, round {round}: {place:?}"
                    );
                }
                check(chaos.store());
            }
        }
        assert!(in_parts > 100, "{in_parts}");
    }
}
