//! Numbers as C's `strtod` reads them, which is more than JSON has: `0x1.8p3`, `inf`, `nan`, `+1`, `01`, `1.`.

/// The number that a text begins with, and how many bytes it takes.
pub(super) fn read(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let unsigned = &text[sign..];
    let (value, length) = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] => match read_hex(rest) {
            Some((value, length)) => (value, length + 2),
            // Without a digit it is only a zero.
            None => (0.0, 1),
        },
        [b'0'..=b'9' | b'.', ..] => read_decimal(unsigned)?,
        _ => read_word(unsigned)?,
    };
    let value = if text.first() == Some(&b'-') { -value } else { value };
    Some((value, sign + length))
}

/// Whether a text begins with what JSON has no number for, but `strtod` may.
pub(super) fn is_invalid(text: &[u8]) -> bool {
    let unsigned = match text {
        [b'+', ..] => return true,
        [b'-', rest @ ..] => rest,
        _ => text,
    };
    match unsigned {
        [b'0', b'x' | b'X' | b'0'..=b'9', ..] => true,
        [..=b'9', ..] => false,
        _ => begins(unsigned, b"inf") || begins(unsigned, b"nan"),
    }
}

fn read_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let whole = digits(text);
    let mut length = whole;
    let mut fraction = 0;
    if text.get(length) == Some(&b'.') {
        fraction = digits(&text[length + 1..]);
        length += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    // Fifteen digits are an exact double.
    if length == whole && whole <= 15 && !matches!(text.get(length), Some(b'e' | b'E')) {
        let value =
            text[..whole].iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        return Some((value as f64, length));
    }
    length += exponent(&text[length..], b'e').map_or(0, |(_, length)| length);
    let value = str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((value, length))
}

/// Digits in hexadecimal with a point somewhere, and a power of two.
fn read_hex(text: &[u8]) -> Option<(f64, usize)> {
    let (mut mantissa, mut scale) = (0_u64, 0_i64);
    let (mut length, mut found) = (0, 0);
    let mut is_fraction = false;
    for byte in text {
        match (char::from(*byte).to_digit(16), byte) {
            (Some(digit), _) => {
                found += 1;
                scale -= if is_fraction { 4 } else { 0 };
                if mantissa >> 60 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                } else {
                    // What no longer fits only decides how the rest is rounded.
                    mantissa |= u64::from(digit != 0);
                    scale += 4;
                }
            }
            (None, b'.') if !is_fraction => is_fraction = true,
            _ => break,
        }
        length += 1;
    }
    if found == 0 {
        return None;
    }
    let power = exponent(&text[length..], b'p');
    length += power.map_or(0, |(_, length)| length);
    scale = scale.saturating_add(power.map_or(0, |(power, _)| power));
    Some((scaled(mantissa, scale), length))
}

/// A number times a power of two, by steps that are powers of two themselves.
fn scaled(mantissa: u64, scale: i64) -> f64 {
    let mut value = mantissa as f64;
    let mut left = scale.clamp(-1200, 1200);
    while left != 0 {
        let step = left.clamp(-1000, 1000) as i32;
        value *= 2_f64.powi(step);
        left -= i64::from(step);
    }
    value
}

/// `e`, or `p`, with a sign or without, and at least a digit. What no number of that size could be is cut.
fn exponent(text: &[u8], letter: u8) -> Option<(i64, usize)> {
    let (first, rest) = text.split_first()?;
    if first.to_ascii_lowercase() != letter {
        return None;
    }
    let sign = usize::from(matches!(rest.first(), Some(b'-' | b'+')));
    let count = digits(&rest[sign..]);
    if count == 0 {
        return None;
    }
    let power = rest[sign..sign + count].iter().fold(0_i64, |power, digit| {
        power.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    let power = if rest[0] == b'-' { -power } else { power };
    Some((power, 1 + sign + count))
}

/// `inf`, `infinity`, `nan`, and `nan` with something in brackets.
fn read_word(text: &[u8]) -> Option<(f64, usize)> {
    if begins(text, b"infinity") {
        return Some((f64::INFINITY, 8));
    }
    if begins(text, b"inf") {
        return Some((f64::INFINITY, 3));
    }
    if !begins(text, b"nan") {
        return None;
    }
    let bracket = text.get(3..).and_then(|rest| rest.strip_prefix(b"(")).and_then(|inside| {
        let length =
            inside.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        (inside.get(length) == Some(&b')')).then_some(length + 2)
    });
    Some((f64::NAN, 3 + bracket.unwrap_or(0)))
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
