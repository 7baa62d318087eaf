//! The clients that wait for something or listen to something: blocked commands, WATCH, tracking, pub/sub,
//! MONITOR, pauses and transactions.

pub mod blocked;
pub mod key_index;
pub mod monitor;
pub mod pause;
pub mod pubsub;
pub mod tracking;
pub mod transaction;
pub mod watch;

pub use blocked::{BlockedCommand, Event, WaitCondition, Waiters, Wake};
pub use monitor::Monitors;
pub use pause::{Held, Pause};
pub use pubsub::PubSub;
pub use pubsub::subscriptions::{Subscriptions, Topic};
pub use tracking::Tracking;
pub use transaction::Transaction;
pub use watch::Watches;
