//! Invoke: the one function that runs a command.
//!
//! A request of a client, a command that EXEC runs, one that a script calls, one of a log that is replayed,
//! an embedder's, a test's: each is an [`Invocation`], and [`Invocation::invoke`] runs it. The invocation says
//!
//! * in which [`Frame`] the command runs, which decides what gates it passes and whether it may wait;
//! * as whom: the client in `slot`, with its user's rules, its database and its address in the logs;
//! * where the reply goes: any [`Reply`](crate::wire::Reply), with the protocol and the limit that this one has.
//!
//! # The contract
//!
//! 1. **Admit.** The gates, in the order of [`super::gates`], let the command on, refuse it, hold it back or queue
//!    it. A refusal is an error reply and changes nothing.
//! 2. **Run.** The handler leaves one reply; if it fails, an error and nothing else.
//! 3. **Follow up.** The command's keyspace changes reach WATCH, blocked clients, tracking and keyspace events,
//!    and MONITOR clients are shown the command.
//!
//! In a frame inside another command that is all: the reply is a part of something, and whatever the
//! command pushes waits for the end of the command around it. In [`Frame::Top`] follow
//!
//! 4. **Reply.** The reply is complete: one that is too large becomes an error, one that CLIENT REPLY does not
//!    want is taken back, and that of a command that waits is kept for when its time is up.
//! 5. **Late pushes.** What the command has pushed to its own client follows the reply.
//! 6. **Serve.** Blocked clients run their commands on the keys that this one has changed.
//!
//! A reply that is given later, to a blocked command or one that a pause holds back, goes to the client's
//! outbox: [`Outcome::Waits`], [`Outcome::HeldBack`].
//!
//! # From inside a handler
//!
//! EVAL would call a command so, with the reply in a buffer of its own:
//!
//! ```
//! use respd::internals::dispatch::{Ctx, Frame, Invocation, Outcome, ScriptFlags};
//! use respd::{Args, Protocol, Reply};
//!
//! fn redis_call(ctx: &mut Ctx<'_>, args: Args<'_>) -> (Outcome, Vec<u8>) {
//!     let frame = Frame::Script(ScriptFlags { no_writes: true, ..ScriptFlags::default() });
//!     let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
//!     let within = Invocation::within(ctx, frame, args);
//!     let outcome = Invocation { reply: &mut reply, ..within }.invoke();
//!     (outcome, reply.into_inner())
//! }
//! ```
//!
//! From outside any handler, where a log is replayed or an embedder calls, the way in is
//! [`Engine::invoke`](../../engine/struct.Engine.html#method.invoke).

use super::frame::Frame;
use super::gates::Admitted;
use super::invocation::Invocation;
use super::permission;
use super::serve;
use super::spec::flag;
use super::table::{Found, Row};
use super::telemetry;
use crate::listeners::{BlockedCommand, WaitCondition, Wake};
use crate::session::{Gap, ReplyMode};
use crate::wire::Mark;

/// What came of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The handler has run.
    Ran {
        /// How many replies it has written: one, but for commands such as SUBSCRIBE.
        replies: usize,
        /// Whether the reply is an error.
        has_failed: bool,
    },
    /// A gate has refused the command. The reply is an error.
    Refused,
    /// The command is queued for EXEC. The reply says so.
    Queued,
    /// The command waits for data, or its reply does for a time. There is no reply yet.
    Waits,
    /// The command waits for the end of a pause. There is no reply yet.
    HeldBack,
}

impl Outcome {
    /// How many replies have been written.
    pub fn replies(self) -> usize {
        match self {
            Outcome::Ran { replies, .. } => replies,
            Outcome::Refused | Outcome::Queued => 1,
            Outcome::Waits | Outcome::HeldBack => 0,
        }
    }
}

impl<'a> Invocation<'a> {
    /// Finds the command that the arguments name, and runs it by the contract.
    pub fn invoke(&mut self) -> Outcome {
        let found = match self.table.find(self.args) {
            Found::NoCommand if self.frame == Frame::Replay => self.table.find_disabled(self.args),
            found => found,
        };
        if self.frame == Frame::Top {
            self.world.clients[self.slot].last_command = match found {
                Found::Row(row) => Some(row.id),
                Found::NoCommand | Found::NoSubcommand(_) => None,
            };
        }
        self.invoke_found(found)
    }

    /// As [`Invocation::invoke`], for a command that has been found before.
    pub fn invoke_row(&mut self, row: &'a Row) -> Outcome {
        self.invoke_found(Found::Row(row))
    }

    /// As [`Invocation::invoke`], for what [`Table::find`](super::table::Table::find) has found.
    #[inline]
    pub(crate) fn invoke_found(&mut self, found: Found<'a>) -> Outcome {
        match self.world.stage.is_some() | self.table.asks_hook {
            true => self.invoke_on_stage(found),
            false => self.invoke_by_contract::<false>(found),
        }
    }

    /// Runs the command by the contract. What looks at the stage, or asks a hook, is compiled in only if `STAGED`: without, a
    /// pipelined PING takes 1,153 instructions, and 16 more if each place asks whether there is one.
    #[inline]
    pub(super) fn invoke_by_contract<const STAGED: bool>(&mut self, found: Found<'a>) -> Outcome {
        // 1. Admit. The gates may write pushes about evicted keys, which are no part of the reply.
        let admitted = self.admit::<STAGED>(found);
        let start = self.reply.mark();
        let (mut keeps_caching, mut wait) = (false, None);
        let outcome = match admitted {
            Ok(Admitted::Run(row)) => {
                // 2. Run.
                let called = self.call(row);
                // 3. Follow up.
                self.follow_up(row);
                telemetry::feed_monitors(self.world, row, self.frame, self.slot, self.args);
                keeps_caching = row.has(flag::KEEPS_CACHING);
                wait = called.until.map(|until| (row, until));
                Outcome::Ran { replies: called.replies, has_failed: called.has_failed }
            }
            Ok(Admitted::Queue(row)) => self.queue(row),
            Ok(Admitted::HoldBack) => {
                self.world.hold_back(self.slot, self.args);
                return Outcome::HeldBack;
            }
            Err(refused) => {
                self.refuse(&refused);
                Outcome::Refused
            }
        };
        if self.frame != Frame::Top {
            return outcome;
        }
        // 4. Reply.
        let is_silent = self.end_reply(start);
        let outcome = match wait {
            Some((row, until)) => self.start_waiting(row, start, *until, outcome, is_silent),
            None => {
                if STAGED {
                    self.complete_reply(found, start);
                }
                outcome
            }
        };
        if self.world.tracking.is_on() {
            self.world.end_tracked_command(self.slot, keeps_caching);
        }
        // 5. Late pushes.
        self.reply.append(&mut self.world.clients[self.slot].outbox.late);
        // 6. Serve. What is pushed to this client by that follows its reply as well.
        if self.world.waiters.has_ready() {
            serve::serve(self.world, self.table, self.timer, self.driver);
            self.reply.append(&mut self.world.clients[self.slot].outbox.late);
        }
        outcome
    }

    /// Queues the command for EXEC.
    #[inline(never)]
    fn queue(&mut self, row: &Row) -> Outcome {
        let selected = permission::selected(self.world, row, self.args);
        let flags = self.flags(row);
        if let Some(transaction) = self.world.clients[self.slot].transaction_mut() {
            transaction.push(row.id, flags, self.args, selected);
        }
        self.reply.status("QUEUED");
        Outcome::Queued
    }

    /// Completes the reply. Returns whether CLIENT REPLY has had it taken back. A call of it would be 32 of the 1,153
    /// instructions of a pipelined PING.
    #[inline(always)]
    pub(super) fn end_reply(&mut self, start: Mark) -> bool {
        if self.reply.is_full()
            && let Some(error) = self.world.reply_is_full(self.reply, self.slot)
        {
            self.reply.replace(start, &error);
        }
        let client = &mut self.world.clients[self.slot];
        let is_silent = client.reply_mode != ReplyMode::On;
        if is_silent {
            self.reply.rewind(start);
            client.reply_mode = client.reply_mode.after_request();
        }
        is_silent
    }

    /// Keeps the command until what it waits for is there. The reply is taken back and kept with it.
    #[cold]
    fn start_waiting(
        &mut self,
        row: &Row,
        start: Mark,
        mut until: WaitCondition,
        outcome: Outcome,
        is_silent: bool,
    ) -> Outcome {
        if let Wake::Ahead(number) = until.wake {
            let at = self.reply.mark().position();
            let (args, command) = (self.args.to_owned(), row.id);
            self.reply.stop_sharing();
            let (reply, protocol) = (None, self.client().protocol);
            let gap = Gap { at, number, reply, command, args, protocol, is_silent };
            self.world.leave_gap(self.slot, gap);
            return Outcome::Waits;
        }
        let has_failed = matches!(outcome, Outcome::Ran { has_failed: true, .. });
        let answer = self.reply.since(start).to_vec();
        self.reply.rewind(start);
        let args = self.args.to_owned_with(&std::mem::take(&mut until.kept));
        let (command, db) = (row.id, self.client().db);
        let wait = BlockedCommand { command, args, db, until, answer, has_failed, is_silent };
        self.world.start_waiting(self.slot, wait);
        Outcome::Waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::dispatch::spec::{Spec, flag};
    use crate::dispatch::{Ctx, ScriptFlags, Table};
    use crate::embed::local::{Connection, Local, request};
    use crate::error::Error;
    use crate::peer::{Kind, Peer};
    use crate::wire::{Args, OwnedArgs, Protocol, Reply};

    const SCRIPT: Frame =
        Frame::Script(ScriptFlags { no_writes: false, allow_oom: false, crosses_slots: false });
    const READ_ONLY: Frame =
        Frame::Script(ScriptFlags { no_writes: true, allow_oom: false, crosses_slots: false });
    const OOM_ALLOWED: Frame =
        Frame::Script(ScriptFlags { no_writes: false, allow_oom: true, crosses_slots: false });

    fn words(line: &str) -> OwnedArgs {
        line.split(' ').collect()
    }

    /// A server with one client, whose slot is 0.
    fn local(options: &[(&str, &str)]) -> (Local, Connection) {
        let mut config = Config::default();
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let mut local = Local::new(config);
        let client = local.connect();
        (local, client)
    }

    /// Invokes a command as the client in slot 0. The reply goes to a buffer of its own.
    fn invoke(local: &mut Local, frame: Frame, line: &str) -> (Outcome, String) {
        let mut reply = Reply::new(Vec::new(), Protocol::Resp2);
        let outcome = local.engine.invoke(frame, 0, words(line).args(), &mut reply);
        (outcome, String::from_utf8(reply.into_inner()).unwrap())
    }

    /// The reply to a command in a frame.
    fn reply(local: &mut Local, frame: Frame, line: &str) -> String {
        invoke(local, frame, line).1
    }

    fn call(local: &mut Local, client: Connection, line: &str) -> String {
        local.send(client, &request(line.split(' ')));
        String::from_utf8(local.received(client)).unwrap()
    }

    #[test]
    fn the_reply_goes_where_the_invocation_says() {
        let (mut local, client) = local(&[]);
        let ran = Outcome::Ran { replies: 1, has_failed: false };
        for frame in [Frame::Top, Frame::Transaction, SCRIPT, Frame::Replay] {
            assert_eq!(invoke(&mut local, frame, "SET k v"), (ran, "+OK\r\n".to_owned()));
            assert_eq!(reply(&mut local, frame, "GET k"), "$1\r\nv\r\n");
        }
        let failed = Outcome::Ran { replies: 1, has_failed: true };
        assert_eq!(invoke(&mut local, SCRIPT, "INCR k").0, failed);
        assert!(local.received(client).is_empty());
    }

    #[test]
    fn in_every_frame_a_command_exists_and_has_its_arguments() {
        let (mut local, _) = local(&[]);
        for (frame, unknown, arity) in [
            (
                Frame::Top,
                "-ERR unknown command 'nosuch', with args beginning with: \r\n",
                "-ERR wrong number of arguments for 'get' command\r\n",
            ),
            (
                SCRIPT,
                "-ERR Unknown command called from script\r\n",
                "-ERR Wrong number of args calling command from script\r\n",
            ),
            (
                Frame::Replay,
                "-ERR unknown command 'nosuch', with args beginning with: \r\n",
                "-ERR wrong number of arguments for 'get' command\r\n",
            ),
        ] {
            assert_eq!(invoke(&mut local, frame, "nosuch"), (Outcome::Refused, unknown.into()));
            assert_eq!(invoke(&mut local, frame, "get"), (Outcome::Refused, arity.into()));
        }
        let subcommand = "-ERR unknown subcommand 'nosuch'. Try CONFIG HELP.\r\n";
        assert_eq!(reply(&mut local, SCRIPT, "config nosuch"), subcommand);
    }

    #[test]
    fn a_script_runs_no_command_with_the_flag_noscript() {
        let (mut local, _) = local(&[]);
        let refused = "-ERR This Valkey command is not allowed from script\r\n";
        let lines: Vec<String> = local
            .engine
            .table()
            .rows()
            .filter(|row| row.has(flag::NOSCRIPT))
            .map(|row| {
                let arguments = usize::from(row.spec.arity.unsigned_abs());
                let name = row.full_name.replace('|', " ");
                let missing = arguments.saturating_sub(name.split(' ').count());
                format!("{name}{}", " 1".repeat(missing))
            })
            .collect();
        assert!(lines.len() > 50, "{lines:?}");
        for line in lines {
            assert_eq!(reply(&mut local, SCRIPT, &line), refused, "{line}");
        }
        assert_eq!(reply(&mut local, SCRIPT, "PING"), "+PONG\r\n");
        assert_eq!(reply(&mut local, Frame::Replay, "MULTI"), "+OK\r\n");
        let multi = local.engine.table().named(b"multi").unwrap().id;
        assert_eq!(local.engine.world.stats.command(multi).rejected, 1);
    }

    #[test]
    fn a_script_is_granted_what_its_caller_is() {
        let (mut local, client) = local(&[]);
        call(&mut local, client, "ACL SETUSER bob on nopass +@all -get ~a* resetchannels");
        call(&mut local, client, "AUTH bob x");
        for (line, refused) in [
            ("get a", "User bob has no permissions to run the 'get' command"),
            ("set b c", "No permissions to access a key"),
            ("publish b c", "No permissions to access a channel"),
        ] {
            let refused = format!("-ERR ACL failure in script: {refused}\r\n");
            assert_eq!(reply(&mut local, SCRIPT, line), refused);
        }
        assert_eq!(reply(&mut local, SCRIPT, "set a b"), "+OK\r\n");
        let log = call(&mut local, client, "ACL LOG");
        assert_eq!(log.matches("$3\r\nlua\r\n").count(), 3, "{log}");
        let errors = call(&mut local, client, "INFO errorstats");
        assert!(errors.contains("errorstat_NOPERM:count=3"), "{errors}");
    }

    #[test]
    fn what_a_transaction_runs_is_permitted_again() {
        let (mut local, client) = local(&[]);
        call(&mut local, client, "ACL SETUSER bob on nopass +@all ~a*");
        call(&mut local, client, "AUTH bob x");
        let refused = reply(&mut local, Frame::Transaction, "set b c");
        assert!(refused.starts_with("-NOPERM ACLs rules changed between"), "{refused}");
        assert!(refused.ends_with("no permission to touch the specified keys\r\n"), "{refused}");
        let set = local.engine.table().named(b"set").unwrap().id;
        assert_eq!(local.engine.world.stats.command(set).rejected, 0);
    }

    #[test]
    fn a_read_only_script_runs_no_command_that_may_write() {
        let (mut local, _) = local(&[]);
        let refused = "-ERR Write commands are not allowed from read-only scripts.\r\n";
        for line in ["SET k v", "DEL k", "PUBLISH a b"] {
            assert_eq!(reply(&mut local, READ_ONLY, line), refused);
            assert_ne!(reply(&mut local, SCRIPT, line), refused);
        }
        assert_eq!(reply(&mut local, READ_ONLY, "EXISTS k"), ":0\r\n");
    }

    #[test]
    fn a_script_takes_no_memory_where_there_is_none_unless_it_may() {
        let (mut local, client) = local(&[]);
        call(&mut local, client, "SET k v");
        call(&mut local, client, "CONFIG SET maxmemory 1");
        let refused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
        assert_eq!(reply(&mut local, Frame::Top, "SET k 1"), refused);
        assert_eq!(reply(&mut local, SCRIPT, "SET k 2"), refused);
        assert_eq!(reply(&mut local, SCRIPT, "DEL k"), ":1\r\n");
        for frame in [OOM_ALLOWED, Frame::Transaction, Frame::Replay] {
            assert_eq!(reply(&mut local, frame, "SET k 3"), "+OK\r\n");
        }
    }

    #[test]
    fn no_key_is_evicted_while_a_script_runs() {
        let (mut local, client) = local(&[]);
        call(&mut local, client, "SET k v");
        call(&mut local, client, "CONFIG SET maxmemory-policy allkeys-random");
        local.engine.world.config.maxmemory = 1;
        assert_eq!(reply(&mut local, SCRIPT, "GET k"), "$1\r\nv\r\n");
        assert_eq!(reply(&mut local, Frame::Top, "GET k"), "$-1\r\n");
    }

    #[test]
    fn a_script_runs_no_operators_command_on_the_port_for_clients() {
        let mut config = Config::default();
        config.apply_option("admin-commands-on-admin-port", "yes").unwrap();
        let mut local = Local::new(config);
        local.try_connect(Peer { kind: Kind::Tcp, ..Peer::local() }).unwrap();
        assert!(reply(&mut local, SCRIPT, "FLUSHALL").contains("administration port"));
        assert_eq!(reply(&mut local, Frame::Replay, "FLUSHALL"), "+OK\r\n");
    }

    #[test]
    fn nothing_refuses_a_command_that_is_replayed() {
        let options = [("requirepass", "sesame"), ("start-ready", "no"), ("maxmemory", "1")];
        let (mut local, _) = local(&options);
        assert_eq!(
            reply(&mut local, Frame::Top, "SET k v"),
            "-NOAUTH Authentication required.\r\n"
        );
        assert_eq!(reply(&mut local, Frame::Replay, "ACL SETUSER default -@all"), "+OK\r\n");
        assert_eq!(reply(&mut local, Frame::Replay, "SET k v"), "+OK\r\n");
        assert_eq!(reply(&mut local, Frame::Replay, "CLIENT PAUSE 100000 ALL"), "+OK\r\n");
        assert_eq!(reply(&mut local, Frame::Replay, "GET k"), "$1\r\nv\r\n");
    }

    #[test]
    fn a_transaction_is_replayed_as_it_was_logged() {
        let (mut local, _) = local(&[]);
        assert_eq!(reply(&mut local, Frame::Replay, "ACL SETUSER default -@all"), "+OK\r\n");
        assert_eq!(reply(&mut local, Frame::Replay, "MULTI"), "+OK\r\n");
        let queued = (Outcome::Queued, "+QUEUED\r\n".to_owned());
        assert_eq!(invoke(&mut local, Frame::Replay, "INCR n"), queued);
        assert_eq!(invoke(&mut local, Frame::Replay, "BLPOP l 0"), queued);
        assert_eq!(reply(&mut local, Frame::Replay, "EXEC"), "*2\r\n:1\r\n*-1\r\n");
    }

    #[test]
    fn only_a_request_of_its_own_waits() {
        let (mut local, _) = local(&[]);
        for frame in [Frame::Transaction, Frame::Replay] {
            let (outcome, reply) = invoke(&mut local, frame, "BLPOP l 0");
            assert_eq!((outcome.replies(), &*reply), (1, "*-1\r\n"));
        }
        // BLPOP is a command that scripts may call.
        assert_eq!(reply(&mut local, SCRIPT, "BLPOP l 0"), "*-1\r\n");
        assert_eq!(reply(&mut local, SCRIPT, "BLMOVE l m LEFT LEFT 0"), "$-1\r\n");
        assert_eq!(invoke(&mut local, Frame::Top, "BLPOP l 0"), (Outcome::Waits, String::new()));
        let pushing = local.connect();
        call(&mut local, pushing, "RPUSH l x");
        assert_eq!(&local.engine.unsent(0)[..], b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    }

    #[test]
    fn a_pause_holds_back_requests_and_nothing_that_is_begun() {
        let (mut local, client) = local(&[]);
        call(&mut local, client, "CLIENT PAUSE 1000 WRITE");
        for frame in [Frame::Transaction, SCRIPT, Frame::Replay] {
            assert_eq!(reply(&mut local, frame, "SET k v"), "+OK\r\n");
        }
        let held_back = (Outcome::HeldBack, String::new());
        assert_eq!(invoke(&mut local, Frame::Top, "SET k w"), held_back);
        local.advance(std::time::Duration::from_secs(1));
        assert_eq!(local.received(client), b"+OK\r\n");
        assert_eq!(call(&mut local, client, "GET k"), "$1\r\nw\r\n");
    }

    #[test]
    fn a_command_that_is_held_back_is_still_the_one_of_client_caching() {
        let (mut local, client) = local(&[]);
        local.send(client, b"HELLO 3\r\nCLIENT TRACKING ON OPTIN\r\nCLIENT CACHING YES\r\n");
        local.received(client);
        let other = local.connect();
        call(&mut local, other, "CLIENT PAUSE 1000 ALL");
        assert_eq!(call(&mut local, client, "GET k"), "");
        local.advance(std::time::Duration::from_secs(1));
        assert_eq!(local.received(client), b"_\r\n");
        call(&mut local, other, "SET k v");
        assert_eq!(local.received(client), b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
    }

    #[test]
    fn monitor_shows_who_called_a_command() {
        let (mut local, _) = local(&[]);
        let monitor = local.connect();
        call(&mut local, monitor, "MONITOR");
        for (frame, origin) in
            [(Frame::Top, "[0 local:0]"), (Frame::Transaction, "[0 local:0]"), (SCRIPT, "[0 lua]")]
        {
            reply(&mut local, frame, "SET k v");
            let shown = String::from_utf8(local.received(monitor)).unwrap();
            assert!(shown.contains(&format!("{origin} \"SET\" \"k\" \"v\"")), "{shown}");
        }
        reply(&mut local, Frame::Replay, "SET k v");
        assert!(local.received(monitor).is_empty());
    }

    #[test]
    fn a_push_waits_for_the_end_of_the_command_around_it() {
        /// CALL command...: runs a command as a script would, and replies with its reply as a bulk string.
        fn call_command(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
            let args: OwnedArgs = args.from(1).collect();
            let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
            let within = Invocation::within(ctx, SCRIPT, args.args());
            let outcome = Invocation { reply: &mut reply, ..within }.invoke();
            assert_eq!(outcome.replies(), 1);
            ctx.reply.bulk(&reply.into_inner());
            Ok(())
        }
        const OWN: &[Spec] = &[Spec::new("call", -2, flag::NONE, call_command)];
        let mut table = Table::new(crate::commands::GROUPS.iter().copied());
        table.extend([("own", OWN)]);
        let mut local = Local::with_table(Config::default(), table);
        let client = local.connect();
        local.send(client, b"HELLO 3\r\nCLIENT TRACKING ON\r\nGET k\r\n");
        local.received(client);
        let push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
        assert_eq!(call(&mut local, client, "CALL SET k v"), format!("$5\r\n+OK\r\n\r\n{push}"));
        assert_eq!(call(&mut local, client, "CALL GET k"), "$7\r\n$1\r\nv\r\n\r\n");
        // What the called command has read is tracked.
        assert_eq!(call(&mut local, client, "SET k w"), format!("+OK\r\n{push}"));
    }
}
