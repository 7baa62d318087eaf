//! Data that outlives its server: snapshots, when they are written and what they hold; what is loaded, and what is not.
//!
//! On the engine, with real folders: a test waits for the thread of the disk, never for time.

use std::fs;
use std::time::Duration;

use respd::internals::config::Callers;
use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};

use crate::process::Folder;

const MISCONF: &str = "(error) MISCONF Valkey is configured to save RDB snapshots";
const LOADING: &str = "(error) LOADING Valkey is loading the dataset in memory";
const OLD: &[u8] = b"the file from before";

/// A server that keeps its files in the folder and has changed settings beside.
fn config(folder: &Folder, settings: &[(&str, &str)]) -> Config {
    let mut config = Config {
        dir: Some(folder.file("")),
        enable_debug_command: Callers::Yes,
        enable_protected_configs: Callers::Yes,
        ..Config::default()
    };
    for (name, value) in settings {
        config.apply_option(name, value).unwrap();
    }
    config
}

struct Server {
    local: Local,
    client: Connection,
}

impl Server {
    /// A server that has loaded what is in the folder.
    fn start(folder: &Folder, settings: &[(&str, &str)]) -> Server {
        let mut server = Server::start_unready(folder, settings);
        server.local.wait_for_disk();
        server
    }

    fn start_unready(folder: &Folder, settings: &[(&str, &str)]) -> Server {
        let mut local = Local::new(config(folder, settings));
        let client = local.connect();
        Server { local, client }
    }

    /// The reply to a request of words without blanks.
    fn call(&mut self, request: &str) -> String {
        self.local.call(self.client, request.split(' ')).to_string()
    }

    fn ok(&mut self, request: &str) {
        assert_eq!(self.call(request), "OK", "{request}");
    }

    fn info(&mut self, field: &str) -> String {
        let report = self.call("INFO everything");
        let unquoted = report.replace("\\r\\n", "\n");
        let line = unquoted.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
        line.unwrap_or_else(|| panic!("{field} is not in {report}")).trim_end().to_owned()
    }

    fn digest(&mut self) -> String {
        self.call("DEBUG DIGEST")
    }

    /// Keys of every type, some of which expire.
    fn fill(&mut self) {
        for request in [
            "SET text some",
            "SET number 12345",
            "SET later value PX 100000",
            "RPUSH list a b c",
            "SADD numbers 1 2 3",
            "SADD words a b c",
            "HSET hash f v g w",
            "HSETEX expiring EX 100 FIELDS 1 f v",
            "ZADD zset 1 a 2.5 b",
            "XADD stream 1-1 f v",
            "XGROUP CREATE stream group 0",
            "XREADGROUP GROUP group me STREAMS stream >",
            "PFADD visitors a b c",
            "SELECT 5",
            "DEBUG POPULATE 20000",
            "SELECT 0",
        ] {
            let reply = self.call(request);
            assert!(!reply.starts_with("(error)"), "{request}: {reply}");
        }
    }
}

/// What the folder has, sorted.
fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.file("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_saved_is_there_after_a_restart() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.fill();
    let digest = server.digest();
    assert_ne!(server.info("rdb_changes_since_last_save"), "0");
    server.local.advance(Duration::from_secs(7));
    server.ok("SAVE");
    assert_eq!(server.info("rdb_changes_since_last_save"), "0");
    assert_eq!(server.call("LASTSAVE"), "(integer) 1700000007");
    assert_eq!(names(&folder), ["dump.rdb"]);

    let mut again = Server::start(&folder, &[]);
    assert_eq!(again.digest(), digest);
    assert_eq!(again.info("rdb_last_load_keys_loaded"), "20011");
    assert_eq!(again.info("rdb_changes_since_last_save"), "0");
    assert_eq!(again.call("PTTL later"), "(integer) 100000", "its clock begins anew");
    assert_eq!(again.call("SET number 1"), "OK");
    again.local.advance(Duration::from_secs(101));
    assert_eq!(again.call("EXISTS later expiring"), "(integer) 0");
}

#[test]
fn what_is_saved_in_the_background_is_one_moment() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.fill();
    server.ok("SELECT 5");
    server.ok("DEBUG POPULATE 60000 more");
    let digest = server.digest();
    assert_eq!(server.call("BGSAVE"), "Background saving started");
    assert_eq!(server.info("rdb_bgsave_in_progress"), "1");
    for turn in 0..4 {
        for key in (turn * 1000..).step_by(7).take(500) {
            server.ok(&format!("SET key:{key} changed"));
            server.call(&format!("DEL key:{} new:{key}", 19_999 - key));
            server.ok(&format!("SET new:{key} 1"));
        }
        server.call("SWAPDB 5 6");
        server.local.advance(Duration::ZERO);
        assert_eq!(server.call("BGSAVE"), "(error) ERR Background save already in progress");
        assert_eq!(server.call("SAVE"), "(error) ERR Background save already in progress");
    }
    let recorded: usize = server.info("current_save_keys_processed").parse().unwrap();
    assert!(recorded > 0 && recorded < 80_011, "{recorded}");
    assert_eq!(server.info("current_save_keys_total"), "80011");
    server.ok("FLUSHDB");
    server.local.wait_for_disk();
    assert_eq!(server.info("rdb_bgsave_in_progress"), "0");
    assert_eq!(server.info("rdb_last_bgsave_time_sec"), "0");
    assert_ne!(server.info("rdb_changes_since_last_save"), "0", "what came after the moment");
    assert_eq!(Server::start(&folder, &[]).digest(), digest);
}

#[test]
fn a_large_stream_is_saved_in_the_background_as_it_was() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.ok("CONFIG SET stream-node-max-entries 7");
    let long = "-long".repeat(200);
    for n in 1..=10_000 {
        server.call(&format!("XADD stream {n}-1 field value-{n}{long}"));
    }
    for request in [
        "XDEL stream 1-1 4000-1 10000-1",
        "XGROUP CREATE stream readers 0",
        "XGROUP CREATE stream others 100-1 ENTRIESREAD 7",
        "XGROUP CREATE stream idle 300-1",
        "XREADGROUP GROUP readers me COUNT 8000 STREAMS stream >",
        "XREADGROUP GROUP readers she COUNT 1000 STREAMS stream >",
        "XREADGROUP GROUP others you COUNT 50 STREAMS stream >",
    ] {
        let reply = server.call(request);
        assert!(!reply.starts_with("(error)"), "{request}: {reply}");
    }
    let digest = server.digest();
    assert_eq!(server.call("BGSAVE"), "Background saving started");
    for request in [
        "XADD stream 30000-1 field value",
        "XDEL stream 5000-1 5001-1 9999-1",
        "XTRIM stream MINID 4500",
        "XACK stream readers 2-1 2000-1 2999-1",
        "XREADGROUP GROUP readers him COUNT 5 STREAMS stream >",
        "XCLAIM stream readers he 0 4600-1 4700-1 9500-1 JUSTID FORCE",
        "XGROUP DELCONSUMER stream readers me",
        "XGROUP DESTROY stream others",
        "XGROUP CREATE stream new 0",
        "XSETID stream 40000-1",
        "RENAME stream river",
        "DEL river",
    ] {
        let reply = server.call(request);
        assert!(!reply.starts_with("(error)"), "{request}: {reply}");
    }
    assert_eq!(server.info("rdb_bgsave_in_progress"), "1");
    server.local.wait_for_disk();
    assert_eq!(server.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(Server::start(&folder, &[]).digest(), digest);
}

#[test]
fn commands_wait_until_all_is_loaded() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.fill();
    server.ok("SAVE");
    let length = fs::metadata(folder.file("dump.rdb")).unwrap().len().to_string();

    let mut again = Server::start_unready(&folder, &[]);
    assert_eq!(again.call("GET text"), LOADING);
    assert_eq!(again.call("SAVE"), LOADING);
    assert_eq!(again.call("PING"), "PONG");
    assert!(again.call("HELLO 2").contains("respd"));
    again.local.engine.world.set_ready(true);
    assert_eq!(again.call("GET text"), LOADING, "whatever it is told");
    assert_eq!(again.info("loading"), "1");
    assert_eq!(again.info("loading_start_time"), "1700000000");
    assert_eq!(again.info("loading_total_bytes"), length);
    assert_eq!(again.info("loading_loaded_perc"), "0.00");
    assert_eq!(again.info("loading_eta_seconds"), "1");
    assert_eq!(again.call("DBSIZE"), LOADING);
    again.local.wait_for_disk();
    assert_eq!(again.info("loading"), "0");
    assert_eq!(again.call("GET text"), "\"some\"");
}

#[test]
fn a_server_that_leaves_while_it_loads_saves_nothing() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.fill();
    server.ok("SAVE");
    let saved = fs::read(folder.file("dump.rdb")).unwrap();
    let mut again = Server::start_unready(&folder, &[("save", "1 1")]);
    again.local.send(again.client, b"SHUTDOWN SAVE\r\n");
    assert!(again.local.engine.world.reactor_requests.shutdown);
    assert_eq!(fs::read(folder.file("dump.rdb")).unwrap(), saved);
}

#[test]
fn a_file_that_is_bad_is_not_loaded_in_part() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.fill();
    server.ok("SAVE");
    let whole = fs::read(folder.file("dump.rdb")).unwrap();
    let end = whole.len();
    let mut flipped = whole.clone();
    flipped[end - 20] ^= 1;
    for bad in [&whole[..end - 1], &whole[..end / 2], &whole[..3], b"", &flipped] {
        fs::write(folder.file("dump.rdb"), bad).unwrap();
        let mut again = Server::start(&folder, &[]);
        let failure = again.local.engine.world.reactor_requests.failure.clone().unwrap();
        assert!(failure.contains("dump.rdb: ") && failure.contains(" at byte "), "{failure}");
        assert!(again.local.engine.world.reactor_requests.shutdown);
        assert_eq!(again.call("DBSIZE"), LOADING);

        let digest = server.digest();
        let refused = "(error) ERR Error trying to load the RDB dump, check server logs.";
        assert_eq!(server.call("DEBUG RELOAD NOSAVE"), refused);
        assert_eq!(server.digest(), digest);
    }
}

#[test]
fn a_snapshot_that_fails_leaves_what_there_was() {
    let folder = Folder::new();
    let home = folder.file("home");
    fs::create_dir(&home).unwrap();
    let settings = [("dir", home.to_str().unwrap()), ("save", "3600 1")];
    let mut server = Server::start(&folder, &settings);
    server.ok("SET k v");
    server.ok("SAVE");
    fs::rename(&home, folder.file("moved")).unwrap();
    let digest = server.digest();

    assert_eq!(server.call("SAVE"), "(error) ERR");
    assert_eq!(server.info("rdb_last_bgsave_status"), "ok", "as in the reference");
    assert_eq!(server.call("BGSAVE"), "Background saving started");
    server.local.wait_for_disk();
    assert_eq!(server.info("rdb_last_bgsave_status"), "err");
    assert_eq!(server.info("rdb_bgsave_in_progress"), "0");
    for request in ["SET k w", "PING", "DEL k", "FLUSHALL"] {
        assert!(server.call(request).starts_with(MISCONF), "{request}");
    }
    assert_eq!(server.call("GET k"), "\"v\"");
    assert_eq!(server.call("PUBLISH channel message"), "(integer) 0");
    server.ok("MULTI");
    assert_eq!(server.call("GET k"), "QUEUED");
    assert!(server.call("SET k w").starts_with(MISCONF));
    assert!(server.call("EXEC").contains("EXECABORT"));
    assert_eq!(server.digest(), digest);

    // What is not to be kept, or not to be waited for, may be written.
    server.ok("CONFIG SET stop-writes-on-bgsave-error no");
    server.ok("SET k w");
    server.ok("CONFIG SET stop-writes-on-bgsave-error yes");
    assert!(server.call("PING").starts_with(MISCONF));
    server.local.call(server.client, ["CONFIG", "SET", "save", ""]);
    assert_eq!(server.call("PING"), "PONG");
    server.local.call(server.client, ["CONFIG", "SET", "save", "3600 1"]);
    assert!(server.call("PING").starts_with(MISCONF));

    fs::rename(folder.file("moved"), &home).unwrap();
    assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
    server.ok("SAVE");
    assert_eq!(server.call("PING"), "PONG");
}

#[test]
fn scripts_may_not_write_while_snapshots_fail() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[("save", "3600 1")]);
    server.ok("SET k v");
    server.ok("CONFIG SET dir /proc");
    server.call("BGSAVE");
    server.local.wait_for_disk();
    if !cfg!(feature = "lua") {
        return;
    }
    let mut eval = |code: &str| {
        let reply = server.local.call(server.client, ["EVAL", code, "0"]);
        reply.to_string()
    };
    assert!(eval("return redis.call('SET', 'k', 'w')").starts_with(MISCONF));
    assert_eq!(eval("return redis.call('GET', 'k')"), "\"v\"");
}

#[test]
fn save_points_say_when_a_snapshot_is_due() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[("save", "60 2 5 100")]);
    server.ok("SET a 1");
    server.local.advance(Duration::from_secs(3600));
    assert!(names(&folder).is_empty(), "one change is too few");
    server.ok("SET b 1");
    server.local.wait_for_disk();
    assert_eq!(names(&folder), ["dump.rdb"]);
    assert_eq!(server.info("rdb_changes_since_last_save"), "0");
    assert_eq!(server.info("rdb_saves"), "1");

    fs::remove_file(folder.file("dump.rdb")).unwrap();
    server.ok("SET a 2");
    server.ok("SET b 2");
    server.local.advance(Duration::from_millis(59_999));
    server.local.wait_for_disk();
    assert!(names(&folder).is_empty(), "too early");
    assert!(server.local.engine.next_deadline().is_some(), "the loop knows when to wake");
    server.local.advance(Duration::from_millis(1));
    server.local.wait_for_disk();
    assert_eq!(names(&folder), ["dump.rdb"]);

    // The other point, set while the server runs.
    fs::remove_file(folder.file("dump.rdb")).unwrap();
    server.ok("SET a 3");
    server.local.call(server.client, ["CONFIG", "SET", "save", "5 1"]);
    server.local.advance(Duration::from_secs(5));
    server.local.wait_for_disk();
    assert_eq!(names(&folder), ["dump.rdb"]);
}

#[test]
fn what_failed_is_tried_again_after_five_seconds() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[("save", "1 1")]);
    server.ok("CONFIG SET dir /proc");
    server.ok("SET a 1");
    server.local.advance(Duration::from_secs(1));
    server.local.wait_for_disk();
    assert_eq!(server.info("rdb_last_bgsave_status"), "err");
    assert_eq!(server.info("rdb_saves"), "1");
    server.local.advance(Duration::from_millis(4999));
    server.local.wait_for_disk();
    assert_eq!(server.info("rdb_saves"), "1");
    let home = folder.file("");
    server.local.call(server.client, ["CONFIG", "SET", "dir", home.to_str().unwrap()]);
    server.local.advance(Duration::from_millis(1));
    server.local.wait_for_disk();
    assert_eq!(server.info("rdb_saves"), "2");
    assert_eq!(server.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(server.call("PING"), "PONG");
}

#[test]
fn a_snapshot_that_is_cancelled_leaves_the_one_before() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    fs::write(folder.file("dump.rdb"), OLD).unwrap();
    server.fill();
    assert_eq!(server.call("BGSAVE"), "Background saving started");
    server.local.advance(Duration::ZERO);
    assert_eq!(server.call("BGSAVE CANCEL"), "Background saving cancelled");
    server.local.wait_for_disk();
    assert_eq!(names(&folder), ["dump.rdb"]);
    assert_eq!(fs::read(folder.file("dump.rdb")).unwrap(), OLD);
    assert_eq!(server.info("rdb_last_bgsave_status"), "ok");
    server.ok("SAVE");
    assert_ne!(fs::read(folder.file("dump.rdb")).unwrap(), OLD);
}

#[test]
fn flushall_gives_a_snapshot_up_and_has_one_made_of_nothing() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    fs::write(folder.file("dump.rdb"), OLD).unwrap();
    server.fill();
    server.call("BGSAVE");
    server.local.advance(Duration::ZERO);
    server.ok("FLUSHALL");
    server.local.wait_for_disk();
    assert_eq!(fs::read(folder.file("dump.rdb")).unwrap(), OLD, "there are no save points");

    server.local.call(server.client, ["CONFIG", "SET", "save", "3600 1"]);
    server.fill();
    server.call("BGSAVE");
    server.local.advance(Duration::ZERO);
    server.ok("FLUSHALL");
    server.local.wait_for_disk();
    assert_eq!(names(&folder), ["dump.rdb"]);
    assert_eq!(Server::start(&folder, &[]).call("DBSIZE"), "(integer) 0");
}

#[test]
fn a_snapshot_in_a_transaction_begins_behind_it() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    for request in ["MULTI", "SET a 1", "BGSAVE", "SET b 1", "EXEC"] {
        server.call(request);
    }
    server.local.wait_for_disk();
    assert_eq!(Server::start(&folder, &[]).call("EXISTS a b"), "(integer) 2");
}

#[test]
fn a_server_that_is_told_nothing_of_files_has_none() {
    let mut local = Local::new(Config { enable_debug_command: Callers::Yes, ..Config::default() });
    let client = local.connect();
    local.call(client, ["SET", "k", "v"]);
    for request in [&["SAVE"][..], &["BGSAVE"], &["DEBUG", "RELOAD"]] {
        let reply = local.call(client, request).to_string();
        assert!(reply.starts_with("(error) ERR this server keeps no files"), "{reply}");
    }
    for request in [&["MULTI"][..], &["BGSAVE"]] {
        local.call(client, request);
    }
    let reply = local.call(client, ["EXEC"]).to_string();
    assert!(reply.contains("ERR this server keeps no files"), "{reply}");
    local.wait_for_disk();
    assert_eq!(local.call(client, ["GET", "k"]).to_string(), "\"v\"");
    assert!(!std::path::Path::new("dump.rdb").exists());
}

#[test]
fn reload_without_flush_wants_no_key_twice() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.ok("SET a 1");
    server.ok("SAVE");
    server.ok("SET b 1");
    let digest = server.digest();
    assert!(server.call("DEBUG RELOAD NOSAVE NOFLUSH").starts_with("(error) ERR Error trying"));
    assert_eq!(server.digest(), digest);
    server.call("DEL a");
    server.ok("DEBUG RELOAD NOSAVE NOFLUSH");
    assert_eq!(server.digest(), digest);
}

#[test]
fn shutdown_saves_as_it_is_told() {
    // The options, whether there are save points, and whether there is a file then.
    for (options, save, is_saved) in [
        ("", "", false),
        ("", "3600 1000", true),
        (" SAVE", "", true),
        (" NOSAVE", "3600 1000", false),
        (" NOW", "3600 1000", true),
    ] {
        let folder = Folder::new();
        let mut server = Server::start(&folder, &[("save", save)]);
        server.ok("SET k v");
        server.call("BGSAVE");
        let request = format!("SHUTDOWN{options}\r\n");
        server.local.send(server.client, request.as_bytes());
        assert!(server.local.received(server.client).is_empty());
        assert!(server.local.engine.world.reactor_requests.shutdown);
        drop(server);
        let expected: &[&str] = if is_saved { &["dump.rdb"] } else { &[] };
        assert_eq!(names(&folder), expected, "SHUTDOWN{options} with save '{save}'");
    }
}

#[test]
fn a_server_that_cannot_save_stays_unless_it_is_forced() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    server.ok("CONFIG SET dir /proc");
    let refused = "(error) ERR Errors trying to SHUTDOWN. Check logs.";
    assert_eq!(server.call("SHUTDOWN SAVE"), refused);
    assert!(!server.local.engine.world.reactor_requests.shutdown);
    server.local.send(server.client, b"SHUTDOWN SAVE FORCE\r\n");
    assert!(server.local.engine.world.reactor_requests.shutdown);
}

#[test]
fn personas_of_redis_write_what_redis_reads() {
    for (persona, head) in [
        ("respd", "VALKEY080"),
        ("valkey-9.1", "VALKEY080"),
        ("redis-8.2", "REDIS0012"),
        ("redis-7.0", "REDIS0010"),
    ] {
        let folder = Folder::new();
        let mut server = Server::start(&folder, &[("persona", persona)]);
        server.ok("SET k v");
        server.ok("SAVE");
        let file = fs::read(folder.file("dump.rdb")).unwrap();
        assert!(file.starts_with(head.as_bytes()), "{persona}");
    }
}

#[cfg(feature = "lua")]
#[test]
fn functions_are_kept_with_the_data() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    let code = "#!lua name=mine\nserver.register_function('f', function() return 42 end)";
    server.local.call(server.client, ["FUNCTION", "LOAD", code]);
    server.ok("SAVE");
    server.ok("DEBUG RELOAD");
    assert_eq!(server.call("FCALL f 0"), "(integer) 42");
    assert_eq!(Server::start(&folder, &[]).call("FCALL f 0"), "(integer) 42");
}

#[test]
fn files_that_were_left_behind_are_in_no_ones_way() {
    let folder = Folder::new();
    let left = format!("temp-{}-1.rdb", std::process::id());
    fs::write(folder.file(&left), OLD).unwrap();
    let mut server = Server::start(&folder, &[]);
    server.ok("SET k v");
    server.ok("SAVE");
    assert_eq!(names(&folder), ["dump.rdb".to_owned(), left.clone()]);
    assert_eq!(fs::read(folder.file(&left)).unwrap(), OLD);
}

#[test]
fn two_servers_in_one_folder_do_not_mix_their_files() {
    let folder = Folder::new();
    let mut servers = [(); 2].map(|()| Server::start(&folder, &[]));
    servers.iter_mut().for_each(Server::fill);
    servers[1].ok("SET text other");
    let digests = servers.each_mut().map(Server::digest);
    for server in &mut servers {
        server.call("BGSAVE");
        server.local.advance(Duration::ZERO);
    }
    servers.iter_mut().for_each(|server| server.local.wait_for_disk());
    assert_eq!(names(&folder), ["dump.rdb"]);
    assert!(digests.contains(&Server::start(&folder, &[]).digest()));
}

/// The words of a command that adds so many elements from a number on to a value of the type.
fn adding(kind: &str, from: usize, count: usize) -> Vec<String> {
    let mut words = match kind {
        "hash" => vec!["HSET".to_owned()],
        "set" => vec!["SADD".to_owned()],
        "zset" => vec!["ZADD".to_owned()],
        _ => vec!["RPUSH".to_owned()],
    };
    words.push(kind.to_owned());
    for number in from..from + count {
        match kind {
            "hash" => words.extend([format!("field:{number}"), format!("value {number}")]),
            "zset" => words.extend([number.to_string(), format!("member:{number}")]),
            _ => words.push(format!("member:{number}")),
        }
    }
    words
}

#[test]
fn large_values_are_recorded_as_they_were_however_they_change_meanwhile() {
    let folder = Folder::new();
    let mut server = Server::start(&folder, &[]);
    for kind in ["hash", "set", "zset", "list"] {
        (0..20).for_each(|turn| {
            let words = adding(kind, turn * 2000, 2000);
            server.local.call(server.client, &words);
        });
    }
    let digest = server.digest();
    server.call("BGSAVE");
    for turn in 0..30 {
        for kind in ["hash", "set", "zset", "list"] {
            let words = adding(kind, turn * 1700, 50);
            server.local.call(server.client, &words);
        }
        let number = 39_999 - turn * 13;
        for request in [
            format!("HDEL hash field:{number} field:{turn}"),
            format!("SREM set member:{number} member:{turn}"),
            format!("ZREM zset member:{number} member:{turn}"),
            format!("ZINCRBY zset 0.5 member:{}", number - 1),
            format!("LSET list {number} changed"),
            format!("LPUSH list new:{turn}"),
        ] {
            server.call(&request);
        }
        if turn == 15 {
            server.call("DEL set");
            server.call("RENAME zset other");
        }
        server.local.advance(Duration::ZERO);
    }
    server.local.wait_for_disk();
    assert_ne!(server.digest(), digest);
    assert_eq!(Server::start(&folder, &[]).digest(), digest);
}
