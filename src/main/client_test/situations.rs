//! The situations in which clients break: what is staged, what the client is asked, and which verdicts are fine.

mod broken;
mod cluster;
mod handshake;
mod pushes;
mod refused;
mod replies;
mod restored;
mod waiting;

use super::situation::Situation;

/// Every situation, by kind.
pub fn all() -> impl Iterator<Item = &'static Situation> {
    let kinds = [
        handshake::SITUATIONS,
        replies::SITUATIONS,
        pushes::SITUATIONS,
        broken::SITUATIONS,
        waiting::SITUATIONS,
        refused::SITUATIONS,
        cluster::SITUATIONS,
        restored::SITUATIONS,
    ];
    kinds.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::verdict::Verdict;
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
