//! When keys go by themselves: expiry, and eviction when memory is short.

pub mod discarded;
pub mod evict;
pub mod expire;
