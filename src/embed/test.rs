//! A server for one test, and the stage in plain words: what it does wrong, what time it is, what was sent to it.
//!
//! ```
//! use std::time::Duration;
//! use respd::test::{Clients, Fault, Server};
//!
//! let server = Server::start()?;
//! server.set("greeting", "hello")?;
//! server.fault(Fault::new("late").on("GET").client(Clients::named("web")).times(1).doing("RUN").then("DELAY 200"))?;
//! server.freeze()?;
//! server.advance(Duration::from_secs(3600))?; // returns when all that fell due has happened and is sent
//! assert_eq!(server.get("greeting")?.as_deref(), Some(&b"hello"[..]));
//! # Ok::<(), respd::test::StageError>(())
//! ```
//!
//! The words are those of the command STAGE, and the same as in the packages for Python and Node.js. A client of the
//! administration port says them, so that it meets nothing of what it asks for, and is in no journal.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::configuration::Config;
use super::local::request;
use super::server::{self, Running};
use crate::config::Callers;
use crate::net::{ListenAddress, Ports};
use crate::wire::{Replies, Value};

/// What was asked of a server was refused, with its text, or it has not answered.
#[derive(Debug)]
pub struct StageError(String);

/// A server that a test drives. It leaves when this is dropped.
pub struct Server {
    addr: SocketAddr,
    driver: Mutex<Driver>,
    _running: Running,
}

/// A client that drives its server.
struct Driver {
    stream: TcpStream,
    arrived: Replies,
}

/// What a server does wrong, and to whom: a line of STAGE FAULT ADD.
#[derive(Debug, Clone)]
#[must_use]
pub struct Fault {
    words: Vec<Vec<u8>>,
    actions: Vec<Vec<u8>>,
}

/// Which clients: those that match each of what is said.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Clients {
    words: Vec<Vec<u8>>,
}

/// A command that a client has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its number, by which it follows others.
    pub seq: u64,
    /// When it came, in µs since 1970 by the server's clock.
    pub time: u64,
    /// The client's id.
    pub client: u64,
    /// The client's name.
    pub name: Vec<u8>,
    /// The command and its arguments.
    pub argv: Vec<Vec<u8>>,
    /// What was sent for it, as it was sent, if anything was.
    pub reply: Option<Vec<u8>>,
}

/// The journal of a server: what clients send, while it is on.
#[derive(Clone, Copy)]
pub struct Journal<'a>(&'a Server);

impl Server {
    /// A server with the default configuration, on any port of 127.0.0.1 that is free.
    pub fn start() -> Result<Server, StageError> {
        Server::with(Config::default())
    }

    /// A server with this configuration, on any port that is free. The directive that says which clients may drive it is `local` at least.
    pub fn with(config: impl Into<Config>) -> Result<Server, StageError> {
        let mut config = config.into().inner;
        if config.enable_stage_command == Callers::No {
            config.enable_stage_command = Callers::Local;
        }
        let ports = Ports { clients: Some(0), tls: None, admin: Some(0) };
        let server = server::Server::builder().config(config).ports(ports).bind()?;
        let lacks = |what: &str| StageError(format!("the server has no port{what}"));
        let addr = server.addr().ok_or_else(|| lacks(""))?;
        let bound = server.bound();
        let admin = bound.iter().find_map(|bound| match bound {
            ListenAddress::Admin(addr) => Some(*addr),
            _ => None,
        });
        let running = server.spawn();
        let stream = TcpStream::connect(admin.ok_or_else(|| lacks(" for administration"))?)?;
        stream.set_nodelay(true)?;
        let driver = Mutex::new(Driver { stream, arrived: Replies::default() });
        let server = Server { addr, driver, _running: running };
        server.call(["HELLO", "3"])?;
        Ok(server)
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same as client libraries take it: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// Sends a command of the driver's and returns the reply. An error reply is an error.
    pub fn call<T: AsRef<[u8]>>(
        &self,
        words: impl IntoIterator<Item = T>,
    ) -> Result<Value, StageError> {
        let reply = self.driver().call(&request(words))?;
        match reply.as_error() {
            Some(text) => Err(StageError(String::from_utf8_lossy(text).into_owned())),
            None => Ok(reply),
        }
    }

    fn driver(&self) -> MutexGuard<'_, Driver> {
        // A thread that has panicked leaves a connection on which replies still follow requests.
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key, if there is one.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, StageError> {
        let value = self.call([&b"GET"[..], key.as_ref()])?;
        Ok(value.as_bytes().map(<[u8]>::to_vec))
    }

    /// Sets a key.
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), StageError> {
        self.call([&b"SET"[..], key.as_ref(), value.as_ref()]).map(drop)
    }

    /// A line of STAGE: `stage(["CLOCK", "FREEZE"])`.
    pub fn stage<T: AsRef<[u8]>>(
        &self,
        words: impl IntoIterator<Item = T>,
    ) -> Result<Value, StageError> {
        let words: Vec<T> = words.into_iter().collect();
        self.call(std::iter::once(&b"STAGE"[..]).chain(words.iter().map(AsRef::as_ref)))
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) -> Result<(), StageError> {
        self.stage(fault.words.into_iter().chain(fault.actions)).map(drop)
    }

    /// How often commands have met a fault, if there is one of this name.
    pub fn hits(&self, name: &str) -> Result<Option<u64>, StageError> {
        let faults = self.stage(["FAULT", "LIST"])?;
        let is_it =
            |fault: &&Value| fault.get("name").and_then(Value::as_bytes) == Some(name.as_bytes());
        Ok(faults.elements().iter().find(is_it).map(|fault| number(fault, "hits")))
    }

    /// Removes a fault.
    pub fn del_fault(&self, name: &str) -> Result<(), StageError> {
        self.stage(["FAULT", "DEL", name]).map(drop)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) -> Result<(), StageError> {
        self.stage(["FAULT", "CLEAR"]).map(drop)
    }

    /// What happens to clients that connect: `REFUSE`, `HANG`, `CLOSE`, `REFUSE TIMES 2`, or `ALL`, which is as usual.
    pub fn accept(&self, what: &str) -> Result<(), StageError> {
        self.stage(std::iter::once("ACCEPT").chain(what.split_whitespace())).map(drop)
    }

    /// Sends bytes to the clients of a name, now.
    pub fn send(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), StageError> {
        let bytes = literal(bytes.as_ref());
        self.stage([&b"SEND"[..], b"NAME", name.as_bytes(), &bytes]).map(drop)
    }

    /// Stops the server's clock.
    pub fn freeze(&self) -> Result<(), StageError> {
        self.stage(["CLOCK", "FREEZE"]).map(drop)
    }

    /// Lets time pass, in ms. Returns when all that fell due has happened, in order, and is sent.
    pub fn advance(&self, time: Duration) -> Result<(), StageError> {
        self.stage(["CLOCK", "ADVANCE", &time.as_millis().to_string()]).map(drop)
    }

    /// Sets the server's clock to a time since 1970.
    pub fn set_clock(&self, time: Duration) -> Result<(), StageError> {
        self.stage(["CLOCK", "SET", &time.as_millis().to_string()]).map(drop)
    }

    /// Lets the server's clock run by itself again.
    pub fn run(&self) -> Result<(), StageError> {
        self.stage(["CLOCK", "RUN"]).map(drop)
    }

    /// What is picked at random follows from this number.
    pub fn seed(&self, number: u64) -> Result<(), StageError> {
        self.stage(["SEED", &number.to_string()]).map(drop)
    }

    /// What clients send.
    pub fn journal(&self) -> Journal<'_> {
        Journal(self)
    }

    /// Ends all that was staged: what a test ends with that shares its server.
    pub fn reset(&self) -> Result<(), StageError> {
        self.stage(["RESET"]).map(drop)
    }
}

impl Journal<'_> {
    /// Begins to note commands.
    pub fn on(self) -> Result<(), StageError> {
        self.0.stage(["JOURNAL", "ON"]).map(drop)
    }

    /// Notes no more.
    pub fn off(self) -> Result<(), StageError> {
        self.0.stage(["JOURNAL", "OFF"]).map(drop)
    }

    /// Forgets what has been noted.
    pub fn reset(self) -> Result<(), StageError> {
        self.0.stage(["JOURNAL", "RESET"]).map(drop)
    }

    /// What these clients have sent, from this number on.
    pub fn get(self, clients: Clients, since: u64) -> Result<Vec<Entry>, StageError> {
        let words =
            ["JOURNAL", "GET", "SINCE", &since.to_string()].map(|word| word.as_bytes().to_vec());
        let entries = self.0.stage(words.into_iter().chain(clients.words))?;
        Ok(entries.elements().iter().map(Entry::of).collect())
    }

    /// Returns when a command has been sent so often. It is an error if that does not come within `timeout`.
    pub fn wait(self, command: &str, count: u64, timeout: Duration) -> Result<(), StageError> {
        let (often, ms) = (count.to_string(), timeout.as_millis().max(1).to_string());
        let words = ["JOURNAL", "WAIT", command, "COUNT", &often, "TIMEOUT", &ms];
        match self.0.stage(words)?.as_i64() {
            Some(found) if found.unsigned_abs() >= count => Ok(()),
            found => Err(StageError(format!(
                "{command} has been sent {} times, not {count}, within {timeout:?}",
                found.unwrap_or_default()
            ))),
        }
    }
}

impl Entry {
    fn of(map: &Value) -> Entry {
        let bytes = |name| map.get(name).and_then(Value::as_bytes).map(<[u8]>::to_vec);
        let words = map.get("argv").map_or(&[][..], Value::elements);
        Entry {
            seq: number(map, "seq"),
            time: number(map, "time"),
            client: number(map, "client"),
            name: bytes("name").unwrap_or_default(),
            argv: words.iter().filter_map(Value::as_bytes).map(<[u8]>::to_vec).collect(),
            reply: bytes("reply"),
        }
    }
}

impl Fault {
    /// A fault of this name, which meets every command and runs it as usual until more is said.
    pub fn new(name: &str) -> Fault {
        let words = ["FAULT", "ADD", name].map(|word| word.as_bytes().to_vec());
        Fault { words: words.into(), actions: Vec::new() }
    }

    fn say(mut self, words: &[&[u8]]) -> Fault {
        self.words.extend(words.iter().map(|word| word.to_vec()));
        self
    }

    /// Meets these commands alone: a glob for the name.
    pub fn on(self, command: &str) -> Fault {
        self.say(&[b"ON", command.as_bytes()])
    }

    /// Meets commands whose word at this place matches the glob; 0 is the command's name, -1 the last word.
    pub fn arg(self, index: i64, glob: &str) -> Fault {
        self.say(&[b"ARGS", index.to_string().as_bytes(), glob.as_bytes()])
    }

    /// Meets these clients alone.
    pub fn client(mut self, clients: Clients) -> Fault {
        self.words.extend(clients.words);
        self
    }

    /// Lets so many commands go first.
    pub fn skip(self, n: u64) -> Fault {
        self.say(&[b"SKIP", n.to_string().as_bytes()])
    }

    /// Meets so many commands and no more.
    pub fn times(self, n: u64) -> Fault {
        self.say(&[b"TIMES", n.to_string().as_bytes()])
    }

    /// Meets one of so many commands.
    pub fn every(self, n: u64) -> Fault {
        self.say(&[b"EVERY", n.to_string().as_bytes()])
    }

    /// Meets so many commands of a hundred, which follow from a number.
    pub fn chance(self, percent: u64, seed: u64) -> Fault {
        let [percent, seed] = [percent, seed].map(|n| n.to_string());
        self.say(&[b"CHANCE", percent.as_bytes(), b"SEED", seed.as_bytes()])
    }

    /// The first action, as text: `RUN`, `DELAY 200`, `SPLIT AT 5 PAUSE 20`. ERROR, REPLY and PUSH take all behind them,
    /// in which escapes are the server's.
    pub fn doing(self, action: &str) -> Fault {
        self.then(action)
    }

    /// The next action.
    pub fn then(self, action: &str) -> Fault {
        let (word, rest) = action.split_once(' ').unwrap_or((action, ""));
        let is_text = ["ERROR", "REPLY", "PUSH"].iter().any(|text| word.eq_ignore_ascii_case(text));
        let words: Vec<&str> = match is_text {
            true => vec![word, rest],
            false => action.split_whitespace().collect(),
        };
        self.act(words.into_iter().map(str::as_bytes))
    }

    /// The next action: these bytes, as they are, are the reply.
    pub fn reply(self, bytes: &[u8]) -> Fault {
        self.act([&b"REPLY"[..], &literal(bytes)])
    }

    /// The next action: these bytes, as they are, stand in front of the reply, or behind it if it is there.
    pub fn push(self, bytes: &[u8]) -> Fault {
        self.act([&b"PUSH"[..], &literal(bytes)])
    }

    fn act<'a>(mut self, words: impl IntoIterator<Item = &'a [u8]>) -> Fault {
        let joint: &[u8] = if self.actions.is_empty() { b"DO" } else { b"THEN" };
        self.actions.push(joint.to_vec());
        self.actions.extend(words.into_iter().map(<[u8]>::to_vec));
        self
    }
}

impl Clients {
    /// All clients.
    pub fn any() -> Clients {
        Clients::default()
    }

    /// Those whose name matches a glob.
    pub fn named(glob: &str) -> Clients {
        Clients::any().with("NAME", glob)
    }

    /// Those of which this is so, too: ID, NAME, LIB, USER, DB, PROTO or NODE, and its value.
    pub fn with(mut self, what: &str, value: &str) -> Clients {
        if self.words.is_empty() {
            self.words.push(b"CLIENT".to_vec());
        }
        self.words.extend([what, value].map(|word| word.as_bytes().to_vec()));
        self
    }
}

impl Driver {
    fn call(&mut self, request: &[u8]) -> Result<Value, StageError> {
        self.stream.write_all(request)?;
        loop {
            let read = self.arrived.next().map_err(|bad| StageError(bad.to_string()))?;
            if let Some(value) = read {
                return Ok(value);
            }
            let mut more = [0; 4096];
            match self.stream.read(&mut more)? {
                0 => return Err(StageError("the server has closed the connection".to_owned())),
                n => self.arrived.push(&more[..n]),
            }
        }
    }
}

/// A field of a map that is a count.
fn number(map: &Value, field: &str) -> u64 {
    map.get(field).and_then(Value::as_i64).unwrap_or_default().unsigned_abs()
}

/// Bytes that STAGE takes for themselves, whatever escapes there are in them.
fn literal(bytes: &[u8]) -> Vec<u8> {
    let doubled = |&byte: &u8| std::iter::repeat_n(byte, if byte == b'\\' { 2 } else { 1 });
    bytes.iter().flat_map(doubled).collect()
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StageError {}

impl From<io::Error> for StageError {
    fn from(error: io::Error) -> StageError {
        StageError(error.to_string())
    }
}
