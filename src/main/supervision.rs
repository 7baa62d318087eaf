//! What watches over the process is told how it is: systemd by datagrams, upstart by a stop, others by a file.
//!
//! systemd is told over the socket that `NOTIFY_SOCKET` names, as sd_notify(3) says: `READY=1` when all data is loaded
//! and every listener is bound, `RELOADING=1` when SIGHUP has come and `READY=1` after it, `STOPPING=1` when the server
//! leaves, each with a `STATUS=` for `systemctl status`. Nothing of that waits: a message that cannot be sent is logged.
//! Upstart waits for a process that stops itself when it is ready.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::time::{ClockId, clock_gettime};
use respd::internals::config::Supervisor;
use signal_hook::consts::SIGSTOP;

/// What is told how the server is. Clones tell the same.
#[derive(Debug, Clone, Default)]
pub enum Supervision {
    #[default]
    None,
    Systemd(Arc<Notify>),
    Upstart,
}

impl Supervision {
    /// What `supervised` asks for, as far as the environment has it. As in the reference, what is missing there is a
    /// warning, and the server goes on alone.
    pub fn find(
        supervised: Supervisor,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Supervision {
        let upstart = || variable("UPSTART_JOB").map(|_| Supervision::Upstart);
        let systemd = || variable("NOTIFY_SOCKET");
        match supervised {
            Supervisor::No => Supervision::None,
            Supervisor::Auto => upstart()
                .or_else(|| systemd().map(|address| Supervision::to_systemd(&address)))
                .unwrap_or_default(),
            Supervisor::Upstart => upstart().unwrap_or_else(|| {
                log::warn!("'supervised upstart', and UPSTART_JOB is not in the environment");
                Supervision::None
            }),
            Supervisor::Systemd => match systemd() {
                Some(address) => Supervision::to_systemd(&address),
                None => {
                    log::warn!(
                        "'supervised systemd', and NOTIFY_SOCKET is not in the environment: is it a unit with \
                         Type=notify?"
                    );
                    Supervision::None
                }
            },
        }
    }

    fn to_systemd(address: &OsStr) -> Supervision {
        match Notify::to(address.as_bytes()) {
            Ok(notify) => Supervision::Systemd(Arc::new(notify)),
            Err(error) => {
                log::warn!("NOTIFY_SOCKET is '{}': {error}", address.display());
                Supervision::None
            }
        }
    }

    /// The server begins to load its data.
    pub fn starting(&self) {
        self.tell("STATUS=Starting");
    }

    /// Clients are served from now on. Upstart (`expect stop`) waits for the process to stop, and lets it go on.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=Ready to accept connections");
        if matches!(self, Supervision::Upstart)
            && let Err(error) = signal_hook::low_level::raise(SIGSTOP)
        {
            log::warn!("cannot stop for upstart: {error}");
        }
    }

    /// The configuration is read anew. [`Supervision::reloaded`] follows.
    pub fn reloading(&self) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reloading", monotonic_micros()));
    }

    pub fn reloaded(&self) {
        self.tell("READY=1\nSTATUS=Ready to accept connections");
    }

    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Leaving");
    }

    fn tell(&self, state: &str) {
        if let Supervision::Systemd(notify) = self
            && let Err(error) = notify.send(state)
        {
            log::warn!("cannot tell systemd: {error}");
        }
    }
}

/// A socket of systemd.
#[derive(Debug)]
pub struct Notify {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl Notify {
    /// `address` is a path, or `@` and the name of an abstract socket.
    fn to(address: &[u8]) -> io::Result<Notify> {
        let to = match address {
            [b'/', ..] => SocketAddr::from_pathname(OsStr::from_bytes(address))?,
            [b'@', name @ ..] => abstract_address(name)?,
            _ => return Err(io::Error::other("it is neither a path nor an abstract socket")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Notify { socket, to })
    }

    fn send(&self, state: &str) -> io::Result<()> {
        self.socket.send_to_addr(state.as_bytes(), &self.to).map(drop)
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::Error::other("this system has no abstract sockets"))
}

/// The clock by which systemd tells whether a reload began after it asked for one.
fn monotonic_micros() -> i64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |now| now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000)
}

/// The file that `pidfile` names. It goes with the server, unless another process has put its own there.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    text: String,
}

impl PidFile {
    /// Writes the id of this process. As in the reference, a file that cannot be written is a warning.
    pub fn write(path: &Path) -> Option<PidFile> {
        let file = PidFile { path: path.to_owned(), text: format!("{}\n", std::process::id()) };
        // A named pipe that nothing reads is an error, and nothing to wait for.
        let mut options = File::options();
        options.write(true).create(true).truncate(true).custom_flags(OFlag::O_NONBLOCK.bits());
        match options.open(path).and_then(|mut opened| opened.write_all(file.text.as_bytes())) {
            Ok(()) => Some(file),
            Err(error) => {
                log::warn!("'pidfile {}': cannot write it: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let is_file = fs::metadata(&self.path).is_ok_and(|found| found.is_file());
        let is_own = is_file && fs::read(&self.path).is_ok_and(|text| text == self.text.as_bytes());
        if is_own && let Err(error) = fs::remove_file(&self.path) {
            log::warn!("'pidfile {}': cannot remove it: {error}", self.path.display());
        }
    }
}
