//! The loop.

use std::io::{self, ErrorKind, Write};

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
        let mut numbers = std::mem::take(&mut self.unread);
        let new: Vec<usize> = events.iter().copied().filter(|n| !numbers.contains(n)).collect();
        numbers.extend(new);
        let mut came = Vec::new();
        for number in numbers {
            let (bytes, is_drained) = read(&mut sockets[number]);
            came.push((number, bytes));
            if !is_drained {
                self.unread.push(number);
            }
        }
        came
    }

    /// Returns whether the next turn must not wait for an event.
    pub fn has_more(&self) -> bool {
        !self.unread.is_empty()
    }
}

/// How many bytes came, and whether the socket is drained: a read that returns less than was asked for has drained it.
fn read(socket: &mut impl Socket) -> (usize, bool) {
    let mut bytes = 0;
    for _ in 0..READS_PER_TURN {
        let came = socket.read(&mut [0; BUFFER]).unwrap_or(0);
        bytes += came;
        if came < BUFFER {
            return (bytes, true);
        }
    }
    (bytes, false)
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
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        while self.sent < self.bytes.len() {
            match socket.write(&self.bytes[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(taken) => self.sent += taken,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        *self = Outbox::default();
        Ok(false)
    }
}
