//! Where a directive was read, and the error that names that place.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// Why a value is refused: the last part of an error text, the reference's words where it has any.
pub type Reason = Cow<'static, str>;

/// Where a directive was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    CommandLine,
    /// The file as a whole.
    File(PathBuf),
    /// The file that `aclfile` names.
    AclFile(PathBuf),
    /// A line, counted from 1.
    Line {
        file: PathBuf,
        number: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::CommandLine => f.write_str("command line"),
            Place::File(file) => write!(f, "{}", file.display()),
            Place::AclFile(file) => write!(f, "'aclfile {}'", file.display()),
            Place::Line { file, number } => write!(f, "{}:{number}", file.display()),
        }
    }
}

/// A mistake in the configuration: `FILE:LINE: 'TEXT': REASON`. It stops the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    place: Place,
    line: String,
    reason: String,
}

impl LoadError {
    /// `line` must hold no secret.
    pub(crate) fn new(
        place: Place,
        line: impl Into<String>,
        reason: impl fmt::Display,
    ) -> LoadError {
        LoadError { place, line: line.into(), reason: reason.to_string() }
    }

    /// Why, without the place.
    #[doc(hidden)]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.line.is_empty() {
            write!(f, "'{}': ", self.line)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for LoadError {}

/// Why the configuration could not be read: every mistake that was found, in the order of the lines. Shown, each is
/// a line, and behind them stands how many more there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadErrors {
    told: Vec<LoadError>,
    more: usize,
}

impl LoadErrors {
    /// `None` if there are none. `more`: how many there are beside these.
    pub(crate) fn some(told: Vec<LoadError>, more: usize) -> Option<LoadErrors> {
        (!told.is_empty()).then_some(LoadErrors { told, more })
    }

    /// How many mistakes there are beside those that are told one by one.
    pub fn more(&self) -> usize {
        self.more
    }

    /// The mistakes, at least one.
    pub fn iter(&self) -> std::slice::Iter<'_, LoadError> {
        self.told.iter()
    }
}

impl From<LoadError> for LoadErrors {
    fn from(error: LoadError) -> LoadErrors {
        LoadErrors { told: vec![error], more: 0 }
    }
}

impl<'a> IntoIterator for &'a LoadErrors {
    type Item = &'a LoadError;
    type IntoIter = std::slice::Iter<'a, LoadError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.iter().enumerate() {
            let before = if index > 0 { "\n" } else { "" };
            write!(f, "{before}{error}")?;
        }
        if self.more > 0 {
            write!(f, "\n… and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadErrors {}
