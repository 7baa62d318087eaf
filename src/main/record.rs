//! `respd record`: a proxy that writes what passes through it as a conversation.

mod arguments;
mod relay;
mod tape;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use arguments::{Arguments, Asked};
use relay::Relay;
use tape::Tape;

use super::{play, stdin};

/// How long the upstream may take to accept the connection that shows where it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// The exit status where it is not clear what to record, as that of 'respd play'.
const NOT_RECORDED: u8 = 2;

/// Records what the arguments say, until the process is asked to leave.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let arguments = match arguments::parse(args) {
        Ok(Asked::Help) => return super::print(arguments::HELP.trim_end()),
        Ok(Asked::Record(arguments)) => arguments,
        Err(reason) => {
            super::fail(&reason);
            return ExitCode::from(NOT_RECORDED);
        }
    };
    match record(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => super::fail(&reason),
    }
}

fn record(arguments: &Arguments) -> Result<(), String> {
    let upstream = play::reachable(&arguments.upstream, PATIENCE)?;
    let heading =
        format!("Recorded by respd {} in front of {upstream}.", env!("CARGO_PKG_VERSION"));
    let mut relay = Relay::listen(arguments.port, upstream)
        .map_err(|error| format!("cannot listen on port {}: {error}", arguments.port))?;
    // Not before: where there is no proxy, there is no file.
    let mut tape = Tape::create(&arguments.file, arguments.replaces, arguments.limit, &heading)?;
    if arguments.exits_with_stdin {
        let waker = relay.waker();
        // The thread ends with the process, if the loop has ended before.
        stdin::when_it_ends(move || drop(waker.wake()))?;
    }
    announce(&relay).map_err(|error| format!("cannot print that the proxy is ready: {error}"))?;
    let relayed = relay.run(&mut tape);
    relayed.and_then(|()| tape.end()).map_err(|error| format!("the recording ends: {error}"))
}

/// The same line as the server's `--ready`.
fn announce(relay: &Relay) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "ready pid={} tcp={}", std::process::id(), relay.addr())?;
    stdout.flush()
}
