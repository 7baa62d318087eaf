//! The registry of clients: all of them by slot, and by id.
//!
//! A slot is a place in the slab, and the poll token of the client's socket. It is used again only
//! after `Clients::remove`, which happens between event batches. What outlives a
//! turn holds a client's id, and asks for its slot again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Index, IndexMut};

use slab::Slab;

use super::client::{Client, Doom};
use super::departure::Departure;
use super::held::Held;
use super::plan::Planned;
use crate::access::UserId;
use crate::peer::{Kind, Peer};

/// Push receivers flushed per turn: at least this many, and enough to drain the queue in [`MOST_TURNS`].
const PUSHED_PER_TURN: usize = 64;
const MOST_TURNS: usize = 8;

/// A client's place for as long as it is connected.
pub type Slot = usize;

/// Every connected client.
#[derive(Debug, Default)]
pub struct Clients {
    slab: Slab<Client>,
    /// Ordered, because ids are ages: CLIENT LIST shows the oldest first.
    by_id: BTreeMap<u64, Slot>,
    /// How many are the server's own.
    own: usize,
    last_id: u64,
    /// Places that are taken. A client that goes at the end of this turn holds none any more.
    places: usize,
    /// Those of them that `maxclients` counts: they are of clients that may not take a reserved one.
    unreserved: usize,
    /// Slots with something to flush, or to close, at the end of the turn.
    touched: Vec<Slot>,
    /// Slots of clients for whom messages wait, in the order in which it is their turn.
    pushed: VecDeque<Slot>,
    /// Slots of clients with complete requests in their inbox that may run in the next turn.
    resumed: VecDeque<Slot>,
    /// Closing clients with unsent output, the earliest due first. All that are due go in one turn, so they
    /// do not pile up; their output counts as memory of clients until then.
    lingering: VecDeque<Lingering>,
    /// Clients over the soft limit for their output: when they are cut off, and their slots.
    slow: BTreeSet<(u64, Slot)>,
    /// Clients that have yet to log in and hold a place: since when, and their slots.
    unauthenticated: Newcomers,
    /// Clients whose connections are not open yet, likewise.
    opening: Newcomers,
    /// How many clients go at the end of this turn.
    leaving: usize,
    /// How many of the others CLIENT NO-EVICT spares.
    spared: usize,
    /// Bytes of memory of all clients, as [`Clients::account`] last found them.
    memory: usize,
    /// How many of them hold what clients have not read.
    backlog: usize,
    /// Whose output waits for the log: see [`super::outbox`].
    pub(super) held: Held,
    /// Whose output a test has stop: see [`super::plan`].
    pub(super) planned: Planned,
}

/// A closing client with unsent output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lingering {
    /// When it is closed, unless it has read something by then, in µs of [`crate::clock::Now::mono`].
    due: u64,
    pub(crate) id: u64,
    /// How many bytes had been sent to it when the wait began.
    pub(crate) bytes_out: u64,
}

/// Clients that are not quite there, the one that has been so for longest first.
#[derive(Debug, Default)]
struct Newcomers {
    ordinary: BTreeSet<(u64, Slot)>,
    /// Those of the administration port, which have a quota of their own.
    admin: BTreeSet<(u64, Slot)>,
}

impl Newcomers {
    fn of(&self, kind: Kind) -> &BTreeSet<(u64, Slot)> {
        if kind.has_reserved_place() { &self.admin } else { &self.ordinary }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeSet<(u64, Slot)> {
        if kind.has_reserved_place() { &mut self.admin } else { &mut self.ordinary }
    }
}

impl Clients {
    /// Adds a newcomer. `now` is in µs of [`crate::clock::Now::mono`].
    pub(crate) fn add(&mut self, peer: Peer, now: u64, user: UserId, authenticated: bool) -> Slot {
        self.last_id += 1;
        self.places += 1;
        self.unreserved += usize::from(!peer.kind.has_reserved_place());
        let mut client = Client::new(self.last_id, peer, now, user);
        client.opening_since = client.peer.is_opening.then_some(now);
        let (kind, is_opening) = (client.peer.kind, client.peer.is_opening);
        let slot = self.slab.insert(client);
        self.by_id.insert(self.last_id, slot);
        if is_opening {
            self.opening.of_mut(kind).insert((now, slot));
        }
        self.set_unauthenticated_since(slot, (!authenticated).then_some(now));
        self.account(slot);
        slot
    }

    /// Adds a client of the server's own, which runs commands and has no connection. No list shows it and no count
    /// has it but that of memory. It is permitted everything.
    pub(crate) fn add_own(&mut self, peer: Peer, now: u64) -> Slot {
        self.own += 1;
        self.slab.insert(Client::new(0, peer, now, UserId::SERVER))
    }

    /// Forgets a client of the server's own.
    pub(crate) fn remove_own(&mut self, slot: Slot) {
        self.own -= 1;
        self.set_no_evict(slot, false);
        let client = self.slab.remove(slot);
        self.memory -= client.accounted;
        self.backlog -= client.accounted_backlog;
    }

    /// Forgets a client. Its slot may be given to the next newcomer.
    pub(crate) fn remove(&mut self, slot: Slot) -> Client {
        self.set_slow_until(slot, None);
        if self.slab[slot].doom != Doom::Now {
            self.free_place(slot);
        }
        self.forget_stops(slot);
        let client = self.slab.remove(slot);
        self.by_id.remove(&client.id);
        self.memory -= client.accounted;
        self.backlog -= client.accounted_backlog;
        match client.doom {
            Doom::Now => self.leaving -= 1,
            _ => self.spared -= usize::from(client.no_evict),
        }
        client
    }

    /// Returns whether there is a place for one more client of this kind when `leaving` others of it have gone.
    /// `reserved` places beyond `most` are for operators.
    pub(crate) fn has_room(
        &self,
        kind: Kind,
        most: usize,
        reserved: usize,
        leaving: usize,
    ) -> bool {
        let is_reserved = kind.has_reserved_place();
        let places = self.places.saturating_sub(leaving);
        places < most.saturating_add(reserved)
            && (is_reserved || self.unreserved.saturating_sub(leaving) < most)
    }

    pub fn len(&self) -> usize {
        self.slab.len() - self.own
    }

    /// How many clients do not go at the end of this turn.
    pub(crate) fn staying(&self) -> usize {
        self.len() - self.leaving
    }

    /// Returns whether there is a client that may be closed to save memory.
    pub(crate) fn has_evictable(&self) -> bool {
        self.staying() > self.spared
    }

    /// CLIENT NO-EVICT: whether the client is spared.
    pub(crate) fn set_no_evict(&mut self, slot: Slot, no_evict: bool) {
        let client = &mut self.slab[slot];
        if client.doom != Doom::Now {
            self.spared -= usize::from(client.no_evict);
            self.spared += usize::from(no_evict);
        }
        client.no_evict = no_evict;
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that clients hold with their buffers.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// How many of these bytes hold what clients have not read: see [`Client::backlog`].
    pub(crate) fn backlog(&self) -> usize {
        self.backlog
    }

    /// The buffers of a client may have grown or shrunk.
    #[inline]
    pub(crate) fn account(&mut self, slot: Slot) {
        let client = &mut self.slab[slot];
        let memory = client.memory();
        self.memory = self.memory + memory - client.accounted;
        client.accounted = memory;
        let backlog = client.backlog();
        self.backlog = self.backlog + backlog - client.accounted_backlog;
        client.accounted_backlog = backlog;
    }

    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.slab.contains(slot)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Client> {
        self.slab.get(slot)
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Client> {
        self.slab.get_mut(slot)
    }

    /// The slot of the client with this id, if it is still connected.
    pub fn slot_of(&self, id: u64) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    /// As [`Clients::slot_of`], but of a client that goes at the end of this turn there is none any more.
    pub(crate) fn slot_of_staying(&self, id: u64) -> Option<Slot> {
        self.slot_of(id).filter(|&slot| self.slab[slot].doom != Doom::Now)
    }

    /// All slots, the client that has been here longest first.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> + '_ {
        self.by_id.values().copied()
    }

    /// All clients, the one that has been here longest first.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values().map(|&slot| &self.slab[slot])
    }

    /// This turn has something to send to the client, or its connection to close.
    #[inline]
    pub(crate) fn touch(&mut self, slot: Slot) {
        let client = &mut self.slab[slot];
        if !client.touched {
            client.touched = true;
            self.touched.push(slot);
        }
    }

    /// What is complete in the client's inbox runs in the next turn.
    pub(crate) fn resume(&mut self, slot: Slot) {
        let client = &mut self.slab[slot];
        if !client.unfinished {
            client.unfinished = true;
            self.resumed.push_back(slot);
        }
    }

    /// Returns whether there are clients whose requests run in the next turn.
    pub(crate) fn has_resumed(&self) -> bool {
        !self.resumed.is_empty()
    }

    /// How many clients are to go on in this turn. Those that are resumed meanwhile go on in the next.
    pub(crate) fn resumed(&self) -> usize {
        self.resumed.len()
    }

    /// The slot of the client that has waited longest to go on. It may have another client by now.
    pub(crate) fn take_resumed(&mut self) -> Option<Slot> {
        self.resumed.pop_front()
    }

    /// A closing client has until then, in µs of [`crate::clock::Now::mono`], to read more of its output.
    pub(crate) fn linger(&mut self, slot: Slot, due: u64) {
        let client = &self.slab[slot];
        self.lingering.push_back(Lingering { due, id: client.id, bytes_out: client.bytes_out });
    }

    /// The first of the lingering clients whose time is up by `now`.
    pub(crate) fn take_lingering(&mut self, now: u64) -> Option<Lingering> {
        self.lingering.front().filter(|lingering| lingering.due <= now)?;
        self.lingering.pop_front()
    }

    /// When the time of the first of the lingering clients is up.
    pub(crate) fn next_lingering(&self) -> Option<u64> {
        self.lingering.front().map(|lingering| lingering.due)
    }

    /// The client will be cut off at this time, in µs of [`crate::clock::Now::mono`], or never.
    pub(crate) fn set_slow_until(&mut self, slot: Slot, due: Option<u64>) {
        let old = std::mem::replace(&mut self.slab[slot].slow_until, due);
        if let Some(due) = old {
            self.slow.remove(&(due, slot));
        }
        if let Some(due) = due {
            self.slow.insert((due, slot));
        }
    }

    /// The next client to be cut off, if that is due by `now`.
    pub(crate) fn overdue(&self, now: u64) -> Option<Slot> {
        self.slow.first().filter(|&&(due, _)| due <= now).map(|&(_, slot)| slot)
    }

    /// When the first of the slow clients is cut off.
    pub fn next_overdue(&self) -> Option<u64> {
        self.slow.first().map(|&(due, _)| due)
    }

    /// The client has yet to log in, since this time in µs of [`crate::clock::Now::mono`], or need not.
    pub(crate) fn set_unauthenticated_since(&mut self, slot: Slot, since: Option<u64>) {
        let client = &mut self.slab[slot];
        let unauthenticated = self.unauthenticated.of_mut(client.peer.kind);
        if let Some(since) = std::mem::replace(&mut client.unauthenticated_since, since) {
            unauthenticated.remove(&(since, slot));
        }
        if let Some(since) = since
            && client.doom != Doom::Now
        {
            unauthenticated.insert((since, slot));
        }
    }

    /// How many clients have yet to log in: those of the administration port, or all others.
    pub(crate) fn unauthenticated(&self, kind: Kind) -> usize {
        self.unauthenticated.of(kind).len()
    }

    /// Of these the one that could have logged in for longest, and since when.
    pub(crate) fn first_unauthenticated(&self, kind: Kind) -> Option<(u64, Slot)> {
        self.unauthenticated.of(kind).first().copied()
    }

    /// The client's connection is open: requests may come.
    pub(crate) fn opened(&mut self, slot: Slot) {
        let client = &mut self.slab[slot];
        if let Some(since) = client.opening_since.take() {
            self.opening.of_mut(client.peer.kind).remove(&(since, slot));
        }
    }

    /// How many connections are opening: those of the administration port, or all others.
    pub(crate) fn opening(&self, kind: Kind) -> usize {
        self.opening.of(kind).len()
    }

    /// Of these the one that has been for longest, and since when.
    pub(crate) fn first_opening(&self, kind: Kind) -> Option<(u64, Slot)> {
        self.opening.of(kind).first().copied()
    }

    /// The client's transport holds so many bytes of memory.
    pub(crate) fn set_transport(&mut self, slot: Slot, bytes: usize) {
        self.slab[slot].transport = bytes;
        self.account(slot);
    }

    /// The connection is to be closed. The stronger doom wins; the slot stays until it has been reaped.
    /// The first reason is the one that counts.
    pub(crate) fn doom(&mut self, slot: Slot, doom: Doom, why: Departure) {
        let client = &mut self.slab[slot];
        client.departure.get_or_insert(why);
        let is_going = client.doom != Doom::Now && doom == Doom::Now;
        if is_going {
            self.leaving += 1;
            self.spared -= usize::from(client.no_evict);
        }
        client.doom = client.doom.max(doom);
        if is_going {
            self.free_place(slot);
        }
        self.touch(slot);
    }

    /// The client's place is free for a newcomer.
    fn free_place(&mut self, slot: Slot) {
        let client = &self.slab[slot];
        self.places -= 1;
        self.unreserved -= usize::from(!client.peer.kind.has_reserved_place());
        if let Some(since) = client.unauthenticated_since {
            self.unauthenticated.of_mut(client.peer.kind).remove(&(since, slot));
        }
        if let Some(since) = client.opening_since {
            self.opening.of_mut(client.peer.kind).remove(&(since, slot));
        }
    }

    /// Messages wait for the client. They are sent in this turn or one of the next few.
    #[inline]
    pub(crate) fn push(&mut self, slot: Slot) {
        let client = &mut self.slab[slot];
        if !client.pushed {
            client.pushed = true;
            self.pushed.push_back(slot);
        }
    }

    /// Returns whether there are clients for whom messages wait.
    pub(crate) fn has_pushed(&self) -> bool {
        !self.pushed.is_empty()
    }

    /// The slots that were touched since the last call, and of clients to whom messages were pushed as many
    /// as one turn sends to. Some may have other clients by now.
    ///
    /// To send costs more than anything else that a message does. When it goes to very many, the turns in
    /// between let more messages come, and each client is sent what has gathered until it is its turn.
    pub(crate) fn take_touched(&mut self, into: &mut Vec<Slot>) {
        self.take_all_touched(into);
        if let Some(position) = self.held.position() {
            self.hold_output(into, position);
        }
    }

    // ANCHOR: pushed
    fn take_all_touched(&mut self, into: &mut Vec<Slot>) {
        into.clear();
        let share = PUSHED_PER_TURN.max(self.len() / MOST_TURNS);
        let is_crowd = self.pushed.len() > share;
        if is_crowd {
            // A client with a reply does not wait for the receivers of messages.
            self.take_replied(into);
        }
        for slot in self.pushed.drain(..share.min(self.pushed.len())) {
            if let Some(client) = self.slab.get_mut(slot) {
                client.pushed = false;
            }
            into.push(slot);
        }
        if !is_crowd {
            self.take_replied(into);
        }
    }
    // ANCHOR_END: pushed

    fn take_replied(&mut self, into: &mut Vec<Slot>) {
        for slot in self.touched.drain(..) {
            if let Some(client) = self.slab.get_mut(slot) {
                client.touched = false;
            }
            into.push(slot);
        }
    }
}

impl Index<Slot> for Clients {
    type Output = Client;

    fn index(&self, slot: Slot) -> &Client {
        &self.slab[slot]
    }
}

impl IndexMut<Slot> for Clients {
    fn index_mut(&mut self, slot: Slot) -> &mut Client {
        &mut self.slab[slot]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_sent_to_in_a_few_turns_and_keeps_no_reply_waiting() {
        let mut clients = Clients::default();
        let slots: Vec<Slot> = (0..1000).map(|_| add(&mut clients, Kind::Tcp)).collect();
        let mut taken = Vec::new();
        slots[..3].iter().for_each(|&slot| clients.push(slot));
        clients.touch(slots[3]);
        clients.take_touched(&mut taken);
        assert_eq!(taken, slots[..4]);
        slots.iter().for_each(|&slot| clients.push(slot));
        let mut sent = Vec::new();
        for _ in 0..MOST_TURNS {
            clients.touch(slots[999]);
            clients.push(slots[999]);
            clients.take_touched(&mut taken);
            assert_eq!((taken.len(), taken.contains(&slots[999])), (126, true));
            sent.extend(taken.iter().copied().filter(|&slot| slot != slots[999]));
        }
        assert_eq!(sent, slots[..999]);
        assert!(!clients.has_pushed());
    }

    fn add(clients: &mut Clients, kind: Kind) -> Slot {
        clients.add(Peer { kind, ..Peer::local() }, 0, UserId::DEFAULT, true)
    }

    #[test]
    fn ids_are_never_used_again_but_slots_are() {
        let mut clients = Clients::default();
        let first = add(&mut clients, Kind::Tcp);
        let id = clients[first].id;
        clients.remove(first);
        let second = add(&mut clients, Kind::Tcp);
        assert_eq!(first, second);
        assert_eq!(clients[second].id, id + 1);
        assert_eq!(clients.slot_of(id), None);
    }

    /// INFO and the eviction of clients ask for these numbers, and do not count for that.
    #[test]
    fn staying_and_spared_clients_are_known_without_counting() {
        let mut clients = Clients::default();
        let slots: Vec<Slot> = (0..4).map(|_| add(&mut clients, Kind::Tcp)).collect();
        let mut random = 7_u32;
        for _ in 0..2000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let slot = slots[random as usize >> 8 & 3];
            match random >> 12 & 7 {
                0 => clients.doom(slot, Doom::Now, Departure::Killed),
                1 => clients.doom(slot, Doom::AfterReply, Departure::Killed),
                2 | 3 => clients.set_no_evict(slot, random >> 16 & 1 == 1),
                // The slot is free, and the next to be taken.
                _ => {
                    clients.remove(slot);
                    assert_eq!(add(&mut clients, Kind::Tcp), slot);
                }
            }
            let staying = || clients.iter().filter(|client| client.doom != Doom::Now);
            assert_eq!(clients.staying(), staying().count());
            assert_eq!(clients.has_evictable(), staying().any(|client| !client.no_evict));
        }
    }

    #[test]
    fn operators_get_in_when_all_places_are_taken() {
        let mut clients = Clients::default();
        let has_room = |clients: &Clients, kind, leaving| clients.has_room(kind, 1, 2, leaving);
        add(&mut clients, Kind::Tcp);
        for kind in [Kind::Tcp, Kind::Unix, Kind::Local] {
            assert!(!has_room(&clients, kind, 0) && has_room(&clients, kind, 1), "{kind:?}");
        }
        assert!(has_room(&clients, Kind::Admin, 0));
        let [first, _] = [(); 2].map(|()| add(&mut clients, Kind::Admin));
        assert!(!has_room(&clients, Kind::Admin, 0) && has_room(&clients, Kind::Admin, 1));
        clients.doom(first, Doom::AfterReply, Departure::Killed);
        assert!(!has_room(&clients, Kind::Admin, 0), "it may stay for a while");
        clients.doom(first, Doom::Now, Departure::Killed);
        clients.doom(first, Doom::Now, Departure::Killed);
        assert!(has_room(&clients, Kind::Admin, 0));
        clients.remove(first);
        add(&mut clients, Kind::Admin);
        assert!(!has_room(&clients, Kind::Admin, 0));
    }

    #[test]
    fn more_operators_than_there_are_places_for_take_those_of_others() {
        let mut clients = Clients::default();
        for _ in 0..4 {
            add(&mut clients, Kind::Admin);
        }
        assert!(clients.has_room(Kind::Tcp, 3, 2, 0));
        assert!(!clients.has_room(Kind::Tcp, 2, 2, 0), "there is no descriptor for one more");
    }
}
