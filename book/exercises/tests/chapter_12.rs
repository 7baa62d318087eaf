use std::time::Duration;

use respd::Value;
use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};
use respd_exercises::chapter_12::{effect, whole};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server, and a client of it.
fn server() -> (Local, Connection) {
    let mut config = Config::default();
    config.apply_option("enable-debug-command", "yes").unwrap();
    let mut local = Local::new(config);
    let client = local.connect();
    (local, client)
}

#[test]
fn a_mirror_that_hears_of_it_a_day_later_has_the_same() {
    let ((mut local, client), (mut mirror, player)) = (server(), server());
    mirror.advance(DAY);
    let mut random = 1_u64;
    let mut one_of = |most: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % most
    };
    for _ in 0..5_000 {
        let (key, number, seconds) = (one_of(4), one_of(9), 100_000 + one_of(100_000));
        let line = match one_of(8) {
            0 => format!("SET k{key} {number}"),
            1 => format!("SET k{key} word NX EX {seconds}"),
            2 => format!("SET k{key} {number} EX {seconds}"),
            3 => format!("EXPIRE k{key} {seconds}"),
            4 => format!("INCR k{key}"),
            5 => format!("SPOP s{key}"),
            6 => format!("GET k{key}"),
            _ => format!("SADD s{key} {number}"),
        };
        let words: Vec<&str> = line.split(' ').collect();
        let now = local.engine.world.now.wall / 1000;
        let reply = local.call(client, &words);
        if let Some(words) = effect(&words, &reply, now) {
            let reply = mirror.call(player, &words);
            assert!(!matches!(reply, Value::Error(_)), "{words:?}: {reply}");
        }
        local.advance(Duration::from_millis(7));
    }
    local.advance(DAY - Duration::from_millis(7 * 5_000));
    for line in ["DEBUG DIGEST", "PEXPIRETIME k0", "PEXPIRETIME k1", "PEXPIRETIME k2"] {
        let words = || line.split(' ');
        assert_eq!(mirror.call(player, words()), local.call(client, words()), "{line}");
    }
}

#[test]
fn what_changed_nothing_is_not_written_down() {
    let nil = Value::NullBulk;
    assert_eq!(effect(&["SET", "k", "v", "NX"], &nil, 5), None);
    assert_eq!(effect(&["SPOP", "s"], &nil, 5), None);
    assert_eq!(effect(&["GET", "k"], &Value::Bulk(b"v".to_vec()), 5), None);
    assert_eq!(effect(&["EXPIRE", "k", "9"], &Value::Integer(0), 5), None);
    assert_eq!(effect(&["INCR", "k"], &Value::Error(b"ERR no number".to_vec()), 5), None);
}

#[test]
fn a_transaction_is_whole_or_not_there() {
    let log = ["SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC", "MULTI", "EXEC", "SET d 1"];
    assert_eq!(whole(&log), ["SET a 1", "SET b 1", "SET c 1", "SET d 1"]);
    for cut in 2..5 {
        assert_eq!(whole(&log[..cut]), ["SET a 1"], "cut off behind {cut}");
    }
}
