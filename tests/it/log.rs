//! The log of the real process: peers cannot fill it, and the server does not wait for its reader.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use respd::internals::embed::local::request;

use crate::lifetime::logged;
use crate::process::{Folder, Respd, run, run_as, text};
use crate::socket::PATIENCE;

const LEFT_OUT: &str = "lines of the log were left out";

/// How many lines have `part` in them.
fn count(log: &str, part: &str) -> usize {
    log.lines().filter(|line| line.contains(part)).count()
}

#[test]
fn of_each_kind_of_line_that_a_peer_can_cause_there_are_a_few_and_a_count() {
    let folder = Folder::new();
    let file = folder.file("respd.log");
    let logfile = format!("logfile={}", text(&file));
    let flags = ["--port", "0", "--requirepass", "sesame", "--maxclients", "8"];
    let options = ["-o", &logfile, "-o", "auth-failure-delay=0", "-o", "loglevel=debug"];
    let mut server = Respd::start(&[&flags[..], &options].concat());
    for _ in 0..100 {
        let mut client = server.connect();
        client.send(b"POST / HTTP/1.1\r\n\r\n");
        client.rest();
        let mut client = server.connect();
        client.send(b"*x\r\n");
        client.rest();
        let mut client = server.connect();
        for _ in 0..3 {
            client.call(["AUTH", "guess"]);
        }
    }
    // Silent ones make room for one another, and those who have logged in do not.
    let _silent: Vec<_> = (0..50).map(|_| server.connect()).collect();
    let _members: Vec<_> = (0..8)
        .map(|_| {
            let mut member = server.connect();
            assert_eq!(member.call(["AUTH", "sesame"]), "OK");
            member
        })
        .collect();
    for _ in 0..50 {
        server.connect().rest();
    }
    server.signal("TERM");
    server.wait();
    let log = fs::read_to_string(&file).expect("a log");
    for (line, summary) in [
        ("speaks HTTP", "80 more clients that speak HTTP within a minute"),
        ("protocol error: ", "80 more protocol errors within a minute"),
        ("failed to log in", "280 more failed logins within a minute"),
        ("was refused: ERR max number", "30 more refused connections within a minute"),
        ("makes room for a newcomer", " more unauthenticated clients that made room"),
    ] {
        assert_eq!((count(&log, line), count(&log, summary)), (20, 1), "{line}: {log}");
    }
    assert_eq!(count(&log, "leaving"), 1, "the last lines are written before the end");
}

#[test]
fn a_log_that_is_not_read_stops_nothing() {
    let environment = [("RUST_LOG", "respd::wire=trace")];
    let (mut server, mut stderr) = Respd::start_with_log(&environment, &["--port", "0"]);
    let mut client = server.connect();
    let batch = request(["ECHO", &"x".repeat(100)]).repeat(1000);
    // Many times what a pipe holds.
    for _ in 0..20 {
        client.send(&batch);
        (0..1000).for_each(|_| assert!(client.frame().is_some()));
    }
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (mut log, mut buffer) = (String::new(), [0; 64 * 1024]);
        while count(&log, LEFT_OUT) == 0
            && let Ok(read @ 1..) = stderr.read(&mut buffer)
        {
            log += &String::from_utf8_lossy(&buffer[..read]);
        }
        tell.send(log)
    });
    let log = told.recv_timeout(PATIENCE).expect("the log goes on when it is read");
    assert!(count(&log, "ECHO") > 1000 && count(&log, LEFT_OUT) == 1, "{} bytes", log.len());
    server.signal("TERM");
    assert!(server.wait().success());
}

/// A server whose log, at `verbose`, goes to a file in `folder`.
fn verbose(folder: &Folder, flags: &[&str]) -> (Respd, PathBuf) {
    let path = folder.file("log");
    let own = ["--port", "0", "--loglevel", "verbose", "--logfile", text(&path)];
    let respd = Respd::start(&[&own[..], flags].concat());
    (respd, path)
}

#[test]
fn each_client_that_leaves_has_its_reason_in_the_log() {
    let folder = Folder::new();
    let flags = ["--client-query-buffer-limit", "1mb", "--enable-debug-command", "yes"];
    let (mut respd, log) = verbose(&folder, &flags);
    let mut operator = respd.connect();
    let told = |number: usize, reason: &str| {
        let line = format!("client {number} at ");
        let log = logged(&log, &format!(": {reason}\n"));
        let found = log.lines().find(|told| told.contains(&line) && told.ends_with(reason));
        found.unwrap_or_else(|| panic!("client {number} {reason}: {log}")).to_owned()
    };
    assert_eq!(operator.call(["CLIENT", "ID"]), "(integer) 1");

    drop(respd.connect());
    let line = told(2, "closed by the peer");
    assert!(line.contains("has left after 0 commands"), "{line}");

    let mut client = respd.connect();
    assert_eq!(client.call(["QUIT"]), "OK");
    client.rest();
    told(3, "QUIT");

    let mut client = respd.connect();
    client.call(["PING"]);
    assert_eq!(operator.call(["CLIENT", "KILL", "ID", "4"]), "(integer) 1");
    client.rest();
    told(4, "CLIENT KILL");

    let mut client = respd.connect();
    client.send(b"*x\r\n");
    client.rest();
    told(5, "protocol error");

    let mut client = respd.connect();
    client.send(b"*2\r\n$4\r\nECHO\r\n$9000000\r\n");
    // The server may have closed it before all is sent.
    let _ = client.try_send(&vec![b'x'; 4 << 20]);
    told(6, "over the query buffer limit (client-query-buffer-limit)");

    let mut client = respd.connect();
    assert_eq!(
        client.call(["CONFIG", "SET", "client-output-buffer-limit", "normal 1000 0 0"]),
        "OK"
    );
    client.send(&request(["ECHO", &"x".repeat(1 << 20)]));
    client.rest();
    told(7, "over the output buffer limit (client-output-buffer-limit)");

    let mut client = respd.connect();
    assert_eq!(operator.call(["ACL", "SETUSER", "bob", "on", "nopass", "+@all"]), "OK");
    assert_eq!(client.call(["AUTH", "bob", "any"]), "OK");
    assert_eq!(operator.call(["ACL", "DELUSER", "bob"]), "(integer) 1");
    client.rest();
    told(8, "its user was deleted or changed");

    respd.signal("TERM");
    assert!(respd.wait().success());
    told(1, "the server leaves");
    let log = fs::read_to_string(&log).expect("a log");
    assert_eq!(count(&log, "has connected to 127.0.0.1:"), 8, "{log}");
}

/// By default the log has none of that.
#[test]
fn clients_that_come_and_go_are_no_news_at_notice() {
    let folder = Folder::new();
    let path = folder.file("log");
    let mut respd = Respd::start(&["--port", "0", "--logfile", text(&path)]);
    drop(respd.connect());
    respd.signal("TERM");
    assert!(respd.wait().success());
    let log = fs::read_to_string(&path).expect("a log");
    assert_eq!((count(&log, "has connected"), count(&log, "has left")), (0, 0), "{log}");
}

/// What a client sends may hold anything. DEBUG LOG writes it, and so does a script.
#[test]
fn no_client_forges_a_line_of_the_log() {
    let forged = "x\n[2026-11-28T00:00:00.000Z ERROR respd] \"forged\" \\ \u{1b}[31m\u{2028}";
    for format in ["legacy", "logfmt", "json"] {
        let folder = Folder::new();
        let (mut respd, log) =
            verbose(&folder, &["--log-format", format, "--enable-debug-command", "yes"]);
        let mut client = respd.connect();
        assert_eq!(client.call(["DEBUG", "LOG", forged]), "OK");
        client.call([&b"DEBUG"[..], b"LOG", b"\xff\xfe\x00"]);
        client.call(["AUTH", forged, forged]);
        client.call(["CLIENT", "SETNAME", forged]);
        respd.signal("TERM");
        assert!(respd.wait().success());
        let log = fs::read_to_string(&log).expect("text");
        assert!(count(&log, "forged") > 0, "{log}");
        for line in log.lines() {
            let begins = match format {
                "legacy" => line.starts_with("[20") && line.contains("] "),
                "logfmt" => line.starts_with("pid=") && line.ends_with('"'),
                _ => line.starts_with("{\"pid\":") && line.ends_with("\"}"),
            };
            assert!(begins && !line.starts_with("[2026-11-28T00:00:00.000Z"), "{format}: {line}");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{2028}'), "{line:?}");
        }
    }
}

#[test]
fn the_first_lines_say_what_was_started() {
    let folder = Folder::new();
    let (file, log) = (folder.file("respd.conf"), folder.file("log"));
    let dir = log.parent().expect("a folder").display().to_string();
    fs::write(&file, "maxclients 50\nmaxmemory 100mb\nactivedefrag no\n").expect("a file");
    let flags = [text(&file), "--port", "0", "--dir", &dir, "--logfile", text(&log)];
    let open = ["--protected-mode", "no", "--bind", "0.0.0.0"];
    let respd = Respd::start(&[&flags[..], &open].concat());
    let lines = logged(&log, "Ready to accept connections: tcp\n");
    for part in [
        &format!(
            "respd {} is starting: pid {}, persona respd",
            env!("CARGO_PKG_VERSION"),
            respd.pid()
        )[..],
        &format!("configuration: {}, the command line", text(&file)),
        "1 directive is accepted without effect: activedefrag",
        "limits: 50 clients (maxclients), ",
        "104857600 bytes of memory (maxmemory)",
        &format!("data: in {dir}: snapshots in dump.rdb when they are asked for"),
        "WARN  respd::start_lines] open to other machines without a password",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    drop(respd);
    fs::remove_file(&log).expect("the log");
    let _closed = Respd::start(&[&flags[..], &open, &["--requirepass", "x"]].concat());
    assert_eq!(count(&logged(&log, "Ready to accept"), "without a password"), 0);
    // Milliseconds, and UTC.
    let lines = fs::read_to_string(&log).expect("a log");
    let time = lines.split(' ').next().expect("a time");
    assert_eq!((time.len(), &time[20..21], &time[24..]), (25, ".", "Z"), "{time}");
}

/// Where the log is not stderr, it has the reason for which the server did not start.
#[test]
fn a_start_that_fails_is_in_the_log() {
    let folder = Folder::new();
    let log = folder.file("log");
    let output = run(&["--bind", "x..y", "--port", "0", "--logfile", text(&log)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("'x..y' is neither an IP address"));
    let lines = fs::read_to_string(&log).expect("a log");
    assert!(lines.contains("ERROR respd::run] the server ends: 'bind': 'x..y'"), "{lines}");
}

/// Test harnesses of redis-server wait for a line on its stdout.
#[test]
fn redis_server_logs_to_stdout() {
    let output = run_as("redis-server", &["--bind", "x..y", "--port", "0"], "");
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(told.contains("is starting: pid ") && told.contains("the server ends"), "{told}");
    let respd = Respd::start_as("redis-server", &["--port", "0"]);
    assert_eq!(respd.connect().call(["PING"]), "PONG");
}

/// What a shell has for another program does not silence this one.
#[test]
fn a_filter_of_another_program_does_not_count() {
    for filter in ["mycrate=debug", ""] {
        let folder = Folder::new();
        let log = folder.file("log");
        let flags = ["--port", "0", "--logfile", text(&log)];
        let respd = Respd::start_in(&[("RUST_LOG", filter)], &flags);
        logged(&log, "Ready to accept connections");
        let mut client = respd.connect();
        assert_eq!(client.call(["CONFIG", "SET", "loglevel", "verbose"]), "OK");
        drop(respd.connect());
        logged(&log, "client 2 ");
    }
}

/// The client whose connection breaks is named.
#[test]
fn a_connection_that_breaks_is_that_of_a_client() {
    let folder = Folder::new();
    let (respd, log) = verbose(&folder, &[]);
    let mut client = respd.connect();
    // A reply that is not read makes the end of a connection a reset.
    client.send(&request(["PING"]));
    let mut another = respd.connect();
    assert_eq!(another.call(["PING"]), "PONG");
    drop(client);
    let lines = logged(&log, "failed: Connection reset");
    assert!(lines.contains("client 1 at 127.0.0.1:"), "{lines}");
    assert!(lines.contains(" goes: reading failed: Connection reset"), "{lines}");
}
