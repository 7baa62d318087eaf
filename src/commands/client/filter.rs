//! Which clients CLIENT LIST shows and CLIENT KILL closes: `filter value` pairs that must all hold.
//!
//! A filter is one row of [`FILTERS`]: its word, whether it has a `NOT-` form, and how its value
//! becomes a test of a client. Filters of different words add up; of the same word the last one
//! counts, except for ids, which are collected. Values are checked before any client is looked at, in
//! the order in which they stand, so the first bad one is the error. All of this as Valkey 9.1 does.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::dispatch::Ctx;
use crate::dispatch::client_line::{Shows, shows_flag};
use crate::error::{self, Error};
use crate::peer::Address;
use crate::session::{Client, Clients, Doom, Slot};
use crate::text::number;
use crate::wire::{Args, Options};
use crate::world::World;

/// What a client must be like.
#[derive(Default)]
pub(crate) struct Filter<'a> {
    conditions: Vec<FilterCondition<'a>>,
    /// An ID without ids lets no client pass.
    ids: Option<BTreeSet<u64>>,
    not_ids: BTreeSet<u64>,
    /// What SKIPME says. LIST and KILL differ in what they do without it.
    skips_me: Option<bool>,
}

/// A word, and what its value came to.
struct FilterCondition<'a> {
    word: Word,
    test: Test<'a>,
}

/// A filter's word, or the opposite of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word {
    name: &'static str,
    negated: bool,
}

/// Tells whether a client has what a value asks for.
type Test<'a> = Box<dyn Fn(&Client) -> bool + 'a>;

/// Makes a test of a value.
type Read = for<'a> fn(&World, Word, &'a [u8]) -> Result<Test<'a>, Error>;

/// Whether a filter can be turned around.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PayloadKind {
    Plain,
    /// The word may begin with `NOT-`.
    OrNot,
}

use PayloadKind::{OrNot, Plain};

/// The filters that take one value. ID, NOT-ID and SKIPME are none of them.
const FILTERS: &[(&str, PayloadKind, Read)] = &[
    ("ADDR", OrNot, |_, _, value| shown(value, |client| &client.peer.addr)),
    ("CAPA", OrNot, has_capabilities),
    ("DB", OrNot, is_in_database),
    ("FLAGS", OrNot, has_flags),
    ("IDLE", Plain, |world, _, value| for_long(world, "idle", value, |client| client.active)),
    ("IP", OrNot, |_, _, value| is_at(value)),
    ("LADDR", OrNot, |_, _, value| shown(value, |client| &client.peer.laddr)),
    ("LIB-NAME", OrNot, |_, _, value| called(value, |client| &client.lib_name)),
    ("LIB-VER", OrNot, |_, _, value| called(value, |client| &client.lib_ver)),
    ("MAXAGE", Plain, |world, _, value| for_long(world, "maxage", value, |client| client.created)),
    ("NAME", OrNot, |_, _, value| called(value, |client| &client.name)),
    ("TYPE", OrNot, is_of_type),
    ("USER", OrNot, is_user),
];

impl<'a> Filter<'a> {
    /// Everything that comes from one address.
    pub(crate) fn address(value: &'a [u8]) -> Result<Filter<'a>, Error> {
        let word = Word { name: "ADDR", negated: false };
        let test = shown(value, |client| &client.peer.addr)?;
        Ok(Filter { conditions: vec![FilterCondition { word, test }], ..Filter::default() })
    }

    /// The one filter that CLIENT LIST takes up to Valkey 8.0 and in Redis: a type, or ids, of which those that no
    /// client can have are asked for in vain.
    pub(crate) fn parse_one(ctx: &Ctx<'_>, args: Args<'a>) -> Result<Filter<'a>, Error> {
        let is_known = args.get(2).is_some_and(|word| !ctx.row.is_unknown_option(word));
        match args.len() {
            2 => Ok(Filter::default()),
            4 if is_known && args.is(2, "TYPE") => Filter::parse(ctx, args.options(2)),
            4.. if is_known && args.is(2, "ID") => {
                let ids = args.from(3).map(|id| {
                    let id = number::parse_i64(id).ok_or(error::REDIS_BAD_CLIENT_ID)?;
                    Ok(u64::try_from(id).unwrap_or(0))
                });
                Ok(Filter { ids: Some(ids.collect::<Result<_, Error>>()?), ..Filter::default() })
            }
            _ => Err(error::SYNTAX),
        }
    }

    /// Reads filters and their values.
    pub(crate) fn parse(ctx: &Ctx<'_>, mut options: Options<'a>) -> Result<Filter<'a>, Error> {
        let takes_one_id = ctx.world.config.persona.lists_by_one_filter();
        let mut filter = Filter::default();
        while let Some(word) = options.peek() {
            if ctx.row.is_unknown_option(word) {
                return Err(error::SYNTAX);
            }
            if takes_one_id && options.flag("ID") {
                let id = number::parse_i64(options.word().ok_or(error::SYNTAX)?);
                let id = id.filter(|&id| id > 0).ok_or(error::CLIENT_ID)?;
                filter.ids = Some(BTreeSet::from([id.unsigned_abs()]));
            } else if options.flag("ID") {
                read_ids(&mut options, filter.ids.get_or_insert_default())?;
            } else if options.flag("NOT-ID") {
                read_ids(&mut options, &mut filter.not_ids)?;
            } else if options.flag("SKIPME") {
                let skips = options.one_of(&[("YES", true), ("NO", false)]);
                filter.skips_me = Some(skips.ok_or(error::SYNTAX)?);
            } else {
                options.skip(1);
                filter.add(ctx.world, word, options.word().ok_or(error::SYNTAX)?)?;
            }
        }
        Ok(filter)
    }

    fn add(&mut self, world: &World, word: &[u8], value: &'a [u8]) -> Result<(), Error> {
        let (word, read) = find(word).ok_or(error::SYNTAX)?;
        let test = read(world, word, value)?;
        self.conditions.retain(|condition| condition.word != word);
        self.conditions.push(FilterCondition { word, test });
        Ok(())
    }

    /// Whether the client that asks is left out; `unless_told` is what holds without SKIPME.
    pub(crate) fn skips_me(&self, unless_told: bool) -> bool {
        self.skips_me.unwrap_or(unless_told)
    }

    /// The clients that may be among those asked for, the one that has been here longest first: all, or
    /// those with the ids if there are fewer of these.
    pub(crate) fn candidates(&self, clients: &'a Clients) -> Box<dyn Iterator<Item = Slot> + '_> {
        match &self.ids {
            Some(ids) if ids.len() < clients.len() => {
                Box::new(ids.iter().filter_map(|&id| clients.slot_of(id)))
            }
            _ => Box::new(clients.slots()),
        }
    }

    /// Returns whether the client is among those asked for. One that has been closed in this turn is not.
    pub(crate) fn passes(&self, client: &Client) -> bool {
        client.doom != Doom::Now
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&client.id))
            && !self.not_ids.contains(&client.id)
            && self
                .conditions
                .iter()
                .all(|FilterCondition { word, test }| test(client) != word.negated)
    }
}

/// The row of a word as it was written, in capitals or not.
fn find(written: &[u8]) -> Option<(Word, Read)> {
    let (negated, name) = match written.split_at_checked(4) {
        Some((not, name)) if not.eq_ignore_ascii_case(b"NOT-") => (true, name),
        _ => (false, written),
    };
    let is_meant = |&&(known, form, _): &&(&str, PayloadKind, Read)| {
        name.eq_ignore_ascii_case(known.as_bytes()) && (form == OrNot || !negated)
    };
    let &(name, _, read) = FILTERS.iter().find(is_meant)?;
    Some((Word { name, negated }, read))
}

/// Takes words for ids as long as they are numbers.
fn read_ids(options: &mut Options<'_>, ids: &mut BTreeSet<u64>) -> Result<(), Error> {
    while let Some(id) = options.peek().and_then(number::parse_i64) {
        if id < 1 {
            return Err(error::CLIENT_ID);
        }
        ids.insert(id.unsigned_abs());
        options.skip(1);
    }
    Ok(())
}

// What values come to.

/// The address is written as CLIENT LIST shows it. It is read once: to write those of all clients takes many
/// times longer.
fn shown<'a>(value: &'a [u8], of: fn(&Client) -> &Address) -> Result<Test<'a>, Error> {
    let socket = canonical::<SocketAddr>(value).map(place);
    let path = value.strip_suffix(b":0");
    let is_local = value == Address::Local.to_string().as_bytes();
    Ok(Box::new(move |client| match of(client) {
        Address::Tcp(addr) => Some(place(*addr)) == socket,
        Address::Unix(known) => Some(known.as_bytes()) == path,
        Address::Local => is_local,
    }))
}

/// What is shown of an address: not the flow label of IPv6.
fn place(addr: SocketAddr) -> (IpAddr, u16, u32) {
    let scope = if let SocketAddr::V6(addr) = addr { addr.scope_id() } else { 0 };
    (addr.ip(), addr.port(), scope)
}

/// What the text is the one canonical spelling of.
fn canonical<T: FromStr + Display>(text: &[u8]) -> Option<T> {
    let parsed: T = std::str::from_utf8(text).ok()?.parse().ok()?;
    (parsed.to_string().as_bytes() == text).then_some(parsed)
}

/// The address without its port, written the one canonical way. Only TCP clients have one.
fn is_at<'a>(value: &'a [u8]) -> Result<Test<'a>, Error> {
    let ip = canonical::<IpAddr>(value);
    Ok(Box::new(move |client| match client.peer.addr {
        Address::Tcp(addr) => Some(addr.ip()) == ip,
        Address::Unix(_) | Address::Local => false,
    }))
}

/// A client without a name is not called "" either.
fn called<'a>(value: &'a [u8], of: fn(&Client) -> &[u8]) -> Result<Test<'a>, Error> {
    Ok(Box::new(move |client| !value.is_empty() && of(client) == value))
}

/// At least so many seconds have passed since a moment of the client's life.
fn for_long<'a>(
    world: &World,
    what: &str,
    value: &'a [u8],
    since: fn(&Client) -> u64,
) -> Result<Test<'a>, Error> {
    let now = world.now.mono;
    let seconds = number::parse_i64(value).ok_or_else(|| error::not_an_integer(what))?;
    if seconds < 1 {
        return Err(error::not_positive(what));
    }
    let seconds = seconds.unsigned_abs();
    Ok(Box::new(move |client| (now - since(client)) / 1_000_000 >= seconds))
}

fn is_in_database<'a>(world: &World, word: Word, value: &'a [u8]) -> Result<Test<'a>, Error> {
    let what = if word.negated { "NOT-DB" } else { "DB" };
    let index = number::parse_i64(value)
        .and_then(|index| i32::try_from(index).ok())
        .ok_or_else(|| error::not_an_integer(what))?;
    let databases = world.store.databases();
    match usize::try_from(index) {
        Ok(index) if index < databases => Ok(Box::new(move |client| client.db == index)),
        _ => Err(error::not_a_database(what, databases)),
    }
}

/// Every type that can be asked for. There are no replicas.
const TYPES: &[(&str, Shows)] = &[
    ("normal", |client| !client.is_subscriber()),
    ("pubsub", Client::is_subscriber),
    ("master", |_| false),
    ("primary", |_| false),
    ("replica", |_| false),
    ("slave", |_| false),
];

fn is_of_type<'a>(world: &World, _: Word, value: &'a [u8]) -> Result<Test<'a>, Error> {
    let has_new_words = world.config.persona.is_at_least("8.0.0");
    let mut types = TYPES.iter().filter(|(name, _)| *name != "primary" || has_new_words);
    match types.find(|(name, _)| value.eq_ignore_ascii_case(name.as_bytes())) {
        Some(&(_, is_of_type)) => Ok(Box::new(is_of_type)),
        None => Err(error::quoting("Unknown client type '", value, "'")),
    }
}

fn is_user<'a>(world: &World, _: Word, value: &'a [u8]) -> Result<Test<'a>, Error> {
    match world.access.named(value) {
        Some(user) => Ok(Box::new(move |client| client.user == user)),
        None => Err(error::quoting("No such user '", value, "'")),
    }
}

/// Every letter that CLIENT LIST may show as a flag.
const FLAGS: &[u8] = b"ABEIMNOPRSTUabcdeirtux";

fn has_flags<'a>(_: &World, word: Word, value: &'a [u8]) -> Result<Test<'a>, Error> {
    has_letters(value, FLAGS, shows_flag).ok_or_else(|| unknown_letters("flags", word, value))
}

/// Every letter that CLIENT LIST may show as a capability.
const CAPABILITIES: &[u8] = b"r";

fn has_capabilities<'a>(_: &World, word: Word, value: &'a [u8]) -> Result<Test<'a>, Error> {
    has_letters(value, CAPABILITIES, |client, _| client.redirect_capable)
        .ok_or_else(|| unknown_letters("capa", word, value))
}

/// The client shows all the letters, however often they are said. `None` if some are not known.
fn has_letters<'a>(value: &[u8], known: &[u8], shows: fn(&Client, u8) -> bool) -> Option<Test<'a>> {
    if !value.iter().all(|letter| known.contains(letter)) {
        return None;
    }
    let letters: BTreeSet<u8> = value.iter().copied().collect();
    Some(Box::new(move |client| letters.iter().all(|&letter| shows(client, letter))))
}

fn unknown_letters(what: &str, word: Word, value: &[u8]) -> Error {
    let place = if word.negated { &format!("NOT-{}", word.name) } else { "provided" };
    error::quoting(&format!("Unknown {what} found in the {place} filter: "), value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_turned_around_only_if_they_may_be() {
        let found = |written: &[u8]| find(written).map(|(word, _)| (word.name, word.negated));
        assert_eq!(found(b"lib-Name"), Some(("LIB-NAME", false)));
        assert_eq!(found(b"not-LIB-NAME"), Some(("LIB-NAME", true)));
        assert_eq!(found(b"MAXAGE"), Some(("MAXAGE", false)));
        assert_eq!(found(b"NOT-MAXAGE"), None);
        assert_eq!(found(b"NOT-"), None);
        assert_eq!(found(b"NOT-NOT-DB"), None);
    }
}
