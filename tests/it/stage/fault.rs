//! STAGE FAULT: which commands meet a fault, and what comes of it, in every place where a command runs.

use std::time::Duration;

use super::{call, staged};
use respd::internals::embed::local::{Connection, Local, request};

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
        ("ERROR -LOADING", "-LOADING\r\n", true),
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

/// What the client is sent in each turn, until there is nothing for some.
fn pieces(local: &mut Local, client: Connection) -> Vec<String> {
    let mut pieces = Vec::new();
    loop {
        match text(local.received(client)) {
            piece if piece.is_empty() => return pieces,
            piece => pieces.push(piece),
        }
        local.advance(Duration::ZERO);
    }
}

#[test]
fn a_split_reply_is_sent_in_several_turns() {
    for (actions, expected) in [
        ("SPLIT AT 1", &["$", "5\r\nvalue\r\n+PONG\r\n"][..]),
        ("RUN THEN SPLIT AT 10", &["$5\r\nvalue\r", "\n+PONG\r\n"]),
        ("SPLIT AT 11", &["$5\r\nvalue\r\n+PONG\r\n"]),
        ("SPLIT BEFORE lu", &["$5\r\nva", "lue\r\n+PONG\r\n"]),
        ("SPLIT BEFORE $", &["$5\r\nvalue\r\n+PONG\r\n"]),
        ("SPLIT BEFORE \\r\\n", &["$5", "\r\nvalue\r\n+PONG\r\n"]),
        ("SPLIT EACH 4", &["$5\r\n", "valu", "e\r\n+PONG\r\n"]),
        ("SPLIT EACH 5 THEN SPLIT AT 6", &["$5\r\nv", "a", "lue\r", "\n+PONG\r\n"]),
        ("SPLIT AT 2 THEN CUT 4", &["$5", "\r\n"]),
        ("PUSH p THEN SPLIT AT 2 THEN PUSH q", &["p$5", "\r\nvalue\r\nq+PONG\r\n"]),
        ("REPLY abc THEN SPLIT EACH 1", &["a", "b", "c+PONG\r\n"]),
        ("ERROR no THEN SPLIT AT 1 THEN CLOSE", &["-", "no\r\n"]),
    ] {
        let (mut local, client) = with_fault(&format!("ON GET DO {actions}"));
        let bytes = [request(["GET", "k"]), request(["PING"])].concat();
        local.send(client, &bytes);
        assert_eq!(pieces(&mut local, client), expected, "{actions}");
    }
}

#[test]
fn pauses_and_delays_go_by_the_told_clock() {
    let ms = Duration::from_millis;
    let (mut local, client) = with_fault("ON GET TIMES 1 DO DELAY 200 THEN SPLIT AT 4 PAUSE 20");
    let other = local.connect();
    assert_eq!(pipeline(&mut local, client, &["PING", "GET k", "INCR n"]), PONG);
    assert_eq!(call(&mut local, other, "GET n"), "$1\r\n1\r\n", "the later command has run");
    assert_eq!(call(&mut local, client, "GET k"), "", "later replies wait behind it");
    assert_eq!(local.engine.next_deadline(), Some(local.engine.world.now.mono + 200_000));
    local.advance(ms(199));
    assert_eq!(text(local.received(client)), "");
    local.advance(ms(1));
    assert_eq!(text(local.received(client)), "$5\r\n");
    local.advance(ms(19));
    assert_eq!(text(local.received(client)), "");
    local.advance(ms(1));
    assert_eq!(text(local.received(client)), format!("value\r\n:1\r\n{VALUE}"));
    assert_eq!(local.engine.next_deadline(), None);
    // A delay before an end.
    assert_eq!(
        call(&mut local, other, "STAGE FAULT ADD g ON PING DO DELAY 50 THEN CLOSE"),
        "+OK\r\n"
    );
    assert_eq!(pipeline(&mut local, client, &["GET k", "PING", "GET k"]), VALUE);
    local.advance(ms(49));
    assert!(local.is_open(client));
    local.advance(ms(1));
    assert!(!local.is_open(client));
}

#[test]
fn in_a_transaction_a_fault_meets_the_queued_command() {
    for (actions, sent, is_open) in [
        ("ERROR no", "*2\r\n-no\r\n+PONG\r\n", true),
        ("REPLY :7\\r\\n", "*2\r\n:7\r\n+PONG\r\n", true),
        ("REPLY broken", "*2\r\nbroken+PONG\r\n", true),
        ("AS integer", "*2\r\n:5\r\n+PONG\r\n", true),
        ("CUT 6", "*2\r\n$5", false),
        ("CLOSE", "", false),
        ("RUN THEN RESET", "", false),
        ("ERROR no THEN CLOSE", "*2\r\n-no\r\n+PONG\r\n", false),
        ("DROP", "", true),
        ("PUSH p", "p*2\r\n$5\r\nvalue\r\n+PONG\r\n", true),
        ("RUN THEN PUSH p", "*2\r\n$5\r\nvalue\r\n+PONG\r\np", true),
        ("SPLIT AT 2", "*2", true),
        ("DELAY 9", "", true),
        ("HANG", "", true),
    ] {
        let (mut local, client) = with_fault(&format!("ON GET DO {actions}"));
        assert_eq!(call(&mut local, client, "MULTI"), "+OK\r\n");
        let queued = pipeline(&mut local, client, &["GET k", "PING"]);
        assert_eq!(queued, "+QUEUED\r\n+QUEUED\r\n", "{actions}");
        let received = call(&mut local, client, "EXEC");
        assert_eq!((&received[..], local.is_open(client)), (sent, is_open), "{actions}");
    }
}

#[test]
fn an_exec_that_does_not_run_ends_its_transaction() {
    let (mut local, client) = with_fault("ON EXEC TIMES 1 DO ERROR EXECABORT");
    let sent = pipeline(&mut local, client, &["MULTI", "SET k other", "EXEC", "GET k"]);
    assert_eq!(sent, format!("+OK\r\n+QUEUED\r\n-EXECABORT\r\n{VALUE}"));
}

#[cfg(feature = "lua")]
#[test]
fn in_a_script_a_fault_meets_what_the_script_calls() {
    for (actions, sent, is_open) in [
        ("ERROR no", "$2\r\nno\r\n", true),
        ("REPLY :7\\r\\n", ":7\r\n", true),
        (
            "REPLY *1000000000\\r\\n",
            "$86\r\nERR STAGE: the bytes that a fault replies with are no reply that a script can be given\r\n",
            true,
        ),
        ("AS integer", ":5\r\n", true),
        ("CUT 3", "$5\r", false),
        ("CLOSE", "", false),
        ("RUN THEN CLOSE", "", false),
        ("DROP", "", true),
        ("SPLIT AT 2", "$5", true),
        ("DELAY 9", "", true),
    ] {
        let (mut local, client) = with_fault(&format!("ON GET DO {actions}"));
        let script = "local r = redis.pcall('GET', 'k') return type(r) == 'table' and r.err or r";
        local.send(client, &request(["EVAL", script, "0"]));
        let received = text(local.received(client));
        assert_eq!((&received[..], local.is_open(client)), (sent, is_open), "{actions}");
    }
}

#[test]
fn a_blocked_command_meets_its_fault_when_its_reply_comes() {
    let popped = "*2\r\n$1\r\nl\r\n$1\r\na\r\n";
    for (actions, before, after, is_open) in [
        ("CUT 4", "", "*2\r\n", false),
        ("RUN THEN CLOSE", "", "", false),
        ("RUN THEN RESET", "", "", false),
        ("AS integer", "", ":2\r\n", true),
        ("DROP", "", "", true),
        ("RUN THEN PUSH p", "", "*2\r\n$1\r\nl\r\n$1\r\na\r\np", true),
        ("PUSH p", "", "p*2\r\n$1\r\nl\r\n$1\r\na\r\n", true),
        ("ERROR no", "-no\r\n", "", true),
        ("RUN", "", popped, true),
    ] {
        let (mut local, client) = with_fault(&format!("ON BLPOP DO {actions}"));
        let other = local.connect();
        assert_eq!(call(&mut local, client, "BLPOP l 0"), before, "{actions}");
        assert!(local.is_open(client));
        assert_eq!(call(&mut local, other, "RPUSH l a"), ":1\r\n", "{actions}");
        let received = text(local.received(client));
        assert_eq!((&received[..], local.is_open(client)), (after, is_open), "{actions}");
        let left = if before.is_empty() { ":0\r\n" } else { ":1\r\n" };
        assert_eq!(call(&mut local, other, "LLEN l"), left, "{actions}");
    }
    let (mut local, client) = with_fault("ON BLPOP DO CLOSE");
    assert_eq!(call(&mut local, client, "BLPOP l 0"), "");
    assert!(!local.is_open(client), "it has not run, and waits for nothing");
    let (mut local, client) = with_fault("ON BLPOP DO DELAY 100");
    let other = local.connect();
    call(&mut local, client, "BLPOP l 0");
    local.advance(Duration::from_secs(1));
    call(&mut local, other, "RPUSH l a");
    assert_eq!(text(local.received(client)), "");
    local.advance(Duration::from_millis(100));
    assert_eq!(text(local.received(client)), popped);
    // A reply because the time is up, or because another client has said so, is one, too.
    let (mut local, client) = with_fault("ON BLPOP DO AS array");
    let other = local.connect();
    call(&mut local, client, "BLPOP l 1");
    local.advance(Duration::from_secs(1));
    assert_eq!(text(local.received(client)), "*0\r\n");
    call(&mut local, client, "BLPOP l 0");
    let id = local.engine.world.clients.iter().next().unwrap().id;
    call(&mut local, other, &format!("CLIENT UNBLOCK {id} TIMEOUT"));
    assert_eq!(text(local.received(client)), "*0\r\n");
    assert_eq!(call(&mut local, other, "STAGE FAULT CLEAR"), "+OK\r\n");
    call(&mut local, other, "STAGE FAULT ADD g ON BLPOP DO CUT 3");
    call(&mut local, client, "BLPOP l 0");
    call(&mut local, other, &format!("CLIENT UNBLOCK {id} ERROR"));
    assert_eq!((text(local.received(client)), local.is_open(client)), ("-UN".to_owned(), false));
}

#[test]
fn a_fault_is_met_before_the_login() {
    for (fault, line, sent, is_open) in [
        ("ON AUTH DO CLOSE", "AUTH secret", "", false),
        (
            "ON HELLO DO PUSH >0\\r\\n THEN RUN THEN CUT 5",
            "HELLO 3 AUTH default secret",
            ">0\r\n%7\r\n$",
            false,
        ),
        ("ON HELLO DO ERROR NOPROTO", "HELLO 3", "-NOPROTO\r\n", true),
        ("ON GET DO REPLY :1\\r\\n", "GET k", ":1\r\n", true),
        ("ON GET DO RUN THEN CUT 7", "GET k", "-NOAUTH", false),
        ("ON nosuch DO REPLY x", "NOSUCH k", "x", true),
        ("ON client|nosuch DO REPLY x", "CLIENT nosuch", "x", true),
        ("ON * CLIENT USER default DO DROP", "PING", "", true),
    ] {
        let (mut local, operator) = staged();
        add(&mut local, operator, fault);
        let mut passwords = respd::internals::config::Config::default();
        passwords.apply_option("requirepass", "secret").unwrap();
        assert_eq!(
            call(&mut local, operator, "CONFIG SET requirepass secret"),
            if fault.contains("USER") { "" } else { "+OK\r\n" }
        );
        let client = local.connect();
        let received = call(&mut local, client, line);
        assert_eq!((&received[..], local.is_open(client)), (sent, is_open), "{fault}");
    }
}

#[test]
fn replies_that_are_off_stay_off() {
    let (mut local, client) = with_fault("ON GET DO ERROR no");
    let sent = pipeline(&mut local, client, &["CLIENT REPLY SKIP", "GET k", "GET k"]);
    assert_eq!(sent, "-no\r\n");
    let sent = pipeline(&mut local, client, &["CLIENT REPLY OFF", "GET k", "CLIENT REPLY ON"]);
    assert_eq!(sent, "+OK\r\n");
    call(&mut local, client, "STAGE FAULT CLEAR");
    add(&mut local, client, "ON GET DO PUSH p THEN RUN THEN CUT 9");
    let sent = pipeline(&mut local, client, &["CLIENT REPLY OFF", "GET k", "PING"]);
    assert_eq!((&sent[..], local.is_open(client)), ("p", false), "what is pushed is no reply");
}

#[test]
fn replies_of_several_frames_are_one_reply() {
    let frames =
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n";
    for (actions, sent) in [
        ("PUSH p", format!("p{frames}")),
        ("RUN THEN PUSH p", format!("{frames}p")),
        ("AS integer", ":3\r\n:3\r\n".to_owned()),
        ("CUT 40", frames[..40].to_owned()),
        ("DROP", String::new()),
    ] {
        let (mut local, client) = with_fault(&format!("ON SUBSCRIBE DO {actions}"));
        assert_eq!(call(&mut local, client, "SUBSCRIBE a b"), sent, "{actions}");
    }
    let (mut local, client) = with_fault("ON GET DO AS set");
    call(&mut local, client, "HELLO 3");
    assert_eq!(call(&mut local, client, "GET k"), format!("~1\r\n{VALUE}"));
}

#[test]
fn a_message_follows_what_was_pushed_and_comes_behind_no_end() {
    let (mut local, client) = with_fault("ON PUBLISH DO RUN THEN PUSH p THEN CUT 2");
    call(&mut local, client, "HELLO 3");
    call(&mut local, client, "SUBSCRIBE news");
    assert_eq!(call(&mut local, client, "PUBLISH news x"), ":1");
    assert!(!local.is_open(client));
}

#[test]
fn a_client_that_hangs_is_neither_heard_nor_sent_to() {
    let (mut local, operator) = with_fault("ON GET DO HANG");
    let client = local.connect();
    call(&mut local, client, "HELLO 3");
    call(&mut local, client, "SUBSCRIBE news");
    call(&mut local, operator, "CONFIG SET timeout 1");
    assert_eq!(pipeline(&mut local, client, &["PING", "GET k", "SET k other"]), PONG);
    for _ in 0..100 {
        local.send(client, &request([&b"SET"[..], b"k", &[b'x'; 100_000]]));
    }
    assert_eq!(text(local.received(client)), "");
    let memory = local.engine.world.clients.iter().nth(1).unwrap().memory();
    assert!(memory < 10_000, "{memory} bytes");
    assert_eq!(call(&mut local, operator, "STRLEN k"), ":5\r\n");
    call(&mut local, operator, "STAGE SEND NAME * x");
    call(&mut local, operator, "PUBLISH news x");
    local.advance(Duration::from_secs(3));
    call(&mut local, operator, "PING");
    assert!(local.is_open(client), "no timeout closes it");
    assert_eq!(text(local.received(client)), "");
    // It goes when it goes, when it is killed, and when the test is over.
    for ends in ["", "CLIENT KILL ID", "STAGE RESET"] {
        let (mut local, operator) = with_fault("ON GET DO RUN THEN HANG");
        let client = local.connect();
        let id = local.engine.world.clients.iter().nth(1).unwrap().id;
        assert_eq!(call(&mut local, client, "GET k"), "");
        match ends {
            "" => local.finish(client),
            "STAGE RESET" => drop(call(&mut local, operator, ends)),
            kill => drop(call(&mut local, operator, &format!("{kill} {id}"))),
        }
        local.received(client);
        assert!(!local.is_open(client), "{ends}");
    }
    let (mut local, client) = with_fault("ON BLPOP DO RUN THEN HANG");
    let other = local.connect();
    call(&mut local, client, "BLPOP l 0");
    call(&mut local, other, "RPUSH l a");
    local.advance(Duration::ZERO);
    assert_eq!(call(&mut local, client, "PING"), "");
    assert_eq!(call(&mut local, other, "LLEN l"), ":0\r\n", "it has popped");
}

#[test]
fn each_matcher_says_which_commands_are_meant() {
    for (rule, hit, missed) in [
        ("", "GET k", "PING"),
        ("ON *", "PING", ""),
        ("ON PING", "ping", "GET k"),
        ("ON g*", "GETRANGE k 0 1", "PING"),
        ("ON client", "CLIENT ID", "COMMAND COUNT"),
        ("ON client|id", "CLIENT ID", "CLIENT GETNAME"),
        ("ARGS 1 k", "GET k", "GET l"),
        ("ON GET ARGS 0 GET -1 ?", "GET k", "get k"),
        ("CLIENT NAME web", "GET k", ""),
        ("CLIENT LIB redis-*", "GET k", ""),
        ("CLIENT USER default DB 0 PROTO 2", "GET k", ""),
        ("CLIENT NAME other", "", "GET k"),
        ("CLIENT DB 1", "", "GET k"),
        ("CLIENT PROTO 3", "", "GET k"),
        ("CLIENT ID 1000", "", "GET k"),
        ("CLIENT LIB *node*", "", "GET k"),
        ("CLIENT USER ann", "", "GET k"),
    ] {
        let (mut local, operator) = staged();
        let client = local.connect();
        call(&mut local, client, "CLIENT SETNAME web");
        call(&mut local, client, "CLIENT SETINFO LIB-NAME redis-py");
        add(&mut local, operator, &format!("{rule} DO REPLY x").trim_start().replace("  ", " "));
        for (line, is_hit) in [(hit, true), (missed, false)] {
            let reply = if line.is_empty() { continue } else { call(&mut local, client, line) };
            assert_eq!(reply == "x", is_hit, "{rule}: {line}");
        }
    }
}

/// Which of twelve GETs are hit.
fn hits(rule: &str) -> String {
    let (mut local, client) = with_fault(&format!("ON GET {rule} DO REPLY x"));
    (0..12).map(|_| if call(&mut local, client, "GET k") == "x" { 'x' } else { '.' }).collect()
}

#[test]
fn each_rule_says_which_of_them_are_hit() {
    for (rule, expected) in [
        ("SKIP 0", "xxxxxxxxxxxx"),
        ("SKIP 3", "...xxxxxxxxx"),
        ("TIMES 2", "xx.........."),
        ("SKIP 1 TIMES 2", ".xx........."),
        ("EVERY 3", "..x..x..x..x"),
        ("SKIP 1 EVERY 5", ".....x....x."),
        ("CHANCE 0 SEED 1", "............"),
        ("CHANCE 100 SEED 1", "xxxxxxxxxxxx"),
        // The numbers of SplitMix64, as everywhere.
        ("CHANCE 50 SEED 1", ".x.x.xxxx.x."),
        ("CHANCE 50 SEED 2", "xx.xxx..xxxx"),
        ("CHANCE 10 SEED 2", "............"),
        ("CHANCE 11 SEED 2", "x..........."),
    ] {
        assert_eq!(hits(rule), expected, "{rule}");
    }
}

#[test]
fn the_first_fault_with_a_hit_left_acts() {
    let (mut local, client) = staged();
    for rule in
        ["a ON GET TIMES 1 DO REPLY a", "b ON GET SKIP 1 TIMES 1 DO REPLY b", "c DO REPLY c"]
    {
        assert_eq!(call(&mut local, client, &format!("STAGE FAULT ADD {rule}")), "+OK\r\n");
    }
    let sent = pipeline(&mut local, client, &["GET k", "GET k", "GET k", "GET k"]);
    assert_eq!(sent, "acbc");
    let list = local.call(client, ["STAGE", "FAULT", "LIST"]);
    let shown = |at: usize, field: &str| list.elements()[at].get(field).unwrap().to_string();
    for (at, name, seen, hits, rule) in [
        (0, "a", 1, 1, "ON GET TIMES 1 DO REPLY a"),
        (1, "b", 2, 1, "ON GET SKIP 1 TIMES 1 DO REPLY b"),
        (2, "c", 2, 2, "DO REPLY c"),
    ] {
        assert_eq!(shown(at, "name"), format!("\"{name}\""));
        assert_eq!(shown(at, "seen"), format!("(integer) {seen}"));
        assert_eq!(shown(at, "hits"), format!("(integer) {hits}"));
        assert_eq!(shown(at, "rule"), format!("\"{rule}\""));
    }
    assert_eq!(call(&mut local, client, "STAGE FAULT DEL c"), "+OK\r\n");
    assert_eq!(
        call(&mut local, client, "STAGE FAULT DEL c"),
        "-ERR STAGE: there is no fault 'c'\r\n"
    );
    assert_eq!(call(&mut local, client, "PING"), PONG);
    assert_eq!(call(&mut local, client, "STAGE FAULT CLEAR"), "+OK\r\n");
    assert_eq!(call(&mut local, client, "STAGE FAULT LIST"), "*0\r\n");
}

#[test]
fn a_command_that_a_pause_holds_back_is_hit_once() {
    let (mut local, operator) = with_fault("ON SET SKIP 1 TIMES 1 DO CUT 1");
    let client = local.connect();
    call(&mut local, operator, "CLIENT PAUSE 1000 WRITE");
    assert_eq!(call(&mut local, client, "SET k a"), "");
    local.advance(Duration::from_secs(1));
    assert_eq!(text(local.received(client)), "+OK\r\n", "skipped, once");
    assert_eq!(call(&mut local, client, "SET k a"), "+");
}

#[test]
fn a_wrong_line_names_what_is_wrong_and_changes_nothing() {
    let (mut local, client) = staged();
    let long = format!("ADD f DO REPLY {}", "x".repeat((1 << 20) + 1));
    let many = format!("ADD f DO RUN{}", " THEN PUSH x".repeat(16));
    let name = format!("ADD {} DO RUN", "x".repeat(257));
    let pushes = format!("ADD f DO PUSH {0} THEN PUSH {0}", "x".repeat(600_000));
    let sought = format!("ADD f DO SPLIT BEFORE {}", "x".repeat(65));
    let error = format!("ADD f DO ERROR {}", "x".repeat(4097));
    for (line, told) in [
        ("NOSUCH", "'NOSUCH' cannot stand here, where ADD, CLEAR, DEL or LIST can"),
        ("ADD", "ADD takes a name, but the line ends there"),
        ("ADD f", "the line ends without DO and its actions"),
        (
            "ADD f DO",
            "DO takes RUN, ERROR, REPLY, AS, DELAY, SPLIT, CUT, CLOSE, RESET, HANG, PUSH or DROP, but the line ends there",
        ),
        (
            "ADD f NOW DO RUN",
            "'NOW' cannot stand here, where ON, ARGS, CLIENT, SKIP, TIMES, EVERY, CHANCE or DO can",
        ),
        ("ADD f ON GET ON SET DO RUN", "ON can stand there once"),
        ("ADD f ARGS 1 x ARGS 2 x DO RUN", "ARGS can stand there once"),
        ("ADD f CLIENT DB 1 SKIP 1 CLIENT DB 1 DO RUN", "CLIENT can stand there once"),
        ("ADD f SKIP 1 SKIP 1 DO RUN", "SKIP can stand there once"),
        ("ADD  DO RUN", "ADD takes a name of 1 to 256 bytes"),
        (&name, "ADD takes a name of 1 to 256 bytes"),
        ("ADD f TIMES 1 EVERY 2 DO RUN", "TIMES, EVERY or CHANCE can stand there once"),
        ("ADD f TIMES 0 DO RUN", "TIMES takes a number from 1 on, not '0'"),
        ("ADD f EVERY -1 DO RUN", "EVERY takes a number from 1 on, not '-1'"),
        ("ADD f CHANCE 101 SEED 1 DO RUN", "CHANCE takes a number from 0 to 100, not '101'"),
        ("ADD f CHANCE 10 DO RUN", "CHANCE percent takes SEED and a number, not 'DO'"),
        ("ADD f ON STAGE DO RUN", "ON takes any command but STAGE, which always runs, not 'STAGE'"),
        (
            "ADD f CLIENT ID 1 DO RUN",
            "client 1 is the one that says this, or of the administration port: it meets no fault",
        ),
        ("ADD f CLIENT DO RUN", "CLIENT takes ID, NAME, LIB, USER, DB, PROTO or NODE, not 'DO'"),
        (
            "ADD f DO JUMP",
            "'JUMP' cannot stand here, where RUN, ERROR, REPLY, AS, DELAY, SPLIT, CUT, CLOSE, RESET, HANG, PUSH or DROP can",
        ),
        ("ADD f DO RUN CLOSE", "'CLOSE' cannot stand here, where THEN can"),
        (
            "ADD f DO RUN THEN",
            "THEN takes RUN, ERROR, REPLY, AS, DELAY, SPLIT, CUT, CLOSE, RESET, HANG, PUSH or DROP, but the line ends there",
        ),
        ("ADD f DO CLOSE THEN RUN", "nothing can follow CLOSE"),
        ("ADD f DO RUN THEN ERROR x", "RUN, ERROR or REPLY can stand there once"),
        ("ADD f DO CUT 1 THEN RUN", "RUN can only follow DO, or PUSH"),
        (
            "ADD f DO AS text",
            "AS takes array, null, push, bulk, integer, map, set or double, not 'text'",
        ),
        ("ADD f DO DELAY 1s", "DELAY takes a number from 0 to 86400000, not '1s'"),
        ("ADD f DO SPLIT 3", "SPLIT takes AT, BEFORE or EACH, not '3'"),
        ("ADD f DO SPLIT AT 0", "AT takes a number from 1 to 4294967295, not '0'"),
        ("ADD f DO SPLIT EACH 0", "EACH takes a number from 1 to 4294967295, not '0'"),
        (
            "ADD f DO SPLIT AT 3 PAUSE",
            "PAUSE takes a number from 0 to 86400000, but the line ends there",
        ),
        ("ADD f DO CUT", "CUT takes a number from 0 to 4294967295, but the line ends there"),
        ("ADD f DO CUT 1 THEN CUT 2", "CUT can stand there once"),
        ("ADD f DO AS map THEN AS map", "AS can stand there once"),
        ("ADD f DO DELAY 1 THEN DELAY 1", "DELAY can stand there once"),
        ("ADD f DO DROP THEN DROP", "DROP can stand there once"),
        ("ADD f DO DELAY 1 THEN REPLY x", "REPLY can only follow DO, or PUSH"),
        ("ADD f DO DELAY 86400001", "DELAY takes a number from 0 to 86400000, not '86400001'"),
        ("ADD f DO SPLIT BEFORE ", "BEFORE takes at least one byte, not ''"),
        (&sought, "BEFORE takes at most 64 bytes"),
        (&error, "ERROR takes at most 4096 bytes"),
        (&pushes, "PUSH takes at most 1048576 bytes"),
        (
            "ADD f DO REPLY x THEN DROP",
            "AS or DROP cannot stand beside ERROR or REPLY: there is no reply for it",
        ),
        (
            "ADD f DO AS map THEN CLOSE",
            "AS, SPLIT or DROP cannot stand beside CLOSE, RESET or HANG without CUT: there is no reply for it",
        ),
        (
            "ADD f DO DROP THEN HANG",
            "AS, SPLIT or DROP cannot stand beside CLOSE, RESET or HANG without CUT: there is no reply for it",
        ),
        ("ADD f DO REPLY", "REPLY takes bytes, but the line ends there"),
        (
            "ADD f DO REPLY \\xg0",
            "REPLY takes bytes, in which \\ is followed by n r t a b, x and two digits, or what it stands for, not '\\xg0'",
        ),
        (
            "ADD f DO ERROR x THEN AS map",
            "AS or DROP cannot stand beside ERROR or REPLY: there is no reply for it",
        ),
        (
            "ADD f DO SPLIT AT 3 THEN CLOSE",
            "AS, SPLIT or DROP cannot stand beside CLOSE, RESET or HANG without CUT: there is no reply for it",
        ),
        ("ADD f DO DROP THEN CUT 3", "CUT cannot stand beside DROP: there is no reply for it"),
        ("DEL", "DEL takes a name, but the line ends there"),
        ("DEL f g", "'g' cannot stand here, where nothing more can"),
        ("LIST all", "'all' cannot stand here, where nothing more can"),
        ("CLEAR all", "'all' cannot stand here, where nothing more can"),
        (&long, "REPLY takes at most 1048576 bytes"),
        (&many, "there are at most 16 actions of one fault"),
    ] {
        let reply = call(&mut local, client, &format!("STAGE FAULT {line}"));
        let start = &line[..line.len().min(50)];
        assert_eq!(reply, format!("-ERR STAGE: {told}\r\n"), "{start}");
        assert_eq!(call(&mut local, client, "STAGE FAULT LIST"), "*0\r\n", "{start}");
    }
    add(&mut local, client, "DO RUN");
    let again = call(&mut local, client, "STAGE FAULT ADD f DO RUN");
    assert_eq!(again, "-ERR STAGE: there is a fault 'f' already\r\n");
}

/// A word of the client's is shown as the name of an unknown command is.
#[test]
fn of_a_long_word_an_error_shows_the_beginning() {
    let (mut local, client) = staged();
    let long = "x".repeat(1 << 20);
    for line in [
        format!("FAULT {long}"),
        format!("FAULT DEL {long}"),
        format!("FAULT ADD f ON GET {long}"),
        format!("FAULT ADD f DO AS {long}"),
        format!("FAULT ADD f DO RUN {long}"),
        format!("ACCEPT {long}"),
        format!("JOURNAL {long}"),
        format!("SEED {long}"),
        format!("RECORD {long}"),
        format!("NODE {long} a"),
        format!("NODE DOWN {long}"),
        format!("NODE ADD a REPLICA-OF {long}"),
        format!("NODE ADD a SLOTS 9{long}"),
        format!("SENTINEL DOWN {long}"),
    ] {
        let reply = call(&mut local, client, &format!("STAGE {line}"));
        let what = &line[..20];
        assert!(reply.starts_with("-ERR STAGE: "), "{what}: {reply:.300}");
        assert!((100..=128).contains(&reply.matches('x').count()), "{what}: {reply:.300}");
    }
}

/// Commands that there are not, yet or here, are what a client may send all the same.
#[test]
fn a_fault_may_be_for_a_command_that_there_is_not() {
    let (mut local, client) = with_fault("ON nosuch TIMES 1 DO REPLY x");
    assert_eq!(call(&mut local, client, "NoSuch"), "x");
    assert!(call(&mut local, client, "NOSUCH").starts_with("-ERR unknown command"));
}

/// Several commands of one transaction have met a fault: what becomes of its reply.
#[test]
fn what_the_commands_of_a_transaction_have_met_comes_together() {
    let (mut local, client) = staged();
    for rule in [
        "a ON GET DO PUSH a THEN RUN THEN PUSH b THEN DELAY 1000",
        "b ON STRLEN DO PUSH c THEN RUN THEN CUT 6",
        "c ON EXISTS DO PUSH d THEN RUN THEN CUT 4 THEN HANG",
        "d ON TYPE DO DELAY 2000",
    ] {
        assert_eq!(call(&mut local, client, &format!("STAGE FAULT ADD {rule}")), "+OK\r\n");
    }
    let lines = ["MULTI", "GET k", "STRLEN k", "EXISTS k", "TYPE k", "EXEC"];
    let queued = format!("+OK\r\n{}", "+QUEUED\r\n".repeat(4));
    // What is pushed stands in the order of the commands, delays add up, and the first cut, and its end, count.
    assert_eq!(pipeline(&mut local, client, &lines), format!("{queued}acd"));
    local.advance(Duration::from_millis(2999));
    assert_eq!(text(local.received(client)), "");
    local.advance(Duration::from_millis(1));
    assert_eq!(text(local.received(client)), "*4\r\n$-");
    assert!(!local.is_open(client), "it is closed, and does not hang");
}

#[test]
fn faults_and_their_bytes_are_bounded() {
    let (mut local, client) = staged();
    let bytes = "x".repeat(1 << 20);
    let added = (0..100).filter(|n| {
        call(&mut local, client, &format!("STAGE FAULT ADD f{n} ON NOSUCH DO REPLY {bytes}"))
            == "+OK\r\n"
    });
    assert_eq!(added.count(), 15);
    call(&mut local, client, "STAGE FAULT CLEAR");
    let added = (0..300).filter(|n| {
        call(&mut local, client, &format!("STAGE FAULT ADD f{n} ON NOSUCH DO RUN")) == "+OK\r\n"
    });
    assert_eq!(added.count(), 256);
    // Clients that wait share what they have met.
    call(&mut local, client, "STAGE FAULT CLEAR");
    add(&mut local, client, &format!("ON BLPOP DO PUSH {bytes}"));
    let waiting: Vec<Connection> = (0..20).map(|_| local.connect()).collect();
    waiting.iter().for_each(|&other| drop(call(&mut local, other, "BLPOP l 0")));
    let memory: usize = local.engine.world.clients.iter().skip(1).map(|each| each.memory()).sum();
    assert!(memory < 100_000, "{memory} bytes");
    // What a transaction meets does not add up without an end.
    call(&mut local, client, "STAGE FAULT CLEAR");
    let push = "p".repeat(1 << 18);
    add(&mut local, client, &format!("ON ECHO DO PUSH {push} THEN RUN THEN SPLIT AT 7"));
    call(&mut local, client, "MULTI");
    (0..100).for_each(|_| drop(call(&mut local, client, "ECHO x")));
    local.send(client, &request(["EXEC"]));
    let sent = pieces(&mut local, client);
    assert!(sent.len() < 70 && sent.concat().len() < 2 << 20, "{} pieces", sent.len());
}

#[test]
fn what_is_held_back_counts_against_the_limits() {
    let (mut local, operator) = with_fault("ON GET TIMES 1 DO DELAY 1000");
    call(&mut local, operator, "CONFIG SET client-output-buffer-limit");
    local.call(operator, ["CONFIG", "SET", "client-output-buffer-limit", "normal 64kb 0 0"]);
    let client = local.connect();
    assert_eq!(call(&mut local, client, "GET k"), "");
    let echo = format!("ECHO {}", "x".repeat(20_000));
    for _ in 0..3 {
        assert_eq!(call(&mut local, client, &echo), "");
        assert!(local.is_open(client));
    }
    call(&mut local, client, &echo);
    assert!(!local.is_open(client), "the limit is passed");
    // So many stops at most are ahead of a client.
    let (mut local, client) = with_fault("ON PING DO SPLIT AT 3");
    let pings = request(["PING"]).repeat(70_000);
    local.send(client, &pings);
    assert!(!local.is_open(client));
}

#[test]
fn stage_reset_leaves_nothing() {
    let (mut local, operator) = with_fault("ON GET DO DELAY 1000");
    let (client, blocked) = (local.connect(), local.connect());
    assert_eq!(call(&mut local, client, "GET k"), "");
    call(&mut local, operator, "STAGE FAULT ADD g ON BLPOP DO RUN THEN CLOSE");
    call(&mut local, operator, "STAGE ACCEPT CLOSE");
    call(&mut local, blocked, "BLPOP l 0");
    assert_eq!(call(&mut local, operator, "STAGE RESET"), "+OK\r\n");
    assert_eq!(text(local.received(client)), VALUE, "what was held back is sent");
    assert_eq!(call(&mut local, client, "GET k"), VALUE);
    call(&mut local, operator, "RPUSH l a");
    assert_eq!(text(local.received(blocked)), "*2\r\n$1\r\nl\r\n$1\r\na\r\n");
    local.connect();
    assert_eq!(local.engine.next_deadline(), None);
}

#[test]
fn newcomers_meet_what_is_staged_for_them() {
    let (mut local, operator) = staged();
    let peer = respd::internals::peer::Peer::local;
    for fate in ["CLOSE", "REFUSE"] {
        assert_eq!(call(&mut local, operator, &format!("STAGE ACCEPT {fate} TIMES 2")), "+OK\r\n");
        let came: Vec<bool> = (0..3).map(|_| local.try_connect(peer()).is_ok()).collect();
        assert_eq!(came, [false, false, true], "{fate}");
    }
    call(&mut local, operator, "STAGE ACCEPT HANG");
    let client = local.connect();
    assert_eq!((call(&mut local, client, "PING"), local.is_open(client)), (String::new(), true));
    let admin =
        respd::internals::peer::Peer { kind: respd::internals::peer::Kind::Admin, ..peer() };
    let admin = local.try_connect(admin).unwrap();
    assert_eq!(call(&mut local, admin, "PING"), PONG, "the administration port is apart");
    assert_eq!(call(&mut local, admin, "STAGE ACCEPT ALL"), "+OK\r\n");
    let client = local.connect();
    assert_eq!(call(&mut local, client, "PING"), PONG);
    for (line, told) in [
        ("NOT", "ACCEPT takes ALL, REFUSE, HANG or CLOSE, not 'NOT'"),
        ("CLOSE 3", "'3' cannot stand here, where TIMES can"),
        ("CLOSE TIMES 0", "TIMES takes a number from 1 on, not '0'"),
        ("CLOSE TIMES 1 2", "'2' cannot stand here, where nothing more can"),
    ] {
        let reply = call(&mut local, operator, &format!("STAGE ACCEPT {line}"));
        assert_eq!(reply, format!("-ERR STAGE: {told}\r\n"));
    }
}

#[test]
fn any_bytes_are_sent_to_any_client() {
    let (mut local, operator) = staged();
    let (web, other) = (local.connect(), local.connect());
    call(&mut local, web, "CLIENT SETNAME web");
    assert_eq!(call(&mut local, operator, "STAGE SEND NAME web >1\\r\\n+x\\r\\n"), ":1\r\n");
    assert_eq!(text(local.received(web)), ">1\r\n+x\r\n");
    assert_eq!(text(local.received(other)), "");
    assert_eq!(call(&mut local, operator, "STAGE SEND ID 1 \\x00"), ":1\r\n\0", "behind the reply");
    assert_eq!(call(&mut local, operator, "STAGE SEND NAME * x"), ":3\r\nx");
    assert_eq!(call(&mut local, operator, "STAGE SEND ID 99 x"), ":0\r\n");
    for (line, told) in [
        ("WHO 1 x", "SEND takes ID, NAME, LIB, USER, DB, PROTO or NODE, not 'WHO'"),
        ("ID one x", "ID takes a number from 0 on, not 'one'"),
        ("ID 1 x y", "'x' cannot stand here, where the bytes, as the last word, can"),
    ] {
        let reply = call(&mut local, operator, &format!("STAGE SEND {line}"));
        assert_eq!(reply, format!("-ERR STAGE: {told}\r\n"));
    }
}

#[test]
fn clients_of_the_administration_port_meet_no_fault() {
    let (mut local, operator) = with_fault("DO CLOSE");
    let admin = respd::internals::peer::Peer {
        kind: respd::internals::peer::Kind::Admin,
        ..respd::internals::peer::Peer::local()
    };
    let admin = local.try_connect(admin).unwrap();
    assert_eq!(call(&mut local, admin, "GET k"), VALUE);
    let refused = call(&mut local, operator, "STAGE FAULT ADD g CLIENT ID 2 DO CLOSE");
    assert!(refused.starts_with("-ERR STAGE: client 2 is"), "{refused}");
    assert_eq!(call(&mut local, operator, "STAGE FAULT CLEAR"), "+OK\r\n", "STAGE meets none");
    assert_eq!(call(&mut local, operator, "PING"), PONG);
}

/// What libraries say on a new connection comes before STAGE RESET.
#[test]
fn a_fault_for_all_commands_lets_a_new_client_begin() {
    const ACTIONS: [&str; 6] = ["CLOSE", "RESET", "HANG", "ERROR LOADING", "DROP", "DELAY 60000"];
    let (mut local, client) = with_fault("DO RUN");
    call(&mut local, client, "CONFIG SET requirepass sesame");
    for action in ACTIONS {
        call(&mut local, client, "STAGE FAULT CLEAR");
        add(&mut local, client, &format!("DO {action}"));
        let newcomer = local.connect();
        for (line, start) in [
            ("HELLO 3 AUTH default sesame SETNAME web", "%7\r\n"),
            ("AUTH sesame", "+OK"),
            ("CLIENT SETINFO LIB-NAME redis-py", "+OK"),
            ("CLIENT ID", ":"),
            ("CLIENT MAINT_NOTIFICATIONS ON", "-ERR unknown subcommand"),
            ("SELECT 0", "+OK"),
            ("INFO", "="),
            ("PING", "+PONG"),
        ] {
            let reply = call(&mut local, newcomer, line);
            assert!(reply.starts_with(start), "{action}: {line}: {reply}");
        }
        let seen = call(&mut local, client, "STAGE FAULT LIST");
        assert!(seen.contains("seen\r\n:0\r\n"), "{action}: {seen}");
        assert_eq!(call(&mut local, newcomer, "STAGE RESET"), "+OK\r\n", "{action}");
        assert_eq!(call(&mut local, newcomer, "GET k"), VALUE, "{action}");
        // A pattern means what it says.
        add(&mut local, client, "ON * DO ERROR no");
        assert_eq!(call(&mut local, newcomer, "PING"), "-no\r\n", "{action}");
    }
}

/// However a test has left the server and the client, the client puts it right.
#[test]
fn reset_works_in_every_state_of_a_client() {
    const OK: &str = "+OK\r\n";
    let states: [(&[&str], &str); 17] = [
        (&["MULTI"], OK),
        (&["MULTI", "GET k", "NOSUCH"], OK),
        (&["WATCH k"], OK),
        (&["SUBSCRIBE news"], OK),
        (&["HELLO 3", "SUBSCRIBE news"], OK),
        (&["MONITOR"], OK),
        (&["CLIENT PAUSE 100000 ALL"], OK),
        (&["CLIENT REPLY OFF"], ""),
        (&["STAGE ACCEPT CLOSE"], OK),
        (&["STAGE ACCEPT HANG"], OK),
        (&["STAGE ACCEPT REFUSE"], OK),
        (&["STAGE FAULT ADD all DO HANG"], OK),
        (&["STAGE FAULT ADD all DO CLOSE"], OK),
        (&["STAGE FAULT ADD all CLIENT NAME * DO DROP", "CLIENT SETNAME ann"], OK),
        // What was held back goes first.
        (&["STAGE FAULT ADD all ON PING DO DELAY 1000000", "PING"], "+PONG\r\n+OK\r\n"),
        (&["STAGE FAULT ADD all ON PING DO SPLIT AT 2 PAUSE 99999", "PING"], "ONG\r\n+OK\r\n"),
        (&["STAGE CLOCK FREEZE"], OK),
    ];
    let kinds = [respd::internals::peer::Kind::Tcp, respd::internals::peer::Kind::Admin];
    for ((state, replied), kind) in states.iter().flat_map(|state| kinds.map(|kind| (state, kind)))
    {
        let (mut local, operator) = with_fault("ON GET DO ERROR no");
        let peer = respd::internals::peer::Peer { kind, ..respd::internals::peer::Peer::local() };
        let client = local.try_connect(peer).unwrap();
        for line in *state {
            // What a client of the administration port does not meet, another does.
            let caller = if line.starts_with("PING") { operator } else { client };
            let told = call(&mut local, caller, line);
            let is_wrong = told.starts_with('-') && !line.starts_with("NOSUCH");
            assert!(!is_wrong, "{line}: {told}");
        }
        let by = if state.contains(&"PING") { operator } else { client };
        assert_eq!(call(&mut local, by, "STAGE RESET"), *replied, "{state:?} {kind:?}");
        let newcomer = local.connect();
        local.advance(Duration::from_secs(100));
        assert_eq!(call(&mut local, newcomer, "GET k"), VALUE, "{state:?} {kind:?}");
        assert!(local.is_open(by), "{state:?}");
    }
    let (mut local, client) = with_fault("ON GET DO ERROR no");
    local.engine.world.set_ready(false);
    assert_eq!(call(&mut local, client, "STAGE RESET"), OK, "not ready");
}

#[test]
fn a_transaction_goes_on_behind_the_reset_in_it() {
    let (mut local, client) = with_fault("ON GET DO ERROR no");
    let lines = ["MULTI", "GET k", "STAGE RESET", "INCR n", "EXEC"];
    let sent = pipeline(&mut local, client, &lines);
    let expected = "+OK\r\n+QUEUED\r\n+OK\r\n+QUEUED\r\n*2\r\n$5\r\nvalue\r\n:1\r\n";
    assert_eq!(sent, expected, "it has run at once, before the GET");
    // Whatever else drives the server stands in no transaction.
    call(&mut local, client, "MULTI");
    let refused = call(&mut local, client, "STAGE FAULT CLEAR");
    assert!(refused.starts_with("-ERR Command 'stage|fault' not allowed"), "{refused}");
    assert_eq!(call(&mut local, client, "STAGE RESET"), "+OK\r\n");
    let told = call(&mut local, client, "EXEC");
    assert!(told.starts_with("-EXECABORT"), "{told}");
}

#[test]
fn reset_asks_for_a_login_and_for_the_right_to_run_it() {
    let (mut local, operator) = with_fault("ON GET DO ERROR no");
    call(&mut local, operator, "ACL SETUSER ann on nopass +@all -stage");
    call(&mut local, operator, "CONFIG SET requirepass secret");
    let client = local.connect();
    let told = call(&mut local, client, "STAGE RESET");
    assert!(told.starts_with("-NOAUTH"), "{told}");
    assert_eq!(call(&mut local, client, "AUTH ann x"), "+OK\r\n");
    let told = call(&mut local, client, "STAGE RESET");
    assert!(told.starts_with("-NOPERM"), "{told}");
    assert_eq!(call(&mut local, operator, "GET k"), "-no\r\n");
    assert_eq!(call(&mut local, client, "AUTH secret"), "+OK\r\n");
    assert_eq!(call(&mut local, client, "STAGE RESET"), "+OK\r\n");
    assert_eq!(call(&mut local, operator, "GET k"), VALUE);
}

#[test]
fn those_behind_a_fault_that_goes_keep_their_order() {
    let (mut local, client) = staged();
    for name in ["a", "b", "c"] {
        let rule = format!("STAGE FAULT ADD {name} ON GET DO REPLY {name}");
        assert_eq!(call(&mut local, client, &rule), "+OK\r\n");
    }
    call(&mut local, client, "STAGE FAULT DEL a");
    assert_eq!(call(&mut local, client, "GET k"), "b");
}

/// The first bytes of what a client may make as long as it likes.
#[test]
fn of_long_texts_the_beginning_is_matched() {
    let (mut local, client) = with_fault("ON ECHO ARGS 1 *y DO REPLY x");
    let long = |length: usize| format!("{}y", "x".repeat(length - 1));
    assert_eq!(call(&mut local, client, &format!("ECHO {}", long(4096))), "x");
    assert_ne!(call(&mut local, client, &format!("ECHO {}", long(4097))), "x");
    call(&mut local, client, "STAGE FAULT CLEAR");
    add(&mut local, client, "ON *y DO REPLY x");
    assert_eq!(call(&mut local, client, &long(4096)), "x");
    assert_ne!(call(&mut local, client, &long(4097)), "x");
}

#[test]
fn what_a_fault_holds_back_is_sent_when_it_is_removed() {
    for (end, is_other_sent) in
        [("FAULT DEL f", false), ("FAULT CLEAR", true), ("RESET", true), ("FAULT DEL g", false)]
    {
        let (mut local, operator) = with_fault("ON GET DO DELAY 5000");
        call(&mut local, operator, "STAGE FAULT ADD g ON ECHO DO SPLIT AT 3 PAUSE 5000");
        call(&mut local, operator, "STAGE FAULT ADD h ON STRLEN DO DELAY 5000 THEN CLOSE");
        let [client, other, ends] = [(); 3].map(|()| local.connect());
        assert_eq!(pipeline(&mut local, client, &["GET k", "PING", "GET k"]), "");
        assert_eq!(call(&mut local, other, "ECHO abc"), "$3\r");
        assert_eq!(pipeline(&mut local, ends, &["GET k", "STRLEN k", "PING"]), "");
        assert_eq!(call(&mut local, operator, &format!("STAGE {end}")), "+OK\r\n");
        let is_f = end.ends_with('f') || is_other_sent;
        let is_g = end.ends_with('g') || is_other_sent;
        let sent = text(local.received(client));
        assert_eq!(
            sent,
            if is_f { format!("{VALUE}{PONG}{VALUE}") } else { String::new() },
            "{end}"
        );
        assert_eq!(text(local.received(other)), if is_g { "\nabc\r\n" } else { "" }, "{end}");
        // What another fault holds back stays where it is, and so does the end behind it.
        let sent = text(local.received(ends));
        assert_eq!(sent, if is_f { VALUE } else { "" }, "{end}");
        assert_eq!(local.is_open(ends), !is_other_sent, "{end}");
        local.advance(Duration::from_secs(5));
        local.received(ends);
        assert!(!local.is_open(ends), "{end}");
        if !is_f {
            assert_eq!(text(local.received(client)), format!("{VALUE}{PONG}{VALUE}"), "{end}");
        }
    }
}

#[test]
fn what_several_faults_hold_back_waits_for_all_of_them() {
    let (mut local, operator) = with_fault("ON GET DO DELAY 1000");
    call(&mut local, operator, "STAGE FAULT ADD g ON STRLEN DO DELAY 1000");
    let client = local.connect();
    let sent = pipeline(&mut local, client, &["MULTI", "GET k", "STRLEN k", "EXEC"]);
    assert_eq!(sent, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    call(&mut local, operator, "STAGE FAULT DEL f");
    call(&mut local, operator, "STAGE FAULT DEL g");
    assert_eq!(text(local.received(client)), "", "together they are neither's");
    call(&mut local, operator, "STAGE FAULT CLEAR");
    assert_eq!(text(local.received(client)), format!("*2\r\n{VALUE}:5\r\n"));
}

/// A command that waits has met its fault; what that would hold back is over with it.
#[test]
fn a_command_that_waits_is_not_held_back_by_a_fault_that_is_gone() {
    let (mut local, operator) = with_fault("ON BLPOP DO PUSH p THEN RUN THEN DELAY 5000");
    let client = local.connect();
    assert_eq!(call(&mut local, client, "BLPOP l 0"), "");
    call(&mut local, operator, "STAGE FAULT DEL f");
    call(&mut local, operator, "RPUSH l a");
    assert_eq!(text(local.received(client)), "p*2\r\n$1\r\nl\r\n$1\r\na\r\n");
}

/// What is only pushed holds nothing back: the delay beside it is its own fault's.
#[test]
fn a_delay_beside_what_another_fault_pushes_ends_with_its_fault() {
    let (mut local, operator) = with_fault("ON STRLEN DO PUSH p THEN RUN");
    call(&mut local, operator, "STAGE FAULT ADD g ON GET DO DELAY 1000");
    let client = local.connect();
    let sent = pipeline(&mut local, client, &["MULTI", "STRLEN k", "GET k", "EXEC"]);
    assert_eq!(sent, "+OK\r\n+QUEUED\r\n+QUEUED\r\np");
    call(&mut local, operator, "STAGE FAULT DEL g");
    assert_eq!(text(local.received(client)), format!("*2\r\n:5\r\n{VALUE}"));
}

/// It has said all, and the pause has not begun: the reply is for a client that has gone.
#[test]
fn a_client_that_leaves_before_a_pause_is_gone() {
    for (actions, is_sent) in
        [("SPLIT AT 3 PAUSE 1000", false), ("DELAY 1000", false), ("SPLIT AT 3", true)]
    {
        let (mut local, operator) = with_fault(&format!("ON GET DO {actions}"));
        let client = local.connect();
        local.send(client, &request(["GET", "k"]));
        local.finish(client);
        local.advance(Duration::ZERO);
        let clients = call(&mut local, operator, "INFO clients");
        assert_eq!(clients.contains("connected_clients:1\r\n"), !is_sent, "{actions}: {clients}");
    }
}

#[test]
fn the_list_shows_a_fault_as_it_can_be_added_again() {
    let (mut local, client) = staged();
    let words = [
        "STAGE",
        "FAULT",
        "ADD",
        "f",
        "ARGS",
        "1",
        "",
        "DO",
        "ERROR",
        "a \"b\"\r\n",
        "THEN",
        "PUSH",
        "x'",
    ];
    local.send(client, &request(words));
    assert_eq!(local.received(client), b"+OK\r\n");
    let rule = r#"ARGS 1 "" DO ERROR "a \"b\"\r\n" THEN PUSH "x'""#;
    let list = call(&mut local, client, "STAGE FAULT LIST");
    assert!(list.ends_with(&format!("${}\r\n{rule}\r\n", rule.len())), "{list}");
}

#[test]
fn an_error_of_a_fault_counts_as_one_of_the_server() {
    let (mut local, client) = with_fault("ON GET DO ERROR LOADING");
    assert_eq!(call(&mut local, client, "GET k"), "-LOADING\r\n");
    let info = call(&mut local, client, "INFO errorstats");
    assert!(info.contains("errorstat_LOADING:count=1\r\n"), "{info}");
}
