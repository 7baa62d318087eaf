//! `bit`: operations on 32 bits.
//!
//! A number stands for the 32 lowest bits of its nearest integer, the even one of two as near. A result is signed.

use mlua::{Lua, MultiValue, Result, Table, Value};

use super::arguments::Arguments;
use crate::scripting::texts;

pub(super) fn library(lua: &Lua) -> Result<Table> {
    let library = lua.create_table()?;
    for (name, operation) in UNARY {
        let function = move |lua: &Lua, values: MultiValue| {
            let arguments = Arguments::new(lua, values);
            Ok(signed(operation(bits(&arguments, 1)?)))
        };
        library.raw_set(*name, lua.create_function(function)?)?;
    }
    for (name, operation) in SHIFTS {
        let function = move |lua: &Lua, values: MultiValue| {
            let arguments = Arguments::new(lua, values);
            let subject = bits(&arguments, 1)?;
            Ok(signed(operation(subject, bits(&arguments, 2)? & 31)))
        };
        library.raw_set(*name, lua.create_function(function)?)?;
    }
    for (name, operation) in FOLDS {
        let function =
            move |lua: &Lua, values: MultiValue| fold(&Arguments::new(lua, values), *operation);
        library.raw_set(*name, lua.create_function(function)?)?;
    }
    library.raw_set(
        "tohex",
        lua.create_function(|lua, values| to_hex(lua, &Arguments::new(lua, values)))?,
    )?;
    Ok(library)
}

type Unary = fn(u32) -> u32;
type Binary = fn(u32, u32) -> u32;

const UNARY: &[(&str, Unary)] = &[
    ("tobit", |subject| subject),
    ("bnot", |subject| !subject),
    ("bswap", |subject| subject.swap_bytes()),
];

/// A shift is by 0 to 31 bits.
const SHIFTS: &[(&str, Binary)] = &[
    ("lshift", |subject, by| subject << by),
    ("rshift", |subject, by| subject >> by),
    ("arshift", |subject, by| (subject as i32 >> by) as u32),
    ("rol", |subject, by| subject.rotate_left(by)),
    ("ror", |subject, by| subject.rotate_right(by)),
];

const FOLDS: &[(&str, Binary)] = &[
    ("band", |one, other| one & other),
    ("bor", |one, other| one | other),
    ("bxor", |one, other| one ^ other),
];

/// Joins any number of arguments. The first is read first, the others from the last to the second: which of two bad
/// ones is complained about depends on it.
fn fold(arguments: &Arguments<'_>, operation: Binary) -> Result<f64> {
    let first = bits(arguments, 1)?;
    let joined = (2..=arguments.count()).rev().try_fold(first, |joined, index| {
        Ok::<_, mlua::Error>(operation(joined, bits(arguments, index)?))
    })?;
    Ok(signed(joined))
}

/// `bit.tohex(x [, n])`: the `n` last digits, or 8. Upper case if `n` is negative.
fn to_hex(lua: &Lua, arguments: &Arguments<'_>) -> Result<Value> {
    let subject = bits(arguments, 1)?;
    let wanted = if arguments.count() < 2 { 8 } else { bits(arguments, 2)? as i32 };
    // The smallest of all integers has no positive one. For LuaBitOp it is as good as another.
    let digits = wanted.unsigned_abs().min(8) as usize;
    let all = if wanted < 0 { format!("{subject:08X}") } else { format!("{subject:08x}") };
    texts::returned(lua, &all[8 - digits..])
}

/// The 32 bits of a number. 2^52 + 2^51 pushes its fraction out of the mantissa, rounded, and its lowest bits to the
/// end: numbers above 2^51 lose some to it, as LuaBitOp has it.
fn bits(arguments: &Arguments<'_>, index: usize) -> Result<u32> {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    Ok((arguments.number(index)? + SHIFT).to_bits() as u32)
}

fn signed(bits: u32) -> f64 {
    f64::from(bits as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::trial;

    #[test]
    fn operations_are_those_of_the_reference() {
        trial::check(
            &trial::lua(),
            r##"
        return bit.tobit(1), bit.tobit(-1), bit.tobit(4294967295), bit.tobit(4294967296),
        bit.tobit(2147483648), bit.tobit(-2147483649), bit.tobit(1.5), bit.tobit(2.5),
        bit.tobit(-0.5), bit.tobit(-1.5), bit.tobit(0.5), bit.tobit(0.50001)
            => 1 -1 -1 0 -2147483648 2147483647 2 2 0 -2 0 1
        return bit.tobit(1e15), bit.tobit(1e16), bit.tobit(1e300), bit.tobit(1/0),
        bit.tobit(-1/0), bit.tobit(0/0), bit.tobit(2^51), bit.tobit(2^52), bit.tobit(2^53),
        bit.tobit(2^54+4), bit.tobit(-2^52-1)
            => -1530494976 937459712 -2013235812 0 0 0 0 0 0 1 -4
        return bit.tobit('12'), bit.tobit('0x10'), bit.tobit(' 12 '), bit.tobit('1e3')
            => 12 16 12 1000
        return bit.tobit('x')
            => ERR user_script:1: bad argument #1 to 'tobit' (number expected, got string)
        return bit.tobit('')
            => ERR user_script:1: bad argument #1 to 'tobit' (number expected, got string)
        return bit.tobit()
            => ERR user_script:1: bad argument #1 to 'tobit' (number expected, got no value)
        return bit.tobit(nil)
            => ERR user_script:1: bad argument #1 to 'tobit' (number expected, got nil)
        return bit.tobit({})
            => ERR user_script:1: bad argument #1 to 'tobit' (number expected, got table)
        return bit.tobit(true)
            => ERR user_script:1: bad argument #1 to 'tobit' (number expected, got boolean)
        return bit.bnot(0), bit.bnot(-1), bit.bnot(0x12345678)
            => -1 0 -305419897
        return bit.band(0x12345678, 0xff), bit.band(1), bit.band(15,7,3,1), bit.bor(1,2,4,8),
        bit.bxor(0xa5a5f0f0, 0xaa55ff00), bit.bor(1), bit.bxor(5)
            => 120 1 1 15 267390960 1 5
        return bit.band(1,'x')
            => ERR user_script:1: bad argument #2 to 'band' (number expected, got string)
        return bit.band(1,2,{},'x')
            => ERR user_script:1: bad argument #4 to 'band' (number expected, got string)
        return bit.band({},2,{},'x')
            => ERR user_script:1: bad argument #1 to 'band' (number expected, got table)
        return bit.bor(1,2,nil,3)
            => ERR user_script:1: bad argument #3 to 'bor' (number expected, got nil)
        return bit.lshift(1,0), bit.lshift(1,8), bit.lshift(1,40), bit.lshift(0x87654321,12),
        bit.lshift(1,-1), bit.lshift(1,32), bit.lshift(1,31)
            => 1 256 256 1412567040 -2147483648 1 -2147483648
        return bit.rshift(256,8), bit.rshift(-256,8), bit.rshift(0x87654321,12),
        bit.rshift(1,33)
            => 1 16777215 554580 0
        return bit.arshift(256,8), bit.arshift(-256,8), bit.arshift(0x87654321,12)
            => 1 -1 -493996
        return bit.rol(0x12345678,12), bit.ror(0x12345678,12), bit.rol(1,0), bit.ror(1,32),
        bit.rol(1,31), bit.ror(1,31)
            => 1164411171 1736516421 1 1 -2147483648 2
        return bit.lshift(1)
            => ERR user_script:1: bad argument #2 to 'lshift' (number expected, got no value)
        return bit.lshift('x',{})
            => ERR user_script:1: bad argument #1 to 'lshift' (number expected, got string)
        return bit.lshift({},'x')
            => ERR user_script:1: bad argument #1 to 'lshift' (number expected, got table)
        return bit.lshift()
            => ERR user_script:1: bad argument #1 to 'lshift' (number expected, got no value)
        return bit.bswap(0x12345678), bit.bswap(0x78563412), bit.bswap(-1), bit.bswap(0x80)
            => 2018915346 305419896 -1 -2147483648
        return bit.tohex(1), bit.tohex(-1), bit.tohex(0xffffffff), bit.tohex(-1,-8),
        bit.tohex(0x21,4), bit.tohex(0x87654321,4), bit.tohex(0x87654321,-4), bit.tohex(1,0),
        bit.tohex(1,100), bit.tohex(1,-100), bit.tohex(1,-2147483648), bit.tohex(1,2147483648),
        bit.tohex(255,1)
            => "00000001" "ffffffff" "ffffffff" "FFFFFFFF" "0021" "4321" "4321" "" "00000001"
            => "00000001" "00000001" "00000001" "f"
        return bit.tohex(1,nil)
            => ERR user_script:1: bad argument #2 to 'tohex' (number expected, got nil)
        return bit.tohex(1,'2')
            => "01"
        return bit.tohex(1,'x')
            => ERR user_script:1: bad argument #2 to 'tohex' (number expected, got string)
        return bit.tohex()
            => ERR user_script:1: bad argument #1 to 'tohex' (number expected, got no value)
        return bit:tobit()
            => ERR user_script:1: calling 'tobit' on bad self (number expected, got table)
        return bit.tobit(1,2)
            => 1
        local f = bit.band return f({})
            => ERR user_script:1: bad argument #1 to 'f' (number expected, got table)
        return (bit['band']({}))
            => ERR user_script:1: bad argument #1 to 'band' (number expected, got table)
        return pcall(bit.band, {})
            => false "bad argument #1 to '?' (number expected, got table)"
        local t = {a={b=bit.band}} return t.a.b()
            => ERR user_script:1: bad argument #1 to 'b' (number expected, got no value)
        local t = {bit.band} return t[1]()
            => ERR user_script:1: bad argument #1 to '?' (number expected, got no value)
        "##,
        );
    }

    proptest! {
        #[test]
        fn operations_undo_each_other(subject in any::<i32>(), by in 0..64) {
            let lua = trial::lua();
            let script = format!(
                "local x, n = {subject}, {by} return bit.ror(bit.rol(x, n), n), bit.bnot(bit.bnot(x)),
                bit.bswap(bit.bswap(x)), bit.bxor(bit.bxor(x, n), n), bit.tobit(tonumber(bit.tohex(x), 16))"
            ).replace('\n', " ");
            let expected = vec![subject.to_string(); 5].join(" ");
            prop_assert_eq!(trial::run(&lua, &script), expected);
        }
    }
}
