//! Real sockets on ports that are free, and the real process with its flags, signals and limits.
//!
//! Nothing here measures time; timeouts only keep a failure from hanging.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use respd::Server;
use respd::internals::config::Config;
use respd::internals::embed::local::request;
use respd::internals::embed::server::Running;
use respd::internals::net::{ListenAddress, Ports};

use crate::process::{self, Folder, Respd};
use crate::socket::{Socket, until};

fn serve(config: Config) -> (Running, SocketAddr) {
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    (server.spawn(), addr)
}

/// A command whose reply is `size` bytes long, nearly.
fn echo(size: usize) -> Vec<u8> {
    request([&b"ECHO"[..], &vec![b'x'; size]])
}

// Connections.

#[test]
fn a_client_is_served_over_tcp_and_over_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let config = Config { unixsocket: Some(path.clone()), ..Config::default() };
    let (server, addr) = serve(config);
    let (mut tcp, mut unix) = (Socket::tcp(addr), Socket::unix(&path));
    assert_eq!(tcp.call(["SET", "k", "v"]), "OK");
    assert_eq!(unix.call(["GET", "k"]), "\"v\"");
    server.stop().unwrap();
    assert_eq!((tcp.frame(), unix.frame()), (None, None));
    assert!(!path.exists(), "the unix socket goes with the server");
}

/// A listener on one address leaves no room for one on all of them, nor the other way round.
#[test]
fn listeners_that_are_in_the_way_of_others_make_room() {
    let (port, admin_port) = (process::free_port(), process::free_port());
    let config = Config { bind: vec!["127.0.0.1".into()], port, admin_port, ..Config::default() };
    let running = Server::builder().config(config).bind().unwrap().spawn();
    let addr = running.addr().expect("a TCP listener");
    let mut first = Socket::tcp(addr);
    for directive in ["bind", "admin-bind"] {
        for addresses in ["0.0.0.0", "127.0.0.1", "*", "127.0.0.1 127.0.0.2", "* -::*", "127.0.0.1"]
        {
            assert_eq!(first.call(["CONFIG", "SET", directive, addresses]), "OK", "{addresses}");
            let port = if directive == "bind" { port } else { admin_port };
            let mut another = Socket::tcp(SocketAddr::from(([127, 0, 0, 1], port)));
            assert_eq!(another.call(["PING"]), "PONG", "{directive} {addresses}");
        }
    }
    // The two ports in each other's place.
    let [port, admin_port] = [port, admin_port].map(|port| port.to_string());
    let swap = ["CONFIG", "SET", "port", &admin_port, "admin-port", &port];
    assert_eq!(first.call(swap), "OK");
    assert_eq!(
        Socket::tcp(addr).call(["CONFIG", "SET", "port", &port, "admin-port", &admin_port]),
        "OK"
    );

    // One of several addresses is taken: everything stays as it is.
    let taken = std::net::TcpListener::bind(("127.0.0.2", addr.port())).unwrap();
    for addresses in ["0.0.0.0", "127.0.0.1 127.0.0.2", "::* *", "0.0.0.0 127.0.0.1"] {
        let reply = first.call(["CONFIG", "SET", "bind", addresses]);
        assert!(reply.ends_with("Failed to bind to specified addresses."), "{addresses}: {reply}");
        assert_eq!(
            Socket::tcp(addr).call(["CONFIG", "GET", "bind"]),
            "1) \"bind\"\n2) \"127.0.0.1\""
        );
    }
    drop(taken);
    assert_eq!(first.call(["CONFIG", "SET", "bind", "0.0.0.0"]), "OK");
    running.stop().unwrap();
    std::net::TcpListener::bind(addr).expect("no descriptor of a listener is left");
}

#[test]
fn every_address_is_listened_on_at_the_same_port() {
    let config = Config { bind: vec!["127.0.0.1".into(), "-::1".into()], ..Config::default() };
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let addrs: Vec<SocketAddr> = server
        .bound()
        .into_iter()
        .map(|bound| match bound {
            ListenAddress::Tcp(addr) => addr,
            other => panic!("{other:?} was not asked for"),
        })
        .collect();
    let _running = server.spawn();
    for &addr in &addrs {
        assert_eq!(addr.port(), addrs[0].port());
        assert_eq!(Socket::tcp(addr).call(["PING"]), "PONG");
    }
}

#[test]
fn a_half_closed_peer_gets_all_its_replies() {
    let (_server, addr) = serve(Config::default());
    let mut client = Socket::tcp(addr);
    // More than the sockets' buffers hold, so that the end arrives long before the last reply leaves.
    const COUNT: usize = 400;
    let reader = thread::spawn({
        let mut input = Vec::new();
        (0..COUNT).for_each(|_| input.extend(echo(20_000)));
        move || {
            let mut client = Socket::tcp(addr);
            client.send(&input);
            client.finish();
            client.rest().len()
        }
    });
    client.send(b"PING\r\nECHO last\r\nGET cut");
    client.finish();
    assert_eq!(client.rest(), b"+PONG\r\n$4\r\nlast\r\n");
    assert_eq!(reader.join().unwrap(), COUNT * (20_000 + b"$20000\r\n\r\n".len()));
}

/// The end of a stream may come in the same event as more bytes than a client is read in one turn.
#[test]
fn an_end_that_comes_with_much_to_read_is_not_forgotten() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let mut config = Config { unixsocket: Some(path.clone()), ..Config::default() };
    config.apply_option("enable-debug-command", "yes").unwrap();
    let (_server, addr) = serve(config);
    let (mut client, mut other) = (Socket::unix(&path), Socket::tcp(addr));
    client.ask_for_a_large_send_buffer();
    assert_eq!(client.call(["PING"]), "PONG");
    // While the server is busy, everything piles up.
    other.send(&request(["DEBUG", "SLEEP", "0.2"]));
    client.send(&b"*0\r\n".repeat(75 * 1024));
    client.send(b"PING\r\n");
    client.finish();
    assert_eq!(client.rest(), b"+PONG\r\n");
    assert_eq!(other.take(5), b"+OK\r\n");
}

/// A socket that is closed with unread bytes in it loses what it was still to deliver.
#[test]
fn what_follows_quit_does_not_cost_the_replies_before_it() {
    let (_server, addr) = serve(Config::default());
    let mut client = Socket::tcp(addr);
    // The server cannot close before the client reads: these are more replies than sockets hold.
    const COUNT: usize = 100;
    let mut input = echo(100_000).repeat(COUNT);
    input.extend_from_slice(b"QUIT\r\n");
    client.send(&input);
    client.send(&b"PING\r\n".repeat(6_000));
    let reply = b"$100000\r\n\r\n".len() + 100_000;
    assert_eq!(client.rest().len(), COUNT * reply + b"+OK\r\n".len());
}

#[test]
fn quit_is_answered_and_then_the_connection_ends() {
    let (_server, addr) = serve(Config::default());
    let mut client = Socket::tcp(addr);
    client.send(b"PING\r\nQUIT\r\nPING\r\n");
    assert_eq!(client.rest(), b"+PONG\r\n+OK\r\n");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let (_server, addr) = serve(Config::default());
    let mut client = Socket::tcp(addr);
    for byte in request(["ECHO", "slowly"]) {
        client.send(&[byte]);
    }
    assert_eq!(client.take(12), b"$6\r\nslowly\r\n");
}

#[test]
fn a_newcomer_too_many_is_told_so_and_closed() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let config = Config { maxclients: 3, unixsocket: Some(path.clone()), ..Config::default() };
    let ports = Ports { clients: Some(0), tls: None, admin: Some(0) };
    let server = Server::builder().config(config).ports(ports).bind().unwrap();
    let addr = server.addr().unwrap();
    let admin = server
        .bound()
        .into_iter()
        .find_map(|bound| match bound {
            ListenAddress::Admin(addr) => Some(addr),
            _ => None,
        })
        .expect("an admin port");
    let _running = server.spawn();

    let mut clients: Vec<Socket> = (0..3).map(|_| Socket::tcp(addr)).collect();
    for client in &mut clients {
        assert_eq!(client.call(["PING"]), "PONG");
    }
    assert_eq!(Socket::tcp(addr).rest(), b"-ERR max number of clients reached\r\n");

    let mut operators: Vec<Socket> = (0..16).map(|_| Socket::tcp(admin)).collect();
    for operator in &mut operators {
        assert_eq!(operator.call(["PING"]), "PONG");
    }
    assert_eq!(Socket::tcp(admin).rest(), b"-ERR max number of clients reached\r\n");
    assert_eq!(Socket::unix(&path).rest(), b"-ERR max number of clients reached\r\n");

    // A place that becomes free is taken again, operators or not.
    clients.pop().unwrap().call(["QUIT"]);
    let mut late = connect_when_there_is_room(addr);
    assert_eq!(late.call(["PING"]), "PONG");
}

/// All of them are there at once when the server looks, and four times as many as may be unauthenticated.
#[test]
fn newcomers_are_heard_before_others_take_their_places() {
    let flags = ["--port", "0", "--requirepass", "sesame", "--maxclients", "12"];
    let server = Respd::start(&[&flags[..], &["-o", "maxclients-unauthenticated=2"]].concat());
    server.signal("STOP");
    let mut clients: Vec<Socket> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(&request(["AUTH", "sesame"]));
    }
    server.signal("CONT");
    for client in &mut clients {
        assert_eq!(client.frame().as_deref(), Some(&b"+OK\r\n"[..]));
    }
}

/// The server may take a moment to notice that a client has left.
fn connect_when_there_is_room(addr: SocketAddr) -> Socket {
    loop {
        let mut client = Socket::tcp(addr);
        client.send(b"ECHO in\r\n");
        match client.frame().as_deref() {
            Some(b"$2\r\nin\r\n") => return client,
            Some(b"-ERR max number of clients reached\r\n") | None => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Slots are given to newcomers again and again; no client may ever see what belongs to another.
#[test]
fn no_client_hears_what_was_meant_for_another() {
    let (_server, addr) = serve(Config::default());
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            thread::spawn(move || {
                for round in 0..150 {
                    let mut clients: Vec<Socket> = (0..6).map(|_| Socket::tcp(addr)).collect();
                    for (index, client) in clients.iter_mut().enumerate() {
                        client.send(format!("ECHO {worker}/{round}/{index}\r\n").as_bytes());
                        if index % 3 == 2 {
                            client.send(b"QUIT\r\n");
                        }
                    }
                    // Some leave without a word, in the same batch in which others are answered.
                    for index in [4, 1] {
                        drop(clients.remove(index));
                    }
                    for (client, index) in clients.iter_mut().zip([0, 2, 3, 5]) {
                        let text = format!("{worker}/{round}/{index}");
                        let mut expected = format!("${}\r\n{text}\r\n", text.len());
                        if index % 3 == 2 {
                            expected += "+OK\r\n";
                        }
                        assert_eq!(client.take(expected.len()), expected.as_bytes());
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

// Long arguments, which are read where they stay.

#[test]
fn a_long_argument_is_read_at_once_where_it_stays() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let config = Config { unixsocket: Some(path.clone()), ..Config::default() };
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let mut client = Socket::unix(&path);
    client.ask_for_a_large_send_buffer();
    // All of it is there before the server reads.
    client.send(&echo(150_000));
    let _server = server.spawn();
    client.take(150_000 + b"$150000\r\n\r\n".len());
    let reads = number(&client.call(["INFO", "stats"]), "total_reads_processed:");
    assert_eq!(reads, 3, "what the buffer of all clients holds, the rest, and INFO");
}

#[test]
fn long_arguments_come_whole_however_they_are_cut() {
    let (_server, addr) = serve(Config::default());
    let value: Vec<u8> = (0..1_000_000u32).flat_map(|n| n.to_le_bytes()).collect();
    let sizes = [1, 16_383, 16_384, 65_536, 70_000, 1_000_000, value.len()];
    let last = |bytes| &value[value.len() - bytes..];
    let mut pipeline = Vec::new();
    for bytes in sizes {
        let key = bytes.to_string();
        pipeline.extend(request([b"SET", key.as_bytes(), last(bytes)]));
        pipeline.extend(request(["PING"]));
        pipeline.extend(request([b"APPEND", key.as_bytes(), &value[..bytes]]));
    }
    for step in [pipeline.len(), 1_000_003, 65_536, 9_999] {
        let mut client = Socket::tcp(addr);
        pipeline.chunks(step).for_each(|piece| client.send(piece));
        for bytes in sizes {
            let expected = format!("+OK\r\n+PONG\r\n:{}\r\n", 2 * bytes);
            assert_eq!(client.take(expected.len()), expected.as_bytes());
        }
        for bytes in sizes {
            client.send(&request(["GETDEL", &bytes.to_string()]));
            let head = format!("${}\r\n", 2 * bytes);
            assert_eq!(client.take(head.len()), head.as_bytes());
            let got = client.take(2 * bytes + 2);
            let wanted = [last(bytes), &value[..bytes], b"\r\n"].concat();
            assert!(got == wanted, "{bytes} bytes in pieces of {step}");
        }
    }
}

#[test]
fn a_long_argument_may_come_to_a_client_that_waits_or_to_an_end() {
    let (_server, addr) = serve(Config::default());
    let long = vec![b'x'; 300_000];
    let (mut client, mut other) = (Socket::tcp(addr), Socket::tcp(addr));
    let set = request([&b"SET"[..], b"k", &long]);
    let pipeline = [request(["MULTI"]), set, request(["STRLEN", "k"]), request(["EXEC"])].concat();
    client.send(&pipeline);
    let replies = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:300000\r\n";
    assert_eq!(client.take(replies.len()), replies);
    // What comes behind a command that waits.
    client.send(&request(["BLPOP", "list", "0"]));
    client.send(&echo(300_000)[..200_000]);
    until("it waits", || other.call(["INFO", "clients"]).contains("blocked_clients:1"));
    client.send(&echo(300_000)[200_000..]);
    assert_eq!(other.call(["RPUSH", "list", "a"]), "(integer) 1");
    let popped = b"*2\r\n$4\r\nlist\r\n$1\r\na\r\n";
    assert_eq!(client.take(popped.len()), popped);
    assert_eq!(client.take(9 + 300_002), [b"$300000\r\n", &long[..], b"\r\n"].concat());
    // An end in the middle.
    client.send(&echo(900_000)[..500_000]);
    client.finish();
    assert_eq!(client.rest(), b"");
    assert_eq!(other.call(["PING"]), "PONG");
}

/// However much comes at once, and whatever it would complete.
#[test]
fn a_long_argument_does_not_pass_the_limit_of_a_request() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let mut config = Config { unixsocket: Some(path.clone()), ..Config::default() };
    config.apply_option("enable-debug-command", "yes").unwrap();
    config.apply_option("client-query-buffer-limit", "1mb").unwrap();
    let (_server, addr) = serve(config);
    let (mut client, mut other) = (Socket::unix(&path), Socket::tcp(addr));
    client.ask_for_a_large_send_buffer();
    let id = number(&client.call(["CLIENT", "ID"]), "(integer) ").to_string();
    let set = request([&b"SET"[..], b"k", &vec![b'x'; 1_109_950]]);
    let (first, rest) = set.split_at(1_000_000);
    client.send(first);
    until("it has come", || {
        number(&other.call(["CLIENT", "LIST", "ID", &id]), "qbuf=") == first.len()
    });
    // While the server is busy, the rest comes.
    other.send(&request(["DEBUG", "SLEEP", "0.2"]));
    let _refused = client.try_send(rest);
    assert_eq!(other.take(5), b"+OK\r\n");
    assert_eq!(client.rest(), b"");
    assert_eq!(other.call(["EXISTS", "k"]), "(integer) 0");
}

/// A client may announce more than it sends.
#[test]
fn room_for_an_argument_is_made_ahead_where_nothing_limits_memory() {
    for (options, least, most) in [
        (&[][..], 900_000, 1_000_000),
        (&[("maxmemory", "1gb")], 100_000, 210_000),
        (&[("maxmemory-clients", "1gb")], 100_000, 210_000),
    ] {
        let folder = Folder::new();
        let path = folder.file("respd.sock");
        let mut config = Config { unixsocket: Some(path.clone()), ..Config::default() };
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let server = Server::builder().config(config).any_port().bind().unwrap();
        let addr = server.addr().expect("a TCP listener");
        let mut client = Socket::unix(&path);
        // All of it is there before the server reads.
        client.send(&echo(900_000)[..100_000]);
        let _server = server.spawn();
        let (mut other, mut list) = (Socket::tcp(addr), String::new());
        until("it has come", || {
            list = other.call(["CLIENT", "LIST"]);
            list.contains("qbuf=100000")
        });
        let (_, line) = list.split_once("qbuf=100000").expect("the client's line");
        let memory = number(line, "tot-mem=");
        assert!((least..most).contains(&memory), "{memory} bytes with {options:?}");
    }
}

/// What follows `name` in a text.
fn number(text: &str, name: &str) -> usize {
    let (_, rest) = text.split_once(name).expect(name);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().unwrap()
}

// Peers that misbehave.

#[test]
fn a_peer_that_never_reads_holds_up_no_other() {
    let (_server, addr) = serve(Config::default());
    let (mut deaf, mut other) = (Socket::tcp(addr), Socket::tcp(addr));
    // Far more replies than sockets hold; the server keeps them and goes on.
    const COUNT: usize = 200;
    for _ in 0..COUNT {
        deaf.send(&echo(100_000));
        assert_eq!(other.call(["PING"]), "PONG");
    }
    // It was only slow, after all.
    let reply = b"$100000\r\n\r\n".len() + 100_000;
    assert_eq!(deaf.take(COUNT * reply).len(), COUNT * reply);
}

#[test]
fn a_peer_that_never_reads_is_closed_at_its_limit() {
    let mut config = Config::default();
    config.apply_option("client-output-buffer-limit", "normal 4mb 0 0").unwrap();
    let (_server, addr) = serve(config);
    let (mut deaf, mut other) = (Socket::tcp(addr), Socket::tcp(addr));
    let request = echo(100_000);
    let closed = (0..10_000).any(|_| deaf.try_send(&request).is_err());
    assert!(closed, "a gigabyte of replies, and the limit is 4 MiB");
    assert_eq!(other.call(["PING"]), "PONG");
}

#[test]
fn a_firehose_does_not_starve_another() {
    let (_server, addr) = serve(Config::default());
    static DONE: AtomicBool = AtomicBool::new(false);
    let firehose = thread::spawn(move || {
        let mut firehose = Socket::tcp(addr);
        // Requests that are answered nothing, so that only reading is at stake.
        let input = b"*0\r\n".repeat(64 * 1024);
        firehose.send(&input);
        let mut at = 0;
        while !DONE.load(Ordering::Relaxed) {
            match firehose.send_some(&input[at..]) {
                Ok(n) => at = (at + n) % input.len(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    });
    let mut other = Socket::tcp(addr);
    for _ in 0..20 {
        assert_eq!(other.call(["PING"]), "PONG");
    }
    DONE.store(true, Ordering::Relaxed);
    firehose.join().unwrap();
}

// The process.

#[test]
fn the_ready_line_tells_programs_where_to_connect() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let respd =
        Respd::start(&["--port", "0", "--admin-port", "0", "--unixsocket", process::text(&path)]);
    let (tcp, admin) = (respd.addr(), respd.field("admin").unwrap());
    assert_eq!(
        respd.ready,
        format!("ready pid={} tcp={tcp} admin={admin} unix={}", respd.pid(), path.display())
    );
    assert_eq!(tcp.ip().to_string(), "127.0.0.1");
    for client in [&mut respd.connect(), &mut Socket::tcp(admin.parse().unwrap())] {
        assert_eq!(client.call(["PING"]), "PONG");
    }
    assert_eq!(Socket::unix(&path).call(["PING"]), "PONG");
}

#[test]
fn without_an_admin_port_or_a_unix_socket_the_ready_line_has_none() {
    let respd = Respd::start(&["--port", "0"]);
    assert_eq!(respd.ready, format!("ready pid={} tcp={}", respd.pid(), respd.addr()));
}

#[test]
fn a_signal_to_end_lets_all_clients_have_what_they_are_owed() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let path = folder.file("respd.sock");
        let mut respd = Respd::start(&["--port", "0", "--unixsocket", process::text(&path)]);
        let mut owed = respd.connect();
        let mut idle = Socket::unix(&path);
        assert_eq!(idle.call(["PING"]), "PONG");
        // More than the sockets hold, and all of it has been run before the signal comes.
        const COUNT: usize = 200;
        for _ in 0..COUNT {
            owed.send(&echo(100_000));
        }
        owed.send(&request(["SET", "all", "run"]));
        let mut other = respd.connect();
        until("all have run", || other.call(["EXISTS", "all"]) == "(integer) 1");
        respd.signal(signal);
        let rest = owed.rest();
        assert_eq!(rest.len(), COUNT * (100_000 + b"$100000\r\n\r\n".len()) + b"+OK\r\n".len());
        assert!(rest.ends_with(b"+OK\r\n"));
        assert_eq!(idle.rest(), b"");
        assert_eq!(respd.wait().code(), Some(0));
        assert!(!path.exists());
        assert!(Socket::try_tcp(respd.addr()).is_err());
    }
}

#[test]
fn the_unix_socket_has_the_permissions_it_was_given() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let socket = process::text(&path);
    let respd = Respd::start(&["--port", "0", "--unixsocket", socket, "-o", "unixsocketperm=700"]);
    let found = std::fs::metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o700);

    // What a killed server leaves behind is in no server's way.
    drop(respd);
    assert!(path.exists());
    let _next = Respd::start(&["--port", "0", "--unixsocket", socket, "-o", "unixsocketperm=777"]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o777);
}

#[test]
fn a_file_that_is_no_socket_is_not_removed_for_one() {
    let folder = Folder::new();
    let path = folder.file("precious");
    std::fs::write(&path, "text").unwrap();
    let output = process::run(&["--port", "0", "--unixsocket", process::text(&path)]);
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(process::text(&path)), "{told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "text");
}

#[test]
fn a_directive_on_the_command_line_counts_more_than_the_file() {
    let folder = Folder::new();
    let path = folder.file("respd.conf");
    std::fs::write(&path, "# a comment\nrequirepass one\ndatabases 4\nport 1\n").unwrap();
    let respd = Respd::start(&[process::text(&path), "--port", "0", "-o", "requirepass=two words"]);
    let mut client = respd.connect();
    assert!(client.call(["AUTH", "one"]).contains("WRONGPASS"));
    assert_eq!(client.call(["AUTH", "two words"]), "OK");
    assert_eq!(client.call(["SELECT", "3"]), "OK");
    assert!(client.call(["SELECT", "4"]).contains("out of range"));
}

#[test]
fn a_mistake_in_the_configuration_stops_the_start_and_says_where_it_is() {
    let folder = Folder::new();
    let path = folder.file("respd.conf");
    let file = process::text(&path);
    for (text, line, reason) in [
        ("port 0\nnosuch 1\n", 2, "Bad directive or wrong number of arguments"),
        (
            "port 0\n\n# fine\ntimeout -5\n",
            4,
            "argument must be between 0 and 2147483647 inclusive",
        ),
        ("port 0\nlogfile \"half\n", 2, "quotes"),
    ] {
        std::fs::write(&path, text).unwrap();
        let output = process::run(&["--ready", file]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert_eq!(output.stdout, b"", "not ready");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(&format!("{file}:{line}: ")), "{told}");
        assert!(told.to_lowercase().contains(&reason.to_lowercase()), "{told}");
    }
    for (flags, told_of) in [
        (&["-o", "nosuch=1"][..], "nosuch"),
        (&["-o", "timeout"], "NAME=VALUE"),
        (&["-o", "timeout=soon"], "timeout"),
        (&["no-such-file.conf"], "no-such-file.conf"),
    ] {
        let output = process::run(flags);
        assert_eq!(output.status.code(), Some(1), "{flags:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(told_of), "{told}");
    }
}

#[test]
fn a_port_that_is_taken_stops_the_start() {
    let first = Respd::start(&["--port", "0", "--bind", "127.0.0.1"]);
    let port = first.addr().port().to_string();
    let output = process::run(&["--port", &port, "--bind", "127.0.0.1"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&port), "{told}");
}

#[test]
fn the_version_is_told_and_nothing_else_is_done() {
    let output = process::run(&["--version", "--port", "0"]);
    assert!(output.status.success());
    assert_eq!(output.stdout, format!("respd {}\n", env!("CARGO_PKG_VERSION")).into_bytes());
}

/// A server without file descriptors goes on serving the clients that are connected, and accepts again when one
/// leaves.
#[test]
fn running_out_of_file_descriptors_is_no_end() {
    let respd = Respd::start(&["--port", "0", "--bind", "127.0.0.1"]);
    if !respd.limit_open_files(32) {
        eprintln!("there is no prlimit here, so this proves nothing");
        return;
    }
    // The kernel accepts for the server as many as fit its backlog: connecting does not fail.
    let mut clients: Vec<Socket> = (0..48).map(|_| respd.connect()).collect();
    for client in &mut clients {
        client.send(b"PING\r\n");
    }
    let served = 16;
    for client in &mut clients[..served] {
        assert_eq!(client.take(7), b"+PONG\r\n");
    }

    // While the rest waits outside, those inside are served.
    assert_eq!(clients[0].call(["PING"]), "PONG");
    assert_eq!(clients[served - 1].call(["PING"]), "PONG");

    // A client that leaves makes room: in the end all have been served.
    let mut waiting = clients.split_off(served);
    drop(clients);
    while !waiting.is_empty() {
        let inside = waiting.len().min(served);
        for mut client in waiting.drain(..inside) {
            assert_eq!(client.take(7), b"+PONG\r\n");
        }
    }
}
