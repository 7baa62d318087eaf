//! Lists: sequences that grow and shrink at both ends.
//!
//! A small list is packed into its key's blob. Past `COMPACT` bytes it is a [`LargeList`]: a deque of
//! nodes, each of which packs as many elements as `list-max-listpack-size` allows. Alone among the
//! collections a list becomes compact again when it shrinks, as it does in the reference.
//!
//! What OBJECT ENCODING says of a list follows the reference and not our forms. It calls a list
//! `listpack` while it would keep it in one piece, which for us is the compact form or one node.

use std::collections::vec_deque;
use std::iter;
use std::ops::{ControlFlow, Range};

use crate::keyspace::compact::packed::{self, Packed, PackedMut};
use crate::keyspace::entry::{Body, Entry};
use crate::keyspace::kind::{Kind, PayloadKind};
use crate::keyspace::large::list::fill::{EMPTY_LISTPACK, Fill, listpack_size};
use crate::keyspace::large::list::{LargeList, Node};
use crate::keyspace::typed::{Collection, Edit, View};
use crate::keyspace::value::Value;
use crate::keyspace::visit::Part;

pub use crate::keyspace::large::list::Side;

/// The type, for [`crate::keyspace::View`] and [`crate::keyspace::Edit`].
#[derive(Debug)]
pub struct List;

/// A list of more bytes has nodes. A blob must be moved for every push, so it had better be short.
const COMPACT: usize = 1024;

/// A list with nodes loses them when it needs no more bytes than this.
const COMPACT_AGAIN: usize = COMPACT / 4;

impl Collection for List {
    const KIND: Kind = Kind::List;
    const PAYLOAD: PayloadKind = PayloadKind::List;
    const EMPTY: &'static [u8] = packed::EMPTY;

    #[inline]
    fn len(entry: &Entry) -> usize {
        match entry.body() {
            Body::Compact(_, payload) => Packed::new(payload).len(),
            Body::Large(value) => value.len(),
        }
    }

    fn visit<B>(
        view: View<'_, Self>,
        mut visit: impl FnMut(Part<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        view.iter().try_for_each(|element| visit(Part::Element(element)))
    }
}

/// What a list is made of.
enum Form<'a> {
    Compact(Packed<'a>),
    Large(&'a LargeList),
}

impl<'a> View<'a, List> {
    /// The elements, from either end.
    pub fn iter(self) -> Iter<'a> {
        let left = self.len();
        match self.form() {
            Form::Compact(packed) => Iter { left, ..Iter::of(packed) },
            Form::Large(list) => Iter { front: none(), nodes: list.nodes(), back: none(), left },
        }
    }

    /// The elements from number `index` on. Those before are passed over a node at a time.
    pub fn iter_from(self, index: usize) -> Iter<'a> {
        let left = self.len().saturating_sub(index);
        match self.form() {
            _ if left == 0 => Iter { front: none(), nodes: Default::default(), back: none(), left },
            Form::Compact(packed) => {
                let mut iter = Iter::of(packed);
                if index > 0 {
                    iter.front.nth(index - 1);
                }
                Iter { left, ..iter }
            }
            Form::Large(list) => {
                let (front, nodes) = list.iter_from(index);
                Iter { front, nodes, back: none(), left }
            }
        }
    }

    /// Calls `each` with the elements in `range`, one after another.
    #[inline]
    pub fn for_each_in(self, range: Range<usize>, mut each: impl FnMut(&'a [u8])) {
        let mut left = range.len();
        let Iter { front, nodes, .. } = self.iter_from(range.start);
        for node in iter::once(front).chain(nodes.map(Node::iter)) {
            for (_, element) in node.take(left) {
                each(element);
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
    }

    /// Element number `index`.
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        match index + 1 == self.len() {
            true => self.iter().next_back(),
            false => self.iter_from(index).next(),
        }
    }

    /// The element at an end, if there is one.
    pub fn end(self, side: Side) -> Option<&'a [u8]> {
        match side {
            Side::Left => self.iter().next(),
            Side::Right => self.iter().next_back(),
        }
    }

    /// What OBJECT ENCODING says.
    pub fn encoding(self) -> &'static str {
        match self.quicklist_nodes() {
            None => "listpack",
            Some(_) => "quicklist",
        }
    }

    /// How many nodes a list has that OBJECT ENCODING calls `quicklist`.
    pub fn quicklist_nodes(self) -> Option<usize> {
        match self.form() {
            Form::Compact(_) => None,
            Form::Large(list) => list.quicklist_nodes(),
        }
    }

    fn form(self) -> Form<'a> {
        match self.entry.body() {
            Body::Compact(_, payload) => Form::Compact(Packed::new(payload)),
            Body::Large(Value::List(list)) => Form::Large(list),
            Body::Large(_) => Form::Compact(Packed::new(packed::EMPTY)),
        }
    }
}

/// The elements of a list. The nodes that no end has reached yet are between those two.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    front: packed::Iter<'a>,
    nodes: vec_deque::Iter<'a, Node>,
    back: packed::Iter<'a>,
    left: usize,
}

impl<'a> Iter<'a> {
    fn of(packed: Packed<'a>) -> Iter<'a> {
        Iter { front: packed.iter(), nodes: Default::default(), back: none(), left: packed.len() }
    }
}

fn none<'a>() -> packed::Iter<'a> {
    packed::Iter::over(&[], 0)
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some((_, element)) = self.front.next() {
                self.left -= 1;
                return Some(element);
            }
            self.front = match self.nodes.next() {
                Some(node) => node.iter(),
                None if self.left > 0 => std::mem::replace(&mut self.back, none()),
                None => return None,
            };
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((_, element)) = self.back.next_back() {
                self.left -= 1;
                return Some(element);
            }
            self.back = match self.nodes.next_back() {
                Some(node) => node.iter(),
                None if self.left > 0 => std::mem::replace(&mut self.front, none()),
                None => return None,
            };
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Edit<'_, List> {
    /// Adds elements at an end, one after another.
    pub fn push<'e>(
        &mut self,
        side: Side,
        elements: impl ExactSizeIterator<Item = &'e [u8]> + Clone,
    ) {
        let count = elements.len();
        let bytes = elements.clone().map(<[u8]>::len).sum();
        match self.grow(count, bytes) {
            Some(list) => elements.for_each(|element| list.push(side, element)),
            None => self.compact(|mut packed| match side {
                Side::Left => elements.for_each(|element| packed.push_front(element)),
                Side::Right => elements.for_each(|element| packed.push_back(element)),
            }),
        }
    }

    /// Removes `count` elements, or all if there are fewer, at an end.
    pub fn remove(&mut self, side: Side, count: usize) {
        self.take(side, count);
        self.shrink();
    }

    /// Moves the element at one end to the other, or to where it was.
    pub fn rotate(&mut self, from: Side, to: Side) {
        let Some(element) = self.view().end(from).map(<[u8]>::to_vec) else {
            return;
        };
        self.take(from, 1);
        self.push(to, std::iter::once(&element[..]));
        self.shrink();
    }

    fn take(&mut self, side: Side, count: usize) {
        let len = self.len();
        let count = count.min(len);
        if count == 0 {
            return;
        }
        match self.large() {
            Some(list) => {
                let gone = list.remove(side, count);
                self.discard(gone.map(Value::List));
            }
            None => self.compact(|mut packed| {
                let start = packed.view().iter().offset();
                let end = packed.view().size();
                match side {
                    Side::Left => {
                        let to = offset(packed.view(), count);
                        packed.remove_range(start, to, count);
                    }
                    Side::Right => {
                        let from = offset(packed.view(), len - count);
                        packed.remove_range(from, end, count);
                    }
                }
            }),
        }
    }

    /// Replaces element number `index`. Returns whether there is such an element.
    ///
    /// As in the reference, what it takes for a list that has outgrown a `listpack` is decided before:
    /// an attempt with a huge element is enough.
    pub fn set(&mut self, index: usize, element: &[u8]) -> bool {
        self.grow(1, element.len());
        if index >= self.len() {
            return false;
        }
        match self.large() {
            Some(list) => {
                list.set(index, element);
                self.shrink();
            }
            None => self.compact(|mut packed| {
                let at = offset(packed.view(), index);
                packed.replace(at, element);
            }),
        }
        true
    }

    /// Puts an element before the first one that is equal to `pivot`, or after it. Returns whether there is one.
    /// A list can become a `quicklist` even if there is none, as with [`Edit::set`].
    pub fn insert(&mut self, after: bool, pivot: &[u8], element: &[u8]) -> bool {
        self.grow(1, element.len());
        let Some(index) = self.view().iter().position(|other| other == pivot) else {
            return false;
        };
        match self.large() {
            Some(list) => list.insert(index, after, element),
            None => self.compact(|mut packed| {
                let at = offset(packed.view(), index + usize::from(after));
                packed.insert(at, element);
            }),
        }
        true
    }

    /// Removes up to `most` elements that are equal to `element`, counted from `side` on. Returns how
    /// many.
    pub fn remove_equal(&mut self, element: &[u8], side: Side, most: usize) -> usize {
        let removed = match self.large() {
            Some(list) => list.remove_equal(element, side, most),
            None => {
                let equal = |&(_, other): &(usize, &[u8])| other == element;
                let Form::Compact(packed) = self.view().form() else {
                    return 0;
                };
                let from = match side {
                    Side::Left => packed.iter().find(equal),
                    Side::Right => packed.iter().rev().filter(equal).take(most).last(),
                };
                let Some((at, _)) = from else {
                    return 0;
                };
                let mut removed = 0;
                self.compact(|mut packed| removed = packed.remove_equal(at, element, most));
                removed
            }
        };
        self.shrink();
        removed
    }

    // Forms.

    /// Chooses the form for a list to which `count` elements of `bytes` in all will be added. Returns
    /// the list if it is a large one.
    fn grow(&mut self, count: usize, bytes: usize) -> Option<&mut LargeList> {
        let fill = Fill::new(self.limits().list_max_listpack_size);
        if let Form::Compact(packed) = self.view().form() {
            let (size, len) = (packed.size(), packed.len());
            // No element is larger in the reference's format by more than three bytes.
            let is_small = fill.holds(size + 3 * len + EMPTY_LISTPACK + bytes, len + count)
                || fill.holds(as_listpack(packed) + bytes, len + count);
            if is_small && size + bytes + 2 * count <= COMPACT {
                return None;
            }
            let list = LargeList::new(packed.run(), (!is_small).then_some(fill));
            self.entry().set_large(Value::List(list));
        } else if let Some(list) = self.large() {
            list.grow(fill, count, bytes);
        }
        self.large()
    }

    /// Chooses the form for a list that has lost elements.
    fn shrink(&mut self) {
        let fill = Fill::new(self.limits().list_max_listpack_size);
        let Some(run) = self.large().and_then(|list| list.shrink(fill, COMPACT_AGAIN)) else {
            return;
        };
        let run = run.to_vec();
        let count = (self.len() as u16).to_le_bytes();
        let payload = [&count[..], &run].concat();
        let old = self.entry().set_compact(PayloadKind::List, &payload);
        self.discard(old);
    }

    fn large(&mut self) -> Option<&mut LargeList> {
        match self.entry().large_mut() {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    fn compact(&mut self, change: impl FnOnce(PackedMut<'_>)) {
        self.entry().edit(|bytes, start| change(PackedMut::new(bytes, start)));
    }
}

/// What a compact list would take in the reference's packed format, in bytes.
fn as_listpack(packed: Packed<'_>) -> usize {
    EMPTY_LISTPACK + packed.iter().map(|(_, element)| listpack_size(element)).sum::<usize>()
}

/// Where element number `index` lies; the end if there are no more.
fn offset(packed: Packed<'_>, index: usize) -> usize {
    let mut iter = packed.iter();
    if index > 0 {
        iter.nth(index - 1);
    }
    iter.offset()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::keyspace::{Random, Store};

    type Model = VecDeque<Vec<u8>>;

    fn store(directive: i64) -> Store {
        let mut store = Store::new(1);
        store.shared.limits.list_max_listpack_size = directive;
        store
    }

    fn edit<R>(store: &mut Store, change: impl FnOnce(&mut Edit<'_, List>) -> R) -> R {
        let mut db = store.db(0);
        change(&mut db.edit_or_new(b"list").expect("a list"))
    }

    fn push(store: &mut Store, side: Side, elements: &[&[u8]]) {
        edit(store, |list| list.push(side, elements.iter().copied()));
    }

    fn encoding(store: &mut Store) -> &'static str {
        store.db(0).view::<List>(b"list").expect("a list").map_or("none", |list| list.encoding())
    }

    /// Many are equal, some are numbers, few are long.
    fn element(random: &mut Random) -> Vec<u8> {
        match random.below(40) {
            0 => vec![b'x'; random.below(9000)],
            1..=3 => vec![b'y'; random.below(400)],
            4..=19 => vec![b'z'; random.below(20)],
            _ => random.below(40).to_string().into_bytes(),
        }
    }

    fn side(random: &mut Random) -> Side {
        if random.below(2) == 0 { Side::Left } else { Side::Right }
    }

    fn push_model(model: &mut Model, side: Side, element: Vec<u8>) {
        match side {
            Side::Left => model.push_front(element),
            Side::Right => model.push_back(element),
        }
    }

    fn pop_model(model: &mut Model, side: Side) -> Option<Vec<u8>> {
        match side {
            Side::Left => model.pop_front(),
            Side::Right => model.pop_back(),
        }
    }

    fn remove_from_model(model: &mut Model, element: &[u8], side: Side, most: usize) -> usize {
        let equal = |&index: &usize| model[index] == element;
        let mut gone: Vec<usize> = match side {
            Side::Left => (0..model.len()).filter(equal).take(most).collect(),
            Side::Right => (0..model.len()).rev().filter(equal).take(most).collect(),
        };
        gone.sort_unstable();
        gone.iter().rev().for_each(|&index| drop(model.remove(index)));
        gone.len()
    }

    fn check(view: View<'_, List>, model: &Model, random: &mut Random) {
        assert_eq!(view.len(), model.len());
        assert!(view.iter().eq(model.iter()));
        assert!(view.iter().rev().eq(model.iter().rev()));
        let index = random.below(model.len() + 1);
        assert!(view.iter_from(index).eq(model.range(index..)));
        assert!(view.iter_from(index).rev().eq(model.range(index..).rev()));
        assert_eq!(view.get(index), model.get(index).map(Vec::as_slice));
        assert_eq!(view.end(Side::Left), model.front().map(Vec::as_slice));
        assert_eq!(view.end(Side::Right), model.back().map(Vec::as_slice));
        // From both ends at once, so that they meet somewhere.
        let (mut elements, mut indexes) = (view.iter(), 0..model.len());
        while let Some(index) = match random.below(2) {
            0 => indexes.next(),
            _ => indexes.next_back(),
        } {
            let from_front = index + 1 == indexes.start;
            let element = if from_front { elements.next() } else { elements.next_back() };
            assert_eq!(element, Some(&model[index][..]));
            assert_eq!(elements.len(), indexes.len());
        }
        assert_eq!((elements.next(), elements.next_back()), (None, None));
        if let Form::Large(list) = view.form() {
            list.check();
            assert!(list.clone().nodes().flat_map(Node::iter).map(|pair| pair.1).eq(model.iter()));
        }
    }

    #[test]
    fn behaves_like_a_deque_of_strings() {
        for (seed, directive) in [-2, -1, -2, 1, 4, 100, -2, 0, -5, -1].into_iter().enumerate() {
            let random = &mut Random::seeded(seed as u64);
            let mut store = store(directive);
            let mut model = Model::new();
            for step in 0..3000 {
                let element = match model.is_empty() || random.below(2) == 0 {
                    true => element(random),
                    false => model[random.below(model.len())].clone(),
                };
                let (side, len) = (side(random), model.len());
                // The list grows and shrinks in turn, past the limits of its forms and back.
                let grows = step / 300 % 2 == 0;
                match random.below(if grows { 16 } else { 10 }) {
                    0 => {
                        let index = random.below(len + 1);
                        assert_eq!(edit(&mut store, |list| list.set(index, &element)), index < len);
                        if index < len {
                            model[index] = element;
                        }
                    }
                    1 | 2 => {
                        let after = random.below(2) == 0;
                        let pivot = self::element(random);
                        let at = model.iter().position(|other| *other == pivot);
                        assert_eq!(
                            edit(&mut store, |list| list.insert(after, &pivot, &element)),
                            at.is_some()
                        );
                        if let Some(at) = at {
                            model.insert(at + usize::from(after), element);
                        }
                    }
                    3 => {
                        let most = [1, 2, usize::MAX][random.below(3)];
                        assert_eq!(
                            edit(&mut store, |list| list.remove_equal(&element, side, most)),
                            remove_from_model(&mut model, &element, side, most)
                        );
                    }
                    4 => {
                        let to = self::side(random);
                        edit(&mut store, |list| list.rotate(side, to));
                        if let Some(element) = pop_model(&mut model, side) {
                            push_model(&mut model, to, element);
                        }
                    }
                    5..=9 => {
                        let count = if random.below(8) == 0 { random.below(40) } else { 1 };
                        edit(&mut store, |list| list.remove(side, count));
                        (0..count).for_each(|_| drop(pop_model(&mut model, side)));
                    }
                    _ => {
                        let elements: Vec<_> =
                            (0..1 + random.below(4)).map(|_| self::element(random)).collect();
                        let slices: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
                        push(&mut store, side, &slices);
                        elements.into_iter().for_each(|one| push_model(&mut model, side, one));
                    }
                }
                match store.db(0).view::<List>(b"list").expect("a list") {
                    Some(view) => check(view, &model, random),
                    None => assert!(model.is_empty()),
                }
            }
            edit(&mut store, |list| list.remove(Side::Left, usize::MAX));
            while store.free_some(1000) {}
            assert_eq!(store.db(0).len(), 0);
        }
    }

    #[test]
    fn memory_is_accounted_for() {
        let mut store = store(-2);
        push(&mut store, Side::Left, &[b"a"]);
        let small = store.memory();
        for n in 0..20_000_u32 {
            push(&mut store, Side::Left, &[&n.to_le_bytes()]);
        }
        let large = store.memory() - small;
        assert!((20_000 * 6..20_000 * 7).contains(&large), "{large} bytes");
        edit(&mut store, |list| list.remove(Side::Left, 20_000));
        assert_eq!(store.memory(), small);
    }

    #[test]
    fn memory_of_a_copy_is_counted_anew() {
        let mut store = store(-2);
        for n in 0..3000_u32 {
            push(&mut store, Side::Left, &[&n.to_le_bytes()]);
        }
        let mut db = store.db(0);
        match db.view::<List>(b"list").unwrap().unwrap().form() {
            Form::Large(list) => list.clone().check(),
            Form::Compact(_) => panic!("it is large"),
        }
    }

    #[test]
    fn a_list_is_called_listpack_up_to_its_limit() {
        let mut store = store(-2);
        push(&mut store, Side::Left, &[&[b'x'; 8185]]);
        assert_eq!(encoding(&mut store), "listpack");
        push(&mut store, Side::Left, &[b""]);
        assert_eq!(encoding(&mut store), "quicklist");
        edit(&mut store, |list| list.remove(Side::Right, 1));
        assert_eq!(encoding(&mut store), "listpack");
    }

    #[test]
    fn a_quicklist_is_a_listpack_again_at_half_its_limit() {
        let mut store = store(8);
        push(&mut store, Side::Right, &[&b"a"[..]; 8]);
        assert_eq!(encoding(&mut store), "listpack");
        push(&mut store, Side::Right, &[b"b"]);
        assert_eq!(encoding(&mut store), "quicklist");
        edit(&mut store, |list| list.remove(Side::Right, 4));
        assert_eq!(encoding(&mut store), "quicklist");
        edit(&mut store, |list| list.remove(Side::Right, 1));
        assert_eq!(encoding(&mut store), "listpack");
    }

    #[test]
    fn two_small_nodes_are_a_quicklist() {
        let mut store = store(4);
        push(&mut store, Side::Right, &[b"a", b"b", b"c", b"d", b"e"]);
        edit(&mut store, |list| list.remove(Side::Left, 3));
        assert_eq!(store.db(0).view::<List>(b"list").unwrap().unwrap().quicklist_nodes(), Some(2));
        edit(&mut store, |list| list.remove(Side::Left, 1));
        assert_eq!(encoding(&mut store), "listpack");
    }

    #[test]
    fn what_is_trimmed_off_a_huge_list_is_freed_in_slices() {
        let mut store = store(4);
        push(&mut store, Side::Right, &[&b"element"[..]; 1000]);
        edit(&mut store, |list| list.remove(Side::Right, 999));
        assert_eq!(encoding(&mut store), "listpack");
        let mut slices = 0;
        while store.free_some(10) {
            slices += 1;
        }
        assert!(slices >= 24, "250 nodes went in {slices} slices");
    }
}
