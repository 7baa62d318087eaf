//! Short bulk strings, which most replies are made of.
//!
//! To write one takes three copies of a few bytes. Copies of a size that the compiler knows are a
//! load and a store, others a call: so each is made in sizes that are known, and what is copied too
//! much is cut off or overwritten. A hundred short elements go out in half the time that way.

/// Bulk strings of fewer bytes are short.
pub(super) const LIMIT: usize = 65;

/// `$n\r\n`, and in the last byte, how many bytes that is.
const HEADS: [[u8; 8]; LIMIT] = {
    let mut heads = [[0; 8]; LIMIT];
    let mut n = 0;
    while n < LIMIT {
        let (tens, ones) = (b'0' + (n / 10) as u8, b'0' + (n % 10) as u8);
        heads[n] = match n {
            0..10 => [b'$', ones, b'\r', b'\n', 0, 0, 0, 4],
            _ => [b'$', tens, ones, b'\r', b'\n', 0, 0, 5],
        };
        n += 1;
    }
    heads
};

/// Appends a bulk string of fewer than [`LIMIT`] bytes.
#[inline]
pub(super) fn push_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    let head = &HEADS[bytes.len()];
    let end = out.len() + usize::from(head[7]);
    out.reserve(LIMIT + 16);
    out.extend_from_slice(head);
    out.truncate(end);
    match bytes.len() {
        length @ ..4 => return push_tiny(out, length, bytes),
        4..8 => push_halves::<4>(out, bytes),
        8..16 => push_halves::<8>(out, bytes),
        16..32 => push_halves::<16>(out, bytes),
        _ => push_halves::<32>(out, bytes),
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends fewer than four bytes and the line's end: all in one word.
#[inline]
fn push_tiny(out: &mut Vec<u8>, length: usize, bytes: &[u8]) {
    let mut word = u64::from(u16::from_le_bytes(*b"\r\n")) << (8 * length);
    if length > 0 {
        // The first, the middle and the last: for one byte or two some of them are the same.
        for at in [0, length / 2, length - 1] {
            word |= u64::from(bytes[at]) << (8 * at);
        }
    }
    let end = out.len() + length + 2;
    out.extend_from_slice(&word.to_le_bytes());
    out.truncate(end);
}

/// Appends from `N` to `2 * N` bytes: the first `N`, and the last `N` over them.
#[inline]
fn push_halves<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) {
        out.extend_from_slice(first);
        out.truncate(out.len() + bytes.len() - 2 * N);
        out.extend_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_length_is_spelled() {
        let bytes: Vec<u8> = (1..=LIMIT as u8).collect();
        let mut out = Vec::new();
        for length in 0..LIMIT {
            let expected =
                [&out[..], format!("${length}\r\n").as_bytes(), &bytes[..length], b"\r\n"].concat();
            push_bulk(&mut out, &bytes[..length]);
            assert_eq!(out, expected);
        }
    }
}
