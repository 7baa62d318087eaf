//! Chapter 11 of the book: forms of collections, a walk through what changes, expiry and eviction.

use std::collections::HashMap;
use std::time::Duration;

use respd::Value;
use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};

fn call(local: &mut Local, client: Connection, line: &str) -> Value {
    local.call(client, line.split(' '))
}

fn show(local: &mut Local, client: Connection, line: &str) {
    println!("> {line}\n{}", call(local, client, line));
}

/// Lets turns come while there is something to do at once: so many.
fn turns_until_rest(local: &mut Local) -> usize {
    let mut turns = 0;
    while local.engine.next_deadline().is_some_and(|due| due <= local.engine.world.now.mono) {
        local.advance(Duration::ZERO);
        turns += 1;
    }
    turns
}

fn main() {
    let mut local = Local::new(Config::default());
    let client = local.connect();

    println!("# a hash grows out of its compact form, and does not come back");
    for n in 0..512 {
        call(&mut local, client, &format!("HSET h field:{n} value"));
    }
    show(&mut local, client, "OBJECT ENCODING h");
    show(&mut local, client, "HSET h one more");
    show(&mut local, client, "OBJECT ENCODING h");
    for n in 0..512 {
        call(&mut local, client, &format!("HDEL h field:{n}"));
    }
    println!("512 fields are deleted");
    show(&mut local, client, "HGETALL h");
    show(&mut local, client, "OBJECT ENCODING h");
    call(&mut local, client, "DEL h");

    println!("# a walk through a thousand keys, while as many come at each step as are there");
    for n in 0..1000 {
        call(&mut local, client, &format!("SET old:{n} v"));
    }
    let (mut met, mut cursor, mut steps) = (HashMap::new(), "0".to_owned(), 0);
    loop {
        let reply = call(&mut local, client, &format!("SCAN {cursor} COUNT 100"));
        let Some(Ok([next, keys])) = reply.into_vec().map(<[Value; 2]>::try_from) else {
            panic!("SCAN replies a cursor and keys");
        };
        for key in keys.into_vec().unwrap_or_default() {
            *met.entry(key.to_string()).or_insert(0) += 1;
        }
        for n in 0..if steps < 5 { 1000 << steps } else { 0 } {
            call(&mut local, client, &format!("SET new:{steps}:{n} v"));
        }
        steps += 1;
        cursor = next.as_str().unwrap_or("0").to_owned();
        if cursor == "0" {
            break;
        }
    }
    let old = met.keys().filter(|key| key.contains("old:")).count();
    println!("there are {} keys", call(&mut local, client, "DBSIZE"));
    assert_eq!(met.values().max(), Some(&1));
    println!("met {old} of the old ones, and no key twice");
    call(&mut local, client, "FLUSHALL");

    println!("# ten thousand keys expire together");
    turns_until_rest(&mut local);
    for n in 0..10_000 {
        call(&mut local, client, &format!("SET k:{n} v PX 1000"));
    }
    // The turn that sees how many were set has passed.
    local.advance(Duration::from_millis(999));
    for time in [1, 0, 0] {
        local.advance(Duration::from_millis(time));
        println!("after a turn: {}", call(&mut local, client, "DBSIZE"));
    }
    println!("one that is asked for: {}", call(&mut local, client, "GET k:9999"));
    let turns = 3 + turns_until_rest(&mut local);
    println!("after {turns} turns: {}", call(&mut local, client, "DBSIZE"));
    call(&mut local, client, "FLUSHALL");

    println!("# what is used stays");
    call(&mut local, client, "CONFIG SET maxmemory-policy allkeys-lru");
    for n in 0..1000 {
        call(&mut local, client, &format!("SET {}:{n} v", if n < 100 { "hot" } else { "cold" }));
    }
    local.advance(Duration::from_secs(60));
    for n in 0..100 {
        call(&mut local, client, &format!("GET hot:{n}"));
    }
    let used = local.engine.world.memory().total();
    call(&mut local, client, &format!("CONFIG SET maxmemory {used}"));
    for n in 0..500 {
        call(&mut local, client, &format!("SET new:{n} v"));
    }
    let left = |local: &mut Local, name: &str, count: usize| {
        let keys: Vec<String> = (0..count).map(|n| format!("{name}:{n}")).collect();
        let exists = ["EXISTS".to_owned()].into_iter().chain(keys);
        local.call(client, exists).as_i64().unwrap_or(0)
    };
    let hot = left(&mut local, "hot", 100);
    let cold = local.call(client, ["DBSIZE"]).as_i64().unwrap_or(0) - hot;
    assert!(hot >= 95 && cold < 1000, "{hot} {cold}");
    println!("of 100 that were used 95 or more are left, and fewer than 1000 of 1400 others");
}
