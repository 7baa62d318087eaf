//! CONFIG: what an operator may ask and change while the server runs.
//!
//! Names, values and their errors are [`crate::config::Config`]'s, and what a change does beyond having
//! another value is [`World::configure`](crate::world::World::configure)'s.

use crate::access::Grammar;
use crate::config;
use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::files;
use crate::telemetry::Stats;
use crate::wire::Args;

pub(crate) const TABLE: &[Spec] = &[Spec::container("config", CONFIG).doc(
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
    let is_in_cluster = ctx.world.cluster_node_of(ctx.slot).is_some();
    for (name, value) in &found {
        ctx.reply.bulk(name);
        match is_in_cluster && name.eq_ignore_ascii_case(b"cluster-enabled") {
            true => ctx.reply.bulk(b"yes"),
            false => ctx.reply.bulk(value),
        }
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
        Error::text(format!("ERR Rewriting config file: {}", files::reason(&failed)))
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
    let may_change_protected = ctx.is_allowed(ctx.world.config.enable_protected_configs);
    ctx.world
        .configure(&pairs, may_change_protected)
        .map_err(|refused| Error::text([b"ERR ", &refused.to_bytes()[..]].concat()))?;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::embed::testing::{call, start};
    use crate::telemetry::process::Listener;

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
            let spec = row.unwrap().spec;
            let found: Vec<_> =
                (0..words.len()).filter(|&index| spec.is_secret(owned.args(), index)).collect();
            assert_eq!(found, expected, "{words:?}");
        }
    }
}
