//! Commands that a command of one's own calls, or a thread of the program; and what both push.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use respd::{Builder, Command, Commands, Error, Handle, Protocol, Running, Server, Value, args};

use crate::socket::{PATIENCE, Socket, until};

/// OWN.CALL word...: calls the words, and replies with what it sees.
fn call() -> Command {
    Command::new("own.call", |ctx, args| {
        let seen = ctx.call(args.from(1).collect::<Vec<_>>());
        ctx.reply().bulk(format!("{seen:?}").as_bytes());
        Ok(())
    })
}

/// OWN.EACH line...: calls the words of each line, and hands on the first error.
fn each() -> Command {
    Command::new("own.each", |ctx, args| {
        for line in args.from(1) {
            let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
            ctx.call(words).into_result()?;
        }
        ctx.reply().ok();
        Ok(())
    })
}

/// OWN.PUSH count: pushes one frame of so many elements, and replies OK. 0: pushes what is none.
fn push() -> Command {
    Command::new("own.push", |ctx, args| {
        let count =
            str::from_utf8(&args[1]).ok().and_then(|n| n.parse().ok()).ok_or("no number")?;
        ctx.push(|reply| {
            if count > 0 {
                reply.push(count);
            }
            (0..count.max(1)).for_each(|_| reply.bulk(b"x"));
        });
        ctx.reply().ok();
        Ok(())
    })
}

/// OWN.CLIENT: what the command sees of its client.
fn client() -> Command {
    Command::new("own.client", |ctx, _| {
        let client = ctx.client();
        let protocol = if client.protocol() == Protocol::Resp3 { 3 } else { 2 };
        let text = format!(
            "{} {} {} {} {protocol} {:?}",
            client.id(),
            client.name().escape_ascii(),
            client.user().escape_ascii(),
            client.db(),
            client.addr()
        );
        ctx.reply().bulk(text.as_bytes());
        Ok(())
    })
}

fn builder() -> Builder {
    let own = [call(), each(), push(), client()];
    let own = own.into_iter().fold(Commands::new("own"), Commands::add);
    Server::builder().any_port().commands(own)
}

fn with(options: &[(&str, &str)]) -> Builder {
    let with =
        |builder: Builder, &(name, value): &(&str, &str)| builder.option(name, value).unwrap();
    options.iter().fold(builder(), with)
}

fn start(options: &[(&str, &str)]) -> (Running, Handle, Socket) {
    let server = with(options).bind().unwrap().spawn();
    let (handle, client) = (server.handle(), Socket::tcp(server.addr().unwrap()));
    (server, handle, client)
}

fn error(value: &Value) -> String {
    String::from_utf8_lossy(value.as_error().unwrap_or_else(|| panic!("{value:?}"))).into_owned()
}

#[track_caller]
fn assert_frame(client: &mut Socket, expected: &str) {
    let frame = client.frame().map(|frame| String::from_utf8(frame).unwrap());
    assert_eq!(frame.as_deref(), Some(expected));
}

// Called by a command.

#[test]
fn a_command_sees_the_types_of_resp3_whatever_its_client_speaks() {
    let (_server, _, mut client) = start(&[]);
    client.call(["HSET", "h", "f", "v"]);
    client.call(["ZADD", "z", "1.5", "m"]);
    for hello in ["2", "3"] {
        client.call(["HELLO", hello]);
        for (words, seen) in [
            (&["HGETALL", "h"][..], "Map([(Bulk([102]), Bulk([118]))])"),
            (&["ZSCORE", "z", "m"], "Double([49, 46, 53])"),
            (&["SMEMBERS", "none"], "Set([])"),
            (&["GET", "none"], "Null"),
            (&["PING"], "Status([80, 79, 78, 71])"),
        ] {
            let words: Vec<&str> = [&["OWN.CALL"], words].concat();
            assert_eq!(client.call(&words), format!("{seen:?}"), "{words:?}");
        }
    }
    let called = client.call(["OWN.CALL"]);
    assert!(called.contains("Error"), "{called}");
}

#[test]
fn an_error_is_handed_on_and_counted_once() {
    let (_server, _, mut client) = start(&[]);
    client.call(["SET", "k", "text"]);
    client.call(["CONFIG", "RESETSTAT"]);
    assert_eq!(
        client.call(["OWN.EACH", "SET other 1", "INCR k", "SET other 2"]),
        "(error) ERR value is not an integer or out of range"
    );
    assert_eq!(client.call(["GET", "other"]), "\"1\"");
    let info = client.call(["INFO", "errorstats", "commandstats"]);
    assert!(info.contains("errorstat_ERR:count=1"), "{info}");
    assert!(info.contains("cmdstat_own.each:calls=1,"), "{info}");
    let incr = info.lines().find(|line| line.contains("cmdstat_incr:calls=1,")).unwrap();
    assert!(incr.contains("failed_calls=1"), "{incr}");
}

#[test]
fn a_call_is_granted_what_its_client_is() {
    let (_server, _, mut client) = start(&[]);
    client.call(["ACL", "SETUSER", "bob", "on", "nopass", "+@all", "-get", "~a*"]);
    client.call(["AUTH", "bob", "x"]);
    assert_eq!(client.call(["OWN.EACH", "SET a 1"]), "OK");
    let refused = client.call(["OWN.EACH", "GET a"]);
    assert_eq!(refused, "(error) NOPERM User bob has no permissions to run the 'get' command");
    assert_eq!(
        client.call(["OWN.EACH", "SET b 1"]),
        "(error) NOPERM No permissions to access a key"
    );
    let log = client.call(["ACL", "LOG"]);
    assert_eq!(log.matches("\"module\"").count(), 2, "{log}");
}

/// What is about the connection, or begins to queue, or ends the process.
const OF_CLIENTS: &[&str] = &[
    "client caching yes",
    "client reply off",
    "client tracking on",
    "discard",
    "exec",
    "hello 3",
    "monitor",
    "multi",
    "psubscribe a",
    "punsubscribe",
    "quit",
    "replconf rdb-only 1",
    "reset",
    "shutdown",
    "ssubscribe a",
    "subscribe a",
    "sunsubscribe",
    "sync",
    "unsubscribe",
    "unwatch",
    "watch k",
];

#[test]
fn what_belongs_to_a_connection_cannot_be_called() {
    let (_server, handle, mut client) = start(&[]);
    for line in OF_CLIENTS {
        let words: Vec<&str> = line.split(' ').collect();
        let name = if words[0] == "client" { words[..2].join("|") } else { words[0].to_owned() };
        let refused = format!("ERR '{name}' is for a client to send, and cannot be called");
        assert_eq!(client.call(["OWN.EACH", line]), format!("(error) {refused}"));
        assert_eq!(error(&handle.call(words)), refused);
    }
    assert_eq!(client.call(["PING"]), "PONG");
}

#[test]
fn nothing_waits_in_a_call() {
    let (_server, handle, mut client) = start(&[]);
    assert_eq!(client.call(["OWN.CALL", "BLPOP", "l", "0"]), "\"Null\"");
    assert_eq!(handle.call(["BLMOVE", "l", "m", "LEFT", "LEFT", "0"]), Value::Null);
    assert_eq!(client.call(["OWN.EACH", "RPUSH l x", "BLPOP l 0"]), "OK");
    assert_eq!(client.call(["EXISTS", "l"]), "(integer) 0");
    // A command that waits is not counted before its wait is over.
    let stats = client.call(["INFO", "commandstats"]);
    assert!(stats.contains("cmdstat_blpop:calls=2,"), "{stats}");
    assert!(stats.contains("cmdstat_blmove:calls=1,"), "{stats}");
}

#[test]
fn a_command_does_not_call_itself_by_way_of_another() {
    let (_server, handle, mut client) = start(&[]);
    let line = ["OWN.CALL", "OWN.EACH", "OWN.CALL PING"];
    let refused = "ERR 'own.call' is running already, and cannot call itself";
    let seen = format!("{:?}", format!("Error({:?})", refused.as_bytes()));
    assert_eq!(client.call(line), seen);
    let seen = handle.call(line).as_str().map(|seen| format!("{seen:?}"));
    assert_eq!(seen, Some(format!("{:?}", format!("Error({:?})", refused.as_bytes()))));
}

#[test]
fn what_a_called_command_is_refused_its_caller_is_told() {
    let (_server, _, mut client) = start(&[("maxmemory", "1")]);
    let called = client.call(["OWN.EACH", "SET k v"]);
    assert_eq!(called, "(error) OOM command not allowed when used memory > 'maxmemory'.");
    assert_eq!(
        client.call(["OWN.EACH", "nosuch a"]),
        "(error) ERR unknown command 'nosuch', with args beginning with: 'a' "
    );
}

#[test]
fn a_call_in_a_transaction_is_a_part_of_it() {
    let (_server, _, mut client) = start(&[]);
    client.call(["MULTI"]);
    client.call(["OWN.CALL", "INCR", "n"]);
    client.call(["OWN.EACH", "INCR n", "INCR n"]);
    client.call(["OWN.CALL", "BLPOP", "l", "0"]);
    assert_eq!(client.call(["EXEC"]), "1) \"Integer(1)\"\n2) OK\n3) \"Null\"");
    assert_eq!(client.call(["GET", "n"]), "\"3\"");
}

#[cfg(feature = "lua")]
#[test]
fn what_a_script_calls_is_held_to_the_scripts_flags() {
    let (_server, _, mut client) = start(&[]);
    let call = "return redis.call('OWN.EACH', ARGV[1])";
    assert_eq!(client.call(["EVAL", call, "0", "SET k v"]), "OK");
    let refused = client.call(["EVAL_RO", call, "0", "SET k w"]);
    assert!(refused.contains("Write commands are not allowed from read-only scripts"), "{refused}");
    assert_eq!(client.call(["EVAL_RO", call, "0", "GET k"]), "OK");
    assert_eq!(client.call(["GET", "k"]), "\"v\"");
    let nested = client.call(["OWN.CALL", "EVAL", "return redis.call('OWN.CALL', 'PING')", "0"]);
    assert!(nested.contains("Error"), "{nested}");
    assert_eq!(client.call(["OWN.EACH", "EVAL return{redis.call('INCR','n')} 0"]), "OK");
}

#[test]
fn monitor_shows_calls_before_the_command_that_called() {
    let (server, handle, mut client) = start(&[]);
    let mut monitor = Socket::tcp(server.addr().unwrap());
    monitor.call(["MONITOR"]);
    client.call(["OWN.EACH", "SET k v"]);
    handle.call(args!["GET", "k"]);
    for end in [
        "[0 call] \"SET\" \"k\" \"v\"\r\n",
        "\"OWN.EACH\" \"SET k v\"\r\n",
        "[0 call] \"GET\" \"k\"\r\n",
    ] {
        let line = String::from_utf8(monitor.frame().unwrap()).unwrap();
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
fn a_select_that_is_called_lasts_for_a_client_and_ends_with_a_handles_call() {
    let (_server, handle, mut client) = start(&[]);
    assert_eq!(client.call(["OWN.EACH", "SELECT 3", "SET k three"]), "OK");
    assert_eq!(client.call(["GET", "k"]), "\"three\"");
    handle.call(["SELECT", "3"]).into_result().unwrap();
    assert!(handle.call(["GET", "k"]).is_null());
    let third = handle.with_db(3);
    assert_eq!(third.call(["GET", "k"]).as_str(), Some("three"));
    assert_eq!(third.call(["OWN.CLIENT"]).as_str(), Some("0   3 2 None"));
    assert_eq!(error(&handle.with_db(16).call(["GET", "k"])), "ERR DB index is out of range");
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("respd-calls-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn text(&self) -> String {
        let files = std::fs::read_dir(self.0.join("appendonlydir")).unwrap();
        let log = files.map(|file| file.unwrap().path());
        let log = log.filter(|path| path.extension().is_some_and(|end| end == "aof"));
        let log = log.filter(|path| path.to_string_lossy().contains(".incr."));
        String::from_utf8_lossy(&std::fs::read(log.last().unwrap()).unwrap()).replace("\r\n", " ")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_log_has_what_was_called_once_and_as_one() {
    for fsync in ["everysec", "always"] {
        let folder = Folder::new(fsync);
        let dir = folder.0.to_str().unwrap();
        let options = [
            ("appendonly", "yes"),
            ("appendfsync", fsync),
            ("dir", dir),
            ("enable-debug-command", "yes"),
        ];
        let (server, handle, mut client) = start(&options);
        assert_eq!(client.call(["OWN.EACH", "SET a 1", "GET a", "INCRBYFLOAT a 1.5"]), "OK");
        assert_eq!(client.call(["OWN.EACH", "INCR n"]), "OK");
        assert_eq!(handle.call(args!["OWN.EACH", "INCR n", "RPUSH l x"]).as_str(), Some("OK"));
        assert_eq!(handle.call(args!["SADD", "s", 1, 2]).as_i64(), Some(2));
        let digest = client.call(["DEBUG", "DIGEST"]);
        assert!(!digest.starts_with("(error)"), "{digest}");
        server.stop().unwrap();
        let log = folder.text();
        let expected = "*1 $5 MULTI *2 $6 SELECT $1 0 *3 $3 SET $1 a $1 1 *4 $3 SET $1 a $3 2.5 \
                        $7 KEEPTTL *1 $4 EXEC *2 $4 INCR $1 n *1 $5 MULTI *2 $4 INCR $1 n \
                        *3 $5 RPUSH $1 l $1 x *1 $4 EXEC *4 $4 SADD $1 s $1 1 $1 2 ";
        assert_eq!(log, expected);
        let (server, handle, mut client) = start(&options);
        until("the log is loaded", || handle.call(["GET", "a"]).as_str() == Some("2.5"));
        assert_eq!(client.call(["DEBUG", "DIGEST"]), digest);
        let all = ["a", "n", "l", "s"].map(|key| client.call(["TYPE", key]));
        assert_eq!(all, ["string", "string", "list", "set"]);
        assert_eq!(client.call(["MGET", "a", "n"]), "1) \"2.5\"\n2) \"2\"");
        server.stop().unwrap();
    }
}

// Pushes.

#[test]
fn a_push_follows_the_reply() {
    let (_server, _, mut client) = start(&[]);
    client.send(b"OWN.PUSH 2\r\nPING\r\n");
    for frame in ["+OK\r\n", "*2\r\n$1\r\nx\r\n$1\r\nx\r\n", "+PONG\r\n"] {
        assert_frame(&mut client, frame);
    }
    client.call(["HELLO", "3"]);
    client.send(b"MULTI\r\nOWN.PUSH 1\r\nPING\r\nEXEC\r\nPING\r\n");
    for frame in [
        "+OK\r\n",
        "+QUEUED\r\n",
        "+QUEUED\r\n",
        "*2\r\n+OK\r\n+PONG\r\n",
        ">1\r\n$1\r\nx\r\n",
        "+PONG\r\n",
    ] {
        assert_frame(&mut client, frame);
    }
}

#[test]
fn what_is_no_push_is_not_sent() {
    let (_server, _, mut client) = start(&[]);
    for hello in ["2", "3"] {
        client.call(["HELLO", hello]);
        assert_eq!(client.call(["OWN.PUSH", "0"]), "OK");
        assert_eq!(client.call(["PING"]), "PONG");
    }
}

#[test]
fn a_thread_pushes_to_a_client() {
    let (server, handle, mut client) = start(&[]);
    client.call(["HELLO", "3"]);
    let id = handle.call(["CLIENT", "LIST"]);
    let id = id.as_str().and_then(|list| list.split(['=', ' ']).nth(1)).unwrap().parse().unwrap();
    let hello = |reply: &mut respd::Reply| {
        reply.push(2);
        reply.bulk(b"hello");
        reply.int(1);
    };
    let pushed = ">2\r\n$5\r\nhello\r\n:1\r\n";
    assert!(handle.push(id, hello));
    assert_frame(&mut client, pushed);
    assert!(handle.push(id, |reply| reply.bulk(b"no push")));
    assert!(handle.push(id, |_| {}));
    assert!(!handle.push(id + 77, hello) && !handle.push(0, hello));
    // While a command of the client waits, and while it wants no replies.
    client.send(b"BLPOP l 0\r\n");
    until("the client waits", || {
        handle.call(["INFO", "clients"]).as_str().unwrap().contains("blocked_clients:1")
    });
    assert!(handle.push(id, hello));
    handle.call(["RPUSH", "l", "x"]);
    for frame in [pushed, "*2\r\n$1\r\nl\r\n$1\r\nx\r\n"] {
        assert_frame(&mut client, frame);
    }
    client.send(b"CLIENT REPLY OFF\r\nSET k v\r\n");
    until("the client has been heard", || !handle.call(["GET", "k"]).is_null());
    assert!(handle.push(id, hello));
    assert_frame(&mut client, pushed);
    drop(client);
    until("the client has gone", || !handle.push(id, hello));
    server.stop().unwrap();
    assert!(!handle.push(id, hello));
}

#[test]
fn pushes_count_against_the_output_limit() {
    let (_server, handle, mut client) =
        start(&[("client-output-buffer-limit", "normal 100kb 0 0")]);
    client.call(["HELLO", "3"]);
    let large = |reply: &mut respd::Reply| {
        reply.push(1);
        reply.bulk(&vec![b'x'; 200_000]);
    };
    assert!(handle.push(1, large));
    // The end of the connection.
    client.rest();
    assert!(!handle.push(1, large));
}

// Called by a thread.

/// In the same turn: no client sends anything that would cause another.
#[test]
fn what_a_thread_changes_reaches_the_clients_that_wait_for_it() {
    let (server, handle, mut client) = start(&[("notify-keyspace-events", "KA")]);
    let new = || Socket::tcp(server.addr().unwrap());
    let [mut blocked, mut tracking, mut watching, mut listening] = [(); 4].map(|()| new());
    client.call(["SET", "k", "v"]);
    tracking.call(["HELLO", "3"]);
    tracking.call(["CLIENT", "TRACKING", "ON"]);
    tracking.call(["GET", "k"]);
    watching.call(["WATCH", "k"]);
    watching.call(["MULTI"]);
    watching.call(["PING"]);
    listening.send(b"SUBSCRIBE __keyspace@0__:k\r\n");
    listening.frame();
    blocked.send(b"BLPOP l 0\r\n");
    until("the client waits", || {
        handle.call(["INFO", "clients"]).as_str().unwrap().contains("blocked_clients:1")
    });
    assert_eq!(handle.call(args!["RPUSH", "l", 1, 2]), Value::Integer(2));
    assert_frame(&mut blocked, "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    assert_eq!(handle.call(["SET", "k", "w"]).as_str(), Some("OK"));
    assert_frame(&mut tracking, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
    assert_frame(&mut listening, "*3\r\n$7\r\nmessage\r\n$16\r\n__keyspace@0__:k\r\n$3\r\nset\r\n");
    assert_eq!(watching.call(["EXEC"]), "(nil)");
    assert_eq!(handle.call(["LRANGE", "l", "0", "-1"]).into_vec().map(|all| all.len()), Some(1));
}

#[test]
fn a_thread_needs_no_login_and_no_permission() {
    let (_server, handle, mut client) = start(&[("requirepass", "sesame")]);
    assert_eq!(handle.call(["SET", "k", "v"]).as_str(), Some("OK"));
    handle.call(["ACL", "SETUSER", "default", "reset"]).into_result().unwrap();
    assert_eq!(handle.call(["GET", "k"]).as_str(), Some("v"));
    assert_eq!(handle.call(["OWN.EACH", "GET k"]).as_str(), Some("OK"));
    assert!(client.call(["OWN.EACH", "GET k"]).starts_with("(error) NOAUTH"));
    #[cfg(feature = "lua")]
    {
        let script = "return redis.call('GET', 'k')";
        assert_eq!(handle.call(["EVAL", script, "0"]).as_str(), Some("v"));
    }
    assert_eq!(handle.call(["CLIENT", "LIST"]).as_str().unwrap().lines().count(), 1);
    assert_eq!(handle.call(["ACL", "USERS"]).into_vec().map(|users| users.len()), Some(1));
    let clients = handle.call(["INFO", "clients"]);
    assert!(clients.as_str().unwrap().contains("connected_clients:1\r\n"));
}

#[test]
fn a_thread_fills_a_server_that_is_not_ready() {
    let server = builder().not_ready().bind().unwrap().spawn();
    let (handle, mut client) = (server.handle(), Socket::tcp(server.addr().unwrap()));
    assert!(client.call(["GET", "k"]).starts_with("(error) LOADING"));
    assert_eq!(handle.call(["OWN.EACH", "SET k v"]).as_str(), Some("OK"));
    assert_eq!(handle.call(["GET", "k"]).as_str(), Some("v"));
    handle.ready(true);
    until("the server is ready", || client.call(["GET", "k"]) == "\"v\"");
}

#[test]
fn memory_that_is_not_there_is_there_for_no_caller() {
    let (_server, handle, _) = start(&[("maxmemory", "1")]);
    assert!(error(&handle.call(["SET", "k", "v"])).starts_with("OOM "));
    assert_eq!(handle.call(["GET", "k"]), Value::Null);
}

#[test]
fn a_pause_holds_a_thread_back_until_it_ends() {
    let (_server, handle, mut client) = start(&[]);
    client.call(["CLIENT", "PAUSE", "1000000", "WRITE"]);
    assert_eq!(handle.call(["GET", "k"]), Value::Null);
    let (tell, told) = mpsc::channel();
    for n in 1..=2 {
        let (handle, tell) = (handle.clone(), tell.clone());
        thread::spawn(move || tell.send(handle.call(args!["RPUSH", "l", n]).as_i64()).unwrap());
    }
    assert_eq!(client.call(["EXISTS", "l"]), "(integer) 0");
    assert_eq!(client.call(["CLIENT", "UNPAUSE"]), "OK");
    let mut lengths = [(); 2].map(|()| told.recv_timeout(PATIENCE).unwrap());
    lengths.sort_unstable();
    assert_eq!(lengths, [Some(1), Some(2)]);
}

#[test]
fn a_reply_to_a_caller_is_not_limited_as_those_to_clients() {
    let (_server, handle, mut client) =
        start(&[("client-output-buffer-limit", "normal 100kb 0 0")]);
    let value = vec![b'x'; 1_000_000];
    handle.call(args!["SET", "k", value]).into_result().unwrap();
    assert_eq!(handle.call(["GET", "k"]).as_bytes().map(<[u8]>::len), Some(value.len()));
    assert_eq!(client.call(["OWN.EACH", "GET k"]), "OK");
    #[cfg(feature = "lua")]
    {
        let script = "return #redis.call('GET', 'k')";
        assert_eq!(handle.call(["EVAL", script, "0"]).as_i64(), Some(1_000_000));
    }
    assert_eq!(client.call(["PING"]), "PONG");
}

#[cfg(feature = "lua")]
#[test]
fn a_script_of_a_thread_keeps_no_client_from_ending_it() {
    let (_server, handle, mut client) = start(&[("busy-reply-threshold", "1")]);
    let script = thread::spawn(move || handle.call(["EVAL", "while true do end", "0"]));
    until("the server is busy", || client.call(["PING"]).starts_with("(error) BUSY"));
    assert_eq!(client.call(["SCRIPT", "KILL"]), "OK");
    assert!(error(&script.join().unwrap()).contains("SCRIPT KILL"));
    assert_eq!(client.call(["PING"]), "PONG");
}

#[test]
fn a_panic_in_a_command_is_an_error_to_its_caller() {
    let fails = Command::new("own.fails", |_, _| panic!("on purpose"));
    let server = builder().commands(Commands::new("more").add(fails)).bind().unwrap().spawn();
    let (handle, mut client) = (server.handle(), Socket::tcp(server.addr().unwrap()));
    assert!(error(&handle.call(["OWN.FAILS"])).starts_with("ERR internal error"));
    assert_eq!(client.call(["PING"]), "PONG");
    assert!(error(&handle.call(["CLIENT", "NO-EVICT", "ON", "x"])).starts_with("ERR wrong number"));
    handle.call(["CLIENT", "NO-EVICT", "ON"]).into_result().unwrap();
    assert_eq!(handle.call(["OWN.PUSH", "1"]).as_str(), Some("OK"));
}

#[test]
fn a_thread_publishes() {
    let (server, handle, mut client) = start(&[]);
    assert_eq!(handle.publish(b"news", b"unheard"), 0);
    client.send(b"SUBSCRIBE news\r\nPSUBSCRIBE n*\r\n");
    (0..2).for_each(|_| drop(client.frame()));
    assert_eq!(handle.publish(b"news", b"flash"), 2);
    assert_frame(&mut client, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nflash\r\n");
    assert_frame(&mut client, "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nflash\r\n");
    server.stop().unwrap();
    assert_eq!(handle.publish(b"news", b"late"), 0);
}

#[test]
fn a_server_that_cannot_answer_says_so_and_keeps_no_thread() {
    let (tell, told) = mpsc::channel::<Handle>();
    let ask = Command::new("own.ask", move |ctx, _| {
        let handle = told.recv().map_err(|_| Error::from("no handle"))?;
        let asked = handle.call(["PING"]);
        let others = (handle.publish(b"a", b"b"), handle.push(1, |_| {}));
        assert_eq!(others, (0, false));
        asked.into_result()?;
        ctx.reply().ok();
        Ok(())
    });
    let server = builder().commands(Commands::new("more").add(ask)).bind().unwrap();
    let handle = server.handle();
    // A call that comes before the server runs waits for it.
    let early = thread::spawn({
        let handle = handle.clone();
        move || handle.call(["PING"])
    });
    let running = server.spawn();
    assert_eq!(early.join().unwrap().as_str(), Some("PONG"));
    tell.send(handle.clone()).unwrap();
    let mut client = Socket::tcp(running.addr().unwrap());
    assert_eq!(
        client.call(["OWN.ASK"]),
        "(error) ERR the server's own thread cannot wait for the server"
    );
    running.stop().unwrap();
    assert_eq!(error(&handle.call(["PING"])), "ERR the server has ended");
}

#[test]
fn a_command_knows_its_client() {
    let (_server, handle, mut client) = start(&[]);
    client.call(["ACL", "SETUSER", "bob", "on", "nopass", "+@all"]);
    client.call(["HELLO", "3", "AUTH", "bob", "x", "SETNAME", "ann"]);
    client.call(["SELECT", "2"]);
    let seen = client.call(["OWN.CLIENT"]);
    let id = client.call(["CLIENT", "ID"]).replace("(integer) ", "");
    assert!(seen.starts_with(&format!("\"{id} ann bob 2 3 Some(127.0.0.1:")), "{seen}");
    assert_eq!(handle.call(["OWN.CLIENT"]).as_str(), Some("0   0 2 None"));
}
