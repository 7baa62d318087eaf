use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use respd_exercises::chapter_06::{Admitted, Refused, Request, World, admit, with_owners};

/// A request that no gate refuses.
const GOOD: Request = Request {
    is_authenticated: true,
    exists: true,
    has_arity: true,
    is_permitted: true,
    may_grow: true,
    in_transaction: false,
    is_unqueued: false,
};

/// Every request: a bit for each of its fields.
fn all() -> impl Iterator<Item = Request> {
    (0..128).map(|bits| {
        let is = |bit: u32| bits & 1 << bit != 0;
        Request {
            is_authenticated: is(0),
            exists: is(1),
            has_arity: is(2),
            is_permitted: is(3),
            may_grow: is(4),
            in_transaction: is(5),
            is_unqueued: is(6),
        }
    })
}

#[test]
fn the_first_gate_that_is_shut_answers() {
    for request in all() {
        let mut full = World { is_full: true, ..World::default() };
        let expected = if !request.is_authenticated {
            Err(Refused::NoAuth)
        } else if !request.exists {
            Err(Refused::Unknown)
        } else if !request.has_arity {
            Err(Refused::Arity)
        } else if !request.is_permitted {
            Err(Refused::NoPermission)
        } else if request.may_grow {
            Err(Refused::OutOfMemory)
        } else if request.in_transaction && !request.is_unqueued {
            Ok(Admitted::Queue)
        } else {
            Ok(Admitted::Run)
        };
        assert_eq!(admit(request, &mut full), expected, "{request:?}");
    }
}

#[test]
fn what_is_refused_evicts_nothing() {
    for request in all() {
        let mut full = World { is_full: true, has_victim: true, ..World::default() };
        let admitted = admit(request, &mut full);
        let expected = usize::from(request.may_grow && admitted.is_ok());
        assert_eq!(full.evicted, expected, "{request:?}: {admitted:?}");
    }
}

#[test]
fn what_is_refused_in_a_transaction_has_it_fail() {
    for in_transaction in [false, true] {
        let mut world = World::default();
        let request = Request { in_transaction, ..GOOD };
        assert!(admit(request, &mut world).is_ok() && !world.is_aborted);
        let wrong = Request { has_arity: false, ..request };
        assert_eq!(
            (admit(wrong, &mut world), world.is_aborted),
            (Err(Refused::Arity), in_transaction)
        );
        // It stays so.
        admit(request, &mut world).unwrap();
        assert_eq!(world.is_aborted, in_transaction);
    }
}

/// Sends lines, and returns the first line of each reply.
fn talk(server: &respd::Running, lines: &[&str]) -> Vec<String> {
    let mut client = TcpStream::connect(server.addr().unwrap()).unwrap();
    let mut replies = BufReader::new(client.try_clone().unwrap());
    let mut received = Vec::new();
    for line in lines {
        client.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let mut reply = String::new();
        replies.read_line(&mut reply).unwrap();
        received.push(reply.trim_end().to_owned());
    }
    received
}

#[test]
fn a_key_belongs_to_a_user() {
    let server = with_owners().bind().unwrap().spawn();
    talk(&server, &["ACL SETUSER ann on nopass ~* +@all"]);
    assert_eq!(talk(&server, &["SET ben:1 v", "SET ann:1 v"]), ["+OK", "+OK"]);
    let lines = ["AUTH ann x", "SET ann:2 v", "DEL ann ann:2", "PING", "SET annette:1 v"];
    let replies = talk(&server, &lines);
    assert_eq!(replies[..4], ["+OK", "+OK", ":1", "+PONG"]);
    assert!(replies[4].starts_with("-DENIED "), "{}", replies[4]);
    // All keys of a command have to be hers, and what is refused in a transaction has it fail.
    let lines =
        ["AUTH ann x", "MULTI", "SET ann:3 v", "RENAME ann:3 ben:3", "EXEC", "EXISTS ann:3"];
    let replies = talk(&server, &lines);
    assert!(replies[3].starts_with("-DENIED "), "{}", replies[3]);
    assert!(replies[4].starts_with("-EXECABORT "), "{}", replies[4]);
    assert_eq!(replies[5], ":0");
}
