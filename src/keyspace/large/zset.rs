//! The large form of a sorted set: members by name in a dictionary, and their order in a tree.
//!
//! The tree refers to members by their position in the dictionary. A removal there moves the last member
//! into the gap, so it costs one more search in the tree: the moved member's item is told the new
//! position. Nothing that is only changed ever moves, and changing scores is what sorted sets mostly do.

mod bound;
mod member;
mod order;

use std::cmp::Ordering;
use std::ops::Range;

use crate::keyspace::index::dict::{Dict, Keyed, hash_of};

use super::kept::Kept;
use order::{Item, Items, Order};

pub use bound::Bound;
pub(crate) use member::Member;
pub(crate) use order::compare;

/// A sorted set of any size.
#[derive(Debug, Clone, Default)]
pub(crate) struct LargeZset {
    members: Dict<Member>,
    order: Order,
    /// Bytes of long names.
    names: usize,
    /// Members as they were at a moment that is being recorded.
    pub(crate) kept: Kept<Member>,
}

/// Counts the items up to and including a member's.
fn through<'a>(
    members: &'a Dict<Member>,
    name: &'a [u8],
    score: f64,
) -> impl Fn(&Items) -> usize + 'a {
    move |items| items.count(score, |at| members.at(at as usize).name() <= name)
}

impl LargeZset {
    /// The set of these members.
    pub(crate) fn of(members: Dict<Member>) -> LargeZset {
        let mut ats: Vec<u32> = (0..members.len() as u32).collect();
        ats.sort_unstable_by(|&one, &other| {
            in_order(members.at(one as usize), members.at(other as usize))
        });
        let mut order = Order::default();
        for at in ats {
            let score = members.at(at as usize).score;
            order.push(Item { score, at });
        }
        let names = members.iter().map(Member::memory).sum();
        LargeZset { members, order, names, kept: Kept::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn memory(&self) -> usize {
        self.members.memory() + self.order.memory() + self.names + self.kept.memory()
    }

    /// Frees about so many members of a set that was removed. Returns how many.
    pub(crate) fn free_some(&mut self, elements: usize) -> usize {
        let kept = (0..elements).map_while(|_| self.kept.pop(Member::memory)).count();
        self.order.free_some(elements);
        let before = self.members.len();
        while kept + before - self.members.len() < elements
            && let Some(member) = self.members.pop()
        {
            self.names -= member.memory();
        }
        kept + before - self.members.len()
    }

    // What a moment that is being recorded asks for: see `Kept`.

    /// All members are to be recorded.
    pub(crate) fn open(&mut self, id: u64) {
        self.kept.open(id, &mut self.members);
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(crate) fn close(&mut self) -> Option<LargeZset> {
        let kept = self.kept.close(&mut self.members)?;
        Some(LargeZset { kept, ..LargeZset::default() })
    }

    /// Calls `tell` with members that are to be recorded until it returns false. Returns whether there are more.
    pub(crate) fn tell_some(&mut self, mut tell: impl FnMut(&[u8], f64) -> bool) -> bool {
        self.kept.tell_some(&mut self.members, Member::memory, |member| {
            tell(member.name(), member.score)
        })
    }

    /// The member at a position is about to change or to go. Returns where it is then.
    #[inline]
    fn keep(&mut self, at: usize) -> usize {
        if at < self.members.line() { self.keep_now(at) } else { at }
    }

    #[cold]
    fn keep_now(&mut self, at: usize) -> usize {
        let last = self.members.line() - 1;
        if at < last {
            self.exchange(at as u32, last as u32);
        }
        self.kept.keep(&mut self.members, at, Member::memory)
    }

    /// Tells the tree that the members at two positions are about to change places.
    fn exchange(&mut self, one: u32, other: u32) {
        // While one of them is on its way it is nowhere, or the other might be taken for it.
        const NOWHERE: u32 = u32::MAX;
        let LargeZset { members, order, .. } = self;
        let (first, second) = (members.at(one as usize), members.at(other as usize));
        let mut relocate = |moved: &Member, from: u32, to: u32, at_one: &Member| {
            let (name, score) = (moved.name(), moved.score);
            order.relocate(Item { score, at: from }, to, |items| {
                items.count(score, |at| {
                    let member = match at {
                        NOWHERE => first,
                        at if at == one => at_one,
                        at => members.at(at as usize),
                    };
                    member.name() <= name
                })
            });
        };
        relocate(first, one, NOWHERE, first);
        relocate(second, other, one, first);
        relocate(first, NOWHERE, other, second);
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.members.get(member).map(|member| member.score)
    }

    /// How many members come before one.
    pub(crate) fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.order.rank(through(&self.members, member, score)) - 1)
    }

    /// Sets the score of a member to what `decide` makes of the present one, if it makes anything.
    pub(crate) fn update(&mut self, name: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) {
        let hash = hash_of(name);
        let Some(at) = self.members.find(hash, name) else {
            if let Some(score) = decide(None) {
                self.add(Member::hashed(name, hash, score));
            }
            return;
        };
        let old = self.members.at(at).score;
        // -0 is no other score than 0, and does not take its place.
        let Some(score) = decide(Some(old)).filter(|&score| score != old) else { return };
        let at = self.keep(at);
        let LargeZset { members, order, .. } = self;
        let item = Item { score: old, at: at as u32 };
        order.change(
            item,
            score,
            through(members, name, old),
            through(members, name, score),
            |one, other| members.at(one as usize).name() < members.at(other as usize).name(),
        );
        members.at_mut(at).score = score;
    }

    /// Adds a member that is not there.
    fn add(&mut self, member: Member) {
        let item = Item { score: member.score, at: self.members.len() as u32 };
        self.order.insert(item, through(&self.members, member.name(), member.score));
        self.names += member.memory();
        self.members.insert(member);
    }

    /// Removes a member; returns its score.
    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let at = self.members.find(hash_of(name), name)?;
        Some(self.remove_at(at))
    }

    fn remove_at(&mut self, at: usize) -> f64 {
        let at = self.keep(at);
        let LargeZset { members, order, .. } = self;
        let (member, last) = (members.at(at), members.len() - 1);
        let item = Item { score: member.score, at: at as u32 };
        order.remove(item, through(members, member.name(), member.score));
        if at < last {
            let moved = members.at(last);
            let item = Item { score: moved.score, at: last as u32 };
            order.relocate(item, at as u32, through(members, moved.name(), moved.score));
        }
        let removed = members.remove(at);
        self.names -= removed.memory();
        removed.score
    }

    /// Removes the members of these ranks.
    pub(crate) fn remove_ranks(&mut self, ranks: Range<usize>) {
        for _ in ranks.clone() {
            if let Some(at) = self.order.range(ranks.start..ranks.start + 1).next() {
                self.remove_at(at as usize);
            }
        }
    }

    /// The members of these ranks in order.
    pub(crate) fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter { members: &self.members, order: self.order.range(ranks) }
    }

    /// How many members are on this side of a bound among the scores.
    pub(crate) fn rank_of_score(&self, bound: Bound<f64>) -> usize {
        match bound {
            Bound::Start => 0,
            Bound::Before(score) => self.order.rank(|items| items.count(score, |_| false)),
            Bound::After(score) => self.order.rank(|items| items.count(score, |_| true)),
            Bound::End => self.len(),
        }
    }

    /// How many members are on this side of a bound among the names, if all scores are the same.
    pub(crate) fn rank_of_name(&self, bound: Bound<&[u8]>) -> usize {
        self.order.rank(|items| {
            items.count_all(|at| {
                bound.is_after(|name| self.members.at(at as usize).name().cmp(name))
            })
        })
    }

    /// A member by an arbitrary number below the length.
    pub(crate) fn at(&self, index: usize) -> (&[u8], f64) {
        let member = self.members.at(index);
        (member.name(), member.score)
    }

    /// As [`Dict::scan`].
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        self.members.scan(cursor, count, |member| visit(member.name(), member.score))
    }
}

/// The order of a sorted set.
pub(crate) fn in_order(one: &Member, other: &Member) -> Ordering {
    compare(one.score, other.score).then_with(|| one.name().cmp(other.name()))
}

/// Members and scores of a large sorted set, in order, from either end.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    members: &'a Dict<Member>,
    order: order::Iter<'a>,
}

impl<'a> Iter<'a> {
    fn member(&self, at: u32) -> (&'a [u8], f64) {
        let member = self.members.at(at as usize);
        (member.key(), member.score)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.order.next()?;
        Some(self.member(at))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let at = self.order.next_back()?;
        Some(self.member(at))
    }
}
