//! Watching the server: MONITOR, the logs of slow and large commands, events, memory of clients.

use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::config::Share;
use respd::internals::embed::local::{Connection, Local, request};

use crate::client::{call_shown, received, send};
use crate::process::{Folder, Respd};

const NO_TIME: Duration = Duration::ZERO;

/// A server on which DEBUG SLEEP takes its time: that is told, too.
fn with_debug(config: Config) -> Local {
    let mut config = config;
    config.apply_option("enable-debug-command", "yes").expect("a directive");
    Local::new(config)
}

/// Lets a command take so many milliseconds. Nobody sleeps, it is only counted.
fn sleep(local: &mut Local, client: Connection, millis: u64) {
    let seconds = format!("0.{millis:03}");
    assert_eq!(call_shown(local, client, &format!("DEBUG SLEEP {seconds}")), "OK");
    local.engine.world.reactor_requests.stall = None;
}

#[test]
fn what_is_slow_is_logged_with_the_time_it_took() {
    let mut local = with_debug(Config::default());
    let client = local.connect();
    sleep(&mut local, client, 9);
    sleep(&mut local, client, 10);
    let logged = call_shown(&mut local, client, "SLOWLOG GET");
    let [id, at, micros] = [0, 1_700_000_000, 10_000];
    assert!(logged.starts_with(&format!(
        "1) 1) (integer) {id}\n   2) (integer) {at}\n   3) (integer) {micros}\n   4) 1) \"DEBUG\""
    )));
    assert_eq!(call_shown(&mut local, client, "SLOWLOG LEN"), "(integer) 1");
}

#[test]
fn time_spent_waiting_is_nobodys_slowness() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    call_shown(&mut local, ben, "CONFIG SET slowlog-log-slower-than 0");
    call_shown(&mut local, ben, "SLOWLOG RESET");
    send(&mut local, ann, "BLPOP list 0");
    local.advance(Duration::from_secs(60));
    assert_eq!(call_shown(&mut local, ben, "SLOWLOG LEN"), "(integer) 1", "only SLOWLOG RESET");
    call_shown(&mut local, ben, "RPUSH list x");
    let logged = call_shown(&mut local, ben, "SLOWLOG GET 1");
    assert!(logged.contains("\"BLPOP\"") && logged.contains("3) (integer) 0\n"), "{logged}");
    assert!(call_shown(&mut local, ben, "LATENCY HISTOGRAM blpop").contains("(integer) 1"));
}

#[test]
fn events_are_kept_a_second_apart() {
    let mut local = with_debug(Config::default());
    let client = local.connect();
    call_shown(&mut local, client, "CONFIG SET latency-monitor-threshold 5");
    for millis in [4, 5, 20, 7] {
        sleep(&mut local, client, millis);
    }
    local.advance(Duration::from_secs(3));
    sleep(&mut local, client, 100);
    let latest = "1) 1) \"command\"\n   2) (integer) 1700000003\n   3) (integer) 100\n   \
        4) (integer) 100\n   5) (integer) 132\n   6) (integer) 4";
    assert_eq!(call_shown(&mut local, client, "LATENCY LATEST"), latest);
    let history = "1) 1) (integer) 1700000000\n   2) (integer) 20\n2) 1) (integer) 1700000003\n   \
        2) (integer) 100";
    assert_eq!(call_shown(&mut local, client, "LATENCY HISTORY command"), history);
    assert_eq!(call_shown(&mut local, client, "LATENCY RESET fast-command command"), "(integer) 1");
    assert_eq!(call_shown(&mut local, client, "LATENCY LATEST"), "(empty array)");
}

#[test]
fn percentiles_are_those_of_the_calls() {
    let mut local = with_debug(Config::default());
    let client = local.connect();
    call_shown(&mut local, client, "CONFIG RESETSTAT");
    for millis in [1, 1, 1, 500] {
        sleep(&mut local, client, millis);
    }
    let report = call_shown(&mut local, client, "INFO latencystats");
    let line = "latency_percentiles_usec_debug:p50=1003.519,p99=501219.327,p99.9=501219.327";
    assert!(report.contains(line), "{report}");
}

#[test]
fn monitors_leave_every_index() {
    let mut local = Local::new(Config::default());
    let all = [(); 4].map(|()| local.connect());
    let [reset, gone, killed, other] = all;
    for client in [reset, gone, killed] {
        assert_eq!(call_shown(&mut local, client, "MONITOR"), "OK");
        assert_eq!(call_shown(&mut local, client, "MONITOR"), "OK", "twice is once");
    }
    call_shown(&mut local, other, "ECHO x");
    for client in [reset, gone, killed] {
        let line = "+1700000000.000000 [0 local:0] \"ECHO\" \"x\"\r\n";
        assert_eq!(received(&mut local, client), line);
    }
    call_shown(&mut local, other, "CLIENT KILL ID 3");
    local.finish(gone);
    local.received(gone);
    assert!(!local.engine.world.monitors.is_empty());
    call_shown(&mut local, reset, "RESET");
    assert!(local.engine.world.monitors.is_empty());
}

#[test]
fn a_line_of_monitor_lands_in_no_reply() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    call_shown(&mut local, client, "MONITOR");
    for words in ["MULTI", "ECHO a", "PING"] {
        send(&mut local, client, words);
    }
    received(&mut local, client);
    send(&mut local, client, "EXEC");
    let head = "+1700000000.000000 [0 local:0] ";
    let lines =
        ["\"ECHO\" \"a\"", "\"PING\"", "\"EXEC\""].map(|shown| format!("{head}{shown}\r\n"));
    let expected = format!("*2\r\n$1\r\na\r\n+PONG\r\n{}", lines.concat());
    assert_eq!(received(&mut local, client), expected);
}

/// Half a request, of which the server holds so many bytes and, where memory is limited, has room for as many more.
fn half_a_request(bytes: usize) -> Vec<u8> {
    [&b"*2\r\n$4\r\nECHO\r\n$900000\r\n"[..], &vec![b'x'; bytes]].concat()
}

#[test]
fn the_largest_clients_go_when_they_hold_too_much() {
    let limit = Share::Bytes(740_000);
    let mut local = Local::new(Config { maxmemory_clients: limit, ..Config::default() });
    let [small, large, larger] = [(); 3].map(|()| local.connect());
    local.send(small, &half_a_request(50_000));
    local.send(large, &half_a_request(130_000));
    local.send(larger, &half_a_request(180_000));
    assert!(local.is_open(larger), "720,000 bytes are allowed");
    local.send(small, &[b'x'; 90_000]);
    local.advance(NO_TIME);
    assert_eq!([small, large, larger].map(|client| local.is_open(client)), [true, true, false]);
    assert_eq!(local.engine.world.stats.evicted_clients, 1);
}

#[test]
fn who_is_not_to_be_evicted_is_counted_and_spared() {
    let mut local = Local::new(Config::default());
    let [spared, other] = [(); 2].map(|()| local.connect());
    call_shown(&mut local, spared, "CLIENT NO-EVICT on");
    call_shown(&mut local, other, "CONFIG SET maxmemory 1000000 maxmemory-clients 20%");
    local.send(spared, &half_a_request(60_000));
    local.advance(NO_TIME);
    assert!(local.is_open(spared) && local.is_open(other));
    local.send(other, &half_a_request(50_000));
    local.advance(NO_TIME);
    assert!(local.is_open(spared) && !local.is_open(other));
    local.finish(spared);
    local.received(spared);
    assert_eq!(local.engine.world.clients.memory(), 0);
}

/// Words that may be shown nowhere.
const SECRET: &str = "hunter2";

/// Ways to tell the server a secret, in the order in which they work.
const TELLING: &[&str] = &[
    "AUTH hunter2",
    "AUTH default hunter2",
    "HELLO 3 AUTH default hunter2 SETNAME me",
    "HELLO 3 AUTH hunter2",
    "HELLO 3 SETNAME me AUTH default hunter2",
    "ACL DRYRUN default AUTH hunter2",
    "CONFIG SET requirepass hunter2",
    "AUTH hunter2",
    "CONFIG SET maxmemory 0 requirepass hunter2",
    "CONFIG SET nosuch hunter2",
    "CONFIG GET requirepass",
    "ACL SETUSER bob on >hunter2 ~* +@all",
    "ACL SETUSER bob <hunter2",
    "CONFIG SET requirepass \"\"",
];

/// Those of them that this server has commands for.
fn telling() -> impl Iterator<Item = &'static str> {
    let local = Local::new(Config::default());
    let is_known = |words: &str| {
        let name = words.split(' ').next().unwrap_or(words);
        local.engine.table().command(name.as_bytes()).is_some()
    };
    TELLING.iter().copied().filter(|words| is_known(words)).collect::<Vec<_>>().into_iter()
}

#[test]
fn a_secret_is_shown_nowhere() {
    let mut local = Local::new(Config::default());
    let [teller, monitor] = [(); 2].map(|()| local.connect());
    let logs = "CONFIG SET slowlog-log-slower-than 0 commandlog-request-larger-than 0 \
        commandlog-reply-larger-than 0";
    call_shown(&mut local, monitor, logs);
    call_shown(&mut local, monitor, "MONITOR");
    for words in telling() {
        for around in ["PING", "MULTI"] {
            send(&mut local, teller, around);
            send(&mut local, teller, words);
            send(&mut local, teller, if around == "MULTI" { "EXEC" } else { "PING" });
        }
        received(&mut local, teller);
        let reader = local.connect();
        let mut shown = received(&mut local, monitor);
        for words in [
            "CLIENT LIST",
            "SLOWLOG GET -1",
            "COMMANDLOG GET -1 large-request",
            "COMMANDLOG GET -1 large-reply",
        ] {
            shown += &call_shown(&mut local, reader, words);
        }
        assert!(!shown.contains(SECRET), "{words}: {shown}");
        local.finish(reader);
        local.received(reader);
    }
}

#[test]
fn a_secret_is_not_in_the_log_either() {
    let folder = Folder::new();
    let log = folder.file("log");
    let option = format!("logfile={}", log.display());
    let flags = ["--port", "0", "-o", &option];
    let mut respd = Respd::start_in(&[("RUST_LOG", "respd=trace")], &flags);
    let mut client = respd.connect();
    for words in telling() {
        for words in [words, "MULTI", words, "EXEC"] {
            client.send(&request(words.split(' ')));
            client.frame().expect("a reply");
        }
    }
    client.call(["AUTH", "bob", "guess"]);
    let made_up = client.call(["ACL", "GENPASS"]);
    for misspelt in ["AUHT", "AUTH1 bob", "ACL SETUSR bob", "CONFIG SETT requirepass"] {
        client.send(&request(format!("{misspelt} {SECRET}").split(' ')));
        client.frame().expect("a reply");
    }
    drop(client);
    respd.signal("TERM");
    respd.wait();
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(log.contains("(redacted)"), "the wire log is on: {log}");
    assert!(!log.contains(SECRET), "{log}");
    assert!(log.contains("< (error) WRONGPASS"), "what comes late is in it, too: {log}");
    assert!(!log.contains(made_up.trim_matches('"')), "{made_up} in {log}");
}
