use respd::internals::config::Config;
use respd::internals::dispatch::Table;
use respd::internals::embed::groups;
use respd::internals::embed::local::Local;
use respd_exercises::chapter_05::{before_login, own};

fn local() -> Local {
    Local::with_commands(Config::default(), vec![own()])
}

/// What is replied to the last of the lines.
fn replied(lines: &[&str]) -> String {
    let mut local = local();
    let client = local.connect();
    let replies = lines.iter().map(|line| local.call(client, line.split(' ')).to_string());
    replies.last().unwrap_or_default()
}

#[test]
fn strrev_reverses() {
    assert_eq!(replied(&["SET k Otto", "strrev k"]), "\"ottO\"");
    assert_eq!(replied(&["SET k 123", "STRREV k"]), "\"321\"");
    assert_eq!(replied(&["STRREV none"]), "(nil)");
    assert!(replied(&["RPUSH k x", "STRREV k"]).starts_with("(error) WRONGTYPE "));
}

#[test]
fn what_follows_from_the_row_follows() {
    let arity = "(error) ERR wrong number of arguments for 'strrev' command";
    assert_eq!((replied(&["STRREV"]), replied(&["STRREV a b"])), (arity.into(), arity.into()));
    assert_eq!(replied(&["COMMAND GETKEYS STRREV k"]), "1) \"k\"");
    // A user that may read, and these keys.
    let ann = "ACL SETUSER ann on nopass +@read ~a*";
    assert_eq!(replied(&[ann, "ACL DRYRUN ann STRREV a1"]), "OK");
    let refused = replied(&[ann, "ACL DRYRUN ann STRREV b1"]);
    assert!(refused.contains("no permissions to access the 'b1' key"), "{refused}");
    let writer = "ACL SETUSER ben on nopass +@write ~*";
    let refused = replied(&[writer, "ACL DRYRUN ben STRREV a1"]);
    assert!(refused.contains("no permissions to run the 'strrev' command"), "{refused}");
}

/// The rows are asked, and the server is: it says to all others that the client is to log in first.
#[test]
fn before_the_login_few_commands_run() {
    let table = Table::new(groups());
    let found = before_login(&table);
    let mut config = Config::default();
    config.apply_option("requirepass", "sesame").unwrap();
    let mut running = Vec::new();
    for row in table.commands() {
        let mut local = Local::new(config.clone());
        let client = local.connect();
        local.send(client, format!("{}\r\n", row.spec.name).as_bytes());
        let reply = String::from_utf8_lossy(&local.received(client)).into_owned();
        if !reply.contains("NOAUTH Authentication required") {
            running.push(row.spec.name);
        }
    }
    assert_eq!(found, running);
}
