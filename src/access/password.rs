//! Passwords, of which only the SHA-256 is kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What is known of a password.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Password([u8; 32]);

/// Different passwords, in the order in which they were added. One of very many is not compared with all of them
/// when it is added or removed; whether one of them opens a user is for [`Password::is_among`] to say.
#[derive(Clone, Default)]
pub(crate) struct Passwords {
    by_place: BTreeMap<u64, Password>,
    places: BTreeMap<Password, u64>,
}

impl Passwords {
    /// The first first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Password> {
        self.by_place.values()
    }

    /// Adds a password, unless it is there.
    pub(crate) fn add(&mut self, password: Password) {
        let place = self.by_place.last_key_value().map_or(0, |(last, _)| last + 1);
        if let Entry::Vacant(free) = self.places.entry(password) {
            free.insert(place);
            self.by_place.insert(place, password);
        }
    }

    /// Removes a password. Returns whether it was there.
    pub(crate) fn remove(&mut self, password: Password) -> bool {
        let place = self.places.remove(&password);
        place.and_then(|place| self.by_place.remove(&place)).is_some()
    }
}

/// What has been removed before makes no difference.
impl PartialEq for Passwords {
    fn eq(&self, other: &Passwords) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Passwords {}

impl Password {
    pub(crate) fn of(plain: &[u8]) -> Password {
        Password(Sha256::digest(plain).into())
    }

    /// Reads what [`Display`](fmt::Display) shows: sixty-four small hexadecimal digits.
    pub(crate) fn parse(digits: &[u8]) -> Option<Password> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Password(hash))
    }

    /// Whether one of `known` is the same. It takes as long if none is, also if there are none.
    pub(crate) fn is_among<'a>(self, known: impl ExactSizeIterator<Item = &'a Password>) -> bool {
        const NO_PASSWORD: &Password = &Password([0; 32]);
        let is_known = known.len() > 0;
        let compared = known.chain((!is_known).then_some(NO_PASSWORD));
        let same = |found: Choice, password: &Password| found | password.0.ct_eq(&self.0);
        bool::from(compared.fold(Choice::from(0), same)) && is_known
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A new password of so many random bits, as hexadecimal digits.
pub(crate) fn generate(bits: usize) -> io::Result<String> {
    let digits = bits.div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_shows_as_what_it_is_read_from() {
        let hash = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
        assert_eq!(Password::of(b"one").to_string(), hash);
        assert!(Password::parse(hash.as_bytes()) == Some(Password::of(b"one")));
        assert!(Password::parse(&hash.as_bytes()[1..]).is_none());
        assert!(Password::parse(hash.to_uppercase().as_bytes()).is_none());
    }

    #[test]
    fn nothing_is_among_no_passwords() {
        let [one, two] = [&b"one"[..], b"two"].map(Password::of);
        assert!(one.is_among([two, one].iter()));
        assert!(!one.is_among([two].iter()));
        assert!(!Password([0; 32]).is_among([].iter()));
    }

    #[test]
    fn passwords_are_different_and_in_the_order_in_which_they_were_added() {
        let [one, two, three] = [&b"one"[..], b"two", b"three"].map(Password::of);
        let mut passwords = Passwords::default();
        [two, three, two, one].iter().for_each(|&password| passwords.add(password));
        assert!(passwords.remove(three) && !passwords.remove(three));
        passwords.add(three);
        assert!(passwords.iter().eq([&two, &one, &three]));
        let mut others = Passwords::default();
        [two, one, three].iter().for_each(|&password| others.add(password));
        assert!(passwords == others);
    }

    #[test]
    fn new_passwords_have_as_many_digits_as_their_bits_need() {
        for (bits, digits) in [(1, 1), (4, 1), (5, 2), (9, 3), (256, 64), (4096, 1024)] {
            assert_eq!(generate(bits).expect("random bytes").len(), digits);
        }
        assert_ne!(generate(256).expect("random bytes"), generate(256).expect("random bytes"));
    }
}
