//! `cmsgpack`: values as MessagePack.
//!
//! A number is an integer if it is whole and fits in 64 bits, else a float if that loses nothing, else a double. A
//! table is an array if its keys are 1 to n. What has no place in MessagePack is nil, tables below the sixteenth
//! level too.

use mlua::{Error, Lua, MultiValue, Result, Table, Value, Variadic};

use super::arguments::Arguments;
use super::output;
use super::tables::{Builder, Kind, Member};
use super::{MOST_RESULTS, STACK_SLOTS, numbers};
use crate::scripting::{raise, texts};

pub(super) fn library(lua: &Lua) -> Result<Table> {
    let library = lua.create_table()?;
    library.raw_set(
        "pack",
        lua.create_function(|lua, values| {
            texts::returned(lua, pack(&Arguments::new(lua, values))?)
        })?,
    )?;
    let readers: [(&str, Unpack); 3] =
        [("unpack", unpack), ("unpack_one", unpack_one), ("unpack_limit", unpack_limit)];
    for (name, reader) in readers {
        let function = lua.create_function(move |lua, values: MultiValue| {
            let results = reader(lua, &Arguments::new(lua, values))?;
            Ok(results.into_iter().map(Member::into_pushed).collect::<Variadic<_>>())
        })?;
        library.raw_set(name, function)?;
    }
    library.raw_set("_NAME", "cmsgpack")?;
    library.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    library.raw_set("_COPYRIGHT", "Copyright (C) 2012, Redis Ltd.")?;
    library.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    Ok(library)
}

/// Tables in tables, at most.
const DEEPEST: usize = 16;

/// `cmsgpack.pack(values...)`: all of them, one behind the other.
fn pack(arguments: &Arguments<'_>) -> Result<Vec<u8>> {
    if arguments.count() == 0 {
        return Err(arguments.refuse(0, "MessagePack pack needs input."));
    }
    let mut packed = Vec::new();
    for value in arguments.values() {
        push_value(&mut packed, value, 0)?;
    }
    Ok(packed)
}

fn push_value(packed: &mut Vec<u8>, value: &Value, level: usize) -> Result<()> {
    match value {
        Value::Boolean(true) => packed.push(0xc3),
        Value::Boolean(false) => packed.push(0xc2),
        Value::Integer(number) => push_integer(packed, *number),
        Value::Number(number) => push_number(packed, *number),
        Value::String(text) => {
            let text = text.as_bytes();
            output::spend_on(&text)?;
            push_header(packed, &STRING, text.len());
            packed.extend_from_slice(&text);
        }
        Value::Table(table) if level < DEEPEST => push_table(packed, table, level)?,
        _ => packed.push(0xc0),
    }
    output::check(packed)
}

fn push_table(packed: &mut Vec<u8>, table: &Table, level: usize) -> Result<()> {
    let Contents { members, is_array, in_order } = Contents::of(table)?;
    if is_array && !in_order {
        push_header(packed, &ARRAY, members);
        return (1..=members)
            .try_for_each(|index| push_value(packed, &table.raw_get(index)?, level + 1));
    }
    push_header(packed, if is_array { &ARRAY } else { &MAP }, members);
    table.for_each(|key: Value, value: Value| {
        if !is_array {
            push_value(packed, &key, level + 1)?;
        }
        push_value(packed, &value, level + 1)
    })
}

/// What a table holds: the header of an array or a map says it first.
struct Contents {
    members: usize,
    /// Its keys are the numbers from 1 to `members`.
    is_array: bool,
    /// They come in that order.
    in_order: bool,
}

impl Contents {
    fn of(table: &Table) -> Result<Contents> {
        let mut contents = Contents { members: 0, is_array: true, in_order: true };
        let mut largest = 0;
        // A value is not looked at: as a truth value it costs no reference.
        table.for_each(|key: Value, _: bool| {
            contents.members += 1;
            match key {
                Value::Integer(index) if (1..=i64::from(i32::MAX)).contains(&index) => {
                    contents.in_order &= index == largest + 1;
                    largest = largest.max(index);
                }
                _ => contents.is_array = false,
            }
            Ok(())
        })?;
        contents.is_array &= largest == contents.members as i64;
        Ok(contents)
    }
}

fn push_number(packed: &mut Vec<u8>, number: f64) {
    let whole = numbers::to_signed(number);
    if whole as f64 == number {
        push_integer(packed, whole);
    } else if f64::from(number as f32) == number {
        packed.push(0xca);
        packed.extend_from_slice(&(number as f32).to_be_bytes());
    } else {
        packed.push(0xcb);
        packed.extend_from_slice(&number.to_be_bytes());
    }
}

fn push_integer(packed: &mut Vec<u8>, number: i64) {
    let (format, bytes) = match number {
        -32..=127 => (None, 1),
        128..=0xff => (Some(0xcc), 1),
        0x100..=0xffff => (Some(0xcd), 2),
        0x1_0000..=0xffff_ffff => (Some(0xce), 4),
        0x1_0000_0000.. => (Some(0xcf), 8),
        -128..-32 => (Some(0xd0), 1),
        -0x8000..-128 => (Some(0xd1), 2),
        -0x8000_0000..-0x8000 => (Some(0xd2), 4),
        ..-0x8000_0000 => (Some(0xd3), 8),
    };
    packed.extend(format);
    packed.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
}

/// How the length of a string, an array or a map is written.
struct Header {
    /// The first byte of a short one, to which the length is added.
    short: u8,
    shortest_long: usize,
    /// The first bytes of others, before a length of 1, 2 and 4 bytes.
    one: Option<u8>,
    two: u8,
    four: u8,
}

const STRING: Header =
    Header { short: 0xa0, shortest_long: 32, one: Some(0xd9), two: 0xda, four: 0xdb };
const ARRAY: Header = Header { short: 0x90, shortest_long: 16, one: None, two: 0xdc, four: 0xdd };
const MAP: Header = Header { short: 0x80, shortest_long: 16, one: None, two: 0xde, four: 0xdf };

fn push_header(packed: &mut Vec<u8>, header: &Header, length: usize) {
    match (length, header.one) {
        (0..=31, _) if length < header.shortest_long => packed.push(header.short | length as u8),
        (0..=0xff, Some(one)) => packed.extend_from_slice(&[one, length as u8]),
        (0..=0xffff, _) => {
            packed.push(header.two);
            packed.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            packed.push(header.four);
            packed.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

type Results = Vec<Member<'static>>;
type Unpack = fn(&Lua, &Arguments<'_>) -> Result<Results>;

/// `cmsgpack.unpack(text)`: all values of the text.
fn unpack(lua: &Lua, arguments: &Arguments<'_>) -> Result<Results> {
    read(lua, arguments, 0, 0)
}

/// `cmsgpack.unpack_one(text [, offset])`: the offset of the next value, or -1, and one value.
fn unpack_one(lua: &Lua, arguments: &Arguments<'_>) -> Result<Results> {
    let offset = arguments.integer_or(2, 0)?;
    read(lua, arguments, 1, offset)
}

/// `cmsgpack.unpack_limit(text, limit [, offset])`: the offset of the next value, or -1, and up to `limit` values.
fn unpack_limit(lua: &Lua, arguments: &Arguments<'_>) -> Result<Results> {
    let limit = arguments.integer(2)?;
    let offset = arguments.integer_or(3, 0)?;
    read(lua, arguments, limit, offset)
}

/// Without limit and offset: all values, and no offset in front.
fn read(lua: &Lua, arguments: &Arguments<'_>, limit: i64, offset: i64) -> Result<Results> {
    let text = arguments.string(1)?;
    let text = text.as_bytes();
    let length = text.len();
    if offset < 0 || limit < 0 {
        // What it calls the limit is the length of the input: so the reference has it.
        let complaint = format!(
            "Invalid request to unpack with offset of {} and limit of {}.",
            offset as i32, length as i32
        );
        return Err(raise::here(lua, complaint));
    }
    let Some(rest) = usize::try_from(offset).ok().and_then(|offset| text.get(offset..)) else {
        let complaint =
            format!("Start offset {} greater than input length {}.", offset as i32, length as i32);
        return Err(raise::here(lua, complaint));
    };
    let is_all = limit == 0 && offset == 0;
    let limit = if is_all { i64::from(i32::MAX) } else { limit };
    let mut reader = Reader::new(lua, rest);
    let mut count = 0;
    while !reader.rest.is_empty() && count < limit {
        if reader.built.members().len() >= MOST_RESULTS {
            return Err(Fault::Stack(VALUES).raise(lua));
        }
        reader.read_value().map_err(|fault| fault.raise(lua))?;
        count += 1;
    }
    let left = reader.rest.len();
    let offset = if left == 0 { -1 } else { (length - left) as i64 };
    let offset = (!is_all).then_some(Member::Value(Value::Integer(offset)));
    Ok(offset.into_iter().chain(reader.built.into_members().map(Member::into_owned)).collect())
}

/// Why reading ends early.
enum Fault {
    Missing,
    Format,
    /// The reference has no stack left, and says what for.
    Stack(&'static str),
    Lua(Error),
}

impl Fault {
    fn raise(self, lua: &Lua) -> Error {
        match self {
            Fault::Missing => raise::here(lua, "Missing bytes in input."),
            Fault::Format => raise::here(lua, "Bad data format in input."),
            Fault::Stack(purpose) => raise::here(lua, format!("stack overflow ({purpose})")),
            Fault::Lua(Error::StackError) => Fault::Stack(VALUES).raise(lua),
            Fault::Lua(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Lua(error)
    }
}

/// What the reference has no stack for: values, or arrays.
const VALUES: &str = "too many return values at once; use unpack_one or unpack_limit instead.";
const ARRAYS: &str = "in function mp_decode_to_lua_array";

/// How many members an open table still lacks: of a map, keys and values.
struct Lacking {
    members: u64,
    kind: Kind,
}

struct Reader<'a> {
    rest: &'a [u8],
    built: Builder<'a>,
    open: Vec<Lacking>,
    /// What the reference would have on its stack.
    slots: usize,
}

impl<'a> Reader<'a> {
    fn new(lua: &'a Lua, rest: &'a [u8]) -> Reader<'a> {
        Reader { rest, built: Builder::new(lua), open: Vec::new(), slots: 1 }
    }

    /// Reads one value with all that is in it.
    fn read_value(&mut self) -> std::result::Result<(), Fault> {
        loop {
            self.read_member()?;
            while let Some(Lacking { members: 0, kind }) = self.open.last() {
                self.slots -= if *kind == Kind::Sequence { 2 } else { 1 };
                self.open.pop();
                self.built.close()?;
                self.has_member();
            }
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    /// Reads a value, or the header of a table.
    fn read_member(&mut self) -> std::result::Result<(), Fault> {
        let first = self.take::<1>()?[0];
        if self.slots + 1 > STACK_SLOTS {
            return Err(Fault::Stack(VALUES));
        }
        let value = match first {
            0xc0 => Value::Nil,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0x00..=0x7f | 0xe0..=0xff => Value::Integer(i64::from(first as i8)),
            0xcc => Value::Integer(i64::from(self.take::<1>()?[0])),
            0xcd => Value::Integer(i64::from(u16::from_be_bytes(self.take()?))),
            0xce => Value::Integer(i64::from(u32::from_be_bytes(self.take()?))),
            // Above 2^63 it is negative: the integers of the reference's Lua are signed.
            0xcf | 0xd3 => Value::Number(i64::from_be_bytes(self.take()?) as f64),
            0xd0 => Value::Integer(i64::from(i8::from_be_bytes(self.take()?))),
            0xd1 => Value::Integer(i64::from(i16::from_be_bytes(self.take()?))),
            0xd2 => Value::Integer(i64::from(i32::from_be_bytes(self.take()?))),
            0xca => Value::Number(f64::from(f32::from_be_bytes(self.take()?))),
            0xcb => Value::Number(f64::from_be_bytes(self.take()?)),
            0xa0..=0xbf => return self.read_text(u32::from(first & 0x1f)),
            0xd9 => {
                return self
                    .take()
                    .and_then(|length| self.read_text(u32::from(u8::from_be_bytes(length))));
            }
            0xda => {
                return self
                    .take()
                    .and_then(|length| self.read_text(u32::from(u16::from_be_bytes(length))));
            }
            0xdb => {
                return self.take().and_then(|length| self.read_text(u32::from_be_bytes(length)));
            }
            0x90..=0x9f => return self.open(Kind::Sequence, u32::from(first & 0xf)),
            0xdc => {
                let length = u32::from(u16::from_be_bytes(self.take()?));
                return self.open(Kind::Sequence, length);
            }
            0xdd => {
                return self
                    .take()
                    .and_then(|length| self.open(Kind::Sequence, u32::from_be_bytes(length)));
            }
            0x80..=0x8f => return self.open(Kind::Map, u32::from(first & 0xf)),
            0xde => {
                return self.take().and_then(|length| {
                    self.open(Kind::Map, u32::from(u16::from_be_bytes(length)))
                });
            }
            0xdf => {
                return self
                    .take()
                    .and_then(|length| self.open(Kind::Map, u32::from_be_bytes(length)));
            }
            _ => return Err(Fault::Format),
        };
        self.push(Member::Value(value))
    }

    fn read_text(&mut self, length: u32) -> std::result::Result<(), Fault> {
        let (text, rest) = self.rest.split_at_checked(length as usize).ok_or(Fault::Missing)?;
        self.rest = rest;
        self.push(Member::Text(text))
    }

    fn push(&mut self, member: Member<'a>) -> std::result::Result<(), Fault> {
        self.built.push(member)?;
        self.has_member();
        Ok(())
    }

    fn open(&mut self, kind: Kind, length: u32) -> std::result::Result<(), Fault> {
        // An array needs a slot for itself and one for the index.
        if kind == Kind::Sequence && self.slots + 2 > STACK_SLOTS {
            return Err(Fault::Stack(ARRAYS));
        }
        self.built.open(kind);
        let each = if kind == Kind::Sequence { 1 } else { 2 };
        self.slots += if kind == Kind::Sequence { 2 } else { 1 };
        self.open.push(Lacking { members: u64::from(length) * each, kind });
        Ok(())
    }

    /// Counts a member of the innermost table, or a result. A key stays on the stack until its value is there.
    fn has_member(&mut self) {
        let Some(open) = self.open.last_mut() else {
            self.slots += 1;
            return;
        };
        open.members -= 1;
        if open.kind == Kind::Map {
            if open.members % 2 == 1 { self.slots += 1 } else { self.slots -= 1 }
        }
    }

    fn take<const N: usize>(&mut self) -> std::result::Result<[u8; N], Fault> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Fault::Missing)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::trial;

    #[test]
    fn values_are_packed_as_the_reference_packs_them() {
        trial::check(
            &trial::lua(),
            r##"
        return cmsgpack._NAME, cmsgpack._VERSION, cmsgpack._COPYRIGHT, cmsgpack._DESCRIPTION
            => "cmsgpack" "lua-cmsgpack 0.4.0" "Copyright (C) 2012, Redis Ltd." "MessagePack C
            => implementation for Lua"
        return cmsgpack.pack()
            => ERR user_script:1: bad argument #0 to 'pack' (MessagePack pack needs input.)
        return cmsgpack.pack(nil)
            => "\192"
        return cmsgpack.pack(1,2,nil,'x')
            => "\001\002\192\161x"
        return cmsgpack.pack(true,false,tostring,cjson.null)
            => "\195\194\192\192"
        return cmsgpack.pack(0), cmsgpack.pack(127), cmsgpack.pack(128), cmsgpack.pack(255),
        cmsgpack.pack(256), cmsgpack.pack(65535), cmsgpack.pack(65536),
        cmsgpack.pack(4294967295), cmsgpack.pack(4294967296), cmsgpack.pack(2^53),
        cmsgpack.pack(2^62), cmsgpack.pack(2^63), cmsgpack.pack(2^64)
            => "\000" "\127" "\204\128" "\204\255" "\205\001\000" "\205\255\255"
            => "\206\000\001\000\000" "\206\255\255\255\255"
            => "\207\000\000\000\001\000\000\000\000" "\207\000 \000\000\000\000\000\000"
            => "\207@\000\000\000\000\000\000\000" "\202_\000\000\000" "\202_\128\000\000"
        return cmsgpack.pack(-1), cmsgpack.pack(-32), cmsgpack.pack(-33), cmsgpack.pack(-128),
        cmsgpack.pack(-129), cmsgpack.pack(-32768), cmsgpack.pack(-32769),
        cmsgpack.pack(-2147483648), cmsgpack.pack(-2147483649), cmsgpack.pack(-2^63),
        cmsgpack.pack(-2^64), cmsgpack.pack(0*-1)
            => "\255" "\224" "\208\223" "\208\128" "\209\255\127" "\209\128\000"
            => "\210\255\255\127\255" "\210\128\000\000\000"
            => "\211\255\255\255\255\127\255\255\255" "\211\128\000\000\000\000\000\000\000"
            => "\202\223\128\000\000" "\000"
        return cmsgpack.pack(1.5), cmsgpack.pack(0.1), cmsgpack.pack(1/0), cmsgpack.pack(-1/0),
        cmsgpack.pack(0/0), cmsgpack.pack(1e300), cmsgpack.pack(1e20), cmsgpack.pack(-(0/0))
            => "\202?\192\000\000" "\203?\185\153\153\153\153\153\154" "\202\127\128\000\000"
            => "\202\255\128\000\000" "\203\255\248\000\000\000\000\000\000"
            => "\203~7\228<\136\000u\156" "\203D\021\175\029x\181\140@"
            => "\203\127\248\000\000\000\000\000\000"
        return cmsgpack.pack(''), cmsgpack.pack('a'), cmsgpack.pack(string.rep('a',31)),
        cmsgpack.pack(string.rep('a',32)), string.sub(cmsgpack.pack(string.rep('a',255)),1,4),
        string.sub(cmsgpack.pack(string.rep('a',256)),1,4),
        string.sub(cmsgpack.pack(string.rep('a',65535)),1,4),
        string.sub(cmsgpack.pack(string.rep('a',65536)),1,6)
            => "\160" "\161a" "\191aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "\217
            => aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "\217\255aa" "\218\001\000a" "\218\255\255a"
            => "\219\000\001\000\000a"
        return cmsgpack.pack({}), cmsgpack.pack({1,2,3}), cmsgpack.pack({a=1}),
        cmsgpack.pack({1,nil,3}), cmsgpack.pack({[1]=1,[3]=3}), cmsgpack.pack({[2]=1,[1]=3}),
        cmsgpack.pack({1,2,a=3}), cmsgpack.pack({[0]=1}), cmsgpack.pack({[1.5]=1}),
        cmsgpack.pack({[true]=false}), cmsgpack.pack({[1e10]=1}), cmsgpack.pack({[-1]=1})
            => "\144" "\147\001\002\003" "\129\161a\001" "\130\001\001\003\003"
            => "\130\001\001\003\003" "\146\003\001" "\131\001\001\002\002\161a\003"
            => "\129\000\001" "\129\202?\192\000\000\001" "\129\195\194"
            => "\129\207\000\000\000\002T\011\228\000\001" "\129\255\001"
        local t={} for i=1,15 do t[i]=i end local a=cmsgpack.pack(t) t[16]=16 return a,
        cmsgpack.pack(t)
            => "\159\001\002\003\004\005\006\007\008\009\010\011\012\013\014\015"
            => "\220\000\016\001\002\003\004\005\006\007\008\009\010\011\012\013\014\015\016"
        local t={} for i=1,65536 do t[i]=1 end
        return string.sub(cmsgpack.pack(t),1,6), #cmsgpack.pack(t)
            => "\221\000\001\000\000\001" 65541
        local t={} for i=1,65535 do t[i]=1 end
        return string.sub(cmsgpack.pack(t),1,6), #cmsgpack.pack(t)
            => "\220\255\255\001\001\001" 65538
        local t={} for i=1,15 do t['k'..i]=1 end local a=cmsgpack.pack(t) t.k16=1
        return string.sub(a,1,3), string.sub(cmsgpack.pack(t),1,5)
            => "\143\163k" "\222\000\016\163k"
        local t={} for i=1,65536 do t['k'..i]=1 end
        return string.sub(cmsgpack.pack(t),1,5), #cmsgpack.pack(t)
            => "\223\000\001\000\000" 513187
        local t={} t[1]=t return cmsgpack.pack(t)
            => "\145\145\145\145\145\145\145\145\145\145\145\145\145\145\145\145\192"
        local t={} t.a=t return cmsgpack.pack(t)
            => "\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\129\161a\192"
        local t={1} for i=1,20 do t={t} end return cmsgpack.pack(t)
            => "\145\145\145\145\145\145\145\145\145\145\145\145\145\145\145\145\192"
        return cmsgpack.pack({[{1}]={2}})
            => "\129\145\001\145\002"
        return pcall(cmsgpack.pack)
            => false "bad argument #0 to '?' (MessagePack pack needs input.)"
        "##,
        );
    }

    #[test]
    fn texts_are_unpacked_as_the_reference_unpacks_them() {
        trial::check(
            &trial::lua(),
            r##"
        return cmsgpack.unpack()
            => ERR user_script:1: bad argument #1 to 'unpack' (string expected, got no value)
        return cmsgpack.unpack(nil)
            => ERR user_script:1: bad argument #1 to 'unpack' (string expected, got nil)
        return cmsgpack.unpack({})
            => ERR user_script:1: bad argument #1 to 'unpack' (string expected, got table)
        return cmsgpack.unpack('')
            =>
        return cmsgpack.unpack(1)
            => 49
        return cmsgpack.unpack('\1\2\3')
            => 1 2 3
        return cmsgpack.unpack('\193')
            => ERR user_script:1: Bad data format in input.
        return cmsgpack.unpack('\1\193')
            => ERR user_script:1: Bad data format in input.
        return cmsgpack.unpack('\204')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\204\255\205\1\2\206\255\255\255\255\207\0\0\0\1\0\0\0\0\207\255\255\255\255\255\255\255\255\207\127\255\255\255\255\255\255\255')
            => 255 258 4294967295 4294967296 -1 9.2233720368547758e+18
        return cmsgpack.unpack('\208\128\209\128\0\209\255\254\210\128\0\0\0\211\128\0\0\0\0\0\0\0\211\0\0\0\0\0\0\0\1\224\255\127')
            => -128 -32768 -2 -2147483648 -9.2233720368547758e+18 1 -32 -1 127
        return cmsgpack.unpack('\202\63\192\0\0\203\63\240\0\0\0\0\0\0\202\127\192\0\0\202\255\128\0\0')
            => 1.5 1 nan -inf
        return cmsgpack.unpack('\192\194\195')
            => nil false true
        return select('#',cmsgpack.unpack('\192\192\192'))
            => 3
        return cmsgpack.unpack('\160\161a\217\2bc\218\0\2de\219\0\0\0\2fg')
            => "" "a" "bc" "de" "fg"
        return cmsgpack.unpack('\161')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\217')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\217\5abc')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\218\0')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\219\255\255\255\255abc')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\221\255\255\255\255')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\221\255\255\255\255\1\2')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\223\255\255\255\255')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\223\255\255\255\255\1')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\220\0\2\1\2\222\0\1\161a\1\144\128')
            => {1,2} {["a"]=1} {} {}
        return cmsgpack.unpack('\147\1\192\3')
            => {1,[3]=3}
        return #(cmsgpack.unpack('\147\1\192\3')), #(cmsgpack.unpack('\148\1\192\192\3')), #(cmsgpack.unpack('\148\192\192\192\3')), #(cmsgpack.unpack('\152\1\2\3\192\5\192\7\192'))
            => 1 1 0 3
        return cmsgpack.unpack('\130\192\1')
            => ERR table index is nil
        return cmsgpack.unpack('\129\192\1')
            => ERR table index is nil
        return cmsgpack.unpack('\129\203\127\248\0\0\0\0\0\0\1')
            => ERR table index is NaN
        return cmsgpack.unpack('\129\161a\192')
            => {}
        return cmsgpack.unpack('\130\161a\1\161a\2')
            => {["a"]=2}
        return cmsgpack.unpack('\129\1')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\129')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack('\129\145\1\2')
            => {[{1}]=2}
        return cmsgpack.unpack('\196\1a')
            => ERR user_script:1: Bad data format in input.
        return cmsgpack.unpack('\212\1a')
            => ERR user_script:1: Bad data format in input.
        return cmsgpack.unpack('\199\1a')
            => ERR user_script:1: Bad data format in input.
        return cmsgpack.unpack(string.rep('\145',200000))
            => ERR user_script:1: stack overflow (in function mp_decode_to_lua_array)
        return cmsgpack.unpack(string.rep('\129',200000))
            => ERR user_script:1: stack overflow (too many return values at once; use unpack_one
            => or unpack_limit instead.)
        return cmsgpack.unpack(string.rep('\129\1',200000))
            => ERR user_script:1: stack overflow (too many return values at once; use unpack_one
            => or unpack_limit instead.)
        return type(cmsgpack.unpack(string.rep('\145',3998)..'\1'))
            => "table"
        return type(cmsgpack.unpack(string.rep('\145',3999)..'\1'))
            => "table"
        return type(cmsgpack.unpack(string.rep('\145',4000)..'\1'))
            => ERR user_script:1: stack overflow (in function mp_decode_to_lua_array)
        return type(cmsgpack.unpack(string.rep('\129\1',3998)..'\1'))
            => "table"
        return type(cmsgpack.unpack(string.rep('\129\1',3999)..'\1'))
            => "table"
        return cmsgpack:unpack()
            => ERR user_script:1: calling 'unpack' on bad self (string expected, got table)
        "##,
        );
    }

    #[test]
    fn some_values_are_unpacked_as_the_reference_unpacks_them() {
        trial::check(
            &trial::lua(),
            r##"
        return cmsgpack.unpack_one('\1\2\3')
            => 1 1
        return cmsgpack.unpack_one('\1\2\3',1)
            => 2 2
        return cmsgpack.unpack_one('\1\2\3',2)
            => -1 3
        return cmsgpack.unpack_one('\1\2\3',3)
            => -1
        return cmsgpack.unpack_one('\1\2\3',4)
            => ERR user_script:1: Start offset 4 greater than input length 3.
        return cmsgpack.unpack_one('\1\2\3',-1)
            => ERR user_script:1: Invalid request to unpack with offset of -1 and limit of 3.
        return cmsgpack.unpack_one('\1\2\3','1')
            => 2 2
        return cmsgpack.unpack_one('\1\2\3','x')
            => ERR user_script:1: bad argument #2 to 'unpack_one' (number expected, got string)
        return cmsgpack.unpack_one('\1\2\3',nil)
            => 1 1
        return cmsgpack.unpack_one('\1\2\3',1.7)
            => 2 2
        return cmsgpack.unpack_one('\1\2\3',1e300)
            => ERR user_script:1: Invalid request to unpack with offset of 0 and limit of 3.
        return cmsgpack.unpack_one('\1\2\3',4294967297)
            => ERR user_script:1: Start offset 1 greater than input length 3.
        return cmsgpack.unpack_one('')
            => -1
        return cmsgpack.unpack_one()
            => ERR user_script:1: bad argument #1 to 'unpack_one' (string expected, got no value)
        return cmsgpack.unpack_one({},'x')
            => ERR user_script:1: bad argument #2 to 'unpack_one' (number expected, got string)
        return cmsgpack.unpack_one({})
            => ERR user_script:1: bad argument #1 to 'unpack_one' (string expected, got table)
        return cmsgpack.unpack_one('\193')
            => ERR user_script:1: Bad data format in input.
        return cmsgpack.unpack_one('\146\1')
            => ERR user_script:1: Missing bytes in input.
        return cmsgpack.unpack_limit('\1\2\3',2)
            => 2 1 2
        return cmsgpack.unpack_limit('\1\2\3',3)
            => -1 1 2 3
        return cmsgpack.unpack_limit('\1\2\3',5)
            => -1 1 2 3
        return cmsgpack.unpack_limit('\1\2\3',2,1)
            => -1 2 3
        return cmsgpack.unpack_limit('\1\2\3',0)
            => 1 2 3
        return cmsgpack.unpack_limit('\1\2\3',0,0)
            => 1 2 3
        return cmsgpack.unpack_limit('\1\2\3',0,1)
            => 1
        return cmsgpack.unpack_limit('\1\2\3',-1)
            => ERR user_script:1: Invalid request to unpack with offset of 0 and limit of 3.
        return cmsgpack.unpack_limit('\1\2\3',1,-1)
            => ERR user_script:1: Invalid request to unpack with offset of -1 and limit of 3.
        return cmsgpack.unpack_limit('\1\2\3')
            => ERR user_script:1: bad argument #2 to 'unpack_limit' (number expected, got no value)
        return cmsgpack.unpack_limit('\1\2\3','x')
            => ERR user_script:1: bad argument #2 to 'unpack_limit' (number expected, got string)
        return cmsgpack.unpack_limit('\1\2\3',1,'x')
            => ERR user_script:1: bad argument #3 to 'unpack_limit' (number expected, got string)
        return cmsgpack.unpack_limit()
            => ERR user_script:1: bad argument #2 to 'unpack_limit' (number expected, got no value)
        return cmsgpack.unpack_limit({},1)
            => ERR user_script:1: bad argument #1 to 'unpack_limit' (string expected, got table)
        return cmsgpack.unpack_limit('\1\2\3',1e300)
            => ERR user_script:1: Invalid request to unpack with offset of 0 and limit of 3.
        return cmsgpack.unpack_limit('\1\2\3',4294967296)
            => -1 1 2 3
        return cmsgpack:unpack_one()
            => ERR user_script:1: calling 'unpack_one' on bad self (string expected, got table)
        return cmsgpack:unpack_limit()
            => ERR user_script:1: bad argument #1 to 'unpack_limit' (number expected, got no value)
        return cmsgpack:unpack_limit(1)
            => ERR user_script:1: calling 'unpack_limit' on bad self (string expected, got table)
        return pcall(cmsgpack.unpack_one, '\193')
            => false "Bad data format in input."
        "##,
        );
    }

    #[test]
    fn no_more_is_allocated_than_the_text_has() {
        trial::check(
            &trial::lua(),
            r##"
        return cmsgpack.unpack(string.rep('\221\255\255\255\255', 100000))
            => ERR user_script:1: stack overflow (in function mp_decode_to_lua_array)
        return #cmsgpack.unpack('\221\0\0\78\32' .. string.rep('\144', 20000))
            => 20000
        return select('#', cmsgpack.unpack(string.rep('\145\1', 7900)))
            => 7900
        return cmsgpack.unpack(string.rep('\145\1', 8000))
            => ERR user_script:1: stack overflow
            => (too many return values at once; use unpack_one or unpack_limit instead.)
        "##,
        );
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(
            number in any::<f64>(), whole in any::<i32>(), bytes in any::<Vec<u8>>(), deep in 0..15
        ) {
            let lua = trial::lua();
            let text: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
            // Zero below zero is packed as zero.
            let number = if number.is_normal() { format!("{number:e}") } else { "0.5".to_owned() };
            let script = format!(
                "local t = {{{number}, {whole}, '{text}', x = {{true, {whole}/2}}, [{whole}] = false}}
                for i = 1, {deep} do t = {{t}} end "
            );
            let script = script.replace('\n', " ");
            let plain = trial::run(&lua, &format!("{script} return t, '{text}'"));
            let again = format!("{script} return cmsgpack.unpack(cmsgpack.pack(t, '{text}'))");
            prop_assert_eq!(plain, trial::run(&lua, &again));
        }
    }
}
