//! What the stage makes of a command: see [`crate::stage`].
//!
//! A request meets its fault before the gates, so that one that is refused has met it, too. One that MULTI queues
//! does so when EXEC runs it, and one that waits keeps what becomes of its reply until that is complete. What a fault
//! does to a value (ERROR, REPLY, AS) it does where the command is; what it does to bytes or the connection it does to the
//! reply of the request around it.

use std::borrow::Cow;

use super::frame::Frame;
use super::invocation::Invocation;
use super::invoke::Outcome;
use super::spec::flag;
use super::table::Found;
use crate::peer::Kind;
use crate::stage::actions::Source;
use crate::stage::fault::Met;
use crate::stage::matching::Subject;
use crate::stage::shape::Shape;
use crate::wire::Args;
use crate::world::World;

/// What is the name of the container whose commands are never staged.
const STAGE: &str = "stage";

impl<'a> Invocation<'a> {
    /// Runs the command on a server that a test drives.
    #[cold]
    #[inline(never)]
    pub(super) fn invoke_on_stage(&mut self, found: Found<'a>) -> Outcome {
        let is_request = self.frame == Frame::Top;
        if is_request {
            self.enter(found);
        }
        let outcome = match self.meet(found) {
            None => self.invoke_as_usual::<true>(found),
            Some(met) if is_request => self.request_meets(found, met),
            Some(met) => self.part_meets(found, &met),
        };
        if outcome == Outcome::HeldBack {
            self.world.record_hold(self.slot);
        }
        outcome
    }

    /// The fault that the command meets.
    fn meet(&mut self, found: Found<'a>) -> Option<Met> {
        if self.frame == Frame::Replay {
            return None;
        }
        let World { stage, clients, access, .. } = &mut *self.world;
        let faults = &mut stage.as_deref_mut()?.faults;
        let client = &clients[self.slot];
        let will_be_queued = self.frame == Frame::Top
            && client.transaction().is_some()
            && !matches!(found, Found::Row(row) if row.has(flag::UNQUEUED));
        if faults.is_empty() || will_be_queued || client.peer.kind == Kind::Admin {
            return None;
        }
        let name = full_name(found, self.args)?;
        let subject = Subject {
            id: client.id,
            name: &client.name,
            lib: &client.lib_name,
            user: &access.user(client.user).name,
            db: client.db,
            proto: client.protocol.number(),
        };
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

    /// A request has met a fault.
    fn request_meets(&mut self, found: Found<'a>, met: Met) -> Outcome {
        self.world.shape_reply(self.slot, met.actions.shape.clone());
        if met.actions.source != Source::Run {
            return self.reply_in_its_place(found, &met.actions.source);
        }
        let outcome = self.invoke_as_usual::<true>(found);
        if outcome == Outcome::HeldBack {
            self.world.unshape_reply(self.slot);
            if let Some(stage) = &mut self.world.stage {
                stage.faults.take_back(&met);
            }
        }
        outcome
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
    fn part_meets(&mut self, found: Found<'a>, met: &Met) -> Outcome {
        let Shape { converted, .. } = met.actions.shape;
        let around = Shape { converted: None, ..met.actions.shape.clone() };
        self.world.shape_reply(self.slot, around);
        if met.actions.source != Source::Run {
            self.write_source(&met.actions.source);
            let has_failed = matches!(met.actions.source, Source::Error(_));
            return Outcome::Ran { replies: 1, has_failed };
        }
        let start = self.reply.mark();
        let outcome = self.invoke_as_usual::<true>(found);
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
            Source::Reply(bytes) => self.reply.raw(bytes),
            Source::Run | Source::Nothing if self.frame != Frame::Top => self.reply.null(),
            Source::Run | Source::Nothing => {}
        }
    }
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
