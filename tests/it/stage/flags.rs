//! `--clock`, `--seed` and `--stage-file`: how the program begins that a test drives.

use std::fs;

use crate::process::{self, Folder, Respd, text};
use crate::socket::{Socket, until};

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
    let picked = client.call(["STAGE", "RESET"]) + &picks(&mut client);
    for _ in 0..2 {
        assert_eq!(client.call(["STAGE", "RESET"]) + &picks(&mut client), picked);
        assert_eq!(client.call(["TIME"]), time, "it is the time of the file again");
    }
}

/// What is picked at random.
fn picks(client: &mut Socket) -> String {
    client.call(["DEL", "s"]);
    (0..50).for_each(|n| drop(client.call(["SADD", "s", &n.to_string()])));
    client.call(["SPOP", "s", "9"])
}

/// RESET is what the tests of a suite end with: each begins with what the server began with.
#[test]
fn reset_comes_back_to_what_the_file_has_staged() {
    let folder = Folder::new();
    let file = folder.file("stage");
    let lines = "FAULT ADD no ON GET SKIP 1 DO ERROR no\nFAULT ADD gone ON ECHO DO CLOSE\nFAULT DEL gone\n\
        JOURNAL ON 5\nRECORD START file.txt\nNODE ADD m\nNODE ADD r REPLICA-OF m\n\
        SENTINEL ADD s MASTER group NODE m\n";
    fs::write(&file, lines).unwrap();
    let respd = Respd::start(&[
        "--port",
        "0",
        "--stage-file",
        text(&file),
        "--dir",
        text(file.parent().unwrap()),
    ]);
    let mut driver = Socket::tcp(respd.field("admin").unwrap().parse().unwrap());
    let mut client = respd.connect();
    let nodes = driver.call(["STAGE", "NODE", "LIST"]);
    assert!(nodes.contains("\"r\"") && nodes.contains("127.0.0.1"), "{nodes}");
    driver.call(["STAGE", "RESET"]);
    assert_eq!(
        driver.call(["STAGE", "NODE", "LIST"]),
        nodes,
        "where nothing has changed, nothing does"
    );
    for turn in 0..3 {
        assert_eq!(client.call(["GET", "k"]), "(nil)", "{turn}");
        assert_eq!(client.call(["GET", "k"]), "(error) no", "{turn}");
        let journal = driver.call(["STAGE", "JOURNAL", "GET"]);
        assert_eq!(journal.matches("argv").count(), 2, "{turn}: {journal}");
        for line in ["FAULT CLEAR", "JOURNAL OFF", "ACCEPT CLOSE", "NODE FAILOVER r", "NODE DEL m"]
        {
            driver.call(["STAGE"].into_iter().chain(line.split(' ')));
        }
        assert_eq!(driver.call(["STAGE", "RESET"]), "OK");
        assert_eq!(driver.call(["STAGE", "NODE", "LIST"]), nodes, "{turn}");
        assert_eq!(driver.call(["STAGE", "FAULT", "LIST"]).matches("rule").count(), 1, "{turn}");
        assert!(driver.call(["STAGE", "RECORD", "STOP"]).contains("no recording"), "{turn}");
        assert_eq!(respd.connect().call(["PING"]), "PONG", "{turn}");
        driver.call(["STAGE", "JOURNAL", "RESET"]);
    }
}

#[test]
fn reset_comes_back_to_the_cluster_of_the_command_line() {
    let respd = Respd::start(&["--port", "0", "--stage-cluster", "3x2"]);
    let mut driver = Socket::tcp(respd.field("admin").unwrap().parse().unwrap());
    let names = ["a", "b", "c", "a2", "b2", "c2"];
    let addr = |name: &str| respd.field(&format!("node-{name}")).unwrap().parse().unwrap();
    let nodes = driver.call(["STAGE", "NODE", "LIST"]);
    let slots = Socket::tcp(addr("c")).call(["CLUSTER", "SLOTS"]);
    let [mut b, mut waiting, mut listening] = [(); 3].map(|()| Socket::tcp(addr("b")));
    for lines in [
        &["NODE FAILOVER b2", "NODE DOWN a"][..],
        &["NODE DOWN b2", "NODE DOWN c", "NODE FAILOVER c2", "NODE MIGRATE 1 b", "NODE MOVE 0 b"],
        &["NODE FAILOVER a2", "NODE DEL a", "NODE ADD x SLOTS", "NODE ADD d REPLICA-OF b"],
        &["NODE DOWN a2", "NODE DEL b2"],
    ] {
        for line in lines {
            driver.call(["STAGE"].into_iter().chain(line.split(' ')));
        }
        assert_ne!(driver.call(["STAGE", "NODE", "LIST"]), nodes, "{lines:?}");
        assert_eq!(driver.call(["STAGE", "RESET"]), "OK");
        assert_eq!(driver.call(["STAGE", "NODE", "LIST"]), nodes, "{lines:?}");
        for name in names {
            let told = Socket::tcp(addr(name)).call(["CLUSTER", "SLOTS"]);
            assert_eq!(told, slots, "{lines:?}: {name}");
        }
        // Clients of a node that comes back stay.
        assert_eq!(b.call(["CLUSTER", "MYID"]), Socket::tcp(addr("b")).call(["CLUSTER", "MYID"]));
    }
    // Those that wait for keys elsewhere, or listen to what has gone, are told.
    driver.call(["STAGE", "NODE", "MOVE", "3300", "b"]);
    waiting.send(b"BLPOP b 0\r\n");
    listening.send(b"SSUBSCRIBE b\r\n");
    assert!(listening.frame().is_some());
    assert_eq!(b.call(["PUBSUB", "SHARDNUMSUB", "b"]), "1) \"b\"\n2) (integer) 1");
    until("it waits", || driver.call(["INFO", "clients"]).contains("blocked_clients:1"));
    driver.call(["STAGE", "RESET"]);
    let moved = waiting.frame().unwrap();
    assert!(moved.starts_with(b"-MOVED 3300 "), "{}", moved.escape_ascii());
    let gone = listening.frame().unwrap();
    assert!(gone.windows(12).any(|part| part == b"sunsubscribe"), "{}", gone.escape_ascii());
}

#[test]
fn a_cluster_that_does_not_fit_behind_its_port_is_a_mistake() {
    let output = process::run(&["--port", "65533", "--stage-cluster", "2x2", "--save", ""]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("4 nodes do not fit from port 65533 on"), "{stderr}");
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

/// What falls due, and is written by a thread, has happened when ADVANCE replies.
#[test]
fn time_passes_when_the_snapshot_is_written_that_fell_due() {
    let folder = Folder::new();
    let dir = folder.file("");
    let flags = ["--port", "0", "--clock", "frozen", "--save", "60 1", "--dir", text(&dir)];
    let respd = Respd::start(&flags);
    let mut client = respd.connect();
    for turn in 0..5 {
        client.call(["SET", "k", &"x".repeat(1 << 20)]);
        client.call(["SET", &turn.to_string(), "v"]);
        assert_eq!(client.call(["STAGE", "CLOCK", "ADVANCE", "60000"]), "OK");
        let info = client.call(["INFO", "persistence"]);
        assert!(info.contains("rdb_changes_since_last_save:0"), "{turn}: {info}");
        assert!(info.contains("rdb_bgsave_in_progress:0"), "{turn}: {info}");
    }
}

#[test]
fn what_a_client_waits_for_at_a_node_that_is_a_replica_again_is_over() {
    let folder = Folder::new();
    let file = folder.file("stage");
    fs::write(&file, "NODE ADD m\nNODE ADD r REPLICA-OF m\nCLOCK ADVANCE 3600000\n").unwrap();
    let respd = Respd::start(&["--port", "0", "--clock", "frozen", "--stage-file", text(&file)]);
    let mut driver = Socket::tcp(respd.field("admin").unwrap().parse().unwrap());
    let time = driver.call(["TIME"]);
    let nodes = driver.call(["STAGE", "NODE", "LIST"]);
    let ports = nodes.split("\"port\"").skip(1);
    let ports = ports.map(|rest| rest.split("(integer) ").nth(1).unwrap());
    let ports: Vec<u16> =
        ports.map(|rest| rest.split('\n').next().unwrap().trim().parse().unwrap()).collect();
    driver.call(["STAGE", "NODE", "FAILOVER", "r"]);
    let mut client = Socket::tcp(([127, 0, 0, 1], ports[1]).into());
    client.send(b"BLPOP list 0\r\n");
    until("it waits", || driver.call(["INFO", "clients"]).contains("blocked_clients:1"));
    for _ in 0..3 {
        assert_eq!(driver.call(["STAGE", "RESET"]), "OK");
        assert_eq!(driver.call(["TIME"]), time, "an hour passes once");
    }
    let told = client.frame().unwrap();
    assert!(told.starts_with(b"-UNBLOCKED "), "{}", told.escape_ascii());
    assert_eq!(client.rest(), b"");
}
