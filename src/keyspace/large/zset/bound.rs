//! Where a range of an ordered sequence begins or ends.

use std::cmp::Ordering;

/// A bound in an ordered sequence: what is below it is on this side, the rest on the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound<T> {
    /// Everything is on the other side.
    Start,
    /// What is below a value is on this side, and the value itself on the other.
    Before(T),
    /// A value and what is below it are on this side.
    After(T),
    /// Everything is on this side.
    End,
}

impl<T> Bound<T> {
    /// Returns whether an item is on this side of the bound, whose value `compare` compares it with.
    pub(crate) fn is_after(&self, compare: impl FnOnce(&T) -> Ordering) -> bool {
        match self {
            Bound::Start => false,
            Bound::Before(value) => compare(value).is_lt(),
            Bound::After(value) => compare(value).is_le(),
            Bound::End => true,
        }
    }
}
