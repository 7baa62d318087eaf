//! The journal of the stage: what clients send and are replied. See [`crate::stage::journal`].

use super::World;
use super::nodes::name_at;
use crate::error;
use crate::listeners::blocked::{BlockedCommand, Wake};
use crate::peer::Kind;
use crate::session::Slot;
use crate::stage::journal::Watch;
use crate::stage::matching::Commands;
use crate::wire::Args;

/// What is to be rung in so many µs of the machine's clock, whatever time it is here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alarm {
    pub(crate) after: u64,
    /// The number of the watch that ends by it.
    pub(crate) watch: u64,
}

impl World {
    /// Returns whether the commands of clients are entered in the journal.
    pub(crate) fn keeps_journal(&self) -> bool {
        self.stage.as_ref().is_some_and(|stage| stage.journal.is_on())
    }

    /// A client has sent a command, of this full name. Clients of the administration port are in no journal.
    pub(crate) fn journal_command(&mut self, slot: Slot, name: &[u8], args: Args<'_>) {
        let World { stage, clients, access, now, .. } = self;
        let Some(stage) = stage.as_deref_mut() else {
            return;
        };
        let client = &clients[slot];
        if client.peer.kind == Kind::Admin {
            return;
        }
        let node = name_at(&stage.nodes, &stage.sentinels, &client.peer);
        let subject = client.subject(&access.user(client.user).name, node);
        if stage.journal.add(now.wall, subject, name, args).is_none() {
            return;
        }
        let mut met = Vec::new();
        for watch in stage.journal.count(name, args) {
            if let Some(slot) = clients.slot_of(watch.client)
                && let Some(session) = &mut clients[slot].session
                && let Some(wait) = session.wait.as_mut().filter(|wait| watches_journal(wait))
            {
                // What it is told if its time is up before there are enough.
                wait.answer = format!(":{}\r\n", watch.count).into_bytes();
            }
            if watch.is_met() {
                met.push(watch.number);
            }
        }
        met.into_iter().for_each(|number| self.end_watch(number));
    }

    /// The last command of the client has this reply.
    pub(crate) fn journal_reply(&mut self, slot: Slot, reply: &[u8]) {
        let id = self.clients[slot].id;
        if let Some(stage) = &mut self.stage {
            stage.journal.answer(id, reply);
        }
    }

    /// The client has gone.
    pub(crate) fn journal_departure(&mut self, id: u64) {
        if let Some(stage) = &mut self.stage {
            stage.journal.gone(id);
        }
    }

    /// Has the client's command wait until there are so many such commands, for so many µs of the machine's clock. 0: for
    /// ever. Returns how many there are.
    pub(crate) fn watch_journal(
        &mut self,
        slot: Slot,
        commands: Commands,
        wanted: u64,
        after: u64,
    ) -> Option<u64> {
        let id = self.clients[slot].id;
        let stage = self.stage.as_deref_mut().filter(|stage| stage.journal.is_on())?;
        let journal = &mut stage.journal;
        let watch = journal.watch(id, commands, wanted);
        let (number, count, is_met) = (watch.number, watch.count, watch.is_met());
        if is_met {
            journal.take_watch(number);
        } else if after > 0 {
            self.reactor_requests.alarms.push(Alarm { after, watch: number });
        }
        Some(count)
    }

    /// Ends all watches, with an error: there is no journal any more that could make them come true.
    pub(crate) fn end_watches(&mut self) {
        let stage = self.stage.as_deref_mut();
        let watches = stage.map(|stage| stage.journal.take_watches()).unwrap_or_default();
        for watch in watches {
            let Some(slot) = self.clients.slot_of(watch.client) else { continue };
            let session = self.clients[slot].session.as_mut();
            let wait = session.and_then(|session| session.wait.as_mut());
            if let Some(wait) = wait.filter(|wait| watches_journal(wait)) {
                wait.answer = [b"-", error::JOURNAL_OFF.as_bytes(), b"\r\n"].concat();
                wait.has_failed = true;
                self.give_up_waiting(slot);
            }
        }
    }

    /// Ends a watch: there are enough commands, or its time is up.
    pub(crate) fn end_watch(&mut self, number: u64) {
        let stage = self.stage.as_deref_mut();
        let watch = stage.and_then(|stage| stage.journal.take_watch(number));
        if let Some(Watch { client, .. }) = watch
            && let Some(slot) = self.clients.slot_of(client)
            && self.clients[slot].wait().is_some_and(watches_journal)
        {
            self.give_up_waiting(slot);
        }
    }
}

/// Returns whether it is STAGE JOURNAL WAIT that waits. CLIENT UNBLOCK ends it, and the watch is there still.
fn watches_journal(wait: &BlockedCommand) -> bool {
    wait.until.wake == Wake::Time && wait.args.args().is(2, "WAIT")
}
