//! The binary: command line, configuration, log, signals, run.

#![forbid(unsafe_code)]

#[cfg(feature = "client-test")]
mod client_test;
mod command_line;
mod configuration;
mod help;
mod log_format;
mod log_writer;
mod logfile;
mod logging;
mod notes;
mod play;
mod record;
mod run;
mod start_lines;
mod stdin;
mod supervision;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use command_line::{Action, CommandLine, Subcommand};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match command_line::subcommand(&args, Path::exists) {
        #[cfg(feature = "client-test")]
        Some(Subcommand::ClientTest) => {
            return client_test::run(args.into_iter().skip(2).collect());
        }
        #[cfg(not(feature = "client-test"))]
        Some(Subcommand::ClientTest) => {
            fail("client-test is not in this build: it is a cargo feature of that name");
            return ExitCode::from(2);
        }
        Some(Subcommand::Play) => return play::run(args.into_iter().skip(2).collect()),
        Some(Subcommand::Record) => return record::run(args.into_iter().skip(2).collect()),
        None => {}
    }
    let line = match command_line::parse(args) {
        Ok(line) => line,
        Err(reason) => return fail(&reason),
    };
    match line.action {
        Action::Serve => serve(&line),
        Action::Check => match configuration::check(&line) {
            (told, true) => print(&told),
            (told, false) => fail(&told),
        },
        Action::PrintConfig => print(respd::internals::config::commented().trim_end()),
        Action::Help => print(help::HELP.trim_end()),
        Action::Version => print(&help::version(line.called)),
    }
}

fn serve(line: &CommandLine) -> ExitCode {
    let (configured, mut mistakes) = configuration::read(line);
    if !mistakes.is_empty() {
        mistakes.extend(configuration::faults(line, &configured));
        return fail(&mistakes.lines().join("\n"));
    }
    match run::run(line, configured) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => fail(&reason.to_string()),
    }
}

/// Prints a text on stdout. A reader that has gone, as `head` does, is no failure.
fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("cannot print: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Tells why nothing was done, each line with the name of the program.
fn fail(reason: &str) -> ExitCode {
    for line in reason.lines() {
        // There is no other place to say so.
        let _ = writeln!(io::stderr(), "respd: {line}");
    }
    ExitCode::FAILURE
}
