//! CONFIG: what an operator may ask and change while the server runs.
//!
//! Names, values and their errors are [`crate::config::Config`]'s. Here is what a change does beyond
//! having another value: most directives are read where they matter, each time; for the others a row
//! of `EFFECTS` says what happens.

use nix::errno::Errno;

use crate::access::Grammar;
use crate::config::{self, Reason, SetError};
use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::telemetry::{Stats, process};
use crate::wire::Args;
use crate::world::World;

pub const TABLE: &[Spec] = &[Spec::container("config", CONFIG).doc(
    "2.0.0",
    "Depends on the subcommand.",
    "",
    "Commands about the configuration of the running server.",
)];

const CONFIG: &[Spec] = &[
    Spec::new("get", -3, ADMIN | NOSCRIPT | LOADING | STALE, config_get)
        .doc(
            "2.0.0",
            "O(N), N being the number of parameters asked for",
            "parameter...",
            "Returns the parameters whose names match and their values.",
        )
        .history(&[("7.0.0", "Takes several patterns.")])
        .secret(|args, index| index >= 2 && config::selects_secret(&args[index])),
    Spec::new("help", 2, LOADING | STALE, help).doc("5.0.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("resetstat", 2, ADMIN | NOSCRIPT | LOADING | STALE, config_resetstat)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc("2.0.0", "O(1)", "", "Sets the statistics that INFO counts back to zero."),
    Spec::new("rewrite", 2, ADMIN | NOSCRIPT | LOADING | STALE, config_rewrite)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc("2.8.0", "O(1)", "", "Writes the parameters in effect to the configuration file."),
    Spec::new("set", -4, ADMIN | NOSCRIPT | LOADING | STALE, config_set)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "2.0.0",
            "O(N), N being the number of parameters given",
            "(parameter value)...",
            "Changes parameters, all of them or none.",
        )
        .history(&[("7.0.0", "Takes several parameters.")])
        .secret(|args, index| {
            index >= 3 && index % 2 == 1 && !config::is_no_secret(&args[index - 1])
        }),
];

/// CONFIG GET parameter...
fn config_get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let patterns: Vec<&[u8]> = args.from(2).collect();
    let found = ctx.world.config.get(&patterns);
    ctx.reply.map(found.len());
    for (name, value) in &found {
        ctx.reply.bulk(name);
        ctx.reply.bulk(value);
    }
    Ok(())
}

/// CONFIG RESETSTAT
///
/// As in the reference, what ACL rules denied stays counted.
fn config_resetstat(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let tracks_latency = ctx.world.stats.tracks_latency;
    ctx.world.stats = Stats { tracks_latency, ..Stats::new(ctx.table.len()) };
    ctx.world.store.shared.reset_counters();
    ctx.reply.ok();
    Ok(())
}

/// CONFIG REWRITE
fn config_rewrite(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let file = ctx.world.process.config_file.as_deref().ok_or(error::NO_CONFIG_FILE)?;
    if ctx.world.config.aclfile.is_none() {
        let grammar = Grammar::new(&ctx.world.config, ctx.table);
        ctx.world.config.users = ctx.world.access.lines(&ctx.world.config, grammar);
    }
    ctx.world.config.rewrite(file).map_err(|failed| {
        log::error!("CONFIG REWRITE of {}: {failed}", file.display());
        let reason = match failed.raw_os_error() {
            Some(number) => Errno::from_raw(number).desc().to_owned(),
            None => failed.to_string(),
        };
        Error::text(format!("ERR Rewriting config file: {reason}"))
    })?;
    log::info!("CONFIG REWRITE of {}", file.display());
    ctx.reply.ok();
    Ok(())
}

/// CONFIG SET parameter value [parameter value ...]
fn config_set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let words: Vec<&[u8]> = args.from(2).collect();
    if words.len() % 2 == 1 {
        return Err(error::SYNTAX);
    }
    let pairs: Vec<_> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    change(ctx.world, &pairs)
        .map_err(|refused| Error::text([b"ERR ", &refused.to_bytes()[..]].concat()))?;
    ctx.reply.ok();
    Ok(())
}

/// Changes the configuration and does what follows from it, or neither.
fn change(world: &mut World, pairs: &[(&[u8], &[u8])]) -> Result<(), SetError> {
    let before = world.config.clone();
    let changed = world.config.set(pairs)?;
    for (name, effect) in EFFECTS.iter().filter(|(name, _)| changed.contains(name)) {
        if let Err(reason) = effect(world) {
            world.config = before;
            return Err(SetError::refused(name.as_bytes(), reason));
        }
    }
    Ok(())
}

/// What happens when a directive has another value, which is in `world.config` already.
type Effect = fn(&mut World) -> Result<(), Reason>;

/// Those that may fail come first: when one does, nothing has happened yet that would have to be
/// taken back. Listening a second time where the server listens already changes nothing.
const EFFECTS: &[(&str, Effect)] = &[
    ("maxclients", make_room),
    ("admin-commands-on-admin-port", |world| world.config.keeps_a_way_in()),
    ("admin-port", |world| world.config.keeps_a_way_in()),
    ("admin-bind", |world| listen(world, "Failed to bind to specified addresses.")),
    ("bind", |world| listen(world, "Failed to bind to specified addresses.")),
    ("port", |world| listen(world, "Unable to listen on this port. Check server logs.")),
    ("admin-port", |world| listen(world, "Unable to listen on this port. Check server logs.")),
    ("tcp-keepalive", |world| listen(world, "Unable to listen. Check server logs.")),
    ("loglevel", |world| {
        log::set_max_level(world.config.loglevel.filter());
        Ok(())
    }),
    ("requirepass", |world| {
        world.access.set_default_password(&world.config.requirepass);
        Ok(())
    }),
    ("hash-max-listpack-entries", configure_store),
    ("hash-max-listpack-value", configure_store),
    ("hll-sparse-max-bytes", configure_store),
    ("lfu-decay-time", configure_store),
    ("lfu-log-factor", configure_store),
    ("list-max-listpack-size", configure_store),
    ("maxmemory-policy", configure_store),
    ("maxmemory-samples", configure_store),
    ("set-max-intset-entries", configure_store),
    ("set-max-listpack-entries", configure_store),
    ("set-max-listpack-value", configure_store),
    ("zset-max-listpack-entries", configure_store),
    ("zset-max-listpack-value", configure_store),
    ("notify-keyspace-events", |world| {
        world.follow_events();
        Ok(())
    }),
    ("client-output-buffer-limit", |world| {
        world.limit_all_output();
        Ok(())
    }),
    ("commandlog-execution-slower-than", configure_watchers),
    ("commandlog-reply-larger-than", configure_watchers),
    ("commandlog-request-larger-than", configure_watchers),
    ("latency-monitor-threshold", configure_watchers),
    ("latency-tracking", configure_watchers),
    // After the policy by which keys go.
    ("maxmemory", |world| {
        world.limit_unfreed();
        if world.config.maxmemory > 0 && !world.make_room() {
            log::warn!("CONFIG SET: more memory is used than `maxmemory` allows");
        }
        Ok(())
    }),
];

/// The store has a copy of what the configuration says about it.
fn configure_store(world: &mut World) -> Result<(), Reason> {
    world.configure_store();
    Ok(())
}

/// So have those who look on.
fn configure_watchers(world: &mut World) -> Result<(), Reason> {
    world.configure_watchers();
    Ok(())
}

/// Listens where and as the configuration says, if there is anything that listens.
fn listen(world: &mut World, refusal: &'static str) -> Result<(), Reason> {
    let Some(rebind) = &mut world.rebind else {
        return Ok(());
    };
    world.process.listeners = rebind(&world.config).map_err(|error| {
        log::warn!("CONFIG SET: {error}");
        refusal
    })?;
    Ok(())
}

/// Every client needs a file descriptor.
fn make_room(world: &mut World) -> Result<(), Reason> {
    let wanted = world.config.maxclients;
    let room = process::make_room_for_clients(wanted);
    if room < wanted {
        return Err(format!(
            "The operating system is not able to handle the specified number of clients, try with {room}"
        )
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::embed::local::{Connection, Local, request};
    use crate::telemetry::process::Listener;

    fn start() -> (Local, Connection) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        (local, client)
    }

    fn call(local: &mut Local, client: Connection, words: &[&str]) -> String {
        local.send(client, &request(words));
        String::from_utf8(local.received(client)).unwrap()
    }

    #[test]
    fn get_is_a_map() {
        let (mut local, client) = start();
        let get = ["CONFIG", "GET", "HZ", "timeout", "time*"];
        let pairs = "$2\r\nHZ\r\n$2\r\n10\r\n$7\r\ntimeout\r\n$1\r\n0\r\n";
        assert_eq!(call(&mut local, client, &get), format!("*4\r\n{pairs}"));
        call(&mut local, client, &["HELLO", "3"]);
        assert_eq!(call(&mut local, client, &get), format!("%2\r\n{pairs}"));
        assert_eq!(call(&mut local, client, &["CONFIG", "GET", "nosuch"]), "%0\r\n");
    }

    #[test]
    fn a_password_counts_from_the_next_client_on() {
        let (mut local, client) = start();
        let set = ["CONFIG", "SET", "requirepass", "sesame", "timeout", "7"];
        assert_eq!(call(&mut local, client, &set), "+OK\r\n");
        assert_eq!(local.engine.world.config.timeout, 7);
        assert_eq!(call(&mut local, client, &["PING"]), "+PONG\r\n");
        let second = local.connect();
        assert!(call(&mut local, second, &["PING"]).starts_with("-NOAUTH"));
        assert_eq!(call(&mut local, second, &["AUTH", "sesame"]), "+OK\r\n");
        assert_eq!(call(&mut local, client, &["CONFIG", "SET", "requirepass", ""]), "+OK\r\n");
        let third = local.connect();
        assert_eq!(call(&mut local, third, &["PING"]), "+PONG\r\n");
    }

    #[test]
    fn a_change_that_cannot_take_effect_changes_nothing() {
        let (mut local, client) = start();
        let set = ["CONFIG", "SET", "requirepass", "x", "timeout", "7", "maxclients", "4294967295"];
        let reply = call(&mut local, client, &set);
        let error = "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system";
        assert!(reply.starts_with(error), "{reply}");
        assert_eq!(local.engine.world.config, Config::default());
        assert!(!local.engine.world.access.is_login_required());
    }

    #[test]
    fn a_port_that_cannot_be_had_changes_nothing() {
        let (mut local, client) = start();
        local.engine.world.rebind = Some(Box::new(|config| match config.port {
            1 => Err(std::io::Error::other("taken")),
            port => Ok(vec![Listener { name: "tcp", bind: "::1".to_owned(), port: Some(port) }]),
        }));
        assert_eq!(call(&mut local, client, &["CONFIG", "SET", "port", "7000"]), "+OK\r\n");
        assert_eq!(local.engine.world.process.tcp_port(), 7000);
        let set = ["CONFIG", "SET", "requirepass", "x", "port", "1"];
        assert_eq!(
            call(&mut local, client, &set),
            "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.\r\n"
        );
        assert_eq!(local.engine.world.config.port, 7000);
        assert_eq!(local.engine.world.process.tcp_port(), 7000);
        assert!(!local.engine.world.access.is_login_required());
    }

    #[test]
    fn values_come_in_pairs() {
        let (mut local, client) = start();
        let set = ["CONFIG", "SET", "hz", "10", "timeout"];
        assert_eq!(call(&mut local, client, &set), "-ERR syntax error\r\n");
    }

    #[test]
    fn what_was_not_read_from_a_file_cannot_be_written_to_it() {
        let (mut local, client) = start();
        let error = "-ERR The server is running without a config file\r\n";
        assert_eq!(call(&mut local, client, &["CONFIG", "REWRITE"]), error);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_in_the_systems_words() {
        let (mut local, client) = start();
        local.engine.world.process.config_file = Some("/proc/nosuch/respd.conf".into());
        let reply = call(&mut local, client, &["CONFIG", "REWRITE"]);
        assert_eq!(reply, "-ERR Rewriting config file: No such file or directory\r\n");
    }

    #[test]
    fn secrets_are_marked_in_the_arguments() {
        let (local, _) = start();
        for (words, expected) in [
            (&["CONFIG", "SET", "hz", "10", "RequirePass", "x"][..], &[5][..]),
            (&["CONFIG", "SET", "nosuch", "x"], &[3]),
            (&["CONFIG", "SET", "requirepass"], &[]),
            (&["CONFIG", "GET", "hz", "requirepass", "*pass", "*"], &[3, 4, 5]),
        ] {
            let owned: crate::wire::OwnedArgs = words.iter().collect();
            let row = local.engine.table().named(format!("config|{}", words[1]).as_bytes());
            let secret = row.unwrap().spec.secret;
            let found: Vec<_> =
                (0..words.len()).filter(|&index| secret(owned.args(), index)).collect();
            assert_eq!(found, expected, "{words:?}");
        }
    }
}
