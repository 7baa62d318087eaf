//! CLIENT PAUSE holds commands back: see [`crate::listeners::pause`].

use std::collections::BTreeMap;

use super::World;
use crate::listeners::pause::{Held, Pause, Postponed};
use crate::peer::Kind;
use crate::session::Slot;
use crate::wire::{Args, OwnedArgs};

impl World {
    /// Holds back commands until a time, in µs of [`crate::clock::Now::mono`]. A pause that is on becomes neither
    /// shorter nor more lenient by that.
    pub(crate) fn pause(&mut self, held: Held, until: u64) {
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
                self.clients[slot].is_waiting = self.clients[slot].hangs();
                self.clients.resume(slot);
            }
        }
    }

    /// The client's command, if a pause holds one back, will not run.
    pub(crate) fn forget_postponed(&mut self, slot: Slot) {
        if let Some(session) = &mut self.clients[slot].session
            && let Some(postponed) = session.postponed.take()
            && let Some(pause) = &mut self.pause
        {
            pause.line.remove(&postponed.place);
        }
    }

    /// How many clients wait for the end of a pause.
    pub(crate) fn held_back(&self) -> usize {
        self.pause.as_ref().map_or(0, |pause| pause.line.len())
    }

    /// Returns whether a command of the client has to wait for the end of a pause.
    #[inline]
    pub(crate) fn holds_back(&self, slot: Slot, may_write: impl FnOnce() -> bool) -> bool {
        self.pause.as_ref().is_some_and(|pause| {
            self.clients[slot].peer.kind != Kind::Admin && (pause.held == Held::All || may_write())
        })
    }

    /// Keeps the client's command for later.
    pub(crate) fn hold_back(&mut self, slot: Slot, args: Args<'_>) {
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
    pub(crate) fn take_postponed(&mut self, slot: Slot) -> Option<OwnedArgs> {
        let session = self.clients[slot].session.as_mut()?;
        session.postponed.take().map(|postponed| postponed.args)
    }
}
