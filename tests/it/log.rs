//! The log of the real process: peers cannot fill it, and the server does not wait for its reader.

use std::fs;
use std::io::Read;
use std::sync::mpsc;
use std::thread;

use respd::embed::local::request;

use crate::process::{Folder, Respd, text};
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
