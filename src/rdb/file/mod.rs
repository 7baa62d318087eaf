//! The file of a moment, a snapshot: what it consists of, [`Finisher`], which writes the bytes that were
//! [recorded](super::recorder), and [`Loader`], which makes keys of them again.
//!
//! ```text
//! VALKEY080  aux*  function*  (database sizes? (expiry? use? kind key value)*)*  FF  checksum
//! ```

mod error;
mod finisher;
mod loader;

#[cfg(test)]
use error::{Defect, LoadError};
pub(crate) use finisher::Finisher;
pub(crate) use loader::{Loaded, Loader, Tally};

#[cfg(test)]
mod tests;
