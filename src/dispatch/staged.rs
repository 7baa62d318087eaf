//! What the stage makes of a command: see [`crate::stage`].
//!
//! A request meets its fault before the gates, so that one that is refused has met it, too. One that MULTI queues
//! does so when EXEC runs it, and one that waits keeps what becomes of its reply until that is complete. What a fault
//! does to a value (ERROR, REPLY, AS) it does where the command is; what it does to bytes or the connection it does to the
//! reply of the request around it.

use std::borrow::Cow;
use std::sync::Arc;

use super::frame::Frame;
use super::invocation::Invocation;
use super::invoke::Outcome;
use super::spec::flag;
use super::table::Found;
use crate::error;
use crate::peer::Kind;
use crate::stage::Stage;
use crate::stage::actions::{Actions, Source};
use crate::stage::shape::Shape;
use crate::wire::{Args, Mark, value};
use crate::world::{World, name_at};

/// What is the name of the container whose commands are never staged.
const STAGE: &str = "stage";

impl<'a> Invocation<'a> {
    /// Runs the command on a server that a test drives.
    #[cold]
    #[inline(never)]
    pub(super) fn invoke_on_stage(&mut self, found: Found<'a>) -> Outcome {
        let found = self.at_its_port(found);
        if self.frame == Frame::Top {
            self.enter(found);
        }
        // A command that a pause holds back comes again, and has met nothing until then.
        let before = self.world.pause.is_some().then(|| self.world.fault_counters());
        let met = self.meet(found);
        let outcome = match (self.frame, met) {
            (Frame::Top, met) => self.request_meets(found, met.as_deref()),
            (_, Some(met)) => self.part_meets(found, &met),
            (_, None) => self.invoke_by_contract::<true>(found),
        };
        if outcome == Outcome::HeldBack {
            self.world.record_hold(self.slot);
            if let Some(before) = before {
                self.world.unshape_reply(self.slot);
                self.world.set_fault_counters(&before);
            }
        }
        self.end_asking(outcome);
        outcome
    }

    /// The fault that the command meets.
    fn meet(&mut self, found: Found<'a>) -> Option<Arc<Actions>> {
        if self.frame == Frame::Replay {
            return None;
        }
        let World { stage, clients, access, .. } = &mut *self.world;
        let Stage { faults, nodes, sentinels, .. } = stage.as_deref_mut()?;
        let client = &clients[self.slot];
        let will_be_queued = self.frame == Frame::Top
            && client.transaction().is_some()
            && !matches!(found, Found::Row(row) if row.has(flag::UNQUEUED));
        // The server's own clients have no connection that could fail.
        let is_apart = client.is_own() || client.peer.kind == Kind::Admin;
        if faults.is_empty() || will_be_queued || is_apart {
            return None;
        }
        let name = full_name(found, self.args)?;
        let node = name_at(nodes, sentinels, &client.peer);
        let subject = client.subject(&access.user(client.user).name, node);
        faults.meet(&name, self.args, subject)
    }

    /// A request is an entry of the journal and a line of a recording, whatever comes of it.
    fn enter(&mut self, found: Found<'a>) {
        if self.world.keeps_journal()
            && let Some(name) = full_name(found, self.args)
        {
            self.world.journal_command(self.slot, &name, self.args);
        }
        if self.world.is_recorded() {
            self.world.record_request(self.slot, self.args);
        }
    }

    /// A request that may have met a fault.
    fn request_meets(&mut self, found: Found<'a>, met: Option<&Actions>) -> Outcome {
        if let Some(met) = met {
            self.world.shape_reply(self.slot, met.shape.clone());
            if met.source != Source::Run {
                return self.reply_in_its_place(found, &met.source);
            }
        }
        self.invoke_by_contract::<true>(found)
    }

    /// The reply to the request is complete: see [`World::complete_reply`].
    #[cold]
    #[inline(never)]
    pub(super) fn complete_reply(&mut self, found: Found<'a>, start: Mark) {
        // What SUBSCRIBE and its kin confirm may be pushed, and is their reply all the same.
        if matches!(found, Found::Row(row) if row.has(flag::MANY_REPLIES))
            && self.reply.since(start).is_empty()
        {
            self.reply.append(&mut self.world.clients[self.slot].outbox.late);
        }
        self.world.complete_reply(self.slot, self.reply, start, self.args);
    }

    /// The request does not run. Its reply is what the fault says.
    fn reply_in_its_place(&mut self, found: Found<'a>, source: &Source) -> Outcome {
        let start = self.reply.mark();
        if matches!(found, Found::Row(row) if row.has(flag::RUNS_QUEUE)) {
            // As a refused EXEC does: the client is right to take its transaction for over.
            self.world.end_transaction(self.slot);
            self.world.unwatch(self.slot);
        }
        self.write_source(source);
        self.end_reply(start);
        if self.world.tracking.is_on() {
            self.world.end_tracked_command(self.slot, false);
        }
        self.world.complete_reply(self.slot, self.reply, start, self.args);
        self.reply.append(&mut self.world.clients[self.slot].outbox.late);
        Outcome::Ran { replies: 1, has_failed: matches!(source, Source::Error(_)) }
    }

    /// A command of a transaction or a script has met a fault.
    fn part_meets(&mut self, found: Found<'a>, met: &Actions) -> Outcome {
        let Shape { converted, .. } = met.shape;
        let around = Shape { converted: None, ..met.shape.clone() };
        self.world.shape_reply(self.slot, around);
        if met.source != Source::Run {
            self.write_source(&met.source);
            let has_failed = matches!(met.source, Source::Error(_));
            return Outcome::Ran { replies: 1, has_failed };
        }
        let start = self.reply.mark();
        let outcome = self.invoke_by_contract::<true>(found);
        if converted.is_some() && !self.reply.is_full() {
            let shape = Shape { converted, ..Shape::default() };
            let part = self.reply.since(start).to_vec();
            let mut part = shape.lay_out(&part, self.reply.protocol()).bytes;
            self.reply.rewind(start);
            self.reply.append(&mut part);
        }
        outcome
    }

    /// Writes the reply of a command that does not run. Inside a transaction or a script there has to be one.
    fn write_source(&mut self, source: &Source) {
        match source {
            Source::Error(error) => {
                self.world.stats.count_error(error);
                self.reply.error(error);
            }
            Source::Reply(bytes)
                if matches!(self.frame, Frame::Script(_) | Frame::Call) && !is_reply(bytes) =>
            {
                self.reply.error(&error::STAGE_NO_REPLY);
            }
            Source::Reply(bytes) => self.reply.raw(bytes),
            Source::Run | Source::Nothing if self.frame != Frame::Top => self.reply.null(),
            Source::Run | Source::Nothing => {}
        }
    }
}

/// Returns whether the bytes are one reply, as a script needs it.
fn is_reply(bytes: &[u8]) -> bool {
    matches!(value::decode(bytes), Ok(Some((_, len))) if len == bytes.len())
}

/// The name of the command as COMMAND LIST would spell it, if there is such a command or not; none for those of STAGE.
fn full_name<'a>(found: Found<'a>, args: Args<'a>) -> Option<Cow<'a, [u8]>> {
    let name = match found {
        Found::Row(row) => Cow::Borrowed(row.full_name.as_bytes()),
        Found::NoSubcommand(row) => Cow::Owned([row.full_name.as_bytes(), &args[1]].join(&b'|')),
        Found::NoCommand => Cow::Borrowed(args.get(0).unwrap_or_default()),
    };
    let container = name.split(|&byte| byte == b'|').next();
    (container != Some(STAGE.as_bytes())).then_some(name)
}
