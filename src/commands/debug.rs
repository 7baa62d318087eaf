//! DEBUG: for who tests clients. It is off unless `enable-debug-command` allows it.
//!
//! As in the reference DEBUG is one command, not a container, so its subcommands have a table of their
//! own. **Adding one is one row of `SUBCOMMANDS` and one function.**

mod keys;

use std::ops::RangeInclusive;
use std::time::Duration;

use super::arguments;
use crate::dispatch::duty::Turn;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::{Handler, Spec};
use crate::dispatch::{Ctx, help};
use crate::error::{self, Error};
use crate::persistence::log;
use crate::persistence::snapshots::{self, Reload};
use crate::text::double;
use crate::wire::{Args, Protocol, Reply};

pub(crate) const TABLE: &[Spec] =
    &[Spec::new("debug", -2, ADMIN | NOSCRIPT | LOADING | STALE, debug).system().doc(
        "1.0.0",
        "Depends on the subcommand.",
        "",
        "Commands for testing servers and clients.",
    )];

struct Subcommand {
    name: &'static str,
    /// The number of arguments, DEBUG and the name counted.
    arity: RangeInclusive<usize>,
    usage: &'static str,
    summary: &'static str,
    run: Handler,
}

const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "DIGEST",
        arity: 2..=2,
        usage: "DIGEST",
        summary: "Returns a digest of all keys of all databases.",
        run: keys::debug_digest,
    },
    Subcommand {
        name: "DIGEST-VALUE",
        arity: 2..=usize::MAX,
        usage: "DIGEST-VALUE [key ...]",
        summary: "Returns a digest of the value of each key.",
        run: keys::debug_digest_value,
    },
    Subcommand {
        name: "ERROR",
        arity: 3..=3,
        usage: "ERROR text",
        summary: "Replies with the text as an error, code and all.",
        run: debug_error,
    },
    Subcommand {
        name: "LOG",
        arity: 3..=3,
        usage: "LOG message",
        summary: "Writes the message to the server's log.",
        run: debug_log,
    },
    Subcommand {
        name: "OBJECT",
        arity: 3..=4,
        usage: "OBJECT key [FAST]",
        summary: "Describes how a value is kept. FAST leaves out its size.",
        run: keys::debug_object,
    },
    Subcommand {
        name: "POPULATE",
        arity: 3..=5,
        usage: "POPULATE count [prefix [size]]",
        summary: "Sets keys key:0, key:1 and so on (or those of another prefix) that are not there \
            to strings, which may be padded with zero bytes to a size.",
        run: keys::debug_populate,
    },
    Subcommand {
        name: "PROTOCOL",
        arity: 3..=3,
        usage: "PROTOCOL type",
        summary: "Replies with a value of that type: string, integer, double, bignum, null, \
            array, set, map, attrib, push, verbatim, true or false.",
        run: debug_protocol,
    },
    Subcommand {
        name: "LOADAOF",
        arity: 2..=2,
        usage: "LOADAOF",
        summary: "Writes what waits for the log, and loads the log in place of the data.",
        run: debug_loadaof,
    },
    Subcommand {
        name: "RELOAD",
        arity: 2..=usize::MAX,
        usage: "RELOAD [option ...]",
        summary: "Saves the data and loads it again. NOSAVE loads what is in the file; NOFLUSH leaves the data \
            where it is, and MERGE lets keys of the file take the place of those that are there.",
        run: debug_reload,
    },
    Subcommand {
        name: "SET-ACTIVE-EXPIRE",
        arity: 3..=3,
        usage: "SET-ACTIVE-EXPIRE flag",
        summary: "With 0, keys whose time has come stay in memory until somebody asks for them. \
            With 1, they go by themselves again.",
        run: keys::debug_set_active_expire,
    },
    Subcommand {
        name: "SET-READY",
        arity: 3..=3,
        usage: "SET-READY flag",
        summary: "With 0, the server is alive and not ready: what needs data is refused. With 1, it \
            is ready.",
        run: debug_set_ready,
    },
    Subcommand {
        name: "SLEEP",
        arity: 3..=3,
        usage: "SLEEP seconds",
        summary: "Stops the whole server for so long. Fractions are allowed.",
        run: debug_sleep,
    },
];

/// DEBUG subcommand [argument ...]
fn debug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if !ctx.is_allowed(ctx.world.config.enable_debug_command) {
        return Err(error::DEBUG_NOT_ALLOWED);
    }
    if args.is(1, "HELP") && args.len() == 2 {
        let entries = SUBCOMMANDS.iter().map(|found| (found.usage.to_owned(), found.summary));
        ctx.reply.help(&help::page(ctx.row.spec.name, entries));
        return Ok(());
    }
    let fits = |found: &&Subcommand| args.is(1, found.name) && found.arity.contains(&args.len());
    match SUBCOMMANDS.iter().find(fits) {
        Some(found) => (found.run)(ctx, args),
        None => Err(ctx.world.config.persona.subcommand_syntax(ctx.row.spec.name, &args[1])),
    }
}

/// DEBUG ERROR text
///
/// The command did what it was asked for, so it does not count as failed.
fn debug_error(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.error(&Error::text(&args[2]));
    Ok(())
}

/// DEBUG LOG message
fn debug_log(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ::log::warn!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2]));
    ctx.reply.ok();
    Ok(())
}

/// DEBUG LOADAOF
///
/// When the log cannot be loaded the data stays as it is, where the reference ends.
fn debug_loadaof(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.store.shared.effects.hand_over_unheld();
    let Ctx { world, table, timer, driver, .. } = ctx;
    log::reload(&mut Turn { world, table, timer, driver: &mut **driver })?;
    ctx.says_nothing();
    ctx.reply.ok();
    Ok(())
}

/// DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]
///
/// When the file cannot be loaded the data stays as it is, where the reference would end or be left with a part of it.
fn debug_reload(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut reload = Reload { saves: true, flushes: true, merges: false };
    let mut options = args.options(2);
    while !options.is_over() {
        match () {
            () if options.flag("MERGE") => reload.merges = true,
            () if options.flag("NOFLUSH") => reload.flushes = false,
            () if options.flag("NOSAVE") => reload.saves = false,
            () => return Err(error::RELOAD_OPTIONS),
        }
    }
    if ctx.world.loading().is_some() {
        return Err(ctx.world.config.persona.not_ready());
    }
    snapshots::reload(ctx.world, reload)?;
    ctx.says_nothing();
    if !(reload.saves && reload.flushes) {
        log::is_outdated(ctx.world);
    }
    ctx.reply.ok();
    Ok(())
}

/// DEBUG SET-READY flag
fn debug_set_ready(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.world.set_ready(arguments::flag(&args[2]));
    ctx.reply.ok();
    Ok(())
}

/// DEBUG SLEEP seconds
///
/// What is no number is no time, as in the reference.
fn debug_sleep(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let seconds = double::parse(&args[2]).unwrap_or(0.0);
    ctx.world.reactor_requests.stall = Duration::try_from_secs_f64(seconds).ok();
    if let Some(stall) = ctx.world.reactor_requests.stall {
        ctx.timer.charge(u64::try_from(stall.as_nanos()).unwrap_or(u64::MAX));
    }
    ctx.reply.ok();
    Ok(())
}

/// DEBUG PROTOCOL type
fn debug_protocol(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match TYPES.iter().find(|(name, _)| args.is(2, name)) {
        Some(("push", _)) if ctx.reply.protocol() == Protocol::Resp2 => {
            Err(error::RESP2_UNSUPPORTED)
        }
        Some((name, write)) => {
            if *name == "push" {
                push(ctx);
            }
            write(ctx.reply);
            Ok(())
        }
        None => {
            let names = TYPES.map(|(name, _)| name).join("|");
            Err(Error::text(format!(
                "ERR Wrong protocol type name. Please use one of the following: {names}"
            )))
        }
    }
}

/// Writes an example of a type.
type Example = fn(&mut Reply);

/// The types of the protocol, in the order in which the error lists them.
#[expect(clippy::approx_constant, reason = "the reference's double is no pi")]
const TYPES: [(&str, Example); 13] = [
    ("string", |reply| reply.bulk(b"Hello World")),
    ("integer", |reply| reply.int(12345)),
    ("double", |reply| reply.double(3.141)),
    ("bignum", |reply| reply.big(b"1234567999999999999999999999999999999")),
    ("null", Reply::null),
    ("array", |reply| {
        reply.array(3);
        (0..3).for_each(|n| reply.int(n));
    }),
    ("set", |reply| {
        reply.set(3);
        (0..3).for_each(|n| reply.int(n));
    }),
    ("map", |reply| {
        reply.map(3);
        for n in 0..3 {
            reply.int(n);
            reply.boolean(n == 1);
        }
    }),
    ("attrib", attrib),
    ("push", |reply| reply.bulk(b"Some real reply following the push reply")),
    ("verbatim", |reply| reply.verbatim(b"txt", b"This is a verbatim\nstring")),
    ("true", |reply| reply.boolean(true)),
    ("false", |reply| reply.boolean(false)),
];

/// RESP2 has no attributes and shows what they are about.
fn attrib(reply: &mut Reply) {
    if reply.attribute(1) {
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.int(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

/// In spite of its text the reply comes first: a push never lands before the reply that is owed.
fn push(ctx: &mut Ctx<'_>) {
    let mut frame = Reply::new(Vec::new(), ctx.reply.protocol());
    frame.push(2);
    frame.bulk(b"server-cpu-usage");
    frame.int(42);
    ctx.world.send(ctx.slot, &frame.into_inner());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Callers;
    use crate::config::Config;
    use crate::embed::local::Local;
    use crate::embed::testing::call;
    use crate::peer::{Address, Kind, Peer};

    fn config(enable_debug_command: Callers) -> Config {
        Config { enable_debug_command, protected_mode: false, ..Config::default() }
    }

    fn call_from(peer: Peer, local: &mut Local, words: &[&str]) -> String {
        let client = local.try_connect(peer).unwrap();
        call(local, client, words)
    }

    #[test]
    fn debug_is_for_whom_the_configuration_allows() {
        let peer = |text: &str| {
            let addr = Address::Tcp(text.parse().unwrap());
            Peer { kind: Kind::Tcp, addr: addr.clone(), laddr: addr, ..Peer::local() }
        };
        let path = Address::Unix("/run/respd.sock".into());
        let unix = Peer { kind: Kind::Unix, addr: path.clone(), laddr: path, ..Peer::local() };
        let (yes, local, no) = (Callers::Yes, Callers::Local, Callers::No);
        for (enabled, peer, allowed) in [
            (yes, peer("10.0.0.1:1"), true),
            (local, peer("10.0.0.1:1"), false),
            (local, peer("127.0.0.1:1"), true),
            (local, peer("[::1]:1"), true),
            (local, unix.clone(), true),
            (local, Peer::local(), true),
            (no, peer("127.0.0.1:1"), false),
            (no, unix, false),
        ] {
            let mut local = Local::new(config(enabled));
            let reply = call_from(peer, &mut local, &["DEBUG", "SLEEP", "0"]);
            assert_eq!(reply == "+OK\r\n", allowed, "{reply}");
            assert_eq!(reply.starts_with("-ERR DEBUG command not allowed."), !allowed, "{reply}");
        }
    }

    #[test]
    fn an_error_is_what_was_asked_for_and_counts_for_none() {
        let mut local = Local::new(config(Callers::Yes));
        let reply = call_from(Peer::local(), &mut local, &["DEBUG", "ERROR", "MOVED a\r\nb"]);
        assert_eq!(reply, "-MOVED a  b\r\n");
        assert_eq!(local.engine.world.stats.error_replies, 0);
    }

    #[test]
    fn sleep_asks_the_loop_to_stand_still() {
        for (text, pause) in [("0.25", 250), ("0", 0), ("x", 0), ("nan", 0)] {
            let mut local = Local::new(config(Callers::Yes));
            call_from(Peer::local(), &mut local, &["DEBUG", "sleep", text]);
            assert_eq!(
                local.engine.world.reactor_requests.stall,
                Some(Duration::from_millis(pause))
            );
        }
        for text in ["-1", "1e300"] {
            let mut local = Local::new(config(Callers::Yes));
            let reply = call_from(Peer::local(), &mut local, &["DEBUG", "SLEEP", text]);
            assert_eq!((&*reply, local.engine.world.reactor_requests.stall), ("+OK\r\n", None));
        }
    }

    #[test]
    fn a_push_follows_the_reply() {
        let mut local = Local::new(config(Callers::Yes));
        let client = local.connect();
        local.send(client, b"HELLO 3\r\n");
        local.received(client);
        local.send(client, b"DEBUG PROTOCOL push\r\n");
        assert_eq!(
            String::from_utf8(local.received(client)).unwrap(),
            "$40\r\nSome real reply following the push reply\r\n\
             >2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"
        );
    }

    #[test]
    fn help_lists_the_types_that_there_are() {
        let protocol = SUBCOMMANDS.iter().find(|found| found.name == "PROTOCOL").unwrap();
        for (name, _) in TYPES {
            assert!(protocol.summary.contains(name), "{name}");
        }
    }
}
