//! 80-bit numbers: what INCRBYFLOAT and HINCRBYFLOAT calculate with in Valkey on x86, where a `long
//! double` has a significand of 64 bits.
//!
//! The width shows: 0.1 + 0.2 is 0.3, 9007199254740993 + 0.5 loses nothing, and 1e400 is an
//! ordinary number of 401 digits. Timeouts in seconds are read as such numbers, too. So what these
//! commands do, reading, adding, writing and counting in thousandths, is done here in integers. Each rounds once, to the nearest, and to even in the middle.
//!
//! A number that is not finite can be read (`inf`) or be a sum; it is for the commands to refuse
//! it.

use std::cmp::Ordering;
use std::io::Write;
use std::ops::Add;

use super::number;

/// A number: `significand × 2^exponent`, with a sign. The highest bit of the significand is set,
/// unless the exponent is the least there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    significand: u64,
    exponent: i32,
}

/// The exponent of zero and of the subnormal numbers.
const LEAST_EXPONENT: i32 = -16445;
/// The exponent of the largest numbers.
const MOST_EXPONENT: i32 = 16320;
/// The exponent that marks what is no finite number.
const NOT_FINITE: i32 = i32::MAX;

/// The longest text that is read, in bytes.
const MOST_TEXT: usize = 5119;
/// A power of ten or two that puts every text of that length out of range, up or down.
const MOST_SCALE: i64 = 40_000;

/// What moves the decimals that are written, 17 of them, before the point.
const DECIMAL_SCALE: u128 = 10_u128.pow(17);

impl Extended {
    /// The number that `text` spells, as INCRBYFLOAT reads it: in decimal (`1`, `+.5`, `1e-5`), in
    /// hexadecimal (`0x1.8p1`), or infinity (`inf`, `-Infinity`, in any case).
    ///
    /// Refused are spaces, NaN, anything behind the number, and a number out of range: one that is
    /// too large, or that is not zero but would be rounded to it.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > MOST_TEXT {
            return None;
        }
        let (negative, size) = match text {
            [b'-', size @ ..] => (true, size),
            [b'+', size @ ..] => (false, size),
            size => (false, size),
        };
        if size.eq_ignore_ascii_case(b"inf") || size.eq_ignore_ascii_case(b"infinity") {
            return Some(Extended { negative, significand: 0, exponent: NOT_FINITE });
        }
        let (radix, size) = match size {
            [b'0', b'x' | b'X', size @ ..] => (16, size),
            size => (10, size),
        };
        let Spelled { mut digits, scale } = Spelled::scan(size, radix)?;
        if digits.is_zero() {
            return Some(Extended { negative, significand: 0, exponent: LEAST_EXPONENT });
        }
        let scale = i32::try_from(scale.clamp(-MOST_SCALE, MOST_SCALE)).ok()?;
        let mut divisor = Natural::from(1);
        let value = if radix == 16 {
            Extended::ratio(negative, digits, divisor, scale)
        } else {
            let scaled = if scale < 0 { &mut divisor } else { &mut digits };
            scaled.multiply_by_power_of_ten(scale.unsigned_abs());
            Extended::ratio(negative, digits, divisor, 0)
        };
        Some(value).filter(|value| value.is_finite() && value.significand > 0)
    }

    /// Whether this is a number, and no infinity.
    pub fn is_finite(self) -> bool {
        self.exponent != NOT_FINITE
    }

    /// The number of thousandths, a fraction of one rounded up; the greatest or least `i64` if it is none.
    pub fn thousandfold(self) -> i64 {
        let most = if self.negative { i64::MIN } else { i64::MAX };
        if !self.is_finite() {
            return most;
        }
        let wide = u128::from(self.significand) * 1000;
        let product = Extended::rounded(self.negative, wide, self.exponent);
        if product.exponent >= 0 {
            return most;
        }
        let shift = product.exponent.unsigned_abs();
        let whole = product.significand.checked_shr(shift).unwrap_or(0);
        let has_fraction = product.significand.trailing_zeros() < shift && product.significand > 0;
        let whole = i64::try_from(whole).unwrap_or(i64::MAX);
        if self.negative { -whole } else { whole.saturating_add(has_fraction.into()) }
    }

    /// Appends the number without an exponent and with at most 17 decimals; those that are zero at
    /// the end are left out.
    pub fn push(self, out: &mut Vec<u8>) {
        let sign: &[u8] = if self.negative { b"-" } else { b"" };
        if !self.is_finite() {
            out.extend_from_slice(sign);
            out.extend_from_slice(b"inf");
        } else if self.exponent >= 0 {
            out.extend_from_slice(sign);
            let mut whole = Natural::from(self.significand);
            whole.shift_left(self.exponent.unsigned_abs());
            whole.push_decimal(out);
        } else {
            let scaled = u128::from(self.significand) * DECIMAL_SCALE;
            let scaled = shift_right_to_even(scaled, self.exponent.unsigned_abs());
            if scaled > 0 {
                out.extend_from_slice(sign);
            }
            number::push_u64(out, (scaled / DECIMAL_SCALE) as u64);
            push_decimals(out, scaled % DECIMAL_SCALE);
        }
    }

    /// The number nearest to `dividend / divisor × 2^exponent`, of two that are not zero.
    fn ratio(
        negative: bool,
        mut dividend: Natural,
        mut divisor: Natural,
        exponent: i32,
    ) -> Extended {
        // Two more bits than are kept, so that the quotient has 66 of them or 67.
        const QUOTIENT_BITS: u32 = 66;
        let shift = (divisor.bits() + QUOTIENT_BITS) as i32 - dividend.bits() as i32;
        let shifted = if shift < 0 { &mut divisor } else { &mut dividend };
        shifted.shift_left(shift.unsigned_abs());
        divisor.shift_left(QUOTIENT_BITS);
        let mut quotient: u128 = 0;
        for _ in 0..=QUOTIENT_BITS {
            let fits = dividend >= divisor;
            if fits {
                dividend.subtract(&divisor);
            }
            quotient = (quotient << 1) | u128::from(fits);
            dividend.shift_left(1);
        }
        // One more bit stands for the rest: all that rounding asks is whether there is any.
        let wide = (quotient << 1) | u128::from(!dividend.is_zero());
        Extended::rounded(negative, wide, exponent - shift - 1)
    }

    /// The number nearest to `wide × 2^exponent`: zero if that is too small, infinite if too large.
    fn rounded(negative: bool, wide: u128, exponent: i32) -> Extended {
        let bits = (u128::BITS - wide.leading_zeros()) as i32;
        let surplus = (bits - 64).max(LEAST_EXPONENT - exponent);
        let mut exponent = exponent + surplus;
        let mut significand = if surplus > 0 {
            shift_right_to_even(wide, surplus.unsigned_abs())
        } else {
            wide << surplus.unsigned_abs()
        };
        if significand > u128::from(u64::MAX) {
            significand >>= 1;
            exponent += 1;
        }
        if significand == 0 {
            exponent = LEAST_EXPONENT;
        } else if exponent > MOST_EXPONENT {
            return Extended { negative, significand: 0, exponent: NOT_FINITE };
        }
        Extended { negative, significand: significand as u64, exponent }
    }
}

impl Add for Extended {
    type Output = Extended;

    fn add(self, other: Extended) -> Extended {
        /// Room below the significand for what rounding must know, with one bit left for a carry.
        const ROOM: u32 = 62;
        let size = |number: &Extended| (number.exponent, number.significand);
        let (large, small) = if size(&self) < size(&other) { (other, self) } else { (self, other) };
        if !large.is_finite() || small.significand == 0 {
            return large;
        }
        let gap = large.exponent.abs_diff(small.exponent);
        let (wide, aligned) =
            (u128::from(large.significand) << ROOM, u128::from(small.significand) << ROOM);
        // What is shifted out leaves a trace in the last bit.
        let shifted = aligned.checked_shr(gap).unwrap_or(0);
        let lost = shifted.checked_shl(gap) != Some(aligned);
        let aligned = shifted | u128::from(lost);
        let sum = if large.negative == small.negative { wide + aligned } else { wide - aligned };
        Extended::rounded(large.negative, sum, large.exponent - ROOM as i32)
    }
}

/// `wide / 2^by`, rounded to the nearest and in the middle to even. By 128 and more nothing is
/// left: nobody passes a number that has its highest bit set.
fn shift_right_to_even(wide: u128, by: u32) -> u128 {
    let Some(kept) = wide.checked_shr(by) else { return 0 };
    if by == 0 {
        return kept;
    }
    let (rest, half) = (wide & ((1 << by) - 1), 1 << (by - 1));
    let up = match rest.cmp(&half) {
        Ordering::Less => false,
        Ordering::Equal => kept % 2 == 1,
        Ordering::Greater => true,
    };
    kept + u128::from(up)
}

/// Appends the point and the digits of `decimals / 10^17` that are needed.
fn push_decimals(out: &mut Vec<u8>, mut decimals: u128) {
    if decimals > 0 {
        out.push(b'.');
    }
    while decimals > 0 {
        decimals *= 10;
        out.push(b'0' + (decimals / DECIMAL_SCALE) as u8);
        decimals %= DECIMAL_SCALE;
    }
}

/// A number without its sign, as it was spelled: the digits, and the power of ten that they are
/// multiplied by, or of two in hexadecimal.
struct Spelled {
    digits: Natural,
    scale: i64,
}

impl Spelled {
    /// Reads digits with a point somewhere, and perhaps an exponent.
    fn scan(text: &[u8], radix: u32) -> Option<Spelled> {
        let (mark, scale_of_digit) = if radix == 16 { (b'p', 4) } else { (b'e', 1) };
        let mut spelled = Spelled { digits: Natural::from(0), scale: 0 };
        let mut any_digit = false;
        let mut behind_point = false;
        for (index, &byte) in text.iter().enumerate() {
            if let Some(digit) = char::from(byte).to_digit(radix) {
                spelled.digits.multiply(u64::from(radix), u64::from(digit));
                spelled.scale -= if behind_point { scale_of_digit } else { 0 };
                any_digit = true;
            } else if byte == b'.' && !behind_point {
                behind_point = true;
            } else if byte.eq_ignore_ascii_case(&mark) && any_digit {
                spelled.scale = spelled.scale.saturating_add(exponent(&text[index + 1..])?);
                return Some(spelled);
            } else {
                return None;
            }
        }
        any_digit.then_some(spelled)
    }
}

/// The exponent that is spelled here, or the nearest to it that an `i64` holds.
fn exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(sign * digit))
    })
}

/// An integer of any size that is not negative. The lowest 64 bits come first, and the last are not
/// zero.
#[derive(PartialEq, Eq)]
struct Natural(Vec<u64>);

impl Natural {
    fn from(n: u64) -> Natural {
        let mut natural = Natural(vec![n]);
        natural.trim();
        natural
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bits it has.
    fn bits(&self) -> u32 {
        self.0.last().map_or(0, |last| self.0.len() as u32 * 64 - last.leading_zeros())
    }

    /// Becomes `self × factor + addend`.
    fn multiply(&mut self, factor: u64, addend: u64) {
        let mut carry = u128::from(addend);
        for limb in &mut self.0 {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        self.0.push(carry as u64);
        self.trim();
    }

    fn multiply_by_power_of_ten(&mut self, power: u32) {
        // The largest step that a factor holds.
        const STEP: u32 = 19;
        for _ in 0..power / STEP {
            self.multiply(10_u64.pow(STEP), 0);
        }
        self.multiply(10_u64.pow(power % STEP), 0);
    }

    /// Divides by `divisor` and returns the rest.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest: u128 = 0;
        for limb in self.0.iter_mut().rev() {
            let part = (rest << 64) | u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        self.trim();
        rest as u64
    }

    fn shift_left(&mut self, by: u32) {
        let (limbs, bits) = ((by / 64) as usize, by % 64);
        self.multiply(1 << bits, 0);
        if !self.is_zero() {
            self.0.splice(0..0, std::iter::repeat_n(0, limbs));
        }
    }

    /// Takes away `other`, which is not greater.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (index, limb) in self.0.iter_mut().enumerate() {
            let (part, first) = limb.overflowing_sub(other.0.get(index).copied().unwrap_or(0));
            let (part, second) = part.overflowing_sub(u64::from(borrow));
            *limb = part;
            borrow = first || second;
        }
        self.trim();
    }

    fn push_decimal(mut self, out: &mut Vec<u8>) {
        const CHUNK: u64 = 10_u64.pow(18);
        let mut chunks = Vec::new();
        while !self.is_zero() {
            chunks.push(self.divide(CHUNK));
        }
        number::push_u64(out, chunks.pop().unwrap_or(0));
        for chunk in chunks.iter().rev() {
            // Writing to a vector does not fail.
            let _ = write!(out, "{chunk:018}");
        }
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Natural) -> Ordering {
        let by_len = self.0.len().cmp(&other.0.len());
        by_len.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Natural) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        let sum = Extended::parse(a.as_bytes())? + Extended::parse(b.as_bytes())?;
        let mut out = Vec::new();
        sum.push(&mut out);
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    fn read(text: &str) -> Option<String> {
        sum(text, "0")
    }

    #[test]
    fn sums_have_the_precision_of_the_reference() {
        for (a, b, expected) in [
            ("3.0", "0.1", "3.1"),
            ("3.1", "-3.10", "0"),
            ("10.5", "0.1", "10.6"),
            ("0.1", "0.2", "0.3"),
            ("5.0e3", "2.0e2", "5200"),
            ("-0.1", "0.1", "0"),
            ("-0", "-0", "0"),
            ("9007199254740993", "0.5", "9007199254740993.5"),
            ("1e17", "0.1", "100000000000000000.1015625"),
            ("1", "1e-17", "1.00000000000000001"),
            ("3", "-1e-19", "3"),
            ("18446744073709551615", "1", "18446744073709551616"),
            ("-18446744073709551616", "1", "-18446744073709551615"),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(expected), "{a} + {b}");
        }
    }

    #[test]
    fn seventeen_decimals_are_written() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("3.0", "3"),
            ("00012", "12"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("-.5e1", "-5"),
            ("1e-05", "0.00001"),
            ("5e-18", "0"),
            ("6e-18", "0.00000000000000001"),
            ("4e-18", "0"),
            ("-1e-18", "0"),
            ("1e-4940", "0"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("0.99999999999999999999", "1"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_written_to_the_last_digit() {
        for (text, expected) in [
            ("1e17", "100000000000000000"),
            ("123456789012345678901", "123456789012345678904"),
            ("1.234567890123456789e20", "123456789012345678896"),
            ("999999999999999999999999999999", "1000000000000000000024696061952"),
            ("0x123456789abcdef123", "335812727670730322208"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        let large = read("1e400").unwrap_or_default();
        assert_eq!(large.len(), 401);
        assert!(large.starts_with("1000000000000000000028188068394758651"));
        assert_eq!(read("1e4000").map(|text| text.len()), Some(4000));
    }

    #[test]
    fn hexadecimal_is_read() {
        for (text, expected) in [
            ("0x10", "16"),
            ("0X1P4", "16"),
            ("+0x1.8p1", "3"),
            ("-0x1.fp-2", "-0.484375"),
            ("0x.8", "0.5"),
            ("0x1.", "1"),
            ("0x0p99999999999999999999", "0"),
            ("0x1p-1080", "0"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_out_of_range_is_refused() {
        for text in [
            "",
            ".",
            "+",
            "-",
            "e5",
            "+.",
            "++1",
            "+-1",
            " 1",
            "1 ",
            "\t1",
            "1\n",
            "1\0",
            "1,5",
            "1_000",
            "1a",
            "1.2.3",
            "1e",
            "1e+",
            "1e5x",
            "0b11",
            "0x",
            "0xg",
            "0x.",
            "0x1p",
            "0x1p+",
            "nan",
            "-nan",
            "infin",
            " inf",
            "1e5000",
            "1e-5000",
            "1e999999999999999999999",
            "0x1p99999999999999999999",
            "1e4933",
            "0x1p16384",
            "0x1p-16446",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read(&format!("{:0>5119}", 1)).as_deref(), Some("1"));
        assert_eq!(read(&format!("{:0>5120}", 1)), None);
    }

    #[test]
    fn what_is_not_finite_says_so() {
        let finite = |a: &str, b: &str| {
            let (a, b) = (Extended::parse(a.as_bytes()), Extended::parse(b.as_bytes()));
            a.zip(b).map(|(a, b)| (a + b).is_finite())
        };
        assert_eq!(finite("inf", "1"), Some(false));
        assert_eq!(finite("1", "-Infinity"), Some(false));
        assert_eq!(finite("inf", "-inf"), Some(false));
        assert_eq!(finite("1e4932", "1e4932"), Some(false));
        assert_eq!(finite("1e4932", "-1e4932"), Some(true));
        assert_eq!(read("-inf").as_deref(), Some("-inf"));
    }

    #[test]
    fn the_ends_of_the_range_are_exact() {
        let parsed = |text: &[u8]| Extended::parse(text).map(|n| (n.significand, n.exponent));
        assert_eq!(parsed(b"0x1p-16445"), Some((1, LEAST_EXPONENT)));
        assert_eq!(parsed(b"0x1p-16446"), None);
        assert_eq!(parsed(b"0x1.8p-16446"), Some((1, LEAST_EXPONENT)));
        assert_eq!(parsed(b"0xffffffffffffffffp16320"), Some((u64::MAX, MOST_EXPONENT)));
        assert_eq!(parsed(b"0xffffffffffffffff8p16316"), None);
    }

    #[test]
    fn integers_add_up() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random as i64) >> (random % 60)
        };
        for _ in 0..5000 {
            let (a, b) = (i128::from(next()), i128::from(next()));
            let expected = (a + b).to_string();
            assert_eq!(sum(&a.to_string(), &b.to_string()), Some(expected));
        }
    }

    #[test]
    fn thousandths_are_rounded_up() {
        let thousandths = |text: &str| Extended::parse(text.as_bytes()).unwrap().thousandfold();
        assert_eq!(["0", "-0", "1", "0x10", "+.5"].map(thousandths), [0, 0, 1000, 16_000, 500]);
        assert_eq!(["0.001", "0.0011", "1e-400", "0x1p-9"].map(thousandths), [1, 2, 1, 2]);
        // The number nearest to a thousandth is a little smaller, so below zero it is rounded up to none.
        assert_eq!(["-0.0001", "-0.001", "-0.0021", "-1"].map(thousandths), [0, 0, -2, -1000]);
        assert_eq!(
            ["9223372036854775", "9e15"].map(thousandths),
            [9_223_372_036_854_775_000, 9_000_000_000_000_000_000]
        );
        assert_eq!(["9223372036854776", "1e400", "inf"].map(thousandths), [i64::MAX; 3]);
        assert_eq!(["-9223372036854776", "-1e400", "-inf"].map(thousandths), [i64::MIN; 3]);
    }
}
