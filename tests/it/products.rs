//! Two lengths that a client chooses are not multiplied.
//!
//! What a request names many times, or a list that a client makes longer, is looked up and not searched. Each
//! of these tests would take minutes if it were: they are as large as that, and tell no time.

use respd::internals::embed::local::{Connection, Local};

use crate::client::{call, call_with, started};

/// Requests are as long as a megabyte or two, for which unauthenticated clients would have no room.
const MANY: usize = 200_000;

#[test]
fn any_number_of_keys_is_watched() {
    let (mut local, [ann]) = started();
    let keys = || (0..MANY).map(|n| format!("k{n}"));
    for _ in 0..2 {
        assert_eq!(call_with(&mut local, ann, "WATCH", keys()), "+OK\r\n");
        assert_eq!(local.engine.world.watches.len(), MANY);
        let shown = call(&mut local, ann, "CLIENT INFO");
        assert!(shown.contains(&format!(" watch={MANY} ")), "each is remembered once: {shown}");
    }
    let ben = local.connect();
    call_with(&mut local, ben, "WATCH", keys());
    assert_eq!((local.engine.world.watches.len(), local.engine.world.watches.clients()), (MANY, 2));
    call(&mut local, ben, "SET k7 x");
    assert_eq!(local.engine.world.watches.clients(), 0);
}

#[test]
fn a_key_that_is_waited_for_many_times_has_one_place_in_line() {
    let (mut local, [ann]) = started();
    let others: Vec<Connection> = (0..1000).map(|_| local.connect()).collect();
    for &other in &others {
        call(&mut local, other, "BLPOP k 0");
    }
    call_with(&mut local, ann, "BLPOP", (0..MANY).map(|_| "k").chain(["0"]));
    assert_eq!(local.engine.world.waiters.keys(), 1);
    let ben = local.connect();
    let reply = call_with(&mut local, ben, "RPUSH k", 0..1001);
    assert_eq!(reply, ":1001\r\n");
    assert_eq!(String::from_utf8_lossy(&local.received(ann)), "*2\r\n$1\r\nk\r\n$4\r\n1000\r\n");
    assert!(local.engine.world.waiters.is_empty());
    // One who leaves the line in the middle, too.
    call(&mut local, others[0], "BLPOP k 0");
    call_with(&mut local, ann, "BLPOP", (0..MANY).map(|_| "k").chain(["0"]));
    call(&mut local, others[1], "BLPOP k 0");
    call(&mut local, ben, "CLIENT KILL ID 1");
    assert_eq!(local.engine.world.waiters.len(), 2);
}

#[test]
fn many_keys_become_ready_at_once() {
    let (mut local, [ann]) = started();
    let keys = || (0..MANY).map(|n| format!("k{n}"));
    call_with(&mut local, ann, "BLPOP", keys().chain(["0".to_owned()]));
    // Everything that is waited for in either database may be there now.
    let ben = local.connect();
    assert_eq!(call(&mut local, ben, "SWAPDB 0 1"), "+OK\r\n");
    call(&mut local, ben, "SELECT 1");
    call(&mut local, ben, "RPUSH k5 x");
    call(&mut local, ben, "SWAPDB 0 1");
    assert_eq!(String::from_utf8_lossy(&local.received(ann)), "*2\r\n$2\r\nk5\r\n$1\r\nx\r\n");
}

#[test]
fn a_user_may_have_any_number_of_rules() {
    let (mut local, [ann]) = started();
    for rule in ["(~k{})", "(&c{})", "~k{}", "%R~k{}", "&c{}", ">p{}", "<p{}"] {
        let rules = (0..MANY / 4).map(|n| rule.replace("{}", &n.to_string()));
        assert_eq!(call_with(&mut local, ann, "ACL SETUSER u", rules), "+OK\r\n", "{rule}");
    }
    // Less than before: what its connections may listen to is compared.
    let fewer = (1..MANY / 4).map(|n| format!("(&c{n})"));
    assert_eq!(call_with(&mut local, ann, "ACL SETUSER u clearselectors", fewer), "+OK\r\n");
    let user = call(&mut local, ann, "ACL GETUSER u");
    assert!(user.contains("%R~k9") || user.contains(" ~k9 "), "the patterns are still there");
}

// ANCHOR: one_set
#[test]
fn a_set_that_is_named_many_times_is_one_set() {
    let (mut local, [ann]) = started();
    call_with(&mut local, ann, "SADD s", (0..5000).map(|n| format!("m{n}")));
    call_with(&mut local, ann, "SADD other", ["m1", "x"].iter());
    let named = || (0..MANY).map(|_| "s");
    assert_eq!(call_with(&mut local, ann, "SINTERSTORE d", named()), ":5000\r\n");
    assert_eq!(call_with(&mut local, ann, "SUNIONSTORE d", named()), ":5000\r\n");
    assert_eq!(call_with(&mut local, ann, "SDIFFSTORE d s", named()), ":0\r\n");
    assert_eq!(call_with(&mut local, ann, "SDIFF other", named()), "*1\r\n$1\r\nx\r\n");
    assert_eq!(call_with(&mut local, ann, "SINTER other", named()), "*1\r\n$2\r\nm1\r\n");
    let card = format!("SINTERCARD {}", MANY + 1);
    assert_eq!(call_with(&mut local, ann, &format!("{card} other"), named()), ":1\r\n");
}
// ANCHOR_END: one_set

#[test]
fn a_pattern_with_a_long_class_is_read_once() {
    let (mut local, [ann]) = started();
    let long = "b".repeat(MANY);
    let key = "a".repeat(MANY);
    call(&mut local, ann, &format!("SET {key} x"));
    let pattern = format!("*[{long}]");
    let none = "*2\r\n$1\r\n0\r\n*0\r\n";
    assert_eq!(call(&mut local, ann, &format!("SCAN 0 MATCH {pattern}")), none);
    assert_eq!(call(&mut local, ann, &format!("KEYS {pattern}")), "*0\r\n");
    let found = call(&mut local, ann, &format!("KEYS *[^{long}]"));
    assert_eq!(found.len(), "*1\r\n$200000\r\n\r\n".len() + MANY);
    let ben = local.connect();
    call(&mut local, ben, &format!("PSUBSCRIBE {pattern}"));
    assert_eq!(call(&mut local, ann, &format!("PUBLISH {key} x")), ":0\r\n");
    assert_eq!(call(&mut local, ann, &format!("PUBLISH {key}b x")), ":1\r\n");
    assert_eq!(call(&mut local, ann, &format!("PUBSUB CHANNELS {pattern}")), "*0\r\n");
    call(&mut local, ann, &format!("ACL SETUSER u on nopass +@all ~{pattern} &{pattern}"));
    let carl = local.connect();
    assert_eq!(call(&mut local, carl, "AUTH u any"), "+OK\r\n");
    assert!(call(&mut local, carl, &format!("GET {key}")).starts_with("-NOPERM"));
    assert_eq!(call(&mut local, carl, &format!("GET {key}b")), "$-1\r\n");
    assert!(call(&mut local, carl, &format!("PUBLISH {key} x")).starts_with("-NOPERM"));
    let names = call(&mut local, ann, &format!("CONFIG GET maxmemor[{long}y]"));
    assert!(names.contains("maxmemory"), "{}", names.len());
}

#[test]
fn flags_are_asked_for_once() {
    let (mut local, [ann]) = started();
    for _ in 0..2000 {
        local.connect();
    }
    let letters = "N".repeat(1_000_000);
    let found = call(&mut local, ann, &format!("CLIENT KILL SKIPME no NOT-FLAGS {letters}"));
    assert_eq!(found, ":0\r\n");
}

#[test]
fn many_users_go_at_once() {
    let (mut local, [ann]) = started();
    for n in 0..2000 {
        call(&mut local, ann, &format!("ACL SETUSER u{n} on nopass +@all"));
    }
    let clients: Vec<Connection> = (0..2000).map(|_| local.connect()).collect();
    call(&mut local, clients[7], "AUTH u7 any");
    let names = (0..3000).map(|n| format!("u{n}"));
    assert_eq!(call_with(&mut local, ann, "ACL DELUSER", names), ":2000\r\n");
    assert!(!local.is_open(clients[7]) && local.is_open(clients[8]));
}

#[test]
fn what_info_says_of_clients_is_true_without_counting_them() {
    let (mut local, [ann]) = started();
    let clients: Vec<Connection> = (0..6).map(|_| local.connect()).collect();
    let [watcher, waiter, held, killed, both, quiet] = clients[..] else { unreachable!() };
    let figures = |local: &mut Local| {
        let text = call(local, ann, "INFO clients");
        ["connected_clients", "blocked_clients", "watching_clients"].map(|name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.expect("the field").parse::<usize>().expect("a number")
        })
    };
    assert_eq!(figures(&mut local), [7, 0, 0]);
    call(&mut local, watcher, "WATCH a b");
    call(&mut local, both, "WATCH a");
    call(&mut local, both, "BLPOP x 0");
    call(&mut local, waiter, "BLPOP x x 0");
    assert_eq!(figures(&mut local), [7, 2, 2]);
    call(&mut local, ann, "CLIENT PAUSE 100000 WRITE");
    call(&mut local, held, "SET a 1");
    call(&mut local, killed, "SET b 1");
    assert_eq!(figures(&mut local), [7, 4, 2]);
    call(&mut local, ann, "CLIENT KILL ID 5");
    assert!(!local.is_open(killed));
    assert_eq!(figures(&mut local), [6, 3, 2]);
    call(&mut local, ann, "CLIENT UNPAUSE");
    local.received(held);
    assert_eq!(figures(&mut local), [6, 2, 0], "a was watched");
    call(&mut local, quiet, "WATCH a");
    call(&mut local, quiet, "UNWATCH");
    call(&mut local, ann, "RPUSH x 1 2");
    assert_eq!(figures(&mut local), [6, 0, 0]);
    // In the transaction that closes it, a client is gone already.
    call(&mut local, quiet, "WATCH b");
    local.send(ann, b"MULTI\r\nCLIENT KILL ID 7\r\nINFO clients\r\nEXEC\r\n");
    let text = String::from_utf8(local.received(ann)).expect("text");
    assert!(text.contains("connected_clients:5\r\n") && text.contains("watching_clients:0\r\n"));
}

#[test]
fn ids_that_groups_may_have_pending_are_not_looked_for_in_each() {
    let (mut local, [ann]) = started();
    call(&mut local, ann, "XADD s 1-1 f v");
    call(&mut local, ann, "XADD s 2-1 f v");
    for group in 0..20_000 {
        call(&mut local, ann, &format!("XGROUP CREATE s g{group} 0"));
    }
    for group in 0..20_000 {
        call(&mut local, ann, &format!("XREADGROUP GROUP g{group} c COUNT 1 STREAMS s >"));
    }
    let ids = || (1..=MANY).map(|ms| format!("{ms}-1"));
    let reply = call_with(&mut local, ann, &format!("XDELEX s ACKED IDS {MANY}"), ids());
    assert!(reply.starts_with("*200000\r\n:2\r\n:2\r\n"));
    let reply = call_with(&mut local, ann, &format!("XACKDEL s g7 ACKED IDS {MANY}"), ids());
    assert!(reply.starts_with("*200000\r\n:2\r\n:-1\r\n"));
    assert_eq!(call(&mut local, ann, "XTRIM s MAXLEN 0 ACKED"), ":0\r\n");
    let reply = call_with(&mut local, ann, &format!("XDELEX s DELREF IDS {MANY}"), ids());
    assert!(reply.starts_with("*200000\r\n:1\r\n:1\r\n:-1\r\n"));
    assert!(call(&mut local, ann, "XPENDING s g8").starts_with("*4\r\n:0\r\n"));
}
