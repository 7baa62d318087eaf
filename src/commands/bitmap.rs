//! Strings as arrays of bits: BITCOUNT BITOP BITPOS GETBIT SETBIT. The first bit is the highest of the
//! first byte. BITFIELD is in [`self::field`].

pub(crate) mod field;

use std::cmp::Reverse;
use std::ops::Range;

use super::arguments;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::BITMAP;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, range};
use crate::error::{self, Error};
use crate::keyspace::Db;
use crate::keyspace::changes::class;
use crate::text::number;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("bitcount", -2, READ, bitcount)
        .acl(BITMAP)
        .key(RO | ACCESS, at(1))
        .doc(
            "2.6.0",
            "O(N)",
            "key [range: start [end-unit-block: end [unit: BYTE | BIT]@7.0]]",
            "Counts the bits that are set.",
        )
        .history(&[
            ("7.0.0", "Option `BYTE` or `BIT`."),
            ("8.0.0", "Without `end` the range reaches the last byte."),
        ]),
    Spec::new("bitop", -4, WRITE | DENYOOM, bitop)
        .acl(BITMAP)
        .key(OW | UPDATE, at(2))
        .key(RO | ACCESS, range(3, -1, 1))
        .doc(
            "2.6.0",
            "O(N)",
            "(operation: AND | OR | XOR | NOT | DIFF@8.2 | DIFF1@8.2 | ANDOR@8.2 | ONE@8.2) destkey key...",
            "Combines strings bit by bit and stores the result.",
        )
        .history(&[("8.2.0", "Operations `DIFF`, `DIFF1`, `ANDOR` and `ONE`, of Redis.")]),
    Spec::new("bitpos", -3, READ, bitpos)
        .acl(BITMAP)
        .key(RO | ACCESS, at(1))
        .doc(
            "2.8.7",
            "O(N)",
            "key bit:integer [range: start [end-unit-block: end [unit: BYTE | BIT]@7.0]]",
            "Finds the first bit that is set or clear.",
        )
        .history(&[("7.0.0", "Option `BYTE` or `BIT`.")]),
    Spec::new("getbit", 3, READ | FAST, getbit).acl(BITMAP).key(RO | ACCESS, at(1)).doc(
        "2.2.0",
        "O(1)",
        "key offset",
        "Returns one bit of a string.",
    ),
    Spec::new("setbit", 4, WRITE | DENYOOM, setbit)
        .acl(BITMAP)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc(
            "2.2.0",
            "O(1)",
            "key offset value:integer",
            "Changes one bit of a string and returns what it was.",
        ),
];

/// GETBIT key offset
fn getbit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let offset = bit_offset(ctx, &args[2])?;
    let (mut db, reply) = ctx.db_and_reply();
    let bytes = db.string(&args[1])?.unwrap_or_default();
    let byte = bytes.get(offset / 8).copied().unwrap_or(0);
    reply.int((byte & mask(offset) != 0).into());
    Ok(())
}

/// SETBIT key offset value
fn setbit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let offset = bit_offset(ctx, &args[2])?;
    let is_set = match number::parse_i64(&args[3]) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(error::BIT),
    };
    let (mut db, reply) = ctx.db_and_reply();
    let (was_set, is_longer) =
        db.edit_string_of(&args[1], offset / 8 + 1, |bytes, is_longer| {
            let byte = &mut bytes[offset / 8];
            let was_set = *byte & mask(offset) != 0;
            *byte = if is_set { *byte | mask(offset) } else { *byte & !mask(offset) };
            (was_set, is_longer)
        })?;
    if is_longer || is_set != was_set {
        db.note(class::STRING, "setbit", &args[1]);
    }
    reply.int(was_set.into());
    Ok(())
}

/// BITCOUNT key [start [end [BYTE | BIT]]]
fn bitcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    // A start without an end.
    if args.len() == 3 && !ctx.world.config.persona.is_at_least("8.0.0") {
        return Err(error::SYNTAX);
    }
    let part = Part::read(args, 2)?;
    let (mut db, reply) = ctx.db_and_reply();
    let bytes = db.string(&args[1])?.unwrap_or_default();
    reply.int(count(bytes, part.bits(bytes.len(), arguments::forward_span)) as i64);
    Ok(())
}

/// BITPOS key bit [start [end [BYTE | BIT]]]
fn bitpos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let bit = match arguments::int(args, 2)? {
        0 => false,
        1 => true,
        _ => return Err(error::BITPOS_BIT),
    };
    let part = Part::read(args, 3)?;
    let (mut db, reply) = ctx.db_and_reply();
    let position = match db.string(&args[1])? {
        Some(bytes) => {
            let bits = part.bits(bytes.len(), arguments::span);
            // Without an end the string goes on with zeros.
            let behind = (!bit && part.end.is_none() && !bits.is_empty()).then_some(bits.end);
            position(bytes, bits, bit).or(behind)
        }
        None => (!bit).then_some(0),
    };
    reply.int(position.map_or(-1, |at| at as i64));
    Ok(())
}

/// BITOP operation destkey key [key ...]
fn bitop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operation = BitOperation::named(ctx, args, 1)?;
    operation.check(args.len() - 3)?;
    let (mut db, reply) = ctx.db_and_reply();
    let result = match operation {
        BitOperation::One => in_one(&mut db, args.from(3))?,
        _ => operation.result(&mut db, args)?,
    };
    let len = result.len();
    if result.is_empty() {
        db.delete(&args[2]);
    } else {
        db.set_raw_string_to(&args[2], result);
        db.note(class::STRING, "set", &args[2]);
    }
    reply.int(len as i64);
    Ok(())
}

/// What BITOP does: which bits of the result are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BitOperation {
    /// Those that all strings have.
    And,
    /// Those that any string has.
    Or,
    /// Those that an odd number of strings has.
    Xor,
    /// Those that the string lacks, which is the only one.
    Not,
    /// Those that the first string has, and no other.
    Diff,
    /// Those that the first string lacks, and any other has.
    Diff1,
    /// Those that the first string has, and any other.
    AndOr,
    /// Those that exactly one string has.
    One,
}

impl BitOperation {
    fn named(ctx: &Ctx<'_>, args: Args<'_>, index: usize) -> Result<BitOperation, Error> {
        match () {
            () if args.is(index, "AND") => Ok(BitOperation::And),
            () if args.is(index, "OR") => Ok(BitOperation::Or),
            () if args.is(index, "XOR") => Ok(BitOperation::Xor),
            () if args.is(index, "NOT") => Ok(BitOperation::Not),
            () if ctx.row.is_unknown_option(&args[index]) => Err(error::SYNTAX),
            () if args.is(index, "DIFF") => Ok(BitOperation::Diff),
            () if args.is(index, "DIFF1") => Ok(BitOperation::Diff1),
            () if args.is(index, "ANDOR") => Ok(BitOperation::AndOr),
            () if args.is(index, "ONE") => Ok(BitOperation::One),
            () => Err(error::SYNTAX),
        }
    }

    /// Whether it makes sense of so many strings, of which there is one at least.
    fn check(self, strings: usize) -> Result<(), Error> {
        match self {
            BitOperation::Not if strings > 1 => Err(error::BITOP_NOT),
            BitOperation::Diff if strings < 2 => Err(error::BITOP_DIFF),
            BitOperation::Diff1 if strings < 2 => Err(error::BITOP_DIFF1),
            BitOperation::AndOr if strings < 2 => Err(error::BITOP_ANDOR),
            _ => Ok(()),
        }
    }

    /// Whether the other strings come together before the first one joins them.
    fn takes_first_last(self) -> bool {
        matches!(self, BitOperation::Diff1 | BitOperation::AndOr)
    }

    /// What it makes of the strings, one by one. As to [`BitOperation::One`] see [`in_one`].
    fn result(self, db: &mut Db<'_>, args: Args<'_>) -> Result<Vec<u8>, Error> {
        let begin = 3 + usize::from(self.takes_first_last());
        let first = db.string(&args[begin])?.unwrap_or_default();
        let mut result = match self {
            BitOperation::Not => first.iter().map(|byte| !byte).collect(),
            _ => first.to_vec(),
        };
        let mut longest = result.len();
        for key in args.from(begin + 1) {
            let other = db.string(key)?.unwrap_or_default();
            longest = longest.max(other.len());
            match self {
                BitOperation::And => and(&mut result, other),
                BitOperation::Xor => xor(&mut result, other),
                BitOperation::Diff => without(&mut result, other),
                _ => or(&mut result, other),
            }
        }
        if self.takes_first_last() {
            let first = db.string(&args[3])?.unwrap_or_default();
            longest = longest.max(first.len());
            match self {
                BitOperation::AndOr => and(&mut result, first),
                _ => without(&mut result, first),
            }
        }
        result.resize(longest, 0);
        Ok(result)
    }
}

// How a string joins what there is. What is not there is zeros: at the end of either, too.

fn and(result: &mut Vec<u8>, other: &[u8]) {
    result.truncate(other.len());
    result.iter_mut().zip(other).for_each(|(byte, &other)| *byte &= other);
}

fn or(result: &mut Vec<u8>, other: &[u8]) {
    result.resize(result.len().max(other.len()), 0);
    result.iter_mut().zip(other).for_each(|(byte, &other)| *byte |= other);
}

fn xor(result: &mut Vec<u8>, other: &[u8]) {
    result.resize(result.len().max(other.len()), 0);
    result.iter_mut().zip(other).for_each(|(byte, &other)| *byte ^= other);
}

fn without(result: &mut [u8], other: &[u8]) {
    result.iter_mut().zip(other).for_each(|(byte, &other)| *byte &= !other);
}

/// So many bytes of the result are made at a time where there must be room for as many besides.
const BLOCK: usize = 16 * 1024;

/// BITOP ONE: the bits that exactly one of the strings has.
///
/// What several have is remembered for a block only: with a second string as long as the result it took six times as long,
/// because its pages were new each time.
fn in_one<'a>(db: &mut Db<'_>, keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, Error> {
    let mut strings = Vec::new();
    for key in keys {
        strings.push((db.string(key)?.map_or(0, <[u8]>::len), key));
    }
    strings.sort_unstable_by_key(|&(len, _)| Reverse(len));
    let Some((&(_, longest), others)) = strings.split_first() else {
        return Ok(Vec::new());
    };
    let mut result = db.string_to_change(longest)?.unwrap_or_default().to_vec();
    let mut shared = [0; BLOCK];
    for (number, block) in result.chunks_mut(BLOCK).enumerate() {
        let start = number * BLOCK;
        shared.fill(0);
        for &(len, key) in others.iter().take_while(|&&(len, _)| len > start) {
            let string = db.string_to_change(key)?.unwrap_or_default();
            xor_and_share(block, &mut shared, &string[start..len.min(start + BLOCK)]);
        }
        without(block, &shared);
    }
    Ok(result)
}

/// As [`xor`], and `shared` gains the bits that both have.
fn xor_and_share(result: &mut [u8], shared: &mut [u8], other: &[u8]) {
    for ((byte, shared), &other) in result.iter_mut().zip(shared).zip(other) {
        *shared |= *byte & other;
        *byte ^= other;
    }
}

/// A bit's offset, which must lie in the longest string that there may be.
fn bit_offset(ctx: &Ctx<'_>, text: &[u8]) -> Result<usize, Error> {
    number::parse_i64(text)
        .and_then(|offset| usize::try_from(offset).ok())
        .filter(|offset| offset / 8 < ctx.world.config.proto_max_bulk_len)
        .ok_or(error::BIT_OFFSET)
}

/// The bit of its byte that an offset means.
fn mask(offset: usize) -> u8 {
    0x80 >> (offset % 8)
}

/// The part of a string that BITCOUNT and BITPOS look at: `start [end [BYTE | BIT]]`.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: i64,
    end: Option<i64>,
    in_bits: bool,
}

impl Part {
    fn read(args: Args<'_>, first: usize) -> Result<Part, Error> {
        let mut part = Part { start: 0, end: None, in_bits: false };
        let given = args.len() - first;
        if given > 3 {
            return Err(error::SYNTAX);
        }
        if given > 0 {
            part.start = arguments::int(args, first)?;
        }
        if given > 2 {
            part.in_bits = args.is(first + 2, "BIT");
            if !part.in_bits && !args.is(first + 2, "BYTE") {
                return Err(error::SYNTAX);
            }
        }
        if given > 1 {
            part.end = Some(arguments::int(args, first + 1)?);
        }
        Ok(part)
    }

    /// The bits that it means of a string of `len` bytes, where `span` is the sort of range.
    fn bits(self, len: usize, span: fn(i64, i64, usize) -> Range<usize>) -> Range<usize> {
        let end = self.end.unwrap_or(-1);
        if self.in_bits {
            span(self.start, end, 8 * len)
        } else {
            let bytes = span(self.start, end, len);
            8 * bytes.start..8 * bytes.end
        }
    }
}

/// How many of these bits are set.
fn count(bytes: &[u8], bits: Range<usize>) -> usize {
    if bits.is_empty() {
        return 0;
    }
    let (first, last) = (bits.start / 8, (bits.end - 1) / 8);
    let whole = &bytes[first..=last];
    let ones = ones(whole);
    let before = bytes[first] & !(0xff >> (bits.start % 8));
    let after = bytes[last] & (0x7f >> ((bits.end - 1) % 8));
    ones - (before.count_ones() + after.count_ones()) as usize
}

/// How many words are counted side by side, and how many of them one after the other.
const LANES: usize = 4;
const ROUND: usize = 16;

/// How many bits are set.
///
/// Sixteen words are added up bit by bit before one is counted (carry-save adders, as Robert Harley and David Seal
/// did it): 2.3 µs for 64 KiB, 4.7 when each word is counted. Rounds of zeros are passed over: 0.9 µs.
/// docs/decisions/vectors.md has what the compiler makes of it.
fn ones(bytes: &[u8]) -> usize {
    let (rounds, rest) = bytes.as_chunks::<{ 8 * LANES * ROUND }>();
    // The sums of the words so far at each of their places: numbers of which the lowest bits are in `by_one`.
    let [mut by_one, mut by_two, mut by_four, mut by_eight] = [[0; LANES]; 4];
    let mut sixteens = [0; LANES];
    for round in rounds {
        // Only what begins with zeros is looked through, so that other rounds lose nothing.
        if round[..8] == [0; 8] && is_all(round, 0) {
            continue;
        }
        let words = round.as_chunks::<8>().0;
        for lane in 0..LANES {
            let (mut one, mut two, mut four) = (by_one[lane], by_two[lane], by_four[lane]);
            let mut eights = [0; 2];
            for (half, eight) in eights.iter_mut().enumerate() {
                let word = |at| u64::from_ne_bytes(words[(half * ROUND / 2 + at) * LANES + lane]);
                let (two_a, two_b, four_a, four_b);
                (two_a, one) = add(one, word(0), word(1));
                (two_b, one) = add(one, word(2), word(3));
                (four_a, two) = add(two, two_a, two_b);
                let (two_a, two_b);
                (two_a, one) = add(one, word(4), word(5));
                (two_b, one) = add(one, word(6), word(7));
                (four_b, two) = add(two, two_a, two_b);
                (*eight, four) = add(four, four_a, four_b);
            }
            let sixteen;
            (sixteen, by_eight[lane]) = add(by_eight[lane], eights[0], eights[1]);
            sixteens[lane] += u64::from(sixteen.count_ones());
            (by_one[lane], by_two[lane], by_four[lane]) = (one, two, four);
        }
    }
    let rest: usize = rest.iter().map(|byte| byte.count_ones() as usize).sum();
    16 * sixteens.iter().sum::<u64>() as usize
        + 8 * count_all(by_eight)
        + 4 * count_all(by_four)
        + 2 * count_all(by_two)
        + count_all(by_one)
        + rest
}

fn count_all(words: [u64; LANES]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// Adds three bits at each place: the carries and the sums.
fn add(one: u64, other: u64, third: u64) -> (u64, u64) {
    let half = one ^ other;
    (one & other | half & third, half ^ third)
}

/// Returns whether all bytes are the same one. Whole words, in a loop that does not end early, so that it is done by vectors.
fn is_all<const LEN: usize>(bytes: &[u8; LEN], byte: u8) -> bool {
    let all = u64::from_ne_bytes([byte; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let differing =
        words.iter().fold(0, |differing, word| differing | u64::from_ne_bytes(*word) ^ all);
    differing == 0 && rest.iter().all(|&other| other == byte)
}

/// So many bytes are passed over at once in the search for a bit.
const PASSED: usize = 128;

/// The first of these bits that is set, or is not.
fn position(bytes: &[u8], bits: Range<usize>, bit: bool) -> Option<usize> {
    // What is looked for is one from here on.
    let flip = if bit { 0 } else { 0xff };
    let first = bits.start / 8;
    let found = |index: usize, byte: u8| {
        let at = 8 * index + byte.leading_zeros() as usize;
        (at < bits.end).then_some(at)
    };
    let byte = (bytes.get(first)? ^ flip) & (0xff >> (bits.start % 8));
    if byte != 0 {
        return found(first, byte);
    }
    let last = bits.end.div_ceil(8);
    let rest = bytes.get(first + 1..last)?;
    // 64 KiB are passed over in 0.8 µs so, word by word in 3.
    let blocks = rest.as_chunks::<PASSED>().0;
    let skipped = PASSED * blocks.iter().take_while(|block| is_all(block, flip)).count();
    let index = skipped + rest[skipped..].iter().position(|&byte| byte != flip)?;
    found(first + 1 + index, rest[index] ^ flip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    #[test]
    fn counts_and_positions_are_those_of_single_bits() {
        let mut random = Random::seeded(7);
        for round in 0..2000 {
            // Some are long enough to be counted by many words at once.
            let len = random.below(if round % 20 == 0 { 3000 } else { 200 });
            let sort = random.below(5);
            let mut byte = || match sort {
                0 => 0,
                1 => 0xff,
                2 if random.below(9) > 0 => 0,
                3 if random.below(900) > 0 => 0,
                _ => random.next_u64() as u8,
            };
            let bytes: Vec<u8> = (0..len).map(|_| byte()).collect();
            let start = random.below(8 * len + 1);
            let end = start + random.below(8 * len + 1 - start);
            let is_set = |&at: &usize| bytes[at / 8] & mask(at) != 0;
            assert_eq!(count(&bytes, start..end), (start..end).filter(is_set).count());
            assert_eq!(position(&bytes, start..end, true), (start..end).find(is_set));
            let is_clear = |at: &usize| !is_set(at);
            assert_eq!(position(&bytes, start..end, false), (start..end).find(is_clear));
        }
    }

    #[test]
    fn one_bit_is_seen_among_many_that_are_passed_over() {
        for fill in [0, 0xff] {
            let mut bytes = vec![fill; 1300];
            for at in (0..8 * bytes.len()).step_by(5) {
                bytes[at / 8] ^= mask(at);
                let all = 0..8 * bytes.len();
                let ones = if fill == 0 { 1 } else { all.end - 1 };
                assert_eq!(count(&bytes, all.clone()), ones, "{at}");
                assert_eq!(position(&bytes, all, fill == 0), Some(at));
                bytes[at / 8] ^= mask(at);
            }
        }
    }

    #[test]
    fn one_keeps_what_a_single_string_has() {
        let mut random = Random::seeded(11);
        for _ in 0..500 {
            let mut string =
                || -> Vec<u8> { (0..random.below(40)).map(|_| random.next_u64() as u8).collect() };
            let strings = [string(), string(), string(), string()];
            let longest = strings.iter().map(Vec::len).max().unwrap();
            let [mut result, mut shared] = [(); 2].map(|()| vec![0; longest]);
            strings.iter().for_each(|one| xor_and_share(&mut result, &mut shared, one));
            without(&mut result, &shared);
            let is_set = |bytes: &[u8], at: usize| {
                bytes.get(at / 8).is_some_and(|byte| byte & mask(at) != 0)
            };
            for at in 0..8 * result.len() {
                let having = strings.iter().filter(|one| is_set(one, at)).count();
                assert_eq!(is_set(&result, at), having == 1, "{at}");
            }
        }
    }
}
