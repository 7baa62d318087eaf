//! `respd::test::Server`: the stage in plain words.

use std::time::Duration;

use respd::test::{Clients, Fault, Server};

use crate::socket::Socket;

fn say(client: &mut Socket, line: &str) -> String {
    client.call(line.split(' '))
}

#[test]
fn a_fault_is_told_in_words() {
    let server = Server::start().unwrap();
    let mut client = Socket::tcp(server.addr());
    say(&mut client, "CLIENT SETNAME web");
    let web = Clients::named("w*").with("proto", "2");
    let fault = Fault::new("no").on("GET").arg(1, "k*").client(web).skip(1).times(1);
    server.fault(fault.doing("ERROR LOADING not yet")).unwrap();
    let said = ["GET k", "GET other", "GET k", "GET k"].map(|line| say(&mut client, line));
    assert_eq!(said, ["(nil)", "(nil)", "(error) LOADING not yet", "(nil)"]);
    assert_eq!(server.hits("no").unwrap(), Some(1));
    server.del_fault("no").unwrap();
    assert_eq!(server.hits("no").unwrap(), None);
}

#[test]
fn bytes_mean_themselves() {
    let server = Server::start().unwrap();
    let mut client = Socket::tcp(server.addr());
    server.fault(Fault::new("odd").on("GET").reply(b"+a\\r\r\n").push(b"+b\\n\r\n")).unwrap();
    assert_eq!(say(&mut client, "GET k"), "a\\r");
    assert_eq!(client.frame().unwrap(), b"+b\\n\r\n");
    say(&mut client, "CLIENT SETNAME web");
    server.send("web", b"+c\\t\r\n").unwrap();
    assert_eq!(client.frame().unwrap(), b"+c\\t\r\n");
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
    server.journal().on().unwrap();
    let mut client = Socket::tcp(server.addr());
    say(&mut client, "CLIENT SETNAME web");
    say(&mut client, "GET k");
    server.journal().wait("GET", 1, Duration::from_secs(30)).unwrap();
    let entries = server.journal().get(Clients::named("web"), 0).unwrap();
    let get = entries.last().unwrap();
    assert_eq!(
        (&get.argv[..], &get.name[..]),
        (&[b"GET".to_vec(), b"k".to_vec()][..], &b"web"[..])
    );
    assert_eq!(get.reply.as_deref(), Some(&b"$-1\r\n"[..]));
    assert_eq!(server.journal().get(Clients::any(), get.seq + 1).unwrap(), []);
    let late = server.journal().wait("DEL", 1, Duration::from_millis(1)).unwrap_err();
    assert_eq!(late.to_string(), "DEL has been sent 0 times, not 1, within 1ms");
}

#[test]
fn an_error_has_the_text_of_the_server_and_reset_leaves_nothing() {
    let server = Server::start().unwrap();
    let error = server.fault(Fault::new("f").on("GET").doing("DELAY soon")).unwrap_err();
    assert!(error.to_string().starts_with("ERR STAGE: DELAY"), "{error}");
    server.fault(Fault::new("f").on("*").doing("CLOSE")).unwrap();
    assert_eq!(server.get("k").unwrap(), None, "its own client meets no fault");
    server.accept("REFUSE TIMES 9").unwrap();
    server.reset().unwrap();
    assert_eq!(say(&mut Socket::tcp(server.addr()), "GET k"), "(nil)");
}
