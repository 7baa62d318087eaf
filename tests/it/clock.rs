//! Told time on real sockets: a test stops the clock of a server and advances it.

use std::time::Duration;

use respd::Args;
use respd::internals::config::Config;
use respd::internals::dispatch::Ctx;
use respd::internals::dispatch::spec::Spec;
use respd::internals::dispatch::spec::flag::NONE;
use respd::internals::embed::local::request;
use respd::internals::error::{self, Error};
use respd::{Commands, ManualClock, Running, Server};

use crate::process::Folder;
use crate::socket::{Socket, until};

const SECOND: Duration = Duration::from_secs(1);

/// A server whose clock stands still.
fn frozen(config: Config) -> (ManualClock, Running) {
    let clock = ManualClock::new();
    clock.freeze();
    let server = Server::builder().config(config).any_port().clock(clock.clone()).bind().unwrap();
    (clock, server.spawn())
}

fn connect(server: &Running) -> Socket {
    Socket::tcp(server.addr().unwrap())
}

/// Returns when so many clients of the server are blocked.
fn wait_until_blocked(other: &mut Socket, count: usize) {
    let line = format!("blocked_clients:{count}\\r\\n");
    until(&line, || other.call(["INFO", "clients"]).contains(&line));
}

/// Returns the milliseconds on a server's clock, by TIME.
fn millis(client: &mut Socket) -> u64 {
    let shown = client.call(["TIME"]);
    let words: Vec<u64> = shown.split('"').filter_map(|word| word.parse().ok()).collect();
    words[0] * 1000 + words[1] / 1000
}

#[test]
fn while_the_clock_is_frozen_nothing_times_out() {
    let (clock, server) = frozen(Config { timeout: 1, ..Config::default() });
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    let start = millis(&mut ann);
    assert_eq!(ann.call(["SET", "k", "v", "PX", "1"]), "OK");
    ben.send(&request(["BLPOP", "list", "0.001"]));
    wait_until_blocked(&mut ann, 1);
    // This takes far more than a millisecond of the machine's time, and none of the server's.
    (0..1000).for_each(|_| assert_eq!(ann.call(["PING"]), "PONG"));
    assert_eq!((ann.call(["PTTL", "k"]), millis(&mut ann)), ("(integer) 1".to_owned(), start));
    wait_until_blocked(&mut ann, 1);
    assert_eq!(clock.time(), clock.time());
}

#[test]
fn keys_expire_when_their_time_is_told() {
    let (clock, server) = frozen(Config::default());
    let mut client = connect(&server);
    assert_eq!(client.call(["SET", "k", "v", "EX", "60"]), "OK");
    clock.advance(60 * SECOND - Duration::from_millis(1));
    assert_eq!(client.call(["DBSIZE"]), "(integer) 1");
    clock.advance(Duration::from_millis(1));
    // DBSIZE looks at no key: it is gone by itself.
    assert_eq!(client.call(["DBSIZE"]), "(integer) 0");
    client.call(["SET", "k", "v", "EXAT", "4000000000"]);
    clock.set(Duration::from_secs(4_000_000_000));
    assert_eq!(client.call(["DBSIZE"]), "(integer) 0");
    assert_eq!(millis(&mut client), 4_000_000_000_000);
}

#[test]
fn a_blocked_command_times_out_when_its_time_is_told() {
    let (clock, server) = frozen(Config::default());
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    ben.send(&request(["BLPOP", "list", "3600"]));
    wait_until_blocked(&mut ann, 1);
    clock.advance(3599 * SECOND);
    wait_until_blocked(&mut ann, 1);
    clock.advance(SECOND);
    assert!(ann.call(["INFO", "clients"]).contains("blocked_clients:0\\r\\n"));
    assert_eq!(ben.frame().as_deref(), Some(&b"*-1\r\n"[..]));
}

/// Not even the connection has been accepted when the clock is told to go on. A unix socket has what was sent to
/// it at once; over TCP the kernel may take a moment.
#[test]
fn what_has_arrived_before_the_clock_is_advanced_comes_first() {
    let folder = Folder::new();
    let path = folder.file("respd.sock");
    let config = Config { unixsocket: Some(path.clone()), ..Config::default() };
    let (clock, _server) = frozen(config);
    for _ in 0..200 {
        let mut client = Socket::unix(&path);
        client.send(&request(["BLPOP", "list", "1"]));
        clock.advance(SECOND);
        assert_eq!(client.frame().as_deref(), Some(&b"*-1\r\n"[..]));
    }
}

#[test]
fn an_idle_client_is_closed_when_its_time_is_told() {
    let (clock, server) = frozen(Config { timeout: 100, ..Config::default() });
    let (mut idle, mut busy) = (connect(&server), connect(&server));
    assert_eq!(idle.call(["PING"]), "PONG");
    for _ in 0..3 {
        assert_eq!(busy.call(["PING"]), "PONG");
        clock.advance(50 * SECOND);
    }
    assert_eq!(idle.rest(), b"");
    assert!(busy.call(["INFO", "clients"]).contains("connected_clients:1\\r\\n"));
}

#[test]
fn a_pause_ends_when_its_time_is_told_and_what_it_held_back_happens_then() {
    let (clock, server) = frozen(Config::default());
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    assert_eq!(ann.call(["CLIENT", "PAUSE", "10000", "WRITE"]), "OK");
    ben.send(&request(["SET", "k", "v", "EX", "5"]));
    wait_until_blocked(&mut ann, 1);
    clock.advance(14 * SECOND);
    assert_eq!(ben.frame().as_deref(), Some(&b"+OK\r\n"[..]));
    // The command ran at the end of the pause, and not at the end of all that was told.
    assert_eq!(ann.call(["PTTL", "k"]), "(integer) 1000");
    clock.advance(SECOND);
    assert_eq!(ann.call(["DBSIZE"]), "(integer) 0");
}

/// Far more keys than one turn removes.
#[test]
fn all_that_falls_due_has_happened_when_the_clock_has_been_advanced() {
    const KEYS: usize = 20_000;
    let (clock, server) = frozen(Config::default());
    let mut client = connect(&server);
    let set = |n| request(["SET", &format!("key:{n}"), "v", "EX", "1"]);
    client.send(&(0..KEYS).flat_map(set).collect::<Vec<u8>>());
    assert_eq!(client.take(b"+OK\r\n".len() * KEYS).len(), b"+OK\r\n".len() * KEYS);
    clock.advance(SECOND);
    assert_eq!(server.handle().with_world(|world| world.store.db(0).len()), Ok(0));
}

#[test]
fn a_clock_that_runs_goes_on_from_where_it_was() {
    let (clock, server) = frozen(Config::default());
    let (mut ann, mut ben) = (connect(&server), connect(&server));
    let start = millis(&mut ann);
    ben.send(&request(["BLPOP", "list", "0.01"]));
    wait_until_blocked(&mut ann, 1);
    clock.advance(Duration::from_millis(9));
    clock.run();
    assert_eq!(ben.frame().as_deref(), Some(&b"*-1\r\n"[..]));
    assert!(millis(&mut ann) >= start + 10);
    // One that runs is advanced all the same.
    clock.advance(3600 * SECOND);
    assert!(millis(&mut ann) >= start + 3_600_010);
    clock.freeze();
    assert_eq!(millis(&mut ann), millis(&mut ann));
}

/// ADVANCE seconds
fn advance(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let clock = ctx.state::<ManualClock>().ok_or(error::INTERNAL)?;
    clock.advance(Duration::from_secs(args.get(1).map_or(0, |word| word.len() as u64)));
    ctx.reply.ok();
    Ok(())
}

#[test]
fn a_command_that_advances_the_clock_does_not_wait_for_itself() {
    const OWN: &[Spec] = &[Spec::new("advance", 2, NONE, advance)];
    let clock = ManualClock::new();
    clock.freeze();
    let builder = Server::builder().any_port().clock(clock.clone());
    let own = Commands::of_table("own", OWN).state(clock.clone());
    let server = builder.commands(own).bind().unwrap().spawn();
    let mut client = connect(&server);
    let start = millis(&mut client);
    assert_eq!(client.call(["ADVANCE", "xxx"]), "OK");
    clock.advance(Duration::ZERO);
    assert_eq!(millis(&mut client), start + 3000);
}

#[test]
fn a_clock_is_one_servers_at_a_time_and_works_without_any() {
    let (clock, server) = frozen(Config::default());
    let second = Server::builder().any_port().clock(clock.clone()).bind();
    assert!(second.is_err_and(|error| error.to_string().contains("another server's")));
    let start = clock.time();
    clock.advance(SECOND);
    server.stop().unwrap();
    clock.advance(SECOND);
    assert_eq!(clock.time(), start + 2 * SECOND);
    // A server that cannot be bound leaves the clock as it was.
    let nowhere = Config { bind: Vec::new(), ..Config::default() };
    assert!(Server::builder().config(nowhere).clock(clock.clone()).bind().is_err());
    let server = Server::builder().any_port().clock(clock.clone()).bind().unwrap();
    clock.advance(SECOND);
    let server = server.spawn();
    assert_eq!(millis(&mut connect(&server)), (start + 3 * SECOND).as_millis() as u64);
}

/// A server that leaves gives a client that does not read three seconds, by the clock of the machine: a frozen one
/// would keep it for ever.
#[test]
fn a_server_leaves_while_its_clock_is_frozen() {
    let (clock, server) = frozen(Config::default());
    let (mut client, mut other) = (connect(&server), connect(&server));
    for _ in 0..200 {
        client.send(&request([&b"ECHO"[..], &vec![b'x'; 100_000]]));
    }
    client.send(&request(["SET", "all", "run"]));
    until("all have run", || other.call(["EXISTS", "all"]) == "(integer) 1");
    server.stop().unwrap();
    clock.advance(SECOND);
    assert_eq!(other.rest(), b"");
}

#[test]
fn the_end_of_time_is_no_end_of_the_server() {
    for is_set in [true, false] {
        let (clock, server) = frozen(Config::default());
        match is_set {
            true => clock.set(Duration::MAX),
            false => (0..3).for_each(|_| clock.advance(Duration::MAX)),
        }
        clock.run();
        let mut client = connect(&server);
        assert_eq!(client.call(["SET", "k", "v", "EX", "5"]), "OK");
        assert_eq!(client.call(["CONFIG", "SET", "timeout", "9"]), "OK");
        assert_eq!(client.call(["PING"]), "PONG");
        assert!(server.stop().is_ok());
    }
}
