//! Every command and every option occurs in a conversation, with a reply that is no error.
//!
//! What there is to say is read from the synopses in the command table; adding a command or an option
//! therefore asks for a conversation, and names it here until there is one.

use std::collections::{BTreeMap, BTreeSet};

use respd::internals::conversation::{Act, Names, Pattern, Step};
use respd::internals::dispatch::synopsis::{self, Argument, Words};
use respd::internals::dispatch::{Row, Table};
use respd::internals::embed::groups;

use crate::files;

/// What no conversation can hold, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("asking", "an error without a cluster"),
    (
        "bgsave",
        "its replies depend on how fast it is: `persistence`, and the errors in `persistence/save.txt`",
    ),
    ("cluster", "every subcommand is an error here"),
    ("shutdown", "ends the server: `process`"),
    ("sync", "its reply is a file: `copies`"),
    ("config|rewrite", "needs a file: `process`"),
    ("script|kill", "needs a script that runs: `busy`"),
    ("function|kill", "needs a function that runs: `functions`"),
    ("acl|load", "needs a file: `acl`"),
    ("acl|save", "needs a file: `acl`"),
    ("script|kill", "needs a script that runs meanwhile: `busy`"),
    ("function|kill", "needs a function that runs meanwhile: `busy`"),
];

/// What is said of a command: its words, in capitals.
type Said = Vec<Vec<String>>;

#[test]
fn every_option_has_a_reply() {
    let table = Table::new(groups());
    let said = said(&table);
    let mut missing = Vec::new();
    for row in table.rows().filter(|row| row.subcommands.is_empty()) {
        let is_elsewhere = |(name, _): &(&str, &str)| {
            row.full_name == *name || row.full_name.starts_with(&format!("{name}|"))
        };
        if ELSEWHERE.iter().any(is_elsewhere) {
            continue;
        }
        let none = Said::new();
        let said = said.get(row.full_name.as_str()).unwrap_or(&none);
        if said.is_empty() {
            missing.push(row.full_name.clone());
            continue;
        }
        let left = options(row).into_iter().filter(|option| !option.occurs_in(said));
        missing.extend(left.map(|option| format!("{} {option:?}", row.full_name)));
    }
    assert!(
        missing.is_empty(),
        "{} are in no conversation:\n{}",
        missing.len(),
        missing.join("\n")
    );
}

/// What a row says that no reply shows, as that a command may run while the server loads, COMMAND INFO tells.
#[test]
fn every_row_is_asked_about() {
    let table = Table::new(groups());
    let said = said(&table);
    let asked: BTreeSet<&str> = said["command|info"].iter().flatten().map(String::as_str).collect();
    let missing: Vec<&str> = table
        .rows()
        .filter(|row| row.subcommands.is_empty())
        .map(|row| row.full_name.as_str())
        .filter(|name| !asked.contains(name.to_uppercase().as_str()))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "are in no COMMAND INFO");
}

/// What a synopsis leaves to the client.
#[derive(Debug)]
enum Choice {
    /// A word of its own.
    Token(&'static str),
    /// So many words at least.
    Words(usize),
}

impl Choice {
    fn occurs_in(&self, said: &Said) -> bool {
        said.iter().any(|words| match self {
            Choice::Token(token) => {
                let token: Vec<&str> = token.split(' ').collect();
                words[1..].windows(token.len()).any(|found| found == token)
            }
            Choice::Words(least) => words.len() >= *least,
        })
    }
}

fn options(row: &Row) -> Vec<Choice> {
    let arguments = synopsis::parse(row.spec.synopsis).unwrap_or_default();
    let tokens = synopsis::tokens(&arguments);
    let mut options: Vec<Choice> =
        tokens.into_iter().filter(|token| !token.is_empty()).map(Choice::Token).collect();
    let is_bare = |argument: &Argument| argument.token.is_none();
    let may_be_more = arguments
        .iter()
        .any(|argument| (argument.optional || argument.multiple) && is_bare(argument));
    if may_be_more {
        let name = row.full_name.split('|').count();
        options.push(Choice::Words(name + Words::of_all(&arguments).least + 1));
    }
    options
}

/// The requests in all conversations that have a reply, by command.
fn said(table: &Table) -> BTreeMap<&str, Said> {
    let mut said: BTreeMap<&str, Said> = BTreeMap::new();
    for conversation in files::all() {
        for step in conversation.steps.iter().filter(|step| is_answered(step)) {
            let Act::Send { words, .. } = &step.act else { continue };
            // What stands in braces is no option.
            let words = words.iter().map(|word| word.bytes(&Names::new()).unwrap_or_default());
            let words: Vec<Vec<u8>> = words.collect();
            let Some(row) = row(table, &words) else { continue };
            let words = words.iter().map(|word| String::from_utf8_lossy(word).to_uppercase());
            said.entry(row.full_name.as_str()).or_default().push(words.collect());
        }
    }
    said
}

/// The row that a request means.
fn row<'t>(table: &'t Table, words: &[Vec<u8>]) -> Option<&'t Row> {
    let row = table.command(words.first()?)?;
    match words.get(1) {
        Some(name) if !row.subcommands.is_empty() => table.subcommand(row, name),
        _ => Some(row),
    }
}

/// Whether the step has a reply that says more than that there is something wrong. A command that
/// waits has it later.
fn is_answered(step: &Step) -> bool {
    let mut replies = step.replies.iter().filter_map(|reply| reply.pattern.as_ref());
    replies.all(|reply| match reply {
        Pattern::Scalar(b'-', _) => false,
        Pattern::Scalar(b'+', text) => {
            text.bytes(&Names::new()).is_none_or(|text| text != b"QUEUED")
        }
        _ => true,
    })
}
