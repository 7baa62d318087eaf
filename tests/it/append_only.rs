//! The log of all changes: what is in its files, and what a server makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::config::{Callers, Fsync};
use respd::internals::embed::local::{Connection, Local, request};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let name = format!("respd-aof-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    /// A file of the log.
    fn file(&self, name: &str) -> PathBuf {
        self.0.join("appendonlydir").join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.0.join("appendonlydir")).unwrap();
        fs::write(self.file(name), bytes).unwrap();
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.file(name)).unwrap()).replace("\r\n", " ")
    }

    fn manifest(&self) -> String {
        self.text(MANIFEST)
    }

    /// Names of files in the folder of the log, in order.
    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.join("appendonlydir")).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn config(&self) -> Config {
        let mut config = Config { enable_debug_command: Callers::Yes, ..Config::default() };
        config.dir = Some(self.0.clone());
        config.append_only.enabled = true;
        config
    }

    /// A server that has begun with the log in this folder, and a client of it.
    fn start(&self) -> (Local, Connection) {
        start(self.config())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(config: Config) -> (Local, Connection) {
    let mut local = Local::new(config);
    local.wait_for_disk();
    let failure = &local.engine.world.reactor_requests.failure;
    assert_eq!(*failure, None);
    let client = local.connect();
    (local, client)
}

/// Why a server does not start.
fn refusal(config: Config) -> String {
    let mut local = Local::new(config);
    local.wait_for_disk();
    let client = local.connect();
    assert!(show(&mut local, client, "GET k").contains("LOADING"));
    local.engine.world.reactor_requests.failure.take().expect("a reason")
}

fn show(local: &mut Local, client: Connection, line: &str) -> String {
    local.call(client, line.split(' ')).to_string()
}

/// Sends lines, each of which is answered in its turn.
fn play(local: &mut Local, client: Connection, lines: &str) {
    for line in lines.split("; ") {
        let reply = show(local, client, line);
        assert!(!reply.starts_with("(error)"), "{line}: {reply}");
    }
}

/// The value of a field of INFO.
fn info(local: &mut Local, client: Connection, field: &str) -> String {
    let reply = local.call(client, ["INFO", "persistence"]);
    let text = String::from_utf8_lossy(reply.as_bytes().unwrap()).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or("none").to_owned()
}

const MANIFEST: &str = "appendonly.aof.manifest";
const FIRST: &str = "appendonly.aof.1.incr.aof";
const ONE_INCREMENT: &str = "file appendonly.aof.1.incr.aof seq 1 type i\n";

/// Bytes of requests, by lines.
fn log_of(lines: &str) -> Vec<u8> {
    lines.split("; ").flat_map(|line| request(line.split(' '))).collect()
}

#[test]
fn changes_are_appended_as_requests() {
    let folder = Folder::new("appended");
    let (mut local, client) = folder.start();
    play(
        &mut local,
        client,
        "SET k v; GET k; SELECT 3; MULTI; INCR a; INCR b; EXEC; SET t v EX 10",
    );
    play(&mut local, client, "DEL none; SWAPDB 0 3; PUBLISH c m; FLUSHALL");
    local.wait_for_disk();
    assert_eq!(folder.manifest(), ONE_INCREMENT);
    let expected = "*2 $6 SELECT $1 0 *3 $3 SET $1 k $1 v *1 $5 MULTI *2 $6 SELECT $1 3 \
                    *2 $4 INCR $1 a *2 $4 INCR $1 b *1 $4 EXEC *5 $3 SET $1 t $1 v $4 PXAT \
                    $13 1700000010000 *3 $6 SWAPDB $1 0 $1 3 *1 $8 FLUSHALL ";
    assert_eq!(folder.text(FIRST), expected);
}

#[test]
fn a_server_goes_on_with_the_log_that_it_finds() {
    let folder = Folder::new("goes-on");
    for round in 1..4 {
        let (mut local, client) = folder.start();
        assert_eq!(show(&mut local, client, "INCR n"), format!("(integer) {round}"));
        assert_eq!(info(&mut local, client, "aof_enabled"), "1");
        local.wait_for_disk();
        let size = info(&mut local, client, "aof_current_size");
        assert_eq!(size, fs::metadata(folder.file(FIRST)).unwrap().len().to_string());
    }
    assert_eq!(folder.text(FIRST).matches("INCR").count(), 3);
}

#[test]
fn with_always_a_reply_waits_for_the_disk() {
    let folder = Folder::new("always");
    let mut config = folder.config();
    config.append_only.fsync = Fsync::Always;
    let (mut local, client) = start(config);
    let other = local.connect();
    assert_eq!(show(&mut local, other, "GET k"), "(nil)");
    local.send(client, &request(["SET", "k", "v"]));
    local.send(other, &request(["GET", "k"]));
    assert_eq!((local.received(client), local.received(other)), (vec![], vec![]));
    local.wait_for_disk();
    assert_eq!(local.received(client), b"+OK\r\n");
    assert_eq!(local.received(other), b"$1\r\nv\r\n");
    assert!(folder.text(FIRST).contains("SET"));
}

#[test]
fn a_sync_that_replies_wait_for_is_an_event() {
    let folder = Folder::new("latency");
    let mut config = folder.config();
    config.append_only.fsync = Fsync::Always;
    let (mut local, client) = start(config);
    show(&mut local, client, "CONFIG SET latency-monitor-threshold 20");
    let events = |local: &mut Local| show(local, client, "LATENCY HISTORY aof-fsync-always");
    for (millis, seen) in [(10, 0), (30, 1)] {
        local.send(client, &request(["SET", "k", "v"]));
        local.advance(Duration::from_millis(millis));
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        assert_eq!(events(&mut local).matches("30").count(), seen);
    }
}

#[test]
fn a_log_that_is_cut_at_any_byte_is_loaded_as_far_as_it_is_whole() {
    let folder = Folder::new("cut");
    let log = log_of("SELECT 0; SET a 1; MULTI; INCR n; INCR n; EXEC; SET b 2");
    let whole: Vec<usize> =
        ["SELECT 0", "SELECT 0; SET a 1", "SELECT 0; SET a 1; MULTI; INCR n; INCR n; EXEC"]
            .map(|lines| log_of(lines).len())
            .into_iter()
            .chain([log.len()])
            .collect();
    for cut in 0..=log.len() {
        folder.write(MANIFEST, ONE_INCREMENT);
        folder.write(FIRST, &log[..cut]);
        let (mut local, client) = folder.start();
        let kept = whole.iter().rev().find(|&&end| end <= cut).copied().unwrap_or(0);
        assert_eq!(fs::metadata(folder.file(FIRST)).unwrap().len(), kept as u64, "{cut}");
        let values = local.call(client, ["MGET", "a", "n", "b"]).to_string();
        let count = whole.iter().filter(|&&end| end <= cut).count();
        let expected = match count {
            0 | 1 => "1) (nil)\n2) (nil)\n3) (nil)",
            2 => "1) \"1\"\n2) (nil)\n3) (nil)",
            3 => "1) \"1\"\n2) \"2\"\n3) (nil)",
            _ => "1) \"1\"\n2) \"2\"\n3) \"2\"",
        };
        assert_eq!(values, expected, "{cut}");
    }
    folder.write(FIRST, &log[..log.len() - 1]);
    let mut config = folder.config();
    config.append_only.load_truncated = false;
    let refused = refusal(config);
    assert!(refused.contains("appendonly.aof.1.incr.aof: it is cut off at offset"), "{refused}");
    assert_eq!(fs::metadata(folder.file(FIRST)).unwrap().len(), log.len() as u64 - 1);
    let second = "file appendonly.aof.2.incr.aof seq 2 type i\n";
    folder.write(MANIFEST, format!("{ONE_INCREMENT}{second}"));
    folder.write("appendonly.aof.2.incr.aof", b"");
    assert!(refusal(folder.config()).contains("and others follow it"));
}

#[test]
fn what_cannot_be_a_log_is_refused_with_file_and_offset() {
    let folder = Folder::new("wrong");
    for (log, expected) in [
        (
            b"*1\r\n$4\r\nPING\r\nPING\r\n".to_vec(),
            "at offset 14: a command begins with '*' and not with 'P'",
        ),
        (log_of("SET a 1; NOSUCH b"), "at offset 27: unknown command 'NOSUCH'"),
        (log_of("SET a 1; SET b"), "at offset 27: wrong number of arguments for 'set' command"),
        (b"VALKEY080\xff".to_vec(), "appendonly.aof.1.incr.aof: "),
    ] {
        folder.write(MANIFEST, ONE_INCREMENT);
        folder.write(FIRST, &log);
        let refused = refusal(folder.config());
        assert!(refused.contains(expected) && refused.contains("1.incr.aof: "), "{refused}");
        assert_eq!(fs::read(folder.file(FIRST)).unwrap(), log, "it stays as it was");
    }
    folder.write(MANIFEST, "file x seq 1 type z\n");
    assert!(refusal(folder.config()).contains("aof.manifest: line 1, 'file x seq 1 type z': "));
    folder.write(MANIFEST, "file missing seq 1 type i\n");
    let refused = refusal(folder.config());
    assert!(refused.contains("missing: No such file or directory"), "{refused}");
}

#[test]
fn commands_that_fail_when_they_run_again_are_passed_over() {
    let folder = Folder::new("failing");
    folder.write(MANIFEST, ONE_INCREMENT);
    folder.write(FIRST, log_of("SET a x; INCR a; SET b 1"));
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "MGET a b"), "1) \"x\"\n2) \"1\"");
    // What the log did is in no statistics.
    let stats = local.call(client, ["INFO", "commandstats"]);
    assert!(!String::from_utf8_lossy(stats.as_bytes().unwrap()).contains("cmdstat_incr"));
    let clients = local.call(client, ["CLIENT", "LIST"]).to_string();
    assert_eq!(clients.matches("id=").count(), 1, "{clients}");
}

#[test]
fn a_key_whose_time_has_passed_lives_until_all_is_loaded() {
    let folder = Folder::new("expired");
    folder.write(MANIFEST, ONE_INCREMENT);
    folder.write(FIRST, log_of("SET a 1 PXAT 5; INCR a; SET b 1 PXAT 5; PERSIST b"));
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "MGET a b"), "1) (nil)\n2) \"1\"");
    local.wait_for_disk();
    assert!(folder.text(FIRST).ends_with("*2 $6 UNLINK $1 a "), "{}", folder.text(FIRST));
}

#[test]
fn a_log_of_one_file_from_before_there_were_manifests_becomes_the_base() {
    let folder = Folder::new("upgrade");
    fs::write(folder.0.join("appendonly.aof"), log_of("SELECT 0; SET a 1")).unwrap();
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "INCR a"), "(integer) 2");
    assert!(!folder.0.join("appendonly.aof").exists());
    let expected = format!("file appendonly.aof seq 1 type b\n{ONE_INCREMENT}");
    assert_eq!(folder.manifest(), expected);
    local.wait_for_disk();
    drop(local);
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "GET a"), "\"2\"");
}

#[test]
fn a_rewrite_leaves_a_base_and_an_increment() {
    let folder = Folder::new("rewrite");
    let (mut local, client) = folder.start();
    play(
        &mut local,
        client,
        "SET a 1; RPUSH l a b; SELECT 2; HSET h f v; XADD s 1-1 f v; SELECT 0",
    );
    // A stream that is told in parts, with its groups.
    for n in 1..=5000 {
        show(&mut local, client, &format!("XADD large {n}-1 field a-value-of-some-length-{n}"));
    }
    play(
        &mut local,
        client,
        "XGROUP CREATE large idle 7-1; XGROUP CREATE large readers 0; \
         XREADGROUP GROUP readers me COUNT 20 STREAMS large >; XACK large readers 3-1 5-1; \
         XGROUP CREATE large busy 0; XREADGROUP GROUP busy one COUNT 2000 STREAMS large >; \
         XREADGROUP GROUP busy two COUNT 2500 STREAMS large >; \
         XDEL large 1000-1; XSETID large 6000-1",
    );
    for (form, base) in [("yes", "appendonly.aof.1.base.rdb"), ("no", "appendonly.aof.2.base.aof")]
    {
        play(
            &mut local,
            client,
            &format!("CONFIG SET aof-use-rdb-preamble {form}; BGREWRITEAOF; INCR a"),
        );
        assert_eq!(
            show(&mut local, client, "BGREWRITEAOF"),
            "(error) ERR Background append only file rewriting already in progress"
        );
        local.wait_for_disk();
        assert_eq!(info(&mut local, client, "aof_last_bgrewrite_status"), "ok");
        let files = folder.files();
        assert!(files.len() == 3 && files.contains(&base.to_owned()), "{files:?}");
        play(&mut local, client, "INCR a");
        let digest = show(&mut local, client, "DEBUG DIGEST");
        assert_eq!(show(&mut local, client, "DEBUG LOADAOF"), "OK");
        assert_eq!(show(&mut local, client, "DEBUG DIGEST"), digest);
    }
    let expected = "file appendonly.aof.2.base.aof seq 2 type b\n\
                    file appendonly.aof.3.incr.aof seq 3 type i\n";
    assert_eq!(folder.manifest(), expected);
    assert_eq!(show(&mut local, client, "GET a"), "\"5\"");
}

#[test]
fn a_log_that_has_grown_is_rewritten_by_itself() {
    let folder = Folder::new("grown");
    let (mut local, client) = folder.start();
    play(&mut local, client, "CONFIG SET auto-aof-rewrite-min-size 1000");
    for _ in 0..60 {
        play(&mut local, client, "INCR n");
    }
    local.wait_for_disk();
    assert_eq!(info(&mut local, client, "aof_rewrites"), "1");
    assert_eq!(folder.files()[0], "appendonly.aof.1.base.rdb");
}

#[test]
fn the_log_is_turned_on_and_off_while_the_server_runs() {
    let folder = Folder::new("turned");
    let mut config = folder.config();
    config.append_only.enabled = false;
    let (mut local, client) = start(config);
    play(&mut local, client, "SET before 1; CONFIG SET appendonly yes; SET after 1");
    local.wait_for_disk();
    assert_eq!(folder.files(), ["appendonly.aof.1.base.rdb", FIRST, MANIFEST]);
    play(&mut local, client, "CONFIG SET appendonly no; SET unheard 1");
    assert_eq!(info(&mut local, client, "aof_enabled"), "0");
    assert!(!folder.text(FIRST).contains("unheard") && folder.text(FIRST).contains("after"));
    play(&mut local, client, "CONFIG SET appendonly yes");
    local.wait_for_disk();
    let files = folder.files();
    assert_eq!(files, ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", MANIFEST]);
    drop(local);
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 3");
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let folder = Folder::new("two");
    let (local, _) = folder.start();
    assert!(refusal(folder.config()).ends_with("another server uses this folder"));
    let mut config = folder.config();
    config.append_only.enabled = false;
    let (mut other, client) = start(config);
    assert_eq!(
        show(&mut other, client, "CONFIG SET appendonly yes"),
        "(error) ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. \
         Check server logs."
    );
    assert_eq!(show(&mut other, client, "CONFIG GET appendonly"), "1) \"appendonly\"\n2) \"no\"");
    drop(local);
    play(&mut other, client, "CONFIG SET appendonly yes");
}

#[test]
fn waitaof_waits_for_the_disk() {
    let folder = Folder::new("waitaof");
    let (mut local, client) = folder.start();
    play(&mut local, client, "SET k v");
    local.send(client, &request(["WAITAOF", "1", "0", "0"]));
    assert_eq!(local.received(client), b"");
    local.wait_for_disk();
    assert_eq!(local.received(client), b"", "it is written, and not synced for a second");
    local.advance(Duration::from_secs(1));
    local.wait_for_disk();
    assert_eq!(local.received(client), b"*2\r\n:1\r\n:0\r\n");
    assert_eq!(show(&mut local, client, "WAITAOF 1 0 0"), "1) (integer) 1\n2) (integer) 0");
    // In one piece with a write, and in a transaction, which waits for nothing.
    let pipeline = [request(["SET", "k", "w"]), request(["WAITAOF", "1", "0", "100"])].concat();
    local.send(client, &pipeline);
    assert_eq!(local.received(client), b"+OK\r\n");
    local.advance(Duration::from_millis(100));
    assert_eq!(local.received(client), b"*2\r\n:0\r\n:0\r\n");
    play(&mut local, client, "MULTI; SET k x; WAITAOF 1 0 0");
    let reply = show(&mut local, client, "EXEC");
    assert_eq!(reply, "1) OK\n2) 1) (integer) 0\n   2) (integer) 0");
    play(&mut local, client, "CONFIG SET appendonly no");
    assert_eq!(
        show(&mut local, client, "WAITAOF 1 0 0"),
        "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
    );
}

#[test]
fn a_log_that_cannot_be_loaded_leaves_the_data() {
    let folder = Folder::new("untouched");
    let (mut local, client) = folder.start();
    play(&mut local, client, "SET a 1");
    #[cfg(feature = "lua")]
    {
        let code = "#!lua name=l\nserver.register_function('f', function() return 1 end)";
        local.call(client, ["FUNCTION", "LOAD", code]);
    }
    local.wait_for_disk();
    let before = show(&mut local, client, "DEBUG DIGEST");
    let log = fs::read(folder.file(FIRST)).unwrap();
    fs::write(folder.file(FIRST), [&log[..], b"oops"].concat()).unwrap();
    assert_eq!(
        show(&mut local, client, "DEBUG LOADAOF"),
        "(error) ERR Error trying to load the AOF files, check server logs."
    );
    assert_eq!(show(&mut local, client, "DEBUG DIGEST"), before);
    #[cfg(feature = "lua")]
    assert_eq!(show(&mut local, client, "FCALL f 0"), "(integer) 1");
}

#[test]
#[cfg(feature = "lua")]
fn functions_are_in_the_log() {
    let folder = Folder::new("functions");
    let (mut local, client) = folder.start();
    for name in ["one", "two", "three"] {
        let code = format!(
            "#!lua name={name}\nserver.register_function('{name}', function() return 1 end)"
        );
        local.call(client, ["FUNCTION", "LOAD", &code]);
    }
    play(&mut local, client, "FUNCTION DELETE two");
    let one = |local: &mut Local, client| show(local, client, "FCALL one 0");
    assert_eq!(show(&mut local, client, "DEBUG LOADAOF"), "OK");
    assert_eq!(one(&mut local, client), "(integer) 1");
    for form in ["yes", "no"] {
        play(&mut local, client, &format!("CONFIG SET aof-use-rdb-preamble {form}; BGREWRITEAOF"));
        local.wait_for_disk();
        assert_eq!(show(&mut local, client, "DEBUG LOADAOF"), "OK");
        assert_eq!(one(&mut local, client), "(integer) 1");
        assert_eq!(show(&mut local, client, "FCALL three 0"), "(integer) 1");
        assert_eq!(show(&mut local, client, "FCALL two 0"), "(error) ERR Function not found");
    }
    play(&mut local, client, "FUNCTION FLUSH");
    assert_eq!(show(&mut local, client, "DEBUG LOADAOF"), "OK");
    assert_eq!(one(&mut local, client), "(error) ERR Function not found");
}

#[test]
fn a_log_says_when_it_was_written_if_it_is_to() {
    let folder = Folder::new("timestamps");
    let (mut local, client) = folder.start();
    play(&mut local, client, "CONFIG SET aof-timestamp-enabled yes; SET a 1; SET b 1");
    local.advance(Duration::from_secs(2));
    play(&mut local, client, "SET c 1");
    local.wait_for_disk();
    let lines = fs::read(folder.file(FIRST)).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let noted: Vec<_> = lines.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(noted, ["#TS:1700000000", "#TS:1700000002"]);
    assert_eq!(show(&mut local, client, "DEBUG LOADAOF"), "OK");
    assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 3");
}

#[test]
fn a_folder_that_vanishes_fails_a_rewrite_and_nothing_else() {
    let folder = Folder::new("vanishes");
    let (mut local, client) = folder.start();
    play(&mut local, client, "SET a 1");
    local.wait_for_disk();
    let away = folder.0.join("away");
    fs::rename(folder.0.join("appendonlydir"), &away).unwrap();
    fs::write(folder.0.join("appendonlydir"), "in the way").unwrap();
    play(&mut local, client, "BGREWRITEAOF; SET b 1");
    local.wait_for_disk();
    assert_eq!(info(&mut local, client, "aof_last_bgrewrite_status"), "err");
    play(&mut local, client, "SET c 1");
    local.wait_for_disk();
    fs::remove_file(folder.0.join("appendonlydir")).unwrap();
    fs::rename(&away, folder.0.join("appendonlydir")).unwrap();
    assert!(is_clean(&folder.0));
    drop(local);
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "DBSIZE"), "(integer) 3");
}

#[test]
fn a_log_that_could_not_begin_begins_when_it_can() {
    let folder = Folder::new("begins-late");
    // A file that is not there, and that cannot be made.
    fs::create_dir(folder.0.join("appendonlydir")).unwrap();
    std::os::unix::fs::symlink("/no/such/folder/file", folder.file(FIRST)).unwrap();
    let mut config = folder.config();
    config.append_only.enabled = false;
    let (mut local, client) = start(config);
    play(&mut local, client, "INCR n; CONFIG SET appendonly yes; INCR n");
    local.wait_for_disk();
    assert_eq!(info(&mut local, client, "aof_last_bgrewrite_status"), "err");
    fs::remove_file(folder.file(FIRST)).unwrap();
    play(&mut local, client, "INCR n");
    local.advance(Duration::from_secs(2));
    local.wait_for_disk();
    assert_eq!(info(&mut local, client, "aof_last_bgrewrite_status"), "ok");
    play(&mut local, client, "INCR n");
    local.wait_for_disk();
    drop(local);
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "GET n"), "\"4\"");
}

#[test]
fn a_rewrite_makes_the_folder_anew() {
    let folder = Folder::new("anew");
    let (mut local, client) = folder.start();
    play(&mut local, client, "SET a 1");
    for n in 0..20 {
        local.wait_for_disk();
        fs::remove_dir_all(folder.0.join("appendonlydir")).unwrap();
        play(&mut local, client, &format!("SET b {n}; BGREWRITEAOF"));
        local.wait_for_disk();
        assert_eq!(info(&mut local, client, "aof_last_bgrewrite_status"), "ok");
    }
    drop(local);
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "MGET a b"), "1) \"1\"\n2) \"19\"");
}

/// Returns whether nothing has been left that is only used while files are written.
fn is_clean(folder: &Path) -> bool {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).all(|name| !name.contains("temp"))
}

#[test]
fn nothing_about_the_log_changes_while_it_is_loaded() {
    let folder = Folder::new("loading");
    folder.write(MANIFEST, ONE_INCREMENT);
    folder.write(FIRST, log_of("SET a 1"));
    let mut local = Local::new(folder.config());
    let client = local.connect();
    assert!(show(&mut local, client, "GET a").contains("LOADING"));
    let refused = "(error) ERR CONFIG SET failed (possibly related to argument 'appendonly') - \
                   The server is loading its data.";
    assert_eq!(show(&mut local, client, "CONFIG SET appendonly no"), refused);
    assert_eq!(show(&mut local, client, "CONFIG SET appendonly yes"), "OK");
    for reload in ["DEBUG RELOAD", "DEBUG RELOAD NOSAVE", "DEBUG LOADAOF"] {
        assert!(show(&mut local, client, reload).starts_with("(error)"), "{reload}");
    }
    local.wait_for_disk();
    assert_eq!(show(&mut local, client, "GET a"), "\"1\"");
    assert_eq!(
        (folder.manifest(), folder.text(FIRST)),
        (ONE_INCREMENT.to_owned(), "*3 $3 SET $1 a $1 1 ".to_owned(),)
    );
}

#[test]
fn a_log_is_not_turned_on_while_a_snapshot_is_loaded() {
    let folder = Folder::new("loading-snapshot");
    let mut config = folder.config();
    config.append_only.enabled = false;
    let (mut local, client) = start(config.clone());
    play(&mut local, client, "SET a 1; SAVE");
    let mut local = Local::new(config);
    let client = local.connect();
    assert!(show(&mut local, client, "CONFIG SET appendonly yes").ends_with("loading its data."));
    assert!(show(&mut local, client, "DEBUG RELOAD").starts_with("(error) LOADING"));
    local.wait_for_disk();
    assert_eq!(show(&mut local, client, "GET a"), "\"1\"");
    assert!(!folder.0.join("appendonlydir").exists());
}

#[test]
fn a_log_that_is_turned_on_during_a_rewrite_has_what_is_written_then() {
    let folder = Folder::new("on-during-rewrite");
    for lines in [
        "BGREWRITEAOF; CONFIG SET appendonly yes; SET a 1",
        "BGREWRITEAOF; SET b 1; CONFIG SET appendonly yes; SET a 1",
        "CONFIG SET appendonly yes; CONFIG SET appendonly no; CONFIG SET appendonly yes; SET a 1",
        "CONFIG SET appendonly yes; BGREWRITEAOF; CONFIG SET appendonly no; BGREWRITEAOF; \
         CONFIG SET appendonly yes; SET a 1",
    ] {
        // With the disk at rest between the lines, and without.
        for rests in [false, true] {
            let _ = fs::remove_dir_all(folder.0.join("appendonlydir"));
            let mut config = folder.config();
            config.append_only.enabled = false;
            let (mut local, client) = start(config);
            for line in lines.split("; ") {
                show(&mut local, client, line);
                if rests {
                    local.wait_for_disk();
                }
            }
            local.wait_for_disk();
            assert_eq!(info(&mut local, client, "aof_enabled"), "1", "{lines}");
            play(&mut local, client, "SET late 1");
            local.wait_for_disk();
            drop(local);
            let (mut local, client) = folder.start();
            assert_eq!(show(&mut local, client, "MGET a late"), "1) \"1\"\n2) \"1\"", "{lines}");
        }
    }
}

#[test]
fn files_that_no_manifest_names_are_not_written_over() {
    let folder = Folder::new("no-manifest");
    folder.write(FIRST, log_of("SET a 1"));
    folder.write("appendonly.aof.1.base.rdb", "what there was");
    let (mut local, client) = folder.start();
    play(&mut local, client, "SET b 1; BGREWRITEAOF");
    local.wait_for_disk();
    assert_eq!(folder.text(FIRST), "*3 $3 SET $1 a $1 1 ");
    assert_eq!(folder.text("appendonly.aof.1.base.rdb"), "what there was");
    drop(local);
    let (mut local, client) = folder.start();
    assert_eq!(show(&mut local, client, "KEYS *"), "1) \"b\"");
}

#[test]
fn a_log_of_more_databases_than_there_are_is_refused() {
    let folder = Folder::new("databases");
    folder.write(MANIFEST, ONE_INCREMENT);
    for (lines, reason) in [
        ("SELECT 3; SET a 1", "at offset 0: DB index is out of range"),
        ("SET a 1; SHUTDOWN NOSAVE", "at offset 27: 'shutdown' is no command of a log"),
        ("DEBUG LOADAOF", "at offset 0: 'debug' is no command of a log"),
    ] {
        folder.write(FIRST, log_of(lines));
        let refusal = refusal(Config { databases: 3, ..folder.config() });
        assert!(refusal.contains(FIRST) && refusal.ends_with(reason), "{refusal}");
    }
}
