//! When keys expire: EXPIRE EXPIREAT EXPIRETIME PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PTTL TTL.
//!
//! Whatever unit a command counts in, a key expires at a millisecond after 1970. A time that has passed
//! removes the key at once.

use super::arguments::{self, Conditions, Unit};
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::KEYSPACE;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::keyspace::Millis;
use crate::wire::{Args, Options};

pub(crate) const TABLE: &[Spec] =
    &[
        Spec::new("expire", -3, WRITE | FAST, expire)
            .acl(KEYSPACE)
            .key(RW | UPDATE, at(1))
            .doc(
                "1.0.0",
                "O(1)",
                "key seconds [condition: NX | XX | GT | LT]@7.0",
                "Gives a key a time to live in seconds.",
            )
            .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")]),
        Spec::new("expireat", -3, WRITE | FAST, expireat)
            .acl(KEYSPACE)
            .key(RW | UPDATE, at(1))
            .doc(
                "1.2.0",
                "O(1)",
                "key unix-time-seconds [condition: NX | XX | GT | LT]@7.0",
                "Lets a key expire at a time in seconds.",
            )
            .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")]),
        Spec::new("expiretime", 2, READ | FAST, expiretime)
            .acl(KEYSPACE)
            .key(RO | ACCESS, at(1))
            .doc("7.0.0", "O(1)", "key", "Returns when a key expires, in seconds."),
        Spec::new("persist", 2, WRITE | FAST, persist).acl(KEYSPACE).key(RW | UPDATE, at(1)).doc(
            "2.2.0",
            "O(1)",
            "key",
            "Lets a key live without end again.",
        ),
        Spec::new("pexpire", -3, WRITE | FAST, pexpire)
            .acl(KEYSPACE)
            .key(RW | UPDATE, at(1))
            .doc(
                "2.6.0",
                "O(1)",
                "key milliseconds [condition: NX | XX | GT | LT]@7.0",
                "Gives a key a time to live in milliseconds.",
            )
            .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")]),
        Spec::new("pexpireat", -3, WRITE | FAST, pexpireat)
            .acl(KEYSPACE)
            .key(RW | UPDATE, at(1))
            .doc(
                "2.6.0",
                "O(1)",
                "key unix-time-milliseconds [condition: NX | XX | GT | LT]@7.0",
                "Lets a key expire at a time in milliseconds.",
            )
            .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")]),
        Spec::new("pexpiretime", 2, READ | FAST, pexpiretime)
            .acl(KEYSPACE)
            .key(RO | ACCESS, at(1))
            .doc("7.0.0", "O(1)", "key", "Returns when a key expires, in milliseconds."),
        Spec::new("pttl", 2, READ | FAST, pttl)
            .acl(KEYSPACE)
            .key(RO | ACCESS, at(1))
            .tips(&["nondeterministic_output"])
            .doc("2.6.0", "O(1)", "key", "Returns how long a key has to live, in milliseconds.")
            .history(&[("2.8.0", "The reply is -2 if there is no such key.")]),
        Spec::new("ttl", 2, READ | FAST, ttl)
            .acl(KEYSPACE)
            .key(RO | ACCESS, at(1))
            .tips(&["nondeterministic_output"])
            .doc("1.0.0", "O(1)", "key", "Returns how long a key has to live, in seconds.")
            .history(&[("2.8.0", "The reply is -2 if there is no such key.")]),
    ];

/// EXPIRE key seconds [NX | XX | GT | LT]
fn expire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.db().now();
    set_expiry(ctx, args, Unit::Seconds, now)
}

/// EXPIREAT key unix-time-seconds [NX | XX | GT | LT]
fn expireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiry(ctx, args, Unit::Seconds, 0)
}

/// PEXPIRE key milliseconds [NX | XX | GT | LT]
fn pexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.db().now();
    set_expiry(ctx, args, Unit::Milliseconds, now)
}

/// PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
fn pexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_expiry(ctx, args, Unit::Milliseconds, 0)
}

/// Lets the key expire as many units after `since` as the arguments say, if their condition holds.
fn set_expiry(ctx: &mut Ctx<'_>, args: Args<'_>, unit: Unit, since: Millis) -> Result<(), Error> {
    let condition = Condition::parse(args.options(3))?;
    let time = arguments::int(args, 2)?;
    let factor = if unit == Unit::Seconds { 1000 } else { 1 };
    let when = time
        .checked_mul(factor)
        .and_then(|time| time.checked_add(since))
        .ok_or_else(|| error::invalid_expire(ctx.row.spec.name))?;
    let (mut db, reply) = ctx.db_and_reply();
    let set = match db.expiry_to_change(&args[1]) {
        Some(present) if condition.holds(present, when) => db.set_expiry(&args[1], Some(when)),
        _ => false,
    };
    reply.int(set.into());
    if set {
        ctx.says_expiry(&args[1], when);
    }
    Ok(())
}

/// Under which condition a time is set. All options that are given have to hold.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Condition(Conditions);

impl Condition {
    /// Reads the conditions that these options are. Some can never hold together.
    pub(crate) fn parse(mut options: Options<'_>) -> Result<Condition, Error> {
        let mut conditions = Conditions::default();
        while let Some(option) = options.peek() {
            if !conditions.take(&mut options) {
                return Err(error::quoting("Unsupported option ", option, ""));
            }
        }
        let Conditions { nx, xx, gt, lt } = conditions;
        if nx && (xx || gt || lt) {
            return Err(error::NX_EXCLUDES_OTHERS);
        }
        if gt && lt {
            return Err(error::GT_EXCLUDES_LT);
        }
        Ok(Condition(conditions))
    }

    /// Whether what expires at `present` may expire at `when` instead. What does not expire has a time that
    /// is later than any.
    pub(crate) fn holds(self, present: Option<Millis>, when: Millis) -> bool {
        let Conditions { nx, xx, gt, lt } = self.0;
        let is_later = present.is_some_and(|present| when > present);
        let is_earlier = present.is_none_or(|present| when < present);
        (!nx || present.is_none())
            && (!xx || present.is_some())
            && (!gt || is_later)
            && (!lt || is_earlier)
    }
}

/// PERSIST key
fn persist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let is_mortal = matches!(db.expiry_to_change(&args[1]), Some(Some(_)));
    reply.int((is_mortal && db.set_expiry(&args[1], None)).into());
    Ok(())
}

/// TTL key
fn ttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, now| to_seconds(when - now))
}

/// PTTL key
fn pttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, now| when - now)
}

/// EXPIRETIME key
fn expiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, _| to_seconds(when))
}

/// PEXPIRETIME key
fn pexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    show(ctx, args, |when, _| when)
}

/// Replies when the key expires: -1 if it does not, -2 if there is no such key. `tell` is given the time
/// of that, which has not come yet, and the present.
fn show(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    tell: impl FnOnce(Millis, Millis) -> i64,
) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let now = db.now();
    reply.int(match db.info(&args[1]).map(|found| found.expiry()) {
        None => -2,
        Some(None) => -1,
        Some(Some(when)) => tell(when, now),
    });
    Ok(())
}

/// To the nearest second.
pub(crate) fn to_seconds(millis: Millis) -> i64 {
    millis.div_euclid(1000) + i64::from(millis.rem_euclid(1000) >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::embed::local::{Connection, Local, request};
    use crate::embed::testing::{show, start_with};
    use std::time::Duration;

    fn start() -> (Local, Connection) {
        let config =
            Config { enable_debug_command: crate::config::Callers::Yes, ..Config::default() };
        start_with(config)
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_key_is_there_up_to_its_last_millisecond() {
        let (mut local, client) = start();
        show(&mut local, client, "SET k v");
        assert_eq!(show(&mut local, client, "PEXPIRE k 1500"), "(integer) 1");
        assert_eq!(show(&mut local, client, "TTL k"), "(integer) 2");
        local.advance(millis(1499));
        assert_eq!(show(&mut local, client, "PTTL k"), "(integer) 1");
        assert_eq!(show(&mut local, client, "TTL k"), "(integer) 0");
        assert_eq!(show(&mut local, client, "GET k"), "\"v\"");
        local.advance(millis(1));
        assert_eq!(show(&mut local, client, "PTTL k"), "(integer) -2");
        assert_eq!(show(&mut local, client, "GET k"), "(nil)");
    }

    #[test]
    fn the_loop_wakes_up_for_the_next_key() {
        let (mut local, client) = start();
        assert_eq!(local.engine.next_deadline(), None);
        for (key, time) in [("a", 300), ("b", 200), ("c", 400)] {
            show(&mut local, client, &format!("SET {key} v"));
            show(&mut local, client, &format!("PEXPIRE {key} {time}"));
        }
        let now = local.engine.world.now.mono;
        assert_eq!(local.engine.next_deadline(), Some(now + 200_000));
        local.advance(millis(200));
        assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 2");
        assert_eq!(local.engine.next_deadline(), Some(now + 300_000));
        show(&mut local, client, "PERSIST a");
        assert_eq!(local.engine.next_deadline(), Some(now + 400_000));
        show(&mut local, client, "DEL c");
        assert_eq!(local.engine.next_deadline(), None);
    }

    #[test]
    fn many_keys_at_once_go_in_slices() {
        let (mut local, client) = start();
        let now = local.engine.world.now;
        for n in 0..5000 {
            show(&mut local, client, &format!("SET {n} v"));
            show(&mut local, client, &format!("PEXPIRE {n} 100"));
        }
        // What was given a time in a turn may all go in the next.
        local.advance(millis(0));
        local.advance(millis(100));
        assert_eq!(local.engine.next_deadline(), Some(now.mono + 100_000));
        let left = local.engine.world.store.db(0).len();
        assert!(left > 0 && left < 5000, "{left}");
        // None of those that are left can be seen.
        assert_eq!(show(&mut local, client, "KEYS *"), "(empty array)");
        assert_eq!(show(&mut local, client, "RANDOMKEY"), "(nil)");
        local.advance(millis(0));
        while local.engine.next_deadline().is_some() {
            local.advance(millis(0));
        }
        assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 0");
        assert_eq!(local.engine.world.store.shared.expired, 5000);
    }

    #[test]
    fn without_active_expiry_a_key_stays_until_it_is_asked_for() {
        let (mut local, client) = start();
        show(&mut local, client, "DEBUG SET-ACTIVE-EXPIRE 0");
        show(&mut local, client, "SET k v");
        show(&mut local, client, "SET j v");
        show(&mut local, client, "PEXPIRE k 100");
        show(&mut local, client, "PEXPIRE j 100");
        assert_eq!(local.engine.next_deadline(), None);
        local.advance(millis(100));
        assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 2");
        assert_eq!(show(&mut local, client, "EXISTS k"), "(integer) 0");
        assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 1");
        show(&mut local, client, "DEBUG SET-ACTIVE-EXPIRE 1");
        local.advance(millis(0));
        assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 0");
    }

    #[test]
    fn keys_that_expire_at_once_do_not_pile_up() {
        let (mut local, client) = start();
        for turn in 0..20 {
            let requests: Vec<u8> = (0..3000)
                .flat_map(|n| request(["SET", &format!("{turn}:{n}"), "v", "PX", "1"]))
                .collect();
            local.send(client, &requests);
            local.received(client);
            local.advance(millis(1));
            assert!(local.engine.world.store.db(0).len() <= 3000);
        }
        for turn in 0..20 {
            let names: Vec<String> = (0..3000).map(|n| format!("{turn}:{n}")).collect();
            let fields = names.iter().flat_map(|name| [name.as_str(), "v"]);
            let words = ["HSETEX", "h", "PX", "1", "FIELDS", "3000"];
            local.call(client, words.into_iter().chain(fields));
            local.advance(millis(1));
            assert_eq!(show(&mut local, client, "EXISTS h"), "(integer) 0");
        }
    }

    #[test]
    fn a_time_that_has_passed_removes_the_key_at_once() {
        let (mut local, client) = start();
        for command in ["EXPIRE k 0", "EXPIRE k -1", "PEXPIREAT k 5", "EXPIREAT k 1699999999"] {
            show(&mut local, client, "SET k v");
            assert_eq!(show(&mut local, client, command), "(integer) 1", "{command}");
            assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 0");
        }
        assert_eq!(local.engine.world.store.shared.expired, 4);
    }

    #[test]
    fn a_huge_value_is_freed_in_slices() {
        let (mut local, client) = start();
        let values: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        for command in ["UNLINK k", "DEL k", "FLUSHALL", "FLUSHDB SYNC", "PEXPIRE k 0", "SET k v"] {
            show(&mut local, client, "DEL k");
            let words = ["SADD", "k"].into_iter().chain(values.iter().map(String::as_str));
            local.call(client, words);
            show(&mut local, client, command);
            let mut turns = 0;
            while let Some(due) = local.engine.next_deadline() {
                assert!(due <= local.engine.world.now.mono);
                local.advance(millis(0));
                turns += 1;
            }
            assert!((5..200).contains(&turns), "{command}: {turns} turns");
        }
    }

    #[test]
    fn conditions_compare_with_the_present_time() {
        let condition = |words: &str| {
            let args: crate::wire::OwnedArgs = words.split_whitespace().collect();
            Condition::parse(args.args().options(0)).map_err(|error| error.to_string())
        };
        for (words, without, later, earlier, same) in [
            ("", true, true, true, true),
            ("NX", true, false, false, false),
            ("XX", false, true, true, true),
            ("GT", false, true, false, false),
            ("LT", true, false, true, false),
            ("xx gt", false, true, false, false),
            ("LT XX", false, false, true, false),
        ] {
            let condition = condition(words).unwrap();
            assert_eq!(condition.holds(None, 10), without, "{words}");
            assert_eq!(condition.holds(Some(9), 10), later, "{words}");
            assert_eq!(condition.holds(Some(11), 10), earlier, "{words}");
            assert_eq!(condition.holds(Some(10), 10), same, "{words}");
        }
        for words in ["NX XX", "GT NX", "LT NX", "GT LT", "NY"] {
            assert!(condition(words).is_err(), "{words}");
        }
    }
}
