//! MIGRATE between servers of the test's own process, over real sockets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use respd::internals::config::Config;
use respd::internals::embed::local::request;
use respd::{Running, Server};

use crate::socket::Socket;

/// A server, a client of it, and its port.
fn start(config: Config) -> (Running, Socket, String) {
    let server = Server::builder().config(config).any_port().bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    (server.spawn(), Socket::tcp(addr), addr.port().to_string())
}

/// Two servers, with what [`start`] says of each.
fn start_two() -> [(Running, Socket, String); 2] {
    [(); 2].map(|()| start(Config::default()))
}

fn call(client: &mut Socket, words: &str) -> String {
    client.call(words.split(' ').map(|word| if word == "''" { "" } else { word }))
}

#[test]
fn keys_of_every_type_move_with_their_expiry() {
    let [(_here, mut here, _), (_there, mut there, port)] = start_two();
    let writes = [
        "SET s text",
        "RPUSH l a b c",
        "SADD t 1 2 3",
        "ZADD z 1 a 2 b",
        "HSET h f v",
        "XADD x 1-1 f v",
        "SET volatile v",
    ];
    writes.iter().for_each(|write| _ = call(&mut here, write));
    call(&mut here, "PEXPIREAT volatile 9999999999999");
    let keys = "s l t z h x volatile";
    let digests: Vec<String> =
        keys.split(' ').map(|key| call(&mut here, &format!("DEBUG DIGEST-VALUE {key}"))).collect();
    let moved = call(&mut here, &format!("MIGRATE 127.0.0.1 {port} '' 3 5000 KEYS {keys} nosuch"));
    assert_eq!((moved, call(&mut here, "DBSIZE")), ("OK".into(), "(integer) 0".into()));
    call(&mut there, "SELECT 3");
    let arrived: Vec<String> =
        keys.split(' ').map(|key| call(&mut there, &format!("DEBUG DIGEST-VALUE {key}"))).collect();
    assert_eq!(arrived, digests);
    // A time to live is what is sent, and the way takes time.
    let expires = call(&mut there, "PEXPIRETIME volatile");
    let when: u64 = expires.strip_prefix("(integer) ").expect("a time").parse().unwrap();
    assert!(when >= 9999999999999, "{when}");
}

#[test]
fn what_the_other_server_refuses_stays() {
    let config = Config { requirepass: b"pw"[..].into(), ..Config::default() };
    let [(_here, mut here, _), _] = start_two();
    let (_there, mut there, port) = start(config);
    call(&mut there, "AUTH pw");
    call(&mut there, "SET taken by-another");
    ["a", "b", "taken"].iter().for_each(|key| _ = call(&mut here, &format!("SET {key} v")));
    let migrate = |here: &mut Socket, words: &str| {
        call(here, &format!("MIGRATE 127.0.0.1 {port} '' 0 5000 {words}"))
    };
    let replied = "(error) ERR Target instance replied with error: ";
    let noauth = format!("{replied}NOAUTH Authentication required.");
    assert_eq!(migrate(&mut here, "KEYS a"), noauth);
    let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(migrate(&mut here, "AUTH no KEYS a"), format!("{replied}{wrong}"));
    let busy = format!("{replied}BUSYKEY Target key name already exists.");
    assert_eq!(migrate(&mut here, "AUTH pw KEYS a taken b"), busy);
    assert_eq!(call(&mut here, "EXISTS a b taken"), "(integer) 1");
    assert_eq!(migrate(&mut here, "COPY REPLACE AUTH2 default pw KEYS taken"), "OK");
    assert_eq!(call(&mut here, "EXISTS taken"), "(integer) 1");
    assert_eq!(call(&mut there, "MGET a b taken"), "1) \"v\"\n2) \"v\"\n3) \"v\"");
}

#[test]
fn what_has_moved_is_said_as_deleted() {
    let [(server, mut here, _), (_there, mut there, port)] = start_two();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&heard);
    call(&mut here, "MSET a 1 b 2 taken 3");
    call(&mut there, "SET taken x");
    let listen = move |world: &mut respd::internals::world::World| {
        world.store.listen_to_effects(Box::new(move |batches| {
            for effect in batches.iter().flat_map(|batch| batch.iter()) {
                let words: Vec<_> = effect.words().map(String::from_utf8_lossy).collect();
                into.lock().unwrap().push(words.join(" "));
            }
        }));
    };
    server.handle().with_world(listen).unwrap();
    call(&mut here, &format!("MIGRATE 127.0.0.1 {port} '' 0 5000 KEYS a taken b nosuch"));
    call(&mut here, &format!("MIGRATE 127.0.0.1 {port} '' 0 5000 COPY KEYS taken"));
    assert_eq!(*heard.lock().unwrap(), ["DEL a b"]);
}

/// A server that does nothing but what the test says.
struct Puppet {
    listener: TcpListener,
    port: u16,
}

impl Puppet {
    fn new() -> Puppet {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Puppet { listener, port }
    }

    /// Takes a connection and returns what comes until a request ends so.
    fn hear(&self, end: &[u8]) -> (std::net::TcpStream, Vec<u8>) {
        let (mut stream, _) = self.listener.accept().unwrap();
        let (mut heard, mut byte) = (Vec::new(), [0]);
        while !heard.ends_with(end) {
            stream.read_exact(&mut byte).unwrap();
            heard.push(byte[0]);
        }
        (stream, heard)
    }
}

/// What a payload of a short string of Valkey 9.1 and the request that it is in end with: the version, the checksum.
const END: usize = b"P\x00........\r\n".len();

/// A server with a key, a client that migrates it to a puppet, another client, and the connection to the puppet, which has
/// read the request and owes two replies.
fn migrating(puppet: &Puppet) -> (Running, Socket, Socket, std::net::TcpStream) {
    let server = Server::builder().any_port().bind().unwrap();
    let addr = server.addr().expect("a TCP listener");
    let (server, mut client, mut other) = (server.spawn(), Socket::tcp(addr), Socket::tcp(addr));
    call(&mut other, "SET k first");
    let port = puppet.port.to_string();
    client.send(&request(["MIGRATE", "127.0.0.1", &port, "k", "0", "60000"]));
    let (mut stream, _) = puppet.hear(b"first");
    stream.read_exact(&mut [0; END]).unwrap();
    (server, client, other, stream)
}

fn shown(client: &mut Socket) -> String {
    let frame = client.frame().expect("a reply");
    respd::internals::wire::value::decode(&frame).unwrap().unwrap().0.to_string()
}

#[test]
fn others_are_served_while_the_other_server_is_silent() {
    let puppet = Puppet::new();
    let (_server, mut client, mut other, stream) = migrating(&puppet);
    assert_eq!(call(&mut other, "PING"), "PONG");
    assert_eq!(call(&mut other, "GET k"), "\"first\"");
    drop(stream);
    let failed = "(error) IOERR error or timeout reading to target instance";
    assert_eq!(shown(&mut client), failed);
    assert_eq!(call(&mut client, "GET k"), "\"first\"");
}

#[test]
fn a_key_that_has_changed_meanwhile_is_sent_again() {
    let puppet = Puppet::new();
    let (_server, mut client, mut other, mut stream) = migrating(&puppet);
    call(&mut other, "SET k second");
    stream.write_all(b"+OK\r\n+OK\r\n").unwrap();
    let (mut stream, again) = puppet.hear(b"REPLACE\r\n");
    assert!(again.windows(6).any(|word| word == b"second"));
    stream.write_all(b"+OK\r\n+OK\r\n").unwrap();
    assert_eq!(shown(&mut client), "OK");
    assert_eq!(call(&mut other, "EXISTS k"), "(integer) 0");
}

#[test]
fn a_key_that_is_gone_meanwhile_is_no_loss() {
    let puppet = Puppet::new();
    let (_server, mut client, mut other, mut stream) = migrating(&puppet);
    call(&mut other, "DEL k");
    stream.write_all(b"+OK\r\n+OK\r\n").unwrap();
    assert_eq!(shown(&mut client), "OK");
    // The client waits for nothing more.
    assert_eq!(call(&mut client, "PING"), "PONG");
}

#[test]
fn a_client_that_is_unblocked_begins_anew() {
    let puppet = Puppet::new();
    let (_server, mut client, mut other, mut stream) = migrating(&puppet);
    let id = call(&mut other, "CLIENT LIST");
    let line = id.lines().find(|line| line.contains("cmd=migrate")).expect("it waits");
    let id = line.split(['=', ' ']).nth(1).expect("an id").trim_matches('"').to_owned();
    assert_eq!(call(&mut other, &format!("CLIENT UNBLOCK {id}")), "(integer) 1");
    assert!(shown(&mut client).starts_with("(error) IOERR"));
    stream.write_all(b"+OK\r\n+OK\r\n").unwrap();
    // Whether the replies have come by now or not, they are not those to the next request.
    let (_there, mut there, port) = start(Config::default());
    assert_eq!(call(&mut client, &format!("MIGRATE 127.0.0.1 {port} k 0 5000")), "OK");
    assert_eq!(call(&mut there, "GET k"), "\"first\"");
}
