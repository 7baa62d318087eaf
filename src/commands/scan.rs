//! KEYS and SCAN, and what SSCAN, HSCAN and ZSCAN have in common with SCAN: [`cursor`], then the
//! lookup, then [`ScanOptions`] (a missing key excuses wrong options), then
//! [`Reply::page`](crate::wire::Reply::page).

use crate::config::Persona;
use crate::dispatch::Ctx;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::{DANGEROUS, KEYSPACE};
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::keyspace::Kind;
use crate::text::glob::Glob;
use crate::text::number;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("keys", 2, READ, keys)
        .acl(KEYSPACE | DANGEROUS)
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys in the database",
            "pattern",
            "Returns every key that matches a pattern.",
        ),
    Spec::new("scan", -2, READ, scan)
        .acl(KEYSPACE)
        .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
        .doc(
            "2.8.0",
            "O(1) for each call; O(N) for a whole iteration, N being the number of keys",
            "cursor [MATCH pattern] [COUNT count] [TYPE type]@6.0",
            "Walks through the keys of the database in steps.",
        )
        .history(&[("6.0.0", "Option `TYPE`.")]),
];

/// What a scan command walks through. Some options are for one of them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    Keys,
    /// The same in Redis, where TYPE may name what is no type.
    KeysOfAnyType,
    Set,
    Hash,
    Zset,
}

/// The options of SCAN, SSCAN, HSCAN and ZSCAN.
#[derive(Debug, Clone)]
pub(crate) struct ScanOptions<'a> {
    /// MATCH, unless every element matches.
    pattern: Option<Glob<&'a [u8]>>,
    /// COUNT: about how many elements to look at.
    pub(crate) count: usize,
    /// TYPE. The type `stream` is known, but no key of respd has it.
    pub(crate) kind: Option<KindFilter>,
    /// NOVALUES or NOSCORES: elements alone, without what belongs to them.
    pub(crate) bare: bool,
}

/// A type that TYPE names: one that keys have, or one that no key has.
pub(crate) type KindFilter = Option<Kind>;

impl<'a> ScanOptions<'a> {
    /// Reads the options that begin at argument `from`.
    pub(crate) fn parse(args: Args<'a>, from: usize, walk: Walk) -> Result<ScanOptions<'a>, Error> {
        let mut options = ScanOptions { pattern: None, count: 10, kind: None, bare: false };
        let mut pattern = None;
        let mut words = args.options(from);
        while !words.is_over() {
            if let Some(count) = words.value("COUNT") {
                let count = super::arguments::integer(count)?;
                if count < 1 {
                    return Err(error::SYNTAX);
                }
                options.count = usize::try_from(count).unwrap_or(usize::MAX);
            } else if let Some(value) = words.value("MATCH") {
                pattern = Some(value);
            } else if matches!(walk, Walk::Keys | Walk::KeysOfAnyType)
                && let Some(name) = words.value("TYPE")
            {
                options.kind = Some(kind_named(name, walk)?);
            } else if words.flag("NOVALUES") {
                options.bare = true;
                if walk != Walk::Hash {
                    return Err(error::NOVALUES_OUTSIDE_HSCAN);
                }
            } else if words.flag("NOSCORES") {
                options.bare = true;
                if walk != Walk::Zset {
                    return Err(error::NOSCORES_OUTSIDE_ZSCAN);
                }
            } else {
                return Err(error::SYNTAX);
            }
        }
        // Of several patterns the last one counts, and is the only one to be read.
        options.pattern = pattern.filter(|&pattern| pattern != b"*").map(Glob::new);
        Ok(options)
    }

    /// Whether MATCH lets an element pass.
    pub(crate) fn matches(&self, element: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(element))
    }
}

/// The type that TYPE names so, in capitals or not.
fn kind_named(name: &[u8], walk: Walk) -> Result<KindFilter, Error> {
    const KINDS: [Kind; 6] =
        [Kind::String, Kind::List, Kind::Set, Kind::Zset, Kind::Hash, Kind::Stream];
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match KINDS.into_iter().find(|kind| is(kind.name())) {
        Some(kind) => Ok(Some(kind)),
        None if is("stream") || walk == Walk::KeysOfAnyType => Ok(None),
        None => Err(error::quoting("unknown type name '", name, "'")),
    }
}

/// The cursor that a client sends back.
///
/// It is read as C reads numbers: white space, a sign and zeros may precede it. Up to Redis 7 no white space
/// may, but every sign, and no digits at all are zero.
pub(crate) fn cursor(arg: &[u8], persona: &Persona) -> Result<u64, Error> {
    let is_strict = persona.version_of_part("scan", "cursor", "8.0.0").is_some();
    if let Some(number) = number::parse_i64(arg)
        && (number >= 0 || is_strict)
    {
        return u64::try_from(number).map_err(|_| error::INVALID_CURSOR);
    }
    if arg.is_empty() && !is_strict {
        return Ok(0);
    }
    let digits = if is_strict { arg.trim_ascii_start() } else { arg };
    let (is_negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let significant = digits.iter().position(|&digit| digit != b'0').unwrap_or(digits.len());
    let number = match &digits[significant..] {
        [] if digits.is_empty() => None,
        [] => Some(0),
        significant => number::parse_u64(significant),
    };
    let number = number.ok_or(error::INVALID_CURSOR)?;
    Ok(if is_negative { number.wrapping_neg() } else { number })
}

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
fn scan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let persona = ctx.world.config.persona;
    let cursor = cursor(&args[1], persona)?;
    let walk = if persona.is_redis() { Walk::KeysOfAnyType } else { Walk::Keys };
    let options = ScanOptions::parse(args, 2, walk)?;
    let (db, is_here) = ctx.world.db_of_node(ctx.slot);
    ctx.reply.page(|reply| {
        let mut shown = 0;
        let next = db.scan(cursor, options.count, |key, kind| {
            if options.kind.is_none_or(|wanted| wanted == Some(kind))
                && options.matches(key)
                && is_here(key)
            {
                reply.bulk(key);
                shown += 1;
            }
        });
        (next, shown)
    });
    Ok(())
}

/// KEYS pattern
fn keys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pattern = Glob::new(&args[1]);
    let is_any = args[1] == *b"*";
    let (db, is_here) = ctx.world.db_of_node(ctx.slot);
    ctx.reply.array_of(|reply| {
        let mut shown = 0;
        db.scan(0, usize::MAX, |key, _| {
            if (is_any || pattern.matches(key)) && is_here(key) {
                reply.bulk(key);
                shown += 1;
            }
        });
        shown
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::persona::PERSONAS;
    use crate::embed::local::{Connection, Local};
    use crate::wire::{OwnedArgs, Value};
    use std::time::Duration;

    /// A step of a walk: the cursor to go on with, and the elements without what belongs to them.
    fn step(local: &mut Local, client: Connection, words: &[&str]) -> (String, Vec<String>) {
        let Value::Array(page) = local.call(client, words) else { panic!("no page") };
        let [cursor, Value::Array(elements)] = &page[..] else { panic!("no page") };
        let stride = if matches!(words[0], "HSCAN" | "ZSCAN") { 2 } else { 1 };
        let text = |value: &Value| match value {
            Value::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{other:?}"),
        };
        (text(cursor), elements.iter().step_by(stride).map(text).collect())
    }

    #[test]
    fn what_goes_during_a_walk_does_not_bring_back_what_was_met() {
        for (scan, add, remove) in [
            ("SCAN", vec!["SET"], "DEL"),
            ("SSCAN", vec!["SADD", "big"], "SREM"),
            ("HSCAN", vec!["HSET", "big"], "HDEL"),
            ("ZSCAN", vec!["ZADD", "big"], "ZREM"),
        ] {
            let mut local = Local::new(Config::default());
            let client = local.connect();
            let mut left: Vec<String> = (0..600).map(|n| format!("k{n}")).collect();
            for (n, name) in left.iter().enumerate() {
                let words = match scan {
                    "SSCAN" => vec![name.as_str()],
                    "ZSCAN" => vec!["1", name],
                    "SCAN" if n % 3 == 0 => vec![name, "x", "PX", "50"],
                    _ => vec![name, "x"],
                };
                local.call(client, add.iter().copied().chain(words));
            }
            let (mut cursor, mut met) = ("0".to_string(), Vec::new());
            for round in 0.. {
                let mut words = vec![scan, &cursor, "COUNT", "20"];
                if scan != "SCAN" {
                    words.insert(1, "big");
                }
                let (next, page) = step(&mut local, client, &words);
                met.extend(page);
                if next == "0" {
                    break;
                }
                cursor = next;
                // One goes that has not been met, and one that has.
                let is_new = |name: &&String| !met.contains(name);
                for gone in [left.iter().find(is_new).cloned(), met.first().cloned()] {
                    let words =
                        [remove, "big"].into_iter().filter(|&word| word != "big" || scan != "SCAN");
                    local.call(client, words.chain(gone.as_deref()));
                    left.retain(|name| Some(name) != gone.as_ref());
                }
                if round == 5 && scan == "SCAN" {
                    local.advance(Duration::from_millis(60));
                    let expires = |name: &str| name[1..].parse::<u32>().unwrap() % 3 == 0;
                    left.retain(|name| !expires(name));
                }
            }
            assert!(left.iter().all(|name| met.contains(name)), "{scan} misses some");
            let different: std::collections::HashSet<&String> = met.iter().collect();
            assert_eq!(different.len(), met.len(), "{scan} returns some twice");
        }
    }

    #[test]
    fn a_cursor_is_read_as_c_reads_numbers() {
        for (text, value) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            (" 1", Some(1)),
            ("\t+007", Some(7)),
            ("-0", Some(0)),
            (" -1", Some(u64::MAX)),
            ("-1", None),
            ("", None),
            (" ", None),
            ("+", None),
            ("1 ", None),
            ("0x1", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(cursor(text.as_bytes(), &PERSONAS[0]).ok(), value, "{text:?}");
        }
        let old = PERSONAS.iter().find(|persona| persona.name == "redis-7.0").unwrap();
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(u64::MAX)),
            ("+007", Some(7)),
            ("", Some(0)),
            (" 1", None),
            ("1 ", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(cursor(text.as_bytes(), old).ok(), value, "{text:?}");
        }
    }

    #[test]
    fn options_are_for_those_who_know_them() {
        let parse = |options: &str, walk| {
            let args: OwnedArgs = options.split_whitespace().collect();
            let options = ScanOptions::parse(args.args(), 0, walk);
            options.map(|found| (found.count, found.bare)).map_err(|error| error.to_string())
        };
        assert_eq!(parse("", Walk::Keys), Ok((10, false)));
        assert_eq!(parse("count 3 match x TYPE list COUNT 4", Walk::Keys), Ok((4, false)));
        assert_eq!(parse("NOVALUES", Walk::Hash), Ok((10, true)));
        assert_eq!(parse("COUNT 1 noscores MATCH *", Walk::Zset), Ok((1, true)));
        for (options, walk) in [
            ("NOVALUES", Walk::Zset),
            ("NOSCORES", Walk::Set),
            ("TYPE list", Walk::Hash),
            ("TYPE tsil", Walk::Keys),
            ("COUNT 0", Walk::Set),
            ("COUNT", Walk::Set),
            ("MATCH", Walk::Set),
        ] {
            assert!(parse(options, walk).is_err(), "{options}");
        }
    }

    #[test]
    fn a_star_matches_what_is_empty_but_two_do_not() {
        for (pattern, matches) in [("*", true), ("**", false), ("", true), ("?", false)] {
            let args: OwnedArgs = ["MATCH", pattern].into_iter().collect();
            let options = ScanOptions::parse(args.args(), 0, Walk::Set).unwrap();
            assert_eq!(options.matches(b""), matches, "{pattern}");
        }
    }
}
