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

/// What a proxy has to do with a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Nothing, or it connects for itself.
    #[default]
    None,
    /// It has yet to say for whom it connects: see `proxy-protocol-from`.
    Awaited,
    /// It connects for the peer, and is itself at this address.
    At(Box<Address>),
}

/// Who connects, and where: what `net` knows of a newcomer.
#[derive(Debug, Clone)]
pub struct Peer {
    pub kind: Kind,
    pub addr: Address,
    pub laddr: Address,
    /// Where a proxy connects for it, both addresses are those that it has told.
    pub proxy: Proxy,
    /// The number of the socket, for CLIENT LIST. -1 if there is none.
    pub fd: i32,
    /// Something comes before its first request: a proxy's header, a TLS handshake.
    pub is_opening: bool,
}

impl Peer {
    /// A client without a socket.
    pub fn local() -> Peer {
        Peer {
            kind: Kind::Local,
            addr: Address::Local,
            laddr: Address::Local,
            proxy: Proxy::None,
            fd: -1,
            is_opening: false,
        }
    }

    /// Returns whether it can only be on this machine. What a proxy elsewhere says to be near is near to that.
    pub fn is_near(&self) -> bool {
        let is_proxy_near = match &self.proxy {
            Proxy::At(addr) => addr.is_near(),
            Proxy::None | Proxy::Awaited => true,
        };
        is_proxy_near && self.addr.is_near()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_elsewhere_calls_near_is_not_near_here() {
        let at = |ip: &str| Address::Tcp(format!("{ip}:1").parse().unwrap());
        let through = |ip| Proxy::At(Box::new(at(ip)));
        for (addr, proxy, is_near) in [
            ("127.0.0.1", Proxy::None, true),
            ("127.0.0.1", Proxy::Awaited, true),
            ("192.0.2.7", Proxy::None, false),
            ("192.0.2.7", through("127.0.0.1"), false),
            ("127.0.0.1", through("192.0.2.7"), false),
            ("[::1]", through("[::ffff:127.0.0.1]"), true),
            ("127.0.0.1", Proxy::At(Box::new(Address::Unix("/run/proxy".into()))), true),
        ] {
            let peer = Peer { addr: at(addr), proxy: proxy.clone(), ..Peer::local() };
            assert_eq!(peer.is_near(), is_near, "{addr} {proxy:?}");
        }
    }
}
