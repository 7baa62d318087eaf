//! `struct`: values as bytes, laid out by a format.
//!
//! A format is a row of letters: `b B h H l L T` are integers of C's sizes, small letters signed, `i<n>` and `I<n>`
//! such of n bytes, `f` and `d` floats, `s` a text that ends with a zero, `c<n>` one of n bytes, `x` a zero. Between
//! them `>` and `<` choose the order of bytes, `!<n>` aligns, blanks say nothing.

use mlua::{Error, Lua, MultiValue, Result, Table, Value, Variadic};

use super::arguments::Arguments;
use super::output;
use super::tables::Member;
use super::{MOST_RESULTS, numbers};
use crate::scripting::{goes_on, raise, texts};

pub(super) fn library(lua: &Lua) -> Result<Table> {
    let library = lua.create_table()?;
    library.raw_set(
        "pack",
        lua.create_function(|lua, values| {
            texts::returned(lua, pack(lua, &Arguments::new(lua, values))?)
        })?,
    )?;
    library.raw_set(
        "size",
        lua.create_function(|lua, values| size(lua, &Arguments::new(lua, values)))?,
    )?;
    let function = lua.create_function(|lua, values: MultiValue| {
        let results = unpack(lua, &Arguments::new(lua, values))?;
        Ok(results.into_iter().map(Member::into_pushed).collect::<Variadic<_>>())
    })?;
    library.raw_set("unpack", function)?;
    Ok(library)
}

/// The most bytes of an integer.
const WIDEST: usize = 32;

/// The largest number in a format.
const LARGEST: usize = i32::MAX as usize;

/// What `!` without a number aligns to.
const NATURAL: usize = 8;

/// `struct.pack(format, values...)`
fn pack(lua: &Lua, arguments: &Arguments<'_>) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let format = arguments.string(1)?;
    let format = format.as_bytes();
    let mut format = Format::new(lua, &format);
    let mut index = 2;
    while let Some(letter) = format.next()? {
        let padding = format.padding(packed.len(), letter);
        packed.resize(packed.len() + padding, 0);
        match letter.option {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let number = given_number(arguments, index)?;
                push_integer(&mut packed, number, letter.size, format.big_endian);
            }
            b'f' => push_bytes(
                &mut packed,
                (given_number(arguments, index)? as f32).to_le_bytes(),
                format.big_endian,
            ),
            b'd' => push_bytes(
                &mut packed,
                given_number(arguments, index)?.to_le_bytes(),
                format.big_endian,
            ),
            b's' | b'c' => {
                let text = given_string(arguments, index)?;
                let text = text.as_bytes();
                let length = if letter.size == 0 { text.len() } else { letter.size };
                // The complaint is about the next argument: the reference has counted on by then.
                let text = text
                    .get(..length)
                    .ok_or_else(|| arguments.refuse(index + 1, "string too short"))?;
                packed.extend_from_slice(text);
                if letter.option == b's' {
                    packed.push(0);
                }
                output::check(&packed)?;
            }
            b'x' => packed.push(0),
            control => format.control(arguments, control)?,
        }
        index += usize::from(letter.takes_value());
    }
    Ok(packed)
}

/// `struct.unpack(format, data [, start])`: the values, and where they end.
fn unpack(lua: &Lua, arguments: &Arguments<'_>) -> Result<Vec<Member<'static>>> {
    let format = arguments.string(1)?;
    let format = format.as_bytes();
    let data = arguments.string(2)?;
    let data = data.as_bytes();
    let start = arguments.integer_or(3, 1)?;
    if start == 0 {
        return Err(arguments.refuse(3, "offset must be 1 or greater"));
    }
    // A negative start is far behind the end.
    let mut at = (start as u64).wrapping_sub(1) as usize;
    let mut format = Format::new(lua, &format);
    let mut results = Vec::new();
    while let Some(letter) = format.next()? {
        let too_short = || arguments.refuse(2, "data string too short");
        at = at.wrapping_add(format.padding(at, letter));
        let end = at.checked_add(letter.size).ok_or_else(too_short)?;
        let bytes = data.get(at..end).ok_or_else(too_short)?;
        if results.len() >= MOST_RESULTS {
            return Err(raise::here(lua, "stack overflow (too many results)"));
        }
        at = end;
        match letter.option {
            b'b' | b'h' | b'l' | b'i' => {
                results.push(number(
                    sign_extended(integer(bytes, format.big_endian), letter.size) as f64
                ));
            }
            b'B' | b'H' | b'L' | b'T' | b'I' => {
                results.push(number(integer(bytes, format.big_endian) as f64))
            }
            b'f' => results.push(number(f64::from(f32::from_le_bytes(little_endian(
                bytes,
                format.big_endian,
            ))))),
            b'd' => {
                results.push(number(f64::from_le_bytes(little_endian(bytes, format.big_endian))))
            }
            b'c' if letter.size == 0 => {
                let Some(length) =
                    results.pop().map(|length| as_number(lua, length)).transpose()?.flatten()
                else {
                    return Err(raise::here(lua, "format 'c0' needs a previous size"));
                };
                let length = usize::try_from(numbers::to_unsigned(length)).unwrap_or(usize::MAX);
                let end = at.checked_add(length).ok_or_else(too_short)?;
                results.push(Member::Made(data.get(at..end).ok_or_else(too_short)?.to_vec()));
                at = end;
            }
            b'c' => results.push(Member::Made(bytes.to_vec())),
            b's' => {
                let rest = &data[at..];
                let Some(length) = rest.iter().position(|byte| *byte == 0) else {
                    return Err(raise::here(lua, "unfinished string in data"));
                };
                results.push(Member::Made(rest[..length].to_vec()));
                at += length + 1;
            }
            b'x' => {}
            control => format.control(arguments, control)?,
        }
    }
    results.push(number(at.wrapping_add(1) as i64 as f64));
    Ok(results)
}

/// `struct.size(format)`: the bytes that [`pack`] would make.
fn size(lua: &Lua, arguments: &Arguments<'_>) -> Result<f64> {
    let format = arguments.string(1)?;
    let format = format.as_bytes();
    let mut format = Format::new(lua, &format);
    let mut total = 0_usize;
    while let Some(letter) = format.next()? {
        total = total.wrapping_add(format.padding(total, letter)).wrapping_add(letter.size);
        match letter.option {
            b's' => return Err(arguments.refuse(1, "option 's' has no fixed size")),
            b'c' if letter.size == 0 => {
                return Err(arguments.refuse(1, "option 'c0' has no fixed size"));
            }
            other if other.is_ascii_alphanumeric() => {}
            control => format.control(arguments, control)?,
        }
    }
    Ok(total as f64)
}

/// One letter of a format, and how many bytes it stands for.
#[derive(Clone, Copy)]
struct Letter {
    option: u8,
    size: usize,
}

impl Letter {
    fn takes_value(self) -> bool {
        b"bBhHlLTiIfdsc".contains(&self.option)
    }
}

/// A format, as far as it was read. It ends with the first zero.
struct Format<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
    big_endian: bool,
    alignment: usize,
}

impl<'a> Format<'a> {
    fn new(lua: &'a Lua, format: &'a [u8]) -> Format<'a> {
        Format { lua, rest: format, big_endian: cfg!(target_endian = "big"), alignment: 1 }
    }

    fn next(&mut self) -> Result<Option<Letter>> {
        let Some((option, rest)) = self.rest.split_first().filter(|(option, _)| **option != 0)
        else {
            return Ok(None);
        };
        self.rest = rest;
        goes_on::spend(1)?;
        let size = match option {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'f' => 4,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'c' => self.number_or(1)?,
            b'i' | b'I' => {
                let size = self.number_or(4)?;
                if size > WIDEST {
                    let complaint =
                        format!("integral size {size} is larger than limit of {WIDEST}");
                    return Err(raise::here(self.lua, complaint));
                }
                size
            }
            _ => 0,
        };
        Ok(Some(Letter { option: *option, size }))
    }

    /// The bytes that must stand in front of a letter at `at`.
    fn padding(&self, at: usize, letter: Letter) -> usize {
        if letter.size == 0 || letter.option == b'c' {
            return 0;
        }
        let size = letter.size.min(self.alignment);
        size.wrapping_sub(at & (size - 1)) & (size - 1)
    }

    /// Follows a letter that stands for no value, or refuses it.
    fn control(&mut self, arguments: &Arguments<'_>, option: u8) -> Result<()> {
        match option {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let alignment = self.number_or(NATURAL)?;
                if !alignment.is_power_of_two() {
                    let complaint = format!("alignment {alignment} is not a power of 2");
                    return Err(raise::here(self.lua, complaint));
                }
                self.alignment = alignment;
            }
            _ => {
                return Err(arguments
                    .refuse(1, [b"invalid format option '".as_slice(), &[option], b"'"].concat()));
            }
        }
        Ok(())
    }

    /// The number that follows a letter, if one does.
    fn number_or(&mut self, otherwise: usize) -> Result<usize> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Ok(otherwise);
        }
        let (digits, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let mut number = 0;
        for digit in digits {
            number = number * 10 + usize::from(digit - b'0');
            if number > LARGEST {
                return Err(raise::here(self.lua, "integral size overflow"));
            }
        }
        Ok(number)
    }
}

/// A number to pack. One that is missing counts as nil: the reference has put a nil behind the arguments.
fn given_number(arguments: &Arguments<'_>, index: usize) -> Result<f64> {
    if index > arguments.count() {
        return Err(arguments.refuse(index, "number expected, got nil"));
    }
    arguments.number(index)
}

/// A text to pack: see [`given_number`].
fn given_string(arguments: &Arguments<'_>, index: usize) -> Result<mlua::LuaString> {
    if index > arguments.count() {
        return Err(arguments.refuse(index, "string expected, got nil"));
    }
    arguments.string(index)
}

/// Pushes the lowest `size` bytes. Above the eighth they are 0, below zero too, as in the reference.
fn push_integer(packed: &mut Vec<u8>, value: f64, size: usize, big_endian: bool) {
    let value =
        if value < 0.0 { numbers::to_signed(value) as u64 } else { numbers::to_unsigned(value) };
    let mut bytes = [0; WIDEST];
    bytes[..8].copy_from_slice(&value.to_le_bytes());
    let bytes = &mut bytes[..size];
    if big_endian {
        bytes.reverse();
    }
    packed.extend_from_slice(bytes);
}

fn push_bytes<const N: usize>(packed: &mut Vec<u8>, mut bytes: [u8; N], big_endian: bool) {
    if big_endian {
        bytes.reverse();
    }
    packed.extend_from_slice(&bytes);
}

/// The integer of these bytes. Of more than eight the eight lowest count.
fn integer(bytes: &[u8], big_endian: bool) -> u64 {
    let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
}

/// The signed integer of so many bytes. The reference shifts by their bits, of which a processor takes the lowest 6:
/// with more than eight bytes one somewhere in the middle is the sign.
fn sign_extended(value: u64, size: usize) -> i64 {
    let above = u64::MAX.wrapping_shl((size as u32 * 8).wrapping_sub(1));
    (if value & above == 0 { value } else { value | above }) as i64
}

fn little_endian<const N: usize>(bytes: &[u8], big_endian: bool) -> [u8; N] {
    let mut ordered = [0; N];
    for (ordered, byte) in ordered.iter_mut().zip(bytes) {
        *ordered = *byte;
    }
    if big_endian {
        ordered.reverse();
    }
    ordered
}

fn number(value: f64) -> Member<'static> {
    Member::Value(Value::Number(value))
}

/// The number that a result is, or that it spells.
fn as_number(lua: &Lua, result: Member<'_>) -> std::result::Result<Option<f64>, Error> {
    match result {
        Member::Value(value) => lua.coerce_number(value),
        Member::Text(text) => lua.coerce_number(Value::String(lua.create_string(text)?)),
        Member::Made(text) => lua.coerce_number(Value::String(lua.create_string(text)?)),
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
        return struct.pack('i33',1)
            => ERR user_script:1: integral size 33 is larger than limit of 32
        return struct.pack('i32',-1)
            => "\255\255\255\255\255\255\255\255\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
        return struct.pack('I0',5)
            => ""
        return struct.pack('i2147483647',5)
            => ERR user_script:1: integral size 2147483647 is larger than limit of 32
        return struct.pack('i99999999999',5)
            => ERR user_script:1: integral size overflow
        return struct.pack('i214748364',5)
            => ERR user_script:1: integral size 214748364 is larger than limit of 32
        return struct.pack('q',5)
            => ERR user_script:1: bad argument #1 to 'pack' (invalid format option 'q')
        return struct.pack('bhlT',1,2,3,4)
            => "\001\002\000\003\000\000\000\000\000\000\000\004\000\000\000\000\000\000\000"
        return struct.pack('!bhlT',1,2,3,4)
            => "\001\000\002\000\000\000\000\000\003\000\000\000\000\000\000\000\004\000\000\000\000\000\000\000"
        return struct.pack('!3b',1)
            => ERR user_script:1: alignment 3 is not a power of 2
        return struct.pack('!16bd',1,2)
            => "\001\000\000\000\000\000\000\000\000\000\000\000\000\000\000@"
        return struct.pack('!0bd',1,2)
            => ERR user_script:1: alignment 0 is not a power of 2
        return struct.pack('!2147483648bd',1,2)
            => ERR user_script:1: integral size overflow
        return struct.pack('!1073741824bd',1,2)
            => "\001\000\000\000\000\000\000\000\000\000\000\000\000\000\000@"
        return struct.pack('b',300), struct.pack('b',-1), struct.pack('B',-300),
        struct.pack('l',1e300), struct.pack('L',1e19), struct.pack('l',-1e19),
        struct.pack('l',0/0), struct.pack('l',1/0), struct.pack('l',-1/0),
        struct.pack('L',9.3e18), struct.pack('h',1.9), struct.pack('h',-1.9),
        struct.pack('L',1.8e19),struct.pack('L',2^64)
            => "," "\255" "\212" "\000\000\000\000\000\000\000\000"
            => "\000\000\232\137\004#\199\138" "\000\000\000\000\000\000\000\128"
            => "\000\000\000\000\000\000\000\128" "\000\000\000\000\000\000\000\000"
            => "\000\000\000\000\000\000\000\128" "\000\000"\251\185<\016\129" "\001\000"
            => "\255\255" "\000\000\008\197\161\216\204\249" "\000\000\000\000\000\000\000\000"
        return struct.pack('i16',-2), struct.pack('>i16',-2), struct.pack('i16',2),
        struct.pack('i3i5',1,2), struct.pack('!i3i5',1,2), struct.pack('!8i3i5',1,2)
            => "\254\255\255\255\255\255\255\255\000\000\000\000\000\000\000\000"
            => "\000\000\000\000\000\000\000\000\255\255\255\255\255\255\255\254"
            => "\002\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
            => "\001\000\000\002\000\000\000\000" "\000\000\001\000\000\002\000\000\000\000"
            => "\000\000\001\000\000\002\000\000\000\000"
        return struct.pack('c0','abc'), struct.pack('c2','abc'), struct.pack('s','a\0c'),
        struct.pack('c','abc')
            => "abc" "ab" "a\000c\000" "a"
        return struct.pack('c5','abc')
            => ERR user_script:1: bad argument #3 to 'pack' (string too short)
        return struct.pack('s',12), struct.pack('b','12')
            => "12\000" "\012"
        return struct.pack('s',{})
            => ERR user_script:1: bad argument #2 to 'pack' (string expected, got table)
        return struct.pack('s')
            => ERR user_script:1: bad argument #2 to 'pack' (string expected, got nil)
        return struct.pack('b','x')
            => ERR user_script:1: bad argument #2 to 'pack' (number expected, got string)
        return struct.pack('b',nil)
            => ERR user_script:1: bad argument #2 to 'pack' (number expected, got nil)
        return struct.pack('f',1.1), struct.pack('>f',1.1), struct.pack('d',1.1),
        struct.pack('>d',1.1), struct.pack('f',1e300), struct.pack('f', 'x')
            => ERR user_script:1: bad argument #2 to 'pack' (number expected, got string)
        return struct.pack('>!4bi<bi x',1,2,3,4)
            => "\001\000\000\000\000\000\000\002\003\000\000\000\004\000\000\000\000"
        return struct.pack('x x')
            => "\000\000"
        return struct.pack(' \0q')
            => ""
        return struct.pack('')
            => ""
        return struct.pack()
            => ERR user_script:1: bad argument #1 to 'pack' (string expected, got no value)
        return struct.pack({})
            => ERR user_script:1: bad argument #1 to 'pack' (string expected, got table)
        return struct.pack(12)
            => ERR user_script:1: bad argument #1 to 'pack' (invalid format option '1')
        return struct.pack('\200')
            => ERR user_script:1: bad argument #1 to 'pack' (invalid format option '\200')
        return struct.pack('!b!h!4i',1,2,3)
            => "\001\000\002\000\003\000\000\000"
        return #struct.pack(string.rep('x',100000))
            => 100000
        return struct.pack('!1073741824i',1,2)
            => "\001\000\000\000"
        return #struct.pack('!16i16b!16i16',1,2,3)
            => 48
        return struct.pack('!4i3b',1,2), struct.pack('!b i3',1,2),struct.pack('!b i7',1,2),
        struct.pack('!b s','x','y')
            => ERR user_script:1: bad argument #2 to 'pack' (number expected, got string)
        return struct.pack('bbb',1)
            => ERR user_script:1: bad argument #3 to 'pack' (number expected, got nil)
        return struct.pack('ii',1,true)
            => ERR user_script:1: bad argument #3 to 'pack' (number expected, got boolean)
        return struct:pack()
            => ERR user_script:1: calling 'pack' on bad self (string expected, got table)
        "##,
        );
    }

    #[test]
    fn bytes_are_unpacked_as_the_reference_unpacks_them() {
        trial::check(
            &trial::lua(),
            r##"
        return struct.unpack('bhlT', struct.pack('bhlT',1,2,3,4))
            => 1 2 3 4 20
        return struct.unpack('bBhH', '\255\255\255\255\255\255')
            => -1 255 -1 65535 7
        return struct.unpack('i3I3i5', '\255\255\255\255\255\255\255\255\255\255\255')
            => -1 16777215 -1 12
        return struct.unpack('i16', '\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255')
            => -1 17
        return struct.unpack('i9', '\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255')
            => -1 10
        return struct.unpack('>i9', '\1\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255')
            => -1 10
        return struct.unpack('>I9', '\1\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255')
            => 1.8446744073709552e+19 10
        return struct.unpack('>I16', '\1\2\255\255\255\255\255\255\255\255\255\255\255\255\255\255\255')
            => 1.8446744073709552e+19 17
        return struct.unpack('<I16', '\1\2\3\4\5\6\7\8\9\10\255\255\255\255\255\255\255')
            => 5.784376957523072e+17 17
        return struct.unpack('<i16', '\1\2\3\4\5\6\7\8\9\10\255\255\255\255\255\255\255')
            => 5.784376957523072e+17 17
        return struct.unpack('<i16', '\1\2\3\4\5\6\7\128\9\10\255\255\255\255\255\255\255')
            => -9.2213950934058916e+18 17
        return struct.unpack('i0', '')
            => 0 1
        return struct.unpack('I0', '')
            => 0 1
        return struct.unpack('i0', 'x')
            => 0 1
        return struct.unpack('bc0', '\3abcdef')
            => "abc" 5
        return struct.unpack('c0', '\3abcdef')
            => ERR user_script:1: format 'c0' needs a previous size
        return struct.unpack('sc0', '3\0abcdef')
            => "abc" 6
        return struct.unpack('sc0', 'x\0abcdef')
            => ERR user_script:1: format 'c0' needs a previous size
        return struct.unpack('bc0', '\100abcdef')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('bc0', '\255abcdef')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('dc0', struct.pack('d',1e300)..'abc')
            => "" 9
        return struct.unpack('dc0', struct.pack('d',-0.5)..'abc')
            => "" 9
        return struct.unpack('dc0', struct.pack('d',0/0)..'abc')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('dc0', struct.pack('d',2^64)..'abc')
            => "" 9
        return struct.unpack('dc0', struct.pack('d',-1e300)..'abc')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('s', 'abc')
            => ERR user_script:1: unfinished string in data
        return struct.unpack('s', 'abc\0d')
            => "abc" 5
        return struct.unpack('ss', 'abc\0d\0')
            => "abc" "d" 7
        return struct.unpack('b', 'abc', 2)
            => 98 3
        return struct.unpack('b', 'abc', 3)
            => 99 4
        return struct.unpack('b', 'abc', 4)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('b', 'abc', 0)
            => ERR user_script:1: bad argument #3 to 'unpack' (offset must be 1 or greater)
        return struct.unpack('b', 'abc', -1)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('b', 'abc', 1e300)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('b', 'abc', 2^53)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('b', 'abc', 'x')
            => ERR user_script:1: bad argument #3 to 'unpack' (number expected, got string)
        return struct.unpack('b', 'abc', nil)
            => 97 2
        return struct.unpack('b', 'abc', '2')
            => 98 3
        return struct.unpack('b', 'abc', 1.9)
            => 97 2
        return struct.unpack('', 'abc', 9)
            => 9
        return struct.unpack('', 'abc', 4)
            => 4
        return struct.unpack('', 'abc')
            => 1
        return struct.unpack('s', 'abc', 9)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack(' b', 'abc', 9)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('s', 'abc', 4)
            => ERR user_script:1: unfinished string in data
        return struct.unpack('c2x', 'abc')
            => "ab" 4
        return struct.unpack('c4', 'abc')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('c2147483647', 'abc')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('c2147483648', 'abc')
            => ERR user_script:1: integral size overflow
        return struct.unpack('fd', struct.pack('fd',1.1,1.1))
            => 1.1000000238418579 1.1000000000000001 13
        return struct.unpack('>fd', struct.pack('>fd',1.1,1.1))
            => 1.1000000238418579 1.1000000000000001 13
        return struct.unpack('!bi', struct.pack('!bi',1,2))
            => 1 2 9
        return struct.unpack('!bi', struct.pack('bi',1,2))
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('q', 'a')
            => ERR user_script:1: bad argument #1 to 'unpack' (invalid format option 'q')
        return struct.unpack('b')
            => ERR user_script:1: bad argument #2 to 'unpack' (string expected, got no value)
        return struct.unpack()
            => ERR user_script:1: bad argument #1 to 'unpack' (string expected, got no value)
        return struct.unpack('b', {})
            => ERR user_script:1: bad argument #2 to 'unpack' (string expected, got table)
        return struct.unpack('b', '')
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('!3', '')
            => ERR user_script:1: alignment 3 is not a power of 2
        return struct.unpack('Z9', '')
            => ERR user_script:1: bad argument #1 to 'unpack' (invalid format option 'Z')
        return select('#',struct.unpack(string.rep('b',7000), string.rep('a',7000)))
            => 7001
        return struct.unpack('i9', '\1\2\3\4\5\6\7\8\9\255')
            => -127 10
        return struct.unpack('i9', '\1\0\0\0\0\0\0\0\0')
            => 1 10
        return struct.unpack('i12', '\1\0\0\0\0\0\0\0\0\0\0\0')
            => 1 13
        return struct.unpack('i17', '\200\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0')
            => -56 18
        return struct.unpack('i32', string.rep('\128',32))
            => -9.1872019504357376e+18 33
        return struct.unpack('>i32', string.rep('\127',32))
            => 9.1872019504357376e+18 33
        return struct.unpack('', 'abc', -1)
            => -1
        return struct.unpack('', 'abc', -1e300)
            => -9.2233720368547758e+18
        return struct.unpack('', 'abc', 0/0)
            => -9.2233720368547758e+18
        return struct.unpack('', 'abc', 0.5)
            => ERR user_script:1: bad argument #3 to 'unpack' (offset must be 1 or greater)
        return struct.unpack('!8i', 'abc', -1)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('!8i', 'abcdefghijkl', -2)
            => ERR user_script:1: bad argument #2 to 'unpack' (data string too short)
        return struct.unpack('i0', '', 0)
            => ERR user_script:1: bad argument #3 to 'unpack' (offset must be 1 or greater)
        "##,
        );
    }

    #[test]
    fn sizes_are_those_of_the_reference() {
        trial::check(
            &trial::lua(),
            r##"
        return struct.size('bhlTfdx'), struct.size('!bhlTfdx'), struct.size('c10'),
        struct.size('i7'), struct.size('> <'), struct.size('!2i'), struct.size(''),
        struct.size(' !4 b i')
            => 32 41 10 7 0 4 0 8
        return struct.size('s')
            => ERR user_script:1: bad argument #1 to 'size' (option 's' has no fixed size)
        return struct.size('c0')
            => ERR user_script:1: bad argument #1 to 'size' (option 'c0' has no fixed size)
        return struct.size('q')
            => 0
        return struct.size('$')
            => ERR user_script:1: bad argument #1 to 'size' (invalid format option '$')
        return struct.size('\200')
            => ERR user_script:1: bad argument #1 to 'size' (invalid format option '\200')
        return struct.size()
            => ERR user_script:1: bad argument #1 to 'size' (string expected, got no value)
        return struct.size('i33')
            => ERR user_script:1: integral size 33 is larger than limit of 32
        return struct.size('!7')
            => ERR user_script:1: alignment 7 is not a power of 2
        return struct.size('c2147483647c2147483647')
            => 4294967294
        return struct.size(string.rep('c2147483647',100))
            => 214748364700
        return struct.size('c')
            => 1
        return struct.size('b9')
            => 1
        return struct.size('_')
            => ERR user_script:1: bad argument #1 to 'size' (invalid format option '_')
        return struct.size('!b i3'),struct.size('!b i7'),
        struct.size('!bc4'),struct.size('!b i5'),struct.size('!b!16 i12')
            => 6 14 5 10 24
        return struct:size()
            => ERR user_script:1: calling 'size' on bad self (string expected, got table)
        return struct:size(2)
            => ERR user_script:1: calling 'size' on bad self (string expected, got table)
        "##,
        );
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(
            order in "[<> ]", alignment in 0..5, byte in any::<i8>(), short in any::<u16>(),
            whole in any::<i32>(), double in -1e9..1e9_f64, text in "[a-z]{0,9}"
        ) {
            let lua = trial::lua();
            let format = format!("{order}!{}bHi5dBc0s", 1 << alignment);
            let length = text.len();
            let given = format!("{byte}, {short}, {whole}, {double:e}, {length}, '{text}', '{text}'");
            let script = format!("struct.unpack('{format}', struct.pack('{format}', {given}))");
            let again = format!("local a, b, c, d, e, f = {script} return a, b, c, d, e, f");
            let plain = format!("return {byte}, {short}, {whole}, {double:e}, '{text}', '{text}'");
            prop_assert_eq!(trial::run(&lua, &plain), trial::run(&lua, &again));
        }
    }
}
