//! LZF: strings that repeat themselves, made shorter as LibLZF makes them.
//!
//! A block begins with a byte. Below 32 it is followed by so many bytes and one that are taken as they are. Otherwise it
//! points back: its upper three bits and two more are how many bytes to repeat (7 there says that a byte with the rest
//! follows), its lower five bits and the next byte how far back they begin, less one.

/// The longest run of bytes that are taken as they are.
const MOST_LITERAL: usize = 32;
/// The longest repetition.
const MOST_REPEATED: usize = 264;
/// No repetition begins so far back.
const TOO_FAR: usize = 1 << 13;

/// How many places of three bytes are remembered, as a power of two.
const TABLE_BITS: u32 = 16;

/// Where three bytes are remembered that begin at `at`.
fn slot(input: &[u8], at: usize) -> usize {
    let bytes = u32::from_be_bytes([0, input[at], input[at + 1], input[at + 2]]);
    ((bytes >> (24 - TABLE_BITS)).wrapping_sub(bytes.wrapping_mul(5)) & ((1 << TABLE_BITS) - 1))
        as usize
}

/// Compresses strings, one after the other, without taking memory for each.
#[derive(Debug)]
pub(super) struct Compressor {
    /// Where three bytes were seen last: the place in this string and `base`. Places of strings before are not above that.
    seen: Box<[u32]>,
    base: u32,
    out: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor { seen: vec![0; 1 << TABLE_BITS].into_boxed_slice(), base: 0, out: Vec::new() }
    }
}

impl Compressor {
    /// `input` compressed; nothing if that takes more than `most` bytes. It finds the very repetitions that LibLZF
    /// finds, so that payloads equal the reference's.
    pub(super) fn compress(&mut self, input: &[u8], most: usize) -> Option<&[u8]> {
        let length = u32::try_from(input.len()).ok()?;
        if self.base.checked_add(length).is_none() {
            self.seen.fill(0);
            self.base = 0;
        }
        let is_shorter = self.fill(input, most).is_some();
        self.base += length;
        is_shorter.then_some(&self.out)
    }

    fn fill(&mut self, input: &[u8], most: usize) -> Option<()> {
        let Compressor { seen, base, out } = self;
        let base = *base;
        out.clear();
        out.push(0);
        let (mut at, mut literal) = (0, 0);
        while at + 2 < input.len() {
            let before = std::mem::replace(&mut seen[slot(input, at)], base + at as u32);
            // The first byte of the input is never repeated.
            let before = before.saturating_sub(base) as usize;
            let is_repeated = before > 0
                && at - before - 1 < TOO_FAR
                && input[before..before + 3] == input[at..at + 3];
            if !is_repeated {
                if out.len() >= most {
                    return None;
                }
                push_literal(out, &mut literal, input[at]);
                at += 1;
                continue;
            }
            if out.len() + 4 >= most + usize::from(literal == 0) {
                return None;
            }
            end_literals(out, literal);
            let length = repeated(&input[before..], &input[at..]);
            push_repetition(out, at - before - 1, length - 2);
            out.push(0);
            literal = 0;
            at += length;
            if at + 2 >= input.len() {
                break;
            }
            // Of the places within the repetition the last two are remembered.
            for at in at - 2..at {
                seen[slot(input, at)] = base + at as u32;
            }
        }
        if out.len() + 3 > most {
            return None;
        }
        for &byte in &input[at.min(input.len())..] {
            push_literal(out, &mut literal, byte);
        }
        end_literals(out, literal);
        Some(())
    }
}

/// Adds a repetition that begins so far back, less one, and has two bytes more.
fn push_repetition(out: &mut Vec<u8>, back: usize, more: usize) {
    if more < 7 {
        out.push((back >> 8 | more << 5) as u8);
    } else {
        out.push((back >> 8 | 7 << 5) as u8);
        out.push((more - 7) as u8);
    }
    out.push(back as u8);
}

/// Adds a byte to the run of literals at the end of `out`, whose length will stand before it.
fn push_literal(out: &mut Vec<u8>, literal: &mut usize, byte: u8) {
    out.push(byte);
    *literal += 1;
    if *literal == MOST_LITERAL {
        end_literals(out, *literal);
        out.push(0);
        *literal = 0;
    }
}

/// Writes the length of the run of literals at the end of `out`; takes the place for it away if there are none.
fn end_literals(out: &mut Vec<u8>, literal: usize) {
    if literal == 0 {
        out.pop();
    } else {
        let start = out.len() - literal - 1;
        out[start] = (literal - 1) as u8;
    }
}

/// How many bytes of `now` repeat those of `before`, three at least. As in LibLZF the first sixteen that follow are
/// compared whether or not they are within what is taken for the end.
fn repeated(before: &[u8], now: &[u8]) -> usize {
    let end = (now.len() - 2).min(MOST_REPEATED);
    let mut length = 2;
    if end > 16 {
        for _ in 0..16 {
            length += 1;
            if before[length] != now[length] {
                return length;
            }
        }
    }
    loop {
        length += 1;
        if length >= end || before[length] != now[length] {
            return length;
        }
    }
}

/// What was compressed; nothing if it is not of this length, or is not well-formed. Memory is taken for what there is,
/// not for what is declared.
pub(super) fn decompress(mut input: &[u8], length: usize) -> Option<Vec<u8>> {
    // Three bytes make no more than the longest repetition.
    let mut out = Vec::with_capacity(length.min(input.len() * (MOST_REPEATED / 3)));
    while let Some((&first, rest)) = input.split_first() {
        let first = usize::from(first);
        if first < MOST_LITERAL {
            let (literal, rest) = rest.split_at_checked(first + 1)?;
            out.extend_from_slice(literal);
            input = rest;
        } else {
            let (more, rest) = match first >> 5 {
                7 => rest.split_first().map(|(&more, rest)| (7 + usize::from(more), rest))?,
                more => (more, rest),
            };
            let (&low, rest) = rest.split_first()?;
            let back = ((first & 0x1f) << 8 | usize::from(low)) + 1;
            let start = out.len().checked_sub(back)?;
            repeat(&mut out, start, more + 2);
            input = rest;
        }
        if out.len() > length {
            return None;
        }
    }
    (out.len() == length).then_some(out)
}

/// Appends `count` bytes of `out` from `start` on, which may reach into those that are being appended.
fn repeat(out: &mut Vec<u8>, start: usize, mut count: usize) {
    while count > 0 {
        let piece = count.min(out.len() - start);
        out.extend_from_within(start..start + piece);
        count -= piece;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compress(input: &[u8], most: usize) -> Option<Vec<u8>> {
        Compressor::default().compress(input, most).map(<[u8]>::to_vec)
    }

    #[test]
    fn repetitions_are_those_that_liblzf_finds() {
        let expected = b"\x02aba\xe0\x0e\x01\x01ab";
        assert_eq!(compress(&b"ab".repeat(14), 100).unwrap(), expected);
        assert_eq!(compress(&b"ab".repeat(14), 10), None);
        assert_eq!(compress(b"", 10).unwrap(), b"");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for bad in
            [&b"\x02ab"[..], b"\x20", b"\x20\x00", b"\xe0\x00", b"\x00a\x20\x01", b"\x00a\xe0"]
        {
            for length in 0..12 {
                assert_eq!(decompress(bad, length), None, "{bad:?}");
            }
        }
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", 265).unwrap(), [b'a'; 265]);
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", 264), None);
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", usize::MAX), None);
    }

    #[test]
    fn a_string_is_compressed_alike_whatever_came_before() {
        let mut compressor = Compressor::default();
        for round in 0..2 {
            // The second time the places do not fit any more.
            compressor.base = [0, u32::MAX - 100][round];
            for n in 0..200_usize {
                let text: Vec<u8> = (0..n).map(|at| (at * at % (1 + n % 11)) as u8).collect();
                let most = n.saturating_sub(4);
                assert_eq!(
                    compressor.compress(&text, most).map(<[u8]>::to_vec),
                    compress(&text, most)
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            input in prop::collection::vec(prop::sample::select(&b"aaaab\x00\xff"[..]), 0..600)
        ) {
            if let Some(compressed) = compress(&input, input.len()) {
                prop_assert!(compressed.len() <= input.len());
                prop_assert_eq!(decompress(&compressed, input.len()), Some(input));
            }
        }

        #[test]
        fn no_bytes_are_too_strange(input in prop::collection::vec(any::<u8>(), 0..100), length in 0_usize..5000) {
            if let Some(out) = decompress(&input, length) {
                prop_assert_eq!(out.len(), length);
            }
        }
    }
}
