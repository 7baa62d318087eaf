//! Commands of an embedder: what is declared, and what follows from it.

use respd::internals::config::persona::PERSONAS;
use respd::{Builder, Command, Commands, Keys, Running, Server};

use crate::socket::Socket;

/// A command that replies with its arguments, its name among them.
fn echo(name: &str) -> Command {
    Command::new(name, |ctx, args| {
        ctx.reply().array(args.len());
        args.from(0).for_each(|arg| ctx.reply().bulk(arg));
        Ok(())
    })
}

fn group(commands: impl IntoIterator<Item = Command>) -> Commands {
    commands.into_iter().fold(Commands::new("own"), Commands::add)
}

fn start(builder: Builder) -> (Running, Socket) {
    let server = builder.any_port().bind().unwrap().spawn();
    let client = Socket::tcp(server.addr().unwrap());
    (server, client)
}

/// A server with these commands, and a client of it.
fn serve(commands: impl IntoIterator<Item = Command>) -> (Running, Socket) {
    start(Server::builder().commands(group(commands)))
}

fn call(client: &mut Socket, line: &str) -> String {
    client.call(line.split(' '))
}

/// Replies that are one line each.
fn assert_replies(client: &mut Socket, expected: &[(&str, &str)]) {
    for (line, reply) in expected {
        assert_eq!(call(client, line), *reply, "{line}");
    }
}

/// A reply without quotes, brackets and numbers of lines.
fn words(reply: &str) -> String {
    let words = reply.split_whitespace().filter(|word| !word.ends_with(')'));
    words.map(|word| word.trim_matches('"')).collect::<Vec<_>>().join(" ")
}

/// A field of COMMAND INFO, in one line.
fn info(client: &mut Socket, name: &str, field: usize) -> String {
    client.send(format!("COMMAND INFO {name}\r\n").as_bytes());
    let (value, _) =
        respd::internals::wire::value::decode(&client.frame().unwrap()).unwrap().unwrap();
    let respd::Value::Array(rows) = value else { panic!("{value:?}") };
    let respd::Value::Array(fields) = &rows[0] else { panic!("{name}: {rows:?}") };
    fields[field].to_string().replace('\n', " ")
}

#[test]
fn an_arity_is_a_range() {
    let (_server, mut client) = serve([
        echo("two.to.four").arity(2..=4),
        echo("at.least.two").arity(2..),
        echo("just.two").arity(2..3),
        echo("at.most.two").arity(..=2),
        echo("any"),
        echo("told").synopsis("item [condition: NX | XX]"),
        echo("box").subcommand(echo("put").arity(3..=4)),
    ]);
    for (name, counts, number) in [
        ("two.to.four", 2..5, "-2"),
        ("at.least.two", 2..7, "-2"),
        ("just.two", 2..3, "2"),
        ("at.most.two", 1..3, "-1"),
        ("any", 1..7, "-1"),
        ("told", 2..4, "-2"),
        ("box put", 3..5, "-3"),
    ] {
        let names = name.split(' ').count();
        for count in names..7 {
            let line = format!("{name}{}", " x".repeat(count - names));
            let full_name = name.replace(' ', "|");
            let refused =
                format!("(error) ERR wrong number of arguments for '{full_name}' command");
            let reply = call(&mut client, &line);
            assert_eq!(reply == refused, !counts.contains(&count), "{line}: {reply}");
        }
        let full_name = name.replace(' ', "|");
        assert_eq!(info(&mut client, &full_name, 1), format!("(integer) {number}"), "{name}");
    }
}

#[test]
fn what_is_beyond_the_arity_ends_a_transaction() {
    let (_server, mut client) = serve([echo("narrow").arity(2..=3)]);
    assert_replies(
        &mut client,
        &[
            ("MULTI", "OK"),
            ("NARROW a b", "QUEUED"),
            ("NARROW a b c", "(error) ERR wrong number of arguments for 'narrow' command"),
            ("EXEC", "(error) EXECABORT Transaction discarded because of previous errors."),
            ("MULTI", "OK"),
            ("NARROW a b", "QUEUED"),
            ("EXEC", "1) 1) \"NARROW\"\n   2) \"a\"\n   3) \"b\""),
        ],
    );
}

#[cfg(feature = "lua")]
#[test]
fn a_script_is_held_to_the_arity() {
    let (_server, mut client) = serve([echo("narrow").arity(2..=3)]);
    let script = ["EVAL", "return redis.call('narrow', 1, 2, 3)", "0"];
    assert!(client.call(script).contains("Wrong number of args"), "{}", client.call(script));
}

#[test]
fn a_container_has_help_and_may_run_alone() {
    let put = || echo("put").synopsis("item [NX]").summary("Puts an item.");
    let (_server, mut client) = serve([
        Command::container("crate").subcommand(put()),
        echo("box").summary("Shows the box.").category("boxes").subcommand(put()),
        Command::container("bin").subcommand(put()).subcommand(echo("help").arity(2..=2)),
    ]);
    assert_replies(
        &mut client,
        &[
            ("CRATE", "(error) ERR wrong number of arguments for 'crate' command"),
            ("CRATE open", "(error) ERR unknown subcommand 'open'. Try CRATE HELP."),
            ("crate put", "(error) ERR wrong number of arguments for 'crate|put' command"),
            ("CRATE put x", "1) \"CRATE\"\n2) \"put\"\n3) \"x\""),
            ("BOX", "1) \"BOX\""),
            ("BOX Put x", "1) \"BOX\"\n2) \"Put\"\n3) \"x\""),
            ("BIN HELP", "1) \"BIN\"\n2) \"HELP\""),
            ("BOX HELP x", "(error) ERR wrong number of arguments for 'box|help' command"),
        ],
    );
    let help = call(&mut client, "BOX HELP");
    for line in [
        "BOX <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)",
        "    Shows the box.",
        "PUT item [NX]",
        "    Puts an item.",
        "    Print this help.",
    ] {
        assert!(help.contains(line), "{line}: {help}");
    }
    assert!(!call(&mut client, "CRATE HELP").contains("(no subcommand)"));
    let docs = call(&mut client, "COMMAND DOCS box");
    for text in ["\"own\"", "\"box|put\"", "\"box|help\"", "\"Puts an item.\"", "\"nx\""] {
        assert!(docs.contains(text), "{text}: {docs}");
    }
    // HELP is in the categories of its container.
    assert!(call(&mut client, "ACL CAT boxes").contains("\"box|help\""));
}

#[test]
fn documentation_is_that_of_the_builder() {
    let command = echo("sum")
        .synopsis("key amount:integer [note]@0.3")
        .summary("Adds.")
        .writes()
        .key(Keys::at(1).reads().changes());
    let (_server, mut client) = serve([command]);
    let docs = call(&mut client, "COMMAND DOCS sum");
    for text in ["Adds.", "own", "amount", "integer", "note", "0.3", "key_spec_index"] {
        assert!(docs.contains(text), "{text}: {docs}");
    }
}

#[test]
fn every_persona_has_commands_of_ones_own() {
    for persona in PERSONAS {
        let builder = Server::builder().option("persona", persona.name).unwrap();
        // As GETEX came with Redis 6.2, and the option with the embedder's version 99.
        let getex = echo("getex").synopsis("item [NEW]@99.0.0");
        let (_server, mut client) = start(builder.commands(group([getex])));
        let name = persona.name;
        assert_eq!(
            call(&mut client, "GETEX a NEW"),
            "1) \"GETEX\"\n2) \"a\"\n3) \"NEW\"",
            "{name}"
        );
        let docs = call(&mut client, "COMMAND DOCS getex");
        let is_whole = docs.matches("99.0.0").count() == 1 && docs.contains("\"NEW\"");
        assert!(docs.starts_with("(error)") || is_whole, "{name}: {docs}");
    }
}

#[test]
fn one_of_the_same_name_replaces_a_command_of_respd() {
    let (_server, mut client) = serve([echo("get"), echo("config").arity(1..)]);
    assert_replies(
        &mut client,
        &[("GET a", "1) \"GET\"\n2) \"a\""), ("CONFIG GET", "1) \"CONFIG\"\n2) \"GET\"")],
    );
    assert_eq!(info(&mut client, "get", 1), "(integer) -1");
    assert!(!call(&mut client, "COMMAND LIST").contains("config|get"));
}

#[test]
fn categories_of_ones_own_are_like_others() {
    let config = "user ann on nopass ~* -@all +@billing +ping\n\
                  user ben on nopass ~* +@all -@billing\n";
    let commands = || {
        group([
            echo("pay").category("billing").writes(),
            echo("owe")
                .category("Billing")
                .category("string")
                .category("ledger")
                .reads()
                .flags("fast"),
            echo("free"),
        ])
    };
    let mut own = respd::Config::default();
    own.read(config).unwrap();
    let (server, mut client) = start(Server::builder().config(own).commands(commands()));
    let categories = call(&mut client, "ACL CAT");
    assert_eq!(categories.matches("\"billing\"").count(), 1, "{categories}");
    assert!(categories.contains("\"ledger\"") && categories.contains("\"string\""), "{categories}");
    assert_eq!(call(&mut client, "ACL CAT billing"), "1) \"pay\"\n2) \"owe\"");
    assert_eq!(call(&mut client, "ACL CAT BILLING"), "1) \"pay\"\n2) \"owe\"");
    assert!(call(&mut client, "ACL CAT bills").contains("Unknown category 'bills'"));
    assert_eq!(call(&mut client, "COMMAND LIST FILTERBY ACLCAT ledger"), "1) \"owe\"");
    assert_eq!(info(&mut client, "pay", 6), "1) @write 2) @slow 3) @billing");
    assert_eq!(info(&mut client, "owe", 6), "1) @read 2) @string 3) @fast 4) @billing 5) @ledger");
    assert_eq!(info(&mut client, "free", 6), "1) @slow");
    let denied = |user: &str, name: &str| {
        format!("(error) NOPERM User {user} has no permissions to run the '{name}' command")
    };
    for (user, granted, refused) in
        [("ann", ["PAY", "OWE"], "free"), ("ben", ["FREE", "GET k"], "pay")]
    {
        let mut other = Socket::tcp(server.addr().unwrap());
        assert_eq!(call(&mut other, &format!("AUTH {user} x")), "OK");
        for line in granted {
            assert!(!call(&mut other, line).starts_with("(error)"), "{user} {line}");
        }
        assert_eq!(call(&mut other, refused), denied(user, refused));
    }
    for (rule, granted) in
        [("-@ledger", "0"), ("+@ledger", "1"), ("-@all", "0"), ("+@billing", "1")]
    {
        assert_eq!(call(&mut client, &format!("ACL SETUSER cat on nopass {rule}")), "OK");
        let dry = call(&mut client, "ACL DRYRUN cat owe");
        assert_eq!(dry == "OK", granted == "1", "{rule}: {dry}");
    }
    assert!(call(&mut client, "ACL GETUSER cat").contains("-@all +@billing"));
    assert!(call(&mut client, "ACL SETUSER cat +@bills").starts_with("(error)"));
    // A configuration that names what there is not says so before the server starts.
    let mut wrong = respd::Config::default();
    wrong.read("user ann on nopass +@bills\n").unwrap();
    let faults = Server::builder().any_port().config(wrong).commands(commands()).faults();
    assert!(faults.len() == 1 && faults[0].contains("+@bills"), "{faults:?}");
    let mut right = respd::Config::default();
    right.read(config).unwrap();
    let faults = Server::builder().any_port().config(right).commands(commands()).faults();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn an_acl_file_knows_categories_of_ones_own() {
    let path = std::env::temp_dir().join(format!("respd-own-{}.acl", std::process::id()));
    std::fs::write(&path, "user default on nopass ~* &* -@all +@billing +acl|whoami\n").unwrap();
    let builder = Server::builder().option("aclfile", path.to_str().unwrap()).unwrap();
    let (_server, mut client) = start(builder.commands(group([echo("pay").category("billing")])));
    assert_eq!(call(&mut client, "PAY"), "1) \"PAY\"");
    assert!(call(&mut client, "GET k").starts_with("(error) NOPERM"));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn keys_are_found_by_their_specs() {
    let (_server, mut client) = serve([
        echo("one").reads().key(Keys::at(1)).arity(2..),
        echo("pairs").writes().key(Keys::range(1, -1, 2).replaces()),
        echo("first.two").writes().key(Keys::range(1, 2, 1).removes()).arity(4..=4),
        echo("pop").writes().key(Keys::range(1, -2, 1).reads().removes()).arity(3..),
        echo("union").reads().key(Keys::counted(1)).arity(3..),
        echo("sum")
            .writes()
            .key(Keys::at(1).reads())
            .key(Keys::behind("store", 2).changes())
            .synopsis("key [STORE destination]"),
        echo("box").subcommand(echo("put").key(Keys::at(2)).arity(3..=3)),
        echo("keyless"),
    ]);
    for (line, keys, flags) in [
        ("one a b", "a", "a RO access"),
        ("pairs a 1 b 2", "a b", "a OW update b OW update"),
        ("first.two a b c", "a b", "a RM delete b RM delete"),
        ("pop a b 0", "a b", "a RW access delete b RW access delete"),
        ("union 2 a b c", "a b", "a RO access b RO access"),
        ("sum a", "a", "a RO access"),
        ("sum store STORE b", "store b", "store RO access b RW update"),
        ("box put a", "a", "a RW access update"),
    ] {
        assert_eq!(words(&call(&mut client, &format!("COMMAND GETKEYS {line}"))), keys, "{line}");
        let shown = call(&mut client, &format!("COMMAND GETKEYSANDFLAGS {line}"));
        assert_eq!(words(&shown), flags, "{line}");
    }
    for (line, error) in [
        ("keyless a", "The command has no key arguments"),
        ("union x a", "Invalid arguments specified for command"),
        ("one", "Invalid number of arguments specified for command"),
    ] {
        let reply = call(&mut client, &format!("COMMAND GETKEYS {line}"));
        assert_eq!(reply, format!("(error) ERR {error}"), "{line}");
    }
    assert_eq!(
        (info(&mut client, "pairs", 4), info(&mut client, "pairs", 5)),
        ("(integer) -1".into(), "(integer) 2".into())
    );
    assert!(info(&mut client, "union", 2).contains("movablekeys"));
}

#[test]
fn rules_about_keys_and_channels_hold() {
    let (_server, mut client) = serve([
        echo("copy").writes().key(Keys::at(1).reads()).key(Keys::at(2).replaces()).arity(3..=3),
        echo("bump").writes().key(Keys::at(1).reads().changes()).arity(2..=2),
        echo("drop").writes().key(Keys::at(1).removes()).arity(2..=2),
        echo("union").reads().key(Keys::counted(1)).arity(3..),
        echo("tell").channel().arity(2..),
        echo("box").subcommand(echo("tell").channel().arity(3..=3)),
    ]);
    for rules in
        ["ann on nopass +@all %R~r* %W~w* ~a* resetchannels &news*", "ben on nopass +@all ~* &*"]
    {
        assert_eq!(call(&mut client, &format!("ACL SETUSER {rules}")), "OK");
    }
    for (line, denied) in [
        ("copy r w", ""),
        ("copy a a", ""),
        ("copy w w", "w"),
        ("copy r r", "r"),
        ("bump a", ""),
        ("bump w", "w"),
        ("drop w", ""),
        ("drop r", "r"),
        ("union 2 r a w", ""),
        ("union 3 r a w", "w"),
        // Which keys these are about cannot be told, and what the command does with them is its own affair.
        ("union x r", "union"),
        ("union 9 r", "union"),
        ("tell news x", ""),
        ("tell sports x", "sports"),
        ("box tell news", ""),
        ("box tell sports", "sports"),
    ] {
        let reply = call(&mut client, &format!("ACL DRYRUN ann {line}"));
        assert_eq!(reply != "OK", !denied.is_empty(), "{line}: {reply}");
        assert!(reply.contains(denied), "{line}: {reply}");
        assert_eq!(call(&mut client, &format!("ACL DRYRUN ben {line}")), "OK", "{line}");
    }
    assert_eq!(call(&mut client, "AUTH ann x"), "OK");
    assert!(call(&mut client, "BUMP r").starts_with("(error) NOPERM"));
    assert_eq!(call(&mut client, "MULTI"), "OK");
    assert!(call(&mut client, "UNION 1 z").starts_with("(error) NOPERM"));
    assert!(call(&mut client, "EXEC").starts_with("(error) EXECABORT"));
    assert_eq!(call(&mut client, "BUMP a"), "1) \"BUMP\"\n2) \"a\"");
}

#[test]
fn what_a_reading_command_has_read_is_tracked() {
    let peek = echo("peek").reads().key(Keys::range(1, -1, 1)).arity(2..);
    let touch = echo("poke").key(Keys::at(1)).arity(2..=2);
    let (server, mut client) = serve([peek, touch]);
    let mut other = Socket::tcp(server.addr().unwrap());
    client.send(b"HELLO 3\r\nCLIENT TRACKING ON\r\nPEEK a b\r\nPOKE c\r\n");
    for _ in 0..4 {
        client.frame().unwrap();
    }
    for key in ["c", "b", "a"] {
        assert_eq!(call(&mut other, &format!("SET {key} 1")), "OK");
    }
    for key in ["b", "a"] {
        let push = format!(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\n{key}\r\n");
        assert_eq!(String::from_utf8(client.frame().unwrap()).unwrap(), push);
    }
}

#[test]
fn flags_decide_when_a_command_runs() {
    let builder = Server::builder().not_ready().option("requirepass", "sesame").unwrap();
    let builder = builder.commands(group([
        echo("greet").flags("no_auth loading"),
        echo("early").flags("loading"),
        echo("plain"),
        echo("alone").flags("no_multi loading"),
        echo("unscripted").flags("noscript"),
        echo("ops").flags("admin").flags("loading"),
        echo("wait").writes().flags("blocking denyoom"),
        echo("quick").flags("fast"),
    ]));
    let (server, mut client) = start(builder);
    assert_eq!(call(&mut client, "GREET"), "1) \"GREET\"");
    assert_eq!(call(&mut client, "EARLY"), "(error) NOAUTH Authentication required.");
    assert_eq!(call(&mut client, "AUTH sesame"), "OK");
    assert_eq!(call(&mut client, "EARLY"), "1) \"EARLY\"");
    assert!(
        call(&mut client, "PLAIN").starts_with("(error) LOADING"),
        "{}",
        call(&mut client, "PLAIN")
    );
    server.handle().ready(true);
    crate::socket::until("the server is ready", || call(&mut client, "PLAIN") == "1) \"PLAIN\"");
    assert_eq!(call(&mut client, "MULTI"), "OK");
    assert!(call(&mut client, "ALONE").starts_with("(error) ERR"));
    assert_eq!(call(&mut client, "DISCARD"), "OK");
    assert_eq!(call(&mut client, "ALONE"), "1) \"ALONE\"");
    let script =
        |name: &str| ["EVAL".to_owned(), format!("return redis.call('{name}')"), "0".to_owned()];
    if cfg!(feature = "lua") {
        assert!(client.call(script("unscripted")).contains("not allowed from script"));
        assert_eq!(client.call(script("plain")), "1) \"plain\"");
    }
    for (name, flags, categories) in [
        ("greet", "loading no_auth", "@slow"),
        ("alone", "loading no_multi", "@slow"),
        ("unscripted", "noscript", "@slow"),
        ("ops", "admin loading", "@admin @slow @dangerous"),
        ("wait", "write denyoom blocking", "@write @slow @blocking"),
        ("quick", "fast", "@fast"),
    ] {
        for (field, expected) in [(2, flags), (6, categories)] {
            let numbered = |(at, word): (usize, &str)| format!("{}) {word}", at + 1);
            let expected: Vec<String> = expected.split(' ').enumerate().map(numbered).collect();
            assert_eq!(info(&mut client, name, field), expected.join(" "), "{name}");
        }
    }
    assert_eq!(call(&mut client, "CONFIG SET maxmemory 1 maxmemory-policy noeviction"), "OK");
    assert!(call(&mut client, "WAIT").starts_with("(error) OOM"));
    assert_eq!(call(&mut client, "QUICK"), "1) \"QUICK\"");
}

/// One command of an embedder through all that looks on.
#[test]
fn statistics_and_logs_know_commands_of_ones_own() {
    let mut config = respd::Config::default();
    let lines =
        "rename-command own.gone \"\"\nslowlog-log-slower-than 0\nuser ann on nopass +own.gone\n";
    config.read(lines).unwrap();
    let commands = group([
        echo("own.pay").secret(2).arity(3..=3),
        echo("own.gone"),
        Command::container("own.box").subcommand(echo("put").secret(3).arity(4..=4)),
    ]);
    let (server, mut client) = start(Server::builder().config(config).commands(commands));
    let mut monitor = Socket::tcp(server.addr().unwrap());
    assert_eq!(call(&mut monitor, "MONITOR"), "OK");
    assert!(call(&mut client, "OWN.GONE").starts_with("(error) ERR unknown command 'OWN.GONE'"));
    assert!(call(&mut client, "OWN.PAY ann 1234").contains("1234"));
    assert!(call(&mut client, "OWN.PAY ann").starts_with("(error) ERR wrong number"));
    assert!(call(&mut client, "OWN.BOX PUT ann 1234").contains("1234"));
    for line in ["\"OWN.PAY\" \"ann\" \"(redacted)\"", "\"OWN.BOX\" \"PUT\" \"ann\" \"(redacted)\""]
    {
        let shown = String::from_utf8(monitor.frame().unwrap()).unwrap();
        assert!(shown.trim_end().ends_with(line), "{shown}");
    }
    let stats = call(&mut client, "INFO commandstats");
    for counted in ["cmdstat_own.pay:calls=1,", "cmdstat_own.box|put:calls=1,"] {
        assert!(stats.contains(counted), "{stats}");
    }
    assert!(
        stats.lines().any(
            |line| line.contains("own.pay") && line.contains("rejected_calls=1,failed_calls=0")
        ),
        "{stats}"
    );
    let slow = call(&mut client, "SLOWLOG GET");
    assert!(
        slow.contains("OWN.PAY") && slow.contains("(redacted)") && !slow.contains("1234"),
        "{slow}"
    );
    let latency = call(&mut client, "LATENCY HISTOGRAM own.pay own.box|put");
    assert!(latency.contains("\"own.pay\"") && latency.contains("own.box|put"), "{latency}");
    assert!(!call(&mut client, "COMMAND LIST").contains("own.gone"));
    assert!(call(&mut client, "CLIENT LIST").contains("cmd=client|list"));
}
