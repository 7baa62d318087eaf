//! From commands of an embedder to their rows, and what is wrong with them.
//!
//! A mistake in a row of respd's own is found by a test; one of an embedder's is found here, before the server listens.
//! What has a mistake becomes a row all the same, so that all mistakes are found at once.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Bound;

use super::command::{Command, Commands};
use super::keys::{At, Keys};
use crate::dispatch::Table;
use crate::dispatch::arity::Arity;
use crate::dispatch::help;
use crate::dispatch::own::OwnCommand;
use crate::dispatch::spec::{
    Begin, Channels, Find, Flags, KeyFlags, KeySpec, Spec, category, flag, key, not_a_command,
};
use crate::dispatch::synopsis::{self, Argument, Words};

/// The rows of groups of commands, group by group and without the closures; and a sentence for each mistake.
pub(super) fn of_groups(groups: &[Commands]) -> (Vec<Vec<OwnCommand>>, Vec<String>) {
    let mut checks = Checks::default();
    let rows = groups.iter().map(|group| checks.group(group)).collect();
    (rows, checks.mistakes)
}

/// Adds the rows of groups to a table, with their closures. Returns the states of the groups.
pub(super) fn add_to(
    table: &mut Table,
    rows: Vec<Vec<OwnCommand>>,
    groups: Vec<Commands>,
) -> Vec<Box<dyn Any + Send>> {
    let mut states = Vec::new();
    for (mut rows, Commands { group, commands, state }) in rows.into_iter().zip(groups) {
        for (row, command) in rows.iter_mut().zip(commands) {
            give_closures(row, command);
        }
        table.add_own_group(group, rows, states.len());
        states.push(state);
    }
    states
}

/// Puts the closures of a command into its rows.
fn give_closures(row: &mut OwnCommand, command: Command) {
    row.closure = command.closure;
    // HELP stands behind those that were declared.
    for (row, command) in row.subcommands.iter_mut().zip(command.subcommands) {
        give_closures(row, command);
    }
}

/// How many key specs a row has room for.
const MOST_KEY_SPECS: usize = 3;

/// The highest number in a key spec: arguments are counted so far, as in an arity.
const HIGHEST_INDEX: usize = i16::MAX as usize;

/// How many bytes the name of a command has at most.
const LONGEST_NAME: usize = 255;

/// What an embedder's command may be in the words of COMMAND INFO; what else these say follows from its builder.
const OWN_FLAGS: Flags = flag::FAST
    | flag::BLOCKING
    | flag::ADMIN
    | flag::DENYOOM
    | flag::NO_AUTH
    | flag::LOADING
    | flag::STALE
    | flag::NO_MULTI
    | flag::NOSCRIPT;

/// What has been found among all commands so far.
#[derive(Default)]
struct Checks {
    mistakes: Vec<String>,
    names: BTreeSet<String>,
    categories: BTreeSet<&'static str>,
}

/// A command whose row is being made.
struct Making<'a> {
    checks: &'a mut Checks,
    command: &'a Command,
    full_name: String,
    /// How many arguments its name takes.
    names: usize,
    /// The range of numbers of arguments.
    least: usize,
    most: Option<usize>,
}

impl Checks {
    fn group(&mut self, group: &Commands) -> Vec<OwnCommand> {
        if group.group.is_empty() {
            let names: Vec<&str> = group.commands.iter().map(|command| command.spec.name).collect();
            self.mistakes
                .push(format!("the group of the commands '{}' has no name", names.join(" ")));
        }
        group.commands.iter().map(|command| self.command(command, None)).collect()
    }

    fn command(&mut self, command: &Command, container: Option<&str>) -> OwnCommand {
        let name = command.spec.name;
        let full_name = match container {
            Some(container) => format!("{container}|{name}"),
            None => name.to_owned(),
        };
        let names = 1 + usize::from(container.is_some());
        let mut making =
            Making { checks: self, command, full_name, names, least: names, most: None };
        making.row()
    }
}

impl Making<'_> {
    fn row(&mut self) -> OwnCommand {
        self.check_name();
        let arguments = self.arguments();
        self.settle_arity(arguments.as_deref());
        let spec = self.spec();
        self.check_keys(&spec, arguments.as_deref().unwrap_or_default());
        self.check_channels(&spec);
        self.check_categories();
        OwnCommand {
            arity: Arity::between(self.least, self.most),
            closure: None,
            categories: self.command.categories.clone(),
            subcommands: self.subcommands(&spec),
            spec,
        }
    }

    fn is_wrong(&mut self, mistake: impl Display) {
        self.checks.mistakes.push(format!("command '{}': {mistake}", self.full_name));
    }

    fn check_name(&mut self) {
        let name = self.command.spec.name;
        let is_wrong = |c: char| c.is_whitespace() || c.is_control() || c == '|';
        if name.is_empty() {
            self.is_wrong("a command needs a name");
        } else if name.contains(is_wrong) {
            self.is_wrong("a name has no blanks, no control characters and no '|'");
        } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.is_wrong("the name of a constant row is in small letters");
        } else if name.starts_with('@') {
            self.is_wrong("a name does not begin as those of categories do, with '@'");
        } else if name.len() > LONGEST_NAME {
            self.is_wrong(format_args!("a name has at most {LONGEST_NAME} bytes"));
        } else if !self.checks.names.insert(self.full_name.clone()) {
            self.is_wrong("there are two of this name");
        }
        if self.command.spec.summary.contains(char::is_control) {
            self.is_wrong("its summary is more than a line of text");
        }
        let is_alone = self.command.closure.is_none() && self.command.subcommands.is_empty();
        if is_alone && !self.command.is_constant {
            self.is_wrong("it has neither a closure nor subcommands");
        }
    }

    /// The arguments of the synopsis, if there is one that can be read.
    fn arguments(&mut self) -> Option<Vec<Argument>> {
        match synopsis::parse(self.command.synopsis?) {
            Ok(arguments) => Some(arguments),
            Err(mistake) => {
                self.is_wrong(format_args!("its synopsis cannot be read: {mistake}"));
                None
            }
        }
    }

    fn settle_arity(&mut self, arguments: Option<&[Argument]>) {
        let words = arguments.map(Words::of_all);
        let told =
            words.map(|words| (self.names + words.least, words.most.map(|most| self.names + most)));
        let declared = self.declared_arity();
        (self.least, self.most) = match (declared, told) {
            (Some(declared), _) => declared,
            (None, _) if self.runs_alone() => (self.names, None),
            (None, _) if self.is_container() => (self.names + 1, None),
            (None, Some(told)) => told,
            (None, None) => (self.names, None),
        };
        let (least, most, names) = (self.least, self.most, self.names);
        let shown = Shown { least, most };
        if self.is_container() {
            if declared.is_some() && !self.command.is_constant {
                self.is_wrong(
                    "a command with subcommands has no arity: it runs when it stands alone",
                );
            }
            return;
        }
        if least < names {
            self.is_wrong(format_args!(
                "its arity {shown} begins below {names}, and its name counts"
            ));
        } else if most.is_some_and(|most| most < least) {
            self.is_wrong(format_args!(
                "its arity {shown} is empty: no request has so many arguments"
            ));
        } else if i16::try_from(least).is_err() {
            self.is_wrong(format_args!("its arity {shown} begins above {}", i16::MAX));
        } else if let Some((told_least, told_most)) = told {
            let told = Shown { least: told_least, most: told_most };
            let ends_elsewhere = most.zip(told_most).is_some_and(|(most, told)| most != told);
            if least != told_least || ends_elsewhere {
                self.is_wrong(format_args!(
                    "its arity is {shown}, and that of its synopsis {told}"
                ));
            }
        }
    }

    fn is_container(&self) -> bool {
        !self.command.subcommands.is_empty()
    }

    /// It has a closure of its own beside its subcommands.
    fn runs_alone(&self) -> bool {
        self.is_container() && self.command.closure.is_some()
    }

    /// The arity that is written down, for a constant in its row.
    fn declared_arity(&self) -> Option<(usize, Option<usize>)> {
        if self.command.is_constant {
            let arity = self.command.spec.arity;
            let least = usize::from(arity.unsigned_abs());
            return Some((least, (arity >= 0).then_some(least)));
        }
        let (start, end) = self.command.arity?;
        let least = match start {
            Bound::Included(least) => least,
            Bound::Excluded(below) => below.saturating_add(1),
            Bound::Unbounded => self.names,
        };
        let most = match end {
            Bound::Included(most) => Some(most),
            Bound::Excluded(above) => Some(above.saturating_sub(1)),
            Bound::Unbounded => None,
        };
        Some((least, most))
    }

    /// The row's spec, with its arity and its keys.
    fn spec(&mut self) -> Spec {
        let mut spec = self.command.spec;
        if self.command.is_constant {
            spec.subcommands = &[];
            return spec;
        }
        spec.flags |= self.flags();
        // What reads and changes is a command that changes.
        if spec.has(flag::WRITE) {
            spec.flags &= !flag::READ;
        }
        let least = i16::try_from(self.least).unwrap_or(i16::MAX);
        spec.arity = if self.most == Some(self.least) { least } else { -least };
        if self.command.closure.is_none() {
            spec.handler = not_a_command;
        }
        spec.synopsis = self.command.synopsis.unwrap_or_default();
        for (number, &keys) in self.command.keys.iter().enumerate() {
            self.check_declared_keys(&spec, keys);
            if number < MOST_KEY_SPECS {
                spec = spec.key(keys.flags(usual_use(&spec)), keys.place());
            }
        }
        if self.command.keys.len() > MOST_KEY_SPECS {
            self.is_wrong(format_args!("there is room for {MOST_KEY_SPECS} key specs"));
        }
        spec.secret_places(self.secret_places())
    }

    /// The flags that are said in words.
    fn flags(&mut self) -> Flags {
        let mut flags = flag::NONE;
        for word in self.command.flags.iter().flat_map(|words| words.split_whitespace()) {
            match flag::NAMES.iter().find(|(flag, name)| *name == word && OWN_FLAGS & flag != 0) {
                Some((flag, _)) => flags |= flag,
                None => self.is_wrong(format_args!("no flag is called '{word}'")),
            }
        }
        flags
    }

    /// What cannot be seen in a spec any more.
    fn check_declared_keys(&mut self, spec: &Spec, keys: Keys) {
        if let At::Range { first, last: last @ 0.., .. } = keys.at
            && (last as usize) < first
        {
            self.is_wrong(format_args!("keys from argument {first} to {last} are none"));
        }
        if keys.change() && !spec.has(flag::WRITE) {
            self.is_wrong("it changes keys, and does not say that it writes");
        }
        let numbers = match keys.at {
            At::Range { first, last, step } => [first, last.unsigned_abs() as usize, step],
            At::Counted(index) => [index; 3],
            At::Behind { from, .. } => [from; 3],
        };
        if let Some(number) = numbers.into_iter().find(|&number| number > HIGHEST_INDEX) {
            self.is_wrong(format_args!(
                "a key spec counts to {number}, and there is none above {HIGHEST_INDEX}"
            ));
        }
        if let At::Behind { word, .. } = keys.at
            && (word.is_empty() || word.contains(|c: char| c.is_whitespace() || c.is_control()))
        {
            self.is_wrong(format_args!(
                "a key spec points behind '{}', which is no word",
                word.escape_debug()
            ));
        }
    }

    fn secret_places(&mut self) -> u64 {
        let mut places = 0;
        for &index in &self.command.secrets {
            if index < self.names || !self.may_have(index) || index >= 64 {
                self.is_wrong(format_args!("argument {index} cannot be a secret"));
            } else {
                places |= 1 << index;
            }
        }
        places
    }

    /// Returns whether a request may have this argument.
    fn may_have(&self, index: usize) -> bool {
        self.most.is_none_or(|most| index < most)
    }

    fn check_keys(&mut self, spec: &Spec, arguments: &[Argument]) {
        let tokens = self.command.synopsis.map(|_| synopsis::tokens(arguments));
        for keys in spec.key_specs() {
            if let Some(mistake) = self.key_mistake(keys, tokens.as_deref()) {
                self.is_wrong(mistake);
            }
        }
        if let Some(name) = unplaced_key(arguments, spec.key_specs().len()) {
            self.is_wrong(format_args!(
                "'{name}' of its synopsis is a key that no key spec finds; if it is none: '{name}:string'"
            ));
        }
    }

    /// What is wrong with where a key spec points.
    fn key_mistake(&self, keys: &KeySpec, tokens: Option<&[&str]>) -> Option<String> {
        let (first, needed) = match (keys.begin, keys.find) {
            (_, Find::Range { step: 0, .. } | Find::Number { step: 0, .. }) => {
                return Some("a key spec in steps of 0 leads nowhere".to_owned());
            }
            (Begin::Index(first), Find::Range { last: last @ 0.., .. }) => {
                (first, Some(first.saturating_add(last as usize)))
            }
            (Begin::Index(first), Find::Range { last, .. }) => {
                let behind = first.saturating_add(last.unsigned_abs() as usize - 1);
                if !self.may_have(behind) {
                    return Some(self.behind(behind));
                }
                (first, None)
            }
            (Begin::Index(first), Find::Number { number, first: behind, .. }) => {
                let key = first.saturating_add(behind);
                if !self.may_have(key) {
                    return Some(self.behind(key));
                }
                (first, Some(first.saturating_add(number)))
            }
            (Begin::Index(first), Find::Unknown) => (first, None),
            (Begin::Keyword { word, from }, _) => {
                let key = usize::try_from(from).map_or(self.names, |from| from.saturating_add(1));
                if tokens.is_some_and(|tokens| !has_word(tokens, word)) {
                    return Some(format!(
                        "a key spec points behind '{word}', which its synopsis lacks"
                    ));
                }
                if !self.may_have(key) {
                    return Some(self.behind(key));
                }
                (usize::try_from(from).unwrap_or(self.names), None)
            }
            (Begin::Unknown, _) => return None,
        };
        match needed {
            _ if first < self.names => Some(format!(
                "a key spec points at argument {first}, which is {} name",
                if self.names == 2 { "a part of its" } else { "its" }
            )),
            Some(needed) if needed >= self.least => Some(self.behind(needed)),
            _ => None,
        }
    }

    fn behind(&self, index: usize) -> String {
        let shown = Shown { least: self.least, most: self.most };
        format!(
            "a key spec points at argument {index}, and a request may end before it: its arity is {shown}"
        )
    }

    fn check_channels(&mut self, spec: &Spec) {
        if spec.channels == Channels::First && self.least <= self.names {
            self.is_wrong("its first argument is a channel, and a request may come without");
        }
    }

    fn check_categories(&mut self) {
        for &name in &self.command.categories {
            let is_known = category::NAMES.iter().any(|&(_, known)| known == name);
            let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name == "all" || !name.chars().all(is_fit) {
                self.is_wrong(format_args!("'{name}' cannot be the name of a category"));
            } else if !is_known
                && self.checks.categories.insert(name)
                && self.checks.categories.len() > category::ROOM
            {
                self.is_wrong(format_args!(
                    "the category '{name}' is one too many: there is room for {} beside respd's own",
                    category::ROOM
                ));
            }
        }
    }

    fn subcommands(&mut self, spec: &Spec) -> Vec<OwnCommand> {
        let command = self.command;
        if !self.is_container() {
            return Vec::new();
        }
        if self.names > 1 {
            self.is_wrong("a subcommand has no subcommands");
            return Vec::new();
        }
        let subcommands = command.subcommands.iter();
        let mut rows: Vec<OwnCommand> =
            subcommands.map(|sub| self.checks.command(sub, Some(&self.full_name))).collect();
        if !command.is_constant && !rows.iter().any(|row| row.spec.name == help::ROW.name) {
            let mut row = OwnCommand::of_spec(&help::ROW);
            row.spec.flags |= spec.flags & flag::NO_AUTH;
            row.categories.clone_from(&command.categories);
            rows.push(row);
        }
        rows
    }
}

/// A range of numbers of arguments.
struct Shown {
    least: usize,
    most: Option<usize>,
}

impl Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.most {
            Some(most) => write!(f, "{}..={most}", self.least),
            None => write!(f, "{}..", self.least),
        }
    }
}

/// What a command does with keys of which it says nothing.
fn usual_use(spec: &Spec) -> KeyFlags {
    match spec.has(flag::READ) {
        true => key::RO | key::ACCESS,
        false => key::RW | key::ACCESS | key::UPDATE,
    }
}

/// A token may be several words.
fn has_word(tokens: &[&str], word: &str) -> bool {
    tokens.iter().flat_map(|token| token.split(' ')).any(|token| token.eq_ignore_ascii_case(word))
}

/// The first key of a synopsis that belongs to none of so many key specs.
fn unplaced_key(arguments: &[Argument], key_specs: usize) -> Option<&str> {
    arguments.iter().find_map(|argument| match argument.key_spec_index {
        Some(index) if usize::from(index) >= key_specs => Some(argument.name.as_str()),
        _ => unplaced_key(&argument.arguments, key_specs),
    })
}
