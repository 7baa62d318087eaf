//! Values that have names: what a directive of a few words may be.

/// A type whose values have names.
pub(crate) trait Choice: Copy + PartialEq + 'static {
    /// Every value, in the order in which an error lists them.
    const NAMES: &'static [(&'static str, Self)];
}
