//! Replies and pushes on their way to a client, and their limit: see [`crate::session::outbox`].

use super::World;
use crate::config::BufferLimit;
use crate::error::{self, Error};
use crate::session::Departure;
use crate::session::Slot;
use crate::session::client::{Client, Doom, ReplyMode};
use crate::session::outbox::{MAX_UNREAD, REPLY_BUFFER};
use crate::telemetry::peer_log::Cause;
use crate::telemetry::wire_log;
use crate::wire::{Frame, Protocol, Reply, Segments, frames};

impl World {
    /// A command of the client is about to run: what writes its reply behind what waits already. What is
    /// pushed to the client meanwhile waits for [`World::put_back_outbox`].
    pub(crate) fn take_outbox(&mut self, slot: Slot) -> Reply {
        let client = &mut self.clients[slot];
        client.outbox.is_away = true;
        let mut out = std::mem::take(&mut client.outbox.bytes);
        if out.capacity() == 0 {
            out = self.buffer_pool.take();
        }
        let mut reply = Reply::new(out, client.protocol).with_doubles(self.config.persona.doubles);
        reply = match &mut client.outbox.held {
            None => reply.with_segments(Segments::NONE, true),
            // What is behind a gap moves when that is filled.
            Some(held) => {
                let shares = held.gaps.is_empty();
                reply.with_segments(std::mem::take(&mut held.segments), shares)
            }
        };
        self.limit_reply(&mut reply, slot);
        reply
    }

    /// The reply stays within what may wait for the client.
    pub(crate) fn limit_reply(&self, reply: &mut Reply, slot: Slot) {
        reply.set_limit(self.clients[slot].outbox.sent + self.most_output(slot).0);
    }

    /// The reply of the client at hand did not fit. Closes the client, or returns the error that it is told
    /// instead: that it is, where nothing but this one reply is too much.
    #[cold]
    pub(crate) fn reply_is_full(&mut self, reply: &Reply, slot: Slot) -> Option<Error> {
        let client = &self.clients[slot];
        if matches!(client.reply_mode, ReplyMode::Off | ReplyMode::Skip) {
            return None;
        }
        let (_, is_configured) = self.most_output(slot);
        if !is_configured && !reply.has_backlog() {
            return Some(error::REPLY_TOO_LARGE);
        }
        self.cut_off(slot);
        None
    }

    /// How many bytes may wait for the client, and whether the configuration says so.
    pub(super) fn most_output(&self, slot: Slot) -> (usize, bool) {
        match self.output_limit(slot).hard {
            // What it is replied does not wait for a socket.
            _ if self.clients[slot].is_own() => (MAX_UNREAD, false),
            hard @ 1..MAX_UNREAD => (hard.max(REPLY_BUFFER + 1), true),
            _ => (MAX_UNREAD, false),
        }
    }

    /// Returns whether something limits what may wait for the client, or for all of them, or takes memory for it.
    pub(crate) fn is_output_limited(&self, slot: Slot) -> bool {
        self.most_output(slot).1 || self.config.limits_memory()
    }

    /// What the client's commands have written is to be sent.
    pub(crate) fn put_back_outbox(&mut self, slot: Slot, reply: Reply) {
        let (out, segments) = reply.into_parts();
        let outbox = &mut self.clients[slot].outbox;
        outbox.is_away = false;
        if !segments.is_empty() {
            outbox.held.get_or_insert_default().segments = segments;
        }
        if out.is_empty() {
            self.buffer_pool.give_back(out);
        } else {
            outbox.bytes = out;
            self.clients.touch(slot);
            self.limit_output(slot);
        }
        if self.clients[slot].outbox.has_gaps() {
            self.close_gaps(slot);
        }
    }

    /// Sends the client what is no part of the reply to the command that it is running: that reply comes
    /// first. A closing client gets nothing more. What waits does so for a few turns at most, and not at all
    /// when it is much.
    pub(crate) fn send(&mut self, slot: Slot, bytes: &[u8]) {
        let client = &mut self.clients[slot];
        if client.doom != Doom::No || client.hangs() || client.is_own() {
            return;
        }
        let waiting = client.outbox.unsent_len() + client.outbox.late.len();
        if waiting > MAX_UNREAD || client.outbox.is_away && waiting > self.most_output(slot).0 {
            self.cut_off(slot);
            return;
        }
        let outbox = &mut self.clients[slot].outbox;
        if outbox.is_away {
            outbox.late.extend_from_slice(bytes);
            return;
        }
        if wire_log::is_on() {
            wire_log::outgoing(self.clients[slot].id, bytes, wire_log::Shows::All);
        }
        let outbox = &mut self.clients[slot].outbox;
        let room = outbox.bytes.capacity();
        if room == 0 {
            outbox.bytes = self.buffer_pool.take();
        }
        outbox.bytes.extend_from_slice(bytes);
        if outbox.bytes.capacity() != room {
            self.clients.account(slot);
        }
        if self.clients[slot].output() > 0 {
            self.clients.touch(slot);
        } else {
            self.clients.push(slot);
        }
        self.limit_output(slot);
    }

    /// Pushes a frame of the embedder's to the client: see [`World::send`]. One that is no single push is not sent.
    pub(crate) fn push(&mut self, slot: Slot, write: impl FnOnce(&mut Reply)) {
        let protocol = self.clients[slot].protocol;
        let mut reply = Reply::new(Vec::new(), protocol).with_doubles(self.config.persona.doubles);
        reply.set_limit(MAX_UNREAD);
        write(&mut reply);
        let (is_full, bytes) = (reply.is_full(), reply.into_inner());
        let kind: &[u8] = if protocol == Protocol::Resp3 { b">" } else { b"*" };
        if is_full || !bytes.starts_with(kind) || frames::count(&bytes) != Some(1) {
            let id = self.clients[slot].id;
            log::error!("what is pushed to client {id} is not one push, and is not sent");
            return;
        }
        self.send(slot, &bytes);
    }

    /// As [`World::push`], to the client with this id. Returns whether there is one that can be sent to.
    pub(crate) fn push_to(&mut self, id: u64, write: impl FnOnce(&mut Reply)) -> bool {
        let slot = self.clients.slot_of(id).filter(|&slot| {
            let client = &self.clients[slot];
            client.doom == Doom::No && client.opening_since.is_none()
        });
        slot.map(|slot| self.push(slot, write)).is_some()
    }

    /// Sends a part of the reply to the command of the client, which waits. What is pushed to the client follows the last
    /// part: [`World::end_parts`].
    pub(crate) fn send_part(&mut self, slot: Slot, bytes: &[u8]) {
        self.clients[slot].outbox.is_away = false;
        self.send(slot, bytes);
        self.clients[slot].outbox.is_away = true;
    }

    /// The reply is complete, and the command is over.
    pub(crate) fn end_parts(&mut self, slot: Slot) {
        let outbox = &mut self.clients[slot].outbox;
        outbox.is_away = false;
        let late = std::mem::take(&mut outbox.late);
        if !late.is_empty() {
            self.send(slot, &late);
        }
        if let Some(wait) = self.stop_waiting(slot) {
            if self.stage.is_some() {
                self.send_reply(slot, &[], wait.args.args());
            }
            self.count_call(slot, wait.command, false);
        }
    }

    /// Sends the frame to all clients with these ids, except those that are closing. Returns how many get it.
    pub(crate) fn broadcast<W: Fn(&mut Reply)>(
        &mut self,
        ids: &[u64],
        frame: &mut Frame<W>,
    ) -> usize {
        self.broadcast_where(ids, frame, |_| true)
    }

    /// As [`World::broadcast`], to those of the clients that hear it.
    // ANCHOR: broadcast
    pub(super) fn broadcast_where<W: Fn(&mut Reply)>(
        &mut self,
        ids: &[u64],
        frame: &mut Frame<W>,
        hears: impl Fn(&Client) -> bool,
    ) -> usize {
        let mut sent = 0;
        for &id in ids {
            if let Some(slot) = self.clients.slot_of(id)
                && self.clients[slot].doom == Doom::No
                && hears(&self.clients[slot])
            {
                self.send(slot, frame.bytes(self.clients[slot].protocol));
                sent += 1;
            }
        }
        sent
    }
    // ANCHOR_END: broadcast

    /// Cuts the client off if more waits for it than may, or has waited for too long. To be called when
    /// something was added to its outbox, or has left it.
    #[inline]
    pub(crate) fn limit_output(&mut self, slot: Slot) {
        let client = &self.clients[slot];
        let longest = &mut self.stats.max_output_buffer;
        *longest = (client.outbox.bytes.len() + client.outbox.elsewhere()).max(*longest);
        if client.output() > 0 || client.slow_until.is_some() {
            self.limit_waiting(slot);
        }
    }

    #[cold]
    // ANCHOR: limit
    fn limit_waiting(&mut self, slot: Slot) {
        let limit = self.output_limit(slot);
        let client = &self.clients[slot];
        let waiting = client.output();
        let is_over = |most: usize| most > 0 && waiting >= most;
        if is_over(limit.hard) {
            self.cut_off(slot);
        } else if !is_over(limit.soft) {
            self.clients.set_slow_until(slot, None);
        } else if client.slow_until.is_none() {
            let due = self.now.mono + u64::from(limit.soft_seconds) * 1_000_000;
            self.clients.set_slow_until(slot, Some(due));
        }
    }
    // ANCHOR_END: limit

    /// Cuts off the clients that have been over the soft limit for too long.
    pub(crate) fn cut_off_slow(&mut self) {
        while let Some(slot) = self.clients.overdue(self.now.mono) {
            self.clients.set_slow_until(slot, None);
            self.cut_off(slot);
        }
    }

    /// `client-output-buffer-limit` has changed.
    pub(crate) fn limit_all_output(&mut self) {
        let slots: Vec<Slot> = self.clients.slots().collect();
        for slot in slots {
            self.clients.set_slow_until(slot, None);
            self.limit_output(slot);
        }
    }

    pub(super) fn cut_off(&mut self, slot: Slot) {
        if self.clients[slot].doom == Doom::Now {
            return;
        }
        let id = self.clients[slot].id;
        let line = format_args!("client {id} has passed its output buffer limit");
        self.peer_log.log(Cause::OutputLimit, self.now.mono, line);
        self.stats.output_buffer_limit_disconnections += 1;
        self.clients.doom(slot, Doom::Now, Departure::OutputLimit);
    }

    /// The limit for the client's class.
    fn output_limit(&self, slot: Slot) -> BufferLimit {
        let limits = &self.config.client_output_buffer_limit;
        match &self.clients[slot].session {
            Some(session) if session.is_rdb_only => limits.replica,
            Some(session) if !session.subscriptions.is_empty() => limits.pubsub,
            _ => limits.normal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::embed::local::{Connection, Local, request};
    use crate::session::Client;
    use crate::wire::{Value, frames};

    const MIB: usize = 1 << 20;

    /// A server with a value of each type, and two clients of it. Nothing limits what they leave unread but
    /// `limit`.
    fn server(limit: &str) -> (Local, Connection, Connection) {
        let mut config = Config::default();
        config.apply_option("client-output-buffer-limit", limit).unwrap();
        let mut local = Local::new(config);
        let (client, other) = (local.connect(), local.connect());
        local.call(client, [&b"SET"[..], b"big", &vec![b'x'; MIB]]);
        for line in
            ["SADD s a b", "HSET h a 1 b 2", "ZADD z 1 a 2 b", "RPUSH l 1 2 3", "HSET q f x"]
        {
            local.call(client, line.split(' '));
        }
        local.call(client, [&b"SADD"[..], b"t", &vec![b'x'; MIB]]);
        for hash in [&b"q"[..], b"q1"] {
            local.call(client, [&b"HSET"[..], hash, b"big", &vec![b'x'; MIB]]);
        }
        (local, client, other)
    }

    /// Short requests for replies of more than 16 MiB.
    fn bombs() -> Vec<Vec<String>> {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let many = |line: &str, more: &str, n: usize| {
            let more = std::iter::repeat_n(more.split(' '), n).flatten().map(str::to_owned);
            words(line).into_iter().chain(more).collect::<Vec<_>>()
        };
        vec![
            many("MGET", "big", 50),
            many("HMGET q", "big", 50),
            many("SORT l BY none", "GET q*->big", 20),
            words("SRANDMEMBER s -9000000000000000"),
            words("SRANDMEMBER t -5000000"),
            words("HRANDFIELD h -4000000000000"),
            words("HRANDFIELD q -5000000 WITHVALUES"),
            words("ZRANDMEMBER z -4000000000000"),
            words("ZRANDMEMBER z -5500000 WITHSCORES"),
            many("COMMAND DOCS", "set", 20_000),
            many("COMMAND INFO", "set", 100_000),
            many("ZMSCORE z", "a", 5_600_000),
            many("SMISMEMBER s", "a", 5_600_000),
        ]
    }

    #[test]
    fn a_reply_that_passes_the_limit_closes_its_client_while_it_is_written() {
        for bomb in bombs() {
            let (mut local, client, other) = server("normal 4mb 0 0");
            local.send(client, &request(&bomb));
            let stats = &local.engine.world.stats;
            assert!(stats.max_output_buffer <= 4 * MIB, "{:?}", &bomb[..2]);
            assert_eq!(stats.output_buffer_limit_disconnections, 1, "{:?}", &bomb[..2]);
            local.received(client);
            assert!(!local.is_open(client));
            assert_eq!(local.call(other, ["STRLEN", "big"]).to_string(), "(integer) 1048576");
        }
    }

    #[test]
    fn without_a_limit_a_reply_that_is_too_large_is_an_error() {
        for bomb in bombs() {
            let (mut local, client, _) = server("normal 0 0 0");
            let reply = local.call(client, &bomb);
            assert_eq!(
                reply,
                Value::Error(error::REPLY_TOO_LARGE.as_bytes().into()),
                "{:?}",
                &bomb[..2]
            );
            assert!(local.engine.world.stats.max_output_buffer <= MAX_UNREAD);
            assert_eq!(local.call(client, ["PING"]).to_string(), "PONG");
        }
    }

    #[test]
    fn without_a_limit_who_leaves_too_much_unread_is_closed() {
        let (mut local, client, _) = server("normal 0 0 0");
        let some = request([&["MGET"][..], &["big"; 10]].concat());
        local.send(client, &some);
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 0);
        local.send(client, &some);
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
        assert!(local.engine.world.stats.max_output_buffer <= MAX_UNREAD);
    }

    /// MULTI, a hundred times the value, something that is changed between them, EXEC.
    fn transaction() -> Vec<u8> {
        let gets = request(["GET", "big"]).repeat(50);
        let incr = request(["INCR", "n"]);
        let [multi, exec] = ["MULTI", "EXEC"].map(|word| request([word]));
        [&multi[..], &gets, &incr, &gets, &incr, &exec].concat()
    }

    #[test]
    fn a_transaction_whose_replies_pass_the_limit_runs_to_its_end() {
        let (mut local, client, other) = server("normal 4mb 0 0");
        local.send(client, &transaction());
        let stats = &local.engine.world.stats;
        assert_eq!(stats.output_buffer_limit_disconnections, 1);
        assert!(stats.max_output_buffer <= 4 * MIB);
        local.received(client);
        assert!(!local.is_open(client));
        assert_eq!(local.call(other, ["GET", "n"]).to_string(), "\"2\"");
    }

    #[test]
    fn without_a_limit_replies_that_do_not_fit_into_a_transaction_are_errors() {
        let (mut local, client, _) = server("normal 0 0 0");
        local.send(client, &transaction());
        let bytes = local.received(client);
        assert_eq!(frames::count(&bytes), Some(1 + 102 + 1));
        let too_large =
            format!("{}\r\n", String::from_utf8_lossy(error::REPLY_TOO_LARGE.as_bytes()));
        let errors = bytes.windows(too_large.len()).filter(|text| *text == too_large.as_bytes());
        assert_eq!(errors.count(), 100 - 15);
        assert!(bytes.ends_with(b":2\r\n"));
        assert!(local.is_open(client));
    }

    #[test]
    fn a_client_that_has_waited_for_more_than_it_may_be_sent_is_closed() {
        for (limit, reply) in [("normal 4mb 0 0", ""), ("normal 0 0 0", "-ERR ")] {
            let (mut local, client, other) = server(limit);
            local.send(client, b"BLMPOP 0 1 wanted LEFT COUNT 100\r\n");
            let value = vec![b'x'; MIB];
            let push = [&b"RPUSH"[..], b"wanted"].into_iter().chain([&value[..]; 20]);
            assert_eq!(local.call(other, push).to_string(), "(integer) 20");
            assert!(local.engine.world.stats.max_output_buffer <= 4 * MIB);
            let received = String::from_utf8(local.received(client)).unwrap();
            assert!(received.starts_with(reply) && received.len() < 200, "{}", received.len());
            assert_eq!(local.is_open(client), !reply.is_empty());
            assert_eq!(local.call(other, ["EXISTS", "wanted"]).to_string(), "(integer) 0");
        }
    }

    #[test]
    fn who_is_not_told_that_a_command_is_queued_is_closed() {
        let (mut local, client, _) = server("normal 17kb 0 0");
        local.send(client, b"MULTI\r\n");
        local.received(client);
        // The last that fits leaves room for two bytes.
        local.send(client, &request(["PING"]).repeat(2000));
        assert_eq!(local.engine.world.stats.max_output_buffer, 17 * 1024 - 2);
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
    }

    #[test]
    fn who_is_not_told_that_it_waits_no_more_is_closed() {
        let (mut local, client, other) = server("normal 17kb 0 0");
        // That leaves room for a null, and not for an error.
        local.send(client, &request([&b"ECHO"[..], &[b'x'; 17 * 1024 - 30]]));
        local.send(client, b"BLPOP wanted 0\r\n");
        local.call(other, ["ACL", "SETUSER", "default", "-blpop"]);
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 0);
        local.call(other, ["RPUSH", "wanted", "x"]);
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
        assert_eq!(local.call(other, ["LLEN", "wanted"]).to_string(), "(integer) 1");
    }

    #[test]
    fn replies_that_nobody_wants_close_nobody() {
        let (mut local, client, _) = server("normal 4mb 0 0");
        let gets = vec!["big"; 50];
        let silent = [
            request(["CLIENT", "REPLY", "OFF"]),
            request([&["MGET"][..], &gets].concat()),
            request(["CLIENT", "REPLY", "ON"]),
            request(["PING"]),
        ];
        local.send(client, &silent.concat());
        assert_eq!(local.received(client), b"+OK\r\n+PONG\r\n");
    }

    #[test]
    fn the_limit_is_that_of_the_class_which_the_client_is_in_now() {
        let (mut local, client, _) = server("pubsub 1mb 0 0");
        let echo = request([&b"ECHO"[..], &vec![b'x'; 2 * MIB]]);
        local.send(client, b"HELLO 3\r\nSUBSCRIBE a\r\n");
        // It does not count any more, in the middle of a pipeline.
        local.send(client, &[&b"UNSUBSCRIBE a\r\n"[..], &echo].concat());
        assert!(local.received(client).len() > 2 * MIB);
        local.send(client, &[&b"SUBSCRIBE a\r\n"[..], &echo].concat());
        local.received(client);
        assert!(!local.is_open(client));
    }

    #[test]
    fn a_subscriber_without_a_limit_that_leaves_too_much_unread_is_closed() {
        let (mut local, client, other) = server("pubsub 0 0 0");
        local.call(client, ["SUBSCRIBE", "a"]);
        for _ in 0..20 {
            local.send(other, &request([&b"PUBLISH"[..], b"a", &vec![b'x'; MIB]]));
        }
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
        assert!(local.engine.world.stats.max_output_buffer <= MAX_UNREAD + 2 * MIB);
    }

    #[test]
    fn messages_to_oneself_stay_within_the_limit_while_a_command_runs() {
        let (mut local, client, _) = server("pubsub 4mb 0 0");
        local.send(client, b"HELLO 3\r\n");
        for n in 0..64 {
            local.send(client, &request(["PSUBSCRIBE".to_owned(), format!("{}*", "*".repeat(n))]));
        }
        local.received(client);
        local.send(client, &request([&b"PUBLISH"[..], b"a", &vec![b'x'; MIB]]));
        let held = local.engine.world.clients.iter().map(Client::memory).max();
        assert!(held < Some(16 * MIB), "{held:?}");
        local.received(client);
        assert!(!local.is_open(client));
    }

    #[test]
    fn a_message_to_oneself_may_come_while_a_reply_is_half_sent() {
        let (mut local, client, _) = server("normal 0 0 0");
        local.send(client, b"HELLO 3\r\nSUBSCRIBE a\r\n");
        local.received(client);
        let slot = local.engine.world.clients.slots().next().unwrap();
        local.send(client, b"ECHO 0123456789\r\n");
        local.engine.sent(slot, 10);
        local.send(client, b"PUBLISH a x\r\n");
        local.send(client, b"CONFIG SET client-output-buffer-limit \"pubsub 0 0 0\"\r\n");
        let rest = "56789\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n+OK\r\n";
        assert_eq!(String::from_utf8_lossy(&local.received(client)), rest);
    }

    #[test]
    fn what_a_reply_buffer_takes_is_below_any_limit() {
        let (mut local, client, _) = server("normal 1kb 0 0");
        for (bytes, is_open) in [(16_000, true), (17_000, false)] {
            local.send(client, &request([&b"ECHO"[..], &vec![b'x'; bytes]]));
            assert_eq!(local.received(client).len() > bytes, is_open);
            assert_eq!(local.is_open(client), is_open, "{bytes}");
        }
    }

    #[test]
    fn what_has_been_sent_counts_no_more() {
        let (mut local, client, _) = server("normal 4mb 0 0");
        let echo = |kib: usize| request([&b"ECHO"[..], &vec![b'x'; kib << 10]]);
        local.send(client, &echo(3072));
        let slot = local.engine.world.clients.slots().next().unwrap();
        // Not so much that the outbox would let go of it.
        local.engine.sent(slot, MIB);
        local.send(client, &echo(1536));
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 0);
        local.send(client, &echo(1536));
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
    }

    #[test]
    fn what_slow_readers_leave_unread_evicts_no_more_than_its_share() {
        let (mut local, client, other) = server("normal 0 0 0");
        let words = ["CONFIG", "SET", "maxmemory", "20mb", "maxmemory-policy", "allkeys-lru"];
        assert_eq!(local.call(client, words).to_string(), "OK");
        let readers: Vec<Connection> = (0..40).map(|_| local.connect()).collect();
        for &reader in &readers {
            local.send(reader, &request(["GET", "big"]));
            local.send(other, &request(["SET", "k", "v"]));
            local.advance(std::time::Duration::ZERO);
        }
        local.received(other);
        assert_eq!(local.engine.world.store.shared.eviction.evicted, 0);
        let open = readers.iter().filter(|&&reader| local.is_open(reader)).count();
        assert_eq!(open, 9, "half of 20 MiB has room for nine of a MiB and a little");
        assert!(local.engine.world.clients.backlog() <= 10 * MIB);
        assert_eq!(local.engine.world.stats.evicted_clients, 31);
        // A client that reads is spared.
        for _ in 0..10 {
            assert_eq!(local.call(other, ["GET", "k"]).to_string(), "\"v\"");
        }
    }

    #[test]
    fn before_slow_readers_are_closed_only_their_share_counts() {
        let (mut local, client, other) = server("normal 0 0 0");
        let words = ["CONFIG", "SET", "maxmemory", "20mb", "maxmemory-policy", "allkeys-lru"];
        local.call(client, words);
        // All in one turn.
        for _ in 0..30 {
            let reader = local.connect();
            local.send(reader, &request(["GET", "big"]));
        }
        assert_eq!(local.call(other, ["SET", "k", "v"]).to_string(), "OK");
        assert_eq!(local.engine.world.store.shared.eviction.evicted, 0);
    }

    #[test]
    fn who_is_not_to_be_evicted_is_counted_and_spared() {
        let (mut local, client, _) = server("normal 0 0 0");
        local.call(client, ["CONFIG", "SET", "maxmemory", "20mb"]);
        let [spared, other] = [(); 2].map(|()| local.connect());
        local.call(spared, ["CLIENT", "NO-EVICT", "ON"]);
        local.send(spared, &request([&["MGET"][..], &["big"; 11]].concat()));
        local.advance(std::time::Duration::ZERO);
        assert!(local.is_open(spared));
        local.send(other, &request(["GET", "big"]));
        local.advance(std::time::Duration::ZERO);
        assert!(local.is_open(spared) && !local.is_open(other));
    }

    #[test]
    fn where_maxmemory_clients_is_set_it_is_the_bound_of_what_is_left_unread() {
        let (mut local, client, _) = server("normal 0 0 0");
        local.call(client, ["CONFIG", "SET", "maxmemory", "20mb", "maxmemory-clients", "14mb"]);
        let readers: Vec<Connection> = (0..20).map(|_| local.connect()).collect();
        for &reader in &readers {
            local.send(reader, &request(["GET", "big"]));
            local.advance(std::time::Duration::ZERO);
        }
        let open = readers.iter().filter(|&&reader| local.is_open(reader)).count();
        assert_eq!(open, 13, "14 MiB have room for thirteen of a MiB and a little");
    }

    #[test]
    fn sort_stores_no_more_than_one_command_may() {
        let (mut local, client, _) = server("normal 0 0 0");
        let gets = std::iter::repeat_n(["GET", "q*->big"], 20).flatten();
        let words = ["SORT", "l", "BY", "none"].into_iter().chain(gets).chain(["STORE", "out"]);
        let reply = local.call(client, words);
        assert_eq!(reply, Value::Error(error::SORT_TOO_LARGE.as_bytes().into()));
        assert_eq!(local.call(client, ["EXISTS", "out"]).to_string(), "(integer) 0");
    }
}
