//! The ACL file: a `user NAME RULE…` line for each user. It is loaded as a whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::rule::{BadRule, Grammar, join_selectors};
use super::user::User;
use crate::world::config::replace_file;

/// The users of the file at `path`. The error is a text for whoever wants them loaded; about lines
/// with a mistake it says the most that gives no password away.
pub fn load(path: &Path, grammar: Grammar<'_>) -> Result<Vec<User>, Vec<u8>> {
    let text = fs::read(path).map_err(|error| {
        let reason = reason(&error);
        format!("Error loading ACLs, opening file '{}': {reason}", path.display())
    })?;
    parse(path, &text, grammar)
}

/// Writes `users` to the file at `path`, in one step. The file keeps its mode.
pub fn save<'a>(path: &Path, users: impl Iterator<Item = &'a User>) -> io::Result<()> {
    let mut text = Vec::new();
    for user in users {
        text.extend_from_slice(&line(user));
        text.push(b'\n');
    }
    replace_file(path, &text)
}

/// A user as the file and ACL LIST show it.
pub fn line(user: &User) -> Vec<u8> {
    [b"user ", &user.name[..], b" ", &user.describe()].concat()
}

/// What the operating system calls an error.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

fn parse(path: &Path, text: &[u8], grammar: Grammar<'_>) -> Result<Vec<User>, Vec<u8>> {
    let mut users = Vec::new();
    let mut names = BTreeSet::new();
    let mut errors = Vec::new();
    for (line, number) in text.split(|&byte| byte == b'\n').zip(1..) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let place = format!("{}:{number}", path.display());
        let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let &[b"user", name, ref rules @ ..] = &words[..] else {
            let error =
                format!("{place} should start with user keyword followed by the username. ");
            errors.extend_from_slice(error.as_bytes());
            continue;
        };
        if name.iter().any(|byte| b"\t\r\0".contains(byte)) {
            let parts =
                [b"'", place.as_bytes(), b": username '", name, b"' contains invalid characters. "];
            errors.extend_from_slice(&parts.concat());
            continue;
        }
        if !names.insert(name) {
            let end = format!("' found on line {number}. ");
            errors
                .extend_from_slice(&[b"WARNING: Duplicate user '", name, end.as_bytes()].concat());
            continue;
        }
        let mut user = User::new(name, grammar);
        read_rules(&mut user, rules, &place, grammar, &mut errors);
        users.push(user);
    }
    if errors.is_empty() {
        return Ok(users);
    }
    errors.extend_from_slice(
        b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
    );
    Err(errors)
}

/// Applies the rules of a line. All unknown commands are told, with their names, and of other errors
/// the first alone, because later ones may follow from it.
fn read_rules(
    user: &mut User,
    rules: &[&[u8]],
    place: &str,
    grammar: Grammar<'_>,
    errors: &mut Vec<u8>,
) {
    let Ok(rules) = join_selectors(rules) else {
        let error = format!("{place}: Unmatched parenthesis in selector definition.");
        errors.extend_from_slice(error.as_bytes());
        return;
    };
    let mut is_first = true;
    for rule in &rules {
        match user.apply(rule.trim_ascii(), grammar) {
            Ok(()) => {}
            Err(reason @ BadRule::UnknownCommand) => {
                let start = format!("{place}: Error in applying operation '");
                let end = format!("': {}. ", reason.text());
                errors.extend_from_slice(&[start.as_bytes(), rule, end.as_bytes()].concat());
            }
            Err(reason) => {
                if std::mem::take(&mut is_first) {
                    errors.extend_from_slice(format!("{place}: {}. ", reason.text()).as_bytes());
                }
            }
        }
    }
}
