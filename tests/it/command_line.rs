//! The command line of the real process: what it means, and what it says of a wrong one.
//!
//! What redis-server and valkey-server make of the same words was asked of them.

use std::fs;

use crate::process::{self, Folder, Respd, mkfifo, run_as, text};
use crate::socket::Socket;

/// What the server prints when it does not start.
fn refusal(flags: &[&str]) -> String {
    let output = process::run(flags);
    assert_eq!(output.status.code(), Some(1), "{flags:?}");
    assert_eq!(output.stdout, b"", "{flags:?}");
    String::from_utf8(output.stderr).expect("text")
}

fn get(client: &mut Socket, directive: &str) -> String {
    let reply = client.call(["CONFIG", "GET", directive]);
    let (_, value) = reply.split_once("2) ").expect("a value");
    value.trim_matches('"').to_owned()
}

#[test]
#[cfg(not(feature = "client-test"))]
fn a_build_without_client_test_says_so() {
    let output = process::run(&["client-test", "--list"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("client-test is not in this build"), "{said}");
}

#[test]
fn directives_are_given_as_redis_server_takes_them() {
    let folder = Folder::new();
    for (flags, expected) in [
        (
            &["--maxmemory", "100mb", "--save", "", "--appendonly", "no"][..],
            &[("maxmemory", "104857600"), ("save", ""), ("appendonly", "no")][..],
        ),
        (&["--save", "3600", "1", "300", "100"], &[("save", "3600 1 300 100")]),
        (&["--save", "60", "1", "--save", "300", "10"], &[("save", "60 1 300 10")]),
        (&["--save 60 1", "--timeout 7"], &[("save", "60 1"), ("timeout", "7")]),
        (&["--save", "60 1"], &[("save", "60 1")]),
        (&["--save", "--timeout", "7"], &[("save", ""), ("timeout", "7")]),
        (&["--timeout=7", "--save=60 1"], &[("save", "60 1"), ("timeout", "7")]),
        (&["--TIMEOUT", "7", "--timeout", "8"], &[("timeout", "8")]),
        (
            &["--client-output-buffer-limit", "normal", "1gb", "2mb", "3"],
            &[("client-output-buffer-limit", "normal 1073741824 2097152 3 slave")],
        ),
        (&["--shutdown-on-sigterm", "now", "nosave"], &[("shutdown-on-sigterm", "nosave now")]),
    ] {
        let dir = format!("dir={}", text(&folder.file("")));
        let respd = Respd::start(&[&["--port", "0", "-o", &dir], flags].concat());
        let mut client = respd.connect();
        for (directive, value) in expected {
            let told = get(&mut client, directive);
            assert!(
                told.starts_with(value) && (told == *value || value.contains("slave")),
                "{told}"
            );
        }
        assert_eq!(client.call(["CONFIG", "SET", "save", ""]), "OK");
    }
}

#[test]
fn a_password_may_begin_with_dashes_and_a_user_be_one_word() {
    let flags = ["--port", "0", "--requirepass", "--x", "--user", "bob on >y +ping", "--ready"];
    let respd = Respd::start(&flags);
    let mut client = respd.connect();
    assert!(client.call(["PING"]).contains("NOAUTH"));
    assert_eq!(client.call(["AUTH", "--x"]), "OK");
    assert_eq!(client.call(["AUTH", "bob", "y"]), "OK");
    let several = ["--port", "0", "--user", "eve", "on", ">y", "+ping"];
    let respd = Respd::start(&several);
    assert_eq!(respd.connect().call(["AUTH", "eve", "y"]), "OK");
}

/// `FILE`, then standard input, then the command line: the later counts more.
#[test]
fn standard_input_is_read_behind_the_file_and_before_directives() {
    let folder = Folder::new();
    let file = folder.file("a.conf");
    fs::write(&file, "timeout 1\nhz 11\nmaxclients 11\n").expect("a file");
    let file = text(&file);
    for flags in [&[file, "-", "--hz", "33"][..], &[file, "--hz", "33", "-"]] {
        // It reads standard input to its end and then says what is wrong, which shows what it has read.
        let told = run_as("respd", flags, "timeout 2\nhz x\nnosuch 1\n");
        let told = String::from_utf8(told.stderr).expect("text");
        assert!(told.contains("(standard input):2: 'hz x': "), "{told}");
    }
    let more = folder.file("more");
    fs::write(&more, "timeout 2\nhz 22\n").expect("a file");
    let last = ["--port", "0", "--hz", "33", "-"];
    for flags in [&[file, "-", "--port", "0", "--hz", "33"][..], &[&[file], &last[..]].concat()] {
        let respd = Respd::start_reading(&more, flags);
        let mut client = respd.connect();
        let values = ["maxclients", "timeout", "hz"].map(|name| get(&mut client, name));
        assert_eq!(values, ["11", "2", "33"], "{flags:?}");
    }
    let told = run_as("respd", &["--check", "-"], "timeout 5\n");
    assert_eq!(told.stdout, b"standard input is fine\n");
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_a_person_and_all_at_once() {
    let folder = Folder::new();
    let file = folder.file("a.conf");
    fs::write(&file, "timeout x\n").expect("a file");
    let file = text(&file);
    for (flags, expected) in [
        (&["--port", "abc"][..], &["'port abc': a port is a number from 0 to 65535"][..]),
        (&["--port=70000"], &["'port 70000': a port is a number from 0 to 65535"]),
        (&["--port"], &["'port': there is no value: --port VALUE"]),
        (&["--port", "--save", ""], &["'port --save': one value is expected, and these are 2"]),
        (&["--port", "1", "2"], &["'port 1 2': one value is expected, and these are 2"]),
        (&["--port", "1", file], &["stands behind --port", "the configuration file comes first"]),
        (&[file, file], &["there is one configuration file, and these are two"]),
        (&["--maxmemory", "lots"], &["'maxmemory lots': an amount of memory is expected: 100mb"]),
        (&["--appendonly", "maybe"], &["'appendonly maybe': 'yes' or 'no' is expected"]),
        (&["--loglevel", "loud"], &["'loglevel loud': it is one of the following: debug, "]),
        (&["--save", "60"], &["'save 60': pairs of seconds and changes are expected"]),
        (&["--unixsocketperm", "9"], &["'unixsocketperm 9': the permissions of a file"]),
        (&["--requirepass a b", "c"], &["'requirepass …': one value is expected, and these are 3"]),
        (
            &["--maxclients", "55", "-v"],
            &["'maxclients 55 -v': one value is expected, and these are 2"],
        ),
        (&["--proc-title-template", "{bad}"], &["template format is invalid"]),
        (&["--requirepass", "hunter", "two"], &["'requirepass …': one value is expected"]),
        (&["--shutdown-on-sigint", "save", "nosave"], &["can't be used simultaneously"]),
        (&["-x"], &["there is no flag -x: see respd --help"]),
        (&["--sentinel"], &["respd has no --sentinel"]),
        (&["-", "--exit-with-stdin"], &["'-' reads standard input to its end"]),
        (&["--daemonize", "yes"], &["respd stays in the foreground", "supervised"]),
        (
            &[file, "--port", "x", "--hz", "y", "--appendonly", "z"],
            &["a.conf:1: 'timeout x': ", "'port x': ", "'hz y': ", "'appendonly z': "],
        ),
    ] {
        let told = refusal(flags);
        for part in expected {
            assert!(told.contains(part), "{flags:?}: {told}");
        }
        assert!(told.lines().all(|line| line.starts_with("respd: ")), "{told}");
        assert!(!told.contains("hunter"), "{told}");
    }
}

#[test]
fn a_configuration_can_be_checked_without_a_start() {
    let folder = Folder::new();
    let (good, bad) = (folder.file("good.conf"), folder.file("bad.conf"));
    fs::write(&good, "port 7000\nsave 60 1\n").expect("a file");
    fs::write(&bad, "port 7000\ntimeout x\n").expect("a file");
    for flags in [["--check", text(&good)], [text(&good), "--check"]] {
        let output = process::run(&flags);
        assert!(output.status.success());
        let told = String::from_utf8(output.stdout).expect("text");
        assert!(told.starts_with(&format!("{} is fine", text(&good))), "{told}");
    }
    assert!(refusal(&["--check", text(&bad)]).contains("bad.conf:2: 'timeout x': "));
    assert!(refusal(&["--check", text(&good), "--port", "x"]).contains("a port is a number"));
    assert!(refusal(&["--check", "no-such-file"]).contains("no-such-file"));
}

/// What keeps a server from starting is told by `--check` and by the start, all of it at once.
#[test]
fn everything_that_would_stop_the_start_is_told_at_once() {
    let folder = Folder::new();
    let file = folder.file("a.conf");
    let fifo = folder.file("fifo");
    mkfifo(&fifo);
    let long = format!("unixsocket /{}", "x".repeat(120));
    let tls = format!(
        "tls-cert-file {0}/server.crt\ntls-key-file {0}/ann.key\ntls-auth-clients no",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls")
    );
    let log_to_pipe = format!("logfile {}", text(&fifo));
    let users_from_pipe = format!("aclfile {}", text(&fifo));
    let mut lines: Vec<(&str, &str)> = vec![
        ("user bob on +@foo", "a.conf:1: 'user bob …': "),
        ("user eve on %", "a.conf:1: 'user eve …': "),
        (
            "bind 999.1.1.1",
            "'bind': '999.1.1.1' is neither an IP address nor the name of a machine",
        ),
        (
            "bind 198.51.100.1",
            "'bind 198.51.100.1' with 'port 6379': cannot listen on 198.51.100.1:6379: Cannot assign",
        ),
        ("bind 127.0.0.1 127.0.0.1", "'bind' names '127.0.0.1' twice"),
        ("port 0", "configured to listen nowhere: 'port' is 0, "),
        (
            "aclfile /nope",
            "'aclfile /nope': Error loading ACLs, opening file '/nope': No such file",
        ),
        (&users_from_pipe, "it is a pipe and no file"),
        ("dir /nonexistent", "'dir /nonexistent': No such file or directory"),
        ("dir /dev/null", "'dir /dev/null': Not a directory"),
        (
            "logfile /nonexistent/x",
            "'logfile /nonexistent/x': cannot open it to write: No such file",
        ),
        ("logfile /dev", "'logfile /dev': cannot open it to write: Is a directory"),
        (&log_to_pipe, "cannot open it to write: nothing reads what is written there"),
        ("admin-port 6379", "'admin-port 6379' is 'port', too"),
        (&long, "path must be shorter than SUN_LEN"),
        ("unixsocket /nonexistent/x", "cannot listen there: No such file or directory"),
        ("unixsocket /dev/null", "cannot listen there: there is another file"),
        ("rename-command NOSUCH ''", "No such command in rename-command"),
        ("admin-commands-on-admin-port yes", "there must be an 'admin-port'"),
        ("daemonize yes", "'daemonize yes': respd stays in the foreground"),
        ("timeout x", "a.conf:1: 'timeout x': "),
    ];
    let tls_port = format!("{tls}\ntls-port 6379");
    if cfg!(feature = "tls") {
        lines.push(("tls-port 7000", "there is no 'tls-cert-file', which TLS needs"));
        lines.push((&tls_port, "it is not the key of 'tls-cert-file'"));
        lines.push((&tls_port, "'tls-port 6379' is 'port', too"));
    }
    for (line, expected) in &lines {
        fs::write(&file, format!("{line}\n")).expect("a file");
        for flags in [&["--check", text(&file)][..], &[text(&file)]] {
            let told = refusal(flags);
            assert!(told.contains(expected), "{flags:?} {line}: {told}");
        }
    }
    // Those of one directive exclude one another.
    let apart =
        ["user bob on +@foo", "bind 999.1.1.1", "dir /nonexistent", "logfile /dev", "timeout x"];
    let both: Vec<_> = lines.iter().filter(|(line, _)| apart.contains(line)).collect();
    let all: Vec<&str> = both.iter().map(|(line, _)| *line).collect();
    fs::write(&file, all.join("\n")).expect("a file");
    for flags in [&["--check", text(&file)][..], &[text(&file)]] {
        let told = refusal(flags);
        assert_eq!(told.lines().count(), apart.len(), "{told}");
        for (_, expected) in &both {
            let expected = expected.trim_start_matches("a.conf:1: ");
            assert!(told.contains(expected), "{flags:?} {expected}: {told}");
        }
    }
    assert!(!folder.file("log").exists());
}

/// A file of TLS that is wrong is named, and what is in it is not shown.
#[cfg(feature = "tls")]
#[test]
fn a_file_of_tls_that_is_wrong_is_told_in_words() {
    let folder = Folder::new();
    let file = |name: &str| format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let cut = |name: &str| {
        let (whole, part) = (fs::read_to_string(file(name)).expect("text"), folder.file(name));
        fs::write(&part, &whole[..whole.len() / 2]).expect("a file");
        text(&part).to_owned()
    };
    let (certificate, key) = (file("server.crt"), file("server.key"));
    for (certificate, key, directive, expected) in [
        (file("version-1.crt"), key.clone(), "tls-cert-file", "it is of version 1 of X.509"),
        (cut("server.crt"), key, "tls-cert-file", "it is cut off"),
        (certificate, cut("server.key"), "tls-key-file", "it is cut off"),
    ] {
        let named = if directive == "tls-cert-file" { &certificate } else { &key };
        let expected_start = format!("respd: '{directive} {named}': ");
        let flags =
            ["--tls-auth-clients", "no", "--tls-port", "7000", "--tls-cert-file", &certificate];
        let told = refusal(&[&flags[..], &["--tls-key-file", &key]].concat());
        assert!(told.starts_with(&expected_start) && told.contains(expected), "{told}");
    }
}

#[test]
fn mistakes_beyond_those_that_are_told_are_counted() {
    let folder = Folder::new();
    let file = folder.file("a.conf");
    fs::write(&file, "timeout x\n".repeat(3000)).expect("a file");
    for flags in [&["--check", text(&file)][..], &[text(&file), "--hz", "x"]] {
        let told = refusal(flags);
        assert!(told.ends_with("\nrespd: … and 2000 more\n"), "{}", &told[told.len() - 200..]);
        assert_eq!(told.contains("'hz x'"), flags.contains(&"--hz"));
    }
}

/// Files are read where `--include` stands among the directives.
#[test]
fn a_command_line_includes_files() {
    let folder = Folder::new();
    for (name, lines) in [("1.part", "hz 44\nmaxclients 11\n"), ("2.part", "timeout 7\n")] {
        fs::write(folder.file(name), lines).expect("a file");
    }
    let (dir, parts) = (folder.file(""), folder.file("*.part"));
    let by_equals = format!("--include={}", text(&parts));
    let in_one_word = format!("--include {}", text(&parts));
    for include in [
        &["--include", text(&parts)][..],
        &[&by_equals],
        &[&in_one_word],
        &["--dir", text(&dir), "--include", "*.part"],
    ] {
        let flags = [&["--port", "0", "--maxclients", "12"][..], include, &["--hz", "33"]];
        let respd = Respd::start(&flags.concat());
        let mut client = respd.connect();
        let values = ["maxclients", "timeout", "hz"].map(|name| get(&mut client, name));
        assert_eq!(values, ["11", "7", "33"], "{include:?}");
    }
    fs::write(folder.file("3.part"), "hz x\n").expect("a file");
    let told = refusal(&["--include", text(&parts), "--port", "y"]);
    assert!(told.contains("3.part:1: 'hz x': ") && told.contains("'port y': "), "{told}");
    assert!(refusal(&["--include", "/no/such"]).contains("'include /no/such': /no/such: No such"));
    assert!(refusal(&["--include", "a", "b"]).contains("'include a b': "));
    assert!(refusal(&["--include"]).contains("'include': "));
}

/// A list may stand in one word, in a file within quotes.
#[test]
fn a_list_may_stand_within_quotes() {
    let folder = Folder::new();
    let file = folder.file("a.conf");
    let limits =
        "client-output-buffer-limit \"normal 0 0 0 replica 256mb 64mb 60 pubsub 1mb 8mb 60\"";
    let lines = [
        "save \"60  1 300 10\"",
        limits,
        "latency-tracking-info-percentiles \"50 99\"",
        "oom-score-adj-values \"1 2 3\"",
        "shutdown-on-sigterm \"save now\"",
    ];
    fs::write(&file, lines.join("\n")).expect("a file");
    let flags =
        [text(&file), "--port", "0", "--bind", "\"127.0.0.1\"", "--rename-command", "KEYS", "\"\""];
    let respd = Respd::start(&flags);
    let mut client = respd.connect();
    for (directive, value) in [
        ("save", "60 1 300 10"),
        (
            "client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 8388608 60",
        ),
        ("latency-tracking-info-percentiles", "50 99"),
        ("oom-score-adj-values", "1 2 3"),
        ("shutdown-on-sigterm", "save now"),
        ("bind", "127.0.0.1"),
    ] {
        assert_eq!(get(&mut client, directive), value);
    }
    assert!(client.call(["KEYS", "*"]).contains("unknown command"));
    assert_eq!(client.call(["CONFIG", "REWRITE"]), "OK");
    assert!(fs::read_to_string(&file).expect("text").contains("save \"60  1 300 10\"\n"));
    for line in ["save \"60 1\" \"30 2\"", "save 60 \"1 30\" 2", "client-output-buffer-limit \"\""]
    {
        fs::write(&file, line).expect("a file");
        assert!(refusal(&[text(&file)]).contains("a.conf:1: "), "{line}");
    }
}

#[test]
fn names_of_machines_are_listened_at() {
    let folder = Folder::new();
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    // One that is known without asking another machine.
    let mut names = hosts.lines().filter(|line| line.starts_with("127.")).flat_map(|line| {
        line.split_whitespace().skip(1).filter(|name| *name != "localhost").map(str::to_owned)
    });
    let name = names.next().unwrap_or_else(|| "localhost".to_owned());
    let dir = folder.file("");
    let respd = Respd::start(&["--port", "0", "--bind", &name, "--dir", text(&dir)]);
    assert!(respd.addr().ip().is_loopback());
    let mut client = respd.connect();
    assert_eq!(get(&mut client, "bind"), name);
    assert!(
        client
            .call(["CONFIG", "SET", "bind", "a..b"])
            .ends_with("Failed to bind to specified addresses.")
    );
    assert_eq!(get(&mut client, "bind"), name);
}

/// `--port 0 --unixsocket PATH` serves on the socket alone, as in redis-server, but where the port is announced.
#[test]
fn port_0_is_no_port_beside_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.file("socket");
    let log = folder.file("log");
    let flags = ["--port", "0", "--unixsocket", text(&path), "--logfile", text(&log)];
    let announced = Respd::start(&flags);
    assert!(announced.field("tcp").is_some());
    drop(announced);
    fs::remove_file(&path).expect("the socket");
    fs::remove_file(&log).expect("the log");
    let mut alone = Respd::start_unannounced(&flags);
    let lines = crate::lifetime::logged(&log, "Ready to accept connections: unix\n");
    assert!(!lines.contains("listening on tcp"), "{lines}");
    alone.signal("TERM");
    assert!(alone.wait().success());
}

/// Where a port for TLS or administration is given, `--port 0` opens none in clear: that is the usual command line of a
/// server that speaks TLS alone.
#[test]
fn port_0_is_no_port_beside_another_that_was_given() {
    for (name, others) in [("respd", ADMIN_ALONE), ("redis-server", ADMIN_ALONE)]
        .into_iter()
        .chain(cfg!(feature = "tls").then_some(("redis-server", TLS_ALONE)))
    {
        let folder = Folder::new();
        let log = folder.file("log");
        let port = process::free_port().to_string();
        let others = others(&port);
        let mut flags = vec!["--port", "0", "--bind", "127.0.0.1", "--logfile", text(&log)];
        flags.extend(others.iter().map(String::as_str));
        let mut alone = Respd::start_unannounced_as(name, &flags);
        let lines = crate::lifetime::logged(&log, "Ready to accept connections: ");
        assert!(!lines.contains("listening on tcp"), "{lines}");
        assert!(lines.contains(&format!("127.0.0.1:{port}")), "{lines}");
        alone.signal("TERM");
        assert!(alone.wait().success());
    }
}

const ADMIN_ALONE: fn(&str) -> Vec<String> =
    |port| vec!["--admin-port".to_owned(), port.to_owned()];

const TLS_ALONE: fn(&str) -> Vec<String> = |port| {
    let file = |name: &str| format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let flags = ["--tls-port", port, "--tls-auth-clients", "no"].map(str::to_owned);
    let files = [("--tls-cert-file", "server.crt"), ("--tls-key-file", "server.key")];
    let files = files.into_iter().flat_map(|(flag, name)| [flag.to_owned(), file(name)]);
    flags.into_iter().chain(files).collect()
};

/// Lines that change nothing, as in the reference: a directive of its past, a command that keeps its name, and a locale
/// that compares bytes.
#[test]
fn lines_that_change_nothing_are_taken() {
    let folder = Folder::new();
    let (file, dir) = (folder.file("a.conf"), folder.file(""));
    let lines = "events-per-io-thread 2\nrename-command KEYS keys\nlocale-collate C\n";
    fs::write(&file, lines).expect("a file");
    let respd = Respd::start(&[text(&file), "--port", "0", "--dir", text(&dir), "--"]);
    let mut client = respd.connect();
    assert_eq!(client.call(["KEYS", "*"]), "(empty array)");
    assert_eq!(get(&mut client, "locale-collate"), "C");
    assert_eq!(client.call(["CONFIG", "REWRITE"]), "OK");
}

/// Tools look for `v=` and a version in what redis-server prints.
#[test]
fn the_version_is_told_in_the_words_of_the_program_that_was_started() {
    for flag in ["-v", "--version"] {
        let told = |name: &str| {
            let output = run_as(name, &[flag], "");
            assert!(output.status.success());
            String::from_utf8(output.stdout).expect("text")
        };
        assert_eq!(told("respd"), format!("respd {}\n", env!("CARGO_PKG_VERSION")));
        assert!(
            told("/usr/bin/redis-server")
                .starts_with("Redis server v=7.2.4 sha=00000000:0 malloc=")
        );
        assert!(told("valkey-server").starts_with("Valkey server v=9.1.0 sha=00000000:0 malloc="));
    }
}

#[test]
fn help_names_every_flag() {
    let output = process::run(&["--help"]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).expect("text");
    for flag in ["--NAME VALUE", "-o", "--check", "--print-config", "--ready", "--exit-with-stdin"]
    {
        assert!(told.contains(flag), "{flag}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 100));
}

/// The command lines by which test harnesses, images and charts start redis-server. `{dir}`: a folder. The port is added.
#[rustfmt::skip]
const USUAL: &[(&str, &[&str])] = &[
    (
        "pytest-redis",
        &[
            "--daemonize", "no", "--rdbcompression", "no", "--rdbchecksum", "no", "--appendonly",
            "no", "--databases", "8", "--timeout", "60", "--pidfile", "{dir}/redis.pid",
            "--unixsocket", "{dir}/redis.sock", "--dbfilename", "dump.0.rdb", "--logfile",
            "{dir}/redis.log", "--loglevel", "notice", "--syslog-enabled", "no", "--dir", "{dir}",
            "--save 3600 1",
        ],
    ),
    ("redis-memory-server", &["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]),
    ("testcontainers", &["--requirepass", "x"]),
    ("jest-redis", &["--save", "--dir", "{dir}"]),
    ("ioredis", &["--notify-keyspace-events", "Ex", "--enable-debug-command", "yes"]),
    ("docker-library", &["--save", "60", "1", "--loglevel", "warning", "--dir", "{dir}"]),
    (
        "bitnami",
        &[
            "--pidfile", "{dir}/redis.pid", "--daemonize", "no", "--io-threads", "1",
            "--maxmemory-policy", "noeviction", "--replica-announce-port", "6379",
        ],
    ),
    ("sidekiq", &["--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--hz", "10"]),
    (
        "rails",
        &["--appendonly", "yes", "--appendfsync", "everysec", "--dir", "{dir}", "--save", "900", "1"],
    ),
    ("github actions", &["--protected-mode", "no", "--bind", "0.0.0.0", "-::*"]),
    ("as a chart", &["--replica-announce-ip", "127.0.0.1", "--masterauth", "x", "--masteruser", "y"]),
];

#[test]
fn the_usual_command_lines_of_redis_server_start_it() {
    for (harness, usual) in USUAL {
        let folder = Folder::new();
        let dir = folder.file("").display().to_string();
        let flags: Vec<String> = usual.iter().map(|word| word.replace("{dir}", &dir)).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(["--port", "0"]).collect();
        for name in ["redis-server", "valkey-server"] {
            let mut respd = Respd::start_as(name, &flags);
            let mut client = respd.connect();
            if flags.contains(&"--requirepass") {
                assert_eq!(client.call(["AUTH", "x"]), "OK", "{harness}");
            }
            assert_eq!(client.call(["PING"]), "PONG", "{harness}");
            respd.signal("TERM");
            assert!(respd.wait().success(), "{harness}");
        }
    }
}

/// A chart's file in front, as `redis-server /etc/redis/redis.conf --replica-announce-ip ...`.
#[test]
fn a_file_stands_before_the_directives_of_a_chart() {
    let folder = Folder::new();
    let file = folder.file("redis.conf");
    fs::write(&file, "port 1\nbind 0.0.0.0\nprotected-mode no\nsave \"\"\n").expect("a file");
    // `start_as` puts `--ready` in front, and the file is the file all the same.
    let announce = ["--replica-announce-ip", "127.0.0.1", "--port", "0"];
    let respd = Respd::start_as("redis-server", &[&[text(&file)][..], &announce].concat());
    assert_eq!(respd.addr().ip().to_string(), "0.0.0.0");
}

#[test]
fn unknown_directives_may_be_let_pass_wherever_that_is_said() {
    let folder = Folder::new();
    let (file, log) = (folder.file("a.conf"), folder.file("log"));
    fs::write(&file, "nosuch 1\n").expect("a file");
    let told = refusal(&[text(&file), "--another", "2", "--maxmemroy", "1mb"]);
    assert!(told.contains("a.conf:1: 'nosuch …': ") && told.contains("'another …': "), "{told}");
    assert!(told.contains("did you mean 'maxmemory'?"), "{told}");
    let flags = ["--another", "2", "--unknown-directives", "warn", "--logfile", text(&log)];
    let _respd = Respd::start(&[&[text(&file), "--port", "0"][..], &flags].concat());
    let lines = crate::lifetime::logged(&log, "Ready to accept");
    for line in ["a.conf:1: 'nosuch …'", "command line: 'another …'"] {
        let is_passed = |told: &str| told.contains("let pass") && told.contains(line);
        assert!(lines.lines().any(is_passed), "{lines}");
    }
}

/// What is printed is a file by which nothing changes.
#[test]
fn the_configuration_is_printed_with_every_directive_and_its_meaning() {
    let output = process::run(&["--print-config"]);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).expect("text");
    for part in
        ["\n#port 6379\n", "\n#pidfile \"\"\n", "\n#supervised no\n", "\n#log-format legacy\n"]
    {
        assert!(printed.contains(part), "{part}");
    }
    let told = run_as("respd", &["--check", "-"], &printed);
    assert_eq!(told.stdout, b"standard input is fine\n");
}
