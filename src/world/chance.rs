//! What is left to chance, where a test wants to have it again: STAGE SEED.
//!
//! From a seed follow the members, keys and victims that are picked and what scripts get from `math.random`. What must
//! not be foretold, the passwords of ACL GENPASS, does not follow from it.

use super::World;
use crate::keyspace::Random;

/// What the numbers follow from that picks are made by.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seed {
    /// What it was when the server started.
    first: Option<u64>,
    /// `None`: no test has asked for one.
    pub(crate) number: Option<u64>,
    /// How often it was set. Lua states have generators of their own, and see by this that they begin anew.
    pub(crate) times: u64,
}

impl World {
    /// All picks from now on follow from this number.
    pub(crate) fn seed(&mut self, number: u64) {
        self.reseed(Some(number));
    }

    /// The same, and STAGE RESET comes back to it.
    pub(crate) fn begin_seeded(&mut self, number: u64) {
        self.seed.first = Some(number);
        self.seed(number);
    }

    /// Picks are made as when the server started.
    pub(crate) fn forget_seed(&mut self) {
        if self.seed.times > 0 {
            self.reseed(self.seed.first);
        }
    }

    fn reseed(&mut self, number: Option<u64>) {
        self.store.shared.random = number.map_or_else(Random::default, Random::seeded);
        self.seed.number = number;
        self.seed.times += 1;
    }
}
