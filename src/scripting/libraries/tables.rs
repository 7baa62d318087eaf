//! Tables built from text, whatever their depth.
//!
//! The open tables stand on a stack of our own, and so do the members that they have so far: when a table ends, its
//! members become a table at once, which costs half of what one after the other would.
//!
//! A table that is finished is a reference in Lua's hands, and there can be no more than 8000 of these. So a table
//! with many tables in it is begun before it ends.
//!
//! In what order `pairs` finds members depends on how their table has grown. These grow as those of the reference.

use std::{iter, vec};

use mlua::{Either, IntoLua, Lua, Result, Table, Value};

use super::output;
use crate::scripting::{goes_on, raise, texts};

/// So many finished tables may wait for those around them to end.
const MOST_TABLES: usize = 1000;

/// So many members may wait for their table to end.
const MOST_MEMBERS: usize = 1 << 16;

/// A value has room for so many members, and so many open tables, from the start.
const FEW_MEMBERS: usize = 16;
const FEW_TABLES: usize = 4;

/// A key, or a value.
pub(super) enum Member<'a> {
    Value(Value),
    Text(&'a [u8]),
    Made(Vec<u8>),
}

impl Member<'_> {
    fn text(&self) -> Option<&[u8]> {
        match self {
            Member::Value(_) => None,
            Member::Text(text) => Some(text),
            Member::Made(text) => Some(text),
        }
    }

    fn is_nil(&self) -> bool {
        matches!(self, Member::Value(Value::Nil))
    }

    fn is_nan(&self) -> bool {
        matches!(self, Member::Value(Value::Number(number)) if number.is_nan())
    }
}

impl<'a> Member<'a> {
    pub(super) fn into_owned(self) -> Member<'static> {
        match self {
            Member::Value(value) => Member::Value(value),
            Member::Text(text) => Member::Made(text.to_vec()),
            Member::Made(text) => Member::Made(text),
        }
    }

    /// The member as what reaches Lua's stack soonest.
    pub(super) fn into_pushed(self) -> impl IntoLua + use<'a> {
        match self {
            Member::Value(value) => Either::Left(value),
            Member::Text(bytes) => Either::Right(Either::Left(texts::borrowed(bytes))),
            Member::Made(bytes) => Either::Right(Either::Right(texts::made(bytes))),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Values, from 1.
    Sequence,
    /// Keys and values by turns.
    Map,
}

struct Open {
    kind: Kind,
    /// Where its members begin in [`Builder::members`].
    first: usize,
    /// The table, if it was begun, and how many values of a sequence it has.
    begun: Option<Table>,
    length: usize,
}

pub(super) struct Builder<'a> {
    lua: &'a Lua,
    members: Vec<Member<'a>>,
    open: Vec<Open>,
    /// How many of `members` are tables.
    tables: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(lua: &'a Lua) -> Builder<'a> {
        Builder {
            lua,
            members: Vec::with_capacity(FEW_MEMBERS),
            open: Vec::with_capacity(FEW_TABLES),
            tables: 0,
        }
    }

    pub(super) fn open(&mut self, kind: Kind) {
        self.open.push(Open { kind, first: self.members.len(), begun: None, length: 0 });
    }

    pub(super) fn push(&mut self, member: Member<'a>) -> Result<()> {
        match &member {
            Member::Value(_) => goes_on::spend(1)?,
            Member::Text(text) => output::spend_on(text)?,
            Member::Made(text) => output::spend_on(text)?,
        }
        self.tables += usize::from(matches!(member, Member::Value(Value::Table(_))));
        self.members.push(member);
        let Some(open) = self.open.last() else { return Ok(()) };
        let waiting = &self.members[open.first..];
        if let (Kind::Map, true, [.., key, _]) =
            (open.kind, waiting.len().is_multiple_of(2), waiting)
        {
            check_key(key)?;
        }
        if self.is_full(open) { self.flush() } else { Ok(()) }
    }

    /// Ends the innermost table, which becomes a member of the one around it.
    pub(super) fn close(&mut self) -> Result<()> {
        self.flush()?;
        if let Some(Open { begun: Some(table), .. }) = self.open.pop() {
            self.push(Member::Value(Value::Table(table)))?;
        }
        Ok(())
    }

    /// The innermost table that has not ended.
    pub(super) fn innermost(&self) -> Option<Kind> {
        self.open.last().map(|open| open.kind)
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// What was built, if nothing is open.
    pub(super) fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    pub(super) fn into_members(self) -> vec::IntoIter<Member<'a>> {
        self.members.into_iter()
    }

    fn is_full(&self, open: &Open) -> bool {
        let waiting = self.members.len() - open.first;
        let is_whole = open.kind == Kind::Sequence || waiting.is_multiple_of(2);
        is_whole && waiting > 0 && (waiting >= MOST_MEMBERS || self.tables > MOST_TABLES)
    }

    /// Puts the members of the innermost table into it.
    fn flush(&mut self) -> Result<()> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let members = &self.members[open.first..];
        self.tables -= members
            .iter()
            .filter(|member| matches!(member, Member::Value(Value::Table(_))))
            .count();
        match (open.kind, &open.begun) {
            (Kind::Sequence, None) => {
                let slots = sequence_slots(members);
                open.length = members.len();
                let members = self.members.drain(open.first..).map(Member::into_pushed);
                open.begun = Some(self.lua.create_sequence_from(Sized { members, slots })?);
            }
            (Kind::Sequence, Some(table)) => {
                for member in self.members.drain(open.first..) {
                    open.length += 1;
                    table.raw_set(open.length, member.into_pushed())?;
                }
            }
            (Kind::Map, None) => {
                let slots = map_slots(members);
                let mut members = self.members.drain(open.first..).map(Member::into_pushed);
                let members = iter::from_fn(|| Some((members.next()?, members.next()?)));
                open.begun = Some(self.lua.create_table_from(Sized { members, slots })?);
            }
            (Kind::Map, Some(table)) => {
                let mut members = self.members.drain(open.first..).map(Member::into_pushed);
                while let (Some(key), Some(value)) = (members.next(), members.next()) {
                    table.raw_set(key, value)?;
                }
            }
        }
        Ok(())
    }
}

/// Refuses what cannot be a key, as Lua does.
fn check_key(key: &Member<'_>) -> Result<()> {
    if key.is_nil() {
        return Err(raise::plain("table index is nil"));
    }
    if key.is_nan() {
        return Err(raise::plain("table index is NaN"));
    }
    Ok(())
}

/// The slots that a table has after it has grown by these values. With nil among them that depends on where: then it
/// grows.
fn sequence_slots(members: &[Member<'_>]) -> usize {
    if members.is_empty() || members.iter().any(Member::is_nil) {
        0
    } else {
        members.len().next_power_of_two()
    }
}

/// The slots that a table may be made with, if it is to have its members in the same places as one that has grown by
/// them: up to two texts find theirs in the order in which they came either way.
fn map_slots(members: &[Member<'_>]) -> usize {
    match members {
        [key, _] if key.text().is_some() => 1,
        [one, _, other, _] => match (one.text(), other.text()) {
            (Some(one), Some(other)) if one != other => 2,
            _ => 0,
        },
        _ => 0,
    }
}

/// Members, and the size of the table that is made for them.
struct Sized<I> {
    members: I,
    slots: usize,
}

impl<I: Iterator> Iterator for Sized<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.members.next()
    }

    /// Not how many there are: mlua takes the lower bound for the size of the table.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.slots, None)
    }
}
