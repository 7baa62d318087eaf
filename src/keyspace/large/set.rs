//! The large form of sets: a dictionary of members.

use super::kept::Kept;
use super::name::Name;
use crate::keyspace::index::dict::{Dict, Keyed, hash_of};

/// Members by hash.
#[derive(Debug, Clone, Default)]
pub struct LargeSet {
    members: Dict<Member>,
    /// Bytes that members hold outside the dictionary.
    outside: usize,
    /// Members that there were at a moment that is being recorded.
    pub(crate) kept: Kept<Member>,
}

/// A member with its hash: 32 bytes, and an allocation if it is long.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    name: Name,
    hash: u32,
}

impl Member {
    /// Bytes of memory beside the member itself.
    fn outside(&self) -> usize {
        self.name.memory()
    }
}

impl Keyed for Member {
    #[inline]
    fn key(&self) -> &[u8] {
        &self.name
    }

    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }
}

impl LargeSet {
    /// Prefetches these members: see [`Dict::prefetch`].
    pub(crate) fn prefetch<'k>(&self, members: impl Iterator<Item = &'k [u8]>) {
        self.members.prefetch(members, |_, _| {});
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        self.members.contains(member)
    }

    /// The member at a position below [`LargeSet::len`].
    pub(crate) fn at(&self, position: usize) -> &[u8] {
        self.members.at(position).key()
    }

    /// Adds a member. Returns whether it is new.
    pub(crate) fn insert(&mut self, member: &[u8]) -> bool {
        let hash = hash_of(member);
        let is_new = self.members.find(hash, member).is_none();
        if is_new {
            self.insert_hashed(member, hash);
        }
        is_new
    }

    /// Adds a member that is not there.
    pub(crate) fn insert_new(&mut self, member: &[u8]) {
        self.insert_hashed(member, hash_of(member));
    }

    fn insert_hashed(&mut self, member: &[u8], hash: u32) {
        let name = Name::new(member);
        self.outside += name.memory();
        self.members.insert(Member { name, hash });
    }

    /// Removes a member. Returns whether it was there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match self.members.find(hash_of(member), member) {
            Some(position) => {
                self.remove_at(position);
                true
            }
            None => false,
        }
    }

    /// Removes the member at a position; the last one takes its place.
    pub(crate) fn remove_at(&mut self, position: usize) {
        let position = self.keep(position);
        let member = self.members.remove(position);
        self.outside -= member.name.memory();
    }

    /// A step of a walk: see [`Dict::scan`].
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8])) -> u64 {
        self.members.scan(cursor, count, |member| visit(member.key()))
    }

    pub(crate) fn memory(&self) -> usize {
        self.members.memory() + self.outside + self.kept.memory()
    }

    pub(crate) fn free_some(&mut self, members: usize) -> usize {
        let kept = (0..members).map_while(|_| self.kept.pop(Member::outside)).count();
        let before = self.len();
        for _ in kept..members {
            match self.members.pop() {
                Some(member) => self.outside -= member.name.memory(),
                None => break,
            }
        }
        kept + before - self.len()
    }

    // What a moment that is being recorded asks for: see `Kept`.

    /// All members are to be recorded.
    pub(crate) fn open(&mut self, id: u64) {
        self.kept.open(id, &mut self.members);
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(crate) fn close(&mut self) -> Option<LargeSet> {
        let kept = self.kept.close(&mut self.members)?;
        Some(LargeSet { kept, ..LargeSet::default() })
    }

    /// Calls `tell` with members that are to be recorded until it returns false. Returns whether there are more.
    pub(crate) fn tell_some(&mut self, mut tell: impl FnMut(&[u8]) -> bool) -> bool {
        self.kept.tell_some(&mut self.members, Member::outside, |member| tell(member.key()))
    }

    /// The member at a position is about to go. Returns where it is then.
    #[inline]
    fn keep(&mut self, at: usize) -> usize {
        let is_to_be_recorded = at < self.members.line();
        if is_to_be_recorded { self.kept.keep(&mut self.members, at, Member::outside) } else { at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_takes_32_bytes() {
        assert_eq!(size_of::<Member>(), 32);
    }

    #[test]
    fn members_of_any_length_come_and_go() {
        let mut set = LargeSet::default();
        let empty = set.memory();
        let members: Vec<Vec<u8>> = (0..60).map(|n| vec![b'm'; n]).collect();
        for member in &members {
            assert!(set.insert(member) && !set.insert(member) && set.contains(member));
        }
        assert!((0..60).all(|position| set.at(position) == members[position]));
        let copy = set.clone();
        assert!(set.remove(&members[3]) && !set.remove(&members[3]));
        assert_eq!((set.free_some(50), set.free_some(50), set.free_some(50)), (50, 9, 0));
        assert!(set.len() == 0 && set.outside == 0 && set.memory() <= empty + 8192);
        assert_eq!((copy.len(), copy.contains(&members[3])), (60, true));
    }
}
