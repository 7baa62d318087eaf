//! A server behind TCP, for the player.

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::play::{Absence, Side};
use crate::wire::Replies;

/// Connections to one address.
pub struct Tcp {
    addr: SocketAddr,
    /// How long a reply is waited for.
    patience: Duration,
    clients: BTreeMap<String, Socket>,
    advance: Box<dyn FnMut(Duration)>,
    /// What ends when the conversation does: a server of its own, a folder.
    _kept: Vec<Box<dyn Any>>,
}

impl Tcp {
    /// Connects to `addr` whenever the conversation says so, and waits so long for each reply.
    pub fn new(addr: SocketAddr, patience: Duration) -> Tcp {
        let (clients, advance) = (BTreeMap::new(), Box::new(thread::sleep));
        Tcp { addr, patience, clients, advance, _kept: Vec::new() }
    }

    /// Time passes by `advance`, and not by waiting.
    pub fn with_time(mut self, advance: impl FnMut(Duration) + 'static) -> Tcp {
        self.advance = Box::new(advance);
        self
    }

    /// Keeps something until the conversation is over; what is given first goes first.
    pub fn keeping(mut self, kept: impl Any) -> Tcp {
        self._kept.push(Box::new(kept));
        self
    }

    fn read(&mut self, name: &str, patience: Duration) -> Result<Vec<u8>, Absence> {
        match self.clients.get_mut(name) {
            Some(client) => client.frame(patience),
            None => Err(Absence::Closed(Vec::new())),
        }
    }
}

impl Side for Tcp {
    fn connect(&mut self, name: &str) -> Result<bool, String> {
        let is_new = !self.clients.contains_key(name);
        if is_new {
            self.clients.insert(name.to_owned(), Socket::connect(self.addr, self.patience)?);
        }
        Ok(is_new)
    }

    fn addr(&mut self, name: &str) -> String {
        let addr = self.clients.get(name).and_then(|client| client.stream.local_addr().ok());
        addr.map_or_else(String::new, |addr| addr.to_string())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) {
        if let Some(client) = self.clients.get_mut(name) {
            // A server that has closed says so when it is read.
            client.stream.write_all(bytes).ok();
        }
    }

    fn frame(&mut self, name: &str) -> Result<Vec<u8>, Absence> {
        self.read(name, self.patience)
    }

    fn late_frame(&mut self, name: &str, patience: Duration) -> Result<Vec<u8>, Absence> {
        self.read(name, patience)
    }

    /// A server that lets a second client go has served everything that came before the first.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..2 {
            let mut witness = Socket::connect(self.addr, self.patience)?;
            witness.stream.shutdown(Shutdown::Write).ok();
            let until = Instant::now() + self.patience;
            while witness.fill(until) {}
            if !witness.is_over {
                return Err(
                    "the server does not close a connection whose client sends nothing more"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }

    fn finish(&mut self, name: &str) {
        if let Some(client) = self.clients.get(name) {
            client.stream.shutdown(Shutdown::Write).ok();
        }
    }

    fn close(&mut self, name: &str) {
        self.clients.remove(name);
    }

    fn is_closed(&mut self, name: &str) -> bool {
        let Some(mut client) = self.clients.remove(name) else { return true };
        client.frame(self.patience) == Err(Absence::Closed(Vec::new()))
    }

    fn advance(&mut self, time: Duration) {
        (self.advance)(time);
    }

    fn unread(&mut self) -> Vec<(String, Vec<u8>)> {
        if !self.clients.is_empty() {
            // What is unread is told all the same.
            self.settle().ok();
        }
        let mut found = Vec::new();
        for (name, mut client) in std::mem::take(&mut self.clients) {
            while client.fill(Instant::now() + Duration::from_millis(1)) {}
            let bytes = client.arrived.take_all();
            if !bytes.is_empty() {
                found.push((name, bytes));
            }
        }
        found
    }
}

/// A connection, and what has arrived on it.
struct Socket {
    stream: TcpStream,
    arrived: Replies,
    /// The server has closed.
    is_over: bool,
}

impl Socket {
    fn connect(addr: SocketAddr, patience: Duration) -> Result<Socket, String> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&addr, patience)?;
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(patience))?;
            Ok(stream)
        };
        let stream = connect()
            .map_err(|error: std::io::Error| format!("cannot connect to {addr}: {error}"))?;
        Ok(Socket { stream, arrived: Replies::default(), is_over: false })
    }

    fn frame(&mut self, patience: Duration) -> Result<Vec<u8>, Absence> {
        let until = Instant::now() + patience;
        loop {
            match self.arrived.next_frame() {
                Ok(Some((_, frame))) => return Ok(frame.to_vec()),
                Ok(None) => {}
                Err(reason) => {
                    return Err(Absence::Malformed { bytes: self.arrived.take_all(), reason });
                }
            }
            if !self.fill(until) {
                let bytes = self.arrived.as_slice().to_vec();
                return Err(match self.is_over {
                    true => Absence::Closed(bytes),
                    false => Absence::Late(bytes),
                });
            }
        }
    }

    /// Returns whether anything arrived.
    fn fill(&mut self, until: Instant) -> bool {
        let mut buffer = [0; 64 * 1024];
        while !self.is_over {
            // A timeout of zero would be none at all.
            let left =
                until.saturating_duration_since(Instant::now()).max(Duration::from_micros(1));
            if self.stream.set_read_timeout(Some(left)).is_err() {
                self.is_over = true;
                break;
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => self.is_over = true,
                Ok(n) => {
                    self.arrived.push(&buffer[..n]);
                    return true;
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return false,
                    _ => self.is_over = true,
                },
            }
        }
        false
    }
}
