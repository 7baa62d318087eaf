//! Access control: users, their passwords and their permissions.
//!
//! A user is described by rules, in the words of ACL SETUSER. They are parsed as a whole and then
//! committed, or change nothing. A request asks `User::is_unrestricted` first, which is one bool;
//! only users with restrictions pay for them. What a request is about (its command, keys, channels
//! and databases) `dispatch` finds out; here stands what is granted.
//!
//! Passwords are kept as SHA-256 and compared in constant time; a login of an unknown user compares
//! too, so that names cannot be told apart by timing. Answers to failed logins come late: [`Failures`].
//!
//! The book: chapter 14, Hostile clients (`book/src/14-hostile-clients.md`).

mod commands;
mod databases;
mod failures;
mod file;
pub(crate) mod grammar;
mod log;
mod password;
mod patterns;
mod rule;
mod selector;
#[cfg(test)]
mod tests;
pub mod unimplemented;
mod user;

use std::collections::BTreeMap;

use slab::Slab;

#[cfg(test)]
pub(crate) use commands::NoCommands;
pub(crate) use failures::Failures;
pub(crate) use file::{line_with, parse, print};
pub(crate) use grammar::Grammar;
pub(crate) use grammar::Vocabulary;
pub(crate) use log::{Context, Entry, Log, Reason, What};
pub(crate) use password::generate;
pub(crate) use patterns::{Channels, Use};
pub(crate) use rule::BadRule;
pub(crate) use rule::{has_spaces, join_selectors};
pub(crate) use selector::Selector;
pub(crate) use user::User;

use crate::config::{Config, LoadError, Place, UserLine};
use password::Password;

/// A user that a client is logged in as. Deleting a user logs its clients out, so that no client has
/// the id of a user that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(u32);

impl UserId {
    /// The user that clients are before they log in, if it needs no password.
    pub(crate) const DEFAULT: UserId = UserId(0);
    /// What clients of the server's own are: it may do everything, has no name and no password, and is in no list.
    pub(crate) const SERVER: UserId = UserId(1);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The name of the user that is always there.
pub(crate) const DEFAULT_NAME: &[u8] = b"default";

/// All users, and the log of what they were denied.
pub struct Access {
    /// By [`UserId`].
    users: Slab<User>,
    by_name: BTreeMap<Box<[u8]>, UserId>,
    pub(crate) log: Log,
    pub(crate) failures: Failures,
}

impl Access {
    /// The users that the configuration names, and the default user with `requirepass`. Those of the ACL
    /// file come later: see [`crate::files`].
    pub(crate) fn configured(
        config: &Config,
        commands: &dyn Vocabulary,
    ) -> Result<Access, LoadError> {
        let grammar = Grammar::new(config, commands);
        let mut access = Access {
            users: Slab::new(),
            by_name: BTreeMap::new(),
            log: Log::default(),
            failures: Failures::default(),
        };
        access.put(default_user(config, grammar));
        access.users.insert(User::almighty(b"", grammar));
        twice_declared(config)?;
        for line in &config.users {
            access.put(User::declared(line, grammar)?);
        }
        Ok(access)
    }

    #[inline]
    pub(crate) fn user(&self, id: UserId) -> &User {
        &self.users[id.index()]
    }

    pub(crate) fn named(&self, name: &[u8]) -> Option<UserId> {
        self.by_name.get(name).copied()
    }

    /// All users, in the order of their names.
    pub(crate) fn users(&self) -> impl ExactSizeIterator<Item = &User> {
        self.by_name.values().map(|&id| self.user(id))
    }

    /// Whether a client can do nothing before it has logged in.
    #[inline]
    pub(crate) fn is_login_required(&self) -> bool {
        let default = self.user(UserId::DEFAULT);
        !(default.enabled && default.nopass)
    }

    /// The user that this name and password open.
    pub(crate) fn login(&self, name: &[u8], password: &[u8]) -> Option<UserId> {
        let password = Password::of(password);
        let Some(id) = self.named(name) else {
            password.is_among([].iter());
            return None;
        };
        self.user(id).opens_with(password).then_some(id)
    }

    /// `requirepass`: the default user's only password, or none if it is empty.
    pub(crate) fn set_default_password(&mut self, password: &[u8]) {
        self.users[UserId::DEFAULT.index()].set_only_password(password);
    }

    /// Adds a user, or puts it in the place of the one that has its name.
    pub(crate) fn put(&mut self, user: User) -> UserId {
        if let Some(id) = self.named(&user.name) {
            self.users[id.index()] = user;
            return id;
        }
        let name = user.name.clone();
        let id = UserId(self.users.insert(user) as u32);
        self.by_name.insert(name, id);
        id
    }

    /// Takes a user away. No client must be logged in as it any more.
    pub(crate) fn remove(&mut self, id: UserId) {
        let user = self.users.remove(id.index());
        self.by_name.remove(&user.name);
    }

    /// The `user` lines with which the configuration declares these users. A line that still holds
    /// stays as it was, and the default user has one only if it is not as it is without.
    pub(crate) fn lines(&self, config: &Config, grammar: Grammar<'_>) -> Vec<UserLine> {
        let old: BTreeMap<&[u8], &UserLine> =
            config.users.iter().map(|line| (&line.name[..], line)).collect();
        let line = |user: &User| {
            let holds = |line: &&&UserLine| {
                User::declared(line, grammar).is_ok_and(|declared| declared == *user)
            };
            if let Some(&line) = old.get(&user.name[..]).filter(holds) {
                return Some(line.clone());
            }
            let description = user.describe();
            let rules = description.split(|&byte| byte == b' ');
            let words: Vec<&[u8]> = std::iter::once(&user.name[..]).chain(rules).collect();
            UserLine::new(&words, Place::CommandLine)
                .filter(|_| *user != default_user(config, grammar))
        };
        self.users().filter_map(line).collect()
    }
}

/// The default user as long as nothing declares another.
pub(crate) fn default_user(config: &Config, grammar: Grammar<'_>) -> User {
    let mut user = User::almighty(DEFAULT_NAME, grammar);
    user.set_only_password(&config.requirepass);
    user
}

/// What is wrong with the users that a configuration names: of each the first mistake.
pub(crate) fn faults(config: &Config, commands: &dyn Vocabulary) -> Vec<LoadError> {
    let grammar = Grammar::new(config, commands);
    let users = config.users.iter().filter_map(|line| User::declared(line, grammar).err());
    let twice = twice_declared(config).err();
    twice.into_iter().chain(users).collect()
}

/// Users are declared in the configuration or in the ACL file.
fn twice_declared(config: &Config) -> Result<(), LoadError> {
    match (&config.aclfile, config.users.first()) {
        (Some(_), Some(line)) => {
            Err(line.refused("users are declared here or in the `aclfile`, not in both"))
        }
        _ => Ok(()),
    }
}

impl User {
    /// The user of a `user NAME RULE…` line of the configuration.
    fn declared(line: &UserLine, grammar: Grammar<'_>) -> Result<User, LoadError> {
        if has_spaces(&line.name) {
            return Err(line.refused("names have no spaces"));
        }
        let rules = join_selectors(&line.rules)
            .map_err(|_| line.refused("Unmatched parenthesis in selector definition"))?;
        let mut user = User::new(&line.name, grammar);
        for rule in rules {
            user.apply(&rule, grammar).map_err(|reason| match reason {
                BadRule::UnknownCommand => {
                    let rule = String::from_utf8_lossy(&rule);
                    line.refused(format!("{rule}: {}", reason.text()))
                }
                reason => line.refused(reason.text()),
            })?;
        }
        Ok(user)
    }
}
