//! What is printed of the situations: TAP, or JSON.

use std::io::{self, Write};

use super::json::Json;
use super::situation::Situation;
use super::verdict::Verdict;

/// What came of one situation.
pub struct Tried {
    pub situation: &'static Situation,
    pub verdict: Verdict,
    pub note: String,
    /// What was said, where a client is out of step.
    pub conversation: Vec<String>,
}

impl Tried {
    pub fn is_fine(&self) -> bool {
        self.verdict == Verdict::Skipped || self.situation.fine.contains(&self.verdict)
    }

    /// A line of TAP, and what explains it.
    pub fn tap(&self, number: usize) -> String {
        let not = if self.is_fine() { "" } else { "not " };
        let name = self.situation.name;
        if self.verdict == Verdict::Skipped {
            return format!("ok {number} - {name} # SKIP unsupported: {}", plain(&self.note));
        }
        let mut text = format!("{not}ok {number} - {name}: {}", self.verdict.name());
        if !self.note.is_empty() {
            text.push_str(&format!("\n#   {}", plain(&self.note)));
        }
        for line in &self.conversation {
            text.push_str(&format!("\n#   {line}"));
        }
        text
    }

    pub fn json(&self) -> Json {
        let pair = |name: &str, value| (name.to_owned(), value);
        let conversation = self.conversation.iter().map(Json::text).collect();
        Json::Object(vec![
            pair("name", Json::text(self.situation.name)),
            pair("verdict", Json::text(self.verdict.name())),
            pair("ok", Json::Bool(self.is_fine())),
            pair("note", Json::text(&self.note)),
            pair("conversation", Json::Array(conversation)),
        ])
    }
}

/// A line of a text.
fn plain(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

pub fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    let printed = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    printed.map_err(|error| format!("cannot print: {error}"))
}
