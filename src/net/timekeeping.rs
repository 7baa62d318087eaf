//! Until when the loop waits, the changes of a manual clock in its turns (see [`super::clock`]), and what is due by the
//! clock of the machine.

use std::time::{Duration, Instant};

use super::Reactor;
use super::clock::Asker;
use crate::clock::Change;
use crate::engine::Engine;
use crate::session::Slot;

/// How long the loop waits for the turn in which the next segment of a split reply is sent.
const A_SEGMENT: Duration = Duration::from_millis(1);

impl Reactor {
    /// How long to wait for events: not at all while there is something to do, else until the next
    /// deadline, else for ever.
    pub(super) fn patience(&self, engine: &Engine) -> Option<Duration> {
        self.until_due(engine).into_iter().chain(self.until_alarm()).min()
    }

    // ANCHOR: until_due
    fn until_due(&self, engine: &Engine) -> Option<Duration> {
        if self.has_more() || !self.clock_changes.is_empty() {
            return Some(Duration::ZERO);
        }
        if engine.awaits_turn() {
            return Some(A_SEGMENT);
        }
        let due = self.due(engine)?;
        let now = self.clock.now().mono;
        if due > now && self.clock.is_frozen() {
            return None;
        }
        // Rounded up to whole milliseconds, as poll counts: waking early would be waking twice.
        Some(Duration::from_millis(due.saturating_sub(now).div_ceil(1000)))
    }
    // ANCHOR_END: until_due

    /// When the next turn is due even if nothing arrives.
    fn due(&self, engine: &Engine) -> Option<u64> {
        engine.next_deadline().into_iter().chain(self.accept_at).chain(self.reread_at).min()
    }

    /// A turn begins: time goes on, if it is being changed.
    pub(super) fn begin_clock_turn(&mut self, engine: &Engine) {
        if !self.clock_changes.is_empty() {
            let due = self.due_for_clock(engine);
            let is_idle = due.is_none_or(|due| due > self.clock.now().mono);
            let is_quiet = is_idle && self.events.is_empty() && !self.has_more();
            self.clock_changes.begin_turn(&self.clock, is_quiet, due);
        }
    }

    /// A turn ends, and clients have been sent what they are owed. The one whose change of the clock is over by that is
    /// told so after all others.
    pub(super) fn end_clock_turn(&mut self, engine: &mut Engine, touched: &mut Vec<Slot>) {
        if engine.has_clock_requests() {
            self.heed_clock_requests(engine);
        } else if self.clock_changes.is_empty() {
            return;
        }
        let mut due = self.due_for_clock(engine);
        // What threads write, as a snapshot that fell due, has happened when it is written, and a turn has seen that.
        if self.clock_changes.has_advanced(&self.clock, due) && engine.wait_for_duties() {
            due = Some(self.clock.now().mono);
        }
        if let Some(asker) = self.clock_changes.end_turn(&self.clock, due) {
            tell(engine, asker);
        }
        self.flush_touched(&mut engine.traffic(), touched, None);
    }

    /// As [`Reactor::due`]: now, if a segment of a reply waits for a later turn.
    fn due_for_clock(&self, engine: &Engine) -> Option<u64> {
        let segment = engine.awaits_turn().then(|| self.clock.now().mono);
        self.due(engine).into_iter().chain(segment).min()
    }

    /// Puts what commands have asked for behind what is being done. What is asked for before STAGE RESET, and not over
    /// yet, never will be.
    fn heed_clock_requests(&mut self, engine: &mut Engine) {
        for request in engine.take_clock_requests() {
            if request.change == Change::Restore {
                self.clock_changes.give_up().into_iter().for_each(|asker| match asker {
                    Asker::Client(id) => engine.world.clock_is_left(id),
                    Asker::Thread(_) => tell(engine, asker),
                });
            }
            self.clock_changes.push(request.change, Asker::Client(request.client));
        }
    }

    /// Rings the alarms whose time has come by the clock of the machine, and sets those that commands have asked for. A
    /// test that waits for a client is not to wait for ever because the server's clock stands still.
    pub(super) fn keep_alarms(&mut self, engine: &mut Engine) {
        if !self.alarms.is_empty() {
            let now = Instant::now();
            for (_, watch) in self.alarms.extract_if(.., |(at, _)| *at <= now) {
                engine.world.end_watch(watch);
            }
        }
        for alarm in engine.take_alarms() {
            self.alarms.push((Instant::now() + Duration::from_micros(alarm.after), alarm.watch));
        }
    }

    /// How long it is until the next alarm.
    fn until_alarm(&self) -> Option<Duration> {
        let next = self.alarms.iter().map(|(at, _)| *at).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// The loop does not run yet: what a command has asked for is made at once.
    pub(crate) fn change_clock_at_once(&mut self, engine: &mut Engine) {
        for request in engine.take_clock_requests() {
            self.clock.change_at_once(request.change);
        }
        engine.world.set_now(self.clock.now());
    }

    /// The loop ends, and no turn waits for anything any more.
    pub(super) fn finish_clock_changes(&mut self, engine: &mut Engine) {
        self.heed_clock_requests(engine);
        for asker in self.clock_changes.finish(&self.clock) {
            tell(engine, asker);
        }
    }
}

/// The change that this one has asked for is made.
fn tell(engine: &mut Engine, asker: Asker) {
    match asker {
        Asker::Client(id) => engine.world.clock_is_changed(id),
        // A command of the server's own has not waited.
        Asker::Thread(done) => drop(done.send(())),
    }
}
