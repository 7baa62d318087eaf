//! Passing bytes between clients and a server, one thread and one poll for all of them.
//!
//! A pair is a client and the connection to the server that it gets. Each direction reads only when all that it has read
//! was written, so a slow reader holds the other end back as it would without a proxy. What is read is told to the tape
//! before it is passed on: who has a reply finds it in the file. An end passes through as an end, and a reset as a reset.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream, UnixStream};
use mio::{Events, Interest, Poll, Token, Waker};
use respd::internals::conversation::Recorder;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use socket2::SockRef;

use super::tape::Tape;

const LISTENER: Token = Token(0);
const SIGNALS: Token = Token(1);
const WAKER: Token = Token(2);
/// The tokens of the first pair: its client's, and behind it its server's.
const FIRST: usize = 4;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// Reads and writes of a direction before other pairs have their turn.
const ROUNDS: usize = 16;

/// A proxy that listens.
pub struct Relay {
    poll: Poll,
    listener: TcpListener,
    addr: SocketAddr,
    upstream: SocketAddr,
    /// Signals put a byte into it.
    signals: UnixStream,
    waker: Arc<Waker>,
    pairs: BTreeMap<u64, Pair>,
    /// The number of the next pair.
    next: u64,
}

struct Pair {
    client: TcpStream,
    server: TcpStream,
    up: Flow,
    down: Flow,
}

/// One direction of a pair.
#[derive(Default)]
struct Flow {
    buffer: Vec<u8>,
    /// How much of the buffer was written.
    written: usize,
    /// The end was read.
    has_ended: bool,
    /// The end was passed on.
    is_over: bool,
}

/// Where a direction has come.
enum Passed {
    /// It waits for a socket, or is over.
    AllThereIs,
    /// There may be more: others have their turn.
    Some,
    /// The socket that is read from is broken.
    BrokenFrom(io::Error),
    /// The socket that is written to is.
    BrokenTo(io::Error),
}

/// What is read, told to the tape; no bytes are the end.
type Tell<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

impl Relay {
    /// Listens on the loopback interface and waits for the signals that end the process.
    pub fn listen(port: u16, upstream: SocketAddr) -> io::Result<Relay> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let addr = listener.local_addr()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (mut signals, write) = UnixStream::pair()?;
        poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        let write = std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(write));
        pipe::register(SIGTERM, write.try_clone()?)?;
        pipe::register(SIGINT, write)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (pairs, next) = (BTreeMap::new(), 0);
        Ok(Relay { poll, listener, addr, upstream, signals, waker, pairs, next })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What ends [`run`](Relay::run).
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Passes bytes until it is to end. The error is one of the tape's, or of the poll's.
    pub fn run(&mut self, tape: &mut Tape) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        // Pairs that may have more.
        let mut again: Vec<u64> = Vec::new();
        loop {
            let timeout = (!again.is_empty()).then_some(Duration::ZERO);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            let mut due = std::mem::take(&mut again);
            let mut has_clients = false;
            for event in &events {
                match event.token() {
                    WAKER => return Ok(()),
                    SIGNALS if self.was_signalled() => return Ok(()),
                    SIGNALS => {}
                    LISTENER => has_clients = true,
                    Token(token) => due.push((token - FIRST) as u64 / 2),
                }
            }
            due.sort_unstable();
            due.dedup();
            for id in due {
                let Some(pair) = self.pairs.get_mut(&id) else { continue };
                match pair.pass(id, tape)? {
                    State::Waits => {}
                    State::HasMore => again.push(id),
                    State::Over => {
                        self.pairs.remove(&id);
                        tape.write(|recorder| recorder.forget(id))?;
                        // There may be a client that no file descriptor was free for.
                        has_clients = true;
                    }
                }
            }
            if has_clients {
                again.extend(self.accept(tape)?);
            }
        }
    }

    fn was_signalled(&mut self) -> bool {
        matches!(self.signals.read(&mut [0; 16]), Ok(1..))
    }

    /// Accepts every client that waits, and returns their numbers.
    fn accept(&mut self, tape: &mut Tape) -> io::Result<Vec<u64>> {
        let mut accepted = Vec::new();
        loop {
            let client = match self.listener.accept() {
                Ok((client, _)) => client,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // No file descriptor is free, or the client has gone; the next one is another event.
                Err(_) => return Ok(accepted),
            };
            let id = self.next;
            // A client that cannot be served is let go.
            if let Ok((pair, addr)) = self.pair(client, id) {
                self.next += 1;
                self.pairs.insert(id, pair);
                tape.write(|recorder| recorder.connected(id, addr.as_deref()))?;
                accepted.push(id);
            }
        }
    }

    /// A client's pair, and its address as the server sees it.
    fn pair(&self, mut client: TcpStream, id: u64) -> io::Result<(Pair, Option<String>)> {
        let mut server = TcpStream::connect(self.upstream)?;
        let addr = server.local_addr().ok().map(|addr| addr.to_string());
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let token = FIRST + 2 * id as usize;
        self.poll.registry().register(&mut client, Token(token), both)?;
        self.poll.registry().register(&mut server, Token(token + 1), both)?;
        Ok((Pair { client, server, up: Flow::default(), down: Flow::default() }, addr))
    }
}

/// What a pair needs next.
enum State {
    Waits,
    HasMore,
    Over,
}

impl Pair {
    /// Passes on what there is in both directions.
    fn pass(&mut self, id: u64, tape: &mut Tape) -> io::Result<State> {
        let mut tell = |bytes: &[u8]| {
            tape.write(|recorder| match bytes {
                [] => recorder.finished(id),
                bytes => recorder.received(id, bytes),
            })
        };
        let up = self.up.pass(&mut self.client, &mut self.server, &mut tell)?;
        let mut tell = |bytes: &[u8]| {
            tape.write(|recorder| match bytes {
                [] => recorder.closed(id),
                bytes => recorder.sent(id, bytes),
            })
        };
        let down = self.down.pass(&mut self.server, &mut self.client, &mut tell)?;
        match (up, down) {
            (Passed::BrokenFrom(_), _) | (_, Passed::BrokenTo(_)) => {
                tape.write(|recorder| recorder.gone(id))?;
                reset(&self.server);
                Ok(State::Over)
            }
            // The last words of a server that takes nothing more still reach the client.
            (Passed::BrokenTo(error), _) | (_, Passed::BrokenFrom(error))
                if !self.down.has_ended =>
            {
                let reason = format!("the connection to the server ends: {error}");
                tape.write(|recorder: &mut Recorder| recorder.abandon(id, &reason))?;
                reset(&self.client);
                Ok(State::Over)
            }
            (Passed::BrokenTo(_), _) if self.down.is_over => Ok(State::Over),
            _ if self.up.is_over && self.down.is_over => Ok(State::Over),
            (Passed::Some, _) | (_, Passed::Some) => Ok(State::HasMore),
            _ => Ok(State::Waits),
        }
    }
}

/// The other end is told as this one was: not by an end, but by a reset.
fn reset(stream: &TcpStream) {
    SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
}

impl Flow {
    /// Passes on what there is. The error is the teller's.
    fn pass(
        &mut self,
        from: &mut TcpStream,
        to: &mut TcpStream,
        tell: &mut Tell<'_>,
    ) -> io::Result<Passed> {
        for _ in 0..ROUNDS {
            if self.written < self.buffer.len() {
                match to.write(&self.buffer[self.written..]) {
                    Ok(n) => self.written += n,
                    Err(error) if waits(&error) => return Ok(Passed::AllThereIs),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Ok(Passed::BrokenTo(error)),
                }
                continue;
            }
            if self.has_ended {
                // What is not connected yet is shut down when it is; an end that has gone needs none.
                let shut =
                    self.is_over || !to.shutdown(Shutdown::Write).is_err_and(|error| waits(&error));
                self.is_over = shut;
                return Ok(Passed::AllThereIs);
            }
            // All of it was written.
            self.buffer.resize(CHUNK, 0);
            self.written = CHUNK;
            match from.read(&mut self.buffer) {
                Ok(n) => {
                    self.buffer.truncate(n);
                    self.written = 0;
                    self.has_ended = n == 0;
                    tell(&self.buffer)?;
                }
                Err(error) if waits(&error) => {
                    // Clients that are idle cost no buffer.
                    (self.buffer, self.written) = (Vec::new(), 0);
                    return Ok(Passed::AllThereIs);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Ok(Passed::BrokenFrom(error)),
            }
        }
        Ok(Passed::Some)
    }
}

/// Returns whether an event comes when it can go on. A connection that is still made is not connected.
fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
