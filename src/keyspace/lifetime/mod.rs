//! When keys go by themselves: expiry, and eviction when memory is short.

pub(crate) mod discarded;
pub(crate) mod evict;
pub(crate) mod expire;
