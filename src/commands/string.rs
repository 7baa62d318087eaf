//! Strings: what sets them, what reads them and what changes them in place.
//!
//! APPEND DELIFEQ GET GETDEL GETEX GETRANGE GETSET MGET MSET MSETEX MSETNX PSETEX SET SETEX SETNX
//! SETRANGE STRLEN SUBSTR. Arithmetic is in [`self::numbers`], LCS in [`self::lcs`].

pub(crate) mod lcs;
pub(crate) mod numbers;

use super::arguments::{self, Expiry, Lifetime, Presence, Unit};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::STRING;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, numkeys_by, range};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::{Db, Text};
use crate::text::number::Spelled;
use crate::wire::{Args, Options, Reply};

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("append", 3, WRITE | DENYOOM | FAST, append).acl(STRING).key(RW | INSERT, at(1)).doc(
        "2.0.0",
        "O(1), amortized over the growth of the value",
        "key value",
        "Appends to a string, which begins empty.",
    ),
    Spec::new("delifeq", 3, WRITE | FAST, delifeq).acl(STRING).key(RM | DELETE, at(1)).doc(
        "9.0.0",
        "O(1)",
        "key value",
        "Deletes a key if its string has the value given.",
    ),
    Spec::new("get", 2, READ | FAST, get).acl(STRING).key(RO | ACCESS, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key",
        "Returns the value of a string.",
    ),
    Spec::new("getdel", 2, WRITE | FAST, getdel).acl(STRING).key(RW | ACCESS | DELETE, at(1)).doc(
        "6.2.0",
        "O(1)",
        "key",
        "Returns the value of a string and deletes the key.",
    ),
    Spec::new("getex", -2, WRITE | FAST, getex)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .note("RW and UPDATE, for the time to live changes.")
        .doc(
            "6.2.0",
            "O(1)",
            "key [expiration: EX seconds | PX milliseconds | EXAT unix-time-seconds \
            | PXAT unix-time-milliseconds | PERSIST]",
            "Returns the value of a string and changes its time to live.",
        ),
    Spec::new("getrange", 4, READ, getrange).acl(STRING).key(RO | ACCESS, at(1)).doc(
        "2.4.0",
        "O(N), N being the length of the reply",
        "key start end",
        "Returns a part of a string.",
    ),
    Spec::new("getset", 3, WRITE | DENYOOM | FAST, getset)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE, at(1))
        .doc("1.0.0", "O(1)", "key value", "Sets a string and returns the value it had."),
    Spec::new("mget", -2, READ | FAST, mget)
        .acl(STRING)
        .key(RO | ACCESS, range(1, -1, 1))
        .tips(&["request_policy:multi_shard"])
        .doc(
            "1.0.0",
            "O(N), N being the number of keys",
            "key...",
            "Returns the values of several strings.",
        ),
    Spec::new("mset", -3, WRITE | DENYOOM, mset)
        .acl(STRING)
        .key(OW | UPDATE, range(1, -1, 2))
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .doc(
            "1.0.1",
            "O(N), N being the number of keys",
            "(key value)...",
            "Sets several strings at once.",
        ),
    Spec::new("msetex", -4, WRITE | DENYOOM, msetex)
        .acl(STRING)
        .key(OW | UPDATE, numkeys_by(1, 2))
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .doc(
            "9.1.0",
            "O(N), N being the number of keys",
            "numkeys (key value)... [condition: NX | XX] \
            [expiration: EX seconds | PX milliseconds | EXAT unix-time-seconds \
            | PXAT unix-time-milliseconds | KEEPTTL]",
            "Sets several strings at once, with a time to live or a condition.",
        ),
    Spec::new("msetnx", -3, WRITE | DENYOOM, msetnx)
        .acl(STRING)
        .key(OW | INSERT, range(1, -1, 2))
        .doc(
            "1.0.1",
            "O(N), N being the number of keys",
            "(key value)...",
            "Sets several strings if none of the keys exists.",
        ),
    Spec::new("psetex", 4, WRITE | DENYOOM, psetex).acl(STRING).key(OW | UPDATE, at(1)).doc(
        "2.6.0",
        "O(1)",
        "key milliseconds value",
        "Sets a string with a time to live in milliseconds.",
    ),
    Spec::new("set", -3, WRITE | DENYOOM | SHORT, set)
        .acl(STRING)
        .key(RW | ACCESS | UPDATE | VARIABLE_FLAGS, at(1))
        .note("`GET` reads the old value and makes the access RW.")
        .key_flags(|args| {
            let reads = (3..args.len()).any(|index| args.is(index, "GET"));
            if reads { RW | ACCESS | UPDATE } else { OW | UPDATE }
        })
        .doc(
            "1.0.0",
            "O(1)",
            "key value [condition: NX@2.6.12 | XX@2.6.12 | IFEQ comparison-value@8.1] [GET]@6.2 \
            [expiration: EX seconds@2.6.12 | PX milliseconds@2.6.12 | EXAT unix-time-seconds@6.2 \
            | PXAT unix-time-milliseconds@6.2 | KEEPTTL@6.0]",
            "Sets a string, whatever the key held before.",
        )
        .history(&[
            ("2.6.12", "Options `EX`, `PX`, `NX` and `XX`."),
            ("6.0.0", "Option `KEEPTTL`."),
            ("6.2.0", "Options `GET`, `EXAT` and `PXAT`."),
            ("7.0.0", "`NX` and `GET` may be combined."),
            ("8.1.0", "Option `IFEQ`."),
        ]),
    Spec::new("setex", 4, WRITE | DENYOOM, setex).acl(STRING).key(OW | UPDATE, at(1)).doc(
        "2.0.0",
        "O(1)",
        "key seconds value",
        "Sets a string with a time to live in seconds.",
    ),
    Spec::new("setnx", 3, WRITE | DENYOOM | FAST, setnx).acl(STRING).key(OW | INSERT, at(1)).doc(
        "1.0.0",
        "O(1)",
        "key value",
        "Sets a string if the key does not exist.",
    ),
    Spec::new("setrange", 4, WRITE | DENYOOM, setrange).acl(STRING).key(RW | UPDATE, at(1)).doc(
        "2.2.0",
        "O(M), M being the length of the value",
        "key offset value",
        "Overwrites a part of a string, and lengthens it with zero bytes as needed.",
    ),
    Spec::new("strlen", 2, READ | FAST, strlen).acl(STRING).key(RO, at(1)).doc(
        "2.2.0",
        "O(1)",
        "key",
        "Returns the length of a string in bytes.",
    ),
    Spec::new("substr", 4, READ, substr).acl(STRING).key(RO | ACCESS, at(1)).doc(
        "1.0.0",
        "O(N), N being the length of the reply",
        "key start end",
        "Returns a part of a string; GETRANGE under its old name.",
    ),
];

/// GET key
fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    text_or_null(reply, db.text(&args[1])?);
    Ok(())
}

/// GETDEL key
fn getdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    text_or_null(reply, db.text(&args[1])?);
    if db.delete(&args[1]) {
        ctx.says("DEL", &[&args[1]]);
    }
    Ok(())
}

/// GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]
fn getex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut expiry = Expiry::default();
    let mut options = args.options(2);
    while !options.is_over() {
        if !expiry.take(&mut options, "PERSIST")? {
            return Err(error::SYNTAX);
        }
    }
    let command = ctx.row.spec.name;
    let (mut db, reply) = ctx.db_and_reply();
    let lifetime = expiry.resolve(db.now(), command)?;
    let key = &args[1];
    text_or_null(reply, db.text(key)?);
    match lifetime {
        Lifetime::Bare if db.set_expiry(key, None) => ctx.says("PERSIST", &[key]),
        Lifetime::Until(when) if db.set_expiry(key, Some(when)) => {
            ctx.says_expiry(key, when);
        }
        _ => {}
    }
    Ok(())
}

/// MGET key [key ...]
fn mget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    prefetch(ctx, args.from(1));
    let (mut db, reply) = ctx.db_and_reply();
    reply.array(args.len() - 1);
    for key in args.from(1) {
        // What is no string is as good as missing.
        text_or_null(reply, db.text(key).unwrap_or(None));
    }
    Ok(())
}

/// STRLEN key
fn strlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    reply.int(db.string(&args[1])?.map_or(0, <[u8]>::len) as i64);
    Ok(())
}

/// GETRANGE key start end
fn getrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (start, end) = arguments::start_and_stop(args, 2)?;
    let (mut db, reply) = ctx.db_and_reply();
    let value = db.string(&args[1])?.unwrap_or_default();
    reply.bulk(&value[arguments::forward_span(start, end, value.len())]);
    Ok(())
}

/// SUBSTR key start end
fn substr(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    getrange(ctx, args)
}

/// SET key value [NX | XX | IFEQ comparison-value] [GET]
///     [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]
fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() > 3 {
        return set_with_options(ctx, args);
    }
    store(&mut ctx.db(), &args[1], &args[2], Lifetime::Unsaid);
    ctx.reply.ok();
    Ok(())
}

/// When SET and MSETEX set, and when they do not.
#[derive(Debug, Clone, Copy, Default)]
struct SetCondition<'a> {
    /// `NX` or `XX`: whether there is such a key.
    presence: Presence,
    /// `IFEQ`: the value that it has.
    equal: Option<&'a [u8]>,
}

impl<'a> SetCondition<'a> {
    /// Steps over `NX` or `XX`. Returns whether it was the next option.
    fn take(&mut self, options: &mut Options<'a>) -> Result<bool, Error> {
        let is_taken = self.presence.take(options, ["NX", "XX"])?;
        if is_taken && self.equal.is_some() { Err(error::SYNTAX) } else { Ok(is_taken) }
    }

    /// Steps over `IFEQ value`, likewise. It goes together with nothing, itself included.
    fn take_equal(&mut self, options: &mut Options<'a>) -> bool {
        if self.presence != Presence::default() || self.equal.is_some() {
            return false;
        }
        self.equal = options.value("IFEQ");
        self.equal.is_some()
    }

    fn holds(self, db: &mut Db<'_>, key: &[u8]) -> Result<bool, Error> {
        Ok(match self.equal {
            Some(value) => db.string_to_change(key)? == Some(value),
            None => self.presence.allows(|| db.contains(key)),
        })
    }
}

fn set_with_options(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut condition = SetCondition::default();
    let mut expiry = Expiry::default();
    let mut returns_old = false;
    let mut options = args.options(3);
    while !options.is_over() {
        if options.flag("GET") {
            returns_old = true;
        } else if !condition.take(&mut options)?
            && !condition.take_equal(&mut options)
            && !expiry.take(&mut options, "KEEPTTL")?
        {
            return Err(error::SYNTAX);
        }
    }
    if condition.equal.is_some() && ctx.row.is_unknown_option(b"IFEQ") {
        return Err(error::SYNTAX);
    }
    let command = ctx.row.spec.name;
    let (mut db, reply) = ctx.db_and_reply();
    let lifetime = expiry.resolve(db.now(), command)?;
    let key = &args[1];
    if returns_old {
        text_or_null(reply, db.text(key)?);
    }
    let holds = condition.holds(&mut db, key)?;
    match (returns_old, holds) {
        (true, _) => {}
        (false, true) => reply.ok(),
        (false, false) => reply.null(),
    }
    match lifetime {
        _ if !holds => {}
        // What has expired before it is set is not even set.
        Lifetime::Until(when) if when <= db.now() => {
            db.set_expiry(key, Some(when));
            ctx.says_expiry(key, when);
        }
        _ => {
            store(&mut db, key, &args[2], lifetime);
            says_set(ctx, key, &args[2], lifetime);
        }
    }
    Ok(())
}

/// SETEX key seconds value
fn setex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiring(ctx, args, Unit::Seconds)
}

/// PSETEX key milliseconds value
fn psetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiring(ctx, args, Unit::Milliseconds)
}

fn set_expiring(ctx: &mut Ctx<'_>, args: Args<'_>, unit: Unit) -> Result<(), Error> {
    let command = ctx.row.spec.name;
    let mut db = ctx.db();
    let lifetime = Expiry::In(unit, &args[2]).resolve(db.now(), command)?;
    store(&mut db, &args[1], &args[3], lifetime);
    says_set(ctx, &args[1], &args[3], lifetime);
    ctx.reply.ok();
    Ok(())
}

/// Says that a string was set. The conditions of the command held, and are not said again.
fn says_set(ctx: &mut Ctx<'_>, key: &[u8], value: &[u8], lifetime: Lifetime) {
    if !ctx.is_heard() {
        return;
    }
    match lifetime {
        Lifetime::Unsaid => ctx.says("SET", &[key, value]),
        Lifetime::Bare => ctx.says("SET", &[key, value, b"KEEPTTL"]),
        Lifetime::Until(when) => {
            ctx.says("SET", &[key, value, b"PXAT", &Spelled::new(when)]);
        }
    }
}

/// SETNX key value
fn setnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let is_new = !db.contains(&args[1]);
    if is_new {
        store(&mut db, &args[1], &args[2], Lifetime::Unsaid);
    }
    reply.int(is_new.into());
    Ok(())
}

/// GETSET key value
fn getset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    text_or_null(reply, db.text(&args[1])?);
    store(&mut db, &args[1], &args[2], Lifetime::Unsaid);
    says_set(ctx, &args[1], &args[2], Lifetime::Unsaid);
    Ok(())
}

/// DELIFEQ key value
fn delifeq(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let is_equal = db.string_to_change(&args[1])? == Some(&args[2]);
    if is_equal {
        db.delete(&args[1]);
    }
    reply.int(is_equal.into());
    if is_equal {
        ctx.says("DEL", &[&args[1]]);
    }
    Ok(())
}

/// MSET key value [key value ...]
fn mset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pairs = pairs(ctx, args)?;
    prefetch(ctx, pairs.clone().map(|(key, _)| key));
    let mut db = ctx.db();
    for (key, value) in pairs {
        store(&mut db, key, value, Lifetime::Unsaid);
    }
    ctx.reply.ok();
    Ok(())
}

/// MSETNX key value [key value ...]
fn msetnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pairs = pairs(ctx, args)?;
    let (mut db, reply) = ctx.db_and_reply();
    let are_new = pairs.clone().all(|(key, _)| !db.contains(key));
    if are_new {
        for (key, value) in pairs {
            store(&mut db, key, value, Lifetime::Unsaid);
        }
    }
    reply.int(are_new.into());
    Ok(())
}

/// MSETEX numkeys key value [key value ...] [NX | XX]
///     [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]
fn msetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let keys = arguments::int(args, 1).ok().and_then(|keys| i32::try_from(keys).ok());
    let keys = keys.filter(|&keys| keys > 0).ok_or(error::NUMKEYS)? as usize;
    let first = 2 + 2 * keys;
    if first > args.len() {
        return Err(error::SYNTAX);
    }
    let mut condition = SetCondition::default();
    let mut expiry = Expiry::default();
    let mut options = args.options(first);
    while !options.is_over() {
        if !condition.take(&mut options)? && !expiry.take(&mut options, "KEEPTTL")? {
            return Err(error::SYNTAX);
        }
    }
    let command = ctx.row.spec.name;
    let (mut db, reply) = ctx.db_and_reply();
    let lifetime = expiry.resolve(db.now(), command)?;
    let pairs = args.pairs(2).take(keys);
    for (key, _) in pairs.clone() {
        if !condition.holds(&mut db, key)? {
            reply.int(0);
            return Ok(());
        }
    }
    for (key, value) in pairs {
        store(&mut db, key, value, lifetime);
    }
    reply.int(1);
    if let Lifetime::Until(when) = lifetime
        && ctx.is_heard()
    {
        let when = Spelled::new(when);
        let words: Vec<&[u8]> = args.from(1).take(first - 1).chain([&b"PXAT"[..], &when]).collect();
        ctx.says("MSETEX", &words);
    }
    Ok(())
}

/// APPEND key value
fn append(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, tail) = (&args[1], &args[2]);
    let most = ctx.world.config.proto_max_bulk_len;
    let (mut db, reply) = ctx.db_and_reply();
    let len = match db.string_to_change(key)?.map(<[u8]>::len) {
        Some(before) => {
            let len = before.saturating_add(tail.len());
            if len > most {
                return Err(error::STRING_TOO_LONG);
            }
            db.edit_string_of(key, len, |value, _| value[before..].copy_from_slice(tail))?;
            len
        }
        None => {
            db.set_string(key, tail, None);
            tail.len()
        }
    };
    db.note(class::STRING, "append", key);
    reply.int(len as i64);
    Ok(())
}

/// SETRANGE key offset value
fn setrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, piece) = (&args[1], &args[3]);
    let offset = arguments::int(args, 2)?;
    let offset = usize::try_from(offset).map_err(|_| error::OFFSET)?;
    let most = ctx.world.config.proto_max_bulk_len;
    let (mut db, reply) = ctx.db_and_reply();
    let before = db.string_to_change(key)?.map_or(0, <[u8]>::len);
    if piece.is_empty() {
        reply.int(before as i64);
        return Ok(());
    }
    let end = offset.saturating_add(piece.len());
    if end > most {
        return Err(error::STRING_TOO_LONG);
    }
    db.edit_string_of(key, end, |value, _| value[offset..end].copy_from_slice(piece))?;
    db.note(class::STRING, "setrange", key);
    reply.int(before.max(end) as i64);
    Ok(())
}

fn text_or_null(reply: &mut Reply, value: Option<Text<'_>>) {
    match value {
        Some(Text::Bytes(bytes)) => reply.bulk(bytes),
        Some(Text::Shared(bytes)) => reply.shared(bytes),
        None => reply.null(),
    }
}

/// Has the keys of a command fetched from memory, many at a time, before it goes through them.
fn prefetch<'k>(ctx: &mut Ctx<'_>, keys: impl ExactSizeIterator<Item = &'k [u8]>) {
    /// More than so many would be forgotten again until they are needed.
    const MOST: usize = 256;
    let mut keys = keys.take(MOST);
    let mut left = 0;
    // The store takes as many as it likes, and none if that would be of no use.
    while keys.len() > 1 && keys.len() != left {
        left = keys.len();
        ctx.world.store.prefetch(ctx.client().db, keys.by_ref());
    }
}

/// Sets a string.
#[inline]
fn store(db: &mut Db<'_>, key: &[u8], value: &[u8], lifetime: Lifetime) {
    match lifetime {
        Lifetime::Unsaid => db.set_string(key, value, None),
        Lifetime::Bare => db.replace_string(key, value),
        Lifetime::Until(when) => db.set_string(key, value, Some(when)),
    }
    db.note(class::STRING, "set", key);
    if let Lifetime::Until(_) = lifetime {
        db.announce(class::GENERIC, "expire", key);
    }
}

/// The keys and values of MSET, and an error if the last value is missing.
fn pairs<'a>(
    ctx: &Ctx<'_>,
    args: Args<'a>,
) -> Result<impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a>, Error> {
    match args.len() % 2 {
        0 => Err(error::wrong_arity(ctx.row.spec.name)),
        _ => Ok(args.pairs(1)),
    }
}
