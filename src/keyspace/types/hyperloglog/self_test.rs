//! PFSELFTEST: what must hold of every HyperLogLog, tried on some that nothing else sees.
//!
//! It takes some ten milliseconds.

use super::{EMPTY, HEADER, Hll, HllMut, REGISTERS, Union, dense};

/// How many elements are added.
const ELEMENTS: u64 = 100_000;
/// The standard error of a count: 1.04 / sqrt(16384).
const STANDARD_ERROR: f64 = 0.008_125;
/// The most bytes of a sparse one, as `hll-sparse-max-bytes` has it by default.
const SPARSE_MAX: usize = 3000;

/// Returns what does not hold, if anything.
pub(crate) fn self_test() -> Result<(), String> {
    registers_keep_their_values()?;
    counts_are_near()
}

/// Dense registers are six bits each, and none touches its neighbours.
fn registers_keep_their_values() -> Result<(), String> {
    let mut union = Union::default();
    let mut state: u64 = 1;
    let mut values = [0; REGISTERS];
    for (index, value) in values.iter_mut().enumerate() {
        // Knuth's multiplier of a linear congruence; the upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *value = (state >> 58) as u8;
        dense::raise(&mut union.registers, index, *value);
    }
    let mut bytes = EMPTY.to_vec();
    HllMut::new(&mut bytes, 0, SPARSE_MAX).write_dense(&union);
    let mut read = Union::default();
    read.join(Hll(&bytes)).map_err(|error| error.to_string())?;
    match read.registers().zip(values).enumerate().find(|(_, (is, should))| is != should) {
        None => Ok(()),
        Some((index, (is, should))) => {
            Err(format!("Register {index} should be {should} but is {is}"))
        }
    }
}

/// At every power of ten the count is within six standard errors, and one that began sparse counts as one
/// that was dense from the start.
fn counts_are_near() -> Result<(), String> {
    let (mut sparse, mut dense) = (EMPTY.to_vec(), EMPTY.to_vec());
    let told = |error: crate::keyspace::error::Error| error.to_string();
    HllMut::new(&mut dense, 0, 0).make_dense().map_err(told)?;
    let mut checkpoint = 1;
    for element in 1..=ELEMENTS {
        for bytes in [&mut sparse, &mut dense] {
            HllMut::new(bytes, 0, SPARSE_MAX + HEADER).add(&element.to_le_bytes()).map_err(told)?;
        }
        if element == checkpoint {
            let counts = [&sparse, &dense].map(|bytes| Hll(bytes).count());
            let [Ok(sparse), Ok(dense)] = counts else {
                return Err("a HyperLogLog that was just written is corrupt".to_owned());
            };
            if sparse != dense {
                return Err(format!("sparse counts {sparse}, dense {dense}"));
            }
            let most = (checkpoint as f64 * STANDARD_ERROR * 6.0).ceil();
            if (dense as f64 - checkpoint as f64).abs() > most {
                return Err(format!("too big error: {checkpoint} elements are counted as {dense}"));
            }
            checkpoint *= 10;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_must_hold_does() {
        assert_eq!(super::self_test(), Ok(()));
    }
}
