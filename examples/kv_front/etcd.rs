//! A cluster of etcd servers, through the gateway on which etcd speaks JSON.
//!
//! Each request has a connection of its own, as in HTTP/1.0: one that could not be opened has changed nothing, and its
//! request goes to another server of the cluster. One that ends without a reply is another matter, since the server may have done
//! what it was asked to: a read is repeated, a compare-and-swap too, because it cannot happen twice, and of any other
//! change it is said that it is not known.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use respd::Error;
use serde_json::{Value, json};

use crate::engine::{Changed, Engine, Stored};

/// How long a server may take: longer than a cluster needs to elect a leader.
const REPLY: Duration = Duration::from_secs(2);
/// How long servers are tried.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// As `key` and `range_end`: all keys.
const ALL: &str = "AA==";

#[derive(Clone)]
pub struct Etcd(Arc<Servers>);

struct Servers {
    addresses: Vec<SocketAddr>,
    /// How often a server was left for the next.
    moves: AtomicUsize,
}

/// Why there is no reply.
enum Failure {
    /// The request has not reached the server.
    Unsent,
    /// It may have, and may have been done.
    Unanswered,
    /// The server refuses it, and says why.
    Refused(String),
}

impl Etcd {
    pub fn new(addresses: Vec<SocketAddr>) -> Etcd {
        Etcd(Arc::new(Servers { addresses, moves: AtomicUsize::new(0) }))
    }

    /// Asks one server after the other. After each that may have done it, `unanswered` says whether to go on.
    fn ask(
        &self,
        path: &str,
        body: &Value,
        mut unanswered: impl FnMut() -> Result<(), Error>,
    ) -> Result<Value, Error> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let moves = self.0.moves.load(Ordering::Relaxed);
            match call(self.server(moves), path, body) {
                Ok(reply) => return Ok(reply),
                Err(Failure::Refused(why)) => return Err(Error::from(format!("ENGINE {why}"))),
                Err(Failure::Unanswered) => unanswered()?,
                Err(Failure::Unsent) => {}
            }
            self.leave(moves);
        }
        Err(Error::from("UNAVAILABLE no server of the cluster replies"))
    }

    /// What changes nothing may be asked for as often as need be.
    fn read(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.ask(path, body, || Ok(()))
    }

    /// What changes something, and is another change when it is made again.
    fn write(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.ask(path, body, || Err(uncertain()))
    }

    fn server(&self, moves: usize) -> SocketAddr {
        self.0.addresses[moves % self.0.addresses.len()]
    }

    /// Goes on with the next server, unless another thread has done so.
    fn leave(&self, moves: usize) {
        let next = moves + 1;
        let _ = self.0.moves.compare_exchange(moves, next, Ordering::Relaxed, Ordering::Relaxed);
        thread::sleep(PAUSE);
    }

    /// Tells of the changes from `revision` on until the connection breaks, and counts the revision up. A server that hangs
    /// says nothing, which is also what one does that has nothing to say.
    fn follow(
        &self,
        server: SocketAddr,
        revision: &mut u64,
        changed: &Changed,
    ) -> Result<(), Failure> {
        let range = json!({ "key": ALL, "range_end": ALL, "start_revision": *revision });
        let messages = send(server, "watch", &json!({ "create_request": range }))?;
        messages.get_ref().set_read_timeout(None)?;
        for line in messages.lines() {
            let message: Value = serde_json::from_str(&line?)?;
            for event in message["result"]["events"].as_array().into_iter().flatten() {
                let value = (event["type"] != "DELETE").then(|| bytes(&event["kv"]["value"]));
                changed(&bytes(&event["kv"]["key"]), value.as_deref());
                *revision = number(&event["kv"]["mod_revision"]) + 1;
            }
            if message["result"]["canceled"] == true {
                // What was compacted while no server was reached is not told.
                *revision = (*revision).max(number(&message["result"]["compact_revision"]));
                break;
            }
        }
        Ok(())
    }
}

impl Engine for Etcd {
    fn get(&self, key: &[u8]) -> Result<Option<Stored>, Error> {
        let reply = self.read("kv/range", &json!({ "key": base64(key) }))?;
        let found = reply["kvs"].get(0);
        Ok(found.map(|found| Stored {
            value: bytes(&found["value"]),
            version: number(&found["mod_revision"]),
        }))
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let put = json!({ "key": base64(key), "value": base64(value) });
        self.write("kv/put", &put).map(drop)
    }

    fn del(&self, key: &[u8]) -> Result<bool, Error> {
        let reply = self.write("kv/deleterange", &json!({ "key": base64(key) }))?;
        Ok(number(&reply["deleted"]) > 0)
    }

    fn swap(&self, key: &[u8], version: u64, value: &[u8]) -> Result<bool, Error> {
        let put = json!({ "key": base64(key), "value": base64(value) });
        let transaction = json!({
            "compare": [{ "key": base64(key), "target": "MOD", "mod_revision": version }],
            "success": [{ "request_put": put }],
        });
        let mut is_repeated = false;
        let reply = self.ask("kv/txn", &transaction, || {
            is_repeated = true;
            Ok(())
        });
        match reply {
            Ok(reply) if reply["succeeded"] == true => Ok(true),
            // By another client, or by the request that had no reply.
            Ok(_) | Err(_) if is_repeated => Err(uncertain()),
            Ok(_) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn watch(&self, changed: Changed) -> Result<(), Error> {
        let begun = self.read("kv/range", &json!({ "key": ALL }))?;
        let mut revision = number(&begun["header"]["revision"]) + 1;
        let etcd = self.clone();
        thread::spawn(move || {
            loop {
                let moves = etcd.0.moves.load(Ordering::Relaxed);
                // However it has ended, the next server goes on where it has.
                let _ = etcd.follow(etcd.server(moves), &mut revision, &changed);
                etcd.leave(moves);
            }
        });
        Ok(())
    }
}

fn uncertain() -> Error {
    Error::from("UNCERTAIN the server that was asked is gone, and may have done it")
}

/// Sends a request, and returns the body of the reply when it begins.
fn send(server: SocketAddr, path: &str, body: &Value) -> Result<BufReader<TcpStream>, Failure> {
    let mut stream = TcpStream::connect_timeout(&server, REPLY).map_err(|_| Failure::Unsent)?;
    stream.set_read_timeout(Some(REPLY))?;
    let body = body.to_string();
    let length = body.len();
    write!(stream, "POST /v3/{path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut reply = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reply.read_line(&mut head)? == 0 {
            return Err(Failure::Unanswered);
        }
    }
    match head.split(' ').nth(1) {
        Some("200") => Ok(reply),
        Some(status) if status.starts_with('4') => {
            let mut why = String::new();
            reply.read_to_string(&mut why)?;
            let why: Value = serde_json::from_str(&why)?;
            Err(Failure::Refused(why["error"].as_str().unwrap_or(&head).to_owned()))
        }
        // A server without a leader may find one later, with what it was asked in its log.
        _ => Err(Failure::Unanswered),
    }
}

/// Sends a request, and returns the reply.
fn call(server: SocketAddr, path: &str, body: &Value) -> Result<Value, Failure> {
    Ok(serde_json::from_reader(send(server, path, body)?)?)
}

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// What is empty is not in the reply at all.
fn bytes(field: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(field.as_str().unwrap_or_default()).unwrap_or_default()
}

/// Numbers are texts, and 0 is not in the reply.
fn number(field: &Value) -> u64 {
    field.as_str().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// A connection that has broken.
impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Failure {
        Failure::Unanswered
    }
}

/// A reply of which only a part has come.
impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Failure {
        Failure::Unanswered
    }
}
