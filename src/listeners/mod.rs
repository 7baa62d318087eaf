//! The clients that wait for something or listen to something: blocked commands, WATCH, tracking, pub/sub,
//! MONITOR, pauses and transactions.
//!
//! The book: chapter 10, Many listeners (`book/src/10-many-listeners.md`).

pub(crate) mod blocked;
pub(crate) mod deferred;
pub(crate) mod key_index;
pub(crate) mod monitor;
pub(crate) mod pause;
pub(crate) mod pubsub;
pub(crate) mod tracking;
pub(crate) mod transaction;
pub(crate) mod watch;

pub use blocked::{BlockedCommand, Event, WaitCondition, Waiters, Wake};
pub use deferred::Deferred;
pub(crate) use monitor::Monitors;
pub(crate) use pause::{Held, Pause};
pub(crate) use pubsub::PubSub;
pub use pubsub::subscriptions::{Subscriptions, Topic};
pub(crate) use tracking::Tracking;
pub(crate) use transaction::Transaction;
pub(crate) use watch::Watches;
