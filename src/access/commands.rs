//! The commands that rules grant: a bit for each, and the rules that led there.

use std::collections::{BTreeMap, BTreeSet};

use super::grammar::{Grammar, Vocabulary};
use super::rule::BadRule;
use super::unimplemented;
use crate::telemetry::CommandId;

/// Which commands are granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// By [`CommandId`].
    granted: Box<[u64]>,
    /// `+@all` was the last word about all commands: those of later versions are granted too.
    future: bool,
    /// What was said since then and still means something, in order.
    rules: Vec<Rule>,
    /// The first arguments with which a command is granted that is not granted as such, in small letters.
    first_args: BTreeMap<CommandId, BTreeSet<Box<[u8]>>>,
}

/// `+name` or `-name`: a command, `command|subcommand`, `command|argument` or `@category`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    grants: bool,
    name: Box<[u8]>,
}

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
    pub fn none(vocabulary: &dyn Vocabulary) -> Commands {
        Commands {
            granted: vec![0; vocabulary.size().div_ceil(64)].into(),
            future: false,
            rules: Vec::new(),
            first_args: BTreeMap::new(),
        }
    }

    /// `+@all` or `-@all`.
    pub fn set_all(&mut self, grants: bool) {
        self.granted.fill(if grants { u64::MAX } else { 0 });
        self.future = grants;
        self.rules.clear();
        self.first_args.clear();
    }

    /// Whether there is nothing that is not granted.
    pub fn are_all(&self) -> bool {
        self.future && self.granted.iter().all(|&bits| bits == u64::MAX)
    }

    /// Whether a command is granted. `first` is its first argument.
    #[inline]
    pub fn allow(&self, id: CommandId, first: Option<&[u8]>) -> bool {
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
    pub fn apply(
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
    pub fn apply_category(
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

    /// Remembers a rule. Those about the same, or about a part of it, mean nothing any more.
    fn note(&mut self, grants: bool, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.rules.retain(|old| match old.name.strip_prefix(&name[..]) {
            Some(rest) => !rest.is_empty() && rest[0] != b'|',
            None => true,
        });
        self.rules.push(Rule { grants, name: name.into() });
    }

    /// Appends the rules that make the same of a new user.
    pub fn describe(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.future { b"+@all" } else { b"-@all" });
        for rule in &self.rules {
            out.extend_from_slice(if rule.grants { b" +" } else { b" -" });
            out.extend_from_slice(&rule.name);
        }
    }
}

/// A table without commands, for tests of what needs none.
#[cfg(test)]
pub struct NoCommands;

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
