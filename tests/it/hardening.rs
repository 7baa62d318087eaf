//! What the server does about those who mean it no good, without being asked to. Time is told to the
//! engine, and addresses are made up.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::dispatch::Table;
use respd::internals::dispatch::spec::{category, flag};
use respd::internals::embed::groups;
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::peer::{Address, Kind, Peer};

use crate::process::Respd;
use crate::socket::Socket;

use crate::client::{call, received, send};

const WRONGPASS: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
const NOAUTH: &str = "-NOAUTH Authentication required.\r\n";
const ELSEWHERE: &str = "192.0.2.1";
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn configured(options: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (name, value) in options {
        config.apply_option(name, value).expect(name);
    }
    config
}

/// A server on which one has to log in.
fn locked(options: &[(&str, &str)]) -> Local {
    Local::new(configured(&[&[("requirepass", "sesame")], options].concat()))
}

/// Somebody at an address.
fn at(ip: &str) -> Peer {
    let ip: IpAddr = ip.parse().expect("an address");
    Peer { kind: Kind::Tcp, addr: Address::Tcp(SocketAddr::new(ip, 50_000)), ..Peer::local() }
}

fn through(kind: Kind) -> Peer {
    Peer { kind, ..Peer::local() }
}

fn connect(local: &mut Local, peer: Peer) -> Connection {
    local.try_connect(peer).expect("room")
}

/// Ends the turn, and looks which of them the server has closed.
#[track_caller]
fn assert_open(local: &mut Local, clients: &[(Connection, bool)]) {
    local.advance(Duration::ZERO);
    for (number, &(client, is_open)) in clients.iter().enumerate() {
        assert_eq!(local.is_open(client), is_open, "client {number} of {clients:?}");
    }
}

/// What a newcomer is told who may not stay.
fn refusal(local: &mut Local, peer: Peer) -> String {
    String::from_utf8(local.try_connect(peer).expect_err("a refusal")).expect("plain text")
}

/// Lets time pass until the server wakes by itself, and tells how much that was.
fn sleep(local: &mut Local) -> Duration {
    let due = local.engine.next_deadline().expect("something to wake for");
    let time = Duration::from_micros(due - local.engine.world.now.mono);
    local.advance(time);
    time
}

// Protected mode.

#[test]
fn without_a_password_only_this_machine_is_served() {
    let mut local = Local::new(Config::default());
    let unix = Address::Unix("/run/respd.sock".into());
    let near = [
        at("127.0.0.1"),
        at("127.9.9.9"),
        at("::1"),
        at("::ffff:127.0.0.1"),
        Peer { kind: Kind::Unix, addr: unix, ..Peer::local() },
        Peer::local(),
    ];
    for peer in near {
        let client = connect(&mut local, peer);
        assert_eq!(call(&mut local, client, "PING"), "+PONG\r\n");
    }
    for peer in [at(ELSEWHERE), at("2001:db8::1"), Peer { kind: Kind::Admin, ..at(ELSEWHERE) }] {
        let told = refusal(&mut local, peer);
        assert!(told.starts_with("-DENIED ") && told.ends_with("\r\n"), "{told}");
        assert!(told.contains("requirepass") && told.contains("protected-mode no"), "{told}");
    }
    assert_eq!(local.engine.world.stats.connections_rejected, 3);
}

#[test]
fn a_password_or_the_operators_word_opens_the_server() {
    let mut local = locked(&[]);
    let client = connect(&mut local, at(ELSEWHERE));
    assert_eq!(call(&mut local, client, "PING"), NOAUTH);

    let mut local = Local::new(configured(&[("protected-mode", "no")]));
    let client = connect(&mut local, at(ELSEWHERE));
    assert_eq!(call(&mut local, client, "PING"), "+PONG\r\n");

    let mut local = Local::new(Config::default());
    let operator = local.connect();
    for (words, is_welcome) in [
        ("ACL SETUSER default off", true),
        ("ACL SETUSER default on", false),
        ("CONFIG SET requirepass sesame", true),
        ("CONFIG SET requirepass \"\"", true),
        ("ACL SETUSER default nopass", false),
        ("CONFIG SET protected-mode no", true),
    ] {
        assert_eq!(call(&mut local, operator, words), "+OK\r\n", "{words}");
        assert_eq!(local.try_connect(at(ELSEWHERE)).is_ok(), is_welcome, "{words}");
    }
}

// Strangers.

#[test]
fn strangers_send_small_requests() {
    let mut local = locked(&[]);
    for (request, reply) in [
        ("*10\r\n", ""),
        ("*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"),
        ("*1\r\n$16384\r\n", ""),
        ("*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
    ] {
        let client = local.connect();
        local.send(client, request.as_bytes());
        assert_eq!(received(&mut local, client), reply, "{request}");
        assert_eq!(local.is_open(client), reply.is_empty(), "{request}");
        let client = local.connect();
        assert_eq!(call(&mut local, client, "AUTH sesame"), "+OK\r\n");
        local.send(client, request.as_bytes());
        assert_eq!(received(&mut local, client), "", "{request}");
    }
}

#[test]
fn what_a_stranger_has_sent_in_vain_is_bounded() {
    for (login, is_open) in [("AUTH guess", false), ("AUTH sesame", true)] {
        let mut local = locked(&[]);
        let client = connect(&mut local, at(ELSEWHERE));
        if is_open {
            assert_eq!(call(&mut local, client, login), "+OK\r\n");
            local.send(client, b"*1\r\n$9999999\r\n");
        } else {
            send(&mut local, client, login);
        }
        for _ in 0..16 {
            assert!(local.is_open(client));
            local.send(client, &[b'x'; 64 * 1024]);
            local.advance(Duration::ZERO);
        }
        local.send(client, b"x");
        local.advance(Duration::ZERO);
        assert_eq!(local.is_open(client), is_open, "more than 1 MiB after {login}");
    }
}

#[test]
fn what_waits_for_a_stranger_to_read_is_bounded() {
    let mut local = locked(&[]);
    let [silent, reader] = [(); 2].map(|()| local.connect());
    let pings = request(["PING"]).repeat(10_000);
    local.send(silent, &pings);
    local.send(reader, &pings);
    let waiting: Vec<usize> =
        local.engine.world.clients.iter().map(|client| client.outbox.unsent().len()).collect();
    assert!(waiting.iter().all(|&bytes| bytes < 65 * 1024), "{waiting:?}");
    assert_eq!(received(&mut local, reader), NOAUTH.repeat(10_000));
    local.advance(Duration::ZERO);
    assert!(
        !local.is_open(silent),
        "it was sent as much as it may leave unread, and asked for more"
    );
    assert!(local.is_open(reader));
}

#[test]
fn who_does_not_log_in_in_time_is_closed() {
    let mut local = locked(&[]);
    let [silent, busy, member] = [(); 3].map(|()| local.connect());
    assert_eq!(call(&mut local, member, "AUTH sesame"), "+OK\r\n");
    local.advance(59 * SECOND);
    let late = local.connect();
    assert_eq!(call(&mut local, busy, "RESET"), "+RESET\r\n");
    assert_eq!(call(&mut local, busy, "PING"), NOAUTH);
    assert_eq!(sleep(&mut local), SECOND);
    assert_eq!(
        [silent, busy, member, late].map(|client| local.is_open(client)),
        [false, false, true, true]
    );
    assert_eq!(sleep(&mut local), 59 * SECOND);
    assert!(!local.is_open(late));
    assert_eq!(local.engine.next_deadline(), None, "nobody is left to be watched");
    assert_eq!(call(&mut local, member, "PING"), "+PONG\r\n");
}

#[test]
fn who_does_not_log_in_on_the_administration_port_is_closed_as_well() {
    let mut local = locked(&[]);
    let operator = connect(&mut local, through(Kind::Admin));
    assert_eq!(sleep(&mut local), 60 * SECOND);
    assert!(!local.is_open(operator));
}

#[test]
fn after_reset_a_client_is_a_stranger_again() {
    let mut local = locked(&[("auth-timeout", "5")]);
    let client = local.connect();
    local.advance(SECOND);
    assert_eq!(call(&mut local, client, "AUTH sesame"), "+OK\r\n");
    local.advance(100 * SECOND);
    assert_eq!(call(&mut local, client, "RESET"), "+RESET\r\n");
    assert_eq!(sleep(&mut local), 5 * SECOND);
    assert!(!local.is_open(client));
}

#[test]
fn time_to_log_in_is_limited_where_one_has_to() {
    let mut local = locked(&[("auth-timeout", "0")]);
    let client = local.connect();
    assert_eq!(local.engine.next_deadline(), None);
    local.advance(100_000 * SECOND);
    let operator = local.connect();
    assert_eq!(call(&mut local, operator, "AUTH sesame"), "+OK\r\n");
    assert!(local.is_open(client));
    call(&mut local, operator, "CONFIG SET auth-timeout 60 requirepass \"\"");
    call(&mut local, operator, "ACL SETUSER default nopass");
    assert_eq!(local.engine.next_deadline(), None);
    local.advance(SECOND);
    assert_eq!(call(&mut local, client, "PING"), "+PONG\r\n");
}

#[test]
fn strangers_get_a_quarter_of_the_places_and_keep_nobody_out() {
    let mut local = locked(&[("maxclients", "8")]);
    let tcp = || through(Kind::Tcp);
    let [first, second] = [(); 2].map(|()| connect(&mut local, tcp()));
    let third = connect(&mut local, tcp());
    assert_open(&mut local, &[(first, false), (second, true), (third, true)]);
    for _ in 0..100 {
        let silent = connect(&mut local, tcp());
        local.advance(MILLISECOND);
        assert!(local.is_open(silent));
    }
    let member = connect(&mut local, tcp());
    assert_eq!(call(&mut local, member, "AUTH sesame"), "+OK\r\n");
    let strangers = [(); 3].map(|()| connect(&mut local, tcp()));
    assert_open(&mut local, &[(member, true), (strangers[0], false), (strangers[2], true)]);
    assert_eq!(call(&mut local, member, "CONFIG SET maxclients-unauthenticated 4"), "+OK\r\n");
    let more = [(); 2].map(|()| connect(&mut local, tcp()));
    assert_open(&mut local, &[(strangers[1], true), (strangers[2], true), (more[0], true)]);
    assert_eq!(call(&mut local, member, "RESET"), "+RESET\r\n");
    assert_open(&mut local, &[(member, true), (strangers[1], true)]);
    assert_eq!(local.engine.world.stats.connections_rejected, 0);
}

#[test]
fn the_last_place_is_not_for_a_stranger_who_stays_one() {
    let mut local = locked(&[("maxclients", "4"), ("maxclients-unauthenticated", "3")]);
    let enter = |local: &mut Local| {
        let client = connect(local, through(Kind::Tcp));
        assert_eq!(call(local, client, "AUTH sesame"), "+OK\r\n");
        client
    };
    let silent = [(); 2].map(|()| connect(&mut local, through(Kind::Tcp)));
    let members = [(); 4].map(|()| enter(&mut local));
    assert_open(&mut local, &[(silent[0], false), (silent[1], false), (members[0], true)]);
    assert_eq!(refusal(&mut local, through(Kind::Tcp)), "-ERR max number of clients reached\r\n");
    assert_eq!(call(&mut local, members[3], "RESET"), "+RESET\r\n");
    assert_eq!(call(&mut local, members[0], "CONFIG SET maxclients 2"), "+OK\r\n");
    refusal(&mut local, through(Kind::Tcp));
    assert!(local.is_open(members[3]), "its place would be of no use");
}

#[test]
fn strangers_on_the_administration_port_make_room_for_operators() {
    let mut local = locked(&[("maxclients", "4")]);
    let ordinary = connect(&mut local, through(Kind::Unix));
    let operator = connect(&mut local, through(Kind::Admin));
    assert_eq!(call(&mut local, operator, "AUTH sesame"), "+OK\r\n");
    let silent = [(); 20].map(|()| connect(&mut local, through(Kind::Admin)));
    assert_open(&mut local, &[(ordinary, true), (operator, true)]);
    assert_open(&mut local, &[(silent[11], false), (silent[12], true), (silent[19], true)]);
    let late = connect(&mut local, through(Kind::Admin));
    assert_eq!(call(&mut local, late, "AUTH sesame"), "+OK\r\n");
}

#[test]
fn the_unix_socket_takes_no_place_of_operators() {
    let mut local = Local::new(configured(&[("maxclients", "2")]));
    let [_first, _second] = [(); 2].map(|()| connect(&mut local, through(Kind::Unix)));
    refusal(&mut local, through(Kind::Unix));
    refusal(&mut local, through(Kind::Tcp));
    let _operators = [(); 16].map(|()| connect(&mut local, through(Kind::Admin)));
    refusal(&mut local, through(Kind::Admin));
}

#[test]
fn a_failed_login_does_not_hold_a_place() {
    let mut local = locked(&[("maxclients", "4")]);
    let guesser = connect(&mut local, at(ELSEWHERE));
    send(&mut local, guesser, "AUTH guess");
    let honest = connect(&mut local, at("192.0.2.2"));
    assert_eq!(call(&mut local, honest, "AUTH sesame"), "+OK\r\n");
    assert!(!local.is_open(guesser));
    local.advance(SECOND);
    assert_eq!(local.engine.world.waiters.len(), 0);
}

#[test]
fn there_are_no_strangers_without_a_password() {
    let mut local = Local::new(configured(&[("maxclients", "4")]));
    let clients = [(); 4].map(|()| connect(&mut local, through(Kind::Tcp)));
    assert_eq!(refusal(&mut local, through(Kind::Tcp)), "-ERR max number of clients reached\r\n");
    local.advance(100 * SECOND);
    assert!(clients.iter().all(|&client| local.is_open(client)));
}

// Failed logins.

#[test]
fn the_answer_to_a_failed_login_is_put_off() {
    let mut local = locked(&[]);
    let client = connect(&mut local, at(ELSEWHERE));
    for millis in [25, 50, 100, 200, 400, 800, 1000, 1000] {
        assert_eq!(call(&mut local, client, "AUTH guess"), "");
        let other = connect(&mut local, at(ELSEWHERE));
        assert_eq!(call(&mut local, other, "PING"), NOAUTH, "nobody else waits");
        local.finish(other);
        received(&mut local, other);
        local.advance(Duration::from_millis(millis) - MILLISECOND);
        assert_eq!(received(&mut local, client), "");
        assert_eq!(sleep(&mut local), MILLISECOND);
        assert_eq!(received(&mut local, client), WRONGPASS);
    }
    let other = connect(&mut local, at("192.0.2.2"));
    send(&mut local, other, "HELLO 3 AUTH nobody guess");
    assert_eq!(sleep(&mut local), 25 * MILLISECOND, "each address has its own delay");
    assert_eq!(received(&mut local, other), WRONGPASS);
    assert_eq!(call(&mut local, other, "AUTH sesame"), "+OK\r\n");
    send(&mut local, other, "AUTH guess");
    assert_eq!(sleep(&mut local), 25 * MILLISECOND, "forgotten after success");
}

/// What each of them has been answered by now.
fn answered(local: &mut Local, clients: &[Connection], answer: &str) -> usize {
    clients.iter().filter(|&&client| received(local, client) == answer).count()
}

#[test]
fn answers_of_an_address_come_one_after_the_other() {
    let mut local = locked(&[]);
    let clients: Vec<_> = (0..40).map(|_| connect(&mut local, at(ELSEWHERE))).collect();
    for &client in &clients {
        send(&mut local, client, "AUTH guess");
    }
    let mut delays = Vec::new();
    for _ in 0..8 {
        delays.push(sleep(&mut local).as_millis());
        assert_eq!(answered(&mut local, &clients, WRONGPASS), 1, "after {delays:?}");
    }
    assert_eq!(delays, [25, 50, 100, 200, 400, 800, 1000, 1000]);
    local.advance(20 * SECOND);
    assert_eq!(answered(&mut local, &clients, WRONGPASS), 20);
}

#[test]
fn a_right_password_waits_with_the_wrong_ones_for_a_second_at_most() {
    let mut local = locked(&[]);
    let guessers: Vec<_> = (0..40).map(|_| connect(&mut local, at(ELSEWHERE))).collect();
    let [alone, behind, elsewhere] =
        [ELSEWHERE, ELSEWHERE, "192.0.2.2"].map(|ip| connect(&mut local, at(ip)));
    send(&mut local, guessers[0], "AUTH guess");
    send(&mut local, alone, "HELLO 3 AUTH default sesame");
    assert_eq!(received(&mut local, alone), "");
    assert_eq!(sleep(&mut local), 25 * MILLISECOND, "it comes with the answer to the guess");
    assert!(received(&mut local, alone).starts_with("%7\r\n"));
    assert_eq!(received(&mut local, guessers[0]), WRONGPASS);
    for &client in &guessers[1..] {
        send(&mut local, client, "AUTH guess");
    }
    let pipeline = [request(["AUTH", "sesame"]), request(["PING"])].concat();
    local.send(behind, &pipeline);
    local.finish(behind);
    assert_eq!(call(&mut local, elsewhere, "AUTH sesame"), "+OK\r\n");
    local.advance(SECOND - MILLISECOND);
    assert_eq!(received(&mut local, behind), "");
    local.advance(MILLISECOND);
    assert_eq!(received(&mut local, behind), "+OK\r\n+PONG\r\n");
    assert!(!local.is_open(behind));
}

#[test]
fn an_address_gets_no_more_guesses_by_hanging_up() {
    let mut local = locked(&[]);
    let operator = local.connect();
    call(&mut local, operator, "AUTH sesame");
    let refused = "-ERR too many failed logins from this address: this one was not tried, try again later\r\n";
    for tick in 0..1000 {
        let guessers: Vec<_> = (0..5).map(|_| connect(&mut local, at(ELSEWHERE))).collect();
        for &client in &guessers {
            send(&mut local, client, "AUTH guess");
            let answer = received(&mut local, client);
            assert!(answer.is_empty() || answer == refused, "{tick}: {answer}");
        }
        local.advance(60 * MILLISECOND);
        let slots: Vec<_> = local.engine.world.clients.slots().skip(1).collect();
        slots.into_iter().for_each(|slot| local.engine.hang_up(slot));
        local.advance(Duration::ZERO);
        assert!(guessers.iter().all(|&client| !local.is_open(client)));
    }
    let tried = call(&mut local, operator, "INFO stats");
    let tried = tried.lines().find_map(|line| line.strip_prefix("acl_access_denied_auth:"));
    assert_eq!(tried, Some("125"), "65 at first, and then one a second");
    let honest = connect(&mut local, at(ELSEWHERE));
    assert_eq!(call(&mut local, honest, "AUTH sesame"), refused, "it is not looked at either");
    local.advance(2 * SECOND);
    send(&mut local, honest, "AUTH sesame");
    local.advance(SECOND);
    assert_eq!(received(&mut local, honest), "+OK\r\n");
    let elsewhere = connect(&mut local, at("192.0.2.2"));
    assert_eq!(call(&mut local, elsewhere, "AUTH sesame"), "+OK\r\n");
}

#[test]
fn names_cannot_be_told_apart() {
    let mut local = locked(&[]);
    let operator = local.connect();
    call(&mut local, operator, "AUTH sesame");
    call(&mut local, operator, "ACL SETUSER ann on >pass");
    call(&mut local, operator, "ACL SETUSER bob off >pass");
    let tries = ["ann guess", "bob guess", "bob pass", "nobody pass", "default guess"];
    for (number, credentials) in tries.into_iter().enumerate() {
        let client = connect(&mut local, at(&format!("192.0.2.{number}")));
        send(&mut local, client, &format!("AUTH {credentials}"));
        assert_eq!(sleep(&mut local), 25 * MILLISECOND, "{credentials}");
        assert_eq!(received(&mut local, client), WRONGPASS, "{credentials}");
    }
}

#[test]
fn what_is_sent_behind_a_failed_login_waits() {
    let mut local = locked(&[]);
    let client = connect(&mut local, at(ELSEWHERE));
    let words = ["AUTH guess", "PING", "AUTH guess", "AUTH sesame", "PING"];
    let pipeline: Vec<u8> = words.iter().flat_map(|words| request(words.split(' '))).collect();
    local.send(client, &pipeline);
    assert_eq!(received(&mut local, client), "");
    local.advance(25 * MILLISECOND);
    local.advance(Duration::ZERO);
    assert_eq!(received(&mut local, client), [WRONGPASS, NOAUTH].concat());
    local.advance(50 * MILLISECOND);
    local.advance(Duration::ZERO);
    assert_eq!(received(&mut local, client), [WRONGPASS, "+OK\r\n+PONG\r\n"].concat());
}

#[test]
fn a_failed_login_is_counted_and_logged_once() {
    let mut local = locked(&[]);
    let operator = local.connect();
    call(&mut local, operator, "AUTH sesame");
    let client = connect(&mut local, at(ELSEWHERE));
    send(&mut local, client, "AUTH ann guess");
    local.advance(SECOND);
    assert_eq!(received(&mut local, client), WRONGPASS);
    let report = call(&mut local, operator, "INFO all");
    for line in ["errorstat_WRONGPASS:count=1\r\n", "acl_access_denied_auth:1\r\n"] {
        assert!(report.contains(line), "{line}: {report}");
    }
    let calls = report.lines().find(|line| line.starts_with("cmdstat_auth")).expect("calls");
    assert!(calls.contains("calls=2,") && calls.contains("failed_calls=1"), "{calls}");
    let log = call(&mut local, operator, "ACL LOG");
    assert!(log.contains("ann") && log.contains(ELSEWHERE) && !log.contains("guess"), "{log}");
}

#[test]
fn who_leaves_meanwhile_costs_nothing() {
    let mut local = locked(&[("auth-timeout", "0")]);
    let client = connect(&mut local, at(ELSEWHERE));
    send(&mut local, client, "AUTH guess");
    let slot = local.engine.world.clients.slots().next().expect("a client");
    local.engine.hang_up(slot);
    received(&mut local, client);
    assert!(!local.is_open(client));
    assert_eq!(local.engine.next_deadline(), None);
    assert_eq!(local.engine.world.waiters.len(), 0);
    assert_eq!(local.engine.world.clients.memory(), 0);
}

#[test]
fn who_sends_nothing_more_is_still_told() {
    let mut local = locked(&[]);
    let client = connect(&mut local, at(ELSEWHERE));
    local.send(client, &[request(["AUTH", "guess"]), request(["PING"])].concat());
    local.finish(client);
    assert_eq!(received(&mut local, client), "");
    assert_eq!(sleep(&mut local), 25 * MILLISECOND);
    assert_eq!(received(&mut local, client), [WRONGPASS, NOAUTH].concat());
    assert!(!local.is_open(client));
    let client = connect(&mut local, at(ELSEWHERE));
    send(&mut local, client, "AUTH guess");
    local.finish(client);
    assert_eq!(sleep(&mut local), 50 * MILLISECOND);
    assert_eq!(received(&mut local, client), WRONGPASS);
    assert!(!local.is_open(client));
}

#[test]
fn nobody_guesses_faster_in_a_transaction() {
    let mut local = locked(&[]);
    let client = connect(&mut local, at(ELSEWHERE));
    let exec = |local: &mut Local, passwords: &[&str]| {
        call(local, client, "MULTI");
        for password in passwords {
            assert_eq!(call(local, client, &format!("AUTH default {password}")), "+QUEUED\r\n");
        }
        call(local, client, "EXEC")
    };
    assert_eq!(call(&mut local, client, "AUTH sesame"), "+OK\r\n");
    assert_eq!(exec(&mut local, &["sesame", "sesame"]), "*2\r\n+OK\r\n+OK\r\n");
    let failed = format!("*2\r\n{WRONGPASS}{WRONGPASS}");
    assert_eq!(exec(&mut local, &["guess", "sesame"]), failed, "the second was not looked at");
    local.advance(SECOND);
    let failed = format!("*2\r\n+OK\r\n{WRONGPASS}");
    assert_eq!(exec(&mut local, &["sesame", "guess"]), failed);
}

#[test]
fn an_operator_cannot_hurry_the_answer_to_a_failed_login() {
    let mut local = locked(&[]);
    let operator = local.connect();
    call(&mut local, operator, "AUTH sesame");
    let client = connect(&mut local, at(ELSEWHERE));
    send(&mut local, client, "AUTH guess");
    assert_eq!(call(&mut local, operator, "CLIENT UNBLOCK 2"), ":0\r\n");
    assert_eq!(received(&mut local, client), "");
}

#[test]
fn nothing_is_put_off_when_that_is_off_or_the_client_is_part_of_the_process() {
    let mut local = locked(&[("auth-failure-delay", "0")]);
    let client = connect(&mut local, at(ELSEWHERE));
    assert_eq!(call(&mut local, client, "AUTH guess"), WRONGPASS);
    let mut local = locked(&[]);
    let client = local.connect();
    for _ in 0..10 {
        assert_eq!(call(&mut local, client, "AUTH guess"), WRONGPASS);
    }
}

#[test]
fn a_delay_that_is_turned_off_holds_no_login_up() {
    let mut local = locked(&[]);
    let operator = local.connect();
    let [client, other] = [(); 2].map(|()| connect(&mut local, at(ELSEWHERE)));
    for connection in [operator, client] {
        assert_eq!(call(&mut local, connection, "AUTH sesame"), "+OK\r\n");
    }
    send(&mut local, other, "AUTH guess");
    for (delay, reply) in [("25", format!("*1\r\n{WRONGPASS}")), ("0", "*1\r\n+OK\r\n".to_owned())]
    {
        let words = format!("CONFIG SET auth-failure-delay {delay}");
        assert_eq!(call(&mut local, operator, &words), "+OK\r\n");
        call(&mut local, client, "MULTI");
        call(&mut local, client, "AUTH sesame");
        assert_eq!(call(&mut local, client, "EXEC"), reply, "{delay}");
    }
}

// The administration port.

#[test]
fn clients_of_the_administration_port_are_marked() {
    let mut local = Local::new(Config::default());
    let operator = connect(&mut local, through(Kind::Admin));
    let client = connect(&mut local, through(Kind::Tcp));
    let info = call(&mut local, operator, "CLIENT INFO");
    assert!(info.contains(" flags=a "), "{info}");
    assert!(!call(&mut local, client, "CLIENT INFO").contains(" flags=a "));
    let listed = call(&mut local, client, "CLIENT LIST FLAGS a");
    assert!(listed.contains("id=1 ") && !listed.contains("id=2 "), "{listed}");
}

#[test]
fn commands_for_operators_may_be_kept_from_the_port_for_clients() {
    let options = [("admin-port", "3320"), ("admin-commands-on-admin-port", "yes")];
    let mut local = Local::new(configured(&options));
    let peers = [Kind::Admin, Kind::Local, Kind::Tcp, Kind::Unix].map(through);
    let clients = peers.map(|peer| connect(&mut local, peer));
    for (words, is_for_operators) in [
        ("CONFIG GET port", true),
        ("INFO", true),
        ("KEYS *", true),
        ("CLIENT LIST", true),
        ("CLIENT ID", false),
        ("ACL WHOAMI", false),
        ("GET key", false),
        ("HELLO 2", false),
    ] {
        for (client, is_served) in clients.into_iter().zip([true, true, false, false]) {
            let reply = call(&mut local, client, words);
            let is_refused = reply.starts_with("-NOPERM ");
            assert_eq!(is_refused, is_for_operators && !is_served, "{words}: {reply}");
            assert!(!is_refused || reply.contains("3320"), "it says where to go: {reply}");
        }
    }
    let [_, _, client, _] = clients;
    assert_eq!(call(&mut local, client, "MULTI"), "+OK\r\n");
    assert!(call(&mut local, client, "FLUSHALL").starts_with("-NOPERM "));
    assert!(call(&mut local, client, "EXEC").starts_with("-EXECABORT "));
}

#[test]
fn what_is_for_operators_follows_from_the_categories() {
    let bits = category::ADMIN | category::DANGEROUS;
    for row in Table::new(groups()).rows() {
        let is_for_operators = row.spec.categories() & bits != 0;
        assert_eq!(row.has(flag::FOR_OPERATORS), is_for_operators, "{}", row.full_name);
    }
}

#[test]
fn rules_of_users_count_on_both_ports() {
    let options = [("admin-port", "3320"), ("admin-commands-on-admin-port", "yes")];
    let mut local = locked(&options);
    let operator = connect(&mut local, through(Kind::Admin));
    assert_eq!(call(&mut local, operator, "CONFIG GET port"), NOAUTH);
    call(&mut local, operator, "AUTH sesame");
    call(&mut local, operator, "ACL SETUSER ann on >pass +ping");
    for kind in [Kind::Admin, Kind::Tcp] {
        let client = connect(&mut local, through(kind));
        assert_eq!(call(&mut local, client, "AUTH ann pass"), "+OK\r\n");
        let refused = "-NOPERM User ann has no permissions to run the 'config|get' command\r\n";
        assert_eq!(call(&mut local, client, "CONFIG GET port"), refused);
    }
}

#[test]
fn operators_do_not_lock_themselves_out() {
    let mut local = Local::new(Config::default());
    let client = connect(&mut local, through(Kind::Tcp));
    for words in [
        "CONFIG SET admin-commands-on-admin-port yes",
        "CONFIG SET admin-port 3320 admin-commands-on-admin-port yes",
        "CONFIG SET admin-commands-on-admin-port no",
    ] {
        let reply = call(&mut local, client, words);
        assert_eq!(reply == "+OK\r\n", words.contains("3320"), "{words}: {reply}");
    }
    let operator = connect(&mut local, through(Kind::Admin));
    assert!(call(&mut local, operator, "CONFIG SET admin-port 0").starts_with("-ERR "));
    let config = configured(&[("admin-commands-on-admin-port", "yes")]);
    let refused = respd::Server::builder().config(config).any_port().bind().map(|_| ());
    assert!(refused.unwrap_err().to_string().contains("admin-port"));
}

#[test]
fn the_administration_port_has_addresses_of_its_own() {
    let flags = ["--port", "0", "--admin-port", "0", "--bind", "127.0.0.1", "-o"];
    for (bind, expected) in [("admin-bind=127.0.0.2", "127.0.0.2:"), ("hz=10", "127.0.0.1:")] {
        let respd = Respd::start(&[&flags[..], &[bind]].concat());
        let admin = respd.field("admin").expect("an administration port");
        assert!(admin.starts_with(expected), "{admin}");
        let mut operator = Socket::tcp(admin.parse().expect("an address"));
        assert!(operator.call(["CLIENT", "INFO"]).contains(" flags=a "));
        assert_eq!(operator.call(["CONFIG", "SET", "admin-bind", "127.0.0.3"]), "OK");
        let elsewhere = admin.replace(expected, "127.0.0.3:");
        let mut operator = Socket::tcp(elsewhere.parse().expect("an address"));
        assert_eq!(operator.call(["PING"]), "PONG");
    }
}
