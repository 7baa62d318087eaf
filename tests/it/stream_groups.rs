//! Consumer groups of streams, where conversations cannot tell: many clients that wait, and lists that are long.

use std::collections::BTreeSet;
use std::time::Duration;

use respd::Value;
use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};

use crate::client::{call, call_with, received, send, started, started_with};

/// The reply to a client that is told of one entry with the field `f` and the value `v`.
fn entry(id: &str) -> String {
    let len = id.len();
    format!("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n${len}\r\n{id}\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n")
}

fn clients(local: &mut Local, many: usize) -> Vec<Connection> {
    (0..many).map(|_| local.connect()).collect()
}

#[test]
fn readers_of_a_group_are_served_in_the_order_in_which_they_came() {
    let (mut local, [ann, alone]) = started();
    call(&mut local, ann, "XGROUP CREATE s g $ MKSTREAM");
    let readers = clients(&mut local, 50);
    for &reader in &readers {
        send(&mut local, reader, "XREADGROUP GROUP g c BLOCK 0 COUNT 1 STREAMS s >");
    }
    send(&mut local, alone, "XREAD BLOCK 0 STREAMS s $");
    for (number, &reader) in readers.iter().enumerate() {
        call(&mut local, ann, &format!("XADD s {}-1 f v", number + 10));
        let entry = entry(&format!("{}-1", number + 10));
        assert_eq!(received(&mut local, reader), entry);
        if number == 0 {
            assert_eq!(received(&mut local, alone), entry, "it reads for itself");
        }
        for &other in &readers[number + 1..] {
            assert_eq!(received(&mut local, other), "");
        }
    }
    assert!(local.engine.world.waiters.is_empty());
}

#[test]
fn a_reader_behind_many_of_another_group_is_served() {
    let (mut local, [ann, last]) = started();
    call(&mut local, ann, "XGROUP CREATE s full 9 MKSTREAM");
    call(&mut local, ann, "XGROUP CREATE s g $");
    let others = clients(&mut local, 2500);
    for &other in &others {
        send(&mut local, other, "XREADGROUP GROUP full c BLOCK 0 STREAMS s >");
    }
    send(&mut local, last, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    call(&mut local, ann, "XADD s 5-1 f v");
    for _ in 0..3 {
        local.advance(Duration::ZERO);
    }
    assert_eq!(received(&mut local, last), entry("5-1"));
    // When the group goes all are told, a turn's share at a time.
    call(&mut local, ann, "XGROUP DESTROY s full");
    for _ in 0..3 {
        local.advance(Duration::ZERO);
    }
    for other in others {
        assert!(received(&mut local, other).starts_with("-NOGROUP "));
    }
    let waiters = &local.engine.world.waiters;
    assert_eq!((waiters.len(), waiters.keys_or_gone(), waiters.has_ready()), (0, 0, false));
}

/// Every way in which a key, or what a group is of, can go while one waits.
#[test]
fn readers_of_a_group_that_is_gone_are_told() {
    for (way, error) in [
        ("XGROUP DESTROY s g", "-NOGROUP "),
        ("DEL s", "-NOGROUP "),
        ("UNLINK s", "-NOGROUP "),
        ("RENAME s other", "-NOGROUP "),
        ("RENAME stream s", "-NOGROUP "),
        ("RENAME string s", "-WRONGTYPE "),
        ("COPY string s REPLACE", "-WRONGTYPE "),
        ("SET s x", "-WRONGTYPE "),
        ("MOVE s 1", "-NOGROUP "),
        ("FLUSHDB", "-NOGROUP "),
        ("FLUSHALL", "-NOGROUP "),
        ("SWAPDB 0 1", "-NOGROUP "),
        ("PEXPIREAT s 1", "-NOGROUP "),
        ("PEXPIRE s 10", "-NOGROUP "),
        ("CONFIG SET maxmemory 1 maxmemory-policy allkeys-random", "-NOGROUP "),
    ] {
        let (mut local, [ann, ben, cat]) = started();
        for before in ["XGROUP CREATE s g $ MKSTREAM", "SET string x", "XADD stream 1-1 f v"] {
            call(&mut local, ann, before);
        }
        send(&mut local, ben, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
        send(&mut local, cat, "XREADGROUP GROUP g c BLOCK 5000 STREAMS s >");
        for quiet in ["XACK s g 1-1", "XGROUP SETID s g $", "XGROUP CREATE s h 0", "XPENDING s g"] {
            call(&mut local, ann, quiet);
            assert_eq!(received(&mut local, ben), "", "{quiet}");
        }
        call(&mut local, ann, way);
        call(&mut local, ann, "SET more x");
        local.advance(Duration::from_millis(10));
        for waits in [ben, cat] {
            let reply = received(&mut local, waits);
            assert!(reply.starts_with(error), "{way}: {reply}");
        }
        assert_eq!(local.engine.world.waiters.len(), 0, "{way}");
    }
}

/// They are not asked when there is nothing for them to read: what is acknowledged, given away, deleted or read by another
/// consumer concerns none of those that wait.
#[test]
fn readers_of_a_group_are_woken_by_what_they_can_read_alone() {
    let (mut local, [ann, ben]) = started();
    for before in ["XADD s 1-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"] {
        call(&mut local, ann, before);
    }
    send(&mut local, ben, "XREADGROUP GROUP g d BLOCK 0 STREAMS s >");
    local.advance(Duration::from_millis(30));
    for words in [
        "XCLAIM s g e 0 1-1",
        "XAUTOCLAIM s g c 0 -",
        "XREADGROUP GROUP g c STREAMS s 0",
        "XACK s g 1-1",
        "XDEL s 1-1",
        "XTRIM s MAXLEN 0",
        "EXPIRE s 100",
        "XGROUP CREATECONSUMER s g f",
        "XGROUP DELCONSUMER s g f",
        "XGROUP SETID s g 1-1",
    ] {
        call(&mut local, ann, words);
        let consumers = call(&mut local, ann, "XINFO CONSUMERS s g");
        // When its command has run again it has been seen just now.
        let waits = "$1\r\nd\r\n$7\r\npending\r\n:0\r\n$4\r\nidle\r\n:30\r\n";
        assert!(consumers.contains(waits), "{words}: {consumers}");
    }
}

#[test]
fn a_pending_list_is_gone_through_a_part_at_a_time() {
    let (mut local, [ann]) = started();
    const MANY: usize = 5000;
    for number in 1..=MANY {
        call(&mut local, ann, &format!("XADD s {number} f v"));
    }
    call(&mut local, ann, "XGROUP CREATE s g 0");
    call(&mut local, ann, "XREADGROUP GROUP g c STREAMS s >");
    call_with(&mut local, ann, "XDEL s", (1..=MANY).filter(|number| number % 3 == 0));
    let mut cursor = "0-0".to_owned();
    let (mut claimed, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let words = ["XAUTOCLAIM", "s", "g", "d", "0", &cursor, "COUNT", "70", "JUSTID"];
        let Value::Array(parts) = local.call(ann, words) else {
            panic!("no parts");
        };
        let [Value::Bulk(next), Value::Array(taken), Value::Array(gone)] = &parts[..] else {
            panic!("{parts:?}");
        };
        assert!(taken.len() + gone.len() <= 70);
        claimed.extend(taken.iter().map(Value::to_string));
        deleted.extend(gone.iter().map(Value::to_string));
        cursor = String::from_utf8(next.clone()).expect("an id");
        if cursor == "0-0" {
            break;
        }
    }
    assert_eq!((claimed.len(), deleted.len()), (MANY - MANY / 3, MANY / 3));
    let idle = "XAUTOCLAIM s g c 1000 - COUNT 2 JUSTID";
    assert!(call(&mut local, ann, idle).starts_with("*3\r\n$4\r\n31-0\r\n*0\r\n"), "20 looked at");
}

/// A consumer with a long list of pending entries goes at once.
#[test]
fn what_is_pending_for_a_consumer_that_is_deleted_is_not_seen_any_more() {
    let (mut local, [ann]) = started();
    for number in 1..=3000 {
        call(&mut local, ann, &format!("XADD s {number} f v"));
    }
    call(&mut local, ann, "XGROUP CREATE s g 0");
    call(&mut local, ann, "XREADGROUP GROUP g a COUNT 1500 STREAMS s >");
    call(&mut local, ann, "XREADGROUP GROUP g b COUNT 1 STREAMS s >");
    call(&mut local, ann, "XREADGROUP GROUP g a STREAMS s >");
    assert_eq!(call(&mut local, ann, "XGROUP DELCONSUMER s g a"), ":2999\r\n");
    let one = "$6\r\n1501-0\r\n";
    let summary = format!("*4\r\n:1\r\n{one}{one}*1\r\n*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
    assert_eq!(call(&mut local, ann, "XPENDING s g"), summary);
    assert_eq!(call(&mut local, ann, "XACK s g 1 2 3000"), ":0\r\n");
    assert_eq!(
        call(&mut local, ann, "XAUTOCLAIM s g c 0 - JUSTID COUNT 9"),
        format!("*3\r\n$3\r\n0-0\r\n*1\r\n{one}*0\r\n")
    );
    assert_eq!(
        call(&mut local, ann, "XREADGROUP GROUP g a STREAMS s 0"),
        "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n"
    );
    // It is delivered again, to a consumer of the same name.
    call(&mut local, ann, "XGROUP SETID s g 2998-0");
    call(&mut local, ann, "XREADGROUP GROUP g a STREAMS s >");
    assert!(call(&mut local, ann, "XPENDING s g").starts_with("*4\r\n:3\r\n"));
}

/// The limit of a client's output buffer holds while a reply grows.
#[test]
fn long_lists_obey_the_limit_of_replies() {
    let mut config = Config::default();
    config.apply_option("client-output-buffer-limit", "normal 100kb 0 0").unwrap();
    let (mut local, [ann]) = started_with(config);
    call(&mut local, ann, "XADD s 1-1 f v");
    call(&mut local, ann, "XGROUP CREATE s g 0");
    let name = "n".repeat(100);
    for number in 0..2000 {
        call(&mut local, ann, &format!("XGROUP CREATECONSUMER s g {name}{number}"));
        call(&mut local, ann, &format!("XADD s {} f {name}", number + 2));
        call(&mut local, ann, &format!("XREADGROUP GROUP g {name}{number} COUNT 1 STREAMS s >"));
        call(&mut local, ann, &format!("XGROUP CREATE s {name}{number} 0"));
    }
    for words in [
        "XINFO CONSUMERS s g",
        "XINFO GROUPS s",
        "XINFO STREAM s FULL COUNT 0",
        "XPENDING s g",
        "XPENDING s g - + 9223372036854775807",
        "XCLAIM s g c 0 1-1 2-0 3-0 4-0",
        "XAUTOCLAIM s g c 0 - COUNT 9999",
        "XREADGROUP GROUP g c STREAMS s 0",
    ] {
        let reader = local.connect();
        send(&mut local, reader, words);
        let (reply, is_open) = (received(&mut local, reader), local.is_open(reader));
        match words.starts_with("XCLAIM") {
            true => assert!(reply.len() > 400 && is_open, "{words}: {}", reply.len()),
            false => assert!(reply.len() <= 100 << 10 && !is_open, "{words}: {}", reply.len()),
        }
    }
}
