//! `respd play` and `respd record`, as processes: what is recorded plays back, and what is wrong is told.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::process::{Folder, Respd, run, text};
use crate::socket::Socket;

/// A `respd record` that listens. It is killed when this is dropped.
struct Recording {
    child: Child,
    stdin: Option<ChildStdin>,
    addr: SocketAddr,
}

impl Recording {
    fn start(upstream: SocketAddr, file: &Path, flags: &[&str]) -> Recording {
        let mut child = Command::new(env!("CARGO_BIN_EXE_respd"))
            .args(["record", "--upstream", &upstream.to_string()])
            .args(flags)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim_end().split_once(" tcp=").expect("a ready line").1.parse().unwrap();
        let stdin = child.stdin.take();
        Recording { child, stdin, addr }
    }

    /// Ends it by a signal, and returns its exit status.
    fn end(&mut self) -> Option<i32> {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit status of `respd play`, and what it printed.
fn play(args: &[&str]) -> (i32, String, String) {
    let output = run(&[&["play"], args].concat());
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), out, err)
}

/// A file with this text, for `respd play`.
fn file(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.file(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Clients of both protocols, a push, a command that waits, a pipeline, a long value, inline requests.
fn session(addr: SocketAddr) {
    let (mut one, mut two) = (Socket::tcp(addr), Socket::tcp(addr));
    assert!(one.call(["HELLO", "3"]).contains("\"proto\" => (integer) 3"));
    one.call(["CLIENT", "TRACKING", "on"]);
    let long = "x y".repeat(100_000);
    assert_eq!(two.call(["SET", "k", &long]), "OK");
    assert_eq!(one.call(["GET", "k"]).len(), long.len() + 2);
    two.send(b"SET k v\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    assert_eq!(two.take(12), b"+OK\r\n$1\r\nv\r\n");
    assert_eq!(one.frame().unwrap(), b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
    one.send(b"*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n");
    // The client that waits has been heard.
    while !two.call(["CLIENT", "LIST"]).contains("cmd=blpop") {}
    assert_eq!(two.call(["RPUSH", "l", "x"]), "(integer) 1");
    assert_eq!(one.frame().unwrap(), b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    assert_eq!(one.call(["BLPOP", "l", "0.03"]), "(nil)");
    two.send(b"*1\r\n+x\r\n");
    assert!(two.rest().starts_with(b"-ERR Protocol error"));
    one.finish();
    assert_eq!(one.rest(), b"");
}

#[test]
fn a_recorded_session_plays_back() {
    let folder = Folder::new();
    let upstream = Respd::start(&["--port", "0"]);
    let recorded = folder.file("session.txt");
    let mut recording = Recording::start(upstream.addr(), &recorded, &[]);
    session(recording.addr);
    // The file has what a client has, before the recording ends.
    let before = fs::read_to_string(&recorded).unwrap();
    assert!(before.contains("\n!closed\n") && before.contains("Protocol error"), "{before}");
    assert_eq!(recording.end(), Some(0));

    let name = text(&recorded);
    let passed = format!("TAP version 13\n1..1\nok 1 - {name}\n");
    assert_eq!(play(&[name]), (0, passed.clone(), String::new()));
    let other = Respd::start(&["--port", "0"]);
    let addr = other.addr().to_string();
    assert_eq!(play(&[name, &addr]), (0, passed.clone(), String::new()));
    // The key is there already, and the session is another one.
    other.connect().call(["RPUSH", "l", "rest"]);
    let (status, told, _) = play(&[name, &addr]);
    assert_eq!(status, 1, "{told}");
    assert_eq!(play(&["--flush", name, &addr]), (0, passed, String::new()));

    let damaged = fs::read_to_string(&recorded).unwrap().replace("< \"v\"", "< \"w\"");
    let damaged = file(&folder, "damaged.txt", &damaged);
    let (status, told, _) = play(&[&damaged]);
    assert_eq!(status, 1);
    assert!(told.contains(&format!("\nnot ok 1 - {damaged}\n#   line ")), "{told}");
    // The invalidation may have come between the request and its reply: then that is a step of its own.
    assert!(told.contains("\n#   wanted\n#   < \"w\"\n#   got\n#   < \"v\"\n"), "{told}");
}

#[test]
fn each_conversation_is_a_line_of_tap() {
    let folder = Folder::new();
    let both = file(&folder, "a#b.txt", "> GET k\n2< $-1\n3< _\n");
    let timed =
        file(&folder, "timed.txt", "> SET k v EX 9000\n< +OK\n!advance 9000s\n> EXISTS k\n< :0\n");
    let wrong = file(&folder, "wrong.txt", "!plain\n> PING\n< +PING\n@b\n> ECHO x\n< \"y\"\n");
    let (status, told, err) = play(&[&both, &timed, &wrong]);
    let dir = text(&folder.file("")).to_owned();
    let expected = format!(
        "TAP version 13\n1..5\nok 1 - {dir}a\\#b.txt (RESP2)\nok 2 - {dir}a\\#b.txt (RESP3)\n\
         ok 3 - {dir}timed.txt (RESP2)\nok 4 - {dir}timed.txt (RESP3)\nnot ok 5 - {dir}wrong.txt\n\
         #   line 2: > PING\n#   wanted\n#   < +PING\n#   got\n#   < +PONG\n\
         #   line 5: > ECHO x\n#   wanted\n#   < \"y\"\n#   got\n#   < \"x\"\n"
    );
    assert_eq!((status, told, err), (1, expected, String::new()));
    let (status, told, _) = play(&["--protocol", "3", &both]);
    assert_eq!((status, told.lines().nth(1)), (0, Some("1..1")));
}

#[test]
fn a_server_that_hangs_fails_the_conversation() {
    let folder = Folder::new();
    let waits = file(&folder, "waits.txt", "!plain\n> BLPOP l 0\n< *-1\n> PING\n< +PONG\n");
    let (status, told, _) = play(&["--timeout", "0.05", &waits]);
    assert_eq!(status, 1);
    assert!(
        told.ends_with("line 2: > BLPOP l 0\n#   wanted\n#   < *-1\n#   got nothing\n"),
        "{told}"
    );
    // It accepts, and that is all.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let (status, told, err) = play(&["--timeout", "0.05", &waits, &addr]);
    assert_eq!((status, told.as_str()), (2, ""));
    assert!(err.contains("CONFIG GET persona got nothing"), "{err}");
}

#[test]
fn what_cannot_be_played_is_told_before_anything_is() {
    let folder = Folder::new();
    let fine = file(&folder, "fine.txt", "> PING\n< +PONG\n");
    let broken = file(&folder, "broken.txt", "> PING\n< +PONG\n? what\n");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (args, reason) in [
        (&[fine.as_str(), &broken][..], "line 3: no line of a conversation: ? what"),
        (&[&fine, "nosuch.txt"], "cannot read nosuch.txt"),
        (&[&fine, &closed], "cannot connect to 127.0.0.1:"),
        (&["--loud", &fine], "there is no option --loud"),
        (&[], "no conversation to play"),
    ] {
        let (status, told, err) = play(args);
        assert_eq!((status, told.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(reason), "{args:?}: {err}");
    }
    let (status, told, _) = play(&["--help"]);
    assert!(status == 0 && told.starts_with("Usage: respd play"), "{told}");
    // A directive that is none fails the conversation that wants it.
    let odd = file(&folder, "odd.txt", "!config nosuch 1\n> PING\n< +PONG\n");
    let (status, told, _) = play(&[&odd, &fine]);
    assert_eq!(status, 1);
    assert!(told.contains("#   !config nosuch 1: ") && told.contains("ok 4 - "), "{told}");
}

#[test]
fn where_respd_differs_a_reference_has_its_own_replies() {
    let folder = Folder::new();
    let ours = "> ECHO ours\n!ours a title\n< \"ours\"\nref< \"theirs\"\n";
    let ours = file(&folder, "ours.txt", ours);
    let all = file(&folder, "all.txt", "!ours a title\n> PING\n< +PONG\n");
    let redis = file(&folder, "redis.txt", "!reference Redis 8.2\n> PING\n< +PONG\n");
    let config = "!config timeout 7\n> CONFIG GET timeout\n2< [\"timeout\" \"7\"]\n3< %[\"timeout\" => \"7\"]\n";
    let config = file(&folder, "config.txt", config);
    let server = Respd::start(&["--port", "0", "--persona", "redis-7.0"]);
    let addr = server.addr().to_string();
    let args = ["--protocol", "2", &ours, &all, &redis, &config, &addr];
    let (status, told, _) = play(&args);
    assert_eq!((status, told.matches("\nok ").count()), (0, 4), "{told}");
    assert_eq!(server.connect().call(["CONFIG", "GET", "timeout"]), "1) \"timeout\"\n2) \"0\"");
    let (status, told, _) = play(&[&["--reference"][..], &args].concat());
    assert_eq!(status, 1);
    assert!(told.contains("not ok 1 - ") && told.contains("#   ref< \"theirs\"\n"), "{told}");
    assert!(told.contains("all.txt (RESP2) # SKIP it is about respd: a title\n"), "{told}");
    assert!(told.contains("# SKIP its replies are those of Redis 8.2\n"), "{told}");
}

#[test]
fn a_recording_ends_with_its_standard_input_and_spares_files() {
    let folder = Folder::new();
    let upstream = Respd::start(&["--port", "0"]);
    let path = folder.file("kept.txt");
    fs::write(&path, "kept").unwrap();
    let addr = upstream.addr().to_string();
    let refused = run(&["record", "--upstream", &addr, text(&path)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("exists: --replace"), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");

    let mut recording =
        Recording::start(upstream.addr(), &path, &["--replace", "--exit-with-stdin"]);
    let mut client = Socket::tcp(recording.addr);
    assert_eq!(client.call(["PING"]), "PONG");
    drop(recording.stdin.take());
    assert_eq!(recording.child.wait().unwrap().code(), Some(0));
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written.ends_with("!plain\n@1\n> PING\n< +PONG\n@1\n!close\n")
            || written.ends_with("!plain\n@1\n> PING\n< +PONG\n!close\n"),
        "{written}"
    );
    assert_eq!(play(&[text(&path)]).0, 0);

    // Where no server is, nothing is begun.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let none = folder.file("none.txt");
    let refused = run(&["record", "--upstream", &closed, text(&none)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!none.exists());
}

#[test]
fn a_server_that_goes_away_or_speaks_otherwise_ends_the_record_of_its_client() {
    use std::io::Write;
    let folder = Folder::new();
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = folder.file("odd.txt");
    let recording = Recording::start(upstream.local_addr().unwrap(), &path, &[]);
    // The connection that showed where it is.
    drop(upstream.accept().unwrap());
    let mut client = Socket::tcp(recording.addr);
    client.send(b"*1\r\n$4\r\nPING\r\n");
    let (mut server, _) = upstream.accept().unwrap();
    server.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    assert_eq!(client.take(28), b"HTTP/1.1 400 Bad Request\r\n\r\n", "it passes all the same");
    drop((server, upstream));
    client.rest();
    let mut late = Socket::tcp(recording.addr);
    late.rest();
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written.contains("\n# @1 is recorded to here: what the server sent cannot be read"),
        "{written}"
    );
    assert!(written.contains("\n# @2 is recorded to here: "), "{written}");
}

#[test]
fn a_recording_is_there_whatever_ends_it_and_stays_within_its_limit() {
    let upstream = Respd::start(&["--port", "0"]);
    let folder = Folder::new();
    let killed = folder.file("killed.txt");
    let recording = Recording::start(upstream.addr(), &killed, &[]);
    let mut client = Socket::tcp(recording.addr);
    assert_eq!(client.call(["ECHO", "a"]), "\"a\"");
    let kill = format!("kill -KILL {}", recording.child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let said = fs::read_to_string(&killed).unwrap();
    assert!(said.contains("> ECHO a\n") && said.contains("\n< \"a\"\n"), "{said}");

    let full = folder.file("full.txt");
    let recording = Recording::start(upstream.addr(), &full, &["--limit", "1kb"]);
    let mut client = Socket::tcp(recording.addr);
    let long: String = (0..999).map(|n| n.to_string()).collect();
    for word in ["a", long.as_str(), "b"] {
        assert_eq!(client.call(["ECHO", word]), format!("\"{word}\""), "all of it passes");
    }
    drop(recording);
    let said = fs::read_to_string(&full).unwrap();
    assert!(said.len() < 1024 && said.contains("< \"a\"\n"), "{said}");
    let end = "it may have 1024 bytes, and lacks all that follows.\n@1\n!close\n";
    assert!(said.ends_with(end), "{said}");
    let (status, told, err) = play(&[text(&full)]);
    assert_eq!(status, 0, "{told}{err}");
    for (flags, told) in [(&["--limit"][..], "takes a size"), (&["--limit", "0"], "takes a size")] {
        let output = run(&[&["record", "--upstream", "h:1"], flags].concat());
        assert!(String::from_utf8(output.stderr).unwrap().contains(told), "{flags:?}");
    }
}
