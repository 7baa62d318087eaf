//! Who connects, and where: the ends of a connection and the listener that it came through.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Which listener a client came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Unix,
    /// The administration port.
    Admin,
    /// No socket: a client in the server's own process.
    Local,
}

impl Kind {
    /// Whether the client may take one of the places that are kept for operators. The unix socket is one
    /// more port for clients: applications are given it, too.
    pub fn has_reserved_place(self) -> bool {
        self == Kind::Admin
    }

    /// Whether commands for operators always run for the client.
    pub fn is_for_operators(self) -> bool {
        matches!(self, Kind::Admin | Kind::Local)
    }
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    /// The path of the unix socket; peers have no address of their own and show the same.
    Unix(Arc<str>),
    Local,
}

impl Address {
    /// Returns whether only this machine can be there.
    pub fn is_near(&self) -> bool {
        match self {
            Address::Tcp(addr) => addr.ip().to_canonical().is_loopback(),
            Address::Unix(_) | Address::Local => true,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(addr) => write!(f, "{addr}"),
            Address::Unix(path) => write!(f, "{path}:0"),
            Address::Local => f.write_str("local:0"),
        }
    }
}

/// Who connects, and where: what `net` knows of a newcomer.
#[derive(Debug, Clone)]
pub struct Peer {
    pub kind: Kind,
    pub addr: Address,
    pub laddr: Address,
    /// The number of the socket, for CLIENT LIST. -1 if there is none.
    pub fd: i32,
    /// Something comes before its first request: a TLS handshake.
    pub is_opening: bool,
}

impl Peer {
    /// A client without a socket.
    pub fn local() -> Peer {
        Peer {
            kind: Kind::Local,
            addr: Address::Local,
            laddr: Address::Local,
            fd: -1,
            is_opening: false,
        }
    }
}
