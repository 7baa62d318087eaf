//! A command of an embedder that does not reply once: its client is told an error, and stays in step.

use std::sync::{Mutex, OnceLock};

use respd::{Command, Commands, Error, Running, Server};

use crate::socket::Socket;

const INTERNAL: &str = "-ERR internal error, see the server's log\r\n";

/// Each with the error that its client gets.
fn wrong() -> Vec<(Command, &'static str)> {
    vec![
        (Command::new("wrong.none", |_, _| Ok(())), INTERNAL),
        (
            Command::new("wrong.few", |ctx, _| {
                ctx.reply().array(3);
                ctx.reply().ok();
                ctx.reply().bulk(b"x");
                Ok(())
            }),
            INTERNAL,
        ),
        (
            Command::new("wrong.deep", |ctx, _| {
                ctx.reply().map(1);
                ctx.reply().bulk(b"x");
                ctx.reply().array(2);
                ctx.reply().int(1);
                Ok(())
            }),
            INTERNAL,
        ),
        (
            Command::new("wrong.many", |ctx, _| {
                ctx.reply().ok();
                ctx.reply().int(1);
                Ok(())
            }),
            INTERNAL,
        ),
        (
            Command::new("wrong.over", |ctx, _| {
                ctx.reply().set(1);
                ctx.reply().double(1.5);
                ctx.reply().null();
                Ok(())
            }),
            INTERNAL,
        ),
        (
            Command::new("wrong.waits", |ctx, _| {
                ctx.wait_for("never", None);
                Ok(())
            }),
            INTERNAL,
        ),
        (
            Command::new("wrong.fails", |ctx, _| {
                ctx.reply().array(2);
                ctx.reply().ok();
                Err(Error::from("OWN on purpose"))
            }),
            "-OWN on purpose\r\n",
        ),
        (
            Command::new("wrong.empty", |ctx, args| {
                ctx.reply().bulk(&args[1]);
                Ok(())
            }),
            INTERNAL,
        ),
        (
            Command::new("wrong.panics", |ctx, _| {
                ctx.reply().array(2);
                panic!("on purpose")
            }),
            INTERNAL,
        ),
    ]
}

fn is_closed_by(name: &str) -> bool {
    // An argument that is not there is a panic of its own.
    matches!(name, "wrong.panics" | "wrong.empty")
}

const NAMES: [&str; 9] = [
    "wrong.none",
    "wrong.few",
    "wrong.deep",
    "wrong.many",
    "wrong.over",
    "wrong.waits",
    "wrong.fails",
    "wrong.empty",
    "wrong.panics",
];

fn start() -> (Running, Vec<(&'static str, &'static str)>) {
    let (commands, errors): (Vec<_>, Vec<_>) = wrong().into_iter().unzip();
    let group = commands.into_iter().fold(Commands::new("wrong"), Commands::add);
    let server = Server::builder().any_port().commands(group).bind().unwrap().spawn();
    (server, NAMES.into_iter().zip(errors).collect())
}

/// Sends `input` in either protocol, and compares all that is replied before the client closes or is closed.
fn assert_replies(server: &Running, name: &str, input: &str, expected: &str) {
    for protocol in ["2", "3"] {
        let mut client = Socket::tcp(server.addr().unwrap());
        client.call(["HELLO", protocol]);
        client.send(input.as_bytes());
        client.finish();
        let replies = String::from_utf8(client.rest()).unwrap();
        assert_eq!(replies, expected, "{name} in RESP{protocol}");
    }
}

#[test]
fn a_client_is_in_step_whatever_a_handler_writes() {
    let (server, commands) = start();
    for (name, error) in commands {
        let next = if is_closed_by(name) { "" } else { "+PONG\r\n" };
        assert_replies(&server, name, &format!("{name}\r\nPING\r\n"), &format!("{error}{next}"));
        assert_replies(
            &server,
            name,
            &format!("MULTI\r\n{name}\r\nECHO x\r\nEXEC\r\nPING\r\n"),
            &format!("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n{error}$1\r\nx\r\n{next}"),
        );
        let (on, next) = if is_closed_by(name) { ("", "") } else { ("+OK\r\n", "+PONG\r\n") };
        assert_replies(
            &server,
            name,
            &format!("CLIENT REPLY OFF\r\n{name}\r\n{name}\r\nCLIENT REPLY ON\r\nPING\r\n"),
            &format!("{on}{next}"),
        );
        assert_replies(&server, name, &format!("CLIENT REPLY SKIP\r\n{name}\r\nPING\r\n"), next);
        // The server is as well as before.
        assert_replies(&server, name, "PING\r\n", "+PONG\r\n");
    }
}

#[test]
fn a_script_is_told_of_the_error() {
    if cfg!(not(feature = "lua")) {
        return;
    }
    let (server, commands) = start();
    for (name, error) in commands.into_iter().filter(|(name, _)| !is_closed_by(name)) {
        let mut client = Socket::tcp(server.addr().unwrap());
        let script = format!("return redis.pcall('{name}')");
        client.call(["EVAL", &script, "0"]);
        let reply = client.call(["EVAL", &script, "0"]);
        let text = error.trim_start_matches('-').trim_end();
        assert!(reply.contains(text), "{name}: {reply}");
        assert_eq!(client.call(["PING"]), "PONG");
    }
}

/// The lines of the log, of all tests of this program.
fn lines() -> &'static Mutex<Vec<String>> {
    static LINES: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    struct Keeper;
    impl log::Log for Keeper {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            lines().lock().unwrap().push(format!("{} {}", record.level(), record.args()));
        }
        fn flush(&self) {}
    }
    LINES.get_or_init(|| {
        log::set_boxed_logger(Box::new(Keeper)).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        Mutex::new(Vec::new())
    })
}

#[test]
fn the_log_names_the_command() {
    lines();
    let wrong = Command::new("wrong.logged", |_, _| Ok(()));
    let panics = Command::new("wrong.panic.logged", |_, _| panic!("on purpose"));
    let group = Commands::new("wrong").add(wrong).add(panics);
    let server = Server::builder().any_port().commands(group).bind().unwrap().spawn();
    for name in ["wrong.logged", "wrong.panic.logged"] {
        assert_replies(&server, name, &format!("{name}\r\n"), INTERNAL);
        let lines = lines().lock().unwrap();
        assert!(lines.iter().any(|line| line.contains(name)), "{name}: {lines:?}");
    }
}
