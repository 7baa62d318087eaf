//! `string.find`, `match`, `gmatch`, `gsub` and `rep`: those of Lua 5.1, and none of them can overflow the stack or run on when
//! the script is to end.
//!
//! * `matcher`: matches a pattern; `item`: one item of a pattern;
//! * `arguments`: what the functions are given; `replace`: `gsub` with a string;
//! * `repeated`: `string.rep`, whose count alone may keep Lua's own for minutes;
//! * `loops.lua`: what calls back into the script, in Lua, so that errors pass as they are.

mod arguments;
mod item;
mod matcher;
mod repeated;
mod replace;
#[cfg(test)]
mod tests;

use mlua::{Function, Lua, LuaString, MultiValue, Table, Value, Variadic};

use super::{failure, raise, texts};
use arguments::Arguments;
use item::Fault;
use matcher::{Captured, Matcher};

/// What makes a pattern more than a text that is found as it stands.
const SPECIALS: &[u8] = b"^$*+?.([%-";

/// The functions, by their names in `string`.
pub(super) fn all(lua: &Lua) -> mlua::Result<Table> {
    let search = lua.create_function(search)?;
    let note = lua.create_function(failure::note)?;
    let (iterator, replace): (Function, Function) =
        lua.load(include_str!("loops.lua")).set_name("=patterns").call((search, note))?;
    let gmatch = lua.create_function(move |lua, args| {
        let args = Arguments { lua, given: args };
        iterator.call::<Function>((args.text(0)?, args.text(1)?))
    })?;
    let functions = lua.create_table()?;
    functions.raw_set("find", lua.create_function(find)?)?;
    functions.raw_set("match", lua.create_function(match_once)?)?;
    functions.raw_set("rep", lua.create_function(repeated::rep)?)?;
    functions.raw_set("gfind", &gmatch)?;
    functions.raw_set("gmatch", gmatch)?;
    functions.raw_set("gsub", lua.create_function(move |lua, args| gsub(lua, args, &replace))?)?;
    Ok(functions)
}

/// `string.find(s, pattern [, init [, plain]])`
fn find(lua: &Lua, args: MultiValue) -> mlua::Result<Variadic<Value>> {
    let args = Arguments { lua, given: args };
    let (subject, pattern) = (args.text(0)?, args.text(1)?);
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let from = args.position(2, subject.len())?;
    if args.is_true(3) || is_plain(&pattern) {
        let found = matcher::find_plain(&subject, &pattern, from).map_err(|error| *error)?;
        return Ok(match found {
            Some(start) => both(start, start + pattern.len()).into_iter().collect(),
            None => not_found(),
        });
    }
    let mut matcher = Matcher::new(&subject, &pattern);
    let found = first_match(&mut matcher, from).and_then(|found| match found {
        Some((start, end)) => {
            let mut results = Vec::with_capacity(2 + matcher.own_count());
            results.extend(both(start, end));
            captures(lua, &matcher, (start, end), matcher.own_count(), &mut results)?;
            Ok(results.into())
        }
        None => Ok(not_found()),
    });
    found.map_err(|fault| raised(lua, fault))
}

/// `string.match(s, pattern [, init])`
fn match_once(lua: &Lua, args: MultiValue) -> mlua::Result<Variadic<Value>> {
    let args = Arguments { lua, given: args };
    let (subject, pattern) = (args.text(0)?, args.text(1)?);
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let from = args.position(2, subject.len())?;
    let mut matcher = Matcher::new(&subject, &pattern);
    let found = first_match(&mut matcher, from).and_then(|found| match found {
        Some(place) => {
            let mut results = Vec::with_capacity(matcher.count());
            captures(lua, &matcher, place, matcher.count(), &mut results)?;
            Ok(results.into())
        }
        None => Ok(not_found()),
    });
    found.map_err(|fault| raised(lua, fault))
}

/// `string.gsub(s, pattern, replacement [, n])`
fn gsub(lua: &Lua, args: MultiValue, replace: &Function) -> mlua::Result<(Value, Value)> {
    let args = Arguments { lua, given: args };
    let (subject, pattern) = (args.text(0)?, args.text(1)?);
    let most = args.most(3, subject.as_bytes().len())?;
    match args.replacement(2)? {
        Value::String(replacement) => {
            let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
            let mut matcher = Matcher::new(&subject, &pattern);
            let replaced = replace::all(&subject, &mut matcher, &replacement.as_bytes(), most);
            let (text, count) = replaced.map_err(|fault| raised(lua, fault))?;
            Ok((texts::returned(lua, text)?, Value::Number(count as f64)))
        }
        other => match replace.call((subject, pattern, other, most))? {
            (true, Value::Nil, Value::String(reason)) => Err(raise::here(lua, reason.as_bytes())),
            (true, text, count) => Ok((text, count)),
            (false, raised, _) => Err(failure::noted(raised)),
        },
    }
}

/// For `loops.lua`: the first match at `from` (counted from 1) or behind it, as its two ends and its captures, of which
/// only the first may be asked for. If there is none: nothing, or `false` and what is wrong with the pattern.
fn search(
    lua: &Lua,
    (subject, pattern, from, is_anchored, is_only_first): (LuaString, LuaString, usize, bool, bool),
) -> mlua::Result<Variadic<Value>> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let mut matcher = Matcher::new(&subject, &pattern);
    let found = matcher.search(from.saturating_sub(1), is_anchored).and_then(|found| match found {
        Some((start, end)) => {
            let count = if is_only_first { 1 } else { matcher.count() };
            let mut results = Vec::with_capacity(2 + count);
            results.extend(both(start, end));
            captures(lua, &matcher, (start, end), count, &mut results)?;
            Ok(results.into())
        }
        None => Ok(Variadic::new()),
    });
    match found {
        Err(Fault::Pattern(reason)) => {
            let reason = Value::String(lua.create_string(reason)?);
            Ok([Value::Boolean(false), reason].into_iter().collect())
        }
        Err(Fault::Stopped(error)) => Err(*error),
        Ok(results) => Ok(results),
    }
}

/// Like C's string functions, it looks no further than the first NUL.
fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().take_while(|byte| **byte != 0).any(|byte| SPECIALS.contains(byte))
}

fn first_match(matcher: &mut Matcher<'_>, from: usize) -> Result<Option<(usize, usize)>, Fault> {
    let is_anchored = matcher.take_anchor();
    matcher.search(from, is_anchored)
}

/// The two ends of a match as Lua counts.
fn both(start: usize, end: usize) -> [Value; 2] {
    [position(start + 1), position(end)]
}

fn position(position: usize) -> Value {
    Value::Number(position as f64)
}

fn not_found() -> Variadic<Value> {
    [Value::Nil].into_iter().collect()
}

/// The first `count` captures of a match.
fn captures(
    lua: &Lua,
    matcher: &Matcher<'_>,
    (start, end): (usize, usize),
    count: usize,
    results: &mut Vec<Value>,
) -> Result<(), Fault> {
    for index in 0..count {
        results.push(match matcher.captured(index, start, end)? {
            Captured::Text(text) => texts::returned(lua, text).map_err(Box::new)?,
            Captured::Position(at) => position(at),
        });
    }
    Ok(())
}

fn raised(lua: &Lua, fault: Fault) -> mlua::Error {
    match fault {
        Fault::Pattern(reason) => raise::here(lua, reason),
        Fault::Stopped(error) => *error,
    }
}
