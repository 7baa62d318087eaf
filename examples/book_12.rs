//! Chapter 12 of the book: what a script has come to, as it is said to a second server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::Local;
use respd::internals::keyspace::effects::Batches;

/// Takes a member at random, and notes it for a minute.
const SCRIPT: &str = "\
local member = redis.call('SPOP', KEYS[1])
redis.call('SET', KEYS[2], member, 'EX', 60)
redis.call('GET', KEYS[2])
return member";

/// A server whose data can be told as one number, and whose chance can be had again.
fn server() -> Local {
    let mut config = Config::default();
    for (name, value) in [("enable-debug-command", "yes"), ("enable-stage-command", "yes")] {
        config.apply_option(name, value).expect("a directive and its value");
    }
    Local::new(config)
}

fn main() {
    let mut local = server();
    let client = local.connect();
    let batches = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&batches);
    local.engine.world.store.listen_to_effects(Box::new(move |all: &Batches| {
        for batch in all.iter() {
            let words = batch.iter().map(|effect| effect.words().map(<[u8]>::to_vec).collect());
            heard.lock().expect("no panic").push(words.collect::<Vec<Vec<_>>>());
        }
    }));

    local.call(client, ["STAGE", "SEED", "7"]);
    local.call(client, ["SADD", "queue", "ann", "ben", "carl"]);
    let member = local.call(client, ["EVAL", SCRIPT, "2", "queue", "last"]);
    println!("the script has returned {member}");
    local.call(client, ["SET", "brief", "x", "PX", "500"]);
    local.advance(Duration::from_secs(1));

    // The mirror hears of it half a minute later.
    let mut mirror = server();
    local.advance(Duration::from_secs(29));
    mirror.advance(Duration::from_secs(30));
    let player = mirror.connect();
    println!("what was said:");
    for batch in batches.lock().expect("no panic").iter() {
        println!("  a batch of {}", batch.len());
        for words in batch {
            println!("    {}", String::from_utf8_lossy(&words.join(&b' ')));
            mirror.call(player, words);
        }
    }
    let mut both = |words: &[&str]| {
        let (one, other) = (local.call(client, words), mirror.call(player, words));
        assert_eq!(one, other, "{words:?}");
        one
    };
    both(&["DEBUG", "DIGEST"]);
    let left = both(&["TTL", "last"]).as_i64().expect("a number");
    println!("both have the same data, and `last` for {left} s");
}
