//! The servers that conversations are played with: the engine, respd behind TCP, and a reference.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use respd::Server;
use respd::internals::config::Config;
use respd::internals::conversation::{Absence, Side, Tcp};
use respd::internals::embed::local::{Connection, Local};
use respd::internals::peer::{Address, Peer};
use respd::internals::wire::value;

/// Longer than any reply takes; no test depends on how long it is.
const PATIENCE: Duration = Duration::from_secs(20);

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
    fn connect(&mut self, name: &str) -> Result<bool, String> {
        let is_new = !self.clients.contains_key(name);
        if is_new {
            let addr = SocketAddr::from(([127, 0, 0, 1], self.port));
            self.port += 1;
            let laddr = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 6379)));
            let peer = Peer { addr: Address::Tcp(addr), laddr, fd: 8, ..Peer::local() };
            let client = self.local.try_connect(peer).expect("room for a client");
            self.clients.insert(name.to_owned(), (client, addr, Vec::new()));
        }
        Ok(is_new)
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

    fn frame(&mut self, name: &str) -> Result<Vec<u8>, Absence> {
        let arrived = self.receive(name);
        match value::decode(arrived) {
            Ok(Some((_, len))) => Ok(arrived.drain(..len).collect()),
            Ok(None) => Err(Absence::Late(arrived.clone())),
            Err(reason) => Err(Absence::Malformed { bytes: arrived.clone(), reason }),
        }
    }

    fn late_frame(&mut self, name: &str, _: Duration) -> Result<Vec<u8>, Absence> {
        self.frame(name)
    }

    fn settle(&mut self) -> Result<(), String> {
        Ok(())
    }

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

/// respd behind TCP.
pub fn respd(config: Config, folder: Folder) -> Tcp {
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    Tcp::new(addr, PATIENCE).keeping(server.spawn()).keeping(folder)
}

/// Starts `program`, which takes the options of valkey-server.
pub fn reference(program: &str, config: &[(String, String)]) -> Tcp {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    let folder = Folder::new();
    command.args(["--enable-debug-command", "yes"]).arg("--dir").arg(folder.path());
    for (name, value) in config.iter().filter(|(name, _)| name != "persona") {
        command.args([format!("--{name}").as_str(), value]);
    }
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let host = Reference(started.unwrap_or_else(|error| panic!("{program}: {error}")));
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let begun = Instant::now();
    while TcpStream::connect(addr).is_err() {
        assert!(begun.elapsed() < PATIENCE, "{program} does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    Tcp::new(addr, PATIENCE).keeping(host).keeping(folder)
}

/// A program that ends with its conversation.
struct Reference(Child);

impl Drop for Reference {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
