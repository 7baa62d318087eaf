//! What stands between a request and its handler, and what is counted on the way.
//!
//! The commands here are the tests' own, so that nothing depends on which commands respd has.

use respd::Args;
use respd::internals::config::Config;
use respd::internals::dispatch::spec::Spec;
use respd::internals::dispatch::spec::flag::*;
use respd::internals::dispatch::{Ctx, Table};
use respd::internals::embed::local::Local;
use respd::internals::error::{self, Error};

const BOX: &[Spec] = &[Spec::new("open", 2, NONE, answer), Spec::new("fill", -3, NONE, answer)];

const OWN: &[Spec] = &[
    Spec::new("answer", 1, NONE, answer),
    Spec::new("door", 1, NO_AUTH, answer),
    Spec::new("pair", -3, FAST, answer),
    Spec::new("half", 1, NONE, half),
    Spec::new("stumble", 1, NONE, stumble),
    Spec::container("box", BOX),
];

fn answer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.array(2);
    ctx.reply.bulk(ctx.row.full_name.as_bytes());
    ctx.reply.int(args.len() as i64);
    Ok(())
}

/// Writes a part of its reply and then fails.
fn half(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.map(3);
    ctx.reply.ok();
    Err(error::SYNTAX)
}

fn stumble(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.array(2);
    panic!("on purpose");
}

fn local(config: Config) -> Local {
    let mut table = Table::new(respd::internals::embed::groups());
    table.extend([("own", OWN)]);
    Local::with_table(config, table)
}

/// What one client is answered to `input`.
fn replies(local: &mut Local, input: &str) -> String {
    let client = local.connect();
    local.send(client, input.as_bytes());
    String::from_utf8(local.received(client)).unwrap()
}

/// Calls, refusals and failures of a command.
fn counts(local: &mut Local, name: &str) -> (u64, u64, u64) {
    let id = local.engine.table().named(name.as_bytes()).expect("a command").id;
    let stats = local.engine.world.stats.command(id);
    (stats.calls, stats.rejected, stats.failed)
}

#[test]
fn a_handler_runs_when_its_name_and_its_arity_are_right() {
    let mut local = local(Config::default());
    for (input, reply) in [
        ("answer\r\n", "*2\r\n$6\r\nanswer\r\n:1\r\n"),
        ("ANSWER\r\n", "*2\r\n$6\r\nanswer\r\n:1\r\n"),
        ("pair a b c d\r\n", "*2\r\n$4\r\npair\r\n:5\r\n"),
        ("Box Open\r\n", "*2\r\n$8\r\nbox|open\r\n:2\r\n"),
        ("box fill a\r\n", "*2\r\n$8\r\nbox|fill\r\n:3\r\n"),
    ] {
        assert_eq!(replies(&mut local, input), reply);
    }
}

#[test]
fn who_asks_wrongly_is_told_what_is_wrong() {
    let mut local = local(Config::default());
    for (input, reply) in [
        ("answers\r\n", "-ERR unknown command 'answers', with args beginning with: \r\n"),
        ("answer x\r\n", "-ERR wrong number of arguments for 'answer' command\r\n"),
        ("pair a\r\n", "-ERR wrong number of arguments for 'pair' command\r\n"),
        ("box\r\n", "-ERR wrong number of arguments for 'box' command\r\n"),
        ("box open x\r\n", "-ERR wrong number of arguments for 'box|open' command\r\n"),
        ("box Shut x\r\n", "-ERR unknown subcommand 'Shut'. Try BOX HELP.\r\n"),
        ("open\r\n", "-ERR unknown command 'open', with args beginning with: \r\n"),
        ("box|open\r\n", "-ERR unknown command 'box|open', with args beginning with: \r\n"),
    ] {
        assert_eq!(replies(&mut local, input), reply);
    }
}

#[test]
fn strangers_come_no_further_than_the_door() {
    let mut config = Config::default();
    config.apply_option("requirepass", "sesame").unwrap();
    let mut local = local(config);
    let noauth = "-NOAUTH Authentication required.\r\n";
    for input in ["answer\r\n", "answer x\r\n", "nosuch\r\n", "box\r\n", "box nosuch\r\n"] {
        assert_eq!(replies(&mut local, input), noauth);
    }
    assert_eq!(replies(&mut local, "door\r\n"), "*2\r\n$4\r\ndoor\r\n:1\r\n");
    assert_eq!(
        replies(&mut local, "door x\r\n"),
        "-ERR wrong number of arguments for 'door' command\r\n"
    );
    assert_eq!(
        replies(&mut local, "auth sesame\r\nanswer\r\n"),
        "+OK\r\n*2\r\n$6\r\nanswer\r\n:1\r\n"
    );
    assert_eq!(counts(&mut local, "answer"), (1, 2, 0));
}

#[test]
fn an_error_leaves_nothing_of_the_reply_that_was_begun() {
    let mut local = local(Config::default());
    let input = "answer\r\nhalf\r\nanswer\r\n";
    let reply = "*2\r\n$6\r\nanswer\r\n:1\r\n";
    assert_eq!(replies(&mut local, input), format!("{reply}-ERR syntax error\r\n{reply}"));
    assert_eq!(counts(&mut local, "half"), (1, 0, 1));
    assert_eq!(counts(&mut local, "answer"), (2, 0, 0));
}

#[test]
fn a_panic_in_a_handler_closes_its_client_and_nobody_else() {
    let mut local = local(Config::default());
    let (client, other) = (local.connect(), local.connect());
    local.send(client, b"PING\r\nSTUMBLE\r\nPING\r\n");
    assert_eq!(local.received(client), b"+PONG\r\n-ERR internal error, see the server's log\r\n");
    assert!(!local.is_open(client));
    assert_eq!(local.call(other, ["PING"]).to_string(), "PONG");
    assert_eq!(counts(&mut local, "stumble"), (1, 0, 1));
}

#[test]
fn silence_is_kept_about_errors_too() {
    let mut local = local(Config::default());
    assert_eq!(
        replies(
            &mut local,
            "client reply off\r\nanswer\r\nhalf\r\nnosuch\r\nclient reply on\r\nhalf\r\n"
        ),
        "+OK\r\n-ERR syntax error\r\n"
    );
    assert_eq!(
        replies(&mut local, "client reply skip\r\nhalf\r\nhalf\r\n"),
        "-ERR syntax error\r\n"
    );
    assert_eq!(counts(&mut local, "half"), (4, 0, 4));
}

#[test]
fn an_embedders_command_replaces_one_of_the_same_name() {
    const PING: &[Spec] = &[Spec::new("ping", -1, FAST, answer)];
    let groups = respd::internals::embed::groups().chain([("own", PING)]);
    let mut local = Local::with_table(Config::default(), Table::new(groups));
    assert_eq!(replies(&mut local, "PING\r\n"), "*2\r\n$4\r\nping\r\n:1\r\n");
}

#[test]
fn a_handler_that_does_not_reply_once_leaves_its_client_in_step() {
    const WRONG: &[Spec] = &[
        Spec::new("none", 1, NONE, |_, _| Ok(())),
        Spec::new("two", 1, NONE, |ctx, _| {
            ctx.reply.ok();
            ctx.reply.ok();
            Ok(())
        }),
        Spec::new("few", 1, NONE, |ctx, _| {
            ctx.reply.map(2);
            ctx.reply.ok();
            Ok(())
        }),
        Spec::new("over", 1, NONE, |ctx, _| {
            ctx.reply.array(1);
            ctx.reply.ok();
            ctx.reply.int(1);
            Ok(())
        }),
        Spec::new("about", 1, NONE, |ctx, _| {
            if ctx.reply.attribute(1) {
                ctx.reply.ok();
                ctx.reply.ok();
            }
            Ok(())
        }),
        Spec::new("pushes", 1, NONE, |ctx, _| {
            ctx.reply.push(1);
            ctx.reply.ok();
            Ok(())
        }),
    ];
    let mut table = Table::new(respd::internals::embed::groups());
    table.extend([("wrong", WRONG)]);
    let mut local = Local::with_table(Config::default(), table);
    let internal = format!("-{}\r\n", String::from_utf8_lossy(error::INTERNAL.as_bytes()));
    for command in WRONG {
        let name = command.name;
        let client = local.connect();
        local.send(client, b"HELLO 3\r\n");
        local.received(client);
        local.send(client, format!("{name}\r\nPING\r\n").as_bytes());
        let replies = String::from_utf8(local.received(client)).unwrap();
        assert_eq!(replies, format!("{internal}+PONG\r\n"), "{name}");
        local.send(client, format!("MULTI\r\n{name}\r\nPING\r\nEXEC\r\nPING\r\n").as_bytes());
        let replies = String::from_utf8(local.received(client)).unwrap();
        let expected = "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n";
        assert_eq!(replies, format!("{expected}{internal}+PONG\r\n+PONG\r\n"), "{name}");
        assert_eq!(counts(&mut local, name).2, 2, "{name}");
    }
}
