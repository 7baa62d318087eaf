//! How keys and elements are found: the dense dictionary, its prefetching, random picks, and what expires next.

pub(crate) mod dict;
pub(crate) mod expiries;
pub(crate) mod prefetch;
pub(crate) mod random;
