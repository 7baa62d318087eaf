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
//! by then. So the end of the outbox is marked with that position of the log ([`Held`] has it), and what lies before a
//! mark is free as soon as the disk has come that far. Nothing waits but these bytes: the client is read from and
//! served, what it is owed from before is sent, and what is held counts against its limits like all that it has not read.

use std::collections::VecDeque;

use super::client::{Client, Outbox};
use super::registry::{Clients, Slot};

/// The most bytes that wait for a client, whatever `client-output-buffer-limit` says: neither a reader that never
/// reads nor a reply without end may eat the memory.
pub(crate) const MAX_UNREAD: usize = if cfg!(test) { 1 << 24 } else { 1 << 30 };

/// Output up to this size does not count against `client-output-buffer-limit`: the size of the reference's reply
/// buffer.
pub(crate) const REPLY_BUFFER: usize = 16 * 1024;

/// How far a log is written and how far it is on disk, and whose output waits for that.
///
/// Without such a log both are 0, and holding costs one comparison in a turn.
#[derive(Debug, Default)]
pub(crate) struct Held {
    written: u64,
    durable: u64,
    /// The positions that output waits for, rising, and the id of the client whose it is.
    waiting: VecDeque<(u64, u64)>,
}

/// What of an outbox may not be sent yet.
#[derive(Debug, Default)]
pub(crate) struct HeldBytes {
    /// Where it begins in the bytes of the outbox. What is before may be sent, and all if there are no marks.
    start: usize,
    /// Where what was made by then ends, and the position of the log that it waits for; both rise.
    marks: VecDeque<(usize, u64)>,
}

impl Held {
    /// Returns whether something is written and not on disk, so that output made now is held.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.written != self.durable
    }
}

impl Outbox {
    /// What may be sent now.
    pub(crate) fn sendable(&self) -> &[u8] {
        match &self.held {
            Some(held) if !held.marks.is_empty() => {
                self.bytes.get(self.sent..held.start).unwrap_or_default()
            }
            _ => self.unsent(),
        }
    }

    /// What has been added since the last mark waits until the log is on disk up to this position. Returns whether
    /// the client did not wait for this position yet.
    fn hold(&mut self, position: u64) -> bool {
        let (end, sent) = (self.bytes.len(), self.sent);
        let free = self.held.as_ref().map_or(sent, |held| held.start.max(sent));
        let last = self.held.as_ref().and_then(|held| held.marks.back());
        if end <= last.map_or(free, |&(end, _)| end) {
            return false;
        }
        let held = self.held.get_or_insert_default();
        held.start = free;
        match held.marks.back_mut() {
            Some(last) if last.1 == position => {
                last.0 = end;
                false
            }
            _ => {
                held.marks.push_back((end, position));
                true
            }
        }
    }

    /// The log is on disk up to this position.
    fn release(&mut self, position: u64) {
        let Some(held) = &mut self.held else {
            return;
        };
        while let Some(&(end, needed)) = held.marks.front()
            && needed <= position
        {
            held.start = end;
            held.marks.pop_front();
        }
    }

    /// The first `bytes` of the outbox have been sent and are gone.
    pub(crate) fn shift_held(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            held.start = held.start.saturating_sub(bytes);
            held.marks.iter_mut().for_each(|(end, _)| *end -= bytes);
        }
    }

    /// Bytes of memory that the marks hold.
    pub(crate) fn marks_memory(&self) -> usize {
        self.held.as_ref().map_or(0, |held| {
            size_of::<HeldBytes>() + held.marks.capacity() * size_of::<(usize, u64)>()
        })
    }
}

impl Clients {
    /// The log is written up to this position, and what clients are sent from now on waits until it is on disk.
    pub(crate) fn log_written(&mut self, position: u64) {
        self.held.written = self.held.written.max(position);
    }

    /// The log is on disk up to this position: what has waited for no more is sent in this turn.
    pub(crate) fn log_durable(&mut self, position: u64) {
        self.held.durable = self.held.durable.max(position).min(self.held.written);
        let durable = self.held.durable;
        while let Some(&(needed, id)) = self.held.waiting.front()
            && needed <= durable
        {
            self.held.waiting.pop_front();
            if let Some(slot) = self.slot_of(id) {
                self[slot].outbox.release(durable);
                self.touch(slot);
            }
        }
    }

    /// Nothing waits for a log any more: there is none, or it makes no such promise.
    pub(crate) fn release_all(&mut self) {
        self.log_durable(self.held.written);
    }

    /// Marks the new output of the client. To be called at the end of a turn, before any is sent.
    pub(crate) fn hold_output(&mut self, slot: Slot) {
        let position = self.held.written;
        if let Some(client) = self.get_mut(slot)
            && client.outbox.hold(position)
        {
            let id = client.id;
            self.held.waiting.push_back((position, id));
        }
    }
}

impl Client {
    /// Bytes that wait for the client to read them, if they are more than usual.
    pub(crate) fn output(&self) -> usize {
        let unsent = self.outbox.unsent().len();
        if unsent > REPLY_BUFFER { unsent } else { 0 }
    }

    /// Bytes of memory that hold what the client has not read. Up to [`REPLY_BUFFER`] they are no backlog.
    pub(crate) fn backlog(&self) -> usize {
        let held = self.outbox.bytes.capacity() + self.outbox.late.capacity();
        if held > REPLY_BUFFER { held } else { 0 }
    }
}
