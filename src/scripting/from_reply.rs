//! From a command's reply to what its script gets.
//!
//! | reply | value |
//! |---|---|
//! | integer | number |
//! | bulk string | string |
//! | array | table, from 1 on |
//! | status, error | `{ok=…}`, `{err=…}` |
//! | RESP2: null bulk string, null array | `false` |
//! | RESP3: null | `nil` |
//! | RESP3: map, set | `{map={…}}`, `{set={member=true…}}` |
//! | RESP3: double, big number | `{double=…}`, `{big_number=…}` |
//! | RESP3: verbatim string | `{verbatim_string={format=…, string=…}}` |
//! | RESP3: boolean | boolean |

use mlua::{IntoLua, Lua, Table, Value};

use super::goes_on;
use crate::text::{double, number};

/// The text of the error that a reply is, without its `-`.
pub(super) fn error_of(reply: &[u8]) -> Option<&[u8]> {
    reply.strip_prefix(b"-").map(|text| text.strip_suffix(b"\r\n").unwrap_or(text))
}

/// The value of a longer reply is made outside of the command that runs the script, which may end it meanwhile.
pub(super) const LONG: usize = 64 << 10;

/// The value of a reply. It is one of our own, so that it is well-formed; what is not becomes `nil`.
pub(super) fn value(lua: &Lua, reply: &[u8]) -> mlua::Result<Value> {
    Reader { lua, left: reply, is_long: reply.len() > LONG }.value()
}

struct Reader<'a> {
    lua: &'a Lua,
    left: &'a [u8],
    is_long: bool,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> mlua::Result<Value> {
        if self.is_long {
            goes_on::spend(1)?;
        }
        let Some((&kind, rest)) = self.left.split_first() else {
            return Ok(Value::Nil);
        };
        self.left = rest;
        let line = self.line();
        Ok(match kind {
            b':' => Value::Integer(number::parse_i64(line).unwrap_or_default()),
            b'+' => self.text_field("ok", line)?,
            b'-' => self.text_field("err", line)?,
            b'$' | b'*' if line == b"-1" => Value::Boolean(false),
            b'$' => {
                let text = self.bytes(line);
                Value::String(self.lua.create_string(text)?)
            }
            b'*' | b'>' => Value::Table(self.array(line)?),
            b'%' => {
                let map = self.map(line)?;
                self.field("map", map)?
            }
            b'~' => {
                let set = self.set(line)?;
                self.field("set", set)?
            }
            b'_' => Value::Nil,
            b'#' => Value::Boolean(line == b"t"),
            b',' => {
                let n = double::parse(line).unwrap_or(f64::NAN);
                self.field("double", n)?
            }
            b'(' => self.text_field("big_number", line)?,
            b'=' => self.verbatim(line)?,
            b'|' => {
                // Attributes are not for scripts. What they are about follows.
                self.map(line)?;
                self.value()?
            }
            _ => Value::Nil,
        })
    }

    /// What stands before the next end of a line.
    fn line(&mut self) -> &'a [u8] {
        let end = self.left.iter().position(|&byte| byte == b'\r').unwrap_or(self.left.len());
        let (line, rest) = self.left.split_at(end);
        self.left = rest.get(2..).unwrap_or_default();
        line
    }

    /// The bytes of a string that declares so many.
    fn bytes(&mut self, length: &[u8]) -> &'a [u8] {
        let length = self.count(length).min(self.left.len());
        let (text, rest) = self.left.split_at(length);
        self.left = rest.get(2..).unwrap_or_default();
        text
    }

    fn count(&self, line: &[u8]) -> usize {
        number::parse_u64(line).and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
    }

    fn array(&mut self, line: &[u8]) -> mlua::Result<Table> {
        let count = self.count(line);
        let table = self.lua.create_table_with_capacity(count, 0)?;
        for index in 1..=count {
            let value = self.value()?;
            table.raw_set(index, value)?;
        }
        Ok(table)
    }

    fn map(&mut self, line: &[u8]) -> mlua::Result<Table> {
        let count = self.count(line);
        let table = self.lua.create_table_with_capacity(0, count)?;
        for _ in 0..count {
            let (key, value) = (self.value()?, self.value()?);
            if !key.is_nil() {
                table.raw_set(key, value)?;
            }
        }
        Ok(table)
    }

    fn set(&mut self, line: &[u8]) -> mlua::Result<Table> {
        let count = self.count(line);
        let table = self.lua.create_table_with_capacity(0, count)?;
        for _ in 0..count {
            let member = self.value()?;
            if !member.is_nil() {
                table.raw_set(member, true)?;
            }
        }
        Ok(table)
    }

    fn verbatim(&mut self, line: &[u8]) -> mlua::Result<Value> {
        let text = self.bytes(line);
        let (format, text) = text.split_at(text.len().min(3));
        let table = self.lua.create_table_with_capacity(0, 2)?;
        table.raw_set("format", self.lua.create_string(format)?)?;
        table.raw_set("string", self.lua.create_string(text.get(1..).unwrap_or_default())?)?;
        self.field("verbatim_string", table)
    }

    /// A table of one field.
    fn field(&self, name: &str, value: impl IntoLua) -> mlua::Result<Value> {
        self.lua.create_table_from([(name, value)]).map(Value::Table)
    }

    /// A table of one field, which is a text. One that is UTF-8 goes into the table without a detour.
    fn text_field(&self, name: &str, text: &[u8]) -> mlua::Result<Value> {
        match str::from_utf8(text) {
            Ok(text) => self.field(name, text),
            Err(_) => self.field(name, self.lua.create_string(text)?),
        }
    }
}
