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
    if Lengths::size(one.len(), other.len()).is_none_or(|bytes| bytes > most) {
        return Err(error::LCS_MEMORY);
    }
    let lengths = Lengths::of(one, other);
    if options.len {
        reply.int(lengths.total().into());
    } else if options.idx {
        reply_matches(reply, &lengths.matches(one, other), lengths.total(), &options);
    } else {
        reply.bulk(&lengths.subsequence(one, other));
    }
    Ok(())
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

fn reply_matches(reply: &mut Reply, matches: &[Match], total: u32, options: &LcsOptions) {
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
    reply.int(total.into());
}

/// How long the longest common subsequence is of every beginning of one string and every beginning of
/// the other.
struct Lengths {
    /// Rows for the first string.
    cells: Vec<u32>,
    columns: usize,
}

impl Lengths {
    /// The bytes that it takes, if they can be counted.
    fn size(one: usize, other: usize) -> Option<usize> {
        (one + 1).checked_mul(other + 1)?.checked_mul(size_of::<u32>())
    }

    fn of(one: &[u8], other: &[u8]) -> Lengths {
        let columns = other.len() + 1;
        let mut cells = vec![0; (one.len() + 1) * columns];
        for (row, byte) in one.iter().enumerate() {
            let (above, below) = cells[row * columns..].split_at_mut(columns);
            for (column, other) in other.iter().enumerate() {
                below[column + 1] = if byte == other {
                    above[column] + 1
                } else {
                    above[column + 1].max(below[column])
                };
            }
        }
        Lengths { cells, columns }
    }

    fn at(&self, row: usize, column: usize) -> u32 {
        self.cells[row * self.columns + column]
    }

    fn total(&self) -> u32 {
        self.cells.last().copied().unwrap_or(0)
    }

    /// The positions in both strings of the bytes that make up the subsequence, from the end to the
    /// start. Where two ways are as good, it goes back in the second string.
    fn walk(&self, one: &[u8], other: &[u8], mut visit: impl FnMut(usize, usize)) {
        let (mut row, mut column) = (one.len(), other.len());
        while row > 0 && column > 0 {
            if one[row - 1] == other[column - 1] {
                (row, column) = (row - 1, column - 1);
                visit(row, column);
            } else if self.at(row - 1, column) > self.at(row, column - 1) {
                row -= 1;
            } else {
                column -= 1;
            }
        }
    }

    fn subsequence(&self, one: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.total() as usize);
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
            let lengths = Lengths::of(&one, &other);
            let found = lengths.subsequence(&one, &other);
            assert!(is_subsequence(&found, &one) && is_subsequence(&found, &other));
            let all = (0..1_u32 << one.len()).map(|chosen| -> Vec<u8> {
                (0..one.len()).filter(|at| chosen >> at & 1 == 1).map(|at| one[at]).collect()
            });
            let longest =
                all.filter(|part| is_subsequence(part, &other)).map(|part| part.len()).max();
            assert_eq!(Some(found.len()), longest);
            assert_eq!(lengths.total() as usize, found.len());
            let parts = lengths.matches(&one, &other);
            assert_eq!(parts.iter().map(|part| part.len).sum::<usize>(), found.len());
            for Match { ends: [first, second], len } in parts {
                assert_eq!(one[first - len..first], other[second - len..second]);
            }
        }
    }

    #[test]
    fn parts_are_told_from_the_end_to_the_start() {
        let (one, other) = (b"ohmytext", b"mynewtext");
        let parts = Lengths::of(one, other).matches(one, other);
        assert_eq!(parts, [Match { ends: [8, 9], len: 4 }, Match { ends: [4, 2], len: 2 }],);
    }
}
