//! Blocked clients join the keys, events and deadlines that they wait for: see [`crate::listeners::blocked`].

use super::World;
use crate::error::Error;
use crate::keyspace::Store;
use crate::keyspace::keys::KeyInfo;
use crate::listeners::blocked::{BlockedCommand, Event, Ready, ReadyFor, WaitCondition, Wake};
use crate::listeners::key_index::Turn;
use crate::session::{Doom, Slot};
use crate::wire::Reply;

impl World {
    /// The client's command waits, and what it sends meanwhile waits behind that.
    pub(crate) fn start_waiting(&mut self, slot: Slot, wait: BlockedCommand) {
        let client = &mut self.clients[slot];
        let turn = self.waiters.next_turn(client.id);
        self.waiters.add(&wait, turn);
        client.is_waiting = true;
        let session = client.session_mut();
        (session.wait, session.turn) = (Some(wait), turn.number);
        self.follow_keys();
    }

    /// The client waits no more; what it has sent meanwhile runs in the next turn. Returns the command that
    /// waited.
    pub(crate) fn stop_waiting(&mut self, slot: Slot) -> Option<BlockedCommand> {
        let client = &mut self.clients[slot];
        let wait = client.session.as_mut()?.wait.take()?;
        self.end_wait(slot, &wait);
        Some(wait)
    }

    /// The same, when the command that waited has been taken out.
    pub(crate) fn end_wait(&mut self, slot: Slot, wait: &BlockedCommand) {
        let client = &mut self.clients[slot];
        let number = client.session.as_ref().map_or(0, |session| session.turn);
        self.waiters.remove(wait, Turn { number, client: client.id });
        client.is_waiting = client.hangs();
        if !client.inbox.is_empty() || client.half_closed {
            self.clients.resume(slot);
        }
        self.follow_keys();
    }

    /// The client's command has run again and still waits, in the same place and with the same deadline.
    /// What it waits for may be something else by now.
    pub(crate) fn wait_on(&mut self, slot: Slot, until: WaitCondition) {
        let client = &mut self.clients[slot];
        let Some(session) = &mut client.session else {
            return;
        };
        let turn = Turn { number: session.turn, client: client.id };
        if let Some(wait) = &mut session.wait
            && (&wait.until.wake, &wait.until.keys) != (&until.wake, &until.keys)
        {
            self.waiters.remove(wait, turn);
            wait.until = WaitCondition { deadline: wait.until.deadline, ..until };
            self.waiters.add(wait, turn);
            self.follow_keys();
        }
    }

    /// Runs the commands again that wait for the event, as soon as the command at hand is over. A signal that
    /// no command waits for is forgotten.
    pub fn signal(&mut self, event: impl Into<Event>) {
        self.waiters.signal(event.into());
    }

    /// The next client in line whose command is to run again.
    pub(crate) fn next_woken(&mut self, ready: &mut Ready) -> Option<Slot> {
        loop {
            let kind = match &ready.what {
                ReadyFor::Key(db, key) => self.store.db(*db).kind(key),
                ReadyFor::Event(_) => None,
            };
            let turn = self.waiters.after(ready, kind.is_none())?;
            ready.passed = Some(turn);
            let Some(slot) = self.clients.slot_of(turn.client) else {
                continue;
            };
            let client = &self.clients[slot];
            if client.doom == Doom::No
                && let Some(wait) = client.wait()
                && match &ready.what {
                    ReadyFor::Key(db, key) => {
                        wait.until.wake.is_met_by(kind)
                            && is_something_to_read(&mut self.store, *db, key, wait)
                    }
                    ReadyFor::Event(_) => matches!(wait.until.wake, Wake::Event(_)),
                }
            {
                return Some(slot);
            }
        }
    }

    /// When [`World::time_out`] has something to do or a blocked command is to run again, in µs of
    /// [`crate::clock::Now::mono`]. No command runs again while a pause is on.
    pub(crate) fn next_wake(&self) -> Option<u64> {
        if self.waiters.has_ready() && self.pause.is_none() {
            return Some(self.now.mono);
        }
        self.waiters.next_deadline()
    }

    /// Ends every wait whose deadline has come, with the reply that was written for that.
    pub(crate) fn time_out(&mut self) {
        while let Some(id) = self.waiters.take_overdue(self.now.mono) {
            if let Some(slot) = self.clients.slot_of(id) {
                self.give_up_waiting(slot);
            }
        }
    }

    /// The same, of those alone whose command is done and whose reply was put off. While a script runs, time goes on
    /// for them: so a client whose login has failed may log in and end the script.
    pub(crate) fn send_put_off(&mut self) {
        let is_done = |&slot: &Slot| self.clients[slot].wait().is_some_and(|wait| wait.is_done());
        let overdue = self.waiters.overdue(self.now.mono);
        let due: Vec<Slot> =
            overdue.filter_map(|id| self.clients.slot_of(id)).filter(is_done).collect();
        due.into_iter().for_each(|slot| self.give_up_waiting(slot));
    }

    /// Replies to the client's command as if its deadline had come.
    pub(crate) fn give_up_waiting(&mut self, slot: Slot) {
        if let Some(mut wait) = self.stop_waiting(slot) {
            if wait.until.is_deferred() && wait.answer.is_empty() && !wait.is_silent {
                let mut reply = Reply::new(Vec::new(), self.clients[slot].protocol);
                reply.null();
                wait.answer = reply.into_inner();
            }
            self.send_reply(slot, &wait.answer, wait.args.args());
            self.count_call(slot, wait.command, wait.has_failed);
        }
    }

    /// Replies to the client's command with an error.
    pub(crate) fn fail_waiting(&mut self, slot: Slot, error: &Error) {
        if let Some(wait) = self.stop_waiting(slot) {
            let mut reply = Reply::new(Vec::new(), self.clients[slot].protocol);
            if !wait.is_silent {
                reply.error(error);
            }
            self.send_reply(slot, &reply.into_inner(), wait.args.args());
            self.stats.count_error(error);
            self.count_call(slot, wait.command, true);
        }
    }
}

/// Returns false if the command waits for entries of a stream that its group has not read, and there are none. Many readers
/// of a group wait for each entry, and one gets it: the others are not run again for nothing.
fn is_something_to_read(store: &mut Store, db: usize, key: &[u8], wait: &BlockedCommand) -> bool {
    let Wake::UnreadByGroup(group) = wait.until.wake else {
        return true;
    };
    let mut db = store.db(db);
    let stream = db.info_uncounted(key).and_then(KeyInfo::stream);
    let group = wait.args.args().get(group).unwrap_or_default();
    stream.is_none_or(|stream| {
        stream.group(group).is_none_or(|group| group.last_id() < stream.last_id())
    })
}
