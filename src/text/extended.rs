//! 80-bit numbers: what INCRBYFLOAT and HINCRBYFLOAT calculate with in Valkey on x86, where a `long
//! double` has a significand of 64 bits.
//!
//! The width shows: 0.1 + 0.2 is 0.3, 9007199254740993 + 0.5 loses nothing, and 1e400 is an ordinary
//! number of 401 digits. So these few operations are done here in integers: reading, adding and writing,
//! each rounded once, to the nearest and to even between two. A number that is not finite can be read
//! (`inf`) or result from adding; the commands refuse it.

use std::cmp::Ordering;
use std::ops::Add;

use super::number;

/// A number that is `±significand × 2^exponent`. The highest bit of the significand is set, unless the
/// exponent is [`LEAST_EXPONENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    significand: u64,
    exponent: i32,
}

/// That of zero and of the subnormal numbers.
const LEAST_EXPONENT: i32 = -16445;
/// That of the largest numbers.
const MOST_EXPONENT: i32 = 16320;
/// Marks what is too large to be a number.
const INFINITE: i32 = i32::MAX;

/// The longest text that is read, in bytes.
const MOST_TEXT: usize = 5119;
/// Powers of ten and of two beyond which a text is certainly out of range.
const MOST_DECIMAL_ORDER: i64 = 5000;
const MOST_BINARY_ORDER: i64 = 20000;

/// The decimals that are written.
const DECIMALS: u32 = 17;

impl Extended {
    /// The number that `text` spells, as INCRBYFLOAT reads it: in decimal (`1`, `+.5`, `1e-5`), in
    /// hexadecimal (`0x1.8p1`), or infinity (`inf`, `-Infinity`).
    ///
    /// Refused are spaces, NaN, anything behind the number, a number that is too large, and one that is
    /// not zero but so small that it would become zero.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > MOST_TEXT {
            return None;
        }
        let (negative, unsigned) = match text {
            [b'-', unsigned @ ..] => (true, unsigned),
            [b'+', unsigned @ ..] => (false, unsigned),
            unsigned => (false, unsigned),
        };
        if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
            return Some(Extended { negative, significand: 0, exponent: INFINITE });
        }
        let number = match unsigned {
            [b'0', b'x' | b'X', hexadecimal @ ..] => {
                let spelled = Spelled::scan(hexadecimal, 16, b'p')?;
                let scale = spelled.exponent.saturating_sub(4 * spelled.decimals);
                spelled.value(negative, scale, MOST_BINARY_ORDER, |digits, scale| {
                    Extended::ratio(negative, digits, Natural::from(1), scale)
                })
            }
            decimal => {
                let spelled = Spelled::scan(decimal, 10, b'e')?;
                let scale = spelled.exponent.saturating_sub(spelled.decimals);
                spelled.value(negative, scale, MOST_DECIMAL_ORDER, |mut digits, scale| {
                    let mut divisor = Natural::from(1);
                    let scaled = if scale < 0 { &mut divisor } else { &mut digits };
                    (0..scale.abs()).for_each(|_| scaled.multiply(10, 0));
                    Extended::ratio(negative, digits, divisor, 0)
                })
            }
        };
        number
    }
}
