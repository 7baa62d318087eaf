//! Chapter 13 of the book: a snapshot that is written while everything changes.

use std::time::Duration;
use std::{env, fs, io, process};

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local};

const KEYS: usize = 20_000;

/// A server that begins with the snapshot in this folder, if there is one.
fn server(folder: &str) -> Local {
    let mut config = Config::default();
    config.apply_option("dir", folder).expect("a folder");
    let mut local = Local::new(config);
    local.wait_for_disk();
    local
}

/// A number that INFO shows.
fn info(local: &mut Local, client: Connection, field: &str) -> usize {
    let text = local.call(client, ["INFO", "persistence"]).to_string();
    let (_, rest) = text.split_once(&format!("{field}:")).expect("the field");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

fn main() -> io::Result<()> {
    let folder = env::temp_dir().join(format!("respd-book-13-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let path = folder.to_str().expect("a path that is text");

    let mut local = server(path);
    let client = local.connect();
    for n in 0..KEYS {
        local.call(client, ["SET", &format!("key:{n}"), "before"]);
    }
    println!("BGSAVE: {}", local.call(client, ["BGSAVE"]));

    let (mut turn, mut recorded) = (0, 0);
    while recorded < KEYS {
        // Keys from all over change, go and come, in each turn.
        for n in (turn..KEYS).step_by(100) {
            local.call(client, ["SET", &format!("key:{n}"), "after"]);
            local.call(client, ["SET", &format!("new:{turn}:{n}"), "after"]);
            if n < KEYS / 2 {
                local.call(client, ["DEL", &format!("key:{}", KEYS - 1 - n)]);
            }
        }
        turn += 1;
        local.advance(Duration::from_millis(1));
        recorded = info(&mut local, client, "current_save_keys_processed");
        println!("turn {turn}: {recorded} of {KEYS} keys are recorded");
    }
    local.wait_for_disk();
    let keys = |local: &mut Local, client| local.call(client, ["DBSIZE"]).as_i64().unwrap_or(0);
    println!("the server has {} keys by now", keys(&mut local, client));

    let mut other = server(path);
    let client = other.connect();
    println!("the snapshot has {}", keys(&mut other, client));
    for n in 0..KEYS {
        let value = other.call(client, ["GET", &format!("key:{n}")]);
        assert_eq!(value.as_bytes(), Some(&b"before"[..]), "key:{n}");
    }
    println!("each of them is as it was");
    fs::remove_dir_all(&folder)
}
