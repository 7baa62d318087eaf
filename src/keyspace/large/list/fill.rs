//! How much a node of a list may hold, and how large the reference takes elements to be.
//!
//! OBJECT ENCODING says `listpack` or `quicklist` by the size that a list has in the *reference's* packed
//! format, which keeps short integers as numbers. To name the same encoding for the same list, the
//! sizes that count here are those, and not our own: see [`listpack_size`].

use crate::text::number;

/// The directive `list-max-listpack-size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// A node holds so many bytes.
    Bytes(usize),
    /// A node holds so many elements, in no more than [`SAFE`] bytes.
    Elements(usize),
}

/// Past so many bytes, a node whose elements are counted is full as well.
const SAFE: usize = 8192;

/// What an empty listpack takes.
pub(crate) const EMPTY_LISTPACK: usize = 7;

/// So many bytes the reference reckons an element to take beside its own.
const OVERHEAD: usize = 8;

impl Fill {
    /// Negative: one of five classes of sizes, -1 (4 KiB) to -5 (64 KiB). Else a number of elements.
    pub(crate) fn new(directive: i64) -> Fill {
        match usize::try_from(directive) {
            Ok(elements) => Fill::Elements(elements.max(1)),
            Err(_) => Fill::Bytes(4096 << (-1 - directive).min(4)),
        }
    }

    /// Whether a node may have this size and so many elements.
    pub(crate) fn holds(self, size: usize, elements: usize) -> bool {
        match self {
            Fill::Bytes(most) => size <= most,
            Fill::Elements(most) => size <= SAFE && elements <= most,
        }
    }

    /// Whether a node is so small that a list which has shrunk to it becomes a listpack again.
    pub(crate) fn holds_twice(self, size: usize, elements: usize) -> bool {
        match self {
            Fill::Bytes(most) => size <= most / 2,
            Fill::Elements(most) => elements <= most / 2,
        }
    }

    /// Whether an element of `length` bytes can be added to a node.
    pub(crate) fn takes(self, length: usize, size: usize, elements: usize) -> bool {
        self.holds(size + length + OVERHEAD, elements + 1)
    }

    /// Whether an element of `length` bytes is so large that it has a node of its own.
    pub(crate) fn is_large(self, length: usize) -> bool {
        length
            > match self {
                Fill::Bytes(most) => most,
                Fill::Elements(_) => SAFE,
            }
    }
}

/// How many bytes an element takes in the reference's packed format.
pub(crate) fn listpack_size(element: &[u8]) -> usize {
    if let Some(number) = integer(element) {
        return listpack_integer_size(number);
    }
    let size = match element.len() {
        length @ 0..64 => length + 1,
        length @ 64..4096 => length + 2,
        length => length + 5,
    };
    // Behind an element stands its size, seven bits a byte.
    size + match size {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

/// How many bytes an integer takes there.
pub(crate) fn listpack_integer_size(number: i64) -> usize {
    1 + match number {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7fff => 3,
        -0x80_0000..=0x7f_ffff => 4,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => 9,
    }
}

#[inline]
fn integer(element: &[u8]) -> Option<i64> {
    match element {
        [b'-' | b'0'..=b'9', ..] if element.len() <= 20 => number::parse_i64(element),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_as_large_as_the_reference_finds_them() {
        for (element, size) in [
            ("", 2),
            ("a", 3),
            ("0", 2),
            ("127", 2),
            ("128", 3),
            ("-1", 3),
            ("4095", 3),
            ("4096", 4),
            ("-4096", 3),
            ("-4097", 4),
            ("32767", 4),
            ("32768", 5),
            ("8388607", 5),
            ("8388608", 6),
            ("2147483647", 6),
            ("2147483648", 10),
            ("-9223372036854775808", 10),
            ("9223372036854775808", 21),
            ("-0", 4),
            ("007", 5),
        ] {
            assert_eq!(listpack_size(element.as_bytes()), size, "{element}");
        }
        for (length, size) in
            [(63, 65), (64, 67), (125, 128), (126, 130), (128, 132), (4095, 4099), (4096, 4103)]
        {
            assert_eq!(listpack_size(&vec![b'a'; length]), size, "{length}");
        }
    }

    #[test]
    fn a_directive_is_a_class_of_sizes_or_a_number_of_elements() {
        assert_eq!(Fill::new(-1), Fill::Bytes(4096));
        assert_eq!(Fill::new(-5), Fill::Bytes(65536));
        assert_eq!(Fill::new(i64::MIN), Fill::Bytes(65536));
        assert_eq!(Fill::new(0), Fill::Elements(1));
        assert_eq!(Fill::new(128), Fill::Elements(128));
        assert!(Fill::new(-2).holds(8192, 5000) && !Fill::new(-2).holds(8193, 1));
        assert!(Fill::new(5).holds(8192, 5) && !Fill::new(5).holds(8193, 1));
        assert!(Fill::new(5).holds_twice(9000, 2) && !Fill::new(5).holds_twice(20, 3));
    }
}
