//! How keys and elements are found: the dense dictionary, its prefetching, and random picks.

pub mod dict;
pub mod prefetch;
pub mod random;
