//! Chapter 14 of the book: what hostile clients try, and what comes of it.

use std::net::SocketAddr;
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::peer::{Address, Kind, Peer};

fn server(options: &[(&str, &str)]) -> Local {
    let mut config = Config::default();
    for (name, value) in options {
        config.apply_option(name, value).expect("a directive and its value");
    }
    Local::new(config)
}

/// A client at some address. It has a place as all have that come by TCP.
fn stranger(local: &mut Local) -> Connection {
    let addr = SocketAddr::from(([192, 0, 2, 1], 50_000));
    let peer = Peer { kind: Kind::Tcp, addr: Address::Tcp(addr), ..Peer::local() };
    local.try_connect(peer).expect("room for one more")
}

fn open(local: &Local, clients: &[Connection]) -> usize {
    clients.iter().filter(|&&client| local.is_open(client)).count()
}

fn main() {
    // It announces a great deal, and sends nothing.
    let mut local = server(&[]);
    let (hostile, honest) = (local.connect(), local.connect());
    let before = local.engine.world.clients.memory();
    local.send(hostile, b"*1000000\r\n$500000000\r\n");
    let held = local.engine.world.clients.memory() - before;
    assert!(held < 1000, "{held} bytes");
    println!("a million words are announced, and less than 1000 bytes held");

    // It names one set very often: two lengths, of which one is multiplied by the other elsewhere.
    for member in 0..5_000 {
        local.call(honest, ["SADD", "s", &member.to_string()]);
    }
    let names = std::iter::repeat_n("s", 100_000);
    let union = local.call(honest, ["SUNIONSTORE", "d"].into_iter().chain(names));
    println!("a set of 5000, named 100000 times: a union of {union}");

    // It asks, and does not read.
    let mut local = server(&[("client-output-buffer-limit", "normal 100kb 0 0")]);
    let (hostile, honest) = (local.connect(), local.connect());
    local.call(honest, ["SET", "k", &"x".repeat(1000)]);
    let mut asked = 0;
    while local.is_open(hostile) {
        local.send(hostile, &request(["GET", "k"]));
        asked += 1;
    }
    println!("a reader that does not read: closed at request {asked}");
    println!("another one: {}", local.call(honest, ["PING"]));

    // It takes places and keeps silent.
    let mut local = server(&[("requirepass", "sesame"), ("maxclients", "8")]);
    let silent = [(); 100].map(|()| stranger(&mut local));
    let honest = stranger(&mut local);
    println!("a member comes to 8 places: {}", local.call(honest, ["AUTH", "sesame"]));
    local.advance(Duration::ZERO);
    println!("of 100 silent strangers {} are there", open(&local, &silent));
    local.advance(Duration::from_secs(60));
    println!("a minute later {}, and the member: {}", open(&local, &silent), local.is_open(honest));

    // It guesses, by as many connections as it likes.
    let mut local = server(&[("requirepass", "sesame")]);
    let guessers = [(); 50].map(|()| stranger(&mut local));
    for &guesser in &guessers {
        local.send(guesser, &request(["AUTH", "guess"]));
    }
    let mut answered = [0; 3];
    for count in &mut answered {
        local.advance(Duration::from_secs(10));
        *count = guessers.iter().filter(|&&client| !local.received(client).is_empty()).count();
    }
    println!("guesses that are answered in 10 s, in 10 more, in 10 more: {answered:?}");
}
