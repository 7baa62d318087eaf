//! Places for newcomers, and the time that they have to log in: see [`crate::session::unauthenticated`].

use std::net::SocketAddr;

use super::World;
use crate::access::UserId;
use crate::config::RESERVED_PLACES;
use crate::error::{self, Error};
use crate::peer::{Address, Kind, Peer, Proxy};
use crate::session::Departure;
use crate::session::Slot;
use crate::session::client::Doom;
use crate::telemetry::peer_log::Cause;

impl World {
    // ANCHOR: admit
    /// Finds a place for one more client from there. The error is what it is told if there is none.
    pub(crate) fn admit(&mut self, peer: &Peer) -> Result<(), Error> {
        let (kind, most) = (peer.kind, self.config.maxclients as usize);
        let is_open = !self.access.is_login_required();
        self.protect_from(peer)?;
        let has_room = self.clients.has_room(kind, most, RESERVED_PLACES, 0);
        let is_there_at_once = is_open && !peer.is_opening;
        if has_room && (is_there_at_once || self.newcomers(kind) < self.most_unauthenticated(kind))
        {
            return Ok(());
        }
        match self.first_newcomer(kind) {
            Some((_, slot)) if self.clients.has_room(kind, most, RESERVED_PLACES, 1) => {
                let client = &self.clients[slot];
                let (id, addr) = (client.id, &client.peer.addr);
                let line = format_args!("client {id} at {addr} makes room for a newcomer");
                self.peer_log.log(Cause::Replaced, self.now.mono, line);
                self.clients.doom(slot, Doom::Now, Departure::Replaced);
                Ok(())
            }
            _ => Err(error::MAX_CLIENTS),
        }
    }
    // ANCHOR_END: admit

    /// Protected mode: as long as there is no password, clients of other machines may not connect.
    fn protect_from(&self, peer: &Peer) -> Result<(), Error> {
        let is_open = !self.access.is_login_required();
        match is_open && self.config.protected_mode && !peer.is_near() {
            true => Err(error::PROTECTED),
            false => Ok(()),
        }
    }

    /// Where proxies connect from, the newcomer has to say first for whom it does.
    pub(crate) fn expect_header(&self, peer: &mut Peer) {
        if self.config.proxy_protocol_from.has(&peer.addr) {
            peer.proxy = Proxy::Awaited;
            peer.is_opening = true;
        }
    }

    /// The proxy in this slot has said for whom it connects: a client's address, and where that connected to, or for
    /// none but itself. The error is what the client is told if it must not connect from there.
    pub(crate) fn introduce(
        &mut self,
        slot: Slot,
        ends: Option<(SocketAddr, SocketAddr)>,
    ) -> Result<(), Error> {
        let peer = &mut self.clients[slot].peer;
        peer.proxy = Proxy::None;
        if let Some((client, server)) = ends {
            let proxy = std::mem::replace(&mut peer.addr, Address::Tcp(client));
            peer.laddr = Address::Tcp(server);
            peer.proxy = Proxy::At(Box::new(proxy));
        }
        self.protect_from(&self.clients[slot].peer)
    }

    /// How many newcomers through one kind of port a turn may take, so that none of them takes the place of
    /// another before what that one has sent was read.
    pub(crate) fn most_newcomers(&self, kind: Kind, are_opening: bool) -> usize {
        let are_opening = are_opening || !self.config.proxy_protocol_from.is_empty();
        match self.access.is_login_required() || are_opening {
            true => self.most_unauthenticated(kind),
            false => usize::MAX,
        }
    }

    /// How many clients of this kind have yet to log in, or where none has to, are opening their connections.
    fn newcomers(&self, kind: Kind) -> usize {
        match self.access.is_login_required() {
            true => self.clients.unauthenticated(kind),
            false => self.clients.opening(kind),
        }
    }

    /// Of these the one that has been for longest, and since when.
    fn first_newcomer(&self, kind: Kind) -> Option<(u64, Slot)> {
        match self.access.is_login_required() {
            true => self.clients.first_unauthenticated(kind),
            false => self.clients.first_opening(kind),
        }
    }

    /// Returns whether commands for operators run on the port that the client came through.
    pub(crate) fn serves_operators(&self, slot: Slot) -> bool {
        let is_kept = self.config.admin_commands_on_admin_port;
        !is_kept || self.clients[slot].peer.kind.is_for_operators()
    }

    /// How many clients of this kind may be unauthenticated: half of the reserved places on the
    /// administration port, and `maxclients-unauthenticated`, or what it stands for, everywhere else.
    fn most_unauthenticated(&self, kind: Kind) -> usize {
        match self.config.maxclients_unauthenticated {
            _ if kind.has_reserved_place() => RESERVED_PLACES / 2,
            0 => (self.config.maxclients / 4).max(1) as usize,
            most => most as usize,
        }
    }

    /// Returns whether the client has yet to log in.
    #[inline]
    pub(crate) fn is_unauthenticated(&self, slot: Slot) -> bool {
        !self.clients[slot].is_authenticated() && self.access.is_login_required()
    }

    /// The client is this user from now on.
    pub(crate) fn log_in(&mut self, slot: Slot, user: UserId) {
        self.clients[slot].user = user;
        self.clients.set_unauthenticated_since(slot, None);
    }

    /// The client is the default user from now on, and has to log in if that needs a password. A client
    /// that never has gets no more time for it.
    pub(crate) fn log_out(&mut self, slot: Slot) {
        let since = match self.clients[slot].unauthenticated_since {
            _ if !self.access.is_login_required() => None,
            None => Some(self.now.mono),
            since => since,
        };
        self.clients[slot].user = UserId::DEFAULT;
        self.clients.set_unauthenticated_since(slot, since);
    }

    /// When the first client that has yet to log in, or to open its connection, has had all its time, in µs of
    /// [`crate::clock::Now::mono`].
    pub(crate) fn next_auth_deadline(&self) -> Option<u64> {
        let timeout = u64::from(self.config.auth_timeout) * 1_000_000;
        let (since, _) = self.first_late().filter(|_| timeout > 0)?;
        Some(since + timeout)
    }

    /// Closes clients that have had all their time.
    pub(crate) fn close_unauthenticated(&mut self) {
        while self.next_auth_deadline().is_some_and(|due| due <= self.now.mono)
            && let Some((_, slot)) = self.first_late()
        {
            let client = &self.clients[slot];
            let (id, addr) = (client.id, &client.peer.addr);
            let (cause, what) = match client.opening_since {
                Some(_) if client.peer.proxy == Proxy::Awaited => {
                    (Cause::Proxy, "send its PROXY header")
                }
                Some(_) => (Cause::LoginTimeout, "finish its TLS handshake"),
                None => (Cause::LoginTimeout, "log in"),
            };
            let line = format_args!("client {id} at {addr} did not {what} in time");
            self.peer_log.log(cause, self.now.mono, line);
            self.clients.doom(slot, Doom::Now, Departure::LoginTimeout);
        }
    }

    /// The client whose time ends first, and since when it runs.
    fn first_late(&self) -> Option<(u64, Slot)> {
        let kinds = [Kind::Tcp, Kind::Admin];
        let opening = kinds.into_iter().filter_map(|kind| self.clients.first_opening(kind));
        let waits = self.access.is_login_required();
        let unauthenticated = kinds.into_iter().filter(|_| waits);
        let unauthenticated =
            unauthenticated.filter_map(|kind| self.clients.first_unauthenticated(kind));
        opening.chain(unauthenticated).min()
    }
}
