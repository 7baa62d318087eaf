//! Random stores, in which everything happens that can, between the slices of a walk: what is recorded is what there was.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::*;
use crate::Config;
use crate::embed::local::{Connection, Local};
use crate::keyspace::Random;
use crate::keyspace::types::stream::visit_group;

const DATABASES: usize = 4;

/// A key's place at the moment.
type Place = (usize, Vec<u8>);

/// All there is to know of a key, its parts in one line each.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Shown {
    kind: Kind,
    expiry: Option<Millis>,
    parts: Vec<String>,
}

impl Shown {
    /// Parts that come in any order are sorted.
    fn settled(mut self) -> Shown {
        if matches!(self.kind, Kind::Set | Kind::Hash | Kind::Zset) {
            self.parts.sort_unstable();
        }
        self
    }

    fn of(entry: &Entry, value: KeyInfo<'_>) -> Shown {
        let mut parts = Vec::new();
        let _ = value.visit(|part| {
            parts.push(format!("{part:?}"));
            ControlFlow::<()>::Continue(())
        });
        Shown { kind: entry.kind(), expiry: entry.expiry(), parts }.settled()
    }
}

/// What a store has now.
fn contents(store: &Store) -> BTreeMap<Place, Shown> {
    let mut all = BTreeMap::new();
    for (index, database) in store.iter() {
        for entry in database.entries.iter() {
            let value = KeyInfo::at_any_time(entry, &store.shared.eviction);
            all.insert((index, entry.key().to_vec()), Shown::of(entry, value));
        }
    }
    all
}

/// Remembers what it is told.
#[derive(Default)]
struct Memory {
    keys: BTreeMap<Place, Shown>,
    /// What is being told in parts, and how many parts and nodes there should be.
    open: Option<(Place, Shown, Outline)>,
    in_parts: usize,
    waiting: usize,
}

impl Recorder for Memory {
    fn key(&mut self, key: &KeyRecord<'_>, value: KeyInfo<'_>) {
        let mut parts = Vec::new();
        let _ = value.visit(|part| {
            parts.push(format!("{part:?}"));
            ControlFlow::<()>::Continue(())
        });
        assert_eq!(value.expiry(), key.expiry);
        let shown = Shown { kind: value.kind(), expiry: key.expiry, parts };
        let before = self.keys.insert((key.db, key.key.to_vec()), shown.settled());
        assert_eq!(before, None, "twice: {:?}", String::from_utf8_lossy(key.key));
    }

    fn begin(&mut self, key: &KeyRecord<'_>, value: Outline) {
        assert!(self.open.is_none());
        let shown = Shown { kind: value.kind, expiry: key.expiry, parts: Vec::new() };
        self.open = Some(((key.db, key.key.to_vec()), shown, value));
        self.in_parts += 1;
    }

    fn node(&mut self) {
        let (_, _, outline) = self.open.as_mut().unwrap();
        outline.nodes -= 1;
    }

    fn part(&mut self, part: Part<'_>) {
        let (_, shown, outline) = self.open.as_mut().unwrap();
        shown.parts.push(format!("{part:?}"));
        if let Part::Field(field) = part {
            assert!(field.expiry.is_none() || outline.expires);
        }
        if !matches!(part, Part::Counters(_)) {
            outline.parts -= 1;
        }
    }

    fn group(&mut self, group: &Group) {
        let (_, shown, outline) = self.open.as_mut().unwrap();
        outline.groups -= 1;
        let _ = visit_group(group, &mut |part| {
            shown.parts.push(format!("{part:?}"));
            ControlFlow::<()>::Continue(())
        });
    }

    fn end(&mut self) {
        let (place, shown, outline) = self.open.take().unwrap();
        assert_eq!((outline.parts, outline.nodes, outline.groups), (0, 0, 0), "{place:?}");
        assert_eq!(self.keys.insert(place, shown.settled()), None, "twice");
    }

    fn waiting(&self) -> usize {
        self.waiting
    }
}

fn memory_of(recorder: Option<Box<dyn Recorder>>) -> Box<Memory> {
    let recorder: Box<dyn Any> = recorder.expect("a moment was being recorded");
    recorder.downcast().expect("the recorder that it began with")
}

/// Panics if the store says that it holds other than it does, or if there is a trace of a moment.
fn check(store: &mut Store) {
    assert!(store.moment().is_none());
    for database in &store.databases {
        let held: usize = database.entries.iter().map(Entry::memory).sum();
        assert_eq!(database.memory, held);
        assert_eq!(database.entries.line(), 0);
        for entry in database.entries.iter() {
            if let Body::Large(value) = entry.body() {
                assert_eq!((value.id(), value.kept()), (None, 0));
            }
        }
    }
    let all: usize = store.databases.iter().map(Database::memory).sum();
    assert_eq!(store.memory(), all);
    while store.free_some(100) {}
    assert_eq!((store.unfreed(), store.has_unfreed()), (0, false));
}

/// Clients that do at random whatever can be done.
struct Chaos {
    local: Local,
    client: Connection,
    random: Random,
}

impl Chaos {
    fn new(seed: u64) -> Chaos {
        let mut config = Config::default();
        config.databases = DATABASES;
        let mut local = Local::new(config);
        let client = local.connect();
        let mut chaos = Chaos { local, client, random: Random::seeded(seed) };
        // So that lists and streams have many nodes.
        chaos.call("CONFIG SET list-max-listpack-size 16 stream-node-max-entries 10");
        chaos
    }

    fn store(&mut self) -> &mut Store {
        &mut self.local.engine.world.store
    }

    fn call(&mut self, line: &str) -> String {
        let reply = self.local.call(self.client, line.split(' ')).to_string();
        assert!(!reply.contains("syntax") && !reply.contains("unknown"), "{line}: {reply}");
        assert!(!reply.contains("wrong number"), "{line}: {reply}");
        reply
    }

    fn below(&mut self, below: usize) -> usize {
        self.random.below(below)
    }

    /// A number of things that are done at once: mostly few, sometimes so many that a value becomes large.
    fn many(&mut self) -> usize {
        match self.below(10) {
            0 => 300 + self.below(500),
            1..4 => 1 + self.below(60),
            _ => 1 + self.below(3),
        }
    }

    fn key(&mut self, kind: char) -> String {
        let name = if self.below(4) == 0 { "a-long-name-of-a-key" } else { "" };
        format!("{kind}:{name}{}", self.below(4))
    }

    fn any_key(&mut self) -> String {
        let kind = ['s', 'l', 'e', 'z', 'h', 'x'][self.below(6)];
        self.key(kind)
    }

    fn word(&mut self) -> String {
        let long = if self.below(10) == 0 { "-long".repeat(20) } else { String::new() };
        format!("w{}{long}", self.below(900))
    }

    fn words(&mut self, each: impl Fn(&mut Chaos) -> String) -> String {
        let count = self.many();
        (0..count).map(|_| each(self)).collect::<Vec<_>>().join(" ")
    }

    fn step(&mut self) {
        let line = match self.below(30) {
            0..4 => self.string(),
            4..8 => self.list(),
            8..11 => self.set(),
            11..16 => self.zset(),
            16..21 => self.hash(),
            21..25 => self.stream(),
            25..28 => self.any(),
            _ => return self.other(),
        };
        self.call(&line);
    }

    fn string(&mut self) -> String {
        let (key, word, n) = (self.key('s'), self.word(), self.below(1000));
        match self.below(16) {
            0 => format!("SET {} {word}", self.any_key()),
            1 => format!("SET {key} {word} PX {}", 1 + n),
            2 => format!("SET {key} {word} KEEPTTL"),
            3 => format!("APPEND {key} {word}"),
            4 => format!("SETRANGE {key} {n} {word}"),
            5 => format!("SETBIT {key} {n} 1"),
            6 => format!("INCRBY n{key} {n}"),
            7 => format!("INCRBYFLOAT n{key} 1.5"),
            8 => format!("GETEX {key} PX {}", 1 + n),
            9 => format!("GETDEL {key}"),
            10 => format!("MSET {key} {word} {} {n}", self.key('s')),
            11 => format!("BITFIELD {key} SET u8 {n} 7"),
            12 => format!("PFADD p{key} {}", self.words(Chaos::word)),
            13 => format!("GETSET {key} {}", word.repeat(200)),
            14 => format!("SETRANGE {key} {} x", 20_000 + n),
            _ => format!("BITOP NOT {key} {}", self.key('s')),
        }
    }

    fn list(&mut self) -> String {
        let (key, word, n) = (self.key('l'), self.word(), self.below(400));
        match self.below(14) {
            0..3 => format!("RPUSH {key} {}", self.words(Chaos::word)),
            3 => format!("LPUSH {key} {}", self.words(Chaos::word)),
            4 => format!("LPOP {key} {}", self.many()),
            5 => format!("RPOP {key} {}", self.many()),
            6 => format!("LSET {key} {n} {word}"),
            7 => format!("LINSERT {key} BEFORE {word} {n}"),
            8 => format!("LREM {key} {} {word}", n as i64 % 3 - 1),
            9 => format!("LTRIM {key} {} {}", self.below(20), 100 + n),
            10 => format!("LMOVE {key} {} LEFT RIGHT", self.key('l')),
            11 => format!("RPOPLPUSH {key} {key}"),
            12 => format!("LTRIM {key} {n} -1"),
            _ => format!("SORT {key} ALPHA STORE {}", self.key('l')),
        }
    }

    fn set(&mut self) -> String {
        let (key, word) = (self.key('e'), self.word());
        match self.below(8) {
            0..3 => format!("SADD {key} {}", self.words(Chaos::word)),
            3 => format!("SREM {key} {}", self.words(Chaos::word)),
            4 => format!("SPOP {key} {}", self.many()),
            5 => format!("SMOVE {key} {} {word}", self.key('e')),
            6 => format!("SUNIONSTORE {key} {} {}", self.key('e'), self.key('e')),
            _ => format!("SADD {key} {}", self.words(|chaos| chaos.below(5000).to_string())),
        }
    }

    fn zset(&mut self) -> String {
        let (key, word, n) = (self.key('z'), self.word(), self.below(100));
        match self.below(10) {
            0..4 => {
                let pair = |chaos: &mut Chaos| format!("{} {}", chaos.below(30), chaos.word());
                format!("ZADD {key} {}", self.words(pair))
            }
            4 => format!("ZREM {key} {}", self.words(Chaos::word)),
            5 => format!("ZINCRBY {key} {n} {word}"),
            6 => format!("ZPOPMIN {key} {}", self.many()),
            7 => format!("ZREMRANGEBYSCORE {key} {} {}", n % 30, n % 30 + 1),
            8 => format!("ZRANGESTORE {key} {} 0 {}", self.key('z'), 4 * n),
            _ => format!("ZREMRANGEBYRANK {key} {n} {}", n + 5),
        }
    }

    fn hash(&mut self) -> String {
        let (key, word, n) = (self.key('h'), self.word(), self.below(1000));
        match self.below(12) {
            0..4 => {
                let pair = |chaos: &mut Chaos| format!("{} {}", chaos.word(), chaos.word());
                format!("HSET {key} {}", self.words(pair))
            }
            4 => format!("HDEL {key} {}", self.words(Chaos::word)),
            5 => format!("HINCRBY {key} n{} {n}", n % 7),
            6 => format!("HPEXPIRE {key} {} FIELDS 1 {word}", 1 + n),
            7 => format!("HPERSIST {key} FIELDS 1 {word}"),
            8 => format!("HPEXPIRE {key} 0 FIELDS 1 {word}"),
            9 => format!("HSETEX {key} PX {} FIELDS 2 {word} v {} v", 1 + n, self.word()),
            10 => format!("HGETEX {key} PX {} FIELDS 1 {word}", 1 + n),
            _ => format!("HSETNX {key} {word} v"),
        }
    }

    fn stream(&mut self) -> String {
        let (key, n) = (self.key('x'), self.below(100));
        let (group, reader) = (format!("g{}", n % 3), format!("r{}", n % 4));
        match self.below(20) {
            0..3 => {
                for _ in 0..self.many() {
                    let line = format!("XADD {key} * field {}", self.word());
                    self.call(&line);
                }
                format!("XADD {key} * a 1 b 2")
            }
            3 => format!("XTRIM {key} MAXLEN {}", 5 * n),
            4 => format!("XADD {key} MAXLEN ~ {} * f v", 2 * n),
            5 | 6 => self.ids(&key, n).map_or("PING".into(), |ids| format!("XDEL {key} {ids}")),
            7 | 8 => format!("XGROUP CREATE {key} {group} 0 MKSTREAM"),
            9 => format!("XGROUP DESTROY {key} {group}"),
            10 => format!("XGROUP CREATECONSUMER {key} {group} {reader}"),
            11 => format!("XGROUP DELCONSUMER {key} {group} {reader}"),
            12..15 => {
                let count = self.many();
                format!("XREADGROUP GROUP {group} {reader} COUNT {count} STREAMS {key} >")
            }
            15 | 16 => {
                let ids = self.ids(&key, n);
                ids.map_or("PING".into(), |ids| format!("XACK {key} {group} {ids}"))
            }
            17 => format!("XAUTOCLAIM {key} {group} {reader} 0 0 COUNT {n}1"),
            18 => format!("XGROUP SETID {key} {group} {n}-1"),
            _ => format!("XSETID {key} 99999999999999-{n}"),
        }
    }

    /// Ids of some entries of a stream.
    fn ids(&mut self, key: &str, count: usize) -> Option<String> {
        let client = self.client;
        let line = format!("XRANGE {key} - + COUNT {}", 1 + 3 * count);
        let reply = self.local.call(client, line.split(' ')).to_string();
        let ids: Vec<&str> =
            reply.split('"').filter(|word| word.contains('-') && !word.contains('w')).collect();
        let start = self.random.below(ids.len().max(1));
        let ids = &ids[start.min(ids.len())..];
        (!ids.is_empty()).then(|| ids[..ids.len().min(1 + count / 4)].join(" "))
    }

    fn any(&mut self) -> String {
        let (key, name, n) = (self.any_key(), self.any_key(), self.below(2000));
        let db = self.below(DATABASES);
        match self.below(14) {
            0 => format!("DEL {key} {name}"),
            1 => format!("UNLINK {key}"),
            2 | 3 => format!("RENAME {key} {name}"),
            4 => format!("COPY {key} {name} DB {db} REPLACE"),
            5 => format!("COPY {key} {name} REPLACE"),
            6 | 7 => format!("MOVE {key} {db}"),
            8 => format!("PEXPIRE {key} {n}"),
            9 => format!("PERSIST {key}"),
            10 => format!("PEXPIRE {key} -1"),
            11 => format!("SCAN {n} COUNT 7"),
            12 => format!("OBJECT FREQ {key}"),
            _ => "RANDOMKEY".into(),
        }
    }

    fn other(&mut self) {
        let (one, two) = (self.below(DATABASES), self.below(DATABASES));
        match self.below(20) {
            0..5 => _ = self.call(&format!("SELECT {one}")),
            5..8 => _ = self.call(&format!("SWAPDB {one} {two}")),
            8 => _ = self.call("FLUSHDB"),
            9 if one == two => _ = self.call("FLUSHALL"),
            10..14 => {
                let time = 1 + self.below(300) as u64;
                self.local.advance(Duration::from_millis(time));
            }
            14 => {
                self.store().shared.eviction.settings.policy =
                    crate::keyspace::lifetime::evict::Policy::AllkeysRandom;
                (0..1 + two).for_each(|_| _ = self.store().evict_one());
            }
            15 | 16 => self.restore(),
            _ => _ = self.store().free_some(50),
        }
    }

    /// RESTORE in the place of another key.
    fn restore(&mut self) {
        let (key, name) = (self.any_key(), self.any_key());
        let client = self.client;
        self.local.send(client, format!("DUMP {key}\r\n").as_bytes());
        let reply = self.local.received(client);
        if let Some(end) = reply.windows(2).position(|pair| pair == b"\r\n")
            && reply.starts_with(b"$")
            && reply.len() > end + 4
        {
            let payload = &reply[end + 2..reply.len() - 2];
            let args: [&[u8]; 5] = [b"RESTORE", name.as_bytes(), b"0", payload, b"REPLACE"];
            assert_eq!(self.local.call(client, args).to_string(), "OK");
        }
    }
}

/// A store of one key, which the commands have made.
fn with(commands: &[String]) -> Chaos {
    let mut chaos = Chaos::new(1);
    commands.iter().for_each(|line| _ = chaos.call(line));
    chaos
}

fn numbers(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ")
}

/// Records a moment, a slice of which is followed by the commands, and the others by nothing.
fn record_while(chaos: &mut Chaos, commands: &[&str]) {
    let expected = contents(chaos.store());
    chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
    assert!(!chaos.store().record_some(10));
    commands.iter().for_each(|line| _ = chaos.call(line));
    while !chaos.store().record_some(50) {}
    let told = memory_of(chaos.store().end_moment());
    assert_eq!(told.keys, expected);
    check(chaos.store());
}

#[test]
fn a_set_that_becomes_small_again_is_recorded_as_it_was() {
    let mut chaos = with(&[format!("SADD e {}", numbers(0..1000))]);
    record_while(&mut chaos, &["SPOP e 990", "SPOP e 3"]);
    assert_eq!(chaos.call("OBJECT ENCODING e"), "\"listpack\"");
}

#[test]
fn what_is_recorded_is_what_there_was() {
    let mut in_parts = 0;
    let base: u64 = std::env::var("SEED").map_or(0, |s| s.parse().unwrap());
    for seed in base..base + 12 {
        let mut chaos = Chaos::new(seed);
        (0..150).for_each(|_| chaos.step());
        for round in 0..8 {
            (0..chaos.below(60)).for_each(|_| chaos.step());
            let expected = contents(chaos.store());
            chaos.store().begin_moment(Box::new(Memory::default())).unwrap();
            assert_eq!(chaos.store().begin_moment(Box::new(Memory::default())), Err(Busy));
            assert_eq!(chaos.store().moment().unwrap().keys, expected.len());
            let is_given_up = chaos.below(4) == 0;
            let patience = chaos.below(60);
            let slice = [3, 30, 300][chaos.below(3)];
            let mut steps = 0;
            loop {
                (0..chaos.below(8)).for_each(|_| chaos.step());
                let work = chaos.below(slice);
                steps += 1;
                if chaos.store().record_some(work) || is_given_up && steps > patience {
                    break;
                }
            }
            let progress = chaos.store().moment().unwrap();
            let is_over = chaos.store().record_some(0);
            let told = memory_of(chaos.store().end_moment());
            in_parts += told.in_parts;
            if is_over {
                assert_eq!((progress.recorded, progress.kept), (expected.len(), 0));
                assert_eq!(
                    told.keys.keys().collect::<Vec<_>>(),
                    expected.keys().collect::<Vec<_>>()
                );
            }
            for (place, shown) in &told.keys {
                assert_eq!(
                    Some(shown),
                    expected.get(place),
                    "seed {seed}, round {round}: {place:?}"
                );
            }
            check(chaos.store());
        }
    }
    assert!(in_parts > 100, "{in_parts}");
}
