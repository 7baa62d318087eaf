//! Copies of the data for clients: SYNC of a client that is no replica, as `redis-cli --rdb` sends it.
//!
//! On the engine, with real folders: a test waits for the threads of the disk, never for time.

use std::fs;

use respd::internals::config::Callers;
use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};

use crate::client::call;
use crate::process::Folder;

const REFUSED: &str = "-ERR this server does not replicate: SYNC is for a client that wants a copy of the data, \
                       and has said REPLCONF rdb-only 1\r\n";
const FAILED: &str = "-ERR BGSAVE failed, replication can't continue\r\n";

/// A piece of a file, and what may wait for a client when it is given one.
const MOST_UNREAD: usize = (256 + 128) << 10;

fn start(folder: &Folder) -> Local {
    let mut local = Local::new(Config {
        dir: Some(folder.file("")),
        enable_debug_command: Callers::Yes,
        ..Config::default()
    });
    local.wait_for_disk();
    local
}

/// Keys of more than one piece: three megabytes that cannot be compressed.
fn fill(local: &mut Local, client: Connection) {
    let mut bits = 1_u64;
    for key in 0..3000 {
        let mut value = String::new();
        while value.len() < 1000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            value.push_str(&format!("{bits:016x}"));
        }
        assert_eq!(call(local, client, &format!("SET {key} {value}")), "+OK\r\n");
    }
    call(local, client, "RPUSH list a b c");
    call(local, client, "HSET hash f v");
}

/// A client that has said that it is no replica, and asks for a copy.
fn ask(local: &mut Local) -> Connection {
    let client = local.connect();
    assert_eq!(call(local, client, "REPLCONF capa eof"), "+OK\r\n");
    assert_eq!(call(local, client, "REPLCONF rdb-only 1"), "+OK\r\n");
    local.send(client, b"SYNC\r\n");
    client
}

/// What a client is sent until nothing more comes.
fn received(local: &mut Local, client: Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        local.wait_for_disk();
        let more = local.received(client);
        if more.is_empty() {
            return bytes;
        }
        bytes.extend(more);
    }
}

/// The file that a client is sent, and what follows it.
fn copy(local: &mut Local, client: Connection) -> (Vec<u8>, Vec<u8>) {
    let mut bytes = received(local, client);
    let line = bytes.iter().position(|&byte| byte == b'\n').expect("a length") + 1;
    let length: usize = std::str::from_utf8(&bytes[1..line - 2]).unwrap().parse().unwrap();
    assert_eq!(bytes[0], b'$');
    let rest = bytes.split_off(line + length);
    bytes.drain(..line);
    (bytes, rest)
}

/// The digest of what a file holds.
fn digest(file: &[u8]) -> String {
    let folder = Folder::new();
    fs::write(folder.file("dump.rdb"), file).unwrap();
    let mut local = start(&folder);
    let client = local.connect();
    call(&mut local, client, "DEBUG DIGEST")
}

/// Nothing is left of a copy: no file, no moment that is recorded, and what is asked for next can begin.
fn assert_nothing_is_left(local: &mut Local, folder: &Folder) {
    local.wait_for_disk();
    assert_eq!(fs::read_dir(folder.file("")).unwrap().count(), 0);
    assert!(local.engine.world.store.moment().is_none());
    let client = ask(local);
    assert!(copy(local, client).1.is_empty());
}

#[test]
fn a_copy_is_the_data_of_one_moment() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fill(&mut local, writer);
    let then = call(&mut local, writer, "DEBUG DIGEST");
    let client = ask(&mut local);
    // The moment is at the beginning of the turn.
    local.advance(std::time::Duration::ZERO);
    assert!(local.engine.world.store.moment().is_some(), "it is not recorded at once");
    for key in 0..3000 {
        assert_eq!(call(&mut local, writer, &format!("APPEND {key} more")), ":1012\r\n");
    }
    assert_eq!(call(&mut local, writer, "FLUSHALL"), "+OK\r\n");
    assert_eq!(call(&mut local, writer, "SET other value"), "+OK\r\n");
    // What the client has sent meanwhile runs behind its copy.
    local.send(client, b"GET other\r\n");
    let (file, rest) = copy(&mut local, client);
    assert_eq!(String::from_utf8(rest).unwrap(), "$5\r\nvalue\r\n");
    assert_eq!(digest(&file), then);
    assert!(file.len() > 4 * MOST_UNREAD, "it has come in pieces");
    assert_nothing_is_left(&mut local, &folder);
    let info = call(&mut local, writer, "INFO commandstats");
    assert!(info.contains("cmdstat_sync:calls=2,"), "{info}");
    assert!(call(&mut local, writer, "INFO replication").contains("connected_slaves:0"));
}

#[test]
fn a_client_that_does_not_read_costs_a_piece_and_keeps_nothing_from_the_others() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fill(&mut local, writer);
    let before = local.engine.world.clients.memory();
    let idle = ask(&mut local);
    local.wait_for_disk();
    let reader = ask(&mut local);
    let (file, _) = copy(&mut local, reader);
    local.wait_for_disk();
    assert!(local.engine.world.clients.memory() < before + 2 * MOST_UNREAD);
    assert_eq!(call(&mut local, writer, "PING"), "+PONG\r\n");
    assert_eq!(copy(&mut local, idle).0.len(), file.len());
    assert_nothing_is_left(&mut local, &folder);
}

#[test]
fn clients_that_ask_together_share_a_copy_and_more_wait_than_may_read() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fill(&mut local, writer);
    let mut idle = Vec::new();
    for _ in 0..2 {
        idle.push(ask(&mut local));
        idle.push(ask(&mut local));
        local.wait_for_disk();
    }
    let later = ask(&mut local);
    local.wait_for_disk();
    assert!(local.received(later).is_empty(), "four files may be read at once");
    call(&mut local, writer, "SET more data");
    let lengths: Vec<usize> = idle.iter().map(|&client| copy(&mut local, client).0.len()).collect();
    assert_eq!((lengths[0], lengths[2]), (lengths[1], lengths[3]));
    let now = call(&mut local, writer, "DEBUG DIGEST");
    assert_eq!(digest(&copy(&mut local, later).0), now);
}

#[test]
fn a_push_follows_the_copy() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fill(&mut local, writer);
    let client = local.connect();
    call(&mut local, client, "HELLO 3");
    call(&mut local, client, "CLIENT TRACKING on BCAST PREFIX other");
    call(&mut local, client, "REPLCONF rdb-only 1");
    local.send(client, b"SYNC\r\n");
    local.wait_for_disk();
    call(&mut local, writer, "SET other value");
    let (_, rest) = copy(&mut local, client);
    assert_eq!(
        String::from_utf8(rest).unwrap(),
        ">2\r\n$10\r\ninvalidate\r\n*1\r\n$5\r\nother\r\n"
    );
}

#[test]
fn nothing_stays_of_the_copy_of_a_client_that_goes() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fill(&mut local, writer);
    // While it waits, while the copy is recorded, and while it is sent.
    for turns in ["queued", "recorded", "sent"] {
        let client = ask(&mut local);
        match turns {
            "recorded" => local.advance(std::time::Duration::ZERO),
            "sent" => local.wait_for_disk(),
            _ => {}
        }
        assert_eq!(local.engine.world.store.moment().is_some(), turns == "recorded");
        call(&mut local, writer, "CLIENT KILL TYPE normal SKIPME yes");
        local.received(client);
        assert!(!local.is_open(client));
        local.advance(std::time::Duration::ZERO);
        assert!(local.engine.world.store.moment().is_none(), "{turns}: nothing is recorded for it");
        assert_nothing_is_left(&mut local, &folder);
    }
}

#[test]
fn a_client_that_sends_nothing_more_gets_its_copy() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let client = ask(&mut local);
    local.finish(client);
    assert!(copy(&mut local, client).0.starts_with(b"VALKEY"));
    assert!(!local.is_open(client));
}

#[test]
fn a_copy_that_cannot_be_written_is_an_error_and_no_failed_snapshot() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fs::remove_dir(folder.file("")).unwrap();
    let [client, other] = [(); 2].map(|()| ask(&mut local));
    for client in [client, other] {
        assert_eq!(String::from_utf8(received(&mut local, client)).unwrap(), FAILED);
        assert_eq!(call(&mut local, client, "PING"), "+PONG\r\n");
    }
    assert_eq!(call(&mut local, writer, "SET k v"), "+OK\r\n");
    let info = call(&mut local, writer, "INFO everything");
    assert!(info.contains("rdb_last_bgsave_status:ok"), "{info}");
    assert!(info.contains(
        "cmdstat_sync:calls=2,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=2"
    ));
    fs::create_dir(folder.file("")).unwrap();
    assert_nothing_is_left(&mut local, &folder);
}

#[test]
fn one_moment_is_recorded_at_a_time() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let writer = local.connect();
    fill(&mut local, writer);
    let client = ask(&mut local);
    local.advance(std::time::Duration::ZERO);
    assert!(call(&mut local, writer, "SAVE").starts_with("-ERR Another child"));
    assert_eq!(call(&mut local, writer, "BGSAVE SCHEDULE"), "+Background saving scheduled\r\n");
    // The copy of this one begins when the snapshot is written.
    let later = ask(&mut local);
    let (first, _) = copy(&mut local, client);
    let (second, _) = copy(&mut local, later);
    let saved = fs::read(folder.file("dump.rdb")).unwrap();
    assert_eq!(first.len(), saved.len());
    assert_eq!(digest(&second), digest(&saved));
    assert_eq!(fs::read_dir(folder.file("")).unwrap().count(), 1);
}

#[test]
fn a_replica_is_refused_and_so_is_a_client_that_has_been_reset() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let client = local.connect();
    assert_eq!(call(&mut local, client, "SYNC"), REFUSED);
    call(&mut local, client, "REPLCONF listening-port 6380");
    call(&mut local, client, "REPLCONF capa eof capa psync2");
    assert!(call(&mut local, client, "PSYNC ? -1").starts_with("-ERR unknown command 'PSYNC'"));
    assert_eq!(call(&mut local, client, "SYNC"), REFUSED);
    for end in ["RESET", "REPLCONF rdb-only 0"] {
        call(&mut local, client, "REPLCONF rdb-only 1");
        call(&mut local, client, end);
        assert_eq!(call(&mut local, client, "SYNC"), REFUSED);
    }
    // What is refused changes nothing.
    call(&mut local, client, "REPLCONF rdb-only 1 nosuch x");
    assert_eq!(call(&mut local, client, "SYNC"), REFUSED);
}

#[test]
fn a_server_without_files_makes_no_copies_but_of_what_is_no_key() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    call(&mut local, client, "SET k v");
    call(&mut local, client, "REPLCONF rdb-only 1");
    assert!(call(&mut local, client, "SYNC").starts_with("-ERR this server keeps no files"));
    for words in ["functions", ""] {
        let filter =
            respd::internals::embed::local::request(["REPLCONF", "rdb-filter-only", words]);
        local.send(client, &filter);
        assert_eq!(local.received(client), b"+OK\r\n");
        local.send(client, b"SYNC\r\nPING\r\n");
        let (file, rest) = copy(&mut local, client);
        assert_eq!(rest, b"+PONG\r\n");
        let zeros = format!("+{}\r\n", "0".repeat(40));
        assert_eq!(digest(&file), zeros);
    }
}

#[test]
fn a_client_that_wants_no_replies_gets_no_copy() {
    let folder = Folder::new();
    let mut local = start(&folder);
    let client = local.connect();
    call(&mut local, client, "REPLCONF rdb-only 1");
    local.send(client, b"CLIENT REPLY SKIP\r\nSYNC\r\nPING\r\n");
    assert_eq!(received(&mut local, client), b"+PONG\r\n");
}
