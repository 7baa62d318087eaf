//! Listeners, and newcomers: where the reactor listens, how many it accepts at once, and what they begin with.

use std::io;

use mio::{Registry, Token};

use super::Reactor;
use super::connection::Connection;
use super::listener::{self, ListenAddress, ListenSocket, Wanted};
use super::stream::Stream;
use super::tls::{Acceptor, Session};
use crate::clock::Now;
use crate::engine::Traffic;
use crate::peer::Peer;
use crate::session::Slot;
use crate::stage::shape::End;
use crate::telemetry::peer_log::Cause;

/// How many newcomers of one listener are accepted in a turn.
const ACCEPT_BUDGET: usize = 256;

/// How long accepting pauses when the process has no file descriptor left, unless one is freed earlier.
const ACCEPT_PAUSE: u64 = 100_000;

impl Reactor {
    /// Listens on `wanted`, and on nothing else any more but the ports of nodes.
    pub(super) fn adopt(&mut self, wanted: Vec<Wanted>) -> io::Result<()> {
        let mut old = std::mem::take(&mut self.listeners);
        let mut old_tokens = std::mem::take(&mut self.listener_tokens);
        while let Some(at) = old.iter().position(ListenSocket::is_node) {
            self.listeners.push(old.swap_remove(at));
            self.listener_tokens.push(old_tokens.swap_remove(at));
        }
        for wanted in wanted {
            let (listener, token) = match wanted {
                Wanted::New(listener) => {
                    self.listen(listener)?;
                    continue;
                }
                Wanted::Kept(bound) => {
                    let Some(at) = old.iter().position(|listener| *listener.bound() == bound)
                    else {
                        continue;
                    };
                    (old.swap_remove(at), old_tokens.swap_remove(at))
                }
            };
            self.listeners.push(listener);
            self.listener_tokens.push(token);
        }
        Ok(())
    }

    /// Listens on one more socket.
    pub(super) fn listen(&mut self, mut listener: ListenSocket) -> io::Result<()> {
        let token = self.next_listener;
        self.next_listener += 1;
        listener.register(self.poll.registry(), Token(token))?;
        self.listeners.push(listener);
        self.listener_tokens.push(token);
        Ok(())
    }

    /// Listens on the port no more.
    pub(super) fn stop_listening(&mut self, port: u16) {
        let is_there = |listener: &ListenSocket| matches!(listener.bound(), ListenAddress::Tcp(addr) | ListenAddress::Tls(addr) if addr.port() == port);
        while let Some(at) = self.listeners.iter().position(is_there) {
            self.listeners.swap_remove(at).close();
            self.listener_tokens.swap_remove(at);
        }
    }

    fn accept(&mut self, traffic: &mut Traffic<'_>, index: usize, now: Now) {
        if self.accept_at.is_some() {
            return;
        }
        // Listeners of one kind share the places for newcomers.
        let share = self.listeners.len();
        let listener = &mut self.listeners[index];
        let speaks_tls = match listener.bound() {
            ListenAddress::Tls(_) => true,
            ListenAddress::Admin(_) => self.acceptor.as_ref().is_some_and(Acceptor::serves_admin),
            ListenAddress::Tcp(_) | ListenAddress::Unix(_) => false,
        };
        let acceptor = self.acceptor.as_ref().filter(|_| speaks_tls);
        if speaks_tls && acceptor.is_none() {
            // The letter that brings it has yet to be read.
            return;
        }
        let most = traffic.most_newcomers(listener.bound().kind(), speaks_tls) / share;
        for _ in 0..ACCEPT_BUDGET.min(most.max(1)) {
            match listener.accept(speaks_tls) {
                Ok(Some((stream, peer))) => {
                    let stays = turn_out(traffic, stream, peer, &mut self.buffer);
                    let Some((stream, peer, hangs)) = stays else {
                        continue;
                    };
                    match traffic.connect(peer) {
                        Ok(slot) => {
                            if hangs {
                                traffic.hang(slot);
                            }
                            let acceptor = acceptor.filter(|_| !hangs);
                            let registry = self.poll.registry();
                            let mut connection =
                                match open(traffic, slot, stream, acceptor, registry) {
                                    Ok(connection) => connection,
                                    Err(error) => {
                                        let line =
                                            format_args!("cannot wait for a newcomer: {error}");
                                        traffic.log_peer(Cause::Accept, line);
                                        traffic.disconnect(slot);
                                        continue;
                                    }
                                };
                            if let Some(bytes) = connection.tls().and_then(Session::grown) {
                                traffic.set_transport(slot, bytes);
                            }
                            if self.connections.len() <= slot {
                                self.connections.resize_with(slot + 1, || None);
                            }
                            self.connections[slot] = Some(connection);
                        }
                        Err(farewell) => {
                            // A client that speaks TLS would not understand it.
                            let farewell = if speaks_tls { &[] } else { &farewell[..] };
                            let connection = Connection::new(stream, None);
                            let heard = connection.dismiss(farewell, &mut self.buffer);
                            if let Err(error) = heard {
                                let line = format_args!(
                                    "cannot tell a newcomer why it cannot stay: {error}"
                                );
                                traffic.log_peer(Cause::Connection, line);
                            }
                        }
                    }
                }
                Ok(None) => return,
                Err(error) if listener::is_out_of_descriptors(&error) => {
                    let line = format_args!("accepting pauses: {error}");
                    traffic.log_peer(Cause::Accept, line);
                    self.accept_at = Some(now.mono + ACCEPT_PAUSE);
                    return;
                }
                // That newcomer is gone; the next one may be fine.
                Err(error) => {
                    traffic.log_peer(Cause::Connection, format_args!("accepting failed: {error}"));
                }
            }
        }
        listener.come_back();
    }

    /// Accepts where newcomers were told of, or where the last turn stopped: for its budget, or for want of
    /// descriptors.
    pub(super) fn accept_newcomers(&mut self, traffic: &mut Traffic<'_>, now: Now) {
        if let Some(due) = self.accept_at {
            if due > now.mono {
                return;
            }
            self.accept_at = None;
            self.listeners.iter_mut().for_each(ListenSocket::come_back);
        }
        for index in 0..self.listeners.len() {
            if self.listeners[index].take_more() {
                self.accept(traffic, index, now);
            }
        }
    }
}

/// The connection of a newcomer that has a place.
fn open(
    traffic: &mut Traffic<'_>,
    slot: Slot,
    stream: Stream,
    acceptor: Option<&Acceptor>,
    registry: &Registry,
) -> io::Result<Connection> {
    let mut connection = Connection::new(stream, acceptor.map(Acceptor::accept).transpose()?);
    if traffic.expects_header(slot) {
        connection.expect_header();
    }
    connection.register(registry, Token(slot))?;
    Ok(connection)
}

/// Ends the connection of a newcomer before its first byte, if a test has staged that. Of one that stays says whether it is
/// never answered.
fn turn_out(
    traffic: &mut Traffic<'_>,
    stream: Stream,
    peer: Peer,
    scratch: &mut [u8],
) -> Option<(Stream, Peer, bool)> {
    match traffic.fate_of(&peer) {
        None => return Some((stream, peer, false)),
        Some(End::Hang) => return Some((stream, peer, true)),
        Some(End::Reset) => Connection::new(stream, None).reset(),
        Some(End::Close) => Connection::new(stream, None).close(true, scratch),
    }
    None
}
