//! How long the loop waits for events.

use std::time::Duration;

use super::Reactor;
use crate::engine::Engine;

/// How long the loop waits for the turn in which the next segment of a split reply is sent.
const A_SEGMENT: Duration = Duration::from_millis(1);

impl Reactor {
    /// How long to wait for events: not at all while there is something to do, else until the next
    /// deadline, else for ever.
    pub(super) fn patience(&self, engine: &Engine) -> Option<Duration> {
        if self.has_more() || !self.clock_changes.is_empty() {
            return Some(Duration::ZERO);
        }
        let segment = engine.awaits_turn().then_some(A_SEGMENT);
        segment.into_iter().chain(self.until_due(engine)).min()
    }

    fn until_due(&self, engine: &Engine) -> Option<Duration> {
        let due = self.due(engine)?;
        let now = self.clock.now().mono;
        if due > now && self.clock.is_frozen() {
            return None;
        }
        // Rounded up to whole milliseconds, as poll counts: waking early would be waking twice.
        Some(Duration::from_millis(due.saturating_sub(now).div_ceil(1000)))
    }

    /// As [`Reactor::due`]: now, if a segment of a reply waits for a later turn.
    pub(super) fn due_for_clock(&self, engine: &Engine) -> Option<u64> {
        let segment = engine.awaits_turn().then(|| self.clock.now().mono);
        self.due(engine).into_iter().chain(segment).min()
    }
}
