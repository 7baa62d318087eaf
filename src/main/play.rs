//! `respd play`: plays conversations with a server and prints TAP.

mod arguments;
mod server;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use respd::internals::conversation::{Conversation, Difference, Judge};

use arguments::{Arguments, Asked};
use server::{Given, Own, Skipped};

pub use server::reachable;

/// The exit status when the conversations could not be played: a wrong argument, a file that cannot be read, a server
/// that does not answer.
const NOT_PLAYED: u8 = 2;

/// Plays what the arguments say.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let arguments = match arguments::parse(args, |file| Path::new(file).exists()) {
        Ok(Asked::Help) => return super::print(arguments::HELP.trim_end()),
        Ok(Asked::Play(arguments)) => arguments,
        Err(reason) => return not_played(&reason),
    };
    let conversations = match arguments.files.iter().map(|file| read(file)).collect() {
        Ok(conversations) => conversations,
        Err(reason) => return not_played(&reason),
    };
    match play_all(&arguments, conversations) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => not_played(&reason),
    }
}

fn not_played(reason: &str) -> ExitCode {
    super::fail(reason);
    ExitCode::from(NOT_PLAYED)
}

fn read(file: &Path) -> Result<Conversation, String> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let text = String::from_utf8(text).map_err(|_| format!("{name} is no text"))?;
    Conversation::read(&name.to_string(), &text).map_err(|mistake| format!("{name}: {mistake}"))
}

/// A conversation in one of its protocols, and the name of the test that it is.
struct Playing {
    conversation: Conversation,
    protocol: u8,
    name: String,
}

/// Returns whether all of them passed.
fn play_all(arguments: &Arguments, conversations: Vec<Conversation>) -> Result<bool, String> {
    let mut given = match arguments.server.as_deref() {
        Some(server) => Some(Given::find(server, arguments)?),
        None => None,
    };
    let playings: Vec<Playing> =
        conversations.iter().flat_map(|found| playings(found, arguments)).collect();
    let mut tap = Tap::begin(playings.len()).map_err(cannot_print)?;
    for Playing { conversation, protocol, name } in &playings {
        let found = match &mut given {
            Some(given) => given.side(conversation).map(|mut side| {
                Judge::judge(conversation, &mut side, *protocol, given.is_reference)
            }),
            None => Own::side(conversation, arguments.timeout)
                .map(|mut side| Judge::judge(conversation, &mut side, *protocol, false)),
        };
        tap.tell(name, found).map_err(cannot_print)?;
    }
    Ok(tap.failed == 0)
}

fn cannot_print(error: io::Error) -> String {
    format!("cannot print: {error}")
}

fn playings(conversation: &Conversation, arguments: &Arguments) -> Vec<Playing> {
    let is_asked = |protocol: &u8| {
        conversation.is_plain || arguments.protocol.is_none_or(|asked| asked == *protocol)
    };
    let protocols = conversation.protocols().iter().copied().filter(is_asked);
    let playing = |protocol| {
        let conversation = conversation.clone();
        let name = match conversation.is_plain {
            true => conversation.name.clone(),
            false => format!("{} (RESP{protocol})", conversation.name),
        };
        Playing { conversation, protocol, name }
    };
    protocols.map(playing).collect()
}

/// The Test Anything Protocol on standard output, a line as soon as it is known.
struct Tap {
    count: usize,
    failed: usize,
}

impl Tap {
    fn begin(tests: usize) -> io::Result<Tap> {
        writeln!(io::stdout(), "TAP version 13\n1..{tests}")?;
        Ok(Tap { count: 0, failed: 0 })
    }

    fn tell(&mut self, name: &str, found: Result<Vec<Difference>, Skipped>) -> io::Result<()> {
        self.count += 1;
        // '#' would begin a directive.
        let name = name.replace('#', "\\#").replace('\n', " ");
        let count = self.count;
        let lines = match found {
            Err(Skipped::Because(reason)) => format!("ok {count} - {name} # SKIP {reason}\n"),
            Err(Skipped::Failed(reason)) => {
                self.failed += 1;
                format!("not ok {count} - {name}\n{}", diagnostic(&reason))
            }
            Ok(found) if found.is_empty() => format!("ok {count} - {name}\n"),
            Ok(found) => {
                self.failed += 1;
                let found = found.iter().map(|found| diagnostic(&format!("line {found}")));
                format!("not ok {count} - {name}\n{}", found.collect::<String>())
            }
        };
        let mut stdout = io::stdout().lock();
        stdout.write_all(lines.as_bytes())?;
        stdout.flush()
    }
}

/// The most bytes that are told of one difference: a wrong reply may be a very long one.
const LONGEST: usize = 4000;

/// A text as lines that TAP passes over.
fn diagnostic(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        if lines.len() > LONGEST {
            lines += "#   …\n";
            break;
        }
        let shown: String = line.chars().take(LONGEST).collect();
        let more = if shown.len() < line.len() { "…" } else { "" };
        let _ = writeln!(lines, "#   {shown}{more}");
    }
    lines
}
