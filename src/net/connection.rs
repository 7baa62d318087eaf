//! One client's socket: read, write, and what it is waited for.

use std::io::{self, Read, Write};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use crate::engine::Traffic;
use crate::session::Slot;

/// How many times a closing connection is read from. A peer that sends more than that does not read.
const UNHEARD: usize = 16;

/// A stream of either family.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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
}

/// What reading found.
pub(crate) enum Received {
    Bytes(usize),
    /// The socket is drained.
    Nothing,
    /// The peer sends nothing more.
    End,
    Broken(io::Error),
}

/// What flushing achieved.
pub(crate) enum Flushed {
    All,
    /// The socket is full, and something is left.
    Part,
    Broken(io::Error),
}

/// A client's socket.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// Whether an event is to come when the socket can be written to.
    wants_writable: bool,
}

impl Connection {
    pub(crate) fn new(stream: Stream) -> Connection {
        Connection { stream, wants_writable: false }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.stream.source(), token, Interest::READABLE)
    }

    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => Received::End,
                Ok(n) => Received::Bytes(n),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => Received::Nothing,
                    io::ErrorKind::Interrupted => continue,
                    _ => Received::Broken(error),
                },
            };
        }
    }

    /// Writes what the engine has for the client, until nothing is left or the socket is full.
    pub(crate) fn flush(&mut self, traffic: &mut Traffic<'_>, slot: Slot) -> Flushed {
        loop {
            let unsent = traffic.unsent(slot);
            if unsent.is_empty() {
                return Flushed::All;
            }
            match self.stream.write(unsent) {
                Ok(n) => traffic.sent(slot, n),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Flushed::Part,
                    io::ErrorKind::Interrupted => {}
                    _ => return Flushed::Broken(error),
                },
            }
        }
    }

    /// Asks for an event when the socket can be written to, or asks for none any more.
    pub(crate) fn want_writable(
        &mut self,
        registry: &Registry,
        token: Token,
        wanted: bool,
    ) -> io::Result<()> {
        if wanted == self.wants_writable {
            return Ok(());
        }
        let interest =
            if wanted { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        registry.reregister(self.stream.source(), token, interest)?;
        self.wants_writable = wanted;
        Ok(())
    }

    /// Tells a client that cannot stay why, as far as the socket takes it at once, and closes. The error is
    /// why it did not hear it.
    pub(crate) fn dismiss(mut self, farewell: &[u8], scratch: &mut [u8]) -> io::Result<()> {
        let heard = self.stream.write(farewell);
        self.close(scratch);
        heard.map(drop)
    }

    /// Closes in a way that lets the peer have what was written.
    ///
    /// When a socket is closed while it holds bytes that were not read, the system throws away what it
    /// has not delivered yet. So they are read, as far as they have come, into `scratch`.
    pub(crate) fn close(mut self, scratch: &mut [u8]) {
        for _ in 0..UNHEARD {
            if !matches!(self.receive(scratch), Received::Bytes(_)) {
                break;
            }
        }
    }
}
