//! Faults on real sockets: what arrives in one piece, what is reset, closed or silent.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::request;
use respd::internals::net::{ListenAddress, Ports};
use respd::{ManualClock, Running, Server};

use crate::process::Respd;
use crate::socket::{PATIENCE, Socket, until};

fn config() -> Config {
    Config { enable_stage_command: Callers::Local, ..Config::default() }
}

/// A server with the fault `f`, its clock, and a client that has set `k`.
fn with_fault(rule: &str) -> (Running, ManualClock, Socket) {
    let clock = ManualClock::new();
    let server = Server::builder().config(config()).any_port().clock(clock.clone());
    let server = server.bind().unwrap().spawn();
    let mut operator = Socket::tcp(server.addr().unwrap());
    assert_eq!(operator.call(["SET", "k", "value"]), "OK");
    assert_eq!(operator.call(format!("STAGE FAULT ADD f {rule}").split(' ')), "OK");
    (server, clock, operator)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What each read brings until there are so many bytes, or the end.
fn reads(stream: &mut TcpStream, bytes: usize) -> Vec<String> {
    let (mut reads, mut buffer, mut total) = (Vec::new(), [0; 1024], 0);
    while total < bytes {
        match stream.read(&mut buffer) {
            Ok(0) => reads.push("end".to_owned()),
            Ok(n) => reads.push(String::from_utf8_lossy(&buffer[..n]).into_owned()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => reads.push("reset".into()),
            Err(error) => panic!("nothing arrived: {error}"),
        }
        match reads.last().map(String::as_str) {
            Some("end" | "reset") => break,
            last => total += last.map_or(0, str::len),
        }
    }
    reads
}

#[test]
fn the_segments_of_a_split_reply_are_read_apart() {
    let (server, _, _operator) = with_fault("ON GET DO SPLIT EACH 3 THEN SPLIT BEFORE lu PAUSE 5");
    let mut client = connect(server.addr().unwrap());
    client.write_all(&[request(["GET", "k"]), request(["PING"])].concat()).unwrap();
    // A reader that is late finds two pieces in one: it is the server's part that none is sent too early.
    let read = reads(&mut client, 18).concat();
    assert_eq!(read, "$5\r\nvalue\r\n+PONG\r\n");
    client.write_all(&request(["CLIENT", "LIST"])).unwrap();
    let list = reads(&mut client, 100).concat();
    let written = list.split("tot-net-out=").nth(2).unwrap().split(' ').next();
    assert_eq!(written, Some("18"), "{list}");
}

#[test]
fn a_pause_keeps_the_segments_apart() {
    let (server, clock, _operator) = with_fault("ON GET DO SPLIT EACH 4 PAUSE 20");
    clock.freeze();
    let mut client = connect(server.addr().unwrap());
    client.write_all(&request(["GET", "k"])).unwrap();
    assert_eq!(reads(&mut client, 4), ["$5\r\n"]);
    for segment in ["valu", "e\r\n"] {
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.set_nonblocking(false).unwrap();
        clock.advance(Duration::from_millis(20));
        assert_eq!(reads(&mut client, segment.len()), [segment]);
    }
}

#[test]
fn a_segment_needs_no_time_of_a_clock_that_stands_still() {
    let (server, clock, _operator) = with_fault("ON GET DO SPLIT AT 3");
    clock.freeze();
    let mut client = connect(server.addr().unwrap());
    client.write_all(&request(["GET", "k"])).unwrap();
    assert_eq!(reads(&mut client, 11).concat(), "$5\r\nvalue\r\n");
}

#[test]
fn a_delayed_reply_is_sent_when_a_told_clock_says_so() {
    let (server, clock, mut operator) = with_fault("ON GET TIMES 1 DO DELAY 5000");
    clock.freeze();
    let mut client = connect(server.addr().unwrap());
    client.write_all(&[request(["GET", "k"]), request(["INCR", "n"])].concat()).unwrap();
    while operator.call(["EXISTS", "n"]) == "(integer) 0" {}
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    clock.advance(Duration::from_secs(5));
    // The clock has advanced when what was due has been sent.
    let mut buffer = [0; 100];
    assert_eq!(client.read(&mut buffer).unwrap(), 15);
    assert!(buffer.starts_with(b"$5\r\nvalue\r\n:1\r\n"));
}

#[test]
fn connections_end_as_they_are_told_to() {
    for (actions, expected) in [
        ("CLOSE", &["+PONG\r\n", "end"][..]),
        ("RESET", &["+PONG\r\n", "reset"]),
        ("CUT 4", &["+PONG\r\n$5\r\n", "end"]),
        ("CUT 4 THEN RESET", &["+PONG\r\n$5\r\n", "reset"]),
    ] {
        let (server, _, _operator) = with_fault(&format!("ON GET DO {actions}"));
        let mut client = connect(server.addr().unwrap());
        let bytes = [request(["PING"]), request(["GET", "k"]), request(["PING"])].concat();
        client.write_all(&bytes).unwrap();
        let read = reads(&mut client, 100);
        assert_eq!(
            (read[..read.len() - 1].concat(), read.last().unwrap()),
            (expected[0].to_owned(), &expected[1].to_owned()),
            "{actions}"
        );
    }
}

#[test]
fn a_client_that_hangs_reads_nothing_until_the_test_is_over() {
    let (server, _, mut operator) = with_fault("ON GET DO HANG");
    let mut client = connect(server.addr().unwrap());
    client.write_all(&[request(["PING"]), request(["GET", "k"])].concat()).unwrap();
    assert_eq!(reads(&mut client, 7), ["+PONG\r\n"]);
    // More than the buffers of the system hold: the server takes it, and keeps none of it.
    let much = vec![b'x'; 1 << 20];
    (0..16).for_each(|_| client.write_all(&much).unwrap());
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
    assert_eq!(operator.call(["STAGE", "RESET"]), "OK");
    assert!(["end", "reset"].contains(&reads(&mut client, 1)[0].as_str()));
    assert_eq!(operator.call(["GET", "k"]), "\"value\"");
}

#[test]
fn a_server_that_leaves_waits_for_nothing_that_is_staged() {
    let (server, clock, _operator) = with_fault("ON GET DO DELAY 5000");
    clock.freeze();
    let (mut slow, mut hanging) =
        (connect(server.addr().unwrap()), connect(server.addr().unwrap()));
    slow.write_all(&request(["GET", "k"])).unwrap();
    hanging.write_all(&request(["PING"])).unwrap();
    assert_eq!(reads(&mut hanging, 7), ["+PONG\r\n"]);
    drop(server);
    assert_eq!(reads(&mut slow, 100), ["$5\r\nvalue\r\n", "end"]);
}

#[test]
fn newcomers_are_closed_reset_and_never_answered() {
    let ports = Ports { clients: Some(0), tls: None, admin: Some(0) };
    let server = Server::builder().config(config()).ports(ports).bind().unwrap();
    let find = |is_admin: bool| {
        server.bound().into_iter().find_map(|bound| match bound {
            ListenAddress::Tcp(addr) if !is_admin => Some(addr),
            ListenAddress::Admin(addr) if is_admin => Some(addr),
            _ => None,
        })
    };
    let [client, admin] = [false, true].map(|is_admin| find(is_admin).unwrap());
    let _server = server.spawn();
    let mut operator = Socket::tcp(admin);
    for (fate, expected) in [("CLOSE", "end"), ("REFUSE", "reset")] {
        assert_eq!(operator.call(["STAGE", "ACCEPT", fate, "TIMES", "1"]), "OK");
        assert_eq!(reads(&mut connect(client), 1), [expected]);
        assert_eq!(Socket::tcp(client).call(["PING"]), "PONG", "{fate}");
    }
    assert_eq!(operator.call(["STAGE", "ACCEPT", "HANG"]), "OK");
    let mut hanging = connect(client);
    hanging.write_all(&request(["SET", "k", "v"])).unwrap();
    assert_eq!(Socket::tcp(admin).call(["PING"]), "PONG");
    while !operator.call(["INFO", "clients"]).contains("connected_clients:2\\r") {}
    assert_eq!(operator.call(["STAGE", "RESET"]), "OK");
    assert_eq!(reads(&mut hanging, 1), ["end"]);
    assert_eq!(operator.call(["EXISTS", "k"]), "(integer) 0");
}

/// How many sockets the process has open.
fn sockets(respd: &Respd) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", respd.pid())).unwrap().flatten();
    let is_socket =
        |path| fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
    files.filter(|file| is_socket(file.path())).count()
}

/// What a test holds back, or has hang, ends with the client.
#[test]
fn a_client_that_leaves_is_gone_whatever_it_waits_for() {
    let respd = Respd::start(&["--port", "0", "--stage", "--clock", "frozen"]);
    let mut operator = Socket::tcp(respd.field("admin").unwrap().parse().unwrap());
    operator.call(["SET", "k", "value"]);
    let before = sockets(&respd);
    for (actions, goes_on) in [
        ("DELAY 5000", true),
        ("SPLIT AT 3 PAUSE 5000", true),
        ("RUN THEN DELAY 5000 THEN CUT 3", false),
        ("DELAY 5000 THEN CLOSE", false),
        ("DELAY 5000 THEN RESET", false),
        ("DELAY 5000 THEN HANG", false),
        ("HANG", false),
    ] {
        for is_reset in [false, true] {
            let what = format!("{actions}, reset {is_reset}");
            operator.call(["FLUSHALL"]);
            assert_eq!(operator.call(["STAGE", "FAULT", "CLEAR"]), "OK");
            let rule = format!("STAGE FAULT ADD f ON GET DO {actions}");
            assert_eq!(operator.call(rule.split(' ')), "OK");
            let mut client = connect(respd.addr());
            let requests = [request(["GET", "k"]), request(["INCR", "n"])].concat();
            client.write_all(&requests).unwrap();
            let hit = || {
                operator.call(["STAGE", "FAULT", "LIST"]).contains("\"hits\"\n   6) (integer) 1")
            };
            until("the fault is hit", hit);
            client.write_all(&request(["INCR", "n"])).unwrap();
            if is_reset {
                SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            }
            drop(client);
            until(&what, || sockets(&respd) == before);
            let ran = operator.call(["GET", "n"]);
            // What came before the end of its stream has run, as on the reference.
            assert!(
                ran == if goes_on { "\"2\"" } else { "(nil)" } || is_reset && goes_on,
                "{what}: {ran}"
            );
        }
    }
}

/// A segment that is on its way needs no time of the test's.
#[test]
fn a_client_that_has_said_all_is_sent_every_segment() {
    let (server, clock, _operator) = with_fault("ON GET DO SPLIT EACH 3");
    clock.freeze();
    let mut client = connect(server.addr().unwrap());
    client.write_all(&request(["GET", "k"])).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(reads(&mut client, 100).concat(), "$5\r\nvalue\r\nend");
}

#[test]
fn newcomers_that_hang_are_gone_when_they_leave() {
    let respd = Respd::start(&["--port", "0", "--stage"]);
    let mut operator = Socket::tcp(respd.field("admin").unwrap().parse().unwrap());
    assert_eq!(operator.call(["STAGE", "ACCEPT", "HANG"]), "OK");
    let before = sockets(&respd);
    let mut clients = [(); 5].map(|()| connect(respd.addr()));
    clients.iter_mut().for_each(|client| client.write_all(b"PING\r\n").unwrap());
    until("all are there", || sockets(&respd) == before + 5);
    let rejected = |operator: &mut Socket, count: &str| {
        let info = operator.call(["INFO", "stats"]);
        assert!(info.contains(&format!("rejected_connections:{count}\\r")), "{info}");
    };
    rejected(&mut operator, "0");
    drop(clients);
    until("all are gone", || sockets(&respd) == before);
    assert_eq!(operator.call(["STAGE", "ACCEPT", "CLOSE"]), "OK");
    assert_eq!(reads(&mut connect(respd.addr()), 1), ["end"]);
    rejected(&mut operator, "1");
}
