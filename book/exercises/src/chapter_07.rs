//! The loop.

use std::io::{self, Write};

/// A socket that does not block.
pub trait Socket {
    /// Reads what is there, up to the length of the buffer: how many bytes came. `None`: nothing is there now. That costs a
    /// system call as well.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize>;
}

/// So many bytes are read at once.
pub const BUFFER: usize = 100;

/// So many times a socket is read in a turn at most.
pub const READS_PER_TURN: usize = 3;

/// A loop over sockets, each of which is known by its number.
#[derive(Debug, Default)]
pub struct Loop {
    /// Sockets that may have more to read, though no event will say so.
    unread: Vec<usize>,
}

impl Loop {
    /// A turn. `events` are the sockets for which something has arrived since the last turn: edges, each told once. Returns how
    /// many bytes came of each socket that was read, in the order in which they were: those that are left from the last turn, then
    /// those with an event, and none of them twice.
    pub fn turn<S: Socket>(&mut self, sockets: &mut [S], events: &[usize]) -> Vec<(usize, usize)> {
        let mut came = Vec::new();
        for &number in events {
            // One read. What if there is more?
            let bytes = sockets[number].read(&mut [0; BUFFER]).unwrap_or(0);
            came.push((number, bytes));
        }
        came
    }

    /// Returns whether the next turn must not wait for an event.
    pub fn has_more(&self) -> bool {
        !self.unread.is_empty()
    }
}

/// What waits to be sent to a client.
#[derive(Debug, Default)]
pub struct Outbox {
    pub bytes: Vec<u8>,
    /// So many of them are sent.
    pub sent: usize,
}

impl Outbox {
    /// Writes to the socket until it takes no more or all is sent. Returns whether the loop has to be told when the socket can be
    /// written to again. When all is sent the buffer is let go of: an idle client has none.
    ///
    /// A write that is interrupted is tried again, one that would block is no error, and one that takes nothing at all is
    /// [`io::ErrorKind::WriteZero`].
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        socket.write_all(&self.bytes)?;
        Ok(false)
    }
}
