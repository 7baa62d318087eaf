//! The server without I/O: bytes in, bytes out, told what time it is.
//!
//! Whoever drives an engine (the reactor in `net`, or [`crate::embed::local`]) tells it the time with
//! [`Engine::turn`], hands it newcomers, bytes and ends of streams, sends what [`Engine::unsent`] shows
//! of every client in [`Engine::take_touched`], and takes away those that are [`Engine::is_over`].
//! The engine never blocks, reads no clock, and knows no socket and no command.

mod trace;

use std::collections::VecDeque;

use crate::clock::Now;
use crate::config::{Config, LoadError};
use crate::dispatch::{Table, call, telemetry};
use crate::error;
use crate::peer::Peer;
use crate::session::outbox::MAX_UNREAD;
use crate::session::unauthenticated;
use crate::session::{Doom, ReplyMode, Slot};
use crate::telemetry::latency::event;
use crate::telemetry::peer_log::Cause;
use crate::telemetry::stats::ReadNanos;
use crate::telemetry::{Timer, wire_log};
use crate::wire::{Args, Limits, Parsed, Pipeline, ProtocolError, Reply, Span};
use crate::world::World;

/// When a client's requests have brought so many bytes of replies, these are sent before more of its
/// requests run: a few bytes of input may ask for any amount of output.
const MAX_REPLIES: usize = 1 << 20;

/// How long a closing client that is still owed something may read nothing, in µs.
const LINGER: u64 = 10_000_000;

/// Requests are spans of four-byte offsets, so no setting lets one grow past this.
const MAX_QUERY: usize = u32::MAX as usize - (1 << 20);

/// How many keys whose time has come are removed in one turn, beside as many as were given a time since the
/// last, and how many elements of discarded values are freed. Either takes a fraction of a millisecond,
/// and is repeated at once while nothing else is to be done.
const EXPIRED_PER_TURN: usize = 500;
const FREED_PER_TURN: usize = 1000;

/// More than so many bytes that are not needed at the moment are given back.
const SPARE_BYTES: usize = 64 * 1024;

/// The server, as a value.
pub struct Engine {
    pub world: World,
    table: Table,
    timer: Timer,
    /// The requests of the client at hand that are read ahead.
    pipeline: Pipeline,
    /// The arguments of one that is not; one allocation for all clients.
    spans: Vec<Span>,
    /// Closing clients that have not read all they are owed, the earliest due first. All that are due go in
    /// one turn, so they do not pile up; what they are owed counts as memory of clients until then.
    lingering: VecDeque<Lingering>,
    /// When clients are next looked over for having been idle too long, and the `timeout` by which
    /// that was found.
    sweep: (u64, u32),
}

/// A closing client that has not read all it is owed.
#[derive(Debug, Clone, Copy)]
struct Lingering {
    /// When its patience ends, unless it has read something, in µs of [`Now::mono`].
    due: u64,
    id: u64,
    /// What had been sent to it when the wait began.
    bytes_out: u64,
}

impl Engine {
    /// An engine with the commands of `table`. It is `now` until [`Engine::turn`] says otherwise.
    ///
    /// It fails when a `user` line of the configuration or of the ACL file has a rule that is none.
    pub fn new(config: Config, table: Table, now: Now) -> Result<Engine, LoadError> {
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
    pub fn time_commands_by(&mut self, read: ReadNanos) {
        self.timer = Timer::new(read);
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    // Time.

    /// A turn of the loop begins: it is `now`, and what was due by now happens.
    pub fn turn(&mut self, now: Now) {
        self.world.set_now(now);
        if self.world.pause.as_ref().is_some_and(|pause| pause.until <= now.mono) {
            self.world.unpause();
        }
        self.expire_some();
        self.evict_some();
        self.world.store.free_some(FREED_PER_TURN);
        self.world.tracking.free_some(FREED_PER_TURN);
        self.world.stats.sample(now.mono);
        self.world.peak_memory = self.world.peak_memory();
        while let Some(&lingering) = self.lingering.front()
            && lingering.due <= now.mono
        {
            self.lingering.pop_front();
            if let Some(slot) = self.world.clients.slot_of(lingering.id) {
                if self.world.clients[slot].bytes_out > lingering.bytes_out {
                    self.linger(slot);
                } else {
                    self.world.clients.doom(slot, Doom::Now);
                }
            }
        }
        if self.sweep_at().is_some_and(|due| due <= now.mono) {
            self.close_idle();
        }
        self.world.close_unauthenticated();
        self.world.peer_log.report(now.mono);
        self.world.cut_off_slow();
        self.world.bound_backlog();
        self.world.evict_clients();
        call::settle(&mut self.world, &self.table, &mut self.timer);
        self.timer.rest(&mut self.world.stats);
        for slot in self.world.clients.take_resumed() {
            self.go_on(slot);
        }
    }

    /// Removes keys whose time has come. Somebody may want to know how long that takes.
    fn expire_some(&mut self) {
        let store = &mut self.world.store;
        let most = EXPIRED_PER_TURN + store.take_listed();
        if self.world.config.latency_monitor_threshold == 0 {
            store.expire_some(most);
        } else {
            let (_, nanos) = self.timer.measure(|| store.expire_some(most));
            telemetry::record_latency_event(&mut self.world, event::EXPIRE_CYCLE, nanos);
        }
    }

    /// Goes on evicting keys if there were too many for the commands before.
    fn evict_some(&mut self) {
        let world = &mut self.world;
        if !world.is_evicting() {
            return;
        }
        if world.config.latency_monitor_threshold == 0 {
            return world.go_on_evicting();
        }
        let (_, nanos) = self.timer.measure(|| world.go_on_evicting());
        telemetry::record_latency_event(world, event::EVICTION_CYCLE, nanos);
    }

    /// When [`Engine::turn`] has something to do even if nothing arrives, in µs of [`Now::mono`].
    pub fn next_deadline(&self) -> Option<u64> {
        if self.world.clients.has_resumed() || self.world.clients.has_pushed() {
            return Some(self.world.now.mono);
        }
        let linger = self.lingering.front().map(|lingering| lingering.due);
        let wait = self.world.waiters.next_deadline();
        let slow = self.world.clients.next_overdue();
        let pause = self.world.pause.as_ref().map(|pause| pause.until);
        let stranger = self.world.next_auth_deadline();
        let report = self.world.peer_log.next_report();
        let due = [linger, wait, slow, pause, stranger, report, self.sweep_at(), self.store_at()];
        due.into_iter().flatten().min()
    }

    /// When the next key expires: at once while there are more than one turn removes or frees.
    fn store_at(&self) -> Option<u64> {
        let (store, now) = (&self.world.store, self.world.now);
        if store.has_unfreed() || self.world.tracking.has_unfreed() || self.world.is_evicting() {
            return Some(now.mono);
        }
        let due = u64::try_from(store.next_expiry()?).unwrap_or(0).saturating_mul(1000);
        Some(now.mono.saturating_add(due.saturating_sub(now.wall)))
    }

    /// When idle clients are looked for: at once if `timeout` has changed.
    fn sweep_at(&self) -> Option<u64> {
        let (due, timeout) = self.sweep;
        match self.world.config.timeout {
            0 => None,
            unchanged if unchanged == timeout => Some(due),
            _ => Some(0),
        }
    }

    /// Closes clients that have been idle for longer than `timeout`, and computes when the next may be.
    /// Exempt are clients that wait for the server: with a blocked or a postponed command, with a
    /// subscription, and those of MONITOR.
    fn close_idle(&mut self) {
        let timeout = self.world.config.timeout;
        let longest = u64::from(timeout) * 1_000_000;
        let now = self.world.now.mono;
        let mut next = now + longest;
        let mut idle = Vec::new();
        for slot in self.world.clients.slots() {
            let client = &self.world.clients[slot];
            if client.is_waiting || client.is_subscriber() || client.is_monitor() {
                continue;
            }
            let due = client.active + longest;
            if due < now {
                idle.push(slot);
            } else {
                next = next.min(due + 1);
            }
        }
        for slot in idle {
            let World { peer_log, clients, .. } = &mut self.world;
            let id = clients[slot].id;
            peer_log.log(Cause::Idle, now, format_args!("client {id} was idle too long"));
            clients.doom(slot, Doom::Now);
        }
        let pause = 1_000_000 / u64::from(self.world.config.hz.max(1));
        self.sweep = (next.max(now + pause), timeout);
    }

    // Connections.

    /// A newcomer. The error is what to send it before closing. An unauthenticated client may be closed in
    /// its favour: see [`crate::session::unauthenticated`].
    pub fn connect(&mut self, peer: Peer) -> Result<Slot, Vec<u8>> {
        if let Err(refused) = self.world.admit(&peer) {
            self.world.stats.connections_rejected += 1;
            let (now, addr) = (self.world.now.mono, &peer.addr);
            let told = String::from_utf8_lossy(refused.as_bytes());
            // What to do about it is for the client.
            let reason = told.split('.').next().unwrap_or_default();
            let line = format_args!("a client at {addr} was refused: {reason}");
            self.world.peer_log.log(Cause::Refused, now, line);
            let mut reply = Reply::new(Vec::new(), Default::default());
            reply.error(&refused);
            return Err(reply.into_inner());
        }
        Ok(self.world.connect(peer))
    }

    /// The client has sent `input`. What is complete is run, what is not is kept.
    ///
    /// The buffer is the caller's and is scratch: quoted inline arguments are unescaped in it.
    pub fn receive(&mut self, slot: Slot, input: &mut [u8]) {
        self.world.stats.bytes_in += input.len() as u64;
        self.world.stats.reads += 1;
        let now = self.world.now.mono;
        let client = &mut self.world.clients[slot];
        client.bytes_in += input.len() as u64;
        client.active = now;
        if !client.is_runnable() {
            self.keep(slot, Vec::new(), input);
        } else if client.inbox.is_empty() {
            let used = self.process(slot, input);
            self.keep(slot, Vec::new(), &input[used..]);
        } else {
            client.inbox.extend_from_slice(input);
            self.process_inbox(slot);
        }
        self.world.clients.account(slot);
        self.world.evict_clients();
    }

    /// Runs what is complete in a client's inbox.
    fn process_inbox(&mut self, slot: Slot) {
        let mut inbox = std::mem::take(&mut self.world.clients[slot].inbox);
        let used = self.process(slot, &mut inbox);
        inbox.drain(..used);
        self.keep(slot, inbox, &[]);
    }

    /// Runs requests that had to wait, unless their client has gone meanwhile.
    fn go_on(&mut self, slot: Slot) {
        let Some(client) = self.world.clients.get_mut(slot) else {
            return;
        };
        if !std::mem::take(&mut client.unfinished) {
            return;
        }
        self.process_inbox(slot);
        let client = &self.world.clients[slot];
        if client.half_closed && !client.unfinished {
            self.world.clients.doom(slot, Doom::AfterReply);
        }
        self.world.clients.account(slot);
    }

    /// Keeps what has not run: `inbox`, or what is in the client's, and `more` behind it.
    fn keep(&mut self, slot: Slot, mut inbox: Vec<u8>, more: &[u8]) {
        let world = &mut self.world;
        let client = &mut world.clients[slot];
        if client.doom != Doom::No {
            return;
        }
        if inbox.is_empty() {
            inbox = std::mem::take(&mut client.inbox);
        }
        inbox.extend_from_slice(more);
        client.inbox = inbox;
        world.stats.max_input_buffer = world.stats.max_input_buffer.max(client.inbox.len());
        let query = client.query_bytes();
        let most =
            if world.is_unauthenticated(slot) { unauthenticated::MAX_QUERY } else { MAX_QUERY };
        if query > world.config.client_query_buffer_limit.min(most) {
            let id = world.clients[slot].id;
            let line = format_args!("client {id} has sent more than the query buffer limit");
            world.peer_log.log(Cause::QueryLimit, world.now.mono, line);
            world.stats.query_buffer_limit_disconnections += 1;
            world.clients.doom(slot, Doom::Now);
        }
    }

    /// The client will send nothing more. It still gets the replies to what it sent.
    pub fn finish(&mut self, slot: Slot) {
        let client = &mut self.world.clients[slot];
        client.half_closed = true;
        if client.wait().is_some_and(|wait| wait.until.is_done) {
            // What it is owed has only been put off.
        } else if client.is_waiting {
            // Nobody may take an element for a client that has gone.
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
    pub fn disconnect(&mut self, slot: Slot) {
        self.world.end_session(slot);
        let client = self.world.clients.remove(slot);
        self.world.buffer_pool.give_back(client.outbox.bytes);
    }

    // Output.

    /// The clients that have something to send, or whose connection is to be closed, since the last call.
    /// When messages go to very many, some have to wait for the next call.
    pub fn take_touched(&mut self, into: &mut Vec<Slot>) {
        self.world.clients.take_touched(into);
    }

    /// What is to be sent to the client.
    pub fn unsent(&self, slot: Slot) -> &[u8] {
        self.world.clients[slot].outbox.unsent()
    }

    /// So many bytes of [`Engine::unsent`] have been sent.
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

    /// Not everything could be sent at once. If the client is closing, its patience is limited.
    pub fn stalled(&mut self, slot: Slot) {
        let client = &mut self.world.clients[slot];
        client.stalled = true;
        if client.doom == Doom::AfterReply && !client.lingering {
            client.lingering = true;
            self.linger(slot);
        }
    }

    /// Looks after a closing client again in a while: has it read anything by then?
    fn linger(&mut self, slot: Slot) {
        let client = &self.world.clients[slot];
        let due = self.world.now.mono + LINGER;
        self.lingering.push_back(Lingering { due, id: client.id, bytes_out: client.bytes_out });
    }

    /// Whether the connection is to be closed now.
    pub fn is_over(&self, slot: Slot) -> bool {
        let client = &self.world.clients[slot];
        match client.doom {
            Doom::No => false,
            Doom::AfterReply => client.outbox.unsent().is_empty(),
            Doom::Now => true,
        }
    }

    /// Whether a client whose connection is over was asked to leave, and may be sending still.
    pub fn may_still_send(&self, slot: Slot) -> bool {
        let client = &self.world.clients[slot];
        client.doom == Doom::AfterReply && !client.half_closed
    }

    /// Whether requests of the client wait for the next turn. Until then it is not read from.
    pub fn is_unfinished(&self, slot: Slot) -> bool {
        self.world.clients.get(slot).is_some_and(|client| client.unfinished)
    }

    /// Whether the client may be read from.
    pub fn is_listening(&self, slot: Slot) -> bool {
        self.world.clients.get(slot).is_some_and(|client| client.doom == Doom::No)
    }

    /// Closes every connection as soon as it has been sent what it is owed: the server is leaving.
    pub fn dismiss_all(&mut self) {
        let slots: Vec<Slot> = self.world.clients.slots().collect();
        for slot in slots {
            self.world.clients.doom(slot, Doom::AfterReply);
        }
        // Minutes that have begun end here.
        self.world.peer_log.report(u64::MAX);
    }

    // Requests.

    /// Runs the complete requests in `input` and returns how many bytes they took. Those that have to
    /// wait until replies have been sent run in the next turn.
    fn process(&mut self, slot: Slot, input: &mut [u8]) -> usize {
        let world = &mut self.world;
        let mut reply = world.take_outbox(slot);
        let unsent = reply.len();
        let sent = world.clients[slot].outbox.sent;
        let unread = unsent - sent;
        if world.clients[slot].is_runnable()
            && let Some(args) = world.take_postponed(slot)
        {
            exchange(world, &self.table, &mut reply, &mut self.timer, slot, args.args());
        }
        let mut at = 0;
        self.pipeline.clear();
        while at < input.len() && world.clients[slot].is_runnable() {
            let is_unauthenticated = world.is_unauthenticated(slot);
            let (most_unread, most_replies) = match is_unauthenticated {
                true => (unauthenticated::MAX_REPLIES, unauthenticated::MAX_REPLIES),
                false => (MAX_UNREAD, MAX_REPLIES),
            };
            if unread > 0 && reply.len() - sent > most_unread {
                let id = world.clients[slot].id;
                let line = format_args!("client {id} does not read its replies");
                world.peer_log.log(Cause::OutputLimit, world.now.mono, line);
                world.clients.doom(slot, Doom::Now);
                break;
            }
            let client = &mut world.clients[slot];
            if at > 0
                && (reply.len() - unsent > most_replies || world.reactor_requests.stall.is_some())
            {
                world.clients.resume(slot);
                break;
            }
            if self.pipeline.is_over() && !client.parser.is_half_read() {
                self.pipeline.read(&input[at..]);
                prefetch(world, slot, self.pipeline.iter(&input[at..]));
            }
            if let Some((args, len)) = self.pipeline.take(&input[at..]) {
                at += len;
                exchange(world, &self.table, &mut reply, &mut self.timer, slot, args);
                continue;
            }
            let client = &mut world.clients[slot];
            let bulk = i64::try_from(world.config.proto_max_bulk_len).unwrap_or(i64::MAX);
            let limits = Limits { bulk, authenticated: !is_unauthenticated };
            match client.parser.parse(&mut input[at..], &mut self.spans, limits) {
                Ok(Parsed::Request(len)) => {
                    let args = Args::new(&input[at..at + len], &self.spans);
                    at += len;
                    exchange(world, &self.table, &mut reply, &mut self.timer, slot, args);
                }
                Ok(Parsed::Nothing(len)) => {
                    at += len;
                    client.reply_mode = client.reply_mode.after_request();
                }
                Ok(Parsed::Partial) => break,
                Err(broken) => {
                    refuse(world, &mut reply, slot, broken);
                    at = input.len();
                }
            }
        }
        self.timer.rest(&mut world.stats);
        if self.spans.capacity() > SPARE_BYTES {
            self.spans = Vec::new();
        }
        world.put_back_outbox(slot, reply);
        world.broadcast_changes();
        at
    }
}

/// Runs one request, and logs it if that is wanted.
fn exchange(
    world: &mut World,
    table: &Table,
    reply: &mut Reply,
    timer: &mut Timer,
    slot: Slot,
    args: Args<'_>,
) {
    if !wire_log::is_on() {
        return call::call(world, table, reply, timer, slot, args);
    }
    let shows = trace::shows(table, &world.clients[slot], args);
    let start = reply.mark();
    call::call(world, table, reply, timer, slot, args);
    trace::exchange(world.clients[slot].id, table, args, reply.since(start), shows);
}

/// Fetches what the next requests are about, so that it is near when their turn comes. The second word
/// of most is a key, and the third often a field or member of what it holds.
fn prefetch<'a>(world: &mut World, slot: Slot, requests: impl Iterator<Item = Args<'a>> + Clone) {
    let keys = requests.clone().filter_map(|args| args.get(1));
    if !world.store.exceeds_cache() || keys.clone().nth(1).is_none() {
        return;
    }
    let db = world.clients[slot].db;
    world.store.prefetch(db, keys.clone());
    if let Some(first) = keys.clone().next() {
        let alike = requests.filter(|args| args.get(1) == Some(first));
        world.store.prefetch_in(db, first, alike.filter_map(|args| args.get(2)));
    }
}

/// Answers what is no request. Nobody knows where the next one would begin, so this is the end.
fn refuse(world: &mut World, reply: &mut Reply, slot: Slot, broken: ProtocolError) {
    let now = world.now.mono;
    let World { peer_log, clients, stats, .. } = world;
    let client = &clients[slot];
    let (id, addr) = (client.id, &client.peer.addr);
    if broken == ProtocolError::CrossProtocol {
        let line =
            format_args!("client {id} at {addr} speaks HTTP: closed, nothing was run ({broken})");
        peer_log.log(Cause::CrossProtocol, now, line);
    } else {
        let line = format_args!("client {id} at {addr}: protocol error: {broken}");
        peer_log.log(Cause::Protocol, now, line);
        let error = error::protocol(broken.reason());
        stats.count_error(&error);
        if client.reply_mode == ReplyMode::On {
            reply.error(&error);
        }
    }
    world.clients.doom(slot, Doom::AfterReply);
}

#[cfg(test)]
mod tests {
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
    fn who_never_reads_is_closed_at_last() {
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
