//! One client's connection: read, write, and what its socket is waited for.
//!
//! What stands between the socket and the client's bytes is either nothing or a TLS session. Both read into the
//! reactor's buffers, and neither takes more of what is to be sent than the socket takes soon: see [`super::tls`].

use std::io;

use mio::{Interest, Registry, Token};

use super::proxy::{self, Broken, Ends, Header};
use super::stream::{Flushed, Received, Stream};
use super::tls::Session;
use crate::engine::Traffic;
use crate::session::Slot;

/// How many times a closing connection is read from. A peer that sends more than that does not read.
const UNHEARD: usize = 16;

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

/// A client's connection.
pub(crate) struct Connection {
    stream: Stream,
    /// What has come of the header that a proxy is to send before anything else, as long as it has not all come.
    header: Option<Vec<u8>>,
    tls: Option<Box<Session>>,
    /// Whether an event is to come when the socket can be written to.
    wants_writable: bool,
}

impl Connection {
    pub(crate) fn new(stream: Stream, tls: Option<Box<Session>>) -> Connection {
        Connection { stream, header: None, tls, wants_writable: false }
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

    /// Reads what has come into `buffer`. `wire` is for what TLS has yet to decrypt.
    #[inline]
    pub(crate) fn receive(&mut self, buffer: &mut [u8], wire: &mut Vec<u8>) -> Received {
        match &mut self.tls {
            None => self.stream.receive(buffer),
            Some(session) => session.receive(&mut self.stream, buffer, wire),
        }
    }

    /// Reads what has come to the end of `place`, of a connection that [is plain](Connection::is_plain).
    pub(crate) fn receive_behind(&mut self, place: &mut Vec<u8>) -> Received {
        self.stream.receive_behind(place)
    }

    /// Returns whether its bytes are the client's own, and not TLS.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.tls.is_none()
    }

    /// Writes what the engine has for the client, until nothing is left or the socket is full.
    pub(crate) fn flush(
        &mut self,
        traffic: &mut Traffic<'_>,
        slot: Slot,
        wire: &mut Vec<u8>,
    ) -> Flushed {
        if let Some(session) = &mut self.tls {
            return session.flush(&mut self.stream, traffic, slot, wire);
        }
        // ANCHOR: flush
        loop {
            let unsent = traffic.unsent(slot);
            if unsent.is_empty() {
                return Flushed::All;
            }
            let sent = match traffic.is_in_pieces(slot) {
                false => self.stream.send(unsent),
                true => self.stream.send_pieces(traffic.unsent_pieces(slot)),
            };
            match sent {
                Ok(Some(n)) => traffic.sent(slot, n),
                Ok(None) => return Flushed::Part,
                Err(error) => return Flushed::Broken(error),
            }
        }
        // ANCHOR_END: flush
    }

    /// The TLS session, if there is one.
    #[inline]
    pub(crate) fn tls(&mut self) -> Option<&mut Session> {
        self.tls.as_deref_mut()
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
    /// why it did not hear it. A client that would speak TLS is told nothing: there is no session yet.
    pub(crate) fn dismiss(mut self, farewell: &[u8], scratch: &mut [u8]) -> io::Result<()> {
        self.tell(farewell, scratch)
    }

    /// Tells the peer that nothing of what it sends is heard, and why. The connection is about to be closed.
    pub(crate) fn tell(&mut self, farewell: &[u8], scratch: &mut [u8]) -> io::Result<()> {
        let heard = match self.tls {
            None => self.stream.send(farewell),
            Some(_) => Ok(None),
        };
        self.drain(scratch);
        heard.map(drop)
    }

    /// Closes the connection. `may_send`: the peer may be sending still.
    ///
    /// A peer that speaks TLS is told that this is the end. When a socket is closed while it holds bytes that were not
    /// read, the system throws away what it has not delivered yet. So they are read, as far as they have come, into
    /// `scratch`.
    pub(crate) fn close(mut self, may_send: bool, scratch: &mut [u8]) {
        if let Some(session) = &mut self.tls {
            session.close(&mut self.stream);
        }
        if may_send {
            self.drain(scratch);
        }
    }

    /// Ends the connection with a reset, in the middle of whatever it is.
    pub(crate) fn reset(self) {
        self.stream.reset();
    }

    fn drain(&mut self, scratch: &mut [u8]) {
        for _ in 0..UNHEARD {
            if !matches!(self.stream.receive(scratch), Received::Bytes(_)) {
                break;
            }
        }
    }
}
