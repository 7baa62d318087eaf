//! The decimal digits of a double: Grisu2, published by Florian Loitsch in 2010 ("Printing
//! Floating-Point Numbers Quickly and Accurately with Integers").
//!
//! A double stands for every real number that is nearer to it than to its neighbours. Grisu
//! multiplies that interval by a power of ten that makes its ends small fixed point numbers, and
//! then writes the digits of the upper end until what is left fits into the interval.
//!
//! It does all that in 64 bits, so it shortens the interval by its own rounding error. The digits
//! always read back as the same double, but about one in a thousand doubles gets digits that are
//! not the shortest or not the nearest: 68.1456035 is written 68.14560350000001, and 7e22 is
//! written 7.0000000000000004e22. The standard library would do better, and that is why it is not
//! used: Valkey's replies are made by this algorithm, and ours are compared with them byte by byte.

use super::number;

/// Digits and the power of ten that they are multiplied by. The first digit is not zero.
pub(super) struct Decimal {
    digits: [u8; MOST_DIGITS],
    len: usize,
    pub(super) exponent: i32,
}

/// Seventeen digits tell any two doubles apart.
const MOST_DIGITS: usize = 17;

impl Decimal {
    /// The digits of `value`, which is finite and greater than zero.
    pub(super) fn of(value: f64) -> Decimal {
        debug_assert!(value.is_finite() && value > 0.0);
        let interval = Interval::of(value);
        let (power, scale) = power_for(interval.exponent);
        interval.scaled(power).digits(-scale)
    }

    /// The digits as ASCII.
    pub(super) fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    fn push(&mut self, digit: u64) {
        // Zeros before the first digit are not written.
        if digit > 0 || self.len > 0 {
            self.digits[self.len] = b'0' + digit as u8;
            self.len += 1;
        }
    }

    /// Writes the first digits. They are at most ten, because the exponent of the interval is -32 or less.
    fn push_whole(&mut self, whole: u64) {
        let mut digits = [0; MOST_DIGITS];
        let start = number::spell(&mut digits, whole);
        self.len = MOST_DIGITS - start;
        self.digits[..self.len].copy_from_slice(&digits[start..]);
    }

    /// Lowers the last digit while that brings the number nearer to the double itself and keeps it
    /// in the interval. `left` is what the number still lacks of the upper end, `middle` what the
    /// double lacks, `width` what the lower end lacks, and `unit` what the last digit is worth.
    fn round(&mut self, mut left: u64, middle: u64, width: u64, unit: u64) {
        while left < middle
            && width - left >= unit
            && (left + unit < middle || middle - left > left + unit - middle)
        {
            self.digits[self.len - 1] -= 1;
            left += unit;
        }
    }
}

/// A double and the two points halfway to its neighbours, as multiples of `2^exponent`.
struct Interval {
    low: u64,
    middle: u64,
    high: u64,
    exponent: i32,
}

impl Interval {
    fn of(value: f64) -> Interval {
        const HIDDEN_BIT: u64 = 1 << 52;
        let bits = value.to_bits();
        let fraction = bits & (HIDDEN_BIT - 1);
        let (significand, exponent) = match (bits >> 52) as i32 {
            0 => (fraction, -1074),
            biased => (fraction | HIDDEN_BIT, biased - 1075),
        };
        let shift = significand.leading_zeros();
        let middle = significand << shift;
        let half_step = 1 << (shift - 1);
        // Below a power of two the doubles lie twice as close.
        let half_step_down = if significand == HIDDEN_BIT { half_step / 2 } else { half_step };
        Interval {
            low: middle - half_step_down,
            middle,
            high: middle + half_step,
            exponent: exponent - shift as i32,
        }
    }

    /// The interval multiplied by a power of ten, and one unit narrower at both ends, because
    /// either may be wrong by one unit after rounding.
    fn scaled(&self, power: &Power) -> Interval {
        Interval {
            low: power.times(self.low) + 1,
            middle: power.times(self.middle),
            high: power.times(self.high) - 1,
            exponent: self.exponent + power.exponent + 64,
        }
    }

    /// Writes digits of the upper end until the rest of it fits into the interval. The number is
    /// then multiplied by `10^exponent`.
    fn digits(&self, exponent: i32) -> Decimal {
        let mut decimal = Decimal { digits: [0; MOST_DIGITS], len: 0, exponent };
        let point = -self.exponent as u32;
        let one = 1_u64 << point;
        let (mut whole, mut fraction) = (self.high >> point, self.high & (one - 1));
        let (mut width, mut middle) = (self.high - self.low, self.high - self.middle);

        if fraction <= width {
            // The last digits of the whole part are left out as far as they fit into the interval, too.
            let (mut left, mut unit) = (fraction, one);
            loop {
                let more = left + whole % 10 * unit;
                if more > width {
                    decimal.push_whole(whole);
                    decimal.round(left, middle, width, unit);
                    return decimal;
                }
                (left, whole, unit) = (more, whole / 10, unit * 10);
                decimal.exponent += 1;
            }
        }
        decimal.push_whole(whole);
        loop {
            fraction *= 10;
            width *= 10;
            middle *= 10;
            decimal.push(fraction >> point);
            decimal.exponent -= 1;
            fraction &= one - 1;
            if fraction < width {
                decimal.round(fraction, middle, width, one);
                return decimal;
            }
        }
    }
}

/// A power of ten, as a multiple of `2^exponent`: the nearest of those whose highest bit is set.
#[derive(Clone, Copy)]
struct Power {
    significand: u64,
    exponent: i32,
}

impl Power {
    /// The upper half of the product, rounded.
    fn times(&self, significand: u64) -> u64 {
        let product = u128::from(self.significand) * u128::from(significand);
        ((product + (1 << 63)) >> 64) as u64
    }
}

/// The least power of the table that leaves 60 bits or fewer behind the point of a number that is a
/// multiple of `2^exponent`, and its exponent of ten. Powers are near enough to each other that it
/// leaves 32 or more.
fn power_for(exponent: i32) -> (&'static Power, i32) {
    let is_too_small = |index: usize| exponent + POWERS[index].exponent + 64 < -60;
    // A little less than the logarithm says, since 78913/2^18 is that of 2 to the base of ten: a search takes 10 ns more.
    let power = ((-62 - exponent) * 78913) >> 18;
    let mut index = ((power - FIRST_POWER) / STEP).max(0) as usize;
    while is_too_small(index) {
        index += 1;
    }
    (&POWERS[index], FIRST_POWER + STEP * index as i32)
}

const FIRST_POWER: i32 = -348;
const STEP: i32 = 8;
const POWER_COUNT: usize = 87;

/// `10^-348`, `10^-340`, …, `10^340`, computed with twice the bits that are kept.
static POWERS: [Power; POWER_COUNT] = {
    /// What [`STEP`] multiplies a power by.
    const FACTOR: u128 = 10_u128.pow(STEP as u32);
    /// The index of `10^4`.
    const START: usize = ((4 - FIRST_POWER) / STEP) as usize;

    const fn rounded(wide: u128, exponent: i32) -> Power {
        let significand = (wide >> 64) as u64 + ((wide >> 63) & 1) as u64;
        Power { significand, exponent: exponent + 64 }
    }

    let mut powers = [Power { significand: 0, exponent: 0 }; POWER_COUNT];
    let start = 10_u128.pow(4);
    let shift = start.leading_zeros();

    let (mut wide, mut exponent) = (start << shift, -(shift as i32));
    let mut index = START;
    while index < POWER_COUNT {
        powers[index] = rounded(wide, exponent);
        let low = (wide as u64) as u128 * FACTOR;
        let high = (wide >> 64) * FACTOR + (low >> 64);
        let spare = high.leading_zeros();
        wide = (high << spare) | ((low as u64) >> (64 - spare)) as u128;
        exponent += 64 - spare as i32;
        index += 1;
    }

    (wide, exponent) = (start << shift, -(shift as i32));
    index = START;
    while index > 0 {
        let (quotient, rest) = (wide / FACTOR, wide % FACTOR);
        let spare = quotient.leading_zeros();
        wide = (quotient << spare) | ((rest << spare) / FACTOR);
        exponent -= spare as i32;
        index -= 1;
        powers[index] = rounded(wide, exponent);
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(value: f64) -> (String, i32) {
        let decimal = Decimal::of(value);
        (String::from_utf8_lossy(decimal.digits()).into_owned(), decimal.exponent)
    }

    #[test]
    fn digits_are_the_shortest_nearly_always() {
        for (value, expected, exponent) in [
            (0.1, "1", -1),
            (0.3, "3", -1),
            (1.0, "1", 0),
            (123.456, "123456", -3),
            (1e21, "1", 21),
            (0.30000000000000004, "30000000000000004", -17),
            (5e-324, "5", -324),
            (2.2250738585072014e-308, "22250738585072014", -324),
            (f64::MAX, "17976931348623157", 292),
        ] {
            assert_eq!(digits(value), (expected.to_string(), exponent), "{value}");
        }
    }

    /// [`Interval::digits`] as the algorithm was published: from the first digit to the last, one by one.
    fn one_by_one(interval: &Interval, exponent: i32) -> Decimal {
        let mut decimal = Decimal { digits: [0; MOST_DIGITS], len: 0, exponent };
        let point = -interval.exponent as u32;
        let one = 1_u64 << point;
        let (mut whole, mut fraction) = (interval.high >> point, interval.high & (one - 1));
        let (mut width, mut middle) =
            (interval.high - interval.low, interval.high - interval.middle);

        // The whole part has at most ten digits, because the exponent is -32 or less.
        for place in (0..10).rev() {
            let unit = 10_u64.pow(place);
            decimal.push(whole / unit);
            whole %= unit;
            let left = (whole << point) + fraction;
            if left <= width {
                decimal.exponent += place as i32;
                decimal.round(left, middle, width, unit << point);
                return decimal;
            }
        }
        loop {
            fraction *= 10;
            width *= 10;
            middle *= 10;
            decimal.push(fraction >> point);
            decimal.exponent -= 1;
            fraction &= one - 1;
            if fraction < width {
                decimal.round(fraction, middle, width, one);
                return decimal;
            }
        }
    }

    #[test]
    fn digits_are_those_of_the_algorithm_as_published() {
        let mut random = crate::keyspace::Random::seeded(6);
        for round in 0..100_000 {
            let n = random.next_u64() >> random.below(64);
            let value = match round % 3 {
                0 => n as f64 / 10_f64.powi(random.below(20) as i32),
                1 => n as f64 / 8.0,
                _ => f64::from_bits(n >> 1),
            };
            if value == 0.0 || !value.is_finite() {
                continue;
            }
            let interval = Interval::of(value);
            let (power, scale) = power_for(interval.exponent);
            let published = one_by_one(&interval.scaled(power), -scale);
            let expected = String::from_utf8_lossy(published.digits()).into_owned();
            assert_eq!(digits(value), (expected, published.exponent), "{value:e}");
        }
    }

    #[test]
    fn some_digits_are_not_the_shortest_and_they_are_the_references() {
        for (value, expected, exponent) in [
            (68.1456035, "6814560350000001", -14),
            (7e22, "70000000000000004", 6),
            (1e23, "9999999999999999", 7),
            (0.569051513288027, "5690515132880271", -16),
            (1.547182503134182e-78, "15471825031341819", -94),
        ] {
            assert_eq!(digits(value), (expected.to_string(), exponent), "{value}");
        }
    }

    /// Figures of docs/decisions/grisu.md.
    #[test]
    #[ignore = "a measurement"]
    fn how_many_have_other_digits_than_the_shortest() {
        const ALL: u32 = 10_000_000;
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let mut count = |what: &str, value: &dyn Fn(u64) -> f64| {
            let mut others = 0;
            for _ in 0..ALL {
                let value = value(next());
                let shortest = format!("{value:e}");
                let shortest = shortest.split('e').next().unwrap_or_default().replace('.', "");
                let is_other = value > 0.0 && value.is_finite() && {
                    let own = digits(value).0;
                    own.trim_end_matches('0') != shortest.trim_end_matches('0')
                };
                others += u32::from(is_other);
            }
            println!("{what}: {others} of {ALL} have other digits");
        };
        count("random bits", &|bits| f64::from_bits(bits & (u64::MAX >> 1)));
        count("four decimals", &|bits| (bits % 10_000_000_000) as f64 / 1e4);
    }

    #[test]
    fn the_least_power_that_is_large_enough_is_found() {
        for exponent in -1074 - 63..=1023 - 63 {
            let index = POWERS.partition_point(|power| exponent + power.exponent + 64 < -60);
            let (power, scale) = power_for(exponent);
            assert_eq!(scale, FIRST_POWER + STEP * index as i32, "{exponent}");
            assert_eq!(power.exponent, POWERS[index].exponent);
        }
    }

    #[test]
    fn small_powers_of_ten_are_exact() {
        for (index, power) in POWERS.iter().enumerate() {
            assert!(power.significand >= 1 << 63);
            let ten = FIRST_POWER + STEP * index as i32;
            if (0..=27).contains(&ten) {
                let significand = u128::from(power.significand);
                let exact = match power.exponent {
                    left @ 0.. => significand << left,
                    right => significand >> -right,
                };
                assert_eq!(exact, 10_u128.pow(ten as u32), "10^{ten}");
            }
        }
    }
}
