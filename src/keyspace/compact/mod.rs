//! The compact forms of small collections: one allocation, searched from end to end.

pub mod intset;
pub mod packed;
pub mod varint;
