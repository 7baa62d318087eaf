//! One connection's TLS: from ciphertext to plaintext and back, in the reactor's buffers.

use std::sync::Arc;

use rustls::server::{ServerConfig, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{Error, InvalidMessage};

use super::super::stream::{Arrival, Flushed, Received, Stream};
use super::certificate::Certificate;
use crate::config::CertificateUser;
use crate::engine::Traffic;
use crate::session::Slot;

/// What is read at once, and what a handshake's message may have at most. There is no more plaintext than ciphertext, so
/// a buffer of the same size takes what is decrypted.
const WIRE: usize = 64 * 1024;

/// The most plaintext of a record.
const RECORD: usize = 16 * 1024;

/// How much is encrypted at once: with what the records add, it fits in [`WIRE`].
const CHUNK: usize = 3 * RECORD;

/// What rustls keeps for a session beside it, its keys and states: an estimate, for rustls tells no sizes. 1500 idle clients over
/// TLS had 4.2 KB more resident memory each than 1500 without it, and 1.1 KB of that is the session itself.
const KEYS: usize = 3 * 1024;

/// The TLS session of a connection.
pub(crate) struct Session {
    tls: UnbufferedServerConnection,
    users: CertificateUser,
    /// Something has come.
    has_begun: bool,
    /// The handshake is over.
    is_open: bool,
    /// Nothing that is sent from now on would be understood: what protects the connection does not hold.
    has_failed: bool,
    /// The peer has said that it sends nothing more.
    has_ended: bool,
    /// Ciphertext that has come and is not a whole record yet, or not a whole message of the handshake.
    begun: Vec<u8>,
    /// Ciphertext that the socket has not taken yet, and how much of it has gone.
    unsent: Vec<u8>,
    gone: usize,
    /// How many bytes of the client's output it stands for. They stay in the outbox until it has gone.
    sealed: usize,
    /// The memory that was told last.
    told: usize,
}

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>, users: CertificateUser) -> Result<Session, Error> {
        Ok(Session {
            tls: UnbufferedServerConnection::new(config)?,
            users,
            has_begun: false,
            is_open: false,
            has_failed: false,
            has_ended: false,
            begun: Vec::new(),
            unsent: Vec::new(),
            gone: 0,
            sealed: 0,
            told: 0,
        })
    }

    /// Reads what has come, and decrypts all of it that is whole into `plain`, which is as large as [`WIRE`].
    pub(crate) fn receive(
        &mut self,
        stream: &mut Stream,
        plain: &mut [u8],
        wire: &mut Vec<u8>,
    ) -> Received {
        if self.has_ended {
            return Received::End;
        }
        wire.resize(WIRE, 0);
        let kept = self.begun.len();
        let room = WIRE.min(plain.len()).saturating_sub(kept);
        if room == 0 {
            return self.fail(stream, "a message of its handshake has no end".to_owned());
        }
        let read = match stream.receive(&mut wire[kept..kept + room]) {
            Received::Bytes(arrival) => arrival.read,
            Received::End if self.is_open => return Received::CutOff,
            // A health check of the port alone.
            Received::End if !self.has_begun => return Received::End,
            Received::End => return self.fail(stream, "it left during its handshake".to_owned()),
            other => return other,
        };
        self.has_begun = true;
        wire[..kept].copy_from_slice(&self.begun);
        let was_open = self.is_open;
        match self.decrypt(&mut wire[..kept + read], plain) {
            Ok(bytes) => {
                self.is_open = !self.tls.is_handshaking();
                let has_opened = self.is_open && !was_open;
                let has_drained = read < room;
                Received::Bytes(Arrival { bytes, read, has_drained, has_opened })
            }
            Err(error) => self.fail(stream, described(&error, was_open)),
        }
    }

    /// Decrypts the whole records of `wire` into `plain`, and keeps the rest. Returns how many bytes that gives.
    fn decrypt(&mut self, wire: &mut [u8], plain: &mut [u8]) -> Result<usize, Error> {
        let (mut at, mut filled) = (0, 0);
        let mut failure = None;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.tls.process_tls_records(&mut wire[at..]);
            let mut is_done = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut records)) => {
                    while let Some(record) = records.next_record() {
                        let record = record?;
                        let end = filled + record.payload.len();
                        let into = plain.get_mut(filled..end);
                        let into = into.ok_or_else(|| Error::General("no room".to_owned()))?;
                        into.copy_from_slice(record.payload);
                        filled = end;
                        discard += record.discard;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut self.unsent, |room| data.encode(room).map_err(drop))?;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.has_ended = true,
                Ok(_) => is_done = true,
                Err(error) => failure = failure.or(Some(error)),
            }
            at += discard;
            // After an error rustls may be asked for the alert that tells the peer, and for nothing else.
            if is_done || failure.is_some() && !self.tls.wants_write() {
                break;
            }
        }
        self.begun.clear();
        if at == wire.len() || self.has_ended {
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(&wire[at..]);
        }
        failure.map_or(Ok(filled), Err)
    }

    /// The connection ends with this error. The peer is told as far as the socket takes it.
    fn fail(&mut self, stream: &mut Stream, why: String) -> Received {
        // What the error is, it tells anyway.
        let _ = stream.send(&self.unsent[self.gone..]);
        self.has_failed = true;
        (self.unsent, self.gone, self.begun) = (Vec::new(), 0, Vec::new());
        Received::Refused(why)
    }

    /// Encrypts and writes what the engine has for the client, until nothing is left or the socket is full.
    pub(crate) fn flush(
        &mut self,
        stream: &mut Stream,
        traffic: &mut Traffic<'_>,
        slot: Slot,
        wire: &mut Vec<u8>,
    ) -> Flushed {
        // A socket that was full takes less.
        let most = if self.sealed > 0 { RECORD } else { CHUNK };
        wire.resize(WIRE, 0);
        loop {
            while self.gone < self.unsent.len() {
                match stream.send(&self.unsent[self.gone..]) {
                    Ok(Some(sent)) => self.gone += sent,
                    Ok(None) => return Flushed::Part,
                    Err(error) => return Flushed::Broken(error),
                }
            }
            if !self.unsent.is_empty() {
                (self.unsent, self.gone) = (Vec::new(), 0);
            }
            if self.sealed > 0 {
                traffic.sent(slot, std::mem::take(&mut self.sealed));
            }
            let output = traffic.unsent(slot);
            if output.is_empty() || !self.is_open {
                return Flushed::All;
            }
            let gathered;
            let part = match traffic.is_in_pieces(slot) {
                false => &output[..output.len().min(most)],
                true => {
                    gathered = gather(traffic.unsent_pieces(slot), most);
                    &gathered
                }
            };
            let filled = match self.encrypt(part, wire) {
                Ok(filled) => filled,
                Err(error) => return Flushed::Broken(std::io::Error::other(error)),
            };
            let bytes = part.len();
            match stream.send(&wire[..filled]) {
                Ok(Some(sent)) if sent == filled => traffic.sent(slot, bytes),
                Ok(sent) => {
                    self.unsent.extend_from_slice(&wire[sent.unwrap_or(0)..filled]);
                    self.sealed = bytes;
                }
                Err(error) => return Flushed::Broken(error),
            }
        }
    }

    /// Writes `plain` as records into `wire`. Returns how many bytes they are.
    fn encrypt(&mut self, plain: &[u8], wire: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        loop {
            // What has begun to come is where it was left, for states of rustls may point into it.
            let UnbufferedStatus { discard, state } = self.tls.process_tls_records(&mut self.begun);
            let is_ready = match state? {
                ConnectionState::EncodeTlsData(mut data) => {
                    let encoded = data.encode(&mut wire[filled..]);
                    filled += encoded.map_err(|error| Error::General(error.to_string()))?;
                    false
                }
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    false
                }
                ConnectionState::PeerClosed => false,
                ConnectionState::WriteTraffic(mut traffic) => {
                    let encrypted = traffic.encrypt(plain, &mut wire[filled..]);
                    filled += encrypted.map_err(|error| Error::General(error.to_string()))?;
                    true
                }
                _ => return Err(Error::HandshakeNotComplete),
            };
            self.begun.drain(..discard);
            if is_ready {
                return Ok(filled);
            }
        }
    }

    /// Tells the peer that nothing follows: TLS's close_notify. It cannot stand in the middle of a record.
    pub(crate) fn close(&mut self, stream: &mut Stream) {
        if !self.is_open || self.has_failed || !self.unsent.is_empty() {
            return;
        }
        let mut notice = [0; 256];
        loop {
            let UnbufferedStatus { discard, state } = self.tls.process_tls_records(&mut self.begun);
            let filled = match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    traffic.queue_close_notify(&mut notice).ok()
                }
                Ok(ConnectionState::PeerClosed) => Some(0),
                _ => None,
            };
            self.begun.drain(..discard);
            match filled {
                Some(0) => {}
                Some(filled) => {
                    // The connection is over in any case.
                    let _ = stream.send(&notice[..filled]);
                    return;
                }
                None => return,
            }
        }
    }

    /// Whether there is something to send that is not the client's: a handshake's.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The names in the client's certificate that may be that of its user, in their order.
    pub(crate) fn users(&self) -> Vec<Vec<u8>> {
        let der = self.tls.peer_certificates().and_then(<[_]>::first);
        let Some(certificate) = der.and_then(|der| Certificate::parse(der)) else {
            return Vec::new();
        };
        match self.users {
            CertificateUser::Off => Vec::new(),
            CertificateUser::CommonName => {
                certificate.common_name().map(<[u8]>::to_vec).into_iter().collect()
            }
            CertificateUser::Uri => certificate.uris().map(<[u8]>::to_vec).collect(),
        }
    }

    /// The bytes of memory that the session holds, if they are not what was told last.
    pub(crate) fn grown(&mut self) -> Option<usize> {
        let holds = size_of::<Session>() + KEYS + self.begun.capacity() + self.unsent.capacity();
        let last = std::mem::replace(&mut self.told, holds);
        (last != holds).then_some(holds)
    }
}

/// The first `most` bytes of these pieces.
fn gather<'b>(pieces: impl Iterator<Item = &'b [u8]>, most: usize) -> Vec<u8> {
    let mut gathered = Vec::with_capacity(most);
    for piece in pieces {
        gathered.extend_from_slice(&piece[..piece.len().min(most - gathered.len())]);
        if gathered.len() == most {
            break;
        }
    }
    gathered
}

/// Appends what `write` makes to `unsent`.
fn encode(
    unsent: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, ()>,
) -> Result<(), Error> {
    let before = unsent.len();
    // A record, with all that it adds.
    unsent.resize(before + RECORD + 1024, 0);
    let written = write(&mut unsent[before..]);
    unsent.truncate(before + written.unwrap_or(0));
    written
        .map(drop)
        .map_err(|()| Error::General("a record of the handshake has no end".to_owned()))
}

/// The error in words for an operator.
fn described(error: &Error, was_open: bool) -> String {
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) if !was_open => {
            "it does not speak TLS, and this port does".to_owned()
        }
        _ if was_open => format!("its TLS connection is broken: {error}"),
        _ => format!("its TLS handshake failed: {error}"),
    }
}
