//! What features do in every turn: the engine calls their [`Duty`] rows and knows none of them.

use super::Engine;
use crate::dispatch::duty::{Duty, Leave, Turn};
use crate::dispatch::{Driver, deferred};

impl Engine {
    /// From now on these are the duties.
    pub(crate) fn take_on(&mut self, duties: &'static [Duty]) {
        self.duties = duties;
    }

    /// A turn begins, and it is clear what time it is.
    pub(super) fn begin_duties(&mut self, driver: &mut dyn Driver) {
        for duty in self.duties {
            (duty.begin)(&mut self.duty_turn(driver));
        }
    }

    /// Ends a turn: its commands have run, and what they have replied is about to be sent, with what threads have given
    /// meanwhile.
    pub(crate) fn end_turn(&mut self, driver: &mut dyn Driver) {
        self.go_on_with_calls(driver);
        deferred::deliver(&mut self.world, &self.table);
        for duty in self.duties {
            (duty.end)(&mut self.duty_turn(driver));
        }
    }

    /// Clients have been sent what the turn owes them: what could wait for that is done.
    pub(crate) fn rest(&mut self, driver: &mut dyn Driver) {
        for duty in self.duties {
            (duty.rest)(&mut self.duty_turn(driver));
        }
    }

    /// When a feature has something to do next.
    pub(crate) fn duties_due(&self) -> Option<u64> {
        self.duties.iter().filter_map(|duty| (duty.due)(&self.world)).min()
    }

    /// Returns whether the server may leave. Each feature is asked, and does what it has to before.
    pub(crate) fn may_leave(&mut self, why: Leave, driver: &mut dyn Driver) -> bool {
        let mut may = true;
        for duty in self.duties {
            may &= (duty.leave)(&mut self.duty_turn(driver), why);
        }
        may
    }

    /// Waits for the threads of features. Returns whether one of them had anything to do.
    pub(crate) fn wait_for_duties(&mut self) -> bool {
        let mut had = false;
        for duty in self.duties {
            had |= (duty.wait)(&mut self.world);
        }
        had
    }

    fn duty_turn<'e>(&'e mut self, driver: &'e mut dyn Driver) -> Turn<'e> {
        let Engine { world, table, timer, .. } = self;
        Turn { world, table, timer, driver }
    }
}
