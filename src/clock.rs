//! What time it is: told from outside, and read by nothing below `net`.

// ANCHOR: now
/// What time it is. Told by what drives the engine: nothing below `net` reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// µs since 1970. It may jump. Expiry goes by it.
    pub wall: u64,
    /// µs since some moment before the start. It only grows. Timeouts and ages go by it.
    pub mono: u64,
}
// ANCHOR_END: now

/// What is to become of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It stands still from now on.
    Freeze,
    /// It runs from now on, as fast as the machine's.
    Run,
    /// So many µs pass.
    Advance(u64),
    /// The wall clock is set to so many µs since 1970.
    SetWall(u64),
    /// It is as if nothing had changed it since the server began to go by it. The steady clock goes on.
    Restore,
}
