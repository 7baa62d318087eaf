//! STAGE FAULT: which commands meet a fault, and what comes of it, in every place where a command runs.

use super::{call, staged};
use respd::embed::local::{Connection, Local, request};

/// A server with the fault `f`, and a client of it.
fn with_fault(rule: &str) -> (Local, Connection) {
    let (mut local, client) = staged();
    assert_eq!(call(&mut local, client, "SET k value"), "+OK\r\n");
    add(&mut local, client, rule);
    (local, client)
}

fn add(local: &mut Local, client: Connection, rule: &str) {
    assert_eq!(call(local, client, &format!("STAGE FAULT ADD f {rule}")), "+OK\r\n", "{rule}");
}

/// What the client is sent for requests in one piece.
fn pipeline(local: &mut Local, client: Connection, lines: &[&str]) -> String {
    let bytes: Vec<u8> = lines.iter().flat_map(|line| request(line.split(' '))).collect();
    local.send(client, &bytes);
    text(local.received(client))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

const VALUE: &str = "$5\r\nvalue\r\n";
const PONG: &str = "+PONG\r\n";

#[test]
fn each_action_does_what_it_says_in_a_pipeline() {
    for (actions, sent, is_open) in [
        ("RUN", VALUE, true),
        ("ERROR LOADING", "-LOADING\r\n", true),
        ("REPLY \\x00:x\\r\\n", "\0:x\r\n", true),
        ("REPLY :1\\r\\n THEN CLOSE", ":1\r\n", false),
        ("ERROR no THEN RESET", "-no\r\n", false),
        ("ERROR no THEN CUT 2", "-n", false),
        ("AS array", "*1\r\n$5\r\nvalue\r\n", true),
        ("RUN THEN AS integer", ":5\r\n", true),
        ("CUT 6", "$5\r\nva", false),
        ("CUT 0", "", false),
        ("CUT 99", VALUE, false),
        ("CUT 3 THEN RESET", "$5\r", false),
        ("CLOSE", "", false),
        ("RUN THEN CLOSE", "", false),
        ("RESET", "", false),
        ("RUN THEN RESET", "", false),
        ("PUSH >0\\r\\n", ">0\r\n$5\r\nvalue\r\n", true),
        ("RUN THEN PUSH >0\\r\\n", "$5\r\nvalue\r\n>0\r\n", true),
        ("PUSH a THEN PUSH b", "a$5\r\nvalue\r\nb", true),
        ("PUSH a THEN ERROR no THEN PUSH b", "a-no\r\nb", true),
        ("PUSH a THEN CLOSE", "a", false),
        ("DROP", "", true),
        ("DROP THEN PUSH x", "x", true),
        ("DELAY 0", VALUE, true),
    ] {
        let (mut local, client) = with_fault(&format!("ON GET DO {actions}"));
        let received = pipeline(&mut local, client, &["PING", "GET k", "PING"]);
        let expected = format!("{PONG}{sent}{}", if is_open { PONG } else { "" });
        assert_eq!((received, local.is_open(client)), (expected, is_open), "{actions}");
        if is_open {
            assert_eq!(call(&mut local, client, "ECHO a"), "$1\r\na\r\n", "{actions}");
        }
    }
}
