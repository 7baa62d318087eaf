//! The patterns of keys and channels that rules grant.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{BadRule, has_spaces};
use crate::text::glob::Glob;

/// What is done with a key, or may be done: return what is in it, or change it. Neither: whether it
/// exists and such, which any permission for it grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Use {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Use {
    pub(crate) const READ: Use = Use { read: true, write: false };
    const BOTH: Use = Use { read: true, write: true };

    fn covers(self, wanted: Use) -> bool {
        (self.read || !wanted.read) && (self.write || !wanted.write)
    }
}

/// Which keys are granted, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Keys {
    /// `allkeys`. There are no patterns then.
    all: bool,
    patterns: Vec<KeyPattern>,
    places: Places,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyPattern {
    granted: Use,
    glob: Glob<Box<[u8]>>,
    /// So many bytes at its beginning stand for themselves.
    plain: usize,
    /// The [`head`] of those, and which bits of a key's head must be the same. Most keys and patterns are
    /// told apart by that.
    head: u64,
    mask: u64,
}

impl KeyPattern {
    fn new(granted: Use, pattern: &[u8]) -> KeyPattern {
        let special = |byte: &u8| b"*?[\\".contains(byte);
        let plain = pattern.iter().position(special).unwrap_or(pattern.len());
        let mask = if plain < 8 { (1 << (8 * plain)) - 1 } else { u64::MAX };
        let glob = Glob::new(pattern.into());
        KeyPattern { granted, glob, plain, head: head(&pattern[..plain]), mask }
    }

    /// Whether the pattern may match a key with this head.
    #[inline]
    fn may_match(&self, head: u64) -> bool {
        head & self.mask == self.head
    }

    #[inline]
    fn matches(&self, key: &[u8]) -> bool {
        let (plain, special) = self.glob.pattern().split_at(self.plain);
        let ends_openly = *special == *b"*" && !key.is_empty();
        key.starts_with(plain) && (ends_openly || self.glob.matches(key))
    }
}

impl AsRef<[u8]> for KeyPattern {
    fn as_ref(&self) -> &[u8] {
        self.glob.pattern()
    }
}

/// Where the patterns of a list are, so that the next one of very many is not compared with all of them. As
/// long as there are few it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Places(BTreeMap<Box<[u8]>, usize>);

/// So many patterns are looked through.
const FEW: usize = 16;

impl Places {
    /// Where in `list` the pattern is.
    fn find(&self, list: &[impl AsRef<[u8]>], pattern: &[u8]) -> Option<usize> {
        match list.len() <= FEW {
            true => list.iter().position(|known| *known.as_ref() == *pattern),
            false => self.0.get(pattern).copied(),
        }
    }

    /// A pattern was appended to `list`.
    fn learn(&mut self, list: &[impl AsRef<[u8]>]) {
        if list.len() > FEW {
            let known = self.0.len();
            let new = list.iter().enumerate().skip(known);
            self.0.extend(new.map(|(at, pattern)| (pattern.as_ref().into(), at)));
        }
    }
}

/// The first eight bytes of a key as a number. Zeros follow if there are fewer.
#[inline]
fn head(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => key.iter().rev().fold(0, |head, &byte| head << 8 | u64::from(byte)),
    }
}

impl Keys {
    /// `allkeys` or `resetkeys`.
    pub(crate) fn set_all(&mut self, all: bool) {
        *self = Keys { all, ..Keys::default() };
    }

    pub(crate) fn are_all(&self) -> bool {
        self.all
    }

    #[inline]
    pub(crate) fn allow(&self, key: &[u8], wanted: Use) -> bool {
        let head = head(key);
        let fits = |known: &KeyPattern| {
            known.may_match(head) && known.granted.covers(wanted) && known.matches(key)
        };
        self.all || self.patterns.iter().any(fits)
    }

    /// Whether any key, whatever its name, is granted for `wanted`.
    pub(crate) fn allow_any(&self, wanted: Use) -> bool {
        let fits = |known: &KeyPattern| known.granted.covers(wanted) && *known.as_ref() == *b"*";
        self.all || self.patterns.iter().any(fits)
    }

    /// `~pattern`, `%R~pattern`, `%W~pattern`, `%RW~pattern`.
    pub(crate) fn apply(&mut self, rule: &[u8]) -> Result<(), BadRule> {
        if self.all {
            return Err(BadRule::AfterAllKeys);
        }
        let (granted, pattern) = match rule {
            [b'%', rest @ ..] => parse_uses(rest)?,
            [_, pattern @ ..] => (Use::BOTH, pattern),
            [] => return Err(BadRule::Syntax),
        };
        if has_spaces(pattern) {
            return Err(BadRule::Syntax);
        }
        match self.places.find(&self.patterns, pattern) {
            Some(at) => {
                let known = &mut self.patterns[at];
                known.granted.read |= granted.read;
                known.granted.write |= granted.write;
            }
            None => {
                self.patterns.push(KeyPattern::new(granted, pattern));
                self.places.learn(&self.patterns);
            }
        }
        Ok(())
    }

    /// Appends the rules, a space between.
    pub(crate) fn describe(&self, out: &mut Vec<u8>) {
        if self.all {
            out.extend_from_slice(b"~*");
        }
        for (at, known) in self.patterns.iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(match known.granted {
                Use { read: true, write: false } => b"%R~",
                Use { read: false, .. } => b"%W~",
                Use { read: true, write: true } => b"~",
            });
            out.extend_from_slice(known.as_ref());
        }
    }
}

/// `R~pattern`, `W~pattern`, `RW~pattern` in either order and case: each letter once. Without `~`, the
/// pattern is empty.
fn parse_uses(text: &[u8]) -> Result<(Use, &[u8]), BadRule> {
    let end = text.iter().position(|&byte| byte == b'~').unwrap_or(text.len());
    let mut granted = Use::default();
    for letter in &text[..end] {
        match letter {
            b'R' | b'r' if !granted.read => granted.read = true,
            b'W' | b'w' if !granted.write => granted.write = true,
            _ => return Err(BadRule::Syntax),
        }
    }
    if granted == Use::default() {
        return Err(BadRule::Syntax);
    }
    Ok((granted, text.get(end + 1..).unwrap_or_default()))
}

/// Which channels are granted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Channels {
    /// `allchannels`. There are no patterns then.
    all: bool,
    patterns: Vec<Glob<Box<[u8]>>>,
    places: Places,
}

impl Channels {
    /// `allchannels` or `resetchannels`.
    pub(crate) fn set_all(&mut self, all: bool) {
        *self = Channels { all, ..Channels::default() };
    }

    pub(crate) fn are_all(&self) -> bool {
        self.all
    }

    pub(crate) fn allow(&self, channel: &[u8]) -> bool {
        self.all || self.patterns.iter().any(|glob| glob.matches(channel))
    }

    /// Whether a pattern may be subscribed to. It must have been granted as it is, because what it
    /// matches cannot be compared with what another one matches.
    pub(crate) fn allow_pattern(&self, wanted: &[u8]) -> bool {
        self.all || self.places.find(&self.patterns, wanted).is_some()
    }

    /// `&pattern`.
    pub(crate) fn apply(&mut self, pattern: &[u8]) -> Result<(), BadRule> {
        if self.all {
            return Err(BadRule::AfterAllChannels);
        }
        if has_spaces(pattern) {
            return Err(BadRule::Syntax);
        }
        if self.places.find(&self.patterns, pattern).is_none() {
            self.patterns.push(Glob::new(pattern.into()));
            self.places.learn(&self.patterns);
        }
        Ok(())
    }

    /// Whether every pattern that `others` grants is granted, as it is, by one of `selves`.
    pub(crate) fn cover<'a>(
        selves: impl Iterator<Item = &'a Channels> + Clone,
        mut others: impl Iterator<Item = &'a Channels>,
    ) -> bool {
        if selves.clone().any(Channels::are_all) {
            return true;
        }
        // A user may have as many selectors as it likes, before and after.
        let granted: BTreeSet<&[u8]> =
            selves.flat_map(|channels| &channels.patterns).map(Glob::pattern).collect();
        others.all(|other| {
            !other.all && other.patterns.iter().all(|glob| granted.contains(glob.pattern()))
        })
    }

    /// Appends the rules, a space between.
    pub(crate) fn describe(&self, out: &mut Vec<u8>) {
        if self.all {
            out.extend_from_slice(b"&*");
        }
        for (at, glob) in self.patterns.iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            out.push(b'&');
            out.extend_from_slice(glob.pattern());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_any_length_are_compared() {
        let mut keys = Keys::default();
        for rule in ["~ab*", "~exactly8*", "~much:longer:than:eight:*", "~a?c", "~plain"] {
            keys.apply(rule.as_bytes()).unwrap();
        }
        let granted =
            ["ab", "abc", "exactly8", "exactly89", "much:longer:than:eight:x", "axc", "plain"];
        let denied = ["", "a", "exactly", "much:longer:than:seven:", "axxc", "plain\0", "plai"];
        assert!(granted.iter().all(|key| keys.allow(key.as_bytes(), Use::READ)));
        assert!(!denied.iter().any(|key| keys.allow(key.as_bytes(), Use::READ)));
    }
}
