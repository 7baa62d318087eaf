//! The ACL file: a `user NAME RULE…` line for each user. It is loaded as a whole or not at all.

use std::collections::BTreeSet;
use std::path::Path;

use super::grammar::Grammar;
use super::rule::{BadRule, join_selectors};
use super::user::User;

/// The content of a file with these users.
pub(crate) fn print<'a>(users: impl Iterator<Item = &'a User>) -> Vec<u8> {
    let mut text = Vec::new();
    for user in users {
        text.extend_from_slice(&line(user));
        text.push(b'\n');
    }
    text
}

/// A user as the file and ACL LIST show it.
fn line(user: &User) -> Vec<u8> {
    line_with(user, None)
}

/// The same with another flag, which says nothing here.
pub(crate) fn line_with(user: &User, flag: Option<&'static str>) -> Vec<u8> {
    [b"user ", &user.name[..], b" ", &user.describe_with(flag)].concat()
}

/// The users of `text`, which is the content of the file at `path`. The error is the text of a reply; about
/// lines with a mistake it says the most that gives no password away.
pub(crate) fn parse(path: &Path, text: &[u8], grammar: Grammar<'_>) -> Result<Vec<User>, Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::NoCommands;
    use crate::config::persona::PERSONAS;

    const GRAMMAR: Grammar<'_> =
        Grammar { commands: &NoCommands, persona: &PERSONAS[0], all_channels: false };

    fn read(text: &str) -> Result<Vec<String>, String> {
        let shown = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        parse(Path::new("f"), text.as_bytes(), GRAMMAR)
            .map(|users| users.iter().map(|user| shown(line(user))).collect())
            .map_err(shown)
    }

    #[test]
    fn a_line_is_a_user() {
        let text = "user ann on ~a* (~b  db=1 )\r\n\n \t user \"q\" nopass  \nuser  on";
        let ann = "user ann on ~a* resetchannels -@all (~b resetchannels db=1 -@all)";
        let quoted = "user \"q\" off nopass resetchannels -@all";
        // Two spaces enclose an empty name; the rule is `on`.
        let nameless = "user  on resetchannels -@all";
        assert_eq!(read(text), Ok([ann, quoted, nameless].map(str::to_owned).to_vec()));
        assert_eq!(read(""), Ok(vec![]));
    }

    #[test]
    fn one_mistake_refuses_the_file() {
        const END: &str = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
        for (text, errors) in [
            ("# ann", "f:1 should start with user keyword followed by the username. "),
            ("\nUSER ann", "f:2 should start with user keyword followed by the username. "),
            ("user", "f:1 should start with user keyword followed by the username. "),
            ("user a\tb on", "'f:1: username 'a\tb' contains invalid characters. "),
            ("user a\nuser b\nuser a", "WARNING: Duplicate user 'a' found on line 3. "),
            ("user a (~x", "f:1: Unmatched parenthesis in selector definition."),
            ("user a nope never", "f:1: Syntax error. "),
            (
                "user a <secret",
                "f:1: The password you are trying to remove from the user does not exist. ",
            ),
            (
                "user a +one nope -two",
                "f:1: Error in applying operation '+one': Unknown command or category name in ACL. \
                 f:1: Syntax error. \
                 f:1: Error in applying operation '-two': Unknown command or category name in ACL. ",
            ),
            ("user a x\nuser b\nuser c y", "f:1: Syntax error. f:3: Syntax error. "),
        ] {
            assert_eq!(read(text), Err(format!("{errors}{END}")), "{text}");
        }
    }
}
