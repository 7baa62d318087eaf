//! What is sent to clients beside the replies to their commands, and how much may wait for one that
//! reads slowly.
//!
//! No other client waits for a slow reader: what it has not read waits in its outbox, and when that is more than
//! `client-output-buffer-limit` allows, it is cut off. The limit holds while a reply is written, too: what would pass it
//! is not stored, what the command changes stays, and the client is closed. Where no limit is set, or a larger
//! one, [`MAX_UNREAD`] is the limit. A single reply that passes that is replaced by an error.

use super::client::Client;

/// The most bytes that wait for a client, whatever `client-output-buffer-limit` says: neither a reader that never
/// reads nor a reply without end may eat the memory.
pub(crate) const MAX_UNREAD: usize = if cfg!(test) { 1 << 24 } else { 1 << 30 };

/// Output up to this size does not count against `client-output-buffer-limit`: the size of the reference's reply
/// buffer.
pub(crate) const REPLY_BUFFER: usize = 16 * 1024;

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
