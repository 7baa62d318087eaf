//! Chapter 6 of the book: requests that stop at one gate after the other.

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};

/// Sends a line, and shows what is replied.
fn send(local: &mut Local, client: Connection, line: &str) {
    local.send(client, &request(line.split(' ')));
    println!("> {line}\n{}", String::from_utf8_lossy(&local.received(client)).trim_end());
}

fn main() {
    let mut config = Config::default();
    for (name, value) in [("requirepass", "sesame"), ("auth-failure-delay", "0")] {
        config.apply_option(name, value).expect("a directive and its value");
    }
    let mut local = Local::new(config);
    let client = local.connect();
    for line in [
        // The gates are asked in their order: the first that is shut answers.
        "NOSUCH",
        "AUTH sesame",
        "NOSUCH",
        "GET",
        "ACL SETUSER ann on >secret +@all -flushall ~mine:*",
        "AUTH ann secret",
        "FLUSHALL",
        "SET yours:1 x",
        "AUTH default sesame",
        "CONFIG SET maxmemory 1",
        "SET k v",
        "GET k",
        "CONFIG SET maxmemory 0",
        "MULTI",
        "SET k v",
        "WATCH k",
        "EXEC",
    ] {
        send(&mut local, client, line);
    }
}
