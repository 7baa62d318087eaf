-- What a script finds when it starts, and no more.
--
-- Lua 5.1 has no read-only tables. So a script is handed fronts: a front is an empty table, what it shows lies behind
-- it, out of reach, and writing to a front is an error. Functions that would pass a front by, such as rawset, are
-- replaced by some that ask first.
--
-- The chunk is given functions of ours: `reason` turns what pcall caught into what the script may see, `fail` keeps an
-- error that nothing has caught, `limit` sets the limit of memory, `random` and `randomseed` are the reference's,
-- `patterns` are functions that take the place of some of `string`, and `reach` has those that keep scripts within
-- reach. It returns four functions, `run`, `share`, `loader` and `disarm`, the globals, before their front and behind it,
-- and the table of scripts and functions that are kept.

local reason, fail, limit, random, randomseed, patterns, reach = ...

local error, getmetatable, next, pairs, pcall, rawget, rawset = error, getmetatable, next, pairs, pcall, rawget, rawset
local select, setfenv, setmetatable, tostring, type, unpack = select, setfenv, setmetatable, tostring, type, unpack
local xpcall, loadstring, collectgarbage = xpcall, loadstring, collectgarbage
local byte, concat, format = string.byte, table.concat, string.format
local resume, running, insert, tonumber = coroutine.resume, coroutine.running, table.insert, tonumber
local sort, find, gsub, newproxy = table.sort, string.find, string.gsub, newproxy
local spend, grown, fault, note = reach.spend, reach.grown, reach.fault, reach.note

local READ_ONLY = "Attempt to modify a readonly table"

-- What lies behind each front.
local behind = {}

local function refuse()
  error(READ_ONLY, 2)
end

-- A front for `contents`. It has a metatable that can be looked at if `shows` says so.
local function front(contents, metatable)
  local shown = {}
  behind[shown] = contents
  return setmetatable(shown, { __index = contents, __newindex = refuse, __metatable = metatable or false })
end

-- An error about argument `index` of `name`, as Lua's own functions word it, at the line that has called.
local function bad_argument(index, name, expected, value, is_missing)
  local got = is_missing and "no value" or type(value)
  error(format("bad argument #%d to '%s' (%s expected, got %s)", index, name, expected, got), 3)
end

local globals = {
  _VERSION = _VERSION, assert = assert, error = error, gcinfo = gcinfo, ipairs = ipairs, rawequal = rawequal,
  select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
}

-- Tables.

function globals.next(...)
  local t, key = ...
  if type(t) ~= "table" then bad_argument(1, "next", "table", t, select("#", ...) == 0) end
  return next(behind[t] or t, key)
end

function globals.pairs(...)
  local t = ...
  if type(t) ~= "table" then bad_argument(1, "pairs", "table", t, select("#", ...) == 0) end
  if behind[t] then
    return globals.next, t, nil
  end
  return next, t, nil
end

function globals.rawget(...)
  local t, key = ...
  if type(t) ~= "table" then bad_argument(1, "rawget", "table", t, select("#", ...) == 0) end
  return rawget(behind[t] or t, key)
end

function globals.rawset(...)
  local t = ...
  if type(t) ~= "table" then bad_argument(1, "rawset", "table", t, select("#", ...) == 0) end
  if behind[t] then error(READ_ONLY, 0) end
  return rawset(...)
end

function globals.getmetatable(...)
  if select("#", ...) == 0 then bad_argument(1, "getmetatable", "any", nil, true) end
  return getmetatable((...)) or nil
end

function globals.setmetatable(...)
  local t, metatable = ...
  if type(t) ~= "table" then bad_argument(1, "setmetatable", "table", t, select("#", ...) == 0) end
  if behind[t] then error(READ_ONLY, 0) end
  if metatable ~= nil and type(metatable) ~= "table" or select("#", ...) < 2 then
    error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
  end
  local ok, result = pcall(setmetatable, t, metatable)
  if not ok then error(result, 2) end
  return result
end

local FARTHEST = 1e7

-- The one function of `table` that could add something to a front.
local tables = {}
for name, value in pairs(table) do
  tables[name] = value
end
function tables.insert(...)
  local t, position, value = ...
  local count = select("#", ...)
  if type(t) ~= "table" then bad_argument(1, "insert", "table", t, count == 0) end
  if behind[t] then error(READ_ONLY, 0) end
  if count == 2 then
    rawset(t, #t + 1, position)
  elseif count == 3 then
    if not tonumber(position) then bad_argument(2, "insert", "number", position) end
    -- Lua moves what is behind the position, one by one, and nothing can stop it.
    if #t - position > FARTHEST then error("bad argument #2 to 'insert' (position out of bounds)", 2) end
    insert(t, position, value)
  else
    error("wrong number of arguments to 'insert'", 2)
  end
end

-- Lua's own sort compares as often as it likes without an instruction of the script. So a large table, or one whose
-- members may be large, is compared by a function of Lua's.
local FEW = 1000
local OWN_PLACE = "^sandbox:%d+: "

local function is_less(one, other)
  return one < other
end

-- What was raised in the script stays what it is. What was raised by sort itself is a string without a place.
local function noted(raised)
  if type(raised) == "string" and find(raised, OWN_PLACE) then return (gsub(raised, OWN_PLACE, "")) end
  return note(raised)
end

function tables.sort(...)
  local t, less = ...
  if type(t) ~= "table" then bad_argument(1, "sort", "table", t, select("#", ...) == 0) end
  if less ~= nil and type(less) ~= "function" then bad_argument(2, "sort", "function", less) end
  local count = #t
  local is_quick = count < 2 or spend(count * 16) and count <= FEW
  if is_quick and not less then return sort(t) end
  local compare = less or is_less
  if less and not is_quick then
    compare = function(one, other)
      local is_first = less(one, other)
      return is_first
    end
  end
  local ok, raised = xpcall(function() sort(t, compare) end, noted)
  if ok then return end
  error(raised, less and type(raised) == "string" and 2 or 0)
end

-- And one that is to see what is behind a front.
local foreach = table.foreach
function tables.foreach(t, f)
  if not behind[t] then return foreach(t, f) end
  for key, value in next, behind[t] do
    local result = f(key, value)
    if result ~= nil then return result end
  end
end

-- Errors: what a function of ours has raised looks like one of Lua's.

local function seen(ok, ...)
  if ok then return ok, ... end
  return ok, reason((...))
end

-- In how many calls of pcall and xpcall the script is.
local protected = 0

-- To pcall alone an error reply is its text.
local function seen_as_text(ok, ...)
  protected = protected - 1
  if ok then return ok, ... end
  local caught = reason((...))
  if type(caught) == "table" and type(rawget(caught, "err")) == "string" then
    caught = rawget(caught, "err")
  end
  return ok, caught
end

-- What xpcall's handler has made of an error stays as it is, unless the script is to end.
local function ended(ok, ...)
  protected = protected - 1
  if not ok then reason() end
  return ok, ...
end

function globals.pcall(...)
  if select("#", ...) == 0 then return false, "attempt to call a boolean value" end
  protected = protected + 1
  return seen_as_text(pcall(...))
end

function globals.xpcall(...)
  local f, handler = ...
  if select("#", ...) < 2 then error("bad argument #2 to 'xpcall' (value expected)", 2) end
  protected = protected + 1
  return ended(xpcall(f, function(raised)
    return handler(reason(raised))
  end))
end

local coroutines = {}
for name, value in pairs(coroutine) do
  coroutines[name] = value
end
coroutines.create, coroutines.wrap = reach.counted(coroutine.create), reach.counted(coroutine.wrap)
function coroutines.resume(...)
  if type((...)) ~= "thread" then error("bad argument #1 to 'resume' (coroutine expected)", 2) end
  return seen(resume(...))
end

-- Code. Lua does not check bytecode, so none is loaded: behind a space it is text, and no good one.

local function load_text(text, name)
  if byte(text) == 27 then
    text = " " .. text
  end
  local refused = fault(text)
  if refused then return nil, refused end
  return loadstring(text, name)
end

function globals.loadstring(...)
  local text, name = ...
  if type(text) == "number" then text = tostring(text) end
  if type(text) ~= "string" then bad_argument(1, "loadstring", "string", text, select("#", ...) == 0) end
  return load_text(text, name or text)
end

-- What the reader of `load` has raised is an error reply, as what nothing catches is; but where the script would catch it
-- or is a coroutine, it is what it is.
local function as_reply(raised)
  if type(raised) == "table" or protected > 0 or running() then return raised end
  return { err = "ERR " .. tostring(raised) }
end

function globals.load(...)
  local piece, name = ...
  if type(piece) ~= "function" then bad_argument(1, "load", "function", piece, select("#", ...) == 0) end
  local pieces = {}
  while true do
    local ok, more = pcall(piece)
    if not ok then return nil, as_reply(reason(more)) end
    if more == nil or more == "" then break end
    if type(more) ~= "string" and type(more) ~= "number" then return nil, "reader function must return a string" end
    pieces[#pieces + 1] = more
  end
  return load_text(concat(pieces), name or "=(load)")
end

-- Collecting may be asked for, and not be switched off.
local collecting = { collect = true, count = true, step = true }
local ignored = { stop = true, restart = true, setpause = true, setstepmul = true }

local PER_COLLECTION = 1000

function globals.collectgarbage(option, ...)
  if option == nil or collecting[option] then
    -- Lua calls what watches the collector at its own steps only.
    if option ~= "count" then
      spend(PER_COLLECTION)
      grown()
    end
    return collectgarbage(option, ...)
  elseif not ignored[option] then
    error(format("bad argument #1 to 'collectgarbage' (invalid option '%s')", tostring(option)), 2)
  end
  return 0
end

local maths = {}
for name, value in pairs(math) do
  maths[name] = value
end
maths.random, maths.randomseed = random, randomseed

local strings = {}
for name, value in pairs(string) do
  strings[name] = value
end
for name, value in pairs(patterns) do
  strings[name] = value
end

-- Globals. Reading one that is not there is an error too: it is a misspelt local, as a rule.

local function missing(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

local environment = {}
behind[environment] = globals
setmetatable(globals, { __index = missing })
local of_environment = {
  __index = globals,
  __newindex = refuse,
  __metatable = front({}),
}
setmetatable(environment, of_environment)

local function share(name, contents)
  rawset(globals, name, front(contents))
end

share("string", strings)
share("table", tables)
share("math", maths)
share("coroutine", coroutines)
share("os", { clock = os.clock })
rawset(globals, "_G", environment)

local of_strings = getmetatable("")
of_strings.__index = strings
of_strings.__metatable = front({ __index = rawget(globals, "string") })

-- A watch on the garbage collector: a proxy that is garbage from the start. When a cycle has collected it, how often the
-- hook is called is chosen anew, and the next one stands guard.
local watch, is_watched = newproxy(true), false

local function stand_guard()
  newproxy(watch)
  is_watched = true
end

getmetatable(watch).__gc = function()
  is_watched = false
  stand_guard()
  grown()
end

local function disarm()
  getmetatable(watch).__gc = nil
end

-- Scripts and functions that are kept, by their numbers.
local kept = {}

-- Runs the script that is kept as `number`, with its first `numkeys` arguments as KEYS and the others as ARGV: as globals
-- for EVAL, as two arguments for a function. With a negative number of keys the two tables come ready. Without one there
-- are no arguments, and the limit of memory holds already.
local function run(number, is_function, numkeys, ...)
  local script = kept[number]
  local keys, argv
  if not numkeys then
    keys, argv = {}, {}
  elseif numkeys == 0 then
    keys, argv = {}, { ... }
  elseif numkeys == 1 then
    keys, argv = { (...) }, { select(2, ...) }
  elseif numkeys > 0 then
    keys, argv = {}, {}
    local all = { ... }
    for i = 1, #all do
      if i <= numkeys then keys[i] = all[i] else argv[i - numkeys] = all[i] end
    end
  else
    keys, argv = ...
  end
  if numkeys then limit() end
  if not is_watched then stand_guard() end
  protected = 0
  if is_function then
    return xpcall(function() return (script(keys, argv)) end, fail)
  end
  globals.KEYS, globals.ARGV = keys, argv
  return xpcall(script, fail)
end

-- Makes the function that runs the code of a library. That code finds `server`, with what `contents` has, and nothing
-- else; the functions that it makes find the globals later, when they are called.
local function loader(contents)
  local server = front(setmetatable(contents, { __index = missing }))
  local also = rawget(globals, "server") and server
  local only = setmetatable({ redis = server, server = also }, { __index = missing })
  return function(code)
    of_environment.__index = only
    local ok, raised = xpcall(code, fail)
    of_environment.__index = globals
    return ok, raised
  end
end

return run, share, loader, disarm, environment, globals, kept
