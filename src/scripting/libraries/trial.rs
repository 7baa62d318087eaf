//! A plain Lua with the libraries, for tests: what a script returns, in words.

use mlua::{Error, Lua, MultiValue, Value};

use super::all;
use crate::scripting::raise::Raised;

/// A Lua like that of scripts. `pcall` hands out the text of what a function of ours has raised.
pub(super) fn lua() -> Lua {
    let lua = Lua::new();
    for (name, library) in all(&lua).expect("the libraries") {
        lua.globals().set(name, library).expect("a global");
    }
    let pcall = lua.create_function(|lua, mut arguments: MultiValue| {
        let Some(Value::Function(function)) = arguments.pop_front() else {
            return Ok(MultiValue::new());
        };
        match function.call::<MultiValue>(arguments) {
            Ok(mut results) => {
                results.push_front(Value::Boolean(true));
                Ok(results)
            }
            Err(error) => {
                let text = Value::String(lua.create_string(text(&error))?);
                Ok(MultiValue::from_vec(vec![Value::Boolean(false), text]))
            }
        }
    });
    lua.globals().set("pcall", pcall.expect("pcall")).expect("a global");
    lua
}

/// Runs a script as EVAL does and shows its results, or what it raises after `ERR `: strings in quotes with bytes
/// beyond ASCII as `\200`, numbers with 17 digits, light userdata as `null`, tables in braces.
pub(super) fn run(lua: &Lua, script: &str) -> String {
    let show = SHOW.replace('\n', " ");
    let script = format!("{show}return run(pcall(function() {script}\nend))");
    let shown = lua.load(script).set_name("@user_script").eval::<mlua::LuaString>();
    shown.map_or_else(|error| format!("FAILED {error}"), |shown| shown.to_string_lossy())
}

/// Checks what scripts show. A dialogue is scripts, of one line or several, and behind each what Valkey 9.1 shows
/// for it after `=>`. Scripts see what those before them have set.
pub(super) fn check(lua: &Lua, dialogue: &str) {
    let (mut script, mut expected) = (String::new(), String::new());
    let mut wrong = String::new();
    let mut play = |script: &mut String, expected: &mut String| {
        let (asked, expected) = (std::mem::take(script), std::mem::take(expected));
        let shown = if asked.is_empty() { String::new() } else { run(lua, &asked) };
        if shown != expected.trim() {
            wrong += &format!("{asked}\n  expected {}\n  shows    {shown}\n", expected.trim());
        }
    };
    for line in
        dialogue.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"))
    {
        match line.strip_prefix("=>") {
            Some(answer) => {
                expected += " ";
                expected += answer.trim();
            }
            None => {
                if !expected.is_empty() {
                    play(&mut script, &mut expected);
                }
                script += line;
                script += " ";
            }
        }
    }
    play(&mut script, &mut expected);
    assert!(wrong.is_empty(), "{wrong}");
}

/// The text of an error, as a script would find it.
fn text(error: &Error) -> Vec<u8> {
    match error {
        Error::CallbackError { cause, .. } => text(cause),
        Error::RuntimeError(message) => message.clone().into_bytes(),
        other => match other.downcast_ref::<Raised>() {
            Some(raised) => raised.text.clone(),
            None => other.to_string().into_bytes(),
        },
    }
}

/// Turns results into words. Valkey was asked through the very same.
const SHOW: &str = r#"
local function plain(text)
  return (string.gsub(text,'[^\32-\126]',function(c) return string.format('\\%03d',string.byte(c)) end))
end
local function show(v)
  if type(v)=='string' then
    return '"'..plain(v)..'"'
  elseif type(v)=='table' then
    local n=0 local parts={}
    for i=1,#v do parts[#parts+1]=show(v[i]) end
    local keys={}
    for k in pairs(v) do if type(k)~='number' or k<1 or k>#v or k%1~=0 then keys[#keys+1]=k end end
    table.sort(keys,function(a,b) return tostring(a)<tostring(b) end)
    for _,k in ipairs(keys) do parts[#parts+1]='['..show(k)..']='..show(v[k]) end
    return '{'..table.concat(parts,',')..'}'
  elseif type(v)=='userdata' then return 'null'
  elseif type(v)=='number' then return string.format('%.17g',v)
  else return tostring(v) end
end
local function run(...)
  if not (...) then local e=select(2,...) return 'ERR '..plain(type(e)=='table' and e.err or tostring(e)) end
  local parts={} for i=2,select('#',...) do parts[#parts+1]=show((select(i,...))) end
  return table.concat(parts,' ')
end
"#;
