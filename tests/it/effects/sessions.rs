//! Random sessions of many clients, and a mirror: a second server that is told the effects and nothing else.
//!
//! Requests come from the synopses of all commands that touch keys. In half of the sessions the mirror's clock stands
//! still, so that it can lose nothing by itself and every time has to be absolute; in the other half it goes as the
//! first server's does. What both hold in the end, expiries of keys and fields included, is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::config::{Callers, Fsync};
use respd::internals::dispatch::Table;
use respd::internals::dispatch::spec::flag;
use respd::internals::dispatch::synopsis::{self, Argument, Kind};
use respd::internals::embed::groups;
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::keyspace::Random;
use respd::internals::wire::{Value, value};

use super::Heard;

const CLIENTS: usize = 6;
const DATABASES: u64 = 3;
const STEPS: usize = 4_000;

#[test]
fn a_mirror_of_random_sessions_holds_the_same() {
    let mut seen = Seen::default();
    for seed in 0..10 {
        play(seed, STEPS, &mut seen);
    }
    seen.check(10 * STEPS);
}

/// A million steps: `cargo test --test it a_million_steps -- --ignored`. With `RESPD_SEED` it is the one session
/// that something was wrong in, and its whole log.
#[test]
#[ignore = "takes minutes"]
fn a_mirror_holds_the_same_after_a_million_steps() {
    let mut seen = Seen::default();
    if let Ok(seed) = std::env::var("RESPD_SEED") {
        return play(seed.parse().expect("a number"), 20_000, &mut seen);
    }
    for seed in 1000..1050 {
        play(seed, 20_000, &mut seen);
    }
    seen.check(1_000_000);
}

/// How often something has happened.
#[derive(Debug, Default)]
struct Seen {
    steps: usize,
    batches: usize,
    /// Batches of several effects.
    transactions: usize,
    expired: u64,
    expired_fields: u64,
    evicted: u64,
    served: usize,
    /// Effects by the names of their commands.
    effects: BTreeMap<String, usize>,
}

impl Seen {
    /// Little of it would prove little.
    fn check(&self, steps: usize) {
        println!("{self:?}");
        assert!(self.batches > steps / 10, "{self:?}");
        let rare = [self.expired, self.expired_fields, self.evicted];
        let rare = rare.into_iter().min().unwrap_or(0) as usize;
        assert!(rare.min(self.transactions).min(self.served) > steps / 1000, "{self:?}");
        assert!(self.effects.len() > 70, "{self:?}");
    }
}

/// A server whose collections outgrow their compact forms when they have more than so many elements.
fn server(compact: usize, folder: Option<&Folder>) -> Local {
    let mut config = Config { enable_debug_command: Callers::Yes, ..Config::default() };
    if let Some(Folder(path)) = folder {
        config.dir = Some(path.clone());
        config.append_only.enabled = true;
        config.append_only.fsync = Fsync::No;
    }
    let mut local = Local::new(config);
    local.wait_for_disk();
    let client = local.connect();
    for directive in [
        "hash-max-listpack-entries",
        "set-max-intset-entries",
        "set-max-listpack-entries",
        "zset-max-listpack-entries",
    ] {
        local.call(client, ["CONFIG", "SET", directive, &compact.to_string()]);
    }
    local
}

/// A session, of which all that changed is told to a mirror.
fn play(seed: u64, steps: usize, seen: &mut Seen) {
    let mut session = Session::new(seed);
    for step in 1..=steps {
        session.step(seen);
        if step % 2_000 == 0 || step == steps {
            session.compare(seen);
        }
    }
    let shared = &session.local.engine.world.store.shared;
    seen.expired += shared.expired;
    seen.expired_fields += shared.expired_fields;
    seen.evicted += shared.eviction.evicted;
    seen.steps += steps;
    session.restart();
}

/// A folder that goes with the session.
struct Folder(PathBuf);

impl Folder {
    fn new(seed: u64) -> Folder {
        let name = format!("respd-sessions-{}-{seed}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Session {
    local: Local,
    /// Where the server has its log.
    folder: Folder,
    clients: Vec<Connection>,
    /// Is never in a transaction, and never waits.
    admin: Connection,
    heard: Heard,
    mirror: Local,
    player: Connection,
    /// The database that the player has selected.
    selected: usize,
    /// Whether the mirror's clock stands still.
    is_frozen: bool,
    evicts: bool,
    requests: Requests,
    /// The last requests and effects, for when something is wrong.
    log: Vec<String>,
    seed: u64,
}

impl Session {
    fn new(seed: u64) -> Session {
        let folder = Folder::new(seed);
        let mut local = server(6, Some(&folder));
        let heard = Heard::from(&mut local);
        let clients = (0..CLIENTS).map(|_| local.connect()).collect();
        let admin = local.connect();
        // Nothing may depend on the form of a value, as the order in a set does.
        let mut mirror = server(3, None);
        let player = mirror.connect();
        Session {
            local,
            folder,
            clients,
            admin,
            heard,
            mirror,
            player,
            selected: 0,
            is_frozen: seed.is_multiple_of(2),
            evicts: seed % 3 == 1,
            requests: Requests::new(seed),
            log: Vec::new(),
            seed,
        }
    }

    fn step(&mut self, seen: &mut Seen) {
        match self.requests.random.below(100) {
            0..4 => self.advance(),
            4 => self.meddle(),
            _ => {
                let client = self.clients[self.requests.random.below(CLIENTS)];
                self.requests.now = self.local.engine.world.now.wall / 1000;
                let mut input = Vec::new();
                for words in self.requests.some() {
                    self.log.push(format!("{client:?} {}", shown(&words)));
                    input.extend(request(&words));
                }
                self.local.send(client, &input);
            }
        }
        for client in &self.clients {
            self.local.received(*client);
        }
        self.mirror_effects(seen);
    }

    /// Time passes, mostly little.
    fn advance(&mut self) {
        let most = if self.requests.random.below(10) == 0 { 3_000 } else { 60 };
        let time = Duration::from_millis(self.requests.random.below(most) as u64);
        self.log.push(format!("{time:?} pass"));
        self.local.advance(time);
        if !self.is_frozen {
            self.mirror.advance(time);
        }
    }

    /// An operator does something.
    fn meddle(&mut self) {
        let words: Vec<String> = match self.requests.random.below(5) {
            4 => {
                self.rewrite_log();
                return;
            }
            // Only a mirror that expires nothing itself can do without.
            0 if self.is_frozen => {
                let active = self.requests.random.below(2).to_string();
                vec!["DEBUG".into(), "SET-ACTIVE-EXPIRE".into(), active]
            }
            1 if self.evicts => {
                let used = self.local.engine.world.memory().total();
                let most = used.saturating_sub(self.requests.random.below(3000));
                let policies = ["allkeys-random", "volatile-ttl", "allkeys-lru", "volatile-lfu"];
                let policy = policies[self.requests.random.below(4)];
                let words =
                    ["CONFIG", "SET", "maxmemory", &most.to_string(), "maxmemory-policy", policy];
                words.into_iter().map(str::to_owned).collect()
            }
            2 => "CONFIG SET maxmemory 0".split(' ').map(str::to_owned).collect(),
            _ => {
                // A client leaves, if it waits without a timeout too, and another comes.
                let who = self.requests.random.below(CLIENTS);
                self.local.finish(self.clients[who]);
                self.local.received(self.clients[who]);
                self.clients[who] = self.local.connect();
                return;
            }
        };
        self.log.push(shown(&words));
        self.local.call(self.admin, words);
    }

    /// Tells the mirror what was heard. Every effect does what it says.
    fn mirror_effects(&mut self, seen: &mut Seen) {
        for batch in self.heard.take() {
            seen.batches += 1;
            let is_many = batch.len() > 1;
            seen.transactions += usize::from(is_many);
            let mut input = Vec::new();
            if is_many {
                input.extend(request(["MULTI"]));
            }
            for said in &batch {
                if said.db != self.selected {
                    self.selected = said.db;
                    input.extend(request(["SELECT", &said.db.to_string()]));
                }
                self.log.push(format!("    {} {}", said.db, shown(&said.words)));
                let name = String::from_utf8_lossy(&said.words[0]).to_ascii_uppercase();
                let is_pop = ["LPOP", "RPOP", "LMOVE", "RPOPLPUSH", "ZPOPMIN", "ZPOPMAX"];
                seen.served += usize::from(is_pop.contains(&&*name));
                *seen.effects.entry(name).or_default() += 1;
                input.extend(request(&said.words));
            }
            if is_many {
                input.extend(request(["EXEC"]));
            }
            self.mirror.send(self.player, &input);
            let replies = self.mirror.received(self.player);
            let mut rest = &replies[..];
            while let Ok(Some((reply, len))) = value::decode(rest) {
                rest = &rest[len..];
                if is_error(&reply) {
                    panic!("the mirror says {reply} to {batch:?}\n{}", self.tail());
                }
            }
        }
    }

    /// Both hold the same when all that has expired is gone.
    fn compare(&mut self, seen: &mut Seen) {
        self.local.call(self.admin, ["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
        // Looking at the keys evicts none.
        self.local.call(self.admin, ["CONFIG", "SET", "maxmemory", "0"]);
        let now = |local: &Local| local.engine.world.now.mono;
        self.local.advance(Duration::ZERO);
        while self.local.engine.next_deadline().is_some_and(|due| due <= now(&self.local)) {
            self.local.advance(Duration::ZERO);
        }
        self.mirror_effects(seen);
        let [here, there] =
            [&mut self.local, &mut self.mirror].map(|server| contents(server, self.is_frozen));
        self.check(&there, &here, "in the mirror");
        self.reload(&here);
        self.log.clear();
    }

    /// The log is rewritten while the session goes on, in one form or the other.
    fn rewrite_log(&mut self) {
        let form = ["yes", "no"][self.requests.random.below(2)];
        self.local.call(self.admin, ["CONFIG", "SET", "aof-use-rdb-preamble", form]);
        self.log.push(format!("the log is rewritten, {form}"));
        // It may be going on.
        self.local.call(self.admin, ["BGREWRITEAOF"]);
    }

    /// What the log has is what the server holds.
    fn reload(&mut self, here: &Contents) {
        let reply = self.local.call(self.admin, ["DEBUG", "LOADAOF"]);
        assert_eq!(reply.to_string(), "OK", "seed {}", self.seed);
        self.local.advance(Duration::ZERO);
        let there = contents(&mut self.local, self.is_frozen);
        self.check(&there, here, "after DEBUG LOADAOF");
    }

    /// A server that starts with the log holds what this one does.
    fn restart(mut self) {
        let here = contents(&mut self.local, true);
        let now = self.local.engine.world.now.mono;
        drop(std::mem::replace(&mut self.local, server(6, None)));
        self.local = server(6, Some(&self.folder));
        let before = self.local.engine.world.now.mono;
        self.local.advance(Duration::from_micros(now - before));
        while self.local.engine.next_deadline().is_some_and(|due| due <= now) {
            self.local.advance(Duration::ZERO);
        }
        let there = contents(&mut self.local, true);
        self.check(&there, &here, "after a restart");
    }

    fn check(&self, there: &Contents, here: &Contents, when: &str) {
        let all: BTreeSet<_> = here.keys().chain(there.keys()).collect();
        let wrong = all
            .into_iter()
            .filter(|key| here.get(*key) != there.get(*key))
            .map(|key| format!("{key:?}: {:?}, {when} {:?}", here.get(key), there.get(key)));
        let wrong: Vec<_> = wrong.collect();
        assert!(wrong.is_empty(), "{}\nseed {}:\n{}", self.tail(), self.seed, wrong.join("\n"));
    }

    /// The last of what happened.
    fn tail(&self) -> String {
        let most = if std::env::var_os("RESPD_SEED").is_some() { usize::MAX } else { 60 };
        let from = self.log.len().saturating_sub(most);
        self.log[from..].join("\n")
    }
}

fn shown<T: AsRef<[u8]>>(words: &[T]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.as_ref().escape_ascii().to_string()).collect();
    words.join(" ")
}

/// Whether a reply is an error or has one in it.
fn is_error(reply: &Value) -> bool {
    match reply {
        Value::Error(_) => true,
        Value::Array(elements) => elements.iter().any(is_error),
        _ => false,
    }
}

/// The keys of all databases, and what is known of each.
type Contents = BTreeMap<(u64, Vec<u8>), Vec<String>>;

/// All that a server holds: of each key its digest, when it expires, and when its fields do.
fn contents(local: &mut Local, is_frozen: bool) -> Contents {
    let client = local.connect();
    let mut found = BTreeMap::new();
    for db in 0..DATABASES {
        local.call(client, ["SELECT", &db.to_string()]);
        let size = local.call(client, ["DBSIZE"]);
        let Value::Array(keys) = local.call(client, ["KEYS", "*"]) else {
            panic!("no keys");
        };
        assert_eq!(size, Value::Integer(keys.len() as i64), "keys that have expired");
        for key in keys.iter().filter_map(Value::as_bytes) {
            let mut facts = vec![
                local.call(client, [b"TYPE", key]).to_string(),
                local.call(client, [&b"DEBUG"[..], b"DIGEST-VALUE", key]).to_string(),
                local.call(client, [b"PEXPIRETIME", key]).to_string(),
            ];
            if facts[0] == "hash" {
                let Value::Array(mut names) = local.call(client, [b"HKEYS", key]) else {
                    panic!("no fields");
                };
                names.sort_by_key(|name| name.to_string());
                for name in names.iter().filter_map(Value::as_bytes) {
                    let words = [&b"HPEXPIRETIME"[..], key, b"FIELDS", b"1", name];
                    facts.push(local.call(client, words).to_string());
                }
            }
            if facts[0] == "stream" {
                facts.extend(stream_facts(local, client, key, is_frozen));
            }
            found.insert((db, key.to_vec()), facts);
        }
    }
    local.finish(client);
    local.received(client);
    found
}

/// What XINFO tells of a stream, but for its nodes: a server may have packed the entries in others. When a consumer was
/// last seen is no effect. A time that has not come yet is none that entries can have been delivered at, so that a mirror
/// whose clock stands still does not have it.
fn stream_facts(local: &mut Local, client: Connection, key: &[u8], is_frozen: bool) -> Vec<String> {
    let words = [&b"XINFO"[..], b"STREAM", key, b"FULL", b"COUNT", b"0"];
    let Value::Array(facts) = local.call(client, words) else {
        panic!("no facts");
    };
    let is_of_nodes =
        |fact: &&[Value]| fact[0].as_bytes().is_some_and(|name| name.starts_with(b"radix-tree"));
    let facts = facts.chunks(2).filter(|fact| !is_of_nodes(fact));
    facts.map(|fact| without_times(&fact[1], is_frozen).to_string()).collect()
}

/// The times when consumers were seen are left out, or all times.
fn without_times(value: &Value, leaves_out_all: bool) -> Value {
    const SOME_TIME_AGO: i64 = 1_000_000_000_000;
    let Value::Array(elements) = value else {
        return match value {
            Value::Integer(time) if leaves_out_all && *time > SOME_TIME_AGO => Value::Null,
            other => other.clone(),
        };
    };
    let is_seen = |at: usize| {
        let name = at.checked_sub(1).and_then(|at| elements[at].as_bytes());
        matches!(name, Some(b"seen-time" | b"active-time"))
    };
    let left_out =
        |(at, element): (usize, &Value)| without_times(element, leaves_out_all || is_seen(at));
    Value::Array(elements.iter().enumerate().map(left_out).collect())
}

/// Makes requests at random.
struct Requests {
    random: Random,
    /// The commands, their groups and their arguments.
    commands: Vec<(String, &'static str, Vec<Argument>)>,
    /// In ms after 1970.
    now: u64,
}

impl Requests {
    fn new(seed: u64) -> Requests {
        let table = Table::new(groups());
        let rows = table.rows().filter(|row| {
            let name = row.full_name.as_str();
            let is_rare = ["flushall", "flushdb", "pfdebug", "cluster|flushslot"].contains(&name);
            row.has(flag::WRITE) && !is_rare
                || ["pfcount", "get", "hgetall", "randomkey", "exists", "hget"].contains(&name)
        });
        let commands = rows.map(|row| {
            let arguments = synopsis::parse(row.spec.synopsis).expect("a synopsis");
            (row.full_name.to_ascii_uppercase(), row.group, arguments)
        });
        let commands = commands.collect();
        Requests { random: Random::seeded(seed), commands, now: 0 }
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.random.below(one_in) == 0
    }

    fn one_of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.random.below(words.len())]
    }

    /// What a client sends: one request, mostly, or a transaction.
    fn some(&mut self) -> Vec<Vec<String>> {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
        match self.random.below(400) {
            0..16 => {
                let end = if self.chance(8) { "DISCARD" } else { "EXEC" };
                let many = 1 + self.random.below(6);
                let mut requests = vec![words("MULTI")];
                requests.extend((0..many).map(|_| self.data()));
                requests.push(words(end));
                requests
            }
            16 => vec![words("FLUSHDB")],
            17 if self.chance(6) => vec![words("FLUSHALL")],
            18..24 => vec![words(&format!("SELECT {}", self.random.below(DATABASES as usize)))],
            24..30 => vec![vec!["WATCH".to_owned(), self.key("string")]],
            _ => vec![self.data()],
        }
    }

    /// A request about keys. Of those that make some there are more.
    fn data(&mut self) -> Vec<String> {
        if self.chance(300) {
            // All members weigh the same.
            let words = ["SORT", &self.key("set"), "BY", "w*", "ALPHA", "STORE", &self.key("list")];
            return words.map(str::to_owned).to_vec();
        }
        if self.chance(8) {
            return self.about_a_group();
        }
        let makers =
            ["SET", "HSET", "HSETEX", "RPUSH", "LPUSH", "SADD", "ZADD", "GEOADD", "SETEX", "XADD"];
        let maker = if self.chance(3) { self.one_of(&makers) } else { "" };
        let named = self.commands.iter().position(|(name, ..)| name == maker);
        let index = named.unwrap_or_else(|| self.random.below(self.commands.len()));
        let (name, group, arguments) = self.commands[index].clone();
        let mut words: Vec<String> = name.split('|').map(str::to_owned).collect();
        self.push_all(&arguments, group, &mut words);
        words
    }

    fn push_all(&mut self, arguments: &[Argument], group: &str, words: &mut Vec<String>) {
        // A number of keys or fields is filled in when these have been written.
        let mut number = None;
        for argument in arguments {
            if argument.optional && !self.chance(3) {
                continue;
            }
            if matches!(&*argument.name, "numkeys" | "numfields" | "num-vertices" | "numids") {
                number = Some(words.len());
            }
            let many = if argument.multiple { 1 + self.random.below(4) } else { 1 };
            let before = words.len();
            for n in 0..many {
                if let Some(token) = argument.token.filter(|_| n == 0 || argument.multiple_token) {
                    words.push(token.to_owned());
                }
                self.push(argument, group, words);
            }
            if let Some(at) = number.filter(|&at| at < before) {
                words[at] = many.to_string();
                number = None;
            }
        }
    }

    fn push(&mut self, argument: &Argument, group: &str, words: &mut Vec<String>) {
        match argument.kind {
            Kind::PureToken => {}
            Kind::Block => self.push_all(&argument.arguments, group, words),
            Kind::OneOf => {
                let chosen = &argument.arguments[self.random.below(argument.arguments.len())];
                words.extend(chosen.token.map(str::to_owned));
                self.push(chosen, group, words);
            }
            Kind::Key => words.push(self.key(group)),
            _ => words.push(self.value(argument)),
        }
    }

    /// The name of a key, mostly one that holds what the group is about.
    fn key(&mut self, group: &str) -> String {
        let groups = [
            "string",
            "bitmap",
            "hyperloglog",
            "hash",
            "list",
            "set",
            "sorted-set",
            "geo",
            "stream",
        ];
        let group = match group {
            group if groups.contains(&group) && !self.chance(60) => group,
            _ => self.one_of(&groups),
        };
        format!("{group}:{}", self.random.below(3))
    }

    /// A request about a group of a stream, which finds some of what is there.
    fn about_a_group(&mut self) -> Vec<String> {
        let (key, group) = ("stream:0", self.one_of(&["g", "g", "h"]));
        let consumer = self.one_of(&["c", "d"]);
        let line = match self.random.below(9) {
            0 => format!("XGROUP CREATE {key} {group} 0 MKSTREAM"),
            1 => format!("XADD {key} * f {}", self.random.below(9)),
            2 => format!("XREADGROUP GROUP {group} {consumer} COUNT 3 STREAMS {key} 0"),
            3 => format!("XREADGROUP GROUP {group} {consumer} BLOCK 50 NOACK STREAMS {key} >"),
            4 => format!("XREADGROUP GROUP {group} {consumer} BLOCK 90 STREAMS {key} >"),
            5 => format!("XREADGROUP GROUP {group} {consumer} COUNT 2 STREAMS {key} >"),
            6 => format!("XAUTOCLAIM {key} {group} {consumer} 20 - COUNT 2"),
            // Some ids of the last moments are those of entries.
            7 => format!("XACK {key} {group}{}", self.last_ids()),
            _ => format!("XCLAIM {key} {group} {consumer} 0{} FORCE", self.last_ids()),
        };
        line.split(' ').map(str::to_owned).collect()
    }

    fn last_ids(&mut self) -> String {
        let one_in = 1 + self.random.below(9) as u64;
        let ids = (0..40).filter(|ms: &u64| ms.is_multiple_of(one_in));
        ids.map(|ms| format!(" {}-0", self.now - ms)).collect()
    }

    /// An id of an entry, or of one that may be added; as a threshold it may also be a length.
    fn stream_id(&mut self) -> String {
        match self.random.below(8) {
            0 => self.one_of(&["$", "+", "-", "0-0", "0-1", "3", ">", ">"]).to_owned(),
            1 | 2 => self.random.below(6).to_string(),
            3 => format!("{}-*", self.now),
            4 => format!("{}-{}", self.now + 1, self.random.below(4)),
            5 => format!("{}-{}", self.now - self.random.below(40) as u64, self.random.below(3)),
            _ => format!("{}-{}", self.now, self.random.below(3)),
        }
    }

    fn value(&mut self, argument: &Argument) -> String {
        let below = |random: &mut Random, n: usize| random.below(n) as i64;
        let random = &mut self.random;
        match (&*argument.name, argument.kind) {
            ("seconds", _) => (below(random, 12) - 1).to_string(),
            ("milliseconds", _) => (below(random, 400) - 5).to_string(),
            ("unix-time-seconds", _) => (self.now as i64 / 1000 + below(random, 5) - 1).to_string(),
            ("unix-time-milliseconds", _) => {
                (self.now as i64 + below(random, 500) - 30).to_string()
            }
            ("db" | "destination-db" | "index1" | "index2", _) => {
                below(random, DATABASES as usize).to_string()
            }
            ("offset", _) => below(random, 40).to_string(),
            ("count", _) => (below(random, 6) - 1).to_string(),
            ("timeout", _) => match below(random, 20) {
                0 => "0".to_owned(),
                _ => self.one_of(&["0.01", "0.05", "0.2", "1"]).to_owned(),
            },
            ("id" | "start" | "end" | "threshold" | "last-id" | "max-deleted-id", _) => {
                self.stream_id()
            }
            ("group", _) => self.one_of(&["g", "h"]).to_owned(),
            ("consumer", _) => self.one_of(&["c", "d", "e"]).to_owned(),
            ("min-idle-time", _) => self.one_of(&["0", "0", "30"]).to_owned(),
            // A compact sorted set, as the listpack of the reference, does not keep the sign of a zero.
            ("weight", _) => self.one_of(&["0.5", "1", "3"]).to_owned(),
            ("encoding", _) => self.one_of(&["u8", "i5", "u2", "i16"]).to_owned(),
            ("longitude" | "latitude", _) => format!("{}.{}", below(random, 5), below(random, 3)),
            ("radius" | "width" | "height", _) => (100 + below(random, 400)).to_string(),
            ("min" | "max", _) => {
                self.one_of(&["-", "+", "-inf", "+inf", "(1", "2", "[b"]).to_owned()
            }
            (_, Kind::Pattern) => {
                self.one_of(&["string:*", "nosort", "hash:*->f", "#", "w*"]).to_owned()
            }
            (_, Kind::Integer) => (below(random, 12) - 3).to_string(),
            (_, Kind::Double) => format!("{}", below(random, 40) as f64 / 8.0 - 1.0),
            _ => self
                .one_of(&["0", "1", "2", "17", "-5", "1.5", "a", "b", "c", "f", "word"])
                .to_owned(),
        }
    }
}
