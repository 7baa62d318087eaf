//! The arguments of `respd client-test`.

use std::ffi::OsString;
use std::time::Duration;

pub const HELP: &str = "\
Usage: respd client-test [OPTION]... -- COMMAND [ARG]...

Puts a client library through the situations in which clients break, with a server of its own, and prints TAP.
COMMAND is an adapter: a small program that uses the library. {host} and {port} in its arguments are the server's.
A line of its standard input is a JSON array of words, which it answers with a line: {\"value\": what the library
returned}, {\"error\": text, \"kind\": class} for what it raised, or {\"unsupported\": true}. Lines that do not begin with
'{' are passed over. The words are a command, or

  @connect [NAME VALUE]...   a new client: protocol (the highest that it has, unless it is told one), password,
                             name, db, cache (yes: what is read is kept, and the server tells what has changed),
                             and timeout, the longest that a command may take, in milliseconds
  @cluster PORT [NAME VALUE]...       a new client of the cluster that has a node at this port of {host}
  @sentinel PORT,... [NAME VALUE]...  a new client of the primary of the group main, which Sentinels at these ports
                             of {host} watch
  @cancel MS COMMAND...      the command, cancelled by the program after so long
  @pipeline N COMMAND...     the command N times without waiting: the first reply, the last, and how many
  @messages                  what subscriptions have got
  @close                     the end of the client

  --only GLOB       only the situations of these names
  --jobs N          how many situations are tried at a time, each with a server of its own (3)
  --timeout MS      how long an answer is waited for (3000)
  --pipeline N      how many commands the long pipeline has (1000000), for which a client has a minute
  --json            print JSON
  --list            print the situations, and leave
  -h, --help        print this

Exit status: 0 every verdict is fine, 1 one is not (a client that hangs or is out of step is never fine), 2 the
situations could not be tried.
";

/// How long an answer is waited for, unless the arguments say so.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many situations are tried at a time, unless the arguments say so: most of them wait, or have their adapter start.
const JOBS: u32 = 3;
/// The commands of the long pipeline, unless the arguments say so.
const PIPELINE: u32 = 1_000_000;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub enum Asked {
    Help,
    List,
    Try(Arguments),
}

#[derive(Debug, PartialEq)]
pub struct Arguments {
    pub only: Option<String>,
    pub patience: Duration,
    /// How many situations are tried at a time.
    pub jobs: usize,
    /// The commands of the long pipeline.
    pub pipeline: u32,
    pub is_json: bool,
    pub command: Vec<OsString>,
}

/// Reads the arguments behind `client-test`.
pub fn parse(args: Vec<OsString>) -> Result<Asked, String> {
    let mut found = Arguments {
        only: None,
        jobs: JOBS as usize,
        patience: PATIENCE,
        pipeline: PIPELINE,
        is_json: false,
        command: Vec::new(),
    };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Asked::Help),
            Some("--list") => return Ok(Asked::List),
            Some("--json") => found.is_json = true,
            Some("--only") => {
                let glob = args.next().and_then(|glob| glob.into_string().ok());
                found.only = Some(glob.ok_or("--only takes a glob")?);
            }
            Some("--timeout") => {
                // A day at most.
                let number = number(args.next(), 86_400_000);
                let number = number.ok_or("--timeout takes milliseconds: 3000")?;
                found.patience = Duration::from_millis(number.into());
            }
            Some("--jobs") => {
                let number = number(args.next(), 100);
                found.jobs = number.ok_or("--jobs takes a number up to 100: 3")? as usize;
            }
            Some("--pipeline") => {
                let number = number(args.next(), 100_000_000);
                found.pipeline = number.ok_or("--pipeline takes a number of commands: 100000")?;
            }
            Some("--") => {
                found.command = args.by_ref().collect();
            }
            _ => {
                let arg = arg.to_string_lossy();
                return Err(format!("there is no option {arg}: see respd client-test --help"));
            }
        }
    }
    if found.command.is_empty() {
        return Err("there is no adapter: respd client-test -- COMMAND {host} {port}".to_owned());
    }
    Ok(Asked::Try(found))
}

/// Whether a glob, in which `*` is any text, matches a name.
pub fn is_named(glob: &str, name: &str) -> bool {
    let Some((head, rest)) = glob.split_once('*') else { return glob == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    let mut from = name.char_indices().map(|(from, _)| from).chain([name.len()]);
    from.any(|from| is_named(rest, &name[from..]))
}

/// A number from 1 on.
fn number(word: Option<OsString>, most: u32) -> Option<u32> {
    let number = word?.into_string().ok()?.parse().ok()?;
    (1..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn what_stands_behind_two_dashes_is_the_adapter() {
        let words = "--only push* --json --jobs 2 --timeout 50 --pipeline 7 -- a --json --";
        let found = read(words).unwrap();
        let command = ["a", "--json", "--"].map(OsString::from).to_vec();
        let patience = Duration::from_millis(50);
        let only = Some("push*".to_owned());
        let expected = Arguments { only, jobs: 2, patience, pipeline: 7, is_json: true, command };
        assert_eq!(found, Asked::Try(expected));
        assert_eq!(read("--list"), Ok(Asked::List));
        assert_eq!(read("-h"), Ok(Asked::Help));
    }

    #[test]
    fn a_glob_stands_for_names() {
        for (glob, name, expected) in [
            ("a/b", "a/b", true),
            ("a", "a/b", false),
            ("a/*", "a/b", true),
            ("*b", "a/b/b", true),
            ("*x*", "a/b", false),
            ("a**b*", "a/b", true),
        ] {
            assert_eq!(is_named(glob, name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told_in_words() {
        for (line, reason) in [
            ("", "there is no adapter"),
            ("--", "there is no adapter"),
            ("a", "there is no option a"),
            ("--loud -- a", "there is no option --loud"),
            ("--only", "--only takes"),
            ("--timeout 0 -- a", "--timeout takes"),
            ("--timeout x -- a", "--timeout takes"),
            ("--timeout 86400001 -- a", "--timeout takes"),
            ("--pipeline 0 -- a", "--pipeline takes"),
            ("--jobs 0 -- a", "--jobs takes"),
            ("--jobs 101 -- a", "--jobs takes"),
        ] {
            let told = read(line).unwrap_err();
            assert!(told.contains(reason), "{line}: {told}");
        }
    }
}
