//! What `sandbox.lua` needs so that no call of a script lasts beyond the reach of SCRIPT KILL: see [`super::goes_on`].
//!
//! Lua's compiler cannot be interrupted. It takes time by the length of the code, and by the square of the number of
//! branches and operators in one statement, so that both are bounded, far beyond what scripts have.

use mlua::{Function, Lua, LuaString, MultiValue, Result, Table, Value};

use super::{failure, goes_on, raise};

/// The functions: `spend` counts steps and returns whether the script takes little memory, `grown` is called after each
/// cycle of the garbage collector, `fault` says what is wrong with code that would take long to compile, `counted` makes
/// of `coroutine.create` or `wrap` one that counts, and `note` notes where an error was raised.
pub(super) fn functions(lua: &Lua) -> Result<Table> {
    let functions = lua.create_table()?;
    functions.raw_set(
        "spend",
        lua.create_function(|_, steps: f64| {
            goes_on::spend(steps as usize)?;
            Ok(goes_on::takes_little())
        })?,
    )?;
    functions.raw_set("counted", lua.create_function(counted)?)?;
    functions.raw_set("note", lua.create_function(failure::note)?)?;
    functions.raw_set("grown", lua.create_function(|lua, ()| goes_on::watch_by_memory(lua))?)?;
    functions.raw_set(
        "fault",
        lua.create_function(|_, code: LuaString| {
            let code = code.as_bytes();
            goes_on::spend(code.len() / BYTES_PER_STEP)?;
            Ok(fault_of_code(&code))
        })?,
    )?;
    Ok(functions)
}

/// Each coroutine has a hook of its own, which is not called before some thousand instructions.
const STEPS_PER_COROUTINE: usize = 500;

fn counted(lua: &Lua, make: Function) -> Result<Function> {
    lua.create_function(move |lua, args: MultiValue| {
        goes_on::spend(STEPS_PER_COROUTINE)?;
        match args.front() {
            Some(Value::Function(body)) if body.info().what != "C" => make.call::<Value>(body),
            _ => Err(raise::bad_argument(lua, 1, "Lua function expected")),
        }
    })
}

/// Compiling so many bytes takes about as long as a step.
const BYTES_PER_STEP: usize = 4;

/// Longer code is not compiled.
const LONGEST_CODE: usize = 16 << 20;

/// More of the words in [`CHAINED`] are not compiled, in all.
const MOST_CHAINED: usize = 20_000;

/// To add another of these to a statement, the compiler walks over all those before it.
const CHAINED: [&[u8]; 4] = [b"elseif", b"and", b"or", b"break"];

/// Why code is not compiled, if it is not.
pub(super) fn fault_of_code(code: &[u8]) -> Option<&'static str> {
    if code.len() > LONGEST_CODE {
        return Some("code too long");
    }
    // Most code is too short to have so many of them.
    if code.len() / b"or ".len() < MOST_CHAINED {
        return None;
    }
    let words = code.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let chained = words.filter(|word| CHAINED.contains(word)).count();
    (chained > MOST_CHAINED).then_some("code has too many branches and operators")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_refused_that_would_take_long_to_compile() {
        let chain = |link: &str, links: usize| format!("return x {}", link.repeat(links));
        for link in ["elseif x then ", "or x ", "and(x)", "if x then break end "] {
            let refused = Some("code has too many branches and operators");
            assert_eq!(fault_of_code(chain(link, 20_001).as_bytes()), refused, "{link}");
            assert_eq!(fault_of_code(chain(link, 20_000).as_bytes()), None, "{link}");
        }
        assert_eq!(fault_of_code(chain("order ", 100_000).as_bytes()), None);
        assert_eq!(fault_of_code(&vec![b' '; LONGEST_CODE + 1]), Some("code too long"));
    }
}
