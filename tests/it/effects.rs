//! Every change of the keyspace is said as a command that brings it about again, whenever that is run.
//!
//! [`EXAMPLES`] has each command that writes, and what it says. Random sessions of many clients, whose effects make
//! a second server the same as the first, are in [`sessions`].

mod sessions;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(feature = "lua")]
use respd::Value;
use respd::internals::config::Callers;
use respd::internals::config::Config;
use respd::internals::dispatch::Table;
use respd::internals::dispatch::spec::flag;
use respd::internals::embed::groups;
use respd::internals::embed::local::{Connection, Local};
use respd::internals::keyspace::effects::Batches;

use crate::client::{call, send};

/// A command and the database to run it in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    db: usize,
    words: Vec<Vec<u8>>,
}

/// The batches that were heard.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Vec<Said>>>>);

impl Heard {
    /// Listens to a server.
    fn from(local: &mut Local) -> Heard {
        let heard = Heard::default();
        let into = heard.clone();
        local.engine.world.store.listen_to_effects(Box::new(move |batches: &Batches| {
            let batches = batches.iter().map(|batch| {
                let said = |words: Vec<&[u8]>| words.into_iter().map(<[u8]>::to_vec).collect();
                let effects = batch.iter();
                effects
                    .map(|effect| Said { db: effect.db(), words: said(effect.words().collect()) })
                    .collect()
            });
            into.0.lock().unwrap().extend(batches);
        }));
        heard
    }

    /// Takes what was heard since the last call.
    fn take(&self) -> Vec<Vec<Said>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The same as one line: ` / ` between batches, `; ` between effects, and `@1 ` in front of those of another
    /// database than the first.
    fn line(&self) -> String {
        let effect = |said: &Said| {
            let words: Vec<_> =
                said.words.iter().map(|word| String::from_utf8_lossy(word)).collect();
            let db = if said.db == 0 { String::new() } else { format!("@{} ", said.db) };
            format!("{db}{}", words.join(" "))
        };
        let batch = |batch: &Vec<Said>| batch.iter().map(effect).collect::<Vec<_>>().join("; ");
        self.take().iter().map(batch).collect::<Vec<_>>().join(" / ")
    }
}

/// A server on which time stands at 1700000000000 ms, one of its clients, and what is heard.
fn start() -> (Local, Connection, Heard) {
    let config = Config { enable_debug_command: Callers::Yes, ..Config::default() };
    let mut local = Local::new(config);
    let client = local.connect();
    let heard = Heard::from(&mut local);
    (local, client, heard)
}

/// A group that has read nothing of two entries; a consumer that has read the first; and that entry deleted.
const GROUP: &str = "XADD k 1-1 f v; XADD k 1-2 f v; XGROUP CREATE k g 0";
const READ: &str = "XADD k 1-1 f v; XADD k 1-2 f v; XGROUP CREATE k g 0; \
                    XREADGROUP GROUP g c COUNT 1 STREAMS k >";
const READ_AND_DELETED: &str = "XADD k 1-1 f v; XADD k 1-2 f v; XGROUP CREATE k g 0; \
                                XREADGROUP GROUP g c COUNT 1 STREAMS k >; XDEL k 1-1";

/// What is there before (commands with `;` between them), a command, and what it says.
const EXAMPLES: &[(&str, &str, &str)] = &[
    // Strings.
    ("", "append k v", "append k v"),
    ("SET k v", "delifeq k v", "DEL k"),
    ("SET k v", "delifeq k w", ""),
    ("", "decr k", "decr k"),
    ("", "decrby k 2", "decrby k 2"),
    ("SET k v", "getdel k", "DEL k"),
    ("", "getdel k", ""),
    ("SET k v", "getex k", ""),
    ("SET k v", "getex k EX 100", "PEXPIREAT k 1700000100000"),
    ("SET k v", "getex k PXAT 5", "UNLINK k"),
    ("SET k v EX 9", "getex k PERSIST", "PERSIST k"),
    ("SET k v", "getex k PERSIST", ""),
    ("", "getset k v", "SET k v"),
    ("", "incr k", "incr k"),
    ("SET k x", "incr k", ""),
    ("SET k 1", "incrby k 2", "incrby k 2"),
    ("SET k 1", "incrbyfloat k 1.5", "SET k 2.5 KEEPTTL"),
    ("", "mset a 1 b 2", "mset a 1 b 2"),
    ("", "msetex 1 k v EX 100", "MSETEX 1 k v PXAT 1700000100000"),
    ("", "msetex 2 k v l w NX PX 5", "MSETEX 2 k v l w PXAT 1700000000005"),
    ("", "msetex 1 k v NX", "msetex 1 k v NX"),
    ("", "msetex 1 k v XX PX 5", ""),
    ("", "msetnx a 1 b 2", "msetnx a 1 b 2"),
    ("SET a 1", "msetnx a 1 b 2", ""),
    ("", "psetex k 1500 v", "SET k v PXAT 1700000001500"),
    ("", "set k v", "set k v"),
    ("", "set k v EX 100", "SET k v PXAT 1700000100000"),
    ("SET k v", "set k w EXAT 1700000009 GET", "SET k w PXAT 1700000009000"),
    ("SET k v", "set k w KEEPTTL XX", "SET k w KEEPTTL"),
    ("SET k v", "set k w IFEQ v", "SET k w"),
    ("SET k v", "set k w NX", ""),
    ("SET k v", "set k w PXAT 5", "UNLINK k"),
    ("", "set k w PXAT 5", ""),
    ("", "setex k 10 v", "SET k v PXAT 1700000010000"),
    ("", "setnx k v", "setnx k v"),
    ("SET k v", "setnx k v", ""),
    ("", "setrange k 2 v", "setrange k 2 v"),
    // Bitmaps and HyperLogLogs.
    ("SET k a", "bitfield k SET u8 0 1", "bitfield k SET u8 0 1"),
    ("SET k a", "bitfield k GET u8 0", ""),
    ("SET a x", "bitop NOT k a", "bitop NOT k a"),
    ("SET a x", "bitop ONE k a", "bitop ONE k a"),
    ("SET k x", "bitop OR k a", "bitop OR k a"),
    ("", "bitop OR k a", ""),
    ("", "setbit k 7 1", "setbit k 7 1"),
    ("SETBIT k 7 1", "setbit k 7 1", ""),
    ("", "pfadd k a", "pfadd k a"),
    ("PFADD k a", "pfadd k a", ""),
    ("PFADD k a", "pfcount k", "pfcount k"),
    ("PFADD k a; PFCOUNT k", "pfcount k", ""),
    ("PFADD k a", "pfdebug TODENSE k", "pfdebug TODENSE k"),
    ("PFADD a a", "pfmerge k a", "pfmerge k a"),
    // Hashes.
    ("HSET k f v", "hdel k f g", "hdel k f g"),
    ("HSET k f v", "hdel k g", ""),
    ("HSET k f v g w", "hexpire k 100 FIELDS 3 f x g", "HPEXPIREAT k 1700000100000 FIELDS 2 f g"),
    ("HSET k f v", "hexpire k 0 FIELDS 2 f x", "HDEL k f"),
    ("HSET k f v", "hexpire k 9 XX FIELDS 1 f", ""),
    ("HSET k f v", "hexpireat k 1700000009 FIELDS 1 f", "HPEXPIREAT k 1700000009000 FIELDS 1 f"),
    ("HSET k f v", "hpexpire k 9 NX FIELDS 1 f", "HPEXPIREAT k 1700000000009 FIELDS 1 f"),
    ("HSET k f v", "hpexpireat k 5 FIELDS 1 f", "HDEL k f"),
    ("HSET k f v", "hgetdel k FIELDS 1 f", "hgetdel k FIELDS 1 f"),
    ("HSET k f v", "hgetdel k FIELDS 1 g", ""),
    ("HSET k f v", "hgetex k FIELDS 1 f", ""),
    ("HSET k f v", "hgetex k PX 9 FIELDS 2 f g", "HPEXPIREAT k 1700000000009 FIELDS 1 f"),
    ("HSET k f v", "hgetex k PXAT 9 FIELDS 1 f", "HDEL k f"),
    ("HSETEX k EX 9 FIELDS 1 f v", "hgetex k PERSIST FIELDS 1 f", "HPERSIST k FIELDS 1 f"),
    ("HSET k f 1", "hincrby k f 1", "hincrby k f 1"),
    ("HSET k f 1", "hincrbyfloat k f 0.5", "HSET k f 1.5"),
    (
        "HSETEX k EX 9 FIELDS 1 f 1",
        "hincrbyfloat k f 0.5",
        "HSETEX k PXAT 1700000009000 FIELDS 1 f 1.5",
    ),
    ("", "hmset k f v", "hmset k f v"),
    ("HSETEX k EX 9 FIELDS 1 f v", "hpersist k FIELDS 1 f", "hpersist k FIELDS 1 f"),
    ("HSET k f v", "hpersist k FIELDS 1 f", ""),
    ("", "hset k f v", "hset k f v"),
    ("", "hsetex k PX 9 FIELDS 1 f v", "HSETEX k PXAT 1700000000009 FIELDS 1 f v"),
    ("HSET k f v", "hsetex k XX FXX KEEPTTL FIELDS 1 f w", "HSETEX k KEEPTTL FIELDS 1 f w"),
    ("", "hsetex k FIELDS 1 f v", "HSETEX k FIELDS 1 f v"),
    ("HSET k f v", "hsetex k PXAT 9 FIELDS 2 f v g w", "HDEL k f"),
    ("", "hsetex k PXAT 9 FIELDS 1 f v", ""),
    ("HSET k f v", "hsetex k FNX FIELDS 1 f v", ""),
    ("", "hsetnx k f v", "hsetnx k f v"),
    ("HSET k f v", "hsetnx k f v", ""),
    // Lists.
    ("RPUSH k x", "blmove k a LEFT RIGHT 0", "LMOVE k a LEFT RIGHT"),
    ("RPUSH k x", "blmpop 0 2 a k LEFT COUNT 9", "LPOP k 1"),
    ("RPUSH k x", "blpop a k 0", "LPOP k"),
    ("RPUSH k x", "brpop k 0", "RPOP k"),
    ("RPUSH k x", "brpoplpush k a 0", "RPOPLPUSH k a"),
    ("RPUSH k x", "linsert k BEFORE x y", "linsert k BEFORE x y"),
    ("RPUSH k x", "linsert k BEFORE y z", ""),
    ("RPUSH k x", "lmove k a LEFT LEFT", "lmove k a LEFT LEFT"),
    ("RPUSH k x y z", "lmpop 2 a k RIGHT COUNT 2", "RPOP k 2"),
    ("RPUSH k x", "lpop k", "lpop k"),
    ("RPUSH k x", "lpop k 0", ""),
    ("", "lpush k x", "lpush k x"),
    ("", "lpushx k x", ""),
    ("RPUSH k x", "lpushx k y", "lpushx k y"),
    ("RPUSH k x", "lrem k 0 x", "lrem k 0 x"),
    ("RPUSH k x", "lrem k 0 y", ""),
    ("RPUSH k x", "lset k 0 y", "lset k 0 y"),
    ("RPUSH k x y", "ltrim k 0 0", "ltrim k 0 0"),
    ("RPUSH k x y", "ltrim k 0 -1", ""),
    ("RPUSH k x", "rpop k", "rpop k"),
    ("RPUSH k x", "rpoplpush k a", "rpoplpush k a"),
    ("", "rpush k x", "rpush k x"),
    ("RPUSH k x", "rpushx k y", "rpushx k y"),
    // Sets.
    ("", "sadd k x", "sadd k x"),
    ("SADD k x", "sadd k x", ""),
    ("SADD a x", "sdiffstore k a", "sdiffstore k a"),
    ("SADD a x", "sinterstore k a", "sinterstore k a"),
    ("SADD k x", "sinterstore k none", "sinterstore k none"),
    ("", "sinterstore k none", ""),
    ("SADD k x", "smove k a x", "smove k a x"),
    ("SADD k x", "smove k a y", ""),
    ("SADD k x", "spop k", "UNLINK k"),
    ("SADD k x", "spop k 0", ""),
    ("SADD k x y", "spop k 5", "UNLINK k"),
    ("", "spop k", ""),
    ("SADD k x", "srem k x y", "srem k x y"),
    ("SADD k x", "srem k y", ""),
    ("SADD a x", "sunionstore k a", "sunionstore k a"),
    // Sorted sets and places.
    ("ZADD k 1 x", "bzmpop 0 1 k MIN", "ZPOPMIN k 1"),
    ("ZADD k 1 x", "bzpopmax k 0", "ZPOPMAX k"),
    ("ZADD k 1 x", "bzpopmin a k 0", "ZPOPMIN k"),
    ("", "zadd k 1 x", "zadd k 1 x"),
    ("ZADD k 1 x", "zadd k 1 x", ""),
    ("", "zadd k INCR 1 x", "zadd k INCR 1 x"),
    ("ZADD a 1 x", "zdiffstore k 1 a", "zdiffstore k 1 a"),
    ("", "zincrby k 1 x", "zincrby k 1 x"),
    ("ZADD a 1 x", "zinterstore k 1 a", "zinterstore k 1 a"),
    ("ZADD k 1 x 2 y", "zmpop 2 a k MAX COUNT 5", "ZPOPMAX k 2"),
    ("ZADD k 1 x", "zpopmax k", "zpopmax k"),
    ("ZADD k 1 x", "zpopmin k", "zpopmin k"),
    ("", "zpopmin k", ""),
    ("ZADD a 1 x", "zrangestore k a 0 -1", "zrangestore k a 0 -1"),
    ("ZADD a 0.1 x", "zrangestore k a - + BYLEX", "DEL k; ZADD k 0.1 x"),
    ("ZADD k 1 x", "zrangestore k a - + BYLEX", "DEL k"),
    ("", "zrangestore k a 0 -1", ""),
    ("ZADD k 1 x", "zrem k x", "zrem k x"),
    ("ZADD k 1 x", "zrem k y", ""),
    ("ZADD k 0 x 0 y", "zremrangebylex k - +", "ZREM k x y"),
    ("ZADD k 0 x", "zremrangebylex k (x +", ""),
    ("ZADD k 1 x", "zremrangebyrank k 0 0", "zremrangebyrank k 0 0"),
    ("ZADD k 1 x", "zremrangebyscore k 1 1", "zremrangebyscore k 1 1"),
    ("ZADD a 1 x", "zunionstore k 1 a", "zunionstore k 1 a"),
    ("", "geoadd k 1 1 x", "geoadd k 1 1 x"),
    ("GEOADD k 1 1 x", "geoadd k 1 1 x", ""),
    ("GEOADD a 1 1 x", "georadius a 1 1 1 km STORE k", "georadius a 1 1 1 km STORE k"),
    ("GEOADD a 1 1 x", "georadius a 1 1 1 km", ""),
    (
        "GEOADD a 1 1 x",
        "georadiusbymember a x 1 km STOREDIST k",
        "georadiusbymember a x 1 km STOREDIST k",
    ),
    (
        "GEOADD a 1 1 x",
        "geosearchstore k a FROMMEMBER x BYRADIUS 1 km",
        "geosearchstore k a FROMMEMBER x BYRADIUS 1 km",
    ),
    // Streams.
    ("", "xadd k 1-1 f v", "xadd k 1-1 f v"),
    ("", "xadd k * f v", "XADD k 1700000000000-0 f v"),
    ("XADD k 5-1 f v", "xadd k 5-* f v", "XADD k 5-2 f v"),
    ("XADD k 1-1 f v", "xadd k 1-1 f v", ""),
    ("", "xadd k NOMKSTREAM * f v", ""),
    ("XADD k 1-1 f v", "xadd k NOMKSTREAM * f v", "XADD k 1700000000000-0 f v"),
    ("XADD k 1-1 f v", "xadd k MAXLEN 1 1-2 f v", "xadd k MAXLEN 1 1-2 f v"),
    ("XADD k 1-1 f v", "xadd k MINID 2 * f v g w", "XADD k MAXLEN = 1 1700000000000-0 f v g w"),
    ("XADD k 1-1 f v", "xadd k MAXLEN ~ 1 1-2 f v", "XADD k MAXLEN = 2 1-2 f v"),
    ("XADD k 1-1 f v", "xdel k 1-1 1-2", "xdel k 1-1 1-2"),
    ("XADD k 1-1 f v", "xdel k 1-2", ""),
    ("XADD k 1-1 f v", "xsetid k 5-5", "xsetid k 5-5"),
    ("XADD k 1-1 f v", "xtrim k MAXLEN 0", "xtrim k MAXLEN 0"),
    ("XADD k 1-1 f v", "xtrim k MAXLEN ~ 0", "XTRIM k MAXLEN = 0"),
    ("XADD k 1-1 f v", "xtrim k MINID ~ 1-1", ""),
    // Groups of streams.
    (GROUP, "xack k g 1-1", ""),
    (READ, "xack k g 1-1 9-9", "xack k g 1-1 9-9"),
    (GROUP, "xgroup create k h $", "xgroup create k h $"),
    ("", "xgroup create k g 0 MKSTREAM", "xgroup create k g 0 MKSTREAM"),
    (GROUP, "xgroup create k g 0", ""),
    (GROUP, "xgroup createconsumer k g c", "xgroup createconsumer k g c"),
    (READ, "xgroup createconsumer k g c", ""),
    (READ, "xgroup delconsumer k g c", "xgroup delconsumer k g c"),
    (GROUP, "xgroup delconsumer k g c", ""),
    (GROUP, "xgroup destroy k g", "xgroup destroy k g"),
    (GROUP, "xgroup destroy k h", ""),
    (GROUP, "xgroup setid k g $", "xgroup setid k g $"),
    (
        GROUP,
        "xreadgroup GROUP g c STREAMS k >",
        "XGROUP CREATECONSUMER k g c; \
         XCLAIM k g c 0 1-1 1-2 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID; \
         XGROUP SETID k g 1-2 ENTRIESREAD 2",
    ),
    (
        READ,
        "xreadgroup GROUP g c STREAMS k >",
        "XCLAIM k g c 0 1-2 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID; \
         XGROUP SETID k g 1-2 ENTRIESREAD 2",
    ),
    (READ, "xreadgroup GROUP g c NOACK STREAMS k >", "XGROUP SETID k g 1-2 ENTRIESREAD 2"),
    (
        READ,
        "xreadgroup GROUP g c STREAMS k 0",
        "XCLAIM k g c 0 1-1 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID",
    ),
    (READ, "xreadgroup GROUP g d STREAMS k 0", "XGROUP CREATECONSUMER k g d"),
    (READ, "xreadgroup GROUP g c STREAMS k 1-1", ""),
    (
        "XGROUP CREATE k g $ MKSTREAM",
        "xreadgroup GROUP g c BLOCK 0 STREAMS k >",
        "XGROUP CREATECONSUMER k g c",
    ),
    (
        READ,
        "xclaim k g d 0 1-1",
        "XGROUP CREATECONSUMER k g d; \
         XCLAIM k g d 0 1-1 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID",
    ),
    (
        READ,
        "xclaim k g c 0 1-1 1-2 IDLE 5 FORCE JUSTID LASTID 9",
        "XCLAIM k g c 0 1-1 1-2 TIME 1699999999995 RETRYCOUNT 1 FORCE JUSTID; \
         XGROUP SETID k g 9-0 ENTRIESREAD 1",
    ),
    (READ, "xclaim k g c 5 1-1", ""),
    (READ_AND_DELETED, "xclaim k g c 0 1-1", "XACK k g 1-1"),
    (
        READ,
        "xautoclaim k g c 0 -",
        "XCLAIM k g c 0 1-1 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID",
    ),
    (READ, "xautoclaim k g c 5 -", ""),
    (READ_AND_DELETED, "xautoclaim k g c 5 -", "XACK k g 1-1"),
    ("XADD k 1-1 f v", "xread BLOCK 0 STREAMS k 0", ""),
    ("XADD k 1-1 f v", "xdelex k ACKED IDS 2 1-1 1-2", "xdelex k ACKED IDS 2 1-1 1-2"),
    ("XADD k 1-1 f v", "xdelex k DELREF IDS 1 1-2", ""),
    ("XADD k 1-1 f v", "xtrim k DELREF MAXLEN ~ 0", "XTRIM k MAXLEN = 0 DELREF"),
    ("XADD k 1-1 f v", "xtrim k MAXLEN 0 ACKED", "xtrim k MAXLEN 0 ACKED"),
    ("XADD k 1-1 f v", "xadd k ACKED MINID 2 2-1 f v", "xadd k ACKED MINID 2 2-1 f v"),
    ("XADD k 1-1 f v", "xadd k MAXLEN ~ 1 ACKED 2-1 f v", "XADD k MAXLEN = 2 ACKED 2-1 f v"),
    ("XADD k 1-1 f v", "xackdel k g IDS 1 1-1", ""),
    (
        "XADD k 1-1 f v; XADD k 2-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xackdel k g IDS 1 1-1",
        "xackdel k g IDS 1 1-1",
    ),
    (
        "XADD k 1-1 f v; XADD k 2-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xackdel k g ACKED IDS 2 1-1 1-1",
        "xackdel k g ACKED IDS 2 1-1 1-1",
    ),
    (
        "XADD k 1-1 f v; XADD k 2-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xackdel k h IDS 1 1-1",
        "",
    ),
    (
        "XADD k 1-1 f v; XADD k 2-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xdelex k ACKED IDS 1 1-1",
        "",
    ),
    (
        "XADD k 1-1 f v; XADD k 2-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xtrim k MAXLEN 0 ACKED",
        "",
    ),
    (
        "XADD k 1-1 f v; XADD k 2-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >",
        "xtrim k MAXLEN ~ 0 DELREF",
        "XTRIM k MAXLEN = 0 DELREF",
    ),
    (
        "XADD k 1-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >; XDEL k 1-1",
        "xdelex k DELREF IDS 1 1-1",
        "xdelex k DELREF IDS 1 1-1",
    ),
    (
        "XADD k 1-1 f v; XGROUP CREATE k g 0; XREADGROUP GROUP g c STREAMS k >; XDEL k 1-1",
        "xackdel k g IDS 1 1-1",
        "xackdel k g IDS 1 1-1",
    ),
    // Any key.
    ("SET k x", "copy k a", "copy k a"),
    ("SET k x", "copy k a DB 1", "copy k a DB 1"),
    ("SET k x; SET a x", "copy k a", ""),
    ("SET k x", "del k a", "del k a"),
    ("", "del k", ""),
    ("SET k x", "expire k 100", "PEXPIREAT k 1700000100000"),
    ("SET k x EX 5", "expire k 100 GT", "PEXPIREAT k 1700000100000"),
    ("SET k x", "expire k 100 XX", ""),
    ("SET k x", "expire k 0", "UNLINK k"),
    ("", "expire k 0", ""),
    ("SET k x", "expireat k 1700000009", "PEXPIREAT k 1700000009000"),
    ("SET k x", "pexpire k 9", "PEXPIREAT k 1700000000009"),
    ("SET k x", "pexpireat k 1700000000009", "PEXPIREAT k 1700000000009"),
    ("SET k x EX 5", "persist k", "persist k"),
    ("SET k x", "persist k", ""),
    ("SET k x", "move k 1", "move k 1"),
    ("SET k x", "rename k a", "rename k a"),
    ("SET k x", "rename k k", ""),
    ("SET k x", "renamenx k a", "renamenx k a"),
    ("SET k x; SET a x", "renamenx k a", ""),
    ("RPUSH a 2 1", "sort a STORE k", "sort a STORE k"),
    ("SADD a x", "sort a BY nosort STORE k", "sort a BY nosort STORE k"),
    ("SADD a x", "sort a BY w_* ALPHA GET # GET w_* STORE k", "DEL k; RPUSH k x "),
    ("SET k x", "sort a STORE k", "sort a STORE k"),
    ("SET k x", "sort a BY w_* ALPHA STORE k", "sort a BY w_* ALPHA STORE k"),
    ("SET k x", "unlink k", "unlink k"),
    ("SET k x", "flushdb", "flushdb"),
    ("", "flushdb", ""),
    ("SET k x", "flushall", "flushall"),
    ("", "swapdb 0 1", "swapdb 0 1"),
    // What changes no data.
    ("SET k x", "get k", ""),
    ("SET k x", "touch k", ""),
    ("SET k x", "lpush k y", ""),
    ("", "publish c m", ""),
];

#[test]
fn every_command_says_what_it_came_to() {
    let mut wrong = Vec::new();
    for (before, command, says) in EXAMPLES {
        let (mut local, client, heard) = start();
        for command in before.split("; ").filter(|command| !command.is_empty()) {
            call(&mut local, client, command);
        }
        heard.take();
        call(&mut local, client, command);
        let line = heard.line();
        if line != *says {
            wrong.push(format!("{command} says {line:?}, not {says:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_that_writes_has_an_example() {
    let table = Table::new(groups());
    let name = |command: &str| {
        let mut words = command.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let full = format!("{name}|{}", words.next().unwrap_or_default());
        if table.named(full.as_bytes()).is_some() { full } else { name }
    };
    let shown: BTreeSet<String> = EXAMPLES.iter().map(|(_, command, _)| name(command)).collect();
    let writes = table.rows().filter(|row| row.has(flag::WRITE | flag::MAY_REPLICATE));
    // They are disabled, say something to clients and change no key, or call commands that say it.
    let silent = ["cluster|flushslot", "publish", "spublish", "eval", "evalsha", "fcall"];
    // Their arguments have spaces: see `changes_of_libraries_are_said_as_they_were_made`.
    let libraries = ["function|delete", "function|flush", "function|load", "function|restore"];
    // Its payload is no text: see `a_value_that_is_restored_is_said_with_its_payload`.
    let payloads = ["restore", "restore-asking"];
    // It needs another server: see `migrate`.
    let servers = ["migrate"];
    let missing: Vec<&str> = writes
        .map(|row| row.full_name.as_str())
        .filter(|name| {
            let elsewhere = [&silent[..], &libraries, &payloads, &servers].concat();
            !shown.contains(*name) && !elsewhere.contains(name)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[cfg(feature = "lua")]
#[test]
fn changes_of_libraries_are_said_as_they_were_made() {
    let (mut local, client, heard) = start();
    let code = |name: &str| {
        let call = format!("function(keys) return redis.call('INCR', keys[1]) + {}", name.len());
        format!("#!lua name={name}\nserver.register_function('in_{name}', {call} end)").into_bytes()
    };
    let (one, two) = (code("one"), code("two"));
    let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
    let [load, restore] = [&b"LOAD"[..], b"RESTORE"];
    let dump = {
        let (mut local, client, _) = start();
        local.call(client, words(&[b"FUNCTION", load, &two]));
        match local.call(client, ["FUNCTION", "DUMP"]) {
            Value::Bulk(payload) => payload,
            other => panic!("{other:?}"),
        }
    };
    for (command, is_said) in [
        (words(&[b"function", load, &one]), true),
        (words(&[b"FUNCTION", load, &one]), false),
        (words(&[b"FUNCTION", load, b"REPLACE", b"#!lua name=one\nerror()"]), false),
        (words(&[b"FUNCTION", load, b"REPLACE", &one]), true),
        (words(&[b"FUNCTION", restore, &dump]), true),
        (words(&[b"FUNCTION", restore, &dump]), false),
        (words(&[b"FUNCTION", b"DELETE", b"two"]), true),
        (words(&[b"FUNCTION", b"DELETE", b"two"]), false),
        (words(&[b"FUNCTION", b"DUMP"]), false),
        (words(&[b"FUNCTION", b"LIST"]), false),
        (words(&[b"FCALL", b"in_two", b"1", b"k"]), false),
        (words(&[b"FUNCTION", b"FLUSH"]), true),
    ] {
        local.call(client, command.clone());
        let said = if is_said { vec![vec![Said { db: 0, words: command }]] } else { Vec::new() };
        assert_eq!(heard.take(), said);
    }
    local.call(client, words(&[b"FUNCTION", load, &one]));
    heard.take();
    local.call(client, ["FCALL", "in_one", "1", "k"]);
    assert_eq!(heard.line(), "INCR k");
}

#[test]
fn a_value_that_is_restored_is_said_with_its_payload() {
    let (mut local, client, heard) = start();
    let payload = b"\x00\x05helloP\x00\xac\x58\x16\xe7\xfb\x66\x47\xfe";
    let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
    for (options, says) in [
        (
            &[&b"0"[..], payload][..],
            &[&b"RESTORE"[..], b"k", b"0", payload, b"REPLACE", b"ABSTTL"][..],
        ),
        (&[b"0", payload], &[]),
        (
            &[b"50", payload, b"REPLACE"],
            &[b"RESTORE", b"k", b"1700000000050", payload, b"REPLACE", b"ABSTTL"],
        ),
        (&[b"0", b"x", b"REPLACE"], &[]),
        (&[b"50", payload, b"REPLACE", b"ABSTTL"], &[b"DEL", b"k"]),
        (&[b"50", payload, b"REPLACE", b"ABSTTL"], &[]),
    ] {
        local.call(client, words(&[&[&b"restore"[..], b"k"], options].concat()));
        let said: Vec<_> = heard.take().into_iter().flatten().map(|said| said.words).collect();
        let expected = if says.is_empty() { Vec::new() } else { vec![words(says)] };
        assert_eq!(said, expected, "{options:?}");
    }
}

#[test]
fn members_that_were_popped_are_said_by_name() {
    let (mut local, client, heard) = start();
    for command in ["SPOP k", "SPOP k 2"] {
        call(&mut local, client, "SADD k a b c d e f g h i j");
        heard.take();
        call(&mut local, client, command);
        let popped = heard.take().remove(0).remove(0).words;
        assert_eq!(popped[..2], [b"SREM".to_vec(), b"k".to_vec()]);
        for member in &popped[2..] {
            let member = String::from_utf8_lossy(member);
            let left = call(&mut local, client, &format!("SISMEMBER k {member}"));
            assert_eq!(left, ":0\r\n", "{command}");
        }
    }
}

#[test]
fn a_pop_that_waited_follows_what_ended_the_wait() {
    for (waits, ends, says) in [
        ("BLPOP a k 0", "RPUSH k x y", "RPUSH k x y / LPOP k"),
        ("BLMOVE k a LEFT LEFT 0", "RPUSH k x", "RPUSH k x / LMOVE k a LEFT LEFT"),
        ("BRPOPLPUSH k a 0", "RPUSH k x", "RPUSH k x / RPOPLPUSH k a"),
        ("BLMPOP 0 1 k RIGHT COUNT 9", "RPUSH k x", "RPUSH k x / RPOP k 1"),
        ("BZPOPMIN k 0", "ZADD k 1 x 2 y", "ZADD k 1 x 2 y / ZPOPMIN k"),
        ("BZMPOP 0 1 k MAX", "ZADD k 1 x 2 y", "ZADD k 1 x 2 y / ZPOPMAX k 1"),
        ("BLPOP k 1", "DEL k", ""),
        (
            "XREADGROUP GROUP g c BLOCK 0 STREAMS stream >",
            "XADD stream 1-1 f v",
            "XADD stream 1-1 f v / \
             XCLAIM stream g c 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID; \
             XGROUP SETID stream g 1-1 ENTRIESREAD 1",
        ),
    ] {
        let (mut local, client, heard) = start();
        let waiter = local.connect();
        call(&mut local, waiter, "SELECT 1");
        call(&mut local, waiter, "SELECT 0");
        call(&mut local, client, "XGROUP CREATE stream g $ MKSTREAM");
        call(&mut local, client, "XGROUP CREATECONSUMER stream g c");
        heard.take();
        send(&mut local, waiter, waits);
        assert_eq!(heard.line(), "", "{waits}");
        call(&mut local, client, ends);
        assert_eq!(heard.line(), says, "{waits}");
        local.advance(Duration::from_secs(2));
        assert_eq!(heard.line(), "", "{waits}");
    }
}

#[test]
fn a_transaction_is_one_batch() {
    let (mut local, client, heard) = start();
    let waiter = local.connect();
    send(&mut local, waiter, "BLPOP l 0");
    for command in [
        "SET k v PX 10",
        "MULTI",
        "SET a 1",
        "GET a",
        "SELECT 3",
        "INCRBYFLOAT b 2",
        "LPUSH b x",
        "SELECT 0",
        "RPUSH l 1 2",
    ] {
        call(&mut local, client, command);
    }
    assert_eq!(heard.line(), "SET k v PXAT 1700000000010");
    call(&mut local, client, "EXEC");
    assert_eq!(heard.line(), "SET a 1; @3 SET b 2 KEEPTTL; RPUSH l 1 2 / LPOP l");
    for command in ["MULTI", "GET a", "EXEC", "MULTI", "SET a 1", "DISCARD", "INCR a"] {
        call(&mut local, client, command);
    }
    assert_eq!(heard.line(), "INCR a");
}

#[test]
fn keys_and_fields_that_expire_are_said_to_be_gone() {
    let (mut local, client, heard) = start();
    for command in [
        "SET a 1 PX 10",
        "SELECT 2",
        "HSETEX h PX 20 FIELDS 2 f 1 g 2",
        "HSET h x 1",
        "SET b 1 PX 10",
        "SET c 1 PX 10",
    ] {
        call(&mut local, client, command);
    }
    heard.take();
    local.advance(Duration::from_millis(10));
    let mut gone = heard.take();
    gone.sort_by_key(|batch| (batch[0].db, batch[0].words.clone()));
    assert!(gone.iter().all(|batch| batch.len() == 1), "{gone:?}");
    let keys: Vec<_> = gone.iter().map(|batch| (batch[0].db, &*batch[0].words[1])).collect();
    assert_eq!(keys, [(0, &b"a"[..]), (2, b"b"), (2, b"c")]);
    local.advance(Duration::from_millis(10));
    let line = heard.line();
    assert!(["@2 HDEL h f g", "@2 HDEL h g f"].contains(&&*line), "{line}");
}

#[test]
fn a_key_that_a_command_finds_gone_is_said_before_it() {
    let (mut local, client, heard) = start();
    call(&mut local, client, "DEBUG SET-ACTIVE-EXPIRE 0");
    for (command, says) in [
        ("GET k", "UNLINK k"),
        ("INCR k", "UNLINK k; INCR k"),
        ("DEL k", "UNLINK k"),
        ("EXPIRE k 9", "UNLINK k"),
        ("RANDOMKEY", "UNLINK k"),
        ("SADD k x", "UNLINK k; SADD k x"),
    ] {
        call(&mut local, client, "SET k 1 PX 5");
        local.advance(Duration::from_millis(5));
        heard.take();
        call(&mut local, client, command);
        assert_eq!(heard.line(), says);
        call(&mut local, client, "DEL k");
    }
    call(&mut local, client, "HSETEX h PX 5 FIELDS 1 f 1");
    local.advance(Duration::from_millis(5));
    heard.take();
    call(&mut local, client, "HINCRBY h f 1");
    assert_eq!(heard.line(), "HDEL h f; HINCRBY h f 1");
}

#[test]
fn keys_that_are_evicted_are_said_to_be_gone() {
    let (mut local, client, heard) = start();
    for n in 0..500 {
        call(&mut local, client, &format!("SET key:{n} {}", "x".repeat(1000)));
    }
    call(&mut local, client, "CONFIG SET maxmemory-policy allkeys-random");
    heard.take();
    call(&mut local, client, "CONFIG SET maxmemory 450kb");
    call(&mut local, client, "SET k v");
    let mut heard = heard.take();
    let set = heard.pop().expect("SET");
    assert_eq!(set[0].words[0], b"SET");
    let evicted = local.engine.world.store.shared.eviction.evicted as usize;
    assert!(evicted > 0 && heard.iter().flatten().count() == evicted);
    assert!(heard.iter().flatten().all(|said| said.words[0] == b"UNLINK"));
}

#[test]
fn what_changes_between_commands_is_no_effect_of_the_next() {
    let (mut local, client, heard) = start();
    call(&mut local, client, "HSETEX h PX 5 FIELDS 1 f 1");
    local.advance(Duration::from_millis(5));
    call(&mut local, client, "GET k");
    assert!(heard.line().ends_with(" / HDEL h f"));
    // An embedder changes a key and says so, or does not.
    let store = &mut local.engine.world.store;
    store.db(0).set_string(b"k", b"v", None);
    store.db(0).changed(b"k");
    store.shared.effects.say(0, "SET", &[b"k", b"v"]);
    call(&mut local, client, "APPEND k w");
    assert_eq!(heard.line(), "SET k v / APPEND k w");
    local.engine.world.store.db(0).changed(b"k");
    call(&mut local, client, "GET k");
    assert_eq!(heard.line(), "");
}

#[test]
fn nothing_is_collected_without_a_listener() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    call(&mut local, client, "SET k v");
    let heard = Heard::from(&mut local);
    call(&mut local, client, "GET k");
    assert_eq!(heard.line(), "");
    call(&mut local, client, "APPEND k v");
    assert_eq!(heard.line(), "APPEND k v");
}

#[cfg(feature = "lua")]
#[test]
fn what_a_script_changes_is_one_batch() {
    let (mut local, client, heard) = start();
    let script = "redis.call('SET', 'a', 1) redis.call('GET', 'a') redis.call('SADD', 's', 'x') \
                  redis.call('SPOP', 's') redis.call('SELECT', 1) redis.call('SET', 'b', 1, 'EX', 10) error('now')";
    local.call(client, ["EVAL", script, "0"]);
    assert_eq!(heard.line(), "SET a 1; SADD s x; UNLINK s; @1 SET b 1 PXAT 1700000010000");
    local.call(client, ["MULTI"]);
    local.call(client, ["EVAL", "redis.call('SET', 'c', 1)", "0"]);
    local.call(client, ["INCR", "c"]);
    local.call(client, ["EXEC"]);
    assert_eq!(heard.line(), "SET c 1; INCR c");
}
