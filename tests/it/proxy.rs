//! Proxies on real sockets: what their headers say, and what becomes of connections without a right one.
//!
//! How the bytes of a header are read is tested beside the reader, at every byte where it can be cut.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::request;
use respd::internals::net::{ListenAddress, Ports};
use respd::{ManualClock, Running, Server};

use crate::lifetime::logged;
use crate::process::{Folder, Respd, text};
use crate::socket::{Socket, until};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 6379\r\n";
const OTHER_V1: &[u8] = b"PROXY TCP4 192.0.2.8 198.51.100.1 51234 6379\r\n";
const V1_IPV6: &[u8] = b"PROXY TCP6 2001:db8::7 2001:db8::1 51234 6379\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x12\xc0\0\x02\x07\xc6\x33\x64\x01\xc8\x22\x18\xeb\x04\0\x03abc";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const NO_HEADER: &[u8] = b"-ERR Protocol error: a connection from this address has to begin with a PROXY header, for 'proxy-protocol-from' names it\r\n";
const NOT_NAMED: &[u8] = b"-ERR Protocol error: a PROXY header, from an address that 'proxy-protocol-from' does not name\r\n";

/// A server for proxies at these addresses, an administration port with it, and a unix socket for a client that looks on.
struct Proxied {
    folder: Folder,
    clock: ManualClock,
    server: Running,
    admin: SocketAddr,
}

impl Proxied {
    fn start(from: &str, options: &[(&str, &str)]) -> Proxied {
        let folder = Folder::new();
        let mut config = Config::default();
        config.apply_option("proxy-protocol-from", from).unwrap();
        config.apply_option("unixsocket", text(&folder.file("respd.sock"))).unwrap();
        config.apply_option("protected-mode", "no").unwrap();
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let clock = ManualClock::new();
        clock.freeze();
        let ports = Ports { clients: Some(0), admin: Some(0), ..Ports::configured(&config) };
        let server = Server::builder().config(config).ports(ports).clock(clock.clone());
        let server = server.bind().unwrap();
        let admin = server.bound().into_iter().find_map(|bound| match bound {
            ListenAddress::Admin(addr) => Some(addr),
            _ => None,
        });
        Proxied { folder, clock, admin: admin.unwrap(), server: server.spawn() }
    }

    /// A proxy that has connected.
    fn connect(&self) -> Socket {
        Socket::tcp(self.server.addr().unwrap())
    }

    /// A client whose proxy has sent the header.
    fn behind(&self, header: &[u8]) -> Socket {
        let mut socket = self.connect();
        socket.send(header);
        socket
    }

    fn unix(&self) -> Socket {
        Socket::unix(&self.folder.file("respd.sock"))
    }
}

/// What CLIENT INFO says behind `name=`.
fn info(socket: &mut Socket, name: &str) -> String {
    let shown = socket.call(["CLIENT", "INFO"]);
    let field = shown.split([' ', '"']).find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    field.expect(name).to_owned()
}

#[test]
fn a_client_is_at_the_address_that_its_proxy_tells() {
    let server = Proxied::start("127.0.0.0/8 ::1", &[]);
    for (header, addr, laddr) in [
        (V1, "192.0.2.7:51234", "198.51.100.1:6379"),
        (V2, "192.0.2.7:51234", "198.51.100.1:6379"),
        (V1_IPV6, "[2001:db8::7]:51234", "[2001:db8::1]:6379"),
    ] {
        let mut client = server.behind(header);
        assert_eq!(
            (&info(&mut client, "addr")[..], &info(&mut client, "laddr")[..]),
            (addr, laddr)
        );
        let mut other = server.unix();
        assert!(other.call(["CLIENT", "LIST"]).contains(&format!(" addr={addr} laddr={laddr} ")));
        assert_eq!(other.call(["CLIENT", "KILL", "ADDR", addr]), "(integer) 1");
        assert_eq!(client.frame(), None);
    }
    // The administration port has proxies, too.
    let mut operator = Socket::tcp(server.admin);
    operator.send(V2);
    assert_eq!(info(&mut operator, "addr"), "192.0.2.7:51234");
    assert_eq!(info(&mut operator, "flags"), "a");
}

#[test]
fn a_proxy_that_connects_for_itself_is_the_client() {
    let server = Proxied::start("127.0.0.1", &[]);
    for header in [V2_LOCAL, UNKNOWN] {
        let mut check = server.behind(header);
        assert!(info(&mut check, "addr").starts_with("127.0.0.1:"));
        assert_eq!(check.call(["PING"]), "PONG");
    }
}

#[test]
fn what_follows_a_header_is_read_in_the_same_turn_and_any_pieces() {
    let server = Proxied::start("127.0.0.1", &[]);
    for header in [V1, V2, V1_IPV6, V2_LOCAL, UNKNOWN] {
        let mut client = server.connect();
        client.send(&[header, &b"PING\r\n".repeat(2000)].concat());
        assert_eq!(client.take(14_000), b"+PONG\r\n".repeat(2000));
        let mut client = server.connect();
        let whole = [header, b"*1\r\n$4\r\nPING\r\n"].concat();
        whole.chunks(1).for_each(|byte| client.send(byte));
        assert_eq!(client.take(7), b"+PONG\r\n");
        // A client that sends its requests and no more.
        let mut client = server.connect();
        client.send(&[header, b"PING\r\nECHO last\r\n"].concat());
        client.finish();
        assert_eq!(client.rest(), b"+PONG\r\n$4\r\nlast\r\n");
    }
}

#[test]
fn a_header_that_ends_too_early_closes_and_leaves_nothing() {
    let server = Proxied::start("127.0.0.1", &[]);
    for header in [V1, V2, UNKNOWN] {
        for cut in 0..header.len() {
            let mut client = server.behind(&header[..cut]);
            client.finish();
            assert_eq!(client.rest(), b"", "{}", header[..cut].escape_ascii());
        }
    }
    assert_eq!(server.unix().call(["CLIENT", "LIST"]).matches("id=").count(), 1);
}

#[test]
fn what_is_no_header_is_told_so_and_nothing_of_it_runs() {
    let server = Proxied::start("127.0.0.1", &[]);
    let long = [b"PROXY UNKNOWN ", &[b'x'; 200][..], b"\r\n"].concat();
    let mut lies = V2.to_vec();
    lies[14] = 0xff;
    for begins in [
        &b""[..],
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 51234 6379\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0",
        b"\x16\x03\x01\x02\0\x01",
        &long,
        &lies,
    ] {
        let mut client = server.connect();
        client.send(&[begins, &request(["SET", "k", "v"])].concat());
        assert_eq!(client.rest(), NO_HEADER, "{}", begins.escape_ascii());
    }
    assert_eq!(server.unix().call(["EXISTS", "k"]), "(integer) 0");
}

/// As requests, both versions would get replies, and the client's own would be taken for others'. Version 2 has a QUIT.
#[test]
fn a_header_from_any_other_address_is_a_protocol_error() {
    let server = Proxied::start("192.0.2.1 unix", &[]);
    for header in [V1, V1_IPV6, V2, V2_LOCAL, UNKNOWN] {
        let mut client = server.connect();
        client.send(&[header, &request(["SET", "k", "v"])].concat());
        assert_eq!(client.rest(), NOT_NAMED, "{}", header.escape_ascii());
    }
    let mut client = server.connect();
    assert_eq!(client.call(["EXISTS", "k"]), "(integer) 0");
    // What only looks like one is a request.
    client.send(b"PROXY\r\n");
    let told = client.frame().unwrap();
    assert!(told.starts_with(b"-ERR unknown command 'PROXY'"), "{}", told.escape_ascii());
    assert!(client.call(["PROXY", "TCP4"]).contains("unknown command"));
}

#[test]
fn config_set_is_for_new_connections() {
    let server = Proxied::start("", &[]);
    let mut plain = server.connect();
    assert_eq!(
        plain.call(["CONFIG", "SET", "proxy-protocol-from", "127.0.0.1/32 10.0.0.0/8"]),
        "OK"
    );
    let shown = "1) \"proxy-protocol-from\"\n2) \"127.0.0.1 10.0.0.0/8\"";
    assert_eq!(plain.call(["CONFIG", "GET", "proxy-protocol-from"]), shown);
    let mut client = server.behind(V1);
    assert_eq!(info(&mut client, "addr"), "192.0.2.7:51234");
    let told = plain.call(["CONFIG", "SET", "proxy-protocol-from", "127.0.0.1 10.0.0.1/8"]);
    assert!(
        told.ends_with("'10.0.0.1/8' has bits behind its network, which is 10.0.0.0/8"),
        "{told}"
    );
    assert_eq!(plain.call(["CONFIG", "SET", "proxy-protocol-from", ""]), "OK");
    assert_eq!(server.connect().call(["PING"]), "PONG");
    assert_eq!(client.call(["PING"]), "PONG");
}

#[test]
fn a_proxy_may_connect_to_the_unix_socket() {
    let server = Proxied::start("unix", &[]);
    for header in [V1, V2] {
        let mut client = server.unix();
        header.chunks(1).for_each(|byte| client.send(byte));
        assert_eq!(info(&mut client, "addr"), "192.0.2.7:51234");
    }
    let mut client = server.unix();
    client.send(b"PING\r\n");
    assert_eq!(client.rest(), NO_HEADER);
    assert_eq!(server.connect().call(["PING"]), "PONG");
}

#[test]
fn protected_mode_is_about_the_client_and_its_proxy() {
    let server = Proxied::start("127.0.0.1", &[("protected-mode", "yes")]);
    let mut client = server.connect();
    client.send(&[V1, &request(["SET", "k", "v"])].concat());
    let told = client.rest();
    assert!(told.starts_with(b"-DENIED Protected mode: "), "{}", told.escape_ascii());
    for header in [&b"PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n"[..], V2_LOCAL] {
        assert_eq!(server.behind(header).call(["EXISTS", "k"]), "(integer) 0");
    }
    assert!(server.unix().call(["INFO", "stats"]).contains("rejected_connections:1\\r\\n"));
}

#[test]
fn failed_logins_count_for_each_client_behind_a_proxy() {
    let server = Proxied::start("127.0.0.1", &[("requirepass", "sesame")]);
    let [mut ann, mut same, mut ben] = [V1, V2, OTHER_V1].map(|header| server.behind(header));
    for (client, name) in [(&mut ann, "ann"), (&mut ben, "ben")] {
        client.send(&request(["AUTH", name, "guess"]));
    }
    let mut other = server.unix();
    assert_eq!(other.call(["AUTH", "sesame"]), "OK");
    // Both have been heard when the log has both.
    let mut log = String::new();
    until("both logins have failed", || {
        log = other.call(["ACL", "LOG"]);
        log.matches("\"reason\"").count() == 2
    });
    assert!(
        log.contains("addr=192.0.2.7:51234 ") && log.contains("addr=192.0.2.8:51234 "),
        "{log}"
    );
    same.send(&request(["AUTH", "sesame"]));
    server.clock.advance(Duration::from_millis(25));
    // Their answers are not behind one another.
    for client in [&mut ann, &mut ben] {
        assert!(client.frame().unwrap().starts_with(b"-WRONGPASS"));
    }
    assert_eq!(same.frame().unwrap(), b"+OK\r\n");
}

#[test]
fn a_late_header_closes_and_its_time_is_that_of_a_login() {
    let server = Proxied::start("127.0.0.1", &[]);
    let mut late = server.behind(&V2[..20]);
    let mut there = server.behind(V2);
    assert_eq!(there.call(["PING"]), "PONG");
    server.clock.advance(Duration::from_millis(59_999));
    assert_eq!(server.unix().call(["CLIENT", "LIST"]).matches("id=").count(), 3);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(late.rest(), b"");
    assert_eq!(there.call(["PING"]), "PONG");
}

#[test]
fn proxies_that_say_nothing_make_room() {
    let server = Proxied::start("127.0.0.1", &[("maxclients-unauthenticated", "2")]);
    let mut there = server.behind(V1);
    assert_eq!(there.call(["PING"]), "PONG");
    let mut silent: Vec<Socket> = (0..3).map(|_| server.connect()).collect();
    assert_eq!(silent[0].rest(), b"");
    silent[1].send(V1);
    assert_eq!(silent[1].call(["PING"]), "PONG");
    assert_eq!(there.call(["PING"]), "PONG");
}

/// Bytes that a proxy would never send, and some that are nearly right: each connection is served or closed, and the
/// loop goes on.
#[test]
fn any_bytes_are_survived() {
    let server = Proxied::start("127.0.0.1", &[]);
    let mut random = 0x1234_5678_u32;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random as usize
    };
    for round in 0..300 {
        let mut bytes = [V1, V2, UNKNOWN][round % 3].to_vec();
        match round % 2 {
            0 => bytes = (0..next() % 300).map(|_| next() as u8).collect(),
            _ => {
                let at = next() % bytes.len();
                bytes[at] = next() as u8;
            }
        }
        bytes.extend_from_slice(b"\r\nPING\r\nQUIT\r\n");
        let mut client = server.connect();
        let half = next() % bytes.len();
        // It may have been closed by then.
        let _ = client.try_send(&bytes[..half]).and_then(|()| client.try_send(&bytes[half..]));
    }
    // All have gone, and the server has heard of it.
    let mut other = server.unix();
    until("all have gone", || other.call(["CLIENT", "LIST"]).matches("id=").count() == 1);
    assert!(other.call(["INFO", "errorstats"]).contains("ERR"));
}

#[test]
fn the_log_says_what_was_wrong_with_a_header() {
    let folder = Folder::new();
    let file = folder.file("respd.log");
    let logfile = format!("logfile={}", text(&file));
    let options = ["-o", &logfile, "-o", "proxy-protocol-from=127.0.0.1", "-o", "loglevel=debug"];
    let mut server = Respd::start(&[&["--port", "0"], &options[..]].concat());
    for (bytes, line) in [
        (&b"PING\r\n"[..], "did not begin with a PROXY header"),
        (b"PROXY TCP5 1 2 3 4\r\n", "sent a broken PROXY header: a line that is not of version 1"),
        (&V2[..20], "ended within its PROXY header"),
        (b"", "ended before its PROXY header"),
        (V1, "a client at 192.0.2.7:51234 was refused: DENIED Protected mode"),
    ] {
        let mut client = server.connect();
        client.send(bytes);
        client.finish();
        client.rest();
        // A thread writes it, after the client has been closed perhaps.
        logged(&file, line);
    }
    let mut client = server.connect();
    client.send(b"PROXY TCP4 127.0.0.9 127.0.0.1 4711 6379\r\n*x\r\n");
    client.rest();
    server.signal("TERM");
    server.wait();
    let log = fs::read_to_string(&file).expect("a log");
    assert!(log.contains(" at 127.0.0.9:4711: protocol error: "), "{log}");
}
