//! What stays when the server has gone: snapshots of all data in a file, and the log of what has changed since.
//!
//! * `disk`: the thread that reads, writes and syncs files while the loop serves clients.
//!
//! By default nothing is written: `save` and `appendonly` turn it on. What is kept of it while the server runs is lent
//! from the world; what is done in every turn is a [`Duty`].

#[allow(dead_code, reason = "snapshots and the log come next")]
mod disk;
mod log;

use crate::dispatch::duty::Duty;

/// What is done in every turn.
pub(crate) const DUTIES: &[Duty] = &[];
