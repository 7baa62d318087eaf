//! What a hook of an embedder sees of a request, and of a client that has gone.

use std::any::Any;
use std::fmt;

use super::ClientView;
use crate::dispatch::{Row, keys};
use crate::session::{Departure, Slot};
use crate::wire::Args;
use crate::world::World;

/// A command that is about to run: see [`Builder::hook`](super::Builder::hook).
pub struct Request<'a> {
    pub(super) world: &'a World,
    pub(super) slot: Slot,
    pub(super) row: &'a Row,
    pub(super) args: Args<'a>,
}

impl<'a> Request<'a> {
    /// The name of the command in small letters, with that of the subcommand: `get`, `config|get`.
    pub fn name(&self) -> &'a str {
        &self.row.full_name
    }

    /// The words of the request. The name, as the client has written it, is argument 0.
    pub fn args(&self) -> Args<'a> {
        self.args
    }

    /// The client that has sent it.
    pub fn client(&self) -> ClientView<'a> {
        ClientView::new(self.world, self.slot)
    }

    /// The keys that the command names, in the order of its arguments. There are none where the command has none, or
    /// where its arguments are not what they have to be.
    pub fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let args = self.args;
        let keys = keys::of(&self.row.spec, args).unwrap_or_default();
        keys.into_iter().filter_map(move |key| args.get(key.index))
    }
}

impl fmt::Debug for Request<'_> {
    /// Without its arguments: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("name", &self.name())
            .field("client", &self.client())
            .finish_non_exhaustive()
    }
}

/// A client that has gone: see [`Builder::on_disconnect`](super::Builder::on_disconnect).
pub struct Gone<'a> {
    pub(super) world: &'a mut World,
    pub(super) slot: Slot,
}

impl Gone<'_> {
    /// The client, as it was at the end.
    pub fn client(&self) -> ClientView<'_> {
        ClientView::new(self.world, self.slot)
    }

    /// Why the connection has ended, in the words of the log: `closed by the peer`, `CLIENT KILL`.
    pub fn reason(&self) -> String {
        let departure = self.world.clients[self.slot].departure;
        departure.unwrap_or(Departure::Peer).to_string()
    }

    /// Takes out what [`Ctx::local`](super::Ctx::local) has kept of this type with the connection, if it was ever asked
    /// for. What is not taken out is dropped.
    pub fn local<T: Any + Send>(&mut self) -> Option<T> {
        self.world.clients[self.slot].locals.as_mut()?.take()
    }
}

impl fmt::Debug for Gone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gone")
            .field("client", &self.client())
            .field("reason", &self.reason())
            .finish()
    }
}
