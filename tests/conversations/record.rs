//! Writing down what a reference replies.
//!
//! A reply that still fits stays as it is written, placeholders included; what does not fit is written
//! anew, with the placeholders that still hold. A command without a reply is given what arrives
//! within a moment, so it is enough to write the commands; one that waits longer, or stands before `!advance`, stays without. Lines of
//! respd's own, beside `!ours`, are not touched.

use std::time::Duration;

use respd::internals::conversation::play::play;
use respd::internals::conversation::{Act, Conversation, Ear, Expected, Names, Pattern, Side};
use respd::internals::wire::value;

/// How long a command that has no reply yet is given one.
const MOMENT: Duration = Duration::from_millis(60);
/// How long the next frame is waited for.
const QUIET: Duration = Duration::from_millis(5);

/// What the reference said to each step.
pub struct Recorder<'a> {
    pub conversation: &'a Conversation,
    pub protocol: u8,
    pub heard: Vec<Vec<Option<Pattern>>>,
    pub wrong: Vec<String>,
}

impl Recorder<'_> {
    /// Plays the conversation in `protocol`.
    pub fn listen<'a>(
        conversation: &'a Conversation,
        side: &mut dyn Side,
        protocol: u8,
    ) -> Recorder<'a> {
        let heard = vec![Vec::new(); conversation.steps.len()];
        let mut recorder = Recorder { conversation, protocol, heard, wrong: Vec::new() };
        play(conversation, side, protocol, &mut recorder);
        recorder
    }
}

impl Ear for Recorder<'_> {
    fn hear(&mut self, index: usize, side: &mut dyn Side, names: &mut Names) -> bool {
        let step = &self.conversation.steps[index];
        let expected: Vec<&Expected> = step.expected(self.protocol, true).collect();
        for Expected { pattern, .. } in &expected {
            let patience = if pattern.is_some() { Duration::from_secs(2) } else { MOMENT };
            let frame = side.late_frame(&step.connection, patience);
            let Ok(frame) = frame else {
                self.heard[index].push(None);
                continue;
            };
            let found = found(&frame);
            let renewed = pattern.as_ref().map_or(found.clone(), |old| old.renewed(&found, names));
            self.heard[index].push(Some(renewed));
        }
        let waits = self.conversation.steps.get(index + 1);
        let waits = waits.is_some_and(|next| matches!(next.act, Act::Advance(_)));
        let asks = matches!(step.act, Act::Send { with_next: false, .. } | Act::Raw(_)) && !waits;
        let is_of_reference = step.ours.is_some();
        let is_new = step.replies.iter().all(|reply| reply.is_of_reference != is_of_reference);
        if is_new && asks {
            let mut patience = MOMENT;
            while let Ok(frame) = side.late_frame(&step.connection, patience) {
                self.heard[index].push(Some(found(&frame)));
                patience = QUIET;
            }
        }
        true
    }

    fn complain(&mut self, index: usize, what: String) {
        let Conversation { name, steps, .. } = self.conversation;
        self.wrong.push(format!("{name}:{}: {what}", steps[index].line + 1));
    }
}

fn found(frame: &[u8]) -> Pattern {
    let (value, _) = value::decode(frame).expect("a frame").expect("all of it");
    Pattern::from(&value)
}

/// The file with what was heard in each protocol.
pub fn rewritten(conversation: &Conversation, heard: &[Recorder<'_>]) -> String {
    let mut lines: Vec<Option<String>> = conversation.lines.iter().cloned().map(Some).collect();
    for (index, step) in conversation.steps.iter().enumerate() {
        let is_of_reference = step.ours.is_some();
        let old = step.replies.iter().filter(|reply| reply.is_of_reference == is_of_reference);
        let old: Vec<usize> = old.flat_map(|reply| reply.lines.clone()).collect();
        for &line in &old {
            lines[line] = None;
        }
        let said: Vec<&[Option<Pattern>]> =
            heard.iter().map(|recorder| recorder.heard[index].as_slice()).collect();
        let new = reply_lines(&said, if is_of_reference { "ref" } else { "" });
        if new.is_empty() {
            continue;
        }
        match old.first() {
            Some(&first) => lines[first] = Some(new),
            None => {
                let last = lines[step.line + usize::from(is_of_reference)].as_mut();
                let last = last.expect("a line that does something");
                last.push('\n');
                last.push_str(&new);
            }
        }
    }
    lines.into_iter().flatten().map(|line| line + "\n").collect()
}

/// Replies that are the same in both protocols once, and others twice.
fn reply_lines(said: &[&[Option<Pattern>]], whose: &str) -> String {
    let line = |protocol: &str, reply: &Option<Pattern>| {
        let head = format!("{whose}{protocol}< ");
        match reply {
            Some(reply) => format!("{head}{}", reply.written(head.len())),
            None => format!("{head}nothing"),
        }
    };
    let lines: Vec<String> = match said {
        [only] => only.iter().map(|reply| line("", reply)).collect(),
        [two, three] if two.len() == three.len() => {
            let pairs = two.iter().zip(*three).flat_map(|(two, three)| match two == three {
                true => vec![line("", two)],
                false => vec![line("2", two), line("3", three)],
            });
            pairs.collect()
        }
        [two, three] => {
            let two = two.iter().map(|reply| line("2", reply));
            two.chain(three.iter().map(|reply| line("3", reply))).collect()
        }
        _ => unreachable!("there are two protocols"),
    };
    lines.join("\n")
}
