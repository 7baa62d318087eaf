//! What an embedder sees of a client.

use std::fmt;
use std::net::SocketAddr;

use crate::peer::Address;
use crate::session::{Client, Slot};
use crate::wire::Protocol;
use crate::world::World;

/// A client as it is at this moment: [`Ctx::client`](super::Ctx::client).
#[derive(Clone, Copy)]
pub struct ClientView<'a> {
    client: &'a Client,
    user: &'a [u8],
}

impl<'a> ClientView<'a> {
    /// The client in a slot that has one.
    pub(crate) fn new(world: &'a World, slot: Slot) -> ClientView<'a> {
        let client = &world.clients[slot];
        ClientView { client, user: &world.access.user(client.user).name }
    }

    /// The number of the connection, as in CLIENT LIST: no other has it for as long as the server runs. 0 is a call of a
    /// [`Handle`](super::Handle).
    pub fn id(&self) -> u64 {
        self.client.id
    }

    /// The name that CLIENT SETNAME gave to the connection; empty: none.
    pub fn name(&self) -> &'a [u8] {
        &self.client.name
    }

    /// The name of the ACL user whose rules hold: `default` before a login, empty for a call of a handle, which may do
    /// everything.
    pub fn user(&self) -> &'a [u8] {
        self.user
    }

    /// The number of the database that is selected.
    pub fn db(&self) -> usize {
        self.client.db
    }

    /// The version of RESP in which replies are written.
    pub fn protocol(&self) -> Protocol {
        self.client.protocol
    }

    /// Where the client is, as a proxy in front of it told if that is trusted. `None`: on a unix socket, or in the server's
    /// own process.
    pub fn addr(&self) -> Option<SocketAddr> {
        match self.client.peer.addr {
            Address::Tcp(addr) => Some(addr),
            Address::Unix(_) | Address::Local => None,
        }
    }
}

impl fmt::Debug for ClientView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientView")
            .field("id", &self.id())
            .field("name", &String::from_utf8_lossy(self.name()))
            .field("user", &String::from_utf8_lossy(self.user()))
            .field("db", &self.db())
            .field("protocol", &self.protocol())
            .field("addr", &self.addr())
            .finish()
    }
}
