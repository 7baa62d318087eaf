//! A member of a large sorted set: its bytes and its score, as the dictionary keeps them.

use crate::keyspace::index::dict::{Keyed, hash_of};
use crate::keyspace::large::name::Name;

/// A member with its score: 40 bytes, and an allocation if its name is long.
#[derive(Debug, Clone)]
pub struct Member {
    pub score: f64,
    name: Name,
    hash: u32,
}

impl Member {
    pub fn new(name: &[u8], score: f64) -> Member {
        Member::hashed(name, hash_of(name), score)
    }

    /// A member whose hash is known.
    pub fn hashed(name: &[u8], hash: u32, score: f64) -> Member {
        Member { score, name: Name::new(name), hash }
    }

    #[inline]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Bytes of memory beside the member itself.
    pub fn memory(&self) -> usize {
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
