//! What can be wrong with what is asked of the keyspace. What a client is told of it, others decide.

use std::fmt;

/// Why the keyspace did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The key holds a value of another type.
    WrongType,
    /// The string spells no integer of 64 bits.
    NotAnInteger,
    /// A sum does not fit in 64 bits.
    Overflow,
    /// The string is no HyperLogLog.
    NotAHyperLogLog,
    /// The string begins as a HyperLogLog does, and its registers are not well formed.
    CorruptHyperLogLog,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::WrongType => "the value is of another type",
            Error::NotAnInteger => "the value is no integer",
            Error::Overflow => "the sum does not fit in 64 bits",
            Error::NotAHyperLogLog => "the string is no HyperLogLog",
            Error::CorruptHyperLogLog => "the HyperLogLog is corrupt",
        })
    }
}

impl std::error::Error for Error {}
