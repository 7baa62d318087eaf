//! Lengths in base 128: the low digit first, all digits but the last with their top bit set.
//!
//! A length of less than 128 takes one byte, and any of 32 bits takes five at most. Keys of entries and
//! elements of packed sequences are behind such lengths; elements are before one as well, whose digits
//! stand in the opposite order, so that it is read from its end.

/// The most digits of a length of 32 bits.
pub(crate) const MOST_DIGITS: usize = 5;

/// The digits of a length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits {
    digits: [u8; MOST_DIGITS],
    used: usize,
}

impl Digits {
    #[inline]
    pub(crate) fn of(mut length: usize) -> Digits {
        let (mut digits, mut used) = ([0; MOST_DIGITS], 0);
        while length >= 0x80 {
            digits[used] = length as u8 | 0x80;
            length >>= 7;
            used += 1;
        }
        digits[used] = length as u8;
        Digits { digits, used: used + 1 }
    }

    /// The digits in their order.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.used]
    }

    /// The digits for a reader that comes from behind.
    #[inline]
    pub(crate) fn backwards(mut self) -> Digits {
        self.digits[..self.used].reverse();
        self
    }
}

/// How many digits a length has.
#[inline]
pub(crate) fn count(length: usize) -> usize {
    let (mut used, mut rest) = (1, length >> 7);
    while rest > 0 {
        used += 1;
        rest >>= 7;
    }
    used
}

/// Reads the length at the start of `bytes`. Returns it and how many digits it has.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> (usize, usize) {
    match bytes {
        [first @ ..0x80, ..] => ((*first).into(), 1),
        _ => sum(bytes.iter()),
    }
}

/// Reads the length whose backward digits end `bytes`. Returns it and how many digits it has.
#[inline]
pub(crate) fn read_backwards(bytes: &[u8]) -> (usize, usize) {
    sum(bytes.iter().rev())
}

#[inline]
fn sum<'a>(digits: impl ExactSizeIterator<Item = &'a u8>) -> (usize, usize) {
    let (mut length, all) = (0, digits.len());
    for (digit, &byte) in digits.enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * digit);
        if byte < 0x80 {
            return (length, digit + 1);
        }
    }
    (length, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_read_from_either_end() {
        let edges = [0, 1, 127, 128, 16_383, 16_384, 1 << 21, u32::MAX as usize];
        for length in edges {
            let digits = Digits::of(length);
            let used = digits.as_bytes().len();
            assert_eq!(count(length), used, "{length}");
            let forwards = [digits.as_bytes(), b"rest"].concat();
            assert_eq!(read(&forwards), (length, used));
            let backwards = [b"rest", digits.backwards().as_bytes()].concat();
            assert_eq!(read_backwards(&backwards), (length, used));
        }
        assert_eq!(Digits::of(127).as_bytes().len(), 1);
        assert_eq!(Digits::of(u32::MAX as usize).as_bytes().len(), MOST_DIGITS);
    }
}
