//! A server for one test: what it does wrong, what time it is, and what was sent to it.
//!
//! ```
//! use std::time::Duration;
//! use respd::test::Server;
//!
//! let server = Server::start()?;
//! server.set("greeting", "hello")?;
//! server.fault("late ON GET CLIENT NAME web TIMES 1 DO RUN THEN DELAY 200")?;
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
use std::iter;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::local::request;
use super::server::{self, Builder, Running};
use crate::args;
use crate::config::Callers;
use crate::net::{ListenAddress, Ports};
use crate::text::quote;
use crate::wire::{IntoArgs, OwnedArgs, Replies, Value};

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

/// A command that a client has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its number, by which it follows others.
    pub seq: u64,
    /// The client's id.
    pub client: u64,
    /// The client's name.
    pub name: Vec<u8>,
    /// The command and its arguments.
    pub argv: Vec<Vec<u8>>,
    /// What was sent for it, as it was sent, if anything was.
    pub reply: Option<Vec<u8>>,
}

impl Server {
    /// A server as it is by default, on any port of 127.0.0.1 that is free.
    pub fn start() -> Result<Server, StageError> {
        Server::with(server::Server::builder())
    }

    /// The server of this builder, commands of your own and all, on any port that is free. `enable-stage-command` is
    /// `local` at least.
    pub fn with(mut builder: Builder) -> Result<Server, StageError> {
        let callers = &mut builder.config.enable_stage_command;
        if *callers == Callers::No {
            *callers = Callers::Local;
        }
        let ports = Ports { clients: Some(0), tls: None, admin: Some(0) };
        let server = builder.ports(ports).bind()?;
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
        server.stage(["JOURNAL", "ON"])?;
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
    pub fn call(&self, args: impl IntoArgs) -> Result<Value, StageError> {
        let reply = self.driver().call(&request(args.into_args().args().from(0)))?;
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
        let value = self.call([b"GET", key.as_ref()])?;
        Ok(value.as_bytes().map(<[u8]>::to_vec))
    }

    /// Sets a key.
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), StageError> {
        self.call([b"SET", key.as_ref(), value.as_ref()]).map(drop)
    }

    /// What follows STAGE, word by word: `stage(["CLOCK", "RUN"])`. An error reply is an error.
    pub fn stage(&self, words: impl IntoArgs) -> Result<Value, StageError> {
        let words = words.into_args();
        self.call(iter::once(&b"STAGE"[..]).chain(words.args().from(0)).collect::<OwnedArgs>())
    }

    /// Adds a fault, in the words of STAGE FAULT ADD: its name, whom it meets, what it does. They are quoted as in a
    /// configuration file: `fault(r#"busy ON GET TIMES 2 DO ERROR "LOADING not yet""#)`.
    pub fn fault(&self, rule: &str) -> Result<(), StageError> {
        self.stage_line("FAULT ADD", rule).map(drop)
    }

    /// Stops the server's clock.
    pub fn freeze(&self) -> Result<(), StageError> {
        self.stage(["CLOCK", "FREEZE"]).map(drop)
    }

    /// Lets time pass, in ms. Returns when all that fell due has happened, in order, and is sent.
    pub fn advance(&self, time: Duration) -> Result<(), StageError> {
        self.stage(args!["CLOCK", "ADVANCE", &time.as_millis().to_string()]).map(drop)
    }

    /// What clients have sent since the server started, or those of them that the filter names, in the words of STAGE
    /// JOURNAL GET: `""`, `"CLIENT NAME web"`, `"SINCE 12"`.
    pub fn journal(&self, filter: &str) -> Result<Vec<Entry>, StageError> {
        let entries = self.stage_line("JOURNAL GET", filter)?;
        Ok(entries.elements().iter().map(Entry::of).collect())
    }

    /// Returns when a command has been sent so often. It is an error if that does not come within `timeout`.
    pub fn wait_for(&self, command: &str, count: u64, timeout: Duration) -> Result<(), StageError> {
        let ms = timeout.as_millis().max(1).to_string();
        let words = args!["JOURNAL", "WAIT", command, "COUNT", count, "TIMEOUT", &ms];
        match self.stage(words)?.as_i64() {
            Some(found) if found.unsigned_abs() >= count => Ok(()),
            found => Err(StageError(format!(
                "{command} has been sent {} times, not {count}, within {timeout:?}",
                found.unwrap_or_default()
            ))),
        }
    }

    /// Says two words of STAGE and those of a line.
    fn stage_line(&self, begin: &str, line: &str) -> Result<Value, StageError> {
        let unbalanced = || StageError(format!("unbalanced quotes in '{line}'"));
        let words = quote::split(line.as_bytes()).ok_or_else(unbalanced)?;
        let begin = begin.split(' ').map(|word| word.as_bytes().to_vec());
        self.stage(begin.chain(words).collect::<OwnedArgs>())
    }
}

impl Entry {
    fn of(map: &Value) -> Entry {
        let bytes = |name| map.get(name).and_then(Value::as_bytes).map(<[u8]>::to_vec);
        let words = map.get("argv").map_or(&[][..], Value::elements);
        Entry {
            seq: number(map, "seq"),
            client: number(map, "client"),
            name: bytes("name").unwrap_or_default(),
            argv: words.iter().filter_map(Value::as_bytes).map(<[u8]>::to_vec).collect(),
            reply: bytes("reply"),
        }
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
