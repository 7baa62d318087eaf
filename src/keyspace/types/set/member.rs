//! Members of sets, whatever form the set has.

use std::ops::Deref;

use crate::keyspace::compact::intset;
use crate::keyspace::compact::packed;
use crate::keyspace::large::set::LargeSet;
use crate::text::number::{self, Spelled};

/// A member as it is kept: the digits of an integer need not be spelled to look for it elsewhere.
#[derive(Debug, Clone, Copy)]
pub enum Element<'a> {
    Text(&'a [u8]),
    Integer(i64),
}

impl Element<'_> {
    /// The integer that the member spells, if it spells one.
    pub(crate) fn integer(self) -> Option<i64> {
        match self {
            Element::Text(text) => number::parse_i64(text),
            Element::Integer(n) => Some(n),
        }
    }
}

/// A member: it reads as bytes, which nothing was allocated for.
#[derive(Debug, Clone, Copy)]
pub enum Member<'a> {
    Text(&'a [u8]),
    Integer(Spelled),
}

impl<'a> From<Element<'a>> for Member<'a> {
    #[inline]
    fn from(element: Element<'a>) -> Member<'a> {
        match element {
            Element::Text(text) => Member::Text(text),
            Element::Integer(n) => Member::Integer(Spelled::new(n)),
        }
    }
}

impl Deref for Member<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Member::Text(text) => text,
            Member::Integer(spelled) => spelled,
        }
    }
}

/// The members of a set: integers from the least to the greatest, others in no particular order.
#[derive(Debug, Clone)]
pub enum Elements<'a> {
    Integers(intset::Iter<'a>),
    Packed(packed::Iter<'a>),
    /// From a position on.
    Large(&'a LargeSet, usize),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Elements::Integers(integers) => integers.next().map(Element::Integer),
            Elements::Packed(packed) => packed.next().map(|(_, text)| Element::Text(text)),
            Elements::Large(set, position) => {
                let text = (*position < set.len()).then(|| set.at(*position))?;
                *position += 1;
                Some(Element::Text(text))
            }
        }
    }
}
