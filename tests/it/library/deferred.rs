//! Replies that threads give later, on real sockets.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use respd::internals::embed::local::request;
use respd::{Builder, Command, Commands, Deferred, Error, Running, Server};

use crate::socket::{Socket, until};

/// A server with LATER word, which leaves its reply to what comes out of the channel.
fn start(builder: Builder) -> (Running, Receiver<(Deferred, String)>) {
    let (tell, told) = mpsc::channel();
    let later = Command::new("later", move |ctx, args| {
        let word = String::from_utf8_lossy(&args[1]).into_owned();
        tell.send((ctx.defer(), word)).map_err(|_| Error::from("ERR the test is over"))
    });
    let own = Commands::new("own").add(later);
    let server = builder.any_port().commands(own).bind().unwrap().spawn();
    (server, told)
}

fn client(server: &Running) -> Socket {
    Socket::tcp(server.addr().unwrap())
}

#[test]
fn threads_reply_while_other_clients_go_on() {
    let (server, told) = start(Server::builder());
    let (mut ann, mut ben) = (client(&server), client(&server));
    ann.send(b"LATER one\r\nECHO two\r\nLATER three\r\n");
    let (deferred, word) = told.recv().unwrap();
    assert_eq!((word.as_str(), deferred.client()), ("one", 1));
    assert_eq!(ben.call(["PING"]), "PONG");
    assert!(ben.call(["CLIENT", "LIST", "ID", "1"]).contains("flags=b"));
    thread::spawn(move || deferred.reply(|reply| reply.bulk(b"1")));
    assert_eq!(ann.frame().as_deref(), Some(&b"$1\r\n1\r\n"[..]));
    assert_eq!(ann.frame().as_deref(), Some(&b"$3\r\ntwo\r\n"[..]));
    let (deferred, _) = told.recv().unwrap();
    deferred.error(Error::from("ERR no third"));
    assert_eq!(ann.frame().as_deref(), Some(&b"-ERR no third\r\n"[..]));
}

/// Clients without data have it as others do.
#[test]
fn a_pool_of_threads_answers_many_clients_each_in_its_order() {
    const CLIENTS: usize = 40;
    const EACH: usize = 200;
    let (server, told) = start(Builder::connection_layer());
    let told = Arc::new(Mutex::new(told));
    for _ in 0..4 {
        let told = told.clone();
        thread::spawn(move || {
            loop {
                let next = told.lock().unwrap().recv();
                let Ok((deferred, word)) = next else { return };
                deferred.reply(move |reply| reply.bulk(word.as_bytes()));
            }
        });
    }
    let mut clients: Vec<Socket> = (0..CLIENTS).map(|_| client(&server)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let words = (0..EACH).map(|n| request(["LATER".to_owned(), format!("{number}-{n}")]));
        client.send(&words.collect::<Vec<_>>().concat());
    }
    for (number, client) in clients.iter_mut().enumerate() {
        for n in 0..EACH {
            let frame = String::from_utf8(client.frame().expect("a reply")).unwrap();
            assert!(frame.ends_with(&format!("\r\n{number}-{n}\r\n")), "{frame}");
        }
    }
}

#[test]
fn a_handler_that_breaks_the_rules_is_told_so_by_an_error() {
    let both = Command::new("both", |ctx, _| {
        ctx.reply().ok();
        drop(ctx.defer());
        Ok(())
    });
    let twice = Command::new("twice", |ctx, _| {
        let (first, second) = (ctx.defer(), ctx.defer());
        second.reply(|reply| reply.int(2));
        first.reply(|reply| reply.int(1));
        Ok(())
    });
    let fails = Command::new("fails", |ctx, _| {
        ctx.defer().reply(|reply| reply.ok());
        Err(Error::from("ERR it fails"))
    });
    let dropped = Command::new("dropped", |ctx, _| {
        drop(ctx.defer());
        Ok(())
    });
    let own = Commands::new("own").add(both).add(twice).add(fails).add(dropped);
    let server = Server::builder().any_port().commands(own).bind().unwrap().spawn();
    let mut ann = client(&server);
    for _ in 0..3 {
        assert!(ann.call(["BOTH"]).starts_with("(error) ERR internal error"));
        assert_eq!(ann.call(["TWICE"]), "(integer) 1");
        assert_eq!(ann.call(["FAILS"]), "(error) ERR it fails");
        assert_eq!(ann.call(["DROPPED"]), "(error) ERR the command was dropped without a reply");
        assert_eq!(ann.call(["PING"]), "PONG");
    }
}

#[test]
fn a_client_that_its_command_closes_is_sent_the_reply_first() {
    let closes = |name: &str, ahead: bool, first: bool| {
        Command::new(name, move |ctx, _| {
            if first {
                ctx.close();
            }
            let deferred = if ahead { ctx.defer_ahead() } else { ctx.defer() };
            ctx.close();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                deferred.reply(|reply| reply.int(5));
            });
            Ok(())
        })
    };
    let own = Commands::new("own").add(closes("a", false, false)).add(closes("b", false, true));
    let own = own.add(closes("c", true, false)).add(closes("d", true, true));
    let server = Server::builder().any_port().commands(own).bind().unwrap().spawn();
    for name in ["A", "B", "C", "D"] {
        let mut ann = client(&server);
        ann.send(&request([name]));
        assert_eq!(ann.frame().unwrap(), b":5\r\n", "{name}");
        assert!(ann.frame().is_none(), "{name}: it is closed");
    }
}

#[test]
fn who_has_left_is_not_waited_for_and_the_server_leaves_without_replies() {
    let (server, told) = start(Server::builder());
    let (mut ann, mut ben) = (client(&server), client(&server));
    ann.send(b"LATER x\r\n");
    let (deferred, _) = told.recv().unwrap();
    assert_eq!(ben.call(["CLIENT", "KILL", "ID", "1"]), "(integer) 1");
    assert_eq!(ann.frame(), None);
    deferred.reply(|_| panic!("nothing waits for it"));
    let blocked = |ben: &mut Socket, count: usize| {
        ben.call(["INFO", "clients"]).contains(&format!("blocked_clients:{count}\\r"))
    };
    until("nothing waits", || blocked(&mut ben, 0));
    let mut ann = client(&server);
    ann.send(b"LATER x\r\n");
    let (deferred, _) = told.recv().unwrap();
    until("it waits", || blocked(&mut ben, 1));
    server.stop().unwrap();
    assert_eq!(ann.frame(), None);
    deferred.reply(|_| panic!("nothing waits for it"));
}
