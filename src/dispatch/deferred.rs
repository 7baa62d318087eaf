//! Replies that other threads give: see [`crate::listeners::deferred`].
//!
//! A command that leaves its reply is one of [`Frame::Top`]; elsewhere nothing can wait, and it is refused. Its client
//! waits as for a blocked command, and the command is never run again. In each turn of the loop what threads have given by
//! then is delivered, a bounded number of replies: each is written behind what its client is owed already, and passes what
//! any reply passes (its limit, CLIENT REPLY, the stage). What the client has sent meanwhile runs in the next turn.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ctx::Ctx;
use super::frame::Frame;
use super::spec::flag;
use super::table::{Row, Table};
use super::telemetry;
use crate::error::{self, Error};
use crate::listeners::deferred::{Awaited, LateReply, Outcome};
use crate::listeners::{BlockedCommand, Wake};
use crate::session::{Departure, Doom, Slot};
use crate::telemetry::peer_log::Cause;
use crate::telemetry::wire_log;
use crate::wire::{Args, Mark, Reply, frames};
use crate::world::World;

/// How many replies are delivered in a turn, at most: some hundred microseconds of work.
const MOST_PER_TURN: usize = 1000;

/// A handler leaves its reply for later, and may do so if it has written none and its client can wait.
#[cold]
pub(super) fn owes_reply(ctx: &mut Ctx<'_>, start: Mark) -> Result<(), Error> {
    let name = &ctx.row.full_name;
    if !ctx.reply.since(start).is_empty() {
        log::error!("{name} writes a reply and defers it: its client is told an error");
        return Err(error::INTERNAL);
    }
    match ctx.frame {
        Frame::Top => return Ok(()),
        // Its reply is dropped in any case, and what it has changed is not.
        Frame::Replay => ctx.reply.null(),
        _ => return Err(error::deferred_within(name)),
    }
    ctx.until = None;
    Ok(())
}

/// Delivers replies that threads have given.
#[inline]
pub(crate) fn deliver(world: &mut World, table: &Table) {
    if world.late_replies.is_some() {
        deliver_some(world, table);
    }
}

#[inline(never)]
fn deliver_some(world: &mut World, table: &Table) {
    let mut filled = Vec::new();
    for _ in 0..MOST_PER_TURN {
        let Some(late) = world.late_replies.as_mut().and_then(|replies| replies.take()) else {
            break;
        };
        // What it holds may be dropped with it, and panic.
        if catch_unwind(AssertUnwindSafe(|| deliver_one(world, table, late, &mut filled))).is_err()
        {
            log::error!("what was to write a reply panicked when it was dropped");
        }
    }
    for slot in filled {
        world.close_gaps(slot);
    }
    // Of what is in the queue by now the loop may have been told.
    if let Some(replies) = &mut world.late_replies {
        replies.refill();
    }
}

/// Delivers one. A client whose gaps are to be closed by that is added to `filled`.
fn deliver_one(world: &mut World, table: &Table, late: LateReply, filled: &mut Vec<Slot>) {
    let Awaited { slot, client, number } = late.awaited;
    if let Some(wait) = take_wait(world, late.awaited) {
        end_wait(world, table, late, wait);
    } else if let Some(gap) = world.gap(slot, client, number) {
        let (row, args) = (table.row(gap.command), std::mem::take(&mut gap.args));
        let (protocol, is_silent) = (gap.protocol, gap.is_silent);
        let doubles = world.config.persona.doubles;
        let mut reply = Reply::new(Vec::new(), protocol).with_doubles(doubles);
        world.limit_reply(&mut reply, slot);
        let to = Asked { slot, row, args: args.args(), is_silent };
        write(world, to, &mut reply, late.outcome);
        if world.fill_gap(slot, number, reply.into_inner()) && filled.last() != Some(&slot) {
            filled.push(slot);
        }
    }
}

/// Replies to a command whose client waits for it.
fn end_wait(world: &mut World, table: &Table, late: LateReply, wait: BlockedCommand) {
    let (slot, row) = (late.awaited.slot, table.row(wait.command));
    let mut reply = world.take_outbox(slot);
    let start = reply.mark();
    let to = Asked { slot, row, args: wait.args.args(), is_silent: wait.is_silent };
    write(world, to, &mut reply, late.outcome);
    if world.stage.is_some() {
        world.complete_reply(slot, &mut reply, start, wait.args.args());
    }
    reply.append(&mut world.clients[slot].outbox.late);
    world.put_back_outbox(slot, reply);
    world.end_wait(slot, &wait);
    world.clients.account(slot);
}

/// Takes out the command that waits for this reply, if it does still.
fn take_wait(world: &mut World, awaited: Awaited) -> Option<BlockedCommand> {
    let client = world.clients.get_mut(awaited.slot)?;
    if client.id != awaited.client || client.doom == Doom::Now {
        return None;
    }
    let wait = &mut client.session.as_mut()?.wait;
    wait.take_if(|wait| wait.until.wake == Wake::Deferred(awaited.number))
}

/// A command that is owed a reply.
struct Asked<'a> {
    slot: Slot,
    row: &'a Row,
    args: Args<'a>,
    /// Whether CLIENT REPLY has had it taken back.
    is_silent: bool,
}

/// Writes the reply to a command, or an error in its place, and counts and logs it.
fn write(world: &mut World, to: Asked<'_>, reply: &mut Reply, outcome: Outcome) {
    let Asked { slot, row, args, is_silent } = to;
    let start = reply.mark();
    let error = run(world, slot, reply, row, outcome);
    let written = reply.written_since(start);
    if let Some(error) = &error {
        world.stats.count_error(error);
        reply.replace(start, error);
    }
    if is_silent {
        reply.rewind(start);
    }
    if wire_log::is_on() {
        wire_log::outgoing(world.clients[slot].id, &reply.since(start), shows(row, args));
    }
    telemetry::log_if_large(world, row, slot, args, written);
    world.count_call(slot, row.id, error.is_some());
}

/// Has the reply written. Returns the error that takes its place, if one does.
fn run(
    world: &mut World,
    slot: Slot,
    reply: &mut Reply,
    row: &Row,
    outcome: Outcome,
) -> Option<Error> {
    let write = match outcome {
        Outcome::Written(write) => write,
        Outcome::Failed(error) => return Some(error),
        Outcome::Dropped => return Some(error::REPLY_DROPPED),
    };
    let start = reply.mark();
    if catch_unwind(AssertUnwindSafe(|| write(reply))).is_err() {
        let (client, now) = (world.clients[slot].id, world.now.mono);
        let line = format_args!("a panic in the reply of {} closes client {client}", row.full_name);
        world.peer_log.log(Cause::Panic, now, line);
        world.clients.doom(slot, Doom::AfterReply, Departure::Panic);
        return Some(error::INTERNAL);
    }
    if reply.is_full() {
        return world.reply_is_full(reply, slot);
    }
    let written = reply.since(start);
    if frames::count(&written) != Some(1) || written.starts_with(b">") {
        log::error!("{} is not replied once: its client is told an error", row.full_name);
        return Some(error::INTERNAL);
    }
    None
}

/// How much of the reply may be logged.
fn shows(row: &Row, args: Args<'_>) -> wire_log::Shows {
    let mut indexes = 0..args.len();
    match row.has(flag::SECRET_REPLY) || indexes.any(|index| row.spec.is_secret(args, index)) {
        true => wire_log::Shows::Outcome,
        false => wire_log::Shows::All,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::dispatch::NoDriver;
    use crate::dispatch::spec::flag::{NONE, READ, WRITE};
    use crate::dispatch::spec::key::{ACCESS, RO};
    use crate::dispatch::spec::{Spec, at};
    use crate::embed::local::{Connection, Local, request};
    use crate::listeners::Deferred;

    const OWN: &[Spec] = &[
        Spec::new("later", -1, NONE, later),
        Spec::new("later.read", 2, READ, later).key(RO | ACCESS, at(1)),
        Spec::new("later.write", 2, WRITE, later_write),
        Spec::new("ahead", -1, NONE, ahead),
        Spec::new("at.once", 1, NONE, at_once),
        Spec::new("after", 1, NONE, after),
    ];

    thread_local! {
        /// What commands have left to be replied, the first first.
        static OWED: RefCell<VecDeque<Deferred>> = const { RefCell::new(VecDeque::new()) };
    }

    /// LATER word...
    fn later(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
        let deferred = ctx.defer();
        OWED.with_borrow_mut(|owed| owed.push_back(deferred));
        Ok(())
    }

    /// AHEAD word...: as LATER, and what is behind it runs.
    fn ahead(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
        let deferred = ctx.defer_ahead();
        OWED.with_borrow_mut(|owed| owed.push_back(deferred));
        Ok(())
    }

    /// LATER.WRITE key: sets it to 1, and replies later.
    fn later_write(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        ctx.db().set_string(&args[1], b"1", None);
        later(ctx, args)
    }

    /// AT.ONCE: defers and replies at once.
    fn at_once(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
        ctx.defer().reply(Reply::ok);
        Ok(())
    }

    /// AFTER: defers when the event of this name has come, within a second.
    fn after(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        if ctx.client().is_waiting {
            return later(ctx, args);
        }
        ctx.reply.status("in vain");
        ctx.wait_for("after", Some(Duration::from_secs(1)));
        Ok(())
    }

    fn owed() -> Deferred {
        OWED.with_borrow_mut(VecDeque::pop_front).expect("a reply that is owed")
    }

    fn local(options: &[(&str, &str)]) -> (Local, [Connection; 2]) {
        let mut config = Config::default();
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let mut table = crate::dispatch::Table::new(crate::embed::groups());
        table.add_of_every_persona(crate::commands::ON_STAGE.iter().copied());
        table.extend([("own", OWN)]);
        let mut local = Local::with_table(config, table);
        let clients = [(); 2].map(|()| local.connect());
        (local, clients)
    }

    fn send(local: &mut Local, client: Connection, line: &str) -> String {
        local.send(client, &request(line.split(' ')));
        received(local, client)
    }

    /// What the client is sent by the end of another turn.
    fn received(local: &mut Local, client: Connection) -> String {
        local.advance(Duration::ZERO);
        String::from_utf8(local.received(client)).unwrap()
    }

    /// Sends LATER, which waits, and gives it this reply.
    fn replied(
        local: &mut Local,
        client: Connection,
        write: impl FnOnce(&mut Reply) + Send + 'static,
    ) -> String {
        assert_eq!(send(local, client, "LATER"), "");
        owed().reply(write);
        received(local, client)
    }

    const INTERNAL: &str = "-ERR internal error, see the server's log\r\n";

    /// What the client has sent behind it waits, other clients go on.
    #[test]
    fn replies_keep_the_order_of_their_commands() {
        let (mut local, [ann, ben]) = local(&[]);
        local.send(ann, b"LATER\r\nECHO 1\r\nLATER\r\nECHO 2\r\n");
        assert_eq!(received(&mut local, ann), "");
        assert_eq!(send(&mut local, ben, "PING"), "+PONG\r\n");
        owed().reply(|reply| reply.int(7));
        assert_eq!(received(&mut local, ann), ":7\r\n$1\r\n1\r\n");
        local.send(ann, b"ECHO 3\r\n");
        owed().error(Error::fixed("BUSYJOB it runs"));
        assert_eq!(received(&mut local, ann), "-BUSYJOB it runs\r\n$1\r\n2\r\n$1\r\n3\r\n");
    }

    #[test]
    fn a_client_that_waits_is_blocked() {
        let (mut local, [ann, ben]) = local(&[("timeout", "1")]);
        send(&mut local, ann, "LATER x");
        let shown = |local: &mut Local| {
            send(local, ben, "CLIENT LIST ID 1") + &send(local, ben, "INFO clients")
        };
        let before = shown(&mut local);
        assert!(before.contains(" flags=b ") && before.contains("cmd=later"), "{before}");
        assert!(before.contains("blocked_clients:1\r\n"), "{before}");
        local.advance(Duration::from_secs(60));
        assert!(local.is_open(ann) && !local.is_open(ben), "it is not idle");
        owed().reply(Reply::ok);
        assert_eq!(received(&mut local, ann), "+OK\r\n");
        assert!(local.engine.world.waiters.is_empty());
    }

    #[test]
    fn a_reply_is_one_of_the_client_s_protocol() {
        let (mut local, [ann, ben]) = local(&[]);
        send(&mut local, ben, "HELLO 3");
        let write = |reply: &mut Reply| {
            reply.map(1);
            reply.bulk(b"price");
            reply.double(9.5);
        };
        assert_eq!(replied(&mut local, ann, write), "*2\r\n$5\r\nprice\r\n$3\r\n9.5\r\n");
        assert_eq!(replied(&mut local, ben, write), "%1\r\n$5\r\nprice\r\n,9.5\r\n");
    }

    #[test]
    fn what_is_no_reply_is_an_error_and_the_client_stays_in_step() {
        let (mut local, [ann, _]) = local(&[]);
        assert_eq!(replied(&mut local, ann, |_| ()), INTERNAL);
        let twice = |reply: &mut Reply| (0..2).for_each(|_| reply.ok());
        assert_eq!(replied(&mut local, ann, twice), INTERNAL);
        let push = |reply: &mut Reply| {
            reply.push(1);
            reply.ok();
        };
        send(&mut local, ann, "HELLO 3");
        assert_eq!(replied(&mut local, ann, push), INTERNAL);
        send(&mut local, ann, "LATER");
        drop(owed());
        let dropped = "-ERR the command was dropped without a reply\r\n";
        assert_eq!(received(&mut local, ann), dropped);
        assert_eq!(send(&mut local, ann, "PING"), "+PONG\r\n");
        let panicked = replied(&mut local, ann, |reply| {
            reply.ok();
            panic!("in a reply");
        });
        assert_eq!((&*panicked, local.is_open(ann)), (INTERNAL, false));
    }

    #[test]
    fn a_reply_that_no_client_waits_for_is_dropped() {
        let (mut local, [ann, ben]) = local(&[]);
        let runs = Arc::new(AtomicBool::new(false));
        let late = |local: &mut Local| {
            let runs = runs.clone();
            owed().reply(move |_| runs.store(true, Ordering::Relaxed));
            local.advance(Duration::ZERO);
        };
        send(&mut local, ann, "LATER");
        assert_eq!(send(&mut local, ben, "CLIENT UNBLOCK 1"), ":1\r\n");
        assert_eq!(received(&mut local, ann), "$-1\r\n");
        late(&mut local);
        send(&mut local, ann, "LATER");
        assert_eq!(send(&mut local, ben, "CLIENT UNBLOCK 1 ERROR"), ":1\r\n");
        assert!(received(&mut local, ann).starts_with("-UNBLOCKED"));
        // One that waits again waits for another reply.
        send(&mut local, ann, "LATER");
        late(&mut local);
        assert_eq!(received(&mut local, ann), "");
        assert_eq!(send(&mut local, ben, "CLIENT KILL ID 1"), ":1\r\n");
        late(&mut local);
        assert!(!local.is_open(ann));
        // Its slot has another client by now.
        let other = local.connect();
        send(&mut local, other, "LATER");
        let id = local.engine.world.clients.iter().last().unwrap().id;
        local.engine.hang_up(local.engine.world.clients.slot_of(id).unwrap());
        local.advance(Duration::ZERO);
        let next = local.connect();
        send(&mut local, next, "LATER");
        late(&mut local);
        assert_eq!(received(&mut local, next), "");
        assert!(!runs.load(Ordering::Relaxed));
        owed().reply(Reply::ok);
        assert_eq!(received(&mut local, next), "+OK\r\n");
        assert_eq!(local.engine.world.waiters.len(), 0);
    }

    #[test]
    fn a_client_that_sends_nothing_more_has_its_reply() {
        let (mut local, [ann, _]) = local(&[]);
        local.send(ann, b"LATER\r\nPING\r\n");
        local.finish(ann);
        assert!(local.is_open(ann));
        owed().reply(Reply::ok);
        assert_eq!(received(&mut local, ann), "+OK\r\n+PONG\r\n");
        assert!(!local.is_open(ann));
    }

    #[test]
    fn where_nothing_can_wait_it_is_an_error() {
        let (mut local, [ann, _]) = local(&[]);
        let refused = "ERR 'later' replies later, and cannot run inside MULTI, a script or another \
                       command";
        for line in ["MULTI", "LATER", "PING"] {
            send(&mut local, ann, line);
        }
        let reply = send(&mut local, ann, "EXEC");
        assert_eq!(reply, format!("*2\r\n-{refused}\r\n+PONG\r\n"));
        owed().reply(Reply::ok);
        assert_eq!(send(&mut local, ann, "PING"), "+PONG\r\n");
        if cfg!(feature = "lua") {
            local.send(ann, &request(["EVAL", "return redis.pcall('later')['err']", "0"]));
            assert!(received(&mut local, ann).contains(refused));
            drop(owed());
        }
        assert_eq!(send(&mut local, ann, "PING"), "+PONG\r\n");
    }

    /// What a log holds of the command has happened, whatever was replied.
    #[test]
    fn a_command_of_a_log_is_replayed() {
        let (mut local, [ann, _]) = local(&[]);
        let mut reply = Reply::new(Vec::new(), Default::default());
        let words: crate::wire::OwnedArgs = ["LATER.WRITE", "k"].into_iter().collect();
        local.engine.invoke(Frame::Replay, 0, words.args(), &mut reply);
        assert_eq!(reply.into_inner(), b"$-1\r\n");
        drop(owed());
        assert_eq!(send(&mut local, ann, "GET k"), "$1\r\n1\r\n");
    }

    #[test]
    fn it_is_counted_when_it_has_its_reply_and_logged_if_that_is_large() {
        let (mut local, [ann, ben]) = local(&[("commandlog-reply-larger-than", "5000")]);
        send(&mut local, ann, "LATER x");
        let id = local.engine.table().named(b"later").unwrap().id;
        assert_eq!(local.engine.world.stats.command(id).calls, 0);
        owed().reply(|reply| reply.bulk(&[b'x'; 6000]));
        assert_eq!(received(&mut local, ann).len(), 6009);
        let stats = local.engine.world.stats.command(id);
        assert_eq!((stats.calls, stats.failed), (1, 0));
        let logged = send(&mut local, ben, "COMMANDLOG GET 10 large-reply");
        assert!(logged.contains(":6009\r\n*2\r\n$5\r\nLATER\r\n$1\r\nx\r\n"), "{logged}");
        send(&mut local, ann, "LATER x");
        owed().error(Error::fixed("ERR no"));
        received(&mut local, ann);
        let stats = local.engine.world.stats.command(id);
        assert_eq!((stats.calls, stats.failed), (2, 1));
        assert_eq!(local.engine.world.stats.error_replies, 1);
    }

    #[test]
    fn what_the_handler_has_taken_is_logged_and_not_how_long_its_client_waits() {
        let (mut local, [ann, ben]) = local(&[("commandlog-execution-slower-than", "0")]);
        send(&mut local, ann, "LATER x");
        local.advance(Duration::from_secs(7));
        let logged = || "*2\r\n$5\r\nLATER\r\n$1\r\nx\r\n";
        let slow = send(&mut local, ben, "COMMANDLOG GET 10 slow");
        assert!(slow.contains(&format!(":0\r\n{}", logged())), "{slow}");
        owed().reply(Reply::ok);
        received(&mut local, ann);
        let slow = send(&mut local, ben, "COMMANDLOG GET 10 slow");
        assert_eq!(slow.matches(logged()).count(), 1, "{slow}");
    }

    #[test]
    fn what_is_given_before_the_turn_ends_is_sent_in_it() {
        let (mut local, [ann, _]) = local(&[]);
        local.send(ann, b"AT.ONCE\r\n");
        assert_eq!(local.received(ann), b"+OK\r\n");
    }

    /// A turn has delivered all that it had taken, as many as it may, and the loop was woken before for one more.
    #[test]
    fn no_reply_is_left_when_the_loop_goes_to_sleep() {
        let (mut local, [ann, ben]) = local(&[]);
        for client in [ann, ben] {
            local.send(client, &b"AHEAD\r\n".repeat(MOST_PER_TURN));
        }
        let last = local.connect();
        local.send(last, b"LATER\r\n");
        (0..2 * MOST_PER_TURN).for_each(|_| owed().reply(Reply::ok));
        let now = local.engine.world.now;
        local.engine.turn(now, &mut NoDriver);
        owed().reply(Reply::ok);
        local.engine.turn(now, &mut NoDriver);
        assert!(local.engine.next_deadline().is_some_and(|due| due <= now.mono));
        assert_eq!(received(&mut local, last), "+OK\r\n");
    }

    #[test]
    fn the_output_limit_holds_while_the_reply_is_written() {
        let (mut local, [ann, _]) = local(&[("client-output-buffer-limit", "normal 1mb 0 0")]);
        let bytes = replied(&mut local, ann, |reply| {
            reply.array(1000);
            (0..1000).for_each(|_| reply.bulk(&[b'x'; 100_000]));
        });
        assert!(bytes.len() < 2 << 20 && !local.is_open(ann), "{} bytes", bytes.len());
        assert_eq!(local.engine.world.stats.output_buffer_limit_disconnections, 1);
    }

    #[test]
    fn client_reply_off_keeps_the_reply_back() {
        let (mut local, [ann, _]) = local(&[]);
        local.send(ann, b"CLIENT REPLY SKIP\r\nLATER\r\nPING\r\n");
        assert_eq!(received(&mut local, ann), "");
        owed().reply(Reply::ok);
        assert_eq!(received(&mut local, ann), "+PONG\r\n");
    }

    #[test]
    fn a_pause_keeps_no_reply_back() {
        let (mut local, [ann, ben]) = local(&[]);
        local.send(ann, b"LATER\r\nPING\r\n");
        send(&mut local, ben, "CLIENT PAUSE 1000 ALL");
        owed().reply(Reply::ok);
        assert_eq!(received(&mut local, ann), "+OK\r\n");
        local.advance(Duration::from_secs(1));
        assert_eq!(received(&mut local, ann), "+PONG\r\n");
    }

    #[test]
    fn what_it_has_read_is_tracked() {
        let (mut local, [ann, ben]) = local(&[]);
        local.send(ann, b"HELLO 3\r\nCLIENT TRACKING ON\r\nLATER.READ k\r\n");
        received(&mut local, ann);
        send(&mut local, ben, "SET k v");
        owed().reply(Reply::ok);
        let replies = received(&mut local, ann);
        assert!(replies.contains("invalidate\r\n*1\r\n$1\r\nk\r\n"), "{replies}");
        assert!(replies.contains("+OK\r\n"), "{replies}");
    }

    #[test]
    fn a_reply_waits_for_the_log_as_any_other() {
        let (mut local, [ann, ben]) = local(&[]);
        let clients = &mut local.engine.world.clients;
        clients.hold_for_log(true);
        let written = clients.log_written();
        send(&mut local, ann, "LATER");
        written.store(10, Ordering::Relaxed);
        assert_eq!(send(&mut local, ben, "SET k v"), "");
        owed().reply(Reply::ok);
        assert_eq!(received(&mut local, ann), "");
        local.engine.world.clients.log_durable(10);
        assert_eq!(received(&mut local, ann), "+OK\r\n");
    }

    #[test]
    fn a_fault_changes_the_reply_and_the_journal_has_it() {
        let (mut local, [ann, ben]) = local(&[("enable-stage-command", "yes")]);
        send(&mut local, ben, "STAGE JOURNAL ON");
        send(&mut local, ben, "STAGE FAULT ADD f ON LATER TIMES 1 DO RUN THEN DELAY 200");
        send(&mut local, ann, "LATER x");
        owed().reply(|reply| reply.bulk(b"found"));
        assert_eq!(received(&mut local, ann), "");
        local.advance(Duration::from_millis(200));
        assert_eq!(received(&mut local, ann), "$5\r\nfound\r\n");
        let journal = send(&mut local, ben, "STAGE JOURNAL GET");
        assert!(journal.contains("found"), "{journal}");
    }

    #[test]
    fn what_is_behind_one_that_is_deferred_ahead_runs_and_is_replied_in_order() {
        let (mut local, [ann, ben]) = local(&[("timeout", "1")]);
        local.send(ann, b"ECHO 0\r\nAHEAD\r\nSET k v\r\nAHEAD\r\nHELLO 3\r\nAHEAD\r\nAHEAD\r\n");
        assert_eq!(received(&mut local, ann), "$1\r\n0\r\n");
        assert_eq!(send(&mut local, ben, "GET k"), "$1\r\nv\r\n");
        assert!(send(&mut local, ben, "CLIENT LIST ID 1").contains("flags=N"));
        assert_eq!(send(&mut local, ben, "CLIENT UNBLOCK 1"), ":0\r\n");
        let [first, second, third, fourth] = [(); 4].map(|()| owed());
        third.reply(Reply::null);
        second.reply(Reply::null);
        assert_eq!(received(&mut local, ann), "");
        local.advance(Duration::from_secs(60));
        first.reply(Reply::null);
        let replies = received(&mut local, ann);
        // The second was asked for in RESP2, the third in RESP3.
        assert!(replies.starts_with("$-1\r\n+OK\r\n$-1\r\n%"), "{replies}");
        assert!(replies.ends_with("\r\n_\r\n"), "{replies}");
        drop(fourth);
        assert!(received(&mut local, ann).starts_with("-ERR the command was dropped"));
        assert!(local.engine.world.clients[0].outbox.held.is_none());
    }

    #[test]
    fn long_strings_keep_their_places_around_gaps() {
        let (mut local, [ann, ben]) = local(&[]);
        let text = "x".repeat(20_000);
        send(&mut local, ben, &format!("SET k {text}"));
        local.send(ann, b"GET k\r\nAHEAD\r\nGET k\r\nAHEAD\r\nPING\r\n");
        local.send(ann, b"GET k\r\nAHEAD\r\nECHO end\r\n");
        let slot = local.engine.world.clients.slots().next().unwrap();
        local.engine.sent(slot, 15_000);
        let [first, second, third] = [(); 3].map(|()| owed());
        second.reply(Reply::null);
        first.reply(|reply| reply.bulk(b"first"));
        let long = format!("$20000\r\n{text}\r\n");
        let until_third = format!("{}$5\r\nfirst\r\n{long}$-1\r\n+PONG\r\n{long}", &long[15_000..]);
        assert!(received(&mut local, ann) == until_third);
        third.reply(|reply| reply.bulk(b"third"));
        assert_eq!(received(&mut local, ann), "$5\r\nthird\r\n$3\r\nend\r\n");
    }

    #[test]
    fn a_client_that_leaves_has_the_replies_that_are_ahead() {
        for end in ["QUIT", "finish", "kill", "leave"] {
            let (mut local, [ann, ben]) = local(&[]);
            let is_last = end == "finish";
            local.send(ann, if is_last { b"AHEAD\r\n" } else { b"AHEAD\r\nPING\r\n" });
            match end {
                "finish" => local.finish(ann),
                "kill" => _ = send(&mut local, ben, "CLIENT KILL ID 1"),
                "leave" => local.engine.dismiss_all(),
                line => _ = send(&mut local, ann, line),
            }
            assert_eq!(received(&mut local, ann), "");
            let stays = matches!(end, "QUIT" | "finish");
            assert_eq!(local.is_open(ann), stays, "{end}");
            owed().reply(Reply::ok);
            let expected = match end {
                "QUIT" => "+OK\r\n+PONG\r\n+OK\r\n",
                "finish" => "+OK\r\n",
                _ => "",
            };
            assert_eq!(received(&mut local, ann), expected, "{end}");
            assert!(!local.is_open(ann), "{end}");
        }
    }

    #[test]
    fn so_many_replies_are_missing_at_once_and_then_the_client_waits() {
        let (mut local, [ann, ben]) = local(&[]);
        let most = crate::session::MOST_GAPS;
        local.send(ann, &b"AHEAD\r\n".repeat(most + 9));
        assert_eq!(OWED.with_borrow(VecDeque::len), most + 1);
        assert!(send(&mut local, ben, "CLIENT LIST ID 1").contains("flags=b"));
        let mut replied = 0;
        while replied < most + 9 {
            owed().reply(Reply::ok);
            replied += received(&mut local, ann).len() / "+OK\r\n".len();
        }
        assert!(local.engine.world.waiters.is_empty());
    }

    #[test]
    fn where_output_waits_for_the_log_or_a_test_the_client_waits() {
        let (mut local, [ann, _]) = local(&[]);
        local.engine.world.clients.hold_for_log(true);
        local.send(ann, b"AHEAD\r\nPING\r\n");
        assert_eq!(local.engine.world.waiters.len(), 1);
        let (mut local, [ann, _]) = self::local(&[("enable-stage-command", "yes")]);
        local.send(ann, b"AHEAD\r\nPING\r\n");
        assert_eq!(local.engine.world.waiters.len(), 1);
        OWED.take();
    }

    /// What has come before those in front of it is the client's to read, too.
    #[test]
    fn replies_that_wait_for_their_place_count_as_unread() {
        let (mut local, [ann, _]) = local(&[("client-output-buffer-limit", "normal 1mb 0 0")]);
        local.send(ann, &b"AHEAD\r\n".repeat(20));
        let _first = owed();
        for count in 1..20 {
            owed().reply(|reply| reply.bulk(&[b'x'; 100_000]));
            local.advance(Duration::ZERO);
            assert_eq!(local.is_open(ann), count <= 10, "{count}");
        }
    }

    /// Clients send what is replied at once, later and ahead; replies come in any order, and each client has its own in order.
    #[test]
    fn however_replies_come_each_client_has_them_in_order() {
        let (mut local, _) = local(&[]);
        let mut clients: Vec<(Connection, i64, i64)> =
            (0..5).map(|_| (local.connect(), 0, 0)).collect();
        let mut open: Vec<(Deferred, i64)> = Vec::new();
        let mut random = 7_u32;
        let mut next = |below: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random as usize / 7 % below
        };
        let mut sent: std::collections::HashMap<u64, VecDeque<i64>> = Default::default();
        for step in 0..6000 {
            let at = next(clients.len());
            let (client, said, heard) = &mut clients[at];
            if step < 5000 && next(2) == 0 {
                let word = said.to_string();
                *said += 1;
                let name = ["ECHO", "LATER", "AHEAD", "AHEAD"][next(4)];
                local.send(*client, &request([name, &word]));
                if name != "ECHO" {
                    sent.entry(at as u64 + 3).or_default().push_back(*said - 1);
                }
            } else if !open.is_empty() {
                let (deferred, word) = open.swap_remove(next(open.len()));
                deferred.reply(move |reply| reply.bulk(word.to_string().as_bytes()));
                local.advance(Duration::ZERO);
            }
            OWED.with_borrow_mut(|owed| {
                for deferred in owed.drain(..) {
                    // Those of a client run in the order in which it has sent them.
                    let words = sent.get_mut(&deferred.client()).unwrap();
                    open.push((deferred, words.pop_front().unwrap()));
                }
            });
            let bytes = String::from_utf8(local.received(*client)).unwrap();
            for word in bytes.split("\r\n").skip(1).step_by(2) {
                assert_eq!(word, heard.to_string());
                *heard += 1;
            }
        }
        while let Some((deferred, word)) = open.pop() {
            deferred.reply(move |reply| reply.bulk(word.to_string().as_bytes()));
            local.advance(Duration::ZERO);
            OWED.with_borrow_mut(|owed| {
                for deferred in owed.drain(..) {
                    let words = sent.get_mut(&deferred.client()).unwrap();
                    open.push((deferred, words.pop_front().unwrap()));
                }
            });
        }
        for (client, said, mut heard) in clients {
            local.advance(Duration::ZERO);
            let bytes = String::from_utf8(local.received(client)).unwrap();
            for word in bytes.split("\r\n").skip(1).step_by(2) {
                assert_eq!(word, heard.to_string());
                heard += 1;
            }
            assert_eq!(heard, said);
        }
        assert!(local.engine.world.waiters.is_empty());
    }

    /// It keeps its deadline, and the reply for when its time is up.
    #[test]
    fn a_blocked_command_may_defer_when_it_runs_again() {
        let (mut local, [ann, _]) = local(&[]);
        for in_time in [true, false] {
            assert_eq!(send(&mut local, ann, "AFTER"), "");
            local.engine.world.signal("after");
            assert_eq!(received(&mut local, ann), "");
            let deferred = owed();
            if in_time {
                deferred.reply(Reply::ok);
                assert_eq!(received(&mut local, ann), "+OK\r\n");
            } else {
                local.advance(Duration::from_secs(1));
                assert_eq!(received(&mut local, ann), "+in vain\r\n");
                deferred.reply(Reply::ok);
                assert_eq!(send(&mut local, ann, "PING"), "+PONG\r\n");
            }
        }
        assert!(local.engine.world.waiters.is_empty());
    }

    #[test]
    fn thousands_wait_each_for_its_own() {
        const MANY: usize = 10_000;
        let (mut local, _) = local(&[("maxclients", "20000")]);
        let clients: Vec<Connection> = (0..MANY).map(|_| local.connect()).collect();
        clients.iter().for_each(|&client| local.send(client, b"LATER\r\n"));
        assert_eq!(local.engine.world.waiters.len(), MANY);
        let mut all: VecDeque<Deferred> = OWED.take();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let part = all.split_off(all.len().saturating_sub(MANY / 4));
                std::thread::spawn(move || {
                    for deferred in part {
                        let id = deferred.client() as i64;
                        deferred.reply(move |reply| reply.int(id));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // A turn delivers some, and there is another one at once until all are delivered.
        local.advance(Duration::ZERO);
        assert!(local.engine.world.waiters.len() >= MANY - 3 * MOST_PER_TURN);
        while local.engine.next_deadline().is_some_and(|due| due <= local.engine.world.now.mono) {
            local.advance(Duration::ZERO);
        }
        assert!(local.engine.world.waiters.is_empty());
        for (index, &client) in clients.iter().enumerate() {
            let reply = String::from_utf8(local.received(client)).unwrap();
            assert_eq!(reply, format!(":{}\r\n", index + 3));
        }
    }

    /// A client sends many at once, and each of them waits. Were what is behind it moved each time, this would take
    /// minutes.
    #[test]
    fn a_long_pipeline_is_not_moved_for_each_of_its_commands() {
        const MANY: usize = 40_000;
        let (mut local, [ann, ben]) = local(&[]);
        let one = request(["AT.ONCE"]);
        let ballast = request(["ECHO", &"x".repeat(500)]);
        let mut bytes = one.repeat(MANY);
        bytes.extend(ballast.repeat(MANY));
        local.send(ann, &bytes);
        let shown = send(&mut local, ben, "CLIENT LIST ID 1");
        let left: usize =
            shown.split_once("qbuf=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        assert!(left < bytes.len() && left > bytes.len() - 100, "{left}");
        let mut missing = MANY * ("+OK\r\n".len() + 500 + "$500\r\n\r\n".len());
        while missing > 0 {
            local.advance(Duration::ZERO);
            missing -= local.received(ann).len();
        }
    }
}
