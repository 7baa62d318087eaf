//! Watched keys break transactions: see [`crate::listeners::watch`].

use super::World;
use crate::listeners::key_index::Turn;
use crate::session::Slot;

/// No client that watches a key goes before another.
fn turn_of(client: u64) -> Turn {
    Turn { number: 0, client }
}

impl World {
    /// The client watches a key of its database from now on.
    ///
    /// A key that has expired goes now, so that its expiry is no change that happens while it is watched.
    pub(crate) fn watch(&mut self, slot: Slot, key: &[u8]) {
        let client = &self.clients[slot];
        let (db, id) = (client.db, client.id);
        self.store.db(db).expire(key);
        if self.has_changes() {
            self.deliver_changes(None);
        }
        let watched = &mut self.clients[slot].session_mut().watched;
        if watched.is_dirty {
            return;
        }
        if self.watches.by_key.add(db, key, turn_of(id)) {
            self.watches.clients += usize::from(watched.is_empty());
            watched.keys.push((db, key.into()));
            watched.bytes += key.len();
            self.follow_keys();
        }
    }

    /// The client watches nothing any more. Returns whether it had to hear of a change.
    pub(crate) fn unwatch(&mut self, slot: Slot) -> bool {
        let client = &mut self.clients[slot];
        let id = client.id;
        let Some(session) = &mut client.session else {
            return false;
        };
        let watched = std::mem::take(&mut session.watched);
        self.watches.clients -= usize::from(!watched.is_empty());
        for (db, key) in &watched.keys {
            self.watches.by_key.remove(*db, key, turn_of(id));
        }
        self.follow_keys();
        watched.is_dirty
    }

    /// Returns whether a key that the client watches has changed, or has expired since.
    pub(crate) fn is_watch_broken(&mut self, slot: Slot) -> bool {
        // Keys may have gone to make room for this very command.
        if self.has_changes() {
            self.deliver_changes(None);
        }
        let Some(session) = &self.clients[slot].session else {
            return false;
        };
        let store = &mut self.store;
        session.watched.is_dirty
            || session.watched.keys.iter().any(|(db, key)| store.db(*db).expire(key))
    }

    /// A key has changed. The transactions of the clients that watch it are broken, so these watch nothing any more.
    pub(crate) fn break_watches(&mut self, db: usize, key: &[u8]) {
        let line = self.watches.by_key.line(db, key);
        let slots: Vec<Slot> = line.filter_map(|turn| self.clients.slot_of(turn.client)).collect();
        for slot in slots {
            self.unwatch(slot);
            self.clients[slot].session_mut().watched.is_dirty = true;
        }
    }
}
