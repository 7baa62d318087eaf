//! The situations in which clients break: what is staged, what the client is asked, and which verdicts are fine.

mod broken;
mod handshake;
mod pushes;
mod refused;
mod replies;
mod restored;
mod waiting;

use super::trial::{Outcome, Trial};
use super::verdict::Verdict;

pub struct Situation {
    /// Its kind, a slash, and its own name.
    pub name: &'static str,
    /// The verdicts that a good client may have.
    pub fine: &'static [Verdict],
    pub run: fn(&mut Trial<'_>) -> Outcome,
}

const RIGHT: &[Verdict] = &[Verdict::Right];
const NO_HARM: &[Verdict] = &[Verdict::Right, Verdict::Recovers];
const TOLD: &[Verdict] = &[Verdict::Right, Verdict::Recovers, Verdict::Error];

/// Every situation, by kind.
pub fn all() -> impl Iterator<Item = &'static Situation> {
    let kinds = [
        handshake::SITUATIONS,
        replies::SITUATIONS,
        pushes::SITUATIONS,
        broken::SITUATIONS,
        waiting::SITUATIONS,
        refused::SITUATIONS,
        restored::SITUATIONS,
    ];
    kinds.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_situation_has_a_name_of_its_own_and_bears_no_hang() {
        let names: BTreeSet<_> = all().map(|situation| situation.name).collect();
        assert_eq!(names.len(), all().count());
        for Situation { name, fine, .. } in all() {
            assert_eq!(name.split('/').count(), 2, "{name}");
            assert!(!fine.is_empty(), "{name}");
            assert!(fine.iter().all(|verdict| *verdict <= Verdict::Error), "{name}");
        }
    }
}
