//! The server that clients are tried with, in this process, and the connection that drives it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use respd::internals::config::persona::PERSONAS;
use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::request;
use respd::internals::net::{ListenAddress, Ports};
use respd::internals::wire::{Value, value};
use respd::{Running, Server};

/// What the server answers as: a server that every client knows. redis-py keeps nothing that another has told it.
const PERSONA: &str = "redis-8.2";
/// How long a reply of the server is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most entries of the journal that a conversation shows.
const SHOWN: usize = 40;
/// The longest text of one entry.
const LONGEST: usize = 160;

/// A server that is driven through its port for administration, whose clients meet no fault.
pub struct Double {
    addr: SocketAddr,
    driver: TcpStream,
    arrived: Vec<u8>,
    /// Serves until this is dropped.
    _running: Running,
}

impl Double {
    pub fn start() -> Result<Double, String> {
        let persona = PERSONAS.iter().find(|persona| persona.name == PERSONA);
        let config = Config {
            enable_stage_command: Callers::Local,
            save: Vec::new(),
            persona: persona.ok_or("there is no such persona")?,
            ..Config::default()
        };
        let ports = Ports { clients: Some(0), tls: None, admin: Some(0) };
        let server = Server::builder().config(config).ports(ports).bind();
        let server = server.map_err(|error| format!("the server does not start: {error}"))?;
        let addr = server.addr().ok_or("the server has no port")?;
        let admin = server.bound().into_iter().find_map(|bound| match bound {
            ListenAddress::Admin(addr) => Some(addr),
            _ => None,
        });
        let admin = admin.ok_or("the server has no port for administration")?;
        let running = server.spawn();
        let driver = TcpStream::connect(admin).map_err(|error| error.to_string())?;
        driver.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        Ok(Double { addr, driver, arrived: Vec::new(), _running: running })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The reply to the words of a line, where quotes stand around blanks. An error is one.
    pub fn call(&mut self, line: &str) -> Result<Value, String> {
        let words = words(line);
        let failed = |error: std::io::Error| format!("{line}: {error}");
        self.driver.write_all(&request(words)).map_err(failed)?;
        loop {
            match value::decode(&self.arrived).map_err(|error| format!("{line}: {error}"))? {
                Some((reply, length)) => {
                    self.arrived.drain(..length);
                    return match reply.as_error() {
                        Some(error) => Err(format!("{line}: {}", String::from_utf8_lossy(error))),
                        None => Ok(reply),
                    };
                }
                None => {
                    let mut bytes = [0; 16 << 10];
                    match self.driver.read(&mut bytes).map_err(failed)? {
                        0 => return Err(format!("{line}: the server has closed the connection")),
                        count => self.arrived.extend_from_slice(&bytes[..count]),
                    }
                }
            }
        }
    }

    /// Nothing is left of the last situation.
    pub fn clear(&mut self) -> Result<(), String> {
        for line in [
            "STAGE RESET",
            "CLIENT KILL SKIPME yes",
            "FLUSHALL",
            "CONFIG SET requirepass \"\"",
            "STAGE JOURNAL ON 2000",
        ] {
            self.call(line)?;
        }
        Ok(())
    }

    /// What clients sent and were sent, a line each.
    pub fn conversation(&mut self) -> Vec<String> {
        let Ok(entries) = self.call("STAGE JOURNAL GET") else { return Vec::new() };
        let entries = entries.elements();
        let last = &entries[entries.len().saturating_sub(SHOWN)..];
        last.iter().flat_map(entry).collect()
    }
}

/// The words of a line. Escapes in them are read by STAGE.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for char in line.chars() {
        match char {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// The request and the reply of one entry.
fn entry(entry: &Value) -> [String; 2] {
    let client = entry.get("client").and_then(Value::as_i64).unwrap_or_default();
    let argv = entry.get("argv").map(Value::elements).unwrap_or_default();
    let words = argv.iter().filter_map(Value::as_bytes).map(shown).collect::<Vec<_>>();
    let reply = entry.get("reply").and_then(Value::as_bytes).map(shown).unwrap_or_default();
    [format!("@{client} > {}", words.join(" ")), format!("@{client} < {reply}")]
}

fn shown(bytes: &[u8]) -> String {
    let text = bytes[..bytes.len().min(LONGEST)].escape_ascii().to_string();
    if bytes.len() > LONGEST { text + "…" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_what_clients_sent_and_were_sent() {
        let mut double = Double::start().unwrap();
        double.clear().unwrap();
        let mut client = TcpStream::connect(double.addr()).unwrap();
        client.write_all(&request(["ECHO", "a b"])).unwrap();
        client.read_exact(&mut [0; 9]).unwrap();
        let conversation = double.conversation();
        assert_eq!(conversation.len(), 2);
        assert!(conversation[0].ends_with(" > ECHO a b"), "{conversation:?}");
        assert!(conversation[1].ends_with(r" < $3\r\na b\r\n"), "{conversation:?}");
        assert!(double.call("STAGE NOTHING").is_err());
        double.clear().unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "clients of the last situation are gone");
    }

    #[test]
    fn quotes_stand_around_blanks() {
        assert_eq!(words(r#"a  "b c" "" d"e f""#), ["a", "b c", "", "de f"]);
    }
}
