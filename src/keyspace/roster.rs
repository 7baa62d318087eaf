//! What is known of all databases together: how many keys each has, and which of them expires next.
//!
//! Every turn asks which keys are due, and every eviction for a key at random. Neither takes longer when
//! there are more databases: the numbers of keys are kept in Fenwick's trees (A New Data Structure for
//! Cumulative Frequency Tables, 1994), and the databases with something that expires by when it does.

use std::collections::BTreeSet;

use super::blob::Millis;
use super::{Database, Store};

/// What the roster knows of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) keys: usize,
    /// Keys that expire.
    pub(crate) volatile: usize,
    /// When the first of them does.
    pub(crate) key_due: Option<Millis>,
    /// When the first field of a hash expires.
    pub(crate) field_due: Option<Millis>,
}

/// All databases, which are empty at first.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    pub(crate) keys: Tally,
    pub(crate) volatile: Tally,
    key_dues: BTreeSet<(Millis, usize)>,
    field_dues: BTreeSet<(Millis, usize)>,
}

impl Roster {
    pub(crate) fn new(databases: usize) -> Roster {
        let (keys, volatile) = (Tally::new(databases), Tally::new(databases));
        Roster { keys, volatile, ..Roster::default() }
    }

    /// What a database has was `before`, and is `after` now.
    pub(crate) fn update(&mut self, database: usize, before: Counts, after: Counts) {
        self.keys.change(database, before.keys, after.keys);
        self.volatile.change(database, before.volatile, after.volatile);
        relist(&mut self.key_dues, database, before.key_due, after.key_due);
        relist(&mut self.field_dues, database, before.field_due, after.field_due);
    }

    /// The database whose key or field expires first, and when.
    pub(crate) fn next_due(&self) -> Option<(Millis, usize)> {
        self.next_key_due().into_iter().chain(self.field_dues.first().copied()).min()
    }

    /// The database whose key expires first, and when.
    pub(crate) fn next_key_due(&self) -> Option<(Millis, usize)> {
        self.key_dues.first().copied()
    }
}

fn relist(
    dues: &mut BTreeSet<(Millis, usize)>,
    database: usize,
    before: Option<Millis>,
    after: Option<Millis>,
) {
    if before != after {
        before.inspect(|&when| _ = dues.remove(&(when, database)));
        after.inspect(|&when| _ = dues.insert((when, database)));
    }
}

/// How many there are in each database, and so in all before it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The node with number n counts for as many databases as the lowest bit of n says, the last of which
    /// has the number n - 1.
    nodes: Vec<usize>,
    total: usize,
}

impl Tally {
    fn new(databases: usize) -> Tally {
        Tally { nodes: vec![0; databases + 1], total: 0 }
    }

    /// How many there are in all databases.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    fn change(&mut self, database: usize, before: usize, after: usize) {
        if before == after {
            return;
        }
        self.total = self.total + after - before;
        let mut node = database + 1;
        while let Some(count) = self.nodes.get_mut(node) {
            *count = *count + after - before;
            node += node & node.wrapping_neg();
        }
    }

    /// The database that has the one with this number, if all are counted through, and the number it has
    /// there. `None`: there are not so many.
    pub(crate) fn locate(&self, number: usize) -> Option<(usize, usize)> {
        if number >= self.total {
            return None;
        }
        let (mut database, mut left) = (0, number);
        let mut step = 1 << self.nodes.len().ilog2();
        while step > 0 {
            if let Some(&count) = self.nodes.get(database + step)
                && count <= left
            {
                database += step;
                left -= count;
            }
            step /= 2;
        }
        Some((database, left))
    }
}

impl Store {
    /// The databases that have keys, with their numbers. It takes no longer when there are others.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Database)> {
        let mut before = 0;
        std::iter::from_fn(move || {
            let (index, _) = self.shared.roster.keys.locate(before)?;
            let database = &self.databases[index];
            before += database.len();
            Some((index, database))
        })
    }

    /// How many keys all databases have.
    pub(crate) fn keys(&self) -> usize {
        self.shared.roster.keys.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    #[test]
    fn a_tally_counts_through_all_databases() {
        let mut random = Random::seeded(1);
        for databases in [1, 2, 3, 16, 17, 100] {
            let mut tally = Tally::new(databases);
            let mut counts = vec![0; databases];
            for _ in 0..50 {
                let (database, count) = (random.below(databases), random.below(4));
                tally.change(database, counts[database], count);
                counts[database] = count;
                let all: Vec<(usize, usize)> = (0..databases)
                    .flat_map(|database| {
                        (0..counts[database]).map(move |number| (database, number))
                    })
                    .collect();
                assert_eq!(tally.total(), all.len());
                for (number, &place) in all.iter().enumerate() {
                    assert_eq!(tally.locate(number), Some(place));
                }
                assert_eq!(tally.locate(all.len()), None);
            }
        }
    }

    #[test]
    fn databases_that_are_empty_are_not_looked_at() {
        let mut store = Store::new(100_000);
        for index in [70_000, 3, 99_999] {
            store.db(index).set_string(b"k", b"v", None);
            store.db(index).set_string(b"l", b"v", None);
        }
        store.swap(3, 5);
        let used = |store: &Store| store.iter().map(|(index, _)| index).collect::<Vec<_>>();
        assert_eq!((used(&store), store.keys()), (vec![5, 70_000, 99_999], 6));
        store.db(70_000).clear();
        assert!(store.db(5).remove(b"k"));
        assert_eq!((used(&store), store.keys()), (vec![5, 99_999], 3));
        assert_eq!((store.clear(), store.keys()), (3, 0));
    }

    #[test]
    fn what_is_due_first_goes_first_whatever_its_database() {
        let mut store = Store::new(16);
        store.set_now(1000);
        for n in 0..20 {
            store.db(0).set_string(&[n], b"v", Some(3000));
        }
        store.db(9).set_string(b"k", b"v", Some(2000));
        store.db(4).set_string(b"k", b"v", Some(2500));
        store.swap(9, 2);
        assert_eq!(store.next_expiry(), Some(2000));
        store.set_now(5000);
        assert!(store.expire_some(1));
        assert_eq!((store.db(2).len(), store.next_expiry()), (0, Some(2500)));
        assert!(store.expire_some(2));
        assert_eq!((store.db(4).len(), store.db(0).len()), (0, 19));
    }
}
