//! Listening sockets: binding, and accepting one client at a time.
//!
//! Options that every client's socket needs (TCP_NODELAY, keepalive) are set on the listener: accepted
//! sockets inherit them, which saves a handful of system calls for each newcomer.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::standing::Standing;
use super::stream::Stream;
use crate::config::Config;
use crate::peer::{Address, Kind, Peer, Proxy};
use crate::telemetry::process;

/// How often the addresses are tried anew when port 0 gave one that is taken on the next address.
const TRIES: usize = 16;

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    Tcp(SocketAddr),
    /// For clients that speak TLS.
    Tls(SocketAddr),
    Admin(SocketAddr),
    Unix(PathBuf),
}

impl ListenAddress {
    /// `tcp`, `tls`, `admin` or `unix`.
    pub fn name(&self) -> &'static str {
        match self {
            ListenAddress::Tcp(_) => "tcp",
            ListenAddress::Tls(_) => "tls",
            ListenAddress::Admin(_) => "admin",
            ListenAddress::Unix(_) => "unix",
        }
    }

    /// What clients are that come through it.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            ListenAddress::Tcp(_) | ListenAddress::Tls(_) => Kind::Tcp,
            ListenAddress::Admin(_) => Kind::Admin,
            ListenAddress::Unix(_) => Kind::Unix,
        }
    }

    /// The address, if it is one of TCP.
    fn tcp(&self) -> Option<SocketAddr> {
        match *self {
            ListenAddress::Tcp(addr) | ListenAddress::Tls(addr) | ListenAddress::Admin(addr) => {
                Some(addr)
            }
            ListenAddress::Unix(_) => None,
        }
    }

    /// The address without its port, or the path.
    pub(crate) fn host(&self) -> String {
        match (self, self.tcp()) {
            (ListenAddress::Unix(path), _) => path.display().to_string(),
            (_, addr) => addr.map(|addr| addr.ip().to_string()).unwrap_or_default(),
        }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.tcp().map(|addr| addr.port())
    }

    /// Returns whether listening here leaves no room for listening at `addr`.
    pub(super) fn overlaps(&self, addr: SocketAddr) -> bool {
        let Some(own) = self.tcp() else {
            return false;
        };
        let is_everywhere = own.ip().is_unspecified() || addr.ip().is_unspecified();
        own.port() == addr.port()
            && (own.ip() == addr.ip() || own.is_ipv4() == addr.is_ipv4() && is_everywhere)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(addr) | ListenAddress::Tls(addr) | ListenAddress::Admin(addr) => {
                write!(f, "{addr}")
            }
            ListenAddress::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[derive(Debug)]
enum Socketed {
    Tcp(TcpListener),
    /// With the path as a text, and the file that binding made there.
    Unix(UnixListener, Arc<str>, Option<FileId>),
}

/// What tells a file from another that is put in its place: its device and its inode. The inode of a unix
/// socket is not used again while the socket is open.
type FileId = (u64, u64);

fn file_at(path: &Path) -> Option<FileId> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// A listening socket.
#[derive(Debug)]
pub(crate) struct ListenSocket {
    socket: Socketed,
    bound: ListenAddress,
    /// There may be newcomers of whom no event will tell.
    more: bool,
}

impl ListenSocket {
    pub(crate) fn bound(&self) -> &ListenAddress {
        &self.bound
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Socketed::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            Socketed::Unix(listener, ..) => registry.register(listener, token, Interest::READABLE),
        }
    }

    /// Another descriptor of its socket, if it is one of TCP.
    pub(super) fn another_descriptor(&self) -> io::Result<Option<Socket>> {
        match &self.socket {
            Socketed::Tcp(listener) => SockRef::from(listener).try_clone().map(Some),
            Socketed::Unix(..) => Ok(None),
        }
    }

    /// Newcomers get the options that `config` has now.
    pub(crate) fn retune(&self, config: &Config) {
        if let Socketed::Tcp(listener) = &self.socket
            && let Err(error) = set_keepalive(SockRef::from(listener), config.tcp_keepalive)
        {
            log::warn!("cannot set keepalive on {}: {error}", self.bound);
        }
    }

    /// The next newcomer, or `None` if there is none.
    ///
    /// `is_opening`: something comes before its first request.
    pub(crate) fn accept(&mut self, is_opening: bool) -> io::Result<Option<(Stream, Peer)>> {
        let accepted = match &self.socket {
            Socketed::Tcp(listener) => {
                listener.accept().map(|(stream, addr)| self.tcp(stream, addr, is_opening))
            }
            Socketed::Unix(listener, path, _) => listener.accept().map(|(stream, _)| {
                let addr = Address::Unix(path.clone());
                let fd = stream.as_raw_fd();
                let (kind, laddr, proxy) = (Kind::Unix, addr.clone(), Proxy::None);
                let peer = Peer { kind, addr, laddr, proxy, fd, is_opening };
                (Stream::Unix(stream), peer)
            }),
        };
        match accepted {
            Ok(newcomer) => Ok(Some(newcomer)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tcp(&self, stream: TcpStream, addr: SocketAddr, is_opening: bool) -> (Stream, Peer) {
        let (kind, local) = (self.bound.kind(), self.bound.tcp().unwrap_or(addr));
        // Only a listener on every address has to ask which one was meant.
        let local =
            if local.ip().is_unspecified() { stream.local_addr().unwrap_or(local) } else { local };
        let fd = stream.as_raw_fd();
        let (addr, laddr) = (Address::Tcp(addr), Address::Tcp(local));
        let peer = Peer { kind, addr, laddr, proxy: Proxy::None, fd, is_opening };
        (Stream::Tcp(stream), peer)
    }

    /// Accepting stopped early: try again although no event tells.
    pub(crate) fn come_back(&mut self) {
        self.more = true;
    }

    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    pub(crate) fn take_more(&mut self) -> bool {
        std::mem::take(&mut self.more)
    }
}

impl Drop for ListenSocket {
    /// A unix socket's file goes with it. What another server has put in its place stays.
    fn drop(&mut self) {
        if let (ListenAddress::Unix(path), Socketed::Unix(_, _, made)) = (&self.bound, &self.socket)
            && file_at(path) == *made
            && made.is_some()
            && let Err(error) = fs::remove_file(path)
        {
            log::warn!("cannot remove {}: {error}", path.display());
        }
    }
}

/// Returns whether the process, or the whole system, has no file descriptor left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM]
        .iter()
        .any(|&errno| error.raw_os_error() == Some(errno as i32))
}

/// The TCP ports to listen on. `None`: do not; 0: any that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub clients: Option<u16>,
    /// For clients that speak TLS.
    pub tls: Option<u16>,
    pub admin: Option<u16>,
}

impl Ports {
    /// As the configuration has them: there, 0 turns a listener off.
    pub fn configured(config: &Config) -> Ports {
        let unless_off = |port| (port != 0).then_some(port);
        Ports {
            clients: unless_off(config.port),
            tls: unless_off(config.tls.port),
            admin: unless_off(config.admin_port),
        }
    }
}

/// One of the listeners that are wanted.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// It is there already.
    Kept(ListenAddress),
    New(ListenSocket),
}

impl Wanted {
    pub(crate) fn bound(&self) -> &ListenAddress {
        match self {
            Wanted::Kept(bound) => bound,
            Wanted::New(listener) => &listener.bound,
        }
    }
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
                let socket = Socketed::Tcp(socket);
                wanted.push(Wanted::New(ListenSocket { socket, bound, more: false }));
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
    let mut found: Vec<IpAddr> = found.map(|found| found.ip()).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    let nothing = || wrong(io::ErrorKind::NotFound, "has no address".to_owned());
    found.first().copied().ok_or_else(nothing)
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

fn listen(addr: SocketAddr, config: &Config) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    set_keepalive(SockRef::from(&socket), config.tcp_keepalive)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog(config))?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Probes a silent peer after so many seconds, then three times in as many again, as the reference
/// does. 0: never.
fn set_keepalive(socket: SockRef<'_>, seconds: u32) -> io::Result<()> {
    if seconds == 0 {
        return socket.set_keepalive(false);
    }
    let times = TcpKeepalive::new()
        .with_time(Duration::from_secs(seconds.into()))
        .with_interval(Duration::from_secs((seconds / 3).max(1).into()))
        .with_retries(3);
    socket.set_tcp_keepalive(&times)
}

pub(super) fn backlog(config: &Config) -> i32 {
    i32::try_from(config.tcp_backlog).unwrap_or(i32::MAX)
}

/// Bind, chmod, listen, in this order: no client can connect before the permissions are set.
fn bind_unix(path: &Path, config: &Config) -> io::Result<ListenSocket> {
    let told = |what: &str, error: io::Error| {
        let text = format!("'unixsocket {}': cannot {what}: {error}", path.display());
        io::Error::new(error.kind(), text)
    };
    let (name, path) = (Arc::from(path.to_string_lossy()), &*config.locate(path));
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket {
        // Left by a server that was killed. Any other kind of file makes bind fail.
        fs::remove_file(path).map_err(|error| told("remove the old socket", error))?;
    }
    let listening = |error| told("listen there", error);
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(listening)?;
    socket.set_nonblocking(true).map_err(listening)?;
    SockAddr::unix(path).and_then(|addr| socket.bind(&addr)).map_err(listening)?;
    // From here on dropping the listener removes the file.
    let socket = UnixListener::from_std(socket.into());
    let bound = ListenAddress::Unix(path.to_owned());
    let socket = Socketed::Unix(socket, name, file_at(path));
    let listener = ListenSocket { socket, bound, more: false };
    if let Some(mode) = config.unixsocketperm {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| {
            told(&format!("give it the mode {mode:o} of 'unixsocketperm'"), error)
        })?;
    }
    if let Socketed::Unix(socket, ..) = &listener.socket {
        SockRef::from(socket).listen(backlog(config)).map_err(listening)?;
    }
    Ok(listener)
}

/// As INFO's `listener` lines show them.
pub(super) fn described(bound: &[ListenAddress]) -> Vec<process::Listener> {
    bound
        .iter()
        .map(|bound| process::Listener {
            name: bound.name(),
            bind: bound.host(),
            port: bound.port(),
        })
        .collect()
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
