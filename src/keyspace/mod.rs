//! The keyspace: numbered databases of keys, each with a value of one of six types.
//!
//! It knows no clients, no RESP, and no clock but the time it is told. Handlers reach it through
//! [`Store::db`], whose lookups never return a key that has expired, and which keeps count of memory.
//!
//! From the ground up, each of these knows only those above it:
//!
//! | room | is |
//! |---|---|
//! | `index` | the dense map under everything: random picks and safe scans in O(1); what expires next |
//! | `compact`, `large` | the compact forms of small collections, and the forms that they grow into |
//! | `value`, `entry` | a value in any large form; a key with a value in any form |
//! | `typed` | checked access to a value of one type |
//! | `types` | the types of values: what can be read, what can be changed |
//! | `lifetime` | expiry, eviction when memory is short, and freeing in slices |
//! | `visit` | what a value consists of |
//! | `apart` | values that are made beside the databases |
//! | `loading` | keys that come from a file |
//! | `keys` | what can be done with a key whatever it holds |
//! | `digest` | one number for all data |
//! | `moment` | what all keys were at one time, told while they change |
//! | `changes`, `effects` | the journal of keys; every change as the command that brings it about again |
//!
//! The book: chapter 11, Collections (`book/src/11-collections.md`).

mod apart;
mod blob;
pub(crate) mod changes;
mod compact;
mod digest;
pub mod effects;
mod entry;
mod error;
pub(crate) mod index;
pub(crate) mod keys;
mod kind;
mod large;
pub(crate) mod lifetime;
mod limits;
mod loading;
pub mod moment;
mod roster;
mod typed;
pub(crate) mod types;
mod value;
mod visit;

use changes::{Classes, Journal, class};
use effects::Effects;
use entry::{Body, Entry};
use index::dict::{Dict, Keyed, hash_of};
use index::expiries::Expiries;
use index::prefetch::PrefetchCache;
use lifetime::discarded::{Discarded, coalesce_free_heap};
use lifetime::evict::Eviction;
use moment::Moment;
use roster::{Counts, Roster};
use types::hash;
use value::Value;

pub use apart::PastUse;
pub use blob::Millis;
pub use error::Error;
pub(crate) use index::dict::may_be_foretold;
pub use index::random::Random;
pub use kind::Kind;
pub(crate) use large::list::fill::Fill;
pub use limits::Limits;
pub use moment::{Busy, KeyRecord, MOST_WAITING, MomentProgress, Outline, Recorder};
pub use typed::{Collection, Edit, Operand, View};
pub use types::hash::Hash;
pub use types::list::List;
pub use types::set::Set;
pub use types::stream::Stream;
pub(crate) use types::string::Text;
pub use types::zset::Zset;
pub use visit::Part;

/// What the databases have in common.
#[derive(Debug, Default)]
pub struct Shared {
    /// The time that lookups go by. It stands still while a transaction runs.
    pub now: Millis,
    pub limits: Limits,
    /// Bytes that keys, values and tables of all databases hold.
    memory: usize,
    /// How many bytes may wait to be freed before a command that takes memory frees some: see
    /// [`Store::keep_pace`].
    pub most_unfreed: usize,
    /// Which keys go when memory is short.
    pub eviction: Eviction,
    /// Lookups for reading that found a key, and that found none.
    pub hits: u64,
    pub misses: u64,
    /// Keys that were removed because their time had come.
    pub expired: u64,
    /// Fields of hashes that went for the same reason.
    pub expired_fields: u64,
    /// Whether keys whose time has come stay until they are looked up (DEBUG SET-ACTIVE-EXPIRE 0).
    pub expires_lazily: bool,
    /// Keys whose time has come stay where they are, unseen.
    pub keeps_expired: bool,
    /// Keys and values that were freed in slices.
    pub freed_later: u64,
    /// Changes of the keyspace.
    pub changes: u64,
    /// What happened to keys.
    pub journal: Journal,
    /// How to bring that about again.
    pub effects: Effects,
    /// Picks random members.
    pub random: Random,
    /// What waits to be freed. It is not counted in `memory` any more.
    discarded: Discarded,
    /// The databases by what they have.
    roster: Roster,
    /// The moment that is being recorded.
    moment: Option<Box<Moment>>,
    /// Expiries that were set since [`Store::take_listed`].
    listed: usize,
    /// The buffer of the request that runs, if the store may keep it: a long string that is nearly all of it is not copied.
    pub(crate) lent: Option<std::sync::Arc<Vec<u8>>>,
}

/// So many bytes may wait to be freed, if [`Shared::most_unfreed`] is not set to less.
pub const MOST_UNFREED: usize = 16 << 20;

/// Below this size the keyspace fits in the processor's caches and prefetching does not pay.
const CACHE_BYTES: usize = 1 << 20;

impl Shared {
    /// Counts anew, as CONFIG RESETSTAT asks for.
    pub fn reset_counters(&mut self) {
        self.hits = 0;
        self.misses = 0;
        self.expired = 0;
        self.expired_fields = 0;
        self.eviction.evicted = 0;
        self.freed_later = 0;
    }
}

/// All databases.
#[derive(Debug)]
pub struct Store {
    databases: Vec<Database>,
    pub shared: Shared,
}

/// A numbered keyspace, as SELECT chooses it.
#[derive(Debug, Default)]
pub struct Database {
    /// Its number.
    index: usize,
    /// The number that it had at the moment, while keys of it are to be recorded.
    recorded_as: usize,
    entries: Dict<Entry>,
    prefetched: PrefetchCache,
    expiries: Expiries,
    /// The keys of hashes whose fields expire, by when the first of them does.
    fields: Expiries,
    /// Bytes that keys and values hold, tables not counted.
    memory: usize,
    /// What the roster says of it.
    counts: Counts,
}

/// A database in use.
#[derive(Debug)]
pub struct Db<'a> {
    db: &'a mut Database,
    shared: &'a mut Shared,
}

impl Store {
    pub fn new(databases: usize) -> Store {
        let roster = Roster::new(databases);
        let databases: Vec<_> = (0..databases).map(Database::numbered).collect();
        let memory = databases.iter().map(Database::memory).sum();
        let shared = Shared { memory, roster, most_unfreed: MOST_UNFREED, ..Shared::default() };
        Store { databases, shared }
    }

    /// How many databases there are.
    pub fn databases(&self) -> usize {
        self.databases.len()
    }

    /// Database `index`, which is below [`Store::databases`].
    pub fn db(&mut self, index: usize) -> Db<'_> {
        Db { db: &mut self.databases[index], shared: &mut self.shared }
    }

    /// Returns whether the keyspace is larger than the processor's caches, so that prefetching pays.
    #[inline]
    pub fn exceeds_cache(&self) -> bool {
        self.shared.memory > CACHE_BYTES
    }

    /// Prefetches keys of a database that will be looked up soon: see `Dict::prefetch`.
    pub fn prefetch<'k>(&mut self, db: usize, keys: impl Iterator<Item = &'k [u8]>) {
        let Database { entries, prefetched, .. } = &mut self.databases[db];
        entries.prefetch(keys, |hash, at| prefetched.note(hash, at));
    }

    /// Prefetches elements of a collection that has them by hash.
    pub fn prefetch_in<'k>(&self, db: usize, key: &[u8], elements: impl Iterator<Item = &'k [u8]>) {
        let entry = self.databases[db].entries.get(key);
        match entry.map(Entry::body) {
            Some(Body::Large(Value::Set(set))) => set.prefetch(elements),
            Some(Body::Large(Value::Hash(hash))) => hash.prefetch(elements),
            _ => {}
        }
    }

    /// Exchanges two databases.
    pub fn swap(&mut self, one: usize, other: usize) {
        let (counts, others) = (self.databases[one].counts, self.databases[other].counts);
        self.shared.roster.update(one, counts, others);
        self.shared.roster.update(other, others, counts);
        self.databases.swap(one, other);
        self.databases[one].index = one;
        self.databases[other].index = other;
        self.shared.exchange_recorded(one, other);
    }

    /// Empties every database. Returns how many keys there were.
    #[cfg(test)]
    pub fn clear(&mut self) -> usize {
        let used: Vec<usize> = self.iter().map(|(index, _)| index).collect();
        used.into_iter().map(|index| self.db(index).clear()).sum()
    }

    /// It is now so many milliseconds after 1970.
    pub fn set_now(&mut self, now: Millis) {
        self.shared.now = now;
        self.shared.eviction.set_now(now);
    }

    /// Bytes of memory that keys, values and tables hold.
    pub fn memory(&self) -> usize {
        self.shared.memory
    }

    /// Bytes of them that tables hold.
    pub fn tables_memory(&self) -> usize {
        self.memory() - self.iter().map(|(_, db)| db.data_memory()).sum::<usize>()
    }
}

impl Database {
    fn numbered(index: usize) -> Database {
        Database { index, ..Database::default() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Calls `visit` with every key, and whether it will expire.
    pub(crate) fn each_key(&self, mut visit: impl FnMut(&[u8], bool)) {
        self.entries.iter().for_each(|entry| visit(entry.key(), entry.expiry().is_some()));
    }

    /// The position of a key with this hash, whether it has expired or not.
    #[inline]
    fn position(&self, hash: u32, key: &[u8]) -> Option<usize> {
        match self.prefetched.get(hash) {
            Some(at) if self.entries.is_at(at, hash, key) => Some(at),
            _ => self.entries.find(hash, key),
        }
    }

    /// Bytes that keys and values hold, tables not counted.
    pub fn data_memory(&self) -> usize {
        self.memory
    }

    /// Bytes of the table of keys.
    pub fn table_memory(&self) -> usize {
        self.entries.memory()
    }

    /// Bytes of the tables of expiries.
    pub fn expiries_memory(&self) -> usize {
        self.expiries.memory() + self.fields.memory()
    }

    /// Bytes that keys, values and tables hold.
    pub fn memory(&self) -> usize {
        self.memory + self.table_memory() + self.expiries_memory()
    }

    /// Accounts for what a change of this database does to its memory, its keys and when they expire.
    fn account<R>(&mut self, shared: &mut Shared, change: impl FnOnce(&mut Database) -> R) -> R {
        let before = self.memory();
        let result = change(self);
        shared.memory = shared.memory + self.memory() - before;
        let counts = Counts {
            keys: self.entries.len(),
            volatile: self.expiries.len(),
            key_due: self.expiries.first().map(|(when, _)| when),
            field_due: self.fields.first().map(|(when, _)| when),
        };
        shared.roster.update(self.index, self.counts, counts);
        self.counts = counts;
        result
    }

    /// The value of an entry held `before` bytes and holds `after` now.
    fn resize(&mut self, shared: &mut Shared, before: usize, after: usize) {
        self.memory = self.memory + after - before;
        shared.memory = shared.memory + after - before;
    }

    /// Removes the key at a position. A large value is freed in slices.
    fn remove_at(&mut self, shared: &mut Shared, at: usize) {
        let entry = self.take_at(shared, at);
        shared.discard(entry.into_large());
    }

    /// Removes the key at a position because its time has come. No command made this change.
    fn expire_at(&mut self, shared: &mut Shared, at: usize) {
        self.note_at(shared, at, class::EXPIRED, "expired");
        shared.effects.key_is_gone(self.index, self.entries.at(at).key());
        self.remove_at(shared, at);
        shared.expired += 1;
    }

    /// The key at a position has changed, or is about to go, in a way that has a name.
    fn note_at(&self, shared: &mut Shared, at: usize, class: Classes, event: &'static str) {
        let key = self.entries.at(at).key();
        shared.journal.changed(self.index, key);
        shared.journal.event(self.index, class, event, key);
    }

    /// Takes the key at a position away, to put it elsewhere.
    fn take_at(&mut self, shared: &mut Shared, at: usize) -> Entry {
        let at = self.record_first(shared, at);
        self.account(shared, |db| {
            let entry = db.entries.remove(at);
            db.memory -= entry.memory();
            entry.unlist(&mut db.expiries);
            if let Some(when) = hash::next_expiry(&entry) {
                db.fields.remove(when, entry.hash());
            }
            entry
        })
    }
}

impl<'a> Db<'a> {
    /// The position of a key that has not expired.
    #[inline]
    pub(crate) fn find(&mut self, key: &[u8]) -> Option<usize> {
        self.find_hashed(hash_of(key), key)
    }

    /// As [`Db::find`], for a key whose hash is known.
    pub(crate) fn find_hashed(&mut self, hash: u32, key: &[u8]) -> Option<usize> {
        let at = self.db.position(hash, key)?;
        if self.has_expired(at) {
            if !self.shared.keeps_expired {
                self.db.expire_at(self.shared, at);
            }
            return None;
        }
        Some(at)
    }

    fn has_expired(&self, at: usize) -> bool {
        self.db.entries.at(at).expiry().is_some_and(|when| when <= self.shared.now)
    }

    /// As [`Db::find`], counted as a read.
    fn find_to_read(&mut self, key: &[u8]) -> Option<usize> {
        let found = self.find(key);
        match found {
            Some(at) => {
                self.shared.hits += 1;
                self.touch_at(at);
            }
            None => {
                self.shared.misses += 1;
                self.announce(class::KEY_MISS, "keymiss", key);
            }
        }
        found
    }

    /// Up to which size values stay compact.
    pub fn limits(&self) -> Limits {
        self.shared.limits
    }

    /// Picks random members.
    pub fn random(&mut self) -> &mut Random {
        &mut self.shared.random
    }

    /// The time that lookups go by.
    pub fn now(&self) -> Millis {
        self.shared.now
    }

    // What happens to keys is noted by the caller that does it: see `changes`.

    /// The key has changed, which is an event of this class and name.
    #[inline]
    pub fn note(&mut self, class: Classes, event: &'static str, key: &[u8]) {
        self.shared.changes += 1;
        if self.shared.journal.wants(class) {
            self.shared.journal.changed(self.db.index, key);
            self.announce(class, event, key);
        }
    }

    /// As [`Db::note`], for so many changes at once. If there is none, there is no event either.
    #[inline]
    pub fn note_changes(&mut self, count: usize, class: Classes, event: &'static str, key: &[u8]) {
        if count > 0 {
            self.note(class, event, key);
            self.shared.changes += count as u64 - 1;
        }
    }

    /// As [`Db::note`], for another key of a change that has been noted, and is counted once.
    pub fn note_too(&mut self, class: Classes, event: &'static str, key: &[u8]) {
        self.note_changes(1, class, event, key);
        self.shared.changes -= 1;
    }

    /// The key has changed, and that is no event.
    #[inline]
    pub fn changed(&mut self, key: &[u8]) {
        self.shared.changes += 1;
        self.shared.journal.changed(self.db.index, key);
    }

    /// There was an event, and perhaps no change.
    #[inline]
    pub fn announce(&mut self, class: Classes, event: &'static str, key: &[u8]) {
        self.shared.journal.event(self.db.index, class, event, key);
    }

    // Any key.

    pub fn len(&self) -> usize {
        self.db.len()
    }

    pub fn is_empty(&self) -> bool {
        self.db.is_empty()
    }

    /// Removes the key if its time has come, even where such keys are kept. Returns whether it had.
    pub fn expire(&mut self, key: &[u8]) -> bool {
        let found = self.db.position(hash_of(key), key);
        let expired = found.filter(|&at| self.has_expired(at));
        if let Some(at) = expired {
            self.db.expire_at(self.shared, at);
        }
        expired.is_some()
    }

    pub fn contains(&mut self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    pub fn kind(&mut self, key: &[u8]) -> Option<Kind> {
        self.find(key).map(|at| self.db.entries.at(at).kind())
    }

    /// Removes the key. Returns whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.remove_hashed(hash_of(key), key)
    }

    /// As [`Db::remove`], for a key whose hash is known.
    fn remove_hashed(&mut self, hash: u32, key: &[u8]) -> bool {
        match self.find_hashed(hash, key) {
            Some(at) => {
                self.db.remove_at(self.shared, at);
                true
            }
            None => false,
        }
    }

    /// Removes the key as a change of its own, and notes that. Returns whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let is_gone = self.remove(key);
        if is_gone {
            self.note(class::GENERIC, "del", key);
        }
        is_gone
    }

    /// Removes every key, and returns how many there were. It takes no longer when there are many: they
    /// are freed in slices.
    pub fn clear(&mut self) -> usize {
        let empty = Database { counts: self.db.counts, ..Database::numbered(self.db.index) };
        let cleared = self.db.account(self.shared, |db| std::mem::replace(db, empty));
        let keys = cleared.len();
        self.shared.changes += keys as u64;
        self.shared.hand_over(cleared);
        keys
    }

    // Typed values.

    /// The value of `key` to read, if there is one; an error if it is of another type.
    pub fn view<T: Collection>(&mut self, key: &[u8]) -> Result<Option<View<'_, T>>, Error> {
        match self.find_to_read(key) {
            Some(at) => {
                self.typed::<T>(at).map(|entry| Some(View::at_time(entry, self.shared.now)))
            }
            None => Ok(None),
        }
    }

    /// The value of `key` to change, if there is one; an error if it is of another type.
    pub fn edit<T: Collection>(&mut self, key: &[u8]) -> Result<Option<Edit<'_, T>>, Error> {
        match self.find(key) {
            Some(at) => {
                self.touch_at(at);
                self.typed::<T>(at)?;
                Ok(Some(Edit::new(self.db, self.shared, at)))
            }
            None => Ok(None),
        }
    }

    /// As [`Db::edit`]; if there is no such key, it is there now, with a value that is empty.
    pub fn edit_or_new<T: Collection>(&mut self, key: &[u8]) -> Result<Edit<'_, T>, Error> {
        let hash = hash_of(key);
        let at = match self.find_hashed(hash, key) {
            Some(at) => {
                self.touch_at(at);
                self.typed::<T>(at)?;
                at
            }
            None => self.insert(Entry::hashed(hash, key, T::PAYLOAD, T::EMPTY, None)),
        };
        Ok(Edit::new(self.db, self.shared, at))
    }

    /// A new value for `key`, which is empty, whatever the key held before. It never expires.
    pub fn edit_anew<T: Collection>(&mut self, key: &[u8]) -> Edit<'_, T> {
        let at = self.put(Entry::new(key, T::PAYLOAD, T::EMPTY));
        Edit::new(self.db, self.shared, at)
    }

    /// Adds a key, or puts it in the place of what has its name.
    fn put(&mut self, entry: Entry) -> usize {
        let was_there = self.remove_hashed(entry.hash(), entry.key());
        if was_there { self.add(entry) } else { self.insert(entry) }
    }

    fn typed<T: Collection>(&self, at: usize) -> Result<&Entry, Error> {
        let entry = self.db.entries.at(at);
        if entry.kind() == T::KIND { Ok(entry) } else { Err(Error::WrongType) }
    }

    /// Adds a key that is not there yet.
    fn insert(&mut self, entry: Entry) -> usize {
        self.announce(class::NEW, "new", entry.key());
        self.add(entry)
    }

    /// As [`Db::insert`], without the event that the key is new.
    fn add(&mut self, mut entry: Entry) -> usize {
        if self.shared.keeps_expired {
            self.expire(entry.key());
        }
        entry.set_usage(self.shared.eviction.first_use());
        if self.shared.is_recording() {
            self.shared.note_place(self.db.index, &entry);
        }
        self.shared.listed += usize::from(entry.expiry().is_some()) + hash::volatile_fields(&entry);
        self.db.account(self.shared, |db| {
            db.memory += entry.memory();
            entry.list(&mut db.expiries);
            if let Some(when) = hash::next_expiry(&entry) {
                db.fields.insert(when, entry.hash());
            }
            db.entries.insert(entry)
        })
    }

    /// The entry is being used now.
    #[inline]
    fn touch_at(&mut self, at: usize) {
        self.shared.eviction.touch(self.db.entries.at_mut(at), &mut self.shared.random);
    }
}
