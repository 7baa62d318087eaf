//! The databases that rules grant.

use std::collections::BTreeSet;

use super::rule::BadRule;

/// Which databases are granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Databases {
    All,
    These(BTreeSet<u32>),
}

impl Databases {
    pub(crate) fn are_all(&self) -> bool {
        matches!(self, Databases::All)
    }

    pub(crate) fn allow(&self, database: usize) -> bool {
        match self {
            Databases::All => true,
            Databases::These(known) => {
                u32::try_from(database).is_ok_and(|database| known.contains(&database))
            }
        }
    }

    /// `db=number,number…`: these and no others. They need not exist.
    pub(crate) fn parse(list: &[u8]) -> Result<Databases, BadRule> {
        let numbers = list.split(|&byte| byte == b',').map(parse_number);
        Ok(Databases::These(numbers.collect::<Result<_, _>>()?))
    }

    /// Appends the rule that makes the same of a new selector, which has them all.
    pub(crate) fn describe(&self, out: &mut Vec<u8>) {
        match self {
            Databases::All => {}
            Databases::These(known) if known.is_empty() => out.extend_from_slice(b"resetdbs"),
            Databases::These(_) => self.show(out),
        }
    }

    /// Appends the rule as ACL GETUSER shows it: none for none.
    pub(crate) fn show(&self, out: &mut Vec<u8>) {
        match self {
            Databases::All => out.extend_from_slice(b"alldbs"),
            Databases::These(known) if known.is_empty() => {}
            Databases::These(known) => {
                let known: Vec<_> = known.iter().map(u32::to_string).collect();
                out.extend_from_slice(b"db=");
                out.extend_from_slice(known.join(",").as_bytes());
            }
        }
    }
}

/// A number as C reads it: leading spaces, a sign and zeros are allowed.
fn parse_number(text: &[u8]) -> Result<u32, BadRule> {
    let text = std::str::from_utf8(text).map_err(|_| BadRule::Syntax)?.trim_ascii_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadRule::Syntax);
    }
    let number: i32 = text.parse().map_err(|_| BadRule::NoSuchDatabase)?;
    u32::try_from(number).map_err(|_| BadRule::NoSuchDatabase)
}
