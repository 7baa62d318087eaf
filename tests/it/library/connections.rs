//! Connections as an embedder sees them: what it keeps with each, and when they come and go.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use respd::{Builder, Command, Commands, Running, Server, args};

use crate::socket::{Socket, until};

#[derive(Default)]
struct Counter(i64);

#[derive(Default)]
struct Words(Vec<String>);

/// What its connection has kept is told when it is dropped.
#[derive(Default)]
struct Alarm(Option<mpsc::Sender<&'static str>>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.iter().for_each(|tell| _ = tell.send("dropped"));
    }
}

/// COUNT, and REMEMBER word: how many words there are.
fn commands() -> Commands {
    let count = Command::new("count", |ctx, _| {
        let counter: &mut Counter = ctx.local();
        counter.0 += 1;
        let count = counter.0;
        ctx.reply().int(count);
        Ok(())
    });
    let remember = Command::new("remember", |ctx, args| {
        let words: &mut Words = ctx.local();
        words.0.push(String::from_utf8_lossy(&args[1]).into_owned());
        let len = words.0.len() as i64;
        ctx.reply().int(len);
        Ok(())
    });
    let leave = Command::new("leave", |ctx, _| {
        ctx.reply().status("bye");
        ctx.close();
        Ok(())
    });
    let panics = Command::new("panics", |_, _| panic!("on purpose"));
    Commands::new("own").add(count).add(remember).add(leave).add(panics)
}

fn client(server: &Running) -> Socket {
    Socket::tcp(server.addr().unwrap())
}

/// What `on_disconnect` was told: id, reason, and how far the client has counted.
type Told = (u64, String, Option<i64>);

fn telling(builder: Builder) -> (Running, Receiver<Told>) {
    let (tell, told) = mpsc::channel();
    let builder = builder.on_disconnect(move |gone| {
        let count = gone.local::<Counter>().map(|counter| counter.0);
        tell.send((gone.client().id(), gone.reason(), count)).unwrap();
    });
    (builder.any_port().commands(commands()).bind().unwrap().spawn(), told)
}

#[test]
fn each_connection_has_its_own_of_each_type() {
    let server = Server::builder().any_port().commands(commands()).bind().unwrap().spawn();
    let (mut ann, mut ben) = (client(&server), client(&server));
    assert_eq!(ann.call(["COUNT"]), "(integer) 1");
    assert_eq!(ann.call(["REMEMBER", "x"]), "(integer) 1");
    assert_eq!(ann.call(["COUNT"]), "(integer) 2");
    assert_eq!(ben.call(["COUNT"]), "(integer) 1");
    assert_eq!(ann.call(["RESET"]), "RESET");
    assert_eq!(ann.call(["COUNT"]), "(integer) 3");
    assert_eq!(ann.call(["REMEMBER", "y"]), "(integer) 2");
}

#[test]
fn what_is_kept_counts_as_memory_of_the_client_and_goes_with_it() {
    struct Large([u8; 100_000]);
    impl Default for Large {
        fn default() -> Large {
            Large([0; 100_000])
        }
    }
    let (tell, told) = mpsc::channel();
    let keep = Command::new("keep", move |ctx, _| {
        ctx.local::<Large>().0[7] += 1;
        ctx.local::<Alarm>().0 = Some(tell.clone());
        ctx.reply().ok();
        Ok(())
    });
    let own = Commands::new("own").add(keep);
    let server = Server::builder().any_port().commands(own).bind().unwrap().spawn();
    let (mut ann, mut ben) = (client(&server), client(&server));
    let memory = |ben: &mut Socket| {
        let line = ben.call(["CLIENT", "LIST", "ID", "1"]);
        let shown = line.split_once("tot-mem=").unwrap().1.split(' ').next().unwrap();
        shown.parse::<usize>().unwrap()
    };
    assert_eq!(ann.call(["PING"]), "PONG");
    let before = memory(&mut ben);
    assert_eq!(ann.call(["KEEP"]), "OK");
    let grown = memory(&mut ben) - before;
    assert!((100_000..101_000).contains(&grown), "{grown} bytes");
    assert!(told.try_recv().is_err());
    drop(ann);
    assert_eq!(told.recv(), Ok("dropped"));
}

#[test]
fn a_client_is_met_before_its_first_request() {
    let met = Arc::new(Mutex::new(Vec::new()));
    let seen = met.clone();
    let builder = Server::builder().option("requirepass", "sesame").unwrap();
    let builder = builder.on_connect(move |ctx| {
        let client = ctx.client();
        seen.lock().unwrap().push((client.id(), client.addr().is_some(), client.user().to_vec()));
        ctx.local::<Counter>().0 = 10;
        let refused = ctx.call(["GET", "k"]);
        let told = refused.as_error().unwrap_or_default().to_vec();
        ctx.push(|reply| {
            reply.push(2);
            reply.bulk(b"welcome");
            reply.bulk(&told);
        });
        ctx.call(args!["AUTH", "sesame"]);
        ctx.call(args!["SET", "met", ctx.client().id()]);
        // These are for no request.
        ctx.reply().ok();
        ctx.wait_for("event", None);
        drop(ctx.defer());
    });
    let server = builder.any_port().commands(commands()).bind().unwrap().spawn();
    let mut ann = client(&server);
    let welcome = String::from_utf8(ann.frame().expect("a push before any request")).unwrap();
    assert!(welcome.starts_with("*2\r\n$7\r\nwelcome\r\n$31\r\nNOAUTH"), "{welcome}");
    assert_eq!(ann.call(["COUNT"]), "(integer) 11");
    assert_eq!(ann.call(["GET", "met"]), "\"1\"");
    assert_eq!(*met.lock().unwrap(), [(1, true, b"default".to_vec())]);
}

#[test]
fn a_client_may_be_closed_as_soon_as_it_comes_or_after_a_reply() {
    let builder = Server::builder().on_connect(|ctx| {
        if ctx.client().id() == 1 {
            ctx.push(|reply| {
                reply.push(1);
                reply.bulk(b"no");
            });
            ctx.close();
        }
    });
    let (server, told) = telling(builder);
    let mut ann = client(&server);
    assert_eq!(ann.rest(), b"*1\r\n$2\r\nno\r\n");
    assert_eq!(told.recv(), Ok((1, "the program closes it".to_owned(), None)));
    let mut ben = client(&server);
    ben.send(b"COUNT\r\nLEAVE\r\nCOUNT\r\n");
    assert_eq!(ben.rest(), b":1\r\n+bye\r\n");
    assert_eq!(told.recv(), Ok((2, "the program closes it".to_owned(), Some(1))));
}

#[test]
fn each_client_is_seen_off_once_whatever_has_closed_it() {
    let (server, told) = telling(Server::builder().option("maxclients", "7").unwrap());
    let mut admin = client(&server);
    assert_eq!(admin.call(["PING"]), "PONG");
    let seen_off = |id: u64, reason: &str, count: Option<i64>| {
        assert_eq!(told.recv(), Ok((id, reason.to_owned(), count)));
    };
    drop(client(&server));
    seen_off(2, "closed by the peer", None);
    let mut quits = client(&server);
    assert_eq!(quits.call(["COUNT"]), "(integer) 1");
    assert_eq!(quits.call(["QUIT"]), "OK");
    seen_off(3, "QUIT", Some(1));
    let mut killed = client(&server);
    assert_eq!(killed.call(["COUNT"]), "(integer) 1");
    assert_eq!(admin.call(["CLIENT", "KILL", "ID", "4"]), "(integer) 1");
    assert_eq!(killed.frame(), None);
    seen_off(4, "CLIENT KILL", Some(1));
    let mut fails = client(&server);
    fails.send(b"PANICS\r\n");
    assert!(String::from_utf8(fails.rest()).unwrap().starts_with("-ERR internal error"));
    seen_off(5, "its command failed", None);
    let mut broken = client(&server);
    broken.send(b"*x\r\n");
    assert!(String::from_utf8(broken.rest()).unwrap().starts_with("-ERR Protocol error"));
    seen_off(6, "protocol error", None);
    let limit = "client-output-buffer-limit";
    assert_eq!(admin.call(["CONFIG", "SET", limit, "normal 20000 0 0"]), "OK");
    let mut greedy = client(&server);
    greedy.send(b"COUNT\r\nCOMMAND DOCS\r\n");
    greedy.rest();
    let reason = "over the output buffer limit (client-output-buffer-limit)";
    seen_off(7, reason, Some(1));
    // One that finds no place was never there.
    let mut others: Vec<Socket> = (0..6).map(|_| client(&server)).collect();
    others.iter_mut().for_each(|other| assert_eq!(other.call(["PING"]), "PONG"));
    assert!(String::from_utf8(client(&server).rest()).unwrap().starts_with("-ERR max number"));
    assert!(told.try_recv().is_err());
    server.stop().unwrap();
    let mut left: Vec<Told> = told.iter().collect();
    left.sort();
    let ids: Vec<u64> = left.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, [1, 8, 9, 10, 11, 12, 13]);
    assert!(left.iter().all(|(_, reason, _)| reason == "the server leaves"), "{left:?}");
}

/// It leaves replies unread, so that the server goes before it does.
#[test]
fn a_client_that_does_not_read_is_seen_off_when_the_server_has_left() {
    let (server, told) = telling(Server::builder());
    let mut ann = client(&server);
    ann.send(b"COUNT\r\n");
    ann.send(&b"COMMAND DOCS\r\n".repeat(300));
    ann.take(4);
    let mut ben = client(&server);
    until("more waits for it than a socket takes", || {
        let line = ben.call(["CLIENT", "LIST", "ID", "1"]);
        let waiting = line.split_once("omem=").unwrap().1.split(' ').next().unwrap();
        waiting.parse::<usize>().unwrap() > 16 << 20
    });
    ben.call(["QUIT"]);
    assert_eq!(told.recv().map(|(id, ..)| id), Ok(2));
    server.stop().unwrap();
    let (id, _, count) = told.recv().unwrap();
    assert_eq!((id, count), (1, Some(1)));
    assert!(told.recv().is_err(), "once");
}

#[test]
fn a_panic_when_clients_come_or_go_costs_no_other_anything() {
    let builder = Server::builder().option("maxclients", "100").unwrap();
    let builder = builder
        .on_connect(|ctx| assert_ne!(ctx.client().id(), 2, "on purpose"))
        .on_disconnect(|gone| assert_ne!(gone.client().id(), 3, "on purpose"));
    let server = builder.any_port().bind().unwrap().spawn();
    let mut ann = client(&server);
    assert_eq!(client(&server).frame(), None);
    let mut third = client(&server);
    assert_eq!(third.call(["QUIT"]), "OK");
    assert_eq!(third.frame(), None);
    assert_eq!(ann.call(["PING"]), "PONG");
    assert_eq!(client(&server).call(["PING"]), "PONG");
}
