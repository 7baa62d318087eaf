//! One client's socket: read, write, and what it is waited for.

use std::io::{self, Read, Write};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use super::proxy::{self, Broken, Ends, Header};
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

    /// How many of the next bytes, `most` at most, belong to one line. Nothing is taken.
    fn line_ahead(&self, most: usize) -> io::Result<usize> {
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

/// What has come of a proxy's header.
pub(crate) enum Heard {
    /// All of it; without ends the proxy connects for itself.
    Header(Option<Ends>),
    /// There is more to come.
    Nothing,
    /// The peer sends nothing more. It had begun, or had not.
    End {
        has_begun: bool,
    },
    /// What has come is none.
    NoHeader(Broken),
    Failed(io::Error),
}

/// A client's socket.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// What has come of the header that a proxy is to send before anything else, as long as it has not all come.
    header: Option<Vec<u8>>,
    /// Whether an event is to come when the socket can be written to.
    wants_writable: bool,
}

impl Connection {
    pub(crate) fn new(stream: Stream) -> Connection {
        Connection { stream, header: None, wants_writable: false }
    }

    /// The first that comes is to be a proxy's header.
    pub(crate) fn expect_header(&mut self) {
        self.header = Some(Vec::new());
    }

    #[inline]
    pub(crate) fn expects_header(&self) -> bool {
        self.header.is_some()
    }

    /// Reads what has come of the header, and nothing behind it.
    pub(crate) fn receive_header(&mut self) -> Heard {
        let (stream, held) = (&mut self.stream, self.header.get_or_insert_default());
        let mut piece = [0; 512];
        loop {
            match proxy::read(held) {
                Header::Partial => {}
                Header::Whole(_, ends) => {
                    self.header = None;
                    return Heard::Header(ends);
                }
                Header::Broken(broken) => return Heard::NoHeader(broken),
            }
            let wanted = match proxy::is_in_line(held) {
                true => stream.line_ahead(proxy::LONGEST_LINE - held.len()),
                false => Ok(proxy::needed(held)),
            };
            let read = wanted.and_then(|wanted| match wanted.min(piece.len()) {
                0 => Ok(0),
                wanted => stream.read(&mut piece[..wanted]),
            });
            match read {
                Ok(0) => return Heard::End { has_begun: !held.is_empty() },
                Ok(n) => held.extend_from_slice(&piece[..n]),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Heard::Nothing,
                    io::ErrorKind::Interrupted => {}
                    _ => return Heard::Failed(error),
                },
            }
        }
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
        self.tell(farewell, scratch)
    }

    /// Tells the peer that nothing of what it sends is heard, and why. The connection is about to be closed.
    pub(crate) fn tell(&mut self, farewell: &[u8], scratch: &mut [u8]) -> io::Result<()> {
        let heard = self.stream.write(farewell);
        self.drain(scratch);
        heard.map(drop)
    }

    /// Closes in a way that lets the peer have what was written.
    ///
    /// When a socket is closed while it holds bytes that were not read, the system throws away what it
    /// has not delivered yet. So they are read, as far as they have come, into `scratch`.
    pub(crate) fn close(mut self, scratch: &mut [u8]) {
        self.drain(scratch);
    }

    fn drain(&mut self, scratch: &mut [u8]) {
        for _ in 0..UNHEARD {
            if !matches!(self.receive(scratch), Received::Bytes(_)) {
                break;
            }
        }
    }
}
