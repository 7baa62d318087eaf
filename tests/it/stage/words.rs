//! `respd::test::Server`: the stage in plain words.

use std::time::Duration;

use respd::args;
use respd::test::Server;

use crate::socket::Socket;

fn say(client: &mut Socket, line: &str) -> String {
    client.call(line.split(' '))
}

#[test]
fn a_fault_is_told_in_words() {
    let server = Server::start().unwrap();
    let mut client = Socket::tcp(server.addr());
    say(&mut client, "CLIENT SETNAME web");
    let rule =
        "no ON GET ARGS 1 k* CLIENT NAME w* PROTO 2 SKIP 1 TIMES 1 DO ERROR \"LOADING not yet\"";
    server.fault(rule).unwrap();
    let said = ["GET k", "GET other", "GET k", "GET k"].map(|line| say(&mut client, line));
    assert_eq!(said, ["(nil)", "(nil)", "(error) LOADING not yet", "(nil)"]);
    let faults = server.stage(["FAULT", "LIST"]).unwrap().into_vec().unwrap();
    assert_eq!(faults[0].get("hits").unwrap().as_i64(), Some(1));
}

#[test]
fn bytes_are_escaped_as_in_a_file_or_given_as_a_word() {
    let server = Server::start().unwrap();
    let mut client = Socket::tcp(server.addr());
    server.fault(r#"odd ON GET DO REPLY "+a\r\n" THEN PUSH '+b\\n\r\n'"#).unwrap();
    assert_eq!(say(&mut client, "GET k"), "a");
    assert_eq!(client.frame().unwrap(), b"+b\\n\r\n");
    server.stage(args!["SEND", "NAME", "*", b"+c\r\n"]).unwrap();
    assert_eq!(client.frame().unwrap(), b"+c\r\n");
    let unbalanced = server.fault("odd ON GET DO REPLY \"+a").unwrap_err();
    assert_eq!(unbalanced.to_string(), "unbalanced quotes in 'odd ON GET DO REPLY \"+a'");
}

#[test]
fn time_passes_when_it_is_told_to() {
    let server = Server::start().unwrap();
    server.freeze().unwrap();
    server.set("key", "value").unwrap();
    server.call(["EXPIRE", "key", "3600"]).unwrap();
    server.advance(Duration::from_millis(3_599_999)).unwrap();
    assert_eq!(server.get("key").unwrap().unwrap(), b"value");
    server.advance(Duration::from_millis(1)).unwrap();
    assert_eq!(server.get("key").unwrap(), None);
}

#[test]
fn the_journal_has_what_was_sent() {
    let server = Server::start().unwrap();
    let mut client = Socket::tcp(server.addr());
    say(&mut client, "CLIENT SETNAME web");
    say(&mut client, "GET k");
    server.wait_for("GET", 1, Duration::from_secs(30)).unwrap();
    let entries = server.journal("CLIENT NAME web").unwrap();
    let get = entries.last().unwrap();
    assert_eq!(
        (&get.argv[..], &get.name[..]),
        (&[b"GET".to_vec(), b"k".to_vec()][..], &b"web"[..])
    );
    assert_eq!(get.reply.as_deref(), Some(&b"$-1\r\n"[..]));
    assert_eq!(server.journal(&format!("SINCE {}", get.seq + 1)).unwrap(), []);
    assert!(server.journal("").unwrap().len() > entries.len());
    let late = server.wait_for("DEL", 1, Duration::from_millis(1)).unwrap_err();
    assert_eq!(late.to_string(), "DEL has been sent 0 times, not 1, within 1ms");
}

#[test]
fn an_error_has_the_text_of_the_server_and_reset_leaves_nothing() {
    let server = Server::start().unwrap();
    let error = server.fault("f ON GET DO DELAY soon").unwrap_err();
    assert!(error.to_string().starts_with("ERR STAGE: DELAY"), "{error}");
    server.fault("f ON * DO CLOSE").unwrap();
    assert_eq!(server.get("k").unwrap(), None, "its own client meets no fault");
    server.stage(["ACCEPT", "REFUSE", "TIMES", "9"]).unwrap();
    server.stage(["RESET"]).unwrap();
    assert_eq!(say(&mut Socket::tcp(server.addr()), "GET k"), "(nil)");
}
