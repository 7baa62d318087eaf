//! Short byte strings as two machine words: what can be hashed and compared without a loop.

/// The longest string that two words have all of, in bytes.
pub(crate) const WHOLE: usize = 16;

/// The last sixteen bytes, or all if there are fewer, as two words. Different strings of one length of
/// at most [`WHOLE`] have different words.
#[inline]
pub(crate) fn words(bytes: &[u8]) -> [u64; 2] {
    if let Some((one, other)) = bytes.last_chunk::<16>().map(|last| last.split_at(8)) {
        [one, other].map(|half| half.try_into().map_or(0, u64::from_le_bytes))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        [u64::from_le_bytes(*first), u64::from_le_bytes(*last)]
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        [u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()]
    } else {
        let byte = |at: usize| bytes.get(at).map_or(0, |&byte| u64::from(byte));
        [byte(0) | byte(1) << 8, byte(2)]
    }
}

/// The word with the capitals among its eight bytes made small, and nothing else changed.
///
/// Every command is found by its name that way: a PING takes 1147 instructions with it, and 1310 with
/// `make_ascii_lowercase` in its place (`scripts/instructions ping:16`).
#[inline]
pub(crate) fn small(word: u64) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const TOP: u64 = 0x80 * EACH;
    let low_bits = word & !TOP;
    // The top bit of a byte says that it is past `Z`, or at least `A`.
    let past_z = low_bits + (0x7f - u64::from(b'Z')) * EACH;
    let from_a = low_bits + (0x80 - u64::from(b'A')) * EACH;
    let capitals = (from_a ^ past_z) & !word & TOP;
    word | capitals >> 2
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_strings_of_one_length_have_different_words() {
        for length in 0..=WHOLE {
            let mut seen = HashSet::from([words(&vec![0; length])]);
            for at in 0..length {
                for byte in 1..=255 {
                    let mut bytes = vec![0; length];
                    bytes[at] = byte;
                    assert!(seen.insert(words(&bytes)), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn capitals_become_small_and_nothing_else_does() {
        for byte in 0..=255_u8 {
            for bytes in [[byte; 8], [b'Z', byte, 0xff, b'a', byte, b'@', b'[', byte]] {
                let small = small(u64::from_le_bytes(bytes)).to_le_bytes();
                assert_eq!(small.to_vec(), bytes.to_ascii_lowercase());
            }
        }
    }
}
