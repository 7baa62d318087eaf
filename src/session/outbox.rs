//! What is sent to clients beside the replies to their commands, and how much may wait for one that
//! reads slowly.
//!
//! No other client waits for a slow reader: what it has not read waits in its outbox, and when that is more than
//! `client-output-buffer-limit` allows, it is cut off. The limit holds while a reply is written, too: what would pass it
//! is not stored, what the command changes stays, and the client is closed. Where no limit is set, or a larger
//! one, [`MAX_UNREAD`] is the limit. A single reply that passes that is replaced by an error.

//!
//! # Output that is held
//!
//! With `appendfsync always` no output that was made after a write leaves before that write is on disk. Output is not
//! asked what it tells: whatever is in an outbox when a turn ends was made after all that had been written to the log
//! by then. So the end of the outbox is marked with that position of the log ([`super::held`] has it), and what lies before a
//! mark is free as soon as the disk has come that far. Nothing waits but these bytes: the client is read from and
//! served, what it is owed from before is sent, and what is held counts against its limits like all that it has not read.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::client::{Client, Outbox};
use super::gaps::Gaps;
use super::registry::{Clients, Slot};
use crate::wire::Segments;

/// The most bytes that wait for a client, whatever `client-output-buffer-limit` says: neither a reader that never
/// reads nor a reply without end may eat the memory.
pub(crate) const MAX_UNREAD: usize = if cfg!(test) { 1 << 24 } else { 1 << 30 };

/// Output up to this size does not count against `client-output-buffer-limit`: the size of the reference's reply
/// buffer.
pub(crate) const REPLY_BUFFER: usize = 16 * 1024;

impl Outbox {
    /// What may be sent now, or the first piece of it: see [`Outbox::sendable_pieces`].
    pub(crate) fn sendable(&self) -> &[u8] {
        match &self.held {
            None => self.bytes.get(self.sent..).unwrap_or_default(),
            Some(held) if held.segments.is_empty() => {
                self.bytes.get(self.sent..self.sendable_end()).unwrap_or_default()
            }
            Some(_) => self.sendable_pieces().next().unwrap_or_default(),
        }
    }

    /// What may be sent now, piece by piece. None of them is empty.
    pub(crate) fn sendable_pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.segments().pieces(&self.bytes, self.sent, self.sendable_end())
    }

    /// What may be sent now, in one piece.
    pub(crate) fn all_sendable(&self) -> Cow<'_, [u8]> {
        self.segments().whole(&self.bytes, self.sent, self.sendable_end())
    }

    fn sendable_end(&self) -> usize {
        self.held.as_ref().and_then(|held| held.start()).unwrap_or(self.bytes.len())
    }

    /// Returns whether some of what may be sent lies elsewhere, so that there are several pieces.
    #[inline]
    pub(crate) fn is_in_pieces(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.segments.is_empty())
    }

    /// What is still to be sent. While a command of the client runs, its reply has that, and here is none.
    pub fn unsent(&self) -> Cow<'_, [u8]> {
        self.segments().whole(&self.bytes, self.sent, self.bytes.len())
    }

    /// How many bytes that is.
    #[inline]
    pub(crate) fn unsent_len(&self) -> usize {
        self.bytes.len().saturating_sub(self.sent) + self.elsewhere()
    }

    /// How many bytes of it lie elsewhere.
    #[inline]
    pub(crate) fn elsewhere(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.segments.len())
    }

    fn segments(&self) -> &Segments {
        static NONE: Segments = Segments::NONE;
        self.held.as_ref().map_or(&NONE, |held| &held.segments)
    }

    /// So many bytes of what may be sent have been sent.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.sent = match &mut self.held {
            None => self.sent + bytes,
            Some(held) => held.segments.sent(self.sent, bytes),
        };
    }

    /// Puts replies that have come into their places. Returns whether there are any.
    pub(crate) fn close_gaps(&mut self) -> bool {
        self.held.as_mut().is_some_and(|held| held.close_gaps(&mut self.bytes))
    }

    /// Returns whether replies are missing that come later.
    pub(crate) fn has_gaps(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.gaps.is_empty())
    }

    /// No reply comes any more: what is behind the first that is missing is not sent.
    pub(crate) fn give_up_gaps(&mut self) {
        if let Some(held) = &mut self.held
            && let Some(first) = held.gaps.first()
        {
            held.gaps = Gaps::default();
            self.bytes.truncate(first);
        }
    }

    /// What has been added since the last mark waits until the log is on disk up to this position. Returns whether
    /// the client did not wait for this position yet.
    fn hold(&mut self, position: u64) -> bool {
        let (end, sent) = (self.bytes.len(), self.sent);
        match &mut self.held {
            Some(held) => held.hold(end, sent, position),
            None if end > sent => self.held.get_or_insert_default().hold(end, sent, position),
            None => false,
        }
    }

    /// What the socket has not taken may be sent, and will not wait for what is written meanwhile.
    pub(crate) fn keep_free(&mut self) {
        let end = self.bytes.len();
        self.held.get_or_insert_default().keep_free(end);
    }
}

impl Clients {
    /// The counter of the bytes that are written to the log.
    pub(crate) fn log_written(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.held.written)
    }

    /// Whether output waits for the log from now on. If not, none does.
    pub(crate) fn hold_for_log(&mut self, is_on: bool) {
        if !is_on && self.held.is_on {
            let all = self.held.written.load(Ordering::Relaxed);
            self.release_output(all);
        }
        self.held.is_on = is_on;
    }

    /// Commands may not read or write from now on, or may: see [`Held`].
    pub(crate) fn pause_holding(&mut self, is_paused: bool) {
        self.held.is_paused = is_paused;
    }

    /// Returns whether output made now may have to wait for the log.
    pub(crate) fn holds_for_log(&self) -> bool {
        self.held.is_on
    }

    /// Returns whether output waits for the log.
    pub(crate) fn await_log(&self) -> bool {
        !self.held.waiting.is_empty() || !self.held.answers.0.is_empty()
    }

    /// The log is on disk up to this position: what has waited for no more is sent in this turn.
    pub(crate) fn log_durable(&mut self, position: u64) {
        self.held.durable = self.held.durable.max(position);
        if self.await_log() {
            self.release_output(self.held.durable);
        }
    }

    fn release_output(&mut self, position: u64) {
        while let Some(&(needed, id)) = self.held.waiting.front()
            && needed <= position
        {
            self.held.waiting.pop_front();
            if let Some(slot) = self.slot_of(id) {
                if let Some(held) = &mut self[slot].outbox.held {
                    held.release(position);
                }
                self.touch(slot);
            }
        }
        let answers = &mut self.held.answers.0;
        while answers.front().is_some_and(|&(needed, _)| needed <= position)
            && let Some((_, give)) = answers.pop_front()
        {
            give();
        }
    }

    /// Gives an answer to another thread, as soon as all is on disk that has been written to the log by now.
    pub(crate) fn answer(&mut self, give: impl FnOnce() + Send + 'static) {
        match self.held.position() {
            Some(position) => self.held.answers.0.push_back((position, Box::new(give))),
            None => give(),
        }
    }

    /// The new output of these clients waits for the log. To be called at the end of a turn, before any is sent.
    pub(crate) fn hold_output(&mut self, slots: &[Slot], position: u64) {
        for &slot in slots {
            if let Some(client) = self.get_mut(slot)
                && client.outbox.hold(position)
            {
                let id = client.id;
                self.held.waiting.push_back((position, id));
            }
        }
    }
}

impl Client {
    /// Bytes that wait for the client to read them, if they are more than usual.
    pub(crate) fn output(&self) -> usize {
        let early = self.outbox.held.as_ref().map_or(0, |held| held.gaps.early());
        let unsent = self.outbox.unsent_len() + early;
        if unsent > REPLY_BUFFER { unsent } else { 0 }
    }

    /// Bytes of memory that hold what the client has not read. Up to [`REPLY_BUFFER`] they are no backlog.
    pub(crate) fn backlog(&self) -> usize {
        let outbox = &self.outbox;
        let held = outbox.bytes.capacity() + outbox.late.capacity() + outbox.elsewhere();
        if held > REPLY_BUFFER { held } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::embed::local::{Connection, Local, request};

    /// A server whose log is the test, and two clients of it.
    struct Server {
        local: Local,
        written: Arc<AtomicU64>,
    }

    impl Server {
        fn start(options: &[(&str, &str)]) -> (Server, Connection, Connection) {
            let mut config = Config::default();
            for (name, value) in options {
                config.apply_option(name, value).unwrap();
            }
            let mut local = Local::new(config);
            let (one, other) = (local.connect(), local.connect());
            local.engine.world.clients.hold_for_log(true);
            let written = local.engine.world.clients.log_written();
            (Server { local, written }, one, other)
        }

        /// A client sends a request, which writes so much to the log. Returns what it is sent by the end of the turn.
        fn send(&mut self, client: Connection, line: &str, writes: u64) -> String {
            self.written.fetch_add(writes, Ordering::Relaxed);
            self.local.send(client, &request(line.split(' ')));
            self.received(client)
        }

        fn received(&mut self, client: Connection) -> String {
            String::from_utf8(self.local.received(client)).unwrap()
        }

        fn durable(&mut self, position: u64) {
            self.local.engine.world.clients.log_durable(position);
        }
    }

    #[test]
    fn what_is_made_after_a_write_waits_until_that_is_on_disk() {
        let (mut server, one, other) = Server::start(&[]);
        assert_eq!(server.send(other, "GET k", 0), "$-1\r\n");
        assert_eq!(server.send(one, "SET k v", 10), "");
        assert_eq!(server.send(other, "GET k", 0), "");
        assert_eq!(server.send(one, "SET k w", 10), "");
        server.durable(9);
        assert_eq!((server.received(one), server.received(other)), (String::new(), String::new()));
        server.durable(10);
        assert_eq!(server.received(one), "+OK\r\n");
        assert_eq!(server.received(other), "$1\r\nv\r\n");
        server.durable(20);
        assert_eq!(server.received(one), "+OK\r\n");
        assert_eq!(server.send(other, "GET k", 0), "$1\r\nw\r\n");
    }

    #[test]
    fn messages_and_pushes_wait_too() {
        let (mut server, one, other) = Server::start(&[]);
        server.send(other, "SUBSCRIBE news", 0);
        assert_eq!(server.send(one, "PUBLISH news x", 1), "");
        assert_eq!(server.received(other), "");
        server.durable(1);
        assert!(server.received(other).ends_with("$4\r\nnews\r\n$1\r\nx\r\n"));
    }

    #[test]
    fn a_client_that_leaves_is_closed_when_it_has_been_told() {
        let (mut server, one, _) = Server::start(&[]);
        server.send(one, "SET k v", 10);
        server.send(one, "QUIT", 0);
        assert!(server.local.is_open(one));
        server.durable(10);
        assert_eq!(server.received(one), "+OK\r\n+OK\r\n");
        assert!(!server.local.is_open(one));
    }

    #[test]
    fn what_is_held_counts_as_unread() {
        let (mut server, one, _) =
            Server::start(&[("client-output-buffer-limit", "normal 64kb 0 0")]);
        let echo = format!("ECHO {}", "x".repeat(20_000));
        assert_eq!(server.send(one, &echo, 1), "");
        assert!(server.local.engine.world.clients[0].output() > 20_000);
        (0..3).for_each(|_| _ = server.send(one, &echo, 0));
        assert!(!server.local.is_open(one), "the limit is passed");
    }

    #[test]
    fn what_was_free_before_is_sent_on() {
        let (mut server, one, _) = Server::start(&[]);
        let bytes = |n: usize| request([&b"ECHO"[..], &vec![b'x'; n]]);
        server.local.send(one, &bytes(200_000));
        let slot = server.local.engine.world.clients.slots().next().unwrap();
        let all = server.local.engine.unsent(slot).len();
        server.local.engine.sent(slot, 10);
        server.local.engine.stalled(slot);
        server.written.store(5, Ordering::Relaxed);
        server.local.send(one, &bytes(1));
        assert_eq!(server.local.engine.unsent(slot).len(), all - 10, "the second reply waits");
        server.local.engine.sent(slot, 150_000);
        assert_eq!(server.local.engine.unsent(slot).len(), all - 150_010);
        server.durable(5);
        assert_eq!(server.received(one).len(), all - 150_010 + "$1\r\nx\r\n".len());
        assert!(!server.local.engine.world.clients.await_log());
    }

    #[test]
    fn an_answer_to_a_thread_waits_too() {
        let (mut server, ..) = Server::start(&[]);
        let (tell, told) = std::sync::mpsc::channel();
        let answer = |server: &mut Server, n: u64| {
            let tell = tell.clone();
            server.local.engine.world.clients.answer(move || tell.send(n).unwrap());
        };
        answer(&mut server, 0);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [0]);
        server.written.store(10, Ordering::Relaxed);
        answer(&mut server, 1);
        server.written.store(20, Ordering::Relaxed);
        answer(&mut server, 2);
        assert!(server.local.engine.world.clients.await_log());
        server.durable(9);
        assert_eq!(told.try_iter().count(), 0);
        server.durable(10);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [1]);
        server.local.engine.world.clients.hold_for_log(false);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [2]);
        assert!(!server.local.engine.world.clients.await_log());
    }

    #[test]
    fn no_promise_no_wait() {
        let (mut server, one, other) = Server::start(&[]);
        server.send(one, "SET k v", 10);
        server.local.engine.world.clients.pause_holding(true);
        assert_eq!(server.send(other, "PING", 0), "+PONG\r\n");
        server.local.engine.world.clients.hold_for_log(false);
        assert_eq!(server.received(one), "+OK\r\n");
        assert_eq!(server.send(one, "SET k v", 10), "+OK\r\n");
    }
}
