//! Lists: LINDEX LINSERT LLEN LMOVE LMPOP LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM RPOP
//! RPOPLPUSH RPUSH RPUSHX; in `blocking` what waits for elements, in `position` LPOS.
//!
//! What takes elements (`pop_first`, `move_element`) returns whether there were any, and
//! has replied only then: the caller may do without, or wait.

mod blocking;
mod position;

use std::ops::Range;

use super::arguments::{elements, int, integer, keys, pop_count, start_and_stop};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::LIST;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, numkeys, range};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::list::Side;
use crate::keyspace::{Edit, List};
use crate::text::number::Spelled;
use crate::wire::{Args, Reply};

use blocking::{blmove, blmpop, blpop, brpop, brpoplpush};
use position::lpos;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("blmove", 6, WRITE | DENYOOM | BLOCKING, blmove)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, at(1))
        .key(RW | INSERT, at(2))
        .doc(
            "6.2.0",
            "O(1)",
            "source destination (wherefrom: LEFT | RIGHT) (whereto: LEFT | RIGHT) timeout:double",
            "Moves an element from one list to another, and waits for one to move.",
        ),
    Spec::new("blmpop", -5, WRITE | BLOCKING, blmpop)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, numkeys(2))
        .doc(
            "7.0.0",
            "O(N+M), N being the number of keys and M of the elements returned",
            "timeout:double numkeys key... (where: LEFT | RIGHT) [COUNT count]",
            "Takes elements from the first list that has any, and waits for one that has.",
        ),
    Spec::new("blpop", -3, WRITE | BLOCKING, blpop)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, range(1, -2, 1))
        .doc(
            "2.0.0",
            "O(N), N being the number of keys",
            "key... timeout:double",
            "Takes the first element of the first list that has any, and waits for one that has.",
        )
        .history(&[("6.0.0", "The timeout may have a fraction.")]),
    Spec::new("brpop", -3, WRITE | BLOCKING, brpop)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, range(1, -2, 1))
        .doc(
            "2.0.0",
            "O(N), N being the number of keys",
            "key... timeout:double",
            "Takes the last element of the first list that has any, and waits for one that has.",
        )
        .history(&[("6.0.0", "The timeout may have a fraction.")]),
    Spec::new("brpoplpush", 4, WRITE | DENYOOM | BLOCKING, brpoplpush)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, at(1))
        .key(RW | INSERT, at(2))
        .doc(
            "2.2.0",
            "O(1)",
            "source destination timeout:double",
            "Moves the last element of a list to the front of another, and waits for one to move.",
        )
        .history(&[("6.0.0", "The timeout may have a fraction.")]),
    Spec::new("lindex", 3, READ, lindex).acl(LIST).key(RO | ACCESS, at(1)).doc(
        "1.0.0",
        "O(N), N being the distance from the nearer end; O(1) at the ends",
        "key index",
        "Returns the element at an index.",
    ),
    Spec::new("linsert", 5, WRITE | DENYOOM, linsert).acl(LIST).key(RW | INSERT, at(1)).doc(
        "2.2.0",
        "O(N), N being the number of elements before the pivot",
        "key (where: BEFORE | AFTER) pivot element",
        "Inserts an element before or after another.",
    ),
    Spec::new("llen", 2, READ | FAST, llen).acl(LIST).key(RO, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key",
        "Counts the elements of a list.",
    ),
    Spec::new("lmove", 5, WRITE | DENYOOM, lmove)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, at(1))
        .key(RW | INSERT, at(2))
        .doc(
            "6.2.0",
            "O(1)",
            "source destination (wherefrom: LEFT | RIGHT) (whereto: LEFT | RIGHT)",
            "Moves an element from one end of a list to one end of another.",
        ),
    Spec::new("lmpop", -4, WRITE, lmpop).acl(LIST).key(RW | ACCESS | DELETE, numkeys(1)).doc(
        "7.0.0",
        "O(N+M), N being the number of keys and M of the elements returned",
        "numkeys key... (where: LEFT | RIGHT) [COUNT count]",
        "Takes elements from the first list that has any.",
    ),
    Spec::new("lpop", -2, WRITE | FAST, lpop)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, at(1))
        .doc(
            "1.0.0",
            "O(N), N being the number of elements returned",
            "key [count]@6.2",
            "Takes elements from the front of a list.",
        )
        .history(&[("6.2.0", "Takes a count.")]),
    Spec::new("lpos", -3, READ, lpos).acl(LIST).key(RO | ACCESS, at(1)).doc(
        "6.0.6",
        "O(N), N being the length of the list, or less where the match is near an end or \
        `MAXLEN` stops the search",
        "key element [RANK rank] [COUNT num-matches] [MAXLEN len:integer]",
        "Returns where in a list an element occurs.",
    ),
    Spec::new("lpush", -3, WRITE | DENYOOM | FAST, lpush)
        .acl(LIST)
        .key(RW | INSERT, at(1))
        .doc(
            "1.0.0",
            "O(N), N being the number of elements given",
            "key element...",
            "Adds elements to the front of a list.",
        )
        .history(&[("2.4.0", "Takes several elements.")]),
    Spec::new("lpushx", -3, WRITE | DENYOOM | FAST, lpushx)
        .acl(LIST)
        .key(RW | INSERT, at(1))
        .doc(
            "2.2.0",
            "O(N), N being the number of elements given",
            "key element...",
            "Adds elements to the front of a list that exists.",
        )
        .history(&[("4.0.0", "Takes several elements.")]),
    Spec::new("lrange", 4, READ, lrange).acl(LIST).key(RO | ACCESS, at(1)).doc(
        "1.0.0",
        "O(S+N), S being the distance of the range from an end and N its length",
        "key start stop",
        "Returns a range of a list.",
    ),
    Spec::new("lrem", 4, WRITE, lrem).acl(LIST).key(RW | DELETE, at(1)).doc(
        "1.0.0",
        "O(N+M), N being the length of the list and M the number of elements removed",
        "key count element",
        "Removes elements that are equal to the one given.",
    ),
    Spec::new("lset", 4, WRITE | DENYOOM, lset).acl(LIST).key(RW | UPDATE, at(1)).doc(
        "1.0.0",
        "O(N), N being the length of the list; O(1) at the ends",
        "key index element",
        "Replaces the element at an index.",
    ),
    Spec::new("ltrim", 4, WRITE, ltrim).acl(LIST).key(RW | DELETE, at(1)).doc(
        "1.0.0",
        "O(N), N being the number of elements removed",
        "key start stop",
        "Keeps a range of a list and removes the rest.",
    ),
    Spec::new("rpop", -2, WRITE | FAST, rpop)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, at(1))
        .doc(
            "1.0.0",
            "O(N), N being the number of elements returned",
            "key [count]@6.2",
            "Takes elements from the end of a list.",
        )
        .history(&[("6.2.0", "Takes a count.")]),
    Spec::new("rpoplpush", 3, WRITE | DENYOOM, rpoplpush)
        .acl(LIST)
        .key(RW | ACCESS | DELETE, at(1))
        .key(RW | INSERT, at(2))
        .doc(
            "1.2.0",
            "O(1)",
            "source destination",
            "Moves the last element of a list to the front of another.",
        ),
    Spec::new("rpush", -3, WRITE | DENYOOM | FAST, rpush)
        .acl(LIST)
        .key(RW | INSERT, at(1))
        .doc(
            "1.0.0",
            "O(N), N being the number of elements given",
            "key element...",
            "Adds elements to the end of a list.",
        )
        .history(&[("2.4.0", "Takes several elements.")]),
    Spec::new("rpushx", -3, WRITE | DENYOOM | FAST, rpushx)
        .acl(LIST)
        .key(RW | INSERT, at(1))
        .doc(
            "2.2.0",
            "O(N), N being the number of elements given",
            "key element...",
            "Adds elements to the end of a list that exists.",
        )
        .history(&[("4.0.0", "Takes several elements.")]),
];

/// LINDEX key index
fn lindex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let Some(list) = db.view::<List>(&args[1])? else {
        reply.null();
        return Ok(());
    };
    match element_at(int(args, 2)?, list.len()).and_then(|index| list.get(index)) {
        Some(element) => reply.bulk(element),
        None => reply.null(),
    }
    Ok(())
}

/// LINSERT key <BEFORE | AFTER> pivot element
fn linsert(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let after = match () {
        _ if args.is(2, "BEFORE") => false,
        _ if args.is(2, "AFTER") => true,
        _ => return Err(error::SYNTAX),
    };
    let (mut db, reply) = ctx.db_and_reply();
    match db.edit::<List>(&args[1])? {
        None => reply.int(0),
        Some(mut list) => match list.insert(after, &args[3], &args[4]) {
            true => {
                list.note(class::LIST, "linsert");
                reply.int(list.len() as i64);
            }
            false => reply.int(-1),
        },
    }
    Ok(())
}

/// LLEN key
fn llen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let list = db.view::<List>(&args[1])?;
    reply.int(list.map_or(0, |list| list.len() as i64));
    Ok(())
}

/// LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>
fn lmove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    if !move_element(ctx, &args[1], &args[2], from, to)? {
        ctx.reply.null();
    }
    Ok(())
}

/// LMPOP numkeys key... <LEFT | RIGHT> [COUNT count]
fn lmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let wanted = Wanted::new(args, 1)?;
    if !pop_first(ctx, args.from(2).take(wanted.keys.len()), wanted.side, wanted.count)? {
        ctx.reply.null_array();
    }
    Ok(())
}

/// LPOP key [count]
fn lpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_end(ctx, args, Side::Left)
}

/// The events of the two sides.
const PUSHED: [&str; 2] = ["lpush", "rpush"];
const POPPED: [&str; 2] = ["lpop", "rpop"];

/// LPUSH key element...
fn lpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    push(ctx, args, Side::Left)
}

/// LPUSHX key element...
fn lpushx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    push_if_there(ctx, args, Side::Left)
}

/// LRANGE key start stop
fn lrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let range = start_and_stop(args, 2)?;
    let (mut db, reply) = ctx.db_and_reply();
    let Some(list) = db.view::<List>(&args[1])? else {
        reply.array(0);
        return Ok(());
    };
    let range = elements(range, list.len());
    reply.array(range.len());
    list.for_each_in(range, |element| reply.bulk(element));
    Ok(())
}

/// LREM key count element
fn lrem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = int(args, 2)?;
    if count == i64::MIN {
        return Err(error::NOT_A_NEGATABLE);
    }
    let side = if count < 0 { Side::Right } else { Side::Left };
    let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
    let (mut db, reply) = ctx.db_and_reply();
    let removed = match db.edit::<List>(&args[1])? {
        Some(mut list) => {
            let removed = list.remove_equal(&args[3], side, most);
            list.note_changes(removed, class::LIST, "lrem");
            removed
        }
        None => 0,
    };
    reply.int(removed as i64);
    Ok(())
}

/// LSET key index element
fn lset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut list = db.edit::<List>(&args[1])?.ok_or(error::NO_SUCH_KEY)?;
    let index = element_at(int(args, 2)?, list.len()).unwrap_or(usize::MAX);
    if !list.set(index, &args[3]) {
        return Err(error::INDEX_OUT_OF_RANGE);
    }
    list.note(class::LIST, "lset");
    reply.ok();
    Ok(())
}

/// LTRIM key start stop
fn ltrim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let range = start_and_stop(args, 2)?;
    let (mut db, reply) = ctx.db_and_reply();
    if let Some(mut list) = db.edit::<List>(&args[1])? {
        let Range { start, end } = elements(range, list.len());
        let behind = list.len() - end;
        list.remove(Side::Left, start);
        list.remove(Side::Right, behind);
        list.changed(start + behind);
        list.announce(class::LIST, "ltrim");
    }
    reply.ok();
    Ok(())
}

/// RPOP key [count]
fn rpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    pop_end(ctx, args, Side::Right)
}

/// RPOPLPUSH source destination
fn rpoplpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if !move_element(ctx, &args[1], &args[2], Side::Right, Side::Left)? {
        ctx.reply.null();
    }
    Ok(())
}

/// RPUSH key element...
fn rpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    push(ctx, args, Side::Right)
}

/// RPUSHX key element...
fn rpushx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    push_if_there(ctx, args, Side::Right)
}

fn push(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut list = db.edit_or_new::<List>(&args[1])?;
    list.push(side, args.from(2));
    list.note_changes(args.len() - 2, class::LIST, PUSHED[side as usize]);
    reply.int(list.len() as i64);
    Ok(())
}

fn push_if_there(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let Some(mut list) = db.edit::<List>(&args[1])? else {
        reply.int(0);
        return Ok(());
    };
    list.push(side, args.from(2));
    list.note_changes(args.len() - 2, class::LIST, PUSHED[side as usize]);
    reply.int(list.len() as i64);
    Ok(())
}

/// What LPOP and RPOP do.
fn pop_end(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(error::wrong_arity(&ctx.row.full_name));
    }
    let count = match args.len() {
        3 => Some(natural(&args[2]).ok_or(error::NOT_POSITIVE)?),
        _ => None,
    };
    let (mut db, reply) = ctx.db_and_reply();
    match (db.edit::<List>(&args[1])?, count) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.null_array(),
        (Some(mut list), Some(count)) => pop(reply, &mut list, side, count),
        (Some(mut list), None) => pop_end_of(reply, &mut list, side),
    }
    Ok(())
}

/// Removes the element at an end, and replies with it.
fn pop_end_of(reply: &mut Reply, list: &mut Edit<'_, List>, side: Side) {
    if let Some(element) = list.view().end(side) {
        reply.bulk(element);
    }
    list.remove(side, 1);
    list.note(class::LIST, POPPED[side as usize]);
}

/// Removes up to `count` elements at an end, and replies with them.
fn pop(reply: &mut Reply, list: &mut Edit<'_, List>, side: Side, count: usize) {
    let count = count.min(list.len());
    let elements = list.view().iter();
    reply.array(count);
    match side {
        Side::Left => elements.take(count).for_each(|element| reply.bulk(element)),
        Side::Right => elements.rev().take(count).for_each(|element| reply.bulk(element)),
    }
    list.remove(side, count);
    list.note_changes(count, class::LIST, POPPED[side as usize]);
}

/// The commands that pop at the two sides.
const POPS: [&str; 2] = ["LPOP", "RPOP"];

/// Removes up to `count` elements at an end of the first list that there is, and replies with its key
/// and with them. Returns whether there is one.
fn pop_first<'k>(
    ctx: &mut Ctx<'_>,
    keys: impl Iterator<Item = &'k [u8]>,
    side: Side,
    count: usize,
) -> Result<bool, Error> {
    let (mut db, reply) = ctx.db_and_reply();
    for key in keys {
        let Some(mut list) = db.edit::<List>(key)? else {
            continue;
        };
        reply.array(2);
        reply.bulk(key);
        let count = count.min(list.len());
        pop(reply, &mut list, side, count);
        drop(list);
        if ctx.is_heard() {
            ctx.says(POPS[side as usize], &[key, &Spelled::new(count as i64)]);
        }
        return Ok(true);
    }
    Ok(false)
}

/// Moves an element from an end of a list to an end of another, and replies with it. Returns whether
/// there is one.
fn move_element(
    ctx: &mut Ctx<'_>,
    source: &[u8],
    destination: &[u8],
    from: Side,
    to: Side,
) -> Result<bool, Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let Some(mut list) = db.edit::<List>(source)? else {
        return Ok(false);
    };
    let element = list.view().end(from).unwrap_or_default().to_vec();
    if source == destination {
        list.rotate(from, to);
        list.note(class::LIST, PUSHED[to as usize]);
        list.announce(class::LIST, POPPED[from as usize]);
    } else {
        drop(list);
        let mut list = db.edit_or_new::<List>(destination)?;
        list.push(to, std::iter::once(&element[..]));
        list.note(class::LIST, PUSHED[to as usize]);
        drop(list);
        if let Some(mut list) = db.edit::<List>(source)? {
            list.remove(from, 1);
            list.note_too(class::LIST, POPPED[from as usize]);
        }
    }
    reply.bulk(&element);
    Ok(true)
}

/// Which elements LMPOP takes: `numkeys key... <LEFT | RIGHT> [COUNT count]`.
struct Wanted {
    keys: Range<usize>,
    side: Side,
    count: usize,
}

impl Wanted {
    /// Argument `index` is the number of keys.
    fn new(args: Args<'_>, index: usize) -> Result<Wanted, Error> {
        let keys = keys(args, index, || error::NUMKEYS_NOT_POSITIVE, error::SYNTAX)?;
        let side = side(args, keys.end)?;
        let count = pop_count(args.options(keys.end + 1))?;
        Ok(Wanted { keys, side, count })
    }
}

/// The word LEFT or RIGHT.
fn side(args: Args<'_>, index: usize) -> Result<Side, Error> {
    match () {
        _ if args.is(index, "LEFT") => Ok(Side::Left),
        _ if args.is(index, "RIGHT") => Ok(Side::Right),
        _ => Err(error::SYNTAX),
    }
}

/// An index into `len` elements; a negative one counts from the end.
fn element_at(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(index).ok().filter(|&index| index < len)
}

/// An integer of at least 0.
fn natural(text: &[u8]) -> Option<usize> {
    integer(text).ok().and_then(|n| usize::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_may_count_from_the_end() {
        assert_eq!(element_at(0, 3), Some(0));
        assert_eq!(element_at(-1, 3), Some(2));
        assert_eq!(element_at(-3, 3), Some(0));
        for index in [3, -4, i64::MAX, i64::MIN] {
            assert_eq!(element_at(index, 3), None);
        }
    }
}
