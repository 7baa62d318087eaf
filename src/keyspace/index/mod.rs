//! How keys and elements are found: the dense dictionary, its prefetching, random picks, and what expires next.

pub mod dict;
pub mod expiries;
pub mod prefetch;
pub mod random;
