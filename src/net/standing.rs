//! The listeners that a server has, as far as others may need their place.
//!
//! A listener on an address leaves no room for one on every address of the same port, nor the other way round: it
//! has to stop before the new one can be had. It is the reactor's, and may be wanted again if the new one cannot be had
//! after all. So it is not closed but shut down, by a second descriptor of the same socket: then it keeps its address
//! and leaves it to others, and listens again when it is told to.

use std::io;
use std::net::{Shutdown, SocketAddr};

use socket2::Socket;

use super::listener::{self, ListenAddress, ListenSocket, Wanted};
use crate::config::Config;

/// Where the reactor listens.
#[derive(Debug, Default)]
pub(crate) struct Standing(Vec<Listener>);

#[derive(Debug)]
struct Listener {
    address: ListenAddress,
    /// Another descriptor of its socket, if it is one of TCP.
    socket: Option<Socket>,
    /// It has made room for another one.
    is_away: bool,
}

impl Standing {
    pub(super) fn of(listeners: &[ListenSocket]) -> io::Result<Standing> {
        let mut standing = Standing::default();
        for listener in listeners {
            standing.add(listener.bound().clone(), listener.another_descriptor()?);
        }
        Ok(standing)
    }

    fn add(&mut self, address: ListenAddress, socket: Option<Socket>) {
        self.0.push(Listener { address, socket, is_away: false });
    }

    pub(super) fn addresses(&self) -> Vec<ListenAddress> {
        self.0.iter().map(|listener| listener.address.clone()).collect()
    }

    /// Returns whether there is one that listens at this address, and for the same kind of clients.
    pub(super) fn has(&self, address: &ListenAddress) -> bool {
        self.0.iter().any(|listener| !listener.is_away && listener.address == *address)
    }

    /// The unix socket, if there is one: no other takes its place while the server runs.
    pub(super) fn unix(&self) -> Option<ListenAddress> {
        let is_unix = |address: &ListenAddress| matches!(address, ListenAddress::Unix(_));
        self.addresses().into_iter().find(is_unix)
    }

    /// Listeners that leave no room at `addr` make it, but for those that are wanted. Returns whether there are any.
    pub(super) fn make_room(&mut self, addr: SocketAddr, wanted: &[Wanted]) -> bool {
        let mut has_room = false;
        for listener in &mut self.0 {
            let is_in_the_way = !listener.is_away && listener.address.overlaps(addr);
            let is_wanted = wanted.iter().any(|wanted| *wanted.bound() == listener.address);
            if is_in_the_way
                && !is_wanted
                && let Some(socket) = &listener.socket
                && socket.shutdown(Shutdown::Both).is_ok()
            {
                listener.is_away = true;
                has_room = true;
            }
        }
        has_room
    }

    /// All that have made room listen again.
    pub(super) fn come_back(&mut self, config: &Config) {
        for listener in self.0.iter_mut().filter(|listener| listener.is_away) {
            let again =
                listener.socket.as_ref().map(|socket| socket.listen(listener::backlog(config)));
            if let Some(Err(error)) = again {
                log::error!("cannot listen on {} again: {error}", listener.address);
            }
            listener.is_away = false;
        }
    }

    /// What there is when the reactor has adopted `wanted`.
    pub(super) fn changed(&self, wanted: &[Wanted]) -> io::Result<Standing> {
        let mut changed = Standing::default();
        for wanted in wanted {
            let socket = match wanted {
                Wanted::New(listener) => listener.another_descriptor()?,
                Wanted::Kept(address) => {
                    let kept = self.0.iter().find(|listener| listener.address == *address);
                    kept.and_then(|listener| listener.socket.as_ref())
                        .map(Socket::try_clone)
                        .transpose()?
                }
            };
            changed.add(wanted.bound().clone(), socket);
        }
        Ok(changed)
    }
}
