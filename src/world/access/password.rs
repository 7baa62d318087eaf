//! Passwords, of which only the SHA-256 is kept.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What is known of a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; 32]);

impl Password {
    pub fn of(plain: &[u8]) -> Password {
        Password(Sha256::digest(plain).into())
    }

    /// Reads what [`Display`](fmt::Display) shows: sixty-four small hexadecimal digits.
    pub fn parse(digits: &[u8]) -> Option<Password> {
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
    pub fn is_among(self, known: &[Password]) -> bool {
        const NOBODY: &[Password] = &[Password([0; 32])];
        let compared = if known.is_empty() { NOBODY } else { known };
        let same = |found: Choice, password: &Password| found | password.0.ct_eq(&self.0);
        bool::from(compared.iter().fold(Choice::from(0), same)) && !known.is_empty()
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A new password of so many random bits, as hexadecimal digits.
pub fn generate(bits: usize) -> io::Result<String> {
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
        assert!(one.is_among(&[two, one]));
        assert!(!one.is_among(&[two]));
        assert!(!Password([0; 32]).is_among(&[]));
    }

    #[test]
    fn new_passwords_have_as_many_digits_as_their_bits_need() {
        for (bits, digits) in [(1, 1), (4, 1), (5, 2), (9, 3), (256, 64), (4096, 1024)] {
            assert_eq!(generate(bits).expect("random bytes").len(), digits);
        }
        assert_ne!(generate(256).expect("random bytes"), generate(256).expect("random bytes"));
    }
}
