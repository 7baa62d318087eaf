//! Publish and subscribe: who gets which message, when, and what is left of who has gone.

use std::time::Duration;

use respd::internals::embed::local::{Connection, Local, request};

use crate::client::{call_on_a_line, received_on_a_line, send, started};

fn speaks_resp3(local: &mut Local, client: Connection) {
    assert!(call_on_a_line(local, client, "HELLO 3").starts_with('%'));
}

/// A server whose second client has subscribed to `a`, with this limit for subscribers.
fn with_limit(limit: &str) -> (Local, [Connection; 2]) {
    let (mut local, [ann, ben]) = started();
    let limit = format!("pubsub {limit}");
    let words = ["CONFIG", "SET", "client-output-buffer-limit", &limit];
    assert_eq!(local.call(ann, words).to_string(), "OK");
    call_on_a_line(&mut local, ben, "SUBSCRIBE a");
    (local, [ann, ben])
}

fn publish(local: &mut Local, client: Connection, bytes: usize) -> String {
    local.call(client, [&b"PUBLISH"[..], b"a", &vec![b'x'; bytes]]).to_string()
}

#[test]
fn a_client_that_listens_twice_gets_a_message_twice() {
    let (mut local, [ann, ben]) = started();
    call_on_a_line(&mut local, ben, "SUBSCRIBE ab");
    call_on_a_line(&mut local, ben, "PSUBSCRIBE a* b*");
    assert_eq!(call_on_a_line(&mut local, ann, "PUBLISH ab hi"), ":2 ");
    let channel = "*3 $7 message $2 ab $2 hi ";
    let pattern = "*4 $8 pmessage $2 a* $2 ab $2 hi ";
    assert_eq!(received_on_a_line(&mut local, ben), format!("{channel}{pattern}"));
}

#[test]
fn what_serving_a_blocked_client_causes_follows_the_reply() {
    let (mut local, [ann, ben]) = started();
    call_on_a_line(&mut local, ann, "CONFIG SET notify-keyspace-events KEA");
    speaks_resp3(&mut local, ben);
    call_on_a_line(&mut local, ben, "SUBSCRIBE __keyevent@0__:lpop");
    let popped = ">3 $7 message $19 __keyevent@0__:lpop $1 k ";
    send(&mut local, ann, "BLPOP k 0");
    assert_eq!(call_on_a_line(&mut local, ben, "LPUSH k x"), format!(":1 {popped}"));
    // In a pipeline it comes before the next reply, and never inside that to EXEC.
    for (requests, expected) in [
        (&["LPUSH k x", "PING"][..], format!(":1 {popped}+PONG ")),
        (
            &["MULTI", "LPUSH k y", "PING", "EXEC", "PING"],
            format!("+OK +QUEUED +QUEUED *2 :1 +PONG {popped}+PONG "),
        ),
    ] {
        send(&mut local, ann, "BLPOP k 0");
        let requests: Vec<u8> =
            requests.iter().flat_map(|words| request(words.split(' '))).collect();
        local.send(ben, &requests);
        assert_eq!(received_on_a_line(&mut local, ben), expected);
    }
}

#[test]
fn what_a_client_publishes_to_itself_follows_the_reply() {
    let (mut local, [ann]) = started();
    speaks_resp3(&mut local, ann);
    call_on_a_line(&mut local, ann, "SUBSCRIBE a");
    let message = ">3 $7 message $1 a $1 x ";
    assert_eq!(call_on_a_line(&mut local, ann, "PUBLISH a x"), format!(":1 {message}"));
    call_on_a_line(&mut local, ann, "MULTI");
    call_on_a_line(&mut local, ann, "PUBLISH a x");
    call_on_a_line(&mut local, ann, "PING");
    assert_eq!(call_on_a_line(&mut local, ann, "EXEC"), format!("*2 :1 +PONG {message}"));
}

#[test]
fn exec_counts_every_confirmation_of_resp2() {
    let (mut local, [ann]) = started();
    call_on_a_line(&mut local, ann, "MULTI");
    call_on_a_line(&mut local, ann, "SUBSCRIBE a b");
    call_on_a_line(&mut local, ann, "PING x");
    call_on_a_line(&mut local, ann, "UNSUBSCRIBE");
    let confirmed =
        ["subscribe $1 a :1", "subscribe $1 b :2"].map(|words| format!("*3 $9 {words} "));
    let ended =
        ["unsubscribe $1 a :1", "unsubscribe $1 b :0"].map(|words| format!("*3 $11 {words} "));
    let all = format!("*5 {}*2 $4 pong $1 x {}", confirmed.concat(), ended.concat());
    assert_eq!(call_on_a_line(&mut local, ann, "EXEC"), all);
}

#[test]
fn confirmations_of_resp3_follow_the_reply_to_exec() {
    let (mut local, [ann]) = started();
    speaks_resp3(&mut local, ann);
    call_on_a_line(&mut local, ann, "MULTI");
    call_on_a_line(&mut local, ann, "SUBSCRIBE a");
    call_on_a_line(&mut local, ann, "PING");
    assert_eq!(call_on_a_line(&mut local, ann, "EXEC"), "*1 +PONG >3 $9 subscribe $1 a :1 ");
}

#[test]
fn client_reply_silences_neither_confirmations_nor_messages() {
    for mode in ["OFF", "SKIP"] {
        let (mut local, [ann, ben]) = started();
        assert_eq!(call_on_a_line(&mut local, ben, &format!("CLIENT REPLY {mode}")), "");
        assert_eq!(call_on_a_line(&mut local, ben, "SUBSCRIBE a"), "*3 $9 subscribe $1 a :1 ");
        assert_eq!(call_on_a_line(&mut local, ann, "PUBLISH a x"), ":1 ");
        assert_eq!(received_on_a_line(&mut local, ben), "*3 $7 message $1 a $1 x ");
    }
}

#[test]
fn a_message_reaches_a_client_whose_command_waits() {
    let (mut local, [ann, ben]) = started();
    speaks_resp3(&mut local, ben);
    call_on_a_line(&mut local, ben, "SUBSCRIBE a");
    assert_eq!(call_on_a_line(&mut local, ben, "BLPOP list 0"), "");
    assert_eq!(call_on_a_line(&mut local, ann, "PUBLISH a x"), ":1 ");
    assert_eq!(call_on_a_line(&mut local, ann, "RPUSH list 1"), ":1 ");
    assert_eq!(received_on_a_line(&mut local, ben), ">3 $7 message $1 a $1 x *2 $4 list $1 1 ");
}

#[test]
fn keyspace_events_are_published_by_key_and_by_event() {
    let (mut local, [ann, ben]) = started();
    call_on_a_line(&mut local, ann, "CONFIG SET notify-keyspace-events KEx");
    call_on_a_line(&mut local, ann, "SET k v PX 10");
    call_on_a_line(&mut local, ben, "PSUBSCRIBE *");
    local.advance(Duration::from_millis(11));
    let by_key = "*4 $8 pmessage $1 * $16 __keyspace@0__:k $7 expired ";
    let by_event = "*4 $8 pmessage $1 * $22 __keyevent@0__:expired $1 k ";
    assert_eq!(received_on_a_line(&mut local, ben), format!("{by_key}{by_event}"));
    call_on_a_line(&mut local, ann, "CONFIG SET notify-keyspace-events E$");
    call_on_a_line(&mut local, ann, "SET k v PX 10");
    received_on_a_line(&mut local, ben);
    local.advance(Duration::from_millis(11));
    assert_eq!(received_on_a_line(&mut local, ben), "");
}

#[test]
fn nothing_is_noted_while_nobody_listens() {
    let (mut local, [ann, ben]) = started();
    call_on_a_line(&mut local, ann, "CONFIG SET notify-keyspace-events KEA");
    assert_eq!(local.engine.world.store.shared.journal.announces, 0);
    call_on_a_line(&mut local, ben, "SSUBSCRIBE a");
    assert_eq!(local.engine.world.store.shared.journal.announces, 0);
    call_on_a_line(&mut local, ben, "SUBSCRIBE a");
    assert_ne!(local.engine.world.store.shared.journal.announces, 0);
    call_on_a_line(&mut local, ben, "RESET");
    assert_eq!(local.engine.world.store.shared.journal.announces, 0);
}

#[test]
fn nothing_is_left_of_a_million_subscriptions() {
    let (mut local, [ann, ben]) = started();
    let before = local.engine.world.memory().clients;
    for thousand in 0..1000 {
        let channels = (0..1000).map(|n| format!("channel:{thousand}:{n}"));
        let words = ["SUBSCRIBE".to_owned()].into_iter().chain(channels);
        local.send(ben, &request(words));
        local.received(ben);
    }
    assert_eq!(
        local.engine.world.pubsub.listeners(respd::internals::listeners::Topic::Channel).len(),
        1_000_000
    );
    assert!(local.engine.world.memory().clients > before + 160_000_000);
    assert_eq!(call_on_a_line(&mut local, ann, "CLIENT KILL ID 2"), ":1 ");
    assert_eq!(received_on_a_line(&mut local, ben), "");
    assert!(!local.is_open(ben) && local.engine.world.pubsub.is_empty());
    assert!(local.engine.world.memory().clients < before);
}

#[test]
fn a_slow_subscriber_is_cut_off_and_the_others_are_not() {
    let (mut local, [ann, ben]) = with_limit("100000 0 0");
    let cat = local.connect();
    call_on_a_line(&mut local, cat, "SUBSCRIBE a");
    assert_eq!(publish(&mut local, ann, 60_000), "(integer) 2");
    assert!(received_on_a_line(&mut local, cat).len() > 60_000);
    assert_eq!(publish(&mut local, ann, 60_000), "(integer) 2");
    assert!(received_on_a_line(&mut local, cat).len() > 60_000);
    assert!(!local.is_open(ben) && local.is_open(cat));
    assert_eq!(publish(&mut local, ann, 60_000), "(integer) 1");
    assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
}

#[test]
fn who_stays_over_the_soft_limit_is_cut_off_in_time() {
    let (mut local, [ann, ben]) = with_limit("0 50000 10");
    publish(&mut local, ann, 60_000);
    local.advance(Duration::from_secs(9));
    assert!(local.is_open(ben));
    assert_eq!(local.engine.next_deadline(), Some(local.engine.world.now.mono + 1_000_000));
    local.advance(Duration::from_secs(1));
    assert!(!local.is_open(ben));
    assert_eq!(local.engine.world.clients.next_overdue(), None);
}

#[test]
fn who_reads_in_time_stays() {
    let (mut local, [ann, ben]) = with_limit("0 50000 10");
    publish(&mut local, ann, 60_000);
    local.advance(Duration::from_secs(9));
    received_on_a_line(&mut local, ben);
    publish(&mut local, ann, 60_000);
    local.advance(Duration::from_secs(9));
    assert!(local.is_open(ben));
    let words = ["CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"];
    assert_eq!(local.call(ann, words).to_string(), "OK");
    local.advance(Duration::from_secs(9));
    assert!(local.is_open(ben));
}
