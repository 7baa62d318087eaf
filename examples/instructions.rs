//! What `scripts/instructions` counts: a conversation with an engine that has no socket.
//!
//! `instructions ROW TURNS PIPELINE` sends PIPELINE requests of the kind ROW at once, TURNS times. A count of
//! instructions is the same on a busy machine as on an idle one; two runs that differ in TURNS tell what one
//! request takes.

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};
use respd::{Command, Commands};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, row, turns, pipeline] = &args[..] else {
        eprintln!("usage: instructions ROW TURNS PIPELINE");
        std::process::exit(2);
    };
    let count = |text: &String| text.parse().expect("a number");
    let (turns, pipeline): (usize, usize) = (count(turns), count(pipeline));
    let mut local = Local::with_commands(Config::default(), vec![own()]);
    let client = local.connect();
    prepare(&mut local, client);
    if row.ends_with("-heard") {
        local.engine.world.store.listen_to_effects(Box::new(|_| {}));
    }
    let input: Vec<u8> = (0..pipeline).flat_map(|n| request(words(row, n % 16))).collect();
    let mut replied = 0;
    for _ in 0..turns {
        local.send(client, &input);
        replied += local.received(client).len();
    }
    println!("{replied} bytes of replies");
}

/// Commands as an embedder adds them.
fn own() -> Commands {
    let ok = |name| {
        Command::new(name, |ctx, _| {
            ctx.reply().ok();
            Ok(())
        })
    };
    let echo = Command::new("own.echo", |ctx, args| {
        ctx.reply().bulk(&args[1]);
        Ok(())
    });
    Commands::new("own")
        .add(ok("own").flags("fast"))
        .add(ok("own.slow"))
        .add(echo.flags("fast").arity(2..=2))
}

/// Sixteen keys of each kind, and two lists of a hundred elements.
fn prepare(local: &mut Local, client: Connection) {
    for n in 0..16 {
        local.call(client, ["SET", &format!("key:{n:06}"), "tiny"]);
        local.call(client, ["SET", &format!("text:{n:06}"), "a value of some thirty-two bytes"]);
        local.call(client, ["SET", &format!("number:{n:06}"), "1"]);
    }
    for n in 0..100 {
        local.call(client, ["RPUSH", "list", &format!("e{n:03}")]);
        local.call(client, ["RPUSH", "texts", &format!("element number {n:08}")]);
    }
}

/// Request `n` of a kind.
fn words(row: &str, n: usize) -> Vec<String> {
    let line = match row {
        "ping" => "PING".to_owned(),
        "echo" => "ECHO tiny".to_owned(),
        "own" => "OWN".to_owned(),
        "own-slow" => "OWN.SLOW".to_owned(),
        "own-echo" => "OWN.ECHO tiny".to_owned(),
        "get" => format!("GET key:{n:06}"),
        "get-text" => format!("GET text:{n:06}"),
        "set" | "set-heard" => format!("SET key:{n:06} tiny"),
        "eval-set" | "eval-set-heard" => {
            let script = "return redis.call('SET', KEYS[1], ARGV[1])";
            return ["EVAL", script, "1", &format!("key:{n:06}"), "tiny"].map(str::to_owned).into();
        }
        "incr" => format!("INCR number:{n:06}"),
        "hset" => format!("HSET hash:{n:06} field tiny"),
        "lrange" => "LRANGE list 0 -1".to_owned(),
        "lrange-texts" => "LRANGE texts 0 -1".to_owned(),
        "eval" => return script("return 1"),
        "eval-arg" => return script("return ARGV[1]"),
        "eval-get" => return script("return redis.call('GET', 'key:000001')"),
        "eval-decode" => return script("return #cjson.decode(ARGV[1])"),
        "eval-cjson" => return script("return cjson.encode(cjson.decode(ARGV[1]))"),
        "mixed" => return words(["get", "set", "incr", "ping"][n % 4], n),
        other => panic!("no such row: {other}"),
    };
    line.split(' ').map(str::to_owned).collect()
}

/// EVAL with a small document as its argument.
fn script(code: &str) -> Vec<String> {
    ["EVAL", code, "0", r#"{"a":[1,2,3],"b":{"c":"d"}}"#].map(str::to_owned).to_vec()
}
