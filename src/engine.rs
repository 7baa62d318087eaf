//! The server without I/O: bytes in, bytes out, told what time it is.
//!
//! The driver of an engine (the reactor in `net`, or [`crate::embed::local`]) tells it the time with
//! [`Engine::turn`], hands it new connections, bytes and ends of streams, sends what [`Engine::unsent`]
//! shows of every client in [`Engine::take_touched`], and closes those that are [`Engine::is_over`].
//! The engine never blocks, reads no clock, and knows no socket and no command.
//!
//! * `requests`: from a client's bytes to its commands;
//! * `deadlines`: what happens when time has passed;
//! * `trace`: requests and replies in the wire log.

mod deadlines;
mod reactor;
mod requests;
mod trace;

use std::collections::VecDeque;

use crate::clock::Now;
use crate::config::{Config, LoadError};
use crate::dispatch::Table;
use crate::listeners::BlockedCommand;
use crate::peer::Peer;
use crate::session::{Doom, Slot};
use crate::telemetry::Timer;
use crate::telemetry::peer_log::Cause;
use crate::telemetry::stats::ReadNanos;
use crate::wire::{Pipeline, Reply, Span};
use crate::world::World;
use deadlines::Lingering;

/// A buffer of more bytes than this is given back when it is not needed.
const SPARE_BYTES: usize = 64 * 1024;

/// The server, as a value.
pub struct Engine {
    pub world: World,
    table: Table,
    timer: Timer,
    /// The requests of the client at hand that are read ahead.
    pipeline: Pipeline,
    /// The arguments of a request that the pipeline could not read; one allocation for all clients.
    spans: Vec<Span>,
    /// Closing clients with unsent output, the earliest due first. All that are due go in one turn, so they
    /// do not pile up; their output counts as memory of clients until then.
    lingering: VecDeque<Lingering>,
    /// When `timeout` may next close an idle client, and the `timeout` from which that was computed.
    sweep: (u64, u32),
}

impl Engine {
    /// An engine with the commands of `table`. It is `now` until [`Engine::turn`] says otherwise.
    ///
    /// It fails when a `user` line of the configuration has a rule that is none.
    pub(crate) fn new(config: Config, table: Table, now: Now) -> Result<Engine, LoadError> {
        Ok(Engine {
            world: World::new(config, &table, now)?,
            table,
            timer: Timer::new(|| 0),
            pipeline: Pipeline::default(),
            spans: Vec::new(),
            lingering: VecDeque::new(),
            sweep: (now.mono, 0),
        })
    }

    /// Commands are timed by this clock. Without it they take no time.
    pub(crate) fn time_commands_by(&mut self, read: ReadNanos) {
        self.timer = Timer::new(read);
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    // Connections.

    /// Takes a new connection in. The error is the reply to send before closing it. An unauthenticated client
    /// may be closed in its favour: see [`crate::session::unauthenticated`].
    pub(crate) fn connect(&mut self, peer: Peer) -> Result<Slot, Vec<u8>> {
        if let Err(refused) = self.world.admit(&peer) {
            self.world.stats.connections_rejected += 1;
            let (now, addr) = (self.world.now.mono, &peer.addr);
            let told = String::from_utf8_lossy(refused.as_bytes());
            // The sentences behind the first tell the client what to do about it.
            let reason = told.split('.').next().unwrap_or_default();
            let line = format_args!("a client at {addr} was refused: {reason}");
            self.world.peer_log.log(Cause::Refused, now, line);
            let mut reply = Reply::new(Vec::new(), Default::default());
            reply.error(&refused);
            return Err(reply.into_inner());
        }
        Ok(self.world.connect(peer))
    }

    /// The client will send nothing more. It still gets the replies to its requests.
    pub(crate) fn finish(&mut self, slot: Slot) {
        let client = &mut self.world.clients[slot];
        client.half_closed = true;
        if client.wait().is_some_and(BlockedCommand::is_done) {
            // The command is done, and its reply has only been put off.
        } else if client.is_waiting {
            // No element may be popped for a client that has gone.
            self.world.end_session(slot);
            self.world.clients.doom(slot, Doom::Now);
        } else if !client.unfinished {
            self.world.clients.doom(slot, Doom::AfterReply);
        }
    }

    /// The connection is broken: nothing can be sent any more.
    pub fn hang_up(&mut self, slot: Slot) {
        self.world.clients.doom(slot, Doom::Now);
    }

    /// The connection has been closed and the slot is free.
    pub(crate) fn disconnect(&mut self, slot: Slot) {
        self.world.end_session(slot);
        let client = self.world.clients.remove(slot);
        self.world.buffer_pool.give_back(client.outbox.bytes);
    }

    // Output.

    /// The clients with new output, or whose connection is to be closed, since the last call. When pushes go
    /// to very many, some wait for the next call.
    pub(crate) fn take_touched(&mut self, into: &mut Vec<Slot>) {
        self.world.clients.take_touched(into);
    }

    /// The output that is to be sent to the client.
    pub fn unsent(&self, slot: Slot) -> &[u8] {
        self.world.clients[slot].outbox.unsent()
    }

    /// The first `bytes` bytes of [`Engine::unsent`] have been sent.
    pub fn sent(&mut self, slot: Slot, bytes: usize) {
        self.world.stats.bytes_out += bytes as u64;
        self.world.stats.writes += 1;
        let client = &mut self.world.clients[slot];
        client.bytes_out += bytes as u64;
        client.active = self.world.now.mono;
        let outbox = &mut client.outbox;
        outbox.sent += bytes;
        if outbox.sent == outbox.bytes.len() {
            outbox.sent = 0;
            self.world.buffer_pool.give_back(std::mem::take(&mut outbox.bytes));
            client.stalled = false;
        } else if outbox.sent >= outbox.bytes.len() / 2 && outbox.sent >= SPARE_BYTES {
            outbox.bytes.drain(..outbox.sent);
            outbox.sent = 0;
        }
        self.world.limit_output(slot);
        self.world.clients.account(slot);
    }

    /// The socket took only a part of the output. A closing client has ten seconds to read some of the rest.
    pub fn stalled(&mut self, slot: Slot) {
        let client = &mut self.world.clients[slot];
        client.stalled = true;
        if client.doom == Doom::AfterReply && !client.lingering {
            client.lingering = true;
            self.linger(slot);
        }
    }

    /// Returns whether the connection is to be closed now.
    pub(crate) fn is_over(&self, slot: Slot) -> bool {
        let client = &self.world.clients[slot];
        match client.doom {
            Doom::No => false,
            Doom::AfterReply => client.outbox.unsent().is_empty(),
            Doom::Now => true,
        }
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

    /// Returns whether the client may be read from.
    pub(crate) fn is_listening(&self, slot: Slot) -> bool {
        self.world.clients.get(slot).is_some_and(|client| client.doom == Doom::No)
    }

    /// Closes every connection as soon as its output is sent: the server is leaving.
    pub(crate) fn dismiss_all(&mut self) {
        let slots: Vec<Slot> = self.world.clients.slots().collect();
        for slot in slots {
            self.world.clients.doom(slot, Doom::AfterReply);
        }
        // The log reports the minutes that have begun.
        self.world.peer_log.report(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::requests::MAX_REPLIES;
    use super::*;
    use crate::embed::local::{Local, request};

    /// A server with one client, and a value of 300 KiB at `big`.
    fn with_big_value() -> (Local, crate::embed::local::Connection) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.call(client, [&b"SET"[..], b"big", &vec![b'x'; 300 * 1024]]);
        (local, client)
    }

    #[test]
    fn few_requests_cannot_fill_the_memory_with_replies() {
        let (mut local, client) = with_big_value();
        local.send(client, &request(["GET", "big"]).repeat(1000));
        let waiting =
            local.engine.world.clients.iter().map(|client| client.memory()).sum::<usize>();
        assert!(waiting < 4 * MAX_REPLIES, "{waiting} bytes");
        assert_eq!(local.received(client).len(), 1000 * (300 * 1024 + b"$307200\r\n\r\n".len()));
    }

    #[test]
    fn lines_that_were_left_out_are_told_when_their_minute_is_over() {
        let mut local = Local::new(Config::default());
        let now = local.engine.world.now.mono;
        while local.engine.world.peer_log.admits(Cause::Protocol, now) {}
        assert_eq!(local.engine.next_deadline(), Some(now + 60_000_000));
        local.advance(std::time::Duration::from_secs(60));
        assert_eq!(local.engine.next_deadline(), None);
    }

    #[test]
    fn requests_that_wait_for_the_next_turn_keep_their_place() {
        let (mut local, client) = with_big_value();
        let mut requests = request(["GET", "big"]).repeat(9);
        requests.extend_from_slice(&request(["SET", "big", "small"]));
        local.send(client, &requests);
        local.send(client, &request(["GET", "big"]));
        local.finish(client);
        assert!(local.is_open(client));
        assert!(local.received(client).ends_with(b"\r\n+OK\r\n$5\r\nsmall\r\n"));
        assert!(!local.is_open(client));
    }

    #[test]
    fn a_client_that_never_reads_is_closed_at_last() {
        let (mut local, client) = with_big_value();
        for _ in 0..2000 {
            local.send(client, &request(["GET", "big"]).repeat(4));
            local.advance(std::time::Duration::ZERO);
            if !local.is_open(client) {
                return;
            }
        }
        panic!("still open");
    }
}
