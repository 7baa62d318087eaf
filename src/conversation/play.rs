//! Playing a conversation with a server, and what of it was not as it is written.
//!
//! [`play`] does what the steps say; an [`Ear`] reads the replies. [`Judge`] is the ear that compares. The server is a
//! [`Side`]: behind TCP it is [`Tcp`](super::Tcp), and the tests have one that is the engine itself.

use std::fmt;
use std::time::Duration;

use super::notation::{Names, Pattern, Text};
use super::steps::{Act, Conversation, Expected, Step};
use crate::wire::{push_request, value};

/// The server, as the player sees it: connections that have names.
pub trait Side {
    /// Connects, unless there is a connection of this name already. Returns whether it is new, or why there is none.
    fn connect(&mut self, name: &str) -> Result<bool, String>;
    /// The client's own address.
    fn addr(&mut self, name: &str) -> String;
    /// Sends. That the server has closed is found when it is read.
    fn send(&mut self, name: &str, bytes: &[u8]);
    /// The next reply or push, as it was sent; it is waited for as long as any reply takes.
    fn frame(&mut self, name: &str) -> Result<Vec<u8>, Absence>;
    /// A frame that is there already, or arrives within so long if the server is far away.
    fn late_frame(&mut self, name: &str, patience: Duration) -> Result<Vec<u8>, Absence>;
    /// Returns when the server has read everything that was sent, or why that is not known.
    fn settle(&mut self) -> Result<(), String>;
    /// The client sends nothing more.
    fn finish(&mut self, name: &str);
    /// The client is gone.
    fn close(&mut self, name: &str);
    /// Returns whether the server closes without another word. The name is free again.
    fn is_closed(&mut self, name: &str) -> bool;
    /// Time passes.
    fn advance(&mut self, time: Duration);
    /// What was sent to connections and not read.
    fn unread(&mut self) -> Vec<(String, Vec<u8>)>;
}

/// Why there is no frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Nothing came in time, or no more than these bytes of a frame.
    Late(Vec<u8>),
    /// The server has closed, behind these bytes of a frame.
    Closed(Vec<u8>),
    /// What came is no RESP.
    Malformed { bytes: Vec<u8>, reason: value::Malformed },
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Absence::Late(bytes) if bytes.is_empty() => f.write_str("nothing"),
            Absence::Late(bytes) => write!(f, "a part: {}", excerpt(bytes)),
            Absence::Closed(bytes) if bytes.is_empty() => f.write_str("the end of the connection"),
            Absence::Closed(bytes) => {
                write!(f, "the end of the connection behind a part: {}", excerpt(bytes))
            }
            Absence::Malformed { bytes, reason } => {
                write!(f, "no RESP ({reason}): {}", excerpt(bytes))
            }
        }
    }
}

/// The most bytes that are shown of what is no reply.
const EXCERPT: usize = 400;

/// Bytes between quotes, as far as they are of use to a reader.
fn excerpt(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(EXCERPT)];
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("\"{}\"{more}", shown.escape_ascii())
}

/// What is done with replies, or with their absence.
pub trait Ear {
    /// Reads the replies to a step and returns whether the conversation can go on.
    fn hear(&mut self, step: usize, side: &mut dyn Side, names: &mut Names) -> bool;
    /// Something is wrong with a step beside its replies.
    fn complain(&mut self, step: usize, what: String);
}

/// Plays every step in `protocol`; the replies are the ear's.
pub fn play(conversation: &Conversation, side: &mut dyn Side, protocol: u8, ear: &mut dyn Ear) {
    let mut player = Player { conversation, protocol, names: Names::new(), written: Vec::new() };
    for (index, step) in conversation.steps.iter().enumerate() {
        match player.act(step, side) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(what) => return ear.complain(index, what),
        }
        if step.act == Act::Closed && !side.is_closed(&step.connection) {
            ear.complain(index, "the connection is not closed".to_owned());
        }
        if !ear.hear(index, side, &mut player.names) {
            return;
        }
    }
    for (name, bytes) in side.unread() {
        let what = format!("no step reads what arrived\n@{name}\n{}", shown(&bytes));
        ear.complain(conversation.steps.len().saturating_sub(1), what);
    }
}

/// What is kept from one step to the next.
struct Player<'a> {
    conversation: &'a Conversation,
    protocol: u8,
    names: Names,
    /// Commands that go out with the next one.
    written: Vec<u8>,
}

impl Player<'_> {
    /// Does what a step says. Returns whether its replies are read now.
    fn act(&mut self, step: &Step, side: &mut dyn Side) -> Result<bool, String> {
        let name = &step.connection;
        if !matches!(step.act, Act::Advance(_)) && side.connect(name)? {
            self.names.insert(format!("addr:{name}"), side.addr(name).into_bytes());
            self.greet(name, side)?;
        }
        match &step.act {
            Act::Send { words, with_next } => {
                let words = self.bytes(words)?;
                push_request(&mut self.written, words.iter().map(Vec::as_slice));
                if *with_next {
                    return Ok(false);
                }
                side.send(name, &std::mem::take(&mut self.written));
            }
            Act::Raw(words) => {
                let words = self.bytes(words)?;
                self.written.extend(words.concat());
                side.send(name, &std::mem::take(&mut self.written));
            }
            Act::Advance(time) => side.advance(*time),
            Act::Finish => side.finish(name),
            Act::Close => {
                side.close(name);
                side.settle()?;
            }
            Act::Read | Act::Closed => {}
        }
        Ok(true)
    }

    /// A connection of RESP3 begins with HELLO, unless the conversation says it itself.
    fn greet(&self, name: &str, side: &mut dyn Side) -> Result<(), String> {
        if self.protocol != 3 || self.conversation.is_plain {
            return Ok(());
        }
        let mut hello = Vec::new();
        push_request(&mut hello, [&b"HELLO"[..], b"3"].into_iter());
        side.send(name, &hello);
        // A server that wants a login first refuses, and the conversation goes on in RESP2.
        match side.frame(name) {
            Ok(_) => Ok(()),
            Err(absence) => Err(format!("wanted a reply to HELLO 3\ngot {absence}")),
        }
    }

    fn bytes(&self, words: &[Text]) -> Result<Vec<Vec<u8>>, String> {
        let bytes = words.iter().map(|word| word.bytes(&self.names));
        bytes.collect::<Option<_>>().ok_or_else(|| "a name stands for nothing".to_owned())
    }
}

/// The frames in `bytes`, as a conversation has them.
fn shown(mut bytes: &[u8]) -> String {
    let mut lines = Vec::new();
    while let Ok(Some((value, len))) = value::decode(bytes) {
        lines.push(format!("< {}", Pattern::from(&value).written(2)));
        bytes = &bytes[len..];
    }
    if !bytes.is_empty() {
        lines.push(format!("and {}", excerpt(bytes)));
    }
    lines.join("\n")
}

/// What is not as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line of the step, from 1.
    pub line: usize,
    /// What that line says.
    pub step: String,
    /// What was wanted and what came, as a conversation has them: several lines.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n{}", self.line, self.step, self.what)
    }
}

/// Compares, and keeps what is not as it should be.
pub struct Judge<'a> {
    conversation: &'a Conversation,
    protocol: u8,
    is_reference: bool,
    found: Vec<Difference>,
}

impl Judge<'_> {
    /// Plays the conversation and returns what was wrong. Where respd differs on purpose, a reference has replies of its own.
    pub fn judge(
        conversation: &Conversation,
        side: &mut dyn Side,
        protocol: u8,
        is_reference: bool,
    ) -> Vec<Difference> {
        let mut judge = Judge { conversation, protocol, is_reference, found: Vec::new() };
        play(conversation, side, protocol, &mut judge);
        judge.found
    }

    /// Returns whether the conversation can go on.
    fn compare(
        &mut self,
        index: usize,
        expected: &Expected,
        side: &mut dyn Side,
        names: &mut Names,
    ) -> bool {
        let conversation = self.conversation;
        let name = &conversation.steps[index].connection;
        let wanted = || conversation.lines[expected.lines.clone()].join("\n");
        let Some(pattern) = &expected.pattern else {
            if let Err(what) = side.settle() {
                self.complain(index, what);
                return false;
            }
            if let Ok(frame) = side.late_frame(name, Duration::from_millis(1)) {
                self.complain(index, format!("wanted nothing\ngot\n{}", shown(&frame)));
            }
            return true;
        };
        let frame = match side.frame(name) {
            Ok(frame) => frame,
            Err(absence) => {
                self.complain(index, format!("wanted\n{}\ngot {absence}", wanted()));
                return false;
            }
        };
        let value = value::decode(&frame).ok().flatten();
        if !value.is_some_and(|(value, _)| pattern.fits(&value, names)) {
            self.complain(index, format!("wanted\n{}\ngot\n{}", wanted(), shown(&frame)));
        }
        true
    }
}

impl Ear for Judge<'_> {
    fn hear(&mut self, index: usize, side: &mut dyn Side, names: &mut Names) -> bool {
        let step = &self.conversation.steps[index];
        let expected: Vec<&Expected> = step.expected(self.protocol, self.is_reference).collect();
        if expected.is_empty()
            && matches!(step.act, Act::Send { .. } | Act::Raw(_))
            && let Err(what) = side.settle()
        {
            self.complain(index, what);
            return false;
        }
        expected.into_iter().all(|expected| self.compare(index, expected, side, names))
    }

    fn complain(&mut self, index: usize, what: String) {
        let Some(step) = self.conversation.steps.get(index) else { return };
        let text = self.conversation.lines.get(step.line).cloned().unwrap_or_default();
        self.found.push(Difference { line: step.line + 1, step: text, what });
    }
}
