//! STAGE: the server as a test double.

mod clock;
mod fault;
mod flags;
mod journal;
mod node;
mod ports;
mod record;
#[cfg(feature = "lua")]
mod scripts;
mod seed;
mod sentinel;
mod sockets;
mod words;

use respd::internals::config::{Callers, Config};
use respd::internals::dispatch::synopsis;
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::peer::{Address, Peer};

/// A server that a test may drive, and a client of it.
fn staged() -> (Local, Connection) {
    let mut local =
        Local::new(Config { enable_stage_command: Callers::Local, ..Config::default() });
    let client = local.connect();
    (local, client)
}

/// What the client is sent once it has sent the words of `line`.
fn call(local: &mut Local, client: Connection, line: &str) -> String {
    local.send(client, &request(line.split(' ')));
    String::from_utf8_lossy(&local.received(client)).into_owned()
}

#[test]
fn where_nothing_may_be_staged_there_is_no_such_command() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    let reply = call(&mut local, client, "STAGE RESET");
    assert!(reply.starts_with("-ERR unknown command 'STAGE'"), "{reply}");
    assert_eq!(call(&mut local, client, "COMMAND INFO stage"), "*1\r\n$-1\r\n");
    let (mut local, client) = staged();
    assert_eq!(call(&mut local, client, "STAGE RESET"), "+OK\r\n");
    assert!(call(&mut local, client, "COMMAND INFO stage").contains("stage|reset"));
    assert!(call(&mut local, client, "STAGE HELP").contains("RESET"));
}

#[test]
fn a_client_from_elsewhere_drives_no_server_whose_stage_is_local() {
    let (mut local, _) = staged();
    let mut peer = Peer::local();
    peer.addr = Address::Tcp("192.0.2.1:5000".parse().unwrap());
    local.engine.world.config.protected_mode = false;
    let client = local.try_connect(peer).unwrap();
    let reply = call(&mut local, client, "STAGE RESET");
    assert!(reply.starts_with("-ERR STAGE command not allowed"), "{reply}");
}

#[test]
fn every_persona_has_a_stage() {
    let mut config = Config::default();
    for (name, value) in [("persona", "kronotop-0.13"), ("enable-stage-command", "yes")] {
        config.apply_option(name, value).unwrap();
    }
    let mut local = Local::new(config);
    let client = local.connect();
    assert_eq!(call(&mut local, client, "STAGE RESET"), "+OK\r\n");
}

#[test]
fn help_shows_how_each_subcommand_is_called() {
    let (local, _) = staged();
    let mut mistakes = Vec::new();
    for row in local.engine.table().rows().filter(|row| ["stage", "sentinel"].contains(&row.group))
    {
        if let Err(mistake) = synopsis::parse(row.spec.synopsis) {
            mistakes.push(format!("{}: {mistake}", row.full_name));
        }
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}
