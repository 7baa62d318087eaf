//! What time does to clients. Time is told to the engine, so nothing here waits.

use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::Local;
use respd::internals::peer::{Kind, Peer};

const SECOND: Duration = Duration::from_secs(1);

fn with_timeout(seconds: u32) -> Local {
    Local::new(Config { timeout: seconds, ..Config::default() })
}

#[test]
fn an_idle_client_is_closed_after_the_timeout_and_a_busy_one_is_not() {
    let mut local = with_timeout(10);
    let (idle, busy) = (local.connect(), local.connect());
    for _ in 0..30 {
        local.advance(SECOND);
        assert_eq!(local.call(busy, ["PING"]).to_string(), "PONG");
    }
    assert!(!local.is_open(idle));
    assert!(local.is_open(busy));
}

#[test]
fn an_idle_client_is_not_closed_early() {
    let mut local = with_timeout(10);
    let client = local.connect();
    local.advance(10 * SECOND);
    assert!(local.is_open(client), "ten seconds are not more than ten seconds");
    local.advance(2 * SECOND);
    assert!(!local.is_open(client));
}

#[test]
fn half_a_request_is_a_sign_of_life() {
    let mut local = with_timeout(10);
    let client = local.connect();
    for byte in b"*1\r\n$4\r\nPING\r\n" {
        assert!(local.is_open(client));
        local.send(client, &[*byte]);
        local.advance(9 * SECOND);
    }
    assert_eq!(local.received(client), b"+PONG\r\n");
}

#[test]
fn nobody_is_closed_when_there_is_no_timeout() {
    let mut local = with_timeout(0);
    let client = local.connect();
    assert_eq!(local.engine.next_deadline(), None, "an idle server sleeps");
    local.advance(100_000 * SECOND);
    assert_eq!(local.call(client, ["PING"]).to_string(), "PONG");
}

/// Sends every request of `session` as a client of its own, and returns the client.
fn client_after(local: &mut Local, session: &[&str]) -> respd::internals::embed::local::Connection {
    let client = local.connect();
    for line in session {
        local.send(client, format!("{line}\r\n").as_bytes());
        local.received(client);
    }
    client
}

/// Each state as Valkey 9.1 has it with `timeout 1`.
#[test]
fn a_client_that_waits_for_the_server_is_not_idle() {
    let mut local = with_timeout(10);
    let sessions: [&[&str]; 14] = [
        &["SUBSCRIBE a"],
        &["PSUBSCRIBE a*"],
        &["SSUBSCRIBE a"],
        &["HELLO 3", "SUBSCRIBE a"],
        &["HELLO 3", "PSUBSCRIBE a*"],
        &["HELLO 3", "SSUBSCRIBE a"],
        &["SUBSCRIBE a", "SSUBSCRIBE a", "UNSUBSCRIBE"],
        &["CLIENT REPLY OFF", "SUBSCRIBE a"],
        &["MONITOR"],
        &["HELLO 3", "MONITOR"],
        &["HELLO 3", "MONITOR", "SUBSCRIBE a", "UNSUBSCRIBE"],
        &["BLPOP k 0"],
        &["BLPOP k 0", "PING"],
        &["CLIENT PAUSE 1000000 WRITE", "SET a b"],
    ];
    for session in sessions {
        let client = client_after(&mut local, session);
        local.advance(100 * SECOND);
        assert!(local.is_open(client), "{session:?}");
        local.engine.world.unpause();
    }
}

#[test]
fn a_client_that_the_server_waits_for_is_idle_in_any_state() {
    let mut local = with_timeout(10);
    let sessions: [&[&str]; 14] = [
        &["*2", "$4", "ECHO"],
        &["MULTI", "GET k"],
        &["WATCH k"],
        &["SUBSCRIBE a", "UNSUBSCRIBE"],
        &["SSUBSCRIBE a", "SUNSUBSCRIBE"],
        &["SUBSCRIBE a", "RESET"],
        &["MONITOR", "RESET"],
        &["CLIENT REPLY OFF"],
        &["HELLO 3", "CLIENT TRACKING ON"],
        &["HELLO 3", "CLIENT TRACKING ON BCAST"],
        &["CLIENT NO-EVICT ON"],
        &["CLIENT NO-TOUCH ON"],
        &["CLIENT PAUSE 100000 WRITE"],
        &["BLPOP k 0.001"],
    ];
    for session in sessions {
        let client = client_after(&mut local, session);
        local.advance(SECOND);
        local.received(client);
        local.advance(12 * SECOND);
        assert!(!local.is_open(client), "{session:?}");
        local.engine.world.unpause();
    }
}

/// The exemption ends with the subscription, and the time begins then.
#[test]
fn a_client_is_idle_from_its_last_subscription_on() {
    let mut local = with_timeout(10);
    let client = client_after(&mut local, &["SUBSCRIBE a"]);
    local.advance(100 * SECOND);
    local.send(client, b"UNSUBSCRIBE a\r\n");
    local.received(client);
    local.advance(10 * SECOND);
    assert!(local.is_open(client));
    local.advance(2 * SECOND);
    assert!(!local.is_open(client));
}

/// The reactor sleeps until the deadline it is told, so a deadline that is too late would close too
/// late, and one that is too early would make the server wake for nothing.
#[test]
fn the_engine_wakes_for_the_timeout_and_little_else() {
    let mut local = with_timeout(10);
    let client = local.connect();
    let start = local.engine.world.now.mono;
    let mut turns = 0;
    while local.is_open(client) {
        let due = local.engine.next_deadline().expect("somebody may become idle");
        let now = local.engine.world.now.mono;
        local.advance(Duration::from_micros(due.saturating_sub(now)));
        turns += 1;
        assert!(turns <= 3, "{turns} turns, and still {due}");
    }
    let waited = local.engine.world.now.mono - start;
    assert!((10_000_000..=10_100_000).contains(&waited), "closed after {waited} µs");
}

#[test]
fn a_timeout_without_clients_wakes_nothing() {
    let mut local = with_timeout(10);
    assert_eq!(local.engine.next_deadline(), None);
    let client = local.connect();
    local.send(client, b"QUIT\r\n");
    local.advance(Duration::from_secs(60));
    assert!(!local.is_open(client));
    assert_eq!(local.engine.next_deadline(), None);
}

/// A reader that stops reading what it is owed when it closes must not keep its place for ever.
#[test]
fn a_closing_client_that_does_not_read_is_closed_all_the_same() {
    let mut local = Local::new(Config::default());
    let (client, other) = (local.connect(), local.connect());
    let slot = local.engine.world.clients.slots().next().unwrap();
    local.send(client, b"ECHO goodbye\r\nQUIT\r\n");
    assert!(!local.engine.unsent(slot).is_empty());
    // The socket took nothing.
    local.engine.stalled(slot);
    let due = local.engine.next_deadline().expect("its patience ends");
    local.advance(Duration::from_micros(due - 1 - local.engine.world.now.mono));
    assert!(local.is_open(client));
    local.advance(Duration::from_micros(1));
    assert!(!local.is_open(client));
    assert_eq!(local.call(other, ["PING"]).to_string(), "PONG");
    assert_eq!(local.engine.next_deadline(), None);
}

/// Half-closed peers get the replies to what they sent, if it takes them an hour.
#[test]
fn a_closing_client_that_reads_slowly_is_not_cut_off() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    let slot = local.engine.world.clients.slots().next().unwrap();
    local.send(client, b"ECHO 0123456789\r\n");
    local.finish(client);
    for _ in 0..10 {
        local.engine.stalled(slot);
        local.advance(9 * SECOND);
        assert!(local.is_open(client));
        local.engine.sent(slot, 1);
    }
    local.engine.stalled(slot);
    local.advance(11 * SECOND);
    assert!(local.is_open(client), "it has read something lately");
    local.advance(11 * SECOND);
    assert!(!local.is_open(client));
}

#[test]
fn a_stalled_client_that_is_not_closing_has_all_the_time() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    let slot = local.engine.world.clients.slots().next().unwrap();
    local.send(client, b"PING\r\n");
    local.engine.stalled(slot);
    local.advance(100_000 * SECOND);
    assert_eq!(local.received(client), b"+PONG\r\n");
}

#[test]
fn half_closed_clients_get_the_replies_to_what_they_sent() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    local.send(client, b"PING\r\nECHO last\r\nGET cut");
    local.finish(client);
    assert_eq!(local.received(client), b"+PONG\r\n$4\r\nlast\r\n");
    assert!(!local.is_open(client));
}

#[test]
fn operators_get_in_beyond_maxclients() {
    let mut local = Local::new(Config { maxclients: 2, ..Config::default() });
    let newcomer = |kind| Peer { kind, ..Peer::local() };
    for _ in 0..2 {
        local.try_connect(newcomer(Kind::Tcp)).unwrap();
    }
    let refused = local.try_connect(newcomer(Kind::Tcp)).unwrap_err();
    assert_eq!(refused, b"-ERR max number of clients reached\r\n");
    for _ in 0..16 {
        assert!(local.try_connect(newcomer(Kind::Unix)).is_err(), "applications use it, too");
        local.try_connect(newcomer(Kind::Admin)).unwrap();
    }
    assert!(local.try_connect(newcomer(Kind::Admin)).is_err());
    assert_eq!(local.engine.world.stats.connections_rejected, 1 + 16 + 1);
}

#[test]
fn a_client_that_does_not_read_is_closed_at_its_output_buffer_limit() {
    let mut config = Config::default();
    config.apply_option("client-output-buffer-limit", "normal 1mb 0 0").unwrap();
    let mut local = Local::new(config);
    let (client, other) = (local.connect(), local.connect());
    let request = respd::internals::embed::local::request([&b"ECHO"[..], &[b'x'; 64 * 1024]]);
    for sent in 0.. {
        assert!(sent <= 16, "a mebibyte is sixteen of these");
        local.send(client, &request);
        // Ends the turn without reading a byte.
        local.advance(Duration::ZERO);
        if !local.is_open(client) {
            break;
        }
    }
    assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
    assert_eq!(local.call(other, ["PING"]).to_string(), "PONG");
}

#[test]
fn what_a_client_has_left_unread_shows_as_memory_when_it_is_much() {
    let mut local = Local::new(Config::default());
    let (client, other) = (local.connect(), local.connect());
    for (bytes, shows) in [(16 * 1024 - 20, false), (20_000, true)] {
        local.send(
            client,
            &respd::internals::embed::local::request([&b"ECHO"[..], &vec![b'x'; bytes]]),
        );
        let line = local.call(other, ["CLIENT", "LIST", "ID", "1"]).to_string();
        let (_, rest) = line.split_once(" omem=").expect("the field");
        let (omem, _) = rest.split_once(' ').expect("more fields");
        let omem: usize = omem.parse().expect("a number");
        assert_eq!(omem > bytes, shows, "{line}");
        local.received(client);
    }
}
