//! Dense registers: six bits each, four in three bytes, the first in the lowest bits. They are joined and counted as
//! they lie, without being unpacked.

use super::REGISTERS;
use super::estimate::Histogram;

/// The bytes of all registers.
pub(super) const SIZE: usize = REGISTERS / 4 * 3;

/// The value of a register.
pub(super) fn get(packed: &[u8], index: usize) -> u8 {
    (four(packed, index) >> shift(index)) as u8 & 0x3f
}

/// Raises a register to a value. Returns whether it was lower.
pub(super) fn raise(packed: &mut [u8], index: usize, value: u8) -> bool {
    let old = get(packed, index);
    if old < value {
        let raised = four(packed, index) ^ u32::from(old ^ value) << shift(index);
        packed[index / 4 * 3..][..3].copy_from_slice(&raised.to_le_bytes()[..3]);
    }
    old < value
}

/// A register and the three with which it shares bytes.
fn four(packed: &[u8], index: usize) -> u32 {
    let bytes = &packed[index / 4 * 3..][..3];
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
}

fn shift(index: usize) -> usize {
    index % 4 * 6
}

/// As many bytes as three vectors of 16 have. Eight registers lie in six bytes, so each block is like the other.
const BLOCK: usize = 48;

// Each register lies in one byte, or in one word of 16 bits, where a mask leaves it alone: then the greater of two bytes, or of
// two words, is the greater of two registers, without a shift.
//
//  byte    0        1        2        3        4        5
//  bits  11000000 22221111 33333322 55444444 66665555 77777766   (each from its highest; the digit is the register)

/// Registers 0, 3, 4 and 7, in bytes.
static IN_BYTES: [u8; BLOCK] = repeated([0x3f, 0, 0xfc, 0x3f, 0, 0xfc]);
/// Registers 1 and 6, in words that begin at even bytes.
static IN_EVEN_WORDS: [u16; BLOCK / 2] = repeated([0xfc0, 0, 0x3f0]);
/// Registers 2 and 5, in words that begin at odd bytes.
static IN_ODD_WORDS: [u16; BLOCK / 2] = repeated([0x3f0, 0xfc0, 0]);

const fn repeated<T: Copy, const PERIOD: usize, const LEN: usize>(masks: [T; PERIOD]) -> [T; LEN] {
    let mut all = [masks[0]; LEN];
    let mut at = 0;
    while at < LEN {
        all[at] = masks[at % PERIOD];
        at += 1;
    }
    all
}

/// Raises each register to that of `other` where that is greater.
///
/// By what it lacks, if anything. The three loops become instructions for 16 bytes at once, `psubusb` and `psubusw`, which every
/// x86-64 has: 1.2 µs, and 2.6 with registers that are unpacked to bytes.
pub(super) fn join(packed: &mut [u8], other: &[u8]) {
    let blocks = packed.as_chunks_mut::<BLOCK>().0.iter_mut();
    for (block, other) in blocks.zip(other.as_chunks::<BLOCK>().0) {
        for ((byte, other), mask) in block.iter_mut().zip(other).zip(&IN_BYTES) {
            *byte += (other & mask).saturating_sub(*byte & mask);
        }
    }
    join_words(packed, other, &IN_EVEN_WORDS);
    join_words(&mut packed[1..], &other[1..], &IN_ODD_WORDS);
}

fn join_words(packed: &mut [u8], other: &[u8], masks: &[u16; BLOCK / 2]) {
    let (blocks, rest) = packed.as_chunks_mut::<BLOCK>();
    let (others, other_rest) = other.as_chunks::<BLOCK>();
    for (block, other) in blocks.iter_mut().zip(others) {
        join_block(block, other, masks);
    }
    join_block(rest, other_rest, masks);
}

/// Joins the words of a block, or of its beginning.
#[inline]
fn join_block(block: &mut [u8], other: &[u8], masks: &[u16; BLOCK / 2]) {
    let words = block.as_chunks_mut::<2>().0.iter_mut().zip(other.as_chunks::<2>().0);
    for ((bytes, other), mask) in words.zip(masks) {
        let (word, other) = (u16::from_le_bytes(*bytes), u16::from_le_bytes(*other));
        *bytes = (word + (other & mask).saturating_sub(word & mask)).to_le_bytes();
    }
}

/// How many registers have each value.
///
/// They are counted by pairs, of which there are half as many, and equal ones wait for each other less often: 3.8 µs, and 6.3
/// one by one.
pub(super) fn histogram(packed: &[u8]) -> Histogram {
    /// The values that a register can have, and a pair.
    const VALUES: usize = 1 << 6;
    const PAIRS: usize = VALUES * VALUES;
    let mut pairs = [0_u32; PAIRS];
    for words in packed.as_chunks::<24>().0 {
        let word = |at: usize| u64::from_le_bytes(words.as_chunks().0[at]);
        let (first, second, third) = (word(0), word(1), word(2));
        // Five pairs, five, five, and the sixteenth.
        for five in [first, first >> 60 | second << 4, second >> 56 | third << 8] {
            for at in 0..5 {
                pairs[(five >> (12 * at)) as usize % PAIRS] += 1;
            }
        }
        pairs[(third >> 52) as usize] += 1;
    }
    let mut histogram = Histogram::default();
    let mut lower = [0; VALUES];
    for (value, row) in pairs.as_chunks::<VALUES>().0.iter().enumerate() {
        histogram.add(value as u8, row.iter().sum::<u32>() as usize);
        lower.iter_mut().zip(row).for_each(|(lower, count)| *lower += count);
    }
    lower.iter().zip(0..).for_each(|(&count, value)| histogram.add(value, count as usize));
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    /// Registers of any value up to a greatest one, packed, and the same unpacked.
    fn registers(random: &mut Random, most: usize) -> (Vec<u8>, Vec<u8>) {
        let values: Vec<u8> = (0..REGISTERS).map(|_| random.below(most + 1) as u8).collect();
        let mut packed = vec![0; SIZE];
        for (index, &value) in values.iter().enumerate() {
            assert_eq!(raise(&mut packed, index, value), value > 0);
        }
        (packed, values)
    }

    #[test]
    fn registers_are_joined_and_counted_as_one_by_one() {
        let mut random = Random::seeded(13);
        for most in [0, 1, 3, 20, 51, 63, 63, 63] {
            let ((mut packed, mut values), (other, others)) =
                (registers(&mut random, most), registers(&mut random, most));
            join(&mut packed, &other);
            values.iter_mut().zip(others).for_each(|(value, other)| *value = other.max(*value));
            let joined: Vec<u8> = (0..REGISTERS).map(|index| get(&packed, index)).collect();
            assert_eq!(joined, values);
            let mut plain = Histogram::default();
            values.iter().for_each(|&value| plain.add(value, 1));
            assert_eq!(histogram(&packed), plain);
        }
    }
}
