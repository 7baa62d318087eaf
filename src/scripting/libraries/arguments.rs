//! What a function was called with, read as Lua's own functions read it.
//!
//! A string of digits is a number, a number is a string, and nil is not the same as nothing.

use mlua::{BorrowedBytes, Error, Lua, LuaString, MultiValue, Result, Value};

use super::numbers;
use crate::scripting::raise;

/// The arguments of one call, counted from 1.
pub(super) struct Arguments<'lua> {
    lua: &'lua Lua,
    values: MultiValue,
}

impl<'lua> Arguments<'lua> {
    pub(super) fn new(lua: &'lua Lua, values: MultiValue) -> Arguments<'lua> {
        Arguments { lua, values }
    }

    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// The argument as it is: nil if there is none.
    pub(super) fn value(&self, index: usize) -> &Value {
        self.given(index).unwrap_or(&Value::Nil)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.values.iter()
    }

    pub(super) fn number(&self, index: usize) -> Result<f64> {
        match self.given(index) {
            Some(Value::Number(number)) => Ok(*number),
            Some(Value::Integer(number)) => Ok(*number as f64),
            Some(text @ Value::String(_)) => {
                let number = self.lua.coerce_number(text.clone())?;
                number.ok_or_else(|| self.not_a("number", index))
            }
            _ => Err(self.not_a("number", index)),
        }
    }

    /// A number without its fraction.
    pub(super) fn integer(&self, index: usize) -> Result<i64> {
        self.number(index).map(numbers::to_signed)
    }

    /// [`Arguments::integer`], or `otherwise` if there is none or nil.
    pub(super) fn integer_or(&self, index: usize, otherwise: i64) -> Result<i64> {
        match self.value(index) {
            Value::Nil => Ok(otherwise),
            _ => self.integer(index),
        }
    }

    pub(super) fn string(&self, index: usize) -> Result<LuaString> {
        match self.given(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(number @ (Value::Integer(_) | Value::Number(_))) => {
                let text = self.lua.coerce_string(number.clone())?;
                text.ok_or_else(|| self.not_a("string", index))
            }
            _ => Err(self.not_a("string", index)),
        }
    }

    /// The bytes of [`Arguments::string`].
    pub(super) fn bytes(&self, index: usize) -> Result<BorrowedBytes> {
        match self.given(index) {
            Some(Value::String(text)) => Ok(text.as_bytes()),
            _ => self.string(index).map(|text| text.as_bytes()),
        }
    }

    /// A text as a value to return.
    pub(super) fn text(&self, text: &str) -> Result<Value> {
        self.lua.create_string(text).map(Value::String)
    }

    /// The error for an argument that is of the right type and refused all the same.
    pub(super) fn refuse(&self, index: usize, reason: impl AsRef<[u8]>) -> Error {
        raise::bad_argument(self.lua, index, reason)
    }

    fn not_a(&self, expected: &str, index: usize) -> Error {
        let got = self.given(index).map_or("no value", type_name);
        self.refuse(index, format!("{expected} expected, got {got}"))
    }

    fn given(&self, index: usize) -> Option<&Value> {
        self.values.get(index.checked_sub(1)?)
    }
}

/// The name that Lua has for the type of a value.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) | Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Table(_) => "table",
        Value::Function(_) => "function",
        Value::Thread(_) => "thread",
        _ => "userdata",
    }
}
