use std::collections::BTreeMap;

use respd_exercises::chapter_15::{Store, is_right, smallest};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// What is set anew goes when it would have gone before.
    KeepsTheOldEnd,
    /// It goes a millisecond later.
    GoesLate,
    /// It goes a millisecond earlier.
    GoesEarly,
    /// Something that is gone can be removed.
    RemovesTheDead,
    /// Of two names that go at the same time one stays.
    ForgetsTheSecond,
}

/// A store with a fault, or with none.
struct Tested {
    fault: Fault,
    now: u64,
    numbers: BTreeMap<u8, (u32, Option<u64>)>,
}

impl Tested {
    fn new(fault: Fault) -> Tested {
        Tested { fault, now: 0, numbers: BTreeMap::new() }
    }

    fn is_over(&self, until: Option<u64>) -> bool {
        let late = u64::from(self.fault == Fault::GoesLate);
        let early = u64::from(self.fault == Fault::GoesEarly);
        until.is_some_and(|until| until + late <= self.now + early)
    }
}

impl Store for Tested {
    fn set(&mut self, name: u8, number: u32, lives: Option<u64>) {
        let mut until = lives.map(|lives| self.now + lives);
        if let Some(&(_, old)) = self.numbers.get(&name)
            && self.fault == Fault::KeepsTheOldEnd
            && until.is_none()
        {
            until = old;
        }
        self.numbers.insert(name, (number, until));
    }

    fn get(&mut self, name: u8) -> Option<u32> {
        let &(number, until) = self.numbers.get(&name)?;
        (!self.is_over(until)).then_some(number)
    }

    fn remove(&mut self, name: u8) -> bool {
        let Some((_, until)) = self.numbers.remove(&name) else { return false };
        self.fault == Fault::RemovesTheDead || !self.is_over(until)
    }

    fn advance(&mut self, millis: u64) {
        self.now += millis;
        let names = self.numbers.iter();
        let ended: Vec<_> = names.filter(|(_, entry)| self.is_over(entry.1)).collect();
        let stays = ended.get(1).map(|(name, entry)| (**name, entry.1));
        if let Some((name, until)) = stays
            && self.fault == Fault::ForgetsTheSecond
            && ended[0].1.1 == until
            && let Some(entry) = self.numbers.get_mut(&name)
        {
            entry.1 = None;
        }
    }
}

#[test]
fn right_and_wrong_are_told_apart() {
    assert!(is_right(&mut Tested::new(Fault::None)), "there is nothing wrong with this one");
    for fault in [
        Fault::KeepsTheOldEnd,
        Fault::GoesLate,
        Fault::GoesEarly,
        Fault::RemovesTheDead,
        Fault::ForgetsTheSecond,
    ] {
        assert!(!is_right(&mut Tested::new(fault)), "{fault:?} was not found");
    }
}

#[test]
fn what_fails_is_made_small() {
    let steps: Vec<u32> = (0..1000).collect();
    for wanted in [vec![7], vec![0, 999], vec![100, 101, 102], vec![3, 400, 401, 950]] {
        let mut asked = 0;
        let found = smallest(&steps, &mut |part: &[u32]| {
            asked += 1;
            wanted.iter().all(|step| part.contains(step))
        });
        assert_eq!(found, wanted);
        assert!(asked <= 300, "asked {asked} times for {wanted:?}");
    }
}

#[test]
fn nothing_can_be_left_out_of_the_smallest() {
    // It fails as soon as three of them are there, or the last one with any other.
    let fails = |part: &[u32]| part.len() >= 3 || part.len() == 2 && part.contains(&99);
    let found = smallest(&(0..100).collect::<Vec<_>>(), &mut |part: &[u32]| fails(part));
    assert!(fails(&found));
    for at in 0..found.len() {
        let mut fewer = found.clone();
        fewer.remove(at);
        assert!(!fails(&fewer), "{found:?} without {at}");
    }
}
