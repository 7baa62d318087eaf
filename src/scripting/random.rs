//! `math.random`, with the numbers that the reference gives.
//!
//! The generator is POSIX's `lrand48`: 48 bits, of which the upper 31 are the number. A new Lua state begins with the
//! state that C gives it, and goes on from script to script until one calls `math.randomseed`.

use std::sync::atomic::{AtomicU64, Ordering};

use mlua::{Lua, Number, Value, Variadic};

use super::raise;

/// The state of a generator that has not been seeded.
pub(super) const UNSEEDED: u64 = 0x1234_ABCD_330E;

/// The lower sixteen bits of a state that has just been seeded.
const SEEDED: u64 = 0x330E;
const MULTIPLIER: u64 = 0x5DEE_CE66D;
const INCREMENT: u64 = 0xB;
const BITS: u64 = (1 << 48) - 1;

/// `math.randomseed(n)`: the new state.
pub(super) fn seed(lua: &Lua, args: &Variadic<Value>) -> mlua::Result<u64> {
    Ok(seeded(number(lua, args, 0)? as i64 as u64))
}

/// The state of a generator that has been seeded with the 32 lowest bits of a number.
pub(super) fn seeded(seed: u64) -> u64 {
    u64::from(seed as u32) << 16 | SEEDED
}

/// `math.random([m [, n]])`
pub(super) fn random(lua: &Lua, args: &Variadic<Value>, state: &AtomicU64) -> mlua::Result<Number> {
    let before = state.load(Ordering::Relaxed);
    let now = before.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & BITS;
    state.store(now, Ordering::Relaxed);
    let most = f64::from(i32::MAX);
    let fraction = ((now >> 17) as f64 % most) / most;
    let (low, high, index) = match args.len() {
        0 => return Ok(fraction),
        1 => (1, integer(lua, args, 0)?, 1),
        2 => (integer(lua, args, 0)?, integer(lua, args, 1)?, 2),
        _ => return Err(raise::here(lua, "wrong number of arguments")),
    };
    if low > high {
        return Err(raise::bad_argument(lua, index, "interval is empty"));
    }
    let width = high.wrapping_sub(low).wrapping_add(1);
    Ok((fraction * f64::from(width)).floor() + f64::from(low))
}

/// A number without its fraction, as C makes an `int` of it: the 32 lowest bits, which are 0 for what does not fit in 64.
fn integer(lua: &Lua, args: &Variadic<Value>, index: usize) -> mlua::Result<i32> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let number = number(lua, args, index)?;
    Ok(if (-LIMIT..LIMIT).contains(&number) { number as i64 as i32 } else { 0 })
}

fn number(lua: &Lua, args: &Variadic<Value>, index: usize) -> mlua::Result<Number> {
    let value = args.get(index);
    let number = value.map(|value| lua.coerce_number(value.clone())).transpose()?.flatten();
    number.ok_or_else(|| {
        let got = value.map_or("no value", Value::type_name);
        raise::bad_argument(lua, index + 1, format!("number expected, got {got}"))
    })
}
