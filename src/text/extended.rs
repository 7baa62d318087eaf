//! 80-bit numbers: what INCRBYFLOAT and HINCRBYFLOAT calculate with in Valkey on x86, where a `long
//! double` has a significand of 64 bits.
//!
//! The width shows: 0.1 + 0.2 is 0.3, 9007199254740993 + 0.5 loses nothing, and 1e400 is an ordinary
//! number of 401 digits. Timeouts in seconds are read as such numbers, too. Adding is that of
//! `rustc_apfloat`, which the Rust compiler evaluates constants with, and so is reading, but for numbers of few
//! digits; the grammar of a number and the decimals that are written are Valkey's and stand here.
//!
//! A number that is not finite can be read (`inf`) or be a sum; the commands refuse it.

use std::io::Write;
use std::ops::Add;

use rustc_apfloat::ieee::X87DoubleExtended;
use rustc_apfloat::{Float, Round, Status};

use super::number;

/// An 80-bit number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extended(X87DoubleExtended);

/// The longest text that is read, in bytes.
const MAX_TEXT: usize = 5119;

/// What is added to the exponent of the significand's lowest bit to store it in 15 bits.
const EXPONENT_BIAS: i32 = 16383 + 63;

/// How many decimals are written.
pub(crate) const DECIMALS: usize = 17;

/// So many digits always fit into 64 bits.
const MOST_DECIMALS: usize = 19;

impl Extended {
    /// The number that `text` spells, as INCRBYFLOAT reads it: in decimal (`1`, `+.5`, `1e-5`), in
    /// hexadecimal (`0x1.8p1`), or infinity (`inf`, `-Infinity`, in any case).
    ///
    /// Refused are spaces, NaN, anything behind the number, and a number out of range: one that is
    /// too large, or that is not zero but would be rounded to it.
    pub(crate) fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (is_negative, size) = match text {
            [b'-', size @ ..] => (true, size),
            [b'+', size @ ..] => (false, size),
            size => (false, size),
        };
        let size = std::str::from_utf8(size).ok()?;
        let value = if size.eq_ignore_ascii_case("inf") || size.eq_ignore_ascii_case("infinity") {
            X87DoubleExtended::INFINITY
        } else {
            finite(size)?
        };
        Some(Extended(if is_negative { -value } else { value }))
    }

    /// Returns whether this is a number, and no infinity.
    pub(crate) fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// The number of thousandths, a fraction of one rounded up; the greatest or least `i64` if it is none.
    pub(crate) fn thousandfold(self) -> i64 {
        let thousand = X87DoubleExtended::from_u128(1000).value;
        let product = (self.0 * thousand).value;
        product.to_i128_r(64, Round::TowardPositive, &mut false).value as i64
    }

    /// Appends the number, a finite one, without an exponent and with at most 17 decimals; those that are
    /// zero at the end are left out.
    pub(crate) fn push(self, out: &mut Vec<u8>) {
        let bits = self.0.to_bits();
        let significand = bits as u64;
        // Subnormal numbers have the exponent of the smallest normal ones.
        let stored = ((bits >> 64) as i32 & 0x7fff).max(1);
        push_scaled(out, self.0.is_negative(), significand, stored - EXPONENT_BIAS, DECIMALS);
    }
}

impl Add for Extended {
    type Output = Extended;

    fn add(self, other: Extended) -> Extended {
        Extended((self.0 + other.0).value)
    }
}

/// Appends a double, a finite one, as [`Extended::push`] does, with at most so many decimals, up to 19.
pub(crate) fn push_double(out: &mut Vec<u8>, value: f64, decimals: usize) {
    const FRACTION_BITS: i32 = 52;
    const EXPONENT_BIAS: i32 = 1023 + FRACTION_BITS;
    let bits = value.abs().to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let (significand, exponent) = match (bits >> FRACTION_BITS) as i32 {
        0 => (fraction, 1),
        stored => (fraction | 1 << FRACTION_BITS, stored),
    };
    push_scaled(out, value.is_sign_negative(), significand, exponent - EXPONENT_BIAS, decimals);
}

/// The number of this size, in decimal or hexadecimal, if it is in range.
fn finite(size: &str) -> Option<X87DoubleExtended> {
    short(size.as_bytes()).or_else(|| any_finite(size))
}

/// A decimal without an exponent, of 38 digits and 27 decimals at most, rounded to the nearest and in the middle to even.
///
/// It is the quotient of two words, which one division makes: INCRBYFLOAT reads what it wrote in 45 ns, and with
/// `rustc_apfloat` in 220 to 1500, the more digits the longer.
fn short(size: &[u8]) -> Option<X87DoubleExtended> {
    /// So many digits fit into 128 bits.
    const MOST_DIGITS: usize = 38;
    /// This power of five fits into 64 bits.
    const MOST_DECIMALS: usize = 27;
    let (mut digits, mut number, mut point) = (0, 0, None);
    for &byte in size {
        match byte {
            b'0'..=b'9' if digits < MOST_DIGITS => {
                (digits, number) = (digits + 1, number * 10 + u128::from(byte - b'0'));
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let decimals = digits - point.unwrap_or(digits);
    if digits == 0 || decimals > MOST_DECIMALS {
        return None;
    }
    if number == 0 {
        return Some(X87DoubleExtended::ZERO);
    }
    // To divide by 10^d is to divide by 5^d and by 2^d.
    let divisor = 5_u64.pow(decimals as u32);
    let (left, right) = (number.leading_zeros(), divisor.leading_zeros());
    let (dividend, divisor) = (number << left, u128::from(divisor << right));
    // The quotient has 64 bits, or one too many.
    let quotient = dividend / divisor;
    let extra = (quotient >> 64) as u32;
    let (significand, unit) = ((quotient >> extra) as u64, divisor << extra);
    let rest = dividend - u128::from(significand) * unit;
    let is_up = 2 * rest > unit || 2 * rest == unit && significand % 2 == 1;
    let exponent = (right + extra) as i32 - left as i32 - decimals as i32;
    let (significand, exponent) = match significand.checked_add(is_up.into()) {
        Some(significand) => (significand, exponent),
        None => (1 << 63, exponent + 1),
    };
    let stored = u128::from((exponent + EXPONENT_BIAS).unsigned_abs());
    Some(X87DoubleExtended::from_bits(stored << 64 | u128::from(significand)))
}

/// As [`finite`], of any spelling.
fn any_finite(size: &str) -> Option<X87DoubleExtended> {
    // What rustc_apfloat allows beside: NaN, and an exponent without digits.
    if !size.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let is_hexadecimal = size.starts_with("0x") || size.starts_with("0X");
    let with_exponent;
    let spelled = if !is_hexadecimal {
        if !size.ends_with(|last: char| last.is_ascii_digit() || last == '.') {
            return None;
        }
        size
    } else if size.contains(['p', 'P']) {
        size
    } else {
        // It asks for an exponent of hexadecimal numbers.
        with_exponent = format!("{size}p0");
        &with_exponent
    };
    let read = X87DoubleExtended::from_str_r(spelled, Round::NearestTiesToEven).ok()?;
    let is_lost = read.value.is_zero() && read.status.contains(Status::UNDERFLOW);
    (read.value.is_finite() && !is_lost).then_some(read.value)
}

/// Appends `significand × 2^exponent` as [`Extended::push`] does, with at most so many decimals.
fn push_scaled(
    out: &mut Vec<u8>,
    is_negative: bool,
    significand: u64,
    exponent: i32,
    decimals: usize,
) {
    let sign: &[u8] = if is_negative { b"-" } else { b"" };
    if exponent >= 0 {
        out.extend_from_slice(sign);
        return push_whole(out, significand, exponent.unsigned_abs());
    }
    let by = exponent.unsigned_abs();
    let whole = significand.checked_shr(by).unwrap_or(0);
    let fraction = significand - whole.checked_shl(by).unwrap_or(0);
    // The scale is even, so the whole part does not change what is rounded to even.
    let scale = 10_u64.pow(decimals as u32);
    let scaled = u128::from(fraction) * u128::from(scale);
    let scaled = shift_right_to_even(scaled, by) as u64;
    let (whole, fraction) = if scaled == scale { (whole + 1, 0) } else { (whole, scaled) };
    if whole > 0 || fraction > 0 {
        out.extend_from_slice(sign);
    }
    number::push_u64(out, whole);
    if fraction > 0 {
        push_fraction(out, fraction, decimals);
    }
}

/// Appends the digits of `significand × 2^exponent`.
fn push_whole(out: &mut Vec<u8>, significand: u64, exponent: u32) {
    /// Nine digits are one limb, the lowest first.
    const BASE: u64 = 1_000_000_000;
    /// A limb shifted so far still fits into a word, with what is carried.
    const SHIFT: u32 = 32;
    let mut limbs = vec![significand % BASE, significand / BASE % BASE, significand / BASE / BASE];
    let shifts = std::iter::repeat_n(SHIFT, (exponent / SHIFT) as usize);
    for shift in shifts.chain([exponent % SHIFT]) {
        let mut carry = 0;
        for limb in &mut limbs {
            let shifted = (*limb << shift) + carry;
            (*limb, carry) = (shifted % BASE, shifted / BASE);
        }
        while carry > 0 {
            limbs.push(carry % BASE);
            carry /= BASE;
        }
    }
    while limbs.len() > 1 && limbs.last() == Some(&0) {
        limbs.pop();
    }
    number::push_u64(out, limbs.pop().unwrap_or(0));
    for limb in limbs.iter().rev() {
        // Writing to a vector does not fail.
        let _ = write!(out, "{limb:09}");
    }
}

/// `wide / 2^by`, rounded to the nearest and in the middle to even. `by` is at least 1; from 128 on nothing
/// is left, since a scaled significand has 128 bits at most.
fn shift_right_to_even(wide: u128, by: u32) -> u128 {
    let Some(kept) = wide.checked_shr(by) else { return 0 };
    let (rest, half) = (wide & ((1 << by) - 1), 1 << (by - 1));
    let up = rest > half || rest == half && kept % 2 == 1;
    kept + u128::from(up)
}

/// Appends the point and the digits of `fraction / 10^decimals` that are needed; there is one.
///
/// They are written by pairs and in 64 bits: 30 ns, and 90 one by one in 128.
fn push_fraction(out: &mut Vec<u8>, fraction: u64, decimals: usize) {
    let mut digits = [b'0'; MOST_DECIMALS];
    number::spell(&mut digits, fraction);
    let digits = &digits[MOST_DECIMALS - decimals..];
    let used = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
    out.push(b'.');
    out.extend_from_slice(&digits[..used]);
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
            ("0.999999999999999999", "1"),
            ("-3.999999999999999999", "-4"),
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
    }

    #[test]
    fn the_ends_of_the_range_are_exact() {
        let bits = |text: &[u8]| Extended::parse(text).map(|number| number.0.to_bits());
        assert_eq!(bits(b"0x1p-16445"), Some(1));
        assert_eq!(bits(b"0x1p-16446"), None);
        assert_eq!(bits(b"0x1.8p-16446"), Some(1));
        assert_eq!(bits(b"0xffffffffffffffffp16320"), Some(0x7ffe_ffff_ffff_ffff_ffff));
        assert_eq!(bits(b"0xffffffffffffffff8p16316"), None);
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

    /// Random ones, and what is near to the ends of words.
    fn random_numbers() -> impl FnMut() -> u64 {
        let mut random = crate::keyspace::Random::seeded(3);
        move || match random.below(4) {
            0 => (1_u64 << random.below(64)).wrapping_sub(random.below(3) as u64),
            1 => 10_u64.pow(random.below(20) as u32).wrapping_sub(random.below(3) as u64),
            _ => random.next_u64() >> random.below(64),
        }
    }

    #[test]
    fn numbers_of_few_digits_are_read_as_all_others() {
        let bits = |number: X87DoubleExtended| number.to_bits();
        let mut next = random_numbers();
        let mut short_ones = 0;
        for round in 0..100_000 {
            let mut text = next().to_string();
            match round % 8 {
                0 => {}
                1 => text.insert_str(0, &"0".repeat(next() as usize % 30)),
                2 => text.insert_str(0, &format!(".{}", "0".repeat(next() as usize % 20))),
                // Odd ones of 65 bits lie in the middle of two numbers.
                3 => text = format!("{}", (u128::from(next()) << 1 | 1) << (next() % 40)),
                4 => {
                    text = format!(
                        "{}.{}",
                        u128::from(next()) << (next() % 9),
                        ["5", "25", "75"][round / 8 % 3]
                    )
                }
                5 => text = format!("{text}.{}", next()),
                _ => {
                    let places = text.len() + 1;
                    text.insert(next() as usize % places, '.');
                }
            }
            if let Some(read) = short(text.as_bytes()) {
                short_ones += 1;
                assert_eq!(Some(bits(read)), any_finite(&text).map(bits), "{text}");
            }
        }
        assert!(short_ones > 80_000, "{short_ones}");
        let long = "9".repeat(39);
        for text in ["", ".", "1.2.", "1e5", "0x1", "+1", "-1", " 1", &long] {
            assert!(short(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn doubles_are_written_to_the_last_decimal() {
        let mut next = random_numbers();
        for _ in 0..100_000 {
            let value = match next() % 3 {
                0 => next() as f64 / (1_u64 << (next() % 64)) as f64,
                1 => next() as i64 as f64 / 10_f64.powi((next() % 30) as i32),
                _ => f64::from_bits(next()),
            };
            if !value.is_finite() {
                continue;
            }
            let decimals = 1 + next() as usize % MOST_DECIMALS;
            let mut written = Vec::new();
            push_double(&mut written, value, decimals);
            let plain = format!("{value:.decimals$}");
            let plain = plain.trim_end_matches('0').trim_end_matches('.');
            let plain = if plain == "-0" { "0" } else { plain };
            assert_eq!(String::from_utf8_lossy(&written), plain, "{value:e}");
        }
    }
}
