//! Strangers: clients that have yet to log in; who may connect at all, and through which port operators do.
//!
//! Anybody who reaches a port can be a stranger, so strangers get little: small requests (see
//! [`crate::resp::Limits`]), small buffers, a share of the places, and not much time. A client is one
//! until it logs in, and again after RESET. Where nobody has to log in there are none.

use super::access::UserId;
use super::client::Peer;
use super::clients::RESERVED_PLACES;
use super::{Slot, World};
use crate::error::{self, Error};

/// The bytes that a stranger may have sent that have not run.
pub const MAX_QUERY: usize = 1 << 20;

/// The bytes of replies that are written for a stranger before it has to read.
pub const MAX_REPLIES: usize = 64 * 1024;

impl World {
    /// Whether one more client from there may stay. The error is what it is told.
    pub fn welcomes(&self, peer: &Peer) -> Result<(), Error> {
        let most = self.config.maxclients as usize;
        let is_open = !self.access.is_login_required();
        if is_open && self.config.protected_mode && !peer.addr.is_near() {
            return Err(error::PROTECTED);
        }
        if !self.clients.has_room(peer.kind, most, RESERVED_PLACES) {
            return Err(error::MAX_CLIENTS);
        }
        let is_full = self.clients.strangers() >= self.most_strangers();
        if !is_open && is_full && !peer.kind.has_reserved_place() {
            return Err(error::MAX_STRANGERS);
        }
        Ok(())
    }

    /// Whether commands for operators run on the port that the client came through.
    pub fn serves_operators(&self, slot: Slot) -> bool {
        let is_kept = self.config.admin_commands_on_admin_port;
        !is_kept || self.clients[slot].peer.kind.is_for_operators()
    }

    /// `maxclients-unauthenticated`, or what it stands for.
    fn most_strangers(&self) -> usize {
        match self.config.maxclients_unauthenticated {
            0 => (self.config.maxclients / 4).max(1) as usize,
            most => most as usize,
        }
    }

    /// Whether the client has yet to log in.
    #[inline]
    pub fn is_stranger(&self, slot: Slot) -> bool {
        !self.clients[slot].is_authenticated() && self.access.is_login_required()
    }

    /// The client is this user from now on.
    pub fn log_in(&mut self, slot: Slot, user: UserId) {
        self.clients[slot].user = user;
        self.clients.set_stranger_since(slot, None);
    }

    /// The client is the default user from now on, and has to log in if that needs a password. Who never
    /// has gets no more time for it.
    pub fn log_out(&mut self, slot: Slot) {
        let since = match self.clients[slot].stranger_since {
            _ if !self.access.is_login_required() => None,
            None => Some(self.now.mono),
            since => since,
        };
        self.clients[slot].user = UserId::DEFAULT;
        self.clients.set_stranger_since(slot, since);
    }

    /// When the first stranger has had all its time, in µs of [`super::Now::mono`].
    pub fn next_stranger_due(&self) -> Option<u64> {
        let timeout = u64::from(self.config.auth_timeout) * 1_000_000;
        let is_limited = timeout > 0 && self.access.is_login_required();
        Some(self.clients.first_stranger_since().filter(|_| is_limited)? + timeout)
    }

    /// Closes strangers who have had all their time.
    pub fn close_strangers(&mut self) {
        while self.next_stranger_due().is_some_and(|due| due <= self.now.mono)
            && let Some(slot) = self.clients.close_first_stranger()
        {
            let client = &self.clients[slot];
            log::debug!("client {} at {} did not log in in time", client.id, client.peer.addr);
        }
    }
}
