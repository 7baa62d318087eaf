//! What the stage makes of a command: see [`crate::stage`].

use super::invocation::Invocation;
use super::invoke::Outcome;
use super::table::Found;

impl<'a> Invocation<'a> {
    /// Runs the command on a server that a test drives.
    #[cold]
    #[inline(never)]
    pub(super) fn invoke_on_stage(&mut self, found: Found<'a>) -> Outcome {
        let found = self.at_its_port(found);
        let outcome = self.invoke_as_usual(found);
        self.end_asking(outcome);
        outcome
    }
}
