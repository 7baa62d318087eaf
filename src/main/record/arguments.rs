//! The arguments of `respd record`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use respd::internals::text::number::parse_memory;

pub const HELP: &str = "\
Usage: respd record --upstream HOST:PORT [OPTION]... FILE

A proxy in front of a server that writes what passes through it as a conversation (docs/conversations.md), which
'respd play' plays. It listens on a port of the loopback interface and prints 'ready pid=... tcp=ADDR:PORT'. SIGTERM
and SIGINT end it; the file has every exchange as soon as it has passed, whatever ends the proxy. What it lacks at its end
is told on stderr. Passwords that clients send are in it.

  --upstream HOST:PORT   the server
  --port N               the port of the proxy; without it, any that is free
  --limit SIZE           let FILE have so many bytes, as 100mb, and pass on the rest without recording it; 1gb
  --replace              write over FILE if it exists
  --exit-with-stdin      leave when standard input ends, as it does when the starting program does
  -h, --help             print this
";

/// What is asked for.
#[derive(Debug, PartialEq)]
pub enum Asked {
    Help,
    Record(Arguments),
}

#[derive(Debug, PartialEq)]
pub struct Arguments {
    pub upstream: String,
    pub file: PathBuf,
    /// 0 is any that is free.
    pub port: u16,
    pub replaces: bool,
    /// How many bytes the file may have.
    pub limit: u64,
    pub exits_with_stdin: bool,
}

/// How many bytes the file may have, unless a limit is given.
const USUAL_LIMIT: u64 = 1 << 30;

/// Reads the arguments behind `record`.
pub fn parse(args: Vec<OsString>) -> Result<Asked, String> {
    let (mut upstream, mut file, mut port) = (None, None, 0);
    let (mut replaces, mut exits_with_stdin) = (false, false);
    let mut limit = USUAL_LIMIT;
    let mut args = args.into_iter();
    let mut only_files = false;
    while let Some(arg) = args.next() {
        let text = |word: Option<OsString>| word.and_then(|word| word.into_string().ok());
        match arg.to_str().filter(|_| !only_files) {
            Some("-h" | "--help") => return Ok(Asked::Help),
            Some("--upstream") => {
                let named = text(args.next()).filter(|named| is_server(named));
                upstream = Some(named.ok_or("--upstream takes HOST:PORT")?);
            }
            Some("--port") => {
                let named = text(args.next()).and_then(|port| port.parse().ok());
                port = named.ok_or("--port takes a port, from 0 to 65535")?;
            }
            Some("--limit") => {
                let size = text(args.next()).and_then(|size| parse_memory(size.as_bytes()));
                limit = size.filter(|&size| size > 0).ok_or("--limit takes a size, as 100mb")?;
            }
            Some("--replace") => replaces = true,
            Some("--exit-with-stdin") => exits_with_stdin = true,
            Some("--") => only_files = true,
            Some(flag) if flag.starts_with('-') => {
                return Err(format!("there is no option {flag}: see respd record --help"));
            }
            _ if file.is_some() => {
                return Err("there is one FILE to write, and these are two".to_owned());
            }
            _ => file = Some(arg).filter(|file| file != OsStr::new("")),
        }
    }
    Ok(Asked::Record(Arguments {
        upstream: upstream.ok_or("--upstream HOST:PORT is missing: see respd record --help")?,
        file: file.ok_or("there is no FILE to write: see respd record --help")?.into(),
        port,
        replaces,
        limit,
        exits_with_stdin,
    }))
}

fn is_server(word: &str) -> bool {
    word.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn options_stand_anywhere() {
        let Ok(Asked::Record(found)) =
            read("a.txt --upstream localhost:6379 --port 7000 --exit-with-stdin")
        else {
            panic!("it is right");
        };
        assert_eq!((found.file, found.port), (PathBuf::from("a.txt"), 7000));
        assert_eq!(found.upstream, "localhost:6379");
        assert!(found.exits_with_stdin && !found.replaces);
        assert_eq!(read("--help"), Ok(Asked::Help));
    }

    #[test]
    fn what_cannot_be_meant_is_told_in_words() {
        for (line, reason) in [
            ("", "--upstream HOST:PORT is missing"),
            ("a.txt", "--upstream HOST:PORT is missing"),
            ("--upstream a:1", "there is no FILE"),
            ("--upstream 6379 a.txt", "--upstream takes HOST:PORT"),
            ("--upstream a:0 a.txt", "--upstream takes HOST:PORT"),
            ("--upstream a:1 --port 70000 a.txt", "--port takes a port"),
            ("--upstream a:1 --port", "--port takes a port"),
            ("--upstream a:1 --loud a.txt", "there is no option --loud"),
            ("--upstream a:1 a.txt b.txt", "these are two"),
        ] {
            let told = read(line).unwrap_err();
            assert!(told.contains(reason), "{line}: {told}");
        }
    }
}
