//! One situation, while a client is in it: what is staged, what the client is asked, and what is made of its answers.
//!
//! After every fault the client is probed: ECHO of a text that nothing else could have replied with. An error there is
//! borne for a while; the text of another command never is.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use super::adapter::{Adapter, Answer};
use super::arguments::Arguments;
use super::double::Double;
use super::json::Json;
use super::verdict::Verdict;

/// What the client is told a command may take, in milliseconds.
pub const CLIENT_TIMEOUT: &str = "300";
/// Between two probes, after an error.
const PAUSE: Duration = Duration::from_millis(25);
/// How many probes may fail before the client counts as lost, unless the time for it has passed before.
const PROBES: usize = 40;
/// How many have to be right, one after the other: a client that is one reply behind is found by the second.
const RIGHT_PROBES: usize = 3;

pub struct Trial<'a> {
    pub double: &'a mut Double,
    adapter: Adapter,
    patience: Duration,
    /// The commands of a long pipeline.
    pub pipeline: u32,
    erred: bool,
    worst: Verdict,
    note: String,
}

/// Why a situation ends before its end.
pub enum End {
    Verdict(Verdict, String),
    /// With what the adapter cannot do.
    Skipped(String),
    /// It cannot be tried: the server did not do what it was told.
    Failed(String),
}

pub type Outcome = Result<(), End>;

impl<'a> Trial<'a> {
    pub fn new(double: &'a mut Double, adapter: Adapter, arguments: &Arguments) -> Trial<'a> {
        Trial {
            double,
            adapter,
            patience: arguments.patience,
            pipeline: arguments.pipeline,
            erred: false,
            worst: Verdict::Right,
            note: String::new(),
        }
    }

    /// What came of a situation.
    pub fn verdict(self, outcome: Outcome) -> Result<(Verdict, String), String> {
        match outcome {
            Ok(()) if self.erred => Ok((self.worst.max(Verdict::Recovers), self.note)),
            Ok(()) => Ok((self.worst, self.note)),
            Err(End::Verdict(verdict, note)) => Ok((verdict.max(self.worst), note)),
            Err(End::Skipped(note)) => Ok((Verdict::Skipped, note)),
            Err(End::Failed(reason)) => Err(reason),
        }
    }

    /// Tells the server.
    pub fn server(&mut self, line: &str) -> Outcome {
        self.double.call(line).map(|_| ()).map_err(End::Failed)
    }

    /// STAGE, with the words of a line.
    pub fn stage(&mut self, line: &str) -> Outcome {
        self.server(&format!("STAGE {line}"))
    }

    /// The number that STAGE replies with.
    pub fn staged(&mut self, line: &str) -> Result<i64, End> {
        let reply = self.double.call(&format!("STAGE {line}")).map_err(End::Failed)?;
        reply.as_i64().ok_or_else(|| End::Failed(format!("{line}: the reply is no number")))
    }

    /// A new client, with a short timeout and these options.
    pub fn connect(&mut self, options: &[&str]) -> Outcome {
        self.try_ask(&[&["@connect", "timeout", CLIENT_TIMEOUT], options].concat())
    }

    /// What the adapter answers. One that does not answer is the end.
    pub fn ask(&mut self, words: &[&str]) -> Result<Answer, End> {
        self.ask_within(words, self.patience)
    }

    /// The same for what takes a client long, however well it does.
    pub fn ask_within(&mut self, words: &[&str], patience: Duration) -> Result<Answer, End> {
        let asked = words.iter().take(4).copied().collect::<Vec<_>>().join(" ");
        match self.adapter.ask(words, patience) {
            Answer::Nothing => Err(End::Verdict(Verdict::Hangs, format!("{asked}: no answer"))),
            Answer::Broken(reason) => {
                Err(End::Verdict(Verdict::Wrong, format!("{asked}: {reason}")))
            }
            Answer::Unsupported => Err(End::Skipped(asked)),
            answer => Ok(answer),
        }
    }

    /// A command that may fail.
    pub fn try_ask(&mut self, words: &[&str]) -> Outcome {
        let answer = self.ask(words)?;
        self.bear(&answer);
        Ok(())
    }

    /// The text that a command returns; None if it fails, as it may.
    pub fn try_ask_value(&mut self, words: &[&str]) -> Result<Option<String>, End> {
        let answer = self.ask(words)?;
        self.bear(&answer);
        Ok(match answer {
            Answer::Value(value) => Some(value.leaves().concat()),
            _ => None,
        })
    }

    /// A command that may fail, and returns this if it does not.
    pub fn expect(&mut self, words: &[&str], wanted: &[&str]) -> Outcome {
        let answer = self.ask(words)?;
        self.bear(&answer);
        if let Answer::Value(value) = &answer {
            let found = value.leaves();
            let is_right = found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| is_same(found, wanted));
            if !is_right {
                let shown = words.join(" ");
                self.wrong(format!("{shown}: {value} instead of {}", wanted.join(" ")));
            }
        }
        Ok(())
    }

    /// Another value than was sent. What else there is in the situation is still tried.
    pub fn wrong(&mut self, note: String) {
        if self.worst < Verdict::Wrong {
            self.worst = Verdict::Wrong;
            self.note = note;
        }
    }

    fn bear(&mut self, answer: &Answer) {
        if let Answer::Error(text) = answer {
            self.erred = true;
            if self.note.is_empty() {
                self.note.clone_from(text);
            }
        }
    }

    /// The client is right again, by itself: until then it may fail, and it may never have the reply of another
    /// command.
    pub fn probe(&mut self) -> Outcome {
        self.probe_with("ECHO", |trial, text| trial.ask(&["ECHO", text]))
    }

    /// The same of a client of several servers: what it writes to each of the keys is what it reads there.
    pub fn probe_keys(&mut self, keys: &[&str]) -> Outcome {
        self.probe_with("GET of", |trial, text| {
            for key in keys {
                if let error @ Answer::Error(_) = trial.ask(&["SET", key, text])? {
                    return Ok(error);
                }
            }
            for key in keys {
                let answer = trial.ask(&["GET", key])?;
                if answer != Answer::Value(Json::text(text)) {
                    return Ok(answer);
                }
            }
            Ok(Answer::Value(Json::text(text)))
        })
    }

    /// Asks for texts, each another one, until enough of them come back.
    fn probe_with(
        &mut self,
        what: &str,
        ask: impl Fn(&mut Self, &str) -> Result<Answer, End>,
    ) -> Outcome {
        let begin = Instant::now();
        let mut right = 0;
        for _ in 0..PROBES {
            let text = token();
            match ask(self, &text)? {
                Answer::Value(Json::Text(found)) if found == text => right += 1,
                Answer::Value(found) => {
                    let note = format!("{what} {text} returned {found}");
                    return Err(End::Verdict(Verdict::OutOfStep, note));
                }
                answer => {
                    self.bear(&answer);
                    right = 0;
                    thread::sleep(PAUSE);
                }
            }
            if right == RIGHT_PROBES {
                return Ok(());
            }
            if right == 0 && begin.elapsed() > self.patience {
                break;
            }
        }
        Err(End::Verdict(Verdict::Error, std::mem::take(&mut self.note)))
    }

    /// The client goes by itself, and another one comes without a fault in its way.
    pub fn close(&mut self) -> Outcome {
        self.try_ask(&["@close"])
    }

    pub fn pause(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }

    /// The most memory that the adapter has had, in KiB, where the system tells.
    pub fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.adapter.id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

/// Whether a library returned what was sent: numbers have several spellings.
fn is_same(found: &str, wanted: &str) -> bool {
    if found == wanted {
        return true;
    }
    match wanted {
        "true" => ["1", "True"].contains(&found),
        "null" => found.is_empty(),
        _ => match (found.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(found), Ok(wanted)) if wanted.is_nan() => found.is_nan(),
            (Ok(found), Ok(number)) => {
                // An integer is right to its last digit.
                let is_double = wanted.contains(['.', 'i', 'e']) || wanted == "-0";
                is_double
                    && found == number
                    && found.is_sign_negative() == number.is_sign_negative()
            }
            _ => false,
        },
    }
}

/// A text that is no other's.
pub fn token() -> String {
    // Each state has keys of its own.
    format!("probe-{:016x}", RandomState::new().hash_one(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_another_spelling() {
        for (found, wanted, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("1", "1.0", true),
            ("-0.0", "-0", true),
            ("0", "-0", false),
            ("NaN", "nan", true),
            ("Infinity", "inf", true),
            ("-Infinity", "inf", false),
            ("12345678901234567891", "12345678901234567890", false),
            ("1.2345678901234568e+19", "12345678901234567890", false),
            ("1", "true", true),
            ("", "null", true),
        ] {
            assert_eq!(is_same(found, wanted), expected, "{found} {wanted}");
        }
        assert_ne!(token(), token());
    }
}
