//! What the server counts and times: statistics, latency, the command log, memory, the wire log.
//!
//! The book: chapter 14, Hostile clients (`book/src/14-hostile-clients.md`).

pub(crate) mod certificates;
pub(crate) mod commandlog;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod peer_log;
pub(crate) mod process;
pub(crate) mod stats;
pub(crate) mod wire_log;

pub use certificates::{Certificate, Certificates};
pub(crate) use commandlog::{CommandLog, Thresholds};
pub(crate) use peer_log::PeerLog;
pub(crate) use process::Process;
pub(crate) use stats::{CommandId, Stats, Timer};
