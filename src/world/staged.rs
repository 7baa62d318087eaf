//! What a test has staged meets the replies of clients: see [`crate::stage`].

use super::World;
use crate::session::{Departure, Doom, Slot};
use crate::stage::fault::{Counters, Fault};
use crate::stage::shape::{End, Shape};
use crate::telemetry::wire_log;
use crate::wire::{Args, Mark, Reply};

impl World {
    /// The reply to the client's next command, or to the one that runs or waits, is shaped so, too.
    pub(crate) fn shape_reply(&mut self, slot: Slot, more: Shape) {
        self.clients[slot].plan_mut().shape.get_or_insert_default().add(more);
        self.clients.account(slot);
    }

    /// What has come of each fault by now.
    pub(crate) fn fault_counters(&self) -> Vec<Counters> {
        self.stage.iter().flat_map(|stage| stage.faults.iter().map(Fault::counters)).collect()
    }

    /// Nothing has come of them since.
    pub(crate) fn set_fault_counters(&mut self, before: &[Counters]) {
        if let Some(stage) = &mut self.stage {
            stage.faults.set_counters(before);
        }
    }

    /// Takes back what [`World::shape_reply`] has said: the command comes again.
    pub(crate) fn unshape_reply(&mut self, slot: Slot) -> Option<Box<Shape>> {
        self.clients[slot].outbox.held.as_mut().and_then(|held| held.plan.shape.take())
    }

    /// The reply to a request of the client is complete: it is what has been written since `start`, in as many frames as it
    /// has, or none. Every reply comes by here once, in the order in which they are sent, be it at once or after its command
    /// has waited; those to the commands of a transaction or a script are parts of another one.
    pub(crate) fn complete_reply(
        &mut self,
        slot: Slot,
        reply: &mut Reply,
        start: Mark,
        _: Args<'_>,
    ) {
        if let Some(shape) = self.unshape_reply(slot) {
            self.reshape(slot, reply, start, *shape);
        }
        self.journal_reply(slot, &reply.since(start));
    }

    /// Gives a reply the shape that a test has staged for it.
    fn reshape(&mut self, slot: Slot, reply: &mut Reply, start: Mark, shape: Shape) {
        let bytes = reply.since(start).to_vec();
        reply.rewind(start);
        let mut layout = shape.lay_out(&bytes, reply.protocol());
        let at = reply.mark().position();
        reply.append(&mut layout.bytes);
        let now = self.now.mono;
        let client = &mut self.clients[slot];
        // The reply of an embedder's own call goes to no outbox, where it could stop.
        if client.outbox.is_away {
            let is_bounded = client.plan_mut().add(&layout, at, now);
            self.clients.await_stop(slot, now, 0);
            if !is_bounded {
                self.cut_off(slot);
            }
        }
        if let Some(end) = layout.end {
            self.end_as_staged(slot, end);
        }
    }

    /// The reply to the client's command, which has waited, is sent: see [`World::complete_reply`].
    pub(crate) fn send_reply(&mut self, slot: Slot, bytes: &[u8], args: Args<'_>) {
        let client = &self.clients[slot];
        if self.stage.is_none() && bytes.is_empty() {
            return;
        }
        if self.stage.is_none() || client.doom != Doom::No || client.outbox.is_away {
            return self.send(slot, bytes);
        }
        let mut reply = self.take_outbox(slot);
        let start = reply.mark();
        reply.append(&mut bytes.to_vec());
        self.complete_reply(slot, &mut reply, start, args);
        let client = &mut self.clients[slot];
        reply.append(&mut client.outbox.late);
        if wire_log::is_on() {
            wire_log::outgoing(client.id, &reply.since(start), wire_log::Shows::All);
        }
        self.put_back_outbox(slot, reply);
        self.clients.touch(slot);
    }

    /// The client's connection ends so, when what it is owed has been sent.
    pub(crate) fn end_as_staged(&mut self, slot: Slot, end: End) {
        let client = &mut self.clients[slot];
        // What it was pushed meanwhile would come behind the end.
        client.outbox.late = Vec::new();
        let why = match end {
            End::Close => Departure::Staged,
            End::Reset => Departure::StagedReset,
            End::Hang => {
                client.plan_mut().hangs = true;
                client.is_waiting = true;
                client.inbox = Vec::new();
                self.clients.opened(slot);
                self.clients.set_unauthenticated_since(slot, None);
                return self.clients.account(slot);
            }
        };
        client.departure = Some(why);
        self.clients.doom(slot, Doom::AfterReply, why);
    }

    /// The fault of this number is over, or all are: clients are sent what those have held back.
    pub(crate) fn release_replies(&mut self, fault: Option<u64>) {
        let now = self.now.mono;
        let slots: Vec<Slot> = self.clients.slots().collect();
        for slot in slots {
            self.clients.release(slot, fault, now);
        }
    }

    /// Nothing that was staged for the output of clients stays: what was held back is sent, and clients that hang are
    /// closed.
    pub(crate) fn forget_plans(&mut self) {
        let slots: Vec<Slot> = self.clients.slots().collect();
        for slot in slots {
            if self.clients.forget_plan(slot) {
                self.clients.doom(slot, Doom::Now, Departure::Staged);
            }
        }
    }
}
