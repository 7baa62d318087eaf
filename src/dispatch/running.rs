//! Scripts that run long: when the server is busy, who is served meanwhile, and how a script is ended.
//!
//! A handler that runs a script does so in [`Ctx::run_script`], and while the script goes on (every few thousand
//! instructions of its machine, and every few commands) calls [`Ctx::script_goes_on`]. When `busy-reply-threshold` is over, the
//! server is busy: from then on each of these calls serves the other clients once, by the engine's [`Driver`]. Of
//! their commands those with [`ALLOW_BUSY`](super::spec::flag::ALLOW_BUSY) run, and all others are refused at a
//! gate. When one of them ends the script, the call is an error, with which the script is to end.
//!
//! ```
//! use respd::internals::dispatch::Ctx;
//! use respd::internals::error::Error;
//! use respd::Args;
//! use respd::internals::world::ScriptKind;
//!
//! /// What EVAL looks like from here: `step` runs some instructions, and says when the script is over.
//! fn eval(ctx: &mut Ctx<'_>, args: Args<'_>, mut step: impl FnMut() -> bool) -> Result<(), Error> {
//!     ctx.run_script(ScriptKind::Eval, |ctx| {
//!         while !step() {
//!             ctx.script_goes_on(args)?;
//!         }
//!         ctx.reply.ok();
//!         Ok(())
//!     })
//! }
//! ```
//!
//! For the script and for what expires time stands still. A script that catches the error is told it again at the
//! next call.
//!
//! [`Driver`]: super::Driver

use super::ctx::Ctx;
use crate::error::{self, Error};
use crate::telemetry::peer_log::Cause;
use crate::wire::Args;
use crate::world::{RunningScript, ScriptKind};

/// What FUNCTION STATS shows of a function that runs.
#[derive(Clone, Copy)]
pub struct RunningFunction<'a> {
    /// The function's own name.
    pub name: &'a [u8],
    /// FCALL, the function's name, and the rest of the command.
    pub command: Args<'a>,
    pub millis: u64,
}

impl Ctx<'_> {
    /// Runs a script: while `run` does, it is the one that [`Ctx::script_goes_on`] speaks of.
    pub fn run_script<T>(&mut self, kind: ScriptKind, run: impl FnOnce(&mut Self) -> T) -> T {
        self.world.begin_script(RunningScript::new(self.slot, kind, self.timer.started()));
        let result = run(self);
        self.world.end_script();
        result
    }

    // ANCHOR: goes_on
    /// The script at hand goes on. Serves the other clients if it has run for long. An error says that it is to
    /// end, and why. `args` is the command that runs it.
    pub fn script_goes_on(&mut self, args: Args<'_>) -> Result<(), Error> {
        let threshold = self.world.config.busy_reply_threshold;
        let (slot, nanos) = (self.slot, self.timer.now());
        let is_leaving = self.world.reactor_requests.shutdown;
        let Some(running) = self.world.running.as_mut().filter(|running| running.slot() == slot)
        else {
            return Ok(());
        };
        let millis = running.millis(nanos);
        let is_late = threshold > 0 && (running.is_busy() || millis >= threshold);
        if is_late && !is_leaving {
            if !running.is_busy() {
                running.is_busy_with(args);
                let (id, now) = (self.client().id, self.now().mono);
                let line = format_args!(
                    "a script of client {id} has run for {millis} ms: others are told BUSY"
                );
                self.world.peer_log.log(Cause::SlowScript, now, line);
            }
            self.serve_others();
        }
        self.world.may_script_go_on()
    }
    // ANCHOR_END: goes_on

    /// Gives the other clients their turn. They have a timer of their own, so that the time of the script's command
    /// is not theirs.
    fn serve_others(&mut self) {
        let now = self.world.now;
        let mut timer = self.timer.beside();
        self.driver.serve_meanwhile(self.world, self.table, &mut timer, self.slot);
        self.world.now = now;
    }

    /// The function that runs, if one does, for FUNCTION STATS. While it is a script of EVAL that runs, that is an
    /// error, as in Valkey 9.1.
    pub fn running_function(&self) -> Result<Option<RunningFunction<'_>>, Error> {
        let Some(running) = &self.world.running else {
            return Ok(None);
        };
        if running.kind() == ScriptKind::Eval {
            return Err(error::busy(self.world.config.persona.title, running.kind().killer()));
        }
        let millis = running.millis(self.timer.now());
        let name = running.name();
        Ok(running.command().map(|command| RunningFunction { name, command, millis }))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::dispatch::spec::{Spec, flag};
    use crate::dispatch::{Frame, Invocation, ScriptFlags, Table};
    use crate::embed::local::{Connection, Local, request};
    use crate::wire::{OwnedArgs, Reply};

    const OWN: &[Spec] = &[
        Spec::new("script", -2, flag::NONE, script),
        Spec::new("stats", 1, flag::ALLOW_BUSY, stats),
        Spec::new("kill", 1, flag::ALLOW_BUSY, kill),
    ];

    thread_local! {
        static NANOS: Cell<u64> = const { Cell::new(0) };
    }

    /// A clock that goes on by a second whenever it is read.
    fn seconds() -> u64 {
        NANOS.set(NANOS.get() + 1_000_000_000);
        NANOS.get()
    }

    /// SCRIPT turns [command...]: calls the command, takes so many turns, and calls it again. What it does is one
    /// transaction.
    fn script(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        let turns: usize = std::str::from_utf8(&args[1]).unwrap().parse().unwrap();
        ctx.world.store.shared.effects.hold();
        let result = ctx.run_script(ScriptKind::Function, |ctx| {
            call(ctx, args);
            (0..turns).try_for_each(|_| ctx.script_goes_on(args))?;
            call(ctx, args);
            Ok(())
        });
        ctx.world.store.shared.effects.release();
        result.map(|()| ctx.reply.ok())
    }

    /// Calls the command that a script was given.
    fn call(ctx: &mut Ctx<'_>, args: Args<'_>) {
        let words: OwnedArgs = args.from(2).collect();
        if args.len() > 2 {
            let mut reply = Reply::new(Vec::new(), Default::default());
            let frame = Frame::Script(ScriptFlags::default());
            let within = Invocation::within(ctx, frame, words.args());
            Invocation { reply: &mut reply, ..within }.invoke();
        }
    }

    /// FUNCTION STATS
    fn stats(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
        let text = match ctx.running_function()? {
            None => "none".to_owned(),
            Some(running) => {
                let words: Vec<_> = running.command.from(0).map(String::from_utf8_lossy).collect();
                format!("{} for {} ms", words.join(" "), running.millis)
            }
        };
        ctx.reply.bulk(text.as_bytes());
        Ok(())
    }

    fn kill(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
        ctx.world.kill_script(ScriptKind::Function)?;
        ctx.reply.ok();
        Ok(())
    }

    /// A server with two clients, whose clock goes on by itself, and with these options.
    fn local(options: &[(&str, &str)]) -> (Local, [Connection; 2]) {
        let mut config = Config::default();
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let mut table = Table::new(crate::commands::GROUPS.iter().copied());
        table.extend([("own", OWN)]);
        let mut local = Local::with_table(config, table);
        local.time_commands_by(seconds);
        let clients = [(); 2].map(|()| local.connect());
        (local, clients)
    }

    fn words(line: &str) -> Vec<u8> {
        request(line.split(' '))
    }

    fn received(local: &mut Local, client: Connection) -> String {
        String::from_utf8(local.received(client)).unwrap()
    }

    const BUSY: &str = "-BUSY Valkey is busy running a script. You can only call FUNCTION KILL or \
                        SHUTDOWN NOSAVE.\r\n";

    #[test]
    fn others_are_served_when_the_threshold_is_over_and_never_at_0() {
        for (threshold, busy) in [("5000", 3), ("7000", 1), ("0", 0)] {
            let (mut local, [own, other]) = local(&[("lua-time-limit", threshold)]);
            (0..9).for_each(|_| local.send_meanwhile(other, &words("PING")));
            // The clock is read when the script begins, and at each of its turns.
            local.send(own, &words("SCRIPT 7"));
            assert_eq!(received(&mut local, own), "+OK\r\n");
            assert_eq!(received(&mut local, other), BUSY.repeat(busy), "{threshold}");
        }
    }

    #[test]
    fn the_function_that_runs_is_shown_while_others_are_served() {
        let (mut local, [own, other]) = local(&[("busy-reply-threshold", "3000")]);
        for line in ["STATS", "KILL", "PING"] {
            local.send_meanwhile(other, &words(line));
        }
        local.send(other, &words("STATS"));
        assert_eq!(received(&mut local, other), "$4\r\nnone\r\n");
        local.send(own, &words("SCRIPT 9"));
        let killed = "-ERR Script killed by user with FUNCTION KILL.\r\n";
        assert_eq!(received(&mut local, own), killed);
        assert_eq!(received(&mut local, other), "$20\r\nSCRIPT 9 for 5000 ms\r\n+OK\r\n");
    }

    /// What others run meanwhile is no part of the time that is counted for them, and all of it is of the script's.
    #[test]
    fn the_script_s_command_is_timed_from_its_beginning_to_its_end() {
        let (mut local, [own, other]) = local(&[("busy-reply-threshold", "1")]);
        for _ in 0..3 {
            local.send_meanwhile(other, &words("SELECT 1"));
        }
        let began = NANOS.get();
        local.send(own, &words("SCRIPT 3"));
        let took = NANOS.get() - began;
        let mut nanos = |name: &str| {
            let id = local.engine.table().named(name.as_bytes()).unwrap().id;
            let stats = local.engine.world.stats.command(id);
            (stats.calls, stats.nanos)
        };
        // A reading of the clock takes a second, and the first is when the script begins.
        assert_eq!(nanos("script"), (1, took - 1_000_000_000));
        assert_eq!(nanos("select"), (3, 3_000_000_000));
    }

    #[test]
    fn blocked_clients_are_served_when_the_script_is_over() {
        let (mut local, [own, other]) = local(&[("busy-reply-threshold", "1")]);
        let blocked = local.connect();
        local.send(blocked, &words("BLPOP list 0"));
        local.send_meanwhile(other, &words("CLIENT ID"));
        local.send_meanwhile(other, &words("LLEN list"));
        local.send(own, &words("SCRIPT 3 RPUSH list a"));
        assert_eq!(received(&mut local, other), format!(":2\r\n{BUSY}"));
        assert_eq!(received(&mut local, blocked), "*2\r\n$4\r\nlist\r\n$1\r\na\r\n");
    }

    #[test]
    fn nothing_is_evicted_for_those_who_are_served_meanwhile() {
        let options = [("busy-reply-threshold", "1"), ("maxmemory-policy", "volatile-random")];
        let (mut local, [own, other]) = local(&options);
        local.call(own, ["SET", "k", "v", "EX", "60"]);
        local.engine.world.config.maxmemory = local.engine.world.memory().total() + 10_000;
        local.send_meanwhile(other, &words("CLIENT ID"));
        local.send(own, &words("SCRIPT 3 SETRANGE big 100000 x"));
        assert!(local.engine.world.is_full());
        assert_eq!(local.engine.world.store.db(0).len(), 2);
        assert_eq!(received(&mut local, other), ":2\r\n");
    }

    #[test]
    fn what_a_script_has_done_is_said_at_its_end_and_as_one() {
        let (mut local, [own, other]) = local(&[("busy-reply-threshold", "1")]);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = heard.clone();
        local.engine.world.store.listen_to_effects(Box::new(move |batches| {
            let effects: Vec<usize> = batches.iter().map(|batch| batch.iter().len()).collect();
            listener.lock().unwrap().push(effects);
        }));
        local.send_meanwhile(other, &words("CLIENT ID"));
        local.send(own, &words("SCRIPT 3 INCR k"));
        assert_eq!(received(&mut local, other), ":2\r\n");
        assert_eq!(*heard.lock().unwrap(), [[2]]);
    }

    #[test]
    fn the_next_command_after_a_script_that_ran_long_is_told_the_time_anew() {
        let (mut local, [own, _]) = local(&[("busy-reply-threshold", "4000")]);
        local.send(own, &words("SCRIPT 2"));
        assert_eq!(local.engine.world.reactor_requests.stall, None);
        local.send(own, &words("SCRIPT 9"));
        assert_eq!(local.engine.world.reactor_requests.stall, Some(Duration::ZERO));
        assert!(local.engine.world.running.is_none());
    }
}
