//! A stream of bytes to a peer, of either family, and what reading from it finds.

use std::io::{self, IoSlice, Read, Write};

use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use rustix::buffer::spare_capacity;
use socket2::SockRef;

use super::proxy;

/// So many pieces are written at once: the replies of a turn with long strings of 128 KiB.
const MOST_PIECES: usize = 128;

/// A stream of either family.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    /// Reads what has come, as far as it fits.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        let room = buffer.len();
        received(room, || self.read(buffer))
    }

    /// Reads what has come to the end of `place`, as far as it has room. That need not have been written to.
    pub(super) fn receive_behind(&mut self, place: &mut Vec<u8>) -> Received {
        let room = place.capacity() - place.len();
        received(room, || match self {
            Stream::Tcp(stream) => Ok(rustix::io::read(stream, spare_capacity(place))?),
            Stream::Unix(stream) => Ok(rustix::io::read(stream, spare_capacity(place))?),
        })
    }

    /// How many of the next bytes, `most` at most, belong to one line. Nothing is taken.
    pub(super) fn line_ahead(&self, most: usize) -> io::Result<usize> {
        let mut ahead = [0; proxy::LONGEST_LINE];
        let most = most.min(ahead.len());
        match self {
            Stream::Tcp(stream) => {
                let come = stream.peek(&mut ahead[..most])?;
                let end = ahead[..come].iter().position(|&byte| byte == b'\n');
                Ok(end.map_or(come, |end| end + 1))
            }
            // mio looks into no unix socket: a line is short enough to be read a byte at a time.
            Stream::Unix(_) => Ok(1),
        }
    }

    /// Closes with a reset. A stream that has none is closed.
    pub(super) fn reset(self) {
        if let Stream::Tcp(stream) = &self
            && let Err(error) = SockRef::from(stream).set_linger(Some(Duration::ZERO))
        {
            log::warn!("a connection cannot be reset, and is closed: {error}");
        }
    }

    /// Writes as much as the socket takes at once. `None`: it takes nothing.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.send_by(|stream| stream.write(bytes))
    }

    /// As [`Stream::send`], for the first few of several pieces.
    pub(super) fn send_pieces<'b>(
        &mut self,
        pieces: impl Iterator<Item = &'b [u8]>,
    ) -> io::Result<Option<usize>> {
        let mut slices = [IoSlice::new(&[]); MOST_PIECES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        self.send_by(|stream| match stream {
            Stream::Tcp(stream) => stream.write_vectored(&slices[..count]),
            Stream::Unix(stream) => stream.write_vectored(&slices[..count]),
        })
    }

    fn send_by(
        &mut self,
        write: impl Fn(&mut Stream) -> io::Result<usize>,
    ) -> io::Result<Option<usize>> {
        loop {
            return match write(self) {
                Ok(sent) => Ok(Some(sent)),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => Ok(None),
                    io::ErrorKind::Interrupted => continue,
                    _ => Err(error),
                },
            };
        }
    }
}

/// What `read` finds, which has so much `room`.
#[inline(always)]
fn received(room: usize, mut read: impl FnMut() -> io::Result<usize>) -> Received {
    loop {
        return match read() {
            Ok(0) => Received::End,
            Ok(bytes) => Received::bytes(bytes, room),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Received::Nothing,
                io::ErrorKind::Interrupted => continue,
                _ => Received::Broken(error),
            },
        };
    }
}

/// What reading found.
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub(crate) enum Received {
    Bytes(Arrival),
    /// The socket is drained.
    Nothing,
    /// The peer sends nothing more.
    End,
    /// Likewise, but the peer did not say so: TLS would have it.
    CutOff,
    Broken(io::Error),
    /// What protects the connection does not hold, or could not be agreed on.
    Refused(String),
}

/// Bytes that have come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// How many of them are the client's own.
    pub(super) bytes: usize,
    /// How many were read from the socket.
    pub(super) read: usize,
    /// The socket held no more.
    pub(super) has_drained: bool,
    /// With these the connection is open: a handshake is over.
    pub(super) has_opened: bool,
}

impl Received {
    /// So many bytes, where there was room for `room`.
    pub(super) fn bytes(bytes: usize, room: usize) -> Received {
        let has_drained = bytes < room;
        Received::Bytes(Arrival { bytes, read: bytes, has_drained, has_opened: false })
    }
}

/// What flushing achieved.
pub(crate) enum Flushed {
    All,
    /// The socket is full, and something is left.
    Part,
    Broken(io::Error),
}
