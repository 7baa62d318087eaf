//! The compact forms of small collections: one allocation, searched from end to end.

pub(crate) mod intset;
pub(crate) mod packed;
pub(crate) mod varint;
