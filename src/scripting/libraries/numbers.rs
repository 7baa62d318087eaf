//! Doubles as C converts them to integers.
//!
//! What does not fit is undefined in C. The reference gives what x86-64 gives, which is told here.

/// Towards zero. What does not fit, and NaN, is the smallest integer.
pub(super) fn to_signed(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

/// Towards zero; negative numbers wrap around. Of what does not fit the upper half is left: from 2^64 on, that is 0.
pub(super) fn to_unsigned(value: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if value >= HALF { to_signed(value - HALF) as u64 ^ 1 << 63 } else { to_signed(value) as u64 }
}

/// Towards zero. What does not fit in 32 bits, and NaN, is the smallest integer.
pub(super) fn to_int(value: f64) -> i32 {
    i32::try_from(to_signed(value)).unwrap_or(i32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_what_the_processor_makes_of_it() {
        assert_eq!(to_signed(-1.9), -1);
        assert_eq!(to_signed(f64::NAN), i64::MIN);
        assert_eq!(to_signed(1e300), i64::MIN);
        assert_eq!(to_unsigned(-1.0), u64::MAX);
        assert_eq!(to_unsigned(1e19), 10_000_000_000_000_000_000);
        assert_eq!(to_unsigned(f64::INFINITY), 0);
        assert_eq!(to_unsigned(f64::NAN), 1 << 63);
        assert_eq!(to_int(5.5), 5);
        assert_eq!(to_int(1e10), i32::MIN);
    }
}
