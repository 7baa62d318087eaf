//! How a script ends that fails: what it raised, and where.
//!
//! `xpcall` calls a function of ours where the error was raised, with the stack as it was, so that the place can be told. The
//! error reply names it: `ERR … script: on @user_script:1.`

use mlua::{Lua, Table, Value};

use super::raise::Raised;
use crate::error::Error;

/// An error that a script has not caught.
#[derive(Debug, Clone, Default)]
pub(super) struct Failure {
    /// An error reply without its place.
    text: Vec<u8>,
    is_counted: bool,
    /// The chunk's name with its `@`, and the line.
    place: Option<(String, usize)>,
}

impl Failure {
    /// What the error is, without a place.
    pub(super) fn of(raised: &Value) -> Failure {
        let (text, is_counted) = match raised {
            Value::Error(error) => match raised_by_us(error) {
                Some(raised) if raised.is_reply => (raised.text.clone(), raised.is_counted),
                Some(raised) => (with_code(&raised.text), false),
                None => (with_code(first_line(error).as_bytes()), false),
            },
            Value::Table(table) => match text_of(table, "err") {
                Some(text) => {
                    let counted = table.raw_get::<Value>("ignore_error_stats_update");
                    (text, counted.is_ok_and(|counted| !counted.is_nil()))
                }
                None => (b"ERR unknown error".to_vec(), false),
            },
            Value::String(text) => (with_code(&text.as_bytes()), false),
            other => (with_code(spelled(other).as_bytes()), false),
        };
        Failure { text, is_counted, place: None }
    }

    /// The text of the error reply, without its place.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// What the error is, and where: asked by the function that `xpcall` calls while the stack is as it was.
    pub(super) fn here(lua: &Lua, raised: &Value) -> Failure {
        let place = (1..=DEEPEST).find_map(|level| place(lua, level));
        Failure { place, ..Failure::of(raised) }
    }

    /// The error reply.
    pub(super) fn reply(self) -> Error {
        let mut text = self.text;
        if let Some((source, line)) = self.place {
            text.extend_from_slice(format!(" script: on {source}:{line}.").as_bytes());
        }
        let error = Error::text(text);
        if self.is_counted { error.counted() } else { error }
    }
}

/// So many functions of Lua, of the sandbox or of ours may stand between an error and the line that has called them.
const DEEPEST: usize = 4;

/// Where a function on the stack is, if it is a script's own.
fn place(lua: &Lua, level: usize) -> Option<(String, usize)> {
    lua.inspect_stack(level, |function| {
        let line = function.current_line()?;
        let source = function.source().source?;
        (!source.starts_with('=')).then(|| (source.into_owned(), line))
    })?
}

/// What a script may see of an error that it has caught: an error reply is a table, what functions of ours raise
/// besides are strings like those of Lua's own.
pub(super) fn reason(lua: &Lua, caught: Value) -> mlua::Result<Value> {
    let Value::Error(error) = &caught else {
        return Ok(caught);
    };
    match raised_by_us(error) {
        Some(raised) if raised.is_reply => raised.table(lua).map(Value::Table),
        Some(raised) => lua.create_string(&raised.text).map(Value::String),
        None => lua.create_string(first_line(error)).map(Value::String),
    }
}

/// What a function of ours has raised.
fn raised_by_us(error: &mlua::Error) -> Option<&Raised> {
    error.downcast_ref::<Raised>()
}

/// mlua's own errors have a traceback below their first line.
fn first_line(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => first_line(cause),
        mlua::Error::MemoryError(_) => "not enough memory".to_owned(),
        other => other.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

fn with_code(text: &[u8]) -> Vec<u8> {
    [b"ERR ", text].concat()
}

/// The text of a table's field, if it is one.
fn text_of(table: &Table, field: &str) -> Option<Vec<u8>> {
    match table.raw_get::<Value>(field) {
        Ok(Value::String(text)) => Some(text.as_bytes().to_vec()),
        Ok(number @ (Value::Integer(_) | Value::Number(_))) => Some(spelled(&number).into_bytes()),
        _ => None,
    }
}

/// A value that is no text, as `tostring` spells it.
fn spelled(value: &Value) -> String {
    value.to_string().unwrap_or_else(|_| value.type_name().to_owned())
}
