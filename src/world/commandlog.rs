//! The thresholds of COMMANDLOG and LATENCY follow the configuration: see [`crate::telemetry::commandlog`].

use super::World;
use crate::telemetry::commandlog::Thresholds;

impl World {
    /// Recomputes the thresholds of COMMANDLOG and LATENCY from the configuration.
    pub(crate) fn configure_watchers(&mut self) {
        self.thresholds = Thresholds::of(&self.config);
        self.stats.tracks_latency = self.config.latency_tracking;
    }
}
