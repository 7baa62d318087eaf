//! The position of elements: LPOS.

use super::natural;
use crate::commands::arguments::integer;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::List;
use crate::wire::Args;

/// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
pub(crate) fn lpos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Search { rank, count, most_compared } = Search::new(args)?;
    let (mut db, reply) = ctx.db_and_reply();
    let list = db.view::<List>(&args[1])?;
    let len = list.map_or(0, |list| list.len());
    let compared = most_compared.unwrap_or(len).min(len);
    let matches = list.into_iter().flat_map(|list| {
        let (ahead, back) = match rank {
            1.. => (Some(list.iter().take(compared).enumerate()), None),
            _ => (None, Some((0..len).rev().zip(list.iter().rev().take(compared)))),
        };
        ahead.into_iter().flatten().chain(back.into_iter().flatten())
    });
    let skipped = rank.unsigned_abs() as usize - 1;
    let mut matches = matches
        .filter(|&(_, element)| *element == args[2])
        .map(|(index, _)| index as i64)
        .skip(skipped);
    match count {
        Some(most) => reply.array_of(|reply| {
            let most = if most == 0 { usize::MAX } else { most };
            matches.take(most).map(|index| reply.int(index)).count()
        }),
        None => match matches.next() {
            Some(index) => reply.int(index),
            None => reply.null(),
        },
    }
    Ok(())
}

/// What LPOS looks for.
struct Search {
    /// The first match to tell. Negative: counted from the end.
    rank: i64,
    /// How many matches to tell, 0 for all; one and not as an array, if it was not said.
    count: Option<usize>,
    /// How many elements to compare, if not all.
    most_compared: Option<usize>,
}

impl Search {
    fn new(args: Args<'_>) -> Result<Search, Error> {
        let mut search = Search { rank: 1, count: None, most_compared: None };
        let mut options = args.options(3);
        while !options.is_over() {
            if let Some(rank) = options.value("RANK") {
                search.rank = match integer(rank)? {
                    0 => return Err(error::RANK_ZERO),
                    i64::MIN => return Err(error::NOT_A_NEGATABLE),
                    rank => rank,
                };
            } else if let Some(count) = options.value("COUNT") {
                search.count = Some(natural(count).ok_or_else(|| error::negative("COUNT"))?);
            } else if let Some(most) = options.value("MAXLEN") {
                let most = natural(most).ok_or_else(|| error::negative("MAXLEN"))?;
                search.most_compared = (most > 0).then_some(most);
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(search)
    }
}
