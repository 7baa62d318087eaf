//! From the bytes that a client sends to the commands that they are.
//!
//! Complete requests run in the caller's buffer; what is not complete is kept in the client's own inbox. A
//! client's requests run until its input is used up, a command of its own waits, or enough replies are
//! written: then the rest waits for the next turn.

use std::sync::Arc;

use super::traffic::Traffic;
use super::{SPARE_BYTES, trace};
use crate::config::Config;
use crate::dispatch::{Driver, Frame, Invocation};
use crate::error;
use crate::session::outbox::MAX_UNREAD;
use crate::session::unauthenticated;
use crate::session::{Departure, Doom, ReplyMode, Slot};
use crate::telemetry::peer_log::Cause;
use crate::telemetry::wire_log;
use crate::wire::{Args, Limits, OwnedArgs, Parsed, ProtocolError, Reply};
use crate::world::World;

/// When a client's requests have brought so many bytes of replies, these are sent before more of its
/// requests run: a few bytes of input may ask for any amount of output.
pub(super) const MAX_REPLIES: usize = 1 << 20;

/// Likewise of long strings that are sent from where they lie, where nothing limits what waits for a client: while their
/// keys hold them they take no memory, and the more there are, the fewer calls send them.
pub(super) const MAX_ELSEWHERE: usize = 8 << 20;

/// Requests are spans of four-byte offsets, so no setting lets one grow past this.
const MAX_QUERY: usize = u32::MAX as usize - (1 << 20);

/// Where nothing limits memory, room is made for so many times what has come of a long argument, up to so many bytes: see
/// [`room_ahead`].
const TIMES_AHEAD: usize = 16;
const MOST_AHEAD: usize = 1 << 20;

/// What is missing of an argument is read where it stays if there is room for all of that, or for so much.
const WORTH_A_READ: usize = 64 * 1024;

/// A request of fewer bytes is not lent: what it says is copied.
const WORTH_LENDING: usize = 16 * 1024;

impl Traffic<'_> {
    /// The client has sent `input`. Complete requests run, the rest is kept.
    ///
    /// The buffer is the caller's and is scratch: quoted inline arguments are unescaped in it. `driver` is what
    /// calls this, for commands that run long.
    pub(crate) fn receive(&mut self, slot: Slot, input: &mut [u8], driver: &mut dyn Driver) {
        self.count_input(slot, input.len());
        let World { clients, config, .. } = &mut *self.world;
        let client = &mut clients[slot];
        let missing = client.missing().min(input.len());
        if missing > 0 && client.is_runnable() {
            // What follows the request that is half read is not moved for its sake.
            let (end, rest) = input.split_at_mut(missing);
            let come = client.inbox.len().max(end.len());
            client.inbox.reserve_exact(room_ahead(client.missing(), come, config));
            client.inbox.extend_from_slice(end);
            self.process_inbox(slot, driver);
            match self.world.clients[slot].unfinished {
                true => self.keep(slot, Vec::new(), rest),
                false => self.receive_more(slot, rest, driver),
            }
        } else {
            self.receive_more(slot, input, driver);
        }
        self.settle_input(slot);
    }

    /// The place where the next bytes of the client go if they belong to a long argument: the client's inbox, with room
    /// behind what is in it for no more than is missing. What has been read into it goes to
    /// [`Traffic::receive_in_place`].
    pub(crate) fn place(&mut self, slot: Slot) -> Option<&mut Vec<u8>> {
        let World { clients, config, .. } = &mut *self.world;
        let client = &mut clients[slot];
        if client.inbox.is_empty() || !client.is_runnable() {
            return None;
        }
        let missing = client.missing();
        let least = missing.min(WORTH_A_READ);
        // A request that is going to pass the limit is read in smaller pieces until it does.
        let is_too_long =
            client.query_bytes() + missing > config.client_query_buffer_limit.min(MAX_QUERY);
        if missing < WORTH_LENDING || is_too_long {
            return None;
        }
        let inbox = &mut client.inbox;
        if inbox.capacity() - inbox.len() < least {
            let room = room_ahead(missing, inbox.len(), config);
            if room < least {
                return None;
            }
            inbox.reserve_exact(room);
            clients.account(slot);
        }
        let inbox = &mut self.world.clients[slot].inbox;
        (inbox.capacity() - inbox.len() <= missing).then_some(inbox)
    }

    /// As [`Traffic::receive`], of bytes that the client's inbox ends with.
    pub(crate) fn receive_in_place(&mut self, slot: Slot, bytes: usize, driver: &mut dyn Driver) {
        self.count_input(slot, bytes);
        self.process_inbox(slot, driver);
        self.settle_input(slot);
    }

    fn count_input(&mut self, slot: Slot, bytes: usize) {
        self.world.stats.bytes_in += bytes as u64;
        self.world.stats.reads += 1;
        let client = &mut self.world.clients[slot];
        client.bytes_in += bytes as u64;
        client.active = self.world.now.mono;
    }

    fn settle_input(&mut self, slot: Slot) {
        self.world.clients.account(slot);
        self.world.evict_clients();
    }

    fn receive_more(&mut self, slot: Slot, input: &mut [u8], driver: &mut dyn Driver) {
        let client = &mut self.world.clients[slot];
        if !client.is_runnable() {
            self.keep(slot, Vec::new(), input);
        } else if client.inbox.is_empty() {
            let used = self.process(slot, input, driver);
            self.keep(slot, Vec::new(), &input[used..]);
        } else if !input.is_empty() {
            client.inbox.extend_from_slice(input);
            self.process_inbox(slot, driver);
        }
    }

    /// Runs the complete requests in a client's inbox.
    fn process_inbox(&mut self, slot: Slot, driver: &mut dyn Driver) {
        let client = &mut self.world.clients[slot];
        let mut inbox = std::mem::take(&mut client.inbox);
        let consumed = client.session.as_mut().map(|session| std::mem::take(&mut session.consumed));
        let mut used = consumed.unwrap_or(0).min(inbox.len());
        let left = inbox.len() - used;
        if left > WORTH_LENDING && self.world.clients[slot].parser.completes(left) {
            inbox = self.process_alone(slot, inbox, used, driver);
            used = 0;
        } else {
            used += self.process(slot, &mut inbox[used..], driver);
        }
        match &mut self.world.clients[slot].session {
            // Each command of a long pipeline may wait: what is behind it is not moved for each of them.
            Some(session) if used < inbox.len() / 2 => session.consumed = used,
            _ => drop(inbox.drain(..used)),
        }
        self.keep(slot, inbox, &[]);
    }

    /// Runs the requests that waited for this turn.
    pub(crate) fn go_on(&mut self, driver: &mut dyn Driver) {
        for _ in 0..self.world.clients.resumed() {
            if let Some(slot) = self.world.clients.take_resumed() {
                self.go_on_with(slot, driver);
            }
        }
    }

    /// Runs requests that waited for this turn, unless their client has gone meanwhile.
    fn go_on_with(&mut self, slot: Slot, driver: &mut dyn Driver) {
        let Some(client) = self.world.clients.get_mut(slot) else {
            return;
        };
        if !std::mem::take(&mut client.unfinished) {
            return;
        }
        self.process_inbox(slot, driver);
        let client = &self.world.clients[slot];
        if client.half_closed && !client.unfinished {
            self.leave(slot);
        }
        self.world.clients.account(slot);
    }

    /// Keeps the bytes that have not run: `inbox`, or the client's own, and `more` behind it.
    fn keep(&mut self, slot: Slot, mut inbox: Vec<u8>, more: &[u8]) {
        let world = &mut *self.world;
        let client = &mut world.clients[slot];
        if client.doom != Doom::No || client.hangs() {
            return;
        }
        if inbox.is_empty() {
            inbox = std::mem::take(&mut client.inbox);
        }
        if inbox.is_empty() && !more.is_empty() {
            // With the rest of an argument that has come to a half, it need not be moved.
            let missing = client.parser.missing(more.len());
            inbox.reserve_exact(more.len() + room_ahead(missing, more.len(), &world.config));
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
            world.clients.doom(slot, Doom::Now, Departure::QueryLimit);
        }
    }

    /// Runs the complete requests in `input` and returns how many bytes they took. Those that have to
    /// wait until replies have been sent run in the next turn.
    fn process(&mut self, slot: Slot, input: &mut [u8], driver: &mut dyn Driver) -> usize {
        let (mut reply, backlog) = self.begin(slot);
        if self.world.clients[slot].is_runnable()
            && let Some(args) = self.world.take_postponed(slot)
        {
            let Traffic { world, table, timer, .. } = self;
            let (reply, frame, args) = (&mut reply, Frame::Top, args.args());
            exchange(&mut Invocation { world, table, timer, driver, reply, slot, frame, args });
        }
        let mut at = 0;
        self.reading.pipeline.clear();
        while at < input.len() && self.runs_next(slot, &reply, backlog, at > 0) {
            let world = &mut *self.world;
            if self.reading.pipeline.is_over() && !world.clients[slot].parser.is_half_read() {
                self.reading.pipeline.read(&input[at..]);
                prefetch(world, slot, self.reading.pipeline.iter(&input[at..]));
            }
            let (args, len) = match self.reading.pipeline.take(&input[at..]) {
                Some(simple) => simple,
                None => match self.parse(slot, &mut input[at..]) {
                    Ok(Parsed::Request(len)) => {
                        (Args::new(&input[at..at + len], &self.reading.spans), len)
                    }
                    Ok(Parsed::Nothing(len)) => {
                        at += len;
                        let client = &mut self.world.clients[slot];
                        client.reply_mode = client.reply_mode.after_request();
                        continue;
                    }
                    Ok(Parsed::Partial) => break,
                    Err(broken) => {
                        if self.world.is_recorded() {
                            self.world.record_broken(slot, &input[at..]);
                        }
                        refuse(self.world, &mut reply, slot, broken);
                        at = input.len();
                        break;
                    }
                },
            };
            at += len;
            let (world, table, timer) = (&mut *self.world, self.table, &mut *self.timer);
            let (reply, frame) = (&mut reply, Frame::Top);
            exchange(&mut Invocation { world, table, timer, driver, reply, slot, frame, args });
        }
        self.end(slot, reply, backlog);
        at
    }

    /// Requests of the client are about to run.
    #[inline(always)]
    fn begin(&mut self, slot: Slot) -> (Reply, Backlog) {
        let is_meanwhile = self.world.running.is_some();
        if !is_meanwhile {
            self.world.store.begin_effects();
        }
        let reply = self.world.take_outbox(slot);
        let sent = self.world.clients[slot].outbox.sent;
        let (written, elsewhere) = (reply.len(), reply.elsewhere());
        let backlog = Backlog { sent, written, elsewhere, is_meanwhile };
        (reply, backlog)
    }

    /// They have run.
    #[inline(always)]
    fn end(&mut self, slot: Slot, reply: Reply, backlog: Backlog) {
        self.timer.rest(&mut self.world.stats);
        if self.reading.spans.capacity() > SPARE_BYTES {
            self.reading.spans = Vec::new();
        }
        self.world.put_back_outbox(slot, reply);
        if !backlog.is_meanwhile {
            self.world.store.shared.effects.hand_over();
            self.world.broadcast_changes();
        }
    }

    /// Runs the request that ends an inbox and begins at `start` of it. The inbox is lent: a long string in it stays where
    /// it is, so that `SET` of 64 KiB copies its value once at most, as far as it came in the buffer of all clients. Returns
    /// what of the inbox has not run.
    #[cold]
    #[inline(never)]
    fn process_alone(
        &mut self,
        slot: Slot,
        mut inbox: Vec<u8>,
        start: usize,
        driver: &mut dyn Driver,
    ) -> Vec<u8> {
        match self.parse(slot, &mut inbox[start..]) {
            Ok(Parsed::Request(len)) if start + len == inbox.len() => {}
            // Where the argument ends there is no end of a line.
            _ => {
                let used = self.process(slot, &mut inbox[start..], driver);
                inbox.drain(..start + used);
                return inbox;
            }
        }
        let (mut reply, backlog) = self.begin(slot);
        if !self.runs_next(slot, &reply, backlog, false) {
            self.end(slot, reply, backlog);
            return Vec::new();
        }
        let all = Arc::new(inbox);
        self.world.store.shared.lent = Some(Arc::clone(&all));
        let (world, table, timer) = (&mut *self.world, self.table, &mut *self.timer);
        let args = Args::new(&all[start..], &self.reading.spans);
        let (reply_to, frame) = (&mut reply, Frame::Top);
        exchange(&mut Invocation {
            world,
            table,
            timer,
            driver,
            reply: reply_to,
            slot,
            frame,
            args,
        });
        self.world.store.shared.lent = None;
        self.end(slot, reply, backlog);
        Vec::new()
    }

    /// Returns whether the client's next request runs now. If enough replies are written already it runs in
    /// the next turn, and a client that leaves too many unread is closed. The first request of a turn has not
    /// to wait.
    #[inline(always)]
    fn runs_next(&mut self, slot: Slot, reply: &Reply, backlog: Backlog, is_further: bool) -> bool {
        let world = &mut *self.world;
        if !world.clients[slot].is_runnable() {
            return false;
        }
        let (most_unread, most_replies) = match world.is_unauthenticated(slot) {
            true => (unauthenticated::MAX_REPLIES, unauthenticated::MAX_REPLIES),
            false => (MAX_UNREAD, MAX_REPLIES),
        };
        if backlog.written > backlog.sent && reply.len() - backlog.sent > most_unread {
            let id = world.clients[slot].id;
            let line = format_args!("client {id} does not read its replies");
            world.peer_log.log(Cause::OutputLimit, world.now.mono, line);
            world.clients.doom(slot, Doom::Now, Departure::OutputLimit);
            return false;
        }
        let elsewhere = reply.elsewhere().saturating_sub(backlog.elsewhere);
        let has_enough = reply.len() - backlog.written > most_replies + elsewhere
            || elsewhere > most_replies
                && (elsewhere > MAX_ELSEWHERE || world.is_output_limited(slot));
        if is_further && (has_enough || world.reactor_requests.stall.is_some()) {
            world.clients.resume(slot);
            return false;
        }
        true
    }

    /// Reads one request that the pipeline could not, into `spans`.
    #[inline]
    fn parse(&mut self, slot: Slot, input: &mut [u8]) -> Result<Parsed, ProtocolError> {
        let bulk = i64::try_from(self.world.config.proto_max_bulk_len).unwrap_or(i64::MAX);
        let limits = Limits { bulk, authenticated: !self.world.is_unauthenticated(slot) };
        self.world.clients[slot].parser.parse(input, &mut self.reading.spans, limits)
    }
}

/// Room for how many bytes is made where so many are `missing` of an argument and so many of the request have `come`,
/// which may be all that comes.
fn room_ahead(missing: usize, come: usize, config: &Config) -> usize {
    let ahead = if config.limits_memory() { 0 } else { come.saturating_mul(TIMES_AHEAD) };
    missing.min(come.max(ahead.min(MOST_AHEAD)))
}

/// A client's outbox as it was before its requests ran: how many of its bytes have been sent, of how many.
#[derive(Clone, Copy)]
struct Backlog {
    sent: usize,
    written: usize,
    /// How many of these lie elsewhere.
    elsewhere: usize,
    /// A script runs meanwhile. What they have done is said and sent when it is over.
    is_meanwhile: bool,
}

/// Runs one request, and writes it and its reply to the wire log if that is on.
fn exchange(request: &mut Invocation<'_>) {
    if !wire_log::is_on() {
        request.invoke();
        return;
    }
    let (table, args) = (request.table, request.args);
    let client = &request.world.clients[request.slot];
    let (id, shows) = (client.id, trace::shows(table, client, args));
    let start = request.reply.mark();
    request.invoke();
    trace::exchange(id, table, args, &request.reply.since(start), shows);
}

/// Prefetches the keys of the pipelined requests into the CPU cache. The second word of most requests is a
/// key, and the third often a field or member of what it holds.
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

/// Answers what breaks the protocol, and closes the client: where its next request begins cannot be told.
fn refuse(world: &mut World, reply: &mut Reply, slot: Slot, broken: ProtocolError) {
    let (now, start) = (world.now.mono, reply.mark());
    let World { peer_log, clients, stats, .. } = world;
    let client = &clients[slot];
    let (id, addr) = (client.id, &client.peer.addr);
    if broken == ProtocolError::CrossProtocol {
        let line =
            format_args!("client {id} at {addr} speaks HTTP: closed, nothing was run ({broken})");
        peer_log.log(Cause::CrossProtocol, now, line);
    } else {
        let line = format_args!("client {id} at {addr}: protocol error: {broken}");
        let is_proxy = broken == ProtocolError::ProxyHeader;
        peer_log.log(if is_proxy { Cause::Proxy } else { Cause::Protocol }, now, line);
        let error = error::protocol(broken.reason());
        stats.count_error(&error);
        if client.reply_mode == ReplyMode::On {
            reply.error(&error);
        }
    }
    if world.keeps_journal() {
        world.journal_command(slot, b"", OwnedArgs::default().args());
        world.journal_reply(slot, &reply.since(start));
    }
    world.clients.doom(slot, Doom::AfterReply, Departure::Protocol);
}
