//! What is sent to clients beside the replies to their commands, and how much may wait for one that
//! reads slowly.
//!
//! Nobody waits for a slow reader: what it has not read waits in its outbox, and when that is more than
//! `client-output-buffer-limit` allows, it is cut off. The limit holds while a reply is written, too: what would pass it
//! is not stored, what the command changes stays, and the client is closed. Where no limit is set, or a larger
//! one, [`MAX_UNREAD`] is the limit. A single reply that passes that is replaced by an error.

use super::client::{Client, Doom, ReplyMode};
use super::config::BufferLimit;
use super::peer_log::Cause;
use super::{Slot, World, wire};
use crate::error::{self, Error};
use crate::resp::{Protocol, Reply};

/// The most bytes that wait for a client, whatever `client-output-buffer-limit` says: neither a reader that never
/// reads nor a reply without end may eat the memory.
pub const MAX_UNREAD: usize = if cfg!(test) { 1 << 24 } else { 1 << 30 };

/// What waits up to here is nothing that a limit is for.
pub const REPLY_BUFFER: usize = 16 * 1024;

/// What goes to several clients, spelled once in each protocol that one of them speaks.
pub struct Frame<W> {
    write: W,
    spelled: [Vec<u8>; 2],
}

impl<W: Fn(&mut Reply)> Frame<W> {
    /// What `write` says.
    pub fn new(write: W) -> Frame<W> {
        Frame { write, spelled: [Vec::new(), Vec::new()] }
    }

    /// The bytes in `protocol`.
    #[inline]
    pub fn bytes(&mut self, protocol: Protocol) -> &[u8] {
        let spelled = &mut self.spelled[protocol as usize];
        if spelled.is_empty() {
            let mut reply = Reply::new(Vec::new(), protocol);
            (self.write)(&mut reply);
            *spelled = reply.into_inner();
        }
        spelled
    }
}

impl World {
    /// A command of the client is about to run: what writes its reply behind what waits already. What is
    /// pushed to the client meanwhile waits for [`World::put_back_outbox`].
    pub fn take_outbox(&mut self, slot: Slot) -> Reply {
        let client = &mut self.clients[slot];
        client.outbox.is_away = true;
        let mut out = std::mem::take(&mut client.outbox.bytes);
        if out.capacity() == 0 {
            out = self.spare.take();
        }
        let mut reply = Reply::new(out, client.protocol).with_doubles(self.config.persona.doubles);
        self.limit_reply(&mut reply, slot);
        reply
    }

    /// The reply stays within what may wait for the client.
    pub fn limit_reply(&self, reply: &mut Reply, slot: Slot) {
        reply.set_limit(self.clients[slot].outbox.sent + self.most_output(slot).0);
    }

    /// The reply of the client at hand did not fit. Closes the client, or returns the error that it is told
    /// instead: that it is, where nothing but this one reply is too much.
    #[cold]
    pub fn reply_is_full(&mut self, reply: &Reply, slot: Slot) -> Option<Error> {
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
    fn most_output(&self, slot: Slot) -> (usize, bool) {
        match self.output_limit(slot).hard {
            hard @ 1..MAX_UNREAD => (hard.max(REPLY_BUFFER + 1), true),
            _ => (MAX_UNREAD, false),
        }
    }

    /// What the client's commands have written is to be sent.
    pub fn put_back_outbox(&mut self, slot: Slot, reply: Reply) {
        let out = reply.into_inner();
        let outbox = &mut self.clients[slot].outbox;
        outbox.is_away = false;
        if out.is_empty() {
            self.spare.give_back(out);
        } else {
            outbox.bytes = out;
            self.clients.touch(slot);
            self.limit_output(slot);
        }
    }

    /// Sends the client what is no part of the reply to the command that it is running: that reply comes
    /// first. Who is closing gets nothing more. What waits does so for a few turns at most, and not at all
    /// when it is much.
    pub fn send(&mut self, slot: Slot, bytes: &[u8]) {
        let client = &mut self.clients[slot];
        if client.doom != Doom::No {
            return;
        }
        let waiting = client.outbox.unsent().len() + client.outbox.late.len();
        if waiting > MAX_UNREAD || client.outbox.is_away && waiting > self.most_output(slot).0 {
            self.cut_off(slot);
            return;
        }
        let outbox = &mut self.clients[slot].outbox;
        if outbox.is_away {
            outbox.late.extend_from_slice(bytes);
            return;
        }
        if wire::is_on() {
            wire::outgoing(self.clients[slot].id, bytes, wire::Shows::All);
        }
        let outbox = &mut self.clients[slot].outbox;
        let room = outbox.bytes.capacity();
        if room == 0 {
            outbox.bytes = self.spare.take();
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

    /// Sends the frame to all clients with these ids, except who is closing. Returns how many get it.
    pub fn broadcast<W: Fn(&mut Reply)>(&mut self, ids: &[u64], frame: &mut Frame<W>) -> usize {
        let mut sent = 0;
        for &id in ids {
            if let Some(slot) = self.clients.slot_of(id)
                && self.clients[slot].doom == Doom::No
            {
                self.send(slot, frame.bytes(self.clients[slot].protocol));
                sent += 1;
            }
        }
        sent
    }

    /// Cuts the client off if more waits for it than may, or has waited for too long. To be called when
    /// something was added to its outbox, or has left it.
    #[inline]
    pub fn limit_output(&mut self, slot: Slot) {
        let client = &self.clients[slot];
        let longest = &mut self.stats.max_output_buffer;
        *longest = client.outbox.bytes.len().max(*longest);
        if client.output() > 0 || client.slow_until.is_some() {
            self.limit_waiting(slot);
        }
    }

    #[cold]
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

    /// Cuts off who has been over the soft limit for too long.
    pub fn cut_off_slow(&mut self) {
        while let Some(slot) = self.clients.overdue(self.now.mono) {
            self.clients.set_slow_until(slot, None);
            self.cut_off(slot);
        }
    }

    /// `client-output-buffer-limit` has changed.
    pub fn limit_all_output(&mut self) {
        let slots: Vec<Slot> = self.clients.slots().collect();
        for slot in slots {
            self.clients.set_slow_until(slot, None);
            self.limit_output(slot);
        }
    }

    fn cut_off(&mut self, slot: Slot) {
        if self.clients[slot].doom == Doom::Now {
            return;
        }
        let id = self.clients[slot].id;
        let line = format_args!("client {id} has passed its output buffer limit");
        self.peer_log.log(Cause::OutputLimit, self.now.mono, line);
        self.stats.output_buffer_limit_disconnections += 1;
        self.clients.doom(slot, Doom::Now);
    }

    /// The limit for the client's class.
    fn output_limit(&self, slot: Slot) -> BufferLimit {
        let limits = &self.config.client_output_buffer_limit;
        if self.clients[slot].is_subscriber() { limits.pubsub } else { limits.normal }
    }
}

impl Client {
    /// Bytes that wait for the client to read them, if they are more than usual.
    pub fn output(&self) -> usize {
        let unsent = self.outbox.unsent().len();
        if unsent > REPLY_BUFFER { unsent } else { 0 }
    }
}
