//! Sets: members that are there or not.
//!
//! A small set of integers is an [`Intset`](intset::Intset), another small set a [`packed`] sequence in the order in
//! which its members came; past the `set-max-*` limits a set is a [`LargeSet`]. `form` knows when one
//! becomes another.

pub mod algebra;
mod form;
mod member;

use std::ops::ControlFlow;

use crate::keyspace::compact::intset::{self, IntsetMut};
use crate::keyspace::compact::packed::{self, PackedMut};
use crate::keyspace::entry::Entry;
use crate::keyspace::index::dict::Keyed;
use crate::keyspace::kind::{Kind, PayloadKind};
use crate::keyspace::value::Value;
use crate::keyspace::visit::Part;
use crate::keyspace::{Collection, Db, Edit, Limits, Random, View};
use form::Form;

pub use member::{Element, Elements, Member};

/// The type, for [`View`] and [`Edit`].
#[derive(Debug)]
pub struct Set;

impl Collection for Set {
    const KIND: Kind = Kind::Set;
    const PAYLOAD: PayloadKind = PayloadKind::IntSet;
    const EMPTY: &'static [u8] = intset::EMPTY;

    fn len(entry: &Entry) -> usize {
        Form::of(entry).len()
    }

    fn visit<B>(
        view: View<'_, Self>,
        mut visit: impl FnMut(Part<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        view.iter().try_for_each(|member| visit(Part::Member(&member)))
    }
}

impl<'a> View<'a, Set> {
    /// What OBJECT ENCODING calls it.
    pub fn encoding(self) -> &'static str {
        match self.form() {
            Form::Integers(_) => "intset",
            Form::Packed(_) => "listpack",
            Form::Large(_) => "hashtable",
        }
    }

    fn is_intset(self) -> bool {
        matches!(self.form(), Form::Integers(_))
    }

    fn form(self) -> Form<'a> {
        Form::of(self.entry)
    }

    pub fn iter(self) -> impl Iterator<Item = Member<'a>> + Clone {
        self.elements().map(Member::from)
    }

    /// As [`View::iter`], the members as they are kept.
    pub fn elements(self) -> Elements<'a> {
        self.form().elements()
    }

    pub fn contains(self, member: &[u8]) -> bool {
        self.form().contains(Element::Text(member))
    }

    /// A step of a walk through all members: see `Dict::scan`. A small set is one step.
    pub fn scan(self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8])) -> u64 {
        if let Form::Large(set) = self.form() {
            return set.scan(cursor, count, visit);
        }
        self.iter().for_each(|member| visit(&member));
        0
    }

    /// The member at a position below the number of members.
    fn nth(self, position: usize) -> Option<Member<'a>> {
        let element = match self.form() {
            Form::Integers(set) => Element::Integer(set.at(position)),
            Form::Packed(set) => Element::Text(set.iter().nth(position)?.1),
            Form::Large(set) => Element::Text(set.at(position)),
        };
        Some(element.into())
    }

    /// A member, each as likely as the other.
    pub fn pick(self, random: &mut Random) -> Option<Member<'a>> {
        if self.is_empty() { None } else { self.nth(random.below(self.len())) }
    }

    /// Calls `visit` with `count` different members, or with all if there are no more. Every choice of
    /// them is as likely as the other.
    pub fn pick_distinct(self, random: &mut Random, count: usize, mut visit: impl FnMut(&[u8])) {
        if count >= self.len() {
            self.iter().for_each(|member| visit(&member));
            return;
        }
        match self.form() {
            Form::Packed(set) => {
                let mut elements = set.iter();
                let mut passed = 0;
                for position in sorted(random, self.len(), count) {
                    if let Some((_, member)) = elements.nth(position - passed) {
                        visit(member);
                    }
                    passed = position + 1;
                }
            }
            _ => random
                .distinct(self.len(), count)
                .filter_map(|position| self.nth(position))
                .for_each(|member| visit(&member)),
        }
    }

    /// Calls `visit` with a random member so many times, never mind which were picked before, or until it returns
    /// false.
    pub fn pick_any(self, random: &mut Random, count: u64, mut visit: impl FnMut(&[u8]) -> bool) {
        let len = self.len();
        if let Form::Packed(set) = self.form() {
            let members: Vec<&[u8]> = set.iter().map(|(_, text)| text).collect();
            let _ = (0..count).all(|_| visit(members[random.below(len)]));
            return;
        }
        let _ = (0..count).all(|_| self.pick(random).is_some_and(|member| visit(&member)));
    }
}

impl Edit<'_, Set> {
    /// Adds members. Returns how many were not there yet.
    pub fn add_all<'m>(
        &mut self,
        members: impl ExactSizeIterator<Item = &'m [u8]> + Clone,
    ) -> usize {
        let limits = self.limits();
        let members = members.map(Element::Text);
        if let Some(first) = members.clone().next() {
            form::expect(self.entry(), &limits, first, members.len());
        }
        form::add_all(self.entry(), &limits, members, false)
    }

    /// Says that so many members are about to come, this one first, as [`Edit::add_all`] knows it.
    pub(crate) fn expect(&mut self, first: &[u8], members: usize) {
        let limits = self.limits();
        form::expect(self.entry(), &limits, Element::Text(first), members);
    }

    /// Adds a member. Returns whether it is new.
    pub fn add(&mut self, member: &[u8]) -> bool {
        self.add_all(std::iter::once(member)) > 0
    }

    /// Removes a member. Returns whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        form::remove(self.entry(), Element::Text(member))
    }

    /// Removes `count` members, or all if there are no more, and calls `taken` with each. Every choice
    /// of them is as likely as the other.
    pub fn pop(&mut self, count: usize, mut taken: impl FnMut(&[u8])) {
        let len = self.len();
        if count >= len {
            self.view().iter().for_each(|member| taken(&member));
            let old = self.entry().set_compact(Set::PAYLOAD, Set::EMPTY);
            self.discard(old);
            return;
        }
        let mut random = self.random().fork();
        let limits = self.limits();
        let entry = self.entry();
        if let Some(Value::Set(set)) = entry.large_mut() {
            for left in (len - count..len).rev() {
                let position = random.below(left + 1);
                taken(set.at(position));
                set.remove_at(position);
            }
            // Taking nearly all of them makes a new set of the others, which may be small again.
            if (len - count).saturating_mul(5) <= count && form::fits_packed(set, &limits) {
                let old = form::pack(entry);
                self.discard(old);
            }
            return;
        }
        let (one, many);
        let positions: &[usize] = if count == 1 {
            one = [random.below(len)];
            &one
        } else {
            many = sorted(&mut random, len, count);
            &many
        };
        let view = View::<Set>::new(entry);
        positions.iter().filter_map(|&at| view.nth(at)).for_each(|member| taken(&member));
        let is_intset = view.is_intset();
        entry.edit(|bytes, start| match is_intset {
            true => IntsetMut::new(bytes, start).remove_all(positions),
            false => PackedMut::new(bytes, start).remove_all(positions),
        });
    }
}

/// A set in the making, which belongs under a key: [`Db::put_set`]. It begins as one of integers.
#[derive(Debug)]
pub struct NewSet {
    entry: Entry,
    limits: Limits,
}

impl NewSet {
    pub fn view(&self) -> View<'_, Set> {
        View::new(&self.entry)
    }

    /// Makes the set, which is empty, large: for one that is not going to be stored.
    pub fn begin_large(&mut self) {
        form::enlarge(&mut self.entry);
    }

    /// Packs the set, which is empty, whatever its members are going to be.
    fn begin_packed(&mut self) {
        self.entry.set_compact(PayloadKind::Set, packed::EMPTY);
    }

    fn add_all<'m>(&mut self, members: impl Iterator<Item = Element<'m>>) {
        form::add_all(&mut self.entry, &self.limits, members, false);
    }

    /// Adds members that differ and are not there.
    fn add_new<'m>(&mut self, members: impl Iterator<Item = Element<'m>>) {
        form::add_all(&mut self.entry, &self.limits, members, true);
    }

    /// Prepares for so many members.
    fn expect(&mut self, first: Element<'_>, count: usize) {
        form::expect(&mut self.entry, &self.limits, first, count);
    }

    fn remove(&mut self, member: Element<'_>) {
        form::remove(&mut self.entry, member);
    }

    /// Makes it a set of integers, if it is one and they are few.
    fn settle(&mut self) {
        form::settle(&mut self.entry, &self.limits);
    }
}

impl Db<'_> {
    /// An empty set that is going to belong under `key`.
    pub fn new_set(&self, key: &[u8]) -> NewSet {
        NewSet { entry: Entry::new(key, Set::PAYLOAD, Set::EMPTY), limits: self.shared.limits }
    }

    /// Puts a set under its key, whatever was there, which is for the caller to note. An empty one leaves
    /// no key, which is noted. Returns its size.
    pub fn put_set(&mut self, set: NewSet) -> usize {
        let len = set.view().len();
        if len > 0 {
            self.put(set.entry);
        } else {
            self.delete(set.entry.key());
        }
        len
    }
}

/// `count` different positions below `len`, in order.
fn sorted(random: &mut Random, len: usize, count: usize) -> Vec<usize> {
    let mut positions: Vec<usize> = random.distinct(len, count).collect();
    positions.sort_unstable();
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{Operand, Store};
    use crate::text::number;
    use std::collections::{BTreeMap, BTreeSet};

    type Model = BTreeSet<Vec<u8>>;

    /// A store whose small sets are very small.
    fn store() -> Store {
        let mut store = Store::new(1);
        store.shared.random = Random::seeded(11);
        store.shared.limits = Limits {
            set_max_intset_entries: 12,
            set_max_listpack_entries: 9,
            set_max_listpack_value: 6,
            ..Limits::default()
        };
        store
    }

    fn add(store: &mut Store, key: &str, members: &[&str]) -> usize {
        let mut db = store.db(0);
        let mut set = db.edit_or_new::<Set>(key.as_bytes()).unwrap();
        set.add_all(members.iter().map(|member| member.as_bytes()))
    }

    fn encoding(store: &mut Store, key: &str) -> &'static str {
        store.db(0).view::<Set>(key.as_bytes()).unwrap().map_or("none", |set| set.encoding())
    }

    fn all(store: &mut Store, key: &str) -> Vec<Vec<u8>> {
        let mut db = store.db(0);
        let set = db.view::<Set>(key.as_bytes()).unwrap();
        set.map_or(Vec::new(), |set| set.iter().map(|member| member.to_vec()).collect())
    }

    /// A member of one of the kinds that decide about the form of a set.
    fn some_member(random: &mut Random) -> Vec<u8> {
        let n = random.below(40);
        match random.below(8) {
            0..=4 => format!("{}", n as i64 - 20),
            5 => format!("{}", (n as i64) << 40),
            6 => format!("m{n}"),
            _ => format!("member:{n}:{}", "x".repeat(n)),
        }
        .into_bytes()
    }

    #[test]
    fn behaves_like_a_set_of_strings() {
        let mut store = store();
        let mut random = Random::seeded(3);
        let mut seen = BTreeMap::new();
        for round in 0..400 {
            let mut model = Model::new();
            for _ in 0..random.below(120) {
                let mut member = some_member(&mut random);
                if round % 2 == 0 && number::parse_i64(&member).is_none() {
                    member = b"7".to_vec();
                }
                let mut db = store.db(0);
                match random.below(10) {
                    0..=6 => {
                        let mut set = db.edit_or_new::<Set>(b"s").unwrap();
                        let mut members = vec![member; 1];
                        while random.below(3) == 0 {
                            members.push(some_member(&mut random));
                        }
                        let added = set.add_all(members.iter().map(Vec::as_slice));
                        assert_eq!(
                            added,
                            members.drain(..).filter(|m| model.insert(m.clone())).count()
                        );
                    }
                    7 | 8 => {
                        let set = db.edit::<Set>(b"s").unwrap();
                        let removed = set.is_some_and(|mut set| set.remove(&member));
                        assert_eq!(removed, model.remove(&member));
                    }
                    _ => {
                        let Some(mut set) = db.edit::<Set>(b"s").unwrap() else {
                            continue;
                        };
                        let count = random.below(set.len() * 5 / 4) + 1;
                        let before = set.len();
                        let mut taken = 0;
                        set.pop(count, |member| {
                            taken += 1;
                            assert!(model.remove(member));
                        });
                        assert_eq!((taken, set.len()), (count.min(before), before - taken));
                    }
                }
                let mut db = store.db(0);
                let Some(set) = db.view::<Set>(b"s").unwrap() else {
                    assert!(model.is_empty());
                    continue;
                };
                *seen.entry(set.encoding()).or_insert(0) += 1;
                assert_eq!(set.len(), model.len());
                assert!(set.iter().all(|member| set.contains(&member)));
                let found: Model = set.iter().map(|member| member.to_vec()).collect();
                assert_eq!(found, model);
                let other = some_member(&mut random);
                assert_eq!(set.contains(&other), model.contains(&other));
            }
            store.db(0).remove(b"s");
        }
        assert!(seen.len() == 3 && seen.values().all(|&times| times > 500), "{seen:?}");
    }

    #[test]
    fn the_first_member_and_the_number_of_members_choose_the_form() {
        let integers: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let integers: Vec<&str> = integers.iter().map(String::as_str).collect();
        for (additions, expected) in [
            (&[&integers[..12]][..], "intset"),
            (&[&integers[..13]], "hashtable"),
            (&[&integers[..12], &["12"]], "hashtable"),
            (&[&integers[..12], &["0"]], "intset"),
            // As many additions as could make it too large, though all are there already.
            (&[&["1"], &["1"; 13]], "hashtable"),
            (&[&["a"], &["a"; 10]], "hashtable"),
            (&[&["01"]], "listpack"),
            (&[&["a", "b", "c", "d", "e", "f", "g", "h", "i"]], "listpack"),
            (&[&["a", "b", "c", "d", "e", "f", "g", "h", "i"], &["j"]], "hashtable"),
            (&[&["123456"]], "intset"),
            (&[&["1234567"], &["a"]], "hashtable"),
            (&[&["-12345", "123456"], &["a"]], "listpack"),
            (&[&["abcdef"]], "listpack"),
            (&[&["abcdefg"]], "hashtable"),
            (&[&["a"], &["1234567"]], "hashtable"),
            (&[&integers[..8], &["a"]], "listpack"),
            (&[&integers[..9], &["a"]], "hashtable"),
        ] {
            let mut store = store();
            for members in additions {
                add(&mut store, "s", members);
            }
            assert_eq!(encoding(&mut store, "s"), expected, "{additions:?}");
        }
        let mut store = store();
        store.shared.limits.set_max_intset_entries = 0;
        add(&mut store, "s", &["1"]);
        assert_eq!(encoding(&mut store, "s"), "listpack");
    }

    #[test]
    fn a_large_set_is_packed_again_when_pop_leaves_little_of_it() {
        for (count, expected) in [(24, "hashtable"), (25, "listpack"), (29, "listpack")] {
            let mut store = store();
            let members: Vec<String> = (0..30).map(|n| format!("m{n}")).collect();
            add(&mut store, "s", &members.iter().map(String::as_str).collect::<Vec<_>>());
            store.db(0).edit::<Set>(b"s").unwrap().unwrap().pop(count, |_| ());
            assert_eq!(encoding(&mut store, "s"), expected, "{count}");
            assert_eq!(all(&mut store, "s").len(), 30 - count);
        }
    }

    #[test]
    fn popping_everything_removes_the_key() {
        let mut store = store();
        let empty = store.memory();
        for members in [&["1", "2"][..], &["a", "b"], &["a long member", "another"]] {
            add(&mut store, "s", members);
            let mut taken = Vec::new();
            let mut db = store.db(0);
            db.edit::<Set>(b"s").unwrap().unwrap().pop(7, |member| taken.push(member.to_vec()));
            taken.sort();
            assert_eq!(taken, members.iter().map(|m| m.as_bytes().to_vec()).collect::<Vec<_>>());
            assert!(!db.contains(b"s"));
        }
        assert!(store.memory() <= empty + 256);
    }

    /// The members of one set in each form.
    const FORMS: [(&str, [&str; 10]); 3] = [
        ("intset", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        ("listpack", ["a0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        ("hashtable", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "member 9"]),
    ];

    /// Chi-square of ten members that were met so often, were each as likely as the other. With nine
    /// degrees of freedom, 27.9 is passed once in a thousand seeds.
    fn chi_square(counts: &BTreeMap<Vec<u8>, u32>) -> f64 {
        assert_eq!(counts.len(), 10);
        let mean = f64::from(counts.values().sum::<u32>()) / 10.0;
        counts.values().map(|&n| (f64::from(n) - mean).powi(2) / mean).sum()
    }

    #[test]
    fn every_member_is_as_likely_to_be_picked() {
        for (form, members) in FORMS {
            let mut store = store();
            store.shared.limits.set_max_listpack_entries = 10;
            add(&mut store, "s", &members[..1]);
            members.iter().for_each(|member| assert!(add(&mut store, "s", &[member]) < 2));
            assert_eq!(encoding(&mut store, "s"), form);
            let mut random = Random::seeded(4);
            let mut counts: [BTreeMap<Vec<u8>, u32>; 3] = Default::default();
            let mut db = store.db(0);
            let set = db.view::<Set>(b"s").unwrap().unwrap();
            for _ in 0..20_000 {
                let picked = set.pick(&mut random).unwrap().to_vec();
                *counts[0].entry(picked).or_default() += 1;
                let mut different = Model::new();
                set.pick_distinct(&mut random, 3, |member| {
                    *counts[1].entry(member.to_vec()).or_default() += 1;
                    assert!(different.insert(member.to_vec()));
                });
                assert_eq!(different.len(), 3);
            }
            set.pick_any(&mut random, 20_000, |member| {
                *counts[2].entry(member.to_vec()).or_default() += 1;
                true
            });
            for counts in &counts {
                let square = chi_square(counts);
                assert!(square < 27.9, "{form}: {square} of {counts:?}");
            }
        }
    }

    #[test]
    fn every_member_is_as_likely_to_be_popped() {
        for (form, members) in FORMS {
            for count in [1, 4, 9] {
                let mut store = store();
                store.shared.limits.set_max_listpack_entries = 10;
                let mut counts = BTreeMap::<Vec<u8>, u32>::new();
                for _ in 0..10_000 {
                    store.db(0).remove(b"s");
                    members.iter().for_each(|member| assert!(add(&mut store, "s", &[member]) < 2));
                    assert_eq!(encoding(&mut store, "s"), form);
                    let mut db = store.db(0);
                    db.edit::<Set>(b"s").unwrap().unwrap().pop(count, |member| {
                        *counts.entry(member.to_vec()).or_default() += 1;
                    });
                }
                let square = chi_square(&counts);
                assert!(square < 27.9, "{form}, {count}: {square} of {counts:?}");
            }
        }
    }

    #[test]
    fn a_scan_visits_every_member_that_stays() {
        for seed in 1..60 {
            let mut store = store();
            let mut random = Random::seeded(seed);
            // Some walks begin while the set is still small.
            let stay: Model =
                (0..1 + random.below(80)).map(|n| format!("{n}").into_bytes()).collect();
            for member in &stay {
                add(&mut store, "s", &[std::str::from_utf8(member).unwrap()]);
            }
            let (mut met, mut cursor) = (Model::new(), 0);
            loop {
                let mut db = store.db(0);
                let set = db.view::<Set>(b"s").unwrap().unwrap();
                cursor = set.scan(cursor, 3, |member| {
                    met.insert(member.to_vec());
                });
                if cursor == 0 {
                    break;
                }
                for _ in 0..random.below(12) {
                    let member = format!("other {}", random.below(90)).into_bytes();
                    let mut set = db.edit_or_new::<Set>(b"s").unwrap();
                    if !set.remove(&member) {
                        set.add(&member);
                    }
                }
            }
            assert!(stay.is_subset(&met), "seed {seed}");
        }
    }

    /// What operation `n` makes of sets.
    fn expected(n: usize, sets: &[Model]) -> Model {
        let (first, others) = sets.split_first().unwrap();
        match n {
            0 => first.iter().filter(|m| others.iter().all(|s| s.contains(*m))).cloned().collect(),
            1 => sets.iter().flatten().cloned().collect(),
            _ => first.iter().filter(|m| !others.iter().any(|s| s.contains(*m))).cloned().collect(),
        }
    }

    #[test]
    fn algebra_is_that_of_sets() {
        let mut random = Random::seeded(8);
        for _ in 0..600 {
            let mut store = store();
            let keys = &["a", "b", "c", "d"][..1 + random.below(4)];
            let mut models = Vec::new();
            for key in keys {
                let mut model = Model::new();
                let size = [0, 3, 8, 30][random.below(4)];
                for _ in 0..random.below(size + 1) {
                    let member = some_member(&mut random);
                    add(&mut store, key, &[std::str::from_utf8(&member).unwrap()]);
                    model.insert(member);
                }
                models.push(model);
            }
            for (n, operation) in
                [algebra::intersect, algebra::unite, algebra::subtract].into_iter().enumerate()
            {
                let mut db = store.db(0);
                let mut result = db.new_set(b"result");
                let names = keys.iter().map(|key| key.as_bytes());
                operation(&mut result, &db.operands::<Set>(names).unwrap());
                let expected = expected(n, &models);
                assert_eq!(db.put_set(result), expected.len());
                assert_eq!(db.contains(b"result"), !expected.is_empty());
                let stored = all(&mut store, "result");
                assert_eq!(stored.iter().cloned().collect::<Model>(), expected);
                assert_eq!(stored.len(), expected.len());
            }
        }
    }

    #[test]
    fn results_have_the_form_of_the_reference() {
        let mut store = store();
        let many: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        add(&mut store, "integers", &["1", "2"]);
        add(&mut store, "mixed", &["x", "1", "2"]);
        add(&mut store, "more", &["y", "2", "1"]);
        add(&mut store, "many", &many);
        add(&mut store, "most", &many[..39]);
        for from in 0..4 {
            add(&mut store, &format!("part{from}"), &many[from * 9..from * 9 + 9]);
        }
        let mut form = |operation: fn(&mut NewSet, &[Operand<'_, Set>]), keys: &[&str]| {
            let mut db = store.db(0);
            let mut result = db.new_set(b"result");
            let names = keys.iter().map(|key| key.as_bytes());
            operation(&mut result, &db.operands::<Set>(names).unwrap());
            db.put_set(result);
            encoding(&mut store, "result")
        };
        // An intersection that turns out to be of integers is a set of integers.
        assert_eq!(form(algebra::intersect, &["mixed", "more"]), "intset");
        assert_eq!(form(algebra::intersect, &["mixed"]), "listpack");
        assert_eq!(form(algebra::intersect, &["many", "integers"]), "intset");
        assert_eq!(form(algebra::intersect, &["many"]), "hashtable");
        assert_eq!(form(algebra::unite, &["integers"]), "intset");
        assert_eq!(form(algebra::unite, &["integers", "mixed"]), "listpack");
        assert_eq!(form(algebra::unite, &["part0", "part1"]), "hashtable");
        assert_eq!(form(algebra::subtract, &["many", "most"]), "intset");
        // Where members are taken away, they have been there.
        let parts = ["many", "part0", "part1", "part2", "part3"];
        assert_eq!(form(algebra::subtract, &parts), "hashtable");
        // A set that is named again counts again, when that is decided.
        assert_eq!(form(algebra::subtract, &["many", "most", "integers"]), "intset");
        let again = ["many", "most", "integers", "integers", "integers"];
        assert_eq!(form(algebra::subtract, &again), "hashtable");
        assert_eq!(form(algebra::subtract, &["mixed", "integers"]), "listpack");
        assert_eq!(form(algebra::subtract, &["missing", "integers"]), "none");
    }
}
