//! Deadlines: what happens when time has passed, and when something is due next.
//!
//! [`Engine::turn`] does all that is due, a bounded amount of each, and [`Engine::next_deadline`] says until when
//! the loop may sleep.

use super::Engine;
use crate::clock::Now;
use crate::dispatch::{Driver, deferred, serve, telemetry};
use crate::session::{Departure, Doom};
use crate::telemetry::latency::event;
use crate::telemetry::peer_log::Cause;
use crate::world::World;

/// How long a closing client with unsent output may read nothing, in µs.
pub(super) const LINGER: u64 = 10_000_000;

/// How many expired keys are removed in one turn, beside as many as were given an expiry since the last, and
/// how many elements of discarded values are freed. Either takes a fraction of a millisecond, or up to two for long strings,
/// and is repeated at once while nothing else is to be done.
const EXPIRED_PER_TURN: usize = 500;
const FREED_PER_TURN: usize = 1000;

impl Engine {
    /// Begins a turn of the loop: it is `now`, and whatever was due by now happens.
    pub(crate) fn turn(&mut self, now: Now, driver: &mut dyn Driver) {
        self.world.set_now(now);
        if self.world.pause.as_ref().is_some_and(|pause| pause.until <= now.mono) {
            self.world.unpause();
        }
        self.begin_duties(driver);
        self.expire_some();
        self.evict_some();
        self.world.store.begin_turn();
        self.world.store.free_some(FREED_PER_TURN);
        self.world.tracking.free_some(FREED_PER_TURN);
        self.world.stats.sample(now.mono);
        self.world.peak_memory = self.world.peak_memory();
        while let Some(lingering) = self.world.clients.take_lingering(now.mono) {
            if let Some(slot) = self.world.clients.slot_of(lingering.id) {
                if self.world.clients[slot].bytes_out > lingering.bytes_out {
                    self.world.clients.linger(slot, now.mono + LINGER);
                } else {
                    self.world.clients.doom(slot, Doom::Now, Departure::Unread);
                }
            }
        }
        if self.sweep_at().is_some_and(|due| due <= now.mono) {
            self.close_idle();
        }
        self.world.close_unauthenticated();
        self.world.peer_log.report(now.mono);
        self.world.clients.pass_stops(now.mono, || self.timer.now());
        self.world.cut_off_slow();
        self.world.bound_backlog();
        self.world.evict_clients();
        serve::settle(&mut self.world, &self.table, &mut self.timer, driver);
        deferred::deliver(&mut self.world, &self.table);
        self.timer.rest(&mut self.world.stats);
        self.traffic().go_on(driver);
    }

    /// Removes expired keys, as an event of LATENCY if that monitor is on.
    fn expire_some(&mut self) {
        let store = &mut self.world.store;
        let most = EXPIRED_PER_TURN + store.take_listed();
        if self.world.config.latency_monitor_threshold == 0 {
            store.expire_some(most);
        } else {
            let (_, nanos) = self.timer.measure(|| store.expire_some(most));
            telemetry::record_latency_event(&mut self.world, event::EXPIRE_CYCLE, nanos);
        }
    }

    /// Goes on with an eviction that was too much for one command.
    fn evict_some(&mut self) {
        let world = &mut self.world;
        if !world.is_evicting() {
            return;
        }
        if world.config.latency_monitor_threshold == 0 {
            return world.go_on_evicting();
        }
        let (_, nanos) = self.timer.measure(|| world.go_on_evicting());
        telemetry::record_latency_event(world, event::EVICTION_CYCLE, nanos);
    }

    // ANCHOR: next_deadline
    /// When [`Engine::turn`] has something to do even if nothing arrives, in µs of [`Now::mono`].
    pub fn next_deadline(&self) -> Option<u64> {
        let has_late = self.world.late_replies.as_ref().is_some_and(|late| late.has_taken());
        if has_late || self.world.clients.has_resumed() || self.world.clients.has_pushed() {
            return Some(self.world.now.mono);
        }
        let linger = self.world.clients.next_lingering();
        let wait = self.world.next_wake();
        let slow = self.world.clients.next_overdue();
        let pause = self.world.pause.as_ref().map(|pause| pause.until);
        let login = self.world.next_auth_deadline();
        let report = self.world.peer_log.next_report();
        let duties = self.duties_due();
        let stop = self.world.clients.next_stop();
        let (sweep, store) = (self.sweep_at(), self.store_at());
        let due = [linger, wait, slow, pause, login, report, sweep, store, duties, stop];
        due.into_iter().flatten().min()
    }
    // ANCHOR_END: next_deadline

    /// When the next key expires: at once while there are more than one turn removes or frees.
    fn store_at(&self) -> Option<u64> {
        let (store, now) = (&self.world.store, self.world.now);
        if store.has_unfreed() || self.world.tracking.has_unfreed() || self.world.is_evicting() {
            return Some(now.mono);
        }
        let due = u64::try_from(store.next_expiry()?).unwrap_or(0).saturating_mul(1000);
        Some(now.mono.saturating_add(due.saturating_sub(now.wall)))
    }

    /// When `timeout` may close an idle client: at once if the setting has changed.
    fn sweep_at(&self) -> Option<u64> {
        let (due, timeout) = self.sweep;
        match self.world.config.timeout {
            0 => None,
            _ if self.world.clients.is_empty() => None,
            unchanged if unchanged == timeout => Some(due),
            _ => Some(0),
        }
    }

    /// Closes clients that have been idle for longer than `timeout`, and computes when the next may be.
    /// Exempt are clients that wait for the server: with a blocked command or one that a pause holds back,
    /// with a reply that comes later, with a subscription, and those of MONITOR.
    fn close_idle(&mut self) {
        let timeout = self.world.config.timeout;
        let longest = u64::from(timeout) * 1_000_000;
        let now = self.world.now.mono;
        let mut next = now + longest;
        let mut idle = Vec::new();
        for slot in self.world.clients.slots() {
            let client = &self.world.clients[slot];
            if client.is_waiting
                || client.outbox.has_gaps()
                || client.is_subscriber()
                || client.is_monitor()
            {
                continue;
            }
            let due = client.active + longest;
            if due < now {
                idle.push(slot);
            } else {
                next = next.min(due + 1);
            }
        }
        for slot in idle {
            let World { peer_log, clients, .. } = &mut self.world;
            let id = clients[slot].id;
            peer_log.log(Cause::Idle, now, format_args!("client {id} was idle too long"));
            clients.doom(slot, Doom::Now, Departure::Idle);
        }
        let pause = 1_000_000 / u64::from(self.world.config.hz.max(1));
        self.sweep = (next.max(now + pause), timeout);
    }
}
