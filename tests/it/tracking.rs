//! Clients that cache what they read hear when it changes: in time, in order, and nothing is left of them.

use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};

use crate::client::{call, received, send};

/// A client that speaks RESP3 and has sent `words`.
fn tracker(local: &mut Local, words: &str) -> Connection {
    let client = local.connect();
    call(local, client, "HELLO 3");
    assert_eq!(call(local, client, words), "+OK\r\n");
    client
}

/// What comes back for requests that arrive together.
fn pipeline(local: &mut Local, client: Connection, requests: &[&str]) -> String {
    let bytes: Vec<u8> = requests.iter().flat_map(|words| request(words.split(' '))).collect();
    local.send(client, &bytes);
    received(local, client)
}

fn invalidation(keys: &[&str]) -> String {
    let keys: String = keys.iter().map(|key| format!("${}\r\n{key}\r\n", key.len())).collect();
    format!(">2\r\n$10\r\ninvalidate\r\n*{}\r\n{keys}", keys.matches('$').count())
}

const ALL: &str = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

#[test]
fn an_evicted_key_is_told_before_the_reply_to_the_command_that_needed_room() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON");
    let value = "x".repeat(100_000);
    call(&mut local, ann, &format!("SET a {value}"));
    call(&mut local, ann, "EXISTS a");
    let admin = local.connect();
    let limit = local.engine.world.memory().total() - 1000;
    // It is the next command that makes room, for CONFIG SET itself may evict.
    call(&mut local, admin, "CONFIG SET maxmemory-policy allkeys-lru");
    local.engine.world.config.maxmemory = limit;
    let expected = [&invalidation(&["a"]), "+OK\r\n"].concat();
    assert_eq!(call(&mut local, ann, "SET b 1"), expected);
    assert_eq!(call(&mut local, ann, "GET a"), "_\r\n");
}

#[test]
fn an_invalidation_comes_before_the_reply_to_the_next_command() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON");
    let expected = ["_\r\n", "+OK\r\n", &invalidation(&["a"]), "$1\r\n1\r\n"].concat();
    assert_eq!(pipeline(&mut local, ann, &["GET a", "SET a 1", "GET a"]), expected);
    let ben = local.connect();
    pipeline(&mut local, ben, &["SET a 2", "SET a 3"]);
    send(&mut local, ann, "PING");
    assert_eq!(received(&mut local, ann), invalidation(&["a"]) + "+PONG\r\n");
}

#[test]
fn no_invalidation_lands_inside_the_reply_to_exec() {
    for (mode, expected) in [
        ("CLIENT TRACKING ON", [invalidation(&["b"]), invalidation(&["a"])].concat()),
        ("CLIENT TRACKING ON BCAST", invalidation(&["a", "b"])),
    ] {
        let mut local = Local::new(Config::default());
        let ann = tracker(&mut local, mode);
        let requests = ["MULTI", "MGET a b", "SET b 1", "SET a 1", "SET b 2", "EXEC", "PING"];
        let said = pipeline(&mut local, ann, &requests);
        let (_, from_exec) = said.split_once("*4\r\n").expect("four replies");
        let replies = "*2\r\n_\r\n_\r\n+OK\r\n+OK\r\n+OK\r\n";
        assert_eq!(from_exec, [replies, &expected, "+PONG\r\n"].concat());
    }
}

#[test]
fn a_pipeline_is_broadcast_as_one_message() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON BCAST PREFIX a PREFIX b");
    let ben = local.connect();
    pipeline(&mut local, ben, &["SET b1 1", "SET a2 1", "SET c 1", "SET a1 1", "SET a2 2"]);
    let expected = [invalidation(&["a1", "a2"]), invalidation(&["b1"])].concat();
    assert_eq!(received(&mut local, ann), expected);
}

#[test]
fn who_broadcasts_hears_its_own_changes_before_its_next_command() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON BCAST");
    let expected = ["+OK\r\n", &invalidation(&["a"]), "$1\r\n1\r\n"].concat();
    assert_eq!(pipeline(&mut local, ann, &["SET a 1", "GET a"]), expected);
}

#[test]
fn a_command_that_waited_is_answered_after_what_changed_before_it() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON BCAST");
    assert_eq!(call(&mut local, ann, "BLPOP list 0"), "");
    let ben = local.connect();
    pipeline(&mut local, ben, &["SET a 1", "RPUSH list x", "SET b 1"]);
    let reply = "*2\r\n$4\r\nlist\r\n$1\r\nx\r\n";
    let expected = [&invalidation(&["a", "list"]), reply, &invalidation(&["b", "list"])].concat();
    assert_eq!(received(&mut local, ann), expected);
}

#[test]
fn a_key_that_expires_has_changed() {
    let mut local = Local::new(Config::default());
    let ben = local.connect();
    call(&mut local, ben, "SET a 1 PX 500");
    let ann = tracker(&mut local, "CLIENT TRACKING ON");
    let cat = tracker(&mut local, "CLIENT TRACKING ON BCAST NOLOOP");
    call(&mut local, ann, "GET a");
    local.advance(Duration::from_millis(499));
    assert_eq!(received(&mut local, ann), "");
    local.advance(Duration::from_millis(1));
    for client in [ann, cat] {
        assert_eq!(received(&mut local, client), invalidation(&["a"]));
    }
}

#[test]
fn who_evicts_a_key_hears_of_it_whatever_it_wants_of_its_own_changes() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON NOLOOP");
    pipeline(&mut local, ann, &["SET a 1", "GET a"]);
    let full = "CONFIG SET maxmemory 1 maxmemory-policy allkeys-random";
    assert_eq!(call(&mut local, ann, full), "+OK\r\n".to_owned() + &invalidation(&["a"]));
    assert_eq!(local.engine.world.tracking.keys(), 0);
}

#[test]
fn a_full_table_forgets_some_key_at_once() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON");
    call(&mut local, ann, "CONFIG SET tracking-table-max-keys 2");
    for key in ["a", "b"] {
        assert_eq!(call(&mut local, ann, &format!("GET {key}")), "_\r\n");
    }
    let reply = call(&mut local, ann, "GET c");
    assert!(["a", "b", "c"].iter().any(|key| reply == "_\r\n".to_owned() + &invalidation(&[key])));
    assert_eq!(local.engine.world.tracking.items(), 2);
    assert!(call(&mut local, ann, "CONFIG SET tracking-table-max-keys 1").contains("invalidate"));
    let tracking = &local.engine.world.tracking;
    assert_eq!((tracking.keys(), tracking.items()), (1, 1));
}

#[test]
fn the_null_of_a_flush_is_that_of_the_receiver() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    call(&mut local, ben, "SUBSCRIBE other");
    assert_eq!(call(&mut local, ann, "CLIENT TRACKING ON REDIRECT 2"), "+OK\r\n");
    call(&mut local, ann, "HELLO 3");
    assert_eq!(call(&mut local, ann, "FLUSHALL"), "+OK\r\n");
    let message = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n";
    assert_eq!(received(&mut local, ben), message);
    pipeline(&mut local, ben, &["UNSUBSCRIBE", "HELLO 3"]);
    call(&mut local, ann, "HELLO 2");
    assert_eq!(call(&mut local, ann, "FLUSHDB"), "+OK\r\n");
    assert_eq!(received(&mut local, ben), ALL);
}

#[test]
fn a_killed_receiver_is_missed_at_the_next_invalidation() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON");
    let ben = local.connect();
    let cat = local.connect();
    call(&mut local, ben, "HELLO 3");
    assert_eq!(call(&mut local, ann, "CLIENT TRACKING ON REDIRECT 2"), "+OK\r\n");
    call(&mut local, ann, "MGET a b");
    let both = pipeline(&mut local, cat, &["CLIENT KILL ID 2", "SET a 1", "SET b 1"]);
    assert_eq!(both, ":1\r\n+OK\r\n+OK\r\n");
    let broken = ">2\r\n$21\r\ntracking-redir-broken\r\n:2\r\n";
    assert_eq!(received(&mut local, ann), broken.repeat(2));
    assert!(call(&mut local, ann, "CLIENT TRACKINGINFO").contains("broken_redirect"));
    assert!(call(&mut local, ann, "CLIENT INFO").contains(" flags=tR "));
    assert_eq!(call(&mut local, ann, "CLIENT TRACKING ON REDIRECT 3"), "+OK\r\n");
    assert!(!call(&mut local, ann, "CLIENT TRACKINGINFO").contains("broken_redirect"));
}

#[test]
fn nothing_is_left_when_the_last_client_has_gone() {
    let mut local = Local::new(Config::default());
    let before = local.engine.world.memory();
    let modes =
        ["", " OPTIN", " OPTOUT NOLOOP", " BCAST", " BCAST PREFIX a PREFIX b", " REDIRECT 1"];
    let clients: Vec<Connection> = modes
        .iter()
        .map(|mode| tracker(&mut local, &format!("CLIENT TRACKING ON{mode}")))
        .collect();
    for (number, &client) in clients.iter().enumerate() {
        pipeline(
            &mut local,
            client,
            &["CLIENT CACHING YES", "MGET a b c", &format!("GET {number}")],
        );
    }
    let world = &local.engine.world;
    assert_eq!((world.tracking.clients(), world.tracking.prefixes()), (6, 3));
    assert_eq!((world.tracking.keys(), world.tracking.items()), (6, 15));
    assert!(world.memory().tracking > before.tracking);
    call(&mut local, clients[3], "RESET");
    call(&mut local, clients[0], "CLIENT KILL ID 5");
    call(&mut local, clients[1], "CLIENT TRACKING OFF");
    for client in clients {
        local.finish(client);
        received(&mut local, client);
    }
    local.advance(Duration::from_secs(1));
    let world = &local.engine.world;
    let tracking = &world.tracking;
    assert_eq!((tracking.clients(), tracking.prefixes(), tracking.keys()), (0, 0, 0));
    assert_eq!(tracking.items(), 0);
    assert!(!tracking.is_on() && !tracking.has_unfreed());
    assert!(!world.store.shared.journal.follows_keys);
    assert_eq!(world.memory(), before);
}

#[test]
fn a_hundred_thousand_prefixes_are_looked_through_at_once() {
    let mut local = Local::new(Config::default());
    let ann = tracker(&mut local, "CLIENT TRACKING ON");
    call(&mut local, ann, "CLIENT TRACKING OFF");
    let prefixes: String = (0..100_000).map(|n| format!(" PREFIX {n:06}")).collect();
    let words = format!("CLIENT TRACKING ON BCAST{prefixes}");
    let overlap = call(&mut local, ann, &format!("{words} PREFIX 0999991"));
    let expected = "-ERR Prefix '099999' overlaps with another provided prefix '0999991'. \
        Prefixes for a single client must not overlap.\r\n";
    assert_eq!(overlap, expected);
    assert_eq!(call(&mut local, ann, &words), "+OK\r\n");
    let slot = local.engine.world.clients.slot_of(1).expect("ann");
    assert!(local.engine.world.clients[slot].memory() > 600_000);
    assert_eq!(
        call(&mut local, ann, "SET 0123456 1"),
        "+OK\r\n".to_owned() + &invalidation(&["0123456"])
    );
}
