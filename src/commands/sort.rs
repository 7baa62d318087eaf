//! SORT and SORT_RO: the elements of a list, a set or a sorted set in order, and what belongs to them.

use std::cmp::Ordering;
use std::ops::Range;

use super::arguments;
use crate::dispatch::keys::Key;
use crate::dispatch::spec::category::{DANGEROUS, LIST, SET, SORTEDSET};
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, unknown};
use crate::dispatch::{Ctx, Frame, permission};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::list::Side;
use crate::keyspace::{Db, Hash, Kind, List, Set, Zset};
use crate::stage::slots::slot;
use crate::text::double;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("sort", -2, WRITE | DENYOOM, sort)
        .acl(SET | SORTEDSET | LIST | DANGEROUS)
        .key(RO | ACCESS, at(1))
        .key(RO | ACCESS, unknown())
        .note("Keys that `BY` and `GET` reach depend on the elements sorted.")
        .key(OW | UPDATE, unknown())
        .note("`STORE` may stand anywhere among the options.")
        .more_keys(destination)
        .doc(
            "1.0.0",
            "O(N+M*log(M)), N being the number of elements and M of those returned; O(N) without \
            sorting",
            "key [BY by-pattern<pattern>#1] [LIMIT offset count] \
            [(GET get-pattern<pattern>#1)...] [order: ASC | DESC] [sorting: ALPHA] \
            [STORE destination#2]",
            "Sorts a list, a set or a sorted set, and may store the result.",
        ),
    Spec::new("sort_ro", -2, READ, sort_ro)
        .acl(SET | SORTEDSET | LIST | DANGEROUS)
        .key(RO | ACCESS, at(1))
        .key(RO | ACCESS, unknown())
        .note("Keys that `BY` and `GET` reach depend on the elements sorted.")
        .doc(
            "7.0.0",
            "O(N+M*log(M)), N being the number of elements and M of those returned; O(N) without \
            sorting",
            "key [BY by-pattern<pattern>#1] [LIMIT offset count] \
            [(GET get-pattern<pattern>#1)...] [order: ASC | DESC] [sorting: ALPHA]",
            "Sorts a list, a set or a sorted set.",
        ),
];

/// SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
/// [STORE destination]
fn sort(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    run(ctx, args, true)
}

/// SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
fn sort_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    run(ctx, args, false)
}

/// The most bytes that STORE puts into a list: every GET repeats whole values, and a short request has room
/// for many.
const MAX_STORED: usize = if cfg!(test) { 1 << 24 } else { 1 << 30 };

fn run(ctx: &mut Ctx<'_>, args: Args<'_>, may_store: bool) -> Result<(), Error> {
    let mut plan = Plan::parse(args, may_store, permission::may_read_any_key(ctx, args))?;
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        stays_in_slot(args)?;
    }
    plan.is_repeatable |= matches!(ctx.frame, Frame::Script(_));
    let (mut db, reply) = ctx.db_and_reply();
    // Members of a set with the same text to sort by come in the order of its table, which another set of the
    // same members need not share.
    let has_no_order = plan.store.is_some()
        && plan.by.is_some()
        && plan.is_alphabetic
        && db.kind(&args[1]) == Some(Kind::Set);
    let mut elements = Elements::default();
    let elements = plan.sorted(&mut db, &args[1], &mut elements)?;
    let count = elements.len() * plan.gets.len();
    let Some(destination) = plan.store else {
        reply.array(count);
        plan.results(&mut db, &elements, |result| {
            match result {
                Some(result) => reply.bulk(result),
                None => reply.null(),
            }
            !reply.is_full()
        });
        return Ok(());
    };
    let (mut results, mut bytes): (Vec<Box<[u8]>>, usize) = (Vec::new(), 0);
    plan.results(&mut db, &elements, |result| {
        let result = result.unwrap_or_default();
        results.push(result.into());
        bytes += size_of::<Box<[u8]>>() + result.len();
        bytes <= MAX_STORED
    });
    if bytes > MAX_STORED {
        return Err(error::SORT_TOO_LARGE);
    }
    if results.is_empty() {
        db.delete(destination);
    } else {
        let mut list = db.edit_anew::<List>(destination);
        list.push(Side::Right, results.iter().map(|result| &**result));
        list.note_changes(count, class::LIST, "sortstore");
    }
    reply.int(count as i64);
    if has_no_order {
        ctx.says("DEL", &[destination]);
        ctx.says_all("RPUSH", &[destination], results.iter().map(|result| &**result));
    }
    Ok(())
}

/// In a cluster, the keys that BY and GET look up have to be in the slot of the key that is sorted, whatever stands for
/// the star.
fn stays_in_slot(args: Args<'_>) -> Result<(), Error> {
    let own = slot(&args[1]);
    let has_star = |pattern: &[u8]| pattern.contains(&b'*');
    let leaves = |pattern: &[u8]| {
        let tag = pattern.iter().position(|&byte| byte == b'{');
        let end =
            tag.and_then(|tag| Some(tag + pattern[tag..].iter().position(|&byte| byte == b'}')?));
        let star = pattern.iter().position(|&byte| byte == b'*');
        let is_tagged = tag.zip(end).is_some_and(|(tag, end)| {
            end > tag + 1 && star.is_none_or(|star| star < tag || star > end)
        });
        !(is_tagged && slot(pattern) == own)
    };
    let mut options = args.options(2);
    while !options.is_over() {
        if let Some(pattern) = options.value("BY") {
            if has_star(pattern) && leaves(pattern) {
                return Err(error::SORT_BY_IN_CLUSTER);
            }
        } else if let Some(pattern) = options.value("GET") {
            if pattern != b"#" && leaves(pattern) {
                return Err(error::SORT_GET_IN_CLUSTER);
            }
        } else if options.flag("LIMIT") {
            options.skip(2);
        } else {
            options.skip(1);
        }
    }
    Ok(())
}

/// The key behind the last STORE. It finds it where the options are wrong, too.
fn destination(args: Args<'_>) -> Option<Key> {
    let mut found = None;
    let mut options = args.options(2);
    while !options.is_over() {
        if options.flag("LIMIT") {
            options.skip(2);
        } else if options.flag("BY") || options.flag("GET") {
            options.skip(1);
        } else if options.flag("STORE") {
            let key = Key { index: options.index(), flags: OW | UPDATE };
            found = (!options.is_over()).then_some(key).or(found);
        } else {
            options.skip(1);
        }
    }
    found
}

/// What the options ask for.
#[derive(Debug)]
struct Plan<'a> {
    /// By what to sort; by the elements themselves if nothing is said.
    by: Option<Pattern<'a>>,
    /// Whether not to sort at all: BY a pattern that is the same for all elements.
    is_unsorted: bool,
    /// Whether the result should be the same every time, since a script or what is stored depends on it.
    is_repeatable: bool,
    is_alphabetic: bool,
    is_descending: bool,
    /// LIMIT. A negative count: all that follow.
    offset: i64,
    count: i64,
    /// What to return for each element.
    gets: Vec<Pattern<'a>>,
    store: Option<&'a [u8]>,
}

impl<'a> Plan<'a> {
    /// Patterns find keys that the arguments do not name: `may_look_up` says whether they may.
    fn parse(args: Args<'a>, may_store: bool, may_look_up: bool) -> Result<Plan<'a>, Error> {
        let mut plan = Plan {
            by: None,
            is_unsorted: false,
            is_repeatable: false,
            is_alphabetic: false,
            is_descending: false,
            offset: 0,
            count: -1,
            gets: Vec::new(),
            store: None,
        };
        let mut options = args.options(2);
        while !options.is_over() {
            if options.flag("ASC") {
                plan.is_descending = false;
            } else if options.flag("DESC") {
                plan.is_descending = true;
            } else if options.flag("ALPHA") {
                plan.is_alphabetic = true;
            } else if let Some([offset, count]) = options.values("LIMIT") {
                plan.offset = arguments::integer(offset)?;
                plan.count = arguments::integer(count)?;
            } else if may_store && let Some(destination) = options.value("STORE") {
                plan.store = Some(destination);
                plan.is_repeatable = true;
            } else if let Some(pattern) = options.value("BY") {
                match Pattern::parse(pattern) {
                    Pattern::Nothing => plan.is_unsorted = true,
                    _ if !may_look_up => return Err(error::SORT_BY_DENIED),
                    pattern => plan.by = Some(pattern),
                }
            } else if let Some(pattern) = options.value("GET") {
                plan.gets.push(match pattern {
                    _ if !may_look_up => return Err(error::SORT_GET_DENIED),
                    b"#" => Pattern::Element,
                    _ => Pattern::parse(pattern),
                });
            } else {
                return Err(error::SYNTAX);
            }
        }
        if plan.gets.is_empty() {
            plan.gets.push(Pattern::Element);
        }
        Ok(plan)
    }

    /// The elements of the collection at `key` that LIMIT lets through, in the order asked for. They are copied to
    /// `elements`, which is empty: to look up what they are sorted by may change the keyspace.
    fn sorted<'e>(
        &self,
        db: &mut Db<'_>,
        key: &[u8],
        elements: &'e mut Elements,
    ) -> Result<Vec<&'e [u8]>, Error> {
        let mut is_unsorted = self.is_unsorted;
        let keep = |element: &[u8]| elements.push(element);
        match db.kind(key) {
            Some(Kind::Set) => {
                if let Some(set) = db.view::<Set>(key)? {
                    // A set has no order of its own.
                    is_unsorted &= !self.is_repeatable;
                    let range = if is_unsorted { self.range(set.len()) } else { 0..set.len() };
                    let members = set.iter().skip(range.start).take(range.len());
                    members.for_each(|member| elements.push(&member));
                }
            }
            Some(Kind::Zset) => {
                if let Some(zset) = db.view::<Zset>(key)? {
                    self.collect(zset.iter().map(|(member, _)| member), zset.len(), keep);
                }
            }
            _ => {
                if let Some(list) = db.view::<List>(key)? {
                    self.collect(list.iter(), list.len(), keep);
                }
            }
        }
        let mut items: Vec<Item<'e>> = elements.iter().map(Item::new).collect();
        if !is_unsorted {
            // Nothing to sort by, then, but the elements.
            let by = self.by.filter(|_| !self.is_unsorted);
            let is_alphabetic = self.is_alphabetic || self.is_unsorted;
            weigh(&mut items, db, by, is_alphabetic)?;
            // Texts that are only replied are compared as C strings, which end at a zero byte.
            let is_whole = self.store.is_some();
            let order = |one: &Item<'_>, other: &Item<'_>| match self.is_descending {
                false => one.order(other, is_whole),
                true => other.order(one, is_whole),
            };
            let range = self.range(items.len());
            let are_numbers = items.first().is_some_and(|item| item.weight.is_number());
            if are_numbers && range.end < items.len() {
                // Those behind need no order. Numbers need not stay as they were, for those of equal elements are the same.
                items.select_nth_unstable_by(range.end, order);
                items.truncate(range.end);
            }
            items.sort_by(order);
            items.truncate(range.end);
            items.drain(..range.start);
        }
        Ok(items.into_iter().map(|item| item.element).collect())
    }

    /// Keeps what a collection with an order has, as far as it is needed: if nothing is sorted, it is
    /// in that order and LIMIT says what.
    fn collect<'e>(
        &self,
        elements: impl DoubleEndedIterator<Item = &'e [u8]>,
        len: usize,
        keep: impl FnMut(&[u8]),
    ) {
        let range = self.range(len);
        match (self.is_unsorted, self.is_descending) {
            (false, _) => elements.for_each(keep),
            (true, false) => elements.skip(range.start).take(range.len()).for_each(keep),
            (true, true) => elements.rev().skip(range.start).take(range.len()).for_each(keep),
        }
    }

    /// Which of `len` elements LIMIT lets through.
    fn range(&self, len: usize) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(0).min(len);
        let count = usize::try_from(self.count).unwrap_or(len);
        start..start.saturating_add(count).min(len)
    }

    /// Calls `show` with what GET asks for, element by element, until it returns false.
    fn results(
        &self,
        db: &mut Db<'_>,
        elements: &[&[u8]],
        mut show: impl FnMut(Option<&[u8]>) -> bool,
    ) {
        let mut key = Vec::new();
        for &element in elements {
            for pattern in &self.gets {
                if !show(pattern.look_up(db, element, &mut key)) {
                    return;
                }
            }
        }
    }
}

/// Finds out by what each item is sorted: by what `by` finds for it, or by itself.
fn weigh(
    items: &mut [Item<'_>],
    db: &mut Db<'_>,
    by: Option<Pattern<'_>>,
    is_alphabetic: bool,
) -> Result<(), Error> {
    let mut key = Vec::new();
    for item in items {
        let found = match by {
            Some(pattern) => pattern.look_up(db, item.element, &mut key),
            None if is_alphabetic => continue,
            None => Some(item.element),
        };
        item.weight = match found {
            found if is_alphabetic => Weight::Text(found.map(Box::from)),
            Some(found) => {
                Weight::Number(double::parse(until_zero(found)).ok_or(error::NOT_A_SCORE)?)
            }
            None => Weight::Number(0.0),
        };
    }
    Ok(())
}

/// Copies of elements, in one piece: 1000 of them apart took 30 µs more.
#[derive(Debug, Default)]
struct Elements {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Elements {
    fn push(&mut self, element: &[u8]) {
        self.bytes.extend_from_slice(element);
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ends.iter().scan(0, |start, &end| {
            let element = &self.bytes[*start..end];
            *start = end;
            Some(element)
        })
    }
}

/// An element on its way into order.
#[derive(Debug)]
struct Item<'e> {
    element: &'e [u8],
    weight: Weight,
}

/// By what an element is sorted. All elements of a sort have the same variant.
#[derive(Debug)]
enum Weight {
    Itself,
    /// Elements of the same number are sorted by themselves.
    Number(f64),
    /// Elements of the same text stay as they are. Those without any come first.
    Text(Option<Box<[u8]>>),
}

impl Weight {
    fn is_number(&self) -> bool {
        matches!(self, Weight::Number(_))
    }
}

impl<'e> Item<'e> {
    fn new(element: &'e [u8]) -> Item<'e> {
        Item { element, weight: Weight::Itself }
    }

    /// Texts are compared as a whole, or up to their first zero bytes.
    fn order(&self, other: &Item<'_>, is_whole: bool) -> Ordering {
        fn cut(text: &[u8], is_whole: bool) -> &[u8] {
            if is_whole { text } else { until_zero(text) }
        }
        match (&self.weight, &other.weight) {
            (Weight::Number(one), Weight::Number(another)) => {
                let order = one.partial_cmp(another).unwrap_or(Ordering::Equal);
                order.then_with(|| self.element.cmp(other.element))
            }
            (Weight::Text(one), Weight::Text(another)) => {
                let [one, another] =
                    [one, another].map(|text| Some(cut(text.as_deref()?, is_whole)));
                one.cmp(&another)
            }
            _ => cut(self.element, is_whole).cmp(cut(other.element, is_whole)),
        }
    }
}

/// The text as C would read it.
fn until_zero(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    &text[..end]
}

/// What BY and GET look up for an element.
#[derive(Debug, Clone, Copy)]
enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// `prefix*suffix`: the string at the key that has the element in place of the star.
    Key { prefix: &'a [u8], suffix: &'a [u8] },
    /// `prefix*suffix->field`: a field of the hash at that key.
    Field { prefix: &'a [u8], suffix: &'a [u8], field: &'a [u8] },
    /// Nothing, as there is no star.
    Nothing,
}

impl<'a> Pattern<'a> {
    fn parse(pattern: &'a [u8]) -> Pattern<'a> {
        let Some(star) = pattern.iter().position(|&byte| byte == b'*') else {
            return Pattern::Nothing;
        };
        let (prefix, suffix) = (&pattern[..star], &pattern[star + 1..]);
        match suffix.windows(2).position(|window| window == b"->") {
            Some(arrow) if arrow + 2 < suffix.len() => {
                Pattern::Field { prefix, suffix: &suffix[..arrow], field: &suffix[arrow + 2..] }
            }
            _ => Pattern::Key { prefix, suffix },
        }
    }

    /// What is found for `element`. A value of another type than expected is as good as none. `key` is
    /// scratch.
    fn look_up<'r>(
        self,
        db: &'r mut Db<'_>,
        element: &'r [u8],
        key: &mut Vec<u8>,
    ) -> Option<&'r [u8]> {
        let (prefix, suffix) = match self {
            Pattern::Element => return Some(element),
            Pattern::Nothing => return None,
            Pattern::Key { prefix, suffix } | Pattern::Field { prefix, suffix, .. } => {
                (prefix, suffix)
            }
        };
        key.clear();
        for part in [prefix, element, suffix] {
            key.extend_from_slice(part);
        }
        match self {
            Pattern::Field { field, .. } => db.view::<Hash>(key).ok()??.get(field),
            _ => db.string(key).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::testing::start;
    use crate::keyspace::Random;
    use crate::wire::{OwnedArgs, Value};

    fn texts(reply: Value) -> Vec<String> {
        match reply {
            Value::Array(values) => values
                .into_iter()
                .map(|value| match value {
                    Value::Bulk(text) => String::from_utf8(text).unwrap(),
                    other => panic!("{other}"),
                })
                .collect(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn sorts_as_a_stable_sort_of_the_weights_does() {
        for seed in 0..60 {
            let (mut local, client) = start();
            let mut random = Random::seeded(seed);
            let size = random.below(200);
            let mut numbers: Vec<i64> = (0..size).map(|_| random.below(90) as i64 - 45).collect();
            for number in &numbers {
                local.call(client, ["RPUSH", "list", &number.to_string()]);
                let weight = (number.rem_euclid(7)).to_string();
                local.call(client, ["SET", &format!("weight:{number}:of"), &weight]);
                local.call(client, ["HSET", &format!("hash:{number}"), "weight", &weight]);
            }
            let offset = random.below(20) as i64 - 3;
            let count = random.below(100) as i64 - 3;
            let by = random.below(5);
            let is_descending = random.below(2) == 0;
            let mut words = vec!["SORT".to_owned(), "list".to_owned()];
            let mut add = |options: &str| words.extend(options.split(' ').map(str::to_owned));
            add(&format!("LIMIT {offset} {count}"));
            if is_descending {
                add("DESC");
            }
            match by {
                0 => numbers.sort(),
                1 => {
                    add("ALPHA");
                    numbers.sort_by_key(i64::to_string);
                }
                2 => {
                    add("BY weight:*:of");
                    numbers.sort_by_key(|number| (number.rem_euclid(7), number.to_string()));
                }
                3 => {
                    add("BY hash:*->weight");
                    numbers.sort_by_key(|number| (number.rem_euclid(7), number.to_string()));
                }
                _ => add("BY nothing"),
            }
            if is_descending {
                numbers.reverse();
            }
            let start = usize::try_from(offset).unwrap_or(0);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let model: Vec<String> =
                numbers.iter().skip(start).take(count).map(i64::to_string).collect();
            assert_eq!(texts(local.call(client, &words)), model, "{words:?}");
            words.extend(["STORE".to_owned(), "list".to_owned()]);
            local.call(client, &words);
            assert_eq!(texts(local.call(client, ["LRANGE", "list", "0", "-1"])), model);
        }
    }

    #[test]
    fn a_failed_sort_changes_nothing() {
        let (mut local, client) = start();
        local.call(client, ["RPUSH", "list", "1", "x"]);
        local.call(client, ["SET", "out", "before"]);
        for line in ["SORT list STORE out", "SORT out STORE out", "SORT list ALPHA STORE out FOO"] {
            let reply = local.call(client, line.split(' '));
            assert!(matches!(reply, Value::Error(_)), "{reply}");
            assert_eq!(local.call(client, ["GET", "out"]).to_string(), "\"before\"");
        }
    }

    #[test]
    fn the_destination_is_behind_the_last_store() {
        for (request, index) in [
            ("sort a", None),
            ("sort a STORE b", Some(3)),
            ("sort a store b STORE c", Some(5)),
            ("sort a BY STORE c", None),
            ("sort a LIMIT STORE c d", None),
            ("sort a GET STORE STORE c", Some(5)),
            ("sort a STORE", None),
            ("sort a STORE STORE c", Some(4)),
        ] {
            let args: OwnedArgs = request.split(' ').collect();
            assert_eq!(destination(args.args()).map(|key| key.index), index, "{request}");
        }
    }

    #[test]
    fn a_pattern_has_a_star_and_maybe_a_field_behind_an_arrow() {
        let shown = |pattern: &str| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            match Pattern::parse(pattern.as_bytes()) {
                Pattern::Nothing => "nothing".to_owned(),
                Pattern::Element => "element".to_owned(),
                Pattern::Key { prefix, suffix } => format!("{}|{}", text(prefix), text(suffix)),
                Pattern::Field { prefix, suffix, field } => {
                    format!("{}|{}|{}", text(prefix), text(suffix), text(field))
                }
            }
        };
        for (pattern, parsed) in [
            ("", "nothing"),
            ("#", "nothing"),
            ("key", "nothing"),
            ("a->b", "nothing"),
            ("*", "|"),
            ("a*b*", "a|b*"),
            ("a*b->c", "a|b|c"),
            ("a*->", "a|->"),
            ("a->*b", "a->|b"),
            ("*->b->c", "||b->c"),
        ] {
            assert_eq!(shown(pattern), parsed, "{pattern}");
        }
    }
}
