//! Delivers the keyspace's change journal to WATCH, blocked clients, tracking and keyspace events.

use super::World;
use crate::keyspace::changes::What;
use crate::session::Slot;

impl World {
    /// Delivers the changes that the store has noted. `by`: the client whose command made them.
    pub(crate) fn deliver_changes(&mut self, by: Option<Slot>) {
        let by = by.map(|slot| self.clients[slot].id);
        let journal = self.store.shared.journal.take();
        for note in journal.iter() {
            match note.what {
                What::Changed | What::Lessened | What::Awaited => {
                    if note.what != What::Awaited {
                        self.break_watches(note.db, note.key);
                    }
                    if note.what != What::Lessened || self.waiters.mind_any_change() {
                        self.waiters.changed(note.db, note.key);
                    }
                    if note.what != What::Awaited && self.tracking.is_on() {
                        self.tell_trackers(note.key, by);
                    }
                }
                What::Event(_, event) => self.announce(note.db, event, note.key),
            }
        }
        self.store.shared.journal.put_back(journal);
    }

    /// Returns whether there are changes to deliver.
    #[inline]
    pub(crate) fn has_changes(&self) -> bool {
        !self.store.shared.journal.is_empty()
    }

    /// Has the store note which keys change while a client watches, awaits or tracks any.
    pub(crate) fn follow_keys(&mut self) {
        self.store.shared.journal.follows_keys =
            !self.watches.is_empty() || self.waiters.has_keys() || self.tracking.is_on();
    }

    /// Removes every key of a database, and returns how many there were.
    pub(crate) fn flush(&mut self, db: usize) -> usize {
        self.tell_all_trackers();
        self.empty(db)
    }

    /// As [`World::flush`], for every database.
    pub(crate) fn flush_all(&mut self) -> usize {
        self.tell_all_trackers();
        let used: Vec<usize> = self.store.iter().map(|(db, _)| db).collect();
        used.into_iter().map(|db| self.empty(db)).sum()
    }

    fn empty(&mut self, db: usize) -> usize {
        self.keys_go(db, None);
        self.store.db(db).clear()
    }

    /// Exchanges two databases.
    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        self.store.shared.changes += 1;
        if one == other {
            return;
        }
        self.keys_go(one, Some(other));
        self.keys_go(other, Some(one));
        self.store.swap(one, other);
    }

    /// Every key of a database is about to go, and those of `instead` will be there. That concerns the clients
    /// that watch a key, or wait for one, that is in either of them.
    fn keys_go(&mut self, db: usize, instead: Option<usize>) {
        let watched: Vec<Box<[u8]>> = self.watches.keys(db).map(Box::from).collect();
        for key in watched {
            if self.is_in(db, instead, &key) {
                self.break_watches(db, &key);
            }
        }
        for key in self.waiters.keys_of(db) {
            if self.is_in(db, instead, &key) {
                self.waiters.changed(db, &key);
            }
        }
    }

    /// Returns whether a key is in one of two databases.
    fn is_in(&mut self, db: usize, other: Option<usize>, key: &[u8]) -> bool {
        self.store.db(db).contains(key) || other.is_some_and(|db| self.store.db(db).contains(key))
    }
}
