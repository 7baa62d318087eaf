//! Which request a reply is to, and what of it is another the next time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::super::notation::{Hole, Pattern, Piece, Text};
use crate::wire::Value;

/// The most names that are given to texts, so that a long recording takes no more memory.
const MOST_NAMES: usize = 10_000;

/// What a request asks for, as far as that matters to what is written of its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asked {
    #[default]
    Other,
    Hello,
    /// The id of a client.
    ClientId,
    /// A text about the server or its clients, which is never the same.
    Report,
    /// All that is known of all commands, which no reader wants.
    Commands,
    /// A time, or how long something lasts.
    Time,
    /// The id of a stream entry, which the server makes.
    Entry,
    Monitor,
    /// What drives the server, and is no part of a conversation.
    Stage,
    /// So many frames are the reply, one for each channel.
    Channels(usize),
    /// `CLIENT REPLY`: nothing more is replied, the next request is not replied to, or all are again.
    Silence(Silence),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Silence {
    #[default]
    Never,
    /// The next request gets no reply.
    Once,
    Always,
}

impl Asked {
    pub fn of(words: &[&[u8]]) -> Asked {
        let upper = |index: usize| {
            words.get(index).map(|word| String::from_utf8_lossy(word).to_ascii_uppercase())
        };
        let (name, second) = (upper(0).unwrap_or_default(), upper(1).unwrap_or_default());
        match (name.as_str(), second.as_str()) {
            ("HELLO", _) => Asked::Hello,
            ("CLIENT", "ID" | "GETREDIR") => Asked::ClientId,
            ("CLIENT", "LIST" | "INFO") | ("DEBUG", "OBJECT") | ("INFO", _) => Asked::Report,
            ("COMMAND", "" | "DOCS") if words.len() < 3 => Asked::Commands,
            ("CLIENT", "REPLY") => match upper(2).as_deref() {
                Some("OFF") => Asked::Silence(Silence::Always),
                Some("SKIP") => Asked::Silence(Silence::Once),
                Some("ON") => Asked::Silence(Silence::Never),
                _ => Asked::Other,
            },
            ("TIME" | "LASTSAVE" | "PTTL" | "EXPIRETIME" | "PEXPIRETIME", _) => Asked::Time,
            ("XADD", _) if words.contains(&&b"*"[..]) => Asked::Entry,
            ("MONITOR", _) => Asked::Monitor,
            ("STAGE", _) => Asked::Stage,
            ("SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE", _)
            | ("UNSUBSCRIBE" | "PUNSUBSCRIBE" | "SUNSUBSCRIBE", _) => {
                Asked::Channels(words.len().saturating_sub(1).max(1))
            }
            _ => Asked::Other,
        }
    }
}

/// The requests of a client that have not been replied to, the oldest first.
#[derive(Debug, Default)]
pub struct Questions {
    open: VecDeque<(Asked, Duration)>,
    silence: Silence,
    monitors: bool,
    /// The client has sent something, or was sent something.
    pub has_spoken: bool,
}

/// What a frame answers.
#[derive(Debug, Default)]
pub struct Answered {
    pub asked: Asked,
    /// When that was asked; there is none for a push.
    pub since: Option<Duration>,
}

impl Questions {
    /// A request has come.
    pub fn ask(&mut self, asked: Asked, now: Duration) {
        self.has_spoken |= asked != Asked::Stage;
        match (asked, self.silence) {
            (Asked::Silence(Silence::Never), _) => self.silence = Silence::Never,
            (Asked::Silence(silence), Silence::Never) => return self.silence = silence,
            (_, Silence::Once) => return self.silence = Silence::Never,
            (_, Silence::Always) => return,
            (_, Silence::Never) => {}
        }
        self.open.push_back((asked, now));
    }

    /// Returns whether no request waits for its reply.
    pub fn are_answered(&self) -> bool {
        self.open.is_empty()
    }

    /// A frame goes out: a reply to the oldest request, or nothing that was asked for.
    pub fn answer(&mut self, value: &Value) -> Answered {
        let kind = value.elements().first().and_then(Value::as_bytes).unwrap_or_default();
        let is_confirmation = kind.ends_with(b"subscribe");
        let is_message = matches!(kind, b"message" | b"pmessage" | b"smessage");
        if let Some((Asked::Channels(left), since)) = self.open.front_mut()
            && is_confirmation
        {
            let since = Some(*since);
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.open.pop_front();
            }
            return Answered { asked: Asked::Other, since };
        }
        let is_push = matches!(value, Value::Push(_)) || is_confirmation || is_message;
        if is_push {
            return Answered::default();
        }
        if self.monitors && is_monitor_line(value) {
            return Answered { asked: Asked::Monitor, since: None };
        }
        match self.open.pop_front() {
            Some((Asked::Monitor, since)) => {
                self.monitors |= matches!(value, Value::Status(_));
                Answered { asked: Asked::Other, since: Some(since) }
            }
            Some((asked, since)) => Answered { asked, since: Some(since) },
            None => Answered::default(),
        }
    }
}

fn is_monitor_line(value: &Value) -> bool {
    matches!(value, Value::Status(text) if monitor_line(text).is_some())
}

/// The database and address of a line of MONITOR, and what follows: `1700000000.000001 [0 127.0.0.1:5000] "PING"`.
fn monitor_line(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    let rest = text.get(digits..)?.strip_prefix(b" [").filter(|_| digits > 0)?;
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let (db, rest) = (&rest[..space], &rest[space + 1..]);
    // An IPv6 address has brackets of its own.
    let end = rest.windows(2).position(|pair| pair == b"] ")?;
    Some((db, &rest[..end], &rest[end..]))
}

/// What texts are called that differ from one run to the next.
#[derive(Debug, Default)]
pub struct Names {
    /// Ids of clients, by their digits.
    ids: BTreeMap<Vec<u8>, String>,
    addresses: BTreeMap<Vec<u8>, String>,
    entries: BTreeMap<Vec<u8>, String>,
}

impl Names {
    /// A client's address has a name in every conversation.
    pub fn address(&mut self, addr: &str, client: u64) {
        if self.addresses.len() < MOST_NAMES {
            self.addresses.insert(addr.as_bytes().to_vec(), format!("addr:{client}"));
        }
    }

    /// The words of a command, names where the text is another the next time.
    pub fn words(&self, words: &[&[u8]]) -> Vec<Text> {
        let is = |index: usize, name: &str| {
            words.get(index).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        let is_about_clients = is(0, "CLIENT");
        let ids_begin = match is(1, "UNBLOCK") {
            true => Some(1),
            false => (2..words.len()).find(|&index| is(index, "ID") || is(index, "REDIRECT")),
        };
        let word = |(index, word): (usize, &&[u8])| {
            let id = ids_begin.filter(|&first| index > first).and_then(|_| self.ids.get(*word));
            let of_client = || id.or_else(|| self.addresses.get(*word));
            let name = match is_about_clients {
                true => of_client(),
                false => self.entries.get(*word),
            };
            name.map_or_else(|| Text::literal(word), |name| named(name))
        };
        words.iter().enumerate().map(word).collect()
    }

    /// A reply to a client, as it is every time.
    pub fn reply(&mut self, asked: &Asked, value: &Value, client: u64) -> Pattern {
        let mut reply = Pattern::from(value);
        match (asked, value, &mut reply) {
            (Asked::Hello, _, Pattern::Aggregate(_, _, items)) => {
                let id = items.chunks_mut(2).find_map(|pair| match pair {
                    [Pattern::Scalar(b'$', name), Pattern::Scalar(b':', id)]
                        if *name == Text::literal(b"id") =>
                    {
                        Some(id)
                    }
                    _ => None,
                });
                if let Some(id) = id {
                    self.id(id, client);
                }
            }
            // CLIENT GETREDIR may say that there is none.
            (Asked::ClientId, Value::Integer(1..), Pattern::Scalar(_, id)) => self.id(id, client),
            (Asked::Report, Value::Bulk(text) | Value::Status(text), Pattern::Scalar(_, shown))
                if !text.is_empty() =>
            {
                *shown = Text(vec![Piece::Any]);
            }
            (Asked::Report, Value::Verbatim(format, _), Pattern::Scalar(_, shown)) => {
                let format = [format.as_slice(), b":"].concat();
                *shown = Text(vec![Piece::Literal(format), Piece::Any]);
            }
            (Asked::Commands, Value::Array(_) | Value::Map(_), reply) => *reply = Pattern::Any,
            (Asked::Time, Value::Integer(1..), Pattern::Scalar(_, shown)) => {
                *shown = hole(None, Hole::Int);
            }
            (Asked::Time, Value::Array(_), Pattern::Aggregate(_, _, items)) => {
                for item in items {
                    *item = Pattern::Scalar(b'$', hole(None, Hole::Int));
                }
            }
            (Asked::Entry, Value::Bulk(text), Pattern::Scalar(_, shown))
                if self.entries.len() < MOST_NAMES =>
            {
                let name = format!("entry{}", self.entries.len() + 1);
                *shown = hole(Some(name.clone()), Hole::Word);
                self.entries.insert(text.clone(), name);
            }
            (Asked::Monitor, Value::Status(text), Pattern::Scalar(_, shown)) => {
                if let Some(line) = monitor_line(text) {
                    *shown = self.monitored(line);
                }
            }
            (_, _, reply) => self.name_parts(reply),
        }
        reply
    }

    /// The id of a client has a name from the first time on.
    fn id(&mut self, text: &mut Text, client: u64) {
        let Some(digits) = text.bytes(&Default::default()) else { return };
        *text = match self.ids.get(&digits) {
            Some(name) => named(name),
            None if self.ids.len() < MOST_NAMES => {
                let name = format!("id{client}");
                self.ids.insert(digits, name.clone());
                hole(Some(name), Hole::Int)
            }
            None => hole(None, Hole::Int),
        };
    }

    fn monitored(&self, (db, addr, rest): (&[u8], &[u8], &[u8])) -> Text {
        let mut pieces = vec![Piece::Hole(None, Hole::Num)];
        pieces.push(Piece::Literal([b" [", db, b" "].concat()));
        pieces.push(match self.addresses.get(addr) {
            Some(name) => Piece::Name(name.clone()),
            // `[::1]:5000` has brackets, which no address in braces has.
            None if addr.contains(&b':') && !addr.contains(&b']') => Piece::Hole(None, Hole::Addr),
            None => Piece::Literal(addr.to_vec()),
        });
        pieces.push(Piece::Literal(rest.to_vec()));
        Text(pieces)
    }

    /// Ids of stream entries that the server has made, and lines of CLIENT LIST, wherever they are in a reply.
    fn name_parts(&self, reply: &mut Pattern) {
        match reply {
            Pattern::Scalar(b'$', text) => {
                let [Piece::Literal(literal), ..] = text.0.as_slice() else { return };
                if is_client_line(literal) {
                    *text = Text(vec![Piece::Any]);
                } else if let (Some(name), 1) = (self.entries.get(literal), text.0.len()) {
                    *text = named(name);
                }
            }
            Pattern::Aggregate(_, _, items) => {
                items.iter_mut().for_each(|item| self.name_parts(item));
            }
            _ => {}
        }
    }
}

/// Returns whether a text is one of CLIENT LIST: `id=7 addr=…`.
fn is_client_line(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"id=").unwrap_or_default();
    let rest = digits.iter().position(|byte| !byte.is_ascii_digit()).map(|end| &digits[end..]);
    rest.is_some_and(|rest| rest.starts_with(b" addr="))
}

fn named(name: &str) -> Text {
    Text(vec![Piece::Name(name.to_owned())])
}

fn hole(name: Option<String>, hole: Hole) -> Text {
    Text(vec![Piece::Hole(name, hole)])
}
