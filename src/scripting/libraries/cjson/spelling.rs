//! How numbers and strings are spelled in JSON.

use std::io::Write;

use crate::text::number;

/// Spells a number with so many digits, as C's `%.14g` does.
pub(super) fn push_number(out: &mut Vec<u8>, value: f64, digits: usize) {
    if let Some(whole) = whole(value, digits) {
        return number::push_i64(out, whole);
    }
    if !value.is_finite() {
        let spelled: &[u8] = if value.is_nan() {
            b"nan"
        } else if value > 0.0 {
            b"inf"
        } else {
            b"-inf"
        };
        return out.extend_from_slice(spelled);
    }
    // `-1.2340000000000e-5`: at most 14 digits, a point, two signs, an `e` and three digits.
    let mut spelled = [0; 24];
    let mut rest = spelled.as_mut_slice();
    let written = write!(rest, "{value:.*e}", digits - 1);
    debug_assert!(written.is_ok(), "the longest number fits");
    let left = rest.len();
    let spelled = &spelled[..spelled.len() - left];
    let point = spelled.iter().position(|byte| *byte == b'e').unwrap_or(spelled.len());
    let (mantissa, exponent) = spelled.split_at(point);
    let exponent =
        str::from_utf8(&exponent[1..]).ok().and_then(|text| text.parse::<i32>().ok()).unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix(b"-") {
        Some(mantissa) => (b"-".as_slice(), mantissa),
        None => (b"".as_slice(), mantissa),
    };
    out.extend_from_slice(sign);
    push_general(out, mantissa, exponent, digits);
}

/// The number if it is whole and has no more than so many digits. Zero below zero has a sign of its own.
fn whole(value: f64, digits: usize) -> Option<i64> {
    let limit = 10_i64.pow(u32::try_from(digits).ok()?);
    let whole = value as i64;
    (whole as f64 == value
        && whole.unsigned_abs() < limit as u64
        && !(whole == 0 && value.is_sign_negative()))
    .then_some(whole)
}

/// Writes `d.ddd` times 10 to some power, without zeros at the end, and without the power if the point can stand
/// where it says.
fn push_general(out: &mut Vec<u8>, mantissa: &[u8], exponent: i32, digits: usize) {
    let zeros = mantissa.iter().rev().take_while(|byte| **byte == b'0').count();
    let mut significant = mantissa[..mantissa.len() - zeros.min(mantissa.len() - 1)]
        .iter()
        .filter(|byte| **byte != b'.');
    if exponent < -4 || exponent >= digits as i32 {
        out.extend(significant.next());
        let start = out.len();
        out.extend(significant);
        if out.len() > start {
            out.insert(start, b'.');
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.unsigned_abs()).as_bytes());
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + exponent.unsigned_abs() as usize - 1, b'0');
        out.extend(significant);
    } else {
        for _ in 0..=exponent {
            out.push(significant.next().copied().unwrap_or(b'0'));
        }
        let start = out.len();
        out.extend(significant);
        if out.len() > start {
            out.insert(start, b'.');
        }
    }
}

/// Spells a string in quotes. Bytes above 127 pass as they are, UTF-8 or not.
pub(super) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|byte| ESCAPED[usize::from(*byte)]) {
        out.extend_from_slice(&rest[..plain]);
        push_escape(out, rest[plain]);
        rest = &rest[plain + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The bytes that have an escape.
const ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0;
    while byte < 32 {
        escaped[byte] = true;
        byte += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped[b'/' as usize] = true;
    escaped[0x7f] = true;
    escaped
};

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' | b'/' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digits[0], digits[1]]);
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}
