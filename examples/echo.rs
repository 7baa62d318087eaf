//! The floor: what a server on mio costs before it understands a single byte.
//!
//! One thread accepts, reads into one shared buffer and writes the same bytes back. A turn makes the
//! system calls that no server on mio can do without (`epoll_wait`, `read`, `write`) and no others,
//! on sockets with the options that respd gives to its own. So the CPU time of this program is the
//! part of a server's cost that belongs to the kernel; `scripts/bench` measures respd against it.
//!
//! It knows nothing of RESP and need not: a request is an array of bulk strings, which sent back is
//! a well-formed reply. Prints `ready pid=… tcp=127.0.0.1:PORT` once it listens, on a free port.

use std::io::ErrorKind::WouldBlock;
use std::io::{self, Read, Write};
use std::time::Duration;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;
use socket2::{SockRef, TcpKeepalive};

/// A connection's token is its slot in the slab, which never gets this far.
const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    let mut listener = listen()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let address = listener.local_addr()?;
    println!("ready pid={} tcp={address}", std::process::id());

    let mut connections = Slab::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut events = Events::with_capacity(1024);
    loop {
        if poll.poll(&mut events, None).is_err() {
            continue; // A signal interrupted the wait.
        }
        for event in &events {
            let slot = event.token().0;
            if event.token() == LISTENER {
                accept(&listener, &mut connections, &registry);
            } else if let Some(connection) = connections.get_mut(slot) {
                // If the slot has changed hands since the event arose, the read finds nothing.
                if connection.serve(event, &mut buffer, &registry).is_err() {
                    connections.remove(slot);
                }
            }
        }
    }
}

/// Sets the options on the listener, from which accepted sockets inherit them on Linux.
fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    let options = SockRef::from(&listener);
    options.set_tcp_nodelay(true)?;
    options.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(300)))?;
    Ok(listener)
}

/// Accepts the connections that wait. An error ends the batch, as having accepted all does.
fn accept(listener: &TcpListener, connections: &mut Slab<Connection>, registry: &Registry) {
    while let Ok((mut stream, _)) = listener.accept() {
        let slot = connections.vacant_entry();
        let token = Token(slot.key());
        let registered = registry.register(&mut stream, token, Interest::READABLE);
        if registered.is_ok() {
            let unsent = Vec::new();
            slot.insert(Connection { stream, unsent });
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// What the socket had no room for; while there is something in it, nothing more is read.
    unsent: Vec<u8>,
}

impl Connection {
    /// Sends back what has arrived. An error means that the connection is over, as does its end.
    fn serve(&mut self, event: &Event, buffer: &mut [u8], registry: &Registry) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let sent = send(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if !self.unsent.is_empty() {
                return Ok(());
            }
            self.unsent = Vec::new();
            registry.reregister(&mut self.stream, event.token(), Interest::READABLE)?;
        }
        loop {
            let arrived = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == WouldBlock => return Ok(()),
                read => read?,
            };
            let sent = send(&mut self.stream, &buffer[..arrived])?;
            if sent < arrived {
                self.unsent = buffer[sent..arrived].to_vec();
                let both = Interest::READABLE | Interest::WRITABLE;
                return registry.reregister(&mut self.stream, event.token(), both);
            }
            // A short read has drained the socket, and what comes later is an event of its own;
            // only an end of stream that this event announced will not be announced again.
            if arrived < buffer.len() && !event.is_read_closed() {
                return Ok(());
            }
        }
    }
}

/// Says how many bytes went. A socket that has no room takes none, which is no error.
fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == WouldBlock => Ok(0),
        written => written,
    }
}
