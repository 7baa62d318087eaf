//! Playing a conversation with a server.

use std::time::Duration;

use respd::conversation::{Act, Conversation, Expected, Names, Pattern, Step, Text};
use respd::embed::local::request;
use respd::wire::{Value, value};

use crate::side::Side;

/// What is done with a frame, or with its absence.
pub trait Ear {
    /// The replies to a step: reads them and returns whether the conversation can go on.
    fn hear(&mut self, step: usize, side: &mut dyn Side, names: &mut Names) -> bool;
    fn complain(&mut self, step: usize, what: String);
}

/// Plays every step; the replies are the listener's.
pub fn play(conversation: &Conversation, side: &mut dyn Side, protocol: u8, ear: &mut dyn Ear) {
    let mut names = Names::new();
    let mut written = Vec::new();
    for (index, step) in conversation.steps.iter().enumerate() {
        let name = &step.connection;
        if !matches!(step.act, Act::Advance(_)) && side.connect(name) {
            names.insert(format!("addr:{name}"), side.addr(name).into_bytes());
            if protocol == 3 && !conversation.is_plain {
                side.send(name, &request(["HELLO", "3"]));
                side.frame(name).expect("a reply to HELLO");
            }
        }
        match &step.act {
            Act::Send { words, with_next } => {
                let Some(words) = bytes(words, &names) else {
                    ear.complain(index, "a name stands for nothing".to_owned());
                    return;
                };
                written.extend(request(words));
                if *with_next {
                    continue;
                }
                side.send(name, &std::mem::take(&mut written));
            }
            Act::Raw(words) => {
                let Some(words) = bytes(words, &names) else {
                    ear.complain(index, "a name stands for nothing".to_owned());
                    return;
                };
                written.extend(words.concat());
                side.send(name, &std::mem::take(&mut written));
            }
            Act::Read => {}
            Act::Advance(time) => side.advance(*time),
            Act::Finish => side.finish(name),
            Act::Close => {
                side.close(name);
                side.settle();
            }
            Act::Closed => {
                if !side.is_closed(name) {
                    ear.complain(index, "the connection is not closed".to_owned());
                }
            }
        }
        if !ear.hear(index, side, &mut names) {
            return;
        }
    }
    for (name, bytes) in side.unread() {
        let what = format!("nobody asked for\n@{name}\n{}", shown(&bytes));
        ear.complain(conversation.steps.len().saturating_sub(1), what);
    }
}

fn bytes(words: &[Text], names: &Names) -> Option<Vec<Vec<u8>>> {
    words.iter().map(|word| word.bytes(names)).collect()
}

/// The frames in `bytes`, as a conversation has them.
fn shown(mut bytes: &[u8]) -> String {
    let mut lines = Vec::new();
    while let Ok(Some((value, len))) = value::decode(bytes) {
        lines.push(format!("< {}", Pattern::from(&value).written(2)));
        bytes = &bytes[len..];
    }
    if !bytes.is_empty() {
        lines.push(format!("and {}", bytes.escape_ascii()));
    }
    lines.join("\n")
}

/// Compares, and keeps what is not as it should be.
pub struct Judge<'a> {
    pub conversation: &'a Conversation,
    pub protocol: u8,
    pub is_reference: bool,
    pub wrong: Vec<String>,
}

impl Judge<'_> {
    /// Plays the conversation and returns what was wrong.
    pub fn judge(
        conversation: &Conversation,
        side: &mut dyn Side,
        protocol: u8,
        is_reference: bool,
    ) -> Vec<String> {
        let mut judge = Judge { conversation, protocol, is_reference, wrong: Vec::new() };
        play(conversation, side, protocol, &mut judge);
        judge.wrong
    }

    fn step(&self, index: usize) -> &Step {
        &self.conversation.steps[index]
    }
}

impl Ear for Judge<'_> {
    fn hear(&mut self, index: usize, side: &mut dyn Side, names: &mut Names) -> bool {
        let conversation = self.conversation;
        let step = &conversation.steps[index];
        let expected: Vec<&Expected> = step.expected(self.protocol, self.is_reference).collect();
        if expected.is_empty() && matches!(step.act, Act::Send { .. } | Act::Raw(_)) {
            side.settle();
        }
        for Expected { pattern, lines, .. } in expected {
            let wanted = || conversation.lines[lines.clone()].join("\n");
            let Some(pattern) = pattern else {
                side.settle();
                if let Some(frame) = side.late_frame(&step.connection, Duration::from_millis(1)) {
                    let what = format!("wanted nothing\ngot\n{}", shown(&frame));
                    self.complain(index, what);
                }
                continue;
            };
            let Some(frame) = side.frame(&step.connection) else {
                self.complain(index, format!("wanted\n{}\ngot nothing", wanted()));
                return false;
            };
            let fits = decoded(&frame).is_some_and(|value| pattern.fits(&value, names));
            if !fits {
                let what = format!("wanted\n{}\ngot\n{}", wanted(), shown(&frame));
                self.complain(index, what);
            }
        }
        true
    }

    fn complain(&mut self, index: usize, what: String) {
        let Conversation { name, lines, .. } = self.conversation;
        let line = self.step(index).line;
        let place = format!("{name}:{} (RESP{})", line + 1, self.protocol);
        self.wrong.push(format!("{place}: {}\n{what}", lines[line]));
    }
}

fn decoded(frame: &[u8]) -> Option<Value> {
    value::decode(frame).ok().flatten().map(|(value, _)| value)
}
