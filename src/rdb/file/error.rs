//! What can be wrong with a file, in one sentence, and where.

use std::fmt;

/// A file that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadError {
    /// The byte of the file, counted from zero, at which that begins which is wrong.
    pub(crate) offset: u64,
    pub(crate) defect: Defect,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Defect {
    /// It does not begin as one.
    NoSnapshot,
    /// The version is another server's, or of a time to come.
    Version {
        magic: &'static str,
        version: u32,
    },
    /// The file ends before it is over.
    CutShort,
    /// What stands before the keys, or between them, is malformed.
    Malformed(&'static str),
    /// No value begins with this byte, and nothing else.
    Kind(u8),
    /// The value of this key is malformed.
    Value {
        kind: u8,
        key: Vec<u8>,
    },
    /// The value is one of a module's.
    Module {
        name: String,
        key: Vec<u8>,
    },
    /// Data of a module that is not there.
    ModuleAux {
        name: String,
    },
    /// There are not so many databases.
    Database {
        number: u64,
        databases: usize,
    },
    /// The key is there twice in its database.
    Duplicate {
        db: usize,
        key: Vec<u8>,
    },
    /// Functions from before they were released.
    OldFunctions,
    Checksum {
        stated: u64,
        actual: u64,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.defect, self.offset)
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Defect::NoSnapshot => {
                f.write_str("no snapshot: neither REDIS nor VALKEY and a version")
            }
            Defect::Version { magic, version } => {
                write!(f, "a version that is not known: {magic} {version}")
            }
            Defect::CutShort => f.write_str("the file is cut short"),
            Defect::Malformed(what) => write!(f, "malformed {what}"),
            Defect::Kind(kind) => write!(f, "no type of value and no opcode: {kind}"),
            Defect::Value { kind, key } => {
                write!(f, "malformed value of type {kind} of key '{}'", key.escape_ascii())
            }
            Defect::Module { name, key } => {
                write!(
                    f,
                    "a value of the module type '{name}', which is not there, of key '{}'",
                    key.escape_ascii()
                )
            }
            Defect::ModuleAux { name } => {
                write!(f, "data of the module '{name}', which is not there")
            }
            Defect::Database { number, databases } => {
                write!(
                    f,
                    "database {number}, and there are {databases} ('databases' says how many)"
                )
            }
            Defect::Duplicate { db, key } => {
                write!(f, "key '{}' for the second time in database {db}", key.escape_ascii())
            }
            Defect::OldFunctions => {
                f.write_str("functions as they were before their release (7.0-rc2 and before)")
            }
            Defect::Checksum { stated, actual } => {
                write!(f, "the checksum is {actual:016x}, and {stated:016x} is stated")
            }
        }
    }
}
