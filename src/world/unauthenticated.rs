//! Places for newcomers, and the time that they have to log in: see [`crate::session::unauthenticated`].

use super::World;
use crate::access::UserId;
use crate::config::RESERVED_PLACES;
use crate::error::{self, Error};
use crate::peer::{Kind, Peer};
use crate::session::Departure;
use crate::session::Slot;
use crate::session::client::Doom;
use crate::telemetry::peer_log::Cause;

impl World {
    /// Finds a place for one more client from there. The error is what it is told if there is none.
    pub(crate) fn admit(&mut self, peer: &Peer) -> Result<(), Error> {
        let (kind, most) = (peer.kind, self.config.maxclients as usize);
        let is_open = !self.access.is_login_required();
        if is_open && self.config.protected_mode && !peer.addr.is_near() {
            return Err(error::PROTECTED);
        }
        let has_room = self.clients.has_room(kind, most, RESERVED_PLACES, 0);
        let has_quota = self.clients.unauthenticated(kind) < self.most_unauthenticated(kind);
        if has_room && (is_open || has_quota) {
            return Ok(());
        }
        match self.clients.first_unauthenticated(kind) {
            Some((_, slot))
                if self.clients.has_room(kind, most, RESERVED_PLACES, 1) && !is_open =>
            {
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

    /// How many newcomers through one kind of port a turn may take, so that none of them takes the place of
    /// another before what that one has sent was read.
    pub(crate) fn most_newcomers(&self, kind: Kind) -> usize {
        if self.access.is_login_required() { self.most_unauthenticated(kind) } else { usize::MAX }
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

    /// When the first unauthenticated client has had all its time, in µs of [`crate::clock::Now::mono`].
    pub(crate) fn next_auth_deadline(&self) -> Option<u64> {
        let timeout = u64::from(self.config.auth_timeout) * 1_000_000;
        let is_limited = timeout > 0 && self.access.is_login_required();
        let (since, _) = self.first_unauthenticated().filter(|_| is_limited)?;
        Some(since + timeout)
    }

    /// Closes unauthenticated clients that have had all their time.
    pub(crate) fn close_unauthenticated(&mut self) {
        while self.next_auth_deadline().is_some_and(|due| due <= self.now.mono)
            && let Some((_, slot)) = self.first_unauthenticated()
        {
            let client = &self.clients[slot];
            let (id, addr) = (client.id, &client.peer.addr);
            let line = format_args!("client {id} at {addr} did not log in in time");
            self.peer_log.log(Cause::LoginTimeout, self.now.mono, line);
            self.clients.doom(slot, Doom::Now, Departure::LoginTimeout);
        }
    }

    /// The client that has been unauthenticated for longest, and since when.
    fn first_unauthenticated(&self) -> Option<(u64, Slot)> {
        let first = |kind| self.clients.first_unauthenticated(kind);
        first(Kind::Tcp).into_iter().chain(first(Kind::Admin)).min()
    }
}
