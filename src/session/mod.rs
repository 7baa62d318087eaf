//! Clients and their sessions: the registry, output buffers, and the unauthenticated clients.
//!
//! The book: chapter 14, Hostile clients (`book/src/14-hostile-clients.md`).

pub(crate) mod buffer_pool;
pub(crate) mod client;
pub(crate) mod departure;
mod gaps;
pub(crate) mod held;
mod locals;
pub(crate) mod outbox;
pub(crate) mod plan;
pub(crate) mod registry;
pub(crate) mod state;
mod stops;
pub(crate) mod unauthenticated;

pub(crate) use buffer_pool::BufferPool;
pub use client::{Client, Doom, Outbox, ReplyMode};
pub(crate) use departure::Departure;
pub(crate) use gaps::{Gap, MOST_GAPS};
pub use registry::{Clients, Slot};
