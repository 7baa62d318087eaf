//! What other threads want of a running server: they write to its mailbox through a handle.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use respd::Args;
use respd::internals::dispatch::Ctx;
use respd::internals::dispatch::spec::Spec;
use respd::internals::dispatch::spec::flag::BLOCKING;
use respd::internals::embed::local::request;
use respd::internals::error::{self, Error};
use respd::internals::net::Undelivered;
use respd::internals::world::World;
use respd::{Commands, Handle, Server};

use crate::socket::{PATIENCE, Socket, until};

const OWN: &[Spec] =
    &[Spec::new("job", 1, BLOCKING, job), Spec::new("ask.itself", 1, BLOCKING, ask_itself)];

/// JOB: the next job, as soon as there is one.
fn job(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    match ctx.state::<Vec<String>>().and_then(Vec::pop) {
        Some(job) => ctx.reply.bulk(job.as_bytes()),
        None => {
            ctx.reply.null();
            ctx.wait_for("job", Some(Duration::from_secs(3600)));
        }
    }
    Ok(())
}

/// ASK.ITSELF: what a handle says in the server's own thread.
fn ask_itself(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let handle = ctx.state::<Option<Handle>>().cloned().flatten();
    let asked = handle.ok_or(error::INTERNAL)?.with_world(|world| world.clients.len());
    ctx.reply.bulk(format!("{asked:?}").as_bytes());
    Ok(())
}

#[test]
fn a_thread_hands_a_client_what_it_waits_for() {
    let own = Commands::of_table("own", OWN).state(Vec::<String>::new());
    let server = Server::builder().any_port().commands(own).bind().unwrap().spawn();
    let (mut client, handle) = (Socket::tcp(server.addr().unwrap()), server.handle());
    client.send(&request(["JOB"]));
    until("the job runs", || handle.with_world(|world| world.waiters.events()) != Ok(0));
    thread::spawn(move || {
        let push = |jobs: &mut Vec<String>| jobs.push("dig".to_owned());
        handle.with_world(move |world| world.state().map(push)).unwrap();
        handle.signal("job");
    });
    assert_eq!(client.frame().as_deref(), Some(&b"$3\r\ndig\r\n"[..]));
    assert_eq!(server.handle().with_world(|world| world.waiters.len()), Ok(0));
}

/// It is delivered in the same turn: the client sends nothing that would cause another.
#[test]
fn what_a_closure_changes_is_delivered() {
    let server = Server::builder().any_port().bind().unwrap().spawn();
    let mut client = Socket::tcp(server.addr().unwrap());
    client.call(["HELLO", "3"]);
    client.call(["CLIENT", "TRACKING", "ON"]);
    assert_eq!(client.call(["SET", "k", "v"]), "OK");
    assert_eq!(client.call(["GET", "k"]), "\"v\"");
    assert_eq!(server.handle().with_world(|world| world.store.db(0).delete(b"k")), Ok(true));
    let push = &b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"[..];
    assert_eq!(client.frame().as_deref(), Some(push));
}

/// Closures that are waited for, and between them signals that are not.
#[test]
fn letters_are_read_in_their_order_and_clients_are_served_between_them() {
    let numbers = Commands::new("numbers").state(Vec::<usize>::new());
    let server = Server::builder().any_port().commands(numbers).bind().unwrap().spawn();
    let (mut client, handle) = (Socket::tcp(server.addr().unwrap()), server.handle());
    let number = |world: &mut World| world.state::<Vec<usize>>().expect("numbers").len();
    let write = {
        let handle = handle.clone();
        thread::spawn(move || {
            for n in 0..10_000 {
                handle.signal("an event that no client waits for");
                let push = move |numbers: &mut Vec<usize>| numbers.push(n);
                handle.with_world(move |world| world.state().map(push)).unwrap();
            }
        })
    };
    while handle.with_world(number).unwrap() < 10_000 {
        assert_eq!(client.call(["PING"]), "PONG");
    }
    write.join().unwrap();
    let numbers = handle.with_world(|world| world.state::<Vec<usize>>().cloned()).unwrap();
    assert!(numbers.is_some_and(|numbers| numbers.is_sorted()));
}

#[test]
fn a_closure_that_panics_ends_nothing_but_itself() {
    let server = Server::builder().any_port().bind().unwrap().spawn();
    let mut client = Socket::tcp(server.addr().unwrap());
    let failed = server.handle().with_world(|_| panic!("on purpose"));
    assert_eq!(failed, Err::<(), _>(Undelivered::Ended));
    assert_eq!(client.call(["PING"]), "PONG");
    assert_eq!(server.handle().with_world(|world| world.clients.len()), Ok(1));
}

#[test]
fn the_servers_own_thread_cannot_wait_for_itself() {
    let own = Commands::of_table("own", OWN).state(None::<Handle>);
    let server = Server::builder().any_port().commands(own).bind().unwrap().spawn();
    let handle = server.handle();
    let own = handle.clone();
    handle.with_world(move |world| world.state().map(|kept| *kept = Some(own))).unwrap();
    let mut client = Socket::tcp(server.addr().unwrap());
    assert_eq!(client.call(["ASK.ITSELF"]), "\"Err(OwnThread)\"");
}

#[test]
fn what_is_sent_to_a_server_that_has_ended_is_no_hang() {
    let server = Server::builder().any_port().bind().unwrap();
    let handle = server.handle();
    // What was sent before it runs is read when it does.
    let (tell, told) = mpsc::channel();
    let early = handle.clone();
    thread::spawn(move || tell.send(early.with_world(|world| world.is_ready())));
    let running = server.spawn();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Ok(true)));
    handle.stop();
    running.stop().unwrap();
    handle.stop();
    handle.ready(false);
    handle.signal("event");
    assert_eq!(handle.with_world(|world| world.is_ready()), Err(Undelivered::Ended));
}

/// A server that was bound and never ran.
#[test]
fn what_is_sent_to_a_server_that_is_dropped_is_no_hang() {
    let server = Server::builder().any_port().bind().unwrap();
    let handle = server.handle();
    let waiting = thread::spawn({
        let handle = handle.clone();
        move || handle.with_world(|world| world.is_ready())
    });
    drop(server);
    assert_eq!(waiting.join().unwrap(), Err(Undelivered::Ended));
    handle.stop();
}
