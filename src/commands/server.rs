//! The server itself: LOLWUT MODULE ROLE SHUTDOWN TIME.

use super::arguments;
use crate::config::persona::PERSONAS;
use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::{self, DANGEROUS};
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::session::{Departure, Doom};
use crate::wire::Args;
use crate::world::Farewell;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("lolwut", -1, READ | FAST, lolwut).doc(
        "5.0.0",
        "",
        "[VERSION version:integer]",
        "Draws a picture and names the version of the server.",
    ),
    Spec::container("module", MODULE).doc(
        "4.0.0",
        "Depends on the subcommand.",
        "",
        "Commands about loadable modules.",
    ),
    Spec::new("role", 1, NOSCRIPT | LOADING | STALE | FAST | SENTINEL, role)
        .acl(category::ADMIN | DANGEROUS)
        .doc("2.8.12", "O(1)", "", "Returns the part the server has in replication."),
    Spec::new(
        "shutdown",
        -1,
        NO_CALL
            | ADMIN
            | NOSCRIPT
            | LOADING
            | STALE
            | NO_MULTI
            | ALLOW_BUSY
            | SENTINEL
            | MANY_REPLIES,
        shutdown,
    )
    .doc(
        "1.0.0",
        "O(1), or O(N) to save all N keys",
        "[abort-selector: (save-selector-block: [save-selector: NOSAVE | SAVE] [NOW]@7.0 \
            [FORCE]@7.0 [SAFE]@9.0 [FAILOVER]@9.0) | ABORT@7.0]",
        "Stops the server, after saving what its options ask for.",
    )
    .history(&[
        ("7.0.0", "Modifiers `NOW`, `FORCE` and `ABORT`."),
        ("9.0.0", "Modifiers `SAFE` and `FAILOVER`."),
    ]),
    Spec::new("time", 1, LOADING | STALE | FAST, time).tips(&["nondeterministic_output"]).doc(
        "2.6.0",
        "O(1)",
        "",
        "Returns the server's wall clock in seconds and microseconds.",
    ),
];

const MODULE: &[Spec] = &[
    Spec::new("help", 2, LOADING | STALE, help).doc("5.0.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("list", 2, ADMIN | NOSCRIPT, module_list)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "4.0.0",
            "O(N), N being the number of modules",
            "",
            "Returns the modules that are loaded.",
        ),
];

/// LOLWUT [VERSION version] [columns rows [real imaginary]]
///
/// There is one drawing for all versions, and never the same one twice. But its arguments are those that
/// the drawing of each version has in the reference.
fn lolwut(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (version, first) = match args.is(1, "VERSION") && args.len() > 2 {
        true => (arguments::int(args, 2)?, 3),
        false => (LATEST_LOLWUT, 1),
    };
    let given = args.len() - first;
    let integers = match version {
        5 => 3,
        6 => 2,
        LATEST_LOLWUT.. if matches!(given, 0 | 2 | 4) => 2,
        LATEST_LOLWUT.. => return Err(error::LOLWUT),
        _ => 0,
    };
    let mut sizes = Vec::new();
    for index in 0..integers.min(given) {
        sizes.push(arguments::int(args, first + index)?);
    }
    if version >= LATEST_LOLWUT {
        (first + 2..args.len()).try_for_each(|at| arguments::float(args, at).map(drop))?;
    }
    let size = |index: usize, default, most| {
        sizes.get(index).map_or(default, |size| *size.clamp(&1, &most) as usize)
    };
    let mut picture = maze(size(0, 64, 160), size(1, 16, 80), ctx.now().wall);
    picture += "\nThere is a way through. ";
    let persona = ctx.world.config.persona;
    picture += &match persona.server == PERSONAS[0].server {
        true => format!("respd {}, Redis ver. {}\n", env!("CARGO_PKG_VERSION"), persona.version),
        false => format!("{} ver. {}\n", persona.title, persona.version),
    };
    ctx.reply.verbatim(b"txt", picture.as_bytes());
    Ok(())
}

/// The version of Valkey that drew last.
const LATEST_LOLWUT: i64 = 9;

/// Diagonals at random make walls and passages: what `10 PRINT CHR$(205.5+RND(1)); : GOTO 10` drew.
fn maze(columns: usize, rows: usize, seed: u64) -> String {
    let mut state = seed | 1;
    let mut picture = String::new();
    for _ in 0..rows {
        for _ in 0..columns {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            picture.push(if state >> 63 == 0 { '╱' } else { '╲' });
        }
        picture.push('\n');
    }
    picture
}

/// MODULE LIST
fn module_list(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.array(0);
    Ok(())
}

/// ROLE
///
/// A primary at offset 0, without replicas, unless a test has made the port something else.
fn role(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let Ctx { world, reply, slot, .. } = ctx;
    if let Some(sentinel) = world.sentinel_of(*slot) {
        reply.array(2);
        reply.bulk(b"sentinel");
        reply.array(sentinel.watches.len());
        sentinel.watches.iter().for_each(|watch| reply.bulk(watch.group.as_bytes()));
        return Ok(());
    }
    let node = world.nodes().zip(world.node_of(*slot));
    if let Some((nodes, node)) = node.filter(|(_, node)| node.primary.is_some()) {
        let primary = nodes.primary_of(node);
        reply.array(5);
        reply.bulk(b"slave");
        reply.bulk(nodes.host.as_bytes());
        reply.int(primary.port.into());
        reply.bulk(if primary.is_up() { b"connected" } else { b"connect" });
        reply.int(if primary.is_up() { 0 } else { -1 });
        return Ok(());
    }
    reply.array(3);
    reply.bulk(b"master");
    reply.int(0);
    let Some((nodes, node)) = node else {
        reply.array(0);
        return Ok(());
    };
    let replicas = nodes.replicas_of(node.key).filter(|replica| replica.is_up());
    reply.array(replicas.clone().count());
    for replica in replicas {
        reply.array(3);
        reply.bulk(nodes.host.as_bytes());
        reply.bulk_int(replica.port.into());
        reply.bulk(b"0");
    }
    Ok(())
}

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [SAFE] [FAILOVER] | ABORT
///
/// There is no reply: the connection closes. Nothing waits for replicas, so there is never a shutdown
/// to abort. Without NOSAVE and SAVE the data is saved if there are save points. When it cannot be, the server stays,
/// unless FORCE says that it leaves all the same. While a script runs, only NOSAVE is taken, and the script ends with the
/// server.
fn shutdown(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const OPTIONS: [&str; 7] = ["ABORT", "NOSAVE", "SAVE", "FORCE", "FAILOVER", "NOW", "SAFE"];
    let mut given = [false; OPTIONS.len()];
    let mut options = args.options(1);
    while let Some(word) = options.peek() {
        if ctx.row.is_unknown_option(word) {
            return Err(error::SYNTAX);
        }
        let found = OPTIONS.iter().position(|option| options.flag(option));
        given[found.ok_or(error::SYNTAX)?] = true;
    }
    let [abort, nosave, save, force, failover, now, safe] = given;
    if (abort && (nosave || save || force || failover || now || safe)) || (nosave && save) {
        return Err(error::SYNTAX);
    }
    if abort {
        return Err(error::NO_SHUTDOWN);
    }
    if failover {
        return Err(error::SHUTDOWN_FAILOVER);
    }
    if !nosave {
        ctx.world.is_idle()?;
    }
    let client = ctx.client();
    log::info!("client {} at {} asks the server to leave", client.id, client.peer.addr);
    let farewell = match () {
        () if nosave => Farewell::NoSave,
        () if save => Farewell::Save,
        () => Farewell::Configured,
    };
    if (ctx.world.part)(ctx.world, farewell).is_err() && !force {
        log::error!("the server stays: what it has could not be saved");
        return Err(error::SHUTDOWN_FAILED);
    }
    ctx.world.reactor_requests.shutdown = true;
    ctx.world.clients.doom(ctx.slot, Doom::AfterReply, Departure::Shutdown);
    ctx.replies = 0;
    Ok(())
}

/// TIME
fn time(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall as i64;
    ctx.reply.array(2);
    ctx.reply.bulk_int(now / 1_000_000);
    ctx.reply.bulk_int(now % 1_000_000);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::embed::local::Local;

    /// What the server sends when it is sent this, and whether it then wants to leave.
    fn outcome(input: &str) -> (String, bool) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.send(client, input.as_bytes());
        let reply = String::from_utf8(local.received(client)).unwrap();
        let leaves = local.engine.world.reactor_requests.shutdown;
        assert_eq!(local.is_open(client), !leaves);
        (reply, leaves)
    }

    #[test]
    fn a_maze_has_as_many_walls_one_way_as_the_other() {
        let picture = maze(80, 100, 4711);
        let walls = picture.chars().filter(|&wall| wall == '╱').count();
        assert!(walls.abs_diff(4000) < 200, "{walls}");
        assert_eq!(picture.lines().map(|line| line.chars().count()).collect::<Vec<_>>(), [80; 100]);
        assert_ne!(picture, maze(80, 100, 815));
    }

    #[test]
    fn shutdown_says_nothing_and_what_follows_is_not_run() {
        for input in ["SHUTDOWN", "shutdown nosave NOW force safe", "SHUTDOWN SAVE FORCE"] {
            let pipeline = format!("{input}\r\nPING\r\n");
            assert_eq!(outcome(&pipeline), (String::new(), true));
        }
    }

    #[test]
    fn shutdown_refuses_what_it_cannot_do() {
        for (options, error) in [
            ("NOSUCH", "syntax error"),
            ("NOSAVE SAVE", "syntax error"),
            ("ABORT NOW", "syntax error"),
            ("FAILOVER ABORT", "syntax error"),
            ("ABORT", "No shutdown in progress."),
            ("FAILOVER", "SHUTDOWN FAILOVER is only supported in cluster mode."),
            ("SAVE", "Errors trying to SHUTDOWN. Check logs."),
        ] {
            let expected = (format!("-ERR {error}\r\n"), false);
            assert_eq!(outcome(&format!("SHUTDOWN {options}\r\n")), expected);
        }
    }

    #[test]
    fn a_maze_has_the_size_that_was_asked_for() {
        let picture = maze(5, 3, 7);
        assert_eq!(picture.lines().map(|line| line.chars().count()).collect::<Vec<_>>(), [5, 5, 5]);
        assert!(picture.contains('╱') && picture.contains('╲'));
        assert_ne!(picture, maze(5, 3, 8_000_000));
    }

    #[test]
    fn lolwut_takes_any_version() {
        for persona in ["valkey-9.1", "redis-7.0"] {
            let mut config = Config::default();
            config.apply_option("persona", persona).unwrap();
            let mut local = Local::new(config);
            let client = local.connect();
            let picture = local.call(client, ["LOLWUT"]).to_string();
            let info = local.call(client, ["INFO", "server"]).to_string();
            let version = match persona {
                "valkey-9.1" => "Valkey ver. 9.1.2",
                _ => "Redis ver. 7.0.15",
            };
            assert!(picture.contains(version) && !picture.contains("respd"), "{picture}");
            let number = version.rsplit(' ').next().unwrap();
            assert!(info.contains(&format!("_version:{number}")), "{info}");
        }
        let (reply, _) = outcome("LOLWUT VERSION 99 4 1\r\n");
        assert!(reply.ends_with("Redis ver. 7.2.4\n\r\n"), "{reply}");
        let (reply, _) = outcome("LOLWUT VERSION x\r\n");
        assert_eq!(reply, "-ERR value is not an integer or out of range\r\n");
    }

    #[test]
    fn time_is_what_the_engine_was_told() {
        let (reply, _) = outcome("TIME\r\n");
        assert_eq!(reply, "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n");
    }
}
