//! The commands that rules grant: a bit for each, and the rules that led there.

use std::collections::{BTreeMap, BTreeSet};

use super::grammar::{Grammar, Vocabulary};
use super::rule::BadRule;
use super::unimplemented;
use crate::telemetry::CommandId;

/// Which commands are granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commands {
    /// By [`CommandId`].
    granted: Box<[u64]>,
    /// `+@all` was the last word about all commands: those of later versions are granted too.
    future: bool,
    /// The rules since then that still mean something.
    rules: Rules,
    /// The first arguments with which a command is granted that is not granted as such, in small letters.
    first_args: BTreeMap<CommandId, BTreeSet<Box<[u8]>>>,
}

/// Rules in the order in which they were given, each about a name of its own. A client chooses how many
/// there are, so a further one is not compared with all of them.
#[derive(Debug, Clone, Default)]
struct Rules {
    by_place: BTreeMap<u64, Rule>,
    places: BTreeMap<Box<[u8]>, u64>,
}

/// `+name` or `-name`: a command, `command|subcommand`, `command|argument` or `@category`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    grants: bool,
    name: Box<[u8]>,
}

impl Rules {
    /// Adds a rule about `name`, in small letters. Those about the same, or about a part of it, mean nothing
    /// any more.
    fn add(&mut self, grants: bool, name: &[u8]) {
        let overruled: Vec<Box<[u8]>> = self.about(name).cloned().collect();
        for name in &overruled {
            if let Some(place) = self.places.remove(name) {
                self.by_place.remove(&place);
            }
        }
        let place = self.by_place.last_key_value().map_or(0, |(last, _)| last + 1);
        self.places.insert(name.into(), place);
        self.by_place.insert(place, Rule { grants, name: name.into() });
    }

    /// The names in rules that are `name` or a part of it. They stand together but for `name` itself, between
    /// which and its parts there may be others: `get`, `getex`, `get|x`.
    fn about<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = &'a Box<[u8]>> + use<'a> {
        let part: Box<[u8]> = [name, b"|"].concat().into();
        let itself = self.places.get_key_value(name).map(|(name, _)| name);
        let parts = self.places.range(part.clone()..).map(|(name, _)| name);
        itself.into_iter().chain(parts.take_while(move |name| name.starts_with(&part)))
    }

    fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.by_place.values()
    }
}

/// Rules that mean nothing any more make no difference.
impl PartialEq for Rules {
    fn eq(&self, other: &Rules) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Rules {}

/// What a rule names.
#[derive(Clone, Copy)]
enum Named<'a> {
    Command(CommandId),
    /// A command of the reference, by its full name.
    Unimplemented(&'a [u8]),
}

impl<'a> Named<'a> {
    fn find(full_name: &'a [u8], grammar: Grammar<'_>) -> Result<Named<'a>, BadRule> {
        match grammar.commands.named(full_name) {
            Some(id) => Ok(Named::Command(id)),
            None if unimplemented::is_known(grammar.persona, full_name) => {
                Ok(Named::Unimplemented(full_name))
            }
            None => Err(BadRule::UnknownCommand),
        }
    }

    fn is_subcommand(self, grammar: Grammar<'_>) -> bool {
        match self {
            Named::Command(id) => grammar.commands.container(id).is_some(),
            Named::Unimplemented(full_name) => full_name.contains(&b'|'),
        }
    }

    fn has_subcommands(self, grammar: Grammar<'_>) -> bool {
        match self {
            Named::Command(id) => !grammar.commands.subcommands(id).is_empty(),
            Named::Unimplemented(full_name) => unimplemented::has_subcommands(full_name),
        }
    }
}

impl Commands {
    pub(crate) fn none(vocabulary: &dyn Vocabulary) -> Commands {
        Commands {
            granted: vec![0; vocabulary.size().div_ceil(64)].into(),
            future: false,
            rules: Rules::default(),
            first_args: BTreeMap::new(),
        }
    }

    /// `+@all` or `-@all`.
    pub(crate) fn set_all(&mut self, grants: bool) {
        self.granted.fill(if grants { u64::MAX } else { 0 });
        self.future = grants;
        self.rules = Rules::default();
        self.first_args.clear();
    }

    /// Whether there is nothing that is not granted.
    pub(crate) fn are_all(&self) -> bool {
        self.future && self.granted.iter().all(|&bits| bits == u64::MAX)
    }

    /// Whether a command is granted. `first` is its first argument.
    #[inline]
    pub(crate) fn allow(&self, id: CommandId, first: Option<&[u8]>) -> bool {
        let is_granted = self.granted[id.index() / 64] >> (id.index() % 64) & 1 == 1;
        is_granted || (!self.first_args.is_empty() && self.allow_with(id, first))
    }

    fn allow_with(&self, id: CommandId, first: Option<&[u8]>) -> bool {
        match (self.first_args.get(&id), first) {
            (Some(known), Some(first)) => known.contains(&first.to_ascii_lowercase()[..]),
            _ => false,
        }
    }

    /// `+name` or `-name`: a command, or one subcommand. `+command|argument` grants a command that
    /// has no subcommands as long as that is its first argument. What is not implemented grants nothing.
    pub(crate) fn apply(
        &mut self,
        grants: bool,
        name: &[u8],
        grammar: Grammar<'_>,
    ) -> Result<(), BadRule> {
        let bar = name.iter().rposition(|&byte| byte == b'|').filter(|_| grants);
        if let Some(bar) = bar {
            let (command, arg) = (Named::find(&name[..bar], grammar)?, &name[bar + 1..]);
            if command.is_subcommand(grammar) {
                return Err(BadRule::ArgumentOfSubcommand);
            } else if arg.is_empty() {
                return Err(BadRule::Syntax);
            } else if !command.has_subcommands(grammar) {
                if let Named::Command(id) = command {
                    self.add_first_arg(id, arg);
                }
                self.note(grants, name);
                return Ok(());
            }
        }
        if let Named::Command(id) = Named::find(name, grammar)? {
            self.set(id, grants, grammar.commands);
        }
        self.note(grants, name);
        Ok(())
    }

    /// `+@name` or `-@name`.
    pub(crate) fn apply_category(
        &mut self,
        grants: bool,
        name: &[u8],
        grammar: Grammar<'_>,
    ) -> Result<(), BadRule> {
        for command in grammar.commands.category(name).ok_or(BadRule::UnknownCommand)? {
            self.set(command, grants, grammar.commands);
        }
        self.note(grants, &[b"@", name].concat());
        Ok(())
    }

    /// Grants a command with its subcommands, or takes them away.
    fn set(&mut self, id: CommandId, grants: bool, vocabulary: &dyn Vocabulary) {
        let bit = 1 << (id.index() % 64);
        let bits = &mut self.granted[id.index() / 64];
        *bits = if grants { *bits | bit } else { *bits & !bit };
        self.first_args.remove(&id);
        for &subcommand in vocabulary.subcommands(id) {
            self.set(subcommand, grants, vocabulary);
        }
    }

    fn add_first_arg(&mut self, id: CommandId, arg: &[u8]) {
        self.first_args.entry(id).or_default().insert(arg.to_ascii_lowercase().into());
    }

    fn note(&mut self, grants: bool, name: &[u8]) {
        self.rules.add(grants, &name.to_ascii_lowercase());
    }

    /// Appends the rules that make the same of a new user.
    pub(crate) fn describe(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.future { b"+@all" } else { b"-@all" });
        for rule in self.rules.iter() {
            out.extend_from_slice(if rule.grants { b" +" } else { b" -" });
            out.extend_from_slice(&rule.name);
        }
    }
}

/// A table without commands, for tests of what needs none.
#[cfg(test)]
pub(crate) struct NoCommands;

#[cfg(test)]
impl Vocabulary for NoCommands {
    fn size(&self) -> usize {
        0
    }

    fn named(&self, _: &[u8]) -> Option<CommandId> {
        None
    }

    fn full_name(&self, _: CommandId) -> &str {
        ""
    }

    fn container(&self, _: CommandId) -> Option<CommandId> {
        None
    }

    fn subcommands(&self, _: CommandId) -> &[CommandId] {
        &[]
    }

    fn category(&self, _: &[u8]) -> Option<Vec<CommandId>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rules: &Rules) -> String {
        let names: Vec<_> = rules.iter().map(|rule| String::from_utf8_lossy(&rule.name)).collect();
        names.join(" ")
    }

    #[test]
    fn a_rule_overrules_those_about_parts_of_its_name() {
        let mut rules = Rules::default();
        for name in ["get|b", "getex", "get|a", "ge", "get|b|c", "@get"] {
            rules.add(true, name.as_bytes());
        }
        rules.add(true, b"get|b");
        assert_eq!(shown(&rules), "getex get|a ge @get get|b");
        rules.add(false, b"get");
        assert_eq!(shown(&rules), "getex ge @get get");
        let mut same = Rules::default();
        ["getex", "ge", "@get"].iter().for_each(|name| same.add(true, name.as_bytes()));
        assert_ne!(rules, same);
        same.add(false, b"get");
        assert_eq!(rules, same);
    }

    /// Were each compared with all others, that would be five thousand million comparisons.
    #[test]
    fn a_rule_looks_at_those_that_it_overrules_alone() {
        let mut rules = Rules::default();
        for number in 0..100_000 {
            let name = format!("get|{number:06}");
            assert_eq!(rules.about(name.as_bytes()).count(), 0);
            rules.add(true, name.as_bytes());
        }
        assert_eq!(rules.about(b"get|050000").count(), 1);
        rules.add(true, b"get");
        assert_eq!(shown(&rules), "get");
    }
}
