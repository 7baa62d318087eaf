//! Hashes that cannot be foretold, so that a client cannot choose keys that collide.
//!
//! Keys of ordinary length are hashed by NH, the universal hash of UMAC (Black, Halevi, Krawczyk,
//! Krovetz and Rogaway, 1999): to every word a secret number is added, and the sums are multiplied in
//! pairs. For any two keys, even if a client chose them, all but one of 2^64 secrets tell them apart. It takes a
//! few nanoseconds. Longer keys are hashed by std's SipHash. The secrets are new in every process, but in one of which a test
//! wants that it does the same as another: [`may_be_foretold`].

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::text::word::words;

/// The hash of a key, by secrets that every process chooses anew.
#[inline]
pub(crate) fn hash_of(key: &[u8]) -> u32 {
    static SECRETS: LazyLock<Secrets> =
        LazyLock::new(|| match MAY_BE_FORETOLD.load(Ordering::Relaxed) {
            true => Secrets::new(Long::Known),
            false => Secrets::new(Long::Secret(RandomState::new())),
        });
    SECRETS.hash(key)
}

static MAY_BE_FORETOLD: AtomicBool = AtomicBool::new(false);

/// Hashes of this process may be known to all: what is in an order by hash, as SCAN shows keys, is so in every such
/// process. It has no effect once a key has been hashed.
pub(crate) fn may_be_foretold() {
    MAY_BE_FORETOLD.store(true, Ordering::Relaxed);
}

/// The longest key that NH has secrets for, in bytes.
const LONGEST: usize = 64;

/// NH takes two words at a time.
const BLOCK: usize = 16;

struct Secrets {
    added: [[u64; 2]; LONGEST / BLOCK],
    /// Odd.
    factors: [u64; 2],
    long: Long,
}

/// What the secrets come from, and what long keys are hashed by.
enum Long {
    Secret(RandomState),
    Known,
}

impl Long {
    /// Apart, so that a short key is hashed without the registers that SipHash wants: 8 instructions of 38.
    #[inline(never)]
    fn hash_one(&self, value: impl Hash) -> u64 {
        match self {
            Long::Secret(state) => state.hash_one(value),
            Long::Known => {
                let mut hasher = DefaultHasher::new();
                value.hash(&mut hasher);
                hasher.finish()
            }
        }
    }
}

impl Secrets {
    fn new(long: Long) -> Secrets {
        let secret = |index: usize| long.hash_one(index);
        let added = std::array::from_fn(|block| [secret(2 * block), secret(2 * block + 1)]);
        let factors = [secret(LONGEST) | 1, secret(LONGEST + 1) | 1];
        Secrets { added, factors, long }
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u32 {
        if key.len() > LONGEST {
            return (self.long.hash_one(key) >> 32) as u32;
        }
        // The last block overlaps the one before it. With the length, this tells keys apart.
        let mut sum = product(words(key), self.added[0]);
        if key.len() > BLOCK {
            for (block, added) in key[..key.len() - 1].chunks_exact(BLOCK).zip(&self.added[1..]) {
                sum = sum.wrapping_add(product(words(block), *added));
            }
        }
        let [low, high] = [sum as u64, (sum >> 64) as u64 ^ (key.len() as u64) << 56];
        let mixed = low.wrapping_mul(self.factors[0]) ^ high.wrapping_mul(self.factors[1]);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as u32
    }
}

fn product(words: [u64; 2], added: [u64; 2]) -> u128 {
    let [one, other] = [words[0].wrapping_add(added[0]), words[1].wrapping_add(added[1])];
    u128::from(one) * u128::from(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn secrets() -> Secrets {
        Secrets::new(Long::Secret(RandomState::new()))
    }

    #[test]
    fn different_keys_have_different_hashes_nearly_always() {
        let secrets = secrets();
        let mut keys = HashSet::new();
        for length in 0..=80 {
            for at in 0..length {
                for bits in [1, 0x80, 0xff] {
                    let mut key = vec![0; length];
                    key[at] = bits;
                    keys.insert(key);
                }
            }
            keys.insert(vec![0; length]);
        }
        let hashes: HashSet<u32> = keys.iter().map(|key| secrets.hash(key)).collect();
        // Ten thousand keys: one pair in a hundred such sets has the same 32 bits by chance.
        assert!(keys.len() - hashes.len() <= 2, "{} of {}", keys.len() - hashes.len(), keys.len());
    }

    #[test]
    fn keys_that_are_alike_are_spread_evenly() {
        for shape in ["key:{n}", "{n}", "user:{n}:session:0000000000000000000000"] {
            let mut counts = [[0_u32; 256]; 4];
            for n in 0..65_536 {
                let key = shape.replace("{n}", &n.to_string());
                for (byte, counts) in hash_of(key.as_bytes()).to_le_bytes().iter().zip(&mut counts)
                {
                    counts[usize::from(*byte)] += 1;
                }
            }
            for counts in counts {
                // Chi-square with 255 degrees of freedom: 365 is passed once in a hundred thousand.
                let square: f64 =
                    counts.iter().map(|&n| (f64::from(n) - 256.0).powi(2) / 256.0).sum();
                assert!(square < 365.0, "{shape}: {square}");
            }
        }
    }

    #[test]
    fn every_process_has_its_own() {
        let (one, other) = (secrets(), secrets());
        assert!((0..8_u8).any(|byte| one.hash(&[byte]) != other.hash(&[byte])));
    }

    #[test]
    fn hashes_that_may_be_foretold_are_the_same_everywhere() {
        let known = Secrets::new(Long::Known);
        assert_eq!([known.hash(b"key"), known.hash(&[b'x'; 100])], [1_057_341_395, 3_801_976_616]);
    }
}
