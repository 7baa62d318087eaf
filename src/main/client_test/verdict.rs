//! What is made of a client in a situation.

/// Later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The adapter cannot do what the situation asks.
    Skipped,
    /// As if nothing had happened.
    Right,
    /// An error, and then right again by itself.
    Recovers,
    /// An error, and every further command is one, too: the program has to make a new client.
    Error,
    /// Another value than was sent, or something was lost without an error, or the program is gone.
    Wrong,
    /// No answer, though the client was told a timeout.
    Hangs,
    /// A later command got the reply of another.
    OutOfStep,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Skipped => "skipped",
            Verdict::Right => "right",
            Verdict::Recovers => "recovers",
            Verdict::Error => "error to the user",
            Verdict::Wrong => "wrong",
            Verdict::Hangs => "hangs",
            Verdict::OutOfStep => "out of step",
        }
    }
}
