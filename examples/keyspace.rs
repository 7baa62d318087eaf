//! The keyspace from the program that serves it: what the program does with keys, clients see as what another client does.
//!
//! `cargo run --example keyspace` plays through it with redis-rs.

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use redis::{Client, Commands, PushInfo};
use respd::{Server, args};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().option("notify-keyspace-events", "KEA")?.any_port().bind()?;
    let server = server.spawn();
    let handle = server.handle();
    let url = format!("redis://{}/?protocol=resp3", server.addr().ok_or("there is no port")?);
    let client = Client::open(url)?;

    // The program's own calls: what they return is typed, whatever clients speak.
    handle.call(args!["HSET", "price", "apple", 0.25, "pear", 1.5]);
    let prices = handle.call(["HGETALL", "price"]).into_map().ok_or("there are no prices")?;
    let sum: f64 = prices.iter().filter_map(|(_, price)| price.as_f64()).sum();
    println!("an apple and a pear: {sum}");

    // A client that waits gets what the program pushes.
    let mut waiting = client.get_connection()?;
    let waiter = thread::spawn(move || waiting.blpop::<_, (String, String)>("jobs", 10.0));
    let clients = || handle.call(["INFO", "clients"]).to_string();
    while !clients().contains("blocked_clients:1") {
        thread::yield_now();
    }
    handle.call(args!["RPUSH", "jobs", "mail"]);
    println!("a worker has taken {:?}", waiter.join().expect("a worker")?);

    // A client that caches what it has read is told that it is not so any more.
    let (push, pushed) = mpsc::channel::<PushInfo>();
    let mut caching = client.get_connection()?;
    caching.set_push_sender(push);
    let () = redis::cmd("CLIENT").arg("TRACKING").arg("ON").query(&mut caching)?;
    let price: f64 = caching.hget("price", "apple")?;
    handle.call(args!["HINCRBYFLOAT", "price", "apple", 0.5]);
    let () = redis::cmd("PING").query(&mut caching)?;
    let told = pushed.recv_timeout(Duration::from_secs(10))?;
    println!("{price} is out of date: {} {:?}", told.kind, told.data);

    // A call that fails says why, as a client would be told.
    let refused = handle.call(["INCR", "price"]).into_result();
    println!("{}", refused.err().ok_or("a hash was counted")?);

    // A client that listens hears of what happens to keys, and of what the program publishes.
    let mut listening = client.get_connection()?;
    listening.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut listening = listening.as_pubsub();
    listening.subscribe("__keyspace@0__:price")?;
    listening.subscribe("news")?;
    handle.call(["DEL", "price"]);
    println!("heard by {} clients", handle.publish(b"news", b"closing time"));
    for _ in 0..2 {
        let message = listening.get_message()?;
        println!("{}: {}", message.get_channel_name(), message.get_payload::<String>()?);
    }

    server.stop()?;
    Ok(())
}
