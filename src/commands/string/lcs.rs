//! LCS: the longest common subsequence of two strings.

use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::STRING;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, range};
use crate::error::{self, Error};
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] =
    &[Spec::new("lcs", -3, READ, lcs).acl(STRING).key(RO | ACCESS, range(1, 1, 1)).doc(
        "7.0.0",
        "O(N*M), N and M being the lengths of the two strings",
        "key1 key2#0 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
        "Finds the longest common subsequence of two strings.",
    )];

/// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]
fn lcs(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let most = ctx.world.config.proto_max_bulk_len;
    let (mut db, reply) = ctx.db_and_reply();
    // Both strings are looked for before anything is an error, and before the options are looked at.
    let mut text = |key| db.string(key).map(|found| found.unwrap_or_default().to_vec());
    let (one, other) = (text(&args[1]), text(&args[2]));
    let (one, other) = one.and_then(|one| Ok((one, other?))).map_err(|_| error::LCS_TYPE)?;
    let (one, other) = (&one, &other);
    let options = LcsOptions::read(args, 3)?;
    if size_of_table(one.len(), other.len()).is_none_or(|bytes| bytes > most) {
        return Err(error::LCS_MEMORY);
    }
    if options.len {
        reply.int(each_row(one, other, |_| ()) as i64);
        return Ok(());
    }
    let growth = Growth::of(one, other);
    if options.idx {
        reply_matches(reply, &growth.matches(one, other), growth.total, &options);
    } else {
        reply.bulk(&growth.subsequence(one, other));
    }
    Ok(())
}

/// The bytes that the reference takes for strings of these lengths, if they can be counted. Its limit holds here,
/// though a bit does for four bytes: it bounds the work as well.
fn size_of_table(one: usize, other: usize) -> Option<usize> {
    (one + 1).checked_mul(other + 1)?.checked_mul(size_of::<u32>())
}

#[derive(Debug, Default)]
struct LcsOptions {
    /// Only how long it is.
    len: bool,
    /// Where its parts are.
    idx: bool,
    /// Shorter parts are left out.
    min_match_len: i64,
    /// With the length of each part.
    with_match_len: bool,
}

impl LcsOptions {
    fn read(args: Args<'_>, first: usize) -> Result<LcsOptions, Error> {
        let mut options = LcsOptions::default();
        let mut words = args.options(first);
        while !words.is_over() {
            if words.flag("LEN") {
                options.len = true;
            } else if words.flag("IDX") {
                options.idx = true;
            } else if words.flag("WITHMATCHLEN") {
                options.with_match_len = true;
            } else if let Some(least) = words.value("MINMATCHLEN") {
                options.min_match_len = arguments::integer(least)?;
            } else {
                return Err(error::SYNTAX);
            }
        }
        if options.len && options.idx {
            return Err(error::LCS_LEN_AND_IDX);
        }
        Ok(options)
    }
}

/// A part that both strings have: where it ends in each (not included), and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Match {
    ends: [usize; 2],
    len: usize,
}

fn reply_matches(reply: &mut Reply, matches: &[Match], total: usize, options: &LcsOptions) {
    let long = matches.iter().filter(|part| part.len as i64 >= options.min_match_len);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(long.clone().count());
    for part in long {
        reply.array(if options.with_match_len { 3 } else { 2 });
        for end in part.ends {
            reply.array(2);
            reply.int((end - part.len) as i64);
            reply.int(end as i64 - 1);
        }
        if options.with_match_len {
            reply.int(part.len as i64);
        }
    }
    reply.bulk(b"len");
    reply.int(total as i64);
}

/// The longest common subsequences of every beginning of one string with every beginning of the other, of which
/// only the differences are kept: with one byte more of the second string a subsequence becomes longer by one, or
/// does not.
///
/// A row is the next one from the row above by an addition, in which carries find the next place where the subsequence
/// grows, for 64 columns at once ("Bit-parallel LCS-length computation revisited", Hyyrö, 2004): two strings of
/// 2000 bytes take 0.1 ms, and 7 ms cell by cell.
struct Growth {
    /// Rows for the beginnings of the first string, without the empty one; a bit for each byte of the second, the lowest
    /// first, which is clear where the subsequence grows.
    rows: Vec<u64>,
    /// The words of a row.
    words: usize,
    total: usize,
}

impl Growth {
    fn of(one: &[u8], other: &[u8]) -> Growth {
        let mut rows = Vec::new();
        let total = each_row(one, other, |row| rows.extend_from_slice(row));
        Growth { rows, words: words(other), total }
    }

    /// Returns whether the last byte of a beginning of the second string makes the subsequence longer. No beginning is
    /// empty.
    fn grows(&self, row: usize, column: usize) -> bool {
        let word = self.rows[(row - 1) * self.words + (column - 1) / 64];
        word >> ((column - 1) % 64) & 1 == 0
    }

    /// The positions in both strings of the bytes that make up the subsequence, from the end to the
    /// start. Where two ways are as good, it goes back in the second string.
    fn walk(&self, one: &[u8], other: &[u8], mut visit: impl FnMut(usize, usize)) {
        let (mut row, mut column) = (one.len(), other.len());
        while row > 0 && column > 0 {
            if one[row - 1] == other[column - 1] {
                (row, column) = (row - 1, column - 1);
                visit(row, column);
            } else if self.grows(row, column) {
                row -= 1;
            } else {
                column -= 1;
            }
        }
    }

    fn subsequence(&self, one: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.total);
        self.walk(one, other, |row, _| bytes.push(one[row]));
        bytes.reverse();
        bytes
    }

    /// The parts without a gap in either string, the last one first.
    fn matches(&self, one: &[u8], other: &[u8]) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        self.walk(one, other, |row, column| match matches.last_mut() {
            Some(part) if part.ends == [row + 1 + part.len, column + 1 + part.len] => part.len += 1,
            _ => matches.push(Match { ends: [row + 1, column + 1], len: 1 }),
        });
        matches
    }
}

/// The words of a row.
fn words(other: &[u8]) -> usize {
    other.len().div_ceil(64)
}

/// Visits the rows of [`Growth`], and returns how long the longest common subsequence is.
fn each_row(one: &[u8], other: &[u8], mut visit: impl FnMut(&[u64])) -> usize {
    let places = Places::of(one, other);
    let mut row = vec![u64::MAX; words(other)];
    for &byte in one {
        let mut carry = false;
        for (word, &places) in row.iter_mut().zip(places.of_byte(byte)) {
            let (sum, over) = word.overflowing_add(*word & places);
            let (sum, over_again) = sum.overflowing_add(carry.into());
            carry = over | over_again;
            *word = sum | *word & !places;
        }
        visit(&row);
    }
    // Behind the string nothing ever grows.
    row.iter().map(|word| word.count_zeros() as usize).sum()
}

/// Where each byte of one string stands in the other: as many bits as that has bytes.
struct Places {
    bits: Vec<u64>,
    words: usize,
    /// Which bytes have bits, and which of the bits.
    index: [Option<u8>; 256],
}

impl Places {
    fn of(one: &[u8], other: &[u8]) -> Places {
        let mut index = [None; 256];
        let mut count = 0;
        for &byte in one {
            index[usize::from(byte)].get_or_insert_with(|| {
                count += 1;
                (count - 1) as u8
            });
        }
        let words = words(other);
        let mut bits = vec![0; count * words];
        for (at, &byte) in other.iter().enumerate() {
            if let Some(row) = index[usize::from(byte)] {
                bits[usize::from(row) * words + at / 64] |= 1 << (at % 64);
            }
        }
        Places { bits, words, index }
    }

    /// Those of a byte of the first string.
    fn of_byte(&self, byte: u8) -> &[u64] {
        let row = self.index[usize::from(byte)].map_or(0, usize::from);
        &self.bits[row * self.words..][..self.words]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    /// Whether `part` is what is left of `whole` when some bytes are taken out.
    fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
        let mut rest = whole.iter();
        part.iter().all(|byte| rest.any(|other| other == byte))
    }

    #[test]
    fn the_subsequence_is_common_to_both_and_none_is_longer() {
        let mut random = Random::seeded(3);
        for _ in 0..300 {
            let mut text = || -> Vec<u8> {
                (0..random.below(9)).map(|_| b'a' + random.below(3) as u8).collect()
            };
            let (one, other) = (text(), text());
            let growth = Growth::of(&one, &other);
            let found = growth.subsequence(&one, &other);
            assert!(is_subsequence(&found, &one) && is_subsequence(&found, &other));
            let all = (0..1_u32 << one.len()).map(|chosen| -> Vec<u8> {
                (0..one.len()).filter(|at| chosen >> at & 1 == 1).map(|at| one[at]).collect()
            });
            let longest =
                all.filter(|part| is_subsequence(part, &other)).map(|part| part.len()).max();
            assert_eq!(Some(found.len()), longest);
            assert_eq!(growth.total, found.len());
            let parts = growth.matches(&one, &other);
            assert_eq!(parts.iter().map(|part| part.len).sum::<usize>(), found.len());
            for Match { ends: [first, second], len } in parts {
                assert_eq!(one[first - len..first], other[second - len..second]);
            }
        }
    }

    #[test]
    fn parts_are_told_from_the_end_to_the_start() {
        let (one, other) = (b"ohmytext", b"mynewtext");
        let parts = Growth::of(one, other).matches(one, other);
        assert_eq!(parts, [Match { ends: [8, 9], len: 4 }, Match { ends: [4, 2], len: 2 }],);
    }

    #[test]
    fn rows_of_bits_grow_where_a_table_of_lengths_does() {
        let mut random = Random::seeded(5);
        for round in 0..200 {
            let letters = 1 + random.below([2, 4, 256][round % 3]);
            let mut text =
                |len: usize| -> Vec<u8> { (0..len).map(|_| random.below(letters) as u8).collect() };
            // Around the ends of words, too.
            let (one, other) =
                (text(round), text([0, 1, 63, 64, 65, 127, 128, 129, 200][round % 9]));
            let mut lengths = vec![vec![0; other.len() + 1]; one.len() + 1];
            for row in 1..=one.len() {
                for column in 1..=other.len() {
                    lengths[row][column] = if one[row - 1] == other[column - 1] {
                        lengths[row - 1][column - 1] + 1
                    } else {
                        lengths[row - 1][column].max(lengths[row][column - 1])
                    };
                }
            }
            let growth = Growth::of(&one, &other);
            assert_eq!(growth.total, lengths[one.len()][other.len()]);
            assert_eq!(each_row(&one, &other, |_| ()), growth.total);
            for (row, lengths) in lengths.iter().enumerate().skip(1) {
                for column in 1..=other.len() {
                    let grows = lengths[column] > lengths[column - 1];
                    assert_eq!(growth.grows(row, column), grows, "{row} {column}");
                }
            }
        }
    }
}
