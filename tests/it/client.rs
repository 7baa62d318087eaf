//! A client of a server in the test's own process: what it sends, and what it receives.

use std::fmt::Display;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};

/// A server with the default configuration, and clients of it.
pub fn started<const N: usize>() -> (Local, [Connection; N]) {
    started_with(Config::default())
}

/// A server with this configuration, and clients of it.
pub fn started_with<const N: usize>(config: Config) -> (Local, [Connection; N]) {
    let mut local = Local::new(config);
    let clients = [(); N].map(|()| local.connect());
    (local, clients)
}

/// Sends a request; no word has a space in it.
pub fn send(local: &mut Local, client: Connection, words: &str) {
    local.send(client, &request(words.split(' ')));
}

/// Takes the bytes that were sent to the client since the last call.
pub fn received(local: &mut Local, client: Connection) -> String {
    String::from_utf8(local.received(client)).expect("plain replies")
}

/// As [`received`], on one line: `*1 :7 `.
pub fn received_on_a_line(local: &mut Local, client: Connection) -> String {
    received(local, client).replace("\r\n", " ")
}

/// Sends a request and returns what comes back.
pub fn call(local: &mut Local, client: Connection, words: &str) -> String {
    send(local, client, words);
    received(local, client)
}

/// As [`call`], with more arguments than one would write down.
pub fn call_with<T: Display>(
    local: &mut Local,
    client: Connection,
    words: &str,
    more: impl Iterator<Item = T>,
) -> String {
    let mut args: Vec<String> = words.split(' ').map(str::to_owned).collect();
    args.extend(more.map(|arg| arg.to_string()));
    local.send(client, &request(&args));
    received(local, client)
}

/// As [`call`], on one line.
pub fn call_on_a_line(local: &mut Local, client: Connection, words: &str) -> String {
    send(local, client, words);
    received_on_a_line(local, client)
}

/// Sends a request and returns its one reply as redis-cli shows it.
pub fn call_shown(local: &mut Local, client: Connection, words: &str) -> String {
    local.call(client, words.split(' ')).to_string()
}

/// Sends several requests, of which none fails: `SET a 1; GET a`.
pub fn call_all(local: &mut Local, client: Connection, requests: &str) {
    for words in requests.split("; ").filter(|words| !words.is_empty()) {
        let reply = call(local, client, words);
        assert!(!reply.starts_with('-'), "{words}: {reply}");
    }
}
