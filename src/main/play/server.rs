//! The server that conversations are played with: one of its own for each, or one that is given.

use std::fs;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use respd::internals::conversation::{Conversation, Side, Tcp};
use respd::internals::embed::local::request;
use respd::internals::wire::{Value, value};
use respd::{ManualClock, Server};

use super::arguments::Arguments;

/// Why a conversation is not played.
pub enum Skipped {
    /// It cannot be, with this server, and that is nothing wrong.
    Because(String),
    Failed(String),
}

/// A respd in this process, for one conversation.
pub struct Own;

impl Own {
    /// A server as the conversation wants it, which ends with what is returned. Where time passes, it is told.
    pub fn side(conversation: &Conversation, timeout: Duration) -> Result<Tcp, Skipped> {
        Own::start(conversation, timeout).map_err(Skipped::Failed)
    }

    fn start(conversation: &Conversation, timeout: Duration) -> Result<Tcp, String> {
        let folder = Folder::new().map_err(|error| format!("cannot make a folder: {error}"))?;
        let mut builder =
            Server::builder().config(conversation.configuration(&folder.0)?).any_port();
        let clock = conversation.is_timed().then(ManualClock::new);
        if let Some(clock) = &clock {
            clock.freeze();
            builder = builder.clock(clock.clone());
        }
        let server =
            builder.bind().map_err(|error| format!("the server does not start: {error}"))?;
        let addr = server.addr().ok_or("the server has no port")?;
        let side = Tcp::new(addr, timeout).keeping(server.spawn()).keeping(folder);
        Ok(match clock {
            Some(clock) => side.with_time(move |time| clock.advance(time)),
            None => side,
        })
    }
}

/// A folder for the files of one server, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Folder> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("respd-play-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The server that the arguments name.
pub struct Given {
    addr: SocketAddr,
    timeout: Duration,
    flushes: bool,
    /// Whether it replies as the reference does where respd differs on purpose.
    pub is_reference: bool,
    /// What it would say to `--version`, if it says so at all.
    version: String,
    /// What CONFIG SET changed for the last conversation, with the values from before.
    changed: Vec<(String, Vec<u8>)>,
}

impl Given {
    /// Finds the server and learns what it is.
    pub fn find(server: &str, arguments: &Arguments) -> Result<Given, String> {
        let addr = reachable(server, arguments.timeout)?;
        let mut given = Given {
            addr,
            timeout: arguments.timeout,
            flushes: arguments.flushes,
            is_reference: false,
            version: String::new(),
            changed: Vec::new(),
        };
        // respd has a directive of its own, under every persona.
        let persona = given.ask(&["CONFIG", "GET", "persona"])?;
        let is_respd = persona.get("persona").is_some();
        given.is_reference = arguments.is_reference.unwrap_or(!is_respd);
        if let Some(info) = given.ask(&["INFO", "server"])?.as_bytes() {
            given.version = version(&String::from_utf8_lossy(info));
        }
        Ok(given)
    }

    /// Connections to the server, as the conversation wants it.
    pub fn side(&mut self, conversation: &Conversation) -> Result<Tcp, Skipped> {
        self.restore().map_err(Skipped::Failed)?;
        if let Some(title) = conversation.ours.as_ref().filter(|_| self.is_reference) {
            return Err(Skipped::Because(format!("it is about respd: {title}")));
        }
        if let Some(reference) = &conversation.reference
            && self.is_reference
            && !conversation.is_of(&self.version)
        {
            return Err(Skipped::Because(format!("its replies are those of {reference}")));
        }
        if self.flushes {
            let reply = self.ask(&["FLUSHALL"]).map_err(Skipped::Failed)?;
            if let Some(error) = reply.as_error() {
                let error = String::from_utf8_lossy(error);
                return Err(Skipped::Failed(format!("FLUSHALL: {error}")));
            }
        }
        // Personas are respd's. Another server is what it is.
        let is_known = |name: &str| name != "persona" || !self.is_reference;
        for (name, value) in
            conversation.config.iter().filter(|(name, _)| is_known(name)).collect::<Vec<_>>()
        {
            self.set(name, value)?;
        }
        Ok(Tcp::new(self.addr, self.timeout))
    }

    /// Sets a directive and keeps what it was.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Skipped> {
        let before = self.ask(&["CONFIG", "GET", name]).map_err(Skipped::Failed)?;
        let before = before.get(name).and_then(Value::as_bytes).map(<[u8]>::to_vec);
        let value = value.trim_matches('"');
        let set = self.ask(&["CONFIG", "SET", name, value]).map_err(Skipped::Failed)?;
        match (set.as_error(), before) {
            (None, Some(before)) => self.changed.push((name.to_owned(), before)),
            (None, None) => {}
            (Some(_), Some(before)) if before == value.as_bytes() => {}
            (Some(error), _) => {
                let error = String::from_utf8_lossy(error);
                return Err(Skipped::Because(format!("!config {name} {value}: {error}")));
            }
        }
        Ok(())
    }

    /// Sets back what was set for the last conversation.
    fn restore(&mut self) -> Result<(), String> {
        for (name, value) in std::mem::take(&mut self.changed).into_iter().rev() {
            self.ask(&[&b"CONFIG"[..], b"SET", name.as_bytes(), &value])?;
        }
        Ok(())
    }

    /// One command on a connection of its own.
    fn ask<T: AsRef<[u8]>>(&self, words: &[T]) -> Result<Value, String> {
        let name = "respd play";
        let mut side = Tcp::new(self.addr, self.timeout);
        side.connect(name)?;
        side.send(name, &request(words.iter().map(AsRef::as_ref)));
        let shown = || {
            let words = words.iter().map(|word| String::from_utf8_lossy(word.as_ref()));
            words.collect::<Vec<_>>().join(" ")
        };
        let frame = side.frame(name);
        let frame =
            frame.map_err(|absence| format!("{} got {absence} from {}", shown(), self.addr))?;
        let value = value::decode(&frame).ok().flatten();
        value.map(|(value, _)| value).ok_or_else(|| format!("{} got no reply", shown()))
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // A server that has gone needs nothing back.
        self.restore().ok();
    }
}

/// The first address of `server` that accepts a connection.
pub fn reachable(server: &str, timeout: Duration) -> Result<SocketAddr, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot connect to {server}: {error}");
    let mut last = cannot(&"it has no address");
    for addr in server.to_socket_addrs().map_err(|error| cannot(&error))? {
        match TcpStream::connect_timeout(&addr, timeout) {
            Ok(_) => return Ok(addr),
            Err(error) => last = cannot(&error),
        }
    }
    Err(last)
}

/// What a program with this INFO says to `--version`: `Valkey server v=9.1.2 …`.
fn version(info: &str) -> String {
    let field = |name: &str| {
        info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
    };
    let (product, number) = match field("valkey_version") {
        Some(number) => ("Valkey", Some(number)),
        None => ("Redis", field("redis_version")),
    };
    number.map_or_else(String::new, |number| format!("{product} server v={number} "))
}
