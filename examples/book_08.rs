//! Chapter 8 of the book: the time is told, and a test tells it.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};
use respd::{ManualClock, Server};

/// Until when a loop around this engine would sleep, from now on.
fn sleeps(local: &Local, start: u64) -> String {
    match local.engine.next_deadline() {
        None => "for ever".to_owned(),
        Some(due) => format!("until {} ms", (due - start) / 1000),
    }
}

fn send(local: &mut Local, client: Connection, line: &str) {
    local.send(client, &request(line.split(' ')));
    let received = local.received(client).escape_ascii().to_string();
    println!("{}", format!("> {line:<28} {received}").trim_end());
}

fn main() -> std::io::Result<()> {
    // An engine without a socket. Its first moment is that of its last turn.
    let mut local = Local::new(Config::default());
    let start = local.engine.world.now.mono;
    let (ann, ben) = (local.connect(), local.connect());
    println!("the loop sleeps {}", sleeps(&local, start));
    send(&mut local, ann, "SET greeting welcome EX 60");
    println!("the loop sleeps {}", sleeps(&local, start));
    send(&mut local, ben, "BLPOP jobs 5");
    println!("the loop sleeps {}", sleeps(&local, start));

    println!("-- 5 s pass");
    local.advance(Duration::from_secs(5));
    println!("ben is told {}", local.received(ben).escape_ascii());
    println!("the loop sleeps {}", sleeps(&local, start));
    println!("-- 54 s and 999 ms pass");
    local.advance(Duration::from_millis(54_999));
    send(&mut local, ann, "DBSIZE");
    println!("-- 1 ms passes");
    local.advance(Duration::from_millis(1));
    send(&mut local, ann, "DBSIZE");
    println!("the loop sleeps {}", sleeps(&local, start));

    // The same with sockets, and with a loop that sleeps.
    let clock = ManualClock::new();
    clock.freeze();
    let server = Server::builder().any_port().clock(clock.clone()).bind()?.spawn();
    let (handle, begun) = (server.handle(), Instant::now());
    let addr = server.addr().ok_or(ErrorKind::AddrNotAvailable)?;
    let mut peer = TcpStream::connect(addr)?;
    println!("-- on sockets: what a pause of 10 s holds back runs when it ends");
    handle.call(["CLIENT", "PAUSE", "10000", "WRITE"]);
    peer.write_all(&request(["SET", "k", "v", "EX", "3600"]))?;
    while !handle.call(["INFO", "clients"]).to_string().contains("blocked_clients:1") {
        std::thread::yield_now();
    }
    clock.advance(Duration::from_secs(15));
    println!("15 s later it has {} ms to live", handle.call(["PTTL", "k"]).as_i64().unwrap_or(0));
    clock.advance(Duration::from_secs(3595));
    println!("an hour later there are {} keys", handle.call(["DBSIZE"]).as_i64().unwrap_or(0));
    assert!(begun.elapsed() < Duration::from_secs(60));
    Ok(())
}
