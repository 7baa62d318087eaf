//! Fields of hashes that expire: HEXPIRE HEXPIREAT HEXPIRETIME HGETEX HPERSIST HPEXPIRE HPEXPIREAT
//! HPEXPIRETIME HPTTL HSETEX HTTL.
//!
//! All of them name their fields in a clause `FIELDS numfields field ...`. Replies have an element for
//! each: -2 says that there is no such field, also if there is no such key.

use crate::commands::arguments::{self, Expiry, Lifetime, Presence, Unit};
use crate::commands::expiry::{Condition, to_seconds};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::HASH;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::{Edit, Hash, Millis};
use crate::text::number::Spelled;
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("hexpire", -6, WRITE | FAST, hexpire).acl(HASH).key(RW | UPDATE, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key seconds [condition: NX | XX | GT | LT] (FIELDS numfields field...)",
        "Gives fields a time to live in seconds.",
    ),
    Spec::new("hexpireat", -6, WRITE | FAST, hexpireat).acl(HASH).key(RW | UPDATE, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key unix-time-seconds:integer [condition: NX | XX | GT | LT]@9.0 \
        (FIELDS numfields#0 field...)",
        "Lets fields expire at a time in seconds.",
    ),
    Spec::new("hexpiretime", -5, READ | FAST, hexpiretime).acl(HASH).key(RO | ACCESS, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key (FIELDS numfields#0 field...)",
        "Returns when fields expire, in seconds.",
    ),
    Spec::new("hgetex", -5, WRITE | FAST, hgetex).acl(HASH).key(RW | ACCESS | UPDATE, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key [expiration: EX seconds | PX milliseconds | EXAT unix-time-seconds \
        | PXAT unix-time-milliseconds | PERSIST] (FIELDS numfields#0 field...)",
        "Returns the values of fields and changes their time to live.",
    ),
    Spec::new("hpersist", -5, WRITE | FAST, hpersist).acl(HASH).key(RW | UPDATE, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key (FIELDS numfields#0 field...)",
        "Lets fields live without end again.",
    ),
    Spec::new("hpexpire", -6, WRITE | FAST, hpexpire).acl(HASH).key(RW | UPDATE, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key milliseconds [condition: NX | XX | GT | LT]@9.0 (FIELDS numfields#0 field...)",
        "Gives fields a time to live in milliseconds.",
    ),
    Spec::new("hpexpireat", -6, WRITE | FAST, hpexpireat).acl(HASH).key(RW | UPDATE, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key unix-time-milliseconds:integer [condition: NX | XX | GT | LT]@9.0 \
        (FIELDS numfields#0 field...)",
        "Lets fields expire at a time in milliseconds.",
    ),
    Spec::new("hpexpiretime", -5, READ | FAST, hpexpiretime).acl(HASH).key(RO | ACCESS, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key (FIELDS numfields#0 field...)",
        "Returns when fields expire, in milliseconds.",
    ),
    Spec::new("hpttl", -5, READ | FAST, hpttl).acl(HASH).key(RO | ACCESS, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key (FIELDS numfields#0 field...)",
        "Returns how long fields have to live, in milliseconds.",
    ),
    Spec::new("hsetex", -6, WRITE | DENYOOM | FAST, hsetex).acl(HASH).key(RW | INSERT, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key [key-condition: NX | XX] [fields-condition: FNX | FXX] \
        [expiration: EX seconds | PX milliseconds | EXAT unix-time-seconds \
        | PXAT unix-time-milliseconds | KEEPTTL] (FIELDS numfields#0 (field value)...)",
        "Sets fields of a hash with a time to live or a condition.",
    ),
    Spec::new("httl", -5, READ | FAST, httl).acl(HASH).key(RO | ACCESS, at(1)).doc(
        "9.0.0",
        "O(N), N being the number of fields given",
        "key (FIELDS numfields#0 field...)",
        "Returns how long fields have to live, in seconds.",
    ),
];

/// Where the clause stands in commands that have no options.
pub(crate) const FIELDS_AT: usize = 2;

/// There is no such field.
const NO_FIELD: i64 = -2;
/// The field does not expire.
const NO_EXPIRY: i64 = -1;

/// Where the clause begins in commands that have options before it: at the first `FIELDS` from `from` on
/// that something follows.
fn fields_from(args: Args<'_>, from: usize) -> Result<usize, Error> {
    (from..args.len() - 1).find(|&index| args.is(index, "FIELDS")).ok_or(error::NUMFIELDS)
}

/// Checks that the clause at `index` has as many fields as it says, of `width` arguments each, and at
/// least one; if not, the error is `mismatch`.
pub(crate) fn check_number(
    args: Args<'_>,
    index: usize,
    width: usize,
    mismatch: Error,
) -> Result<(), Error> {
    if args.len() <= index + 1 {
        return Err(mismatch);
    }
    let number = usize::try_from(arguments::int(args, index + 1)?).unwrap_or(0);
    let given = args.len() - index - 2;
    if number == 0 || number.checked_mul(width) != Some(given) {
        return Err(mismatch);
    }
    Ok(())
}

// When fields are to expire.

/// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
fn hexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiry(ctx, args, Expiry::In(Unit::Seconds, &args[2]))
}

/// HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
fn hexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiry(ctx, args, Expiry::At(Unit::Seconds, &args[2]))
}

/// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
fn hpexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiry(ctx, args, Expiry::In(Unit::Milliseconds, &args[2]))
}

/// HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]
fn hpexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiry(ctx, args, Expiry::At(Unit::Milliseconds, &args[2]))
}

/// Lets fields expire at a time for which a condition holds. Replies 1 if it was set, 0 if the condition
/// does not hold, and 2 if the time has come already and the field is gone.
fn set_expiry(ctx: &mut Ctx<'_>, args: Args<'_>, time: Expiry<'_>) -> Result<(), Error> {
    let fields = fields_from(args, 3)?;
    let condition = Condition::parse(args.options_between(3, fields))?;
    check_number(args, fields, 1, error::NUMFIELDS)?;
    let command = ctx.row.spec.name;
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    let when = match time.resolve_from(0, now, command)? {
        Lifetime::Until(when) => when,
        Lifetime::Unsaid | Lifetime::Bare => return Err(error::SYNTAX),
    };
    let mut hash = db.edit::<Hash>(&args[1])?;
    let mut changed = Changed::default();
    each(reply, args, fields, |name| {
        let Some((hash, present)) = hash.as_mut().and_then(|hash| {
            let present = hash.view().expiry(name)?;
            Some((hash, present))
        }) else {
            return NO_FIELD;
        };
        if !condition.holds(present, when) {
            return 0;
        }
        hash.set_expiry(name, Some(when));
        changed.add(hash, name);
        if when <= now { 2 } else { 1 }
    });
    if let Some(hash) = &mut hash {
        let event = if when <= now { "hexpired" } else { "hexpire" };
        hash.note_changes(changed.count, class::HASH, event);
    }
    drop(hash);
    changed.say_expiry(ctx, &args[1], when);
    Ok(())
}

/// HPERSIST key FIELDS numfields field [field ...]
fn hpersist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if !args.is(FIELDS_AT, "FIELDS") {
        return Err(error::SYNTAX);
    }
    check_number(args, FIELDS_AT, 1, error::NUMFIELDS)?;
    let (mut db, reply) = ctx.db_and_reply();
    let mut hash = db.edit::<Hash>(&args[1])?;
    let mut changes = 0;
    each(reply, args, FIELDS_AT, |name| {
        match hash.as_ref().and_then(|hash| hash.view().expiry(name)) {
            None => NO_FIELD,
            Some(None) => NO_EXPIRY,
            Some(Some(_)) => {
                hash.as_mut().map(|hash| hash.set_expiry(name, None));
                changes += 1;
                1
            }
        }
    });
    if let Some(mut hash) = hash {
        hash.note_changes(changes, class::HASH, "hpersist");
    }
    Ok(())
}

/// HTTL key FIELDS numfields field [field ...]
fn httl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, now| to_seconds(when - now))
}

/// HPTTL key FIELDS numfields field [field ...]
fn hpttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, now| when - now)
}

/// HEXPIRETIME key FIELDS numfields field [field ...]
fn hexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, _| to_seconds(when))
}

/// HPEXPIRETIME key FIELDS numfields field [field ...]
fn hpexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, _| when)
}

/// Replies when fields expire. `tell` is given the time of that, which has not come yet, and the present.
fn show(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    tell: impl Fn(Millis, Millis) -> i64,
) -> Result<(), Error> {
    if !args.is(FIELDS_AT, "FIELDS") {
        return Err(error::SYNTAX);
    }
    check_number(args, FIELDS_AT, 1, error::SYNTAX)?;
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    let hash = db.view::<Hash>(&args[1])?;
    each(reply, args, FIELDS_AT, |name| match hash.and_then(|hash| hash.expiry(name)) {
        None => NO_FIELD,
        Some(None) => NO_EXPIRY,
        Some(Some(when)) => tell(when, now),
    });
    Ok(())
}

/// Replies with an integer for every field of the clause at `index`.
fn each<'a>(
    reply: &mut Reply,
    args: Args<'a>,
    index: usize,
    mut tell: impl FnMut(&'a [u8]) -> i64,
) {
    let names = args.from(index + 2);
    reply.array(names.len());
    names.for_each(|name| reply.int(tell(name)));
}

// Values and expiry at once.

/// HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds |
/// PERSIST] FIELDS numfields field [field ...]
fn hgetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let fields = fields_from(args, 2)?;
    let mut expiry = Expiry::default();
    let mut options = args.options_between(2, fields);
    while !options.is_over() {
        if !expiry.take(&mut options, "PERSIST")? {
            return Err(error::SYNTAX);
        }
    }
    check_number(args, fields, 1, error::NUMFIELDS)?;
    let command = ctx.row.spec.name;
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    // It reads the fields, too.
    db.touch(&args[1]);
    let mut hash = db.edit::<Hash>(&args[1])?;
    let lifetime = expiry.resolve_from(0, now, command)?;
    let names = args.from(fields + 2);
    let mut changed = Changed::default();
    reply.array(names.len());
    for name in names {
        match hash.as_ref().and_then(|hash| hash.view().get(name)) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
        let Some(hash) = &mut hash else {
            continue;
        };
        let is_changed = match lifetime {
            Lifetime::Unsaid => false,
            Lifetime::Until(when) => hash.set_expiry(name, Some(when)),
            Lifetime::Bare => {
                let expires = matches!(hash.view().expiry(name), Some(Some(_)));
                expires && hash.set_expiry(name, None)
            }
        };
        if is_changed {
            changed.add(hash, name);
        }
    }
    if let Some(hash) = &mut hash {
        let event = match lifetime {
            Lifetime::Unsaid | Lifetime::Bare => "hpersist",
            Lifetime::Until(when) if when <= now => "hexpired",
            Lifetime::Until(_) => "hexpire",
        };
        hash.note_changes(changed.count, class::HASH, event);
    }
    drop(hash);
    match lifetime {
        Lifetime::Until(when) => changed.say_expiry(ctx, &args[1], when),
        Lifetime::Unsaid | Lifetime::Bare => changed.say(ctx, "HPERSIST", &[&args[1]]),
    }
    Ok(())
}

/// HSETEX key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
/// PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]
fn hsetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let fields = fields_from(args, 2)?;
    let mut expiry = Expiry::default();
    let (mut of_key, mut of_fields) = (Presence::default(), Presence::default());
    let mut options = args.options_between(2, fields);
    while !options.is_over() {
        if !expiry.take(&mut options, "KEEPTTL")?
            && !of_key.take(&mut options, ["NX", "XX"])?
            && !of_fields.take(&mut options, ["FNX", "FXX"])?
        {
            return Err(error::SYNTAX);
        }
    }
    check_number(args, fields, 2, error::NUMFIELDS)?;
    let command = ctx.row.spec.name;
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    let names = args.from(fields + 2).step_by(2);
    let hash = db.edit::<Hash>(&args[1])?;
    if !of_key.allows(|| hash.is_some()) {
        reply.int(0);
        return Ok(());
    }
    let lifetime = expiry.resolve_from(0, now, command)?;
    let is_there = |name| hash.as_ref().is_some_and(|hash| hash.view().contains(name));
    if !names.clone().all(|name| of_fields.allows(|| is_there(name))) {
        reply.int(0);
        return Ok(());
    }
    drop(hash);
    let mut hash = db.edit_or_new::<Hash>(&args[1])?;
    let mut changed = Changed::default();
    for (name, value) in names.zip(args.from(fields + 3).step_by(2)) {
        match lifetime {
            Lifetime::Unsaid => _ = hash.set(name, value),
            Lifetime::Bare => _ = hash.replace(name, value),
            Lifetime::Until(when) if !hash.set_until(name, value, when) => continue,
            Lifetime::Until(_) => {}
        }
        changed.add(&hash, name);
    }
    // What has expired before it is set counts as set all the same, if not as a change.
    hash.changed(changed.count);
    announce_set(&mut hash, lifetime, now);
    reply.int(1);
    drop(hash);
    if ctx.is_heard() {
        let (key, set) = (&args[1], args.from(fields));
        match lifetime {
            Lifetime::Until(when) if when <= now => changed.say_expiry(ctx, key, when),
            Lifetime::Until(when) => says_set(ctx, &[key, b"PXAT", &Spelled::new(when)], set),
            Lifetime::Bare => says_set(ctx, &[key, b"KEEPTTL"], set),
            Lifetime::Unsaid => says_set(ctx, &[key], set),
        }
    }
    Ok(())
}

/// The keyspace events of HSETEX.
fn announce_set(hash: &mut Edit<'_, Hash>, lifetime: Lifetime, now: Millis) {
    hash.announce(class::HASH, "hset");
    if let Lifetime::Until(when) = lifetime {
        hash.announce(class::HASH, "hexpire");
        if when <= now {
            hash.announce(class::HASH, "hexpired");
        }
    }
}

/// Says that HSETEX has set the fields of its clause. Its conditions held, and are not said again.
fn says_set<'a>(ctx: &mut Ctx<'_>, words: &[&'a [u8]], clause: impl Iterator<Item = &'a [u8]>) {
    let words: Vec<&[u8]> = words.iter().copied().chain(clause).collect();
    ctx.says("HSETEX", &words);
}

/// The fields that a command has changed: how many, and their names if effects have a listener.
#[derive(Default)]
struct Changed<'a> {
    count: usize,
    names: Vec<&'a [u8]>,
}

impl<'a> Changed<'a> {
    /// `name`, of this hash, has changed.
    fn add(&mut self, hash: &Edit<'_, Hash>, name: &'a [u8]) {
        self.count += 1;
        self.names.extend(hash.is_heard().then_some(name));
    }

    /// Says that the fields expire then, or that they are gone if that time has come.
    fn say_expiry(self, ctx: &mut Ctx<'_>, key: &[u8], when: Millis) {
        if self.names.is_empty() {
            // Nothing was changed, or nothing listens.
        } else if when <= ctx.db().now() {
            ctx.says_all("HDEL", &[key], self.names);
        } else {
            self.say(ctx, "HPEXPIREAT", &[key, &Spelled::new(when)]);
        }
    }

    /// Says a command with the fields in its clause.
    fn say(self, ctx: &mut Ctx<'_>, name: &str, words: &[&[u8]]) {
        if !self.names.is_empty() {
            let number = Spelled::new(self.names.len() as i64);
            let words: Vec<&[u8]> = [words, &[&b"FIELDS"[..], &number], &self.names].concat();
            ctx.says(name, &words);
        }
    }
}
