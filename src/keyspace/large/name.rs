//! The bytes by which a member of a large collection is known. Most are short, and cost no allocation.

use std::ops::Deref;

use crate::keyspace::blob::allocated;

/// Bytes: 24 with their length, and an allocation if they are many.
#[derive(Debug, Clone)]
pub(crate) struct Name(Room);

/// The longest name that needs no allocation: what fits beside its length in the room that a long one
/// needs anyway.
const SHORT: usize = 22;

#[derive(Debug, Clone)]
enum Room {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Name {
    pub(crate) fn new(name: &[u8]) -> Name {
        if name.len() > SHORT {
            return Name(Room::Long(name.into()));
        }
        let mut short = [0; SHORT];
        short[..name.len()].copy_from_slice(name);
        Name(Room::Short(name.len() as u8, short))
    }

    /// Bytes of memory beside the name itself.
    pub(crate) fn memory(&self) -> usize {
        match &self.0 {
            Room::Short(..) => 0,
            Room::Long(name) => allocated(name.len()),
        }
    }
}

impl Deref for Name {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Room::Short(length, name) => &name[..usize::from(*length)],
            Room::Long(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_kept() {
        assert_eq!(size_of::<Name>(), 24);
        for length in [0, 1, SHORT, SHORT + 1, 5000] {
            let bytes = vec![b'n'; length];
            let name = Name::new(&bytes);
            assert_eq!(*name, bytes);
            assert_eq!(name.memory() > 0, length > SHORT);
        }
    }
}
