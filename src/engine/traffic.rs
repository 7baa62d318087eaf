//! The traffic of clients: who connects and goes, what they send and are sent.
//!
//! [`Traffic`] is an engine, but for its deadlines, as borrowed parts. The driver has one of an engine between two
//! commands. While a script runs, the parts are borrowed by its command: the driver is handed those, in
//! [`Driver::serve_meanwhile`](crate::dispatch::Driver::serve_meanwhile), and the other clients' traffic goes on
//! through the same functions.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::SPARE_BYTES;
use super::deadlines::LINGER;
use crate::clock::Now;
use crate::dispatch::{NoDriver, Table, deferred, hooks};
use crate::error::Error;
use crate::listeners::BlockedCommand;
use crate::peer::{Address, Kind, Peer, Proxy};
use crate::session::{Client, Departure, Doom, Slot};
use crate::stage::shape::End;
use crate::telemetry::Timer;
use crate::telemetry::peer_log::Cause;
use crate::wire::{Pipeline, Reply, Span};
use crate::world::World;

/// Where the requests of the client at hand are read to; one allocation for all clients.
#[derive(Default)]
pub(crate) struct Reading {
    /// Those that are read ahead.
    pub(super) pipeline: Pipeline,
    /// The arguments of one that the pipeline could not read.
    pub(super) spans: Vec<Span>,
}

/// What serves clients: see the head of this file.
pub(crate) struct Traffic<'e> {
    pub(super) world: &'e mut World,
    pub(super) table: &'e Table,
    pub(super) timer: &'e mut Timer,
    pub(super) reading: &'e mut Reading,
}

impl<'e> Traffic<'e> {
    /// The traffic of the other clients while a script runs, from what its command has borrowed. It is `now` for
    /// them; for the script, and for what expires, time stands still. Replies that were put off are sent when they are due, and those that threads give.
    pub(crate) fn meanwhile(
        world: &'e mut World,
        table: &'e Table,
        timer: &'e mut Timer,
        reading: &'e mut Reading,
        now: Now,
    ) -> Traffic<'e> {
        world.now = now;
        world.send_put_off();
        deferred::deliver(world, table);
        Traffic { world, table, timer, reading }
    }

    // Connections.

    /// Takes a new connection in. The error is the reply to send before closing it. An unauthenticated client
    /// may be closed in its favour: see [`crate::session::unauthenticated`].
    pub(crate) fn connect(&mut self, mut peer: Peer) -> Result<Slot, Vec<u8>> {
        if self.world.is_closed_port(&peer) {
            return Err(Vec::new());
        }
        self.world.expect_header(&mut peer);
        match self.world.admit(&peer) {
            Ok(()) => {
                let slot = self.world.connect(peer);
                if self.world.is_recorded() {
                    self.world.record_arrival(slot);
                }
                self.log_arrival(slot);
                if self.world.clients[slot].opening_since.is_none() {
                    self.tell_connected(slot);
                }
                Ok(slot)
            }
            Err(refused) => Err(self.turn_away(&peer.addr, &refused)),
        }
    }

    /// How the connection of a newcomer ends before its first byte, if a test has staged that.
    pub(crate) fn fate_of(&mut self, peer: &Peer) -> Option<End> {
        let stage = self.world.stage.as_mut().filter(|_| peer.kind != Kind::Admin)?;
        let fate = stage.newcomers.next()?;
        if fate != End::Hang {
            self.world.stats.connections_rejected += 1;
        }
        Some(fate)
    }

    /// The client is never answered: see [`Traffic::fate_of`].
    pub(crate) fn hang(&mut self, slot: Slot) {
        self.world.end_as_staged(slot, End::Hang);
    }

    /// A client from this address may not connect. Returns the reply to send before closing its connection.
    fn turn_away(&mut self, addr: &Address, refused: &Error) -> Vec<u8> {
        self.world.stats.connections_rejected += 1;
        let told = String::from_utf8_lossy(refused.as_bytes());
        // The sentences behind the first tell the client what to do about it.
        let reason = told.split('.').next().unwrap_or_default();
        let line = format_args!("a client at {addr} was refused: {reason}");
        self.world.peer_log.log(Cause::Refused, self.world.now.mono, line);
        refusal(refused)
    }

    /// Returns whether the client's connection is to begin with a proxy's header.
    pub(crate) fn expects_header(&self, slot: Slot) -> bool {
        let client = &self.world.clients[slot];
        client.peer.proxy == Proxy::Awaited && !client.hangs()
    }

    /// The header has come, with the client's address and where it connected to, or without. The error is the reply to
    /// send before closing the connection.
    pub(crate) fn introduce(
        &mut self,
        slot: Slot,
        ends: Option<(SocketAddr, SocketAddr)>,
    ) -> Result<(), Vec<u8>> {
        self.world.introduce(slot, ends).map_err(|refused| {
            let addr = self.world.clients[slot].peer.addr.clone();
            self.turn_away(&addr, &refused)
        })
    }

    /// The client's connection has not begun as it has to. Returns the reply to send before closing it.
    pub(crate) fn turn_away_unopened(&mut self, slot: Slot, broken: &Error) -> Vec<u8> {
        self.world.clients.doom(slot, Doom::Now, Departure::Proxy);
        self.world.stats.count_error(broken);
        refusal(broken)
    }

    /// Logs what has become of the client's connection.
    pub(crate) fn log_opening(&mut self, cause: Cause, slot: Slot, what: &str) {
        let client = &self.world.clients[slot];
        let line = format_args!("client {} at {} {what}", client.id, client.peer.addr);
        self.world.peer_log.log(cause, self.world.now.mono, line);
    }

    /// Logs what failed on a client's connection.
    pub(crate) fn log_broken(&mut self, slot: Slot, what: &str, error: &io::Error) {
        self.log_opening(Cause::Connection, slot, &format!("goes: {what} failed: {error}"));
    }

    /// What comes before the client's first request is over.
    pub(crate) fn opened(&mut self, slot: Slot) {
        self.world.clients.opened(slot);
        self.tell_connected(slot);
    }

    fn tell_connected(&mut self, slot: Slot) {
        let Traffic { world, table, timer, .. } = self;
        hooks::connected(world, table, timer, &mut NoDriver, slot);
    }

    /// The client is known by its certificate, by one of these names: it is logged in as the first user that is called
    /// so and may log in.
    pub(crate) fn known_by(&mut self, slot: Slot, names: Vec<Vec<u8>>) {
        self.world.log_in_as_one_of(slot, names);
    }

    /// The client's transport holds so many bytes of memory.
    pub(crate) fn set_transport(&mut self, slot: Slot, bytes: usize) {
        self.world.clients.set_transport(slot, bytes);
    }

    /// The client's transport has failed.
    pub(crate) fn log_transport(&mut self, slot: Slot, what: fmt::Arguments<'_>) {
        let client = &self.world.clients[slot];
        let line = format_args!("client {} at {}: {what}", client.id, client.peer.addr);
        self.world.peer_log.log(Cause::Transport, self.world.now.mono, line);
    }

    /// The client will send nothing more. It still gets the replies to its requests.
    pub(crate) fn finish(&mut self, slot: Slot) {
        if self.world.is_recorded() {
            self.world.record_finish(slot);
        }
        let client = &mut self.world.clients[slot];
        client.half_closed = true;
        if client.wait().is_some_and(BlockedCommand::is_done) {
            // The command is done, and its reply has only been put off.
        } else if client.is_waiting {
            // No element may be popped for a client that has gone.
            self.world.end_session(slot);
            self.world.clients.doom(slot, Doom::Now, Departure::Peer);
        } else if !client.unfinished {
            self.leave(slot);
        }
    }

    /// The client has sent all that it will, and all of it has run. It waits no longer than the reference would have it
    /// wait for a command: what a test holds back for a time is sent to no client that has gone.
    pub(super) fn leave(&mut self, slot: Slot) {
        let when = match self.world.clients[slot].waits_for_time() {
            true => Doom::Now,
            false => Doom::AfterReply,
        };
        self.world.clients.doom(slot, when, Departure::Peer);
    }

    /// The connection is broken: nothing can be sent any more.
    pub(crate) fn hang_up(&mut self, slot: Slot) {
        self.world.clients.doom(slot, Doom::Now, Departure::Broken);
    }

    /// The connection has been closed and the slot is free.
    pub(crate) fn disconnect(&mut self, slot: Slot) {
        hooks::disconnected(self.world, self.table, slot);
        self.world.end_session(slot);
        if self.world.is_recorded() {
            self.world.record_departure(slot);
        }
        let client = self.world.clients.remove(slot);
        self.world.journal_departure(client.id);
        self.log_departure(&client);
        self.world.buffer_pool.give_back(client.outbox.bytes);
    }

    fn log_arrival(&mut self, slot: Slot) {
        if Cause::Arrival.is_logged() {
            let Client { id, peer, .. } = &self.world.clients[slot];
            let line = format_args!("client {id} at {} has connected to {}", peer.addr, peer.laddr);
            self.world.peer_log.log(Cause::Arrival, self.world.now.mono, line);
        }
    }

    fn log_departure(&mut self, client: &Client) {
        if Cause::Departure.is_logged() {
            let Client { id, peer, commands, .. } = client;
            let why = client.departure.unwrap_or(Departure::Peer);
            let line = format_args!(
                "client {id} at {} has left after {commands} commands: {why}",
                peer.addr
            );
            self.world.peer_log.log(Cause::Departure, self.world.now.mono, line);
        }
    }

    // Output.

    /// The clients with new output, or whose connection is to be closed, since the last call. When pushes go
    /// to very many, some wait for the next call.
    pub(crate) fn take_touched(&mut self, into: &mut Vec<Slot>) {
        self.world.clients.take_touched(into);
    }

    /// The output that is to be sent to the client now, or the first piece of it.
    pub(crate) fn unsent(&self, slot: Slot) -> &[u8] {
        self.world.clients[slot].outbox.sendable()
    }

    /// Returns whether the output of the client is in pieces: long strings are sent from where they lie.
    #[inline]
    pub(crate) fn is_in_pieces(&self, slot: Slot) -> bool {
        self.world.clients[slot].outbox.is_in_pieces()
    }

    /// The output that is to be sent to the client now, piece by piece.
    pub(crate) fn unsent_pieces(&self, slot: Slot) -> impl Iterator<Item = &[u8]> {
        self.world.clients[slot].outbox.sendable_pieces()
    }

    /// The first `bytes` bytes of what is to be sent have been sent.
    pub(crate) fn sent(&mut self, slot: Slot, bytes: usize) {
        if self.world.is_recorded() {
            self.world.record_sent(slot, bytes);
        }
        self.world.stats.bytes_out += bytes as u64;
        self.world.stats.writes += 1;
        let client = &mut self.world.clients[slot];
        client.bytes_out += bytes as u64;
        client.active = self.world.now.mono;
        let outbox = &mut client.outbox;
        outbox.advance(bytes);
        if outbox.sent == outbox.bytes.len() {
            outbox.held.take_if(|held| {
                held.shift(outbox.sent);
                held.is_over()
            });
            outbox.sent = 0;
            self.world.buffer_pool.give_back(std::mem::take(&mut outbox.bytes));
            client.stalled = false;
        } else if outbox.sent >= outbox.bytes.len() / 2 && outbox.sent >= SPARE_BYTES {
            outbox.bytes.drain(..outbox.sent);
            if let Some(held) = &mut outbox.held {
                held.shift(outbox.sent);
            }
            outbox.sent = 0;
        }
        if self.world.clients[slot].outbox.held.is_some() {
            let (now, nanos) = (self.world.now.mono, self.timer.now());
            self.world.clients.await_stop(slot, now, nanos);
        }
        self.world.limit_output(slot);
        self.world.clients.account(slot);
    }

    /// The socket took only a part of the output. A closing client has ten seconds to read some of the rest.
    pub(crate) fn stalled(&mut self, slot: Slot) {
        let client = &mut self.world.clients[slot];
        client.stalled = true;
        if self.world.clients.holds_for_log() {
            self.world.clients[slot].outbox.keep_free();
        }
        let client = &mut self.world.clients[slot];
        if client.doom == Doom::AfterReply && !client.lingering {
            client.lingering = true;
            self.world.clients.linger(slot, self.world.now.mono + LINGER);
        }
    }

    /// Returns whether the connection is to be closed now.
    pub(crate) fn is_over(&self, slot: Slot) -> bool {
        let client = &self.world.clients[slot];
        match client.doom {
            Doom::No => false,
            Doom::AfterReply => !client.is_owed(),
            Doom::Now => true,
        }
    }

    /// Returns whether the connection ends with a reset, as a test has asked.
    pub(crate) fn is_reset(&self, slot: Slot) -> bool {
        self.world.clients[slot].departure == Some(Departure::StagedReset)
    }

    /// Returns whether a client whose connection is over may be sending still: the server closes it.
    pub(crate) fn may_still_send(&self, slot: Slot) -> bool {
        let client = &self.world.clients[slot];
        client.doom == Doom::AfterReply && !client.half_closed
    }

    /// Returns whether requests of the client wait for the next turn. Until then it is not read from.
    pub(crate) fn is_unfinished(&self, slot: Slot) -> bool {
        self.world.clients.get(slot).is_some_and(|client| client.unfinished)
    }

    /// Returns whether the client is read from. One that is closed later than now, as a test has staged, may go before:
    /// what it sends is read, and not heard.
    pub(crate) fn is_listening(&self, slot: Slot) -> bool {
        self.world.clients.get(slot).is_some_and(|client| match client.doom {
            Doom::No => true,
            Doom::AfterReply => client.is_held_back(),
            Doom::Now => false,
        })
    }

    /// The client's socket takes more: it is flushed in this turn. There may be no such client any more.
    pub(crate) fn writable(&mut self, slot: Slot) {
        if self.world.clients.contains(slot) {
            self.world.clients.touch(slot);
        }
    }

    // What the driver needs to know, and tells.

    /// How many newcomers through one kind of port a turn may take: see
    /// [`World::most_newcomers`](crate::world::World::most_newcomers).
    pub(crate) fn most_newcomers(&self, kind: Kind, are_opening: bool) -> usize {
        self.world.most_newcomers(kind, are_opening)
    }

    /// Returns whether no command runs before the time has been told anew: see
    /// [`ReactorRequests::stall`](crate::world::ReactorRequests).
    pub(crate) fn has_stalled(&self) -> bool {
        self.world.reactor_requests.stall.is_some()
    }

    /// The process is to end, as if a command had asked for that.
    pub(crate) fn end_process(&mut self) {
        self.world.reactor_requests.shutdown = true;
    }

    /// Logs what a peer has caused, or its socket.
    pub(crate) fn log_peer(&mut self, cause: Cause, line: fmt::Arguments<'_>) {
        let now = self.world.now.mono;
        self.world.peer_log.log(cause, now, line);
    }
}

/// An error as a reply to one whose protocol is not known.
fn refusal(error: &Error) -> Vec<u8> {
    let mut reply = Reply::new(Vec::new(), Default::default());
    reply.error(error);
    reply.into_inner()
}
