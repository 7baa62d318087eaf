//! How the process starts, and does not; what signals do to it; and its log file.
//!
//! A signal comes before what a client sends after it: its byte is in the server's pipe by then, and a
//! turn does everything that its events ask for before it sends replies.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{self, Folder, Respd, text};
use crate::socket::{PATIENCE, Socket};

/// What the server prints when it does not start.
fn refusal(flags: &[&str]) -> String {
    let output = process::run(flags);
    assert_eq!(output.status.code(), Some(1), "{flags:?}");
    assert_eq!(output.stdout, b"", "{flags:?}");
    String::from_utf8(output.stderr).unwrap()
}

// The start.

/// 203.0.113.0/24 is for documentation: no machine has an address of it.
#[test]
fn an_optional_address_may_be_missing_from_the_machine() {
    let respd = Respd::start(&["--port", "0", "--bind", "-203.0.113.1", "127.0.0.1"]);
    assert_eq!(respd.addr().ip().to_string(), "127.0.0.1");
    assert_eq!(respd.connect().call(["PING"]), "PONG");

    let told = refusal(&["--port", "0", "--bind", "203.0.113.1", "127.0.0.1"]);
    assert!(
        told.contains("'bind 203.0.113.1' with 'port 0': cannot listen on 203.0.113.1:0: "),
        "{told}"
    );
}

#[test]
fn a_server_that_would_listen_nowhere_does_not_start() {
    for (flags, reason) in [
        (&["-o", "port=0"][..], "'port' is 0"),
        (&["--port", "0", "--bind", ""], "'bind' is empty"),
        (&["--port", "0", "--bind", "-203.0.113.1"], "no address of 'bind' is on this machine"),
    ] {
        let told = refusal(flags);
        assert!(told.contains("configured to listen nowhere: ") && told.contains(reason), "{told}");
    }
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let _unix = Respd::start(&["-o", "port=0", "--unixsocket", text(&path)]);
    assert_eq!(Socket::unix(&path).call(["PING"]), "PONG");
    let admin = Respd::start(&["-o", "port=0", "--admin-port", "0"]);
    let addr: SocketAddr = admin.field("admin").unwrap().parse().unwrap();
    assert_eq!(Socket::tcp(addr).call(["PING"]), "PONG");
}

#[test]
fn a_flag_that_is_no_number_is_told_which_numbers_there_are() {
    for (flag, value, reason) in [
        ("--port", "99999", "a port is a number from 0 to 65535"),
        ("--port", "http", "a port is a number from 0 to 65535"),
        ("--admin-port", "-1", "a port is a number from 0 to 65535"),
        ("--maxclients", "many", "a whole number is expected"),
        ("--maxclients", "0", "a number from 1 to 4294967295 is expected"),
    ] {
        let told = refusal(&[flag, value]);
        assert!(told.contains(&format!("'{} {value}': ", &flag[2..])), "{told}");
        assert!(told.contains(reason), "{told}");
    }
}

/// Every error names the directive and what it is about.
#[test]
fn an_error_at_the_start_names_its_directive_and_its_object() {
    let folder = Folder::new();
    let missing = folder.file("no-such-folder/file");
    let (missing, here) = (text(&missing), folder.file(""));
    let here = text(&here).trim_end_matches('/');
    let config = folder.file("respd.conf");
    fs::write(&config, format!("include {missing}\n")).unwrap();
    let config = text(&config);
    let users = folder.file("users.acl");
    fs::write(&users, "user bob on\nuser eve +nosuch\n").unwrap();
    let users = text(&users);
    let long = folder.file(&"x".repeat(200));
    let long = text(&long);
    let (gone, folder_is) = ("No such file or directory", "Is a directory");
    for (flags, subject, reason) in [
        (&["-o", &format!("logfile={missing}")][..], format!("'logfile {missing}': "), gone),
        (&["-o", &format!("logfile={here}")], format!("'logfile {here}': "), folder_is),
        (&["--unixsocket", missing], format!("'unixsocket {missing}': "), gone),
        (&["--unixsocket", here], format!("'unixsocket {here}': "), "there is another file"),
        (&["--unixsocket", long], format!("'unixsocket {long}': "), "path must be shorter"),
        (&["-o", &format!("aclfile={missing}")], format!("'aclfile {missing}': "), gone),
        (
            &["-o", &format!("aclfile={users}")],
            format!("'aclfile {users}': {users}:2: "),
            "'+nosuch'",
        ),
        (&[missing], format!("{missing}: cannot read the configuration file: "), gone),
        (&[config], format!("{config}:1: 'include {missing}': "), gone),
        (&["--bind", "x..y"], "'bind': 'x..y' ".to_owned(), "neither an IP address"),
        (
            &["-o", "admin-bind=1:2", "--admin-port", "0"],
            "'admin-bind': '1:2' ".to_owned(),
            "neither an IP address",
        ),
        (&["--bind", "127.0.0.1", "127.0.0.1"], "'bind' names '127.0.0.1' twice".to_owned(), ""),
        (&["--persona", "x"], "'persona x': ".to_owned(), "one of the following: respd, "),
        (&["-o", "=x"], "'=…'".to_owned(), "-o takes NAME=VALUE"),
        (&["-o", "user=eve +nosuch"], "'user eve …': ".to_owned(), "+nosuch: Unknown command"),
    ] {
        let told = refusal(&[flags, &["--port", "0"]].concat());
        assert!(told.contains(&subject) && told.contains(reason), "{flags:?}: {told}");
    }
}

#[test]
fn a_port_that_two_listeners_want_is_told_so() {
    // A port that is free, as far as one can know.
    let port = Respd::start(&["--port", "0", "--bind", "127.0.0.1"]).addr().port().to_string();
    let told = refusal(&["--port", &port, "--admin-port", &port, "--bind", "127.0.0.1"]);
    assert!(told.contains(&format!("'admin-port {port}' is 'port', too")), "{told}");
}

/// The file of a unix socket is removed by the server that made it, and by no other.
#[test]
fn a_server_that_leaves_spares_the_unix_socket_of_the_next_one() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let flags = ["--port", "0", "--unixsocket", text(&path)];
    let mut old = Respd::start(&flags);
    let _new = Respd::start(&flags);
    old.signal("TERM");
    assert_eq!(old.wait().code(), Some(0));
    assert_eq!(Socket::unix(&path).call(["PING"]), "PONG");
}

// Signals.

#[test]
fn a_signal_that_means_no_end_ends_nothing() {
    let respd = Respd::start(&["--port", "0"]);
    let mut client = respd.connect();
    assert_eq!(client.call(["SET", "k", "v"]), "OK");
    for signal in ["HUP", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PIPE", "XFSZ"] {
        respd.signal(signal);
        assert_eq!(client.call(["GET", "k"]), "\"v\"", "{signal}");
    }
    // A terminal's way to stop a process for a while, and to let it go on.
    respd.signal("TSTP");
    respd.signal("CONT");
    assert_eq!(client.call(["GET", "k"]), "\"v\"");
}

/// A server whose log goes to the file, and a client of it. The log has its first lines.
fn logging_to(path: &Path) -> (Respd, Socket) {
    let logfile = format!("logfile={}", text(path));
    let respd = Respd::start(&["--port", "0", "-o", &logfile]);
    let client = respd.connect();
    logged(path, "listening on tcp");
    (respd, client)
}

/// Waits for a text in a log, which a thread of the server writes, and returns the log.
pub fn logged(path: &Path, text: &str) -> String {
    let begun = Instant::now();
    loop {
        let log = fs::read_to_string(path).unwrap_or_default();
        if log.contains(text) {
            return log;
        }
        assert!(begun.elapsed() < PATIENCE, "no '{text}' in {log}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_hangup_reopens_the_log_file() {
    let folder = Folder::new();
    let (path, moved) = (folder.file("log"), folder.file("log.1"));
    let (respd, mut client) = logging_to(&path);
    fs::rename(&path, &moved).unwrap();
    respd.signal("HUP");
    assert_eq!(client.call(["PING"]), "PONG");
    logged(&path, &format!("'logfile {}' is reopened", text(&path)));
    assert!(!logged(&moved, "listening on tcp").contains("SIGHUP"));
}

#[test]
fn a_log_file_that_cannot_be_reopened_goes_on_and_says_so() {
    let folder = Folder::new();
    let (path, moved) = (folder.file("log"), folder.file("log.1"));
    let (respd, mut client) = logging_to(&path);
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    respd.signal("HUP");
    assert_eq!(client.call(["PING"]), "PONG");
    logged(&moved, &format!("'logfile {}' cannot be reopened, the old one goes on: ", text(&path)));
}

/// As with `ulimit -f`: the system sends SIGXFSZ, which ends a process by default, and writing fails.
#[test]
fn a_log_file_that_may_not_grow_ends_nothing() {
    let folder = Folder::new();
    let (respd, mut client) = logging_to(&folder.file("log"));
    let limit = format!("prlimit --pid={} --fsize=0:0", respd.pid());
    if !Command::new("sh").args(["-c", &limit]).status().unwrap().success() {
        eprintln!("there is no prlimit here, so this proves nothing");
        return;
    }
    respd.signal("USR1");
    assert_eq!(client.call(["PING"]), "PONG");
}

/// What was a file may be a pipe by then, to which nothing is ever written, and which nothing reads.
#[test]
fn a_hangup_waits_for_no_pipe() {
    let folder = Folder::new();
    let [log, old_log, users] = ["log", "log.1", "users"].map(|name| folder.file(name));
    fs::write(&users, "user bob on nopass +ping\n").unwrap();
    let flags = ["--port", "0", "--logfile", text(&log), "--aclfile", text(&users)];
    let respd = Respd::start(&flags);
    let mut client = respd.connect();
    fs::rename(&log, &old_log).unwrap();
    fs::remove_file(&users).unwrap();
    process::mkfifo(&log);
    process::mkfifo(&users);
    respd.signal("HUP");
    let lines = logged(&old_log, "is not read anew, the users stay as they are: ");
    assert!(lines.contains("cannot be reopened, the old one goes on: nothing reads"), "{lines}");
    assert!(lines.contains("it is a pipe and no file"), "{lines}");
    assert_eq!(client.call(["AUTH", "bob", "x"]), "OK");
    assert_eq!(client.call(["PING"]), "PONG");
}

/// A second SIGINT comes from a person who does not want to wait; a second SIGTERM from a supervisor, perhaps.
#[cfg(feature = "lua")]
#[test]
fn an_interrupt_that_is_repeated_ends_the_process_at_once() {
    for first in ["INT", "TERM"] {
        let folder = Folder::new();
        let (dir, log) = (folder.file(""), folder.file("log"));
        let flags =
            ["--port", "0", "--dir", text(&dir), "--logfile", text(&log), "--save", "3600", "1"];
        let mut respd =
            Respd::start(&[&flags[..], &["--busy-reply-threshold", "1000000"]].concat());
        let mut client = respd.connect();
        assert_eq!(client.call(["SET", "k", "v"]), "OK");
        let script = "redis.log(redis.LOG_WARNING, 'it runs') while true do end";
        client.send(&respd::internals::embed::local::request(["EVAL", script, "0"]));
        logged(&log, "it runs");
        respd.signal(first);
        respd.signal("TERM");
        respd.signal("INT");
        assert_eq!(respd.wait().code(), Some(1), "{first}");
        assert!(!dir.join("dump.rdb").exists());
    }
}
