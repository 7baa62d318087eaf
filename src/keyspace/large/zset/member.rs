//! A member of a large sorted set: its bytes and its score, as the dictionary keeps them.

use crate::keyspace::index::dict::Keyed;
use crate::keyspace::large::name::Name;

/// A member with its score: 40 bytes, and an allocation if its name is long.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) score: f64,
    name: Name,
    hash: u32,
}

impl Member {
    #[cfg(test)]
    pub(crate) fn new(name: &[u8], score: f64) -> Member {
        Member::hashed(name, crate::keyspace::index::dict::hash_of(name), score)
    }

    /// A member whose hash is known.
    pub(crate) fn hashed(name: &[u8], hash: u32, score: f64) -> Member {
        Member { score, name: Name::new(name), hash }
    }

    #[inline]
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Bytes of memory beside the member itself.
    pub(crate) fn memory(&self) -> usize {
        self.name.memory()
    }
}

impl Keyed for Member {
    #[inline]
    fn key(&self) -> &[u8] {
        self.name()
    }

    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_takes_40_bytes() {
        assert_eq!(size_of::<Member>(), 40);
        let member = Member::new(b"name", 1.5);
        assert_eq!((member.name(), member.score, member.memory()), (&b"name"[..], 1.5, 0));
    }
}
