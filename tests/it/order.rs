//! The order that must hold, whatever clients do at the same time:
//!
//! 1. exactly one reply for each command, in the order of the commands;
//! 2. no push between the first and last byte of a reply; what a client's own command causes follows its
//!    reply, or the whole reply to EXEC;
//! 3. an invalidation comes before the reply to any later command: no cache is ever stale;
//! 4. CLIENT REPLY OFF and SKIP take back replies, never pushes;
//! 5. every subscriber gets the same keyspace events in the same order and in the turn in which they happen,
//!    its own commands' and those of the clients that they serve included.
//!
//! Players send commands at random. What each is owed is known when it sends a command; what it gets is
//! held against that. In the end all leave, and no index of the server may know any of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::keyspace::Random;
use respd::internals::peer::{Kind, Peer};
use respd::internals::wire::{Value, value};

const PLAYERS: usize = 6;
const KEYS: [&str; 4] = ["k0", "k1", "k2", "k3"];
const CHANNELS: [&str; 3] = ["c0", "c1", "c2"];
/// Channels that only the server publishes to.
const EVENTS: [&str; 5] = [
    "__keyevent@0__:set",
    "__keyevent@0__:lpop",
    "__keyevent@0__:rpush",
    "__keyevent@0__:expired",
    "__keyevent@0__:del",
];

// ANCHOR: million
#[test]
fn the_order_holds_for_a_million_steps() {
    let mut seen = Seen::default();
    for seed in 0..20 {
        let mut game = Game::new(seed);
        for _ in 0..50_000 {
            game.step();
        }
        seen.add(&game.seen);
        game.end();
    }
    // Little of it would prove little.
    let Seen { replies, silences, messages, events, invalidations, .. } = seen;
    let Seen { transactions, refused, waits, .. } = seen;
    let rare = [silences, messages, events, invalidations, transactions, refused, waits];
    let rare = rare.into_iter().min();
    assert!(replies > 500_000 && rare > Some(1_000), "{seen:?}");
}
// ANCHOR_END: million

/// How often something has happened.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    replies: usize,
    /// Commands that CLIENT REPLY left without one.
    silences: usize,
    messages: usize,
    /// Keyspace events that subscribers got.
    events: usize,
    invalidations: usize,
    /// EXEC that ran, and EXEC that found a watched key changed.
    transactions: usize,
    refused: usize,
    /// Steps after which somebody waited.
    waits: usize,
}

impl Seen {
    fn add(&mut self, more: &Seen) {
        self.replies += more.replies;
        self.silences += more.silences;
        self.messages += more.messages;
        self.events += more.events;
        self.invalidations += more.invalidations;
        self.transactions += more.transactions;
        self.refused += more.refused;
        self.waits += more.waits;
    }
}

// ANCHOR: owed
/// What a player is owed for a command.
#[derive(Debug)]
enum Owed {
    /// This text, alone or behind a `pong`.
    Pong(String),
    /// The value of a key.
    Value(&'static str),
    /// How many have received the message with this text.
    Receivers(String),
    /// That a subscription has begun or ended.
    Confirmation(&'static str),
    /// OK, and the event of this key, which no other command changes.
    Event(String),
    /// That this key has been changed: whatever the player has of it is gone before its next reply.
    Write(&'static str),
    Queued,
    /// What the queued commands are owed, or null: a watched key has changed.
    Transaction(Vec<Owed>),
    /// OK, and that keys are tracked from now on, or not.
    Tracking(bool),
    Reset,
    Anything,
}
// ANCHOR_END: owed

struct Player {
    connection: Connection,
    id: u64,
    /// What it has written and not sent.
    outgoing: Vec<u8>,
    is_resp3: bool,
    is_off: bool,
    skips: bool,
    /// What the commands since MULTI are owed.
    queue: Option<Vec<Owed>>,
    channels: HashSet<&'static str>,
    has_pattern: bool,
    /// The channels of keyspace events that it has been told it subscribes to.
    events: HashSet<&'static str>,
    /// Those have changed in this step, or it has come in it.
    is_new_to_events: bool,
    /// The keyspace events that it got in this step: channel and key.
    heard: Vec<(Vec<u8>, Vec<u8>)>,
    owed: VecDeque<Owed>,
    /// Replies that it has been owed since it came, and that have come.
    debts: usize,
    paid: usize,
    /// The messages that it published or caused itself, and how many replies have to come before each.
    own: HashMap<String, usize>,
    tracks: bool,
    cache: HashMap<&'static str, Value>,
    /// What it has changed by the commands of the last reply.
    changed: Vec<&'static str>,
    seen: Seen,
}

impl Player {
    fn new(local: &mut Local) -> Player {
        let connection = local.connect();
        let id = local.engine.world.clients.iter().last().expect("a client").id;
        Player {
            connection,
            id,
            outgoing: Vec::new(),
            is_resp3: false,
            is_off: false,
            skips: false,
            queue: None,
            channels: HashSet::new(),
            has_pattern: false,
            events: HashSet::new(),
            is_new_to_events: true,
            heard: Vec::new(),
            owed: VecDeque::new(),
            debts: 0,
            paid: 0,
            own: HashMap::new(),
            tracks: false,
            cache: HashMap::new(),
            changed: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn is_silent(&self) -> bool {
        self.is_off || self.skips
    }

    /// Whether it listens in RESP2, where hardly any command is allowed.
    fn is_listener(&self) -> bool {
        !self.is_resp3 && (!self.channels.is_empty() || self.has_pattern)
    }

    /// The player is owed this for a command that may be queued.
    fn owe(&mut self, owed: Owed) {
        match &mut self.queue {
            Some(queue) => {
                queue.push(owed);
                self.owe_at_once(Owed::Queued);
            }
            None => self.owe_at_once(owed),
        }
    }

    fn owe_at_once(&mut self, owed: Owed) {
        if self.is_off || std::mem::take(&mut self.skips) {
            self.seen.silences += 1;
            return;
        }
        self.debts += 1;
        match &owed {
            Owed::Receivers(text) | Owed::Event(text) => {
                self.own.insert(text.clone(), self.debts);
            }
            Owed::Transaction(queue) => {
                let texts = queue.iter().filter_map(|owed| match owed {
                    Owed::Receivers(text) | Owed::Event(text) => Some(text.clone()),
                    _ => None,
                });
                self.own.extend(texts.map(|text| (text, self.debts)));
            }
            _ => {}
        }
        self.owed.push_back(owed);
    }

    /// Holds a reply against what is owed. Notes how many receivers a message has had.
    fn check(&mut self, owed: Owed, reply: Value, promised: &mut HashMap<String, i64>) {
        assert!(!has_push_inside(&reply), "a push in {reply:?}");
        match (owed, reply) {
            (Owed::Pong(text), reply) => {
                let pong = match &reply {
                    Value::Array(words) if is_word(&words[0], "pong") => &words[1],
                    word => word,
                };
                assert!(is_word(pong, &text), "{reply:?} instead of {text}");
            }
            (Owed::Value(key), value) if self.tracks => {
                // What it reads behind its own change, in a transaction, is new.
                self.changed.retain(|&changed| changed != key);
                self.cache.insert(key, value);
            }
            (Owed::Receivers(text), Value::Integer(count)) => drop(promised.insert(text, count)),
            (Owed::Confirmation(kind), Value::Array(words) | Value::Push(words)) => {
                assert!(is_word(&words[0], kind), "{words:?} instead of {kind}");
                if let Some(channel) = EVENTS.iter().find(|channel| is_word(&words[1], channel)) {
                    self.is_new_to_events = true;
                    match kind {
                        "subscribe" => self.events.insert(channel),
                        _ => self.events.remove(channel),
                    };
                }
            }
            (Owed::Queued, reply) => assert_eq!(reply, Value::Status(b"QUEUED".to_vec())),
            (Owed::Transaction(queue), Value::Array(replies)) => {
                assert_eq!(queue.len(), replies.len());
                self.seen.transactions += 1;
                for (owed, reply) in queue.into_iter().zip(replies) {
                    self.check(owed, reply, promised);
                }
            }
            (Owed::Transaction(_), reply) => {
                assert!(reply.is_null(), "{reply:?} for EXEC");
                self.seen.refused += 1;
            }
            (Owed::Tracking(tracks), Value::Status(_)) => {
                self.tracks = tracks;
                self.cache.clear();
            }
            (Owed::Reset, reply) => {
                assert_eq!(reply, Value::Status(b"RESET".to_vec()));
                self.is_new_to_events = true;
                self.events.clear();
                self.tracks = false;
                self.cache.clear();
            }
            (Owed::Receivers(_) | Owed::Confirmation(_) | Owed::Tracking(_), reply) => {
                assert!(matches!(reply, Value::Error(_)), "{reply:?}");
            }
            (Owed::Write(key), reply) => {
                self.changed.extend((!matches!(reply, Value::Error(_))).then_some(key));
            }
            (Owed::Value(_) | Owed::Event(_) | Owed::Anything, _) => {}
        }
    }
}

fn is_word(value: &Value, word: &str) -> bool {
    matches!(value, Value::Bulk(text) | Value::Status(text) if text == word.as_bytes())
}

/// Whether something that is only pushed stands in a reply.
fn has_push_inside(reply: &Value) -> bool {
    let elements = match reply {
        Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => elements,
        _ => return false,
    };
    let is_push = |value: &Value| matches!(value, Value::Push(_)) || message(value).is_some();
    elements.iter().any(|element| is_push(element) || has_push_inside(element))
}

/// The words of a message that was published, if this is one.
fn message(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(words) | Value::Push(words)
            if words.len() > 2
                && (is_word(&words[0], "message") || is_word(&words[0], "pmessage")) =>
        {
            Some(words)
        }
        _ => None,
    }
}

/// The channel and the key of a keyspace event, if this is one.
fn event(value: &Value) -> Option<(&[u8], &[u8])> {
    let [.., channel, key] = message(value)? else {
        return None;
    };
    let channel = channel.as_bytes().filter(|channel| channel.starts_with(b"__keyevent"))?;
    Some((channel, key.as_bytes()?))
}

struct Game {
    local: Local,
    random: Random,
    players: Vec<Player>,
    /// Sees what keys really hold, paused or not.
    observer: Connection,
    /// Subscribes to all keyspace events, and sends nothing.
    witness: Connection,
    /// How many commands there were.
    commands: usize,
    /// How many players each message of this step has reached, and should have.
    received: HashMap<String, i64>,
    promised: HashMap<String, i64>,
    seen: Seen,
}

impl Game {
    fn new(seed: u64) -> Game {
        let mut local = Local::new(Config::default());
        let admin = Peer { kind: Kind::Admin, ..Peer::local() };
        let observer = local.try_connect(admin).expect("room");
        local.call(observer, ["HELLO", "3"]);
        local.call(observer, ["CONFIG", "SET", "notify-keyspace-events", "KEA"]);
        let witness = local.connect();
        local.call(witness, ["PSUBSCRIBE", "__keyevent@0__:*"]);
        let players = (0..PLAYERS).map(|_| Player::new(&mut local)).collect();
        Game {
            local,
            random: Random::seeded(seed),
            players,
            observer,
            witness,
            commands: 0,
            received: HashMap::new(),
            promised: HashMap::new(),
            seen: Seen::default(),
        }
    }

    /// A player sends a command, or somebody leaves and another comes, or time passes.
    fn step(&mut self) {
        let who = self.random.below(PLAYERS);
        match self.random.below(200) {
            0..8 => self.local.advance(Duration::from_millis(self.random.below(30) as u64)),
            8 => self.replace(who),
            _ => {
                self.command(who);
                self.send(who);
            }
        }
        self.listen();
        self.seen.waits += usize::from(!self.local.engine.world.waiters.is_empty());
        for player in &mut self.players {
            self.seen.add(&std::mem::take(&mut player.seen));
        }
        if self.random.below(8) == 0 {
            self.look();
        }
    }

    fn replace(&mut self, who: usize) {
        let player = &self.players[who];
        match self.random.below(2) {
            0 => self.local.finish(player.connection),
            _ => {
                let id = player.id.to_string();
                let killed = self.local.call(self.observer, ["CLIENT", "KILL", "ID", &id]);
                assert_eq!(killed, Value::Integer(1));
            }
        }
        self.local.received(self.players[who].connection);
        self.players[who] = Player::new(&mut self.local);
    }

    /// Writes a command, and what it is owed.
    fn command(&mut self, who: usize) {
        self.commands += 1;
        let tag = format!("m{}", self.commands);
        let key = KEYS[self.random.below(KEYS.len())];
        let channel = CHANNELS[self.random.below(CHANNELS.len())];
        let topic = match self.random.below(2) {
            0 => channel,
            _ => EVENTS[self.random.below(EVENTS.len())],
        };
        let variant = self.random.below(4);
        let choice = self.random.below(100);
        let player = &mut self.players[who];
        let (is_plain, is_listener) = (player.queue.is_none(), player.is_listener());
        let may_subscribe = is_plain && !player.is_silent();
        let words: Vec<&str> = match choice {
            0..12 => {
                player.owe(Owed::Pong(tag.clone()));
                vec!["PING", &tag]
            }
            12..17 if may_subscribe => {
                player.channels.insert(topic);
                player.owe(Owed::Confirmation("subscribe"));
                vec!["SUBSCRIBE", topic]
            }
            17..24 if may_subscribe => {
                player.channels.remove(topic);
                player.owe(Owed::Confirmation("unsubscribe"));
                vec!["UNSUBSCRIBE", topic]
            }
            24..26 if may_subscribe => {
                player.has_pattern = true;
                player.owe(Owed::Confirmation("psubscribe"));
                vec!["PSUBSCRIBE", "c*"]
            }
            26..29 if may_subscribe => {
                player.has_pattern = false;
                player.owe(Owed::Confirmation("punsubscribe"));
                vec!["PUNSUBSCRIBE", "c*"]
            }
            29 if !player.skips => {
                // It is answered even if replies are off.
                player.queue = None;
                player.channels.clear();
                (player.has_pattern, player.is_off) = (false, false);
                player.is_resp3 = false;
                player.owe(Owed::Reset);
                vec!["RESET"]
            }
            _ if is_listener => {
                player.owe(Owed::Anything);
                vec!["GET", key]
            }
            30 => {
                player.owe(Owed::Event(tag.clone()));
                vec!["SET", &tag, "", "PX", "50"]
            }
            31..38 => {
                player.owe(Owed::Write(key));
                vec!["SET", key, &tag]
            }
            38..50 => {
                player.owe(Owed::Value(key));
                vec!["GET", key]
            }
            50..52 => {
                player.owe(Owed::Anything);
                vec!["DEL", key]
            }
            52..54 => {
                player.owe(Owed::Anything);
                vec!["SET", key, &tag, "PX", "10"]
            }
            54..62 => {
                player.owe(Owed::Receivers(tag.clone()));
                vec!["PUBLISH", channel, &tag]
            }
            62..66 => {
                player.owe(Owed::Anything);
                vec![["RPUSH", "LPUSH"][variant % 2], ["l0", "l1"][variant / 2], &tag]
            }
            66..68 => {
                player.owe(Owed::Anything);
                vec!["BLPOP", "l0", "l1", "0.02"]
            }
            68..70 => {
                player.owe(Owed::Anything);
                vec!["BLMOVE", "l0", "l1", "LEFT", "RIGHT", "0.02"]
            }
            70..75 if is_plain => {
                player.owe_at_once(Owed::Anything);
                player.queue = Some(Vec::new());
                vec!["MULTI"]
            }
            70..80 => {
                let owed = player.queue.take().map_or(Owed::Anything, Owed::Transaction);
                player.owe_at_once(owed);
                vec!["EXEC"]
            }
            80 => {
                player.queue = None;
                player.owe_at_once(Owed::Anything);
                vec!["DISCARD"]
            }
            81..83 if is_plain => {
                player.owe(Owed::Anything);
                vec!["WATCH", key]
            }
            83..87 if is_plain && variant > 1 => {
                player.is_resp3 = true;
                player.owe(Owed::Anything);
                vec!["HELLO", "3"]
            }
            84..91 if may_subscribe && player.is_resp3 => {
                let tracks = variant > 0;
                player.owe(Owed::Tracking(tracks));
                match variant {
                    0 => vec!["CLIENT", "TRACKING", "OFF"],
                    1 => vec!["CLIENT", "TRACKING", "ON", "BCAST"],
                    _ => vec!["CLIENT", "TRACKING", "ON"],
                }
            }
            91 if is_plain => {
                player.is_off = true;
                vec!["CLIENT", "REPLY", "OFF"]
            }
            92..95 if is_plain => {
                (player.is_off, player.skips) = (false, false);
                player.owe(Owed::Anything);
                vec!["CLIENT", "REPLY", "ON"]
            }
            95 if is_plain => {
                player.skips = !player.is_off;
                vec!["CLIENT", "REPLY", "SKIP"]
            }
            96 if is_plain && variant == 0 => {
                player.owe(Owed::Anything);
                vec!["CLIENT", "PAUSE", "15", ["WRITE", "ALL"][self.commands % 2]]
            }
            97 if is_plain => {
                player.owe(Owed::Anything);
                vec!["CLIENT", "UNPAUSE"]
            }
            98 => {
                player.owe(Owed::Anything);
                vec!["FLUSHALL"]
            }
            _ => {
                player.owe(Owed::Anything);
                vec!["INCR", "l0"]
            }
        };
        player.outgoing.extend(request(words));
    }

    /// Sends what the player has written: all, a part, or nothing yet.
    fn send(&mut self, who: usize) {
        let player = &mut self.players[who];
        let all = player.outgoing.len();
        let part = match self.random.below(10) {
            0 => 0,
            1 => self.random.below(all + 1),
            _ => all,
        };
        let sent: Vec<u8> = player.outgoing.drain(..part).collect();
        self.local.send(player.connection, &sent);
    }

    /// Reads until nobody is told anything more.
    fn listen(&mut self) {
        let mut is_quiet = false;
        while !is_quiet {
            is_quiet = true;
            for who in 0..PLAYERS {
                let bytes = self.local.received(self.players[who].connection);
                is_quiet &= bytes.is_empty();
                self.hear(who, &bytes);
            }
        }
        self.compare_events();
        for (text, promised) in self.promised.drain() {
            let received = self.received.get(&text).copied().unwrap_or(0);
            assert_eq!(received, promised, "players that got {text}");
        }
        self.received.clear();
    }

    fn hear(&mut self, who: usize, mut bytes: &[u8]) {
        let player = &mut self.players[who];
        while let Some((value, len)) = value::decode(bytes).expect("replies are well formed") {
            bytes = &bytes[len..];
            if let Some((channel, key)) = event(&value) {
                let text = String::from_utf8_lossy(key);
                if channel.ends_with(b":set")
                    && let Some(&debts) = player.own.get(&*text)
                {
                    assert!(player.paid >= debts, "the event of {text} came before the reply");
                }
                player.heard.push((channel.to_vec(), key.to_vec()));
                player.seen.events += 1;
            } else if let Some(words) = message(&value) {
                let text = words.last().and_then(Value::as_bytes).expect("a text");
                let text = String::from_utf8(text.to_vec()).expect("a tag");
                if let Some(&debts) = player.own.get(&text) {
                    assert!(player.paid >= debts, "{text} came before the reply to its PUBLISH");
                }
                *self.received.entry(text).or_default() += 1;
                player.seen.messages += 1;
            } else if let Value::Push(words) = &value
                && is_word(&words[0], "invalidate")
            {
                player.seen.invalidations += 1;
                match &words[1] {
                    Value::Array(keys) => player
                        .cache
                        .retain(|cached, _| !keys.iter().any(|key| is_word(key, cached))),
                    _ => player.cache.clear(),
                }
            } else {
                let owed = player.owed.pop_front();
                let owed = owed.unwrap_or_else(|| panic!("nothing was owed, but came {value:?}"));
                player.paid += 1;
                player.seen.replies += 1;
                for key in std::mem::take(&mut player.changed) {
                    let kept = player.cache.get(key);
                    assert_eq!(kept, None, "client {} has changed {key} itself", player.id);
                }
                player.check(owed, value, &mut self.promised);
            }
        }
        assert!(bytes.is_empty(), "a part of a reply: {}", bytes.escape_ascii());
    }

    /// Every subscriber has heard in this step what the witness has.
    fn compare_events(&mut self) {
        let bytes = self.local.received(self.witness);
        let mut bytes = &bytes[..];
        let mut witnessed = Vec::new();
        while let Some((value, len)) = value::decode(bytes).expect("events are well formed") {
            bytes = &bytes[len..];
            let (channel, key) = event(&value).expect("an event");
            witnessed.push((channel.to_vec(), key.to_vec()));
        }
        for player in &mut self.players {
            let heard = std::mem::take(&mut player.heard);
            if !std::mem::take(&mut player.is_new_to_events) {
                let is_subscribed =
                    |channel: &[u8]| player.events.iter().any(|known| known.as_bytes() == channel);
                let expected = witnessed.iter().filter(|(channel, _)| is_subscribed(channel));
                assert!(heard.iter().eq(expected), "client {} has heard {heard:?}", player.id);
            }
        }
    }

    /// Whatever is cached is what the keys hold.
    fn look(&mut self) {
        let request = ["MGET"].into_iter().chain(KEYS);
        let Value::Array(values) = self.local.call(self.observer, request) else {
            panic!("no values");
        };
        self.listen();
        for player in &self.players {
            for (key, value) in KEYS.iter().zip(&values) {
                if let Some(cached) = player.cache.get(key) {
                    assert_eq!(cached, value, "client {} has {key}", player.id);
                }
            }
        }
    }

    /// Everybody gets what is still owed, and leaves.
    fn end(mut self) {
        for player in &mut self.players {
            player.queue = None;
            let sent = std::mem::take(&mut player.outgoing);
            self.local.send(player.connection, &sent);
        }
        for _ in 0..100 {
            self.local.advance(Duration::from_millis(20));
            self.listen();
        }
        for player in &self.players {
            assert!(player.owed.is_empty(), "{} is owed {:?}", player.id, player.owed);
            self.local.finish(player.connection);
        }
        self.local.finish(self.witness);
        self.local.received(self.witness);
        for player in &self.players {
            self.local.received(player.connection);
        }
        let world = &self.local.engine.world;
        assert_eq!(world.clients.len(), 1);
        assert!(world.watches.is_empty() && world.waiters.is_empty());
        assert!(world.pubsub.is_empty() && !world.tracking.is_on());
        let tracking = &world.tracking;
        assert_eq!((tracking.clients(), tracking.prefixes()), (0, 0));
    }
}
