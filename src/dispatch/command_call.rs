//! What a command of the embedder calls: see [`Frame::Call`](super::frame::Frame::Call).
//!
//! As with a script, what it has called and what it does itself are one batch of effects: a log holds all of it or
//! nothing, and each command once. INFO commandstats counts a called command, the logs of slow and large commands keep
//! it, and MONITOR shows it, when it is over, with `call` in place of an address; so it stands before the command that
//! called it. The time that it takes counts for both.

use super::ctx::Ctx;
use super::frame::Frame;
use super::invocation::Invocation;
use super::invoke::Outcome;
use super::spec::flag;
use super::table::Found;
use crate::error;
use crate::session::outbox::MAX_UNREAD;
use crate::wire::{Args, Protocol, Reply};

/// What the reply to a call is written to. It is one of RESP3 and no larger than a client may be sent.
pub(crate) fn reply_to_call() -> Reply {
    let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
    reply.set_limit(MAX_UNREAD);
    reply
}

impl Ctx<'_> {
    /// Calls another command, as the client whose command this is. Returns the bytes of its reply, which is one of RESP3.
    pub(crate) fn call(&mut self, args: Args<'_>) -> Vec<u8> {
        let mut reply = reply_to_call();
        if args.is_empty() {
            reply.error(&error::CALL_WITHOUT_NAME);
            return reply.into_inner();
        }
        let frame = self.frame.of_called();
        let is_write = || matches!(self.table.find(args), Found::Row(row) if row.has(flag::WRITE));
        let is_scripts_write = matches!(frame, Frame::Script(_)) && is_write();
        self.world.store.shared.effects.hold();
        let suspended = self.timer.suspend();
        let within = Invocation::within(self, frame, args);
        let outcome = Invocation { reply: &mut reply, ..within }.invoke();
        self.timer.resume(suspended, &mut self.world.stats);
        self.world.store.shared.effects.release();
        if is_scripts_write && matches!(outcome, Outcome::Ran { .. }) {
            self.world.script_writes();
        }
        reply.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::dispatch::Table;
    use crate::dispatch::spec::Spec;
    use crate::dispatch::spec::flag::*;
    use crate::embed::local::{Connection, Local, request};
    use crate::error::Error;
    use crate::peer::{Kind, Peer};
    use crate::wire::OwnedArgs;
    use crate::world::{RunningScript, ScriptKind};

    const OWN: &[Spec] = &[
        Spec::new("call", -1, NO_AUTH | LOADING | ALLOW_BUSY, call),
        Spec::new("starve", -1, NONE, starve),
    ];

    /// CALL word...: calls the words, and replies with the bytes of the reply.
    fn call(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        let words: OwnedArgs = args.from(1).collect();
        let reply = ctx.call(words.args());
        ctx.reply.bulk(&reply);
        Ok(())
    }

    /// STARVE word...: as CALL, when all memory is used up.
    fn starve(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        ctx.world.config.maxmemory = 1;
        call(ctx, args)
    }

    fn start(options: &[(&str, &str)]) -> (Local, Connection) {
        let mut config = Config::default();
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let mut table = Table::new(crate::commands::GROUPS.iter().copied());
        table.extend([("own", OWN)]);
        let mut local = Local::with_table(config, table);
        let client = local.try_connect(Peer { kind: Kind::Tcp, ..Peer::local() }).unwrap();
        (local, client)
    }

    fn send(local: &mut Local, client: Connection, line: &str) -> String {
        local.send(client, &request(line.split(' ')));
        String::from_utf8(local.received(client)).unwrap()
    }

    /// The reply that CALL has got.
    fn called(local: &mut Local, client: Connection, line: &str) -> String {
        let reply = send(local, client, line);
        let (_, called) = reply.split_once("\r\n").unwrap();
        called.trim_end().to_owned()
    }

    #[test]
    fn a_client_that_has_not_logged_in_has_nothing_called() {
        let (mut local, client) = start(&[("requirepass", "sesame")]);
        for line in ["CALL GET k", "CALL CALL GET k", "CALL nosuch"] {
            assert!(send(&mut local, client, line).contains("-NOAUTH"), "{line}");
        }
        assert_eq!(called(&mut local, client, "CALL AUTH sesame"), "+OK");
        assert_eq!(called(&mut local, client, "CALL GET k"), "_");
    }

    #[test]
    fn a_call_needs_what_a_request_needs() {
        let (mut local, client) = start(&[("admin-commands-on-admin-port", "yes")]);
        assert!(called(&mut local, client, "CALL FLUSHALL").contains("administration port"));
        assert_eq!(called(&mut local, client, "CALL GET k"), "_");
        assert!(called(&mut local, client, "CALL").starts_with("-ERR a call begins"));
        assert!(called(&mut local, client, "CALL GET").starts_with("-ERR wrong number"));
        let world = &mut local.engine.world;
        world.set_unlogged(Some("the disk is full"), false);
        assert!(called(&mut local, client, "CALL SET k v").starts_with("-MISCONF"));
        local.engine.world.set_unlogged(None, false);
        local.engine.world.set_ready(false);
        assert!(called(&mut local, client, "CALL GET k").starts_with("-LOADING"));
        local.engine.world.set_ready(true);
        let elsewhere = RunningScript::new(77, ScriptKind::Eval, 0);
        local.engine.world.begin_script(elsewhere);
        assert!(called(&mut local, client, "CALL GET k").starts_with("-BUSY"));
        local.engine.world.end_script();
        assert_eq!(called(&mut local, client, "CALL GET k"), "_");
        let get = local.engine.table().named(b"get").unwrap().id;
        assert_eq!(local.engine.world.stats.command(get).rejected, 3);
    }

    /// A pause lets on what belongs to a command that it has let on.
    #[test]
    fn a_pause_does_not_hold_back_a_call() {
        let (mut local, client) = start(&[]);
        send(&mut local, client, "CLIENT PAUSE 1000 WRITE");
        assert_eq!(called(&mut local, client, "CALL SET k v"), "+OK");
        assert_eq!(send(&mut local, client, "SET k w"), "");
    }

    #[test]
    fn what_is_pushed_of_evicted_keys_is_no_part_of_a_called_reply() {
        let (mut local, client) = start(&[("maxmemory-policy", "allkeys-random")]);
        local.send(client, b"HELLO 3\r\nSET k v\r\nCLIENT TRACKING ON\r\nGET k\r\n");
        local.received(client);
        let reply = send(&mut local, client, "STARVE GET k");
        let push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
        assert_eq!(reply, format!("$3\r\n_\r\n\r\n{push}"));
    }

    #[test]
    fn a_reply_that_is_too_large_is_an_error_and_closes_no_client() {
        let (mut local, client) = start(&[("client-output-buffer-limit", "normal 100kb 0 0")]);
        local.call(client, [&b"SET"[..], b"k", &vec![b'x'; MAX_UNREAD / 4]]);
        let reply = called(&mut local, client, "CALL MGET k k k k");
        assert_eq!(reply.as_bytes(), [b"-", error::REPLY_TOO_LARGE.as_bytes()].concat());
        assert_eq!(send(&mut local, client, "PING"), "+PONG\r\n");
    }

    /// A reply that is none of one frame would be read as something else; and a script calls no more than a command.
    #[test]
    fn what_cannot_be_called_is_marked() {
        let table = Table::new(crate::embed::groups());
        let is_bare = |row: &&crate::dispatch::Row| row.subcommands.is_empty();
        for row in table.rows().filter(is_bare) {
            if row.has(MANY_REPLIES) {
                assert!(row.has(NO_CALL), "{}", row.full_name);
            }
            if row.has(NO_CALL) {
                assert!(row.has(NOSCRIPT), "{}", row.full_name);
            }
        }
        assert_eq!(table.rows().filter(|row| row.has(NO_CALL)).count(), 21);
    }
}
