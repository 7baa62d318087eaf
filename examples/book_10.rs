//! Chapter 10 of the book: messages to many clients, of which one does not read.

use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};

/// Sends a line, and shows what each of the clients is sent.
fn send(local: &mut Local, clients: &[(&str, Connection)], name: &str, line: &str) {
    println!("{name}: {line}");
    if let Some(&(_, client)) = clients.iter().find(|(known, _)| *known == name) {
        local.send(client, &request(line.split(' ')));
    }
    for &(name, client) in clients {
        let received = local.received(client);
        if !received.is_empty() {
            println!("    {name} gets {}", received.escape_ascii());
        }
    }
}

fn main() {
    let mut config = Config::default();
    let limit = "pubsub 200kb 50kb 10";
    config.apply_option("client-output-buffer-limit", limit).expect("a limit");
    let mut local = Local::new(config);
    let [ann, ben, dan] = [(); 3].map(|()| local.connect());
    local.send(ann, &request(["HELLO", "3"]));
    local.received(ann);
    let all = [("ann", ann), ("ben", ben), ("dan", dan)];

    println!("# one message in two dialects");
    for (name, line) in [
        ("ann", "SUBSCRIBE news"),
        ("ben", "SUBSCRIBE news"),
        ("dan", "PUBLISH news x"),
        // What a client's own command causes follows the reply.
        ("ann", "PUBLISH news y"),
    ] {
        send(&mut local, &all, name, line);
    }

    println!("# a client that caches is told once, until it reads again");
    for (name, line) in [
        ("ann", "CLIENT TRACKING ON"),
        ("ann", "GET k"),
        ("dan", "SET k 1"),
        ("dan", "SET k 2"),
        ("ann", "GET k"),
        ("dan", "SET k 3"),
    ] {
        send(&mut local, &all, name, line);
    }

    println!("# a reader that does not read, with a limit of {limit}");
    let message = "x".repeat(5000);
    for reads_in_time in [true, false] {
        for _ in 0..20 {
            let heard = local.call(dan, ["PUBLISH", "news", &message]);
            assert_eq!(heard.as_i64(), Some(2));
        }
        local.received(ann);
        local.advance(Duration::from_secs(9));
        println!("100 KB wait for 9 s: {}", if local.is_open(ben) { "open" } else { "closed" });
        if reads_in_time {
            println!("it reads {} KB", local.received(ben).len() / 1000);
        }
        local.advance(Duration::from_secs(1));
        println!("a second later: {}", if local.is_open(ben) { "open" } else { "closed" });
    }

    println!("# the hard limit");
    let messages = (1..1000).find(|_| {
        local.call(dan, ["PUBLISH", "news", &message]);
        !local.is_open(ann)
    });
    println!("ann reads nothing, and is closed at message {}", messages.unwrap_or(0));
    let heard = local.call(dan, ["PUBLISH", "news", "x"]);
    println!("dan is served as ever: {heard}");
}
