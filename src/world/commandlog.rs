//! What the world does about [`crate::telemetry::commandlog`].

use super::World;
use crate::telemetry::commandlog::Thresholds;

impl World {
    /// Tells those who look on what the configuration says about them.
    pub fn configure_watchers(&mut self) {
        self.thresholds = Thresholds::of(&self.config);
        self.stats.tracks_latency = self.config.latency_tracking;
    }
}
