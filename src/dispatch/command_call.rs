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
