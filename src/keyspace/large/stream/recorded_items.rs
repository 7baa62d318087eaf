//! What the items of an index were at a moment that is being recorded.
//!
//! Items are told in the order of their ids. One that the walk has not reached and that is about to change or to go is kept
//! here first, and of one that has come among them it is noted that there was none: so a change costs one of these, however
//! many items there are.

use std::collections::BTreeMap;

use super::id::Id;
use super::index::{Index, Item};

/// Items that are kept of an index that is being recorded; for any other, nothing.
#[derive(Debug)]
pub(super) struct RecordedItems<T>(Option<Box<Kept<T>>>);

#[derive(Debug)]
struct Kept<T> {
    /// Items with smaller ids have been told. None: all have.
    from: Option<Id>,
    /// The id of the last item that there was.
    end: Id,
    /// Items as they were, by their ids. None: there was no such item.
    before: BTreeMap<Id, Option<T>>,
}

/// What an item of a tree takes of that, about.
const TREE_ITEM: usize = 40;

impl<T: Item + Copy> RecordedItems<T> {
    pub(super) const fn new() -> RecordedItems<T> {
        RecordedItems(None)
    }

    /// All items of the index are to be recorded.
    pub(super) fn open(&mut self, items: &Index<T>) {
        let end = items.last().map(Item::id);
        self.0 = Some(Box::new(Kept {
            from: end.map(|_| Id::MIN),
            end: end.unwrap_or(Id::MIN),
            before: BTreeMap::new(),
        }));
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(super) fn close(&mut self) -> RecordedItems<T> {
        RecordedItems(self.0.take())
    }

    /// How many items are kept.
    pub(super) fn len(&self) -> usize {
        self.0.as_deref().map_or(0, |kept| kept.before.len())
    }

    /// Frees up to so many of them. Returns how many.
    pub(super) fn free_some(&mut self, most: usize) -> usize {
        let Some(kept) = &mut self.0 else { return 0 };
        std::iter::from_fn(|| kept.before.pop_last()).take(most).count()
    }

    /// Bytes of memory, about.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        self.len() * (size_of::<(Id, Option<T>)>() + TREE_ITEM)
    }

    /// The item of this id changes or goes, and was so; or there was none, and one is added.
    #[inline]
    pub(super) fn changes(&mut self, id: Id, before: Option<T>) {
        if let Some(kept) = &mut self.0
            && kept.from.is_some_and(|from| (from..=kept.end).contains(&id))
        {
            kept.before.entry(id).or_insert(before);
        }
    }

    /// Calls `tell` with items that are to be recorded, and with nothing where one has come since, until it returns
    /// false. Returns whether there may be more.
    pub(super) fn tell_some(
        &mut self,
        items: &Index<T>,
        mut tell: impl FnMut(Option<&T>) -> bool,
    ) -> bool {
        let Some(kept) = &mut self.0 else { return false };
        while let Some(from) = kept.from {
            let changed = kept.before.first_key_value().map(|(&id, _)| id);
            let there = items.ceiling(from).and_then(|place| items.at(place));
            let first = changed.into_iter().chain(there.map(Item::id)).min();
            let Some(first) = first.filter(|&first| first <= kept.end) else {
                kept.from = None;
                break;
            };
            kept.from = first.next();
            let was = match changed == Some(first) {
                true => kept.before.pop_first().and_then(|(_, item)| item),
                false => there.copied(),
            };
            if !tell(was.as_ref()) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    /// An item that can be told from another with its id.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Numbered(Id, usize);

    impl Item for Numbered {
        fn id(&self) -> Id {
            self.0
        }
    }

    #[test]
    fn items_are_told_as_they_were_whatever_becomes_of_them() {
        for seed in 0..200 {
            let random = &mut Random::seeded(seed);
            let (mut items, mut recorded) = (Index::new(), RecordedItems::new());
            let change = |items: &mut Index<Numbered>,
                          recorded: &mut RecordedItems<_>,
                          random: &mut Random,
                          n| {
                let id = Id { ms: random.below(200) as u64, seq: 0 };
                let found = items.find(id);
                let before = found.and_then(|place| items.at(place)).copied();
                match (found, random.below(3)) {
                    (None, _) => items.insert(Numbered(id, n)),
                    (Some(place), 0) => _ = items.remove(place),
                    (Some(place), _) => _ = items.change(place, |item| item.1 = n),
                }
                recorded.changes(id, before);
            };
            let many = random.below(300);
            (0..many).for_each(|n| change(&mut items, &mut recorded, random, n));
            let expected: Vec<Numbered> = items.iter().copied().collect();
            recorded.open(&items);
            let mut told: Vec<Numbered> = Vec::new();
            for n in 1000.. {
                let (mut left, few) = (1 + random.below(8), random.below(30));
                let has_more = recorded.tell_some(&items, |item| {
                    told.extend(item);
                    left -= 1;
                    left > 0
                });
                if !has_more {
                    break;
                }
                (0..few).for_each(|_| change(&mut items, &mut recorded, random, n));
            }
            assert_eq!(told, expected, "seed {seed}");
            assert_eq!(recorded.close().len(), 0);
        }
    }

    #[test]
    fn what_has_come_behind_the_last_one_is_not_kept() {
        let (mut items, mut recorded) = (Index::new(), RecordedItems::new());
        items.insert(Numbered(Id { ms: 5, seq: 0 }, 0));
        recorded.open(&items);
        recorded.changes(Id { ms: 6, seq: 0 }, None);
        assert_eq!((recorded.len(), recorded.memory()), (0, 0));
        recorded.changes(Id { ms: 4, seq: 0 }, None);
        assert!(recorded.memory() > 0);
        let mut kept = recorded.close();
        assert_eq!((kept.free_some(10), kept.free_some(10)), (1, 0));
    }
}
