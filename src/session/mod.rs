//! Clients and their sessions: the registry, output buffers, and the unauthenticated clients.

pub mod buffer_pool;
pub mod client;
pub mod outbox;
pub mod registry;
pub mod state;
pub mod unauthenticated;

pub use buffer_pool::BufferPool;
pub use client::{Client, Doom, Outbox, ReplyMode};
pub use registry::{Clients, Slot};
pub use state::Session;
