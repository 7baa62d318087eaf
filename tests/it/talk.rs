//! Talking to a server in the test's own process.

use respd::embed::local::{Connection, Local, request};

/// Sends a request; no word has a space in it.
pub fn send(local: &mut Local, client: Connection, words: &str) {
    local.send(client, &request(words.split(' ')));
}

/// What has come for the client since it was last asked.
pub fn received(local: &mut Local, client: Connection) -> String {
    String::from_utf8(local.received(client)).expect("plain replies")
}

/// What comes back for a request.
pub fn said(local: &mut Local, client: Connection, words: &str) -> String {
    send(local, client, words);
    received(local, client)
}
