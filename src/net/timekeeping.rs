//! Changes of a manual clock in the turns of the loop: see [`super::clock`].

use super::Reactor;
use super::clock::Asker;
use crate::clock::Change;
use crate::engine::Engine;

impl Reactor {
    /// A turn begins: time goes on, if it is being changed.
    pub(super) fn begin_clock_turn(&mut self, engine: &Engine) {
        if !self.clock_changes.is_empty() {
            let due = self.due(engine);
            let is_idle = due.is_none_or(|due| due > self.clock.now().mono);
            let is_quiet = is_idle && self.events.is_empty() && !self.has_more();
            self.clock_changes.begin_turn(&self.clock, is_quiet, due);
        }
    }

    /// A turn ends, and clients have been sent what they are owed. The one whose change of the clock is over by that is
    /// told so in the next.
    pub(super) fn end_clock_turn(&mut self, engine: &mut Engine) {
        if engine.has_clock_requests() {
            self.heed_clock_requests(engine);
        } else if self.clock_changes.is_empty() {
            return;
        }
        let due = self.due(engine);
        if let Some(asker) = self.clock_changes.end_turn(&self.clock, due) {
            tell(engine, asker);
        }
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
