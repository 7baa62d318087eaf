//! The examples, run as a reader would.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::socket::Socket;

fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(name)
}

/// An example that serves.
struct Example {
    child: Child,
    port: u16,
}

impl Example {
    fn start(name: &str) -> Example {
        let mut child = Command::new(path(name)).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().unwrap().trim_end_matches(')').parse().unwrap();
        Example { child, port }
    }

    fn connect(&self) -> Socket {
        Socket::tcp(([127, 0, 0, 1], self.port).into())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn counter_counts() {
    let example = Example::start("counter");
    let mut client = example.connect();
    assert_eq!(client.call(["COUNTER.ADD", "visits", "2"]), "(integer) 2");
    assert_eq!(client.call(["counter.add", "visits", "3"]), "(integer) 5");
    assert!(client.call(["COUNTER.ADD", "visits", "x"]).starts_with("(error) ERR value is not"));
}

#[test]
fn queue_hands_jobs_to_clients_that_wait() {
    let example = Example::start("queue");
    let (mut taker, mut putter) = (example.connect(), example.connect());
    taker.send(b"JOBS.TAKE mail 0\r\n");
    while !putter.call(["CLIENT", "LIST"]).contains("flags=b") {}
    assert_eq!(putter.call(["JOBS.PUT", "mail", "one", "two"]), "(integer) 2");
    assert_eq!(taker.frame().as_deref(), Some(&b"$3\r\none\r\n"[..]));
    assert_eq!(taker.call(["JOBS.TAKE", "mail", "0"]), "\"two\"");
    assert!(taker.call(["JOBS.TAKE", "mail", "x"]).starts_with("(error) ERR timeout"));
    assert_eq!(taker.call(["COMMAND", "GETKEYS", "JOBS.PUT", "a", "b"]), "1) \"a\"");
}

#[test]
fn ticker_pushes_to_clients_that_have_asked() {
    let example = Example::start("ticker");
    let mut client = example.connect();
    client.call(["HELLO", "3"]);
    assert_eq!(client.call(["TICKS", "ON"]), "OK");
    for _ in 0..2 {
        let push = client.frame().unwrap();
        assert!(push.starts_with(b">2\r\n$4\r\ntick\r\n:"), "{}", push.escape_ascii());
    }
    let mut other = example.connect();
    assert!(other.call(["TICKS", "NOW"]).starts_with("(error) ERR TICKS takes"));
}

#[test]
fn wire_speaks_to_itself() {
    let output = Command::new(path("wire")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "PONG\n\"hello\"\n(error) ERR unknown command\n");
}

#[test]
fn kv_front_replies_in_order_however_its_threads_end() {
    let example = Example::start("kv_front");
    let (mut one, mut other) = (example.connect(), example.connect());
    assert_eq!(one.call(["GET", "k"]), "(nil)");
    let pipeline = "SET k 41\r\nINCR k\r\nPING\r\nGET k\r\nDEL k\r\nGET k\r\n".repeat(50);
    one.send(pipeline.as_bytes());
    other.send("INCR n\r\n".repeat(100).as_bytes());
    for _ in 0..50 {
        for expected in ["+OK\r\n", ":42\r\n", "+PONG\r\n", "$2\r\n42\r\n", ":1\r\n", "$-1\r\n"] {
            assert_eq!(one.frame().unwrap(), expected.as_bytes());
        }
    }
    for sum in 1..=100 {
        assert_eq!(other.frame().unwrap(), format!(":{sum}\r\n").as_bytes());
    }
    one.call(["SET", "k", "x"]);
    assert!(one.call(["INCR", "k"]).starts_with("(error) ERR value is not an integer"));
    assert_eq!(one.call(["MULTI"]), "OK");
    assert_eq!(one.call(["GET", "k"]), "QUEUED");
    assert!(one.call(["EXEC"]).contains("(error)"));
}

#[test]
fn kv_front_pushes_what_a_watched_key_becomes() {
    let example = Example::start("kv_front");
    let (mut one, mut other) = (example.connect(), example.connect());
    assert!(one.call(["WATCHKEY", "k"]).starts_with("(error) ERR WATCHKEY needs pushes"));
    one.call(["HELLO", "3"]);
    assert_eq!(one.call(["WATCHKEY", "k", "n"]), "OK");
    other.send(b"SET k v\r\nSET other v\r\nINCR n\r\nDEL k\r\nDEL k\r\nINCR n\r\n");
    for change in ["k\r\n$1\r\nv\r\n", "n\r\n$1\r\n1\r\n", "k\r\n_\r\n", "n\r\n$1\r\n2\r\n"] {
        let push = format!(">3\r\n$9\r\nkeychange\r\n$1\r\n{change}");
        assert_eq!(
            one.frame().unwrap().escape_ascii().to_string(),
            push.escape_default().to_string()
        );
    }
    assert_eq!(one.call(["GET", "n"]), "\"2\"");
}
