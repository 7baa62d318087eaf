//! The ids of entries of a stream.

use std::fmt;

/// An id: milliseconds, and a number among those of the same millisecond. Ids of a stream only ever grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub ms: u64,
    pub seq: u64,
}

impl Id {
    pub const MIN: Id = Id::new(0, 0);
    pub const MAX: Id = Id::new(u64::MAX, u64::MAX);

    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// Whether it is 0-0, which no entry has.
    pub fn is_zero(self) -> bool {
        self == Id::MIN
    }

    /// The smallest id that is greater; none after [`Id::MAX`].
    #[inline]
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id::new(self.ms.checked_add(1)?, 0)),
        }
    }

    /// The greatest id that is smaller; none before [`Id::MIN`].
    #[inline]
    pub fn previous(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id::new(self.ms.checked_sub(1)?, u64::MAX)),
        }
    }

    /// A number whose sixteen bytes, the highest first, are the key that the reference's radix tree has for the id.
    pub(crate) fn to_bits(self) -> u128 {
        u128::from(self.ms) << 64 | u128::from(self.seq)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_neighbours_up_to_the_ends() {
        for (id, next) in [
            (Id::MIN, Id::new(0, 1)),
            (Id::new(5, u64::MAX), Id::new(6, 0)),
            (Id::new(u64::MAX, u64::MAX - 1), Id::MAX),
        ] {
            assert_eq!((id.next(), next.previous()), (Some(next), Some(id)));
            assert!(id < next && id.to_bits() < next.to_bits());
        }
        assert_eq!((Id::MAX.next(), Id::MIN.previous()), (None, None));
        assert_eq!(Id::new(12, 3).to_string(), "12-3");
    }
}
