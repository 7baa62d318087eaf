//! A moment: what the whole keyspace was at one time, recorded while it goes on changing, without a second process.
//!
//! Nothing is copied when the moment begins ([`Store::begin_moment`]). Every dictionary of keys draws a line above its
//! last entry, and a walk ([`Store::record_some`]) records the entry below the line and moves the line down, slice by
//! slice. An entry below the line that is about to change or to go is recorded first, and passes the line
//! ([`Dict::pass`](super::index::dict::Dict::pass)); what is new comes above it. So every key is recorded once, as it
//! was, and a change costs one comparison while there is no moment, as good as nothing for a key that was recorded, and
//! one record for any other.
//!
//! What is recorded goes to a [`Recorder`], which knows the format. A database that is flushed is handed to the moment
//! with all its keys, and discarded when they have been recorded.
//!
//! Every byte that is recorded before its turn makes the walk owe some ([`MomentProgress::debt`]). Whoever paces the walk
//! sees to it that debts are paid in the turn that made them, so that the walk ends, and little is kept, however much is
//! written meanwhile.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;

use super::apart::PastUse;
use super::blob::Millis;
use super::entry::{Body, Entry};
use super::index::dict::Keyed;
use super::keys::KeyInfo;
use super::kind::Kind;
use super::lifetime::evict::Eviction;
use super::visit::Part;
use super::{Database, Shared, Store};

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

    /// The next part of the large value. Members and fields come in any order, and so do those of a sorted set.
    fn part(&mut self, part: Part<'_>);

    /// All parts of the large value were told.
    fn end(&mut self);

    /// Bytes that wait to be written. The walk pauses while they are too many.
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
    /// How many parts are told. Fields that have expired and are still there are counted.
    pub parts: usize,
    /// Whether some field expires.
    pub expires: bool,
    /// How many nodes a list or a stream has: see [`Recorder::node`].
    pub nodes: usize,
}

/// How far the recording of a moment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentProgress {
    /// Keys at the moment.
    pub keys: usize,
    /// Those of them that have been recorded.
    pub recorded: usize,
    /// Bytes that are kept beside the data, because they were there at the moment and are to be recorded yet.
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

/// So many bytes of progress are owed for each byte that is recorded before its turn. What is beside the data is at most
/// one part in so many of it, if debts are paid at once.
const OWED: usize = 16;

/// Bytes of a value that are one unit of work.
const UNIT: usize = 64;

/// Keys that are fetched from memory together.
const PREFETCHED: usize = 16;

/// A moment that is being recorded.
pub(crate) struct Moment {
    recorder: Box<dyn Recorder>,
    /// The databases that have keys below their line.
    databases: BTreeSet<usize>,
    /// Databases that were flushed, with keys below their line.
    handed: Vec<Database>,
    /// Bytes of memory that those hold.
    held: usize,
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
        let keys = self.keys();
        let (handed, held, recorded, debt) = (Vec::new(), 0, 0, 0);
        let moment = Moment { recorder, databases, handed, held, keys, recorded, debt };
        self.shared.moment = Some(Box::new(moment));
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

    /// Records up to about so many units of one database, and returns how many.
    fn record_slice(&mut self, moment: &mut Moment, work: usize) -> usize {
        let eviction = &self.shared.eviction;
        if let Some(mut database) = moment.handed.pop() {
            let done = moment.record_below_line(&mut database, eviction, work);
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
        let done = moment.record_below_line(database, eviction, work);
        if database.entries.line() == 0 {
            moment.databases.remove(&index);
        }
        done
    }

    /// Ends the recording, whether it is whole or given up, and returns the recorder.
    pub fn end_moment(&mut self) -> Option<Box<dyn Recorder>> {
        let moment = self.shared.moment.take()?;
        let Moment { recorder, databases, handed, .. } = *moment;
        for index in databases {
            self.databases[index].entries.erase_line();
        }
        for mut database in handed {
            database.entries.erase_line();
            self.shared.discard_database(database);
        }
        Some(recorder)
    }

    /// How far the recording has come, if there is one.
    pub fn moment(&self) -> Option<MomentProgress> {
        let moment = self.shared.moment.as_ref()?;
        Some(MomentProgress {
            keys: moment.keys,
            recorded: moment.recorded,
            kept: moment.held,
            debt: moment.debt,
            waiting: moment.recorder.waiting(),
        })
    }
}

impl Moment {
    fn is_over(&self) -> bool {
        self.handed.is_empty() && self.databases.is_empty()
    }

    /// Records entries below the line of a database, about so many units, and returns how many.
    fn record_below_line(
        &mut self,
        database: &mut Database,
        eviction: &Eviction,
        work: usize,
    ) -> usize {
        let (mut done, mut fetched) = (0, 0);
        while done < work
            && let Some(last) = database.entries.line().checked_sub(1)
        {
            if fetched == 0 {
                database.entries.prefetch_below_line(PREFETCHED);
                fetched = PREFETCHED;
            }
            fetched -= 1;
            let at = database.entries.pass(last);
            let entry = database.entries.at(at);
            self.record(database.recorded_as, entry, eviction);
            self.debt = self.debt.saturating_sub(bytes_of(entry));
            done += units_of(entry);
        }
        done
    }

    fn record(&mut self, db: usize, entry: &Entry, eviction: &Eviction) {
        let past = eviction.past_use(entry.usage());
        let key = KeyRecord { db, key: entry.key(), expiry: entry.expiry(), past };
        self.recorder.key(&key, KeyInfo::at_any_time(entry, eviction));
        self.recorded += 1;
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
            let entry = self.entries.at(at);
            moment.record(self.recorded_as, entry, &shared.eviction);
            moment.debt = moment.debt.saturating_add(bytes_of(entry).saturating_mul(OWED));
        }
        at
    }
}

impl Shared {
    /// A database is not needed any more. What is to be recorded of it is recorded before it is discarded.
    pub(crate) fn hand_over(&mut self, database: Database, index: usize) {
        if let Some(moment) = &mut self.moment
            && moment.databases.remove(&index)
        {
            moment.held += database.memory();
            moment.handed.push(database);
        } else {
            self.discard_database(database);
        }
    }

    /// Two databases have changed places.
    pub(crate) fn exchange_recorded(&mut self, one: usize, other: usize) {
        if let Some(moment) = &mut self.moment {
            let (has_one, has_other) =
                (moment.databases.remove(&one), moment.databases.remove(&other));
            moment.databases.extend(has_one.then_some(other));
            moment.databases.extend(has_other.then_some(one));
        }
    }

    /// Bytes of memory that are kept for the moment and for nothing else.
    pub(crate) fn held(&self) -> usize {
        self.moment.as_ref().map_or(0, |moment| moment.held)
    }
}

/// Bytes of an entry, with its place in the table.
fn bytes_of(entry: &Entry) -> usize {
    entry.memory() + size_of::<Entry>()
}

/// How much work it is to record an entry.
fn units_of(entry: &Entry) -> usize {
    let elements = match entry.body() {
        Body::Compact(..) => 0,
        Body::Large(value) => value.len(),
    };
    1 + elements.max(entry.memory() / UNIT)
}
