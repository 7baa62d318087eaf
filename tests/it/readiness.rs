//! A server that is alive and not ready: which commands are refused, and what makes it ready.

use std::sync::mpsc;

use respd::Server;
use respd::internals::config::Config;
use respd::internals::dispatch::Table;
use respd::internals::dispatch::spec::flag;
use respd::internals::embed::groups;
use respd::internals::embed::local::{Connection, Local};

use crate::process::Respd;
use crate::socket::{PATIENCE, Socket};

const LOADING: &str = "(error) LOADING Valkey is loading the dataset in memory";

fn unready() -> (Local, Connection) {
    let mut local = Local::new(Config { start_ready: false, ..Config::default() });
    let client = local.connect();
    (local, client)
}

#[test]
fn the_handshake_needs_no_readiness() {
    let table = Table::new(groups());
    for name in [
        "auth", "client", "command", "echo", "hello", "info", "ping", "quit", "reset", "select",
        "time",
    ] {
        let row = table.command(name.as_bytes()).expect(name);
        let rows = row.subcommands.iter().map(|&id| table.row(id));
        for row in rows.chain((row.subcommands.is_empty()).then_some(row)) {
            assert!(!row.has(flag::NEEDS_READY), "{} waits", row.full_name);
        }
    }
}

#[test]
fn a_command_on_keys_needs_readiness() {
    let table = Table::new(groups());
    for row in table.rows().filter(|row| row.has(flag::WRITE | flag::READ)) {
        assert!(row.has(flag::NEEDS_READY), "{} does not wait", row.full_name);
    }
}

#[test]
fn readiness_comes_and_goes() {
    let (mut local, client) = unready();
    assert_eq!(local.call(client, ["GET", "k"]).to_string(), LOADING);
    assert_eq!(local.call(client, ["PING"]).to_string(), "PONG");
    local.engine.world.set_ready(true);
    assert_eq!(local.call(client, ["GET", "k"]).to_string(), "(nil)");
    local.engine.world.set_ready(false);
    assert_eq!(local.call(client, ["GET", "k"]).to_string(), LOADING);
}

#[test]
fn info_tells_since_when_the_server_is_not_ready() {
    let (mut local, client) = unready();
    let report = |local: &mut Local| local.call(client, ["INFO", "persistence"]).to_string();
    assert!(report(&mut local).contains("loading_start_time:1700000000"));
    local.advance(std::time::Duration::from_secs(7));
    local.engine.world.set_ready(true);
    assert!(report(&mut local).contains("loading:0"));
    assert!(!report(&mut local).contains("loading_start_time"));
    local.engine.world.set_ready(false);
    // To say it again is nothing new.
    local.advance(std::time::Duration::from_secs(7));
    local.engine.world.set_ready(false);
    assert!(report(&mut local).contains("loading_start_time:1700000007"));
}

#[test]
fn a_persona_refuses_in_its_own_words() {
    let mut config = Config { start_ready: false, ..Config::default() };
    config.apply_option("persona", "redis-6.2").unwrap();
    let mut local = Local::new(config);
    let client = local.connect();
    assert_eq!(
        local.call(client, ["GET", "k"]).to_string(),
        "(error) LOADING Redis is loading the dataset in memory"
    );
}

#[test]
fn another_thread_says_that_the_server_is_ready() {
    let mut server = Server::builder().any_port().not_ready().bind().unwrap();
    let (tell, told) = mpsc::channel();
    server.when_ready(move || tell.send(()).unwrap());
    let (addr, handle) = (server.addr().unwrap(), server.handle());
    let running = server.spawn();
    let mut client = Socket::tcp(addr);
    assert_eq!(client.call(["GET", "k"]), LOADING);
    assert!(told.try_recv().is_err());
    handle.ready(true);
    told.recv_timeout(PATIENCE).expect("the server is told");
    assert_eq!(client.call(["GET", "k"]), "(nil)");
    running.stop().unwrap();
    // The server has ended: that is no error, and no hang.
    handle.ready(false);
}

#[test]
fn a_server_that_is_ready_tells_so_at_once() {
    let mut server = Server::builder().any_port().bind().unwrap();
    let (tell, told) = mpsc::channel();
    server.when_ready(move || tell.send(()).unwrap());
    assert_eq!(told.try_recv(), Ok(()));
}

#[test]
fn the_ready_line_waits_for_readiness() {
    let (respd, line) = Respd::start_unready(&[
        "--port",
        "0",
        "-o",
        "start-ready=no",
        "-o",
        "enable-debug-command=local",
    ]);
    let mut client = respd.connect();
    assert_eq!(client.call(["GET", "k"]), LOADING);
    assert!(line.try_recv().is_err());
    assert_eq!(client.call(["DEBUG", "SET-READY", "1"]), "OK");
    let line = line.recv_timeout(PATIENCE).expect("the line");
    assert_eq!(line, format!("ready pid={} tcp={}", respd.pid(), respd.addr()));
    assert_eq!(client.call(["GET", "k"]), "(nil)");
}
