//! Listening sockets: binding, and accepting one client at a time.
//!
//! Options that every client's socket needs (TCP_NODELAY, keepalive) are set on the listener: accepted
//! sockets inherit them, which saves a handful of system calls for each newcomer.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::connection::Stream;
use crate::world::{Address, Config, Kind, Peer};

/// How often the addresses are tried anew when port 0 gave one that is taken on the next address.
const TRIES: usize = 16;

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    Tcp(SocketAddr),
    Admin(SocketAddr),
    Unix(PathBuf),
}

impl Bound {
    /// `tcp`, `admin` or `unix`.
    pub fn name(&self) -> &'static str {
        match self {
            Bound::Tcp(_) => "tcp",
            Bound::Admin(_) => "admin",
            Bound::Unix(_) => "unix",
        }
    }

    /// What clients are that come through it.
    pub fn kind(&self) -> Kind {
        match self {
            Bound::Tcp(_) => Kind::Tcp,
            Bound::Admin(_) => Kind::Admin,
            Bound::Unix(_) => Kind::Unix,
        }
    }

    /// The address without its port, or the path.
    pub fn host(&self) -> String {
        match self {
            Bound::Tcp(addr) | Bound::Admin(addr) => addr.ip().to_string(),
            Bound::Unix(path) => path.display().to_string(),
        }
    }

    pub fn port(&self) -> Option<u16> {
        match self {
            Bound::Tcp(addr) | Bound::Admin(addr) => Some(addr.port()),
            Bound::Unix(_) => None,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Tcp(addr) | Bound::Admin(addr) => write!(f, "{addr}"),
            Bound::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[derive(Debug)]
enum Socketed {
    Tcp(TcpListener),
    Unix(UnixListener, Arc<str>),
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: Socketed,
    bound: Bound,
    /// There may be newcomers of whom no event will tell.
    more: bool,
}

impl Listener {
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Socketed::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            Socketed::Unix(listener, _) => registry.register(listener, token, Interest::READABLE),
        }
    }

    /// Newcomers get the options that `config` has now.
    pub fn retune(&self, config: &Config) {
        if let Socketed::Tcp(listener) = &self.socket
            && let Err(error) = set_keepalive(SockRef::from(listener), config.tcp_keepalive)
        {
            log::warn!("cannot set keepalive on {}: {error}", self.bound);
        }
    }

    /// The next newcomer, or `None` if nobody waits.
    pub fn accept(&mut self) -> io::Result<Option<(Stream, Peer)>> {
        let accepted = match &self.socket {
            Socketed::Tcp(listener) => {
                listener.accept().map(|(stream, addr)| self.tcp(stream, addr))
            }
            Socketed::Unix(listener, path) => listener.accept().map(|(stream, _)| {
                let addr = Address::Unix(path.clone());
                let fd = stream.as_raw_fd();
                let peer = Peer { kind: Kind::Unix, laddr: addr.clone(), addr, fd };
                (Stream::Unix(stream), peer)
            }),
        };
        match accepted {
            Ok(newcomer) => Ok(Some(newcomer)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tcp(&self, stream: TcpStream, addr: SocketAddr) -> (Stream, Peer) {
        let (kind, local) = match self.bound {
            Bound::Admin(local) => (Kind::Admin, local),
            Bound::Tcp(local) => (Kind::Tcp, local),
            Bound::Unix(_) => (Kind::Tcp, addr),
        };
        // Only who listens everywhere has to ask which address was meant.
        let local =
            if local.ip().is_unspecified() { stream.local_addr().unwrap_or(local) } else { local };
        let fd = stream.as_raw_fd();
        let peer = Peer { kind, addr: Address::Tcp(addr), laddr: Address::Tcp(local), fd };
        (Stream::Tcp(stream), peer)
    }

    /// Accepting stopped early: try again although no event tells.
    pub fn come_back(&mut self) {
        self.more = true;
    }

    pub fn has_more(&self) -> bool {
        self.more
    }

    pub fn take_more(&mut self) -> bool {
        std::mem::take(&mut self.more)
    }
}

impl Drop for Listener {
    /// A unix socket's file goes with it.
    fn drop(&mut self) {
        if let Bound::Unix(path) = &self.bound
            && let Err(error) = fs::remove_file(path)
        {
            log::warn!("cannot remove {}: {error}", path.display());
        }
    }
}

/// Whether the process, or the whole system, has no file descriptor left.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    use nix::errno::Errno;
    [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM]
        .iter()
        .any(|&errno| error.raw_os_error() == Some(errno as i32))
}

/// The TCP ports to listen on. `None`: do not; 0: any that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub clients: Option<u16>,
    pub admin: Option<u16>,
}

impl Ports {
    /// As the configuration has them: there, 0 turns a listener off.
    pub fn configured(config: &Config) -> Ports {
        let unless_off = |port| (port != 0).then_some(port);
        Ports { clients: unless_off(config.port), admin: unless_off(config.admin_port) }
    }
}

/// One of the listeners that are wanted.
#[derive(Debug)]
pub enum Wanted {
    /// It is there already.
    Kept(Bound),
    New(Listener),
}

/// Every listener that the configuration asks for: TCP, admin, unix. Those in `have` are not bound anew.
pub fn bind_all(config: &Config, ports: Ports, have: &[Bound]) -> io::Result<Vec<Wanted>> {
    let clients = Endpoint { addresses: &config.bind, port: ports.clients, bound: Bound::Tcp };
    let admin = Endpoint { addresses: &config.admin_bind, port: ports.admin, bound: Bound::Admin };
    let mut wanted = bind_port(clients, config, have)?;
    wanted.extend(bind_port(admin, config, have)?);
    if let Some(path) = &config.unixsocket {
        let bound = Bound::Unix(path.clone());
        wanted.push(match have.contains(&bound) {
            true => Wanted::Kept(bound),
            false => Wanted::New(bind_unix(path, config)?),
        });
    }
    Ok(wanted)
}

/// The addresses to listen on, all on one port if on any.
#[derive(Clone, Copy)]
struct Endpoint<'a> {
    addresses: &'a [String],
    port: Option<u16>,
    bound: fn(SocketAddr) -> Bound,
}

/// The listeners on a port.
fn bind_port(endpoint: Endpoint<'_>, config: &Config, have: &[Bound]) -> io::Result<Vec<Wanted>> {
    let Some(port) = endpoint.port else {
        return Ok(Vec::new());
    };
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_addresses(endpoint, port, config, have) {
            // The kernel chose a port that is taken on one of the other addresses.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            bound => return bound,
        }
    }
}

fn bind_addresses(
    endpoint: Endpoint<'_>,
    mut port: u16,
    config: &Config,
    have: &[Bound],
) -> io::Result<Vec<Wanted>> {
    let mut listeners = Vec::new();
    for wanted in endpoint.addresses {
        let (text, optional) = match wanted.strip_prefix('-') {
            Some(text) => (text, true),
            None => (wanted.as_str(), false),
        };
        let addr = SocketAddr::new(parse_address(text)?, port);
        match bind_tcp(addr, endpoint.bound, config, have) {
            Ok(listener) => {
                if let Wanted::New(listener) = &listener {
                    // Port 0 chooses once; the other addresses follow.
                    port = listener.bound.port().unwrap_or(port);
                }
                listeners.push(listener);
            }
            Err(error) if optional && is_address_missing(&error) => {
                log::info!("{text} is not on this machine: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

fn bind_tcp(
    addr: SocketAddr,
    kind: fn(SocketAddr) -> Bound,
    config: &Config,
    have: &[Bound],
) -> io::Result<Wanted> {
    if have.contains(&kind(addr)) {
        return Ok(Wanted::Kept(kind(addr)));
    }
    let listener = listen(addr, config).map_err(|error| naming(&addr, error))?;
    let bound = kind(listener.local_addr()?);
    Ok(Wanted::New(Listener { socket: Socketed::Tcp(listener), bound, more: false }))
}

/// Makes changed directives take effect while the server runs, for CONFIG SET: it binds other
/// addresses, and the reactor adopts what it has bound.
#[derive(Debug)]
pub struct Binder {
    bound: Vec<Bound>,
    adopt: Sender<Vec<Wanted>>,
}

impl Binder {
    /// A binder that knows what is bound already.
    pub fn new(bound: Vec<Bound>, adopt: Sender<Vec<Wanted>>) -> Binder {
        Binder { bound, adopt }
    }

    /// Listens where `config` says. If one address cannot be had, everything stays as it is.
    pub fn rebind(&mut self, config: &Config) -> io::Result<&[Bound]> {
        let wanted = bind_all(config, Ports::configured(config), &self.bound)?;
        self.bound = wanted
            .iter()
            .map(|wanted| match wanted {
                Wanted::Kept(bound) => bound.clone(),
                Wanted::New(listener) => listener.bound.clone(),
            })
            .collect();
        self.adopt.send(wanted).map_err(io::Error::other)?;
        Ok(&self.bound)
    }
}

/// `bind` values: an address, or `*` and `::*` for all of IPv4 and all of IPv6.
fn parse_address(text: &str) -> io::Result<IpAddr> {
    match text {
        "*" => Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        "::*" => Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => text.parse().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("'{text}' is no address to bind"))
        }),
    }
}

fn is_address_missing(error: &io::Error) -> bool {
    use nix::errno::Errno;
    [Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT, Errno::EPROTONOSUPPORT]
        .iter()
        .any(|&errno| error.raw_os_error() == Some(errno as i32))
}

fn naming(what: &dyn fmt::Display, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {what}: {error}"))
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

fn backlog(config: &Config) -> i32 {
    i32::try_from(config.tcp_backlog).unwrap_or(i32::MAX)
}

/// Bind, chmod, listen, in this order: nobody can connect before the permissions are set.
fn bind_unix(path: &Path, config: &Config) -> io::Result<Listener> {
    let told = |error| naming(&path.display(), error);
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket {
        // Left by a server that was killed. Any other kind of file makes bind fail.
        fs::remove_file(path).map_err(told)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?).map_err(told)?;
    // From here on dropping the listener removes the file.
    let socket = UnixListener::from_std(socket.into());
    let name = Arc::from(path.to_string_lossy());
    let bound = Bound::Unix(path.to_owned());
    let listener = Listener { socket: Socketed::Unix(socket, name), bound, more: false };
    if let Some(mode) = config.unixsocketperm {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(told)?;
    }
    if let Socketed::Unix(socket, _) = &listener.socket {
        SockRef::from(socket).listen(backlog(config)).map_err(told)?;
    }
    Ok(listener)
}
