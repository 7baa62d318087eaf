//! Every command that changes a key says so, and who watches the key hears of it.

use std::collections::BTreeSet;
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::dispatch::Table;
use respd::internals::dispatch::spec::flag;
use respd::internals::embed::groups;
use respd::internals::embed::local::{Connection, Local};

use crate::client::{call, call_all};

/// What is there before (commands behind each other, with `;` between them), and a command that changes
/// the key `k`.
const EXAMPLES: &[(&str, &str)] = &[
    ("", "append k v"),
    ("SET k a", "bitfield k SET u8 0 1"),
    ("SET a x", "bitop NOT k a"),
    ("RPUSH a x", "blmove a k LEFT LEFT 0"),
    ("RPUSH k x", "blmove k a LEFT LEFT 0"),
    ("RPUSH k x", "blmpop 0 1 k LEFT"),
    ("RPUSH k x", "blpop k 0"),
    ("RPUSH k x", "brpop k 0"),
    ("RPUSH a x", "brpoplpush a k 0"),
    ("RPUSH k x", "brpoplpush k a 0"),
    ("ZADD k 1 x", "bzmpop 0 1 k MIN"),
    ("ZADD k 1 x", "bzpopmax k 0"),
    ("ZADD k 1 x", "bzpopmin k 0"),
    ("SET a x", "copy a k"),
    ("", "decr k"),
    ("", "decrby k 2"),
    ("SET k x", "del a k"),
    ("SET k x", "delifeq k x"),
    ("SET k x", "expire k 100"),
    ("SET k x", "expire k 0"),
    ("SET k x", "expireat k 99999999999"),
    ("SET k x", "flushall"),
    ("SET k x", "flushdb"),
    ("", "geoadd k 1 1 x"),
    ("GEOADD a 1 1 x", "georadius a 1 1 1 km STORE k"),
    ("GEOADD a 1 1 x", "georadiusbymember a x 1 km STOREDIST k"),
    ("GEOADD a 1 1 x", "geosearchstore k a FROMMEMBER x BYRADIUS 1 km"),
    ("SET k x", "geosearchstore k a FROMLONLAT 1 1 BYRADIUS 1 km"),
    ("SET k x", "getdel k"),
    ("SET k x", "getex k EX 100"),
    ("SET k x EX 100", "getex k PERSIST"),
    ("", "getset k x"),
    ("HSET k f v", "hdel k f"),
    ("HSET k f v", "hexpire k 100 FIELDS 1 f"),
    ("HSET k f v", "hexpire k 0 FIELDS 1 f"),
    ("HSET k f v", "hexpireat k 99999999999 FIELDS 1 f"),
    ("HSET k f v", "hgetdel k FIELDS 1 f"),
    ("HSET k f v", "hgetex k EX 100 FIELDS 1 f"),
    ("", "hincrby k f 1"),
    ("", "hincrbyfloat k f 1"),
    ("", "hmset k f v"),
    ("HSET k f v; HEXPIRE k 100 FIELDS 1 f", "hpersist k FIELDS 1 f"),
    ("HSET k f v", "hpexpire k 100 FIELDS 1 f"),
    ("HSET k f v", "hpexpireat k 9999999999999 FIELDS 1 f"),
    ("HSET k f v", "hset k f v"),
    ("", "hsetex k EX 100 FIELDS 1 f v"),
    ("", "hsetnx k f v"),
    ("", "incr k"),
    ("SET k 1", "incrby k 0"),
    ("", "incrbyfloat k 1"),
    ("RPUSH k x", "linsert k BEFORE x y"),
    ("RPUSH a x", "lmove a k LEFT LEFT"),
    ("RPUSH k x", "lmove k a LEFT LEFT"),
    ("RPUSH k x", "lmove k k LEFT LEFT"),
    ("RPUSH k x", "lmpop 2 a k LEFT"),
    ("RPUSH k x", "lpop k"),
    ("RPUSH k x y", "lpop k 1"),
    ("", "lpush k x"),
    ("RPUSH k x", "lpushx k y"),
    ("RPUSH k x", "lrem k 0 x"),
    ("RPUSH k x", "lset k 0 x"),
    ("RPUSH k x y", "ltrim k 0 0"),
    ("SET k x", "move k 1"),
    ("", "mset a x k x"),
    ("", "msetex 2 a x k x EX 100"),
    ("", "msetnx a x k x"),
    ("SET k x EX 100", "persist k"),
    ("SET k x", "pexpire k 1000"),
    ("SET k x", "pexpireat k 9999999999999"),
    ("", "pfadd k x"),
    ("PFADD k x", "pfcount k"),
    ("PFADD k x", "pfdebug TODENSE k"),
    ("PFADD a x", "pfmerge k a"),
    ("", "psetex k 1000 x"),
    ("SET a x", "rename a k"),
    ("SET k x", "rename k a"),
    ("SET a x", "renamenx a k"),
    ("SET k x", "renamenx k a"),
    // A payload that is text.
    ("", "restore-asking k 0 \x00\x05aaaokP\x00G6U<\x03Sav"),
    ("", "restore k 0 \x00\x05aaaokP\x00G6U<\x03Sav"),
    ("RPUSH k x", "rpop k"),
    ("RPUSH a x", "rpoplpush a k"),
    ("RPUSH k x", "rpoplpush k a"),
    ("", "rpush k x"),
    ("RPUSH k x", "rpushx k y"),
    ("", "sadd k x"),
    ("SADD a x", "sdiffstore k a b"),
    ("", "set k x"),
    ("SET k x", "set k y EXAT 1"),
    ("", "setbit k 1 0"),
    ("", "setex k 100 x"),
    ("", "setnx k x"),
    ("SET k x", "setrange k 0 x"),
    ("SADD a x", "sinterstore k a a"),
    ("SET k x", "sinterstore k a b"),
    ("SADD a x", "smove a k x"),
    ("SADD k x", "smove k a x"),
    ("RPUSH a x", "sort a ALPHA STORE k"),
    ("SET k x", "sort a STORE k"),
    ("SADD k x", "spop k"),
    ("SADD k x y", "spop k 1"),
    ("SADD k x", "srem k x"),
    ("SADD a x", "sunionstore k a b"),
    ("SET k x", "swapdb 0 1"),
    ("SELECT 1; SET k x; SELECT 0", "swapdb 0 1"),
    ("SET k x", "unlink k"),
    ("", "zadd k 1 x"),
    ("ZADD k 1 x", "zadd k INCR 1 x"),
    ("ZADD a 1 x", "zdiffstore k 2 a b"),
    ("", "zincrby k 1 x"),
    ("ZADD a 1 x", "zinterstore k 1 a"),
    ("ZADD k 1 x", "zmpop 2 a k MIN"),
    ("ZADD k 1 x", "zpopmax k"),
    ("ZADD k 1 x", "zpopmin k 1"),
    ("ZADD a 1 x", "zrangestore k a 0 -1"),
    ("SET k x", "zrangestore k a 0 -1"),
    ("ZADD k 1 x", "zrem k x"),
    ("ZADD k 1 x", "zremrangebylex k - +"),
    ("ZADD k 1 x", "zremrangebyrank k 0 0"),
    ("ZADD k 1 x", "zremrangebyscore k 1 1"),
    ("ZADD a 1 x", "zunionstore k 1 a"),
    ("", "xadd k * f v"),
    ("XADD k 1-1 f v", "xadd k MAXLEN 0 1-2 f v"),
    ("XADD k 1-1 f v", "xdel k 1-1"),
    ("XADD k 1-1 f v", "xdelex k IDS 1 1-1"),
    (
        "XADD k 1-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xackdel k g IDS 1 1-1",
    ),
    ("XADD k 1-1 f v", "xtrim k MAXLEN 0"),
    ("", "xgroup create k g 0 MKSTREAM"),
];

/// They have the flag, and nothing to change: they are errors here, or change nothing that a watch is for.
const NO_EXAMPLE: &[&str] = &[
    "cluster|flushslot",
    "function|delete",
    "function|flush",
    "function|load",
    "function|restore",
    "migrate",
    "xack",
    "xautoclaim",
    "xclaim",
    "xgroup|createconsumer",
    "xgroup|delconsumer",
    "xgroup|destroy",
    "xgroup|setid",
    "xreadgroup",
    "xsetid",
];

/// Whether a transaction of the client would not run. It watches nothing any more.
fn is_broken(local: &mut Local, client: Connection) -> bool {
    call_all(local, client, "MULTI");
    match call(local, client, "EXEC").as_str() {
        "*-1\r\n" => true,
        "*0\r\n" => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_command_that_writes_breaks_the_watches_of_what_it_changes() {
    let table = Table::new(groups());
    let rows = table.rows().filter(|row| row.has(flag::WRITE)).map(|row| row.full_name.as_str());
    let mut missing: BTreeSet<&str> = rows.filter(|name| !NO_EXAMPLE.contains(name)).collect();
    for (before, command) in EXAMPLES {
        let mut words = command.split(' ');
        let (name, next) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let subcommand = format!("{name}|{next}");
        let name = table.named(subcommand.as_bytes()).map_or(name, |row| row.full_name.as_str());
        assert!(table.named(name.as_bytes()).is_some(), "{name} is no command");
        let mut local = Local::new(Config::default());
        let [ann, ben] = [(); 2].map(|()| local.connect());
        call_all(&mut local, ben, before);
        call_all(&mut local, ann, "WATCH k");
        assert!(local.engine.world.store.shared.journal.is_empty());
        let changes = local.engine.world.store.shared.changes;
        call_all(&mut local, ben, command);
        assert!(local.engine.world.store.shared.changes > changes, "{command} counts as none");
        assert!(is_broken(&mut local, ann), "{command} changes k, and says nothing");
        missing.remove(name);
    }
    assert!(missing.is_empty(), "commands that write and have no example: {missing:?}");
}

/// A consumer has read the first of two entries.
const READ: &str = "XADD k 1-1 f v; XADD k 1-2 f v; XGROUP CREATE k g 0; \
                    XREADGROUP GROUP g c COUNT 1 STREAMS k >";

#[test]
fn what_changes_nothing_breaks_no_watch() {
    for (before, command) in [
        ("SADD k x", "SADD k x"),
        ("ZADD k 1 x", "ZADD k 1 x"),
        ("ZADD k 1 x", "ZINCRBY k 0 x"),
        ("SET k x", "SETRANGE k 0 "),
        ("SETBIT k 1 1", "SETBIT k 1 1"),
        ("SET k x", "SETNX k y"),
        ("SET k x", "GETEX k PERSIST"),
        ("RPUSH k x", "LTRIM k 0 -1"),
        ("RPUSH k x", "LPOP k 0"),
        ("PFADD k x", "PFADD k x"),
        ("HSET k f v", "HDEL k g"),
        ("SET k x", "RENAME k k"),
        ("SET k x", "SWAPDB 0 0"),
        ("XADD k 1-1 f v", "XDEL k 1-2"),
        ("XADD k 1-1 f v", "XDELEX k DELREF IDS 1 1-2"),
        ("XADD k 1-1 f v", "XTRIM k MAXLEN 1"),
        ("XADD k 1-1 f v", "XSETID k 5-5"),
        ("XADD k 1-1 f v", "XGROUP CREATE k g 0"),
        (READ, "XGROUP SETID k g 0"),
        (READ, "XGROUP CREATECONSUMER k g d"),
        (READ, "XGROUP DELCONSUMER k g c"),
        (READ, "XGROUP DESTROY k g"),
        (READ, "XREADGROUP GROUP g d STREAMS k >"),
        (READ, "XREADGROUP GROUP g c STREAMS k 0"),
        (READ, "XACK k g 1-1"),
        (READ, "XCLAIM k g d 0 1-1"),
        (READ, "XAUTOCLAIM k g d 0 -"),
        ("", "XADD k NOMKSTREAM 1-1 f v"),
        ("SET k x", "COPY k a"),
        ("", "DEL k"),
        ("", "SINTERSTORE k a b"),
        ("", "FLUSHALL"),
        ("", "SWAPDB 0 1"),
        ("SET k x", "GET k"),
    ] {
        let mut local = Local::new(Config::default());
        let [ann, ben] = [(); 2].map(|()| local.connect());
        call_all(&mut local, ben, before);
        call_all(&mut local, ann, "WATCH k");
        call_all(&mut local, ben, command);
        assert!(!is_broken(&mut local, ann), "{command} changes nothing");
    }
}

#[test]
fn room_for_bits_that_were_not_stored_is_a_change() {
    for before in ["DEL k", "SET k x"] {
        let mut local = Local::new(Config::default());
        let [ann, ben] = [(); 2].map(|()| local.connect());
        call_all(&mut local, ben, before);
        for broken in [true, false] {
            call_all(&mut local, ann, "WATCH k");
            assert_eq!(
                call(&mut local, ben, "BITFIELD k OVERFLOW FAIL SET u8 #3 300"),
                "*1\r\n$-1\r\n"
            );
            assert_eq!(is_broken(&mut local, ann), broken, "{before}");
        }
    }
}

#[test]
fn a_command_that_fails_breaks_no_watch() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    call_all(&mut local, ben, "SET k x; RPUSH l x");
    for command in [
        "INCR k",
        "LPUSH k x",
        "SADD k x",
        "HSET k f v",
        "ZADD k 1 x",
        "XADD k * f v",
        "PFADD k x",
        "LMOVE l k LEFT LEFT",
        "SETRANGE k 999999999 x",
        "BITFIELD k SET u8 0",
        "RENAME nosuch k",
        "EXPIRE k x",
        "APPEND l x",
    ] {
        call_all(&mut local, ann, "WATCH k l");
        assert!(call(&mut local, ben, command).starts_with('-'), "{command}");
        assert!(!is_broken(&mut local, ann), "{command} fails");
    }
}

#[test]
fn a_watched_key_that_expires_has_changed() {
    for lazily in [false, true] {
        let mut local = Local::new(Config::default());
        local.engine.world.store.shared.expires_lazily = lazily;
        let ann = local.connect();
        call_all(&mut local, ann, "SET k x PX 10; WATCH k");
        local.advance(Duration::from_millis(9));
        assert!(!is_broken(&mut local, ann));
        call_all(&mut local, ann, "WATCH k");
        local.advance(Duration::from_millis(1));
        assert!(is_broken(&mut local, ann));
    }
}

#[test]
fn a_key_that_had_expired_when_it_was_watched_is_not_there() {
    let mut local = Local::new(Config::default());
    local.engine.world.store.shared.expires_lazily = true;
    let [ann, ben] = [(); 2].map(|()| local.connect());
    for (meanwhile, broken) in [
        ("GET k", false),
        ("DEL k", false),
        ("FLUSHALL", false),
        ("SWAPDB 0 1", false),
        ("SET k y", true),
    ] {
        call_all(&mut local, ben, "SET k x PX 10");
        local.advance(Duration::from_millis(10));
        call_all(&mut local, ann, "WATCH k");
        call_all(&mut local, ben, meanwhile);
        assert_eq!(is_broken(&mut local, ann), broken, "{meanwhile}");
    }
}

#[test]
fn a_watched_key_that_is_evicted_has_changed() {
    let mut local = Local::new(Config::default());
    let ann = local.connect();
    call_all(
        &mut local,
        ann,
        "CONFIG SET maxmemory-policy allkeys-random; SET k x; WATCH k; MULTI",
    );
    // EXEC itself makes room.
    local.engine.world.config.maxmemory = 1;
    assert_eq!(call(&mut local, ann, "EXEC"), "*-1\r\n");
}

#[test]
fn a_field_that_expires_changes_its_hash() {
    let mut local = Local::new(Config::default());
    let ann = local.connect();
    call_all(&mut local, ann, "HSET k f v g w; HPEXPIRE k 10 FIELDS 1 f; WATCH k");
    local.advance(Duration::from_millis(10));
    assert!(is_broken(&mut local, ann));
}

#[test]
fn a_key_of_another_database_is_another_key() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    call_all(&mut local, ann, "SET k x; WATCH k");
    call_all(&mut local, ben, "SELECT 1; SET k y; FLUSHDB");
    assert!(!is_broken(&mut local, ann));
    call_all(&mut local, ann, "WATCH k; SELECT 1");
    call_all(&mut local, ben, "SELECT 0; SET k y");
    assert!(is_broken(&mut local, ann), "it was watched where SELECT had led to by then");
}

#[test]
fn nobody_watches_for_ever() {
    let mut local = Local::new(Config::default());
    let ben = local.connect();
    for end in ["UNWATCH", "MULTI; DISCARD", "MULTI; EXEC", "RESET", "QUIT"] {
        let ann = local.connect();
        call_all(&mut local, ann, "SET k x; WATCH k other; WATCH k");
        assert_eq!(local.engine.world.watches.len(), 2);
        call_all(&mut local, ben, "SET k y");
        call_all(&mut local, ann, end);
        assert!(local.engine.world.watches.is_empty(), "{end}");
        assert!(!local.engine.world.store.shared.journal.follows_keys);
        if local.is_open(ann) {
            assert!(!is_broken(&mut local, ann), "{end}");
        }
    }
    let ann = local.connect();
    call_all(&mut local, ann, "WATCH k");
    call_all(&mut local, ben, "CLIENT KILL TYPE normal");
    assert!(local.engine.world.watches.is_empty());
    // In the middle of a transaction, without a word.
    let ann = local.connect();
    call_all(&mut local, ann, "WATCH k; MULTI; SET k z");
    local.finish(ann);
    local.received(ann);
    assert!(local.engine.world.watches.is_empty());
    assert_eq!(call(&mut local, ben, "GET k"), "$1\r\ny\r\n");
}

#[test]
fn a_transaction_that_never_ends_ends_at_the_limit_of_the_query_buffer() {
    let mut local = Local::new(Config::default());
    let [ann, ben] = [(); 2].map(|()| local.connect());
    call_all(&mut local, ben, "CONFIG SET client-query-buffer-limit 1mb");
    call_all(&mut local, ann, "MULTI");
    let set = format!("SET k {}", "x".repeat(100_000));
    for _ in 0..10 {
        assert_eq!(call(&mut local, ann, &set), "+QUEUED\r\n");
    }
    call(&mut local, ann, &set);
    assert!(!local.is_open(ann));
    assert_eq!(call(&mut local, ben, "EXISTS k"), ":0\r\n");
    let memory = local.engine.world.clients.memory();
    assert!(memory < 100_000, "{memory} bytes are left behind");
}
