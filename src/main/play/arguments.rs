//! The arguments of `respd play`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

pub const HELP: &str = "\
Usage: respd play [OPTION]... FILE... [HOST:PORT]

Plays conversations (docs/conversations.md) with a server and prints TAP. Without HOST:PORT each is played with a
respd of its own, on a free port of the loopback interface, configured as the conversation says. A server that is
given is to hold no keys; what '!config' says is set with CONFIG SET while the conversation is played.

  --timeout SECONDS   how long a reply is waited for (5)
  --protocol 2|3      only this protocol, where a conversation is played in both
  --flush             FLUSHALL before each conversation; only with HOST:PORT
  --ours              the server replies as respd does, where that is on purpose ('!ours')
  --reference         it replies as the reference; without either it is asked what it is
  -h, --help          print this

Exit status: 0 all passed, 1 a conversation failed, 2 they could not be played.
";

/// How long a reply is waited for, unless the arguments say so.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time that may be asked for: a year.
const LONGEST: f64 = 365.0 * 86_400.0;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub enum Asked {
    Help,
    Play(Arguments),
}

#[derive(Debug, PartialEq)]
pub struct Arguments {
    pub files: Vec<PathBuf>,
    /// `HOST:PORT`, if it is not a server of its own.
    pub server: Option<String>,
    pub timeout: Duration,
    pub protocol: Option<u8>,
    pub flushes: bool,
    /// Whether the server replies as the reference does; `None` if it is to be asked.
    pub is_reference: Option<bool>,
}

/// Reads the arguments behind `play`. The last one is a server if it looks like one and no file `exists` of that name.
pub fn parse(args: Vec<OsString>, exists: impl Fn(&OsStr) -> bool) -> Result<Asked, String> {
    let mut found = Arguments {
        files: Vec::new(),
        server: None,
        timeout: TIMEOUT,
        protocol: None,
        flushes: false,
        is_reference: None,
    };
    let mut words = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Asked::Help),
            Some("--timeout") => found.timeout = seconds(args.next())?,
            Some("--protocol") => {
                found.protocol = Some(match args.next().as_deref().and_then(OsStr::to_str) {
                    Some("2") => 2,
                    Some("3") => 3,
                    _ => return Err("--protocol takes 2 or 3".to_owned()),
                });
            }
            Some("--flush") => found.flushes = true,
            Some("--ours") => found.is_reference = Some(false),
            Some("--reference") => found.is_reference = Some(true),
            Some("--") => words.extend(args.by_ref()),
            Some(flag) if flag.starts_with('-') => {
                return Err(format!("there is no option {flag}: see respd play --help"));
            }
            _ => words.push(arg),
        }
    }
    found.server = words
        .pop_if(|last| !exists(last) && is_server(last))
        .map(|server| server.to_string_lossy().into_owned());
    found.files = words.into_iter().map(PathBuf::from).collect();
    if found.files.is_empty() {
        return Err("there is no conversation to play: see respd play --help".to_owned());
    }
    if found.flushes && found.server.is_none() {
        return Err("--flush is for a server that is given: HOST:PORT".to_owned());
    }
    if found.is_reference == Some(true) && found.server.is_none() {
        return Err("--reference is for a server that is given: HOST:PORT".to_owned());
    }
    Ok(Asked::Play(found))
}

fn seconds(word: Option<OsString>) -> Result<Duration, String> {
    let seconds = word.as_deref().and_then(OsStr::to_str).and_then(|word| word.parse::<f64>().ok());
    match seconds {
        Some(seconds) if seconds > 0.0 && seconds <= LONGEST => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("--timeout takes seconds, more than 0: 5, 0.5".to_owned()),
    }
}

/// Returns whether a word is `HOST:PORT`.
fn is_server(word: &OsStr) -> bool {
    word.to_str().and_then(|word| word.rsplit_once(':')).is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        let args = line.split_whitespace().map(OsString::from).collect();
        match parse(args, |file| file == "odd:7")? {
            Asked::Play(arguments) => Ok(arguments),
            Asked::Help => Err("help".to_owned()),
        }
    }

    #[test]
    fn files_come_first_and_a_server_last() {
        let found = read("a.txt b.txt --timeout 0.5 [::1]:6379 --flush --reference").unwrap();
        assert_eq!(found.files, [PathBuf::from("a.txt"), "b.txt".into()]);
        assert_eq!(found.server.as_deref(), Some("[::1]:6379"));
        assert_eq!(found.timeout, Duration::from_millis(500));
        assert!(found.flushes && found.is_reference == Some(true));
        let found = read("a.txt odd:7").unwrap();
        assert_eq!((found.files.len(), found.server), (2, None), "a file of that name is one");
        assert_eq!(read("-- --x.txt").unwrap().files, [PathBuf::from("--x.txt")]);
        assert_eq!(read("a.txt --protocol 3 -h"), Err("help".to_owned()));
    }

    #[test]
    fn what_cannot_be_meant_is_told_in_words() {
        for (line, reason) in [
            ("", "no conversation"),
            ("127.0.0.1:6379", "no conversation"),
            ("--loud a.txt", "there is no option --loud"),
            ("a.txt --timeout", "--timeout takes seconds"),
            ("a.txt --timeout 0", "--timeout takes seconds"),
            ("a.txt --timeout inf", "--timeout takes seconds"),
            ("a.txt --timeout NaN", "--timeout takes seconds"),
            ("a.txt --protocol 4", "--protocol takes 2 or 3"),
            ("a.txt --flush", "--flush is for a server"),
            ("a.txt --reference", "--reference is for a server"),
        ] {
            let told = read(line).unwrap_err();
            assert!(told.contains(reason), "{line}: {told}");
        }
    }
}
