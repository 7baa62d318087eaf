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
    assert!(taker.call(["JOBS.TAKE", "mail", "x"]).starts_with("(error) ERR value is not"));
    assert_eq!(taker.call(["JOBS.TAKE", "mail", "-1"]), "(error) ERR timeout is negative");
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

/// What an example prints that ends by itself.
fn output(name: &str) -> String {
    let output = Command::new(path(name)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn wire_speaks_to_itself() {
    assert_eq!(output("wire"), "PONG\n\"hello\"\n(error) ERR unknown command\n");
}

#[test]
fn app_tests_hold_fifty_at_a_time() {
    let said = output("app_tests");
    assert!(said.starts_with("50 tests, each with a server: "), "{said}");
}

#[test]
fn keyspace_is_changed_before_the_eyes_of_clients() {
    let expected = [
        "an apple and a pear: 1.75",
        "a worker has taken (\"jobs\", \"mail\")",
        "0.25 is out of date: invalidate [array([bulk-string('\"price\"')])]",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "heard by 1 clients",
        "__keyspace@0__:price: del",
        "news: closing time\n",
    ];
    assert_eq!(output("keyspace"), expected.join("\n"));
}

#[test]
fn sensors_are_asked_waited_for_and_followed() {
    let example = Example::start("sensors");
    let (mut one, mut other) = (example.connect(), example.connect());
    other.call(["HELLO", "3"]);
    one.send(b"SENSOR GET hall 600000\r\n");
    while !other.call(["CLIENT", "LIST"]).contains("flags=b") {}
    assert_eq!(other.call(["SENSOR", "REPORT", "hall", "20.5"]), "(true)");
    assert_eq!(one.frame().as_deref(), Some(&b"$4\r\n20.5\r\n"[..]));
    assert_eq!(one.call(["SENSOR", "REPORT", "hall", "22.5"]), "(integer) 0");
    assert_eq!(one.call(["SENSOR", "GET", "attic", "0"]), "(nil)");
    assert!(one.call(["SENSOR", "GET", "attic", "-1"]).starts_with("(error) ERR the time"));
    assert!(one.call(["SENSOR", "REPORT", "hall", "x"]).starts_with("(error) ERR value is not"));
    // What a connection has chosen is its own.
    assert_eq!(other.call(["SENSOR", "UNIT", "F"]), "OK");
    other.send(b"SENSOR ALL\r\n");
    assert_eq!(other.frame().as_deref(), Some(&b"%1\r\n$4\r\nhall\r\n,72.5\r\n"[..]));
    one.send(b"SENSOR ALL\r\n");
    assert_eq!(one.frame().as_deref(), Some(&b"*2\r\n$4\r\nhall\r\n$4\r\n22.5\r\n"[..]));
    assert_eq!(one.call(["COMMAND", "GETKEYS", "SENSOR", "GET", "hall", "0"]), "1) \"hall\"");
    assert_eq!(one.call(["ACL", "SETUSER", "ann", "on", "nopass", "+@sensors", "%R~hall"]), "OK");
    assert_eq!(one.call(["AUTH", "ann", "x"]), "OK");
    assert_eq!(one.call(["SENSOR", "GET", "hall", "0"]), "\"22.5\"");
    for refused in [["SENSOR", "GET", "attic", "0"], ["SENSOR", "REPORT", "hall", "0"]] {
        assert!(one.call(refused).starts_with("(error) NOPERM"), "{refused:?}");
    }
    assert_eq!(other.call(["SENSOR", "FOLLOW", "hall"]), "OK");
    for _ in 0..2 {
        let push = &b">3\r\n$11\r\ntemperature\r\n$4\r\nhall\r\n,22.5\r\n"[..];
        assert_eq!(other.frame().as_deref(), Some(push));
    }
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
    assert!(one.call(["WATCHKEY", "k"]).starts_with("(error) ERR pushes need RESP3"));
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
