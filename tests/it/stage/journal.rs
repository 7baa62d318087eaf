//! STAGE JOURNAL: what clients have sent, and what they were replied.

use respd::Value;
use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::{Connection, Local, request};
use respd::{ManualClock, Server};

use super::{call, staged};
use crate::socket::Socket;

/// The entries of the journal, a line each: `seq client name: argv -> reply`.
fn entries(local: &mut Local, client: Connection, line: &str) -> Vec<String> {
    let shown = local.call(client, line.split(' '));
    let Value::Array(entries) = shown else { panic!("{shown}") };
    entries.iter().map(entry).collect()
}

fn entry(entry: &Value) -> String {
    let Value::Array(fields) = entry else { panic!("{entry}") };
    let [_, seq, time, at, _, client, _, name, _, argv, key, reply] = &fields[..] else {
        panic!("{entry}")
    };
    assert_eq!((time.to_string(), key.to_string()), ("\"time\"".into(), "\"reply\"".into()));
    assert_eq!(at.to_string(), "(integer) 1700000000000000");
    let text = |value: &Value| match value {
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Integer(number) => number.to_string(),
        _ => "nothing".to_owned(),
    };
    let Value::Array(words) = argv else { panic!("{argv}") };
    let words: Vec<String> = words.iter().map(text).collect();
    let reply = text(reply).replace("\r\n", "|");
    format!("{} {} {}: {} -> {reply}", text(seq), text(client), text(name), words.join(" "))
}

#[test]
fn an_entry_has_what_was_sent_and_what_was_replied() {
    let (mut local, ann) = staged();
    let ben = local.connect();
    call(&mut local, ben, "PING before");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL ON"), "+OK\r\n");
    call(&mut local, ben, "CLIENT SETNAME ben");
    call(&mut local, ben, "get k");
    call(&mut local, ben, "SET k");
    call(&mut local, ben, "nosuch command");
    call(&mut local, ben, "AUTH ben sesame");
    call(&mut local, ann, "HELLO 3");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL OFF"), "+OK\r\n");
    call(&mut local, ben, "PING behind");
    call(&mut local, ann, "HELLO 2");
    assert_eq!(
        entries(&mut local, ann, "STAGE JOURNAL GET CLIENT ID 2"),
        [
            "1 2 : CLIENT SETNAME ben -> +OK|",
            "2 2 ben: get k -> $-1|",
            "3 2 ben: SET k -> -ERR wrong number of arguments for 'set' command|",
            "4 2 ben: nosuch command -> -ERR unknown command 'nosuch', with args beginning with: 'command' |",
            "5 2 ben: AUTH ben sesame -> -WRONGPASS invalid username-password pair or user is disabled.|",
        ]
    );
    let ann_s = entries(&mut local, ann, "STAGE JOURNAL GET SINCE 2 CLIENT PROTO 2 NAME *");
    assert_eq!(ann_s.len(), 5, "{ann_s:?}");
    assert!(ann_s[4].starts_with("6 1 : HELLO 3 -> %7|"), "as the client was when it sent it");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL RESET"), "+OK\r\n");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL GET"), "*0\r\n");
}

#[test]
fn transactions_and_scripts_are_what_was_sent_of_them() {
    let (mut local, ann) = staged();
    call(&mut local, ann, "STAGE JOURNAL ON");
    for line in ["MULTI", "SET k v", "EXEC"] {
        call(&mut local, ann, line);
    }
    if cfg!(feature = "lua") {
        local.call(ann, ["EVAL", "return redis.call('get','k')", "0"]);
    }
    let mut expected =
        vec!["1 1 : MULTI -> +OK|", "2 1 : SET k v -> +QUEUED|", "3 1 : EXEC -> *1|+OK|"];
    if cfg!(feature = "lua") {
        expected.push("4 1 : EVAL return redis.call('get','k') 0 -> $1|v|");
    }
    assert_eq!(entries(&mut local, ann, "STAGE JOURNAL GET"), expected);
}

#[test]
fn a_command_that_waits_has_its_reply_when_that_comes() {
    let (mut local, ann) = staged();
    let [ben, cid, dee] = [(); 3].map(|()| local.connect());
    call(&mut local, ann, "STAGE JOURNAL ON");
    call(&mut local, ben, "BLPOP l 0");
    call(&mut local, cid, "BLPOP m 0");
    call(&mut local, ann, "CLIENT PAUSE 1000 WRITE");
    call(&mut local, dee, "RPUSH l x");
    let waits = ["1 2 : BLPOP l 0 -> nothing", "2 3 : BLPOP m 0 -> nothing"];
    let held = "4 4 : RPUSH l x -> nothing";
    let shown = entries(&mut local, ann, "STAGE JOURNAL GET");
    assert_eq!((&shown[..2], &*shown[3]), (&waits.map(String::from)[..], held));
    call(&mut local, ann, "CLIENT UNPAUSE");
    local.advance(std::time::Duration::ZERO);
    call(&mut local, ann, "CLIENT UNBLOCK 3 ERROR");
    let shown = entries(&mut local, ann, "STAGE JOURNAL GET");
    assert_eq!(
        [&*shown[0], &*shown[1], &*shown[3]],
        [
            "1 2 : BLPOP l 0 -> *2|$1|l|$1|x|",
            "2 3 : BLPOP m 0 -> -UNBLOCKED client unblocked via CLIENT UNBLOCK|",
            "4 4 : RPUSH l x -> :1|",
        ]
    );
    assert_eq!(shown.len(), 6, "what a pause has held back is one entry: {shown:?}");
}

#[test]
fn what_a_fault_has_made_of_a_reply_is_shown() {
    let (mut local, ann) = staged();
    let ben = local.connect();
    call(&mut local, ann, "STAGE JOURNAL ON");
    call(&mut local, ann, "STAGE FAULT ADD no ON GET DO ERROR BUSY");
    call(&mut local, ann, "STAGE FAULT ADD gone ON ECHO DO RUN THEN DROP");
    call(&mut local, ben, "GET k");
    call(&mut local, ben, "ECHO x");
    call(&mut local, ben, "CLIENT REPLY SKIP");
    call(&mut local, ben, "PING");
    local.send(ben, b"*1\r\n+x\r\n");
    assert_eq!(
        entries(&mut local, ann, "STAGE JOURNAL GET"),
        [
            "1 2 : GET k -> -BUSY|",
            "2 2 : ECHO x -> ",
            "3 2 : CLIENT REPLY SKIP -> ",
            "4 2 : PING -> ",
            "5 2 :  -> -ERR Protocol error: expected '$', got '+'|",
        ]
    );
}

#[test]
fn a_test_waits_until_a_command_has_been_sent_so_often() {
    let (mut local, ann) = staged();
    let ben = local.connect();
    let reply = call(&mut local, ann, "STAGE JOURNAL WAIT GET COUNT 1 TIMEOUT 5");
    assert!(reply.starts_with("-ERR STAGE: the journal is off"), "{reply}");
    call(&mut local, ann, "STAGE JOURNAL ON 3");
    call(&mut local, ben, "GET a");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL WAIT GET COUNT 1 TIMEOUT 5"), ":1\r\n");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL WAIT get ARGS 1 a COUNT 4 TIMEOUT 5"), "");
    for line in ["GET b", "GET a", "SET a x", "PING", "PING", "GET a"] {
        call(&mut local, ben, line);
        assert_eq!(local.received(ann), b"", "{line}");
    }
    call(&mut local, ben, "GET a");
    // Commands whose entries have gone meanwhile count.
    assert_eq!(local.received(ann), b":4\r\n");
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL WAIT PING COUNT 4 TIMEOUT 5"), "");
    call(&mut local, ben, "PING");
    local.advance(std::time::Duration::from_millis(5));
    assert_eq!(local.received(ann), b":2\r\n", "the entry of the first has gone");
    // What waits for something else is not woken.
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL WAIT PING COUNT 9 TIMEOUT 9"), "");
    call(&mut local, ben, "CLIENT UNBLOCK 1");
    assert_eq!(local.received(ann), b":1\r\n");
    call(&mut local, ann, "BLPOP nothing 0");
    local.advance(std::time::Duration::from_millis(9));
    assert_eq!(local.received(ann), b"");
}

/// Otherwise a test hangs that stops the clock and waits for a client that has gone.
#[test]
fn a_wait_ends_while_the_clock_stands_still() {
    let clock = ManualClock::new();
    clock.freeze();
    let config = Config { enable_stage_command: Callers::Local, ..Config::default() };
    let builder = Server::builder().config(config).any_port().clock(clock);
    let server = builder.bind().unwrap().spawn();
    let mut ann = Socket::tcp(server.addr().unwrap());
    ann.call(["STAGE", "JOURNAL", "ON"]);
    let line = "STAGE JOURNAL WAIT GET COUNT 1 TIMEOUT 1";
    assert_eq!(ann.call(line.split(' ')), "(integer) 0");
}

#[test]
fn a_line_that_is_wrong_changes_nothing() {
    let (mut local, ann) = staged();
    call(&mut local, ann, "STAGE JOURNAL ON");
    call(&mut local, ann, "PING");
    for (line, told) in [
        ("START", "JOURNAL takes ON, OFF, RESET, GET or WAIT, not 'START'"),
        ("ON 0", "ON takes a number from 1 to 10000000, not '0'"),
        ("ON 1 2", "'2' cannot stand here, where nothing can"),
        ("OFF x", "'x' cannot stand here"),
        ("RESET x", "'x' cannot stand here"),
        ("GET x", "'x' cannot stand here, where CLIENT or SINCE can"),
        ("GET SINCE", "SINCE takes a number from 0 on, but the line ends there"),
        ("GET CLIENT ID x", "ID takes a number from 0 on, not 'x'"),
        ("WAIT", "WAIT takes the name of a command, or a pattern, but the line ends there"),
        ("WAIT STAGE COUNT 1 TIMEOUT 1", "WAIT takes any command but STAGE"),
        ("WAIT GET COUNT 1", "WAIT takes COUNT and TIMEOUT behind the command"),
        ("WAIT GET COUNT 0 TIMEOUT 1", "COUNT takes a number from 1 to 10000000, not '0'"),
        ("WAIT GET COUNT 1 TIMEOUT x", "TIMEOUT takes a number from 0 to 86400000, not 'x'"),
        ("WAIT GET x", "'x' cannot stand here, where ARGS, COUNT or TIMEOUT can"),
    ] {
        let reply = call(&mut local, ann, &format!("STAGE JOURNAL {line}"));
        assert!(reply.starts_with("-ERR STAGE: ") && reply.contains(told), "{line}: {reply}");
    }
    call(&mut local, ann, "PING");
    let shown = entries(&mut local, ann, "STAGE JOURNAL GET");
    assert_eq!(shown, ["1 1 : PING -> +PONG|", "2 1 : PING -> +PONG|"]);
    local.send(ann, &request(["STAGE", "RESET"]));
    local.received(ann);
    assert_eq!(call(&mut local, ann, "STAGE JOURNAL GET"), "*0\r\n");
}

/// Whatever its time-out is: nothing could make it come true any more.
#[test]
fn a_wait_ends_with_the_journal_that_it_waits_for() {
    for end in ["STAGE JOURNAL OFF", "STAGE RESET"] {
        let (mut local, driver) = staged();
        let waiting = local.connect();
        call(&mut local, driver, "STAGE JOURNAL ON");
        assert_eq!(call(&mut local, waiting, "STAGE JOURNAL WAIT GET COUNT 3 TIMEOUT 0"), "");
        assert_eq!(call(&mut local, driver, end), "+OK\r\n");
        let told = String::from_utf8(local.received(waiting)).unwrap();
        assert!(told.starts_with("-ERR ") && told.contains("the journal is off"), "{end}: {told}");
        assert_eq!(call(&mut local, waiting, "PING"), "+PONG\r\n");
    }
}

#[test]
fn a_wait_counts_anew_when_the_journal_does() {
    for line in ["STAGE JOURNAL RESET", "STAGE JOURNAL ON"] {
        let (mut local, driver) = staged();
        let [waiting, client] = [(); 2].map(|()| local.connect());
        call(&mut local, driver, "STAGE JOURNAL ON");
        assert_eq!(call(&mut local, waiting, "STAGE JOURNAL WAIT GET COUNT 2 TIMEOUT 0"), "");
        call(&mut local, client, "GET a");
        call(&mut local, driver, line);
        call(&mut local, client, "GET a");
        assert_eq!(local.received(waiting), b"", "{line}");
        call(&mut local, client, "GET a");
        assert_eq!(local.received(waiting), b":2\r\n", "{line}");
    }
}
