//! What the functions on patterns do, compared with Lua's own, and what patterns cannot do to the server.
//!
//! What the reference replies is in the conversation `scripting/patterns`.

use mlua::{Function, Lua, Table, Value};

use super::super::failure;
use super::super::host::{self, Host, Run};
use crate::dispatch::Outcome;
use crate::error::{self, Error};
use crate::wire::Args;

/// A plain Lua, in which `ours` has the functions on patterns and `reason` turns errors into what a script sees.
fn lua() -> Lua {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.raw_set("ours", super::all(&lua).unwrap()).unwrap();
    let reason = lua.create_function(|lua, caught: Value| failure::reason(lua, caught)).unwrap();
    globals.raw_set("reason", reason).unwrap();
    lua
}

/// A command that is stopped when it has been asked often enough.
struct Impatient {
    run: Run,
    asked: usize,
    most: usize,
}

impl Host for Impatient {
    fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    fn invoke(&mut self) -> Outcome {
        unreachable!("these scripts call no commands")
    }

    fn may_run(&mut self, _: Args<'_>) -> Option<bool> {
        None
    }

    fn goes_on(&mut self) -> Result<(), Error> {
        self.asked += 1;
        if self.asked < self.most { Ok(()) } else { Err(error::NO_LUA) }
    }
}

/// Runs `code` and returns the text of its error, if it has one, and how often it was asked whether to go on.
fn stopped(code: &str, most: usize) -> (Option<String>, usize) {
    let lua = lua();
    let mut host = Impatient { run: Run::default(), asked: 0, most };
    let ran = host::lend(&mut host, || lua.load(code).exec());
    (ran.err().map(|error| error.to_string()), host.asked)
}

/// Numbers of a small generator: each run has the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn pick<'a>(&mut self, among: &[&'a [u8]]) -> &'a [u8] {
        among[self.below(among.len())]
    }

    fn subject(&mut self) -> Vec<u8> {
        const BYTES: &[u8] = b"aaabbcA1_ ()]%-^\0\xE9";
        (0..self.below(9)).map(|_| BYTES[self.below(BYTES.len())]).collect()
    }

    fn pattern(&mut self) -> Vec<u8> {
        const ITEMS: &[&[u8]] = &[
            b"a",
            b"b",
            b".",
            b"%a",
            b"%d",
            b"%s",
            b"%W",
            b"%p",
            b"%z",
            b"%x",
            b"%C",
            b"%u",
            b"[ab]",
            b"[^a]",
            b"[a-c]",
            b"[%d_]",
            b"[]]",
            b"[^]]",
            b"[a-]",
            b"[%a-z]",
            b"[-a]",
            b"%%",
            b"%.",
            b"[\x80-\xFF]",
        ];
        const OTHERS: &[&[u8]] = &[
            b"(", b")", b"()", b"%1", b"%2", b"%0", b"%b()", b"%bab", b"%b", b"%f[a]", b"%f[%w]",
            b"%f[^%z]", b"%f", b"$", b"^", b"%", b"\0", b"-", b"*", b"[", b"[^", b"[]", b"[a",
        ];
        const REPEATED: &[&[u8]] = &[b"", b"", b"", b"*", b"+", b"-", b"?"];
        let mut pattern = Vec::new();
        if self.below(8) == 0 {
            pattern.push(b'^');
        }
        for _ in 0..self.below(6) {
            match self.below(8) {
                0 | 1 => {
                    let (item, repeated) = (self.pick(ITEMS), self.pick(REPEATED));
                    pattern.extend([b"(", item, repeated, b")"].concat());
                }
                2 | 3 => pattern.extend(self.pick(OTHERS)),
                _ => pattern.extend([self.pick(ITEMS), self.pick(REPEATED)].concat()),
            }
        }
        pattern
    }
}

/// Calls a function with the same arguments, Lua's own and ours, and compares all that comes of it.
const COMPARE: &str = r##"
    local subject, pattern, init = ...
    local function told(...)
        local told = {}
        for i = 1, select("#", ...) do
            local value = select(i, ...)
            if type(value) == "userdata" then value = reason(value) end
            told[i] = type(value) .. " " .. tostring(value)
        end
        return table.concat(told, ", ")
    end
    local function each(gmatch)
        return function(...)
            local all = {}
            for a, b in gmatch(...) do all[#all + 1] = told(a, b) end
            return table.concat(all, "; ")
        end
    end
    local odd = 0
    local function first_of_two(...) odd = odd + 1; return odd % 2 == 1 and (...) .. select("#", ...) end
    local calls = {
        { "find", subject, pattern, init }, { "find", subject, pattern, init, true }, { "match", subject, pattern, init },
        { "gsub", subject, pattern, "<%0>", init }, { "gsub", subject, pattern, "%1%2%%%a%" },
        { "gsub", subject, pattern, { a = "x", b = false, ab = 7, [1] = "one" }, init },
        { "gsub", subject, pattern, first_of_two, init }, { "gsub", subject, pattern, { a = {} } },
    }
    for _, call in ipairs(calls) do
        odd = 0
        local theirs = told(pcall(string[call[1]], unpack(call, 2, 5)))
        odd = 0
        local mine = told(pcall(ours[call[1]], unpack(call, 2, 5)))
        if mine ~= theirs then return call[1], theirs, mine end
    end
    -- For the place in front of errors, each is called at the same line.
    local theirs = told(pcall(each(string.gmatch), subject, pattern))
    local mine = told(pcall(each(ours.gmatch), subject, pattern))
    if mine ~= theirs then return "gmatch", theirs, mine end
"##;

/// All that Lua's own functions make of small patterns, errors too, ours make of them.
#[test]
fn patterns_match_as_those_of_lua() {
    let lua = lua();
    let compare = lua.load(COMPARE).set_name("=compare").into_function().unwrap();
    let mut numbers = Numbers(1);
    for _ in 0..20_000 {
        let (subject, pattern) = (numbers.subject(), numbers.pattern());
        let init = numbers.below(14) as i64 - 4;
        let given = (mlua::BString::from(&*subject), mlua::BString::from(&*pattern), init);
        let (call, theirs, mine): (Option<String>, Option<mlua::BString>, Option<mlua::BString>) =
            compare.call(given).unwrap();
        assert!(
            call.is_none(),
            "{call:?} of {:?} in {:?} from {init}: {theirs:?}, not {mine:?}",
            pattern.escape_ascii().to_string(),
            subject.escape_ascii().to_string(),
        );
    }
}

/// Each kind of work that one call can do without end is stopped in the midst of it.
#[test]
fn a_pattern_that_runs_on_is_stopped() {
    for code in [
        "ours.find(('a'):rep(40), ('a?'):rep(40) .. 'b')",
        "ours.find(('a'):rep(100000), ('a?'):rep(100000) .. 'b')",
        "ours.find(('x'):rep(1e6), '.-.-.-.-y')",
        "ours.match(('x'):rep(1e6), '.*.*.*.*y')",
        "ours.gsub(('x'):rep(1e6), '.-.-.-.-y', '')",
        "ours.gsub(('x'):rep(1e6), '.-.-.-.-y', {})",
        "for _ in ours.gmatch(('x'):rep(1e6), '.-.-.-.-y') do end",
        "ours.find(('('):rep(1e6), '%b()')",
        "ours.find(('a'):rep(1e6), '[' .. ('b'):rep(1e6) .. ']')",
        "ours.find(('a'):rep(1e6), '%f[' .. ('b'):rep(1e6) .. ']')",
        "ours.find(('a'):rep(1e6), '(.*)%1b')",
        "ours.find(('a'):rep(1e6), ('a'):rep(5e5) .. 'b', 1, true)",
        "ours.gsub(('a'):rep(1e6), '(x-)', ('%1'):rep(1e6))",
    ] {
        let (error, asked) = stopped(code, 20);
        assert!(error.is_some_and(|error| error.contains("Lua")), "{code}");
        assert_eq!(asked, 20, "{code}");
    }
}

/// The hook sees a call as one instruction. So the steps of short calls add up.
#[test]
fn steps_of_short_calls_add_up() {
    let (error, asked) = stopped("for i = 1, 20000 do ours.find('aaaaaaaaaa', '.-.-b') end", 10);
    assert!(error.is_some());
    assert_eq!(asked, 10);
}

/// A long pattern needs no stack, and so much memory that it is bounded.
#[test]
fn long_patterns_match() {
    let lua = lua();
    let call = |code: &str| lua.load(code).eval::<Value>();
    let end = call("select(2, ours.find(('a'):rep(100000), ('a?'):rep(100000)))").unwrap();
    assert_eq!(end.as_i64(), Some(100_000));
    let end = call("#ours.match(('a'):rep(100000), ('a-'):rep(100000) .. '$')").unwrap();
    assert_eq!(end.as_i64(), Some(100_000));
    let error = call("ours.find(('a'):rep(2e6), ('a?'):rep(2e6))").unwrap_err();
    assert!(error.to_string().contains("pattern too complex"), "{error}");
}

/// What a replacement makes of a subject is refused before it takes much memory.
#[test]
fn a_text_that_grows_without_bound_is_refused() {
    let code = "ours.gsub(('a'):rep(1e6), 'a', ('b'):rep(1e6))";
    let error = lua().load(code).exec().unwrap_err();
    assert!(error.to_string().contains("not enough memory"), "{error}");
}

/// What a function raises that `gsub` calls is to its catcher the very value.
#[test]
fn errors_of_callbacks_keep_their_values() {
    let lua = lua();
    let raise: Function = lua
        .load(
            "local raised = { 1 }
            return function(depth)
                local function inner(n)
                    return (ours.gsub('a', 'a', function() return n == 0 and error(raised) or inner(n - 1) end))
                end
                local ok, caught = pcall(inner, depth)
                return ok, rawequal(reason(caught), raised)
            end",
        )
        .eval()
        .unwrap();
    for depth in [0, 1, 5] {
        assert_eq!(raise.call::<(bool, bool)>(depth).unwrap(), (false, true));
    }
}

/// Callbacks that nest without end are an error, not the end of the process; errors without end leave nothing behind.
#[test]
fn callbacks_nest_so_far() {
    let lua = lua();
    let code = "local function f() return (ours.gsub('a', 'a', f)) end
        local ok, caught = pcall(f)
        return tostring(reason(caught))";
    let error: String = lua.load(code).eval().unwrap();
    assert!(error.contains("overflow"), "{error}");
    let code = "for i = 1, 20000 do pcall(ours.gsub, 'a', 'a', function() error({}) end) end";
    lua.load(code).exec().unwrap();
    lua.gc_collect().unwrap();
    let functions: Table = lua.globals().raw_get("ours").unwrap();
    assert!(functions.raw_get::<Function>("find").is_ok());
}
