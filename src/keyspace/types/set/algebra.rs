//! What is in all, any, or only the first of several sets.
//!
//! The results that are stored have the form that Valkey 9.1 gives them. `None` among the sets is a key
//! that does not exist: an empty set.

use super::form::Form;
use super::member::Element;
use super::{NewSet, Set};
use crate::keyspace::View;

/// The members that are in all sets.
///
/// Members of the smallest set are looked for in the others, smaller ones first.
pub fn intersection<'a>(sets: &[Option<View<'a, Set>>]) -> impl Iterator<Item = Element<'a>> {
    by_size(sets).into_iter().flat_map(|(smallest, others)| {
        smallest.elements().filter(move |&member| others.iter().all(|set| set.contains(member)))
    })
}

/// Adds the members that are in all sets to `result`, which is empty.
pub fn intersect(result: &mut NewSet, sets: &[Option<View<'_, Set>>]) {
    if by_size(sets).is_some_and(|(smallest, _)| !matches!(smallest, Form::Integers(_))) {
        result.begin_packed();
    }
    result.add_all(intersection(sets));
    result.settle();
}

/// Adds the members that are in any of the sets to `result`, which is empty.
pub fn unite(result: &mut NewSet, sets: &[Option<View<'_, Set>>]) {
    for set in sets.iter().flatten() {
        result.add_all(set.elements());
    }
}

/// Adds the members of the first set that are in none of the others to `result`, which is empty.
pub fn subtract(result: &mut NewSet, sets: &[Option<View<'_, Set>>]) {
    let Some((Some(first), others)) = sets.split_first() else {
        return;
    };
    let first = first.shape();
    let mut others: Vec<Form<'_>> = others.iter().flatten().map(|set| set.shape()).collect();
    // To look for each member in all the others, or to take away all that they have: looking is done
    // for half of them on average.
    let looking = first.len().saturating_mul(others.len() + 1) / 2;
    let taking = first.len() + others.iter().map(|set| set.len()).sum::<usize>();
    if looking <= taking {
        // Large sets are more likely to have a member.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        result.add_all(
            first.elements().filter(|&member| !others.iter().any(|set| set.contains(member))),
        );
        return;
    }
    result.add_all(first.elements());
    for member in others.iter().flat_map(|set| set.elements()) {
        if result.view().is_empty() {
            return;
        }
        result.remove(member);
    }
}

/// The smallest set and the others, the smaller first; nothing if one of them is empty.
fn by_size<'a>(sets: &[Option<View<'a, Set>>]) -> Option<(Form<'a>, Vec<Form<'a>>)> {
    let mut sets: Vec<Form<'a>> =
        sets.iter().map(|set| set.map(View::shape)).collect::<Option<_>>()?;
    sets.sort_by_key(|set| set.len());
    if sets.is_empty() { None } else { Some((sets.remove(0), sets)) }
}
