//! How a script ends that fails: what it raised, and where.
//!
//! `xpcall` calls a function of ours where the error was raised, with the stack as it was, so that the place can be told. The
//! error reply names it: `ERR … script: on @user_script:1.`

use std::{error, fmt};

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
        let raised = noted_in(raised).map_or(raised, |noted| &noted.raised);
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
        let place = match noted_in(raised) {
            Some(noted) => noted.place.clone(),
            None => nearest_place(lua),
        };
        Failure { place, ..Failure::of(raised) }
    }

    /// The error reply.
    pub(super) fn reply(self) -> Error {
        self.reply_of("")
    }

    /// The error reply, in which `script` stands before the place.
    pub(super) fn reply_of(self, script: &str) -> Error {
        let mut text = self.text;
        text.truncate(up_to_nul(&text).len());
        if let Some((source, line)) = self.place {
            text.extend_from_slice(format!(" script: {script}on {source}:{line}.").as_bytes());
        }
        text.truncate(line(&text).len());
        let error = Error::text(text);
        if self.is_counted { error.counted() } else { error }
    }
}

/// What a script has raised in a function that one of ours has called, on its way through ours: still the value that it
/// is, and where it was raised.
#[derive(Debug)]
struct Noted {
    raised: Value,
    place: Option<(String, usize)>,
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spelled(&self.raised))
    }
}

impl error::Error for Noted {}

/// Notes an error where it is raised. What it returns takes the error's place.
pub(super) fn note(lua: &Lua, raised: Value) -> mlua::Result<Value> {
    if noted_in(&raised).is_some() {
        return Ok(raised);
    }
    let place = nearest_place(lua);
    Ok(Value::Error(Box::new(mlua::Error::external(Noted { raised, place }))))
}

/// The error that a function of ours returns for what it has caught. Lua does not note one for want of memory.
pub(super) fn noted(caught: Value) -> mlua::Error {
    match caught {
        Value::Error(error) => *error,
        raised => mlua::Error::external(Noted { raised, place: None }),
    }
}

fn noted_in(raised: &Value) -> Option<&Noted> {
    match raised {
        Value::Error(error) => error.downcast_ref::<Noted>(),
        _ => None,
    }
}

/// So many functions of Lua, of the sandbox or of ours may stand between an error and the line that has called them.
const DEEPEST: usize = 4;

/// Where the script is that has come here.
fn nearest_place(lua: &Lua) -> Option<(String, usize)> {
    (1..=DEEPEST).find_map(|level| place(lua, level))
}

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
    if let Some(noted) = noted_in(&caught) {
        return reason(lua, noted.raised.clone());
    }
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

/// What a reply shows of a text that C would make it of: it ends with its first NUL.
pub(super) fn up_to_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The same of an error, without the ends of lines behind it.
pub(super) fn line(text: &[u8]) -> &[u8] {
    let mut text = up_to_nul(text);
    while let [rest @ .., b'\r' | b'\n'] = text {
        text = rest;
    }
    text
}

/// A value that is no text, as `tostring` spells it.
fn spelled(value: &Value) -> String {
    value.to_string().unwrap_or_else(|_| value.type_name().to_owned())
}
