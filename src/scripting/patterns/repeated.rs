//! `string.rep`: a string, so many times.

use mlua::{Lua, MultiValue, Value};

use super::super::{goes_on, memory, raise, texts};
use super::arguments::Arguments;

/// The text may not be longer: as much as a script may take at all.
const MOST_BYTES: usize = 256 << 20;

/// Writing so many bytes takes about as long as a step.
const BYTES_PER_STEP: usize = 64;

/// `string.rep(s, n)`
pub(super) fn rep(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let args = Arguments { lua, given: args };
    let text = args.text(0)?;
    let count = usize::try_from(args.count(1)?).unwrap_or(0);
    let text = text.as_bytes();
    let length = text.len().saturating_mul(count);
    if length > MOST_BYTES {
        return Err(raise::plain(memory::NOT_ENOUGH));
    }
    goes_on::spend(length / BYTES_PER_STEP)?;
    texts::returned(lua, text.repeat(if text.is_empty() { 0 } else { count }))
}
