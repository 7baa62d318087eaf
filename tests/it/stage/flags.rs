//! `--clock`, `--seed` and `--stage-file`: how the program begins that a test drives.

use std::fs;

use crate::process::{self, Folder, Respd, text};
use crate::socket::Socket;

/// The replies of a server with these flags to what is left to chance, or to time.
fn replies(flags: &[&str]) -> Vec<String> {
    let respd = Respd::start(&[&["--port", "0"], flags].concat());
    let mut client = respd.connect();
    let mut replies: Vec<String> =
        (0..300).map(|n| client.call(["SADD", "s", &format!("member:{n}")])).collect();
    for line in ["SRANDMEMBER s 9", "SSCAN s 0", "SPOP s 3"] {
        replies.push(client.call(line.split(' ')));
    }
    let info = client.call(["INFO", "server"]);
    replies
        .extend(info.split("\\r\\n").filter(|line| line.starts_with("run_id")).map(str::to_owned));
    assert_eq!(replies.len(), 304);
    replies
}

#[test]
fn two_processes_with_the_same_seed_say_the_same() {
    let [one, same, other] = ["7", "7", "8"].map(|seed| replies(&["--seed", seed]));
    assert_eq!(one, same);
    assert_ne!(one[300], other[300]);
    assert_ne!(one[303], other[303]);
    assert_eq!(one[301], other[301], "the order of a scan is that of every server with a stage");
    assert_ne!(one[301], replies(&[])[301], "and of no other");
}

#[test]
fn a_server_may_begin_with_a_frozen_clock() {
    let folder = Folder::new();
    let file = folder.file("stage");
    fs::write(&file, "# The time of the test.\n\n  CLOCK SET 1700000000000\r\nseed 3\n").unwrap();
    let flags = ["--port", "0", "--clock", "frozen", "--stage-file", text(&file)];
    let respd = Respd::start(&flags);
    let mut client = respd.connect();
    let time = "1) \"1700000000\"\n2) \"0\"";
    assert_eq!(client.call(["TIME"]), time);
    assert_eq!(client.call(["TIME"]), time);
    assert_eq!(client.call(["STAGE", "CLOCK", "ADVANCE", "1000"]), "OK");
    assert_eq!(client.call(["TIME"]), time.replace("0\"\n", "1\"\n"));
    client.call(["STAGE", "RESET"]);
    let first = client.call(["TIME"]);
    assert_ne!(first, time, "what the file has staged is staged no more");
    assert_eq!(client.call(["TIME"]), first);
}

#[test]
fn a_stage_file_with_a_mistake_keeps_the_server_from_starting() {
    let folder = Folder::new();
    let file = folder.file("stage");
    for (lines, told) in [
        ("CLOCK FREEZE\n\nCLOCK STOP\n", ":3: STAGE: CLOCK takes FREEZE"),
        ("NOSUCH", ":1: unknown subcommand 'NOSUCH'"),
        ("SEED 'x", ":1: Unbalanced quotes"),
    ] {
        fs::write(&file, lines).unwrap();
        let output = process::run(&["--port", "0", "--ready", "--stage-file", text(&file)]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &b""[..]));
        assert!(stderr.contains(&format!("{}{told}", text(&file))), "{stderr}");
    }
    let output = process::run(&["--port", "0", "--stage-file", text(&folder.file("none"))]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cannot read the stage file"), "{stderr}");
}

/// Whatever is staged, there is a port on which it does not count.
#[test]
fn a_server_that_a_test_drives_has_an_administration_port() {
    let respd = Respd::start(&["--port", "0", "--stage"]);
    let admin = respd.field("admin").unwrap().parse().unwrap();
    for accept in ["REFUSE", "HANG", "CLOSE"] {
        let mut driver = Socket::tcp(admin);
        for line in ["FAULT ADD f ON * DO HANG", &format!("ACCEPT {accept}"), "CLOCK FREEZE"] {
            let words: Vec<&str> = ["STAGE"].into_iter().chain(line.split(' ')).collect();
            assert_eq!(driver.call(words), "OK", "{line}");
        }
        drop(driver);
        let mut another = Socket::tcp(admin);
        assert_eq!(another.call(["PING"]), "PONG");
        assert_eq!(another.call(["STAGE", "RESET"]), "OK", "{accept}");
        assert_eq!(respd.connect().call(["PING"]), "PONG", "{accept}");
    }
    for (flags, has_one) in [
        (&["--seed", "1"][..], true),
        (&["--stage", "-o", "admin-port=0"], false),
        (&["-o", "enable-stage-command=local"], false),
    ] {
        let respd = Respd::start(&[&["--port", "0"], flags].concat());
        assert_eq!(respd.field("admin").is_some(), has_one, "{flags:?}");
    }
}

#[test]
fn a_stage_that_is_asked_for_and_refused_is_a_mistake() {
    for flag in [&["--stage"][..], &["--seed", "1"], &["--stage-cluster", "1x1"]] {
        for said in ["--enable-stage-command=no", "-oenable-stage-command=no"] {
            let said = said.strip_prefix("-o").map_or(vec![said], |option| vec!["-o", option]);
            let output = process::run(&[&["--port", "0"], flag, &said].concat());
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{flag:?} {said:?}");
            assert!(stderr.contains("need 'enable-stage-command'"), "{stderr}");
        }
    }
    let folder = Folder::new();
    let file = folder.file("respd.conf");
    fs::write(&file, "enable-stage-command no\n").unwrap();
    // The command line counts more than the file, in this as in all.
    let respd = Respd::start(&[text(&file), "--port", "0", "--stage"]);
    assert_eq!(respd.connect().call(["STAGE", "RESET"]), "OK");
}
