//! STAGE SEED: chance that a test has twice.

use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::{Connection, Local, request};
use respd::{Builder, Server};

use super::{call, staged};
use crate::socket::Socket;

/// What fills the keyspace, and what is left to chance in it.
fn lines() -> Vec<String> {
    let mut lines: Vec<String> = (0..300).map(|n| format!("SET key:{n} v")).collect();
    lines.extend((0..300).map(|n| format!("SADD set member:{n}")));
    lines.extend((0..300).map(|n| format!("ZADD zset {n} member:{n}")));
    lines.extend((0..300).map(|n| format!("HSET hash field:{n} v")));
    lines.push(format!("SET {} v", "long".repeat(50)));
    for _ in 0..3 {
        lines.extend(
            [
                "RANDOMKEY",
                "SRANDMEMBER set 5",
                "SRANDMEMBER set -5",
                "SPOP set 3",
                "ZRANDMEMBER zset 5",
                "HRANDFIELD hash 5",
                "SCAN 0",
                "SSCAN set 0",
            ]
            .map(str::to_owned),
        );
        if cfg!(feature = "lua") {
            lines.push("EVAL return{math.random(1000),math.random(1000)} 0".to_owned());
        }
    }
    lines.push("CONFIG SET maxmemory-policy allkeys-random".to_owned());
    lines.push("CONFIG SET maxmemory 1".to_owned());
    lines.push("PING".to_owned());
    lines.push("CONFIG SET maxmemory 0".to_owned());
    lines.push("KEYS *".to_owned());
    lines
}

fn replies(local: &mut Local, client: Connection) -> Vec<String> {
    lines().iter().map(|line| call(local, client, line)).collect()
}

#[test]
fn the_same_seed_and_the_same_commands_have_the_same_replies() {
    let [one, same, other] = [7, 7, 8].map(|seed| {
        let (mut local, ann) = staged();
        // What has been picked before does not matter.
        call(&mut local, ann, "SADD s a b c");
        for _ in 0..seed % 3 {
            call(&mut local, ann, "SRANDMEMBER s");
        }
        call(&mut local, ann, "FLUSHALL");
        assert_eq!(call(&mut local, ann, &format!("STAGE SEED {seed}")), "+OK\r\n");
        replies(&mut local, ann)
    });
    assert_eq!(one, same);
    let differ = one.iter().zip(&other).filter(|(one, other)| one != other).count();
    let picks = if cfg!(feature = "lua") { 7 } else { 6 };
    assert!(differ >= 3 * picks, "{differ}");
}

#[test]
fn a_seed_that_is_none_changes_nothing() {
    let (mut local, ann) = staged();
    for seed in ["x", "-1", "1.5", "18446744073709551616"] {
        let reply = call(&mut local, ann, &format!("STAGE SEED {seed}"));
        assert!(reply.starts_with("-ERR STAGE: SEED takes a number"), "{reply}");
        assert!(reply.contains(&format!("'{seed}'")), "{reply}");
    }
    assert_eq!(call(&mut local, ann, "STAGE SEED 18446744073709551615"), "+OK\r\n");
}

#[test]
fn reset_forgets_the_seed() {
    let (mut local, ann) = staged();
    call(&mut local, ann, &format!("SADD s {}", ["a", "b", "c", "d", "e", "f"].join(" ")));
    let mut picks = || {
        call(&mut local, ann, "STAGE SEED 1");
        call(&mut local, ann, "STAGE RESET");
        call(&mut local, ann, "SRANDMEMBER s -20")
    };
    assert_ne!(picks(), picks());
    if cfg!(feature = "lua") {
        let mut random = |line: &str| {
            call(&mut local, ann, line);
            local.send(ann, &request(["EVAL", "return math.random(100000)", "0"]));
            local.received(ann)
        };
        let first = random("PING");
        let seeded = random("STAGE SEED 1");
        assert_ne!(first, seeded);
        assert_eq!(random("STAGE RESET"), first, "as every server begins");
        assert_eq!(random("STAGE SEED 1"), seeded);
    }
}

#[test]
fn a_server_that_begins_with_a_seed_comes_back_to_it() {
    let builder = || -> Builder {
        let config = Config { enable_stage_command: Callers::Local, ..Config::default() };
        Server::builder().config(config).any_port()
    };
    let shown = |builder: Builder| {
        let server = builder.bind().unwrap().spawn();
        let mut ann = Socket::tcp(server.addr().unwrap());
        ann.call(["SADD", "s", "a", "b", "c", "d", "e", "f"]);
        let mut picks = || ann.call(["SRANDMEMBER", "s", "-20"]);
        let (first, second) = (picks(), picks());
        assert_ne!(first, second);
        ann.call(["STAGE", "RESET"]);
        let again = ann.call(["SRANDMEMBER", "s", "-20"]);
        let info = ann.call(["INFO", "server"]);
        let run_id = info.split("run_id:").nth(1).unwrap()[..40].to_owned();
        (first, again, run_id)
    };
    let seeded = shown(builder().seed(5));
    assert_eq!(seeded.0, seeded.1);
    assert_eq!(seeded, shown(builder().seed(5)));
    let other = shown(builder());
    assert_ne!(other.0, other.1);
    assert_ne!(other.2, seeded.2);
}
