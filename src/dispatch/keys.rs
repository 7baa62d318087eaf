//! Which arguments of a request are keys, and what is done with them.
//!
//! This is the one extractor: ACL rules, tracking, COMMAND GETKEYS and the queue of a transaction all
//! ask here. It reads nothing but the key specs of the row, and asks the row for the key that these
//! cannot place ([`Spec::more_keys`]): behind which of several words it stands, for one.

use super::spec::{Begin, Find, KeySpec, Spec, flag, key};
use crate::text::number;
use crate::wire::Args;

pub(crate) use super::spec::Key;

/// The keys of a request were asked for, and its arguments do not hold what its key specs promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKeys;

/// All keys of a request, in the order of its key specs.
pub fn of(spec: &Spec, args: Args<'_>) -> Result<Vec<Key>, BadKeys> {
    let mut keys = Vec::new();
    each(spec, args, |key| keys.push(key))?;
    Ok(keys)
}

/// Hands over all keys of a request as [`of`] finds them, without taking memory for them. When it
/// fails, those that were handed over before mean nothing.
#[inline]
pub(crate) fn each(spec: &Spec, args: Args<'_>, mut visit: impl FnMut(Key)) -> Result<(), BadKeys> {
    for place in real_places(spec) {
        find(spec, place, args, |mut found| {
            if found.flags & (key::VARIABLE_FLAGS | key::UNLESS_EMPTY) != 0 {
                if found.flags & key::VARIABLE_FLAGS != 0 {
                    found.flags = (spec.key_flags)(args);
                } else if args[found.index].is_empty() {
                    return;
                }
            }
            visit(found);
        })?;
    }
    (spec.more_keys)(args).into_iter().for_each(visit);
    Ok(())
}

/// The arguments that decide in a cluster which node the request is for: its keys, or the shard channels that stand
/// where keys would. None, if the arguments do not hold what the key specs promise.
pub(crate) fn routed(spec: &Spec, args: Args<'_>) -> Vec<usize> {
    let mut routed = Vec::new();
    if each(spec, args, |key| routed.push(key.index)).is_err() {
        return Vec::new();
    }
    for place in spec.key_specs().iter().filter(|place| place.flags & key::NOT_KEY != 0) {
        let before = routed.len();
        if find(spec, place, args, |key| routed.push(key.index)).is_err() {
            routed.truncate(before);
        }
    }
    routed
}

/// Returns whether the command is about shard channels.
pub(crate) fn are_shard_channels(spec: &Spec) -> bool {
    spec.key_specs().iter().any(|place| place.flags & key::NOT_KEY != 0)
}

/// Returns whether the command may have keys at all.
pub fn are_possible(spec: &Spec) -> bool {
    real_places(spec).next().is_some()
}

/// The key specs, without those for arguments that only look like keys.
fn real_places(spec: &Spec) -> impl Iterator<Item = &KeySpec> {
    spec.key_specs().iter().filter(|place| place.flags & key::NOT_KEY == 0)
}

#[inline]
fn find(
    spec: &Spec,
    place: &KeySpec,
    args: Args<'_>,
    visit: impl FnMut(Key),
) -> Result<(), BadKeys> {
    let begin = match place.begin {
        Begin::Index(index) => index,
        // Which of several such words counts is for the row to tell.
        Begin::Keyword { .. } if place.flags & key::VARIABLE_FLAGS != 0 => return Ok(()),
        Begin::Keyword { word, from } => match find_word(word, from, args) {
            Some(at) => at + 1,
            None => return Ok(()),
        },
        Begin::Unknown => return Ok(()),
    };
    let (first, end, step) = match place.find {
        Find::Range { last, step, limit } => {
            let end = if last >= 0 {
                begin + last as usize + 1
            } else {
                let end = (args.len() as i64 + i64::from(last) + 1).max(0) as usize;
                match limit {
                    0 | 1 => end,
                    _ => begin + end.saturating_sub(begin) / limit,
                }
            };
            (begin, end, step)
        }
        Find::Number { number, first, step } => {
            let count = args.get(begin + number).and_then(number::parse_i64).ok_or(BadKeys)?;
            let count = usize::try_from(count).map_err(|_| BadKeys)?;
            let first = begin + first;
            let Some(others) = count.checked_sub(1) else {
                return if spec.has(flag::NO_MANDATORY_KEYS) { Ok(()) } else { Err(BadKeys) };
            };
            // The last key may come without the company that the step makes room for.
            let last = others.checked_mul(step).and_then(|n| n.checked_add(first));
            (first, last.ok_or(BadKeys)?.saturating_add(1), step)
        }
        Find::Unknown => return Ok(()),
    };
    if end > args.len() {
        return Err(BadKeys);
    }
    // That a spec may miss keys is no property of those that it finds.
    let flags = place.flags & !key::INCOMPLETE;
    (first..end).step_by(step).map(|index| Key { index, flags }).for_each(visit);
    Ok(())
}

/// The argument that is `word`, looked for from argument `from` on, or backwards from the end of the
/// arguments if `from` is negative (-1: the last). The last argument is never meant: no key follows it.
fn find_word(word: &str, from: i32, args: Args<'_>) -> Option<usize> {
    if from >= 0 {
        (from as usize..args.len().saturating_sub(1)).find(|&index| args.is(index, word))
    } else {
        let last = args.len().checked_sub(from.unsigned_abs() as usize)?;
        (1..=last).rev().find(|&index| args.is(index, word))
    }
}

/// Returns whether clients need more than first, last and step to find the keys.
pub(crate) fn are_movable(spec: &Spec) -> bool {
    let mut steps = spec.key_specs().iter().map(|place| match (place.begin, place.find) {
        (Begin::Index(_), Find::Range { step, limit: 0 | 1, .. })
            if place.flags & key::INCOMPLETE == 0 =>
        {
            Some(step)
        }
        _ => None,
    });
    match steps.next() {
        None => false,
        Some(first) => first.is_none() || steps.any(|step| step != first),
    }
}

/// First key, last key and step, as clients knew keys before there were key specs. The last is
/// negative if it counts from the end. All are zero when there is nothing to say.
pub(crate) fn legacy_range(spec: &Spec) -> (i64, i64, i64) {
    let mut ranges = spec.key_specs().iter().filter_map(|place| match (place.begin, place.find) {
        (Begin::Index(first), Find::Range { last, step, .. }) => {
            let first = first as i64;
            let last = i64::from(last);
            Some((first, if last >= 0 { first + last } else { last }, step as i64))
        }
        _ => None,
    });
    let Some(mut joined) = ranges.next() else {
        return (0, 0, 0);
    };
    for (first, last, _) in ranges {
        joined.0 = joined.0.min(first);
        joined.1 = if joined.1 < 0 || last < 0 { joined.1.min(last) } else { joined.1.max(last) };
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::spec::flag::NONE;
    use crate::dispatch::spec::key::*;
    use crate::dispatch::spec::{
        Flags, Place, at, keyword, not_a_command, numkeys, numkeys_by, range, unknown,
    };
    use crate::wire::OwnedArgs;

    const fn spec(flags: Flags, places: [Option<Place>; 2]) -> Spec {
        let mut spec = Spec::new("spec", -2, flags, not_a_command);
        if let Some(place) = places[0] {
            spec = spec.key(RO, place);
        }
        if let Some(place) = places[1] {
            spec = spec.key(OW, place);
        }
        spec
    }

    const fn one(place: Place) -> Spec {
        spec(NONE, [Some(place), None])
    }

    const fn two(first: Place, second: Place) -> Spec {
        spec(NONE, [Some(first), Some(second)])
    }

    /// The keys of a request, in one line; `bad` if it does not hold what the specs promise.
    fn keys(spec: Spec, request: &str) -> String {
        let owned: OwnedArgs = request.split(' ').collect();
        let args = owned.args();
        match of(&spec, args) {
            Ok(keys) => {
                let words = keys.iter().map(|key| String::from_utf8_lossy(&args[key.index]));
                words.collect::<Vec<_>>().join(" ").trim_start().to_owned()
            }
            Err(BadKeys) => "bad".to_owned(),
        }
    }

    #[test]
    fn a_range_ends_where_it_says() {
        assert_eq!(keys(one(at(1)), "get a b"), "a");
        assert_eq!(keys(one(range(1, -1, 1)), "del a b c"), "a b c");
        assert_eq!(keys(one(range(1, -2, 1)), "blpop a b 0"), "a b");
        assert_eq!(keys(one(range(1, -1, 2)), "mset a 1 b 2"), "a b");
        assert_eq!(keys(one(range(1, -1, 2)), "mset a 1 b"), "a b");
        assert_eq!(keys(one(range(1, 1, 1)), "lcs a b LEN"), "a b");
        assert_eq!(keys(two(at(1), range(2, -1, 1)), "pfmerge a"), "a");
    }

    #[test]
    fn a_number_says_how_many_keys_follow() {
        assert_eq!(keys(one(numkeys(1)), "zunion 2 a b WEIGHTS"), "a b");
        assert_eq!(keys(one(numkeys_by(1, 2)), "msetex 2 a 1 b 2 NX"), "a b");
        assert_eq!(keys(one(numkeys_by(1, 2)), "msetex 2 a 1 b"), "a b");
        assert_eq!(keys(two(at(1), numkeys(2)), "zunionstore a 1 b"), "a b");
        for wrong in ["3", "-1", "x", "0", "9223372036854775807", "99999999999999999999"] {
            assert_eq!(keys(one(numkeys(1)), &format!("zunion {wrong} a b")), "bad");
        }
    }

    #[test]
    fn no_keys_are_fine_where_none_have_to_be() {
        let eval = spec(flag::NO_MANDATORY_KEYS, [Some(numkeys(2)), None]);
        assert_eq!(keys(eval, "eval script 0 a"), "");
        assert_eq!(keys(eval, "eval script 1"), "bad");
    }

    #[test]
    fn a_word_comes_before_its_keys() {
        let xread = one(keyword("STREAMS", 1, -1, 1, 2));
        assert_eq!(keys(xread, "xread COUNT 2 streams a b 1 2"), "a b");
        assert_eq!(keys(xread, "xread STREAMS a b 1"), "a");
        assert_eq!(keys(xread, "xread COUNT 2 a"), "");
        let store = two(at(1), keyword("STORE", 2, 0, 1, 0));
        assert_eq!(keys(store, "geo a x STORE b"), "a b");
        assert_eq!(keys(store, "geo a x STORE"), "a");
        let migrate = one(keyword("KEYS", -2, -1, 1, 0));
        assert_eq!(keys(migrate, "migrate AUTH keys KEYS a b"), "a b");
    }

    #[test]
    fn what_is_no_key_is_not_found() {
        let publish = Spec::new("publish", 3, NONE, not_a_command).key(NOT_KEY, at(1));
        assert_eq!(keys(publish, "publish a b"), "");
        assert!(!are_possible(&publish));
        assert!(are_possible(&one(at(1))));
        assert_eq!(keys(two(at(1), unknown()), "sort a STORE b"), "a");
    }

    #[test]
    fn first_last_and_step_join_what_has_a_fixed_place() {
        assert_eq!(legacy_range(&one(range(1, -1, 2))), (1, -1, 2));
        assert_eq!(legacy_range(&two(at(1), at(2))), (1, 2, 1));
        assert_eq!(legacy_range(&two(at(2), range(3, -1, 1))), (2, -1, 1));
        assert_eq!(legacy_range(&one(numkeys(1))), (0, 0, 0));
        assert!(!are_movable(&two(at(1), at(2))));
        assert!(are_movable(&two(at(1), numkeys(2))));
    }
}
