//! Clients in a recording of the stage: see [`crate::stage::recording`].

use super::World;
use crate::peer::{Address, Kind};
use crate::session::{Departure, Slot};
use crate::stage::recording::Recording;
use crate::wire::Args;

impl World {
    /// Returns whether what clients say is written.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.stage.as_ref().is_some_and(|stage| stage.recording.is_some())
    }

    /// Tells the recording something of a client, with its id, unless it is one of the administration port.
    fn record(&mut self, slot: Slot, tell: impl FnOnce(&mut Recording, u64, u64)) {
        let (client, now) = (&self.clients[slot], self.now.mono);
        let is_recorded = client.peer.kind != Kind::Admin;
        let recording = self.stage.as_mut().and_then(|stage| stage.recording.as_mut());
        if let Some(recording) = recording.filter(|_| is_recorded) {
            tell(recording, now, client.id);
        }
    }

    /// A client has connected.
    #[cold]
    pub(crate) fn record_arrival(&mut self, slot: Slot) {
        let addr = match &self.clients[slot].peer.addr {
            Address::Tcp(addr) => Some(addr.to_string()),
            _ => None,
        };
        self.record(slot, |recording, now, id| {
            recording.tell(now, |recorder| recorder.connected(id, addr.as_deref()));
        });
    }

    /// A request of the client runs.
    #[cold]
    pub(crate) fn record_request(&mut self, slot: Slot, args: Args<'_>) {
        self.record(slot, |recording, now, id| recording.request(now, id, args));
    }

    /// It does not: a pause holds it back.
    pub(crate) fn record_hold(&mut self, slot: Slot) {
        self.record(slot, |recording, _, id| recording.hold_back(id));
    }

    /// The client has sent what is no request.
    #[cold]
    pub(crate) fn record_broken(&mut self, slot: Slot, bytes: &[u8]) {
        self.record(slot, |recording, now, id| {
            recording.tell(now, |recorder| recorder.received(id, bytes));
        });
    }

    /// The first `bytes` bytes of what waits for the client have been sent.
    #[cold]
    pub(crate) fn record_sent(&mut self, slot: Slot, bytes: usize) {
        let sent = self.clients[slot].outbox.unsent();
        let sent = sent[..bytes.min(sent.len())].to_vec();
        self.record(slot, |recording, now, id| recording.sent(now, id, &sent));
    }

    /// The client sends nothing more.
    #[cold]
    pub(crate) fn record_finish(&mut self, slot: Slot) {
        self.record(slot, |recording, now, id| recording.tell(now, |said| said.finished(id)));
    }

    /// The connection of the client is closed.
    #[cold]
    pub(crate) fn record_departure(&mut self, slot: Slot) {
        let by_itself = matches!(self.clients[slot].departure, None | Some(Departure::Broken));
        self.record(slot, |recording, now, id| recording.gone(now, id, by_itself));
    }
}
