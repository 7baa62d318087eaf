//! Short bulk strings, which most replies are made of.
//!
//! To write one takes three copies of a few bytes. Copies of a size that the compiler knows are a
//! load and a store, others a call: so each is made in sizes that are known, and what is copied too
//! much is cut off or overwritten. Of the tiny ones, all three parts fit into one word.
//!
//! An element of LRANGE takes 186 instructions that way when it has four bytes, and 275 without; 188 when it has
//! 23, and 317 without (`scripts/instructions lrange:1 lrange-texts:1`).

/// Bulk strings of fewer bytes are short.
pub(crate) const LIMIT: usize = 65;

/// Bulk strings of fewer bytes are tiny.
pub(crate) const TINY: usize = 9;

/// `$n\r\n`, and in the last byte how many bytes that is.
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

/// Appends a bulk string of fewer than [`LIMIT`] bytes that is not tiny.
pub(crate) fn push_short(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        ..16 => push_halves::<8>(out, bytes),
        16..32 => push_halves::<16>(out, bytes),
        _ => push_halves::<32>(out, bytes),
    }
}

/// Appends a bulk string of fewer than [`TINY`] bytes. In a row of them a call would be half of the work.
#[inline(always)]
pub(crate) fn push_tiny(out: &mut Vec<u8>, bytes: &[u8]) {
    let head = u32::from_le_bytes([b'$', b'0' + bytes.len() as u8, b'\r', b'\n']);
    push_word(out, u128::from(head) | line(bytes) << 32, 4 + bytes.len() + 2);
}

/// Fewer than [`TINY`] bytes and a line's end, the first byte lowest.
#[inline]
fn line(bytes: &[u8]) -> u128 {
    let end = u16::from_le_bytes(*b"\r\n");
    u128::from(word(bytes)) | u128::from(end) << (8 * bytes.len())
}

/// Appends the lowest `length` bytes.
#[inline]
fn push_word(out: &mut Vec<u8>, word: u128, length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(&word.to_le_bytes());
    out.truncate(end);
}

/// At most eight bytes, the first one lowest.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        first | last << (8 * (length - 4))
    } else if length > 0 {
        // The first, the middle and the last: for one byte or two some of them are the same.
        let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
        byte(0) | byte(length / 2) | byte(length - 1)
    } else {
        0
    }
}

/// Appends a bulk string of `N` to `2 * N` bytes: the first `N`, and the last `N` over them.
#[inline]
fn push_halves<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    let head = &HEADS[bytes.len()];
    let end = out.len() + usize::from(head[7]);
    out.reserve(LIMIT + 16);
    out.extend_from_slice(head);
    out.truncate(end);
    if let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) {
        out.extend_from_slice(first);
        out.truncate(out.len() + bytes.len() - 2 * N);
        out.extend_from_slice(last);
    }
    out.extend_from_slice(b"\r\n");
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
            match length {
                ..TINY => push_tiny(&mut out, &bytes[..length]),
                _ => push_short(&mut out, &bytes[..length]),
            }
            assert_eq!(out, expected);
        }
    }
}
