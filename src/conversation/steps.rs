//! Reading a conversation: the lines of a text become steps.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::notation::{self, Pattern, Text};

/// What is in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// What it is called where it is reported: the path of its file.
    pub name: String,
    /// The text, so that a difference can be shown as it is written.
    pub lines: Vec<String>,
    /// How the server is configured when it starts.
    pub config: Vec<(String, String)>,
    /// Connections are not greeted, and the file is played once.
    pub is_plain: bool,
    /// The server whose replies these are, if it is not Valkey 9.1: `Redis 8.2`.
    pub reference: Option<String>,
    /// Why no reference can play it.
    pub ours: Option<String>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
    /// What it says.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.reason, self.text)
    }
}

impl std::error::Error for Mistake {}

/// A line that does something, and what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it stands, from 0.
    pub line: usize,
    pub connection: String,
    pub act: Act,
    /// The title in docs/differences.md that says why respd replies as it does.
    pub ours: Option<String>,
    pub replies: Vec<Expected>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// `>` and `>+`: sends a command. With the next one it goes out in one write.
    Send { words: Vec<Text>, with_next: bool },
    /// `>>`: sends these bytes, words behind one another.
    Raw(Vec<Text>),
    /// `@`: reads what arrives without having been asked for.
    Read,
    /// `!advance`: time passes.
    Advance(Duration),
    /// `!finish`: the client sends nothing more.
    Finish,
    /// `!close`: the client is gone.
    Close,
    /// `!closed`: the server has closed.
    Closed,
}

/// A reply, or that there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// What the reference replies where respd differs.
    pub is_of_reference: bool,
    /// `Some` if the reply is spelled like this in one protocol only.
    pub protocol: Option<u8>,
    /// `None` if nothing arrives.
    pub pattern: Option<Pattern>,
    /// The lines in which it is written, from 0.
    pub lines: Range<usize>,
}

impl Step {
    /// What is said in `protocol`, by the reference or by respd.
    pub fn expected(&self, protocol: u8, by_reference: bool) -> impl Iterator<Item = &Expected> {
        let is_of_reference = by_reference && self.ours.is_some();
        self.replies.iter().filter(move |reply| {
            reply.is_of_reference == is_of_reference
                && reply.protocol.is_none_or(|only| only == protocol)
        })
    }
}

impl Conversation {
    /// The protocols in which it is played.
    pub fn protocols(&self) -> &'static [u8] {
        if self.is_plain { &[2] } else { &[2, 3] }
    }

    /// Whether the replies are those of the program that says so of itself: `Redis server v=8.2.3 …`, to
    /// `--version`. What names no reference is played with whatever program there is.
    pub fn is_of(&self, version: &str) -> bool {
        let Some(reference) = &self.reference else { return true };
        reference.split_once(' ').is_some_and(|(product, number)| {
            version.starts_with(&format!("{product} server v={number}."))
        })
    }

    /// Whether time passes in it.
    pub fn is_timed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Advance(_)))
    }

    /// Reads a text. The error is the first line that cannot be read.
    pub fn read(name: &str, text: &str) -> Result<Conversation, Mistake> {
        let lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        let mut reader = Reader {
            found: Conversation {
                name: name.to_owned(),
                lines: Vec::new(),
                config: Vec::new(),
                is_plain: false,
                reference: None,
                ours: None,
                steps: Vec::new(),
            },
            connection: "main".to_owned(),
            has_moved: false,
        };
        let mut at = 0;
        while at < lines.len() {
            // A reply goes on in lines that are moved in.
            let more = lines[at + 1..].iter().take_while(|line| line.starts_with(' ')).count();
            let place = at..at + 1 + more;
            if let Err(reason) = reader.line(&lines[place.clone()].join("\n"), place) {
                return Err(Mistake { line: at + 1, reason, text: lines[at].clone() });
            }
            at += 1 + more;
        }
        reader.found.lines = lines;
        Ok(reader.found)
    }
}

struct Reader {
    found: Conversation,
    connection: String,
    /// Another connection has its turn, and has not acted yet.
    has_moved: bool,
}

impl Reader {
    fn line(&mut self, line: &str, place: Range<usize>) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(name) = line.strip_prefix('@') {
            self.connection = name.to_owned();
            self.has_moved = true;
            return Ok(());
        }
        if let Some(mut reply) = reply_line(line)? {
            reply.lines = place.clone();
            if self.has_moved {
                self.step(place.start, Act::Read);
            }
            let step = self.found.steps.last_mut().ok_or("a reply to nothing")?;
            step.replies.push(reply);
            return Ok(());
        }
        let act = if let Some(bytes) = line.strip_prefix(">> ") {
            Act::Raw(notation::words(bytes)?)
        } else if let Some(command) = line.strip_prefix(">+ ") {
            Act::Send { words: notation::words(command)?, with_next: true }
        } else if let Some(command) = line.strip_prefix("> ") {
            Act::Send { words: notation::words(command)?, with_next: false }
        } else {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["!config", name, ref value @ ..] if self.found.steps.is_empty() => {
                    self.found.config.push((name.to_owned(), value.join(" ")));
                    return Ok(());
                }
                ["!plain"] => {
                    self.found.is_plain = true;
                    return Ok(());
                }
                ["!reference", ref name @ ..] if self.found.steps.is_empty() => {
                    self.found.reference = Some(name.join(" "));
                    return Ok(());
                }
                ["!ours", ref title @ ..] => {
                    let ours = Some(title.join(" "));
                    match self.found.steps.last_mut() {
                        Some(step) => step.ours = ours,
                        None => self.found.ours = ours,
                    }
                    return Ok(());
                }
                ["!finish"] => Act::Finish,
                ["!close"] => Act::Close,
                ["!closed"] => Act::Closed,
                ["!advance", time] => {
                    Act::Advance(duration(time).ok_or("no time like 5s or 50ms")?)
                }
                _ => return Err("no line of a conversation".to_owned()),
            }
        };
        self.step(place.start, act);
        Ok(())
    }

    fn step(&mut self, line: usize, act: Act) {
        self.has_moved = false;
        let connection = self.connection.clone();
        self.found.steps.push(Step { line, connection, act, ours: None, replies: Vec::new() });
    }
}

/// The reply that a line is, if it is one: `<`, with `ref` and a protocol before it if need be.
fn reply_line(line: &str) -> Result<Option<Expected>, String> {
    let (is_of_reference, rest) = match line.strip_prefix("ref") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (protocol, rest) = match rest.as_bytes().first() {
        Some(b'2') => (Some(2), &rest[1..]),
        Some(b'3') => (Some(3), &rest[1..]),
        _ => (None, rest),
    };
    let Some(rest) = rest.strip_prefix("< ") else { return Ok(None) };
    let pattern = if rest == "nothing" { None } else { Some(notation::value(rest)?) };
    Ok(Some(Expected { is_of_reference, protocol, pattern, lines: 0..0 }))
}

fn duration(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}
