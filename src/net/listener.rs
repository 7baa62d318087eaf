//! Listening sockets: binding, and accepting one client at a time.
//!
//! Options that every client's socket needs (TCP_NODELAY, keepalive) are set on the listener: accepted
//! sockets inherit them, which saves a handful of system calls for each newcomer.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::stream::Stream;
use crate::config::Config;
use crate::peer::{Address, Kind, Peer, Proxy};
use crate::telemetry::process;

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// For clients, plain.
    Tcp(SocketAddr),
    /// For clients that speak TLS.
    Tls(SocketAddr),
    /// For operators.
    Admin(SocketAddr),
    /// A socket in the file system.
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
    pub(crate) fn tcp(&self) -> Option<SocketAddr> {
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
    /// It is a node's: it stays whatever the configuration says.
    is_node: bool,
}

impl ListenSocket {
    pub(super) fn new(listener: TcpListener, bound: ListenAddress) -> ListenSocket {
        ListenSocket { socket: Socketed::Tcp(listener), bound, more: false, is_node: false }
    }

    /// The same, as a node's, which the configuration knows nothing of.
    pub(super) fn of_node(mut self) -> ListenSocket {
        self.is_node = true;
        self
    }

    pub(crate) fn is_node(&self) -> bool {
        self.is_node
    }

    pub(crate) fn bound(&self) -> &ListenAddress {
        &self.bound
    }

    /// Listens no more, by whatever other descriptor the socket is open.
    pub(super) fn close(self) {
        if let Socketed::Tcp(listener) = &self.socket {
            // What is no socket that listens does not listen.
            let _ = SockRef::from(listener).shutdown(Shutdown::Both);
        }
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
    /// For clients, plain.
    pub clients: Option<u16>,
    /// For clients that speak TLS.
    pub tls: Option<u16>,
    /// For operators.
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

pub(super) fn listen(addr: SocketAddr, config: &Config) -> io::Result<TcpListener> {
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
pub(super) fn bind_unix(path: &Path, config: &Config) -> io::Result<ListenSocket> {
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
    let listener = ListenSocket { socket, bound, more: false, is_node: false };
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
