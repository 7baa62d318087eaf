//! Long strings: what is sent of them, and what has come, is the memory that they are in. A conversation is the same with
//! them as with short ones, however it is cut, and whatever becomes of the key meanwhile.

use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};

/// Longer than what is copied.
const LONG: usize = 40_000;

fn local(options: &[(&str, &str)]) -> (Local, [Connection; 2]) {
    let mut config = Config::default();
    for (name, value) in options {
        config.apply_option(name, value).unwrap();
    }
    let mut local = Local::new(config);
    let clients = [local.connect(), local.connect()];
    (local, clients)
}

fn long(byte: u8) -> Vec<u8> {
    vec![byte; LONG]
}

/// As a reply.
fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn set(local: &mut Local, client: Connection, value: &[u8]) {
    assert_eq!(local.call(client, [b"SET", &b"k"[..], value]).to_string(), "OK");
}

fn call(local: &mut Local, client: Connection, line: &str) -> Vec<u8> {
    local.send(client, &request(line.split(' ')));
    local.received(client)
}

/// The engine is told that so many bytes of what it has for the client have been sent. Returns them.
fn take(local: &mut Local, slot: usize, bytes: usize) -> Vec<u8> {
    let mut taken = local.engine.unsent(slot).into_owned();
    taken.truncate(bytes);
    local.engine.sent(slot, taken.len());
    taken
}

#[test]
fn what_a_reader_was_sent_stays_what_it_was() {
    let changes: &[&[&str]] = &[
        &["APPEND", "k", "tail"],
        &["SETRANGE", "k", "3", "piece"],
        &["SETBIT", "k", "9", "1"],
        &["SET", "k", "short"],
        &["DEL", "k"],
        &["FLUSHALL"],
        &["RENAME", "k", "other"],
        &["COPY", "k", "other"],
        &["EXPIRE", "k", "-1"],
    ];
    for change in changes {
        let (mut local, [reader, writer]) = local(&[]);
        set(&mut local, writer, &long(b'a'));
        local.send(reader, &request(["GET", "k"]));
        let first = take(&mut local, 0, 20_000);
        local.call(writer, change.iter().copied());
        assert_eq!([first, local.received(reader)].concat(), bulk(&long(b'a')), "{change:?}");
    }
}

#[test]
fn a_string_that_is_changed_is_changed_for_all_but_those_that_read_it_before() {
    let (mut local, [reader, writer]) = local(&[]);
    set(&mut local, writer, &long(b'a'));
    call(&mut local, writer, "COPY k copy");
    local.send(reader, &request(["GET", "k"]));
    for (line, at) in [("SETRANGE k 0 b", 0), ("SETRANGE k 39999 b", LONG - 1)] {
        call(&mut local, writer, line);
        let mut expected = long(b'a');
        expected[0] = b'b';
        expected[at] = b'b';
        assert_eq!(call(&mut local, writer, "GET k"), bulk(&expected));
        assert_eq!(call(&mut local, writer, "GET copy"), bulk(&long(b'a')));
    }
    call(&mut local, writer, "APPEND k c");
    let length = format!(":{}\r\n", LONG + 1);
    assert_eq!(call(&mut local, writer, "STRLEN k"), length.as_bytes());
    assert_eq!(local.received(reader), bulk(&long(b'a')));
}

#[test]
fn replies_are_in_their_order_however_they_are_sent() {
    let pipeline = [
        request(["PING"]),
        request(["GET", "k"]),
        request(["GET", "k"]),
        request(["MGET", "k", "none", "k"]),
        request(["CLIENT", "REPLY", "SKIP"]),
        request(["GET", "k"]),
        request(["MULTI"]),
        request(["GET", "k"]),
        request(["INCR", "n"]),
        request(["EXEC"]),
        request(["GETEX", "k", "PERSIST"]),
        request(["SET", "k", "short", "GET"]),
        request(["GET", "k"]),
    ]
    .concat();
    let long = bulk(&long(b'a'));
    let expected = [
        &b"+PONG\r\n"[..],
        &long,
        &long,
        b"*3\r\n",
        &long,
        b"$-1\r\n",
        &long,
        b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n",
        &long,
        b":1\r\n",
        &long,
        &long,
        b"$5\r\nshort\r\n",
    ]
    .concat();
    for step in [1, 7, 1000, 4099, 39_999, 40_010, 65_536, 1 << 20] {
        let (mut local, [client, other]) = local(&[]);
        set(&mut local, client, &self::long(b'a'));
        local.send(client, &pipeline);
        let mut received = Vec::new();
        // Byte by byte it would take a minute to look at the whole rest each time.
        let most = if step == 1 { 200 } else { usize::MAX };
        for _ in 0..most {
            let part = take(&mut local, 0, step);
            if part.is_empty() {
                break;
            }
            received.extend_from_slice(&part);
            call(&mut local, other, "PING");
        }
        received.extend_from_slice(&local.received(client));
        assert!(received == expected, "in steps of {step}");
    }
}

#[test]
fn much_that_is_sent_before_a_string_is_forgotten() {
    let (mut local, [client, other]) = local(&[]);
    set(&mut local, other, &long(b'a'));
    let echo = request([&b"ECHO"[..], &[b'e'; 100_000]]);
    local.send(client, &[&echo[..], &echo, &request(["GET", "k"]), &request(["PING"])].concat());
    let first = take(&mut local, 0, 199_000);
    let second = take(&mut local, 0, 10_000);
    let echoed = bulk(&[b'e'; 100_000]);
    let expected = [&echoed[..], &echoed, &bulk(&long(b'a')), b"+PONG\r\n"].concat();
    assert!([first, second, local.received(client)].concat() == expected);
}

#[test]
fn a_long_string_is_a_large_reply() {
    let (mut local, [client, _]) = local(&[("commandlog-reply-larger-than", "30000")]);
    set(&mut local, client, &long(b'a'));
    call(&mut local, client, "GET k");
    assert_eq!(call(&mut local, client, "COMMANDLOG LEN large-reply"), b":1\r\n");
    let text = String::from_utf8(call(&mut local, client, "INFO clients")).unwrap();
    let name = "client_recent_max_output_buffer:";
    let most = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(most.parse(), Ok(bulk(&long(b'a')).len()));
}

#[test]
fn a_string_that_is_left_unread_for_too_long_closes_its_reader() {
    let (mut local, [reader, other]) = local(&[("client-output-buffer-limit", "normal 0 30kb 1")]);
    set(&mut local, other, &long(b'a'));
    local.send(reader, &request(["GET", "k"]));
    local.advance(std::time::Duration::from_millis(900));
    assert!(local.is_open(reader));
    local.advance(std::time::Duration::from_millis(200));
    assert!(!local.is_open(reader));
}

#[test]
fn what_waits_for_a_reader_counts_as_if_it_were_its_own() {
    let (mut local, [reader, other]) = local(&[("client-output-buffer-limit", "normal 100kb 0 0")]);
    set(&mut local, other, &long(b'a'));
    let field = |local: &mut Local, name: &str| -> usize {
        let line = String::from_utf8(call(local, other, "CLIENT LIST ID 1")).unwrap();
        let value = line.split(' ').find_map(|field| field.strip_prefix(name)).unwrap();
        value.parse().unwrap()
    };
    let idle = field(&mut local, "tot-mem=");
    local.send(reader, &request(["GET", "k"]));
    assert!((LONG..LONG + 1000).contains(&field(&mut local, "omem=")));
    assert!((idle + LONG..idle + LONG + 1500).contains(&field(&mut local, "tot-mem=")));
    assert_eq!(field(&mut local, "obl="), bulk(&long(b'a')).len());
    let used = |local: &mut Local| {
        let text = String::from_utf8(call(local, other, "INFO memory")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("mem_clients_normal:")).unwrap();
        line.parse::<usize>().unwrap()
    };
    let before = used(&mut local);
    local.send(reader, &request(["GET", "k"]));
    assert!(used(&mut local) >= before + LONG);
    take(&mut local, 0, 50_000);
    assert!((30_000..32_000).contains(&field(&mut local, "obl=")));
    local.send(reader, &request(["GET", "k"]));
    assert!(local.is_open(reader));
    local.send(reader, &request(["GET", "k"]));
    local.received(reader);
    assert!(!local.is_open(reader), "the limit is passed");
}

#[test]
fn a_reply_that_does_not_fit_is_taken_back_with_its_strings() {
    let (mut local, [client, other]) = local(&[("client-output-buffer-limit", "normal 100kb 0 0")]);
    set(&mut local, other, &long(b'a'));
    let silent = [
        request(["CLIENT", "REPLY", "OFF"]),
        request(["MGET", "k", "k"]),
        request(["CLIENT", "REPLY", "ON"]),
        request(["GET", "k"]),
    ];
    local.send(client, &silent.concat());
    assert_eq!(local.received(client), [b"+OK\r\n", &bulk(&long(b'a'))[..]].concat());
    local.send(client, &request(["MGET", "k", "k", "k"]));
    local.received(client);
    assert!(!local.is_open(client));
}

#[test]
fn pushes_come_between_replies() {
    let (mut local, [client, other]) = local(&[]);
    set(&mut local, other, &long(b'a'));
    call(&mut local, client, "HELLO 3");
    call(&mut local, client, "CLIENT TRACKING ON");
    call(&mut local, client, "SUBSCRIBE news");
    local.send(client, &request(["GET", "k"]));
    call(&mut local, other, "PUBLISH news x");
    call(&mut local, other, "APPEND k b");
    local.send(client, &request(["GET", "k"]));
    let message = b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n";
    let invalid = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
    let then = [&long(b'a')[..], b"b"].concat();
    let expected = [&bulk(&long(b'a'))[..], message, invalid, &bulk(&then)].concat();
    assert!(local.received(client) == expected);
}

#[test]
fn faults_meet_long_replies() {
    for (fault, parts) in [
        ("RUN THEN SPLIT AT 30000", vec![30_000, bulk(&long(b'a')).len() - 30_000 + 7]),
        ("RUN THEN DELAY 20", vec![0, bulk(&long(b'a')).len() + 7]),
        ("RUN THEN CUT 20000", vec![20_000]),
    ] {
        let (mut local, [client, other]) = local(&[("enable-stage-command", "yes")]);
        set(&mut local, other, &long(b'a'));
        // A reply is on its way that no fault has met.
        local.send(client, &request(["GET", "k"]));
        let first = take(&mut local, 0, 10);
        call(&mut local, other, &format!("STAGE FAULT ADD f ON GET DO {fault}"));
        local.send(client, &[request(["GET", "k"]), request(["PING"])].concat());
        let mut received = [first, local.received(client)].concat();
        let mut all = bulk(&long(b'a'));
        let ahead = all.len();
        assert_eq!(received.len(), ahead + parts[0], "{fault}");
        for part in &parts[1..] {
            local.advance(std::time::Duration::from_millis(20));
            let more = local.received(client);
            assert_eq!(more.len(), *part, "{fault}");
            received.extend_from_slice(&more);
        }
        all.extend_from_within(..);
        all.extend_from_slice(b"+PONG\r\n");
        assert!(all.starts_with(&received), "{fault}");
    }
}

#[test]
fn a_journal_and_scripts_have_the_whole_string() {
    let (mut local, [client, other]) = local(&[("enable-stage-command", "yes")]);
    set(&mut local, client, &long(b'a'));
    call(&mut local, other, "STAGE JOURNAL ON");
    call(&mut local, client, "GET k");
    let journal = call(&mut local, other, "STAGE JOURNAL GET");
    assert!(journal.windows(100).any(|part| part == [b'a'; 100]));
    if cfg!(feature = "lua") {
        let script = "return #redis.call('GET', 'k')";
        local.send(client, &request(["EVAL", script, "0"]));
        assert_eq!(local.received(client), format!(":{LONG}\r\n").as_bytes());
    }
}

#[test]
fn a_string_comes_in_any_pieces() {
    for step in [1, 3000, 16_384, 39_999, 40_000, 40_040, 40_041, 65_536] {
        let (mut local, [client, other]) = local(&[]);
        let requests = [
            request([&b"SET"[..], b"a", &long(b'a')]),
            request([&b"SET"[..], b"b", &long(b'b'), b"EX", b"100"]),
            request(["GET", "a"]),
            request([&b"APPEND"[..], b"c", &long(b'c')]),
            request([&b"APPEND"[..], b"c", &long(b'd')]),
            request([&b"MSET"[..], b"d", &long(b'd'), b"e", &long(b'e')]),
            request([&b"SET"[..], b"a", &long(b'x')]),
        ]
        .concat();
        // The first bytes come apart in any case: their argument is not known yet.
        let (start, rest) = requests.split_at(if step == 1 { 100 } else { 0 });
        start.chunks(step).for_each(|piece| local.send(client, piece));
        rest.chunks(step.max(1000)).for_each(|piece| local.send(client, piece));
        let replies = local.received(client);
        let appended = format!(":{LONG}\r\n:{}\r\n+OK\r\n+OK\r\n", 2 * LONG);
        let expected = [b"+OK\r\n+OK\r\n", &bulk(&long(b'a'))[..], appended.as_bytes()];
        assert!(replies == expected.concat(), "in steps of {step}");
        let both = [long(b'c'), long(b'd')].concat();
        for (key, value) in [("a", long(b'x')), ("b", long(b'b')), ("c", both), ("e", long(b'e'))] {
            assert!(call(&mut local, other, &format!("GET {key}")) == bulk(&value), "{key}");
        }
        call(&mut local, other, "SETRANGE b 0 z");
        assert!(call(&mut local, other, "GET a") == bulk(&long(b'x')));
    }
}

#[test]
fn a_string_keeps_no_more_memory_than_it_needs() {
    let (mut local, [client, other]) = local(&[]);
    for step in [10_000, 39_999, 65_536] {
        let many = [
            request([&b"SET"[..], b"k", &long(b'a')]),
            request([&b"SET"[..], b"l", &long(b'b')]),
            request(["PING"]),
        ]
        .concat();
        many.chunks(step).for_each(|piece| local.send(client, piece));
        local.received(client);
        let both = request([&b"MSET"[..], b"m", &long(b'm'), b"n", &long(b'n')]);
        both.chunks(step).for_each(|piece| local.send(client, piece));
        local.received(client);
        for key in ["k", "l", "m", "n"] {
            let reply = String::from_utf8(call(&mut local, client, &format!("MEMORY USAGE {key}")));
            let bytes: usize = reply.unwrap()[1..].trim().parse().unwrap();
            assert!((LONG..LONG * 8 / 7).contains(&bytes), "{bytes} of {key} in steps of {step}");
        }
    }
    let held = request([&b"SET"[..], b"k", &long(b'a')]);
    local.send(client, &held[..30_000]);
    assert!(local.received(client).is_empty(), "a request is half read");
    let line = String::from_utf8(call(&mut local, other, "CLIENT LIST ID 1")).unwrap();
    let memory = line.split(' ').find_map(|field| field.strip_prefix("tot-mem=")).unwrap();
    let memory: usize = memory.parse().unwrap();
    assert!(memory < 62_000, "{memory} bytes for 30,000 that have come");
}

/// A command frees what it removes, and a turn has a limit for that. The next turn begins anew.
#[test]
fn strings_that_are_removed_are_freed_on_the_spot_in_every_turn() {
    let (mut local, [client, _]) = local(&[]);
    for turn in 0..50 {
        set(&mut local, client, &vec![b'a'; 1_000_000]);
        local.send(client, b"DEL k\r\nINFO memory\r\n");
        let report = String::from_utf8(local.received(client)).unwrap();
        assert!(report.contains("lazyfree_pending_objects:0\r\n"), "in turn {turn}: {report}");
        local.advance(Duration::ZERO);
    }
}

#[test]
fn a_long_argument_without_its_line_end_is_refused() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    local.send(client, format!("*2\r\n$4\r\nECHO\r\n$20000\r\n{}", "x".repeat(20_000)).as_bytes());
    local.send(client, b"no");
    let replied = String::from_utf8(local.received(client)).unwrap();
    assert_eq!(replied, "-ERR Protocol error: invalid CRLF in request\r\n");
    assert!(!local.is_open(client));
}
