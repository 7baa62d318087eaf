//! Users over time: what they may do, what is logged, the ACL file, and the rule sets in `examples/`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};

use crate::client::call_shown;

/// A server on which `ann` may do these things, and a connection of hers.
fn with_ann(rules: &str) -> (Local, Connection, Connection) {
    let mut local = Local::new(Config::default());
    let (main, ann) = (local.connect(), local.connect());
    assert_eq!(call_shown(&mut local, main, &format!("ACL SETUSER ann on nopass {rules}")), "OK");
    assert_eq!(call_shown(&mut local, ann, "AUTH ann x"), "OK");
    (local, main, ann)
}

/// An empty folder, which goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("respd-acl-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn what_a_user_may_not_changes_nothing() {
    let (mut local, main, ann) = with_ann("+@all -del %R~a* ~b*");
    assert_eq!(call_shown(&mut local, main, "MSET a 1 b 2 c 3"), "OK");
    let no_key = "(error) NOPERM No permissions to access a key";
    for (request, reply) in [
        ("GET a", "\"1\""),
        ("SET a 9", no_key),
        ("GET c", no_key),
        ("MSET b 9 c 9", no_key),
        ("GETDEL a", no_key),
        ("DEL b", "(error) NOPERM User ann has no permissions to run the 'del' command"),
        ("SET b 8", "OK"),
    ] {
        assert_eq!(call_shown(&mut local, ann, request), reply, "{request}");
    }
    let all = local.call(main, ["MGET", "a", "b", "c"]).to_string();
    assert_eq!(all, "1) \"1\"\n2) \"8\"\n3) \"3\"");
}

#[test]
fn rules_count_from_the_next_request_on() {
    let (mut local, main, ann) = with_ann("+@all ~*");
    assert_eq!(call_shown(&mut local, ann, "SET a 1"), "OK");
    assert_eq!(call_shown(&mut local, main, "ACL SETUSER ann -set"), "OK");
    assert!(call_shown(&mut local, ann, "SET a 1").starts_with("(error) NOPERM"));
    assert_eq!(
        call_shown(&mut local, main, "ACL SETUSER ann +set nonsense").get(..7),
        Some("(error)")
    );
    assert!(
        call_shown(&mut local, ann, "SET a 1").starts_with("(error) NOPERM"),
        "all rules or none"
    );
}

#[test]
fn who_is_deleted_is_closed_and_nobody_else() {
    let (mut local, main, ann) = with_ann("+@all ~*");
    let other = local.connect();
    assert_eq!(call_shown(&mut local, other, "AUTH ann y"), "OK");
    assert_eq!(call_shown(&mut local, main, "ACL SETUSER bob on nopass +@all"), "OK");
    let bob = local.connect();
    assert_eq!(call_shown(&mut local, bob, "AUTH bob z"), "OK");
    // Ann deletes herself: she is told so first.
    assert_eq!(call_shown(&mut local, ann, "ACL DELUSER ann"), "(integer) 1");
    assert_eq!(local.received(other), b"");
    assert!(!local.is_open(ann) && !local.is_open(other));
    assert!(local.is_open(main) && local.is_open(bob));
    // A new user in the same place is not Bob, nor Ann.
    assert_eq!(call_shown(&mut local, main, "ACL SETUSER eve on nopass"), "OK");
    assert_eq!(call_shown(&mut local, bob, "ACL WHOAMI"), "\"bob\"");
}

#[test]
fn the_log_knows_how_long_ago() {
    let (mut local, main, ann) = with_ann("+get ~a");
    call_shown(&mut local, ann, "GET secret");
    local.advance(Duration::from_millis(59_500));
    call_shown(&mut local, ann, "GET secret");
    local.advance(Duration::from_millis(2_250));
    let log = local.call(main, ["ACL", "LOG"]).to_string();
    let entries: Vec<&str> = log.matches("entry-id").collect();
    assert_eq!(entries.len(), 1, "{log}");
    for part in ["\"key\"", "\"secret\"", "\"ann\"", "\"2.25\"", "cmd=get user=ann", "(integer) 2"]
    {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    local.advance(Duration::from_secs(60));
    call_shown(&mut local, ann, "GET secret");
    assert_eq!(local.call(main, ["ACL", "LOG"]).to_string().matches("entry-id").count(), 2);
}

#[test]
fn a_log_entry_holds_a_part_of_what_is_long() {
    let (mut local, main, ann) = with_ann("+get ~a");
    let key = "x".repeat(100_000);
    local.call(ann, ["GET", &key]);
    local.call(ann, ["AUTH", &key, "y"]);
    let log = local.call(main, ["ACL", "LOG"]).to_string();
    assert!(log.contains(&key[..4096]) && log.len() < 3 * 4096);
}

#[test]
fn the_file_is_loaded_as_a_whole_or_not_at_all() {
    let folder = Folder::new("load");
    let file = folder.file("users.acl", "user ann on nopass +@all ~*\nuser bob on nopass\n");
    let config = Config { aclfile: Some(file.clone()), ..Config::default() };
    let mut local = Local::new(config);
    let (main, ann, bob) = (local.connect(), local.connect(), local.connect());
    assert_eq!(call_shown(&mut local, ann, "AUTH ann x"), "OK");
    assert_eq!(call_shown(&mut local, bob, "AUTH bob x"), "OK");

    fs::write(&file, "user eve on\nuser ann off nonsense\n").expect("written");
    let error = call_shown(&mut local, main, "ACL LOAD");
    assert!(error.contains("users.acl:2: Syntax error. "), "{error}");
    assert_eq!(call_shown(&mut local, main, "ACL USERS"), "1) \"ann\"\n2) \"bob\"\n3) \"default\"");

    fs::write(&file, "user eve on\nuser ann on nopass +ping\n").expect("written");
    assert_eq!(call_shown(&mut local, main, "ACL LOAD"), "OK");
    assert_eq!(call_shown(&mut local, main, "ACL USERS"), "1) \"ann\"\n2) \"default\"\n3) \"eve\"");
    assert_eq!(call_shown(&mut local, ann, "PING"), "PONG");
    assert!(call_shown(&mut local, ann, "GET x").starts_with("(error) NOPERM"));
    local.received(bob);
    assert!(!local.is_open(bob), "there is no bob any more");
}

#[test]
fn a_file_without_the_default_user_leaves_its_password() {
    let folder = Folder::new("requirepass");
    let file = folder.file("users.acl", "user ann on nopass +@all ~*\n");
    let mut config = Config { aclfile: Some(file), ..Config::default() };
    config.apply_option("requirepass", "sesame").expect("valid");
    let mut local = Local::new(config);
    let main = local.connect();
    assert_eq!(call_shown(&mut local, main, "PING"), "(error) NOAUTH Authentication required.");
    assert_eq!(call_shown(&mut local, main, "AUTH sesame"), "OK");
    assert_eq!(call_shown(&mut local, main, "ACL LOAD"), "OK");
    let other = local.connect();
    assert_eq!(call_shown(&mut local, other, "PING"), "(error) NOAUTH Authentication required.");
}

#[test]
fn a_saved_file_keeps_its_mode_and_loads_again() {
    let folder = Folder::new("save");
    let file = folder.file("users.acl", "user ann on >one +@all -@dangerous ~a* (%R~b &c)\n");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("permissions");
    let config = Config { aclfile: Some(file.clone()), ..Config::default() };
    let mut local = Local::new(config.clone());
    let main = local.connect();
    let before = call_shown(&mut local, main, "ACL LIST");
    assert_eq!(call_shown(&mut local, main, "ACL SAVE"), "OK");
    assert_eq!(mode(&file), 0o640);
    assert!(!fs::read_to_string(&file).expect("text").contains("one"), "passwords are hashes");
    assert_eq!(call_shown(&mut local, main, "ACL LOAD"), "OK");
    assert_eq!(call_shown(&mut local, main, "ACL LIST"), before);
    let mut again = Local::new(config);
    let main = again.connect();
    assert_eq!(call_shown(&mut again, main, "ACL LIST"), before);
    let names: Vec<_> = fs::read_dir(&folder.0).expect("a folder").collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");

    fs::remove_file(&file).expect("removed");
    assert_eq!(call_shown(&mut again, main, "ACL SAVE"), "OK");
    assert_eq!(mode(&file), 0o600, "a new file is for its owner");
}

#[test]
fn users_are_in_the_configuration_or_in_a_file() {
    let folder = Folder::new("both");
    let acl = folder.file("users.acl", "user ann on\n");
    let text = format!("user bob on\naclfile {}\n", acl.display());
    let config = Config::load(&folder.file("respd.conf", &text)).expect("syntax");
    let error = respd::Server::builder().config(config).any_port().bind().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("aclfile"), "{error}");
}

#[test]
fn rules_about_what_only_the_reference_has_stop_no_start() {
    let folder = Folder::new("unimplemented");
    let rules = "on nopass ~* -psync -bgsave -eval +@all -failover -config|rewrite (+restore ~s*)";
    let acl = folder.file("users.acl", &format!("user ann {rules}\n"));
    let in_file = format!("aclfile {}\n", acl.display());
    for text in [in_file, format!("user ann {rules}\n")] {
        let config = Config::load(&folder.file("respd.conf", &text)).expect("syntax");
        let mut local = Local::new(config);
        let (main, ann) = (local.connect(), local.connect());
        let shown = call_shown(&mut local, main, "ACL LIST");
        let kept = "user ann on nopass ~* resetchannels +@all -failover -config|rewrite \
                    (~s* resetchannels -@all +restore)";
        assert!(shown.contains(kept), "{shown}");
        assert_eq!(call_shown(&mut local, ann, "AUTH ann x"), "OK");
        assert_eq!(call_shown(&mut local, ann, "SET a 1"), "OK");
        assert!(call_shown(&mut local, ann, "CONFIG REWRITE").starts_with("(error) NOPERM"));
        assert!(call_shown(&mut local, ann, "FAILOVER").starts_with("(error) ERR unknown command"));
    }
}

/// The users of `examples/users.conf`, with a password each, as the file tells to give them one.
fn examples() -> Local {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/users.conf");
    let mut local = Local::new(Config::load(&path).expect("valid"));
    let main = local.connect();
    for name in ["reader", "worker", "exporter"] {
        let other = local.connect();
        assert!(call_shown(&mut local, other, &format!("AUTH {name} x")).contains("WRONGPASS"));
        assert_eq!(call_shown(&mut local, main, &format!("ACL SETUSER {name} >pw")), "OK");
    }
    local
}

#[test]
fn the_example_users_may_do_their_work_and_no_more() {
    let mut local = examples();
    let handshake = "CLIENT SETNAME x;CLIENT SETINFO lib-name x;CLIENT ID;PING;ECHO x;SELECT 1;SELECT 0;COMMAND COUNT";
    let reads = "GET a;MGET a b;HGETALL h;LRANGE jobs:a 0 -1;SCAN 0;EXISTS a;TTL a;TYPE a;DBSIZE";
    let work = "RPUSH jobs:a 1;LMOVE jobs:a jobs:b LEFT RIGHT;BLPOP jobs:b 1;HSET result:1 f v;EXPIRE result:1 9;\
                SET result:2 x PX 5;GET result:2;DEL result:1;MULTI;LLEN jobs:a;EXEC";
    let metrics = "INFO;INFO commandstats;DBSIZE;CLIENT LIST;MEMORY STATS;PING";
    let never = "FLUSHALL;CONFIG GET requirepass;CONFIG SET maxmemory 1;ACL LIST;CLIENT KILL 1;DEBUG SLEEP 0;\
                 SHUTDOWN;KEYS *;SWAPDB 0 1;DEL other;SET a 1";
    for (name, granted, denied) in [
        (
            "reader",
            format!("{handshake};{reads}"),
            format!("{never};SET result:1 x;RPUSH jobs:a 1;CLIENT LIST;INFO"),
        ),
        (
            "worker",
            format!("{handshake};{work}"),
            format!("{never};GET a;LPUSH other 1;SCAN 0;CLIENT LIST;INFO"),
        ),
        ("exporter", metrics.to_owned(), format!("{never};GET a;SCAN 0;RPUSH jobs:a 1")),
    ] {
        for line in granted.split(';') {
            let client = local.connect();
            assert!(
                call_shown(&mut local, client, &format!("HELLO 3 AUTH {name} pw SETNAME me"))
                    .contains("server")
            );
            if line == "EXEC" {
                call_shown(&mut local, client, "MULTI");
            }
            let reply = call_shown(&mut local, client, line);
            assert!(!reply.contains("(error)"), "{name}: {line}: {reply}");
        }
        for line in denied.split(';') {
            let client = local.connect();
            assert_eq!(call_shown(&mut local, client, &format!("AUTH {name} pw")), "OK");
            let reply = call_shown(&mut local, client, line.trim());
            assert!(reply.starts_with("(error) NOPERM"), "{name}: {line}: {reply}");
        }
    }
}
