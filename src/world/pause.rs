//! CLIENT PAUSE: for a time, commands are held back.
//!
//! A command that may not run now is kept with its arguments, and what its client sends behind it waits.
//! When the pause ends all of them go on, in the order in which they were held back, and pass the gates
//! again. Meanwhile the keyspace stands still: no key goes because its time has come, or to make room, and
//! nobody who waits for a key is served. Clients of the administration port are never held back.

use std::collections::BTreeMap;

use super::{Kind, Slot, World};
use crate::resp::{Args, OwnedArgs};

/// Which commands a pause holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// Those that may change something.
    Writes,
    All,
}

/// The pause that is on.
#[derive(Debug)]
pub struct Pause {
    pub held: Held,
    /// When it ends, in µs of [`super::Now::mono`].
    pub until: u64,
    /// How many commands it has held back.
    postponed: u64,
    /// The clients whose commands it holds back, by the places of these.
    line: BTreeMap<u64, u64>,
}

/// A command that is held back.
#[derive(Debug)]
pub struct Postponed {
    /// How many were held back before it.
    place: u64,
    args: OwnedArgs,
}

impl Postponed {
    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.args.memory()
    }
}

impl World {
    /// Holds back commands until a time, in µs of [`super::Now::mono`]. A pause that is on becomes neither
    /// shorter nor more lenient by that.
    pub fn pause(&mut self, held: Held, until: u64) {
        if let Some(pause) = &mut self.pause {
            pause.held = pause.held.max(held);
            pause.until = pause.until.max(until);
        } else if until > self.now.mono {
            self.pause = Some(Pause { held, until, postponed: 0, line: BTreeMap::new() });
            self.store.shared.keeps_expired = true;
        }
    }

    /// Ends the pause, if there is one. What it has held back runs in the next turn.
    pub fn unpause(&mut self) {
        let Some(pause) = self.pause.take() else {
            return;
        };
        self.store.shared.keeps_expired = false;
        for id in pause.line.into_values() {
            if let Some(slot) = self.clients.slot_of(id) {
                self.clients[slot].is_waiting = false;
                self.clients.resume(slot);
            }
        }
    }

    /// The client's command, if a pause holds one back, will not run.
    pub(super) fn forget_postponed(&mut self, slot: Slot) {
        if let Some(session) = &mut self.clients[slot].session
            && let Some(postponed) = session.postponed.take()
            && let Some(pause) = &mut self.pause
        {
            pause.line.remove(&postponed.place);
        }
    }

    /// How many clients wait for the end of a pause.
    pub fn held_back(&self) -> usize {
        self.pause.as_ref().map_or(0, |pause| pause.line.len())
    }

    /// Whether a command of the client has to wait for the end of a pause.
    #[inline]
    pub fn holds_back(&self, slot: Slot, may_write: impl FnOnce() -> bool) -> bool {
        self.pause.as_ref().is_some_and(|pause| {
            self.clients[slot].peer.kind != Kind::Admin && (pause.held == Held::All || may_write())
        })
    }

    /// Keeps the client's command for later.
    pub fn postpone(&mut self, slot: Slot, args: Args<'_>) {
        let Some(pause) = &mut self.pause else {
            return;
        };
        let place = pause.postponed;
        pause.postponed += 1;
        let client = &mut self.clients[slot];
        pause.line.insert(place, client.id);
        client.is_waiting = true;
        client.session_mut().postponed = Some(Postponed { place, args: args.to_owned() });
    }

    /// The command of the client that was held back, to run it now.
    pub fn take_postponed(&mut self, slot: Slot) -> Option<OwnedArgs> {
        let session = self.clients[slot].session.as_mut()?;
        session.postponed.take().map(|postponed| postponed.args)
    }
}
