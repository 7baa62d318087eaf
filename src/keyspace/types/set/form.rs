//! The forms of a set, and when one becomes another: as in Valkey 9.1.
//!
//! | form | of sets |
//! |---|---|
//! | [`PayloadKind::IntSet`] | of up to `set-max-intset-entries` integers |
//! | [`PayloadKind::Set`], packed | of up to `set-max-listpack-entries` members of up to `set-max-listpack-value` bytes |
//! | [`LargeSet`] | of any |

use std::iter::Peekable;

use super::member::{Element, Elements, Member};
use crate::keyspace::Limits;
use crate::keyspace::compact::intset::{Intset, IntsetMut};
use crate::keyspace::compact::packed::{self, Packed, PackedMut};
use crate::keyspace::entry::{Body, Entry};
use crate::keyspace::kind::PayloadKind;
use crate::keyspace::large::set::LargeSet;
use crate::keyspace::value::Value;
use crate::text::number::Spelled;

/// A set, to read: what its entry holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form<'a> {
    Integers(Intset<'a>),
    Packed(Packed<'a>),
    Large(&'a LargeSet),
}

impl<'a> Form<'a> {
    /// That of an entry which holds a set.
    #[inline]
    pub(crate) fn of(entry: &'a Entry) -> Form<'a> {
        match entry.body() {
            Body::Compact(PayloadKind::IntSet, payload) => Form::Integers(Intset::new(payload)),
            Body::Compact(_, payload) => Form::Packed(Packed::new(payload)),
            Body::Large(Value::Set(set)) => Form::Large(set),
            Body::Large(_) => Form::Packed(Packed::new(packed::EMPTY)),
        }
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Form::Integers(set) => set.len(),
            Form::Packed(set) => set.len(),
            Form::Large(set) => set.len(),
        }
    }

    pub(crate) fn elements(self) -> Elements<'a> {
        match self {
            Form::Integers(set) => Elements::Integers(set.iter()),
            Form::Packed(set) => Elements::Packed(set.iter()),
            Form::Large(set) => Elements::Large(set, 0),
        }
    }

    #[inline]
    pub(crate) fn contains(self, member: Element<'_>) -> bool {
        match self {
            Form::Integers(set) => member.integer().is_some_and(|n| set.contains(n)),
            Form::Packed(set) => offset_of(set, &Member::from(member)).is_some(),
            Form::Large(set) => set.contains(&Member::from(member)),
        }
    }
}

/// Prepares for additions. An empty set becomes what its first member asks for; a small one that could
/// grow too large becomes large, even if all that comes is there already.
pub(crate) fn expect(entry: &mut Entry, limits: &Limits, first: Element<'_>, count: usize) {
    let most = match entry.body() {
        Body::Large(_) => return,
        Body::Compact(PayloadKind::IntSet, payload) => {
            let fits = count <= limits.set_max_intset_entries && first.integer().is_some();
            if payload.is_empty() && !fits {
                entry.set_compact(PayloadKind::Set, packed::EMPTY);
                max_packed(limits)
            } else {
                limits.set_max_intset_entries
            }
        }
        Body::Compact(..) => max_packed(limits),
    };
    if count > most {
        enlarge(entry);
    }
}

/// Adds members. Returns how many were not there yet. If it is known that `none_is_there`, and that they differ, they
/// are not looked for.
pub(crate) fn add_all<'m>(
    entry: &mut Entry,
    limits: &Limits,
    members: impl Iterator<Item = Element<'m>>,
    none_is_there: bool,
) -> usize {
    let mut members = members.peekable();
    let mut added = 0;
    // Each of these takes members as long as they fit the form, and then changes the form.
    while members.peek().is_some() {
        added += match Form::of(entry) {
            Form::Integers(_) => add_integers(entry, limits, &mut members),
            Form::Packed(_) => add_packed(entry, limits, &mut members, none_is_there),
            Form::Large(_) => match entry.large_mut() {
                Some(Value::Set(set)) if none_is_there => {
                    members.by_ref().map(|member| set.insert_new(&Member::from(member))).count()
                }
                Some(Value::Set(set)) => {
                    members.by_ref().filter(|&member| set.insert(&Member::from(member))).count()
                }
                _ => return added,
            },
        };
    }
    added
}

fn add_integers<'m>(
    entry: &mut Entry,
    limits: &Limits,
    members: &mut Peekable<impl Iterator<Item = Element<'m>>>,
) -> usize {
    let mut added = 0;
    let mut is_full = false;
    entry.edit(|bytes, start| {
        let mut set = IntsetMut::new(bytes, start);
        let coming = members.size_hint().0.min(limits.set_max_intset_entries);
        if coming > 1 {
            set.reserve(coming);
        }
        while !is_full && let Some(n) = members.peek().and_then(|member| member.integer()) {
            members.next();
            if set.insert(n) {
                added += 1;
                is_full = set.view().len() > limits.set_max_intset_entries;
            }
        }
    });
    if is_full {
        enlarge(entry);
    } else if members.peek().is_some() {
        // The next one is no integer.
        if are_packable(entry, limits) {
            pack(entry);
        } else {
            enlarge(entry);
        }
    }
    added
}

fn add_packed<'m>(
    entry: &mut Entry,
    limits: &Limits,
    members: &mut Peekable<impl Iterator<Item = Element<'m>>>,
    none_is_there: bool,
) -> usize {
    let mut added = 0;
    entry.edit(|bytes, start| {
        let mut set = PackedMut::new(bytes, start);
        while let Some(&member) = members.peek() {
            let member = Member::from(member);
            if none_is_there || offset_of(set.view(), &member).is_none() {
                let is_full = set.view().len() >= max_packed(limits);
                if is_full || member.len() > limits.set_max_listpack_value {
                    return;
                }
                set.push_back(&member);
                added += 1;
            }
            members.next();
        }
    });
    if members.peek().is_some() {
        enlarge(entry);
    }
    added
}

/// Removes a member. Returns whether it was there.
pub(crate) fn remove(entry: &mut Entry, member: Element<'_>) -> bool {
    let removed = match Form::of(entry) {
        Form::Integers(set) => {
            let Some(Ok(position)) = member.integer().map(|n| set.find(n)) else {
                return false;
            };
            entry.edit(|bytes, start| IntsetMut::new(bytes, start).remove(position))
        }
        Form::Packed(set) => {
            let Some(offset) = offset_of(set, &Member::from(member)) else {
                return false;
            };
            entry.edit(|bytes, start| PackedMut::new(bytes, start).remove(offset))
        }
        Form::Large(_) => match entry.large_mut() {
            Some(Value::Set(set)) => return set.remove(&Member::from(member)),
            _ => None,
        },
    };
    removed.is_some()
}

fn offset_of(packed: Packed<'_>, member: &[u8]) -> Option<usize> {
    packed.iter().find(|(_, other)| packed::is_same(other, member)).map(|(offset, _)| offset)
}

/// The most members that a packed set may have.
fn max_packed(limits: &Limits) -> usize {
    limits.set_max_listpack_entries.min(packed::MAX)
}

/// Whether a set of integers can be packed, and one member more.
fn are_packable(entry: &Entry, limits: &Limits) -> bool {
    let Form::Integers(set) = Form::of(entry) else {
        return false;
    };
    let ends = [0, set.len().saturating_sub(1)];
    set.len() < max_packed(limits)
        && (set.is_empty() || ends.iter().all(|&at| is_short(&Spelled::new(set.at(at)), limits)))
}

/// Whether a large set is small enough to be packed.
pub(crate) fn fits_packed(set: &LargeSet, limits: &Limits) -> bool {
    set.len() <= max_packed(limits) && (0..set.len()).all(|at| is_short(set.at(at), limits))
}

fn is_short(member: &[u8], limits: &Limits) -> bool {
    member.len() <= limits.set_max_listpack_value
}

/// Makes a set packed. Returns the large set that it was.
pub(crate) fn pack(entry: &mut Entry) -> Option<Value> {
    let mut payload = packed::EMPTY.to_vec();
    for member in Form::of(entry).elements() {
        PackedMut::new(&mut payload, 0).push_back(&Member::from(member));
    }
    entry.set_compact(PayloadKind::Set, &payload)
}

/// Makes a small set large.
pub(crate) fn enlarge(entry: &mut Entry) {
    let mut set = LargeSet::default();
    for member in Form::of(entry).elements() {
        set.insert(&Member::from(member));
    }
    entry.set_large(Value::Set(set));
}

/// Makes a set one of integers, if it is one and they are few.
pub(crate) fn settle(entry: &mut Entry, limits: &Limits) {
    if let Form::Integers(_) = Form::of(entry) {
        return;
    }
    let few = Form::of(entry).elements().take(limits.set_max_intset_entries.saturating_add(1));
    let Some(mut integers) = few.map(Element::integer).collect::<Option<Vec<i64>>>() else {
        return;
    };
    if integers.len() <= limits.set_max_intset_entries {
        integers.sort_unstable();
        let mut payload = Vec::new();
        for n in integers {
            IntsetMut::new(&mut payload, 0).insert(n);
        }
        entry.set_compact(PayloadKind::IntSet, &payload);
    }
}
