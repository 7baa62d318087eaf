//! What a situation is: its name, which verdicts are fine, and what is done in it.

use super::trial::{Outcome, Trial};
use super::verdict::Verdict;

pub struct Situation {
    /// Its kind, a slash, and its own name.
    pub name: &'static str,
    /// The verdicts that a good client may have.
    pub fine: &'static [Verdict],
    pub run: fn(&mut Trial<'_>) -> Outcome,
}

pub const RIGHT: &[Verdict] = &[Verdict::Right];
pub const NO_HARM: &[Verdict] = &[Verdict::Right, Verdict::Recovers];
pub const TOLD: &[Verdict] = &[Verdict::Right, Verdict::Recovers, Verdict::Error];
