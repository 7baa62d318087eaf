//! The arguments of the functions on patterns, taken and refused as Lua's own functions do.

use mlua::{Lua, LuaString, MultiValue, Value};

use super::super::raise;

/// What a function was given. Arguments count from 0 here, and from 1 in errors.
pub(super) struct Arguments<'a> {
    pub(super) lua: &'a Lua,
    pub(super) given: MultiValue,
}

impl Arguments<'_> {
    /// A string, or a number as its text.
    pub(super) fn text(&self, index: usize) -> mlua::Result<LuaString> {
        match self.given.get(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(number @ (Value::Integer(_) | Value::Number(_))) => {
                let text = self.lua.coerce_string(number.clone())?;
                text.ok_or_else(|| self.refuse(index, "string"))
            }
            _ => Err(self.refuse(index, "string")),
        }
    }

    pub(super) fn is_true(&self, index: usize) -> bool {
        !matches!(self.given.get(index), None | Some(Value::Nil | Value::Boolean(false)))
    }

    /// Where in a subject of `length` bytes to begin. Lua counts from 1, or from the end with negative numbers.
    pub(super) fn position(&self, index: usize, length: usize) -> mlua::Result<usize> {
        let position = self.integer(index)?.unwrap_or(1);
        let length = length as i64;
        let from_start = if position < 0 { position.saturating_add(length + 1) } else { position };
        Ok(from_start.saturating_sub(1).clamp(0, length) as usize)
    }

    /// The most replacements that `gsub` may make: an `int` of C.
    pub(super) fn most(&self, index: usize, length: usize) -> mlua::Result<i32> {
        Ok(self.integer(index)?.unwrap_or(length as i64 + 1) as i32)
    }

    /// How often `rep` repeats: an `int` of C.
    pub(super) fn count(&self, index: usize) -> mlua::Result<i32> {
        let count = self.integer(index)?;
        count.map(|count| count as i32).ok_or_else(|| self.refuse(index, "number"))
    }

    /// The replacement of `gsub`: a string, a function or a table.
    pub(super) fn replacement(&self, index: usize) -> mlua::Result<Value> {
        match self.given.get(index) {
            Some(Value::String(_) | Value::Integer(_) | Value::Number(_)) => {
                self.text(index).map(Value::String)
            }
            Some(other @ (Value::Function(_) | Value::Table(_))) => Ok(other.clone()),
            _ => Err(raise::bad_argument(self.lua, index + 1, "string/function/table expected")),
        }
    }

    /// A number, as C makes an integer of it. One that is missing or nil is none.
    fn integer(&self, index: usize) -> mlua::Result<Option<i64>> {
        match self.given.get(index) {
            None | Some(Value::Nil) => Ok(None),
            Some(Value::Integer(integer)) => Ok(Some(*integer)),
            Some(value) => {
                let number = self.lua.coerce_number(value.clone())?;
                number
                    .map(|number| Some(truncated(number)))
                    .ok_or_else(|| self.refuse(index, "number"))
            }
        }
    }

    fn refuse(&self, index: usize, expected: &str) -> mlua::Error {
        let got = self.given.get(index).map_or("no value", raise::type_name);
        raise::bad_argument(self.lua, index + 1, format!("{expected} expected, got {got}"))
    }
}

/// What does not fit becomes the smallest integer, as the processor does it.
fn truncated(number: f64) -> i64 {
    let fits = (-(2f64.powi(63))..2f64.powi(63)).contains(&number);
    if fits { number as i64 } else { i64::MIN }
}
