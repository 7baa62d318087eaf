//! Writing a conversation while it takes place.
//!
//! A [`Recorder`] is told what clients send and what they are sent, in the order in which it happens, and makes lines of
//! it that can be played at any time. It knows no sockets: `respd record` feeds it from a proxy, and a server could feed
//! it from its clients.
//!
//! * A request is written when it comes and a reply when it goes out, so that a command that waits stands before the one
//!   that serves it.
//! * Time that passes is `!advance`: exactly before what has been waited for, and otherwise when there has been a pause.
//! * What differs from one run to the next is written in braces: ids of clients, stream entries named by the server, the
//!   time, INFO. `asked` says which replies these are.
//! * STAGE, which drives the server, is no part of it.
//! * What is no RESP ends the record of its client, with a comment. A client that breaks the protocol is written as bytes.
//! * What the text lacks is told in comments: what comes behind its limit, and what clients had said before it began.

mod asked;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::notation::{Text, command};
use crate::text::quote;
use crate::wire::{Args, Limits, Parsed, Parser, Replies, Value, push_request};
use asked::{Asked, Names, Questions};

/// Shorter pauses before a request are not written; they add up until they are as long.
const PAUSE: Duration = Duration::from_millis(20);
/// The shortest pause that can be written.
const MOMENT: Duration = Duration::from_millis(1);
/// A reply that took as long has been waited for.
const WAIT: Duration = Duration::from_millis(10);
/// A push so shortly behind something else comes of that, and not of time.
const AT_ONCE: Duration = Duration::from_millis(5);
/// The longest request or reply in bytes that is written. No reader wants a longer one.
const LONGEST: usize = 64 * 1024 * 1024;
/// The longest inline request, as servers have it.
const LONGEST_INLINE: usize = 64 * 1024;
/// The most bytes that a comment shows.
const EXCERPT: usize = 200;
/// The most clients that a comment names.
const MOST_NAMED: usize = 1000;

/// Makes a conversation of what happens.
#[derive(Debug)]
pub struct Recorder {
    clients: BTreeMap<u64, Client>,
    /// Clients so far. Each is called after its number.
    count: u64,
    names: Names,
    /// What was written since it was taken.
    text: String,
    /// Whose turn it is in the text.
    turn: Option<u64>,
    /// The client that has sent its last byte, which is not written yet: if the server closes next, it was one `!close`.
    finishing: Option<u64>,
    /// The time since the recording began.
    now: Duration,
    /// How much of it the text lets pass; nothing has happened yet if there is none.
    passed: Option<Duration>,
    /// Shorter pauses are not written.
    pause: Duration,
    /// When the last line was written.
    last: Duration,
    /// Clients that were connected before, and have said nothing since.
    before: BTreeSet<u64>,
    /// What those are called of which something is written.
    lacking: Vec<u64>,
    /// How many bytes the text has, and how many it may have.
    written: u64,
    limit: u64,
    /// It may have no more.
    is_full: bool,
    /// Of how many clients not all is written that passed.
    abandoned: u64,
}

#[derive(Debug, Default)]
struct Client {
    /// What it is called, behind `@`.
    name: u64,
    /// What it has sent and was not read, behind what was.
    input: Vec<u8>,
    /// Where the bytes begin that were not read.
    from: usize,
    parser: Parser,
    /// It has sent what is no request: its bytes are written as they come.
    is_raw: bool,
    arrived: Replies,
    questions: Questions,
    /// It has been connected before, and nothing is written of it yet.
    was_there: bool,
    /// Nothing more is written of it.
    is_over: bool,
}

/// A line of what a client sends.
enum Line {
    Command(String),
    Raw(Vec<u8>),
}

/// What a client's bytes begin with.
enum Next {
    /// A request, as it was sent, and its words; none if it asks for nothing.
    Request { raw: Vec<u8>, words: Vec<Vec<u8>> },
    /// The beginning of one.
    Partial,
    /// No request, and it is not known where the next one begins.
    Broken,
}

impl Client {
    fn next_multibulk(&mut self) -> Next {
        let limits = Limits { bulk: LONGEST as i64, authenticated: true };
        let mut spans = Vec::new();
        let input = &mut self.input[self.from..];
        match self.parser.parse(input, &mut spans, limits) {
            Ok(Parsed::Request(length)) => {
                let raw = input[..length].to_vec();
                let words = Args::new(&raw, &spans).from(0).map(<[u8]>::to_vec).collect();
                self.from += length;
                Next::Request { raw, words }
            }
            Ok(Parsed::Nothing(length)) => {
                let raw = input[..length].to_vec();
                self.from += length;
                Next::Request { raw, words: Vec::new() }
            }
            Ok(Parsed::Partial) if input.len() <= LONGEST => Next::Partial,
            Ok(Parsed::Partial) | Err(_) => Next::Broken,
        }
    }

    /// An inline request is read here: the parser takes its quotes away where it stands.
    fn next_inline(&mut self) -> Next {
        let input = &self.input[self.from..];
        let end = input.iter().position(|&byte| byte == b'\n');
        let Some(end) = end.filter(|&end| end < LONGEST_INLINE) else {
            return match end.is_none() && input.len() < LONGEST_INLINE {
                true => Next::Partial,
                false => Next::Broken,
            };
        };
        let raw = input[..=end].to_vec();
        self.from += raw.len();
        match quote::split(&raw) {
            Some(words) => Next::Request { raw, words },
            None => {
                self.from -= raw.len();
                Next::Broken
            }
        }
    }
}

impl Recorder {
    /// A recorder whose text begins with comments.
    pub fn new(heading: &str) -> Recorder {
        let mut text: String = heading.lines().map(|line| format!("# {line}\n")).collect();
        text += "!plain\n";
        Recorder {
            clients: BTreeMap::new(),
            count: 0,
            names: Names::default(),
            text,
            turn: None,
            finishing: None,
            now: Duration::ZERO,
            passed: None,
            pause: PAUSE,
            last: Duration::ZERO,
            before: BTreeSet::new(),
            lacking: Vec::new(),
            written: 0,
            limit: u64::MAX,
            is_full: false,
            abandoned: 0,
        }
    }

    /// The text ends before it would be longer than so many bytes, with a comment behind them.
    pub fn with_limit(mut self, bytes: u64) -> Recorder {
        self.limit = bytes;
        self
    }

    /// Writes pauses that are so long, and longer ones; 20 ms unless this says so. Where time is told, each ms counts.
    pub fn with_pause(mut self, pause: Duration) -> Recorder {
        self.pause = pause.max(MOMENT);
        self
    }

    /// What was written since the last call: whole lines.
    pub fn take(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        if self.is_full {
            return String::new();
        }
        self.written = self.written.saturating_add(text.len() as u64);
        if self.written > self.limit {
            // Whose turn it is stands in what is not written.
            self.turn = None;
            let _ = writeln!(
                self.text,
                "# The recording ends here: it may have {} bytes, and lacks all that follows.",
                self.limit
            );
            self.end();
            self.is_full = true;
            text = std::mem::take(&mut self.text);
        }
        text
    }

    /// Returns whether the text has ended because of its limit.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Of how many clients not all is written that passed, but for the limit of the text. A comment says why.
    pub fn abandoned(&self) -> u64 {
        self.abandoned
    }

    /// The client has been connected before: what it has said by now is not written.
    pub fn was_connected(&mut self, id: u64) {
        self.before.insert(id);
    }

    /// No client has this id any more.
    pub fn forget(&mut self, id: u64) {
        self.before.remove(&id);
        if self.clients.get(&id).is_some_and(|client| client.is_over) {
            self.clients.remove(&id);
        }
    }

    /// Tells what time it is, since the recording began. It never goes back.
    pub fn time_is(&mut self, now: Duration) {
        self.now = now.max(self.now);
    }

    /// A client has connected, from this address as the server sees it.
    pub fn connected(&mut self, id: u64, addr: Option<&str>) {
        self.client(id);
        if let (Some(addr), Some(client)) = (addr, self.clients.get(&id)) {
            self.names.address(addr, client.name);
        }
    }

    /// A client has sent a request.
    pub fn request(&mut self, id: u64, words: &[&[u8]]) {
        if let Some(line) = self.command(id, words) {
            self.send(id, vec![line]);
        }
    }

    /// A client has sent bytes, which may end within a request. Requests that arrive at once are written as a pipeline.
    pub fn received(&mut self, id: u64, bytes: &[u8]) {
        let client = self.client(id);
        if client.is_over {
            return;
        }
        if client.is_raw {
            return self.send(id, vec![Line::Raw(bytes.to_vec())]);
        }
        client.input.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(line) = self.next_line(id) {
            lines.extend(line);
        }
        let client = self.client(id);
        client.input.drain(..client.from.min(client.input.len()));
        client.from = 0;
        self.send(id, lines);
    }

    /// A client has been sent bytes, which may end within a reply or push.
    pub fn sent(&mut self, id: u64, bytes: &[u8]) {
        let client = self.client(id);
        if client.is_over {
            return;
        }
        client.arrived.push(bytes);
        loop {
            let Some(client) = self.clients.get_mut(&id) else { return };
            match client.arrived.next() {
                Ok(Some(value)) => self.reply(id, &value),
                Ok(None) if client.arrived.as_slice().len() > LONGEST => {
                    return self.abandon(id, "a reply is too long to be written");
                }
                Ok(None) => return,
                Err(reason) => {
                    let rest = excerpt(client.arrived.as_slice());
                    let reason = format!("what the server sent cannot be read, {reason}: {rest}");
                    return self.abandon(id, &reason);
                }
            }
        }
    }

    /// A client sends nothing more; it may be sent more.
    pub fn finished(&mut self, id: u64) {
        self.write_finish();
        if !self.client(id).is_over {
            self.write_part(id);
            self.finishing = Some(id);
        }
    }

    /// The server has closed a client's connection.
    pub fn closed(&mut self, id: u64) {
        let is_finishing = self.finishing == Some(id);
        if !is_finishing {
            self.write_part(id);
        }
        let client = self.client(id);
        let rest = client.arrived.as_slice();
        if client.is_over {
            return;
        }
        if !rest.is_empty() {
            let rest = excerpt(rest);
            return self.abandon(id, &format!("the server closed within a reply: {rest}"));
        }
        self.end_client(id, if is_finishing { "!close" } else { "!closed" });
    }

    /// A client is gone: it reads nothing more.
    pub fn gone(&mut self, id: u64) {
        self.write_part(id);
        if !self.client(id).is_over {
            self.end_client(id, "!close");
        }
    }

    /// Writes nothing more of a client, and says why. It leaves when this is played.
    pub fn abandon(&mut self, id: u64, reason: &str) {
        let client = self.client(id);
        if !client.is_over {
            let name = client.name;
            self.abandoned += 1;
            let _ = writeln!(self.text, "# @{name} is recorded to here: {}", one_line(reason));
            self.end_client(id, "!close");
        }
    }

    /// The recording is over: clients that are still there leave when it is played.
    pub fn end(&mut self) {
        let open = self.clients.iter().filter(|(_, client)| !client.is_over);
        for id in open.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end_client(id, "!close");
        }
        if !self.lacking.is_empty() {
            let names: Vec<String> = self.lacking.iter().map(|name| format!("@{name}")).collect();
            let names = names.join(" ");
            let _ = writeln!(
                self.text,
                "# Connected before the recording began, so that it lacks what they had said and set: {names}"
            );
            self.lacking = Vec::new();
        }
    }

    /// The client, which may not have been heard of before.
    fn client(&mut self, id: u64) -> &mut Client {
        self.clients.entry(id).or_insert_with(|| {
            self.count += 1;
            let was_there = self.before.remove(&id);
            Client { name: self.count, was_there, is_over: self.is_full, ..Client::default() }
        })
    }

    fn end_client(&mut self, id: u64, line: &str) {
        if self.finishing == Some(id) && line == "!close" {
            self.finishing = None;
        }
        let has_spoken = self.client(id).questions.has_spoken;
        if has_spoken || line != "!close" {
            self.pass(self.pause);
            self.turn_of(id);
            self.text += line;
            self.text.push('\n');
        }
        if let Some(client) = self.clients.get_mut(&id) {
            *client = Client { name: client.name, is_over: true, ..Client::default() };
        }
    }

    /// The line of a request, if its client is still written.
    fn command(&mut self, id: u64, words: &[&[u8]]) -> Option<Line> {
        if self.client(id).is_over || words.is_empty() {
            return None;
        }
        let (asked, now) = (Asked::of(words), self.now);
        self.client(id).questions.ask(asked, now);
        if asked == Asked::Stage {
            return None;
        }
        let texts: Vec<Text> = self.names.words(words);
        Some(Line::Command(command(&texts)))
    }

    /// Reads the next request of what a client has sent, if there is one. Not every one is written.
    fn next_line(&mut self, id: u64) -> Option<Option<Line>> {
        let client = self.clients.get_mut(&id)?;
        let next = match client.input.get(client.from)? {
            b'*' => client.next_multibulk(),
            _ => client.next_inline(),
        };
        let (raw, words) = match next {
            Next::Request { raw, words } => (raw, words),
            Next::Partial => return None,
            Next::Broken => {
                client.is_raw = true;
                return Some(Some(Line::Raw(client.input.split_off(client.from))));
            }
        };
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let mut usual = Vec::new();
        push_request(&mut usual, words.iter().copied());
        if usual == raw && !words.is_empty() {
            return Some(self.command(id, &words));
        }
        if !words.is_empty() {
            let asked = Asked::of(&words);
            client.questions.ask(asked, self.now);
            if asked == Asked::Stage {
                return Some(None);
            }
        }
        Some(Some(Line::Raw(raw)))
    }

    /// Writes what a client has sent at once.
    fn send(&mut self, id: u64, lines: Vec<Line>) {
        if lines.is_empty() || self.client(id).is_over {
            return;
        }
        self.write_finish();
        self.pass(self.pause);
        self.turn_of(id);
        self.client(id).questions.has_spoken = true;
        let count = lines.len();
        for (index, line) in lines.into_iter().enumerate() {
            let _ = match line {
                Line::Command(words) if index + 1 < count => writeln!(self.text, ">+ {words}"),
                Line::Command(words) => writeln!(self.text, "> {words}"),
                Line::Raw(bytes) => {
                    writeln!(self.text, ">> {}", Text::literal(&bytes).quoted())
                }
            };
        }
    }

    /// Writes the beginning of a request that goes on no more, or only behind what follows. Its client is one that
    /// sends bytes, from then on.
    fn write_part(&mut self, id: u64) {
        let client = self.client(id);
        let part = std::mem::take(&mut client.input);
        if !part.is_empty() {
            client.is_raw = true;
            self.send(id, vec![Line::Raw(part)]);
        }
    }

    /// Writes a reply or push.
    fn reply(&mut self, id: u64, value: &Value) {
        self.write_finish();
        // A server may know sooner than a reader that a request is none.
        if self.client(id).questions.are_answered() && !matches!(value, Value::Push(_)) {
            self.write_part(id);
        }
        let Some(client) = self.clients.get_mut(&id) else { return };
        let answered = client.questions.answer(value);
        if answered.asked == Asked::Stage {
            return;
        }
        let has_waited = match answered.since {
            Some(since) => self.now.saturating_sub(since) >= WAIT,
            None => self.now.saturating_sub(self.last) >= AT_ONCE,
        };
        let reply = self.names.reply(&answered.asked, value, client.name);
        client.questions.has_spoken = true;
        self.pass(if has_waited { MOMENT } else { self.pause });
        self.turn_of(id);
        let _ = writeln!(self.text, "< {}", reply.written(2));
    }

    fn write_finish(&mut self) {
        if let Some(id) = self.finishing.take()
            && !self.client(id).is_over
        {
            self.turn_of(id);
            self.text += "!finish\n";
        }
    }

    /// Lets time pass in the text, if as much as `least` has.
    fn pass(&mut self, least: Duration) {
        self.last = self.now;
        let passed = *self.passed.get_or_insert(self.now);
        let gap = self.now.saturating_sub(passed);
        if gap >= least {
            // What was waited for is due: rounded up, it is in the text, too.
            let millis = gap.as_nanos().div_ceil(1_000_000);
            let _ = writeln!(self.text, "!advance {millis}ms");
            let millis = u64::try_from(millis).unwrap_or(u64::MAX);
            self.passed = Some(passed.saturating_add(Duration::from_millis(millis)));
        }
    }

    fn turn_of(&mut self, id: u64) {
        if self.turn != Some(id) {
            self.turn = Some(id);
            let client = self.client(id);
            let (name, was_there) = (client.name, std::mem::take(&mut client.was_there));
            if was_there && self.lacking.len() < MOST_NAMED {
                self.lacking.push(name);
            }
            let _ = writeln!(self.text, "@{name}");
        }
    }
}

/// Bytes between quotes, as far as they are of use to a reader.
fn excerpt(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(EXCERPT)];
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("\"{}\"{more}", shown.escape_ascii())
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
