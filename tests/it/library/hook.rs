//! A hook is asked before commands.

use std::sync::{Arc, Mutex};

use respd::{Command, Commands, Running, Server, Verdict};

use crate::socket::{Socket, until};

/// What the hook was asked: the full name, and the keys.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server whose hook writes down what it is asked, refuses what has the key `secret`, closes at FLUSHALL, and panics at ECHO.
fn start(options: &[(&str, &str)]) -> (Running, Asked) {
    let asked = Asked::default();
    let seen = asked.clone();
    let mut builder = Server::builder();
    for (name, value) in options {
        builder = builder.option(name, value).unwrap();
    }
    let calls = Command::new("calls", |ctx, _| {
        let value = ctx.call(["GET", "k"]);
        ctx.reply().boolean(value.as_bytes().is_some());
        Ok(())
    });
    let builder = builder.commands(Commands::new("own").add(calls)).hook(move |request| {
        let keys: Vec<_> = request.keys().map(String::from_utf8_lossy).collect();
        let user = String::from_utf8_lossy(request.client().user());
        let line = [request.name(), &keys.join(",")].join(" ");
        seen.lock().unwrap().push(format!("{user}: {line}"));
        match request.name() {
            _ if keys.iter().any(|key| key == "secret") => Verdict::Refuse("DENIED secret".into()),
            "flushall" => Verdict::Close,
            "echo" => panic!("on purpose: {} words", request.args().len()),
            _ => Verdict::Run,
        }
    });
    (builder.any_port().bind().unwrap().spawn(), asked)
}

fn client(server: &Running) -> Socket {
    Socket::tcp(server.addr().unwrap())
}

fn take(asked: &Asked) -> Vec<String> {
    std::mem::take(&mut asked.lock().unwrap())
}

#[test]
fn it_is_asked_for_what_clients_send_and_may_run() {
    let (server, asked) = start(&[("requirepass", "sesame")]);
    let mut ann = client(&server);
    assert!(ann.call(["GET", "k"]).starts_with("(error) NOAUTH"));
    assert_eq!(ann.call(["AUTH", "sesame"]), "OK");
    assert!(ann.call(["GET"]).starts_with("(error) ERR wrong number"));
    assert!(ann.call(["NOSUCH"]).starts_with("(error) ERR unknown command"));
    assert_eq!(ann.call(["MSET", "a", "1", "b", "2"]), "OK");
    assert!(ann.call(["Config", "Get", "port"]).contains("port"));
    assert_eq!(ann.call(["ACL", "SETUSER", "ben", "on", "nopass", "+get", "~k"]), "OK");
    assert_eq!(ann.call(["AUTH", "ben", "x"]), "OK");
    assert!(ann.call(["SET", "k", "v"]).starts_with("(error) NOPERM"));
    assert_eq!(ann.call(["GET", "k"]), "(nil)");
    let expected = [
        "default: auth ",
        "default: mset a,b",
        "default: config|get ",
        "default: acl|setuser ",
        "default: auth ",
        "ben: get k",
    ];
    assert_eq!(take(&asked), expected);
}

#[test]
fn what_it_refuses_is_refused_and_counted() {
    let (server, asked) = start(&[]);
    let mut ann = client(&server);
    assert_eq!(ann.call(["SET", "secret", "v"]), "(error) DENIED secret");
    assert!(ann.call(["INFO", "commandstats"]).contains("cmdstat_set:calls=0,"));
    assert!(ann.call(["INFO", "commandstats"]).contains("rejected_calls=1,failed_calls=0"));
    assert!(ann.call(["INFO", "errorstats"]).contains("errorstat_DENIED:count=1"));
    ann.send(b"MULTI\r\nSET k v\r\nGET secret\r\nEXEC\r\n");
    assert_eq!(ann.frame().as_deref(), Some(&b"+OK\r\n"[..]));
    assert_eq!(ann.frame().as_deref(), Some(&b"+QUEUED\r\n"[..]));
    assert_eq!(ann.frame().as_deref(), Some(&b"-DENIED secret\r\n"[..]));
    assert!(ann.frame().unwrap().starts_with(b"-EXECABORT"));
    assert_eq!(ann.call(["EXISTS", "k"]), "(integer) 0");
    ann.send(b"EXISTS k\r\nFLUSHALL\r\nPING\r\n");
    assert_eq!(ann.rest(), b":0\r\n-ERR the server closes the connection\r\n");
    let mut ben = client(&server);
    ben.send(b"ECHO x\r\nPING\r\n");
    assert_eq!(ben.rest(), b"-ERR internal error, see the server's log\r\n");
    assert_eq!(client(&server).call(["PING"]), "PONG");
    assert!(take(&asked).len() > 5);
}

#[test]
fn it_is_not_asked_again_for_what_it_has_let_on() {
    let (server, asked) = start(&[]);
    let (mut ann, mut ben) = (client(&server), client(&server));
    ann.send(b"MULTI\r\nSET k v\r\nEXEC\r\n");
    (0..3).for_each(|_| assert!(ann.frame().is_some()));
    assert_eq!(take(&asked), ["default: multi ", "default: set k", "default: exec "]);
    assert_eq!(ann.call(["CALLS"]), "(integer) 1");
    assert_eq!(take(&asked), ["default: calls "]);
    server.handle().call(["GET", "secret"]);
    assert!(take(&asked).is_empty());
    if cfg!(feature = "lua") {
        ann.call(["EVAL", "return redis.call('GET', KEYS[1])", "1", "k"]);
        assert_eq!(take(&asked), ["default: eval k"]);
    }
    ann.send(b"BLPOP list 0\r\n");
    until("it blocks", || ben.call(["INFO", "clients"]).contains("blocked_clients:1"));
    take(&asked);
    assert_eq!(ben.call(["RPUSH", "list", "a"]), "(integer) 1");
    assert!(ann.frame().is_some());
    assert_eq!(take(&asked), ["default: rpush list"]);
    assert_eq!(ben.call(["CLIENT", "PAUSE", "100000", "WRITE"]), "OK");
    ann.send(b"SET k w\r\n");
    until("it is held back", || {
        ben.call(["INFO", "clients"]).contains("paused_clients:1")
            || ben.call(["CLIENT", "LIST", "ID", "1"]).contains("flags=b")
    });
    assert!(!take(&asked).contains(&"default: set k".to_owned()));
    assert_eq!(ben.call(["CLIENT", "UNPAUSE"]), "OK");
    assert_eq!(ann.frame().as_deref(), Some(&b"+OK\r\n"[..]));
    assert_eq!(take(&asked), ["default: client|unpause ", "default: set k"]);
}

/// A stage and a hook look at the same command.
#[test]
fn a_stage_has_its_say_beside_it() {
    let (server, asked) = start(&[("enable-stage-command", "local")]);
    let mut ann = client(&server);
    let words = "STAGE FAULT ADD f ON GET TIMES 1 DO ERROR";
    assert_eq!(ann.call(words.split(' ').chain(["LOADING it is staged"])), "OK");
    assert_eq!(ann.call(["GET", "k"]), "(error) LOADING it is staged");
    assert_eq!(ann.call(["GET", "secret"]), "(error) DENIED secret");
    assert_eq!(take(&asked), ["default: stage|fault ", "default: get secret"]);
}
