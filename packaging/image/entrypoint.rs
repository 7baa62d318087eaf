//! The image's entry point: what `docker run IMAGE ARGUMENTS…` is taken for. There is no shell in the image.
//!
//! The command may be named, as redis-server's or valkey-server's image has it: `redis-server --save ''`. What comes
//! then, or at once, is what respd takes: a configuration file, or options. In a container the server listens on every
//! address, without protected mode, and works in the folder of its volume, unless an option or the file says otherwise.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The names of the server.
const NAMES: [&str; 3] = ["respd", "redis-server", "valkey-server"];
const BINARY: &str = "/usr/bin/respd";
/// What a directive is in a container, and the words of its option.
const DEFAULTS: [(&str, &[&str]); 3] =
    [("bind", &["*", "-::*"]), ("protected-mode", &["no"]), ("dir", &["/data"])];

fn main() -> ExitCode {
    let mut given: Vec<OsString> = std::env::args_os().skip(1).collect();
    if given.first().is_some_and(|first| NAMES.iter().any(|name| first == name)) {
        given.remove(0);
    }
    let file = given.first().filter(|first| !first.as_encoded_bytes().starts_with(b"-")).cloned();
    let written = file.as_ref().and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    let mut command = Command::new(BINARY);
    if let Some(file) = &file {
        command.arg(file);
        given.remove(0);
    }
    for (name, words) in DEFAULTS {
        if !is_option(&given, name) && !is_written(&written, name) {
            command.arg(format!("--{name}")).args(words);
        }
    }
    // Returns only if there is no such program.
    let error = command.args(given).exec();
    eprintln!("{BINARY}: {error}");
    ExitCode::FAILURE
}

/// Returns whether a directive is given as `--NAME VALUE`, `--NAME=VALUE` or `-o NAME=VALUE`.
fn is_option(given: &[OsString], name: &str) -> bool {
    let is_name = |word: &OsStr, behind: &str| {
        let word = word.as_encoded_bytes();
        let word = word.strip_prefix(behind.as_bytes()).unwrap_or_default();
        word.split(|&byte| byte == b'=').next().unwrap_or_default().eq_ignore_ascii_case(name.as_bytes())
    };
    given.iter().any(|word| is_name(word, "--"))
        || given.windows(2).any(|pair| (pair[0] == "-o" || pair[0] == "--option") && is_name(&pair[1], ""))
}

/// Returns whether a line of the file is about a directive. Files that it includes are not read: they say what they
/// say, and the option wins.
fn is_written(file: &[u8], name: &str) -> bool {
    file.split(|&byte| byte == b'\n').any(|line| {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.next().is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    })
}
