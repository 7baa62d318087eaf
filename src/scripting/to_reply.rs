//! From what a script returns to its reply.
//!
//! | value | reply |
//! |---|---|
//! | number | integer, cut off at the point |
//! | string | bulk string |
//! | table | array, up to the first `nil` |
//! | `{ok=…}`, `{err=…}` | status, error |
//! | `{double=…}`, `{big_number=…}` | double, big number |
//! | `{verbatim_string={format=…, string=…}}` | verbatim string |
//! | `{map={…}}`, `{set={…}}` | map, set |
//! | `true`, `false` | 1, null; after `setresp(3)` a boolean |
//! | anything else | null |
//!
//! Of several such fields an error counts first, then a status, then in the order of the table. A field of another
//! type makes a table an array like any other.
//!
//! The texts of errors and statuses, and the digits of big numbers, end with their first NUL, as in C.

use mlua::{Table, Value};

use super::{failure, goes_on, host};
use crate::error::Error;
use crate::wire::{Protocol, Reply};

/// How deep tables may nest in a reply: as deep as Lua's stack lets the reference go.
const MAX_DEPTH: usize = 1000;

const TOO_DEEP: Error = Error::fixed("ERR reached lua stack limit");

/// Writes the reply that `value` stands for, and returns the errors in it that have not been counted. `protocol` is
/// what the script has set for itself. A small table may stand for a reply without end, so that the script may be ended
/// here as well: an error says so, and that the reply is not whole.
pub(super) fn write(
    reply: &mut Reply,
    value: &Value,
    protocol: Protocol,
) -> Result<Vec<Error>, Error> {
    let (mut errors, mut is_over) = (Vec::new(), false);
    Writer { reply, protocol, errors: &mut errors, is_over: &mut is_over }.value(value, 0);
    match host::with(|host| host.run().ended.clone()).flatten() {
        Some(error) if is_over => Err(error),
        _ => Ok(errors),
    }
}

/// Writing so many bytes of a string takes about as long as a step.
const BYTES_PER_STEP: usize = 256;

struct Writer<'a> {
    reply: &'a mut Reply,
    protocol: Protocol,
    errors: &'a mut Vec<Error>,
    /// The script is to end.
    is_over: &'a mut bool,
}

impl Writer<'_> {
    /// Counts steps, and returns whether there is to be more of the reply.
    fn goes_on(&mut self, steps: usize) -> bool {
        *self.is_over = *self.is_over || goes_on::spend(steps).is_err();
        !*self.is_over && !self.reply.is_full()
    }

    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => {
                let text = text.as_bytes();
                if self.goes_on(text.len() / BYTES_PER_STEP) {
                    self.reply.bulk(&text);
                }
            }
            Value::Integer(n) => self.reply.int(*n),
            Value::Number(n) => self.reply.int(truncated(*n)),
            Value::Boolean(is_true) => match (self.protocol, is_true) {
                (Protocol::Resp3, _) => self.reply.boolean(*is_true),
                (Protocol::Resp2, true) => self.reply.int(1),
                (Protocol::Resp2, false) => self.reply.null(),
            },
            Value::Table(_) if depth == MAX_DEPTH => self.reply.error(&TOO_DEEP),
            Value::Table(table) => self.table(table, depth + 1),
            _ => self.reply.null(),
        }
    }

    fn table(&mut self, table: &Table, depth: usize) {
        let field = |name| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
        if let Value::String(text) = field("err") {
            let error = Error::text(failure::line(&text.as_bytes()));
            self.reply.error(&error);
            if field("ignore_error_stats_update").is_nil() {
                self.errors.push(error);
            }
            return;
        }
        if let Value::String(text) = field("ok") {
            return self.reply.status_bytes(failure::up_to_nul(&text.as_bytes()));
        }
        match field("double") {
            Value::Number(n) => return self.reply.double(n),
            Value::Integer(n) => return self.reply.double(n as f64),
            _ => {}
        }
        if let Value::String(digits) = field("big_number") {
            return self.reply.big(failure::up_to_nul(&digits.as_bytes()));
        }
        if let Value::Table(verbatim) = field("verbatim_string")
            && let Ok(Value::String(text)) = verbatim.raw_get("string")
            && let Ok(Value::String(format)) = verbatim.raw_get("format")
        {
            let mut kind = [b' '; 3];
            let format = format.as_bytes();
            let format = failure::up_to_nul(&format);
            let length = format.len().min(3);
            kind[..length].copy_from_slice(&format[..length]);
            return self.reply.verbatim(&kind, &text.as_bytes());
        }
        if let Value::Table(map) = field("map") {
            return self.map(&map, depth);
        }
        if let Value::Table(set) = field("set") {
            return self.set(&set, depth);
        }
        self.array(table, depth);
    }

    fn array(&mut self, table: &Table, depth: usize) {
        let Writer { reply, protocol, errors, is_over } = self;
        let protocol = *protocol;
        reply.array_of(|reply| {
            let mut writer = Writer { reply, protocol, errors, is_over };
            let mut count = 0;
            while let Ok(value) = table.raw_get::<Value>(count + 1)
                && !value.is_nil()
                && writer.goes_on(1)
            {
                writer.value(&value, depth);
                count += 1;
            }
            count
        });
    }

    fn map(&mut self, map: &Table, depth: usize) {
        let Writer { reply, protocol, errors, is_over } = self;
        let protocol = *protocol;
        reply.map_of(|reply| {
            let mut writer = Writer { reply, protocol, errors, is_over };
            each(map, |key, value| {
                writer.value(&key, depth);
                writer.value(&value, depth);
                writer.goes_on(1)
            })
        });
    }

    fn set(&mut self, set: &Table, depth: usize) {
        let Writer { reply, protocol, errors, is_over } = self;
        let protocol = *protocol;
        reply.set_of(|reply| {
            let mut writer = Writer { reply, protocol, errors, is_over };
            each(set, |member, _| {
                writer.value(&member, depth);
                writer.goes_on(1)
            })
        });
    }
}

/// Writes the members of a table as long as `write` says so, and returns how many it has written.
fn each(table: &Table, mut write: impl FnMut(Value, Value) -> bool) -> usize {
    let mut count = 0;
    // Besides where writing ends, it fails only for a key that is not there, and none is taken out meanwhile.
    let ended = table.for_each(|key: Value, value: Value| {
        count += 1;
        // Only ends the pass.
        if write(key, value) { Ok(()) } else { Err(mlua::Error::StackError) }
    });
    ended.ok();
    count
}

/// A number as C's cast makes an integer of it: what has no room is the smallest there is.
fn truncated(n: f64) -> i64 {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&n) { n as i64 } else { i64::MIN }
}
