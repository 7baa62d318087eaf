//! Values to JSON.
//!
//! Most tables show with their first key what they are, and are written in one pass. One that does not is counted
//! first: an array may have holes, and numbers among other keys are keys.
//!
//! Each pass over a table is a call of C's inside the one around it, of which Lua allows 200. Tables that are nested
//! deeper than [`NESTED`] are written without: a member at a time, from a stack of our own.

use mlua::{BString, Error, Function, Lua, Result, Table, Value};

use super::super::arguments::type_name;
use super::super::numbers;
use super::super::output;
use super::options::{Invalid, Options};
use super::spelling;
use crate::scripting::raise;

/// `cjson.encode(value)`
pub(super) fn encode(
    lua: &Lua,
    options: &Options,
    next: &Function,
    value: &Value,
) -> Result<Vec<u8>> {
    let precision = options.precision();
    let has_plain_keys = precision == LUA_PRECISION && options.encode_invalid() == Invalid::Refused;
    let out = Vec::with_capacity(128);
    let mut encoder = Encoder { options, next, precision, has_plain_keys, out };
    // A pass over a table stands on Lua's own stack: only here is the script the caller again.
    encoder.push(value, Place { depth: 0, slots: 1 }).map_err(|error| raise::placed(lua, error))?;
    Ok(encoder.out)
}

/// The digits that Lua gives a number that becomes a string.
const LUA_PRECISION: usize = 14;

/// Tables so deep are written in passes.
const NESTED: usize = 32;

/// The slots of Lua's stack for the tables that are being written. The reference has 8000. Here those of the deepest
/// tables hold references of mlua's, whose own stack is no larger and has others on it.
const SLOTS: usize = 7000;

/// Where in its tables a value stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    slots: usize,
}

impl Place {
    /// The place of a member. A value takes a slot, and so does the key of an object.
    fn inside(self, shape: Shape) -> Place {
        let slots = if matches!(shape, Shape::Object) { 2 } else { 1 };
        Place { depth: self.depth + 1, slots: self.slots + slots }
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Object,
    /// An array up to this index. Its members may come out of order, or lack.
    Array(i32),
    /// An array up to this index, without holes, whose members come in order.
    Sequence(i64),
}

/// A deep table, and how far it has been written.
enum Level {
    Array { table: Table, at: i32, length: i32, inside: Place },
    Object { table: Table, key: Value, inside: Place },
}

struct Encoder<'a> {
    options: &'a Options,
    next: &'a Function,
    precision: usize,
    /// A key that is a number is spelled as Lua spells it, or refused.
    has_plain_keys: bool,
    out: Vec<u8>,
}

impl Encoder<'_> {
    fn push(&mut self, value: &Value, place: Place) -> Result<()> {
        match value {
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.out.extend_from_slice(b"null")
            }
            Value::Boolean(true) => self.out.extend_from_slice(b"true"),
            Value::Boolean(false) => self.out.extend_from_slice(b"false"),
            Value::Integer(number) => {
                spelling::push_number(&mut self.out, *number as f64, self.precision)
            }
            Value::Number(number) => self.push_number(*number)?,
            Value::String(text) => {
                let text = text.as_bytes();
                output::spend_on(&text)?;
                spelling::push_string(&mut self.out, &text)
            }
            Value::Table(table) => {
                self.enter(place)?;
                match place.depth {
                    NESTED.. => self.push_deep(table, place)?,
                    _ if self.has_plain_keys && table.raw_len() == 0 => {
                        self.push_object(table, place)?
                    }
                    _ => self.push_table(table, place)?,
                }
            }
            _ => return Err(self.refused(value, "type not supported")),
        }
        output::check(&self.out)
    }

    fn push_number(&mut self, number: f64) -> Result<()> {
        if !number.is_finite() {
            match self.options.encode_invalid() {
                Invalid::Refused => {
                    return Err(self.refused(&Value::Number(number), "must not be NaN or Inf"));
                }
                Invalid::Null => {
                    self.out.extend_from_slice(b"null");
                    return Ok(());
                }
                Invalid::Spelled => {}
            }
        }
        spelling::push_number(&mut self.out, number, self.precision);
        Ok(())
    }

    /// Checks that a table may stand here.
    fn enter(&self, place: Place) -> Result<()> {
        if place.depth >= self.options.encode_depth() || place.slots + 3 > SLOTS {
            let complaint = format!("Cannot serialise, excessive nesting ({})", place.depth + 1);
            return Err(raise::plain(complaint));
        }
        Ok(())
    }

    /// Writes a table in one pass whose keys are read as texts, which is 140 ns less for each than as values: an object
    /// by its first key. Once it is known for one, keys that are numbers may be among them: Lua spells them the same.
    fn push_object(&mut self, table: &Table, place: Place) -> Result<()> {
        let start = self.out.len();
        let mut is_unclear = false;
        let written = table.for_each(|key: BString, value: Value| {
            if self.out.len() == start {
                if may_be_number(&key) {
                    is_unclear = true;
                    // Only ends the pass.
                    return Err(Error::StackError);
                }
                self.out.push(b'{');
            } else {
                self.out.push(b',');
            }
            if matches!(key.as_slice(), b"inf" | b"-inf") && has_infinite_key(table)? {
                return Err(self.refused(&Value::Number(f64::INFINITY), "must not be NaN or Inf"));
            }
            spelling::push_string(&mut self.out, &key);
            self.out.push(b':');
            self.push(&value, place.inside(Shape::Object))
        });
        match written {
            Err(_) if is_unclear => return self.push_table(table, place),
            // A key that is no text: to say so, the table is read anew.
            Err(Error::FromLuaConversionError { .. }) => {
                self.out.truncate(start);
                return self.push_counted(table, place);
            }
            written => written?,
        }
        if self.out.len() == start {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes a table in one pass, if it turns out to be an object by its first key, or an array of no tables.
    /// An array of tables is counted before any of these is written: a key that makes an object of it may come last.
    fn push_table(&mut self, table: &Table, place: Place) -> Result<()> {
        let start = self.out.len();
        let mut shape = None;
        let mut is_unclear = false;
        let written = table.for_each(|key: Value, value: Value| {
            let now = match (shape, &key) {
                (None | Some(Shape::Object), Value::String(_)) | (Some(Shape::Object), _) => {
                    Shape::Object
                }
                (None, Value::Integer(1)) if !value.is_table() => Shape::Sequence(1),
                (Some(Shape::Sequence(last)), Value::Integer(index))
                    if *index == last + 1 && !value.is_table() =>
                {
                    Shape::Sequence(*index)
                }
                _ => {
                    is_unclear = true;
                    // Only ends the pass.
                    return Err(Error::StackError);
                }
            };
            match (shape.replace(now), now) {
                (None, Shape::Object) => self.out.push(b'{'),
                (None, _) => self.out.push(b'['),
                (Some(_), _) => self.out.push(b','),
            }
            self.push_member(now, &key, &value, place)
        });
        // What an array is refused for comes after its being one at all: too many holes are complained about first.
        if is_unclear || matches!((&written, shape), (Err(_), Some(Shape::Sequence(_)))) {
            self.out.truncate(start);
            return self.push_counted(table, place);
        }
        written?;
        match shape {
            None => self.out.extend_from_slice(b"{}"),
            Some(Shape::Object) => self.out.push(b'}'),
            Some(_) => self.out.push(b']'),
        }
        Ok(())
    }

    /// Writes a table whose members are counted first.
    fn push_counted(&mut self, table: &Table, place: Place) -> Result<()> {
        let shape = self.shape(table)?;
        if let Shape::Array(length) = shape {
            self.out.push(b'[');
            for index in 1..=length {
                if index > 1 {
                    self.out.push(b',');
                }
                self.push(&table.raw_get(index)?, place.inside(shape))?;
            }
            self.out.push(b']');
            return Ok(());
        }
        let [open, close] = if matches!(shape, Shape::Object) { *b"{}" } else { *b"[]" };
        let mut is_first = true;
        self.out.push(open);
        table.for_each(|key: Value, value: Value| {
            if !std::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            self.push_member(shape, &key, &value, place)
        })?;
        self.out.push(close);
        Ok(())
    }

    fn push_member(
        &mut self,
        shape: Shape,
        key: &Value,
        value: &Value,
        place: Place,
    ) -> Result<()> {
        if matches!(shape, Shape::Object) {
            self.push_key(key)?;
        }
        self.push(value, place.inside(shape))
    }

    fn push_key(&mut self, key: &Value) -> Result<()> {
        match key {
            Value::String(text) => spelling::push_string(&mut self.out, &text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                self.out.push(b'"');
                match key {
                    Value::Number(number) => self.push_number(*number)?,
                    other => self.push(other, Place { depth: 0, slots: 0 })?,
                }
                self.out.push(b'"');
            }
            _ => return Err(self.refused(key, "table key must be a number or string")),
        }
        self.out.push(b':');
        Ok(())
    }

    /// What a table is: an array if its keys are whole numbers from 1, and not too few for the largest.
    fn shape(&self, table: &Table) -> Result<Shape> {
        let (mut largest, mut members) = (0_i32, 0_i32);
        let (mut is_object, mut in_order) = (false, true);
        // A value is not looked at: as a truth value it costs no reference.
        let counted = table.for_each(|key: Value, _: bool| {
            let index = match key {
                Value::Integer(index) => index as f64,
                Value::Number(index) => index,
                _ => 0.0,
            };
            if index < 1.0 || index != index.floor() {
                is_object = true;
                // Only ends the pass.
                return Err(Error::StackError);
            }
            members = members.saturating_add(1);
            in_order &= index == f64::from(members);
            // An index beyond 32 bits is the smallest number to the reference, and the next one is larger.
            if index > f64::from(largest) {
                largest = numbers::to_int(index);
            }
            Ok(())
        });
        if is_object {
            return Ok(Shape::Object);
        }
        counted?;
        if self.options.is_sparse(largest, members) {
            if self.options.converts_sparse() {
                return Ok(Shape::Object);
            }
            return Err(self.refused(&Value::Table(table.clone()), "excessively sparse array"));
        }
        Ok(match largest {
            ..=0 => Shape::Object,
            _ if in_order => Shape::Sequence(i64::from(largest)),
            _ => {
                // `null,` for each hole.
                let holes = largest.saturating_sub(members).max(0) as usize;
                output::check_length(holes.saturating_mul(5))?;
                Shape::Array(largest)
            }
        })
    }

    /// Writes a table and all in it, a member at a time.
    fn push_deep(&mut self, table: &Table, place: Place) -> Result<()> {
        let mut levels = Vec::new();
        self.open_level(table.clone(), place, &mut levels)?;
        while let Some(level) = levels.last_mut() {
            let (value, inside) = match level {
                Level::Array { at, length, .. } if at == length => {
                    self.out.push(b']');
                    levels.pop();
                    continue;
                }
                Level::Array { table, at, inside, .. } => {
                    if *at > 0 {
                        self.out.push(b',');
                    }
                    *at += 1;
                    (table.raw_get(*at)?, *inside)
                }
                Level::Object { table, key, inside } => {
                    let is_first = key.is_nil();
                    let (found, value) = self.next.call::<(Value, Value)>((&*table, &*key))?;
                    if found.is_nil() {
                        self.out.push(b'}');
                        levels.pop();
                        continue;
                    }
                    if !is_first {
                        self.out.push(b',');
                    }
                    self.push_key(&found)?;
                    *key = found;
                    (value, *inside)
                }
            };
            match value {
                Value::Table(table) => {
                    self.enter(inside)?;
                    self.open_level(table, inside, &mut levels)?;
                }
                value => self.push(&value, inside)?,
            }
        }
        Ok(())
    }

    fn open_level(&mut self, table: Table, place: Place, levels: &mut Vec<Level>) -> Result<()> {
        let shape = self.shape(&table)?;
        let inside = place.inside(shape);
        let length = match shape {
            Shape::Array(length) => length,
            Shape::Sequence(length) => length as i32,
            Shape::Object => {
                self.out.push(b'{');
                levels.push(Level::Object { table, key: Value::Nil, inside });
                return Ok(());
            }
        };
        self.out.push(b'[');
        levels.push(Level::Array { table, at: 0, length, inside });
        Ok(())
    }

    fn refused(&self, value: &Value, reason: &str) -> Error {
        raise::plain(format!("Cannot serialise {}: {reason}", type_name(value)))
    }
}

/// Whether a text could be how Lua spells a number.
fn may_be_number(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    unsigned == b"inf" || unsigned.first().is_some_and(u8::is_ascii_digit)
}

fn has_infinite_key(table: &Table) -> Result<bool> {
    let positive = table.raw_get::<Value>(f64::INFINITY)?;
    let negative = table.raw_get::<Value>(f64::NEG_INFINITY)?;
    Ok(!positive.is_nil() || !negative.is_nil())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::trial;

    #[test]
    fn values_are_encoded_as_the_reference_encodes_them() {
        trial::check(
            &trial::lua(),
            r##"
        return cjson.encode()
            => ERR user_script:1: bad argument #1 to 'encode' (expected 1 argument)
        return cjson.encode(1,2)
            => ERR user_script:1: bad argument #1 to 'encode' (expected 1 argument)
        return cjson.encode(nil)
            => "null"
        return cjson.encode({})
            => "{}"
        return cjson.encode({1,2,3}), cjson.encode({[1]=1,[2]=2,[4]=4}),
        cjson.encode({[5]='x'}), cjson.encode({[10]='x'}), cjson.encode({1,2,nil,4})
            => "[1,2,3]" "[1,2,null,4]" "[null,null,null,null,"x"]"
            => "[null,null,null,null,null,null,null,null,null,"x"]" "[1,2,null,4]"
        return cjson.encode({[11]='x'})
            => ERR user_script:1: Cannot serialise table: excessively sparse array
        return cjson.encode({[1e10]=1})
            => "{"10000000000":1}"
        return cjson.encode({[1e10]=1,[5]=1})
            => "[null,null,null,null,1]"
        return cjson.encode({[0]=1})
            => "{"0":1}"
        return cjson.encode({[-1]=1}), cjson.encode({[1.5]=1}), cjson.encode({1,2,a=3}),
        cjson.encode({[1e300]=2}), cjson.encode({[2147483648]=1})
            => "{"-1":1}" "{"1.5":1}" "{"1":1,"2":2,"a":3}" "{"1e+300":2}" "{"2147483648":1}"
        return cjson.encode({[2147483647]=1})
            => ERR user_script:1: Cannot serialise table: excessively sparse array
        return cjson.encode({[1/0]=1})
            => ERR user_script:1: Cannot serialise number: must not be NaN or Inf
        return cjson.encode({0/0,[12]=1})
            => ERR user_script:1: Cannot serialise table: excessively sparse array
        return cjson.encode({[true]=1})
            => ERR user_script:1: Cannot serialise boolean: table key must be a number or string
        return cjson.encode({1,[{}]=1})
            => ERR user_script:1: Cannot serialise table: table key must be a number or string
        return cjson.encode({[tostring]=1})
            => ERR user_script:1: Cannot serialise function: table key must be a number or string
        return cjson.encode(tostring)
            => ERR user_script:1: Cannot serialise function: type not supported
        return cjson.encode({1,{a=tostring}})
            => ERR user_script:1: Cannot serialise function: type not supported
        return cjson.encode(coroutine.create(function() end))
            => ERR user_script:1: Cannot serialise thread: type not supported
        return cjson.encode(0/0)
            => ERR user_script:1: Cannot serialise number: must not be NaN or Inf
        return cjson.encode(1/0)
            => ERR user_script:1: Cannot serialise number: must not be NaN or Inf
        return cjson.encode({-1/0})
            => ERR user_script:1: Cannot serialise number: must not be NaN or Inf
        return cjson.encode(true), cjson.encode(false), cjson.encode(cjson.null),
        cjson.encode({cjson.null})
            => "true" "false" "null" "[null]"
        return cjson.encode(0), cjson.encode(-0), cjson.encode(0*-1), cjson.encode(1.5),
        cjson.encode(1e14), cjson.encode(1e15), cjson.encode(123456789012345),
        cjson.encode(99999999999999), cjson.encode(999999999999999), cjson.encode(0.1),
        cjson.encode(1/3), cjson.encode(1e-5), cjson.encode(0.0001), cjson.encode(1e300),
        cjson.encode(-1e-300), cjson.encode(2^53), cjson.encode(100), cjson.encode(1e20),
        cjson.encode(0.1+0.2), cjson.encode(5e-324), cjson.encode(9.99999999999995),
        cjson.encode(99999999999999.5), cjson.encode(1.0000000000000002),cjson.encode(-123.456),cjson.encode(123456.7890625)
            => "0" "0" "0" "1.5" "1e+14" "1e+15" "1.2345678901234e+14" "99999999999999" "1e+15"
            => "0.1" "0.33333333333333" "1e-05" "0.0001" "1e+300" "-1e-300" "9.007199254741e+15"
            => "100" "1e+20" "0.3" "4.9406564584125e-324" "10" "1e+14" "1" "-123.456"
            => "123456.7890625"
        local s='' for i=0,255 do s=s..string.char(i) end return cjson.encode(s)
            => ""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f !\"#$%&'()*+,-.\/0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\u007f\128\129\130\131\132\133\134\135\136\137\138\139\140\141\142\143\144\145\146\147\148\149\150\151\152\153\154\155\156\157\158\159\160\161\162\163\164\165\166\167\168\169\170\171\172\173\174\175\176\177\178\179\180\181\182\183\184\185\186\187\188\189\190\191\192\193\194\195\196\197\198\199\200\201\202\203\204\205\206\207\208\209\210\211\212\213\214\215\216\217\218\219\220\221\222\223\224\225\226\227\228\229\230\231\232\233\234\235\236\237\238\239\240\241\242\243\244\245\246\247\248\249\250\251\252\253\254\255""
        return cjson.encode('a/b"c\\d\127\233')
            => ""a\/b\"c\\d\u007f\233""
        return cjson.encode({a='x',[1]='y'})
            => "{"a":"x","1":"y"}"
        return cjson.encode({['a/b']=1})
            => "{"a\/b":1}"
        local t={} t[1]=t return cjson.encode(t)
            => ERR user_script:1: Cannot serialise, excessive nesting (1001)
        local t={} t.a=t return cjson.encode(t)
            => ERR user_script:1: Cannot serialise, excessive nesting (1001)
        local t={} for i=1,999 do t={t} end return #cjson.encode(t)
            => 2000
        local t={} for i=1,1000 do t={t} end return #cjson.encode(t)
            => ERR user_script:1: Cannot serialise, excessive nesting (1001)
        "##,
        );
    }

    /// Valkey writes arrays down to 7997 levels and objects down to 3999.
    #[test]
    fn no_depth_that_a_script_allows_exhausts_a_stack() {
        trial::check(
            &trial::lua(),
            r##"
        cjson.encode_max_depth(1e9)
            =>
        local t = {} for i = 1, 6900 do t = {t} end return #cjson.encode(t)
            => 13802
        local t = {} for i = 1, 3400 do t = {a={},b=t,c={1}} end return #cjson.encode(t)
            => 71402
        local t = {} for i = 1, 200000 do t = {t} end return cjson.encode(t)
            => ERR user_script:1: Cannot serialise, excessive nesting (6998)
        local t = {} for i = 1, 200000 do t = {a=t} end return cjson.encode(t)
            => ERR user_script:1: Cannot serialise, excessive nesting (3500)
        local t = {} t.a = t return cjson.encode(t)
            => ERR user_script:1: Cannot serialise, excessive nesting (3500)
        "##,
        );
    }

    #[test]
    fn a_table_whose_kind_shows_late_is_written_once_for_each_level() {
        trial::check(
            &trial::lua(),
            r##"
        local t = {} for i = 1, 60 do t = {t,a=1} end return #cjson.encode(t)
            => 722
        local t = {} for i = 1, 60 do t = {a={t,['1']=2}} end return #cjson.encode(t)
            => 1082
        "##,
        );
    }

    #[test]
    fn an_array_of_holes_is_refused_before_it_is_written() {
        trial::check(
            &trial::lua(),
            r##"
        cjson.encode_sparse_array(false, 0, 0) return cjson.encode({[2147483647]=1})
            => ERR user_script:1: not enough memory
        "##,
        );
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(script in literal()) {
            let lua = trial::lua();
            let plain = trial::run(&lua, &format!("return {script}"));
            let again = trial::run(&lua, &format!("return cjson.decode(cjson.encode({script}))"));
            prop_assert_eq!(plain, again);
        }

        #[test]
        fn a_table_is_written_alike_at_every_depth(setting in setting(), table in odd_table()) {
            let lua = trial::lua();
            let set = trial::run(&lua, setting);
            prop_assert!(!set.starts_with("ERR"), "{}", set);
            let deep = super::NESTED + 1;
            let both = trial::run(&lua, &format!(
                "local t = {table}
                 local ok, text = pcall(cjson.encode, t)
                 local start, rest = string.rep('[', {deep}), string.rep(']', {deep})
                 if ok then text = start .. text .. rest end
                 for i = 1, {deep} do t = {{t}} end
                 return text, select(2, pcall(cjson.encode, t))"
            ));
            // Each text stands in quotes, and a space between the two.
            let (shallow, deep) = both.split_at(both.len() / 2);
            prop_assert_eq!(shallow, &deep[1..]);
        }
    }

    fn setting() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("return 1"),
            Just("return cjson.encode_sparse_array(true, 1, 2)"),
            Just("return cjson.encode_sparse_array(false, 1, 2)"),
            Just("return cjson.encode_sparse_array(false, 0)"),
            Just("return cjson.encode_number_precision(3)"),
            Just("return cjson.encode_invalid_numbers('null')"),
            Just("return cjson.encode_invalid_numbers(true)"),
        ]
    }

    /// A table of any keys and values, as it is in a script.
    fn odd_table() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            4 => (1..8_u8).prop_map(|index| index.to_string()),
            4 => "[a-i1]{1,2}".prop_map(|text| quoted(text.as_bytes())),
            1 => prop::sample::select(vec![
                "0", "-1", "1.5", "12", "1e10", "1e15", "1/0", "-1/0", "'inf'", "'-inf'", "'\"'", "true",
            ]).prop_map(str::to_owned),
        ];
        let value = prop_oneof![
            any::<i32>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("({number:e})")
                .replace("inf", "1/0")
                .replace("NaN", "0/0")),
            prop::sample::select(vec![
                "0/0",
                "-1/0",
                "-0",
                "1e15",
                "1e14",
                "123456789012345",
                "cjson.null",
                "print",
                "true",
                "false",
                "'\"/\\\\'",
                "'\\0\\31\\127\\128'",
                "{}",
                "{{{}}}",
            ])
            .prop_map(str::to_owned),
        ];
        value.prop_recursive(3, 40, 8, move |inner| {
            prop_oneof![
                prop::collection::vec((key.clone(), inner.clone()), 0..9).prop_map(|members| {
                    let pairs = members.into_iter().map(|(key, value)| format!("[{key}]={value}"));
                    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
                }),
                prop::collection::vec(inner, 0..9)
                    .prop_map(|values| format!("{{{}}}", values.join(","))),
            ]
        })
    }

    /// A value as Lua has it in a script. Numbers have no more digits than JSON gets.
    fn literal() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|number| number.to_string()),
            any::<i16>().prop_map(|number| format!("{number}/8")),
            any::<bool>().prop_map(|boolean| boolean.to_string()),
            any::<Vec<u8>>().prop_map(|bytes| quoted(&bytes)),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let pair = ("[a-z0-9/]{0,3}", inner.clone());
            prop_oneof![
                prop::collection::vec(inner, 0..6)
                    .prop_map(|members| format!("{{{}}}", members.join(","))),
                prop::collection::vec(pair, 0..6).prop_map(|members| {
                    let pair =
                        |(key, value)| format!("[{}]={value}", quoted(String::as_bytes(&key)));
                    format!("{{{}}}", members.into_iter().map(pair).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    fn quoted(bytes: &[u8]) -> String {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
        format!("'{escaped}'")
    }
}
