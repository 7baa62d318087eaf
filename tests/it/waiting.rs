//! Commands that wait, and what happens meanwhile.

use std::time::Duration;

use respd::Config;
use respd::local::{Connection, Local, request};

fn send(local: &mut Local, client: Connection, words: &str) {
    local.send(client, &request(words.split(' ')));
}

fn received(local: &mut Local, client: Connection) -> String {
    String::from_utf8(local.received(client)).expect("plain replies")
}

fn said(local: &mut Local, client: Connection, words: &str) -> String {
    send(local, client, words);
    received(local, client)
}

#[test]
fn who_came_first_is_served_first() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    assert_eq!(said(&mut local, ann, "BLPOP a b 0"), "");
    assert_eq!(said(&mut local, ben, "BLPOP b 0"), "");
    assert_eq!(said(&mut local, cat, "RPUSH b 1 2 3"), ":3\r\n");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
    assert_eq!(received(&mut local, ben), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    assert_eq!(said(&mut local, cat, "LLEN b"), ":1\r\n");
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn what_was_sent_behind_a_command_that_waits_runs_after_it() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    send(&mut local, ann, "ECHO later");
    local.send(ann, b"PI");
    assert_eq!(received(&mut local, ann), "");
    send(&mut local, ben, "RPUSH a 1");
    local.advance(Duration::ZERO);
    local.send(ann, b"NG\r\n");
    let all = "*2\r\n$1\r\na\r\n$1\r\n1\r\n$5\r\nlater\r\n+PONG\r\n";
    assert_eq!(received(&mut local, ann), all);
}

#[test]
fn time_runs_out() {
    let mut local = Local::new(Config::default());
    let ann = local.connect();
    assert_eq!(said(&mut local, ann, "BLPOP a 0.5"), "");
    local.advance(Duration::from_millis(499));
    assert_eq!(received(&mut local, ann), "");
    local.advance(Duration::from_millis(1));
    assert_eq!(received(&mut local, ann), "*-1\r\n");
    assert_eq!(said(&mut local, ann, "PING"), "+PONG\r\n");
}

#[test]
fn who_is_gone_takes_nothing_along() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    send(&mut local, ben, "BLPOP a 0");
    local.finish(ann);
    assert_eq!(said(&mut local, cat, "CLIENT KILL ID 2"), ":1\r\n");
    assert_eq!(said(&mut local, cat, "RPUSH a 1"), ":1\r\n");
    assert_eq!(said(&mut local, cat, "LRANGE a 0 -1"), "*1\r\n$1\r\n1\r\n");
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn nothing_waits_in_a_transaction() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    said(&mut local, ben, "MULTI");
    said(&mut local, ben, "BLPOP b 0");
    said(&mut local, ben, "RPUSH a 1");
    said(&mut local, ben, "LLEN a");
    assert_eq!(said(&mut local, ben, "EXEC"), "*3\r\n*-1\r\n:1\r\n:1\r\n");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}
