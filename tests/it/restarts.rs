//! The real process: what is there after it has ended, however it has.

use std::fs;
use std::io::{BufRead, BufReader};

use crate::process::{Folder, Respd, run, text};
use crate::socket::Socket;

/// Starts a server in the folder.
fn start(folder: &Folder, flags: &[&str]) -> Respd {
    let home = folder.file("");
    let dir = format!("dir={}", text(&home));
    let own = ["--port", "0", "-o", &dir, "-o", "enable-debug-command=local"];
    Respd::start(&[&own[..], flags].concat())
}

fn fill(client: &mut Socket, keys: usize) -> String {
    let populate = format!("DEBUG POPULATE {keys} key 100");
    assert_eq!(client.call(populate.split(' ')), "OK");
    for request in ["RPUSH list a b c", "HSET hash f v", "ZADD zset 1 a", "XADD stream * f v"] {
        assert!(!client.call(request.split(' ')).starts_with("(error)"));
    }
    digest(client)
}

fn digest(client: &mut Socket) -> String {
    client.call(["DEBUG", "DIGEST"])
}

#[test]
fn a_signal_saves_where_there_are_save_points() {
    for (save, is_saved) in [("save=3600 1000000", true), ("save=", false)] {
        let folder = Folder::new();
        let mut respd = start(&folder, &["-o", save]);
        let filled = fill(&mut respd.connect(), 1000);
        respd.signal("TERM");
        assert!(respd.wait().success());
        let again = start(&folder, &[]);
        // A script that waits for the ready line finds all data.
        assert_eq!(digest(&mut again.connect()) == filled, is_saved, "{save}");
    }
}

#[test]
fn a_signal_does_not_end_a_server_that_cannot_save() {
    let folder = Folder::new();
    let home = folder.file("");
    let dir = format!("dir={}", text(&home));
    let flags = ["--port", "0", "-o", "save=3600 1", "-o", "enable-protected-configs=yes", "-o"];
    let more = [&dir, "-o", "enable-debug-command=local"];
    let (mut respd, log) = Respd::start_with_log(&[], &[&flags[..], &more].concat());
    let mut log = BufReader::new(log).lines().map_while(Result::ok);
    let mut client = respd.connect();
    fill(&mut client, 10);
    assert_eq!(client.call(["CONFIG", "SET", "dir", "/proc"]), "OK");
    respd.signal("TERM");
    assert!(log.any(|line| line.contains("the server stays")));
    std::thread::spawn(move || log.for_each(drop));
    assert_eq!(client.call(["PING"]), "PONG");
    assert_eq!(client.call(["CONFIG", "SET", "dir", text(&home)]), "OK");
    respd.signal("TERM");
    assert!(respd.wait().success());
}

#[test]
fn a_server_that_is_killed_while_it_saves_leaves_the_snapshot_from_before() {
    let folder = Folder::new();
    let respd = start(&folder, &[]);
    let mut client = respd.connect();
    let before = fill(&mut client, 100_000);
    assert_eq!(client.call(["SAVE"]), "OK");
    assert_eq!(client.call(["SET", "more", "1"]), "OK");
    let after = digest(&mut client);
    assert_eq!(client.call(["BGSAVE"]), "Background saving started");
    drop(respd);
    // If the machine was slow the second one was whole; in no case is there a part of one.
    let again = start(&folder, &[]);
    let mut client = again.connect();
    assert!([before, after].contains(&digest(&mut client)));
    assert_eq!(client.call(["SAVE"]), "OK");
}

#[test]
fn a_disk_that_is_full_leaves_the_snapshot_from_before() {
    let folder = Folder::new();
    let respd = start(&folder, &["-o", "rdbcompression=no"]);
    let mut client = respd.connect();
    let before = fill(&mut client, 10);
    assert_eq!(client.call(["SAVE"]), "OK");
    if !respd.limit_file_size(64 << 10) {
        return;
    }
    let after = fill(&mut client, 10_000);
    assert_eq!(client.call(["SAVE"]), "(error) ERR");
    assert_eq!(digest(&mut client), after);
    let names = fs::read_dir(folder.file("")).unwrap().count();
    assert_eq!(names, 1, "what was written is removed");
    drop(respd);
    assert_eq!(digest(&mut start(&folder, &[]).connect()), before);
}

#[test]
fn a_file_that_cannot_be_loaded_ends_the_server_with_its_name() {
    let folder = Folder::new();
    let respd = start(&folder, &[]);
    let mut client = respd.connect();
    fill(&mut client, 1000);
    assert_eq!(client.call(["SAVE"]), "OK");
    drop(respd);
    let file = folder.file("dump.rdb");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let home = folder.file("");
    let dir = format!("dir={}", text(&home));
    let output = run(&["--port", "0", "-o", &dir]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().last().unwrap();
    let expected = format!("respd: cannot load {}: the file is cut short at byte ", text(&file));
    assert!(last.starts_with(&expected), "{stderr}");
    assert!(stderr.lines().any(|line| line.contains("ERROR")), "{stderr}");

    // A folder in its place cannot be read, and a folder that is not there not be used.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let output = run(&["--port", "0", "-o", &dir]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(text(&file)));
    let output = run(&["--port", "0", "-o", "dir=/no/such/folder"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("'dir /no/such/folder': No such file or directory"), "{stderr}");
}
