//! Where the configuration has the server listen: what its addresses and ports are, and binding them, at the start and
//! while it runs: CONFIG SET of `bind`, `port` and their kin, and ports beside those of the configuration: STAGE NODE.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use mio::net::TcpListener;
use nix::errno::Errno;

use super::listener::{ListenAddress, ListenSocket, Ports, Wanted, bind_unix, listen};
use super::mailbox::{Letter, MailSender};
use super::standing::Standing;
use crate::config::Config;
use crate::world::NodePorts;

/// How often the addresses are tried anew when port 0 gave one that is taken on the next address.
const TRIES: usize = 16;

/// Binds other addresses when a directive has changed, and has the reactor adopt what it has bound.
pub(crate) struct Binder {
    standing: Standing,
    bound: Vec<ListenAddress>,
    mail: MailSender,
}

impl Binder {
    /// `standing`: where the reactor listens already.
    pub(crate) fn new(standing: Standing, mail: MailSender) -> Binder {
        Binder { bound: standing.addresses(), standing, mail }
    }

    /// Listens where `config` says. If one address cannot be had, everything stays as it is.
    pub(crate) fn rebind(&mut self, config: &Config) -> io::Result<&[ListenAddress]> {
        let wanted = bind_all(config, Ports::configured(config), &mut self.standing)
            .and_then(|wanted| Ok((self.standing.changed(&wanted)?, wanted)));
        // By an error what has been bound so far is closed already, and leaves room for what was there.
        let (standing, wanted) = wanted.inspect_err(|_| self.standing.come_back(config))?;
        self.bound = wanted.iter().map(Wanted::bound).cloned().collect();
        self.mail.send(Letter::Rebind(wanted)).map_err(io::Error::other)?;
        self.standing = standing;
        Ok(&self.bound)
    }
}

/// Binds the ports of nodes, and has the reactor adopt them, or let go of them.
pub(crate) struct NodeBinder {
    mail: MailSender,
}

impl NodeBinder {
    pub(crate) fn new(mail: MailSender) -> NodeBinder {
        NodeBinder { mail }
    }
}

impl NodePorts for NodeBinder {
    fn open(&mut self, config: &Config, port: u16) -> io::Result<SocketAddr> {
        let sockets = bind_node(config, port)?;
        let first = sockets.iter().find_map(|socket| socket.bound().tcp());
        let nowhere = || io::Error::new(io::ErrorKind::InvalidInput, "'bind' has no address");
        let first = first.ok_or_else(nowhere)?;
        self.mail.send(Letter::Open(sockets)).map_err(io::Error::other)?;
        Ok(first)
    }

    fn close(&mut self, port: u16) {
        // The loop reads it in this very turn. When there is no loop any more, there is no listener.
        let _ = self.mail.send(Letter::Close(port));
    }
}

/// Listeners for a node, at every address for clients: 0 is any port that is free.
fn bind_node(config: &Config, port: u16) -> io::Result<Vec<ListenSocket>> {
    let (own, speaks_tls) = config.client_port();
    let ports = Ports { clients: Some(port), tls: Some(port), admin: None };
    let endpoint = match speaks_tls {
        true => Endpoint::tls(config, ports),
        false => Endpoint::clients(config, ports),
    };
    let mut wanted = Vec::new();
    bind_port(endpoint, config, &mut Standing::default(), &mut wanted)?;
    let sockets = wanted.into_iter().filter_map(|wanted| match wanted {
        Wanted::New(socket) if port == own => Some(socket),
        Wanted::New(socket) => Some(socket.of_node()),
        Wanted::Kept(_) => None,
    });
    Ok(sockets.collect())
}

/// Every listener that the configuration asks for: TCP, TLS, admin, unix. Those in `have` are not bound anew, and
/// those of them that are in the way of others have made room.
pub(crate) fn bind_all(
    config: &Config,
    ports: Ports,
    have: &mut Standing,
) -> io::Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    bind_port(Endpoint::clients(config, ports), config, have, &mut wanted)?;
    bind_port(Endpoint::tls(config, ports), config, have, &mut wanted)?;
    bind_port(Endpoint::admin(config, ports), config, have, &mut wanted)?;
    if let Some(path) = &config.unixsocket {
        wanted.push(match have.unix() {
            Some(bound) => Wanted::Kept(bound),
            None => Wanted::New(bind_unix(path, config)?),
        });
    }
    Ok(wanted)
}

/// The addresses to listen on, all on one port if on any.
#[derive(Clone, Copy)]
pub(super) struct Endpoint<'a> {
    pub(super) addresses: &'a [String],
    pub(super) port: Option<u16>,
    pub(super) bound: fn(SocketAddr) -> ListenAddress,
    /// The directives that say so, for errors.
    pub(super) directive: &'static str,
    pub(super) port_directive: &'static str,
    /// [`listen`], but in tests.
    listen: fn(SocketAddr, &Config) -> io::Result<TcpListener>,
}

impl Endpoint<'_> {
    pub(super) fn clients(config: &Config, ports: Ports) -> Endpoint<'_> {
        Endpoint {
            addresses: &config.bind,
            port: ports.clients,
            bound: ListenAddress::Tcp,
            directive: "bind",
            port_directive: "port",
            listen,
        }
    }

    pub(super) fn tls(config: &Config, ports: Ports) -> Endpoint<'_> {
        let (port, bound) = (ports.tls, ListenAddress::Tls as fn(SocketAddr) -> ListenAddress);
        Endpoint { port, bound, port_directive: "tls-port", ..Endpoint::clients(config, ports) }
    }

    pub(super) fn admin(config: &Config, ports: Ports) -> Endpoint<'_> {
        Endpoint {
            addresses: &config.admin_bind,
            port: ports.admin,
            bound: ListenAddress::Admin,
            directive: "admin-bind",
            port_directive: "admin-port",
            listen,
        }
    }

    /// The error of listening at `addr`, with the directives that ask for it.
    fn refused(
        &self,
        text: &str,
        addr: SocketAddr,
        wanted: &[Wanted],
        error: io::Error,
    ) -> io::Error {
        let (directive, port_directive, port) = (self.directive, self.port_directive, addr.port());
        let is_own = error.kind() == io::ErrorKind::AddrInUse
            && wanted.iter().any(|wanted| wanted.bound().overlaps(addr));
        let hint = if is_own { ", by this server: the configuration names it twice" } else { "" };
        io::Error::new(
            error.kind(),
            format!(
                "'{directive} {text}' with '{port_directive} {port}': cannot listen on {addr}: {error}{hint}"
            ),
        )
    }
}

/// Adds the listeners on a port to `wanted`.
fn bind_port(
    endpoint: Endpoint<'_>,
    config: &Config,
    have: &mut Standing,
    wanted: &mut Vec<Wanted>,
) -> io::Result<()> {
    let Some(port) = endpoint.port else {
        return Ok(());
    };
    let before = wanted.len();
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_addresses(endpoint, port, config, have, wanted) {
            // The kernel chose a port that is taken on one of the other addresses.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                wanted.truncate(before);
            }
            bound => return bound,
        }
    }
}

/// Listens on the addresses of an endpoint. One with a `-` in front may be missing from the machine, and
/// any may be of a family that the system does not have: it is left out then, as the reference does.
fn bind_addresses(
    endpoint: Endpoint<'_>,
    mut port: u16,
    config: &Config,
    have: &mut Standing,
    wanted: &mut Vec<Wanted>,
) -> io::Result<()> {
    for text in endpoint.addresses {
        let (host, is_optional) = match text.strip_prefix('-') {
            Some(host) => (host, true),
            None => (text.as_str(), false),
        };
        let addr = SocketAddr::new(find_address(host, endpoint.directive)?, port);
        let bound = (endpoint.bound)(addr);
        if have.has(&bound) {
            wanted.push(Wanted::Kept(bound));
            continue;
        }
        let listening = || {
            (endpoint.listen)(addr, config).and_then(|socket| {
                let addr = socket.local_addr()?;
                Ok((socket, addr))
            })
        };
        let listening = match listening() {
            Err(error) if is_taken(&error) && have.make_room(addr, wanted) => listening(),
            first => first,
        };
        // The error is asked what it means before it is given a text: that takes its number away.
        match listening {
            Ok((socket, addr)) => {
                // Port 0 chooses once; the other addresses follow.
                port = addr.port();
                let bound = (endpoint.bound)(addr);
                wanted.push(Wanted::New(ListenSocket::new(socket, bound)));
            }
            Err(error) if is_optional && is_address_missing(&error) => {
                log::info!("'{} {text}' is not on this machine: {error}", endpoint.directive);
            }
            Err(error) if is_family_missing(&error) => {
                log::warn!("'{} {text}' is left out: {error}", endpoint.directive);
            }
            Err(error) => return Err(endpoint.refused(text, addr, wanted, error)),
        }
    }
    Ok(())
}

/// The values of `bind` and `admin-bind`: an address, `*` and `::*` for all of IPv4 and all of IPv6, or a name, which is
/// looked up, and may have to be waited for. Of its addresses one of IPv4 counts more, as in the reference.
pub(super) fn find_address(text: &str, directive: &str) -> io::Result<IpAddr> {
    let wrong =
        |kind, what: String| io::Error::new(kind, format!("'{directive}': '{text}' {what}"));
    match text {
        "*" => return Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        "::*" => return Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        "localhost" => return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => {}
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if !is_name(text) {
        let what = "is neither an IP address nor the name of a machine".to_owned();
        return Err(wrong(io::ErrorKind::InvalidInput, what));
    }
    let found = (text, 0).to_socket_addrs().map_err(|error| {
        wrong(error.kind(), format!("has no address that can be found: {error}"))
    })?;
    let nothing = || wrong(io::ErrorKind::NotFound, "has no address".to_owned());
    found.map(|found| found.ip()).min_by_key(IpAddr::is_ipv6).ok_or_else(nothing)
}

/// Returns whether a machine may be called so: what is no such name need not be looked up.
fn is_name(text: &str) -> bool {
    let labels = || text.strip_suffix('.').unwrap_or(text).split('.');
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    labels().all(is_label) && !labels().next_back().is_some_and(is_number)
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

/// Returns whether no interface of the machine has the address.
pub(super) fn is_address_missing(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EADDRNOTAVAIL as i32)
}

/// Returns whether the system does not have the family of the address: IPv6 that is not built in, say.
pub(super) fn is_family_missing(error: &io::Error) -> bool {
    [
        Errno::EAFNOSUPPORT,
        Errno::EPFNOSUPPORT,
        Errno::EPROTONOSUPPORT,
        Errno::ESOCKTNOSUPPORT,
        Errno::ENOPROTOOPT,
    ]
    .iter()
    .any(|&errno| error.raw_os_error() == Some(errno as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Ports = Ports { clients: Some(0), tls: None, admin: None };

    /// The texts of what is bound for `bind`, when listening on IPv6 fails with `errno`.
    fn bound_without_ipv6(bind: &[&str], errno: Errno) -> io::Result<usize> {
        let bind = bind.iter().map(|&text| text.to_owned()).collect();
        let config = Config { bind, ..Config::default() };
        let listen: fn(SocketAddr, &Config) -> io::Result<TcpListener> = match errno {
            Errno::EADDRNOTAVAIL => |addr, config| only_ipv4(addr, config, Errno::EADDRNOTAVAIL),
            Errno::EAFNOSUPPORT => |addr, config| only_ipv4(addr, config, Errno::EAFNOSUPPORT),
            _ => |addr, config| only_ipv4(addr, config, Errno::EACCES),
        };
        let mut wanted = Vec::new();
        let endpoint = Endpoint { listen, ..Endpoint::clients(&config, ANY) };
        bind_port(endpoint, &config, &mut Standing::default(), &mut wanted)?;
        Ok(wanted.len())
    }

    fn only_ipv4(addr: SocketAddr, config: &Config, errno: Errno) -> io::Result<TcpListener> {
        if addr.is_ipv4() { listen(addr, config) } else { Err(errno.into()) }
    }

    #[test]
    fn a_machine_without_ipv6_is_listened_on_at_its_other_addresses() {
        let default = Config::default().bind;
        let default: Vec<&str> = default.iter().map(String::as_str).collect();
        // An interface without IPv6, and a system without it.
        for errno in [Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT] {
            assert_eq!(bound_without_ipv6(&default, errno).unwrap(), 1, "{errno}");
        }
        assert_eq!(bound_without_ipv6(&["127.0.0.1", "::1"], Errno::EAFNOSUPPORT).unwrap(), 1);
        assert_eq!(bound_without_ipv6(&["-::1"], Errno::EADDRNOTAVAIL).unwrap(), 0);
    }

    #[test]
    fn an_address_that_was_not_optional_or_is_there_stops_the_start() {
        for (bind, errno) in [("::1", Errno::EADDRNOTAVAIL), ("-::1", Errno::EACCES)] {
            let error = bound_without_ipv6(&["127.0.0.1", bind], errno).unwrap_err().to_string();
            let start = format!("'bind {bind}' with 'port ");
            assert!(
                error.starts_with(&start) && error.contains("cannot listen on [::1]:"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_error_says_which_addresses_are_the_same() {
        let bind = vec!["127.0.0.1".to_owned(), "127.0.0.1".to_owned()];
        let config = Config { bind, ..Config::default() };
        let error = bind_all(&config, ANY, &mut Standing::default()).unwrap_err().to_string();
        assert!(error.contains("Address already in use"), "{error}");
        assert!(error.ends_with("by this server: the configuration names it twice"), "{error}");
    }
}
