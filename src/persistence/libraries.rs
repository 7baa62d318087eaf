//! Functions in files: the code of their libraries, which a feature has that this room does not know.

use crate::error::{self, Error};
use crate::world::World;

/// Puts libraries in the place of all, or beside those that are there and in the place of those with their names. The
/// error is that of one that does not load; nothing has changed then.
pub(crate) type LoadLibraries = fn(&mut World, &[Vec<u8>], is_beside: bool) -> Result<(), Error>;

/// The code of the libraries of functions, as a feature has them that this room does not know.
#[derive(Clone, Copy)]
pub(crate) struct Libraries {
    /// The code of each.
    pub(crate) codes: fn(&World) -> Vec<Vec<u8>>,
    pub(crate) load: LoadLibraries,
}

impl Libraries {
    /// Of a build that has no functions: a file that has some is not loaded.
    pub(crate) const NONE: Libraries = Libraries {
        codes: |_| Vec::new(),
        load: |_, codes, _| if codes.is_empty() { Ok(()) } else { Err(error::NO_LUA) },
    };
}
