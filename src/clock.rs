//! What time it is: told from outside, and read by nothing below `net`.

/// What time it is. Told by what drives the engine: nothing below `net` reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// µs since 1970. It may jump. Expiry goes by it.
    pub wall: u64,
    /// µs since some moment before the start. It only grows. Timeouts and ages go by it.
    pub mono: u64,
}
