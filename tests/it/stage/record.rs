//! STAGE RECORD: a conversation, as clients have it.

use std::fs;
use std::time::Duration;

use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::{Local, request};

use super::{call, staged};
use crate::process::Folder;

fn staged_in(folder: &Folder) -> Local {
    let config = Config {
        enable_stage_command: Callers::Local,
        dir: folder.file("").into(),
        ..Config::default()
    };
    Local::new(config)
}

#[test]
fn what_clients_say_is_written_and_stage_is_not() {
    let folder = Folder::new();
    let mut local = staged_in(&folder);
    let (ann, ben) = (local.connect(), local.connect());
    // What was said before is no part of it, read or not.
    local.send(ben, &request(["ECHO", "before"]));
    local.send(ann, &[request(["PING"]), request("STAGE RECORD START talk".split(' '))].concat());
    assert_eq!(local.received(ann), b"+PONG\r\n+OK\r\n");
    local.received(ben);
    call(&mut local, ann, "BLPOP list 1");
    call(&mut local, ann, "STAGE CLOCK FREEZE");
    local.advance(Duration::from_millis(1000));
    local.received(ann);
    call(&mut local, ann, "CLIENT PAUSE 10 WRITE");
    local.send(ben, &[request(["SET", "k", "v"]), request(["GET", "k"])].concat());
    local.advance(Duration::from_millis(10));
    local.received(ben);
    call(&mut local, ann, "STAGE FAULT ADD gone ON ECHO DO RUN THEN CLOSE");
    call(&mut local, ben, "ECHO x");
    let cid = local.connect();
    call(&mut local, cid, "PING");
    local.send(cid, b"*1\r\n+x\r\n");
    local.received(cid);
    local.send(ann, &[request(["PING", "last"]), request(["STAGE", "RECORD", "STOP"])].concat());
    assert_eq!(local.received(ann), b"$4\r\nlast\r\n+OK\r\n");
    call(&mut local, ann, "PING behind");
    let text = fs::read_to_string(folder.file("talk")).unwrap();
    let expected = r#"# Recorded by STAGE RECORD.
!plain
@1
> BLPOP list 1
!advance 1000ms
< *-1
> CLIENT PAUSE 10 WRITE
< +OK
@2
> SET k v
> GET k
!advance 10ms
< +OK
< "v"
> ECHO x
!closed
@3
> PING
< +PONG
>> "*1\r\n+x\r\n"
< -"ERR Protocol error: expected '$', got '+'"
!closed
@1
> PING last
< "last"
!close
# Connected before the recording began, so that it lacks what they had said and set: @1 @2
"#;
    assert_eq!(text, expected);
}

#[test]
fn a_recording_that_cannot_be_changes_nothing() {
    let folder = Folder::new();
    fs::write(folder.file("there"), "text").unwrap();
    let mut local = staged_in(&folder);
    let ann = local.connect();
    for (line, told) in [
        ("", "wrong number of arguments"),
        ("BEGIN", "STAGE: RECORD takes START or STOP, not 'BEGIN'"),
        ("START", "STAGE: START takes the name of a file that is not there yet, in 'dir', but"),
        ("START there", "not 'there'"),
        ("START ../else", "not '../else'"),
        ("START /else", "not '/else'"),
        ("START ..", "not '..'"),
        ("START a b", "STAGE: 'b' cannot stand here"),
        ("STOP", "STAGE: no recording goes on"),
    ] {
        let line = format!("STAGE RECORD {line}");
        let reply = call(&mut local, ann, line.trim_end());
        assert!(reply.starts_with("-ERR ") && reply.contains(told), "{line}: {reply}");
    }
    assert_eq!(fs::read_to_string(folder.file("there")).unwrap(), "text");
    assert_eq!(call(&mut local, ann, "STAGE RECORD START new"), "+OK\r\n");
    let reply = call(&mut local, ann, "STAGE RECORD START other");
    assert!(reply.starts_with("-ERR STAGE: a recording goes on"), "{reply}");
    call(&mut local, ann, "PING");
    // The end of a test ends it, and what was said is there.
    assert_eq!(call(&mut local, ann, "STAGE RESET"), "+OK\r\n");
    assert!(fs::read_to_string(folder.file("new")).unwrap().contains("> PING\n< +PONG\n"));
    let (mut local, ann) = staged();
    let reply = call(&mut local, ann, "STAGE RECORD START file");
    assert!(reply.starts_with("-ERR STAGE: a recording is a file in 'dir'"), "{reply}");
}

/// It is written as it takes place: whatever ends the server, what was said before is there.
#[test]
fn a_recording_has_each_line_at_once() {
    let folder = Folder::new();
    let mut local = staged_in(&folder);
    let ann = local.connect();
    call(&mut local, ann, "STAGE RECORD START talk");
    for (line, last) in [("PING one", "< \"one\"\n"), ("ECHO two", "< \"two\"\n")] {
        call(&mut local, ann, line);
        let text = fs::read_to_string(folder.file("talk")).unwrap();
        assert!(text.ends_with(last), "{text}");
    }
    // The server goes, and tells no one.
    std::mem::forget(local);
    assert!(fs::read_to_string(folder.file("talk")).unwrap().ends_with("< \"two\"\n"));
}

#[test]
fn a_recording_stays_within_its_limit_and_says_so() {
    let folder = Folder::new();
    let mut local = staged_in(&folder);
    let ann = local.connect();
    for (line, told) in [
        ("START a LIMIT", "LIMIT takes a number from 1 on, but the line ends there"),
        ("START a LIMIT 0", "LIMIT takes a number from 1 on, not '0'"),
        ("START a LIMIT 9 b", "'b' cannot stand here, where nothing can"),
        ("START LIMIT 9", "'9' cannot stand here"),
    ] {
        let reply = call(&mut local, ann, &format!("STAGE RECORD {line}"));
        assert!(reply.contains(told), "{line}: {reply}");
    }
    assert_eq!(call(&mut local, ann, "STAGE RECORD START talk LIMIT 100"), "+OK\r\n");
    let ben = local.connect();
    call(&mut local, ben, "PING one");
    call(&mut local, ben, &format!("ECHO {}", (0..99).map(|n| n.to_string()).collect::<String>()));
    let cid = local.connect();
    call(&mut local, cid, "PING two");
    let reply = call(&mut local, ann, "STAGE RECORD STOP");
    assert!(reply.starts_with("-ERR STAGE: the recording had reached its LIMIT"), "{reply}");
    let expected = "# Recorded by STAGE RECORD.\n!plain\n@2\n> PING one\n< \"one\"\n\
        # The recording ends here: it may have 100 bytes, and lacks all that follows.\n@2\n!close\n";
    assert_eq!(fs::read_to_string(folder.file("talk")).unwrap(), expected);
    assert_eq!(call(&mut local, ann, "STAGE RECORD START more"), "+OK\r\n");
}
