//! What the server counts and times: statistics, latency, the command log, memory, the wire log.

pub mod commandlog;
pub mod latency;
pub mod memory;
pub mod peer_log;
pub mod process;
pub mod stats;
pub mod wire_log;

pub use commandlog::{CommandLog, Thresholds};
pub use peer_log::PeerLog;
pub use process::Process;
pub use stats::{CommandId, Stats, Timer};
