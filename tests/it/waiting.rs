//! Commands that wait, and what happens meanwhile.

use std::time::Duration;

use respd::internals::config::Callers;
use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::peer::{Kind, Peer};

use crate::client::{call, received, send};

#[test]
fn the_first_in_line_is_served_first() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    assert_eq!(call(&mut local, ann, "BLPOP a b 0"), "");
    assert_eq!(call(&mut local, ben, "BLPOP b 0"), "");
    assert_eq!(call(&mut local, cat, "RPUSH b 1 2 3"), ":3\r\n");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
    assert_eq!(received(&mut local, ben), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    assert_eq!(call(&mut local, cat, "LLEN b"), ":1\r\n");
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn requests_behind_a_blocked_command_run_after_it() {
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
fn a_blocked_client_gets_a_null_when_its_time_is_up() {
    let mut local = Local::new(Config::default());
    let ann = local.connect();
    assert_eq!(call(&mut local, ann, "BLPOP a 0.5"), "");
    local.advance(Duration::from_millis(499));
    assert_eq!(received(&mut local, ann), "");
    local.advance(Duration::from_millis(1));
    assert_eq!(received(&mut local, ann), "*-1\r\n");
    assert_eq!(call(&mut local, ann, "PING"), "+PONG\r\n");
}

#[test]
fn a_client_that_is_gone_takes_no_element() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    send(&mut local, ben, "BLPOP a 0");
    local.finish(ann);
    assert_eq!(call(&mut local, cat, "CLIENT KILL ID 2"), ":1\r\n");
    assert_eq!(call(&mut local, cat, "RPUSH a 1"), ":1\r\n");
    assert_eq!(call(&mut local, cat, "LRANGE a 0 -1"), "*1\r\n$1\r\n1\r\n");
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn nothing_waits_in_a_transaction() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    call(&mut local, ben, "MULTI");
    call(&mut local, ben, "BLPOP b 0");
    call(&mut local, ben, "RPUSH a 1");
    call(&mut local, ben, "LLEN a");
    assert_eq!(call(&mut local, ben, "EXEC"), "*3\r\n*-1\r\n:1\r\n:1\r\n");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

/// Lets time pass.
fn wait(local: &mut Local, millis: u64) {
    local.advance(Duration::from_millis(millis));
}

#[test]
fn a_blocked_client_is_served_in_the_same_turn() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    send(&mut local, ben, "RPUSH a 1");
    assert_eq!(local.engine.next_deadline(), None);
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

#[test]
fn what_one_blocked_command_moves_serves_the_next() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat, dan] = [(); 4].map(|()| local.connect());
    send(&mut local, ann, "BLPOP c 0");
    send(&mut local, ben, "BLMOVE b c LEFT RIGHT 0");
    send(&mut local, cat, "BLMOVE a b LEFT RIGHT 0");
    assert_eq!(call(&mut local, dan, "RPUSH a 1"), ":1\r\n");
    assert_eq!(received(&mut local, cat), "$1\r\n1\r\n");
    assert_eq!(received(&mut local, ben), "$1\r\n1\r\n");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\nc\r\n$1\r\n1\r\n");
    assert_eq!(call(&mut local, dan, "DBSIZE"), ":0\r\n");
}

#[test]
fn a_blocked_command_that_fails_leaves_the_element_to_the_next() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    send(&mut local, ann, "BLMOVE a b LEFT RIGHT 0");
    send(&mut local, ben, "BLPOP a 0");
    send(&mut local, cat, "SET b string");
    send(&mut local, cat, "RPUSH a 1");
    assert!(received(&mut local, ann).starts_with("-WRONGTYPE "));
    assert_eq!(received(&mut local, ben), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

#[test]
fn a_blocked_command_passes_the_gates_again() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLMOVE a b LEFT RIGHT 0");
    call(&mut local, ben, "MULTI");
    call(&mut local, ben, "RPUSH a 1");
    call(&mut local, ben, "CONFIG SET maxmemory 1");
    call(&mut local, ben, "EXEC");
    assert!(received(&mut local, ann).starts_with("-OOM "));
    assert_eq!(call(&mut local, ben, "LLEN a"), ":1\r\n");
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn a_thousand_blocked_clients_that_vanish_leave_nothing_behind() {
    let mut local = Local::new(Config::default());
    let before = local.engine.world.memory();
    let clients: Vec<Connection> = (0..1000).map(|_| local.connect()).collect();
    for (number, &client) in clients.iter().enumerate() {
        let own = format!("own:{number}");
        send(&mut local, client, &format!("BLPOP shared {own} shared {}", 100 + number));
    }
    let waiters = &local.engine.world.waiters;
    assert_eq!((waiters.len(), waiters.keys(), waiters.deadlines()), (1000, 1001, 1000));
    for &client in &clients {
        local.finish(client);
    }
    wait(&mut local, 0);
    let world = &local.engine.world;
    assert!(world.clients.is_empty() && world.waiters.is_empty());
    assert_eq!((world.waiters.keys(), world.waiters.deadlines()), (0, 0));
    assert_eq!(world.memory().clients, before.clients);
    assert!(!world.store.shared.journal.follows_keys);
    let ann = local.connect();
    assert_eq!(call(&mut local, ann, "RPUSH shared 1"), ":1\r\n");
}

#[test]
fn a_blocked_client_is_not_idle() {
    let mut local = Local::new(Config { timeout: 5, ..Config::default() });
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 20");
    send(&mut local, ben, "CLIENT PAUSE 15000 WRITE");
    send(&mut local, cat, "SET a 1");
    for _ in 0..14 {
        wait(&mut local, 1000);
    }
    assert!(local.is_open(ann) && !local.is_open(ben) && local.is_open(cat));
    for _ in 0..8 {
        wait(&mut local, 1000);
        received(&mut local, ann);
        received(&mut local, cat);
    }
    assert!(local.is_open(ann) && !local.is_open(cat));
}

#[test]
fn a_blocked_client_that_sends_too_much_is_closed() {
    let config = Config { client_query_buffer_limit: 1 << 20, ..Config::default() };
    let mut local = Local::new(config);
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    local.send(ann, &request(["ECHO", &"x".repeat(1 << 19)]));
    assert!(local.is_open(ann));
    local.send(ann, &request(["ECHO", &"x".repeat(1 << 19)]));
    wait(&mut local, 0);
    assert!(!local.is_open(ann) && local.engine.world.waiters.is_empty());
    assert_eq!(call(&mut local, ben, "RPUSH a 1"), ":1\r\n");
    assert_eq!(call(&mut local, ben, "LLEN a"), ":1\r\n");
}

#[test]
fn reset_waits_behind_a_command_that_waits() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    send(&mut local, ann, "RESET");
    assert_eq!(received(&mut local, ann), "");
    send(&mut local, ben, "RPUSH a 1");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\na\r\n$1\r\n1\r\n+RESET\r\n");
}

#[test]
fn an_operator_ends_a_wait() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    for (reason, answer) in
        [("TIMEOUT", "*-1\r\n"), ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")]
    {
        send(&mut local, ann, "BLPOP a 0");
        let unblock = format!("CLIENT UNBLOCK 1 {reason}");
        assert_eq!(call(&mut local, ben, &unblock), ":1\r\n");
        assert_eq!(call(&mut local, ben, &unblock), ":0\r\n");
        assert_eq!(received(&mut local, ann), answer);
        assert!(local.engine.world.waiters.is_empty());
    }
    send(&mut local, ann, "WAIT 1 0");
    assert_eq!(call(&mut local, ben, "CLIENT UNBLOCK 1"), ":1\r\n");
    assert_eq!(received(&mut local, ann), ":0\r\n");
}

#[test]
fn wait_returns_without_a_replica_when_its_time_is_up() {
    let mut local = Local::new(Config::default());
    let ann = local.connect();
    assert_eq!(call(&mut local, ann, "WAIT 0 0"), ":0\r\n");
    assert_eq!(call(&mut local, ann, "WAIT 1 200"), "");
    wait(&mut local, 199);
    assert_eq!(received(&mut local, ann), "");
    wait(&mut local, 1);
    assert_eq!(received(&mut local, ann), ":0\r\n");
}

#[test]
fn a_pause_ends_by_itself_and_all_go_on_in_their_order() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat, dan] = [(); 4].map(|()| local.connect());
    assert_eq!(call(&mut local, ann, "CLIENT PAUSE 100 WRITE"), "+OK\r\n");
    send(&mut local, dan, "APPEND k d");
    send(&mut local, dan, "GET k");
    send(&mut local, ben, "APPEND k b");
    // Quotes are read once, not again when the command runs.
    local.send(cat, b"APPEND k \"\\x5cx41\"\r\n");
    assert_eq!(call(&mut local, ann, "GET k"), "$-1\r\n");
    wait(&mut local, 99);
    for client in [ben, cat, dan] {
        assert_eq!(received(&mut local, client), "");
    }
    assert_eq!(call(&mut local, ann, "CLIENT PAUSE 50 WRITE"), "+OK\r\n");
    wait(&mut local, 50);
    assert_eq!(received(&mut local, dan), ":1\r\n$1\r\nd\r\n");
    assert_eq!(received(&mut local, ben), ":2\r\n");
    assert_eq!(received(&mut local, cat), ":6\r\n");
    assert_eq!(call(&mut local, ann, "GET k"), "$6\r\ndb\\x41\r\n");
    assert_eq!(local.engine.next_deadline(), None);
}

#[test]
fn a_client_that_is_gone_before_a_pause_ends_runs_nothing() {
    let mut local = Local::new(Config::default());
    let [ann, ben, cat] = [(); 3].map(|()| local.connect());
    call(&mut local, ann, "CLIENT PAUSE 100000 ALL");
    send(&mut local, ben, "SET k ben");
    send(&mut local, cat, "SET k cat");
    local.finish(ben);
    local.engine.hang_up(local.engine.world.clients.slot_of(3).expect("cat"));
    wait(&mut local, 100_000);
    assert!(!local.is_open(ben) && !local.is_open(cat));
    assert_eq!(call(&mut local, ann, "EXISTS k"), ":0\r\n");
}

#[test]
fn clients_of_the_admin_port_are_never_held_back() {
    let mut local = Local::new(Config::default());
    let admin = local.try_connect(Peer { kind: Kind::Admin, ..Peer::local() }).expect("room");
    let ann = local.connect();
    assert_eq!(call(&mut local, admin, "CLIENT PAUSE 100000 ALL"), "+OK\r\n");
    assert_eq!(call(&mut local, admin, "SET k v"), "+OK\r\n");
    assert_eq!(call(&mut local, ann, "GET k"), "");
    assert_eq!(call(&mut local, admin, "CLIENT UNPAUSE"), "+OK\r\n");
    assert_eq!(received(&mut local, ann), "$1\r\nv\r\n");
}

#[test]
fn the_keyspace_stands_still_in_a_pause() {
    let mut local = Local::new(Config::default());
    let admin = local.try_connect(Peer { kind: Kind::Admin, ..Peer::local() }).expect("room");
    let ann = local.connect();
    call(&mut local, admin, "SET old v PX 10");
    call(&mut local, admin, "SET older v PX 10");
    call(&mut local, admin, "CLIENT PAUSE 1000 WRITE");
    wait(&mut local, 20);
    assert_eq!(call(&mut local, ann, "EXISTS old older"), ":0\r\n");
    assert_eq!(call(&mut local, ann, "DBSIZE"), ":2\r\n");
    // An operator that writes all the same does not see the value that was there.
    assert_eq!(call(&mut local, admin, "RPUSH old 1"), ":1\r\n");
    assert_eq!(call(&mut local, ann, "DBSIZE"), ":2\r\n");
    wait(&mut local, 1000);
    assert_eq!(call(&mut local, ann, "KEYS *"), "*1\r\n$3\r\nold\r\n");
    assert_eq!(call(&mut local, ann, "DBSIZE"), ":1\r\n");
}

#[test]
fn no_blocked_client_is_served_in_a_pause() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    send(&mut local, ann, "BLPOP a 0");
    for words in ["MULTI", "CLIENT PAUSE 100 WRITE", "RPUSH a 1", "EXEC"] {
        call(&mut local, ben, words);
    }
    assert_eq!(received(&mut local, ann), "");
    wait(&mut local, 100);
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

#[test]
fn requests_behind_a_debug_sleep_wait_for_it() {
    let mut local = Local::new(Config { enable_debug_command: Callers::Yes, ..Config::default() });
    let ann = local.connect();
    let all = ["DEBUG SLEEP 1", "PING"].map(|words| request(words.split(' '))).concat();
    local.send(ann, &all);
    let slot = local.engine.world.clients.slot_of(1).expect("ann");
    assert_eq!(&local.engine.unsent(slot)[..], b"+OK\r\n");
    assert_eq!(local.engine.world.reactor_requests.stall.take(), Some(Duration::from_secs(1)));
    assert_eq!(received(&mut local, ann), "+OK\r\n+PONG\r\n");
}
