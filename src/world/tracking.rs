//! Invalidations for clients that track keys: see [`crate::listeners::tracking`].

use super::World;
use crate::listeners::tracking::tracker::{Mode, Options, Tracker};
use crate::listeners::tracking::{Tracking, invalidation};
use crate::session::Slot;
use crate::wire::{Frame, Protocol, Reply};

/// The prefix that every key has.
const EVERYTHING: &[&[u8]] = &[b""];

/// How many keys are forgotten at once when there are too many: `tracking-table-max-keys` may have
/// become smaller.
const FORGOTTEN_AT_ONCE: usize = 100;

impl World {
    /// The client tracks keys from now on, or in another way. Its prefixes are added to those it has;
    /// to broadcast without any is to broadcast everything.
    pub(crate) fn track(&mut self, slot: Slot, options: Options, prefixes: &[&[u8]]) {
        let client = &mut self.clients[slot];
        let id = client.id;
        let tracker = client.session_mut().tracker.get_or_insert_default();
        tracker.options = options;
        tracker.is_broken = false;
        if options.mode == Mode::Broadcast {
            let prefixes = if prefixes.is_empty() { EVERYTHING } else { prefixes };
            for &prefix in prefixes {
                tracker.add_prefix(prefix);
                self.tracking.prefixes.entry(prefix.into()).or_default().insert(id);
            }
        }
        self.tracking.clients.insert(id);
        self.follow_keys();
    }

    /// The client tracks nothing any more. Keys that it has read are forgotten when they change, or when
    /// no client tracks any.
    pub(crate) fn untrack(&mut self, slot: Slot) {
        let client = &mut self.clients[slot];
        let id = client.id;
        let Some(tracker) = client.session.as_mut().and_then(|session| session.tracker.take())
        else {
            return;
        };
        let tracking = &mut self.tracking;
        for prefix in tracker.prefixes() {
            if let Some(clients) = tracking.prefixes.get_mut(prefix) {
                clients.remove(&id);
                if clients.is_empty() {
                    tracking.prefixes.remove(prefix);
                    tracking.pending.remove(prefix);
                }
            }
        }
        tracking.clients.remove(&id);
        if !tracking.is_on() {
            tracking.table.clear();
        }
        self.follow_keys();
    }

    /// Returns whether the keys that the client reads now are to be remembered.
    #[inline]
    pub(crate) fn remembers_reads(&self, slot: Slot) -> bool {
        self.tracking.is_on() && self.clients[slot].tracker().is_some_and(Tracker::remembers)
    }

    /// The client has read a key, and is told when it changes. If that is one key too many, another is
    /// forgotten as if it had changed.
    pub(crate) fn remember(&mut self, slot: Slot, key: &[u8]) {
        let Tracking { table, clients, .. } = &mut self.tracking;
        table.add(key, self.clients[slot].id, |id| clients.contains(&id));
        self.limit_tracking();
    }

    /// Forgets keys while there are more than `tracking-table-max-keys`, a few at a time.
    fn limit_tracking(&mut self) {
        let most = match self.config.tracking_table_max_keys {
            0 => usize::MAX,
            most => most,
        };
        for _ in 0..FORGOTTEN_AT_ONCE {
            if self.tracking.table.len() <= most {
                return;
            }
            if let Some(read) = self.tracking.table.remove_any(&mut self.store.shared.random) {
                self.invalidate(read.readers.ids(), &read.key, None);
            }
        }
    }

    /// The client's command is over, and it may run another. What CLIENT CACHING said holds for one
    /// command, or one transaction.
    pub(crate) fn end_tracked_command(&mut self, slot: Slot, keeps_caching: bool) {
        let client = &mut self.clients[slot];
        let in_transaction = client.transaction().is_some();
        if let Some(tracker) = client.tracker_mut() {
            tracker.is_exception &= keeps_caching || in_transaction;
            self.broadcast_changes();
        }
        self.limit_tracking();
    }

    // ANCHOR: tell_trackers
    /// A key has changed. `by`: the id of the client whose command did it.
    pub(crate) fn tell_trackers(&mut self, key: &[u8], by: Option<u64>) {
        self.tracking.gather(key, by);
        if let Some(readers) = self.tracking.table.remove(key) {
            self.invalidate(readers.ids(), key, by);
        }
    }
    // ANCHOR_END: tell_trackers

    /// Every key may have changed. Every tracking client is told, whether it has read any or not.
    pub(crate) fn tell_all_trackers(&mut self) {
        self.tracking.table.clear();
        let mut frame = invalidation(None);
        let ids: Vec<u64> = self.tracking.clients.iter().copied().collect();
        for id in ids {
            if let Some((slot, options)) = self.tracking_client(id) {
                self.tell(slot, options.redirect, &mut frame);
            }
        }
    }

    /// Tells clients that have read a key that it has changed.
    fn invalidate(&mut self, readers: &[u64], key: &[u8], by: Option<u64>) {
        let keys = [key];
        let mut frame = invalidation(Some(&keys));
        for &id in readers {
            if let Some((slot, options)) = self.tracking_client(id)
                && options.mode != Mode::Broadcast
                && !(options.no_loop && by == Some(id))
            {
                self.tell(slot, options.redirect, &mut frame);
            }
        }
    }

    /// Broadcasts what has changed: a message for each prefix, with all its keys in the order of their
    /// bytes, but without its own changes to a client of NOLOOP.
    #[inline]
    pub(crate) fn broadcast_changes(&mut self) {
        if self.tracking.has_pending() {
            self.broadcast_pending();
        }
    }

    fn broadcast_pending(&mut self) {
        for (prefix, changes) in std::mem::take(&mut self.tracking.pending) {
            let clients = self.tracking.prefixes.get(&prefix);
            let ids: Vec<u64> = clients.into_iter().flatten().copied().collect();
            let keys: Vec<&[u8]> = changes.keys().map(|key| &**key).collect();
            let mut all = invalidation(Some(&keys));
            for id in ids {
                let Some((slot, options)) = self.tracking_client(id) else {
                    continue;
                };
                if options.no_loop && changes.values().any(|&by| by == Some(id)) {
                    let others = changes.iter().filter(|&(_, &by)| by != Some(id));
                    let others: Vec<&[u8]> = others.map(|(key, _)| &**key).collect();
                    if !others.is_empty() {
                        self.tell(slot, options.redirect, &mut invalidation(Some(&others)));
                    }
                } else {
                    self.tell(slot, options.redirect, &mut all);
                }
            }
        }
    }

    /// The client with this id, if it is there and tracks keys.
    fn tracking_client(&self, id: u64) -> Option<(Slot, Options)> {
        let slot = self.clients.slot_of(id)?;
        Some((slot, self.clients[slot].tracker()?.options))
    }

    /// Sends an invalidation to a client that tracks keys, or to the client that it has them redirected to. RESP2 has no
    /// pushes, so there only the receiver of a redirection can be told, if it subscribes to something.
    fn tell<W: Fn(&mut Reply)>(&mut self, slot: Slot, redirect: Option<u64>, frame: &mut Frame<W>) {
        let receiver = match redirect {
            None => slot,
            Some(id) => match self.clients.slot_of_staying(id) {
                Some(receiver) => receiver,
                None => return self.miss_receiver(slot, id),
            },
        };
        let client = &self.clients[receiver];
        let protocol = client.protocol;
        if protocol == Protocol::Resp3 || redirect.is_some() && client.is_subscriber() {
            self.send(receiver, frame.bytes(protocol));
        }
    }

    /// An invalidation is lost: the client that was to get it is gone.
    fn miss_receiver(&mut self, slot: Slot, id: u64) {
        let client = &mut self.clients[slot];
        if let Some(tracker) = client.tracker_mut() {
            tracker.is_broken = true;
        }
        if client.protocol == Protocol::Resp3 {
            let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
            reply.push(2);
            reply.bulk(b"tracking-redir-broken");
            reply.int(id as i64);
            self.send(slot, &reply.into_inner());
        }
    }
}
