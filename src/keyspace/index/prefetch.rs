//! What was fetched ahead, remembered: at which position of a database a key is.
//!
//! A key that was prefetched ([`super::dict::Dict::prefetch`]) has been looked for in the index once, and
//! need not be again when its turn comes. Entries move when others are removed, so what is remembered
//! is where to look first, and no more.

/// How many positions are remembered, sixteen of which are of the requests at hand.
const PLACES: usize = 64;

/// Positions by hash.
#[derive(Debug, Default)]
pub(crate) struct PrefetchCache {
    /// A hash and the position that it had, by the last bits of the hash. Empty in a database that is too small to be
    /// prefetched, as most of many are.
    places: Vec<(u32, u32)>,
}

impl PrefetchCache {
    #[inline]
    pub(crate) fn note(&mut self, hash: u32, at: usize) {
        if self.places.is_empty() {
            self.places = vec![(0, 0); PLACES];
        }
        self.places[hash as usize % PLACES] = (hash, at as u32);
    }

    /// Where a key with this hash was.
    #[inline]
    pub(crate) fn get(&self, hash: u32) -> Option<usize> {
        let &(noted, at) = self.places.get(hash as usize % PLACES)?;
        (noted == hash).then_some(at as usize)
    }
}

#[cfg(test)]
mod tests {
    use crate::keyspace::Store;

    #[test]
    fn keys_that_have_moved_are_found_all_the_same() {
        let mut store = Store::new(1);
        let keys: Vec<String> = (0..200).map(|n| format!("key:{n}")).collect();
        for key in &keys {
            store.db(0).set_string(key.as_bytes(), key.as_bytes(), None);
        }
        for some in keys.chunks(16) {
            store.prefetch(0, some.iter().map(String::as_bytes));
            // The last key takes the place of the first one.
            assert!(store.db(0).remove(some[0].as_bytes()));
            for key in some {
                let expected = (*key != some[0]).then_some(key.as_bytes());
                assert_eq!(store.db(0).string(key.as_bytes()), Ok(expected));
            }
        }
    }
}
