//! Sorted sets: members, each with a score, in the order of their scores; among equals, of their bytes.
//!
//! A small one is a packed sequence in that order ([`compact`]). A large one is a dictionary of members
//! beside a tree of positions ([`large::zset`]). Both answer the same questions, and every question
//! about a range is answered in ranks: [`View::ranks_of_scores`] and [`View::ranks_of_names`] turn the
//! others into ranks, and [`View::range`] walks, and [`Edit::remove_ranks`] removes.
//!
//! A score is any double but NaN, which commands rule out where they compute one.

pub mod algebra;
pub mod compact;

use std::ops::{ControlFlow, Range};

use crate::keyspace::compact::packed;
use crate::keyspace::entry::{Body, Entry};
use crate::keyspace::index::dict::{Dict, hash_of};
use crate::keyspace::kind::{Kind, PayloadKind};
use crate::keyspace::large::zset::{self as large, LargeZset, Member, compare};
use crate::keyspace::typed::{Collection, Edit, View};
use crate::keyspace::value::Value;
use crate::keyspace::visit::Part;
use crate::keyspace::{Db, Limits, Random};

pub use crate::keyspace::large::zset::Bound;
use compact::{Compact, CompactMut};

/// The type, for [`crate::keyspace::View`] and [`crate::keyspace::Edit`].
#[derive(Debug)]
pub struct Zset;

impl Collection for Zset {
    const KIND: Kind = Kind::Zset;
    const PAYLOAD: PayloadKind = PayloadKind::Zset;
    const EMPTY: &'static [u8] = packed::EMPTY;

    fn len(entry: &Entry) -> usize {
        match Form::of(entry) {
            Form::Compact(zset) => zset.len(),
            Form::Large(zset) => zset.len(),
        }
    }

    fn visit<B>(
        view: View<'_, Self>,
        mut visit: impl FnMut(Part<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        view.iter().try_for_each(|(member, score)| visit(Part::Scored { member, score }))
    }
}

/// A sorted set in either form.
enum Form<'a> {
    Compact(Compact<'a>),
    Large(&'a LargeZset),
}

impl<'a> Form<'a> {
    #[inline]
    fn of(entry: &'a Entry) -> Form<'a> {
        match entry.body() {
            Body::Large(Value::Zset(zset)) => Form::Large(zset),
            Body::Compact(_, payload) => Form::Compact(Compact::new(payload)),
            Body::Large(_) => Form::Compact(Compact::new(packed::EMPTY)),
        }
    }
}

impl<'a> View<'a, Zset> {
    /// The score of a member.
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match Form::of(self.entry) {
            Form::Compact(zset) => zset.find(member).map(|(_, score)| score),
            Form::Large(zset) => zset.score(member),
        }
    }

    /// How many members come before one.
    pub fn rank(self, member: &[u8]) -> Option<usize> {
        match Form::of(self.entry) {
            Form::Compact(zset) => zset.iter().position(|(name, _)| name == member),
            Form::Large(zset) => zset.rank(member),
        }
    }

    /// All members with their scores, the lowest first.
    pub fn iter(self) -> Iter<'a> {
        self.range(0..self.len())
    }

    /// The members of these ranks. The range lies within the set.
    pub fn range(self, ranks: Range<usize>) -> Iter<'a> {
        match Form::of(self.entry) {
            Form::Compact(zset) => {
                let mut iter = zset.iter();
                if ranks.start > 0 {
                    iter.nth(ranks.start - 1);
                }
                if ranks.end < zset.len() {
                    iter.nth_back(zset.len() - ranks.end - 1);
                }
                Iter::Compact(iter)
            }
            Form::Large(zset) => Iter::Large(zset.range(ranks)),
        }
    }

    /// The ranks of the members whose scores are between two bounds.
    pub fn ranks_of_scores(self, low: Bound<f64>, high: Bound<f64>) -> Range<usize> {
        let rank = |bound: Bound<f64>| match Form::of(self.entry) {
            Form::Compact(zset) => zset
                .iter()
                .take_while(|(_, score)| bound.is_after(|&at| compare(*score, at)))
                .count(),
            Form::Large(zset) => zset.rank_of_score(bound),
        };
        let low = rank(low);
        low..rank(high).max(low)
    }

    /// The ranks of the members whose names are between two bounds, if all scores are the same. If they
    /// are not, the names are in no order, and any range may come back, as in the reference.
    pub fn ranks_of_names(self, low: Bound<&[u8]>, high: Bound<&[u8]>) -> Range<usize> {
        match Form::of(self.entry) {
            Form::Compact(zset) => {
                let start =
                    zset.iter().take_while(|(name, _)| low.is_after(|at| name.cmp(at))).count();
                start
                    ..start
                        + zset
                            .iter()
                            .skip(start)
                            .take_while(|(name, _)| high.is_after(|at| name.cmp(at)))
                            .count()
            }
            Form::Large(zset) => {
                let start = zset.rank_of_name(low);
                start..zset.rank_of_name(high).max(start)
            }
        }
    }

    /// A member by an arbitrary number below the length: the same one until the set changes. For picks.
    pub fn at(self, index: usize) -> Option<(&'a [u8], f64)> {
        match Form::of(self.entry) {
            Form::Compact(zset) => zset.iter().nth(index),
            Form::Large(zset) => Some(zset.at(index)),
        }
    }

    /// Calls `visit` with some members, and returns the cursor to go on with: see `Dict::scan`. A
    /// compact set is one step.
    pub fn scan(self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        match Form::of(self.entry) {
            Form::Compact(zset) => {
                zset.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Large(zset) => zset.scan(cursor, count, visit),
        }
    }

    /// Calls `visit` with `count` different members, or with all if there are no more. Every choice of
    /// them is as likely as the other.
    pub fn pick_distinct(
        self,
        random: &mut Random,
        count: usize,
        mut visit: impl FnMut(&'a [u8], f64),
    ) {
        if count >= self.len() {
            // Backwards, as in the reference.
            return self.iter().rev().for_each(|(member, score)| visit(member, score));
        }
        let picks = random.distinct(self.len(), count);
        self.visit_each(picks, |member, score| {
            visit(member, score);
            true
        });
    }

    /// Calls `visit` with a random member so many times, never mind which were picked before, or until it returns
    /// false.
    pub fn pick_any(
        self,
        random: &mut Random,
        count: u64,
        visit: impl FnMut(&'a [u8], f64) -> bool,
    ) {
        let members = self.len();
        self.visit_each((0..count).map(|_| random.below(members)), visit);
    }

    /// Calls `visit` with the members of these numbers, until it returns false.
    fn visit_each(
        self,
        mut numbers: impl Iterator<Item = usize>,
        mut visit: impl FnMut(&'a [u8], f64) -> bool,
    ) {
        let _ = match Form::of(self.entry) {
            Form::Compact(zset) => {
                let members: Vec<(&[u8], f64)> = zset.iter().collect();
                numbers.all(|number| visit(members[number].0, members[number].1))
            }
            Form::Large(zset) => numbers.all(|number| {
                let (member, score) = zset.at(number);
                visit(member, score)
            }),
        };
    }

    pub fn is_compact(self) -> bool {
        matches!(Form::of(self.entry), Form::Compact(_))
    }

    /// What OBJECT ENCODING replies.
    pub fn encoding(self) -> &'static str {
        if self.is_compact() { "listpack" } else { "skiplist" }
    }
}

impl Edit<'_, Zset> {
    /// Gives a member a score, whether it was there or not. Returns the score that it had.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let mut old = None;
        self.update(member, |present| {
            old = present;
            Some(score)
        });
        old
    }

    /// Sets the score of a member to what `decide` makes of the present one, if it makes anything.
    pub fn update(&mut self, member: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) {
        let limits = self.limits();
        if let Some(Value::Zset(zset)) = self.entry().large_mut() {
            return zset.update(member, decide);
        }
        let Form::Compact(zset) = Form::of(self.entry()) else { return };
        let found = zset.find(member);
        let grown = zset.len() + 1;
        let old = found.map(|(_, score)| score);
        let Some(score) = decide(old).filter(|&score| old != Some(score)) else { return };
        if found.is_none() && !stays_compact(limits, grown, member.len()) {
            return self.grow().update(member, |_| Some(score));
        }
        self.entry().edit(|bytes, start| {
            let mut zset = CompactMut::new(bytes, start);
            if let Some((offset, _)) = found {
                zset.remove(offset);
            }
            zset.insert(member, score);
        });
    }

    /// Removes a member; returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        if let Some(Value::Zset(zset)) = self.entry().large_mut() {
            return zset.remove(member);
        }
        let Form::Compact(zset) = Form::of(self.entry()) else { return None };
        let (offset, score) = zset.find(member)?;
        self.entry().edit(|bytes, start| CompactMut::new(bytes, start).remove(offset));
        Some(score)
    }

    /// Removes the members of these ranks. The range lies within the set.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        if let Some(Value::Zset(zset)) = self.entry().large_mut() {
            return zset.remove_ranks(ranks);
        }
        self.entry().edit(|bytes, start| {
            CompactMut::new(bytes, start).remove_ranks(ranks.start, ranks.len());
        });
    }

    /// Says that so many members are about to come, the longest of so many bytes. A set that could not be
    /// compact with these alone takes the large form, whether or not they are added: as in the reference.
    pub fn expect(&mut self, members: usize, longest: usize) {
        if !stays_compact(self.limits(), members, longest) && self.view().is_compact() {
            self.grow();
        }
    }

    /// Takes the large form.
    fn grow(&mut self) -> &mut LargeZset {
        let mut large = LargeZset::default();
        for (member, score) in self.view().iter() {
            large.update(member, |_| Some(score));
        }
        let entry = self.entry();
        entry.set_large(Value::Zset(large));
        match entry.large_mut() {
            Some(Value::Zset(zset)) => zset,
            _ => unreachable!("the value was set just now"),
        }
    }
}

/// Whether a set of so many members, a new one of so many bytes among them, can be compact.
fn stays_compact(limits: Limits, members: usize, longest: usize) -> bool {
    members <= limits.zset_max_listpack_entries.min(packed::MAX)
        && longest <= limits.zset_max_listpack_value
}

/// Members and scores, from the lowest on or, backwards, from the highest.
#[derive(Debug, Clone)]
pub enum Iter<'a> {
    Compact(compact::Iter<'a>),
    Large(large::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Compact(iter) => iter.next(),
            Iter::Large(iter) => iter.next(),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Compact(iter) => iter.next_back(),
            Iter::Large(iter) => iter.next_back(),
        }
    }
}

/// Members with scores and in no order: what ZUNION and its kin compute.
#[derive(Debug, Default)]
pub struct Scores {
    members: Dict<Member>,
}

impl Scores {
    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds a member, or gives one that is there what `combine` makes of both scores.
    pub fn merge(&mut self, name: &[u8], score: f64, combine: impl FnOnce(f64, f64) -> f64) {
        let hash = hash_of(name);
        match self.members.find(hash, name) {
            Some(at) => {
                let member = self.members.at_mut(at);
                member.score = combine(member.score, score);
            }
            None => {
                self.members.insert(Member::hashed(name, hash, score));
            }
        }
    }

    /// The members with their scores, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.members.iter().map(|member| (member.name(), member.score))
    }

    /// The members with their scores, in the order of a sorted set.
    pub fn sorted(&self) -> Vec<(&[u8], f64)> {
        let mut members: Vec<&Member> = self.members.iter().collect();
        members.sort_unstable_by(|one, other| large::in_order(one, other));
        members.into_iter().map(|member| (member.name(), member.score)).collect()
    }
}

impl Db<'_> {
    /// Sets `key` to a sorted set of these members, whatever it held before; without members the key
    /// goes. It never expires.
    pub fn set_zset(&mut self, key: &[u8], scores: Scores) {
        let longest = scores.members.iter().map(|member| member.name().len()).max();
        let Some(longest) = longest else {
            self.delete(key);
            return;
        };
        let mut zset = self.edit_anew::<Zset>(key);
        if stays_compact(zset.limits(), scores.len(), longest) {
            for (member, score) in scores.sorted() {
                zset.insert(member, score);
            }
        } else {
            zset.entry().set_large(Value::Zset(LargeZset::of(scores.members)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;
    use crate::keyspace::Store;

    fn store(entries: usize) -> Store {
        let mut store = Store::new(1);
        store.shared.limits.zset_max_listpack_entries = entries;
        store
    }

    fn edit<R>(store: &mut Store, change: impl FnOnce(&mut Edit<'_, Zset>) -> R) -> R {
        let mut db = store.db(0);
        change(&mut db.edit_or_new(b"zset").expect("a sorted set"))
    }

    /// A model: members with their scores.
    type Model = BTreeMap<Vec<u8>, f64>;

    fn sorted(model: &Model) -> Vec<(&[u8], f64)> {
        let mut members: Vec<_> =
            model.iter().map(|(member, &score)| (&member[..], score)).collect();
        members.sort_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(other.0)));
        members
    }

    fn check(view: View<'_, Zset>, model: &Model, random: &mut Random) {
        let all = sorted(model);
        assert_eq!(view.len(), all.len());
        assert!(view.iter().eq(all.iter().copied()));
        assert!(view.iter().rev().eq(all.iter().rev().copied()));
        let (one, other) = (random.below(all.len() + 1), random.below(all.len() + 1));
        let ranks = one.min(other)..one.max(other);
        assert!(view.range(ranks.clone()).eq(all[ranks.clone()].iter().copied()));
        assert!(view.range(ranks.clone()).rev().eq(all[ranks].iter().rev().copied()));
        let (low, high) = (score(random), score(random));
        let count = |is_in: &dyn Fn(f64) -> bool| all.iter().filter(|pair| is_in(pair.1)).count();
        for (from, to, expected) in [
            (Bound::Before(low), Bound::After(high), count(&|score| low <= score && score <= high)),
            (Bound::After(low), Bound::Before(high), count(&|score| low < score && score < high)),
            (Bound::Start, Bound::After(high), count(&|score| score <= high)),
            (Bound::After(low), Bound::End, count(&|score| score > low)),
        ] {
            let ranks = view.ranks_of_scores(from, to);
            assert_eq!(ranks.len(), expected);
            assert!(ranks.end <= view.len());
        }
        let met: HashSet<&[u8]> =
            (0..view.len()).filter_map(|index| view.at(index)).map(|(member, _)| member).collect();
        assert_eq!(met.len(), view.len());
        for (rank, (member, score)) in all.iter().enumerate() {
            assert_eq!((view.rank(member), view.score(member)), (Some(rank), Some(*score)));
        }
        assert_eq!((view.rank(b"no member"), view.score(b"no member")), (None, None));
    }

    /// Some of few values, so that there are equals.
    fn score(random: &mut Random) -> f64 {
        match random.below(12) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => random.next_u64() as f64,
            3 => 0.1 * random.below(10) as f64,
            _ => random.below(200) as f64 - 20.0,
        }
    }

    fn member(random: &mut Random, among: usize) -> Vec<u8> {
        let number = random.below(among);
        // Some are too long to be kept beside their scores.
        format!("{:0width$}", number, width = if number.is_multiple_of(7) { 40 } else { 2 })
            .into_bytes()
    }

    #[test]
    fn behaves_like_a_map_that_is_sorted_by_score() {
        for seed in 0..60 {
            let random = &mut Random::seeded(seed);
            // Always compact, always large, or crossing over.
            let mut store = store([1000, 0, 20][seed as usize % 3]);
            let among = [30, 150, 900][seed as usize / 3 % 3];
            let mut model = Model::new();
            for step in 0..600 {
                let member = member(random, among);
                match random.below(10) {
                    0 | 1 => {
                        let removed = edit(&mut store, |zset| zset.remove(&member));
                        assert_eq!(removed, model.remove(&member));
                    }
                    2 if step % 9 == 0 => {
                        let all: Vec<Vec<u8>> =
                            sorted(&model).iter().map(|(member, _)| member.to_vec()).collect();
                        let (one, other) =
                            (random.below(all.len() + 1), random.below(all.len() + 1));
                        let ranks = one.min(other)..one.max(other);
                        edit(&mut store, |zset| zset.remove_ranks(ranks.clone()));
                        all[ranks].iter().for_each(|member| {
                            model.remove(member);
                        });
                    }
                    3 => edit(&mut store, |zset| {
                        // Only higher, and only if it is there.
                        let by = random.below(30) as f64;
                        zset.update(&member, |old| old.map(|old| old + by));
                        model.entry(member).and_modify(|old| *old += by);
                    }),
                    _ => {
                        let score = score(random);
                        let old = edit(&mut store, |zset| zset.insert(&member, score));
                        assert_eq!(old, model.insert(member, score));
                    }
                }
                if step % 40 == 0 || model.is_empty() {
                    match store.db(0).view(b"zset").expect("a sorted set") {
                        Some(view) => check(view, &model, random),
                        None => assert!(model.is_empty()),
                    }
                }
            }
            let mut scores = Scores::default();
            for (member, &score) in &model {
                scores.merge(member, score / 2.0, |_, _| unreachable!());
                scores.merge(member, score / 2.0, |one, other| one + other);
            }
            store.db(0).set_zset(b"zset", scores);
            let mut db = store.db(0);
            check(db.view(b"zset").expect("a sorted set").expect("members"), &model, random);
            db.remove(b"zset");
            while store.free_some(10) {}
            assert_eq!((store.db(0).len(), store.unfreed()), (0, 0));
        }
    }

    #[test]
    fn names_are_cut_where_scores_are_equal() {
        for entries in [100, 0] {
            let mut store = store(entries);
            edit(&mut store, |zset| {
                for name in ["a", "b", "bb", "c", ""] {
                    zset.insert(name.as_bytes(), 1.0);
                }
                let view = zset.view();
                for (low, high, ranks) in [
                    (Bound::Start, Bound::End, 0..5),
                    (Bound::Before(&b"b"[..]), Bound::After(&b"bb"[..]), 2..4),
                    (Bound::After(b"b"), Bound::Before(b"c"), 3..4),
                    (Bound::Before(b"aa"), Bound::End, 2..5),
                    (Bound::End, Bound::Start, 5..5),
                    (Bound::After(b"c"), Bound::End, 5..5),
                ] {
                    assert_eq!(view.ranks_of_names(low, high), ranks);
                }
            });
        }
    }

    #[test]
    fn a_set_grows_past_its_limits_and_stays_large() {
        let mut store = store(2);
        edit(&mut store, |zset| {
            zset.insert(b"a", -0.0);
            assert!(zset.view().score(b"a").is_some_and(f64::is_sign_positive));
            zset.insert(b"b", 2.0);
            assert_eq!(zset.view().encoding(), "listpack");
            zset.insert(b"a", 3.0);
            assert_eq!(zset.view().encoding(), "listpack");
            zset.insert(b"c", -0.0);
            assert_eq!(zset.view().encoding(), "skiplist");
            assert!(zset.view().score(b"c").is_some_and(f64::is_sign_negative));
            zset.remove(b"a");
            zset.remove(b"c");
            assert_eq!((zset.view().encoding(), zset.len()), ("skiplist", 1));
        });
        store.db(0).remove(b"zset");
        edit(&mut store, |zset| {
            zset.insert(&[b'x'; 64], 1.0);
            assert_eq!(zset.view().encoding(), "listpack");
            zset.insert(&[b'x'; 65], 1.0);
            assert_eq!(zset.view().encoding(), "skiplist");
        });
    }

    #[test]
    fn a_scan_visits_every_member_that_stays() {
        for (seed, entries) in [(1, 1000), (2, 0), (3, 0), (4, 150), (5, 0)] {
            let random = &mut Random::seeded(seed);
            let mut store = store(entries);
            let stay: HashSet<Vec<u8>> = (0..100).map(|n| format!("stay{n}").into()).collect();
            edit(&mut store, |zset| {
                for member in &stay {
                    zset.insert(member, score(random));
                }
            });
            let (mut met, mut cursor) = (HashSet::new(), 0);
            loop {
                cursor = edit(&mut store, |zset| {
                    zset.view().scan(cursor, 5, |member, _| {
                        met.insert(member.to_vec());
                    })
                });
                if cursor == 0 {
                    break;
                }
                edit(&mut store, |zset| {
                    for _ in 0..random.below(40) {
                        let other = format!("other{}", random.below(300));
                        if zset.remove(other.as_bytes()).is_none() {
                            zset.insert(other.as_bytes(), score(random));
                        }
                        // Their scores change as well.
                        let one = format!("stay{}", random.below(100));
                        zset.insert(one.as_bytes(), score(random));
                    }
                });
            }
            assert!(stay.is_subset(&met));
        }
    }

    #[test]
    fn every_member_is_as_likely_to_be_picked() {
        for entries in [100, 0] {
            let mut store = store(entries);
            let mut random = Random::seeded(7);
            edit(&mut store, |zset| {
                for n in 0..8_u8 {
                    zset.insert(&[n], f64::from(n / 3));
                }
                let view = zset.view();
                let mut picked = [0_u32; 8];
                let mut together = [0_u32; 64];
                view.pick_any(&mut random, 40_000, |member, _| {
                    picked[usize::from(member[0])] += 1;
                    true
                });
                for _ in 0..10_000 {
                    let mut pair = Vec::new();
                    view.pick_distinct(&mut random, 2, |member, _| pair.push(member[0]));
                    pair.sort_unstable();
                    together[usize::from(pair[0] * 8 + pair[1])] += 1;
                    let one = view.at(random.below(8)).expect("a member").0[0];
                    picked[usize::from(one)] += 1;
                }
                let square = |counts: &[u32], expected: f64| -> f64 {
                    counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum()
                };
                // Chi-square: what one seed in a thousand passes, with 7 and 27 degrees of freedom.
                assert!(square(&picked, 50_000.0 / 8.0) < 24.3);
                let pairs: Vec<u32> = together.into_iter().filter(|&n| n > 0).collect();
                assert_eq!(pairs.len(), 28);
                assert!(square(&pairs, 10_000.0 / 28.0) < 55.5);
                let mut all = Vec::new();
                view.pick_distinct(&mut random, 99, |member, _| all.push(member[0]));
                all.sort_unstable();
                assert_eq!(all, (0..8).collect::<Vec<u8>>());
            });
        }
    }

    #[test]
    fn an_emptied_set_is_gone() {
        let mut store = store(100);
        edit(&mut store, |zset| assert_eq!(zset.insert(b"a", 1.0), None));
        edit(&mut store, |zset| assert_eq!(zset.remove(b"a"), Some(1.0)));
        assert!(store.db(0).is_empty());
        assert!(store.db(0).view::<Zset>(b"zset").expect("no other type").is_none());
    }
}
