//! What ends a wait: each [`Wake`], by commands that an embedder could have written.

use std::time::Duration;

use respd::Args;
use respd::internals::config::Config;
use respd::internals::dispatch::spec::flag::*;
use respd::internals::dispatch::spec::key::*;
use respd::internals::dispatch::spec::{Spec, at};
use respd::internals::dispatch::{Ctx, Table};
use respd::internals::embed::groups;
use respd::internals::embed::local::{Connection, Local};
use respd::internals::error::{self, Error};
use respd::internals::listeners::Wake;

use crate::client::{call, received, send};

const OWN: &[Spec] = &[
    Spec::new("wait.changed", 2, READ | BLOCKING, wait_changed).key(RO | ACCESS, at(1)),
    Spec::new("wait.gone", 3, READ | BLOCKING, wait_gone).key(RO | ACCESS, at(1)),
    Spec::new("wait.event", 3, BLOCKING, wait_event),
    Spec::new("wait.stages", -3, BLOCKING, wait_stages),
    Spec::new("wait.itself", 2, BLOCKING, wait_itself),
    Spec::new("wait.wrongly", 2, BLOCKING, wait_wrongly),
    Spec::new("signal", 2, NONE, signal),
];

/// WAIT.CHANGED key: until the key has an even number of bytes. Replies with that number.
fn wait_changed(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.db().string(&args[1])?.map_or(1, |value| value.len());
    ctx.reply.int(len as i64);
    if len % 2 == 1 {
        ctx.wait(0, Wake::KeyChanged, 1..2);
    }
    Ok(())
}

/// WAIT.GONE key timeout: until the key is not there. Replies with 1, or 0 when the seconds are over.
fn wait_gone(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let seconds = respd::internals::text::number::parse_i64(&args[2]).unwrap_or(0);
    if ctx.db().contains(&args[1]) {
        ctx.reply.int(0);
        ctx.wait(seconds as u64 * 1_000_000, Wake::KeyChangedOrGone, 1..2);
    } else {
        ctx.reply.int(1);
    }
    Ok(())
}

/// WAIT.EVENT event key: until the event is signalled while the key is there. Replies with its value.
fn wait_event(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let value = ctx.db().string(&args[2])?.map(|value| value.to_vec());
    match value {
        Some(value) => ctx.reply.bulk(&value),
        None => {
            ctx.reply.null();
            ctx.wait_for(&args[1], Some(Duration::from_secs(5)));
        }
    }
    Ok(())
}

/// WAIT.STAGES event...: until the events have been signalled in their order.
fn wait_stages(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (_, stages) = ctx.state::<(u64, usize)>().expect("the state of the test");
    *stages += 1;
    let stage = *stages;
    ctx.reply.int(stage as i64);
    if stage < args.len() {
        ctx.wait_for(&args[stage], None);
    }
    Ok(())
}

/// WAIT.ITSELF event: signals the event that it waits for, for ever.
fn wait_itself(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.state::<(u64, usize)>().expect("the state of the test").0 += 1;
    ctx.reply.ok();
    ctx.wait_for(&args[1], None);
    ctx.signal(&args[1]);
    Ok(())
}

/// WAIT.WRONGLY event: begins to wait, and fails.
fn wait_wrongly(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.null();
    ctx.wait_for(&args[1], None);
    Err(error::SYNTAX)
}

/// SIGNAL event
fn signal(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.signal(&args[1]);
    ctx.reply.ok();
    Ok(())
}

fn started<const N: usize>() -> (Local, [Connection; N]) {
    let mut table = Table::new(groups());
    table.extend([("own", OWN)]);
    let mut local = Local::with_table(Config::default(), table);
    local.engine.world.states.push(Box::new((0_u64, 0_usize)));
    let clients = [(); N].map(|()| local.connect());
    (local, clients)
}

/// No index knows a client any more.
#[track_caller]
fn assert_nobody_waits(local: &Local) {
    let world = &local.engine.world;
    let waiters = &world.waiters;
    let left = (waiters.len(), waiters.keys(), waiters.keys_or_gone(), waiters.events());
    assert_eq!((left, waiters.deadlines()), ((0, 0, 0, 0), 0));
    assert!(!waiters.has_ready() && !world.store.shared.journal.follows_keys);
}

#[test]
fn a_key_of_a_type_wakes_what_waits_for_that_type() {
    let (mut local, [list, zset, other]) = started();
    send(&mut local, list, "BLPOP k 0");
    send(&mut local, zset, "BZPOPMIN k 0");
    call(&mut local, other, "SET k string");
    assert_eq!(call(&mut local, other, "DEL k"), ":1\r\n");
    assert_eq!((received(&mut local, list), received(&mut local, zset)), Default::default());
    call(&mut local, other, "ZADD k 1 m");
    assert_eq!(received(&mut local, zset), "*3\r\n$1\r\nk\r\n$1\r\nm\r\n$1\r\n1\r\n");
    call(&mut local, other, "RPUSH k e");
    assert_eq!(received(&mut local, list), "*2\r\n$1\r\nk\r\n$1\r\ne\r\n");
    assert_nobody_waits(&local);
}

/// A command that runs again looks its key up.
#[test]
fn a_stream_that_loses_entries_wakes_those_alone_that_wait_for_any_change() {
    let (mut local, [ann, ben, other]) = started();
    for words in ["XADD k 1-1 f v", "XADD k 1-2 f v", "XADD k 1-3 f v"] {
        call(&mut local, other, words);
    }
    send(&mut local, ann, "XREAD BLOCK 0 STREAMS k $");
    let mut lookups_of = |words: &str, waits: bool| {
        if waits {
            send(&mut local, ben, "WAIT.GONE k 0");
        }
        let before = local.engine.world.store.shared.hits;
        call(&mut local, other, words);
        assert_eq!((received(&mut local, ann), received(&mut local, ben)), Default::default());
        local.engine.world.store.shared.hits - before
    };
    assert_eq!(lookups_of("XDEL k 1-1", false), 0);
    assert_eq!(lookups_of("XTRIM k MAXLEN 1", false), 0);
    assert!(lookups_of("XDEL k 1-3", true) > 0, "the line is gone through");
    call(&mut local, other, "DEL k");
    assert_eq!(received(&mut local, ben), ":1\r\n");
    call(&mut local, other, "XADD k 2-1 f v");
    assert!(received(&mut local, ann).contains("2-1"));
    assert_nobody_waits(&local);
}

#[test]
fn a_changed_key_wakes_whatever_its_type_and_not_when_it_is_gone() {
    let (mut local, [ann, ben, other]) = started();
    call(&mut local, other, "SET k odd");
    send(&mut local, ann, "WAIT.CHANGED k");
    send(&mut local, ben, "WAIT.CHANGED k");
    for words in ["GET k", "DEL k", "SET k four5", "SET other 12"] {
        call(&mut local, other, words);
        assert_eq!(received(&mut local, ann), "", "{words}");
    }
    assert_eq!(call(&mut local, other, "APPEND k 6"), ":6\r\n");
    assert_eq!(received(&mut local, ann), ":6\r\n");
    assert_eq!(received(&mut local, ben), ":6\r\n");
    call(&mut local, other, "SET k odd");
    send(&mut local, ann, "WAIT.CHANGED k");
    call(&mut local, other, "DEL k");
    call(&mut local, other, "RPUSH k e");
    assert!(received(&mut local, ann).starts_with("-WRONGTYPE "));
    assert_nobody_waits(&local);
}

/// Every way in which a key can go.
#[test]
fn a_key_that_is_gone_wakes_what_waits_for_that() {
    for (way, before) in [
        ("DEL k", ""),
        ("UNLINK k", ""),
        ("GETDEL k", ""),
        ("RENAME k other", ""),
        ("MOVE k 1", ""),
        ("FLUSHDB", ""),
        ("FLUSHALL", ""),
        ("SWAPDB 0 1", ""),
        ("PEXPIREAT k 1", ""),
        ("", "PEXPIRE k 10"),
    ] {
        let (mut local, [ann, ben, other]) = started();
        call(&mut local, other, "SET k v");
        send(&mut local, ann, "WAIT.GONE k 100");
        send(&mut local, ben, "WAIT.GONE k 100");
        call(&mut local, other, "SET k changed");
        assert_eq!(received(&mut local, ann), "", "{way}: it is still there");
        for words in [before, way].into_iter().filter(|words| !words.is_empty()) {
            call(&mut local, other, words);
        }
        local.advance(Duration::from_millis(10));
        assert_eq!(received(&mut local, ann), ":1\r\n", "{way} {before}");
        assert_eq!(received(&mut local, ben), ":1\r\n", "{way} {before}");
        assert_nobody_waits(&local);
    }
}

/// A list that has become empty concerns none of those that wait for one: they are not asked.
#[test]
fn a_flush_wakes_only_what_waits_for_a_key_that_was_there() {
    let (mut local, [ann, ben, other]) = started();
    send(&mut local, ann, "BLPOP list 0");
    call(&mut local, other, "SET k v");
    send(&mut local, ben, "WAIT.GONE k 1");
    call(&mut local, other, "SELECT 1");
    call(&mut local, other, "FLUSHDB");
    assert_eq!(received(&mut local, ben), "");
    local.advance(Duration::from_secs(1));
    assert_eq!(received(&mut local, ben), ":0\r\n", "its time is up");
    assert_eq!((local.engine.world.waiters.keys(), received(&mut local, ann)), (1, String::new()));
}

#[test]
fn an_exchange_of_databases_wakes_what_waits_in_either() {
    let (mut local, [ann, ben, other]) = started();
    send(&mut local, ann, "BLPOP k 0");
    call(&mut local, ben, "SELECT 1");
    call(&mut local, ben, "RPUSH k 1");
    send(&mut local, ben, "WAIT.GONE k 0");
    call(&mut local, other, "SWAPDB 1 0");
    assert_eq!(received(&mut local, ann), "*2\r\n$1\r\nk\r\n$1\r\n1\r\n");
    assert_eq!(received(&mut local, ben), ":1\r\n");
    assert_nobody_waits(&local);
}

#[test]
fn a_signal_wakes_all_that_wait_for_its_event_in_their_order() {
    let (mut local, [ann, ben, cat, other]) = started();
    for client in [ann, ben] {
        send(&mut local, client, "WAIT.EVENT door key");
    }
    send(&mut local, cat, "WAIT.EVENT window key");
    for words in ["SET door 1", "SIGNAL door", "SIGNAL gate"] {
        call(&mut local, other, words);
        assert_eq!(received(&mut local, ann), "", "{words}: there is no key");
    }
    call(&mut local, other, "SET key v");
    assert_eq!(received(&mut local, ann), "", "a key is no event");
    call(&mut local, other, "SIGNAL door");
    assert_eq!(received(&mut local, ann), "$1\r\nv\r\n");
    assert_eq!(received(&mut local, ben), "$1\r\nv\r\n");
    assert_eq!(received(&mut local, cat), "");
    // The embedder signals between two commands.
    local.engine.world.signal("window");
    assert_eq!(local.engine.next_deadline(), Some(local.engine.world.now.mono));
    local.advance(Duration::ZERO);
    assert_eq!(received(&mut local, cat), "$1\r\nv\r\n");
    assert_nobody_waits(&local);
}

#[test]
fn a_wait_for_an_event_ends_with_its_time_and_by_client_unblock() {
    let (mut local, [ann, other]) = started();
    send(&mut local, ann, "WAIT.EVENT door key");
    local.advance(Duration::from_secs(3));
    // It runs again, and has no more time for that.
    call(&mut local, other, "SIGNAL door");
    local.advance(Duration::from_millis(1999));
    assert_eq!(received(&mut local, ann), "");
    local.advance(Duration::from_millis(1));
    assert_eq!(received(&mut local, ann), "$-1\r\n");
    send(&mut local, ann, "WAIT.EVENT door key");
    assert_eq!(call(&mut local, other, "CLIENT UNBLOCK 1 ERROR"), ":1\r\n");
    assert!(received(&mut local, ann).starts_with("-UNBLOCKED "));
    for words in ["MULTI", "WAIT.EVENT door key", "EXEC"] {
        send(&mut local, ann, words);
    }
    assert!(received(&mut local, ann).ends_with("*1\r\n$-1\r\n"), "nothing waits in a transaction");
    assert_nobody_waits(&local);
}

#[test]
fn a_command_may_wait_for_one_event_after_another() {
    let (mut local, [ann, other]) = started();
    send(&mut local, ann, "WAIT.STAGES one two");
    for event in ["two", "one", "one"] {
        call(&mut local, other, &format!("SIGNAL {event}"));
        assert_eq!(received(&mut local, ann), "", "{event}");
    }
    assert_eq!(local.engine.world.waiters.events(), 1);
    call(&mut local, other, "SIGNAL two");
    assert_eq!(received(&mut local, ann), ":3\r\n");
    assert_nobody_waits(&local);
}

#[test]
fn a_command_that_wakes_itself_holds_up_no_other() {
    let (mut local, [ann, other]) = started();
    send(&mut local, ann, "WAIT.ITSELF event");
    let runs = |local: &mut Local| local.engine.world.state::<(u64, usize)>().map(|(n, _)| *n);
    assert_eq!(runs(&mut local), Some(1));
    assert_eq!(call(&mut local, other, "SIGNAL event"), "+OK\r\n");
    assert_eq!(runs(&mut local), Some(1001));
    local.advance(Duration::ZERO);
    assert!(runs(&mut local) > Some(2000), "it goes on in the next turn");
    local.finish(ann);
    local.advance(Duration::ZERO);
    local.advance(Duration::ZERO);
    assert_nobody_waits(&local);
}

#[test]
fn a_command_that_fails_does_not_wait() {
    let (mut local, [client]) = started();
    assert_eq!(call(&mut local, client, "WAIT.WRONGLY e"), "-ERR syntax error\r\n");
    assert_nobody_waits(&local);
}

#[test]
fn clients_that_vanish_are_in_no_line() {
    let (mut local, clients) = started::<100>();
    let other = local.connect();
    call(&mut local, other, "SET k odd");
    for (number, &client) in clients.iter().enumerate() {
        let words = ["WAIT.EVENT door key", "WAIT.CHANGED k", "WAIT.GONE k 9", "WAIT.EVENT a b"];
        send(&mut local, client, words[number % 4]);
    }
    let waiters = &local.engine.world.waiters;
    let waiting = (waiters.len(), waiters.keys(), waiters.keys_or_gone(), waiters.events());
    assert_eq!(waiting, (100, 1, 1, 2));
    assert_eq!(waiters.deadlines(), 75);
    // One of them is closed while its line is to be looked at.
    local.engine.world.signal("door");
    clients.iter().for_each(|&client| local.finish(client));
    local.advance(Duration::ZERO);
    assert_nobody_waits(&local);
    assert_eq!(call(&mut local, other, "SIGNAL door"), "+OK\r\n");
    assert_eq!(call(&mut local, other, "DEL k"), ":1\r\n");
}
