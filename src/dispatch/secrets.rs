//! Which arguments of a command are secret, so that logs and MONITOR must not show them.

use crate::wire::Args;

/// What stands for a secret.
pub const REDACTED: &[u8] = b"(redacted)";

/// The secret arguments of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Secrets {
    /// Arguments that are secret, whatever the others are: a bit each, the lowest is the name's.
    pub places: u64,
    /// Tells the same of an argument by all of them.
    pub ask: fn(Args<'_>, usize) -> bool,
}

impl Secrets {
    pub(super) const NONE: Secrets = Secrets { places: 0, ask: |_, _| false };

    pub(super) fn hide(self, args: Args<'_>, index: usize) -> bool {
        let is_always = index < 64 && self.places >> index & 1 == 1;
        is_always || (self.ask)(args, index)
    }
}
