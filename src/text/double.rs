//! Floating point numbers, read and written as Valkey 9.1 does.
//!
//! These are the numbers of scores and of RESP3 doubles. INCRBYFLOAT has others: see
//! [`extended`](super::extended).

use super::grisu::Decimal;
use super::{extended, number};

/// Whole numbers up to this size, 2^62, are written as integers.
const MOST_AS_INTEGER: f64 = (1_u64 << 62) as f64;

/// What is smaller and not below 0.001 has up to 16 digits before the point, and no exponent in [`push_seventeen`].
const MOST_FIXED: f64 = 9e15;

/// The double that `text` spells, as ZADD, ZINCRBY, GEOADD and WEIGHTS read one.
///
/// | accepted | refused |
/// |---|---|
/// | `1`, `+1`, `-1`, `007`, `.5`, `5.` | the empty text, `.`, `+-1`, `1,5` |
/// | `1e5`, `1E+5`, `1e-05` | `1e`, `1e+`, `e5` |
/// | `inf`, `+inf`, `-Infinity`, in any case | `infin`, `nan`, `-nan` |
/// | `5e-324`, `0e999` | `1e309` and `2e-324`: out of range |
/// | | ` 1`, `1 `, `1\n`, `1\0`, `0x10` |
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    // Most scores are integers, and those are read in 4 ns, not 25.
    if let Some(n) = number::parse_i64(text) {
        return Some(n as f64);
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let digits = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
    let spells_a_word = digits.first().is_some_and(u8::is_ascii_alphabetic);
    let spells_zero = || {
        let significand = digits.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next();
        significand.is_some_and(|digits| digits.iter().all(|byte| b"0.".contains(byte)))
    };
    let in_range = match value {
        _ if value.is_nan() => false,
        _ if value.is_infinite() => spells_a_word,
        0.0 => spells_zero(),
        _ => true,
    };
    in_range.then_some(value)
}

/// Appends `value` as the bulk strings of RESP2 and the `,` doubles of RESP3 have it: in digits
/// that read back as the same double (see `grisu` for which), laid out like this:
///
/// | value | written |
/// |---|---|
/// | not a number | `nan` |
/// | infinite | `inf`, `-inf` |
/// | zero | `0`, `-0` |
/// | whole, at most 2^62 | `3`, `4611686018427387904` |
/// | whole, with up to seven zeros after the digits | `9223372036854776000` |
/// | up to six decimals, or below 10000 and from 0.001 | `0.000001`, `1234.5678901234` |
/// | other | `1e+20`, `1.5e-7`, `1.2345600000001e+4` |
///
/// A sorted set that Valkey keeps in its small encoding answers `0` for the score `-0`; a big one,
/// and every other reply, answers `-0`.
pub(crate) fn push(out: &mut Vec<u8>, value: f64) {
    if let Some(n) = whole(value) {
        return number::push_i64(out, n);
    }
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    match value.abs() {
        0.0 => out.push(b'0'),
        f64::INFINITY => out.extend_from_slice(b"inf"),
        size => push_decimal(out, &Decimal::of(size)),
    }
}

/// The integer as which [`push`] writes a double, if it does.
pub(crate) fn whole(value: f64) -> Option<i64> {
    let n = value as i64;
    let is_negative_zero = n == 0 && value.is_sign_negative();
    (n as f64 == value && value.abs() <= MOST_AS_INTEGER && !is_negative_zero).then_some(n)
}

/// Appends `value` as [`push`] does, but that a whole number has no layout of its own: `1e+15`. So DEBUG
/// DIGEST counts scores in.
pub(crate) fn push_shortest(out: &mut Vec<u8>, value: f64) {
    if value == 0.0 || !value.is_finite() {
        return push(out, value);
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    push_decimal(out, &Decimal::of(value.abs()));
}

/// Appends `value` in seventeen significant digits, trailing zeros left out, as C's `%.17g` does:
/// `0.10000000000000001`, `3.1399999999999998e-07`. So ZSCAN shows the scores of a large set.
pub(crate) fn push_seventeen(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        return push(out, value);
    }
    let size = value.abs();
    if (0.001..MOST_FIXED).contains(&size) {
        // Zeros behind the point are no significant digits, if nothing stands before it.
        let decimals = match size {
            ..0.01 => 19,
            ..0.1 => 18,
            ..1.0 => 17,
            _ => 17 - number::decimal_len(size as u64),
        };
        return extended::push_double(out, value, decimals);
    }
    push_seventeen_of_any(out, value);
}

/// As [`push_seventeen`], of any size, in 300 ns and not 30.
fn push_seventeen_of_any(out: &mut Vec<u8>, value: f64) {
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let spelled = format!("{:.16e}", value.abs());
    let (digits, exponent) = spelled.split_once('e').unwrap_or((&spelled, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_digit).collect();
    let used = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
    let digits = &digits[..used];
    match usize::try_from(exponent) {
        Ok(exponent) if exponent < 17 => {
            let whole = used.min(exponent + 1);
            push_pointed(out, digits, whole);
            push_zeros(out, exponent as i32 + 1 - whole as i32);
        }
        Err(_) if exponent >= -4 => {
            out.extend_from_slice(b"0.");
            push_zeros(out, -exponent - 1);
            out.extend_from_slice(digits);
        }
        _ => {
            push_pointed(out, digits, 1);
            out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
            if exponent.unsigned_abs() < 10 {
                out.push(b'0');
            }
            number::push_u64(out, u64::from(exponent.unsigned_abs()));
        }
    }
}

/// Appends a whole number as [`push`] does, any other as [`push_seventeen`].
pub(crate) fn push_whole_or_seventeen(out: &mut Vec<u8>, value: f64) {
    match whole(value) {
        Some(n) => number::push_i64(out, n),
        None => push_seventeen(out, value),
    }
}

/// Chooses between the last three layouts of [`push`].
fn push_decimal(out: &mut Vec<u8>, decimal: &Decimal) {
    let (digits, exponent) = (decimal.digits(), decimal.exponent);
    // The exponent that the number has with one digit before the point.
    let scientific = exponent + digits.len() as i32 - 1;
    if (0..8).contains(&exponent) {
        out.extend_from_slice(digits);
        push_zeros(out, exponent);
    } else if (-6..0).contains(&exponent) || (exponent < 0 && scientific.abs() < 4) {
        match usize::try_from(scientific + 1) {
            Ok(whole @ 1..) => push_pointed(out, digits, whole),
            _ => {
                out.extend_from_slice(b"0.");
                push_zeros(out, -scientific - 1);
                out.extend_from_slice(digits);
            }
        }
    } else {
        push_pointed(out, digits, 1);
        out.extend_from_slice(if scientific < 0 { b"e-" } else { b"e+" });
        number::push_u64(out, u64::from(scientific.unsigned_abs()));
    }
}

/// Appends `digits`, `whole` of them before the point.
fn push_pointed(out: &mut Vec<u8>, digits: &[u8], whole: usize) {
    let (whole, decimals) = digits.split_at(whole);
    out.extend_from_slice(whole);
    if !decimals.is_empty() {
        out.push(b'.');
        out.extend_from_slice(decimals);
    }
}

fn push_zeros(out: &mut Vec<u8>, count: i32) {
    out.extend((0..count).map(|_| b'0'));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        push(&mut out, value);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn decimals_exponents_and_infinities_parse() {
        for (text, expected) in [
            ("0", 0.0),
            ("3.0", 3.0),
            ("+1", 1.0),
            ("-1.5", -1.5),
            ("00012", 12.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-.5e1", -5.0),
            ("1e5", 1e5),
            ("1E+5", 1e5),
            ("1e-05", 1e-5),
            ("0e999999999999999999999", 0.0),
            ("0.000e-999", 0.0),
            ("1e308", 1e308),
            ("1e-320", 1e-320),
            ("5e-324", 5e-324),
            ("inf", f64::INFINITY),
            ("+INF", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
        assert!(parse(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn what_is_no_double_or_out_of_range_is_refused() {
        for text in [
            "",
            ".",
            "+",
            "-",
            "e5",
            "+.",
            "++1",
            "+-1",
            "--1",
            " 1",
            "1 ",
            "\t1",
            "\n1",
            "1\0",
            "\0",
            "1,5",
            "1_000",
            "1a",
            "1f",
            "1e",
            "1e+",
            "0x10",
            "0b11",
            "nan",
            "NaN",
            "-nan",
            "infi",
            "infin",
            " inf",
            "inf ",
            "(1",
            "1e309",
            "-1e400",
            "1e999999999999999999999",
            "2e-324",
            "1e-400",
            "-1e-400",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse(b"1\xff"), None);
    }

    #[test]
    fn doubles_are_laid_out_as_in_the_reference() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (3.0, "3"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (1e18, "1000000000000000000"),
            (123456789012345678.0, "123456789012345680"),
            (4611686018427387904.0, "4611686018427387904"),
            (4611686018427388928.0, "4611686018427389000"),
            (9223372036854775808.0, "9223372036854776000"),
            (-9223372036854775808.0, "-9223372036854776000"),
            (1e19, "1e+19"),
            (1e21, "1e+21"),
            (1.2345678901234568e21, "1234567890123456800000"),
            (1e23, "99999999999999990000000"),
            (0.00001, "0.00001"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (0.0000015, "1.5e-6"),
            (0.0001234, "1.234e-4"),
            (0.30000000000000004, "0.30000000000000004"),
            (1000000.5, "1000000.5"),
            (61356.3877751, "6.1356387775100004e+4"),
            (-1.1e-9, "-1.1e-9"),
            (-1e300, "-1e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (2.2250738585072014e-308, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(written(value), expected);
        }
    }

    #[test]
    fn seventeen_digits_are_laid_out_as_in_c() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-120.0, "-120"),
            (1.5, "1.5"),
            (0.1, "0.10000000000000001"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (3.14e-7, "3.1399999999999998e-07"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (5.281716100597914e20, "5.281716100597914e+20"),
            (5e-324, "4.9406564584124654e-324"),
            (1234.5678, "1234.5678"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = Vec::new();
            push_seventeen(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn what_is_written_parses_to_the_same() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for _ in 0..50_000 {
            let any = f64::from_bits(next());
            let near_one = (next() >> 40) as f64 / 1e4 - 500.0;
            let whole = (next() as i64 >> (next() % 64)) as f64;
            for value in [any, near_one, whole] {
                if value.is_finite() {
                    let text = written(value);
                    let read = parse(text.as_bytes()).map(f64::to_bits);
                    assert_eq!(read, Some(value.to_bits()), "{text}");
                }
            }
        }
    }

    #[test]
    fn integers_are_read_as_all_numbers() {
        let mut random = crate::keyspace::Random::seeded(4);
        for _ in 0..10_000 {
            let n = random.next_u64() as i64 >> random.below(64);
            assert_eq!(parse(n.to_string().as_bytes()), n.to_string().parse().ok());
        }
    }

    #[test]
    fn seventeen_digits_are_those_of_any_size() {
        let mut random = crate::keyspace::Random::seeded(4);
        for round in 0..100_000 {
            let n = (random.next_u64() >> random.below(64)) as f64;
            let value = match round % 4 {
                0 => n / 10_f64.powi(random.below(24) as i32),
                1 => n / (1_u64 << random.below(64)) as f64,
                2 => [0.001, 0.01, 0.1, 1.0, 1e15, MOST_FIXED][random.below(6)],
                _ => f64::from_bits(random.next_u64()),
            };
            let value = [value.next_down(), value, value.next_up(), -value][random.below(4)];
            if !value.is_finite() {
                continue;
            }
            let [mut written, mut plain] = [Vec::new(), Vec::new()];
            push_seventeen(&mut written, value);
            push_seventeen_of_any(&mut plain, value);
            assert_eq!(written, plain, "{value:e}");
        }
    }
}
