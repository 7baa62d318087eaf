//! Configuration files that are in use elsewhere start a server: the stock files of Debian, Redis and Valkey, and those
//! of charts and images. `tests/config/` has the lines of each that count.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{self, Folder, Respd, text};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    files
}

#[test]
fn files_of_others_start_a_server_and_are_written_again() {
    let files = files();
    assert!(files.len() >= 15, "{files:?}");
    for file in files {
        let folder = Folder::new();
        let copy = folder.file("redis.conf");
        fs::copy(&file, &copy).expect("a copy");
        // Where files, sockets and ports are is the machine's.
        let [dir, socket] = ["", "socket"].map(|name| folder.file(name));
        let here = ["--port", "0", "--dir", text(&dir), "--unixsocket", text(&socket)];
        let nowhere = ["--logfile", "", "--pidfile", "", "--daemonize", "no", "--requirepass", ""];
        let respd = Respd::start(&[&[text(&copy)], &here[..], &nowhere[..]].concat());
        let mut client = respd.connect();
        let name = file.display();
        assert_eq!(client.call(["SET", "key", "value"]), "OK", "{name}");
        let shown = client.call(["CONFIG", "GET", "*"]);
        let is_shown = |line: &&str| {
            let directive = line.split(' ').next().expect("a word");
            ["rename-command", "list-max-ziplist-entries", "list-max-ziplist-value"]
                .contains(&directive)
                || shown.contains(&format!("\"{directive}\""))
        };
        let lines = fs::read_to_string(&file).expect("text");
        assert_eq!(lines.lines().find(|line| !is_shown(line)), None, "{name}");
        assert_eq!(client.call(["CONFIG", "REWRITE"]), "OK", "{name}");
    }
}

#[test]
fn the_file_of_debian_wants_what_its_unit_says() {
    let file = files().into_iter().find(|file| file.ends_with("debian-redis-7.0.conf"));
    let file = file.expect("the file of Debian");
    let output = process::run(&[text(&file), "--port", "0"]);
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(error.contains("daemonize yes") && !error.contains("Bad directive"), "{error}");
}

#[test]
fn a_command_that_is_taken_away_is_found_by_no_client() {
    let respd = Respd::start(&[
        "--port",
        "0",
        "--rename-command",
        "KEYS",
        "",
        "--rename-command",
        "config",
        "",
        "--user",
        "bob",
        "on",
        "nopass",
        "+keys",
        "+config|get",
    ]);
    let mut client = respd.connect();
    for words in [&["KEYS", "*"][..], &["CONFIG", "GET", "port"], &["config"]] {
        let reply = client.call(words);
        assert!(reply.contains(&format!("ERR unknown command '{}'", words[0])), "{reply}");
    }
    assert_eq!(client.call(["COMMAND", "LIST", "FILTERBY", "PATTERN", "key*"]), "(empty array)");
    let dry = client.call(["ACL", "DRYRUN", "bob", "KEYS", "*"]);
    assert!(dry.contains("not found"), "{dry}");
    let error = process::run(&["--port", "0", "--rename-command", "NOSUCH", ""]).stderr;
    let error = String::from_utf8(error).expect("text");
    assert!(error.contains("No such command in rename-command"), "{error}");
    let error = process::run(&["--port", "0", "--rename-command", "GET", "fetch"]).stderr;
    let error = String::from_utf8(error).expect("text");
    assert!(error.contains("gives them no other names"), "{error}");
}

#[test]
fn a_log_from_before_a_command_was_taken_away_loads() {
    let folder = Folder::new();
    let dir = folder.file("");
    let flags = ["--port", "0", "--appendonly", "yes", "--save", "", "--dir", text(&dir)];
    let mut respd = Respd::start(&flags);
    let mut client = respd.connect();
    client.call(["SET", "old", "1"]);
    client.call(["FLUSHALL"]);
    client.call(["SET", "new", "1"]);
    respd.signal("TERM");
    respd.wait();
    let without = ["--rename-command", "FLUSHALL", "", "--rename-command", "SET", ""];
    let respd = Respd::start(&[&flags[..], &without[..]].concat());
    let mut client = respd.connect();
    assert_eq!(client.call(["EXISTS", "new", "old"]), "(integer) 1");
    assert!(client.call(["FLUSHALL"]).contains("unknown command"));
}

/// Relative paths begin in `dir`, wherever that stands; those of `include` in what has been read of it by then.
#[test]
fn relative_paths_begin_in_the_folder() {
    let folder = Folder::new();
    let (home, other) = (folder.file("home"), folder.file("other"));
    for folder in [&home, &other] {
        fs::create_dir(folder).expect("a folder");
    }
    fs::write(home.join("more.conf"), "timeout 7\n").expect("a file");
    fs::write(home.join("a.acl"), "user bob on nopass +ping\n").expect("a file");
    let file = folder.file("a.conf");
    let lines = "logfile l.log\npidfile p.pid\nunixsocket u.sock\naclfile a.acl\nenable-protected-configs yes\n";
    let dir = format!("dir {}\ndir ../home\ninclude more.conf\n", text(&other));
    fs::write(&file, format!("{lines}{dir}")).expect("a file");
    let respd = Respd::start(&[text(&file), "--port", "0"]);
    let mut client = respd.connect();
    for (directive, value) in [
        ("dir", text(&home)),
        ("logfile", "l.log"),
        ("pidfile", "p.pid"),
        ("unixsocket", "u.sock"),
        ("aclfile", "a.acl"),
        ("timeout", "7"),
    ] {
        let shown = client.call(["CONFIG", "GET", directive]);
        assert!(shown.ends_with(&format!("2) \"{value}\"")), "{shown}");
    }
    for name in ["l.log", "p.pid", "u.sock"] {
        assert!(home.join(name).exists(), "{name}");
    }
    assert_eq!(client.call(["AUTH", "bob", "x"]), "OK");
    assert_eq!(client.call(["AUTH", "default", "x"]), "OK");

    // What is read or written later is in the folder that there is then.
    assert_eq!(client.call(["CONFIG", "SET", "dir", "../other"]), "OK");
    assert_eq!(
        client.call(["CONFIG", "GET", "dir"]),
        format!("1) \"dir\"\n2) \"{}\"", text(&other))
    );
    assert!(client.call(["ACL", "LOAD"]).contains("opening file 'a.acl': No such file"));
    assert_eq!(client.call(["ACL", "SAVE"]), "OK");
    assert!(other.join("a.acl").exists());
    assert_eq!(client.call(["CONFIG", "SET", "port", &process::free_port().to_string()]), "OK");
    assert!(home.join("u.sock").exists() && !other.join("u.sock").exists());
    assert_eq!(client.call(["CONFIG", "SET", "dir", text(&home)]), "OK");
    assert_eq!(client.call(["CONFIG", "REWRITE"]), "OK");
    assert!(fs::read_to_string(&file).expect("text").contains("logfile l.log\n"));
}

#[test]
fn a_folder_has_a_name() {
    let told = process::run(&["--port", "0", "--dir", ""]);
    assert_eq!(told.stderr, b"respd: command line: 'dir': dir can't be empty\n");
}
