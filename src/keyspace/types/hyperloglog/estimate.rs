//! From the values of registers to a count.
//!
//! The estimator is Otmar Ertl's, from "New cardinality estimation algorithms for HyperLogLog
//! sketches", 2017: it needs no tables and no special cases for small and large counts.

use super::{INDEX_BITS, REGISTERS};

/// The bits of a hash that make a value.
const VALUE_BITS: usize = 64 - INDEX_BITS as usize;

/// How many registers have each value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Histogram([usize; 64]);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram([0; 64])
    }
}

impl Histogram {
    /// So many registers more have that value, which is below 64.
    #[inline]
    pub(crate) fn add(&mut self, value: u8, registers: usize) {
        self.0[usize::from(value & 0x3f)] += registers;
    }

    /// About how many different elements make registers like these.
    pub(crate) fn estimate(&self) -> u64 {
        /// 1 / (2 ln 2)
        const ALPHA: f64 = 0.721_347_520_444_481_7;
        let registers = REGISTERS as f64;
        let saturated = self.0[VALUE_BITS + 1] as f64;
        let mut sum = registers * tau((registers - saturated) / registers);
        for &with_value in self.0[1..=VALUE_BITS].iter().rev() {
            sum = (sum + with_value as f64) * 0.5;
        }
        sum += registers * sigma(self.0[0] as f64 / registers);
        (ALPHA * registers * registers / sum).round() as u64
    }
}

/// The sum of `x` raised to 2^k, times 2^(k-1), for k from 1; and `x`. Infinite for 1.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut factor, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor += factor;
        if sum == before {
            return sum;
        }
    }
}

/// A third of `1 - x`, less the sum of `(1 - x^(2^-k))² 2^-k` for k from 1.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut factor, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - x).powi(2) * factor;
        if sum == before {
            return sum / 3.0;
        }
    }
}
