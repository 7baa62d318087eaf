//! What unit tests have in common: a server with one client, and its replies as text.

use super::local::{Connection, Local, request};
use crate::config::Config;

/// A server and a client of it.
pub(crate) fn start() -> (Local, Connection) {
    start_with(Config::default())
}

/// A server with this configuration and a client of it.
pub(crate) fn start_with(config: Config) -> (Local, Connection) {
    let mut local = Local::new(config);
    let client = local.connect();
    (local, client)
}

/// Sends a command, and returns the bytes of the reply.
pub(crate) fn call(local: &mut Local, client: Connection, words: &[&str]) -> String {
    local.send(client, &request(words));
    String::from_utf8(local.received(client)).unwrap()
}

/// Sends the words of a line, and returns the reply as redis-cli shows it.
pub(crate) fn show(local: &mut Local, client: Connection, line: &str) -> String {
    local.call(client, line.split(' ')).to_string()
}
