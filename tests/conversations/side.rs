//! The servers that conversations are played with: the engine, respd behind TCP, and a reference.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use respd::embed::local::{Connection, Local};
use respd::embed::server::Running;
use respd::peer::{Address, Peer};
use respd::wire::value;
use respd::{Config, Server};

/// Longer than any reply takes; no test depends on how long it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who plays the server.
pub trait Side {
    /// Connects, unless there is a connection of this name already.
    fn connect(&mut self, name: &str) -> bool;
    /// The client's address.
    fn addr(&mut self, name: &str) -> String;
    fn send(&mut self, name: &str, bytes: &[u8]);
    /// The next frame, or `None` if there is none.
    fn frame(&mut self, name: &str) -> Option<Vec<u8>>;
    /// A frame that is there already, or arrives within so long if the server is far away.
    fn late_frame(&mut self, name: &str, patience: Duration) -> Option<Vec<u8>>;
    /// Everything sent so far has been heard.
    fn settle(&mut self);
    /// The client sends nothing more.
    fn finish(&mut self, name: &str);
    /// The client is gone.
    fn close(&mut self, name: &str);
    /// Whether the server closes without another word. The name is free again.
    fn is_closed(&mut self, name: &str) -> bool;
    fn advance(&mut self, time: Duration);
    /// What was said to connections that nobody read.
    fn unread(&mut self) -> Vec<(String, Vec<u8>)>;
}

/// A folder for the files of one side, which goes with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("respd-conversation-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The engine without sockets.
pub struct Engine {
    local: Local,
    clients: BTreeMap<String, (Connection, SocketAddr, Vec<u8>)>,
    /// The port of the next client.
    port: u16,
    _folder: Folder,
}

impl Engine {
    pub fn new(config: Config, folder: Folder) -> Engine {
        let (local, clients) = (Local::new(config), BTreeMap::new());
        Engine { local, clients, port: 50_001, _folder: folder }
    }

    fn receive(&mut self, name: &str) -> &mut Vec<u8> {
        let (client, _, arrived) = self.clients.get_mut(name).expect("a connection that is open");
        arrived.extend(self.local.received(*client));
        arrived
    }
}

impl Side for Engine {
    fn connect(&mut self, name: &str) -> bool {
        let is_new = !self.clients.contains_key(name);
        if is_new {
            let addr = SocketAddr::from(([127, 0, 0, 1], self.port));
            self.port += 1;
            let laddr = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 6379)));
            let peer = Peer { addr: Address::Tcp(addr), laddr, fd: 8, ..Peer::local() };
            let client = self.local.try_connect(peer).expect("room for a client");
            self.clients.insert(name.to_owned(), (client, addr, Vec::new()));
        }
        is_new
    }

    fn addr(&mut self, name: &str) -> String {
        self.clients[name].1.to_string()
    }

    fn send(&mut self, name: &str, bytes: &[u8]) {
        self.local.send(self.clients[name].0, bytes);
        // Everything is flushed at the end of a turn.
        for name in self.clients.keys().cloned().collect::<Vec<_>>() {
            self.receive(&name);
        }
    }

    fn frame(&mut self, name: &str) -> Option<Vec<u8>> {
        let arrived = self.receive(name);
        match value::decode(arrived) {
            Ok(Some((_, len))) => Some(arrived.drain(..len).collect()),
            _ => None,
        }
    }

    fn late_frame(&mut self, name: &str, _: Duration) -> Option<Vec<u8>> {
        self.frame(name)
    }

    fn settle(&mut self) {}

    fn finish(&mut self, name: &str) {
        self.local.finish(self.clients[name].0);
    }

    fn close(&mut self, name: &str) {
        self.finish(name);
        self.receive(name);
        self.clients.remove(name);
    }

    fn is_closed(&mut self, name: &str) -> bool {
        let is_closed = self.receive(name).is_empty() && !self.local.is_open(self.clients[name].0);
        self.clients.remove(name);
        is_closed
    }

    fn advance(&mut self, time: Duration) {
        self.local.advance(time);
    }

    fn unread(&mut self) -> Vec<(String, Vec<u8>)> {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        let unread = names.into_iter().map(|name| {
            let bytes = self.receive(&name).clone();
            (name, bytes)
        });
        unread.filter(|(_, bytes)| !bytes.is_empty()).collect()
    }
}

/// What `program` says to `--version`: `Valkey server v=9.1.2 …`.
pub fn version(program: &str) -> String {
    let told = Command::new(program).arg("--version").output();
    let told = told.unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&told.stdout).into_owned()
}

/// A server behind TCP.
pub struct Remote {
    addr: SocketAddr,
    clients: BTreeMap<String, Socket>,
    host: Host,
    _folder: Folder,
}

/// Ends with the conversation.
enum Host {
    Respd { _server: Running },
    Reference(Child),
}

impl Remote {
    pub fn respd(config: Config, folder: Folder) -> Remote {
        let server = Server::builder().config(config).any_port().bind().unwrap();
        let addr = server.addr().expect("a TCP listener");
        let host = Host::Respd { _server: server.spawn() };
        Remote { addr, clients: BTreeMap::new(), host, _folder: folder }
    }

    /// Starts `program`, which takes the options of valkey-server.
    pub fn reference(program: &str, config: &[(String, String)]) -> Remote {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        let folder = Folder::new();
        command.args(["--enable-debug-command", "yes"]).arg("--dir").arg(folder.path());
        for (name, value) in config.iter().filter(|(name, _)| name != "persona") {
            command.args([format!("--{name}").as_str(), value]);
        }
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = started.unwrap_or_else(|error| panic!("{program}: {error}"));
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let begun = Instant::now();
        while TcpStream::connect(addr).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{program} does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        let host = Host::Reference(child);
        Remote { addr, clients: BTreeMap::new(), host, _folder: folder }
    }

    fn client(&mut self, name: &str) -> &mut Socket {
        self.clients.get_mut(name).expect("a connection that is open")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Host::Reference(child) = &mut self.host {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Side for Remote {
    fn connect(&mut self, name: &str) -> bool {
        let is_new = !self.clients.contains_key(name);
        if is_new {
            self.clients.insert(name.to_owned(), Socket::connect(self.addr));
        }
        is_new
    }

    fn addr(&mut self, name: &str) -> String {
        self.client(name).stream.local_addr().unwrap().to_string()
    }

    fn send(&mut self, name: &str, bytes: &[u8]) {
        // A server that has closed says so when it is read.
        self.client(name).stream.write_all(bytes).ok();
    }

    fn frame(&mut self, name: &str) -> Option<Vec<u8>> {
        self.client(name).frame(PATIENCE)
    }

    fn late_frame(&mut self, name: &str, patience: Duration) -> Option<Vec<u8>> {
        self.client(name).frame(patience)
    }

    /// A server that lets a second client go has served everything that came before the first.
    fn settle(&mut self) {
        for _ in 0..2 {
            let mut witness = Socket::connect(self.addr);
            witness.stream.shutdown(Shutdown::Write).ok();
            while witness.fill(PATIENCE) {}
        }
    }

    fn finish(&mut self, name: &str) {
        self.client(name).stream.shutdown(Shutdown::Write).ok();
    }

    fn close(&mut self, name: &str) {
        self.clients.remove(name);
    }

    fn is_closed(&mut self, name: &str) -> bool {
        let mut client = self.clients.remove(name).expect("a connection that is open");
        client.frame(PATIENCE).is_none() && client.is_over && client.arrived.is_empty()
    }

    fn advance(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn unread(&mut self) -> Vec<(String, Vec<u8>)> {
        if !self.clients.is_empty() {
            self.settle();
        }
        let mut found = Vec::new();
        for (name, mut client) in std::mem::take(&mut self.clients) {
            while client.fill(Duration::from_millis(1)) {}
            if !client.arrived.is_empty() {
                found.push((name, client.arrived));
            }
        }
        found
    }
}

/// A connection, and what has arrived on it.
struct Socket {
    stream: TcpStream,
    arrived: Vec<u8>,
    /// The server has closed.
    is_over: bool,
}

impl Socket {
    fn connect(addr: SocketAddr) -> Socket {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Socket { stream, arrived: Vec::new(), is_over: false }
    }

    fn frame(&mut self, patience: Duration) -> Option<Vec<u8>> {
        loop {
            if let Ok(Some((_, len))) = value::decode(&self.arrived) {
                return Some(self.arrived.drain(..len).collect());
            }
            if !self.fill(patience) {
                return None;
            }
        }
    }

    /// Whether anything arrived.
    fn fill(&mut self, patience: Duration) -> bool {
        if self.is_over {
            return false;
        }
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.is_over = true,
            Ok(n) => self.arrived.extend_from_slice(&buffer[..n]),
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => return self.fill(patience),
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return false,
                _ => self.is_over = true,
            },
        }
        !self.is_over
    }
}
