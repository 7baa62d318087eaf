//! A user: a name, what opens it, and what it grants.

use super::grammar::Grammar;
use super::password::{Password, Passwords};
use super::patterns::Channels;
use super::rule::BadRule;
use super::selector::Selector;

/// Whom a client may be logged in as.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: Box<[u8]>,
    /// `on` or `off`: whether a client can log in. Existing connections are kept.
    pub(crate) enabled: bool,
    /// Any password will do.
    pub(crate) nopass: bool,
    passwords: Passwords,
    /// The one that rules outside parentheses are about.
    root: Selector,
    others: Vec<Selector>,
    /// Whether one of the others denies nothing at all.
    is_open: bool,
    /// Whether nothing at all is denied: what every request asks first.
    unrestricted: bool,
}

impl User {
    /// A user before the first rule: off, and without any permission.
    pub(crate) fn new(name: &[u8], grammar: Grammar<'_>) -> User {
        User {
            name: name.into(),
            enabled: false,
            nopass: false,
            passwords: Passwords::default(),
            root: Selector::new(grammar),
            others: Vec::new(),
            is_open: false,
            unrestricted: false,
        }
    }

    /// A user that may do everything and opens without a password.
    pub(crate) fn almighty(name: &[u8], grammar: Grammar<'_>) -> User {
        let mut user = User::new(name, grammar);
        user.enabled = true;
        user.nopass = true;
        user.root.keys.set_all(true);
        user.root.channels.set_all(true);
        user.root.commands.set_all(true);
        user.unrestricted = true;
        user
    }

    #[inline]
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.unrestricted
    }

    /// The sets of permissions, any of which may grant a request.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = &Selector> + Clone {
        std::iter::once(&self.root).chain(&self.others)
    }

    pub(crate) fn root(&self) -> &Selector {
        &self.root
    }

    /// The selectors in parentheses.
    pub(crate) fn others(&self) -> &[Selector] {
        &self.others
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The channels of all selectors.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &Channels> + Clone {
        self.selectors().map(|selector| &selector.channels)
    }

    /// Whether the password opens it. It takes as long if not.
    pub(crate) fn opens_with(&self, password: Password) -> bool {
        let is_known = password.is_among(self.passwords.iter());
        self.enabled && (self.nopass || is_known)
    }

    /// What `requirepass` says: the only password, or none needed if it is empty.
    pub(crate) fn set_only_password(&mut self, password: &[u8]) {
        self.passwords = Passwords::default();
        self.nopass = password.is_empty();
        if !password.is_empty() {
            self.passwords.add(Password::of(password));
        }
    }

    /// Applies a rule. After an error the user is to be thrown away.
    pub(crate) fn apply(&mut self, rule: &[u8], grammar: Grammar<'_>) -> Result<(), BadRule> {
        match (&rule.to_ascii_lowercase()[..], rule) {
            (b"on", _) => self.enabled = true,
            (b"off", _) => self.enabled = false,
            (b"nopass", _) => self.set_only_password(b""),
            (b"resetpass", _) => {
                self.nopass = false;
                self.passwords = Passwords::default();
            }
            // What they were about, the checking of RESTORE's payloads, is no longer a choice.
            (b"sanitize-payload" | b"skip-sanitize-payload", _) => {}
            (b"reset", _) => *self = User::new(&self.name, grammar),
            (b"clearselectors", _) => {
                self.others.clear();
                self.is_open = false;
            }
            (_, [b'>', plain @ ..]) => self.add(Password::of(plain)),
            (_, [b'<', plain @ ..]) => self.forget(Password::of(plain))?,
            (_, [b'#', hash @ ..]) => self.add(Password::parse(hash).ok_or(BadRule::NotAHash)?),
            (_, [b'!', hash @ ..]) => {
                self.forget(Password::parse(hash).ok_or(BadRule::NotAHash)?)?;
            }
            (_, [b'(', rules @ .., b')']) => {
                let selector = Selector::parse(rules, grammar)?;
                self.is_open |= selector.is_unrestricted();
                self.others.push(selector);
            }
            _ => self.root.apply(rule, grammar)?,
        }
        self.unrestricted = self.is_open || self.root.is_unrestricted();
        Ok(())
    }

    fn add(&mut self, password: Password) {
        self.nopass = false;
        self.passwords.add(password);
    }

    fn forget(&mut self, password: Password) -> Result<(), BadRule> {
        if self.passwords.remove(password) { Ok(()) } else { Err(BadRule::NoSuchPassword) }
    }

    /// What GETUSER calls flags.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &'static str> {
        let state = if self.enabled { "on" } else { "off" };
        std::iter::once(state).chain(self.nopass.then_some("nopass"))
    }

    /// The rules that make the same of a new user, in one line.
    pub(crate) fn describe(&self) -> Vec<u8> {
        self.describe_with(None)
    }

    /// The same with another flag, which says nothing here.
    pub(super) fn describe_with(&self, flag: Option<&'static str>) -> Vec<u8> {
        let flags: Vec<_> = self.flags().chain(flag).collect();
        let mut line = flags.join(" ").into_bytes();
        for password in self.passwords.iter() {
            line.extend_from_slice(format!(" #{password}").as_bytes());
        }
        line.push(b' ');
        self.root.describe(&mut line);
        for selector in &self.others {
            line.extend_from_slice(b" (");
            selector.describe(&mut line);
            line.push(b')');
        }
        line
    }
}
