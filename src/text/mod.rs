//! Text as the protocol's users write it: patterns, numbers and quoted words.
//!
//! * [`glob`] matches the patterns of KEYS, PSUBSCRIBE, CONFIG GET and ACL rules;
//! * [`number`] reads and writes integers, and reads the sizes of configuration files;
//! * [`double`] reads and writes floating point numbers, digit for digit as Valkey does;
//! * [`extended`] does the arithmetic of INCRBYFLOAT, in the 80 bits that Valkey has for it;
//! * [`quote`] splits lines into words and quotes bytes so that a person can read them;
//! * [`word`] makes two numbers of a short string.
//!
//! Everything here works on bytes, because that is what arrives, and nothing here knows anything
//! else of the crate. Rules that no document states were learned by asking Valkey 9.1; each is told
//! where it is kept.
//!
//! The book: chapter 1, Forty bytes (`book/src/01-forty-bytes.md`).

pub(crate) mod double;
pub(crate) mod extended;
pub(crate) mod glob;
mod grisu;
pub mod number;
pub mod quote;
pub(crate) mod word;
