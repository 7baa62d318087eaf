//! Who may log in: users, their passwords, and whether a client must log in at all.
//!
//! Passwords are kept as SHA-256 and compared in constant time; a login of an unknown user compares
//! too, so that names cannot be told apart by timing. Every user may run every command.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::config::{Config, LoadError};

/// A user that a client is logged in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(u32);

impl UserId {
    /// The user that clients are before they log in, if it needs no password.
    pub const DEFAULT: UserId = UserId(0);
}

type Hash = [u8; 32];

/// A name and what opens it.
#[derive(Clone)]
pub struct User {
    pub name: Box<[u8]>,
    pub enabled: bool,
    /// Any password will do.
    pub nopass: bool,
    passwords: Vec<Hash>,
}

/// All users. The default user is always there.
pub struct Access {
    users: Vec<User>,
}

/// Why a `user` line of the configuration was refused: a sentence about the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRule(pub String);

impl Default for Access {
    fn default() -> Access {
        let default =
            User { name: (*b"default").into(), enabled: true, nopass: true, passwords: vec![] };
        Access { users: vec![default] }
    }
}

impl Access {
    /// The users that the configuration names, and the default user with `requirepass`.
    pub fn configured(config: &Config) -> Result<Access, LoadError> {
        let mut access = Access::default();
        access.set_default_password(&config.requirepass);
        for line in &config.users {
            access
                .define(&line.name, &line.rules)
                .map_err(|BadRule(reason)| line.refused(reason))?;
        }
        Ok(access)
    }

    pub fn user(&self, id: UserId) -> &User {
        &self.users[id.0 as usize]
    }

    pub fn named(&self, name: &[u8]) -> Option<UserId> {
        let index = self.users.iter().position(|user| *user.name == *name)?;
        Some(UserId(index as u32))
    }

    /// Whether a client can do nothing before it has logged in.
    pub fn is_login_required(&self) -> bool {
        let default = self.user(UserId::DEFAULT);
        !(default.enabled && default.nopass)
    }

    /// The user that this name and password open.
    pub fn login(&self, name: &[u8], password: &[u8]) -> Option<UserId> {
        const NOBODY: &[Hash] = &[[0; 32]];
        let id = self.named(name);
        let user = id.map(|id| self.user(id));
        let known = match user {
            Some(user) if !user.passwords.is_empty() => &user.passwords[..],
            _ => NOBODY,
        };
        let given = digest(password);
        let fits =
            known.iter().fold(subtle::Choice::from(0), |fits, hash| fits | hash.ct_eq(&given));
        let user = user?;
        let opens = user.nopass || (!user.passwords.is_empty() && bool::from(fits));
        (user.enabled && opens).then_some(id?)
    }

    /// `requirepass`: the default user's only password, or none if it is empty.
    pub fn set_default_password(&mut self, password: &[u8]) {
        let default = &mut self.users[0];
        default.nopass = password.is_empty();
        default.passwords.clear();
        if !password.is_empty() {
            default.passwords.push(digest(password));
        }
    }

    /// A `user NAME rule…` line of the configuration. Rules are `on`, `off`, `nopass`, `resetpass`,
    /// `>password`, `<password`, `#sha256`, `!sha256`, `reset`, and those that grant everything: `~*`,
    /// `&*`, `+@all`, `allkeys`, `allchannels`, `allcommands`. All of a line count, or none.
    pub fn define(&mut self, name: &[u8], rules: &[Vec<u8>]) -> Result<(), BadRule> {
        let known = self.named(name);
        let mut user = match known {
            Some(id) => self.user(id).clone(),
            None => User::new(name),
        };
        for rule in rules {
            user.apply(rule)?;
        }
        match known {
            Some(id) => self.users[id.0 as usize] = user,
            None => self.users.push(user),
        }
        Ok(())
    }
}

impl User {
    fn new(name: &[u8]) -> User {
        User { name: name.into(), enabled: false, nopass: false, passwords: Vec::new() }
    }

    fn apply(&mut self, rule: &[u8]) -> Result<(), BadRule> {
        match rule {
            b"on" => self.enabled = true,
            b"off" => self.enabled = false,
            b"nopass" => {
                self.nopass = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.nopass = false;
                self.passwords.clear();
            }
            b"reset" => *self = User::new(&self.name),
            b"~*" | b"&*" | b"+@all" | b"allkeys" | b"allchannels" | b"allcommands" => {}
            [b'>', password @ ..] => self.add(digest(password)),
            [b'<', password @ ..] => self.drop(&digest(password))?,
            [b'#', hash @ ..] => self.add(parse_hash(hash)?),
            [b'!', hash @ ..] => self.drop(&parse_hash(hash)?)?,
            _ => {
                let rule = String::from_utf8_lossy(rule);
                return Err(BadRule(format!("'{rule}' is no rule this version knows")));
            }
        }
        Ok(())
    }

    fn add(&mut self, hash: Hash) {
        self.nopass = false;
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
    }

    fn drop(&mut self, hash: &Hash) -> Result<(), BadRule> {
        let before = self.passwords.len();
        self.passwords.retain(|known| known != hash);
        if self.passwords.len() == before {
            return Err(BadRule("the user has no such password".to_owned()));
        }
        Ok(())
    }
}

fn digest(password: &[u8]) -> Hash {
    Sha256::digest(password).into()
}

/// Sixty-four small hexadecimal digits.
fn parse_hash(digits: &[u8]) -> Result<Hash, BadRule> {
    let bad = || BadRule("a password hash must be 64 small hexadecimal digits".to_owned());
    if digits.len() != 64 {
        return Err(bad());
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(bad()),
    };
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_needs_a_password_until_there_is_one() {
        let mut access = Access::default();
        assert!(!access.is_login_required());
        assert_eq!(access.login(b"default", b"anything"), Some(UserId::DEFAULT));
        access.set_default_password(b"sesame");
        assert!(access.is_login_required());
        assert_eq!(access.login(b"default", b"wrong"), None);
        assert_eq!(access.login(b"default", b"sesame"), Some(UserId::DEFAULT));
        access.set_default_password(b"");
        assert!(!access.is_login_required());
    }

    fn define(access: &mut Access, line: &str) -> Result<(), BadRule> {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        access.define(&words[0], &words[1..])
    }

    #[test]
    fn users_open_with_their_own_passwords_only() {
        let mut access = Access::default();
        for line in ["ann on >one >two ~* +@all", "bob off >one", "eve on nopass", "dan on"] {
            define(&mut access, line).expect("valid");
        }
        assert!(access.login(b"ann", b"one").is_some());
        assert!(access.login(b"ann", b"two").is_some());
        assert!(access.login(b"ann", b"").is_none());
        assert!(access.login(b"bob", b"one").is_none());
        assert!(access.login(b"eve", b"whatever").is_some());
        assert!(access.login(b"dan", b"").is_none());
        assert!(access.login(b"nobody", b"one").is_none());
    }

    #[test]
    fn a_line_with_a_bad_rule_changes_nothing() {
        let mut access = Access::default();
        define(&mut access, "ann on >one").expect("valid");
        assert!(define(&mut access, "ann off nonsense").is_err());
        assert!(define(&mut access, "ann <two").is_err());
        assert!(define(&mut access, "ann #abc").is_err());
        assert!(access.login(b"ann", b"one").is_some());
        let hash = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
        define(&mut access, &format!("ann resetpass #{hash}")).expect("valid");
        assert!(access.login(b"ann", b"one").is_some());
    }
}
