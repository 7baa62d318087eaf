//! A selector: commands, keys, channels and databases that are granted together.

use super::commands::Commands;
use super::databases::Databases;
use super::grammar::Grammar;
use super::patterns::{Channels, Keys};
use super::rule::BadRule;

/// One set of permissions of a user. A request must be granted by one of them as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) commands: Commands,
    pub(crate) keys: Keys,
    pub(crate) channels: Channels,
    pub(crate) databases: Databases,
}

impl Selector {
    /// A selector before the first rule: nothing but the databases is granted, and the channels if
    /// `acl-pubsub-default` says so.
    pub(crate) fn new(grammar: Grammar<'_>) -> Selector {
        let mut channels = Channels::default();
        channels.set_all(grammar.all_channels);
        Selector {
            commands: Commands::none(grammar.commands),
            keys: Keys::default(),
            channels,
            databases: Databases::All,
        }
    }

    /// The selector of a rule `(rule rule…)`, given without its parentheses.
    pub(crate) fn parse(rules: &[u8], grammar: Grammar<'_>) -> Result<Selector, BadRule> {
        let mut selector = Selector::new(grammar);
        rules
            .split(|&byte| byte == b' ')
            .try_for_each(|rule| selector.apply(rule, grammar))
            .map(|()| selector)
    }

    /// Whether nothing at all is denied.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.commands.are_all()
            && self.keys.are_all()
            && self.channels.are_all()
            && self.databases.are_all()
    }

    /// Applies one rule. An empty one says nothing.
    pub(crate) fn apply(&mut self, rule: &[u8], grammar: Grammar<'_>) -> Result<(), BadRule> {
        match (&rule.to_ascii_lowercase()[..], rule) {
            (b"", _) => {}
            (b"allkeys" | b"~*", _) => self.keys.set_all(true),
            (b"resetkeys", _) => self.keys.set_all(false),
            (b"allchannels" | b"&*", _) => self.channels.set_all(true),
            (b"resetchannels", _) => self.channels.set_all(false),
            (b"allcommands" | b"+@all", _) => self.commands.set_all(true),
            (b"nocommands" | b"-@all", _) => self.commands.set_all(false),
            (b"alldbs" | b"resetdbs" | [b'd', b'b', b'=', ..], _)
                if !grammar.persona.is_at_least("9.1.0") =>
            {
                return Err(BadRule::Syntax);
            }
            (b"alldbs", _) => self.databases = Databases::All,
            (b"resetdbs", _) => self.databases = Databases::These(Default::default()),
            ([b'd', b'b', b'=', list @ ..], _) => self.databases = Databases::parse(list)?,
            (_, [b'~' | b'%', ..]) => self.keys.apply(rule)?,
            (_, [b'&', pattern @ ..]) => self.channels.apply(pattern)?,
            (_, [sign @ (b'+' | b'-'), b'@', name @ ..]) => {
                self.commands.apply_category(*sign == b'+', name, grammar)?;
            }
            (_, [sign @ (b'+' | b'-'), name @ ..]) => {
                self.commands.apply(*sign == b'+', name, grammar)?;
            }
            _ => return Err(BadRule::Syntax),
        }
        Ok(())
    }

    /// Appends the rules that make the same of a new selector.
    pub(crate) fn describe(&self, out: &mut Vec<u8>) {
        let word = |out: &mut Vec<u8>, describe: &dyn Fn(&mut Vec<u8>)| {
            let start = out.len();
            describe(out);
            if out.len() > start {
                out.push(b' ');
            }
        };
        word(out, &|out| self.keys.describe(out));
        if !self.channels.are_all() {
            out.extend_from_slice(b"resetchannels ");
        }
        word(out, &|out| self.channels.describe(out));
        word(out, &|out| self.databases.describe(out));
        self.commands.describe(out);
    }
}
