//! A conversation written by a recorder while it is played.

use std::collections::BTreeMap;
use std::time::Duration;

use respd::internals::conversation::{Absence, Conversation, Judge, Recorder, Side};

/// The families in which the connection matters: several clients, pushes, waits, pipelines, both protocols. The others
/// would take a minute.
const FAMILIES: &[&str] = &[
    "blocking",
    "client",
    "connection",
    "monitoring",
    "pause",
    "pubsub",
    "tracking",
    "transactions",
];

/// Conversations of which a recording says something else, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("pause/keys.txt", "time that passes in two steps is written as one"),
    ("pause/reply.txt", "time that passes in two steps is written as one"),
    ("tracking/keys.txt", "a key at random"),
];

pub fn is_repeatable(conversation: &Conversation) -> bool {
    let family = conversation.name.split('/').next().unwrap_or_default();
    FAMILIES.contains(&family) && OTHERWISE.iter().all(|(name, _)| *name != conversation.name)
}

/// What a recorder writes.
pub fn text(conversation: &Conversation, side: impl Side, protocol: u8) -> String {
    let mut heard = Heard {
        side,
        recorder: Recorder::new("a recorder's").with_pause(Duration::ZERO),
        ids: BTreeMap::new(),
        count: 0,
        now: Duration::ZERO,
    };
    Judge::judge(conversation, &mut heard, protocol, false);
    heard.recorder.end();
    heard.recorder.take()
}

/// A side with a recorder between it and the player.
struct Heard<S> {
    side: S,
    recorder: Recorder,
    /// The connection of each name.
    ids: BTreeMap<String, u64>,
    count: u64,
    now: Duration,
}

impl<S: Side> Heard<S> {
    fn hear(&mut self, name: &str, frame: &Result<Vec<u8>, Absence>) {
        if let Ok(frame) = frame {
            // In two pieces, as they come from a socket.
            let (one, two) = frame.split_at(frame.len() / 2);
            self.recorder.sent(self.ids[name], one);
            self.recorder.sent(self.ids[name], two);
        }
    }
}

impl<S: Side> Side for Heard<S> {
    fn connect(&mut self, name: &str) -> Result<bool, String> {
        let is_new = self.side.connect(name)?;
        if is_new {
            self.count += 1;
            self.ids.insert(name.to_owned(), self.count);
            let addr = self.side.addr(name);
            self.recorder.connected(self.count, Some(&addr));
        }
        Ok(is_new)
    }

    fn addr(&mut self, name: &str) -> String {
        self.side.addr(name)
    }

    fn send(&mut self, name: &str, bytes: &[u8]) {
        self.recorder.received(self.ids[name], bytes);
        self.side.send(name, bytes);
    }

    fn frame(&mut self, name: &str) -> Result<Vec<u8>, Absence> {
        let frame = self.side.frame(name);
        self.hear(name, &frame);
        frame
    }

    fn late_frame(&mut self, name: &str, patience: Duration) -> Result<Vec<u8>, Absence> {
        let frame = self.side.late_frame(name, patience);
        self.hear(name, &frame);
        frame
    }

    fn settle(&mut self) -> Result<(), String> {
        self.side.settle()
    }

    fn finish(&mut self, name: &str) {
        self.recorder.finished(self.ids[name]);
        self.side.finish(name);
    }

    fn close(&mut self, name: &str) {
        self.recorder.gone(self.ids[name]);
        self.side.close(name);
    }

    fn is_closed(&mut self, name: &str) -> bool {
        let is_closed = self.side.is_closed(name);
        if is_closed {
            self.recorder.closed(self.ids[name]);
        }
        is_closed
    }

    fn advance(&mut self, time: Duration) {
        self.now += time;
        self.recorder.time_is(self.now);
        self.side.advance(time);
    }

    fn unread(&mut self) -> Vec<(String, Vec<u8>)> {
        self.side.unread()
    }
}
