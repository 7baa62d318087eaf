//! STAGE NODE with sockets: ports that open and close while the server runs, and redis-rs's clients of a cluster and of
//! Sentinels.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use redis::cluster::ClusterClient;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Commands, Connection};
use respd::internals::config::{Callers, Config};
use respd::{Running, Server};

/// A server whose stage is on.
fn start() -> Running {
    let config = Config {
        enable_stage_command: Callers::Local,
        bind: vec!["127.0.0.1".to_owned()],
        ..Config::default()
    };
    Server::builder().config(config).any_port().bind().unwrap().spawn()
}

fn connect(server: &Running) -> Connection {
    let addr = server.addr().unwrap();
    redis::Client::open(format!("redis://{addr}")).unwrap().get_connection().unwrap()
}

/// STAGE and the words of a line that replies with a port.
fn add(driver: &mut Connection, line: &str) -> SocketAddr {
    let port: u16 =
        redis::cmd("STAGE").arg(line.split(' ').collect::<Vec<_>>()).query(driver).unwrap();
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn stage(driver: &mut Connection, line: &str) {
    let told: String =
        redis::cmd("STAGE").arg(line.split(' ').collect::<Vec<_>>()).query(driver).unwrap();
    assert_eq!(told, "OK", "{line}");
}

/// What the server says to PING, and whether the connection is open still.
fn ping(stream: &mut TcpStream) -> Option<String> {
    let mut buffer = [0; 64];
    let sent = stream.write_all(b"PING\r\n").and_then(|()| stream.read(&mut buffer));
    sent.ok().filter(|&read| read > 0).map(|read| String::from_utf8_lossy(&buffer[..read]).into())
}

#[test]
fn the_port_of_a_node_is_open_as_long_as_that_is_up() {
    let server = start();
    let mut driver = connect(&server);
    let addr = add(&mut driver, "NODE ADD a SLOTS 0-16383");
    let mut client = TcpStream::connect(addr).unwrap();
    assert_eq!(ping(&mut client).as_deref(), Some("+PONG\r\n"));
    let taken: redis::RedisResult<u16> = redis::cmd("STAGE")
        .arg(&["NODE", "ADD", "b", "PORT", &addr.port().to_string()])
        .query(&mut driver);
    assert!(taken.unwrap_err().to_string().contains("is that of 'a'"));
    stage(&mut driver, "NODE DOWN a");
    assert_eq!(ping(&mut client), None);
    assert!(TcpStream::connect(addr).is_err());
    stage(&mut driver, "NODE UP a");
    let mut client = TcpStream::connect(addr).unwrap();
    assert_eq!(ping(&mut client).as_deref(), Some("+PONG\r\n"));
    // A change of the configuration leaves the ports of nodes as they are.
    let told: String =
        redis::cmd("CONFIG").arg(&["SET", "tcp-keepalive", "7"]).query(&mut driver).unwrap();
    assert_eq!(told, "OK");
    assert_eq!(ping(&mut TcpStream::connect(addr).unwrap()).as_deref(), Some("+PONG\r\n"));
    stage(&mut driver, "RESET");
    assert_eq!(ping(&mut client), None);
    assert!(TcpStream::connect(addr).is_err());
    let _other = std::net::TcpListener::bind(addr).expect("the port is free");
}

#[test]
fn a_port_that_another_has_is_refused() {
    let server = start();
    let mut driver = connect(&server);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let taken: redis::RedisResult<u16> =
        redis::cmd("STAGE").arg(&["NODE", "ADD", "a", "PORT", &port]).query(&mut driver);
    let told = taken.unwrap_err().to_string();
    assert!(
        told.contains("cannot listen there") && told.contains("Address already in use"),
        "{told}"
    );
    let nodes: Vec<redis::Value> =
        redis::cmd("STAGE").arg(&["NODE", "LIST"]).query(&mut driver).unwrap();
    assert!(nodes.is_empty());
}

#[test]
fn the_own_port_of_the_server_may_be_a_node_that_goes_down() {
    let server = start();
    let own = server.addr().unwrap();
    let mut driver = connect(&server);
    assert_eq!(add(&mut driver, &format!("NODE ADD a SLOTS 0-16383 PORT {}", own.port())), own);
    let replica = add(&mut driver, "NODE ADD b REPLICA-OF a");
    // The client that takes its own node down is told so, and closed.
    stage(&mut driver, "NODE DOWN a");
    assert!(redis::cmd("PING").query::<String>(&mut driver).is_err());
    assert!(TcpStream::connect(own).is_err());
    let mut driver =
        redis::Client::open(format!("redis://{replica}")).unwrap().get_connection().unwrap();
    stage(&mut driver, "NODE FAILOVER b");
    let _: () = driver.set("a", 1).unwrap();
    stage(&mut driver, "RESET");
    let mut driver = connect(&server);
    assert_eq!(driver.get::<_, i64>("a").unwrap(), 1);
}

#[test]
fn redis_rs_follows_its_cluster() {
    let server = start();
    let mut driver = connect(&server);
    let a = add(&mut driver, "NODE ADD a SLOTS 0-5460");
    add(&mut driver, "NODE ADD b SLOTS 5461-10922");
    add(&mut driver, "NODE ADD c SLOTS 10923-16383");
    for name in ["a", "b", "c"] {
        add(&mut driver, &format!("NODE ADD {name}2 REPLICA-OF {name}"));
    }
    let client = ClusterClient::new(vec![format!("redis://{a}")]).unwrap();
    let mut cluster = client.get_connection().unwrap();
    for n in 0..50 {
        let _: () = cluster.set(format!("key:{n}"), n).unwrap();
    }
    let all: Vec<i64> = (0..50).map(|n| cluster.get(format!("key:{n}")).unwrap()).collect();
    assert_eq!(all, (0..50).collect::<Vec<i64>>());
    stage(&mut driver, "NODE MIGRATE 3300 c");
    let _: () = cluster.set("b", "by way of ASK").unwrap();
    stage(&mut driver, "NODE MOVE 3300 c");
    assert_eq!(cluster.get::<_, String>("b").unwrap(), "by way of ASK");
    stage(&mut driver, "NODE FAILOVER a2");
    for n in 0..50 {
        let _: () = cluster.set(format!("key:{n}"), n + 1).unwrap();
    }
    stage(&mut driver, "NODE DOWN c");
    stage(&mut driver, "NODE FAILOVER c2");
    for n in 0..50 {
        let key = format!("key:{n}");
        // The client may keep a connection that is broken: it asks for the nodes anew when one of them sends it away.
        let written: redis::RedisResult<()> = cluster.set(&key, -n);
        if written.is_err() {
            cluster = client.get_connection().unwrap();
            let _: () = cluster.set(&key, -n).unwrap();
        }
        assert_eq!(cluster.get::<_, i64>(&key).unwrap(), -n);
    }
}

#[test]
fn redis_rs_follows_its_sentinels() {
    let server = start();
    let mut driver = connect(&server);
    let primary = add(&mut driver, "NODE ADD m");
    add(&mut driver, "NODE ADD r REPLICA-OF m");
    let sentinels = ["s0", "s1"].map(|name| {
        add(&mut driver, &format!("SENTINEL ADD {name} MASTER mymaster NODE m QUORUM 2"))
    });
    let params = sentinels.iter().map(|addr| format!("redis://{addr}")).collect();
    let kind = SentinelServerType::Master;
    let mut client = SentinelClient::build(params, "mymaster".to_owned(), None, kind).unwrap();
    let _: () = client.get_connection().unwrap().set("a", 1).unwrap();
    stage(&mut driver, "NODE FAILOVER r");
    let mut connection = client.get_connection().unwrap();
    let _: () = connection.set("a", 2).unwrap();
    let mut old =
        redis::Client::open(format!("redis://{primary}")).unwrap().get_connection().unwrap();
    assert_eq!(old.get::<_, i64>("a").unwrap(), 2);
    let refused = old.set::<_, _, ()>("a", 3).unwrap_err().to_string();
    assert!(refused.contains("read only replica"), "{refused}");
}

#[test]
fn the_last_port_cannot_be_taken_down() {
    let server = start();
    let mut driver = connect(&server);
    let own = server.addr().unwrap().port();
    add(&mut driver, &format!("NODE ADD a PORT {own} SLOTS 0-16383"));
    let words = ["NODE", "DOWN", "a"];
    let refused: redis::RedisResult<String> = redis::cmd("STAGE").arg(&words).query(&mut driver);
    assert!(refused.unwrap_err().to_string().contains("the last port"));
    let addr = add(&mut driver, "NODE ADD b REPLICA-OF a");
    let mut other =
        redis::Client::open(format!("redis://{addr}")).unwrap().get_connection().unwrap();
    stage(&mut other, "NODE DOWN a");
    let refused: redis::RedisResult<String> =
        redis::cmd("STAGE").arg(&["NODE", "DOWN", "b"]).query(&mut other);
    assert!(refused.unwrap_err().to_string().contains("the last port"));
    stage(&mut other, "NODE UP a");
}
