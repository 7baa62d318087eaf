use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use respd::{Running, Server};
use respd_exercises::chapter_09::{Lines, meetings};

#[test]
fn the_first_to_come_is_the_first_in_line() {
    let mut lines = Lines::default();
    assert_eq!((lines.first("jobs"), lines.count()), (None, 0));
    lines.join(7, &["jobs"]);
    lines.join(3, &["mail", "jobs"]);
    lines.join(5, &["jobs"]);
    assert_eq!((lines.first("jobs"), lines.first("mail"), lines.count()), (Some(7), Some(3), 2));
    assert_eq!((lines.behind("jobs", 7), lines.behind("jobs", 3)), (Some(3), Some(5)));
    assert_eq!((lines.behind("jobs", 5), lines.behind("mail", 3)), (None, None));
    // What is served leaves all its lines. If it waits again, it is behind the others.
    lines.leave(3);
    assert_eq!((lines.first("mail"), lines.behind("jobs", 7), lines.count()), (None, Some(5), 1));
    lines.leave(7);
    lines.join(7, &["jobs"]);
    assert_eq!((lines.first("jobs"), lines.behind("jobs", 5)), (Some(5), Some(7)));
    lines.leave(5);
    lines.leave(7);
    lines.leave(7);
    assert_eq!((lines.first("jobs"), lines.count()), (None, 0));
}

#[test]
fn a_long_line_is_left_from_the_middle() {
    const CLIENTS: u64 = 10_000;
    let mut lines = Lines::default();
    (0..CLIENTS).for_each(|client| lines.join(client, &["jobs"]));
    (0..CLIENTS).filter(|client| client % 2 == 1).for_each(|client| lines.leave(client));
    let mut next = lines.first("jobs");
    for expected in (0..CLIENTS).step_by(2) {
        assert_eq!(next, Some(expected));
        next = lines.behind("jobs", expected);
    }
    assert_eq!(next, None);
}

fn started() -> Running {
    Server::builder().any_port().commands(meetings()).bind().unwrap().spawn()
}

fn connect(server: &Running) -> TcpStream {
    let client = TcpStream::connect(server.addr().unwrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client
}

/// Sends a line, and returns when so many clients wait.
fn send(server: &Running, client: &mut TcpStream, line: &str, waiting: usize) {
    client.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    let (begun, wanted) = (Instant::now(), format!("blocked_clients:{waiting}\r\n"));
    while !server.handle().call(["INFO", "clients"]).as_str().unwrap_or("").contains(&wanted) {
        assert!(begun.elapsed() < Duration::from_secs(5), "{line}: not {wanted:?}");
        std::thread::yield_now();
    }
}

fn received(client: &mut TcpStream) -> String {
    let mut bytes = [0; 64];
    let length = client.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn all_that_meet_go_on_together() {
    let server = started();
    let [mut ann, mut ben, mut cat] = [(); 3].map(|()| connect(&server));
    for _ in 0..2 {
        send(&server, &mut ann, "MEET lunch 3", 1);
        send(&server, &mut ben, "MEET lunch 3", 2);
        // Another meeting is another meeting.
        send(&server, &mut cat, "MEET alone 1", 2);
        assert_eq!(received(&mut cat), ":1\r\n");
        send(&server, &mut cat, "MEET lunch 3", 0);
        assert_eq!(received(&mut cat), ":3\r\n");
        assert_eq!(received(&mut ben), ":2\r\n");
        assert_eq!(received(&mut ann), ":1\r\n");
    }
}

#[test]
fn a_meeting_that_is_over_has_no_say_in_the_next() {
    let server = started();
    let [mut ann, mut ben] = [(); 2].map(|()| connect(&server));
    send(&server, &mut ann, "MEET lunch 2", 1);
    // The pipeline ends one meeting, and begins the next.
    send(&server, &mut ben, "MEET lunch 2\r\nMEET lunch 2", 1);
    assert_eq!((received(&mut ann), received(&mut ben)), (":1\r\n".into(), ":2\r\n".into()));
    send(&server, &mut ann, "MEET lunch 2", 0);
    assert_eq!((received(&mut ann), received(&mut ben)), (":2\r\n".into(), ":1\r\n".into()));
}
