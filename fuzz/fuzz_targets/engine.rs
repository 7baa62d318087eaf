//! Any bytes into a whole engine: it never panics, every reply can be read, the other client does not
//! notice, and all is the same however the bytes are cut.
//!
//! The first byte of the input says how long the pieces are; the rest is what a client sends. Debug
//! assertions are on, so a handler that owes a reply, or writes two, is found as well.

#![no_main]

use libfuzzer_sys::fuzz_target;
use respd::internals::config::Config;
use respd::internals::embed::local::Local;
use respd::internals::wire::value;

fuzz_target!(|data: &[u8]| {
    let Some((&size, input)) = data.split_first() else { return };
    let pieces = usize::from(size).max(1);
    let (whole, cut) = (converse(input, input.len().max(1)), converse(input, pieces));
    // Counters of bytes and buffers, which some replies show, depend on the pieces: the kinds do not.
    assert_eq!(whole.0, cut.0, "in pieces of {pieces}");
    assert_eq!(whole.1, cut.1, "open, in pieces of {pieces}");
});

/// The kind of each reply, and whether the connection is still open.
fn converse(input: &[u8], piece: usize) -> (Vec<u8>, bool) {
    let mut local = Local::new(Config::default());
    let (client, other) = (local.connect(), local.connect());
    let mut replies = Vec::new();
    for piece in input.chunks(piece) {
        local.send(client, piece);
        replies.extend(local.received(client));
    }
    if local.is_open(other) {
        local.send(other, b"PING\r\n");
        // Unless it was spoken to, or closed, by CLIENT KILL and its kin.
        let answer = local.received(other);
        assert!(answer.is_empty() || answer.ends_with(b"+PONG\r\n"), "{}", answer.escape_ascii());
    }
    let mut kinds = Vec::new();
    let mut rest = &replies[..];
    while !rest.is_empty() {
        let (_, len) =
            value::decode(rest).expect("replies that can be read").expect("whole replies");
        kinds.push(rest[0]);
        rest = &rest[len..];
    }
    (kinds, local.is_open(client))
}
