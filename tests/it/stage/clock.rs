//! STAGE CLOCK: told time, as a client tells it.

use std::time::Duration;

use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::request;
use respd::internals::peer::{Address, Peer};
use respd::{ManualClock, Running, Server};

use super::{call, staged};
use crate::socket::Socket;

/// Longer than a test takes, by far.
const HOUR: u64 = 3_600_000;

/// A server with sockets, which a test may drive.
fn serve() -> Running {
    let config = Config { enable_stage_command: Callers::Local, ..Config::default() };
    Server::builder().config(config).any_port().bind().unwrap().spawn()
}

fn connect(server: &Running) -> Socket {
    Socket::tcp(server.addr().unwrap())
}

/// The reply to the words of a line.
fn say(client: &mut Socket, line: &str) -> String {
    client.call(line.split(' '))
}

/// Milliseconds on the server's clock, by a reply of TIME.
fn millis(time: &str) -> u64 {
    let words = time.split(['"', '\r', '\n']).filter_map(|word| word.parse().ok());
    let [seconds, micros] = words.collect::<Vec<u64>>()[..] else { panic!("{time}") };
    seconds * 1000 + micros / 1000
}

#[test]
fn what_is_due_happens_in_its_order_and_before_the_reply() {
    let server = serve();
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    assert_eq!(say(&mut ann, "STAGE CLOCK FREEZE"), "OK");
    say(&mut ben, "CONFIG SET notify-keyspace-events Ex");
    say(&mut ann, "HELLO 3");
    say(&mut ann, "SUBSCRIBE __keyevent@0__:expired");
    for line in ["SET late v PX 9000", "SET soon v PX 1", "HSET h f v"] {
        say(&mut ben, line);
    }
    say(&mut ben, "HPEXPIRE h 5000 FIELDS 1 f");
    ann.send(&request("STAGE CLOCK ADVANCE 9000".split(' ')));
    let shown: Vec<String> = std::iter::from_fn(|| {
        let frame = String::from_utf8(ann.frame()?).unwrap();
        Some(frame.trim_end().rsplit('\n').next().unwrap_or_default().to_owned())
    })
    .take(3)
    .collect();
    assert_eq!(shown, ["soon", "late", "+OK"]);
    assert_eq!(say(&mut ben, "EXISTS h"), "(integer) 0");
}

#[test]
fn several_clients_change_the_clock_one_after_the_other() {
    let server = serve();
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    say(&mut ann, "STAGE CLOCK FREEZE");
    assert_eq!(say(&mut ann, "STAGE CLOCK SET 1000000"), "OK");
    let advance = [request("STAGE CLOCK ADVANCE 1000".split(' ')), request(["TIME"])].concat();
    ann.send(&advance);
    ben.send(&advance);
    let shown = |client: &mut Socket| {
        assert_eq!(client.frame().unwrap(), b"+OK\r\n");
        String::from_utf8(client.frame().unwrap()).unwrap()
    };
    let mut shown = [shown(&mut ann), shown(&mut ben)];
    shown.sort();
    let time = |seconds: u64| format!("*2\r\n$4\r\n{seconds}\r\n$1\r\n0\r\n");
    assert_eq!(shown, [time(1001), time(1002)]);
}

#[test]
fn what_clients_have_sent_before_runs_before() {
    let server = serve();
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    say(&mut ann, "STAGE CLOCK FREEZE");
    let time = say(&mut ann, "TIME");
    ben.send(&[request(["BLPOP", "l", "0"]), request(["TIME"])].concat());
    while !say(&mut ann, "INFO clients").contains("blocked_clients:1\\r") {}
    let set = request("STAGE CLOCK SET 1000".split(' '));
    ann.send(&[request(["RPUSH", "l", "x"]), set].concat());
    assert_eq!(ben.frame().unwrap(), b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    let shown = String::from_utf8(ben.frame().unwrap()).unwrap();
    assert_eq!(millis(&shown), millis(&time));
}

#[test]
fn a_clock_that_runs_goes_on_from_where_it_was_set() {
    let server = serve();
    let mut ann = connect(&server);
    let before = millis(&say(&mut ann, "TIME"));
    assert_eq!(say(&mut ann, &format!("STAGE CLOCK ADVANCE {HOUR}")), "OK");
    let after = millis(&say(&mut ann, "TIME"));
    assert!((before + HOUR..before + 2 * HOUR).contains(&after), "{before} {after}");
    assert_eq!(say(&mut ann, "STAGE CLOCK FREEZE"), "OK");
    assert_eq!(say(&mut ann, "TIME"), say(&mut ann, "TIME"));
    assert_eq!(say(&mut ann, "STAGE CLOCK RUN"), "OK");
    assert!(millis(&say(&mut ann, "TIME")) >= after);
    // The end of a test: the machine's time, as before.
    assert_eq!(say(&mut ann, "STAGE RESET"), "OK");
    let at_last = millis(&say(&mut ann, "TIME"));
    assert!((before..before + HOUR).contains(&at_last), "{before} {at_last}");
}

#[test]
fn reset_gives_the_clock_back_as_the_server_began_with_it() {
    let clock = ManualClock::new();
    clock.freeze();
    clock.set(Duration::from_millis(HOUR));
    let config = Config { enable_stage_command: Callers::Local, ..Config::default() };
    let builder = Server::builder().config(config).any_port().clock(clock.clone());
    let server = builder.bind().unwrap().spawn();
    let mut ann = connect(&server);
    let first = say(&mut ann, "TIME");
    assert_eq!(millis(&first), HOUR);
    for line in ["STAGE CLOCK SET 77000000", "STAGE CLOCK RUN", "STAGE CLOCK ADVANCE 5"] {
        assert_eq!(say(&mut ann, line), "OK");
        assert_ne!(say(&mut ann, "TIME"), first);
    }
    assert_eq!(say(&mut ann, "STAGE RESET"), "OK");
    assert_eq!(say(&mut ann, "TIME"), first);
    assert_eq!(clock.time(), Duration::from_millis(HOUR));
    // What the program does with its clock is not the client's to undo.
    clock.advance(Duration::from_secs(60));
    assert_eq!(say(&mut ann, "STAGE RESET"), "OK");
    assert_eq!(millis(&say(&mut ann, "TIME")), HOUR + 60_000);
}

#[test]
fn reset_comes_before_the_end_of_an_advance() {
    let server = serve();
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    for line in ["HELLO 3", "STAGE CLOCK FREEZE", "CONFIG SET timeout 1"] {
        say(&mut ben, line);
    }
    let before = millis(&say(&mut ben, "TIME"));
    // A subscriber is never idle.
    say(&mut ben, "SUBSCRIBE channel");
    // Idle clients are looked for every second, which are more than can be gone through.
    ann.send(&request("STAGE CLOCK ADVANCE 250000000000000".split(' ')));
    // It has begun.
    while millis(&say(&mut ben, "TIME")) < before + HOUR {}
    assert_eq!(say(&mut ben, "STAGE RESET"), "OK");
    assert_eq!(
        String::from_utf8(ann.frame().unwrap()).unwrap(),
        "-ERR STAGE: RESET has come before the clock was there\r\n"
    );
}

#[test]
fn everything_goes_by_the_one_clock() {
    let (mut local, ann) = staged();
    let ben = local.connect();
    for line in [
        "SET k v PX 1500",
        "HSET h f v",
        "HEXPIRE h 3 FIELDS 1 f",
        "SET idle v",
        "CONFIG SET slowlog-log-slower-than 0",
        "STAGE CLOCK FREEZE",
        "STAGE CLOCK SET 1000000",
        "STAGE CLOCK SET 1700000000000",
    ] {
        let reply = call(&mut local, ann, line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
    }
    assert_eq!(call(&mut local, ben, "BLPOP nothing 2"), "");
    assert_eq!(call(&mut local, ann, "STAGE CLOCK ADVANCE 1499"), "+OK\r\n");
    assert_eq!(call(&mut local, ann, "PTTL k"), ":1\r\n");
    assert_eq!(call(&mut local, ann, "STAGE CLOCK ADVANCE 1"), "+OK\r\n");
    assert_eq!(call(&mut local, ann, "PTTL k"), ":-2\r\n");
    assert_eq!(local.received(ben), b"");
    call(&mut local, ann, "STAGE CLOCK ADVANCE 500");
    assert_eq!(local.received(ben), b"*-1\r\n");
    call(&mut local, ann, "STAGE CLOCK ADVANCE 60000");
    assert_eq!(call(&mut local, ann, "EXISTS h"), ":0\r\n");
    assert_eq!(call(&mut local, ann, "OBJECT IDLETIME idle"), ":62\r\n");
    assert_eq!(call(&mut local, ann, "TIME"), "*2\r\n$10\r\n1700000062\r\n$1\r\n0\r\n");
    assert_eq!(call(&mut local, ann, "XADD s * f v"), "$15\r\n1700000062000-0\r\n");
    let list = call(&mut local, ann, "CLIENT LIST ID 2");
    assert!(list.contains(" age=62 idle=60 "), "{list}");
    let info = call(&mut local, ann, "INFO server");
    assert!(info.contains("server_time_usec:1700000062000000\r\n"), "{info}");
    assert!(info.contains("uptime_in_seconds:62\r\n"), "{info}");
    let slow = call(&mut local, ann, "SLOWLOG GET 1");
    assert!(slow.contains(":1700000062\r\n"), "{slow}");
    call(&mut local, ben, "PING");
    call(&mut local, ann, "CONFIG SET timeout 100");
    call(&mut local, ann, "STAGE CLOCK ADVANCE 100000");
    assert!(local.is_open(ben));
    call(&mut local, ann, "STAGE CLOCK ADVANCE 1000");
    assert!(!local.is_open(ben) && local.is_open(ann));
}

#[test]
fn a_pause_and_a_failed_login_end_by_that_clock() {
    let (mut local, ann) = staged();
    let ben = local.connect();
    for line in ["CLIENT PAUSE 1000 ALL", "STAGE CLOCK FREEZE"] {
        assert_eq!(call(&mut local, ann, line), "+OK\r\n", "{line}");
    }
    assert_eq!(call(&mut local, ben, "PING"), "");
    // The pause holds back neither the clock nor the end of the test.
    assert_eq!(call(&mut local, ann, "STAGE CLOCK ADVANCE 999"), "+OK\r\n");
    assert_eq!(local.received(ben), b"");
    assert_eq!(call(&mut local, ann, "STAGE CLOCK ADVANCE 1"), "+OK\r\n");
    assert_eq!(local.received(ben), b"+PONG\r\n");
    call(&mut local, ann, "CLIENT PAUSE 1000 ALL");
    assert_eq!(call(&mut local, ann, "STAGE RESET"), "+OK\r\n");
    call(&mut local, ann, "CLIENT UNPAUSE");
    local.advance(Duration::from_secs(1));
    local.received(ann);
    call(&mut local, ann, "CONFIG SET auth-failure-delay 100");
    let mut peer = Peer::local();
    peer.addr = Address::Tcp("127.0.0.1:5000".parse().unwrap());
    let eve = local.try_connect(peer).unwrap();
    assert_eq!(call(&mut local, eve, "AUTH ann x"), "");
    call(&mut local, ann, "STAGE CLOCK ADVANCE 99");
    assert_eq!(local.received(eve), b"");
    call(&mut local, ann, "STAGE CLOCK ADVANCE 1");
    assert!(local.received(eve).starts_with(b"-WRONGPASS"));
}

#[test]
fn a_line_that_is_wrong_changes_nothing() {
    let (mut local, ann) = staged();
    let time = call(&mut local, ann, "TIME");
    for (line, told) in [
        ("STOP", "CLOCK takes FREEZE, ADVANCE, SET or RUN, not 'STOP'"),
        ("FREEZE now", "'now' cannot stand here, where nothing can"),
        ("ADVANCE", "ADVANCE takes a number from 0 to 251"),
        ("ADVANCE -1", "ADVANCE takes a number from 0 to 251"),
        ("ADVANCE 1.5", ", not '1.5'"),
        ("ADVANCE 1 2", "'2' cannot stand here"),
        ("SET", "SET takes a number from 0 to 253402300799999, but the line ends there"),
        ("SET 253402300800000", ", not '253402300800000'"),
        ("RUN 1", "'1' cannot stand here"),
    ] {
        let reply = call(&mut local, ann, &format!("STAGE CLOCK {line}"));
        assert!(reply.starts_with("-ERR STAGE: ") && reply.contains(told), "{line}: {reply}");
    }
    assert_eq!(call(&mut local, ann, "TIME"), time);
    assert_eq!(call(&mut local, ann, "STAGE CLOCK SET 253402300799999"), "+OK\r\n");
    let reply = call(&mut local, ann, "STAGE CLOCK ADVANCE 1");
    assert!(reply.contains("ADVANCE takes a number from 0 to 0, not '1'"), "{reply}");
}

#[test]
fn told_time_stands_still_by_itself() {
    let (mut local, ann) = staged();
    let reply = call(&mut local, ann, "STAGE CLOCK RUN");
    assert!(reply.starts_with("-ERR the time of this server is told"), "{reply}");
    let time = call(&mut local, ann, "TIME");
    call(&mut local, ann, "STAGE CLOCK SET 5000");
    call(&mut local, ann, "STAGE CLOCK ADVANCE 5000");
    assert_eq!(call(&mut local, ann, "TIME"), "*2\r\n$2\r\n10\r\n$1\r\n0\r\n");
    assert_eq!(call(&mut local, ann, "STAGE RESET"), "+OK\r\n");
    assert_eq!(call(&mut local, ann, "TIME"), time);
}

#[test]
fn neither_a_transaction_nor_a_script_changes_the_clock() {
    let (mut local, ann) = staged();
    call(&mut local, ann, "MULTI");
    let reply = call(&mut local, ann, "STAGE CLOCK ADVANCE 1");
    assert_eq!(reply, "-ERR Command 'stage|clock' not allowed inside a transaction\r\n");
    call(&mut local, ann, "DISCARD");
    if cfg!(feature = "lua") {
        local.send(ann, &request(["EVAL", "return redis.call('STAGE','CLOCK','FREEZE')", "0"]));
        let reply = String::from_utf8(local.received(ann)).unwrap();
        assert!(reply.contains("not allowed from script"), "{reply}");
    }
}
