//! The connection layer alone.

use respd::{Builder, Command, Commands, Running};

use crate::socket::Socket;

fn start(options: &[(&str, &str)]) -> (Running, Socket) {
    let echo = Command::new("engine.echo", |ctx, args| {
        ctx.reply().bulk(&args[1]);
        Ok(())
    });
    let mut builder = Builder::connection_layer().any_port();
    for (name, value) in options {
        builder = builder.option(name, value).unwrap();
    }
    let server = builder.commands(Commands::new("engine").add(echo)).bind().unwrap().spawn();
    let client = Socket::tcp(server.addr().unwrap());
    (server, client)
}

#[test]
fn there_is_a_session_and_there_are_no_keys() {
    let (_server, mut client) = start(&[("requirepass", "sesame")]);
    assert!(client.call(["ENGINE.ECHO", "x"]).starts_with("(error) NOAUTH"));
    let greeting = client.call(["HELLO", "3", "AUTH", "default", "sesame", "SETNAME", "ann"]);
    assert!(greeting.contains("\"proto\""), "{greeting}");
    assert!(client.call(["CLIENT", "LIST"]).contains("name=ann"));
    assert_eq!(client.call(["ENGINE.ECHO", "x"]), "\"x\"");
    for words in [
        &["SET", "k", "v"][..],
        &["GET", "k"],
        &["DEL", "k"],
        &["DBSIZE"],
        &["EVAL", "return 1", "0"],
        &["SAVE"],
    ] {
        assert!(client.call(words).starts_with("(error) ERR unknown command"), "{words:?}");
    }
    assert_eq!(client.call(["MULTI"]), "OK");
    assert_eq!(client.call(["ENGINE.ECHO", "y"]), "QUEUED");
    assert_eq!(client.call(["EXEC"]), "1) \"y\"");
    assert!(client.call(["INFO"]).contains("respd_version"));
    assert_eq!(client.call(["ACL", "WHOAMI"]), "\"default\"");
}

#[test]
fn messages_reach_those_who_listen() {
    let (server, mut client) = start(&[]);
    let mut listener = Socket::tcp(server.addr().unwrap());
    listener.send(b"SUBSCRIBE news\r\n");
    assert!(listener.frame().is_some());
    assert_eq!(client.call(["PUBLISH", "news", "flash"]), "(integer) 1");
    let message = &b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nflash\r\n"[..];
    assert_eq!(listener.frame().as_deref(), Some(message));
}

#[test]
fn shutdown_ends_the_server() {
    let (server, mut client) = start(&[]);
    client.send(b"SHUTDOWN\r\n");
    assert_eq!(client.frame(), None);
    server.stop().unwrap();
}

#[test]
fn what_needs_data_is_refused_by_name() {
    for (name, value) in [("appendonly", "yes"), ("save", "60 1"), ("enable-stage-command", "yes")]
    {
        let builder = Builder::connection_layer().any_port().option(name, value).unwrap();
        let faults = builder.faults();
        assert!(faults.iter().any(|fault| fault.contains(name)), "{name}: {faults:?}");
        let refused = builder.bind().err().expect("a refusal");
        assert!(refused.to_string().contains(name), "{refused}");
    }
}

#[test]
fn an_option_that_is_none_is_named() {
    let refused =
        Builder::connection_layer().option("maxclients", "many").err().expect("a refusal");
    assert!(refused.to_string().contains("maxclients"), "{refused}");
    assert!(Builder::connection_layer().option("nosuch", "1").is_err());
}
