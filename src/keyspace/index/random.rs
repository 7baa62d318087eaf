//! Random numbers for picking members and eviction candidates: fast, fair, and no secret.
//!
//! SplitMix64, published by Guy Steele, Doug Lea and Christine Flood in 2014. A test seeds it and gets
//! the same picks every time.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// A generator of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Default for Random {
    /// A generator whose numbers cannot be foretold.
    fn default() -> Random {
        Random::seeded(RandomState::new().hash_one(0))
    }
}

impl Random {
    pub fn seeded(seed: u64) -> Random {
        Random { state: seed }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, each as likely as the other. `bound` is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The high half of the product is fair but for a remainder, which is drawn again.
        let bound = bound as u64;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as usize;
            }
        }
    }

    /// `count` different numbers below `bound`, which is not less than `count`: every choice of them is
    /// as likely as the other. As Robert Floyd found, none has to be drawn twice
    /// (Communications of the ACM, September 1987).
    pub(crate) fn distinct(
        &mut self,
        bound: usize,
        count: usize,
    ) -> impl Iterator<Item = usize> + '_ {
        let mut taken = HashSet::with_capacity(count);
        (bound - count..bound).map(move |last| {
            let pick = self.below(last + 1);
            let pick = if taken.contains(&pick) { last } else { pick };
            taken.insert(pick);
            pick
        })
    }

    /// Another generator, for a caller that borrows what this one is kept with.
    pub(crate) fn fork(&mut self) -> Random {
        Random::seeded(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_below_the_bound_is_as_likely() {
        let mut random = Random::seeded(1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        // Chi-square with six degrees of freedom: 22.5 is passed once in a thousand seeds.
        let square: f64 =
            counts.iter().map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(square < 22.5, "{square}");
    }

    #[test]
    fn every_choice_of_different_numbers_is_as_likely() {
        let mut random = Random::seeded(2);
        let mut counts = [0_u32; 32];
        for _ in 0..50_000 {
            let choice: usize = random.distinct(5, 3).map(|pick| 1 << pick).sum();
            counts[choice] += 1;
        }
        // Ten choices, so nine degrees of freedom: 27.9 is passed once in a thousand seeds.
        let chosen: Vec<f64> = counts.iter().filter(|&&n| n > 0).map(|&n| f64::from(n)).collect();
        assert_eq!(chosen.len(), 10);
        let square: f64 = chosen.iter().map(|n| (n - 5000.0).powi(2) / 5000.0).sum();
        assert!(square < 27.9, "{square}");
        assert_eq!(random.distinct(4, 4).collect::<HashSet<_>>().len(), 4);
        assert_eq!(random.distinct(4, 0).count(), 0);
    }
}
